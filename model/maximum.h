/* Inner pair of maximum.c: what the expected maxima of noisy work are computed from. */
#ifndef MODEL_MAXIMUM_H
#define MODEL_MAXIMUM_H

#include "model/model.h"

enum {
    MAXIMUM_TERMS = 24,
    MAXIMUM_SLOTS = 1024,
    NORMAL_REACH = 9,
    NORMAL_CELLS_PER_UNIT = 64,
    NORMAL_CELLS = 2 * NORMAL_REACH * NORMAL_CELLS_PER_UNIT
};

struct maxima {
    struct {
        double n, cv, excess;
    } recent[16]; /* the very same questions again: most of a sweep */
    double cosine[MAXIMUM_TERMS]
                 [MAXIMUM_TERMS]; /* cos(j theta_k), theta_k = pi (k + 1/2) / TERMS */
    struct {
        double n, series[MAXIMUM_TERMS];
    } slots[MAXIMUM_SLOTS];
    struct {
        double value, slope; /* of ln Phi(z), the slope times the width of a cell */
    } normal[NORMAL_CELLS + 1];
};

/* Of this evaluator, made when first asked for; NULL when memory is exhausted. */
struct maxima *maxima_of(struct evaluator *e);
double normal_log_cdf_exact(double z);

/* ln Phi(z) within 1e-9: cubic Hermite interpolation of the table (m NULL, or z outside: exact). */
static inline double normal_log_cdf(const struct maxima *m, double z)
{
    const double at = (z + NORMAL_REACH) * NORMAL_CELLS_PER_UNIT;
    if (m == NULL || !(at >= 0 && at < NORMAL_CELLS)) {
        return normal_log_cdf_exact(z);
    }
    const int cell = (int)at;
    const double t = at - cell;
    const double before = m->normal[cell].value;
    const double rise = m->normal[cell + 1].value - before;
    const double a = m->normal[cell].slope - rise;
    const double b = rise - m->normal[cell + 1].slope;
    return before + t * (rise + (1 - t) * ((1 - t) * a + t * b));
}

#endif
