/* Plain CSV: columns named as in the trace, or mapped to it with --map column=name.
 *
 * A trace column may be named with another unit of the same quantity (duration_ms, size_mib,
 * memory_mb); times and decimal sizes are moved by powers of ten, binary sizes multiplied.
 */
#include "calibration/import/csv.h"

#include "calibration/import/csv_reader.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct target {
    enum trace_column column; /* TRACE_COLUMNS: not wanted */
    int power;                /* of ten */
    double factor;            /* 1 unless the unit is binary */
};

/* Endings of a name, and what turns them into the trace's unit. MB of memory are MiB on every
 * platform, so memory_mb keeps its number. */
static const struct {
    const char *ending, *unit;
    int power;
    double factor;
} units[] = {
    {"_ms", "_s", -3, 1},
    {"_us", "_s", -6, 1},
    {"_ns", "_s", -9, 1},
    {"_kb", "_bytes", 3, 1},
    {"_mb", "_bytes", 6, 1},
    {"_gb", "_bytes", 9, 1},
    {"_kib", "_bytes", 0, 1024.0},
    {"_mib", "_bytes", 0, 1048576},
    {"_gib", "_bytes", 0, 1073741824},
    {"_mb", "_mib", 0, 1},
    {"_gb", "_mib", 0, 1024},
    {"_gib", "_mib", 0, 1024},
};

static struct target target_find(const char *name)
{
    struct target t = {.column = trace_column_find(name), .factor = 1};
    const size_t size = strlen(name);
    for (size_t i = 0; t.column == TRACE_COLUMNS && i < sizeof units / sizeof units[0]; i++) {
        const size_t ending = strlen(units[i].ending);
        char other[64];
        if (size > ending && size < 48 && strcmp(name + size - ending, units[i].ending) == 0) {
            snprintf(other, sizeof other, "%.*s%s", (int)(size - ending), name, units[i].unit);
            t.column = trace_column_find(other);
            t.power = units[i].power;
            t.factor = units[i].factor;
        }
    }
    return t;
}

static const char *nearest_column(const char *name)
{
    const char *names[TRACE_COLUMNS];
    for (size_t i = 0; i < TRACE_COLUMNS; i++) {
        names[i] = trace_column_name((enum trace_column)i);
    }
    return nearest_name(name, names, TRACE_COLUMNS);
}

struct csv {
    struct csv_reader reader;
    struct target *targets; /* one per column of the file */
    char **headers;
    size_t n_columns;
};

static size_t header_find(const struct csv *c, const char *name, size_t size)
{
    for (size_t i = 0; i < c->n_columns; i++) {
        if (strlen(c->headers[i]) == size && memcmp(c->headers[i], name, size) == 0) {
            return i;
        }
    }
    return c->n_columns;
}

/* Apply "column=name"; `required` says whether the column must be there. */
static enum status map_apply(struct csv *c, const char *map, bool required, struct error *err)
{
    const char *const equals = strrchr(map, '=');
    if (equals == NULL || equals == map || equals[1] == '\0') {
        return RAISE(err, ERR_USAGE, "map '%s': expected column=name", map);
    }
    const size_t i = header_find(c, map, (size_t)(equals - map));
    if (i == c->n_columns) {
        if (!required) {
            return STATUS_OK;
        }
        char wanted[128];
        snprintf(wanted, sizeof wanted, "%.*s", (int)(equals - map), map);
        const char *const near =
            nearest_name(wanted, (const char *const *)c->headers, c->n_columns);
        return RAISE(err, ERR_INPUT, "'%s' has no column '%s'%s%s%s", source_name(c->reader.source),
                     wanted, near != NULL ? "; did you mean '" : "", near != NULL ? near : "",
                     near != NULL ? "'?" : "");
    }
    const struct target t = target_find(equals + 1);
    if (t.column == TRACE_COLUMNS || t.column == TRACE_line) {
        const char *const near = nearest_column(equals + 1);
        return RAISE(err, ERR_USAGE, "map '%s': '%s' is no column of a trace%s%s%s", map,
                     equals + 1, near != NULL ? "; did you mean '" : "", near != NULL ? near : "",
                     near != NULL ? "'?" : "");
    }
    for (size_t k = 0; required && k < c->n_columns; k++) { /* a map overrides a like name */
        if (c->targets[k].column == t.column) {
            c->targets[k].column = TRACE_COLUMNS;
        }
    }
    c->targets[i] = t;
    return STATUS_OK;
}

