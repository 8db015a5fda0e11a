/* Estimators over replications: see estimate.h and sim.h. */
#include "sim/estimate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <gsl/gsl_cdf.h>

void estimate_mean(const double *x, size_t n, double confidence, double *mean, double *half)
{
    double sum = 0.0, squares = 0.0;
    for (size_t i = 0; i < n; ++i) {
        sum += x[i];
    }
    *mean = sum / (double)n;
    for (size_t i = 0; i < n; ++i) {
        squares += (x[i] - *mean) * (x[i] - *mean);
    }
    *half = HUGE_VAL;
    if (n > 1) {
        const double sd = sqrt(squares / (double)(n - 1));
        *half = gsl_cdf_tdist_Pinv(0.5 + 0.5 * confidence, (double)(n - 1)) * sd / sqrt((double)n);
    }
}

/* Quantile p of n sorted observations, n > 0. X_(l) <= quantile < X_(u) holds with probability P(l
 * <= B < u), B binomial(n, p): the number of observations below the quantile. Each side gets half
 * of what may go wrong. */
static struct quantile_estimate estimate_quantile(const double *sorted, size_t n, double p,
                                                  double confidence)
{
    const double place = p * (double)(n - 1);
    const size_t i = (size_t)place;
    const double above = i + 1 < n ? sorted[i + 1] : sorted[i];
    struct quantile_estimate out = {sorted[i] + (place - (double)i) * (above - sorted[i]), NAN,
                                    NAN};
    const double miss = 0.5 * (1.0 - confidence);
    for (unsigned l = 1; l <= n; ++l) { /* the largest l with P(B < l) <= miss */
        if (gsl_cdf_binomial_P(l - 1, p, (unsigned)n) > miss) {
            break;
        }
        out.lo = sorted[l - 1];
    }
    for (unsigned u = (unsigned)n; u >= 1; --u) { /* the smallest u with P(B >= u) <= miss */
        if (gsl_cdf_binomial_Q(u - 1, p, (unsigned)n) > miss) {
            break;
        }
        out.hi = sorted[u - 1];
    }
    return out;
}

static int order_doubles(const void *pa, const void *pb)
{
    const double a = *(const double *)pa, b = *(const double *)pb;
    return a < b ? -1 : a > b;
}

struct estimate estimate_all(const double *x, size_t n, double confidence, double *scratch)
{
    struct estimate out;
    double half;
    estimate_mean(x, n, confidence, &out.mean, &half);
    out.lo = out.mean - half;
    out.hi = out.mean + half;
    memcpy(scratch, x, n * sizeof *x);
    qsort(scratch, n, sizeof *scratch, order_doubles);
    out.p50 = estimate_quantile(scratch, n, 0.50, confidence);
    out.p90 = estimate_quantile(scratch, n, 0.90, confidence);
    out.p99 = estimate_quantile(scratch, n, 0.99, confidence);
    return out;
}
