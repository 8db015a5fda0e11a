/* Inner pair: the linear head with softmax cross-entropy, and the generator of ALFA. A head is
 * weight [N][D] followed by bias [N], as at the end of theta. */
#ifndef CALIBRATION_KERNEL_HEAD_H
#define CALIBRATION_KERNEL_HEAD_H

#include "calibration/kernel/real.h"
#include "calibration/kernel/shape.h"

#define head_forward TYPED(head_forward)
#define head_loss TYPED(head_loss)
#define head_backward TYPED(head_backward)
#define head_tangent TYPED(head_tangent)
#define head_tangent_backward TYPED(head_tangent_backward)
#define generator_forward TYPED(generator_forward)
#define generator_backward TYPED(generator_backward)

/* logits [n][N] = features [n][D] weight^T + bias */
void head_forward(const struct kernel_shape *s, size_t n, const real *head, const real *features,
                  real *logits);
/* Mean cross-entropy, nats; prob [n][N], error [n][N] = (prob - onehot) / n; *correct counts
 * arg-max hits unless NULL. */
double head_loss(const struct kernel_shape *s, size_t n, const real *logits, const int32_t *labels,
                 real *prob, real *error, size_t *correct);
/* grad (a head) = gradient; features_bar [n][D] unless NULL */
void head_backward(const struct kernel_shape *s, size_t n, const real *head, const real *features,
                   const real *error, real *grad, real *features_bar);
/* Derivative of `error` in direction (v, features_dot); features_dot NULL is zero. logits_dot
 * [n][N] is overwritten by the result. */
void head_tangent(const struct kernel_shape *s, size_t n, const real *head, const real *v,
                  const real *features, const real *features_dot, const real *prob,
                  real *error_dot);
/* Derivative of head_backward: hv (a head) and, unless NULL, features_bar_dot. */
void head_tangent_backward(const struct kernel_shape *s, size_t n, const real *head, const real *v,
                           const real *features, const real *features_dot, const real *error,
                           const real *error_dot, real *hv, real *features_bar_dot);

/* out [2M] = w2 relu(w1 in + b1) + b2; hidden [2M] keeps the ReLU's output */
void generator_forward(const struct kernel_shape *s, const real *phi, const real *in, real *hidden,
                       real *out);
/* Adds to the generator's part of grad_phi; in_bar [2M]; hidden is destroyed. */
void generator_backward(const struct kernel_shape *s, const real *phi, const real *in, real *hidden,
                        const real *out_bar, real *grad_phi, real *in_bar);

#endif
