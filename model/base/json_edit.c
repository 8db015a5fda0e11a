/* Building and changing JSON trees: RFC 7396 merge, --set by RFC 6901 pointer, writing. Origins
 * follow the values, so that a complaint after merging still names the file that is to blame. */
#include "model/base/base.h"
#include "model/base/json_position.h"

#include <string.h>

struct json *json_new(struct arena *a, enum json_kind kind, struct json_origin origin)
{
    struct json *node = arena_alloc(a, sizeof *node);
    if (node != NULL) {
        node->kind = kind;
        node->origin = origin;
    }
    return node;
}

void json_append(struct json *parent, struct json *child, const char *key)
{
    child->parent = parent;
    child->key = key;
    child->next = NULL;
    if (parent->last != NULL) {
        parent->last->next = child;
    } else {
        parent->first = child;
    }
    parent->last = child;
    parent->count++;
}

struct json *json_copy(struct arena *a, const struct json *node)
{
    struct json *copy = json_new(a, node->kind, node->origin);
    if (copy == NULL) {
        return NULL;
    }
    copy->boolean = node->boolean;
    copy->number = node->number;
    copy->text = node->text;
    for (const struct json *child = node->first; child != NULL; child = child->next) {
        struct json *c = json_copy(a, child);
        if (c == NULL) {
            return NULL;
        }
        json_append(copy, c, child->key);
    }
    return copy;
}

void json_detach(struct json *parent, struct json *child)
{
    struct json *before = NULL;
    for (struct json *s = parent->first; s != child; s = s->next) {
        before = s;
    }
    if (before != NULL) {
        before->next = child->next;
    } else {
        parent->first = child->next;
    }
    if (parent->last == child) {
        parent->last = before;
    }
    parent->count--;
    child->next = NULL;
    child->parent = NULL;
}

/* Put a new value where an old child stands, keeping its place among its siblings. */
static void replace_child(struct json *parent, struct json *old, struct json *value)
{
    value->key = old->key;
    value->parent = parent;
    value->next = old->next;
    if (parent->first == old) {
        parent->first = value;
    } else {
        struct json *s = parent->first;
        while (s->next != old) {
            s = s->next;
        }
        s->next = value;
    }
    if (parent->last == old) {
        parent->last = value;
    }
}

enum status json_merge(struct arena *a, struct json *target, const struct json *patch,
                       struct error *err)
{
    for (const struct json *p = patch->first; p != NULL; p = p->next) {
        struct json *there = json_member(target, p->key);
        if (p->kind == JSON_NULL) {
            if (there != NULL) {
                json_detach(target, there);
            }
            continue;
        }
        if (p->kind == JSON_OBJECT) {
            if (there == NULL || there->kind != JSON_OBJECT) {
                struct json *object = json_new(a, JSON_OBJECT, p->origin);
                if (object == NULL) {
                    return RAISE(err, ERR_MEMORY, "out of memory merging JSON");
                }
                if (there == NULL) {
                    json_append(target, object, p->key);
                } else {
                    replace_child(target, there, object);
                }
                there = object;
            }
            there->origin = p->origin;
            if (json_merge(a, there, p, err) != STATUS_OK) {
                return err->code;
            }
            continue;
        }
        struct json *value = json_copy(a, p);
        if (value == NULL) {
            return RAISE(err, ERR_MEMORY, "out of memory merging JSON");
        }
        if (there == NULL) {
            json_append(target, value, p->key);
        } else {
            replace_child(target, there, value);
        }
    }
    return STATUS_OK;
}

