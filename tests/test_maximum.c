/* Expected maxima: against closed forms for two, order-statistics constants, and the integral done
 * another way; the kept series against the integral. */
#include "tests/support.h"

#include "model/model.h"
#include "model/walk.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_integration.h>
#include <gsl/gsl_randist.h>

/* Of two lognormals: E[max] = 2 Phi(sigma / sqrt 2) (Nadarajah and Kotz, 2008). */
static void the_larger_of_two_has_a_closed_form(void **state)
{
    (void)state;
    for (double cv = 0.013; cv < 9; cv *= 1.7) {
        const double sigma = sqrt(log1p(cv * cv));
        const double exact = 2 * gsl_cdf_ugaussian_P(sigma / sqrt(2)) - 1;
        assert_close(expected_maximum_excess(2, cv), exact, 1e-12);
    }
}

struct order {
    double n, sigma;
};

static double adaptive_term(double z, void *context)
{
    const struct order *o = context;
    return o->n * gsl_ran_ugaussian_pdf(z) * pow(gsl_cdf_ugaussian_P(z), o->n - 1) *
           expm1(o->sigma * z - 0.5 * o->sigma * o->sigma);
}

static void the_trapezium_rule_agrees_with_adaptive_quadrature(void **state)
{
    (void)state;
    static const double counts[] = {3, 7, 61, 997, 25000};
    gsl_integration_workspace *w = gsl_integration_workspace_alloc(500);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        for (double cv = 0.03; cv < 4; cv *= 3.1) {
            struct order o = {counts[i], sqrt(log1p(cv * cv))};
            gsl_function f = {adaptive_term, &o};
            double value = 0;
            double error = 0;
            gsl_integration_qag(&f, -9, 12, 0, 1e-11, 500, GSL_INTEG_GAUSS61, w, &value, &error);
            assert_close(expected_maximum_excess(counts[i], cv), value, 1e-9);
        }
    }
    gsl_integration_workspace_free(w);
}

static void the_series_equals_the_integral(void **state)
{
    (void)state;
    struct evaluator e = {0};
    for (double n = 2; n < 3e5; n = floor(n * 1.31) + 1) {
        for (double cv = 1e-4; cv < 30; cv *= 1.173) {
            assert_close(cached_excess(&e, n, cv), expected_maximum_excess(n, cv), 1e-11);
        }
    }
    assert_close(cached_excess(&e, 1, 0.5), 0, 0);
    assert_close(cached_excess(&e, 50, 0), 0, 0);
    evaluator_free(&e);
}

/* Groups at times and with noise of their own, by adaptive quadrature. */
struct crowd {
    const struct arrival *arrivals;
    size_t count;
};

static double someone_is_missing(double t_s, void *context)
{
    const struct crowd *c = context;
    double all = 1;
    for (size_t i = 0; i < c->count; i++) {
        const struct arrival *a = &c->arrivals[i];
        const double x_s = t_s - a->at_s + a->noisy_s;
        if (a->variance_s2 > 0) {
            const double sigma2 = log1p(a->variance_s2 / (a->noisy_s * a->noisy_s));
            const double z = (log(fmax(x_s, 1e-300) / a->noisy_s) + 0.5 * sigma2) / sqrt(sigma2);
            all *= exp(a->actors * log1p(-gsl_cdf_ugaussian_Q(z)));
        } else {
            all *= t_s >= a->at_s;
        }
    }
    return 1 - all;
}

static double latest_by_quadrature(const struct arrival *arrivals, size_t count)
{
    struct crowd crowd = {arrivals, count};
    gsl_function f = {someone_is_missing, &crowd};
    gsl_integration_workspace *w = gsl_integration_workspace_alloc(2000);
    double from_s = -1e300;
    double widest_s = 0;
    double latest_s = -1e300;
    for (size_t i = 0; i < count; i++) {
        const bool noisy = arrivals[i].variance_s2 > 0;
        from_s = fmax(from_s, arrivals[i].at_s - (noisy ? arrivals[i].noisy_s : 0));
        latest_s = fmax(latest_s, arrivals[i].at_s);
        widest_s = fmax(widest_s, sqrt(arrivals[i].variance_s2));
    }
    double sum = from_s;
    double at_s = from_s;
    for (int piece = 0; piece < 60; piece++) { /* narrow pieces, so that no step is overlooked */
        const double to_s = piece < 40 ? from_s + (latest_s + widest_s - from_s) * (piece + 1) / 40
                                       : at_s + widest_s;
        double value = 0;
        double error = 0;
        gsl_integration_qag(&f, at_s, to_s, 1e-13, 1e-11, 2000, GSL_INTEG_GAUSS31, w, &value,
                            &error);
        sum += value;
        at_s = to_s;
    }
    gsl_integration_workspace_free(w);
    return sum;
}

static void the_latest_of_unlike_groups_agrees_with_quadrature(void **state)
{
    (void)state;
    struct evaluator e = {0};
    static const double counts[] = {1, 2, 11, 97, 1000};
    for (int i = 0; i < 5; i++) {
        for (int k = 0; k < 4; k++) {
            for (double gap_s = -2.3; gap_s < 2.4; gap_s += 0.457) {
                for (double sd_s = 0.031; sd_s < 0.7; sd_s *= 2.7) {
                    const struct arrival groups[] = {
                        {counts[k], 1e4, 1.068, 0.0721 * 0.0721},
                        {counts[i], 1e4 + gap_s, 3.961, sd_s * sd_s},
                        {1, 1e4 - 0.3, 0.5, 0},
                    };
                    const double exact_s = latest_by_quadrature(groups, 3);
                    const double found_s = expected_latest(&e, groups, 3);
                    const double noise_s = fmax(0.0721, sd_s);
                    if (fabs(found_s - exact_s) > 1e-6 * noise_s) {
                        print_error("%g and %g actors, gap %g s, sd %g s: off by %.3g\n", counts[k],
                                    counts[i], gap_s, sd_s, found_s - exact_s);
                        fail();
                    }
                }
            }
        }
    }
    evaluator_free(&e);
}

static void groups_that_are_alike_are_one_group(void **state)
{
    (void)state;
    struct evaluator e = {0};
    for (double n = 1; n < 3000; n = 3 * n + 2) {
        const struct arrival groups[] = {{n, 17, 2.5, 0.3}, {2 * n, 17, 2.5, 0.3}};
        assert_close(expected_latest(&e, groups, 2),
                     17 + 2.5 * expected_maximum_excess(3 * n, sqrt(0.3) / 2.5), 1e-7);
    }
    evaluator_free(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_larger_of_two_has_a_closed_form),
        cmocka_unit_test(the_trapezium_rule_agrees_with_adaptive_quadrature),
        cmocka_unit_test(the_series_equals_the_integral),
        cmocka_unit_test(the_latest_of_unlike_groups_agrees_with_quadrature),
        cmocka_unit_test(groups_that_are_alike_are_one_group),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
