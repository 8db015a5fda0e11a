/* Random numbers: known answers of the two generators, the ziggurats' tables derived anew, moments
 * and goodness of fit of every law against GSL's distribution functions, streams apart from each
 * other.
 *
 * Some forty statistics are tested at |z| < 4.5 (all pass by chance with probability 0.9997) and
 * distances at the 1e-5 level; the seeds are fixed, so the tests are repeatable.
 */
#include "tests/support.h"

#include <stdlib.h>

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_randist.h>

#include "sim/random.h"

static void xoshiro_gives_its_published_sequence(void **state)
{
    (void)state;
    /* State 1, 2, 3, 4: the vector of the reference implementation's ports (rand_xoshiro). */
    static const uint64_t expected[] = {UINT64_C(41943041),
                                        UINT64_C(58720359),
                                        UINT64_C(3588806011781223),
                                        UINT64_C(3591011842654386),
                                        UINT64_C(9228616714210784205),
                                        UINT64_C(9973669472204895162),
                                        UINT64_C(14011001112246962877),
                                        UINT64_C(12406186145184390807),
                                        UINT64_C(15849039046786891736),
                                        UINT64_C(10450023813501588000)};
    struct random_stream r = {{1, 2, 3, 4}};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; ++i) {
        assert_true(random_bits(&r) == expected[i]);
    }
}

static void philox_gives_its_published_blocks(void **state)
{
    (void)state;
    /* philox4x64-10 rows of Random123's kat_vectors. */
    static const struct {
        uint64_t counter[4], key[2], out[4];
    } rows[] = {{{0, 0, 0, 0},
                 {0, 0},
                 {UINT64_C(0x16554d9eca36314c), UINT64_C(0xdb20fe9d672d0fdc),
                  UINT64_C(0xd7e772cee186176b), UINT64_C(0x7e68b68aec7ba23b)}},
                {{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX},
                 {UINT64_MAX, UINT64_MAX},
                 {UINT64_C(0x87b092c3013fe90b), UINT64_C(0x438c3c67be8d0224),
                  UINT64_C(0x9cc7d7c69cd777b6), UINT64_C(0xa09caebf594f0ba0)}},
                {{UINT64_C(0x243f6a8885a308d3), UINT64_C(0x13198a2e03707344),
                  UINT64_C(0xa4093822299f31d0), UINT64_C(0x082efa98ec4e6c89)},
                 {UINT64_C(0x452821e638d01377), UINT64_C(0xbe5466cf34e90c6c)},
                 {UINT64_C(0xa528f45403e61d95), UINT64_C(0x38c72dbd566e9788),
                  UINT64_C(0xa5a1610e72fd18b5), UINT64_C(0x57bd43b5e52b7fe6)}}};
    for (size_t i = 0; i < 3; ++i) {
        uint64_t out[4];
        random_philox(rows[i].counter, rows[i].key, out);
        assert_memory_equal(out, rows[i].out, sizeof out);
    }
}

/* The area of a layer when the first ends at r: rectangle and tail. */
static long double exponential_density(long double x)
{
    return expl(-x);
}
static long double exponential_inverse(long double y)
{
    return -logl(y);
}
static long double normal_density(long double x)
{
    return expl(-0.5L * x * x);
}
static long double normal_inverse(long double y)
{
    return sqrtl(-2.0L * logl(y));
}

static void check_tables(const struct ziggurat_layer *layers, double tail, long double tail_area,
                         long double (*density)(long double), long double (*inverse)(long double))
{
    const long double area = (long double)tail * density((long double)tail) + tail_area;
    long double edge = area / density((long double)tail), next = (long double)tail;
    for (int i = 0; i < ZIGGURAT_LAYERS; ++i) {
        /* The last layers inherit the rounding of `tail`, one part in 1e16, magnified. */
        const double tolerance = i < 250 ? 1e-14 : 1e-10;
        assert_close(layers[i].width, (double)(edge * 0x1p-53L), tolerance);
        if (i + 1 < ZIGGURAT_LAYERS) {
            assert_close((double)layers[i].inside, (double)(next / edge * 0x1p53L), tolerance);
        } else {
            assert_true(layers[i].inside == 0);
        }
        if (i > 0) {
            assert_close(layers[i].height, (double)density(edge), tolerance);
        }
        edge = next;
        next = i + 2 < ZIGGURAT_LAYERS ? inverse(density(edge) + area / edge) : 0.0L;
    }
    assert_true(layers[ZIGGURAT_LAYERS].height == 1.0);
}

static void ziggurat_layers_have_equal_areas(void **state)
{
    (void)state;
    const long double r = (long double)ziggurat_exponential_tail;
    check_tables(ziggurat_exponential, ziggurat_exponential_tail, expl(-r), exponential_density,
                 exponential_inverse);
    const long double s = (long double)ziggurat_normal_tail;
    check_tables(ziggurat_normal, ziggurat_normal_tail,
                 sqrtl(acosl(-1.0L) / 2.0L) * erfcl(s / sqrtl(2.0L)), normal_density,
                 normal_inverse);
}

