/* Rows of a trace. Numbers are moved by powers of ten as text, so that a trace repeats the digits
 * of its source: 337.14 ms is 0.33714, never 0.33714000000000005.
 */
#include "calibration/import/row.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SINK_BUFFER = 1 << 18, NUMBER_ROOM = 64, MAX_DIGITS = 18 };

static const struct {
    const char *name, *meaning;
    bool is_text;
} columns[TRACE_COLUMNS] = {
#define TEXT true
#define NUMBER false
#define X(name, kind, meaning) {#name, meaning, kind},
    TRACE_LIST(X)
#undef X
#undef TEXT
#undef NUMBER
};

const char *trace_column_name(enum trace_column column)
{
    assert(column < TRACE_COLUMNS);
    return columns[column].name;
}

const char *trace_column_meaning(enum trace_column column)
{
    assert(column < TRACE_COLUMNS);
    return columns[column].meaning;
}

bool trace_column_is_text(enum trace_column column)
{
    assert(column < TRACE_COLUMNS);
    return columns[column].is_text;
}

enum trace_column trace_column_find(const char *name)
{
    for (size_t i = 0; i < TRACE_COLUMNS; i++) {
        if (strcmp(columns[i].name, name) == 0) {
            return (enum trace_column)i;
        }
    }
    return TRACE_COLUMNS;
}

void trace_row_clear(struct trace_row *r)
{
    memset(r->at, 0, sizeof r->at);
    r->used = 0;
}

/* UTF-8 without control bytes (RFC 3629); overlong forms and surrogates are refused. */
static bool printable_utf8(const char *text, size_t size)
{
    const unsigned char *p = (const unsigned char *)text, *const end = p + size;
    while (p < end) {
        if (*p < 0x80) {
            if (*p < 0x20 || *p == 0x7f) {
                return false;
            }
            p++;
            continue;
        }
        const size_t more = *p >= 0xf0 && *p <= 0xf4 ? 3 : *p >= 0xe0 ? 2 : *p >= 0xc2 ? 1 : 0;
        if (more == 0 || *p > 0xf4 || (size_t)(end - p) <= more) {
            return false;
        }
        if ((*p == 0xe0 && p[1] < 0xa0) || (*p == 0xed && p[1] > 0x9f) ||
            (*p == 0xf0 && p[1] < 0x90) || (*p == 0xf4 && p[1] > 0x8f)) {
            return false;
        }
        for (size_t i = 1; i <= more; i++) {
            if ((p[i] & 0xc0) != 0x80) {
                return false;
            }
        }
        p += more + 1;
    }
    return true;
}

bool trace_row_text(struct trace_row *r, enum trace_column column, const char *text, size_t size)
{
    if (!printable_utf8(text, size)) {
        return false;
    }
    r->at[column].text = text;
    r->at[column].size = size;
    return true;
}

/* Digits without point, and the power of ten of the last one. */
struct decimal {
    bool negative;
    uint64_t digits;
    long power;
};

static bool decimal_read(const char *s, size_t n, struct decimal *out, bool *exact)
{
    size_t i = 0, seen = 0;
    *out = (struct decimal){0};
    *exact = true;
    if (i < n && (s[i] == '-' || s[i] == '+')) {
        out->negative = s[i++] == '-';
    }
    bool point = false;
    for (; i < n && ((s[i] >= '0' && s[i] <= '9') || (s[i] == '.' && !point)); i++) {
        if (s[i] == '.') {
            point = true;
            continue;
        }
        seen++;
        if (out->digits >= UINT64_C(100000000000000000)) { /* 18 digits are full */
            *exact = *exact && s[i] == '0';
            out->power += point ? 0 : 1;
            continue;
        }
        out->digits = out->digits * 10 + (uint64_t)(s[i] - '0');
        out->power -= point ? 1 : 0;
    }
    if (seen == 0) {
        return false;
    }
    if (i < n && (s[i] == 'e' || s[i] == 'E')) {
        i++;
        bool minus = false;
        if (i < n && (s[i] == '-' || s[i] == '+')) {
            minus = s[i++] == '-';
        }
        const size_t first = i;
        long power = 0;
        for (; i < n && s[i] >= '0' && s[i] <= '9'; i++) {
            power = power < 100000 ? power * 10 + (s[i] - '0') : power;
        }
        if (i == first) {
            return false;
        }
        out->power += minus ? -power : power;
    }
    return i == n;
}

