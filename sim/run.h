/* One run of a plan, event by event: the state and the functions its files share.
 *
 * All state of a run is in struct run, allocated once from the plan's counts; nothing is
 * allocated after the first event, and a run can be repeated with other random numbers at no cost
 * but a reset. Actors are program counters: an event of an actor, or of one of its requests,
 * resumes it where it stands. Files:
 *
 *     actor.c     ops, spans and rounds          channel.c   signals and waits
 *     transfer.c  requests, flows, rate caps     platform.c  starts, warm sandboxes, crashes, bills
 *     run.c       segments, extension, tally
 */
#ifndef SIM_RUN_H
#define SIM_RUN_H

#include "sim/event_queue.h"
#include "sim/fluid.h"
#include "sim/plan.h"
#include "sim/pool.h"

/* What a stream is for. The entity of a stream is (occurrence, actor within its role): the
 * occurrence is a round, a start or a segment, so that what happens in one does not shift the draws
 * of the next. */
enum purpose {
    PURPOSE_NOISE, /* compute: noise and stragglers, by round */
    PURPOSE_LATENCY,
    PURPOSE_RETRY,
    PURPOSE_LOST,
    PURPOSE_START,
    PURPOSE_SPEED,
    PURPOSE_CRASH,
    PURPOSE_RUN,
    PURPOSE_PACING,
    PURPOSE_EXTEND,
    PURPOSE_SETTLE,
    PURPOSE_TRANSFER,
};

enum event_class { CLASS_COMPLETION, CLASS_ACTOR, CLASS_TIMER };

enum actor_state {
    ACTOR_IDLE,      /* segment not begun, or over */
    ACTOR_INVOKED,   /* the invocation is on its way */
    ACTOR_QUEUED,    /* held back by the account's limit */
    ACTOR_STARTING,  /* sandbox and imports */
    ACTOR_BEGINNING, /* machine boots, client opens */
    ACTOR_RESUMING,  /* goes on with the round from its start */
    ACTOR_COMPUTING,
    ACTOR_CODING, /* serialises before a PUT or after a GET */
    ACTOR_REQUESTING,
    ACTOR_WAITING, /* for signals */
    ACTOR_POLLING, /* signals are there; sees them at its next poll */
};

/* Length of the rounds of a segment after the transient (Welford's recurrence). */
struct round_stats {
    double mean_s, squares;
    uint64_t count;
};

struct actor {
    struct random_stream noise, latency;
    double since_s; /* when the present op, wait or start began */
    double asked_s; /* when its invocation arrived, as a time of the job */
    double alive_from_s, billed_from_s, ended_s;
    double speed;      /* compute time over the mean's */
    double slowness;   /* transfer time over the mean's */
    double link_bytes; /* tokens of its link's bucket at link_at_s */
    double link_at_s;
    double early_s, late_s; /* when the transient rounds, and the last round played, were done */
    struct round_stats own; /* of an asynchronous job: its rounds after the transient */
    uint64_t wait_count, sandbox, kept_sandbox;
    uint32_t wait_generation, next_waiting;
    uint32_t op, loop_round, step;      /* step: ops done in this span, loops multiplied out */
    uint32_t round;                     /* rounds finished in this segment */
    uint32_t requests, issued, settled; /* of the present op: in all, begun, done */
    uint32_t flows;                     /* requests moving data now */
    uint32_t incarnation;               /* starts so far */
    uint32_t mark_step, mark_issued;    /* how far marked_span had come before a crash */
    uint8_t state, span, resume;        /* resume: span to go on with after the set-up */
    uint8_t marked_span;
    bool marked, set_up; /* set_up: has set up once in this segment */
    bool running;        /* a function that is alive */
    bool succeeds;       /* its invocation by its predecessor has not arrived yet */
    bool keeps_sandbox;  /* its predecessor is alive: kept_sandbox is not free yet */
    bool bursting, coded, timed_out;
};

enum lane_state { LANE_IDLE, LANE_LATENCY, LANE_TRANSFER, LANE_FLOW, LANE_BACKOFF, LANE_LOST };

struct lane {
    double left_bytes; /* of the flow, when its link's bucket was last looked at */
    double sent_s;     /* when its present request was sent */
    double flow_s;     /* when that began to move data */
    uint32_t request;  /* index within the op */
    uint32_t unsent;   /* request whose signal a crash kept back, or PLAN_NONE */
    uint16_t attempts;
    uint8_t state;
};

enum { GENERATIONS = 4 }; /* rounds of one channel under way together */

struct generation {
    uint64_t count; /* signals so far */
    uint64_t wake;  /* least count somebody waits for */
    uint32_t number;
    uint32_t passed; /* awaits done with it */
};

struct instance {
    struct generation generations[GENERATIONS];
    uint32_t first_waiting, last_waiting;
};

/* A request-rate cap. */
struct bucket {
    double tokens, at_s, per_s, depth;
};

/* Throughput credits of a file system: full speed while they last, the baseline after. */
struct credit {
    double bytes, at_s, moved_bytes;
    bool spent;
};

