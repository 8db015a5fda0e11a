/* What a configuration says: quantities that may be uncertain, platforms, stores, workload,
 * compute, limits. Included by model/model.h, the door. Seconds, bytes, USD; Lambda memory in MiB.
 */
#ifndef MODEL_CONFIGURATION_H
#define MODEL_CONFIGURATION_H

#include "model/base/base.h"
#include "model/program.h"

/* ---------------------------------------------------------------- quantities */

#define DISTRIBUTION_LIST(X)                                                                       \
    X(DISTRIBUTION_CONSTANT, "constant")                                                           \
    X(DISTRIBUTION_NORMAL, "normal")                                                               \
    X(DISTRIBUTION_LOGNORMAL, "lognormal")                                                         \
    X(DISTRIBUTION_SHIFTED_LOGNORMAL, "shifted_lognormal")                                         \
    X(DISTRIBUTION_GAMMA, "gamma")                                                                 \
    X(DISTRIBUTION_WEIBULL, "weibull")                                                             \
    X(DISTRIBUTION_EXPONENTIAL, "exponential")                                                     \
    X(DISTRIBUTION_UNIFORM, "uniform")                                                             \
    X(DISTRIBUTION_TRIANGULAR, "triangular")                                                       \
    X(DISTRIBUTION_EMPIRICAL, "empirical")                                                         \
    X(DISTRIBUTION_MIXTURE, "mixture")

enum distribution_kind {
#define X(name, word) name,
    DISTRIBUTION_LIST(X)
#undef X
        DISTRIBUTIONS
};

/* A number that may be uncertain. The closed form uses mean and cv; the simulator draws.
 *   NORMAL p = mean, sd (truncated at 0 when drawn)   LOGNORMAL p = mu, sigma (of ln)
 *   SHIFTED_LOGNORMAL p = shift, mu, sigma            GAMMA p = shape, scale
 *   WEIBULL p = scale, shape                          EXPONENTIAL p = mean
 *   UNIFORM p = low, high                             TRIANGULAR p = low, mode, high
 *   EMPIRICAL table = `count` equally spaced quantiles, minimum and maximum included
 *   MIXTURE table = `count` components of 5 numbers: weight, kind, p0, p1, p2
 * run_sd is the standard deviation of a per-run random effect on ln(value); 0 = none. */
struct quantity {
    enum distribution_kind kind;
    uint32_t count;
    double mean, cv, run_sd;
    double p[3];
    const double *table; /* borrowed from the configuration's arena */
};

/* ---------------------------------------------------------------- configuration */

enum platform_kind { PLATFORM_FUNCTION, PLATFORM_VM };

/* A price class: prices in 1e-15 USD (exact decimals), every unit a provider charges by. */
typedef int64_t femto_usd;
struct price {
    femto_usd gib_s, invocation; /* functions */
    femto_usd ephemeral_gib_s;   /* /tmp above the free 512 MiB */
    femto_usd provisioned_gib_s, gib_s_while_provisioned;
    femto_usd put, get, list;              /* per request */
    femto_usd put_gb, get_gb;              /* per GB (1e9 bytes) moved */
    femto_usd gb_month;                    /* stored */
    femto_usd hour;                        /* per node or VM */
    femto_usd surcharge_hour;              /* NAT gateways and the like, per hour of the job */
    femto_usd once_gb;                     /* one-off copies (DataSync), per GB of data set */
    double put_unit_bytes, get_unit_bytes; /* > 0: one request unit per so many bytes (DynamoDB) */
    double minimum_s;                      /* minimum charge of an hourly service */
    double hour_granularity_s;             /* hourly services are billed in steps of this */
    double free_gib_s, free_invocations;   /* monthly free tier, used when prices.free_tier */
    double tier_gib_s[2];                  /* sizes of the first two tiers, 0 = none */
    femto_usd tier_gib_s_price[2];         /* prices of the second and third tier */
};

