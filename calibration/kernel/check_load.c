/* What one case needs: arrays read from its folder, or made by the recipe of the full-size cases,
 * and the kernel of its configuration. */
#include "calibration/kernel/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "calibration/kernel/initialise.h"

void *check_take(struct check_bench *b, size_t count, size_t size)
{
    return arena_alloc(&b->arena, (count ? count : 1) * size);
}

/* ---------------------------------------------------------------- stored arrays */

const struct check_array *check_find(const struct check_case *c, const char *name, const char *type)
{
    for (const struct check_array *a = c->arrays; a; a = a->next) {
        if (strcmp(a->name, name) == 0 && strcmp(a->type, type) == 0) {
            return a;
        }
    }
    return NULL;
}

enum status check_at_line(struct check_bench *b, size_t line, enum status status)
{
    snprintf(b->err->file, sizeof b->err->file, "%s", b->index);
    b->err->line = (unsigned)line;
    return status;
}

enum status check_array_load(struct check_bench *b, const struct check_array *a, size_t count,
                             size_t size, void *out)
{
    if (a->count != count) {
        return check_at_line(b, a->line,
                             RAISE(b->err, ERR_INPUT,
                                   "case %s: array %s has %zu elements, expected %zu", b->c->name,
                                   a->name, a->count, count));
    }
    char path[1024];
    if (snprintf(path, sizeof path, "%s/%s", b->folder, a->path) >= (int)sizeof path) {
        return check_at_line(b, a->line,
                             RAISE(b->err, ERR_INPUT, "path of array %s is too long", a->name));
    }
    char *data;
    size_t found;
    const enum status status = file_read(path, count * size + 1, &data, &found, b->err);
    if (status == ERR_INPUT || (!status && found != count * size)) {
        if (!status) {
            free(data);
        }
        *b->err = (struct error){0};
        return RAISE(b->err, ERR_INPUT, "%s has %s%zu bytes, expected %zu (%zu elements of %zu)",
                     path, status ? "more than " : "", status ? count * size : found, count * size,
                     count, size);
    }
    if (status) {
        return status;
    }
    memcpy(out, data, count * size);
    free(data);
    return STATUS_OK;
}

enum status check_need(struct check_bench *b, const char *name, const char *type, size_t count,
                       size_t size, void *out)
{
    const struct check_array *a = check_find(b->c, name, type);
    if (!a) {
        return check_at_line(
            b, b->c->line,
            RAISE(b->err, ERR_INPUT, "case %s has no array %s of type %s", b->c->name, name, type));
    }
    return check_array_load(b, a, count, size, out);
}

/* ---------------------------------------------------------------- generated full-size cases */

static double power_below(double x)
{
    return exp2(floor(log2(x)));
}

static void generate_theta(struct check_bench *b)
{
    const struct kernel_config *c = &b->c->config;
    struct kernel_tensor list[KERNEL_MAX_TENSORS];
    const size_t count = kernel_theta_tensors(c, list);
    for (size_t j = 0; j < count; j++) {
        const struct kernel_tensor *t = &list[j];
        const bool head = j >= 4 * c->layers;
        double scale = 0.125, shift = 0.0; /* biases of convolutions and head */
        if (t->n_dims == 4) {
            scale = power_below(sqrt(6.0 / ((double)(t->dims[0] + t->dims[1]) * 9.0)));
        } else if (t->n_dims == 2) {
            scale = power_below(sqrt(6.0 / (double)(t->dims[0] + t->dims[1])));
        } else if (!head && j % 4 == 2) {
            scale = 0.25;
            shift = 0.75;
        } else if (!head && j % 4 == 3) {
            scale = 0.25;
        }
        for (size_t i = 0; i < t->count; i++) {
            b->theta[t->offset + i] = shift + scale * recipe_uniform(b->c->seed, 10 + j, i);
        }
    }
}

static void generate_phi(struct check_bench *b)
{
    struct kernel_tensor list[KERNEL_MAX_TENSORS];
    const size_t count = kernel_phi_tensors(&b->c->config, list);
    const double generator = count ? power_below(1.0 / sqrt((double)list[0].dims[1])) : 0.0;
    for (size_t j = 0; j < count; j++) {
        double scale = 0.5 * 0.03125, shift = 0.03125; /* decay tensors */
        if (j < 4) {
            scale = generator;
            shift = j == 3 ? 1.0 : 0.0;
        } else if (j == 4) {
            scale = 0.25 * b->c->a0;
            shift = b->c->a0;
        } else if (j == 5) {
            shift = b->c->config.fixed_theta ? 1.0 : 0.03125;
            scale = 0.25 * shift;
        }
        for (size_t i = 0; i < list[j].count; i++) {
            b->phi[list[j].offset + i] = shift + scale * recipe_uniform(b->c->seed, 100 + j, i);
        }
    }
}

