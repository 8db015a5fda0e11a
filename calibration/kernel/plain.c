/* The network as the specification writes it: NCHW arrays, one loop nest per equation, sums in
 * double, nothing fused, everything kept. It is the oracle of the fast path and the fallback for
 * any number of channels. Letters follow SPEC section 3: z conv output, zh normalised, u after
 * gamma and beta, d slope of the activation, ub, zb cotangents, a trailing d for tangents. */
#include <stdlib.h>
#include <string.h>

#include "calibration/kernel/backend.h"

struct images {
    size_t n;
    real *x; /* [n][C][H][H] */
};

struct plain_layer {
    real *zh, *zb, *ub; /* [n][F][conv][conv]; ub is zero where no gradient arrives */
    uint32_t *from;     /* [n][F][out][out]: position in the map the pooled value came from */
    real *a;            /* [n][F][out][out] */
    real *s, *gb, *bb;  /* [F]; s = 1 / sqrt(var + eps) */
};

struct slot {
    size_t n;
    struct plain_layer layer[KERNEL_MAX_LAYERS];
};

struct scratch {
    real *map, *map_dot;          /* [n][F][conv][conv] of the widest block */
    real *bar, *next;             /* [n][F][out][out] cotangents between blocks */
    real *zhd[KERNEL_MAX_LAYERS]; /* tangents */
    real *ad[KERNEL_MAX_LAYERS];
    real *qd; /* [layers][F]: q = mean(zh zd) */
};

static const double bn_epsilon = 1e-5; /* PyTorch's default, SPEC section 2 */

static size_t conv_count(const struct layer_shape *y)
{
    return y->cout * y->conv * y->conv;
}

static size_t out_count(const struct layer_shape *y)
{
    return y->cout * y->out * y->out;
}

/* ---------------------------------------------------------------- cutting and loading */

static struct images *images_cut(struct bump *b, const struct kernel_shape *s, size_t n)
{
    struct images *im = bump_take(b, 1, sizeof *im);
    real *x = bump_take(b, n * s->layer[0].cin * s->layer[0].in * s->layer[0].in, sizeof(real));
    if (im) {
        *im = (struct images){.n = n, .x = x};
    }
    return im;
}

static struct slot *slot_cut(struct bump *b, const struct kernel_shape *s, size_t n,
                             enum slot_use use)
{
    struct slot made = {.n = n};
    struct slot *slot = bump_take(b, 1, sizeof *slot);
    (void)use; /* the oracle keeps everything, always */
    for (size_t l = 0; l < s->layers; l++) {
        const struct layer_shape *y = &s->layer[l];
        struct plain_layer *p = &made.layer[l];
        p->zh = bump_take(b, n * conv_count(y), sizeof(real));
        p->zb = bump_take(b, n * conv_count(y), sizeof(real));
        p->ub = bump_take(b, n * conv_count(y), sizeof(real));
        p->from = bump_take(b, n * out_count(y), sizeof(uint32_t));
        p->a = bump_take(b, n * out_count(y), sizeof(real));
        p->s = bump_take(b, y->cout, sizeof(real));
        p->gb = bump_take(b, y->cout, sizeof(real));
        p->bb = bump_take(b, y->cout, sizeof(real));
    }
    if (slot) {
        *slot = made;
    }
    return slot;
}

static struct scratch *scratch_cut(struct bump *b, const struct kernel_shape *s, size_t n,
                                   size_t kept, const struct slot *done, size_t done_n)
{
    (void)done; /* the oracle shares nothing */
    (void)done_n;
    struct scratch made = {0};
    struct scratch *w = bump_take(b, 1, sizeof *w);
    size_t conv = 0, out = 0;
    for (size_t l = 0; l < s->layers; l++) {
        const struct layer_shape *y = &s->layer[l];
        conv = conv_count(y) > conv ? conv_count(y) : conv;
        out = out_count(y) > out ? out_count(y) : out;
        made.zhd[l] = bump_take(b, kept * conv_count(y), sizeof(real));
        made.ad[l] = bump_take(b, kept * out_count(y), sizeof(real));
    }
    made.map = bump_take(b, n * conv, sizeof(real));
    made.map_dot = bump_take(b, n * conv, sizeof(real));
    made.bar = bump_take(b, n * out, sizeof(real));
    made.next = bump_take(b, n * out, sizeof(real));
    made.qd = bump_take(b, s->layers * s->hidden, sizeof(real));
    if (w) {
        *w = made;
    }
    return w;
}

