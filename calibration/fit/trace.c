/* Traces in memory, column by column: numbers as doubles, texts as ids of labels seen once. */
#include "calibration/fit.h"
#include "calibration/import/csv_reader.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct reader {
    struct trace *t;
    struct csv_reader csv;
    enum trace_column columns[TRACE_COLUMNS]; /* of the file, in its order */
    size_t n_columns, capacity;
    uint32_t *buckets; /* hash table of labels: index + 1, 0 is free */
    size_t n_buckets;
};

static uint64_t label_hash(const char *text, size_t size)
{
    return hash_bytes(HASH_SEED, text, size);
}

static bool grow_labels(struct reader *r)
{
    const size_t n = r->n_buckets > 0 ? r->n_buckets * 2 : 256;
    uint32_t *const buckets = calloc(n, sizeof *buckets);
    char **const labels = realloc(r->t->labels, n / 2 * sizeof *labels);
    if (labels != NULL) {
        r->t->labels = labels;
    }
    if (buckets == NULL || labels == NULL) {
        free(buckets);
        return false;
    }
    for (size_t i = 0; i < r->t->n_labels; i++) {
        size_t at = label_hash(labels[i], strlen(labels[i])) & (n - 1);
        while (buckets[at] != 0) {
            at = (at + 1) & (n - 1);
        }
        buckets[at] = (uint32_t)i + 1;
    }
    free(r->buckets);
    r->buckets = buckets;
    r->n_buckets = n;
    return true;
}

/* Id of a label, new or old; false without memory. */
static bool label_id(struct reader *r, const char *text, size_t size, uint32_t *id)
{
    if (2 * (r->t->n_labels + 1) > r->n_buckets && !grow_labels(r)) {
        return false;
    }
    size_t at = label_hash(text, size) & (r->n_buckets - 1);
    for (; r->buckets[at] != 0; at = (at + 1) & (r->n_buckets - 1)) {
        const char *const known = r->t->labels[r->buckets[at] - 1];
        if (strlen(known) == size && memcmp(known, text, size) == 0) {
            *id = r->buckets[at] - 1;
            return true;
        }
    }
    char *const copy = strndup(text, size);
    if (copy == NULL) {
        return false;
    }
    *id = (uint32_t)r->t->n_labels;
    r->t->labels[r->t->n_labels++] = copy;
    r->buckets[at] = *id + 1;
    return true;
}

static enum status read_header(struct reader *r, struct error *err)
{
    struct line line;
    bool more;
    if (csv_next(&r->csv, &line, &more, err) != STATUS_OK) {
        return err->code;
    }
    if (!more || line.fault != NULL) {
        return RAISE(err, ERR_INPUT, "%s: no header with the columns of a trace", r->t->path);
    }
    for (size_t i = 0; i < r->csv.n_fields; i++) {
        char name[64];
        snprintf(name, sizeof name, "%.*s", (int)r->csv.fields[i].size, r->csv.fields[i].text);
        const enum trace_column c = trace_column_find(name);
        if (c == TRACE_COLUMNS) {
            const char *names[TRACE_COLUMNS];
            for (size_t k = 0; k < TRACE_COLUMNS; k++) {
                names[k] = trace_column_name((enum trace_column)k);
            }
            const char *const near = nearest_name(name, names, TRACE_COLUMNS);
            return RAISE(err, ERR_INPUT,
                         "%s: '%s' is no column of a trace%s%s%s; 'faascast import' makes one of "
                         "other files",
                         r->t->path, name, near != NULL ? ", did you mean '" : "",
                         near != NULL ? near : "", near != NULL ? "'?" : "");
        }
        for (size_t k = 0; k < i; k++) {
            if (r->columns[k] == c) {
                return RAISE(err, ERR_INPUT, "%s: two columns '%s'", r->t->path, name);
            }
        }
        r->columns[i] = c;
    }
    r->n_columns = r->csv.n_fields;
    return STATUS_OK;
}

static enum status grow_rows(struct reader *r, struct error *err)
{
    r->capacity = r->capacity > 0 ? r->capacity * 2 : 4096;
    for (size_t i = 0; i < r->n_columns; i++) {
        const enum trace_column c = r->columns[i];
        void *const old = trace_column_is_text(c) ? (void *)r->t->text[c] : (void *)r->t->number[c];
        const size_t each = trace_column_is_text(c) ? sizeof(uint32_t) : sizeof(double);
        void *const grown = realloc(old, r->capacity * each);
        if (grown == NULL) {
            return RAISE(err, ERR_MEMORY, "no memory for the rows of %s", r->t->path);
        }
        if (trace_column_is_text(c)) {
            r->t->text[c] = grown;
        } else {
            r->t->number[c] = grown;
        }
    }
    return STATUS_OK;
}

