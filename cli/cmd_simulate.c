/* simulate: every point played event by event, many times over; compare: both engines side by side.
 */
#include "cli/commands.h"
#include "cli/plot.h"
#include "cli/provenance.h"
#include "sim/sim.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---------------------------------------------------------------- options */

static enum status read_options(const struct cli *cli, struct simulation_options *o,
                                struct error *err)
{
    const long online = sysconf(_SC_NPROCESSORS_ONLN);
    double threads = 0;
    double rounds = 0;
    double round = 0;
    if (cli_count(cli, "threads", 1, 1024, online > 0 ? (double)online : 1, &threads, err) !=
            STATUS_OK ||
        cli_count(cli, "timeline-rounds", 1, 1e9, 3, &rounds, err) != STATUS_OK ||
        cli_count(cli, "gantt-round", 0, 1e9, 1, &round, err) != STATUS_OK) {
        return err->code;
    }
    static const char *const needs[][2] = {{"timeline-rounds", "timeline"},
                                           {"gantt-round", "gantt"}};
    for (size_t i = 0; i < sizeof needs / sizeof *needs; i++) {
        if (cli_option(cli, needs[i][0]) != NULL && cli_option(cli, needs[i][1]) == NULL) {
            return RAISE(err, ERR_USAGE, "--%s says something of --%s, which is not given",
                         needs[i][0], needs[i][1]);
        }
    }
    *o = (struct simulation_options){.exact = cli_option(cli, "exact") != NULL,
                                     .threads = (uint32_t)threads,
                                     .interrupted = cli_interrupted,
                                     .timeline_rounds = (uint32_t)rounds,
                                     .gantt_round = (uint32_t)round};
    return STATUS_OK;
}

/* Points to do: all, or the one of --point. */
static enum status read_points(const struct cli *cli, const struct scenario *s, uint64_t *from,
                               uint64_t *to, struct error *err)
{
    double point = -1;
    if (cli_count(cli, "point", 0, (double)s->points - 1, -1, &point, err) != STATUS_OK) {
        return err->code;
    }
    *from = point < 0 ? 0 : (uint64_t)point;
    *to = point < 0 ? s->points : *from + 1;
    if (*to - *from > 100000) {
        return RAISE(err, ERR_USAGE,
                     "%llu configurations are too many to simulate at once; choose one with "
                     "--point, or fewer in the sweep",
                     (unsigned long long)s->points);
    }
    return STATUS_OK;
}

static void show_progress(const struct cli *cli, uint64_t done, uint64_t all)
{
    if (cli->progress && all > 1) {
        fprintf(stderr, done < all ? "\r%llu of %llu configurations" : "\r\033[K",
                (unsigned long long)done, (unsigned long long)all);
    }
}

/* ---------------------------------------------------------------- simulate */

static const struct cli_option options[] = {
    {"exact", NULL, "play every round; extend none"},
    {"threads", "N", "replications at once (default: as many as processors; same answer)"},
    {"point", "N", "one configuration of the sweep only, from 0 (see the column point)"},
    {"timeline", "FILE",
     "write the first run of the first configuration as a Chrome trace (JSON), for Perfetto"},
    {"timeline-rounds", "N", "rounds kept in the timeline (default 3)"},
    {"gantt", "FILE", "draw one round of that run (.svg, .png, .pdf, by gnuplot)"},
    {"gantt-round", "N", "which round, from 0 (default 1)"},
    {"runs", "FILE", "write every run as a row of CSV, for plot cdf"},
    {"starts", "FILE", "write every start of every run as a trace, for fit and score --what start"},
    {NULL, NULL, NULL},
};

/* What is kept of a point beside its row. */
struct spread {
    struct simulation_outcome outcome;
    bool done;
};

struct job {
    struct row_list rows;
    struct spread *spreads; /* one per row */
    struct constraints constraints;
    struct text timeline, gantt, runs, starts;
    const struct config *config; /* of the point at work */
    struct text run_numbers;     /* of the point at work: pairs of doubles, time and cost */
    bool interrupted;
};

