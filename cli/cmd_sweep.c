/* sweep: every point of a scenario into a result store, over threads, shards and machines. */
#include "cli/commands.h"
#include "cli/export.h"
#include "cli/provenance.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct cli_option options[] = {
    {"engine", "predict|simulate|both", "closed form (default), simulation, or both"},
    {"j", "N", "points at once (default: as many as processors; under --mpi 1; same rows)"},
    {"store", "FILE.db", "where results are kept (default: beside -o, else SCENARIO.db here)"},
    {"dry-run", NULL,
     "say how many points there are, how many are stored, and how long the rest would take; "
     "store nothing"},
    {"fail-fast", NULL, "stop at the first point that cannot be evaluated"},
    {"shard", "I/N", "only part I of N (points are dealt like cards)"},
    {"mpi", NULL, "under mpirun or srun: rank 0 keeps the store, all ranks compute"},
    {NULL, NULL, NULL},
};

/* ---------------------------------------------------------------- options */

static enum status read_engine(const struct cli *cli, struct provenance *p, struct error *err)
{
    const char *engine = cli_option(cli, "engine");
    const bool both = engine != NULL && strcmp(engine, "both") == 0;
    p->predict = engine == NULL || both || strcmp(engine, "predict") == 0;
    p->simulate = engine != NULL && (both || strcmp(engine, "simulate") == 0);
    return p->predict || p->simulate
               ? STATUS_OK
               : RAISE(err, ERR_USAGE, "--engine %s: expected predict, simulate or both", engine);
}

static enum status read_shard(const struct cli *cli, struct provenance *p, struct error *err)
{
    const char *shard = cli_option(cli, "shard");
    unsigned i = 1;
    unsigned n = 1;
    char rest = '\0';
    if (shard != NULL &&
        (sscanf(shard, "%9u/%9u%c", &i, &n, &rest) != 2 || i < 1 || n < 1 || i > n)) {
        return RAISE(err, ERR_USAGE, "--shard %s: expected I/N with I from 1 to N, such as 2/8",
                     shard);
    }
    p->shard = i;
    p->shards = n;
    return STATUS_OK;
}

static enum status read_threads(const struct cli *cli, struct sweep_options *o, struct error *err)
{
    const long online = sysconf(_SC_NPROCESSORS_ONLN);
    const double fallback = o->remote || online < 1 ? 1 : (double)online;
    double threads = 1;
    if (cli_count(cli, "j", 1, 1024, fallback, &threads, err) == STATUS_OK) {
        o->threads = (uint32_t)threads;
    }
    return err->code;
}

/* FILE with its end replaced by .db, or the scenario's name here. */
static const char *store_path(const struct cli *cli, enum export_form form, struct arena *a)
{
    const char *store = cli_option(cli, "store");
    const char *file = cli_option(cli, "o");
    const bool named = file != NULL && strcmp(file, "-") != 0;
    if (store != NULL || (named && form == EXPORT_STORE)) {
        return store != NULL ? store : file;
    }
    struct text t = {0};
    const char *stem = named ? file : cli->arguments[0];
    const char *slash = named ? NULL : strrchr(stem, '/');
    stem = slash != NULL ? slash + 1 : stem;
    const char *dot = strrchr(stem, '.');
    text_append(&t, stem,
                dot != NULL && strchr(dot, '/') == NULL ? (size_t)(dot - stem) : strlen(stem));
    text_puts(&t, ".db");
    const char *path = t.failed ? NULL : arena_copy(a, t.data, t.size);
    text_free(&t);
    return path;
}

/* ---------------------------------------------------------------- progress */

struct progress {
    double start_s;
    uint64_t all;
    bool shown;
};

static void show_progress(const struct sweep_counts *n, void *context)
{
    enum { BAR = 20 };
    struct progress *p = context;
    const uint64_t done = n->kept + n->reused + n->computed + n->skipped + n->failed;
    const double rate = (double)n->computed / (monotonic_s() - p->start_s + 1e-9);
    const uint64_t left = done < p->all ? p->all - done : 0;
    const int filled = p->all > 0 ? (int)(BAR * done / p->all) : BAR;
    struct text t = {0};
    text_printf(&t, "\r\033[K[%.*s%.*s] %llu of %llu points", filled, "####################",
                BAR - filled, "....................", (unsigned long long)done,
                (unsigned long long)p->all);
    if (rate > 0 && left > 0) {
        text_printf(&t, ", %.3g/s, ", rate);
        text_time(&t, (double)left / rate);
        text_puts(&t, " left");
    }
    fputs(t.data != NULL ? t.data : "", stderr);
    fflush(stderr);
    p->shown = true;
    text_free(&t);
}

/* ---------------------------------------------------------------- what is said */

