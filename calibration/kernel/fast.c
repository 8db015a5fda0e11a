/* The fast network put together: memory, loading, and the four walks through the blocks. Images go
 * through a block in groups small enough for the second cache, so that a convolution's output is
 * still there when its sums are taken, and zb when both gradients read it. */
#include "calibration/kernel/fast.h"

enum { GROUP_BYTES = 256 * 1024 };

struct images {
    size_t n;
    struct view x;          /* planes with border */
    struct moments moments; /* for a fused first block */
};

struct slot {
    size_t n;
    enum slot_use use;
    struct fast_layer layer[KERNEL_MAX_LAYERS];
};

struct scratch {
    struct fast_tangent tangent[KERNEL_MAX_LAYERS];
    struct view last;      /* last maps when features are their means */
    real *zb, *zbd;        /* a group of bordered maps */
    size_t group_elements; /* of each */
    real *ubd[2];          /* cotangents' tangents of even and of odd blocks */
    real *transposed[2];
    real *origin; /* [F] */
    double *sums; /* [2][F] */
    struct first_scratch first;
};

/* ---------------------------------------------------------------- geometry */

static struct view view_of(real *p, size_t blocks, size_t side)
{
    const size_t row = side * LANES;
    return (struct view){.p = p, .row = row, .block = side * row, .image = blocks * side * row};
}

/* The part of a bordered map that is not border. */
static struct view inside(struct view v)
{
    v.p = v.p ? v.p + v.row + LANES : NULL;
    return v;
}

static struct view with_border(struct view v)
{
    v.p -= v.row + LANES;
    return v;
}

static size_t blocks_of(const struct layer_shape *y)
{
    return y->cout / LANES;
}

static size_t bordered(const struct layer_shape *y)
{
    return y->cout * (y->conv + 2) * (y->conv + 2);
}

/* Images whose maps of block y fit together in the second cache. */
static size_t group_of(const struct layer_shape *y, size_t n)
{
    const size_t fit = GROUP_BYTES / (bordered(y) * sizeof(real));
    return fit < 1 ? 1 : fit < n ? fit : n;
}

static struct view from_image(struct view v, size_t n)
{
    v.p += n * v.image;
    return v;
}

/* ---------------------------------------------------------------- order of parameters */

static void native_index(const struct kernel_shape *s, uint32_t *native_of)
{
    for (size_t l = 0; l < s->layers; l++) {
        const struct layer_shape *y = &s->layer[l];
        const size_t channels = l == 0 ? 1 : LANES;
        for (size_t i = 0; i < y->cout * y->cin * 9; i++) {
            const size_t co = i / (9 * y->cin), ci = i / 9 % y->cin, k = i % 9;
            const size_t group = co / (2 * LANES);
            const size_t rest = y->cout - group * 2 * LANES;
            const size_t width = rest < 2 * LANES ? rest : 2 * LANES;
            native_of[y->weight + i] =
                (uint32_t)(y->weight + group * 2 * LANES * y->cin * 9 +
                           ((ci / channels * 9 + k) * channels + ci % channels) * width +
                           co % (2 * LANES));
        }
    }
    const size_t map = s->features / s->hidden;
    for (size_t i = 0; i < s->ways * s->features; i++) {
        const size_t row = i / s->features, c = i % s->features / map, pixel = i % map;
        native_of[s->head_weight + i] =
            (uint32_t)(s->head_weight + row * s->features + c / LANES * map * LANES +
                       pixel * LANES + c % LANES);
    }
}

/* ---------------------------------------------------------------- cutting */

static struct images *images_cut(struct bump *b, const struct kernel_shape *s, size_t n)
{
    const struct layer_shape *y = &s->layer[0];
    const size_t side = y->in + 2;
    struct images *im = bump_take(b, 1, sizeof *im);
    struct images made = {.n = n};
    /* moments_take() reads beyond the end; zeros are there. */
    made.x = (struct view){.p = bump_take(b, n * y->cin * side * side + LANES, sizeof(real)),
                           .row = side,
                           .block = side * side,
                           .image = y->cin * side * side};
    if (first_fuses(s)) {
        made.moments = moments_cut(b, y);
    }
    if (im) {
        *im = made;
    }
    return im;
}

