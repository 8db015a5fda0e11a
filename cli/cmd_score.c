/* score: predictions against a table of measurements, on rows the constants were not fitted to. */
#include "cli/commands.h"
#include "cli/score.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct cli_option options[] = {
    {"against", "TABLE.csv", "the table; otherwise the one the scenario names"},
    {"hold-out", "k|leave-one-out|column=value",
     "rows kept out of the fit: k folds, each row once, or the rows where a column has a value"},
    {"max-mape", "SHARE", "exit with 4 when the mean absolute relative error is larger"},
    {"constants", "FILE", "write the constants fitted on all rows as an overlay for \"include\""},
    {NULL, NULL, NULL},
};

/* What one case was predicted as, by constants that had not seen it. */
struct graded {
    double predicted, low, high;
    bool graded;
    size_t fold;
};

struct grading {
    struct score_set set;
    struct graded *rows;
    size_t *chosen, *others;
    double *values;
    double *measured, *predicted, *low, *high; /* of the graded rows */
    struct ls_result all;                      /* constants fitted on every row */
    bool fitted;
    size_t folds;
};

static enum status predict_fold(struct grading *g, size_t n_train, size_t n_test, size_t fold,
                                struct error *err)
{
    struct score_set *s = &g->set;
    struct ls_result fit = {0};
    double theta[CONSTANT_LIMIT] = {0};
    double half = NAN;
    if (s->n_constants > 0) {
        if (score_fit(s, g->others, n_train, &fit, err) != STATUS_OK) {
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
    if (score_predict(s, g->chosen, n_test, theta, &e, g->values, err) == STATUS_OK) {
        for (size_t i = 0; i < n_test; i++) {
            struct graded *row = &g->rows[g->chosen[i]];
            row->predicted = g->values[i];
            /* The residual is predicted / measured - 1. */
            row->low = g->values[i] / (1 + half);
            row->high = half < 1 ? g->values[i] / (1 - half) : HUGE_VAL;
            row->graded = true;
            row->fold = fold;
        }
    }
    evaluator_free(&e);
    return err->code;
}

/* Which rows fold f leaves out. */
static enum status held_out(const struct grading *g, const char *how, size_t fold, size_t i,
                            bool *out, struct error *err)
{
    const struct score_set *s = &g->set;
    const char *equals = strchr(how, '=');
    if (equals == NULL) {
        *out = i % g->folds == fold;
        return STATUS_OK;
    }
    char name[64];
    size_t column = 0;
    snprintf(name, sizeof name, "%.*s", (int)(equals - how), how);
    if (table_column(&s->table, name, &column, err) != STATUS_OK) {
        return err->code;
    }
    *out = strcmp(table_cell(&s->table, s->cases[i].row, column), equals + 1) == 0;
    return STATUS_OK;
}

static enum status count_folds(struct grading *g, const char *how, struct error *err)
{
    char *end = NULL;
    if (strcmp(how, "leave-one-out") == 0) {
        g->folds = g->set.count;
    } else if (strchr(how, '=') != NULL) {
        g->folds = 1;
    } else {
        const long k = strtol(how, &end, 10);
        if (*end != '\0' || end == how || k < 2 || (size_t)k > g->set.count) {
            return RAISE(err, ERR_USAGE,
                         "--hold-out %s: expected 2 to %zu folds, leave-one-out, or column=value",
                         how, g->set.count);
        }
        g->folds = (size_t)k;
    }
    return STATUS_OK;
}

static enum status grade(struct grading *g, const char *how, struct error *err)
{
    struct score_set *s = &g->set;
    for (size_t i = 0; i < s->count; i++) {
        g->others[i] = g->chosen[i] = i;
    }
    if (how == NULL) {
        g->folds = 1;
        return predict_fold(g, s->count, s->count, 0, err);
    }
    if (count_folds(g, how, err) != STATUS_OK) {
        return err->code;
    }
    for (size_t fold = 0; fold < g->folds && err->code == STATUS_OK; fold++) {
        size_t train = 0;
        size_t test = 0;
        for (size_t i = 0; i < s->count && err->code == STATUS_OK; i++) {
            bool out = false;
            held_out(g, how, fold, i, &out, err);
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

static enum status fit_all(struct grading *g, struct error *err)
{
    if (g->set.n_constants == 0) {
        return STATUS_OK;
    }
    for (size_t i = 0; i < g->set.count; i++) {
        g->others[i] = i;
    }
    g->fitted = true;
    return score_fit(&g->set, g->others, g->set.count, &g->all, err);
}

/* ---------------------------------------------------------------- writing */

static void write_csv(struct text *out, const struct grading *g)
{
    text_puts(out, "label,measured,predicted,low,high,error,fold\n");
    for (size_t i = 0; i < g->set.count; i++) {
        const struct graded *r = &g->rows[i];
        if (!r->graded) {
            continue;
        }
        const double measured = g->set.cases[i].measured;
        const double numbers[] = {measured, r->predicted, r->low, r->high,
                                  r->predicted / measured - 1};
        text_csv(out, g->set.cases[i].label);
        for (size_t k = 0; k < sizeof numbers / sizeof numbers[0]; k++) {
            text_puts(out, ",");
            if (isfinite(numbers[k])) {
                text_number(out, numbers[k]);
            }
        }
        text_printf(out, ",%zu\n", r->fold);
    }
}

static void write_table(struct text *out, const struct grading *g, const struct score *score,
                        const char *how)
{
    text_printf(out, "%s\n%zu rows of %s, %s\n\n", g->set.cases[0].config.name, score->n,
                g->set.against,
                how != NULL              ? "each predicted by constants fitted without it"
                : g->set.n_constants > 0 ? "constants fitted on the same rows"
                                         : "nothing fitted");
    text_printf(out, "%-36s %12s %12s %25s %8s\n", "row", "measured", "predicted", "95 % interval",
                "error");
    for (size_t i = 0; i < g->set.count; i++) {
        const struct graded *r = &g->rows[i];
        const double measured = g->set.cases[i].measured;
        char interval[64] = "";
        if (!r->graded) {
            continue;
        }
        if (isfinite(r->low)) {
            snprintf(interval, sizeof interval, "%.5g to %.5g", r->low, r->high);
        }
        text_printf(out, "%-36.36s %12.5g %12.5g %25s %+7.1f%%\n", g->set.cases[i].label, measured,
                    r->predicted, interval, 100 * (r->predicted / measured - 1));
    }
    text_printf(
        out, "\nmean absolute error %.2f %%, median %.2f %%, largest %.2f %%, bias %+.2f %%",
        100 * score->mape, 100 * score->median_error, 100 * score->max_error, 100 * score->bias);
    if (isfinite(score->rank_correlation)) {
        text_printf(out, ", rank correlation %.3f", score->rank_correlation);
    }
    if (isfinite(score->coverage)) {
        text_printf(out, ", intervals hold %.0f %%", 100 * score->coverage);
    }
    text_puts(out, "\n");
    for (size_t k = 0; g->fitted && k < g->set.n_constants; k++) {
        const struct estimate *p = &g->all.parameter[k];
        text_printf(out, "%s%-40s %12.5g", k == 0 ? "\nconstants, fitted on all rows\n" : "",
                    g->set.constants[k].pointer, p->value);
        if (p->at_bound) {
            text_puts(out, "  at its bound");
        } else if (isfinite(p->low)) {
            text_printf(out, "  95 %%: %.5g to %.5g", p->low, p->high);
        }
        text_puts(out, p->unidentified ? "  (not identified alone)\n" : "\n");
    }
    for (size_t k = 0; g->fitted && k < g->all.ambiguities; k++) {
        text_printf(out, "%s\n", g->all.ambiguity[k].text);
    }
}

static void write_json(struct text *out, const struct grading *g, const struct score *score)
{
    text_printf(out, "{\n  \"rows\": %zu,\n  \"mape\": ", score->n);
    text_number(out, score->mape);
    text_puts(out, ",\n  \"median_error\": ");
    text_number(out, score->median_error);
    text_puts(out, ",\n  \"max_error\": ");
    text_number(out, score->max_error);
    text_puts(out, ",\n  \"bias\": ");
    text_number(out, score->bias);
    text_puts(out, ",\n  \"constants\": {");
    for (size_t k = 0; g->fitted && k < g->set.n_constants; k++) {
        text_puts(out, k > 0 ? ", " : "");
        text_json_string(out, g->set.constants[k].pointer);
        text_puts(out, ": ");
        text_number(out, g->all.parameter[k].value);
    }
    text_puts(out, "},\n  \"predictions\": [");
    for (size_t i = 0; i < g->set.count; i++) {
        text_printf(out, "%s\n    {\"label\": ", i > 0 ? "," : "");
        text_json_string(out, g->set.cases[i].label);
        text_puts(out, ", \"measured\": ");
        text_number(out, g->set.cases[i].measured);
        text_puts(out, ", \"predicted\": ");
        if (isfinite(g->rows[i].predicted) && g->rows[i].graded) {
            text_number(out, g->rows[i].predicted);
        } else {
            text_puts(out, "null");
        }
        text_puts(out, "}");
    }
    text_puts(out, "\n  ]\n}\n");
}

/* An overlay a scenario can include: the fitted values with where they come from. */
static enum status write_constants(const struct cli *cli, const struct grading *g,
                                   const struct score *score, const char *path, struct error *err)
{
    struct arena a = {0};
    struct json_origin none = {.file = "fit"};
    struct json *root = json_new(&a, JSON_OBJECT, none);
    for (size_t k = 0; root != NULL && k < g->set.n_constants && err->code == STATUS_OK; k++) {
        struct text value = {0};
        struct json *node = NULL;
        const struct estimate *p = &g->all.parameter[k];
        text_puts(&value, "{\"value\": ");
        text_number(&value, p->value);
        text_printf(&value,
                    ", \"source\": \"faascast score %s against %s: %zu rows, mean error %.2f %%, "
                    "95 %% interval %.4g to %.4g\", \"status\": \"measured\"}",
                    cli->arguments[0], g->set.against, score->n, 100 * score->mape, p->low,
                    p->high);
        if (value.failed ||
            json_parse(&a, "fit", value.data, value.size, &node, err) != STATUS_OK ||
            json_set(&a, root, g->set.constants[k].pointer, node, err) != STATUS_OK) {
            RAISE(err, ERR_MEMORY, "out of memory writing constants");
        }
        text_free(&value);
    }
    struct text out = {0};
    if (root != NULL && err->code == STATUS_OK) {
        text_puts(&out, "// written by faascast score --constants; refit rather than edit\n");
        json_write(&out, root, 2);
        text_puts(&out, "\n");
        file_write(path, out.data, out.size, err);
    }
    text_free(&out);
    arena_free(&a);
    return err->code;
}

static enum status summarise(struct grading *g, struct score *score, struct error *err)
{
    size_t n = 0;
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
        n++;
    }
    return score_rows(n, g->measured, g->predicted, g->low, g->high, score, err);
}

static void grading_free(struct grading *g)
{
    score_free(&g->set);
    free(g->rows);
    free(g->chosen);
    free(g->others);
    free(g->values);
    free(g->measured);
    free(g->predicted);
    free(g->low);
    free(g->high);
}

static enum exit_code run(struct cli *cli, struct error *err)
{
    struct grading g = {0};
    struct score score = {0};
    const char *how = cli_option(cli, "hold-out");
    const char *constants = cli_option(cli, "constants");
    double max_mape = 0;
    if (cli_number(cli, "max-mape", 0, 100, HUGE_VAL, &max_mape, err) != STATUS_OK ||
        score_load(cli, cli->arguments[0], cli_option(cli, "against"), &g.set, err) != STATUS_OK) {
        return EXIT_INPUT;
    }
    const size_t n = g.set.count + 1;
    g.rows = calloc(n, sizeof *g.rows);
    g.chosen = calloc(n, sizeof *g.chosen);
    g.others = calloc(n, sizeof *g.others);
    g.values = calloc(n, sizeof *g.values);
    g.measured = calloc(n, sizeof *g.measured);
    g.predicted = calloc(n, sizeof *g.predicted);
    g.low = calloc(n, sizeof *g.low);
    g.high = calloc(n, sizeof *g.high);
    struct text out = {0};
    if (g.rows == NULL || g.chosen == NULL || g.others == NULL || g.values == NULL ||
        g.measured == NULL || g.predicted == NULL || g.low == NULL || g.high == NULL) {
        RAISE(err, ERR_MEMORY, "out of memory for %zu rows", n);
    } else if (grade(&g, how, err) == STATUS_OK && fit_all(&g, err) == STATUS_OK &&
               summarise(&g, &score, err) == STATUS_OK) {
        if (cli->format == FORMAT_CSV) {
            write_csv(&out, &g);
        } else if (cli->format == FORMAT_JSON) {
            write_json(&out, &g, &score);
        } else {
            write_table(&out, &g, &score, how);
        }
        cli_write(cli, &out, err);
        if (constants != NULL && g.set.n_constants > 0 && err->code == STATUS_OK) {
            write_constants(cli, &g, &score, constants, err);
        }
    }
    grading_free(&g);
    return score.mape > max_mape ? EXIT_UNMET : EXIT_DONE;
}

const struct command command_score = {
    .name = "score",
    .summary = "predictions against measurements they were not fitted to",
    .arguments = "SCENARIO",
    .examples = "faascast score scenarios/feng/structures-a.json --hold-out leave-one-out\n"
                "faascast score my.json --against mine.csv --max-mape 0.1\n",
    .options = options,
    .details = "The scenario's \"score\" section says which column sets which value, what was "
               "measured, what it is compared with, and which constants are free: they are fitted "
               "on the rows that are not being predicted.",
    .arguments_min = 1,
    .arguments_max = 1,
    .run = run,
};
