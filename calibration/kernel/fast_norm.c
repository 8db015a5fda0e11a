/* Batch norm, activation and pooling as few passes over memory (SPEC section 3). Everything between
 * two convolutions is linear in z at one pixel, so each pass is one or two multiply-adds with
 * coefficients per channel:
 *
 *   u  = scale z + shift                                  scale = gamma s, shift = beta - scale
 * mean zb = gamma s (ub - bb/m - zh gb/m)                     = c_ub ub - c_0 - c_z z
 *
 * and the same for the tangents. After pooling only the pooled places carry ub; they are found
 * again by comparing z with the kept zp, first match first, as PyTorch breaks ties. Sums run in
 * vectors over at most SPAN pixels and then in double. */
#include "calibration/kernel/fast.h"

enum { SPAN = 256 };

static const double bn_epsilon = 1e-5; /* PyTorch's default, SPEC section 2 */

static void flush(double *sums, vec v)
{
    for (size_t i = 0; i < LANES; i++) {
        sums[i] += (double)v[i];
    }
}

static double elements(const struct layer_shape *y, size_t n)
{
    return (double)(n * y->conv * y->conv);
}

/* ---------------------------------------------------------------- forward */

void norm_sums(const struct layer_shape *y, const struct fast_layer *f, size_t first, size_t count,
               real *origin, double *sums)
{
    const size_t map = y->conv * y->conv;
    if (first == 0) {
        memset(sums, 0, 2 * y->cout * sizeof *sums);
        for (size_t b = 0; b < y->cout / LANES; b++) {
            store(&origin[b * LANES], load(at(&f->z, 0, b, 0, 0)));
        }
    }
    for (size_t n = first; n < first + count; n++) {
        for (size_t b = 0; b < y->cout / LANES; b++) {
            const real *z = at(&f->z, n, b, 0, 0);
            const vec from = load(&origin[b * LANES]);
            for (size_t start = 0; start < map; start += SPAN) {
                const size_t end = start + SPAN < map ? start + SPAN : map;
                vec one = {0}, two = {0};
                for (size_t i = start; i < end; i++) {
                    const vec v = load(z + i * LANES) - from;
                    one += v;
                    two += v * v;
                }
                flush(&sums[b * LANES], one);
                flush(&sums[y->cout + b * LANES], two);
            }
        }
    }
}

void norm_scale(const struct layer_shape *y, struct fast_layer *f, size_t c, double mean,
                double var, const real *theta)
{
    const double s = 1.0 / sqrt((var > 0.0 ? var : 0.0) + bn_epsilon);
    const double scale = (double)theta[y->gamma + c] * s;
    f->mean[c] = (real)mean;
    f->s[c] = (real)s;
    f->scale[c] = (real)scale;
    f->shift[c] = (real)((double)theta[y->beta + c] - scale * mean);
}

void norm_finish(const struct layer_shape *y, struct fast_layer *f, size_t n, const real *theta,
                 const real *origin, const double *sums)
{
    const double m = elements(y, n);
    for (size_t c = 0; c < y->cout; c++) {
        const double offset = sums[c] / m;
        const double var = sums[y->cout + c] / m - offset * offset;
        norm_scale(y, f, c, (double)origin[c] + offset, var, theta);
    }
}

INLINE vec activate(vec u, vec slope)
{
    return choose(u > 0, u, slope * u);
}

INLINE vec derivative(vec u, vec slope)
{
    return choose(u > 0, broadcast(1), slope);
}

void norm_pool_row(const struct fast_layer *f, real slope, size_t b, const real *z, size_t below,
                   size_t pixels, real *a, real *kept, uint8_t *from)
{
    const vec slopes = broadcast(slope);
    const vec scale = load(&f->scale[b * LANES]), shift = load(&f->shift[b * LANES]);
    for (size_t x = 0; x < pixels * LANES; x += LANES) {
        vec best = load(z + 2 * x), u = best * scale + shift;
        mask place = {0};
        UNROLL
        for (int k = 1; k < 4; k++) {
            const vec other = load(z + (size_t)(k / 2) * below + 2 * x + (size_t)(k % 2) * LANES);
            const vec v = other * scale + shift;
            const mask better = v > u;
            u = choose(better, v, u);
            best = choose(better, other, best);
            if (from) {
                place = (better & (lane_int)k) | (~better & place);
            }
        }
        store(a + x, activate(u, slopes));
        store(kept + x, best);
        if (from) {
            *(bytes *)(from + x) = __builtin_convertvector(place, bytes);
        }
    }
}

