/* Lays rows of published tables over results, as scenarios/published/overlay.json says. */
#include "cli/published.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *member_text(const struct json *node, const char *key)
{
    const struct json *value = node != NULL ? json_member(node, key) : NULL;
    return value != NULL && value->kind == JSON_STRING ? value->text : "";
}

/* Does a result's text column say this? */
static bool result_says(const struct plot *p, size_t row, const char *column, const char *text)
{
    const int at = plot_column(p, column);
    return at >= 0 && p->results.frame.columns[at].text &&
           strcmp(frame_text(&p->results.frame, row, at), text) == 0;
}

static bool results_match(const struct plot *p, size_t row, const struct json *entry)
{
    const struct json *wanted = json_member(entry, "results");
    for (const struct json *w = wanted != NULL ? wanted->first : NULL; w != NULL; w = w->next) {
        if (!result_says(p, row, w->key, w->text != NULL ? w->text : "")) {
            return false;
        }
    }
    return true;
}

/* Is row `k` of the table about row `row` of the results? */
static enum status rows_match(const struct plot *p, size_t row, const struct json *entry,
                              const struct table *t, size_t k, bool *out, struct error *err)
{
    const struct json *only = json_member(entry, "rows");
    const struct json *match = json_member(entry, "match");
    size_t at = 0;
    *out = true;
    for (const struct json *o = only != NULL ? only->first : NULL; o != NULL; o = o->next) {
        if (table_column(t, o->key, &at, err) != STATUS_OK) {
            return err->code;
        }
        *out = *out && strcmp(table_cell(t, k, at), o->text != NULL ? o->text : "") == 0;
    }
    for (const struct json *m = match != NULL ? match->first : NULL; m != NULL; m = m->next) {
        if (table_column(t, member_text(m, "column"), &at, err) != STATUS_OK) {
            return err->code;
        }
        const char *printed = table_cell(t, k, at);
        const struct json *values = json_member(m, "values");
        const char *ours = values != NULL ? member_text(values, printed) : printed;
        *out = *out && result_says(p, row, m->key, ours);
    }
    return STATUS_OK;
}

static enum status add_point(struct published *out, uint32_t series, double x, double y,
                             struct error *err)
{
    for (size_t i = 0; i < out->count; i++) {
        if (out->points[i].series == series && out->points[i].x == x && out->points[i].y == y) {
            return STATUS_OK;
        }
    }
    if (out->count == out->capacity) {
        const size_t capacity = out->capacity > 0 ? 2 * out->capacity : 16;
        void *points = realloc(out->points, capacity * sizeof *out->points);
        if (points == NULL) {
            return RAISE(err, ERR_MEMORY, "out of memory for published points");
        }
        out->points = points;
        out->capacity = capacity;
    }
    out->points[out->count].series = series;
    out->points[out->count].x = x;
    out->points[out->count++].y = y;
    return STATUS_OK;
}

static enum status add_entry(const struct plot *p, const struct series *s, const char *folder,
                             const struct json *entry, struct published *out, struct error *err)
{
    struct table t = {0};
    struct text path = {0};
    size_t x = 0;
    size_t y = 0;
    const size_t before = out->count;
    const struct json *scale = json_member(entry, "scale");
    text_printf(&path, "%s/%s", folder, member_text(entry, "file"));
    if (path.failed || table_load(path.data, &t, err) != STATUS_OK ||
        table_column(&t, member_text(entry, "x"), &x, err) != STATUS_OK ||
        table_column(&t, member_text(entry, "y"), &y, err) != STATUS_OK) {
        text_free(&path);
        table_free(&t);
        return path.failed ? RAISE(err, ERR_MEMORY, "out of memory") : err->code;
    }
    for (size_t i = 0; i < s->n_rows && err->code == STATUS_OK; i++) {
        /* One row stands for its series: series differ by what is matched, or not at all. */
        if ((i > 0 && s->of[i] == s->of[i - 1]) || !results_match(p, s->rows[i], entry)) {
            continue;
        }
        for (size_t k = 0; k < t.n_rows && err->code == STATUS_OK; k++) {
            bool same = false;
            double at_x = 0;
            double at_y = 0;
            if (rows_match(p, s->rows[i], entry, &t, k, &same, err) == STATUS_OK && same &&
                table_number(&t, k, x, &at_x, err) == STATUS_OK &&
                table_number(&t, k, y, &at_y, err) == STATUS_OK) {
                at_y *= scale != NULL && scale->kind == JSON_NUMBER ? scale->number : 1;
                add_point(out, s->of[i], at_x, at_y, err);
            }
        }
    }
    const char *source = member_text(entry, "source");
    if (out->count > before &&
        (out->source.size == 0 || strstr(out->source.data, source) == NULL)) {
        text_printf(&out->source, "%s%s", out->source.size > 0 ? "; " : "", source);
    }
    text_free(&path);
    table_free(&t);
    return err->code;
}

enum status published_find(const struct plot *p, const struct series *s, const char *kind,
                           const char *value, struct published *out, struct error *err)
{
    struct arena arena = {0};
    struct json *tree = NULL;
    char folder[4096];
    char path[4200];
    snprintf(folder, sizeof folder, "%s/published", p->cli->data_dir);
    snprintf(path, sizeof path, "%s/overlay.json", folder);
    if (access(path, F_OK) != 0 || json_load(&arena, path, &tree, err) != STATUS_OK) {
        arena_free(&arena);
        return err->code;
    }
    const bool per_round = cli_option(p->cli, "per-round") != NULL;
    const struct json *entries = json_member(tree, "overlays");
    for (const struct json *e = entries != NULL ? entries->first : NULL;
         e != NULL && err->code == STATUS_OK; e = e->next) {
        const struct json *round = json_member(e, "per_round");
        if (strcmp(member_text(e, "kind"), kind) == 0 &&
            strcmp(member_text(e, "value"), value) == 0 &&
            per_round == (round != NULL && round->boolean)) {
            add_entry(p, s, folder, e, out, err);
        }
    }
    arena_free(&arena);
    return err->code;
}

void published_free(struct published *points)
{
    free(points->points);
    text_free(&points->source);
    *points = (struct published){0};
}
