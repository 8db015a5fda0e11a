/* What the targets of a fit share: rows of one operation, and distributions under a key. */
#ifndef CALIBRATION_FIT_TARGET_H
#define CALIBRATION_FIT_TARGET_H

#include "calibration/fit/entry.h"

/* Rows of one operation, three columns of them; absent numbers are NaN. */
struct rows {
    size_t n;
    double *a, *b, *c, *weight; /* one block */
    uint32_t *run;              /* 0 .. runs - 1 */
    size_t runs;
};

/* Rows with the operation and a number in column a. Caller frees with rows_free. */
enum status rows_make(const struct trace *t, uint32_t op, enum trace_column a, enum trace_column b,
                      enum trace_column c, struct rows *out, struct error *err);
void rows_free(struct rows *r);
/* Keep the rows marked, and number the runs that are left anew. */
enum status rows_keep(struct rows *r, const bool *keep, struct error *err);

/* Keep the rows that tell column b. */
enum status rows_with_size(struct rows *r, struct error *err);

/* Operations in the order of the trace; one nameless one when it has no such column. */
size_t operations(const struct trace *t, uint32_t *out, size_t room);

/* Distribution of column a under a key, the spread between runs taken out and noted. */
enum status fit_distribution(struct entry *e, const char *key, const struct rows *r,
                             struct error *err);

/* One per target: fill the entry from its trace. */
enum status fit_store(struct entry *e, struct error *err);
enum status fit_bandwidth(struct entry *e, struct error *err);
enum status fit_memory(struct entry *e, struct error *err);
enum status fit_start(struct entry *e, struct error *err);

#endif
