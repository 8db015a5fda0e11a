/* Grades of bursts of starts: cold and warm ones, and how many are cold. */
#include "calibration/fit/sample.h"
#include "calibration/score/law_rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const enum trace_column burst_key[] = {TRACE_function, TRACE_memory_mib, TRACE_run};

/* A copy of some rows as a trace of its own, sharing the labels. */
static enum status trace_of(const struct law_rows *r, struct trace *out, struct error *err)
{
    *out = (struct trace){.n = r->n, .labels = r->t->labels, .n_labels = r->t->n_labels};
    snprintf(out->path, sizeof out->path, "%s", r->t->path);
    for (size_t c = 0; c < TRACE_COLUMNS && err->code == STATUS_OK; c++) {
        if (r->t->number[c] != NULL) {
            out->number[c] = law_values(r, (enum trace_column)c, err);
        }
        if (r->t->text[c] != NULL) {
            out->text[c] = malloc((r->n + 1) * sizeof *out->text[c]);
            if (out->text[c] == NULL) {
                return RAISE(err, ERR_MEMORY, "no memory for %zu rows", r->n);
            }
            for (size_t i = 0; i < r->n; i++) {
                out->text[c][i] = r->t->text[c][r->at[i]];
            }
        }
    }
    return err->code;
}

static void free_copy(struct trace *t)
{
    for (size_t c = 0; c < TRACE_COLUMNS; c++) {
        free(t->number[c]);
        free(t->text[c]);
    }
}

/* Largest burst of the same function and memory before this row. */
static double pool_before(const struct trace *t, size_t first)
{
    double pool = 0;
    for (size_t i = 0; i < first; i++) {
        if (strcmp(law_label(t, TRACE_function, i), law_label(t, TRACE_function, first)) == 0 &&
            !(law_number(t, TRACE_memory_mib, i) != law_number(t, TRACE_memory_mib, first))) {
            pool = fmax(pool, law_number(t, TRACE_concurrency, i));
        }
    }
    return pool;
}

static enum status grade_mode(struct law_work *w, const struct law_rows *group,
                              const struct start_mode *m, double *delay, size_t n,
                              const char *const words[2], struct error *err)
{
    static const double shares[] = {0.5, 0.9};
    enum { LEAST = 5 }; /* a median of fewer says little */
    const struct sample law = {.value = m->quantile, .n = EMPIRICAL_QUANTILES};
    const struct sample own = {.value = delay, .n = n};
    sort_numbers(delay, n);
    for (size_t k = 0; k < 2 && n >= LEAST && m->n > 0 && err->code == STATUS_OK; k++) {
        const double typical = sample_quantile(&law, shares[k]);
        const bool effect = m->effect.runs >= 2;
        law_put_grade(w, group, burst_key, 3, words[k], sample_quantile(&own, shares[k]), typical,
                      effect ? typical * m->effect.low : (double)NAN,
                      effect ? typical * m->effect.high : (double)NAN, err);
    }
    return err->code;
}

struct start_work {
    struct law_work base;
    struct start_law law;
};

static enum status grade_burst(struct law_work *w, const struct law_rows *group, struct error *err)
{
    const struct start_law *const law = &((const struct start_work *)(const void *)w)->law;
    static const char *const cold_words[] = {"cold p50", "cold p90"};
    static const char *const warm_words[] = {"warm p50", "warm p90"};
    const bool handler = group->t->number[TRACE_submit_s] != NULL;
    double *const delay = malloc(2 * (group->n + 1) * sizeof *delay);
    double *const warm = delay + group->n + 1;
    size_t n_cold = 0;
    size_t n_warm = 0;
    if (delay == NULL) {
        return RAISE(err, ERR_MEMORY, "no memory for %zu rows", group->n);
    }
    /* Between the modes: the geometric mean of their medians. */
    const double limit = law->cold.n > 0 && law->warm.n > 0
                             ? sqrt(law->cold.quantile[50] * law->warm.quantile[50])
                         : law->cold.n > 0 ? 0
                                           : HUGE_VAL;
    for (size_t i = 0; i < group->n; i++) {
        const size_t row = group->at[i];
        const double took = handler ? law_number(group->t, TRACE_start_s, row) -
                                          law_number(group->t, TRACE_submit_s, row)
                                    : law_number(group->t, TRACE_init_s, row);
        const double cold = law_number(group->t, TRACE_cold, row);
        if (isnan(took)) {
            continue;
        }
        if (isnan(cold) ? took > limit : cold > 0) {
            delay[n_cold++] = took;
        } else {
            warm[n_warm++] = took;
        }
    }
    const double n = (double)(n_cold + n_warm);
    const double pool = pool_before(group->t, group->at[0]);
    grade_mode(w, group, &law->cold, delay, n_cold, cold_words, err);
    grade_mode(w, group, &law->warm, warm, n_warm, warm_words, err);
    if (err->code == STATUS_OK && law->cold.n > 0 && law->warm.n > 0 && pool > 0) {
        law_put_grade(w, group, burst_key, 3, "cold starts", (double)n_cold, fmax(0, n - pool), NAN,
                      NAN, err);
    }
    free(delay);
    return err->code;
}

static enum status grade_starts(struct law_work *base, struct error *err)
{
    struct start_work w = {.base = *base};
    struct trace train;
    if (trace_of(&base->train, &train, err) == STATUS_OK &&
        start_fit(&train, 1u << FAMILY_EMPIRICAL, &w.law, err) == STATUS_OK) {
        law_each_group(&w.base, &base->test, burst_key, 3, grade_burst, err);
    }
    free_copy(&train);
    return law_skip(base, err);
}

const struct law_task law_start = {"start", burst_key, 3, NULL, grade_starts, TRACE_run};
