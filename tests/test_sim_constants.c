/* What nobody knows of a constant is one draw for a whole run: it spreads replications, does not
 * average out over rounds or workers, and is no noise that makes a barrier wait. */
#include "tests/play_support.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_errno.h>

#include "sim/sim.h"

enum { RUNS = 2000 };

/* A job whose time of a unit follows from a ratio known to a fifth, and little else. */
static struct config uncertain(const char *system, double workers, double rounds)
{
    struct config c = play_config(protocol_find(system), STORE_FREE, workers, rounds);
    c.compute.unit_override_s = 0;
    c.compute.flop_per_s = 8.1e10;
    c.compute.vcpu_ratio = lognormal(0.7, 0.2);
    return c;
}

static void play_times(const struct config *c, double time_s[RUNS], struct play *p)
{
    assert_int_equal(play_open(p, c), STATUS_OK);
    for (size_t i = 0; i < RUNS; ++i) {
        assert_ok(run_play(&p->run, 7, i, &p->err), &p->err);
        time_s[i] = p->run.tally.time_s;
    }
}

/* Variance of the time over (what of the time follows from the ratio)^2. */
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

/* 1 / ratio is lognormal too: E = 1.04 / mean, variance 1.04^2 0.04 / mean^2. The bounds are those
 * of a normal sample's variance at 99.9 %, widened by the kurtosis of this lognormal law. */
static void assert_epistemic(const char *what, double variance)
{
    const double theory = 1.04 * 1.04 * 0.04, sigma2 = log1p(0.04);
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
            struct config c = uncertain(systems[i], workers, rounds[k]);
            assert_epistemic(systems[i], relative_variance(&c));
            c.compute.noise_cv = 0.03; /* averages out, the constant does not */
            if (k == 1 && i == 0) {
                assert_epistemic("with noise", relative_variance(&c));
            }
        }
    }
}

static void it_is_no_noise_at_a_barrier(void **state)
{
    (void)state;
    struct play p, q;
    static double times[RUNS];
    struct config c = uncertain("lambdaml-allreduce", 8, 20);
    play_times(&c, times, &p);
    c.compute.vcpu_ratio = constant(0.7);
    assert_int_equal(play_open(&q, &c), STATUS_OK);
    assert_close(p.closed.time_s, q.closed.time_s, 0); /* the closed form: at the constant's mean */
    double mean = 0;
    for (size_t i = 0; i < RUNS; ++i) {
        mean += times[i] / RUNS;
    }
    const double by_ratio_s = 20 * unit_seconds(&q.config) * units_per_worker(&q.config);
    const double expected_s = q.closed.time_s + 0.04 * by_ratio_s; /* E[1 / ratio] = 1.04 / mean */
    assert_true(fabs(mean - expected_s) <= 3.5 * 1.04 * 0.2 * by_ratio_s / sqrt(RUNS));
    /* Every run is a certain job with its own ratio: no worker waits for another. */
    for (uint64_t i = 0; i < 20; ++i) {
        struct random_stream r = random_open(7, i, EFFECT_UNIT, PURPOSE_RUN);
        struct config certain = c;
        struct play one;
        certain.compute.vcpu_ratio = constant(quantity_draw(&p.config.compute.vcpu_ratio, &r));
        assert_int_equal(play_open(&one, &certain), STATUS_OK);
        assert_close(times[i], one.closed.time_s, 1e-9);
        play_close(&one);
    }
    play_close(&p);
    play_close(&q);
}

static void switched_off_or_not_used_nothing_is_drawn(void **state)
{
    (void)state;
    struct play p;
    for (int way = 0; way < 2; ++way) {
        struct config c = uncertain("serial", 1, 20);
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
        cmocka_unit_test(switched_off_or_not_used_nothing_is_drawn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
