/* Door of the importers: other people's measurement files -> one tidy trace.
 *
 * A trace is a CSV file with one observation per row. Its columns are a subset of TRACE_LIST below,
 * in that order; an empty field means "not measured". Every quantity is in SI units (memory in MiB,
 * as the platforms configure it), and decimals are moved, never rounded: "337.14 ms" becomes
 * "0.33714". Lines that cannot be read are counted and handed to the caller with their number.
 */
#ifndef CALIBRATION_IMPORT_H
#define CALIBRATION_IMPORT_H

#include "model/base/base.h"

/* X(name, kind, meaning). Kinds: TEXT, NUMBER. The name ends in the unit. */
#define TRACE_LIST(X)                                                                              \
    X(run, TEXT, "rows of one run share its level: a job, a day, a file")                          \
    X(service, TEXT, "what was measured: lambda, s3, efs")                                         \
    X(function, TEXT, "function, runtime or program measured")                                     \
    X(op, TEXT, "invoke, get, put, list, delete, head, compute, upload, download")                 \
    X(worker, TEXT, "which of the simultaneous functions")                                         \
    X(time_s, NUMBER, "when: Unix seconds, or seconds since the run began")                        \
    X(concurrency, NUMBER, "functions or clients working at the same time")                        \
    X(memory_mib, NUMBER, "configured memory")                                                     \
    X(size_bytes, NUMBER, "bytes moved, or size of the object")                                    \
    X(submit_s, NUMBER, "when the client asked, same origin as start_s")                           \
    X(start_s, NUMBER, "when the function began to run")                                           \
    X(end_s, NUMBER, "when the function returned")                                                 \
    X(duration_s, NUMBER, "time the operation took")                                               \
    X(first_byte_s, NUMBER, "time to the first byte of the answer")                                \
    X(billed_s, NUMBER, "time on the bill")                                                        \
    X(init_s, NUMBER, "initialisation of a new environment")                                       \
    X(restore_s, NUMBER, "restoring a snapshot instead of initialising")                           \
    X(billed_restore_s, NUMBER, "part of the restore on the bill")                                 \
    X(max_memory_used_mib, NUMBER, "largest memory in use")                                        \
    X(cold, NUMBER, "1 new environment, 0 reused, empty unknown")                                  \
    X(cost_usd, NUMBER, "cost of the observation")                                                 \
    X(weight, NUMBER, "observations this row stands for; empty is 1")                              \
    X(status, TEXT, "HTTP status, or ok, error, timeout")                                          \
    X(line, NUMBER, "line of the imported file")

enum trace_column {
#define X(name, kind, meaning) TRACE_##name,
    TRACE_LIST(X)
#undef X
        TRACE_COLUMNS
};

/* Name of a column and its meaning; never NULL. */
const char *trace_column_name(enum trace_column column);
const char *trace_column_meaning(enum trace_column column);
bool trace_column_is_text(enum trace_column column);
/* The column of that name, or TRACE_COLUMNS. */
enum trace_column trace_column_find(const char *name);

struct bad_line {
    uint64_t line;      /* 1-based */
    const char *reason; /* what was found, what was expected */
    const char *text;   /* the line's beginning; unprintable characters as '.' */
};

struct import_options {
    const char *kind; /* name of an importer; NULL or "": guess */
    const char *run;  /* fills the column `run` where the file has none; may be NULL */
    /* csv only: "column=name", where name is a trace column, also with another unit
     * (duration_ms, size_mib). Columns already so named need no entry. */
    const char *const *maps;
    size_t n_maps;
    /* csv only: "name=value" gives every row the same value. */
    const char *const *constants;
    size_t n_constants;
    void (*bad_line)(void *context, const struct bad_line *bad); /* may be NULL */
    void *context;
};

struct import_report {
    const char *kind; /* the importer used */
    uint64_t bytes;   /* read, after decompression */
    uint64_t lines;
    uint64_t rows;        /* written */
    uint64_t other_lines; /* of no interest here: START, END, application output, headers */
    uint64_t bad_lines;   /* should have been rows, or cannot be text; each was handed on */
};

/* Read a measurement file and write it as a trace.
 *
 * Takes:   path: plain or gzip, "-" is standard input; out_path: "-" is standard output. Memory is
 *          constant for line-based kinds; JSON documents are read whole (at most 32 MiB).
 * Gives:   *report filled, also on error as far as it came; out_path appears only on success.
 * Errors:  ERR_IO; ERR_INPUT when the kind is unknown or cannot be guessed, for UTF-16, a broken or
 *          truncated gzip stream, a map that names no column, or when not one row was found.
 */
enum status import_file(const char *path, const char *out_path,
                        const struct import_options *options, struct import_report *report,
                        struct error *err);

/* The same from memory to memory: out grows by the trace. `name` stands for the path in errors. */
enum status import_memory(const char *name, const void *data, size_t size, struct text *out,
                          const struct import_options *options, struct import_report *report,
                          struct error *err);

/* Names and one-line descriptions of the importers; NULL after the last. */
const char *importer_name(size_t i);
const char *importer_help(size_t i);

#endif
