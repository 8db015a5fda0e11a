/* The search of a plan against looking at every configuration: every system, with and without
 * noise, polls, time limits; every objective and limit. Trees of servers against enumeration. */
#include "tests/support.h"

#include "model/search.h"

#include <gsl/gsl_errno.h>
#include <stdlib.h>
#include <string.h>

static struct search_front open_front(struct search *s, bool exhaustive, uint32_t threads,
                                      double *calls)
{
    struct search_front f;
    struct error err = {0};
    const struct search_options o = {.threads = threads, .exhaustive = exhaustive};
    assert_ok(search_pareto(s, &o, &f, calls, &err), &err);
    return f;
}

static void assert_same_front(const struct search_front *a, const struct search_front *b)
{
    assert_int_equal(a->count, b->count);
    for (size_t i = 0; i < a->count; i++) {
        const struct search_point *p = &a->points[i];
        const struct search_point *q = &b->points[i];
        assert_true(p->time_s == q->time_s && p->cost_usd == q->cost_usd);
        assert_int_equal(p->choice, q->choice);
        assert_int_equal(p->workers, q->workers);
        assert_true(p->memory_mib == q->memory_mib);
    }
}

static const char plan_small[] =
    "/plan={\"grid\": {\"/platform/workers\": [1, 2, 3, 5, 8, 16, 17, 40, 64, 150], "
    "\"/platform/memory_mib\": {\"from\": 128, \"to\": 10240, \"points\": 211}}}";

/* What differs from the plain scenario: each on its own and together. */
static const char *const variations[][6] = {
    {NULL},
    {"/system/poll_interval_s=0.7", NULL},
    {"/compute/noise_cv=0.3", NULL},
    {"/compute/noise_cv=0.15", "/system/poll_interval_s=0.3",
     "/store/latency_s={\"distribution\":\"lognormal\",\"median\":0.05,\"p99\":0.9}", NULL},
    {"/platform/time_limit_s=97", "/compute/serial_share=0.2", NULL},
    {"/store/aggregate_bytes_per_s=1e8", "/compute/unit_s=0.02", "/compute/noise_cv=0.05", NULL},
};

static void load(const char *const *sets, size_t n, struct scenario *s)
{
    struct error err = {0};
    const struct scenario_options o = {
        .data_dir = FAASCAST_ROOT "/scenarios", .sets = sets, .n_sets = n, .plan = true};
    assert_ok(scenario_load(FAASCAST_ROOT "/bench/systems.json", &o, s, &err), &err);
}

static void the_front_is_that_of_looking_at_everything(void **state)
{
    (void)state;
    for (size_t k = 0; protocols[k] != NULL; k++) {
        for (size_t v = 0; v < sizeof variations / sizeof variations[0]; v++) {
            char name[96];
            const char *sets[10] = {name, plan_small, "/system/structure=[1,4,16]"};
            size_t n = protocols[k]->takes_structure ? 3 : 2;
            snprintf(name, sizeof name, "/system/name=%s", protocols[k]->name);
            for (size_t i = 0; variations[v][i] != NULL; i++) {
                sets[n++] = variations[v][i];
            }
            struct scenario s;
            struct search search;
            struct error err = {0};
            double calls[2];
            load(sets, n, &s);
            assert_ok(search_open(&search, &s, &err), &err);
            struct search_front pruned = open_front(&search, false, 1, &calls[0]);
            struct search_front full = open_front(&search, true, 1, &calls[1]);
            if (pruned.count != full.count || full.count == 0) {
                print_error("%s, variation %zu\n", protocols[k]->name, v);
            }
            assert_true(full.count > 0);
            assert_same_front(&pruned, &full);
            assert_int_equal(calls[1], search.configurations);
            search_front_free(&pruned);
            search_front_free(&full);
            search_close(&search);
            scenario_free(&s);
        }
    }
}

static void bounds_save_most_of_the_work(void **state)
{
    (void)state;
    const char *sets[] = {"/plan={\"grid\": {\"/platform/workers\": {\"from\": 1, \"to\": 200, "
                          "\"points\": 200}}}"};
    struct scenario s;
    struct search search;
    struct error err = {0};
    double calls = 0;
    load(sets, 1, &s);
    assert_ok(search_open(&search, &s, &err), &err);
    assert_int_equal(search.configurations, 200 * (10240 - 128 + 1));
    struct search_front f = open_front(&search, false, 1, &calls);
    assert_true(calls < 0.1 * search.configurations);
    search_front_free(&f);
    search_close(&search);
    scenario_free(&s);
}

static void threads_change_nothing(void **state)
{
    (void)state;
    const char *sets[] = {plan_small, "/compute/noise_cv=0.1"};
    struct scenario s;
    struct search search;
    struct error err = {0};
    double calls[2];
    load(sets, 2, &s);
    assert_ok(search_open(&search, &s, &err), &err);
    struct search_front one = open_front(&search, false, 1, &calls[0]);
    struct search_front three = open_front(&search, false, 3, &calls[1]);
    assert_same_front(&one, &three);
    assert_true(calls[0] == calls[1]);
    search_front_free(&one);
    search_front_free(&three);
    search_close(&search);
    scenario_free(&s);
}

