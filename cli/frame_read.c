/* Where the rows of a frame come from: a CSV stream, JSON rows, a scenario predicted on the spot.
 */
#include "cli/frame.h"
#include "sweep/sweep.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { RECORD_LIMIT = 1 << 24, CSV_COLUMNS = 4096 };

static enum status place(struct error *err, const char *path, unsigned line)
{
    snprintf(err->file, sizeof err->file, "%s", path);
    err->line = line;
    return err->code;
}

/* ---------------------------------------------------------------- CSV */

struct csv_stream {
    FILE *file;
    const char *path;
    char *record; /* one record, its line breaks inside quotes included */
    size_t size, capacity;
    unsigned line, first_line; /* of the record */
    char *chunk;
    size_t chunk_capacity;
    char **fields;
    size_t n_fields;
};

/* One record into s->record; *more is false at the end of the file. */
static enum status read_record(struct csv_stream *s, bool *more, struct error *err)
{
    s->size = 0;
    s->first_line = s->line + 1;
    bool open = false;
    do {
        const ssize_t n = getline(&s->chunk, &s->chunk_capacity, s->file);
        if (n < 0) {
            *more = s->size > 0;
            if (ferror(s->file)) {
                return RAISE(err, ERR_IO, "cannot read %s: %s", s->path, strerror(errno));
            }
            if (open) {
                RAISE(err, ERR_SYNTAX, "a quoted field opened in this row is never closed");
                return place(err, s->path, s->first_line);
            }
            return STATUS_OK;
        }
        s->line++;
        const size_t size = (size_t)n;
        if (memchr(s->chunk, '\0', size) != NULL) {
            RAISE(err, ERR_SYNTAX, "a NUL byte: this is not a CSV file");
            return place(err, s->path, s->line);
        }
        if (s->size + size > RECORD_LIMIT) {
            RAISE(err, ERR_SYNTAX, "a row of more than %d bytes; is a quote never closed?",
                  RECORD_LIMIT);
            return place(err, s->path, s->first_line);
        }
        if (s->capacity < s->size + size + 1) {
            const size_t capacity = 2 * (s->size + size + 1);
            char *record = realloc(s->record, capacity);
            if (record == NULL) {
                return RAISE(err, ERR_MEMORY, "out of memory reading %s", s->path);
            }
            s->record = record;
            s->capacity = capacity;
        }
        memcpy(s->record + s->size, s->chunk, size + 1);
        s->size += size;
        for (const char *p = s->chunk; (p = strchr(p, '"')) != NULL; p++) {
            open = !open;
        }
    } while (open);
    while (s->size > 0 && (s->record[s->size - 1] == '\n' || s->record[s->size - 1] == '\r')) {
        s->record[--s->size] = '\0';
    }
    *more = true;
    return STATUS_OK;
}

/* Splits the record in place (RFC 4180: quotes doubled inside quotes). */
static enum status split_record(struct csv_stream *s, struct error *err)
{
    char *p = s->record;
    s->n_fields = 0;
    for (;;) {
        if (s->n_fields == CSV_COLUMNS) {
            RAISE(err, ERR_SYNTAX, "more than %d fields in a row", CSV_COLUMNS);
            return place(err, s->path, s->first_line);
        }
        char *to = p;
        s->fields[s->n_fields++] = p;
        if (*p == '"') {
            for (p++; *p != '\0' && (*p != '"' || p[1] == '"'); p++) {
                p += *p == '"';
                *to++ = *p;
            }
            p += *p == '"';
            if (*p != ',' && *p != '\0') {
                RAISE(err, ERR_SYNTAX, "text after the closing quote of a field");
                return place(err, s->path, s->first_line);
            }
        } else {
            p += strcspn(p, ",");
            to = p;
        }
        const bool last = *p == '\0';
        *to = '\0';
        if (last) {
            return STATUS_OK;
        }
        p++;
    }
}

