/* Parameters, Adam and the meta-batch in one precision. Tasks go to workers in any order; each
 * leaves its gradient in a row of its own, and rows are added in a fixed binary tree, so the result
 * has the same bits for any number of threads. */
#include "calibration/kernel/engine.h"

#include <stdlib.h>
#include <string.h>

#include "calibration/kernel/dispatch.h"
#include "calibration/kernel/task.h"

struct engine {
    const struct kernel_shape *shape;
    const struct backend *net;
    real *vector[KERNEL_VECTORS];
    uint32_t *native_of; /* [theta_count + phi_count]; of theta, then of phi */
    real *row;           /* [tasks][width] gradients: theta, then phi */
    size_t tasks, width, workers;
    void *block;
    struct task *worker; /* [workers] */
    /* of the current run */
    const struct kernel_episode *episodes;
    enum engine_mode mode;
    struct kernel_outcome *outcomes;
    size_t reduced;
};

static size_t vector_count(const struct kernel_shape *s, enum kernel_vector which)
{
    const bool theta =
        which == KERNEL_THETA || which == KERNEL_THETA_MOMENT1 || which == KERNEL_THETA_MOMENT2;
    return theta ? s->theta_count : s->phi_count;
}

/* ---------------------------------------------------------------- order of elements */

static void order_make(struct engine *e)
{
    const struct kernel_shape *s = e->shape;
    uint32_t *theta = e->native_of, *phi = e->native_of + s->theta_count;
    for (size_t i = 0; i < s->theta_count; i++) {
        theta[i] = (uint32_t)i;
    }
    if (e->net->native_index) {
        e->net->native_index(s, theta);
    }
    for (size_t i = 0; i < s->phi_count; i++) {
        phi[i] = (uint32_t)i;
    }
    /* Decay tensors follow the order of the tensors they belong to. */
    for (size_t i = 0; s->decay && i < s->inners; i++) {
        const struct kernel_tensor *x = &s->tensor[s->inner[i]];
        for (size_t j = 0; j < x->count; j++) {
            phi[s->decay_offset[i] + j] =
                (uint32_t)(s->decay_offset[i] + theta[x->offset + j] - x->offset);
        }
    }
}

static void to_canonical(const uint32_t *native_of, size_t n, const real *native, double *out)
{
    for (size_t i = 0; i < n; i++) {
        out[i] = (double)native[native_of[i]];
    }
}

static const uint32_t *order_of(const struct engine *e, enum kernel_vector which)
{
    const bool theta =
        which == KERNEL_THETA || which == KERNEL_THETA_MOMENT1 || which == KERNEL_THETA_MOMENT2;
    return theta ? e->native_of : e->native_of + e->shape->theta_count;
}

static void get(const struct engine *e, enum kernel_vector which, double *out)
{
    to_canonical(order_of(e, which), vector_count(e->shape, which), e->vector[which], out);
}

static void set(struct engine *e, enum kernel_vector which, const double *values)
{
    const uint32_t *order = order_of(e, which);
    for (size_t i = 0; i < vector_count(e->shape, which); i++) {
        e->vector[which][order[i]] = (real)values[i];
    }
}

/* ---------------------------------------------------------------- memory */

static size_t worker_bytes(const struct kernel_shape *s, enum kernel_path path)
{
    struct bump counter = {0};
    struct task task;
    task_cut(&task, &counter, s, backend_find(path));
    return counter.used;
}

/* One definition of the shared block, counted and cut. */
static void shared_cut(struct engine *e, struct bump *b, const struct kernel_shape *s, size_t tasks)
{
    for (int which = 0; which < KERNEL_VECTORS; which++) {
        e->vector[which] = bump_take(b, vector_count(s, (enum kernel_vector)which), sizeof(real));
    }
    e->native_of = bump_take(b, s->theta_count + s->phi_count, sizeof(uint32_t));
    e->width = s->theta_count + s->phi_count;
    e->row = bump_take(b, tasks * e->width, sizeof(real));
}

static size_t shared_bytes(const struct kernel_shape *s, size_t tasks)
{
    struct bump counter = {0};
    struct engine e;
    shared_cut(&e, &counter, s, tasks);
    return counter.used;
}

static void *block_new(size_t bytes)
{
    void *block = aligned_alloc(BUMP_ALIGN, (bytes + BUMP_ALIGN - 1) / BUMP_ALIGN * BUMP_ALIGN);
    if (block) {
        memset(block, 0, bytes);
    }
    return block;
}

