/* Grades: errors, bias, rank correlation, coverage. */
#include "calibration/score.h"

#include <math.h>
#include <stdlib.h>

struct keyed {
    double key;
    size_t row;
};

static int by_key(const void *a, const void *b)
{
    const struct keyed *const x = a, *const y = b;
    return x->key != y->key ? (x->key > y->key) - (x->key < y->key)
                            : (x->row > y->row) - (x->row < y->row);
}

/* Ranks from 1, equal values sharing their mean. */
static void ranks(size_t n, const double *value, struct keyed *work, double *out)
{
    for (size_t i = 0; i < n; i++) {
        work[i] = (struct keyed){value[i], i};
    }
    qsort(work, n, sizeof *work, by_key);
    for (size_t i = 0, to; i < n; i = to) {
        for (to = i + 1; to < n && work[to].key == work[i].key; to++) {
        }
        for (size_t k = i; k < to; k++) {
            out[work[k].row] = ((double)i + (double)to + 1) / 2;
        }
    }
}

static double correlation(size_t n, const double *a, const double *b)
{
    const double mean = ((double)n + 1) / 2; /* of ranks */
    double aa = 0, bb = 0, ab = 0;
    for (size_t i = 0; i < n; i++) {
        aa += (a[i] - mean) * (a[i] - mean);
        bb += (b[i] - mean) * (b[i] - mean);
        ab += (a[i] - mean) * (b[i] - mean);
    }
    return n >= 3 && aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : (double)NAN;
}

enum status score_rows(size_t n, const double *measured, const double *predicted, const double *low,
                       const double *high, bool absolute, struct score *out, struct error *err)
{
    *out = (struct score){.n = n};
    if (n == 0) {
        return RAISE(err, ERR_INPUT, "no rows to score");
    }
    for (size_t i = 0; i < n; i++) {
        const bool usable = absolute || measured[i] > 0;
        if (!(usable && isfinite(measured[i]) && isfinite(predicted[i]))) {
            return RAISE(
                err, ERR_INPUT,
                "row %zu: measured %g, predicted %g: expected a positive and a finite number",
                i + 1, measured[i], predicted[i]);
        }
    }
    struct keyed *const work = malloc(n * sizeof *work);
    double *const rank = malloc(2 * n * sizeof *rank);
    if (work == NULL || rank == NULL) {
        free(work);
        free(rank);
        return RAISE(err, ERR_MEMORY, "no memory to score %zu rows", n);
    }
    size_t held = 0;
    for (size_t i = 0; i < n; i++) {
        const double error = absolute ? predicted[i] - measured[i] : predicted[i] / measured[i] - 1;
        out->bias += error / (double)n;
        out->mape += fabs(error) / (double)n;
        if (fabs(error) > out->max_error) {
            out->max_error = fabs(error);
            out->worst = i;
        }
        work[i] = (struct keyed){fabs(error), i};
        if (low != NULL && high != NULL && !isnan(low[i]) && !isnan(high[i])) {
            out->intervals++;
            held += low[i] <= measured[i] && measured[i] <= high[i] ? 1 : 0;
        }
    }
    qsort(work, n, sizeof *work, by_key);
    out->median_error = n % 2 == 1 ? work[n / 2].key : (work[n / 2 - 1].key + work[n / 2].key) / 2;
    out->coverage = out->intervals > 0 ? (double)held / (double)out->intervals : (double)NAN;
    ranks(n, measured, work, rank);
    ranks(n, predicted, work, rank + n);
    out->rank_correlation = correlation(n, rank, rank + n);
    free(work);
    free(rank);
    return STATUS_OK;
}

bool score_order(double measured_a, double measured_b, double predicted_a, double predicted_b,
                 double spread, bool *claimed)
{
    *claimed = fabs(measured_a - measured_b) > spread * fmax(fabs(measured_a), fabs(measured_b));
    return !*claimed || (measured_a < measured_b) == (predicted_a < predicted_b);
}
