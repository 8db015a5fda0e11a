/* The catalogue: named, dated, sourced entries in data files. A section's "use" lays an entry under
 * the keys written beside it. */
#include "model/config.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { USE_DEPTH = 8 }; /* entries over entries over ... */

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

enum status catalogue_files(struct arena *a, const char *dir, char ***out, size_t *count,
                            struct error *err)
{
    enum { FILES_MAX = 512 };
    *count = 0;
    *out = arena_alloc(a, FILES_MAX * sizeof **out);
    DIR *d = opendir(dir);
    if (*out == NULL) {
        RAISE(err, ERR_MEMORY, "out of memory listing %s", dir);
    }
    const struct dirent *entry;
    while (d != NULL && err->code == STATUS_OK && (entry = readdir(d)) != NULL) {
        if (!text_ends(entry->d_name, ".json") || *count == FILES_MAX) {
            continue;
        }
        struct text path = {0};
        text_printf(&path, "%s/%s", dir, entry->d_name);
        char *copy = path.failed ? NULL : arena_copy(a, path.data, path.size);
        text_free(&path);
        if (copy == NULL) {
            RAISE(err, ERR_MEMORY, "out of memory listing %s", dir);
        } else {
            (*out)[(*count)++] = copy;
        }
    }
    if (d != NULL) {
        closedir(d);
    }
    if (err->code == STATUS_OK) {
        qsort(*out, *count, sizeof **out, by_name);
    }
    return err->code;
}

static enum status add_file(struct arena *a, const char *path, struct json *catalogue,
                            struct error *err)
{
    struct json *file = NULL;
    if (json_load(a, path, &file, err) != STATUS_OK) {
        return err->code;
    }
    for (const struct json *group = file->first; group != NULL; group = group->next) {
        struct json *there = json_member(catalogue, group->key);
        if (group->kind != JSON_OBJECT) {
            return JSON_RAISE(err, group, ERR_INPUT, "expected an object of named entries");
        }
        if (there == NULL) {
            there = json_new(a, JSON_OBJECT, group->origin);
            if (there == NULL) {
                return RAISE(err, ERR_MEMORY, "out of memory reading %s", path);
            }
            json_append(catalogue, there, group->key);
        }
        for (const struct json *entry = group->first; entry != NULL; entry = entry->next) {
            const struct json *twin = json_member(there, entry->key);
            if (twin != NULL) {
                return JSON_RAISE(err, entry, ERR_INPUT, "'%s' stands in %s:%u already", entry->key,
                                  twin->origin.file, twin->origin.line);
            }
            struct json *copy = json_copy(a, entry);
            if (copy == NULL) {
                return RAISE(err, ERR_MEMORY, "out of memory reading %s", path);
            }
            json_append(there, copy, entry->key);
        }
    }
    return STATUS_OK;
}

/* A file that a scenario names: what is wrong with it as a file is told where it is named. */
static enum status add_own(struct arena *a, const struct json *file, struct json *catalogue,
                           struct error *err)
{
    struct error found = {0};
    if (add_file(a, file->text, catalogue, &found) == STATUS_OK) {
        return STATUS_OK;
    }
    return found.code == ERR_IO ? JSON_RAISE(err, file, ERR_INPUT, "%s", found.message)
                                : (*err = found, found.code);
}

