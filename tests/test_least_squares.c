/* Least squares: the truth comes out again, and what the data cannot tell is named. */
#include "tests/coverage_support.h"

/* ---------------------------------------------------------------- least squares */

struct curve {
    const double *x;
    size_t n;
};

/* y = a + b x / (c + x) */
static enum status saturating(void *context, const double *t, double *out, struct error *err)
{
    (void)err;
    const struct curve *const c = context;
    for (size_t i = 0; i < c->n; i++) {
        out[i] = t[0] + t[1] * c->x[i] / (t[2] + c->x[i]);
    }
    return STATUS_OK;
}

static void bounded_least_squares_recovers(enum ls_loss loss, double outliers, const char *what)
{
    enum { N = 60 };
    const double truth[] = {0.217, 3.17, 11.3};
    const struct ls_parameter parameters[] = {
        {"a", 1, 0, (double)INFINITY}, {"b", 1, 0, 100}, {"c", 1, 0, (double)INFINITY}};
    double x[N], y[N];
    struct curve curve = {x, N};
    struct coverage c = {.what = what, .seeds = FEW_SEEDS};
    for (unsigned long seed = 1; seed <= FEW_SEEDS; seed++) {
        gsl_rng *const r = random_new(seed);
        struct error err = {0};
        for (size_t i = 0; i < N; i++) {
            x[i] = 0.5 * pow(1.1, (double)i);
        }
        saturating(&curve, truth, y, &err);
        for (size_t i = 0; i < N; i++) {
            y[i] *= exp(gsl_ran_gaussian(r, 0.043));
            y[i] *= gsl_rng_uniform(r) < outliers ? 1 + gsl_rng_uniform(r) * 3 : 1;
        }
        gsl_rng_free(r);
        const struct ls_problem p = {.parameters = parameters,
                                     .n_parameters = 3,
                                     .measured = y,
                                     .n = N,
                                     .predict = saturating,
                                     .context = &curve,
                                     .residual = LS_LOG,
                                     .loss = loss};
        struct ls_result f;
        assert_ok(ls_fit(&p, &f, &err), &err);
        assert_int_equal(f.ambiguities, 0);
        for (size_t k = 0; k < 3; k++) {
            cover(&c, k, &f.parameter[k], truth[k]);
        }
    }
    assert_covered(&c);
}

static void least_squares_hold_the_truth_with_every_loss(void **state)
{
    (void)state;
    bounded_least_squares_recovers(LS_SQUARES, 0, "squares");
    bounded_least_squares_recovers(LS_HUBER, 0, "huber, clean");
    bounded_least_squares_recovers(LS_BISQUARE, 0, "bisquare, clean");
    bounded_least_squares_recovers(LS_BISQUARE, 0.08, "bisquare, 8 % outliers");
}

/* Many rows at few places: what is found, and how surely, from all rows and from joined ones. */
static void joined_rows_fit_like_all_of_them(void **state)
{
    (void)state;
    enum { PLACES = 7, EACH = 30, N = PLACES * EACH };
    static const enum ls_residual kinds[] = {LS_RELATIVE, LS_ABSOLUTE};
    const double truth[] = {0.217, 3.17, 11.3};
    const struct ls_parameter parameters[] = {
        {"a", 1, 0, (double)INFINITY}, {"b", 1, 0, 100}, {"c", 5, 0, (double)INFINITY}};
    for (size_t kind = 0; kind < 2; kind++) {
        double place[PLACES], x[N], y[N], joined[PLACES], weight[PLACES];
        size_t group[N];
        struct error err = {0};
        gsl_rng *const r = random_new(3);
        for (size_t i = 0; i < N; i++) {
            place[i % PLACES] = 0.5 * pow(3, (double)(i % PLACES));
            group[i] = i % PLACES;
            x[i] = place[group[i]];
        }
        struct curve curve = {x, N};
        struct curve few = {place, PLACES};
        saturating(&curve, truth, y, &err);
        for (size_t i = 0; i < N; i++) {
            y[i] *= exp(gsl_ran_gaussian(r, 0.1));
        }
        gsl_rng_free(r);
        struct ls_problem p = {.parameters = parameters,
                               .n_parameters = 3,
                               .measured = y,
                               .n = N,
                               .predict = saturating,
                               .context = &curve,
                               .residual = kinds[kind],
                               .loss = LS_SQUARES};
        struct ls_result all, less;
        assert_ok(ls_fit(&p, &all, &err), &err);
        p.within = ls_join(N, y, group, PLACES, kinds[kind], joined, weight);
        p.rows = N;
        p.measured = joined;
        p.weight = weight;
        p.n = PLACES;
        p.context = &few;
        assert_ok(ls_fit(&p, &less, &err), &err);
        assert_int_equal(less.n, N);
        assert_close(less.sigma, all.sigma, 1e-8);
        for (size_t k = 0; k < 3; k++) {
            assert_close(less.parameter[k].value, all.parameter[k].value, 1e-5);
            assert_close(less.parameter[k].low, all.parameter[k].low, 1e-5);
            assert_close(less.parameter[k].high, all.parameter[k].high, 1e-5);
        }
    }
}

