/* Door of the search: the exact best configurations of a scenario by the closed form.
 *
 * What is searched: every (workers) x (memory) x (combination of the other axes of the section
 * `plan`: systems, stores, platforms, any key). One configuration costs about a microsecond; most
 * need not be evaluated at all:
 *
 * Branch and bound over memory. Between a and b MiB no configuration is faster than the one of b
 * MiB, and none is cheaper than the bill of b's seconds and requests at a's price per second,
 * because every term of the closed form falls or stays as memory grows: vCPUs and the link grow,
 * all else is constant, and a maximum of sums keeps that order. Two terms do not: the grid of polls
 * (a signal may just miss one) and the expected maximum over noise. Both only ever add, so bounds
 * come from a relaxation without them: notified at once, no noise. An asynchronous system keeps its
 * noise, where exact analysis of the queueing network is monotone in every demand (Suri 1985).
 * Printed equations (`reading`) are not bounded: each of their configurations is evaluated.
 *
 * An interval of memory is left out when a known configuration is faster than its bound of the time
 * and cheaper than its bound of the dollars. What is returned is what looking at every single
 * configuration returns, to the bit and whatever the number of threads.
 */
#ifndef MODEL_SEARCH_H
#define MODEL_SEARCH_H

#include "model/model.h"

/* ---------------------------------------------------------------- what is wanted */

enum search_goal { GOAL_TIME, GOAL_COST, GOAL_BALANCED };

/* BALANCED: time^weight dollars^(1 - weight), the least weighted product; no unit enters, and 0.5
 * is the least time times dollars. */
struct search_objective {
    enum search_goal goal;
    double time_weight; /* BALANCED, 0 to 1 */
};
/* Not decreasing in time nor in dollars. */
double search_value(const struct search_objective *o, double time_s, double cost_usd);
/* Within deadline and budget (0 = none)? */
bool search_within(const struct constraints *limits, double time_s, double cost_usd);
/* By which factor the limit missed most is missed, max(time / deadline, dollars / budget): at most
 * 1 within; 0 without limits. */
double search_miss(const struct constraints *limits, double time_s, double cost_usd);
/* "time", "cost" or "balanced", as --minimise has them. */
const char *search_goal_name(enum search_goal goal);
/* Without a word on what to minimise: dollars when there is a deadline, time when there is only a
 * budget (the two scenarios of SMLT, section 3.2), without limits the least time times dollars. */
struct search_objective search_usual(const struct constraints *limits);

/* The choice among points told one by one: what plan, report and the table of predict all use. */
struct search_pick {
    struct search_objective objective;
    struct constraints limits;
    ptrdiff_t best;    /* of the points within the limits: least value, then time, then dollars */
    ptrdiff_t nearest; /* of the least search_miss; without limits the first */
    struct {
        double value, time_s, cost_usd; /* of `best` */
        double miss;                    /* of `nearest` */
    } so_far;
};
/* Nothing told yet: best and nearest are -1. */
struct search_pick search_pick_start(const struct search_objective *o,
                                     const struct constraints *limits);
/* A feasible point, under the number it is to be known by. */
void search_pick_add(struct search_pick *p, ptrdiff_t number, double time_s, double cost_usd);

/* ---------------------------------------------------------------- points */

struct search_point {
    double time_s, cost_usd;
    uint32_t choice, workers;
    double memory_mib; /* of the platform; 0 where it is not sold by memory */
    bool bound;        /* time_s is only an upper bound, as the column of that name */
};

/* Configurations than which none is both faster and cheaper, the fastest first; of equal ones the
 * first by choice, workers and memory. */
struct search_front {
    struct search_point *points;
    size_t count, capacity;
};
void search_front_free(struct search_front *f);
/* Adds a point unless there is one at least as good, and drops those it beats. */
enum status search_front_add(struct search_front *f, const struct search_point *p,
                             struct error *err);

/* One combination of the axes other than workers and memory. */
struct search_choice {
    uint64_t point;                /* of the scenario's axes, workers and memory at their first */
    struct config config, relaxed; /* as written; the same with what is monotone only */
    const double *memory;          /* MiB, ascending, what the platform sells */
    size_t n_memory;
    bool tight;         /* config is its own relaxation */
    bool unbounded;     /* printed equations: nothing to bound with */
    bool own_structure; /* an axis says the structure: workers must fit it */
    uint32_t *parents;  /* takes_structure: see structure.c; by number of workers */
};