static enum status read_header(struct csv *c, struct import *in, const char *const *maps,
                               size_t n_maps, struct error *err)
{
    struct line line;
    bool more;
    enum status code = csv_next(&c->reader, &line, &more, err);
    if (code != STATUS_OK) {
        return code;
    }
    if (!more || line.fault != NULL) {
        return RAISE(err, ERR_INPUT, "'%s': expected a header line with column names, found %s",
                     source_name(in->source), more ? line.fault : "nothing");
    }
    in->report->other_lines++;
    const size_t n = c->reader.n_fields;
    c->targets = calloc(n, sizeof *c->targets);
    c->headers = calloc(n, sizeof *c->headers);
    if (c->targets == NULL || c->headers == NULL) {
        return RAISE(err, ERR_MEMORY, "no memory for %zu columns", n);
    }
    c->n_columns = n;
    for (size_t i = 0; i < n; i++) {
        const struct csv_field f = c->reader.fields[i];
        c->headers[i] = strndup(f.text, f.size);
        if (c->headers[i] == NULL) {
            return RAISE(err, ERR_MEMORY, "no memory for %zu columns", n);
        }
        c->targets[i] = target_find(c->headers[i]);
        if (c->targets[i].column == TRACE_line) {
            c->targets[i].column = TRACE_COLUMNS; /* the trace tells the lines of this file */
        }
    }
    for (size_t i = 0; i < n_maps; i++) {
        if ((code = map_apply(c, maps[i], false, err)) != STATUS_OK) {
            return code;
        }
    }
    for (size_t i = 0; i < in->options->n_maps; i++) {
        if ((code = map_apply(c, in->options->maps[i], true, err)) != STATUS_OK) {
            return code;
        }
    }
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < i; k++) {
            if (c->targets[i].column != TRACE_COLUMNS &&
                c->targets[i].column == c->targets[k].column) {
                return RAISE(err, ERR_INPUT, "'%s': columns '%s' and '%s' are both %s",
                             source_name(in->source), c->headers[k], c->headers[i],
                             trace_column_name(c->targets[i].column));
            }
        }
    }
    return STATUS_OK;
}

/* true/false of other tools are 1/0 here. */
static bool truth(const char *text, size_t size, const char **digit)
{
    static const char *const words[][2] = {
        {"true", "1"}, {"True", "1"}, {"TRUE", "1"}, {"false", "0"}, {"False", "0"}, {"FALSE", "0"},
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strlen(words[i][0]) == size && memcmp(words[i][0], text, size) == 0) {
            *digit = words[i][1];
            return true;
        }
    }
    return false;
}

static const char *read_field(struct trace_row *r, struct target t, const char *text, size_t size)
{
    if (trace_column_is_text(t.column)) {
        return trace_row_text(r, t.column, text, size) ? NULL
                                                       : "a field that is not printable UTF-8";
    }
    const char *digit;
    if (t.column == TRACE_cold && truth(text, size, &digit)) {
        trace_row_text(r, t.column, digit, 1);
        return NULL;
    }
    while (size > 0 && (text[0] == ' ' || text[0] == '\t')) {
        text++;
        size--;
    }
    while (size > 0 && (text[size - 1] == ' ' || text[size - 1] == '\t')) {
        size--;
    }
    if (size == 0) {
        return NULL;
    }
    bool good;
    if (t.factor != 1) {
        char copy[64], *end = copy;
        const bool fits = size < sizeof copy;
        snprintf(copy, sizeof copy, "%.*s", (int)(fits ? size : 0), text);
        /* The decimal reader decides what a number is; strtod would also take hexadecimal. */
        good = fits && trace_row_decimal(r, t.column, text, size, 0) &&
               trace_row_number(r, t.column, strtod(copy, &end) * t.factor);
    } else {
        good = trace_row_decimal(r, t.column, text, size, t.power);
    }
    return good ? NULL : "a field that is not a number";
}

static enum status constants_check(const struct import *in, struct csv *c,
                                   bool wanted[TRACE_COLUMNS], struct error *err)
{
    for (size_t i = 0; i < in->options->n_constants; i++) {
        const char *const given = in->options->constants[i];
        const char *const equals = strchr(given, '=');
        char name[64] = "";
        if (equals != NULL && (size_t)(equals - given) < sizeof name) {
            snprintf(name, sizeof name, "%.*s", (int)(equals - given), given);
        }
        const enum trace_column column = trace_column_find(name);
        if (column == TRACE_COLUMNS || column == TRACE_line) {
            const char *const near = nearest_column(name);
            return RAISE(err, ERR_USAGE,
                         "constant '%s': expected name=value with a trace column%s%s%s", given,
                         near != NULL ? "; did you mean '" : "", near != NULL ? near : "",
                         near != NULL ? "'?" : "");
        }
        struct trace_row probe;
        trace_row_clear(&probe);
        const struct target t = {.column = column, .factor = 1};
        if (equals[1] == '\0' || read_field(&probe, t, equals + 1, strlen(equals + 1)) != NULL) {
            return RAISE(err, ERR_USAGE, "constant '%s': not a value for %s", given, name);
        }
        for (size_t k = 0; k < c->n_columns; k++) {
            if (c->targets[k].column == column) {
                return RAISE(err, ERR_USAGE, "constant '%s': the file has a column '%s' for it",
                             given, c->headers[k]);
            }
        }
        wanted[column] = true;
    }
    return STATUS_OK;
}

