/* Intervals and ambiguities of a finished fit.
 *
 * Covariance of an M-estimator: K^2 * [sum psi^2 / (n - p)] / mean(psi')^2 * (J'J)^-1 with
 * K = 1 + p/n * var(psi') / mean(psi')^2 (Huber, Robust Statistics, 1981, eq. 7.6.x); for plain
 * squares this is s^2 (J'J)^-1. A direction v of the scaled Jacobian whose singular value vanishes
 * cannot be told from the data; in logarithms of the parameters v = (1, -1) leaves only the
 * product, v = (1, 1) only the ratio.
 */
#include "calibration/fit/least_squares.h"
#include "calibration/fit/sample.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_linalg.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double huber_k = 1.345, bisquare_k = 4.685; /* 95 % efficiency under normal noise */

/* psi and its derivative of a residual in units of sigma, and the weight psi / r. */
static double loss_psi(enum ls_loss loss, double r, double *slope)
{
    const double size = fabs(r);
    if (loss == LS_HUBER && size > huber_k) {
        *slope = 0;
        return r > 0 ? huber_k : -huber_k;
    }
    if (loss == LS_BISQUARE) {
        const double u = r / bisquare_k, v = 1 - u * u;
        *slope = size < bisquare_k ? v * (1 - 5 * u * u) : 0;
        return size < bisquare_k ? r * v * v : 0;
    }
    *slope = 1;
    return r;
}

double loss_weight(enum ls_loss loss, double r)
{
    double slope;
    return r != 0 ? loss_psi(loss, r, &slope) / r : 1;
}

enum status robust_sigma(const double *residual, size_t n, double least, double *sigma,
                         struct error *err)
{
    double *const size = malloc(n * sizeof *size);
    if (size == NULL) {
        return RAISE(err, ERR_MEMORY, "no memory for %zu residuals", n);
    }
    for (size_t i = 0; i < n; i++) {
        size[i] = fabs(residual[i]);
    }
    sort_numbers(size, n);
    const double median = n % 2 == 1 ? size[n / 2] : (size[n / 2 - 1] + size[n / 2]) / 2;
    free(size);
    *sigma = fmax(median / 0.6744897501960817, least);
    return STATUS_OK;
}

/* Variance of a residual as the covariance needs it. */
static double residual_variance(const struct ls_state *s, double sigma, size_t free_parameters)
{
    const double n = (double)s->n, p = (double)free_parameters;
    const double rows = s->rows > 0 ? (double)s->rows : n;
    double square = s->within / (sigma * sigma), slope_sum = 0, slope_square = 0;
    for (size_t i = 0; i < s->n; i++) {
        double slope;
        const double psi = loss_psi(s->loss, s->residual[i] / sigma, &slope);
        square += psi * psi;
        slope_sum += slope / n;
        slope_square += slope * slope / n;
    }
    const double freedom = rows > p ? rows - p : 1;
    const double spread = fmax(0, slope_square - slope_sum * slope_sum);
    const double k = 1 + p / rows * spread / (slope_sum * slope_sum);
    return k * k * sigma * sigma * square / freedom / (slope_sum * slope_sum);
}

/* 1, 2, 3 or 0: a small whole number of which x is within two percent (sign ignored). */
static int small_whole(double x)
{
    const double size = fabs(x), whole = round(size);
    return whole >= 1 && whole <= 3 && fabs(size - whole) < 0.02 * whole ? (int)whole : 0;
}

