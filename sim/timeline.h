/* What happened when, for looking at: spans of ops, waits, starts and lives, by actor.
 *
 * The memory is fixed before the run: the first rounds are kept, up to a number of spans; nothing
 * is lost silently (`truncated`). Next to the spans, every request to a store and every change of
 * what a shared store moves: as long as anybody is in the rounds that are kept.
 */
#ifndef SIM_TIMELINE_H
#define SIM_TIMELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/base/base.h"

struct plan;
struct run;

enum timeline_kind {
    TIMELINE_OP,
    TIMELINE_WAIT,
    TIMELINE_START,
    TIMELINE_LIFE, /* of a function, whatever the round */
    TIMELINE_MARK
};

struct timeline_span {
    double from_s, to_s;
    const char *mark; /* of a TIMELINE_MARK: static string */
    uint32_t actor, op, round;
    enum timeline_kind kind;
};

/* One try of a request to a store: sent, data moving from flow_s (never, when that is not before
 * to_s), answered. What waits before it is tried again is not at the store. */
struct timeline_request {
    double sent_s, flow_s, to_s;
    uint32_t actor, op;
};

/* What the flows of one store in one direction move together from now on. */
struct timeline_rate {
    double at_s, bytes_per_s;
    uint32_t fluid;
};

struct timeline {
    struct timeline_span *spans;
    struct timeline_request *requests;
    struct timeline_rate *rates;
    size_t n_spans, n_requests, n_rates, each_max; /* room for so many of each */
    uint32_t rounds;                               /* the first so many are kept */
    bool over;                                     /* everybody is past them */
    bool truncated;
};

/* Room for so many spans, requests and rates each. Owns: free with timeline_free().
 * Errors: ERR_MEMORY. */
enum status timeline_init(struct timeline *t, size_t each_max, uint32_t rounds, struct error *err);
void timeline_free(struct timeline *t);

void timeline_span(struct timeline *t, const struct run *s, uint32_t a, enum timeline_kind kind,
                   double from_s, double to_s, const char *mark);
/* A request of a's present op is answered now, by its data, by a 503 or by nobody (a crashed). */
void timeline_request(struct timeline *t, const struct run *s, uint32_t a, double sent_s,
                      double flow_s);
void timeline_rate(struct timeline *t, const struct run *s, uint32_t fluid, double bytes_per_s);

/* Chrome's trace event format (opens in Perfetto and chrome://tracing): a lane per actor with a
 * span per op, and counters of running functions and of each store's requests and bytes per second.
 */
void text_timeline(struct text *out, const struct timeline *t, const struct plan *plan);
/* Columns round, lane (number within its role), from_s, to_s, category, role, name of one round,
 * for plots/gantt.gp. */
void text_gantt(struct text *out, const struct timeline *t, const struct plan *plan,
                uint32_t round);

#endif
