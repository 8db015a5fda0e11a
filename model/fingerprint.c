/* What stands in a scenario, as numbers that do not change with comments, notes or the order of
 * keys: they tell one sweep from another. Whether a stored result still holds is asked of its own
 * identity (model/identity.c), which knows what it depends on. */
#include "model/scenario.h"

#include <string.h>

static uint64_t hash_text(uint64_t seed, const char *text)
{
    return hash_bytes(seed, text, strlen(text) + 1);
}

static bool is_note(const char *key)
{
    static const char *const notes[] = {"source", "note", "date", "status"};
    for (size_t i = 0; i < sizeof notes / sizeof notes[0]; i++) {
        if (strcmp(key, notes[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* {"value": v, "source": ...} counts as v. Depth is bounded by the JSON reader. */
static uint64_t fingerprint(const struct json *node)
{
    uint64_t sum = HASH_SEED + (uint64_t)node->kind;
    switch (node->kind) {
    case JSON_NULL:
        return sum;
    case JSON_BOOL:
        return sum * 3 + node->boolean;
    case JSON_NUMBER:
        return hash_bytes(sum, &node->number, sizeof node->number);
    case JSON_STRING:
        return hash_text(sum, node->text);
    case JSON_ARRAY:
        for (const struct json *p = node->first; p != NULL; p = p->next) {
            const uint64_t part = fingerprint(p);
            sum = hash_bytes(sum, &part, sizeof part);
        }
        return sum;
    case JSON_OBJECT: {
        const struct json *value = json_member(node, "value");
        uint64_t members = 0;
        size_t count = 0;
        for (const struct json *p = node->first; p != NULL; p = p->next) {
            if (!is_note(p->key)) {
                const uint64_t part = fingerprint(p);
                members += hash_bytes(hash_text(HASH_SEED, p->key), &part, sizeof part);
                count++;
            }
        }
        return value != NULL && count == 1 ? fingerprint(value)
                                           : hash_bytes(sum, &members, sizeof members);
    }
    }
    return sum;
}

static void add(uint64_t *sum, const struct json *node)
{
    const uint64_t part = node != NULL ? fingerprint(node) : 0;
    *sum = hash_bytes(*sum, &part, sizeof part);
}

/* The axes as they are understood: a CSV file's values, not its name. */
static void add_axes(uint64_t *sum, const struct scenario *s)
{
    for (size_t i = 0; i < s->n_axes; i++) {
        const struct axis *axis = &s->axes[i];
        *sum = hash_text(*sum, axis->pointer);
        *sum = hash_bytes(*sum, &axis->dimension, sizeof axis->dimension);
        if (axis->numbers != NULL) {
            *sum = hash_bytes(*sum, axis->numbers, axis->count * sizeof *axis->numbers);
        }
        for (size_t k = 0; axis->numbers == NULL && k < axis->count; k++) {
            add(sum, axis->values[k]);
        }
    }
    add(sum, s->sweep != NULL ? json_member(s->sweep, "skip") : NULL);
}

/* Of the profile's file; 0 without one. */
static uint64_t profile_fingerprint(const struct config *c)
{
    struct arena arena = {0};
    struct json *profile = NULL;
    struct error ignored = {0}; /* the configuration is bound: the file was there */
    uint64_t sum = 0;
    if (c->compute.profile != NULL && c->compute.profile[0] != '\0' &&
        json_load(&arena, c->compute.profile, &profile, &ignored) == STATUS_OK) {
        sum = fingerprint(profile);
    }
    arena_free(&arena);
    return sum;
}

enum status scenario_fingerprints(const struct scenario *s, struct fingerprints *out,
                                  struct error *err)
{
    struct scenario_cursor cursor;
    bool skipped = false;
    *out = (struct fingerprints){.scenario = HASH_SEED, .prices = HASH_SEED};
    add(&out->scenario, s->tree);
    add(&out->scenario, s->baseline);
    add(&out->scenario, s->catalogue);
    add_axes(&out->scenario, s);
    add(&out->prices, json_member(s->catalogue, "prices"));
    add(&out->prices, json_member(s->tree, "prices"));
    if (cursor_init(&cursor, s, err) != STATUS_OK) {
        return err->code;
    }
    if (cursor_seek(&cursor, 0, &skipped, err) == STATUS_OK) {
        const struct config *c = &cursor.config;
        const uint64_t first = cursor_identity(&cursor, true);
        out->scenario = hash_bytes(out->scenario, &first, sizeof first);
        out->seed = c->simulation.seed;
        out->profile = profile_fingerprint(c);
        out->scenario = hash_bytes(out->scenario, &out->profile, sizeof out->profile);
    }
    cursor_free(&cursor);
    return err->code;
}