void norm_pool(const struct layer_shape *y, const struct fast_layer *f, real slope,
               const struct view *out, size_t n)
{
    const vec slopes = broadcast(slope);
    for (size_t i = 0; i < n * (y->cout / LANES); i++) {
        const size_t image = i / (y->cout / LANES), b = i % (y->cout / LANES);
        const vec scale = load(&f->scale[b * LANES]), shift = load(&f->shift[b * LANES]);
        for (size_t row = 0; row < y->out; row++) {
            const real *z = at(&f->z, image, b, row * y->window, 0);
            real *a = at(out, image, b, row, 0);
            if (y->window == 2) {
                norm_pool_row(f, slope, b, z, f->z.row, y->out, a, at(&f->zp, image, b, row, 0),
                              NULL);
                continue;
            }
            for (size_t x = 0; x < y->out * LANES; x += LANES) {
                store(a + x, activate(load(z + x) * scale + shift, slopes));
            }
        }
    }
}

/* ---------------------------------------------------------------- backward */

void norm_reduce(const struct layer_shape *y, struct fast_layer *f, real slope, size_t n,
                 double *sums, real *grad)
{
    const vec slopes = broadcast(slope);
    double *ones = sums, *twos = sums + y->cout;
    memset(sums, 0, 2 * y->cout * sizeof *sums);
    for (size_t i = 0; i < n * (y->cout / LANES); i++) {
        const size_t image = i / (y->cout / LANES), b = i % (y->cout / LANES);
        const vec scale = load(&f->scale[b * LANES]), shift = load(&f->shift[b * LANES]);
        const vec mean = load(&f->mean[b * LANES]);
        vec one = {0}, two = {0};
        size_t pending = 0;
        for (size_t row = 0; row < y->out; row++) {
            real *ub = at(&f->ub, image, b, row, 0);
            const real *zp = at(&f->zp, image, b, row, 0);
            for (size_t x = 0; x < y->out * LANES; x += LANES) {
                const vec z = load(zp + x);
                const vec u = derivative(z * scale + shift, slopes) * load(ub + x);
                store(ub + x, u);
                one += u;
                two += u * (z - mean);
            }
            pending += y->out;
            if (pending >= SPAN || row + 1 == y->out) {
                flush(&ones[b * LANES], one);
                flush(&twos[b * LANES], two);
                one = two = (vec){0};
                pending = 0;
            }
        }
    }
    for (size_t c = 0; c < y->cout; c++) {
        f->bb[c] = (real)ones[c];
        f->gb[c] = (real)(twos[c] * (double)f->s[c]);
        grad[y->gamma + c] = f->gb[c];
        grad[y->beta + c] = f->bb[c];
    }
}

/* zb = c_ub ub - c_0 - c_z z, and zbd = d_ub ub + d_ubd ubd - d_0 - d_z z - d_zd zd. */
struct linear {
    vec c_ub, c_0, c_z;
    vec d_ub, d_ubd, d_0, d_z, d_zd;
};

static struct linear zb_coefficients(const struct layer_shape *y, const struct fast_layer *f,
                                     const real *theta, size_t n, size_t b)
{
    struct linear c = {0};
    const double m = elements(y, n);
    for (size_t i = 0; i < LANES; i++) {
        const size_t k = b * LANES + i;
        const double s = (double)f->s[k], gs = (double)theta[y->gamma + k] * s;
        const double c_z = gs * s * (double)f->gb[k] / m;
        c.c_ub[i] = (real)gs;
        c.c_z[i] = (real)c_z;
        c.c_0[i] = (real)(gs * (double)f->bb[k] / m - c_z * (double)f->mean[k]);
    }
    return c;
}

/* One row of pixels without pooled places: the last odd row or column, or all of them. */
INLINE void apply_rest(const struct linear *c, const real *z, const real *zd, real *zb, real *zbd,
                       size_t from, size_t to)
{
    for (size_t x = from * LANES; x < to * LANES; x += LANES) {
        const vec v = load(z + x);
        store(zb + x, -c->c_0 - c->c_z * v);
        if (zd) {
            store(zbd + x, -c->d_0 - c->d_z * v - c->d_zd * load(zd + x));
        }
    }
}

