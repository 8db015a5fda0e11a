/* Sizes of the network and of theta and phi, from a configuration (SPEC sections 2 and 4). */
#include "calibration/kernel/shape.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *const algorithm_names[] = {
#define X(name, text) text,
    KERNEL_ALGORITHM_LIST(X)
#undef X
};

static const char *const path_names[] = {
#define X(name, text) text,
    KERNEL_PATH_LIST(X)
#undef X
};

const char *kernel_algorithm_name(enum kernel_algorithm algorithm)
{
    return algorithm_names[algorithm];
}

const char *kernel_path_name(enum kernel_path path)
{
    return path_names[path];
}

const char *kernel_precision_name(enum kernel_precision precision)
{
    return precision == KERNEL_FLOAT64 ? "float64" : "float32";
}

/* Index of a name in a list; ERR_INPUT with the nearest one. */
static enum status find_name(const char *what, const char *name, const char *const *names,
                             size_t count, size_t *out, struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(name, names[i]) == 0) {
            *out = i;
            return STATUS_OK;
        }
    }
    struct text list = {0};
    for (size_t i = 0; i < count; i++) {
        text_printf(&list, "%s%s", i == 0 ? "" : i + 1 == count ? " or " : ", ", names[i]);
    }
    const char *near = nearest_name(name, names, count);
    RAISE(err, ERR_INPUT, "unknown %s '%s', expected %s%s%s%s", what, name,
          list.data ? list.data : "another", near ? "; did you mean '" : "", near ? near : "",
          near ? "'?" : "");
    text_free(&list);
    return err->code;
}

enum status kernel_path_from_name(const char *name, enum kernel_path *out, struct error *err)
{
    size_t i = 0;
    const enum status status =
        find_name("kernel path", name, path_names, sizeof path_names / sizeof *path_names, &i, err);
    *out = (enum kernel_path)i;
    return status;
}

enum status kernel_algorithm_from_name(const char *name, enum kernel_algorithm *out,
                                       struct error *err)
{
    size_t i = 0;
    const enum status status = find_name("algorithm", name, algorithm_names,
                                         sizeof algorithm_names / sizeof *algorithm_names, &i, err);
    *out = (enum kernel_algorithm)i;
    return status;
}

/* ---------------------------------------------------------------- theta */

static size_t tensor_add(struct kernel_tensor *list, size_t *count, size_t *offset,
                         const char *name, size_t n_dims, const size_t dims[])
{
    struct kernel_tensor *t = &list[(*count)++];
    *t = (struct kernel_tensor){.offset = *offset, .count = 1, .n_dims = n_dims};
    snprintf(t->name, sizeof t->name, "%s", name);
    for (size_t d = 0; d < n_dims; d++) {
        t->dims[d] = dims[d];
        t->count *= dims[d];
    }
    *offset += t->count;
    return t->offset;
}

static void add_theta(struct kernel_shape *s)
{
    char name[40];
    size_t offset = 0;
    for (size_t l = 0; l < s->layers; l++) {
        struct layer_shape *y = &s->layer[l];
        snprintf(name, sizeof name, "conv%zu.weight", l);
        y->weight =
            tensor_add(s->tensor, &s->tensors, &offset, name, 4, (size_t[]){y->cout, y->cin, 3, 3});
        snprintf(name, sizeof name, "conv%zu.bias", l);
        y->bias = tensor_add(s->tensor, &s->tensors, &offset, name, 1, &y->cout);
        snprintf(name, sizeof name, "bn%zu.weight", l);
        y->gamma = tensor_add(s->tensor, &s->tensors, &offset, name, 1, &y->cout);
        snprintf(name, sizeof name, "bn%zu.bias", l);
        y->beta = tensor_add(s->tensor, &s->tensors, &offset, name, 1, &y->cout);
    }
    s->head_weight = tensor_add(s->tensor, &s->tensors, &offset, "head.weight", 2,
                                (size_t[]){s->ways, s->features});
    s->head_bias = tensor_add(s->tensor, &s->tensors, &offset, "head.bias", 1, &s->ways);
    s->theta_count = offset;
}

