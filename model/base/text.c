/* Growable text, shortest numbers, nearest names, and blocks that live together. */
#include "model/base/base.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void text_append(struct text *t, const char *s, size_t n)
{
    if (t->failed) {
        return;
    }
    if (t->capacity - t->size < n + 1) {
        size_t capacity = t->capacity > 0 ? t->capacity : 64;
        while (capacity - t->size < n + 1) {
            capacity *= 2;
        }
        char *data = realloc(t->data, capacity);
        if (data == NULL) {
            t->failed = true;
            return;
        }
        t->data = data;
        t->capacity = capacity;
    }
    memcpy(t->data + t->size, s, n);
    t->size += n;
    t->data[t->size] = '\0';
}

void text_puts(struct text *t, const char *s)
{
    text_append(t, s, strlen(s));
}

void text_printf(struct text *t, const char *format, ...)
{
    char small[256];
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    const int n = vsnprintf(small, sizeof small, format, args);
    va_end(args);
    if (n < 0) {
        t->failed = true;
    } else if ((size_t)n < sizeof small) {
        text_append(t, small, (size_t)n);
    } else {
        char *big = malloc((size_t)n + 1);
        if (big == NULL) {
            t->failed = true;
        } else {
            vsnprintf(big, (size_t)n + 1, format, again);
            text_append(t, big, (size_t)n);
            free(big);
        }
    }
    va_end(again);
}

void text_number(struct text *t, double value)
{
    if (isnan(value)) {
        text_puts(t, "nan");
        return;
    }
    if (isinf(value)) {
        text_puts(t, value > 0 ? "inf" : "-inf");
        return;
    }
    /* Fifteen digits suffice for most; seventeen always do (IEEE 754 binary64). */
    char buffer[40];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(buffer, sizeof buffer, "%.*g", digits, value);
        if (digits == 17 || strtod(buffer, NULL) == value) {
            break;
        }
    }
    text_puts(t, buffer);
}

void text_json_string(struct text *t, const char *s)
{
    text_append(t, "\"", 1);
    for (; *s != '\0'; s++) {
        const unsigned char c = (unsigned char)*s;
        switch (c) {
        case '"':
            text_puts(t, "\\\"");
            break;
        case '\\':
            text_puts(t, "\\\\");
            break;
        case '\n':
            text_puts(t, "\\n");
            break;
        case '\t':
            text_puts(t, "\\t");
            break;
        case '\r':
            text_puts(t, "\\r");
            break;
        default:
            if (c < 0x20 || c == 0x7f) {
                text_printf(t, "\\u%04x", c);
            } else {
                text_append(t, s, 1);
            }
        }
    }
    text_append(t, "\"", 1);
}

void text_free(struct text *t)
{
    free(t->data);
    *t = (struct text){0};
}

/* Levenshtein distance with a swap of neighbours counted once, case ignored; bounded by 32. */
static size_t distance(const char *a, const char *b)
{
    enum { MAX = 64 };
    const size_t n = strlen(a);
    const size_t m = strlen(b);
    if (n >= MAX || m >= MAX) {
        return MAX;
    }
    size_t rows[3][MAX + 1];
    for (size_t j = 0; j <= m; j++) {
        rows[0][j] = j;
    }
    for (size_t i = 1; i <= n; i++) {
        size_t *now = rows[i % 3];
        const size_t *last = rows[(i + 2) % 3];
        const size_t *before = rows[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= m; j++) {
            const bool same = (a[i - 1] | 32) == (b[j - 1] | 32);
            size_t best = last[j - 1] + (same ? 0 : 1);
            if (last[j] + 1 < best) {
                best = last[j] + 1;
            }
            if (now[j - 1] + 1 < best) {
                best = now[j - 1] + 1;
            }
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                before[j - 2] + 1 < best) {
                best = before[j - 2] + 1;
            }
            now[j] = best;
        }
    }
    return rows[n % 3][m];
}

const char *nearest_name(const char *name, const char *const *candidates, size_t count)
{
    const char *best = NULL;
    size_t best_distance = SIZE_MAX;
    for (size_t i = 0; i < count; i++) {
        const size_t d = distance(name, candidates[i]);
        if (d < best_distance) {
            best_distance = d;
            best = candidates[i];
        }
    }
    /* Also catch a forgotten unit: "latency" for "latency_s". */
    const size_t n = strlen(name);
    if (best != NULL && best_distance > n / 3 + 1) {
        best = NULL;
        for (size_t i = 0; i < count; i++) {
            if (strncmp(candidates[i], name, n) == 0 && candidates[i][n] == '_') {
                return candidates[i];
            }
        }
    }
    return best;
}

struct arena_block {
    struct arena_block *next;
    size_t used, size;
    max_align_t data[];
};

void *arena_alloc(struct arena *a, size_t size)
{
    const size_t unit = sizeof(max_align_t);
    if (size > SIZE_MAX / 4) {
        return NULL;
    }
    const size_t need = (size + unit - 1) / unit * unit;
    struct arena_block *block = a->blocks;
    if (block == NULL || block->size - block->used < need) {
        const size_t room = need > 16384 ? need : 16384;
        block = calloc(1, sizeof *block + room);
        if (block == NULL) {
            return NULL;
        }
        block->size = room;
        block->next = a->blocks;
        a->blocks = block;
    }
    char *p = (char *)block->data + block->used;
    block->used += need;
    return p;
}

char *arena_copy(struct arena *a, const char *s, size_t n)
{
    char *copy = arena_alloc(a, n + 1);
    if (copy != NULL && n > 0) {
        memcpy(copy, s, n);
    }
    return copy;
}

void arena_free(struct arena *a)
{
    struct arena_block *block = a->blocks;
    while (block != NULL) {
        struct arena_block *next = block->next;
        free(block);
        block = next;
    }
    a->blocks = NULL;
}

bool text_ends(const char *text, const char *end)
{
    const size_t n = strlen(text);
    const size_t m = strlen(end);
    return n > m && strcmp(text + n - m, end) == 0;
}
