/* tornado: which uncertain inputs move the answer, the widest first. Reads the table of
 * `sensitivity` (CSV: input, low, high, time_low_s, time_high_s, time_s and the same of dollars).
 */
#include "cli/plot.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BARS_MAX = 14 };

struct bar {
    double low, high, base; /* of the answer */
    double input_low, input_high;
    size_t row;
};

static int widest_first(const void *left, const void *right)
{
    const struct bar *a = left;
    const struct bar *b = right;
    const double wide_a = fabs(a->high - a->low);
    const double wide_b = fabs(b->high - b->low);
    return wide_a != wide_b ? (wide_a > wide_b ? -1 : 1) : (a->row > b->row) - (a->row < b->row);
}

static void write_bars(struct plot *p, const struct frame *f, int input, const struct bar *bars,
                       size_t n)
{
    text_puts(&p->picture.data, "bar,low,high,base\n");
    plot_set_number(p, "bars", (double)n);
    text_printf(&p->picture.header, "array name[%zu]\n", n);
    for (size_t i = 0; i < n; i++) {
        struct text words = {0};
        char name[64];
        text_puts(&words, frame_text(f, bars[i].row, input));
        if (isfinite(bars[i].input_low) && isfinite(bars[i].input_high)) {
            text_printf(&words, " %.3g to %.3g", bars[i].input_low, bars[i].input_high);
        }
        snprintf(name, sizeof name, "name[%zu]", i + 1);
        plot_set_text(p, name, words.data != NULL ? words.data : "", 44);
        text_free(&words);
        plot_cell(p, (double)i + 1, false);
        plot_cell(p, bars[i].low, false);
        plot_cell(p, bars[i].high, false);
        plot_cell(p, bars[i].base, true);
    }
}

static enum status draw(struct plot *p, const struct frame *f, const int *at, bool time,
                        struct error *err)
{
    struct bar *bars = calloc(f->n_rows + 1, sizeof *bars);
    size_t n = 0;
    size_t still = 0;
    if (bars == NULL) {
        return RAISE(err, ERR_MEMORY, "out of memory for %zu inputs", f->n_rows);
    }
    for (size_t i = 0; i < f->n_rows; i++) {
        struct bar bar = {.row = i};
        double *const cells[] = {&bar.input_low, &bar.input_high, &bar.low, &bar.high, &bar.base};
        for (size_t k = 0; k < 5; k++) {
            *cells[k] = frame_number(f, i, at[k + 1]);
        }
        if (isfinite(bar.low) && isfinite(bar.high) && isfinite(bar.base)) {
            still += bar.low == bar.base && bar.high == bar.base;
            bars[n++] = bar;
        }
    }
    if (n == 0) {
        RAISE(err, ERR_INPUT, "no input with finite answers in %s", f->path);
    } else {
        qsort(bars, n, sizeof *bars, widest_first);
        const size_t moving = n > still ? n - still : n;
        const size_t shown = moving < BARS_MAX ? moving : BARS_MAX;
        write_bars(p, f, at[0], bars, shown);
        if (shown < moving) {
            text_printf(&p->note, "The widest %zu of %zu inputs. ", shown, moving);
        }
        if (still > 0 && still < n) {
            text_printf(&p->note, "%zu input%s nothing. ", still,
                        still > 1 ? "s change" : " changes");
        }
        plot_set_text(p, "quantity", time ? "time" : "cost", 0);
        plot_set_frame(p, time ? "What moves the time" : "What moves the dollars", NULL);
    }
    free(bars);
    return err->code;
}

static enum status make(struct plot *p, struct error *err)
{
    static const char *const values[] = {"time_s", "cost_usd", NULL};
    static const char *const names[2][3] = {{"time_low_s", "time_high_s", "time_s"},
                                            {"cost_low_usd", "cost_high_usd", "cost_usd"}};
    const char *value = NULL;
    struct frame f = {0};
    if (plot_choice(p, "value", values, &value, err) != STATUS_OK) {
        return err->code;
    }
    const bool time = strcmp(value, "time_s") == 0;
    const char *const *answer = names[time ? 0 : 1];
    const int at[] = {frame_want(&f, "input", true),    frame_want(&f, "low", false),
                      frame_want(&f, "high", false),    frame_want(&f, answer[0], false),
                      frame_want(&f, answer[1], false), frame_want(&f, answer[2], false)};
    for (int i = 0; i < p->n_sources && err->code == STATUS_OK; i++) {
        frame_read_csv(&f, p->sources[i], err);
    }
    for (size_t i = 0; i < 6 && err->code == STATUS_OK; i++) {
        if (i == 0 || i > 2) {
            frame_need(&f, at[i], "a table of sensitivity has", err);
        }
    }
    if (err->code == STATUS_OK) {
        draw(p, &f, at, time, err);
    }
    frame_free(&f);
    return err->code;
}

const struct plot_kind plot_tornado = {
    .name = "tornado",
    .make = make,
    .own_input = true,
};
