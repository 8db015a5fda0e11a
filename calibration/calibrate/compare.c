/* What moved between two profiles: the same quantities side by side. */
#include "calibration/calibrate.h"

#include <string.h>

static double number_at(const struct json *node, const char *key, double otherwise)
{
    const struct json *const value = json_member(node, key);
    return value != NULL && value->kind == JSON_NUMBER ? value->number : otherwise;
}

static bool text_is(const struct json *node, const char *key, const char *expected)
{
    const struct json *const value = json_member(node, key);
    return value != NULL && value->kind == JSON_STRING && strcmp(value->text, expected) == 0;
}

static bool same_task(const struct json *row, const struct calibrate_case *c)
{
    const struct kernel_config *const k = &c->config;
    const struct json *const fixed = json_member(row, "theta_fixed");
    return text_is(row, "algorithm", kernel_algorithm_name(k->algorithm)) &&
           text_is(row, "dataset", c->dataset) && text_is(row, "backbone", c->backbone) &&
           number_at(row, "ways", 0.0) == (double)k->ways &&
           number_at(row, "shots", 0.0) == (double)k->shots &&
           number_at(row, "queries", 0.0) == (double)k->queries &&
           number_at(row, "adaptation_steps", 0.0) == (double)k->steps &&
           (fixed == NULL || fixed->boolean == k->fixed_theta);
}

/* One line; a mark when the two intervals share nothing. */
static bool put_line(struct text *out, const char *what, const struct measurement *now,
                     double then_s, double then_low_s, double then_high_s)
{
    /* Profiles keep six digits: what differs by their rounding has not moved. */
    const double slack = 2e-6 * then_s;
    const bool moved = now->low_s > then_high_s + slack || now->high_s < then_low_s - slack;
    text_printf(out, "%-58s %12.6g %12.6g %8.3f%s\n", what, then_s, now->median_s,
                now->median_s / then_s, moved ? "  moved" : "");
    return moved;
}

static size_t compare_units(const struct profile *now, const struct json *units, struct text *out)
{
    size_t moved = 0;
    for (size_t i = 0; i < now->n_units; i++) {
        const struct calibrate_unit *const u = &now->units[i];
        for (const struct json *row = units->first; row != NULL; row = row->next) {
            const double then_s = number_at(row, "unit_s", 0.0);
            if (row->kind != JSON_OBJECT || !same_task(row, &u->what) || !(then_s > 0.0)) {
                continue;
            }
            char what[160];
            snprintf(what, sizeof what, "%s %s %s %zu-shot T=%zu",
                     kernel_algorithm_name(u->what.config.algorithm), u->what.dataset,
                     u->what.backbone, u->what.config.shots, u->what.config.steps);
            moved += put_line(out, what, &u->task, then_s, number_at(row, "low_s", then_s),
                              number_at(row, "high_s", then_s));
        }
    }
    return moved;
}

static size_t compare_around(const struct profile *now, const struct json *around, struct text *out)
{
    size_t moved = 0;
    for (size_t kind = 0; kind < AROUND_KINDS; kind++) {
        const struct json *const entry = json_member(around, around_name((enum around)kind));
        const struct json *const rows = entry == NULL ? NULL : json_member(entry, "rows");
        for (const struct json *row = rows == NULL ? NULL : rows->first; row != NULL;
             row = row->next) {
            const double then_s = number_at(row, "median_s", 0.0);
            for (size_t s = 0; s < AROUND_SIZES; s++) {
                if (row->kind == JSON_OBJECT && then_s > 0.0 &&
                    number_at(row, "bytes", 0.0) == now->around_bytes[s]) {
                    char what[96];
                    snprintf(what, sizeof what, "%s %.0f bytes", around_name((enum around)kind),
                             now->around_bytes[s]);
                    moved +=
                        put_line(out, what, &now->around[kind].row[s], then_s,
                                 number_at(row, "low_s", then_s), number_at(row, "high_s", then_s));
                }
            }
        }
    }
    return moved;
}

enum status profile_compare(const struct profile *now, const char *then_path, struct text *out,
                            size_t *moved, struct error *err)
{
    struct arena arena = {0};
    struct json *then = NULL;
    *moved = 0;
    enum status status = json_load(&arena, then_path, &then, err);
    const struct json *const units =
        status == STATUS_OK && then->kind == JSON_OBJECT ? json_member(then, "units") : NULL;
    if (status == STATUS_OK && (units == NULL || units->kind != JSON_ARRAY)) {
        status = JSON_RAISE(err, then, ERR_INPUT,
                            "not a measured profile: it has no \"units\" to compare with");
    }
    if (status == STATUS_OK) {
        const struct json *const host = json_member(then, "host");
        const struct json *const hash = host == NULL ? NULL : json_member(host, "kernel_hash");
        if (hash != NULL && hash->kind == JSON_STRING &&
            strcmp(hash->text, now->host.kernel_hash) != 0) {
            text_printf(out, "the kernel changed: %s then, %s now\n", hash->text,
                        now->host.kernel_hash);
        }
        const struct json *const path =
            units->first != NULL ? json_member(units->first, "path") : NULL;
        const char *const build = now->n_units > 0 ? kernel_path_name(now->units[0].path) : NULL;
        if (build != NULL && path != NULL && path->kind == JSON_STRING &&
            strcmp(path->text, build) != 0) {
            text_printf(out, "another build of the kernel: %s then, %s now\n", path->text, build);
        }
        text_printf(out, "%-58s %12s %12s %8s\n", "seconds", "then", "now", "ratio");
        *moved = compare_units(now, units, out);
        const struct json *const around = json_member(then, "around");
        if (around != NULL && around->kind == JSON_OBJECT) {
            *moved += compare_around(now, around, out);
        }
        if (out->failed) {
            status = RAISE(err, ERR_MEMORY, "no memory for the comparison");
        }
    }
    arena_free(&arena);
    return status;
}
