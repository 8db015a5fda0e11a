/* The expected time of the latest of several groups of actors that arrive at different times, each
 * after noisy work of its own. With lognormal F_i and any group p among them
 *     E[max of all] = E[max of group p] + integral of F_p^n_p (1 - product of the others' F_i^n_i),
 * the first term being the expected maximum of equals (model/maximum.c). The integrand dies out at
 * both ends, so that the trapezium rule converges exponentially: some thirty values give 1e-6 of
 * the noise (tests/test_maximum.c). Groups that are late beyond doubt need none.
 */
#include "model/maximum.h"
#include "model/walk.h"

#include <math.h>
#include <string.h>

struct group {
    double n, from_s, mean_s, at_s, sigma, sd_s;
    double per_mean, per_sigma;
    double low_s, high_s; /* outside, all n are there with probability below 1e-8, or all but */
};

/* A z with -ln Phi(z) >= y, not far from where they are equal. For z < 0 from
 *     Phi(z) < exp(-z^2 / 2) / 2;
 * for z > 0 from -ln Phi > Q and, the hazard rising by less than one per unit,
 *     Q(z) > exp(-z^2 / 2 - z sqrt(2 / pi)) / 2. */
static double surely_missing(double y)
{
    static const double ln_2 = 0.6931471805599453;
    static const double hazard = 0.7978845608028654; /* at 0: sqrt(2 / pi) */
    if (y >= ln_2) {
        return -sqrt(2 * (y - ln_2));
    }
    return y >= 0.5 ? 0 : sqrt(hazard * hazard - 2 * log(2 * y)) - hazard;
}

static struct group read_group(const struct arrival *a)
{
    struct group g = {.n = a->actors, .mean_s = a->noisy_s, .at_s = a->at_s};
    g.from_s = a->at_s - a->noisy_s;
    const double sigma2 = log1p(a->variance_s2 / (a->noisy_s * a->noisy_s));
    g.sigma = sqrt(sigma2);
    g.sd_s = sqrt(a->variance_s2);
    g.per_mean = 1 / g.mean_s;
    g.per_sigma = 1 / g.sigma;
    const double z_low = surely_missing(20 / g.n);
    const double z_high = sqrt(2 * (20 + log(g.n))); /* Q(z) < exp(-z^2 / 2) / 2 */
    g.low_s = g.from_s + g.mean_s * exp(g.sigma * z_low - 0.5 * sigma2);
    g.high_s = g.from_s + g.mean_s * exp(g.sigma * z_high - 0.5 * sigma2);
    return g;
}

/* Is an actor of `late` later than all n of `early`, but for a chance that adds less than 1e-9
 * standard deviations? Seen from the plane of two standard normal variables, the border lies beyond
 * the straight line drawn through bounds of both lognormals: the tangent of a lower tail, the chord
 * of an upper one. */
static bool surely_later(const struct group *late, const struct group *early)
{
    const double reach = sqrt(36 + 2 * log(early->n));
    const double up_s = early->mean_s * expm1(early->sigma * (reach - 0.5 * early->sigma)) / reach;
    const double down_s = late->mean_s * late->sigma;
    const double gap_s = late->at_s - early->at_s - 0.5 * down_s * late->sigma;
    return gap_s > 0 && gap_s * gap_s > reach * reach * (up_s * up_s + down_s * down_s);
}

/* log P(all n of a group are there at t). */
static double log_there(const struct maxima *m, const struct group *g, double t_s)
{
    if (t_s >= g->high_s) {
        return 0;
    }
    if (t_s <= g->low_s) {
        return -HUGE_VAL;
    }
    const double z = log((t_s - g->from_s) * g->per_mean) * g->per_sigma + 0.5 * g->sigma;
    return g->n * normal_log_cdf(m, z);
}

/* F_p^n_p (1 - product of the others), the pivot p being groups[0]. */
static double others_missing(const struct maxima *m, const struct group *groups, size_t count,
                             double t_s)
{
    double there = 0;
    for (size_t i = 1; i < count; i++) {
        there += log_there(m, &groups[i], t_s);
    }
    if (there == 0) {
        return 0;
    }
    return exp(log_there(m, &groups[0], t_s)) * (1 - exp(there));
}

/* A step that resolves how all n of a group come in: the more there are, the sharper the edge. */
static double resolving_step(const struct group *g)
{
    return 0.8 * g->mean_s * g->sigma / (1 + 0.55 * sqrt(2 * log(g->n)));
}

/* Equal steps of the sharpest group; where another one is far wider, steps that grow with the
 * distance from it: t = c + s sinh(u). */
static double integrate(const struct maxima *m, const struct group *groups, size_t count,
                        double low_s, double high_s)
{
    enum { EQUAL_STEPS = 64 };
    const struct group *sharp = &groups[0];
    double step_s = HUGE_VAL;
    for (size_t i = 0; i < count; i++) {
        const double own_s = resolving_step(&groups[i]);
        if (own_s < step_s && groups[i].high_s > low_s && groups[i].low_s < high_s) {
            step_s = own_s;
            sharp = &groups[i];
        }
    }
    double sum = 0;
    if (high_s - low_s <= EQUAL_STEPS * step_s) {
        for (double t_s = low_s + 0.5 * step_s; t_s < high_s; t_s += step_s) {
            sum += others_missing(m, groups, count, t_s);
        }
        return sum * step_s;
    }
    const double centre_s = fmin(high_s, fmax(low_s, 0.5 * (sharp->low_s + sharp->high_s)));
    const double scale_s = 0.5 * (sharp->high_s - sharp->low_s);
    const double step = step_s / scale_s;
    const double to = asinh((high_s - centre_s) / scale_s);
    for (double u = asinh((low_s - centre_s) / scale_s); u < to; u += step) {
        const double grown = exp(u);
        const double t_s = centre_s + 0.5 * scale_s * (grown - 1 / grown);
        sum += 0.5 * (grown + 1 / grown) * others_missing(m, groups, count, t_s);
    }
    return sum * step * scale_s;
}

