/* CIFAR-100, binary version (Krizhevsky, "Learning multiple layers of features from tiny images",
 * 2009; layout from the data set's page): records of 3074 bytes, a superclass 0..19, a class 0..99
 * and the red, green and blue planes of 32 x 32 pixels. Nothing marks the file: its size and its
 * labels have to agree with the format.
 */
#include "calibration/data/loaders.h"

#include <stdlib.h>
#include <string.h>

#define CIFAR_SIDE ((size_t)32)
#define CIFAR_FINE 100
#define CIFAR_COARSE 20

/* Both files seen as one row of records. */
struct records {
    const uint8_t *first, *second;
    size_t n_first, n;
};

static const uint8_t *record_at(const struct records *records, size_t i)
{
    return i < records->n_first ? records->first + i * CIFAR100_RECORD_BYTES
                                : records->second + (i - records->n_first) * CIFAR100_RECORD_BYTES;
}

/* Line i of a text as a class name, or the number when there is no such line. Slashes would look
 * like levels of folders. */
static void name_of_line(const uint8_t *text, size_t n, size_t i, const char *otherwise, char *name,
                         size_t size)
{
    size_t at = 0;
    for (size_t line = 0; line < i && at < n; line++) {
        while (at < n && text[at++] != '\n') {
        }
    }
    size_t length = 0;
    while (at + length < n && text[at + length] > ' ' && text[at + length] != '/' &&
           length + 1 < size) {
        name[length] = (char)text[at + length];
        length++;
    }
    name[length] = '\0';
    if (length == 0) {
        snprintf(name, size, "%s%02zu", otherwise, i);
    }
}

/* counts[fine] and the superclass of each class; refuses labels that the format does not have. */
static enum status count_records(const struct records *records, size_t *counts, int *coarse,
                                 struct error *err)
{
    for (size_t f = 0; f < CIFAR_FINE; f++) {
        counts[f] = 0;
        coarse[f] = -1;
    }
    for (size_t i = 0; i < records->n; i++) {
        const uint8_t *const record = record_at(records, i);
        if (record[0] >= CIFAR_COARSE || record[1] >= CIFAR_FINE) {
            return RAISE(err, ERR_INPUT,
                         "record %zu has superclass %u and class %u, expected below %d and %d: not "
                         "CIFAR-100",
                         i, record[0], record[1], CIFAR_COARSE, CIFAR_FINE);
        }
        if (coarse[record[1]] >= 0 && coarse[record[1]] != record[0]) {
            return RAISE(err, ERR_INPUT,
                         "record %zu puts class %u into superclass %u, earlier ones into %d: not "
                         "CIFAR-100",
                         i, record[1], record[0], coarse[record[1]]);
        }
        coarse[record[1]] = record[0];
        counts[record[1]]++;
    }
    return STATUS_OK;
}

/* Pictures one by one to the next free place of their class. */
static enum status put_records(struct image_set *set, const struct records *records, size_t *next,
                               struct error *err)
{
    struct image_store store = {.set = set};
    enum status status = image_store_reserve(&store, 3, CIFAR_SIDE, CIFAR_SIDE, err);
    for (size_t i = 0; i < records->n && status == STATUS_OK; i++) {
        const uint8_t *const record = record_at(records, i);
        for (size_t k = 0; k < CIFAR100_RECORD_BYTES - 2; k++) {
            store.planes[k] = record[2 + k];
        }
        status = image_store_put(&store, next[record[1]]++, 3, CIFAR_SIDE, CIFAR_SIDE, err);
    }
    image_store_free(&store);
    return status;
}

enum status load_cifar100(const uint8_t *first, size_t n_first, const uint8_t *second,
                          size_t n_second, const struct cifar_names *names,
                          const struct image_options *options, struct image_set *out,
                          struct error *err)
{
    const size_t odd = n_first % CIFAR100_RECORD_BYTES != 0 ? n_first : n_second;
    if (odd % CIFAR100_RECORD_BYTES != 0 || n_first + n_second == 0) {
        return RAISE(err, ERR_INPUT,
                     "%zu bytes are %zu CIFAR-100 records of %zu bytes and %zu bytes more: "
                     "truncated or another format",
                     odd, odd / CIFAR100_RECORD_BYTES, CIFAR100_RECORD_BYTES,
                     odd % CIFAR100_RECORD_BYTES);
    }
    const struct records records = {first, second, n_first / CIFAR100_RECORD_BYTES,
                                    (n_first + n_second) / CIFAR100_RECORD_BYTES};
    size_t counts[CIFAR_FINE], next[CIFAR_FINE];
    int coarse[CIFAR_FINE];
    enum status status = count_records(&records, counts, coarse, err);
    if (status != STATUS_OK) {
        return status;
    }
    size_t n_classes = 0;
    for (size_t f = 0; f < CIFAR_FINE; f++) {
        n_classes += counts[f] > 0;
    }
    status =
        image_set_init(out, records.n, n_classes, options->channels != 0 ? options->channels : 3,
                       options->height != 0 ? options->height : CIFAR_SIDE,
                       options->height != 0 ? options->width : CIFAR_SIDE, PIXELS_BYTE, err);
    for (size_t f = 0, at = 0, c = 0; f < CIFAR_FINE && status == STATUS_OK; f++) {
        next[f] = at;
        if (counts[f] > 0) {
            char group[64], fine[64], name[160];
            name_of_line(names->coarse, names->n_coarse, (size_t)coarse[f], "superclass", group,
                         sizeof group);
            name_of_line(names->fine, names->n_fine, f, "class", fine, sizeof fine);
            snprintf(name, sizeof name, "%s/%s", group, fine);
            status = image_set_name(out, c++, name, group, at, counts[f], err);
        }
        at += counts[f];
    }
    if (status == STATUS_OK) {
        status = put_records(out, &records, next, err);
    }
    if (status == STATUS_OK) {
        image_set_finish(out);
    }
    return status;
}
