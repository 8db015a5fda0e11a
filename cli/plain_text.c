/* UTF-8 that is safe to show: checked, without controls, cut to length, escaped for its reader. */
#include "cli/plain_text.h"

#include <string.h>

/* The next character and its length; U+FFFD of length 1 for bytes that are no UTF-8 (overlong
 * forms, surrogates and non-characters included; Unicode 15, table 3-7). */
static size_t next_character(const char *s, uint32_t *out)
{
    const unsigned char *p = (const unsigned char *)s;
    const size_t n = p[0] < 0x80   ? 1
                     : p[0] < 0xc2 ? 0
                     : p[0] < 0xe0 ? 2
                     : p[0] < 0xf0 ? 3
                     : p[0] < 0xf5 ? 4
                                   : 0;
    uint32_t c = n == 1 ? p[0] : p[0] & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            *out = 0xfffd;
            return 1;
        }
        c = c << 6 | (p[i] & 0x3fu);
    }
    const bool low = (n == 3 && c < 0x800) || (n == 4 && c < 0x10000);
    if (n == 0 || low || (c >= 0xd800 && c < 0xe000) || c > 0x10ffff || (c & 0xfffe) == 0xfffe) {
        *out = 0xfffd;
        return 1;
    }
    *out = c;
    return n;
}

size_t text_length(const char *s)
{
    size_t count = 0;
    for (uint32_t c; *s != '\0'; count++) {
        s += next_character(s, &c);
    }
    return count;
}

void text_plain(struct text *out, const char *s, size_t limit)
{
    static const char ellipsis[] = "\xe2\x80\xa6";
    static const char unknown[] = "\xef\xbf\xbd";
    const bool cut = limit > 0 && text_length(s) > limit;
    size_t count = 0;
    while (*s != '\0') {
        uint32_t c = 0;
        const size_t n = next_character(s, &c);
        if (cut && ++count == limit) {
            text_puts(out, ellipsis);
            return;
        }
        if (c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029) {
            text_puts(out, " ");
        } else if (c == 0xfffd) {
            text_puts(out, unknown);
        } else {
            text_append(out, s, n);
        }
        s += n;
    }
}

void text_gnuplot_name(struct text *out, const char *name)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 "
                                ".,:;()+-/=_";
    text_puts(out, "\"");
    for (; *name != '\0'; name++) {
        const unsigned char c = (unsigned char)*name;
        if (c >= 0x80 || strchr(plain, c) != NULL) {
            text_append(out, name, 1);
        } else {
            text_printf(out, "\\%03o", c);
        }
    }
    text_puts(out, "\"");
}

void text_gnuplot(struct text *out, const char *s, size_t limit)
{
    struct text t = {0};
    text_plain(&t, s, limit);
    out->failed = out->failed || t.failed;
    text_gnuplot_name(out, t.data != NULL ? t.data : "");
    text_free(&t);
}

void text_html(struct text *out, const char *s)
{
    struct text t = {0};
    text_plain(&t, s, 0);
    out->failed = out->failed || t.failed;
    for (size_t i = 0; i < t.size; i++) {
        switch (t.data[i]) {
        case '&':
            text_puts(out, "&amp;");
            break;
        case '<':
            text_puts(out, "&lt;");
            break;
        case '>':
            text_puts(out, "&gt;");
            break;
        case '"':
            text_puts(out, "&quot;");
            break;
        case '\'':
            text_puts(out, "&#39;");
            break;
        default:
            text_append(out, t.data + i, 1);
        }
    }
    text_free(&t);
}
