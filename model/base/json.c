/* Reading JSON: json_check.c finds mistakes, cJSON parses, json_position.c says where each value
 * stands, and every complaint carries file, line, column and JSON path. */
#include "model/base/base.h"
#include "model/base/json_position.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { JSON_LIMIT_BYTES = 16 << 20 };

static void line_column(const char *text, size_t offset, unsigned *line, unsigned *column)
{
    *line = 1;
    *column = 1;
    for (size_t i = 0; i < offset; i++) {
        if (text[i] == '\n') {
            ++*line;
            *column = 1;
        } else if (((unsigned char)text[i] & 0xc0) != 0x80) { /* count characters, not bytes */
            ++*column;
        }
    }
}

static enum status raise_at(struct error *err, const char *file, const char *text, size_t offset,
                            const char *message)
{
    if (err->code == STATUS_OK) {
        RAISE(err, ERR_SYNTAX, "%s", message);
        snprintf(err->file, sizeof err->file, "%s", file);
        line_column(text, offset, &err->line, &err->column);
    }
    return err->code;
}

/* Replace comments by spaces, so that positions stay; strings are skipped. */
static enum status blank_comments(const char *file, char *text, size_t n, struct error *err)
{
    for (size_t i = 0; i < n; i++) {
        if (text[i] == '"') {
            for (i++; i < n && text[i] != '"' && text[i] != '\n'; i++) {
                i += text[i] == '\\';
            }
        } else if (text[i] == '/' && i + 1 < n && text[i + 1] == '/') {
            while (i < n && text[i] != '\n') {
                text[i++] = ' ';
            }
        } else if (text[i] == '/' && i + 1 < n && text[i + 1] == '*') {
            const size_t opened = i;
            text[i++] = ' ';
            text[i++] = ' ';
            while (i + 1 < n && !(text[i] == '*' && text[i + 1] == '/')) {
                if (text[i] != '\n') {
                    text[i] = ' ';
                }
                i++;
            }
            if (i + 1 >= n) {
                return raise_at(err, file, text, opened, "a comment opened here is never closed");
            }
            text[i++] = ' ';
            text[i] = ' ';
        }
    }
    return STATUS_OK;
}

enum status json_parse(struct arena *a, const char *file, const char *text, size_t n,
                       struct json **out, struct error *err)
{
    char *own = arena_copy(a, text, n);
    const char *name = arena_copy(a, file, strlen(file));
    if (own == NULL || name == NULL) {
        return RAISE(err, ERR_MEMORY, "out of memory reading %s", file);
    }
    const char *nul = memchr(own, '\0', n);
    if (nul != NULL) {
        return raise_at(err, file, own, (size_t)(nul - own), "a NUL byte: this is not a text file");
    }
    size_t start = 0;
    if (n >= 3 && memcmp(own, "\xef\xbb\xbf", 3) == 0) {
        memcpy(own, "   ", 3);
        start = 3;
    }
    if (blank_comments(file, own, n, err) != STATUS_OK) {
        return err->code;
    }
    while (start < n && strchr(" \t\r\n", own[start]) != NULL) {
        start++;
    }
    if (start == n) {
        return raise_at(err, file, own, n, "the file is empty, expected a JSON object");
    }
    struct json_complaint complaint;
    if (!json_check(own, n, &complaint)) {
        return raise_at(err, file, own, complaint.offset, complaint.text);
    }
    cJSON *tree = cJSON_ParseWithLength(own + start, n - start);
    if (tree == NULL) { /* nothing is wrong with the text */
        return RAISE(err, ERR_MEMORY, "out of memory reading %s", file);
    }
    size_t offset = 0;
    const char *message = NULL;
    enum status status = json_place(a, name, own, n, tree, out, &offset, &message);
    if (status == ERR_SYNTAX) {
        raise_at(err, file, own, offset, message);
    } else if (status != STATUS_OK) {
        RAISE(err, status, "out of memory reading %s", file);
    }
    cJSON_Delete(tree);
    return err->code;
}

enum status json_load(struct arena *a, const char *path, struct json **out, struct error *err)
{
    char *text = NULL;
    size_t n = 0;
    if (file_read(path, JSON_LIMIT_BYTES, &text, &n, err) != STATUS_OK) {
        return err->code;
    }
    json_parse(a, path, text, n, out, err);
    free(text);
    return err->code;
}

