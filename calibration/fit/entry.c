/* The JSON of a catalogue entry with its provenance. Nothing in it depends on when or where the fit
 * was made, so that the same trace gives the same bytes.
 */
#include "calibration/fit/entry.h"

#include <math.h>
#include <string.h>

void text_six(struct text *out, double value)
{
    char buffer[40];
    snprintf(buffer, sizeof buffer, "%.6g", value);
    text_puts(out, buffer);
}

static void member(struct text *out, int indent, const char *key)
{
    text_printf(out, "%s\n%*s", out->size > 0 ? "," : "", indent, "");
    text_json_string(out, key);
    text_puts(out, ": ");
}

static void number_member(struct text *out, bool *first, const char *key, double value)
{
    if (isfinite(value)) {
        text_puts(out, *first ? "" : ", ");
        text_json_string(out, key);
        text_puts(out, ": ");
        text_six(out, value);
        *first = false;
    }
}

/* {"distribution": "lognormal", "mu": ..., "run_sd": ...}: the form scenarios read. */
static void distribution_object(struct text *out, const struct fitted *d, double run_sd)
{
    text_printf(out, "{ \"distribution\": \"%s\"",
                family_name(d->family == FAMILY_SHIFTED_MIXTURE ? FAMILY_MIXTURE : d->family));
    bool first = false;
    if (d->family == FAMILY_EMPIRICAL) {
        text_puts(out, ", \"quantiles\": [");
        for (size_t i = 0; i < EMPIRICAL_QUANTILES; i++) {
            text_puts(out, i > 0 ? ", " : "");
            text_six(out, d->quantile[i]);
        }
        text_puts(out, "]");
    } else if (d->family == FAMILY_MIXTURE || d->family == FAMILY_SHIFTED_MIXTURE) {
        const bool shifted = d->family == FAMILY_SHIFTED_MIXTURE;
        const double share = d->parameter[0].value;
        text_puts(out, ", \"weights\": [");
        text_six(out, 1 - share);
        text_puts(out, ", ");
        text_six(out, share);
        text_puts(out, "], \"components\": [");
        for (size_t k = 0; k < 2; k++) {
            text_printf(out, "%s{ \"distribution\": \"%slognormal\"", k > 0 ? ", " : "",
                        shifted ? "shifted_" : "");
            bool none = false;
            if (shifted) {
                number_member(out, &none, "shift", d->parameter[5].value);
            }
            number_member(out, &none, "mu", d->parameter[1 + 2 * k].value);
            number_member(out, &none, "sigma", d->parameter[2 + 2 * k].value);
            text_puts(out, " }");
        }
        text_puts(out, "]");
    } else {
        for (size_t k = 0; k < d->n_parameters; k++) {
            number_member(out, &first, d->parameter[k].name, d->parameter[k].value);
        }
    }
    if (run_sd > 0) {
        number_member(out, &first, "run_sd", run_sd);
    }
    text_puts(out, " }");
}

static void estimate_object(struct text *out, const struct estimate *e)
{
    bool first = true;
    text_puts(out, "{ ");
    number_member(out, &first, "value", e->value);
    number_member(out, &first, "low", e->low);
    number_member(out, &first, "high", e->high);
    if (e->at_bound) {
        text_puts(out, ", \"at_bound\": true");
    }
    if (e->unidentified) {
        text_puts(out, ", \"unidentified\": true");
    }
    text_puts(out, " }");
}

/* Measured against fitted quantiles: whether the tail is right is not seen in an AIC. */
static void quantile_rows(struct text *out, const struct fitted *d, const struct sample *sorted)
{
    static const double probabilities[] = {0.05, 0.5, 0.9, 0.99, 0.999};
    text_puts(out, "[");
    bool first = true;
    for (size_t i = 0; i < sizeof probabilities / sizeof probabilities[0]; i++) {
        const double p = probabilities[i];
        if (d->n * (1 - p) < 5) {
            continue; /* fewer than five observations beyond it */
        }
        text_puts(out, first ? "" : ", ");
        first = false;
        text_puts(out, "[");
        text_six(out, p);
        text_puts(out, ", ");
        text_six(out, sample_quantile(sorted, p));
        text_puts(out, ", ");
        text_six(out, distribution_quantile(d, p));
        text_puts(out, "]");
    }
    text_puts(out, "]");
}