static void linear_laws_hold_the_truth_and_stay_non_negative(void **state)
{
    (void)state;
    enum { N = 12 };
    static const char *const names[] = {"constant_s", "level_s", "child_s", "server_s"};
    const double truth[] = {6.83, 0.599, 0.172, 0};
    struct coverage c = {.what = "linear"};
    for (unsigned long seed = 1; seed <= SEEDS; seed++) {
        gsl_rng *const r = random_new(seed);
        double features[N * 4], y[N];
        for (size_t i = 0; i < N; i++) {
            double *const f = features + 4 * i;
            f[0] = 1;
            f[1] = 1 + (double)(i % 4);
            f[2] = 10 + 90 * gsl_rng_uniform(r);
            f[3] = 60 * gsl_rng_uniform(r);
            y[i] = 0;
            for (size_t k = 0; k < 4; k++) {
                y[i] += f[k] * truth[k];
            }
            y[i] *= exp(gsl_ran_gaussian(r, 0.02));
        }
        gsl_rng_free(r);
        struct ls_result f;
        struct error err = {0};
        assert_ok(linear_fit(N, 4, names, features, y, &f, &err), &err);
        for (size_t k = 0; k < 4; k++) {
            assert_true(f.parameter[k].value >= 0 && f.parameter[k].low >= 0);
            cover(&c, k, &f.parameter[k], truth[k]);
        }
    }
    assert_covered(&c);
}

static void nnls_meets_the_conditions_of_an_optimum(void **state)
{
    (void)state;
    enum { ROWS = 9, COLUMNS = 6 };
    for (unsigned long seed = 1; seed <= SEEDS; seed++) {
        gsl_rng *const r = random_new(seed);
        double a[ROWS * COLUMNS], b[ROWS], x[COLUMNS];
        for (size_t i = 0; i < ROWS * COLUMNS; i++) {
            a[i] = gsl_ran_gaussian(r, 1);
        }
        for (size_t i = 0; i < ROWS; i++) {
            b[i] = gsl_ran_gaussian(r, 1);
        }
        gsl_rng_free(r);
        struct error err = {0};
        assert_ok(nnls(ROWS, COLUMNS, a, b, x, &err), &err);
        for (size_t j = 0; j < COLUMNS; j++) { /* Karush, Kuhn, Tucker */
            double gradient = 0;
            for (size_t i = 0; i < ROWS; i++) {
                double residual = b[i];
                for (size_t k = 0; k < COLUMNS; k++) {
                    residual -= a[i * COLUMNS + k] * x[k];
                }
                gradient += residual * a[i * COLUMNS + j];
            }
            if (x[j] < 0 || gradient > 1e-9 || (x[j] > 0 && fabs(gradient) > 1e-9)) {
                fail_msg("seed %lu: column %zu has x %g and gradient %g", seed, j, x[j], gradient);
            }
        }
    }
}

static enum status products(void *context, const double *t, double *out, struct error *err)
{
    (void)err;
    const struct curve *const c = context;
    for (size_t i = 0; i < c->n; i++) {
        /* MetaFaaS eq. 4: m / (c3 B) and L; only m / c3 can be told */
        out[i] = t[0] * c->x[i] + t[1] / t[2] * (3 * c->x[i] - 2) + 0 * t[3];
    }
    return STATUS_OK;
}

