/* CloudWatch logs of AWS Lambda: one row per REPORT line, of every era.
 *
 *   REPORT RequestId: 4700c02a-...  Duration: 3122.27 ms  Billed Duration: 3200 ms  Memory Size:
 * ...
 *
 * Fields are "label: value unit" between tabs or runs of blanks; old lines have no Init Duration
 * (before 2019) and bill multiples of 100 ms (before December 2020). Lines may begin with the time
 * or the stream that `aws logs tail`, `sam logs` and exports to S3 put there, or be the JSON events
 * of Lambda's own JSON log format (platform.report). Everything else, what the application wrote
 * included, is counted and passed by.
 */
#include "calibration/import/row.h"

#include <math.h>
#include <string.h>

/* Until December 2020 bills were multiples of 100 ms. Within that era nothing tells a cold start
 * until the first Init Duration is seen; afterwards every cold start prints one. */
enum era { ERA_UNKNOWN, ERA_100_MS, ERA_1_MS };

struct state {
    struct import *in;
    enum era era;  /* of the last line that left no doubt */
    bool old_init; /* an Init Duration was seen in the 100 ms era */
};

static bool begins(const char *s, size_t n, const char *word)
{
    const size_t size = strlen(word);
    return n >= size && memcmp(s, word, size) == 0;
}

static bool blank(char c)
{
    return c == ' ' || c == '\t';
}

/* A token before the message that log tools add: a time, a stream name, Unix milliseconds. */
static size_t prefix_token(const char *s, size_t n, double *unix_s)
{
    const size_t iso = time_iso8601(s, n, unix_s);
    if (iso > 0) {
        return iso;
    }
    size_t size = 0;
    while (size < n && !blank(s[size])) {
        size++;
    }
    if (size >= 10 && s[4] == '/' && memchr(s, '[', size) != NULL && memchr(s, ']', size) != NULL) {
        return size; /* 2024/03/13/[$LATEST]0a1b... */
    }
    double ms = 0;
    for (size_t i = 0; i < size; i++) {
        if (s[i] < '0' || s[i] > '9') {
            return 0;
        }
        ms = ms * 10 + (s[i] - '0');
    }
    if (size != 13) {
        return 0;
    }
    *unix_s = ms / 1000;
    return size;
}

/* X(label, column, power of ten to the trace's unit, unit printed) */
#define FIELD_LIST(X)                                                                              \
    X("Duration", duration_s, -3, "ms")                                                            \
    X("Billed Duration", billed_s, -3, "ms")                                                       \
    X("Memory Size", memory_mib, 0, "MB")                                                          \
    X("Max Memory Used", max_memory_used_mib, 0, "MB")                                             \
    X("Init Duration", init_s, -3, "ms")                                                           \
    X("Restore Duration", restore_s, -3, "ms")                                                     \
    X("Billed Restore Duration", billed_restore_s, -3, "ms")                                       \
    X("Status", status, 0, NULL)

static const struct field {
    const char *label;
    size_t size;
    enum trace_column column;
    int power;
    const char *unit;
} fields[] = {
#define X(label, column, power, unit) {label, sizeof label - 1, TRACE_##column, power, unit},
    FIELD_LIST(X)
#undef X
};
enum { FIELDS = sizeof fields / sizeof fields[0] };

static const struct field *field_find(const char *label, size_t size)
{
    for (size_t i = 0; i < FIELDS; i++) {
        if (fields[i].size == size && memcmp(fields[i].label, label, size) == 0) {
            return &fields[i];
        }
    }
    return NULL;
}

