/* Configurations for playing programs without files: a small training job on functions, round
 * numbers avoided, every behaviour on and nothing random in it. */
#ifndef TESTS_PLAY_SUPPORT_H
#define TESTS_PLAY_SUPPORT_H

#include <string.h>

#include "model/model.h"
#include "sim/run.h"
#include "tests/support.h"

enum play_store { STORE_FREE, STORE_CAPPED, STORE_POLLED, PLAY_STORES };

static inline struct quantity constant(double value)
{
    return (struct quantity){.kind = DISTRIBUTION_CONSTANT, .mean = value, .p = {value}};
}

/* Lognormal by mean and coefficient of variation. */
static inline struct quantity lognormal(double mean, double cv)
{
    const double variance = log1p(cv * cv);
    return (struct quantity){.kind = DISTRIBUTION_LOGNORMAL,
                             .mean = mean,
                             .cv = cv,
                             .p = {log(mean) - 0.5 * variance, sqrt(variance)}};
}

static inline struct config play_config(const struct protocol *protocol, enum play_store kind,
                                        double workers, double rounds)
{
    struct config c = {.name = "test", .workers = workers};
    c.system.protocol = protocol;
    c.system.variant = "";
    for (size_t i = 0; i < OPTION_LIMIT && protocol->options[i].name != NULL; ++i) {
        c.system.option[i] = protocol->options[i].fallback;
    }
    c.platform = (struct platform){.name = "functions",
                                   .kind = PLATFORM_FUNCTION,
                                   .memory_mib = 2048,
                                   .mib_per_vcpu = 1769,
                                   .time_limit_s = 1e7,
                                   .billing_granularity_s = 0.001,
                                   .start_billed = true,
                                   .start_s = constant(0.31),
                                   .warm_start_s = constant(0.047),
                                   .framework_init_s = constant(1.13),
                                   .invoke_latency_s = constant(0),
                                   .nic_bytes_per_s = 83e6,
                                   .keep_alive_s = 600,
                                   .nodes = 1};
    c.server = c.platform;
    c.server.kind = PLATFORM_VM;
    for (int i = 0; i < STORE_USES; ++i) {
        const double aggregate = kind == STORE_CAPPED ? 101e6 : 0;
        c.stores[i] = (struct store){.name = "store",
                                     .put_latency_s = constant(0.011),
                                     .get_latency_s = constant(0.013),
                                     .list_latency_s = constant(0.017),
                                     .connection_bytes_per_s = 53e6,
                                     .aggregate_get_bytes_per_s = aggregate,
                                     .aggregate_put_bytes_per_s = aggregate,
                                     .list_page_keys = 1000,
                                     .nodes = 1};
    }
    c.system.poll_interval_s = kind == STORE_POLLED ? 0.101 : 0;
    c.workload = (struct workload){.kind = WORK_SGD,
                                   .algorithm = ALGORITHM_SGD,
                                   .parameters = 2.3e6,
                                   .flop_per_sample = 1e9,
                                   .bytes_per_sample = 3e3,
                                   .samples = 50000,
                                   .batch_size = 256,
                                   .iterations = rounds,
                                   .dataset_bytes = 1e8};
    c.compute = (struct compute){.unit_override_s = 0.0123,
                                 .framework_ratio = constant(1),
                                 .vcpu_ratio = constant(1),
                                 .merge_s_per_byte = 1e-10,
                                 .serialise_s_per_byte = 2e-10,
                                 .update_s = 0.003};
    c.simulation = (struct simulation){.seed = 1,
                                       .replications_min = 10,
                                       .replications_max = 10000,
                                       .half_width_ratio = 0.01,
                                       .confidence = 0.95,
                                       .instance_speed = constant(1),
                                       .straggler_factor = 1,
                                       .request_burst_s = 1,
                                       .retry_base_s = 0.1,
                                       .retry_cap_s = 20,
                                       .lost_update_timeout_s = 5,
                                       .play_startup = true,
                                       .play_noise = true,
                                       .play_instances = true,
                                       .play_constants = true,
                                       .play_stragglers = true,
                                       .play_latency = true,
                                       .play_contention = true,
                                       .play_throttling = true,
                                       .play_polling = true,
                                       .play_failures = true,
                                       .play_restarts = true};
    return c;
}

/* The same with noise in computing, starts, instances and latencies, and a tree of two levels. */
static inline struct config play_noisy_config(const struct protocol *protocol, enum play_store kind,
                                              double workers, double rounds)
{
    struct config c = play_config(protocol, kind, workers, rounds);
    c.compute.noise_cv = 0.2;
    c.platform.start_s = lognormal(0.31, 0.4);
    c.simulation.instance_speed = lognormal(1, 0.1);
    for (int i = 0; i < STORE_USES; ++i) {
        c.stores[i].get_latency_s = lognormal(0.013, 0.5);
        c.stores[i].put_latency_s = lognormal(0.011, 0.5);
        c.stores[i].list_latency_s = lognormal(0.017, 0.5);
    }
    const double levels[] = {1, workers};
    c.system.structure_count = workers > 1 ? 2 : 1;
    memcpy(c.system.structure, levels, sizeof levels);
    if (protocol->iterations_per_round != NULL) {
        c.workload.iterations *= protocol->iterations_per_round(&c);
    }
    return c;
}

/* A finished configuration, its program, plan and a run ready to be played. */
struct play {
    struct config config;
    struct evaluator evaluator;
    struct tally closed;
    struct plan plan;
    struct run run;
    struct error err;
};

static inline enum status play_open(struct play *p, const struct config *c)
{
    memset(p, 0, sizeof *p);
    p->config = *c;
    if (config_finish(&p->config, &p->err) != STATUS_OK ||
        evaluate(&p->config, &p->evaluator, &p->closed, &p->err) != STATUS_OK ||
        plan_init(&p->plan, &p->config, &p->evaluator.program, &p->closed, &p->err) != STATUS_OK) {
        return p->err.code;
    }
    return run_init(&p->run, &p->plan, &p->err);
}

/* The same for a program of one's own. The evaluator's program is filled by emit. */
static inline enum status play_open_program(struct play *p, const struct config *c,
                                            void (*emit)(struct program *, const struct config *))
{
    memset(p, 0, sizeof *p);
    p->config = *c;
    p->config.workload.rounds = c->workload.iterations;
    program_reset(&p->evaluator.program);
    emit(&p->evaluator.program, &p->config);
    if (program_check(&p->evaluator.program, &p->err) != STATUS_OK ||
        evaluate_program(&p->config, &p->evaluator, &p->closed, &p->err) != STATUS_OK ||
        plan_init(&p->plan, &p->config, &p->evaluator.program, &p->closed, &p->err) != STATUS_OK) {
        return p->err.code;
    }
    return run_init(&p->run, &p->plan, &p->err);
}

static inline void play_close(struct play *p)
{
    run_free(&p->run);
    plan_free(&p->plan);
    evaluator_free(&p->evaluator);
}

#endif
