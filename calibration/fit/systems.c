/* The systems of the literature as laws linear in their constants.
 *
 * One row per law: the columns of its table, the constants, the features. These are regressions for
 * finding constants; predictions are made by the programs of `model`.
 */
#include "calibration/fit.h"

#include <gsl/gsl_linalg.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool read_number(const char *cell, double *out)
{
    char *end = NULL;
    *out = strtod(cell, &end);
    return end != cell && *end == '\0' && isfinite(*out);
}

/* Numbers of all cells but the first `skip`. */
static bool read_numbers(const char *const *cells, size_t skip, size_t count, double *out)
{
    for (size_t i = skip; i < count; i++) {
        if (!read_number(cells[i], &out[i])) {
            return false;
        }
    }
    return true;
}

/* Feng et al., IEEE CLOUD 2018, slide 12: iteration = compute + sum over levels of (level + child
 * r). "1-5-22-100": instances per level, root first. */
static bool feng_row(const char *const *cells, double *f, double *measured)
{
    double x[3];
    if (!read_numbers(cells, 1, 3, x) || !(x[2] > 0)) {
        return false;
    }
    const char *p = cells[0];
    double above = 0, levels = 0, children = 0;
    while (*p != '\0') {
        char *end = NULL;
        const double n = strtod(p, &end);
        if (end == p || n < 1 || (*end != '-' && *end != '\0')) {
            return false;
        }
        levels += above > 0 ? 1 : 0;
        children += above > 0 ? n / above : 0;
        above = n;
        p = end + (*end == '-' ? 1 : 0);
    }
    f[0] = 1;
    f[1] = levels;
    f[2] = children;
    *measured = x[1] / x[2];
    return levels > 0 && *measured > 0;
}

/* Naik, Table 5: seconds per step = fixed + work / memory; a run out of memory has no time. */
static bool naik_memory_row(const char *const *cells, double *f, double *measured)
{
    double x[3];
    if (!read_numbers(cells, 0, 3, x) || !(x[0] > 0 && x[1] > 0 && x[2] > 0)) {
        return false;
    }
    f[0] = 1;
    f[1] = 1 / x[0];
    *measured = x[2] / x[1];
    return true;
}

/* Naik, Table 3: after the start every step takes as long; the last one is cut by the limit, half
 * of it on average. Before the first step there is nothing to count. */
static bool naik_steps_row(const char *const *cells, double *f, double *measured)
{
    double x[2];
    if (!read_numbers(cells, 0, 2, x) || !(x[1] > 0)) {
        return false;
    }
    f[0] = 1;
    f[1] = x[1] + 0.5;
    *measured = 60 * x[0];
    return *measured > 0;
}

/* Naik, Table 6: a round is three epochs; uploads, loads and the combiner's reads grow with w. */
static bool naik_rounds_row(const char *const *cells, double *f, double *measured)
{
    double x[3];
    if (!read_numbers(cells, 0, 3, x) || !(x[1] > 0)) {
        return false;
    }
    f[0] = 1;
    f[1] = x[0];
    *measured = 60 * x[2] / ceil(x[1] / 3);
    return *measured > 0;
}

/* SMLT, section 3.3: all phases are affine in w once the store's link binds. */
static bool affine_row(const char *const *cells, double *f, double *measured)
{
    double x[2];
    if (!read_numbers(cells, 0, 2, x)) {
        return false;
    }
    f[0] = 1;
    f[1] = x[0];
    *measured = x[1];
    return *measured > 0;
}

/* MLLess, cost model of the repository: d(p) = th0 + (p - 1) th1 + p th2. */
static bool mlless_row(const char *const *cells, double *f, double *measured)
{
    double x[2];
    if (!read_numbers(cells, 0, 2, x)) {
        return false;
    }
    f[0] = 1;
    f[1] = x[0] - 1;
    f[2] = x[0];
    *measured = x[1];
    return *measured > 0;
}

/* MetaFaaS, eq. 4 as resolved: iteration = ceil(MBS/w) (task + step AS) + [w > 1] ((w+2) L + (3w-2)
 * m/(c3 B)). */
static bool metafaas_row(const char *const *cells, double *f, double *measured)
{
    double x[4];
    if (!read_numbers(cells, 0, 4, x) || !(x[0] >= 1 && x[1] > 0)) {
        return false;
    }
    const double w = x[0], tasks = ceil(x[1] / w);
    f[0] = tasks;
    f[1] = tasks * x[2];
    f[2] = w > 1 ? w + 2 : 0;
    f[3] = w > 1 ? 3 * w - 2 : 0;
    *measured = x[3];
    return *measured > 0;
}

