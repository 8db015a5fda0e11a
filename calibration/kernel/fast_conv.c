/* Direct convolution: a tile of Q row pieces of P pixels times B blocks of output channels lives in
 * registers while the taps and input channels pass by; each input value is broadcast and multiplied
 * with B weight vectors. With B = 2 and 14 pixels that is 28 accumulators of 32 registers and 16
 * loads for 28 multiply-adds, below what the load ports take.
 *
 * The input-channel block is the outer loop: the weights of one (18 KB in float32) stay in the
 * first cache while a band of rows passes, and the sums wait in `out` between blocks. Forward,
 * tangent-forward (two sources: [ad, a] with [W; V]) and the gradient by the input (weights
 * transposed, taps reversed) are all this one loop (SPEC section 3, "doubled channels"). */
#include "calibration/kernel/fast.h"

enum { MAX_PIECES = 7, MAX_BAND_ROWS = 256, BAND_PIXELS = 256 };

struct tile {
    const real *in[MAX_PIECES];
    real *out[MAX_PIECES];
    const real *weight;
    const ptrdiff_t *tap_in, *tap_weight;
    size_t taps, out_step, out_block;
    bool add; /* to out, else replace it */
};

typedef void tile_run(const struct tile *t);

INLINE void tile_body(const struct tile *t, const int Q, const int P, const int B, const int step,
                      const int channels)
{
    vec sum[28];
    UNROLL
    for (int i = 0; i < Q * P * B; i++) {
        sum[i] = (vec){0};
    }
    for (size_t k = 0; k < t->taps; k++) {
        const real *w = t->weight + t->tap_weight[k];
        const real *in[MAX_PIECES];
        UNROLL
        for (int q = 0; q < Q; q++) {
            in[q] = t->in[q] + t->tap_in[k];
        }
        UNROLL2
        for (int c = 0; c < channels; c++) {
            vec weight[2];
            UNROLL
            for (int b = 0; b < B; b++) {
                weight[b] = load(w + (c * B + b) * LANES);
            }
            UNROLL
            for (int i = 0; i < Q * P; i++) {
                const vec x = broadcast(in[i / P][(i % P) * step + c]);
                UNROLL
                for (int b = 0; b < B; b++) {
                    sum[i * B + b] += x * weight[b];
                    PIN(sum[i * B + b], x, weight[b]);
                }
            }
        }
    }
    /* Each input block's sum is made from zero and then added: float32 keeps more that way. */
    UNROLL
    for (int i = 0; i < Q * P; i++) {
        UNROLL
        for (int b = 0; b < B; b++) {
            real *out = t->out[i / P] + (size_t)(i % P) * t->out_step + (size_t)b * t->out_block;
            if (t->add) {
                sum[i * B + b] += load(out);
            }
            store(out, sum[i * B + b]);
        }
    }
}

/* ---------------------------------------------------------------- the tiles that exist */

/* Piece lengths, and how many pieces of that length make a full tile; by the registers there are.
 */
#if FAST_REGISTERS >= 32
enum { MAX_PIECE = 14 };
static const unsigned char pieces_of[MAX_PIECE + 1] = {0, 7, 7, 4, 3, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1};
#define FOR_PIECES(X)                                                                              \
    X(1, 1)                                                                                        \
    X(1, 2)                                                                                        \
    X(1, 3)                                                                                        \
    X(1, 4) X(1, 5) X(1, 6) X(1, 7) X(1, 8) X(1, 9) X(1, 10) X(1, 11) X(1, 12) X(1, 13) X(1, 14)
#define FOR_TILES(X) X(7, 1) X(7, 2) X(4, 3) X(3, 4) X(2, 5) X(2, 6) X(2, 7)
#else
enum { MAX_PIECE = 6 };
static const unsigned char pieces_of[MAX_PIECE + 1] = {0, 6, 3, 2, 1, 1, 1};
#define FOR_PIECES(X) X(1, 1) X(1, 2) X(1, 3) X(1, 4) X(1, 5) X(1, 6)
#define FOR_TILES(X) X(6, 1) X(3, 2) X(2, 3)
#endif

/* Names end in pieces, pixels, blocks; the four kinds are blocks or planes, stride 1 or 2. */
#define DEFINE(kind, q, p, b, step, channels)                                                      \
    static void kind##_##q##_##p##_##b(const struct tile *t)                                       \
    {                                                                                              \
        tile_body(t, q, p, b, step, channels);                                                     \
    }
#define DEFINE_KINDS(q, p, b)                                                                      \
    DEFINE(blocks1, q, p, b, LANES, LANES)                                                         \
    DEFINE(blocks2, q, p, b, 2 * LANES, LANES)                                                     \
    DEFINE(planes1, q, p, b, 1, 1)                                                                 \
    DEFINE(planes2, q, p, b, 2, 1)
