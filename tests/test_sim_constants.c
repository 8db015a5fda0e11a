/* What nobody knows of a constant is one draw for a whole run: it spreads replications, does not
 * average out over rounds or workers, and is no noise that makes a barrier wait. */
#include "tests/play_support.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_errno.h>

#include "sim/sim.h"

enum { RUNS = 2000 };

/* Coefficients of variation of what multiplies the time of a unit, and of what divides it. */
enum { RATIO, BOTH, FRAMEWORK, WAYS };
static const double framework_cv[WAYS] = {0, 0.15, 0.2}, ratio_cv[WAYS] = {0.2, 0.2, 0};

/* A job whose time of a unit follows from ratios known to a fifth, and little else. */
static struct config uncertain(const char *system, double workers, double rounds, int way)
{
    struct config c = play_config(protocol_find(system), STORE_FREE, workers, rounds);
    c.compute.unit_override_s = 0;
    c.compute.flop_per_s = 8.1e10;
    c.compute.vcpu_ratio = ratio_cv[way] > 0 ? lognormal(0.7, ratio_cv[way]) : constant(0.7);
    c.compute.framework_ratio =
        framework_cv[way] > 0 ? lognormal(1.9, framework_cv[way]) : constant(1.9);
    return c;
}

/* Variance of ln of the time of a unit: independent factors add. */
static double log_variance(int way)
{
    return log1p(ratio_cv[way] * ratio_cv[way]) + log1p(framework_cv[way] * framework_cv[way]);
}

static void play_times(const struct config *c, double time_s[RUNS], struct play *p)
{
    assert_int_equal(play_open(p, c), STATUS_OK);
    for (size_t i = 0; i < RUNS; ++i) {
        assert_ok(run_play(&p->run, 7, i, &p->err), &p->err);
        time_s[i] = p->run.tally.time_s;
    }
}

/* Variance of the time over (what of the time follows from the ratios, as expected)^2. */
static double relative_variance(const struct config *c)
{
    struct play p;
    static double time_s[RUNS];
    double mean = 0, squares = 0;
    play_times(c, time_s, &p);
    const double by_ratio_s =
        p.config.workload.rounds * unit_seconds(&p.config) * units_per_worker(&p.config);
    play_close(&p);
    for (size_t i = 0; i < RUNS; ++i) {
        mean += time_s[i] / RUNS;
    }
    for (size_t i = 0; i < RUNS; ++i) {
        squares += (time_s[i] - mean) * (time_s[i] - mean);
    }
    return squares / (RUNS - 1) / (by_ratio_s * by_ratio_s);
}

/* A product and a quotient of lognormals are lognormal: variance exp(sigma^2) - 1 over mean^2. The
 * bounds are those of a normal sample's variance at 99.9 %, widened by this law's kurtosis. */
static void assert_epistemic(const char *what, int way, double variance)
{
    const double sigma2 = log_variance(way), theory = expm1(sigma2);
    const double kurtosis = exp(4 * sigma2) + 2 * exp(3 * sigma2) + 3 * exp(2 * sigma2) - 3;
    const double most = gsl_cdf_ugaussian_Pinv(0.9995) * theory * sqrt((kurtosis - 1) / RUNS);
    if (!(fabs(variance - theory) <= most)) {
        print_error("%s: variance %.4g, theory %.4g +- %.2g\n", what, variance, theory, most);
        fail();
    }
}

static void the_variance_of_a_run_is_the_constants_and_stays(void **state)
{
    (void)state;
    static const char *const systems[] = {"serial", "lambdaml-scatterreduce", "metafaas"};
    static const double rounds[] = {20, 2000, 200000};
    for (size_t i = 0; i < sizeof systems / sizeof *systems; ++i) {
        const double workers = i == 0 ? 1 : 8;
        for (size_t k = 0; k < sizeof rounds / sizeof *rounds; ++k) {
            const int way = (int)k % WAYS;
            struct config c = uncertain(systems[i], workers, rounds[k], way);
            assert_epistemic(systems[i], way, relative_variance(&c));
            c.compute.noise_cv = 0.03; /* averages out, the constants do not */
            if (k == 1 && i == 0) {
                assert_epistemic("with noise", way, relative_variance(&c));
            }
        }
    }
}

