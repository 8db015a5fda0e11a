/* The kernel's door: configuration, precision, threads, the outer iteration, timing and memory. */
#include "calibration/kernel/kernel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "calibration/kernel/engine.h"
#include "calibration/kernel/initialise.h"

struct kernel {
    struct kernel_config config;
    struct kernel_shape shape;
    enum kernel_path path;
    const struct engine_kind *kind;
    struct engine *engine;
    struct crew *crew;
    uint64_t steps;
    double *canonical; /* [theta_count + phi_count], for initial parameters */
};

static const struct engine_kind *kind_of(const struct kernel_config *config)
{
    return config->precision == KERNEL_FLOAT64 ? &engine_f64 : &engine_f32;
}

static size_t workers_of(const struct kernel_config *c)
{
    const size_t threads = c->threads ? c->threads : 1;
    return threads < c->meta_batch ? threads : c->meta_batch;
}

enum status kernel_new(const struct kernel_config *config, struct kernel **out, struct error *err)
{
    struct kernel *k = calloc(1, sizeof *k);
    if (!k) {
        return RAISE(err, ERR_MEMORY, "kernel: no memory");
    }
    k->config = *config;
    k->kind = kind_of(config);
    enum status status = shape_make(config, &k->shape, err);
    if (!status) {
        status = k->kind->choose(&k->shape, config->path, &k->path, err);
    }
    const size_t workers = workers_of(config);
    if (!status) {
        status = k->kind->create(&k->shape, k->path, config->meta_batch, workers, &k->engine, err);
    }
    if (!status) {
        status = crew_new(workers, &k->crew, err);
    }
    if (!status) {
        k->canonical = calloc(k->shape.theta_count + k->shape.phi_count, sizeof(double));
        status = k->canonical ? STATUS_OK : RAISE(err, ERR_MEMORY, "kernel: no memory");
    }
    if (status) {
        kernel_delete(k);
        return status;
    }
    *out = k;
    return STATUS_OK;
}

void kernel_delete(struct kernel *k)
{
    if (!k) {
        return;
    }
    crew_delete(k->crew);
    if (k->kind) {
        k->kind->destroy(k->engine);
    }
    free(k->canonical);
    free(k);
}

const struct kernel_config *kernel_settings(const struct kernel *k)
{
    return &k->config;
}

enum kernel_path kernel_path_used(const struct kernel *k)
{
    return k->path;
}

/* ---------------------------------------------------------------- parameters */

size_t kernel_count(const struct kernel *k, enum kernel_vector which)
{
    const bool theta =
        which == KERNEL_THETA || which == KERNEL_THETA_MOMENT1 || which == KERNEL_THETA_MOMENT2;
    return theta ? k->shape.theta_count : k->shape.phi_count;
}

void kernel_get(const struct kernel *k, enum kernel_vector which, double *out)
{
    k->kind->get(k->engine, which, out);
}

void kernel_set(struct kernel *k, enum kernel_vector which, const double *values)
{
    k->kind->set(k->engine, which, values);
}

void kernel_initialise(struct kernel *k, uint64_t seed)
{
    const size_t counts[] = {k->shape.theta_count, k->shape.phi_count};
    double *theta = k->canonical, *phi = k->canonical + counts[0];
    initial_parameters(&k->config, seed, theta, phi);
    kernel_set(k, KERNEL_THETA, theta);
    kernel_set(k, KERNEL_PHI, phi);
    memset(k->canonical, 0, (counts[0] + counts[1]) * sizeof(double));
    for (int which = KERNEL_THETA_MOMENT1; which < KERNEL_VECTORS; which++) {
        kernel_set(k, (enum kernel_vector)which, k->canonical);
    }
    k->steps = 0;
}

uint64_t kernel_adam_steps(const struct kernel *k)
{
    return k->steps;
}

void kernel_set_adam_steps(struct kernel *k, uint64_t steps)
{
    k->steps = steps;
}

void kernel_set_outer_rate(struct kernel *k, double rate)
{
    k->config.outer_rate = rate;
}

/* ---------------------------------------------------------------- running */

static enum status check_labels(const int32_t *y, size_t n, size_t ways, size_t task,
                                const char *set, struct error *err)
{
    for (size_t i = 0; i < n; i++) {
        if (y[i] < 0 || (size_t)y[i] >= ways) {
            return RAISE(err, ERR_INPUT,
                         "kernel: task %zu, %s image %zu has label %d, expected 0 to %zu", task,
                         set, i, (int)y[i], ways - 1);
        }
    }
    return STATUS_OK;
}

static enum status check_images(const float *x, size_t n, size_t each, size_t task, const char *set,
                                struct error *err)
{
    for (size_t i = 0; i < n; i++) {
        int bad = 0;
        for (size_t j = i * each; j < (i + 1) * each; j++) {
            bad |= !(fabsf(x[j]) <= 3.0e38f);
        }
        if (bad) {
            return RAISE(err, ERR_INPUT,
                         "kernel: task %zu, %s image %zu has a pixel that is not a finite number",
                         task, set, i);
        }
    }
    return STATUS_OK;
}

