/* Fits: constants put into simulated data come out again, inside the stated intervals as often as
 * the intervals claim, and what the data cannot tell is named.
 */
#include "calibration/calibration.h"
#include "tests/support.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <stdlib.h>
#include <string.h>

enum { SEEDS = 400, FEW_SEEDS = 200 }; /* few where a fit takes milliseconds */

/* ---------------------------------------------------------------- coverage of intervals */

/* Counts over SEEDS data sets how often each interval held the truth. */
struct coverage {
    const char *what;
    size_t seeds; /* 0: SEEDS */
    size_t parameters;
    const char *name[LS_PARAMETERS];
    size_t held[LS_PARAMETERS], known[LS_PARAMETERS];
};

static void cover(struct coverage *c, size_t k, const struct estimate *e, double truth)
{
    c->known[k]++;
    c->name[k] = e->name != NULL ? e->name : "";
    c->held[k] += e->low <= truth && truth <= e->high ? 1 : 0;
    c->parameters = k + 1 > c->parameters ? k + 1 : c->parameters;
}

/* 95 +- 3 % over all intervals of the fit; none of them below 90 %. */
static void assert_covered(const struct coverage *c)
{
    size_t held = 0, known = 0;
    const size_t seeds = c->seeds > 0 ? c->seeds : SEEDS;
    for (size_t k = 0; k < c->parameters; k++) {
        held += c->held[k];
        known += c->known[k];
        const double share = (double)c->held[k] / (double)c->known[k];
        print_message("  %s, %s: %.1f %% of %zu\n", c->what, c->name[k], 100 * share, c->known[k]);
        if (c->known[k] != seeds || share < 0.90) {
            fail_msg("%s: interval %zu holds the truth in %.1f %% of %zu seeds", c->what, k,
                     100 * share, c->known[k]);
        }
    }
    const double share = (double)held / (double)known;
    if (share < 0.92 || share > 0.98) {
        fail_msg("%s: intervals hold the truth in %.1f %% of the cases", c->what, 100 * share);
    }
}

static gsl_rng *random_new(unsigned long seed)
{
    gsl_rng *const r = gsl_rng_alloc(gsl_rng_mt19937);
    gsl_rng_set(r, seed);
    return r;
}

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

/* ---------------------------------------------------------------- laws */

static void latency_and_bandwidth_are_recovered(void **state)
{
    (void)state;
    enum { SIZES = 5, EACH = 24 };
    const double latency = 0.0317, bandwidth = 73.1e6, full = 2317;
    const double memories[] = {512, 1024, 1769, 3008};
    struct coverage plain = {.what = "transfer", .seeds = FEW_SEEDS},
                    grown = {.what = "transfer by memory", .seeds = FEW_SEEDS};
    for (unsigned long seed = 1; seed <= FEW_SEEDS; seed++) {
        gsl_rng *const r = random_new(seed);
        double size[SIZES * EACH], t[SIZES * EACH], memory[SIZES * EACH], slow[SIZES * EACH];
        for (size_t i = 0; i < SIZES * EACH; i++) {
            size[i] = 1024 * pow(20, (double)(i % SIZES));
            memory[i] = memories[i / SIZES % 4];
            double noise = exp(gsl_ran_gaussian(r, 0.07));
            noise *= gsl_rng_uniform(r) < 0.05 ? 1 + 4 * gsl_rng_uniform(r) : 1; /* stragglers */
            t[i] = (latency + size[i] / bandwidth) * noise;
            slow[i] = (latency + size[i] / (bandwidth * fmin(1, memory[i] / full))) * noise;
        }
        gsl_rng_free(r);
        struct transfer_law law;
        struct error err = {0};
        assert_ok(transfer_fit(SIZES * EACH, size, t, memory, 0, &law, &err), &err);
        assert_true(isnan(law.cap_bytes_per_s.value));
        cover(&plain, 0, &law.latency_s, latency);
        cover(&plain, 1, &law.bytes_per_s, bandwidth);
        assert_ok(transfer_fit(SIZES * EACH, size, slow, memory, 0, &law, &err), &err);
        cover(&grown, 0, &law.latency_s, latency);
        cover(&grown, 1, &law.bytes_per_s, bandwidth);
        cover(&grown, 2, &law.full_mib, full);
    }
    assert_covered(&plain);
    assert_covered(&grown);
}