struct platform {
    const char *name;
    enum platform_kind kind;
    double memory_mib, memory_min_mib, memory_max_mib, memory_step_mib;
    double mib_per_vcpu, vcpu_max, vcpus; /* vcpus: VMs; functions: memory / mib_per_vcpu */
    double time_limit_s;                  /* 0 = none */
    double guard_s;                       /* stop this long before the limit */
    double billing_granularity_s;
    bool start_billed;
    double concurrency_limit;         /* 0 = none */
    double ramp_burst, ramp_per_s;    /* new environments at once, then per second; 0 = no limit */
    struct quantity start_s;          /* cold start of a function, boot of a VM */
    struct quantity warm_start_s;     /* start in a warm sandbox */
    struct quantity framework_init_s; /* imports after the start, each (re)start */
    struct quantity invoke_latency_s; /* one asynchronous invocation, paid by the caller */
    double nic_bytes_per_s;           /* of one function or VM at nic_full_mib and above */
    double nic_full_mib;              /* bandwidth grows with memory up to here; 0 = flat */
    double nic_burst_bytes, nic_burst_bytes_per_s; /* token bucket; 0 = none */
    double nic_burst_full_mib; /* the burst's rate grows with memory up to here; 0 = flat */
    double ephemeral_mib;
    double provisioned;  /* environments kept ready */
    double keep_alive_s; /* idle sandboxes stay warm so long */
    double nodes;        /* HOST_SERVER: how many of them */
    struct price price;
};

struct store {
    const char *name;
    struct quantity get_latency_s, put_latency_s, list_latency_s;
    double connection_bytes_per_s;                               /* one stream; 0 = no cap */
    double aggregate_get_bytes_per_s, aggregate_put_bytes_per_s; /* all clients; 0 = no cap */
    double get_per_s, put_per_s;                                 /* request-rate caps; 0 = none */
    double item_limit_bytes;                                     /* 0 = none */
    double list_page_keys;
    double burst_bytes, baseline_bytes_per_s; /* EFS credits; 0 = none */
    double nodes;                             /* servers with their own NIC */
    struct price price;
};

enum work_kind { WORK_META, WORK_SGD };
enum algorithm {
    ALGORITHM_MAML,
    ALGORITHM_FOMAML,
    ALGORITHM_ANIL,
    ALGORITHM_ALFA,
    ALGORITHM_EALFA,
    ALGORITHM_SGD
};

/* Counts of the CONV4 network and of ALFA's generator, in parameters unless said otherwise;
 * all 0 for SGD. */
struct network_size {
    double parameters;         /* P: base model, batch normalisation included */
    double inner_parameters;   /* of them in ALFA's inner loop: without batch normalisation */
    double head_parameters;    /* Ph */
    double features;           /* D: inputs of the head */
    double tensors;            /* N: weights and biases adapted in the inner loop (eALFA: 2) */
    double generator;          /* P0 = 8 N^2 + 4 N: ALFA's g_phi; 0 for the other algorithms */
    double forward_flop;       /* G: per image */
    double first_forward_flop; /* G1: of the first block, which has no input gradient */
    double activation_bytes;   /* kept per image and pass: block inputs, and two of its outputs */
};
struct workload {
    enum work_kind kind;
    enum algorithm algorithm;
    const char *algorithm_name, *dataset, *backbone;
    /* meta-learning */
    double ways, shots, queries, adaptation_steps, meta_batch;
    bool theta_fixed;
    double image_channels, image_size, hidden, blocks;
    bool pooled;
    /* data-parallel SGD */
    double parameters, flop_per_sample, bytes_per_sample, samples, batch_size;
    bool batch_per_worker; /* weak scaling: batch_size is each worker's */
    double epochs;         /* used when iterations is 0 */
    /* both */
    double iterations;          /* rounds; 0 = from epochs */
    double iterations_exponent; /* rounds(w) = ceil(rounds * w^exponent), statistical efficiency */
    double exchange_bytes;      /* 0 = from parameters */
    double model_bytes;         /* 0 = from parameters */
    double memory_overhead_bytes; /* framework and runtime of one worker */
    double dataset_bytes;
    bool data_each_unit; /* a unit is read from the data store when it is used */
    /* derived by config_finish (model/workload.c) */
    double units_per_iteration; /* tasks or samples of one round, all workers */
    double unit_flop, unit_bytes, footprint_bytes;
    struct network_size network;
    double rounds; /* iterations at this number of workers */
};

struct compute {
    const char *profile;        /* its file; "" without one */
    double unit_s;              /* one task or sample on one vCPU of the platform */
    double unit_override_s;     /* > 0: replaces flop / rate */
    double flop_per_s;          /* achieved on one host core for this algorithm, from the profile */
    double host_unit_s;         /* > 0: measured seconds per unit on one host core */
    struct quantity vcpu_ratio; /* speed of one vCPU over one host core: one constant, unknown */
    struct quantity framework_ratio; /* time of the user's framework over the kernel's: another */
    double serial_share;             /* memory law tau = unit (serial + (1 - serial) / v) */
    double threads_max;              /* v is cut here; 0 = no cut */
    double noise_cv;                 /* per-iteration noise */
    double update_s;                 /* u_A: once per round and worker */
    double merge_s_per_byte;         /* gamma */
    double serialise_s_per_byte;     /* g: per byte put or got */
    double constant_s;               /* c: once per job */
};

