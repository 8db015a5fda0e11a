/* A program made ready for playing: what every replication shares and none changes.
 *
 * Actors, lanes (requests one actor has in flight together) and channel instances get numbers; ops
 * get their links, stores and places in the count of signals. A signal belongs to a generation, the
 * receiver's round it is meant for, so that a fast worker's next update is never taken for a slow
 * worker's present one. Generations follow from an op's place in the program and the sender's
 * round: nothing is stored per signal.
 */
#ifndef SIM_PLAN_H
#define SIM_PLAN_H

#include "model/model.h"
#include "model/program.h"
#include "sim/draw.h"

#define PLAN_NONE UINT32_MAX

enum direction { DIRECTION_PUT, DIRECTION_GET, DIRECTIONS };
enum { FLUIDS = STORE_USES * DIRECTIONS, FLUID_FREE = FLUIDS };

/* Quantities with an effect that holds for a whole run. */
enum effect {
    EFFECT_STORES, /* three per store: PUT, GET, LIST */
    EFFECT_START = EFFECT_STORES + 3 * STORE_USES,
    EFFECT_WARM_START,
    EFFECT_FRAMEWORK,
    EFFECT_INVOKE,
    EFFECT_SERVER_START,
    EFFECT_SERVER_FRAMEWORK,
    EFFECT_SPEED,
    EFFECT_TRANSFER,
    EFFECT_UNIT, /* time of a unit of work, by the run's draws of its factors: one stream each */
    EFFECTS = EFFECT_UNIT + UNIT_FACTORS
};

struct plan_op {
    enum op_kind kind;
    enum op_peer peer;
    enum op_poll poll;
    uint16_t phase, store, channel;
    uint16_t fluid; /* store * DIRECTIONS + direction; FLUID_FREE when nothing is shared */
    uint16_t effect;
    bool throttled;   /* its store caps the rate of such requests */
    bool bursts;      /* moves through a link with a token bucket */
    bool shares_link; /* several flows of one actor are held back by its own link */
    bool takes_time;  /* requests that are waited for */
    bool later;       /* not in the first round of a segment */
    uint32_t role, count, lanes, need, poll_pages; /* the largest share of an uneven op */
    uint32_t total;                                /* of all actors; 0: the same for each */
    double size_bytes;
    double serialise_s;                              /* of one request */
    double connection_bytes_per_s, link_bytes_per_s; /* HUGE_VAL when not limited */
    double burst_link_bytes_per_s;                   /* while the token bucket lasts */
    const struct quantity *latency;                  /* of a request; AWAIT: of a poll */
    double mean_s, by_unit_s;                        /* COMPUTE */
    struct noise noise;                              /* COMPUTE */
    uint32_t loop_first, loop_times;                 /* the loop that ends here; times 0: none */
    /* Executions of ops that signal, or await, the same channel before this op in its span. */
    uint64_t sends_before, sends_per_round, awaits_before, awaits_per_round;
};

/* How a channel's signals are told apart by generation. Counts are executions of ops by one actor
 * of a role: all requests of one execution belong to one generation. */
struct plan_channel {
    uint32_t first, instances;
    bool later;      /* nothing is sent in the first round of a segment */
    bool cumulative; /* one sender per instance, or no rounds: a running count will do */
    uint64_t sends[ROLE_LIMIT][SPANS], awaits[ROLE_LIMIT][SPANS];
    uint64_t generation_sends[ROLE_LIMIT], generation_awaits[ROLE_LIMIT];
};

struct plan_role {
    uint32_t first_actor, actors, first_lane, lanes;
    uint64_t name_hash;
    bool function;        /* of the platform: starts, may crash, is billed by its time */
    bool called;          /* LIFETIME_CALL */
    bool guest;           /* LIFETIME_GUEST */
    bool rounds;          /* has ops in its iteration */
    uint32_t first_round; /* of a segment that it takes part in: 0 or 1 */
    bool works;           /* has an instance's speed, may straggle */
    double call_start_s;  /* the closed form's start of a call */
};

