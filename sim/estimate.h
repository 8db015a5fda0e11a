/* What independent replications tell: means with Student-t intervals, quantiles with
 * order-statistic intervals. */
#ifndef SIM_ESTIMATE_H
#define SIM_ESTIMATE_H

#include <stddef.h>

#include "sim/sim.h"

/* Mean and half width of its interval; the half width is infinite for one observation. */
void estimate_mean(const double *x, size_t n, double confidence, double *mean, double *half);
/* All of struct estimate; `scratch` has room for n numbers. */
struct estimate estimate_all(const double *x, size_t n, double confidence, double *scratch);

#endif
