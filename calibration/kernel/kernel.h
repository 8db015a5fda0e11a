/* Door of the meta-learning kernel: CONV4 with a linear head, trained by MAML, FOMAML, ANIL, ALFA
 * or eALFA on the CPU, exact to the second order.
 *
 * Network:    conv 3x3 -> batch norm with batch statistics -> (leaky) ReLU -> optional 2x2
 * max-pool, repeated; then a linear head and the mean cross-entropy. Algorithms: Finn et al. 2017
 * (MAML, FOMAML), Raghu et al. 2020 (ANIL), Baik et al. 2020 (ALFA), MetaFaaS Algorithm 2 (eALFA);
 * Kingma and Ba 2015 (Adam) in the outer loop.
 *
 * Parameters, gradients and losses cross this door as double in the canonical order, whatever the
 * precision inside: theta is, for each block, conv weight [F][Cin][3][3], conv bias [F], batch-norm
 * weight [F] and bias [F]; then head weight [N][D] and bias [N], D counted as channel, row, column.
 * phi (ALFA and eALFA) is w1 [2M][2M], b1 [2M], w2 [2M][2M], b2 [2M], alpha [M][T], beta [M][T]
 * and, when theta is fixed, one decay tensor of the shape of each inner tensor.
 */
#ifndef CALIBRATION_KERNEL_KERNEL_H
#define CALIBRATION_KERNEL_KERNEL_H

#include "model/base/base.h"

/* ---------------------------------------------------------------- what is computed */

/* name in files, meta-learns theta by default, adapts the head only, has the generator g_phi */
#define KERNEL_ALGORITHM_LIST(X)                                                                   \
    X(KERNEL_MAML, "maml")                                                                         \
    X(KERNEL_FOMAML, "fomaml")                                                                     \
    X(KERNEL_ANIL, "anil")                                                                         \
    X(KERNEL_ALFA, "alfa")                                                                         \
    X(KERNEL_EALFA, "ealfa")

enum kernel_algorithm {
#define X(name, text) name,
    KERNEL_ALGORITHM_LIST(X)
#undef X
};

enum kernel_precision { KERNEL_FLOAT32, KERNEL_FLOAT64 };

/* Implementations of the network. BEST takes the fastest this CPU and this number of hidden
 * channels allow; PLAIN is the readable oracle; the others need `hidden` to be a multiple of their
 * vector length and are refused where the CPU lacks the instructions. */
#define KERNEL_PATH_LIST(X)                                                                        \
    X(KERNEL_PATH_BEST, "best")                                                                    \
    X(KERNEL_PATH_PLAIN, "plain")                                                                  \
    X(KERNEL_PATH_PORTABLE, "portable")                                                            \
    X(KERNEL_PATH_AVX2, "avx2")                                                                    \
    X(KERNEL_PATH_AVX512, "avx512")

enum kernel_path {
#define X(name, text) name,
    KERNEL_PATH_LIST(X)
#undef X
};

enum { KERNEL_MAX_LAYERS = 8, KERNEL_MAX_TENSORS = 4 * KERNEL_MAX_LAYERS + 2 };

struct kernel_config {
    enum kernel_algorithm algorithm;
    enum kernel_precision precision;
    enum kernel_path path;
    size_t channels; /* of an image */
    size_t size;     /* height = width of an image, pixels */
    size_t hidden;   /* F, channels of every block */
    size_t layers;   /* blocks, 1..KERNEL_MAX_LAYERS */
    bool pool;    /* true: stride 1 and 2x2 max-pool, features flattened; false: stride 2, mean */
    double slope; /* of the activation below zero: 0 (ReLU) .. 1 */
    size_t ways, shots, queries; /* classes; support and query images per class */
    size_t steps;                /* T, inner steps */
    double inner_rate;           /* MAML, FOMAML, ANIL; ALFA and eALFA carry theirs in phi */
    bool freeze_bn;              /* MAML, FOMAML: gamma and beta do not adapt in the inner loop */
    bool joint;                  /* ANIL: one batch-norm batch of support and query (learn2learn) */
    bool first_order;            /* drop the Hessian terms (FOMAML always does) */
    bool fixed_theta;            /* ALFA, eALFA: decay tensors are learned; ALFA: theta is not */
    size_t meta_batch;           /* tasks per outer iteration */
    size_t threads;              /* workers, one task each at a time; 0 means 1 */
    double outer_rate;           /* Adam */
};

