/* Rows for people and for programs: a table of at most 100 columns, CSV, JSON. */
#include "cli/cli.h"
#include "model/search.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The list's own copy of a text; few different ones occur, the last ones most often. */
static const char *keep(struct row_list *list, const char *text)
{
    for (size_t i = list->n_texts; i-- > 0;) {
        if (strcmp(list->texts[i], text) == 0) {
            return list->texts[i];
        }
    }
    if (list->n_texts == list->texts_capacity) {
        const size_t capacity = list->texts_capacity > 0 ? 2 * list->texts_capacity : 32;
        const char **texts = realloc(list->texts, capacity * sizeof *texts);
        if (texts == NULL) {
            return NULL;
        }
        list->texts = texts;
        list->texts_capacity = capacity;
    }
    const char *copy = arena_copy(&list->arena, text, strlen(text));
    if (copy != NULL) {
        list->texts[list->n_texts++] = copy;
    }
    return copy;
}

enum status row_list_add(struct row_list *list, const struct row *row, struct error *err)
{
    if (list->count == list->capacity) {
        const size_t capacity = list->capacity > 0 ? 2 * list->capacity : 64;
        struct row *rows = realloc(list->rows, capacity * sizeof *rows);
        if (rows == NULL) {
            return RAISE(err, ERR_MEMORY, "out of memory for %zu rows", capacity);
        }
        list->rows = rows;
        list->capacity = capacity;
    }
    struct row *copy = &list->rows[list->count];
    *copy = *row;
    for (int i = 0; columns[i].name != NULL; i++) {
        if (columns[i].text) {
            const char *text = keep(list, row_value(row, i).text);
            if (text == NULL) {
                return RAISE(err, ERR_MEMORY, "out of memory for the texts of rows");
            }
            memcpy((char *)copy + columns[i].offset, &text, sizeof text);
        }
    }
    list->count++;
    return STATUS_OK;
}

void row_list_free(struct row_list *list)
{
    free(list->rows);
    free(list->texts);
    arena_free(&list->arena);
    *list = (struct row_list){0};
}

void text_rows_csv(struct text *out, const struct row_list *list)
{
    text_row_csv_header(out);
    for (size_t i = 0; i < list->count; i++) {
        text_row_csv(out, &list->rows[i]);
    }
}

void text_rows_json(struct text *out, const struct text *provenance, const struct row_list *list)
{
    text_puts(out, "{\n  \"faascast\": \"" FAASCAST_VERSION "\",\n  \"provenance\": ");
    text_append(out, provenance->data, provenance->size);
    text_puts(out, ",\n  \"rows\": [");
    for (size_t i = 0; i < list->count; i++) {
        text_puts(out, i > 0 ? ", " : "");
        text_row_json(out, &list->rows[i]);
    }
    text_puts(out, "]\n}\n");
}

/* ---------------------------------------------------------------- the table */

enum { CELL = 64, EXTRA = 16, WIDTH_LIMIT = 100 };

struct grid {
    size_t columns, rows;
    char (*cells)[CELL]; /* row 0 is the header */
    bool left[AXIS_LIMIT + EXTRA];
    bool hidden[AXIS_LIMIT + EXTRA]; /* says nothing in any row, or has no room */
    size_t width[AXIS_LIMIT + EXTRA];
};

static char *cell(const struct grid *g, size_t row, size_t column)
{
    return g->cells[row * g->columns + column];
}

static void put_text(struct grid *g, size_t row, size_t column, struct text *t)
{
    snprintf(cell(g, row, column), CELL, "%s", t->data != NULL ? t->data : "");
    text_free(t);
}

static size_t characters(const char *s)
{
    size_t n = 0;
    for (; *s != '\0'; s++) {
        n += ((unsigned char)*s & 0xc0) != 0x80;
    }
    return n;
}

static void axis_cell(struct grid *g, const struct scenario *s, size_t axis_number, double point,
                      size_t row)
{
    const struct axis *axis = &s->axes[axis_number];
    struct text t = {0};
    text_axis_value(&t, axis, axis_index(s, axis, (uint64_t)point));
    put_text(g, row, axis_number, &t);
}

