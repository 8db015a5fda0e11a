#include "cli/score_engine.h"

#include "sim/sim.h"

#include <stdlib.h>
#include <string.h>

static void keep_run(double time_s, double cost_usd, void *context)
{
    struct score_runs *runs = context;
    if (runs->n == runs->capacity) {
        const size_t capacity = runs->capacity > 0 ? 2 * runs->capacity : 256;
        double *grown = malloc(3 * capacity * sizeof *grown);
        if (grown == NULL) {
            runs->failed = true;
            return;
        }
        if (runs->n > 0) {
            memcpy(grown, runs->time_s, runs->n * sizeof *grown);
            memcpy(grown + capacity, runs->cost_usd, runs->n * sizeof *grown);
        }
        free(runs->time_s);
        runs->time_s = grown;
        runs->cost_usd = grown + capacity;
        runs->value = grown + 2 * capacity;
        runs->capacity = capacity;
    }
    runs->time_s[runs->n] = time_s;
    runs->cost_usd[runs->n++] = cost_usd;
}

enum status score_simulate(const struct config *config, struct evaluator *e, struct row *row,
                           struct tally *tally, struct score_runs *runs, struct error *err)
{
    const struct simulation_options options = {.threads = 1, .each_run = keep_run, .context = runs};
    const double baseline_s = row->baseline_time_s;
    struct simulation_outcome out;
    runs->n = 0;
    if (simulate(config, e, &options, &out, err) == STATUS_OK) {
        *tally = out.tally;
        row_fill(row, config, &out.tally, &out.money);
        row->baseline_time_s = baseline_s;
        row->speedup = baseline_s / row->time_s;
    }
    return err->code == STATUS_OK && runs->failed ? RAISE(err, ERR_MEMORY, "out of memory for runs")
                                                  : err->code;
}

void score_runs_free(struct score_runs *runs)
{
    free(runs->time_s);
    *runs = (struct score_runs){0};
}
