/* Distributions: constants put into simulated data come out again, inside the stated intervals as
 * often as the intervals claim. */
#include "tests/coverage_support.h"

struct truth {
    enum family family;
    size_t n;
    double parameter[FAMILY_PARAMETERS];
};

static double draw(gsl_rng *r, const struct truth *t)
{
    const double *const p = t->parameter;
    switch (t->family) {
    case FAMILY_NORMAL:
        return p[0] + gsl_ran_gaussian(r, p[1]);
    case FAMILY_LOGNORMAL:
        return gsl_ran_lognormal(r, p[0], p[1]);
    case FAMILY_SHIFTED_LOGNORMAL:
        return p[0] + gsl_ran_lognormal(r, p[1], p[2]);
    case FAMILY_GAMMA:
        return gsl_ran_gamma(r, p[0], p[1]);
    case FAMILY_WEIBULL:
        return gsl_ran_weibull(r, p[0], p[1]);
    case FAMILY_PARETO:
        return gsl_ran_pareto(r, p[0], p[1]);
    case FAMILY_EXPONENTIAL:
        return gsl_ran_exponential(r, p[0]);
    case FAMILY_MIXTURE:
        return gsl_rng_uniform(r) < p[0] ? gsl_ran_lognormal(r, p[3], p[4])
                                         : gsl_ran_lognormal(r, p[1], p[2]);
    case FAMILY_SHIFTED_MIXTURE:
        return p[5] + (gsl_rng_uniform(r) < p[0] ? gsl_ran_lognormal(r, p[3], p[4])
                                                 : gsl_ran_lognormal(r, p[1], p[2]));
    case FAMILY_EMPIRICAL:
    case FAMILIES:
        break;
    }
    return NAN;
}

/* Awkward truths, near what the traces show. */
static const struct truth truths[] = {
    {FAMILY_NORMAL, 60, {1.217, 0.113}},
    {FAMILY_LOGNORMAL, 60, {-3.217, 0.531}},
    {FAMILY_SHIFTED_LOGNORMAL, 700, {0.0113, -4.287, 0.831}},
    {FAMILY_GAMMA, 150, {2.385, 0.0417}},
    {FAMILY_WEIBULL, 150, {93.35, 2.385}},
    {FAMILY_PARETO, 60, {2.297, 0.0648}},
    {FAMILY_EXPONENTIAL, 40, {0.317}},
    {FAMILY_MIXTURE, 500, {0.297, -2.617, 0.117, -1.317, 0.231}},
    {FAMILY_SHIFTED_MIXTURE, 1500, {0.297, -4.617, 0.517, -2.617, 0.331, 0.0113}},
};

static void distribution_recovers(const struct truth *t)
{
    double *const x = malloc(t->n * sizeof *x);
    const size_t seeds = t->family >= FAMILY_SHIFTED_MIXTURE ? FEW_SEEDS : SEEDS;
    struct coverage c = {.what = family_name(t->family), .seeds = seeds};
    for (unsigned long seed = 1; seed <= seeds; seed++) {
        gsl_rng *const r = random_new(seed);
        for (size_t i = 0; i < t->n; i++) {
            x[i] = draw(r, t);
        }
        gsl_rng_free(r);
        const struct sample s = {.value = x, .n = t->n};
        struct fitted d;
        struct error err = {0};
        if (distribution_fit(t->family, &s, &d, &err) != STATUS_OK) {
            fail_msg("%s, seed %lu: %s", family_name(t->family), seed, err.message);
        }
        for (size_t k = 0; k < d.n_parameters; k++) {
            cover(&c, k, &d.parameter[k], t->parameter[k]);
        }
    }
    free(x);
    assert_covered(&c);
}

/* Beyond 3000 values the way to the top is found on joined neighbours: the top must still be above
 * the truth, and near it. */
static void mixtures_of_many_values_reach_the_top(void **state)
{
    (void)state;
    enum { N = 8000 };
    double *const x = malloc(N * sizeof *x);
    assert_non_null(x);
    for (size_t f = 7; f <= 8; f++) {
        const struct truth *const t = &truths[f];
        const double *const p = t->parameter;
        for (unsigned long seed = 1; seed <= 3; seed++) {
            gsl_rng *const r = random_new(seed);
            double truth = 0;
            for (size_t i = 0; i < N; i++) {
                x[i] = draw(r, t);
                const double below = x[i] - (t->family == FAMILY_SHIFTED_MIXTURE ? p[5] : 0);
                truth += log((1 - p[0]) * gsl_ran_lognormal_pdf(below, p[1], p[2]) +
                             p[0] * gsl_ran_lognormal_pdf(below, p[3], p[4]));
            }
            gsl_rng_free(r);
            const struct sample s = {.value = x, .n = N};
            struct fitted d;
            struct error err = {0};
            assert_ok(distribution_fit(t->family, &s, &d, &err), &err);
            /* Twice the difference is chi-square of 5 or 6: 25 is beyond one in a thousand. */
            if (!(d.log_likelihood >= truth && d.log_likelihood <= truth + 12.5)) {
                fail_msg("%s, seed %lu: %.3f, the truth %.3f", family_name(t->family), seed,
                         d.log_likelihood, truth);
            }
        }
    }
    free(x);
}