/* The same where a group that is never late cuts in at its time: until then it is missing for sure,
 * and the integrand does not die out there. Gauss and Legendre's eight points on short pieces. */
static double integrate_piece(const struct maxima *m, const struct group *groups, size_t count,
                              bool missing, double low_s, double high_s)
{
    enum { POINTS = 8, PIECES_MAX = 4096 };
    static const double nodes[POINTS / 2] = {0.1834346424956498, 0.525532409916329,
                                             0.7966664774136267, 0.9602898564975363};
    static const double weights[POINTS / 2] = {0.362683783378362, 0.31370664587788727,
                                               0.22238103445337448, 0.10122853629037626};
    double step_s = high_s - low_s;
    for (size_t i = 0; i < count; i++) {
        step_s = fmin(step_s, resolving_step(&groups[i]));
    }
    const double pieces = fmin(ceil((high_s - low_s) / (3 * step_s)), PIECES_MAX);
    const double half_s = 0.5 * (high_s - low_s) / pieces;
    double sum = 0;
    for (double piece = 0; piece < pieces; piece++) {
        const double middle_s = low_s + (2 * piece + 1) * half_s;
        for (int k = 0; k < POINTS; k++) {
            const double t_s = middle_s + (k % 2 == 0 ? half_s : -half_s) * nodes[k / 2];
            sum += weights[k / 2] * (missing ? exp(log_there(m, &groups[0], t_s))
                                             : others_missing(m, groups, count, t_s));
        }
    }
    return sum * half_s;
}

static double latest_of(struct evaluator *e, const struct arrival *arrivals, size_t count)
{
    struct group groups[ROLE_LIMIT];
    const struct maxima *m = maxima_of(e);
    double cut_s = -HUGE_VAL; /* the latest of those that are never late */
    size_t noisy = 0;
    for (size_t i = 0; i < count; i++) {
        if (arrivals[i].variance_s2 <= 0) {
            cut_s = fmax(cut_s, arrivals[i].at_s);
            continue;
        }
        groups[noisy] = read_group(&arrivals[i]);
        if (groups[noisy].at_s > groups[0].at_s) {
            const struct group later = groups[noisy];
            groups[noisy] = groups[0];
            groups[0] = later;
        }
        noisy++;
    }
    if (noisy == 0) {
        return cut_s;
    }
    const struct group *last = &groups[0];
    double high_s = -HUGE_VAL;
    size_t doubtful = 1;
    for (size_t i = 1; i < noisy; i++) {
        if (!surely_later(last, &groups[i])) {
            groups[doubtful++] = groups[i];
            high_s = fmax(high_s, groups[i].high_s);
        }
    }
    const double alone_s = last->at_s + walk_excess(e, last->n, last->mean_s, last->sd_s);
    if (cut_s > last->low_s) {
        const double rest_s =
            high_s > cut_s ? integrate_piece(m, groups, doubtful, false, cut_s, high_s) : 0;
        return alone_s + rest_s + integrate_piece(m, groups, 1, true, last->low_s, cut_s);
    }
    return alone_s +
           (high_s > last->low_s ? integrate(m, groups, doubtful, last->low_s, high_s) : 0);
}

double expected_latest(struct evaluator *e, const struct arrival *arrivals, size_t count)
{
    /* Dates do not matter, only how they lie to each other; rounded, so that the same round a year
     * later is recognised, and the answer does not depend on which of the two came first. */
    struct arrival relative[ROLE_LIMIT];
    uint64_t key = count;
    int exponent = 0;
    frexp(arrivals[0].noisy_s, &exponent);
    const double grain_s = ldexp(1, exponent - 32);
    const double grains_per_s = 1 / grain_s; /* a power of two, so exact */
    const double first_s = arrivals[0].at_s;
    for (size_t i = 0; i < count; i++) {
        relative[i] = arrivals[i];
        relative[i].at_s = grain_s * rint((arrivals[i].at_s - first_s) * grains_per_s);
        relative[i].noisy_s = grain_s * rint(arrivals[i].noisy_s * grains_per_s);
        uint64_t words[sizeof relative[0] / sizeof(uint64_t)];
        memcpy(words, &relative[i], sizeof words);
        for (size_t k = 0; k < sizeof words / sizeof words[0]; k++) {
            key = (key ^ words[k]) * UINT64_C(0x9fb21c651e98df25);
            key ^= key >> 32;
        }
    }
    struct latest *slot = &e->latest[key % (sizeof e->latest / sizeof e->latest[0])];
    if (slot->key != key) {
        *slot = (struct latest){.key = key, .after_s = latest_of(e, relative, count)};
    }
    return first_s + slot->after_s;
}
