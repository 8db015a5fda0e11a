/* Fuzz target of the JSON reader: whatever it accepts must come back the same after writing it and
 * reading it again, and whatever it refuses must have a place and a reason.
 */
#include "model/base/base.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool truth)
{
    if (!truth) {
        abort();
    }
}

static void same(const struct json *a, const struct json *b)
{
    demand(a->kind == b->kind && a->boolean == b->boolean && a->count == b->count);
    demand(a->kind != JSON_NUMBER || a->number == b->number);
    demand(a->kind != JSON_STRING || strcmp(a->text, b->text) == 0);
    demand((a->key == NULL) == (b->key == NULL));
    demand(a->key == NULL || strcmp(a->key, b->key) == 0);
    const struct json *other = b->first;
    for (const struct json *child = a->first; child != NULL; child = child->next) {
        same(child, other);
        other = other->next;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    struct error err = {0};
    struct json *first = NULL;
    struct json *second = NULL;
    struct text out = {0};
    if (json_parse(&arena, "input", (const char *)data, size, &first, &err) == STATUS_OK) {
        json_write(&out, first, (int)(size % 2));
        demand(!out.failed);
        demand(json_parse(&arena, "output", out.data, out.size, &second, &err) == STATUS_OK);
        same(first, second);
    } else {
        demand(err.code == ERR_SYNTAX && err.line > 0 && err.column > 0 && err.message[0] != '\0');
    }
    text_free(&out);
    arena_free(&arena);
    return 0;
}