/* "source": ..., "date": ..., "status": "measured" and the beginning of the note of a value. */
static void provenance(struct entry *e, const char *separator)
{
    text_printf(&e->values, ",%s\"source\": ", separator);
    text_json_string(&e->values, e->source);
    text_puts(&e->values, ", \"date\": ");
    text_json_string(&e->values, e->date);
    text_puts(&e->values, ", \"status\": \"measured\"");
}

void entry_distribution(struct entry *e, const char *key, const struct fitted *best,
                        const struct fitted *all, const struct run_effect *effect,
                        const struct sample *sorted)
{
    const bool runs = effect != NULL && effect->runs >= 2;
    member(&e->values, 6, key);
    text_puts(&e->values, "{\n        \"value\": ");
    distribution_object(&e->values, best, runs ? effect->sd.value : 0);
    provenance(e, "\n        ");
    text_printf(&e->values, ",\n        \"note\": \"n %.0f", best->n);
    if (runs) {
        text_printf(&e->values, " in %zu runs", effect->runs);
    }
    text_printf(&e->values, ", KS distance %.3f\"\n      }", best->ks);

    struct text *const d = &e->details;
    member(d, 6, key);
    text_printf(d, "{\n        \"n\": %.0f", best->n);
    if (runs) {
        text_printf(d, ",\n        \"runs\": %zu,\n        \"run_sd\": ", effect->runs);
        estimate_object(d, &effect->sd);
        text_puts(d, ",\n        \"factor_of_a_new_run_90\": [");
        text_six(d, effect->low);
        text_puts(d, ", ");
        text_six(d, effect->high);
        text_puts(d, "]");
    }
    for (size_t k = 0; k < best->n_parameters; k++) {
        text_printf(d, ",\n        \"%s\": ", best->parameter[k].name);
        estimate_object(d, &best->parameter[k]);
    }
    text_puts(d, ",\n        \"quantiles_measured_fitted\": ");
    quantile_rows(d, best, sorted);
    text_puts(d, ",\n        \"families\": {");
    bool first = true;
    for (size_t f = 0; all != NULL && f < FAMILIES; f++) {
        if (all[f].n > 0) {
            text_printf(d, "%s\n          \"%s\": { ", first ? "" : ",",
                        family_name(all[f].family));
            first = false;
            bool one = true;
            number_member(d, &one, "aic", all[f].aic);
            number_member(d, &one, "ks", all[f].ks);
            text_puts(d, " }");
        }
    }
    text_puts(d, "\n        }\n      }");

    entry_say(e, "%s: %s, median %.4g, p90 %.4g, p99 %.4g (measured %.4g, %.4g, %.4g), KS %.3f\n",
              key, family_name(best->family), distribution_quantile(best, 0.5),
              distribution_quantile(best, 0.9), distribution_quantile(best, 0.99),
              sample_quantile(sorted, 0.5), sample_quantile(sorted, 0.9),
              sample_quantile(sorted, 0.99), best->ks);
    for (size_t k = 0; k < best->n_parameters; k++) {
        const struct estimate *const p = &best->parameter[k];
        entry_say(e, "    %-12s %-12.5g %.5g .. %.5g\n", p->name, p->value, p->low, p->high);
    }
    if (runs) {
        entry_say(e,
                  "    %-12s %-12.4g %.4g .. %.4g; 9 of 10 runs within a factor %.3g .. %.3g, "
                  "%zu runs\n",
                  "run_sd", effect->sd.value, effect->sd.low, effect->sd.high, effect->low,
                  effect->high, effect->runs);
    }
}

void entry_number(struct entry *e, const char *key, const struct estimate *estimate, size_t n,
                  const char *note)
{
    entry_number_of_runs(e, key, estimate, n, 0, note);
}

