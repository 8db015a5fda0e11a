/* Mean and covariance of all patches of a batch of images, for the first block of a pooled network:
 * what batch norm needs of a convolution without computing it. Taken once per task.
 *
 * The product of two taps of a patch is a product of two pixels, and it recurs: taps in rows ky and
 * ky + delta of the patch above output row y meet in image rows r = y + ky and r + delta, whatever
 * ky. So products are summed by image rows, over (c, kx) and (c', kx') for delta = 0, 1, 2, and
 * each pair of taps takes the image rows it covers, ky .. H - 1 + ky: all of them share the rows 2
 * .. H - 1, and the two rows above and below are summed apart. Half the work of all pairs. */
#include "calibration/kernel/fast.h"

enum {
    DELTAS = 3,
    TAPS = 3, /* of a row of a patch, per plane */
    TILE = 9, /* pairs of them */
    /* of a vector sum before it goes to the totals, whole images: 64 and more flipped a decision of
     * a reference case in float32 */
    MOST_TERMS = 16,
    /* planes multiplied at once with the taps of one */
    MOST_RIGHT = FAST_REGISTERS >= 32 ? 3 : 1,
};

/* Image rows of one kind: 0, 1, 2 .. H - 1, H, H + 1 of the bordered image. */
enum { CORE = 2, SECTIONS = 5 };

static size_t section_start(const struct layer_shape *y, size_t section)
{
    return section <= CORE ? section : y->in + section - CORE - 1;
}

static size_t section_rows(const struct layer_shape *y, size_t section)
{
    return section == CORE ? y->in - 2 : 1;
}

/* Does the row ky of the patches cover these image rows? */
static bool covers(size_t ky, size_t section)
{
    return section <= CORE ? ky <= section : ky + CORE >= section;
}

/* Tiles are [section][delta][c][c'], tile elements [kx][kx']; after all tiles of a section follow
 * the sums of its taps, [c][kx]. */
static size_t section_size(const struct layer_shape *y)
{
    return DELTAS * y->cin * y->cin * TILE + y->cin * TAPS;
}

static size_t tile_at(const struct layer_shape *y, size_t section, size_t delta, size_t left,
                      size_t right)
{
    return section * section_size(y) + ((delta * y->cin + left) * y->cin + right) * TILE;
}

static size_t taps_at(const struct layer_shape *y, size_t section, size_t plane)
{
    return section * section_size(y) + DELTAS * y->cin * y->cin * TILE + plane * TAPS;
}

struct moments moments_cut(struct bump *b, const struct layer_shape *y)
{
    const size_t taps = 9 * y->cin;
    return (struct moments){
        .mean = bump_take(b, taps, sizeof(double)),
        .covariance = bump_take(b, taps * taps, sizeof(double)),
    };
}

struct moments_scratch moments_scratch_cut(struct bump *b, const struct layer_shape *y)
{
    const size_t count = SECTIONS * section_size(y);
    return (struct moments_scratch){
        .sums = bump_take(b, count * LANES, sizeof(real)),
        .totals = bump_take(b, count, sizeof(double)),
    };
}

/* ---------------------------------------------------------------- sums over rows */

/* Lanes x .. x + LANES - 1 that are pixels. */
INLINE mask inside(size_t x, size_t pixels)
{
    mask lane;
    UNROLL
    for (int i = 0; i < LANES; i++) {
        lane[i] = i;
    }
    return lane < (lane_int)(pixels - x);
}

INLINE vec load_inside(const real *p, mask pixels)
{
    return (vec)((mask)load(p) & pixels);
}

/* sums += products of the taps of the plane at `left` with those of `planes` planes at `right`,
 * over rows of pixels. */
INLINE void products(const struct layer_shape *y, const struct view *x, const real *left,
                     const real *right, size_t rows, const int planes, real *sums)
{
    vec sum[TILE * MOST_RIGHT];
    UNROLL
    for (int i = 0; i < TILE * planes; i++) {
        sum[i] = load(sums + i * LANES);
    }
    for (size_t r = 0; r < rows; r++) {
        for (size_t i = 0; i < y->in; i += LANES) {
            const mask pixels = inside(i, y->in);
            vec l[TAPS];
            UNROLL
            for (int k = 0; k < TAPS; k++) {
                l[k] = load_inside(left + i + k, pixels);
            }
            UNROLL
            for (int j = 0; j < TAPS * planes; j++) {
                const vec v = load(right + (size_t)(j / TAPS) * x->block + i + j % TAPS);
                UNROLL
                for (int k = 0; k < TAPS; k++) {
                    const int to = j / TAPS * TILE + k * TAPS + j % TAPS;
                    sum[to] += l[k] * v;
                    PIN(sum[to], l[k], v);
                }
            }
        }
        left += x->row;
        right += x->row;
    }
    UNROLL
    for (int i = 0; i < TILE * planes; i++) {
        store(sums + i * LANES, sum[i]);
    }
}