static void share_cell(struct grid *g, size_t row, size_t column, double part, double whole)
{
    struct text t = {0};
    const double share = 100 * part / whole;
    if (part == 0) {
        text_puts(&t, "0");
    } else if (share < 0.5) {
        text_puts(&t, "<1");
    } else {
        text_printf(&t, "%.0f", share);
    }
    put_text(g, row, column, &t);
}

/* The fastest, the cheapest, and the choice of plan within the limits; -1 = none. */
struct marks {
    ptrdiff_t fastest, cheapest, meets;
};

static struct marks find_marks(const struct row_list *list, const struct constraints *c)
{
    struct marks m = {-1, -1, -1};
    const bool limited = c->deadline_s > 0 || c->budget_usd > 0;
    const struct search_objective usual = search_usual(c);
    struct search_pick pick = search_pick_start(&usual, c);
    for (size_t i = 0; i < list->count; i++) {
        const struct row *r = &list->rows[i];
        if (!r->feasible) {
            continue;
        }
        if (m.fastest < 0 || r->time_s < list->rows[m.fastest].time_s) {
            m.fastest = (ptrdiff_t)i;
        }
        if (m.cheapest < 0 || r->cost_usd < list->rows[m.cheapest].cost_usd) {
            m.cheapest = (ptrdiff_t)i;
        }
        search_pick_add(&pick, (ptrdiff_t)i, r->time_s, r->cost_usd);
    }
    m.meets = limited ? pick.best : -1;
    return m;
}

/* Which limits nothing meets, and how far off the fastest and the cheapest are. When nothing is
 * feasible limits are not the reason. */
static void write_unmet(struct text *out, const struct row_list *list, const struct marks *m,
                        const struct constraints *limits)
{
    if (m->meets >= 0 || m->fastest < 0 || (limits->deadline_s <= 0 && limits->budget_usd <= 0)) {
        return;
    }
    const struct {
        const char *words;
        const struct row *row;
    } told[] = {{"The fastest takes ", &list->rows[m->fastest]},
                {", the cheapest ", &list->rows[m->cheapest]}};
    text_puts(out, list->count == 1 ? "It is not " : "No configuration is ");
    text_limits(out, limits);
    text_puts(out, ", the scenario's limits.\n");
    for (int i = 0; i < (m->fastest == m->cheapest ? 1 : 2); i++) {
        text_puts(out, list->count == 1            ? "This one takes "
                       : m->fastest == m->cheapest ? "The fastest and cheapest takes "
                                                   : told[i].words);
        text_puts(out, told[i].row->bound > 0 ? "at most " : "");
        text_time(out, told[i].row->time_s);
        text_puts(out, " and ");
        text_dollars(out, told[i].row->cost_usd);
        text_puts(out, " USD");
    }
    text_puts(out, ".\n");
}

static void fill_row(struct grid *g, const struct scenario *s, const struct row *r, size_t row,
                     const char *mark)
{
    size_t k = s->n_axes;
    for (size_t i = 0; i < s->n_axes; i++) {
        axis_cell(g, s, i, r->point, row);
    }
    if (!r->feasible) {
        return; /* write_grid prints the reason instead of numbers */
    }
    struct text t = {0};
    text_puts(&t, r->bound > 0 ? "<= " : "");
    text_time(&t, r->time_s);
    put_text(g, row, k++, &t);
    text_dollars(&t, r->cost_usd);
    put_text(g, row, k++, &t);
    if (isnan(r->speedup)) {
        text_puts(&t, "-");
    } else {
        text_printf(&t, "%.2f", r->speedup);
    }
    put_text(g, row, k++, &t);
    share_cell(g, row, k++, r->startup_s, r->time_s);
    share_cell(g, row, k++, r->load_s, r->time_s);
    share_cell(g, row, k++, r->compute_s, r->time_s);
    share_cell(g, row, k++, r->exchange_s, r->time_s);
    share_cell(g, row, k++, r->wait_s, r->time_s);
    share_cell(g, row, k++, r->checkpoint_s, r->time_s);
    text_puts(&t, mark);
    put_text(g, row, k, &t);
}

