/* One point of a sweep, from configuration to row: finish, evaluate or replay the chosen printed
 * equation, price, compare with the baseline. */
#include "model/scenario.h"

#include <math.h>
#include <string.h>

/* Time by the chosen reading. A printed equation gives the time and its parts only: counts, and so
 * requests, stay the protocol's. */
static enum status replay(const struct config *c, struct tally *t, struct error *err)
{
    if (c->system.reading == READING_PROTOCOL) {
        return STATUS_OK;
    }
    struct reading_result r;
    if (reading_evaluate(c, &r, err) != STATUS_OK) {
        return err->code;
    }
    const double ratio = t->time_s > 0 ? r.time_s / t->time_s : 1;
    for (int i = 0; i < ROLE_LIMIT; i++) {
        t->billed_s[i] *= ratio;
        t->host_s[i] *= ratio;
    }
    t->time_s = r.time_s;
    t->iteration_s = r.iteration_s;
    memset(t->category_s, 0, sizeof t->category_s);
    t->category_s[CATEGORY_STARTUP] = r.startup_s;
    t->category_s[CATEGORY_LOAD] = r.load_s;
    t->category_s[CATEGORY_COMPUTE] = r.compute_s;
    t->category_s[CATEGORY_EXCHANGE] = r.exchange_s;
    t->category_s[CATEGORY_CHECKPOINT] = r.checkpoint_s;
    return STATUS_OK;
}

enum status predict_tally(struct config *c, struct evaluator *e, struct tally *t, struct error *err)
{
    if (config_finish(c, err) != STATUS_OK || evaluate(c, e, t, err) != STATUS_OK) {
        return err->code;
    }
    return replay(c, t, err);
}

static enum status predict_against(struct config *c, double baseline_s, struct evaluator *e,
                                   struct row *row, struct tally *tally, struct ledger *ledger,
                                   struct error *err)
{
    struct tally own;
    struct tally *t = tally != NULL ? tally : &own;
    struct error why = {0};
    row_init(row);
    row->engine = "predict";
    const enum status status = predict_tally(c, e, t, &why);
    if (status == ERR_INFEASIBLE) {
        row_fill(row, c, NULL, NULL);
        snprintf(row->status_text, sizeof row->status_text, "infeasible: %.140s", why.message);
        row->status = row->status_text;
    } else if (status != STATUS_OK) {
        *err = why;
        return status;
    } else {
        struct ledger totals;
        struct ledger *l = ledger != NULL ? ledger : &totals;
        cost_compute(c, &e->program, t, ledger != NULL, l);
        if (l->overflow) {
            RAISE(err, ERR_INPUT, "a line of the bill exceeds 1e15 USD: is a unit wrong?");
            return config_place(err, c, "/prices");
        }
        row_fill(row, c, t, l);
    }
    row->baseline_time_s = baseline_s;
    row->speedup = baseline_s / row->time_s;
    return STATUS_OK;
}

/* Time of a baseline; NaN when it is infeasible. */
static double baseline_time(struct config *baseline, struct evaluator *e, struct error *err)
{
    struct tally t;
    struct error own = {0};
    const enum status status = predict_tally(baseline, e, &t, &own);
    if (status != STATUS_OK && status != ERR_INFEASIBLE) {
        *err = own;
    }
    return status == STATUS_OK ? t.time_s : (double)NAN;
}

enum status predict_config(struct config *c, struct config *baseline, struct evaluator *e,
                           struct row *row, struct tally *tally, struct ledger *ledger,
                           struct error *err)
{
    row_init(row);
    const double baseline_s = baseline != NULL ? baseline_time(baseline, e, err) : (double)NAN;
    return err->code == STATUS_OK ? predict_against(c, baseline_s, e, row, tally, ledger, err)
                                  : err->code;
}

/* The baseline rarely changes from point to point: its time is kept until its inputs change. */
static double kept_baseline_time(struct scenario_cursor *c, struct evaluator *e, struct error *err)
{
    const uint64_t identity = baseline_identity(c, false);
    if (!c->baseline_kept || c->baseline_identity != identity) {
        c->baseline_s = baseline_time(&c->baseline, e, err);
        c->baseline_identity = identity;
        c->baseline_kept = err->code == STATUS_OK;
    }
    return c->baseline_s;
}

enum status predict_check(struct scenario_cursor *c, uint64_t point, struct evaluator *e,
                          struct error *err)
{
    bool skipped = false;
    struct tally t;
    if (cursor_seek(c, point, &skipped, err) == STATUS_OK && !skipped &&
        predict_tally(&c->config, e, &t, err) != STATUS_OK) {
        cursor_locate(c, point, err);
    }
    return err->code;
}

enum status predict_point(struct scenario_cursor *c, uint64_t point, struct evaluator *e,
                          struct row *row, struct tally *tally, struct ledger *ledger,
                          bool *skipped, struct error *err)
{
    row_init(row);
    if (cursor_seek(c, point, skipped, err) == STATUS_OK && !*skipped) {
        const double baseline_s = c->has_baseline ? kept_baseline_time(c, e, err) : (double)NAN;
        if (err->code != STATUS_OK ||
            predict_against(&c->config, baseline_s, e, row, tally, ledger, err) != STATUS_OK) {
            cursor_locate(c, point, err);
        }
    }
    row->point = (double)point;
    return err->code;
}