/* The rounds of a job that were not played: their time by the means of those that were, and the
 * variance of that time for the means being known from few rounds only. */
struct extension {
    double mean_s, rounds, variance_s2;
};

enum { ROUNDS_OPEN = 64, TRANSIENT_ROUNDS = 2 };

struct counters {
    double partial_bytes[FLUIDS];       /* of aborted flows */
    double polls[STORE_USES][2];        /* LIST, failed GET */
    double steady_polls[STORE_USES][2]; /* the same in this segment, after the transient */
    double billed_s[ROLE_LIMIT], host_s[ROLE_LIMIT];
    double steady_billed_s[ROLE_LIMIT], steady_host_s[ROLE_LIMIT];     /* of calls */
    double played[ROLE_LIMIT], extended[ROLE_LIMIT];                   /* actor rounds */
    double extended_billed_s[ROLE_LIMIT], extended_host_s[ROLE_LIMIT]; /* not played */
    double invocations, cold, warm, queued;
    double throttled, crashes, timeouts, lost, redone;
};

struct timeline;           /* sim/timeline.h */
struct simulation_options; /* sim/sim.h */

struct run {
    const struct plan *plan;
    uint64_t seed, replication;
    struct event_queue queue;
    struct actor *actors;
    struct lane *lanes;
    struct instance *instances;
    uint64_t *tried, *moved;                     /* by op: requests sent, requests done */
    double *clocks, *early_clocks, *late_clocks; /* per actor: its phases, wait, start */
    uint32_t stride;
    struct fluid fluids[FLUIDS];
    struct bucket buckets[FLUIDS];
    struct credit credits[STORE_USES];
    unsigned stale; /* bit set of fluids whose next completion must be scheduled anew */
    struct pool pool;
    uint32_t *queued; /* ring of actors held back by the account's limit */
    uint32_t queued_first, queued_count, running;
    uint32_t successors; /* functions of this segment whose invocation has not arrived yet */
    double ramp_at_s;    /* when the next new environment may start */
    bool drawn[EFFECTS]; /* false: the mean */
    double effect[EFFECTS];
    double straggler_share, lost_update_share;
    /* the segment */
    uint32_t segment, ended;
    double segment_from_s, segment_rounds, rounds_before;
    uint32_t stop_round, front;     /* front: most rounds any actor has finished */
    bool last_segment, stopping;    /* stopping: every actor ends with the round it is in */
    uint32_t finished[ROUNDS_OPEN]; /* actors that have finished the round, by round modulo */
    uint32_t full_rounds;
    double full_round_s; /* when the last full round ended */
    struct round_stats stats;
    /* the job */
    double extended_s; /* time of the rounds that were not played */
    struct extension extension;
    double played_rounds, extended_rounds;
    double round_sum_s, round_count;
    double job_clocks[PHASE_LIMIT + 2];
    struct counters counters;
    struct tally tally;
    bool done;
    /* how to play */
    bool exact; /* every round */
    struct timeline *timeline;
    const struct simulation_options *watch; /* whom to tell of starts; NULL: nobody */
    bool (*interrupted)(void);              /* NULL: never */
    enum status failed;
    struct error *err;
    void *block;
};

/* Time of the job, s: the queue's clock and the rounds that were not played. */
static inline double run_now(const struct run *s)
{
    return s->queue.now_s + s->extended_s;
}

static inline double *clocks_of(const struct run *s, double *clocks, uint32_t a)
{
    return clocks + (size_t)a * s->stride;
}

/* Record the first failure; the run stops. */
void run_fail(struct run *s, enum status code, const char *what);
static inline void run_at(struct run *s, uint32_t slot, enum event_class class, double time_s)
{
    if (!event_queue_schedule(&s->queue, slot, class, time_s)) {
        run_fail(s, ERR_NUMERIC, "an event at no time: a duration is negative or not finite");
    }
}

/* Slots of the event queue, in this order: actors, lanes, fluids, credits of stores, ends of
 * functions (crash or time limit), link buckets. */
static inline uint32_t slot_of_lane(const struct run *s, uint32_t lane)
{
    return s->plan->actors + lane;
}
static inline uint32_t slot_of_fluid(const struct run *s, uint32_t fluid)
{
    return s->plan->actors + s->plan->lanes + fluid;
}
static inline uint32_t slot_of_credit(const struct run *s, uint32_t store)
{
    return slot_of_fluid(s, FLUIDS) + store;
}
static inline uint32_t slot_of_kill(const struct run *s, uint32_t a)
{
    return slot_of_credit(s, STORE_USES) + a;
}
static inline uint32_t slot_of_link(const struct run *s, uint32_t a)
{
    return slot_of_kill(s, s->plan->actors) + a;
}

/* Number of an actor within its role. */
static inline uint32_t self_of(const struct plan *p, uint32_t a)
{
    return a - p->roles[p->actor_role[a]].first_actor;
}

