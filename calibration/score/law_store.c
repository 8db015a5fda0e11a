/* Grades of storage latency: median and 99th percentile of runs that were not fitted.
 *
 * A store's level differs from run to run. Where it drifts (S3 Standard: 18 to 41 ms within a day),
 * runs near in time are alike, and a new run lies between its neighbours; elsewhere the median run
 * is the better guess. Which of both holds is asked of the training runs alone. */
#include "calibration/score/law_rows.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_sort.h>
#include <math.h>
#include <stdlib.h>

static const enum trace_column store_key[] = {TRACE_service, TRACE_function, TRACE_op, TRACE_run};

/* Quantiles of every run of the subject, as logarithms, and when it was (NaN: not said). */
struct run_quantiles {
    struct law_work base;
    double *log[2];
    double *at_s, *sorted;
    size_t n;
};

static const double store_shares[] = {0.5, 0.99};

static enum status see_run(struct law_work *w, const struct law_rows *group, struct error *err)
{
    struct run_quantiles *const q = (struct run_quantiles *)(void *)w;
    double both[2];
    if (law_quantiles(group, store_shares, 2, both, err) == STATUS_OK) {
        q->at_s[q->n] = law_number(group->t, TRACE_time_s, group->at[0]);
        q->log[0][q->n] = log(both[0]);
        q->log[1][q->n++] = log(both[1]);
    }
    return err->code;
}

/* The median over the runs but one (SIZE_MAX: over all). */
static double middle(const struct run_quantiles *q, const double *level, size_t but)
{
    size_t n = 0;
    for (size_t i = 0; i < q->n; i++) {
        if (i != but) {
            q->sorted[n++] = level[i];
        }
    }
    gsl_sort(q->sorted, 1, n);
    return sample_quantile(&(struct sample){.value = q->sorted, .n = n}, 0.5);
}

/* Between the runs before and after, in proportion to time; the next one at the ends. */
static double between(const struct run_quantiles *q, const double *level, double at_s, size_t but)
{
    size_t before = SIZE_MAX;
    size_t after = SIZE_MAX;
    for (size_t i = 0; i < q->n; i++) {
        if (i == but) {
            continue;
        }
        if (q->at_s[i] <= at_s && (before == SIZE_MAX || q->at_s[i] > q->at_s[before])) {
            before = i;
        }
        if (q->at_s[i] >= at_s && (after == SIZE_MAX || q->at_s[i] < q->at_s[after])) {
            after = i;
        }
    }
    if (before == SIZE_MAX || after == SIZE_MAX) {
        return level[before == SIZE_MAX ? after : before];
    }
    const double gap_s = q->at_s[after] - q->at_s[before];
    const double part = gap_s > 0 ? (at_s - q->at_s[before]) / gap_s : 0;
    return level[before] + part * (level[after] - level[before]);
}

/* Do the medians drift: is each run's told better, by a fifth of the error, by its neighbours in
 * time than by the median of all others? Four runs at least. */
static bool drifts(const struct run_quantiles *q)
{
    double by_time = 0;
    double by_median = 0;
    for (size_t i = 0; i < q->n; i++) {
        by_time += fabs(between(q, q->log[0], q->at_s[i], i) - q->log[0][i]);
        by_median += fabs(middle(q, q->log[0], i) - q->log[0][i]);
    }
    return q->n >= 4 && by_time < 0.8 * by_median; /* NaN, a run without a time: false */
}

/* What a new run's quantile will be, and the 90 % interval of one more run: by the spread of the
 * runs, or by the errors of runs told by their neighbours where the level drifts. The tail has a
 * level of its own: runs with a low median may have a long tail. */
static void new_run(const struct run_quantiles *q, const double *level, double at_s, double *value,
                    double *low, double *high)
{
    const bool drift = !isnan(at_s) && drifts(q);
    const double n = (double)q->n;
    double centre = 0;
    double squares = 0;
    for (size_t i = 0; i < q->n; i++) {
        centre += level[i] / n;
    }
    for (size_t i = 0; i < q->n; i++) {
        squares += pow(level[i] - (drift ? between(q, level, q->at_s[i], i) : centre), 2);
    }
    *value = exp(drift ? between(q, level, at_s, SIZE_MAX) : middle(q, level, SIZE_MAX));
    *low = *high = NAN;
    if (q->n >= 2) {
        const double spread = sqrt(squares / (n - 1) * (1 + 1 / n));
        const double reach = gsl_cdf_tdist_Pinv(0.95, n - 1) * spread;
        *low = exp((drift ? log(*value) : centre) - reach);
        *high = exp((drift ? log(*value) : centre) + reach);
    }
}

static enum status grade_run(struct law_work *w, const struct law_rows *group, struct error *err)
{
    static const char *const words[] = {"p50", "p99"};
    double measured[2];
    struct law_rows train;
    struct run_quantiles q = {.base = *w};
    double *block = NULL;
    if (law_same_subject(w, group, &train, err) == STATUS_OK) {
        block = malloc(4 * (train.n + 1) * sizeof *block);
        if (block == NULL) {
            free(train.at);
            return RAISE(err, ERR_MEMORY, "no memory for %zu rows", train.n);
        }
        q.log[0] = block;
        q.log[1] = block + train.n + 1;
        q.at_s = block + 2 * (train.n + 1);
        q.sorted = block + 3 * (train.n + 1);
        if (law_quantiles(group, store_shares, 2, measured, err) == STATUS_OK) {
            law_each_group(&q.base, &train, store_key, 4, see_run, err);
        }
    }
    for (size_t k = 0; k < 2 && err->code == STATUS_OK && q.n > 0; k++) {
        double typical;
        double low;
        double high;
        new_run(&q, q.log[k], law_number(group->t, TRACE_time_s, group->at[0]), &typical, &low,
                &high);
        law_put_grade(w, group, store_key, 4, words[k], measured[k], typical, low, high, err);
    }
    w->out->skipped += q.n == 0 ? 1 : 0;
    free(train.at);
    free(block);
    return law_skip(w, err);
}

const struct law_task law_store = {"store", store_key, 4, grade_run, NULL, TRACE_duration_s};
