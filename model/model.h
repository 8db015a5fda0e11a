/* Door of the model: configuration, tally, evaluation, cost, result rows.
 *
 *     scenario + catalogue -> config -> program -> evaluate | simulate -> tally -> cost -> row
 *
 * Data only moves right. All times in seconds, sizes in bytes, money in USD; Lambda memory in MiB.
 */
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

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

/* ---------------------------------------------------------------- systems */

enum option_kind { OPTION_NUMBER, OPTION_COUNT, OPTION_BOOL, OPTION_CHOICE };

struct option_spec {
    const char *name, *help;
    enum option_kind kind;
    double fallback, minimum, maximum;
    const char *choices[6]; /* OPTION_CHOICE: NULL-ended, value = index */
};

struct protocol {
    const char *name, *summary;
    const char *source;                       /* paper and section, repository */
    struct option_spec options[OPTION_LIMIT]; /* ended by a NULL name */
    bool takes_structure;
    bool single_worker; /* one worker, whatever platform.workers says (serial baselines) */
    /* Workload iterations that one run of the iteration span covers; NULL = 1. */
    double (*iterations_per_round)(const struct config *);
    unsigned stores;   /* bit set of 1 << enum store_use: the stores its program uses */
    unsigned readings; /* bit set of 1 << enum reading: equations its papers print */
    enum status (*emit)(const struct config *, struct program *, struct error *);
};

extern const struct protocol
    *const protocols[]; /* NULL-ended, by name: model/protocols/registry.c */
const struct protocol *protocol_find(const char *name);

/* ---------------------------------------------------------------- derived terms */

/* Fill the derived fields from the given ones, and check what can only be checked together (memory
 * within the platform's range, workers within concurrency): ERR_INFEASIBLE, ERR_INPUT. Cheap:
 * called for every point. */
enum status config_finish(struct config *c, struct error *err);

/* Add the key an error is about, for errors found after reading; gives err->code. cursor_locate
 * adds line and column. */
enum status config_place(struct error *err, const struct config *c, const char *path);

/* vCPUs that `memory_mib` of the platform buys (models.md section 3: min(M / 1769, max)). */
double platform_vcpus(const struct platform *p);
/* Bytes per second of one function's or VM's link at its memory; INFINITY when not limited. */
double platform_nic(const struct platform *p);
/* The same while its token bucket lasts. */
double platform_nic_burst(const struct platform *p);
/* A constant of the whole job that the time of a unit is multiplied, or divided, by. Nobody may
 * know it exactly: it is then one independent draw of a run, not one of a worker or a round. */
struct unit_factor {
    const struct quantity *q; /* borrowed from the configuration */
    bool divides;
};
enum { UNIT_FACTORS = 2 };
/* Those that c uses: none when the time of a unit is given. Returns how many. */
uint32_t unit_factors(const struct config *c, struct unit_factor out[UNIT_FACTORS]);
/* The constant that gives the same time on average: E[q]; of a divisor 1 / E[1 / q], which is
 * mean / (1 + cv^2) to the second order of cv, and exactly for constants and the lognormal law. */
double unit_factor_mean(const struct unit_factor *f);
/* Expected seconds for one unit (task, sample) on one worker at the platform's memory: flop / rate
 * * framework_ratio / vcpu_ratio * (a + b / v), below one vCPU time-sliced: 1 / v. */
double unit_seconds(const struct config *c);
/* Compute of one worker in one round: ceil(units / w) units and the update, with its noise. */
struct duration worker_compute(const struct config *c);
double units_per_worker(const struct config *c); /* ceil(units / workers) */
double exchange_bytes(const struct config *c);   /* m_A: what a worker must exchange per round */
double model_bytes(const struct config *c);      /* what is loaded at start and saved at the end */
/* Units a request of so many bytes is billed as; unit_bytes 0: every request is one. */
double metered_units(double size_bytes, double unit_bytes);
/* gamma * bytes on one core; on a worker with less than one vCPU by its share of it. */
struct duration merge_time(const struct config *c, double bytes);
struct duration merge_time_server(const struct config *c, double bytes);

