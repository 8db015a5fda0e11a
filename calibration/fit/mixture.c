/* Mixtures of two lognormals by maximum likelihood, plain and on a common shift:
 *
 *   ln(x - shift) ~ (1 - share) N(mu1, sigma1^2) + share N(mu2, sigma2^2)
 *
 * A body and a tail: storage latencies have both, above a floor nothing is faster than. EM comes
 * near, Newton's method on the exact gradient ends it, and the same information gives the
 * intervals. Coordinates: logit share, mu, ln sigma of each, and ln(smallest - shift); as with the
 * shifted lognormal the estimate is a local maximum away from the smallest value.
 */
#include "calibration/fit/em.h"
#include "calibration/fit/family.h"

#include <gsl/gsl_linalg.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DIM = 6, LONG_STEPS = 250, STEPS = 3000, NEWTON_STEPS = 60, SHIFTS = 14 };
enum { COARSE = 3000, COARSE_BINS = 1500, COARSE_ENDS = 64 };

struct mixture {
    const struct sorted *s;
    double *y;  /* ln(value - shift), rewritten when the shift moves */
    size_t dim; /* 5, or 6 with a shift */
    double low; /* the smallest value */
    struct em em;
};

static double shift_of(const struct mixture *m, const double *u)
{
    return m->dim == DIM ? m->low - exp(u[5]) : 0;
}

static void look_from(struct mixture *m, double shift)
{
    double sum = 0, square = 0;
    for (size_t i = 0; i < m->s->n; i++) {
        m->y[i] = log(m->s->value[i] - shift);
        sum += m->s->weight[i] * m->y[i];
        square += m->s->weight[i] * m->y[i] * m->y[i];
    }
    const double mean = sum / m->s->total;
    m->em = (struct em){m->s, m->y, sqrt(fmax(square / m->s->total - mean * mean, 1e-300))};
}

/* Gradient of the log likelihood by the coordinates. */
static void gradient(const struct mixture *m, const double *u, double *g)
{
    const double share = 1 / (1 + exp(-u[0])), sigma[2] = {exp(u[2]), exp(u[4])};
    const double shift = shift_of(m, u);
    memset(g, 0, m->dim * sizeof *g);
    for (size_t i = 0; i < m->s->n; i++) {
        const double above = m->s->value[i] - shift;
        const double y = log(above), w = m->s->weight[i];
        const double a = log1p(-share) + em_density(y, u[1], sigma[0]);
        const double b = log(share) + em_density(y, u[3], sigma[1]);
        const double second = 1 / (1 + exp(a - b));
        double slope = 0; /* of ln density by y */
        g[0] += w * (second - share);
        for (int k = 0; k < 2; k++) {
            const double part = k == 1 ? second : 1 - second;
            const double z = (y - u[1 + 2 * k]) / sigma[k];
            g[1 + 2 * k] += w * part * z / sigma[k];
            g[2 + 2 * k] += w * part * (z * z - 1);
            slope -= part * z / sigma[k];
        }
        if (m->dim == DIM) { /* ln f(x) = ln f(y) - y, and y falls with the shift by 1 / above */
            g[5] += w * (1 - slope) / above * (shift - m->low);
        }
    }
}

static double likelihood(const struct mixture *m, const double *u)
{
    const double share = 1 / (1 + exp(-u[0])), sigma[2] = {exp(u[2]), exp(u[4])};
    const double shift = shift_of(m, u);
    double total = 0;
    for (size_t i = 0; i < m->s->n; i++) {
        const double y = log(m->s->value[i] - shift);
        const double a = log1p(-share) + em_density(y, u[1], sigma[0]);
        const double b = log(share) + em_density(y, u[3], sigma[1]);
        total += m->s->weight[i] * (fmax(a, b) + log1p(exp(-fabs(a - b))) - y);
    }
    return total;
}

/* Inverse of the observed information at u; false when it is not positive. */
static bool covariance(const struct mixture *m, const double *u, double *out)
{
    const size_t n = m->dim;
    for (size_t k = 0; k < n; k++) {
        double up[DIM], down[DIM], above[DIM], below[DIM];
        memcpy(up, u, sizeof up);
        memcpy(down, u, sizeof down);
        const double h = 1e-5;
        up[k] += h;
        down[k] -= h;
        gradient(m, up, above);
        gradient(m, down, below);
        for (size_t j = 0; j < n; j++) {
            out[k * n + j] = -(above[j] - below[j]) / (2 * h);
        }
    }
    for (size_t k = 0; k < n; k++) {
        for (size_t j = 0; j < k; j++) {
            out[k * n + j] = out[j * n + k] = (out[k * n + j] + out[j * n + k]) / 2;
        }
    }
    gsl_matrix_view view = gsl_matrix_view_array(out, n, n);
    return gsl_linalg_cholesky_decomp1(&view.matrix) == 0 &&
           gsl_linalg_cholesky_invert(&view.matrix) == 0;
}

