/* Maximum likelihood of the two-parameter families (normal, lognormal, gamma, Weibull, Pareto) and
 * the exponential. Johnson, Kotz and Balakrishnan, Continuous Univariate Distributions, vol. 1,
 * 1994.
 */
#include "calibration/fit/family.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_sf_psi.h>
#include <math.h>

struct estimate estimate_wald(const char *name, double value, double standard_error)
{
    return (struct estimate){.name = name,
                             .value = value,
                             .low = value - Z_95 * standard_error,
                             .high = value + Z_95 * standard_error,
                             .standard_error = standard_error};
}

struct estimate estimate_log_wald(const char *name, double value, double log_standard_error)
{
    return (struct estimate){.name = name,
                             .value = value,
                             .low = value * exp(-Z_95 * log_standard_error),
                             .high = value * exp(Z_95 * log_standard_error),
                             .standard_error = value * log_standard_error};
}

/* Student's t for the mean, chi-square for the standard deviation: both exact (chapter 13). */
static enum status normal_on(const struct sorted *s, double (*transform)(double), const char *place,
                             const char *spread, struct fitted *out, struct error *err)
{
    const struct moments m = sorted_moments(s, transform);
    const double n = s->total, sd = sqrt(m.square_sum / n);
    if (n < 3 || !(sd > 0)) {
        return RAISE(err, ERR_INPUT, "%s needs at least three values that differ",
                     family_name(out->family));
    }
    const double t = gsl_cdf_tdist_Pinv(0.975, n - 1);
    const double se = sqrt(m.square_sum / (n - 1) / n);
    out->parameter[0] = (struct estimate){.name = place,
                                          .value = m.mean,
                                          .low = m.mean - t * se,
                                          .high = m.mean + t * se,
                                          .standard_error = se};
    out->parameter[1] =
        (struct estimate){.name = spread,
                          .value = sd,
                          .low = sqrt(m.square_sum / gsl_cdf_chisq_Pinv(0.975, n - 1)),
                          .high = sqrt(m.square_sum / gsl_cdf_chisq_Pinv(0.025, n - 1)),
                          .standard_error = sd / sqrt(2 * n)};
    return STATUS_OK;
}

enum status normal_fit(const struct sorted *s, struct fitted *out, struct error *err)
{
    return normal_on(s, sample_identity, "mean", "sd", out, err);
}

enum status lognormal_fit(const struct sorted *s, struct fitted *out, struct error *err)
{
    return normal_on(s, log, "mu", "sigma", out, err);
}

enum status exponential_fit(const struct sorted *s, struct fitted *out, struct error *err)
{
    (void)err;
    /* 2 n mean / theta is chi-square with 2n degrees of freedom (chapter 19, section 7). */
    const double n = s->total, mean = sorted_moments(s, sample_identity).mean;
    out->parameter[0] = (struct estimate){.name = "mean",
                                          .value = mean,
                                          .low = 2 * n * mean / gsl_cdf_chisq_Pinv(0.975, 2 * n),
                                          .high = 2 * n * mean / gsl_cdf_chisq_Pinv(0.025, 2 * n),
                                          .standard_error = mean / sqrt(n)};
    return STATUS_OK;
}

enum status pareto_fit(const struct sorted *s, struct fitted *out, struct error *err)
{
    const double n = s->total, low = s->value[0];
    const double sum = (sorted_moments(s, log).mean - log(low)) * n;
    if (n < 3 || !(sum > 0)) {
        return RAISE(err, ERR_INPUT, "pareto needs at least three values that differ");
    }
    const double alpha = n / sum;
    /* 2 n alpha / alpha^ ~ chi-square(2n - 2); the minimum by F(2, 2n - 2) (chapter 20, section 5).
     */
    const double above = gsl_cdf_fdist_Pinv(0.95, 2, 2 * n - 2) * sum / (n * (n - 1));
    out->parameter[0] =
        (struct estimate){.name = "alpha",
                          .value = alpha,
                          .low = alpha * gsl_cdf_chisq_Pinv(0.025, 2 * n - 2) / (2 * n),
                          .high = alpha * gsl_cdf_chisq_Pinv(0.975, 2 * n - 2) / (2 * n),
                          .standard_error = alpha / sqrt(n)};
    out->parameter[1] = (struct estimate){.name = "low",
                                          .value = low,
                                          .low = low * exp(-above),
                                          .high = low,
                                          .standard_error = low / (n * alpha)};
    return STATUS_OK;
}

