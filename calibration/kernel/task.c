/* MAML, FOMAML, ANIL, ALFA and eALFA on one task (SPEC section 4). The inner loop keeps what the
 * reverse loop needs; the reverse loop carries lambda, the adjoint of the adapted parameters, back
 * to the start, with one exact Hessian-vector product of the support loss per step. */
#include "calibration/kernel/task.h"

#include <string.h>

static size_t at_most(size_t value, size_t most)
{
    return value < most ? value : most;
}

/* ---------------------------------------------------------------- memory */

static void **cut_list(struct bump *b, size_t count, size_t elements)
{
    void **list = bump_take(b, count, sizeof(void *));
    for (size_t i = 0; i < count; i++) {
        void *place = bump_take(b, elements, sizeof(real));
        if (list) {
            list[i] = place;
        }
    }
    return list;
}

static void cut_slots(struct task *t, struct bump *b)
{
    const struct kernel_shape *s = t->shape;
    const bool tangents = s->second_order && !s->head_only;
    const bool learn = s->meta_theta;
    const size_t n = s->support + (s->joint ? s->query : 0);
    t->support = t->net->images_cut(b, s, n);
    t->query = s->joint ? NULL : t->net->images_cut(b, s, s->query);
    t->slots = tangents ? s->steps : 1;
    t->slot = bump_take(b, t->slots, sizeof *t->slot);
    for (size_t i = 0; i < t->slots; i++) {
        struct slot *slot = t->net->slot_cut(b, s, n,
                                             tangents                 ? SLOT_KEPT
                                             : s->head_only && !learn ? SLOT_FEATURES
                                                                      : SLOT_ONCE);
        if (t->slot) {
            t->slot[i] = slot;
        }
    }
    /* eALFA back-propagates through the head only. */
    t->query_slot = s->joint ? NULL
                             : t->net->slot_cut(b, s, s->query,
                                                s->head_only && !learn ? SLOT_FEATURES : SLOT_ONCE);
    const size_t most = n > s->query ? n : s->query;
    /* The query loss has gone back before the first Hessian-vector product. */
    t->scratch = t->net->scratch_cut(b, s, most, tangents ? s->support : 0, t->query_slot,
                                     s->joint ? 0 : s->query);
}

void task_cut(struct task *t, struct bump *b, const struct kernel_shape *s,
              const struct backend *net)
{
    *t = (struct task){.shape = s, .net = net};
    const size_t adapted = s->theta_count - s->adapted;
    const size_t most = s->support > s->query ? s->support : s->query;
    const size_t per_step = s->second_order || s->generator ? s->steps : 1;
    const size_t n = s->support + s->query;
    cut_slots(t, b);
    t->theta = (real **)cut_list(b, s->steps + 1, adapted);
    t->grad = (real **)cut_list(b, s->generator ? s->steps : at_most(s->steps, 2), adapted);
    t->prob = (real **)cut_list(b, per_step, s->support * s->ways);
    t->error = (real **)cut_list(b, per_step, s->support * s->ways);
    /* Joint features follow each other: support rows, then query rows. */
    t->features = (real **)cut_list(b, s->head_only ? 1 : t->slots,
                                    (s->joint ? n : s->support) * s->features);
    t->features_query = s->joint ? NULL : bump_take(b, s->query * s->features, sizeof(real));
    t->bar = bump_take(b, n * s->features, sizeof(real));
    t->features_dot = bump_take(b, s->support * s->features, sizeof(real));
    t->bar_dot = bump_take(b, s->support * s->features, sizeof(real));
    t->error_dot = bump_take(b, s->support * s->ways, sizeof(real));
    t->logits = bump_take(b, most * s->ways, sizeof(real));
    t->prob_query = bump_take(b, most * s->ways, sizeof(real));
    t->error_query = bump_take(b, most * s->ways, sizeof(real));
    t->lambda = bump_take(b, s->theta_count, sizeof(real));
    t->v = bump_take(b, s->theta_count, sizeof(real));
    t->hv = bump_take(b, s->theta_count, sizeof(real));
    if (s->generator) {
        const size_t m2 = 2 * s->inners;
        t->gen_in = bump_take(b, s->steps * m2, sizeof(real));
        t->gen_hidden = bump_take(b, s->steps * m2, sizeof(real));
        t->gen_out = bump_take(b, s->steps * m2, sizeof(real));
        t->gen_bar = bump_take(b, m2, sizeof(real));
        t->gen_in_bar = bump_take(b, m2, sizeof(real));
    }
    t->support_loss = bump_take(b, s->steps, sizeof(double));
    if (b->base && s->joint) {
        t->features_query = t->features[0] + s->support * s->features;
    }
}

