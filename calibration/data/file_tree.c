/* Directory trees and zip archives behind one list of names.
 *
 * The archive is read with libzip: it opens archives from memory as well as from files (what a
 * fuzzer needs), checks sizes and checksums, and knows zip64; minizip needs a user-written I/O
 * layer for the former and is not maintained upstream in the version that distributions carry.
 *
 * Names are sorted, so that class numbers do not depend on the order a file system lists them in.
 */
#include "calibration/data/file_tree.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zip.h>

/* Growing list of names while listing. */
struct listing {
    struct arena *arena;
    const char **name;
    uint64_t *index;
    size_t n, capacity;
};

static bool listing_add(struct listing *list, const char *name, uint64_t index)
{
    if (list->n == list->capacity) {
        const size_t capacity = list->capacity == 0 ? 256 : 2 * list->capacity;
        const char **const names = realloc(list->name, capacity * sizeof *names);
        if (names == NULL) {
            return false;
        }
        list->name = names;
        uint64_t *const indices = realloc(list->index, capacity * sizeof *indices);
        if (indices == NULL) {
            return false;
        }
        list->index = indices;
        list->capacity = capacity;
    }
    list->name[list->n] = arena_copy(list->arena, name, strlen(name));
    list->index[list->n] = index;
    if (list->name[list->n] == NULL) {
        return false;
    }
    list->n++;
    return true;
}

/* A part of the path starts with a dot, or is the folder of Apple's resource forks. */
static bool name_is_hidden(const char *name)
{
    for (const char *part = name; part != NULL; part = strchr(part, '/')) {
        part += *part == '/';
        if (part[0] == '.' || strncmp(part, "__MACOSX/", 9) == 0) {
            return true;
        }
    }
    return false;
}

enum status error_in_file(struct error *err, const char *path)
{
    if (err->file[0] == '\0') {
        snprintf(err->file, sizeof err->file, "%s", path);
    }
    return err->code;
}

/* ---------------------------------------------------------------- directories */

/* Links to a parent folder would make the tree endless; real data is a few levels deep. */
#define FOLDER_DEPTH_MAX 16

static enum status list_folder(const char *root, const char *below, int depth, struct listing *list,
                               struct error *err)
{
    struct text path = {0};
    text_printf(&path, "%s%s%s", root, below[0] == '\0' ? "" : "/", below);
    if (path.failed) {
        text_free(&path);
        return RAISE(err, ERR_MEMORY, "no memory to list a folder");
    }
    DIR *const folder = depth < FOLDER_DEPTH_MAX ? opendir(path.data) : NULL;
    if (folder == NULL) {
        const enum status status =
            depth < FOLDER_DEPTH_MAX
                ? RAISE(err, ERR_IO, "cannot open folder %s: %s", path.data, strerror(errno))
                : RAISE(err, ERR_INPUT, "folder %s is more than %d levels deep", path.data,
                        FOLDER_DEPTH_MAX);
        text_free(&path);
        return status;
    }
    enum status status = STATUS_OK;
    for (const struct dirent *entry; status == STATUS_OK && (entry = readdir(folder)) != NULL;) {
        if (entry->d_name[0] == '.' || strcmp(entry->d_name, "__MACOSX") == 0) {
            continue;
        }
        struct text name = {0}, full = {0};
        text_printf(&name, "%s%s%s", below, below[0] == '\0' ? "" : "/", entry->d_name);
        text_printf(&full, "%s/%s", path.data, entry->d_name);
        struct stat facts;
        if (name.failed || full.failed) {
            status = RAISE(err, ERR_MEMORY, "no memory to list a folder");
        } else if (stat(full.data, &facts) != 0) {
            status = RAISE(err, ERR_IO, "cannot read %s: %s", full.data, strerror(errno));
        } else if (S_ISDIR(facts.st_mode)) {
            status = list_folder(root, name.data, depth + 1, list, err);
        } else if (S_ISREG(facts.st_mode) && !listing_add(list, name.data, 0)) {
            status = RAISE(err, ERR_MEMORY, "no memory to list a folder");
        }
        text_free(&name);
        text_free(&full);
    }
    closedir(folder);
    text_free(&path);
    return status;
}

/* ---------------------------------------------------------------- archives */

