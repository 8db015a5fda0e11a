/* A profile as JSON: the keys that scenarios read (rates, units, thread_scaling, merge_s_per_byte,
 * serialise_s_per_byte, process_start_s) and, beside each, how sure it is. */
#include "calibration/calibrate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void put(struct text *out, const char *key, double value)
{
    text_printf(out, "\"%s\": ", key);
    text_number(out, value);
}

/* Six digits say all that a measurement with an interval of a percent knows. */
static double rounded(double value)
{
    char digits[32];
    snprintf(digits, sizeof digits, "%.6g", value);
    return strtod(digits, NULL);
}

static void put_measurement(struct text *out, const char *key, const struct measurement *m)
{
    put(out, key, rounded(m->median_s));
    text_puts(out, ", ");
    put(out, "low_s", rounded(m->low_s));
    text_puts(out, ", ");
    put(out, "high_s", rounded(m->high_s));
    text_puts(out, ", ");
    put(out, "cv", rounded(m->cv));
    text_printf(out, ", \"samples\": %zu, \"outliers\": %zu, \"precise\": %s", m->samples,
                m->outliers, m->precise ? "true" : "false");
}

static void put_string(struct text *out, const char *indent, const char *key, const char *value)
{
    text_printf(out, "%s\"%s\": ", indent, key);
    text_json_string(out, value);
    text_puts(out, ",\n");
}

static void put_host(struct text *out, const struct host *h)
{
    text_puts(out, "  \"host\": {\n");
    put_string(out, "    ", "machine", h->cpu);
    put_string(out, "    ", "caches", h->caches);
    put_string(out, "    ", "instructions", h->instructions);
    put_string(out, "    ", "governor", h->governor);
    put_string(out, "    ", "system", h->system);
    put_string(out, "    ", "compiler", h->compiler);
    put_string(out, "    ", "libraries", h->libraries);
    put_string(out, "    ", "kernel_hash", h->kernel_hash);
    text_printf(out, "    \"cores\": %zu,\n    ", h->cores);
    put(out, "memory_bytes", h->memory_bytes);
    text_puts(out, ",\n    ");
    put(out, "frequency_hz", h->frequency_hz);
    text_puts(out, ",\n    ");
    put(out, "busy_share", rounded(h->busy_share));
    text_puts(out, ",\n    ");
    put(out, "steal_share", rounded(h->steal_share));
    text_puts(out, "\n  },\n");
}

/* ---------------------------------------------------------------- tasks */

static int compare_doubles(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* Median rate over the tasks of an algorithm, for workloads that were not timed themselves; 0
 * without any. */
static double median_rate(const struct profile *p, enum kernel_algorithm algorithm, size_t *count)
{
    double *const rates = malloc((p->n_units + 1) * sizeof *rates);
    *count = 0;
    for (size_t i = 0; rates != NULL && i < p->n_units; i++) {
        if (p->units[i].what.config.algorithm == algorithm) {
            rates[(*count)++] = p->units[i].flop_per_s;
        }
    }
    double median = 0.0;
    if (*count > 0) {
        qsort(rates, *count, sizeof *rates, compare_doubles);
        median = 0.5 * (rates[(*count - 1) / 2] + rates[*count / 2]);
    }
    free(rates);
    return median;
}

static void put_rates(struct text *out, const struct profile *p)
{
    static const enum kernel_algorithm all[] = {
#define X(name, text) name,
        KERNEL_ALGORITHM_LIST(X)
#undef X
    };
    text_puts(out, "  \"rates\": {");
    const char *separator = "\n";
    size_t count = 0;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        const double rate = median_rate(p, all[i], &count);
        if (count > 0) {
            text_printf(out, "%s    \"%s\": { ", separator, kernel_algorithm_name(all[i]));
            put(out, "flop_per_s", rounded(rate));
            text_printf(out, ", \"note\": \"median of %zu kinds of task\" }", count);
            separator = ",\n";
        }
    }
    const double plain = median_rate(p, KERNEL_FOMAML, &count);
    if (count > 0) {
        text_printf(out, "%s    \"sgd\": { ", separator);
        put(out, "flop_per_s", rounded(plain));
        text_puts(out, ", \"note\": \"from fomaml: forward and backward of one batch\" }");
    }
    text_puts(out, "\n  },\n");
}

static void put_unit(struct text *out, const struct calibrate_unit *u)
{
    const struct kernel_config *const k = &u->what.config;
    text_printf(out,
                "    { \"algorithm\": \"%s\", \"dataset\": ", kernel_algorithm_name(k->algorithm));
    text_json_string(out, u->what.dataset);
    text_puts(out, ", \"backbone\": ");
    text_json_string(out, u->what.backbone);
    text_printf(out,
                ", \"ways\": %zu, \"shots\": %zu, \"queries\": %zu, \"adaptation_steps\": %zu, "
                "\"theta_fixed\": %s,\n      ",
                k->ways, k->shots, k->queries, k->steps, k->fixed_theta ? "true" : "false");
    put_measurement(out, "unit_s", &u->task);
    text_puts(out, ", ");
    put(out, "flop", u->flop);
    text_puts(out, ", ");
    put(out, "flop_per_s", rounded(u->flop_per_s));
    text_puts(out, ", ");
    put(out, "worker_bytes", u->worker_bytes);
    text_printf(out, ", \"path\": \"%s\" }", kernel_path_name(u->path));
}

/* ---------------------------------------------------------------- laws */

