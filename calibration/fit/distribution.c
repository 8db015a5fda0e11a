/* The table of families, choosing among them, and what a fitted distribution says. */
#include "calibration/fit/family.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_randist.h>
#include <math.h>
#include <string.h>

static const struct {
    const char *name;
    size_t parameters;
} families[FAMILIES] = {
#define X(id, word, parameters) [id] = {word, parameters},
    FAMILY_LIST(X)
#undef X
};

static family_fit *const fitters[FAMILIES] = {
    [FAMILY_NORMAL] = normal_fit,
    [FAMILY_LOGNORMAL] = lognormal_fit,
    [FAMILY_SHIFTED_LOGNORMAL] = shifted_lognormal_fit,
    [FAMILY_GAMMA] = gamma_fit,
    [FAMILY_WEIBULL] = weibull_fit,
    [FAMILY_PARETO] = pareto_fit,
    [FAMILY_EXPONENTIAL] = exponential_fit,
    [FAMILY_MIXTURE] = mixture_fit,
    [FAMILY_SHIFTED_MIXTURE] = shifted_mixture_fit,
};

const char *family_name(enum family f)
{
    return families[f].name;
}

static double value(const struct fitted *d, size_t i)
{
    return d->parameter[i].value;
}

static double empirical_cdf(const struct fitted *d, double x)
{
    const size_t last = EMPIRICAL_QUANTILES - 1;
    if (x < d->quantile[0]) {
        return 0;
    }
    if (x >= d->quantile[last]) {
        return 1;
    }
    size_t low = 0, high = last;
    while (high - low > 1) {
        const size_t middle = (low + high) / 2;
        *(d->quantile[middle] <= x ? &low : &high) = middle;
    }
    const double gap = d->quantile[high] - d->quantile[low];
    return ((double)low + (gap > 0 ? (x - d->quantile[low]) / gap : 0)) / (double)last;
}

double distribution_cdf(const struct fitted *d, double x)
{
    const double a = value(d, 0), b = value(d, 1), c = value(d, 2);
    switch (d->family) {
    case FAMILY_NORMAL:
        return gsl_cdf_gaussian_P(x - a, b);
    case FAMILY_LOGNORMAL:
        return x > 0 ? gsl_cdf_ugaussian_P((log(x) - a) / b) : 0;
    case FAMILY_SHIFTED_LOGNORMAL:
        return x > a ? gsl_cdf_ugaussian_P((log(x - a) - b) / c) : 0;
    case FAMILY_GAMMA:
        return x > 0 ? gsl_cdf_gamma_P(x, a, b) : 0;
    case FAMILY_WEIBULL:
        return x > 0 ? gsl_cdf_weibull_P(x, a, b) : 0;
    case FAMILY_PARETO:
        return x > b ? gsl_cdf_pareto_P(x, a, b) : 0;
    case FAMILY_EXPONENTIAL:
        return x > 0 ? gsl_cdf_exponential_P(x, a) : 0;
    case FAMILY_SHIFTED_MIXTURE:
        x -= value(d, 5); /* as a mixture from here on */
        /* fall through */
    case FAMILY_MIXTURE:
        return x > 0 ? (1 - a) * gsl_cdf_ugaussian_P((log(x) - b) / c) +
                           a * gsl_cdf_ugaussian_P((log(x) - value(d, 3)) / value(d, 4))
                     : 0;
    case FAMILY_EMPIRICAL:
        return empirical_cdf(d, x);
    case FAMILIES:
        break;
    }
    return NAN;
}

static double mixture_quantile(const struct fitted *d, double probability)
{
    const double z = gsl_cdf_ugaussian_Pinv(probability);
    const double shift = d->family == FAMILY_SHIFTED_MIXTURE ? value(d, 5) : 0;
    double low = fmin(value(d, 1) + value(d, 2) * z, value(d, 3) + value(d, 4) * z);
    double high = fmax(value(d, 1) + value(d, 2) * z, value(d, 3) + value(d, 4) * z);
    for (int i = 0; i < 80; i++) {
        const double middle = (low + high) / 2;
        *(distribution_cdf(d, shift + exp(middle)) < probability ? &low : &high) = middle;
    }
    return shift + exp((low + high) / 2);
}

