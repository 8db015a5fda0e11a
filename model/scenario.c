/* A scenario file: includes and --set merged, the sweep understood, points counted. */
#include "model/scenario.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { INCLUDE_DEPTH = 32 };
static const double points_limit = 1e9;
static const double axis_points_limit = 1e7;

struct chain {
    const struct chain *up;
    const char *path;
};

/* "dir/of/file.json" + "x.json" -> "dir/of/x.json". */
static char *beside(struct arena *a, const char *file, const char *name)
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
                               const struct json *asked, struct json **out, struct error *err)
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
        char *name = beside(a, path, item->text);
        if (name == NULL) {
            return RAISE(err, ERR_MEMORY, "out of memory reading %s", path);
        }
        if (load_merged(a, name, &chain, item, &part, err) != STATUS_OK ||
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
        if (json_set(a, tree, pointer, value, err) != STATUS_OK) {
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

static struct json *number_node(struct arena *a, double value, const struct json *at)
{
    struct json *node = json_new(a, JSON_NUMBER, at->origin);
    if (node != NULL) {
        struct text t = {0};
        text_number(&t, value);
        node->number = value;
        node->text = t.failed ? NULL : arena_copy(a, t.data, t.size);
        text_free(&t);
    }
    return node != NULL && node->text != NULL ? node : NULL;
}

/* {"from", "to", "points", "scale"}: both ends included; whole numbers stay whole for counts. */
static enum status expand_range(struct scenario *s, struct axis *axis, struct json *spec,
                                bool whole, struct error *err)
{
    static const char *const keys[] = {"from", "to", "points", "scale"};
    double number[3] = {0, 0, 0};
    for (struct json *child = spec->first; child != NULL; child = child->next) {
        const char *near = nearest_name(child->key, keys, 4);
        if (near == NULL || strcmp(near, child->key) != 0) {
            return JSON_RAISE(err, child, ERR_INPUT,
                              "unknown key '%s', expected from, to, points, scale", child->key);
        }
    }
    for (size_t i = 0; i < 3; i++) {
        struct json *node = json_member(spec, keys[i]);
        if (node == NULL || node->kind != JSON_NUMBER) {
            return JSON_RAISE(err, node != NULL ? node : spec, ERR_INPUT,
                              "a range needs the number '%s'", keys[i]);
        }
        number[i] = node->number;
    }
    const struct json *scale = json_member(spec, "scale");
    const char *word = scale != NULL && scale->kind == JSON_STRING ? scale->text : "linear";
    const bool logarithmic = strcmp(word, "log2") == 0 || strcmp(word, "log10") == 0;
    if (!logarithmic && strcmp(word, "linear") != 0) {
        return JSON_RAISE(err, scale, ERR_INPUT, "no scale \"%s\", expected linear, log2 or log10",
                          word);
    }
    const double points = number[2];
    if (points != floor(points) || points < 1 || points > axis_points_limit) {
        return JSON_RAISE(err, json_member(spec, "points"), ERR_INPUT,
                          "found %g points, expected a whole number from 1 to %g", points,
                          axis_points_limit);
    }
    if (logarithmic && (number[0] <= 0 || number[1] <= 0)) {
        return JSON_RAISE(err, spec, ERR_INPUT, "a logarithmic range needs positive ends");
    }
    axis->values = arena_alloc(&s->arena, (size_t)points * sizeof(struct json *));
    if (axis->values == NULL) {
        return RAISE(err, ERR_MEMORY, "out of memory for %g points", points);
    }
    for (size_t i = 0; i < (size_t)points; i++) {
        const double share = points > 1 ? (double)i / (points - 1) : 0;
        double value = logarithmic ? exp(log(number[0]) + share * (log(number[1]) - log(number[0])))
                                   : number[0] + share * (number[1] - number[0]);
        if (i + 1 == (size_t)points && i > 0) {
            value = number[1];
        }
        value = whole ? round(value) : value;
        if (whole && axis->count > 0 && axis->values[axis->count - 1]->number == value) {
            continue; /* rounding made two of them equal */
        }
        struct json *node = number_node(&s->arena, value, spec);
        if (node == NULL) {
            return RAISE(err, ERR_MEMORY, "out of memory for %g points", points);
        }
        axis->values[axis->count++] = node;
    }
    return STATUS_OK;
}

static enum status read_axis(struct scenario *s, struct json *node, struct error *err)
{
    if (s->n_axes == AXIS_LIMIT) {
        return JSON_RAISE(err, node, ERR_INPUT, "more than %d axes", AXIS_LIMIT);
    }
    struct axis *axis = &s->axes[s->n_axes];
    *axis = (struct axis){.pointer = node->key};
    for (size_t i = 0; i < s->n_axes; i++) {
        if (strcmp(s->axes[i].pointer, node->key) == 0) {
            return JSON_RAISE(err, node, ERR_INPUT, "a second axis for %.200s", node->key);
        }
    }
    const struct field *field = NULL;
    size_t base = 0;
    const bool known = field_find(node->key, &field, &base);
    if (node->key[0] != '/') {
        return JSON_RAISE(err, node, ERR_INPUT,
                          "an axis is named by a JSON pointer such as /platform/workers");
    }
    if (node->kind == JSON_OBJECT) {
        const bool whole = known && field->type == FIELD_COUNT;
        if (expand_range(s, axis, node, whole, err) != STATUS_OK) {
            return err->code;
        }
    } else if (node->kind == JSON_ARRAY) {
        axis->values = arena_alloc(&s->arena, (node->count + 1) * sizeof(struct json *));
        if (axis->values == NULL) {
            return RAISE(err, ERR_MEMORY, "out of memory for an axis");
        }
        for (struct json *item = node->first; item != NULL; item = item->next) {
            axis->values[axis->count++] = item;
        }
    } else {
        return JSON_RAISE(err, node, ERR_INPUT,
                          "an axis is a list of values or {\"from\", \"to\", \"points\"}");
    }
    if (axis->count == 0) {
        return JSON_RAISE(err, node, ERR_INPUT, "an axis without values");
    }
    axis->fast = known && (field->type == FIELD_NUMBER || field->type == FIELD_COUNT) &&
                 (field->flags & FIELD_STRUCTURAL) == 0;
    for (size_t i = 0; axis->fast && i < axis->count; i++) {
        axis->fast = axis->values[i]->kind == JSON_NUMBER;
    }
    if (axis->fast) {
        axis->numbers = arena_alloc(&s->arena, axis->count * sizeof *axis->numbers);
        if (axis->numbers == NULL) {
            return RAISE(err, ERR_MEMORY, "out of memory for an axis");
        }
        struct config scratch;
        for (size_t i = 0; i < axis->count; i++) {
            if (value_field(&s->arena, field, axis->values[i], (char *)&scratch + base, err) !=
                STATUS_OK) {
                return err->code;
            }
            axis->numbers[i] = axis->values[i]->number;
        }
        for (size_t i = 0; i < 3; i++) {
            axis->offsets[i] = field->offset[i] == NO_FIELD ? NO_FIELD : base + field->offset[i];
        }
    }
    s->n_axes++;
    return STATUS_OK;
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

static enum status read_sweep(struct scenario *s, struct json *sweep, struct error *err)
{
    static const char *const keys[] = {"grid", "zip", "skip"};
    if (sweep->kind != JSON_OBJECT) {
        return JSON_RAISE(err, sweep, ERR_INPUT, "expected an object with grid, zip or skip");
    }
    for (struct json *part = sweep->first; part != NULL; part = part->next) {
        const bool zip = strcmp(part->key, "zip") == 0;
        if (strcmp(part->key, "skip") == 0) {
            if (read_skips(s, part, err) != STATUS_OK) {
                return err->code;
            }
            continue;
        }
        if (!zip && strcmp(part->key, "grid") != 0) {
            const char *near = nearest_name(part->key, keys, 3);
            return JSON_RAISE(err, part, ERR_INPUT, "unknown key '%s'%s%s%s", part->key,
                              near != NULL ? ", did you mean '" : ", expected grid, zip or skip",
                              near != NULL ? near : "", near != NULL ? "'?" : "");
        }
        if (part->kind != JSON_OBJECT) {
            return JSON_RAISE(err, part, ERR_INPUT, "expected an object of JSON pointers");
        }
        for (struct json *node = part->first; node != NULL; node = node->next) {
            if (read_axis(s, node, err) != STATUS_OK) {
                return err->code;
            }
            struct axis *axis = &s->axes[s->n_axes - 1];
            if (zip && node != part->first) {
                if (axis->count != s->dimensions[s->n_dimensions - 1]) {
                    return JSON_RAISE(err, node, ERR_INPUT,
                                      "%zu values, expected %zu as the other axes of the zip",
                                      axis->count, s->dimensions[s->n_dimensions - 1]);
                }
            } else {
                s->dimensions[s->n_dimensions++] = axis->count;
            }
            axis->dimension = (uint32_t)s->n_dimensions - 1;
        }
    }
    double points = 1;
    for (size_t i = 0; i < s->n_dimensions; i++) {
        points *= (double)s->dimensions[i];
    }
    if (points > points_limit) {
        return JSON_RAISE(err, sweep, ERR_INPUT, "a sweep of %g points, at most %g", points,
                          points_limit);
    }
    s->points = (uint64_t)points;
    return STATUS_OK;
}

enum status scenario_load(const char *path, const struct scenario_options *options,
                          struct scenario *out, struct error *err)
{
    *out = (struct scenario){.points = 1};
    struct arena *a = &out->arena;
    out->path = arena_copy(a, path, strlen(path));
    out->data_dir = arena_copy(a, options->data_dir, strlen(options->data_dir));
    if (out->path == NULL || out->data_dir == NULL) {
        RAISE(err, ERR_MEMORY, "out of memory reading %s", path);
    } else if (load_merged(a, out->path, NULL, NULL, &out->tree, err) == STATUS_OK &&
               apply_sets(a, out->tree, options, err) == STATUS_OK) {
        catalogue_read(a, out->data_dir, &out->catalogue, err);
    }
    if (err->code == STATUS_OK) {
        out->sweep = json_member(out->tree, "sweep");
        out->baseline = json_member(out->tree, "baseline");
        if (out->baseline != NULL && out->baseline->kind != JSON_OBJECT) {
            JSON_RAISE(err, out->baseline, ERR_INPUT, "expected an object laid over the scenario");
        }
    }
    if (err->code == STATUS_OK && out->sweep != NULL) {
        read_sweep(out, out->sweep, err);
    }
    if (err->code == STATUS_OK) {
        /* Both keep knowing their place, and leave the tree that is bound. */
        if (out->sweep != NULL) {
            json_detach(out->tree, out->sweep);
        }
        if (out->baseline != NULL) {
            json_detach(out->tree, out->baseline);
        }
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

enum status scenario_merged(struct scenario *s, struct json **out, struct error *err)
{
    struct json *tree = json_copy(&s->arena, s->tree);
    struct json *baseline = s->baseline != NULL ? json_copy(&s->arena, s->baseline) : NULL;
    struct json *sweep = s->sweep != NULL ? json_copy(&s->arena, s->sweep) : NULL;
    if (tree == NULL || (s->baseline != NULL && baseline == NULL) ||
        (s->sweep != NULL && sweep == NULL)) {
        return RAISE(err, ERR_MEMORY, "out of memory copying %s", s->path);
    }
    if (baseline != NULL) {
        json_append(tree, baseline, "baseline");
    }
    if (sweep != NULL) {
        json_append(tree, sweep, "sweep");
    }
    *out = tree;
    return STATUS_OK;
}
