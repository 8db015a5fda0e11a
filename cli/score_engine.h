/* The simulator behind `score`; apart because both doors name a struct estimate. */
#ifndef CLI_SCORE_ENGINE_H
#define CLI_SCORE_ENGINE_H

#include "model/model.h"

/* Simulates a finished configuration; *row and *tally take the means. Baseline columns stay. */
enum status score_simulate(const struct config *config, struct evaluator *e, struct row *row,
                           struct tally *tally, struct error *err);

#endif
