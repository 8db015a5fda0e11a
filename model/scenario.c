/* A scenario file: includes and --set merged, the sweep understood, points counted. */
#define _XOPEN_SOURCE 700 /* realpath */
#include "model/scenario.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { INCLUDE_DEPTH = 32 };

struct chain {
    const struct chain *up;
    const char *path;
};

/* The list of catalogue files that a tree names leaves it: their paths are gathered, those of every
 * include. */
static enum status take_catalogue(struct arena *a, struct json *tree, struct json *files,
                                  struct error *err)
{
    struct json *list = json_member(tree, "catalogue");
    if (list == NULL) {
        return STATUS_OK;
    }
    if (list->kind != JSON_ARRAY) {
        return JSON_RAISE(err, list, ERR_INPUT, "expected a list of files with catalogue entries");
    }
    for (const struct json *item = list->first; item != NULL; item = item->next) {
        struct json *file = json_new(a, JSON_STRING, item->origin);
        if (item->kind != JSON_STRING) {
            return JSON_RAISE(err, item, ERR_INPUT, "expected a file name");
        }
        if (file == NULL || (file->text = path_beside(a, item->origin.file, item->text)) == NULL) {
            return RAISE(err, ERR_MEMORY, "out of memory reading %s", item->text);
        }
        json_append(files, file, NULL);
    }
    json_detach(tree, list);
    return STATUS_OK;
}

char *path_beside(struct arena *a, const char *file, const char *name)
{
    struct text path = {0};
    const char *slash = strrchr(file, '/');
    if (name[0] != '/' && slash != NULL) {
        text_append(&path, file, (size_t)(slash - file) + 1);
    }
    text_puts(&path, name);
    char *copy = path.failed ? NULL : arena_copy(a, path.data, path.size);
    text_free(&path);
    return copy;
}

static enum status load_merged(struct arena *a, const char *path, const struct chain *up,
                               const struct json *asked, struct json *files, struct json **out,
                               struct error *err)
{
    struct json *own = NULL;
    const struct chain chain = {.up = up, .path = path};
    int depth = 0;
    for (const struct chain *c = up; c != NULL; c = c->up) {
        if (strcmp(c->path, path) == 0) {
            return JSON_RAISE(err, asked, ERR_INPUT, "%s includes itself", path);
        }
        if (++depth > INCLUDE_DEPTH) {
            return JSON_RAISE(err, asked, ERR_INPUT, "includes nested deeper than %d",
                              INCLUDE_DEPTH);
        }
    }
    struct error load = {0};
    if (json_load(a, path, &own, &load) != STATUS_OK) {
        if (load.code == ERR_IO && asked != NULL) {
            return JSON_RAISE(err, asked, ERR_INPUT, "%s", load.message);
        }
        *err = load;
        return err->code;
    }
    if (own->kind != JSON_OBJECT) {
        return JSON_RAISE(err, own, ERR_INPUT, "a scenario is a JSON object");
    }
    if (take_catalogue(a, own, files, err) != STATUS_OK) {
        return err->code;
    }
    struct json *include = json_member(own, "include");
    if (include == NULL) {
        *out = own;
        return STATUS_OK;
    }
    if (include->kind != JSON_ARRAY) {
        return JSON_RAISE(err, include, ERR_INPUT, "expected a list of file names");
    }
    struct json *merged = json_new(a, JSON_OBJECT, own->origin);
    if (merged == NULL) {
        return RAISE(err, ERR_MEMORY, "out of memory reading %s", path);
    }
    for (const struct json *item = include->first; item != NULL; item = item->next) {
        struct json *part = NULL;
        if (item->kind != JSON_STRING) {
            return JSON_RAISE(err, item, ERR_INPUT, "expected a file name");
        }
        char *name = path_beside(a, path, item->text);
        if (name == NULL) {
            return RAISE(err, ERR_MEMORY, "out of memory reading %s", path);
        }
        if (load_merged(a, name, &chain, item, files, &part, err) != STATUS_OK ||
            value_merge(a, merged, part, err) != STATUS_OK) {
            return err->code;
        }
    }
    json_detach(own, include);
    *out = merged;
    return value_merge(a, merged, own, err);
}

