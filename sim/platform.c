/* The platform: invocations and their pacing, cold and warm starts, the ramp of new environments,
 * the account's limit, crashes and time limits, and the life every function is billed for.
 *
 * The caller invokes one function after another. An invocation takes the newest warm sandbox or
 * starts a new environment; `ramp_burst` of these may start at once, then `ramp_per_s`. Above the
 * account's limit invocations wait for a function to end. Before the time limit functions invoke
 * their successors and end (LambdaML, models.md section 5): all meet at the checkpoint, so that no
 * predecessor's sandbox is free before the last successor is invoked. The next re-invocation finds
 * these sandboxes, idle for a segment, if the platform has kept them.
 *
 * A function that crashes, or meets its time limit, loses its sandbox and is invoked again; it sets
 * up and goes on from the start of its round. Systems that redo the round send everybody back
 * there.
 */
#include "sim/run.h"
#include "sim/sim.h"
#include "sim/timeline.h"

void platform_reset(struct run *s)
{
    const double given = s->plan->config->simulation.warm_pool;
    const uint32_t warm = given < s->pool.capacity ? (uint32_t)given : s->pool.capacity;
    pool_reset(&s->pool);
    for (uint32_t i = 0; i < warm; ++i) {
        pool_give(&s->pool, 0.0, (uint64_t)UINT32_MAX << 32 | i);
    }
    s->queued_first = s->queued_count = s->running = s->successors = 0;
    s->ramp_at_s = 0.0;
}

/* ---------------------------------------------------------------- starts */

/* A sandbox keeps the speeds of the machine it was placed on: drawn by its first owner's name. */
static double speed_of(const struct run *s, uint64_t sandbox, enum purpose purpose,
                       const struct quantity *q, unsigned effect)
{
    const uint32_t owner = (uint32_t)(sandbox >> 32);
    struct random_stream r = random_open(s->seed, s->replication, sandbox, purpose);
    if (owner < s->plan->actors) {
        r = stream_of(s, owner, purpose, (uint32_t)sandbox);
    }
    return run_draw(s, q, effect, &r);
}

static void place(struct run *s, uint32_t a, uint64_t sandbox)
{
    const struct simulation *const given = &s->plan->config->simulation;
    struct actor *const actor = &s->actors[a];
    actor->speed = speed_of(s, sandbox, PURPOSE_SPEED, &given->instance_speed, EFFECT_SPEED);
    const double slowness =
        speed_of(s, sandbox, PURPOSE_TRANSFER, &given->transfer_speed, EFFECT_TRANSFER);
    actor->slowness = s->drawn[EFFECT_TRANSFER] ? plan_link(slowness) : slowness > 0 ? slowness : 1;
}

/* When a new environment may start that is asked for now: a token bucket of depth ramp_burst, kept
 * as the time the next token is due when the bucket is empty (GCRA, ITU-T I.371). */
static double ramp(struct run *s)
{
    const struct platform *const p = &s->plan->config->platform;
    const double now = run_now(s);
    if (!(p->ramp_per_s > 0)) {
        return now;
    }
    const double interval_s = 1.0 / p->ramp_per_s;
    const double start_s = fmax(now, s->ramp_at_s - (fmax(p->ramp_burst, 1.0) - 1.0) * interval_s);
    s->ramp_at_s = fmax(now, s->ramp_at_s) + interval_s;
    return start_s;
}

/* Schedule what may end the function before its time: a crash or the time limit. */
static void schedule_end(struct run *s, uint32_t a, double handler_s)
{
    const struct config *const c = s->plan->config;
    struct actor *const actor = &s->actors[a];
    double end_s = HUGE_VAL;
    if (c->simulation.crash_per_hour > 0) {
        struct random_stream r = stream_of(s, a, PURPOSE_CRASH, actor->incarnation);
        end_s = s->queue.now_s + random_exponential(&r) * 3600.0 / c->simulation.crash_per_hour;
    }
    const double limit_s = c->platform.time_limit_s > 0 && c->simulation.play_restarts
                               ? handler_s + c->platform.time_limit_s
                               : HUGE_VAL;
    actor->timed_out = limit_s < end_s;
    end_s = fmin(end_s, limit_s);
    if (end_s < HUGE_VAL) {
        run_at(s, slot_of_kill(s, a), CLASS_TIMER, end_s);
    }
}

/* The closed form's mean start of this segment. */
static double mean_start(const struct run *s)
{
    const struct plan *const p = s->plan;
    return s->segment == 0 ? p->start_s : s->segment == 1 ? p->again_start_s : p->later_start_s;
}

