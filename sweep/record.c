/* Rows as bytes. */
#include "sweep/record.h"

#include <math.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "stores are little-endian");

static const size_t plain_offsets[PLAINS] = {
#define X(name) offsetof(struct row, name),
    PLAIN_LIST(X)
#undef X
};

static const size_t label_offsets[LABELS] = {
#define X(name) offsetof(struct row, name),
    LABEL_LIST(X)
#undef X
};

void batch_clear(struct batch *b)
{
    b->records.size = b->labels.size = 0;
    b->n_records = b->n_labels = 0;
}

void batch_free(struct batch *b)
{
    text_free(&b->records);
    text_free(&b->labels);
    *b = (struct batch){0};
}

static const char *label_text(const struct row *row, int i)
{
    const char *text;
    memcpy(&text, (const char *)row + label_offsets[i], sizeof text);
    return text;
}

/* The words' number; new ones are appended. */
static uint32_t label_of(struct batch *b, const struct row *row)
{
    size_t at = 0;
    for (uint32_t n = 0; n < b->n_labels; n++) {
        bool same = true;
        for (int i = 0; i < LABELS; i++) {
            const char *there = b->labels.data + at;
            same = same && strcmp(there, label_text(row, i)) == 0;
            at += strlen(there) + 1;
        }
        if (same) {
            return n;
        }
    }
    for (int i = 0; i < LABELS; i++) {
        const char *text = label_text(row, i);
        text_append(&b->labels, text, strlen(text) + 1);
    }
    return b->n_labels++;
}

enum status batch_add(struct batch *b, const struct row *row, uint64_t identity, struct error *err)
{
    struct record r = {.point = (uint64_t)row->point, .identity = identity};
    unsigned char packed[PACKED_LIMIT];
    for (int i = 0; i < PLAINS; i++) {
        memcpy(&r.plain[i], (const char *)row + plain_offsets[i], sizeof r.plain[i]);
    }
    r.label = label_of(b, row);
    r.status_size = row->feasible ? 0 : (uint32_t)strlen(row->status);
    r.packed_size = (uint32_t)pack_numbers(row, packed);
    text_append(&b->records, (const char *)&r, sizeof r);
    text_append(&b->records, row->status, r.status_size);
    text_append(&b->records, (const char *)packed, r.packed_size);
    b->n_records++;
    return b->records.failed || b->labels.failed ? RAISE(err, ERR_MEMORY, "out of memory for rows")
                                                 : STATUS_OK;
}

void batch_next(const struct batch *b, size_t *at, struct record *out, const char **status,
                const unsigned char **packed)
{
    memcpy(out, b->records.data + *at, sizeof *out);
    *status = b->records.data + *at + sizeof *out;
    *packed = (const unsigned char *)*status + out->status_size;
    *at += sizeof *out + out->status_size + out->packed_size;
}

/* ---------------------------------------------------------------- packed numbers */

enum tag { TAG_NONE, TAG_ZERO, TAG_U8, TAG_U16, TAG_U32, TAG_FLOAT, TAG_DOUBLE };
static const unsigned tag_size[] = {0, 0, 1, 2, 4, 4, 8};

/* Not the plain ones, and not point, which is the key. */
static bool is_packed(int column)
{
    bool packed = !columns[column].text && columns[column].offset != offsetof(struct row, point);
    for (int i = 0; i < PLAINS; i++) {
        packed = packed && columns[column].offset != plain_offsets[i];
    }
    return packed;
}

static enum tag choose(double value, unsigned char bytes[8])
{
    if (isnan(value)) {
        return TAG_NONE;
    }
    if (value >= 0 && value < 4294967296.0 && !signbit(value)) {
        const uint32_t whole = (uint32_t)value;
        if ((double)whole == value) {
            memcpy(bytes, &whole, sizeof whole);
            return whole == 0 ? TAG_ZERO : whole < 256 ? TAG_U8 : whole < 65536 ? TAG_U16 : TAG_U32;
        }
    }
    const float narrow = (float)value;
    if ((double)narrow == value) {
        memcpy(bytes, &narrow, sizeof narrow);
        return TAG_FLOAT;
    }
    memcpy(bytes, &value, sizeof value);
    return TAG_DOUBLE;
}

size_t pack_numbers(const struct row *row, unsigned char out[PACKED_LIMIT])
{
    unsigned char tags[32] = {0};
    unsigned char values[64 * 8];
    size_t n = 0;
    size_t last = 0;
    size_t size = 0;
    for (int i = 0; columns[i].name != NULL; i++) {
        if (is_packed(i)) {
            double value;
            memcpy(&value, (const char *)row + columns[i].offset, sizeof value);
            const enum tag tag = choose(value, values + size);
            tags[n / 2] |= (unsigned char)((unsigned)tag << (n % 2 * 4));
            size += tag_size[tag];
            n++;
            last = tag != TAG_NONE ? n : last;
        }
    }
    const size_t tag_bytes = (last + 1) / 2; /* empty ones at the end need not be told */
    out[0] = (unsigned char)last;
    memcpy(out + 1, tags, tag_bytes);
    memcpy(out + 1 + tag_bytes, values, size);
    return 1 + tag_bytes + size;
}

void text_packed_names(struct text *out)
{
    for (int i = 0; columns[i].name != NULL; i++) {
        if (is_packed(i)) {
            text_printf(out, "%s%s", out->size > 0 ? "," : "", columns[i].name);
        }
    }
}

bool unpack_numbers(const unsigned char *bytes, size_t size, const size_t *order, size_t n_order,
                    struct row *row)
{
    if (size == 0) {
        return true;
    }
    const size_t n = bytes[0];
    size_t at = 1 + (n + 1) / 2;
    if (n > n_order || at > size) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        const unsigned tag = (unsigned)bytes[1 + i / 2] >> (i % 2 * 4) & 15U;
        if (tag > TAG_DOUBLE || at + tag_size[tag] > size) {
            return false;
        }
        double value = tag == TAG_NONE ? (double)NAN : 0;
        uint32_t whole = 0;
        float narrow = 0;
        if (tag == TAG_DOUBLE) {
            memcpy(&value, bytes + at, sizeof value);
        } else if (tag == TAG_FLOAT) {
            memcpy(&narrow, bytes + at, sizeof narrow);
            value = (double)narrow;
        } else if (tag > TAG_ZERO) {
            memcpy(&whole, bytes + at, tag_size[tag]);
            value = whole;
        }
        at += tag_size[tag];
        if (order[i] != SIZE_MAX) {
            memcpy((char *)row + order[i], &value, sizeof value);
        }
    }
    return true;
}
