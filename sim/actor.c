/* Actors: program counters that run ops until one takes time. */
#include "sim/run.h"
#include "sim/timeline.h"

uint64_t actor_round(const struct run *s, uint32_t a)
{
    return (uint64_t)s->rounds_before + s->actors[a].round;
}

/* Set-up after a crash, and what the interrupted span had done, is done again but signalled once.
 */
bool actor_repeats(const struct run *s, uint32_t a, uint32_t request)
{
    const struct actor *const actor = &s->actors[a];
    if (actor->span == SPAN_SETUP && actor->set_up) {
        return true;
    }
    if (!actor->marked || actor->span != actor->marked_span || actor->step > actor->mark_step) {
        return false;
    }
    if (actor->step < actor->mark_step) {
        return true;
    }
    return request < actor->mark_issued && !transfer_owes(s, a, request);
}

/* ---------------------------------------------------------------- spans and rounds */

/* Streams are opened for every round: a round done again, or reached another way, draws the same.
 */
static void open_streams(struct run *s, uint32_t a)
{
    /* Set-up, checkpoint and teardown come after the rounds of all segments in the count. */
    const struct actor *const actor = &s->actors[a];
    const uint64_t round = actor_round(s, a);
    const uint64_t occurrence =
        actor->span == SPAN_ITERATION ? round : UINT32_MAX - 4 * (uint64_t)s->segment - actor->span;
    s->actors[a].noise = stream_of(s, a, PURPOSE_NOISE, occurrence);
    s->actors[a].latency = stream_of(s, a, PURPOSE_LATENCY, occurrence);
}

void actor_enter_span(struct run *s, uint32_t a, enum span_kind span)
{
    struct actor *const actor = &s->actors[a];
    const struct plan *const p = s->plan;
    actor->span = (uint8_t)span;
    actor->op = p->program->roles[p->actor_role[a]].span[span].first;
    actor->loop_round = actor->step = 0;
    actor->since_s = s->queue.now_s;
    open_streams(s, a);
}

/* The span that follows the one a has finished; false when the segment is over for a. */
static bool next_span(struct run *s, uint32_t a)
{
    struct actor *const actor = &s->actors[a];
    const struct plan_role *const role = &s->plan->roles[s->plan->actor_role[a]];
    if (actor->marked && actor->span == actor->marked_span) {
        actor->marked = false;
    }
    switch (actor->span) {
    case SPAN_SETUP:
        actor->set_up = true;
        actor_enter_span(s, a, (enum span_kind)actor->resume);
        if (actor->resume == SPAN_ITERATION && (!role->rounds || actor->round >= s->stop_round)) {
            actor_enter_span(s, a, run_last_span(s));
        }
        return true;
    case SPAN_ITERATION:
        ++actor->round;
        if (role->called) {
            platform_end_call(s, a);
        }
        if (run_round_done(s, a)) {
            actor->resume = (uint8_t)run_last_span(s);
            actor_enter_span(s, a, run_last_span(s));
        } else {
            actor_enter_span(s, a, SPAN_ITERATION);
        }
        return true;
    default:
        run_actor_ended(s, a);
        return false;
    }
}

/* ---------------------------------------------------------------- ops */

static double compute_time(struct run *s, uint32_t a, const struct plan_op *op)
{
    struct actor *const actor = &s->actors[a];
    /* Both numbers are always taken, so that switching one effect off keeps the other's draws. */
    const double z = random_normal(&actor->noise), u = random_uniform(&actor->noise);
    double time_s = (op->mean_s + (s->effect[EFFECT_UNIT] - 1.0) * op->by_unit_s) * actor->speed;
    if (op->noise.sigma > 0) {
        time_s *= exp(op->noise.mu + op->noise.sigma * z);
    }
    if (u < s->straggler_share && s->plan->roles[op->role].works) {
        time_s *= s->plan->config->simulation.straggler_factor;
    }
    return time_s;
}

static void book(struct run *s, uint32_t a)
{
    struct actor *const actor = &s->actors[a];
    const double now = s->queue.now_s;
    clocks_of(s, s->clocks, a)[s->plan->ops[actor->op].phase] += now - actor->since_s;
    if (s->timeline != NULL) {
        timeline_span(s->timeline, s, a, TIMELINE_OP, actor->since_s, now, NULL);
    }
    actor->since_s = now;
}

