/* Door of the laws' grades: constants fitted on some rows of a trace predict the others. */
#ifndef CALIBRATION_LAWS_H
#define CALIBRATION_LAWS_H

#include "calibration/fit.h"

/* One number of one configuration: its latency's median, its 99th percentile, ... */
struct law_grade {
    char label[160];
    const char *statistic; /* static */
    size_t rows;           /* measurements behind it */
    double measured, predicted;
    double low, high; /* 90 % of new runs lie between; NaN where the law does not tell */
    size_t fold;
};

struct law_grades {
    struct law_grade *list;
    size_t n, capacity;
    size_t skipped; /* configurations whose law could not be fitted without them */
};

struct law_options {
    const char *what;            /* store, bandwidth, compute-memory, start or billing */
    const char *hold_out;        /* column whose values are left out in turn; NULL: nothing is */
    const char *hold_value;      /* only this value of it; NULL: each */
    const struct trace *against; /* graded instead of the trace; NULL: the trace itself */
    double cap_vcpu, latency_s;  /* as in fit_options */
};

/* Fit the law of each subject (service, function and operation) on the rows that are not held out
 * and predict the configurations of those that are, or of the other trace:
 *
 *   store           median and 99th percentile of duration_s of each run, and how far a run may lie
 *   bandwidth       median of duration_s by size, memory and concurrency
 *   compute-memory  median of duration_s by memory
 *   start           median and 90th percentile of cold and of warm starts of each burst; how many
 *                   of a burst are cold, from the largest burst before it
 *   billing         share of the rows whose billed_s the rule gives: to the millisecond, or one
 * more where the printed duration hides digits; the rule (step, with or without initialisation,
 * with a billed restore) is the one most other rows agree with
 *
 * Errors:  ERR_INPUT for unknown words, missing columns, or when nothing can be graded.
 * Owns:    caller frees with law_grades_free(). */
enum status law_grade_trace(const struct trace *t, const struct law_options *o,
                            struct law_grades *out, struct error *err);
void law_grades_free(struct law_grades *g);

#endif