/* Seconds of compute for `units` tasks or samples on one worker, update included. */
struct duration units_compute(const struct config *c, double units);

/* Takes a meta-learning workload; sizes from ways, hidden, blocks and the image. */
void network_measure(const struct workload *w, struct network_size *out);

/* FLOPs, bytes, memory of one unit and the number of rounds; fills the derived fields of *w.
 * Model: convolutions as counted in Finn et al. 2017 (MAML), Raghu et al. 2020 (ANIL), Baik et al.
 * 2020 (ALFA): forward G, with backward 3G - G1, second-order extra 6G - 4 G1 per image. */
void workload_derive(struct workload *w, double workers);

/* ---------------------------------------------------------------- printed equations */

/* What an equation gives when it is evaluated as its paper prints it. */
struct reading_result {
    double time_s, iteration_s;
    double startup_s, load_s, compute_s, exchange_s, checkpoint_s; /* add up to time_s */
    double restarts;        /* x - 1; not a whole number where x is printed as a ratio */
    double optimum_workers; /* relaxed w* of the form; 0 when it has none inside (1, MBS) */
    double cost_usd;        /* as printed with the equation; NaN when the paper has none */
    double flop_per_usd_s;  /* Feng's R(z) = f / (C(z) t(z)); NaN for the others */
    bool no_optimum;        /* the printed form is monotone in w: a warning is due */
};
/* Model:  c->system.reading at c->workers (READING_PROTOCOL is refused: that is evaluate()).
 * Takes:  a configuration finished by config_finish.
 * Errors: ERR_INPUT when the system's papers print no such equation or not for this algorithm;
 *         ERR_INFEASIBLE when no round fits in the time limit. */
enum status reading_evaluate(const struct config *c, struct reading_result *out, struct error *err);

/* ---------------------------------------------------------------- tally */

enum request_kind { REQUEST_PUT, REQUEST_GET, REQUEST_LIST, REQUEST_DELETE, REQUEST_KINDS };

/* What both engines count, for a whole job. Requests and bytes are totals over all actors. */
struct tally {
    double time_s;                   /* makespan, start-up to the final write */
    double iteration_s;              /* one steady round */
    double rounds, restarts;         /* restarts: re-invocations x - 1 */
    double start_s;                  /* mean start of all functions and machines, side by side */
    double again_start_s;            /* of the first re-invocation: machines are there already */
    double later_start_s;            /* of later ones, which may find warm sandboxes */
    double call_start_s[ROLE_LIMIT]; /* of a called role, in a steady round */
    double save_s;                 /* one checkpoint before a re-invocation; 0 without time limit */
    double rounds_per_call;        /* rounds between two re-invocations; rounds when x = 1 */
    double phase_s[PHASE_LIMIT];   /* critical path; start-up etc. of the job level excluded */
    double category_s[CATEGORIES]; /* adds up to time_s */
    double requests[STORE_USES][REQUEST_KINDS];
    double bytes_put[STORE_USES], bytes_get[STORE_USES];
    double units_put[STORE_USES],
        units_get[STORE_USES];   /* metered units (DynamoDB), else requests */
    double billed_s[ROLE_LIMIT]; /* function seconds billed, all actors, after granularity */
    double host_s[ROLE_LIMIT];   /* seconds alive, all actors of the role */
    double invocations;
    double polls;
    double stored_byte_s; /* temporary objects */
    bool bound; /* time is an upper bound: stores shared out of step or under noise, links that
                   burst */
};

