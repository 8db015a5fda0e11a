/* predict: the closed form on every point of a scenario. */
#include "cli/commands.h"
#include "cli/provenance.h"

#include <math.h>
#include <unistd.h>

enum { POINTS_MAX = 5000000 };

static void warn_readings(const struct cli *cli, const struct scenario_cursor *cursor)
{
    const struct config *c = &cursor->config;
    struct reading_result r;
    struct error ignored = {0};
    if (cli->quiet || c->system.reading == READING_PROTOCOL ||
        reading_evaluate(c, &r, &ignored) != STATUS_OK || !r.no_optimum) {
        return;
    }
    fputs("warning: this printed equation is monotone in the number of workers: it has no "
          "optimum (M5 of the equations' list; see faascast explain --readings)\n",
          stderr);
}

static enum status predict_all(struct cli *cli, const struct scenario *s, struct row_list *rows,
                               struct constraints *constraints, struct error *err)
{
    struct scenario_cursor cursor;
    struct evaluator e = {0};
    if (s->points > POINTS_MAX) {
        return RAISE(err, ERR_USAGE,
                     "%llu configurations; predict holds at most %d in memory, sweep keeps any "
                     "number",
                     (unsigned long long)s->points, POINTS_MAX);
    }
    if (cursor_init(&cursor, s, err) != STATUS_OK) {
        return err->code;
    }
    for (uint64_t i = 0; i < s->points && err->code == STATUS_OK; i++) {
        struct row row;
        bool skipped = false;
        if (predict_point(&cursor, i, &e, &row, NULL, NULL, &skipped, err) == STATUS_OK &&
            !skipped) {
            row_list_add(rows, &row, err);
        }
        if (i == 0) {
            *constraints = cursor.config.constraints;
            warn_readings(cli, &cursor);
        }
    }
    evaluator_free(&e);
    cursor_free(&cursor);
    return err->code;
}

/* Rows have room for a word; the error says where the trouble stands. */
static void explain_infeasible(const struct scenario *s, uint64_t point, struct error *err)
{
    struct scenario_cursor cursor;
    struct evaluator e = {0};
    if (cursor_init(&cursor, s, err) == STATUS_OK) {
        predict_check(&cursor, point, &e, err);
        cursor_free(&cursor);
    }
    evaluator_free(&e);
}

static enum exit_code run(struct cli *cli, struct error *err)
{
    struct scenario s;
    struct row_list rows = {0};
    struct constraints constraints = {0};
    struct expression condition;
    const char *fail_if = cli_option(cli, "fail-if");
    if (fail_if != NULL && cli_condition(fail_if, &condition, err) != STATUS_OK) {
        return EXIT_USAGE;
    }
    if (cli_scenario(cli, cli->arguments[0], &s, err) != STATUS_OK) {
        return EXIT_INPUT;
    }
    enum exit_code code = EXIT_FAILED;
    struct text provenance = {0};
    if (predict_all(cli, &s, &rows, &constraints, err) == STATUS_OK &&
        text_provenance_now(&provenance, cli, &s, "predict", (double)NAN, err) == STATUS_OK) {
        struct text out = {0};
        if (cli->format == FORMAT_CSV) {
            text_rows_csv(&out, &rows);
        } else if (cli->format == FORMAT_JSON) {
            text_rows_json(&out, &provenance, &rows);
        } else {
            text_rows_table(&out, cli, &s, &constraints, &rows);
        }
        cli_write_result(cli, &out, &provenance, err);
        bool any = false;
        bool failed = false;
        for (size_t i = 0; i < rows.count; i++) {
            any = any || rows.rows[i].feasible;
            failed = failed || (fail_if != NULL && cli_row_is(&condition, &rows.rows[i]));
        }
        code = failed || (!any && rows.count > 0) ? EXIT_UNMET : EXIT_DONE;
        if (!any && rows.count > 0) {
            explain_infeasible(&s, (uint64_t)rows.rows[0].point, err);
        }
    }
    text_free(&provenance);
    row_list_free(&rows);
    scenario_free(&s);
    return code;
}

const struct command command_predict = {
    .name = "predict",
    .summary = "time and dollars of every configuration, by the closed form",
    .arguments = "FILE",
    .examples = "faascast predict scenarios/metafaas/mini-imagenet-maml-5way-1shot.json\n"
                "faascast predict my.json --set /platform/memory_mib=3008 --format csv -o out.csv\n"
                "faascast predict my.json --fail-if 'cost_usd > 5'\n",
    .details = "Where results come from (version, hashes, seed, command, host) stands in the JSON "
               "and, beside a table or CSV file FILE, in FILE.provenance.json; so for simulate, "
               "plan and sensitivity. Exit code 4 when no configuration is feasible or a row meets "
               "--fail-if.",
    .arguments_min = 1,
    .arguments_max = 1,
    .has_rows = true,
    .run = run,
};
