/* Door of the simulator: the programs of model/program.h played event by event, many times over,
 * with the distributions and the platform behaviour of the scenario's section `simulation`.
 */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include "model/search.h"

/* How the simulated runs spread. The mean has a Student-t interval over independent replications;
 * quantiles are order statistics by linear interpolation between (n - 1) p steps (Hyndman & Fan
 * 1996, type 7), their intervals the order statistics that a binomial count puts around them, NaN
 * where the number of replications cannot give the confidence. Where rounds were extended, the
 * noise of estimated round times is taken out of the quantiles (sim/spread.h) and widens their
 * intervals. */
struct quantile_estimate {
    double value, lo, hi;
};
struct estimate {
    double mean, lo, hi;
    struct quantile_estimate p50, p90, p99;
};

/* One start of a function. */
struct simulated_start {
    const char *role;
    uint32_t replication, actor;
    bool cold;
    double asked_s, begun_s; /* since the job began: its invocation arrives, its own code begins */
};

struct simulation_options {
    bool exact;       /* play every round, extend none */
    uint32_t threads; /* replications at once, > 0; the answer does not depend on it */
    /* Asked often, from any thread: true stops the simulation, which tells what is done. May be
     * NULL. */
    bool (*interrupted)(void);
    /* The first replication's timeline: NULL, or filled as Chrome trace events. */
    struct text *timeline;
    struct text *gantt; /* the same for one round, as columns for gnuplot; or NULL */
    uint32_t timeline_rounds;
    uint32_t gantt_round;
    /* Told of every replication, in order, when all are done: with extended rounds, their times and
     * costs have the spread, and the times the mean, of jobs that play every round. May be NULL. */
    void (*each_run)(double time_s, double cost_usd, void *context);
    /* Told of every start of every replication, in order, in rounds that are played: the
     * replications are played once more for it. May be NULL. */
    void (*each_start)(const struct simulated_start *start, void *context);
    void *context;
};

struct simulation_outcome {
    uint32_t replications; /* all complete; fewer than asked for when interrupted */
    bool interrupted;
    bool precise;        /* the stop rule was met */
    struct tally tally;  /* mean over replications; rounds and restarts too */
    struct ledger money; /* mean by kind of cost; no lines */
    struct estimate time_s, cost_usd;
    double p_deadline, p_budget;           /* NaN without such a constraint */
    double events;                         /* all replications */
    double played_rounds, extended_rounds; /* per replication */
    double cold_starts, warm_starts, queued_starts, throttled_requests, crashes, timeouts,
        lost_updates, redone_rounds; /* per replication */
};

/* Simulate one finished configuration until the stop rule of its section `simulation` is met.
 *
 * Model:   one plan of re-invocations, the closed form's; replication i uses streams (seed, i,
 * ...). Takes:   c finished by config_finish(); e for the program, reused between calls. Gives:
 * *out. With options->timeline or gantt set, these texts are appended to. Errors:  those of
 * evaluate(); ERR_INFEASIBLE when functions wait for each other under the account's limit;
 * ERR_INTERRUPTED when not even one replication was complete; ERR_MEMORY. */
enum status simulate(const struct config *c, struct evaluator *e,
                     const struct simulation_options *options, struct simulation_outcome *out,
                     struct error *err);

/* One point of a sweep, as predict_point(): the row holds the simulation's numbers, out (may be
 * NULL) the rest. Infeasible is an answer. */
enum status simulate_point(struct scenario_cursor *c, uint64_t point, struct evaluator *e,
                           const struct simulation_options *options, struct row *row,
                           struct simulation_outcome *out, bool *skipped, struct error *err);

/* ---------------------------------------------------------------- both engines side by side */

/* name, word, what is taken out to see it */
#define GAP_LIST(X)                                                                                \
    X(GAP_STRAGGLERS, "stragglers", "noise, slow instances, stragglers, spread of latency")        \
    X(GAP_CONTENTION, "contention", "shared bandwidth, request-rate caps, credits, bursts")        \
    X(GAP_STARTUP, "start-up", "spread, pacing, ramp and waves of starts")                         \
    X(GAP_POLLING, "polling", "waiting until the next poll")                                       \
    X(GAP_RESTARTS, "restarts", "time limit, crashes, lost updates")

enum gap {
#define X(name, word, text) name,
    GAP_LIST(X)
#undef X
        GAPS
};

/* Seconds that each effect adds, in either engine: the time with everything less the time without
 * it. The gap between the engines is the sum of (simulated - predicted) over the effects, and what
 * is left: effects acting together. Simulated differences are of equal draws, replication by
 * replication. */
struct comparison {
    double predicted_s, predicted_usd;
    struct estimate simulated_s, simulated_usd;
    double gap_s, rest_s;
    struct {
        double predicted_s, simulated_s, lo_s, hi_s;
    } effects[GAPS];
    uint32_t replications;
    bool interrupted;
};
enum status compare_engines(const struct config *c, struct evaluator *e,
                            const struct simulation_options *options, struct comparison *out,
                            struct error *err);

/* ---------------------------------------------------------------- which one is best */

/* One of several configurations to be ranked by simulation. */
struct contender {
    struct config config; /* finished by config_finish() */
    size_t number;        /* the caller's */
    /* Filled by contest(): */
    bool infeasible; /* the simulator says so: the rest is not filled */
    bool tied;       /* it cannot be told from the best one */
    uint32_t replications;
    double value, value_lo, value_hi; /* of the objective: mean of the runs, and its interval */
    struct estimate time_s, cost_usd;
    double p_deadline, p_budget, p_limits; /* shares of the runs; NaN without such a limit */
    double sure_time_s, sure_cost_usd;     /* what the share `sure` of the runs stays within */
};
/* Simulate all replications_min times, then twice as often every time, until the interval of every
 * value's mean difference from the best one's, run by run under the same draws, lies above 0 or
 * `replications_max` runs are done; sorts them, the best first.
 *
 * Takes:  sure: the share of runs for sure_time_s and sure_cost_usd. Intervals have the confidence
 *         of each configuration's section `simulation`.
 * Errors: those of simulate(), except ERR_INFEASIBLE. */
enum status contest(struct contender *list, size_t n, const struct search_objective *objective,
                    double sure, uint32_t replications_min, uint32_t replications_max,
                    const struct simulation_options *options, struct error *err);

#endif
