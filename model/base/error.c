/* Errors: one type, owned by the caller; the first one wins. */
#include "model/base/base.h"

#include <string.h>

const char *status_text(enum status code)
{
    switch (code) {
#define X(name, text)                                                                              \
    case name:                                                                                     \
        return text;
        STATUS_LIST(X)
#undef X
    }
    return "unknown status";
}

static void copy_bounded(char *to, size_t size, const char *from)
{
    size_t n = strlen(from);
    if (n >= size) {
        n = size - 1;
    }
    memcpy(to, from, n);
    to[n] = '\0';
}

enum status error_raise(struct error *err, enum status code, const char *raised_file,
                        int raised_line, const char *format, ...)
{
    if (err->code != STATUS_OK) {
        return err->code;
    }
    err->code = code;
    err->raised_file = raised_file;
    err->raised_line = raised_line;
    va_list args;
    va_start(args, format);
    vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    return code;
}

enum status json_raise(struct error *err, const struct json *node, enum status code,
                       const char *raised_file, int raised_line, const char *format, ...)
{
    if (err->code != STATUS_OK) {
        return err->code;
    }
    err->code = code;
    err->raised_file = raised_file;
    err->raised_line = raised_line;
    if (node != NULL) {
        copy_bounded(err->file, sizeof err->file,
                     node->origin.file != NULL ? node->origin.file : "");
        err->line = node->origin.line;
        err->column = node->origin.column;
        json_path(node, err->path, sizeof err->path);
    }
    va_list args;
    va_start(args, format);
    vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    return code;
}

void error_format(const struct error *err, char *buffer, size_t size)
{
    struct text t = {0};
    if (err->file[0] != '\0') {
        text_puts(&t, err->file);
        if (err->line > 0) {
            text_printf(&t, ":%u", err->line);
            if (err->column > 0) {
                text_printf(&t, ":%u", err->column);
            }
        }
        text_puts(&t, ": ");
    }
    if (err->path[0] != '\0') {
        text_printf(&t, "%s: ", err->path);
    }
    text_puts(&t, err->message);
    snprintf(buffer, size, "%s", t.failed || t.data == NULL ? err->message : t.data);
    text_free(&t);
    for (char *p = buffer; *p != '\0'; p++) { /* a name must not steer the terminal */
        const unsigned char byte = (unsigned char)*p;
        *p = (byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7f ? '?' : *p;
    }
}
