/* Door of the scores: how far predictions are from measurements, in plain numbers. */
#ifndef CALIBRATION_SCORE_H
#define CALIBRATION_SCORE_H

#include "model/base/base.h"

struct score {
    size_t n;
    double mape;             /* mean of the absolute errors, predicted / measured - 1 each, or
                                predicted - measured when they are graded as absolute */
    double median_error;     /* their median */
    double max_error;        /* the largest one */
    size_t worst;            /* row of the largest one */
    double bias;             /* mean of the errors with their sign */
    double rank_correlation; /* Spearman's, ties share their mean rank; NaN below three rows or when
                                one side is constant */
    size_t intervals;        /* rows with an interval */
    double coverage; /* share of them that hold the measured value; NaN when there is none */
};

/* Grade predictions against measurements.
 *
 * Takes:   n > 0 rows; measured finite, and > 0 unless errors are absolute; predicted finite; low
 *          and high may be NULL, or hold NaN where a row has no interval.
 * Errors:  ERR_INPUT naming the row that cannot be graded; ERR_MEMORY.
 */
enum status score_rows(size_t n, const double *measured, const double *predicted, const double *low,
                       const double *high, bool absolute, struct score *out, struct error *err);

/* Do predictions order a pair of rows as measurements do? Pairs closer than `spread` (a share, as
 * in 0.05) in the measurement are not claimed either way: *claimed says whether one was. */
bool score_order(double measured_a, double measured_b, double predicted_a, double predicted_b,
                 double spread, bool *claimed);

#endif
