/* Points of a sweep as configurations. Axes that are plain numbers are written straight into the
 * struct; every combination of the others is read from the tree once and kept, so that a million
 * points cost what the closed form costs. */
#include "model/scenario.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 64 };

/* Without axes there is one combination. */
static size_t slots_of(const struct scenario *s)
{
    return s->n_axes > 0 ? SLOTS : 1;
}

/* One combination of the axes that need the tree read again. */
struct cursor_slot {
    bool filled;
    uint64_t key;
    struct arena arena;
    struct config config, baseline;
    uint64_t identity[2], baseline_identity[2]; /* for the closed form, for the simulator */
};

enum status cursor_init(struct scenario_cursor *c, const struct scenario *s, struct error *err)
{
    *c = (struct scenario_cursor){.scenario = s};
    c->slots = calloc(slots_of(s), sizeof *c->slots);
    c->moves = calloc(2, sizeof *c->moves);
    if (c->moves != NULL) {
        moves_find(s, false, &c->moves[0]);
        moves_find(s, true, &c->moves[1]);
    }
    if (c->slots == NULL || c->moves == NULL) {
        cursor_free(c);
        return RAISE(err, ERR_MEMORY, "out of memory for a sweep");
    }
    return STATUS_OK;
}

void cursor_free(struct scenario_cursor *c)
{
    for (size_t i = 0; c->slots != NULL && i < slots_of(c->scenario); i++) {
        arena_free(&c->slots[i].arena);
    }
    free(c->slots);
    free(c->moves);
    *c = (struct scenario_cursor){0};
}

static void indices(const struct scenario *s, uint64_t point, size_t index[AXIS_LIMIT])
{
    for (size_t d = s->n_dimensions; d-- > 0;) {
        index[d] = (size_t)(point % s->dimensions[d]);
        point /= s->dimensions[d];
    }
}

/* A section of the baseline that names another catalogue entry or system replaces the scenario's
 * section: what was said of the one does not hold for the other. */
bool section_replaces(const struct json *section)
{
    return json_member(section, "use") != NULL ||
           (strcmp(section->key, "system") == 0 && json_member(section, "name") != NULL);
}

/* The tree of a point: axes set but `except` (SIZE_MAX: none), "use" resolved; with_baseline lays
 * the baseline over it. */
static enum status point_tree(const struct scenario *s, struct arena *a,
                              const size_t index[AXIS_LIMIT], size_t except, bool with_baseline,
                              struct json *catalogue, struct json **out, struct error *err)
{
    struct json *tree = json_copy(a, s->tree);
    if (tree == NULL) {
        return RAISE(err, ERR_MEMORY, "out of memory resolving %s", s->path);
    }
    static const char prefix[] = "/baseline";
    struct json *overlay = with_baseline ? json_copy(a, s->baseline) : NULL;
    if (with_baseline && overlay == NULL) {
        return RAISE(err, ERR_MEMORY, "out of memory resolving %s", s->path);
    }
    for (size_t i = 0; i < s->n_axes; i++) {
        const struct axis *axis = &s->axes[i];
        const char *pointer = axis->pointer;
        struct json *target = tree;
        if (i == except) {
            continue;
        }
        if (strncmp(pointer, "/baseline/", sizeof prefix) == 0) {
            pointer += sizeof prefix - 1;
            target = overlay;
        }
        if (target == NULL) {
            continue;
        }
        const struct json *value = axis_value(a, axis, index[axis->dimension]);
        if (value == NULL) {
            return RAISE(err, ERR_MEMORY, "out of memory resolving %s", s->path);
        }
        if (value_set(a, target, pointer, value, err) != STATUS_OK) {
            return err->code;
        }
    }
    for (const struct json *p = overlay != NULL ? overlay->first : NULL; p != NULL; p = p->next) {
        struct json *there = json_member(tree, p->key);
        if (there != NULL && section_replaces(p)) {
            json_detach(tree, there);
        }
    }
    if (overlay != NULL && value_merge(a, tree, overlay, err) != STATUS_OK) {
        return err->code;
    }
    *out = tree;
    return catalogue_resolve(a, catalogue, tree, err);
}

