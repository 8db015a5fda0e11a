/* Sensitivity: quantiles against GSL's distribution functions; indices where theory knows them. */
#include "tests/support.h"

#include "model/sensitivity.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_errno.h>
#include <stdlib.h>
#include <string.h>

static void quantiles_invert_the_distribution_functions(void **state)
{
    (void)state;
    for (double p = 0.013; p < 1; p += 0.07) {
        const struct quantity lognormal = {.kind = DISTRIBUTION_LOGNORMAL, .p = {-1.3, 0.7}};
        const struct quantity gamma = {.kind = DISTRIBUTION_GAMMA, .p = {2.3, 0.4}};
        const struct quantity weibull = {.kind = DISTRIBUTION_WEIBULL, .p = {1.7, 0.8}};
        const struct quantity triangle = {.kind = DISTRIBUTION_TRIANGULAR, .p = {1, 1.5, 4}};
        assert_close(gsl_cdf_lognormal_P(quantity_quantile(&lognormal, p), -1.3, 0.7), p, 1e-9);
        assert_close(gsl_cdf_gamma_P(quantity_quantile(&gamma, p), 2.3, 0.4), p, 1e-9);
        assert_close(gsl_cdf_weibull_P(quantity_quantile(&weibull, p), 1.7, 0.8), p, 1e-9);
        const double x = quantity_quantile(&triangle, p);
        assert_close(x < 1.5 ? (x - 1) * (x - 1) / (3 * 0.5) : 1 - (4 - x) * (4 - x) / (3 * 2.5), p,
                     1e-9);
        const double parts[] = {0.3, DISTRIBUTION_LOGNORMAL, -1.3, 0.7, 0,
                                0.7, DISTRIBUTION_GAMMA,     2.3,  0.4, 0};
        const struct quantity mixture = {.kind = DISTRIBUTION_MIXTURE, .count = 2, .table = parts};
        const double m = quantity_quantile(&mixture, p);
        assert_close(0.3 * gsl_cdf_lognormal_P(m, -1.3, 0.7) + 0.7 * gsl_cdf_gamma_P(m, 2.3, 0.4),
                     p, 1e-8);
    }
}

static void open_point(const char *const *sets, size_t n, struct scenario *s,
                       struct scenario_cursor *cursor)
{
    struct error err = {0};
    bool skipped = false;
    const struct scenario_options o = {
        .data_dir = FAASCAST_ROOT "/scenarios", .sets = sets, .n_sets = n};
    assert_ok(scenario_load(FAASCAST_ROOT "/bench/systems.json", &o, s, &err), &err);
    assert_ok(cursor_init(cursor, s, &err), &err);
    assert_ok(cursor_seek(cursor, 0, &skipped, &err), &err);
}

static const struct uncertain *find(const struct sensitivity *s, const char *name)
{
    for (size_t i = 0; i < s->n_inputs; i++) {
        if (strcmp(s->inputs[i].name, name) == 0) {
            return &s->inputs[i];
        }
    }
    return NULL;
}

/* Time is the sum of two inputs and a constant here: their shares of the variance are those of
 * their own variances, 900^2 and 300^2 over 12. */
static void additive_inputs_have_the_shares_of_their_variances(void **state)
{
    (void)state;
    const char *sets[] = {"/workload/iterations=3", "/store/latency_s=0.05"};
    struct scenario s;
    struct scenario_cursor cursor;
    struct sensitivity *found = calloc(1, sizeof *found);
    struct error err = {0};
    open_point(sets, 2, &s, &cursor);
    const struct config c = cursor.config;
    sensitivity_find(&c, found);
    found->n_inputs = 0;
    assert_ok(sensitivity_vary(&c, "/compute/constant_s", 100, 1000, found, &err), &err);
    assert_ok(sensitivity_vary(&c, "/platform/framework_init_s", 0, 300, found, &err), &err);
    assert_ok(sensitivity_vary(&c, "/server/start_s", 1, 2, found, &err), &err);
    assert_ok(sensitivity_run(&c, 2048, 7, found, &err), &err);
    const struct uncertain *wide = &found->inputs[0];
    const struct uncertain *narrow = &found->inputs[1];
    const struct uncertain *idle = &found->inputs[2]; /* this system has no server */
    assert_close(wide->time.first, 0.9, 0.02);
    assert_close(wide->time.total, 0.9, 0.02);
    assert_close(narrow->time.first, 0.1, 0.1);
    assert_close(narrow->time.total, 0.1, 0.1);
    assert_true(wide->time.first_lo < 0.9 && wide->time.first_hi > 0.9);
    assert_true(narrow->time.total_lo < 0.1 && narrow->time.total_hi > 0.1);
    assert_close(wide->time_high_s - wide->time_low_s, 0.9 * 900, 1e-9);
    assert_true(idle->time_low_s == found->time_s && idle->time_high_s == found->time_s);
    assert_false(idle->in_sobol);
    free(found);
    cursor_free(&cursor);
    scenario_free(&s);
}