static enum status read_number(const struct reader *r, const struct csv_field *f,
                               enum trace_column c, uint64_t line, double *out, struct error *err)
{
    char copy[64], *end = copy;
    *out = NAN;
    if (f->size == 0) {
        return STATUS_OK;
    }
    if (f->size < sizeof copy) {
        memcpy(copy, f->text, f->size);
        copy[f->size] = '\0';
        *out = strtod(copy, &end);
    }
    if (end == copy || *end != '\0' || !isfinite(*out)) {
        return RAISE(err, ERR_INPUT, "%s:%llu: %s is '%.*s', expected a number", r->t->path,
                     (unsigned long long)line, trace_column_name(c),
                     (int)(f->size < 40 ? f->size : 40), f->text);
    }
    return STATUS_OK;
}

static enum status read_rows(struct reader *r, struct error *err)
{
    struct trace *const t = r->t;
    for (;;) {
        struct line line;
        bool more;
        if (csv_next(&r->csv, &line, &more, err) != STATUS_OK || !more) {
            return err->code;
        }
        if (line.fault != NULL || r->csv.n_fields != r->n_columns) {
            return RAISE(err, ERR_INPUT, "%s:%llu: %s", t->path, (unsigned long long)line.number,
                         line.fault != NULL ? line.fault
                                            : "not as many fields as the header has columns");
        }
        if (t->n == r->capacity && grow_rows(r, err) != STATUS_OK) {
            return err->code;
        }
        for (size_t i = 0; i < r->n_columns; i++) {
            const enum trace_column c = r->columns[i];
            const struct csv_field *const f = &r->csv.fields[i];
            if (!trace_column_is_text(c)) {
                if (read_number(r, f, c, line.number, &t->number[c][t->n], err) != STATUS_OK) {
                    return err->code;
                }
            } else if (!label_id(r, f->text, f->size, &t->text[c][t->n])) {
                return RAISE(err, ERR_MEMORY, "no memory for the texts of %s", t->path);
            }
        }
        t->n++;
    }
}

enum status trace_load(const char *path, struct trace *out, struct error *err)
{
    *out = (struct trace){0};
    snprintf(out->path, sizeof out->path, "%s", path);
    struct reader r = {.t = out};
    uint32_t empty;
    if (source_open(path, &r.csv.source, err) != STATUS_OK) {
        return err->code;
    }
    source_hash(r.csv.source);
    if (!label_id(&r, "", 0, &empty)) {
        RAISE(err, ERR_MEMORY, "no memory to read %s", path);
    } else if (read_header(&r, err) == STATUS_OK && read_rows(&r, err) == STATUS_OK &&
               out->n == 0) {
        RAISE(err, ERR_INPUT, "%s: a header and no rows", path);
    }
    out->hash = source_hash(r.csv.source);
    source_close(r.csv.source);
    csv_reader_free(&r.csv);
    free(r.buckets);
    if (err->code != STATUS_OK) {
        trace_free(out);
    }
    return err->code;
}

void trace_free(struct trace *t)
{
    for (size_t c = 0; c < TRACE_COLUMNS; c++) {
        free(t->number[c]);
        free(t->text[c]);
    }
    for (size_t i = 0; i < t->n_labels; i++) {
        free(t->labels[i]);
    }
    free(t->labels);
    *t = (struct trace){0};
}

enum status trace_where(struct trace *t, const char *column, const char *value, struct error *err)
{
    const enum trace_column c = trace_column_find(column);
    if (c == TRACE_COLUMNS || (t->number[c] == NULL && t->text[c] == NULL)) {
        return RAISE(err, ERR_INPUT, "%s has no column '%s'", t->path, column);
    }
    char *end = NULL;
    const double wanted = strtod(value, &end);
    if (t->number[c] != NULL && (end == value || *end != '\0')) {
        return RAISE(err, ERR_USAGE, "%s=%s: expected a number", column, value);
    }
    size_t kept = 0;
    for (size_t i = 0; i < t->n; i++) {
        const bool keep = t->number[c] != NULL ? t->number[c][i] == wanted
                                               : strcmp(t->labels[t->text[c][i]], value) == 0;
        if (!keep) {
            continue;
        }
        for (size_t k = 0; k < TRACE_COLUMNS; k++) {
            if (t->number[k] != NULL) {
                t->number[k][kept] = t->number[k][i];
            }
            if (t->text[k] != NULL) {
                t->text[k][kept] = t->text[k][i];
            }
        }
        kept++;
    }
    if (kept == 0) {
        return RAISE(err, ERR_INPUT, "%s: no row with %s = %s", t->path, column, value);
    }
    t->n = kept;
    return STATUS_OK;
}
