/* Amazon S3 server access logs: one row per request.
 *
 * Fields are separated by single blanks; the time stands in brackets, the request line in quotes.
 * Format: Amazon S3 User Guide, "Amazon S3 server access log format". The fields behind the
 * turn-around time (referer, agent, version, TLS, and what later years appended) are not needed.
 */
#include "calibration/import/row.h"

#include <string.h>

enum field {
    OWNER,
    BUCKET,
    TIME,
    REMOTE,
    REQUESTER,
    REQUEST_ID,
    OPERATION,
    KEY,
    REQUEST,
    STATUS,
    ERROR,
    BYTES_SENT,
    OBJECT_SIZE,
    TOTAL_TIME,
    TURN_AROUND,
    FIELDS
};

struct slice {
    const char *s;
    size_t n;
};

/* Cut the fields apart; the number found. */
static size_t cut(const char *p, const char *const end, struct slice out[FIELDS])
{
    size_t found = 0;
    while (found < FIELDS && p < end) {
        const char *stop;
        if (*p == '[') {
            stop = memchr(p, ']', (size_t)(end - p));
            p++;
        } else if (*p == '"') {
            /* A quote inside the request is possible: it ends where a blank and a status follow. */
            stop = ++p;
            while (stop < end && !(*stop == '"' && (stop + 1 == end || stop[1] == ' '))) {
                stop++;
            }
            stop = stop == end ? NULL : stop;
        } else {
            stop = memchr(p, ' ', (size_t)(end - p));
            stop = stop == NULL ? end : stop;
        }
        if (stop == NULL) {
            break;
        }
        out[found++] = (struct slice){p, (size_t)(stop - p)};
        p = stop;
        p += p < end && *p != ' ' ? 1 : 0;
        p += p < end && *p == ' ' ? 1 : 0;
    }
    return found;
}

/* 06/Feb/2019:00:00:38 +0000 -> Unix seconds; false when it is none. */
static bool read_time(struct slice t, double *unix_s)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    if (t.n != 26 || t.s[2] != '/' || t.s[6] != '/' || t.s[11] != ':') {
        return false;
    }
    for (unsigned m = 0; m < 12; m++) {
        if (memcmp(months + m * 3, t.s + 3, 3) == 0) {
            char iso[26];
            snprintf(iso, sizeof iso, "%.4s-%02u-%.2sT%.8s%.3s:%.2s", t.s + 7, m + 1, t.s, t.s + 12,
                     t.s + 21, t.s + 24);
            return time_iso8601(iso, strlen(iso), unix_s) == 25;
        }
    }
    return false;
}

static const struct {
    const char *suffix, *op;
} operations[] = {
    {".GET.OBJECT", "get"},  {".PUT.OBJECT", "put"},   {".PUT.PART", "put"},
    {".POST.OBJECT", "put"}, {".HEAD.OBJECT", "head"}, {".DELETE.OBJECT", "delete"},
    {".GET.BUCKET", "list"}, {".COPY.OBJECT", "copy"}, {".COPY.PART", "copy"},
};

/* REST.GET.OBJECT -> get; what has no shorter name keeps its own. */
static struct slice operation(struct slice o)
{
    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++) {
        const size_t n = strlen(operations[i].suffix);
        if (o.n > n && memcmp(o.s + o.n - n, operations[i].suffix, n) == 0) {
            return (struct slice){operations[i].op, strlen(operations[i].op)};
        }
    }
    return o;
}

static bool optional(struct trace_row *r, enum trace_column column, struct slice f, int power)
{
    if (f.n == 1 && f.s[0] == '-') {
        return true;
    }
    return f.n > 0 && f.s[0] != '-' && trace_row_decimal(r, column, f.s, f.n, power);
}

/* NULL, or what is wrong with the line. */
static const char *read_record(struct trace_row *r, const char *p, size_t n, uint64_t number)
{
    struct slice f[FIELDS];
    const size_t found = cut(p, p + n, f);
    if (found < FIELDS) {
        return "fewer than the fifteen fields up to the turn-around time";
    }
    double unix_s;
    if (!read_time(f[TIME], &unix_s)) {
        return "no time like [06/Feb/2019:00:00:38 +0000] in the third field";
    }
    const struct slice op = operation(f[OPERATION]);
    const bool put = op.n == 3 && memcmp(op.s, "put", 3) == 0;
    if (f[STATUS].n != 3 && !(f[STATUS].n == 1 && f[STATUS].s[0] == '-')) {
        return "no HTTP status in the tenth field";
    }
    if (!optional(r, TRACE_size_bytes, f[put ? OBJECT_SIZE : BYTES_SENT], 0) ||
        !optional(r, TRACE_duration_s, f[TOTAL_TIME], -3) ||
        !optional(r, TRACE_first_byte_s, f[TURN_AROUND], -3)) {
        return "a size or a time that is not a number";
    }
    if (!trace_row_text(r, TRACE_op, op.s, op.n) ||
        !trace_row_text(r, TRACE_status, f[STATUS].s, f[STATUS].n)) {
        return "an operation or a status that is not text";
    }
    trace_row_text(r, TRACE_service, "s3", 2);
    trace_row_number(r, TRACE_time_s, unix_s);
    trace_row_number(r, TRACE_line, (double)number);
    return NULL;
}

static enum status s3_access_run(struct import *in, struct error *err)
{
    static const enum trace_column columns[] = {
        TRACE_service,    TRACE_op,           TRACE_time_s, TRACE_size_bytes,
        TRACE_duration_s, TRACE_first_byte_s, TRACE_status,
    };
    import_header(in, columns, sizeof columns / sizeof columns[0]);
    for (;;) {
        struct line line;
        bool more;
        const enum status code = source_next(in->source, &line, &more, err);
        if (code != STATUS_OK || !more) {
            return code;
        }
        if (line.size == 0 && line.fault == NULL) {
            in->report->other_lines++;
            continue;
        }
        trace_row_clear(&in->row);
        const char *const reason = line.fault != NULL
                                       ? line.fault
                                       : read_record(&in->row, line.text, line.size, line.number);
        if (reason != NULL) {
            import_bad(in, &line, reason);
        } else {
            import_row(in);
        }
    }
}

static int s3_access_guess(const char *text, size_t size)
{
    const char *const end = memchr(text, '\n', size);
    struct slice f[FIELDS];
    double unix_s;
    const char *const stop = end != NULL ? end : text + size;
    return cut(text, stop, f) == FIELDS && read_time(f[TIME], &unix_s) ? 2 : 0;
}

const struct importer s3_access_importer = {
    .name = "s3-access",
    .help = "Amazon S3 server access logs: one row per request",
    .guess = s3_access_guess,
    .run = s3_access_run,
};
