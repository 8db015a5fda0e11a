/* Bounded robust least squares on GSL's Levenberg-Marquardt.
 *
 * The solver works in coordinates u that any value is good for: theta = lower + s (sqrt(u^2 + 1) -
 * 1) above a bound, (lower + upper) / 2 + (upper - lower) / 2 sin u between two, s u when free
 * (James and Roos, MINUIT, Comput. Phys. Commun. 10, 1975). Robust losses repeat it with new
 * weights.
 */
#include "calibration/fit/least_squares.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_multifit_nlinear.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ITERATIONS = 300, REWEIGHTS = 40 };

struct solver {
    const struct ls_problem *problem;
    double scale[LS_PARAMETERS];
    double *predicted, *scratch;
    double *weight; /* square root of prior and robust weight */
    struct error err;
};

static double outside(const struct solver *s, size_t k, double u)
{
    const struct ls_parameter *const p = &s->problem->parameters[k];
    const bool low = isfinite(p->lower), high = isfinite(p->upper);
    if (low && high) {
        return p->lower + (p->upper - p->lower) * (sin(u) + 1) / 2;
    }
    if (low) {
        return p->lower + s->scale[k] * (sqrt(u * u + 1) - 1);
    }
    if (high) {
        return p->upper - s->scale[k] * (sqrt(u * u + 1) - 1);
    }
    return s->scale[k] * u;
}

static double inside(const struct solver *s, size_t k, double theta)
{
    const struct ls_parameter *const p = &s->problem->parameters[k];
    const bool low = isfinite(p->lower), high = isfinite(p->upper);
    if (low && high) {
        const double x = 2 * (theta - p->lower) / (p->upper - p->lower) - 1;
        return asin(fmax(-0.999999, fmin(0.999999, x)));
    }
    if (low || high) {
        const double away = low ? theta - p->lower : p->upper - theta;
        const double x = fmax(away / s->scale[k], 1e-6) + 1;
        return sqrt(x * x - 1);
    }
    return theta / s->scale[k];
}

static double residual_of(enum ls_residual kind, double predicted, double measured)
{
    switch (kind) {
    case LS_RELATIVE:
        return predicted / measured - 1;
    case LS_LOG:
        return log(fmax(predicted, 1e-300) / measured);
    case LS_ABSOLUTE:
        break;
    }
    return predicted - measured;
}

static enum status residuals(struct solver *s, const double *theta, double *out)
{
    const struct ls_problem *const p = s->problem;
    if (p->predict(p->context, theta, s->predicted, &s->err) != STATUS_OK) {
        return s->err.code;
    }
    for (size_t i = 0; i < p->n; i++) {
        const double r = residual_of(p->residual, s->predicted[i], p->measured[i]);
        out[i] = isfinite(r) ? r : 1e6; /* a place to leave, not a reason to stop */
    }
    return STATUS_OK;
}

static int gsl_residuals(const gsl_vector *u, void *context, gsl_vector *f)
{
    struct solver *const s = context;
    double theta[LS_PARAMETERS];
    for (size_t k = 0; k < s->problem->n_parameters; k++) {
        theta[k] = outside(s, k, gsl_vector_get(u, k));
    }
    if (residuals(s, theta, s->scratch) != STATUS_OK) {
        return GSL_EFAILED;
    }
    for (size_t i = 0; i < s->problem->n; i++) { /* f may be a column of a matrix */
        gsl_vector_set(f, i, s->scratch[i] * s->weight[i]);
    }
    return GSL_SUCCESS;
}

/* Minimise with the weights as they are; theta in and out; *cost is half the weighted square sum.
 */
