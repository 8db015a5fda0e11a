/* Reading one value, plain or sourced ({"value", "source", "date", "status"}), and whole sections
 * by their tables of fields; distributions are in distribution.c. Everything read is marked, so
 * that keys nobody reads are refused. */
#include "model/config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const kind_words[] = {
    [JSON_NULL] = "null",     [JSON_BOOL] = "true or false", [JSON_NUMBER] = "a number",
    [JSON_STRING] = "a text", [JSON_ARRAY] = "a list",       [JSON_OBJECT] = "an object",
};

enum status value_wrong_kind(struct error *err, const struct json *node, const char *expected)
{
    if (node->kind == JSON_STRING) {
        return JSON_RAISE(err, node, ERR_INPUT, "found the text \"%.60s\", expected %s", node->text,
                          expected);
    }
    if (json_member(node, "distribution") != NULL) {
        return JSON_RAISE(err, node, ERR_INPUT, "found a distribution, expected %s", expected);
    }
    if (json_member(node, "source") != NULL || json_member(node, "status") != NULL) {
        return JSON_RAISE(err, node, ERR_INPUT, "a source without its \"value\", expected %s",
                          expected);
    }
    return JSON_RAISE(err, node, ERR_INPUT, "found %s, expected %s", kind_words[node->kind],
                      expected);
}

struct json *value_unwrap(struct json *node, struct error *err)
{
    static const char *const notes[] = {"source", "date", "note"};
    static const char *const statuses[] = {"vendor", "paper", "secondary", "measured", "assumed"};
    node->read = true;
    struct json *value = node->kind == JSON_OBJECT ? json_member(node, "value") : NULL;
    if (value == NULL || json_member(node, "distribution") != NULL) {
        return node;
    }
    for (size_t i = 0; i < sizeof notes / sizeof notes[0]; i++) {
        struct json *text = json_member(node, notes[i]);
        if (text != NULL) {
            text->read = true;
            if (text->kind != JSON_STRING) {
                value_wrong_kind(err, text, "a text");
                return NULL;
            }
        }
    }
    struct json *status = json_member(node, "status");
    if (status != NULL) {
        status->read = true;
        bool known = false;
        for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
            known =
                known || (status->kind == JSON_STRING && strcmp(status->text, statuses[i]) == 0);
        }
        if (!known) {
            JSON_RAISE(err, status, ERR_INPUT,
                       "expected one of vendor, paper, secondary, measured, assumed");
            return NULL;
        }
    }
    value->read = true;
    return value;
}

enum status value_number(struct json *node, double *out, struct error *err)
{
    struct json *value = value_unwrap(node, err);
    if (value == NULL) {
        return err->code;
    }
    if (value->kind != JSON_NUMBER) {
        return value_wrong_kind(err, value, "a number");
    }
    *out = value->number;
    return STATUS_OK;
}

enum status value_text(struct json *node, const char **out, struct error *err)
{
    struct json *value = value_unwrap(node, err);
    if (value == NULL) {
        return err->code;
    }
    if (value->kind != JSON_STRING) {
        return value_wrong_kind(err, value, "a text");
    }
    *out = value->text;
    return STATUS_OK;
}

static void clear_replaced(struct json *target, const struct json *patch)
{
    for (const struct json *p = patch->first; p != NULL; p = p->next) {
        struct json *there = json_member(target, p->key);
        if (there == NULL || there->kind != JSON_OBJECT || p->kind != JSON_OBJECT) {
            continue;
        }
        if (json_member(p, "value") != NULL || json_member(p, "distribution") != NULL) {
            there->first = there->last = NULL; /* keeps its place among its siblings */
            there->count = 0;
        } else {
            clear_replaced(there, p);
        }
    }
}

static const struct field *find_key(const struct field *fields, const char *key)
{
    while (fields->key != NULL && strcmp(fields->key, key) != 0) {
        fields++;
    }
    return fields->key != NULL ? fields : NULL;
}

