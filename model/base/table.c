/* CSV tables by column name (RFC 4180: quotes doubled inside quotes, CR LF or LF). */
#include "model/base/base.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TABLE_LIMIT_BYTES = 1 << 30 };

struct reader {
    char *in, *out;
    unsigned line;
    const char *path;
};

static enum status place(struct error *err, const char *path, unsigned line, unsigned column)
{
    snprintf(err->file, sizeof err->file, "%s", path);
    err->line = line;
    err->column = column;
    return err->code;
}

/* Reads one field in place; *end tells what ended it: ',', '\n' or '\0'. */
static enum status read_field(struct reader *r, char **field, char *end, struct error *err)
{
    char *p = r->in;
    char *to = r->out;
    *field = to;
    if (*p == '"') {
        const unsigned opened = r->line;
        for (p++;; p++) {
            if (*p == '\0') {
                RAISE(err, ERR_SYNTAX, "a quoted field opened here is never closed");
                return place(err, r->path, opened, 0);
            }
            if (*p == '"') {
                if (p[1] != '"') {
                    p++;
                    break;
                }
                p++;
            }
            r->line += *p == '\n';
            *to++ = *p;
        }
        if (*p == '\r' && p[1] == '\n') {
            p++;
        }
        if (*p != ',' && *p != '\n' && *p != '\0') {
            RAISE(err, ERR_SYNTAX, "text after the closing quote of a field");
            return place(err, r->path, r->line, 0);
        }
    } else {
        while (*p != ',' && *p != '\n' && *p != '\0') {
            *to++ = *p++;
        }
        if (*p != ',' && to > *field && to[-1] == '\r') {
            to--;
        }
    }
    *end = *p;
    r->in = *p == '\0' ? p : p + 1;
    *to = '\0';
    r->out = to + 1;
    return STATUS_OK;
}

static bool grow(char ***cells, size_t *capacity, size_t need)
{
    if (need <= *capacity) {
        return true;
    }
    size_t n = *capacity > 0 ? *capacity * 2 : 64;
    while (n < need) {
        n *= 2;
    }
    char **bigger = realloc(*cells, n * sizeof **cells);
    if (bigger == NULL) {
        return false;
    }
    *cells = bigger;
    *capacity = n;
    return true;
}

enum status table_parse(const char *path, char *text, size_t n, struct table *out,
                        struct error *err)
{
    *out = (struct table){.block = text};
    out->path = strdup(path);
    size_t capacity = 0;
    size_t lines_capacity = 0;
    enum status status = STATUS_OK;
    if (out->path == NULL) {
        status = RAISE(err, ERR_MEMORY, "out of memory reading %s", path);
    } else if (memchr(text, '\0', n) != NULL) {
        status = RAISE(err, ERR_SYNTAX, "a NUL byte: this is not a CSV file");
        place(err, path, 0, 0);
    } else if (n == 0) {
        status = RAISE(err, ERR_SYNTAX, "the file is empty, expected a header row");
        place(err, path, 0, 0);
    }
    struct reader r = {.in = text, .out = text, .line = 1, .path = path};
    if (status == STATUS_OK && n >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
        r.in += 3;
    }
    size_t used = 0;
    while (status == STATUS_OK && *r.in != '\0') {
        const unsigned line = r.line;
        size_t fields = 0;
        char end = ',';
        while (status == STATUS_OK && end == ',') {
            char *field = NULL;
            status = read_field(&r, &field, &end, err);
            if (status == STATUS_OK && !grow(&out->cells, &capacity, used + fields + 1)) {
                status = RAISE(err, ERR_MEMORY, "out of memory reading %s", path);
            }
            if (status == STATUS_OK) {
                out->cells[used + fields++] = field;
            }
        }
        r.line += end == '\n';
        if (status != STATUS_OK || (fields == 1 && out->cells[used][0] == '\0')) {
            continue; /* an error, or an empty line */
        }
        if (out->columns == NULL) {
            out->n_columns = fields;
            out->columns = calloc(fields, sizeof *out->columns);
            if (out->columns == NULL) {
                status = RAISE(err, ERR_MEMORY, "out of memory reading %s", path);
                continue;
            }
            memcpy(out->columns, out->cells, fields * sizeof *out->columns);
            continue;
        }
        if (fields != out->n_columns) {
            status = RAISE(err, ERR_SYNTAX, "%zu fields in this row, expected %zu as in the header",
                           fields, out->n_columns);
            place(err, path, line, 0);
            continue;
        }
        if (out->n_rows == lines_capacity) {
            lines_capacity = lines_capacity > 0 ? lines_capacity * 2 : 64;
            unsigned *lines = realloc(out->lines, lines_capacity * sizeof *lines);
            if (lines == NULL) {
                status = RAISE(err, ERR_MEMORY, "out of memory reading %s", path);
                continue;
            }
            out->lines = lines;
        }
        out->lines[out->n_rows++] = line;
        used += fields;
    }
    if (status != STATUS_OK) {
        table_free(out);
    }
    return status;
}

enum status table_load(const char *path, struct table *out, struct error *err)
{
    char *text = NULL;
    size_t n = 0;
    *out = (struct table){0};
    const enum status status = file_read(path, TABLE_LIMIT_BYTES, &text, &n, err);
    return status != STATUS_OK ? status : table_parse(path, text, n, out, err);
}

enum status table_column(const struct table *t, const char *name, size_t *out, struct error *err)
{
    for (size_t i = 0; i < t->n_columns; i++) {
        if (strcmp(t->columns[i], name) == 0) {
            *out = i;
            return STATUS_OK;
        }
    }
    const char *near = nearest_name(name, (const char *const *)t->columns, t->n_columns);
    RAISE(err, ERR_INPUT, "no column '%s'%s%s%s", name, near != NULL ? ", did you mean '" : "",
          near != NULL ? near : "", near != NULL ? "'?" : "");
    return place(err, t->path, 1, 0);
}

const char *table_cell(const struct table *t, size_t row, size_t column)
{
    return t->cells[row * t->n_columns + column];
}

enum status table_number(const struct table *t, size_t row, size_t column, double *out,
                         struct error *err)
{
    const char *cell = table_cell(t, row, column);
    if (cell[0] == '\0') {
        *out = NAN;
        return STATUS_OK;
    }
    char *end = NULL;
    errno = 0;
    const double value = strtod(cell, &end);
    if (*end != '\0' || end == cell) {
        RAISE(err, ERR_INPUT, "column '%s' holds '%.60s', expected a number", t->columns[column],
              cell);
        return place(err, t->path, t->lines[row], 0);
    }
    *out = value;
    return STATUS_OK;
}

void table_free(struct table *t)
{
    free(t->columns);
    free(t->cells);
    free(t->lines);
    free(t->block);
    free(t->path);
    *t = (struct table){0};
}

void text_csv(struct text *out, const char *field)
{
    if (strpbrk(field, ",\"\r\n") == NULL) {
        text_puts(out, field);
        return;
    }
    text_append(out, "\"", 1);
    for (const char *p = field; *p != '\0'; p++) {
        if (*p == '"') {
            text_append(out, "\"", 1);
        }
        text_append(out, p, 1);
    }
    text_append(out, "\"", 1);
}
