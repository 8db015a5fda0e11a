/* score TRACE --what LAW: constants fitted on rows of a trace predict its other configurations, or
 * those of another trace. */
#include "cli/cli.h"
#include "cli/score.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static enum status load(struct cli *cli, const char *path, struct trace *t, struct error *err)
{
    if (trace_load(path, t, err) != STATUS_OK) {
        return err->code;
    }
    for (size_t i = 0; i < cli->n_options && err->code == STATUS_OK; i++) {
        if (strcmp(cli->option_names[i], "where") != 0) {
            continue;
        }
        const char *const where = cli->option_values[i];
        const char *const equals = strchr(where, '=');
        char column[64];
        if (equals == NULL) {
            return RAISE(err, ERR_USAGE, "'%s': expected column=value", where);
        }
        snprintf(column, sizeof column, "%.*s", (int)(equals - where), where);
        trace_where(t, column, equals + 1, err);
    }
    return err->code;
}

static void write_csv(struct text *out, const struct law_grades *g)
{
    text_puts(out, "label,statistic,rows,measured,predicted,low,high,error,fold\n");
    for (size_t i = 0; i < g->n; i++) {
        const struct law_grade *const one = &g->list[i];
        const double numbers[] = {one->measured, one->predicted, one->low, one->high,
                                  one->predicted / one->measured - 1};
        text_csv(out, one->label);
        text_printf(out, ",%s,%zu", one->statistic, one->rows);
        for (size_t k = 0; k < sizeof numbers / sizeof numbers[0]; k++) {
            text_puts(out, ",");
            if (isfinite(numbers[k])) {
                text_number(out, numbers[k]);
            }
        }
        text_printf(out, ",%zu\n", one->fold);
    }
}

/* Summary of one statistic: "p50: mean absolute error ...". */
static enum status summarise(struct text *out, const struct law_grades *g, const char *statistic,
                             struct score *score, struct error *err)
{
    double *const column = malloc(4 * (g->n + 1) * sizeof *column);
    size_t n = 0;
    if (column == NULL) {
        return RAISE(err, ERR_MEMORY, "out of memory for %zu rows", g->n);
    }
    double *const predicted = column + g->n + 1;
    double *const low = predicted + g->n + 1;
    double *const high = low + g->n + 1;
    for (size_t i = 0; i < g->n; i++) {
        if (statistic == NULL || strcmp(g->list[i].statistic, statistic) == 0) {
            column[n] = g->list[i].measured;
            predicted[n] = g->list[i].predicted;
            low[n] = isnan(g->list[i].high) ? (double)NAN : g->list[i].low;
            high[n++] = g->list[i].high;
        }
    }
    if (score_rows(n, column, predicted, low, high, false, score, err) == STATUS_OK &&
        out != NULL) {
        text_printf(out, "%-30s %4zu  mean %.2f %%, median %.2f %%, largest %.2f %%, bias %+.2f %%",
                    statistic, n, 100 * score->mape, 100 * score->median_error,
                    100 * score->max_error, 100 * score->bias);
        if (isfinite(score->coverage)) {
            text_printf(out, ", intervals hold %.0f %%", 100 * score->coverage);
        }
        text_puts(out, "\n");
    }
    free(column);
    return err->code;
}

static enum status write_table(struct text *out, const struct law_grades *g, const char *path,
                               const char *what, struct error *err)
{
    text_printf(out, "%s of %s\n\n%-44s %-14s %11s %11s %23s %8s\n", what, path, "configuration",
                "", "measured", "predicted", "90 % of new runs", "error");
    for (size_t i = 0; i < g->n; i++) {
        const struct law_grade *const one = &g->list[i];
        char interval[64] = "";
        if (isfinite(one->high)) {
            snprintf(interval, sizeof interval, "%.4g to %.4g", one->low, one->high);
        }
        text_printf(out, "%-44.44s %-14.30s %11.5g %11.5g %23s %+7.1f%%\n", one->label,
                    one->statistic, one->measured, one->predicted, interval,
                    100 * (one->predicted / one->measured - 1));
    }
    text_puts(out, "\n");
    for (size_t i = 0; i < g->n && err->code == STATUS_OK; i++) {
        bool seen = false;
        for (size_t k = 0; k < i && !seen; k++) {
            seen = strcmp(g->list[k].statistic, g->list[i].statistic) == 0;
        }
        struct score score;
        if (!seen) {
            summarise(out, g, g->list[i].statistic, &score, err);
        }
    }
    if (g->skipped > 0) {
        text_printf(out, "%zu configurations have too few others to be fitted on\n", g->skipped);
    }
    return err->code;
}

enum exit_code score_laws(struct cli *cli, struct error *err)
{
    const char *const path = cli->arguments[0];
    const char *const against = cli_option(cli, "against");
    const char *const hold = cli_option(cli, "hold-out");
    const char *const equals = hold != NULL ? strchr(hold, '=') : NULL;
    char column[64] = "";
    double max_mape = 0;
    struct trace trace = {0};
    struct trace other = {0};
    struct law_grades grades = {0};
    struct score score = {0};
    struct text out = {0};
    struct law_options o = {.what = cli_option(cli, "what"),
                            .hold_value = equals != NULL ? equals + 1 : NULL};
    if (hold != NULL) {
        snprintf(column, sizeof column, "%.*s", equals != NULL ? (int)(equals - hold) : 63, hold);
        o.hold_out = column;
    }
    if (cli->format == FORMAT_JSON) {
        RAISE(err, ERR_USAGE, "score --what writes a table or csv");
    } else if (hold != NULL && against != NULL) {
        RAISE(err, ERR_USAGE, "--against grades other rows: nothing is held out of the trace");
    } else if (cli_number(cli, "max-mape", 0, 100, HUGE_VAL, &max_mape, err) == STATUS_OK &&
               cli_number(cli, "cap-vcpu", 0.01, 1e6, 0, &o.cap_vcpu, err) == STATUS_OK &&
               cli_number(cli, "latency-s", 0, 1e6, 0, &o.latency_s, err) == STATUS_OK &&
               load(cli, path, &trace, err) == STATUS_OK &&
               (against == NULL || load(cli, against, &other, err) == STATUS_OK)) {
        o.against = against != NULL ? &other : NULL;
        if (law_grade_trace(&trace, &o, &grades, err) == STATUS_OK &&
            summarise(NULL, &grades, NULL, &score, err) == STATUS_OK) {
            if (cli->format == FORMAT_CSV) {
                write_csv(&out, &grades);
            } else {
                write_table(&out, &grades, against != NULL ? against : path, o.what, err);
            }
            cli_write(cli, &out, err);
        }
    }
    text_free(&out);
    law_grades_free(&grades);
    trace_free(&trace);
    trace_free(&other);
    return score.mape > max_mape ? EXIT_UNMET : EXIT_DONE;
}
