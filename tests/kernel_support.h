/* What the tests of the kernel share: a kernel with random episodes, and distances between vectors.
 */
#ifndef TESTS_KERNEL_SUPPORT_H
#define TESTS_KERNEL_SUPPORT_H

#include "calibration/calibration.h"
#include "tests/support.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_TASKS = 8 };

struct run {
    struct kernel_config config;
    struct kernel *k;
    struct kernel_episode episode[MOST_TASKS];
    struct kernel_outcome outcome[MOST_TASKS];
    float *x;
    int32_t *y;
    double *theta, *phi, *grad_theta, *grad_phi;
    size_t n_theta, n_phi;
};

/* A kernel with initial parameters and meta_batch synthetic tasks. */
static inline void run_open(struct run *r, const struct kernel_config *config, uint64_t seed)
{
    struct error err = {0};
    const size_t each = config->channels * config->size * config->size;
    const size_t s = config->ways * config->shots, q = config->ways * config->queries;
    *r = (struct run){.config = *config};
    assert_true(config->meta_batch <= MOST_TASKS);
    assert_ok(kernel_new(config, &r->k, &err), &err);
    r->x = calloc(config->meta_batch * (s + q) * each, sizeof *r->x);
    r->y = calloc(config->meta_batch * (s + q), sizeof *r->y);
    for (size_t i = 0; i < config->meta_batch; i++) {
        float *x = r->x + i * (s + q) * each;
        int32_t *y = r->y + i * (s + q);
        r->episode[i] = (struct kernel_episode){x, y, x + s * each, y + s};
        kernel_synthetic_episode(config, seed, i, x, y, x + s * each, y + s);
    }
    kernel_initialise(r->k, seed);
    r->n_theta = kernel_count(r->k, KERNEL_THETA);
    r->n_phi = kernel_count(r->k, KERNEL_PHI);
    r->theta = calloc(2 * (r->n_theta + r->n_phi) + 1, sizeof *r->theta);
    r->phi = r->theta + r->n_theta;
    r->grad_theta = r->phi + r->n_phi;
    r->grad_phi = r->grad_theta + r->n_theta;
    kernel_get(r->k, KERNEL_THETA, r->theta);
    kernel_get(r->k, KERNEL_PHI, r->phi);
}

static inline void run_close(struct run *r)
{
    kernel_delete(r->k);
    free(r->theta);
    free(r->x);
    free(r->y);
}

static inline void run_gradient(struct run *r)
{
    struct error err = {0};
    assert_ok(kernel_gradient(r->k, r->episode, r->config.meta_batch, r->grad_theta, r->grad_phi,
                              r->outcome, NULL, &err),
              &err);
}

/* Mean query loss at theta + t * direction_theta, phi + t * direction_phi. */
static inline double loss_at(struct run *r, const double *direction, double t)
{
    struct error err = {0};
    double *moved = calloc(r->n_theta + r->n_phi, sizeof *moved), loss = 0.0;
    for (size_t i = 0; i < r->n_theta + r->n_phi; i++) {
        moved[i] = r->theta[i] + t * direction[i];
    }
    kernel_set(r->k, KERNEL_THETA, moved);
    kernel_set(r->k, KERNEL_PHI, moved + r->n_theta);
    assert_ok(kernel_evaluate(r->k, r->episode, r->config.meta_batch, r->outcome, &err), &err);
    for (size_t i = 0; i < r->config.meta_batch; i++) {
        loss += r->outcome[i].query_loss / (double)r->config.meta_batch;
    }
    free(moved);
    return loss;
}

static inline uint64_t next(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *seed >> 33;
}

static inline double uniform(uint64_t *seed)
{
    return (double)next(seed) / (double)(UINT64_C(1) << 30) - 1.0;
}

static inline double relative_l2(const double *found, const double *expected, size_t n)
{
    double difference = 0.0, norm = 0.0;
    for (size_t i = 0; i < n; i++) {
        difference += (found[i] - expected[i]) * (found[i] - expected[i]);
        norm += expected[i] * expected[i];
    }
    return norm > 0.0 ? sqrt(difference / norm) : sqrt(difference);
}

static const struct kernel_config small = {
    .algorithm = KERNEL_MAML,
    .precision = KERNEL_FLOAT64,
    .channels = 2,
    .size = 11,
    .hidden = 8,
    .layers = 3,
    .pool = true,
    .ways = 3,
    .shots = 2,
    .queries = 3,
    .steps = 2,
    .inner_rate = 0.11,
    .meta_batch = 2,
    .outer_rate = 0.003,
};

#endif