/* "Duration: 337.14 ms	Billed Duration: ..." into the row; NULL or the reason why not. */
static const char *read_fields(struct trace_row *r, const char *p, const char *const end)
{
    for (;;) {
        while (p < end && blank(*p)) {
            p++;
        }
        if (p == end) {
            return NULL;
        }
        const char *const colon = memchr(p, ':', (size_t)(end - p));
        if (colon == NULL) {
            return "REPORT ends inside a field: expected 'label: value'";
        }
        const struct field *const f = field_find(p, (size_t)(colon - p));
        const char *value = colon + 1;
        while (value < end && blank(*value)) {
            value++;
        }
        const char *stop = value;
        while (stop < end && !blank(*stop)) {
            stop++;
        }
        p = stop;
        if (f == NULL) { /* XRAY TraceId, Error Type and what may come: up to the next tab */
            const char *const tab = memchr(stop, '\t', (size_t)(end - stop));
            p = tab != NULL ? tab : stop;
            continue;
        }
        if (r->at[f->column].text != NULL) {
            return "REPORT with the same field twice";
        }
        if (f->unit == NULL) {
            if (!trace_row_text(r, f->column, value, (size_t)(stop - value))) {
                return "REPORT with a status that is not text";
            }
            continue;
        }
        if (stop == value || *value == '-' ||
            !trace_row_decimal(r, f->column, value, (size_t)(stop - value), f->power)) {
            return "REPORT with a value that is not a number";
        }
        while (p < end && blank(*p)) {
            p++;
        }
        if (!begins(p, (size_t)(end - p), f->unit) || (end - p > 2 && !blank(p[2]))) {
            return "REPORT without the unit: expected 'ms' for times and 'MB' for memory";
        }
        p += strlen(f->unit);
    }
}

static void finish_row(struct state *s, const struct line *line, double unix_s)
{
    struct trace_row *const r = &s->in->row;
    const enum trace_column needed[] = {TRACE_duration_s, TRACE_billed_s, TRACE_memory_mib};
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++) {
        if (r->at[needed[i]].text == NULL) {
            import_bad(s->in, line, "REPORT without one of Duration, Billed Duration, Memory Size");
            return;
        }
    }
    const bool cold = r->at[TRACE_init_s].text != NULL || r->at[TRACE_restore_s].text != NULL;
    const double billed_ms = trace_row_value(r, TRACE_billed_s) * 1e3;
    if (fabs(remainder(billed_ms, 100)) > 0.5) {
        s->era = ERA_1_MS;
    } else if (billed_ms - trace_row_value(r, TRACE_duration_s) * 1e3 >= 1 && !cold) {
        s->era = ERA_100_MS;
    }
    s->old_init = s->old_init || (cold && s->era == ERA_100_MS);
    if (cold || s->era == ERA_1_MS || (s->era == ERA_100_MS && s->old_init)) {
        trace_row_text(r, TRACE_cold, cold ? "1" : "0", 1);
    }
    if (unix_s > 0) {
        trace_row_number(r, TRACE_time_s, unix_s);
    }
    trace_row_text(r, TRACE_service, "lambda", 6);
    trace_row_text(r, TRACE_op, "invoke", 6);
    trace_row_number(r, TRACE_line, (double)line->number);
    import_row(s->in);
}

static void read_report(struct state *s, const struct line *line, const char *p, const char *end,
                        double unix_s)
{
    while (p < end && blank(*p)) {
        p++;
    }
    const char *const id = p;
    while (p < end && !blank(*p)) {
        p++;
    }
    const char *reason = p == id ? "REPORT without a request id" : NULL;
    if (reason == NULL) {
        reason = read_fields(&s->in->row, p, end);
    }
    if (reason != NULL) {
        import_bad(s->in, line, reason);
        return;
    }
    finish_row(s, line, unix_s);
}

/* {"time":"...","type":"platform.report","record":{"metrics":{"durationMs":...}}} */
static void read_json(struct state *s, const struct line *line)
{
    static const struct {
        const char *key;
        enum trace_column column;
        int power;
    } metrics[] = {
        {"durationMs", TRACE_duration_s, -3},
        {"billedDurationMs", TRACE_billed_s, -3},
        {"memorySizeMB", TRACE_memory_mib, 0},
        {"maxMemoryUsedMB", TRACE_max_memory_used_mib, 0},
        {"initDurationMs", TRACE_init_s, -3},
        {"restoreDurationMs", TRACE_restore_s, -3},
        {"billedRestoreDurationMs", TRACE_billed_restore_s, -3},
    };
    struct arena a = {0};
    struct error err = {0};
    struct json *root = NULL;
    if (json_parse(&a, "line", line->text, line->size, &root, &err) != STATUS_OK) {
        import_bad(s->in, line, "not valid JSON in a platform event");
        arena_free(&a);
        return;
    }
    double unix_s = 0;
    const struct json *const time = json_pointer(root, "/time");
    if (time != NULL && time->kind == JSON_STRING) {
        time_iso8601(time->text, strlen(time->text), &unix_s);
    }
    const char *reason = NULL;
    const struct json *const m = json_pointer(root, "/record/metrics");
    for (size_t i = 0; m != NULL && i < sizeof metrics / sizeof metrics[0]; i++) {
        const struct json *const v = json_member(m, metrics[i].key);
        if (v != NULL && (v->kind != JSON_NUMBER || v->number < 0 ||
                          !trace_row_decimal(&s->in->row, metrics[i].column, v->text,
                                             strlen(v->text), metrics[i].power))) {
            reason = "platform.report with a metric that is not a number";
        }
    }
    const struct json *const status = json_pointer(root, "/record/status");
    if (status != NULL &&
        (status->kind != JSON_STRING ||
         !trace_row_text(&s->in->row, TRACE_status, status->text, strlen(status->text)))) {
        reason = "platform.report with a status that is not text";
    }
    if (reason != NULL) {
        import_bad(s->in, line, reason);
    } else {
        finish_row(s, line, unix_s);
    }
    arena_free(&a);
}

