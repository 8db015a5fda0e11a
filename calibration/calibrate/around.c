/* Loading, serialising, merging, compressing: the actions that measure() times. */
#include "calibration/calibrate/around.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

extern char **environ;

const char *around_name(enum around kind)
{
    static const char *const names[] = {
#define X(name, word, text) word,
        AROUND_LIST(X)
#undef X
    };
    return names[kind];
}

const char *around_meaning(enum around kind)
{
    static const char *const meanings[] = {
#define X(name, word, text) text,
        AROUND_LIST(X)
#undef X
    };
    return meanings[kind];
}

/* Bytes before the numbers of a serialised model: a magic, a count, a checksum. */
#define HEADER_BYTES 20

enum status around_open(struct around_bench *bench, const char *folder, size_t bytes_max,
                        const float *gradient, size_t n, struct error *err)
{
    *bench = (struct around_bench){.bytes_max = bytes_max, .bytes = bytes_max};
    bench->packed_capacity = compressBound((uLong)bytes_max);
    bench->values = malloc(bytes_max);
    bench->sum = calloc(bytes_max, 1);
    bench->buffer = calloc(bytes_max + HEADER_BYTES, 1);
    bench->packed = malloc(bench->packed_capacity);
    if (bench->values == NULL || bench->sum == NULL || bench->buffer == NULL ||
        bench->packed == NULL) {
        return RAISE(err, ERR_MEMORY, "no memory for models of %zu bytes", bytes_max);
    }
    for (size_t i = 0; i < bytes_max / sizeof(float); i++) {
        bench->values[i] = gradient[i % n];
    }
    snprintf(bench->path, sizeof bench->path, "%s/faascast-calibrate-%ld", folder, (long)getpid());
    FILE *const file = fopen(bench->path, "wb");
    const bool written = file != NULL && fwrite(bench->values, 1, bytes_max, file) == bytes_max &&
                         fflush(file) == 0 && fsync(fileno(file)) == 0;
    if (file == NULL || fclose(file) != 0 || !written) {
        return RAISE(err, ERR_IO, "cannot write %s: %s", bench->path, strerror(errno));
    }
    return STATUS_OK;
}

void around_close(struct around_bench *bench)
{
    if (bench->path[0] != '\0') {
        unlink(bench->path);
    }
    free(bench->values);
    free(bench->sum);
    free(bench->buffer);
    free(bench->packed);
    *bench = (struct around_bench){0};
}

static enum status load(struct around_bench *b, bool cached, struct error *err)
{
    const int file = open(b->path, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        return RAISE(err, ERR_IO, "cannot open %s: %s", b->path, strerror(errno));
    }
    /* Written pages were synced, so that they can be dropped. */
    if (!cached) {
        posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
    }
    size_t have = 0;
    ssize_t got = 1;
    while (have < b->bytes && got > 0) {
        got = read(file, b->buffer + have, b->bytes - have);
        have += got > 0 ? (size_t)got : 0;
    }
    close(file);
    return have == b->bytes ? STATUS_OK
                            : RAISE(err, ERR_IO, "cannot read %s: %s", b->path, strerror(errno));
}

static void serialise(struct around_bench *b)
{
    const uint64_t count = b->bytes / sizeof(float);
    memcpy(b->buffer, "FAASCAST", 8);
    memcpy(b->buffer + 8, &count, sizeof count);
    memcpy(b->buffer + HEADER_BYTES, b->values, b->bytes);
    const uint32_t sum = (uint32_t)crc32(0, b->buffer + HEADER_BYTES, (uInt)b->bytes);
    memcpy(b->buffer + 16, &sum, sizeof sum);
}

static enum status deserialise(struct around_bench *b, struct error *err)
{
    uint64_t count;
    uint32_t sum;
    memcpy(&count, b->buffer + 8, sizeof count);
    memcpy(&sum, b->buffer + 16, sizeof sum);
    if (count * sizeof(float) != b->bytes ||
        sum != (uint32_t)crc32(0, b->buffer + HEADER_BYTES, (uInt)b->bytes)) {
        return RAISE(err, ERR_INPUT, "a serialised model does not match its checksum");
    }
    memcpy(b->sum, b->buffer + HEADER_BYTES, b->bytes);
    return STATUS_OK;
}

