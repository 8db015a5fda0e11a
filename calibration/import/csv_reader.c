/* RFC 4180 with the usual latitude: line ends of both kinds, no header knowledge. The fast path is
 * a line without a quote, whose fields are slices of the line itself.
 */
#include "calibration/import/csv_reader.h"

#include <stdlib.h>
#include <string.h>

static bool add_field(struct csv_reader *r, const char *text, size_t size)
{
    if (r->n_fields == r->capacity) {
        const size_t capacity = r->capacity > 0 ? r->capacity * 2 : 64;
        struct csv_field *const grown = realloc(r->fields, capacity * sizeof *grown);
        if (grown == NULL) {
            return false;
        }
        r->fields = grown;
        r->capacity = capacity;
    }
    r->fields[r->n_fields++] = (struct csv_field){text, size};
    return true;
}

static bool split_plain(struct csv_reader *r, const char *p, const char *end)
{
    for (;;) {
        const char *const comma = memchr(p, ',', (size_t)(end - p));
        const char *const stop = comma != NULL ? comma : end;
        if (!add_field(r, p, (size_t)(stop - p))) {
            return false;
        }
        if (comma == NULL) {
            return true;
        }
        p = comma + 1;
    }
}

/* Fields with quotes; *fault says what is wrong with them. */
static bool split_quoted(struct csv_reader *r, const char *p, const char *end, const char **fault)
{
    if (r->unquoted_capacity < (size_t)(end - p) + 1) {
        char *const grown = realloc(r->unquoted, (size_t)(end - p) + 1);
        if (grown == NULL) {
            return false;
        }
        r->unquoted = grown;
        r->unquoted_capacity = (size_t)(end - p) + 1;
    }
    char *to = r->unquoted;
    for (;;) {
        const char *const from = to;
        if (p < end && *p == '"') {
            for (p++; p < end && (*p != '"' || (p + 1 < end && p[1] == '"')); p++) {
                p += *p == '"' ? 1 : 0;
                *to++ = *p;
            }
            if (p == end) {
                *fault = "a quoted field that never ends";
                return true;
            }
            p++;
            if (p < end && *p != ',') {
                *fault = "text behind the closing quote of a field";
                return true;
            }
        } else {
            while (p < end && *p != ',') {
                *to++ = *p++;
            }
        }
        if (!add_field(r, from, (size_t)(to - from))) {
            return false;
        }
        if (p == end) {
            return true;
        }
        p++;
    }
}

static bool quotes_open(const char *s, size_t n, bool open)
{
    for (const char *p = s; (p = memchr(p, '"', (size_t)(s + n - p))) != NULL; p++) {
        open = !open;
    }
    return open;
}

enum status csv_next(struct csv_reader *r, struct line *line, bool *more, struct error *err)
{
    r->n_fields = 0;
    do {
        const enum status code = source_next(r->source, line, more, err);
        if (code != STATUS_OK || !*more) {
            return code;
        }
    } while (line->size == 0 && line->fault == NULL);
    if (line->fault != NULL) {
        return STATUS_OK;
    }
    if (memchr(line->text, '"', line->size) == NULL) {
        if (!split_plain(r, line->text, line->text + line->size)) {
            return RAISE(err, ERR_MEMORY, "no memory for the fields of a line");
        }
        return STATUS_OK;
    }
    if (quotes_open(line->text, line->size, false)) {
        r->joined.size = 0;
        text_append(&r->joined, line->text, line->size);
        bool open = true;
        while (open && r->joined.size <= SOURCE_LINE_LIMIT) {
            struct line next;
            bool another;
            const enum status code = source_next(r->source, &next, &another, err);
            if (code != STATUS_OK) {
                return code;
            }
            if (!another || next.fault != NULL) {
                break;
            }
            text_puts(&r->joined, "\n");
            text_append(&r->joined, next.text, next.size);
            open = quotes_open(next.text, next.size, open);
        }
        if (r->joined.failed) {
            return RAISE(err, ERR_MEMORY, "no memory for a record of several lines");
        }
        line->text = r->joined.data;
        line->size = r->joined.size;
        if (open) {
            line->fault = "a quoted field that never ends";
            return STATUS_OK;
        }
    }
    if (!split_quoted(r, line->text, line->text + line->size, &line->fault)) {
        return RAISE(err, ERR_MEMORY, "no memory for the fields of a line");
    }
    return STATUS_OK;
}

void csv_reader_free(struct csv_reader *r)
{
    free(r->fields);
    free(r->unquoted);
    text_free(&r->joined);
    *r = (struct csv_reader){0};
}
