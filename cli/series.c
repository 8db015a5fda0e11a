/* Series: the partition of rows by the columns that differ, each column taken only if it tells
 * apart what the ones before it did not. Names are made of those columns. */
#include "cli/series.h"
#include "cli/plain_text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum status series_want(struct frame *f, struct series_columns *out, struct error *err)
{
    *out = (struct series_columns){
        .system = frame_want(f, "system", true),
        .variant = frame_want(f, "variant", true),
        .reading = frame_want(f, "reading", true),
        .engine = frame_want(f, "engine", true),
        .platform = frame_want(f, "platform", true),
        .store = frame_want(f, "store", true),
        .algorithm = frame_want(f, "algorithm", true),
        .dataset = frame_want(f, "dataset", true),
        .scenario = frame_want(f, "scenario", true),
        .memory_mib = frame_want(f, "memory_mib", false),
        .workers = frame_want(f, "workers", false),
        .status = frame_want(f, "status", true),
    };
    return out->status >= 0 ? STATUS_OK : RAISE(err, ERR_MEMORY, "too many columns");
}

static bool feasible(const struct frame *f, const struct series_columns *c, size_t row)
{
    return !f->columns[c->status].present || strcmp(frame_text(f, row, c->status), "ok") == 0;
}

static enum status choose_rows(const struct frame *f, const struct series_columns *c, int x, int y,
                               struct series *out, struct error *err)
{
    out->rows = calloc(f->n_rows + 1, sizeof *out->rows);
    out->of = calloc(f->n_rows + 1, sizeof *out->of);
    if (out->rows == NULL || out->of == NULL) {
        return RAISE(err, ERR_MEMORY, "out of memory for %zu rows", f->n_rows);
    }
    for (size_t i = 0; i < f->n_rows; i++) {
        if (!feasible(f, c, i)) {
            out->reason = out->infeasible++ == 0 ? frame_text(f, i, c->status) : out->reason;
        } else if ((x >= 0 && !isfinite(frame_number(f, i, x))) ||
                   !isfinite(frame_number(f, i, y))) {
            out->not_finite++;
        } else {
            out->rows[out->n_rows++] = i;
        }
    }
    if (out->n_rows > 0) {
        return STATUS_OK;
    }
    const char *path = f->path != NULL ? f->path : "";
    if (f->n_rows == 0) {
        RAISE(err, ERR_INPUT, "no row to draw%s",
              f->left_out > 0 ? ": none meets the condition of --where" : "");
    } else if (out->infeasible == f->n_rows) {
        RAISE(err, ERR_INFEASIBLE, "none of %zu configurations is feasible (the first: %s)",
              f->n_rows, out->reason);
    } else if (x >= 0 && x != y) {
        RAISE(err, ERR_INPUT, "no row has both a finite '%s' and a finite '%s'", f->columns[x].name,
              f->columns[y].name);
    } else {
        RAISE(err, ERR_INPUT, "no row has a finite '%s'", f->columns[y].name);
    }
    snprintf(err->file, sizeof err->file, "%s", path);
    return err->code;
}

/* ---------------------------------------------------------------- telling series apart */

