/* check: is a scenario valid? Every point is read and finished; --resolved prints what was read. */
#include "cli/commands.h"
#include "model/search.h"

#include <math.h>

static const struct cli_option options[] = {
    {"resolved", NULL, "print the merged configuration with the origin of every value"},
    {NULL, NULL, NULL},
};

static void write_origins(struct text *out, const struct json *node, int depth)
{
    for (const struct json *child = node->first; child != NULL; child = child->next) {
        const bool inner = (child->kind == JSON_OBJECT || child->kind == JSON_ARRAY) &&
                           child->first != NULL && json_member(child, "value") == NULL;
        struct text value = {0};
        for (int i = 0; i < depth; i++) {
            text_puts(&value, "  ");
        }
        if (child->key != NULL) {
            text_json_string(&value, child->key);
            text_puts(&value, ": ");
        }
        const bool list = child->kind == JSON_ARRAY;
        if (inner) {
            text_puts(&value, list ? "[" : "{");
            text_printf(out, "%s\n", value.data != NULL ? value.data : "");
            write_origins(out, child, depth + 1);
            for (int i = 0; i < depth; i++) {
                text_puts(out, "  ");
            }
            text_puts(out, list ? "]" : "}");
            text_puts(out, child->next != NULL ? ",\n" : "\n");
        } else {
            json_write(&value, child, 0);
            text_puts(&value, child->next != NULL ? "," : "");
            text_printf(out, "%-60s // %s:%u\n", value.data != NULL ? value.data : "",
                        child->origin.file, child->origin.line);
        }
        text_free(&value);
    }
}

static enum status check_points(const struct scenario *s, uint64_t *infeasible, struct error *err)
{
    /* Every point of a large sweep differs from its neighbours by a number only: a million tell. */
    const uint64_t points = s->points < 1000000 ? s->points : 1000000;
    struct scenario_cursor cursor;
    struct evaluator e = {0};
    if (cursor_init(&cursor, s, err) != STATUS_OK) {
        return err->code;
    }
    uint64_t first_infeasible = points;
    *infeasible = 0;
    uint64_t feasible = 0;
    for (uint64_t i = 0; i < points && err->code == STATUS_OK; i++) {
        struct row row;
        bool skipped = false;
        predict_point(&cursor, i, &e, &row, NULL, NULL, &skipped, err);
        if (!skipped && !row.feasible && first_infeasible == points) {
            first_infeasible = i;
        }
        feasible += !skipped && row.feasible;
        *infeasible += !skipped && !row.feasible;
    }
    if (err->code == STATUS_OK && feasible == 0 && *infeasible == 0) {
        JSON_RAISE(err, s->sweep, ERR_INPUT, "every configuration is skipped");
        snprintf(err->path, sizeof err->path, "/sweep"); /* it no longer hangs on the tree */
    }
    if (err->code == STATUS_OK && feasible == 0 && *infeasible > 0) {
        predict_check(&cursor, first_infeasible, &e, err);
    }
    evaluator_free(&e);
    cursor_free(&cursor);
    return err->code;
}

/* The section plan as `plan` reads it: every choice, all workers, all memory. */
static enum status check_plan(const struct cli *cli, const char *path, double *configurations,
                              struct error *err)
{
    struct scenario s;
    struct search search;
    const struct scenario_options o = {
        .data_dir = cli->data_dir, .sets = cli->sets, .n_sets = cli->n_sets, .plan = true};
    *configurations = 0;
    if (scenario_load(path, &o, &s, err) != STATUS_OK) {
        return err->code;
    }
    if (search_open(&search, &s, err) == STATUS_OK) {
        *configurations = search.configurations;
        search_close(&search);
    }
    scenario_free(&s);
    return err->code;
}

static enum exit_code run(struct cli *cli, struct error *err)
{
    struct text out = {0};
    enum exit_code worst = EXIT_DONE;
    for (int i = 0; i < cli->n_arguments; i++) {
        struct scenario s;
        struct error own = {0};
        struct arena arena = {0};
        if (cli_scenario(cli, cli->arguments[i], &s, &own) == STATUS_OK) {
            uint64_t infeasible = 0;
            double planned = 0;
            if (cursor_check_replaced(&s, &own) == STATUS_OK &&
                check_points(&s, &infeasible, &own) == STATUS_OK &&
                (s.plan == NULL ||
                 check_plan(cli, cli->arguments[i], &planned, &own) == STATUS_OK)) {
                struct json *tree = NULL;
                if (cli_option(cli, "resolved") == NULL) {
                    text_printf(&out, "%s: valid, %llu configuration%s", cli->arguments[i],
                                (unsigned long long)s.points, s.points == 1 ? "" : "s");
                    if (infeasible > 0) {
                        text_printf(&out, ", %llu infeasible", (unsigned long long)infeasible);
                    }
                    if (planned > 0) {
                        text_printf(&out, ", %.0f to plan from", planned);
                    }
                    text_puts(&out, "\n");
                } else if (scenario_resolved(&s, &arena, &tree, &own) == STATUS_OK) {
                    text_puts(&out, "{\n");
                    write_origins(&out, tree, 1);
                    text_puts(&out, "}\n");
                }
            }
            scenario_free(&s);
        }
        arena_free(&arena);
        if (own.code != STATUS_OK) {
            const enum exit_code code = cli_exit_code(own.code);
            worst = code > worst ? code : worst;
            if (i + 1 == cli->n_arguments || cli->n_arguments == 1) {
                *err = own; /* the last one is told by main, with its line */
            } else {
                char message[1200];
                error_format(&own, message, sizeof message);
                fprintf(stderr, "error: %s\n", message);
            }
        }
    }
    struct error write = {0};
    if (cli_write(cli, &out, &write) != STATUS_OK && err->code == STATUS_OK) {
        *err = write;
    }
    return worst;
}

const struct command command_check = {
    .name = "check",
    .summary = "say whether scenarios are valid",
    .arguments = "FILE...",
    .examples = "faascast check scenarios/metafaas/*.json\n"
                "faascast check my.json --resolved\n",
    .options = options,
    .details =
        "Reads every configuration of each scenario and reports the first mistake of each "
        "with file, line, column and JSON path. A scenario none of whose configurations is "
        "feasible is refused too, with exit code 4. The section plan is checked as plan reads "
        "it.",
    .arguments_min = 1,
    .arguments_max = -1,
    .only = "text",
    .run = run,
};
