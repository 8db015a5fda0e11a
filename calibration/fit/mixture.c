/* Mixture of two lognormals by expectation-maximisation (Dempster, Laird, Rubin, JRSS B 39, 1977).
 *
 * Works on y = ln x. The likelihood is unbounded where a component shrinks to a point, so a start
 * whose component falls below a hundredth of the sample's spread, or below eight observations, is
 * given up: such components describe single values. Starts: the sample cut at several places; the best that converges is kept. Intervals
 * from the observed information, by differences of the exact gradient.
 */
#include "calibration/fit/family.h"

#include <gsl/gsl_linalg.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DIM = 5, STEPS = 3000 };

struct two {
    double share, mu[2], sigma[2];
};

static double log_normal_density(double y, double mu, double sigma)
{
    const double z = (y - mu) / sigma;
    return -0.5 * z * z - log(sigma) - 0.918938533204672742;
}

/* One step of EM; returns the log likelihood of the point it started from. */
static double em_step(const struct sorted *s, const double *y, struct two *t)
{
    double mass[2] = {0}, sum[2] = {0}, square[2] = {0}, total = 0;
    for (size_t i = 0; i < s->n; i++) {
        const double a = log1p(-t->share) + log_normal_density(y[i], t->mu[0], t->sigma[0]);
        const double b = log(t->share) + log_normal_density(y[i], t->mu[1], t->sigma[1]);
        const double top = fmax(a, b), density = top + log1p(exp(-fabs(a - b)));
        const double second = exp(b - density), w = s->weight[i];
        const double part[2] = {w * (1 - second), w * second};
        total += w * density;
        for (int k = 0; k < 2; k++) {
            const double d = y[i] - t->mu[k];
            mass[k] += part[k];
            sum[k] += part[k] * d;
            square[k] += part[k] * d * d;
        }
    }
    for (int k = 0; k < 2; k++) {
        const double d = sum[k] / mass[k];
        t->mu[k] += d;
        t->sigma[k] = sqrt(fmax(square[k] / mass[k] - d * d, 0));
    }
    t->share = mass[1] / s->total;
    return total;
}

/* Start from the sample cut at `cut`; false when a component vanishes. */
static bool em(const struct sorted *s, const double *y, double cut, double spread, struct two *t,
               double *likelihood)
{
    double mass[2] = {0}, sum[2] = {0}, square[2] = {0};
    for (size_t i = 0; i < s->n; i++) {
        const int k = y[i] > cut;
        mass[k] += s->weight[i];
        sum[k] += s->weight[i] * y[i];
        square[k] += s->weight[i] * y[i] * y[i];
    }
    if (mass[0] < 8 || mass[1] < 8) {
        return false;
    }
    for (int k = 0; k < 2; k++) {
        t->mu[k] = sum[k] / mass[k];
        t->sigma[k] = fmax(sqrt(fmax(square[k] / mass[k] - t->mu[k] * t->mu[k], 0)), 0.02 * spread);
    }
    t->share = mass[1] / s->total;
    double last = -INFINITY;
    for (int i = 0; i < STEPS; i++) {
        *likelihood = em_step(s, y, t);
        const double rarer = fmin(t->share, 1 - t->share) * s->total;
        if (!(rarer >= 8 && t->sigma[0] >= 0.01 * spread && t->sigma[1] >= 0.01 * spread)) {
            return false;
        }
        if (*likelihood - last < 1e-10 * fabs(*likelihood) && i > 2) {
            break;
        }
        last = *likelihood;
    }
    return true;
}

/* Gradient of the log likelihood by (logit share, mu1, ln sigma1, mu2, ln sigma2). */
static void gradient(const struct sorted *s, const double *y, const double u[DIM], double g[DIM])
{
    const double share = 1 / (1 + exp(-u[0])), sigma[2] = {exp(u[2]), exp(u[4])};
    memset(g, 0, DIM * sizeof *g);
    for (size_t i = 0; i < s->n; i++) {
        const double a = log1p(-share) + log_normal_density(y[i], u[1], sigma[0]);
        const double b = log(share) + log_normal_density(y[i], u[3], sigma[1]);
        const double second = 1 / (1 + exp(a - b)), w = s->weight[i];
        g[0] += w * (second - share);
        for (int k = 0; k < 2; k++) {
            const double part = w * (k == 1 ? second : 1 - second);
            const double z = (y[i] - u[1 + 2 * k]) / sigma[k];
            g[1 + 2 * k] += part * z / sigma[k];
            g[2 + 2 * k] += part * (z * z - 1);
        }
    }
}