double distribution_quantile(const struct fitted *d, double p)
{
    const double a = value(d, 0), b = value(d, 1), c = value(d, 2);
    switch (d->family) {
    case FAMILY_NORMAL:
        return a + gsl_cdf_gaussian_Pinv(p, b);
    case FAMILY_LOGNORMAL:
        return exp(a + b * gsl_cdf_ugaussian_Pinv(p));
    case FAMILY_SHIFTED_LOGNORMAL:
        return a + exp(b + c * gsl_cdf_ugaussian_Pinv(p));
    case FAMILY_GAMMA:
        return gsl_cdf_gamma_Pinv(p, a, b);
    case FAMILY_WEIBULL:
        return gsl_cdf_weibull_Pinv(p, a, b);
    case FAMILY_PARETO:
        return gsl_cdf_pareto_Pinv(p, a, b);
    case FAMILY_EXPONENTIAL:
        return gsl_cdf_exponential_Pinv(p, a);
    case FAMILY_MIXTURE:
    case FAMILY_SHIFTED_MIXTURE:
        return mixture_quantile(d, p);
    case FAMILY_EMPIRICAL: {
        const double place = p * (EMPIRICAL_QUANTILES - 1);
        const size_t i = (size_t)fmin(place, EMPIRICAL_QUANTILES - 2);
        return d->quantile[i] + (place - (double)i) * (d->quantile[i + 1] - d->quantile[i]);
    }
    case FAMILIES:
        break;
    }
    return NAN;
}

double distribution_mean(const struct fitted *d)
{
    const double a = value(d, 0), b = value(d, 1), c = value(d, 2);
    switch (d->family) {
    case FAMILY_NORMAL:
    case FAMILY_EXPONENTIAL:
        return a;
    case FAMILY_LOGNORMAL:
        return exp(a + b * b / 2);
    case FAMILY_SHIFTED_LOGNORMAL:
        return a + exp(b + c * c / 2);
    case FAMILY_GAMMA:
        return a * b;
    case FAMILY_WEIBULL:
        return a * tgamma(1 + 1 / b);
    case FAMILY_PARETO:
        return a > 1 ? a * b / (a - 1) : (double)INFINITY;
    case FAMILY_MIXTURE:
    case FAMILY_SHIFTED_MIXTURE:
        return (d->family == FAMILY_MIXTURE ? 0 : value(d, 5)) + (1 - a) * exp(b + c * c / 2) +
               a * exp(value(d, 3) + value(d, 4) * value(d, 4) / 2);
    case FAMILY_EMPIRICAL: {
        double sum = 0;
        for (size_t i = 0; i + 1 < EMPIRICAL_QUANTILES; i++) {
            sum += (d->quantile[i] + d->quantile[i + 1]) / 2;
        }
        return sum / (EMPIRICAL_QUANTILES - 1);
    }
    case FAMILIES:
        break;
    }
    return NAN;
}

static double log_gaussian(double y, double mu, double sigma)
{
    const double z = (y - mu) / sigma;
    return -0.5 * z * z - log(sigma) - 0.918938533204672742; /* ln sqrt(2 pi) */
}

/* Natural logarithm of the density of one observation. */
static double distribution_log_density(const struct fitted *d, double x)
{
    const double a = value(d, 0), b = value(d, 1), c = value(d, 2);
    switch (d->family) {
    case FAMILY_NORMAL:
        return log_gaussian(x, a, b);
    case FAMILY_LOGNORMAL:
        return log_gaussian(log(x), a, b) - log(x);
    case FAMILY_SHIFTED_LOGNORMAL:
        return x > a ? log_gaussian(log(x - a), b, c) - log(x - a) : -(double)INFINITY;
    case FAMILY_GAMMA:
        return (a - 1) * log(x) - x / b - a * log(b) - lgamma(a);
    case FAMILY_WEIBULL:
        return log(b / a) + (b - 1) * log(x / a) - pow(x / a, b);
    case FAMILY_PARETO:
        return log(a) + a * log(b) - (a + 1) * log(x);
    case FAMILY_EXPONENTIAL:
        return -log(a) - x / a;
    case FAMILY_SHIFTED_MIXTURE:
        x -= value(d, 5);
        if (x <= 0) {
            return -(double)INFINITY;
        }
        /* fall through */
    case FAMILY_MIXTURE: {
        const double y = log(x);
        const double one = log1p(-a) + log_gaussian(y, b, c);
        const double two = log(a) + log_gaussian(y, value(d, 3), value(d, 4));
        return fmax(one, two) + log1p(exp(-fabs(one - two))) - y;
    }
    case FAMILY_EMPIRICAL:
    case FAMILIES:
        break;
    }
    return NAN;
}

