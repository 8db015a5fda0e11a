/* The image set itself: memory, names, putting pictures in and taking them out. */
#include "calibration/data/loaders.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum status image_set_init(struct image_set *set, size_t n_images, size_t n_classes,
                           size_t channels, size_t height, size_t width, enum pixel_type type,
                           struct error *err)
{
    *set = (struct image_set){.channels = channels,
                              .height = height,
                              .width = width,
                              .n_images = n_images,
                              .n_classes = n_classes};
    if (height == 0 || width == 0 || height > IMAGE_SIDE_MAX || width > IMAGE_SIDE_MAX ||
        (channels != 1 && channels != 3)) {
        return RAISE(err, ERR_INPUT,
                     "images of %zu x %zu pixels and %zu channels, expected sides of 1 to %zu and "
                     "1 or 3 channels",
                     width, height, channels, IMAGE_SIDE_MAX);
    }
    if (n_classes < 2) {
        return RAISE(err, ERR_INPUT, "%zu class%s with images, expected at least 2", n_classes,
                     n_classes == 1 ? "" : "es");
    }
    const size_t item = type == PIXELS_BYTE ? 1 : sizeof(float);
    const size_t image_bytes =
        image_set_pixels(set) * item; /* at most 3 * 4096^2 * 4: no overflow */
    if (n_images > IMAGE_SET_BYTES_MAX / image_bytes) {
        return RAISE(err, ERR_INPUT, "%zu images of %zu bytes, expected at most %zu bytes in all",
                     n_images, image_bytes, IMAGE_SET_BYTES_MAX);
    }
    void *const pixels = malloc(n_images * image_bytes);
    set->bytes = type == PIXELS_BYTE ? pixels : NULL;
    set->values = type == PIXELS_FLOAT ? pixels : NULL;
    set->classes = calloc(n_classes, sizeof *set->classes);
    if (pixels == NULL || set->classes == NULL) {
        return RAISE(err, ERR_MEMORY, "no memory for %zu images of %zu bytes", n_images,
                     image_bytes);
    }
    const float unit = type == PIXELS_BYTE ? 1.0f / 255.0f : 1.0f;
    for (size_t c = 0; c < 4; c++) {
        set->scale[c] = unit;
        set->offset[c] = 0.0f;
    }
    return STATUS_OK;
}

enum status image_set_name(struct image_set *set, size_t i, const char *name, const char *group,
                           size_t first, size_t count, struct error *err)
{
    const char *const slash = strrchr(name, '/');
    if (group == NULL) {
        group = name;
    }
    const size_t group_length =
        group == name ? (slash == NULL ? 0 : (size_t)(slash - name)) : strlen(group);
    set->classes[i] = (struct image_class){.name = arena_copy(&set->names, name, strlen(name)),
                                           .group = arena_copy(&set->names, group, group_length),
                                           .first = first,
                                           .count = count};
    if (set->classes[i].name == NULL || set->classes[i].group == NULL) {
        return RAISE(err, ERR_MEMORY, "no memory for class names");
    }
    return STATUS_OK;
}

void image_set_finish(struct image_set *set)
{
    const size_t n = set->n_images * image_set_pixels(set);
    uint64_t hash = HASH_SEED;
    for (size_t i = 0; i < set->n_classes; i++) {
        hash = hash_bytes(hash, set->classes[i].name, strlen(set->classes[i].name) + 1);
        hash = hash_bytes(hash, &set->classes[i].count, sizeof set->classes[i].count);
    }
    hash = set->bytes != NULL ? hash_bytes(hash, set->bytes, n)
                              : hash_bytes(hash, set->values, n * sizeof *set->values);
    set->hash = hash_bytes(hash, set->scale, sizeof set->scale);
}

void image_set_ink_is_one(struct image_set *set)
{
    const size_t n = set->n_images * image_set_pixels(set);
    double sum = 0.0;
    for (size_t i = 0; i < n; i++) {
        sum += set->bytes != NULL ? set->bytes[i] / 255.0 : (double)set->values[i];
    }
    if (set->channels == 1 && sum > 0.5 * (double)n) {
        set->scale[0] = -set->scale[0];
        set->offset[0] = 1.0f;
        image_set_finish(set);
    }
}

void image_set_free(struct image_set *set)
{
    free(set->bytes);
    free(set->values);
    free(set->classes);
    arena_free(&set->names);
    *set = (struct image_set){0};
}

/* ---------------------------------------------------------------- pictures in */