enum status json_set(struct arena *a, struct json *root, const char *pointer,
                     const struct json *value, struct error *err)
{
    char step[240];
    const char *rest = pointer;
    struct json *node = root;
    if (*rest != '/') {
        return RAISE(err, ERR_USAGE,
                     "'%.200s' is not a JSON pointer, expected one such as /platform/workers",
                     pointer);
    }
    struct json *copy = json_copy(a, value);
    if (copy == NULL) {
        return RAISE(err, ERR_MEMORY, "out of memory setting %.200s", pointer);
    }
    for (;;) {
        if (!json_pointer_step(&rest, step, sizeof step)) {
            return RAISE(err, ERR_USAGE, "'%.200s' is not a JSON pointer", pointer);
        }
        const bool last = *rest == '\0';
        struct json *child = NULL;
        if (node->kind == JSON_ARRAY) {
            size_t i = 0;
            if (json_array_index(step, &i)) {
                child = json_index(node, i);
            }
            if (child == NULL && strcmp(step, "-") != 0 && i != node->count) {
                return RAISE(err, ERR_USAGE, "%.200s: no element %s in an array of %zu", pointer,
                             step, node->count);
            }
        } else if (node->kind == JSON_OBJECT) {
            child = json_member(node, step);
        } else {
            return RAISE(err, ERR_USAGE, "%.200s goes through a value that is no object", pointer);
        }
        struct json *next = last ? copy : child;
        if (next == NULL) {
            next = json_new(a, JSON_OBJECT, value->origin);
        }
        const char *key = child != NULL ? child->key : arena_copy(a, step, strlen(step));
        if (next == NULL || (key == NULL && node->kind == JSON_OBJECT)) {
            return RAISE(err, ERR_MEMORY, "out of memory setting %.200s", pointer);
        }
        if (child == NULL) {
            json_append(node, next, node->kind == JSON_OBJECT ? key : NULL);
        } else if (next != child) {
            replace_child(node, child, next);
        }
        if (last) {
            return STATUS_OK;
        }
        node = next;
    }
}

static void indent_line(struct text *out, int depth)
{
    text_append(out, "\n", 1);
    for (int i = 0; i < depth; i++) {
        text_append(out, "  ", 2);
    }
}

static void write_node(struct text *out, const struct json *node, int depth, bool pretty)
{
    switch (node->kind) {
    case JSON_NULL:
        text_puts(out, "null");
        return;
    case JSON_BOOL:
        text_puts(out, node->boolean ? "true" : "false");
        return;
    case JSON_NUMBER:
        if (node->text != NULL) {
            text_puts(out, node->text);
        } else {
            text_number(out, node->number);
        }
        return;
    case JSON_STRING:
        text_json_string(out, node->text);
        return;
    case JSON_ARRAY:
    case JSON_OBJECT:
        break;
    }
    const bool object = node->kind == JSON_OBJECT;
    text_puts(out, object ? "{" : "[");
    for (const struct json *child = node->first; child != NULL; child = child->next) {
        if (pretty) {
            indent_line(out, depth + 1);
        }
        if (object) {
            text_json_string(out, child->key);
            text_puts(out, pretty ? ": " : ":");
        }
        write_node(out, child, depth + 1, pretty);
        if (child->next != NULL) {
            text_puts(out, ",");
        }
    }
    if (pretty && node->first != NULL) {
        indent_line(out, depth);
    }
    text_puts(out, object ? "}" : "]");
}

void json_write(struct text *out, const struct json *node, int indent)
{
    write_node(out, node, 0, indent > 0);
}

enum status json_known_keys(const struct json *object, const char *what, const char *of,
                            const char *const *known, size_t n, struct error *err)
{
    for (const struct json *key = object->first; key != NULL; key = key->next) {
        size_t i = 0;
        while (i < n && strcmp(key->key, known[i]) != 0) {
            i++;
        }
        if (i == n) {
            const char *const near = nearest_name(key->key, known, n);
            return JSON_RAISE(err, key, ERR_INPUT, "unknown %s '%s'%s%s%s%s", what, key->key, of,
                              near != NULL ? ", did you mean '" : "", near != NULL ? near : "",
                              near != NULL ? "'?" : "");
        }
    }
    return STATUS_OK;
}