static enum status read_header(struct csv_stream *s, struct frame *f, int *field_of,
                               struct error *err)
{
    bool more = false;
    if (read_record(s, &more, err) != STATUS_OK) {
        return err->code;
    }
    if (!more) {
        RAISE(err, ERR_SYNTAX, "the file is empty, expected a header row");
        return place(err, s->path, 0);
    }
    if (s->size >= 3 && memcmp(s->record, "\xef\xbb\xbf", 3) == 0) {
        memmove(s->record, s->record + 3, s->size - 2);
    }
    if (split_record(s, err) != STATUS_OK) {
        return err->code;
    }
    free(f->found);
    f->found = calloc(s->n_fields, sizeof *f->found);
    f->n_found = 0;
    for (size_t i = 0; f->found != NULL && i < s->n_fields; i++) {
        const char *name = arena_copy(&f->arena, s->fields[i], strlen(s->fields[i]));
        if (name == NULL) {
            break;
        }
        f->found[f->n_found++] = name;
    }
    if (f->n_found < s->n_fields) {
        return RAISE(err, ERR_MEMORY, "out of memory reading %s", s->path);
    }
    for (size_t c = 0; c < f->n_columns; c++) {
        field_of[c] = -1;
        for (size_t i = 0; i < s->n_fields && field_of[c] < 0; i++) {
            if (strcmp(s->fields[i], f->columns[c].name) == 0) {
                field_of[c] = (int)i;
                f->columns[c].present = true;
            }
        }
    }
    return STATUS_OK;
}

static enum status read_field(const struct csv_stream *s, struct frame *f, size_t column,
                              const char *field, double *out, struct error *err)
{
    if (f->columns[column].text) {
        const uint32_t id = frame_text_id(f, field, strlen(field));
        *out = id;
        return id != UINT32_MAX ? STATUS_OK : RAISE(err, ERR_MEMORY, "out of memory for texts");
    }
    char *end = NULL;
    *out = field[0] != '\0' ? strtod(field, &end) : (double)NAN;
    if (field[0] != '\0' && (end == field || *end != '\0')) {
        RAISE(err, ERR_INPUT, "column '%s' holds '%.60s', expected a number",
              f->columns[column].name, field);
        return place(err, s->path, s->first_line);
    }
    return STATUS_OK;
}

static enum status read_rows(struct csv_stream *s, struct frame *f, const int *field_of,
                             struct error *err)
{
    const size_t expected = s->n_fields;
    bool more = true;
    for (;;) {
        if (read_record(s, &more, err) != STATUS_OK || !more) {
            return err->code;
        }
        if (s->size == 0) {
            continue; /* an empty line */
        }
        if (split_record(s, err) != STATUS_OK) {
            return err->code;
        }
        if (s->n_fields != expected) {
            RAISE(err, ERR_SYNTAX, "%zu fields in this row, expected %zu as in the header",
                  s->n_fields, expected);
            return place(err, s->path, s->first_line);
        }
        double cells[FRAME_COLUMNS];
        for (size_t c = 0; c < f->n_columns; c++) {
            const char *field = field_of[c] >= 0 ? s->fields[field_of[c]] : "";
            if (read_field(s, f, c, field, &cells[c], err) != STATUS_OK) {
                return err->code;
            }
        }
        if (frame_add(f, cells, err) != STATUS_OK) {
            return err->code;
        }
    }
}

enum status frame_read_stream(struct frame *f, FILE *stream, const char *path, struct error *err)
{
    struct csv_stream s = {.path = path, .file = stream};
    int field_of[FRAME_COLUMNS];
    f->path = path;
    s.fields = calloc(CSV_COLUMNS, sizeof *s.fields);
    if (s.fields == NULL) {
        RAISE(err, ERR_MEMORY, "out of memory reading %s", path);
    } else if (read_header(&s, f, field_of, err) == STATUS_OK) {
        read_rows(&s, f, field_of, err);
    }
    free(s.record);
    free(s.chunk);
    free(s.fields);
    return err->code;
}

enum status frame_read_csv(struct frame *f, const char *path, struct error *err)
{
    struct stat info;
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return RAISE(err, ERR_IO, "cannot open %s: %s", path, strerror(errno));
    }
    if (fstat(fileno(file), &info) == 0 && S_ISDIR(info.st_mode)) {
        RAISE(err, ERR_IO, "%s is a directory, expected a file", path);
    } else {
        frame_read_stream(f, file, path, err);
    }
    fclose(file);
    return err->code;
}

