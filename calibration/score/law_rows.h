/* What the grades of all laws share: rows in groups, their statistics, folds. Of laws.h's
 * implementation alone. */
#ifndef CALIBRATION_SCORE_LAW_ROWS_H
#define CALIBRATION_SCORE_LAW_ROWS_H

#include "calibration/laws.h"

/* Rows of a trace, in order; the law sees `train`, the grades are of `test`. */
struct law_rows {
    const struct trace *t;
    size_t *at;
    size_t n;
};

struct law_work {
    const struct law_options *o;
    struct law_rows train, test;
    struct law_grades *out;
    size_t fold;
};

/* A cell; NaN or "" where the trace has no such column. */
double law_number(const struct trace *t, enum trace_column c, size_t i);
const char *law_label(const struct trace *t, enum trace_column c, size_t i);
/* A hash and a text that tell configurations apart, of the columns in `columns`. */
uint64_t law_key(const struct trace *t, size_t i, const enum trace_column *columns, size_t n);
void law_name(const struct trace *t, size_t i, const enum trace_column *columns, size_t n,
              char *out, size_t size);

typedef enum status (*group_task)(struct law_work *w, const struct law_rows *group,
                                  struct error *err);
/* Do something with every group of rows of equal key, in the order of their first rows. */
enum status law_each_group(struct law_work *w, const struct law_rows *r,
                           const enum trace_column *columns, size_t n_columns, group_task task,
                           struct error *err);
/* Values of a column for some rows; caller frees. */
double *law_values(const struct law_rows *r, enum trace_column c, struct error *err);
/* Weighted quantiles of duration_s of some rows. */
enum status law_quantiles(const struct law_rows *r, const double *probability, size_t n,
                          double *out, struct error *err);
/* The training rows of the same subject (service, function, operation) as a test row; caller frees
 * ->at. */
enum status law_same_subject(const struct law_work *w, const struct law_rows *group,
                             struct law_rows *out, struct error *err);
/* One grade of a group, unless nothing was measured or predicted. */
enum status law_put_grade(struct law_work *w, const struct law_rows *r,
                          const enum trace_column *columns, size_t n_columns, const char *statistic,
                          double measured, double predicted, double low, double high,
                          struct error *err);
/* A law that cannot be fitted without the rows held out is no failure of the command. */
enum status law_skip(struct law_work *w, struct error *err);

/* ---------------------------------------------------------------- the laws */

struct law_task {
    const char *what;
    const enum trace_column *columns; /* what tells groups apart */
    size_t n_columns;
    group_task task;                                             /* grades one group of test rows */
    enum status (*whole)(struct law_work *w, struct error *err); /* or all of them at once */
    enum trace_column needs;
};
extern const struct law_task law_store, law_bandwidth, law_memory, law_start, law_billing;

#endif