/* Everything one evaluation needs besides the configuration; reuse it: no allocation per call. */
struct evaluator {
    struct program program;
    double *op_s, *op_noise_s; /* per op: mean time, standard deviation */
    double drift_s;  /* how far noise drives roles apart over all rounds, standard deviation */
    double spared_s; /* of a round, at most, by what token buckets of links have saved up */
    size_t op_capacity;
    struct maxima *maxima; /* expected maxima met so far (model/maximum.c) */
    struct latest {
        uint64_t key;
        double after_s;
    } latest[64]; /* expected latest arrivals, by a hash of them */
};
void evaluator_free(struct evaluator *e);

/* Closed form: emits the program of c->system into e->program, walks it with one clock per role.
 * Gives *out. Errors: ERR_INFEASIBLE (memory, time limit shorter than one round), ERR_DEADLOCK. */
enum status evaluate(const struct config *c, struct evaluator *e, struct tally *out,
                     struct error *err);
/* The walk alone, over a program that is already emitted. */
enum status evaluate_program(const struct config *c, struct evaluator *e, struct tally *out,
                             struct error *err);
/* E[max of n] / mean - 1 of a lognormal with this cv (exact integral). */
double expected_maximum_excess(double n, double cv);

/* Job-level terms both engines share. */
/* Until the last of `functions` cold starts is ready; e remembers maxima, may be NULL. */
double start_mean(const struct config *c, struct evaluator *e, double functions);
/* Seconds to serialise, or the other way, so many bytes: g per byte on one core; where there is
 * less than one vCPU, by its share of it. */
double serialise_time(const struct config *c, enum host_use host, double bytes);
double link_rate(const struct config *c, const struct op *op,
                 enum host_use host); /* bytes/s, own */
double request_latency(const struct store *s, enum request_kind kind);

/* ---------------------------------------------------------------- money */

#define COST_LIST(X)                                                                               \
    X(COST_COMPUTE, "cost_compute_usd", "function and VM time of the workers")                     \
    X(COST_REQUESTS, "cost_requests_usd", "invocations and storage requests")                      \
    X(COST_STORAGE, "cost_storage_usd", "stored GB-months, transfer, one-off copies")              \
    X(COST_SERVICES, "cost_services_usd", "hourly services: parameter servers, caches, NAT")

enum cost_kind {
#define X(name, column, text) name,
    COST_LIST(X)
#undef X
        COST_KINDS
};

/* Money in 1e-15 USD; 128 bits hold any sum. */
__extension__ typedef __int128 money;

struct ledger_line {
    enum cost_kind kind;
    char item[64]; /* "PUT requests, s3-standard-2022" */
    char unit[24]; /* "request" */
    double quantity;
    femto_usd price;
    money amount;
};
enum { LEDGER_LIMIT = 64 };
struct ledger {
    struct ledger_line lines[LEDGER_LIMIT];
    uint32_t count;
    money total, by_kind[COST_KINDS];
    bool overflow; /* a line beyond 1e15 USD was left out: there is no bill */
};
/* The only place money is computed (model/cost.c). Lines add up to the total exactly. `lines` false
 * skips the texts (sweeps). */
void cost_compute(const struct config *c, const struct program *p, const struct tally *t,
                  bool lines, struct ledger *out);
double money_usd(money amount);
void text_money(struct text *out, money amount); /* exact decimal */

/* ---------------------------------------------------------------- result rows */

/* The columns of every CSV, JSON and store: one list, a contract. TEXT or NUMBER, name, meaning.
 * Numbers an engine does not give are NaN (an empty cell). The *_s parts from startup_s to
 * checkpoint_s add up to time_s. */
