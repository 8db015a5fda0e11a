/* Latency and bandwidth from transfers: t = latency + size / bandwidth.
 *
 * Fitted on logarithms with the bisquare, so that neither the largest objects nor the stragglers
 * rule. Bandwidth of a function grows with its memory up to some size: 1 / B = max(1 / (beta M),
 * 1 / B_full), kept when AIC wants it. A limiter shows as rates piled up at their upper end.
 */
#include "calibration/fit/thin.h"

#include <math.h>
#include <stdlib.h>

struct law {
    const struct thin *rows;
    double latency_s; /* > 0: given */
    bool by_memory;   /* the last parameter is the memory of full bandwidth */
};

static enum status predict(void *context, const double *theta, double *out, struct error *err)
{
    (void)err;
    const struct law *const l = context;
    const double latency = l->latency_s > 0 ? l->latency_s : *theta++;
    const double bandwidth = theta[0], full = l->by_memory ? theta[1] : 0;
    for (size_t i = 0; i < l->rows->n; i++) {
        const double memory = l->rows->second != NULL ? l->rows->second[i] : 0;
        const double share = l->by_memory && memory < full ? memory / full : 1;
        out[i] = latency + l->rows->first[i] / (bandwidth * share);
    }
    return STATUS_OK;
}

static enum status fit_with(const struct thin *rows, double latency_s, bool by_memory,
                            struct ls_result *out, struct error *err)
{
    struct law law = {rows, latency_s, by_memory};
    double best_rate = 0, least_time = rows->measured[0], low = HUGE_VAL, high = 0;
    for (size_t i = 0; i < rows->n; i++) {
        best_rate = fmax(best_rate, rows->first[i] / rows->measured[i]);
        least_time = fmin(least_time, rows->measured[i]);
        low = fmin(low, rows->second != NULL ? rows->second[i] : 0);
        high = fmax(high, rows->second != NULL ? rows->second[i] : 0);
    }
    struct ls_parameter parameters[3];
    size_t p = 0;
    if (latency_s <= 0) {
        parameters[p++] = (struct ls_parameter){"latency_s", least_time, 0, HUGE_VAL};
    }
    parameters[p++] = (struct ls_parameter){"bytes_per_s", best_rate, 0, HUGE_VAL};
    if (by_memory) {
        parameters[p++] = (struct ls_parameter){"full_mib", sqrt(low * high), low, high};
    }
    const struct ls_problem problem = {.parameters = parameters,
                                       .n_parameters = p,
                                       .measured = rows->measured,
                                       .n = rows->n,
                                       .predict = predict,
                                       .context = &law,
                                       .residual = LS_LOG,
                                       .loss = LS_BISQUARE,
                                       .starts = by_memory ? 12 : 2};
    return ls_fit(&problem, out, err);
}

static int descending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

/* Quantile from the top of rates in descending order. */
static double upper(const double *rate, size_t n, double share)
{
    return rate[(size_t)(share * (double)(n - 1) + 0.5)];
}

/* Do the rates of the largest transfers pile up at their upper end? They do when the upper quarter
 * is within 2 % and either much narrower than the middle half (a normal spread has a ratio of 0.7)
 * or all of the rates are within 1 %. The cap is their 95th percentile: a few clock errors above it
 * do not move it. */
static enum status find_cap(const struct thin *rows, struct transfer_law *out, struct error *err)
{
    double largest = 0;
    for (size_t i = 0; i < rows->n; i++) {
        largest = fmax(largest, rows->first[i]);
    }
    double *const rate = malloc(rows->n * sizeof *rate);
    size_t n = 0;
    if (rate == NULL) {
        return RAISE(err, ERR_MEMORY, "no memory for %zu rates", rows->n);
    }
    for (size_t i = 0; i < rows->n; i++) {
        if (rows->first[i] >= largest / 2) {
            rate[n++] = rows->first[i] /
                        fmax(rows->measured[i] - out->latency_s.value, 0.5 * rows->measured[i]);
        }
    }
    qsort(rate, n, sizeof *rate, descending);
    out->cap_bytes_per_s = (struct estimate){
        .name = "cap_bytes_per_s", .value = NAN, .low = NAN, .high = NAN, .standard_error = NAN};
    const double cap = upper(rate, n, 0.05), quarter = upper(rate, n, 0.25);
    const double middle = quarter - upper(rate, n, 0.75);
    size_t near = 0;
    while (near < n && rate[near] > 0.98 * cap) {
        near++;
    }
    out->share_at_cap = (double)near / (double)n;
    if (n >= 20 && cap - quarter < 0.02 * cap &&
        (cap - quarter < 0.15 * middle || middle < 0.01 * cap)) {
        out->cap_bytes_per_s.value = cap;
        out->cap_bytes_per_s.low = quarter;
        out->cap_bytes_per_s.high = rate[0];
    }
    free(rate);
    return STATUS_OK;
}

