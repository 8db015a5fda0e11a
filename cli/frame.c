/* Columns in memory: growing, looking up, and the condition rows must meet. */
#include "cli/frame.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static uint64_t mix(uint64_t x)
{
    /* Finaliser of MurmurHash3: every input bit reaches every output bit. */
    x = (x ^ (x >> 33)) * UINT64_C(0xff51afd7ed558ccd);
    x = (x ^ (x >> 33)) * UINT64_C(0xc4ceb9fe1a85ec53);
    return x ^ (x >> 33);
}

static struct pair_slot *pair_find(const struct pair_map *map, uint64_t a, uint64_t b)
{
    size_t i = mix(a ^ mix(b)) & (map->capacity - 1);
    while (map->slots[i].index != 0 && (map->slots[i].a != a || map->slots[i].b != b)) {
        i = (i + 1) & (map->capacity - 1);
    }
    return &map->slots[i];
}

uint32_t pair_map_index(struct pair_map *map, uint64_t a, uint64_t b)
{
    if (2 * (map->count + 1) > map->capacity) {
        struct pair_map bigger = {.capacity = map->capacity > 0 ? 2 * map->capacity : 64,
                                  .count = map->count};
        bigger.slots = calloc(bigger.capacity, sizeof *bigger.slots);
        if (bigger.slots == NULL) {
            return UINT32_MAX;
        }
        for (size_t i = 0; i < map->capacity; i++) {
            if (map->slots[i].index != 0) {
                *pair_find(&bigger, map->slots[i].a, map->slots[i].b) = map->slots[i];
            }
        }
        free(map->slots);
        *map = bigger;
    }
    struct pair_slot *slot = pair_find(map, a, b);
    if (slot->index == 0) {
        *slot = (struct pair_slot){a, b, (uint32_t)++map->count};
    }
    return slot->index - 1;
}

void pair_map_free(struct pair_map *map)
{
    free(map->slots);
    *map = (struct pair_map){0};
}

/* ---------------------------------------------------------------- columns */

int frame_want(struct frame *f, const char *name, bool text)
{
    for (size_t i = 0; i < f->n_columns; i++) {
        if (strcmp(f->columns[i].name, name) == 0) {
            return (int)i;
        }
    }
    if (f->n_columns == FRAME_COLUMNS) {
        return -1;
    }
    f->columns[f->n_columns].name = name;
    f->columns[f->n_columns].text = text;
    return (int)f->n_columns++;
}

static int want_result(const char *name, void *context)
{
    const int column = column_find(name);
    return column < 0 ? -1 : frame_want(context, columns[column].name, columns[column].text);
}

enum status frame_where(struct frame *f, const char *condition, struct error *err)
{
    const char *names[FRAME_COLUMNS];
    size_t n = 0;
    for (; n < FRAME_COLUMNS && columns[n].name != NULL; n++) {
        names[n] = columns[n].name;
    }
    f->has_where = true;
    return expression_compile(condition, want_result, f, names, n, &f->where, err);
}

static bool grow_texts(struct frame *f)
{
    if (f->n_texts == f->texts_capacity) {
        const size_t capacity = f->texts_capacity > 0 ? 2 * f->texts_capacity : 64;
        const char **texts = realloc(f->texts, capacity * sizeof *texts);
        if (texts == NULL) {
            return false;
        }
        f->texts = texts;
        f->texts_capacity = capacity;
    }
    if (2 * (f->n_texts + 1) > f->text_slots_capacity) {
        const size_t capacity = f->text_slots_capacity > 0 ? 2 * f->text_slots_capacity : 128;
        uint32_t *slots = calloc(capacity, sizeof *slots);
        if (slots == NULL) {
            return false;
        }
        for (size_t t = 0; t < f->n_texts; t++) {
            size_t i = hash_bytes(HASH_SEED, f->texts[t], strlen(f->texts[t])) & (capacity - 1);
            while (slots[i] != 0) {
                i = (i + 1) & (capacity - 1);
            }
            slots[i] = (uint32_t)t + 1;
        }
        free(f->text_slots);
        f->text_slots = slots;
        f->text_slots_capacity = capacity;
    }
    return true;
}

uint32_t frame_text_id(struct frame *f, const char *text, size_t n)
{
    if (f->n_texts == 0 && n > 0 && frame_text_id(f, "", 0) == UINT32_MAX) {
        return UINT32_MAX;
    }
    if (!grow_texts(f)) {
        return UINT32_MAX;
    }
    size_t i = hash_bytes(HASH_SEED, text, n) & (f->text_slots_capacity - 1);
    for (; f->text_slots[i] != 0; i = (i + 1) & (f->text_slots_capacity - 1)) {
        const char *known = f->texts[f->text_slots[i] - 1];
        if (strncmp(known, text, n) == 0 && known[n] == '\0') {
            return f->text_slots[i] - 1;
        }
    }
    const char *copy = arena_copy(&f->arena, text, n);
    if (copy == NULL) {
        return UINT32_MAX;
    }
    f->texts[f->n_texts++] = copy;
    f->text_slots[i] = (uint32_t)f->n_texts;
    return (uint32_t)f->n_texts - 1;
}

const char *frame_text(const struct frame *f, size_t row, int column)
{
    const double value = frame_number(f, row, column);
    return isnan(value) || !f->columns[column].text ? "" : f->texts[(size_t)value];
}

enum status frame_need(const struct frame *f, int column, const char *why, struct error *err)
{
    const char *name = f->columns[column].name;
    if (f->columns[column].present) {
        return STATUS_OK;
    }
    const char *near = nearest_name(name, f->found, f->n_found);
    RAISE(err, ERR_INPUT, "no column '%s', which %s%s%s%s", name, why,
          near != NULL ? "; there is '" : "", near != NULL ? near : "", near != NULL ? "'" : "");
    snprintf(err->file, sizeof err->file, "%s", f->path != NULL ? f->path : "");
    return err->code;
}

/* ---------------------------------------------------------------- rows */

struct candidate {
    const struct frame *frame;
    const double *cells;
};

static struct expression_value read_cell(int variable, void *context)
{
    const struct candidate *c = context;
    const double value = c->cells[variable];
    if (c->frame->columns[variable].text) {
        return (struct expression_value){NAN, isnan(value) ? "" : c->frame->texts[(size_t)value]};
    }
    return (struct expression_value){value, NULL};
}

enum status frame_add(struct frame *f, const double *cells, struct error *err)
{
    struct candidate candidate = {f, cells};
    if (f->has_where && !expression_true(&f->where, read_cell, &candidate)) {
        f->left_out++;
        return STATUS_OK;
    }
    if (f->n_rows == f->capacity) {
        const size_t capacity = f->capacity > 0 ? 2 * f->capacity : 64;
        for (size_t c = 0; c < f->n_columns; c++) {
            double *values = realloc(f->columns[c].values, capacity * sizeof *values);
            if (values == NULL) {
                return RAISE(err, ERR_MEMORY, "out of memory for %zu rows", capacity);
            }
            f->columns[c].values = values;
        }
        f->capacity = capacity;
    }
    for (size_t c = 0; c < f->n_columns; c++) {
        f->columns[c].values[f->n_rows] = cells[c];
    }
    f->n_rows++;
    return STATUS_OK;
}

void frame_free(struct frame *f)
{
    for (size_t c = 0; c < f->n_columns; c++) {
        free(f->columns[c].values);
    }
    free(f->texts);
    free(f->text_slots);
    free(f->found);
    arena_free(&f->arena);
    *f = (struct frame){0};
}