const char *kernel_algorithm_name(enum kernel_algorithm algorithm);
enum status kernel_algorithm_from_name(const char *name, enum kernel_algorithm *out,
                                       struct error *err);
const char *kernel_path_name(enum kernel_path path);

/* One task. Images are float [n][channels][size][size]; support n = ways * shots, query
 * n = ways * queries; labels are 0..ways-1 in any order. Borrowed for the call. */
struct kernel_episode {
    const float *x_support;
    const int32_t *y_support;
    const float *x_query;
    const int32_t *y_query;
};

/* ---------------------------------------------------------------- the kernel */

struct kernel;

/* A kernel ready to run: parameters zero, workers started, every byte it will ever need allocated.
 * A kernel is used by one thread at a time; it runs its own workers.
 *
 * Owns:    caller frees *out with kernel_delete().
 * Errors:  ERR_INPUT for a configuration out of range (which field, what was expected) or a path
 *          this CPU or number of channels cannot take; ERR_MEMORY; ERR_EXTERNAL without threads.
 */
enum status kernel_new(const struct kernel_config *config, struct kernel **out, struct error *err);
void kernel_delete(struct kernel *k);

const struct kernel_config *kernel_settings(const struct kernel *k);
/* Path in use: never KERNEL_PATH_BEST. */
enum kernel_path kernel_path_used(const struct kernel *k);

/* Initial parameters of the published implementations: learn2learn for MAML, FOMAML and ANIL, Baik
 * et al. for ALFA and eALFA (SPEC sections 2 and 4.4); Adam restarts. Same seed, same bits. */
void kernel_initialise(struct kernel *k, uint64_t seed);

/* ---------------------------------------------------------------- parameters and state */

/* MOMENT1 and MOMENT2 are Adam's; they and the step count are what a checkpoint needs. */
enum kernel_vector {
    KERNEL_THETA,
    KERNEL_PHI,
    KERNEL_THETA_MOMENT1,
    KERNEL_THETA_MOMENT2,
    KERNEL_PHI_MOMENT1,
    KERNEL_PHI_MOMENT2,
    KERNEL_VECTORS
};

/* Number of elements; 0 for phi vectors of algorithms without a generator. */
size_t kernel_count(const struct kernel *k, enum kernel_vector which);
/* Canonical order, exact in both directions for values the precision holds. */
void kernel_get(const struct kernel *k, enum kernel_vector which, double *out);
void kernel_set(struct kernel *k, enum kernel_vector which, const double *values);
/* Outer steps taken by Adam since the last reset. */
uint64_t kernel_adam_steps(const struct kernel *k);
/* Adam's learning rate from the next outer step on. */
void kernel_set_outer_rate(struct kernel *k, double rate);
void kernel_set_adam_steps(struct kernel *k, uint64_t steps);

struct kernel_tensor {
    char name[40]; /* conv0.weight, bn0.bias, head.weight, gen.w1, alpha0, betap.conv0.weight... */
    size_t offset, count;
    size_t dims[4], n_dims;
    bool inner; /* adapted in the inner loop (theta tensors) */
};
size_t kernel_theta_tensors(const struct kernel_config *config,
                            struct kernel_tensor out[KERNEL_MAX_TENSORS]);
size_t kernel_phi_tensors(const struct kernel_config *config,
                          struct kernel_tensor out[KERNEL_MAX_TENSORS]);

/* ---------------------------------------------------------------- running */

/* What happened on one task. */
struct kernel_outcome {
    double support_loss; /* before the first inner step, nats */
    double adapted_loss; /* before the last inner step, nats */
    double query_loss;   /* on the adapted parameters, nats */
    size_t query_correct;
    double query_accuracy; /* query_correct / (ways * queries) */
};

/* Everything a task passes through, for those who want to look; NULL members are skipped. */
struct kernel_trace {
    double *support_loss;  /* [T] before each inner step */
    double *query_logits;  /* [ways * queries][ways] */
    double *theta_adapted; /* theta_T, canonical */
    double *grad_support;  /* support gradient at theta, inner tensors only, theta order */
    double *gen_in;        /* [T][2M] input of the generator */
    double *gen_out;       /* [T][2M] */
};