static void destroy(struct engine *e)
{
    if (!e) {
        return;
    }
    for (size_t i = 0; e->worker && i < e->workers; i++) {
        free(e->worker[i].block);
    }
    free(e->worker);
    free(e->block);
    free(e);
}

static enum status create(const struct kernel_shape *s, enum kernel_path path, size_t tasks,
                          size_t workers, struct engine **out, struct error *err)
{
    const struct backend *net = backend_find(path);
    const size_t per_worker = worker_bytes(s, path), shared = shared_bytes(s, tasks);
    struct engine *e = calloc(1, sizeof *e);
    struct bump b = {0};
    if (!e || !(e->worker = calloc(workers, sizeof *e->worker)) ||
        !(e->block = b.base = block_new(shared))) {
        destroy(e);
        return RAISE(err, ERR_MEMORY, "kernel: no memory for %zu bytes of parameters", shared);
    }
    e->shape = s;
    e->net = net;
    e->tasks = tasks;
    e->workers = workers;
    shared_cut(e, &b, s, tasks);
    order_make(e);
    for (size_t i = 0; i < workers; i++) {
        struct bump w = {.base = block_new(per_worker)};
        if (!w.base) {
            destroy(e);
            return RAISE(err, ERR_MEMORY, "kernel: no memory for worker %zu of %zu, %zu bytes",
                         i + 1, workers, per_worker);
        }
        task_cut(&e->worker[i], &w, s, net);
        e->worker[i].block = w.base;
    }
    *out = e;
    return STATUS_OK;
}

/* ---------------------------------------------------------------- tasks */

static void run_one(void *context, size_t index, size_t worker)
{
    struct engine *e = context;
    const struct kernel_shape *s = e->shape;
    struct task *t = &e->worker[worker];
    task_load(t, &e->episodes[index]);
    if (e->mode == ENGINE_GRADIENT) {
        real *row = e->row + index * e->width;
        task_gradient(t, e->vector[KERNEL_THETA], e->vector[KERNEL_PHI], row, row + s->theta_count);
    } else {
        task_adapt(t, e->vector[KERNEL_THETA], e->vector[KERNEL_PHI]);
    }
    if (e->outcomes) {
        e->outcomes[index] = (struct kernel_outcome){
            .support_loss = t->support_loss[0],
            .adapted_loss = t->support_loss[s->steps - 1],
            .query_loss = t->query_loss,
            .query_correct = t->query_correct,
            .query_accuracy = (double)t->query_correct / (double)s->query,
        };
    }
}

static void run(struct engine *e, struct crew *crew, const struct kernel_episode *episodes,
                size_t count, enum engine_mode mode, struct kernel_outcome *outcomes)
{
    e->episodes = episodes;
    e->mode = mode;
    e->outcomes = outcomes;
    crew_run(crew, run_one, e, count);
}

/* ---------------------------------------------------------------- sum and step */

enum { SLICE = 4096 }; /* elements one job adds up, for all tasks, while they are in the cache */

static void reduce_slice(void *context, size_t index, size_t worker)
{
    struct engine *e = context;
    const size_t first = index * SLICE;
    const size_t last = first + SLICE < e->width ? first + SLICE : e->width;
    (void)worker;
    for (size_t stride = 1; stride < e->reduced; stride *= 2) {
        for (size_t i = 0; i + stride < e->reduced; i += 2 * stride) {
            real *restrict to = e->row + i * e->width;
            const real *restrict from = e->row + (i + stride) * e->width;
            for (size_t j = first; j < last; j++) {
                to[j] += from[j];
            }
        }
    }
    for (size_t j = first; j < last; j++) {
        e->row[j] /= (real)e->reduced;
    }
}

static void reduce(struct engine *e, struct crew *crew, size_t count)
{
    e->reduced = count;
    crew_run(crew, reduce_slice, e, (e->width + SLICE - 1) / SLICE);
}

static void gradient(const struct engine *e, double *grad_theta, double *grad_phi)
{
    const struct kernel_shape *s = e->shape;
    if (grad_theta) {
        to_canonical(e->native_of, s->theta_count, e->row, grad_theta);
    }
    if (grad_phi) {
        to_canonical(e->native_of + s->theta_count, s->phi_count, e->row + s->theta_count,
                     grad_phi);
    }
}

