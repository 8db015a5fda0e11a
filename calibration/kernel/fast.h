/* Inner: the fast network, written once with the compilers' vector types and built for each pair of
 * precision (KERNEL_BITS) and vector length (FAST_LANES, with the flags of an instruction set).
 *
 * Channels go in blocks of LANES: a map is [image][block][row][column][LANES], so that one vector
 * holds one pixel of LANES channels and the same channel stays in the same lane throughout. Inputs
 * of convolutions carry a border of one zero pixel, so that no kernel tests for edges. Images keep
 * their planes (they have 1 or 3 channels): blocks of one channel.
 *
 * Weights are [group of 2 blocks][input block][tap][input channel][2 LANES output channels]: theta
 * is kept in this order (native_index), and gradients arrive in it.
 */
#ifndef CALIBRATION_KERNEL_FAST_H
#define CALIBRATION_KERNEL_FAST_H

#include <string.h>

#include "calibration/kernel/backend.h"

enum { LANES = FAST_LANES };

#define FAST_PASTE(a, b, c) a##_##b##_f##c
#define FAST_PASTE2(a, b, c) FAST_PASTE(a, b, c)
#define FAST(name) FAST_PASTE2(name, FAST_NAME, KERNEL_BITS)

/* Loads and stores need only the alignment of an element. */
typedef real vec
    __attribute__((vector_size(FAST_LANES * KERNEL_BITS / 8), aligned(KERNEL_BITS / 8), may_alias));
#if KERNEL_BITS == 32
typedef int32_t lane_int;
#else
typedef int64_t lane_int;
#endif
typedef lane_int mask __attribute__((vector_size(FAST_LANES * KERNEL_BITS / 8)));
typedef uint8_t bytes __attribute__((vector_size(FAST_LANES), aligned(1), may_alias));

#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#define UNROLL2 _Pragma("clang loop unroll_count(2)")
#else
#define UNROLL _Pragma("GCC unroll 32")
#define UNROLL2 _Pragma("GCC unroll 2")
#endif
#define INLINE static inline __attribute__((always_inline))

INLINE vec load(const real *p)
{
    return *(const vec *)p;
}

INLINE void store(real *p, vec v)
{
    *(vec *)p = v;
}

INLINE vec broadcast(real x)
{
    return x - (vec){0};
}

INLINE vec choose(mask m, vec yes, vec no)
{
    return (vec)((m & (mask)yes) | (~m & (mask)no));
}

/* After sum += x * y: sum stays in its register because x and y are still wanted. gcc 12 otherwise
 * forms sums in the register of a factor and moves them back (6 % of a gradient by the weights), or
 * spills tiles that would fit (30 % of the 2 x 7 tile). */
#if defined(__GNUC__) && !defined(__clang__) && defined(__AVX512F__)
#define PIN(sum, x, y) __asm__("" : "+v"(sum) : "v"(x), "v"(y))
#elif defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__)
#define PIN(sum, x, y) __asm__("" : "+x"(sum) : "x"(x), "x"(y))
#else
#define PIN(sum, x, y) (void)0
#endif

/* A batch of maps in blocks: pixel (n, b, y, x) starts at p + n image + b block + y row + x step.
 */
struct view {
    real *p;
    size_t image, block, row;
};

INLINE real *at(const struct view *v, size_t n, size_t b, size_t y, size_t x)
{
    return v->p + n * v->image + b * v->block + y * v->row + x * LANES;
}

/* ---------------------------------------------------------------- convolutions (fast_conv.c) */

enum { MAX_SOURCES = 2, MAX_TAPS = 72 };

struct conv_job {
    size_t sources;              /* the sum over these is computed */
    struct view in[MAX_SOURCES]; /* with border: tap 0 of pixel (0, 0) is at in.p */
    const real *weight[MAX_SOURCES];
    size_t in_blocks;     /* of LANES channels, or planes */
    size_t stride;        /* input pixels per output pixel */
    bool planes;          /* input blocks of one channel */
    size_t group_weights; /* elements of weight per group of output blocks */
    size_t block_weights; /* elements per input block and output LANES */
    size_t taps;          /* per input block */
    ptrdiff_t tap_in[9];  /* offset of a tap in the input */
    size_t tap_weight[9]; /* number of the tap in the weights of an input block */
    struct view out;
    size_t out_step; /* elements between output pixels */
    size_t out_blocks, height, width;
    size_t images;
};