static enum status apply_sets(struct arena *a, struct json *tree,
                              const struct scenario_options *options, struct error *err)
{
    for (size_t i = 0; i < options->n_sets; i++) {
        const char *equals = strchr(options->sets[i], '=');
        if (equals == NULL) {
            return RAISE(err, ERR_USAGE, "--set %.200s: expected /json/pointer=value",
                         options->sets[i]);
        }
        char *pointer = arena_copy(a, options->sets[i], (size_t)(equals - options->sets[i]));
        struct json *value = NULL;
        struct error ignored = {0};
        const struct json_origin origin = {.file = "--set", .line = (unsigned)i + 1, .column = 0};
        if (json_parse(a, "--set", equals + 1, strlen(equals + 1), &value, &ignored) != STATUS_OK) {
            value = json_new(a, JSON_STRING, origin); /* a bare word is a text */
            if (value != NULL) {
                value->text = arena_copy(a, equals + 1, strlen(equals + 1));
            }
        }
        if (value == NULL || pointer == NULL) {
            return RAISE(err, ERR_MEMORY, "out of memory reading --set");
        }
        struct json *there = value->kind == JSON_NULL ? json_pointer(tree, pointer) : NULL;
        if (there != NULL && there->parent != NULL) { /* null takes a key away, as in an overlay */
            json_detach(there->parent, there);
        } else if (value_set(a, tree, pointer, value, err) != STATUS_OK) {
            return err->code;
        }
    }
    return STATUS_OK;
}

/* ---------------------------------------------------------------- sweep */

bool field_find(const char *pointer, const struct field **field, size_t *base)
{
    for (const struct section *s = sections; s->name != NULL; s++) {
        const size_t n = strlen(s->name);
        if (pointer[0] != '/' || strncmp(pointer + 1, s->name, n) != 0 || pointer[n + 1] != '/') {
            continue;
        }
        const char *key = pointer + n + 2;
        for (int extra = 0; extra < 2; extra++) {
            for (const struct field *f = extra ? s->extra : s->fields; f->key != NULL; f++) {
                if (strcmp(f->key, key) == 0) {
                    *field = f;
                    *base = extra ? 0 : s->offset;
                    return true;
                }
            }
        }
    }
    return false;
}

/* Names in a skip condition: the last part of an axis or field pointer. */
static int skip_variable(const char *name, void *context)
{
    (void)context;
    if (strcmp(name, "workers") == 0) {
        return (int)offsetof(struct config, workers);
    }
    for (const struct section *sec = sections; sec->name != NULL; sec++) {
        const size_t n = strlen(sec->name);
        const bool qualified = strncmp(name, sec->name, n) == 0 && name[n] == '.';
        for (const struct field *f = sec->fields; f->key != NULL; f++) {
            if ((f->type == FIELD_NUMBER || f->type == FIELD_COUNT) &&
                strcmp(f->key, qualified ? name + n + 1 : name) == 0) {
                return (int)(sec->offset + f->offset[0]);
            }
        }
    }
    return -1;
}

/* The value of such a name: a number of the configuration. */
static struct expression_value skip_value(int offset, void *context)
{
    struct expression_value value = {0, NULL};
    memcpy(&value.number, (const char *)context + offset, sizeof value.number);
    return value;
}

static enum status read_skips(struct scenario *s, struct json *list, struct error *err)
{
    if (list->kind != JSON_ARRAY || list->count > SKIP_LIMIT) {
        return JSON_RAISE(err, list, ERR_INPUT, "expected a list of at most %d conditions",
                          SKIP_LIMIT);
    }
    enum { NAMES_MAX = 256 };
    const char *names[NAMES_MAX];
    size_t n = 0;
    for (const struct section *sec = sections; sec->name != NULL; sec++) {
        for (int extra = 0; extra < 2; extra++) {
            for (const struct field *f = extra ? sec->extra : sec->fields;
                 f->key != NULL && n < NAMES_MAX; f++) {
                names[n++] = f->key;
            }
        }
    }
    for (struct json *item = list->first; item != NULL; item = item->next) {
        if (item->kind != JSON_STRING) {
            return JSON_RAISE(err, item, ERR_INPUT,
                              "expected a condition such as \"workers > meta_batch\"");
        }
        struct error inner = {0};
        if (expression_compile(item->text, skip_variable, NULL, names, n, &s->skips[s->n_skips],
                               &inner) != STATUS_OK) {
            return JSON_RAISE(err, item, ERR_INPUT, "%s", inner.message);
        }
        s->n_skips++;
    }
    return STATUS_OK;
}

/* What a plan searches: axes as in a sweep. Without conditions of its own those of the sweep hold,
 * which say what makes no sense. */
