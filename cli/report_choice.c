/* Which configuration is recommended, and how it is called. */
#include "cli/report.h"

#include <math.h>
#include <stdlib.h>
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

/* What both engines say of one configuration has one key; rows without a point are all different.
 */
enum {
    KEY_TEXTS = REPORT_TEXTS,
    KEY_ENGINE = REPORT_TEXTS - 1
}; /* the engine comes last in names */

static uint64_t key_of(const struct report *r, size_t row, const int *texts, int point)
{
    const struct frame *f = &r->plot.results.frame;
    const double number = frame_number(f, row, point);
    uint64_t hash = hash_bytes(HASH_SEED, &number, sizeof number);
    if (isnan(number)) {
        return hash_bytes(hash, &row, sizeof row);
    }
    for (size_t i = 0; i < KEY_TEXTS; i++) {
        if (i != KEY_ENGINE) {
            const char *words = frame_text(f, row, texts[i]);
            hash = hash_bytes(hash, words, strlen(words) + 1);
        }
    }
    return hash;
}

/* Rows that count: what was simulated counts by that alone. Counts configurations. */
static enum status rows_that_count(struct report *r, bool *counts, struct error *err)
{
    const struct frame *f = &r->plot.results.frame;
    const int point = plot_column(&r->plot, "point");
    int texts[KEY_TEXTS];
    struct pair_map keys = {0};
    size_t n_simulated = 0;
    bool room = true;
    for (size_t i = 0; i < KEY_TEXTS; i++) {
        texts[i] = plot_column(&r->plot, names[i]);
    }
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < f->n_rows && room; i++) {
            const bool simulated = strcmp(frame_text(f, i, texts[KEY_ENGINE]), "simulate") == 0;
            if (simulated == (pass == 0)) {
                const uint32_t at = pair_map_index(&keys, key_of(r, i, texts, point), 0);
                counts[i] = simulated || at >= n_simulated;
                room = at != UINT32_MAX;
            }
        }
        n_simulated = keys.count;
    }
    r->choice.configurations = keys.count;
    pair_map_free(&keys);
    return room ? STATUS_OK : RAISE(err, ERR_MEMORY, "out of memory for %zu rows", f->n_rows);
}

static void look_at(struct report *r, size_t row, struct search_pick *pick, double best[2])
{
    const double time_s = report_number(r, row, "time_s");
    const double cost_usd = report_number(r, row, "cost_usd");
    if (better(time_s, best[0])) {
        best[0] = time_s;
        r->choice.fastest = (ptrdiff_t)row;
    }
    if (better(cost_usd, best[1])) {
        best[1] = cost_usd;
        r->choice.cheapest = (ptrdiff_t)row;
    }
    search_pick_add(pick, (ptrdiff_t)row, time_s, cost_usd);
}

enum status report_choose(struct report *r, struct error *err)
{
    const struct frame *f = &r->plot.results.frame;
    const bool status = f->columns[plot_column(&r->plot, "status")].present;
    const struct constraints *c = &r->limits;
    const struct search_objective usual = search_usual(c);
    struct search_pick pick = search_pick_start(&usual, c);
    double best[2] = {NAN, NAN};
    bool *counts = calloc(f->n_rows + 1, sizeof *counts);
    r->choice = (struct choice){.fastest = -1,
                                .cheapest = -1,
                                .limited = c->deadline_s > 0 || c->budget_usd > 0,
                                .goal = usual.goal};
    if (counts == NULL || rows_that_count(r, counts, err) != STATUS_OK) {
        free(counts);
        return RAISE(err, ERR_MEMORY, "out of memory for %zu rows", f->n_rows);
    }
    for (size_t i = 0; i < f->n_rows; i++) {
        if ((status && strcmp(report_text(r, i, "status"), "ok") != 0) ||
            !isfinite(report_number(r, i, "time_s")) ||
            !isfinite(report_number(r, i, "cost_usd"))) {
            continue;
        }
        r->choice.feasible++;
        if (counts[i]) {
            look_at(r, i, &pick, best);
        }
    }
    free(counts);
    for (size_t i = 0; i < REPORT_TEXTS; i++) {
        r->varies[i] = varies(r, plot_column(&r->plot, names[i]));
    }
    r->choice.met = pick.best >= 0;
    r->choice.recommended = pick.best >= 0 ? pick.best : pick.nearest;
    return STATUS_OK;
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
            const char *told = i != KEY_ENGINE                  ? words
                               : strcmp(words, "simulate") == 0 ? "simulated"
                                                                : "closed form";
            text_printf(out, "%s%s", out->size > 0 ? ", " : "", told);
        }
    }
    const struct scenario *s = r->scenario;
    for (size_t i = 0; s != NULL && i < s->n_axes; i++) {
        const struct axis *axis = &s->axes[i];
        const char *label = axis_label(axis);
        const int column = plot_column(&r->plot, label);
        const double point = report_number(r, row, "point");
        if (column < 0 && isfinite(point) && point >= 0 && point < (double)s->points &&
            strcmp(axis->pointer, "/system") != 0 && strcmp(axis->pointer, "/platform") != 0 &&
            strcmp(label, "use") != 0 && strcmp(axis->pointer, "/system/name") != 0) {
            text_printf(out, "%s%s ", out->size > 0 ? ", " : "", label);
            text_axis_value(out, axis, axis_index(s, axis, (uint64_t)point));
        }
    }
    if (out->size == 0) {
        text_puts(out, "the only configuration");
    }
}