/* A column of results without a number above zero in any row takes room and says nothing. */
static void hide_empty(struct grid *g, size_t axes)
{
    for (size_t c = axes + 2; c + 1 < g->columns; c++) {
        g->hidden[c] = true;
        for (size_t r = 1; r < g->rows; r++) {
            const char *text = cell(g, r, c);
            const bool nothing =
                text[0] == '\0' || strcmp(text, "-") == 0 || strcmp(text, "0") == 0;
            g->hidden[c] = g->hidden[c] && nothing;
        }
    }
}

/* A table that is a little too wide loses parts of the time from the right, never a mark. Where
 * axes and totals alone are too wide, nothing is gained by that. */
static void fit_width(struct grid *g, size_t axes)
{
    const size_t parts = axes + 3; /* behind time, USD, speed-up */
    size_t all = 0;
    size_t least = 0;
    for (size_t c = 0; c < g->columns; c++) {
        for (size_t i = 0; i < g->rows; i++) {
            const size_t n = characters(cell(g, i, c));
            g->width[c] = n > g->width[c] ? n : g->width[c];
        }
        const size_t room = g->hidden[c] ? 0 : g->width[c] + (c > 0 ? 2 : 0);
        all += room;
        least += c < parts || c + 1 == g->columns ? room : 0;
    }
    for (size_t c = g->columns - 1; c-- > parts && all > WIDTH_LIMIT && least <= WIDTH_LIMIT;) {
        all -= g->hidden[c] ? 0 : g->width[c] + 2;
        g->hidden[c] = true;
    }
}

static void write_grid(struct text *out, const struct grid *g, const struct cli *cli,
                       const struct row_list *list, size_t axes, const bool *strong)
{
    for (size_t r = 0; r < g->rows; r++) {
        const bool coloured = cli->colour && (r == 0 || strong[r]);
        text_puts(out, coloured ? (r == 0 ? "\033[1m" : "\033[32m") : "");
        size_t used = 0;
        for (size_t c = 0; c < g->columns; c++) {
            const char *text = cell(g, r, c);
            const size_t n = characters(text);
            if (g->hidden[c]) {
                continue;
            }
            text_puts(out, c > 0 ? "  " : "");
            used += c > 0 ? 2 : 0;
            if (c + 1 == g->columns) {
                text_puts(out, text);
                break;
            }
            if (c == axes && r > 0 && !list->rows[r - 1].feasible) {
                text_printf(out, "%.*s", used < WIDTH_LIMIT ? (int)(WIDTH_LIMIT - used) : 20,
                            list->rows[r - 1].status);
                break;
            }
            const size_t pad = g->width[c] - n;
            for (size_t i = 0; i < pad && !g->left[c]; i++) {
                text_puts(out, " ");
            }
            text_puts(out, text);
            for (size_t i = 0; i < pad && g->left[c]; i++) {
                text_puts(out, " ");
            }
            used += g->width[c];
        }
        while (out->size > 0 && out->data[out->size - 1] == ' ') {
            out->size--;
        }
        text_puts(out, coloured ? "\033[0m\n" : "\n");
    }
}

static void write_title(struct text *out, const struct row_list *list)
{
    const struct row *r = &list->rows[0];
    bool same_platform = true;
    bool same_system = true;
    for (size_t i = 1; i < list->count; i++) {
        same_platform = same_platform && strcmp(list->rows[i].platform, r->platform) == 0 &&
                        strcmp(list->rows[i].store, r->store) == 0;
        same_system = same_system && strcmp(list->rows[i].system, r->system) == 0;
    }
    text_printf(out, "%s\n", r->scenario);
    if (same_system) {
        text_printf(out, "%s%s%s%s", r->system, r->variant[0] != '\0' ? " (" : "", r->variant,
                    r->variant[0] != '\0' ? ")" : "");
        if (strcmp(r->reading, "protocol") != 0) {
            text_printf(out, ", equation %s as printed", r->reading);
        }
    }
    if (same_platform) {
        text_printf(out, "%son %s through %s", same_system ? " " : "", r->platform, r->store);
    }
    text_puts(out, same_system || same_platform ? "\n" : "");
}

