/* The simulator behind `score`; apart because both doors name a struct estimate. */
#ifndef CLI_SCORE_ENGINE_H
#define CLI_SCORE_ENGINE_H

#include "model/model.h"

/* What every run of a simulation took; `value` is room for as many. Reused between calls. */
struct score_runs {
    double *time_s, *cost_usd, *value;
    size_t n, capacity;
    bool failed; /* out of memory */
};

/* Simulates a finished configuration; *row and *tally take the means, *runs every run. Baseline
 * columns stay. */
enum status score_simulate(const struct config *config, struct evaluator *e, struct row *row,
                           struct tally *tally, struct score_runs *runs, struct error *err);
void score_runs_free(struct score_runs *runs);

#endif
