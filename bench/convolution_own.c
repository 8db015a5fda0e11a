/* Median CPU seconds of one of the kernel's three convolutions over a batch, called as fast.c calls
 * them: images in groups that fit the second cache. */
#include "bench/convolution_own.h"

#include "bench/bench.h"
#include "calibration/kernel/fast.h"

enum { GROUP_BYTES = 256 * 1024, MOST = 500 };

static struct view map(size_t images, size_t blocks, size_t side, size_t lanes)
{
    const size_t row = side * lanes, count = images * blocks * side * row;
    struct view v = {.row = row, .block = side * row, .image = blocks * side * row};
    v.p = aligned_alloc(64, (count * sizeof(real) + 127) / 64 * 64);
    for (size_t i = 0; v.p && i < count; i++) {
        v.p[i] = (real)(i * 2654435761u % 1024) / 512 - 1;
    }
    return v;
}

static struct view from(struct view v, size_t n)
{
    v.p += n * v.image;
    return v;
}

double CONVOLUTION_OWN(const struct convolution *c, enum primitive p, double budget_s)
{
    const struct layer_shape y = {.cin = c->cin,
                                  .cout = c->cout,
                                  .in = c->in,
                                  .conv = (c->in - 1) / c->stride + 1,
                                  .stride = c->stride,
                                  .weight = c->planes ? 0 : 1};
    const size_t lanes = c->planes ? 1 : LANES, blocks = c->cout / LANES;
    const size_t fit = GROUP_BYTES / (c->cout * (y.conv + 2) * (y.conv + 2) * sizeof(real));
    const size_t group = fit < 1 ? 1 : fit;
    struct view in = map(c->images, c->cin / lanes, c->in + 2, lanes);
    struct view out = map(c->images, blocks, y.conv, LANES);
    struct view zb = map(c->images, blocks, y.conv + 2, LANES);
    struct view bar = map(c->images, blocks, c->in, LANES);
    struct view weight = map(1, blocks * c->cin * 9, 1, LANES), grad = weight;
    grad = map(1, blocks * c->cin * 9, 1, LANES);
    double seconds[MOST];
    size_t done = 0;
    const double begin = bench_wall_s();
    while (in.p && out.p && zb.p && bar.p && weight.p && grad.p && done < MOST &&
           (done < 5 || bench_wall_s() - begin < budget_s)) {
        const double start = bench_cpu_s();
        for (size_t n = 0; n < c->images; n += group) {
            const size_t count = c->images - n < group ? c->images - n : group;
            const struct view i = from(in, n), o = from(out, n), b = from(bar, n);
            struct view z = from(zb, n);
            const real *w = weight.p;
            if (p == FORWARD) {
                conv_forward(&y, 1, &i, &w, &o, count, y.conv);
            } else if (p == BY_INPUT) {
                conv_dgrad(&y, 1, &z, &w, &b, count);
            } else {
                z.p += z.row + LANES;
                conv_wgrad(&y, &i, &z, count, y.conv, y.conv, grad.p);
            }
        }
        seconds[done++] = bench_cpu_s() - start;
    }
    free(in.p);
    free(out.p);
    free(zb.p);
    free(bar.p);
    free(weight.p);
    free(grad.p);
    return done ? bench_median(seconds, done) : 0.0;
}
