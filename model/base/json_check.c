/* Is a text JSON (RFC 8259), and if not, what is wrong with it and where? cJSON is lenient and says
 * only where it gave up; this scanner goes first, holds to the letter of the standard, and says in
 * words what it found and what it expected. One pass, no recursion, no allocation. */
#include "model/base/json_position.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* cJSON's own limits: nesting, and the characters of one number. */
enum { DEPTH_LIMIT = 1000, NUMBER_LIMIT = 63 };

enum expected { VALUE, FIRST_VALUE, KEY, FIRST_KEY, COLON, COMMA, NOTHING };

struct checker {
    const char *text;
    size_t at, n;
    size_t comma; /* the last one, for complaints about it */
    size_t depth;
    size_t opened[DEPTH_LIMIT]; /* offsets of the open brackets */
    struct json_complaint *complaint;
};

static bool complain(struct checker *c, size_t at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static bool complain(struct checker *c, size_t at, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(c->complaint->text, sizeof c->complaint->text, format, arguments);
    va_end(arguments);
    c->complaint->offset = at;
    return false;
}

static unsigned line_of(const struct checker *c, size_t offset)
{
    unsigned line = 1;
    for (size_t i = 0; i < offset; i++) {
        line += c->text[i] == '\n';
    }
    return line;
}

/* "'x'" or "byte 0x89" */
static const char *quoted(unsigned char byte, char buffer[16])
{
    if (byte >= 0x20 && byte < 0x7f) {
        snprintf(buffer, 16, "'%c'", byte);
    } else {
        snprintf(buffer, 16, "byte 0x%02x", byte);
    }
    return buffer;
}

static bool expected_other(struct checker *c, const char *what)
{
    char found[16];
    return complain(c, c->at, "expected %s, found %s", what,
                    quoted((unsigned char)c->text[c->at], found));
}

/* Length of the valid UTF-8 sequence at s (RFC 3629), 0 when there is none. */
static size_t utf8_length(const char *s, size_t left)
{
    const unsigned char *u = (const unsigned char *)s;
    static const struct {
        unsigned char first, last, second_least, second_most;
        size_t length;
    } rows[] = {
        {0x00, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (u[0] < rows[i].first || u[0] > rows[i].last) {
            continue;
        }
        if (rows[i].length > left ||
            (rows[i].length > 1 && (u[1] < rows[i].second_least || u[1] > rows[i].second_most))) {
            return 0;
        }
        for (size_t k = 2; k < rows[i].length; k++) {
            if ((u[k] & 0xc0) != 0x80) {
                return 0;
            }
        }
        return rows[i].length;
    }
    return 0;
}

/* The code unit of \uXXXX at s, or -1. */
static long code_unit(const char *s, size_t left)
{
    long code = 0;
    if (left < 6 || s[0] != '\\' || s[1] != 'u') {
        return -1;
    }
    for (size_t i = 2; i < 6; i++) {
        const unsigned char digit = (unsigned char)s[i];
        if (!isxdigit(digit)) {
            return -1;
        }
        code = code * 16 + (isdigit(digit) ? digit - '0' : tolower(digit) - 'a' + 10);
    }
    return code;
}

static bool check_escape(struct checker *c)
{
    const char *s = c->text + c->at;
    const size_t left = c->n - c->at;
    char found[16];
    if (left < 2 || strchr("\"\\/bfnrtu", s[1]) == NULL) {
        return complain(c, c->at, "no escape such as '\\' followed by %s",
                        quoted(left < 2 ? ' ' : (unsigned char)s[1], found));
    }
    if (s[1] != 'u') {
        c->at += 2;
        return true;
    }
    const long code = code_unit(s, left);
    if (code < 0) {
        return complain(c, c->at, "'\\u' needs four hexadecimal digits");
    }
    if (code == 0) {
        return complain(c, c->at, "a text cannot hold the character \\u0000");
    }
    if (code < 0xd800 || code > 0xdfff) {
        c->at += 6;
        return true;
    }
    const long low = code < 0xdc00 ? code_unit(s + 6, left - 6) : -1;
    if (low < 0xdc00 || low > 0xdfff) {
        return complain(c, c->at, "half of a surrogate pair");
    }
    c->at += 12;
    return true;
}

static bool check_string(struct checker *c)
{
    const size_t start = c->at++;
    while (c->at < c->n && c->text[c->at] != '"') {
        const unsigned char byte = (unsigned char)c->text[c->at];
        if (byte == '\\') {
            if (!check_escape(c)) {
                return false;
            }
            continue;
        }
        if (byte == '\n' || byte == '\r') {
            return complain(c, start, "the text that begins here is not closed on its line");
        }
        if (byte < 0x20) {
            return complain(c, c->at, "a control character, byte 0x%02x, in a text", byte);
        }
        const size_t length = utf8_length(c->text + c->at, c->n - c->at);
        if (length == 0) {
            return complain(c, c->at, "not valid UTF-8 at byte 0x%02x", byte);
        }
        c->at += length;
    }
    if (c->at == c->n) {
        return complain(c, start, "the text that begins here is never closed");
    }
    c->at++;
    return true;
}

static bool ends_a_token(char byte)
{
    return strchr(" \t\r\n,:]}[{\"", byte) != NULL;
}

/* RFC 8259 section 6: -? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE][+-]?[0-9]+)? */
static bool check_number(struct checker *c)
{
    const char *s = c->text + c->at;
    size_t length = 0;
    while (c->at + length < c->n && !ends_a_token(s[length])) {
        length++;
    }
    const int shown = length < 40 ? (int)length : 40;
    if (length > NUMBER_LIMIT) {
        return complain(c, c->at, "a number of %zu characters, at most %d", length, NUMBER_LIMIT);
    }
    size_t i = s[0] == '-';
    const size_t whole = i;
    size_t digits = i < length ? strspn(s + i, "0123456789") : 0;
    i += digits;
    bool fine = digits > 0;
    if (fine && digits > 1 && s[whole] == '0') {
        return complain(c, c->at, "'%.*s' is not a JSON number: a leading zero", shown, s);
    }
    if (fine && i < length && s[i] == '.') {
        digits = strspn(s + i + 1, "0123456789");
        i += 1 + digits;
        if (digits == 0) {
            return complain(c, c->at, "'%.*s' is not a JSON number: no digit after the point",
                            shown, s);
        }
    }
    if (fine && i < length && (s[i] == 'e' || s[i] == 'E')) {
        i++;
        i += i < length && (s[i] == '+' || s[i] == '-');
        digits = i < length ? strspn(s + i, "0123456789") : 0;
        i += digits;
        fine = digits > 0;
    }
    if (!fine || i != length) {
        return complain(c, c->at, "'%.*s' is not a JSON number", shown, s);
    }
    c->at += length;
    return true;
}

/* true, false, null; for anything else the likely meaning. */
static bool check_word(struct checker *c)
{
    static const char *const words[] = {"true", "false", "null"};
    static const char *const not_finite[] = {"nan", "inf", "infinity"};
    const char *s = c->text + c->at;
    size_t length = 0;
    while (c->at + length < c->n && (isalnum((unsigned char)s[length]) || s[length] == '_')) {
        length++;
    }
    const int shown = length < 40 ? (int)length : 40;
    for (size_t i = 0; i < 3; i++) {
        if (length == strlen(words[i]) && strncasecmp(s, words[i], length) == 0) {
            if (strncmp(s, words[i], length) == 0) {
                c->at += length;
                return true;
            }
            return complain(c, c->at, "'%.*s' is not a JSON value, did you mean %s?", shown, s,
                            words[i]);
        }
        if (length == strlen(not_finite[i]) && strncasecmp(s, not_finite[i], length) == 0) {
            return complain(c, c->at, "'%.*s' is not a JSON value: numbers are finite", shown, s);
        }
    }
    return complain(c, c->at, "'%.*s' is not a JSON value: texts are written in double quotes",
                    shown, s);
}

static bool check_value(struct checker *c, enum expected *next)
{
    const char byte = c->text[c->at];
    if (byte == '{' || byte == '[') {
        if (c->depth == DEPTH_LIMIT) {
            return complain(c, c->at, "nested deeper than %d levels", DEPTH_LIMIT);
        }
        c->opened[c->depth++] = c->at++;
        *next = byte == '{' ? FIRST_KEY : FIRST_VALUE;
        return true;
    }
    *next = c->depth > 0 ? COMMA : NOTHING;
    if (byte == '"') {
        return check_string(c);
    }
    if (byte == '-' || isdigit((unsigned char)byte)) {
        return check_number(c);
    }
    if (isalpha((unsigned char)byte)) {
        return check_word(c);
    }
    if (byte == '\'') {
        return complain(c, c->at, "texts are written in double quotes");
    }
    if (byte == '+' || byte == '.') {
        return complain(c, c->at, "a number does not begin with '%c'", byte);
    }
    return expected_other(c, "a value");
}

static bool check_key(struct checker *c)
{
    const char byte = c->text[c->at];
    if (byte == '"') {
        return check_string(c);
    }
    if (byte == '\'' || isalpha((unsigned char)byte) || byte == '_') {
        return complain(c, c->at, "keys are written in double quotes");
    }
    return expected_other(c, "a key in double quotes");
}

/* Closes the innermost bracket when `c->at` stands on its partner. */
static bool closes(struct checker *c, enum expected *next)
{
    if (c->depth == 0) {
        return false;
    }
    const char open = c->text[c->opened[c->depth - 1]];
    if (c->text[c->at] != (open == '{' ? '}' : ']')) {
        return false;
    }
    c->depth--;
    c->at++;
    *next = c->depth > 0 ? COMMA : NOTHING;
    return true;
}

static bool check_token(struct checker *c, enum expected *state)
{
    const char byte = c->text[c->at];
    const bool object = c->depth > 0 && c->text[c->opened[c->depth - 1]] == '{';
    switch (*state) {
    case FIRST_VALUE:
    case FIRST_KEY:
        if (closes(c, state)) {
            return true;
        }
        break;
    case VALUE:
    case KEY:
        if (c->depth > 0 && byte == (object ? '}' : ']') && (object ? *state == KEY : true)) {
            return complain(c, c->comma, "a comma before the closing '%c'", byte);
        }
        break;
    case COLON:
        if (byte != ':') {
            return expected_other(c, "':' after the key");
        }
        c->at++;
        *state = VALUE;
        return true;
    case COMMA:
        if (closes(c, state)) {
            return true;
        }
        if (byte != ',') {
            return expected_other(c, object ? "',' or '}'" : "',' or ']'");
        }
        c->comma = c->at++;
        *state = object ? KEY : VALUE;
        return true;
    case NOTHING:
        return complain(c, c->at, "text after the end of the JSON value");
    }
    if (*state == KEY || *state == FIRST_KEY) {
        *state = COLON;
        return check_key(c);
    }
    return check_value(c, state);
}

bool json_check(const char *text, size_t n, struct json_complaint *complaint)
{
    struct checker c = {.text = text, .n = n, .complaint = complaint};
    enum expected state = VALUE;
    for (;;) {
        while (c.at < n && strchr(" \t\r\n", text[c.at]) != NULL) {
            c.at++;
        }
        if (c.at == n) {
            break;
        }
        if (!check_token(&c, &state)) {
            return false;
        }
    }
    if (state == NOTHING) {
        return true;
    }
    if (c.depth == 0) {
        return complain(&c, n, "the text ends where a value is expected");
    }
    const size_t open = c.opened[c.depth - 1];
    return complain(&c, n,
                    "the text ends in the middle of a value: the '%c' of line %u is not closed",
                    text[open], line_of(&c, open));
}
