/* Repeating an action until the interval of its median is narrow; see calibration/calibrate.h. */
#include "calibration/calibrate.h"

#include <math.h>
#include <stdlib.h>

struct measure_options measure_defaults(void)
{
    return (struct measure_options){.half_width_ratio = 0.01,
                                    .seconds_max = 10.0,
                                    .sample_s = 2e-3,
                                    .warm_up = 2,
                                    .samples_min = 11,
                                    .samples_max = 2000};
}

static double clock_now_s(void *context)
{
    (void)context;
    return monotonic_s();
}

static int compare_doubles(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double median_of_sorted(const double *x, size_t n)
{
    return n % 2 == 1 ? x[n / 2] : 0.5 * (x[n / 2 - 1] + x[n / 2]);
}

/* The k-th smallest of |x - centre| for sorted x, k the middle: two walks outward from the centre
 * would do, but n is small and this runs at growing intervals only. */
static double absolute_deviation(const double *sorted, size_t n, double centre)
{
    double *const deviation = malloc(n * sizeof *deviation);
    if (deviation == NULL) {
        return (double)NAN; /* no outlier is then reported */
    }
    for (size_t i = 0; i < n; i++) {
        deviation[i] = fabs(sorted[i] - centre);
    }
    qsort(deviation, n, sizeof *deviation, compare_doubles);
    const double middle = median_of_sorted(deviation, n);
    free(deviation);
    return middle;
}

/* The summary of given samples (they are sorted in place): what measure() computes at its end. */
static struct measurement measurement_of(double *samples_s, size_t n, double half_width_ratio)
{
    qsort(samples_s, n, sizeof *samples_s, compare_doubles);
    const double count = (double)n;
    const double reach = 1.959963984540054 * sqrt(count);
    /* 1-based ranks floor((n - 1.96 sqrt n) / 2) and ceil(1 + (n + 1.96 sqrt n) / 2); with few
     * samples they leave the data, and the extremes are an interval of less than 95 %. */
    const double low_rank = floor((count - reach) / 2.0),
                 high_rank = ceil(1.0 + (count + reach) / 2.0);
    struct measurement m = {.median_s = median_of_sorted(samples_s, n),
                            .low_s = samples_s[low_rank >= 1.0 ? (size_t)low_rank - 1 : 0],
                            .high_s = samples_s[high_rank <= count ? (size_t)high_rank - 1 : n - 1],
                            .minimum_s = samples_s[0],
                            .samples = n};
    const double spread = 1.4826 * absolute_deviation(samples_s, n, m.median_s);
    m.cv = m.median_s > 0.0 ? spread / m.median_s : 0.0;
    for (size_t i = 0; i < n; i++) {
        m.outliers += samples_s[i] > m.median_s + 5.0 * spread;
    }
    m.precise = low_rank >= 1.0 && high_rank <= count &&
                0.5 * (m.high_s - m.low_s) <= half_width_ratio * m.median_s;
    return m;
}

/* One sample: `inner` runs in a row. */
static enum status sample(const struct measure_options *o,
                          enum status (*action)(void *context, struct error *err), void *context,
                          size_t inner, double *seconds, struct error *err)
{
    double (*const now)(void *) = o->now_s != NULL ? o->now_s : clock_now_s;
    const double start = now(o->now_context);
    for (size_t i = 0; i < inner; i++) {
        const enum status status = action(context, err);
        if (status != STATUS_OK) {
            return status;
        }
    }
    *seconds = (now(o->now_context) - start) / (double)inner;
    return STATUS_OK;
}

/* How many runs make a sample long enough for the clock and the scheduler's grain. */
static enum status find_inner(const struct measure_options *o,
                              enum status (*action)(void *context, struct error *err),
                              void *context, size_t *inner, struct error *err)
{
    double seconds = 0.0;
    *inner = 1;
    for (size_t i = 0; i < o->warm_up || i == 0; i++) {
        const enum status status = sample(o, action, context, 1, &seconds, err);
        if (status != STATUS_OK) {
            return status;
        }
    }
    while (seconds * (double)*inner < o->sample_s && *inner < (size_t)1 << 20) {
        *inner *= 2;
        const enum status status = sample(o, action, context, *inner, &seconds, err);
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

enum status measure(const struct measure_options *options,
                    enum status (*action)(void *context, struct error *err), void *context,
                    struct measurement *out, struct error *err)
{
    double (*const now)(void *) = options->now_s != NULL ? options->now_s : clock_now_s;
    double *const samples = malloc(options->samples_max * sizeof *samples);
    if (samples == NULL) {
        return RAISE(err, ERR_MEMORY, "no memory for %zu samples", options->samples_max);
    }
    size_t inner = 1, n = 0, next_look = options->samples_min;
    enum status status = find_inner(options, action, context, &inner, err);
    const double start = now(options->now_context);
    bool done = false;
    while (status == STATUS_OK && !done) {
        status = sample(options, action, context, inner, &samples[n], err);
        n += status == STATUS_OK;
        const bool late = now(options->now_context) - start >= options->seconds_max && n >= 3;
        if (n >= next_look || late || n == options->samples_max) {
            /* Sorting in place is harmless: the order of samples plays no part. Looking at growing
             * counts keeps it cheap and the stopping rule from hunting for a lucky interval. */
            *out = measurement_of(samples, n, options->half_width_ratio);
            done = out->precise || late || n == options->samples_max;
            next_look = n + n / 4 + 1;
        }
    }
    free(samples);
    return status;
}