static void the_best_within_limits_is_on_the_front(void **state)
{
    (void)state;
    const char *sets[] = {
        "/plan={\"grid\": {\"/platform/workers\": [1, 3, 4, 16, 20, 64], "
        "\"/platform/memory_mib\": {\"from\": 256, \"to\": 10240, \"points\": 105}, "
        "\"/system/name\": [\"metafaas\", \"lambdaml-scatterreduce\", \"smlt\"], "
        "\"/store/use\": [\"s3-standard-2022\", \"elasticache-redis-m5-large\"]}}"};
    struct scenario s;
    struct search search;
    struct error err = {0};
    double calls;
    load(sets, 1, &s);
    assert_ok(search_open(&search, &s, &err), &err);
    assert_int_equal(search.n_choices, 6);
    struct search_front full = open_front(&search, true, 2, &calls);
    const struct search_point *fast = &full.points[0];
    const struct search_point *cheap = &full.points[full.count - 1];
    const struct constraints limits[] = {
        {0, 0},
        {1.7 * fast->time_s, 0},
        {0, 1.3 * cheap->cost_usd},
        {3.1 * fast->time_s, 2.9 * cheap->cost_usd},
        {0.99 * fast->time_s, 0},
    };
    const struct search_objective objectives[] = {
        {GOAL_TIME, 0}, {GOAL_COST, 0}, {GOAL_BALANCED, 0.5}, {GOAL_BALANCED, 0.13}};
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        for (size_t k = 0; k < sizeof objectives / sizeof objectives[0]; k++) {
            const struct search_question q = {objectives[k], limits[i], -1, 0};
            struct search_point best;
            bool found = false;
            const ptrdiff_t at = search_front_best(&full, &objectives[k], &limits[i]);
            assert_ok(search_best(&search, &q, &best, &found, &err), &err);
            assert_int_equal(found, at >= 0);
            if (found) {
                const struct search_point *p = &full.points[at];
                assert_close(search_value(&q.objective, best.time_s, best.cost_usd),
                             search_value(&q.objective, p->time_s, p->cost_usd), 1e-12);
                assert_true(search_within(&limits[i], best.time_s, best.cost_usd));
            }
        }
    }
    /* Rivals are each the best memory of their workers and choice, in order. */
    const struct search_question q = {objectives[2], limits[0], -1, 0};
    struct search_point rivals[7];
    size_t n = 0;
    assert_ok(search_rivals(&search, &q, 0.6, 7, rivals, &n, &err), &err);
    assert_true(n > 2);
    for (size_t i = 0; i < n; i++) {
        const struct search_question own = {q.objective, q.limits, (ptrdiff_t)rivals[i].choice,
                                            rivals[i].workers};
        struct search_point best;
        bool found = false;
        assert_ok(search_best(&search, &own, &best, &found, &err), &err);
        assert_true(found && best.memory_mib == rivals[i].memory_mib);
        assert_true(i == 0 ||
                    search_value(&q.objective, rivals[i].time_s, rivals[i].cost_usd) >=
                        search_value(&q.objective, rivals[i - 1].time_s, rivals[i - 1].cost_usd));
    }
    search_front_free(&full);
    search_close(&search);
    scenario_free(&s);
}

static void fronts_keep_what_nothing_beats(void **state)
{
    (void)state;
    /* Random points against the definition. */
    struct search_front f = {0};
    struct error err = {0};
    struct search_point points[400];
    uint32_t x = 12345;
    for (uint32_t i = 0; i < 400; i++) {
        x = x * 1664525 + 1013904223;
        points[i] = (struct search_point){.time_s = 1 + (x >> 16) % 40, .workers = i};
        x = x * 1664525 + 1013904223;
        points[i].cost_usd = 1 + (x >> 16) % 40;
        assert_ok(search_front_add(&f, &points[i], &err), &err);
    }
    size_t expected = 0;
    for (size_t i = 0; i < 400; i++) {
        bool kept = true;
        for (size_t k = 0; k < 400; k++) {
            const bool better = points[k].time_s <= points[i].time_s &&
                                points[k].cost_usd <= points[i].cost_usd &&
                                (points[k].time_s < points[i].time_s ||
                                 points[k].cost_usd < points[i].cost_usd || k < i);
            kept = kept && !(better && k != i);
        }
        bool there = false;
        for (size_t k = 0; k < f.count; k++) {
            there = there || f.points[k].workers == i;
        }
        assert_int_equal(there, kept);
        expected += kept;
    }
    assert_int_equal(f.count, expected);
    search_front_free(&f);
}

/* ---------------------------------------------------------------- trees of servers */

/* The least over every increasing sequence 1 < ... < n, from the level above `n` upwards. */
static double enumerate(uint32_t n, double alpha, double beta)
{
    double best = n == 1 ? 0 : HUGE_VAL;
    for (uint32_t q = 1; q < n; q++) {
        best = fmin(best, alpha + beta * n / q + enumerate(q, alpha, beta));
    }
    return best;
}