/* Standard errors of the five coordinates; false when the information is not positive. */
static bool standard_errors(const struct sorted *s, const double *y, const double u[DIM],
                            double se[DIM])
{
    double information[DIM * DIM];
    for (int k = 0; k < DIM; k++) {
        double up[DIM], down[DIM], above[DIM], below[DIM];
        memcpy(up, u, sizeof up);
        memcpy(down, u, sizeof down);
        const double h = 1e-5;
        up[k] += h;
        down[k] -= h;
        gradient(s, y, up, above);
        gradient(s, y, down, below);
        for (int j = 0; j < DIM; j++) {
            information[k * DIM + j] = -(above[j] - below[j]) / (2 * h);
        }
    }
    for (int k = 0; k < DIM; k++) {
        for (int j = 0; j < k; j++) {
            const double mean = (information[k * DIM + j] + information[j * DIM + k]) / 2;
            information[k * DIM + j] = information[j * DIM + k] = mean;
        }
    }
    gsl_matrix_view m = gsl_matrix_view_array(information, DIM, DIM);
    if (gsl_linalg_cholesky_decomp1(&m.matrix) != 0 || gsl_linalg_cholesky_invert(&m.matrix) != 0) {
        return false;
    }
    for (size_t k = 0; k < DIM; k++) {
        const double variance = gsl_matrix_get(&m.matrix, k, k);
        if (!(variance > 0 && isfinite(variance))) {
            return false;
        }
        se[k] = sqrt(variance);
    }
    return true;
}

static enum status report(const struct sorted *s, const double *y, struct two t,
                          struct distribution *out, struct error *err)
{
    const int one = t.mu[0] <= t.mu[1] ? 0 : 1, two = 1 - one;
    const double share = one == 0 ? t.share : 1 - t.share;
    const double u[DIM] = {log(share / (1 - share)), t.mu[one], log(t.sigma[one]), t.mu[two],
                           log(t.sigma[two])};
    double se[DIM];
    if (!standard_errors(s, y, u, se)) {
        return RAISE(err, ERR_NUMERIC, "a mixture of two lognormals is not identified here");
    }
    out->parameter[0] = (struct estimate){.name = "share",
                                          .value = share,
                                          .low = 1 / (1 + exp(-(u[0] - Z_95 * se[0]))),
                                          .high = 1 / (1 + exp(-(u[0] + Z_95 * se[0]))),
                                          .standard_error = se[0] * share * (1 - share)};
    out->parameter[1] = estimate_wald("mu1", u[1], se[1]);
    out->parameter[2] = estimate_log_wald("sigma1", t.sigma[one], se[2]);
    out->parameter[3] = estimate_wald("mu2", u[3], se[3]);
    out->parameter[4] = estimate_log_wald("sigma2", t.sigma[two], se[4]);
    return STATUS_OK;
}

enum status mixture_fit(const struct sorted *s, struct distribution *out, struct error *err)
{
    static const double cuts[] = {0.05, 0.25, 0.5, 0.75, 0.9, 0.97};
    if (s->total < 20 || s->n < 8) {
        return RAISE(err, ERR_INPUT, "a mixture needs at least twenty values, eight different");
    }
    double *const y = malloc(s->n * sizeof *y);
    if (y == NULL) {
        return RAISE(err, ERR_MEMORY, "no memory to fit a mixture");
    }
    for (size_t i = 0; i < s->n; i++) {
        y[i] = log(s->value[i]);
    }
    const double spread = sqrt(sorted_moments(s, log).square_sum / s->total);
    /* One more cut where two groups are farthest apart (largest variance between, Otsu 1979). */
    double before = 0, sum = 0, total_sum = 0, best_between = -1, otsu = y[0];
    for (size_t i = 0; i < s->n; i++) {
        total_sum += s->weight[i] * y[i];
    }
    for (size_t i = 0; i + 1 < s->n; i++) {
        before += s->weight[i];
        sum += s->weight[i] * y[i];
        const double gap = sum / before - (total_sum - sum) / (s->total - before);
        const double between = before * (s->total - before) * gap * gap;
        if (between > best_between) {
            best_between = between;
            otsu = y[i];
        }
    }
    const struct sample view = {.value = y, .weight = s->weight, .n = s->n};
    struct two best = {0};
    double likelihood = -INFINITY;
    for (size_t i = 0; i <= sizeof cuts / sizeof cuts[0]; i++) {
        const double cut = i == 0 ? otsu : sample_quantile(&view, cuts[i - 1]);
        struct two t;
        double reached;
        if (em(s, y, cut, spread, &t, &reached) && reached > likelihood) {
            likelihood = reached;
            best = t;
        }
    }
    const enum status code =
        !isfinite(likelihood)
            ? RAISE(err, ERR_NUMERIC, "a mixture of two lognormals shrinks to single values here")
            : report(s, y, best, out, err);
    free(y);
    return code;
}
