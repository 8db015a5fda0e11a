/* Inner pair: one case of a folder of reference vectors while it runs. */
#ifndef CALIBRATION_KERNEL_CHECK_H
#define CALIBRATION_KERNEL_CHECK_H

#include "calibration/kernel/check_index.h"

/* Everything one case needs, in doubles; freed together. */
struct check_bench {
    const char *folder, *index;
    const struct check_case *c;
    struct kernel *k;
    size_t tasks; /* all tasks stored: outer iterations times tasks per iteration, at least one */
    size_t image, support, query; /* elements of an image; images per task */
    float *x_support, *x_query;
    int32_t *y_support, *y_query;
    struct kernel_episode *episodes;
    struct kernel_outcome *outcomes;
    double *theta, *phi, *theta_adapted, *grad_theta, *grad_phi, *grad_support, *hvp_v, *hvp;
    double *support_loss, *query_loss, *logits, *gen_in, *gen_out;
    size_t n_theta, n_phi, n_inner, gen; /* gen = T * 2M */
    struct arena arena;
    struct kernel_check *out;
    struct error *err;
};

/* ---------------------------------------------------------------- check_load.c */

/* Buffers, images and parameters of the case, read or generated, and its kernel. Errors:
 * ERR_MEMORY, as check_need, as kernel_new; what was made until then is kernel_delete(k)'s and the
 * arena's. */
enum status check_prepare(struct check_bench *b, enum kernel_precision precision,
                          enum kernel_path path);
/* At least one element of the arena, or NULL. */
void *check_take(struct check_bench *b, size_t count, size_t size);
/* The stored array of this name and type (f32, f64, i32), or NULL. */
const struct check_array *check_find(const struct check_case *c, const char *name,
                                     const char *type);
/* Exactly `count` elements of `size` bytes into out. Errors: ERR_IO; ERR_INPUT for any other count
 * in the index or in the file. */
enum status check_array_load(struct check_bench *b, const struct check_array *a, size_t count,
                             size_t size, void *out);
/* The same for an array that the case must have. */
enum status check_need(struct check_bench *b, const char *name, const char *type, size_t count,
                       size_t size, void *out);
/* Says that the error is at this line of the index; returns status. */
enum status check_at_line(struct check_bench *b, size_t line, enum status status);

/* ---------------------------------------------------------------- check_compare.c */

/* One row of results. Errors: ERR_MEMORY. */
enum status check_say(struct check_bench *b, const char *what, double error, double limit);
/* A row of found[count] against the stored array of this name, if there is one. Errors: as
 * check_array_load. */
enum status check_compare(struct check_bench *b, const char *name, const double *found,
                          size_t count);
/* Rows of inputs, parameters and gradients against the stored statistics of a full-size case.
 * Errors: ERR_INPUT for a statistic that is of no tensor of the case. */
enum status check_compare_full(struct check_bench *b);

#endif