static enum status list_archive(struct zip *archive, struct listing *list, struct error *err)
{
    const zip_int64_t n = zip_get_num_entries(archive, 0);
    for (zip_uint64_t i = 0; (zip_int64_t)i < n; i++) {
        const char *const name = zip_get_name(archive, i, 0);
        if (name == NULL) {
            return RAISE(err, ERR_INPUT, "damaged zip archive: entry %llu has no name",
                         (unsigned long long)i);
        }
        const size_t length = strlen(name);
        if (length == 0 || name[length - 1] == '/' || name_is_hidden(name)) {
            continue;
        }
        if (!listing_add(list, name, i)) {
            return RAISE(err, ERR_MEMORY, "no memory to list an archive");
        }
    }
    return STATUS_OK;
}

static enum status read_archived(const struct file_tree *tree, size_t i, uint8_t **data, size_t *n,
                                 struct error *err)
{
    struct zip *const archive = tree->archive;
    const uint64_t index = tree->index[i];
    const char *const name = tree->name[i];
    zip_stat_t facts;
    zip_stat_init(&facts);
    if (zip_stat_index(archive, index, 0, &facts) != 0 || (facts.valid & ZIP_STAT_SIZE) == 0) {
        return RAISE(err, ERR_INPUT, "%s: damaged zip entry", name);
    }
    /* An entry is no larger than its archive, and deflate packs at most 1032 to 1 (zlib's
     * documentation): a larger claim is damage, or made to have us take the machine's memory. */
    const bool plausible =
        (facts.valid & ZIP_STAT_COMP_SIZE) == 0 ||
        (facts.comp_size <= tree->archive_bytes && facts.size / 1032 <= facts.comp_size + 1);
    if (facts.size > FILE_TREE_FILE_MAX || !plausible) {
        return RAISE(err, ERR_INPUT, "%s: zip entry claims %llu bytes", name,
                     (unsigned long long)facts.size);
    }
    zip_file_t *const file = zip_fopen_index(archive, index, 0);
    if (file == NULL) {
        return RAISE(err, ERR_INPUT, "%s: %s", name, zip_strerror(archive));
    }
    uint8_t *const buffer = malloc((size_t)facts.size + 1);
    if (buffer == NULL) {
        zip_fclose(file);
        return RAISE(err, ERR_MEMORY, "%s: no memory for %llu bytes", name,
                     (unsigned long long)facts.size);
    }
    /* One byte more is asked for: reaching the end of the entry is what makes libzip compare its
     * checksum. */
    zip_uint64_t have = 0;
    zip_int64_t got = 1;
    while (have <= facts.size &&
           (got = zip_fread(file, buffer + have, facts.size + 1 - have)) > 0) {
        have += (zip_uint64_t)got;
    }
    zip_fclose(file);
    if (got < 0 && have >= facts.size) { /* all there, and not what the archive says of it */
        free(buffer);
        return RAISE(err, ERR_INPUT, "%s: damaged zip entry: its checksum is wrong", name);
    }
    if (got < 0 || have != facts.size) {
        free(buffer);
        return RAISE(err, ERR_INPUT, "%s: truncated or damaged zip entry (%llu of %llu bytes)",
                     name, (unsigned long long)have, (unsigned long long)facts.size);
    }
    *data = buffer;
    *n = (size_t)have;
    return STATUS_OK;
}

static enum status archive_raise(struct error *err, zip_error_t *reason)
{
    const enum status status =
        RAISE(err, ERR_INPUT, "not a readable zip archive: %s", zip_error_strerror(reason));
    zip_error_fini(reason);
    return status;
}

/* ---------------------------------------------------------------- both */

struct sorted {
    const char *name;
    uint64_t index;
};

static int sorted_compare(const void *a, const void *b)
{
    return strcmp(((const struct sorted *)a)->name, ((const struct sorted *)b)->name);
}

/* Take the listing over, sorted. */
static enum status file_tree_take(struct file_tree *out, struct listing *list, struct error *err)
{
    if (list->n == 0) {
        return RAISE(err, ERR_INPUT, "%s holds no file",
                     out->archive == NULL ? "the folder" : "the archive");
    }
    struct sorted *const order = malloc(list->n * sizeof *order);
    if (order == NULL) {
        return RAISE(err, ERR_MEMORY, "no memory to list %zu files", list->n);
    }
    for (size_t i = 0; i < list->n; i++) {
        order[i] = (struct sorted){list->name[i], list->index[i]};
    }
    qsort(order, list->n, sizeof *order, sorted_compare);
    for (size_t i = 0; i < list->n; i++) {
        list->name[i] = order[i].name;
        list->index[i] = order[i].index;
    }
    free(order);
    out->n = list->n;
    return STATUS_OK;
}

