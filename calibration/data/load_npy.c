/* NumPy arrays, format 1.0 to 3.0 (numpy.lib.format): magic, version, a Python dictionary literal
 *
 *     {'descr': '<f4', 'fortran_order': False, 'shape': (64, 600, 84, 84, 3), }
 *
 * padded with blanks, then the elements in C order. Only what few-shot data needs is read; anything
 * else is refused with what was found.
 */
#include "calibration/data/loaders.h"

#include <stdlib.h>
#include <string.h>

#define NPY_AXES_MAX 5

struct npy {
    char kind;    /* 'u', 'i', 'f', 'b' */
    size_t bytes; /* of one element */
    bool big_endian;
    size_t shape[NPY_AXES_MAX];
    size_t n_axes, n_elements;
    const uint8_t *elements;
};

bool npy_is_magic(const uint8_t *data, size_t n)
{
    return n >= 6 && memcmp(data, "\x93NUMPY", 6) == 0;
}

/* ---------------------------------------------------------------- header */

/* The value that follows 'key': in the dictionary, or NULL. */
static const char *header_value(const char *header, const char *key)
{
    const char *at = strstr(header, key);
    if (at == NULL) {
        return NULL;
    }
    at += strlen(key);
    at += strspn(at, " ");
    if (*at != ':') {
        return NULL;
    }
    at++;
    return at + strspn(at, " ");
}

static enum status parse_type(const char *header, struct npy *out, struct error *err)
{
    static const char *const known[] = {"|b1", "|u1", "|i1", "<u2", ">u2", "<i2",
                                        ">i2", "<u4", ">u4", "<i4", ">i4", "<i8",
                                        ">i8", "<f4", ">f4", "<f8", ">f8"};
    const char *const value = header_value(header, "'descr'");
    for (size_t i = 0; value != NULL && i < sizeof known / sizeof *known; i++) {
        if (value[0] == '\'' && strncmp(value + 1, known[i], 3) == 0 && value[4] == '\'') {
            out->big_endian = known[i][0] == '>';
            out->kind = known[i][1];
            out->bytes = (size_t)(known[i][2] - '0');
            return STATUS_OK;
        }
    }
    const int shown = value != NULL && value[0] == '\'' ? (int)strcspn(value + 1, "'") : 0;
    return RAISE(
        err, ERR_INPUT, "array of type %.*s, expected b1, u1, i1, u2, i2, u4, i4, i8, f4 or f8",
        shown > 0 && shown < 40 ? shown : 7, shown > 0 && shown < 40 ? value + 1 : "unknown");
}

static enum status parse_shape(const char *header, struct npy *out, struct error *err)
{
    const char *const value = header_value(header, "'shape'");
    const char *at = value;
    if (value == NULL || *value != '(') {
        return RAISE(err, ERR_INPUT, "the array header has no 'shape'");
    }
    at++;
    out->n_axes = 0;
    out->n_elements = 1;
    while (*at >= '0' && *at <= '9') {
        char *end = NULL;
        const unsigned long long axis = strtoull(at, &end, 10);
        if (out->n_axes == NPY_AXES_MAX || axis == 0 || axis > FILE_TREE_FILE_MAX ||
            out->n_elements > FILE_TREE_FILE_MAX / (size_t)axis) {
            break;
        }
        out->shape[out->n_axes++] = (size_t)axis;
        out->n_elements *= (size_t)axis;
        at = end;
        at += strspn(at, ", ");
    }
    if (*at != ')') {
        return RAISE(err, ERR_INPUT, "array of shape %.40s, expected up to %d axes of at least 1",
                     value, NPY_AXES_MAX);
    }
    return STATUS_OK;
}

static enum status npy_parse(const uint8_t *data, size_t n, struct npy *out, struct error *err)
{
    *out = (struct npy){0};
    if (!npy_is_magic(data, n) || n < 12) {
        return RAISE(err, ERR_INPUT, "not a NumPy array file: %zu bytes without its header", n);
    }
    const unsigned version = data[6];
    size_t start = 10, length = data[8] | (size_t)data[9] << 8;
    if (version == 2 || version == 3) {
        start = 12;
        length |= (size_t)data[10] << 16 | (size_t)data[11] << 24;
    } else if (version != 1) {
        return RAISE(err, ERR_INPUT, "NumPy array format %u, expected 1, 2 or 3", version);
    }
    if (length > n - start || length > 1 << 16) {
        return RAISE(err, ERR_INPUT, "truncated NumPy array: header of %zu bytes in a file of %zu",
                     length, n);
    }
    struct text header = {0};
    text_append(&header, (const char *)data + start, length);
    if (header.failed || header.data == NULL) {
        text_free(&header);
        return RAISE(err, ERR_INPUT, "NumPy array with an empty header");
    }
    enum status status = parse_type(header.data, out, err);
    if (status == STATUS_OK) {
        status = parse_shape(header.data, out, err);
    }
    const char *const order = header_value(header.data, "'fortran_order'");
    if (status == STATUS_OK && (order == NULL || strncmp(order, "False", 5) != 0)) {
        status = RAISE(err, ERR_INPUT,
                       "the array is in Fortran order, expected C order (numpy.ascontiguousarray)");
    }
    text_free(&header);
    const size_t have = n - start - length;
    if (status == STATUS_OK && have != out->n_elements * out->bytes) {
        return RAISE(err, ERR_INPUT,
                     "%s NumPy array: %zu elements of %zu bytes need %zu bytes, found %zu",
                     have < out->n_elements * out->bytes ? "truncated" : "overlong",
                     out->n_elements, out->bytes, out->n_elements * out->bytes, have);
    }
    out->elements = data + start + length;
    return status;
}