/* ---------------------------------------------------------------- laws */

enum { DRAWS = 400000 };

struct law {
    const char *name;
    double (*draw)(struct random_stream *);
    double (*below)(double x);     /* cumulative distribution, GSL's */
    double mean, variance, fourth; /* fourth central moment, for the variance's own error */
};

static double draw_uniform(struct random_stream *r)
{
    return random_uniform(r);
}
static double below_uniform(double x)
{
    return gsl_cdf_flat_P(x, 0.0, 1.0);
}
static double draw_exponential(struct random_stream *r)
{
    return random_exponential(r);
}
static double below_exponential(double x)
{
    return gsl_cdf_exponential_P(x, 1.0);
}
static double draw_normal(struct random_stream *r)
{
    return random_normal(r);
}
static double below_normal(double x)
{
    return gsl_cdf_ugaussian_P(x);
}
static double draw_lognormal(struct random_stream *r)
{
    return random_lognormal(r, -0.7, 0.25);
}
static double below_lognormal(double x)
{
    return gsl_cdf_lognormal_P(x, -0.7, 0.25);
}
static double draw_gamma_by_gsl(struct random_stream *r)
{
    const gsl_rng rng = random_gsl(r);
    return gsl_ran_gamma(&rng, 2.5, 0.4);
}
static double below_gamma(double x)
{
    return gsl_cdf_gamma_P(x, 2.5, 0.4);
}

/* Central fourth moment of a lognormal: variance^2 times (kurtosis = w^4 + 2 w^3 + 3 w^2 - 3). */
static const struct law laws[] = {
    {"uniform", draw_uniform, below_uniform, 0.5, 1.0 / 12.0, 1.0 / 80.0},
    {"exponential", draw_exponential, below_exponential, 1.0, 1.0, 9.0},
    {"normal", draw_normal, below_normal, 0.0, 1.0, 3.0},
    {"lognormal", draw_lognormal, below_lognormal, 0.512348613447726, 0.016929866519600024,
     0.00117397737993858},
    {"gamma through GSL", draw_gamma_by_gsl, below_gamma, 1.0, 0.4, 0.864},
};

static int order_doubles(const void *pa, const void *pb)
{
    const double a = *(const double *)pa, b = *(const double *)pb;
    return a < b ? -1 : a > b;
}

/* Kolmogorov-Smirnov distance times sqrt(n), and the Anderson-Darling statistic, of sorted x. */
static void distances(const double *x, size_t n, double (*below)(double), double *ks, double *ad)
{
    double d = 0.0, s = 0.0;
    for (size_t i = 0; i < n; ++i) {
        const double p = below(x[i]), q = below(x[n - 1 - i]);
        d = fmax(d, fmax(p - (double)i / (double)n, (double)(i + 1) / (double)n - p));
        s += (2.0 * (double)i + 1.0) * (log(p) + log1p(-q));
    }
    *ks = d * sqrt((double)n);
    *ad = -(double)n - s / (double)n;
}

static void every_law_has_its_moments_and_fits_its_distribution(void **state)
{
    (void)state;
    double *const x = malloc(DRAWS * sizeof *x);
    assert_non_null(x);
    for (size_t k = 0; k < sizeof laws / sizeof *laws; ++k) {
        const struct law *const law = &laws[k];
        struct random_stream r = random_open(77, 0, k, 3);
        double sum = 0.0, squares = 0.0;
        for (size_t i = 0; i < DRAWS; ++i) {
            x[i] = law->draw(&r);
            sum += x[i] - law->mean;
            squares += (x[i] - law->mean) * (x[i] - law->mean);
        }
        const double n = DRAWS;
        const double z_mean = sum / sqrt(n * law->variance);
        const double z_variance =
            (squares - n * law->variance) / sqrt(n * (law->fourth - law->variance * law->variance));
        qsort(x, DRAWS, sizeof *x, order_doubles);
        double ks, ad;
        distances(x, DRAWS, law->below, &ks, &ad);
        /* P(sqrt(n) D > 2.47) = 1e-5 (Kolmogorov); P(A^2 > 12) < 1e-5 (Marsaglia 2004). */
        if (fabs(z_mean) > 4.5 || fabs(z_variance) > 4.5 || ks > 2.47 || ad > 12.0) {
            print_error("%s, seed 77: z of mean %g, of variance %g, KS %g, AD %g\n", law->name,
                        z_mean, z_variance, ks, ad);
            fail();
        }
    }
    free(x);
}