static void begin_function(struct run *s, uint32_t a)
{
    const struct plan *const p = s->plan;
    const struct platform *const host = &p->config->platform;
    struct actor *const actor = &s->actors[a];
    struct random_stream r = stream_of(s, a, PURPOSE_START, actor->incarnation);
    const double now = s->queue.now_s;
    double delay_s = 0.0, start_s;
    bool cold = false;
    ++s->running;
    if (!p->config->simulation.play_startup) { /* the closed form's mean, for everybody */
        const struct plan_role *const role = &p->roles[p->actor_role[a]];
        start_s = role->called ? role->call_start_s : mean_start(s);
        actor->sandbox = (uint64_t)a << 32 | actor->incarnation;
    } else if (pool_take(&s->pool, run_now(s), &actor->sandbox)) {
        ++s->counters.warm;
        start_s = run_draw(s, &host->warm_start_s, EFFECT_WARM_START, &r);
    } else {
        ++s->counters.cold;
        cold = true;
        actor->sandbox = (uint64_t)a << 32 | actor->incarnation;
        delay_s = ramp(s) - run_now(s);
        start_s = run_draw(s, &host->start_s, EFFECT_START, &r);
        start_s += run_draw(s, &host->framework_init_s, EFFECT_FRAMEWORK, &r);
    }
    s->counters.invocations += !p->roles[p->actor_role[a]].called; /* calls: by their INVOKE */
    ++actor->incarnation;
    actor->running = true;
    place(s, a, actor->sandbox);
    actor->alive_from_s = now + delay_s;
    const double handler_s = now + delay_s + start_s;
    actor->billed_from_s = host->start_billed ? actor->alive_from_s : handler_s;
    actor->link_bytes = host->nic_burst_bytes;
    actor->link_at_s = handler_s;
    actor->state = ACTOR_STARTING;
    if (p->failures) {
        schedule_end(s, a, handler_s);
    }
    run_at(s, a, CLASS_ACTOR, handler_s);
    if (s->watch != NULL) {
        const struct simulated_start start = {
            .role = p->program->roles[p->actor_role[a]].name,
            .replication = (uint32_t)s->replication,
            .actor = a - p->roles[p->actor_role[a]].first_actor,
            .cold = cold,
            .asked_s = actor->asked_s,
            .begun_s = handler_s + s->extended_s,
        };
        s->watch->each_start(&start, s->watch->context);
    }
}

/* The last successor is invoked: their predecessors end, and leave their sandboxes. */
static void free_predecessors(struct run *s)
{
    for (uint32_t a = 0; a < s->plan->actors; ++a) {
        struct actor *const actor = &s->actors[a];
        if (actor->keeps_sandbox) {
            actor->keeps_sandbox = false;
            pool_give(&s->pool, run_now(s), actor->kept_sandbox);
        }
    }
}

/* An invocation has arrived; a first one of its segment may be the last of all. */
void platform_arrived(struct run *s, uint32_t a)
{
    const bool successor = s->actors[a].succeeds;
    s->actors[a].succeeds = false;
    platform_start(s, a);
    if (successor && --s->successors == 0) {
        free_predecessors(s);
    }
}

void platform_start(struct run *s, uint32_t a)
{
    const struct config *const c = s->plan->config;
    const double limit = c->platform.concurrency_limit;
    s->actors[a].asked_s = run_now(s);
    if (!s->plan->roles[s->plan->actor_role[a]].function) {
        actor_begin(s, a);
    } else if (limit > 0 && s->running >= limit && c->simulation.play_startup) {
        s->queued[(s->queued_first + s->queued_count++) % s->plan->actors] = a;
        s->actors[a].state = ACTOR_QUEUED;
        ++s->counters.queued;
    } else {
        begin_function(s, a);
    }
}

static void function_ended(struct run *s, uint32_t a)
{
    s->actors[a].running = false;
    event_queue_cancel(&s->queue, slot_of_kill(s, a));
    --s->running;
    if (s->queued_count > 0) {
        const uint32_t next = s->queued[s->queued_first];
        s->queued_first = (s->queued_first + 1) % s->plan->actors;
        --s->queued_count;
        begin_function(s, next);
    }
}

static double billed(const struct run *s, double lived_s)
{
    const double quantum = s->plan->config->platform.billing_granularity_s;
    /* Rounding noise of a sum must not buy one more step. */
    return quantum > 0 ? quantum * ceil(lived_s / quantum - 1e-6) : lived_s;
}

