/* Mixture of two lognormals by expectation-maximisation (Dempster, Laird, Rubin, JRSS B 39, 1977).
 *
 * Works on y = ln x. The likelihood is unbounded where a component shrinks to a point, so a start
 * whose component falls below a hundredth of the sample's spread, or below eight observations, is
 * given up: such components describe single values. Starts: the sample cut at several places; the
 * best that converges is kept. Intervals from the observed information, by differences of the exact
 * gradient.
 */
#include "calibration/fit/family.h"

#include <gsl/gsl_linalg.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DIM = 5, SHORT_STEPS = 50, LONG_STEPS = 250, STEPS = 3000, NEWTON_STEPS = 40 };

struct two {
    double share, mu[2], sigma[2];
};

static double log_normal_density(double y, double mu, double sigma)
{
    const double z = (y - mu) / sigma;
    return -0.5 * z * z - log(sigma) - 0.918938533204672742;
}

/* ln of the second component's density over the first's, as c0 + c1 y + c2 y^2. */
static void log_odds(const struct two *t, double c[3])
{
    const double a = 1 / (2 * t->sigma[0] * t->sigma[0]), b = 1 / (2 * t->sigma[1] * t->sigma[1]);
    c[2] = a - b;
    c[1] = 2 * (b * t->mu[1] - a * t->mu[0]);
    c[0] = log(t->share / (1 - t->share) * t->sigma[0] / t->sigma[1]) + a * t->mu[0] * t->mu[0] -
           b * t->mu[1] * t->mu[1];
}

static double likelihood_of(const struct sorted *s, const double *y, const struct two *t)
{
    double total = 0;
    for (size_t i = 0; i < s->n; i++) {
        const double a = log1p(-t->share) + log_normal_density(y[i], t->mu[0], t->sigma[0]);
        const double b = log(t->share) + log_normal_density(y[i], t->mu[1], t->sigma[1]);
        total += s->weight[i] * (fmax(a, b) + log1p(exp(-fabs(a - b))));
    }
    return total;
}

/* One step of EM; returns how far the parameters moved, in units of the spread. */
static double em_step(const struct sorted *s, const double *y, double spread, struct two *t)
{
    double c[3], mass = 0, sum[2] = {0}, square[2] = {0};
    log_odds(t, c);
    for (size_t i = 0; i < s->n; i++) {
        const double second = 1 / (1 + exp(-(c[0] + y[i] * (c[1] + y[i] * c[2]))));
        const double w = s->weight[i], two = w * second, one = w - two;
        const double d = y[i] - t->mu[0], e = y[i] - t->mu[1];
        mass += two;
        sum[0] += one * d;
        sum[1] += two * e;
        square[0] += one * d * d;
        square[1] += two * e * e;
    }
    const struct two before = *t;
    double moved = fabs(mass / s->total - t->share);
    t->share = mass / s->total;
    for (int k = 0; k < 2; k++) {
        const double part = k == 1 ? mass : s->total - mass, d = sum[k] / part;
        t->mu[k] += d;
        t->sigma[k] = sqrt(fmax(square[k] / part - d * d, 0));
        moved = fmax(moved, fabs(d) / spread);
        moved = fmax(moved, fabs(t->sigma[k] - before.sigma[k]) / spread);
    }
    return moved;
}

/* At most `steps` of EM; false when a component vanishes. */
static bool em(const struct sorted *s, const double *y, double spread, int steps, struct two *t)
{
    for (int i = 0; i < steps; i++) {
        const double moved = em_step(s, y, spread, t);
        const double rarer = fmin(t->share, 1 - t->share) * s->total;
        if (!(rarer >= 8 && t->sigma[0] >= 0.01 * spread && t->sigma[1] >= 0.01 * spread)) {
            return false;
        }
        if (moved < 1e-9) {
            break;
        }
    }
    return true;
}

/* The sample cut in two; false when a part is too small to be a component. */
static bool cut_in_two(const struct sorted *s, const double *y, double cut, double spread,
                       struct two *t)
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

/* Inverse of the observed information at u; false when it is not positive. */
static bool covariance(const struct sorted *s, const double *y, const double u[DIM],
                       double out[DIM * DIM])
{
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
            out[k * DIM + j] = -(above[j] - below[j]) / (2 * h);
        }
    }
    for (int k = 0; k < DIM; k++) {
        for (int j = 0; j < k; j++) {
            out[k * DIM + j] = out[j * DIM + k] = (out[k * DIM + j] + out[j * DIM + k]) / 2;
        }
    }
    gsl_matrix_view m = gsl_matrix_view_array(out, DIM, DIM);
    return gsl_linalg_cholesky_decomp1(&m.matrix) == 0 &&
           gsl_linalg_cholesky_invert(&m.matrix) == 0;
}

