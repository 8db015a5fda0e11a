/* Rows of results as the few lines of a picture: which columns tell them apart, which row stands
 * for a line at each x. */
#ifndef CLI_SERIES_H
#define CLI_SERIES_H

#include "cli/frame.h"

enum { SERIES_LIMIT = 8, SERIES_NAME = 96 };

/* The columns series may be told apart by, all wanted of a frame with one call. */
struct series_columns {
    int system, variant, reading, engine, platform, store, algorithm, dataset, scenario;
    int memory_mib, workers, status;
};
/* ERR_MEMORY when the frame has no room for them. */
enum status series_want(struct frame *f, struct series_columns *out, struct error *err);

struct series {
    size_t count;
    char names[SERIES_LIMIT][SERIES_NAME];
    size_t *rows; /* rows of the frame, by series, then by x */
    uint32_t *of; /* series of each, from 0 */
    size_t n_rows;
    size_t infeasible;  /* rows that are no configuration one could run */
    size_t not_finite;  /* rows without a finite x and y */
    size_t folded;      /* rows behind a better one of the same series and x */
    size_t not_drawn;   /* series beyond SERIES_LIMIT, the worst ones */
    const char *reason; /* status of one infeasible row, or NULL */
};

/* What may tell series apart besides their texts, and which rows stay. */
enum series_flags {
    SERIES_BY_MEMORY = 1, /* unless that makes more than SERIES_LIMIT */
    SERIES_BY_WORKERS = 2,
    SERIES_FOLD = 4, /* at each x of a series only the row with the smallest y */
};

/* Rows that are feasible and finite in x and y. A frame without a status column counts as feasible.
 * x < 0: rows keep their order.
 * Errors: ERR_INFEASIBLE when there are rows and none is feasible, ERR_INPUT when none is left. */
enum status series_build(const struct frame *f, const struct series_columns *c, int x, int y,
                         unsigned flags, struct series *out, struct error *err);
void series_free(struct series *s);
/* What was left out, in words for the note under a picture; nothing when all is drawn. */
void text_series_note(struct text *out, const struct series *s, const char *better);

#endif