#define COLUMN_LIST(TEXT, NUMBER)                                                                  \
    TEXT(scenario, "name of the scenario")                                                         \
    NUMBER(point, "number of the configuration in the sweep, from 0")                              \
    TEXT(system, "system of the literature")                                                       \
    TEXT(variant, "its variant")                                                                   \
    TEXT(reading, "protocol, or the printed equation that was replayed")                           \
    TEXT(engine, "predict (closed form) or simulate")                                              \
    TEXT(platform, "catalogue name of the platform")                                               \
    TEXT(store, "catalogue name of the exchange store")                                            \
    TEXT(algorithm, "training algorithm")                                                          \
    TEXT(dataset, "data set")                                                                      \
    NUMBER(workers, "functions or machines that train")                                            \
    NUMBER(memory_mib, "MiB, memory of one of them")                                               \
    NUMBER(iterations, "rounds")                                                                   \
    TEXT(status, "ok, or why the configuration is infeasible")                                     \
    NUMBER(time_s, "s, start-up to the final write")                                               \
    NUMBER(cost_usd, "USD per training run")                                                       \
    NUMBER(iteration_s, "s, one steady round")                                                     \
    NUMBER(startup_s, "s, start-up on the critical path")                                          \
    NUMBER(load_s, "s, loading model and data")                                                    \
    NUMBER(compute_s, "s, computing, merging included")                                            \
    NUMBER(exchange_s, "s, putting and getting what is exchanged")                                 \
    NUMBER(wait_s, "s, stragglers and the slack of polling")                                       \
    NUMBER(checkpoint_s, "s, checkpoints and the final write")                                     \
    NUMBER(invocations, "function invocations")                                                    \
    NUMBER(requests_put, "PUT requests, all stores")                                               \
    NUMBER(requests_get, "GET requests, failed polls included")                                    \
    NUMBER(requests_list, "LIST requests")                                                         \
    NUMBER(bytes_moved, "bytes put and got, all stores")                                           \
    NUMBER(billed_gb_s, "GiB-seconds of function time billed")                                     \
    NUMBER(cost_compute_usd, "USD, function and machine time of the workers")                      \
    NUMBER(cost_requests_usd, "USD, invocations and storage requests")                             \
    NUMBER(cost_storage_usd, "USD, storage, transfer, one-off copies")                             \
    NUMBER(cost_services_usd, "USD, hourly services")                                              \
    NUMBER(speedup, "time of the baseline over time_s")                                            \
    NUMBER(baseline_time_s, "s, time of the baseline")                                             \
    NUMBER(bound, "1 when time_s is only an upper bound")                                          \
    NUMBER(time_lo_s, "s, lower end of the interval of the mean time")                             \
    NUMBER(time_hi_s, "s, upper end")                                                              \
    NUMBER(time_p50_s, "s, median over replications")                                              \
    NUMBER(time_p90_s, "s, 90th percentile")                                                       \
    NUMBER(time_p99_s, "s, 99th percentile")                                                       \
    NUMBER(cost_lo_usd, "USD, lower end of the interval of the mean cost")                         \
    NUMBER(cost_hi_usd, "USD, upper end")                                                          \
    NUMBER(replications, "simulated runs")                                                         \
    NUMBER(events, "simulated events, all runs")                                                   \
    NUMBER(simulated_iterations, "rounds simulated per run, the rest extended")                    \
    NUMBER(p_deadline, "share of runs that meet the deadline")                                     \
    NUMBER(p_budget, "share of runs within the budget")

struct row {
#define TEXT_(name, help) const char *name;
#define NUMBER_(name, help) double name;
    COLUMN_LIST(TEXT_, NUMBER_)
#undef TEXT_
#undef NUMBER_
    char status_text[160]; /* what `status` points to when infeasible */
    bool feasible;
};

struct column {
    const char *name, *help;
    bool text;
    size_t offset; /* in struct row */
};
extern const struct column columns[]; /* NULL-ended */
size_t column_count(void);
/* Index of a column by name, or -1. */
int column_find(const char *name);
struct expression_value row_value(const struct row *row, int column);

/* Everything empty: texts "", numbers NaN. */
void row_init(struct row *row);
/* From configuration and tally; `ledger` may be NULL (no money). Baseline columns stay NaN. */
void row_fill(struct row *row, const struct config *c, const struct tally *t,
              const struct ledger *ledger);
void text_row_csv_header(struct text *out);
void text_row_csv(struct text *out, const struct row *row);
void text_row_json(struct text *out, const struct row *row);

