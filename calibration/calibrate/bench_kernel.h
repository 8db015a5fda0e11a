/* Inner header: kernels with episodes to run, for everything that times the kernel. */
#ifndef CALIBRATION_CALIBRATE_BENCH_KERNEL_H
#define CALIBRATION_CALIBRATE_BENCH_KERNEL_H

#include "calibration/calibrate.h"

/* A kernel with `tasks` synthetic episodes. */
struct bench_kernel {
    struct kernel *kernel;
    struct kernel_episode *episodes;
    size_t tasks;
    void *block; /* of all episodes */
};

/* config->meta_batch episodes on config->threads threads. Errors: as kernel_new. */
enum status bench_kernel_open(struct bench_kernel *bench, const struct kernel_config *config,
                              struct error *err);
void bench_kernel_close(struct bench_kernel *bench);

/* The action for measure(): the mean meta-gradient of all tasks. */
enum status bench_kernel_run(void *bench, struct error *err);

#endif