static size_t decimal_write(const struct decimal *d, char *out)
{
    char digits[24];
    size_t n = 0, used = 0;
    uint64_t v = d->digits;
    long power = d->power;
    if (v == 0) {
        out[0] = '0';
        return 1;
    }
    while (v % 10 == 0) {
        v /= 10;
        power++;
    }
    for (; v > 0; v /= 10) {
        digits[n++] = (char)('0' + v % 10);
    }
    if (d->negative) {
        out[used++] = '-';
    }
    if (power > 8 || power + (long)n < -8) { /* far from 1: 2.5e12 */
        out[used++] = digits[--n];
        const long exponent = power + (long)n;
        if (n > 0) {
            out[used++] = '.';
        }
        while (n > 0) {
            out[used++] = digits[--n];
        }
        return used + (size_t)sprintf(out + used, "e%+03ld", exponent);
    }
    if (power + (long)n <= 0) {
        out[used++] = '0';
        out[used++] = '.';
        for (long i = power + (long)n; i < 0; i++) {
            out[used++] = '0';
        }
        while (n > 0) {
            out[used++] = digits[--n];
        }
        return used;
    }
    while (n > 0) {
        if ((long)n == -power) {
            out[used++] = '.';
        }
        out[used++] = digits[--n];
    }
    for (long i = 0; i < power; i++) {
        out[used++] = '0';
    }
    return used;
}

bool trace_row_decimal(struct trace_row *r, enum trace_column column, const char *text, size_t size,
                       int power)
{
    struct decimal d;
    bool exact;
    if (!decimal_read(text, size, &d, &exact)) {
        return false;
    }
    if (!exact) { /* more than eighteen digits say less than a double holds */
        char copy[NUMBER_ROOM];
        const size_t n = size < sizeof copy - 1 ? size : sizeof copy - 1;
        memcpy(copy, text, n);
        copy[n] = '\0';
        return size <= n && trace_row_number(r, column, strtod(copy, NULL) * pow(10, power));
    }
    d.power += power;
    if (d.digits != 0 && (d.power > 280 || d.power < -320)) {
        return false;
    }
    char *const to = r->scratch + r->used;
    r->at[column].text = to;
    r->at[column].size = decimal_write(&d, to);
    r->used += r->at[column].size;
    assert(r->used <= sizeof r->scratch);
    return true;
}

bool trace_row_number(struct trace_row *r, enum trace_column column, double value)
{
    if (!isfinite(value)) {
        return false;
    }
    if (value == floor(value) && fabs(value) < 1e15) { /* the common case, and a quick one */
        const struct decimal whole = {.negative = value < 0, .digits = (uint64_t)fabs(value)};
        char *const to = r->scratch + r->used;
        r->at[column].text = to;
        r->at[column].size = decimal_write(&whole, to);
        r->used += r->at[column].size;
        return true;
    }
    struct text t = {0};
    text_number(&t, value);
    if (t.failed) {
        text_free(&t);
        return false;
    }
    char *const to = r->scratch + r->used;
    memcpy(to, t.data, t.size);
    r->at[column].text = to;
    r->at[column].size = t.size;
    r->used += t.size;
    text_free(&t);
    assert(r->used <= sizeof r->scratch);
    return true;
}

static void sink_flush(struct sink *k)
{
    if (k->file != NULL) {
        k->failed = k->failed || fwrite(k->buffer, 1, k->used, k->file) != k->used;
    } else {
        text_append(k->text, k->buffer, k->used);
        k->failed = k->failed || k->text->failed;
    }
    k->used = 0;
}

