/* Door of the floor: errors, text, JSON, files and CSV tables. No word of the domain in here.
 *
 * Everything that fails returns `enum status` (0 is success) and fills `struct error`, which the
 * caller owns; the first error wins and travels up untouched. Nothing here prints or exits.
 */
#ifndef MODEL_BASE_BASE_H
#define MODEL_BASE_BASE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* ---------------------------------------------------------------- errors */

#define STATUS_LIST(X)                                                                             \
    X(STATUS_OK, "ok")                                                                             \
    X(ERR_IO, "cannot read or write")                                                              \
    X(ERR_SYNTAX, "not valid JSON or CSV")                                                         \
    X(ERR_INPUT, "bad input")                                                                      \
    X(ERR_USAGE, "wrong usage")                                                                    \
    X(ERR_INFEASIBLE, "infeasible")                                                                \
    X(ERR_DEADLOCK, "a wait is never met")                                                         \
    X(ERR_MEMORY, "out of memory")                                                                 \
    X(ERR_NUMERIC, "no numerical answer")                                                          \
    X(ERR_EXTERNAL, "an external program failed")                                                  \
    X(ERR_INTERRUPTED, "interrupted")

enum status {
#define X(name, text) name,
    STATUS_LIST(X)
#undef X
};

struct error {
    enum status code;
    char message[480];     /* one line, no trailing full stop */
    char file[256];        /* input file, empty when there is none */
    unsigned line, column; /* 1-based; 0 when unknown */
    char path[240];        /* JSON path such as /platform/memory_mib, or empty */
    const char *raised_file;
    int raised_line;
};

/* Name of a status, for logs and tests; never NULL. */
const char *status_text(enum status code);