static void to_coordinates(const struct two *t, double *u)
{
    u[0] = log(t->share / (1 - t->share));
    u[1] = t->mu[0];
    u[2] = log(t->sigma[0]);
    u[3] = t->mu[1];
    u[4] = log(t->sigma[1]);
}

static struct two from_coordinates(const double *u)
{
    return (struct two){1 / (1 + exp(-u[0])), {u[1], u[3]}, {exp(u[2]), exp(u[4])}};
}

/* One step of Newton's method, halved until it climbs. */
enum climb { CLIMBED, ARRIVED, STUCK };

static enum climb newton_step(const struct mixture *m, double *u, double *reached)
{
    double g[DIM], inverse[DIM * DIM], step[DIM] = {0}, decrement = 0;
    if (!covariance(m, u, inverse)) {
        return STUCK;
    }
    gradient(m, u, g);
    for (size_t k = 0; k < m->dim; k++) {
        for (size_t j = 0; j < m->dim; j++) {
            step[k] += inverse[k * m->dim + j] * g[j];
        }
        decrement += step[k] * g[k];
    }
    if (decrement < 1e-9) {
        return ARRIVED;
    }
    for (double length = 1; length > 1e-4; length /= 2) {
        double v[DIM] = {0};
        for (size_t k = 0; k < m->dim; k++) {
            v[k] = u[k] + length * step[k];
        }
        const double value = likelihood(m, v);
        if (value > *reached) {
            *reached = value;
            memcpy(u, v, sizeof v);
            return CLIMBED;
        }
    }
    return STUCK;
}

/* To the top: Newton where the information is positive, EM at the present shift where it is not. */
static bool climb(struct mixture *m, double *u)
{
    double reached = likelihood(m, u);
    for (int i = 0; i < NEWTON_STEPS; i++) {
        const enum climb went = newton_step(m, u, &reached);
        if (went == ARRIVED) {
            break;
        }
        if (went == STUCK) {
            struct two t = from_coordinates(u);
            look_from(m, shift_of(m, u));
            const double before = reached;
            if (!em_run(&m->em, m->dim == DIM ? LONG_STEPS : STEPS, &t)) {
                return false;
            }
            to_coordinates(&t, u);
            reached = likelihood(m, u);
            if (reached - before < 1e-7) {
                break;
            }
        }
        if (m->dim == DIM && (u[5] > log(m->low) || u[5] < log(m->low) - 16)) {
            return false; /* to a negative shift, or into the smallest value */
        }
    }
    look_from(m, shift_of(m, u));
    const struct two t = from_coordinates(u);
    return em_alive(&m->em, &t);
}

static enum status report(const struct mixture *m, const double *found, struct fitted *out,
                          struct error *err)
{
    double u[DIM], inverse[DIM * DIM], se[DIM];
    memcpy(u, found, sizeof u);
    if (u[1] > u[3]) { /* the first component is the lower one */
        u[0] = -found[0];
        u[1] = found[3];
        u[2] = found[4];
        u[3] = found[1];
        u[4] = found[2];
    }
    if (!covariance(m, u, inverse)) {
        return RAISE(err, ERR_NUMERIC, "%s is not identified here", family_name(out->family));
    }
    for (size_t k = 0; k < m->dim; k++) {
        se[k] = sqrt(inverse[k * m->dim + k]);
    }
    const double share = 1 / (1 + exp(-u[0]));
    struct estimate *const p = out->parameter;
    p[0] = (struct estimate){.name = "share",
                             .value = share,
                             .low = 1 / (1 + exp(-(u[0] - Z_95 * se[0]))),
                             .high = 1 / (1 + exp(-(u[0] + Z_95 * se[0]))),
                             .standard_error = se[0] * share * (1 - share)};
    p[1] = estimate_wald("mu1", u[1], se[1]);
    p[2] = estimate_log_wald("sigma1", exp(u[2]), se[2]);
    p[3] = estimate_wald("mu2", u[3], se[3]);
    p[4] = estimate_log_wald("sigma2", exp(u[4]), se[4]);
    if (m->dim == DIM) {
        const double below = exp(u[5]);
        p[5] = (struct estimate){.name = "shift",
                                 .value = m->low - below,
                                 .low = fmax(0, m->low - below * exp(Z_95 * se[5])),
                                 .high = m->low - below * exp(-Z_95 * se[5]),
                                 .standard_error = below * se[5]};
    }
    return STATUS_OK;
}

