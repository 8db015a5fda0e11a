/* Quantiles of quantities, by their formulas; of a mixture by bisection on its distribution
 * function. */
#include "model/sensitivity.h"

#include <gsl/gsl_cdf.h>
#include <math.h>

static double formula_quantile(enum distribution_kind kind, const double *p, double share)
{
    const double z = gsl_cdf_ugaussian_Pinv(share);
    switch (kind) {
    case DISTRIBUTION_NORMAL:
        return fmax(0, p[0] + p[1] * z);
    case DISTRIBUTION_LOGNORMAL:
        return exp(p[0] + p[1] * z);
    case DISTRIBUTION_SHIFTED_LOGNORMAL:
        return p[0] + exp(p[1] + p[2] * z);
    case DISTRIBUTION_GAMMA:
        return gsl_cdf_gamma_Pinv(share, p[0], p[1]);
    case DISTRIBUTION_WEIBULL:
        return p[0] * pow(-log1p(-share), 1 / p[1]);
    case DISTRIBUTION_EXPONENTIAL:
        return -p[0] * log1p(-share);
    case DISTRIBUTION_UNIFORM:
        return p[0] + share * (p[1] - p[0]);
    case DISTRIBUTION_TRIANGULAR: {
        const double wide = p[2] - p[0];
        const double up = p[1] - p[0];
        return share * wide < up ? p[0] + sqrt(share * wide * up)
                                 : p[2] - sqrt((1 - share) * wide * (p[2] - p[1]));
    }
    default:
        return p[0];
    }
}

/* Share of a component below x: its quantile function turned round. */
static double share_below(enum distribution_kind kind, const double *p, double x)
{
    double low = 0;
    double high = 1;
    for (int i = 0; i < 50; i++) {
        const double middle = 0.5 * (low + high);
        if (formula_quantile(kind, p, middle) < x) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return 0.5 * (low + high);
}

static double mixture_quantile(const struct quantity *q, double share)
{
    enum { NUMBERS = 5 }; /* weight, kind, p0, p1, p2 */
    double low = HUGE_VAL;
    double high = 0;
    for (uint32_t i = 0; i < q->count; i++) {
        const double *row = q->table + NUMBERS * i;
        const double x = formula_quantile((enum distribution_kind)row[1], row + 2, share);
        low = fmin(low, x);
        high = fmax(high, x);
    }
    for (int k = 0; k < 60 && low < high; k++) { /* it lies between those of the components */
        const double middle = 0.5 * (low + high);
        double below = 0;
        for (uint32_t i = 0; i < q->count; i++) {
            const double *row = q->table + NUMBERS * i;
            below += row[0] * share_below((enum distribution_kind)row[1], row + 2, middle);
        }
        if (below < share) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return 0.5 * (low + high);
}

double quantity_quantile(const struct quantity *q, double p)
{
    if (q->run_sd > 0) { /* a random effect per run has mean 1 */
        return q->mean * exp(q->run_sd * gsl_cdf_ugaussian_Pinv(p) - 0.5 * q->run_sd * q->run_sd);
    }
    switch (q->kind) {
    case DISTRIBUTION_CONSTANT:
        return q->mean;
    case DISTRIBUTION_EMPIRICAL: {
        const double at = p * (q->count - 1);
        const uint32_t i = (uint32_t)at;
        return i + 1 < q->count ? q->table[i] + (at - i) * (q->table[i + 1] - q->table[i])
                                : q->table[q->count - 1];
    }
    case DISTRIBUTION_MIXTURE:
        return mixture_quantile(q, p);
    default:
        return formula_quantile(q->kind, q->p, p);
    }
}
