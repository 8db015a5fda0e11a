/* report: one self-contained page about results: question, recommended configuration, pictures,
 * bill, assumptions, how far it holds, provenance. */
#include "cli/commands.h"
#include "cli/report.h"

#include "sim/sim.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

static const struct cli_option options[] = {
    {"scenario", "FILE", "the scenario of the results: adds the bill line by line and its inputs"},
    {"deadline", "DURATION", "recommend within this time (otherwise the scenario's limit)"},
    {"budget", "AMOUNT", "recommend within these dollars (otherwise the scenario's limit)"},
    {"where", "CONDITION", "report only the rows that meet it"},
    {"closed-form", NULL, "do not simulate the recommended configuration for its interval"},
    {NULL, NULL, NULL},
};

static enum status want_columns(struct plot *p, struct error *err)
{
    if (series_want(&p->results.frame, &p->by, err) != STATUS_OK) {
        return err->code;
    }
    for (int i = 0; columns[i].name != NULL; i++) {
        if (frame_want(&p->results.frame, columns[i].name, columns[i].text) < 0) {
            return RAISE(err, ERR_MEMORY, "too many columns");
        }
    }
    return STATUS_OK;
}

/* Limits of the command line also go into the scenario, so that runs are simulated against them. */
static enum status read_options(struct report *r, struct cli *cli, char sets[2][64],
                                struct error *err)
{
    const char *deadline = cli_option(cli, "deadline");
    const char *budget = cli_option(cli, "budget");
    if ((deadline != NULL && cli_duration(deadline, &r->asked.deadline_s, err) != STATUS_OK) ||
        (budget != NULL && cli_dollars(budget, &r->asked.budget_usd, err) != STATUS_OK)) {
        return err->code;
    }
    if (r->asked.deadline_s > 0) {
        snprintf(sets[0], sizeof sets[0], "/constraints/deadline_s=%.17g", r->asked.deadline_s);
        cli->sets[cli->n_sets++] = sets[0];
    }
    if (r->asked.budget_usd > 0) {
        snprintf(sets[1], sizeof sets[1], "/constraints/budget_usd=%.17g", r->asked.budget_usd);
        cli->sets[cli->n_sets++] = sets[1];
    }
    return STATUS_OK;
}

/* The command line's limits before those of the results. */
static void settle_limits(struct report *r)
{
    r->limits = r->plot.results.constraints;
    if (r->asked.deadline_s > 0) {
        r->limits.deadline_s = r->asked.deadline_s;
    }
    if (r->asked.budget_usd > 0) {
        r->limits.budget_usd = r->asked.budget_usd;
    }
    r->plot.results.constraints = r->limits; /* pictures show them */
}

/* The scenario beside results of a file: its limits, and it must be theirs. */
static enum status read_scenario(struct report *r, struct scenario *own, struct error *err)
{
    const char *path = cli_option(r->cli, "scenario");
    struct results *results = &r->plot.results;
    if (results->has_scenario) {
        r->scenario = &results->scenario;
    }
    if (path == NULL) {
        return STATUS_OK;
    }
    if (cli_scenario(r->cli, path, own, err) != STATUS_OK) {
        return err->code;
    }
    r->scenario = own;
    return results_limits(own, &results->constraints, &results->confidence, err);
}

