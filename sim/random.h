/* Random numbers: one independent stream per (seed, replication, entity, purpose).
 *
 * A stream is xoshiro256++ (Blackman & Vigna, ACM TOMS 47, 2021) whose 256-bit start is
 * Philox4x64-10 (Salmon et al., SC 2011) of the counter (replication, entity, purpose, 0) under the
 * key `seed`. Philox is a bijection for a fixed key, so no two streams of a seed start in the same
 * state; and the starts lie so far apart on a cycle of 2^256 - 1 that n streams of length l meet
 * with probability n^2 l / 2^256. A stream is opened in O(1) and its draws do not depend on how
 * many others exist: worker 3 computes for the same time whether 4 or 400 workers run (common
 * random numbers).
 *
 * Exponential and normal variates come from 256-layer ziggurats (Marsaglia & Tsang, JSS 5(8), 2000)
 * with the layer, the sign and the 53-bit position taken from separate bits of one draw (Doornik
 * 2005 shows why). Everything GSL can draw can be drawn from a stream too: random_gsl().
 */
#ifndef SIM_RANDOM_H
#define SIM_RANDOM_H

#include <math.h>
#include <stdint.h>

#include <gsl/gsl_rng.h>

struct random_stream {
    uint64_t s[4];
};

struct ziggurat_layer {
    uint64_t inside; /* positions below this are accepted at once */
    double width;    /* position times width is the variate */
    double height;   /* density at the layer's outer edge */
};
enum { ZIGGURAT_LAYERS = 256 };
extern const struct ziggurat_layer ziggurat_exponential[ZIGGURAT_LAYERS + 1];
extern const struct ziggurat_layer ziggurat_normal[ZIGGURAT_LAYERS + 1];
extern const double ziggurat_exponential_tail, ziggurat_normal_tail; /* where the last layer ends */

struct random_stream random_open(uint64_t seed, uint64_t replication, uint64_t entity,
                                 uint64_t purpose);

/* Ten rounds of Philox4x64: counter and key to four words. Public for its known-answer test. */
void random_philox(const uint64_t counter[4], const uint64_t key[2], uint64_t out[4]);

/* The stream behind a gsl_rng: gsl_ran_gamma(&rng, a, b) with rng = random_gsl(&stream). The
 * stream stays the caller's, nothing is allocated and nothing needs freeing. */
gsl_rng random_gsl(struct random_stream *stream);

/* The rare cases of the ziggurats: the tail and the wedge of a layer. */
double random_exponential_edge(struct random_stream *r, unsigned layer, uint64_t position);
double random_normal_edge(struct random_stream *r, unsigned layer, uint64_t position, double sign);

static inline uint64_t random_rotate(uint64_t x, int k)
{
    return (x << k) | (x >> (64 - k));
}

static inline uint64_t random_bits(struct random_stream *r)
{
    uint64_t *const s = r->s;
    const uint64_t result = random_rotate(s[0] + s[3], 23) + s[0];
    const uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = random_rotate(s[3], 45);
    return result;
}

/* Uniform on [0, 1), all multiples of 2^-53. */
static inline double random_uniform(struct random_stream *r)
{
    return (double)(random_bits(r) >> 11) * 0x1p-53;
}

/* Uniform on (0, 1): its logarithm is finite. */
static inline double random_uniform_open(struct random_stream *r)
{
    return ((double)(random_bits(r) >> 11) + 0.5) * 0x1p-53;
}

/* Exponential with mean 1. */
static inline double random_exponential(struct random_stream *r)
{
    const uint64_t bits = random_bits(r);
    const unsigned layer = (unsigned)bits & (ZIGGURAT_LAYERS - 1);
    const uint64_t position = bits >> 11;
    if (position < ziggurat_exponential[layer].inside) {
        return (double)position * ziggurat_exponential[layer].width;
    }
    return random_exponential_edge(r, layer, position);
}

/* Normal with mean 0 and variance 1. */
static inline double random_normal(struct random_stream *r)
{
    const uint64_t bits = random_bits(r);
    const unsigned layer = (unsigned)bits & (ZIGGURAT_LAYERS - 1);
    const uint64_t position = bits >> 11;
    const double sign = (bits & ZIGGURAT_LAYERS) != 0 ? -1.0 : 1.0;
    if (position < ziggurat_normal[layer].inside) {
        return sign * ((double)position * ziggurat_normal[layer].width);
    }
    return random_normal_edge(r, layer, position, sign);
}

/* exp(mu + sigma z). */
static inline double random_lognormal(struct random_stream *r, double mu, double sigma)
{
    return exp(mu + sigma * random_normal(r));
}

#endif
