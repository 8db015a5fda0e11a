/* Lines of a file in constant memory: one buffer, filled by read() or by zlib's inflate.
 *
 * The buffer holds the longest line allowed plus one chunk. A longer line is thrown away piece by
 * piece and handed out once, flagged, so that its number is right and the next line is found. NUL
 * bytes are looked for once per chunk, not once per line.
 */
#include "calibration/import/source.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

enum { CHUNK = 1 << 18, BUFFER = (1 << 20) + 2 * CHUNK };

struct source {
    char name[256];
    int fd; /* -1 when reading from memory */
    const unsigned char *memory;
    size_t memory_left;

    bool gzip, inflating, gzip_done;
    z_stream z;
    unsigned char *packed; /* compressed input, CHUNK bytes */

    char *data; /* capacity + 1 bytes */
    size_t capacity, begin, end;
    bool eof, has_nul, started, hashing;
    uint64_t bytes, lines, hash;
};

/* Raw bytes of the file, before decompression. */
static enum status read_raw(struct source *s, void *to, size_t room, size_t *got, struct error *err)
{
    if (s->fd < 0) {
        *got = s->memory_left < room ? s->memory_left : room;
        if (*got > 0) {
            memcpy(to, s->memory, *got);
            s->memory += *got;
            s->memory_left -= *got;
        }
        return STATUS_OK;
    }
    ssize_t n;
    do {
        n = read(s->fd, to, room);
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
        return RAISE(err, ERR_IO, "cannot read '%s': %s", s->name, strerror(errno));
    }
    *got = (size_t)n;
    return STATUS_OK;
}

static enum status gzip_fault(const struct source *s, const char *what, struct error *err)
{
    return RAISE(err, ERR_INPUT, "'%s' is broken gzip data: %s after %llu readable lines", s->name,
                 what, (unsigned long long)s->lines);
}

static enum status read_gzip(struct source *s, char *to, size_t room, size_t *got,
                             struct error *err)
{
    s->z.next_out = (unsigned char *)to;
    s->z.avail_out = (uInt)room;
    while (s->z.avail_out == (uInt)room && !s->gzip_done) {
        if (s->z.avail_in == 0) {
            size_t n = 0;
            const enum status code = read_raw(s, s->packed, CHUNK, &n, err);
            if (code != STATUS_OK) {
                return code;
            }
            if (n == 0) {
                if (s->inflating) {
                    return gzip_fault(s, "it ends too early", err);
                }
                s->gzip_done = true;
                break;
            }
            s->z.next_in = s->packed;
            s->z.avail_in = (uInt)n;
        }
        if (!s->inflating) { /* between members: another one may follow (RFC 1952, 2.2) */
            if (inflateReset(&s->z) != Z_OK) {
                return gzip_fault(s, "cannot restart", err);
            }
            s->inflating = true;
        }
        const int code = inflate(&s->z, Z_NO_FLUSH);
        if (code == Z_STREAM_END) {
            s->inflating = false;
        } else if (code != Z_OK && code != Z_BUF_ERROR) {
            return gzip_fault(s, s->z.msg != NULL ? s->z.msg : "not readable", err);
        }
    }
    *got = room - s->z.avail_out;
    return STATUS_OK;
}

/* Bring more bytes in behind `end`; eof when there are none. */
static enum status fill(struct source *s, struct error *err)
{
    if (s->begin > 0) {
        memmove(s->data, s->data + s->begin, s->end - s->begin);
        s->end -= s->begin;
        s->begin = 0;
    }
    const size_t left = s->capacity - s->end, room = left < CHUNK ? left : CHUNK;
    size_t got = 0;
    const enum status code = s->gzip ? read_gzip(s, s->data + s->end, room, &got, err)
                                     : read_raw(s, s->data + s->end, room, &got, err);
    if (code != STATUS_OK) {
        return code;
    }
    s->eof = got == 0;
    s->bytes += got;
    /* Once seen it stays set: it only says that lines are worth a closer look. */
    s->has_nul = s->has_nul || memchr(s->data + s->end, '\0', got) != NULL;
    if (s->hashing) {
        s->hash = hash_bytes(s->hash, s->data + s->end, got);
    }
    s->end += got;
    return STATUS_OK;
}

