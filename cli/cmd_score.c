/* score: predictions against a table of measurements, on rows the constants were not fitted to. */
#include "cli/commands.h"
#include "cli/grading.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct cli_option options[] = {
    {"against", "TABLE.csv", "the table; otherwise the one the scenario names"},
    {"hold-out", "k|leave-one-out|column|column=value",
     "rows kept out of the fit: k folds, each row once, the rows of each value of a column in "
     "turn, "
     "or those of one value"},
    {"where", "COLUMN=VALUE", "only these rows; may be repeated"},
    {"engine", "predict|simulate",
     "what predicts: the closed form, or the simulator; otherwise as the scenario says"},
    {"max-mape", "SHARE", "exit with 4 when the mean absolute relative error is larger"},
    {"constants", "FILE", "write the constants fitted on all rows as an overlay for \"include\""},
    {"what", "LAW",
     "grade a law of a trace instead: store, bandwidth, compute-memory, start or billing"},
    {"cap-vcpu", "N", "with --what compute-memory: vCPUs the code can use, instead of finding it"},
    {"latency-s", "SECONDS", "with --what bandwidth: latency of a transfer, instead of fitting it"},
    {NULL, NULL, NULL},
};

/* ---------------------------------------------------------------- writing */

static double error_of(const struct grading *g, size_t i)
{
    const double measured = g->set.cases[i].measured;
    const double predicted = g->rows[i].predicted;
    return g->set.residual == LS_ABSOLUTE ? predicted - measured : predicted / measured - 1;
}

/* For people: per cent, or the unit of the table. */
static void text_error(struct text *out, const struct grading *g, double error, bool sign)
{
    if (g->set.residual == LS_ABSOLUTE) {
        text_printf(out, sign ? "%+.3g" : "%.3g", error);
    } else {
        text_printf(out, sign ? "%+.2f %%" : "%.2f %%", 100 * error);
    }
}

static void write_facts(struct text *out, const struct grading *g)
{
    size_t held = 0;
    for (size_t i = 0; i < g->n_facts; i++) {
        const struct score_fact *f = &g->facts[i];
        if (i == 0) {
            text_printf(out, "\n%-36s %-12s %-24s %-32s %s\n", "fact", "", "measured", "predicted",
                        "holds");
        }
        text_printf(out, "%-36.36s %-12s %-24.24s %-32.32s %s\n", g->set.cases[f->kase].label,
                    f->what, f->measured, f->predicted, f->holds ? "yes" : "NO");
        held += f->holds;
    }
    if (g->n_facts > 0) {
        text_printf(out, "%zu of %zu facts hold\n", held, g->n_facts);
    }
}