enum status gamma_fit(const struct sorted *s, struct fitted *out, struct error *err)
{
    const double n = s->total, mean = sorted_moments(s, sample_identity).mean;
    const double gap = log(mean) - sorted_moments(s, log).mean; /* ln k - psi(k) */
    if (n < 3 || !(gap > 1e-14)) {
        return RAISE(err, ERR_INPUT, "gamma needs at least three values that differ");
    }
    /* Minka, Estimating a gamma distribution, 2002: starting value, then Newton on 1/k. */
    double k = (3 - gap + sqrt((gap - 3) * (gap - 3) + 24 * gap)) / (12 * gap);
    for (int i = 0; i < 100; i++) {
        const double f = log(k) - gsl_sf_psi(k) - gap;
        const double slope = 1 / k - gsl_sf_psi_1(k);
        const double next = 1 / (1 / k + f / (k * k * slope));
        const bool settled = fabs(next - k) <= 1e-13 * k;
        k = next;
        if (settled) {
            break;
        }
    }
    if (!(k > 0 && isfinite(k))) {
        return RAISE(err, ERR_NUMERIC, "the likelihood of gamma has no maximum here");
    }
    /* Inverse of the information n [[psi'(k), 1/theta], [1/theta, k/theta^2]]. */
    const double trigamma = gsl_sf_psi_1(k), det = n * (trigamma * k - 1);
    out->parameter[0] = estimate_log_wald("shape", k, sqrt(k / det) / k);
    out->parameter[1] = estimate_log_wald("scale", mean / k, sqrt(trigamma / det));
    return STATUS_OK;
}

/* Sums of y^k, y^k ln y, y^k ln^2 y with y = x / geometric mean. */
static void weibull_sums(const struct sorted *s, double log_mean, double k, double sum[3])
{
    sum[0] = sum[1] = sum[2] = 0;
    for (size_t i = 0; i < s->n; i++) {
        const double l = log(s->value[i]) - log_mean, p = s->weight[i] * exp(k * l);
        sum[0] += p;
        sum[1] += p * l;
        sum[2] += p * l * l;
    }
}

enum status weibull_fit(const struct sorted *s, struct fitted *out, struct error *err)
{
    const struct moments m = sorted_moments(s, log);
    const double n = s->total, sd = sqrt(m.square_sum / n);
    if (n < 3 || !(sd > 0)) {
        return RAISE(err, ERR_INPUT, "weibull needs at least three values that differ");
    }
    double k = 1.2825498301618641 / sd; /* pi / sqrt(6): standard deviation of a log Weibull */
    double sum[3];
    for (int i = 0; i < 200; i++) {
        weibull_sums(s, m.mean, k, sum);
        const double ratio = sum[1] / sum[0];
        const double f = ratio - 1 / k; /* mean log is 0 in these units */
        const double slope = sum[2] / sum[0] - ratio * ratio + 1 / (k * k);
        const double step = fmax(-k, fmin(0.5 * k, f / slope));
        k -= step;
        if (fabs(step) <= 1e-13 * k) {
            break;
        }
    }
    weibull_sums(s, m.mean, k, sum);
    const double scale = exp(m.mean + log(sum[0] / n) / k);
    if (!(k > 0 && isfinite(scale) && scale > 0)) {
        return RAISE(err, ERR_NUMERIC, "the likelihood of weibull has no maximum here");
    }
    /* Information of (ln scale, ln shape): chapter 21, section 4; 0.5772... is Euler's constant. */
    const double euler = 0.57721566490153286, zeta = 1.6449340668482264;
    const double scale_variance = (1 + (1 - euler) * (1 - euler) / zeta) / (n * k * k);
    out->parameter[0] = estimate_log_wald("scale", scale, sqrt(scale_variance));
    out->parameter[1] = estimate_log_wald("shape", k, sqrt(1 / (n * zeta)));
    return STATUS_OK;
}