static bool looks_utf16(const unsigned char *d, size_t n)
{
    if (n >= 2 && ((d[0] == 0xff && d[1] == 0xfe) || (d[0] == 0xfe && d[1] == 0xff))) {
        return true;
    }
    return n >= 4 && ((d[0] != 0 && d[1] == 0 && d[2] != 0 && d[3] == 0) ||
                      (d[0] == 0 && d[1] != 0 && d[2] == 0 && d[3] != 0));
}

/* First bytes: gzip magic, UTF-16, UTF-8 byte order mark. */
static enum status start(struct source *s, struct error *err)
{
    s->started = true;
    while (!s->eof && s->end < 4) {
        const enum status code = fill(s, err);
        if (code != STATUS_OK) {
            return code;
        }
    }
    const unsigned char *const d = (const unsigned char *)s->data;
    if (!s->gzip && s->end >= 2 && d[0] == 0x1f && d[1] == 0x8b) {
        s->packed = malloc(CHUNK);
        if (s->packed == NULL || s->end > CHUNK || inflateInit2(&s->z, 15 + 16) != Z_OK) {
            return RAISE(err, ERR_MEMORY, "no memory to decompress '%s'", s->name);
        }
        s->gzip = s->inflating = true;
        memcpy(s->packed, s->data, s->end);
        s->z.next_in = s->packed;
        s->z.avail_in = (uInt)s->end;
        s->end = 0;
        s->bytes = 0;
        s->hash = HASH_SEED;
        s->eof = s->has_nul = false;
        return start(s, err);
    }
    if (looks_utf16(d, s->end)) {
        return RAISE(err, ERR_INPUT,
                     "'%s' is UTF-16 text, expected UTF-8; convert it first, for example with "
                     "'iconv -f UTF-16 -t UTF-8'",
                     s->name);
    }
    if (s->end >= 3 && d[0] == 0xef && d[1] == 0xbb && d[2] == 0xbf) {
        s->begin = 3;
    }
    return STATUS_OK;
}

static enum status source_new(const char *name, size_t capacity, struct source **out,
                              struct error *err)
{
    struct source *const s = calloc(1, sizeof *s);
    char *const data = malloc(capacity + 1);
    if (s == NULL || data == NULL) {
        free(s);
        free(data);
        return RAISE(err, ERR_MEMORY, "no memory to read '%s'", name);
    }
    s->capacity = capacity;
    s->data = data;
    s->fd = -1;
    snprintf(s->name, sizeof s->name, "%s", name);
    *out = s;
    return STATUS_OK;
}

enum status source_open(const char *path, struct source **out, struct error *err)
{
    const bool stdin_wanted = strcmp(path, "-") == 0;
    const int fd = stdin_wanted ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return RAISE(err, ERR_IO, "cannot open '%s': %s", path, strerror(errno));
    }
    const enum status code = source_new(stdin_wanted ? "standard input" : path, BUFFER, out, err);
    if (code != STATUS_OK) {
        close(fd);
        return code;
    }
    (*out)->fd = fd;
    return STATUS_OK;
}

enum status source_open_memory(const char *name, const void *data, size_t size, struct source **out,
                               struct error *err)
{
    /* Plain text needs no more room than it has bytes; what gzip unfolds to is not known. */
    const unsigned char *const bytes = data;
    const bool gzip = size >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b;
    const enum status code = source_new(name, gzip || size > BUFFER ? BUFFER : size + 1, out, err);
    if (code == STATUS_OK) {
        (*out)->memory = data;
        (*out)->memory_left = size;
    }
    return code;
}

void source_close(struct source *s)
{
    if (s == NULL) {
        return;
    }
    if (s->gzip) {
        inflateEnd(&s->z);
    }
    if (s->fd >= 0) {
        close(s->fd);
    }
    free(s->packed);
    free(s->data);
    free(s);
}

