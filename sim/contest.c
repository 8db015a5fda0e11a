/* Configurations ranked by simulation: more replications for those that cannot be told from the
 * best one, none for those that can (two-stage selection in the spirit of Rinott 1978, with the
 * stop rule "the interval of the mean difference lies above 0"). All play the same random streams,
 * and the same draws of uncertain constants, so that differences are taken run by run. */
#include "sim/estimate.h"

#include <gsl/gsl_sort.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The runs of one configuration. */
struct runs {
    double *time_s, *cost_usd;
    size_t count, capacity;
};

static void take(double time_s, double cost_usd, void *context)
{
    struct runs *r = context;
    if (r->count < r->capacity) {
        r->time_s[r->count] = time_s;
        r->cost_usd[r->count++] = cost_usd;
    }
}

/* What the share `sure` of the runs stays within: sorts them. */
static double sure_within(double *x, size_t n, double sure)
{
    gsl_sort(x, 1, n);
    const size_t at = (size_t)ceil(sure * (double)n);
    return x[at > 0 ? (at <= n ? at : n) - 1 : 0];
}

static void examine(struct contender *c, struct runs *r, const struct search_objective *objective,
                    double sure, double *scratch)
{
    const struct constraints *limits = &c->config.constraints;
    double half = 0;
    double within = 0;
    for (size_t i = 0; i < r->count; i++) {
        scratch[i] = search_value(objective, r->time_s[i], r->cost_usd[i]);
        within += search_within(limits, r->time_s[i], r->cost_usd[i]);
    }
    estimate_mean(scratch, r->count, c->config.simulation.confidence, &c->value, &half);
    c->value_lo = c->value - half;
    c->value_hi = c->value + half;
    c->replications = (uint32_t)r->count;
    c->p_limits =
        limits->deadline_s > 0 || limits->budget_usd > 0 ? within / (double)r->count : (double)NAN;
    c->sure_time_s = sure_within(r->time_s, r->count, sure);
    c->sure_cost_usd = sure_within(r->cost_usd, r->count, sure);
}

/* What each run of a contender was worth to the objective. */
struct worth {
    double *value;
    size_t count;
};

static enum status play(struct contender *c, struct worth *worth, size_t times,
                        const struct search_objective *objective, double sure,
                        const struct simulation_options *options, struct error *err)
{
    struct runs runs = {.capacity = times};
    struct simulation_options o = *options;
    struct simulation_outcome outcome;
    struct evaluator e = {0};
    struct error why = {0};
    double *block = malloc(3 * times * sizeof *block);
    if (block == NULL) {
        return RAISE(err, ERR_MEMORY, "no memory for %zu replications", times);
    }
    runs.time_s = block;
    runs.cost_usd = block + times;
    c->config.simulation.replications_min = c->config.simulation.replications_max = (double)times;
    o.each_run = take;
    o.context = &runs;
    const enum status status = simulate(&c->config, &e, &o, &outcome, &why);
    if (status == ERR_INFEASIBLE) {
        c->infeasible = true;
    } else if (status != STATUS_OK || runs.count == 0) {
        *err = why;
    } else {
        c->time_s = outcome.time_s;
        c->cost_usd = outcome.cost_usd;
        c->p_deadline = outcome.p_deadline;
        c->p_budget = outcome.p_budget;
        examine(c, &runs, objective, sure, block + 2 * times);
        memmove(worth->value, block + 2 * times, runs.count * sizeof *block);
        worth->count = runs.count;
    }
    free(block);
    evaluator_free(&e);
    return err->code;
}

static int better_first(const void *left, const void *right)
{
    const struct contender *a = left;
    const struct contender *b = right;
    if (a->infeasible != b->infeasible) {
        return a->infeasible ? 1 : -1;
    }
    if (!a->infeasible && a->value != b->value) {
        return a->value < b->value ? -1 : 1;
    }
    return (a->number > b->number) - (a->number < b->number);
}

/* Can it not be told from the best? Run by run, over those both have played. */
static bool ties(const struct contender *c, const struct worth *best, const struct worth *own,
                 double *scratch)
{
    const size_t n = best->count < own->count ? best->count : own->count;
    double mean = 0;
    double half = 0;
    for (size_t i = 0; i < n; i++) {
        scratch[i] = own->value[i] - best->value[i];
    }
    estimate_mean(scratch, n, c->config.simulation.confidence, &mean, &half);
    return mean <= half;
}

/* Who cannot be told from the best, which is the first? Gives their number. */
static size_t mark_ties(struct contender *list, size_t n, const struct worth *worth,
                        double *scratch)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        list[i].tied = i > 0 && !list[i].infeasible &&
                       ties(&list[i], &worth[list[0].number], &worth[list[i].number], scratch);
        count += list[i].tied;
    }
    return count;
}

static enum status rank(struct contender *list, size_t n, struct worth *worth, double *scratch,
                        const struct search_objective *objective, double sure, size_t times,
                        size_t most, const struct simulation_options *options, struct error *err)
{
    for (size_t i = 0; i < n; i++) {
        list[i].number = i;
        if (play(&list[i], &worth[i], times, objective, sure, options, err) != STATUS_OK) {
            return err->code;
        }
    }
    qsort(list, n, sizeof *list, better_first);
    while (mark_ties(list, n, worth, scratch) > 0 && times < most) {
        times = 2 * times < most ? 2 * times : most;
        for (size_t i = 0; i < n; i++) {
            if ((i == 0 || list[i].tied) && play(&list[i], &worth[list[i].number], times, objective,
                                                 sure, options, err) != STATUS_OK) {
                return err->code;
            }
        }
        qsort(list, n, sizeof *list, better_first);
    }
    return STATUS_OK;
}

enum status contest(struct contender *list, size_t n, const struct search_objective *objective,
                    double sure, uint32_t replications_min, uint32_t replications_max,
                    const struct simulation_options *options, struct error *err)
{
    const size_t most = replications_max > 0 ? replications_max : 1;
    const size_t times = replications_min < most ? replications_min : most;
    struct worth *const worth = calloc(n + 1, sizeof *worth);
    double *const block = malloc((n + 1) * most * sizeof *block);
    if (worth == NULL || block == NULL) {
        RAISE(err, ERR_MEMORY, "no memory for %zu replications", (n + 1) * most);
    } else {
        for (size_t i = 0; i < n; i++) {
            worth[i].value = block + (i + 1) * most;
        }
        rank(list, n, worth, block, objective, sure, times, most, options, err);
    }
    free(worth);
    free(block);
    return err->code;
}
