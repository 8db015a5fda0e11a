/* plan: the best configuration under a deadline and a budget, out of all the scenario allows. */
#include "cli/break_even.h"
#include "cli/commands.h"
#include "cli/plan.h"
#include "cli/plan_smlt.h"
#include "cli/provenance.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct cli_option options[] = {
    {"deadline", "DURATION", "done within this time (otherwise the scenario's limit)"},
    {"budget", "AMOUNT", "for at most these dollars (otherwise the scenario's limit)"},
    {"minimise", "time|cost|balanced:W",
     "time, dollars, or time^W dollars^(1-W); default: dollars under a deadline, time under a "
     "budget alone, else balanced:0.5"},
    {"confidence", "P", "share of runs that must meet the limits (0.95)"},
    {"closed-form", NULL, "do not simulate: no intervals, no probabilities"},
    {"replications", "N", "simulated runs at most for each of the best configurations (200)"},
    {"strategy", "exact|exhaustive|smlt-ei|smlt-ucb",
     "exhaustive: evaluate all, to check the bounds of exact; smlt-ei, smlt-ucb: what SMLT's "
     "Bayesian optimiser finds, its profiling bill and its regret"},
    {"seed", "N", "of SMLT's optimiser (1)"},
    {"profile-rounds", "N", "rounds SMLT's optimiser runs to measure one configuration (10)"},
    {"break-even", "/POINTER[:LOW:HIGH]",
     "the values of this number at which the best choice changes (default: a hundredth to a "
     "hundred times what it is)"},
    {"j", "N", "threads (default: as many as processors; same answer)"},
    {NULL, NULL, NULL},
};

/* ---------------------------------------------------------------- what is asked */

static enum status read_objective(struct plan *p, struct error *err)
{
    const char *text = cli_option(p->cli, "minimise");
    p->objective = search_usual(&p->limits);
    if (text == NULL) {
        return STATUS_OK;
    }
    static const char balanced[] = "balanced:";
    char *end = NULL;
    if (strcmp(text, "time") == 0) {
        p->objective.goal = GOAL_TIME;
    } else if (strcmp(text, "cost") == 0) {
        p->objective.goal = GOAL_COST;
    } else if (strcmp(text, "balanced") == 0) {
        p->objective = (struct search_objective){GOAL_BALANCED, 0.5};
    } else if (strncmp(text, balanced, sizeof balanced - 1) == 0) {
        const double weight = strtod(text + sizeof balanced - 1, &end);
        if (*end != '\0' || end == text + sizeof balanced - 1 || !(weight >= 0 && weight <= 1)) {
            return RAISE(err, ERR_USAGE, "--minimise %s: the weight of time is from 0 to 1", text);
        }
        p->objective = (struct search_objective){GOAL_BALANCED, weight};
    } else {
        return RAISE(err, ERR_USAGE, "--minimise %s: expected time, cost or balanced:0.5", text);
    }
    return STATUS_OK;
}

static enum status read_limits(struct plan *p, struct error *err)
{
    const char *deadline = cli_option(p->cli, "deadline");
    const char *budget = cli_option(p->cli, "budget");
    if (deadline != NULL && cli_duration(deadline, &p->limits.deadline_s, err) != STATUS_OK) {
        return err->code;
    }
    if (budget != NULL && cli_dollars(budget, &p->limits.budget_usd, err) != STATUS_OK) {
        return err->code;
    }
    return cli_number(p->cli, "confidence", 0, 0.9999, 0.95, &p->confidence, err);
}

static enum status read_threads(const struct cli *cli, uint32_t *out, struct error *err)
{
    const long online = sysconf(_SC_NPROCESSORS_ONLN);
    double threads = 0;
    cli_count(cli, "j", 1, 1024, online > 0 ? (double)online : 1, &threads, err);
    *out = (uint32_t)threads;
    return err->code;
}

/* ---------------------------------------------------------------- searching */

static void show_progress(double done, double all, void *context)
{
    const struct cli *cli = context;
    const double step = ceil(all / 100);
    if (cli->progress && (fmod(done, step) == 0 || done == all)) {
        fprintf(stderr, done < all ? "\rsearching: %.0f %%" : "\r\033[K", 100 * done / all);
    }
}