const struct system_law system_laws[] = {
    {"metafaas",
     "iteration = ceil(MBS/w) (task + step AS) + (w+2) latency + (3w-2) transfer",
     "MetaFaaS, eq. 4 and section 6, as resolved",
     {"workers", "meta_batch", "adaptation_steps", "iteration_s"},
     {"task_s", "step_s", "latency_s", "transfer_s"},
     metafaas_row},
    {"smlt",
     "communication = fixed + per worker",
     "SMLT, section 3.3 and Fig 8",
     {"workers", "comm_time_s"},
     {"fixed_s", "worker_s"},
     affine_row},
    {"feng",
     "iteration = compute + levels * level + sum of fan-ins * child",
     "Feng et al., IEEE CLOUD 2018, slides 8 and 12",
     {"structure", "latency_s", "iterations"},
     {"compute_s", "level_s", "child_s"},
     feng_row},
    {"naik-memory",
     "step = fixed + work / memory",
     "Naik, Table 5",
     {"memory_gb", "total_steps", "time_s"},
     {"fixed_s", "work_s_gb"},
     naik_memory_row},
    {"naik-steps",
     "duration = start + steps * step",
     "Naik, Table 3",
     {"runtime_min", "total_steps"},
     {"start_s", "step_s"},
     naik_steps_row},
    {"naik-rounds",
     "round = fixed + per worker",
     "Naik, Table 6 and section 7.3",
     {"workers", "epochs_per_worker", "time_min"},
     {"round_s", "worker_s"},
     naik_rounds_row},
    {"mlless",
     "step = th0 + (p - 1) th1 + p th2",
     "MLLess, section 4.1 and repository",
     {"workers", "step_s"},
     {"th0_s", "th1_s", "th2_s"},
     mlless_row},
    {NULL, NULL, NULL, {NULL}, {NULL}, NULL},
};

const struct system_law *system_law_find(const char *name)
{
    for (const struct system_law *l = system_laws; l->name != NULL; l++) {
        if (strcmp(l->name, name) == 0) {
            return l;
        }
    }
    return NULL;
}

static size_t count(const char *const *names)
{
    size_t n = 0;
    while (names[n] != NULL) {
        n++;
    }
    return n;
}

/* The fit to all rows, taken apart so that a row can be left out without another fit: the constants
 * above 0, and R of their columns (rows are divided by what they measured, so every target is 1).
 */
struct whole_fit {
    size_t p, used;
    size_t index[LS_PARAMETERS];                /* of the constants above 0 */
    double x[LS_PARAMETERS];                    /* all constants */
    double gram[LS_PARAMETERS * LS_PARAMETERS]; /* A'A, all columns */
    double target[LS_PARAMETERS];               /* A'1 */
    double r[LS_PARAMETERS * LS_PARAMETERS];    /* upper triangle, used wide */
};

static enum status take_apart(size_t n, size_t p, const double *features, const double *measured,
                              const struct ls_result *fit, struct whole_fit *out, struct error *err)
{
    *out = (struct whole_fit){.p = p};
    for (size_t k = 0; k < p; k++) {
        out->x[k] = fit->parameter[k].value;
        if (out->x[k] > 0) {
            out->index[out->used++] = k;
        }
    }
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < p; j++) {
            const double a = features[i * p + j] / measured[i];
            out->target[j] += a;
            for (size_t k = 0; k < p; k++) {
                out->gram[j * p + k] += a * features[i * p + k] / measured[i];
            }
        }
    }
    if (out->used == 0) {
        return STATUS_OK;
    }
    gsl_matrix *const qr = gsl_matrix_alloc(n, out->used);
    gsl_vector *const tau = gsl_vector_alloc(out->used);
    if (qr == NULL || tau == NULL) {
        RAISE(err, ERR_MEMORY, "no memory for %zu rows", n);
    } else {
        for (size_t i = 0; i < n; i++) {
            for (size_t k = 0; k < out->used; k++) {
                gsl_matrix_set(qr, i, k, features[i * p + out->index[k]] / measured[i]);
            }
        }
        gsl_linalg_QR_decomp(qr, tau);
        for (size_t j = 0; j < out->used; j++) {
            for (size_t k = j; k < out->used; k++) {
                out->r[j * out->used + k] = gsl_matrix_get(qr, j, k);
            }
        }
    }
    gsl_matrix_free(qr);
    gsl_vector_free(tau);
    return err->code;
}

/* The constants without one row, by its leverage (Cook & Weisberg, Residuals and Influence in
 * Regression, 1982, eq. 2.2.1): x - (A'A)^-1 a e / (1 - h). False when the same constants would
 * not be above 0 without it, or nothing but this row says what they are: then it takes another fit.
 */
static bool without_row(const struct whole_fit *w, const double *a, double *x)
{
    double q[LS_PARAMETERS];
    double leverage = 0;
    double residual = 1;
    for (size_t j = 0; j < w->used; j++) { /* q = R'^-1 a */
        q[j] = a[w->index[j]];
        for (size_t k = 0; k < j; k++) {
            q[j] -= w->r[k * w->used + j] * q[k];
        }
        q[j] /= w->r[j * w->used + j];
        leverage += q[j] * q[j];
        residual -= a[w->index[j]] * w->x[w->index[j]];
    }
    if (!(leverage < 1 - 1e-6)) {
        return false;
    }
    memcpy(x, w->x, w->p * sizeof *x);
    for (size_t j = w->used; j-- > 0;) { /* R^-1 q, from the end */
        for (size_t k = j + 1; k < w->used; k++) {
            q[j] -= w->r[j * w->used + k] * q[k];
        }
        q[j] /= w->r[j * w->used + j];
        x[w->index[j]] -= q[j] * residual / (1 - leverage);
        if (!(x[w->index[j]] > 0)) {
            return false;
        }
    }
    double ax = 0;
    for (size_t k = 0; k < w->p; k++) {
        ax += a[k] * x[k];
    }
    /* Would one of those at 0 rise? A column made up of others has a slope of rounding alone. */
    for (size_t j = 0; j < w->p; j++) {
        double slope = w->target[j] - a[j] + a[j] * ax;
        for (size_t k = 0; k < w->p; k++) {
            slope -= w->gram[j * w->p + k] * x[k];
        }
        if (!(w->x[j] > 0) && slope > 1e-9 * w->target[j]) {
            return false;
        }
    }
    return true;
}

