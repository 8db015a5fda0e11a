/* Shipped scenarios in both engines. The one of a platform as it was measured: loads, says what it
 * takes from where, and the engines agree on it as far as the noise of the runs tells. The one of
 * mini-ImageNet: who polls how often. */
#include "tests/support.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_errno.h>
#include <math.h>
#include <string.h>

#include "model/model.h"
#include "sim/sim.h"

static const char folder[] = FAASCAST_ROOT "/scenarios/metafaas/";
enum { POINTS = 5, RUNS = 60 };

struct shipped {
    struct scenario scenario;
    struct scenario_cursor cursor;
    struct evaluator e;
    struct error err;
};

/* Without what all runs share, the constants nobody is sure of. */
static void open_shipped(struct shipped *m, const char *name, const char *const *more, size_t n)
{
    char path[256];
    const char *sets[8] = {"/simulation/play_constants=false"};
    assert_true(n + 1 <= sizeof sets / sizeof *sets);
    memcpy(sets + 1, more, n * sizeof *more);
    const struct scenario_options options = {
        .data_dir = FAASCAST_ROOT "/scenarios", .sets = sets, .n_sets = n + 1};
    *m = (struct shipped){0};
    snprintf(path, sizeof path, "%s%s", folder, name);
    assert_ok(scenario_load(path, &options, &m->scenario, &m->err), &m->err);
    assert_ok(cursor_init(&m->cursor, &m->scenario, &m->err), &m->err);
}

static void open_scenario(struct shipped *m, const char *throttling)
{
    const char *const sets[] = {"/simulation/replications_min=60",
                                "/simulation/replications_max=60", throttling};
    open_shipped(m, "mini-imagenet-measured.json", sets, 3);
    assert_int_equal(m->scenario.points, POINTS);
}

static void close_scenario(struct shipped *m)
{
    cursor_free(&m->cursor);
    scenario_free(&m->scenario);
    evaluator_free(&m->e);
}

static void text_value(struct text *out, struct json *root, const char *pointer)
{
    struct json *const node = json_pointer(root, pointer);
    assert_non_null(node);
    json_write(out, node, 0);
}

/* A platform can `use` one entry: the starts of the other stand in the scenario, and must be its.
 */
static void copied_values_are_the_catalogues(void **state)
{
    (void)state;
    static const char *const keys[] = {"start_s", "warm_start_s", "invoke_latency_s"};
    struct shipped m;
    open_scenario(&m, "/simulation/play_throttling=true");
    for (size_t i = 0; i < sizeof keys / sizeof *keys; ++i) {
        struct text here = {0}, there = {0};
        char at[96];
        snprintf(at, sizeof at, "/platform/%s/value", keys[i]);
        text_value(&here, m.scenario.tree, at);
        snprintf(at, sizeof at, "/platforms/lambda-start-2022-measured/%s/value", keys[i]);
        text_value(&there, m.scenario.catalogue, at);
        assert_string_equal(here.data, there.data);
        snprintf(at, sizeof at, "/platform/%s/source", keys[i]);
        const struct json *const source = json_pointer(m.scenario.tree, at);
        assert_non_null(source);
        assert_non_null(strstr(source->text, "lambda-start-2022-measured"));
        text_free(&here);
        text_free(&there);
    }
    close_scenario(&m);
}

/* The row and every line of the bill say which entries they are of. */
static void the_bill_names_the_measured_entries(void **state)
{
    (void)state;
    struct shipped m;
    struct row row;
    struct tally t;
    static struct ledger l;
    bool skipped = false;
    open_scenario(&m, "/simulation/play_throttling=true");
    assert_ok(predict_point(&m.cursor, 3, &m.e, &row, &t, &l, &skipped, &m.err), &m.err);
    assert_string_equal(row.platform, "lambda-network-2024-measured");
    assert_string_equal(row.store, "s3-standard-2024-measured");
    uint32_t platform = 0, store = 0;
    for (uint32_t i = 0; i < l.count; ++i) {
        platform += strstr(l.lines[i].item, "lambda-network-2024-measured") != NULL;
        store += strstr(l.lines[i].item, "s3-standard-2024-measured") != NULL ||
                 strstr(l.lines[i].item, "data GET") != NULL;
    }
    assert_true(platform >= 2 && store >= 4);
    assert_int_equal(platform + store, l.count);
    close_scenario(&m);
}

/* Mean time of the runs, with its standard error, over the closed form's. */
struct beside {
    struct tally closed, mean;
    double ratio, error;
};

