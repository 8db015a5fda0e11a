/* What one core can do at most: multiply-adds on registers, in the vector length this file is built
 * for. The sums are stored, so that no compiler drops them. */
#include "bench/kernel_peak.h"

typedef float vec __attribute__((vector_size(PEAK_LANES * 4)));

enum { SUMS = 12 }; /* enough to hide the latency of two units, few enough for 16 registers */

double PEAK_NAME(size_t rounds, float *out)
{
    vec sum[SUMS];
    for (int j = 0; j < SUMS; j++) { /* all different, or a compiler makes one of two equal sums */
        sum[j] = out[j] - (vec){0};
    }
    const vec scale = (out[0] - (vec){0}), add = (out[1] - (vec){0});
    for (size_t i = 0; i < rounds; i++) {
        for (int j = 0; j < SUMS; j++) {
            sum[j] = sum[j] * scale + add;
        }
    }
    for (int j = 0; j < SUMS; j++) {
        out[j] = sum[j][0];
    }
    return 2.0 * SUMS * PEAK_LANES * (double)rounds;
}
