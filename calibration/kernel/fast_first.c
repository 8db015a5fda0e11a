/* The first block of a pooled network, without ever storing its convolution. It is the widest map
 * by far and its input never changes, so three things pay (84 x 84 images, F = 64: 135 MB of
 * queries neither written nor read):
 *
 *   Statistics: z is linear in the K = 9 cin values of a patch p, so the batch mean of z is w
 * mean(p) and its variance w' cov(p) w (fast_moments.c). The same covariance gives mean(zh zd) for
 * the tangent.
 *
 *   Forward: a band of rows is convolved, activated and pooled while in the cache; what stays is
 * the pooled map, z there, and a byte for the place it came from.
 *
 *   Backward: zb = gamma s (ub - bb/m - zh gb/m), and sum zb = 0, so with p centred
 *     Wb = sum (p - mean p) zb = gamma s (sum p ub - mean(p) bb - s gb cov(p) w),
 *   where ub lives on the pooled places only: the dense part of zb costs nothing. Likewise for zbd.
 */
#include "calibration/kernel/fast.h"

enum { BAND_ROWS = 4 };

bool first_fuses(const struct kernel_shape *s)
{
    return s->layer[0].window == 2 && s->layer[0].cin <= MOMENTS_PLANES;
}

struct first_scratch first_cut(struct bump *b, const struct kernel_shape *s)
{
    const struct layer_shape *y = &s->layer[0];
    const size_t taps = 9 * y->cin;
    return (struct first_scratch){
        .moments = moments_scratch_cut(b, y),
        .band = bump_take(b, y->cout * BAND_ROWS * y->conv, sizeof(real)),
        .spread_dot = bump_take(b, taps * y->cout, sizeof(double)),
        .factor = bump_take(b, y->cout, sizeof(real)),
        .factor_dot = bump_take(b, y->cout, sizeof(real)),
    };
}

/* ---------------------------------------------------------------- weights */

/* Weight of tap k and channel c in the backend's order: groups of [K][width]. */
static size_t weight_at(const struct layer_shape *y, size_t k, size_t c)
{
    const size_t group = c / (2 * LANES) * 2 * LANES;
    const size_t rest = y->cout - group, width = rest < 2 * LANES ? rest : 2 * LANES;
    return group * 9 * y->cin + k * width + c - group;
}

/* spread [K][F] = covariance times weights. */
static void spread_make(const struct layer_shape *y, const struct moments *m, const real *weight,
                        double *spread)
{
    const size_t taps = 9 * y->cin, F = y->cout;
    memset(spread, 0, taps * F * sizeof *spread);
    for (size_t i = 0; i < taps; i++) {
        double *out = spread + i * F;
        for (size_t j = 0; j < taps; j++) {
            const double c = m->covariance[i * taps + j];
            for (size_t b = 0; b < F; b += LANES) {
                const real *w = weight + weight_at(y, j, b);
                for (size_t lane = 0; lane < LANES; lane++) {
                    out[b + lane] += c * (double)w[lane];
                }
            }
        }
    }
}

/* ---------------------------------------------------------------- bands of rows */

static struct view band_view(const struct layer_shape *y, const struct first_scratch *w)
{
    const size_t row = y->conv * LANES;
    return (struct view){.p = w->band, .row = row, .block = BAND_ROWS * row};
}

/* Convolution of the rows that pool into pooled rows first..first+count-1. */
static struct view band_conv(const struct layer_shape *y, const struct view *x,
                             const struct first_scratch *w, const real *weight, size_t n,
                             size_t first, size_t count)
{
    const struct view out = band_view(y, w);
    struct view in = *x;
    in.p += n * x->image + 2 * first * x->row;
    conv_forward(y, 1, &in, &weight, &out, 1, 2 * count);
    return out;
}

static size_t band_count(const struct layer_shape *y, size_t first)
{
    const size_t most = BAND_ROWS / 2;
    return y->out - first < most ? y->out - first : most;
}

