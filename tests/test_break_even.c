/* Break-even values against algebra: the bill of a machine is affine in its hourly price, the time
 * of a run affine in a latency; rivals meet where two straight lines meet. */
#include "tests/support.h"

#include "model/break_even.h"

#include <gsl/gsl_errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A machine that trains alone, or functions. */
static const char machines[] =
    "/plan={\"zip\": {\"/system/name\": [\"metafaas\", \"serial\"], "
    "\"/platform/use\": [\"aws-lambda-2022-06\", \"ec2-c5.large\"]}, "
    "\"grid\": {\"/platform/workers\": [1, 2, 4, 8], \"/platform/memory_mib\": [1769, 10240]}}";
/* A store with a short latency, or one with a wide pipe. */
static const char stores[] =
    "/plan={\"zip\": {\"/store/latency_s\": [0.001, 0.05], "
    "\"/store/connection_bytes_per_s\": [2e6, 8e7]}, "
    "\"grid\": {\"/platform/workers\": [8], \"/platform/memory_mib\": [10240]}}";
/* One choice only: numbers of workers compete. */
static const char workers[] =
    "/plan={\"grid\": {\"/platform/workers\": [2, 4, 8, 16], \"/platform/memory_mib\": [10240]}}";

static const char seven[] = "/plan={\"grid\": {\"/platform/workers\": [1, 2, 4, 8, 16, 32, 64], "
                            "\"/platform/memory_mib\": [10240]}}";

static struct break_even_question question(const char *const *sets, size_t n, const char *pointer,
                                           double low, double high,
                                           const struct search_objective *objective)
{
    return (struct break_even_question){
        .path = FAASCAST_ROOT "/bench/systems.json",
        .options = {.data_dir = FAASCAST_ROOT "/scenarios", .sets = sets, .n_sets = n},
        .pointer = pointer,
        .low = low,
        .high = high,
        .objective = objective,
        .steps = 12};
}

static struct break_even *find(const struct break_even_question *q)
{
    struct error err = {0};
    struct break_even *found = calloc(1, sizeof *found);
    assert_non_null(found);
    assert_ok(break_even_find(q, found, &err), &err);
    return found;
}

/* Time and dollars of one choice, or of one number of workers, where the number is x. */
static struct search_point best(const struct break_even_question *q, double x, ptrdiff_t choice,
                                double n_workers)
{
    struct error err = {0};
    struct break_even_look look;
    struct search_point p;
    bool any = false;
    assert_ok(break_even_open(q, x, &look, &err), &err);
    const struct search_question one = {look.objective, look.limits, choice, n_workers};
    assert_ok(search_best(&look.search, &one, &p, &any, &err), &err);
    assert_true(any);
    break_even_close(&look);
    return p;
}

static void a_machine_wins_below_the_price_the_algebra_says(void **state)
{
    (void)state;
    const char *sets[] = {machines};
    const struct search_objective cost = {GOAL_COST, 0};
    const struct break_even_question q =
        question(sets, 1, "/prices/classes/ec2-c5.large/usd_per_hour", 0.001, 10, &cost);
    struct break_even *found = find(&q);
    const struct search_point functions = best(&q, 1, 0, 0);
    const struct search_point unpaid = best(&q, 0, 1, 0); /* what is billed besides the hours */
    const double hours = ceil(unpaid.time_s) / 3600;      /* billed by the second */
    const double expected = (functions.cost_usd - unpaid.cost_usd) / hours;
    assert_int_equal(found->n_changes, 1);
    assert_true(found->by_choice && !found->whole && found->logarithmic);
    assert_true(fabs(found->changes[0].value / expected - 1) < 1e-6);
    assert_int_equal(found->changes[0].before.choice, 1);
    assert_int_equal(found->changes[0].after.choice, 0);
    assert_false(found->changes[0].jump);
    free(found);
}

static void two_straight_lines_meet(void **state)
{
    (void)state;
    const char *sets[] = {stores, "/workload/data_each_unit=false", "/platform/time_limit_s=1e9",
                          "/system/name=smlt"};
    const struct search_objective fast = {GOAL_TIME, 1};
    const double low = 6e5; /* between these the same path is the longest */
    const double high = 8e5;
    const struct break_even_question q =
        question(sets, 4, "/workload/exchange_bytes", low, high, &fast);
    struct break_even *found = find(&q);
    double at[2];
    double slope[2];
    for (int i = 0; i < 2; i++) {
        at[i] = best(&q, low, i, 0).time_s;
        slope[i] = (best(&q, high, i, 0).time_s - at[i]) / (high - low);
    }
    const double expected = low + (at[1] - at[0]) / (slope[0] - slope[1]);
    assert_int_equal(found->n_changes, 1);
    assert_true(fabs(found->changes[0].value / expected - 1) < 1e-6);
    assert_int_equal(found->changes[0].before.choice, 0); /* little to send: the short latency */
    assert_int_equal(found->changes[0].after.choice, 1);
    free(found);
}