static void trees_are_the_best_of_all(void **state)
{
    (void)state;
    const double ratios[] = {0, 0.31, 1, 3.2, 7.7, 40};
    struct error err = {0};
    for (size_t k = 0; k < sizeof ratios / sizeof ratios[0]; k++) {
        uint32_t parents[19];
        const double beta = 0.137;
        const double alpha = ratios[k] * beta;
        assert_ok(structure_parents(18, alpha, beta, parents, &err), &err);
        for (uint32_t n = 2; n <= 18; n++) {
            double levels[STRUCTURE_LIMIT];
            const uint32_t count = structure_levels(parents, n, levels);
            assert_true(count >= 2 && levels[0] == 1 && levels[count - 1] == n);
            assert_close(structure_seconds(levels, count, alpha, beta), enumerate(n, alpha, beta),
                         1e-12);
        }
    }
}

static void the_authors_tree_is_returned(void **state)
{
    (void)state;
    /* models.md section 8: [1, 5, 22, 100] for every 1.29 < alpha / beta < 6.05. */
    struct error err = {0};
    uint32_t parents[101];
    const double expected[] = {1, 5, 22, 100};
    for (double ratio = 1.3; ratio < 6.05; ratio += 0.05) {
        double levels[STRUCTURE_LIMIT];
        assert_ok(structure_parents(100, 0.17 * ratio, 0.17, parents, &err), &err);
        assert_int_equal(structure_levels(parents, 100, levels), 4);
        assert_memory_equal(levels, expected, sizeof expected);
    }
    for (int side = 0; side < 2; side++) { /* and not outside */
        double levels[STRUCTURE_LIMIT];
        assert_ok(structure_parents(100, side ? 6.06 : 1.28, 1, parents, &err), &err);
        const uint32_t n = structure_levels(parents, 100, levels);
        assert_false(n == 4 && memcmp(levels, expected, sizeof expected) == 0);
    }
}

/* ---------------------------------------------------------------- what a plan section says */

static void expect_error(const char *plan, const char *words)
{
    const char *sets[] = {plan};
    const struct scenario_options o = {
        .data_dir = FAASCAST_ROOT "/scenarios", .sets = sets, .n_sets = 1, .plan = true};
    struct scenario s;
    struct search search;
    struct error err = {0};
    if (scenario_load(FAASCAST_ROOT "/bench/systems.json", &o, &s, &err) == STATUS_OK) {
        assert_int_not_equal(search_open(&search, &s, &err), STATUS_OK);
        scenario_free(&s);
    }
    if (strstr(err.message, words) == NULL) {
        print_error("found: %s\nexpected: %s\n", err.message, words);
    }
    assert_non_null(strstr(err.message, words));
}

static void bad_plans_are_refused(void **state)
{
    (void)state;
    expect_error("/plan={\"gird\": {}}", "unknown key 'gird', did you mean 'grid'?");
    expect_error("/plan=[1]", "expected an object with grid, zip or skip");
    expect_error("/plan={\"zip\": {\"/platform/workers\": [1, 2], \"/store/nodes\": [1, 2]}}",
                 "cannot stand in a zip");
    expect_error("/plan={\"grid\": {\"/platform/workers\": [0, 2]}}", "0");
    expect_error("/plan={\"skip\": [\"wrokers > 3\"]}", "workers");
}

static void conditions_leave_points_out(void **state)
{
    (void)state;
    const char *sets[] = {
        "/plan={\"grid\": {\"/platform/workers\": [1, 2, 4, 8, 16], \"/platform/memory_mib\": "
        "{\"from\": 256, \"to\": 10240, \"points\": 77}}, \"skip\": [\"workers > 4\", "
        "\"memory_mib > 5000\"]}",
        "/compute/noise_cv=0.1"};
    for (size_t n = 1; n <= 2; n++) {
        struct scenario s;
        struct search search;
        struct error err = {0};
        double calls;
        load(sets, n, &s);
        assert_ok(search_open(&search, &s, &err), &err);
        struct search_front pruned = open_front(&search, false, 1, &calls);
        struct search_front full = open_front(&search, true, 1, &calls);
        assert_same_front(&pruned, &full);
        for (size_t i = 0; i < full.count; i++) {
            assert_true(full.points[i].workers <= 4 && full.points[i].memory_mib <= 5000);
        }
        search_front_free(&pruned);
        search_front_free(&full);
        search_close(&search);
        scenario_free(&s);
    }
}

int main(void)
{
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_front_is_that_of_looking_at_everything),
        cmocka_unit_test(bounds_save_most_of_the_work),
        cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(the_best_within_limits_is_on_the_front),
        cmocka_unit_test(fronts_keep_what_nothing_beats),
        cmocka_unit_test(trees_are_the_best_of_all),
        cmocka_unit_test(the_authors_tree_is_returned),
        cmocka_unit_test(bad_plans_are_refused),
        cmocka_unit_test(conditions_leave_points_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
