/* import: other tools' measurement files -> a tidy trace that `fit` reads. */
#include "calibration/calibration.h"
#include "cli/commands.h"

#include <stdlib.h>
#include <string.h>

enum { SHOWN_BAD_LINES = 20 };

static const struct cli_option options[] = {
    {"as", "KIND", "cloudwatch, s3-access, power-tuning, lithops or csv; guessed when left out"},
    {"map", "COLUMN=NAME", "csv: this column is that column of the trace; may be repeated"},
    {"const", "NAME=VALUE", "csv: every row has this value; may be repeated"},
    {"run", "NAME", "name of the run the rows belong to"},
    {NULL, NULL, NULL},
};

struct bad_lines {
    const char *path;
    uint64_t shown;
    bool quiet;
};

static void show(void *context, const struct bad_line *bad)
{
    struct bad_lines *const b = context;
    if (!b->quiet && b->shown++ < SHOWN_BAD_LINES) {
        fprintf(stderr, "%s:%llu: %s%s%s\n", b->path, (unsigned long long)bad->line, bad->reason,
                bad->text[0] != '\0' ? ": " : "", bad->text);
    }
}

/* All values of a repeated option. */
static size_t collect(const struct cli *cli, const char *name, const char **out)
{
    size_t n = 0;
    for (size_t i = 0; i < cli->n_options; i++) {
        if (strcmp(cli->option_names[i], name) == 0) {
            out[n++] = cli->option_values[i];
        }
    }
    return n;
}

static void summarise(const struct cli *cli, const struct bad_lines *bad,
                      const struct import_report *r)
{
    if (bad->shown > SHOWN_BAD_LINES) {
        fprintf(stderr, "%s: %llu more bad lines\n", bad->path,
                (unsigned long long)(bad->shown - SHOWN_BAD_LINES));
    }
    if (!cli->quiet) {
        fprintf(stderr, "%s: read as %s, %llu lines: %llu rows, %llu bad, %llu others\n", bad->path,
                r->kind, (unsigned long long)r->lines, (unsigned long long)r->rows,
                (unsigned long long)r->bad_lines, (unsigned long long)r->other_lines);
    }
}

static enum exit_code run(struct cli *cli, struct error *err)
{
    const char **const lists = calloc(2 * cli->n_options + 1, sizeof *lists);
    if (lists == NULL) {
        RAISE(err, ERR_MEMORY, "out of memory");
        return EXIT_FAILED;
    }
    const char *const out = cli_option(cli, "o");
    struct bad_lines bad = {.path = cli->arguments[0], .quiet = cli->quiet};
    struct import_options import = {.kind = cli_option(cli, "as"),
                                    .run = cli_option(cli, "run"),
                                    .maps = lists,
                                    .constants = lists + cli->n_options,
                                    .bad_line = show,
                                    .context = &bad};
    import.n_maps = collect(cli, "map", lists);
    import.n_constants = collect(cli, "const", lists + cli->n_options);
    struct import_report report;
    if (import_file(cli->arguments[0], out != NULL ? out : "-", &import, &report, err) ==
        STATUS_OK) {
        summarise(cli, &bad, &report);
    }
    free(lists);
    return EXIT_DONE;
}

const struct command command_import = {
    .name = "import",
    .summary = "logs and tables of other tools, made into one tidy trace",
    .arguments = "FILE",
    .examples = "faascast import lambda.log.gz -o trace.csv\n"
                "faascast import timings.csv --map ms=duration_ms --const op=get -o trace.csv\n",
    .options = options,
    .details =
        "Reads CloudWatch logs of AWS Lambda (REPORT lines of every era, JSON platform events), "
        "Amazon S3 server access logs, results of AWS Lambda Power Tuning, job statistics of "
        "Lithops, and plain CSV; plain or gzip, - is standard input. The trace is a CSV with one "
        "observation per row, such as duration_s of an op at a concurrency; `faascast show trace` "
        "explains every column. Lines that cannot be read are counted and shown with their number.",
    .arguments_min = 1,
    .arguments_max = 1,
    .only = "csv",
    .run = run,
};