static enum status compress_values(struct around_bench *b, struct error *err)
{
    uLongf n = (uLongf)b->packed_capacity;
    if (compress2(b->packed, &n, (const Bytef *)b->values, (uLong)b->bytes, 1) != Z_OK) {
        return RAISE(err, ERR_EXTERNAL, "zlib cannot compress %zu bytes", b->bytes);
    }
    b->packed_bytes = n;
    return STATUS_OK;
}

static enum status decompress_values(struct around_bench *b, struct error *err)
{
    uLongf n = (uLongf)b->bytes;
    const int code = uncompress(b->buffer, &n, b->packed, (uLong)b->packed_bytes);
    return code == Z_OK && n == b->bytes
               ? STATUS_OK
               : RAISE(err, ERR_EXTERNAL, "zlib does not give %zu bytes back", b->bytes);
}

enum status around_run(void *bench, struct error *err)
{
    struct around_bench *const b = bench;
    switch (b->kind) {
    case AROUND_LOAD_DISK:
        return load(b, false, err);
    case AROUND_LOAD_CACHED:
        return load(b, true, err);
    case AROUND_SERIALISE:
        serialise(b);
        return STATUS_OK;
    case AROUND_DESERIALISE:
        return deserialise(b, err);
    case AROUND_MERGE:
        for (size_t i = 0; i < b->bytes / sizeof(float); i++) {
            b->sum[i] += b->values[i];
        }
        return STATUS_OK;
    case AROUND_COMPRESS:
        return compress_values(b, err);
    case AROUND_DECOMPRESS:
        return decompress_values(b, err);
    case AROUND_KINDS:
        break;
    }
    return STATUS_OK;
}

enum status process_start_run(void *start, struct error *err)
{
    char *const *const arguments = ((const struct process_start *)start)->arguments;
    posix_spawn_file_actions_t actions;
    pid_t child = 0;
    int code = 0;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    const int failed = posix_spawn(&child, arguments[0], &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (failed != 0) {
        return RAISE(err, ERR_EXTERNAL, "cannot start %s: %s", arguments[0], strerror(failed));
    }
    while (waitpid(child, &code, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(code) && WEXITSTATUS(code) == 0
               ? STATUS_OK
               : RAISE(err, ERR_EXTERNAL, "%s ended with status %d", arguments[0], code);
}

/* Weighted least squares with weights 1 / seconds^2, in closed form. */
static struct size_law line(const double *bytes, const double *seconds, size_t n, bool fixed,
                            bool slope)
{
    double s0 = 0.0, s1 = 0.0, s2 = 0.0, t0 = 0.0, t1 = 0.0;
    for (size_t i = 0; i < n; i++) {
        const double w = 1.0 / (seconds[i] * seconds[i]);
        s0 += w;
        s1 += w * bytes[i];
        s2 += w * bytes[i] * bytes[i];
        t0 += w * seconds[i];
        t1 += w * bytes[i] * seconds[i];
    }
    const double determinant = s0 * s2 - s1 * s1;
    struct size_law law = {0};
    if (fixed && slope && determinant > 0.0) {
        law.fixed_s = (s2 * t0 - s1 * t1) / determinant;
        law.s_per_byte = (s0 * t1 - s1 * t0) / determinant;
    } else if (slope) {
        law.s_per_byte = t1 / s2;
    } else {
        law.fixed_s = t0 / s0;
    }
    double squares = 0.0;
    for (size_t i = 0; i < n; i++) {
        const double r = (law.fixed_s + law.s_per_byte * bytes[i]) / seconds[i] - 1.0;
        squares += r * r;
    }
    law.rms_ratio = sqrt(squares / (double)n);
    return law;
}

struct size_law size_law_fit(const double *bytes, const double *seconds, size_t n)
{
    const struct size_law both = line(bytes, seconds, n, true, true);
    if (both.fixed_s < 0.0) {
        return line(bytes, seconds, n, false, true);
    }
    return both.s_per_byte < 0.0 ? line(bytes, seconds, n, true, false) : both;
}