/* `key`, newly given, sets several fields: older, more specific keys for them go. */
static void drop_specific(const struct field *fields, struct json *target, const char *key)
{
    const struct field *general = find_key(fields, key);
    if (general == NULL || general->offset[1] == NO_FIELD) {
        return;
    }
    for (const struct field *f = fields; f->key != NULL; f++) {
        struct json *there = f != general ? json_member(target, f->key) : NULL;
        for (size_t i = 0; there != NULL && i < 3 && general->offset[i] != NO_FIELD; i++) {
            if (f->offset[0] == general->offset[i]) {
                json_detach(target, there);
                break;
            }
        }
    }
}

void value_overrule(const struct field *fields, struct json *target, const struct json *patch)
{
    for (const struct json *p = patch->first; p != NULL; p = p->next) {
        drop_specific(fields, target, p->key);
    }
}

enum status value_set(struct arena *a, struct json *root, const char *pointer,
                      const struct json *value, struct error *err)
{
    for (const struct section *s = sections; s->name != NULL; s++) {
        const size_t n = strlen(s->name);
        struct json *there = json_member(root, s->name);
        if (there != NULL && there->kind == JSON_OBJECT && pointer[0] == '/' &&
            strncmp(pointer + 1, s->name, n) == 0 && pointer[n + 1] == '/') {
            drop_specific(s->fields, there, pointer + n + 2);
        }
    }
    return json_set(a, root, pointer, value, err);
}

enum status value_merge(struct arena *a, struct json *target, const struct json *patch,
                        struct error *err)
{
    for (const struct section *s = sections; s->name != NULL; s++) {
        struct json *there = json_member(target, s->name);
        const struct json *over = json_member(patch, s->name);
        if (there != NULL && there->kind == JSON_OBJECT && over != NULL &&
            over->kind == JSON_OBJECT) {
            value_overrule(s->fields, there, over);
        }
    }
    clear_replaced(target, patch);
    return json_merge(a, target, patch, err);
}

/* ---------------------------------------------------------------- fields */

/* A decimal token as an integer number of 1e-15, exactly. */
static enum status read_money(struct json *node, femto_usd *out, struct error *err)
{
    struct json *value = value_unwrap(node, err);
    if (value == NULL) {
        return err->code;
    }
    if (value->kind != JSON_NUMBER) {
        return value_wrong_kind(err, value, "a number");
    }
    if (value->number < 0 || value->number > 9000) {
        return JSON_RAISE(err, value, ERR_INPUT, "a price of %s USD, expected 0 to 9000",
                          value->text);
    }
    int64_t digits = 0;
    int exponent = 15;
    bool fraction = false;
    const char *s = value->text;
    for (; *s != '\0' && *s != 'e' && *s != 'E'; s++) {
        if (*s == '.') {
            fraction = true;
        } else if (*s >= '0' && *s <= '9') {
            if (digits > INT64_MAX / 10 - 1) {
                return JSON_RAISE(err, value, ERR_INPUT, "a price with more than 18 digits");
            }
            digits = 10 * digits + (*s - '0');
            exponent -= fraction;
        }
    }
    if (*s != '\0') {
        exponent += (int)strtol(s + 1, NULL, 10);
    }
    for (; exponent < 0 && digits % 10 == 0 && digits != 0; exponent++) {
        digits /= 10;
    }
    if (exponent < 0 && digits != 0) {
        return JSON_RAISE(err, value, ERR_INPUT,
                          "the price %s has more than 15 decimals, which money here cannot hold",
                          value->text);
    }
    for (; exponent > 0 && digits != 0; exponent--) {
        digits *= 10;
    }
    *out = digits;
    return STATUS_OK;
}