static double cdf_of(const void *context, double x)
{
    return distribution_cdf(context, x);
}

static enum status fit_sorted(enum family f, const struct sorted *s, struct fitted *out,
                              struct error *err)
{
    *out = (struct fitted){.family = f, .n_parameters = families[f].parameters};
    const bool positive = f != FAMILY_NORMAL && f != FAMILY_EMPIRICAL;
    if (positive && s->value[0] <= 0) {
        return RAISE(err, ERR_INPUT, "%s needs positive values; the smallest is %g", family_name(f),
                     s->value[0]);
    }
    if (f == FAMILY_EMPIRICAL) {
        const struct sample view = {.value = s->value, .weight = s->weight, .n = s->n};
        for (size_t i = 0; i < EMPIRICAL_QUANTILES; i++) {
            out->quantile[i] =
                sample_quantile(&view, (double)i / (double)(EMPIRICAL_QUANTILES - 1));
        }
        out->log_likelihood = out->aic = NAN;
    } else {
        if (fitters[f](s, out, err) != STATUS_OK) {
            return err->code;
        }
        for (size_t i = 0; i < s->n; i++) {
            out->log_likelihood += s->weight[i] * distribution_log_density(out, s->value[i]);
        }
        out->aic = 2 * (double)out->n_parameters - 2 * out->log_likelihood;
        if (!isfinite(out->aic)) {
            return RAISE(err, ERR_NUMERIC, "the likelihood of %s is not finite", family_name(f));
        }
    }
    out->n = s->total;
    out->ks = sorted_ks(s, cdf_of, out);
    return STATUS_OK;
}

enum status distribution_fit(enum family f, const struct sample *s, struct fitted *out,
                             struct error *err)
{
    struct sorted sorted;
    enum status code = sorted_make(s, &sorted, err);
    if (code == STATUS_OK) {
        code = fit_sorted(f, &sorted, out, err);
        sorted_free(&sorted);
    }
    return code;
}

enum status distribution_choose(const struct sample *s, unsigned wanted, double ks_limit,
                                struct fitted *best, struct fitted *all, struct error *err)
{
    struct sorted sorted;
    if (sorted_make(s, &sorted, err) != STATUS_OK) {
        return err->code;
    }
    const unsigned set = wanted != 0 ? wanted : ~(1u << FAMILY_PARETO);
    const double limit = ks_limit > 0 ? ks_limit : 0.1;
    bool found = false;
    struct fitted empirical = {0};
    enum status code = fit_sorted(FAMILY_EMPIRICAL, &sorted, &empirical, err);
    for (size_t f = 0; code == STATUS_OK && f < FAMILIES; f++) {
        struct fitted d;
        struct error ignored = {0}; /* a family that does not fit is no candidate */
        const bool asked = wanted == 0 || (set & (1u << f)) != 0 || f == FAMILY_EMPIRICAL;
        const bool fits = asked && fit_sorted((enum family)f, &sorted, &d, &ignored) == STATUS_OK;
        if (all != NULL) {
            all[f] = fits ? d : (struct fitted){.family = (enum family)f};
        }
        if (fits && f != FAMILY_EMPIRICAL && (set & (1u << f)) != 0 &&
            (!found || d.aic < best->aic)) {
            *best = d;
            found = true;
        }
    }
    const bool may_empirical = (set & (1u << FAMILY_EMPIRICAL)) != 0;
    if (code == STATUS_OK && may_empirical && (!found || best->ks > limit)) {
        *best = empirical;
        found = true;
    }
    if (code == STATUS_OK && !found) {
        code =
            RAISE(err, ERR_NUMERIC, "none of the families asked for fits these %zu values", s->n);
    }
    sorted_free(&sorted);
    return code;
}