static void say_counts(struct text *out, const struct scenario *s, const struct sweep_options *o,
                       const struct sweep_counts *n, double time_s)
{
    text_printf(out, "%s\n%llu points", s->name, (unsigned long long)n->points);
    if (o->provenance.shards > 1) {
        text_printf(out, " (part %u of %u)", o->provenance.shard, o->provenance.shards);
    }
    text_printf(out, ": %llu computed", (unsigned long long)n->computed);
    const struct {
        uint64_t count;
        const char *what;
    } others[] = {{n->kept, "in the store already"},
                  {n->reused, "taken over from another sweep"},
                  {n->skipped, "skipped by a condition"},
                  {n->failed, "failed"}};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (others[i].count > 0) {
            text_printf(out, ", %llu %s", (unsigned long long)others[i].count, others[i].what);
        }
    }
    text_puts(out, " in ");
    text_time(out, time_s);
    text_printf(out, "\nstored in %s (faascast results %s)\n", o->store, o->store);
}

static void dry_run(struct text *out, const struct cli *cli, const struct scenario *s,
                    const struct sweep_options *o, const struct sweep_estimate *e)
{
    static const char *const names[] = {"predict", "simulate"};
    if (cli->format == FORMAT_TABLE) {
        text_printf(out,
                    "%s\n%llu points, %llu of them stored already in %s; with %u thread%s the "
                    "rest takes about ",
                    s->name, (unsigned long long)e->counts.points,
                    (unsigned long long)e->counts.kept, o->store, o->threads,
                    o->threads == 1 ? "" : "s");
        text_time(out, e->time_s);
        text_puts(out, "\n");
        for (int i = 0; i < 2; i++) {
            if (e->sampled[i] > 0) {
                text_printf(out, "%s: %.3g points/s on one thread, measured on %llu points\n",
                            names[i], 1 / e->point_s[i], (unsigned long long)e->sampled[i]);
            }
        }
        return;
    }
    const bool json = cli->format == FORMAT_JSON;
    text_puts(out, json ? "[" : "engine,points,stored,sampled,point_s,time_s\n");
    bool first = true;
    for (int i = 0; i < 2; i++) {
        if (e->sampled[i] > 0) {
            const int engines = o->provenance.predict + o->provenance.simulate;
            const uint64_t points = e->counts.points / (uint64_t)engines;
            text_printf(out,
                        json ? "%s{\"engine\": \"%s\", \"points\": %llu, \"stored\": %llu, "
                               "\"sampled\": %llu, "
                               "\"point_s\": %.6g, \"time_s\": %.6g}"
                             : "%.0s%s,%llu,%llu,%llu,%.6g,%.6g\n",
                        first ? "" : ", ", names[i], (unsigned long long)points,
                        (unsigned long long)e->kept[i], (unsigned long long)e->sampled[i],
                        e->point_s[i], e->point_s[i] * (double)(points - e->kept[i]) / o->threads);
            first = false;
        }
    }
    text_puts(out, json ? "]\n" : "");
}

/* ---------------------------------------------------------------- the command */

static enum exit_code sweep(struct cli *cli, const struct scenario *s, struct sweep_options *o,
                            enum export_form form, const struct expression *fail_if,
                            struct error *err)
{
    struct sweep_counts counts = {0};
    struct progress progress = {.start_s = monotonic_s()};
    struct text out = {0};
    const struct provenance *p = &o->provenance;
    progress.all =
        (s->points + p->shards - p->shard) / p->shards * (uint64_t)(p->predict + p->simulate);
    o->progress = cli->progress ? show_progress : NULL;
    o->context = &progress;
    sweep_run(s, o, &counts, err);
    fputs(progress.shown ? "\r\033[K" : "", stderr);
    /* A point that failed does not keep the others from being told. */
    struct error telling = {0};
    const bool told = err->code == STATUS_OK || counts.failed > 0;
    const char *file = cli_option(cli, "o");
    if (!told) {
        return EXIT_FAILED;
    }
    struct export e = {.paths = &o->store,
                       .n_paths = 1,
                       .run = counts.run,
                       .form = form == EXPORT_TABLE || form == EXPORT_STORE ? EXPORT_NOTHING : form,
                       .file = file,
                       .fail_if = fail_if};
    if (e.form != EXPORT_NOTHING || fail_if != NULL) {
        export_rows(&e, &telling);
    }
    if (telling.code == STATUS_OK &&
        (e.form == EXPORT_NOTHING || (file != NULL && strcmp(file, "-") != 0)) && !cli->quiet) {
        say_counts(&out, s, o, &counts, monotonic_s() - progress.start_s);
        file_write("-", out.data != NULL ? out.data : "", out.size, &telling);
    }
    text_free(&out);
    if (err->code == STATUS_OK) {
        *err = telling;
    }
    return e.failed ? EXIT_UNMET : EXIT_DONE;
}