static enum status check_episodes(const struct kernel *k, const struct kernel_episode *e,
                                  size_t count, struct error *err)
{
    const struct kernel_shape *s = &k->shape;
    const size_t each = s->layer[0].cin * s->layer[0].in * s->layer[0].in;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < count && !status; i++) {
        status = check_labels(e[i].y_support, s->support, s->ways, i, "support", err);
        if (!status) {
            status = check_labels(e[i].y_query, s->query, s->ways, i, "query", err);
        }
        if (!status) {
            status = check_images(e[i].x_support, s->support, each, i, "support", err);
        }
        if (!status) {
            status = check_images(e[i].x_query, s->query, each, i, "query", err);
        }
    }
    return status;
}

enum status kernel_iterate(struct kernel *k, const struct kernel_episode *episodes,
                           struct kernel_outcome *outcomes, struct error *err)
{
    const size_t count = k->config.meta_batch;
    const enum status status = kernel_gradient(k, episodes, count, NULL, NULL, outcomes, NULL, err);
    if (status) {
        return status;
    }
    if (!k->kind->gradient_is_finite(k->engine)) {
        return RAISE(err, ERR_NUMERIC, "kernel: the meta-gradient of outer step %llu is not finite",
                     (unsigned long long)k->steps + 1);
    }
    k->steps++;
    k->kind->adam(k->engine, k->config.outer_rate, k->steps);
    return STATUS_OK;
}

enum status kernel_gradient(struct kernel *k, const struct kernel_episode *episodes, size_t count,
                            double *grad_theta, double *grad_phi, struct kernel_outcome *outcomes,
                            const struct kernel_trace *trace, struct error *err)
{
    if (count < 1 || count > k->config.meta_batch) {
        return RAISE(err, ERR_INPUT, "kernel: %zu tasks, expected 1 to %zu", count,
                     k->config.meta_batch);
    }
    const enum status status = check_episodes(k, episodes, count, err);
    if (status) {
        return status;
    }
    k->kind->run(k->engine, k->crew, episodes, count, ENGINE_GRADIENT, outcomes);
    if (trace) { /* the first task once more, alone, so that its traces are the last ones left */
        k->kind->run(k->engine, k->crew, episodes, 1, ENGINE_GRADIENT, NULL);
        k->kind->trace(k->engine, trace);
    }
    k->kind->reduce(k->engine, k->crew, count);
    k->kind->gradient(k->engine, grad_theta, grad_phi);
    return STATUS_OK;
}

enum status kernel_evaluate(struct kernel *k, const struct kernel_episode *episodes, size_t count,
                            struct kernel_outcome *outcomes, struct error *err)
{
    const enum status status = check_episodes(k, episodes, count, err);
    if (!status) {
        k->kind->run(k->engine, k->crew, episodes, count, ENGINE_ADAPT, outcomes);
    }
    return status;
}

enum status kernel_hessian_vector(struct kernel *k, const struct kernel_episode *episode,
                                  const double *v, double *out, struct error *err)
{
    if (!k->shape.second_order || k->shape.head_only) {
        return RAISE(err, ERR_INPUT,
                     "kernel: %s%s keeps no tangents, expected second-order MAML "
                     "or ALFA",
                     k->config.first_order ? "first-order " : "",
                     kernel_algorithm_name(k->config.algorithm));
    }
    const enum status status = check_episodes(k, episode, 1, err);
    if (!status) {
        k->kind->hessian_vector(k->engine, episode, v, out);
    }
    return status;
}

/* ---------------------------------------------------------------- memory */

/* SPEC section 3: a_in, zh, the mask or argmax byte, zb, and four channel vectors, per block and
 * image; parameters and their gradient per step. */
static size_t saved_bytes(const struct kernel_config *c, const struct kernel_shape *s)
{
    const size_t real_bytes = c->precision == KERNEL_FLOAT64 ? 8 : 4;
    size_t kept = 0, once = 0, channel = 0;
    for (size_t l = 0; l < s->layers; l++) {
        const struct layer_shape *y = &s->layer[l];
        const size_t in = y->cin * y->in * y->in, conv = y->cout * y->conv * y->conv;
        const size_t mask = y->cout * y->out * y->out;
        once += (in + conv) * real_bytes + mask;
        kept += (in + 2 * conv) * real_bytes + mask;
        channel += 4 * y->cout * real_bytes;
    }
    const bool tangents = s->second_order && !s->head_only;
    const size_t passes = tangents ? s->steps : 1;
    const size_t adapted = s->theta_count - s->adapted;
    return passes * (s->support * (tangents ? kept : once) + channel) + s->query * once + channel +
           (s->steps + 1 + (s->generator ? s->steps : 1)) * adapted * real_bytes +
           3 * s->theta_count * real_bytes;
}

enum status kernel_memory_bytes(const struct kernel_config *config, struct kernel_memory *out,
                                struct error *err)
{
    struct kernel_shape s;
    enum kernel_path path = KERNEL_PATH_PLAIN;
    const struct engine_kind *kind = kind_of(config);
    enum status status = shape_make(config, &s, err);
    if (!status) {
        status = kind->choose(&s, config->path, &path, err);
    }
    if (!status) {
        *out = (struct kernel_memory){
            .worker_bytes = kind->worker_bytes(&s, path),
            .shared_bytes = kind->shared_bytes(&s, config->meta_batch),
            .saved_bytes = saved_bytes(config, &s),
        };
    }
    return status;
}