static enum status minimise(struct solver *s, double *theta, double *cost, struct error *err)
{
    const struct ls_problem *const p = s->problem;
    gsl_multifit_nlinear_parameters options = gsl_multifit_nlinear_default_parameters();
    options.scale = gsl_multifit_nlinear_scale_levenberg;
    /* Many rows: the normal equations are good enough for a step, and a hundred times faster. */
    options.solver =
        p->n > 1000 ? gsl_multifit_nlinear_solver_cholesky : gsl_multifit_nlinear_solver_svd;
    options.fdtype = GSL_MULTIFIT_NLINEAR_CTRDIFF;
    options.h_df = 1e-6;
    gsl_multifit_nlinear_fdf fdf = {
        .f = gsl_residuals, .n = p->n, .p = p->n_parameters, .params = s};
    gsl_multifit_nlinear_workspace *const w =
        gsl_multifit_nlinear_alloc(gsl_multifit_nlinear_trust, &options, p->n, p->n_parameters);
    if (w == NULL) {
        return RAISE(err, ERR_MEMORY, "no memory to fit %zu rows", p->n);
    }
    double u[LS_PARAMETERS];
    for (size_t k = 0; k < p->n_parameters; k++) {
        u[k] = inside(s, k, theta[k]);
    }
    gsl_vector_view start = gsl_vector_view_array(u, p->n_parameters);
    int info = 0;
    int code = gsl_multifit_nlinear_init(&start.vector, &fdf, w);
    if (code == GSL_SUCCESS) {
        code = gsl_multifit_nlinear_driver(ITERATIONS, 1e-9, 1e-9, 0, NULL, NULL, &info, w);
    }
    double square = 0;
    for (size_t k = 0; k < p->n_parameters; k++) {
        theta[k] = outside(s, k, gsl_vector_get(gsl_multifit_nlinear_position(w), k));
    }
    const gsl_vector *const f = gsl_multifit_nlinear_residual(w);
    for (size_t i = 0; i < p->n; i++) {
        square += gsl_vector_get(f, i) * gsl_vector_get(f, i);
    }
    gsl_multifit_nlinear_free(w);
    *cost = square / 2;
    if (s->err.code != STATUS_OK) {
        *err = s->err;
        return err->code;
    }
    /* No further progress is an end like another; only a failed start is none. */
    const bool ended = code == GSL_SUCCESS || code == GSL_ENOPROG || code == GSL_EMAXITER;
    return ended && isfinite(square)
               ? STATUS_OK
               : RAISE(err, ERR_NUMERIC, "least squares: %s", gsl_strerror(code));
}

/* k-th number of the Halton sequence in base b. */
static double halton(unsigned k, unsigned b)
{
    double f = 1, x = 0;
    for (; k > 0; k /= b) {
        f /= b;
        x += f * (k % b);
    }
    return x;
}

/* Another place to begin: spread over the bounds, over four decades where there is only one. */
static void another_start(const struct solver *s, unsigned which, double *theta)
{
    static const unsigned primes[LS_PARAMETERS] = {2,  3,  5,  7,  11, 13, 17, 19,
                                                   23, 29, 31, 37, 41, 43, 47, 53};
    for (size_t k = 0; k < s->problem->n_parameters; k++) {
        const struct ls_parameter *const p = &s->problem->parameters[k];
        const double x = halton(which, primes[k]);
        if (isfinite(p->lower) && isfinite(p->upper)) {
            theta[k] = p->lower + x * (p->upper - p->lower);
        } else {
            const double factor = pow(10, 4 * x - 2);
            theta[k] = isfinite(p->lower)   ? p->lower + s->scale[k] * factor
                       : isfinite(p->upper) ? p->upper - s->scale[k] * factor
                                            : p->start * factor;
        }
    }
}

static enum status minimise_from_all(struct solver *s, double *theta, struct error *err)
{
    const size_t p = s->problem->n_parameters;
    double best_cost = INFINITY, best[LS_PARAMETERS] = {0};
    struct error first = {0};
    for (unsigned k = 0; k <= s->problem->starts; k++) {
        double trial[LS_PARAMETERS], cost;
        struct error local = {0};
        for (size_t j = 0; j < p; j++) {
            trial[j] = s->problem->parameters[j].start;
        }
        if (k > 0) {
            another_start(s, k, trial);
        }
        s->err = (struct error){0};
        if (minimise(s, trial, &cost, &local) == STATUS_OK) {
            if (cost < best_cost) {
                best_cost = cost;
                memcpy(best, trial, p * sizeof *best);
            }
        } else if (first.code == STATUS_OK) {
            first = local;
        }
    }
    s->err = (struct error){0};
    if (!isfinite(best_cost)) {
        *err = first;
        return err->code;
    }
    memcpy(theta, best, p * sizeof *theta);
    return STATUS_OK;
}

/* Robust losses: weigh, minimise, until the parameters stand still. */
static enum status reweigh(struct solver *s, double *theta, double *residual, struct error *err)
{
    const struct ls_problem *const p = s->problem;
    double sigma = 0;
    for (int round = 0; round < REWEIGHTS; round++) {
        if (residuals(s, theta, residual) != STATUS_OK) {
            *err = s->err;
            return err->code;
        }
        /* The scale is found first and then held, so that a redescending loss settles. */
        if (round < 10 && robust_sigma(residual, p->n, 1e-12, &sigma, err) != STATUS_OK) {
            return err->code;
        }
        for (size_t i = 0; i < p->n; i++) {
            const double prior = p->weight != NULL ? p->weight[i] : 1;
            /* The first rounds use Huber's loss: it has one minimum, bisquare may have several. */
            const enum ls_loss loss = round < 5 ? LS_HUBER : p->loss;
            s->weight[i] = sqrt(prior * loss_weight(loss, residual[i] / sigma));
        }
        double before[LS_PARAMETERS], cost, moved = 0;
        memcpy(before, theta, p->n_parameters * sizeof *before);
        if (minimise(s, theta, &cost, err) != STATUS_OK) {
            return err->code;
        }
        for (size_t k = 0; k < p->n_parameters; k++) {
            moved =
                fmax(moved, fabs(theta[k] - before[k]) / (fabs(before[k]) + 1e-9 * s->scale[k]));
        }
        if (moved < 1e-8 && round >= 10) {
            break;
        }
    }
    return STATUS_OK;
}

