/* What happened when, for looking at: spans of ops, waits, starts and lives, by actor.
 *
 * The memory is fixed before the run: the first rounds are kept, up to a number of spans; nothing
 * is lost silently (`truncated`). What stores carry and how many functions run is worked out from
 * the spans.
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

struct timeline {
    struct timeline_span *spans;
    size_t n_spans, spans_max;
    uint32_t rounds; /* the first so many are kept */
    bool truncated;
};

/* Room for so many spans. Owns: free with timeline_free(). Errors: ERR_MEMORY. */
enum status timeline_init(struct timeline *t, size_t spans_max, uint32_t rounds, struct error *err);
void timeline_free(struct timeline *t);

void timeline_span(struct timeline *t, const struct run *s, uint32_t a, enum timeline_kind kind,
                   double from_s, double to_s, const char *mark);

/* Chrome's trace event format (opens in Perfetto and chrome://tracing): a lane per actor with a
 * span per op, and counters of running functions and of each store's requests and bytes per second.
 */
void text_timeline(struct text *out, const struct timeline *t, const struct plan *plan);
/* Columns lane, from_s, to_s, category, role, name of one round, for plots/gantt.gp. */
void text_gantt(struct text *out, const struct timeline *t, const struct plan *plan,
                uint32_t round);

#endif
