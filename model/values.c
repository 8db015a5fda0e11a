/* Reading one value: plain, sourced ({"value", "source", "date", "status"}), or a distribution
 * given by the parameters people have. Everything read is marked, so that keys nobody reads are
 * refused. */
#include "model/config.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_sf_gamma.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const kind_words[] = {
    [JSON_NULL] = "null",     [JSON_BOOL] = "true or false", [JSON_NUMBER] = "a number",
    [JSON_STRING] = "a text", [JSON_ARRAY] = "a list",       [JSON_OBJECT] = "an object",
};

static enum status wrong_kind(struct error *err, const struct json *node, const char *expected)
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
                wrong_kind(err, text, "a text");
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
        return wrong_kind(err, value, "a number");
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
        return wrong_kind(err, value, "a text");
    }
    *out = value->text;
    return STATUS_OK;
}

struct quantity quantity_constant(double value)
{
    return (struct quantity){.kind = DISTRIBUTION_CONSTANT, .mean = value, .p = {value, 0, 0}};
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

/* ---------------------------------------------------------------- distributions */

/* The parameter sets a kind accepts; the first complete one is taken, mixing sets is an error. */
struct parameters {
    enum distribution_kind kind;
    const char *names[3];
};

static const struct parameters accepted[] = {
    {DISTRIBUTION_CONSTANT, {"value", NULL, NULL}},
    {DISTRIBUTION_NORMAL, {"mean", "sd", NULL}},
    {DISTRIBUTION_LOGNORMAL, {"mu", "sigma", NULL}},
    {DISTRIBUTION_LOGNORMAL, {"median", "p99", NULL}},
    {DISTRIBUTION_LOGNORMAL, {"mean", "sd", NULL}},
    {DISTRIBUTION_SHIFTED_LOGNORMAL, {"shift", "mu", "sigma"}},
    {DISTRIBUTION_SHIFTED_LOGNORMAL, {"shift", "median", "p99"}},
    {DISTRIBUTION_GAMMA, {"shape", "scale", NULL}},
    {DISTRIBUTION_GAMMA, {"mean", "sd", NULL}},
    {DISTRIBUTION_WEIBULL, {"scale", "shape", NULL}},
    {DISTRIBUTION_EXPONENTIAL, {"mean", NULL, NULL}},
    {DISTRIBUTION_UNIFORM, {"low", "high", NULL}},
    {DISTRIBUTION_TRIANGULAR, {"low", "mode", "high"}},
};

static const char *const distribution_words[] = {
#define X(name, word) word,
    DISTRIBUTION_LIST(X)
#undef X
};

static enum status require(struct json *node, bool fine, const char *message, struct error *err)
{
    return fine ? STATUS_OK : JSON_RAISE(err, node, ERR_INPUT, "%s", message);
}

/* Mean and cv of the natural parameters in q->p. */
static enum status moments(struct json *node, struct quantity *q, struct error *err)
{
    const double *p = q->p;
    double sd = 0;
    switch (q->kind) {
    case DISTRIBUTION_CONSTANT:
        q->mean = p[0];
        break;
    case DISTRIBUTION_NORMAL:
        q->mean = p[0];
        sd = p[1];
        if (require(node, p[0] >= 0 && sd >= 0, "mean and sd must not be negative", err)) {
            return err->code;
        }
        break;
    case DISTRIBUTION_LOGNORMAL:
    case DISTRIBUTION_SHIFTED_LOGNORMAL: {
        const bool shifted = q->kind == DISTRIBUTION_SHIFTED_LOGNORMAL;
        const double mu = p[shifted];
        const double sigma = p[shifted + 1];
        const double shift = shifted ? p[0] : 0;
        if (require(node, sigma >= 0 && shift >= 0, "sigma and shift must not be negative", err)) {
            return err->code;
        }
        q->mean = shift + exp(mu + 0.5 * sigma * sigma);
        sd = (q->mean - shift) * sqrt(expm1(sigma * sigma));
        break;
    }
    case DISTRIBUTION_GAMMA:
        if (require(node, p[0] > 0 && p[1] > 0, "shape and scale must be positive", err)) {
            return err->code;
        }
        q->mean = p[0] * p[1];
        sd = sqrt(p[0]) * p[1];
        break;
    case DISTRIBUTION_WEIBULL: {
        if (require(node, p[0] > 0 && p[1] > 0.05, "scale must be positive, shape above 0.05",
                    err)) {
            return err->code;
        }
        const double first = gsl_sf_gamma(1 + 1 / p[1]);
        const double second = gsl_sf_gamma(1 + 2 / p[1]);
        q->mean = p[0] * first;
        sd = p[0] * sqrt(fmax(0, second - first * first));
        break;
    }
    case DISTRIBUTION_EXPONENTIAL:
        if (require(node, p[0] >= 0, "the mean must not be negative", err)) {
            return err->code;
        }
        q->mean = sd = p[0];
        break;
    case DISTRIBUTION_UNIFORM:
        if (require(node, p[0] >= 0 && p[1] >= p[0], "expected 0 <= low <= high", err)) {
            return err->code;
        }
        q->mean = (p[0] + p[1]) / 2;
        sd = (p[1] - p[0]) / sqrt(12);
        break;
    case DISTRIBUTION_TRIANGULAR:
        if (require(node, p[0] >= 0 && p[1] >= p[0] && p[2] >= p[1],
                    "expected 0 <= low <= mode <= high", err)) {
            return err->code;
        }
        q->mean = (p[0] + p[1] + p[2]) / 3;
        sd = sqrt(fmax(
            0, (p[0] * p[0] + p[1] * p[1] + p[2] * p[2] - p[0] * p[1] - p[0] * p[2] - p[1] * p[2]) /
                   18));
        break;
    case DISTRIBUTION_EMPIRICAL: {
        /* The quantile function is piecewise linear; both integrals are exact. */
        double second = 0;
        for (uint32_t i = 0; i + 1 < q->count; i++) {
            const double a = q->table[i];
            const double b = q->table[i + 1];
            q->mean += (a + b) / 2 / (q->count - 1);
            second += (a * a + a * b + b * b) / 3 / (q->count - 1);
        }
        sd = sqrt(fmax(0, second - q->mean * q->mean));
        break;
    }
    case DISTRIBUTION_MIXTURE:
    case DISTRIBUTIONS:
        break; /* mixtures are summed where they are read */
    }
    q->cv = q->mean > 0 ? sd / q->mean : 0;
    return require(node, isfinite(q->mean) && isfinite(q->cv), "its mean or spread is not finite",
                   err);
}

/* Parameters people have -> natural ones. */
static enum status to_natural(struct json *node, const struct parameters *set, struct quantity *q,
                              struct error *err)
{
    const bool shifted = set->kind == DISTRIBUTION_SHIFTED_LOGNORMAL;
    const char *first = set->names[shifted];
    double *p = q->p + shifted;
    if ((set->kind == DISTRIBUTION_LOGNORMAL || shifted) && strcmp(first, "median") == 0) {
        if (require(node, p[0] > 0 && p[1] >= p[0], "expected 0 < median <= p99", err)) {
            return err->code;
        }
        const double sigma = log(p[1] / p[0]) / gsl_cdf_ugaussian_Pinv(0.99);
        p[0] = log(p[0]);
        p[1] = sigma;
    } else if (set->kind == DISTRIBUTION_LOGNORMAL && strcmp(first, "mean") == 0) {
        if (require(node, p[0] > 0 && p[1] >= 0, "expected mean > 0 and sd >= 0", err)) {
            return err->code;
        }
        const double cv = p[1] / p[0];
        const double sigma2 = log1p(cv * cv);
        p[0] = log(p[0]) - sigma2 / 2;
        p[1] = sqrt(sigma2);
    } else if (set->kind == DISTRIBUTION_GAMMA && strcmp(first, "mean") == 0) {
        if (require(node, p[0] > 0 && p[1] > 0, "expected mean > 0 and sd > 0", err)) {
            return err->code;
        }
        const double shape = p[0] * p[0] / (p[1] * p[1]);
        p[1] = p[0] / shape;
        p[0] = shape;
    }
    return STATUS_OK;
}

static enum status read_empirical(struct arena *a, struct json *node, struct quantity *q,
                                  struct error *err)
{
    struct json *list = json_member(node, "quantiles");
    if (list == NULL || list->kind != JSON_ARRAY) {
        return JSON_RAISE(err, list != NULL ? list : node, ERR_INPUT,
                          "an empirical distribution needs \"quantiles\": a list of numbers");
    }
    list->read = true;
    if (list->count < 2) {
        return JSON_RAISE(err, list, ERR_INPUT,
                          "found %zu, expected a list of at least 2 quantiles", list->count);
    }
    double *table = arena_alloc(a, list->count * sizeof *table);
    if (table == NULL) {
        return RAISE(err, ERR_MEMORY, "out of memory reading quantiles");
    }
    size_t n = 0;
    for (struct json *item = list->first; item != NULL; item = item->next) {
        item->read = true;
        if (item->kind != JSON_NUMBER) {
            return wrong_kind(err, item, "a number");
        }
        table[n] = item->number;
        if (table[n] < 0 || (n > 0 && table[n] < table[n - 1])) {
            return JSON_RAISE(err, item, ERR_INPUT, "quantiles must not be negative nor decrease");
        }
        n++;
    }
    q->table = table;
    q->count = (uint32_t)n;
    return STATUS_OK;
}

static enum status read_mixture(struct arena *a, struct json *node, struct quantity *q,
                                struct error *err)
{
    enum { NUMBERS = 5 }; /* weight, kind, p0, p1, p2 */
    struct json *weights = json_member(node, "weights");
    struct json *parts = json_member(node, "components");
    if (weights == NULL || parts == NULL || weights->kind != JSON_ARRAY ||
        parts->kind != JSON_ARRAY || parts->count == 0 || weights->count != parts->count) {
        return JSON_RAISE(err, node, ERR_INPUT,
                          "a mixture needs \"weights\" and as many \"components\"");
    }
    weights->read = parts->read = true;
    double *table = arena_alloc(a, parts->count * NUMBERS * sizeof *table);
    if (table == NULL) {
        return RAISE(err, ERR_MEMORY, "out of memory reading a mixture");
    }
    double total = 0;
    double second = 0;
    size_t n = 0;
    struct json *weight = weights->first;
    for (struct json *part = parts->first; part != NULL; part = part->next, weight = weight->next) {
        struct quantity component;
        weight->read = true;
        if (weight->kind != JSON_NUMBER || weight->number < 0) {
            return JSON_RAISE(err, weight, ERR_INPUT, "expected a weight that is not negative");
        }
        if (value_quantity(a, part, &component, err) != STATUS_OK) {
            return err->code;
        }
        if (component.kind == DISTRIBUTION_MIXTURE || component.kind == DISTRIBUTION_EMPIRICAL) {
            return JSON_RAISE(err, part, ERR_INPUT, "a component must have a formula of its own");
        }
        double *row = table + NUMBERS * n++;
        row[0] = weight->number;
        row[1] = component.kind;
        memcpy(row + 2, component.p, sizeof component.p);
        total += weight->number;
        q->mean += weight->number * component.mean;
        second +=
            weight->number * component.mean * component.mean * (1 + component.cv * component.cv);
    }
    if (total <= 0) {
        return JSON_RAISE(err, weights, ERR_INPUT, "the weights add up to 0");
    }
    for (size_t i = 0; i < n; i++) {
        table[NUMBERS * i] /= total;
    }
    q->mean /= total;
    const double variance = second / total - q->mean * q->mean;
    q->cv = q->mean > 0 ? sqrt(fmax(0, variance)) / q->mean : 0;
    q->table = table;
    q->count = (uint32_t)n;
    return STATUS_OK;
}

static enum status read_parameters(struct json *node, struct quantity *q, struct error *err)
{
    const struct parameters *best = NULL;
    const size_t sets = sizeof accepted / sizeof accepted[0];
    for (size_t i = 0; i < sets && best == NULL; i++) {
        bool complete = accepted[i].kind == q->kind;
        for (size_t k = 0; complete && k < 3 && accepted[i].names[k] != NULL; k++) {
            complete = json_member(node, accepted[i].names[k]) != NULL;
        }
        if (complete) {
            best = &accepted[i];
        }
    }
    if (best == NULL) {
        struct text t = {0};
        for (size_t i = 0; i < sets; i++) {
            if (accepted[i].kind != q->kind) {
                continue;
            }
            text_puts(&t, t.size > 0 ? " or " : "");
            for (size_t k = 0; k < 3 && accepted[i].names[k] != NULL; k++) {
                text_printf(&t, "%s%s", k > 0 ? ", " : "", accepted[i].names[k]);
            }
        }
        JSON_RAISE(err, node, ERR_INPUT, "distribution \"%s\" needs %s",
                   distribution_words[q->kind], t.data != NULL ? t.data : "");
        text_free(&t);
        return err->code;
    }
    for (size_t k = 0; k < 3 && best->names[k] != NULL; k++) {
        if (value_number(json_member(node, best->names[k]), &q->p[k], err) != STATUS_OK) {
            return err->code;
        }
    }
    if (to_natural(node, best, q, err) != STATUS_OK) {
        return err->code;
    }
    return moments(node, q, err);
}

enum status value_quantity(struct arena *a, struct json *node, struct quantity *out,
                           struct error *err)
{
    struct json *value = value_unwrap(node, err);
    if (value == NULL) {
        return err->code;
    }
    if (value->kind == JSON_NUMBER) {
        *out = quantity_constant(value->number);
        return STATUS_OK;
    }
    struct json *kind = json_member(value, "distribution");
    if (kind == NULL || kind->kind != JSON_STRING) {
        return wrong_kind(err, value, "a number or a distribution");
    }
    kind->read = true;
    *out = (struct quantity){.kind = DISTRIBUTIONS};
    for (size_t i = 0; i < DISTRIBUTIONS; i++) {
        if (strcmp(kind->text, distribution_words[i]) == 0) {
            out->kind = (enum distribution_kind)i;
        }
    }
    if (out->kind == DISTRIBUTIONS) {
        const char *near = nearest_name(kind->text, distribution_words, DISTRIBUTIONS);
        return JSON_RAISE(err, kind, ERR_INPUT, "no distribution \"%.60s\"%s%s%s", kind->text,
                          near != NULL ? ", did you mean \"" : "", near != NULL ? near : "",
                          near != NULL ? "\"?" : "");
    }
    struct json *run = json_member(value, "run_sd");
    if (run != NULL && value_number(run, &out->run_sd, err) != STATUS_OK) {
        return err->code;
    }
    enum status status;
    if (out->kind == DISTRIBUTION_MIXTURE) {
        status = read_mixture(a, value, out, err);
    } else if (out->kind == DISTRIBUTION_EMPIRICAL) {
        status = read_empirical(a, value, out, err);
        if (status == STATUS_OK) {
            status = moments(value, out, err);
        }
    } else {
        status = read_parameters(value, out, err);
    }
    if (status == STATUS_OK && (out->run_sd < 0 || out->run_sd > 5)) {
        return JSON_RAISE(err, run, ERR_INPUT, "run_sd must lie between 0 and 5");
    }
    const struct json *unread = NULL;
    if (status == STATUS_OK && !json_all_read(value, &unread)) {
        return JSON_RAISE(err, unread, ERR_INPUT,
                          "'%s' does not belong to the parameters of this \"%s\"", unread->key,
                          kind->text);
    }
    /* A random effect exp(N(0, s^2)) on every run raises the mean over runs. */
    out->mean *= exp(0.5 * out->run_sd * out->run_sd);
    return status;
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
        return wrong_kind(err, value, "a number");
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
            return wrong_kind(err, value, "true or false");
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
