/* speedup, time, cost: one line per series against the number of workers, with the simulated
 * interval as a band and published points where the papers give them. */
#include "cli/plot.h"
#include "cli/published.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What is drawn for one row: a value and its interval (NaN: none). */
struct value {
    double y, lo, hi;
};

static const char *const speedup_wants[] = {"workers",   "time_s",    "speedup", "baseline_time_s",
                                            "time_lo_s", "time_hi_s", "bound",   NULL};
static const char *const time_wants[] = {
    "workers",     "time_s",       "time_lo_s",  "time_hi_s", "baseline_time_s",
    "iteration_s", "startup_s",    "load_s",     "compute_s", "exchange_s",
    "wait_s",      "checkpoint_s", "iterations", "bound",     NULL};
static const char *const cost_wants[] = {"workers", "cost_usd", "cost_lo_usd", "cost_hi_usd", NULL};

static void write_lines(struct plot *p, const struct series *s, const char *name,
                        const struct value *values, struct published *points)
{
    const int workers = plot_column(p, "workers");
    bool bands = false;
    text_printf(&p->picture.data, "series,published,workers,%s,%s_lo,%s_hi\n", name, name, name);
    for (size_t i = 0; i < s->n_rows; i++) {
        plot_cell(p, (double)s->of[i] + 1, false);
        plot_cell(p, 0, false);
        plot_cell(p, frame_number(&p->results.frame, s->rows[i], workers), false);
        plot_cell(p, values[i].y, false);
        plot_cell(p, values[i].lo, false);
        plot_cell(p, values[i].hi, true);
        bands = bands || (isfinite(values[i].lo) && isfinite(values[i].hi));
    }
    for (size_t i = 0; i < points->count; i++) {
        plot_cell(p, points->points[i].series + 1.0, false);
        plot_cell(p, 1, false);
        plot_cell(p, points->points[i].x, false);
        plot_cell(p, points->points[i].y, false);
        plot_cell(p, NAN, false);
        plot_cell(p, NAN, true);
    }
    plot_set_number(p, "bands", bands);
    plot_set_number(p, "published", points->count > 0);
    if (bands) {
        text_puts(
            &p->note,
            "Bands: interval of the simulated mean (95 % unless the scenario says otherwise). ");
    }
    if (points->count > 0) {
        text_printf(&p->note, "Published: %s. ", points->source.data);
    }
}

static void note_bounds(struct plot *p, const struct series *s)
{
    const int bound = plot_column(p, "bound");
    size_t n = 0;
    for (size_t i = 0; i < s->n_rows; i++) {
        n += frame_number(&p->results.frame, s->rows[i], bound) > 0;
    }
    if (n > 0) {
        text_printf(&p->note, "%zu of the %zu predicted times are upper bounds. ", n, s->n_rows);
    }
}

/* The published point that is farthest, as a ratio, from what is drawn at its place. */
static void tell_miss(struct plot *p, const struct series *s, const struct value *values,
                      const struct published *points)
{
    const int workers = plot_column(p, "workers");
    double worst = 0;
    for (size_t k = 0; k < points->count; k++) {
        for (size_t i = 0; i < s->n_rows; i++) {
            const double x = frame_number(&p->results.frame, s->rows[i], workers);
            const double ours = values[i].y;
            const double theirs = points->points[k].y;
            if (s->of[i] == points->points[k].series && x == points->points[k].x && ours > 0 &&
                theirs > 0 && fabs(log(ours / theirs)) > worst) {
                worst = fabs(log(ours / theirs));
                text_free(&p->miss);
                text_printf(&p->miss, "speed-up with %g workers: %.3g here, %.3g published (%s)", x,
                            ours, theirs, points->source.data);
            }
        }
    }
}