/* The recommended row as its scenario has it: the bill, and the interval by simulation. */
static enum status examine(struct report *r, struct error *err)
{
    const size_t row = (size_t)r->choice.recommended;
    const double point = report_number(r, row, "point");
    struct scenario_cursor cursor;
    struct evaluator e = {0};
    bool skipped = false;
    if (!(point >= 0 && point < (double)r->scenario->points) ||
        cursor_init(&cursor, r->scenario, err) != STATUS_OK) {
        return err->code != STATUS_OK
                   ? err->code
                   : RAISE(err, ERR_INPUT,
                           "the results have no configuration of %s: another scenario?",
                           r->scenario->path);
    }
    if (predict_point(&cursor, (uint64_t)point, &e, &r->row, NULL, &r->ledger, &skipped, err) ==
        STATUS_OK) {
        const bool same = !skipped && r->row.workers == report_number(r, row, "workers") &&
                          strcmp(r->row.system, report_text(r, row, "system")) == 0 &&
                          strcmp(r->row.platform, report_text(r, row, "platform")) == 0;
        if (!same) {
            RAISE(err, ERR_INPUT, "configuration %.0f of %s is another one than in the results",
                  point, r->scenario->path);
        }
        r->confidence = cursor.config.simulation.confidence;
        r->has_ledger = same && r->row.feasible;
    }
    if (err->code == STATUS_OK && r->has_ledger && !isfinite(r->time_lo_s) &&
        cli_option(r->cli, "closed-form") == NULL && strcmp(r->row.reading, "protocol") == 0) {
        const long online = sysconf(_SC_NPROCESSORS_ONLN);
        const struct simulation_options o = {.threads = online > 0 ? (uint32_t)online : 1};
        struct row simulated;
        if (simulate_point(&cursor, (uint64_t)point, &e, &o, &simulated, NULL, &skipped, err) ==
                STATUS_OK &&
            simulated.feasible) {
            r->time_s = simulated.time_s;
            r->cost_usd = simulated.cost_usd;
            r->time_lo_s = simulated.time_lo_s;
            r->time_hi_s = simulated.time_hi_s;
            r->cost_lo_usd = simulated.cost_lo_usd;
            r->cost_hi_usd = simulated.cost_hi_usd;
            r->p_deadline = simulated.p_deadline;
            r->p_budget = simulated.p_budget;
            r->replications = simulated.replications;
        }
    }
    evaluator_free(&e);
    cursor_free(&cursor);
    return err->code;
}

static enum status recommend(struct report *r, struct error *err)
{
    r->confidence = r->plot.results.confidence;
    if (report_choose(r, err) != STATUS_OK || r->choice.recommended < 0) {
        return err->code;
    }
    const size_t row = (size_t)r->choice.recommended;
    const struct {
        double *to;
        const char *column;
    } cells[] = {{&r->time_s, "time_s"},
                 {&r->cost_usd, "cost_usd"},
                 {&r->time_lo_s, "time_lo_s"},
                 {&r->time_hi_s, "time_hi_s"},
                 {&r->cost_lo_usd, "cost_lo_usd"},
                 {&r->cost_hi_usd, "cost_hi_usd"},
                 {&r->p_deadline, "p_deadline"},
                 {&r->p_budget, "p_budget"},
                 {&r->replications, "replications"}};
    for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++) {
        *cells[i].to = report_number(r, row, cells[i].column);
    }
    /* Shares of runs hold for the limits they were simulated with. */
    if (r->asked.deadline_s > 0 && r->asked.deadline_s != r->own.deadline_s) {
        r->p_deadline = NAN;
    }
    if (r->asked.budget_usd > 0 && r->asked.budget_usd != r->own.budget_usd) {
        r->p_budget = NAN;
    }
    return r->scenario != NULL ? examine(r, err) : STATUS_OK;
}

static enum status write_page(struct report *r, struct text *out, struct error *err)
{
    struct text assumptions = {0};
    if (report_assumptions(&assumptions, r, err) == STATUS_OK) {
        report_head(out, r);
        report_answer(out, r);
        if (report_pictures(out, r, err) == STATUS_OK) {
            report_bill(out, r);
            if (report_table(out, r, err) == STATUS_OK) {
                report_validation(out, r);
                report_validity(out, r);
                text_append(out, assumptions.data, assumptions.size);
                report_provenance(out, r, err);
                report_foot(out);
            }
        }
    }
    out->failed = out->failed || assumptions.failed;
    text_free(&assumptions);
    return err->code;
}

static enum status make(struct report *r, struct scenario *own, struct error *err)
{
    struct text page = {0};
    const struct frame *f = &r->plot.results.frame;
    if (want_columns(&r->plot, err) != STATUS_OK || plot_read(&r->plot, err) != STATUS_OK) {
        return err->code;
    }
    r->own = r->plot.results.constraints;
    if (read_scenario(r, own, err) != STATUS_OK) {
        return err->code;
    }
    settle_limits(r);
    if (f->n_rows == 0) {
        return RAISE(err, ERR_INPUT, "%s: no row to report%s", r->plot.sources[0],
                     f->left_out > 0 ? ": none meets the condition of --where" : "");
    }
    if (frame_need(f, plot_column(&r->plot, "time_s"), "a report shows", err) == STATUS_OK &&
        frame_need(f, plot_column(&r->plot, "cost_usd"), "a report shows", err) == STATUS_OK &&
        recommend(r, err) == STATUS_OK && write_page(r, &page, err) == STATUS_OK) {
        cli_write(r->cli, &page, err);
    }
    text_free(&page);
    return err->code;
}