static enum status search(struct plan *p, uint32_t threads, struct error *err)
{
    const char *strategy = cli_option(p->cli, "strategy");
    const bool exhaustive = strategy != NULL && strcmp(strategy, "exhaustive") == 0;
    if (strategy != NULL && !exhaustive && strcmp(strategy, "exact") != 0 &&
        !plan_smlt_strategy(strategy)) {
        return RAISE(err, ERR_USAGE,
                     "--strategy %s: expected exact, exhaustive, smlt-ei or smlt-ucb", strategy);
    }
    const struct search_options o = {.threads = threads,
                                     .exhaustive = exhaustive,
                                     .progress = show_progress,
                                     .context = (void *)p->cli};
    return search_pareto(&p->search, &o, &p->front, &p->evaluations, err);
}

/* The best numbers of workers (and choices) within some limits, ready to be simulated. */
static enum status find_rivals(struct plan *p, const struct constraints *limits, size_t most,
                               struct error *err)
{
    const struct search_question q = {p->objective, *limits, -1, 0};
    const double slack = 0.25; /* further away nothing is a rival */
    if (search_rivals(&p->search, &q, slack, most, p->rivals, &p->n_rivals, err) != STATUS_OK) {
        return err->code;
    }
    p->n_contenders = p->n_rivals;
    for (size_t i = 0; i < p->n_rivals; i++) {
        struct contender *c = &p->contenders[i];
        *c = (struct contender){0};
        search_config(&p->search, &p->rivals[i], &c->config);
        c->config.constraints = p->limits;
        if (config_finish(&c->config, err) != STATUS_OK) {
            return err->code;
        }
    }
    return STATUS_OK;
}

/* Mean times within a limit leave half of the runs outside: limits for the means, so that the share
 * of runs asked for meets the real ones. Each look moves them by how far the runs of the best
 * configuration spread. */
static enum status rank(struct plan *p, const struct simulation_options *o, uint32_t replications,
                        struct error *err)
{
    enum { LOOKS = 6, FIRST = 20, FIRST_SHARES = 100 }; /* a share takes more runs than a mean */
    struct constraints limits = p->limits;
    const bool limited = limits.deadline_s > 0 || limits.budget_usd > 0;
    const uint32_t first = limited ? FIRST_SHARES : FIRST;
    p->sure = !limited;
    for (int look = 0; limited && look < LOOKS; look++) {
        if (find_rivals(p, &limits, 1, err) != STATUS_OK) {
            return err->code;
        }
        if (p->n_rivals == 0) { /* so tight nothing is left: the one before stays */
            p->n_rivals = p->n_contenders = 1;
            return STATUS_OK;
        }
        struct contender *c = &p->contenders[0];
        if (contest(c, 1, &p->objective, p->confidence, first, replications, o, err) != STATUS_OK) {
            return err->code;
        }
        p->sure = !c->infeasible && c->p_limits >= p->confidence;
        if (c->infeasible || p->sure) {
            break;
        }
        const struct search_point *point = &p->rivals[0];
        if (limits.deadline_s > 0 && c->sure_time_s > p->limits.deadline_s) {
            limits.deadline_s = fmin(limits.deadline_s, point->time_s) * p->limits.deadline_s /
                                c->sure_time_s * 0.9999;
        }
        if (limits.budget_usd > 0 && c->sure_cost_usd > p->limits.budget_usd) {
            limits.budget_usd = fmin(limits.budget_usd, point->cost_usd) * p->limits.budget_usd /
                                c->sure_cost_usd * 0.9999;
        }
    }
    if (!p->sure) {
        return STATUS_OK; /* what was tried last is told, and that it is not enough */
    }
    return find_rivals(p, &limits, RIVALS, err) == STATUS_OK
               ? contest(p->contenders, p->n_contenders, &p->objective, p->confidence, first,
                         replications, o, err)
               : err->code;
}

