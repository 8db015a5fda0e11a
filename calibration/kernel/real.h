/* The one source for float32 and float64: KERNEL_BITS (32 or 64, given by the build) chooses `real`
 * and a suffix for every symbol that would otherwise exist twice. */
#ifndef CALIBRATION_KERNEL_REAL_H
#define CALIBRATION_KERNEL_REAL_H

#include <math.h>

#if KERNEL_BITS == 32
typedef float real;
#define TYPED(name) name##_f32
#define real_sqrt sqrtf
#define real_exp expf
#elif KERNEL_BITS == 64
typedef double real;
#define TYPED(name) name##_f64
#define real_sqrt sqrt
#define real_exp exp
#else
#error "KERNEL_BITS must be 32 or 64"
#endif

#endif
