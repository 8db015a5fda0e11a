/* Keyed random stream for data: every episode and every drawn character has its own stream, found
 * from (seed, index) alone, so that any episode can be drawn again without those before it and in
 * any order, on any number of threads.
 *
 * Generator: splitmix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators",
 * OOPSLA 2014), one 64-bit add and a mixing function; period 2^64, equidistributed.
 */
#ifndef CALIBRATION_DATA_RANDOM_H
#define CALIBRATION_DATA_RANDOM_H

#include <math.h>
#include <stdint.h>

struct random_stream {
    uint64_t state;
};

static inline uint64_t random_mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* The stream of (seed, index): both are mixed, so neighbouring indices share nothing. */
static inline struct random_stream random_open(uint64_t seed, uint64_t index)
{
    const uint64_t gamma = UINT64_C(0x9e3779b97f4a7c15);
    return (struct random_stream){random_mix(random_mix(seed + gamma) ^ (index * gamma + gamma))};
}

static inline uint64_t random_next(struct random_stream *r)
{
    r->state += UINT64_C(0x9e3779b97f4a7c15);
    return random_mix(r->state);
}

/* Uniform integer in [0, n), n > 0; values that would favour small results are drawn again. */
static inline uint64_t random_below(struct random_stream *r, uint64_t n)
{
    const uint64_t biased = (UINT64_MAX - n + 1) % n; /* 2^64 mod n */
    uint64_t x = random_next(r);
    while (x < biased) {
        x = random_next(r);
    }
    return x % n;
}

/* Uniform in [low, high), with 53 random bits. */
static inline double random_uniform(struct random_stream *r, double low, double high)
{
    return low + (high - low) * ((double)(random_next(r) >> 11) * 0x1p-53);
}

/* Standard normal (Box and Muller 1958; one of the pair is dropped, so that a draw always costs
 * two numbers of the stream). */
static inline double random_normal(struct random_stream *r)
{
    const double u = 1.0 - random_uniform(r, 0.0, 1.0);
    const double v = random_uniform(r, 0.0, 1.0);
    return sqrt(-2.0 * log(u)) * cos(2.0 * 3.14159265358979323846 * v);
}

#endif