static enum exit_code run_here(struct cli *cli, bool remote, struct error *err)
{
    struct scenario s;
    struct arena arena = {0};
    struct expression condition;
    const char *fail_if = cli_option(cli, "fail-if");
    struct sweep_options o = {.fail_fast = cli_option(cli, "fail-fast") != NULL,
                              .remote = remote,
                              .interrupted = cli_interrupted};
    enum export_form form = EXPORT_TABLE;
    enum exit_code code = EXIT_FAILED;
    if (fail_if != NULL && cli_condition(fail_if, &condition, err) != STATUS_OK) {
        return EXIT_USAGE;
    }
    if (export_form(cli, &form, err) != STATUS_OK ||
        cli_scenario(cli, cli->arguments[0], &s, err) != STATUS_OK) {
        return EXIT_INPUT;
    }
    o.store = store_path(cli, form, &arena);
    if (o.store == NULL) {
        RAISE(err, ERR_MEMORY, "out of memory");
    } else if (provenance_of(cli, &s, &arena, &o.provenance, err) == STATUS_OK &&
               read_engine(cli, &o.provenance, err) == STATUS_OK &&
               read_shard(cli, &o.provenance, err) == STATUS_OK &&
               read_threads(cli, &o, err) == STATUS_OK) {
        cli_hold_interrupts(true);
        if (cli_option(cli, "dry-run") != NULL) {
            struct sweep_estimate e;
            struct text out = {0};
            if (sweep_estimate(&s, &o, &e, err) == STATUS_OK) {
                dry_run(&out, cli, &s, &o, &e);
                /* -o names what a sweep would write: nothing is written there now. */
                file_write("-", out.data != NULL ? out.data : "", out.size, err);
                text_free(&out);
                code = EXIT_DONE;
            }
        } else {
            code = sweep(cli, &s, &o, form, fail_if != NULL ? &condition : NULL, err);
        }
    }
    scenario_free(&s);
    arena_free(&arena);
    return code;
}

/* Ranks other than 0 say nothing: rank 0 meets the same trouble and tells it once. */
static enum exit_code run_there(struct cli *cli, struct error *err)
{
    struct scenario s;
    struct arena arena = {0};
    struct sweep_options o = {.fail_fast = cli_option(cli, "fail-fast") != NULL,
                              .interrupted = cli_interrupted};
    struct error own = {0};
    const bool loaded = cli_scenario(cli, cli->arguments[0], &s, &own) == STATUS_OK;
    if (loaded) {
        provenance_of(cli, &s, &arena, &o.provenance, &own);
    }
    cli_hold_interrupts(true);
    sweep_remote_serve(loaded ? &s : NULL, &o, err);
    if (loaded) {
        scenario_free(&s);
    }
    arena_free(&arena);
    return EXIT_DONE;
}

static enum exit_code run(struct cli *cli, struct error *err)
{
    int rank = 0;
    int ranks = 1;
    const bool remote = cli_option(cli, "mpi") != NULL;
    if (remote && sweep_remote_begin(&rank, &ranks, err) != STATUS_OK) {
        return EXIT_USAGE;
    }
    const enum exit_code code = rank == 0 ? run_here(cli, remote, err) : run_there(cli, err);
    if (remote) {
        sweep_remote_end();
    }
    return code;
}

const struct command command_sweep = {
    .name = "sweep",
    .summary = "thousands to millions of configurations, kept in a store that survives a kill",
    .arguments = "FILE",
    .examples = "faascast sweep scenarios/metafaas/sweep-million.json -o million.db\n"
                "faascast sweep my.json --engine both -o results.csv\n"
                "faascast sweep my.json --dry-run\n"
                "faascast sweep my.json --shard 2/8 -o part2.db\n"
                "mpirun -n 8 faascast sweep --mpi my.json -o results.db\n",
    .options = options,
    .details =
        "Every point is a row of the store (SQLite), kept as soon as it is computed: a sweep that "
        "was stopped or killed goes on where it was when the same command is given again. A row is "
        "computed again only when something it depends on has changed: other values, prices, seeds "
        "or another version of the program; comments, notes and names change nothing. Several "
        "sweeps, and several processes at a time, may share a store. -o FILE.db names the store; "
        "-o FILE.csv or FILE.json writes the rows there in the order of the points and keeps the "
        "store beside it; where results come from stands in FILE.csv.provenance.json, in the JSON "
        "and in the store. Parts computed by --shard are put together by faascast results. Rows "
        "are the same whatever -j, shards or ranks. A point that cannot be evaluated is no row; "
        "the first one is reported at the end, and tried again the next time. Ctrl-C ends "
        "with what is done so far.",
    .arguments_min = 1,
    .arguments_max = 1,
    .has_rows = true,
    .keeps_store = true,
    .run = run,
};