static enum status read_plan(struct scenario *s, struct error *err)
{
    static const char *const keys[] = {"grid", "zip", "skip"};
    struct json *skips = s->sweep != NULL ? json_member(s->sweep, "skip") : NULL;
    if (s->plan != NULL && s->plan->kind != JSON_OBJECT) {
        return JSON_RAISE(err, s->plan, ERR_INPUT, "expected an object with grid, zip or skip");
    }
    for (struct json *part = s->plan != NULL ? s->plan->first : NULL; part != NULL;
         part = part->next) {
        if (strcmp(part->key, "skip") == 0) {
            skips = part;
        } else if (strcmp(part->key, "zip") == 0 || strcmp(part->key, "grid") == 0) {
            if (axes_from_object(s, part, strcmp(part->key, "zip") == 0, err) != STATUS_OK) {
                return err->code;
            }
        } else {
            const char *near = nearest_name(part->key, keys, sizeof keys / sizeof keys[0]);
            return JSON_RAISE(err, part, ERR_INPUT, "unknown key '%s'%s%s%s", part->key,
                              near != NULL ? ", did you mean '" : ", expected grid, zip or skip",
                              near != NULL ? near : "", near != NULL ? "'?" : "");
        }
    }
    if (skips != NULL && read_skips(s, skips, err) != STATUS_OK) {
        return err->code;
    }
    return axes_count(s, s->plan, err);
}

bool scenario_skips(const struct scenario *s, struct config *c)
{
    bool skipped = false;
    for (size_t i = 0; i < s->n_skips && !skipped; i++) {
        skipped = expression_true(&s->skips[i], skip_value, c);
    }
    return skipped;
}

static enum status read_sweep(struct scenario *s, struct json *sweep, struct error *err)
{
    static const char *const keys[] = {"grid", "zip", "values_from", "sample", "skip"};
    if (sweep->kind != JSON_OBJECT) {
        return JSON_RAISE(err, sweep, ERR_INPUT,
                          "expected an object with grid, zip, values_from, sample or skip");
    }
    for (struct json *part = sweep->first; part != NULL; part = part->next) {
        enum status status = STATUS_OK;
        if (strcmp(part->key, "skip") == 0) {
            status = read_skips(s, part, err);
        } else if (strcmp(part->key, "values_from") == 0) {
            status = axes_from_table(s, part, err);
        } else if (strcmp(part->key, "sample") == 0) {
            status = axes_from_sample(s, part, err);
        } else if (strcmp(part->key, "zip") == 0 || strcmp(part->key, "grid") == 0) {
            status = axes_from_object(s, part, strcmp(part->key, "zip") == 0, err);
        } else {
            const char *near = nearest_name(part->key, keys, sizeof keys / sizeof keys[0]);
            return JSON_RAISE(err, part, ERR_INPUT, "unknown key '%s'%s%s%s", part->key,
                              near != NULL ? ", did you mean '"
                                           : ", expected grid, zip, values_from, sample or skip",
                              near != NULL ? near : "", near != NULL ? "'?" : "");
        }
        if (status != STATUS_OK) {
            return status;
        }
    }
    return axes_count(s, sweep, err);
}

enum status scenario_load(const char *path, const struct scenario_options *options,
                          struct scenario *out, struct error *err)
{
    *out = (struct scenario){.points = 1};
    struct arena *a = &out->arena;
    out->path = arena_copy(a, path, strlen(path));
    out->data_dir = arena_copy(a, options->data_dir, strlen(options->data_dir));
    out->profile_dir = options->no_profile ? NULL : out->data_dir;
    struct json *root = json_new(a, JSON_OBJECT, (struct json_origin){.file = out->path});
    out->own_catalogue = json_new(a, JSON_ARRAY, (struct json_origin){.file = out->path});
    if (root != NULL && out->own_catalogue != NULL) { /* for the paths that errors name */
        json_append(root, out->own_catalogue, "catalogue");
    }
    if (out->path == NULL || out->data_dir == NULL || root == NULL || out->own_catalogue == NULL) {
        RAISE(err, ERR_MEMORY, "out of memory reading %s", path);
    } else if (load_merged(a, out->path, NULL, NULL, out->own_catalogue, &out->tree, err) ==
                   STATUS_OK &&
               apply_sets(a, out->tree, options, err) == STATUS_OK &&
               take_catalogue(a, out->tree, out->own_catalogue, err) == STATUS_OK) {
        out->catalogue = options->catalogue;
        if (out->catalogue == NULL) {
            catalogue_read(a, out->data_dir, out->own_catalogue, &out->catalogue, err);
        }
    }
    if (err->code == STATUS_OK) {
        out->sweep = json_member(out->tree, "sweep");
        out->score = json_member(out->tree, "score");
        out->plan = json_member(out->tree, "plan");
        out->baseline = json_member(out->tree, "baseline");
        if (out->baseline != NULL && out->baseline->kind != JSON_OBJECT) {
            JSON_RAISE(err, out->baseline, ERR_INPUT, "expected an object laid over the scenario");
        }
    }
    if (err->code == STATUS_OK && options->plan) {
        read_plan(out, err);
    } else if (err->code == STATUS_OK && out->sweep != NULL && !options->no_sweep) {
        read_sweep(out, out->sweep, err);
    }
    if (err->code == STATUS_OK) {
        /* Both keep knowing their place, and leave the tree that is bound. */
        if (out->score != NULL) {
            json_detach(out->tree, out->score);
        }
        if (out->plan != NULL) {
            json_detach(out->tree, out->plan);
        }
        if (out->sweep != NULL) {
            json_detach(out->tree, out->sweep);
        }
        if (out->baseline != NULL) {
            json_detach(out->tree, out->baseline);
        }
        axes_reach(out);
        const struct json *name = json_member(out->tree, "name");
        out->name = name != NULL && name->kind == JSON_STRING ? name->text : out->path;
    }
    if (err->code != STATUS_OK) {
        scenario_free(out);
    }
    return err->code;
}

