/* Quantities as scenarios give them: every law of the format, read by the configuration and drawn
 * by the simulator, has the mean and the spread the closed form is told, and fits its distribution.
 *
 * |z| < 4.5 and distances at the 1e-5 level, fixed seeds: see test_sim_random.c.
 */
#include "tests/support.h"

#include <stdlib.h>

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_errno.h>

#include "model/model.h"
#include "sim/draw.h"

enum { DRAWS = 200000 };

struct law_row {
    const char *json;
    double (*below)(double x); /* cumulative distribution; NULL: moments only */
};

static double below_normal(double x)
{
    return gsl_cdf_gaussian_P(x - 0.05, 0.004);
}
static double below_lognormal(double x)
{
    return gsl_cdf_lognormal_P(x, -3.2, 0.7);
}
static double below_by_cv(double x)
{
    const double sigma2 = log(1.36); /* mean 0.03, cv 0.6 */
    return gsl_cdf_lognormal_P(x, log(0.03) - sigma2 / 2, sqrt(sigma2));
}
static double below_shifted(double x)
{
    return x > 0.013 ? gsl_cdf_lognormal_P(x - 0.013, -4.1, 0.9) : 0;
}
static double below_gamma(double x)
{
    return gsl_cdf_gamma_P(x, 1.7, 0.031);
}
static double below_weibull(double x)
{
    return gsl_cdf_weibull_P(x, 0.043, 1.3);
}
static double below_exponential(double x)
{
    return gsl_cdf_exponential_P(x, 0.027);
}
static double below_uniform(double x)
{
    return gsl_cdf_flat_P(x, 0.011, 0.037);
}
static double below_triangular(double x)
{
    const double low = 0.01, mode = 0.02, high = 0.06;
    return x < mode ? (x - low) * (x - low) / ((high - low) * (mode - low))
                    : 1 - (high - x) * (high - x) / ((high - low) * (high - mode));
}
static double below_empirical(double x) /* quantiles 0.01, 0.02, 0.05, 0.2 at 0, 1/3, 2/3, 1 */
{
    return x < 0.02   ? (x - 0.01) / 0.01 / 3
           : x < 0.05 ? (1 + (x - 0.02) / 0.03) / 3
                      : (2 + (x - 0.05) / 0.15) / 3;
}
static double below_mixture(double x)
{
    return 0.9 * gsl_cdf_exponential_P(x, 0.01) + 0.1 * gsl_cdf_flat_P(x, 0.5, 0.8);
}

static const struct law_row rows[] = {
    {"{\"distribution\":\"normal\",\"mean\":0.05,\"sd\":0.004}", below_normal},
    {"{\"distribution\":\"lognormal\",\"mu\":-3.2,\"sigma\":0.7}", below_lognormal},
    {"{\"distribution\":\"lognormal\",\"median\":0.02,\"p99\":0.2}", NULL},
    {"{\"distribution\":\"lognormal\",\"mean\":0.03,\"sd\":0.02}", NULL},
    {"{\"distribution\":\"lognormal\",\"mean\":0.03,\"cv\":0.6}", below_by_cv},
    {"{\"distribution\":\"shifted_lognormal\",\"shift\":0.013,\"mu\":-4.1,\"sigma\":0.9}",
     below_shifted},
    {"{\"distribution\":\"gamma\",\"shape\":1.7,\"scale\":0.031}", below_gamma},
    {"{\"distribution\":\"gamma\",\"mean\":0.04,\"sd\":0.03}", NULL},
    {"{\"distribution\":\"weibull\",\"scale\":0.043,\"shape\":1.3}", below_weibull},
    {"{\"distribution\":\"exponential\",\"mean\":0.027}", below_exponential},
    {"{\"distribution\":\"uniform\",\"low\":0.011,\"high\":0.037}", below_uniform},
    {"{\"distribution\":\"triangular\",\"low\":0.01,\"mode\":0.02,\"high\":0.06}",
     below_triangular},
    {"{\"distribution\":\"empirical\",\"quantiles\":[0.01,0.02,0.05,0.2]}", below_empirical},
    {"{\"distribution\":\"mixture\",\"weights\":[0.9,0.1],\"components\":["
     "{\"distribution\":\"exponential\",\"mean\":0.01},"
     "{\"distribution\":\"uniform\",\"low\":0.5,\"high\":0.8}]}",
     below_mixture},
};
enum { ROWS = sizeof rows / sizeof *rows };

/* The quantity of row i, as the store's GET latency of a scenario. */
static struct quantity read_quantity(struct scenario *s, struct scenario_cursor *cursor,
                                     const char *json)
{
    struct error err = {0};
    struct text set = {0};
    bool skipped = false;
    text_printf(&set, "/store/get_latency_s=%s", json);
    const char *const sets[] = {set.data};
    const struct scenario_options options = {
        .data_dir = FAASCAST_ROOT "/scenarios", .sets = sets, .n_sets = 1};
    assert_ok(scenario_load(FAASCAST_ROOT "/bench/systems.json", &options, s, &err), &err);
    assert_ok(cursor_init(cursor, s, &err), &err);
    assert_ok(cursor_seek(cursor, 0, &skipped, &err), &err);
    text_free(&set);
    return cursor->config.stores[STORE_EXCHANGE].get_latency_s;
}

static int order_doubles(const void *pa, const void *pb)
{
    const double a = *(const double *)pa, b = *(const double *)pb;
    return a < b ? -1 : a > b;
}

