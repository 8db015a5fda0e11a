/* Signals and waits. An instance of a channel counts the signals of up to GENERATIONS rounds; an
 * actor that waits stands in the instance's list until its count is reached, and then sees it by
 * the poll rule shared with the closed form: no event per poll.
 *
 * A wait that was in vain up to now takes over the clock of the signal that ended it, together with
 * that clock's story, so that the breakdown follows the critical path as in model/walk.c.
 */
#include "sim/run.h"
#include "sim/timeline.h"

#include <string.h>

static struct generation *generation_of(struct run *s, uint32_t instance, uint32_t number)
{
    struct generation *const g = &s->instances[instance].generations[number % GENERATIONS];
    if (g->number != number) {
        if (g->number > number || g->passed < s->plan->passes[instance]) {
            run_fail(s, ERR_NUMERIC,
                     "one actor runs more rounds ahead of another than can be told apart");
        }
        *g = (struct generation){.wake = UINT64_MAX, .number = number};
    }
    return g;
}

/* Nobody waits for what is not sent in the first round. */
static void skip_first(struct run *s)
{
    for (uint32_t c = 0; c < s->plan->program->n_channels; ++c) {
        const struct plan_channel *const channel = &s->plan->channels[c];
        for (uint32_t i = 0; channel->later && i < channel->instances; ++i) {
            struct generation *const first = &s->instances[channel->first + i].generations[0];
            if (first->number == 0) {
                first->passed = s->plan->passes[channel->first + i];
            }
        }
    }
}

void channel_reset(struct run *s)
{
    for (uint32_t i = 0; i < s->plan->instances; ++i) {
        struct instance *const instance = &s->instances[i];
        instance->first_waiting = instance->last_waiting = PLAN_NONE;
        for (uint32_t g = 0; g < GENERATIONS; ++g) {
            instance->generations[g] = (struct generation){.wake = UINT64_MAX, .number = g};
        }
    }
    skip_first(s);
}

/* What one actor has counted before it entered the span it is in. */
static uint64_t before_span(const uint64_t per_span[SPANS], unsigned span, uint64_t rounds)
{
    return span == SPAN_SETUP ? 0 : per_span[SPAN_SETUP] + rounds * per_span[SPAN_ITERATION];
}

/* ---------------------------------------------------------------- waking */

static void unlink_waiting(struct run *s, struct instance *instance, uint32_t previous, uint32_t a)
{
    const uint32_t next = s->actors[a].next_waiting;
    if (previous == PLAN_NONE) {
        instance->first_waiting = next;
    } else {
        s->actors[previous].next_waiting = next;
    }
    if (instance->last_waiting == a) {
        instance->last_waiting = previous;
    }
}

/* Take over the clock of the actor whose signal ended the wait: it stands in the middle of an op.
 */
static void adopt_clocks(struct run *s, uint32_t a, uint32_t from)
{
    double *const own = clocks_of(s, s->clocks, a);
    const double *const other = clocks_of(s, s->clocks, from);
    memcpy(own, other, s->stride * sizeof *own);
    const struct actor *const sender = &s->actors[from];
    own[s->plan->ops[sender->op].phase] += s->queue.now_s - sender->since_s;
}

static void count_polls(struct run *s, uint32_t a, const struct plan_op *op, double polls)
{
    double failed = 0.0;
    int kind = 0;
    if (op->poll == POLL_LIST) {
        failed = polls * op->poll_pages;
    } else if (op->poll == POLL_GET) { /* the last is the GET of the data */
        failed = polls - 1.0;
        kind = 1;
    } else {
        return;
    }
    s->counters.polls[op->store][kind] += failed;
    if (s->actors[a].span == SPAN_ITERATION && s->actors[a].round >= TRANSIENT_ROUNDS) {
        s->counters.steady_polls[op->store][kind] += failed;
    }
}

/* The signals are there, now: when does a see them? */
static void see(struct run *s, uint32_t a, uint32_t from)
{
    struct actor *const actor = &s->actors[a];
    const struct plan_op *const op = &s->plan->ops[actor->op];
    const struct config *const c = s->plan->config;
    const double now = s->queue.now_s;
    double first = 0.0;
    double latency = 0.0;
    if (op->poll != POLL_NONE && c->system.poll_interval_s > 0 && c->simulation.play_polling) {
        first = c->system.poll_interval_s;
        latency = run_draw(s, op->latency, op->effect, &actor->latency);
    }
    double polls = 1.0;
    double gap;
    /* A signal on a grid point is seen there, even where rounding puts the point before the signal.
     */
    const double seen = fmax(poll_doubling(actor->since_s, now, first,
                                           c->system.poll_interval_max_s, latency, &polls, &gap),
                             now);
    count_polls(s, a, op, polls);
    if (s->timeline != NULL) {
        timeline_span(s->timeline, s, a, TIMELINE_WAIT, actor->since_s, seen, NULL);
    }
    adopt_clocks(s, a, from);
    clocks_of(s, s->clocks, a)[s->plan->program->n_phases] += seen - now;
    actor->since_s = seen;
    actor->state = ACTOR_POLLING;
    run_at(s, a, CLASS_ACTOR, seen);
}

