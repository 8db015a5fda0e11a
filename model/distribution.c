/* A distribution given by the parameters people have: read, turned into natural parameters, with
 * its mean and coefficient of variation. */
#include "model/config.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_sf_gamma.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct quantity quantity_constant(double value)
{
    return (struct quantity){.kind = DISTRIBUTION_CONSTANT, .mean = value, .p = {value, 0, 0}};
}

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
    {DISTRIBUTION_LOGNORMAL, {"mean", "cv", NULL}},
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
        const bool relative = strcmp(set->names[1], "cv") == 0;
        if (require(node, p[0] > 0 && p[1] >= 0,
                    relative ? "expected mean > 0 and cv >= 0" : "expected mean > 0 and sd >= 0",
                    err)) {
            return err->code;
        }
        const double cv = relative ? p[1] : p[1] / p[0];
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
            return value_wrong_kind(err, item, "a number");
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
        return value_wrong_kind(err, value, "a number or a distribution");
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
