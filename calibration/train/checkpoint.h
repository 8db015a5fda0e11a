/* Inner header of the training loop: its state on disk.
 *
 * Format, version 1, numbers little-endian: "FAASTRN1"; u64 each of settings hash, data hash, seed,
 * iterations done, best iteration, Adam steps, number of rows; f64 best validation accuracy;
 * u64 count and then the f64 values of each kernel vector, of the best theta and of the best phi;
 * rows of u64 iteration and four f64; u64 FNV-1a of all that. Written beside the old one and
 * renamed over it, so that a kill at any moment leaves one or the other.
 */
#ifndef CALIBRATION_TRAIN_CHECKPOINT_H
#define CALIBRATION_TRAIN_CHECKPOINT_H

#include "calibration/train.h"

struct train_state {
    uint64_t settings_hash, data_hash, seed;
    uint64_t iterations_done, best_iteration, adam_steps, n_rows;
    double best_accuracy;
    size_t count[KERNEL_VECTORS];
    double *vector[KERNEL_VECTORS];
    double *best[2]; /* KERNEL_THETA, KERNEL_PHI */
    struct train_row *rows;
    uint64_t rows_capacity;
};

enum status train_state_save(const struct train_state *state, const char *path, struct error *err);

/* Into a state whose counts, hashes and seed say what is expected, with rows for rows_capacity.
 * *found tells whether the file exists. Errors: ERR_INPUT for another run's or a damaged file,
 * ERR_IO. */
enum status train_state_load(struct train_state *state, const char *path, bool *found,
                             struct error *err);

#endif
