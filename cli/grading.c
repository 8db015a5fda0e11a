/* Grading: rows held out fold by fold, each predicted by constants that have not seen it. */
#include "cli/grading.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *grading_how(const struct grading *g, const char *hold_out)
{
    return hold_out != NULL          ? "each predicted by constants fitted without it"
           : g->set.n_constants == 0 ? "nothing fitted"
           : g->set.trained > 0      ? "constants fitted on the scenario's own table"
                                     : "constants fitted on the same rows";
}

size_t grading_rows(const struct grading *g, size_t i)
{
    return g->set.cases[i].n_values > 0 ? g->set.cases[i].n_values : 1;
}

const char *grading_interval(const struct grading *g, char *out, size_t size)
{
    const bool runs = g->engine == SCORE_SIMULATE && g->set.interval > 0;
    snprintf(out, size, runs ? "%g %% of runs" : "%g %% interval",
             runs ? 100 * g->set.interval : 95);
    return out;
}

/* Measurements of a case within the interval. */
static size_t count_inside(const struct score_case *c, const struct graded *r)
{
    size_t inside = 0;
    for (size_t k = 0; k < c->n_values; k++) {
        inside += r->low <= c->values[k] && c->values[k] <= r->high;
    }
    return c->n_values > 0 ? inside : r->low <= c->measured && c->measured <= r->high;
}

/* Numbers as they were printed last, by a hash of their bits: rows of one configuration share what
 * is predicted, and printing is the largest part of a million of them. */
struct printed {
    double value;
    char text[32];
};

enum { PRINTED = 4096 };

static void put_number(struct text *out, struct printed *known, double value)
{
    struct printed *p = &known[hash_bytes(HASH_SEED, &value, sizeof value) % PRINTED];
    if (memcmp(&p->value, &value, sizeof value) != 0 || p->text[0] == '\0') {
        struct text t = {0};
        text_number(&t, value);
        if (t.failed || t.size >= sizeof p->text) {
            text_number(out, value);
            text_free(&t);
            return;
        }
        p->value = value;
        memcpy(p->text, t.data, t.size + 1);
        text_free(&t);
    }
    text_puts(out, p->text);
}

void text_grading_csv(struct text *out, const struct grading *g)
{
    struct printed *const known = calloc(PRINTED, sizeof *known);
    if (known == NULL) {
        out->failed = true;
        return;
    }
    text_puts(out, "label,measured,predicted,low,high,error,fold,resolution,rows,inside\n");
    for (size_t i = 0; i < g->set.count; i++) {
        const struct graded *r = &g->rows[i];
        if (!r->graded) {
            continue;
        }
        const double measured = g->set.cases[i].measured;
        const bool absolute = g->set.residual == LS_ABSOLUTE;
        const double numbers[] = {measured, r->predicted, r->low, r->high,
                                  absolute ? r->predicted - measured : r->predicted / measured - 1};
        text_csv(out, g->set.cases[i].label);
        for (size_t k = 0; k < sizeof numbers / sizeof numbers[0]; k++) {
            text_puts(out, ",");
            if (isfinite(numbers[k]) && k >= 1 && k <= 3) { /* what is predicted */
                put_number(out, known, numbers[k]);
            } else if (isfinite(numbers[k])) {
                text_number(out, numbers[k]);
            }
        }
        text_printf(out, ",%zu,", r->fold);
        if (isfinite(g->set.cases[i].resolution)) {
            text_number(out, g->set.cases[i].resolution);
        }
        text_printf(out, ",%zu,", grading_rows(g, i));
        if (!isnan(r->low) && !isnan(r->high)) {
            text_printf(out, "%zu", r->inside);
        }
        text_puts(out, "\n");
    }
    free(known);
}

static enum status predict_fold(struct grading *g, size_t n_train, size_t n_test, size_t fold,
                                struct error *err)
{
    struct score_set *s = &g->set;
    struct ls_result fit = {0};
    double theta[CONSTANT_LIMIT] = {0};
    double half = NAN;
    if (s->n_constants > 0) {
        if (score_fit(s, g->engine, g->others, n_train, &fit, err) != STATUS_OK) {
            return err->code;
        }
        for (size_t k = 0; k < s->n_constants; k++) {
            theta[k] = fit.parameter[k].value;
        }
        if (n_train > s->n_constants) {
            half = fit.sigma * gsl_cdf_tdist_Pinv(0.975, (double)(n_train - s->n_constants));
        }
    }
    struct evaluator e = {0};
    const bool runs = g->engine == SCORE_SIMULATE && s->interval > 0;
    if (score_predict(s, g->engine, g->chosen, n_test, theta, &e, g->values, g->low, g->high,
                      err) == STATUS_OK) {
        for (size_t i = 0; i < n_test; i++) {
            struct graded *row = &g->rows[g->chosen[i]];
            const double value = g->values[i];
            const bool absolute = s->residual == LS_ABSOLUTE;
            /* The residual is predicted / measured - 1, or predicted - measured. */
            row->predicted = value;
            row->low = runs ? g->low[i] : absolute ? value - half : value / (1 + half);
            row->high = runs       ? g->high[i]
                        : absolute ? value + half
                        : half < 1 ? value / (1 - half)
                                   : HUGE_VAL;
            row->inside = count_inside(&s->cases[g->chosen[i]], row);
            row->graded = true;
            row->fold = fold;
        }
    }
    evaluator_free(&e);
    return err->code;
}

