/* Inner pair of evaluate.c: clocks of roles and channels walking through a program. */
#ifndef MODEL_WALK_H
#define MODEL_WALK_H

#include "model/model.h"

/* fmax and fmin without their care for NaN, which no time here is: the calls were 3 % of a sweep.
 */
static inline double larger(double a, double b)
{
    return a > b ? a : b;
}

static inline double smaller(double a, double b)
{
    return a < b ? a : b;
}

/* Where a role (or the last signal of a channel) stands, and how it came there:
 * at_s = start of the segment + start_s + wait_s + sum of phase_s. */
struct clock {
    double at_s;
    double wait_s;               /* poll slack and stragglers */
    double start_s;              /* starts of called functions */
    double noisy_s, variance_s2; /* since the last barrier: mean and variance of noisy work */
    double phase_s[PHASE_LIMIT];
};

/* Actors that arrive together at at_s, the last noisy_s of it noisy work of this variance. */
struct arrival {
    double actors, at_s, noisy_s, variance_s2;
};

struct channel_state {
    double signals; /* on each instance, since the segment's start */
    double awaited[ROLE_LIMIT];
    uint32_t producer_roles;             /* bit set */
    bool from_self;                      /* each instance hears one actor only: no barrier */
    struct arrival arrivals[ROLE_LIMIT]; /* last signals of the producers */
    struct clock last;
};

/* What one round adds, once rounds repeat. */
struct increment {
    double period_s; /* of the round: the largest of the roles */
    double rounds;   /* walked until the increments repeated */
    struct clock roles[ROLE_LIMIT];
    double polls[STORE_USES][2];
};

/* When the roles of a contention class began to transfer, in one round. */
struct meeting {
    double first_s, last_s;
    bool met, shared;
};

/* Sandboxes that calls have left, since when they are idle. */
struct idle {
    double since_s, functions;
};
enum { IDLE_GROUPS = 32 };

struct walk {
    struct meeting (*meetings)[STORE_USES][2]; /* by phase; NULL: not watched */
    uint32_t spread;                           /* watched: roles whose actors are out of step */
    bool begun;                                /* the first iteration is over */
    bool cold, mixed; /* calls found too few warm sandboxes again; some, but too few */
    const struct config *config;
    struct evaluator *evaluator;
    double polls[STORE_USES][2]; /* all actors: LIST, failed GET */
    /* Of called roles: when the last call began and ended, how long it and its start took. */
    double call_start_s[ROLE_LIMIT], call_end_s[ROLE_LIMIT];
    double call_s[ROLE_LIMIT], starting_s[ROLE_LIMIT];
    /* Of these calls, those that found a warm sandbox where others did not, and by how much they
     * are ahead of them. */
    double early[ROLE_LIMIT], early_s[ROLE_LIMIT];
    struct idle idle[IDLE_GROUPS];
    uint32_t n_idle;
    struct clock roles[ROLE_LIMIT];
    struct channel_state channels[CHANNEL_LIMIT];
};

void walk_start(struct walk *w, const struct config *c, struct evaluator *e, double start_s);
/* Only what the program uses is copied. */
void walk_copy(struct walk *to, const struct walk *from);
/* All roles through one span. ERR_DEADLOCK when a wait is never met. */
enum status walk_span(struct walk *w, enum span_kind kind, struct error *err);
/* Rounds until the increments of all clocks repeat, at most `limit` of them. */
enum status walk_steady(struct walk *w, double limit, struct increment *out, struct error *err);
/* `rounds` more rounds of this increment, all times scaled by `stretch`. */
void walk_extend(struct walk *w, const struct increment *increment, double rounds, double stretch);
/* One more round after a steady walk: do roles share a store without starting together? Then
 * counting all of them as present is an upper bound. */
enum status walk_watch(const struct walk *steady, bool *apart, struct error *err);
/* The role that ends last. */
const struct clock *walk_last(const struct walk *w);
/* Mean and noise of every op into e->op_s, e->op_noise_s. *slowed: by how much, as a ratio, sharing
 * a store makes some op longer at most; *noisy: is there any noise? */
enum status time_ops(const struct config *c, struct evaluator *e, double *slowed, bool *noisy,
                     struct error *err);
/* Mean time of a PUT or GET of a role with so many actors, so many clients in its phase. */
double transfer_time(const struct config *c, const struct op *op, enum host_use host,
                     uint32_t actors, double clients, double *slowed);
/* Seconds a worker needs for one cycle among `workers` asynchronous ones. */
double asynchronous_cycle(const struct config *c, const struct evaluator *e, double lockstep_s,
                          double workers);
/* expected_maximum_excess, remembered. */
double cached_excess(struct evaluator *e, double n, double cv);
/* Mean time of the latest of several groups, remembered (latest.c). */
double expected_latest(struct evaluator *e, const struct arrival *arrivals, size_t count);
/* E[max of n] - mean for noisy work of this mean and standard deviation (maximum.c). */
double walk_excess(struct evaluator *e, double n, double mean_s, double noise_s);

#endif
