/* Expected maxima of lognormals: what a barrier waits for the last of n.
 *
 * X = exp(sigma Z - sigma^2 / 2) has mean 1 and cv^2 = exp(sigma^2) - 1. Then
 *     E[max of n] - 1 = integral of (exp(sigma z - sigma^2 / 2) - 1) d Phi(z)^n.
 * The trapezium rule converges exponentially for such integrands. A sweep asks for the same n with
 * ever new cv, so for each n the smooth function g(sigma) = ln(E[max]) / sigma is kept as a
 * Chebyshev series (Clenshaw's recurrence), exact to rounding: tests/test_maximum.c.
 */
#include "model/maximum.h"
#include "model/walk.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NODES = 305, TERMS = MAXIMUM_TERMS };
static const double from_z = -7.0;
static const double step_z = 0.0625;
static const double sigma_limit = 2.25; /* cv up to 12; above, the integral itself */

/* weights[i] = d Phi(z)^n at z = from_z + i step_z, times the step. Phi(-7)^2 is 1e-24. */
static void density(double n, double weights[NODES])
{
    for (int i = 0; i < NODES; i++) {
        const double z = from_z + i * step_z;
        const double tail = 0.5 * erfc(z * 0.7071067811865476);
        const double power = exp((n - 1) * log1p(-tail) - 0.5 * z * z);
        weights[i] = n * power * step_z * 0.3989422804014327; /* 1 / sqrt(2 pi) */
    }
}

static double integrate(const double weights[NODES], double sigma)
{
    double sum = 0;
    for (int i = 0; i < NODES; i++) {
        if (weights[i] > 1e-40) {
            sum += weights[i] * expm1(sigma * (from_z + i * step_z - 0.5 * sigma));
        }
    }
    return sum;
}

double expected_maximum_excess(double n, double cv)
{
    double weights[NODES];
    if (n <= 1 || cv <= 0) {
        return 0;
    }
    density(n, weights);
    return integrate(weights, sqrt(log1p(cv * cv)));
}

/* ---------------------------------------------------------------- the normal distribution */

double normal_log_cdf_exact(double z)
{
    return z > 0 ? log1p(-0.5 * erfc(z * 0.7071067811865476))
                 : log(0.5 * erfc(-z * 0.7071067811865476));
}

/* ---------------------------------------------------------------- maxima of equal groups */

struct maxima *maxima_of(struct evaluator *e)
{
    if (e->maxima != NULL || (e->maxima = calloc(1, sizeof *e->maxima)) == NULL) {
        return e->maxima;
    }
    struct maxima *m = e->maxima;
    for (int j = 0; j < TERMS; j++) {
        for (int k = 0; k < TERMS; k++) {
            m->cosine[j][k] = cos(3.141592653589793 * j * (k + 0.5) / TERMS);
        }
    }
    for (int i = 0; i <= NORMAL_CELLS; i++) {
        const double z = (double)i / NORMAL_CELLS_PER_UNIT - NORMAL_REACH;
        m->normal[i].value = normal_log_cdf_exact(z);
        m->normal[i].slope = exp(-0.5 * z * z - m->normal[i].value) * 0.3989422804014327 /
                             NORMAL_CELLS_PER_UNIT; /* phi / Phi, per cell */
    }
    return m;
}

static void fit_series(const struct maxima *m, double n, double series[TERMS])
{
    double weights[NODES];
    double values[TERMS];
    density(n, weights);
    for (int k = 0; k < TERMS; k++) {
        const double sigma = 0.5 * sigma_limit * (1 + m->cosine[1][k]);
        values[k] = log1p(integrate(weights, sigma)) / sigma;
    }
    for (int j = 0; j < TERMS; j++) {
        double sum = 0;
        for (int k = 0; k < TERMS; k++) {
            sum += values[k] * m->cosine[j][k];
        }
        series[j] = (j == 0 ? 1.0 : 2.0) / TERMS * sum;
    }
}

double cached_excess(struct evaluator *e, double n, double cv)
{
    if (n <= 1 || cv <= 0) {
        return 0;
    }
    struct maxima *m = maxima_of(e);
    uint64_t bits = 0;
    memcpy(&bits, &cv, sizeof bits);
    const size_t way = (size_t)((bits ^ (uint64_t)n) * UINT64_C(0x9e3779b97f4a7c15) >> 60);
    if (m != NULL && m->recent[way].n == n && m->recent[way].cv == cv) {
        return m->recent[way].excess;
    }
    const double sigma = sqrt(log1p(cv * cv));
    if (m == NULL || sigma > sigma_limit) {
        return expected_maximum_excess(n, cv);
    }
    const size_t slot = (size_t)((uint64_t)n % MAXIMUM_SLOTS);
    double *series = m->slots[slot].series;
    if (m->slots[slot].n != n) {
        m->slots[slot].n = n;
        fit_series(m, n, series);
    }
    const double x = 2 * sigma / sigma_limit - 1;
    double later = 0;
    double sum = 0;
    for (int j = TERMS - 1; j > 0; j--) {
        const double here = 2 * x * sum - later + series[j];
        later = sum;
        sum = here;
    }
    const double excess = expm1(sigma * (x * sum - later + series[0]));
    m->recent[way].n = n;
    m->recent[way].cv = cv;
    m->recent[way].excess = excess;
    return excess;
}

double walk_excess(struct evaluator *e, double n, double mean_s, double noise_s)
{
    return mean_s > 0 ? mean_s * cached_excess(e, n, noise_s / mean_s) : 0;
}