void task_load(struct task *t, const struct kernel_episode *e)
{
    const struct kernel_shape *s = t->shape;
    t->y_support = e->y_support;
    t->y_query = e->y_query;
    t->net->load(s, t->support, e->x_support, 0, s->support);
    t->net->load(s, s->joint ? t->support : t->query, e->x_query, s->joint ? s->support : 0,
                 s->query);
    t->net->loaded(s, t->support, t->scratch);
    if (!s->joint) {
        t->net->loaded(s, t->query, t->scratch);
    }
}

/* ---------------------------------------------------------------- inner loop */

/* Indices of what step `step` keeps: everything per step, or one for all. */
static size_t slot_of(const struct task *t, size_t step)
{
    return at_most(step, t->slots - 1);
}

static size_t kept_of(const struct task *t, size_t step)
{
    return t->shape->second_order || t->shape->generator ? step : 0;
}

/* The first gradient is kept for the trace. */
static size_t grad_of(const struct task *t, size_t step)
{
    return t->shape->generator ? step : at_most(step, 1);
}

static const real *head_of(const struct task *t, size_t step)
{
    return t->theta[step] + (t->shape->head_weight - t->shape->adapted);
}

/* Support loss at theta[step] and its gradient over the adapted vector. */
static void support_gradient(struct task *t, size_t step)
{
    const struct kernel_shape *s = t->shape;
    struct slot *slot = t->slot[slot_of(t, step)];
    real *features = t->features[s->head_only ? 0 : slot_of(t, step)];
    real *prob = t->prob[kept_of(t, step)], *error = t->error[kept_of(t, step)];
    real *grad = t->grad[grad_of(t, step)];
    if (!s->head_only) {
        t->net->forward(s, t->support, slot, t->scratch, t->theta[step], features);
    }
    head_forward(s, s->support, head_of(t, step), features, t->logits);
    t->support_loss[step] = head_loss(s, s->support, t->logits, t->y_support, prob, error, NULL);
    head_backward(s, s->support, head_of(t, step), features, error,
                  grad + (s->head_weight - s->adapted), s->head_only ? NULL : t->bar);
    if (!s->head_only) {
        t->net->backward(s, t->support, slot, t->scratch, t->theta[step], t->bar, grad);
    }
}

/* out = v on the inner tensors, 0 elsewhere, times scale; whole theta. */
static void project(const struct kernel_shape *s, real scale, const real *v, real *out)
{
    for (size_t i = 0; i < s->tensors; i++) {
        const struct kernel_tensor *x = &s->tensor[i];
        for (size_t j = x->offset; j < x->offset + x->count; j++) {
            out[j] = x->inner ? scale * v[j] : 0;
        }
    }
}

/* theta[step + 1] = theta[step] - rate * projected gradient */
static void sgd_update(struct task *t, size_t step)
{
    const struct kernel_shape *s = t->shape;
    const real rate = (real)s->inner_rate;
    const real *g = t->grad[grad_of(t, step)], *from = t->theta[step];
    real *to = t->theta[step + 1];
    for (size_t i = 0; i < s->tensors; i++) {
        const struct kernel_tensor *x = &s->tensor[i];
        if (x->offset < s->adapted) {
            continue;
        }
        const size_t first = x->offset - s->adapted;
        for (size_t j = first; j < first + x->count; j++) {
            to[j] = x->inner ? from[j] - rate * g[j] : from[j];
        }
    }
}

void task_adapt(struct task *t, real *theta, const real *phi)
{
    const struct kernel_shape *s = t->shape;
    const size_t adapted = s->theta_count - s->adapted;
    memcpy(t->theta[0], theta + s->adapted, adapted * sizeof(real));
    if (s->head_only) {
        t->net->forward(s, t->support, t->slot[0], t->scratch, theta, t->features[0]);
    }
    for (size_t step = 0; step < s->steps; step++) {
        support_gradient(t, step);
        if (s->generator) {
            alfa_update(t, phi, step);
        } else {
            sgd_update(t, step);
        }
    }
    if (!s->joint) {
        t->net->forward(s, t->query, t->query_slot, t->scratch,
                        s->head_only ? theta : t->theta[s->steps], t->features_query);
    }
    head_forward(s, s->query, head_of(t, s->steps), t->features_query, t->logits);
    t->query_loss = head_loss(s, s->query, t->logits, t->y_query, t->prob_query, t->error_query,
                              &t->query_correct);
}

/* ---------------------------------------------------------------- reverse loop */

