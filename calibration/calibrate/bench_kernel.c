/* Kernels with episodes to run. The pixels are synthetic: time does not depend on them. */
#include "calibration/calibrate/bench_kernel.h"

#include <stdlib.h>

enum status bench_kernel_open(struct bench_kernel *bench, const struct kernel_config *config,
                              struct error *err)
{
    *bench = (struct bench_kernel){.tasks = config->meta_batch};
    enum status status = kernel_new(config, &bench->kernel, err); /* also checks the sizes */
    if (status != STATUS_OK) {
        return status;
    }
    kernel_initialise(bench->kernel, 1);
    const size_t pixels = config->channels * config->size * config->size;
    const size_t support = config->ways * config->shots, query = config->ways * config->queries;
    const size_t each = (support + query) * (pixels * sizeof(float) + sizeof(int32_t));
    bench->block = malloc(bench->tasks * each);
    bench->episodes = malloc(bench->tasks * sizeof *bench->episodes);
    if (bench->block == NULL || bench->episodes == NULL) {
        return RAISE(err, ERR_MEMORY, "no memory for %zu tasks of %zu bytes", bench->tasks, each);
    }
    for (size_t i = 0; i < bench->tasks; i++) {
        float *const x_support = (float *)bench->block + i * each / sizeof(float);
        float *const x_query = x_support + support * pixels;
        int32_t *const y_support = (int32_t *)(void *)(x_query + query * pixels);
        int32_t *const y_query = y_support + support;
        kernel_synthetic_episode(config, 1, i, x_support, y_support, x_query, y_query);
        bench->episodes[i] = (struct kernel_episode){x_support, y_support, x_query, y_query};
    }
    return STATUS_OK;
}

void bench_kernel_close(struct bench_kernel *bench)
{
    kernel_delete(bench->kernel);
    free(bench->episodes);
    free(bench->block);
    *bench = (struct bench_kernel){0};
}

enum status bench_kernel_run(void *bench, struct error *err)
{
    struct bench_kernel *const b = bench;
    return kernel_gradient(b->kernel, b->episodes, b->tasks, NULL, NULL, NULL, NULL, err);
}
