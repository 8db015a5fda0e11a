/* Expectation-maximisation of two normal components (Dempster, Laird, Rubin, JRSS B 39, 1977).
 *
 * Starts: the sample cut at several places; short runs choose among them (Biernacki, Celeux,
 * Govaert, CSDA 41, 2003).
 */
#include "calibration/fit/em.h"

#include <math.h>
#include <stdlib.h>

enum { SHORT_STEPS = 50 };

double em_density(double y, double mu, double sigma)
{
    const double z = (y - mu) / sigma;
    return -0.5 * z * z - log(sigma) - 0.918938533204672742; /* ln sqrt(2 pi) */
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

/* Sum of ln density over the sample. */
static double em_likelihood(const struct em *e, const struct two *t)
{
    double total = 0;
    for (size_t i = 0; i < e->s->n; i++) {
        const double a = log1p(-t->share) + em_density(e->y[i], t->mu[0], t->sigma[0]);
        const double b = log(t->share) + em_density(e->y[i], t->mu[1], t->sigma[1]);
        total += e->s->weight[i] * (fmax(a, b) + log1p(exp(-fabs(a - b))));
    }
    return total;
}

bool em_alive(const struct em *e, const struct two *t)
{
    return fmin(t->share, 1 - t->share) * e->s->total >= 8 && t->sigma[0] >= 0.01 * e->spread &&
           t->sigma[1] >= 0.01 * e->spread;
}

/* One step; returns how far the parameters moved, in units of the spread. */
static double step(const struct em *e, struct two *t)
{
    double c[3], mass = 0, sum[2] = {0}, square[2] = {0};
    log_odds(t, c);
    for (size_t i = 0; i < e->s->n; i++) {
        const double y = e->y[i], second = 1 / (1 + exp(-(c[0] + y * (c[1] + y * c[2]))));
        const double w = e->s->weight[i], two = w * second, one = w - two;
        const double d = y - t->mu[0], f = y - t->mu[1];
        mass += two;
        sum[0] += one * d;
        sum[1] += two * f;
        square[0] += one * d * d;
        square[1] += two * f * f;
    }
    const struct two before = *t;
    double moved = fabs(mass / e->s->total - t->share);
    t->share = mass / e->s->total;
    for (int k = 0; k < 2; k++) {
        const double part = k == 1 ? mass : e->s->total - mass, d = sum[k] / part;
        t->mu[k] += d;
        t->sigma[k] = sqrt(fmax(square[k] / part - d * d, 0));
        moved = fmax(moved, fabs(d) / e->spread);
        moved = fmax(moved, fabs(t->sigma[k] - before.sigma[k]) / e->spread);
    }
    return moved;
}

bool em_run(const struct em *e, int steps, struct two *t)
{
    for (int i = 0; i < steps; i++) {
        const double moved = step(e, t);
        if (!em_alive(e, t)) {
            return false;
        }
        if (moved < 1e-9) {
            break;
        }
    }
    return true;
}

/* The sample cut in two; false when a part is too small to be a component. */
static bool cut_in_two(const struct em *e, double cut, struct two *t)
{
    double mass[2] = {0}, sum[2] = {0}, square[2] = {0};
    for (size_t i = 0; i < e->s->n; i++) {
        const int k = e->y[i] > cut;
        const double w = e->s->weight[i];
        mass[k] += w;
        sum[k] += w * e->y[i];
        square[k] += w * e->y[i] * e->y[i];
    }
    if (mass[0] < 8 || mass[1] < 8) {
        return false;
    }
    for (int k = 0; k < 2; k++) {
        t->mu[k] = sum[k] / mass[k];
        const double variance = square[k] / mass[k] - t->mu[k] * t->mu[k];
        t->sigma[k] = fmax(sqrt(fmax(variance, 0)), 0.02 * e->spread);
    }
    t->share = mass[1] / e->s->total;
    return true;
}

/* Where the variance between two groups is largest (Otsu, IEEE Trans. SMC 9, 1979). */
static double widest_gap(const struct em *e)
{
    double total = 0, before = 0, sum = 0, best = -1, at = e->y[0];
    for (size_t i = 0; i < e->s->n; i++) {
        total += e->s->weight[i] * e->y[i];
    }
    for (size_t i = 0; i + 1 < e->s->n; i++) {
        before += e->s->weight[i];
        sum += e->s->weight[i] * e->y[i];
        const double after = e->s->total - before, gap = sum / before - (total - sum) / after;
        if (before * after * gap * gap > best) {
            best = before * after * gap * gap;
            at = e->y[i];
        }
    }
    return at;
}

bool em_start(const struct em *e, struct two *t)
{
    static const double cuts[] = {0.05, 0.25, 0.5, 0.75, 0.9, 0.97};
    const struct sample view = {.value = e->y, .weight = e->s->weight, .n = e->s->n};
    double best = -HUGE_VAL;
    for (size_t i = 0; i <= sizeof cuts / sizeof cuts[0]; i++) {
        const double cut = i == 0 ? widest_gap(e) : sample_quantile(&view, cuts[i - 1]);
        struct two trial;
        if (cut_in_two(e, cut, &trial) && em_run(e, SHORT_STEPS, &trial)) {
            const double reached = em_likelihood(e, &trial);
            if (reached > best) {
                best = reached;
                *t = trial;
            }
        }
    }
    return best > -HUGE_VAL;
}
