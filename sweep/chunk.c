/* Points of a chunk, one after another. */
#include "sweep/chunk.h"

#include <math.h>

double sweep_ahead(double took_s)
{
    static const double write_s = 0.04; /* a batch: 16384 rows of 2 us each (bench/README.md) */
    enum { AHEAD_MAX = 32 };
    return took_s > 0 ? fmin(write_s / took_s, AHEAD_MAX) : 0;
}

enum status lane_init(struct lane *l, const struct scenario *s, const struct sweep_options *o,
                      struct error *err)
{
    *l = (struct lane){.interrupted = o->interrupted, .fail_fast = o->fail_fast};
    return cursor_init(&l->cursor, s, err);
}

void lane_free(struct lane *l)
{
    cursor_free(&l->cursor);
    evaluator_free(&l->evaluator);
}

static enum status compute(struct lane *l, struct chunk *c, uint64_t point, struct error *err)
{
    struct row row;
    bool skipped = false;
    if (c->simulate) {
        const struct simulation_options o = {.threads = 1, .interrupted = l->interrupted};
        struct simulation_outcome outcome;
        if (simulate_point(&l->cursor, point, &l->evaluator, &o, &row, &outcome, &skipped, err) ==
                STATUS_OK &&
            outcome.interrupted) {
            return RAISE(err, ERR_INTERRUPTED, "interrupted"); /* half an answer is none */
        }
    } else {
        predict_point(&l->cursor, point, &l->evaluator, &row, NULL, NULL, &skipped, err);
    }
    if (err->code == STATUS_OK && skipped) {
        c->skipped++;
    } else if (err->code == STATUS_OK) {
        batch_add(&c->rows, &row, cursor_identity(&l->cursor, c->simulate), err);
    }
    return err->code;
}

void lane_compute(struct lane *l, struct chunk *c)
{
    const double start_s = monotonic_s();
    batch_clear(&c->rows);
    c->skipped = c->failed = 0;
    c->interrupted = false;
    c->err = (struct error){0};
    for (uint32_t i = 0; i < c->span && !c->interrupted; i++) {
        struct error err = {0};
        if (c->wanted[i] == 0 || compute(l, c, c->from + i, &err) == STATUS_OK) {
            continue;
        }
        if (err.code == ERR_INTERRUPTED) {
            c->interrupted = true;
            continue;
        }
        if (c->failed++ == 0) {
            c->err = err;
            c->failed_at = c->from + i;
        }
        c->interrupted = l->fail_fast;
    }
    c->took_s = monotonic_s() - start_s;
}
