/* Samples with weights: order, quantiles, and a shorter form for likelihoods.
 *
 * A million observations hold no more about three parameters than some sixteen thousand of their
 * quantiles do; joining neighbours makes every later pass cheap.
 */
#include "calibration/fit/sample.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { COMPRESS_ABOVE = 20000, KEEP_ENDS = 1024, MIDDLE_BINS = 14336 };

struct pair {
    double value, weight;
};

static int by_value(const void *a, const void *b)
{
    const double x = ((const struct pair *)a)->value, y = ((const struct pair *)b)->value;
    return (x > y) - (x < y);
}

static int by_number(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The bits of a double as a number that grows with it: IEEE 754 keeps sign and size apart. */
static uint64_t key_of(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits >> 63 != 0 ? ~bits : bits | UINT64_C(1) << 63;
}

static double number_of(uint64_t key)
{
    const uint64_t bits = key >> 63 != 0 ? key & ~(UINT64_C(1) << 63) : ~key;
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* Many values: by digits of 11 bits, the lowest first (Knuth, TAOCP 3, 5.2.5), five times as fast
 * as comparisons. Few, or no memory: by comparisons. */
void sort_numbers(double *value, size_t n)
{
    enum { FEW = 4096, BITS = 11, DIGITS = 6, RADIX = 1 << BITS };
    uint64_t *const keys = n > FEW ? malloc(2 * n * sizeof *keys) : NULL;
    size_t *const count = n > FEW ? calloc((size_t)DIGITS * RADIX, sizeof *count) : NULL;
    if (keys == NULL || count == NULL) {
        qsort(value, n, sizeof *value, by_number);
        free(keys);
        free(count);
        return;
    }
    uint64_t *from = keys, *to = keys + n;
    for (size_t i = 0; i < n; i++) {
        from[i] = key_of(value[i]);
        for (size_t d = 0; d < DIGITS; d++) {
            count[d * RADIX + (from[i] >> (d * BITS) & (RADIX - 1))]++;
        }
    }
    for (size_t d = 0; d < DIGITS; d++) {
        size_t *const at = count + d * RADIX;
        size_t before = 0;
        for (size_t k = 0; k < RADIX; k++) {
            const size_t here = at[k];
            at[k] = before;
            before += here;
        }
        for (size_t i = 0; i < n; i++) {
            to[at[from[i] >> (d * BITS) & (RADIX - 1)]++] = from[i];
        }
        uint64_t *const swap = from;
        from = to;
        to = swap;
    }
    for (size_t i = 0; i < n; i++) {
        value[i] = number_of(from[i]);
    }
    free(keys);
    free(count);
}

/* sum of weights */
static double sample_total(const struct sample *s)
{
    double total = 0;
    for (size_t i = 0; i < s->n && s->weight != NULL; i++) {
        total += s->weight[i];
    }
    return s->weight != NULL ? total : (double)s->n;
}

static enum status check(const struct sample *s, struct error *err)
{
    if (s->n == 0) {
        return RAISE(err, ERR_INPUT, "no values to fit");
    }
    for (size_t i = 0; i < s->n; i++) {
        if (!isfinite(s->value[i])) {
            return RAISE(err, ERR_INPUT, "value %zu of %zu is not finite", i + 1, s->n);
        }
        if (s->weight != NULL && !(s->weight[i] > 0 && isfinite(s->weight[i]))) {
            return RAISE(err, ERR_INPUT, "weight %zu of %zu is not positive", i + 1, s->n);
        }
    }
    return STATUS_OK;
}

enum status sample_sort(const struct sample *s, double **value, double **weight, struct error *err)
{
    if (check(s, err) != STATUS_OK) {
        return err->code;
    }
    *weight = NULL;
    *value = malloc(s->n * sizeof **value);
    if (*value == NULL) {
        return RAISE(err, ERR_MEMORY, "no memory to sort %zu values", s->n);
    }
    if (s->weight == NULL) {
        memcpy(*value, s->value, s->n * sizeof **value);
        sort_numbers(*value, s->n);
        return STATUS_OK;
    }
    struct pair *const pairs = malloc(s->n * sizeof *pairs);
    *weight = malloc(s->n * sizeof **weight);
    if (pairs == NULL || *weight == NULL) {
        free(pairs);
        free(*weight);
        free(*value);
        *value = *weight = NULL;
        return RAISE(err, ERR_MEMORY, "no memory to sort %zu values", s->n);
    }
    for (size_t i = 0; i < s->n; i++) {
        pairs[i] = (struct pair){s->value[i], s->weight[i]};
    }
    qsort(pairs, s->n, sizeof *pairs, by_value);
    for (size_t i = 0; i < s->n; i++) {
        (*value)[i] = pairs[i].value;
        (*weight)[i] = pairs[i].weight;
    }
    free(pairs);
    return STATUS_OK;
}

double sample_quantile(const struct sample *sorted, double probability)
{
    const double total = sample_total(sorted);
    /* A value of weight k stands at k successive places; places are 0 .. total - 1. */
    const double place = fmin(fmax(probability, 0), 1) * fmax(total - 1, 0);
    double before = 0;
    for (size_t i = 0; i < sorted->n; i++) {
        if (sorted->weight == NULL) {
            i = (size_t)place;
            before = (double)i;
        }
        const double w = sorted->weight != NULL ? sorted->weight[i] : 1;
        if (place < before + w) {
            const double over = place - (before + w - 1);
            return over > 0 && i + 1 < sorted->n
                       ? sorted->value[i] + over * (sorted->value[i + 1] - sorted->value[i])
                       : sorted->value[i];
        }
        before += w;
    }
    return sorted->value[sorted->n - 1];
}

/* Join neighbours [from, to) into one. */
static void join(struct sorted *s, const double *value, const double *weight, size_t from,
                 size_t to)
{
    double sum = 0, mass = 0;
    for (size_t i = from; i < to; i++) {
        const double w = weight != NULL ? weight[i] : 1;
        sum += w * (value[i] - value[from]);
        mass += w;
    }
    s->value[s->n] = value[from] + sum / mass;
    s->weight[s->n++] = mass;
    s->total += mass;
}

enum status sorted_make(const struct sample *s, struct sorted *out, struct error *err)
{
    double *value = NULL, *weight = NULL;
    *out = (struct sorted){0};
    if (sample_sort(s, &value, &weight, err) != STATUS_OK) {
        return err->code;
    }
    out->value = malloc(s->n * sizeof *out->value);
    out->weight = malloc(s->n * sizeof *out->weight);
    if (out->value == NULL || out->weight == NULL) {
        free(value);
        free(weight);
        sorted_free(out);
        return RAISE(err, ERR_MEMORY, "no memory to fit %zu values", s->n);
    }
    const bool compress = s->n > COMPRESS_ABOVE;
    const size_t middle = compress ? s->n - 2 * (size_t)KEEP_ENDS : 0;
    for (size_t i = 0; i < s->n;) {
        size_t to = i + 1;
        if (compress && i >= KEEP_ENDS && i < s->n - KEEP_ENDS) {
            const size_t bin = (i - KEEP_ENDS) * MIDDLE_BINS / middle;
            to = KEEP_ENDS + ((bin + 1) * middle + MIDDLE_BINS - 1) / MIDDLE_BINS;
        } else {
            while (to < s->n && value[to] == value[i] &&
                   (!compress || to < KEEP_ENDS || i >= s->n - KEEP_ENDS)) {
                to++;
            }
        }
        join(out, value, weight, i, to);
        i = to;
    }
    free(value);
    free(weight);
    return STATUS_OK;
}

void sorted_free(struct sorted *s)
{
    free(s->value);
    free(s->weight);
    *s = (struct sorted){0};
}

double sample_identity(double x)
{
    return x;
}

struct moments sorted_moments(const struct sorted *s, double (*transform)(double))
{
    double sum = 0, square = 0;
    for (size_t i = 0; i < s->n; i++) {
        sum += s->weight[i] * transform(s->value[i]);
    }
    const double mean = sum / s->total;
    for (size_t i = 0; i < s->n; i++) {
        const double d = transform(s->value[i]) - mean;
        square += s->weight[i] * d * d;
    }
    return (struct moments){mean, square};
}

double sorted_ks(const struct sorted *s, double (*cdf)(const void *context, double x),
                 const void *context)
{
    double before = 0, worst = 0;
    for (size_t i = 0; i < s->n; i++) {
        const double f = cdf(context, s->value[i]);
        const double after = before + s->weight[i] / s->total;
        worst = fmax(worst, fmax(fabs(f - before), fabs(f - after)));
        before = after;
    }
    return worst;
}

void median_interval(const double *sorted, size_t n, double *low, double *high)
{
    size_t k = 0; /* the largest k with P(fewer than k below the median) <= 2.5 % */
    *low = *high = NAN;
    while (k < n && gsl_cdf_binomial_P((unsigned)k, 0.5, (unsigned)n) <= 0.025) {
        k++;
    }
    if (k == 0) {
        return;
    }
    const double outer = 1 - 2 * gsl_cdf_binomial_P((unsigned)k - 1, 0.5, (unsigned)n);
    const double inner = 1 - 2 * gsl_cdf_binomial_P((unsigned)k, 0.5, (unsigned)n);
    const double part = (outer - 0.95) / (outer - inner);
    const double w = (double)(n - k) * part / ((double)k + ((double)n - 2 * (double)k) * part);
    *low = (1 - w) * sorted[k - 1] + w * sorted[k];
    *high = (1 - w) * sorted[n - k] + w * sorted[n - k - 1];
}