static void keep_run(double time_s, double cost_usd, void *context)
{
    const double pair[2] = {time_s, cost_usd};
    text_append(&((struct job *)context)->run_numbers, (const char *)pair, sizeof pair);
}

/* A row of a trace, as `import` writes them. */
static void keep_start(const struct simulated_start *start, void *context)
{
    struct job *const job = context;
    struct text *const out = &job->starts;
    if (out->size == 0) {
        text_puts(out, "run,function,worker,concurrency,memory_mib,submit_s,start_s,cold\n");
    }
    text_printf(out, "%zu-%u,%s,%u,", job->rows.count, start->replication, start->role,
                start->actor);
    text_number(out, job->config->workers);
    text_puts(out, ",");
    text_number(out, job->config->platform.memory_mib);
    text_puts(out, ",");
    text_number(out, start->asked_s);
    text_puts(out, ",");
    text_number(out, start->begun_s);
    text_puts(out, start->cold ? ",1\n" : ",0\n");
}

/* One row for each run of a point: what the configuration is, and what this run took. */
static void write_runs(struct job *job, const struct row *mean)
{
    struct row row;
    row_init(&row);
    for (int i = 0; columns[i].name != NULL; i++) {
        static const char *const kept[] = {"point", "workers", "memory_mib", "iterations"};
        bool keep = columns[i].text;
        for (size_t k = 0; k < sizeof kept / sizeof kept[0]; k++) {
            keep = keep || strcmp(columns[i].name, kept[k]) == 0;
        }
        if (keep) {
            const size_t size = columns[i].text ? sizeof(char *) : sizeof(double);
            memcpy((char *)&row + columns[i].offset, (const char *)mean + columns[i].offset, size);
        }
    }
    if (job->runs.size == 0) {
        text_row_csv_header(&job->runs);
    }
    for (size_t at = 0; at < job->run_numbers.size; at += 2 * sizeof(double)) {
        memcpy(&row.time_s, job->run_numbers.data + at, sizeof row.time_s);
        memcpy(&row.cost_usd, job->run_numbers.data + at + sizeof(double), sizeof row.cost_usd);
        text_row_csv(&job->runs, &row);
    }
    job->runs.failed = job->runs.failed || job->run_numbers.failed;
    job->run_numbers.size = 0;
}

static enum status add_point(struct job *job, const struct row *row,
                             const struct simulation_outcome *outcome, struct error *err)
{
    struct spread *more = realloc(job->spreads, (job->rows.count + 1) * sizeof *more);
    if (more == NULL) {
        return RAISE(err, ERR_MEMORY, "out of memory for %zu rows", job->rows.count + 1);
    }
    job->spreads = more;
    more[job->rows.count] = (struct spread){.outcome = *outcome, .done = row->feasible};
    return row_list_add(&job->rows, row, err);
}

static enum status simulate_all(struct cli *cli, const struct scenario *s, struct job *job,
                                struct error *err)
{
    struct simulation_options o;
    struct scenario_cursor cursor;
    struct evaluator e = {0};
    uint64_t from = 0;
    uint64_t to = 0;
    if (read_options(cli, &o, err) != STATUS_OK ||
        read_points(cli, s, &from, &to, err) != STATUS_OK ||
        cursor_init(&cursor, s, err) != STATUS_OK) {
        return err->code;
    }
    o.timeline = cli_option(cli, "timeline") != NULL ? &job->timeline : NULL;
    o.gantt = cli_option(cli, "gantt") != NULL ? &job->gantt : NULL;
    o.each_run = cli_option(cli, "runs") != NULL ? keep_run : NULL;
    o.each_start = cli_option(cli, "starts") != NULL ? keep_start : NULL;
    o.context = job;
    job->config = &cursor.config;
    for (uint64_t i = from; i < to && err->code == STATUS_OK && !job->interrupted; i++) {
        struct row row;
        struct simulation_outcome outcome;
        bool skipped = false;
        show_progress(cli, i - from, to - from);
        const enum status status =
            simulate_point(&cursor, i, &e, &o, &row, &outcome, &skipped, err);
        if (status == ERR_INTERRUPTED && job->rows.count > 0) {
            *err = (struct error){0};
            job->interrupted = true;
        } else if (status == STATUS_OK && !skipped) {
            job->constraints = cursor.config.constraints;
            job->interrupted = outcome.interrupted;
            add_point(job, &row, &outcome, err);
            write_runs(job, &row);
            if (row.feasible) { /* the first feasible one only */
                o.timeline = o.gantt = NULL;
            }
        }
    }
    show_progress(cli, 1, 1);
    evaluator_free(&e);
    cursor_free(&cursor);
    return err->code;
}