static bool gradient_is_finite(const struct engine *e)
{
    for (size_t i = 0; i < e->width; i++) {
        if (!isfinite(e->row[i])) {
            return false;
        }
    }
    return true;
}

/* Kingma and Ba 2015, Algorithm 1, PyTorch's defaults. */
static const double adam_beta1 = 0.9, adam_beta2 = 0.999, adam_epsilon = 1e-8;

static void adam_vector(real *x, real *m, real *v, const real *g, size_t n, double rate,
                        uint64_t step)
{
    const double correct1 = 1.0 - pow(adam_beta1, (double)step);
    const double correct2 = sqrt(1.0 - pow(adam_beta2, (double)step));
    for (size_t i = 0; i < n; i++) {
        const double gradient_i = (double)g[i];
        const double mi = adam_beta1 * (double)m[i] + (1.0 - adam_beta1) * gradient_i;
        const double vi = adam_beta2 * (double)v[i] + (1.0 - adam_beta2) * gradient_i * gradient_i;
        m[i] = (real)mi;
        v[i] = (real)vi;
        x[i] = (real)((double)x[i] - rate / correct1 * mi / (sqrt(vi) / correct2 + adam_epsilon));
    }
}

static void adam(struct engine *e, double rate, uint64_t step)
{
    const struct kernel_shape *s = e->shape;
    if (s->meta_theta) {
        adam_vector(e->vector[KERNEL_THETA], e->vector[KERNEL_THETA_MOMENT1],
                    e->vector[KERNEL_THETA_MOMENT2], e->row, s->theta_count, rate, step);
    }
    adam_vector(e->vector[KERNEL_PHI], e->vector[KERNEL_PHI_MOMENT1], e->vector[KERNEL_PHI_MOMENT2],
                e->row + s->theta_count, s->phi_count, rate, step);
}

/* ---------------------------------------------------------------- looking inside */

static void copy_out(const real *from, size_t n, double *to)
{
    for (size_t i = 0; to && i < n; i++) {
        to[i] = (double)from[i];
    }
}

static void trace(const struct engine *e, const struct kernel_trace *out)
{
    const struct kernel_shape *s = e->shape;
    const struct task *t = &e->worker[e->workers - 1];
    if (out->support_loss) {
        memcpy(out->support_loss, t->support_loss, s->steps * sizeof(double));
    }
    copy_out(t->logits, s->query * s->ways, out->query_logits);
    copy_out(t->gen_in, s->generator ? s->steps * 2 * s->inners : 0, out->gen_in);
    copy_out(t->gen_out, s->generator ? s->steps * 2 * s->inners : 0, out->gen_out);
    for (size_t i = 0; out->theta_adapted && i < s->theta_count; i++) {
        const size_t at = e->native_of[i];
        out->theta_adapted[i] = at < s->adapted ? (double)e->vector[KERNEL_THETA][at]
                                                : (double)t->theta[s->steps][at - s->adapted];
    }
    size_t next = 0;
    for (size_t i = 0; out->grad_support && i < s->inners; i++) {
        const struct kernel_tensor *x = &s->tensor[s->inner[i]];
        for (size_t j = x->offset; j < x->offset + x->count; j++) {
            out->grad_support[next++] = (double)t->grad[0][e->native_of[j] - s->adapted];
        }
    }
}

static void hessian_vector(struct engine *e, const struct kernel_episode *episode, const double *v,
                           double *out)
{
    const struct kernel_shape *s = e->shape;
    struct task *t = &e->worker[0];
    task_load(t, episode);
    for (size_t i = 0; i < s->theta_count; i++) {
        t->lambda[e->native_of[i]] = (real)v[i];
    }
    task_hessian_vector(t, e->vector[KERNEL_THETA], t->lambda, t->hv);
    to_canonical(e->native_of, s->theta_count, t->hv, out);
}

const struct engine_kind TYPED(engine) = {
    .choose = backend_choose,
    .worker_bytes = worker_bytes,
    .shared_bytes = shared_bytes,
    .create = create,
    .destroy = destroy,
    .get = get,
    .set = set,
    .run = run,
    .reduce = reduce,
    .gradient = gradient,
    .gradient_is_finite = gradient_is_finite,
    .adam = adam,
    .trace = trace,
    .hessian_vector = hessian_vector,
};
