/* Configurations built in C, without files: the smallest job a system can run. Seconds and bytes.
 */
#ifndef TESTS_CONFIG_BUILDER_H
#define TESTS_CONFIG_BUILDER_H

#include "model/model.h"
#include "tests/support.h"

#include <string.h>

/* Compute and transfers that must not count: far below every tolerance, above zero. */
#define NEGLIGIBLE 1e-290

static inline struct quantity exactly(double value)
{
    return (struct quantity){.kind = DISTRIBUTION_CONSTANT, .mean = value, .p = {value}};
}

/* One network for all exchanges: latency L, own link B, aggregate B_s (0 = no cap). */
struct plain_network {
    double latency_s, link_bytes_per_s, store_bytes_per_s;
};

static inline void set_network(struct store *s, struct plain_network n)
{
    s->get_latency_s = s->put_latency_s = s->list_latency_s = exactly(n.latency_s);
    s->connection_bytes_per_s = n.link_bytes_per_s;
    s->aggregate_get_bytes_per_s = s->aggregate_put_bytes_per_s = n.store_bytes_per_s;
}

static inline void set_option(struct config *c, const char *name, double value)
{
    for (size_t i = 0; i < OPTION_LIMIT && c->system.protocol->options[i].name != NULL; i++) {
        if (strcmp(c->system.protocol->options[i].name, name) == 0) {
            c->system.option[i] = value;
            return;
        }
    }
    print_error("%s has no option %s\n", c->system.protocol->name, name);
    fail();
}

/* Flat by default: [1, w]. */
static inline void set_structure(struct config *c, const double *structure, uint32_t count)
{
    memcpy(c->system.structure, structure, count * sizeof *structure);
    c->system.structure_count = count;
}

/* A tree with one level between root and workers, as wide as the square root of their number. */
static inline void set_two_levels(struct config *c)
{
    set_structure(c, (const double[]){1, ceil(sqrt(c->workers)), c->workers}, 3);
}

/* FedAvg with one pass over single samples between synchronisations. */
static inline void set_one_epoch(struct config *c)
{
    set_option(c, "local_epochs", 1);
    set_option(c, "sync_every", 1);
    set_option(c, "local_batch", 1);
}

static inline void set_workers(struct config *c, double workers)
{
    c->workers = workers;
    set_structure(c, (const double[]){1, workers}, 2);
}

/* Data-parallel SGD that computes nothing and exchanges m bytes: exchange time is iteration_s. The
 * data store is free, so that mini-batches cost nothing. */
static inline struct config plain_config(const char *system, double workers, double m_bytes,
                                         struct plain_network n)
{
    struct config c = {.name = "test", .file = "test"};
    c.system.protocol = protocol_find(system);
    if (c.system.protocol == NULL) {
        print_error("no system %s\n", system);
        fail();
    }
    c.system.variant = "";
    c.system.c3 = 1;
    for (size_t i = 0; i < OPTION_LIMIT && c.system.protocol->options[i].name != NULL; i++) {
        c.system.option[i] = c.system.protocol->options[i].fallback;
    }
    set_workers(&c, workers);
    c.workload = (struct workload){.kind = WORK_SGD,
                                   .algorithm = ALGORITHM_SGD,
                                   .algorithm_name = "sgd",
                                   .dataset = "",
                                   .backbone = "",
                                   .batch_size = 1,
                                   .batch_per_worker = true,
                                   .iterations = 1,
                                   .exchange_bytes = m_bytes,
                                   .model_bytes = NEGLIGIBLE};
    c.compute = (struct compute){.profile = "",
                                 .unit_override_s = NEGLIGIBLE,
                                 .vcpu_ratio = exactly(1),
                                 .framework_ratio = exactly(1)};
    c.platform = (struct platform){.name = "functions",
                                   .kind = PLATFORM_FUNCTION,
                                   .memory_mib = 1769,
                                   .memory_max_mib = 10240,
                                   .mib_per_vcpu = 1769,
                                   .vcpu_max = 6,
                                   .ephemeral_mib = 512};
    c.server = (struct platform){.name = "server", .kind = PLATFORM_VM, .nodes = 1};
    for (size_t i = 0; i < STORE_USES; i++) {
        c.stores[i] = (struct store){.name = "store", .list_page_keys = 1000, .nodes = 1};
    }
    set_network(&c.stores[STORE_EXCHANGE], n);
    set_network(&c.stores[STORE_NETWORK], n);
    return c;
}

