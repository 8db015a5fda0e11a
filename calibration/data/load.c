/* Which loader? Decided by what is there: a folder or archive with images.npy, with CIFAR-100's
 * files, or with pictures; a single array; a single CIFAR-100 file.
 */
#include "calibration/data/loaders.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct bytes {
    const uint8_t *data;
    size_t n;
};

static void bytes_free(struct bytes *bytes)
{
    free((void *)(uintptr_t)bytes->data);
}

static bool is_zip(const uint8_t *data, size_t n)
{
    return n >= 4 && data[0] == 'P' && data[1] == 'K' && data[2] < 8 && data[3] < 9;
}

/* The file of that name, or nothing when the tree has none. */
static enum status read_named(struct file_tree *tree, const char *name, struct bytes *out,
                              struct error *err)
{
    const size_t i = file_tree_find(tree, name);
    uint8_t *data = NULL;
    const enum status status =
        i == tree->n ? STATUS_OK : file_tree_read(tree, i, &data, &out->n, err);
    out->data = data;
    return status;
}

static enum status load_tree_npy(struct file_tree *tree, const struct image_options *options,
                                 struct image_set *out, struct error *err)
{
    struct bytes images = {0}, labels = {0};
    enum status status = read_named(tree, "images.npy", &images, err);
    if (status == STATUS_OK) {
        status = read_named(tree, "labels.npy", &labels, err);
    }
    if (status == STATUS_OK) {
        status = load_npy(images.data, images.n, labels.data, labels.n, options, out, err);
    }
    bytes_free(&images);
    bytes_free(&labels);
    return status;
}

static enum status load_tree_cifar100(struct file_tree *tree, const struct image_options *options,
                                      struct image_set *out, struct error *err)
{
    struct bytes file[4] = {0};
    static const char *const name[4] = {"train.bin", "test.bin", "fine_label_names.txt",
                                        "coarse_label_names.txt"};
    enum status status = STATUS_OK;
    for (size_t i = 0; i < 4 && status == STATUS_OK; i++) {
        status = read_named(tree, name[i], &file[i], err);
    }
    if (status == STATUS_OK) {
        const struct cifar_names names = {file[2].data, file[3].data, file[2].n, file[3].n};
        status = load_cifar100(file[0].data, file[0].n, file[1].data, file[1].n, &names, options,
                               out, err);
    }
    for (size_t i = 0; i < 4; i++) {
        bytes_free(&file[i]);
    }
    return status;
}

static enum status load_tree(struct file_tree *tree, const struct image_options *options,
                             struct image_set *out, struct error *err)
{
    if (file_tree_find(tree, "images.npy") < tree->n) {
        return load_tree_npy(tree, options, out, err);
    }
    if (file_tree_find(tree, "train.bin") < tree->n || file_tree_find(tree, "test.bin") < tree->n) {
        return load_tree_cifar100(tree, options, out, err);
    }
    return load_class_folders(tree, options, out, err);
}

static enum status load_bytes(const char *name, const struct bytes *all,
                              const struct image_options *options, struct image_set *out,
                              struct error *err)
{
    if (npy_is_magic(all->data, all->n)) {
        return load_npy(all->data, all->n, NULL, 0, options, out, err);
    }
    if (is_zip(all->data, all->n)) {
        struct file_tree tree;
        enum status status = file_tree_open_memory(name, all->data, all->n, &tree, err);
        if (status == STATUS_OK) {
            status = load_tree(&tree, options, out, err);
        }
        file_tree_close(&tree);
        return status;
    }
    if (all->n > 0 && all->n % CIFAR100_RECORD_BYTES == 0) {
        const struct cifar_names names = {0};
        return load_cifar100(all->data, all->n, NULL, 0, &names, options, out, err);
    }
    return RAISE(err, ERR_INPUT,
                 "%zu bytes that are no zip archive, no NumPy array and no whole number of "
                 "CIFAR-100 records",
                 all->n);
}

/* What both ways of loading end with. */
static enum status finish(const char *name, enum status status, const struct image_options *options,
                          struct image_set *out, struct error *err)
{
    if (status == STATUS_OK && options->ink_is_one) {
        image_set_ink_is_one(out);
    }
    return status == STATUS_OK ? STATUS_OK : error_in_file(err, name);
}

enum status image_set_load_memory(const char *name, const uint8_t *data, size_t n,
                                  const struct image_options *options, struct image_set *out,
                                  struct error *err)
{
    *out = (struct image_set){0};
    const struct bytes all = {data, n};
    return finish(name, load_bytes(name, &all, options, out, err), options, out, err);
}

/* NAME.npy, with the labels of NAME_labels.npy when that file exists. */
static enum status load_npy_pair(const char *path, const struct bytes *images,
                                 const struct image_options *options, struct image_set *out,
                                 struct error *err)
{
    struct text beside = {0};
    const size_t length = strlen(path);
    const size_t stem = length > 4 && strcmp(path + length - 4, ".npy") == 0 ? length - 4 : length;
    text_append(&beside, path, stem);
    text_puts(&beside, "_labels.npy");
    struct stat facts;
    char *labels = NULL;
    size_t n = 0;
    enum status status = STATUS_OK;
    if (beside.failed) {
        status = RAISE(err, ERR_MEMORY, "no memory for a path");
    } else if (stat(beside.data, &facts) == 0) {
        status = file_read(beside.data, FILE_TREE_FILE_MAX, &labels, &n, err);
    }
    if (status == STATUS_OK) {
        status = load_npy(images->data, images->n, (const uint8_t *)labels, n, options, out, err);
    }
    free(labels);
    text_free(&beside);
    return status;
}

/* A folder, or a file that begins as archives do; the latter are read entry by entry. */
static enum status path_is_tree(const char *path, bool *tree, struct error *err)
{
    struct stat facts;
    if (stat(path, &facts) != 0) {
        return RAISE(err, ERR_IO, "cannot read: %s", strerror(errno));
    }
    if (S_ISDIR(facts.st_mode)) {
        *tree = true;
        return STATUS_OK;
    }
    FILE *const file = fopen(path, "rb");
    if (file == NULL) {
        return RAISE(err, ERR_IO, "cannot open: %s", strerror(errno));
    }
    uint8_t magic[4];
    *tree = is_zip(magic, fread(magic, 1, sizeof magic, file));
    fclose(file);
    return STATUS_OK;
}

enum status image_set_load(const char *path, const struct image_options *options,
                           struct image_set *out, struct error *err)
{
    *out = (struct image_set){0};
    bool is_tree = false;
    struct file_tree tree = {0};
    char *data = NULL;
    size_t n = 0;
    enum status status = path_is_tree(path, &is_tree, err);
    if (status == STATUS_OK && is_tree) {
        status = file_tree_open(path, &tree, err);
        if (status == STATUS_OK) {
            status = load_tree(&tree, options, out, err);
        }
    } else if (status == STATUS_OK) {
        status = file_read(path, FILE_TREE_FILE_MAX, &data, &n, err);
        const struct bytes all = {(const uint8_t *)data, n};
        if (status == STATUS_OK) {
            status = npy_is_magic(all.data, n) ? load_npy_pair(path, &all, options, out, err)
                                               : load_bytes(path, &all, options, out, err);
        }
    }
    free(data);
    file_tree_close(&tree);
    return finish(path, status, options, out, err);
}