/* One outer iteration: mean meta-gradient of meta_batch tasks, then an Adam step. outcomes
 * (meta_batch, may be NULL) in the order of episodes. Identical bits for any number of threads.
 *
 * Errors:  ERR_INPUT for a label out of range or an image that is not finite (which task and
 * where); ERR_NUMERIC when the gradient is not finite: parameters are then left as they were.
 */
enum status kernel_iterate(struct kernel *k, const struct kernel_episode *episodes,
                           struct kernel_outcome *outcomes, struct error *err);

/* Mean meta-gradient of `count` <= meta_batch tasks without a step. grad_theta and grad_phi
 * (canonical) and trace (of the first task) may be NULL. What is not meta-learned has gradient 0.
 * Errors: as kernel_iterate. */
enum status kernel_gradient(struct kernel *k, const struct kernel_episode *episodes, size_t count,
                            double *grad_theta, double *grad_phi, struct kernel_outcome *outcomes,
                            const struct kernel_trace *trace, struct error *err);

/* Adapt on the support set, score the query set: no meta-gradient, any count of tasks.
 * Errors: as kernel_iterate. */
enum status kernel_evaluate(struct kernel *k, const struct kernel_episode *episodes, size_t count,
                            struct kernel_outcome *outcomes, struct error *err);

/* Hessian-vector product of the support loss at theta, over all parameters (MAML, second order).
 * v, out: canonical theta. Errors: ERR_INPUT when the configuration keeps no tangents. */
enum status kernel_hessian_vector(struct kernel *k, const struct kernel_episode *episode,
                                  const double *v, double *out, struct error *err);

/* ---------------------------------------------------------------- time, work and memory */

/* Reproducible task: y class-major, x = noise and a pattern per class in [-1, 1) (recipe of the
 * reference vectors). Arrays sized as in struct kernel_episode; task numbers tasks of one seed. */
void kernel_synthetic_episode(const struct kernel_config *config, uint64_t seed, uint64_t task,
                              float *x_support, int32_t *y_support, float *x_query,
                              int32_t *y_query);

/* FLOP of one task, convolutions only, padding taps counted, 2 per multiply-add (SPEC section 6).
 */
double kernel_flop(const struct kernel_config *config);

struct kernel_memory {
    size_t worker_bytes; /* one worker: all activations, parameters per step and scratch */
    size_t shared_bytes; /* parameters, Adam moments and one gradient per task of the meta-batch */
    size_t saved_bytes;  /* what SPEC section 3 says must be kept, of one worker, for comparison */
};
/* Errors: as kernel_new, except that nothing is allocated. */
enum status kernel_memory_bytes(const struct kernel_config *config, struct kernel_memory *out,
                                struct error *err);

/* ---------------------------------------------------------------- check against an oracle */

struct kernel_check_row {
    char name[64];     /* case */
    char quantity[24]; /* grad_theta, query_loss... */
    enum kernel_precision precision;
    double error, bound; /* relative L2 error; fails unless error <= bound */
};

/* Zeroed is empty; kernel_check_free accepts a zeroed one. */
struct kernel_check {
    struct kernel_check_row *rows;
    size_t count, capacity, failures;
};

/* Runs every case of a folder of reference vectors (index.txt and raw little-endian arrays; or the
 * folder of one case in such a folder) in float64 and float32 and compares whole vectors by
 * relative L2 error. `path` chooses the implementation. One row per case, precision and quantity.
 *
 * Bounds:  float64 1e-10 (small) and 1e-8 (full); float32 2e-5 (small), 1e-4 (full, images below
 *          64 pixels) and 5e-3 (full, larger), SPEC section 7.
 * Owns:    rows, also after an error; the caller frees them with kernel_check_free().
 * Errors:  ERR_IO and ERR_INPUT with the file, line and what was expected, for a folder, index or
 *          array that is missing, truncated or malformed.
 */
enum status kernel_check(const char *folder, enum kernel_path path, struct kernel_check *out,
                         struct error *err);
void kernel_check_free(struct kernel_check *c);
const char *kernel_precision_name(enum kernel_precision precision);
/* Errors: ERR_INPUT naming the nearest one. */
enum status kernel_path_from_name(const char *name, enum kernel_path *out, struct error *err);

#endif
