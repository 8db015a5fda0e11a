/* What the tests of imports share: bytes through an importer, and its trace read back. */
#ifndef TESTS_IMPORT_SUPPORT_H
#define TESTS_IMPORT_SUPPORT_H

#include "calibration/calibration.h"
#include "tests/support.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

struct seen {
    size_t count;
    uint64_t lines[64];
    char reasons[64][120];
};

static inline void remember(void *context, const struct bad_line *bad)
{
    struct seen *const s = context;
    if (s->count < 64) {
        s->lines[s->count] = bad->line;
        snprintf(s->reasons[s->count], sizeof s->reasons[0], "%s", bad->reason);
    }
    s->count++;
}

struct imported {
    struct import_report report;
    struct error err;
    enum status code;
    struct seen bad;
    struct table table; /* of the trace, when there is one */
    char *text;         /* a copy of it */
};

static inline struct imported import_bytes(const char *kind, const void *data, size_t size,
                                           const char *const *maps, size_t n_maps)
{
    struct imported r = {0};
    const struct import_options options = {
        .kind = kind, .maps = maps, .n_maps = n_maps, .bad_line = remember, .context = &r.bad};
    struct text out = {0};
    r.code = import_memory("input", data, size, &out, &options, &r.report, &r.err);
    if (r.code == STATUS_OK) {
        r.text = strdup(out.data);
        assert_ok(table_parse("trace", out.data, out.size, &r.table, &r.err), &r.err);
    } else {
        text_free(&out);
    }
    assert_int_equal(r.bad.count, r.report.bad_lines);
    return r;
}

static inline struct imported import_text(const char *kind, const char *text)
{
    return import_bytes(kind, text, strlen(text), NULL, 0);
}

static inline void imported_free(struct imported *r)
{
    if (r->code == STATUS_OK) {
        table_free(&r->table);
    }
    free(r->text);
}

static const char *cell(const struct imported *r, size_t row, const char *column)
{
    struct error err = {0};
    size_t c = 0;
    assert_ok(table_column(&r->table, column, &c, &err), &err);
    return table_cell(&r->table, row, c);
}

static inline double number(const struct imported *r, size_t row, const char *column)
{
    const char *const text = cell(r, row, column);
    return text[0] != '\0' ? strtod(text, NULL) : (double)NAN;
}

/* Not inlined: gcc 12 with -O3 takes its local for what the result points to, and warns. */
__attribute__((noinline)) static char *load(const char *path, size_t *size)
{
    struct error err = {0};
    char *data = NULL;
    assert_ok(file_read(path, 1 << 24, &data, size, &err), &err);
    return data;
}

#define REPORT_OK                                                                                  \
    "REPORT RequestId: a\tDuration: 1.5 ms\tBilled Duration: 2 ms\tMemory Size: 128 MB\n"

#endif