static void load(const struct kernel_shape *s, struct images *im, const float *x, size_t first,
                 size_t count)
{
    const size_t each = s->layer[0].cin * s->layer[0].in * s->layer[0].in;
    for (size_t i = 0; i < count * each; i++) {
        im->x[first * each + i] = (real)x[i];
    }
}

static void loaded(const struct kernel_shape *s, struct images *im, struct scratch *w)
{
    (void)s;
    (void)im;
    (void)w;
}

/* ---------------------------------------------------------------- convolution, three primitives */

/* One kernel tap meets output column x at input column x * stride + k - 1: columns low..high-1 are
 * inside the image. */
static void tap_range(const struct layer_shape *y, size_t k, size_t *low, size_t *high)
{
    *low = k == 0 ? 1 : 0;         /* x * stride + k >= 1 */
    const size_t last = y->in - k; /* x * stride <= in - k */
    *high = last / y->stride + 1 < y->conv ? last / y->stride + 1 : y->conv;
    if (y->in < k) {
        *high = 0;
    }
}

enum primitive { CONV, DGRAD, WGRAD };

/* Every multiply-add z[i] <-> a[j] * w of one image, used in three directions. */
static void taps(enum primitive what, const struct layer_shape *y, real *a, real *w, real *z)
{
    for (size_t co = 0; co < y->cout; co++) {
        for (size_t ci = 0; ci < y->cin; ci++) {
            for (size_t k = 0; k < 9; k++) {
                real *tap = &w[(co * y->cin + ci) * 9 + k];
                size_t row0, row1, col0, col1;
                double sum = 0.0;
                tap_range(y, k / 3, &row0, &row1);
                tap_range(y, k % 3, &col0, &col1);
                for (size_t row = row0; row < row1; row++) {
                    real *out = &z[(co * y->conv + row) * y->conv];
                    real *in = &a[(ci * y->in + row * y->stride + k / 3 - 1) * y->in];
                    for (size_t col = col0; col < col1; col++) {
                        const size_t at = col * y->stride + k % 3 - 1;
                        if (what == CONV) {
                            out[col] += *tap * in[at];
                        } else if (what == DGRAD) {
                            in[at] += *tap * out[col];
                        } else {
                            sum += (double)in[at] * (double)out[col];
                        }
                    }
                }
                if (what == WGRAD) {
                    *tap += (real)sum;
                }
            }
        }
    }
}

/* z += conv(a, w); the casts drop const for the directions that only read. */
static void conv_add(const struct layer_shape *y, size_t n, const real *a, const real *w, real *z)
{
    for (size_t i = 0; i < n; i++) {
        taps(CONV, y, (real *)&a[i * y->cin * y->in * y->in], (real *)w, &z[i * conv_count(y)]);
    }
}

static void dgrad_add(const struct layer_shape *y, size_t n, const real *zb, const real *w,
                      real *ab)
{
    for (size_t i = 0; i < n; i++) {
        taps(DGRAD, y, &ab[i * y->cin * y->in * y->in], (real *)w, (real *)&zb[i * conv_count(y)]);
    }
}

static void wgrad_add(const struct layer_shape *y, size_t n, const real *a, const real *zb,
                      real *wb)
{
    for (size_t i = 0; i < n; i++) {
        taps(WGRAD, y, (real *)&a[i * y->cin * y->in * y->in], wb, (real *)&zb[i * conv_count(y)]);
    }
}

/* ---------------------------------------------------------------- channel sums */

