/* The job around the rounds: start-up, load, re-invocation before the time limit, the final write;
 * and what is counted on the way: requests, bytes, billed seconds. MetaFaaS section 3 with M1, M2
 * of models.md resolved: T = x (t_S + t_F + t_V) + I t_it + c, x = ceil(I / n_it). */
#include "model/walk.h"

#include <math.h>
#include <string.h>

/* ---------------------------------------------------------------- counts */

static double op_times(const struct program *p, uint32_t index)
{
    for (uint32_t i = 0; i < p->n_loops; i++) {
        if (index >= p->loops[i].first && index < p->loops[i].first + p->loops[i].ops) {
            return p->loops[i].times;
        }
    }
    return 1;
}

/* Requests and bytes of one span, all actors, `times` times over, of what is missing in the first
 * of them `later_times`. Polls are counted by the walk. */
static void count_span(const struct config *c, const struct program *p, enum span_kind kind,
                       double times, double later_times, struct tally *t)
{
    for (uint32_t r = 0; r < p->n_roles; r++) {
        const struct span *span = &p->roles[r].span[kind];
        for (uint32_t i = span->first; i < span->first + span->ops; i++) {
            const struct op *op = &p->ops[i];
            const uint32_t actors = p->roles[r].actors;
            const double spans = op->later || p->roles[r].later ? later_times : times;
            const double n = spans * op_times(p, i) * actors * op_mean(op, actors);
            if (op->kind == OP_INVOKE) {
                t->invocations += n;
            }
            if (op->store == STORE_NONE) {
                continue;
            }
            const struct price *price = &c->stores[op->store].price;
            switch (op->kind) {
            case OP_PUT:
                t->requests[op->store][REQUEST_PUT] += n;
                t->bytes_put[op->store] += n * op->size_bytes;
                t->units_put[op->store] += n * metered_units(op->size_bytes, price->put_unit_bytes);
                break;
            case OP_GET:
                t->requests[op->store][REQUEST_GET] += n;
                t->bytes_get[op->store] += n * op->size_bytes;
                t->units_get[op->store] += n * metered_units(op->size_bytes, price->get_unit_bytes);
                break;
            case OP_LIST:
                t->requests[op->store][REQUEST_LIST] += n;
                break;
            case OP_DELETE:
                t->requests[op->store][REQUEST_DELETE] += n;
                break;
            default:
                break;
            }
        }
    }
}

static void count_polls(const struct walk *w, double times, struct tally *t)
{
    for (int s = 0; s < STORE_USES; s++) {
        t->requests[s][REQUEST_LIST] += times * w->polls[s][0];
        t->requests[s][REQUEST_GET] += times * w->polls[s][1];
        t->units_get[s] += times * w->polls[s][1];
        t->polls += times * (w->polls[s][0] + w->polls[s][1]);
    }
}

/* ---------------------------------------------------------------- the job */

/* E[max] of `functions` starts less their mean, relative to the mean. */
static double start_excess(struct evaluator *e, double functions, const struct quantity *start)
{
    return e != NULL ? cached_excess(e, functions, start->cv)
                     : expected_maximum_excess(functions, start->cv);
}

double start_mean(const struct config *c, struct evaluator *e, double functions)
{
    const struct platform *p = &c->platform;
    /* The caller invokes one after another; the last function starts when all are invoked. The
     * ramp lets `ramp_burst` new environments start at once and then ramp_per_s. */
    const double pacing = functions * p->invoke_latency_s.mean;
    double ramp = 0;
    if (p->ramp_burst > 0 && functions > p->ramp_burst && p->ramp_per_s > 0) {
        ramp = (functions - p->ramp_burst) / p->ramp_per_s;
    }
    const double start = p->start_s.mean * (1 + start_excess(e, functions, &p->start_s));
    return larger(pacing, ramp) + start + p->framework_init_s.mean;
}

/* How long the job, and one function of it, take to start. A function invokes its successor before
 * it ends (models.md section 5, LambdaML), so the first re-invocation finds no sandbox free: only
 * machines are there already. From the second on there are those of the segment before the last,
 * idle for a segment: warm if the platform keeps them for so long. */
struct job_starts {
    double first_s, again_s, warm_s;
    double own_s, own_warm_s; /* of one function alone */
};

