/* Maximum likelihood of the shifted lognormal, ln(x - shift) ~ N(mu, sigma^2).
 *
 * For a given shift the other two follow in closed form, so the likelihood is profiled over the
 * shift alone. It grows without bound as the shift nears the smallest value (Hill, JASA 58, 1963):
 * the estimate is the highest local maximum away from there, on a grid in ln(min - shift), refined.
 */
#include "calibration/fit/family.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_math.h>
#include <gsl/gsl_min.h>
#include <math.h>

enum { GRID = 160 };

struct profile {
    const struct sorted *s;
    double span; /* unit of the grid: median above the minimum */
    double mu, sigma;
};

/* Minus the log likelihood per observation at min - shift = span * exp(v). */
static double negative(double v, void *context)
{
    struct profile *const p = context;
    const double shift = p->s->value[0] - p->span * exp(v);
    double sum = 0, square = 0;
    for (size_t i = 0; i < p->s->n; i++) {
        const double y = log(p->s->value[i] - shift);
        sum += p->s->weight[i] * y;
        square += p->s->weight[i] * y * y;
    }
    p->mu = sum / p->s->total;
    p->sigma = sqrt(fmax(square / p->s->total - p->mu * p->mu, 1e-300));
    return log(p->sigma) + p->mu;
}

static double refine(struct profile *p, double low, double middle, double high)
{
    gsl_min_fminimizer *const m = gsl_min_fminimizer_alloc(gsl_min_fminimizer_brent);
    gsl_function f = {.function = negative, .params = p};
    double v = middle;
    if (m != NULL && gsl_min_fminimizer_set(m, &f, middle, low, high) == GSL_SUCCESS) {
        for (int i = 0; i < 60 && gsl_min_fminimizer_x_upper(m) - gsl_min_fminimizer_x_lower(m) >
                                      1e-9 * (1 + fabs(v));
             i++) {
            if (gsl_min_fminimizer_iterate(m) != GSL_SUCCESS) {
                break;
            }
            v = gsl_min_fminimizer_x_minimum(m);
        }
    }
    gsl_min_fminimizer_free(m);
    return v;
}

/* Where the profile has fallen by `drop` between v and the limit; the limit when it does not. */
static double fall(struct profile *p, double v, double limit, double target)
{
    if (negative(limit, p) <= target) {
        return limit;
    }
    double in = v, out = limit;
    for (int i = 0; i < 60; i++) {
        const double middle = (in + out) / 2;
        *(negative(middle, p) <= target ? &in : &out) = middle;
    }
    return in;
}

/* Observed information of (shift, mu, ln sigma), inverted for the variances of mu and ln sigma. */
static void variances(const struct profile *p, double shift, double *mu, double *log_sigma)
{
    double ss = 0, sm = 0, sl = 0;
    for (size_t i = 0; i < p->s->n; i++) {
        const double u = 1 / (p->s->value[i] - shift), w = p->s->weight[i];
        const double z = (-log(u) - p->mu) / p->sigma;
        ss -= w * u * u * (1 - 1 / (p->sigma * p->sigma) + z / p->sigma);
        sm += w * u / (p->sigma * p->sigma);
        sl += w * 2 * z * u / p->sigma;
    }
    /* mm and ll are diagonal at the maximum; Schur complement of the shift. */
    const double n = p->s->total, mm = n / (p->sigma * p->sigma), ll = 2 * n;
    const double rest = ss - sm * sm / mm - sl * sl / ll;
    const double shift_variance = rest > 0 ? 1 / rest : 0;
    *mu = 1 / mm + shift_variance * (sm / mm) * (sm / mm);
    *log_sigma = 1 / ll + shift_variance * (sl / ll) * (sl / ll);
}

enum status shifted_lognormal_fit(const struct sorted *s, struct fitted *out, struct error *err)
{
    double half = 0, middle = s->value[0];
    for (size_t i = 0; i < s->n && half < s->total / 2; i++) {
        half += s->weight[i];
        middle = s->value[i];
    }
    const double low = s->value[0];
    struct profile p = {.s = s, .span = middle - low};
    if (s->n < 4 || !(p.span > 0)) {
        return RAISE(err, ERR_INPUT, "shifted_lognormal needs at least four values that differ");
    }
    /* From shift = 0 (v = log(low / span)) to within a millionth of the span of the smallest value.
     */
    const double highest = log(low / p.span), lowest = fmin(highest, 0) - 14;
    const double step = (highest - lowest) / GRID;
    double best = 0, best_value = GSL_POSINF, at[3] = {0};
    bool found = false;
    for (int i = GRID; i >= 0; i--) {
        at[2] = at[1];
        at[1] = at[0];
        at[0] = negative(lowest + step * i, &p);
        if (i == GRID - 1 && at[0] > at[1]) { /* falls away from shift = 0: a plain lognormal */
            best = highest;
            best_value = at[1];
            found = true;
        }
        if (i <= GRID - 2 && at[1] < at[2] && at[1] <= at[0] && at[1] < best_value) {
            best = lowest + step * (i + 1);
            best_value = at[1];
            found = true;
        }
    }
    if (!found) {
        return RAISE(err, ERR_NUMERIC,
                     "the likelihood of shifted_lognormal has no maximum below the smallest value");
    }
    const bool at_zero = best >= highest;
    const double v = at_zero ? highest : refine(&p, best - step, best, fmin(best + step, highest));
    const double top = negative(v, &p);
    const double mu = p.mu, sigma = p.sigma, shift = at_zero ? 0 : low - p.span * exp(v);
    double mu_variance, sigma_variance;
    variances(&p, shift, &mu_variance, &sigma_variance);
    /* 95 % of chi-square with one degree of freedom is 3.841; the profile is per observation. */
    const double target = top + 3.841458820694124 / 2 / s->total;
    const double nearest = fall(&p, v, fmax(lowest, v - 3), target);
    const double farthest = at_zero ? highest : fall(&p, v, highest, target);
    out->parameter[0] = (struct estimate){.name = "shift",
                                          .value = shift,
                                          .low = fmax(0, low - p.span * exp(farthest)),
                                          .high = low - p.span * exp(nearest),
                                          .at_bound = at_zero};
    out->parameter[0].standard_error =
        (out->parameter[0].high - out->parameter[0].low) / (2 * Z_95);
    out->parameter[1] = estimate_wald("mu", mu, sqrt(mu_variance));
    out->parameter[2] = estimate_log_wald("sigma", sigma, sqrt(sigma_variance));
    return STATUS_OK;
}
