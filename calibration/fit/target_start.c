/* Start-up of functions as keys of a platform. */
#include "calibration/fit/target.h"

#include <math.h>

static void put_mode(struct entry *e, const char *key, const struct start_mode *m)
{
    /* The quantiles of a mode are those of its own fitted sample: 101 of them say enough. */
    const struct sample view = {.value = m->quantile, .n = EMPIRICAL_QUANTILES};
    entry_distribution(e, key, &m->delay, m->families, &m->effect, &view);
    if (!isnan(m->growth_s.value)) {
        char name[64];
        snprintf(name, sizeof name, "%s_growth_per_function", key);
        entry_detail(e, name, &m->growth_s, 1);
    }
}

enum status fit_start(struct entry *e, struct error *err)
{
    struct start_law law;
    if (start_fit(e->trace, 0, &law, err) != STATUS_OK) {
        return err->code;
    }
    if (law.cold.n > 0) {
        put_mode(e, "start_s", &law.cold);
    }
    if (law.warm.n > 0) {
        put_mode(e, "warm_start_s", &law.warm);
    }
    if (!isnan(law.pace_s.value)) {
        entry_number_of_runs(e, "invoke_latency_s", &law.pace_s, law.bursts, law.pace_sd,
                             "between two invocations of one client");
    }
    entry_say(e, "%zu bursts, %zu cold and %zu warm starts%s\n", law.bursts, law.cold.n, law.warm.n,
              law.modes_guessed ? " (told apart by their times alone)" : "");
    if (law.kinds > 1) {
        entry_say(e,
                  "%zu functions or memory sizes in one fit, their differences in run_sd: "
                  "--where keeps one\n",
                  law.kinds);
    }
    if (law.pool_bursts > 0) {
        char said[160];
        snprintf(said, sizeof said,
                 "the pool left by the bursts before explains the cold starts of %zu of %zu bursts",
                 law.pool_explained, law.pool_bursts);
        entry_detail_text(e, "pool", said);
    }
    return STATUS_OK;
}