/* What a picture of lines shows. */
struct form {
    const char *column; /* of the results */
    const char *best;   /* the smallest of this column stands for a point */
    const char *name;   /* in the picture's table */
    const char *what;   /* title */
    bool per_round;     /* divided by the iterations */
    bool own_base;      /* speed-up over the series' own first point */
    void (*fill)(const struct plot *p, const struct form *form, const struct series *s, size_t i,
                 struct value *out);
};

static enum status make_lines(struct plot *p, const struct form *form, struct error *err)
{
    struct series s = {0};
    struct published points = {0};
    const int workers = plot_column(p, "workers");
    const int column = plot_column(p, form->best);
    if (frame_need(&p->results.frame, workers, "every point needs", err) != STATUS_OK ||
        frame_need(&p->results.frame, column, "this picture shows", err) != STATUS_OK ||
        series_build(&p->results.frame, &p->by, workers, column, SERIES_FOLD | SERIES_BY_MEMORY, &s,
                     err) != STATUS_OK) {
        return err->code;
    }
    struct value *values = calloc(s.n_rows, sizeof *values);
    if (values == NULL) {
        RAISE(err, ERR_MEMORY, "out of memory for %zu points", s.n_rows);
    } else if (published_find(p, &s, p->kind->name, form->column, &points, err) == STATUS_OK) {
        for (size_t i = 0; i < s.n_rows; i++) {
            values[i] = (struct value){NAN, NAN, NAN};
            form->fill(p, form, &s, i, &values[i]);
        }
        write_lines(p, &s, form->name, values, &points);
        if (p->kind == &plot_speedup) {
            tell_miss(p, &s, values, &points);
        }
        if (plot_column(p, "bound") >= 0) {
            note_bounds(p, &s);
        }
        text_series_note(&p->note, &s, p->kind == &plot_cost ? "cheapest" : "fastest");
        plot_set_names(p, &s);
        plot_set_frame(p, form->what, &s);
    }
    free(values);
    published_free(&points);
    series_free(&s);
    return err->code;
}

/* ---------------------------------------------------------------- speed-up */

/* Time that the speed-up of row i is over: the scenario's baseline, or the same series at its
 * smallest number of workers (the first of its rows). */
static double base_time(const struct plot *p, const struct series *s, size_t i, bool own)
{
    const struct frame *f = &p->results.frame;
    if (!own) {
        return frame_number(f, s->rows[i], plot_column(p, "baseline_time_s"));
    }
    while (i > 0 && s->of[i - 1] == s->of[i]) {
        i--;
    }
    return frame_number(f, s->rows[i], plot_column(p, "time_s"));
}

static bool has_baseline(const struct plot *p)
{
    const struct frame *f = &p->results.frame;
    const int speedup = plot_column(p, "speedup");
    for (size_t i = 0; i < f->n_rows; i++) {
        if (isfinite(frame_number(f, i, speedup))) {
            return true;
        }
    }
    return false;
}

static void speedup_value(const struct plot *p, const struct form *form, const struct series *s,
                          size_t i, struct value *out)
{
    const struct frame *f = &p->results.frame;
    const size_t row = s->rows[i];
    const double base_s = base_time(p, s, i, form->own_base);
    out->y = form->own_base ? base_s / frame_number(f, row, plot_column(p, "time_s"))
                            : frame_number(f, row, plot_column(p, "speedup"));
    /* The interval is that of this row's time; the baseline's own is not in the row. */
    out->lo = base_s / frame_number(f, row, plot_column(p, "time_hi_s"));
    out->hi = base_s / frame_number(f, row, plot_column(p, "time_lo_s"));
}

static enum status make_speedup(struct plot *p, struct error *err)
{
    const struct frame *f = &p->results.frame;
    const int workers = plot_column(p, "workers");
    const bool own = !has_baseline(p);
    double least = INFINITY;
    for (size_t i = 0; i < f->n_rows; i++) {
        least = fmin(least, frame_number(f, i, workers));
    }
    if (own && isfinite(least)) {
        char words[64];
        snprintf(words, sizeof words, "its own %g worker%s", least, least > 1 ? "s" : "");
        plot_set_text(p, "baseline", words, 0);
    } else {
        plot_set_text(p, "baseline", "the baseline", 0);
    }
    plot_set_number(p, "ideal_workers", own && isfinite(least) ? least : 1);
    const struct form form = {.column = "speedup",
                              .best = "time_s",
                              .name = "speedup",
                              .what = "Speed-up",
                              .own_base = own,
                              .fill = speedup_value};
    return make_lines(p, &form, err);
}

