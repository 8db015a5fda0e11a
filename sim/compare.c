/* Both engines on one configuration, and where their answers part: every effect is taken out in
 * turn, of both engines, with the same draws. */
#include "sim/estimate.h"
#include "sim/replicate.h"

#include <math.h>
#include <stdlib.h>

static void fix(struct quantity *q)
{
    *q = (struct quantity){.kind = DISTRIBUTION_CONSTANT, .mean = q->mean, .p = {q->mean}};
}

/* The configuration without an effect, in both engines. */
static void config_without(struct config *c, enum gap effect)
{
    struct simulation *const s = &c->simulation;
    switch (effect) {
    case GAP_STRAGGLERS:
        s->play_noise = s->play_instances = s->play_stragglers = s->play_latency = false;
        c->compute.noise_cv = 0;
        for (int i = 0; i < STORE_USES; ++i) {
            fix(&c->stores[i].get_latency_s);
            fix(&c->stores[i].put_latency_s);
            fix(&c->stores[i].list_latency_s);
        }
        break;
    case GAP_CONTENTION:
        s->play_contention = s->play_throttling = false;
        for (int i = 0; i < STORE_USES; ++i) {
            struct store *const store = &c->stores[i];
            store->aggregate_get_bytes_per_s = store->aggregate_put_bytes_per_s = 0;
            store->get_per_s = store->put_per_s = store->burst_bytes = 0;
        }
        break;
    case GAP_STARTUP:
        s->play_startup = false;
        break;
    case GAP_POLLING:
        s->play_polling = false;
        c->system.poll_interval_s = 0;
        break;
    case GAP_RESTARTS:
    default:
        s->play_failures = s->play_restarts = false;
        c->platform.time_limit_s = 0;
    }
}

/* ---------------------------------------------------------------- one variant of the configuration
 */

struct variant {
    struct config config;
    struct tally closed;
    struct ledger closed_money;
    struct replicas replicas;
};

static enum status play_variant(struct variant *v, struct evaluator *e,
                                const struct simulation_options *o, size_t count, struct error *err)
{
    struct plan plan;
    struct crew crew;
    if (config_finish(&v->config, err) != STATUS_OK ||
        evaluate(&v->config, e, &v->closed, err) != STATUS_OK ||
        plan_init(&plan, &v->config, &e->program, &v->closed, err) != STATUS_OK) {
        return err->code;
    }
    cost_compute(&v->config, &e->program, &v->closed, false, &v->closed_money);
    enum status status = crew_init(&crew, &plan, o, err);
    if (status == STATUS_OK) {
        status = crew_replicate(&crew, &v->replicas, count, err);
        crew_free(&crew);
    }
    plan_free(&plan);
    return status;
}

/* ---------------------------------------------------------------- door */

static enum status estimate_times(const struct replicas *r, double confidence,
                                  struct comparison *out, struct error *err)
{
    double *const x = malloc(2 * (r->count + 1) * sizeof *x);
    if (x == NULL) {
        return RAISE(err, ERR_MEMORY, "no memory for %zu replications", r->count);
    }
    for (size_t i = 0; i < r->count; ++i) {
        x[i] = r->list[i].time_s;
    }
    out->simulated_s = estimate_all(x, r->count, confidence, x + r->count);
    for (size_t i = 0; i < r->count; ++i) {
        x[i] = r->list[i].cost_usd;
    }
    out->simulated_usd = estimate_all(x, r->count, confidence, x + r->count);
    free(x);
    return STATUS_OK;
}

/* Time with everything less time without the effect, replication by replication. */
static enum status estimate_effect(const struct variant *all, const struct variant *without,
                                   enum gap effect, struct comparison *out, struct error *err)
{
    const size_t n = all->replicas.count;
    double *const x = malloc((n + 1) * sizeof *x);
    double half;
    if (x == NULL) {
        return RAISE(err, ERR_MEMORY, "no memory for %zu replications", n);
    }
    for (size_t i = 0; i < n; ++i) {
        x[i] = all->replicas.list[i].time_s - without->replicas.list[i].time_s;
    }
    estimate_mean(x, n, all->config.simulation.confidence, &out->effects[effect].simulated_s,
                  &half);
    out->effects[effect].lo_s = out->effects[effect].simulated_s - half;
    out->effects[effect].hi_s = out->effects[effect].simulated_s + half;
    out->effects[effect].predicted_s = all->closed.time_s - without->closed.time_s;
    free(x);
    return STATUS_OK;
}

enum status compare_engines(const struct config *c, struct evaluator *e,
                            const struct simulation_options *options, struct comparison *out,
                            struct error *err)
{
    struct variant all = {.config = *c};
    struct simulation_outcome first;
    *out = (struct comparison){0};
    /* How many replications the answer needs is the stop rule's question. */
    if (simulate(c, e, options, &first, err) != STATUS_OK) {
        return err->code;
    }
    out->interrupted = first.interrupted;
    enum status status = play_variant(&all, e, options, first.replications, err);
    if (status == STATUS_OK) {
        status = estimate_times(&all.replicas, c->simulation.confidence, out, err);
        out->replications = first.replications;
        out->predicted_s = all.closed.time_s;
        out->predicted_usd = money_usd(all.closed_money.total);
        out->rest_s = out->gap_s = out->simulated_s.mean - out->predicted_s;
    }
    for (int i = 0; i < GAPS && status == STATUS_OK; ++i) {
        struct variant without = {.config = *c};
        config_without(&without.config, (enum gap)i);
        status = play_variant(&without, e, options, first.replications, err);
        if (status == STATUS_OK) {
            status = estimate_effect(&all, &without, (enum gap)i, out, err);
            out->rest_s -= out->effects[i].simulated_s - out->effects[i].predicted_s;
        }
        replicas_free(&without.replicas);
    }
    replicas_free(&all.replicas);
    return status;
}
