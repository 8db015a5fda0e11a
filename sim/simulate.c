/* From a configuration to an answer: plan, replications until the stop rule is met, estimates. */
#include "sim/estimate.h"
#include "sim/replicate.h"
#include "sim/spread.h"
#include "sim/timeline.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- stop rule */

static bool narrow(const double *x, size_t n, const struct simulation *rule)
{
    double mean, half;
    estimate_mean(x, n, rule->confidence, &mean, &half);
    return half <= rule->half_width_ratio * fabs(mean);
}

/* Is the interval of the mean narrow enough, for time and for cost? */
static bool precise(const struct replicas *r, const struct simulation *rule, double *scratch)
{
    for (size_t i = 0; i < r->count; ++i) {
        scratch[i] = r->list[i].time_s;
    }
    if (!narrow(scratch, r->count, rule)) {
        return false;
    }
    for (size_t i = 0; i < r->count; ++i) {
        scratch[i] = r->list[i].cost_usd;
    }
    return narrow(scratch, r->count, rule);
}

/* Numbers of replications at which the rule is looked at: fixed in advance, so that the answer does
 * not depend on who finishes first. */
static size_t next_look(size_t n, const struct simulation *rule)
{
    const size_t most = (size_t)fmax(rule->replications_max, 1);
    const size_t step = n / 4 > 8 ? n / 4 : 8;
    const size_t next = n == 0 ? (size_t)fmax(rule->replications_min, 1) : n + step;
    return next < most ? next : most;
}

static enum status replicate(struct crew *crew, const struct simulation *rule, struct replicas *r,
                             struct simulation_outcome *out, struct error *err)
{
    double *scratch = NULL;
    const size_t most = (size_t)fmax(rule->replications_max, 1);
    enum status status = STATUS_OK;
    while (status == STATUS_OK && !out->precise && r->count < most) {
        status = crew_replicate(crew, r, next_look(r->count, rule), err);
        double *const more = realloc(scratch, (r->count + 1) * sizeof *scratch);
        if (more == NULL) {
            free(scratch);
            return RAISE(err, ERR_MEMORY, "no memory for %zu replications", r->count);
        }
        scratch = more;
        out->precise = r->count > 1 && precise(r, rule, scratch);
    }
    free(scratch);
    if (status == ERR_INTERRUPTED && r->count > 0) {
        out->interrupted = true;
        *err = (struct error){0};
        status = STATUS_OK;
    }
    return status;
}

/* ---------------------------------------------------------------- means */

/* Up to the mark `bound`, a tally is doubles only. */
_Static_assert(offsetof(struct tally, bound) % sizeof(double) == 0,
               "a tally is an array of doubles");

static void add_tally(struct tally *sum, const struct tally *t)
{
    enum { NUMBERS = offsetof(struct tally, bound) / sizeof(double) };
    double *const to = (double *)(void *)sum;
    const double *const from = (const double *)(const void *)t;
    for (size_t i = 0; i < NUMBERS; ++i) {
        to[i] += from[i];
    }
}

static void divide_tally(struct tally *sum, double n)
{
    enum { NUMBERS = offsetof(struct tally, bound) / sizeof(double) };
    double *const to = (double *)(void *)sum;
    for (size_t i = 0; i < NUMBERS; ++i) {
        to[i] /= n;
    }
}

/* The mean bill: kinds first, so that they still add up to the total. */
static void mean_money(const struct replicas *r, struct ledger *out)
{
    *out = (struct ledger){0};
    for (int k = 0; k < COST_KINDS; ++k) {
        for (size_t i = 0; i < r->count; ++i) {
            out->by_kind[k] += r->list[i].by_kind[k];
        }
        out->by_kind[k] /= (money)r->count;
        out->total += out->by_kind[k];
    }
}

static double share_within(const double *x, size_t n, double limit)
{
    size_t within = 0;
    for (size_t i = 0; i < n; ++i) {
        within += x[i] <= limit;
    }
    return limit > 0 ? (double)within / (double)n : (double)NAN;
}

/* An interval that is wider by an error of its own, in quadrature. */
static void widen(struct quantile_estimate *q, double error)
{
    q->lo = q->value - hypot(q->value - q->lo, error);
    q->hi = q->value + hypot(q->hi - q->value, error);
}