#define conv_run FAST(conv_run)
#define conv_forward FAST(conv_forward)
#define conv_dgrad FAST(conv_dgrad)
#define conv_transpose FAST(conv_transpose)
#define conv_wgrad FAST(conv_wgrad)

void conv_run(const struct conv_job *job);
/* out[images] = sum over sources conv(in, weight) for layer y, `rows` rows from those in.p and
 * out.p point at */
void conv_forward(const struct layer_shape *y, size_t sources, const struct view *in,
                  const real *const *weight, const struct view *out, size_t images, size_t rows);
/* The transpose: bar = sum over sources of dgrad(zb, weight); zb with border, weight transposed. */
void conv_dgrad(const struct layer_shape *y, size_t sources, const struct view *zb,
                const real *const *transposed, const struct view *bar, size_t images);
/* [group][input block][tap][ci][co] -> the same with input and output exchanged; cin = cout. */
void conv_transpose(size_t channels, const real *weight, real *transposed);
/* grad += wgrad(in, zb) over rows x columns pixels of zb: zb.p is pixel (0, 0); in.p the border
 * pixel at (-1, -1). */
void conv_wgrad(const struct layer_shape *y, const struct view *in, const struct view *zb,
                size_t images, size_t rows, size_t columns, real *grad);

/* ---------------------------------------------------------------- passes (fast_norm.c) */

/* What the forward pass keeps of one block. Channel vectors have F elements. */
struct fast_layer {
    struct view z;       /* convolution */
    struct view zp;      /* z where the pooled value came from; z itself without pooling */
    struct view a;       /* inside of the next block's bordered input; p NULL for the last */
    struct view ub;      /* d * cotangent at the pooled places */
    real *mean, *s;      /* s = 1 / sqrt(var + eps) */
    real *gb, *bb;       /* sums of ub zh and of ub */
    real *scale, *shift; /* u = scale z + shift */
    uint8_t *from;       /* fused first block: which of the four places was pooled, like zp */
    double *spread;      /* fused first block: [K][F], covariance of the patches times weights */
};

/* Tangents of one block, for the slot at hand. */
struct fast_tangent {
    struct view zd, zdp; /* like z and zp */
    struct view ad;      /* like a */
    real *q, *mean;      /* mean of zh zd, mean of zd */
};

#define norm_sums FAST(norm_sums)
#define norm_finish FAST(norm_finish)
#define norm_pool FAST(norm_pool)
#define norm_pool_row FAST(norm_pool_row)
#define norm_scale FAST(norm_scale)
#define norm_reduce FAST(norm_reduce)
#define norm_apply FAST(norm_apply)
#define tangent_sums FAST(tangent_sums)
#define tangent_finish FAST(tangent_finish)
#define tangent_pool FAST(tangent_pool)
#define tangent_pool_row FAST(tangent_pool_row)
#define tangent_reduce FAST(tangent_reduce)
#define tangent_apply FAST(tangent_apply)

/* sums [2][F]: adds z - origin and its square over images first..first+count-1; origin [F] is set
 * from the first pixel when first is 0. */
void norm_sums(const struct layer_shape *y, const struct fast_layer *f, size_t first, size_t count,
               real *origin, double *sums);
/* mean, s, scale, shift from the sums over n images. */
void norm_finish(const struct layer_shape *y, struct fast_layer *f, size_t n, const real *theta,
                 const real *origin, const double *sums);
/* mean, s, scale and shift of channel c. */
void norm_scale(const struct layer_shape *y, struct fast_layer *f, size_t c, double mean,
                double var, const real *theta);
/* One pooled row of block b from two rows of z, `below` elements apart: activations, kept z and,
 * unless NULL, which place they come from. */
void norm_pool_row(const struct fast_layer *f, real slope, size_t b, const real *z, size_t below,
                   size_t pixels, real *a, real *kept, uint8_t *from);
/* Activation and pooling of z into out; zp as well when it is not z. */
void norm_pool(const struct layer_shape *y, const struct fast_layer *f, real slope,
               const struct view *out, size_t n);
/* ub = d * bar in place of bar; gb, bb and their place in grad. */
void norm_reduce(const struct layer_shape *y, struct fast_layer *f, real slope, size_t n,
                 double *sums, real *grad);