/* Behaviour only the simulator plays (scenario section `simulation`); every part off when its
 * number is 0 or its switch is false. */
struct simulation {
    double seed;
    double replications_min, replications_max;
    double half_width_ratio, confidence; /* the stop rule: half width over mean, of time and cost */
    double iterations_max;               /* simulated, the rest extended; 0 = the engine decides */
    struct quantity instance_speed;      /* compute time of an instance over the mean one, mean 1 */
    struct quantity transfer_speed; /* transfer time of an instance over the mean one, mean 1 */
    double straggler_share, straggler_factor; /* of the computations; times as long */
    double crash_per_hour;                    /* of one running function */
    double lost_update_share;                 /* of the PUTs: sent, billed, never seen */
    double lost_update_timeout_s;             /* after which the sender puts it again */
    double warm_pool;                         /* sandboxes already warm when the job starts */
    double request_burst_s; /* seconds' worth of requests a rate cap lets through at once */
    double retry_base_s, retry_cap_s; /* after a 503: uniform on [0, min(cap, base 2^k)] */
    /* Switches, to attribute the gap between closed form and simulation under the same draws. */
    bool play_startup;    /* spread, pacing, ramp and waves of starts; else all start at the mean */
    bool play_noise;      /* per-round noise of compute */
    bool play_instances;  /* instance_speed, transfer_speed */
    bool play_constants;  /* struct unit_factor, drawn once per replication; else expected */
    bool play_stragglers; /* straggler_share */
    bool play_latency;    /* spread of storage latency, per request and per run */
    bool play_contention; /* shared bandwidth of stores; else each has its own connection's */
    bool play_throttling; /* request-rate caps, spent bursts of links, spent credits of stores */
    bool play_polling;    /* else a waiting client is told at once */
    bool play_failures;   /* crashes, time-outs, lost updates */
    bool play_restarts;   /* re-invocation before the time limit; else functions live on */
};

enum { OPTION_LIMIT = 16, STRUCTURE_LIMIT = 12 };

#define READING_LIST(X)                                                                            \
    X(READING_PROTOCOL, "protocol")                                                                \
    X(READING_RESOLVED, "resolved")                                                                \
    X(READING_EQ4, "eq4")                                                                          \
    X(READING_EQ5, "eq5")                                                                          \
    X(READING_EQ11, "eq11")                                                                        \
    X(READING_EQ12, "eq12")                                                                        \
    X(READING_LAMBDAML, "lambdaml")                                                                \
    X(READING_LAMBDA_DNN, "lambda-dnn")                                                            \
    X(READING_FENG, "feng")

enum reading {
#define X(name, word) name,
    READING_LIST(X)
#undef X
        READINGS
};

struct protocol; /* a system: see below */

struct system {
    const struct protocol *protocol;
    enum reading reading;
    const char *variant;               /* the value of option "variant", or "" */
    double option[OPTION_LIMIT];       /* by index in protocol->options; choices by index */
    double structure[STRUCTURE_LIMIT]; /* instances per level, root first (feng-tree) */
    uint32_t structure_count;
    double poll_interval_s;     /* delta; 0 = notified at once */
    double poll_interval_max_s; /* sleeps double from delta up to it; 0 = they are all delta */
    /* constants of MetaFaaS's equations and the ambiguities M1-M20; model/readings.c */
    double c1_s_per_parameter_mb, c2_s_per_mb, c3, c4_s_per_op;
    bool anil_literal, alfa_literal, tasks_fractional;
};

struct constraints {
    double deadline_s, budget_usd; /* 0 = none */
};

struct config {
    const char *name, *file;
    double workers;
    struct system system;
    struct workload workload;
    struct compute compute;
    struct platform platform, server; /* HOST_WORKER, HOST_SERVER */
    struct store stores[STORE_USES];
    struct simulation simulation;
    struct constraints constraints;
    double storage_month_share; /* prices.storage: months the data set is kept per run, 0 = off */
    bool free_tier, tiers;
};

#endif
