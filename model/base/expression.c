/* Conditions on rows and configurations: a precedence-climbing parser to postfix code. */
#include "model/base/base.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum token {
    TOKEN_END,
    TOKEN_NUMBER,
    TOKEN_TEXT,
    TOKEN_NAME,
    TOKEN_OPEN,
    TOKEN_CLOSE,
    TOKEN_OR,
    TOKEN_AND,
    TOKEN_NOT,
    TOKEN_LESS,
    TOKEN_LESS_EQUAL,
    TOKEN_GREATER,
    TOKEN_GREATER_EQUAL,
    TOKEN_EQUAL,
    TOKEN_NOT_EQUAL,
    TOKEN_PLUS,
    TOKEN_MINUS,
    TOKEN_TIMES,
    TOKEN_DIVIDE,
    TOKEN_NEGATE,
};

struct parser {
    struct expression *out;
    char *at;
    enum token token;
    double number;
    char *text;
    size_t length;
    expression_resolver resolve;
    void *context;
    const char *const *names;
    size_t n_names;
    int depth;
    struct error *err;
};

static void fail(struct parser *p, const char *message)
{
    RAISE(p->err, ERR_USAGE, "in '%s' at '%.20s': %s", p->out->source, p->text, message);
}

static void next(struct parser *p)
{
    static const struct {
        const char *word;
        enum token token;
    } symbols[] = {
        {"<=", TOKEN_LESS_EQUAL}, {">=", TOKEN_GREATER_EQUAL}, {"==", TOKEN_EQUAL},
        {"!=", TOKEN_NOT_EQUAL},  {"&&", TOKEN_AND},           {"||", TOKEN_OR},
        {"<", TOKEN_LESS},        {">", TOKEN_GREATER},        {"=", TOKEN_EQUAL},
        {"!", TOKEN_NOT},         {"+", TOKEN_PLUS},           {"-", TOKEN_MINUS},
        {"*", TOKEN_TIMES},       {"/", TOKEN_DIVIDE},         {"(", TOKEN_OPEN},
        {")", TOKEN_CLOSE},
    };
    while (isspace((unsigned char)*p->at)) {
        p->at++;
    }
    p->text = p->at;
    if (*p->at == '\0') {
        p->token = TOKEN_END;
        return;
    }
    if (isdigit((unsigned char)*p->at) || *p->at == '.') {
        p->token = TOKEN_NUMBER;
        p->number = strtod(p->at, &p->at);
        if (p->at == p->text || !isfinite(p->number)) {
            fail(p, "not a number");
        }
        return;
    }
    if (*p->at == '\'' || *p->at == '"') {
        char *end = strchr(p->at + 1, *p->at);
        p->token = TOKEN_TEXT;
        if (end == NULL) {
            fail(p, "a quote opened here is never closed");
            return;
        }
        p->text = p->at + 1;
        p->length = (size_t)(end - p->text);
        p->at = end + 1;
        return;
    }
    if (isalpha((unsigned char)*p->at) || *p->at == '_') {
        while (isalnum((unsigned char)*p->at) || *p->at == '_' || *p->at == '.') {
            p->at++;
        }
        p->length = (size_t)(p->at - p->text);
        p->token = TOKEN_NAME;
        if (p->length == 3 && strncmp(p->text, "and", 3) == 0) {
            p->token = TOKEN_AND;
        } else if (p->length == 2 && strncmp(p->text, "or", 2) == 0) {
            p->token = TOKEN_OR;
        } else if (p->length == 3 && strncmp(p->text, "not", 3) == 0) {
            p->token = TOKEN_NOT;
        }
        return;
    }
    for (size_t i = 0; i < sizeof symbols / sizeof symbols[0]; i++) {
        const size_t n = strlen(symbols[i].word);
        if (strncmp(p->at, symbols[i].word, n) == 0) {
            p->token = symbols[i].token;
            p->at += n;
            return;
        }
    }
    fail(p, "not an operator");
    p->token = TOKEN_END;
}

static void emit(struct parser *p, enum token kind, double number, int variable, const char *text)
{
    struct expression *e = p->out;
    if (e->count == sizeof e->code / sizeof e->code[0]) {
        fail(p, "the condition is too long");
        return;
    }
    e->code[e->count].kind = (int)kind;
    e->code[e->count].number = number;
    e->code[e->count].variable = variable;
    e->code[e->count].text = text;
    e->count++;
}

static void parse_binary(struct parser *p, int level);

static void parse_name(struct parser *p)
{
    char name[64];
    if (p->length >= sizeof name) {
        fail(p, "the name is too long");
        return;
    }
    memcpy(name, p->text, p->length);
    name[p->length] = '\0';
    const int variable = p->resolve(name, p->context);
    if (variable < 0) {
        const char *near = nearest_name(name, p->names, p->n_names);
        RAISE(p->err, ERR_USAGE, "in '%s': no variable '%s'%s%s%s", p->out->source, name,
              near != NULL ? ", did you mean '" : "", near != NULL ? near : "",
              near != NULL ? "'?" : "");
        return;
    }
    emit(p, TOKEN_NAME, 0, variable, NULL);
}

