/* Grades of storage latency: median and 99th percentile of runs that were not fitted. */
#include "calibration/score/law_rows.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_sort.h>
#include <math.h>
#include <stdlib.h>

static const enum trace_column store_key[] = {TRACE_service, TRACE_function, TRACE_op, TRACE_run};

/* Quantiles of every run of the subject, as logarithms; the median run is the typical one. */
struct run_quantiles {
    struct law_work base;
    double *log[2];
    size_t n;
};

static const double store_shares[] = {0.5, 0.99};

static enum status see_run(struct law_work *w, const struct law_rows *group, struct error *err)
{
    struct run_quantiles *const q = (struct run_quantiles *)(void *)w;
    double both[2];
    if (law_quantiles(group, store_shares, 2, both, err) == STATUS_OK) {
        q->log[0][q->n] = log(both[0]);
        q->log[1][q->n++] = log(both[1]);
    }
    return err->code;
}

/* What a new run's quantile will be: the median over the runs, and the t interval of one more run.
 * The tail has a level of its own: runs with a low median may have a long tail. */
static void typical_run(double *log_quantile, size_t n, double *value, double *low, double *high)
{
    double mean = 0;
    double squares = 0;
    for (size_t i = 0; i < n; i++) {
        mean += log_quantile[i] / (double)n;
    }
    for (size_t i = 0; i < n; i++) {
        squares += (log_quantile[i] - mean) * (log_quantile[i] - mean);
    }
    gsl_sort(log_quantile, 1, n);
    *value = exp(sample_quantile(&(struct sample){.value = log_quantile, .n = n}, 0.5));
    *low = *high = NAN;
    if (n >= 2) {
        const double freedom = (double)n - 1;
        const double reach =
            gsl_cdf_tdist_Pinv(0.95, freedom) * sqrt(squares / freedom * (1 + 1 / (double)n));
        *low = exp(mean - reach);
        *high = exp(mean + reach);
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
        block = malloc(2 * (train.n + 1) * sizeof *block);
        q.log[0] = block;
        q.log[1] = block != NULL ? block + train.n + 1 : NULL;
        if (block == NULL) {
            RAISE(err, ERR_MEMORY, "no memory for %zu rows", train.n);
        } else if (law_quantiles(group, store_shares, 2, measured, err) == STATUS_OK) {
            law_each_group(&q.base, &train, store_key, 4, see_run, err);
        }
    }
    for (size_t k = 0; k < 2 && err->code == STATUS_OK && q.n > 0; k++) {
        double typical;
        double low;
        double high;
        typical_run(q.log[k], q.n, &typical, &low, &high);
        law_put_grade(w, group, store_key, 4, words[k], measured[k], typical, low, high, err);
    }
    w->out->skipped += q.n == 0 ? 1 : 0;
    free(train.at);
    free(block);
    return law_skip(w, err);
}

const struct law_task law_store = {"store", store_key, 4, grade_run, NULL, TRACE_duration_s};
