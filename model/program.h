/* The op-program: one description of a system, read by the closed form (model/evaluate.c) and by
 * the simulator (sim/). Roles are sets of identical actors; an actor runs its ops in order; actors
 * meet only through channels. Nobody who reads a program knows the system's name.
 *
 * Precedents: GOAL programs of LogGOPSim, time-independent traces of SimGrid.
 */
#ifndef MODEL_PROGRAM_H
#define MODEL_PROGRAM_H

#include "model/base/base.h"

/* kind, word in listings; `count` requests of `size_bytes` by each actor, `lanes` in flight:
 *   COMPUTE       `time` of work
 *   PUT, GET      requests with data on `store`
 *   LIST, DELETE  requests without data, sent in the background: billed, not waited for
 *   AWAIT         until `need` signals (per actor) have come on the actor's instance of `channel`
 *   INVOKE        `count` asynchronous invocations; signals `channel`, whose awaiting role starts
 */
#define OP_KIND_LIST(X)                                                                            \
    X(OP_COMPUTE, "compute")                                                                       \
    X(OP_PUT, "put")                                                                               \
    X(OP_GET, "get")                                                                               \
    X(OP_LIST, "list")                                                                             \
    X(OP_DELETE, "delete")                                                                         \
    X(OP_AWAIT, "await")                                                                           \
    X(OP_INVOKE, "invoke")

enum op_kind {
#define X(name, word) name,
    OP_KIND_LIST(X)
#undef X
        OP_KINDS
};

/* Which instances of `channel` a PUT or INVOKE signals, one signal per request:
 *   NONE        no signal              SHARED  instance 0
 *   OWN         the actor's own        NEXT    the next actor's (ring)
 *   EACH        request i signals instance (self + i) mod instances
 *   EACH_OTHER  the same without self: (self + 1 + i); rotation keeps mailboxes even
 *   GROUP       instance floor(self * instances / actors), self counted within the role
 *   ALL         every request signals every instance once (a broadcast) */
enum op_peer {
    PEER_NONE,
    PEER_SHARED,
    PEER_OWN,
    PEER_EACH,
    PEER_EACH_OTHER,
    PEER_NEXT,
    PEER_GROUP,
    PEER_ALL
};

/* What a waiting client asks the store for while it polls; POLL_NONE is a notification. */
enum op_poll { POLL_NONE, POLL_LIST, POLL_GET };

enum sync { SYNC_BARRIER, SYNC_ASYNCHRONOUS };

/* Stores by use; a VM network and a message broker are stores too. STORE_NONE is a signal inside
 * one process: no time, no request. */
enum store_use { STORE_EXCHANGE, STORE_DATA, STORE_MESSAGE, STORE_NETWORK, STORE_USES };
enum { STORE_NONE = STORE_USES };

/* Where the actors of a role run. HOST_CLIENT is the user's own machine: free. */
enum host_use { HOST_WORKER, HOST_SERVER, HOST_CLIENT, HOST_USES };

/* The columns a phase counts for; the parts add up to time_s. */
#define CATEGORY_LIST(X)                                                                           \
    X(CATEGORY_STARTUP, "startup_s")                                                               \
    X(CATEGORY_LOAD, "load_s")                                                                     \
    X(CATEGORY_COMPUTE, "compute_s")                                                               \
    X(CATEGORY_EXCHANGE, "exchange_s")                                                             \
    X(CATEGORY_WAIT, "wait_s")                                                                     \
    X(CATEGORY_CHECKPOINT, "checkpoint_s")

enum category {
#define X(name, column) name,
    CATEGORY_LIST(X)
#undef X
        CATEGORIES
};

struct duration {
    double mean_s, cv; /* lognormal; cv = 0 is exact */
    double by_unit_s;  /* what of mean_s is in proportion to the time of a unit of work */
};