/* ---------------------------------------------------------------- JSON rows */

enum status frame_read_json(struct frame *f, const char *path, const struct json *rows,
                            struct error *err)
{
    f->path = path;
    for (const struct json *row = rows->first; row != NULL; row = row->next) {
        if (row->kind != JSON_OBJECT) {
            return JSON_RAISE(err, row, ERR_INPUT, "expected an object, one row of results");
        }
        double cells[FRAME_COLUMNS];
        for (size_t c = 0; c < f->n_columns; c++) {
            const struct json *cell = json_member(row, f->columns[c].name);
            const bool text = f->columns[c].text;
            const bool empty = cell == NULL || cell->kind == JSON_NULL;
            f->columns[c].present = f->columns[c].present || cell != NULL;
            if (!empty && cell->kind != (text ? JSON_STRING : JSON_NUMBER)) {
                return JSON_RAISE(err, cell, ERR_INPUT, "expected a %s", text ? "text" : "number");
            }
            cells[c] = empty || text ? (double)NAN : cell->number;
            if (text) {
                const char *words = empty ? "" : cell->text;
                cells[c] = frame_text_id(f, words, strlen(words));
                if (cells[c] == UINT32_MAX) {
                    return RAISE(err, ERR_MEMORY, "out of memory for texts");
                }
            }
        }
        if (frame_add(f, cells, err) != STATUS_OK) {
            return err->code;
        }
    }
    return STATUS_OK;
}

/* ---------------------------------------------------------------- a scenario */

static enum status add_row(struct frame *f, const struct row *row, const int *result,
                           struct error *err)
{
    double cells[FRAME_COLUMNS];
    for (size_t c = 0; c < f->n_columns; c++) {
        cells[c] = NAN;
        if (result[c] < 0) {
            continue;
        }
        const struct expression_value value = row_value(row, result[c]);
        cells[c] = value.number;
        if (value.text != NULL) {
            cells[c] = frame_text_id(f, value.text, strlen(value.text));
            if (cells[c] == UINT32_MAX) {
                return RAISE(err, ERR_MEMORY, "out of memory for texts");
            }
        }
    }
    return frame_add(f, cells, err);
}

/* Which of the result columns each wanted one is; -1 = none. */
static void find_columns(struct frame *f, int *result)
{
    for (size_t c = 0; c < f->n_columns; c++) {
        result[c] = column_find(f->columns[c].name);
        f->columns[c].present = f->columns[c].present || result[c] >= 0;
    }
}

enum status frame_read_store(struct frame *f, const char *path, struct constraints *limits,
                             double *confidence, struct error *err)
{
    int result[FRAME_COLUMNS];
    struct row_reader *r = NULL;
    bool more = true;
    f->path = path;
    find_columns(f, result);
    if (row_reader_open(&path, 1, 0, &r, err) != STATUS_OK) {
        return err->code;
    }
    *limits = row_reader_run(r)->limits;
    *confidence = row_reader_run(r)->confidence;
    while (more && err->code == STATUS_OK) {
        struct row row;
        if (row_reader_next(r, &row, &more, err) == STATUS_OK && more) {
            add_row(f, &row, result, err);
        }
    }
    row_reader_close(r);
    return err->code;
}

enum status frame_read_scenario(struct frame *f, const struct scenario *s,
                                struct constraints *constraints, struct error *err)
{
    int result[FRAME_COLUMNS];
    struct scenario_cursor cursor;
    struct evaluator e = {0};
    f->path = s->path;
    find_columns(f, result);
    if (cursor_init(&cursor, s, err) != STATUS_OK) {
        return err->code;
    }
    for (uint64_t i = 0; i < s->points && err->code == STATUS_OK; i++) {
        struct row row;
        bool skipped = false;
        if (predict_point(&cursor, i, &e, &row, NULL, NULL, &skipped, err) == STATUS_OK &&
            !skipped) {
            add_row(f, &row, result, err);
        }
        if (i == 0) {
            *constraints = cursor.config.constraints;
        }
    }
    evaluator_free(&e);
    cursor_free(&cursor);
    return err->code;
}
