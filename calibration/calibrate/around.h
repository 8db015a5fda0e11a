/* Inner header: what surrounds the kernel in a training round, each timed for several sizes. */
#ifndef CALIBRATION_CALIBRATE_AROUND_H
#define CALIBRATION_CALIBRATE_AROUND_H

#include "calibration/calibrate.h"

/* Scratch for models of up to `bytes_max`, filled with the values of a gradient (n of them,
 * repeated), and a file in `folder` (removed on close). */
struct around_bench {
    size_t bytes_max, bytes; /* bytes: of the model timed now, a multiple of 4 */
    enum around kind;
    float *values, *sum;
    uint8_t *buffer, *packed;
    size_t packed_bytes, packed_capacity;
    char path[256];
};

enum status around_open(struct around_bench *bench, const char *folder, size_t bytes_max,
                        const float *gradient, size_t n, struct error *err);
void around_close(struct around_bench *bench);

/* The action for measure(): one pass over bench->bytes of bench->kind. Kinds that undo another need
 * that one to have run once at the same size. */
enum status around_run(void *bench, struct error *err);

/* The action of a program with its arguments (NULL-ended), started and waited for. */
struct process_start {
    char *const *arguments;
};
enum status process_start_run(void *start, struct error *err);

#endif
