/* Inner pair: which implementations of the network exist in this build and run on this CPU. */
#ifndef CALIBRATION_KERNEL_DISPATCH_H
#define CALIBRATION_KERNEL_DISPATCH_H

#include "calibration/kernel/backend.h"

#define backend_find TYPED(backend_find)
#define backend_choose TYPED(backend_choose)

/* NULL when the build or the CPU lacks it. */
const struct backend *backend_find(enum kernel_path path);
/* The asked path, or for BEST the widest that divides `hidden`. */
enum status backend_choose(const struct kernel_shape *s, enum kernel_path asked,
                           enum kernel_path *out, struct error *err);

#endif
