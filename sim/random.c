/* Opening of streams, the slow paths of the ziggurats, and the face shown to GSL. */
#include "sim/random.h"

void random_philox(const uint64_t counter[4], const uint64_t key[2], uint64_t out[4])
{
    static const uint64_t multiplier0 = UINT64_C(0xD2E7470EE14C6C93);
    static const uint64_t multiplier1 = UINT64_C(0xCA5A826395121157);
    static const uint64_t weyl0 = UINT64_C(0x9E3779B97F4A7C15); /* golden ratio */
    static const uint64_t weyl1 = UINT64_C(0xBB67AE8584CAA73B); /* sqrt(3) - 1 */
    uint64_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    uint64_t k0 = key[0], k1 = key[1];
    for (int round = 0; round < 10; ++round) {
        const unsigned __int128 p0 = (unsigned __int128)multiplier0 * c0;
        const unsigned __int128 p1 = (unsigned __int128)multiplier1 * c2;
        c0 = (uint64_t)(p1 >> 64) ^ c1 ^ k0;
        c1 = (uint64_t)p1;
        c2 = (uint64_t)(p0 >> 64) ^ c3 ^ k1;
        c3 = (uint64_t)p0;
        k0 += weyl0;
        k1 += weyl1;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

struct random_stream random_open(uint64_t seed, uint64_t replication, uint64_t entity,
                                 uint64_t purpose)
{
    /* Any constant will do as the second key word; this one spells "faascast". */
    const uint64_t key[2] = {seed, UINT64_C(0x6661617363617374)};
    const uint64_t counter[4] = {replication, entity, purpose, 0};
    struct random_stream r;
    random_philox(counter, key, r.s);
    if ((r.s[0] | r.s[1] | r.s[2] | r.s[3]) == 0) {
        r.s[0] = 1; /* the one state xoshiro never leaves */
    }
    return r;
}

double random_exponential_edge(struct random_stream *r, unsigned layer, uint64_t position)
{
    for (;;) {
        if (layer == 0) { /* memoryless: the tail is the law itself, shifted */
            return ziggurat_exponential_tail - log(random_uniform_open(r));
        }
        const double x = (double)position * ziggurat_exponential[layer].width;
        const double low = ziggurat_exponential[layer].height;
        const double high = ziggurat_exponential[layer + 1].height;
        if (low + random_uniform(r) * (high - low) < exp(-x)) {
            return x;
        }
        const uint64_t bits = random_bits(r);
        layer = (unsigned)bits & (ZIGGURAT_LAYERS - 1);
        position = bits >> 11;
        if (position < ziggurat_exponential[layer].inside) {
            return (double)position * ziggurat_exponential[layer].width;
        }
    }
}

double random_normal_edge(struct random_stream *r, unsigned layer, uint64_t position, double sign)
{
    for (;;) {
        if (layer == 0) { /* Marsaglia 1964: beyond the tail's start by exponential rejection */
            for (;;) {
                const double x = -log(random_uniform_open(r)) / ziggurat_normal_tail;
                const double y = -log(random_uniform_open(r));
                if (y + y > x * x) {
                    return sign * (ziggurat_normal_tail + x);
                }
            }
        }
        const double x = (double)position * ziggurat_normal[layer].width;
        const double low = ziggurat_normal[layer].height;
        const double high = ziggurat_normal[layer + 1].height;
        if (low + random_uniform(r) * (high - low) < exp(-0.5 * x * x)) {
            return sign * x;
        }
        const uint64_t bits = random_bits(r);
        layer = (unsigned)bits & (ZIGGURAT_LAYERS - 1);
        position = bits >> 11;
        sign = (bits & ZIGGURAT_LAYERS) != 0 ? -1.0 : 1.0;
        if (position < ziggurat_normal[layer].inside) {
            return sign * ((double)position * ziggurat_normal[layer].width);
        }
    }
}

static void gsl_set(void *state, unsigned long seed)
{
    *(struct random_stream *)state = random_open(seed, 0, 0, 0);
}

static unsigned long gsl_get(void *state)
{
    return (unsigned long)random_bits(state);
}

static double gsl_get_double(void *state)
{
    return random_uniform(state);
}

static const gsl_rng_type gsl_type = {.name = "xoshiro256++ opened by Philox4x64",
                                      .max = UINT64_MAX,
                                      .min = 0,
                                      .size = sizeof(struct random_stream),
                                      .set = gsl_set,
                                      .get = gsl_get,
                                      .get_double = gsl_get_double};

gsl_rng random_gsl(struct random_stream *stream)
{
    return (gsl_rng){.type = &gsl_type, .state = stream};
}
