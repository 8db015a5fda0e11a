/* Takes the noise of estimated means out of the spread of extended jobs: see spread.h. */
#include "sim/spread.h"

#include <gsl/gsl_cdf.h>

/* The bill of a replication whose rounds not played take `more_s` longer than it thought. */
static double cost_of(const struct plan *p, const struct replica *one, double more_s)
{
    struct tally t = one->tally;
    struct ledger ledger;
    const double share = one->extended_s > 0 ? more_s / one->extended_s : 0;
    t.stored_byte_s *= t.time_s > 0 ? (t.time_s + more_s) / t.time_s : 1;
    t.time_s += more_s;
    for (uint32_t r = 0; r < p->program->n_roles; ++r) {
        t.billed_s[r] += share * one->counters.extended_billed_s[r];
        t.host_s[r] += share * one->counters.extended_host_s[r];
    }
    cost_compute(p->config, p->program, &t, false, &ledger);
    return money_usd(ledger.total);
}

/* Sums over replications: what the extension's means tell. */
struct pooled {
    double mean_s;                 /* of a round */
    double noise_s2, differing_s2; /* V and T of spread.h, of a job */
};

static double off(const struct pooled *all, const struct replica *one)
{
    return one->extension.mean_s - one->extension.rounds * all->mean_s;
}

static struct pooled pool_means(const struct plan *p, const struct replicas *r)
{
    const double n = (double)r->count;
    struct pooled out = {0};
    double sum_s = 0, rounds = 0, squares = 0;
    for (size_t i = 0; i < r->count; ++i) {
        sum_s += r->list[i].extension.mean_s;
        rounds += r->list[i].extension.rounds;
        out.noise_s2 += r->list[i].extension.variance_s2 / n;
    }
    out.mean_s = rounds > 0 ? sum_s / rounds : 0;
    for (size_t i = 0; i < r->count; ++i) {
        squares += off(&out, &r->list[i]) * off(&out, &r->list[i]);
    }
    const double most_s = p->replication_cv * sum_s / n;
    out.differing_s2 = fmin(fmax(squares / (n - 1) - out.noise_s2, 0), most_s * most_s);
    return out;
}

void spread_settle(const struct plan *p, const struct replicas *r, double *times_s,
                   double *costs_usd, struct spread_error *error)
{
    *error = (struct spread_error){0};
    for (size_t i = 0; i < r->count; ++i) {
        times_s[i] = r->list[i].time_s;
        costs_usd[i] = r->list[i].cost_usd;
    }
    const struct pooled all = r->count > 1 ? pool_means(p, r) : (struct pooled){0};
    if (!(all.noise_s2 > 0)) {
        return;
    }
    double sum_s = 0;
    for (size_t i = 0; i < r->count; ++i) {
        const struct extension *const e = &r->list[i].extension;
        const double variance_s2 = all.differing_s2 + e->variance_s2;
        const double share = variance_s2 > 0 ? all.differing_s2 / variance_s2 : 1;
        struct random_stream own =
            random_open((uint64_t)p->config->simulation.seed, i, 0, PURPOSE_SETTLE);
        times_s[i] = (share - 1) * off(&all, &r->list[i]) +
                     sqrt(share * e->variance_s2) * random_normal(&own);
        sum_s += times_s[i];
    }
    double seconds = 0, dollars = 0;
    for (size_t i = 0; i < r->count; ++i) {
        const struct replica *const one = &r->list[i];
        const double more_s = fmax(times_s[i] - sum_s / (double)r->count, -one->extended_s);
        times_s[i] = one->time_s + more_s;
        costs_usd[i] = cost_of(p, one, more_s);
        seconds += more_s * more_s;
        dollars += more_s * (costs_usd[i] - one->cost_usd);
    }
    const double z = gsl_cdf_ugaussian_Pinv(0.5 + 0.5 * p->config->simulation.confidence);
    error->time_s = z * sqrt(all.noise_s2 / (double)r->count);
    error->cost_usd = seconds > 0 ? error->time_s * fabs(dollars / seconds) : 0;
}
