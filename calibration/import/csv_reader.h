/* Records of a CSV file (RFC 4180) from a source, one at a time in constant memory. */
#ifndef CALIBRATION_IMPORT_CSV_READER_H
#define CALIBRATION_IMPORT_CSV_READER_H

#include "calibration/import/source.h"

struct csv_field {
    const char *text; /* valid until the next record */
    size_t size;
};

struct csv_reader {
    struct source *source;
    struct csv_field *fields; /* n_fields of the last record */
    size_t n_fields, capacity;
    struct text joined; /* records whose quoted fields hold line ends */
    char *unquoted;     /* quoted fields without their quotes */
    size_t unquoted_capacity;
};

/* The next record: *line tells its first line's number and text, and why it is bad (fault: too
 * long, NUL, a quote that never ends, text behind a closing quote). *more = false at the end.
 * Empty lines are skipped. Errors: those of source_next(), ERR_MEMORY. */
enum status csv_next(struct csv_reader *r, struct line *line, bool *more, struct error *err);
void csv_reader_free(struct csv_reader *r);

#endif
