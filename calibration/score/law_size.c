/* Grades of transfers by size, and of work by memory. */
#include "calibration/score/law_rows.h"

#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdlib.h>

static const enum trace_column link_key[] = {TRACE_service,    TRACE_function,   TRACE_op,
                                             TRACE_memory_mib, TRACE_size_bytes, TRACE_concurrency};

/* The rows of the same subject to fit on, and the median of the group to predict. */
static enum status split(const struct law_work *w, const struct law_rows *group,
                         struct law_rows *train, double *median, struct error *err)
{
    static const double half[] = {0.5};
    *median = NAN;
    return law_same_subject(w, group, train, err) == STATUS_OK
               ? law_quantiles(group, half, 1, median, err)
               : err->code;
}

static double transfer_time(const struct transfer_law *law, double bytes, double mib)
{
    const double share =
        law->full_mib.value > 0 && mib < law->full_mib.value ? mib / law->full_mib.value : 1;
    return law->latency_s.value + bytes / (law->bytes_per_s.value * share);
}

/* What is graded is a median; the law runs through the middle of the bulk, which lies between two
 * modes where no transfer is. So: the median, over the training rows of about this size (to a
 * factor of two), of measured over the law; 1 when there is none. A scenario that uses the law gets
 * the law alone. */
static double median_ratio(const struct transfer_law *law, const struct law_rows *train,
                           const double *size, const double *time, const double *memory,
                           double bytes, struct error *err)
{
    double *const ratio = malloc((train->n + 1) * sizeof *ratio);
    double out = 1;
    size_t n = 0;
    if (ratio == NULL) {
        RAISE(err, ERR_MEMORY, "no memory for %zu rows", train->n);
        return NAN;
    }
    for (size_t i = 0; i < train->n; i++) {
        if (size[i] >= bytes / 2 && size[i] <= 2 * bytes && time[i] > 0) {
            ratio[n++] = time[i] / transfer_time(law, size[i], memory[i]);
        }
    }
    if (n > 0) {
        gsl_sort(ratio, 1, n);
        out = gsl_stats_median_from_sorted_data(ratio, 1, n);
    }
    free(ratio);
    return out;
}

static enum status grade_size(struct law_work *w, const struct law_rows *group, struct error *err)
{
    double measured;
    struct law_rows train;
    struct transfer_law law;
    double *size = NULL;
    double *time = NULL;
    double *memory = NULL;
    if (split(w, group, &train, &measured, err) == STATUS_OK) {
        size = law_values(&train, TRACE_size_bytes, err);
        time = law_values(&train, TRACE_duration_s, err);
        memory = law_values(&train, TRACE_memory_mib, err);
    }
    bool by_memory = train.n > 0;
    for (size_t i = 0; err->code == STATUS_OK && i < train.n; i++) {
        by_memory = by_memory && !isnan(memory[i]);
    }
    if (err->code == STATUS_OK && transfer_fit(train.n, size, time, by_memory ? memory : NULL,
                                               w->o->latency_s, &law, err) == STATUS_OK) {
        const double mib = law_number(group->t, TRACE_memory_mib, group->at[0]);
        const double bytes = law_number(group->t, TRACE_size_bytes, group->at[0]);
        const double ratio = median_ratio(&law, &train, size, time, memory, bytes, err);
        if (err->code == STATUS_OK) {
            law_put_grade(w, group, link_key, 6, "p50", measured,
                          ratio * transfer_time(&law, bytes, mib), NAN, NAN, err);
        }
    }
    free(train.at);
    free(size);
    free(time);
    free(memory);
    return law_skip(w, err);
}

static const enum trace_column memory_key[] = {TRACE_service, TRACE_function, TRACE_op,
                                               TRACE_memory_mib};

static enum status grade_memory(struct law_work *w, const struct law_rows *group, struct error *err)
{
    static const double mib_per_vcpu = 1769; /* AWS Lambda developer guide, function memory */
    double measured;
    struct law_rows train;
    struct memory_law law;
    double *time = NULL;
    double *memory = NULL;
    if (split(w, group, &train, &measured, err) == STATUS_OK) {
        time = law_values(&train, TRACE_duration_s, err);
        memory = law_values(&train, TRACE_memory_mib, err);
    }
    if (err->code == STATUS_OK && memory_law_fit(train.n, memory, time, mib_per_vcpu,
                                                 w->o->cap_vcpu, &law, err) == STATUS_OK) {
        const double vcpus = law_number(group->t, TRACE_memory_mib, group->at[0]) / mib_per_vcpu;
        const double cap = isnan(law.cap_vcpu.value) ? HUGE_VAL : law.cap_vcpu.value;
        law_put_grade(w, group, memory_key, 4, "p50", measured,
                      law.fixed_s.value + law.work_s.value / fmin(vcpus, cap), NAN, NAN, err);
    }
    free(train.at);
    free(time);
    free(memory);
    return law_skip(w, err);
}

const struct law_task law_bandwidth = {"bandwidth", link_key, 6,
                                       grade_size,  NULL,     TRACE_size_bytes};
const struct law_task law_memory = {"compute-memory", memory_key, 4,
                                    grade_memory,     NULL,       TRACE_memory_mib};
