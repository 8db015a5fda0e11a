/* Thread scaling: Amdahl's law and Gunther's universal scalability law.
 *
 * x(n) = x1 n / (1 + s (n-1) + k n (n-1)) is linear in a = 1/x1, a s and a k:
 *
 *     1 = (x/n) a + (x/n) (n-1) a s + x (n-1) a k + residual
 *
 * and that residual is the relative one, 1 - x / x(n). So one linear least-squares problem (GSL)
 * gives the law, without a start value or iterations; s and k are quotients, their errors follow by
 * propagation.
 */
#include "calibration/calibrate.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_multifit.h>
#include <math.h>

struct fit_data {
    const struct scaling_point *points;
    size_t n;
    bool serial, coherence; /* parameters that are free */
    double held_serial;     /* the serial share when it is not free */
};

double scaling_speedup(const struct scaling_law *law, double threads)
{
    return threads /
           (1.0 + law->serial_share * (threads - 1.0) + law->coherence * threads * (threads - 1.0));
}

static size_t different_counts(const struct scaling_point *points, size_t n)
{
    size_t different = 0;
    for (size_t i = 0; i < n; i++) {
        bool seen = false;
        for (size_t k = 0; k < i; k++) {
            seen = seen || points[k].threads == points[i].threads;
        }
        different += !seen;
    }
    return different;
}

/* Value and standard error of p_i / p_0. */
static void quotient(const gsl_vector *p, const gsl_matrix *covariance, size_t i, double *value,
                     double *standard_error)
{
    const double a = gsl_vector_get(p, 0);
    const double q = gsl_vector_get(p, i) / a;
    const double variance = gsl_matrix_get(covariance, i, i) -
                            2.0 * q * gsl_matrix_get(covariance, 0, i) +
                            q * q * gsl_matrix_get(covariance, 0, 0);
    *value = q;
    *standard_error = sqrt(fmax(variance, 0.0)) / a;
}

static enum status solve(const struct fit_data *data, gsl_matrix *X, gsl_vector *ones,
                         gsl_vector *p, gsl_matrix *covariance, gsl_multifit_linear_workspace *w,
                         struct scaling_law *out, struct error *err)
{
    for (size_t i = 0; i < data->n; i++) {
        const double n = data->points[i].threads, x = data->points[i].tasks_per_s;
        size_t column = 0;
        gsl_vector_set(ones, i, 1.0);
        const double held = data->serial ? 0.0 : data->held_serial;
        gsl_matrix_set(X, i, column++, x / n * (1.0 + held * (n - 1.0)));
        if (data->serial) {
            gsl_matrix_set(X, i, column++, (n - 1.0) * x / n);
        }
        if (data->coherence) {
            gsl_matrix_set(X, i, column, (n - 1.0) * x);
        }
    }
    double squares = 0.0;
    const int code = gsl_multifit_linear(X, ones, p, covariance, &squares, w);
    if (code != GSL_SUCCESS || !(gsl_vector_get(p, 0) > 0.0)) {
        return RAISE(err, ERR_NUMERIC, "no scaling law fits these throughputs (%s)",
                     gsl_strerror(code));
    }
    const double a = gsl_vector_get(p, 0);
    *out = (struct scaling_law){.x1 = 1.0 / a,
                                .x1_error = sqrt(gsl_matrix_get(covariance, 0, 0)) / (a * a),
                                .serial_share = data->held_serial,
                                .rms_ratio = sqrt(squares / (double)data->n)};
    size_t column = 1;
    if (data->serial) {
        quotient(p, covariance, column++, &out->serial_share, &out->serial_share_error);
    }
    if (data->coherence) {
        quotient(p, covariance, column, &out->coherence, &out->coherence_error);
    }
    return STATUS_OK;
}

/* One unconstrained fit. */
static enum status fit_free(const struct fit_data *data, struct scaling_law *out, struct error *err)
{
    const size_t p = 1 + (size_t)data->serial + (size_t)data->coherence;
    gsl_matrix *const X = gsl_matrix_alloc(data->n, p);
    gsl_vector *const ones = gsl_vector_alloc(data->n), *const parameters = gsl_vector_alloc(p);
    gsl_matrix *const covariance = gsl_matrix_calloc(p, p);
    gsl_multifit_linear_workspace *const w = gsl_multifit_linear_alloc(data->n, p);
    const bool failed =
        X == NULL || ones == NULL || parameters == NULL || covariance == NULL || w == NULL;
    const enum status status = failed
                                   ? RAISE(err, ERR_MEMORY, "no memory to fit %zu points", data->n)
                                   : solve(data, X, ones, parameters, covariance, w, out, err);
    gsl_matrix_free(X);
    gsl_vector_free(ones);
    gsl_vector_free(parameters);
    gsl_matrix_free(covariance);
    gsl_multifit_linear_free(w);
    return status;
}

enum status scaling_fit(const struct scaling_point *points, size_t n, bool with_coherence,
                        struct scaling_law *out, struct error *err)
{
    const size_t needed = with_coherence ? 3 : 2;
    const size_t different = different_counts(points, n);
    if (different < needed) {
        return RAISE(err, ERR_INPUT, "%zu different thread counts, expected at least %zu",
                     different, needed);
    }
    for (size_t i = 0; i < n; i++) {
        if (!(points[i].threads >= 1.0) || !(points[i].tasks_per_s > 0.0)) {
            return RAISE(err, ERR_INPUT, "%g tasks per second on %g threads is no throughput",
                         points[i].tasks_per_s, points[i].threads);
        }
    }
    struct fit_data data = {points, n, true, with_coherence, 0.0};
    enum status status = fit_free(&data, out, err);
    /* A negative share would promise more than n from n threads, one above 1 less than one thread
     * gives: such a share is held at the bound, and the rest fitted again. */
    while (status == STATUS_OK &&
           (out->coherence < 0.0 || (data.serial && !(fabs(out->serial_share - 0.5) <= 0.5)))) {
        if (out->coherence < 0.0) {
            data.coherence = false;
        } else {
            data.serial = false;
            data.held_serial = out->serial_share > 1.0 ? 1.0 : 0.0;
        }
        status = fit_free(&data, out, err);
    }
    return status;
}