static bool find(const char *s, size_t n, const char *needle)
{
    const size_t size = strlen(needle);
    const char *p = s;
    while ((size_t)(s + n - p) >= size &&
           (p = memchr(p, needle[0], (size_t)(s + n - p) - size + 1)) != NULL) {
        if (memcmp(p, needle, size) == 0) {
            return true;
        }
        p++;
    }
    return false;
}

static void read_line(struct state *s, const struct line *line)
{
    if (line->fault != NULL) {
        import_bad(s->in, line, line->fault);
        return;
    }
    const char *p = line->text, *const end = p + line->size;
    double unix_s = 0;
    for (int tokens = 0; tokens < 3 && p < end; tokens++) {
        /* Only digits begin a prefix, and nothing is read where the message begins. */
        const size_t n = *p >= '0' && *p <= '9' ? prefix_token(p, (size_t)(end - p), &unix_s) : 0;
        if (n == 0) {
            break;
        }
        p += n;
        while (p < end && blank(*p)) {
            p++;
        }
    }
    const size_t left = (size_t)(end - p);
    if (begins(p, left, "REPORT RequestId:")) {
        trace_row_clear(&s->in->row);
        read_report(s, line, p + strlen("REPORT RequestId:"), end, unix_s);
        return;
    }
    if (left > 0 && *p == '{' && find(p, left, "\"platform.report\"")) {
        const struct line event = {.text = p, .size = left, .number = line->number};
        trace_row_clear(&s->in->row);
        read_json(s, &event);
        return;
    }
    if (begins(p, left, "REPORT") && (left == 6 || blank(p[6]))) {
        import_bad(s->in, line, "REPORT without 'RequestId:'");
        return;
    }
    s->in->report->other_lines++; /* START, END, INIT_START, XRAY, what the application wrote */
}

static enum status cloudwatch_run(struct import *in, struct error *err)
{
    static const enum trace_column columns[] = {
        TRACE_service,
        TRACE_op,
        TRACE_time_s,
        TRACE_memory_mib,
        TRACE_duration_s,
        TRACE_billed_s,
        TRACE_init_s,
        TRACE_restore_s,
        TRACE_billed_restore_s,
        TRACE_max_memory_used_mib,
        TRACE_cold,
        TRACE_status,
    };
    import_header(in, columns, sizeof columns / sizeof columns[0]);
    struct state s = {.in = in};
    struct line line;
    bool more = true;
    for (;;) {
        const enum status code = source_next(in->source, &line, &more, err);
        if (code != STATUS_OK || !more) {
            return code;
        }
        read_line(&s, &line);
    }
}

static int cloudwatch_guess(const char *text, size_t size)
{
    if (find(text, size, "REPORT RequestId: ") || find(text, size, "START RequestId: ") ||
        find(text, size, "\"platform.report\"") || find(text, size, "INIT_START Runtime Version")) {
        return 2;
    }
    return 0;
}

const struct importer cloudwatch_importer = {
    .name = "cloudwatch",
    .help = "CloudWatch logs of AWS Lambda: REPORT lines of every era, JSON platform events",
    .guess = cloudwatch_guess,
    .run = cloudwatch_run,
};
