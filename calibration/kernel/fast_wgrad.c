/* Gradient by the weights: sums over pixels of input times cotangent. A tile of J input channels
 * (or the nine taps of a plane) times B blocks of output channels lives in registers while the
 * pixels of a chunk pass; chunks are small enough for the first cache, and each adds to the
 * gradient once, which also keeps float32 sums short. */
#include "calibration/kernel/fast.h"

enum { CHUNK_BYTES = 16384 }; /* of zb: half of a small first cache */

struct wgrad_tile {
    const real *in, *zb;
    size_t in_image, in_row, zb_image, zb_row, zb_block;
    size_t images, rows, columns;
    real *grad;
    size_t grad_step; /* between rows of the tile */
};

typedef void wgrad_run(const struct wgrad_tile *t);

#if FAST_REGISTERS >= 32
enum { MAX_J = 8 };
#else
enum { MAX_J = 4 };
#endif
enum { J = FAST_LANES < (int)MAX_J ? FAST_LANES : (int)MAX_J };

/* planes: J is 9, the taps; otherwise J consecutive channels of one tap. */
INLINE void wgrad_body(const struct wgrad_tile *t, const int rows, const int B, const int step,
                       const bool planes)
{
    vec sum[9 * 2];
    UNROLL
    for (int i = 0; i < rows * B; i++) {
        sum[i] = (vec){0};
    }
    for (size_t n = 0; n < t->images; n++) {
        for (size_t y = 0; y < t->rows; y++) {
            const real *in = t->in + n * t->in_image + y * t->in_row;
            const real *zb = t->zb + n * t->zb_image + y * t->zb_row;
            const size_t row = planes ? t->in_row / (size_t)step : 0;
            for (size_t x = 0; x < t->columns; x++) {
                vec z[2];
                UNROLL
                for (int b = 0; b < B; b++) {
                    z[b] = load(zb + (size_t)b * t->zb_block);
                }
                UNROLL
                for (int i = 0; i < rows; i++) {
                    const vec a =
                        broadcast(planes ? in[(size_t)(i / 3) * row + (size_t)(i % 3)] : in[i]);
                    UNROLL
                    for (int b = 0; b < B; b++) {
                        sum[i * B + b] += a * z[b];
                        PIN(sum[i * B + b], a, z[b]);
                    }
                }
                in += step;
                zb += LANES;
            }
        }
    }
    UNROLL
    for (int i = 0; i < rows; i++) {
        UNROLL
        for (int b = 0; b < B; b++) {
            real *g = t->grad + (size_t)i * t->grad_step + (size_t)b * LANES;
            store(g, load(g) + sum[i * B + b]);
        }
    }
}

#define DEFINE(name, rows, b, step, planes)                                                        \
    static void name(const struct wgrad_tile *t)                                                   \
    {                                                                                              \
        wgrad_body(t, rows, b, step, planes);                                                      \
    }
DEFINE(blocks1_1, J, 1, LANES, false)
DEFINE(blocks1_2, J, 2, LANES, false)
DEFINE(blocks2_1, J, 1, 2 * LANES, false)
DEFINE(blocks2_2, J, 2, 2 * LANES, false)
DEFINE(planes1_1, 9, 1, 1, true)
DEFINE(planes1_2, 9, 2, 1, true)
DEFINE(planes2_1, 9, 1, 2, true)
DEFINE(planes2_2, 9, 2, 2, true)

static wgrad_run *const runs[2][2][2] = {{{blocks1_1, blocks1_2}, {blocks2_1, blocks2_2}},
                                         {{planes1_1, planes1_2}, {planes2_1, planes2_2}}};

/* Everything one chunk of pixels contributes. */
static void chunk_run(const struct layer_shape *y, const struct view *in, const real *zb,
                      size_t zb_block, struct wgrad_tile *t, real *grad)
{
    const bool planes = y->weight == 0;
    const size_t out_blocks = y->cout / LANES, step = planes ? 1 : LANES;
    const size_t in_blocks = planes ? y->cin : y->cin / LANES;
    const real *start = t->in;
    for (size_t b = 0; b < out_blocks; b += 2) {
        const size_t blocks = out_blocks - b >= 2 ? 2 : 1, width = blocks * LANES;
        wgrad_run *run = runs[planes][y->stride - 1][blocks - 1];
        real *group = grad + b * LANES * y->cin * 9;
        t->zb = zb + b * zb_block;
        t->grad_step = width;
        for (size_t c = 0; c < in_blocks; c++) {
            if (planes) {
                t->in = start + c * in->block;
                t->grad = group + c * 9 * width;
                run(t);
                continue;
            }
            for (size_t k = 0; k < 9; k++) {
                for (size_t i = 0; i < LANES; i += J) {
                    t->in = start + c * in->block + k / 3 * in->row + k % 3 * step + i;
                    t->grad = group + ((c * 9 + k) * LANES + i) * width;
                    run(t);
                }
            }
        }
    }
    t->in = start;
}

void conv_wgrad(const struct layer_shape *y, const struct view *in, const struct view *zb,
                size_t images, size_t rows, size_t columns, real *grad)
{
    size_t band = CHUNK_BYTES / (columns * 2 * LANES * sizeof(real)), together = 1;
    band = band < 1 ? 1 : band;
    if (band >= rows) {
        together = band / rows;
        band = rows;
    }
    for (size_t n = 0; n < images; n += together) {
        for (size_t row = 0; row < rows; row += band) {
            struct wgrad_tile t = {
                .in = in->p + n * in->image + row * y->stride * in->row,
                .in_image = in->image,
                .in_row = y->stride * in->row,
                .zb_image = zb->image,
                .zb_row = zb->row,
                .zb_block = zb->block,
                .images = images - n < together ? images - n : together,
                .rows = rows - row < band ? rows - row : band,
                .columns = columns,
            };
            chunk_run(y, in, at(zb, n, 0, row, 0), zb->block, &t, grad);
        }
    }
}
