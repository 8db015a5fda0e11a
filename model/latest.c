/* The expected time of the latest of several groups of actors that arrive at different times, each
 * after noisy work of its own: E[max] = L + integral from L of 1 - product of F_i(t)^n_i, lognormal
 * F_i, L the latest of the earliest possible arrivals. */
#include "model/walk.h"

#include <math.h>
#include <string.h>

/* P(X <= x) of n independent lognormal variables of this mean and variance, as a logarithm. */
static double log_all_below(double n, double mean_s, double variance_s2, double x_s)
{
    const double sigma2 = log1p(variance_s2 / (mean_s * mean_s));
    const double z = (log(x_s / mean_s) + 0.5 * sigma2) / sqrt(sigma2);
    return n * log1p(-0.5 * erfc(z * 0.7071067811865476));
}

/* Where a group is sure to have arrived: its last actor is later with probability below 1e-9. */
static double surely_there(const struct arrival *a)
{
    const double sigma2 = log1p(a->variance_s2 / (a->noisy_s * a->noisy_s));
    return a->at_s - a->noisy_s + a->noisy_s * exp(7.5 * sqrt(sigma2) - 0.5 * sigma2);
}

double expected_latest(const struct arrival *arrivals, size_t count)
{
    enum { STEPS = 128 }; /* all derivatives vanish at both ends: the trapezium rule is enough */
    double from_s = -HUGE_VAL;
    double to_s = -HUGE_VAL;
    for (size_t i = 0; i < count; i++) {
        const struct arrival *a = &arrivals[i];
        const bool noisy = a->variance_s2 > 0;
        from_s = fmax(from_s, noisy ? a->at_s - a->noisy_s : a->at_s);
        to_s = fmax(to_s, noisy ? surely_there(a) : a->at_s);
    }
    const double step_s = (to_s - from_s) / STEPS;
    if (!(step_s > 0)) {
        return from_s;
    }
    double sum = 0.5; /* nobody is sure to be there at the start, everybody at the end */
    for (int k = 1; k < STEPS; k++) {
        const double t_s = from_s + k * step_s;
        double log_there = 0;
        for (size_t i = 0; i < count; i++) {
            const struct arrival *a = &arrivals[i];
            if (a->variance_s2 > 0) {
                log_there += log_all_below(a->actors, a->noisy_s, a->variance_s2,
                                           t_s - a->at_s + a->noisy_s);
            }
        }
        sum += 1 - exp(log_there);
    }
    return from_s + sum * step_s;
}

double cached_latest(struct evaluator *e, const struct arrival *arrivals, size_t count)
{
    /* Dates do not matter, only how they lie to each other; rounded, so that the same round a year
     * later is recognised, and the answer does not depend on which of the two came first. */
    struct arrival relative[ROLE_LIMIT];
    memset(relative, 0, sizeof relative);
    int exponent = 0;
    frexp(arrivals[0].noisy_s, &exponent);
    const double grain_s = ldexp(1, exponent - 32);
    const double first_s = arrivals[0].at_s;
    for (size_t i = 0; i < count; i++) {
        relative[i] = arrivals[i];
        relative[i].at_s = grain_s * rint((arrivals[i].at_s - first_s) / grain_s);
        relative[i].noisy_s = grain_s * rint(arrivals[i].noisy_s / grain_s);
    }
    const uint64_t key = hash_bytes(HASH_SEED, relative, count * sizeof relative[0]);
    struct latest *slot = &e->latest[key % (sizeof e->latest / sizeof e->latest[0])];
    if (slot->key != key) {
        *slot = (struct latest){.key = key, .after_s = expected_latest(relative, count)};
    }
    return first_s + slot->after_s;
}