static struct view cut_map(struct bump *b, size_t n, const struct layer_shape *y, size_t side)
{
    return view_of(bump_take(b, n * y->cout * side * side, sizeof(real)), blocks_of(y), side);
}

static void cut_channels(struct bump *b, const struct layer_shape *y, struct fast_layer *f)
{
    real **const vectors[] = {&f->mean, &f->s, &f->gb, &f->bb, &f->scale, &f->shift};
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        *vectors[i] = bump_take(b, y->cout, sizeof(real));
    }
}

static struct slot *slot_cut(struct bump *b, const struct kernel_shape *s, size_t n,
                             enum slot_use use)
{
    struct slot made = {.n = n, .use = use};
    struct slot *slot = bump_take(b, 1, sizeof *slot);
    real *shared_z = NULL, *shared_zp = NULL;
    if (use == SLOT_FEATURES) { /* maps live only until the next block has read them */
        size_t z = 0, zp = 0;
        for (size_t l = 0; l < s->layers; l++) {
            const struct layer_shape *y = &s->layer[l];
            const bool stored = l > 0 || !first_fuses(s);
            z = stored && y->conv * y->conv > z ? y->conv * y->conv : z;
            zp = y->out * y->out > zp ? y->out * y->out : zp;
        }
        shared_z = bump_take(b, n * s->hidden * z, sizeof(real));
        shared_zp = bump_take(b, n * s->hidden * zp, sizeof(real));
    }
    for (size_t l = 0; l < s->layers; l++) {
        const struct layer_shape *y = &s->layer[l];
        struct fast_layer *f = &made.layer[l];
        const bool last = l + 1 == s->layers, keep = use != SLOT_FEATURES;
        cut_channels(b, y, f);
        if (l == 0 && first_fuses(s)) {
            f->from = bump_take(b, n * y->cout * y->out * y->out, 1);
            f->spread = bump_take(b, 9 * y->cin * y->cout, sizeof(double));
        } else {
            f->z = keep ? cut_map(b, n, y, y->conv) : view_of(shared_z, blocks_of(y), y->conv);
        }
        f->zp = y->window == 1 ? f->z
                : keep         ? cut_map(b, n, y, y->out)
                               : view_of(shared_zp, blocks_of(y), y->out);
        if (!last) {
            f->a = inside(cut_map(b, n, y, y->out + 2));
        }
        if (use == SLOT_KEPT || (last && keep)) {
            f->ub = cut_map(b, n, y, y->out);
        } else {
            f->ub = f->a;
        }
    }
    if (slot) {
        *slot = made;
    }
    return slot;
}

/* Maps of `done`, where it has enough of them, are of the same shape, border of zeros included. */
static struct scratch *scratch_cut(struct bump *b, const struct kernel_shape *s, size_t n,
                                   size_t kept, const struct slot *done, size_t done_n)
{
    struct scratch made = {0};
    struct scratch *w = bump_take(b, 1, sizeof *w);
    const bool lent = kept > 0 && done_n >= kept;
    size_t out[2] = {0, 0};
    for (size_t l = 0; l < s->layers; l++) {
        const struct layer_shape *y = &s->layer[l];
        struct fast_tangent *d = &made.tangent[l];
        const bool fused = l == 0 && first_fuses(s);
        const size_t group = fused ? 0 : group_of(y, n) * bordered(y);
        made.group_elements = group > made.group_elements ? group : made.group_elements;
        out[l % 2] = y->out * y->out > out[l % 2] ? y->out * y->out : out[l % 2];
        if (kept == 0) {
            continue;
        }
        if (lent && done != NULL) {
            d->zd = done->layer[l].z;
            d->zdp = done->layer[l].zp;
            d->ad = done->layer[l].a;
        } else if (!lent) {
            d->zd = fused ? d->zd : cut_map(b, kept, y, y->conv);
            d->zdp = y->window == 1 ? d->zd : cut_map(b, kept, y, y->out);
            d->ad = l + 1 < s->layers ? inside(cut_map(b, kept, y, y->out + 2)) : d->ad;
        }
        d->q = bump_take(b, y->cout, sizeof(real));
        d->mean = bump_take(b, y->cout, sizeof(real));
    }
    const size_t square = s->layers > 1 ? s->hidden * s->hidden * 9 : 0;
    const bool backward = !(s->head_only && !s->meta_theta);
    if (s->spatial_mean) {
        made.last = cut_map(b, n, &s->layer[s->layers - 1], s->layer[s->layers - 1].out);
    }
    made.zb = bump_take(b, backward ? made.group_elements : 0, sizeof(real));
    made.zbd = bump_take(b, kept ? made.group_elements : 0, sizeof(real));
    made.transposed[0] = bump_take(b, backward ? square : 0, sizeof(real));
    made.transposed[1] = bump_take(b, kept ? square : 0, sizeof(real));
    made.ubd[0] = bump_take(b, kept * s->hidden * out[0], sizeof(real));
    made.ubd[1] = bump_take(b, kept * s->hidden * out[1], sizeof(real));
    made.origin = bump_take(b, s->hidden, sizeof(real));
    made.sums = bump_take(b, 2 * s->hidden, sizeof(double));
    if (first_fuses(s)) {
        made.first = first_cut(b, s);
    }
    if (w) {
        *w = made;
    }
    return w;
}