static void write_table(struct text *out, const struct grading *g, const char *how)
{
    const struct score *score = &g->score;
    const bool grouped = g->set.groups.by != NULL;
    char title[48];
    text_printf(out, "%s\n%zu %s of %s%s, %s\n", g->set.base.name, score->n,
                grouped ? "groups of rows" : "rows", g->set.against,
                g->engine == SCORE_SIMULATE ? ", simulated" : "", grading_how(g, how));
    if (g->set.seen > 0) {
        text_printf(out, "%zu rows that stand in both tables are not graded\n", g->set.seen);
    }
    text_printf(out, "\n%-36s %12s %12s %25s %8s%s\n", grouped ? "group" : "row", "measured",
                "predicted", grading_interval(g, title, sizeof title), "error",
                grouped ? "    inside" : "");
    for (size_t i = 0; i < g->set.count; i++) {
        const struct graded *r = &g->rows[i];
        char interval[64] = "";
        struct text error = {0};
        if (!r->graded) {
            continue;
        }
        if (isfinite(r->low)) {
            snprintf(interval, sizeof interval, "%.5g to %.5g", r->low, r->high);
        }
        text_error(&error, g, error_of(g, i), true);
        text_printf(out, "%-36.36s %12.5g %12.5g %25s %8s", g->set.cases[i].label,
                    g->set.cases[i].measured, r->predicted, interval,
                    error.data != NULL ? error.data : "");
        if (grouped && isfinite(r->low)) {
            text_printf(out, " %4zu of %zu", r->inside, grading_rows(g, i));
        }
        text_puts(out, "\n");
        text_free(&error);
    }
    text_puts(out, "\nmean absolute error ");
    text_error(out, g, score->mape, false);
    text_puts(out, ", median ");
    text_error(out, g, score->median_error, false);
    text_puts(out, ", largest ");
    text_error(out, g, score->max_error, false);
    text_puts(out, ", bias ");
    text_error(out, g, score->bias, true);
    if (isfinite(score->rank_correlation)) {
        text_printf(out, ", rank correlation %.3f", score->rank_correlation);
    }
    if (isfinite(score->coverage)) {
        text_printf(out, ", intervals hold %.0f %%", 100 * score->coverage);
    }
    text_puts(out, "\n");
    if (isfinite(grading_resolution(g))) {
        text_puts(out, "the measured values were read to ");
        text_error(out, g, grading_resolution(g), false);
        text_puts(out, " of themselves on average: no error below that means anything\n");
    }
    write_facts(out, g);
    for (size_t k = 0; g->fitted && k < g->set.n_constants; k++) {
        const struct estimate *p = &g->all.parameter[k];
        text_printf(out, "%s%-40s %12.5g",
                    k > 0                ? ""
                    : g->set.trained > 0 ? "\nconstants, fitted on the scenario's own table\n"
                                         : "\nconstants, fitted on all rows\n",
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

static void json_number(struct text *out, const char *key, double value)
{
    text_printf(out, ", \"%s\": ", key);
    if (isfinite(value)) {
        text_number(out, value);
    } else {
        text_puts(out, "null");
    }
}

static void write_json(struct text *out, const struct grading *g)
{
    const struct score *score = &g->score;
    text_printf(out, "{\n  \"rows\": %zu, \"error\": \"%s\"", score->n,
                g->set.residual == LS_ABSOLUTE ? "absolute" : "relative");
    json_number(out, "mape", score->mape);
    json_number(out, "median_error", score->median_error);
    json_number(out, "max_error", score->max_error);
    json_number(out, "bias", score->bias);
    json_number(out, "rank_correlation", score->rank_correlation);
    json_number(out, "coverage", score->coverage);
    json_number(out, "resolution", grading_resolution(g));
    text_puts(out, ",\n  \"constants\": {");
    for (size_t k = 0; g->fitted && k < g->set.n_constants; k++) {
        text_puts(out, k > 0 ? ", " : "");
        text_json_string(out, g->set.constants[k].pointer);
        text_puts(out, ": ");
        text_number(out, g->all.parameter[k].value);
    }
    text_puts(out, "},\n  \"facts\": [");
    for (size_t i = 0; i < g->n_facts; i++) {
        const struct score_fact *f = &g->facts[i];
        text_printf(out, "%s\n    {\"label\": ", i > 0 ? "," : "");
        text_json_string(out, g->set.cases[f->kase].label);
        text_puts(out, ", \"fact\": ");
        text_json_string(out, f->what);
        text_puts(out, ", \"measured\": ");
        text_json_string(out, f->measured);
        text_puts(out, ", \"predicted\": ");
        text_json_string(out, f->predicted);
        text_printf(out, ", \"holds\": %s}", f->holds ? "true" : "false");
    }
    text_puts(out, "\n  ],\n  \"predictions\": [");
    bool first = true;
    for (size_t i = 0; i < g->set.count; i++) {
        if (!g->rows[i].graded) {
            continue;
        }
        text_printf(out, "%s\n    {\"label\": ", first ? "" : ",");
        first = false;
        text_json_string(out, g->set.cases[i].label);
        json_number(out, "measured", g->set.cases[i].measured);
        json_number(out, "predicted", g->rows[i].predicted);
        json_number(out, "low", g->rows[i].low);
        json_number(out, "high", g->rows[i].high);
        json_number(out, "error", error_of(g, i));
        json_number(out, "rows", (double)grading_rows(g, i));
        json_number(out, "inside",
                    isfinite(g->rows[i].low) ? (double)g->rows[i].inside : (double)NAN);
        text_puts(out, "}");
    }
    text_puts(out, "\n  ]\n}\n");
}

/* An overlay a scenario can include: the fitted values with where they come from. */
static enum status write_constants(const struct cli *cli, const struct grading *g, const char *path,
                                   struct error *err)
{
    const struct score *score = &g->score;
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

static enum exit_code run(struct cli *cli, struct error *err)
{
    struct grading g = {0};
    struct text out = {0};
    const char *how = cli_option(cli, "hold-out");
    const char *constants = cli_option(cli, "constants");
    const char *engine = cli_option(cli, "engine");
    enum score_engine which = SCORE_AS_SAID;
    double max_mape = 0;
    if (cli_option(cli, "what") != NULL) {
        return score_laws(cli, err);
    }
    if (engine != NULL) {
        which = strcmp(engine, "simulate") == 0 ? SCORE_SIMULATE : SCORE_PREDICT;
        if (which == SCORE_PREDICT && strcmp(engine, "predict") != 0) {
            RAISE(err, ERR_USAGE, "--engine %s: expected predict or simulate", engine);
            return EXIT_USAGE;
        }
    }
    if (cli_number(cli, "max-mape", 0, 100, HUGE_VAL, &max_mape, err) != STATUS_OK) {
        return EXIT_USAGE;
    }
    if (grading_make(cli, cli->arguments[0], cli_option(cli, "against"), how, which, &g, err) ==
        STATUS_OK) {
        if (isfinite(max_mape) && g.set.residual == LS_ABSOLUTE) {
            RAISE(err, ERR_USAGE, "--max-mape is a share: %s grades in the unit of its table",
                  cli->arguments[0]);
        } else if (cli->format == FORMAT_CSV) {
            text_grading_csv(&out, &g);
        } else if (cli->format == FORMAT_JSON) {
            write_json(&out, &g);
        } else {
            write_table(&out, &g, how);
        }
    }
    if (err->code == STATUS_OK) {
        cli_write(cli, &out, err);
    }
    if (err->code == STATUS_OK && constants != NULL && g.set.n_constants > 0) {
        write_constants(cli, &g, constants, err);
    }
    const bool beyond = g.score.mape > max_mape;
    text_free(&out);
    grading_free(&g);
    return beyond ? EXIT_UNMET : EXIT_DONE;
}

const struct command command_score = {
    .name = "score",
    .summary = "predictions against measurements they were not fitted to",
    .arguments = "SCENARIO|TRACE",
    .examples = "faascast score scenarios/feng/structures-a.json --hold-out leave-one-out\n"
                "faascast score scenarios/feng/structures-b.json --against more-structures.csv\n"
                "faascast score my.json --against mine.csv --max-mape 0.1\n"
                "faascast score trace.csv --what store --hold-out run\n"
                "faascast score trace.csv --what compute-memory --against other-sizes.csv\n",
    .options = options,
    .details =
        "The scenario's \"score\" section says which column sets which value, what was "
        "measured, what it is compared with, and which constants are free: they are fitted "
        "on the rows that are not being predicted. Against another table than the scenario's "
        "own, they are fitted on the scenario's own rows, and rows of both are not graded. "
        "Rows that share the columns of \"by\" measured one thing and are graded by their mean, "
        "median or "
        "percentile; with \"engine\": \"simulate\" the same statistic of the simulated runs "
        "predicts it, "
        "and \"interval\" says which share of the runs lies between low and high. "
        "Facts (does it run, which is best) are graded as true or false. "
        "With --what a law is fitted on a trace and predicts the configurations held out, or "
        "those of the other trace.",
    .arguments_min = 1,
    .arguments_max = 1,
    .run = run,
};
