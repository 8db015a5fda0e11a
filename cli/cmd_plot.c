/* plot: one picture of results. */
#include "cli/commands.h"
#include "cli/plot.h"

#include <string.h>

static const struct cli_option options[] = {
    {"keep", NULL, "keep the table and the gnuplot script beside the picture, to be edited"},
    {"where", "CONDITION", "draw only the rows that meet it, such as 'memory_mib = 3008'"},
    {"value", "COLUMN",
     "time: a part of it such as exchange_s; heatmap, cdf, tornado: time_s or cost_usd"},
    {"per-round", NULL, "time: divided by the iterations"},
    {"every", "DURATION", "idle: between two trainings (1d)"},
    {"arrivals", "regular|poisson|FILE",
     "idle: how trainings come; a CSV with arrival_s in seconds"},
    {"days", "N", "idle: how long (30)"},
    {"seed", "N", "idle: of random arrivals (1)"},
    {"vm-usd-per-hour", "USD",
     "idle: the machine's price; else that of its training in the results"},
    {"unit", "WORDS", "validation: unit of the measured values"},
    {"time-limit", "DURATION", "stop gnuplot after this long (60s)"},
    {NULL, NULL, NULL},
};

static enum exit_code run(struct cli *cli, struct error *err)
{
    const char *name = cli->arguments[0];
    const struct plot_kind *kind = plot_kind_find(name);
    struct plot p = {.cli = cli, .sources = cli->arguments + 1, .n_sources = cli->n_arguments - 1};
    if (kind == NULL) {
        const char *names[32];
        size_t n = 0;
        for (; n < 32 && plot_kinds[n] != NULL; n++) {
            names[n] = plot_kinds[n]->name;
        }
        const char *near = nearest_name(name, names, n);
        struct text all = {0};
        for (size_t i = 0; i < n; i++) {
            text_printf(&all, "%s%s", i > 0 ? ", " : "", names[i]);
        }
        RAISE(err, ERR_USAGE, "no kind of plot '%s'%s%s%s; there are %s", name,
              near != NULL ? ", did you mean '" : "", near != NULL ? near : "",
              near != NULL ? "'?" : "", all.data != NULL ? all.data : "");
        text_free(&all);
        return EXIT_USAGE;
    }
    const char *path = cli_option(cli, "o");
    if (plot_check_path(path, err) == STATUS_OK &&
        (kind->own_input ||
         (plot_want(&p, kind, err) == STATUS_OK && plot_read(&p, err) == STATUS_OK)) &&
        plot_make(&p, kind, err) == STATUS_OK) {
        plot_draw(&p, path, err);
    }
    plot_free(&p);
    return EXIT_DONE;
}

const struct command command_plot = {
    .name = "plot",
    .summary = "a picture of results: speed-up, time, cost, Pareto front and more",
    .arguments = "KIND RESULTS...",
    .examples = "faascast plot speedup scenarios/metafaas/mini-imagenet.json -o speedup.svg\n"
                "faascast plot pareto results.csv -o pareto.png --keep\n"
                "faascast plot time results.csv --where 'workers > 1' -o time.pdf\n",
    .options = options,
    .details = "RESULTS are rows of predict, simulate or sweep (CSV or JSON), or a scenario, which "
               "is then predicted; rows of several files are drawn together. The end of -o tells "
               "the form: .svg, .png or .pdf. Published points are laid over speedup and time "
               "where there are some. "
               "KIND is one of:"
#define X(name, words) "\n  " #name ": " words
    PLOT_KIND_LIST(X)
#undef X
        ,
    .arguments_min = 2,
    .arguments_max = -1,
    .only = "a picture",
    .run = run,
};
