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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_larger_of_two_has_a_closed_form),
        cmocka_unit_test(the_trapezium_rule_agrees_with_adaptive_quadrature),
        cmocka_unit_test(the_series_equals_the_integral),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
