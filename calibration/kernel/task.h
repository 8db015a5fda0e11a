/* Inner pair: one worker's memory and one task's work, from support images to meta-gradient. */
#ifndef CALIBRATION_KERNEL_TASK_H
#define CALIBRATION_KERNEL_TASK_H

#include "calibration/kernel/backend.h"
#include "calibration/kernel/head.h"

/* Everything one worker needs, cut from one block. "Adapted vectors" hold the adapted suffix of
 * theta: all of it, or the head (`at` = shape->adapted is where it starts). */
struct task {
    const struct kernel_shape *shape;
    const struct backend *net;
    void *block;
    struct images *support, *query; /* joint: support holds both batches */
    struct slot **slot;             /* [slots] forward passes on the support set */
    size_t slots;                   /* T when tangents are needed, else 1 */
    struct slot *query_slot;
    struct scratch *scratch;
    const int32_t *y_support, *y_query;
    real *theta0;         /* whole theta at the start, when only the head adapts: borrowed */
    real **theta;         /* [T + 1] adapted vectors; theta[0] is a copy of the start */
    real **grad;          /* [T or min(T, 2)] support gradients, adapted vectors */
    real **prob, **error; /* [T or 1] [S][N] of the head on the support set */
    real **features;      /* [T or 1] [S][D]; one is enough when only the head adapts */
    real *features_query; /* [Q][D] */
    real *bar, *features_dot, *bar_dot;      /* [n][D] */
    real *error_dot;                         /* [S][N] */
    real *logits, *prob_query, *error_query; /* [max(S, Q)][N] */
    real *lambda, *v, *hv;                   /* whole theta */
    real *gen_in, *gen_hidden, *gen_out;     /* [T][2M] */
    real *gen_bar, *gen_in_bar;              /* [2M] */
    double *support_loss;                    /* [T] */
    double query_loss;
    size_t query_correct;
};

#define task_cut TYPED(task_cut)
#define task_load TYPED(task_load)
#define task_adapt TYPED(task_adapt)
#define task_gradient TYPED(task_gradient)
#define task_hessian_vector TYPED(task_hessian_vector)
#define alfa_update TYPED(alfa_update)
#define alfa_reverse TYPED(alfa_reverse)

/* Cuts a worker for batches of this shape out of b; with b->base NULL only counts. */
void task_cut(struct task *t, struct bump *b, const struct kernel_shape *s,
              const struct backend *net);
void task_load(struct task *t, const struct kernel_episode *e);
/* Inner loop and query loss at theta, phi (whole vectors in the backend's order). */
void task_adapt(struct task *t, real *theta, const real *phi);
/* The same, then the meta-gradient into grad_theta (zeros where theta is not meta-learned) and
 * grad_phi. */
void task_gradient(struct task *t, real *theta, const real *phi, real *grad_theta, real *grad_phi);
/* hv = Hessian of the support loss at theta times v, whole vectors; needs second_order. */
void task_hessian_vector(struct task *t, real *theta, const real *v, real *hv);

/* ALFA's inner update of step `step`: theta[step] -> theta[step + 1]. */
void alfa_update(struct task *t, const real *phi, size_t step);
/* One reverse step: lambda, adjoint of theta[step + 1], becomes that of theta[step] except for the
 * Hessian term; v is the direction for it; grad_phi accumulates. */
void alfa_reverse(struct task *t, const real *phi, size_t step, real *grad_phi);

#endif
