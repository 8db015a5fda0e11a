/* Inner pair: initial parameters and the pseudo-random recipe of the reference vectors. */
#ifndef CALIBRATION_KERNEL_INITIALISE_H
#define CALIBRATION_KERNEL_INITIALISE_H

#include "calibration/kernel/kernel.h"

/* u(seed, stream)_i in [-1, 1), 16 bits, exact in float. */
double recipe_uniform(uint64_t seed, uint64_t stream, uint64_t i);
/* Canonical theta and phi (phi may be NULL when there is no generator). */
void initial_parameters(const struct kernel_config *config, uint64_t seed, double *theta,
                        double *phi);

#endif