static void advance(struct run *s, uint32_t a)
{
    struct actor *const actor = &s->actors[a];
    const struct plan_op *const op = &s->plan->ops[actor->op];
    ++actor->step;
    if (op->loop_times > 0) {
        if (++actor->loop_round < op->loop_times) {
            actor->op = op->loop_first;
            return;
        }
        actor->loop_round = 0;
    }
    ++actor->op;
}

void actor_op_done(struct run *s, uint32_t a)
{
    book(s, a);
    advance(s, a);
    actor_run(s, a);
}

/* LIST and DELETE are sent in the background, a signal inside one process is no request at all. */
static void do_at_once(struct run *s, uint32_t a, const struct plan_op *op, uint32_t requests)
{
    struct actor *const actor = &s->actors[a];
    s->tried[actor->op] += requests;
    s->moved[actor->op] += requests;
    for (uint32_t i = 0; op->peer != PEER_NONE && i < requests; ++i) {
        if (!actor_repeats(s, a, i)) {
            channel_signal(s, a, i);
        }
    }
    advance(s, a);
}

/* A called function starts when the signal it awaits first has come. */
static bool starts_call(const struct run *s, uint32_t a)
{
    const struct actor *const actor = &s->actors[a];
    return s->plan->roles[s->plan->actor_role[a]].called && actor->span == SPAN_ITERATION &&
           actor->step == 0;
}

static void await_done(struct run *s, uint32_t a)
{
    if (starts_call(s, a)) {
        platform_start(s, a);
    } else {
        advance(s, a);
        actor_run(s, a);
    }
}

void actor_run(struct run *s, uint32_t a)
{
    struct actor *const actor = &s->actors[a];
    const struct plan *const p = s->plan;
    while (s->failed == STATUS_OK) {
        const struct span *const span = &p->program->roles[p->actor_role[a]].span[actor->span];
        if (actor->op >= span->first + span->ops) {
            if (!next_span(s, a)) {
                return;
            }
            continue;
        }
        const struct plan_op *const op = &p->ops[actor->op];
        actor->since_s = s->queue.now_s;
        if (op->kind == OP_COMPUTE) {
            actor->state = ACTOR_COMPUTING;
            run_at(s, a, CLASS_ACTOR, s->queue.now_s + compute_time(s, a, op));
            return;
        }
        const uint32_t share =
            plan_share(p, op, self_of(p, a), op->kind == OP_AWAIT ? op->need : op->count);
        const bool absent = op->later && actor->round == 0 && actor->span == SPAN_ITERATION;
        if (share == 0 || absent) { /* nothing of this op is this actor's, or not yet */
            advance(s, a);
        } else if (op->kind == OP_AWAIT) {
            if (!channel_await(s, a)) {
                actor->state = ACTOR_WAITING;
                return;
            }
            if (starts_call(s, a)) {
                platform_start(s, a);
                return;
            }
            advance(s, a);
        } else if (op->takes_time) {
            transfer_begin(s, a);
            return;
        } else {
            do_at_once(s, a, op, share);
        }
    }
}

void actor_begin(struct run *s, uint32_t a)
{
    struct actor *const actor = &s->actors[a];
    const double now = s->queue.now_s;
    clocks_of(s, s->clocks, a)[s->plan->program->n_phases + 1] += now - actor->since_s;
    if (s->timeline != NULL) {
        timeline_span(s->timeline, s, a, TIMELINE_START, actor->since_s, now, NULL);
    }
    actor->since_s = now;
    if (starts_call(s, a)) {
        advance(s, a); /* past the await that started it */
    } else {
        actor_enter_span(s, a, SPAN_SETUP);
    }
    actor_run(s, a);
}

void actor_event(struct run *s, uint32_t a)
{
    switch (s->actors[a].state) {
    case ACTOR_INVOKED:
        platform_arrived(s, a);
        break;
    case ACTOR_BEGINNING:
    case ACTOR_STARTING:
        actor_begin(s, a);
        break;
    case ACTOR_RESUMING:
        actor_run(s, a);
        break;
    case ACTOR_COMPUTING:
        actor_op_done(s, a);
        break;
    case ACTOR_CODING:
        transfer_coded(s, a);
        break;
    case ACTOR_POLLING:
        await_done(s, a);
        break;
    default:
        run_fail(s, ERR_NUMERIC, "an event for an actor that expects none");
    }
}