static enum status out_of_range(const struct field *f, const struct json *node, double value,
                                struct error *err)
{
    if ((f->flags & FIELD_POSITIVE) != 0 && value <= 0) {
        return JSON_RAISE(err, node, ERR_INPUT,
                          "found %g, expected more than 0 (leave the key out for none)", value);
    }
    return JSON_RAISE(err, node, ERR_INPUT, "found %g, expected %g to %g (%s)", value, f->minimum,
                      f->maximum, f->help);
}

static bool in_range(const struct field *f, double value)
{
    return value >= f->minimum && value <= f->maximum &&
           ((f->flags & FIELD_POSITIVE) == 0 || value > 0);
}

static void put_bytes(void *base, const struct field *f, const void *value, size_t size)
{
    for (size_t i = 0; i < 3 && f->offset[i] != NO_FIELD; i++) {
        memcpy((char *)base + f->offset[i], value, size);
    }
}

enum status value_field(struct arena *a, const struct field *f, struct json *node, void *base,
                        struct error *err)
{
    switch (f->type) {
    case FIELD_QUANTITY: {
        struct quantity q;
        if (value_quantity(a, node, &q, err) != STATUS_OK) {
            return err->code;
        }
        if (!in_range(f, q.mean)) {
            return out_of_range(f, node, q.mean, err);
        }
        put_bytes(base, f, &q, sizeof q);
        return STATUS_OK;
    }
    case FIELD_MONEY: {
        femto_usd price = 0;
        if (read_money(node, &price, err) == STATUS_OK) {
            put_bytes(base, f, &price, sizeof price);
        }
        return err->code;
    }
    case FIELD_BOOL: {
        struct json *value = value_unwrap(node, err);
        if (value == NULL) {
            return err->code;
        }
        if (value->kind != JSON_BOOL) {
            return value_wrong_kind(err, value, "true or false");
        }
        put_bytes(base, f, &value->boolean, sizeof value->boolean);
        return STATUS_OK;
    }
    case FIELD_TEXT: {
        const char *text = NULL;
        if (value_text(node, &text, err) == STATUS_OK) {
            put_bytes(base, f, &text, sizeof text);
        }
        return err->code;
    }
    case FIELD_NUMBER:
    case FIELD_COUNT:
        break;
    }
    double value = 0;
    if (value_number(node, &value, err) != STATUS_OK) {
        return err->code;
    }
    if (f->type == FIELD_COUNT && value != floor(value)) {
        return JSON_RAISE(err, node, ERR_INPUT, "found %.17g, expected a whole number", value);
    }
    if (!in_range(f, value)) {
        return out_of_range(f, node, value, err);
    }
    put_bytes(base, f, &value, sizeof value);
    return STATUS_OK;
}

static void set_default(const struct field *f, void *base)
{
    const bool keep = isnan(f->fallback); /* an alias before it decides */
    if (keep) {
        return;
    }
    if (f->type == FIELD_QUANTITY) {
        const struct quantity q = quantity_constant(f->fallback);
        put_bytes(base, f, &q, sizeof q);
    } else if (f->type == FIELD_BOOL) {
        const bool b = f->fallback != 0;
        put_bytes(base, f, &b, sizeof b);
    } else if (f->type == FIELD_NUMBER || f->type == FIELD_COUNT) {
        put_bytes(base, f, &f->fallback, sizeof f->fallback);
    }
}

enum status value_fields(struct arena *a, const struct field *fields, struct json *object,
                         void *base, struct error *err)
{
    for (const struct field *f = fields; f->key != NULL; f++) {
        struct json *node = object != NULL ? json_member(object, f->key) : NULL;
        if (node == NULL) {
            if (object != NULL && (f->flags & FIELD_REQUIRED) != 0) {
                return JSON_RAISE(err, object, ERR_INPUT, "'%s' is missing (%s)", f->key, f->help);
            }
            set_default(f, base);
        } else if (value_field(a, f, node, base, err) != STATUS_OK) {
            return err->code;
        }
    }
    return STATUS_OK;
}