enum status image_store_reserve(struct image_store *store, size_t channels, size_t height,
                                size_t width, struct error *err)
{
    const size_t n = channels * height * width;
    if (store->resized == NULL) {
        store->resized = malloc(store->set->height * store->set->width * sizeof *store->resized);
    }
    if (n > store->capacity) {
        free(store->planes);
        store->planes = malloc(n * sizeof *store->planes);
        store->capacity = store->planes == NULL ? 0 : n;
    }
    if (store->planes == NULL || store->resized == NULL) {
        return RAISE(err, ERR_MEMORY, "no memory for a picture of %zu x %zu", width, height);
    }
    return STATUS_OK;
}

/* One finished plane into the set's own type. */
static void store_plane(struct image_set *set, size_t at, const double *plane)
{
    const size_t n = set->height * set->width;
    for (size_t i = 0; i < n; i++) {
        if (set->bytes != NULL) {
            set->bytes[at + i] = (uint8_t)(fmin(fmax(plane[i], 0.0), 255.0) + 0.5);
        } else {
            set->values[at + i] = (float)plane[i];
        }
    }
}

enum status image_store_put(struct image_store *store, size_t i, size_t channels, size_t height,
                            size_t width, struct error *err)
{
    struct image_set *const set = store->set;
    const size_t area = height * width;
    for (size_t k = 0; k < channels * area; k++) {
        if (!(fabs(store->planes[k]) <= (double)FLT_MAX)) {
            return RAISE(err, ERR_INPUT,
                         "image %zu: pixel (channel %zu, row %zu, column %zu) is %g, expected a "
                         "finite number",
                         i, k / area, k % area / width, k % width, store->planes[k]);
        }
    }
    if (channels == 3 && set->channels == 1) {
        for (size_t k = 0; k < area; k++) {
            store->planes[k] = 0.299 * store->planes[k] + 0.587 * store->planes[area + k] +
                               0.114 * store->planes[2 * area + k];
        }
    }
    const bool same = height == set->height && width == set->width;
    if (!same && !resizer_fits(&store->resizer, height, width)) {
        resizer_free(&store->resizer);
        const enum status status =
            resizer_init(&store->resizer, height, width, set->height, set->width, err);
        if (status != STATUS_OK) {
            return status;
        }
    }
    for (size_t c = 0; c < set->channels; c++) {
        const double *plane = store->planes + (channels == 1 ? 0 : c * area);
        if (!same) {
            resizer_run(&store->resizer, plane, store->resized);
            plane = store->resized;
        }
        store_plane(set, (i * set->channels + c) * set->height * set->width, plane);
    }
    return STATUS_OK;
}

void image_store_free(struct image_store *store)
{
    free(store->planes);
    free(store->resized);
    resizer_free(&store->resizer);
    *store = (struct image_store){0};
}

/* ---------------------------------------------------------------- pictures out */

/* Where the pixel at (y, x) of an oriented picture comes from: after an optional swap of the axes,
 * rows and columns may run backwards. One quarter turn counter-clockwise takes (y, x) from (x,
 * w-1-y); mirroring first makes that (x, y): columns run the other way round. */
struct walk {
    bool swap, flip_row, flip_column;
};

static struct walk walk_of(unsigned orientation)
{
    static const struct walk turns[4] = {
        {false, false, false}, {true, false, true}, {false, true, true}, {true, true, false}};
    struct walk walk = turns[orientation % 4];
    walk.flip_column = walk.flip_column != (orientation % 8 >= 4);
    return walk;
}

/* i - shift, held within 0..n-1. */
static size_t shifted(size_t i, int shift, size_t n)
{
    const ptrdiff_t at = (ptrdiff_t)i - shift;
    return at < 0 ? 0 : (size_t)at >= n ? n - 1 : (size_t)at;
}

void image_set_copy(const struct image_set *set, size_t image, struct image_pose pose, float *out)
{
    const size_t h = set->height, w = set->width;
    const struct walk walk = walk_of(pose.orientation);
    for (size_t c = 0; c < set->channels; c++) {
        const size_t plane = (image * set->channels + c) * h * w;
        const float scale = set->scale[c], offset = set->offset[c];
        for (size_t y = 0; y < h; y++) {
            for (size_t x = 0; x < w; x++) {
                const size_t from_y = shifted(y, pose.shift_y, h);
                const size_t from_x = shifted(x, pose.shift_x, w);
                size_t row = walk.swap ? from_x : from_y;
                size_t column = walk.swap ? from_y : from_x;
                row = walk.flip_row ? h - 1 - row : row;
                column = walk.flip_column ? w - 1 - column : column;
                const size_t at = plane + row * w + column;
                const float value = set->bytes != NULL ? (float)set->bytes[at] : set->values[at];
                out[(c * h + y) * w + x] = value * scale + offset;
            }
        }
    }
}