static void what_several_keys_share_is_one_input(void **state)
{
    (void)state;
    const char *sets[] = {"/system/name=lambdaml-allreduce"};
    struct scenario s;
    struct scenario_cursor cursor;
    struct sensitivity *found = calloc(2, sizeof *found);
    struct error err = {0};
    open_point(sets, 1, &s, &cursor);
    const struct config c = cursor.config;
    sensitivity_find(&c, found);
    const struct uncertain *latency = find(found, "/store/latency_s");
    assert_non_null(latency); /* normal, in the catalogue; the store holds the data too */
    assert_int_equal(latency->n_places, 6);
    assert_null(find(found, "/store/get_latency_s"));
    assert_null(find(found, "/data_store/latency_s"));
    /* The same seed gives the same answer. */
    assert_ok(sensitivity_run(&c, 64, 3, found, &err), &err);
    sensitivity_find(&c, found + 1);
    assert_ok(sensitivity_run(&c, 64, 3, found + 1, &err), &err);
    for (size_t i = 0; i < found->n_inputs; i++) {
        assert_true(found[0].inputs[i].time.total == found[1].inputs[i].time.total);
        assert_true(found[0].inputs[i].cost.first_hi == found[1].inputs[i].cost.first_hi);
    }
    assert_int_equal(sensitivity_vary(&c, "/compute/no_such", 1, 2, found, &err), ERR_USAGE);
    free(found);
    cursor_free(&cursor);
    scenario_free(&s);
}

/* What was fitted with an interval is uncertain by it; what the scenario overrules is not. And of a
 * distribution with an effect per run, that effect moves the mean of a run. */
static void fits_and_effects_per_run_are_inputs(void **state)
{
    (void)state;
    const char *sets[] = {"/compute={\"use\": \"memory-law-fibonacci-2018-measured\"}",
                          "/compute/threads_max=1.5"};
    struct sensitivity *found = calloc(1, sizeof *found);
    struct error err = {0};
    for (size_t n = 1; n <= 2; n++) {
        struct scenario s;
        struct scenario_cursor cursor;
        open_point(sets, n, &s, &cursor);
        const struct config c = cursor.config;
        sensitivity_find(&c, found);
        sensitivity_fitted(&s, 0, &c, found);
        const struct json *fit = json_member(
            json_member(json_member(s.catalogue, "fits"), "memory-law-fibonacci-2018-measured"),
            "unit_s");
        const struct uncertain *unit = find(found, "/compute/unit_s");
        assert_non_null(unit);
        assert_true((find(found, "/compute/threads_max") != NULL) == (n == 1));
        assert_ok(sensitivity_run(&c, 0, 1, found, &err), &err);
        const double low = json_member(fit, "low")->number;
        const double high = json_member(fit, "high")->number;
        const double part = gsl_cdf_ugaussian_Pinv(0.95) / gsl_cdf_ugaussian_Pinv(0.975);
        assert_close(unit->low, 0.5 * (low + high) - 0.5 * part * (high - low), 1e-4);
        assert_close(unit->high, 0.5 * (low + high) + 0.5 * part * (high - low), 1e-4);
        assert_true(unit->time_low_s < found->time_s && unit->time_high_s > found->time_s);
        cursor_free(&cursor);
        scenario_free(&s);
    }
    const struct quantity q = {.kind = DISTRIBUTION_LOGNORMAL,
                               .mean = 2 * exp(0.5 * 0.09 + 0.5 * 0.01),
                               .cv = 0.3,
                               .run_sd = 0.1,
                               .p = {log(2), 0.3, 0}};
    const double median = quantity_quantile(&q, 0.5);
    assert_close(median, 2 * exp(0.5 * 0.09), 1e-12);
    assert_close(log(quantity_quantile(&q, 0.95) / median), 0.1 * gsl_cdf_ugaussian_Pinv(0.95),
                 1e-9);
    free(found);
}

int main(void)
{
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantiles_invert_the_distribution_functions),
        cmocka_unit_test(additive_inputs_have_the_shares_of_their_variances),
        cmocka_unit_test(what_several_keys_share_is_one_input),
        cmocka_unit_test(fits_and_effects_per_run_are_inputs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
