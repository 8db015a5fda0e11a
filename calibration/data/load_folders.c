/* Class folders: the pictures of one folder are one class, at whatever depth the folder lies.
 *
 * The path that all class folders share is dropped from their names, so that an archive with one
 * top folder names its classes as the folder inside does: "Greek/character07", not
 * "images_background_small1/Greek/character07".
 */
#include "calibration/data/image.h"
#include "calibration/data/loaders.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool name_is_picture(const char *name)
{
    const char *const dot = strrchr(name, '.');
    return dot != NULL && (strcasecmp(dot, ".png") == 0 || strcasecmp(dot, ".jpg") == 0 ||
                           strcasecmp(dot, ".jpeg") == 0);
}

/* Length of the folder part of a name, without its last '/'. */
static size_t folder_length(const char *name)
{
    const char *const slash = strrchr(name, '/');
    return slash == NULL ? 0 : (size_t)(slash - name);
}

struct picture {
    size_t file; /* in the tree */
    const char *name;
};

/* By folder, then by name, with '/' before every other character: a folder is then followed
 * directly by what lies below it. Whole names would sort "a/b/1.png" between "a/a.png" and
 * "a/c.png". */
static int picture_compare(const void *a, const void *b)
{
    const char *const left = ((const struct picture *)a)->name;
    const char *const right = ((const struct picture *)b)->name;
    const size_t n = folder_length(left), m = folder_length(right);
    for (size_t i = 0; i < n && i < m; i++) {
        if (left[i] != right[i]) {
            const int x = left[i] == '/' ? 0 : (unsigned char)left[i];
            const int y = right[i] == '/' ? 0 : (unsigned char)right[i];
            return x - y;
        }
    }
    return n != m ? (n < m ? -1 : 1) : strcmp(left, right);
}

static bool same_folder(const char *a, const char *b)
{
    const size_t n = folder_length(a);
    return n == folder_length(b) && memcmp(a, b, n) == 0;
}

/* Length of the leading path, with its '/', that every folder shares and that can be dropped: the
 * last part of a class's name always stays. */
static size_t shared_prefix(const struct picture *pictures, size_t n)
{
    const char *const first = pictures[0].name;
    size_t shared = folder_length(first);
    for (size_t i = 1; i < n; i++) {
        size_t k = 0;
        while (k < shared && pictures[i].name[k] == first[k]) {
            k++;
        }
        shared = k;
    }
    while (shared > 0 && first[shared - 1] != '/') {
        shared--;
    }
    return shared;
}

/* A folder with pictures may not hold further folders with pictures: which of them would be the
 * class? */
static enum status check_nesting(const struct picture *pictures, size_t n, struct error *err)
{
    for (size_t i = 1; i < n; i++) {
        const char *const outer = pictures[i - 1].name;
        const char *const inner = pictures[i].name;
        const size_t length = folder_length(outer);
        const bool below = folder_length(inner) > length && memcmp(outer, inner, length) == 0 &&
                           (length == 0 || inner[length] == '/');
        if (below) {
            return RAISE(err, ERR_INPUT,
                         "%.*s holds pictures (%s) and folders of pictures (%s), expected one or "
                         "the other",
                         length == 0 ? 14 : (int)length, length == 0 ? "the top folder" : outer,
                         outer, inner);
        }
    }
    return STATUS_OK;
}

/* The pictures of the tree, sorted; *out is malloc'd. */
static enum status list_pictures(const struct file_tree *tree, struct picture **out, size_t *n,
                                 struct error *err)
{
    *n = 0;
    *out = malloc(tree->n * sizeof **out);
    if (*out == NULL) {
        return RAISE(err, ERR_MEMORY, "no memory to list %zu files", tree->n);
    }
    for (size_t i = 0; i < tree->n; i++) {
        if (name_is_picture(tree->name[i])) {
            (*out)[(*n)++] = (struct picture){i, tree->name[i]};
        }
    }
    if (*n == 0) {
        return RAISE(err, ERR_INPUT,
                     "no PNG or JPEG picture among %zu files (the first is %s), expected folders "
                     "of pictures, one per class",
                     tree->n, tree->name[0]);
    }
    qsort(*out, *n, sizeof **out, picture_compare);
    return check_nesting(*out, *n, err);
}