/* One image and block; d NULL: no tangent. */
INLINE void apply_map(const struct layer_shape *y, const struct fast_layer *f,
                      const struct fast_tangent *d, const struct view *ubd_view,
                      const struct linear *c, size_t n, size_t b, size_t to, const struct view *zb,
                      const struct view *zbd)
{
    const size_t across = y->out * LANES;
    for (size_t row = 0; row < y->out; row++) {
        const real *ub = at(&f->ub, n, b, row, 0);
        const real *zp = at(&f->zp, n, b, row, 0);
        const real *ubd = d ? at(ubd_view, n, b, row, 0) : NULL;
        const real *z[2], *zd[2] = {0};
        real *o[2], *od[2] = {0};
        for (size_t k = 0; k < y->window; k++) {
            z[k] = at(&f->z, n, b, row * y->window + k, 0);
            o[k] = at(zb, to, b, row * y->window + k, 0);
            zd[k] = d ? at(&d->zd, n, b, row * y->window + k, 0) : NULL;
            od[k] = d ? at(zbd, to, b, row * y->window + k, 0) : NULL;
        }
        if (y->window == 1) {
            for (size_t x = 0; x < across; x += LANES) {
                const vec v = load(z[0] + x), u = load(ub + x);
                store(o[0] + x, c->c_ub * u - c->c_0 - c->c_z * v);
                if (d) {
                    store(od[0] + x, c->d_ub * u + c->d_ubd * load(ubd + x) - c->d_0 - c->d_z * v -
                                         c->d_zd * load(zd[0] + x));
                }
            }
            continue;
        }
        for (size_t x = 0; x < across; x += LANES) {
            const vec kept = load(zp + x), none = {0};
            const vec u = c->c_ub * load(ub + x);
            vec ud = {0};
            if (d) {
                ud = c->d_ub * load(ub + x) + c->d_ubd * load(ubd + x);
            }
            mask open = kept == kept; /* all: the place is not yet found */
            UNROLL
            for (int k = 0; k < 4; k++) {
                const size_t p = 2 * x + (size_t)(k % 2) * LANES;
                const vec v = load(z[k / 2] + p);
                const mask here = (v == kept) & open;
                open &= ~here;
                store(o[k / 2] + p, choose(here, u, none) - c->c_0 - c->c_z * v);
                if (d) {
                    store(od[k / 2] + p, choose(here, ud, none) - c->d_0 - c->d_z * v -
                                             c->d_zd * load(zd[k / 2] + p));
                }
            }
        }
        for (size_t k = 0; k < 2; k++) {
            apply_rest(c, z[k], zd[k], o[k], od[k], 2 * y->out, y->conv);
        }
    }
    for (size_t row = y->out * y->window; row < y->conv; row++) {
        apply_rest(c, at(&f->z, n, b, row, 0), d ? at(&d->zd, n, b, row, 0) : NULL,
                   at(zb, to, b, row, 0), d ? at(zbd, to, b, row, 0) : NULL, 0, y->conv);
    }
}

void norm_apply(const struct layer_shape *y, const struct fast_layer *f, const real *theta,
                size_t n, size_t first, size_t count, const struct view *zb)
{
    for (size_t b = 0; b < y->cout / LANES; b++) {
        const struct linear c = zb_coefficients(y, f, theta, n, b);
        for (size_t i = 0; i < count; i++) {
            apply_map(y, f, NULL, NULL, &c, first + i, b, i, zb, NULL);
        }
    }
}

/* ---------------------------------------------------------------- tangent */

void tangent_sums(const struct layer_shape *y, const struct fast_layer *f,
                  const struct fast_tangent *d, size_t first, size_t count, double *sums)
{
    const size_t map = y->conv * y->conv;
    if (first == 0) {
        memset(sums, 0, 2 * y->cout * sizeof *sums);
    }
    for (size_t n = first; n < first + count; n++) {
        for (size_t b = 0; b < y->cout / LANES; b++) {
            const real *z = at(&f->z, n, b, 0, 0), *zd = at(&d->zd, n, b, 0, 0);
            const vec mean = load(&f->mean[b * LANES]);
            for (size_t start = 0; start < map; start += SPAN) {
                const size_t end = start + SPAN < map ? start + SPAN : map;
                vec one = {0}, two = {0};
                for (size_t i = start; i < end; i++) {
                    const vec v = load(zd + i * LANES);
                    one += v;
                    two += v * (load(z + i * LANES) - mean);
                }
                flush(&sums[b * LANES], one);
                flush(&sums[y->cout + b * LANES], two);
            }
        }
    }
}