static void a_limiter_is_found_as_a_cap(void **state)
{
    (void)state;
    enum { N = 100 };
    gsl_rng *const r = random_new(11);
    double size[N], limited[N], free_running[N];
    for (size_t i = 0; i < N; i++) {
        size[i] = i % 2 == 0 ? 1e6 : 5e8;
        const double rate = 90e6 * exp(gsl_ran_gaussian(r, 0.2));
        limited[i] = 0.02 + size[i] / fmin(rate, 99.8e6);
        free_running[i] = 0.02 + size[i] / rate;
    }
    gsl_rng_free(r);
    struct transfer_law law;
    struct error err = {0};
    assert_ok(transfer_fit(N, size, limited, NULL, 0, &law, &err), &err);
    assert_close(law.cap_bytes_per_s.value, 99.8e6, 0.01);
    assert_true(law.share_at_cap > 0.25);
    assert_ok(transfer_fit(N, size, free_running, NULL, 0, &law, &err), &err);
    assert_true(isnan(law.cap_bytes_per_s.value));
    const double one_size[] = {1e6, 1e6, 1e6}, t[] = {0.1, 0.11, 0.12};
    assert_int_equal(transfer_fit(3, one_size, t, NULL, 0, &law, &err), ERR_INPUT);
    err = (struct error){0};
    assert_ok(transfer_fit(3, one_size, t, NULL, 0.01, &law, &err), &err);
    assert_close(law.bytes_per_s.value, 1e7, 0.02);
}

static void a_token_bucket_is_recovered(void **state)
{
    (void)state;
    enum { SERIES = 21, INTERVALS = 60 };
    const double burst = 314e6, rate = 1.17e9, steady = 77.5e6, interval = 0.02;
    struct coverage c = {.what = "token bucket"};
    for (unsigned long seed = 1; seed <= SEEDS; seed++) {
        gsl_rng *const r = random_new(seed);
        double width[SERIES * INTERVALS], bytes[SERIES * INTERVALS];
        uint32_t series[SERIES * INTERVALS];
        for (uint32_t k = 0; k < SERIES; k++) {
            double left = burst * exp(gsl_ran_gaussian(r, 0.1));
            const double fast = rate * exp(gsl_ran_gaussian(r, 0.15));
            const double slow = steady * exp(gsl_ran_gaussian(r, 0.03));
            for (size_t i = 0; i < INTERVALS; i++) {
                const size_t at = k * INTERVALS + i;
                const double wanted = fast * interval, refill = slow * interval;
                series[at] = k;
                width[at] = interval;
                bytes[at] = fmin(wanted, left + refill);
                left = left + refill - bytes[at];
            }
        }
        gsl_rng_free(r);
        struct token_bucket b;
        struct error err = {0};
        assert_ok(token_bucket_fit(SERIES * INTERVALS, series, SERIES, width, bytes, &b, &err),
                  &err);
        assert_int_equal(b.series, SERIES);
        assert_true(b.error < 0.02);
        cover(&c, 0, &b.burst_bytes, burst);
        cover(&c, 1, &b.burst_bytes_per_s, rate);
        cover(&c, 2, &b.steady_bytes_per_s, steady);
    }
    assert_covered(&c);
    uint32_t series[10];
    double width[10], bytes[10];
    for (size_t i = 0; i < 10; i++) {
        series[i] = 0;
        width[i] = 1;
        bytes[i] = 75e6;
    }
    struct token_bucket b;
    struct error err = {0};
    assert_int_equal(token_bucket_fit(10, series, 1, width, bytes, &b, &err), ERR_NUMERIC);
    assert_int_equal(b.one_phase, 1);
}

