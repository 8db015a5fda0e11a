/* calibrate: measure this machine, for the scenarios given or for a stated grid. */
#include "cli/commands.h"
#include "cli/meta_kernel.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct cli_option options[] = {
    {"algorithms", "NAMES", "grid without scenarios: algorithms (maml,fomaml,anil,alfa,ealfa)"},
    {"datasets", "NAMES", "grid: data sets of the catalogue (omniglot)"},
    {"backbones", "NAMES", "grid: backbones of the catalogue (conv4-32)"},
    {"shots", "LIST", "grid: support images per class (1,5)"},
    {"steps", "LIST", "grid: inner steps (1,5)"},
    {"queries", "N", "grid: query images per class (15)"},
    {"seconds", "S", "longest time for one kind of task, after at least 11 repetitions (10)"},
    {"threads", "N", "measure scaling from 1 to N threads (one per CPU)"},
    {"path", "NAME", "kernel built for: best (of this CPU), avx512, avx2, portable, plain"},
    {"quota", NULL, "also measure CPU quotas, to check the 1/v law (needs a control group)"},
    {"name", "NAME", "name of the profile (the file's, or 'here')"},
    {"add", NULL, "keep the tasks that the -o file holds (same CPU and kernel), measure the rest"},
    {"compare", "PROFILE",
     "say what moved since that profile (a file, or the name of a shipped one) was measured"},
    {NULL, NULL, NULL},
};

/* The kinds of task to time. */
struct cases {
    struct calibrate_case *items;
    size_t n, capacity;
};

static bool same_case(const struct calibrate_case *a, const struct calibrate_case *b)
{
    const struct kernel_config *const x = &a->config, *const y = &b->config;
    return strcmp(a->dataset, b->dataset) == 0 && strcmp(a->backbone, b->backbone) == 0 &&
           x->algorithm == y->algorithm && x->ways == y->ways && x->shots == y->shots &&
           x->queries == y->queries && x->steps == y->steps && x->hidden == y->hidden &&
           x->size == y->size && x->channels == y->channels && x->layers == y->layers &&
           x->pool == y->pool && x->fixed_theta == y->fixed_theta;
}

static enum status cases_add(struct cases *cases, const struct workload *w, struct error *err)
{
    struct calibrate_case c = {0};
    if (kernel_of_workload(w, &c.config, err) != STATUS_OK) {
        return err->code;
    }
    snprintf(c.dataset, sizeof c.dataset, "%s", w->dataset);
    snprintf(c.backbone, sizeof c.backbone, "%s", w->backbone);
    for (size_t i = 0; i < cases->n; i++) {
        if (same_case(&cases->items[i], &c)) {
            return STATUS_OK;
        }
    }
    if (cases->n == cases->capacity) {
        const size_t capacity = cases->capacity == 0 ? 64 : 2 * cases->capacity;
        struct calibrate_case *const items = realloc(cases->items, capacity * sizeof *items);
        if (items == NULL) {
            return RAISE(err, ERR_MEMORY, "out of memory for %zu kinds of task", capacity);
        }
        cases->items = items;
        cases->capacity = capacity;
    }
    cases->items[cases->n++] = c;
    return STATUS_OK;
}

/* ---------------------------------------------------------------- from scenarios */

static enum status cases_from_scenario(const struct cli *cli, const char *path, struct cases *cases,
                                       struct error *err)
{
    struct scenario s;
    struct scenario_cursor cursor;
    const struct scenario_options measured = {
        .data_dir = cli->data_dir, .sets = cli->sets, .n_sets = cli->n_sets, .no_profile = true};
    if (scenario_load(path, &measured, &s, err) != STATUS_OK) {
        return err->code;
    }
    if (cursor_init(&cursor, &s, err) == STATUS_OK) {
        for (uint64_t i = 0; i < s.points && err->code == STATUS_OK; i++) {
            bool skipped = false;
            if (cursor_seek(&cursor, i, &skipped, err) == STATUS_OK && !skipped) {
                cases_add(cases, &cursor.config.workload, err);
            }
        }
        cursor_free(&cursor);
    }
    scenario_free(&s);
    return err->code;
}

/* ---------------------------------------------------------------- from a grid */

enum { GRID_AXES = 5 };

struct grid {
    const struct cli *cli;
    struct json *catalogue;
    struct cases *cases;
    struct workload workload;
    int axis;
};

/* A number or switch of a catalogue entry, bare or as {"value": ...}. */
static enum status entry_number(const struct json *entry, const char *key, double *out,
                                struct error *err)
{
    const struct json *const value = json_bare(json_member(entry, key));
    if (value == NULL || (value->kind != JSON_NUMBER && value->kind != JSON_BOOL)) {
        return JSON_RAISE(err, entry, ERR_INPUT, "the catalogue entry has no number '%s'", key);
    }
    *out = value->kind == JSON_BOOL ? (double)value->boolean : value->number;
    return STATUS_OK;
}