static void put_law(struct text *out, const struct scaling_law *law, bool coherence)
{
    text_puts(out, "{ ");
    put(out, "value", rounded(law->serial_share));
    text_puts(out, ", ");
    put(out, "standard_error", rounded(law->serial_share_error));
    if (coherence) {
        text_puts(out, ", ");
        put(out, "coherence", rounded(law->coherence));
        text_puts(out, ", ");
        put(out, "coherence_standard_error", rounded(law->coherence_error));
    }
    text_puts(out, ", ");
    put(out, "rms_ratio", rounded(law->rms_ratio));
    text_puts(out, " }");
}

static void put_scaling(struct text *out, const struct profile *p)
{
    if (!p->has_amdahl) {
        return; /* one core: there is nothing to scale over */
    }
    text_puts(out,
              "  \"thread_scaling\": {\n    \"law\": \"Amdahl: x(n) = x1 n / (1 + serial_share "
              "(n - 1)); usl adds coherence n (n - 1) to the denominator\",\n"
              "    \"serial_share\": ");
    put_law(out, &p->amdahl, false);
    if (p->has_usl) {
        text_puts(out, ",\n    \"usl\": ");
        put_law(out, &p->usl, true);
    }
    text_puts(out, ",\n    \"points\": [");
    for (size_t i = 0; i < p->n_points; i++) {
        text_printf(out, "%s{ \"threads\": %g, ",
                    i == 0       ? ""
                    : i % 4 == 0 ? ",\n      "
                                 : ", ",
                    p->points[i].threads);
        put(out, "tasks_per_s", rounded(p->points[i].tasks_per_s));
        text_puts(out, " }");
    }
    text_puts(out, "]\n  },\n");
}

static void put_around(struct text *out, const struct profile *p)
{
    if (!(p->compression_ratio > 0.0)) {
        return; /* not measured yet */
    }
    text_puts(out, "  \"around\": {\n");
    for (size_t kind = 0; kind < AROUND_KINDS; kind++) {
        const struct around_result *const a = &p->around[kind];
        text_printf(out, "    \"%s\": { \"what\": ", around_name((enum around)kind));
        text_json_string(out, around_meaning((enum around)kind));
        text_puts(out, ", ");
        put(out, "fixed_s", rounded(a->law.fixed_s));
        text_puts(out, ", ");
        put(out, "s_per_byte", rounded(a->law.s_per_byte));
        text_puts(out, ", ");
        put(out, "rms_ratio", rounded(a->law.rms_ratio));
        text_puts(out, ",\n      \"rows\": [");
        for (size_t s = 0; s < AROUND_SIZES; s++) {
            text_puts(out, s == 0 ? "\n        { " : ",\n        { ");
            put(out, "bytes", p->around_bytes[s]);
            text_puts(out, ", ");
            put_measurement(out, "median_s", &a->row[s]);
            text_puts(out, " }");
        }
        text_puts(out, "] },\n");
    }
    text_puts(out, "    ");
    put(out, "compression_ratio", rounded(p->compression_ratio));
    text_puts(out, "\n  },\n  \"merge_s_per_byte\": { ");
    put(out, "value", rounded(p->around[AROUND_MERGE].law.s_per_byte));
    text_puts(out, ", \"note\": \"one received gradient added, float32, one core\" },\n"
                   "  \"serialise_s_per_byte\": { ");
    put(out, "value",
        rounded(0.5 * (p->around[AROUND_SERIALISE].law.s_per_byte +
                       p->around[AROUND_DESERIALISE].law.s_per_byte)));
    text_puts(out, ", \"note\": \"mean of serialise and deserialise\" },\n");
}

static void put_quota(struct text *out, const struct profile *p)
{
    if (p->n_quota == 0) {
        return;
    }
    text_puts(out,
              "  \"quota\": {\n    \"law\": \"unit_s(v) = unit_s(1) / v; law_ratio is measured "
              "over law\",\n");
    put_string(out, "    ", "mechanism", p->quota_mechanism);
    text_puts(out, "    \"points\": [");
    for (size_t i = 0; i < p->n_quota; i++) {
        text_puts(out, i == 0 ? "\n      { " : ",\n      { ");
        put(out, "vcpu", p->quota[i].vcpu);
        text_puts(out, ", ");
        put(out, "unit_s", rounded(p->quota[i].unit_s));
        text_puts(out, ", ");
        put(out, "law_ratio", rounded(p->quota[i].law_ratio));
        text_puts(out, " }");
    }
    text_puts(out, "]\n  },\n");
}

void profile_write(const struct profile *p, struct text *out)
{
    text_puts(
        out,
        "// Measured by `faascast calibrate`; the keys are explained in docs/calibration.md.\n{\n");
    put_string(out, "  ", "name", p->name);
    put_host(out, &p->host);
    put_string(out, "  ", "source", "faascast calibrate on this host");
    text_puts(out, "  \"warnings\": [");
    for (size_t i = 0; i < p->n_warnings; i++) {
        text_puts(out, i == 0 ? "\n    " : ",\n    ");
        text_json_string(out, p->warnings[i]);
    }
    text_puts(out, "],\n");
    put_rates(out, p);
    text_puts(out, "  \"units\": [\n");
    for (size_t i = 0; i < p->n_units; i++) {
        put_unit(out, &p->units[i]);
        text_puts(out, i + 1 < p->n_units ? ",\n" : "\n");
    }
    text_puts(out, "  ],\n");
    put_scaling(out, p);
    put_around(out, p);
    put_quota(out, p);
    if (p->process_start.samples > 0) {
        text_puts(out, "  \"process_start_s\": { ");
        put_measurement(out, "value", &p->process_start);
        text_puts(out, ", \"note\": \"this program, started and ended\" },\n");
    }
    put_string(out, "  ", "date", p->host.date);
    text_puts(out, "  \"status\": \"measured\"\n}\n");
}