/* ---------------------------------------------------------------- setting up */

static enum status load_case(struct check_bench *b)
{
    const size_t s = b->tasks * b->support, q = b->tasks * b->query;
    if (b->c->full) {
        for (size_t i = 0; i < b->tasks; i++) {
            const struct kernel_episode *e = &b->episodes[i];
            kernel_synthetic_episode(&b->c->config, b->c->seed, i, (float *)e->x_support,
                                     (int32_t *)e->y_support, (float *)e->x_query,
                                     (int32_t *)e->y_query);
        }
        generate_theta(b);
        generate_phi(b);
        return STATUS_OK;
    }
    enum status status = check_need(b, "x_support", "f32", s * b->image, 4, b->x_support);
    if (!status) {
        status = check_need(b, "y_support", "i32", s, 4, b->y_support);
    }
    if (!status) {
        status = check_need(b, "x_query", "f32", q * b->image, 4, b->x_query);
    }
    if (!status) {
        status = check_need(b, "y_query", "i32", q, 4, b->y_query);
    }
    if (!status) {
        status = check_need(b, "theta", "f64", b->n_theta, 8, b->theta);
    }
    if (!status && b->n_phi) {
        status = check_need(b, "phi", "f64", b->n_phi, 8, b->phi);
    }
    return status;
}

enum status check_prepare(struct check_bench *b, enum kernel_precision precision,
                          enum kernel_path path)
{
    struct kernel_config config = b->c->config;
    struct kernel_tensor list[KERNEL_MAX_TENSORS];
    config.precision = precision;
    config.path = path;
    b->tasks = b->c->tasks * (b->c->outer_iters ? b->c->outer_iters : 1);
    b->image = config.channels * config.size * config.size;
    b->support = config.ways * config.shots;
    b->query = config.ways * config.queries;
    b->n_theta = b->c->theta_len;
    b->n_phi = b->c->phi_len;
    for (size_t i = 0; i < kernel_theta_tensors(&config, list); i++) {
        b->n_inner += list[i].inner ? list[i].count : 0;
    }
    b->gen = kernel_phi_tensors(&config, list) ? config.steps * list[0].dims[0] : 0;
    const size_t s = b->tasks * b->support, q = b->tasks * b->query;
    const struct {
        void *place;
        size_t count, size;
    } wanted[] = {
        {&b->x_support, s * b->image, sizeof(float)},
        {&b->x_query, q * b->image, sizeof(float)},
        {&b->y_support, s, sizeof(int32_t)},
        {&b->y_query, q, sizeof(int32_t)},
        {&b->episodes, b->tasks, sizeof(struct kernel_episode)},
        {&b->outcomes, b->tasks, sizeof(struct kernel_outcome)},
        {&b->theta, b->n_theta, sizeof(double)},
        {&b->phi, b->n_phi, sizeof(double)},
        {&b->theta_adapted, b->n_theta, sizeof(double)},
        {&b->grad_theta, b->n_theta, sizeof(double)},
        {&b->grad_phi, b->n_phi, sizeof(double)},
        {&b->grad_support, b->n_inner, sizeof(double)},
        {&b->hvp_v, b->n_theta, sizeof(double)},
        {&b->hvp, b->n_theta, sizeof(double)},
        {&b->support_loss, b->tasks * config.steps, sizeof(double)},
        {&b->query_loss, b->tasks, sizeof(double)},
        {&b->logits, b->query * config.ways, sizeof(double)},
        {&b->gen_in, b->gen, sizeof(double)},
        {&b->gen_out, b->gen, sizeof(double)},
    };
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        void *block = check_take(b, wanted[i].count, wanted[i].size);
        if (!block) {
            return RAISE(b->err, ERR_MEMORY, "out of memory for case %s", b->c->name);
        }
        memcpy(wanted[i].place, &block, sizeof block);
    }
    for (size_t i = 0; i < b->tasks; i++) {
        b->episodes[i] = (struct kernel_episode){
            b->x_support + i * b->support * b->image, b->y_support + i * b->support,
            b->x_query + i * b->query * b->image, b->y_query + i * b->query};
    }
    const enum status status = load_case(b);
    return status ? status : kernel_new(&config, &b->k, b->err);
}