/* Start-up of the whole job: functions and machines start side by side. */
static struct job_starts job_starts(const struct config *c, struct evaluator *e)
{
    const struct program *p = &e->program;
    double functions = 0;
    double called = 0;
    bool server = false;
    for (uint32_t r = 0; r < p->n_roles; r++) {
        const struct role *role = &p->roles[r];
        if (role->host == HOST_WORKER && role->lifetime == LIFETIME_JOB) {
            functions += role->actors;
        } else if (role->host == HOST_WORKER && role->lifetime == LIFETIME_CALL) {
            called = larger(called, role->actors);
        }
        server = server || role->host == HOST_SERVER;
    }
    double start = 0;
    struct job_starts out = {0};
    const struct platform *host = &c->platform;
    if (functions > 0) {
        const struct quantity *warm = &host->warm_start_s;
        start = start_mean(c, e, functions);
        out.own_s = host->start_s.mean + host->framework_init_s.mean;
        out.own_warm_s = warm->mean;
        out.warm_s = functions * host->invoke_latency_s.mean +
                     warm->mean * (1 + start_excess(e, functions, warm));
    } else if (called > 0) {
        /* The first call finds nothing warm: it pays the cold start once. */
        start = start_mean(c, e, called) - called * host->invoke_latency_s.mean -
                host->warm_start_s.mean;
        start = larger(start, 0);
    }
    out.first_s = out.again_s = start;
    if (server) {
        out.first_s = larger(start, c->server.start_s.mean + c->server.framework_init_s.mean);
    }
    return out;
}

static double billed(const struct platform *p, double duration_s)
{
    const double q = p->billing_granularity_s;
    /* Rounding noise of the sum must not buy one more step. */
    return q > 0 ? q * ceil(duration_s / q - 1e-6) : duration_s;
}

static enum status check_memory(const struct config *c, const struct program *p, struct error *err)
{
    for (uint32_t r = 0; r < p->n_roles; r++) {
        const struct role *role = &p->roles[r];
        if (role->host != HOST_WORKER || c->platform.memory_mib <= 0) {
            continue;
        }
        const double need_mib = role->memory_bytes / 1048576;
        if (need_mib > c->platform.memory_mib) {
            RAISE(err, ERR_INFEASIBLE, "memory: a %s needs %.0f MiB, the function has %.0f",
                  role->name, ceil(need_mib), c->platform.memory_mib);
            return config_place(err, c, "/platform/memory_mib");
        }
    }
    return STATUS_OK;
}

/* What a function is billed for that is alive until a segment of this length ends: from its own
 * start; before INIT was billed, from its handler. A worker that starts early waits for the last
 * one, half of the pacing on average, and that wait is billed; one that waits for nobody ends as
 * much earlier as it started. */
static double billed_life(const struct platform *host, double segment_s, double start_s,
                          double own_start_s, bool waits)
{
    const double free_s = start_s - own_start_s + (host->start_billed ? 0 : own_start_s);
    const double early_s = waits ? larger(0, start_s - own_start_s) / 2 : 0;
    return billed(host, segment_s - larger(0, free_s - early_s));
}

/* Seconds one function is billed for in all segments. length_s: of a full segment and of the last
 * one, both less their start. */
static double billed_segments(const struct platform *host, const struct tally *t,
                              const struct job_starts *starts, const double length_s[2], bool waits)
{
    const double start_s[3] = {t->start_s, t->again_start_s, t->later_start_s};
    const double own_s[3] = {starts->own_s, starts->own_s,
                             t->later_start_s < t->again_start_s ? starts->own_warm_s
                                                                 : starts->own_s};
    const double segments = t->restarts + 1;
    double sum_s = 0;
    for (int i = 0; i < 3; i++) { /* the first, the second, all later ones */
        const double such = i < 2 ? (segments > i ? 1 : 0) : larger(segments - 2, 0);
        const bool last = such > 0 && (i == 2 || segments == i + 1);
        const double full = such - last;
        sum_s += full > 0 ? full * billed_life(host, length_s[0] + start_s[i], start_s[i], own_s[i],
                                               waits)
                          : 0;
        sum_s +=
            last ? billed_life(host, length_s[1] + start_s[i], start_s[i], own_s[i], waits) : 0;
    }
    return sum_s;
}

/* Does a role wait for anybody? Functions of a map do not. */
static bool role_waits(const struct program *p, const struct role *role)
{
    bool waits = false;
    for (int k = 0; k < SPANS; k++) {
        const struct span *span = &role->span[k];
        for (uint32_t i = span->first; i < span->first + span->ops; i++) {
            waits = waits || p->ops[i].kind == OP_AWAIT;
        }
    }
    return waits;
}

