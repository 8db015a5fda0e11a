/* What must hold of whole runs under common random numbers, every kind of noise on, 200 seeds:
 * better stores never slow a job, failures that never happen change nothing, re-invocations never
 * help; and what must add up in each of them. And the expected maximum that barriers wait for. */
#include "tests/play_support.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_errno.h>
#include <stdlib.h>

enum { SEEDS = 200, CHANGES = 3 };

static struct config noisy(const struct protocol *protocol, double workers)
{
    struct config c = play_noisy_config(protocol, STORE_CAPPED, workers, 12);
    c.platform.warm_start_s = lognormal(0.047, 0.3);
    c.simulation.straggler_share = 0.03;
    c.simulation.straggler_factor = 3;
    return c;
}

/* Times of all seeds; false when the configuration is infeasible. */
static bool play_all(const struct config *c, double time_s[SEEDS])
{
    struct play p;
    const bool feasible = play_open(&p, c) == STATUS_OK;
    p.run.exact = true;
    for (uint64_t i = 0; i < SEEDS && feasible; ++i) {
        assert_ok(run_play(&p.run, 1000 + i, 0, &p.err), &p.err);
        time_s[i] = p.run.tally.time_s;
    }
    play_close(&p);
    return feasible;
}

static void faster_links(struct config *c)
{
    for (int i = 0; i < STORE_USES; ++i) {
        c->stores[i].connection_bytes_per_s *= 1.3;
        c->stores[i].aggregate_get_bytes_per_s *= 1.3;
        c->stores[i].aggregate_put_bytes_per_s *= 1.3;
    }
    c->platform.nic_bytes_per_s *= 1.3;
    c->server.nic_bytes_per_s *= 1.3;
}

/* Lognormal laws by scale: the same draws, a quarter shorter each. */
static void shorter_latency(struct config *c)
{
    for (int i = 0; i < STORE_USES; ++i) {
        c->stores[i].get_latency_s = lognormal(0.013 * 0.75, 0.5);
        c->stores[i].put_latency_s = lognormal(0.011 * 0.75, 0.5);
        c->stores[i].list_latency_s = lognormal(0.017 * 0.75, 0.5);
    }
}

static void no_time_limit(struct config *c)
{
    c->platform.time_limit_s = 1e7;
}

/* Runs of a system that the improvement made slower, by how much at most, and all on average. */
struct anomaly {
    size_t runs, slower;
    double most, mean;
};

static struct anomaly improve(const struct protocol *protocol, double limit_s, bool sharing,
                              void (*change)(struct config *))
{
    struct anomaly out = {0};
    static double before_s[SEEDS], after_s[SEEDS];
    struct config c = noisy(protocol, 6);
    c.platform.time_limit_s = limit_s;
    c.simulation.play_contention = sharing;
    c.simulation.play_instances = sharing;
    if (play_all(&c, before_s)) {
        change(&c);
        assert_true(play_all(&c, after_s));
        for (size_t i = 0; i < SEEDS; ++i) {
            const double slower = after_s[i] / before_s[i] - 1;
            ++out.runs;
            out.slower += slower > 1e-9;
            out.most = fmax(out.most, slower);
            out.mean += slower / SEEDS;
        }
    }
    return out;
}

/* Actors out of step that share a store have anomalies: transfers that used to miss each other
 * coincide; and calls that come in another order take one another's sandboxes, fast or slow. Their
 * runs are faster on average, and without the sharing, on equal instances, every one is. */
static void check_improvement(const char *what, double limit_s, void (*change)(struct config *))
{
    size_t runs = 0;
    for (size_t i = 0; protocols[i] != NULL; ++i) {
        struct anomaly a = improve(protocols[i], limit_s, true, change);
        runs += a.runs;
        if (a.slower > 0 && a.mean < 0) {
            a = improve(protocols[i], limit_s, false, change);
        }
        if (a.slower > 0) {
            print_error("%s, %s: %zu of %zu runs slower, by %.3g at most\n", what,
                        protocols[i]->name, a.slower, a.runs, a.most);
            fail();
        }
    }
    assert_true(runs >= 5 * SEEDS);
}

static void more_bandwidth_is_never_slower(void **state)
{
    (void)state;
    check_improvement("more bandwidth", 1e7, faster_links);
}

static void less_latency_is_never_slower(void **state)
{
    (void)state;
    check_improvement("less latency", 1e7, shorter_latency);
}

static void restarts_never_help(void **state)
{
    (void)state;
    check_improvement("no time limit", 12, no_time_limit);
}

static void failures_that_never_happen_change_no_bit(void **state)
{
    (void)state;
    static double with_s[SEEDS], without_s[SEEDS];
    for (size_t i = 0; protocols[i] != NULL; ++i) {
        struct config c = noisy(protocols[i], 6);
        c.simulation.play_failures = true;
        const bool feasible = play_all(&c, with_s);
        c.simulation.play_failures = false;
        if (feasible && play_all(&c, without_s)) {
            assert_memory_equal(with_s, without_s, sizeof with_s);
        }
    }
}

/* ---------------------------------------------------------------- what must add up */