/* Fill *err (unless it already holds an error) and return `code`. Use through RAISE. */
enum status error_raise(struct error *err, enum status code, const char *raised_file,
                        int raised_line, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
#define RAISE(err, code, ...) error_raise((err), (code), __FILE__, __LINE__, __VA_ARGS__)

/* "file:line:column: /path: message" into buffer; parts that are unknown are left out. */
void error_format(const struct error *err, char *buffer, size_t size);

/* ---------------------------------------------------------------- text */

/* Growable string. Zeroed is empty; text_free accepts a zeroed one. On exhaustion `failed` is set
 * and the content stays as it was: check it once, at the end. */
struct text {
    char *data; /* always NUL-terminated when size > 0 */
    size_t size, capacity;
    bool failed;
};
void text_append(struct text *t, const char *s, size_t n);
void text_puts(struct text *t, const char *s);
void text_printf(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Shortest decimal that reads back as the same double ("0.1", "1e-09", "inf", "nan"). */
void text_number(struct text *t, double value);
void text_json_string(struct text *t, const char *s);
void text_free(struct text *t);

bool text_ends(const char *text, const char *end); /* "mine.json" in ".json"; ".json" does not */
/* The candidate nearest to `name` (edit distance), or NULL when none is near. Count candidates. */
const char *nearest_name(const char *name, const char *const *candidates, size_t count);

/* ---------------------------------------------------------------- memory */

/* Blocks that live and die together; zeroed is empty. Returned memory is zeroed and aligned. */
struct arena {
    struct arena_block *blocks;
};
void *arena_alloc(struct arena *a, size_t size); /* NULL when exhausted */
char *arena_copy(struct arena *a, const char *s, size_t n);
void arena_free(struct arena *a);

/* ---------------------------------------------------------------- JSON */

enum json_kind { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json_origin {
    const char *file; /* borrowed from the arena; "--set" for the command line */
    unsigned line, column;
};

/* A node that knows where it was written. `text` is a string's value, or a number's own token
 * (exact decimal); `read` is set by the typed getters, so that keys nobody reads can be refused. */
struct json {
    enum json_kind kind;
    bool boolean, read;
    double number;
    const char *text, *key;
    struct json_origin origin;
    struct json *parent, *first, *last, *next;
    size_t count;
};

/* Parse text (n bytes, comments allowed) with cJSON. Errors: ERR_SYNTAX with line and column for
 * malformed text, duplicate keys, numbers that are not finite; ERR_MEMORY. *out lives in `a`. */
enum status json_parse(struct arena *a, const char *file, const char *text, size_t n,
                       struct json **out, struct error *err);
/* The same from a file of at most 16 MiB. */
enum status json_load(struct arena *a, const char *path, struct json **out, struct error *err);

struct json *json_member(const struct json *object, const char *key); /* NULL if absent */
/* What stands there: the "value" of an object that has one, else the node itself; NULL of NULL. */
const struct json *json_bare(const struct json *node);
struct json *json_index(const struct json *array, size_t i);
/* RFC 6901; NULL when nothing is there. */
struct json *json_pointer(struct json *root, const char *pointer);
/* "/platform/memory_mib" of a node into buffer. */
void json_path(const struct json *node, char *buffer, size_t size);
struct json *json_new(struct arena *a, enum json_kind kind, struct json_origin origin);
void json_append(struct json *parent, struct json *child, const char *key);
struct json *json_copy(struct arena *a, const struct json *node);
void json_detach(struct json *parent, struct json *child); /* child keeps its own subtree */
/* RFC 7396: patch laid over target; null removes. Origins follow the values. */
enum status json_merge(struct arena *a, struct json *target, const struct json *patch,
                       struct error *err);
/* --set /pointer=value: creates missing objects; "-" appends to arrays (RFC 6901). */
enum status json_set(struct arena *a, struct json *root, const char *pointer,
                     const struct json *value, struct error *err);
void json_write(struct text *out, const struct json *node, int indent);
/* Is every key below node read? Otherwise ERR_INPUT naming the first unread one and the nearest
 * of `known` (may be NULL). */
bool json_all_read(const struct json *node, const struct json **unread);
void json_mark_read(struct json *node); /* the whole subtree */
/* ERR_INPUT for the first key of an object that is not among the known ones, with the nearest:
 * "unknown `what` 'KEY'`of`". */
enum status json_known_keys(const struct json *object, const char *what, const char *of,
                            const char *const *known, size_t n, struct error *err);

/* Raise with the place of a node: file, line, column, JSON path. */
enum status json_raise(struct error *err, const struct json *node, enum status code,
                       const char *raised_file, int raised_line, const char *format, ...)
    __attribute__((format(printf, 6, 7)));
#define JSON_RAISE(err, node, code, ...)                                                           \
    json_raise((err), (node), (code), __FILE__, __LINE__, __VA_ARGS__)

/* ---------------------------------------------------------------- expressions */

/* A condition such as `workers > meta_batch and memory_mib < 1769`: numbers, names, + - * /,
 * comparisons (< <= > >= = == !=), not, and, or (also ! && ||), parentheses; 'text' compares equal
 * to a text variable. Compiled once, evaluated often. */
struct expression {
    struct {
        int kind;     /* of the token, see expression.c */
        int variable; /* index given by the resolver */
        double number;
        const char *text; /* borrowed from `source` */
    } code[64];
    size_t count;
    char source[256];
};

/* What a name stands for: an index >= 0, or -1 when there is no such variable. */
typedef int (*expression_resolver)(const char *name, void *context);
struct expression_value {
    double number;    /* NaN when missing: every comparison with it is false */
    const char *text; /* NULL for numbers */
};
typedef struct expression_value (*expression_reader)(int variable, void *context);

/* ERR_USAGE with what was found and expected. `names` (may be NULL) are offered as nearest names.
 */
enum status expression_compile(const char *source, expression_resolver resolve, void *context,
                               const char *const *names, size_t n_names, struct expression *out,
                               struct error *err);
bool expression_true(const struct expression *e, expression_reader read, void *context);
/* The value of an arithmetic expression such as `exchange_s / iterations`. */
double expression_number(const struct expression *e, expression_reader read, void *context);

/* ---------------------------------------------------------------- files */

/* Whole file into a malloc'd, NUL-terminated block (caller frees). ERR_IO, ERR_INPUT when larger
 * than limit. */
enum status file_read(const char *path, size_t limit, char **out, size_t *size, struct error *err);
/* Write to a temporary name beside path, fsync, rename: never half a file. "-" is stdout. */
enum status file_write(const char *path, const char *data, size_t size, struct error *err);
/* 64-bit FNV-1a, for identities in outputs (not for security). */
uint64_t hash_bytes(uint64_t seed, const void *data, size_t size);
#define HASH_SEED UINT64_C(0xcbf29ce484222325)

/* A file written piece by piece, under a temporary name until file_finish; "-" is stdout. */
struct file_out {
    int fd;
    bool special; /* a device or pipe: written in place */
    char *path, *name;
};
enum status file_begin(struct file_out *f, const char *path, struct error *err);
enum status file_append(struct file_out *f, const char *data, size_t size, struct error *err);
/* The file is there, whole, when this returns STATUS_OK. */
enum status file_finish(struct file_out *f, struct error *err);
/* Could a file be written there? To be asked before work that would be lost. */
enum status file_try(const char *path, struct error *err);
void file_abandon(struct file_out *f); /* also after a finish or an error: does nothing then */

/* ---------------------------------------------------------------- time */

/* Seconds of a clock that never goes back; only differences mean something. */
double monotonic_s(void);

/* ---------------------------------------------------------------- threads */

/* Tasks worked off by several threads, given and taken back by one (the caller's). The order in
 * which they come back is nobody's promise. */
struct team;
struct team_task {
    struct team_task *next;
};
struct team_options {
    unsigned lanes;    /* tasks at once, > 0 */
    bool caller_helps; /* lane 0 is the caller, in team_help: one thread less */
    void (*work)(void *context, unsigned lane, struct team_task *task);
    void *context;
};
enum status team_start(const struct team_options *options, struct team **out, struct error *err);
void team_give(struct team *t, struct team_task *task);
/* A finished task; NULL when none is finished within wait_s or none is outstanding. */
struct team_task *team_take(struct team *t, double wait_s);
/* Work off one task in the caller's thread; false when none is waiting. */
bool team_help(struct team *t);
/* Waits for tasks at work; tasks never begun are the caller's again. Accepts NULL. */
void team_stop(struct team *t);

/* ---------------------------------------------------------------- CSV tables */

/* A CSV table held in memory; the first row names the columns. Fields are RFC 4180. */
struct table {
    char **columns;  /* n_columns */
    char **cells;    /* n_rows * n_columns, row major */
    unsigned *lines; /* n_rows: line in the file each row started on */
    size_t n_columns, n_rows;
    char *block; /* owns the characters */
    char *path;
};
enum status table_load(const char *path, struct table *out, struct error *err);
enum status table_parse(const char *path, char *text, size_t n, struct table *out,
                        struct error *err); /* takes a malloc'd text over, also on error */
/* Index of a column, or ERR_INPUT naming the nearest one. */
enum status table_column(const struct table *t, const char *name, size_t *out, struct error *err);
const char *table_cell(const struct table *t, size_t row, size_t column);
/* A number; an empty cell is NaN; anything else than a number is ERR_INPUT with line and column. */
enum status table_number(const struct table *t, size_t row, size_t column, double *out,
                         struct error *err);
void table_free(struct table *t);
/* One CSV field, quoted when it must be. */
void text_csv(struct text *out, const char *field);

#endif
