/* Fuzz target of the scenario loader and of everything behind it: includes, catalogue, field
 * tables, sweep, and the prediction of the first points. Beyond not crashing, a refusal must say
 * something and say where; a prediction must be a finite time whose parts add up, and a bill whose
 * lines do. The catalogue is a small one (FUZZ_DATA_DIR).
 *
 * Bytes changed at random are hardly ever JSON, so half of the mutations are made on the tree:
 * numbers become awkward ones, values change places, keys vanish.
 */
#include "model/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { POINTS = 6 };

static void demand(bool truth)
{
    if (!truth) {
        abort();
    }
}

static void check_row(const struct row *row, const struct tally *t, const struct ledger *ledger)
{
    demand(isfinite(row->time_s) && row->time_s >= 0);
    double parts = 0;
    for (int i = 0; i < CATEGORIES; i++) {
        parts += t->category_s[i];
    }
    demand(fabs(parts - t->time_s) <= 1e-6 * fmax(1, fabs(t->time_s)));
    money total = 0;
    for (uint32_t i = 0; i < ledger->count; i++) {
        demand(ledger->lines[i].amount >= 0);
        total += ledger->lines[i].amount;
    }
    demand(ledger->count == LEDGER_LIMIT || total == ledger->total);
}

static void predict(const struct scenario *s)
{
    struct scenario_cursor cursor;
    struct evaluator e = {0};
    struct error err = {0};
    demand(cursor_init(&cursor, s, &err) == STATUS_OK);
    for (uint64_t i = 0; i < s->points && i < POINTS && err.code == STATUS_OK; i++) {
        struct row row;
        struct tally t;
        struct ledger ledger;
        bool skipped = false;
        const uint64_t point = i < POINTS - 1 ? i : s->points - 1;
        if (predict_point(&cursor, point, &e, &row, &t, &ledger, &skipped, &err) == STATUS_OK &&
            !skipped && row.feasible) {
            check_row(&row, &t, &ledger);
        }
    }
    demand(err.code == STATUS_OK || err.message[0] != '\0');
    evaluator_free(&e);
    cursor_free(&cursor);
}

#ifndef FUZZ_REPLAY /* the mutator needs libFuzzer */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size); /* libFuzzer's own */

static unsigned draw(unsigned *state, unsigned n)
{
    *state = *state * 1664525U + 1013904223U;
    return n > 0 ? (*state >> 8) % n : 0;
}

static unsigned count_nodes(const struct json *node)
{
    unsigned n = 1;
    for (const struct json *child = node->first; child != NULL; child = child->next) {
        n += count_nodes(child);
    }
    return n;
}

/* Node number *n in the order of the text. */
static struct json *node_at(struct json *node, unsigned *n)
{
    if ((*n)-- == 0) {
        return node;
    }
    for (struct json *child = node->first; child != NULL; child = child->next) {
        struct json *found = node_at(child, n);
        if (found != NULL) {
            return found;
        }
    }
    return NULL;
}

/* The value of a node becomes that of another one; its key and place stay. */
static void take_value(struct json *node, const struct json *other)
{
    node->kind = other->kind;
    node->boolean = other->boolean;
    node->number = other->number;
    node->text = other->text;
    node->first = other->first;
    node->last = other->last;
    node->count = other->count;
}

static void change(struct arena *a, struct json *root, unsigned *state)
{
    static const char *const numbers[] = {"0",    "-1",    "1",      "0.5",   "2",    "3",   "16",
                                          "1000", "1e9",   "1e-300", "1e300", "1e15", "7.5", "1e-9",
                                          "4096", "10240", "33",     "1e6",   "100"};
    enum { NUMBERS = sizeof numbers / sizeof numbers[0] };
    const unsigned total = count_nodes(root);
    unsigned index = draw(state, total);
    struct json *node = node_at(root, &index);
    index = draw(state, total);
    const struct json *other = node_at(root, &index);
    if (node == NULL || other == NULL || node->parent == NULL) {
        return;
    }
    switch (draw(state, 4)) {
    case 0:
        node->text = numbers[draw(state, NUMBERS)];
        node->number = strtod(node->text, NULL);
        node->kind = JSON_NUMBER;
        node->first = node->last = NULL;
        node->count = 0;
        break;
    case 1:
        json_detach(node->parent, node);
        break;
    case 2: {
        const struct json *copy = json_copy(a, other); /* never its own child */
        if (copy != NULL) {
            take_value(node, copy);
        }
        break;
    }
    default:
        if (other->key != NULL && node->kind == JSON_OBJECT &&
            json_member(node, other->key) == NULL) {
            struct json *copy = json_copy(a, other);
            if (copy != NULL) {
                json_append(node, copy, other->key);
            }
        }
        break;
    }
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    struct arena arena = {0};
    struct error err = {0};
    struct text out = {0};
    struct json *root = NULL;
    unsigned state = seed;
    size_t n = 0;
    if (draw(&state, 4) > 0 &&
        json_parse(&arena, "input", (const char *)data, size, &root, &err) == STATUS_OK) {
        for (unsigned changes = 1 + draw(&state, 3); changes > 0; changes--) {
            change(&arena, root, &state);
        }
        json_write(&out, root, 0);
        n = out.failed ? 0 : out.size;
        if (n > 0 && n <= max_size) {
            memcpy(data, out.data, n);
        }
    }
    text_free(&out);
    arena_free(&arena);
    return n > 0 && n <= max_size ? n : LLVMFuzzerMutate(data, size, max_size);
}

#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    struct error err = {0};
    struct scenario s;
    const struct scenario_options options = {.data_dir = FUZZ_DATA_DIR};
    snprintf(path, sizeof path, "/dev/shm/fuzz-scenario-%ld.json", (long)getpid());
    FILE *file = fopen(path, "wb");
    demand(file != NULL && fwrite(data, 1, size, file) == size && fclose(file) == 0);
    if (scenario_load(path, &options, &s, &err) == STATUS_OK) {
        predict(&s);
        scenario_free(&s);
    } else {
        demand(err.message[0] != '\0');
        demand(err.code == ERR_SYNTAX ? err.line > 0 : true);
    }
    unlink(path);
    return 0;
}