/* Bandwidth that still grows at the largest memory measured: no end was seen, and it is taken to go
 * on in proportion up to about 3 GB, where the gain of AWS Lambda's functions was seen to end
 * (ResNet-50 weights read from S3, SeBS 2020: 2.6 GB; the largest size sold then was 3008 MiB). */
static void grow_on(const struct thin *rows, struct transfer_law *out)
{
    static const double grows_to_mib = 3008;
    double most = 0;
    for (size_t i = 0; i < rows->n; i++) {
        most = fmax(most, rows->second[i]);
    }
    struct estimate *const full = &out->full_mib;
    const bool end_seen = !full->at_bound && full->high < most;
    if (end_seen || most >= grows_to_mib) {
        return;
    }
    struct estimate *const rate = &out->bytes_per_s;
    const double more = grows_to_mib / full->value;
    rate->value *= more;
    rate->low *= more;
    rate->high *= more;
    rate->standard_error *= more;
    full->value = grows_to_mib;
    full->low = full->high = full->standard_error = NAN;
    out->grows_on = true;
}

enum status transfer_fit(size_t n, const double *size_bytes, const double *time_s,
                         const double *memory_mib, double latency_s, struct transfer_law *out,
                         struct error *err)
{
    struct thin rows;
    *out = (struct transfer_law){0};
    if (thin_make(n, size_bytes, memory_mib, time_s, &rows, err) != STATUS_OK) {
        return err->code;
    }
    size_t memories = n > 0 ? 1 : 0;
    bool sizes = false;
    for (size_t i = 1; i < rows.n; i++) {
        sizes = sizes || rows.first[i] != rows.first[0];
        memories += rows.second != NULL && rows.second[i] > rows.second[i - 1] ? 1 : 0;
    }
    enum status code = STATUS_OK;
    if (!sizes && latency_s <= 0) {
        code = RAISE(err, ERR_INPUT,
                     "latency and bandwidth need transfers of at least two sizes; with one, give "
                     "the latency");
    } else if (n == 0 || rows.first[rows.n - 1] <= 0) {
        code = RAISE(err, ERR_INPUT, "bandwidth needs transfers of more than nothing");
    } else {
        code = fit_with(&rows, latency_s, false, &out->fit, err);
    }
    bool by_memory = false;
    if (code == STATUS_OK && memories >= 2) {
        struct ls_result growing;
        struct error ignored = {0}; /* a law that does not fit is no candidate */
        by_memory = fit_with(&rows, latency_s, true, &growing, &ignored) == STATUS_OK &&
                    growing.aic < out->fit.aic - 2;
        if (by_memory) {
            out->fit = growing;
        }
    }
    if (code == STATUS_OK) {
        const struct estimate none = {
            .name = "full_mib", .value = NAN, .low = NAN, .high = NAN, .standard_error = NAN};
        const struct estimate *p = out->fit.parameter;
        out->latency_s = latency_s > 0 ? (struct estimate){.name = "latency_s",
                                                           .value = latency_s,
                                                           .low = latency_s,
                                                           .high = latency_s}
                                       : *p++;
        out->bytes_per_s = p[0];
        out->full_mib = by_memory ? p[1] : none;
        if (by_memory) {
            grow_on(&rows, out);
        }
        code = find_cap(&rows, out, err);
    }
    thin_free(&rows);
    return code;
}