static uint8_t *from_at(const struct fast_layer *f, size_t n, size_t b, size_t row)
{
    return f->from + n * f->zp.image + b * f->zp.block + row * f->zp.row;
}

/* Pooled values back to the places they came from, zeros elsewhere: first factor * ub, plus second
 * factor * ubd unless NULL. */
static void band_expand(const struct layer_shape *y, const struct fast_layer *f, size_t n,
                        size_t first, size_t count, const real *factor, const struct view *ubd,
                        const real *factor_dot, const struct view *band)
{
    for (size_t b = 0; b < y->cout / LANES; b++) {
        const vec by = load(factor + b * LANES);
        vec by_dot = {0};
        if (ubd) {
            by_dot = load(factor_dot + b * LANES);
        }
        for (size_t row = 0; row < count; row++) {
            const real *ub = at(&f->ub, n, b, first + row, 0);
            const real *dot = ubd ? at(ubd, n, b, first + row, 0) : NULL;
            const uint8_t *from = from_at(f, n, b, first + row);
            real *to = at(band, 0, b, 2 * row, 0);
            for (size_t x = 0; x < y->out * LANES; x += LANES) {
                vec u = by * load(ub + x);
                if (ubd) {
                    u += by_dot * load(dot + x);
                }
                const mask place = __builtin_convertvector(*(const bytes *)(from + x), mask);
                UNROLL
                for (int k = 0; k < 4; k++) {
                    store(to + (size_t)(k / 2) * band->row + 2 * x + (size_t)(k % 2) * LANES,
                          choose(place == (lane_int)k, u, (vec){0}));
                }
            }
        }
    }
}

/* grad += sum over patches of p times the expanded values. */
static void expanded_wgrad(const struct layer_shape *y, const struct view *x,
                           const struct fast_layer *f, const struct first_scratch *w, size_t n,
                           const real *factor, const struct view *ubd, const real *factor_dot,
                           real *grad)
{
    const struct view band = band_view(y, w);
    for (size_t i = 0; i < n; i++) {
        for (size_t first = 0; first < y->out; first += BAND_ROWS / 2) {
            const size_t count = band_count(y, first);
            struct view in = *x;
            in.p += i * x->image + 2 * first * x->row;
            band_expand(y, f, i, first, count, factor, ubd, factor_dot, &band);
            conv_wgrad(y, &in, &band, 1, 2 * count, 2 * y->out, grad);
        }
    }
}

/* ---------------------------------------------------------------- the four walks */

void first_forward(const struct layer_shape *y, const struct view *x, const struct moments *m,
                   struct fast_layer *f, const struct first_scratch *w, real slope, size_t n,
                   const real *theta, const struct view *out)
{
    const size_t taps = 9 * y->cin, F = y->cout;
    const real *weight = &theta[y->weight];
    spread_make(y, m, weight, f->spread);
    for (size_t c = 0; c < F; c++) {
        double mean = 0.0, var = 0.0;
        for (size_t k = 0; k < taps; k++) {
            const double weight_k = (double)weight[weight_at(y, k, c)];
            mean += weight_k * m->mean[k];
            var += weight_k * f->spread[k * F + c];
        }
        norm_scale(y, f, c, mean, var, theta);
    }
    for (size_t i = 0; i < n; i++) {
        for (size_t first = 0; first < y->out; first += BAND_ROWS / 2) {
            const size_t count = band_count(y, first);
            const struct view z = band_conv(y, x, w, weight, i, first, count);
            for (size_t b = 0; b < F / LANES; b++) {
                for (size_t row = 0; row < count; row++) {
                    norm_pool_row(f, slope, b, at(&z, 0, b, 2 * row, 0), z.row, y->out,
                                  at(out, i, b, first + row, 0), at(&f->zp, i, b, first + row, 0),
                                  from_at(f, i, b, first + row));
                }
            }
        }
    }
}