/* Nothing is feasible: the page says so, and so does this, with the reason where it stands. */
static enum status explain_infeasible(const struct report *r, struct error *err)
{
    const char *to = cli_option(r->cli, "o");
    const bool file = to != NULL && strcmp(to, "-") != 0;
    const double point = report_number(r, 0, "point");
    struct scenario_cursor cursor;
    struct evaluator e = {0};
    struct error why = {0};
    if (r->scenario != NULL && point >= 0 && point < (double)r->scenario->points &&
        cursor_init(&cursor, r->scenario, &why) == STATUS_OK) {
        predict_check(&cursor, (uint64_t)point, &e, &why);
        cursor_free(&cursor);
    }
    evaluator_free(&e);
    if (why.code == ERR_INFEASIBLE) {
        *err = why;
        snprintf(err->message, sizeof err->message, "no configuration is feasible: %.400s",
                 why.message);
    } else {
        RAISE(err, ERR_INFEASIBLE, "no configuration is feasible: %s", report_text(r, 0, "status"));
    }
    if (file && !r->cli->quiet) {
        fprintf(stderr, "%s is written all the same\n", to);
    }
    return err->code;
}

/* The page says what misses the limits least; a script learns it as from plan, by exit code 4. */
static void tell_unmet(const struct report *r, struct error *err)
{
    struct text words = {0};
    text_puts(&words, "no configuration is ");
    text_limits(&words, &r->limits);
    RAISE(err, ERR_INFEASIBLE, "%s: the page shows what misses that least",
          words.data != NULL ? words.data : "within the limits");
    text_free(&words);
}

static enum exit_code run(struct cli *cli, struct error *err)
{
    struct scenario own = {0};
    struct report r = {
        .cli = cli, .plot = {.cli = cli, .sources = cli->arguments, .n_sources = cli->n_arguments}};
    enum exit_code code = EXIT_FAILED;
    char sets[2][64];
    if (read_options(&r, cli, sets, err) == STATUS_OK && make(&r, &own, err) == STATUS_OK) {
        code = r.choice.met ? EXIT_DONE : EXIT_UNMET;
        if (r.missing_pictures > 0) { /* the page is there, but not all of it */
            *err = r.picture_error;
        } else if (r.choice.recommended < 0) {
            explain_infeasible(&r, err);
        } else if (!r.choice.met) {
            tell_unmet(&r, err);
        }
    }
    scenario_free(&own);
    plot_free(&r.plot);
    text_free(&r.miss);
    return code;
}

const struct command command_report = {
    .name = "report",
    .summary = "one page about results: recommended configuration, pictures, bill, assumptions",
    .arguments = "RESULTS...",
    .examples = "faascast report scenarios/metafaas/mini-imagenet.json -o report.html\n"
                "faascast report results.csv --scenario my.json -o report.html\n"
                "faascast report results.csv --deadline 2h --budget '5 USD' -o report.html\n",
    .options = options,
    .details =
        "RESULTS are rows of predict, simulate or sweep (CSV or JSON), or a scenario, which "
        "is then predicted and its recommended configuration simulated. The page is one "
        "HTML file that needs no network and no JavaScript. Recommended is what "
        "plan would choose of these rows: the cheapest within a deadline, the fastest "
        "within a budget alone, without limits the least time times dollars; when nothing "
        "keeps the limits, what misses them least. A store of sweep knows the limits of its "
        "scenario. Exit code 4, as of plan, when none keeps the limits (plan also counts the "
        "share of runs that do): the page is written all the same. When gnuplot cannot "
        "draw, it is written without pictures and the exit code is 1.",
    .arguments_min = 1,
    .arguments_max = -1,
    .only = "html",
    .run = run,
};