void tangent_finish(const struct layer_shape *y, const struct fast_layer *f, struct fast_tangent *d,
                    size_t n, const double *sums)
{
    for (size_t c = 0; c < y->cout; c++) {
        d->mean[c] = (real)(sums[c] / elements(y, n));
        d->q[c] = (real)(sums[y->cout + c] * (double)f->s[c] / elements(y, n));
    }
}

/* ud = from_z (z - mean) + from_zd zd + constant at the pooled places. */
struct tangent_linear {
    vec from_z, from_zd, constant;
};

static struct tangent_linear ud_coefficients(const struct layer_shape *y,
                                             const struct fast_layer *f,
                                             const struct fast_tangent *d, const real *theta,
                                             const real *v, size_t b)
{
    struct tangent_linear c;
    for (size_t i = 0; i < LANES; i++) {
        const size_t k = b * LANES + i;
        const double s = (double)f->s[k], gs = (double)theta[y->gamma + k] * s;
        c.from_z[i] = (real)(((double)v[y->gamma + k] - gs * (double)d->q[k]) * s);
        c.from_zd[i] = (real)gs;
        c.constant[i] = (real)((double)v[y->beta + k] - gs * (double)d->mean[k]);
    }
    return c;
}

void tangent_pool(const struct layer_shape *y, const struct fast_layer *f,
                  const struct fast_tangent *d, real slope, const real *theta, const real *v,
                  const struct view *out, size_t n)
{
    const vec slopes = broadcast(slope);
    for (size_t i = 0; i < n * (y->cout / LANES); i++) {
        const size_t image = i / (y->cout / LANES), b = i % (y->cout / LANES);
        const struct tangent_linear c = ud_coefficients(y, f, d, theta, v, b);
        const vec scale = load(&f->scale[b * LANES]), shift = load(&f->shift[b * LANES]);
        const vec mean = load(&f->mean[b * LANES]);
        for (size_t row = 0; row < y->out; row++) {
            const real *z = at(&f->z, image, b, row * y->window, 0);
            const real *zd = at(&d->zd, image, b, row * y->window, 0);
            const real *zp = at(&f->zp, image, b, row, 0);
            real *zdp = at(&d->zdp, image, b, row, 0);
            real *ad = at(out, image, b, row, 0);
            for (size_t x = 0; x < y->out * LANES; x += LANES) {
                const vec kept = load(zp + x);
                vec found;
                if (y->window == 1) {
                    found = load(zd + x);
                } else {
                    /* from the last place to the first, so that the first match stays */
                    found = load(zd + f->z.row + 2 * x + LANES);
                    UNROLL
                    for (int k = 2; k >= 0; k--) {
                        const size_t p =
                            (size_t)(k / 2) * f->z.row + 2 * x + (size_t)(k % 2) * LANES;
                        found = choose(load(z + p) == kept, load(zd + p), found);
                    }
                    store(zdp + x, found);
                }
                const vec ud = c.from_z * (kept - mean) + c.from_zd * found + c.constant;
                store(ad + x, derivative(kept * scale + shift, slopes) * ud);
            }
        }
    }
}

void tangent_pool_row(const struct layer_shape *y, const struct fast_layer *f,
                      const struct fast_tangent *d, real slope, const real *theta, const real *v,
                      size_t b, const real *zd, size_t below, const real *kept, const uint8_t *from,
                      real *kept_dot, real *ad)
{
    const vec slopes = broadcast(slope);
    const struct tangent_linear c = ud_coefficients(y, f, d, theta, v, b);
    const vec scale = load(&f->scale[b * LANES]), shift = load(&f->shift[b * LANES]);
    const vec mean = load(&f->mean[b * LANES]);
    for (size_t x = 0; x < y->out * LANES; x += LANES) {
        const mask place = __builtin_convertvector(*(const bytes *)(from + x), mask);
        vec found = load(zd + 2 * x);
        UNROLL
        for (int k = 1; k < 4; k++) {
            const vec other = load(zd + (size_t)(k / 2) * below + 2 * x + (size_t)(k % 2) * LANES);
            found = choose(place == (lane_int)k, other, found);
        }
        const vec z = load(kept + x);
        store(kept_dot + x, found);
        store(ad + x, derivative(z * scale + shift, slopes) *
                          (c.from_z * (z - mean) + c.from_zd * found + c.constant));
    }
}