/* ---------------------------------------------------------------- scenarios */

struct scenario_options {
    const char *data_dir;    /* holds catalogue/ and profiles/ */
    const char *const *sets; /* "/json/pointer=value" */
    size_t n_sets;
    bool no_sweep;          /* one configuration: the one the file itself describes */
    bool no_profile;        /* compute is what will be measured: a profile need not be there */
    bool plan;              /* the axes of the section `plan` in place of those of the sweep */
    struct json *catalogue; /* of data_dir, read already and outliving the scenario; or NULL */
};

struct axis {
    const char *pointer;
    struct json *at;      /* where it was written */
    struct json **values; /* `count` of them as written; NULL when generated */
    double *numbers;      /* when fast or generated */
    size_t count;
    uint32_t dimension; /* axes of one "zip", file or sample share one */
    bool fast;          /* a plain number that is set without reading the tree again */
    bool in_baseline;   /* applies to the baseline too */
    size_t offsets[6];  /* in struct config, when fast; NO_FIELD ends */
};

enum { AXIS_LIMIT = 32, SKIP_LIMIT = 16 };

/* A scenario file, its includes and --set merged, its sweep understood. Read-only once loaded. */
struct scenario {
    struct arena arena;
    const char *path, *data_dir, *name;
    struct json *tree;     /* without sweep and baseline, "use" not yet resolved */
    struct json *baseline; /* overlay, or NULL */
    struct json *sweep;    /* as written, or NULL */
    struct json *score;    /* how it compares with measurements; NULL = not said */
    struct json *plan;     /* what a plan searches, as written, or NULL */
    struct json *catalogue;
    struct json *own_catalogue; /* paths of files with entries of its own */
    const char *profile_dir;    /* data_dir, or NULL: profiles are not read */
    struct axis axes[AXIS_LIMIT];
    size_t n_axes;
    size_t dimensions[AXIS_LIMIT], n_dimensions; /* lengths; the last varies fastest */
    uint64_t points;
    struct expression skips[SKIP_LIMIT];
    size_t n_skips;
};

enum status scenario_load(const char *path, const struct scenario_options *options,
                          struct scenario *out, struct error *err);
void scenario_free(struct scenario *s);
/* Does one of the skip conditions leave this configuration out? It is read only. */
bool scenario_skips(const struct scenario *s, struct config *c);
/* The merged, resolved tree of the first point, in `a` (for check --resolved). */
enum status scenario_resolved(const struct scenario *s, struct arena *a, struct json **out,
                              struct error *err);

/* Value i of an axis: as written, or made in `a` (NULL when memory is exhausted); as text. */
struct json *axis_value(struct arena *a, const struct axis *axis, size_t i);
void text_axis_value(struct text *out, const struct axis *axis, size_t i);
/* The key an axis is about, in its pointer: "workers" of /platform/workers, and what leads to it
 * inside a value: "framework_ratio/value/mean". */
const char *axis_label(const struct axis *axis);
/* Which of its values an axis has at a point of the sweep. */
size_t axis_index(const struct scenario *s, const struct axis *axis, uint64_t point);

/* The merged tree as its files give it, sweep and baseline included; lives in the scenario. */
enum status scenario_merged(struct scenario *s, struct json **out, struct error *err);
/* The catalogue of a data folder, every entry by group and name, and the entries of a scenario's
 * own files (an array of their paths, or NULL); two of one name in one group are an error. */
enum status catalogue_read(struct arena *a, const char *data_dir, const struct json *own,
                           struct json **out, struct error *err);
/* The file of a compute profile, in `a` (NULL: no memory). A name is looked for among the shipped
 * ones, then as NAME.json beside the file that names it; what has a slash or ends in .json is a
 * file beside that one. */
char *profile_path(struct arena *a, const char *data_dir, const struct json *name);
/* Every section and key a scenario may have, with unit, range and default. */
void text_schema(struct text *out);

