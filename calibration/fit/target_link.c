/* A link: token bucket from interval series, or latency and bandwidth from transfers; and the law
 * of compute time against memory.
 */
#include "calibration/fit/target.h"

#include <math.h>
#include <stdlib.h>

static bool same_text(const struct trace *t, enum trace_column c, size_t i)
{
    return t->text[c] == NULL || t->text[c][i] == t->text[c][i - 1];
}

/* Does row i go on with the series of the row before it: same run, worker and operation, later? */
static bool continues(const struct trace *t, size_t i)
{
    return i > 0 && t->number[TRACE_time_s][i] > t->number[TRACE_time_s][i - 1] &&
           same_text(t, TRACE_run, i) && same_text(t, TRACE_worker, i) && same_text(t, TRACE_op, i);
}

/* Is there a series long enough to show two phases? */
static bool has_series(const struct trace *t)
{
    size_t longest = 0, length = 0;
    for (size_t i = 0; i < t->n && t->number[TRACE_time_s] != NULL; i++) {
        const bool same = continues(t, i);
        length = same ? length + 1 : 1;
        longest = length > longest ? length : longest;
    }
    return longest >= 5;
}

static enum status fit_bucket(struct entry *e, struct error *err)
{
    const struct trace *const t = e->trace;
    uint32_t *const series = malloc(t->n * sizeof *series);
    if (series == NULL) {
        return RAISE(err, ERR_MEMORY, "no memory for %zu rows", t->n);
    }
    uint32_t n = 0;
    for (size_t i = 0; i < t->n; i++) {
        const bool same = continues(t, i);
        n += same ? 0 : 1;
        series[i] = n - 1;
    }
    struct token_bucket b;
    const enum status code = token_bucket_fit(t->n, series, n, t->number[TRACE_duration_s],
                                              t->number[TRACE_size_bytes], &b, err);
    free(series);
    if (code != STATUS_OK) {
        return code;
    }
    entry_number(e, "nic_bytes_per_s", &b.steady_bytes_per_s, b.series, "the steady rate");
    entry_number(e, "nic_burst_bytes", &b.burst_bytes, b.series, NULL);
    entry_number(e, "nic_burst_bytes_per_s", &b.burst_bytes_per_s, b.series, NULL);
    entry_say(e,
              "%zu series with both phases, %zu with one; the cumulative curve is off by %.1f %%\n",
              b.series, b.one_phase, 100 * b.error);
    return STATUS_OK;
}

static enum status fit_transfers(struct entry *e, struct error *err)
{
    uint32_t ops[64];
    const struct trace *const t = e->trace;
    if (operations(t, ops, 64) > 1) {
        return RAISE(err, ERR_INPUT, "%s holds several operations; choose one with --where op=...",
                     t->path);
    }
    struct rows r;
    if (rows_make(t, ops[0], TRACE_duration_s, TRACE_size_bytes, TRACE_memory_mib, &r, err) !=
        STATUS_OK) {
        return err->code;
    }
    if (rows_with_size(&r, err) != STATUS_OK) {
        rows_free(&r);
        return err->code;
    }
    struct transfer_law law;
    bool memory = r.n > 0;
    for (size_t i = 0; i < r.n; i++) {
        memory = memory && !isnan(r.c[i]);
    }
    const enum status code =
        transfer_fit(r.n, r.b, r.a, memory ? r.c : NULL, e->options->latency_s, &law, err);
    rows_free(&r);
    if (code != STATUS_OK) {
        return code;
    }
    const bool capped = !isnan(law.cap_bytes_per_s.value);
    entry_number(e, "nic_bytes_per_s", capped ? &law.cap_bytes_per_s : &law.bytes_per_s, law.fit.n,
                 capped ? "a limiter: the rates pile up at it" : NULL);
    if (!isnan(law.full_mib.value)) {
        entry_number(e, "nic_full_mib", &law.full_mib, law.fit.n,
                     law.grows_on ? "assumed: still growing at the largest size measured" : NULL);
    }
    const struct estimate both[] = {law.latency_s, law.bytes_per_s};
    entry_detail(e, "transfer", both, 2);
    entry_say(e, "%.0f %% of the large transfers ran at the cap\n",
              capped ? 100 * law.share_at_cap : 0);
    return STATUS_OK;
}

enum status fit_bandwidth(struct entry *e, struct error *err)
{
    if (e->trace->number[TRACE_duration_s] == NULL || e->trace->number[TRACE_size_bytes] == NULL) {
        return RAISE(err, ERR_INPUT, "%s: bandwidth needs size_bytes and duration_s",
                     e->trace->path);
    }
    return has_series(e->trace) ? fit_bucket(e, err) : fit_transfers(e, err);
}

enum status fit_memory(struct entry *e, struct error *err)
{
    static const double mib_per_vcpu = 1769; /* AWS Lambda developer guide, function memory */
    const struct trace *const t = e->trace;
    if (t->number[TRACE_duration_s] == NULL || t->number[TRACE_memory_mib] == NULL) {
        return RAISE(err, ERR_INPUT, "%s: a memory law needs memory_mib and duration_s", t->path);
    }
    struct memory_law law;
    if (memory_law_fit(t->n, t->number[TRACE_memory_mib], t->number[TRACE_duration_s], mib_per_vcpu,
                       e->options->cap_vcpu, &law, err) != STATUS_OK) {
        return err->code;
    }
    const double *const c = law.fit.covariance; /* of fixed_s and work_s, in front */
    const size_t p = law.fit.n_parameters;
    const double unit_s = law.fixed_s.value + law.work_s.value;
    const double spread = 1.96 * sqrt(fmax(0, c[0] + c[p + 1] + 2 * c[1]));
    const struct estimate
        unit = {.name = "unit_s", .value = unit_s, .low = unit_s - spread, .high = unit_s + spread},
        share = {.name = "serial_share", .value = law.serial_share, .low = NAN, .high = NAN};
    entry_number(e, "unit_s", &unit, law.fit.n, "on one vCPU, 1769 MiB");
    entry_number(e, "serial_share", &share, law.fit.n, NULL);
    if (!isnan(law.cap_vcpu.value)) {
        entry_number(e, "threads_max", &law.cap_vcpu, law.fit.n,
                     law.cap_found ? "found in the data" : "given");
    }
    const struct estimate both[] = {law.fixed_s, law.work_s};
    entry_detail(e, "law", both, 2);
    entry_say(e, "t = %.4g + %.4g / min(M / 1769 MiB%s); mean error %.1f %%, largest %.1f %%\n",
              law.fixed_s.value, law.work_s.value, isnan(law.cap_vcpu.value) ? "" : ", cap",
              100 * law.fit.mape, 100 * law.fit.max_error);
    return STATUS_OK;
}