#define DEFINE_PIECE(q, p) DEFINE_KINDS(q, p, 1) DEFINE_KINDS(q, p, 2)
#define DEFINE_TILE(q, p)                                                                          \
    DEFINE(blocks1, q, p, 2, LANES, LANES) DEFINE(blocks2, q, p, 2, 2 * LANES, LANES)
FOR_PIECES(DEFINE_PIECE)
FOR_TILES(DEFINE_TILE)

enum kind { BLOCKS1, BLOCKS2, PLANES1, PLANES2, KINDS };

#define PIECE_ROW(q, p)                                                                            \
    [p] = {{blocks1_##q##_##p##_1, blocks1_##q##_##p##_2},                                         \
           {blocks2_##q##_##p##_1, blocks2_##q##_##p##_2},                                         \
           {planes1_##q##_##p##_1, planes1_##q##_##p##_2},                                         \
           {planes2_##q##_##p##_1, planes2_##q##_##p##_2}},
#define TILE_ROW(q, p) [p] = {blocks1_##q##_##p##_2, blocks2_##q##_##p##_2},

static tile_run *const single[MAX_PIECE + 1][KINDS][2] = {FOR_PIECES(PIECE_ROW)};
static tile_run *const several[MAX_PIECE + 1][2] = {FOR_TILES(TILE_ROW)};

/* ---------------------------------------------------------------- bands of rows */

/* Where the rows of a band start, without the block. */
struct band {
    size_t rows;
    ptrdiff_t in[MAX_SOURCES][MAX_BAND_ROWS], out[MAX_BAND_ROWS];
};

static void band_place(const struct conv_job *j, size_t first, struct band *band)
{
    for (size_t r = 0; r < band->rows; r++) {
        const size_t n = (first + r) / j->height, y = (first + r) % j->height;
        for (size_t s = 0; s < j->sources; s++) {
            band->in[s][r] = (ptrdiff_t)(n * j->in[s].image + y * j->stride * j->in[s].row);
        }
        band->out[r] = (ptrdiff_t)(n * j->out.image + y * j->out.row);
    }
}

/* All tiles of a band for one group of output blocks and one input block (or some planes). */
static void band_run(const struct conv_job *j, const struct band *band, size_t source,
                     const real *in, real *out, int blocks, struct tile *t)
{
    const enum kind kind =
        j->planes ? (j->stride == 1 ? PLANES1 : PLANES2) : (j->stride == 1 ? BLOCKS1 : BLOCKS2);
    const size_t cuts = (j->width + MAX_PIECE - 1) / MAX_PIECE;
    const size_t step = j->stride * (j->planes ? 1 : LANES);
    for (size_t cut = 0; cut < cuts; cut++) {
        const size_t x = cut * j->width / cuts, pixels = (cut + 1) * j->width / cuts - x;
        const bool tiled = blocks == 2 && !j->planes && pieces_of[pixels] > 1;
        const size_t full = tiled ? pieces_of[pixels] : 1;
        for (size_t r = 0; r < band->rows;) {
            const size_t pieces = band->rows - r >= full ? full : 1;
            for (size_t q = 0; q < pieces; q++) {
                t->in[q] = in + band->in[source][r + q] + (ptrdiff_t)(x * step);
                t->out[q] = out + band->out[r + q] + (ptrdiff_t)(x * j->out_step);
            }
            if (pieces > 1) {
                several[pixels][kind](t);
            } else {
                single[pixels][kind][blocks - 1](t);
            }
            r += pieces;
        }
    }
}

/* Offsets of all taps of `planes` planes in one list; one block is the case of a single plane. */
static size_t list_taps(const struct conv_job *j, size_t planes, size_t in_block, size_t width,
                        ptrdiff_t *tap_in, ptrdiff_t *tap_weight)
{
    size_t count = 0;
    for (size_t c = 0; c < planes; c++) {
        for (size_t k = 0; k < j->taps; k++) {
            tap_in[count] = j->tap_in[k] + (ptrdiff_t)(c * in_block);
            tap_weight[count++] = (ptrdiff_t)(c * j->block_weights * width +
                                              j->tap_weight[k] * (j->planes ? 1 : LANES) * width);
        }
    }
    return count;
}

void conv_run(const struct conv_job *j)
{
    const size_t total = j->images * j->height;
    size_t rows = (BAND_PIXELS + j->width - 1) / j->width;
    rows = rows < MAX_BAND_ROWS ? rows : MAX_BAND_ROWS;
    /* Input blocks per tile: planes have little work each, and so have the few taps per output
     * pixel of a transposed stride; a block of 9 taps fills the first cache alone. */
    const size_t together = j->planes ? MAX_TAPS / 9 : j->taps < 9 ? 9 / j->taps : 1;
    struct band band;
    for (size_t first = 0; first < total; first += rows) {
        band.rows = total - first < rows ? total - first : rows;
        band_place(j, first, &band);
        for (size_t b = 0; b < j->out_blocks; b += 2) {
            const int blocks = j->out_blocks - b >= 2 ? 2 : 1;
            const size_t width = (size_t)blocks * LANES;
            struct tile t = {.out_step = j->out_step, .out_block = j->out.block};
            for (size_t s = 0; s < j->sources; s++) {
                for (size_t c = 0; c < j->in_blocks; c += together) {
                    const size_t planes = j->in_blocks - c < together ? j->in_blocks - c : together;
                    ptrdiff_t tap_in[MAX_TAPS], tap_weight[MAX_TAPS];
                    t.taps = list_taps(j, planes, j->in[s].block, width, tap_in, tap_weight);
                    t.tap_in = tap_in;
                    t.tap_weight = tap_weight;
                    t.weight =
                        j->weight[s] + b / 2 * j->group_weights + c * j->block_weights * width;
                    t.add = s > 0 || c > 0;
                    band_run(j, &band, s, j->in[s].p + c * j->in[s].block,
                             j->out.p + b * j->out.block, blocks, &t);
                }
            }
        }
    }
}

/* ---------------------------------------------------------------- the three uses */

void conv_forward(const struct layer_shape *y, size_t sources, const struct view *in,
                  const real *const *weight, const struct view *out, size_t images, size_t rows)
{
    const bool planes = y->weight == 0; /* the first block reads images */
    const size_t step = planes ? 1 : LANES;
    struct conv_job j = {
        .sources = sources,
        .in_blocks = planes ? y->cin : y->cin / LANES,
        .stride = y->stride,
        .planes = planes,
        .group_weights = y->cin * 9 * 2 * LANES,
        .block_weights = planes ? 9 : 9 * LANES,
        .taps = 9,
        .out = *out,
        .out_step = LANES,
        .out_blocks = y->cout / LANES,
        .height = rows,
        .width = y->conv,
        .images = images,
    };
    for (size_t s = 0; s < sources; s++) {
        j.in[s] = in[s];
        j.weight[s] = weight[s];
    }
    for (size_t k = 0; k < 9; k++) {
        j.tap_in[k] = (ptrdiff_t)(k / 3 * in[0].row + k % 3 * step);
        j.tap_weight[k] = k;
    }
    conv_run(&j);
}

/* Output row `parity` + stride * i of the transpose meets, through tap k, row i + *border of the
 * bordered zb. False when the tap never meets these rows. */
static bool transposed_tap(size_t stride, size_t parity, size_t k, size_t *border)
{
    if (stride == 1) {
        *border = 2 - k;
        return true;
    }
    *border = k == 0 ? 2 : 1;
    return (k == 1) == (parity == 0);
}

void conv_dgrad(const struct layer_shape *y, size_t sources, const struct view *zb,
                const real *const *transposed, const struct view *bar, size_t images)
{
    const size_t S = y->stride;
    for (size_t parity = 0; parity < S * S; parity++) {
        const size_t py = parity / S, px = parity % S;
        struct conv_job j = {
            .sources = sources,
            .in_blocks = y->cout / LANES,
            .stride = 1,
            .group_weights = y->cout * 9 * 2 * LANES,
            .block_weights = 9 * LANES,
            .out = *bar,
            .out_step = S * LANES,
            .out_blocks = y->cin / LANES,
            .height = (y->in - py + S - 1) / S,
            .width = (y->in - px + S - 1) / S,
            .images = images,
        };
        if (y->in <= py || y->in <= px) {
            continue;
        }
        j.out.p = at(bar, 0, 0, py, px);
        j.out.row = S * bar->row;
        for (size_t s = 0; s < sources; s++) {
            j.in[s] = zb[s];
            j.weight[s] = transposed[s];
        }
        /* Last tap first: rows of the input are then met in the order of memory. */
        for (size_t k = 9; k-- > 0;) {
            size_t row, column;
            if (transposed_tap(S, py, k / 3, &row) && transposed_tap(S, px, k % 3, &column)) {
                j.tap_in[j.taps] = (ptrdiff_t)(row * zb[0].row + column * LANES);
                j.tap_weight[j.taps++] = k;
            }
        }
        conv_run(&j);
    }
}

void conv_transpose(size_t channels, const real *weight, real *transposed)
{
    const size_t blocks = channels / LANES, group = channels * 9 * 2 * LANES;
    for (size_t o = 0; o < blocks; o++) {
        const size_t o_width = (blocks - o / 2 * 2 >= 2 ? 2 : 1) * LANES;
        for (size_t i = 0; i < blocks; i++) {
            const size_t i_width = (blocks - i / 2 * 2 >= 2 ? 2 : 1) * LANES;
            for (size_t k = 0; k < 9; k++) {
                const real *from =
                    weight + o / 2 * group + (i * 9 + k) * LANES * o_width + o % 2 * LANES;
                real *to =
                    transposed + i / 2 * group + (o * 9 + k) * LANES * i_width + i % 2 * LANES;
                for (size_t co = 0; co < LANES; co++) {
                    for (size_t ci = 0; ci < LANES; ci++) {
                        to[co * i_width + ci] = from[ci * o_width + co];
                    }
                }
            }
        }
    }
}
