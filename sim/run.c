/* A whole job: segments between re-invocations, rounds played and rounds extended (what
 * is told of it: sim/tally.c).
 *
 * Rounds between two re-invocations are exchangeable given the instances, so a long segment need
 * not be played to its end: after the transient the mean and the standard deviation s of a round's
 * length are estimated, playing stops when s / sqrt(n) is small against the mean, and the n' rounds
 * left take n' mean + s sqrt(n') z with one normal z. The mean of n rounds is off by s / sqrt(n)
 * itself, so that this time spreads by n' s / sqrt(n) too much; how much, `extension` remembers,
 * and sim/spread.c takes it out again. In a synchronous job all workers share one estimate; in an
 * asynchronous one every worker has its own, drawn towards the mean of its role as far as the noise
 * explains the difference: the end of the job is the largest of them.
 */
#include "sim/run.h"
#include "sim/timeline.h"

#include <stdlib.h>
#include <string.h>

void run_fail(struct run *s, enum status code, const char *what)
{
    if (s->failed == STATUS_OK) {
        s->failed = code;
        RAISE(s->err, code, "%s (after %.6g s)", what, run_now(s));
    }
}

/* ---------------------------------------------------------------- memory */

static size_t take(size_t *at, size_t count, size_t size)
{
    const size_t place = (*at + 63) / 64 * 64;
    *at = place + count * size;
    return place;
}

enum status run_init(struct run *s, const struct plan *plan, struct error *err)
{
    *s = (struct run){.plan = plan, .err = err};
    const size_t actors = plan->actors, ops = plan->program->n_ops;
    s->stride = plan->program->n_phases + 2;
    size_t size = 0;
    const size_t a = take(&size, actors, sizeof *s->actors);
    const size_t l = take(&size, plan->lanes, sizeof *s->lanes);
    const size_t i = take(&size, plan->instances, sizeof *s->instances);
    const size_t c = take(&size, 3 * actors * s->stride, sizeof *s->clocks);
    const size_t o = take(&size, 2 * ops, sizeof *s->tried);
    const size_t q = take(&size, actors, sizeof *s->queued);
    char *const block = calloc(1, size + 1);
    if (block == NULL) {
        return RAISE(err, ERR_MEMORY, "no memory for simulating %u actors", plan->actors);
    }
    s->block = block;
    s->actors = (struct actor *)(void *)(block + a);
    s->lanes = (struct lane *)(void *)(block + l);
    s->instances = (struct instance *)(void *)(block + i);
    s->clocks = (double *)(void *)(block + c);
    s->early_clocks = s->clocks + actors * s->stride;
    s->late_clocks = s->early_clocks + actors * s->stride;
    s->tried = (uint64_t *)(void *)(block + o);
    s->moved = s->tried + ops;
    s->queued = (uint32_t *)(void *)(block + q);
    const double keep_alive_s = plan->config->platform.keep_alive_s;
    const size_t warm = (size_t)fmin(plan->config->simulation.warm_pool, KEY_IDS_MAX);
    if (event_queue_init(&s->queue, slot_of_link(s, plan->actors), err) != STATUS_OK ||
        pool_init(&s->pool, 2 * actors + warm, keep_alive_s, err) != STATUS_OK) {
        run_free(s);
        return err->code;
    }
    for (uint32_t f = 0; f < FLUIDS; ++f) {
        if (plan->classes[f] > 0 &&
            fluid_init(&s->fluids[f], plan->lanes, plan->classes[f], HUGE_VAL, err) != STATUS_OK) {
            run_free(s);
            return err->code;
        }
    }
    return STATUS_OK;
}

void run_free(struct run *s)
{
    event_queue_free(&s->queue);
    pool_free(&s->pool);
    for (uint32_t f = 0; f < FLUIDS; ++f) {
        fluid_free(&s->fluids[f]);
    }
    free(s->block);
    *s = (struct run){0};
}

/* ---------------------------------------------------------------- one replication's draws */

static void draw_effect(struct run *s, unsigned effect, const struct quantity *q, bool play)
{
    struct random_stream r = random_open(s->seed, s->replication, effect, PURPOSE_RUN);
    s->effect[effect] = quantity_run_effect(q, &r);
    s->drawn[effect] = play && (q->cv > 0 || q->run_sd > 0);
}

/* A constant is the same for every worker and round of a run: what is not known of it does not
 * average out. The effect is the time of a unit over the expected one, which the plan has. */
