/* AWS Lambda Power Tuning (github.com/alexcasalboni/aws-lambda-power-tuning): one row per memory.
 *
 * Two places hold all the measured sizes: `stats` (with includeOutputResults), and the link to the
 * visualisation, whose fragment is three base64 arrays: memory in MB (int16), mean duration in ms
 * (float32), mean cost in USD (float32), little-endian. Without either only the chosen size is
 * left.
 */
#include "calibration/import/row.h"

#include <stdlib.h>
#include <string.h>

enum { LIMIT = 32 << 20, MAX_BLOB = 4096 };

/* The line for messages about a node. */
static struct line line_of(const struct json *node)
{
    return (struct line){.text = "", .size = 0, .number = node->origin.line};
}

static bool decimal_member(struct trace_row *r, const struct json *object, const char *key,
                           enum trace_column column, int power)
{
    const struct json *const v = json_member(object, key);
    return v == NULL || (v->kind == JSON_NUMBER && v->number >= 0 &&
                         trace_row_decimal(r, column, v->text, strlen(v->text), power));
}

static void finish(struct import *in, unsigned number)
{
    trace_row_text(&in->row, TRACE_service, "lambda", 6);
    trace_row_text(&in->row, TRACE_op, "invoke", 6);
    trace_row_number(&in->row, TRACE_line, (double)number);
    import_row(in);
}

/* {"value":128,"averagePrice":...,"averageDuration":...}, or {"power":...,"cost":...,"duration"} */
static void read_object(struct import *in, const struct json *o, const char *memory,
                        const char *duration, const char *cost)
{
    const struct line line = line_of(o);
    trace_row_clear(&in->row);
    if (o->kind != JSON_OBJECT || json_member(o, memory) == NULL ||
        json_member(o, duration) == NULL) {
        import_bad(in, &line, "a result without its memory size or duration");
    } else if (!decimal_member(&in->row, o, memory, TRACE_memory_mib, 0) ||
               !decimal_member(&in->row, o, duration, TRACE_duration_s, -3) ||
               !decimal_member(&in->row, o, cost, TRACE_cost_usd, 0)) {
        import_bad(in, &line, "a result that is not a number");
    } else {
        finish(in, o->origin.line);
    }
}

/* Standard or URL alphabet; the bytes decoded, or 0 when the text is no base64. */
static size_t base64(const char *s, size_t n, unsigned char *out, size_t room)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t bits = 0;
    unsigned held = 0;
    size_t used = 0;
    while (n > 0 && s[n - 1] == '=') {
        n--;
    }
    for (size_t i = 0; i < n; i++) {
        const char c = s[i] == '-' ? '+' : s[i] == '_' ? '/' : s[i];
        const char *const at = c != '\0' ? strchr(alphabet, c) : NULL;
        if (at == NULL) {
            return 0;
        }
        bits = (bits << 6 | (uint32_t)(at - alphabet)) & 0xffffff;
        held += 6;
        if (held >= 8) {
            held -= 8;
            if (used == room) {
                return 0;
            }
            out[used++] = (unsigned char)(bits >> held);
        }
    }
    return used;
}

static double float_at(const unsigned char *p)
{
    const uint32_t bits =
        (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
    float value;
    memcpy(&value, &bits, sizeof value);
    return (double)value;
}

/* A float32's shortest decimal: 35.2 was printed as 35.2, not as 35.20000076293945. */
static bool float_decimal(struct trace_row *r, enum trace_column column, double value, int power)
{
    char text[40];
    for (int digits = 6; digits <= 9; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtof(text, NULL) == (float)value) {
            break;
        }
    }
    return value >= 0 && trace_row_decimal(r, column, text, strlen(text), power);
}

static bool read_link(struct import *in, const struct json *link)
{
    const char *const hash = link->kind == JSON_STRING ? strchr(link->text, '#') : NULL;
    const struct line line = line_of(link);
    unsigned char memory[MAX_BLOB], time[MAX_BLOB], cost[MAX_BLOB];
    const char *const one = hash != NULL ? strchr(hash, ';') : NULL;
    const char *const two = one != NULL ? strchr(one + 1, ';') : NULL;
    if (two == NULL) {
        import_bad(in, &line, "a visualisation link without its three arrays");
        return false;
    }
    const size_t sizes = base64(hash + 1, (size_t)(one - hash - 1), memory, MAX_BLOB) / 2;
    const size_t times = base64(one + 1, (size_t)(two - one - 1), time, MAX_BLOB) / 4;
    const size_t costs = base64(two + 1, strcspn(two + 1, ";"), cost, MAX_BLOB) / 4;
    if (sizes == 0 || times != sizes || costs != sizes) {
        import_bad(in, &line, "a visualisation link whose arrays differ in length");
        return false;
    }
    for (size_t i = 0; i < sizes; i++) {
        trace_row_clear(&in->row);
        const unsigned mib = (unsigned)memory[2 * i] | (unsigned)memory[2 * i + 1] << 8;
        trace_row_number(&in->row, TRACE_memory_mib, mib);
        if (float_decimal(&in->row, TRACE_duration_s, float_at(time + 4 * i), -3) &&
            float_decimal(&in->row, TRACE_cost_usd, float_at(cost + 4 * i), 0)) {
            finish(in, link->origin.line);
        } else {
            import_bad(in, &line, "a time or cost that is not a number");
        }
    }
    return true;
}

static void read_root(struct import *in, const struct json *root)
{
    const struct json *stats = root->kind == JSON_ARRAY ? root : json_member(root, "stats");
    const struct json *const link =
        json_pointer((struct json *)root, "/stateMachine/visualization");
    if (stats != NULL && stats->kind == JSON_ARRAY) {
        for (const struct json *o = stats->first; o != NULL; o = o->next) {
            read_object(in, o, "value", "averageDuration", "averagePrice");
        }
    } else if (link == NULL || !read_link(in, link)) {
        read_object(in, root, "power", "duration", "cost");
    }
}

static enum status power_tuning_run(struct import *in, struct error *err)
{
    static const enum trace_column columns[] = {
        TRACE_service, TRACE_op, TRACE_memory_mib, TRACE_duration_s, TRACE_cost_usd,
    };
    import_header(in, columns, sizeof columns / sizeof columns[0]);
    char *text = NULL;
    size_t size = 0;
    enum status code = source_rest(in->source, LIMIT, &text, &size, err);
    struct arena a = {0};
    struct json *root = NULL;
    if (code == STATUS_OK) {
        code = json_parse(&a, source_name(in->source), text, size, &root, err);
    }
    if (code == STATUS_OK) {
        read_root(in, root);
    }
    arena_free(&a);
    free(text);
    return code;
}

static bool has(const char *text, size_t size, const char *word)
{
    const size_t n = strlen(word);
    for (size_t i = 0; i + n <= size; i++) {
        if (text[i] == word[0] && memcmp(text + i, word, n) == 0) {
            return true;
        }
    }
    return false;
}

static int power_tuning_guess(const char *text, size_t size)
{
    const size_t blank = size > 0 ? strspn(text, " \t\r\n") : 0;
    if (blank >= size || (text[blank] != '{' && text[blank] != '[')) {
        return 0;
    }
    return has(text, size, "\"stateMachine\"") || has(text, size, "\"averageDuration\"") ||
                   (has(text, size, "\"power\"") && has(text, size, "\"duration\""))
               ? 2
               : 0;
}

const struct importer power_tuning_importer = {
    .name = "power-tuning",
    .help = "result of AWS Lambda Power Tuning (JSON): mean time and cost per memory size",
    .guess = power_tuning_guess,
    .run = power_tuning_run,
};