static void the_memory_law_and_its_cap_are_recovered(void **state)
{
    (void)state;
    enum { EACH = 15 };
    const double memories[] = {256, 512, 1024, 1536, 2048, 3008};
    enum { N = 6 * EACH };
    const double fixed = 0.117, work = 1.37, cap = 0.931;
    struct coverage found = {.what = "memory law, cap found", .seeds = FEW_SEEDS},
                    given = {.what = "memory law, cap given", .seeds = FEW_SEEDS};
    size_t caps = 0;
    for (unsigned long seed = 1; seed <= FEW_SEEDS; seed++) {
        gsl_rng *const r = random_new(seed);
        double memory[N], t[N], uncapped[N];
        for (size_t i = 0; i < N; i++) {
            memory[i] = memories[i / EACH];
            const double v = memory[i] / 1769, noise = exp(gsl_ran_gaussian(r, 0.05));
            t[i] = (fixed + work / fmin(v, cap)) * noise;
            uncapped[i] = (fixed + work / v) * noise;
        }
        gsl_rng_free(r);
        struct memory_law law;
        struct error err = {0};
        assert_ok(memory_law_fit(N, memory, t, 1769, 0, &law, &err), &err);
        assert_true(law.cap_found);
        cover(&found, 0, &law.fixed_s, fixed);
        cover(&found, 1, &law.work_s, work);
        cover(&found, 2, &law.cap_vcpu, cap);
        assert_ok(memory_law_fit(N, memory, t, 1769, cap, &law, &err), &err);
        cover(&given, 0, &law.fixed_s, fixed);
        cover(&given, 1, &law.work_s, work);
        assert_ok(memory_law_fit(N, memory, uncapped, 1769, 0, &law, &err), &err);
        caps += law.cap_found ? 1 : 0;
    }
    assert_covered(&found);
    assert_covered(&given);
    /* A cap where there is none is seen about as often as AIC errs. */
    assert_true(caps < FEW_SEEDS / 8);
}

/* ---------------------------------------------------------------- scores */

static void scores_are_those_done_by_hand(void **state)
{
    (void)state;
    const double measured[] = {10, 20, 40, 50, 80}, predicted[] = {11, 19, 44, 40, 80};
    const double low[] = {9, (double)NAN, 41, 30, 70}, high[] = {12, 3, 50, 49, 90};
    struct score s;
    struct error err = {0};
    assert_ok(score_rows(5, measured, predicted, low, high, false, &s, &err), &err);
    assert_close(s.mape, (0.1 + 0.05 + 0.1 + 0.2 + 0) / 5, 1e-12);
    assert_close(s.median_error, 0.1, 1e-12);
    assert_close(s.max_error, 0.2, 1e-12);
    assert_int_equal(s.worst, 3);
    assert_close(s.bias, (0.1 - 0.05 + 0.1 - 0.2) / 5, 1e-9);
    /* ranks 1 2 3 4 5 against 1 2 4 3 5: 1 - 6 * 2 / (5 * 24) */
    assert_close(s.rank_correlation, 0.9, 1e-12);
    assert_int_equal(s.intervals, 4);
    assert_close(s.coverage, 0.5, 1e-12);
    const double same[] = {1, 1, 2, 2, 3}; /* ties: ranks 1.5 1.5 3.5 3.5 5 */
    assert_ok(score_rows(5, same, measured, NULL, NULL, false, &s, &err), &err);
    assert_close(s.rank_correlation, 9 / sqrt(9.0 * 10), 1e-12);
    assert_true(isnan(s.coverage));
    const double zero[] = {1, 0, 2, 3, 4};
    assert_int_equal(score_rows(5, zero, measured, NULL, NULL, false, &s, &err), ERR_INPUT);
    assert_non_null(strstr(err.message, "row 2"));
    bool claimed;
    assert_true(score_order(10, 20, 1, 2, 0.05, &claimed) && claimed);
    assert_false(score_order(10, 20, 2, 1, 0.05, &claimed));
    assert_true(score_order(10, 10.1, 2, 1, 0.05, &claimed) && !claimed);
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
        cmocka_unit_test(least_squares_hold_the_truth_with_every_loss),
        cmocka_unit_test(joined_rows_fit_like_all_of_them),
        cmocka_unit_test(linear_laws_hold_the_truth_and_stay_non_negative),
        cmocka_unit_test(nnls_meets_the_conditions_of_an_optimum),
        cmocka_unit_test(what_cannot_be_told_is_named),
        cmocka_unit_test(wrong_problems_are_refused),
        cmocka_unit_test(latency_and_bandwidth_are_recovered),
        cmocka_unit_test(a_limiter_is_found_as_a_cap),
        cmocka_unit_test(a_token_bucket_is_recovered),
        cmocka_unit_test(the_memory_law_and_its_cap_are_recovered),
        cmocka_unit_test(scores_are_those_done_by_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