static void every_law_is_drawn_as_the_configuration_understands_it(void **state)
{
    (void)state;
    double *const x = malloc(DRAWS * sizeof *x);
    assert_non_null(x);
    for (size_t i = 0; i < ROWS; ++i) {
        struct scenario scenario;
        struct scenario_cursor cursor;
        const struct quantity q = read_quantity(&scenario, &cursor, rows[i].json);
        struct random_stream r = random_open(99, 0, i, 0);
        double sum = 0, squares = 0, fourth = 0;
        for (size_t k = 0; k < DRAWS; ++k) {
            x[k] = quantity_draw(&q, &r);
            const double d = x[k] - q.mean;
            sum += d;
            squares += d * d;
            fourth += d * d * d * d;
        }
        const double n = DRAWS, variance = q.cv * q.mean * q.cv * q.mean;
        const double z_mean = sum / sqrt(n * variance);
        const double z_variance =
            (squares - n * variance) / sqrt(fmax(fourth - squares * squares / n, 0));
        double ks = 0;
        if (rows[i].below != NULL) {
            qsort(x, DRAWS, sizeof *x, order_doubles);
            for (size_t k = 0; k < DRAWS; ++k) {
                const double p = rows[i].below(x[k]);
                ks = fmax(ks, fmax(p - (double)k / n, (double)(k + 1) / n - p));
            }
            ks *= sqrt(n);
        }
        if (!(fabs(z_mean) < 4.5 && fabs(z_variance) < 4.5 && ks < 2.47)) {
            print_error("%s, seed 99: z of mean %g, of variance %g, KS %g\n", rows[i].json, z_mean,
                        z_variance, ks);
            fail();
        }
        cursor_free(&cursor);
        scenario_free(&scenario);
    }
    free(x);
}

static void the_effect_of_a_run_is_part_of_the_mean(void **state)
{
    (void)state;
    struct scenario scenario;
    struct scenario_cursor cursor;
    const struct quantity q = read_quantity(
        &scenario, &cursor,
        "{\"distribution\":\"lognormal\",\"median\":0.02,\"p99\":0.1,\"run_sd\":0.4}");
    struct random_stream r = random_open(98, 0, 0, 0);
    double sum = 0, squares = 0, logs = 0, log_squares = 0;
    for (size_t i = 0; i < DRAWS; ++i) {
        const double effect = quantity_run_effect(&q, &r), x = effect * quantity_draw(&q, &r);
        sum += x;
        squares += x * x;
        logs += log(effect);
        log_squares += log(effect) * log(effect);
    }
    const double n = DRAWS, sd = sqrt(squares / n - sum / n * sum / n);
    assert_true(fabs(sum / n - q.mean) < 4.5 * sd / sqrt(n));
    assert_true(fabs(logs / n) < 4.5 * 0.4 / sqrt(n));
    assert_close(sqrt(log_squares / n), 0.4, 0.02);
    cursor_free(&cursor);
    scenario_free(&scenario);
}

static void noise_has_mean_one_and_its_cv(void **state)
{
    (void)state;
    for (double cv = 0.05; cv < 2; cv *= 3) {
        const struct noise noise = noise_of_cv(cv);
        struct random_stream r = random_open(97, 0, 0, 0);
        double sum = 0, squares = 0;
        for (size_t i = 0; i < DRAWS; ++i) {
            const double x = noise_draw(&noise, &r);
            sum += x;
            squares += (x - 1) * (x - 1);
        }
        assert_true(fabs(sum / DRAWS - 1) < 4.5 * cv / sqrt(DRAWS));
        assert_close(sqrt(squares / DRAWS), cv, 0.06);
    }
    const struct noise none = noise_of_cv(0);
    struct random_stream r = random_open(97, 0, 0, 0);
    assert_true(noise_draw(&none, &r) == 1.0);
}

static void larger_parameters_give_larger_values_from_the_same_stream(void **state)
{
    (void)state;
    /* Common random numbers: latency doubled doubles every draw. */
    static const struct {
        enum distribution_kind kind;
        double p[3], twice[3];
    } laws[] = {{DISTRIBUTION_EXPONENTIAL, {0.02}, {0.04}},
                {DISTRIBUTION_UNIFORM, {0.01, 0.03}, {0.02, 0.06}},
                {DISTRIBUTION_TRIANGULAR, {0.01, 0.02, 0.04}, {0.02, 0.04, 0.08}},
                {DISTRIBUTION_WEIBULL, {0.02, 1.4}, {0.04, 1.4}},
                {DISTRIBUTION_GAMMA, {2.2, 0.01}, {2.2, 0.02}}};
    for (size_t i = 0; i < sizeof laws / sizeof *laws; ++i) {
        struct quantity one = {.kind = laws[i].kind, .mean = 1, .cv = 1}, two = one;
        struct random_stream a = random_open(96, 0, i, 0), b = a;
        for (int k = 0; k < 3; ++k) {
            one.p[k] = laws[i].p[k];
            two.p[k] = laws[i].twice[k];
        }
        for (int k = 0; k < 200; ++k) {
            assert_close(quantity_draw(&two, &b), 2 * quantity_draw(&one, &a), 1e-12);
        }
    }
}

int main(void)
{
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_law_is_drawn_as_the_configuration_understands_it),
        cmocka_unit_test(the_effect_of_a_run_is_part_of_the_mean),
        cmocka_unit_test(noise_has_mean_one_and_its_cv),
        cmocka_unit_test(larger_parameters_give_larger_values_from_the_same_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