static void draw_unit(struct run *s)
{
    const struct config *const c = s->plan->config;
    struct unit_factor factors[UNIT_FACTORS];
    const uint32_t n = c->simulation.play_constants ? unit_factors(c, factors) : 0;
    s->effect[EFFECT_UNIT] = 1.0;
    for (uint32_t i = 0; i < n; ++i) {
        const struct quantity *const q = factors[i].q;
        if (q->cv > 0 || q->run_sd > 0) {
            struct random_stream r =
                random_open(s->seed, s->replication, EFFECT_UNIT + i, PURPOSE_RUN);
            const double drawn = quantity_run_effect(q, &r) * quantity_draw(q, &r);
            const double ratio = drawn / unit_factor_mean(&factors[i]);
            s->effect[EFFECT_UNIT] *= factors[i].divides ? 1 / ratio : ratio;
        }
    }
}

static void draw_effects(struct run *s)
{
    const struct config *const c = s->plan->config;
    for (unsigned i = 0; i < STORE_USES; ++i) {
        const struct store *const store = &c->stores[i];
        const bool play = c->simulation.play_latency;
        draw_effect(s, EFFECT_STORES + 3 * i, &store->put_latency_s, play);
        draw_effect(s, EFFECT_STORES + 3 * i + 1, &store->get_latency_s, play);
        draw_effect(s, EFFECT_STORES + 3 * i + 2, &store->list_latency_s, play);
    }
    const bool start = c->simulation.play_startup;
    draw_effect(s, EFFECT_START, &c->platform.start_s, start);
    draw_effect(s, EFFECT_WARM_START, &c->platform.warm_start_s, start);
    draw_effect(s, EFFECT_FRAMEWORK, &c->platform.framework_init_s, start);
    draw_effect(s, EFFECT_INVOKE, &c->platform.invoke_latency_s, start);
    draw_effect(s, EFFECT_SERVER_START, &c->server.start_s, start);
    draw_effect(s, EFFECT_SERVER_FRAMEWORK, &c->server.framework_init_s, start);
    draw_effect(s, EFFECT_SPEED, &c->simulation.instance_speed, c->simulation.play_instances);
    draw_effect(s, EFFECT_TRANSFER, &c->simulation.transfer_speed, c->simulation.play_instances);
    draw_unit(s);
    s->straggler_share = c->simulation.play_stragglers ? c->simulation.straggler_share : 0.0;
    s->lost_update_share = c->simulation.play_failures ? c->simulation.lost_update_share : 0.0;
}

/* ---------------------------------------------------------------- segments */

/* Actors that take no part in the first round of a segment. */
static uint32_t absent_actors(const struct plan *p)
{
    uint32_t n = 0;
    for (uint32_t r = 0; r < p->program->n_roles; ++r) {
        n += p->roles[r].rounds ? p->roles[r].first_round * p->roles[r].actors : 0;
    }
    return n;
}

static void begin_segment(struct run *s)
{
    const struct plan *const p = s->plan;
    const double left = p->rounds - s->rounds_before;
    s->segment_rounds = p->time_limited ? fmin(left, p->rounds_per_call) : left;
    s->last_segment = s->segment_rounds >= left;
    s->segment_from_s = s->full_round_s = s->queue.now_s;
    s->stop_round = (uint32_t)fmin(s->segment_rounds, UINT32_MAX - 1.0);
    s->front = s->full_rounds = s->ended = 0;
    s->stopping = s->stop_round == 0;
    s->stats = (struct round_stats){0};
    memset(s->finished, 0, sizeof s->finished);
    s->finished[0] = absent_actors(p);
    memset(s->counters.steady_polls, 0, sizeof s->counters.steady_polls);
    memset(s->counters.steady_billed_s, 0, sizeof s->counters.steady_billed_s);
    memset(s->counters.steady_host_s, 0, sizeof s->counters.steady_host_s);
    memset(s->clocks, 0, 3 * (size_t)p->actors * s->stride * sizeof *s->clocks);
    for (uint32_t a = 0; a < p->actors; ++a) {
        struct actor *const actor = &s->actors[a];
        actor->round = p->roles[p->actor_role[a]].first_round;
        actor->marked = actor->set_up = false;
        actor->span = SPAN_SETUP;
        actor->resume = SPAN_ITERATION;
        actor->early_s = actor->late_s = s->queue.now_s;
        actor->own = (struct round_stats){0};
    }
    channel_reset(s);
    platform_begin(s);
}

