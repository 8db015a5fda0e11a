/* heatmap: time or dollars over workers and memory, the smallest marked. */
#include "cli/plot.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* More different values than cells share cells; labels stand at some of them. */
enum { CELLS_MAX = 80, LABELS_X = 14, LABELS_Y = 10 };

static const char *const wants[] = {"workers", "time_s", "cost_usd", NULL};

struct axis_values {
    double *values; /* different ones, increasing */
    size_t count, cells;
};

static int increasing(const void *left, const void *right)
{
    const double a = *(const double *)left;
    const double b = *(const double *)right;
    return (a > b) - (a < b);
}

static enum status collect(const struct frame *f, const struct series *s, int column,
                           struct axis_values *out, struct error *err)
{
    out->values = calloc(s->n_rows, sizeof *out->values);
    if (out->values == NULL) {
        return RAISE(err, ERR_MEMORY, "out of memory for %zu rows", s->n_rows);
    }
    for (size_t i = 0; i < s->n_rows; i++) {
        out->values[i] = frame_number(f, s->rows[i], column);
    }
    qsort(out->values, s->n_rows, sizeof *out->values, increasing);
    for (size_t i = 0; i < s->n_rows; i++) {
        if (i == 0 || out->values[i] != out->values[out->count - 1]) {
            out->values[out->count++] = out->values[i];
        }
    }
    out->cells = out->count < CELLS_MAX ? out->count : CELLS_MAX;
    return STATUS_OK;
}

static size_t cell_of(const struct axis_values *a, double value)
{
    const double *found = bsearch(&value, a->values, a->count, sizeof value, increasing);
    return (size_t)(found - a->values) * a->cells / a->count;
}

/* ("1" 0, "2" 1): numbers at evenly chosen cells. */
static void set_ticks(struct plot *p, const char *name, const struct axis_values *a, size_t labels)
{
    const size_t step = (a->cells + labels - 1) / labels;
    struct text ticks = {0};
    for (size_t c = 0; c < a->cells; c += step) {
        text_printf(&ticks, "%s\\\"%g\\\" %zu", c > 0 ? ", " : "",
                    a->values[(c * a->count + a->cells - 1) / a->cells], c);
    }
    text_printf(&p->picture.header, "%s = \"(%s)\"\n", name, ticks.data != NULL ? ticks.data : "");
    p->picture.header.failed = p->picture.header.failed || ticks.failed;
    text_free(&ticks);
}

static void set_best(struct plot *p, size_t row, bool time, const struct axis_values *x,
                     const struct axis_values *y)
{
    const struct frame *f = &p->results.frame;
    const double workers = frame_number(f, row, plot_column(p, "workers"));
    const double memory = frame_number(f, row, p->by.memory_mib);
    struct text words = {0};
    text_printf(&words, "%s: %g worker%s of %g MiB, ", time ? "fastest" : "cheapest", workers,
                workers == 1 ? "" : "s", memory);
    text_time(&words, frame_number(f, row, plot_column(p, "time_s")));
    text_puts(&words, ", ");
    text_dollars(&words, frame_number(f, row, plot_column(p, "cost_usd")));
    text_puts(&words, " USD");
    plot_set_number(p, "best_x", (double)cell_of(x, workers));
    plot_set_number(p, "best_y", (double)cell_of(y, memory));
    plot_set_text(p, "best", words.data != NULL ? words.data : "", 0);
    text_free(&words);
}

/* The smallest value of each cell that has one; gives the row of the smallest of all. */
static enum status write_cells(struct plot *p, const struct series *s, int column,
                               const struct axis_values *x, const struct axis_values *y,
                               size_t *best, struct error *err)
{
    const struct frame *f = &p->results.frame;
    const int workers = plot_column(p, "workers");
    size_t *rows = calloc(x->cells * y->cells, sizeof *rows); /* + 1; 0 = empty */
    if (rows == NULL) {
        return RAISE(err, ERR_MEMORY, "out of memory for cells");
    }
    *best = s->rows[0];
    for (size_t i = 0; i < s->n_rows; i++) {
        const size_t row = s->rows[i];
        const size_t cx = cell_of(x, frame_number(f, row, workers));
        const size_t cy = cell_of(y, frame_number(f, row, p->by.memory_mib));
        size_t *cell = &rows[cy * x->cells + cx];
        const double value = frame_number(f, row, column);
        if (*cell == 0 || value < frame_number(f, *cell - 1, column)) {
            *cell = row + 1;
        }
        *best = value < frame_number(f, *best, column) ? row : *best;
    }
    text_puts(&p->picture.data, "x,y,workers,memory_mib,value\n");
    for (size_t i = 0; i < x->cells * y->cells; i++) {
        if (rows[i] > 0) {
            plot_cell(p, (double)(i % x->cells), false);
            plot_cell(p, (double)(i / x->cells), false);
            plot_cell(p, frame_number(f, rows[i] - 1, workers), false);
            plot_cell(p, frame_number(f, rows[i] - 1, p->by.memory_mib), false);
            plot_cell(p, frame_number(f, rows[i] - 1, column), true);
        }
    }
    free(rows);
    return STATUS_OK;
}

/* Rows need a memory too: those without one are not drawn. */
static void drop_without_memory(const struct plot *p, struct series *s)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n_rows; i++) {
        if (isfinite(frame_number(&p->results.frame, s->rows[i], p->by.memory_mib))) {
            s->rows[n++] = s->rows[i];
        } else {
            s->not_finite++;
        }
    }
    s->n_rows = n;
}

static enum status make(struct plot *p, struct error *err)
{
    static const char *const values[] = {"time_s", "cost_usd", NULL};
    const struct frame *f = &p->results.frame;
    const int workers = plot_column(p, "workers");
    const char *value = NULL;
    struct series s = {0};
    struct axis_values x = {0};
    struct axis_values y = {0};
    size_t best = 0;
    if (plot_choice(p, "value", values, &value, err) != STATUS_OK ||
        frame_need(f, workers, "every cell needs", err) != STATUS_OK ||
        frame_need(f, p->by.memory_mib, "every cell needs", err) != STATUS_OK ||
        frame_need(f, plot_column(p, value), "this picture shows", err) != STATUS_OK ||
        series_build(f, &p->by, workers, plot_column(p, value), 0, &s, err) != STATUS_OK) {
        return err->code;
    }
    drop_without_memory(p, &s);
    if (s.n_rows == 0) {
        RAISE(err, ERR_INPUT, "no row has a memory: machines without one have no heat map");
    } else if (collect(f, &s, workers, &x, err) == STATUS_OK &&
               collect(f, &s, p->by.memory_mib, &y, err) == STATUS_OK &&
               write_cells(p, &s, plot_column(p, value), &x, &y, &best, err) == STATUS_OK) {
        const bool time = strcmp(value, "time_s") == 0;
        set_ticks(p, "x_ticks", &x, LABELS_X);
        set_ticks(p, "y_ticks", &y, LABELS_Y);
        plot_set_number(p, "x_cells", (double)x.cells);
        plot_set_number(p, "y_cells", (double)y.cells);
        plot_set_text(p, "value", time ? "time" : "cost", 0);
        set_best(p, best, time, &x, &y);
        s.folded = x.count * y.count < s.n_rows || x.cells < x.count || y.cells < y.count;
        text_series_note(&p->note, &s, time ? "fastest" : "cheapest");
        plot_set_frame(p, time ? "Time" : "Dollars", &s);
    }
    free(x.values);
    free(y.values);
    series_free(&s);
    return err->code;
}

const struct plot_kind plot_heatmap = {
    .name = "heatmap",
    .wants = wants,
    .make = make,
};