/* The same by a fit: row i changes places with the last one. */
static enum status refit_without(size_t i, size_t n, size_t p, double *features, double *measured,
                                 double *x, struct error *err)
{
    double row[LS_PARAMETERS];
    double *const last = features + (n - 1) * p;
    const double y = measured[i];
    memcpy(row, features + i * p, p * sizeof *row);
    memcpy(features + i * p, last, p * sizeof *row);
    measured[i] = measured[n - 1];
    double *const a = malloc(n * (p + 1) * sizeof *a);
    if (a == NULL) {
        return RAISE(err, ERR_MEMORY, "no memory for %zu rows", n);
    }
    for (size_t r = 0; r + 1 < n; r++) {
        a[n * p + r] = 1;
        for (size_t k = 0; k < p; k++) {
            a[r * p + k] = features[r * p + k] / measured[r];
        }
    }
    nnls(n - 1, p, a, a + n * p, x, err);
    free(a);
    memcpy(last, features + i * p, p * sizeof *row);
    measured[n - 1] = measured[i];
    memcpy(features + i * p, row, p * sizeof *row);
    measured[i] = y;
    return err->code;
}

/* Each row predicted by a fit to the others. */
static enum status leave_one_out(size_t n, size_t p, double *features, double *measured,
                                 struct system_fit *out, struct error *err)
{
    struct whole_fit whole;
    out->loo_mape = out->loo_max = NAN;
    if (n < p + 2) {
        return STATUS_OK;
    }
    if (take_apart(n, p, features, measured, &out->fit, &whole, err) != STATUS_OK) {
        return err->code;
    }
    double sum = 0, worst = 0;
    for (size_t i = 0; i < n; i++) {
        double a[LS_PARAMETERS], x[LS_PARAMETERS];
        for (size_t k = 0; k < p; k++) {
            a[k] = features[i * p + k] / measured[i];
        }
        if (!without_row(&whole, a, x) &&
            refit_without(i, n, p, features, measured, x, err) != STATUS_OK) {
            return err->code;
        }
        double predicted = 0; /* as a share of what was measured */
        for (size_t k = 0; k < p; k++) {
            predicted += x[k] * a[k];
        }
        sum += fabs(predicted - 1);
        worst = fmax(worst, fabs(predicted - 1));
    }
    out->loo_mape = sum / (double)n;
    out->loo_max = worst;
    return STATUS_OK;
}

enum status system_fit_table(const struct table *t, const struct system_law *law, const char *where,
                             struct system_fit *out, struct error *err)
{
    const size_t p = count(law->parameters), columns = count(law->columns);
    size_t at[6], filter = SIZE_MAX;
    *out = (struct system_fit){.law = law};
    for (size_t k = 0; k < columns; k++) {
        if (table_column(t, law->columns[k], &at[k], err) != STATUS_OK) {
            return err->code;
        }
    }
    const char *const equals = where != NULL ? strchr(where, '=') : NULL;
    if (where != NULL) {
        char name[128];
        snprintf(name, sizeof name, "%.*s", equals != NULL ? (int)(equals - where) : 0, where);
        if (equals == NULL || table_column(t, name, &filter, err) != STATUS_OK) {
            return RAISE(err, ERR_USAGE, "'%s': expected column=value", where);
        }
    }
    double *const features = malloc((t->n_rows + 1) * (p + 1) * sizeof *features);
    if (features == NULL) {
        return RAISE(err, ERR_MEMORY, "no memory for %zu rows", t->n_rows);
    }
    double *const measured = features + (t->n_rows + 1) * p;
    size_t n = 0;
    for (size_t i = 0; i < t->n_rows; i++) {
        const char *cells[6];
        if (filter != SIZE_MAX && strcmp(table_cell(t, i, filter), equals + 1) != 0) {
            continue;
        }
        for (size_t k = 0; k < columns; k++) {
            cells[k] = table_cell(t, i, at[k]);
        }
        if (law->row(cells, features + n * p, &measured[n])) {
            n++;
        } else {
            out->skipped++;
        }
    }
    enum status code = linear_fit(n, p, law->parameters, features, measured, &out->fit, err);
    if (code == STATUS_OK) {
        code = leave_one_out(n, p, features, measured, out, err);
    }
    free(features);
    return code;
}
