/* validation: predicted against measured, with lines at 10 % and 20 %. Reads the table of `score`
 * (CSV: label, measured, predicted, low, high); several files are drawn as several series. */
#include "cli/plain_text.h"
#include "cli/plot.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct grades {
    struct frame frame;
    int label, measured, predicted, low, high;
    size_t ends[SERIES_LIMIT]; /* first row after each file */
    size_t files;
};

static bool usable(const struct grades *g, size_t row)
{
    const double measured = frame_number(&g->frame, row, g->measured);
    const double predicted = frame_number(&g->frame, row, g->predicted);
    return measured > 0 && predicted > 0 && isfinite(measured) && isfinite(predicted);
}

static int increasing(const void *left, const void *right)
{
    const double a = *(const double *)left;
    const double b = *(const double *)right;
    return (a > b) - (a < b);
}

/* Two digits, all of those before the point: 0.43, 4.3, 43, 430. */
static const char *per_cent(char out[24], double share)
{
    const double x = 100 * share;
    snprintf(out, 24, "%.*f", x < 0.995 ? 2 : x < 9.95 ? 1 : 0, fmin(x, 1e15));
    return out;
}

static enum status write_points(struct plot *p, const struct grades *g, struct error *err)
{
    const struct frame *f = &g->frame;
    double *errors = calloc(f->n_rows + 1, sizeof *errors);
    size_t n = 0;
    size_t within = 0;
    size_t series = 0;
    size_t worst = 0;
    bool bars = false;
    double sum = 0;
    double largest = 0;
    char mean[24];
    char median[24];
    char most[24];
    if (errors == NULL) {
        return RAISE(err, ERR_MEMORY, "out of memory for %zu rows", f->n_rows);
    }
    text_puts(&p->picture.data, "series,measured,predicted,low,high\n");
    for (size_t i = 0; i < f->n_rows; i++) {
        if (usable(g, i)) {
            const double error =
                frame_number(f, i, g->predicted) / frame_number(f, i, g->measured) - 1;
            if (n == 0 || fabs(error) > largest) {
                largest = fabs(error);
                worst = i;
            }
            errors[n++] = fabs(error);
            sum += fabs(error);
            within += fabs(error) <= 0.1;
            bars = bars || isfinite(frame_number(f, i, g->low));
        }
    }
    for (size_t i = 0; i < f->n_rows; i++) {
        while (i >= g->ends[series] && series + 1 < g->files) {
            series++;
        }
        if (usable(g, i)) {
            plot_cell(p, (double)series + 1, false);
            plot_cell(p, frame_number(f, i, g->measured), false);
            plot_cell(p, frame_number(f, i, g->predicted), false);
            plot_cell(p, frame_number(f, i, g->low), false);
            plot_cell(p, frame_number(f, i, g->high), true);
        }
    }
    if (n == 0) {
        RAISE(err, ERR_INPUT, "no row with a measured and a predicted value above zero in %s",
              f->path);
    } else {
        qsort(errors, n, sizeof *errors, increasing);
        text_printf(&p->note, "%zu rows: mean error %s %%, median %s %%, largest %s %%", n,
                    per_cent(mean, sum / (double)n),
                    per_cent(median, 0.5 * (errors[(n - 1) / 2] + errors[n / 2])),
                    per_cent(most, largest));
        if (frame_text(f, worst, g->label)[0] != '\0') {
            text_puts(&p->note, " (");
            text_plain(&p->note, frame_text(f, worst, g->label), 40);
            text_puts(&p->note, ")");
        }
        text_printf(&p->note, "; %zu within 10 %%. ", within);
        if (bars) {
            text_puts(&p->note, "Bars: interval of the prediction. ");
        }
        if (n < f->n_rows) {
            text_printf(&p->note, "%zu rows without both values left out. ", f->n_rows - n);
        }
    }
    free(errors);
    return err->code;
}

static enum status make(struct plot *p, struct error *err)
{
    struct grades g = {0};
    const char *unit = cli_option(p->cli, "unit");
    g.label = frame_want(&g.frame, "label", true);
    g.measured = frame_want(&g.frame, "measured", false);
    g.predicted = frame_want(&g.frame, "predicted", false);
    g.low = frame_want(&g.frame, "low", false);
    g.high = frame_want(&g.frame, "high", false);
    if (p->n_sources > SERIES_LIMIT) {
        return RAISE(err, ERR_USAGE, "plot validation draws at most %d tables", SERIES_LIMIT);
    }
    for (int i = 0; i < p->n_sources && err->code == STATUS_OK; i++) {
        const char *const path = p->sources[i];
        if (text_ends(path, ".json")) {
            RAISE(err, ERR_INPUT,
                  "%s: validation is drawn from the rows of score: faascast score %s --format csv "
                  "-o rows.csv, then faascast plot validation rows.csv",
                  path, path);
            break;
        }
        frame_read_csv(&g.frame, path, err);
        g.ends[g.files++] = g.frame.n_rows;
    }
    if (err->code == STATUS_OK &&
        frame_need(&g.frame, g.measured, "a table of score has", err) == STATUS_OK &&
        frame_need(&g.frame, g.predicted, "a table of score has", err) == STATUS_OK &&
        write_points(p, &g, err) == STATUS_OK) {
        plot_set_files(p);
        plot_set_text(p, "unit", unit != NULL ? unit : "unit of the table", 24);
        text_puts(&p->subtitle, "on the line: equal; above it: more was predicted than measured");
        plot_set_frame(p, "Predicted against measured", NULL);
    }
    frame_free(&g.frame);
    return err->code;
}

const struct plot_kind plot_validation = {
    .name = "validation",
    .make = make,
    .own_input = true,
};