static enum status find_entry(const struct grid *g, const char *group, const char *name,
                              const struct json **out, struct error *err)
{
    const struct json *const entries = json_member(g->catalogue, group);
    *out = entries == NULL ? NULL : json_member(entries, name);
    if (*out != NULL) {
        return STATUS_OK;
    }
    enum { NAMES_MAX = 256 };
    const char *names[NAMES_MAX];
    size_t n = 0;
    for (const struct json *e = entries == NULL ? NULL : entries->first; e != NULL && n < NAMES_MAX;
         e = e->next) {
        names[n++] = e->key;
    }
    const char *const near = nearest_name(name, names, n);
    return RAISE(err, ERR_USAGE, "the catalogue's %s have no '%s'%s%s%s", group, name,
                 near != NULL ? ", did you mean '" : "", near != NULL ? near : "",
                 near != NULL ? "'?" : "");
}

static enum status set_count(double *out, const char *part, const char *what, struct error *err)
{
    char *end = NULL;
    const double value = strtod(part, &end);
    if (*end != '\0' || !(value >= 1.0 && value <= 1000.0)) {
        return RAISE(err, ERR_USAGE, "%s %s: expected a number from 1 to 1000", what, part);
    }
    *out = value;
    return STATUS_OK;
}

static enum status set_dataset(struct grid *g, const char *part, struct error *err)
{
    const struct json *entry;
    double pooled = 0.0;
    struct workload *const w = &g->workload;
    if (find_entry(g, "datasets", part, &entry, err) != STATUS_OK ||
        entry_number(entry, "image_channels", &w->image_channels, err) != STATUS_OK ||
        entry_number(entry, "image_size", &w->image_size, err) != STATUS_OK ||
        entry_number(entry, "pooled", &pooled, err) != STATUS_OK) {
        return err->code;
    }
    w->pooled = pooled != 0.0;
    w->dataset = entry->key;
    return STATUS_OK;
}

static enum status set_backbone(struct grid *g, const char *part, struct error *err)
{
    const struct json *entry;
    if (find_entry(g, "backbones", part, &entry, err) != STATUS_OK ||
        entry_number(entry, "hidden", &g->workload.hidden, err) != STATUS_OK ||
        entry_number(entry, "blocks", &g->workload.blocks, err) != STATUS_OK) {
        return err->code;
    }
    g->workload.backbone = entry->key;
    return STATUS_OK;
}

/* Sets one axis to one of its values and goes on to the next axis; after the last one the case is
 * complete. */
static enum status grid_step(void *context, const char *part, struct error *err)
{
    static const char *const names[GRID_AXES] = {"datasets", "backbones", "algorithms", "shots",
                                                 "steps"};
    static const char *const defaults[GRID_AXES] = {"omniglot", "conv4-32",
                                                    "maml,fomaml,anil,alfa,ealfa", "1,5", "1,5"};
    struct grid *const g = context;
    enum status status = STATUS_OK;
    switch (g->axis) {
    case 0:
        break; /* nothing is set yet */
    case 1:
        status = set_dataset(g, part, err);
        break;
    case 2:
        status = set_backbone(g, part, err);
        break;
    case 3:
        g->workload.algorithm_name = part;
        break;
    case 4:
        status = set_count(&g->workload.shots, part, "--shots", err);
        break;
    default:
        status = set_count(&g->workload.adaptation_steps, part, "--steps", err);
        return status == STATUS_OK ? cases_add(g->cases, &g->workload, err) : status;
    }
    if (status == STATUS_OK) {
        const char *const given = cli_option(g->cli, names[g->axis]);
        const char *const list = given != NULL ? given : defaults[g->axis];
        g->axis++;
        status = each_part(list, grid_step, g, err);
        g->axis--;
    }
    return status;
}

static enum status cases_from_grid(const struct cli *cli, struct cases *cases, struct error *err)
{
    struct arena arena = {0};
    struct grid g = {
        .cli = cli,
        .cases = cases,
        .workload = {.kind = WORK_META, .ways = 5, .meta_batch = 1, .theta_fixed = true}};
    if (cli_count(cli, "queries", 1, 1000, 15, &g.workload.queries, err) == STATUS_OK &&
        catalogue_read(&arena, cli->data_dir, NULL, &g.catalogue, err) == STATUS_OK) {
        grid_step(&g, "", err);
    }
    arena_free(&arena);
    return err->code;
}

/* ---------------------------------------------------------------- the command */

