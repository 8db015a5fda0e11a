/* Inner header: rows on their way from whoever computes them to the store, as bytes that may also
 * travel between machines of the same kind (little-endian). */
#ifndef SWEEP_RECORD_H
#define SWEEP_RECORD_H

#include "model/model.h"

/* Columns that have a column of their own in the store. */
#define PLAIN_LIST(X) X(workers) X(memory_mib) X(time_s) X(cost_usd)
enum {
#define X(name) PLAIN_##name,
    PLAIN_LIST(X)
#undef X
        PLAINS
};

/* What a row says in words, apart from status and engine; few different ones occur. */
#define LABEL_LIST(X)                                                                              \
    X(scenario) X(system) X(variant) X(reading) X(platform) X(store) X(algorithm) X(dataset)
enum {
#define X(name) LABEL_##name,
    LABEL_LIST(X)
#undef X
        LABELS
};

/* A row without its words. */
struct record {
    uint64_t point, identity;
    double plain[PLAINS];
    uint32_t label;                    /* number of its words in the batch */
    uint32_t status_size, packed_size; /* bytes that follow: status (none: "ok"), packed numbers */
};

/* Rows of one chunk. Zeroed is empty. */
struct batch {
    struct text records; /* struct record, status, packed numbers, again and again */
    struct text labels;  /* LABELS texts each, NUL-terminated */
    uint32_t n_records, n_labels;
};
void batch_clear(struct batch *b);
void batch_free(struct batch *b);
/* ERR_MEMORY. */
enum status batch_add(struct batch *b, const struct row *row, uint64_t identity, struct error *err);
/* The record at *at, which moves on; status and packed point into the batch. */
void batch_next(const struct batch *b, size_t *at, struct record *out, const char **status,
                const unsigned char **packed);

/* Numbers without a plain column, exact to the bit: half a byte each for how it is kept, then the
 * values. `names` of packed_names() tell the order to later versions. */
enum { PACKED_LIMIT = 64 * 9 };
size_t pack_numbers(const struct row *row, unsigned char out[PACKED_LIMIT]);
void text_packed_names(struct text *out);
/* `order`: for each packed number the offset in struct row, or SIZE_MAX to drop it. False when the
 * bytes are not what pack_numbers wrote. */
bool unpack_numbers(const unsigned char *bytes, size_t size, const size_t *order, size_t n_order,
                    struct row *row);

#endif