void platform_bill(struct run *s, uint32_t a, double end_s, double extended_s)
{
    const struct actor *const actor = &s->actors[a];
    const uint16_t r = s->plan->actor_role[a];
    const double billed_s = billed(s, fmax(end_s - actor->billed_from_s, 0.0) + extended_s);
    const double host_s = fmax(end_s - actor->alive_from_s, 0.0) + extended_s;
    s->counters.billed_s[r] += billed_s;
    s->counters.host_s[r] += host_s;
    if (s->timeline != NULL) {
        timeline_span(s->timeline, s, a, TIMELINE_LIFE, actor->alive_from_s, end_s + extended_s,
                      NULL);
    }
    if (s->plan->roles[r].called && actor->round > TRANSIENT_ROUNDS) {
        s->counters.steady_billed_s[r] += billed_s;
        s->counters.steady_host_s[r] += host_s;
    }
}

void platform_end_call(struct run *s, uint32_t a)
{
    if (!s->actors[a].running) { /* a call inside a process that lives anyway */
        return;
    }
    platform_bill(s, a, s->queue.now_s, 0.0);
    pool_give(&s->pool, run_now(s), s->actors[a].sandbox);
    function_ended(s, a);
}

void platform_end_job(struct run *s, uint32_t a)
{
    struct actor *const actor = &s->actors[a];
    if (actor->running) {
        actor->succeeds = actor->keeps_sandbox = !s->last_segment;
        actor->kept_sandbox = actor->sandbox;
        s->successors += actor->succeeds;
        function_ended(s, a);
    }
}

/* ---------------------------------------------------------------- the segment's beginning */

/* Time a machine takes to boot, or a client to be there. */
static double boot_time(const struct run *s, uint32_t a)
{
    const struct config *const c = s->plan->config;
    const enum host_use host = s->plan->program->roles[s->plan->actor_role[a]].host;
    if (!c->simulation.play_startup) {
        return mean_start(s);
    }
    if (host == HOST_CLIENT || s->plan->roles[s->plan->actor_role[a]].called || s->segment > 0) {
        return 0.0;
    }
    struct random_stream r = stream_of(s, a, PURPOSE_START, 0);
    const bool server = host == HOST_SERVER;
    const struct platform *const m = server ? &c->server : &c->platform;
    const double start_s =
        run_draw(s, &m->start_s, server ? EFFECT_SERVER_START : EFFECT_START, &r);
    return start_s + run_draw(s, &m->framework_init_s,
                              server ? EFFECT_SERVER_FRAMEWORK : EFFECT_FRAMEWORK, &r);
}

void platform_begin(struct run *s)
{
    const struct plan *const p = s->plan;
    const struct config *const c = p->config;
    const double now = s->queue.now_s;
    double invoked_s = now;
    for (uint32_t a = 0; a < p->actors; ++a) {
        const struct plan_role *const role = &p->roles[p->actor_role[a]];
        struct actor *const actor = &s->actors[a];
        actor->since_s = now;
        if (role->function && !role->called) {
            struct random_stream pace = stream_of(s, a, PURPOSE_PACING, s->segment);
            if (c->simulation.play_startup) {
                invoked_s += run_draw(s, &c->platform.invoke_latency_s, EFFECT_INVOKE, &pace);
            }
            actor->state = ACTOR_INVOKED;
            run_at(s, a, CLASS_ACTOR, invoked_s);
        } else {
            actor->speed = actor->slowness = 1.0;
            if (role->works) {
                place(s, a, (uint64_t)a << 32);
            }
            actor->alive_from_s = now;
            actor->state = ACTOR_BEGINNING;
            run_at(s, a, CLASS_ACTOR, now + boot_time(s, a));
        }
    }
}

/* ---------------------------------------------------------------- failures */

/* Stop whatever a does and book the time it has spent on it. */
static void interrupt(struct run *s, uint32_t a)
{
    struct actor *const actor = &s->actors[a];
    const struct plan *const p = s->plan;
    double *const clocks = clocks_of(s, s->clocks, a);
    const double spent = s->queue.now_s - actor->since_s;
    switch (actor->state) {
    case ACTOR_WAITING:
        channel_leave(s, a);
        clocks[p->program->n_phases] += spent;
        break;
    case ACTOR_POLLING: /* booked up to the poll, which is yet to come */
        event_queue_cancel(&s->queue, a);
        clocks[p->program->n_phases] += spent;
        break;
    case ACTOR_REQUESTING:
        transfer_abort(s, a);
        clocks[p->ops[actor->op].phase] += spent;
        break;
    case ACTOR_STARTING:
        event_queue_cancel(&s->queue, a);
        clocks[p->program->n_phases + 1] += spent;
        break;
    default:
        event_queue_cancel(&s->queue, a);
        clocks[p->ops[actor->op].phase] += spent;
    }
    actor->flows = 0;
    actor->since_s = s->queue.now_s;
}

