/* Inner pair: a kernel of one precision. kernel.c holds one of these and speaks to it in doubles
 * and canonical order. */
#ifndef CALIBRATION_KERNEL_ENGINE_H
#define CALIBRATION_KERNEL_ENGINE_H

#include "calibration/kernel/crew.h"
#include "calibration/kernel/shape.h"

struct engine;

/* What to run on tasks: the meta-gradient, only the adaptation, or a Hessian-vector product. */
enum engine_mode { ENGINE_GRADIENT, ENGINE_ADAPT };

struct engine_kind {
    /* Fastest path for BEST; ERR_INPUT when the asked one cannot run. */
    enum status (*choose)(const struct kernel_shape *s, enum kernel_path asked,
                          enum kernel_path *out, struct error *err);
    size_t (*worker_bytes)(const struct kernel_shape *s, enum kernel_path path);
    size_t (*shared_bytes)(const struct kernel_shape *s, size_t tasks);
    enum status (*create)(const struct kernel_shape *s, enum kernel_path path, size_t tasks,
                          size_t workers, struct engine **out, struct error *err);
    void (*destroy)(struct engine *e);
    void (*get)(const struct engine *e, enum kernel_vector which, double *out);
    void (*set)(struct engine *e, enum kernel_vector which, const double *values);
    /* count tasks; gradients stay in the engine until reduced. */
    void (*run)(struct engine *e, struct crew *crew, const struct kernel_episode *episodes,
                size_t count, enum engine_mode mode, struct kernel_outcome *outcomes);
    /* Mean of the first `count` tasks' gradients by a fixed tree into the engine's first row. */
    void (*reduce)(struct engine *e, struct crew *crew, size_t count);
    void (*gradient)(const struct engine *e, double *grad_theta, double *grad_phi);
    bool (*gradient_is_finite)(const struct engine *e);
    void (*adam)(struct engine *e, double rate, uint64_t step);
    /* Of the caller's last task: run a single task before. */
    void (*trace)(const struct engine *e, const struct kernel_trace *out);
    void (*hessian_vector)(struct engine *e, const struct kernel_episode *episode, const double *v,
                           double *out);
};

extern const struct engine_kind engine_f32, engine_f64;

#endif