/* sum over images and positions of p (times q unless NULL) for channel c */
static double channel_sum(const struct layer_shape *y, size_t n, size_t c, const real *p,
                          const real *q)
{
    const size_t map = y->conv * y->conv;
    double sum = 0.0;
    for (size_t i = 0; i < n; i++) {
        const size_t at = i * conv_count(y) + c * map;
        for (size_t j = at; j < at + map; j++) {
            sum += (double)p[j] * (q ? (double)q[j] : 1.0);
        }
    }
    return sum;
}

/* ---------------------------------------------------------------- forward and backward */

static const real *layer_input(const struct images *im, const struct slot *slot, size_t l)
{
    return l == 0 ? im->x : slot->layer[l - 1].a;
}

static real slope_at(const struct kernel_shape *s, real u)
{
    return u > 0 ? (real)1 : (real)s->slope;
}

static void normalise(const struct kernel_shape *s, const struct layer_shape *y,
                      struct plain_layer *p, size_t n)
{
    const size_t map = y->conv * y->conv;
    const double m = (double)(n * map);
    (void)s;
    for (size_t c = 0; c < y->cout; c++) {
        const double mean = channel_sum(y, n, c, p->zh, NULL) / m;
        double var = 0.0;
        for (size_t i = 0; i < n; i++) {
            real *z = &p->zh[i * conv_count(y) + c * map];
            for (size_t j = 0; j < map; j++) {
                const double centred = (double)z[j] - mean;
                var += centred * centred;
            }
        }
        const double scale = 1.0 / sqrt(var / m + bn_epsilon);
        p->s[c] = (real)scale;
        for (size_t i = 0; i < n; i++) {
            real *z = &p->zh[i * conv_count(y) + c * map];
            for (size_t j = 0; j < map; j++) {
                z[j] = (real)(((double)z[j] - mean) * scale);
            }
        }
    }
}

/* Activation and max-pool of one channel map; the first of equal values wins, as in PyTorch. */
static void pool_map(const struct kernel_shape *s, const struct layer_shape *y, const real *zh,
                     real gamma, real beta, real *a, uint32_t *from)
{
    for (size_t row = 0; row < y->out; row++) {
        for (size_t col = 0; col < y->out; col++) {
            real best = 0;
            size_t where = 0;
            for (size_t k = 0; k < y->window * y->window; k++) {
                const size_t at =
                    (row * y->window + k / y->window) * y->conv + col * y->window + k % y->window;
                const real u = gamma * zh[at] + beta;
                const real r = slope_at(s, u) * u;
                if (k == 0 || r > best) {
                    best = r;
                    where = at;
                }
            }
            a[row * y->out + col] = best;
            from[row * y->out + col] = (uint32_t)where;
        }
    }
}

static void to_features(const struct kernel_shape *s, size_t n, const real *a, real *features)
{
    const size_t map = s->layer[s->layers - 1].out * s->layer[s->layers - 1].out;
    if (!s->spatial_mean) {
        memcpy(features, a, n * s->features * sizeof(real));
        return;
    }
    for (size_t i = 0; i < n * s->features; i++) {
        double sum = 0.0;
        for (size_t j = 0; j < map; j++) {
            sum += (double)a[i * map + j];
        }
        features[i] = (real)(sum / (double)map);
    }
}

static void from_features(const struct kernel_shape *s, size_t n, const real *bar, real *ab)
{
    const size_t map = s->layer[s->layers - 1].out * s->layer[s->layers - 1].out;
    if (!s->spatial_mean) {
        memcpy(ab, bar, n * s->features * sizeof(real));
        return;
    }
    for (size_t i = 0; i < n * s->features * map; i++) {
        ab[i] = bar[i / map] / (real)map;
    }
}