double trace_row_value(const struct trace_row *r, enum trace_column column)
{
    char copy[NUMBER_ROOM];
    const size_t n = r->at[column].size;
    if (n == 0 || n >= sizeof copy) {
        return NAN;
    }
    memcpy(copy, r->at[column].text, n);
    copy[n] = '\0';
    return strtod(copy, NULL);
}

bool sink_start(struct sink *k)
{
    k->buffer = malloc(SINK_BUFFER);
    return k->buffer != NULL;
}

bool sink_finish(struct sink *k)
{
    if (k->buffer != NULL) {
        sink_flush(k);
    }
    free(k->buffer);
    k->buffer = NULL;
    return !k->failed;
}

static void sink_put(struct sink *k, const char *s, size_t n)
{
    while (n > 0) {
        if (k->used == SINK_BUFFER) {
            sink_flush(k);
        }
        const size_t room = SINK_BUFFER - k->used, part = n < room ? n : room;
        memcpy(k->buffer + k->used, s, part);
        k->used += part;
        s += part;
        n -= part;
    }
}

static void sink_field(struct sink *k, const char *s, size_t n)
{
    bool quote = false;
    for (size_t i = 0; i < n && !quote; i++) {
        quote = s[i] == '"' || s[i] == ',' || s[i] == '\n' || s[i] == '\r';
    }
    if (!quote) {
        sink_put(k, s, n);
        return;
    }
    sink_put(k, "\"", 1);
    for (size_t i = 0; i < n; i++) {
        sink_put(k, s[i] == '"' ? "\"\"" : s + i, s[i] == '"' ? 2 : 1);
    }
    sink_put(k, "\"", 1);
}

void import_header(struct import *in, const enum trace_column *list, size_t count)
{
    struct sink *const k = in->sink;
    for (size_t i = 0; i < count; i++) {
        k->present[list[i]] = true;
    }
    k->present[TRACE_run] = k->present[TRACE_run] || in->options->run != NULL;
    k->present[TRACE_line] = true;
    bool first = true;
    for (size_t c = 0; c < TRACE_COLUMNS; c++) {
        if (k->present[c]) {
            sink_put(k, ",", first ? 0 : 1);
            sink_put(k, columns[c].name, strlen(columns[c].name));
            first = false;
        }
    }
    sink_put(k, "\n", 1);
}

void import_row(struct import *in)
{
    struct sink *const k = in->sink;
    struct trace_row *const r = &in->row;
    if (in->options->run != NULL && r->at[TRACE_run].size == 0) {
        r->at[TRACE_run].text = in->options->run;
        r->at[TRACE_run].size = strlen(in->options->run);
    }
    bool first = true;
    for (size_t c = 0; c < TRACE_COLUMNS; c++) {
        if (k->present[c]) {
            sink_put(k, ",", first ? 0 : 1);
            if (columns[c].is_text) {
                sink_field(k, r->at[c].text, r->at[c].size);
            } else {
                sink_put(k, r->at[c].text, r->at[c].size);
            }
            first = false;
        }
    }
    sink_put(k, "\n", 1);
    in->report->rows++;
    if (SINK_BUFFER - k->used < 4096) {
        sink_flush(k);
    }
    trace_row_clear(r);
}

void import_bad(struct import *in, const struct line *line, const char *reason)
{
    in->report->bad_lines++;
    if (in->options->bad_line == NULL) {
        return;
    }
    char shown[81];
    size_t n = line->size < sizeof shown - 1 ? line->size : sizeof shown - 1;
    for (size_t i = 0; i < n; i++) {
        shown[i] = line->text[i] >= 0x20 && line->text[i] < 0x7f ? line->text[i] : '.';
    }
    shown[n] = '\0';
    const struct bad_line bad = {.line = line->number, .reason = reason, .text = shown};
    in->options->bad_line(in->options->context, &bad);
}