static void intervals_of_every_family_hold_the_truth(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof truths / sizeof truths[0]; i++) {
        distribution_recovers(&truths[i]);
    }
}

static void aic_chooses_the_family_that_made_the_data(void **state)
{
    (void)state;
    enum { N = 1500, SETS = 9 };
    static double x[N];
    for (size_t i = 0; i < sizeof truths / sizeof truths[0]; i++) {
        size_t near = 0, close = 0;
        for (unsigned long seed = 1; seed <= SETS; seed++) {
            gsl_rng *const r = random_new(seed);
            for (size_t k = 0; k < N; k++) {
                x[k] = draw(r, &truths[i]);
            }
            gsl_rng_free(r);
            const struct sample s = {.value = x, .n = N};
            struct fitted best, all[FAMILIES];
            struct error err = {0};
            assert_ok(distribution_choose(&s, ~0u, 0, &best, all, &err), &err);
            near += all[truths[i].family].aic < best.aic + 2 ? 1 : 0;
            close += best.ks < 1.36 / sqrt((double)N) ? 1 : 0; /* 5 % of Kolmogorov's law */
        }
        print_message("  %s: at most 2 from the best in %zu of %d\n", family_name(truths[i].family),
                      near, SETS);
        /* Families that hold the truth as a special case win by chance now and then. */
        assert_true(near >= SETS * 2 / 3);
        assert_true(close >= SETS - 2);
    }
}

static void quantiles_and_distribution_functions_are_inverses(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof truths / sizeof truths[0]; i++) {
        struct fitted d = {.family = truths[i].family};
        for (size_t k = 0; k < FAMILY_PARAMETERS; k++) {
            d.parameter[k].value = truths[i].parameter[k];
        }
        double sum = 0;
        for (int k = 0; k < 2000; k++) {
            const double p = (k + 0.5) / 2000;
            const double x = distribution_quantile(&d, p);
            assert_close(distribution_cdf(&d, x), p, 1e-9);
            sum += x / 2000;
        }
        assert_close(sum, distribution_mean(&d), 0.02);
    }
}

/* ---------------------------------------------------------------- samples */

static void a_million_values_fit_like_their_few_thousand_quantiles(void **state)
{
    (void)state;
    enum { N = 60000 };
    double *const x = malloc(N * sizeof *x);
    const struct truth t = {FAMILY_SHIFTED_LOGNORMAL, N, {0.0113, -4.287, 0.931}};
    gsl_rng *const r = random_new(3);
    for (size_t i = 0; i < N; i++) {
        x[i] = draw(r, &t);
    }
    gsl_rng_free(r);
    const struct sample s = {.value = x, .n = N};
    struct fitted d;
    struct error err = {0};
    for (size_t k = 0; k < 3; k++) {
        assert_ok(distribution_fit(t.family, &s, &d, &err), &err);
        assert_true(d.parameter[k].low <= t.parameter[k] && t.parameter[k] <= d.parameter[k].high);
    }
    /* The standard error of sigma of that many observations, not of the joined ones. */
    assert_true(d.parameter[2].high - d.parameter[2].low < 0.03);
    assert_close(d.n, N, 1e-12);
    /* The same rows with weights instead of copies. */
    double twice[400], weight[200];
    for (size_t i = 0; i < 200; i++) {
        twice[i] = twice[200 + i] = x[i];
        weight[i] = 2;
    }
    const struct sample copies = {.value = twice, .n = 400},
                        weighted = {.value = x, .weight = weight, .n = 200};
    for (size_t f = 0; f < FAMILIES; f++) {
        struct fitted a, b;
        assert_ok(distribution_fit((enum family)f, &copies, &a, &err), &err);
        assert_ok(distribution_fit((enum family)f, &weighted, &b, &err), &err);
        for (size_t k = 0; k < a.n_parameters; k++) {
            assert_close(b.parameter[k].value, a.parameter[k].value, 1e-6);
        }
        assert_close(b.ks, a.ks, 1e-6);
        for (size_t k = 0; f == FAMILY_EMPIRICAL && k < EMPIRICAL_QUANTILES; k++) {
            assert_close(b.quantile[k], a.quantile[k], 1e-12);
        }
    }
    free(x);
}

