/* Gaussian process and expected improvement against algebra; SMLT's optimiser on its own tables. */
#include "tests/support.h"

#include "model/bayes_plan.h"

#include <gsl/gsl_errno.h>
#include <string.h>

/* Two measurements and a third place by hand: K = [[1, k], [k, 1]] v. */
static void two_points_by_hand(void **state)
{
    (void)state;
    const double x[2][BAYES_DIMENSIONS] = {{0}, {1}};
    const double y[2] = {-1, 1};
    struct gaussian_process g;
    struct error err = {0};
    double mean = 0;
    double deviation = 0;
    assert_ok(gaussian_process_fit(2, 1, x, y, &g, &err), &err);
    const double r = sqrt(5.0) / g.length;
    const double k = (1 + r + r * r / 3) * exp(-r);
    assert_close(g.variance, 1 / (1 - k), 1e-6); /* y K^-1 y / 2 for y = (-1, 1) */
    assert_true(fabs(g.mean) < 1e-9);
    for (int i = 0; i < 2; i++) {
        gaussian_process_at(&g, x[i], &mean, &deviation);
        assert_close(mean, y[i], 1e-6);
        assert_true(deviation < 1e-3);
    }
    const double place[1] = {0.25};
    const double a = 0.25 * r;
    const double b = 0.75 * r;
    const double ka = (1 + a + a * a / 3) * exp(-a);
    const double kb = (1 + b + b * b / 3) * exp(-b);
    gaussian_process_at(&g, place, &mean, &deviation);
    assert_close(mean, (kb - ka) / (1 - k), 1e-6);
    const double explained = (ka * ka + kb * kb - 2 * k * ka * kb) / (1 - k * k);
    assert_close(deviation * deviation, g.variance * (1 - explained), 1e-5);
}

static void expected_improvement_is_the_integral(void **state)
{
    (void)state;
    const double cases[][3] = {{0, 0, 1}, {1, 2, 0.5}, {-3, -2.5, 2}, {2, 0, 0.1}};
    for (size_t i = 0; i < 4; i++) {
        double sum = 0;
        const double step = 1e-4;
        for (double z = -10; z < 10; z += step) { /* E max(least - (m + s z), 0) */
            const double gain = cases[i][0] - cases[i][1] - cases[i][2] * (z + step / 2);
            sum += fmax(gain, 0) * exp(-0.5 * (z + step / 2) * (z + step / 2)) * step;
        }
        assert_close(expected_improvement(cases[i][0], cases[i][1], cases[i][2]),
                     sum / sqrt(2 * acos(-1)), 1e-6);
    }
    assert_true(expected_improvement(1, 0, 0) == 1 && expected_improvement(0, 1, 0) == 0);
}

/* Random search with as many measurements is the least an optimiser must beat; the exact answer
 * is what it cannot beat. */
static void on_its_own_tables_it_beats_chance_and_not_the_exact_answer(void **state)
{
    (void)state;
    static const char *const models[] = {"bert_small", "bert_medium"};
    for (int m = 0; m < 2; m++) {
        struct bayes_table table;
        struct error err = {0};
        assert_ok(bayes_table_load(FAASCAST_ROOT "/scenarios/published/smlt_bo_objective.csv",
                                   models[m], &table, &err),
                  &err);
        const struct bayes_space space = bayes_table_space(&table);
        for (int ucb = 0; ucb < 2; ucb++) {
            double guided = 0;
            double chance = 0;
            for (uint64_t seed = 1; seed <= 200; seed++) {
                struct bayes_options how = ucb ? bayes_ucb(seed) : bayes_ei(seed);
                struct bayes_result r;
                struct bayes_result again;
                assert_ok(bayes_minimise(&space, &how, &r, &err), &err);
                assert_ok(bayes_minimise(&space, &how, &again, &err), &err);
                assert_int_equal(memcmp(&r, &again, sizeof r), 0);
                assert_true(r.n >= how.initial && r.n <= how.most && r.best >= 0);
                assert_true(!ucb || r.n == 5);
                for (size_t i = 0; i < r.n; i++) {
                    for (size_t k = 0; k < i; k++) {
                        assert_true(r.places[i][0] != r.places[k][0]);
                    }
                }
                guided += 1 - 1 / r.values[r.best] / table.most;
                how.initial = (uint32_t)r.n; /* all of them at random */
                how.most = (uint32_t)r.n;
                how.seed += 1000000;
                assert_ok(bayes_minimise(&space, &how, &r, &err), &err);
                chance += 1 - 1 / r.values[r.best] / table.most;
            }
            if (!(guided < chance)) {
                print_error("%s, %s: regret %g, by chance %g\n", models[m], ucb ? "UCB" : "EI",
                            guided / 200, chance / 200);
            }
            assert_true(guided >= 0 && guided < chance);
        }
    }
}

/* On a plan: every measurement is the search's own evaluation, the bill is that of short runs. */
static void a_plan_is_measured_and_billed(void **state)
{
    (void)state;
    const char *sets[] = {"/plan={\"grid\": {\"/platform/workers\": [1, 2, 4, 8, 16, 32], "
                          "\"/platform/memory_mib\": {\"from\": 512, \"to\": 10240, "
                          "\"points\": 39}}}"};
    const struct scenario_options o = {
        .data_dir = FAASCAST_ROOT "/scenarios", .sets = sets, .n_sets = 1, .plan = true};
    struct scenario s;
    struct search search;
    struct error err = {0};
    assert_ok(scenario_load(FAASCAST_ROOT "/bench/systems.json", &o, &s, &err), &err);
    assert_ok(search_open(&search, &s, &err), &err);
    const struct search_question q = {{GOAL_COST, 0}, {40000, 0}, -1, 0};
    struct search_point exact;
    bool any = false;
    assert_ok(search_best(&search, &q, &exact, &any, &err), &err);
    assert_true(any);
    size_t met = 0;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct bayes_plan found;
        const struct bayes_options how = bayes_ei(seed);
        assert_ok(bayes_plan(&search, &q.objective, &q.limits, &how, 10, &found, &err), &err);
        double usd = 0;
        for (size_t i = 0; i < found.n; i++) {
            const struct bayes_run *r = &found.runs[i];
            const struct search_question one = {
                q.objective, {0, 0}, (ptrdiff_t)r->point.choice, r->point.workers};
            struct search_point best;
            assert_ok(search_best(&search, &one, &best, &any, &err), &err);
            assert_true(!r->feasible || (any && best.cost_usd <= r->point.cost_usd));
            assert_true(!r->feasible || (r->profile_cost_usd > 0 &&
                                         r->profile_cost_usd < 0.01 * r->point.cost_usd));
            usd += r->profile_cost_usd;
        }
        assert_close(found.profile_cost_usd, usd, 1e-12);
        if (found.best >= 0) {
            const struct search_point *p = &found.runs[found.best].point;
            assert_true(p->time_s <= q.limits.deadline_s && p->cost_usd >= exact.cost_usd);
            met++;
        }
    }
    assert_true(met >= 15);
    search_close(&search);
    scenario_free(&s);
}

int main(void)
{
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_points_by_hand),
        cmocka_unit_test(expected_improvement_is_the_integral),
        cmocka_unit_test(on_its_own_tables_it_beats_chance_and_not_the_exact_answer),
        cmocka_unit_test(a_plan_is_measured_and_billed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