/* Shifts from 0 to near the smallest value; the likelihood of a short EM at each chooses. */
static bool start_shifted(struct mixture *m, double *u)
{
    double at[SHIFTS], where[SHIFTS][DIM];
    struct two t;
    bool alive = false;
    for (int i = 0; i < SHIFTS; i++) {
        /* ln(low - shift): from ln(low), in steps of a factor 2.2, down to 1e-5 of it */
        const double depth = log(m->low) - 0.8 * i;
        look_from(m, m->low - exp(depth));
        alive = alive ? em_run(&m->em, LONG_STEPS / 4, &t) : em_start(&m->em, &t);
        at[i] = -HUGE_VAL;
        if (alive) {
            to_coordinates(&t, where[i]);
            where[i][5] = depth;
            at[i] = likelihood(m, where[i]);
        }
    }
    int best = -1;
    for (int i = 1; i + 1 < SHIFTS; i++) {
        const bool peak = at[i] >= at[i - 1] && at[i] >= at[i + 1] && at[i] > -HUGE_VAL;
        best = peak && (best < 0 || at[i] > at[best]) ? i : best;
    }
    if (best >= 0) {
        memcpy(u, where[best], sizeof where[best]);
    }
    return best >= 0;
}

/* Neighbours of a large sample joined, its ends kept: enough to find the way, by hundreds of steps
 * of EM, to where Newton's few steps on the whole sample begin. out has room for s->n values. */
static void coarsen(const struct sorted *s, struct sorted *out)
{
    double inner = 0;
    for (size_t i = COARSE_ENDS; i + COARSE_ENDS < s->n; i++) {
        inner += s->weight[i];
    }
    const double most = inner / COARSE_BINS;
    double open = 0; /* weight of the value that still takes neighbours in */
    out->n = 0;
    out->total = s->total;
    for (size_t i = 0; i < s->n; i++) {
        const bool end = i < COARSE_ENDS || i + COARSE_ENDS >= s->n;
        const double w = s->weight[i];
        if (!end && open > 0 && open + w <= most) {
            const size_t k = out->n - 1;
            open += w;
            out->value[k] += (s->value[i] - out->value[k]) * w / open;
            out->weight[k] = open;
        } else {
            out->value[out->n] = s->value[i];
            out->weight[out->n++] = w;
            open = end ? 0 : w;
        }
    }
}

/* From nothing to the top of m's likelihood. */
static bool find(struct mixture *m, double *u)
{
    struct two t;
    if (m->dim == DIM) {
        return start_shifted(m, u) && climb(m, u);
    }
    look_from(m, 0);
    if (!em_start(&m->em, &t) || !em_run(&m->em, LONG_STEPS, &t)) {
        return false;
    }
    to_coordinates(&t, u);
    return climb(m, u);
}

static enum status fit_mixture(const struct sorted *s, size_t dim, struct fitted *out,
                               struct error *err)
{
    if (s->total < 20 || s->n < 8) {
        return RAISE(err, ERR_INPUT, "a mixture needs at least twenty values, eight different");
    }
    double *const block = malloc(3 * s->n * sizeof *block);
    if (block == NULL) {
        return RAISE(err, ERR_MEMORY, "no memory to fit a mixture");
    }
    struct mixture m = {.s = s, .y = block, .dim = dim, .low = s->value[0]};
    double u[DIM] = {0};
    bool found = false;
    if (s->n > COARSE) {
        struct sorted few = {.value = block + s->n, .weight = block + 2 * s->n};
        coarsen(s, &few);
        struct mixture first = {.s = &few, .y = block, .dim = dim, .low = s->value[0]};
        found = find(&first, u);
        look_from(&m, shift_of(&m, u));
        found = found && climb(&m, u);
    } else {
        found = find(&m, u);
    }
    const enum status code =
        found
            ? report(&m, u, out, err)
            : RAISE(err, ERR_NUMERIC, "the likelihood of %s has no maximum of two components here",
                    family_name(out->family));
    free(block);
    return code;
}

enum status mixture_fit(const struct sorted *s, struct fitted *out, struct error *err)
{
    return fit_mixture(s, DIM - 1, out, err);
}

enum status shifted_mixture_fit(const struct sorted *s, struct fitted *out, struct error *err)
{
    return fit_mixture(s, DIM, out, err);
}
