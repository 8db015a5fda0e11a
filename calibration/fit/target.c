/* Rows of a trace as the targets need them. */
#include "calibration/fit/target.h"

#include <math.h>
#include <stdlib.h>

void rows_free(struct rows *r)
{
    free(r->a);
    free(r->run);
}

enum status rows_make(const struct trace *t, uint32_t op, enum trace_column a, enum trace_column b,
                      enum trace_column c, struct rows *out, struct error *err)
{
    *out = (struct rows){.a = malloc((t->n + 1) * 4 * sizeof *out->a),
                         .run = malloc((t->n + 1) * sizeof *out->run)};
    uint32_t *const seen = calloc(t->n_labels + 1, sizeof *seen); /* run label -> number + 1 */
    if (out->a == NULL || out->run == NULL || seen == NULL) {
        rows_free(out);
        free(seen);
        return RAISE(err, ERR_MEMORY, "no memory for %zu rows", t->n);
    }
    out->b = out->a + t->n + 1;
    out->c = out->b + t->n + 1;
    out->weight = out->c + t->n + 1;
    for (size_t i = 0; i < t->n; i++) {
        const double x = t->number[a] != NULL ? t->number[a][i] : (double)NAN;
        if ((t->text[TRACE_op] != NULL && t->text[TRACE_op][i] != op) || isnan(x)) {
            continue;
        }
        const uint32_t label = t->text[TRACE_run] != NULL ? t->text[TRACE_run][i] : 0;
        if (seen[label] == 0) {
            seen[label] = (uint32_t)++out->runs;
        }
        const double w = t->number[TRACE_weight] != NULL ? t->number[TRACE_weight][i] : 1;
        out->a[out->n] = x;
        out->b[out->n] = t->number[b] != NULL ? t->number[b][i] : (double)NAN;
        out->c[out->n] = t->number[c] != NULL ? t->number[c][i] : (double)NAN;
        out->weight[out->n] = isnan(w) ? 1 : w;
        out->run[out->n++] = seen[label] - 1;
    }
    free(seen);
    return STATUS_OK;
}

enum status rows_with_size(struct rows *r, struct error *err)
{
    bool *const keep = malloc((r->n + 1) * sizeof *keep);
    if (keep == NULL) {
        return RAISE(err, ERR_MEMORY, "no memory for %zu rows", r->n);
    }
    for (size_t i = 0; i < r->n; i++) {
        keep[i] = !isnan(r->b[i]);
    }
    const enum status code = rows_keep(r, keep, err);
    free(keep);
    return code;
}

size_t operations(const struct trace *t, uint32_t *out, size_t room)
{
    size_t n = 0;
    for (size_t i = 0; i < t->n && t->text[TRACE_op] != NULL; i++) {
        size_t k = 0;
        while (k < n && out[k] != t->text[TRACE_op][i]) {
            k++;
        }
        if (k == n && n < room) {
            out[n++] = t->text[TRACE_op][i];
        }
    }
    if (n == 0) {
        out[n++] = 0;
    }
    return n;
}

enum status rows_keep(struct rows *r, const bool *keep, struct error *err)
{
    uint32_t *const seen = calloc(r->runs + 1, sizeof *seen); /* old run -> new number + 1 */
    if (seen == NULL) {
        return RAISE(err, ERR_MEMORY, "no memory for %zu runs", r->runs);
    }
    size_t n = 0, runs = 0;
    for (size_t i = 0; i < r->n; i++) {
        if (keep[i]) {
            const uint32_t old = r->run[i];
            seen[old] = seen[old] == 0 ? (uint32_t)++runs : seen[old];
            r->a[n] = r->a[i];
            r->b[n] = r->b[i];
            r->c[n] = r->c[i];
            r->weight[n] = r->weight[i];
            r->run[n++] = seen[old] - 1;
        }
    }
    r->n = n;
    r->runs = runs;
    free(seen);
    return STATUS_OK;
}

enum status fit_distribution(struct entry *e, const char *key, const struct rows *r,
                             struct error *err)
{
    double *const flat = malloc((r->n + 1) * sizeof *flat);
    struct run_effect effect = {0};
    enum status code = flat != NULL ? STATUS_OK : RAISE(err, ERR_MEMORY, "no memory to fit");
    const struct sample raw = {.value = r->a, .weight = r->weight, .n = r->n};
    struct sample used = raw;
    if (code == STATUS_OK && r->runs >= 2) {
        code = run_effect_fit(&raw, r->run, r->runs, &effect, flat, err);
        used.value = flat;
    }
    struct fitted best, all[FAMILIES];
    double *sorted = NULL, *weight = NULL;
    if (code == STATUS_OK) {
        code = distribution_choose(&used, e->options->families, 0, &best, all, err);
    }
    if (code == STATUS_OK) {
        code = sample_sort(&used, &sorted, &weight, err);
    }
    if (code == STATUS_OK) {
        const struct sample view = {.value = sorted, .weight = weight, .n = used.n};
        entry_distribution(e, key, &best, all, &effect, &view);
    }
    free(sorted);
    free(weight);
    free(flat);
    return code;
}
