/* A tree of files, in a directory or in a zip archive: names in order, and the bytes of one of
 * them. Inner header of calibration/data: the loaders above it do not know which of the two it is.
 */
#ifndef CALIBRATION_DATA_FILE_TREE_H
#define CALIBRATION_DATA_FILE_TREE_H

#include "model/base/base.h"

struct zip;

struct file_tree {
    const char *path;  /* borrowed from names */
    size_t n;          /* files; directories are not listed */
    const char **name; /* relative, '/' between parts, sorted by byte value; borrowed from names */
    uint64_t *index;   /* entry number in the archive; NULL for a directory */
    struct zip *archive;
    uint64_t archive_bytes;
    struct arena names;
};

/* No single file of few-shot data is larger (the CIFAR-100 training set has 154 MB; mini-ImageNet
 * as one array of bytes 1.3 GB). */
#define FILE_TREE_FILE_MAX ((size_t)4 << 30)

/* List the files below a directory or inside a zip archive. Hidden files (".name") and the
 * "__MACOSX" folder that some archivers add are left out.
 *
 * Owns:    caller frees *out with file_tree_close(), also after an error.
 * Errors:  ERR_IO when the path or a folder cannot be read; ERR_INPUT when it is neither a
 *          directory nor a zip archive, or holds no file; ERR_MEMORY.
 */
enum status file_tree_open(const char *path, struct file_tree *out, struct error *err);

/* The same for the bytes of an archive, which must outlive *out. */
enum status file_tree_open_memory(const char *path, const uint8_t *data, size_t n,
                                  struct file_tree *out, struct error *err);

/* The bytes of file i (caller frees *data). Errors: ERR_IO, ERR_INPUT (damaged), ERR_MEMORY. */
enum status file_tree_read(struct file_tree *tree, size_t i, uint8_t **data, size_t *n,
                           struct error *err);

/* Index of a file by its last path component at the smallest depth, or n when there is none. */
size_t file_tree_find(const struct file_tree *tree, const char *base_name);

void file_tree_close(struct file_tree *tree);

/* Set the input file of an error that has none yet; returns the error's code. */
enum status error_in_file(struct error *err, const char *path);

#endif