struct plan {
    const struct config *config;
    const struct program *program;
    double rounds, rounds_per_call; /* the closed form's plan of re-invocations */
    /* The closed form's mean start: of the job, of the first re-invocation, of later ones. */
    double start_s, again_start_s, later_start_s;
    double round_s, save_s; /* planned times of a round and of a checkpoint */
    struct plan_op *ops;
    struct plan_role roles[ROLE_LIMIT];
    struct plan_channel channels[CHANNEL_LIMIT];
    uint32_t *lane_actor; /* lanes */
    uint16_t *actor_role; /* actors */
    uint32_t *passes;     /* instances: awaits of one generation until it is spent */
    uint32_t actors, lanes, instances;
    uint32_t round_actors;    /* of roles that have rounds */
    uint16_t classes[FLUIDS]; /* distinct speeds of flows; 0: no fluid needed */
    double speed_cv;          /* of a worker's rounds against another's: its instance */
    double replication_cv;    /* the most that rounds of one replication differ from another's */
    double rounds_min;        /* to play before their mean can be trusted, unless steady */
    bool time_limited;
    bool failures;   /* anything can go wrong */
    bool steady;     /* nothing is drawn and no speed changes with time: rounds repeat exactly */
    bool redo_round; /* a crash sends everybody back to the beginning of the round */
    bool may_extend; /* rounds are exchangeable: not all need be played */
};

/* Build a plan for the program emitted for c; `closed` is the closed form's tally of it.
 * Owns:    free with plan_free(); borrows c and program.
 * Errors:  ERR_MEMORY; ERR_INPUT for more actors than events can name. */
enum status plan_init(struct plan *p, const struct config *c, const struct program *program,
                      const struct tally *closed, struct error *err);
void plan_free(struct plan *p); /* accepts a zeroed one */

/* Requests, or signals to await, of one actor: its share of an uneven op. */
static inline uint32_t plan_share(const struct plan *p, const struct plan_op *op, uint32_t self,
                                  uint32_t even)
{
    return op->total > 0 ? op_share(op->total, self, p->roles[op->role].actors) : even;
}
/* Signals one actor has needed on op's channel in op's span, up to op in round `loop_round` of its
 * loop, op's own included. */
uint64_t plan_needed(const struct plan *p, uint32_t op, uint32_t self, uint32_t loop_round);
/* And in one whole execution of a span. */
uint64_t plan_needed_in(const struct plan *p, uint32_t channel, uint32_t r, enum span_kind span,
                        uint32_t self);

/* How often one execution of its span executes an op: the times of the loop around it, or once. */
double plan_times(const struct plan *p, uint32_t op);

/* What one of `active` flows of an op can move through the function's own link, bytes/s. */
static inline double plan_cap(const struct plan_op *op, uint32_t active, bool bursting)
{
    const double link = bursting ? op->burst_link_bytes_per_s : op->link_bytes_per_s;
    return fmin(op->connection_bytes_per_s, link / (double)active);
}

/* How slow a link is, in steps of 1/32 of its logarithm: flows of few different speeds share. */
enum { LINK_STEPS = 32, LINK_SPEEDS = 4 * LINK_STEPS + 1 };
static inline double plan_link(double slowness)
{
    const double steps = round(log(slowness) * LINK_STEPS);
    return exp(fmin(fmax(steps, -2.0 * LINK_STEPS), 2.0 * LINK_STEPS) / LINK_STEPS);
}

/* Does the store pay for its speed with credits it earns? */
static inline bool plan_on_credit(const struct plan *p, uint32_t store)
{
    const struct store *const s = &p->config->stores[store];
    return s->burst_bytes > 0 && s->baseline_bytes_per_s > 0 &&
           p->config->simulation.play_throttling;
}

/* What a store moves in one direction, bytes/s; HUGE_VAL when not limited. */
static inline double plan_capacity(const struct plan *p, uint32_t fluid, bool spent)
{
    const struct store *const s = &p->config->stores[fluid / DIRECTIONS];
    const double aggregate = fluid % DIRECTIONS == DIRECTION_GET ? s->aggregate_get_bytes_per_s
                                                                 : s->aggregate_put_bytes_per_s;
    const double nodes = s->nodes > 1 ? s->nodes : 1;
    const bool capped = aggregate > 0 && p->config->simulation.play_contention;
    const double full = capped ? aggregate * nodes : HUGE_VAL;
    return spent ? fmin(full, s->baseline_bytes_per_s) : full;
}

/* Instance of op's channel that request `index` of actor `self` signals (not for PEER_ALL). */
static inline uint32_t plan_target(const struct plan *p, const struct plan_op *op, uint32_t self,
                                   uint32_t index)
{
    const uint32_t n = p->channels[op->channel].instances;
    switch (op->peer) {
    case PEER_OWN:
        return self;
    case PEER_NEXT:
        return self + 1 < n ? self + 1 : 0;
    case PEER_EACH:
        return (self + index) % n;
    case PEER_EACH_OTHER:
        return (self + 1 + index) % n;
    case PEER_GROUP:
        return (uint32_t)((uint64_t)self * n / p->roles[op->role].actors);
    default:
        return 0;
    }
}

#endif