/* ---------------------------------------------------------------- time */

static const char *const time_columns[] = {"time_s", "iteration_s",  "startup_s",
                                           "load_s", "compute_s",    "exchange_s",
                                           "wait_s", "checkpoint_s", NULL};
static const char *const time_words[] = {"time",    "time of one round", "start-up",
                                         "loading", "computing",         "exchange",
                                         "waiting", "checkpoints"};

static void time_value(const struct plot *p, const struct form *form, const struct series *s,
                       size_t i, struct value *out)
{
    const struct frame *f = &p->results.frame;
    const size_t row = s->rows[i];
    const double rounds = form->per_round ? frame_number(f, row, plot_column(p, "iterations")) : 1;
    out->y = frame_number(f, row, plot_column(p, form->column)) / rounds;
    if (strcmp(form->column, "time_s") == 0) {
        out->lo = frame_number(f, row, plot_column(p, "time_lo_s")) / rounds;
        out->hi = frame_number(f, row, plot_column(p, "time_hi_s")) / rounds;
    }
}

static enum status make_time(struct plot *p, struct error *err)
{
    const struct frame *f = &p->results.frame;
    const char *column = NULL;
    const bool per_round = cli_option(p->cli, "per-round") != NULL;
    if (plot_choice(p, "value", time_columns, &column, err) != STATUS_OK) {
        return err->code;
    }
    size_t k = 0;
    while (strcmp(time_columns[k], column) != 0) {
        k++;
    }
    const int base = plot_column(p, "baseline_time_s");
    double base_s = f->n_rows > 0 ? frame_number(f, 0, base) : (double)NAN;
    for (size_t i = 1; i < f->n_rows; i++) {
        base_s = frame_number(f, i, base) == base_s ? base_s : (double)NAN;
    }
    char what[80];
    snprintf(what, sizeof what, "%s%s", time_words[k], per_round ? " per round" : "");
    plot_set_number(p, "baseline_s", k == 0 && !per_round ? base_s : (double)NAN);
    plot_set_text(p, "what", what, 0);
    what[0] = (char)(what[0] - 'a' + 'A');
    const struct form form = {.column = column,
                              .best = column,
                              .name = "time_s",
                              .what = what,
                              .per_round = per_round,
                              .fill = time_value};
    return make_lines(p, &form, err);
}

/* ---------------------------------------------------------------- dollars */

static void cost_value(const struct plot *p, const struct form *form, const struct series *s,
                       size_t i, struct value *out)
{
    const struct frame *f = &p->results.frame;
    out->y = frame_number(f, s->rows[i], plot_column(p, form->column));
    out->lo = frame_number(f, s->rows[i], plot_column(p, "cost_lo_usd"));
    out->hi = frame_number(f, s->rows[i], plot_column(p, "cost_hi_usd"));
}

static enum status make_cost(struct plot *p, struct error *err)
{
    const struct form form = {.column = "cost_usd",
                              .best = "cost_usd",
                              .name = "cost_usd",
                              .what = "Dollars",
                              .fill = cost_value};
    return make_lines(p, &form, err);
}

const struct plot_kind plot_speedup = {
    .name = "speedup",
    .wants = speedup_wants,
    .make = make_speedup,
};
const struct plot_kind plot_time = {
    .name = "time",
    .wants = time_wants,
    .make = make_time,
};
const struct plot_kind plot_cost = {
    .name = "cost",
    .wants = cost_wants,
    .make = make_cost,
};