struct search {
    const struct scenario *scenario;
    struct scenario_cursor cursor;
    struct search_choice *choices;
    size_t n_choices;
    const double *workers; /* ascending */
    size_t n_workers;
    double configurations; /* all there are */
    struct arena arena;
};

/* Takes:  a scenario loaded with scenario_options.plan; it stays borrowed.
 * Model:  workers and memory from the axes /platform/workers and /platform/memory_mib of the
 *         section `plan`, else 1 to 1000 and everything the platform sells.
 * Errors: those of reading a configuration; ERR_INPUT when workers or memory stand in a zip, or
 *         more than 64 combinations of the other axes need the tree read again. */
enum status search_open(struct search *s, const struct scenario *scenario, struct error *err);
void search_close(struct search *s);
/* The configuration of a point, not yet finished; texts are borrowed from the search. */
void search_config(const struct search *s, const struct search_point *p, struct config *out);
/* Its whole row, baseline included; ledger and tally may be NULL. */
enum status search_row(struct search *s, const struct search_point *p, struct evaluator *e,
                       struct row *row, struct ledger *ledger, struct error *err);
/* Why a point is infeasible: ERR_INFEASIBLE, or STATUS_OK. */
enum status search_check(const struct search *s, const struct search_point *p, struct evaluator *e,
                         struct error *err);

/* ---------------------------------------------------------------- searching */

struct search_options {
    uint32_t threads; /* 0 = 1; the answer does not depend on it */
    bool exhaustive;  /* evaluate everything: the oracle of the bounds */
    /* Told of the groups (choice, workers) done so far, from any thread, one at a time; or NULL. */
    void (*progress)(double done, double all, void *context);
    void *context;
};

/* The Pareto front over all feasible configurations. *evaluations counts calls of the closed form
 * (may be NULL). An empty front: nothing is feasible. */
enum status search_pareto(const struct search *s, const struct search_options *options,
                          struct search_front *out, double *evaluations, struct error *err);

struct search_question {
    struct search_objective objective;
    struct constraints limits;
    ptrdiff_t choice; /* only this choice; -1 = all */
    double workers;   /* only this number of workers; 0 = all */
};
/* The best point within the limits; *found false when there is none. */
enum status search_best(const struct search *s, const struct search_question *q,
                        struct search_point *best, bool *found, struct error *err);
/* The best memory of every (choice, workers) whose value is within (1 + slack) of the best one:
 * at most `limit` points, the best first. */
enum status search_rivals(const struct search *s, const struct search_question *q, double slack,
                          size_t limit, struct search_point *out, size_t *count, struct error *err);
/* The best point of a front within the limits; -1 when none is. */
ptrdiff_t search_front_best(const struct search_front *f, const struct search_objective *o,
                            const struct constraints *limits);
/* The cheapest point of a front done within the time, the fastest within the dollars; -1 = none. */
ptrdiff_t search_front_cheapest(const struct search_front *f, double within_s);
ptrdiff_t search_front_fastest(const struct search_front *f, double within_usd);
/* The point that misses the limits by the smallest factor, max(time / deadline, dollars / budget);
 * -1 when the front is empty. */
ptrdiff_t search_front_nearest(const struct search_front *f, const struct constraints *limits);

/* ---------------------------------------------------------------- trees of servers */

/* Instances per level, root first, of the best tree of parameter servers for n workers (Feng et
 * al. 2018; models.md section 8): V(1) = 0, V(n) = min over 1 <= q < n of V(q) + alpha + beta n /
 * q, of equal q the smallest. parents[n] is that q; parents has n_max + 1 entries. O(n_max^2). */
enum status structure_parents(uint32_t n_max, double alpha_s, double beta_s, uint32_t *parents,
                              struct error *err);
/* The levels for n workers, at most STRUCTURE_LIMIT; gives their number, 0 when they are more. */
uint32_t structure_levels(const uint32_t *parents, uint32_t n, double levels[STRUCTURE_LIMIT]);
/* Seconds of a structure in this model: levels * alpha + beta * sum of n_l / n_(l-1). */
double structure_seconds(const double *levels, uint32_t count, double alpha_s, double beta_s);
/* alpha (a write and half a poll) and beta (a read and the merge) of a configuration, alone on its
 * store and with the link of its memory. */
void structure_costs(const struct config *c, double *alpha_s, double *beta_s);

#endif
