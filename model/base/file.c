/* Whole files in, whole files out (temporary name, then rename), and a hash for identities. */
#include "model/base/base.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum status file_read(const char *path, size_t limit, char **out, size_t *size, struct error *err)
{
    FILE *f = fopen(path, "rb");
    if (f == NULL) {
        return RAISE(err, ERR_IO, "cannot open %s: %s", path, strerror(errno));
    }
    struct stat info;
    if (fstat(fileno(f), &info) == 0 && S_ISDIR(info.st_mode)) {
        fclose(f);
        return RAISE(err, ERR_IO, "%s is a directory, expected a file", path);
    }
    struct text t = {0};
    char chunk[16384];
    enum status status = STATUS_OK;
    size_t n;
    while ((n = fread(chunk, 1, sizeof chunk, f)) > 0) {
        text_append(&t, chunk, n);
        if (t.size > limit) {
            status = RAISE(err, ERR_INPUT, "%s is larger than %zu bytes, the limit for such a file",
                           path, limit);
            break;
        }
    }
    if (status == STATUS_OK && ferror(f)) {
        status = RAISE(err, ERR_IO, "cannot read %s: %s", path, strerror(errno));
    }
    fclose(f);
    if (status == STATUS_OK && t.data == NULL && !t.failed) {
        text_append(&t, "", 0);
    }
    if (status == STATUS_OK && t.failed) {
        status = RAISE(err, ERR_MEMORY, "out of memory reading %s", path);
    }
    if (status != STATUS_OK) {
        text_free(&t);
        return status;
    }
    *out = t.data;
    *size = t.size;
    return STATUS_OK;
}

static enum status write_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        const ssize_t n = write(fd, data, size);
        if (n < 0) {
            if (errno == EINTR) {
                continue;
            }
            return ERR_IO;
        }
        data += n;
        size -= (size_t)n;
    }
    return STATUS_OK;
}

static enum status cannot_write(const struct file_out *f, struct error *err)
{
    return RAISE(err, ERR_IO, "cannot write %s: %s", f->path, strerror(errno));
}

enum status file_begin(struct file_out *f, const char *path, struct error *err)
{
    *f = (struct file_out){.fd = -1};
    if (strcmp(path, "-") == 0) {
        f->fd = STDOUT_FILENO;
        return STATUS_OK;
    }
    struct text name = {0};
    struct text own = {0};
    text_printf(&name, "%s.%ld.tmp", path, (long)getpid());
    text_puts(&own, path);
    f->path = own.data;
    f->name = name.data;
    if (name.failed || own.failed) {
        RAISE(err, ERR_MEMORY, "out of memory writing %s", path);
        file_abandon(f);
        return err->code;
    }
    struct stat info;
    /* A device or pipe (/dev/null, a named pipe) cannot be renamed over: write into it. */
    f->special = stat(path, &info) == 0 && !S_ISREG(info.st_mode);
    f->fd =
        open(f->special ? path : f->name, O_WRONLY | (f->special ? 0 : O_CREAT | O_TRUNC), 0666);
    if (f->fd < 0) {
        cannot_write(f, err);
        file_abandon(f);
    }
    return err->code;
}

enum status file_try(const char *path, struct error *err)
{
    struct file_out f;
    struct stat info;
    const bool there = stat(path, &info) == 0;
    if (there && S_ISDIR(info.st_mode)) {
        return RAISE(err, ERR_IO, "cannot write %s: it is a directory", path);
    }
    if (strcmp(path, "-") == 0 || (there && !S_ISREG(info.st_mode))) {
        return STATUS_OK; /* opening a pipe would wait for its reader */
    }
    if (file_begin(&f, path, err) == STATUS_OK) {
        file_abandon(&f);
    }
    return err->code;
}

enum status file_append(struct file_out *f, const char *data, size_t size, struct error *err)
{
    if (write_all(f->fd, data, size) == STATUS_OK) {
        return STATUS_OK;
    }
    return f->path != NULL
               ? cannot_write(f, err)
               : RAISE(err, ERR_IO, "cannot write to standard output: %s", strerror(errno));
}

enum status file_finish(struct file_out *f, struct error *err)
{
    if (f->path != NULL && f->fd >= 0) {
        if (!f->special && fsync(f->fd) != 0) {
            cannot_write(f, err);
        }
        if (close(f->fd) != 0) {
            cannot_write(f, err);
        }
        f->fd = -1;
        if (!f->special && err->code == STATUS_OK) {
            if (rename(f->name, f->path) != 0) {
                cannot_write(f, err);
            } else {
                f->name[0] = '\0';
            }
        }
    }
    file_abandon(f);
    return err->code;
}

void file_abandon(struct file_out *f)
{
    if (f->path != NULL && f->fd >= 0) {
        close(f->fd);
    }
    if (f->name != NULL && f->name[0] != '\0' && !f->special) {
        unlink(f->name);
    }
    free(f->path);
    free(f->name);
    *f = (struct file_out){.fd = -1};
}

enum status file_write(const char *path, const char *data, size_t size, struct error *err)
{
    struct file_out f;
    if (file_begin(&f, path, err) == STATUS_OK && file_append(&f, data, size, err) == STATUS_OK) {
        file_finish(&f, err);
    }
    file_abandon(&f);
    return err->code;
}

uint64_t hash_bytes(uint64_t seed, const void *data, size_t size)
{
    const unsigned char *p = data;
    for (size_t i = 0; i < size; i++) {
        seed = (seed ^ p[i]) * UINT64_C(0x100000001b3);
    }
    return seed;
}