static void load_images(const struct kernel_shape *s, struct images *im, const float *x,
                        size_t first, size_t count)
{
    const struct layer_shape *y = &s->layer[0];
    for (size_t i = 0; i < count * y->cin * y->in; i++) {
        const size_t n = first + i / (y->cin * y->in), c = i / y->in % y->cin, row = i % y->in;
        real *to = im->x.p + n * im->x.image + c * im->x.block + (row + 1) * im->x.row + 1;
        for (size_t j = 0; j < y->in; j++) {
            to[j] = (real)x[i * y->in + j];
        }
    }
}

/* x to 6 significant bits: subtracting it from pixels of 8 or 16 bits rounds nothing. */
static double few_bits(double x)
{
    int exponent;
    const double fraction = frexp(x, &exponent);
    return ldexp(rint(fraction * 64.0), exponent - 6);
}

/* In vectors: few_bits() leaves little of it. */
static double row_sum(const real *row, size_t n)
{
    vec many = {0};
    double sum = 0.0;
    size_t j = 0;
    for (; j + LANES <= n; j += LANES) {
        many += load(row + j);
    }
    for (; j < n; j++) {
        sum += (double)row[j];
    }
    for (size_t i = 0; i < LANES; i++) {
        sum += (double)many[i];
    }
    return sum;
}

/* Batch norm does not see a constant added to a plane, border included: centring the images keeps
 * float32 sums free of cancellation. */
static void centre(const struct layer_shape *y, struct images *im)
{
    const size_t side = y->in + 2;
    for (size_t c = 0; c < y->cin; c++) {
        double sum = 0.0;
        for (size_t i = 0; i < im->n * y->in; i++) {
            sum += row_sum(im->x.p + i / y->in * im->x.image + c * im->x.block +
                               (i % y->in + 1) * side + 1,
                           y->in);
        }
        const real mean = (real)few_bits(sum / (double)(im->n * y->in * y->in));
        for (size_t n = 0; n < im->n; n++) {
            real *plane = im->x.p + n * im->x.image + c * im->x.block;
            for (size_t j = 0; j < side; j++) {
                plane[j] = plane[(side - 1) * side + j] = -mean;
                plane[j * side] = plane[j * side + side - 1] = -mean;
            }
            for (size_t row = 1; row <= y->in; row++) {
                for (size_t j = 1; j <= y->in; j++) {
                    plane[row * side + j] -= mean;
                }
            }
        }
    }
}

static void loaded(const struct kernel_shape *s, struct images *im, struct scratch *w)
{
    centre(&s->layer[0], im);
    if (first_fuses(s)) {
        moments_take(&s->layer[0], &im->x, im->n, &w->first.moments, &im->moments);
    }
}

/* ---------------------------------------------------------------- features */

static struct view features_view(const struct kernel_shape *s, const struct scratch *w,
                                 real *features)
{
    const struct layer_shape *y = &s->layer[s->layers - 1];
    return s->spatial_mean ? w->last : view_of(features, blocks_of(y), y->out);
}