/* ---------------------------------------------------------------- elements */

static uint64_t element_bits(const struct npy *array, size_t i)
{
    const uint8_t *const at = array->elements + i * array->bytes;
    uint64_t bits = 0;
    for (size_t k = 0; k < array->bytes; k++) {
        bits |= (uint64_t)at[array->big_endian ? array->bytes - 1 - k : k] << (8 * k);
    }
    return bits;
}

static int64_t element_integer(const struct npy *array, size_t i)
{
    const uint64_t bits = element_bits(array, i);
    if (array->kind != 'i' || array->bytes == 8) {
        return (int64_t)bits;
    }
    const uint64_t sign = UINT64_C(1) << (8 * array->bytes - 1);
    return (int64_t)((bits ^ sign) - sign);
}

static double element_number(const struct npy *array, size_t i)
{
    const uint64_t bits = element_bits(array, i);
    if (array->kind == 'f' && array->bytes == 4) {
        const uint32_t half = (uint32_t)bits;
        float value;
        memcpy(&value, &half, sizeof value);
        return (double)value;
    }
    if (array->kind == 'f') {
        double value;
        memcpy(&value, &bits, sizeof value);
        return value;
    }
    if (array->kind == 'b') {
        return bits != 0 ? 255.0 : 0.0;
    }
    return (double)element_integer(array, i);
}

/* ---------------------------------------------------------------- pictures */

/* Where the axes of one picture lie: the last two or three of the array. */
struct picture_axes {
    size_t channels, height, width;
    bool channels_first;
};

static enum status find_axes(const struct npy *array, size_t leading, struct picture_axes *out,
                             struct error *err)
{
    const size_t *const axis = array->shape + leading;
    const size_t left = array->n_axes - leading;
    if (left == 2) {
        *out = (struct picture_axes){1, axis[0], axis[1], true};
    } else if (left == 3 && (axis[2] == 1 || axis[2] == 3)) {
        *out = (struct picture_axes){axis[2], axis[0], axis[1], false};
    } else if (left == 3 && (axis[0] == 1 || axis[0] == 3)) {
        *out = (struct picture_axes){axis[0], axis[1], axis[2], true};
    } else {
        return RAISE(err, ERR_INPUT,
                     "array of %zu axes, expected %zu before the picture and then (H, W), "
                     "(H, W, C) or (C, H, W) with C = 1 or 3",
                     array->n_axes, leading);
    }
    if (out->height > IMAGE_SIDE_MAX || out->width > IMAGE_SIDE_MAX) {
        return RAISE(err, ERR_INPUT, "pictures of %zu x %zu, expected sides of at most %zu",
                     out->width, out->height, IMAGE_SIDE_MAX);
    }
    return STATUS_OK;
}

static enum status put_element(struct image_store *store, size_t to, const struct npy *array,
                               size_t from, const struct picture_axes *axes, struct error *err)
{
    const size_t area = axes->height * axes->width;
    const size_t first = from * axes->channels * area;
    const bool integer = array->kind == 'i' || array->kind == 'u';
    for (size_t c = 0; c < axes->channels; c++) {
        for (size_t k = 0; k < area; k++) {
            const size_t at = axes->channels_first ? c * area + k : k * axes->channels + c;
            const double value = element_number(array, first + at);
            if (integer && !(value >= 0.0 && value <= 255.0)) {
                return RAISE(err, ERR_INPUT,
                             "image %zu: integer pixel %g, expected 0 to 255 (or floats)", from,
                             value);
            }
            store->planes[c * area + k] = value;
        }
    }
    return image_store_put(store, to, axes->channels, axes->height, axes->width, err);
}

/* order NULL: as they come. */
static enum status put_all(struct image_set *set, const struct npy *array, const size_t *order,
                           const struct picture_axes *axes, struct error *err)
{
    struct image_store store = {.set = set};
    enum status status =
        image_store_reserve(&store, axes->channels, axes->height, axes->width, err);
    for (size_t i = 0; i < set->n_images && status == STATUS_OK; i++) {
        status = put_element(&store, i, array, order == NULL ? i : order[i], axes, err);
    }
    image_store_free(&store);
    return status;
}

