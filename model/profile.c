/* The compute profile of a scenario: where its file lies, and which of its numbers a configuration
 * takes over. `faascast calibrate` writes such files (calibration/profile.h). */
#include "model/scenario.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Shipped with the program. */
static char *shipped_path(struct arena *a, const char *data_dir, const char *name)
{
    struct text path = {0};
    text_printf(&path, "%s/profiles/%s.json", data_dir, name);
    char *copy = path.failed ? NULL : arena_copy(a, path.data, path.size);
    text_free(&path);
    return copy;
}

/* Beside the file that names it: NAME.json. */
static char *own_path(struct arena *a, const struct json *name)
{
    struct text file = {0};
    text_printf(&file, "%s.json", name->text);
    char *path = file.failed ? NULL : path_beside(a, name->origin.file, file.data);
    text_free(&file);
    return path;
}

static bool is_file_name(const char *name)
{
    return strchr(name, '/') != NULL || text_ends(name, ".json");
}

char *profile_path(struct arena *a, const char *data_dir, const struct json *name)
{
    if (is_file_name(name->text)) {
        return path_beside(a, name->origin.file, name->text);
    }
    char *const shipped = shipped_path(a, data_dir, name->text);
    char *const own = own_path(a, name);
    const bool use_own =
        shipped != NULL && own != NULL && access(shipped, F_OK) != 0 && access(own, F_OK) == 0;
    return use_own ? own : shipped;
}

/* Says where it was looked for, and the nearest name that is there. */
static enum status no_profile(struct arena *a, const char *dir, const struct json *node,
                              const char *words, struct error *err)
{
    const char *const own = own_path(a, json_bare(node));
    if (is_file_name(words)) {
        return JSON_RAISE(err, node, ERR_INPUT, "no profile \"%.80s\": no such file", words);
    }
    char **names = NULL;
    size_t count = 0;
    struct text folder = {0};
    text_printf(&folder, "%s/profiles", dir);
    if (folder.failed || own == NULL) {
        RAISE(err, ERR_MEMORY, "out of memory looking for profile \"%.80s\"", words);
    } else if (catalogue_files(a, folder.data, &names, &count, err) == STATUS_OK) {
        for (size_t i = 0; i < count; i++) { /* DIR/NAME.json -> NAME */
            names[i] += folder.size + 1;
            names[i][strlen(names[i]) - strlen(".json")] = '\0';
        }
        const char *const near = nearest_name(words, (const char *const *)names, count);
        JSON_RAISE(err, node, ERR_INPUT,
                   "no profile \"%.80s\"%s%s%s (neither %s nor %s/%.80s.json is there)", words,
                   near != NULL ? ", did you mean \"" : "", near != NULL ? near : "",
                   near != NULL ? "\"?" : "", own, folder.data, words);
    }
    text_free(&folder);
    return err->code;
}

/* Is this measured row of a profile the task of the workload? */
static bool same_task(const struct json *row, const struct workload *w)
{
    const struct {
        const char *key, *text;
        double number;
    } keys[] = {
        {"algorithm", w->algorithm_name, 0},
        {"dataset", w->dataset, 0},
        {"backbone", w->backbone, 0},
        {"ways", NULL, w->ways},
        {"shots", NULL, w->shots},
        {"queries", NULL, w->queries},
        {"adaptation_steps", NULL, w->adaptation_steps},
    };
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        const struct json *value = json_member(row, keys[i].key);
        const bool same = keys[i].text != NULL ? value != NULL && value->kind == JSON_STRING &&
                                                     strcmp(value->text, keys[i].text) == 0
                                               : value != NULL && value->number == keys[i].number;
        if (!same) {
            return false;
        }
    }
    const struct json *fixed = json_member(row, "theta_fixed");
    return fixed == NULL || fixed->kind != JSON_BOOL || fixed->boolean == w->theta_fixed;
}

/* A row of "units" has a time, and no key that calibrate does not write: a misspelt one would be
 * read by nobody. */
