/* FLOP done by `rounds` rounds of register multiply-adds; out has 12 different
 * elements: scale and addend first, and each a sum's start. One function per instruction set, the
 * caller checks the CPU. */
#ifndef BENCH_KERNEL_PEAK_H
#define BENCH_KERNEL_PEAK_H

#include <stddef.h>

double peak_portable(size_t rounds, float *out);
double peak_avx2(size_t rounds, float *out);
double peak_avx512(size_t rounds, float *out);

#endif