enum status catalogue_read(struct arena *a, const char *dir, const struct json *own,
                           struct json **out, struct error *err)
{
    static const char *const folders[] = {"catalogue", "catalogue/measured"};
    *out = json_new(a, JSON_OBJECT, (struct json_origin){.file = dir});
    if (*out == NULL) {
        return RAISE(err, ERR_MEMORY, "out of memory reading the catalogue");
    }
    size_t total = 0;
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        struct text path = {0};
        text_printf(&path, "%s/%s", dir, folders[i]);
        char **files = NULL;
        size_t count = 0;
        if (path.failed) {
            RAISE(err, ERR_MEMORY, "out of memory reading the catalogue");
        } else {
            catalogue_files(a, path.data, &files, &count, err);
        }
        text_free(&path);
        for (size_t k = 0; k < count && err->code == STATUS_OK; k++) {
            add_file(a, files[k], *out, err);
        }
        total += count;
    }
    if (err->code == STATUS_OK && total == 0) {
        return RAISE(err, ERR_IO,
                     "no catalogue in %s/catalogue (set FAASCAST_DATA to the folder that holds it)",
                     dir);
    }
    for (const struct json *file = own != NULL ? own->first : NULL;
         file != NULL && err->code == STATUS_OK; file = file->next) {
        add_own(a, file, *out, err);
    }
    return err->code;
}

static enum status unknown_entry(const struct json *use, const struct json *group,
                                 const char *group_name, struct error *err)
{
    enum { NAMES_MAX = 512 };
    const char *names[NAMES_MAX];
    size_t n = 0;
    for (const struct json *e = group != NULL ? group->first : NULL; e != NULL && n < NAMES_MAX;
         e = e->next) {
        names[n++] = e->key;
    }
    const char *near = nearest_name(use->text, names, n);
    return JSON_RAISE(err, use, ERR_INPUT, "no \"%.80s\" among the %s of the catalogue%s%s%s",
                      use->text, group_name, near != NULL ? ", did you mean \"" : "",
                      near != NULL ? near : "", near != NULL ? "\"?" : "");
}

/* An entry by name, laid over the entry it uses itself. Owned by the arena. */
static enum status entry_build(struct arena *a, const struct section *s, const struct json *group,
                               struct json *use, int depth, struct json **out, struct error *err)
{
    if (use->kind != JSON_STRING) {
        return JSON_RAISE(err, use, ERR_INPUT, "expected the name of a catalogue entry");
    }
    const struct json *entry = group != NULL ? json_member(group, use->text) : NULL;
    if (entry == NULL) {
        return unknown_entry(use, group, s->catalogue, err);
    }
    if (depth == USE_DEPTH) {
        return JSON_RAISE(err, use, ERR_INPUT, "entries that use each other in a circle");
    }
    struct json *own = json_copy(a, entry);
    if (own == NULL) {
        return RAISE(err, ERR_MEMORY, "out of memory resolving '%s'", s->name);
    }
    struct json *below = json_member(own, "use");
    if (below == NULL) {
        *out = own;
        return STATUS_OK;
    }
    below->read = true;
    if (entry_build(a, s, group, below, depth + 1, out, err) != STATUS_OK) {
        return err->code;
    }
    value_overrule(s->fields, *out, own);
    return value_merge(a, *out, own, err);
}

enum status catalogue_resolve(struct arena *a, struct json *catalogue, struct json *tree,
                              struct error *err)
{
    for (const struct section *s = sections; s->name != NULL; s++) {
        struct json *node = json_member(tree, s->name);
        struct json *use = node != NULL ? json_member(node, "use") : NULL;
        if (use == NULL) {
            continue;
        }
        if (s->catalogue == NULL) {
            return JSON_RAISE(err, use, ERR_INPUT, "the catalogue has no entries for '%s'",
                              s->name);
        }
        struct json *merged = NULL;
        struct json *own = json_copy(a, node);
        if (own == NULL) {
            return RAISE(err, ERR_MEMORY, "out of memory resolving '%s'", s->name);
        }
        if (entry_build(a, s, json_member(catalogue, s->catalogue), use, 0, &merged, err) !=
            STATUS_OK) {
            return err->code;
        }
        value_overrule(s->fields, merged, own);
        if (value_merge(a, merged, own, err) != STATUS_OK) {
            return err->code;
        }
        /* The section keeps its place in the tree and takes the merged members. */
        node->first = merged->first;
        node->last = merged->last;
        node->count = merged->count;
        for (struct json *child = node->first; child != NULL; child = child->next) {
            child->parent = node;
        }
    }
    return STATUS_OK;
}