static void the_tails_of_the_ziggurats_hold_the_right_share(void **state)
{
    (void)state;
    struct random_stream r = random_open(78, 0, 0, 0);
    const double n = 20e6;
    double beyond = 0.0, far_exponential = 0.0, upper = 0.0, lower = 0.0;
    for (size_t i = 0; i < (size_t)n; ++i) {
        const double e = random_exponential(&r), z = random_normal(&r);
        beyond += e > ziggurat_exponential_tail;
        far_exponential += e > 10.0;
        upper += z > ziggurat_normal_tail;
        lower += z < -ziggurat_normal_tail;
    }
    const struct {
        double seen, share;
    } rows[] = {{beyond, exp(-ziggurat_exponential_tail)},
                {far_exponential, exp(-10.0)},
                {upper, gsl_cdf_ugaussian_Q(ziggurat_normal_tail)},
                {lower, gsl_cdf_ugaussian_Q(ziggurat_normal_tail)}};
    for (size_t i = 0; i < 4; ++i) {
        const double z = (rows[i].seen - n * rows[i].share) / sqrt(n * rows[i].share);
        if (fabs(z) > 4.5) {
            print_error("row %zu, seed 78: seen %g, expected %g\n", i, rows[i].seen,
                        n * rows[i].share);
            fail();
        }
    }
}

/* ---------------------------------------------------------------- streams */

static void streams_are_told_apart_by_each_of_their_four_names(void **state)
{
    (void)state;
    const struct random_stream a = random_open(1, 2, 3, 4);
    const struct random_stream others[] = {random_open(2, 2, 3, 4), random_open(1, 3, 3, 4),
                                           random_open(1, 2, 4, 4), random_open(1, 2, 3, 5),
                                           random_open(1, 3, 2, 4), random_open(1, 2, 4, 3)};
    const struct random_stream again = random_open(1, 2, 3, 4);
    assert_memory_equal(&a, &again, sizeof a);
    for (size_t i = 0; i < sizeof others / sizeof *others; ++i) {
        assert_memory_not_equal(&a, &others[i], sizeof a);
    }
}

static void neighbouring_streams_are_not_correlated(void **state)
{
    (void)state;
    /* Entity e against e + 1 and against purpose 1 of the same entity, 100 draws each. */
    const double n = 2000.0 * 100.0;
    double entities = 0.0, purposes = 0.0;
    for (uint64_t e = 0; e < 2000; ++e) {
        struct random_stream a = random_open(9, 0, e, 0), b = random_open(9, 0, e + 1, 0),
                             c = random_open(9, 0, e, 1);
        for (int i = 0; i < 100; ++i) {
            const double x = random_uniform(&a) - 0.5;
            entities += x * (random_uniform(&b) - 0.5);
            purposes += x * (random_uniform(&c) - 0.5);
        }
    }
    assert_true(fabs(entities * 12.0 / sqrt(n)) < 4.5);
    assert_true(fabs(purposes * 12.0 / sqrt(n)) < 4.5);
}

static void first_draws_of_many_streams_are_uniform(void **state)
{
    (void)state;
    enum { STREAMS = 100000 };
    double *const x = malloc(STREAMS * sizeof *x);
    assert_non_null(x);
    for (uint64_t e = 0; e < STREAMS; ++e) {
        struct random_stream r = random_open(0, 0, e, 0);
        x[e] = random_uniform_open(&r);
    }
    qsort(x, STREAMS, sizeof *x, order_doubles);
    double ks, ad;
    distances(x, STREAMS, below_uniform, &ks, &ad);
    assert_true(ks < 2.47);
    assert_true(ad < 12.0);
    free(x);
}

static void gsl_sees_the_same_numbers(void **state)
{
    (void)state;
    struct random_stream a = random_open(4, 0, 0, 0), b = a;
    const gsl_rng rng = random_gsl(&a);
    for (int i = 0; i < 100; ++i) {
        assert_true(gsl_rng_get(&rng) == random_bits(&b));
        assert_true(gsl_rng_uniform(&rng) == random_uniform(&b));
    }
    assert_true(gsl_rng_max(&rng) == UINT64_MAX && gsl_rng_min(&rng) == 0);
    gsl_rng_set(&rng, 31);
    b = random_open(31, 0, 0, 0);
    assert_true(gsl_rng_get(&rng) == random_bits(&b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(xoshiro_gives_its_published_sequence),
        cmocka_unit_test(philox_gives_its_published_blocks),
        cmocka_unit_test(ziggurat_layers_have_equal_areas),
        cmocka_unit_test(every_law_has_its_moments_and_fits_its_distribution),
        cmocka_unit_test(the_tails_of_the_ziggurats_hold_the_right_share),
        cmocka_unit_test(streams_are_told_apart_by_each_of_their_four_names),
        cmocka_unit_test(neighbouring_streams_are_not_correlated),
        cmocka_unit_test(first_draws_of_many_streams_are_uniform),
        cmocka_unit_test(gsl_sees_the_same_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