/* The first that meets the limits with confidence, else the first. */
static size_t first_sure(const struct plan *p)
{
    for (size_t i = 0; i < p->n_contenders; i++) {
        const struct contender *c = &p->contenders[i];
        if (!c->infeasible && !(c->p_limits < p->confidence)) {
            return i;
        }
    }
    return 0;
}

static enum status choose(struct plan *p, uint32_t threads, struct error *err)
{
    double replications = 0;
    struct evaluator e = {0};
    const bool closed = cli_option(p->cli, "closed-form") != NULL;
    if (cli_count(p->cli, "replications", 2, 1e6, 200, &replications, err) != STATUS_OK) {
        return err->code;
    }
    p->best = search_front_best(&p->front, &p->objective, &p->limits);
    p->nearest = p->best < 0 ? search_front_nearest(&p->front, &p->limits) : p->best;
    if (p->nearest < 0) {
        return STATUS_OK;
    }
    p->chosen = p->front.points[p->nearest];
    p->sure = true;
    if (p->best >= 0) {
        const struct search_choice *c = &p->search.choices[p->chosen.choice];
        p->simulated = !closed && c->config.system.reading == READING_PROTOCOL;
        const struct simulation_options o = {.threads = threads};
        if (p->simulated ? rank(p, &o, (uint32_t)replications, err) != STATUS_OK
                         : find_rivals(p, &p->limits, RIVALS, err) != STATUS_OK) {
            return err->code;
        }
        if (p->simulated && p->n_contenders > 0) {
            const size_t first = first_sure(p);
            if (first > 0) { /* the order of the others stays */
                struct contender c0 = p->contenders[first];
                memmove(&p->contenders[1], &p->contenders[0], first * sizeof c0);
                p->contenders[0] = c0;
            }
            p->chosen = p->rivals[p->contenders[0].number];
        }
    }
    search_row(&p->search, &p->chosen, &e, &p->row, &p->ledger, err);
    evaluator_free(&e);
    return err->code;
}

/* Nothing at all is feasible: say why, by the configuration that needs least. */
static void explain_infeasible(struct plan *p, struct error *err)
{
    struct evaluator e = {0};
    const struct search_choice *c = &p->search.choices[0];
    const struct search_point point = {
        .workers = (uint32_t)p->search.workers[0],
        .memory_mib = c->n_memory > 0 ? c->memory[c->n_memory - 1] : c->config.platform.memory_mib};
    if (search_check(&p->search, &point, &e, err) == STATUS_OK) {
        RAISE(err, ERR_INFEASIBLE, "no configuration is feasible");
    }
    evaluator_free(&e);
}

/* Each look at the number reads the scenario anew; only what the command line limits is fixed. */
static enum status break_even(struct plan *p, const char *asked, struct error *err)
{
    size_t times = 0;
    for (size_t i = 0; i < p->cli->n_options; i++) {
        times += strcmp(p->cli->option_names[i], "break-even") == 0;
    }
    if (times > 1) {
        return RAISE(err, ERR_USAGE, "--break-even: %zu numbers, expected one at a time", times);
    }
    const bool said = cli_option(p->cli, "minimise") != NULL;
    return read_limits(p, err) == STATUS_OK && read_objective(p, err) == STATUS_OK
               ? plan_break_even(p->cli, asked, said ? &p->objective : NULL, &p->limits, err)
               : err->code;
}