/* The column of --hold-out COLUMN[=VALUE]. */
static enum status hold_column(const struct grading *g, const char *how, size_t *out,
                               struct error *err)
{
    const char *equals = strchr(how, '=');
    char name[64];
    snprintf(name, sizeof name, "%.*s", equals != NULL ? (int)(equals - how) : 63, how);
    if (table_column(&g->set.table, name, out, err) == STATUS_OK &&
        !score_group_has(&g->set, name)) {
        RAISE(err, ERR_USAGE,
              "--hold-out %s: rows of one group may differ in %s; name it in \"by\"", how, name);
    }
    return err->code;
}

/* A fold for each value of a column, told by the first row that has it. */
static enum status folds_of_column(struct grading *g, size_t column, struct error *err)
{
    struct pair_map known = {0};
    for (size_t i = 0; i < g->set.count && err->code == STATUS_OK; i++) {
        const struct score_case *c = &g->set.cases[i];
        if (c->use != SCORE_GRADE) {
            continue;
        }
        const char *cell = table_cell(&g->set.table, c->row, column);
        const uint32_t at = pair_map_index(&known, hash_bytes(HASH_SEED, cell, strlen(cell)),
                                           hash_bytes(HASH_SEED + 1, cell, strlen(cell)));
        if (at == UINT32_MAX) {
            RAISE(err, ERR_MEMORY, "out of memory for folds");
        } else if (at == g->folds) {
            g->fold_row[g->folds++] = c->row;
        }
    }
    pair_map_free(&known);
    return err->code;
}

/* Which rows fold f leaves out; `nth` of the rows that are graded. */
static enum status held_out(const struct grading *g, const char *how, size_t fold, size_t nth,
                            size_t i, bool *out, struct error *err)
{
    const char *equals = strchr(how, '=');
    size_t column = 0;
    if (!g->by_column) {
        *out = nth % g->folds == fold;
        return STATUS_OK;
    }
    if (hold_column(g, how, &column, err) == STATUS_OK) {
        const char *cell = table_cell(&g->set.table, g->set.cases[i].row, column);
        *out = equals != NULL
                   ? strcmp(cell, equals + 1) == 0
                   : strcmp(cell, table_cell(&g->set.table, g->fold_row[fold], column)) == 0;
    }
    return err->code;
}

static enum status count_folds(struct grading *g, const char *how, struct error *err)
{
    char *end = NULL;
    const size_t n = g->set.graded;
    size_t column = 0;
    const long k = strtol(how, &end, 10);
    if (strcmp(how, "leave-one-out") == 0) {
        g->folds = n;
    } else if (*end != '\0' || end == how) {
        g->by_column = true;
        g->folds = strchr(how, '=') != NULL;
        if (hold_column(g, how, &column, err) == STATUS_OK && g->folds == 0) {
            folds_of_column(g, column, err);
        }
    } else if (k < 2 || (size_t)k > n) {
        return RAISE(err, ERR_USAGE,
                     "--hold-out %s: expected 2 to %zu folds, leave-one-out, column or "
                     "column=value",
                     how, n);
    } else {
        g->folds = (size_t)k;
    }
    return err->code;
}

/* Indices of the cases of one use. */
static size_t cases_of(const struct score_set *s, enum score_use use, size_t *out)
{
    size_t n = 0;
    for (size_t i = 0; i < s->count; i++) {
        if (s->cases[i].use == use) {
            out[n++] = i;
        }
    }
    return n;
}

/* The rows the constants are fitted on when nothing is held out. */
static size_t training_rows(struct grading *g)
{
    return cases_of(&g->set, g->set.trained > 0 ? SCORE_TRAIN : SCORE_GRADE, g->others);
}