/* Between few workers and many others are best in between: every neighbour's crossing is found. */
static void no_winner_in_between_is_missed(void **state)
{
    (void)state;
    const char *sets[] = {seven, "/platform/time_limit_s=1e9", "/workload/data_each_unit=false"};
    const struct search_objective fast = {GOAL_TIME, 1};
    struct break_even_question q = question(sets, 3, "/store/latency_s", 1e-5, 10, &fast);
    q.steps = 1;
    struct break_even *coarse = find(&q);
    q.steps = 16;
    struct break_even *fine = find(&q);
    assert_true(fine->n_changes >= 2 && !fine->by_choice);
    assert_int_equal(coarse->n_changes, fine->n_changes);
    for (size_t i = 0; i < fine->n_changes; i++) {
        const double x = fine->changes[i].value;
        assert_true(fabs(coarse->changes[i].value / x - 1) < 1e-6);
        const double before = best(&q, x, -1, fine->changes[i].before.workers).time_s;
        const double after = best(&q, x, -1, fine->changes[i].after.workers).time_s;
        assert_true(fabs(before / after - 1) < 1e-6);
        assert_true(i == 0 || x > fine->changes[i - 1].value);
    }
    free(coarse);
    free(fine);
}

/* A limit shuts the winner out: no crossing, a jump; and where everything is shut out, nothing. */
static void limits_and_whole_numbers_change_the_choice_at_once(void **state)
{
    (void)state;
    const char *sets[] = {workers};
    const struct search_objective cheap = {GOAL_COST, 0};
    struct break_even_question q = question(sets, 1, "/workload/iterations", 10, 1000000, &cheap);
    q.limits.deadline_s = 7200;
    struct break_even *found = find(&q);
    assert_true(found->whole && found->n_changes >= 1);
    for (size_t i = 0; i < found->n_changes; i++) {
        const double x = found->changes[i].value;
        assert_true(x == floor(x) && found->changes[i].jump);
    }
    assert_true(found->has_first && !found->has_last);
    const size_t last = found->n_changes - 1;
    assert_false(found->changes[last].has_after);
    /* The last number of rounds that anything finishes in time. */
    const double x = found->changes[last].value;
    struct error err = {0};
    for (int late = 0; late < 2; late++) {
        struct break_even_look look;
        struct search_point p;
        bool any = false;
        assert_ok(break_even_open(&q, x - 1 + late, &look, &err), &err);
        const struct search_question all = {look.objective, look.limits, -1, 0};
        assert_ok(search_best(&look.search, &all, &p, &any, &err), &err);
        assert_int_equal(any, !late);
        break_even_close(&look);
    }
    free(found);
}

static void bad_questions_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *pointer;
        double low, high;
        enum status code;
        const char *says;
    } bad[] = {
        {"/store/latncy_s", 0.1, 1, ERR_INPUT, "latency_s"},
        {"/store/use", 0.1, 1, ERR_INPUT, ""},
        {"/platform/workers", 1, 10, ERR_USAGE, "searched"},
        {"/platform/memory_mib", 1, 10, ERR_USAGE, "searched"},
        {"/compute/constant_s", NAN, NAN, ERR_USAGE, "range"},
        {"/workload/iterations", 1.2, 1.8, ERR_USAGE, "nothing lies between"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct error err = {0};
        struct break_even found;
        const char *sets[] = {workers};
        const struct break_even_question q =
            question(sets, 1, bad[i].pointer, bad[i].low, bad[i].high, NULL);
        assert_int_equal(break_even_find(&q, &found, &err), bad[i].code);
        if (strstr(err.message, bad[i].says) == NULL) {
            print_error("%s: %s\n", bad[i].pointer, err.message);
        }
        assert_non_null(strstr(err.message, bad[i].says));
    }
}

int main(void)
{
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_machine_wins_below_the_price_the_algebra_says),
        cmocka_unit_test(two_straight_lines_meet),
        cmocka_unit_test(no_winner_in_between_is_missed),
        cmocka_unit_test(limits_and_whole_numbers_change_the_choice_at_once),
        cmocka_unit_test(bad_questions_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
