/* training: accuracy against iterations, from the curves of `train`. roofline: the meta-learning
 * kernel against one core, from the table of bench_kernel (Williams, Waterman and Patterson 2009).
 */
#include "cli/plain_text.h"
#include "cli/plot.h"

#include <math.h>
#include <string.h>

enum { POINTS_MAX = 300 };

/* ---------------------------------------------------------------- training */

struct curves {
    struct frame frame;
    int iteration, train, validation;
};

static void write_point(struct plot *p, size_t series, double iteration, double train,
                        double validation)
{
    plot_cell(p, (double)series, false);
    plot_cell(p, iteration, false);
    plot_cell(p, train, false);
    plot_cell(p, validation, true);
}

/* Rows from..to of one curve: training accuracy as means of equally many iterations, since single
 * ones jump by whole tasks; then validation as it was measured. */
static void write_curve(struct plot *p, const struct curves *c, size_t series, size_t from,
                        size_t to)
{
    const struct frame *f = &c->frame;
    const size_t bin = (to - from + POINTS_MAX - 1) / POINTS_MAX;
    for (size_t i = from; i < to; i += bin) {
        const size_t end = i + bin < to ? i + bin : to;
        double sum = 0;
        size_t n = 0;
        for (size_t k = i; k < end; k++) {
            const double train = frame_number(f, k, c->train);
            sum += isfinite(train) ? train : 0;
            n += isfinite(train) ? 1 : 0;
        }
        if (n > 0) {
            write_point(p, series, frame_number(f, end - 1, c->iteration), sum / (double)n, NAN);
        }
    }
    for (size_t i = from; i < to; i++) {
        const double validation = frame_number(f, i, c->validation);
        if (isfinite(validation)) {
            write_point(p, series, frame_number(f, i, c->iteration), NAN, validation);
        }
    }
}

static enum status make_training(struct plot *p, struct error *err)
{
    struct curves c = {0};
    size_t from = 0;
    c.iteration = frame_want(&c.frame, "iteration", false);
    c.train = frame_want(&c.frame, "train_accuracy", false);
    c.validation = frame_want(&c.frame, "validation_accuracy", false);
    text_puts(&p->picture.data, "series,iteration,train_accuracy,validation_accuracy\n");
    if (p->n_sources > SERIES_LIMIT) {
        return RAISE(err, ERR_USAGE, "plot training draws at most %d curves", SERIES_LIMIT);
    }
    for (int i = 0; i < p->n_sources && err->code == STATUS_OK; i++) {
        if (frame_read_csv(&c.frame, p->sources[i], err) == STATUS_OK) {
            write_curve(p, &c, (size_t)i + 1, from, c.frame.n_rows);
            from = c.frame.n_rows;
        }
    }
    if (err->code == STATUS_OK &&
        frame_need(&c.frame, c.iteration, "a curve of train has", err) == STATUS_OK &&
        frame_need(&c.frame, c.train, "a curve of train has", err) == STATUS_OK) {
        const size_t rows = c.frame.n_rows;
        const double last = rows > 0 ? frame_number(&c.frame, rows - 1, c.validation) : (double)NAN;
        const size_t head = strlen("series,iteration,train_accuracy,validation_accuracy\n");
        if (p->picture.data.size == head) {
            RAISE(err, ERR_INPUT, "no row with an accuracy in %s", c.frame.path);
        } else {
            text_puts(&p->note, "Signs: validation classes, never trained on. Thin lines: training "
                                "episodes, averaged. ");
            if (p->n_sources == 1 && isfinite(last)) {
                text_printf(&p->note, "Validation at the end: %.3f. ", last);
            }
            plot_set_files(p);
            plot_set_frame(p, "Accuracy while training", NULL);
        }
    }
    frame_free(&c.frame);
    return err->code;
}

/* ---------------------------------------------------------------- roofline */

static enum status write_roofline(struct plot *p, const struct frame *f, const int *at,
                                  struct error *err)
{
    const char *names[SERIES_LIMIT];
    size_t series = 0;
    size_t n = 0;
    double least = INFINITY;
    text_puts(&p->picture.data, "series,flop_per_byte,gflop_per_s\n");
    for (size_t i = 0; i < f->n_rows; i++) {
        const double x = frame_number(f, i, at[1]);
        const double y = frame_number(f, i, at[2]);
        const char *name = frame_text(f, i, at[0]);
        size_t k = 0;
        while (k < series && strcmp(names[k], name) != 0) {
            k++;
        }
        if (!(x > 0) || !(y > 0) || !isfinite(x) || !isfinite(y) || k == SERIES_LIMIT) {
            continue;
        }
        names[k] = name;
        series = k == series ? series + 1 : series;
        plot_cell(p, (double)k + 1, false);
        plot_cell(p, x, false);
        plot_cell(p, y, true);
        least = fmin(least, y / frame_number(f, i, at[3]));
        n++;
    }
    if (n == 0) {
        return RAISE(err, ERR_INPUT, "no row with FLOP per byte and GFLOP/s in %s", f->path);
    }
    plot_set_number(p, "series", (double)series);
    text_printf(&p->picture.header, "array name[%zu]\n", series);
    for (size_t k = 0; k < series; k++) {
        char name[32];
        snprintf(name, sizeof name, "name[%zu]", k + 1);
        plot_set_text(p, name, names[k], 28);
    }
    text_printf(&p->note,
                "%zu configurations; the least reaches %.0f %% of the peak measured beside it. ", n,
                100 * least);
    return STATUS_OK;
}

static enum status make_roofline(struct plot *p, struct error *err)
{
    struct frame f = {0};
    const int at[] = {frame_want(&f, "algorithm", true), frame_want(&f, "flop_per_byte", false),
                      frame_want(&f, "gflop_per_s", false),
                      frame_want(&f, "peak_gflop_per_s", false),
                      frame_want(&f, "dram_gb_per_s", false)};
    for (int i = 0; i < p->n_sources && err->code == STATUS_OK; i++) {
        frame_read_csv(&f, p->sources[i], err);
    }
    for (size_t i = 0; i < sizeof at / sizeof at[0] && err->code == STATUS_OK; i++) {
        frame_need(&f, at[i], "a table of bench_kernel has", err);
    }
    if (err->code == STATUS_OK && write_roofline(p, &f, at, err) == STATUS_OK) {
        /* The peak is measured anew beside each configuration; the highest is what the core can do.
         */
        double peak = 0;
        for (size_t i = 0; i < f.n_rows; i++) {
            peak = fmax(peak, frame_number(&f, i, at[3]));
        }
        plot_set_number(p, "peak", peak);
        plot_set_number(p, "bandwidth", frame_number(&f, 0, at[4]));
        text_puts(&p->subtitle,
                  "one thread of this machine; roof: multiply-add peak, memory bandwidth");
        plot_set_frame(p, "The meta-learning kernel against one core", NULL);
    }
    frame_free(&f);
    return err->code;
}

const struct plot_kind plot_training = {
    .name = "training",
    .make = make_training,
    .own_input = true,
};
const struct plot_kind plot_roofline = {
    .name = "roofline",
    .make = make_roofline,
    .own_input = true,
};