static void forward(const struct kernel_shape *s, const struct images *im, struct slot *slot,
                    struct scratch *w, const real *theta, real *features)
{
    const size_t n = slot->n;
    (void)w;
    for (size_t l = 0; l < s->layers; l++) {
        const struct layer_shape *y = &s->layer[l];
        struct plain_layer *p = &slot->layer[l];
        memset(p->zh, 0, n * conv_count(y) * sizeof(real));
        conv_add(y, n, layer_input(im, slot, l), &theta[y->weight], p->zh);
        normalise(s, y, p, n);
        for (size_t i = 0; i < n * y->cout; i++) {
            const size_t c = i % y->cout;
            pool_map(s, y, &p->zh[i * y->conv * y->conv], theta[y->gamma + c], theta[y->beta + c],
                     &p->a[i * y->out * y->out], &p->from[i * y->out * y->out]);
        }
    }
    to_features(s, n, slot->layer[s->layers - 1].a, features);
}

/* full[from] = d * pooled: the transpose of pooling and activation. */
static void unpool(const struct kernel_shape *s, const struct layer_shape *y,
                   const struct plain_layer *p, size_t n, const real *theta, const real *pooled,
                   real *full)
{
    const size_t map = y->conv * y->conv, out = y->out * y->out;
    memset(full, 0, n * conv_count(y) * sizeof(real));
    for (size_t i = 0; i < n * y->cout; i++) {
        const real gamma = theta[y->gamma + i % y->cout], beta = theta[y->beta + i % y->cout];
        for (size_t j = 0; j < out; j++) {
            const size_t at = i * map + p->from[i * out + j];
            full[at] = slope_at(s, gamma * p->zh[at] + beta) * pooled[i * out + j];
        }
    }
}

static void backward(const struct kernel_shape *s, const struct images *im, struct slot *slot,
                     struct scratch *w, const real *theta, const real *features_bar, real *grad)
{
    const size_t n = slot->n;
    memset(grad, 0, s->head_weight * sizeof(real));
    from_features(s, n, features_bar, w->bar);
    for (size_t l = s->layers; l-- > 0;) {
        const struct layer_shape *y = &s->layer[l];
        struct plain_layer *p = &slot->layer[l];
        const double m = (double)(n * y->conv * y->conv);
        unpool(s, y, p, n, theta, w->bar, p->ub);
        for (size_t c = 0; c < y->cout; c++) {
            p->gb[c] = (real)channel_sum(y, n, c, p->ub, p->zh);
            p->bb[c] = (real)channel_sum(y, n, c, p->ub, NULL);
            grad[y->gamma + c] = p->gb[c];
            grad[y->beta + c] = p->bb[c];
        }
        for (size_t i = 0; i < n * conv_count(y); i++) {
            const size_t c = i / (y->conv * y->conv) % y->cout;
            const double t =
                (double)p->ub[i] - (double)p->bb[c] / m - (double)p->zh[i] * (double)p->gb[c] / m;
            p->zb[i] = (real)((double)theta[y->gamma + c] * (double)p->s[c] * t);
        }
        wgrad_add(y, n, layer_input(im, slot, l), p->zb, &grad[y->weight]);
        if (l > 0) {
            memset(w->next, 0, n * out_count(y - 1) * sizeof(real));
            dgrad_add(y, n, p->zb, &theta[y->weight], w->next);
            real *swap = w->bar;
            w->bar = w->next;
            w->next = swap;
        }
    }
}

/* ---------------------------------------------------------------- tangent */