static void append(char *text, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void append(char *text, size_t size, const char *format, ...)
{
    const size_t used = strlen(text);
    va_list args;
    va_start(args, format);
    vsnprintf(text + used, size - used, format, args);
    va_end(args);
}

/* Say what the direction v (in units of `scale`) leaves open. */
static void name_direction(const struct ls_state *s, const size_t *index, const double *v,
                           size_t used, struct fit_ambiguity *out)
{
    size_t members[LS_PARAMETERS] = {0}, count = 0;
    double largest = 0;
    for (size_t k = 0; k < used; k++) {
        largest = fmax(largest, fabs(v[k]));
    }
    for (size_t k = 0; k < used; k++) {
        if (fabs(v[k]) > 0.02 * largest) {
            members[count++] = k;
            out->member[index[k]] = true;
        }
    }
    const size_t a = members[0], b = count > 1 ? members[1] : a;
    const char *const name_a = s->names[index[a]], *const name_b = s->names[index[b]];
    if (count == 1) {
        append(out->text, sizeof out->text, "%s has no effect on these data", name_a);
        return;
    }
    /* In logarithms the same direction is v itself; in plain numbers it is v * scale. */
    const int log_ratio = small_whole(v[a] / v[b]), log_inverse = small_whole(v[b] / v[a]);
    const double plain = v[a] * s->scale[index[a]] / (v[b] * s->scale[index[b]]);
    const bool positive = s->theta[index[a]] > 0 && s->theta[index[b]] > 0;
    if (count == 2 && positive && (log_ratio != 0 || log_inverse != 0)) {
        /* Moving ln a by p and ln b by -q leaves a^q b^p alone. */
        const int p = log_ratio != 0 ? log_ratio : 1, q = log_inverse != 0 ? log_inverse : 1;
        char power_a[16] = "", power_b[16] = "";
        if (q > 1) {
            snprintf(power_a, sizeof power_a, "^%d", q);
        }
        if (p > 1) {
            snprintf(power_b, sizeof power_b, "^%d", p);
        }
        const bool product = v[a] * v[b] < 0;
        const double x = pow(s->theta[index[a]], q), y = pow(s->theta[index[b]], p);
        append(out->text, sizeof out->text, "only the %s %s%s %s %s%s is identified, %.6g",
               product ? "product" : "ratio", name_a, power_a, product ? "*" : "/", name_b, power_b,
               product ? x * y : x / y);
        return;
    }
    if (count == 2 && small_whole(plain) == 1) {
        append(out->text, sizeof out->text, "only the %s %s %s %s is identified, %.6g",
               plain < 0 ? "sum" : "difference", name_a, plain < 0 ? "+" : "-", name_b,
               s->theta[index[a]] + (plain < 0 ? 1 : -1) * s->theta[index[b]]);
        return;
    }
    append(out->text, sizeof out->text, "these cannot be told apart:");
    for (size_t k = 0; k < count; k++) {
        append(out->text, sizeof out->text, "%s %s", k > 0 ? "," : "", s->names[index[members[k]]]);
    }
}

/* Bring the null directions (rows) into reduced echelon form: each then names as few as it can. */
static void separate(double *rows, size_t count, size_t width)
{
    bool taken[LS_PARAMETERS] = {false};
    for (size_t r = 0; r < count; r++) {
        size_t pivot = 0, from = r;
        double largest = 0;
        for (size_t i = r; i < count; i++) {
            for (size_t k = 0; k < width; k++) {
                if (!taken[k] && fabs(rows[i * width + k]) > largest) {
                    largest = fabs(rows[i * width + k]);
                    pivot = k;
                    from = i;
                }
            }
        }
        if (largest <= 0) {
            return;
        }
        taken[pivot] = true;
        for (size_t k = 0; k < width; k++) {
            const double swap = rows[r * width + k];
            rows[r * width + k] = rows[from * width + k];
            rows[from * width + k] = swap;
        }
        for (size_t i = 0; i < count; i++) {
            const double factor = rows[i * width + pivot] / rows[r * width + pivot];
            for (size_t k = 0; i != r && k < width; k++) {
                rows[i * width + k] -= factor * rows[r * width + k];
            }
        }
    }
}

/* Inverse of J'J over the parameters in `index`, in plain units, by singular values; directions
 * below the tolerance are left out and, when asked, named. */
static enum status invert(const struct ls_state *s, const size_t *index, size_t used,
                          double *inverse, struct ls_result *name, struct error *err)
{
    gsl_matrix *const u = gsl_matrix_alloc(s->n > used ? s->n : used, used);
    gsl_matrix *const v = gsl_matrix_alloc(used, used);
    gsl_vector *const sv = gsl_vector_alloc(used), *const work = gsl_vector_alloc(used);
    enum status code = STATUS_OK;
    if (u == NULL || v == NULL || sv == NULL || work == NULL) {
        code = RAISE(err, ERR_MEMORY, "no memory for a Jacobian of %zu rows", s->n);
    } else {
        gsl_matrix_set_zero(u);
        for (size_t i = 0; i < s->n; i++) {
            for (size_t k = 0; k < used; k++) {
                gsl_matrix_set(u, i, k, s->jacobian[i * s->p + index[k]] * s->scale[index[k]]);
            }
        }
        if (gsl_linalg_SV_decomp(u, v, sv, work) != 0) {
            code = RAISE(err, ERR_NUMERIC, "the Jacobian has no singular values");
        }
    }
    memset(inverse, 0, used * used * sizeof *inverse);
    double null[LS_PARAMETERS * LS_PARAMETERS];
    size_t nulls = 0;
    for (size_t d = 0; code == STATUS_OK && d < used; d++) {
        const double value = gsl_vector_get(sv, d);
        double *const direction = null + nulls * used;
        for (size_t k = 0; k < used; k++) {
            direction[k] = gsl_matrix_get(v, k, d);
        }
        if (!(value > 1e-6 * gsl_vector_get(sv, 0))) {
            nulls++;
            continue;
        }
        for (size_t j = 0; j < used; j++) {
            for (size_t k = 0; k < used; k++) {
                inverse[j * used + k] += direction[j] * direction[k] / (value * value) *
                                         s->scale[index[j]] * s->scale[index[k]];
            }
        }
    }
    if (name != NULL) {
        separate(null, nulls, used);
        for (size_t d = 0; d < nulls && d < LS_AMBIGUITIES; d++) {
            name_direction(s, index, null + d * used, used, &name->ambiguity[d]);
            name->ambiguities++;
        }
    }
    gsl_matrix_free(u);
    gsl_matrix_free(v);
    gsl_vector_free(sv);
    gsl_vector_free(work);
    return code;
}

/* A parameter that stopped at its bound may stand in for free ones: then none of them is known. */
static bool stands_in(const struct ls_result *with, size_t which, struct ls_result *out)
{
    for (size_t a = 0; a < with->ambiguities; a++) {
        if (!with->ambiguity[a].member[which]) {
            continue;
        }
        if (out->ambiguities < LS_AMBIGUITIES) {
            out->ambiguity[out->ambiguities++] = with->ambiguity[a];
        }
        for (size_t k = 0; k < out->n_parameters; k++) {
            struct estimate *const e = &out->parameter[k];
            if (with->ambiguity[a].member[k]) {
                e->unidentified = true;
                e->low = e->high = e->standard_error = NAN;
            }
        }
        return true;
    }
    return false;
}

/* Interval of a parameter that stopped at its bound: where the unbounded solution of the linearised
 * problem would lie, cut at the bounds. */
static enum status bound_interval(const struct ls_state *s, size_t which, const size_t *index,
                                  size_t used, double variance, double t, struct ls_result *out,
                                  struct error *err)
{
    struct estimate *const e = &out->parameter[which];
    struct ls_result probe = {0};
    size_t with[LS_PARAMETERS];
    memcpy(with, index, used * sizeof *with);
    with[used] = which;
    double inverse[LS_PARAMETERS * LS_PARAMETERS];
    if (invert(s, with, used + 1, inverse, &probe, err) != STATUS_OK) {
        return err->code;
    }
    if (stands_in(&probe, which, out)) {
        return STATUS_OK;
    }
    double step = 0;
    for (size_t k = 0; k <= used; k++) {
        double slope = 0;
        for (size_t i = 0; i < s->n; i++) {
            slope += s->jacobian[i * s->p + with[k]] * s->residual[i];
        }
        step -= inverse[used * (used + 1) + k] * slope;
    }
    const double se = sqrt(variance * inverse[(used + 1) * (used + 1) - 1]);
    e->standard_error = se;
    e->low = fmin(fmax(e->value + step - t * se, s->lower[which]), e->value);
    e->high = fmax(fmin(e->value + step + t * se, s->upper[which]), e->value);
    return STATUS_OK;
}

enum status ls_conclude(const struct ls_state *s, struct ls_result *out, struct error *err)
{
    size_t index[LS_PARAMETERS], used = 0;
    for (size_t k = 0; k < s->p; k++) {
        if (!s->at_bound[k]) {
            index[used++] = k;
        }
        out->parameter[k] = (struct estimate){.name = s->names[k],
                                              .value = s->theta[k],
                                              .low = NAN,
                                              .high = NAN,
                                              .standard_error = NAN,
                                              .at_bound = s->at_bound[k]};
    }
    const size_t rows = s->rows > 0 ? s->rows : s->n;
    out->n = rows;
    out->n_parameters = s->p;
    double sigma = 1;
    if (s->loss != LS_SQUARES && robust_sigma(s->residual, s->n, 1e-12, &sigma, err) != STATUS_OK) {
        return err->code;
    }
    const double variance = residual_variance(s, sigma, used);
    out->sigma = sqrt(variance);
    double square = s->within;
    for (size_t i = 0; i < s->n; i++) {
        square += s->residual[i] * s->residual[i];
    }
    out->aic = (double)rows * log(fmax(square / (double)rows, 1e-300)) + 2 * ((double)s->p + 1);
    double inverse[LS_PARAMETERS * LS_PARAMETERS];
    if (used > 0 && invert(s, index, used, inverse, out, err) != STATUS_OK) {
        return err->code;
    }
    const double t =
        rows > used ? gsl_cdf_tdist_Pinv(0.975, (double)(rows - used)) : (double)INFINITY;
    for (size_t j = 0; j < used; j++) {
        struct estimate *const e = &out->parameter[index[j]];
        for (size_t a = 0; a < out->ambiguities; a++) {
            e->unidentified = e->unidentified || out->ambiguity[a].member[index[j]];
        }
        for (size_t k = 0; k < used; k++) {
            out->covariance[index[j] * s->p + index[k]] = variance * inverse[j * used + k];
        }
        if (!e->unidentified && rows > used) {
            e->standard_error = sqrt(variance * inverse[j * used + j]);
            e->low = fmax(e->value - t * e->standard_error, s->lower[index[j]]);
            e->high = fmin(e->value + t * e->standard_error, s->upper[index[j]]);
        }
    }
    for (size_t k = 0; k < s->p; k++) {
        if (s->at_bound[k] && rows > used + 1 &&
            bound_interval(s, k, index, used, variance, t, out, err) != STATUS_OK) {
            return err->code;
        }
    }
    return STATUS_OK;
}