/* ---------------------------------------------------------------- words about the spread */

static void text_half_width(struct text *out, const struct estimate *e)
{
    const double half = 0.5 * (e->hi - e->lo);
    if (isfinite(half)) {
        text_printf(out, " \302\261 %.2g %%", e->mean != 0 ? 100 * half / fabs(e->mean) : 0.0);
    }
}

static void text_count(struct text *out, double count, const char *what)
{
    if (count > 0) {
        text_printf(out, ", %.3g %s", count, what);
    }
}

static void write_spread(struct text *out, const struct scenario *s, const struct row *row,
                         const struct simulation_outcome *o)
{
    for (size_t i = 0; i < s->n_axes; i++) {
        text_printf(out, "%s ", axis_label(&s->axes[i]));
        text_axis_value(out, &s->axes[i], axis_index(s, &s->axes[i], (uint64_t)row->point));
        text_puts(out, i + 1 < s->n_axes ? ", " : ": ");
    }
    text_puts(out, "time ");
    text_time(out, o->time_s.mean);
    text_half_width(out, &o->time_s);
    text_puts(out, "; half of the runs within ");
    text_time(out, o->time_s.p50.value);
    text_puts(out, ", 90 % ");
    text_time(out, o->time_s.p90.value);
    text_puts(out, ", 99 % ");
    text_time(out, o->time_s.p99.value);
    text_puts(out, "\n    USD ");
    text_dollars(out, o->cost_usd.mean);
    text_half_width(out, &o->cost_usd);
    if (!isnan(o->p_deadline)) {
        text_printf(out, "; %.3g %% meet the deadline", 100 * o->p_deadline);
    }
    if (!isnan(o->p_budget)) {
        text_printf(out, "; %.3g %% are within the budget", 100 * o->p_budget);
    }
    text_printf(out, "\n    %u runs, %.3g events; per run %.0f rounds played, %.0f extended",
                o->replications, o->events, o->played_rounds, o->extended_rounds);
    text_count(out, o->cold_starts, "cold starts");
    text_count(out, o->warm_starts, "warm starts");
    text_count(out, o->queued_starts, "starts held back");
    text_count(out, o->throttled_requests, "throttled requests");
    text_count(out, o->crashes, "crashes");
    text_count(out, o->timeouts, "time-outs");
    text_count(out, o->lost_updates, "lost updates");
    text_count(out, o->redone_rounds, "rounds redone");
    text_puts(out, "\n");
    if (!o->precise && !o->interrupted) {
        text_puts(out, "    the interval is still wider than half_width_ratio asks for: more "
                       "replications_max would help\n");
    }
}

static void write_table(struct text *out, const struct cli *cli, const struct scenario *s,
                        const struct job *job)
{
    text_rows_table(out, cli, s, &job->constraints, &job->rows);
    text_puts(
        out,
        "\nOver the runs (mean with its confidence interval, quantiles as order statistics)\n");
    for (size_t i = 0; i < job->rows.count; i++) {
        if (job->spreads[i].done) {
            write_spread(out, s, &job->rows.rows[i], &job->spreads[i].outcome);
        }
    }
    if (job->interrupted) {
        text_puts(out, "\ninterrupted: these are the runs that were complete\n");
    }
}

