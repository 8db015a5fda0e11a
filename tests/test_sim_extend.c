/* Rounds that are extended against rounds that are all played: the same mean and the same spread of
 * the job's time and cost, from other random numbers, with and without differences between
 * instances, in barriers, asynchronously and over re-invocations. */
#include "tests/play_support.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_errno.h>
#include <stdlib.h>

#include "sim/sim.h"

enum { RUNS = 60 };

struct sample {
    double time_s[RUNS], cost_usd[RUNS];
    size_t n;
    struct simulation_outcome outcome;
};

static void keep(double time_s, double cost_usd, void *context)
{
    struct sample *const s = context;
    assert_true(s->n < RUNS);
    s->time_s[s->n] = time_s;
    s->cost_usd[s->n++] = cost_usd;
}

static void draw_sample(const struct config *given, bool exact, struct sample *out)
{
    struct config c = *given;
    struct evaluator e = {0};
    struct error err = {0};
    const struct simulation_options o = {
        .exact = exact, .threads = 1, .each_run = keep, .context = out};
    c.simulation.replications_min = c.simulation.replications_max = RUNS;
    c.simulation.seed = exact ? 11 : 12;
    out->n = 0;
    assert_ok(config_finish(&c, &err), &err);
    assert_ok(simulate(&c, &e, &o, &out->outcome, &err), &err);
    assert_int_equal(out->n, RUNS);
    evaluator_free(&e);
}

static void moments(const double *x, double *mean, double *variance)
{
    *mean = *variance = 0;
    for (size_t i = 0; i < RUNS; ++i) {
        *mean += x[i] / RUNS;
    }
    for (size_t i = 0; i < RUNS; ++i) {
        *variance += (x[i] - *mean) * (x[i] - *mean) / (RUNS - 1);
    }
}

/* Means by Welch's test, variances by Fisher's: both at 99.9 %. Fisher's test takes the runs for
 * normal, which sums of a thousand rounds are. */
static void compare_moments(const char *what, const double *extended, const double *exact,
                            double noise)
{
    double mean[2], variance[2];
    moments(extended, &mean[0], &variance[0]);
    moments(exact, &mean[1], &variance[1]);
    const double z = gsl_cdf_ugaussian_Pinv(0.9995);
    const double error = sqrt((variance[0] + variance[1]) / RUNS + noise * noise);
    const double most = gsl_cdf_fdist_Pinv(0.9995, RUNS - 1, RUNS - 1);
    const double ratio = variance[0] / variance[1];
    if (!(fabs(mean[0] - mean[1]) <= z * error && ratio <= most && ratio >= 1 / most)) {
        print_error("%s: extended %.9g, sd %.4g; all played %.9g, sd %.4g\n", what, mean[0],
                    sqrt(variance[0]), mean[1], sqrt(variance[1]));
        fail();
    }
}

/* The extended mean has an error of its own, the noise of the means it rests on: its standard error
 * out of its 95 % interval. */
static double own_error(const struct estimate *e)
{
    return (e->hi - e->lo) / (2 * gsl_cdf_tdist_Pinv(0.975, RUNS - 1));
}

static void compare_ways(const struct config *c)
{
    static struct sample extended, exact;
    draw_sample(c, false, &extended);
    draw_sample(c, true, &exact);
    assert_true(extended.outcome.extended_rounds > 0.5 * c->workload.iterations);
    assert_true(exact.outcome.extended_rounds == 0);
    compare_moments("time", extended.time_s, exact.time_s, own_error(&extended.outcome.time_s));
    compare_moments("cost", extended.cost_usd, exact.cost_usd,
                    own_error(&extended.outcome.cost_usd));
    /* What is told of each run has the mean that is told of all. */
    double mean, variance;
    moments(extended.time_s, &mean, &variance);
    assert_close(mean, extended.outcome.time_s.mean, 1e-12);
}

static struct config base(const char *system, double w, double rounds)
{
    struct config c = play_config(protocol_find(system), STORE_FREE, w, rounds);
    c.compute.noise_cv = 0.3;
    c.platform.price.gib_s = 16666700000;
    c.simulation.half_width_ratio = 0.05; /* few rounds are enough for it: the hard case */
    return c;
}

static void equal_instances_leave_the_spread_of_rounds_only(void **state)
{
    (void)state;
    const struct config c = base("lambdaml-allreduce", 4, 1000);
    compare_ways(&c);
}

static void instances_that_differ_a_lot_keep_their_spread(void **state)
{
    (void)state;
    struct config c = base("lambdaml-allreduce", 4, 1000);
    c.simulation.instance_speed = lognormal(1, 0.1);
    compare_ways(&c);
}

static void instances_that_differ_less_than_rounds_do(void **state)
{
    (void)state;
    struct config c = base("lambdaml-allreduce", 4, 1000);
    c.simulation.instance_speed = lognormal(1, 0.015);
    compare_ways(&c);
}

static void effects_of_a_whole_run_are_kept(void **state)
{
    (void)state;
    struct config c = base("lambdaml-allreduce", 4, 1000);
    for (int i = 0; i < STORE_USES; ++i) {
        c.stores[i].get_latency_s = lognormal(0.2, 0.5);
        c.stores[i].get_latency_s.run_sd = 0.1;
    }
    compare_ways(&c);
}

static void re_invoked_functions_are_new_instances(void **state)
{
    (void)state;
    struct config c = base("lambdaml-allreduce", 4, 2400);
    c.platform.time_limit_s = 1500;
    c.simulation.instance_speed = lognormal(1, 0.05);
    compare_ways(&c);
}

static void asynchronous_workers_are_extended_one_by_one(void **state)
{
    (void)state;
    for (int k = 0; k < 2; ++k) {
        struct config c = base("siren", 8, 1000);
        c.simulation.instance_speed = k == 0 ? constant(1) : lognormal(1, 0.05);
        struct play p;
        assert_ok(play_open(&p, &c), &p.err);
        const bool asynchronous = p.plan.program->sync == SYNC_ASYNCHRONOUS;
        play_close(&p);
        assert_true(asynchronous);
        compare_ways(&c);
    }
}

static void rounds_on_credit_are_all_played(void **state)
{
    (void)state;
    /* The credits last for more rounds than it takes to know the mean of those. */
    struct config c = base("lambdaml-allreduce", 4, 1000);
    static struct sample one, all;
    for (int i = 0; i < STORE_USES; ++i) {
        c.stores[i].baseline_bytes_per_s = 1e6;
        c.stores[i].burst_bytes = 4e10;
    }
    draw_sample(&c, false, &one);
    draw_sample(&c, true, &all);
    assert_close(one.outcome.time_s.mean / all.outcome.time_s.mean, 1, 0.01);
}

int main(void)
{
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_instances_leave_the_spread_of_rounds_only),
        cmocka_unit_test(instances_that_differ_a_lot_keep_their_spread),
        cmocka_unit_test(instances_that_differ_less_than_rounds_do),
        cmocka_unit_test(effects_of_a_whole_run_are_kept),
        cmocka_unit_test(re_invoked_functions_are_new_instances),
        cmocka_unit_test(asynchronous_workers_are_extended_one_by_one),
        cmocka_unit_test(rounds_on_credit_are_all_played),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