/* ", serial on bare-metal-56-core": what the baseline names itself. */
static void write_baseline(struct text *out, const struct scenario *s)
{
    static const char *const pointers[] = {"/system/name", "/platform/use"};
    static const char *const words[] = {", ", " on "};
    for (int i = 0; i < 2; i++) {
        const struct json *name =
            json_bare(s->baseline != NULL ? json_pointer(s->baseline, pointers[i]) : NULL);
        if (name == NULL || name->kind != JSON_STRING) {
            return;
        }
        text_printf(out, "%s%s", words[i], name->text);
    }
}

/* What the numbers are of, below them. */
static void write_footer(struct text *out, const struct scenario *s, const struct row_list *list)
{
    const struct row *first = &list->rows[0];
    bool same = true;
    bool bound = false;
    for (size_t i = 0; i < list->count; i++) {
        same = same && list->rows[i].baseline_time_s == first->baseline_time_s;
        bound = bound || (list->rows[i].feasible && list->rows[i].bound > 0);
    }
    text_puts(out, "\nUSD per training run; parts of the time in %.\n");
    if (!isnan(first->baseline_time_s)) {
        text_puts(out, "Speed-up against the scenario's baseline");
        write_baseline(out, s);
        if (same) {
            text_puts(out, " (");
            text_time(out, first->baseline_time_s);
            text_puts(out, ")");
        }
        text_puts(out, ".\n");
    }
    text_puts(out, bound ? "<= is an upper bound; faascast simulate says how much less.\n" : "");
}

void text_rows_table(struct text *out, const struct cli *cli, const struct scenario *s,
                     const struct constraints *constraints, const struct row_list *list)
{
    static const char *const heads[] = {"time",    "USD",      "speed-up", "start", "load",
                                        "compute", "exchange", "wait",     "save",  ""};
    enum { HEADS = sizeof heads / sizeof heads[0] };
    if (list->count == 0) {
        text_puts(out, "no configuration: every point is skipped\n");
        return;
    }
    struct grid g = {.columns = s->n_axes + HEADS, .rows = list->count + 1};
    g.cells = calloc(g.rows * g.columns, sizeof *g.cells);
    bool *strong = calloc(g.rows, sizeof *strong);
    if (g.cells == NULL || strong == NULL) {
        out->failed = true;
        free(g.cells);
        free(strong);
        return;
    }
    for (size_t i = 0; i < s->n_axes; i++) {
        const char *pointer = s->axes[i].pointer;
        const bool base = strncmp(pointer, "/baseline/", strlen("/baseline/")) == 0;
        snprintf(cell(&g, 0, i), CELL, "%s%s", base ? "baseline " : "", axis_label(&s->axes[i]));
        g.left[i] = !s->axes[i].fast;
    }
    for (size_t i = 0; i < HEADS; i++) {
        snprintf(cell(&g, 0, s->n_axes + i), CELL, "%s", heads[i]);
    }
    const struct marks marks = find_marks(list, constraints);
    const bool several = list->count > 1;
    for (size_t i = 0; i < list->count; i++) {
        struct text mark = {0};
        const ptrdiff_t at = (ptrdiff_t)i;
        text_puts(&mark, several && at == marks.fastest ? "fastest" : "");
        if (several && at == marks.cheapest) {
            text_printf(&mark, "%scheapest", mark.size > 0 ? ", " : "");
        }
        if (at == marks.meets) {
            text_printf(&mark, "%smeets limits", mark.size > 0 ? ", " : "");
            strong[i + 1] = true;
        }
        fill_row(&g, s, &list->rows[i], i + 1, mark.data != NULL ? mark.data : "");
        text_free(&mark);
    }
    write_title(out, list);
    text_puts(out, "\n");
    hide_empty(&g, s->n_axes);
    fit_width(&g, s->n_axes);
    write_grid(out, &g, cli, list, s->n_axes, strong);
    write_footer(out, s, list);
    write_unmet(out, list, &marks, constraints);
    free(g.cells);
    free(strong);
}
