/* Keeping and writing the timeline: see timeline.h. */
#include "sim/timeline.h"

#include <stdlib.h>

#include "sim/run.h"

enum status timeline_init(struct timeline *t, size_t spans_max, uint32_t rounds, struct error *err)
{
    *t = (struct timeline){.spans_max = spans_max, .samples_max = spans_max, .rounds = rounds};
    t->spans = malloc(spans_max * sizeof *t->spans);
    t->samples = malloc(spans_max * sizeof *t->samples);
    if (t->spans == NULL || t->samples == NULL) {
        timeline_free(t);
        return RAISE(err, ERR_MEMORY, "no memory for a timeline of %zu spans", spans_max);
    }
    return STATUS_OK;
}

void timeline_free(struct timeline *t)
{
    free(t->spans);
    free(t->samples);
    *t = (struct timeline){0};
}

void timeline_span(struct timeline *t, const struct run *s, uint32_t a, enum timeline_kind kind,
                   double from_s, double to_s, const char *mark)
{
    const struct actor *const actor = &s->actors[a];
    const uint64_t round = actor_round(s, a);
    if (round >= t->rounds || t->n_spans == t->spans_max) {
        t->truncated = true;
        return;
    }
    t->spans[t->n_spans++] = (struct timeline_span){.from_s = from_s + s->extended_s,
                                                    .to_s = to_s + s->extended_s,
                                                    .mark = mark,
                                                    .actor = a,
                                                    .op = actor->op,
                                                    .round = (uint32_t)round,
                                                    .kind = kind};
}

void timeline_sample(struct timeline *t, const struct run *s, uint16_t series, double value)
{
    if (s->rounds_before + s->front >= t->rounds || t->n_samples == t->samples_max) {
        t->truncated = true;
        return;
    }
    t->samples[t->n_samples++] = (struct timeline_sample){run_now(s), value, series};
}