static enum status read_rows(struct csv *c, struct import *in, struct error *err)
{
    for (;;) {
        struct line line;
        bool more;
        const enum status code = csv_next(&c->reader, &line, &more, err);
        if (code != STATUS_OK || !more) {
            return code;
        }
        const char *reason = line.fault;
        if (reason == NULL && c->reader.n_fields != c->n_columns) {
            reason = c->reader.n_fields < c->n_columns ? "fewer fields than the header has columns"
                                                       : "more fields than the header has columns";
        }
        trace_row_clear(&in->row);
        bool any = false;
        for (size_t i = 0; reason == NULL && i < c->n_columns; i++) {
            if (c->targets[i].column != TRACE_COLUMNS) {
                const struct csv_field f = c->reader.fields[i];
                reason = read_field(&in->row, c->targets[i], f.text, f.size);
                any = any || f.size > 0;
            }
        }
        for (size_t i = 0; reason == NULL && i < in->options->n_constants; i++) {
            const char *const equals = strchr(in->options->constants[i], '=');
            char name[64];
            snprintf(name, sizeof name, "%.*s", (int)(equals - in->options->constants[i]),
                     in->options->constants[i]);
            const struct target t = {.column = trace_column_find(name), .factor = 1};
            reason = read_field(&in->row, t, equals + 1, strlen(equals + 1));
        }
        if (reason == NULL && !any) {
            reason = "no value in any mapped column";
        }
        if (reason != NULL) {
            import_bad(in, &line, reason);
            continue;
        }
        trace_row_number(&in->row, TRACE_line, (double)line.number);
        import_row(in);
    }
}

enum status csv_import(struct import *in, const char *const *maps, size_t n_maps, struct error *err)
{
    struct csv c = {.reader = {.source = in->source}};
    bool wanted[TRACE_COLUMNS] = {false};
    enum trace_column columns[TRACE_COLUMNS];
    size_t count = 0, mapped = 0;
    enum status code = read_header(&c, in, maps, n_maps, err);
    for (size_t i = 0; code == STATUS_OK && i < c.n_columns; i++) {
        if (c.targets[i].column != TRACE_COLUMNS) {
            wanted[c.targets[i].column] = true;
            mapped++;
        }
    }
    if (code == STATUS_OK && mapped == 0) {
        code = RAISE(err, ERR_INPUT,
                     "'%s': none of its columns ('%s', ...) is named like a column of a trace; "
                     "say which is which with --map column=name",
                     source_name(in->source), c.headers[0]);
    }
    if (code == STATUS_OK) {
        code = constants_check(in, &c, wanted, err);
    }
    if (code == STATUS_OK) {
        for (size_t k = 0; k < TRACE_COLUMNS; k++) {
            if (wanted[k]) {
                columns[count++] = (enum trace_column)k;
            }
        }
        import_header(in, columns, count);
        code = read_rows(&c, in, err);
    }
    for (size_t i = 0; i < c.n_columns; i++) {
        free(c.headers[i]);
    }
    free(c.headers);
    free(c.targets);
    csv_reader_free(&c.reader);
    return code;
}

static enum status csv_run(struct import *in, struct error *err)
{
    return csv_import(in, NULL, 0, err);
}

/* A header with at least two trace columns. */
static int csv_guess(const char *text, size_t size)
{
    const char *const end = memchr(text, '\n', size);
    const char *p = text, *const stop = end != NULL ? end : text + size;
    int found = 0;
    while (p < stop) {
        const char *comma = memchr(p, ',', (size_t)(stop - p));
        comma = comma != NULL ? comma : stop;
        char name[64];
        size_t n = (size_t)(comma - p);
        n -= n > 0 && p[n - 1] == '\r' ? 1 : 0;
        if (n < sizeof name) {
            memcpy(name, p, n);
            name[n] = '\0';
            found += target_find(name).column != TRACE_COLUMNS ? 1 : 0;
        }
        p = comma + 1;
    }
    return found >= 2 ? 1 : 0;
}

const struct importer csv_importer = {
    .name = "csv",
    .help = "plain CSV with a header; --map column=name names columns after the trace's",
    .guess = csv_guess,
    .run = csv_run,
};