static void values_a_family_cannot_have_are_refused(void **state)
{
    (void)state;
    const double bad[][4] = {
        {1, 2, -3, 4}, {1, (double)NAN, 2, 3}, {1, 2, (double)INFINITY, 3}, {5, 5, 5, 5}};
    for (size_t i = 0; i < 4; i++) {
        const struct sample s = {.value = bad[i], .n = 4};
        struct fitted d;
        for (size_t f = FAMILY_LOGNORMAL; f < FAMILY_EXPONENTIAL; f++) {
            struct error err = {0};
            assert_int_not_equal(distribution_fit((enum family)f, &s, &d, &err), STATUS_OK);
            assert_true(err.message[0] != '\0');
        }
    }
    const struct sample none = {.value = bad[0], .n = 0};
    struct fitted d;
    struct error err = {0};
    assert_int_equal(distribution_choose(&none, 0, 0, &d, NULL, &err), ERR_INPUT);
}

/* ---------------------------------------------------------------- runs */

static int up(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void many_numbers_are_sorted_as_by_comparison(void **state)
{
    (void)state;
    enum { N = 20000 };
    double *const x = malloc(N * sizeof *x), *value, *weight;
    struct error err = {0};
    assert_non_null(x);
    gsl_rng *const r = random_new(5);
    for (size_t i = 0; i < N; i++) {
        x[i] = i % 7 == 0 ? 0.25 : gsl_ran_gaussian(r, exp(gsl_ran_gaussian(r, 30)));
    }
    gsl_rng_free(r);
    const struct sample s = {.value = x, .n = N};
    assert_ok(sample_sort(&s, &value, &weight, &err), &err);
    qsort(x, N, sizeof *x, up);
    assert_memory_equal(x, value, N * sizeof *x);
    free(value);
    free(x);
}

static void the_spread_between_runs_is_recovered(void **state)
{
    (void)state;
    enum { RUNS = 7, EACH = 80 };
    const double sd = 0.317, mu = -3.6, sigma = 0.83;
    struct coverage c = {.what = "run effect"};
    size_t covered_runs = 0;
    for (unsigned long seed = 1; seed <= SEEDS; seed++) {
        gsl_rng *const r = random_new(seed);
        double x[RUNS * EACH], adjusted[RUNS * EACH];
        uint32_t run[RUNS * EACH];
        for (uint32_t j = 0; j < RUNS; j++) {
            const double u = gsl_ran_gaussian(r, sd);
            for (size_t i = 0; i < EACH; i++) {
                x[j * EACH + i] = gsl_ran_lognormal(r, mu + u, sigma);
                run[j * EACH + i] = j;
            }
        }
        const double next =
            exp(gsl_ran_gaussian(r, sd)) * exp(gsl_ran_gaussian(r, sigma / sqrt((double)EACH)));
        gsl_rng_free(r);
        const struct sample s = {.value = x, .n = RUNS * EACH};
        struct run_effect e;
        struct error err = {0};
        assert_ok(run_effect_fit(&s, run, RUNS, &e, adjusted, &err), &err);
        cover(&c, 0, &e.sd, sd);
        const double typical = exp(e.location) / exp(mu);
        covered_runs += e.low * typical <= next && next <= e.high * typical ? 1 : 0;
        /* What is left has the spread within runs, and no spread between them. */
        struct run_effect rest;
        const struct sample flat = {.value = adjusted, .n = RUNS * EACH};
        assert_ok(run_effect_fit(&flat, run, RUNS, &rest, NULL, &err), &err);
        assert_true(rest.sd.value < 1e-6);
        assert_close(rest.within_sd, e.within_sd, 1e-9);
    }
    assert_covered(&c);
    print_message("  next run inside its 90 %% interval: %.1f %%\n",
                  100.0 * (double)covered_runs / SEEDS);
    assert_in_range(covered_runs, SEEDS * 86 / 100, SEEDS * 94 / 100);
}

int main(void)
{
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mixtures_of_many_values_reach_the_top),
        cmocka_unit_test(intervals_of_every_family_hold_the_truth),
        cmocka_unit_test(aic_chooses_the_family_that_made_the_data),
        cmocka_unit_test(quantiles_and_distribution_functions_are_inverses),
        cmocka_unit_test(a_million_values_fit_like_their_few_thousand_quantiles),
        cmocka_unit_test(values_a_family_cannot_have_are_refused),
        cmocka_unit_test(many_numbers_are_sorted_as_by_comparison),
        cmocka_unit_test(the_spread_between_runs_is_recovered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
