/* Compares what the kernel gave with what is stored (SPEC section 7). Vectors are compared whole,
 * by relative L2 error. Full-size cases store only statistics of long vectors; for these the error
 * is estimated from the L2 norm, a pseudo-random projection and the first entries of every tensor,
 * relative to the norm of the whole vector. */
#include "calibration/kernel/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "calibration/kernel/initialise.h"

static double bound(const struct check_bench *b)
{
    const bool full = b->c->full;
    if (kernel_settings(b->k)->precision == KERNEL_FLOAT64) {
        return full ? 1e-8 : 1e-10;
    }
    const size_t large = 64; /* pixels: above, single flipped pooling decisions show */
    return !full ? 2e-5 : b->c->config.size < large ? 1e-4 : 5e-3;
}

enum status check_say(struct check_bench *b, const char *what, double error, double limit)
{
    struct kernel_check *out = b->out;
    if (out->count == out->capacity) {
        const size_t capacity = 2 * out->capacity + 64;
        struct kernel_check_row *rows = realloc(out->rows, capacity * sizeof *rows);
        if (!rows) {
            return RAISE(b->err, ERR_MEMORY, "out of memory for the results");
        }
        out->rows = rows;
        out->capacity = capacity;
    }
    struct kernel_check_row *row = &out->rows[out->count++];
    *row = (struct kernel_check_row){
        .precision = kernel_settings(b->k)->precision, .error = error, .bound = limit};
    snprintf(row->name, sizeof row->name, "%s", b->c->name);
    snprintf(row->quantity, sizeof row->quantity, "%s", what);
    out->failures += error <= limit ? 0 : 1; /* NaN fails */
    return STATUS_OK;
}

enum status check_compare(struct check_bench *b, const char *name, const double *found,
                          size_t count)
{
    const struct check_array *a = check_find(b->c, name, "f64");
    if (!a) {
        return STATUS_OK;
    }
    double *expected = check_take(b, count, sizeof *expected);
    if (!expected) {
        return RAISE(b->err, ERR_MEMORY, "out of memory for case %s", b->c->name);
    }
    const enum status status = check_array_load(b, a, count, sizeof(double), expected);
    if (status) {
        return status;
    }
    double difference = 0.0, norm = 0.0;
    for (size_t i = 0; i < count; i++) {
        difference += (found[i] - expected[i]) * (found[i] - expected[i]);
        norm += expected[i] * expected[i];
    }
    const double error = norm > 0.0 ? sqrt(difference / norm) : sqrt(difference);
    return check_say(b, name, error, bound(b));
}

/* Squares of the estimated error and of the norm of one stored statistic, added up. */
static void compare_stat(const struct check_stat *s, const double *found, double *difference,
                         double *norm)
{
    double l2 = 0.0, chk = 0.0, head = 0.0;
    for (size_t i = 0; i < s->len; i++) {
        l2 += found[i] * found[i];
        chk += found[i] * recipe_uniform(12345, 0, i);
        head += i < s->heads ? (found[i] - s->head[i]) * (found[i] - s->head[i]) : 0.0;
    }
    const double d_l2 = sqrt(l2) - s->l2, d_chk = chk - s->chk;
    *difference += d_l2 * d_l2 + d_chk * d_chk + head;
    *norm += s->l2 * s->l2;
}

/* All statistics of one vector: the whole of it and its tensors. */
static enum status compare_stats(struct check_bench *b, const char *name, const double *whole,
                                 size_t count, const struct kernel_tensor *list, size_t tensors)
{
    double difference = 0.0, norm = 0.0;
    size_t used = 0;
    const size_t length = strlen(name);
    for (const struct check_stat *s = b->c->stats; s; s = s->next) {
        if (strncmp(s->name, name, length) != 0 ||
            (s->name[length] != '\0' && s->name[length] != '.')) {
            continue;
        }
        const double *from = s->name[length] == '\0' ? whole : NULL;
        size_t len = count;
        for (size_t i = 0; !from && i < tensors; i++) {
            if (strcmp(list[i].name, s->name + length + 1) == 0) {
                from = whole + list[i].offset;
                len = list[i].count;
            }
        }
        if (!from || len != s->len) {
            return check_at_line(b, s->line,
                                 RAISE(b->err, ERR_INPUT,
                                       "statistic %s of %zu elements is not a tensor of this case",
                                       s->name, s->len));
        }
        compare_stat(s, from, &difference, &norm);
        used++;
    }
    const double error = sqrt(difference / (norm > 0.0 ? norm : 1.0));
    return used ? check_say(b, name, error, bound(b)) : STATUS_OK;
}

static enum status compare_input(struct check_bench *b, const char *name, const float *x,
                                 size_t count)
{
    double *copy = check_take(b, count, sizeof *copy);
    if (!copy) {
        return RAISE(b->err, ERR_MEMORY, "out of memory for case %s", b->c->name);
    }
    for (size_t i = 0; i < count; i++) {
        copy[i] = (double)x[i];
    }
    return compare_stats(b, name, copy, count, NULL, 0);
}

enum status check_compare_full(struct check_bench *b)
{
    struct kernel_tensor theta[KERNEL_MAX_TENSORS], phi[KERNEL_MAX_TENSORS];
    const size_t n_theta = kernel_theta_tensors(&b->c->config, theta);
    const size_t n_phi = kernel_phi_tensors(&b->c->config, phi);
    enum status status = compare_input(b, "x_support", b->x_support, b->support * b->image);
    if (!status) {
        status = compare_input(b, "x_query", b->x_query, b->query * b->image);
    }
    if (!status) {
        status = compare_stats(b, "theta", b->theta, b->n_theta, theta, n_theta);
    }
    if (!status) {
        status = compare_stats(b, "theta_adapted", b->theta_adapted, b->n_theta, theta, n_theta);
    }
    if (!status) {
        status = compare_stats(b, "grad_theta", b->grad_theta, b->n_theta, theta, n_theta);
    }
    return status ? status : compare_stats(b, "grad_phi", b->grad_phi, b->n_phi, phi, n_phi);
}