struct op {
    enum op_kind kind;
    enum op_peer peer;
    enum op_poll poll;    /* AWAIT */
    uint16_t phase;       /* label in the breakdown AND contention class */
    uint16_t store;       /* enum store_use or STORE_NONE */
    uint16_t channel;     /* signalled, or awaited; meaningless with PEER_NONE */
    uint32_t count;       /* requests issued by one actor */
    uint32_t lanes;       /* of these, how many in flight together (1 = one after another) */
    uint32_t need;        /* AWAIT: signals required per execution on the actor's own instance */
    uint32_t poll_pages;  /* AWAIT by LIST: requests per poll (ceil of keys / keys per page) */
    uint32_t total;       /* uneven work: see op_share; 0 = every actor does `count`, `need` */
    bool background;      /* PUT: billed and signalled at once, not waited for */
    bool later;           /* of an iteration: not in the first one after a (re)start */
    double size_bytes;    /* per request */
    struct duration time; /* COMPUTE */
};

/* ops [first, first + ops) of the op array run `times` times (ring rounds without unrolling).
 * Loops do not nest and lie within one span. */
struct loop {
    uint32_t first, ops, times;
};

struct span {
    uint32_t first, ops;
};

/* SPAN_SETUP runs after each (re)start; SPAN_CHECKPOINT before each re-invocation at the time
 * limit; SPAN_TEARDOWN once at the end. All roles run the same span together. */
enum span_kind { SPAN_SETUP, SPAN_ITERATION, SPAN_CHECKPOINT, SPAN_TEARDOWN, SPANS };

/* LIFETIME_JOB: alive for the whole job, idle time billed, re-invoked before the time limit.
 * LIFETIME_CALL: started by an INVOKE (its first op awaits that channel), billed until its last op.
 * LIFETIME_GUEST: a second thread or duty inside actors of a LIFETIME_JOB role: no start, no bill
 * and no memory of its own; a link of its own, because its host is idle or sends the other way. */
enum lifetime { LIFETIME_JOB, LIFETIME_CALL, LIFETIME_GUEST };

struct role {
    const char *name; /* static string */
    uint32_t actors;
    enum host_use host;
    enum lifetime lifetime;
    bool later;          /* takes no part in the first iteration: what calls it is an op `later` */
    double memory_bytes; /* footprint of one actor */
    struct span span[SPANS];
};

struct channel {
    const char *name;
    uint32_t instances; /* 1 = shared, actors = one each, g = one per group */
};

struct phase {
    const char *name;
    enum category category;
};

enum { PHASE_LIMIT = 32, ROLE_LIMIT = 32, CHANNEL_LIMIT = 64 };

struct program {
    struct op *ops;     /* owned; grows, is kept across program_reset */
    struct loop *loops; /* owned */
    uint32_t n_ops, n_loops, ops_capacity, loops_capacity;
    struct role roles[ROLE_LIMIT];
    struct channel channels[CHANNEL_LIMIT];
    struct phase phases[PHASE_LIMIT];
    uint32_t n_roles, n_channels, n_phases;
    enum sync sync;
    bool redo_round; /* recovery: the whole round again (Naik, Feng), else one worker */
    uint32_t current_role, open_loop;
    enum span_kind current_span;
    bool failed; /* out of memory or a table overflowed: checked once by program_check */
};

/* ---------------------------------------------------------------- building (protocols/) */

void program_reset(struct program *p); /* empties, keeps memory; a zeroed program is empty */
void program_free(struct program *p);

/* Both find an equal name or add it. */
uint16_t program_phase(struct program *p, const char *name, enum category category);
uint16_t program_channel(struct program *p, const char *name, uint32_t instances);
/* Adds a role (none when actors is 0: its ops are then dropped) and opens its iteration span. */
void program_role(struct program *p, const char *name, uint32_t actors, enum host_use host,
                  enum lifetime lifetime, double memory_bytes);
void program_span(struct program *p, enum span_kind span); /* of the current role */
void program_add(struct program *p, struct op op);         /* count and lanes of 0 mean 1 */
void program_loop(struct program *p, uint32_t times);      /* opens */
void program_loop_end(struct program *p);

/* The current role, called by an op `later`, takes no part in the first iteration. */
void program_later(struct program *p);

/* The usual ops, so that a protocol reads like its paper. A count of 0 adds nothing. */
void program_compute(struct program *p, uint16_t phase, struct duration time);
void program_put(struct program *p, uint16_t phase, uint16_t store, uint32_t count,
                 double size_bytes, enum op_peer peer, uint16_t channel);
