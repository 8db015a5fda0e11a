/* What one task or sample costs before any platform is known: parameters, FLOPs, bytes, memory.
 *
 * CONV4: per block a 3 x 3 convolution, batch normalisation, ReLU and, on pooled data sets, a 2 x 2
 * max-pool; a linear head. A forward convolution takes G_l = 2 * 9 * Cin * F * Ho^2 FLOP per image,
 * padding taps counted; G their sum, G1 the first, which needs no input gradient. With S support
 * and Q query images and T adaptation steps, per task:
 *
 *   MAML    T S (9G - 5 G1) + Q (3G - G1)      second order (Finn et al. 2017)
 *   FOMAML  (T S + Q)(3G - G1)
 *   ANIL    (S + Q)(3G - G1)                    backbone once, whatever T (Raghu et al. 2020)
 *   ALFA    as MAML; with theta fixed           T S (3G - G1) + (T - 1) S (6G - 4 G1) + Q (3G - G1)
 *   eALFA   (S + Q) G                           theta fixed: no backward pass through the backbone;
 *                                               learned: as ANIL
 *
 * Head, normalisation and pooling add less than 1 % and are left out. */
#include "model/model.h"

#include <math.h>

static const double bytes_per_number = 4; /* float32 */

void network_measure(const struct workload *w, struct network_size *out)
{
    const double hidden = w->hidden;
    double channels = w->image_channels;
    double side = w->image_size;
    *out = (struct network_size){0};
    for (double block = 0; block < w->blocks; block++) {
        const double in_numbers = channels * side * side;
        const double conv_side = w->pooled ? side : floor((side - 1) / 2) + 1;
        const double flop = 2 * 9 * channels * hidden * conv_side * conv_side;
        out->forward_flop += flop;
        if (block == 0) {
            out->first_forward_flop = flop;
        }
        /* Weights and biases of the convolution; scale and shift of the normalisation. */
        out->parameters += 9 * channels * hidden + 3 * hidden;
        out->inner_parameters += 9 * channels * hidden + hidden;
        out->activation_bytes +=
            bytes_per_number * (in_numbers + 2 * hidden * conv_side * conv_side);
        side = w->pooled ? floor(conv_side / 2) : conv_side;
        channels = hidden;
    }
    /* Strided networks end with a mean over the image (learn2learn's OmniglotCNN). */
    out->features = w->pooled ? hidden * side * side : hidden;
    out->head_parameters = w->ways * out->features + w->ways;
    out->parameters += out->head_parameters;
    out->inner_parameters += out->head_parameters;
    const bool alfa = w->algorithm == ALGORITHM_ALFA;
    if (alfa || w->algorithm == ALGORITHM_EALFA) {
        /* Baik et al. 2020: two linear layers of 2N x 2N. eALFA adapts weight and bias of the head
         * alone (MetaFaaS, Algorithm 2). */
        const double n = alfa ? 2 * w->blocks + 2 : 2;
        out->tensors = n;
        out->generator = 8 * n * n + 4 * n;
    } else {
        out->tensors = 2 * w->blocks + 2;
    }
}

/* Images of support and query set, and what their passes cost. */
struct passes {
    double support, query, steps;
    double forward, both, second_order; /* FLOP per image */
};

static double task_flop(const struct workload *w, const struct passes *p)
{
    const double support_passes = p->steps * p->support;
    const double maml = support_passes * (p->both + p->second_order) + p->query * p->both;
    switch (w->algorithm) {
    case ALGORITHM_FOMAML:
        return (support_passes + p->query) * p->both;
    case ALGORITHM_ANIL:
        return (p->support + p->query) * p->both;
    case ALGORITHM_ALFA:
        /* Nothing is needed below the first step when theta stays fixed. */
        return w->theta_fixed
                   ? support_passes * p->both +
                         fmax(0, p->steps - 1) * p->support * p->second_order + p->query * p->both
                   : maml;
    case ALGORITHM_EALFA:
        return (p->support + p->query) * (w->theta_fixed ? p->forward : p->both);
    default:
        return maml;
    }
}

/* Images whose activations live at the same time. Second order keeps every support pass until the
 * reverse sweep; first order and frozen backbones keep one pass. */
static double images_kept(const struct workload *w, const struct passes *p)
{
    switch (w->algorithm) {
    case ALGORITHM_FOMAML:
        return fmax(p->support, p->query);
    case ALGORITHM_ANIL:
        return p->support + p->query;
    case ALGORITHM_EALFA:
        return w->theta_fixed ? fmax(p->support, p->query) : p->support + p->query;
    default:
        return p->steps * p->support + p->query;
    }
}

static void derive_meta(struct workload *w)
{
    network_measure(w, &w->network);
    const struct network_size *n = &w->network;
    const struct passes p = {
        .support = w->ways * w->shots,
        .query = w->ways * w->queries,
        .steps = w->adaptation_steps,
        .forward = n->forward_flop,
        .both = 3 * n->forward_flop - n->first_forward_flop,
        .second_order = 6 * n->forward_flop - 4 * n->first_forward_flop,
    };
    w->parameters = n->parameters;
    w->units_per_iteration = w->meta_batch;
    w->unit_flop = task_flop(w, &p);
    w->unit_bytes = bytes_per_number * (p.support + p.query) * w->image_channels * w->image_size *
                    w->image_size;
    /* Parameters of every inner step, their gradient and two moments of the optimiser; activations;
     * the task itself. */
    w->footprint_bytes =
        w->memory_overhead_bytes +
        bytes_per_number * (n->parameters + n->generator) * (w->adaptation_steps + 4) +
        n->activation_bytes * images_kept(w, &p) + w->unit_bytes;
}

static void derive_sgd(struct workload *w, double workers)
{
    w->network = (struct network_size){0};
    w->units_per_iteration = w->batch_per_worker ? w->batch_size * workers : w->batch_size;
    w->unit_flop = w->flop_per_sample;
    w->unit_bytes = w->bytes_per_sample;
    /* Weights, gradients, one buffer of somebody else's gradients, the mini-batch. Activations
     * depend on the network: they belong to memory_overhead_bytes. */
    const double exchanged =
        w->exchange_bytes > 0 ? w->exchange_bytes : bytes_per_number * w->parameters;
    const double model = w->model_bytes > 0 ? w->model_bytes : bytes_per_number * w->parameters;
    w->footprint_bytes = w->memory_overhead_bytes + model + 2 * exchanged +
                         ceil(w->units_per_iteration / workers) * w->unit_bytes;
}

void workload_derive(struct workload *w, double workers)
{
    if (w->kind == WORK_META) {
        derive_meta(w);
    } else {
        derive_sgd(w, workers);
    }
    double rounds = w->iterations;
    if (rounds <= 0) {
        rounds = w->units_per_iteration > 0 ? w->epochs * w->samples / w->units_per_iteration : 0;
    }
    /* Statistical efficiency: rounds(w) = ceil(rounds * w^exponent), up to rounding noise. */
    w->rounds = ceil(rounds * pow(workers, w->iterations_exponent) - 1e-9);
}