static void tangent(const struct kernel_shape *s, const struct images *im, struct slot *slot,
                    struct scratch *w, const real *theta, const real *v, real *features_dot)
{
    const size_t n = slot->n;
    for (size_t l = 0; l < s->layers; l++) {
        const struct layer_shape *y = &s->layer[l];
        struct plain_layer *p = &slot->layer[l];
        const size_t map = y->conv * y->conv, out = y->out * y->out;
        const double m = (double)(n * map);
        real *zd = w->zhd[l], *ud = w->map, *ad = w->ad[l];
        memset(zd, 0, n * conv_count(y) * sizeof(real));
        conv_add(y, n, layer_input(im, slot, l), &v[y->weight], zd);
        if (l > 0) {
            conv_add(y, n, w->ad[l - 1], &theta[y->weight], zd);
        }
        for (size_t c = 0; c < y->cout; c++) {
            const double mean = channel_sum(y, n, c, zd, NULL) / m;
            const double q = channel_sum(y, n, c, p->zh, zd) / m;
            const double gamma = (double)theta[y->gamma + c];
            w->qd[l * s->hidden + c] = (real)q;
            for (size_t i = 0; i < n; i++) {
                const size_t at = i * conv_count(y) + c * map;
                for (size_t j = at; j < at + map; j++) {
                    const double zh = (double)p->zh[j];
                    const double zhd = (double)p->s[c] * ((double)zd[j] - mean - q * zh);
                    zd[j] = (real)zhd;
                    ud[j] =
                        (real)((double)v[y->gamma + c] * zh + gamma * zhd + (double)v[y->beta + c]);
                }
            }
        }
        for (size_t i = 0; i < n * y->cout; i++) {
            const real gamma = theta[y->gamma + i % y->cout], beta = theta[y->beta + i % y->cout];
            for (size_t j = 0; j < out; j++) {
                const size_t at = i * map + p->from[i * out + j];
                ad[i * out + j] = slope_at(s, gamma * p->zh[at] + beta) * ud[at];
            }
        }
    }
    to_features(s, n, w->ad[s->layers - 1], features_dot);
}

static void tangent_backward(const struct kernel_shape *s, const struct images *im,
                             struct slot *slot, struct scratch *w, const real *theta, const real *v,
                             const real *features_bar_dot, real *hv)
{
    const size_t n = slot->n;
    memset(hv, 0, s->head_weight * sizeof(real));
    from_features(s, n, features_bar_dot, w->bar);
    for (size_t l = s->layers; l-- > 0;) {
        const struct layer_shape *y = &s->layer[l];
        struct plain_layer *p = &slot->layer[l];
        const size_t map = y->conv * y->conv;
        const double m = (double)(n * map);
        const real *zhd = w->zhd[l];
        real *ubd = w->map, *zbd = w->map_dot;
        unpool(s, y, p, n, theta, w->bar, ubd);
        for (size_t c = 0; c < y->cout; c++) {
            const double gbd = channel_sum(y, n, c, ubd, p->zh) + channel_sum(y, n, c, p->ub, zhd);
            const double bbd = channel_sum(y, n, c, ubd, NULL);
            const double gamma = (double)theta[y->gamma + c], scale = (double)p->s[c];
            const double gb = (double)p->gb[c], bb = (double)p->bb[c];
            const double outer = (double)v[y->gamma + c] * scale -
                                 gamma * scale * scale * (double)w->qd[l * s->hidden + c];
            hv[y->gamma + c] = (real)gbd;
            hv[y->beta + c] = (real)bbd;
            for (size_t i = 0; i < n; i++) {
                const size_t at = i * conv_count(y) + c * map;
                for (size_t j = at; j < at + map; j++) {
                    const double zh = (double)p->zh[j];
                    const double t = (double)p->ub[j] - bb / m - zh * gb / m;
                    zbd[j] = (real)(outer * t + gamma * scale *
                                                    ((double)ubd[j] - bbd / m -
                                                     (double)zhd[j] * gb / m - zh * gbd / m));
                }
            }
        }
        wgrad_add(y, n, layer_input(im, slot, l), zbd, &hv[y->weight]);
        if (l > 0) {
            wgrad_add(y, n, w->ad[l - 1], p->zb, &hv[y->weight]);
            memset(w->next, 0, n * out_count(y - 1) * sizeof(real));
            dgrad_add(y, n, zbd, &theta[y->weight], w->next);
            dgrad_add(y, n, p->zb, &v[y->weight], w->next);
            real *swap = w->bar;
            w->bar = w->next;
            w->next = swap;
        }
    }
}

const struct backend plain_backend = {
    .lanes = 1,
    .images_cut = images_cut,
    .slot_cut = slot_cut,
    .scratch_cut = scratch_cut,
    .load = load,
    .loaded = loaded,
    .forward = forward,
    .backward = backward,
    .tangent = tangent,
    .tangent_backward = tangent_backward,
};