/* A reader of points; one per thread. Configurations are borrowed until the next call. */
struct scenario_cursor {
    const struct scenario *scenario;
    struct cursor_slot *slots;
    struct config config, baseline;
    bool has_baseline;
    struct moves *moves;            /* of the configuration, of the baseline */
    const struct cursor_slot *slot; /* of the point sought last */
    size_t index[AXIS_LIMIT];       /* its place in every dimension */
    uint64_t baseline_identity;     /* of the baseline whose time is kept */
    double baseline_s;
    bool baseline_kept;
};
enum status cursor_init(struct scenario_cursor *c, const struct scenario *s, struct error *err);
void cursor_free(struct scenario_cursor *c);
/* Configuration number `point`, derived fields not yet filled (config_finish). *skipped when a skip
 * condition holds. Errors: whatever is wrong with the values of that point. */
enum status cursor_seek(struct scenario_cursor *c, uint64_t point, bool *skipped,
                        struct error *err);

/* Fill file, line and column of an error that has only a path: the value of this point there, or
 * where it would stand. */
void cursor_locate(const struct scenario_cursor *c, uint64_t point, struct error *err);
/* What is wrong with a point that predict_point calls infeasible: ERR_INFEASIBLE with its place;
 * STATUS_OK for a feasible one. */
enum status predict_check(struct scenario_cursor *c, uint64_t point, struct evaluator *e,
                          struct error *err);
/* Does a change of this pointer reach the baseline too, or does the overlay say otherwise? */
bool scenario_baseline_shares(const struct scenario *s, const char *pointer);
/* Set one number by its pointer, such as /compute/unit_s or an option of the system; an uncertain
 * quantity becomes this constant. ERR_USAGE for what is no number of the configuration. */
enum status config_set(struct config *c, const char *pointer, double value, struct error *err);

/* Finish one configuration in place and evaluate it, or replay the chosen reading: no row, no
 * money. The program stays in e. */
enum status predict_tally(struct config *c, struct evaluator *e, struct tally *t,
                          struct error *err);
/* Predict one configuration: finish, evaluate (or replay the chosen reading), cost; time of the
 * baseline, which may be NULL. Infeasible is an answer: row->feasible false, status tells why.
 * tally and ledger may be NULL: totals only. Both configurations are finished in place. */
enum status predict_config(struct config *c, struct config *baseline, struct evaluator *e,
                           struct row *row, struct tally *tally, struct ledger *ledger,
                           struct error *err);

/* A value of the scenario's own that every point of its sweep replaces must still be one: a text
 * where the sweep has numbers is a mistake nobody else would see. ERR_INPUT with its place. */
enum status cursor_check_replaced(const struct scenario *s, struct error *err);
/* What the result of the point sought last depends on, baseline included: equal for equal
 * configurations whatever sweep, file or comment they come from. The closed form does not depend on
 * what only the simulator plays; seeds are kept apart. */
uint64_t cursor_identity(const struct scenario_cursor *c, bool simulated);
/* The same of one configuration, before config_finish. */
uint64_t config_identity(const struct config *c, bool simulated);

/* What stands in a scenario and the data it uses, as numbers: comments, notes, sources and the
 * order of keys do not count. */
struct fingerprints {
    uint64_t scenario; /* all of it: tree, baseline, sweep, catalogue, profile */
    uint64_t prices;   /* the price lists of the catalogue and the section prices */
    uint64_t profile;  /* the compute profile; 0 without one */
    double seed;       /* of the simulation */
};
enum status scenario_fingerprints(const struct scenario *s, struct fingerprints *out,
                                  struct error *err);

/* Predict one point: finish, evaluate (or replay the chosen reading), cost, baseline. Infeasible is
 * an answer: row->feasible false, status tells why. ledger NULL: totals only. */
enum status predict_point(struct scenario_cursor *c, uint64_t point, struct evaluator *e,
                          struct row *row, struct tally *tally, struct ledger *ledger,
                          bool *skipped, struct error *err);

#endif