/* Derivatives of the residuals, central where the bounds allow, weighted by the prior weights. */
static enum status jacobian(struct solver *s, const double *theta, double *out, double *up,
                            double *down)
{
    const struct ls_problem *const p = s->problem;
    for (size_t k = 0; k < p->n_parameters; k++) {
        double moved[LS_PARAMETERS];
        memcpy(moved, theta, p->n_parameters * sizeof *moved);
        const double h = 1e-5 * s->scale[k];
        const double high = fmin(theta[k] + h, p->parameters[k].upper);
        const double low = fmax(theta[k] - h, p->parameters[k].lower);
        moved[k] = high;
        if (residuals(s, moved, up) != STATUS_OK) {
            return s->err.code;
        }
        moved[k] = low;
        if (residuals(s, moved, down) != STATUS_OK) {
            return s->err.code;
        }
        for (size_t i = 0; i < p->n; i++) {
            const double prior = p->weight != NULL ? sqrt(p->weight[i]) : 1;
            out[i * p->n_parameters + k] = prior * (up[i] - down[i]) / (high - low);
        }
    }
    return STATUS_OK;
}

static enum status finish(struct solver *s, double *theta, double *work, struct ls_result *out,
                          struct error *err)
{
    const struct ls_problem *const p = s->problem;
    const char *names[LS_PARAMETERS];
    double lower[LS_PARAMETERS], upper[LS_PARAMETERS];
    bool at_bound[LS_PARAMETERS];
    for (size_t k = 0; k < p->n_parameters; k++) {
        const struct ls_parameter *const q = &p->parameters[k];
        names[k] = q->name;
        lower[k] = q->lower;
        upper[k] = q->upper;
        const double reach = 1e-6 * s->scale[k];
        const bool low = theta[k] - q->lower < reach, high = q->upper - theta[k] < reach;
        at_bound[k] = low || high;
        theta[k] = low ? q->lower : high ? q->upper : theta[k];
        /* Intervals and ambiguities are judged at the size of the answer, not of the guess. */
        s->scale[k] = at_bound[k] ? s->scale[k] : fmax(fabs(theta[k]), 1e-9 * s->scale[k]);
    }
    double *const residual = work, *const up = work + p->n, *const down = work + 2 * p->n;
    double *const slopes = work + 3 * p->n;
    if (jacobian(s, theta, slopes, up, down) != STATUS_OK ||
        residuals(s, theta, residual) != STATUS_OK) {
        *err = s->err;
        return err->code;
    }
    *out = (struct ls_result){0};
    for (size_t i = 0; i < p->n; i++) {
        const double error = fabs(s->predicted[i] / p->measured[i] - 1);
        out->mape += error / (double)p->n;
        out->max_error = fmax(out->max_error, error);
        residual[i] *= p->weight != NULL ? sqrt(p->weight[i]) : 1;
    }
    const struct ls_state state = {.n = p->n,
                                   .p = p->n_parameters,
                                   .residual = residual,
                                   .jacobian = slopes,
                                   .theta = theta,
                                   .lower = lower,
                                   .upper = upper,
                                   .scale = s->scale,
                                   .at_bound = at_bound,
                                   .names = names,
                                   .loss = p->loss,
                                   .rows = p->rows,
                                   .within = p->within};
    return ls_conclude(&state, out, err);
}

double ls_join(size_t n, const double *measured, const size_t *group, size_t groups,
               enum ls_residual residual, double *joined, double *weight)
{
    double within = 0;
    memset(joined, 0, groups * sizeof *joined);
    memset(weight, 0, groups * sizeof *weight);
    for (size_t i = 0; i < n; i++) {
        const double u = residual == LS_RELATIVE ? 1 / measured[i] : 1;
        joined[group[i]] += residual == LS_RELATIVE ? u : measured[i];
        weight[group[i]] += u * u;
    }
    for (size_t g = 0; g < groups; g++) {
        const double sum = joined[g];
        joined[g] = sum / weight[g];
        weight[g] = residual == LS_RELATIVE ? sum * joined[g] : weight[g];
    }
    for (size_t i = 0; i < n; i++) {
        const double y = joined[group[i]];
        const double away = residual == LS_RELATIVE ? y / measured[i] - 1 : y - measured[i];
        within += away * away;
    }
    return within;
}