/* Means and their intervals are of the replications as played; quantiles have the spread that
 * playing every round would give. */
static void estimate_spread(struct estimate *e, const double *settled, const double *played,
                            size_t n, double confidence, double error, double *scratch)
{
    double half;
    *e = estimate_all(settled, n, confidence, scratch);
    estimate_mean(played, n, confidence, &e->mean, &half);
    e->lo = e->mean - half;
    e->hi = e->mean + half;
    widen(&e->p50, error);
    widen(&e->p90, error);
    widen(&e->p99, error);
}

static enum status summarise(const struct config *c, const struct plan *plan,
                             const struct replicas *r, const struct simulation_options *o,
                             struct simulation_outcome *out, struct error *err)
{
    const double n = (double)r->count;
    double *const times = malloc(5 * (r->count + 1) * sizeof *times);
    if (times == NULL) {
        return RAISE(err, ERR_MEMORY, "no memory for %zu replications", r->count);
    }
    double *const costs = times + r->count, *const scratch = costs + r->count;
    double *const settled_s = scratch + r->count, *const settled_usd = settled_s + r->count;
    struct spread_error error;
    out->replications = (uint32_t)r->count;
    for (size_t i = 0; i < r->count; ++i) {
        const struct replica *const one = &r->list[i];
        times[i] = one->time_s;
        costs[i] = one->cost_usd;
        add_tally(&out->tally, &one->tally);
        out->events += one->events;
        out->played_rounds += one->played_rounds / n;
        out->extended_rounds += one->extended_rounds / n;
        out->cold_starts += one->counters.cold / n;
        out->warm_starts += one->counters.warm / n;
        out->queued_starts += one->counters.queued / n;
        out->throttled_requests += one->counters.throttled / n;
        out->crashes += one->counters.crashes / n;
        out->timeouts += one->counters.timeouts / n;
        out->lost_updates += one->counters.lost / n;
        out->redone_rounds += one->counters.redone / n;
    }
    divide_tally(&out->tally, n);
    mean_money(r, &out->money);
    spread_settle(plan, r, settled_s, settled_usd, &error);
    const double confidence = c->simulation.confidence;
    estimate_spread(&out->time_s, settled_s, times, r->count, confidence, error.time_s, scratch);
    estimate_spread(&out->cost_usd, settled_usd, costs, r->count, confidence, error.cost_usd,
                    scratch);
    out->p_deadline = share_within(settled_s, r->count, c->constraints.deadline_s);
    out->p_budget = share_within(settled_usd, r->count, c->constraints.budget_usd);
    for (size_t i = 0; o->each_run != NULL && i < r->count; ++i) {
        o->each_run(settled_s[i], settled_usd[i], o->context);
    }
    free(times);
    return STATUS_OK;
}

/* ---------------------------------------------------------------- timeline */

/* The first replication once more, with somebody watching. */
static enum status record(struct crew *crew, const struct simulation_options *o, struct error *err)
{
    enum { SPANS_MAX = 400000 }; /* of each kind; some 60 MB of JSON: more no viewer opens gladly */
    struct run *const run = &crew->runs[0];
    const struct plan *const plan = run->plan;
    struct timeline t;
    const uint32_t rounds = o->gantt != NULL && o->gantt_round >= o->timeline_rounds
                                ? o->gantt_round + 1
                                : o->timeline_rounds;
    if (timeline_init(&t, SPANS_MAX, rounds, err) != STATUS_OK) {
        return err->code;
    }
    run->timeline = &t;
    const enum status status = run_play(run, (uint64_t)plan->config->simulation.seed, 0, err);
    run->timeline = NULL;
    if (status == STATUS_OK && o->timeline != NULL) {
        text_timeline(o->timeline, &t, plan);
    }
    if (status == STATUS_OK && o->gantt != NULL) {
        text_gantt(o->gantt, &t, plan, o->gantt_round);
    }
    timeline_free(&t);
    if (status == ERR_INTERRUPTED) { /* what the replications told stands without it */
        *err = (struct error){0};
        return STATUS_OK;
    }
    return status;
}