static void to_features(const struct kernel_shape *s, size_t n, const struct scratch *w,
                        real *features)
{
    const size_t map = w->last.block / LANES;
    for (size_t i = 0; s->spatial_mean && i < n * s->hidden; i += LANES) {
        vec sum = {0};
        for (size_t j = 0; j < map; j++) {
            sum += load(w->last.p + (i * map) + j * LANES);
        }
        store(features + i, sum / (real)map);
    }
}

static void from_features(const struct kernel_shape *s, size_t n, const real *bar, real *to)
{
    const struct layer_shape *y = &s->layer[s->layers - 1];
    const size_t map = y->out * y->out;
    if (!s->spatial_mean) {
        memcpy(to, bar, n * s->features * sizeof(real));
        return;
    }
    for (size_t i = 0; i < n * s->hidden; i += LANES) {
        const vec share = load(bar + i) / (real)map;
        for (size_t j = 0; j < map; j++) {
            store(to + i * map + j * LANES, share);
        }
    }
}

/* ---------------------------------------------------------------- the four walks */

static struct view input_of(const struct images *im, const struct slot *slot, size_t l)
{
    return l == 0 ? im->x : with_border(slot->layer[l - 1].a);
}

static void forward(const struct kernel_shape *s, const struct images *im, struct slot *slot,
                    struct scratch *w, const real *theta, real *features)
{
    const size_t n = slot->n;
    for (size_t l = 0; l < s->layers; l++) {
        const struct layer_shape *y = &s->layer[l];
        struct fast_layer *f = &slot->layer[l];
        const struct view in = input_of(im, slot, l);
        const real *weight = &theta[y->weight];
        const size_t group = group_of(y, n);
        const struct view out = l + 1 < s->layers ? f->a : features_view(s, w, features);
        if (l == 0 && first_fuses(s)) {
            first_forward(y, &in, &im->moments, f, &w->first, (real)s->slope, n, theta, &out);
            continue;
        }
        for (size_t first = 0; first < n; first += group) {
            const size_t count = n - first < group ? n - first : group;
            const struct view from = from_image(in, first), to = from_image(f->z, first);
            conv_forward(y, 1, &from, &weight, &to, count, y->conv);
            norm_sums(y, f, first, count, w->origin, w->sums);
        }
        norm_finish(y, f, n, theta, w->origin, w->sums);
        norm_pool(y, f, (real)s->slope, &out, n);
    }
    to_features(s, n, w, features);
}

/* The inside of a group's bordered maps in buffer, border zero. */
static struct view group_open(const struct layer_shape *y, size_t group, real *buffer)
{
    memset(buffer, 0, group * bordered(y) * sizeof(real));
    return inside(view_of(buffer, blocks_of(y), y->conv + 2));
}

static void backward(const struct kernel_shape *s, const struct images *im, struct slot *slot,
                     struct scratch *w, const real *theta, const real *features_bar, real *grad)
{
    const size_t n = slot->n;
    memset(grad, 0, s->head_weight * sizeof(real));
    from_features(s, n, features_bar, slot->layer[s->layers - 1].ub.p);
    for (size_t l = s->layers; l-- > 0;) {
        const struct layer_shape *y = &s->layer[l];
        struct fast_layer *f = &slot->layer[l];
        const struct view in = input_of(im, slot, l);
        norm_reduce(y, f, (real)s->slope, n, w->sums, grad);
        if (l == 0 && first_fuses(s)) {
            first_backward(y, &in, &im->moments, f, &w->first, n, theta, grad);
            continue;
        }
        const size_t group = group_of(y, n);
        const struct view zb = group_open(y, group, w->zb), zb_border = with_border(zb);
        const real *transposed = w->transposed[0];
        if (l > 0) {
            conv_transpose(s->hidden, &theta[y->weight], w->transposed[0]);
        }
        for (size_t first = 0; first < n; first += group) {
            const size_t count = n - first < group ? n - first : group;
            const struct view from = from_image(in, first);
            norm_apply(y, f, theta, n, first, count, &zb);
            conv_wgrad(y, &from, &zb, count, y->conv, y->conv, &grad[y->weight]);
            if (l > 0) { /* may overwrite these images of a, which are done with */
                const struct view bar = from_image(slot->layer[l - 1].ub, first);
                conv_dgrad(y, 1, &zb_border, &transposed, &bar, count);
            }
        }
    }
}