/* What is measured is kept at once, so that nothing of a stopped run is lost. */
static enum status keep(void *context, const struct profile *so_far, struct error *err)
{
    const struct cli *const cli = context;
    const char *const path = cli_option(cli, "o");
    if (path == NULL || strcmp(path, "-") == 0) {
        return STATUS_OK;
    }
    struct text out = {0};
    profile_write(so_far, &out);
    const enum status status = out.failed ? RAISE(err, ERR_MEMORY, "no memory for the profile")
                                          : file_write(path, out.data, out.size, err);
    text_free(&out);
    return status;
}

static void show(void *context, size_t done, size_t of, const char *what)
{
    const struct cli *const cli = context;
    if (cli->progress) {
        fprintf(stderr, "\r%zu of %zu: %-70.70s", done + 1, of, what);
        fflush(stderr);
    }
}

/* "scenarios/profiles/xyz.json" -> "xyz". */
static void name_of_file(const char *path, char *out, size_t size)
{
    const char *const slash = strrchr(path, '/');
    snprintf(out, size, "%s", slash != NULL ? slash + 1 : path);
    char *const dot = strrchr(out, '.');
    if (dot != NULL && strcmp(dot, ".json") == 0) {
        *dot = '\0';
    }
}

/* Another build of the kernel than the best one, such as what a cloud function's CPU can run. */
static enum status choose_path(const struct cli *cli, struct cases *cases, struct error *err)
{
    static const char *const names[] = {
#define X(name, text) text,
        KERNEL_PATH_LIST(X)
#undef X
    };
    const char *const given = cli_option(cli, "path");
    const size_t n = sizeof names / sizeof names[0];
    size_t path = 0;
    while (given != NULL && path < n && strcmp(given, names[path]) != 0) {
        path++;
    }
    if (path == n) {
        const char *const near = nearest_name(given, names, n);
        return RAISE(err, ERR_USAGE,
                     "--path %s: expected best, avx512, avx2, portable or plain%s%s%s", given,
                     near != NULL ? " (" : "", near != NULL ? near : "", near != NULL ? "?)" : "");
    }
    for (size_t i = 0; i < cases->n; i++) {
        cases->items[i].config.path = (enum kernel_path)path;
    }
    return STATUS_OK;
}

/* then: the profile to compare with, or NULL. */
static enum status calibrate(struct cli *cli, const struct cases *cases, const char *then,
                             struct text *out, struct error *err)
{
    static const double quotas[] = {1.0, 0.75, 0.5, 0.25, 0.1};
    const long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    const char *const path = cli_option(cli, "o"), *const name = cli_option(cli, "name");
    char stem[64] = "here";
    if (then != NULL && cli_option(cli, "format") != NULL) {
        return RAISE(err, ERR_USAGE, "--format: --compare prints a table alone");
    }
    if (path != NULL && strcmp(path, "-") != 0) {
        name_of_file(path, stem, sizeof stem);
    }
    char *const start[] = {(char[]){"/proc/self/exe"}, (char[]){"version"}, NULL};
    struct calibrate_options o = {.name = name != NULL ? name : stem,
                                  .measure = measure_defaults(),
                                  .folder = "/tmp",
                                  .start_command = start,
                                  .quota = quotas,
                                  .keep = keep,
                                  .progress = show,
                                  .interrupted = cli_interrupted,
                                  .context = cli};
    double threads;
    if (cli_option(cli, "add") != NULL) {
        if (path == NULL || strcmp(path, "-") == 0) {
            return RAISE(err, ERR_USAGE, "--add needs -o FILE, the profile to add to");
        }
        o.add_to = access(path, F_OK) == 0 ? path : NULL;
    }
    if (cli_number(cli, "seconds", 0.05, 1e5, o.measure.seconds_max, &o.measure.seconds_max, err) !=
            STATUS_OK ||
        cli_count(cli, "threads", 1, 64, cpus > 0 ? (double)cpus : 1.0, &threads, err) !=
            STATUS_OK) {
        return err->code;
    }
    o.threads = (size_t)threads;
    o.n_quota = cli_option(cli, "quota") != NULL ? sizeof quotas / sizeof quotas[0] : 0;
    struct profile profile = {0};
    size_t moved = 0;
    struct text lines = {0};
    /* Nothing is measured for a comparison that cannot be made. */
    if (then != NULL && profile_compare(&profile, then, &lines, &moved, err) != STATUS_OK) {
        return err->code;
    }
    text_free(&lines);
    enum status status = calibrate_run(&o, cases->items, cases->n, &profile, err);
    if (cli->progress) {
        fprintf(stderr, "\r%80s\r", "");
    }
    if (status == STATUS_OK || status == ERR_INTERRUPTED) {
        for (size_t i = 0; i < profile.n_warnings && !cli->quiet; i++) {
            fprintf(stderr, "warning: %s\n", profile.warnings[i]);
        }
        /* With --compare alone, what moved is the output; with -o too, the profile is kept as well.
         */
        if (then != NULL) {
            struct error failed = {0};
            if (profile_compare(&profile, then, &lines, &moved, &failed) != STATUS_OK) {
                *err = failed;
                status = failed.code;
            } else {
                text_printf(&lines, "%zu moved\n", moved);
                fputs(lines.data != NULL ? lines.data : "", stdout);
            }
            text_free(&lines);
        }
        if ((status == STATUS_OK || status == ERR_INTERRUPTED) && (then == NULL || path != NULL)) {
            profile_write(&profile, out);
        }
    }
    profile_free(&profile);
    return status;
}

