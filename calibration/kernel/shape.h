/* Inner pair: the sizes that follow from a configuration, shared by both precisions. Symbols as in
 * the kernel's specification: N ways, S support and Q query images, F hidden channels, D features,
 * T inner steps, M inner tensors. */
#ifndef CALIBRATION_KERNEL_SHAPE_H
#define CALIBRATION_KERNEL_SHAPE_H

#include "calibration/kernel/kernel.h"

struct layer_shape {
    size_t cin, cout;     /* channels */
    size_t in, conv, out; /* side of the input, of the convolution's output, after pooling */
    size_t stride;        /* of the convolution */
    size_t window;        /* of the max-pool; 1 is none */
    size_t weight, bias, gamma, beta; /* offsets in theta */
};

struct kernel_shape {
    size_t layers, hidden, ways, features; /* features: D */
    size_t support, query, steps;          /* S, Q, T */
    double slope, inner_rate;
    struct layer_shape layer[KERNEL_MAX_LAYERS];
    size_t head_weight, head_bias, theta_count;
    struct kernel_tensor tensor[KERNEL_MAX_TENSORS];
    size_t tensors;
    size_t inner[KERNEL_MAX_TENSORS]; /* indices of the adapted tensors */
    size_t inners;                    /* M */
    size_t adapted;        /* offset in theta of the first adapted element: 0, or head_weight */
    bool generator, decay; /* has g_phi; has decay tensors */
    bool meta_theta;       /* theta receives a meta-gradient */
    bool head_only, joint, second_order;
    bool spatial_mean; /* features are the mean over the last map */
    /* phi: offsets; decay tensors of the inner tensors in order */
    size_t w1, b1, w2, b2, alpha, beta, decay_offset[KERNEL_MAX_TENSORS], phi_count;
};

enum status shape_make(const struct kernel_config *config, struct kernel_shape *out,
                       struct error *err);

#endif
