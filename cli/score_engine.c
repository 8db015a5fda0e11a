#include "cli/score_engine.h"

#include "sim/sim.h"

enum status score_simulate(const struct config *config, struct evaluator *e, struct row *row,
                           struct tally *tally, struct error *err)
{
    const struct simulation_options options = {.threads = 1};
    const double baseline_s = row->baseline_time_s;
    struct simulation_outcome out;
    if (simulate(config, e, &options, &out, err) == STATUS_OK) {
        *tally = out.tally;
        row_fill(row, config, &out.tally, &out.money);
        row->baseline_time_s = baseline_s;
        row->speedup = baseline_s / row->time_s;
    }
    return err->code;
}