static enum status grade(struct grading *g, const char *how, struct error *err)
{
    struct score_set *s = &g->set;
    if (how == NULL) {
        g->folds = 1;
        const size_t train = training_rows(g);
        return predict_fold(g, train, cases_of(s, SCORE_GRADE, g->chosen), 0, err);
    }
    if (count_folds(g, how, err) != STATUS_OK) {
        return err->code;
    }
    for (size_t fold = 0; fold < g->folds && err->code == STATUS_OK; fold++) {
        size_t train = 0;
        size_t test = 0;
        for (size_t i = 0; i < s->count && err->code == STATUS_OK; i++) {
            bool out = false;
            if (s->cases[i].use != SCORE_GRADE) {
                continue;
            }
            held_out(g, how, fold, train + test, i, &out, err);
            if (out) {
                g->chosen[test++] = i;
            } else {
                g->others[train++] = i;
            }
        }
        if (err->code == STATUS_OK && test == 0) {
            return RAISE(err, ERR_USAGE, "--hold-out %s leaves no row out", how);
        }
        if (err->code == STATUS_OK) {
            predict_fold(g, train, test, fold, err);
        }
    }
    return err->code;
}

/* The constants of all training rows, and the facts by them. */
static enum status conclude(struct grading *g, struct error *err)
{
    double theta[CONSTANT_LIMIT] = {0};
    if (g->set.n_constants > 0) {
        const size_t n = training_rows(g);
        if (score_fit(&g->set, g->engine, g->others, n, &g->all, err) != STATUS_OK) {
            return err->code;
        }
        g->fitted = true;
        for (size_t k = 0; k < g->set.n_constants; k++) {
            theta[k] = g->all.parameter[k].value;
        }
    }
    struct evaluator e = {0};
    score_facts(&g->set, theta, &e, &g->facts, &g->n_facts, err);
    evaluator_free(&e);
    return err->code;
}

static enum status summarise(struct grading *g, struct error *err)
{
    size_t n = 0;
    size_t rows = 0;
    size_t inside = 0;
    for (size_t i = 0; i < g->set.count; i++) {
        const struct graded *r = &g->rows[i];
        if (!r->graded) {
            continue;
        }
        if (!isfinite(r->predicted)) {
            return RAISE(err, ERR_INFEASIBLE, "row '%s' was measured but is predicted infeasible",
                         g->set.cases[i].label);
        }
        g->measured[n] = g->set.cases[i].measured;
        g->predicted[n] = r->predicted;
        g->low[n] = r->low;
        g->high[n] = r->high;
        if (!isnan(r->low) && !isnan(r->high)) {
            rows += grading_rows(g, i);
            inside += r->inside;
        }
        n++;
    }
    if (score_rows(n, g->measured, g->predicted, g->low, g->high, g->set.residual == LS_ABSOLUTE,
                   &g->score, err) == STATUS_OK &&
        rows > 0) { /* every measurement counts, not only the statistic of its group */
        g->score.coverage = (double)inside / (double)rows;
    }
    return err->code;
}

double grading_resolution(const struct grading *g)
{
    double sum = 0;
    size_t n = 0;
    for (size_t i = 0; i < g->set.count; i++) {
        const struct score_case *c = &g->set.cases[i];
        if (g->rows[i].graded && isfinite(c->resolution)) {
            sum += g->set.residual == LS_ABSOLUTE ? c->resolution : c->resolution / c->measured;
            n++;
        }
    }
    return n > 0 ? sum / (double)n : (double)NAN;
}

enum status grading_make(const struct cli *cli, const char *path, const char *against,
                         const char *hold_out, enum score_engine engine, struct grading *g,
                         struct error *err)
{
    *g = (struct grading){.engine = engine};
    if (score_load(cli, path, against, hold_out != NULL, &g->set, err) != STATUS_OK) {
        return err->code;
    }
    if (engine == SCORE_AS_SAID) {
        g->engine = g->set.engine;
    }
    const size_t n = g->set.count + 1;
    g->rows = calloc(n, sizeof *g->rows);
    g->chosen = calloc(3 * n, sizeof *g->chosen);
    g->values = calloc(5 * n, sizeof *g->values);
    if (g->rows == NULL || g->chosen == NULL || g->values == NULL) {
        return RAISE(err, ERR_MEMORY, "out of memory for %zu rows", n);
    }
    g->others = g->chosen + n;
    g->fold_row = g->others + n;
    g->measured = g->values + n;
    g->predicted = g->measured + n;
    g->low = g->predicted + n;
    g->high = g->low + n;
    if (grade(g, hold_out, err) == STATUS_OK && conclude(g, err) == STATUS_OK) {
        summarise(g, err);
    }
    return err->code;
}

void grading_free(struct grading *g)
{
    score_free(&g->set);
    free(g->rows);
    free(g->chosen);
    free(g->values);
    free(g->facts);
    *g = (struct grading){0};
}