static enum status check_row(const struct json *row, struct error *err)
{
    static const char *const keys[] = {
        "unit_s",      "low_s",    "high_s", "cv",         "samples",      "outliers",
        "precise",     "flop",     "path",   "flop_per_s", "worker_bytes", "algorithm",
        "dataset",     "backbone", "ways",   "shots",      "queries",      "adaptation_steps",
        "theta_fixed", "source",   "date",   "status",     "note"};
    const struct json *time = json_bare(json_member(row, "unit_s"));
    if (row->kind == JSON_OBJECT && json_known_keys(row, "key", " of a measured task", keys,
                                                    sizeof keys / sizeof keys[0], err)) {
        return err->code;
    }
    if (time == NULL || time->kind != JSON_NUMBER || !(time->number > 0)) {
        return JSON_RAISE(err, time != NULL ? time : row, ERR_INPUT,
                          "a measured task needs \"unit_s\", seconds above 0");
    }
    return STATUS_OK;
}

/* A number of the profile, when it is there. */
static enum status profile_number(struct json *profile, const char *pointer, double maximum,
                                  double *out, struct error *err)
{
    struct json *node = json_pointer(profile, pointer);
    double value = 0;
    if (node == NULL) {
        return STATUS_OK;
    }
    if (value_number(node, &value, err) != STATUS_OK) {
        return err->code;
    }
    if (value < 0 || value > maximum) {
        return JSON_RAISE(err, node, ERR_INPUT, "found %g, expected 0 to %g", value, maximum);
    }
    *out = value;
    return STATUS_OK;
}

enum status profile_bind(struct arena *a, const char *dir, struct json *node, struct config *c,
                         struct error *err)
{
    struct compute *k = &c->compute;
    struct json *name = node != NULL ? json_member(node, "profile") : NULL;
    k->profile = "";
    if (name == NULL) {
        if (k->unit_override_s <= 0 && k->flop_per_s <= 0) {
            return JSON_RAISE(err, node, ERR_INPUT,
                              "the compute section needs a profile, unit_s or flop_per_s");
        }
        return STATUS_OK;
    }
    const char *words = NULL;
    struct json *profile = NULL;
    if (value_text(name, &words, err) != STATUS_OK) {
        return err->code;
    }
    if (dir == NULL) { /* nothing is predicted: any time will do */
        k->host_unit_s = 1;
        return STATUS_OK;
    }
    k->profile = profile_path(a, dir, json_bare(name));
    if (k->profile == NULL) {
        return RAISE(err, ERR_MEMORY, "out of memory looking for profile \"%.80s\"", words);
    }
    struct error load = {0};
    if (json_load(a, k->profile, &profile, &load) != STATUS_OK) {
        return load.code == ERR_IO ? no_profile(a, dir, name, words, err)
                                   : (*err = load, load.code);
    }
    char pointer[64];
    snprintf(pointer, sizeof pointer, "/rates/%s/flop_per_s", c->workload.algorithm_name);
    const double most = 1e18;
    if (k->flop_per_s <= 0) { /* a rate of the scenario's own replaces rates and times here */
        struct json *units = json_member(profile, "units");
        if (profile_number(profile, pointer, most, &k->flop_per_s, err) != STATUS_OK) {
            return err->code;
        }
        for (struct json *row = units != NULL ? units->first : NULL; row != NULL; row = row->next) {
            if (check_row(row, err) != STATUS_OK ||
                (same_task(row, &c->workload) &&
                 profile_number(row, "/unit_s", most, &k->host_unit_s, err) != STATUS_OK)) {
                return err->code;
            }
        }
    }
    if (k->flop_per_s <= 0 && k->host_unit_s <= 0 && k->unit_override_s <= 0) {
        return JSON_RAISE(err, name, ERR_INPUT,
                          "profile \"%.80s\" has neither a rate nor a time for %s", words,
                          c->workload.algorithm_name);
    }
    const struct {
        const char *key, *pointer;
        double *value;
    } defaults[] = {
        {"serial_share", "/thread_scaling/serial_share", &k->serial_share},
        {"merge_s_per_byte", "/merge_s_per_byte", &k->merge_s_per_byte},
        {"serialise_s_per_byte", "/serialise_s_per_byte", &k->serialise_s_per_byte},
    };
    for (size_t i = 0; i < sizeof defaults / sizeof defaults[0]; i++) {
        if (json_member(node, defaults[i].key) == NULL &&
            profile_number(profile, defaults[i].pointer, 1, defaults[i].value, err) != STATUS_OK) {
            return err->code;
        }
    }
    return STATUS_OK;
}