static enum status write_job(struct cli *cli, const struct scenario *s, struct job *job,
                             struct error *err)
{
    struct text out = {0};
    struct text provenance = {0};
    const char *timeline = cli_option(cli, "timeline");
    const char *gantt = cli_option(cli, "gantt");
    if (text_provenance_now(&provenance, cli, s, "simulate", (double)NAN, err) != STATUS_OK) {
        return err->code;
    }
    if (cli->format == FORMAT_CSV) {
        text_rows_csv(&out, &job->rows);
    } else if (cli->format == FORMAT_JSON) {
        text_rows_json(&out, &provenance, &job->rows);
    } else {
        write_table(&out, cli, s, job);
    }
    cli_write_result(cli, &out, &provenance, err);
    text_free(&provenance);
    if (err->code == STATUS_OK && timeline != NULL && job->timeline.size > 0) {
        if (job->timeline.failed) {
            return RAISE(err, ERR_MEMORY, "out of memory for the timeline");
        }
        file_write(timeline, job->timeline.data, job->timeline.size, err);
    }
    const char *runs = cli_option(cli, "runs");
    if (err->code == STATUS_OK && runs != NULL) {
        if (job->runs.failed) {
            return RAISE(err, ERR_MEMORY, "out of memory for the runs");
        }
        file_write(runs, job->runs.size > 0 ? job->runs.data : "", job->runs.size, err);
    }
    const char *starts = cli_option(cli, "starts");
    if (err->code == STATUS_OK && starts != NULL && job->starts.size > 0) {
        if (job->starts.failed) {
            return RAISE(err, ERR_MEMORY, "out of memory for the starts");
        }
        file_write(starts, job->starts.data, job->starts.size, err);
    }
    if (err->code == STATUS_OK && gantt != NULL && job->gantt.size > 0) {
        if (memchr(job->gantt.data, '\n', job->gantt.size) ==
            job->gantt.data + job->gantt.size - 1) {
            const char *round = cli_option(cli, "gantt-round");
            const double rounds = job->spreads[0].outcome.tally.rounds;
            const double wanted = round != NULL ? strtod(round, NULL) : 1;
            return wanted < rounds
                       ? RAISE(err, ERR_USAGE,
                               "--gantt-round %.0f: the run does not play that round%s", wanted,
                               cli_option(cli, "exact") != NULL ? "" : "; --exact plays all it has")
                       : RAISE(err, ERR_USAGE, "--gantt-round %.0f: the run has rounds 0 to %.0f",
                               wanted, rounds - 1);
        }
        plot_draw_table(cli, &plot_gantt, &job->gantt, gantt, err);
    }
    return err->code;
}

static enum exit_code run_simulate(struct cli *cli, struct error *err)
{
    struct scenario s;
    struct job job = {0};
    struct expression condition;
    const char *fail_if = cli_option(cli, "fail-if");
    if (fail_if != NULL && cli_condition(fail_if, &condition, err) != STATUS_OK) {
        return EXIT_USAGE;
    }
    if (cli_scenario(cli, cli->arguments[0], &s, err) != STATUS_OK) {
        return EXIT_INPUT;
    }
    enum exit_code code = EXIT_FAILED;
    cli_hold_interrupts(false);
    if (simulate_all(cli, &s, &job, err) == STATUS_OK &&
        write_job(cli, &s, &job, err) == STATUS_OK) {
        bool any = false;
        bool failed = false;
        for (size_t i = 0; i < job.rows.count; i++) {
            any = any || job.rows.rows[i].feasible;
            failed = failed || (fail_if != NULL && cli_row_is(&condition, &job.rows.rows[i]));
        }
        code = job.interrupted                          ? EXIT_SIGNAL
               : failed || (!any && job.rows.count > 0) ? EXIT_UNMET
                                                        : EXIT_DONE;
    }
    row_list_free(&job.rows);
    free(job.spreads);
    text_free(&job.timeline);
    text_free(&job.gantt);
    text_free(&job.runs);
    text_free(&job.starts);
    text_free(&job.run_numbers);
    scenario_free(&s);
    return code;
}

