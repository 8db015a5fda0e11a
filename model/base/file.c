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

enum status file_write(const char *path, const char *data, size_t size, struct error *err)
{
    if (strcmp(path, "-") == 0) {
        if (write_all(STDOUT_FILENO, data, size) != STATUS_OK) {
            return RAISE(err, ERR_IO, "cannot write to standard output: %s", strerror(errno));
        }
        return STATUS_OK;
    }
    struct text name = {0};
    text_printf(&name, "%s.%ld.tmp", path, (long)getpid());
    if (name.failed) {
        text_free(&name);
        return RAISE(err, ERR_MEMORY, "out of memory writing %s", path);
    }
    enum status status = STATUS_OK;
    struct stat info;
    const bool special = stat(path, &info) == 0 && !S_ISREG(info.st_mode);
    /* A device or pipe (/dev/null, a named pipe) cannot be renamed over: write into it. */
    const char *target = special ? path : name.data;
    const int fd = open(target, O_WRONLY | (special ? 0 : O_CREAT | O_TRUNC), 0666);
    if (fd < 0) {
        status = RAISE(err, ERR_IO, "cannot write %s: %s", path, strerror(errno));
        text_free(&name);
        return status;
    }
    if (write_all(fd, data, size) != STATUS_OK || (!special && fsync(fd) != 0)) {
        status = RAISE(err, ERR_IO, "cannot write %s: %s", path, strerror(errno));
    }
    if (close(fd) != 0 && status == STATUS_OK) {
        status = RAISE(err, ERR_IO, "cannot write %s: %s", path, strerror(errno));
    }
    if (!special && status == STATUS_OK && rename(name.data, path) != 0) {
        status = RAISE(err, ERR_IO, "cannot write %s: %s", path, strerror(errno));
    }
    if (!special && status != STATUS_OK) {
        unlink(name.data);
    }
    text_free(&name);
    return status;
}

uint64_t hash_bytes(uint64_t seed, const void *data, size_t size)
{
    const unsigned char *p = data;
    for (size_t i = 0; i < size; i++) {
        seed = (seed ^ p[i]) * UINT64_C(0x100000001b3);
    }
    return seed;
}
