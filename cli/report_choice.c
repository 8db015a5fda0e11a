/* Which configuration is recommended, and how it is called. */
#include "cli/report.h"

#include <math.h>
#include <string.h>

double report_number(const struct report *r, size_t row, const char *column)
{
    return frame_number(&r->plot.results.frame, row, plot_column(&r->plot, column));
}

const char *report_text(const struct report *r, size_t row, const char *column)
{
    const struct frame *f = &r->plot.results.frame;
    return row < f->n_rows ? frame_text(f, row, plot_column(&r->plot, column)) : "";
}

/* What may tell configurations apart besides workers and memory. */
static const char *const names[REPORT_TEXTS] = {"system",    "variant", "platform", "store",
                                                "algorithm", "dataset", "reading",  "engine"};

/* Do the rows differ in this column? */
static bool varies(const struct report *r, int column)
{
    const struct frame *f = &r->plot.results.frame;
    for (size_t i = 1; i < f->n_rows; i++) {
        const double a = frame_number(f, i, column);
        const double b = frame_number(f, 0, column);
        if (a != b && !(isnan(a) && isnan(b))) {
            return true;
        }
    }
    return false;
}

static bool better(double value, double than)
{
    return value < than || isnan(than);
}

void report_choose(struct report *r)
{
    const struct frame *f = &r->plot.results.frame;
    const bool status = f->columns[plot_column(&r->plot, "status")].present;
    const struct constraints *c = &r->limits;
    double best[4] = {NAN, NAN, NAN, NAN}; /* time, dollars, dollars within the limits, product */
    ptrdiff_t meeting = -1;
    ptrdiff_t balanced = -1;
    r->choice = (struct choice){-1, -1, -1, 0, 0, c->deadline_s > 0 || c->budget_usd > 0};
    for (size_t i = 0; i < f->n_rows; i++) {
        const double time_s = report_number(r, i, "time_s");
        const double cost_usd = report_number(r, i, "cost_usd");
        if ((status && strcmp(report_text(r, i, "status"), "ok") != 0) || !isfinite(time_s) ||
            !isfinite(cost_usd)) {
            continue;
        }
        r->choice.feasible++;
        if (better(time_s, best[0])) {
            best[0] = time_s;
            r->choice.fastest = (ptrdiff_t)i;
        }
        if (better(cost_usd, best[1])) {
            best[1] = cost_usd;
            r->choice.cheapest = (ptrdiff_t)i;
        }
        if (better(time_s * cost_usd, best[3])) {
            best[3] = time_s * cost_usd;
            balanced = (ptrdiff_t)i;
        }
        if ((c->deadline_s > 0 && time_s > c->deadline_s) ||
            (c->budget_usd > 0 && cost_usd > c->budget_usd)) {
            continue;
        }
        r->choice.meeting++;
        if (better(cost_usd, best[2])) {
            best[2] = cost_usd;
            meeting = (ptrdiff_t)i;
        }
    }
    for (size_t i = 0; i < REPORT_TEXTS; i++) {
        r->varies[i] = varies(r, plot_column(&r->plot, names[i]));
    }
    r->choice.recommended = r->choice.limited && meeting >= 0 ? meeting : balanced;
}

void text_configuration(struct text *out, const struct report *r, size_t row)
{
    const double workers = report_number(r, row, "workers");
    const double memory = report_number(r, row, "memory_mib");
    if (isfinite(workers)) {
        text_printf(out, "%g worker%s", workers, workers == 1 ? "" : "s");
    }
    if (isfinite(memory)) {
        text_printf(out, "%s%g MiB", isfinite(workers) ? " of " : "", memory);
    }
    for (size_t i = 0; i < REPORT_TEXTS; i++) {
        const char *words = report_text(r, row, names[i]);
        if (words[0] != '\0' && r->varies[i]) {
            text_printf(out, "%s%s", out->size > 0 ? ", " : "", words);
        }
    }
    const struct scenario *s = r->scenario;
    for (size_t i = 0; s != NULL && i < s->n_axes; i++) {
        const struct axis *axis = &s->axes[i];
        const char *slash = strrchr(axis->pointer, '/');
        const int column = plot_column(&r->plot, slash + 1);
        const double point = report_number(r, row, "point");
        if (column < 0 && isfinite(point) && point >= 0 && point < (double)s->points &&
            strcmp(axis->pointer, "/system") != 0 && strcmp(axis->pointer, "/platform") != 0 &&
            strcmp(slash, "/use") != 0 && strcmp(axis->pointer, "/system/name") != 0) {
            text_printf(out, "%s%s ", out->size > 0 ? ", " : "", slash + 1);
            text_axis_value(out, axis, axis_index(s, axis, (uint64_t)point));
        }
    }
    if (out->size == 0) {
        text_puts(out, "the only configuration");
    }
}