void first_backward(const struct layer_shape *y, const struct view *x, const struct moments *m,
                    const struct fast_layer *f, const struct first_scratch *w, size_t n,
                    const real *theta, real *grad)
{
    const size_t taps = 9 * y->cin, F = y->cout;
    real *sum = &grad[y->weight];
    expanded_wgrad(y, x, f, w, n, theta + y->gamma, NULL, NULL, sum);
    for (size_t k = 0; k < taps; k++) {
        for (size_t c = 0; c < F; c++) {
            real *g = &sum[weight_at(y, k, c)];
            const double s = (double)f->s[c], gamma = (double)theta[y->gamma + c];
            const double rest =
                m->mean[k] * (double)f->bb[c] + s * (double)f->gb[c] * f->spread[k * F + c];
            *g = (real)(s * ((double)*g - gamma * rest));
        }
    }
}

void first_tangent(const struct layer_shape *y, const struct view *x, const struct moments *m,
                   const struct fast_layer *f, struct fast_tangent *d,
                   const struct first_scratch *w, real slope, size_t n, const real *theta,
                   const real *v, const struct view *out)
{
    const size_t taps = 9 * y->cin, F = y->cout;
    const real *weight = &v[y->weight];
    spread_make(y, m, weight, w->spread_dot);
    for (size_t c = 0; c < F; c++) {
        double mean = 0.0, product = 0.0;
        for (size_t k = 0; k < taps; k++) {
            const double weight_k = (double)weight[weight_at(y, k, c)];
            mean += weight_k * m->mean[k];
            product += weight_k * f->spread[k * F + c];
        }
        d->mean[c] = (real)mean;
        d->q[c] = (real)(product * (double)f->s[c]);
    }
    for (size_t i = 0; i < n; i++) {
        for (size_t first = 0; first < y->out; first += BAND_ROWS / 2) {
            const size_t count = band_count(y, first);
            const struct view zd = band_conv(y, x, w, weight, i, first, count);
            for (size_t b = 0; b < F / LANES; b++) {
                for (size_t row = 0; row < count; row++) {
                    tangent_pool_row(
                        y, f, d, slope, theta, v, b, at(&zd, 0, b, 2 * row, 0), zd.row,
                        at(&f->zp, i, b, first + row, 0), from_at(f, i, b, first + row),
                        at(&d->zdp, i, b, first + row, 0), at(out, i, b, first + row, 0));
                }
            }
        }
    }
}

void first_tangent_backward(const struct layer_shape *y, const struct view *x,
                            const struct moments *m, const struct fast_layer *f,
                            const struct fast_tangent *d, const struct view *ubd,
                            const struct first_scratch *w, size_t n, const real *theta,
                            const real *v, real *hv)
{
    const size_t taps = 9 * y->cin, F = y->cout;
    real *sum = &hv[y->weight];
    /* zbd = outer (ub - bb/m - zh gb/m) + gamma s (ubd - bbd/m - zhd gb/m - zh gbd/m) */
    for (size_t c = 0; c < F; c++) {
        const double s = (double)f->s[c], gs = (double)theta[y->gamma + c] * s;
        w->factor[c] = (real)((double)v[y->gamma + c] * s - gs * s * (double)d->q[c]);
        w->factor_dot[c] = (real)gs;
    }
    expanded_wgrad(y, x, f, w, n, w->factor, ubd, w->factor_dot, sum);
    for (size_t k = 0; k < taps; k++) {
        for (size_t c = 0; c < F; c++) {
            real *g = &sum[weight_at(y, k, c)];
            const double s = (double)f->s[c], q = (double)d->q[c];
            const double outer = (double)w->factor[c], gs = (double)w->factor_dot[c];
            const double gb = (double)f->gb[c], bb = (double)f->bb[c];
            const double gbd = (double)hv[y->gamma + c], bbd = (double)hv[y->beta + c];
            const double zh = s * f->spread[k * F + c]; /* mean of (p - mean p) zh */
            const double zhd = s * (w->spread_dot[k * F + c] - q * zh);
            *g = (real)((double)*g - m->mean[k] * (outer * bb + gs * bbd) -
                        (outer * gb + gs * gbd) * zh - gs * gb * zhd);
        }
    }
}
