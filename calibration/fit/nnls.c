/* Non-negative least squares: the active-set method of Lawson and Hanson, Solving Least Squares
 * Problems, 1974, chapter 23, algorithm NNLS. The unconstrained problems inside are solved by QR.
 */
#include "calibration/fit.h"

#include <gsl/gsl_linalg.h>
#include <math.h>
#include <stdlib.h>

struct problem {
    size_t rows, columns;
    const double *a, *b;
    bool *passive;
    double *x, *trial, *gradient;
    gsl_matrix *qr;
    gsl_vector *tau, *residual;
};

/* trial = least squares over the passive columns, 0 elsewhere. False when they are dependent. */
static bool solve_passive(struct problem *p)
{
    size_t used = 0;
    for (size_t j = 0; j < p->columns; j++) {
        p->trial[j] = 0;
        for (size_t i = 0; p->passive[j] && i < p->rows; i++) {
            gsl_matrix_set(p->qr, i, used, p->a[i * p->columns + j]);
        }
        used += p->passive[j] ? 1 : 0;
    }
    gsl_matrix_view m = gsl_matrix_submatrix(p->qr, 0, 0, p->rows, used);
    gsl_vector_view tau = gsl_vector_subvector(p->tau, 0, used);
    double solved[LS_PARAMETERS];
    gsl_vector_view x = gsl_vector_view_array(solved, used);
    gsl_vector_const_view b = gsl_vector_const_view_array(p->b, p->rows);
    gsl_linalg_QR_decomp(&m.matrix, &tau.vector);
    for (size_t j = 0; j < used; j++) {
        if (fabs(gsl_matrix_get(p->qr, j, j)) < 1e-13 * fabs(gsl_matrix_get(p->qr, 0, 0))) {
            return false;
        }
    }
    if (gsl_linalg_QR_lssolve(&m.matrix, &tau.vector, &b.vector, &x.vector, p->residual) != 0) {
        return false;
    }
    for (size_t j = 0, k = 0; j < p->columns; j++) {
        if (p->passive[j]) {
            p->trial[j] = solved[k++];
        }
    }
    return true;
}

/* gradient = A' (b - A x); the index of the largest among the active columns, or columns. */
static size_t steepest(struct problem *p, double tolerance)
{
    for (size_t j = 0; j < p->columns; j++) {
        p->gradient[j] = 0;
    }
    for (size_t i = 0; i < p->rows; i++) {
        double r = p->b[i];
        for (size_t j = 0; j < p->columns; j++) {
            r -= p->a[i * p->columns + j] * p->x[j];
        }
        for (size_t j = 0; j < p->columns; j++) {
            p->gradient[j] += r * p->a[i * p->columns + j];
        }
    }
    size_t best = p->columns;
    for (size_t j = 0; j < p->columns; j++) {
        if (!p->passive[j] && p->gradient[j] > tolerance &&
            (best == p->columns || p->gradient[j] > p->gradient[best])) {
            best = j;
        }
    }
    return best;
}

/* Move x towards trial until the first passive coefficient reaches 0, and free those at 0. */
static bool step_back(struct problem *p)
{
    double alpha = 1;
    bool inside = true;
    for (size_t j = 0; j < p->columns; j++) {
        if (p->passive[j] && p->trial[j] <= 0) {
            inside = false;
            alpha = fmin(alpha, p->x[j] / (p->x[j] - p->trial[j]));
        }
    }
    for (size_t j = 0; j < p->columns; j++) {
        p->x[j] = inside ? p->trial[j] : p->x[j] + alpha * (p->trial[j] - p->x[j]);
        if (p->passive[j] && !inside && p->trial[j] <= 0 && p->x[j] <= 1e-15) {
            p->passive[j] = false;
            p->x[j] = 0;
        }
    }
    return inside;
}

static enum status iterate(struct problem *p, struct error *err)
{
    double scale = 0;
    for (size_t i = 0; i < p->rows; i++) {
        for (size_t j = 0; j < p->columns; j++) {
            scale = fmax(scale, fabs(p->a[i * p->columns + j] * p->b[i]));
        }
    }
    const double tolerance = 1e-12 * scale * (double)p->rows;
    for (size_t round = 0; round < 30 * p->columns; round++) {
        const size_t enter = steepest(p, tolerance);
        if (enter == p->columns) {
            return STATUS_OK;
        }
        p->passive[enter] = true;
        /* A column that depends on those taken, or would enter below 0, adds nothing. */
        if (!solve_passive(p) || p->trial[enter] <= 0) {
            p->passive[enter] = false;
            return STATUS_OK;
        }
        for (size_t inner = 0; !step_back(p); inner++) {
            if (inner > 3 * p->columns || !solve_passive(p)) {
                return RAISE(err, ERR_NUMERIC, "non-negative least squares did not settle");
            }
        }
    }
    return RAISE(err, ERR_NUMERIC, "non-negative least squares did not settle");
}

enum status nnls(size_t rows, size_t columns, const double *a, const double *b, double *x,
                 struct error *err)
{
    if (columns == 0 || columns > LS_PARAMETERS || rows < columns) {
        return RAISE(err, ERR_INPUT,
                     "%zu rows for %zu coefficients: expected at least as many rows", rows,
                     columns);
    }
    bool passive[LS_PARAMETERS] = {false};
    double trial[LS_PARAMETERS] = {0}, gradient[LS_PARAMETERS] = {0};
    for (size_t j = 0; j < columns; j++) {
        x[j] = 0;
    }
    struct problem p = {.rows = rows,
                        .columns = columns,
                        .a = a,
                        .b = b,
                        .passive = passive,
                        .x = x,
                        .trial = trial,
                        .gradient = gradient,
                        .qr = gsl_matrix_alloc(rows, columns),
                        .tau = gsl_vector_alloc(columns),
                        .residual = gsl_vector_alloc(rows)};
    enum status code = STATUS_OK;
    if (p.qr == NULL || p.tau == NULL || p.residual == NULL) {
        code = RAISE(err, ERR_MEMORY, "no memory for %zu rows", rows);
    } else {
        code = iterate(&p, err);
    }
    gsl_matrix_free(p.qr);
    gsl_vector_free(p.tau);
    gsl_vector_free(p.residual);
    return code;
}
