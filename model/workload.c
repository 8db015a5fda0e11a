/* What one task or sample costs: parameters, FLOPs, bytes, memory; and how many rounds there are.
 *
 * CONV4 blocks of 3x3 convolutions; convolutions only are counted (head, batch normalisation, ReLU
 * and pooling add less than 1 %). With G = forward FLOPs of an image and G1 of its first block,
 * which needs no input gradient: forward and backward 3G - G1, one Hessian-vector product 6G - 4 G1
 * (MAML: Finn et al. 2017; ANIL: Raghu et al. 2020; ALFA: Baik et al. 2020; eALFA: MetaFaaS,
 * algorithm 2). Per task with S support and Q query images and T inner steps:
 *   MAML, ALFA with learned theta   T S (9G - 5 G1) + Q (3G - G1)
 *   FOMAML                          (T S + Q)(3G - G1)
 *   ANIL                            (S + Q)(3G - G1), whatever T
 *   ALFA with fixed theta           T S (3G - G1) + (T - 1) S (6G - 4 G1) + Q (3G - G1)
 *   eALFA                           (S + Q) G */
#include "model/model.h"

#include <math.h>

static const double float_bytes = 4;

void network_measure(const struct workload *w, struct network_size *out)
{
    double channels = w->image_channels;
    double side = w->image_size;
    *out = (struct network_size){0};
    for (double b = 0; b < w->blocks; b++) {
        const double conv_side = w->pooled ? side : floor((side - 1) / 2) + 1;
        const double flop = 2 * 9 * channels * w->hidden * conv_side * conv_side;
        out->forward_flop += flop;
        if (b == 0) {
            out->first_forward_flop = flop;
        }
        out->parameters += w->hidden * (9 * channels + 3); /* weights, bias, gamma, beta */
        out->inner_parameters += w->hidden * (9 * channels + 1);
        /* Kept for the backward pass: the block's input, and normalised output and its gradient. */
        out->activation_bytes +=
            float_bytes * (channels * side * side + 2 * w->hidden * conv_side * conv_side);
        side = w->pooled ? floor(conv_side / 2) : conv_side;
        channels = w->hidden;
    }
    out->features = w->pooled ? w->hidden * side * side : w->hidden;
    out->head_parameters = w->ways * (out->features + 1);
    out->parameters += out->head_parameters;
    out->inner_parameters += out->head_parameters;
    if (w->algorithm == ALGORITHM_ALFA) {
        out->tensors = 2 * w->blocks + 2;
    } else if (w->algorithm == ALGORITHM_EALFA) {
        out->tensors = 2;
    }
    out->generator = 8 * out->tensors * out->tensors + 4 * out->tensors;
}

static double task_flop(const struct workload *w, const struct network_size *n, double support,
                        double query)
{
    const double g = n->forward_flop;
    const double g1 = n->first_forward_flop;
    const double steps = w->adaptation_steps;
    const double pass = 3 * g - g1;
    const double product = 6 * g - 4 * g1;
    switch (w->algorithm) {
    case ALGORITHM_MAML:
        return steps * support * (pass + product) + query * pass;
    case ALGORITHM_FOMAML:
        return (steps * support + query) * pass;
    case ALGORITHM_ANIL:
        return (support + query) * pass;
    case ALGORITHM_ALFA:
        return steps * support * pass +
               (w->theta_fixed ? fmax(0, steps - 1) : steps) * support * product + query * pass;
    case ALGORITHM_EALFA:
        return (support + query) * g;
    case ALGORITHM_SGD:
        break;
    }
    return 0;
}

/* Memory a worker needs for one task: what the outer gradient keeps of every inner step. */
static double task_footprint(const struct workload *w, const struct network_size *n, double support,
                             double query)
{
    const double parameters = float_bytes * n->parameters;
    const double act = n->activation_bytes;
    const double steps = w->adaptation_steps;
    const double data = w->unit_bytes;
    switch (w->algorithm) {
    case ALGORITHM_MAML:
    case ALGORITHM_ALFA:
        return data + (steps * support + query) * act + (2 * steps + 6) * parameters;
    case ALGORITHM_FOMAML:
        return data + fmax(support, query) * act + 6 * parameters;
    case ALGORITHM_ANIL:
        return data + (support + query) * act + 6 * parameters;
    case ALGORITHM_EALFA: /* forward only: one block at a time */
        return data + (support + query) * act / w->blocks + 4 * parameters;
    case ALGORITHM_SGD:
        break;
    }
    return 0;
}

static void derive_meta(struct workload *w)
{
    struct network_size n;
    network_measure(w, &n);
    const double support = w->ways * w->shots;
    const double query = w->ways * w->queries;
    w->units_per_iteration = w->meta_batch;
    w->unit_flop = task_flop(w, &n, support, query);
    w->unit_bytes =
        (support + query) * w->image_channels * w->image_size * w->image_size * float_bytes;
    w->footprint_bytes = w->memory_overhead_bytes + task_footprint(w, &n, support, query);
}

static void derive_sgd(struct workload *w, double workers)
{
    w->units_per_iteration = w->batch_per_worker ? w->batch_size * workers : w->batch_size;
    w->unit_flop = w->flop_per_sample;
    w->unit_bytes = w->bytes_per_sample;
    /* Parameters, gradients and one optimiser state, and the mini-batch; activations are the user's
     * to state in memory_overhead_bytes. */
    w->footprint_bytes = w->memory_overhead_bytes + 3 * float_bytes * w->parameters +
                         ceil(w->units_per_iteration / workers) * w->bytes_per_sample;
}

void workload_derive(struct workload *w, double workers)
{
    if (w->kind == WORK_META) {
        derive_meta(w);
    } else {
        derive_sgd(w, workers);
    }
    w->rounds = w->iterations;
    if (w->rounds <= 0 && w->units_per_iteration > 0) {
        w->rounds = ceil(w->epochs * w->samples / w->units_per_iteration);
    }
    if (w->iterations_exponent != 0) {
        w->rounds = ceil(w->rounds * pow(workers, w->iterations_exponent) - 1e-9);
    }
}