/* zb of images first..first+count-1 into the inside of zb (image 0 is `first`). */
void norm_apply(const struct layer_shape *y, const struct fast_layer *f, const real *theta,
                size_t n, size_t first, size_t count, const struct view *zb);

void tangent_sums(const struct layer_shape *y, const struct fast_layer *f,
                  const struct fast_tangent *d, size_t first, size_t count, double *sums);
void tangent_finish(const struct layer_shape *y, const struct fast_layer *f, struct fast_tangent *d,
                    size_t n, const double *sums);
void tangent_pool(const struct layer_shape *y, const struct fast_layer *f,
                  const struct fast_tangent *d, real slope, const real *theta, const real *v,
                  const struct view *out, size_t n);
/* One pooled row of block b: zd where z was pooled, into kept_dot, and d ud into ad. */
void tangent_pool_row(const struct layer_shape *y, const struct fast_layer *f,
                      const struct fast_tangent *d, real slope, const real *theta, const real *v,
                      size_t b, const real *zd, size_t below, const real *kept, const uint8_t *from,
                      real *kept_dot, real *ad);
/* ubd = d * bard in place; gbd, bbd into hv. */
void tangent_reduce(const struct layer_shape *y, const struct fast_layer *f,
                    const struct fast_tangent *d, const struct view *ubd, real slope, size_t n,
                    double *sums, real *hv);
void tangent_apply(const struct layer_shape *y, const struct fast_layer *f,
                   const struct fast_tangent *d, const struct view *ubd, const real *theta,
                   const real *v, const real *hv, size_t n, size_t first, size_t count,
                   const struct view *zb, const struct view *zbd);

/* ---------------------------------------------------------------- patches (fast_moments.c) */

enum { MOMENTS_PLANES = 3 }; /* of an image, at most */

/* Mean and covariance of a batch's patches of K = 9 cin input values, for a pooled first block. */
struct moments {
    double *mean;       /* [K] */
    double *covariance; /* [K][K] */
};

struct moments_scratch {
    real *sums;     /* sums in vectors */
    double *totals; /* and over them */
};

#define moments_cut FAST(moments_cut)
#define moments_scratch_cut FAST(moments_scratch_cut)
#define moments_take FAST(moments_take)

struct moments moments_cut(struct bump *b, const struct layer_shape *y);
struct moments_scratch moments_scratch_cut(struct bump *b, const struct layer_shape *y);
/* Reads up to LANES finite elements beyond the last plane. */
void moments_take(const struct layer_shape *y, const struct view *x, size_t n,
                  const struct moments_scratch *w, struct moments *m);

/* ---------------------------------------------------------------- first block (fast_first.c) */

/* What the first block works in. */
struct first_scratch {
    struct moments_scratch moments;
    real *band;                /* rows of one image: [block][row][column][LANES] */
    double *spread_dot;        /* [K][F] */
    real *factor, *factor_dot; /* [F] */
};

#define first_fuses FAST(first_fuses)
#define first_cut FAST(first_cut)
#define first_forward FAST(first_forward)
#define first_backward FAST(first_backward)
#define first_tangent FAST(first_tangent)
#define first_tangent_backward FAST(first_tangent_backward)

bool first_fuses(const struct kernel_shape *s);
struct first_scratch first_cut(struct bump *b, const struct kernel_shape *s);
void first_forward(const struct layer_shape *y, const struct view *x, const struct moments *m,
                   struct fast_layer *f, const struct first_scratch *w, real slope, size_t n,
                   const real *theta, const struct view *out);
/* After norm_reduce: the gradient of the weights. */
void first_backward(const struct layer_shape *y, const struct view *x, const struct moments *m,
                    const struct fast_layer *f, const struct first_scratch *w, size_t n,
                    const real *theta, real *grad);
void first_tangent(const struct layer_shape *y, const struct view *x, const struct moments *m,
                   const struct fast_layer *f, struct fast_tangent *d,
                   const struct first_scratch *w, real slope, size_t n, const real *theta,
                   const real *v, const struct view *out);
/* After tangent_reduce. */
void first_tangent_backward(const struct layer_shape *y, const struct view *x,
                            const struct moments *m, const struct fast_layer *f,
                            const struct fast_tangent *d, const struct view *ubd,
                            const struct first_scratch *w, size_t n, const real *theta,
                            const real *v, real *hv);

#define fast_backend FAST(fast_backend)
extern const struct backend fast_backend;

#endif
