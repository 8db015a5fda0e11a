/* Door of the model: configuration, tally, evaluation, cost, result rows.
 *
 *     scenario + catalogue -> config -> program -> evaluate | simulate -> tally -> cost -> row
 *
 * Data only moves right. All times in seconds, sizes in bytes, money in USD; Lambda memory in MiB.
 */
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

#include "model/configuration.h"
#include "model/points.h"

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

#endif