static enum status sums(void *context, const double *t, double *out, struct error *err)
{
    (void)err;
    const struct curve *const c = context;
    for (size_t i = 0; i < c->n; i++) {
        out[i] = (t[0] + t[1]) * c->x[i] + t[2] * t[3] * t[3];
    }
    return STATUS_OK;
}

static void what_cannot_be_told_is_named(void **state)
{
    (void)state;
    double x[20], y[20];
    struct curve curve = {x, 20};
    for (size_t i = 0; i < 20; i++) {
        x[i] = 1 + (double)i * 1.7;
    }
    struct error err = {0};
    struct ls_result f;
    const double truth[] = {0.08, 0.5, 1.7, 3};
    products(&curve, truth, y, &err);
    for (size_t i = 0; i < 20; i++) {
        y[i] *= i % 2 == 0 ? 1.01 : 0.99;
    }
    const double inf = (double)INFINITY;
    const struct ls_parameter p[] = {{"latency_s", 0.1, 0, inf},
                                     {"m_mb", 1, 0, inf},
                                     {"c3", 1, 0.01, inf},
                                     {"poll_s", 1, 0, inf}};
    struct ls_problem problem = {.parameters = p,
                                 .n_parameters = 4,
                                 .measured = y,
                                 .n = 20,
                                 .predict = products,
                                 .context = &curve};
    assert_ok(ls_fit(&problem, &f, &err), &err);
    assert_int_equal(f.ambiguities, 2);
    char both[400];
    snprintf(both, sizeof both, "%s | %s", f.ambiguity[0].text, f.ambiguity[1].text);
    print_message("  %s\n", both);
    assert_non_null(strstr(both, "only the ratio m_mb / c3 is identified"));
    assert_non_null(strstr(both, "poll_s has no effect"));
    assert_false(f.parameter[0].unidentified);
    assert_true(f.parameter[1].unidentified && f.parameter[2].unidentified);
    assert_true(isnan(f.parameter[1].low) && !isnan(f.parameter[0].low));
    assert_close(f.parameter[1].value / f.parameter[2].value, 0.5 / 1.7, 0.02);

    const double other[] = {0.3, 0.5, 2.1, 1.3};
    sums(&curve, other, y, &err);
    for (size_t i = 0; i < 20; i++) {
        y[i] *= i % 2 == 0 ? 1.01 : 0.99;
    }
    const struct ls_parameter q[] = {
        {"a", 0.1, 0, inf}, {"b", 0.4, 0, inf}, {"u", 1, 0, inf}, {"v", 3, 0, inf}};
    problem.parameters = q;
    problem.predict = sums;
    assert_ok(ls_fit(&problem, &f, &err), &err);
    snprintf(both, sizeof both, "%s | %s", f.ambiguity[0].text, f.ambiguity[1].text);
    print_message("  %s\n", both);
    assert_non_null(strstr(both, "only the sum a + b is identified"));
    assert_non_null(strstr(both, "only the product u * v^2 is identified"));
}

static void wrong_problems_are_refused(void **state)
{
    (void)state;
    double x[2] = {1, 2}, y[2] = {1, -1};
    struct curve curve = {x, 2};
    const struct ls_parameter p[] = {{"a", 1, 0, 9}, {"b", 1, 0, 9}, {"c", 1, 0, 9}};
    struct ls_problem problem = {.parameters = p,
                                 .n_parameters = 3,
                                 .measured = y,
                                 .n = 2,
                                 .predict = saturating,
                                 .context = &curve};
    struct ls_result f;
    struct error err = {0};
    assert_int_equal(ls_fit(&problem, &f, &err), ERR_INPUT);
    problem.n_parameters = 2;
    err = (struct error){0};
    assert_int_equal(ls_fit(&problem, &f, &err), ERR_INPUT);
    assert_non_null(strstr(err.message, "measured value 2 is -1"));
}

int main(void)
{
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(least_squares_hold_the_truth_with_every_loss),
        cmocka_unit_test(joined_rows_fit_like_all_of_them),
        cmocka_unit_test(linear_laws_hold_the_truth_and_stay_non_negative),
        cmocka_unit_test(nnls_meets_the_conditions_of_an_optimum),
        cmocka_unit_test(what_cannot_be_told_is_named),
        cmocka_unit_test(wrong_problems_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