/* hv = Hessian of the support loss at theta[step] times t->v, whole theta. */
static void hessian_vector(struct task *t, size_t step, real *hv)
{
    const struct kernel_shape *s = t->shape;
    const real *theta = t->theta[step], *v = t->v;
    const real *head = theta + s->head_weight, *v_head = v + s->head_weight;
    const real *features = t->features[step];
    t->net->tangent(s, t->support, t->slot[step], t->scratch, theta, v, t->features_dot);
    head_tangent(s, s->support, head, v_head, features, t->features_dot, t->prob[step],
                 t->error_dot);
    head_tangent_backward(s, s->support, head, v_head, features, t->features_dot, t->error[step],
                          t->error_dot, hv + s->head_weight, t->bar_dot);
    t->net->tangent_backward(s, t->support, t->slot[step], t->scratch, theta, v, t->bar_dot, hv);
}

void task_hessian_vector(struct task *t, real *theta, const real *v, real *hv)
{
    const struct kernel_shape *s = t->shape;
    memcpy(t->theta[0], theta, s->theta_count * sizeof(real));
    memcpy(t->v, v, s->theta_count * sizeof(real));
    support_gradient(t, 0);
    hessian_vector(t, 0, hv);
}

/* Whole-network algorithms: MAML, FOMAML, ALFA. */
static void reverse_all(struct task *t, const real *phi, real *grad_phi)
{
    const struct kernel_shape *s = t->shape;
    head_backward(s, s->query, head_of(t, s->steps), t->features_query, t->error_query,
                  t->lambda + s->head_weight, t->bar);
    t->net->backward(s, t->query, t->query_slot, t->scratch, t->theta[s->steps], t->bar, t->lambda);
    for (size_t step = s->steps; step-- > 0;) {
        if (s->generator) {
            alfa_reverse(t, phi, step, grad_phi);
        } else if (s->second_order) {
            project(s, (real)s->inner_rate, t->lambda, t->v);
        }
        /* A fixed theta needs no adjoint at the start. */
        if (s->second_order && (s->meta_theta || step > 0)) {
            hessian_vector(t, step, t->hv);
            for (size_t i = 0; i < s->theta_count; i++) {
                t->lambda[i] -= t->hv[i];
            }
        }
    }
}

/* Head-only algorithms: ANIL and eALFA. features_bar of the support set adds up over the steps. */
static void reverse_head(struct task *t, const real *theta, const real *phi, real *grad_theta,
                         real *grad_phi)
{
    const struct kernel_shape *s = t->shape;
    const size_t at = s->head_weight, count = s->theta_count - at, D = s->features;
    real *lambda = t->lambda + at, *v = t->v + at, *hv = t->hv + at;
    real *bar_support = t->bar, *bar_query = t->bar + s->support * D;
    const bool learn = s->meta_theta;
    head_backward(s, s->query, head_of(t, s->steps), t->features_query, t->error_query, lambda,
                  learn ? bar_query : NULL);
    memset(bar_support, 0, s->support * D * sizeof(real));
    for (size_t step = s->steps; step-- > 0;) {
        if (s->generator) {
            alfa_reverse(t, phi, step, grad_phi);
        } else if (s->second_order) {
            for (size_t i = 0; i < count; i++) {
                v[i] = (real)s->inner_rate * lambda[i];
            }
        }
        if (!s->second_order || (!learn && step == 0)) {
            continue;
        }
        const real *head = head_of(t, step);
        head_tangent(s, s->support, head, v, t->features[0], NULL, t->prob[step], t->error_dot);
        head_tangent_backward(s, s->support, head, v, t->features[0], NULL, t->error[step],
                              t->error_dot, hv, learn ? t->bar_dot : NULL);
        for (size_t i = 0; i < count; i++) {
            lambda[i] -= hv[i];
        }
        for (size_t i = 0; learn && i < s->support * D; i++) {
            bar_support[i] -= t->bar_dot[i];
        }
    }
    if (!learn) {
        return;
    }
    t->net->backward(s, t->support, t->slot[0], t->scratch, theta, bar_support, t->lambda);
    if (!s->joint) {
        t->net->backward(s, t->query, t->query_slot, t->scratch, theta, bar_query, t->hv);
        for (size_t i = 0; i < at; i++) {
            t->lambda[i] += t->hv[i];
        }
    }
    memcpy(grad_theta, t->lambda, s->theta_count * sizeof(real));
}

void task_gradient(struct task *t, real *theta, const real *phi, real *grad_theta, real *grad_phi)
{
    const struct kernel_shape *s = t->shape;
    memset(grad_theta, 0, s->theta_count * sizeof(real));
    memset(grad_phi, 0, s->phi_count * sizeof(real));
    task_adapt(t, theta, phi);
    if (s->head_only) {
        reverse_head(t, theta, phi, grad_theta, grad_phi);
        return;
    }
    reverse_all(t, phi, grad_phi);
    if (s->meta_theta) {
        memcpy(grad_theta, t->lambda, s->theta_count * sizeof(real));
    }
}
