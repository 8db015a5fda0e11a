/* results: what result stores hold; export and filter. */
#include "cli/commands.h"
#include "cli/export.h"
#include "cli/provenance.h"

#include <stdlib.h>
#include <string.h>

static const struct cli_option options[] = {
    {"run", "N", "the rows of this run's sweep (default: the latest)"},
    {"where", "CONDITION", "only rows that meet it, such as 'time_s < 3600'"},
    {NULL, NULL, NULL},
};

static void runs_table(struct text *out, const struct stored_runs *runs)
{
    text_printf(out, "%4s  %-17s %-16s %-8s %10s %10s  %s\n", "run", "started", "scenario hash",
                "engine", "computed", "rows", "scenario");
    for (size_t i = 0; i < runs->count; i++) {
        const struct stored_run *r = &runs->runs[i];
        text_printf(out, "%4lld  %-17.16s %-16s %-8s ", (long long)r->run, r->started, r->scenario,
                    r->engines);
        if (r->finished) {
            text_printf(out, "%10llu", (unsigned long long)r->counts.computed);
        } else {
            text_printf(out, "%10s", "unfinished");
        }
        text_printf(out, " %10llu  %.60s", (unsigned long long)r->rows, r->name);
        if (r->shards > 1) {
            text_printf(out, " (part %llu of %llu)", (unsigned long long)r->shard,
                        (unsigned long long)r->shards);
        }
        text_puts(out, "\n");
    }
    text_puts(out, "\nrows: in the store, of this scenario by this version of the program. Export "
                   "with -o FILE.csv, .json or .db;\n--run and --where choose.\n");
}

static void runs_csv(struct text *out, const struct stored_runs *runs)
{
    text_puts(out, "run,started,ended,scenario,name,scenario_hash,prices_hash,profile_hash,seed,"
                   "engines,version,commit,host,command,points,shard,shards,rows,kept,reused,"
                   "computed,skipped,failed\n");
    for (size_t i = 0; i < runs->count; i++) {
        const struct stored_run *r = &runs->runs[i];
        const char *const texts[] = {r->started, r->ended,   r->path,   r->name,    r->scenario,
                                     r->prices,  r->profile, NULL,      r->engines, r->version,
                                     r->commit,  r->host,    r->command};
        const uint64_t numbers[] = {
            r->points,       r->shard,         r->shards,          r->rows,
            r->counts.kept,  r->counts.reused, r->counts.computed, r->counts.skipped,
            r->counts.failed};
        text_printf(out, "%lld", (long long)r->run);
        for (size_t k = 0; k < sizeof texts / sizeof texts[0]; k++) {
            text_puts(out, ",");
            if (texts[k] != NULL) {
                text_csv(out, texts[k]);
            } else {
                text_number(out, r->seed);
            }
        }
        for (size_t k = 0; k < sizeof numbers / sizeof numbers[0]; k++) {
            text_printf(out, ",%llu", (unsigned long long)numbers[k]);
        }
        text_puts(out, "\n");
    }
}

static enum exit_code list_runs(struct cli *cli, struct error *err)
{
    struct text out = {0};
    for (int i = 0; i < cli->n_arguments && err->code == STATUS_OK; i++) {
        struct stored_runs runs;
        if (sweep_runs(cli->arguments[i], &runs, err) != STATUS_OK) {
            sweep_runs_free(&runs);
            break;
        }
        if (cli->format == FORMAT_CSV) {
            runs_csv(&out, &runs);
        } else if (cli->format == FORMAT_JSON) {
            text_puts(&out, "{\n  \"runs\": [");
            for (size_t k = 0; k < runs.count; k++) {
                text_puts(&out, k > 0 ? ", " : "");
                text_provenance(&out, &runs.runs[k], "  ");
            }
            text_puts(&out, "]\n}\n");
        } else {
            runs_table(&out, &runs);
        }
        sweep_runs_free(&runs);
    }
    if (err->code == STATUS_OK) {
        cli_write(cli, &out, err);
    }
    text_free(&out);
    return EXIT_DONE;
}

static enum exit_code run(struct cli *cli, struct error *err)
{
    struct expression where;
    struct expression fail_if;
    const char *condition = cli_option(cli, "where");
    const char *unwanted = cli_option(cli, "fail-if");
    const char *file = cli_option(cli, "o");
    double number = 0;
    struct export e = {.paths = (const char *const *)cli->arguments,
                       .n_paths = (size_t)cli->n_arguments,
                       .file = file};
    if (condition == NULL && unwanted == NULL && file == NULL && cli_option(cli, "run") == NULL) {
        return list_runs(cli, err);
    }
    if (export_form(cli, &e.form, err) != STATUS_OK ||
        cli_count(cli, "run", 1, 1e15, 0, &number, err) != STATUS_OK ||
        (condition != NULL && cli_condition(condition, &where, err) != STATUS_OK) ||
        (unwanted != NULL && cli_condition(unwanted, &fail_if, err) != STATUS_OK)) {
        return EXIT_USAGE;
    }
    e.run = (int64_t)number;
    e.where = condition != NULL ? &where : NULL;
    e.fail_if = unwanted != NULL ? &fail_if : NULL;
    if (export_rows(&e, err) == STATUS_OK && !cli->quiet && file != NULL &&
        strcmp(file, "-") != 0) {
        fprintf(stderr, "%llu rows in %s\n", (unsigned long long)e.rows, file);
    } else if (err->code == STATUS_OK && e.rows == 0 && condition != NULL && !cli->quiet) {
        fprintf(stderr, "no row meets '%s'\n", condition);
    }
    return e.failed ? EXIT_UNMET : EXIT_DONE;
}

const struct command command_results = {
    .name = "results",
    .summary = "what a result store holds; export and filter its rows",
    .arguments = "FILE.db...",
    .examples = "faascast results million.db\n"
                "faascast results million.db --where 'time_s < 3600 and cost_usd < 5'\n"
                "faascast results million.db --run 2 -o run2.csv\n"
                "faascast results part1.db part2.db -o all.db\n",
    .options = options,
    .details = "Without --run, --where and -o: the runs of each store. Else the rows of one sweep "
               "in the order of its points, each once, from all the stores given (the parts of "
               "--shard). The condition may use every result column.",
    .arguments_min = 1,
    .arguments_max = -1,
    .has_rows = true,
    .keeps_store = true,
    .run = run,
};