/* Fill the parts of the tally that follow from rounds and segments: counts, seconds billed. */
static void settle(const struct config *c, const struct program *p, const struct walk *w,
                   const struct job_starts *starts, const double length_s[2], struct tally *t)
{
    const double segments = t->restarts + 1;
    const double later_rounds = larger(t->rounds - segments, 0);
    count_span(c, p, SPAN_SETUP, segments, segments, t);
    count_span(c, p, SPAN_ITERATION, t->rounds, later_rounds, t);
    count_span(c, p, SPAN_CHECKPOINT, segments - 1, segments - 1, t);
    count_span(c, p, SPAN_TEARDOWN, 1, 1, t);
    for (int s = 0; s < STORE_USES; s++) {
        struct tally once = {0};
        count_span(c, p, SPAN_ITERATION, 1, 1, &once);
        t->stored_byte_s += once.bytes_put[s] * t->time_s;
    }
    const struct platform *host = &c->platform;
    for (uint32_t r = 0; r < p->n_roles; r++) {
        const struct role *role = &p->roles[r];
        const double actors = role->actors;
        if (role->lifetime == LIFETIME_GUEST) {
            continue; /* its host pays */
        }
        if (role->lifetime == LIFETIME_CALL) {
            const double call_s = w->call_s[r];
            const double calls = role->later ? later_rounds : t->rounds;
            t->host_s[r] = actors * call_s * calls;
            t->billed_s[r] = actors * billed(host, call_s) * calls;
            t->call_start_s[r] = w->starting_s[r];
            continue;
        }
        t->host_s[r] = actors * t->time_s;
        if (role->host != HOST_WORKER || host->kind != PLATFORM_FUNCTION) {
            continue;
        }
        t->billed_s[r] = actors * billed_segments(host, t, starts, length_s, role_waits(p, role));
        t->invocations += actors * segments;
    }
}

/* Segments of n rounds each: walk the first rounds, extend the rest. */
struct segment {
    double rounds, times;
    bool last;
};

static enum status play_segment(const struct config *c, struct evaluator *e,
                                const struct walk *steady, const struct increment *step,
                                double start_s, double stretch, const struct segment *segment,
                                struct walk *w, struct tally *t, double *length_s,
                                struct error *err)
{
    const struct program *p = &e->program;
    if (segment->rounds >= step->rounds) {
        walk_copy(w, steady);
        walk_extend(w, step, segment->rounds - step->rounds, stretch);
    } else { /* shorter than the transient */
        struct increment few;
        walk_start(w, c, e, start_s);
        if (walk_span(w, SPAN_SETUP, err) != STATUS_OK ||
            walk_steady(w, segment->rounds, &few, err) != STATUS_OK) {
            return err->code;
        }
    }
    if (walk_span(w, segment->last ? SPAN_TEARDOWN : SPAN_CHECKPOINT, err) != STATUS_OK) {
        return err->code;
    }
    const struct clock *end = walk_last(w);
    *length_s = end->at_s;
    t->time_s += segment->times * end->at_s;
    for (uint32_t i = 0; i < p->n_phases; i++) {
        t->phase_s[i] += segment->times * end->phase_s[i];
    }
    t->category_s[CATEGORY_WAIT] += segment->times * end->wait_s;
    t->category_s[CATEGORY_STARTUP] += segment->times * (start_s + end->start_s);
    count_polls(w, segment->times, t);
    return STATUS_OK;
}

/* Has the program functions that live as long as the platform lets them? */
static bool time_limited(const struct config *c, const struct program *p)
{
    for (uint32_t r = 0; r < p->n_roles; r++) {
        if (p->roles[r].host == HOST_WORKER && p->roles[r].lifetime == LIFETIME_JOB &&
            c->platform.kind == PLATFORM_FUNCTION && c->platform.time_limit_s > 0) {
            return true;
        }
    }
    return false;
}

/* Rounds between two re-invocations: M1, n_it = floor((tau_max - guard - the rest) / t_it). */
static enum status fit_rounds(const struct config *c, const struct walk *steady,
                              const struct increment *step, struct tally *t, struct error *err)
{
    struct walk probe;
    walk_copy(&probe, steady);
    if (walk_span(&probe, SPAN_CHECKPOINT, err) != STATUS_OK) {
        return err->code;
    }
    t->save_s = walk_last(&probe)->at_s - walk_last(steady)->at_s;
    const double limit_s = c->platform.time_limit_s - c->platform.guard_s;
    const double rest_s = walk_last(&probe)->at_s - step->rounds * step->period_s;
    const double fit = floor((limit_s - rest_s) / t->iteration_s + 1e-9);
    if (t->rounds > fit) {
        if (!(fit >= 1)) {
            RAISE(err, ERR_INFEASIBLE,
                  "time limit: start, load, one round and saving take %.3g s, the limit is %.6g s",
                  rest_s + t->iteration_s, limit_s);
            return config_place(err, c, "/platform/time_limit_s");
        }
        t->rounds_per_call = fit;
        t->restarts = ceil(t->rounds / fit) - 1;
    }
    return STATUS_OK;
}