static enum status bind_baseline(const struct scenario *s, struct cursor_slot *slot,
                                 struct json *catalogue, const size_t index[AXIS_LIMIT],
                                 struct error *err)
{
    struct json *tree = NULL;
    if (point_tree(s, &slot->arena, index, SIZE_MAX, true, catalogue, &tree, err) != STATUS_OK ||
        config_bind(&slot->arena, catalogue, s->profile_dir, tree, s->path, &slot->baseline, err) !=
            STATUS_OK) {
        char message[sizeof err->message];
        memcpy(message, err->message, sizeof message);
        snprintf(err->message, sizeof err->message, "in the baseline: %.440s", message);
    }
    return err->code;
}

enum status cursor_check_replaced(const struct scenario *s, struct error *err)
{
    const size_t first[AXIS_LIMIT] = {0};
    for (size_t i = 0; i < s->n_axes && err->code == STATUS_OK; i++) {
        const struct axis *axis = &s->axes[i];
        struct arena a = {0};
        const struct json *own = json_pointer(s->tree, axis->pointer);
        const struct json *swept = axis_value(&a, axis, 0);
        struct json *catalogue = json_copy(&a, s->catalogue);
        if (swept == NULL || catalogue == NULL) {
            RAISE(err, ERR_MEMORY, "out of memory checking %s", s->path);
        } else if (own != NULL && own->kind != swept->kind) {
            struct json *tree = NULL;
            struct config config;
            struct error found = {0};
            if ((point_tree(s, &a, first, i, false, catalogue, &tree, &found) != STATUS_OK ||
                 config_bind(&a, catalogue, s->profile_dir, tree, s->path, &config, &found) !=
                     STATUS_OK) &&
                strcmp(found.path, axis->pointer) == 0) {
                *err = found;
            }
        }
        arena_free(&a);
    }
    return err->code;
}

static enum status fill_slot(const struct scenario *s, struct cursor_slot *slot, uint64_t key,
                             const size_t index[AXIS_LIMIT], struct error *err)
{
    arena_free(&slot->arena);
    slot->filled = false;
    struct json *tree = NULL;
    if (point_tree(s, &slot->arena, index, SIZE_MAX, false, s->catalogue, &tree, err) !=
            STATUS_OK ||
        config_bind(&slot->arena, s->catalogue, s->profile_dir, tree, s->path, &slot->config,
                    err) != STATUS_OK) {
        return err->code;
    }
    if (s->baseline != NULL && bind_baseline(s, slot, s->catalogue, index, err) != STATUS_OK) {
        return err->code;
    }
    for (int simulated = 0; simulated < 2; simulated++) {
        slot->identity[simulated] = config_identity(&slot->config, simulated);
        slot->baseline_identity[simulated] =
            s->baseline != NULL ? config_identity(&slot->baseline, simulated) : 0;
    }
    slot->key = key;
    slot->filled = true;
    return STATUS_OK;
}

static void set_number(struct config *c, const struct axis *axis, double value)
{
    for (size_t i = 0; i < AXIS_OFFSETS && axis->offsets[i] != NO_FIELD; i++) {
        memcpy((char *)c + axis->offsets[i], &value, sizeof value);
    }
}

enum status cursor_seek(struct scenario_cursor *c, uint64_t point, bool *skipped, struct error *err)
{
    const struct scenario *s = c->scenario;
    size_t *index = c->index;
    indices(s, point, index);
    uint64_t key = 0;
    for (size_t i = 0; i < s->n_axes; i++) {
        const struct axis *axis = &s->axes[i];
        if (!axis->fast) {
            key = key * axis->count + index[axis->dimension];
        }
    }
    struct cursor_slot *slot = &c->slots[key % slots_of(s)];
    const bool fresh = !slot->filled || slot->key != key;
    if (fresh && fill_slot(s, slot, key, index, err) != STATUS_OK) {
        return err->code;
    }
    c->slot = slot;
    c->config = slot->config;
    c->has_baseline = s->baseline != NULL;
    if (c->has_baseline) {
        c->baseline = slot->baseline;
    }
    for (size_t i = 0; i < s->n_axes; i++) {
        const struct axis *axis = &s->axes[i];
        if (axis->fast) {
            const double value = axis->numbers[index[axis->dimension]];
            set_number(&c->config, axis, value);
            if (c->has_baseline && axis->in_baseline) {
                set_number(&c->baseline, axis, value);
            }
        }
    }
    *skipped = scenario_skips(s, &c->config);
    return STATUS_OK;
}