static enum exit_code run(struct cli *cli, struct error *err)
{
    const char *const o = cli_option(cli, "o");
    const char *const path = o != NULL && strcmp(o, "-") != 0 ? o : NULL;
    struct cases cases = {0};
    struct text out = {0};
    static const char *const of_grid[] = {"algorithms", "datasets", "backbones",
                                          "shots",      "steps",    "queries"};
    for (size_t i = 0; i < sizeof of_grid / sizeof of_grid[0] && cli->n_arguments > 0; i++) {
        if (cli_option(cli, of_grid[i]) != NULL) {
            RAISE(err, ERR_USAGE,
                  "--%s belongs to a grid; with %s the scenario says what to measure", of_grid[i],
                  cli->arguments[0]);
            return EXIT_USAGE;
        }
    }
    for (int i = 0; i < cli->n_arguments && err->code == STATUS_OK; i++) {
        cases_from_scenario(cli, cli->arguments[i], &cases, err);
    }
    if (err->code == STATUS_OK && cli->n_arguments == 0) {
        cases_from_grid(cli, &cases, err);
    }
    if (err->code == STATUS_OK && cases.n == 0) {
        RAISE(err, ERR_USAGE, "the scenarios have no configuration to measure");
    }
    if (err->code == STATUS_OK && choose_path(cli, &cases, err) == STATUS_OK) {
        struct arena arena = {0};
        const char *then = cli_option(cli, "compare");
        if (then != NULL) { /* named as scenarios do */
            const struct json name = {
                .kind = JSON_STRING, .text = then, .origin = {.file = "--compare"}};
            then = profile_path(&arena, cli->data_dir, &name);
            if (then == NULL) {
                RAISE(err, ERR_MEMORY, "out of memory looking for a profile");
            }
        }
        cli_hold_interrupts(true);
        if (err->code == STATUS_OK) {
            calibrate(cli, &cases, then, &out, err);
        }
        arena_free(&arena);
    }
    if ((err->code == STATUS_OK || err->code == ERR_INTERRUPTED) && out.size > 0) {
        struct error write = {0};
        if (cli_write(cli, &out, &write) != STATUS_OK) {
            *err = write;
        } else if (err->code == STATUS_OK && path != NULL && !cli->quiet) {
            char stem[64];
            const char *const slash = strrchr(path, '/');
            const char *const file = slash != NULL ? slash + 1 : path;
            name_of_file(path, stem, sizeof stem);
            const bool by_name = strcmp(stem, file) != 0; /* NAME.json */
            fprintf(stderr,
                    "wrote %s; scenarios in its folder use it by \"compute\": {\"profile\": "
                    "\"%s%s\"}\n",
                    path, by_name ? "" : "./", stem);
        }
    }
    text_free(&out);
    free(cases.items);
    return EXIT_DONE;
}

const struct command command_calibrate = {
    .name = "calibrate",
    .summary = "measure this machine and write a compute profile",
    .arguments = "[FILE...]",
    .examples = "faascast calibrate my.json -o mine.json\n"
                "faascast calibrate --datasets omniglot,fc100 --backbones conv4-64 -o mine.json\n"
                "faascast calibrate my.json --compare mine.json\n",
    .options = options,
    .details =
        "Times every kind of meta-learning task that the scenarios need (or that the grid options "
        "state) on one thread until the 95 % interval of its median is within 1 % or its time is "
        "over, then thread scaling, loading, serialising, merging and compressing a model, and the "
        "start of a process. Notes the host, warns when the machine is busy, and writes a profile "
        "that scenarios name under /compute/profile: NAME is looked for among the shipped ones, "
        "then as NAME.json beside the scenario; a name with a slash or .json is a file beside it. "
        "A scenario given here need not have its profile yet. With -o every task is kept as soon "
        "as "
        "it is measured; --add goes on from there.",
    .arguments_min = 0,
    .arguments_max = -1,
    .only = "json",
    .run = run,
};