/* The stream of actor a for a purpose, at its nth occurrence. */
static inline struct random_stream stream_of(const struct run *s, uint32_t a, enum purpose purpose,
                                             uint64_t occurrence)
{
    const struct plan *const p = s->plan;
    return random_open(s->seed, s->replication, occurrence << 32 | self_of(p, a),
                       p->roles[p->actor_role[a]].name_hash ^ (uint64_t)purpose);
}

/* A quantity of the configuration, times its effect in this run; its mean when it is not played. */
static inline double run_draw(const struct run *s, const struct quantity *q, unsigned effect,
                              struct random_stream *r)
{
    return s->drawn[effect] ? quantity_draw(q, r) * s->effect[effect] : q->mean;
}

/* ---------------------------------------------------------------- actor.c */

/* Go on with the present op of a: run until something takes time. */
void actor_run(struct run *s, uint32_t a);
/* The present op of a is done: book its time and go on. */
void actor_op_done(struct run *s, uint32_t a);
void actor_event(struct run *s, uint32_t a);
/* A function has started (or an actor that needs no start). */
void actor_begin(struct run *s, uint32_t a);
void actor_enter_span(struct run *s, uint32_t a, enum span_kind span);
/* Global index of the round a is in, for its draws. */
uint64_t actor_round(const struct run *s, uint32_t a);
/* Is what a does a repetition of what it did before a crash? */
bool actor_repeats(const struct run *s, uint32_t a, uint32_t request);

/* ---------------------------------------------------------------- channel.c */

/* Request `request` of a's present op is done: tell whom it concerns. */
void channel_signal(struct run *s, uint32_t a, uint32_t request);
/* a is at an await: true when the signals are there, else a waits. */
bool channel_await(struct run *s, uint32_t a);
/* a stops waiting (it crashed). */
void channel_leave(struct run *s, uint32_t a);
void channel_reset(struct run *s);
/* Forget all signals of round `round` and later (the round is done again). */
void channel_rewind(struct run *s, uint32_t round);

/* ---------------------------------------------------------------- transfer.c */

void transfer_reset(struct run *s);
/* Send the requests of a's present op. */
void transfer_begin(struct run *s, uint32_t a);
void transfer_event(struct run *s, uint32_t lane);
void transfer_complete(struct run *s, uint32_t fluid);
void transfer_link_event(struct run *s, uint32_t a);
void transfer_credit_event(struct run *s, uint32_t store);
/* Schedule anew the next completion of every fluid that changed. */
void transfer_refresh(struct run *s);
/* a crashed: stop its requests; those whose signals are still due are remembered. */
void transfer_abort(struct run *s, uint32_t a);
bool transfer_owes(const struct run *s, uint32_t a, uint32_t request);
/* a has serialised what it sends, or received. */
void transfer_coded(struct run *s, uint32_t a);

/* ---------------------------------------------------------------- platform.c */

void platform_reset(struct run *s);
/* Begin the segment: invoke or boot everybody. */
void platform_begin(struct run *s);
/* The invocation of a has arrived. */
void platform_arrived(struct run *s, uint32_t a);
/* A function may start: an invocation has arrived, or what a call waits for has come. */
void platform_start(struct run *s, uint32_t a);
/* A called function has done its round. */
void platform_end_call(struct run *s, uint32_t a);
/* Book a function's life until `end_s` plus rounds not played. */
void platform_bill(struct run *s, uint32_t a, double end_s, double extended_s);
/* A function that lives as long as the job has ended for this segment. */
void platform_end_job(struct run *s, uint32_t a);
void platform_kill(struct run *s, uint32_t a);

/* ---------------------------------------------------------------- run.c */

/* Room for playing a plan. Owns: free with run_free(). */
enum status run_init(struct run *s, const struct plan *plan, struct error *err);
void run_free(struct run *s);
/* Play one replication; s->tally is the job. Errors: ERR_INFEASIBLE when everybody waits for
 * functions that cannot start; ERR_NUMERIC; ERR_INTERRUPTED. */
enum status run_play(struct run *s, uint64_t seed, uint64_t replication, struct error *err);
/* The same for somebody who looks at the state between events: begin, then step by step. False
 * when there is nothing more to play: s->failed, and s->tally when it is STATUS_OK. */
void run_begin(struct run *s, uint64_t seed, uint64_t replication, struct error *err);
bool run_step(struct run *s);
/* s->tally of a run that is done. */
void run_tally(struct run *s);
/* a has finished a round: is it the segment's last? */
bool run_round_done(struct run *s, uint32_t a);
/* The span after the rounds: a checkpoint, or in the last segment the final write. */
enum span_kind run_last_span(const struct run *s);
/* a has finished its last span of the segment. */
void run_actor_ended(struct run *s, uint32_t a);
/* All actors of the segment have ended: its clocks and counters, those of unplayed rounds too
 * (sim/extend.c). */
void run_extend_segment(struct run *s);
/* Standard deviation of the lengths of rounds, s; 0 of one round. */
double run_spread(const struct round_stats *r);
/* Everybody is back at the beginning of round `round`. */
void run_rewind(struct run *s, uint32_t round);

#endif