void cursor_locate(const struct scenario_cursor *c, uint64_t point, struct error *err)
{
    struct arena arena = {0};
    struct error ignored = {0};
    struct json *tree = NULL;
    size_t index[AXIS_LIMIT] = {0};
    if (err->path[0] != '/' || err->line > 0) {
        return;
    }
    indices(c->scenario, point, index);
    struct json *catalogue = json_copy(&arena, c->scenario->catalogue);
    if (catalogue != NULL && point_tree(c->scenario, &arena, index, SIZE_MAX, false, catalogue,
                                        &tree, &ignored) == STATUS_OK) {
        char pointer[sizeof err->path];
        snprintf(pointer, sizeof pointer, "%s", err->path);
        const struct json *node = json_pointer(tree, pointer);
        for (char *slash; node == NULL && (slash = strrchr(pointer, '/')) != NULL;) {
            *slash = '\0'; /* what is missing would stand in the section */
            node = json_pointer(tree, pointer);
        }
        if (node != NULL && node->origin.file != NULL) {
            snprintf(err->file, sizeof err->file, "%s", node->origin.file);
            err->line = node->origin.line;
            err->column = node->origin.column;
        }
    }
    arena_free(&arena);
}

uint64_t baseline_identity(const struct scenario_cursor *c, bool simulated)
{
    return moves_identity(&c->moves[1], &c->slot->baseline, c->slot->baseline_identity[simulated],
                          simulated, c->index);
}

uint64_t cursor_identity(const struct scenario_cursor *c, bool simulated)
{
    const uint64_t own = moves_identity(&c->moves[0], &c->slot->config,
                                        c->slot->identity[simulated], simulated, c->index);
    if (!c->has_baseline) {
        return own;
    }
    const uint64_t other = baseline_identity(c, simulated);
    return own ^ hash_bytes(HASH_SEED, &other, sizeof other);
}

enum status scenario_resolved(const struct scenario *s, struct arena *a, struct json **out,
                              struct error *err)
{
    const size_t index[AXIS_LIMIT] = {0};
    struct json *catalogue = json_copy(a, s->catalogue);
    if (catalogue == NULL) {
        return RAISE(err, ERR_MEMORY, "out of memory resolving %s", s->path);
    }
    return point_tree(s, a, index, SIZE_MAX, false, catalogue, out, err);
}

bool scenario_baseline_shares(const struct scenario *s, const char *pointer)
{
    if (s->baseline == NULL || json_pointer(s->baseline, pointer) != NULL) {
        return false;
    }
    const char *end = strchr(pointer + 1, '/');
    char name[64];
    const size_t n = end != NULL ? (size_t)(end - pointer) - 1 : 0;
    if (n == 0 || n >= sizeof name) {
        return true;
    }
    memcpy(name, pointer + 1, n);
    name[n] = '\0';
    const struct json *section = json_member(s->baseline, name);
    return section == NULL || !section_replaces(section);
}

static int option_find(const struct protocol *p, const char *name)
{
    for (int i = 0; i < OPTION_LIMIT && p->options[i].name != NULL; i++) {
        if (strcmp(p->options[i].name, name) == 0) {
            return i;
        }
    }
    return -1;
}

enum status config_set(struct config *c, const char *pointer, double value, struct error *err)
{
    static const char system[] = "/system/";
    const struct field *field = NULL;
    size_t base = 0;
    if (strncmp(pointer, system, sizeof system - 1) == 0) {
        const int option = option_find(c->system.protocol, pointer + sizeof system - 1);
        if (option >= 0) {
            c->system.option[option] = value;
            return STATUS_OK;
        }
    }
    if (!field_find(pointer, &field, &base) ||
        (field->type != FIELD_NUMBER && field->type != FIELD_COUNT &&
         field->type != FIELD_QUANTITY)) {
        return RAISE(err, ERR_USAGE, "%s is no number of the configuration", pointer);
    }
    const struct quantity q = quantity_constant(value);
    for (size_t i = 0; i < 3 && field->offset[i] != NO_FIELD; i++) {
        char *at = (char *)c + base + field->offset[i];
        if (field->type == FIELD_QUANTITY) {
            memcpy(at, &q, sizeof q);
        } else {
            memcpy(at, &value, sizeof value);
        }
    }
    return STATUS_OK;
}
