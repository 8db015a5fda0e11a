/* Two normal components on y by expectation-maximisation: where the mixtures begin. */
#ifndef CALIBRATION_FIT_EM_H
#define CALIBRATION_FIT_EM_H

#include "calibration/fit/sample.h"

struct two {
    double share, mu[2], sigma[2]; /* share of the second component */
};

/* A sample seen through y: weights of s, values y[s->n] ascending with s. */
struct em {
    const struct sorted *s;
    const double *y;
    double spread; /* standard deviation of y */
};

double em_density(double y, double mu, double sigma); /* ln of the normal density */
/* Is each component more than a handful of single values? At least eight observations, and a spread
 * of a hundredth of the whole; below, the likelihood grows without bound and means nothing. */
bool em_alive(const struct em *e, const struct two *t);
/* At most `steps`, fewer when it stands still; false when a component vanishes. */
bool em_run(const struct em *e, int steps, struct two *t);
/* The best of short runs from the sample cut in several places; false when none lives. */
bool em_start(const struct em *e, struct two *t);

#endif
