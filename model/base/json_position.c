/* cJSON nodes have no position. This walker goes through the text a second time, beside the parsed
 * tree, and copies both into nodes that carry line and column; on the way it refuses what cJSON
 * lets pass. */
#include "model/base/json_position.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct walker {
    struct arena *arena;
    const char *file, *text;
    size_t at, n;
    unsigned line;
    size_t line_start; /* characters, see column() */
    size_t skipped;    /* UTF-8 continuation bytes since the line's start */
    size_t bad;
    const char *message;
    bool exhausted;
};

static bool refuse(struct walker *w, size_t at, const char *message)
{
    w->bad = at;
    w->message = message;
    return false;
}

static char peek(const struct walker *w)
{
    return w->at < w->n ? w->text[w->at] : '\0';
}

static void step(struct walker *w)
{
    const unsigned char c = (unsigned char)w->text[w->at++];
    if (c == '\n') {
        w->line++;
        w->line_start = w->at;
        w->skipped = 0;
    } else if ((c & 0xc0) == 0x80) {
        w->skipped++;
    }
}

static void skip_space(struct walker *w)
{
    while (w->at < w->n && (unsigned char)w->text[w->at] <= ' ') {
        step(w);
    }
}

static struct json_origin origin(const struct walker *w)
{
    return (struct json_origin){.file = w->file,
                                .line = w->line,
                                .column = (unsigned)(w->at - w->line_start - w->skipped) + 1};
}

static void skip_string(struct walker *w)
{
    step(w);
    while (peek(w) != '"') {
        if (peek(w) == '\\') {
            step(w);
        }
        step(w);
    }
    step(w);
}

static int by_key(const void *a, const void *b)
{
    const struct json *x = *(const struct json *const *)a;
    const struct json *y = *(const struct json *const *)b;
    const int order = strcmp(x->key, y->key);
    if (order != 0) {
        return order;
    }
    if (x->origin.line != y->origin.line) {
        return x->origin.line < y->origin.line ? -1 : 1;
    }
    return x->origin.column < y->origin.column ? -1 : x->origin.column > y->origin.column;
}

static bool no_duplicates(struct walker *w, const struct json *object, size_t end)
{
    if (object->count < 2) {
        return true;
    }
    const struct json **all = malloc(object->count * sizeof *all);
    if (all == NULL) {
        w->exhausted = true;
        return false;
    }
    size_t n = 0;
    for (const struct json *child = object->first; child != NULL; child = child->next) {
        all[n++] = child;
    }
    qsort(all, n, sizeof *all, by_key);
    bool fine = true;
    for (size_t i = 1; fine && i < n; i++) {
        if (strcmp(all[i]->key, all[i - 1]->key) == 0) {
            char *message = arena_alloc(w->arena, strlen(all[i]->key) + 96);
            if (message == NULL) {
                w->exhausted = true;
            } else {
                sprintf(message, "duplicate key '%.200s', first given on line %u", all[i]->key,
                        all[i - 1]->origin.line);
            }
            /* The offset of the second value: walk back from the end to its line and column. */
            size_t at = 0;
            unsigned line = 1;
            while (line < all[i]->origin.line && at < end) {
                line += w->text[at++] == '\n';
            }
            for (unsigned column = 1; column < all[i]->origin.column && at < end; column++) {
                do {
                    at++;
                } while (at < end && ((unsigned char)w->text[at] & 0xc0) == 0x80);
            }
            fine = refuse(w, at, message);
        }
    }
    free(all);
    return fine;
}

static struct json *walk(struct walker *w, const cJSON *from);

static bool walk_members(struct walker *w, const cJSON *from, struct json *node)
{
    step(w);
    for (const cJSON *child = from->child; child != NULL; child = child->next) {
        skip_space(w);
        if (node->kind == JSON_OBJECT) {
            skip_string(w);
            skip_space(w);
            step(w); /* the colon */
            skip_space(w);
        }
        struct json *value = walk(w, child);
        if (value == NULL) {
            return false;
        }
        const char *key = NULL;
        if (node->kind == JSON_OBJECT) {
            key = arena_copy(w->arena, child->string, strlen(child->string));
            if (key == NULL) {
                w->exhausted = true;
                return false;
            }
        }
        json_append(node, value, key);
        skip_space(w);
        if (peek(w) == ',') {
            step(w);
        }
    }
    skip_space(w);
    step(w); /* the closing bracket */
    return node->kind == JSON_ARRAY || no_duplicates(w, node, w->at);
}

static bool walk_number(struct walker *w, const cJSON *from, struct json *node)
{
    const size_t start = w->at;
    w->at += strspn(w->text + w->at, "0123456789+-.eE");
    char *token = arena_copy(w->arena, w->text + start, w->at - start);
    if (token == NULL) {
        w->exhausted = true;
        return false;
    }
    node->text = token;
    node->number = from->valuedouble;
    if (!isfinite(node->number)) {
        return refuse(w, start, "the number is too large to be represented");
    }
    return true;
}

static struct json *walk(struct walker *w, const cJSON *from)
{
    static const char *const words[] = {[JSON_NULL] = "null", [JSON_BOOL] = "true"};
    enum json_kind kind = JSON_NULL;
    if (cJSON_IsBool(from)) {
        kind = JSON_BOOL;
    } else if (cJSON_IsNumber(from)) {
        kind = JSON_NUMBER;
    } else if (cJSON_IsString(from)) {
        kind = JSON_STRING;
    } else if (cJSON_IsArray(from)) {
        kind = JSON_ARRAY;
    } else if (cJSON_IsObject(from)) {
        kind = JSON_OBJECT;
    }
    struct json *node = json_new(w->arena, kind, origin(w));
    if (node == NULL) {
        w->exhausted = true;
        return NULL;
    }
    bool fine = true;
    switch (kind) {
    case JSON_NULL:
        w->at += strlen(words[JSON_NULL]);
        break;
    case JSON_BOOL:
        node->boolean = cJSON_IsTrue(from);
        w->at += strlen(node->boolean ? "true" : "false");
        break;
    case JSON_NUMBER:
        fine = walk_number(w, from, node);
        break;
    case JSON_STRING:
        skip_string(w);
        node->text = arena_copy(w->arena, from->valuestring, strlen(from->valuestring));
        if (node->text == NULL) {
            w->exhausted = true;
            fine = false;
        }
        break;
    case JSON_ARRAY:
    case JSON_OBJECT:
        fine = walk_members(w, from, node);
        break;
    }
    return fine ? node : NULL;
}

enum status json_place(struct arena *a, const char *file, const char *text, size_t n,
                       const struct cJSON *tree, struct json **out, size_t *offset,
                       const char **message)
{
    struct walker w = {.arena = a, .file = file, .text = text, .n = n, .line = 1};
    skip_space(&w);
    *out = walk(&w, tree);
    *offset = w.bad;
    *message = w.message;
    if (w.exhausted) {
        return ERR_MEMORY;
    }
    return *out != NULL ? STATUS_OK : ERR_SYNTAX;
}