static enum status check_calls(const struct config *c, const struct program *p,
                               const struct walk *w, struct error *err)
{
    const double limit_s = c->platform.time_limit_s - c->platform.guard_s;
    for (uint32_t r = 0; r < p->n_roles; r++) {
        if (p->roles[r].lifetime == LIFETIME_CALL && p->roles[r].host == HOST_WORKER &&
            c->platform.time_limit_s > 0 && w->call_s[r] > limit_s) {
            RAISE(err, ERR_INFEASIBLE,
                  "time limit: one call of a %s takes %.3g s, the limit is %.6g s",
                  p->roles[r].name, w->call_s[r], limit_s);
            return config_place(err, c, "/platform/time_limit_s");
        }
    }
    return STATUS_OK;
}

enum status evaluate_program(const struct config *c, struct evaluator *e, struct tally *t,
                             struct error *err)
{
    const struct program *p = &e->program;
    memset(t, 0, sizeof *t);
    double slowed = 0;
    bool apart = false;
    bool noisy = false;
    if (p->failed || p->n_roles == 0) {
        return RAISE(err, ERR_MEMORY, "the program is empty, too large or was not built in order");
    }
    if (check_memory(c, p, err) != STATUS_OK || time_ops(c, e, &slowed, &noisy, err) != STATUS_OK) {
        return err->code;
    }
    const struct job_starts starts = job_starts(c, e);
    const double start_s = starts.first_s;
    struct walk steady;
    struct increment step;
    walk_start(&steady, c, e, start_s);
    if (walk_span(&steady, SPAN_SETUP, err) != STATUS_OK ||
        walk_steady(&steady, c->workload.rounds, &step, err) != STATUS_OK) {
        return err->code;
    }
    t->start_s = start_s;
    t->again_start_s = t->later_start_s = starts.again_s;
    t->rounds = t->rounds_per_call = c->workload.rounds;
    t->iteration_s = step.period_s;
    if (p->sync == SYNC_ASYNCHRONOUS && noisy) {
        t->iteration_s = asynchronous_cycle(c, e, step.period_s, p->roles[0].actors);
    }
    const double stretch = step.period_s > 0 ? t->iteration_s / step.period_s : 1;
    if (time_limited(c, p) && fit_rounds(c, &steady, &step, t, err) != STATUS_OK) {
        return err->code;
    }
    /* Full segments end with a checkpoint, the last one with the final write. */
    struct walk w;
    double length_s[2] = {0, 0};
    for (int last = 0; last < 2; last++) {
        const struct segment segment = {
            .rounds = last ? t->rounds - t->restarts * t->rounds_per_call : t->rounds_per_call,
            .times = last ? 1 : t->restarts,
            .last = last,
        };
        if (segment.times > 0 && play_segment(c, e, &steady, &step, start_s, stretch, &segment, &w,
                                              t, &length_s[last], err) != STATUS_OK) {
            return err->code;
        }
        length_s[last] -= start_s;
    }
    if (starts.again_s > starts.warm_s && length_s[0] + starts.again_s < c->platform.keep_alive_s) {
        t->later_start_s = starts.warm_s;
    }
    const double spared_s = t->restarts * (start_s - starts.again_s) +
                            larger(t->restarts - 1, 0) * (starts.again_s - t->later_start_s);
    t->time_s -= spared_s;
    t->category_s[CATEGORY_STARTUP] -= spared_s;
    t->time_s += c->compute.constant_s;
    t->category_s[CATEGORY_COMPUTE] += c->compute.constant_s;
    for (uint32_t i = 0; i < p->n_phases; i++) {
        t->category_s[p->phases[i].category] += t->phase_s[i];
    }
    const double most_s = 1e12;
    if (!(t->time_s <= most_s)) {
        RAISE(err, ERR_INPUT, "the run takes %g s, more than %g: is a unit wrong?", t->time_s,
              most_s);
        return config_place(err, c, "/compute");
    }
    if (slowed > 0 && walk_watch(&steady, &apart, err) != STATUS_OK) {
        return err->code;
    }
    /* The first round has fewer clients than later ones; calls that find warm sandboxes are ahead
     * of those that do not, and of two roles called at once only one can find them. */
    bool later = false;
    for (uint32_t r = 0; r < p->n_roles; r++) {
        later = later || p->roles[r].later;
    }
    apart = apart || (slowed > 0 && (later || w.mixed)) || (later && w.cold);
    /* Links are taken at their steady rate. What moves the time by less than a hundredth, as noise
     * does on a store hardly shared, makes no bound worth a mark. */
    apart = apart || e->spared_s > 0.01 * t->iteration_s;
    t->bound = apart || (slowed > 0.01 && noisy && p->sync == SYNC_BARRIER);
    settle(c, p, &w, &starts, length_s, t);
    return check_calls(c, p, &w, err);
}

enum status evaluate(const struct config *c, struct evaluator *e, struct tally *out,
                     struct error *err)
{
    program_reset(&e->program);
    if (c->system.protocol->emit(c, &e->program, err) != STATUS_OK) {
        return err->code;
    }
    return evaluate_program(c, e, out, err);
}
