/* Lines of a file, a gzip file or a block of memory, one at a time in constant memory. */
#ifndef CALIBRATION_IMPORT_SOURCE_H
#define CALIBRATION_IMPORT_SOURCE_H

#include "model/base/base.h"

/* Longer lines are flagged and skipped; CloudWatch events end at 1 MiB. */
#define SOURCE_LINE_LIMIT ((size_t)1 << 20)

struct source;

struct line {
    const char *text; /* not NUL-terminated, no line end; valid until the next call */
    size_t size;
    uint64_t number;   /* 1-based */
    const char *fault; /* NULL, or why the line cannot be text: too long, NUL byte */
};

/* Open a plain or gzip file ("-" is standard input). Caller frees with source_close(). */
enum status source_open(const char *path, struct source **out, struct error *err);
/* Read from memory (plain or gzip); data must outlive the source. */
enum status source_open_memory(const char *name, const void *data, size_t size, struct source **out,
                               struct error *err);
void source_close(struct source *s);

/* The next line, or *more = false at the end. ERR_INPUT for UTF-16 and broken gzip, ERR_IO. */
enum status source_next(struct source *s, struct line *line, bool *more, struct error *err);
/* What comes next, without consuming it: about half a MiB at most,
 * NUL-terminated, borrowed until the next call. */
enum status source_peek(struct source *s, const char **text, size_t *size, struct error *err);
/* Everything that is left, NUL-terminated in a malloc'd block; ERR_INPUT beyond limit. */
enum status source_rest(struct source *s, size_t limit, char **out, size_t *size,
                        struct error *err);

/* Hash of the bytes handed in so far, after decompression; the first call starts it. */
uint64_t source_hash(struct source *s);

const char *source_name(const struct source *s);
uint64_t source_bytes(const struct source *s); /* handed out so far, after decompression */
uint64_t source_lines(const struct source *s);

#endif