void entry_number_of_runs(struct entry *e, const char *key, const struct estimate *estimate,
                          size_t n, double run_sd, const char *note)
{
    member(&e->values, 6, key);
    text_puts(&e->values, "{\n        \"value\": ");
    if (run_sd > 0) {
        bool first = false;
        text_puts(&e->values, "{ \"distribution\": \"constant\"");
        number_member(&e->values, &first, "value", estimate->value);
        number_member(&e->values, &first, "run_sd", run_sd);
        text_puts(&e->values, " }");
    } else {
        text_six(&e->values, estimate->value);
    }
    provenance(e, "\n        ");
    text_printf(&e->values, ",\n        \"note\": \"n %zu", n);
    if (isfinite(estimate->low) && isfinite(estimate->high)) {
        text_puts(&e->values, ", 95 % within ");
        text_six(&e->values, estimate->low);
        text_puts(&e->values, " to ");
        text_six(&e->values, estimate->high);
    }
    text_printf(&e->values, "%s%s\"\n      }", note != NULL ? "; " : "", note != NULL ? note : "");
    entry_detail(e, key, estimate, 1);
}

void entry_detail(struct entry *e, const char *key, const struct estimate *estimates, size_t n)
{
    member(&e->details, 6, key);
    if (n == 1) {
        estimate_object(&e->details, &estimates[0]);
    } else {
        text_puts(&e->details, "{");
        for (size_t i = 0; i < n; i++) {
            text_printf(&e->details, "%s\n        \"%s\": ", i > 0 ? "," : "", estimates[i].name);
            estimate_object(&e->details, &estimates[i]);
        }
        text_puts(&e->details, "\n      }");
    }
    for (size_t i = 0; i < n; i++) {
        const struct estimate *const p = &estimates[i];
        entry_say(e, "%s%s%s: %.5g", key, n > 1 ? " " : "", n > 1 ? p->name : "", p->value);
        if (isfinite(p->low) && isfinite(p->high)) {
            entry_say(e, ", 95 %% within %.5g .. %.5g", p->low, p->high);
        }
        entry_say(e, "%s%s\n", p->at_bound ? ", at its bound" : "",
                  p->unidentified ? ", not identified alone" : "");
    }
}

void entry_detail_text(struct entry *e, const char *key, const char *text)
{
    member(&e->details, 6, key);
    text_json_string(&e->details, text);
    entry_say(e, "%s: %s\n", key, text);
}

void entry_say(struct entry *e, const char *format, ...)
{
    char line[600];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    text_puts(e->summary, line);
}

static void text_field(struct text *out, const char *key, const char *value)
{
    text_printf(out, "      \"%s\": ", key);
    text_json_string(out, value);
    text_puts(out, ",\n");
}

void entry_finish(struct entry *e, const char *group, const char *trace_path, uint64_t trace_hash,
                  size_t rows, struct text *json)
{
    const struct fit_options *const o = e->options;
    text_puts(json, "{\n");
    if (group != NULL) {
        text_printf(json, "  \"%s\": {\n    ", group);
        text_json_string(json, o->name);
        text_puts(json, ": {");
        if (o->over != NULL) {
            text_puts(json, "\n      \"use\": ");
            text_json_string(json, o->over);
            text_puts(json, e->values.size > 0 ? "," : "");
        }
        /* The first member begins with a line end of its own. */
        text_append(json, e->values.data != NULL ? e->values.data : "", e->values.size);
        text_puts(json, "\n    }\n  },\n");
    }
    text_puts(json, "  \"fits\": {\n    ");
    text_json_string(json, o->name);
    text_puts(json, ": {\n");
    text_field(json, "command", o->command != NULL ? o->command : "");
    text_field(json, "trace", trace_path);
    text_printf(json, "      \"trace_hash\": \"fnv1a-64:%016llx\",\n",
                (unsigned long long)trace_hash);
    text_field(json, "source", e->source);
    text_field(json, "date", e->date);
    text_field(json, "status", "measured");
    text_printf(json, "      \"rows\": %zu%s", rows, e->details.size > 0 ? "," : "");
    text_append(json, e->details.data != NULL ? e->details.data : "", e->details.size);
    text_puts(json, "\n    }\n  }\n}\n");
    json->failed = json->failed || e->values.failed || e->details.failed || e->summary->failed;
}

void entry_free(struct entry *e)
{
    text_free(&e->values);
    text_free(&e->details);
}