enum span_kind run_last_span(const struct run *s)
{
    return s->last_segment ? SPAN_TEARDOWN : SPAN_CHECKPOINT;
}

static void add_round(struct round_stats *r, double length_s)
{
    const double off = length_s - r->mean_s;
    r->mean_s += off / (double)++r->count;
    r->squares += off * (length_s - r->mean_s);
}

/* Have enough rounds been played to extend the rest? In an asynchronous job the observations are of
 * single workers' rounds, w of them in the time of one. */
static bool enough(const struct run *s)
{
    const struct plan *const p = s->plan;
    const double most = p->config->simulation.iterations_max;
    if (s->exact || s->front < TRANSIENT_ROUNDS + 2 || s->stats.count < 2) {
        return false;
    }
    if (most > 0) {
        return s->front >= most;
    }
    const double n = (double)s->stats.count, mean = s->stats.mean_s;
    if (p->steady) {
        const double rounding_s = 1e-9 * mean + 1e-12 * s->queue.now_s;
        return n >= 3 && run_spread(&s->stats) <= rounding_s;
    }
    const double observed = p->program->sync == SYNC_ASYNCHRONOUS ? n / p->round_actors : n;
    return p->may_extend && observed >= p->rounds_min &&
           run_spread(&s->stats) <=
               0.5 * p->config->simulation.half_width_ratio * mean * sqrt(observed);
}

/* Would another round end too late for the checkpoint? Behind the plan, the segment ends early. */
static bool late(const struct run *s)
{
    const struct platform *const host = &s->plan->config->platform;
    if (!s->plan->time_limited) {
        return false;
    }
    const double elapsed_s = s->queue.now_s - s->segment_from_s;
    const double limit_s = (host->time_limit_s - host->guard_s) * (1 + 1e-9);
    return elapsed_s + s->plan->round_s + s->plan->save_s > limit_s;
}

/* Somebody is the first to have finished `front` rounds: is that enough? */
static void look_ahead(struct run *s)
{
    const struct plan *const p = s->plan;
    if (s->front >= s->stop_round) {
        return;
    }
    if (enough(s)) {
        s->stop_round = s->front;
        s->stopping = true;
    } else if (late(s)) {
        s->stop_round = s->front;
        s->stopping = true;
        s->segment_rounds = s->front;
        s->last_segment = s->rounds_before + s->segment_rounds >= p->rounds;
    }
}

static void note_full_round(struct run *s, uint32_t round)
{
    const struct plan *const p = s->plan;
    if (round >= s->full_rounds + ROUNDS_OPEN) {
        run_fail(s, ERR_NUMERIC, "one actor runs too many rounds ahead of another");
    }
    if (++s->finished[round % ROUNDS_OPEN] < p->round_actors) {
        return;
    }
    s->finished[round % ROUNDS_OPEN] = 0;
    ++s->full_rounds;
    if (s->full_rounds > TRANSIENT_ROUNDS) {
        add_round(&s->stats, s->queue.now_s - s->full_round_s);
    }
    s->full_round_s = s->queue.now_s;
}

bool run_round_done(struct run *s, uint32_t a)
{
    const struct plan *const p = s->plan;
    struct actor *const actor = &s->actors[a];
    const double now = s->queue.now_s;
    const bool asynchronous = p->program->sync == SYNC_ASYNCHRONOUS;
    ++s->counters.played[p->actor_role[a]];
    if (asynchronous) {
        if (actor->round > TRANSIENT_ROUNDS) {
            add_round(&s->stats, now - actor->late_s);
            add_round(&actor->own, now - actor->late_s);
        }
        actor->late_s = now;
    } else {
        note_full_round(s, actor->round - 1);
    }
    if (actor->round == TRANSIENT_ROUNDS) {
        actor->early_s = now;
        memcpy(clocks_of(s, s->early_clocks, a), clocks_of(s, s->clocks, a),
               s->stride * sizeof *s->clocks);
    }
    if (actor->round > s->front) {
        s->front = actor->round;
        look_ahead(s);
    }
    const bool last = actor->round >= s->stop_round || (asynchronous && s->stopping);
    if (last) {
        actor->late_s = now;
        memcpy(clocks_of(s, s->late_clocks, a), clocks_of(s, s->clocks, a),
               s->stride * sizeof *s->clocks);
    }
    return last;
}

void run_rewind(struct run *s, uint32_t round)
{
    for (uint32_t later = round; later < s->full_rounds + ROUNDS_OPEN; ++later) {
        s->finished[later % ROUNDS_OPEN] = 0;
    }
    s->finished[0] += round == 0 ? absent_actors(s->plan) : 0;
    s->full_rounds = round;
    s->front = round;
}