/* Are the gamma and beta of batch norm in this tensor? */
static bool shape_is_bn(const struct kernel_shape *s, size_t tensor)
{
    return tensor < 4 * s->layers && tensor % 4 >= 2;
}

static void mark_inner(struct kernel_shape *s, bool with_bn)
{
    for (size_t i = 0; i < s->tensors; i++) {
        const bool head = i >= 4 * s->layers;
        const bool inner = head || (!s->head_only && (with_bn || !shape_is_bn(s, i)));
        s->tensor[i].inner = inner;
        if (inner) {
            s->inner[s->inners++] = i;
        }
    }
    s->adapted = s->head_only ? s->head_weight : 0;
}

/* ---------------------------------------------------------------- phi */

static size_t phi_list(const struct kernel_shape *s, struct kernel_tensor *list, size_t offsets[])
{
    const size_t m2 = 2 * s->inners;
    const size_t square[] = {m2, m2}, steps[] = {s->inners, s->steps};
    size_t count = 0, offset = 0;
    if (!s->generator) {
        return 0;
    }
    tensor_add(list, &count, &offset, "gen.w1", 2, square);
    tensor_add(list, &count, &offset, "gen.b1", 1, &m2);
    tensor_add(list, &count, &offset, "gen.w2", 2, square);
    tensor_add(list, &count, &offset, "gen.b2", 1, &m2);
    tensor_add(list, &count, &offset, "alpha0", 2, steps);
    tensor_add(list, &count, &offset, "beta0", 2, steps);
    for (size_t i = 0; s->decay && i < s->inners; i++) {
        const struct kernel_tensor *t = &s->tensor[s->inner[i]];
        char name[sizeof t->name];
        snprintf(name, sizeof name, "betap.%.30s", t->name);
        offsets[i] = tensor_add(list, &count, &offset, name, t->n_dims, t->dims);
    }
    return count;
}

static void add_phi(struct kernel_shape *s)
{
    struct kernel_tensor list[KERNEL_MAX_TENSORS];
    const size_t count = phi_list(s, list, s->decay_offset);
    if (count == 0) {
        return;
    }
    s->w1 = list[0].offset;
    s->b1 = list[1].offset;
    s->w2 = list[2].offset;
    s->b2 = list[3].offset;
    s->alpha = list[4].offset;
    s->beta = list[5].offset;
    s->phi_count = list[count - 1].offset + list[count - 1].count;
}

/* ---------------------------------------------------------------- ranges */

static enum status check_count(const char *name, size_t value, size_t low, size_t high,
                               struct error *err)
{
    if (value < low || value > high) {
        return RAISE(err, ERR_INPUT, "kernel: %s is %zu, expected %zu to %zu", name, value, low,
                     high);
    }
    return STATUS_OK;
}

static enum status check_number(const char *name, double value, double low, double high,
                                struct error *err)
{
    if (!(value >= low && value <= high)) {
        return RAISE(err, ERR_INPUT, "kernel: %s is %g, expected %g to %g", name, value, low, high);
    }
    return STATUS_OK;
}

static enum status check_config(const struct kernel_config *c, struct error *err)
{
    const struct {
        const char *name;
        size_t value, low, high;
    } counts[] = {
        {"algorithm", (size_t)c->algorithm, 0, KERNEL_EALFA},
        {"precision", (size_t)c->precision, 0, KERNEL_FLOAT64},
        {"path", (size_t)c->path, 0, KERNEL_PATH_AVX512},
        {"channels", c->channels, 1, 4096},
        {"size", c->size, 1, 4096},
        {"hidden", c->hidden, 1, 4096},
        {"layers", c->layers, 1, KERNEL_MAX_LAYERS},
        {"ways", c->ways, 1, 100000},
        {"shots", c->shots, 1, 100000},
        {"queries", c->queries, 1, 100000},
        {"steps", c->steps, 1, 10000},
        {"meta_batch", c->meta_batch, 1, 1000000},
        {"threads", c->threads, 0, 4096},
    };
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        const enum status status =
            check_count(counts[i].name, counts[i].value, counts[i].low, counts[i].high, err);
        if (status) {
            return status;
        }
    }
    enum status status = check_number("slope", c->slope, 0.0, 1.0, err);
    if (!status) {
        status = check_number("inner_rate", c->inner_rate, 0.0, 1e6, err);
    }
    return status ? status : check_number("outer_rate", c->outer_rate, 0.0, 1e6, err);
}