static void to_coordinates(const struct two *t, double u[DIM])
{
    u[0] = log(t->share / (1 - t->share));
    u[1] = t->mu[0];
    u[2] = log(t->sigma[0]);
    u[3] = t->mu[1];
    u[4] = log(t->sigma[1]);
}

static struct two from_coordinates(const double u[DIM])
{
    return (struct two){1 / (1 + exp(-u[0])), {u[1], u[3]}, {exp(u[2]), exp(u[4])}};
}

/* EM comes near and then crawls; Newton's method ends it, EM takes over where it cannot. */
static bool polish(const struct sorted *s, const double *y, double spread, struct two *t)
{
    double reached = likelihood_of(s, y, t);
    for (int i = 0; i < NEWTON_STEPS; i++) {
        double u[DIM], g[DIM], inverse[DIM * DIM], decrement = 0;
        to_coordinates(t, u);
        if (!covariance(s, y, u, inverse)) {
            return em(s, y, spread, STEPS, t);
        }
        gradient(s, y, u, g);
        double step[DIM] = {0};
        for (int k = 0; k < DIM; k++) {
            for (int j = 0; j < DIM; j++) {
                step[k] += inverse[k * DIM + j] * g[j];
            }
            decrement += step[k] * g[k];
        }
        if (decrement < 1e-10) {
            break;
        }
        bool better = false;
        for (double length = 1; length > 1e-3 && !better; length /= 2) {
            double v[DIM];
            for (int k = 0; k < DIM; k++) {
                v[k] = u[k] + length * step[k];
            }
            const struct two next = from_coordinates(v);
            const double value = likelihood_of(s, y, &next);
            if (value > reached) {
                reached = value;
                *t = next;
                better = true;
            }
        }
        if (!better) {
            return em(s, y, spread, STEPS, t);
        }
    }
    const double rarer = fmin(t->share, 1 - t->share) * s->total;
    return rarer >= 8 && t->sigma[0] >= 0.01 * spread && t->sigma[1] >= 0.01 * spread;
}

static enum status report(const struct sorted *s, const double *y, struct two t, struct fitted *out,
                          struct error *err)
{
    if (t.mu[0] > t.mu[1]) {
        t = (struct two){1 - t.share, {t.mu[1], t.mu[0]}, {t.sigma[1], t.sigma[0]}};
    }
    double u[DIM], inverse[DIM * DIM], se[DIM];
    to_coordinates(&t, u);
    if (!covariance(s, y, u, inverse)) {
        return RAISE(err, ERR_NUMERIC, "a mixture of two lognormals is not identified here");
    }
    for (int k = 0; k < DIM; k++) {
        se[k] = sqrt(inverse[k * DIM + k]);
    }
    out->parameter[0] = (struct estimate){.name = "share",
                                          .value = t.share,
                                          .low = 1 / (1 + exp(-(u[0] - Z_95 * se[0]))),
                                          .high = 1 / (1 + exp(-(u[0] + Z_95 * se[0]))),
                                          .standard_error = se[0] * t.share * (1 - t.share)};
    out->parameter[1] = estimate_wald("mu1", t.mu[0], se[1]);
    out->parameter[2] = estimate_log_wald("sigma1", t.sigma[0], se[2]);
    out->parameter[3] = estimate_wald("mu2", t.mu[1], se[3]);
    out->parameter[4] = estimate_log_wald("sigma2", t.sigma[1], se[4]);
    return STATUS_OK;
}

enum status mixture_fit(const struct sorted *s, struct fitted *out, struct error *err)
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
    enum { STARTS = 1 + sizeof cuts / sizeof cuts[0] };
    struct two start[STARTS];
    double reached[STARTS];
    for (size_t i = 0; i < STARTS; i++) {
        const double cut = i == 0 ? otsu : sample_quantile(&view, cuts[i - 1]);
        const bool lives =
            cut_in_two(s, y, cut, spread, &start[i]) && em(s, y, spread, SHORT_STEPS, &start[i]);
        reached[i] = lives ? likelihood_of(s, y, &start[i]) : -HUGE_VAL;
    }
    /* The best of the short runs is carried on; the next best where it shrinks to nothing. */
    enum status code = ERR_NUMERIC;
    for (size_t tried = 0; tried < STARTS && code != STATUS_OK; tried++) {
        size_t best = 0;
        for (size_t i = 1; i < STARTS; i++) {
            best = reached[i] > reached[best] ? i : best;
        }
        if (reached[best] <= -HUGE_VAL) {
            break;
        }
        reached[best] = -HUGE_VAL;
        struct error ignored = {0};
        if (em(s, y, spread, LONG_STEPS, &start[best]) && polish(s, y, spread, &start[best])) {
            code = report(s, y, start[best], out, &ignored);
        }
    }
    if (code != STATUS_OK) {
        code = RAISE(err, ERR_NUMERIC, "no mixture of two lognormals is identified here");
    }
    free(y);
    return code;
}
