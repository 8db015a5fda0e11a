/* SMLT's Bayesian optimiser and the one of its repository against the exact answer: on the
 * repository's own objective tables, and over the space of a plan with the closed form as the
 * measurement. Regret and profiling bill over many seeds. */
#include "model/bayes_plan.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TABLE_SEEDS = 1000, PLAN_SEEDS = 100, ROUNDS = 10 };

static void print_spread(const char *what, double *regrets, size_t n, double measured, double all)
{
    size_t best = 0;
    gsl_sort(regrets, 1, n);
    for (size_t i = 0; i < n; i++) {
        best += regrets[i] == 0;
    }
    printf("%-40s %7.2f %7.2f %7.2f %7.1f %9.1f %9.0f\n", what, 100 * gsl_stats_mean(regrets, 1, n),
           100 * gsl_stats_median_from_sorted_data(regrets, 1, n),
           100 * gsl_stats_quantile_from_sorted_data(regrets, 1, n, 0.95),
           100 * (double)best / (double)n, measured, all);
}

static enum status tables(struct error *err)
{
    static const char *const models[] = {"bert_small", "bert_medium"};
    printf("The repository's tables, %d seeds: regret in %% of the best objective\n", TABLE_SEEDS);
    printf("%-40s %7s %7s %7s %7s %9s %9s\n", "", "mean", "median", "95th", "best %", "measured",
           "of");
    for (int m = 0; m < 2; m++) {
        struct bayes_table o;
        if (bayes_table_load(FAASCAST_ROOT "/scenarios/published/smlt_bo_objective.csv", models[m],
                             &o, err) != STATUS_OK) {
            return err->code;
        }
        const struct bayes_space space = bayes_table_space(&o);
        for (int ucb = 0; ucb < 2 && err->code == STATUS_OK; ucb++) {
            double regrets[TABLE_SEEDS];
            char what[64];
            double measured = 0;
            for (uint64_t seed = 1; seed <= TABLE_SEEDS && err->code == STATUS_OK; seed++) {
                struct bayes_result r;
                const struct bayes_options how = ucb ? bayes_ucb(seed) : bayes_ei(seed);
                bayes_minimise(&space, &how, &r, err);
                regrets[seed - 1] = r.best >= 0 ? 1 - 1 / r.values[r.best] / o.most : 1;
                regrets[seed - 1] = regrets[seed - 1] < 1e-12 ? 0 : regrets[seed - 1];
                measured += (double)r.n;
            }
            snprintf(what, sizeof what, "%s, %s", models[m],
                     ucb ? "repository (UCB)" : "paper (EI)");
            print_spread(what, regrets, TABLE_SEEDS, measured / TABLE_SEEDS, (double)o.n);
        }
    }
    return err->code;
}

/* One goal under one limit over the plan of a scenario. */
static enum status plan(const struct search *s, const struct search_front *front,
                        const struct search_objective *goal, const struct constraints *limits,
                        const char *name, struct error *err)
{
    const ptrdiff_t exact = search_front_best(front, goal, limits);
    struct bayes_plan *found = calloc(1, sizeof *found);
    if (exact < 0 || found == NULL) {
        free(found);
        return RAISE(err, ERR_INFEASIBLE, "nothing is within the limits");
    }
    const struct search_point *best = &front->points[exact];
    for (int ucb = 0; ucb < 2; ucb++) {
        double regrets[PLAN_SEEDS];
        size_t n = 0;
        double usd = 0;
        double time_s = 0;
        double measured = 0;
        for (uint64_t seed = 1; seed <= PLAN_SEEDS && err->code == STATUS_OK; seed++) {
            const struct bayes_options how = ucb ? bayes_ucb(seed) : bayes_ei(seed);
            bayes_plan(s, goal, limits, &how, ROUNDS, found, err);
            const struct search_point *p =
                found->best >= 0 ? &found->runs[found->best].point : NULL;
            if (p != NULL && search_within(limits, p->time_s, p->cost_usd)) {
                regrets[n++] = search_value(goal, p->time_s, p->cost_usd) /
                                   search_value(goal, best->time_s, best->cost_usd) -
                               1;
            }
            usd += found->profile_cost_usd;
            time_s += found->profile_time_s;
            measured += (double)found->n;
        }
        gsl_sort(regrets, 1, n);
        printf("%-34s %4zu %8.1f %8.1f %8.1f %8.1f %8.3f %8.1f\n", name, n,
               n > 0 ? 100 * gsl_stats_mean(regrets, 1, n) : (double)NAN,
               n > 0 ? 100 * gsl_stats_median_from_sorted_data(regrets, 1, n) : (double)NAN,
               n > 0 ? 100 * gsl_stats_quantile_from_sorted_data(regrets, 1, n, 0.95) : (double)NAN,
               measured / PLAN_SEEDS, usd / PLAN_SEEDS, time_s / PLAN_SEEDS / 60);
        name = "  the repository's UCB";
    }
    free(found);
    return err->code;
}

static enum status plans(struct error *err)
{
    struct scenario s;
    struct search search;
    struct search_front front = {0};
    const struct scenario_options options = {.data_dir = FAASCAST_ROOT "/scenarios", .plan = true};
    const struct search_options how = {.threads = 1};
    if (scenario_load(FAASCAST_ROOT "/scenarios/metafaas/mini-imagenet-maml-5way-1shot.json",
                      &options, &s, err) != STATUS_OK) {
        return err->code;
    }
    if (search_open(&search, &s, err) == STATUS_OK) {
        if (search_pareto(&search, &how, &front, NULL, err) == STATUS_OK) {
            static const struct {
                const char *name;
                struct search_objective goal;
                struct constraints limits;
            } asked[] = {{"cheapest within 9 h (EI)", {GOAL_COST, 0}, {32400, 0}},
                         {"fastest for 15 USD (EI)", {GOAL_TIME, 1}, {0, 15}}};
            printf("\n%s, %.0f configurations, %d seeds: regret in %% where something within the "
                   "limit was found\n%-34s %4s %8s %8s %8s %8s %8s %8s\n",
                   s.name, search.configurations, PLAN_SEEDS, "", "met", "mean", "median", "95th",
                   "measured", "USD", "min");
            for (size_t i = 0; i < 2 && err->code == STATUS_OK; i++) {
                const ptrdiff_t k = search_front_best(&front, &asked[i].goal, &asked[i].limits);
                plan(&search, &front, &asked[i].goal, &asked[i].limits, asked[i].name, err);
                if (k >= 0) {
                    printf("  exact: %.0f s, %.3f USD\n", front.points[k].time_s,
                           front.points[k].cost_usd);
                }
            }
            search_front_free(&front);
        }
        search_close(&search);
    }
    scenario_free(&s);
    return err->code;
}

int main(void)
{
    struct error err = {0};
    gsl_set_error_handler_off();
    if (tables(&err) != STATUS_OK || plans(&err) != STATUS_OK) {
        char message[1200];
        error_format(&err, message, sizeof message);
        printf("%s\n", message);
        return 1;
    }
    return 0;
}
