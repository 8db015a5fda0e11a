/* Inner pair: what an implementation of the network offers to the algorithms (SPEC section 3).
 *
 * A backend works on theta in its own order within each tensor (`native_index`), so that nothing is
 * rearranged per step; the outside world sees the canonical order only. Features are [n][D] in the
 * backend's order of D, which is the order of the head's columns.
 *
 * Three kinds of state, all cut from the worker's one block:
 *   images   a batch of input images (and what depends on them alone);
 *   slot     what one forward pass over a batch leaves behind for its backward pass and, if kept,
 *            for the tangent passes;
 *   scratch  reused by every pass.
 */
#ifndef CALIBRATION_KERNEL_BACKEND_H
#define CALIBRATION_KERNEL_BACKEND_H

#include "calibration/kernel/bump.h"
#include "calibration/kernel/real.h"
#include "calibration/kernel/shape.h"

struct images;
struct slot;
struct scratch;

/* FEATURES: forward only. ONCE: one backward pass, which may destroy the slot. KEPT: backward, then
 * tangent passes. */
enum slot_use { SLOT_FEATURES, SLOT_ONCE, SLOT_KEPT };

struct backend {
    size_t lanes; /* hidden must be a multiple */

    /* native_of[i] = place of canonical element i of theta; NULL function: the same order. */
    void (*native_index)(const struct kernel_shape *s, uint32_t *native_of);

    struct images *(*images_cut)(struct bump *b, const struct kernel_shape *s, size_t n);
    struct slot *(*slot_cut)(struct bump *b, const struct kernel_shape *s, size_t n,
                             enum slot_use use);
    /* For batches of up to n images, tangents of up to `kept` images (0: none). `done` is a slot of
     * done_n images, or NULL and 0, that nobody needs any more when tangents are taken: its maps
     * may serve for them. */
    struct scratch *(*scratch_cut)(struct bump *b, const struct kernel_shape *s, size_t n,
                                   size_t kept, const struct slot *done, size_t done_n);

    /* Images first..first+count-1 of the batch from float [count][C][H][H]. */
    void (*load)(const struct kernel_shape *s, struct images *im, const float *x, size_t first,
                 size_t count);
    /* Called once after all loads of a task. */
    void (*loaded)(const struct kernel_shape *s, struct images *im, struct scratch *w);
    void (*forward)(const struct kernel_shape *s, const struct images *im, struct slot *slot,
                    struct scratch *w, const real *theta, real *features);
    /* grad (theta sized) = gradient of the backbone for the cotangent of the features; the head's
     * part is left alone. */
    void (*backward)(const struct kernel_shape *s, const struct images *im, struct slot *slot,
                     struct scratch *w, const real *theta, const real *features_bar, real *grad);
    /* Derivative of the features in direction v. */
    void (*tangent)(const struct kernel_shape *s, const struct images *im, struct slot *slot,
                    struct scratch *w, const real *theta, const real *v, real *features_dot);
    /* Derivative in direction v of `backward`'s result; directly after `tangent`. features_bar_dot
     * is the derivative of the cotangent. */
    void (*tangent_backward)(const struct kernel_shape *s, const struct images *im,
                             struct slot *slot, struct scratch *w, const real *theta, const real *v,
                             const real *features_bar_dot, real *hv);
};

#define plain_backend TYPED(plain_backend)
extern const struct backend plain_backend;

#endif