/* Read and decode one picture; errors name the entry. */
static enum status read_picture(struct file_tree *tree, const struct picture *picture,
                                size_t channels, struct image *image, struct error *err)
{
    uint8_t *data = NULL;
    size_t n = 0;
    enum status status = file_tree_read(tree, picture->file, &data, &n, err);
    if (status != STATUS_OK) {
        return status;
    }
    struct error inner = {0};
    status = image_decode(data, n, channels, image, &inner);
    free(data);
    return status == STATUS_OK ? STATUS_OK
                               : RAISE(err, inner.code, "%s: %s", picture->name, inner.message);
}

/* Decoded picture -> planes -> the set. */
static enum status put_picture(struct image_store *store, size_t i, const struct image *image,
                               struct error *err)
{
    const size_t area = image->height * image->width;
    const enum status status =
        image_store_reserve(store, image->channels, image->height, image->width, err);
    if (status != STATUS_OK) {
        return status;
    }
    for (size_t c = 0; c < image->channels; c++) {
        for (size_t k = 0; k < area; k++) {
            store->planes[c * area + k] = image->pixels[k * image->channels + c];
        }
    }
    return image_store_put(store, i, image->channels, image->height, image->width, err);
}

static enum status name_classes(struct image_set *set, const struct picture *pictures, size_t n,
                                struct error *err)
{
    const size_t prefix = shared_prefix(pictures, n);
    enum status status = STATUS_OK;
    for (size_t i = 0, first = 0, c = 0; i < n && status == STATUS_OK; i++) {
        if (i + 1 < n && same_folder(pictures[i].name, pictures[i + 1].name)) {
            continue;
        }
        struct text name = {0};
        text_append(&name, pictures[i].name + prefix, folder_length(pictures[i].name) - prefix);
        status = name.failed ? RAISE(err, ERR_MEMORY, "no memory for class names")
                             : image_set_name(set, c++, name.data, NULL, first, i + 1 - first, err);
        text_free(&name);
        first = i + 1;
    }
    return status;
}

static size_t count_classes(const struct picture *pictures, size_t n)
{
    size_t classes = 1;
    for (size_t i = 1; i < n; i++) {
        classes += !same_folder(pictures[i - 1].name, pictures[i].name);
    }
    return classes;
}

/* Pictures are known; the first one decides what the options leave open. */
static enum status load_pictures(struct file_tree *tree, const struct picture *pictures, size_t n,
                                 const struct image_options *options, struct image_store *store,
                                 struct error *err)
{
    struct image_set *const set = store->set;
    const size_t n_classes = count_classes(pictures, n);
    if (n_classes == 1) {
        return RAISE(err, ERR_INPUT,
                     "all %zu pictures lie in one folder (%s), which is one class; expected a "
                     "folder per class",
                     n, pictures[0].name);
    }
    for (size_t i = 0; i < n; i++) {
        struct image image = {0};
        enum status status = read_picture(tree, &pictures[i],
                                          i == 0 ? options->channels : set->channels, &image, err);
        if (status == STATUS_OK && i == 0) {
            const bool as_is = options->height == 0;
            status = image_set_init(set, n, n_classes, image.channels,
                                    as_is ? image.height : options->height,
                                    as_is ? image.width : options->width, PIXELS_BYTE, err);
        }
        if (status == STATUS_OK && options->height == 0 &&
            (image.height != set->height || image.width != set->width)) {
            status = RAISE(err, ERR_INPUT,
                           "%s is %zu x %zu pixels, but %s is %zu x %zu: expected one size (or ask "
                           "for resizing)",
                           pictures[i].name, image.width, image.height, pictures[0].name,
                           set->width, set->height);
        }
        if (status == STATUS_OK) {
            status = put_picture(store, i, &image, err);
        }
        image_free(&image);
        if (status != STATUS_OK) {
            return status;
        }
    }
    return name_classes(set, pictures, n, err);
}

enum status load_class_folders(struct file_tree *tree, const struct image_options *options,
                               struct image_set *out, struct error *err)
{
    struct picture *pictures = NULL;
    size_t n = 0;
    struct image_store store = {.set = out};
    enum status status = list_pictures(tree, &pictures, &n, err);
    if (status == STATUS_OK) {
        status = load_pictures(tree, pictures, n, options, &store, err);
    }
    if (status == STATUS_OK) {
        image_set_finish(out);
    }
    image_store_free(&store);
    free(pictures);
    return status;
}