void program_get(struct program *p, uint16_t phase, uint16_t store, uint32_t count,
                 double size_bytes);
void program_await(struct program *p, uint16_t phase, uint16_t channel, uint32_t need,
                   uint16_t store, enum op_poll poll, uint32_t poll_pages);

/* ---------------------------------------------------------------- reading (both engines) */

/* Structure only, no times: ops within their spans, channels fit their peers, and two rounds of
 * every span run to their end. ERR_DEADLOCK names role and channel; ERR_MEMORY when building
 * failed. */
enum status program_check(const struct program *p, struct error *err);

/* Instance of `channel` that actor `self` of a role with `actors` actors waits on. */
uint32_t program_instance(const struct channel *channel, uint32_t self, uint32_t actors);

/* Signals that one execution of a PUT/INVOKE op by all `actors` of a role leaves on one instance.
 */
double program_signals(const struct program *p, const struct op *op, uint32_t actors);

/* Uneven work: when `total` of an op is not 0, all actors of the role together issue `total`
 * requests (PUT, GET, LIST, DELETE, INVOKE) or await `total` signals; actor `self` has this share
 * of them, and `count` or `need` holds the largest share, ceil(total / actors), which is actor 0's.
 * total = 1 is work that actor 0 does alone. The split agrees with PEER_GROUP. */
static inline uint32_t op_share(uint32_t total, uint32_t self, uint32_t actors)
{
    const uint64_t upto = ((uint64_t)(self + 1) * total + actors - 1) / actors;
    const uint64_t before = ((uint64_t)self * total + actors - 1) / actors;
    return (uint32_t)(upto - before);
}

/* Does it move data through a store while its actor waits? */
static inline bool op_transfers(const struct op *op)
{
    return (op->kind == OP_PUT || op->kind == OP_GET) && op->store != STORE_NONE && !op->background;
}

/* Mean requests, or signals awaited, of one execution by one actor. */
static inline double op_mean(const struct op *op, uint32_t actors)
{
    const uint32_t each = op->kind == OP_AWAIT ? op->need : op->count;
    return op->total > 0 ? (double)op->total / actors : each;
}

/* The one poll rule: first point of t0, t0 + interval, ... at or after ready; interval <= 0 is a
 * notification. *polls counts the requests, the seeing one included: 1 + floor(wait / interval) off
 * the grid points, wait / interval on one, at least 1. */
static inline double poll_time(double t0_s, double ready_s, double interval_s, double *polls)
{
    *polls = 1;
    if (ready_s <= t0_s) {
        return t0_s;
    }
    if (interval_s <= 0) {
        return ready_s;
    }
    const double wait = (ready_s - t0_s) / interval_s;
    /* A signal that falls on a grid point up to rounding is seen there, in both engines. */
    double steps = (double)(int64_t)wait;
    if (wait - steps > 1e-9) {
        steps += 1;
    }
    *polls = steps > 1 ? steps : 1;
    return t0_s + steps * interval_s;
}

/* The same with sleeps that double from `first_s` up to `most_s` (at most first_s: all alike), and
 * a poll that itself takes `poll_s`. *gap_s is the last sleep and poll, what a signal can lose. */
static inline double poll_doubling(double t0_s, double ready_s, double first_s, double most_s,
                                   double poll_s, double *polls, double *gap_s)
{
    *gap_s = first_s + poll_s;
    if (first_s <= 0 || most_s <= first_s) {
        return poll_time(t0_s, ready_s, *gap_s, polls);
    }
    double at_s = t0_s;
    double sleep_s = first_s;
    for (*polls = 1; at_s < ready_s * (1 - 1e-12) && sleep_s < most_s; *polls += 1) {
        *gap_s = sleep_s + poll_s;
        at_s += *gap_s;
        sleep_s *= 2;
    }
    if (at_s >= ready_s * (1 - 1e-12)) {
        return at_s;
    }
    double more = 1;
    *gap_s = most_s + poll_s;
    at_s = poll_time(at_s, ready_s, *gap_s, &more);
    *polls += more;
    return at_s;
}

/* A readable listing: role, op, count, size, store, phase. */
void program_write(const struct program *p, const char *const store_names[STORE_USES],
                   struct text *out);

#endif