enum status shape_make(const struct kernel_config *c, struct kernel_shape *s, struct error *err)
{
    const enum status status = check_config(c, err);
    if (status) {
        return status;
    }
    *s = (struct kernel_shape){
        .layers = c->layers,
        .hidden = c->hidden,
        .ways = c->ways,
        .support = c->ways * c->shots,
        .query = c->ways * c->queries,
        .steps = c->steps,
        .slope = c->slope,
        .inner_rate = c->inner_rate,
        .spatial_mean = !c->pool,
        .generator = c->algorithm == KERNEL_ALFA || c->algorithm == KERNEL_EALFA,
        .head_only = c->algorithm == KERNEL_ANIL || c->algorithm == KERNEL_EALFA,
        .joint = c->algorithm == KERNEL_ANIL && c->joint,
        .second_order = c->algorithm != KERNEL_FOMAML && !c->first_order,
    };
    s->decay = s->generator && c->fixed_theta;
    s->meta_theta = c->algorithm != KERNEL_EALFA && !s->decay;
    size_t side = c->size, cin = c->channels;
    for (size_t l = 0; l < c->layers; l++) {
        struct layer_shape *y = &s->layer[l];
        y->cin = cin;
        y->cout = c->hidden;
        y->in = side;
        y->stride = c->pool ? 1 : 2;
        y->conv = (side - 1) / y->stride + 1;
        y->window = c->pool ? 2 : 1;
        y->out = y->conv / y->window;
        if (y->out == 0) {
            return RAISE(err, ERR_INPUT,
                         "kernel: %zu blocks with pooling need images of at least %zu pixels, "
                         "found %zu",
                         c->layers, (size_t)1 << c->layers, c->size);
        }
        side = y->out;
        cin = c->hidden;
    }
    s->features = c->pool ? side * side * c->hidden : c->hidden;
    add_theta(s);
    mark_inner(s, !s->generator && !c->freeze_bn);
    add_phi(s);
    return STATUS_OK;
}

size_t kernel_theta_tensors(const struct kernel_config *config,
                            struct kernel_tensor out[KERNEL_MAX_TENSORS])
{
    struct kernel_shape s;
    struct error err = {0};
    if (shape_make(config, &s, &err)) {
        return 0;
    }
    memcpy(out, s.tensor, s.tensors * sizeof *out);
    return s.tensors;
}

size_t kernel_phi_tensors(const struct kernel_config *config,
                          struct kernel_tensor out[KERNEL_MAX_TENSORS])
{
    struct kernel_shape s;
    struct error err = {0};
    size_t offsets[KERNEL_MAX_TENSORS];
    return shape_make(config, &s, &err) ? 0 : phi_list(&s, out, offsets);
}

/* ---------------------------------------------------------------- work */

double kernel_flop(const struct kernel_config *config)
{
    struct kernel_shape s;
    struct error err = {0};
    if (shape_make(config, &s, &err)) {
        return (double)NAN;
    }
    double forward = 0.0, first = 0.0; /* SPEC section 6: G and G1, per image */
    for (size_t l = 0; l < s.layers; l++) {
        const struct layer_shape *y = &s.layer[l];
        const double flop = 2.0 * 9.0 * (double)(y->cin * y->cout * y->conv * y->conv);
        forward += flop;
        first = l == 0 ? flop : first;
    }
    const double support = (double)s.support, query = (double)s.query, steps = (double)s.steps;
    const double gradient = 3.0 * forward - first, second = 6.0 * forward - 4.0 * first;
    if (config->algorithm == KERNEL_EALFA) {
        return (support + query) * forward;
    }
    if (s.head_only) {
        return (support + query) * gradient;
    }
    const double products = !s.second_order ? 0.0 : s.meta_theta ? steps : steps - 1.0;
    return (steps * support + query) * gradient + products * support * second;
}
