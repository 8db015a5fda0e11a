/* cdf: how times or dollars are spread. Rows with one and the same `point` (simulate --runs) are
 * repeated runs of one configuration; rows of a simulation give three percentiles each; otherwise
 * the spread is over configurations. */
#include "cli/plot.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS_MAX = 400 };

static const char *const wants[] = {"workers",    "point",      "time_s",     "cost_usd",
                                    "time_p50_s", "time_p90_s", "time_p99_s", NULL};

static int increasing(const void *left, const void *right)
{
    const double a = *(const double *)left;
    const double b = *(const double *)right;
    return (a > b) - (a < b);
}

/* Does some number of `point` come twice in one series? */
static enum status repeated(const struct plot *p, const struct series *s, bool *out,
                            struct error *err)
{
    const int point = plot_column(p, "point");
    struct pair_map seen = {0};
    *out = false;
    for (size_t i = 0; i < s->n_rows && !*out; i++) {
        const double value = frame_number(&p->results.frame, s->rows[i], point);
        const size_t before = seen.count;
        uint64_t bits = 0;
        memcpy(&bits, &value, sizeof bits);
        if (isnan(value)) {
            continue;
        }
        if (pair_map_index(&seen, bits, s->of[i]) == UINT32_MAX) {
            RAISE(err, ERR_MEMORY, "out of memory for %zu rows", s->n_rows);
            break;
        }
        *out = seen.count == before;
    }
    pair_map_free(&seen);
    return err->code;
}

/* Steps of the empirical distribution of each series, thinned to a few hundred. */
static enum status write_steps(struct plot *p, const struct series *s, int column,
                               struct error *err)
{
    double *values = calloc(s->n_rows, sizeof *values);
    if (values == NULL) {
        return RAISE(err, ERR_MEMORY, "out of memory for %zu rows", s->n_rows);
    }
    for (size_t i = 0; i < s->n_rows;) {
        size_t n = 0;
        const uint32_t of = s->of[i];
        for (; i < s->n_rows && s->of[i] == of; i++) {
            values[n++] = frame_number(&p->results.frame, s->rows[i], column);
        }
        qsort(values, n, sizeof *values, increasing);
        const size_t steps = n < STEPS_MAX ? n : STEPS_MAX;
        plot_cell(p, of + 1.0, false);
        plot_cell(p, values[0], false);
        plot_cell(p, 0, true);
        for (size_t k = 1; k <= steps; k++) {
            const size_t rank = k * n / steps;
            plot_cell(p, of + 1.0, false);
            plot_cell(p, values[rank - 1], false);
            plot_cell(p, (double)rank / (double)n, true);
        }
    }
    free(values);
    return STATUS_OK;
}

static void write_percentiles(struct plot *p, const struct series *s)
{
    static const char *const names[] = {"time_p50_s", "time_p90_s", "time_p99_s"};
    static const double shares[] = {0.5, 0.9, 0.99};
    for (size_t i = 0; i < s->n_rows; i++) {
        for (size_t k = 0; k < 3; k++) {
            const double value =
                frame_number(&p->results.frame, s->rows[i], plot_column(p, names[k]));
            plot_cell(p, s->of[i] + 1.0, false);
            plot_cell(p, value, false);
            plot_cell(p, shares[k], true);
        }
    }
}

static enum status build(struct plot *p, int column, bool time, struct series *s, bool *percentiles,
                         const char **of, struct error *err)
{
    const struct frame *f = &p->results.frame;
    const int p99 = plot_column(p, "time_p99_s");
    const unsigned apart = SERIES_BY_WORKERS | SERIES_BY_MEMORY;
    bool runs = false;
    *percentiles = false;
    *of = "runs";
    if (series_build(f, &p->by, -1, column, apart, s, err) != STATUS_OK ||
        repeated(p, s, &runs, err) != STATUS_OK || runs) {
        return err->code;
    }
    for (size_t i = 0; i < s->n_rows && time; i++) {
        *percentiles = *percentiles || isfinite(frame_number(f, s->rows[i], p99));
    }
    series_free(s);
    if (*percentiles) {
        return series_build(f, &p->by, plot_column(p, "workers"), p99, apart | SERIES_FOLD, s, err);
    }
    *of = "configurations";
    return series_build(f, &p->by, -1, column, SERIES_BY_MEMORY, s, err);
}

static enum status make(struct plot *p, struct error *err)
{
    static const char *const values[] = {"time_s", "cost_usd", NULL};
    const struct frame *f = &p->results.frame;
    const char *value = NULL;
    const char *of = NULL;
    bool percentiles = false;
    struct series s = {0};
    if (plot_choice(p, "value", values, &value, err) != STATUS_OK ||
        frame_need(f, plot_column(p, value), "this picture shows", err) != STATUS_OK) {
        return err->code;
    }
    const bool time = strcmp(value, "time_s") == 0;
    if (build(p, plot_column(p, value), time, &s, &percentiles, &of, err) != STATUS_OK) {
        return err->code;
    }
    text_puts(&p->picture.data, "series,value,share\n");
    if (percentiles) {
        write_percentiles(p, &s);
        text_puts(&p->note, "50th, 90th and 99th percentile of the simulated runs. ");
    } else {
        write_steps(p, &s, plot_column(p, value), err);
    }
    if (err->code == STATUS_OK) {
        const struct constraints *c = &p->results.constraints;
        const double limit = time ? c->deadline_s : c->budget_usd;
        plot_set_text(p, "quantity", time ? "time" : "cost", 0);
        plot_set_text(p, "of", of, 0);
        plot_set_number(p, "limit", limit > 0 ? limit : (double)NAN);
        plot_set_number(p, "points", percentiles);
        text_series_note(&p->note, &s, "fastest");
        plot_set_names(p, &s);
        plot_set_frame(p, time ? "Spread of time" : "Spread of dollars", &s);
    }
    series_free(&s);
    return err->code;
}

const struct plot_kind plot_cdf = {
    .name = "cdf",
    .wants = wants,
    .make = make,
};