/* A line longer than the limit: drop it up to its end and say so. */
static enum status skip_long_line(struct source *s, struct line *line, struct error *err)
{
    line->text = "";
    line->size = 0;
    line->fault = "the line is longer than 1 MiB";
    for (;;) {
        const char *const end = memchr(s->data + s->begin, '\n', s->end - s->begin);
        if (end != NULL) {
            s->begin = (size_t)(end + 1 - s->data);
            return STATUS_OK;
        }
        s->begin = s->end = 0;
        if (s->eof) {
            return STATUS_OK;
        }
        const enum status code = fill(s, err);
        if (code != STATUS_OK) {
            return code;
        }
    }
}

enum status source_next(struct source *s, struct line *line, bool *more, struct error *err)
{
    *more = false;
    if (!s->started) {
        const enum status code = start(s, err);
        if (code != STATUS_OK) {
            return code;
        }
    }
    size_t searched = 0;
    const char *end = NULL;
    for (;;) {
        const char *const from = s->data + s->begin + searched;
        end = memchr(from, '\n', s->end - s->begin - searched);
        searched = s->end - s->begin;
        if (end != NULL || s->eof || searched > SOURCE_LINE_LIMIT) {
            break;
        }
        const enum status code = fill(s, err);
        if (code != STATUS_OK) {
            return code;
        }
    }
    if (end == NULL && s->eof && searched == 0) {
        return STATUS_OK;
    }
    *more = true;
    line->number = ++s->lines;
    line->fault = NULL;
    const size_t size = end != NULL ? (size_t)(end - s->data) - s->begin : searched;
    if (size > SOURCE_LINE_LIMIT) {
        return skip_long_line(s, line, err);
    }
    line->text = s->data + s->begin;
    line->size = size;
    s->begin += size + (end != NULL ? 1 : 0);
    while (line->size > 0 && line->text[line->size - 1] == '\r') {
        line->size--;
    }
    if (s->has_nul && memchr(line->text, '\0', line->size) != NULL) {
        line->fault = "the line holds a NUL byte";
    }
    return STATUS_OK;
}

enum status source_peek(struct source *s, const char **text, size_t *size, struct error *err)
{
    if (!s->started) {
        const enum status code = start(s, err);
        if (code != STATUS_OK) {
            return code;
        }
    }
    while (!s->eof && s->end - s->begin < CHUNK) {
        const enum status code = fill(s, err);
        if (code != STATUS_OK) {
            return code;
        }
    }
    s->data[s->end] = '\0';
    *text = s->data + s->begin;
    *size = s->end - s->begin;
    return STATUS_OK;
}

enum status source_rest(struct source *s, size_t limit, char **out, size_t *size, struct error *err)
{
    struct text all = {0};
    enum status code = s->started ? STATUS_OK : start(s, err);
    while (code == STATUS_OK) {
        text_append(&all, s->data + s->begin, s->end - s->begin);
        s->begin = s->end = 0;
        if (all.size > limit) {
            code = RAISE(err, ERR_INPUT, "'%s' is larger than the %zu MiB a JSON document may have",
                         s->name, limit >> 20);
            break;
        }
        if (s->eof) {
            break;
        }
        code = fill(s, err);
    }
    if (code == STATUS_OK && !all.failed) {
        text_append(&all, "", 0);
        text_puts(&all, "");
    }
    if (code == STATUS_OK && all.failed) {
        code = RAISE(err, ERR_MEMORY, "no memory to read '%s'", s->name);
    }
    if (code != STATUS_OK) {
        text_free(&all);
        return code;
    }
    *size = all.size;
    *out = all.data != NULL ? all.data : calloc(1, 1);
    return *out != NULL ? STATUS_OK : RAISE(err, ERR_MEMORY, "no memory to read '%s'", s->name);
}

uint64_t source_hash(struct source *s)
{
    s->hash = s->hashing ? s->hash : HASH_SEED;
    s->hashing = true;
    return s->hash;
}

const char *source_name(const struct source *s)
{
    return s->name;
}

uint64_t source_bytes(const struct source *s)
{
    return s->bytes;
}

uint64_t source_lines(const struct source *s)
{
    return s->lines;
}