void run_actor_ended(struct run *s, uint32_t a)
{
    s->actors[a].state = ACTOR_IDLE;
    s->actors[a].ended_s = s->queue.now_s;
    platform_end_job(s, a);
    if (++s->ended < s->plan->actors) {
        return;
    }
    run_extend_segment(s);
    if (s->last_segment) {
        s->done = true;
    } else {
        ++s->segment;
        begin_segment(s);
    }
}

/* ---------------------------------------------------------------- the loop */

static void reset(struct run *s)
{
    const struct plan *const p = s->plan;
    event_queue_reset(&s->queue);
    memset(s->actors, 0, p->actors * sizeof *s->actors);
    memset(s->tried, 0, 2 * (size_t)p->program->n_ops * sizeof *s->tried);
    memset(&s->counters, 0, sizeof s->counters);
    memset(s->job_clocks, 0, sizeof s->job_clocks);
    s->segment = 0;
    s->rounds_before = s->extended_s = s->played_rounds = s->extended_rounds = 0.0;
    s->round_sum_s = s->round_count = 0.0;
    s->extension = (struct extension){0};
    s->done = false;
    s->failed = STATUS_OK;
    draw_effects(s);
    platform_reset(s);
    transfer_reset(s);
}

static void dispatch(struct run *s, uint32_t slot)
{
    const struct plan *const p = s->plan;
    if (slot < p->actors) {
        actor_event(s, slot);
    } else if (slot < slot_of_fluid(s, 0)) {
        transfer_event(s, slot - slot_of_lane(s, 0));
    } else if (slot < slot_of_credit(s, 0)) {
        transfer_complete(s, slot - slot_of_fluid(s, 0));
    } else if (slot < slot_of_kill(s, 0)) {
        transfer_credit_event(s, slot - slot_of_credit(s, 0));
    } else if (slot < slot_of_link(s, 0)) {
        platform_kill(s, slot - slot_of_kill(s, 0));
    } else {
        transfer_link_event(s, slot - slot_of_link(s, 0));
    }
}

/* Nothing will ever happen again, and the job is not done. */
static void explain_standstill(struct run *s)
{
    const struct plan *const p = s->plan;
    if (s->queued_count > 0) {
        s->failed = RAISE(s->err, ERR_INFEASIBLE,
                          "concurrency: %u functions wait for the account's limit of %.0f while "
                          "the others wait for them",
                          s->queued_count, p->config->platform.concurrency_limit);
        return;
    }
    for (uint32_t a = 0; a < p->actors; ++a) {
        if (s->actors[a].state == ACTOR_WAITING) {
            const struct plan_op *const op = &p->ops[s->actors[a].op];
            s->failed =
                RAISE(s->err, ERR_DEADLOCK, "%s %u waits for %u signals on %s that never come",
                      p->program->roles[op->role].name, self_of(p, a), op->need,
                      p->program->channels[op->channel].name);
            return;
        }
    }
    run_fail(s, ERR_DEADLOCK, "nothing happens any more");
}

void run_begin(struct run *s, uint64_t seed, uint64_t replication, struct error *err)
{
    s->seed = seed;
    s->replication = replication;
    s->err = err;
    reset(s);
    begin_segment(s);
}

bool run_step(struct run *s)
{
    enum { LOOK_EVERY = 1 << 16 }; /* events between two looks at `interrupted` */
    if (s->done || s->failed != STATUS_OK) {
        return false;
    }
    if (s->stale != 0 && event_queue_next_s(&s->queue) > s->queue.now_s) {
        transfer_refresh(s);
    }
    const uint32_t slot = event_queue_pop(&s->queue);
    if (slot == EVENT_NONE) {
        explain_standstill(s);
        return false;
    }
    dispatch(s, slot);
    if (s->queue.executed % LOOK_EVERY == 0 && s->interrupted != NULL && s->interrupted()) {
        run_fail(s, ERR_INTERRUPTED, "interrupted");
    }
    if (s->done && s->failed == STATUS_OK) {
        transfer_refresh(s); /* what ended last */
        run_tally(s);
    }
    return !s->done && s->failed == STATUS_OK;
}

enum status run_play(struct run *s, uint64_t seed, uint64_t replication, struct error *err)
{
    run_begin(s, seed, replication, err);
    while (run_step(s)) {
    }
    return s->failed;
}