static void wake(struct run *s, uint32_t instance, uint32_t from)
{
    struct instance *const place = &s->instances[instance];
    for (uint32_t g = 0; g < GENERATIONS; ++g) {
        place->generations[g].wake = UINT64_MAX;
    }
    uint32_t previous = PLAN_NONE;
    for (uint32_t a = place->first_waiting; a != PLAN_NONE;) {
        struct actor *const actor = &s->actors[a];
        const uint32_t next = actor->next_waiting;
        struct generation *const g = &place->generations[actor->wait_generation % GENERATIONS];
        if (g->count >= actor->wait_count) {
            unlink_waiting(s, place, previous, a);
            ++g->passed;
            see(s, a, from);
        } else {
            g->wake = actor->wait_count < g->wake ? actor->wait_count : g->wake;
            previous = a;
        }
        a = next;
    }
}

/* ---------------------------------------------------------------- signalling */

static void deliver(struct run *s, uint32_t instance, uint32_t number, uint32_t from)
{
    struct generation *const g = generation_of(s, instance, number);
    if (++g->count >= g->wake) {
        wake(s, instance, from);
    }
}

void channel_signal(struct run *s, uint32_t a, uint32_t request)
{
    const struct plan *const p = s->plan;
    const struct actor *const actor = &s->actors[a];
    const struct plan_op *const op = &p->ops[actor->op];
    const struct plan_channel *const channel = &p->channels[op->channel];
    uint32_t number = 0;
    if (!channel->cumulative) {
        const uint64_t index = before_span(channel->sends[op->role], actor->span, actor->round) +
                               op->sends_before + actor->loop_round * op->sends_per_round;
        number = (uint32_t)(index / channel->generation_sends[op->role]);
    }
    if (op->peer == PEER_ALL) {
        for (uint32_t i = 0; i < channel->instances; ++i) {
            deliver(s, channel->first + i, number, a);
        }
    } else {
        deliver(s, channel->first + plan_target(p, op, self_of(p, a), request), number, a);
    }
}

/* ---------------------------------------------------------------- waiting */

bool channel_await(struct run *s, uint32_t a)
{
    const struct plan *const p = s->plan;
    struct actor *const actor = &s->actors[a];
    const struct plan_op *const op = &p->ops[actor->op];
    const struct plan_channel *const channel = &p->channels[op->channel];
    if (actor_repeats(s, a, 0)) { /* it had these signals before it crashed */
        count_polls(s, a, op, 1.0);
        return true;
    }
    const uint32_t self = self_of(p, a);
    const uint32_t instance = channel->first + program_instance(&p->program->channels[op->channel],
                                                                self, p->roles[op->role].actors);
    uint32_t number = 0;
    uint64_t count = plan_share(p, op, self, op->need);
    if (!channel->cumulative) {
        const uint64_t index = before_span(channel->awaits[op->role], actor->span, actor->round) +
                               op->awaits_before + actor->loop_round * op->awaits_per_round;
        const uint64_t awaits = channel->generation_awaits[op->role];
        number = (uint32_t)(index / awaits);
        if (awaits > 1) { /* a generation is a round: of its awaits this is not the first */
            count = plan_needed(p, actor->op, self, actor->loop_round);
        }
    } else {
        count = plan_needed(p, actor->op, self, actor->loop_round);
        if (actor->span != SPAN_SETUP) {
            count += plan_needed_in(p, op->channel, op->role, SPAN_SETUP, self) +
                     actor->round * plan_needed_in(p, op->channel, op->role, SPAN_ITERATION, self);
        }
    }
    struct generation *const g = generation_of(s, instance, number);
    if (g->count >= count) {
        ++g->passed;
        count_polls(s, a, op, 1.0);
        return true;
    }
    actor->wait_generation = number;
    actor->wait_count = count;
    actor->next_waiting = PLAN_NONE;
    g->wake = count < g->wake ? count : g->wake;
    struct instance *const place = &s->instances[instance];
    if (place->last_waiting == PLAN_NONE) {
        place->first_waiting = a;
    } else {
        s->actors[place->last_waiting].next_waiting = a;
    }
    place->last_waiting = a;
    return false;
}

void channel_leave(struct run *s, uint32_t a)
{
    const struct plan *const p = s->plan;
    const struct plan_op *const op = &p->ops[s->actors[a].op];
    const uint32_t instance =
        p->channels[op->channel].first + program_instance(&p->program->channels[op->channel],
                                                          self_of(p, a), p->roles[op->role].actors);
    uint32_t previous = PLAN_NONE;
    for (uint32_t w = s->instances[instance].first_waiting; w != PLAN_NONE && w != a;) {
        previous = w;
        w = s->actors[w].next_waiting;
    }
    unlink_waiting(s, &s->instances[instance], previous, a);
}

void channel_rewind(struct run *s, uint32_t round)
{
    const struct plan *const p = s->plan;
    for (uint32_t c = 0; c < p->program->n_channels; ++c) {
        const struct plan_channel *const channel = &p->channels[c];
        uint64_t first = UINT64_MAX; /* generation of the round */
        for (uint32_t r = 0; r < p->program->n_roles; ++r) {
            if (channel->generation_sends[r] > 0) {
                first = before_span(channel->sends[r], SPAN_ITERATION, round) /
                        channel->generation_sends[r];
            }
        }
        for (uint32_t i = 0; !channel->cumulative && i < channel->instances; ++i) {
            struct generation *const g = s->instances[channel->first + i].generations;
            for (uint32_t k = 0; k < GENERATIONS; ++k) {
                if (g[k].number >= first) {
                    g[k] = (struct generation){.wake = UINT64_MAX, .number = g[k].number};
                }
            }
        }
    }
    skip_first(s);
}
