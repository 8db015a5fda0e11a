/* From a trace or a table to a catalogue entry. */
#include "calibration/fit/target.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct target {
    const char *name, *help;
    enum status (*run)(struct entry *e, struct error *err);
    const char *group; /* of the catalogue */
};

static const struct target targets[] = {
    {"start", "start-up of functions, cold and warm, by burst", fit_start, "platforms"},
    {"compute-memory", "time against configured memory", fit_memory, "computes"},
    {"store", "latency of get, put, list; bandwidth when sizes differ", fit_store, "stores"},
    {"bandwidth", "bandwidth of a link: cap, growth with memory, token bucket", fit_bandwidth,
     "platforms"},
};
enum { TARGETS = sizeof targets / sizeof targets[0] };

const char *fit_target_name(size_t i)
{
    return i < TARGETS ? targets[i].name : i == TARGETS ? "system" : NULL;
}

const char *fit_target_help(size_t i)
{
    return i < TARGETS    ? targets[i].help
           : i == TARGETS ? "constants of a system of the literature from a table"
                          : NULL;
}

/* The days on which the trace was measured, when time_s is Unix time. */
static void date_of(const struct trace *t, char *out, size_t size)
{
    double first = HUGE_VAL, last = -HUGE_VAL;
    for (size_t i = 0; i < t->n && t->number[TRACE_time_s] != NULL; i++) {
        if (!isnan(t->number[TRACE_time_s][i])) {
            first = fmin(first, t->number[TRACE_time_s][i]);
            last = fmax(last, t->number[TRACE_time_s][i]);
        }
    }
    out[0] = '\0';
    /* 1973 to 5138: not an offset from the start of a run, and not a trace without times. */
    if (!(first > 1e8 && first <= last && last < 1e11)) {
        return;
    }
    char from[32], to[32];
    struct tm day;
    const time_t begin = (time_t)first, end = (time_t)last;
    if (gmtime_r(&begin, &day) == NULL || strftime(from, sizeof from, "%Y-%m-%d", &day) == 0 ||
        gmtime_r(&end, &day) == NULL || strftime(to, sizeof to, "%Y-%m-%d", &day) == 0) {
        return;
    }
    snprintf(out, size, strcmp(from, to) == 0 ? "%s" : "%s to %s", from, to);
}

static enum status fit_table(const char *path, const struct fit_options *o, struct text *json,
                             struct text *summary, struct error *err)
{
    const struct system_law *const law = o->system != NULL ? system_law_find(o->system) : NULL;
    if (law == NULL) {
        struct text names = {0};
        for (const struct system_law *l = system_laws; l->name != NULL; l++) {
            text_printf(&names, "%s%s", names.size > 0 ? ", " : "", l->name);
        }
        RAISE(err, ERR_USAGE, "%s%s%s; expected one of %s",
              o->system != NULL ? "no law '" : "which system", o->system != NULL ? o->system : "",
              o->system != NULL ? "'" : "?", names.data != NULL ? names.data : "");
        text_free(&names);
        return err->code;
    }
    if (o->date == NULL || o->date[0] == '\0') {
        return RAISE(err, ERR_USAGE, "a table does not say when it was measured: give --date");
    }
    char *bytes = NULL;
    size_t size = 0;
    if (file_read(path, (size_t)64 << 20, &bytes, &size, err) != STATUS_OK) {
        return err->code;
    }
    const uint64_t hash = hash_bytes(HASH_SEED, bytes, size);
    struct table table;
    if (table_parse(path, bytes, size, &table, err) != STATUS_OK) {
        return err->code;
    }
    struct system_fit fit;
    const char *const where = o->n_where > 0 ? o->where[0] : NULL;
    const enum status code = system_fit_table(&table, law, where, &fit, err);
    table_free(&table);
    if (code != STATUS_OK) {
        return code;
    }
    struct entry e = {.options = o,
                      .source = o->source != NULL ? o->source : law->source,
                      .date = o->date,
                      .summary = summary};
    entry_say(&e, "%s: %s\n", law->name, law->summary);
    for (size_t k = 0; k < fit.fit.n_parameters; k++) {
        entry_detail(&e, fit.fit.parameter[k].name, &fit.fit.parameter[k], 1);
    }
    for (size_t k = 0; k < fit.fit.ambiguities; k++) {
        char key[48];
        snprintf(key, sizeof key, "unidentified_%zu", k + 1);
        entry_detail_text(&e, key, fit.fit.ambiguity[k].text);
    }
    char quality[200];
    snprintf(
        quality, sizeof quality,
        "%zu rows, %zu left out; errors in the fit: mean %.1f %%, largest %.1f %%; leaving one "
        "out: mean %.1f %%, largest %.1f %%",
        fit.fit.n, fit.skipped, 100 * fit.fit.mape, 100 * fit.fit.max_error, 100 * fit.loo_mape,
        100 * fit.loo_max);
    entry_detail_text(&e, "quality", quality);
    entry_detail_text(&e, "law", law->source);
    entry_finish(&e, NULL, path, hash, fit.fit.n, json);
    entry_free(&e);
    return json->failed ? RAISE(err, ERR_MEMORY, "no memory for the entry") : STATUS_OK;
}

