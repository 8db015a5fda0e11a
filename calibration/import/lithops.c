/* Job statistics of Lithops (github.com/lithops-cloud/lithops): one row per worker.
 *
 * `future.stats` is a dictionary per function call (host_submit_tstamp, worker_start_tstamp, ...).
 * People keep them as JSON (a list, or an object with such a list), as JSON lines, or through
 * pandas as CSV; all three are read. Times are Unix seconds.
 */
#include "calibration/import/csv.h"

#include <stdlib.h>
#include <string.h>

enum { LIMIT = 32 << 20 };

static const char *const maps[] = {
    "executor_id=run",
    "job_id=run",
    "function_name=function",
    "call_id=worker",
    "host_submit_tstamp=submit_s",
    "worker_start_tstamp=start_s",
    "worker_end_tstamp=end_s",
    "worker_func_exec_time=duration_s",
    "worker_cold_start=cold",
    "runtime_memory=memory_mib",
};
enum { MAPS = sizeof maps / sizeof maps[0] };

static bool is_stats(const struct json *o)
{
    return o != NULL && o->kind == JSON_OBJECT &&
           (json_member(o, "worker_start_tstamp") != NULL ||
            json_member(o, "worker_func_start_tstamp") != NULL ||
            json_member(o, "host_submit_tstamp") != NULL);
}

static const char *read_member(struct trace_row *r, enum trace_column column, const struct json *v)
{
    if (v->kind == JSON_NULL) {
        return NULL;
    }
    if (trace_column_is_text(column)) {
        return (v->kind == JSON_STRING || v->kind == JSON_NUMBER) &&
                       trace_row_text(r, column, v->text, strlen(v->text))
                   ? NULL
                   : "a name that is not text";
    }
    if (v->kind == JSON_BOOL) {
        trace_row_text(r, column, v->boolean ? "1" : "0", 1);
        return NULL;
    }
    return v->kind == JSON_NUMBER && trace_row_decimal(r, column, v->text, strlen(v->text), 0)
               ? NULL
               : "a value that is not a number";
}

/* One dictionary. `number` overrides the line known to the node when it is not zero. */
static void read_stats(struct import *in, const struct json *o, uint64_t number)
{
    const struct line line = {.text = "", .number = number != 0 ? number : o->origin.line};
    const char *reason = is_stats(o) ? NULL : "no dictionary with the time stamps of a worker";
    trace_row_clear(&in->row);
    for (size_t i = 0; reason == NULL && i < MAPS; i++) {
        const char *const equals = strchr(maps[i], '=');
        char key[64];
        snprintf(key, sizeof key, "%.*s", (int)(equals - maps[i]), maps[i]);
        const struct json *const v = json_member(o, key);
        if (v != NULL) {
            reason = read_member(&in->row, trace_column_find(equals + 1), v);
        }
    }
    if (reason != NULL) {
        import_bad(in, &line, reason);
        return;
    }
    const struct json *const exception = json_member(o, "exception");
    const bool failed = exception != NULL && exception->kind != JSON_NULL &&
                        !(exception->kind == JSON_BOOL && !exception->boolean);
    trace_row_text(&in->row, TRACE_status, failed ? "error" : "ok", failed ? 5 : 2);
    trace_row_text(&in->row, TRACE_op, "invoke", 6);
    trace_row_number(&in->row, TRACE_line, (double)line.number);
    import_row(in);
}

static const struct json *stats_list(const struct json *root)
{
    if (root->kind == JSON_ARRAY) {
        return root;
    }
    for (const struct json *m = root->kind == JSON_OBJECT ? root->first : NULL; m != NULL;
         m = m->next) {
        if (m->kind == JSON_ARRAY && is_stats(m->first)) {
            return m;
        }
    }
    return NULL;
}

static enum status read_document(struct import *in, struct error *err)
{
    char *text = NULL;
    size_t size = 0;
    enum status code = source_rest(in->source, LIMIT, &text, &size, err);
    struct arena a = {0};
    struct json *root = NULL;
    if (code == STATUS_OK) {
        code = json_parse(&a, source_name(in->source), text, size, &root, err);
    }
    if (code == STATUS_OK) {
        const struct json *const list = stats_list(root);
        if (list == NULL && is_stats(root)) {
            read_stats(in, root, 0);
        } else if (list == NULL) {
            code = JSON_RAISE(err, root, ERR_INPUT,
                              "no list of worker statistics: expected dictionaries with "
                              "'worker_start_tstamp'");
        }
        for (const struct json *o = list != NULL ? list->first : NULL; o != NULL; o = o->next) {
            read_stats(in, o, 0);
        }
    }
    arena_free(&a);
    free(text);
    return code;
}

static enum status read_lines(struct import *in, struct error *err)
{
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
        struct arena a = {0};
        struct error ignored = {0};
        struct json *root = NULL;
        if (line.fault != NULL) {
            import_bad(in, &line, line.fault);
        } else if (json_parse(&a, "line", line.text, line.size, &root, &ignored) != STATUS_OK) {
            import_bad(in, &line, "not valid JSON");
        } else {
            read_stats(in, root, line.number);
        }
        arena_free(&a);
    }
}

/* Is the first line a whole JSON object, and is there another line behind it? */
static bool is_json_lines(const char *text, size_t size)
{
    const char *const end = memchr(text, '\n', size);
    if (end == NULL) {
        return false;
    }
    const char *p = end;
    while (p < text + size && (*p == '\n' || *p == '\r' || *p == ' ')) {
        p++;
    }
    if (p == text + size || *p != '{') {
        return false;
    }
    struct arena a = {0};
    struct error ignored = {0};
    struct json *root = NULL;
    const bool whole =
        json_parse(&a, "line", text, (size_t)(end - text), &root, &ignored) == STATUS_OK;
    arena_free(&a);
    return whole;
}

static enum status lithops_run(struct import *in, struct error *err)
{
    static const enum trace_column columns[] = {
        TRACE_run,        TRACE_function, TRACE_op,      TRACE_worker,
        TRACE_memory_mib, TRACE_submit_s, TRACE_start_s, TRACE_end_s,
        TRACE_duration_s, TRACE_cold,     TRACE_status,
    };
    const char *text;
    size_t size;
    const enum status code = source_peek(in->source, &text, &size, err);
    if (code != STATUS_OK) {
        return code;
    }
    const size_t blank = strspn(text, " \t\r\n");
    if (blank < size && text[blank] != '{' && text[blank] != '[') {
        return csv_import(in, maps, MAPS, err);
    }
    const bool lines = is_json_lines(text, size);
    import_header(in, columns, sizeof columns / sizeof columns[0]);
    return lines ? read_lines(in, err) : read_document(in, err);
}

static int lithops_guess(const char *text, size_t size)
{
    static const char *const keys[] = {"worker_start_tstamp", "worker_func_start_tstamp",
                                       "host_submit_tstamp"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        const size_t n = strlen(keys[i]);
        for (const char *p = text; (p = memchr(p, keys[i][0], (size_t)(text + size - p))) != NULL;
             p++) {
            if ((size_t)(text + size - p) >= n && memcmp(p, keys[i], n) == 0) {
                return 2;
            }
        }
    }
    return 0;
}

const struct importer lithops_importer = {
    .name = "lithops",
    .help = "job statistics of Lithops: JSON, JSON lines, or the CSV pandas makes of them",
    .guess = lithops_guess,
    .run = lithops_run,
};
