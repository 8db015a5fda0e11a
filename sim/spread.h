/* What is known of a job's spread when rounds were extended. Inner part of simulate.c. */
#ifndef SIM_SPREAD_H
#define SIM_SPREAD_H

#include "sim/replicate.h"

/* Normal half widths, to be added in quadrature to the intervals of quantiles: the means that all
 * replications share are themselves known from few rounds. */
struct spread_error {
    double time_s, cost_usd;
};

/* Times and costs of the replications with the spread that playing every round would give.
 *
 * Model:   a replication's extension is n' m, m the mean of the n rounds it played. The variance of
 *          n' m over replications is T + V: T what differs between replications (instances, effects
 *          of a run), V = n'^2 s^2 / n the noise of m, known from within each. T is the observed
 *          variance less V, at least 0, at most what the configuration lets replications differ.
 *          Each n' m is replaced by a draw from its posterior under the prior N(mean, T) and the
 *          likelihood's V (Lindley & Smith 1972), which has variance T, and all are shifted to keep
 *          their mean. With one replication, or nothing extended, nothing is changed.
 * Takes:   times_s, costs_usd: room for r->count numbers, filled; *error by the scenario's
 *          confidence. */
void spread_settle(const struct plan *p, const struct replicas *r, double *times_s,
                   double *costs_usd, struct spread_error *error);

#endif