static void parse_primary(struct parser *p)
{
    if (p->err->code != STATUS_OK) {
        return;
    }
    if (++p->depth > 50) {
        fail(p, "nested too deeply");
        return;
    }
    switch (p->token) {
    case TOKEN_NUMBER:
        emit(p, TOKEN_NUMBER, p->number, 0, NULL);
        next(p);
        break;
    case TOKEN_TEXT:
        p->text[p->length] = '\0'; /* the closing quote */
        emit(p, TOKEN_TEXT, NAN, 0, p->text);
        next(p);
        break;
    case TOKEN_NAME:
        parse_name(p);
        next(p);
        break;
    case TOKEN_MINUS:
        next(p);
        parse_primary(p);
        emit(p, TOKEN_NEGATE, 0, 0, NULL);
        break;
    case TOKEN_NOT:
        next(p);
        parse_binary(p, 3);
        emit(p, TOKEN_NOT, 0, 0, NULL);
        break;
    case TOKEN_OPEN:
        next(p);
        parse_binary(p, 1);
        if (p->err->code == STATUS_OK && p->token != TOKEN_CLOSE) {
            fail(p, "expected ')'");
            return;
        }
        next(p);
        break;
    default:
        fail(p, "expected a number, a name or '('");
    }
    p->depth--;
}

static int level_of(enum token token)
{
    switch (token) {
    case TOKEN_OR:
        return 1;
    case TOKEN_AND:
        return 2;
    case TOKEN_LESS:
    case TOKEN_LESS_EQUAL:
    case TOKEN_GREATER:
    case TOKEN_GREATER_EQUAL:
    case TOKEN_EQUAL:
    case TOKEN_NOT_EQUAL:
        return 3;
    case TOKEN_PLUS:
    case TOKEN_MINUS:
        return 4;
    case TOKEN_TIMES:
    case TOKEN_DIVIDE:
        return 5;
    default:
        return 0;
    }
}

static void parse_binary(struct parser *p, int level)
{
    parse_primary(p);
    while (p->err->code == STATUS_OK && level_of(p->token) >= level) {
        const enum token op = p->token;
        next(p);
        parse_binary(p, level_of(op) + 1);
        emit(p, op, 0, 0, NULL);
    }
}

enum status expression_compile(const char *source, expression_resolver resolve, void *context,
                               const char *const *names, size_t n_names, struct expression *out,
                               struct error *err)
{
    out->count = 0;
    if (strlen(source) >= sizeof out->source) {
        return RAISE(err, ERR_USAGE, "a condition of more than %zu characters",
                     sizeof out->source - 1);
    }
    snprintf(out->source, sizeof out->source, "%s", source);
    struct parser p = {.out = out,
                       .at = out->source,
                       .text = out->source,
                       .resolve = resolve,
                       .context = context,
                       .names = names,
                       .n_names = n_names,
                       .err = err};
    next(&p);
    parse_binary(&p, 1);
    if (err->code == STATUS_OK && p.token != TOKEN_END) {
        fail(&p, "expected an operator or the end");
    }
    return err->code;
}

static double compare(enum token op, struct expression_value a, struct expression_value b)
{
    if (a.text != NULL || b.text != NULL) {
        const bool equal = a.text != NULL && b.text != NULL && strcmp(a.text, b.text) == 0;
        return op == TOKEN_EQUAL ? equal : op == TOKEN_NOT_EQUAL ? !equal : 0;
    }
    if (isnan(a.number) || isnan(b.number)) {
        return 0;
    }
    switch (op) {
    case TOKEN_LESS:
        return a.number < b.number;
    case TOKEN_LESS_EQUAL:
        return a.number <= b.number;
    case TOKEN_GREATER:
        return a.number > b.number;
    case TOKEN_GREATER_EQUAL:
        return a.number >= b.number;
    case TOKEN_EQUAL:
        return a.number == b.number;
    default:
        return a.number != b.number;
    }
}

double expression_number(const struct expression *e, expression_reader read, void *context)
{
    struct expression_value stack[64];
    size_t n = 0;
    for (size_t i = 0; i < e->count; i++) {
        const enum token kind = (enum token)e->code[i].kind;
        struct expression_value value = {0, NULL};
        if (kind == TOKEN_NUMBER || kind == TOKEN_TEXT) {
            value.number = e->code[i].number;
            value.text = e->code[i].text;
            stack[n++] = value;
            continue;
        }
        if (kind == TOKEN_NAME) {
            stack[n++] = read(e->code[i].variable, context);
            continue;
        }
        const struct expression_value b = stack[--n];
        if (kind == TOKEN_NEGATE || kind == TOKEN_NOT) {
            value.number = kind == TOKEN_NEGATE ? -b.number : (double)!(b.number != 0);
            stack[n++] = value;
            continue;
        }
        const struct expression_value a = stack[--n];
        switch (kind) {
        case TOKEN_PLUS:
            value.number = a.number + b.number;
            break;
        case TOKEN_MINUS:
            value.number = a.number - b.number;
            break;
        case TOKEN_TIMES:
            value.number = a.number * b.number;
            break;
        case TOKEN_DIVIDE:
            value.number = a.number / b.number;
            break;
        case TOKEN_AND:
            value.number = a.number != 0 && b.number != 0;
            break;
        case TOKEN_OR:
            value.number = a.number != 0 || b.number != 0;
            break;
        default:
            value.number = compare(kind, a, b);
        }
        stack[n++] = value;
    }
    return n == 1 ? stack[0].number : (double)NAN;
}

bool expression_true(const struct expression *e, expression_reader read, void *context)
{
    const double value = expression_number(e, read, context);
    return value != 0 && !isnan(value);
}
