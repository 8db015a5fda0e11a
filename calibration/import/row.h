/* One row of a trace under construction, and the writer that puts it out. */
#ifndef CALIBRATION_IMPORT_ROW_H
#define CALIBRATION_IMPORT_ROW_H

#include "calibration/import.h"
#include "calibration/import/source.h"

struct trace_row {
    struct {
        const char *text;
        size_t size;
    } at[TRACE_COLUMNS];
    char scratch[TRACE_COLUMNS * 64]; /* numbers that had to be rewritten */
    size_t used;
};

void trace_row_clear(struct trace_row *r);
/* Text is borrowed until the row is written. False when it is not UTF-8 or holds control bytes. */
bool trace_row_text(struct trace_row *r, enum trace_column column, const char *text, size_t size);
/* A decimal number times 10^power, moved digit by digit. False when text is not a finite number. */
bool trace_row_decimal(struct trace_row *r, enum trace_column column, const char *text, size_t size,
                       int power);
/* A number that had to be computed. False when it is not finite. */
bool trace_row_number(struct trace_row *r, enum trace_column column, double value);

/* What a column holds; NaN when it is empty. */
double trace_row_value(const struct trace_row *r, enum trace_column column);

/* Where rows go: a file under a temporary name, or a text. */
struct sink {
    FILE *file;
    struct text *text; /* used instead when file is NULL */
    char *buffer;
    size_t used;
    bool present[TRACE_COLUMNS];
    bool failed;
};

/* Take a buffer; false when there is no memory. */
bool sink_start(struct sink *k);
/* Put out what is left and free the buffer; false when anything could not be written. */
bool sink_finish(struct sink *k);

/* What every importer is given. */
struct import {
    struct source *source;
    struct sink *sink;
    const struct import_options *options;
    struct import_report *report;
    struct trace_row row;
};

/* Which columns the trace will have; writes the header. Call once, before the first row. */
void import_header(struct import *in, const enum trace_column *columns, size_t count);
/* Write in->row and clear it. */
void import_row(struct import *in);
/* Count a bad line and hand it to the caller. */
void import_bad(struct import *in, const struct line *line, const char *reason);

struct importer {
    const char *name, *help;
    /* How sure the beginning of a file is of this kind: 0 no, 1 possibly, 2 certainly. */
    int (*guess)(const char *text, size_t size);
    enum status (*run)(struct import *in, struct error *err);
};

extern const struct importer cloudwatch_importer, s3_access_importer, power_tuning_importer,
    lithops_importer, csv_importer;

/* ISO 8601 (2024-03-13T18:56:24.046Z, a blank instead of T, +01:00) at the beginning of text:
 * the length read, 0 when it is none; *unix_s receives the Unix time. */
size_t time_iso8601(const char *text, size_t size, double *unix_s);

#endif
