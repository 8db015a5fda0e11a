/* What happened when, for looking at: spans of ops by actor, rates of stores, functions running.
 *
 * The memory is fixed before the run: the first rounds are kept, up to a number of spans; nothing
 * is lost silently (`truncated`).
 */
#ifndef SIM_TIMELINE_H
#define SIM_TIMELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/base/base.h"

struct plan;
struct run;

enum timeline_kind { TIMELINE_OP, TIMELINE_WAIT, TIMELINE_START, TIMELINE_MARK };

struct timeline_span {
    double from_s, to_s;
    const char *mark; /* of a TIMELINE_MARK: static string */
    uint32_t actor, op, round;
    enum timeline_kind kind;
};

/* A counter's new value: the rate of a fluid (by number), or functions running. */
enum { TIMELINE_RUNNING = UINT16_MAX };
struct timeline_sample {
    double at_s, value;
    uint16_t series;
};

struct timeline {
    struct timeline_span *spans;
    struct timeline_sample *samples;
    size_t n_spans, spans_max, n_samples, samples_max;
    uint32_t rounds; /* the first so many are kept */
    bool truncated;
};

/* Room for so many spans and as many samples. Owns: free with timeline_free(). Errors: ERR_MEMORY.
 */
enum status timeline_init(struct timeline *t, size_t spans_max, uint32_t rounds, struct error *err);
void timeline_free(struct timeline *t);

void timeline_span(struct timeline *t, const struct run *s, uint32_t a, enum timeline_kind kind,
                   double from_s, double to_s, const char *mark);
void timeline_sample(struct timeline *t, const struct run *s, uint16_t series, double value);

/* Chrome's trace event format (opens in Perfetto and chrome://tracing): a lane per actor and store,
 * a span per op, counters for store rates and running functions. */
void text_timeline(struct text *out, const struct timeline *t, const struct plan *plan);
/* Columns lane, op, category, from_s, to_s, for gnuplot. */
void text_gantt(struct text *out, const struct timeline *t, const struct plan *plan,
                uint32_t round);

#endif