static void add_moved(const struct play *p, enum op_kind kind, double bytes[STORE_USES])
{
    const struct program *const program = &p->evaluator.program;
    for (uint32_t r = 0; r < program->n_roles; ++r) {
        for (enum span_kind k = 0; k < SPANS; ++k) {
            const struct span *const span = &program->roles[r].span[k];
            for (uint32_t i = span->first; i < span->first + span->ops; ++i) {
                const struct op *const op = &program->ops[i];
                const double spans = k == SPAN_ITERATION    ? p->config.workload.rounds
                                     : k == SPAN_CHECKPOINT ? 0
                                                            : 1;
                if (op->kind == kind && op->store < STORE_USES) {
                    bytes[op->store] += spans * plan_times(&p->plan, i) * program->roles[r].actors *
                                        op_mean(op, program->roles[r].actors) * op->size_bytes;
                }
            }
        }
    }
}

/* Bytes written and read are what the actors' ops say, whatever the noise; money is counts times
 * prices, line by line. */
static void bytes_and_money_are_conserved(void **state)
{
    (void)state;
    for (size_t i = 0; protocols[i] != NULL; ++i) {
        struct config c = noisy(protocols[i], 6);
        struct play p;
        double put[STORE_USES] = {0}, get[STORE_USES] = {0};
        for (int s = 0; s < STORE_USES; ++s) {
            c.stores[s].price.put = 5000000000;
            c.stores[s].price.get = 400000000;
        }
        c.platform.price.gib_s = 16666700000;
        c.platform.price.invocation = 200000000;
        if (play_open(&p, &c) != STATUS_OK) {
            play_close(&p);
            continue;
        }
        p.run.exact = true;
        assert_ok(run_play(&p.run, 5, 0, &p.err), &p.err);
        add_moved(&p, OP_PUT, put);
        add_moved(&p, OP_GET, get);
        const struct tally *const t = &p.run.tally;
        for (int s = 0; s < STORE_USES; ++s) {
            assert_close(t->bytes_put[s], put[s], 1e-12);
            assert_close(t->bytes_get[s], get[s], 1e-12);
        }
        struct ledger ledger;
        cost_compute(&p.config, &p.evaluator.program, t, true, &ledger);
        money sum = 0;
        for (uint32_t k = 0; k < ledger.count; ++k) {
            sum += ledger.lines[k].amount;
        }
        assert_true(sum == ledger.total);
        double usd = t->invocations * 2e-7;
        for (int s = 0; s < STORE_USES; ++s) {
            usd += t->units_put[s] * 5e-6 + t->units_get[s] * 4e-7;
        }
        for (uint32_t r = 0; r < p.evaluator.program.n_roles; ++r) {
            usd += t->billed_s[r] * p.config.platform.memory_mib / 1024 * 1.66667e-5;
        }
        assert_close(money_usd(ledger.total), usd, 1e-9);
        play_close(&p);
    }
}

/* ---------------------------------------------------------------- the last of w */

static void emit_one_computation(struct program *p, const struct config *c)
{
    program_role(p, "worker", (uint32_t)c->workers, HOST_WORKER, LIFETIME_JOB, 0);
    program_compute(p, program_phase(p, "compute", CATEGORY_COMPUTE),
                    (struct duration){.mean_s = 1.3, .cv = 0.35});
}

/* E[max] = integral of 1 - F(x)^w, by the trapezium rule in ln x. */
static double expected_last(double w)
{
    const double sigma = sqrt(log1p(0.35 * 0.35)), mu = log(1.3) - 0.5 * sigma * sigma;
    const double step = 1e-4 * sigma;
    double last_s = exp(mu - 12 * sigma); /* below it F is 0 */
    for (double z = -12; z < 12; z += 1e-4) {
        const double x = exp(mu + sigma * z);
        last_s += -expm1(w * log1p(-gsl_cdf_ugaussian_Q(z))) * x * step;
    }
    return last_s;
}

static void a_job_of_one_round_takes_the_expected_maximum(void **state)
{
    (void)state;
    enum { RUNS = 4000 };
    for (double w = 1; w <= 64; w *= 2) {
        struct config c = play_config(protocol_find("serial"), STORE_FREE, w, 1);
        struct play p;
        double sum = 0, squares = 0;
        c.platform.start_s = c.platform.framework_init_s = constant(0);
        assert_ok(play_open_program(&p, &c, emit_one_computation), &p.err);
        for (uint64_t i = 0; i < RUNS; ++i) {
            assert_ok(run_play(&p.run, 3, i, &p.err), &p.err);
            sum += p.run.tally.time_s;
            squares += p.run.tally.time_s * p.run.tally.time_s;
        }
        play_close(&p);
        const double mean = sum / RUNS, sd = sqrt((squares - sum * mean) / (RUNS - 1));
        const double theory = expected_last(w);
        if (!(fabs(mean - theory) <= gsl_cdf_ugaussian_Pinv(0.9995) * sd / sqrt(RUNS))) {
            print_error("w = %g: mean %.6g, theory %.6g, sd %.3g\n", w, mean, theory, sd);
            fail();
        }
    }
}

int main(void)
{
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(more_bandwidth_is_never_slower),
        cmocka_unit_test(less_latency_is_never_slower),
        cmocka_unit_test(restarts_never_help),
        cmocka_unit_test(failures_that_never_happen_change_no_bit),
        cmocka_unit_test(bytes_and_money_are_conserved),
        cmocka_unit_test(a_job_of_one_round_takes_the_expected_maximum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