static void tangent(const struct kernel_shape *s, const struct images *im, struct slot *slot,
                    struct scratch *w, const real *theta, const real *v, real *features_dot)
{
    const size_t n = slot->n;
    for (size_t l = 0; l < s->layers; l++) {
        const struct layer_shape *y = &s->layer[l];
        struct fast_layer *f = &slot->layer[l];
        struct fast_tangent *d = &w->tangent[l];
        const size_t group = group_of(y, n), sources = l > 0 ? 2 : 1;
        const real *weight[2] = {&v[y->weight], &theta[y->weight]};
        const struct view out = l + 1 < s->layers ? d->ad : features_view(s, w, features_dot);
        if (l == 0 && first_fuses(s)) {
            first_tangent(y, &im->x, &im->moments, f, d, &w->first, (real)s->slope, n, theta, v,
                          &out);
            continue;
        }
        for (size_t first = 0; first < n; first += group) {
            const size_t count = n - first < group ? n - first : group;
            struct view in[2] = {from_image(input_of(im, slot, l), first)};
            if (l > 0) {
                in[1] = from_image(with_border(w->tangent[l - 1].ad), first);
            }
            const struct view to = from_image(d->zd, first);
            conv_forward(y, sources, in, weight, &to, count, y->conv);
            tangent_sums(y, f, d, first, count, w->sums);
        }
        tangent_finish(y, f, d, n, w->sums);
        tangent_pool(y, f, d, (real)s->slope, theta, v, &out, n);
    }
    to_features(s, n, w, features_dot);
}

static void tangent_backward(const struct kernel_shape *s, const struct images *im,
                             struct slot *slot, struct scratch *w, const real *theta, const real *v,
                             const real *features_bar_dot, real *hv)
{
    const size_t n = slot->n;
    memset(hv, 0, s->head_weight * sizeof(real));
    from_features(s, n, features_bar_dot, w->ubd[(s->layers - 1) % 2]);
    for (size_t l = s->layers; l-- > 0;) {
        const struct layer_shape *y = &s->layer[l];
        struct fast_layer *f = &slot->layer[l];
        struct fast_tangent *d = &w->tangent[l];
        const size_t group = group_of(y, n);
        const struct view ubd = view_of(w->ubd[l % 2], blocks_of(y), y->out);
        tangent_reduce(y, f, d, &ubd, (real)s->slope, n, w->sums, hv);
        if (l == 0 && first_fuses(s)) {
            first_tangent_backward(y, &im->x, &im->moments, f, d, &ubd, &w->first, n, theta, v, hv);
            continue;
        }
        const struct view zb = group_open(y, group, w->zb), zbd = group_open(y, group, w->zbd);
        const struct view borders[2] = {with_border(zbd), with_border(zb)};
        const real *transposed[2] = {w->transposed[0], w->transposed[1]};
        if (l > 0) {
            conv_transpose(s->hidden, &theta[y->weight], w->transposed[0]);
            conv_transpose(s->hidden, &v[y->weight], w->transposed[1]);
        }
        for (size_t first = 0; first < n; first += group) {
            const size_t count = n - first < group ? n - first : group;
            const struct view in = from_image(input_of(im, slot, l), first);
            tangent_apply(y, f, d, &ubd, theta, v, hv, n, first, count, &zb, &zbd);
            conv_wgrad(y, &in, &zbd, count, y->conv, y->conv, &hv[y->weight]);
            if (l > 0) {
                const struct layer_shape *below = &s->layer[l - 1];
                const struct view in_dot = from_image(with_border(w->tangent[l - 1].ad), first);
                const struct view bar =
                    from_image(view_of(w->ubd[(l - 1) % 2], blocks_of(below), below->out), first);
                conv_wgrad(y, &in_dot, &zb, count, y->conv, y->conv, &hv[y->weight]);
                conv_dgrad(y, 2, borders, transposed, &bar, count);
            }
        }
    }
}

const struct backend fast_backend = {
    .lanes = LANES,
    .native_index = native_index,
    .images_cut = images_cut,
    .slot_cut = slot_cut,
    .scratch_cut = scratch_cut,
    .load = load_images,
    .loaded = loaded,
    .forward = forward,
    .backward = backward,
    .tangent = tangent,
    .tangent_backward = tangent_backward,
};
