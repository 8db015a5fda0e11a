/* A token bucket from how much had been moved by when.
 *
 * At full speed r until the bucket of S bytes is empty, refilled at the steady rate s: the
 * cumulative curve is r t up to t* = S / (r - s) and S + s t behind it. Each series gives r, S, s
 * by the broken line of least squares through its cumulative curve; the break is searched over the
 * intervals.
 */
#include "calibration/fit.h"
#include "calibration/fit/sample.h"

#include <math.h>
#include <stdlib.h>

struct one {
    double burst, rate, steady, error;
};

/* Sums for a line through points, kept as they grow. */
struct sums {
    double n, x, y, xx, xy, yy;
};

static struct sums add(struct sums s, double x, double y)
{
    return (struct sums){s.n + 1, s.x + x, s.y + y, s.xx + x * x, s.xy + x * y, s.yy + y * y};
}

/* Squared error of y = b x (through the origin), or of y = a + b x. */
static double origin_error(struct sums s, double *b)
{
    *b = s.xx > 0 ? s.xy / s.xx : 0;
    return s.yy - *b * s.xy;
}

static double line_error(struct sums s, double *a, double *b)
{
    const double xx = s.xx - s.x * s.x / s.n, xy = s.xy - s.x * s.y / s.n;
    *b = xx > 0 ? xy / xx : 0;
    *a = (s.y - *b * s.x) / s.n;
    return s.yy - s.y * s.y / s.n - *b * xy;
}

/* One series of n intervals; false when it shows one phase only. */
static bool broken_line(size_t n, const double *interval, const double *bytes, struct one *out)
{
    struct sums all = {0}, before = {0};
    double t = 0, moved = 0, best = HUGE_VAL;
    for (size_t i = 0; i < n; i++) {
        t += interval[i];
        moved += bytes[i];
        all = add(all, t, moved);
    }
    const double total_time = t, total = moved;
    double one_rate;
    const double one_phase = origin_error(all, &one_rate);
    t = moved = 0;
    for (size_t i = 0; i + 2 < n; i++) { /* at least two points behind the break */
        t += interval[i];
        moved += bytes[i];
        before = add(before, t, moved);
        const struct sums after = {all.n - before.n,   all.x - before.x,   all.y - before.y,
                                   all.xx - before.xx, all.xy - before.xy, all.yy - before.yy};
        struct one s;
        const double error = origin_error(before, &s.rate) + line_error(after, &s.burst, &s.steady);
        if (error < best && s.burst > 0 && s.rate > 1.2 * s.steady && s.steady >= 0) {
            best = error;
            *out = s;
        }
    }
    /* Two phases must explain the curve clearly better than one rate, and both be there: the break
     * lies inside the series. */
    const double when = out->burst / (out->rate - out->steady);
    if (!(best < 0.25 * one_phase) || !(when < total_time) || n < 4) {
        return false;
    }
    t = moved = out->error = 0;
    for (size_t i = 0; i < n; i++) {
        t += interval[i];
        moved += bytes[i];
        const double expected = fmin(out->rate * t, out->burst + out->steady * t);
        out->error = fmax(out->error, fabs(moved - expected) / total);
    }
    return true;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Median of n numbers, which are sorted, with a 95 % interval from their order. */
static struct estimate median(const char *name, size_t n, double *value)
{
    qsort(value, n, sizeof *value, ascending);
    struct estimate e = {.name = name, .low = NAN, .high = NAN, .standard_error = NAN};
    e.value = n % 2 == 1 ? value[n / 2] : (value[n / 2 - 1] + value[n / 2]) / 2;
    median_interval(value, n, &e.low, &e.high);
    return e;
}

enum status token_bucket_fit(size_t n, const uint32_t *series, size_t n_series,
                             const double *interval_s, const double *bytes,
                             struct token_bucket *out, struct error *err)
{
    *out = (struct token_bucket){0};
    double *const work = malloc((n_series > 0 ? n_series : 1) * 4 * sizeof *work);
    if (work == NULL) {
        return RAISE(err, ERR_MEMORY, "no memory for %zu series", n_series);
    }
    for (size_t i = 0; i < n; i++) {
        if (!(interval_s[i] > 0) || !(bytes[i] >= 0) || (i > 0 && series[i] < series[i - 1])) {
            free(work);
            return RAISE(err, ERR_INPUT,
                         "interval %zu: %g s with %g bytes: expected series in order", i + 1,
                         interval_s[i], bytes[i]);
        }
    }
    size_t found = 0;
    for (size_t from = 0, to; from < n; from = to) {
        for (to = from; to < n && series[to] == series[from]; to++) {
        }
        struct one s = {0};
        if (broken_line(to - from, interval_s + from, bytes + from, &s)) {
            work[found] = s.burst;
            work[n_series + found] = s.rate;
            work[2 * n_series + found] = s.steady;
            work[3 * n_series + found] = s.error;
            found++;
        } else {
            out->one_phase++;
        }
    }
    out->series = found;
    if (found > 0) {
        out->burst_bytes = median("burst_bytes", found, work);
        out->burst_bytes_per_s = median("burst_bytes_per_s", found, work + n_series);
        out->steady_bytes_per_s = median("steady_bytes_per_s", found, work + 2 * n_series);
        out->error = median("error", found, work + 3 * n_series).value;
    }
    free(work);
    return found > 0 ? STATUS_OK
                     : RAISE(err, ERR_NUMERIC,
                             "none of %zu series shows a burst and a steady rate behind it",
                             out->one_phase);
}