static uint64_t cell_bits(const struct frame *f, size_t row, int column)
{
    double value = frame_number(f, row, column);
    uint64_t bits = 0;
    value = isnan(value) ? -1 : value;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* out->of refined by a column. Gives the number of groups. */
static size_t refine(const struct frame *f, const struct series *s, int column, uint32_t *of,
                     struct error *err)
{
    struct pair_map map = {0};
    for (size_t i = 0; i < s->n_rows; i++) {
        of[i] = pair_map_index(&map, s->of[i], cell_bits(f, s->rows[i], column));
        if (of[i] == UINT32_MAX) {
            RAISE(err, ERR_MEMORY, "out of memory for series");
            break;
        }
    }
    const size_t groups = map.count;
    pair_map_free(&map);
    return groups;
}

static enum status tell_apart(const struct frame *f, const struct series_columns *c, unsigned flags,
                              struct series *s, int *used, size_t *n_used, struct error *err)
{
    int candidates[12] = {c->system, c->variant, c->algorithm, c->dataset, c->platform,
                          c->store,  c->reading, c->engine,    c->scenario};
    size_t n = 9;
    if (flags & SERIES_BY_WORKERS) {
        candidates[n++] = c->workers;
    }
    if (flags & SERIES_BY_MEMORY) {
        candidates[n++] = c->memory_mib;
    }
    uint32_t *finer = calloc(s->n_rows, sizeof *finer);
    if (finer == NULL) {
        return RAISE(err, ERR_MEMORY, "out of memory for series");
    }
    s->count = 1;
    for (size_t k = 0; k < n && err->code == STATUS_OK; k++) {
        const size_t groups = refine(f, s, candidates[k], finer, err);
        const bool too_many = candidates[k] == c->memory_mib && groups > SERIES_LIMIT;
        if (err->code == STATUS_OK && groups > s->count && !too_many) {
            memcpy(s->of, finer, s->n_rows * sizeof *finer);
            s->count = groups;
            used[(*n_used)++] = candidates[k];
        }
    }
    free(finer);
    return err->code;
}

/* ---------------------------------------------------------------- order */

struct item {
    double x, y;
    size_t row;
    uint32_t of;
};

static int by_series_x_y(const void *left, const void *right)
{
    const struct item *a = left;
    const struct item *b = right;
    if (a->of != b->of) {
        return a->of < b->of ? -1 : 1;
    }
    if (a->x != b->x) {
        return a->x < b->x ? -1 : 1;
    }
    if (a->y != b->y) {
        return a->y < b->y ? -1 : 1;
    }
    return a->row < b->row ? -1 : a->row > b->row;
}

struct rank {
    double y;
    uint32_t of;
};

static int by_y(const void *left, const void *right)
{
    const struct rank *a = left;
    const struct rank *b = right;
    return a->y != b->y ? (a->y < b->y ? -1 : 1) : (a->of < b->of ? -1 : a->of > b->of);
}

/* Keeps the SERIES_LIMIT series that reach the smallest y, in the order they came. */
static enum status keep_best(struct series *s, struct item *items, struct error *err)
{
    struct rank *ranks = calloc(s->count, sizeof *ranks);
    uint32_t *renamed = calloc(s->count, sizeof *renamed);
    if (ranks == NULL || renamed == NULL) {
        free(ranks);
        free(renamed);
        return RAISE(err, ERR_MEMORY, "out of memory for series");
    }
    for (size_t g = 0; g < s->count; g++) {
        ranks[g] = (struct rank){INFINITY, (uint32_t)g};
    }
    for (size_t i = 0; i < s->n_rows; i++) {
        struct rank *rank = &ranks[items[i].of];
        rank->y = items[i].y < rank->y ? items[i].y : rank->y;
    }
    const size_t kept = s->count < SERIES_LIMIT ? s->count : SERIES_LIMIT;
    qsort(ranks, s->count, sizeof *ranks, by_y);
    for (size_t i = 0; i < kept; i++) {
        renamed[ranks[i].of] = 1;
    }
    uint32_t next = 0;
    for (size_t g = 0; g < s->count; g++) {
        renamed[g] = renamed[g] > 0 ? next++ : UINT32_MAX;
    }
    size_t n = 0;
    for (size_t i = 0; i < s->n_rows; i++) {
        if (renamed[items[i].of] != UINT32_MAX) {
            items[n] = items[i];
            items[n++].of = renamed[items[i].of];
        }
    }
    s->n_rows = n;
    s->not_drawn = s->count - kept;
    s->count = kept;
    free(ranks);
    free(renamed);
    return STATUS_OK;
}

static enum status order(const struct frame *f, int x, int y, bool fold, struct series *s,
                         struct error *err)
{
    struct item *items = calloc(s->n_rows, sizeof *items);
    if (items == NULL) {
        return RAISE(err, ERR_MEMORY, "out of memory for %zu rows", s->n_rows);
    }
    for (size_t i = 0; i < s->n_rows; i++) {
        items[i] = (struct item){.row = s->rows[i], .of = s->of[i]};
        items[i].x = x >= 0 ? frame_number(f, s->rows[i], x) : (double)s->rows[i];
        items[i].y = frame_number(f, s->rows[i], y);
    }
    if (keep_best(s, items, err) == STATUS_OK) {
        qsort(items, s->n_rows, sizeof *items, by_series_x_y);
        size_t n = 0;
        for (size_t i = 0; i < s->n_rows; i++) {
            if (fold && n > 0 && items[i].of == items[n - 1].of && items[i].x == items[n - 1].x) {
                s->folded++;
            } else {
                items[n++] = items[i];
            }
        }
        s->n_rows = n;
        for (size_t i = 0; i < n; i++) {
            s->rows[i] = items[i].row;
            s->of[i] = items[i].of;
        }
    }
    free(items);
    return err->code;
}

/* ---------------------------------------------------------------- names */

static void name_series(const struct frame *f, const struct series_columns *c, struct series *s,
                        const int *used, size_t n_used)
{
    for (size_t i = 0; i < s->n_rows; i++) {
        if (i > 0 && s->of[i] == s->of[i - 1]) {
            continue;
        }
        struct text name = {0};
        for (size_t k = 0; k < n_used; k++) {
            struct text part = {0};
            const double number = frame_number(f, s->rows[i], used[k]);
            if (used[k] == c->memory_mib) {
                text_printf(&part, "%.0f MiB", number);
            } else if (used[k] == c->workers) {
                text_printf(&part, "%.0f worker%s", number, number == 1 ? "" : "s");
            } else {
                /* None of several parts may push the others out of the name. */
                text_plain(&part, frame_text(f, s->rows[i], used[k]), n_used > 1 ? 22 : 60);
            }
            if (part.size > 0) {
                text_printf(&name, "%s%s", name.size > 0 ? ", " : "", part.data);
            }
            text_free(&part);
        }
        if (name.size == 0) {
            text_plain(&name, frame_text(f, s->rows[i], c->system), 60);
        }
        char *to = s->names[s->of[i]];
        snprintf(to, SERIES_NAME, "%s", name.size > 0 ? name.data : "all");
        text_free(&name);
    }
}

enum status series_build(const struct frame *f, const struct series_columns *c, int x, int y,
                         unsigned flags, struct series *out, struct error *err)
{
    int used[16];
    size_t n_used = 0;
    *out = (struct series){0};
    if (choose_rows(f, c, x, y, out, err) == STATUS_OK &&
        tell_apart(f, c, flags, out, used, &n_used, err) == STATUS_OK &&
        order(f, x, y, flags & SERIES_FOLD, out, err) == STATUS_OK) {
        name_series(f, c, out, used, n_used);
    }
    if (err->code != STATUS_OK) {
        series_free(out);
    }
    return err->code;
}

void series_free(struct series *s)
{
    free(s->rows);
    free(s->of);
    *s = (struct series){0};
}

void text_series_note(struct text *out, const struct series *s, const char *better)
{
    if (s->infeasible > 0) {
        text_printf(out, "%zu infeasible configuration%s left out (%s%s). ", s->infeasible,
                    s->infeasible > 1 ? "s" : "", s->infeasible > 1 ? "the first: " : "",
                    s->reason);
    }
    if (s->not_finite > 0) {
        text_printf(out, "%zu row%s without finite values left out. ", s->not_finite,
                    s->not_finite > 1 ? "s" : "");
    }
    if (s->folded > 0) {
        text_printf(out, "Each point is the %s of its configurations. ", better);
    }
    if (s->not_drawn > 0) {
        text_printf(out, "Of %zu series the best %zu are drawn. ", s->count + s->not_drawn,
                    s->count);
    }
}