const struct command command_simulate = {
    .name = "simulate",
    .summary = "time and dollars with their spread, played event by event",
    .arguments = "FILE",
    .examples =
        "faascast simulate scenarios/metafaas/mini-imagenet-maml-5way-1shot.json --point 3\n"
        "faascast simulate my.json --set /simulation/straggler_share=0.02 \\\n"
        "    --set /simulation/straggler_factor=4\n"
        "faascast simulate my.json --timeline run.json --gantt round.svg\n",
    .options = options,
    .details =
        "Replications go on until the interval of the mean is as narrow as the section simulation "
        "asks for. Rounds between two re-invocations are alike: once their mean is known, the "
        "rest is extended; --exact plays them all. The answer does not depend on --threads. "
        "Ctrl-C ends with what is done so far.",
    .arguments_min = 1,
    .arguments_max = 1,
    .has_rows = true,
    .run = run_simulate,
};

/* ---------------------------------------------------------------- compare */

static const struct cli_option compare_options[] = {
    {"exact", NULL, "play every round; extend none"},
    {"threads", "N", "replications at once (default: as many as processors; same answer)"},
    {"point", "N", "which configuration of the sweep, from 0 (default: all)"},
    {NULL, NULL, NULL},
};

static const char *const gap_words[GAPS] = {
#define X(name, word, text) word,
    GAP_LIST(X)
#undef X
};

static void compare_table(struct text *out, const struct comparison *c)
{
    static const char *const gap_texts[GAPS] = {
#define X(name, word, text) text,
        GAP_LIST(X)
#undef X
    };
    const double base = c->predicted_s;
    text_puts(out, "closed form  ");
    text_time(out, c->predicted_s);
    text_puts(out, ", USD ");
    text_dollars(out, c->predicted_usd);
    text_puts(out, "\nsimulation   ");
    text_time(out, c->simulated_s.mean);
    text_half_width(out, &c->simulated_s);
    text_puts(out, ", USD ");
    text_dollars(out, c->simulated_usd.mean);
    text_printf(out, " (%u runs)\n\n%-12s %12s %12s %12s %8s\n", c->replications, "seconds due to",
                "closed form", "simulation", "+-", "gap");
    for (int i = 0; i < GAPS; i++) {
        const double half = 0.5 * (c->effects[i].hi_s - c->effects[i].lo_s);
        text_printf(out, "%-12s %12.5g %12.5g %12.2g %+7.2f %%   %s\n", gap_words[i],
                    c->effects[i].predicted_s, c->effects[i].simulated_s, half,
                    100 * (c->effects[i].simulated_s - c->effects[i].predicted_s) / base,
                    gap_texts[i]);
    }
    text_printf(out, "%-12s %12s %12s %12s %+7.2f %%   effects acting together\n", "the rest", "",
                "", "", 100 * c->rest_s / base);
    text_printf(out, "%-12s %12s %12.5g %12s %+7.2f %%\n", "gap", "", c->gap_s, "",
                100 * c->gap_s / base);
}

static void compare_csv(struct text *out, double point, const struct comparison *c, bool header)
{
    if (header) {
        text_puts(out, "point,replications,predicted_s,simulated_s,simulated_lo_s,simulated_hi_s,"
                       "predicted_usd,simulated_usd,gap_s,rest_s");
        for (int i = 0; i < GAPS; i++) {
            text_printf(out, ",%s_predicted_s,%s_simulated_s,%s_lo_s,%s_hi_s", gap_words[i],
                        gap_words[i], gap_words[i], gap_words[i]);
        }
        text_puts(out, "\n");
    }
    const double values[] = {point,
                             c->replications,
                             c->predicted_s,
                             c->simulated_s.mean,
                             c->simulated_s.lo,
                             c->simulated_s.hi,
                             c->predicted_usd,
                             c->simulated_usd.mean,
                             c->gap_s,
                             c->rest_s};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        text_puts(out, i > 0 ? "," : "");
        text_number(out, values[i]);
    }
    for (int i = 0; i < GAPS; i++) {
        const double effect[] = {c->effects[i].predicted_s, c->effects[i].simulated_s,
                                 c->effects[i].lo_s, c->effects[i].hi_s};
        for (size_t k = 0; k < 4; k++) {
            text_puts(out, ",");
            text_number(out, effect[k]);
        }
    }
    text_puts(out, "\n");
}