static enum status file_tree_finish(struct file_tree *out, const char *path, enum status status,
                                    struct listing *list, struct error *err)
{
    out->path = arena_copy(&out->names, path, strlen(path));
    out->name = list->name;
    out->index = list->index;
    if (status == STATUS_OK && out->path == NULL) {
        status = RAISE(err, ERR_MEMORY, "no memory to list files");
    }
    if (status == STATUS_OK) {
        status = file_tree_take(out, list, err);
    }
    return status == STATUS_OK ? STATUS_OK : error_in_file(err, path);
}

enum status file_tree_open_memory(const char *path, const uint8_t *data, size_t n,
                                  struct file_tree *out, struct error *err)
{
    *out = (struct file_tree){.archive_bytes = n};
    struct listing list = {.arena = &out->names};
    zip_error_t reason;
    zip_error_init(&reason);
    zip_source_t *const buffer = zip_source_buffer_create(data, n, 0, &reason);
    if (buffer == NULL) {
        archive_raise(err, &reason);
        return error_in_file(err, path);
    }
    out->archive = zip_open_from_source(buffer, ZIP_RDONLY, &reason);
    if (out->archive == NULL) {
        zip_source_free(buffer);
        archive_raise(err, &reason);
        return error_in_file(err, path);
    }
    return file_tree_finish(out, path, list_archive(out->archive, &list, err), &list, err);
}

enum status file_tree_open(const char *path, struct file_tree *out, struct error *err)
{
    *out = (struct file_tree){0};
    struct listing list = {.arena = &out->names};
    struct stat facts;
    enum status status = STATUS_OK;
    if (stat(path, &facts) != 0) {
        RAISE(err, ERR_IO, "cannot read: %s", strerror(errno));
        return error_in_file(err, path);
    }
    if (S_ISDIR(facts.st_mode)) {
        status = list_folder(path, "", 0, &list, err);
    } else {
        int code = 0;
        out->archive_bytes = (uint64_t)facts.st_size;
        out->archive = zip_open(path, ZIP_RDONLY, &code);
        if (out->archive == NULL) {
            zip_error_t reason;
            zip_error_init_with_code(&reason, code);
            status = archive_raise(err, &reason);
        } else {
            status = list_archive(out->archive, &list, err);
        }
    }
    return file_tree_finish(out, path, status, &list, err);
}

enum status file_tree_read(struct file_tree *tree, size_t i, uint8_t **data, size_t *n,
                           struct error *err)
{
    enum status status = STATUS_OK;
    if (tree->archive != NULL) {
        status = read_archived(tree, i, data, n, err);
    } else {
        struct text path = {0};
        text_printf(&path, "%s/%s", tree->path, tree->name[i]);
        char *bytes = NULL;
        status = path.failed ? RAISE(err, ERR_MEMORY, "no memory for a path")
                             : file_read(path.data, FILE_TREE_FILE_MAX, &bytes, n, err);
        *data = (uint8_t *)bytes;
        text_free(&path);
    }
    return status == STATUS_OK ? STATUS_OK : error_in_file(err, tree->path);
}

size_t file_tree_find(const struct file_tree *tree, const char *base_name)
{
    size_t best = tree->n, best_depth = SIZE_MAX;
    for (size_t i = 0; i < tree->n; i++) {
        const char *const slash = strrchr(tree->name[i], '/');
        if (strcmp(slash == NULL ? tree->name[i] : slash + 1, base_name) != 0) {
            continue;
        }
        size_t depth = 0;
        for (const char *c = tree->name[i]; *c != '\0'; c++) {
            depth += *c == '/';
        }
        if (depth < best_depth) {
            best = i;
            best_depth = depth;
        }
    }
    return best;
}

void file_tree_close(struct file_tree *tree)
{
    if (tree->archive != NULL) {
        zip_discard(tree->archive);
    }
    free(tree->name);
    free(tree->index);
    arena_free(&tree->names);
    *tree = (struct file_tree){0};
}
