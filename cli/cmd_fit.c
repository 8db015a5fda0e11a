/* fit: constants learned from a trace, as an entry of the catalogue. */
#include "calibration/calibration.h"
#include "cli/commands.h"

#include <stdlib.h>
#include <string.h>

static const struct cli_option options[] = {
    {"what", "TARGET", "start, compute-memory, store, bandwidth or system"},
    {"name", "NAME", "of the entry; the trace's file name when left out"},
    {"over", "ENTRY", "catalogue entry the new one is laid over"},
    {"where", "COLUMN=VALUE", "only these rows; may be repeated"},
    {"system", "LAW",
     "with --what system: metafaas, smlt, feng, naik-memory, naik-steps, "
     "naik-rounds or mlless"},
    {"source", "TEXT", "where the measurement comes from"},
    {"date", "DATE", "when it was made; from time_s of the trace when left out"},
    {"families", "NAMES", "distributions allowed, with commas; all of them when left out"},
    {"cap-vcpu", "N", "compute-memory: vCPUs the code can use, instead of finding it"},
    {"latency-s", "SECONDS", "bandwidth: latency of a transfer, instead of fitting it"},
    {NULL, NULL, NULL},
};

/* File name without folder and ending. */
static void name_of(const char *path, char *out, size_t size)
{
    const char *const slash = strrchr(path, '/');
    snprintf(out, size, "%s", slash != NULL ? slash + 1 : path);
    out[strcspn(out, ".")] = '\0';
}

/* The command as it can be given again, without where its output went. */
static void command_line(const struct cli *cli, struct text *out)
{
    text_puts(out, "faascast");
    for (int i = 1; i < cli->argc; i++) {
        if (strcmp(cli->argv[i], "-o") == 0) {
            i++;
            continue;
        }
        if (strcmp(cli->argv[i], "-q") == 0 || strcmp(cli->argv[i], "--quiet") == 0) {
            continue;
        }
        const bool plain = cli->argv[i][strcspn(cli->argv[i], " '\"\\$`()<>|&;*?")] == '\0';
        text_printf(out, plain ? " %s" : " '%s'", cli->argv[i]);
    }
}

static enum status families_of(const char *list, unsigned *out, struct error *err)
{
    *out = 0;
    while (list != NULL && *list != '\0') {
        const size_t n = strcspn(list, ",");
        unsigned found = 0;
        for (size_t f = 0; f < FAMILIES; f++) {
            const char *const name = family_name((enum family)f);
            found |= strlen(name) == n && memcmp(name, list, n) == 0 ? 1u << f : 0u;
        }
        if (found == 0) {
            return RAISE(err, ERR_USAGE,
                         "--families %.*s: expected some of normal, lognormal, shifted_lognormal, "
                         "gamma, weibull, exponential, mixture, empirical",
                         (int)n, list);
        }
        *out |= found;
        list += n + (list[n] == ',' ? 1 : 0);
    }
    return STATUS_OK;
}

static enum exit_code run(struct cli *cli, struct error *err)
{
    const char *const path = cli->arguments[0];
    const char **const where = calloc(cli->n_options + 1, sizeof *where);
    char name[128];
    struct text command = {0}, json = {0}, summary = {0};
    name_of(path, name, sizeof name);
    command_line(cli, &command);
    struct fit_options fit = {.what = cli_option(cli, "what"),
                              .name = cli_option(cli, "name"),
                              .over = cli_option(cli, "over"),
                              .system = cli_option(cli, "system"),
                              .source = cli_option(cli, "source"),
                              .date = cli_option(cli, "date"),
                              .where = where,
                              .command = command.data};
    fit.name = fit.name != NULL ? fit.name : name;
    for (size_t i = 0; where != NULL && i < cli->n_options; i++) {
        if (strcmp(cli->option_names[i], "where") == 0) {
            where[fit.n_where++] = cli->option_values[i];
        }
    }
    if (where == NULL || command.failed) {
        RAISE(err, ERR_MEMORY, "out of memory");
    } else if (fit.what == NULL) {
        RAISE(err, ERR_USAGE, "fit needs --what start, compute-memory, store, bandwidth or system");
    } else if (cli_number(cli, "cap-vcpu", 0.01, 1e6, 0, &fit.cap_vcpu, err) == STATUS_OK &&
               cli_number(cli, "latency-s", 0, 1e6, 0, &fit.latency_s, err) == STATUS_OK &&
               families_of(cli_option(cli, "families"), &fit.families, err) == STATUS_OK &&
               fit_trace(path, &fit, &json, &summary, err) == STATUS_OK) {
        /* People read the summary; the entry goes to the file, or down the pipe. */
        if (!cli->quiet && summary.data != NULL) {
            fputs(summary.data, stderr);
        }
        const char *const to = cli_option(cli, "o");
        if (cli_write(cli, &json, err) == STATUS_OK && to != NULL && strcmp(to, "-") != 0 &&
            !cli->quiet) {
            fprintf(stderr,
                    "wrote %s; a scenario uses it by \"catalogue\": [\"%s\"] and, in its section, "
                    "\"use\": \"%s\"\n",
                    to, to, fit.name);
        }
    }
    text_free(&json);
    text_free(&summary);
    text_free(&command);
    free(where);
    return EXIT_DONE;
}

const struct command command_fit = {
    .name = "fit",
    .summary = "constants learned from a trace, as a catalogue entry",
    .arguments = "TRACE",
    .examples = "faascast fit trace.csv --what store --name my-s3 --over s3-standard-current -o "
                "my-s3.json\n"
                "faascast fit bursts.csv --what start --over aws-lambda-current -o start.json\n"
                "faascast fit table.csv --what system --system feng --date 2018 -o feng.json\n",
    .options = options,
    .details =
        "Distributions are fitted by maximum likelihood and chosen by AIC among normal, lognormal, "
        "shifted lognormal, gamma, Weibull, exponential and a mixture of two lognormals (Pareto is "
        "reported, scenarios have none); beyond a Kolmogorov-Smirnov distance of 0.1 the empirical "
        "quantiles are taken. Rows of one run share their level; the spread between runs becomes "
        "run_sd. Intervals are 95 %. The entry tells its trace by hash, the command, the date of "
        "the measurement and the goodness of every fit; a scenario that lists the file, "
        "\"catalogue\": "
        "[\"my-s3.json\"], uses it by its name.",
    .arguments_min = 1,
    .arguments_max = 1,
    .only = "json",
    .run = run,
};
