/* Tasks that an earlier call measured, read back from its profile. */
#include "calibration/calibrate/earlier.h"

#include <stdlib.h>
#include <string.h>

static double number_at(const struct json *node, const char *key)
{
    const struct json *const value = json_member(node, key);
    return value != NULL && value->kind == JSON_NUMBER ? value->number : 0.0;
}

static const char *text_at(const struct json *node, const char *key)
{
    const struct json *const value = json_member(node, key);
    return value != NULL && value->kind == JSON_STRING ? value->text : "";
}

static bool truth_at(const struct json *node, const char *key)
{
    const struct json *const value = json_member(node, key);
    return value != NULL && value->kind == JSON_BOOL && value->boolean;
}

static size_t count_at(const struct json *node, const char *key)
{
    const double value = number_at(node, key);
    return value >= 0.0 && value < 1e9 ? (size_t)value : 0;
}

static bool path_named(const char *name, enum kernel_path *out)
{
    static const enum kernel_path all[] = {
#define X(constant, text) constant,
        KERNEL_PATH_LIST(X)
#undef X
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (strcmp(kernel_path_name(all[i]), name) == 0) {
            *out = all[i];
            return true;
        }
    }
    return false;
}

/* One row of "units"; false when it is not one that calibrate wrote. */
static bool read_unit(const struct json *row, struct calibrate_unit *out)
{
    struct error ignored = {0};
    struct kernel_config *const k = &out->what.config;
    struct measurement *const m = &out->task;
    *out = (struct calibrate_unit){0};
    if (row->kind != JSON_OBJECT ||
        kernel_algorithm_from_name(text_at(row, "algorithm"), &k->algorithm, &ignored) !=
            STATUS_OK ||
        !path_named(text_at(row, "path"), &out->path)) {
        return false;
    }
    snprintf(out->what.dataset, sizeof out->what.dataset, "%s", text_at(row, "dataset"));
    snprintf(out->what.backbone, sizeof out->what.backbone, "%s", text_at(row, "backbone"));
    k->ways = count_at(row, "ways");
    k->shots = count_at(row, "shots");
    k->queries = count_at(row, "queries");
    k->steps = count_at(row, "adaptation_steps");
    k->fixed_theta = truth_at(row, "theta_fixed");
    m->median_s = number_at(row, "unit_s");
    m->low_s = number_at(row, "low_s");
    m->high_s = number_at(row, "high_s");
    m->cv = number_at(row, "cv");
    m->samples = count_at(row, "samples");
    m->outliers = count_at(row, "outliers");
    m->precise = truth_at(row, "precise");
    out->flop = number_at(row, "flop");
    out->flop_per_s = number_at(row, "flop_per_s");
    out->worker_bytes = number_at(row, "worker_bytes");
    return m->median_s > 0.0 && m->samples > 0;
}

bool calibrate_same_task(const struct calibrate_case *a, const struct calibrate_case *b)
{
    const struct kernel_config *const x = &a->config, *const y = &b->config;
    return strcmp(a->dataset, b->dataset) == 0 && strcmp(a->backbone, b->backbone) == 0 &&
           x->algorithm == y->algorithm && x->ways == y->ways && x->shots == y->shots &&
           x->queries == y->queries && x->steps == y->steps && x->fixed_theta == y->fixed_theta;
}

static enum status same_host(const struct json *profile, const struct host *host, const char *path,
                             struct error *err)
{
    const struct json *const then = json_member(profile, "host");
    const char *const hash = then == NULL ? "" : text_at(then, "kernel_hash");
    const char *const machine = then == NULL ? "" : text_at(then, "machine");
    if (strcmp(machine, host->cpu) != 0) {
        return JSON_RAISE(err, profile, ERR_INPUT,
                          "%s was measured on \"%.60s\", this is \"%.60s\": its times cannot be "
                          "added to",
                          path, machine, host->cpu);
    }
    if (strcmp(hash, host->kernel_hash) != 0) {
        return JSON_RAISE(err, profile, ERR_INPUT,
                          "%s was measured with another kernel (%.20s, now %.20s): its times "
                          "cannot be added to",
                          path, hash, host->kernel_hash);
    }
    return STATUS_OK;
}

enum status earlier_units(const char *path, const struct host *host, struct calibrate_unit **out,
                          size_t *n, struct error *err)
{
    *out = NULL;
    *n = 0;
    struct arena arena = {0};
    struct json *profile = NULL;
    enum status status = json_load(&arena, path, &profile, err);
    const struct json *const units =
        status == STATUS_OK && profile->kind == JSON_OBJECT ? json_member(profile, "units") : NULL;
    if (status == STATUS_OK && (units == NULL || units->kind != JSON_ARRAY)) {
        status = JSON_RAISE(err, profile, ERR_INPUT,
                            "not a measured profile: it has no \"units\" to add to");
    }
    if (status == STATUS_OK) {
        status = same_host(profile, host, path, err);
    }
    size_t rows = 0;
    for (const struct json *row = status == STATUS_OK ? units->first : NULL; row != NULL;
         row = row->next) {
        rows++;
    }
    if (status == STATUS_OK && rows > 0) {
        *out = calloc(rows, sizeof **out);
        status = *out != NULL ? STATUS_OK : RAISE(err, ERR_MEMORY, "no memory for %zu tasks", rows);
    }
    for (const struct json *row = status == STATUS_OK && rows > 0 ? units->first : NULL;
         row != NULL; row = row->next) {
        *n += read_unit(row, &(*out)[*n]);
    }
    arena_free(&arena);
    return status;
}