enum status ls_fit(const struct ls_problem *problem, struct ls_result *out, struct error *err)
{
    const size_t n = problem->n, p = problem->n_parameters;
    if (p == 0 || p > LS_PARAMETERS || n < p) {
        return RAISE(err, ERR_INPUT, "%zu rows for %zu constants: expected at least as many rows",
                     n, p);
    }
    for (size_t i = 0; i < n; i++) {
        const double y = problem->measured[i];
        if (!isfinite(y) || (problem->residual != LS_ABSOLUTE && !(y > 0))) {
            return RAISE(err, ERR_INPUT, "measured value %zu is %g, expected a positive number",
                         i + 1, y);
        }
    }
    struct solver s = {.problem = problem};
    double *const work = malloc(n * (6 + p) * sizeof *work);
    if (work == NULL) {
        return RAISE(err, ERR_MEMORY, "no memory to fit %zu rows", n);
    }
    s.weight = work;
    s.predicted = work + n;
    s.scratch = work + 2 * n;
    double theta[LS_PARAMETERS];
    for (size_t k = 0; k < p; k++) {
        const struct ls_parameter *const q = &problem->parameters[k];
        const double from = isfinite(q->lower) ? q->lower : isfinite(q->upper) ? q->upper : 0;
        s.scale[k] = fabs(q->start - from) > 0                  ? fabs(q->start - from)
                     : isfinite(q->lower) && isfinite(q->upper) ? q->upper - q->lower
                                                                : 1;
    }
    for (size_t i = 0; i < n; i++) {
        s.weight[i] = problem->weight != NULL ? sqrt(problem->weight[i]) : 1;
    }
    enum status code = minimise_from_all(&s, theta, err);
    if (code == STATUS_OK && problem->loss != LS_SQUARES) {
        code = reweigh(&s, theta, work + 3 * n, err);
    }
    if (code == STATUS_OK) {
        code = finish(&s, theta, work + 3 * n, out, err);
    }
    free(work);
    return code;
}

enum status linear_fit(size_t n, size_t n_parameters, const char *const *names,
                       const double *features, const double *measured, struct ls_result *out,
                       struct error *err)
{
    if (n_parameters == 0 || n_parameters > LS_PARAMETERS || n < n_parameters) {
        return RAISE(err, ERR_INPUT, "%zu rows for %zu constants: expected at least as many rows",
                     n, n_parameters);
    }
    double *const a = malloc(n * (n_parameters + 2) * sizeof *a);
    if (a == NULL) {
        return RAISE(err, ERR_MEMORY, "no memory to fit %zu rows", n);
    }
    double *const ones = a + n * n_parameters, *const residual = ones + n;
    enum status code = STATUS_OK;
    for (size_t i = 0; code == STATUS_OK && i < n; i++) {
        if (!(measured[i] > 0 && isfinite(measured[i]))) {
            code = RAISE(err, ERR_INPUT, "measured value %zu is %g, expected a positive number",
                         i + 1, measured[i]);
        }
        ones[i] = 1;
        for (size_t k = 0; k < n_parameters; k++) {
            a[i * n_parameters + k] = features[i * n_parameters + k] / measured[i];
        }
    }
    double x[LS_PARAMETERS] = {0}, lower[LS_PARAMETERS], upper[LS_PARAMETERS], scale[LS_PARAMETERS];
    bool at_bound[LS_PARAMETERS];
    if (code == STATUS_OK) {
        code = nnls(n, n_parameters, a, ones, x, err);
    }
    *out = (struct ls_result){0};
    for (size_t k = 0; k < n_parameters; k++) {
        lower[k] = 0;
        upper[k] = INFINITY;
        at_bound[k] = x[k] <= 0;
        scale[k] = x[k] > 0 ? x[k] : 1;
    }
    for (size_t i = 0; code == STATUS_OK && i < n; i++) {
        residual[i] = -1;
        for (size_t k = 0; k < n_parameters; k++) {
            residual[i] += a[i * n_parameters + k] * x[k];
        }
        out->mape += fabs(residual[i]) / (double)n;
        out->max_error = fmax(out->max_error, fabs(residual[i]));
    }
    if (code == STATUS_OK) {
        const struct ls_state state = {.n = n,
                                       .p = n_parameters,
                                       .residual = residual,
                                       .jacobian = a,
                                       .theta = x,
                                       .lower = lower,
                                       .upper = upper,
                                       .scale = scale,
                                       .at_bound = at_bound,
                                       .names = names};
        code = ls_conclude(&state, out, err);
    }
    free(a);
    return code;
}