static enum status init_like(struct image_set *set, const struct npy *array, size_t n_images,
                             size_t n_classes, const struct picture_axes *axes,
                             const struct image_options *options, struct error *err)
{
    return image_set_init(set, n_images, n_classes,
                          options->channels != 0 ? options->channels : axes->channels,
                          options->height != 0 ? options->height : axes->height,
                          options->height != 0 ? options->width : axes->width,
                          array->kind == 'f' ? PIXELS_FLOAT : PIXELS_BYTE, err);
}

/* Images (class, sample, picture). */
static enum status load_class_axis(const struct npy *array, const struct image_options *options,
                                   struct image_set *out, struct error *err)
{
    struct picture_axes axes;
    if (array->n_axes < 4) {
        return RAISE(err, ERR_INPUT,
                     "array of %zu axes without labels, expected (class, sample, H, W) or "
                     "(class, sample, H, W, C)",
                     array->n_axes);
    }
    enum status status = find_axes(array, 2, &axes, err);
    if (status != STATUS_OK) {
        return status;
    }
    const size_t n_classes = array->shape[0], samples = array->shape[1];
    status = init_like(out, array, n_classes * samples, n_classes, &axes, options, err);
    for (size_t c = 0; c < n_classes && status == STATUS_OK; c++) {
        char name[32];
        snprintf(name, sizeof name, "class%04zu", c);
        status = image_set_name(out, c, name, NULL, c * samples, samples, err);
    }
    return status == STATUS_OK ? put_all(out, array, NULL, &axes, err) : status;
}

struct labelled {
    int64_t label;
    size_t image;
};

static int labelled_compare(const void *a, const void *b)
{
    const struct labelled *const x = a;
    const struct labelled *const y = b;
    if (x->label != y->label) {
        return x->label < y->label ? -1 : 1;
    }
    return x->image < y->image ? -1 : x->image > y->image;
}

/* Images (sample, picture) in the order of their labels. */
static enum status load_ordered(const struct npy *array, const struct labelled *order, size_t n,
                                const struct image_options *options, struct image_set *out,
                                struct error *err)
{
    struct picture_axes axes;
    enum status status = find_axes(array, 1, &axes, err);
    size_t n_classes = 1;
    for (size_t i = 1; i < n; i++) {
        n_classes += order[i].label != order[i - 1].label;
    }
    if (status == STATUS_OK) {
        status = init_like(out, array, n, n_classes, &axes, options, err);
    }
    for (size_t i = 0, first = 0, c = 0; i < n && status == STATUS_OK; i++) {
        if (i + 1 == n || order[i + 1].label != order[i].label) {
            char name[32];
            snprintf(name, sizeof name, "label%lld", (long long)order[i].label);
            status = image_set_name(out, c++, name, NULL, first, i + 1 - first, err);
            first = i + 1;
        }
    }
    size_t *const images = malloc(n * sizeof *images);
    if (status == STATUS_OK && images == NULL) {
        status = RAISE(err, ERR_MEMORY, "no memory for %zu labels", n);
    }
    for (size_t i = 0; i < n && images != NULL; i++) {
        images[i] = order[i].image;
    }
    if (status == STATUS_OK) {
        status = put_all(out, array, images, &axes, err);
    }
    free(images);
    return status;
}

static enum status load_labelled(const struct npy *array, const struct npy *labels,
                                 const struct image_options *options, struct image_set *out,
                                 struct error *err)
{
    if (array->n_axes < 3 || array->n_axes > 4) {
        return RAISE(err, ERR_INPUT,
                     "array of %zu axes with labels, expected (sample, H, W) or (sample, H, W, C)",
                     array->n_axes);
    }
    if (labels->n_axes != 1 || labels->kind == 'f' || labels->kind == 'b') {
        return RAISE(err, ERR_INPUT,
                     "labels of %zu axes and type '%c%zu', expected one axis of "
                     "integers",
                     labels->n_axes, labels->kind, labels->bytes);
    }
    const size_t n = array->shape[0];
    if (labels->shape[0] != n) {
        return RAISE(err, ERR_INPUT, "%zu labels for %zu images", labels->shape[0], n);
    }
    struct labelled *const order = malloc(n * sizeof *order);
    if (order == NULL) {
        return RAISE(err, ERR_MEMORY, "no memory for %zu labels", n);
    }
    for (size_t i = 0; i < n; i++) {
        order[i] = (struct labelled){element_integer(labels, i), i};
    }
    qsort(order, n, sizeof *order, labelled_compare);
    const enum status status = load_ordered(array, order, n, options, out, err);
    free(order);
    return status;
}

enum status load_npy(const uint8_t *images, size_t n_images, const uint8_t *labels, size_t n_labels,
                     const struct image_options *options, struct image_set *out, struct error *err)
{
    struct npy array, label_array;
    enum status status = npy_parse(images, n_images, &array, err);
    if (status == STATUS_OK && labels != NULL) {
        status = npy_parse(labels, n_labels, &label_array, err);
    }
    if (status == STATUS_OK) {
        status = labels != NULL ? load_labelled(&array, &label_array, options, out, err)
                                : load_class_axis(&array, options, out, err);
    }
    if (status == STATUS_OK) {
        image_set_finish(out);
    }
    return status;
}