/* What a run draws of a factor, from the stream of its own. */
static struct quantity drawn(const struct quantity *q, uint64_t replication, unsigned factor)
{
    struct random_stream r = random_open(7, replication, EFFECT_UNIT + factor, PURPOSE_RUN);
    return constant(quantity_draw(q, &r));
}

/* The closed form's time is the mean of the runs', E[framework] E[1 / ratio] for a unit, and every
 * run is a certain job with its own constants: no worker waits for another. */
static void it_is_no_noise_at_a_barrier(void **state)
{
    (void)state;
    struct play p;
    static double times[RUNS];
    for (int way = 0; way < WAYS; ++way) {
        struct config c = uncertain("lambdaml-allreduce", 8, 20, way);
        play_times(&c, times, &p);
        double mean = 0;
        for (size_t i = 0; i < RUNS; ++i) {
            mean += times[i] / RUNS;
        }
        const double by_ratio_s = 20 * unit_seconds(&p.config) * units_per_worker(&p.config);
        const double error = sqrt(expm1(log_variance(way)) / RUNS);
        assert_true(fabs(mean - p.closed.time_s) <= 3.5 * error * by_ratio_s);
        for (uint64_t i = 0; i < 20; ++i) {
            struct config certain = c;
            struct play one;
            certain.compute.vcpu_ratio = drawn(&p.config.compute.vcpu_ratio, i, 0);
            certain.compute.framework_ratio = drawn(&p.config.compute.framework_ratio, i, 1);
            assert_int_equal(play_open(&one, &certain), STATUS_OK);
            assert_close(times[i], one.closed.time_s, 1e-9);
            play_close(&one);
        }
        play_close(&p);
    }
}

/* To the second order for laws that are not lognormal: by the mean of a great many draws. */
static void the_mean_of_a_divisor_is_expected(void **state)
{
    (void)state;
    enum { DRAWS = 4000000 };
    const struct quantity laws[] = {
        {.kind = DISTRIBUTION_NORMAL, .mean = 0.72, .cv = 0.1, .p = {0.72, 0.072, 0}},
        {.kind = DISTRIBUTION_GAMMA, .mean = 1, .cv = 0.1, .p = {100, 0.01, 0}},
        {.kind = DISTRIBUTION_CONSTANT, .mean = exp(0.02), .run_sd = 0.2, .p = {1, 0, 0}},
    };
    for (size_t i = 0; i < sizeof laws / sizeof *laws; ++i) {
        struct random_stream r = random_open(11, i, 0, PURPOSE_RUN);
        double sum = 0;
        for (size_t n = 0; n < DRAWS; ++n) {
            sum += 1 / (quantity_run_effect(&laws[i], &r) * quantity_draw(&laws[i], &r));
        }
        const struct unit_factor f = {.q = &laws[i], .divides = true};
        const double cv = laws[i].run_sd > 0 ? laws[i].run_sd : laws[i].cv;
        /* 3 cv^4 is the next term of the normal law, the largest of the three. */
        const double next = laws[i].run_sd > 0 ? 0 : 3 * pow(cv, 4);
        assert_close(DRAWS / sum, unit_factor_mean(&f), 3.5 * cv / sqrt(DRAWS) + 1.2 * next);
    }
}

static void switched_off_or_not_used_nothing_is_drawn(void **state)
{
    (void)state;
    struct play p;
    for (int way = 0; way < 2; ++way) {
        struct config c = uncertain("serial", 1, 20, BOTH);
        c.simulation.play_constants = way > 0;
        c.compute.unit_override_s = way > 0 ? 0.0123 : 0; /* a given time needs no ratio */
        assert_int_equal(play_open(&p, &c), STATUS_OK);
        assert_ok(run_play(&p.run, 7, 3, &p.err), &p.err);
        assert_close(p.run.tally.time_s, p.closed.time_s, 1e-12);
        play_close(&p);
    }
}

int main(void)
{
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_variance_of_a_run_is_the_constants_and_stays),
        cmocka_unit_test(it_is_no_noise_at_a_barrier),
        cmocka_unit_test(the_mean_of_a_divisor_is_expected),
        cmocka_unit_test(switched_off_or_not_used_nothing_is_drawn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