static enum status fit_loaded(const struct target *target, const struct trace *t,
                              const struct fit_options *o, struct text *json, struct text *summary,
                              struct error *err)
{
    char date[64] = "";
    if (o->date != NULL && o->date[0] != '\0') {
        snprintf(date, sizeof date, "%s", o->date);
    } else {
        date_of(t, date, sizeof date);
    }
    if (date[0] == '\0') {
        return RAISE(err, ERR_USAGE,
                     "%s does not say when it was measured: give --date, as in --date 2024-05-31",
                     t->path);
    }
    struct entry e = {.options = o,
                      .trace = t,
                      .source = o->source != NULL ? o->source : t->path,
                      .date = date,
                      .summary = summary};
    enum status code = target->run(&e, err);
    if (code == STATUS_OK) {
        entry_finish(&e, target->group, t->path, t->hash, t->n, json);
        code = json->failed ? RAISE(err, ERR_MEMORY, "no memory for the entry") : STATUS_OK;
    }
    entry_free(&e);
    return code;
}

enum status fit_trace(const char *path, const struct fit_options *o, struct text *json,
                      struct text *summary, struct error *err)
{
    if (strcmp(o->what, "system") == 0) {
        return fit_table(path, o, json, summary, err);
    }
    const struct target *target = NULL;
    const char *names[TARGETS + 1];
    for (size_t i = 0; i <= TARGETS; i++) {
        names[i] = fit_target_name(i);
        target = i < TARGETS && strcmp(o->what, names[i]) == 0 ? &targets[i] : target;
    }
    if (target == NULL) {
        const char *const near = nearest_name(o->what, names, TARGETS + 1);
        return RAISE(err, ERR_USAGE,
                     "'%s' is not fitted: expected start, compute-memory, store, bandwidth or "
                     "system%s%s%s",
                     o->what, near != NULL ? "; did you mean '" : "", near != NULL ? near : "",
                     near != NULL ? "'?" : "");
    }
    struct trace t;
    if (trace_load(path, &t, err) != STATUS_OK) {
        return err->code;
    }
    enum status code = STATUS_OK;
    for (size_t i = 0; code == STATUS_OK && i < o->n_where; i++) {
        const char *const equals = strchr(o->where[i], '=');
        char column[64] = "";
        if (equals != NULL) {
            snprintf(column, sizeof column, "%.*s", (int)(equals - o->where[i]), o->where[i]);
            code = trace_where(&t, column, equals + 1, err);
        } else {
            code = RAISE(err, ERR_USAGE, "'%s': expected column=value", o->where[i]);
        }
    }
    if (code == STATUS_OK) {
        code = fit_loaded(target, &t, o, json, summary, err);
    }
    trace_free(&t);
    return code;
}
