/* Rows of a trace at work, in groups, and their grades. */
#include "calibration/score/law_rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

double law_number(const struct trace *t, enum trace_column c, size_t i)
{
    return t->number[c] != NULL ? t->number[c][i] : (double)NAN;
}

const char *law_label(const struct trace *t, enum trace_column c, size_t i)
{
    return t->text[c] != NULL ? t->labels[t->text[c][i]] : "";
}

static enum status add(struct law_grades *g, const struct law_grade *one, struct error *err)
{
    if (g->n == g->capacity) {
        const size_t more = 2 * g->capacity + 64;
        struct law_grade *const list = realloc(g->list, more * sizeof *list);
        if (list == NULL) {
            return RAISE(err, ERR_MEMORY, "no memory for %zu grades", more);
        }
        g->list = list;
        g->capacity = more;
    }
    g->list[g->n++] = *one;
    return STATUS_OK;
}

uint64_t law_key(const struct trace *t, size_t i, const enum trace_column *columns, size_t n)
{
    uint64_t hash = HASH_SEED;
    for (size_t k = 0; k < n; k++) {
        const enum trace_column c = columns[k];
        if (trace_column_is_text(c)) {
            const char *const text = law_label(t, c, i);
            hash = hash_bytes(hash, text, strlen(text) + 1);
        } else {
            const double x = law_number(t, c, i) + 0.0;
            hash = hash_bytes(hash, &x, isnan(x) ? 1 : sizeof x);
        }
    }
    return hash;
}

void law_name(const struct trace *t, size_t i, const enum trace_column *columns, size_t n,
              char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t k = 0; k < n && used < size; k++) {
        const enum trace_column c = columns[k];
        char word[64] = "";
        if (trace_column_is_text(c)) {
            snprintf(word, sizeof word, "%.60s", law_label(t, c, i));
        } else if (!isnan(law_number(t, c, i))) {
            snprintf(word, sizeof word, "%.6g", law_number(t, c, i));
        }
        if (word[0] != '\0') {
            const int wrote = snprintf(out + used, size - used, "%s%s", used > 0 ? " " : "", word);
            used += wrote > 0 ? (size_t)wrote : 0;
        }
    }
}

struct keyed {
    uint64_t key;
    size_t row, order; /* order: of the first row of its key, once sorted out */
};

static int by_key(const void *a, const void *b)
{
    const struct keyed *const x = a;
    const struct keyed *const y = b;
    if (x->key != y->key) {
        return x->key < y->key ? -1 : 1;
    }
    return (x->row > y->row) - (x->row < y->row);
}

static int by_order(const void *a, const void *b)
{
    const struct keyed *const x = a;
    const struct keyed *const y = b;
    if (x->order != y->order) {
        return x->order < y->order ? -1 : 1;
    }
    return (x->row > y->row) - (x->row < y->row);
}

enum status law_each_group(struct law_work *w, const struct law_rows *r,
                           const enum trace_column *columns, size_t n_columns, group_task task,
                           struct error *err)
{
    struct keyed *const list = malloc((r->n + 1) * sizeof *list);
    size_t *const at = malloc((r->n + 1) * sizeof *at);
    if (list == NULL || at == NULL) {
        RAISE(err, ERR_MEMORY, "no memory for %zu rows", r->n);
    }
    for (size_t i = 0; err->code == STATUS_OK && i < r->n; i++) {
        list[i] = (struct keyed){law_key(r->t, r->at[i], columns, n_columns), r->at[i], 0};
    }
    if (err->code == STATUS_OK) {
        qsort(list, r->n, sizeof *list, by_key);
        for (size_t i = 0; i < r->n; i++) {
            list[i].order =
                i > 0 && list[i].key == list[i - 1].key ? list[i - 1].order : list[i].row;
        }
        qsort(list, r->n, sizeof *list, by_order);
    }
    for (size_t from = 0, to; from < r->n && err->code == STATUS_OK; from = to) {
        for (to = from; to < r->n && list[to].order == list[from].order; to++) {
            at[to - from] = list[to].row;
        }
        const struct law_rows group = {r->t, at, to - from};
        task(w, &group, err);
    }
    free(list);
    free(at);
    return err->code;
}

double *law_values(const struct law_rows *r, enum trace_column c, struct error *err)
{
    double *const x = malloc((r->n + 1) * sizeof *x);
    if (x == NULL) {
        RAISE(err, ERR_MEMORY, "no memory for %zu rows", r->n);
    }
    for (size_t i = 0; x != NULL && i < r->n; i++) {
        x[i] = law_number(r->t, c, r->at[i]);
    }
    return x;
}

enum status law_quantiles(const struct law_rows *r, const double *probability, size_t n,
                          double *out, struct error *err)
{
    double *const x = law_values(r, TRACE_duration_s, err);
    double *const weight = law_values(r, TRACE_weight, err);
    double *sorted = NULL;
    double *sorted_weight = NULL;
    for (size_t i = 0; err->code == STATUS_OK && i < r->n; i++) {
        weight[i] = isnan(weight[i]) ? 1 : weight[i];
    }
    const struct sample s = {.value = x, .weight = weight, .n = r->n};
    if (err->code == STATUS_OK && sample_sort(&s, &sorted, &sorted_weight, err) == STATUS_OK) {
        const struct sample view = {.value = sorted, .weight = sorted_weight, .n = r->n};
        for (size_t k = 0; k < n; k++) {
            out[k] = sample_quantile(&view, probability[k]);
        }
    }
    free(x);
    free(weight);
    free(sorted);
    free(sorted_weight);
    return err->code;
}

enum status law_put_grade(struct law_work *w, const struct law_rows *r,
                          const enum trace_column *columns, size_t n_columns, const char *statistic,
                          double measured, double predicted, double low, double high,
                          struct error *err)
{
    struct law_grade g = {.statistic = statistic,
                          .rows = r->n,
                          .measured = measured,
                          .predicted = predicted,
                          .low = low,
                          .high = high,
                          .fold = w->fold};
    law_name(r->t, r->at[0], columns, n_columns, g.label, sizeof g.label);
    return measured > 0 && isfinite(predicted) ? add(w->out, &g, err) : STATUS_OK;
}

static const enum trace_column subject[] = {TRACE_service, TRACE_function, TRACE_op};
enum { SUBJECT = sizeof subject / sizeof subject[0] };

enum status law_same_subject(const struct law_work *w, const struct law_rows *group,
                             struct law_rows *out, struct error *err)
{
    const uint64_t key = law_key(group->t, group->at[0], subject, SUBJECT);
    *out = (struct law_rows){w->train.t, malloc((w->train.n + 1) * sizeof *out->at), 0};
    if (out->at == NULL) {
        return RAISE(err, ERR_MEMORY, "no memory for %zu rows", w->train.n);
    }
    for (size_t i = 0; i < w->train.n; i++) {
        if (law_key(w->train.t, w->train.at[i], subject, SUBJECT) == key) {
            out->at[out->n++] = w->train.at[i];
        }
    }
    return STATUS_OK;
}

enum status law_skip(struct law_work *w, struct error *err)
{
    if (err->code == ERR_INPUT || err->code == ERR_NUMERIC) {
        w->out->skipped++;
        *err = (struct error){0};
    }
    return err->code;
}
