/* Inner header: a range of points on its way: given out, computed by a thread or another machine,
 * taken back. */
#ifndef SWEEP_CHUNK_H
#define SWEEP_CHUNK_H

#include "sim/sim.h"
#include "sweep/record.h"
#include "sweep/sweep.h"

enum { CHUNK_SPAN = 1024 };

struct chunk {
    struct team_task task; /* first: a task is its chunk */
    bool simulate;
    uint64_t from;
    uint32_t span;
    unsigned char wanted[CHUNK_SPAN]; /* which points of it */
    struct batch rows;
    uint32_t skipped, failed;
    uint64_t failed_at; /* the first of them */
    struct error err;   /* of that point */
    bool interrupted;   /* the rest was left out */
    double took_s;      /* to compute it */
};

/* What one thread computes with. */
struct lane {
    struct scenario_cursor cursor;
    struct evaluator evaluator;
    bool (*interrupted)(void);
    bool fail_fast;
};
enum status lane_init(struct lane *l, const struct scenario *s, const struct sweep_options *o,
                      struct error *err);
void lane_free(struct lane *l);
void lane_compute(struct lane *l, struct chunk *c);
/* How many chunks that take so long are computed while a batch of rows is written. */
double sweep_ahead(double took_s);

#endif
