/* Initial parameters, and the pseudo-random recipe of the reference vectors:
 *
 *   mix(z):  z = (z ^ z>>30) 0xBF58476D1CE4E5B9; z = (z ^ z>>27) 0x94D049BB133111EB; z ^ z>>31
 *   u(seed, stream)_i = (mix(key + (i+1) 0x9E3779B97F4A7C15) >> 48) / 32768 - 1,
 *   key = mix(1000003 seed + stream)                                       (Steele et al. 2014)
 */
#include "calibration/kernel/initialise.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static uint64_t bits(uint64_t seed, uint64_t stream, uint64_t i)
{
    const uint64_t key = mix(seed * 1000003u + stream);
    return mix(key + (i + 1) * UINT64_C(0x9E3779B97F4A7C15));
}

double recipe_uniform(uint64_t seed, uint64_t stream, uint64_t i)
{
    return (double)(bits(seed, stream, i) >> 48) / 32768.0 - 1.0;
}

/* ---------------------------------------------------------------- data */

static void make_images(const struct kernel_config *c, uint64_t seed, uint64_t stream, size_t each,
                        float *x, int32_t *y)
{
    const size_t pixels = c->channels * c->size * c->size;
    for (size_t i = 0; i < c->ways * each; i++) {
        const size_t label = i / each;
        y[i] = (int32_t)label;
        for (size_t j = 0; j < pixels; j++) {
            const double noise = recipe_uniform(seed, stream, i * pixels + j);
            const double pattern = recipe_uniform(seed, 3, label * pixels + j);
            x[i * pixels + j] = (float)(0.5 * noise + 0.5 * pattern);
        }
    }
}

void kernel_synthetic_episode(const struct kernel_config *config, uint64_t seed, uint64_t task,
                              float *x_support, int32_t *y_support, float *x_query,
                              int32_t *y_query)
{
    const uint64_t own = seed + 7919 * task;
    make_images(config, own, 1, config->shots, x_support, y_support);
    make_images(config, own, 2, config->queries, x_query, y_query);
}

/* ---------------------------------------------------------------- parameters */

/* [-1, 1) with 53 bits */
static double uniform(uint64_t seed, uint64_t stream, uint64_t i)
{
    return (double)(bits(seed, stream, i) >> 11) * 0x1p-52 - 1.0;
}

/* Box and Muller 1958 */
static double normal(uint64_t seed, uint64_t stream, uint64_t i)
{
    const double two_pi = 6.283185307179586476925;
    const double radius = 0.5 * (uniform(seed, stream, 2 * i) + 1.0) + 0x1p-54;
    return sqrt(-2.0 * log(radius)) * cos(two_pi * 0.5 * (uniform(seed, stream, 2 * i + 1) + 1.0));
}

static double xavier(const struct kernel_tensor *t)
{
    const double area = t->n_dims == 4 ? (double)(t->dims[2] * t->dims[3]) : 1.0;
    return sqrt(6.0 / ((double)(t->dims[0] + t->dims[1]) * area));
}

/* learn2learn: Xavier-uniform convolutions, gamma uniform in [0, 1), head Xavier-uniform or, for
 * the stride-2 network, standard normal. Baik et al.: Xavier-uniform throughout, gamma 1. */
static double initial_theta(const struct kernel_config *c, const struct kernel_tensor *t,
                            size_t number, uint64_t seed, size_t i)
{
    const bool alfa = c->algorithm == KERNEL_ALFA || c->algorithm == KERNEL_EALFA;
    const bool gamma = number < 4 * c->layers && number % 4 == 2;
    const bool head = number == 4 * c->layers;
    if (gamma) {
        return alfa ? 1.0 : 0.5 * (uniform(seed, number, i) + 1.0);
    }
    if (t->n_dims == 1) {
        return 0.0;
    }
    if (head && !alfa && !c->pool) {
        return normal(seed, number, i);
    }
    return xavier(t) * uniform(seed, number, i);
}

/* Baik et al.: PyTorch's Linear for the generator, rates 0.01, decay 0.01 * 0.0005 in all. */
static double initial_phi(const struct kernel_config *c, const struct kernel_tensor *t,
                          size_t number, size_t inputs, uint64_t seed, size_t i)
{
    const double rate = 0.01, decay = 0.01 * 0.0005;
    (void)t;
    switch (number) {
    case 0:
    case 1:
    case 2:
    case 3:
        return uniform(seed, 100 + number, i) / sqrt((double)inputs);
    case 4:
        return rate;
    case 5:
        return c->fixed_theta ? 1.0 : decay;
    default:
        return decay;
    }
}

void initial_parameters(const struct kernel_config *config, uint64_t seed, double *theta,
                        double *phi)
{
    struct kernel_tensor list[KERNEL_MAX_TENSORS];
    size_t count = kernel_theta_tensors(config, list);
    for (size_t t = 0; t < count; t++) {
        for (size_t i = 0; i < list[t].count; i++) {
            theta[list[t].offset + i] = initial_theta(config, &list[t], t, seed, i);
        }
    }
    count = kernel_phi_tensors(config, list);
    const size_t inputs = count ? list[0].dims[1] : 0;
    for (size_t t = 0; t < count; t++) {
        for (size_t i = 0; i < list[t].count; i++) {
            phi[list[t].offset + i] = initial_phi(config, &list[t], t, inputs, seed, i);
        }
    }
}