static enum status make(struct plan *p, struct error *err)
{
    uint32_t threads = 1;
    const struct cli *cli = p->cli;
    if (search_open(&p->search, &p->scenario, err) != STATUS_OK) {
        return err->code;
    }
    p->limits = p->search.choices[0].config.constraints;
    if (read_limits(p, err) != STATUS_OK || read_objective(p, err) != STATUS_OK ||
        read_threads(cli, &threads, err) != STATUS_OK || search(p, threads, err) != STATUS_OK) {
        return err->code;
    }
    const char *strategy = cli_option(cli, "strategy");
    const bool smlt = strategy != NULL && plan_smlt_strategy(strategy);
    const bool closed = smlt || cli_option(cli, "closed-form") != NULL;
    double seed = (double)NAN;
    if ((smlt && cli_count(cli, "seed", 0, 4294967295.0, 1, &seed, err) != STATUS_OK) ||
        text_provenance_now(&p->provenance, cli, &p->scenario, closed ? "predict" : "both", seed,
                            err) != STATUS_OK) {
        return err->code;
    }
    if (smlt) {
        return plan_smlt(p, strategy, &p->sure, err);
    }
    if (choose(p, threads, err) != STATUS_OK) {
        return err->code;
    }
    if (p->nearest < 0) {
        explain_infeasible(p, err);
        return err->code;
    }
    struct text out = {0};
    if (cli->format == FORMAT_CSV) {
        text_plan_csv(&out, p, err);
    } else if (cli->format == FORMAT_JSON) {
        text_plan_json(&out, p, err);
    } else {
        text_plan(&out, p);
    }
    if (err->code != STATUS_OK) {
        text_free(&out);
        return err->code;
    }
    return cli_write_result(cli, &out, &p->provenance, err);
}

static enum exit_code run(struct cli *cli, struct error *err)
{
    const char *fail_if = cli_option(cli, "fail-if");
    struct expression condition;
    if (fail_if != NULL && cli_condition(fail_if, &condition, err) != STATUS_OK) {
        return EXIT_USAGE;
    }
    struct plan *p = calloc(1, sizeof *p);
    enum exit_code code = EXIT_FAILED;
    const struct scenario_options o = {
        .data_dir = cli->data_dir, .sets = cli->sets, .n_sets = cli->n_sets, .plan = true};
    if (p == NULL) {
        RAISE(err, ERR_MEMORY, "out of memory for a plan");
        return EXIT_FAILED;
    }
    p->cli = cli;
    const char *asked = cli_option(cli, "break-even");
    if (asked != NULL) {
        break_even(p, asked, err);
        free(p);
        return cli_exit_code(err->code);
    }
    if (scenario_load(cli->arguments[0], &o, &p->scenario, err) != STATUS_OK) {
        free(p);
        return EXIT_INPUT;
    }
    if (make(p, err) == STATUS_OK) {
        const bool failed = fail_if != NULL && cli_row_is(&condition, &p->row);
        code = p->best >= 0 && p->sure && !failed ? EXIT_DONE : EXIT_UNMET;
    } else {
        code = cli_exit_code(err->code);
    }
    text_free(&p->provenance);
    search_front_free(&p->front);
    search_close(&p->search);
    scenario_free(&p->scenario);
    free(p);
    return code;
}

const struct command command_plan = {
    .name = "plan",
    .summary = "the best configuration under a deadline and a budget, and what the limits cost",
    .arguments = "FILE",
    .examples = "faascast plan scenarios/metafaas/mini-imagenet-maml-5way-1shot.json\n"
                "faascast plan my.json --deadline 2h --budget '5 USD' --confidence 0.99\n"
                "faascast plan my.json --minimise balanced:0.3 --format csv -o front.csv\n"
                "faascast plan my.json --break-even /store/latency_s:0.001:1\n"
                "faascast plan my.json --strategy smlt-ei --deadline 2h\n",
    .options = options,
    .details =
        "Searches every number of workers (1 to 1000) with every size of memory the platform "
        "sells, or what the section plan of the scenario says, such as {\"grid\": {\"/store/use\": "
        "[\"s3-standard-2022\", \"efs-bursting-2021\"], \"/platform/workers\": [1, 2, 4]}}. The "
        "search is exact; bounds only leave out what cannot be of use. The best memory of the "
        "best numbers of workers is then simulated until the intervals lie apart; what cannot be "
        "told from the best is marked =. CSV holds the Pareto front, for plot pareto; JSON the "
        "answer and the front. --break-even looks at 49 values of one number (a latency, a "
        "bandwidth, a price, the iterations) and finds where another choice of systems, stores, "
        "machines and so on becomes best, each with its own best workers and memory; where the "
        "plan has one choice only, another number of workers. Exit code 4 when no configuration "
        "meets the limits: the answer is "
        "then what misses them least.",
    .arguments_min = 1,
    .arguments_max = 1,
    .has_rows = true,
    .run = run,
};