void tangent_reduce(const struct layer_shape *y, const struct fast_layer *f,
                    const struct fast_tangent *d, const struct view *ubd_view, real slope, size_t n,
                    double *sums, real *hv)
{
    const vec slopes = broadcast(slope);
    double *ones = sums, *twos = sums + y->cout;
    memset(sums, 0, 2 * y->cout * sizeof *sums);
    for (size_t i = 0; i < n * (y->cout / LANES); i++) {
        const size_t image = i / (y->cout / LANES), b = i % (y->cout / LANES);
        const vec scale = load(&f->scale[b * LANES]), shift = load(&f->shift[b * LANES]);
        const vec mean = load(&f->mean[b * LANES]), mean_d = load(&d->mean[b * LANES]);
        const vec q = load(&d->q[b * LANES]) * load(&f->s[b * LANES]);
        vec one = {0}, two = {0};
        size_t pending = 0;
        for (size_t row = 0; row < y->out; row++) {
            real *ubd = at(ubd_view, image, b, row, 0);
            const real *ub = at(&f->ub, image, b, row, 0);
            const real *zp = at(&f->zp, image, b, row, 0), *zdp = at(&d->zdp, image, b, row, 0);
            for (size_t x = 0; x < y->out * LANES; x += LANES) {
                const vec z = load(zp + x), centred = z - mean;
                const vec u = derivative(z * scale + shift, slopes) * load(ubd + x);
                store(ubd + x, u);
                one += u;
                two += u * centred + load(ub + x) * (load(zdp + x) - mean_d - q * centred);
            }
            pending += y->out;
            if (pending >= SPAN || row + 1 == y->out) {
                flush(&ones[b * LANES], one);
                flush(&twos[b * LANES], two);
                one = two = (vec){0};
                pending = 0;
            }
        }
    }
    for (size_t c = 0; c < y->cout; c++) {
        hv[y->beta + c] = (real)ones[c];
        hv[y->gamma + c] = (real)(twos[c] * (double)f->s[c]);
    }
}

void tangent_apply(const struct layer_shape *y, const struct fast_layer *f,
                   const struct fast_tangent *d, const struct view *ubd, const real *theta,
                   const real *v, const real *hv, size_t n, size_t first, size_t count,
                   const struct view *zb, const struct view *zbd)
{
    const double m = elements(y, n);
    for (size_t b = 0; b < y->cout / LANES; b++) {
        struct linear c = zb_coefficients(y, f, theta, n, b);
        for (size_t i = 0; i < LANES; i++) {
            const size_t k = b * LANES + i;
            const double s = (double)f->s[k], gs = (double)theta[y->gamma + k] * s;
            const double q = (double)d->q[k], mean = (double)f->mean[k];
            const double gb = (double)f->gb[k] / m, bb = (double)f->bb[k] / m;
            const double gbd = (double)hv[y->gamma + k] / m, bbd = (double)hv[y->beta + k] / m;
            const double outer = (double)v[y->gamma + k] * s - gs * s * q;
            /* zh = s (z - mean); zhd = s (zd - mean_d) - s q zh */
            const double from_zh = outer * gb + gs * gbd - gs * gb * s * q;
            const double from_zd = gs * gb * s;
            c.d_ub[i] = (real)outer;
            c.d_ubd[i] = (real)gs;
            c.d_z[i] = (real)(from_zh * s);
            c.d_zd[i] = (real)from_zd;
            c.d_0[i] =
                (real)(outer * bb + gs * bbd - from_zh * s * mean - from_zd * (double)d->mean[k]);
        }
        for (size_t i = 0; i < count; i++) {
            apply_map(y, f, d, ubd, &c, first + i, b, i, zb, zbd);
        }
    }
}