static struct beside play_point(struct shipped *m, uint64_t point)
{
    const struct simulation_options options = {.threads = 1};
    static struct simulation_outcome out;
    struct beside b;
    struct row row;
    bool skipped = false;
    assert_ok(predict_point(&m->cursor, point, &m->e, &row, &b.closed, NULL, &skipped, &m->err),
              &m->err);
    assert_ok(simulate_point(&m->cursor, point, &m->e, &options, &row, &out, &skipped, &m->err),
              &m->err);
    b.mean = out.tally;
    b.ratio = out.time_s.mean / b.closed.time_s;
    b.error = (out.time_s.hi - out.time_s.lo) / 2 /
              gsl_cdf_tdist_Pinv(0.975, out.replications - 1.0) / b.closed.time_s;
    return b;
}

static void assert_counts_equal(const struct beside *b)
{
    for (int s = 0; s < STORE_USES; ++s) {
        for (int k = 0; k < REQUEST_KINDS; ++k) {
            assert_close(b->mean.requests[s][k], b->closed.requests[s][k], 1e-12);
        }
        assert_close(b->mean.bytes_put[s], b->closed.bytes_put[s], 1e-12);
        assert_close(b->mean.bytes_get[s], b->closed.bytes_get[s], 1e-12);
    }
    assert_close(b->mean.invocations, b->closed.invocations, 1e-12);
}

/* With links at their steady rate both engines know the same platform. They differ by the noise of
 * the mean of the runs: at five points, 3.3 standard errors are left by one seed in 120. */
static void without_bursts_the_engines_agree_within_noise(void **state)
{
    (void)state;
    struct shipped m;
    open_scenario(&m, "/simulation/play_throttling=false");
    for (uint64_t point = 0; point < POINTS; ++point) {
        const struct beside b = play_point(&m, point);
        print_message("point %d: %+.2f %% +- %.2f %%\n", (int)point, 100 * (b.ratio - 1),
                      100 * b.error);
        assert_true(b.error < 0.02); /* or nothing is compared */
        assert_true(fabs(b.ratio - 1) <= 3.3 * b.error);
        if (point >= 2) { /* fewer workers are invoked again when a run is slow */
            assert_counts_equal(&b);
        }
    }
    close_scenario(&m);
}

/* A link that bursts is faster than its steady rate: the closed form is a bound, and says so. */
static void with_bursts_the_closed_form_is_a_bound(void **state)
{
    (void)state;
    struct shipped m;
    open_scenario(&m, "/simulation/play_throttling=true");
    for (uint64_t point = 0; point < 4; ++point) {
        const struct beside b = play_point(&m, point);
        print_message("point %d: %+.2f %% +- %.2f %%\n", (int)point, 100 * (b.ratio - 1),
                      100 * b.error);
        assert_true(b.closed.bound);
        assert_true(b.ratio < 1 - 3.3 * b.error);
    }
    close_scenario(&m);
}

/* Requests of polls, per round, of the merger (LIST; one more is its own) and of the workers. */
static double lists(const struct tally *t)
{
    return (t->requests[STORE_EXCHANGE][REQUEST_LIST] / t->rounds) - 1;
}

/* The closed form lets all workers have their data at once. On a file system at its limit, under
 * noise, they do not: who comes early is done early, so that gradients come further apart than
 * their noise says and the merger, waiting for the last, polls more often. Without the limit it
 * does not. */
static void a_merger_polls_more_often_only_where_a_store_is_full(void **state)
{
    (void)state;
    static const char *const sets[] = {
        "/simulation/replications_min=12", "/simulation/replications_max=12",
        "/workload/iterations=3000", "/data_store/aggregate_get_bytes_per_s=1e18"};
    static const uint64_t points[] = {20, 24, 52}; /* MAML: 8 and 16 workers, 1 shot; 16, 5 shots */
    for (size_t full = 0; full < 2; ++full) {
        struct shipped m;
        open_shipped(&m, "mini-imagenet.json", sets, 4 - full);
        for (size_t i = 0; i < sizeof points / sizeof *points; ++i) {
            const struct beside b = play_point(&m, points[i]);
            const double ratio = lists(&b.mean) / lists(&b.closed);
            print_message("%s, point %d: polls of the merger %+.1f %%\n",
                          full ? "full" : "not full", (int)points[i], 100 * (ratio - 1));
            assert_true(b.closed.bound);
            assert_true(full ? ratio > 1.08 : fabs(ratio - 1) < 0.04);
        }
        close_scenario(&m);
    }
}

int main(void)
{
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copied_values_are_the_catalogues),
        cmocka_unit_test(the_bill_names_the_measured_entries),
        cmocka_unit_test(without_bursts_the_engines_agree_within_noise),
        cmocka_unit_test(a_merger_polls_more_often_only_where_a_store_is_full),
        cmocka_unit_test(with_bursts_the_closed_form_is_a_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