static enum status compare_point(struct cli *cli, struct scenario_cursor *cursor, uint64_t point,
                                 struct evaluator *e, const struct simulation_options *o,
                                 struct text *out, bool *stop, struct error *err)
{
    struct comparison c;
    struct row row;
    bool skipped = false;
    if (predict_point(cursor, point, e, &row, NULL, NULL, &skipped, err) != STATUS_OK || skipped) {
        return err->code;
    }
    if (!row.feasible) {
        if (cli->format == FORMAT_TABLE) {
            text_printf(out, "configuration %llu: %s\n\n", (unsigned long long)point, row.status);
        }
        return STATUS_OK;
    }
    const enum status status = compare_engines(&cursor->config, e, o, &c, err);
    if (status == ERR_INTERRUPTED && out->size > 0) {
        *err = (struct error){0};
        *stop = true;
        return STATUS_OK;
    }
    if (status != STATUS_OK) {
        return status;
    }
    if (cli->format == FORMAT_TABLE) {
        text_printf(out, "configuration %llu: %s%s%s, %g workers\n", (unsigned long long)point,
                    row.system, row.variant[0] != '\0' ? ", " : "", row.variant, row.workers);
        compare_table(out, &c);
        text_puts(out, "\n");
    } else {
        compare_csv(out, (double)point, &c, out->size == 0);
    }
    *stop = c.interrupted;
    return STATUS_OK;
}

static enum exit_code run_compare(struct cli *cli, struct error *err)
{
    struct scenario s;
    struct simulation_options o;
    struct scenario_cursor cursor;
    struct evaluator e = {0};
    struct text out = {0};
    uint64_t from = 0;
    uint64_t to = 0;
    bool stop = false;
    if (cli->format == FORMAT_JSON) {
        RAISE(err, ERR_USAGE, "compare writes a table or csv");
        return EXIT_USAGE;
    }
    if (cli_scenario(cli, cli->arguments[0], &s, err) != STATUS_OK) {
        return EXIT_INPUT;
    }
    if (read_options(cli, &o, err) == STATUS_OK &&
        read_points(cli, &s, &from, &to, err) == STATUS_OK &&
        cursor_init(&cursor, &s, err) == STATUS_OK) {
        cli_hold_interrupts(false);
        for (uint64_t i = from; i < to && err->code == STATUS_OK && !stop; i++) {
            show_progress(cli, i - from, to - from);
            compare_point(cli, &cursor, i, &e, &o, &out, &stop, err);
        }
        show_progress(cli, 1, 1);
        cursor_free(&cursor);
        if (err->code == STATUS_OK) {
            cli_write(cli, &out, err);
        }
    }
    text_free(&out);
    evaluator_free(&e);
    scenario_free(&s);
    return stop ? EXIT_SIGNAL : EXIT_DONE;
}

const struct command command_compare = {
    .name = "compare",
    .summary = "closed form and simulation side by side, and why they differ",
    .arguments = "FILE",
    .examples = "faascast compare scenarios/metafaas/mini-imagenet-maml-5way-1shot.json --point 3\n"
                "faascast compare my.json --format csv -o gaps.csv\n",
    .options = compare_options,
    .details = "Each effect is taken out of both engines in turn, with the same draws; the seconds "
               "it adds "
               "in either, and the gap these make.",
    .arguments_min = 1,
    .arguments_max = 1,
    .run = run_compare,
};