/* MAML on images of 28 x 28 over `workers` functions; one task takes task_s on one vCPU. */
static inline struct config meta_config(double workers, double meta_batch, double task_s,
                                        double m_bytes, struct plain_network n)
{
    struct config c = plain_config("metafaas", workers, m_bytes, n);
    c.workload = (struct workload){.kind = WORK_META,
                                   .algorithm = ALGORITHM_MAML,
                                   .algorithm_name = "maml",
                                   .dataset = "",
                                   .backbone = "",
                                   .ways = 5,
                                   .shots = 1,
                                   .queries = 15,
                                   .adaptation_steps = 5,
                                   .meta_batch = meta_batch,
                                   .theta_fixed = true,
                                   .image_channels = 1,
                                   .image_size = 28,
                                   .hidden = 32,
                                   .blocks = 4,
                                   .iterations = 1,
                                   .exchange_bytes = m_bytes,
                                   .model_bytes = NEGLIGIBLE};
    c.compute.unit_override_s = task_s;
    return c;
}

/* Finish, evaluate; a failure prints the error's words. */
static inline struct tally evaluated(struct config *c, struct evaluator *e)
{
    struct error err = {0};
    struct tally t;
    assert_ok(config_finish(c, &err), &err);
    assert_ok(evaluate(c, e, &t, &err), &err);
    return t;
}

/* Counts of one iteration whatever set-up and teardown do: the difference of a longer and a shorter
 * job. Only requests, units, bytes, invocations and polls are meaningful. */
static inline struct tally iteration_counts(struct config *c, struct evaluator *e)
{
    enum { SHORT = 3, LONG = 7 };
    struct config job = *c;
    job.workload.iterations = SHORT;
    const struct tally a = evaluated(&job, e);
    job.workload.iterations = LONG;
    struct tally t = evaluated(&job, e);
    const double n = LONG - SHORT;
    for (int s = 0; s < STORE_USES; s++) {
        for (int k = 0; k < REQUEST_KINDS; k++) {
            t.requests[s][k] = (t.requests[s][k] - a.requests[s][k]) / n;
        }
        t.bytes_put[s] = (t.bytes_put[s] - a.bytes_put[s]) / n;
        t.bytes_get[s] = (t.bytes_get[s] - a.bytes_get[s]) / n;
    }
    t.invocations = (t.invocations - a.invocations) / n;
    t.polls = (t.polls - a.polls) / n;
    return t;
}

/* Random configurations with a seed to print: splitmix64 (Steele, Lea, Flood 2014). */
struct dice {
    uint64_t state;
};

static inline double roll(struct dice *d, double low, double high)
{
    uint64_t z = d->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return low + (high - low) * (double)((z ^ z >> 31) >> 11) * 0x1p-53;
}

/* Log-uniform: times and sizes span decades. */
static inline double roll_log(struct dice *d, double low, double high)
{
    return low * pow(high / low, roll(d, 0, 1));
}

static inline double roll_whole(struct dice *d, double low, double high)
{
    return floor(roll(d, low, high + 1));
}

/* No network at all: nothing is waited for but compute. */
static inline void remove_network(struct config *c)
{
    for (int s = 0; s < STORE_USES; s++) {
        set_network(&c->stores[s], (struct plain_network){0, 0, 0});
        c->stores[s].get_per_s = c->stores[s].put_per_s = 0;
    }
    c->platform.invoke_latency_s = c->platform.warm_start_s = exactly(0);
}

/* A property failed on a random configuration: which one. */
static inline void fail_at(const char *what, const struct config *c, uint64_t seed)
{
    print_error("%s: %s, variant %g, %.0f workers, seed %llu\n", what, c->system.protocol->name,
                c->system.option[0], c->workers, (unsigned long long)seed);
    fail();
}

#endif
