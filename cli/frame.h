/* Columns of results in memory: only those somebody wants, whatever the rows came from (CSV, JSON,
 * a scenario that is predicted here). Numbers stand as they are; a text stands as its index in the
 * frame's list of different texts. A million rows of a dozen columns take about 100 MB. */
#ifndef CLI_FRAME_H
#define CLI_FRAME_H

#include "cli/cli.h"

/* From a pair of numbers to an index: open addressing, no deletion. Zeroed is empty. */
struct pair_map {
    struct pair_slot {
        uint64_t a, b;
        uint32_t index; /* + 1; 0 = free */
    } * slots;
    size_t capacity, count;
};
/* Index of the pair; a new one gets the next index (0, 1, ...). UINT32_MAX: out of memory. */
uint32_t pair_map_index(struct pair_map *map, uint64_t a, uint64_t b);
void pair_map_free(struct pair_map *map);

enum { FRAME_COLUMNS = 64 };

struct frame {
    struct arena arena;
    const char *path; /* of the last source, for errors */
    struct {
        const char *name;
        double *values; /* n_rows; NaN = empty */
        bool text, present;
    } columns[FRAME_COLUMNS];
    size_t n_columns, n_rows, capacity;
    const char **texts; /* the different ones; number 0 is "" */
    size_t n_texts, texts_capacity;
    uint32_t *text_slots;
    size_t text_slots_capacity;
    const char **found; /* names of the last source's columns */
    size_t n_found;
    size_t left_out; /* rows that failed the condition */
    struct expression where;
    bool has_where;
};

/* Index of a column, added when it is new (before the first row). -1: FRAME_COLUMNS are used. */
int frame_want(struct frame *f, const char *name, bool text);
/* Rows must meet this condition to be kept; its columns are wanted too. ERR_USAGE. */
enum status frame_where(struct frame *f, const char *condition, struct error *err);
/* A text's number in the frame. UINT32_MAX: out of memory. */
uint32_t frame_text_id(struct frame *f, const char *text, size_t n);
/* Text of a cell, "" when empty. */
const char *frame_text(const struct frame *f, size_t row, int column);
static inline double frame_number(const struct frame *f, size_t row, int column)
{
    return f->columns[column].values[row];
}
/* ERR_INPUT with the nearest name when no source had the column; `why` completes the sentence. */
enum status frame_need(const struct frame *f, int column, const char *why, struct error *err);

/* Append the rows of a CSV file (read as a stream), of JSON rows, or of a scenario that is
 * predicted. */
enum status frame_read_csv(struct frame *f, const char *path, struct error *err);
/* The same from an open stream; `path` is for errors. */
enum status frame_read_stream(struct frame *f, FILE *stream, const char *path, struct error *err);
enum status frame_read_json(struct frame *f, const char *path, const struct json *rows,
                            struct error *err);
enum status frame_read_scenario(struct frame *f, const struct scenario *s,
                                struct constraints *constraints, struct error *err);
/* The latest sweep of a result store; its limits (0 = none) and the confidence of its intervals
 * (NaN = unknown). */
enum status frame_read_store(struct frame *f, const char *path, struct constraints *limits,
                             double *confidence, struct error *err);
/* One row from cells, the way the three readers append. `cells` follow the frame's columns; for
 * text columns they hold text numbers. */
enum status frame_add(struct frame *f, const double *cells, struct error *err);
void frame_free(struct frame *f);

#endif
