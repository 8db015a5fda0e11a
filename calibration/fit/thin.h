/* Fewer rows for regressions that gain nothing from more. */
#ifndef CALIBRATION_FIT_THIN_H
#define CALIBRATION_FIT_THIN_H

#include "calibration/fit.h"

enum { THIN_ROWS = 20000 };

/* Rows of a regression: two explanatory columns (the second may be NULL) and the measured one. */
struct thin {
    size_t n;
    double *first, *second, *measured; /* one block, freed by thin_free; second NULL as given */
};

/* Copy, in the order (second, first, measured). Beyond THIN_ROWS rows every k-th is kept: a sample
 * that follows the conditional quantiles of the whole, and whose intervals are the wider for it.
 * ERR_INPUT when a measured value is not positive or an explanatory one is negative. */
enum status thin_make(size_t n, const double *first, const double *second, const double *measured,
                      struct thin *out, struct error *err);
void thin_free(struct thin *t);

#endif
