/* Inner header of calibration/data: building an image set, and one loader per format. */
#ifndef CALIBRATION_DATA_LOADERS_H
#define CALIBRATION_DATA_LOADERS_H

#include "calibration/data.h"
#include "calibration/data/file_tree.h"
#include "calibration/data/resize.h"

/* Counts above these are refused, so that a damaged header cannot ask for the machine's memory. */
#define IMAGE_SIDE_MAX ((size_t)4096)
#define IMAGE_SET_BYTES_MAX ((size_t)64 << 30)

enum pixel_type { PIXELS_BYTE, PIXELS_FLOAT };

/* Take memory for the pixels and classes of a set of known shape; scale and offset are set for [0,
 * 1] (floats are taken as they are). Errors: ERR_INPUT for absurd or zero
 * sizes and for fewer than two classes, ERR_MEMORY. */
enum status image_set_init(struct image_set *set, size_t n_images, size_t n_classes,
                           size_t channels, size_t height, size_t width, enum pixel_type type,
                           struct error *err);

/* Name class i, its images being [first, first + count). group NULL: what stands before the last
 * '/' of the name. Errors: ERR_MEMORY. */
enum status image_set_name(struct image_set *set, size_t i, const char *name, const char *group,
                           size_t first, size_t count, struct error *err);

/* Last step of every loader: the hash. */
void image_set_finish(struct image_set *set);

/* Grey sets that are light on average: 1 - x. */
void image_set_ink_is_one(struct image_set *set);

static inline size_t image_set_pixels(const struct image_set *set)
{
    return set->channels * set->height * set->width;
}

/* Where loaders put pictures: turns one into the channels and size of the set. */
struct image_store {
    struct image_set *set;
    double *planes;  /* the loader's picture, (channels, height, width), bytes as 0..255 */
    double *resized; /* one plane of the set */
    size_t capacity; /* of planes */
    struct resizer resizer;
};

/* Make room for a picture in store->planes. Errors: ERR_MEMORY. */
enum status image_store_reserve(struct image_store *store, size_t channels, size_t height,
                                size_t width, struct error *err);
/* Put the picture in store->planes as image i: 3 channels become 1 by luma (ITU-R BT.601), 1
 * becomes 3 equal ones, then it is resized; bytes are rounded to nearest. Errors: ERR_INPUT for a
 * pixel that is not finite; ERR_MEMORY. */
enum status image_store_put(struct image_store *store, size_t i, size_t channels, size_t height,
                            size_t width, struct error *err);
void image_store_free(struct image_store *store);

enum status load_class_folders(struct file_tree *tree, const struct image_options *options,
                               struct image_set *out, struct error *err);

/* labels NULL: the array has a class axis. */
enum status load_npy(const uint8_t *images, size_t n_images, const uint8_t *labels, size_t n_labels,
                     const struct image_options *options, struct image_set *out, struct error *err);
bool npy_is_magic(const uint8_t *data, size_t n);

/* One file of text with a class name on each line, or empty. */
struct cifar_names {
    const uint8_t *fine, *coarse;
    size_t n_fine, n_coarse;
};

/* Up to two files of records (train.bin, test.bin; n_second may be 0). */
enum status load_cifar100(const uint8_t *first, size_t n_first, const uint8_t *second,
                          size_t n_second, const struct cifar_names *names,
                          const struct image_options *options, struct image_set *out,
                          struct error *err);
#define CIFAR100_RECORD_BYTES ((size_t)3074)

#endif
