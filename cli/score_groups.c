/* Rows that measured the same thing: grouped by the cells of some columns, graded by a statistic of
 * what they measured. */
#include "cli/score.h"

#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct json *first_of(const struct json *list)
{
    return list->kind == JSON_ARRAY ? list->first : list;
}

static const struct json *next_of(const struct json *list, const struct json *one)
{
    return list->kind == JSON_ARRAY ? one->next : NULL;
}

static enum status read_statistic(const struct json *node, struct score_statistic *out,
                                  struct error *err)
{
    const char *name = node != NULL && node->kind == JSON_STRING ? node->text : "";
    char *end = NULL;
    *out = (struct score_statistic){0};
    if (node == NULL || strcmp(name, "mean") == 0) {
        return STATUS_OK;
    }
    out->quantile = true;
    out->p = strcmp(name, "median") == 0 ? 0.5 : name[0] == 'p' ? strtod(name + 1, &end) / 100 : 0;
    if (!(out->p > 0 && out->p < 1) || (end != NULL && *end != '\0')) {
        return JSON_RAISE(err, node, ERR_INPUT,
                          "expected \"mean\", \"median\" or a percentile as \"p90\"");
    }
    return STATUS_OK;
}

double score_statistic(const struct score_statistic *what, const double *sorted, size_t n)
{
    return what->quantile ? gsl_stats_quantile_from_sorted_data(sorted, 1, n, what->p)
                          : gsl_stats_mean(sorted, 1, n);
}

enum status score_groups_open(const struct json *spec, size_t rows, struct score_set *s,
                              struct error *err)
{
    struct score_groups *g = &s->groups;
    const struct json *by = json_member(spec, "by");
    const struct json *statistic = json_member(spec, "statistic");
    if (read_statistic(statistic, &s->statistic, err) != STATUS_OK || by == NULL) {
        return err->code;
    }
    for (const struct json *c = first_of(by); c != NULL; c = next_of(by, c)) {
        if (c->kind != JSON_STRING) {
            return JSON_RAISE(err, c, ERR_INPUT, "expected the name of a column");
        }
    }
    if (first_of(by) == NULL) {
        return JSON_RAISE(err, by, ERR_INPUT, "expected the name of a column, or several");
    }
    g->by = by;
    g->kase = malloc((rows + 1) * sizeof *g->kase);
    g->of = malloc((rows + 1) * sizeof *g->of);
    g->value = malloc((rows + 1) * sizeof *g->value);
    if (g->kase == NULL || g->of == NULL || g->value == NULL) {
        return RAISE(err, ERR_MEMORY, "out of memory for %zu rows", rows);
    }
    return STATUS_OK;
}

/* What a group's rows set is what its first row sets. */
static enum status same_set(const struct score_case *c, const struct json *set,
                            const struct table *t, size_t row, struct error *err)
{
    for (const struct json *k = set != NULL ? set->first : NULL; k != NULL; k = k->next) {
        size_t column = 0;
        if (table_column(t, k->key, &column, err) != STATUS_OK) {
            return err->code;
        }
        const char *first = table_cell(t, c->row, column);
        const char *here = table_cell(t, row, column);
        if (strcmp(first, here) != 0) {
            return JSON_RAISE(
                err, k, ERR_INPUT,
                "rows of one group set different values of %s: '%.40s' in line %u and "
                "'%.40s' in line %u of %.200s; name the column in \"by\"",
                k->key, first, t->lines[c->row], here, t->lines[row], t->path);
        }
    }
    return STATUS_OK;
}

enum status score_group(struct score_set *s, const struct json *spec, const struct table *t,
                        size_t row, enum score_use use, size_t fresh_case, size_t *kase,
                        bool *fresh, struct error *err)
{
    struct score_groups *g = &s->groups;
    uint64_t hash = HASH_SEED;
    uint64_t check = hash_bytes(HASH_SEED, &use, sizeof use);
    for (const struct json *c = first_of(g->by); c != NULL; c = next_of(g->by, c)) {
        size_t column = 0;
        struct error inner = {0};
        if (table_column(t, c->text, &column, &inner) != STATUS_OK) {
            return JSON_RAISE(err, c, ERR_INPUT, "%s (%s)", inner.message, t->path);
        }
        const char *cell = table_cell(t, row, column);
        hash = hash_bytes(hash, cell, strlen(cell) + 1);
        check = hash_bytes(check, cell, strlen(cell) + 1);
    }
    const size_t before = g->known.count;
    const uint32_t group = pair_map_index(&g->known, hash, check);
    *fresh = g->known.count > before;
    if (group == UINT32_MAX) {
        return RAISE(err, ERR_MEMORY, "out of memory for groups of rows");
    }
    if (*fresh) {
        g->kase[group] = fresh_case;
    }
    *kase = g->kase[group];
    return *fresh ? STATUS_OK : same_set(&s->cases[*kase], json_member(spec, "set"), t, row, err);
}

void score_group_label(const struct score_set *s, const struct table *t, size_t row,
                       struct text *out)
{
    const struct json *by = s->groups.by;
    for (const struct json *c = first_of(by); c != NULL; c = next_of(by, c)) {
        size_t column = 0;
        struct error ignored = {0};
        if (table_column(t, c->text, &column, &ignored) == STATUS_OK) {
            text_printf(out, "%s%s", out->size > 0 ? " " : "", table_cell(t, row, column));
        }
    }
}

bool score_group_has(const struct score_set *s, const char *column)
{
    const struct json *by = s->groups.by;
    bool has = by == NULL;
    for (const struct json *c = has ? NULL : first_of(by); c != NULL; c = next_of(by, c)) {
        has = has || strcmp(c->text, column) == 0;
    }
    return has;
}

void score_group_add(struct score_set *s, size_t kase, double value)
{
    s->groups.of[s->groups.rows] = kase;
    s->groups.value[s->groups.rows++] = value;
}

enum status score_groups_close(struct score_set *s, struct error *err)
{
    struct score_groups *g = &s->groups;
    if (g->by == NULL) {
        return STATUS_OK;
    }
    size_t *const start = calloc(s->count + 2, sizeof *start);
    double *const sorted = malloc((g->rows + 1) * sizeof *sorted);
    if (start == NULL || sorted == NULL) {
        free(start);
        free(sorted);
        return RAISE(err, ERR_MEMORY, "out of memory for %zu rows", g->rows);
    }
    for (size_t i = 0; i < g->rows; i++) {
        start[g->of[i] + 2]++;
    }
    for (size_t c = 2; c < s->count + 2; c++) {
        start[c] += start[c - 1];
    }
    for (size_t i = 0; i < g->rows; i++) {
        sorted[start[g->of[i] + 1]++] = g->value[i];
    }
    free(g->value);
    g->value = sorted;
    for (size_t c = 0; c < s->count; c++) {
        struct score_case *one = &s->cases[c];
        one->n_values = start[c + 1] - start[c];
        if (one->n_values > 0) {
            one->values = sorted + start[c];
            gsl_sort(sorted + start[c], 1, one->n_values);
            one->measured = score_statistic(&s->statistic, one->values, one->n_values);
        }
    }
    free(start);
    return STATUS_OK;
}
