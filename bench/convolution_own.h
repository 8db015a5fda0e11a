/* The kernel's convolutions, timed alone. One function per instruction set, the caller checks the
 * CPU. */
#ifndef BENCH_CONVOLUTION_OWN_H
#define BENCH_CONVOLUTION_OWN_H

#include <stddef.h>

enum primitive { FORWARD, BY_INPUT, BY_WEIGHTS, PRIMITIVES };

/* One convolution of a block of CONV4: images of cin x in x in. planes: the first block. */
struct convolution {
    const char *name;
    size_t cin, cout, in, stride, images;
    int planes;
};

double own_portable(const struct convolution *c, enum primitive p, double budget_s);
double own_avx2(const struct convolution *c, enum primitive p, double budget_s);
double own_avx512(const struct convolution *c, enum primitive p, double budget_s);

#endif
