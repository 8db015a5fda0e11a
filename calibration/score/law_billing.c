/* Grades of billed durations: which rule, and how often it is exact. */
#include "calibration/score/law_rows.h"

#include <math.h>
#include <stdlib.h>

static const enum trace_column bill_key[] = {TRACE_service, TRACE_function, TRACE_op,
                                             TRACE_memory_mib, TRACE_cold};

struct bill_rule {
    double step_s;
    bool with_init;
};

static double bill(const struct trace *t, size_t i, struct bill_rule rule)
{
    const double init = law_number(t, TRACE_init_s, i);
    const double restore = law_number(t, TRACE_billed_restore_s, i);
    const double used =
        law_number(t, TRACE_duration_s, i) + (rule.with_init && init > 0 ? init : 0);
    return rule.step_s * ceil(used / rule.step_s - 1e-6) + (restore > 0 ? restore : 0);
}

/* 0 exact, 1 one step more, -1 neither. */
static int agrees(const struct trace *t, size_t i, struct bill_rule rule)
{
    const double off = (law_number(t, TRACE_billed_s, i) - bill(t, i, rule)) / rule.step_s;
    return fabs(off) < 1e-3 ? 0 : fabs(off - 1) < 1e-3 ? 1 : -1;
}

static enum status grade_bills(struct law_work *w, const struct law_rows *group, struct error *err)
{
    static const struct bill_rule rules[] = {
        {0.001, false}, {0.001, true}, {0.1, false}, {0.1, true}};
    struct law_rows train;
    size_t best = 0;
    size_t most = 0;
    if (law_same_subject(w, group, &train, err) != STATUS_OK) {
        return err->code;
    }
    for (size_t k = 0; k < sizeof rules / sizeof rules[0]; k++) {
        size_t agree = 0;
        for (size_t i = 0; i < train.n; i++) {
            agree += agrees(train.t, train.at[i], rules[k]) >= 0 ? 1 : 0;
        }
        best = agree > most ? k : best;
        most = agree > most ? agree : most;
    }
    size_t exact = 0;
    size_t more = 0;
    for (size_t i = 0; i < group->n; i++) {
        const int off = agrees(group->t, group->at[i], rules[best]);
        exact += off == 0 ? 1 : 0;
        more += off == 1 ? 1 : 0;
    }
    free(train.at);
    /* Graded is the share that the rule gives; the first is what it should be. */
    static const char *const words[] = {"billed, 1 ms steps", "billed with init, 1 ms steps",
                                        "billed, 100 ms steps", "billed with init, 100 ms steps"};
    law_put_grade(w, group, bill_key, 5, words[best], 1, (double)(exact + more) / (double)group->n,
                  (double)exact / (double)group->n, NAN, err);
    return err->code;
}

const struct law_task law_billing = {"billing", bill_key, 5, grade_bills, NULL, TRACE_billed_s};
