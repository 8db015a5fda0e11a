/* What each family of distributions can do; one row per family, in distribution.c. */
#ifndef CALIBRATION_FIT_FAMILY_H
#define CALIBRATION_FIT_FAMILY_H

#include "calibration/fit/sample.h"

/* Fill parameters and intervals; everything else is done by the caller. */
typedef enum status family_fit(const struct sorted *s, struct fitted *out, struct error *err);

family_fit normal_fit, lognormal_fit, shifted_lognormal_fit, gamma_fit, weibull_fit, pareto_fit,
    exponential_fit, mixture_fit, shifted_mixture_fit;

/* An estimate with a symmetric interval of z standard errors. */
struct estimate estimate_wald(const char *name, double value, double standard_error);
/* For a positive parameter: the interval is symmetric on the log scale. */
struct estimate estimate_log_wald(const char *name, double value, double log_standard_error);

#define Z_95 1.959963984540054

#endif