static void tap_sums(const struct layer_shape *y, const struct view *x, const real *p, size_t rows,
                     real *sums)
{
    vec sum[TAPS];
    UNROLL
    for (int k = 0; k < TAPS; k++) {
        sum[k] = load(sums + k * LANES);
    }
    for (size_t r = 0; r < rows; r++) {
        for (size_t i = 0; i < y->in; i += LANES) {
            const mask pixels = inside(i, y->in);
            UNROLL
            for (int k = 0; k < TAPS; k++) {
                sum[k] += load_inside(p + i + k, pixels);
            }
        }
        p += x->row;
    }
    UNROLL
    for (int k = 0; k < TAPS; k++) {
        store(sums + k * LANES, sum[k]);
    }
}

/* All products of one image in one section. */
static void section_add(const struct layer_shape *y, const struct view *x, const real *image,
                        size_t section, real *sums)
{
    const size_t rows = section_rows(y, section);
    image += section_start(y, section) * x->row;
    for (size_t c = 0; c < y->cin; c++) {
        const real *left = image + c * x->block;
        tap_sums(y, x, left, rows, sums + taps_at(y, section, c) * LANES);
        /* Below the core, only the last rows of a patch cover the section, and row ky + delta must
         * exist. */
        const size_t deltas = section <= CORE ? DELTAS : DELTAS + CORE - section;
        for (size_t delta = 0; delta < deltas; delta++) {
            for (size_t to = delta == 0 ? c : 0; to < y->cin;) {
                const size_t rest = y->cin - to, planes = rest < MOST_RIGHT ? rest : MOST_RIGHT;
                const real *right = image + to * x->block + delta * x->row;
                real *tile = sums + tile_at(y, section, delta, c, to) * LANES;
                if (planes == 1) {
                    products(y, x, left, right, rows, 1, tile);
#if FAST_REGISTERS >= 32
                } else if (planes == 2) {
                    products(y, x, left, right, rows, 2, tile);
                } else {
                    products(y, x, left, right, rows, 3, tile);
#endif
                }
                to += planes;
            }
        }
    }
}

/* Sums of a section into its totals, and cleared. */
static void section_flush(const struct layer_shape *y, size_t section,
                          const struct moments_scratch *w)
{
    const size_t size = section_size(y), first = section * size;
    for (size_t i = first; i < first + size; i++) {
        const vec v = load(w->sums + i * LANES);
        double sum = 0.0;
        for (size_t lane = 0; lane < LANES; lane++) {
            sum += (double)v[lane];
        }
        w->totals[i] += sum;
    }
    memset(w->sums + first * LANES, 0, size * LANES * sizeof(real));
}

/* ---------------------------------------------------------------- totals to moments */

/* Sum over all patches of tap a times tap b; taps count plane, row, column. */
static double pair_total(const struct layer_shape *y, const double *totals, size_t a, size_t b)
{
    const size_t row_a = a % 9 / 3, row_b = b % 9 / 3;
    if (row_a > row_b || (row_a == row_b && a / 9 > b / 9)) {
        return pair_total(y, totals, b, a);
    }
    double sum = 0.0;
    for (size_t section = 0; section < SECTIONS; section++) {
        if (covers(row_a, section)) {
            sum += totals[tile_at(y, section, row_b - row_a, a / 9, b / 9) + a % 3 * TAPS + b % 3];
        }
    }
    return sum;
}

void moments_take(const struct layer_shape *y, const struct view *x, size_t n,
                  const struct moments_scratch *w, struct moments *m)
{
    const size_t taps = 9 * y->cin, vectors = (y->in + LANES - 1) / LANES;
    const double count = (double)(n * y->conv * y->conv);
    memset(w->sums, 0, SECTIONS * section_size(y) * LANES * sizeof *w->sums);
    memset(w->totals, 0, SECTIONS * section_size(y) * sizeof *w->totals);
    for (size_t section = 0; section < SECTIONS; section++) {
        size_t terms = 0;
        for (size_t i = 0; i < n; i++) {
            section_add(y, x, x->p + i * x->image, section, w->sums);
            terms += section_rows(y, section) * vectors;
            if (terms >= MOST_TERMS || i + 1 == n) {
                section_flush(y, section, w);
                terms = 0;
            }
        }
    }
    for (size_t k = 0; k < taps; k++) {
        double sum = 0.0;
        for (size_t section = 0; section < SECTIONS; section++) {
            if (covers(k % 9 / 3, section)) {
                sum += w->totals[taps_at(y, section, k / 9) + k % 3];
            }
        }
        m->mean[k] = sum / count;
    }
    for (size_t i = 0; i < taps; i++) {
        for (size_t j = i; j < taps; j++) {
            m->covariance[i * taps + j] = m->covariance[j * taps + i] =
                pair_total(y, w->totals, i, j) / count - m->mean[i] * m->mean[j];
        }
    }
}