/* Every replication once more, with somebody counting starts. */
static enum status watch_starts(struct crew *crew, const struct simulation_options *o,
                                size_t replications, struct error *err)
{
    struct run *const run = &crew->runs[0];
    const uint64_t seed = (uint64_t)run->plan->config->simulation.seed;
    enum status status = STATUS_OK;
    run->watch = o;
    for (size_t i = 0; i < replications && status == STATUS_OK; ++i) {
        status = run_play(run, seed, i, err);
    }
    run->watch = NULL;
    if (status == ERR_INTERRUPTED) { /* as for the timeline */
        *err = (struct error){0};
        return STATUS_OK;
    }
    return status;
}

/* ---------------------------------------------------------------- door */

static enum status simulate_plan(const struct config *c, const struct plan *plan,
                                 const struct simulation_options *o, struct simulation_outcome *out,
                                 struct error *err)
{
    struct crew crew;
    struct replicas replicas = {0};
    if (crew_init(&crew, plan, o, err) != STATUS_OK) {
        return err->code;
    }
    enum status status = replicate(&crew, &c->simulation, &replicas, out, err);
    if (status == STATUS_OK) {
        status = summarise(c, plan, &replicas, o, out, err);
    }
    if (status == STATUS_OK && (o->timeline != NULL || o->gantt != NULL)) {
        status = record(&crew, o, err);
    }
    if (status == STATUS_OK && o->each_start != NULL) {
        status = watch_starts(&crew, o, replicas.count, err);
    }
    replicas_free(&replicas);
    crew_free(&crew);
    return status;
}

enum status simulate(const struct config *c, struct evaluator *e,
                     const struct simulation_options *options, struct simulation_outcome *out,
                     struct error *err)
{
    struct tally closed;
    struct plan plan;
    *out = (struct simulation_outcome){.p_deadline = NAN, .p_budget = NAN};
    if (evaluate(c, e, &closed, err) != STATUS_OK ||
        plan_init(&plan, c, &e->program, &closed, err) != STATUS_OK) {
        return err->code;
    }
    const enum status status = simulate_plan(c, &plan, options, out, err);
    plan_free(&plan);
    return status;
}

enum status simulate_point(struct scenario_cursor *c, uint64_t point, struct evaluator *e,
                           const struct simulation_options *options, struct row *row,
                           struct simulation_outcome *out, bool *skipped, struct error *err)
{
    struct simulation_outcome own;
    struct simulation_outcome *const o = out != NULL ? out : &own;
    *o = (struct simulation_outcome){0};
    /* The closed form says what is infeasible, and gives the baseline. */
    if (predict_point(c, point, e, row, NULL, NULL, skipped, err) != STATUS_OK) {
        return err->code;
    }
    row->engine = "simulate";
    if (*skipped || !row->feasible) {
        return STATUS_OK;
    }
    const double baseline_s = row->baseline_time_s;
    struct error own_err = {0};
    const enum status status = simulate(&c->config, e, options, o, &own_err);
    if (status == ERR_INFEASIBLE) {
        row_init(row);
        row_fill(row, &c->config, NULL, NULL);
        snprintf(row->status_text, sizeof row->status_text, "infeasible: %.140s", own_err.message);
        row->status = row->status_text;
    } else if (status != STATUS_OK) {
        *err = own_err;
        return status;
    } else {
        row_fill(row, &c->config, &o->tally, &o->money);
        row->bound = 0;
        row->time_lo_s = o->time_s.lo;
        row->time_hi_s = o->time_s.hi;
        row->time_p50_s = o->time_s.p50.value;
        row->time_p90_s = o->time_s.p90.value;
        row->time_p99_s = o->time_s.p99.value;
        row->cost_lo_usd = o->cost_usd.lo;
        row->cost_hi_usd = o->cost_usd.hi;
        row->replications = o->replications;
        row->events = o->events;
        row->simulated_iterations = o->played_rounds;
        row->p_deadline = o->p_deadline;
        row->p_budget = o->p_budget;
    }
    row->engine = "simulate";
    row->point = (double)point;
    row->baseline_time_s = baseline_s;
    row->speedup = baseline_s / row->time_s;
    return STATUS_OK;
}