struct json *json_member(const struct json *object, const char *key)
{
    if (object == NULL || object->kind != JSON_OBJECT) {
        return NULL;
    }
    for (struct json *child = object->first; child != NULL; child = child->next) {
        if (strcmp(child->key, key) == 0) {
            return child;
        }
    }
    return NULL;
}

const struct json *json_bare(const struct json *node)
{
    const struct json *value =
        node != NULL && node->kind == JSON_OBJECT ? json_member(node, "value") : NULL;
    return value != NULL ? value : node;
}

struct json *json_index(const struct json *array, size_t i)
{
    struct json *child = array->first;
    while (child != NULL && i-- > 0) {
        child = child->next;
    }
    return child;
}

bool json_pointer_step(const char **pointer, char *step, size_t size)
{
    const char *p = *pointer;
    size_t n = 0;
    if (*p != '/') {
        return false;
    }
    for (p++; *p != '\0' && *p != '/'; p++) {
        char c = *p;
        if (c == '~' && (p[1] == '0' || p[1] == '1')) {
            c = *++p == '0' ? '~' : '/';
        }
        if (n + 1 >= size) {
            return false;
        }
        step[n++] = c;
    }
    step[n] = '\0';
    *pointer = p;
    return true;
}

bool json_array_index(const char *step, size_t *out)
{
    if (step[0] < '0' || step[0] > '9' || (step[0] == '0' && step[1] != '\0')) {
        return false;
    }
    char *end = NULL;
    const unsigned long long value = strtoull(step, &end, 10);
    *out = (size_t)value;
    return *end == '\0';
}

struct json *json_pointer(struct json *root, const char *pointer)
{
    char step[240];
    struct json *node = root;
    while (node != NULL && *pointer != '\0') {
        if (!json_pointer_step(&pointer, step, sizeof step)) {
            return NULL;
        }
        size_t i = 0;
        if (node->kind == JSON_ARRAY) {
            node = json_array_index(step, &i) ? json_index(node, i) : NULL;
        } else {
            node = json_member(node, step);
        }
    }
    return node;
}

/* "/key" with RFC 6901's escapes: an axis of a sweep is a key full of slashes. */
static size_t write_step(const char *key, char *buffer, size_t used, size_t size)
{
    used += (size_t)snprintf(buffer + used, size - used, "/");
    for (; *key != '\0' && used < size; key++) {
        const char plain[2] = {*key, '\0'};
        const char *const shown = *key == '~' ? "~0" : *key == '/' ? "~1" : plain;
        used += (size_t)snprintf(buffer + used, size - used, "%s", shown);
    }
    return used;
}

static size_t write_path(const struct json *node, char *buffer, size_t size)
{
    if (node->parent == NULL) {
        return 0;
    }
    size_t used = write_path(node->parent, buffer, size);
    if (used >= size) {
        return used;
    }
    int n;
    if (node->parent->kind == JSON_ARRAY) {
        size_t i = 0;
        for (const struct json *s = node->parent->first; s != node; s = s->next) {
            i++;
        }
        n = snprintf(buffer + used, size - used, "/%zu", i);
    } else {
        return write_step(node->key, buffer, used, size);
    }
    return used + (n > 0 ? (size_t)n : 0);
}

void json_path(const struct json *node, char *buffer, size_t size)
{
    buffer[0] = '\0';
    size_t depth = 0;
    for (const struct json *up = node; up != NULL; up = up->parent) {
        depth++;
    }
    if (depth < 64) { /* deeper paths help nobody */
        write_path(node, buffer, size);
    }
    if (buffer[0] == '\0' && size > 1) {
        snprintf(buffer, size, "/");
    }
}

bool json_all_read(const struct json *node, const struct json **unread)
{
    for (const struct json *child = node->first; child != NULL; child = child->next) {
        if (!child->read) {
            *unread = child;
            return false;
        }
        if (!json_all_read(child, unread)) {
            return false;
        }
    }
    return true;
}

void json_mark_read(struct json *node)
{
    node->read = true;
    for (struct json *child = node->first; child != NULL; child = child->next) {
        json_mark_read(child);
    }
}