/* Remember how far the span has come: what it has signalled is not signalled again. */
static void mark(struct run *s, uint32_t a)
{
    struct actor *const actor = &s->actors[a];
    const uint32_t step = actor->step + (actor->state == ACTOR_POLLING); /* that wait is over */
    const uint32_t issued =
        actor->state == ACTOR_REQUESTING || actor->state == ACTOR_CODING ? actor->issued : 0;
    const bool same_span = actor->marked && actor->marked_span == actor->span;
    if (actor->state == ACTOR_STARTING || (actor->span == SPAN_SETUP && actor->set_up) ||
        (same_span &&
         (actor->mark_step > step || (actor->mark_step == step && actor->mark_issued >= issued)))) {
        return;
    }
    actor->marked = true;
    actor->marked_span = actor->span;
    actor->mark_step = step;
    actor->mark_issued = issued;
}

/* Take a out of those who wait for the account's limit. */
static void unqueue(struct run *s, uint32_t a)
{
    const uint32_t ring = s->plan->actors;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < s->queued_count; ++i) {
        const uint32_t b = s->queued[(s->queued_first + i) % ring];
        if (b != a) {
            s->queued[(s->queued_first + kept++) % ring] = b;
        }
    }
    s->queued_count = kept;
}

/* Everybody goes back to the beginning of the round that is under way. False when somebody has
 * already left the rounds. */
static bool redo_round(struct run *s)
{
    const struct plan *const p = s->plan;
    uint32_t round = UINT32_MAX;
    for (uint32_t a = 0; a < p->actors; ++a) {
        const struct actor *const actor = &s->actors[a];
        if (p->roles[p->actor_role[a]].rounds) {
            if (actor->span != SPAN_ITERATION && !(actor->span == SPAN_SETUP && actor->set_up)) {
                return false;
            }
            round = actor->round < round ? actor->round : round;
        }
    }
    for (uint32_t a = 0; a < p->actors; ++a) {
        struct actor *const actor = &s->actors[a];
        const struct plan_role *const role = &p->roles[p->actor_role[a]];
        if (!role->rounds) {
            continue;
        }
        actor->round = round < role->first_round ? role->first_round : round;
        actor->marked = false;
        const bool starts = actor->state == ACTOR_STARTING || actor->state == ACTOR_INVOKED ||
                            actor->state == ACTOR_QUEUED;
        if (actor->span != SPAN_ITERATION || (starts && !role->called)) {
            continue; /* on its way to the round's beginning anyway */
        }
        if (actor->state == ACTOR_QUEUED) {
            unqueue(s, a);
        }
        interrupt(s, a);
        if (role->called) {
            platform_end_call(s, a);
        }
        actor_enter_span(s, a, SPAN_ITERATION);
        actor->state = ACTOR_RESUMING;
        run_at(s, a, CLASS_ACTOR, s->queue.now_s);
    }
    channel_rewind(s, round);
    run_rewind(s, round);
    return true;
}

void platform_kill(struct run *s, uint32_t a)
{
    const struct plan *const p = s->plan;
    struct actor *const actor = &s->actors[a];
    const struct plan_role *const role = &p->roles[p->actor_role[a]];
    if (actor->timed_out) {
        ++s->counters.timeouts;
    } else {
        ++s->counters.crashes;
    }
    if (s->timeline != NULL) {
        timeline_span(s->timeline, s, a, TIMELINE_MARK, s->queue.now_s, s->queue.now_s,
                      actor->timed_out ? "time limit" : "crash");
    }
    platform_bill(s, a, s->queue.now_s, 0.0);
    interrupt(s, a);
    mark(s, a);
    if (actor->span != SPAN_SETUP) {
        actor->resume = actor->span;
    }
    function_ended(s, a);
    if (role->called) {
        actor_enter_span(s, a, SPAN_ITERATION);
        ++s->counters.invocations;
    }
    actor->state = ACTOR_INVOKED;
    struct random_stream again = stream_of(s, a, PURPOSE_PACING, UINT32_MAX - actor->incarnation);
    run_at(s, a, CLASS_ACTOR,
           s->queue.now_s +
               run_draw(s, &p->config->platform.invoke_latency_s, EFFECT_INVOKE, &again));
    if (p->redo_round && redo_round(s)) {
        ++s->counters.redone;
    }
}