void scenario_free(struct scenario *s)
{
    arena_free(&s->arena);
    *s = (struct scenario){0};
}

/* A file, by its whole path when it is there: the merged tree may be written elsewhere. */
static enum status name_whole(struct scenario *s, struct json *name, const char *path,
                              struct error *err)
{
    char *const whole = path != NULL ? realpath(path, NULL) : NULL;
    const char *const copy = whole != NULL ? arena_copy(&s->arena, whole, strlen(whole)) : NULL;
    const bool failed = path == NULL || (whole != NULL && copy == NULL);
    free(whole);
    name->text = copy != NULL ? copy : name->text;
    return failed ? RAISE(err, ERR_MEMORY, "out of memory copying %s", s->path) : STATUS_OK;
}

/* Every file that the tree names beside one of its own. */
static enum status name_files(struct scenario *s, struct json *tree, struct error *err)
{
    static const char *const pointers[] = {"/sweep/values_from", "/score/against",
                                           "/compute/profile", "/baseline/compute/profile"};
    struct json *files = json_copy(&s->arena, s->own_catalogue);
    if (files == NULL) {
        return RAISE(err, ERR_MEMORY, "out of memory copying %s", s->path);
    }
    for (struct json *file = files->first; file != NULL && err->code == STATUS_OK;
         file = file->next) {
        name_whole(s, file, file->text, err);
    }
    if (files->first != NULL) {
        json_append(tree, files, "catalogue");
    }
    for (size_t i = 0; i < sizeof pointers / sizeof pointers[0] && err->code == STATUS_OK; i++) {
        struct json *name = json_pointer(tree, pointers[i]);
        struct json *value = name != NULL ? json_member(name, "value") : NULL;
        name = value != NULL ? value : name;
        if (name == NULL || name->kind != JSON_STRING) {
            continue;
        }
        const char *const path = text_ends(pointers[i], "profile")
                                     ? profile_path(&s->arena, s->data_dir, name)
                                 : text_ends(pointers[i], "against")
                                     ? path_beside(&s->arena, s->path, name->text)
                                     : path_beside(&s->arena, name->origin.file, name->text);
        /* What comes with the program keeps its name. */
        if (path == NULL || strncmp(path, s->data_dir, strlen(s->data_dir)) != 0) {
            name_whole(s, name, path, err);
        }
    }
    return err->code;
}

enum status scenario_merged(struct scenario *s, struct json **out, struct error *err)
{
    struct json *tree = json_copy(&s->arena, s->tree);
    struct json *baseline = s->baseline != NULL ? json_copy(&s->arena, s->baseline) : NULL;
    struct json *sweep = s->sweep != NULL ? json_copy(&s->arena, s->sweep) : NULL;
    struct json *score = s->score != NULL ? json_copy(&s->arena, s->score) : NULL;
    struct json *plan = s->plan != NULL ? json_copy(&s->arena, s->plan) : NULL;
    if ((s->plan != NULL && plan == NULL) || tree == NULL ||
        (s->baseline != NULL && baseline == NULL) || (s->sweep != NULL && sweep == NULL) ||
        (s->score != NULL && score == NULL)) {
        return RAISE(err, ERR_MEMORY, "out of memory copying %s", s->path);
    }
    if (baseline != NULL) {
        json_append(tree, baseline, "baseline");
    }
    if (sweep != NULL) {
        json_append(tree, sweep, "sweep");
    }
    if (score != NULL) {
        json_append(tree, score, "score");
    }
    if (plan != NULL) {
        json_append(tree, plan, "plan");
    }
    *out = tree;
    return name_files(s, tree, err);
}
