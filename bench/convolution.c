/* The convolutions of CONV4, one thread: this program's own code against the libraries it could
 * have used. GFLOP/s, padding taps counted, medians of CPU time, random data, no layout changes
 * inside the times (each library in the layout it likes best).
 *
 *   bench_convolution [IMAGES [SECONDS]]        default 75 images, 0.1 s a figure
 *
 * oneDNN: its own choice of algorithm and blocked layout. OpenBLAS: im2col, then sgemm, image by
 * image. LIBXSMM: forward only, each row of the output as a sum of nine small products (NHWC,
 * padded input). Each is there only when its development package was when this was built. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"
#include "bench/convolution_own.h"

#if defined(HAVE_ONEDNN)
#include <dnnl.h>
#endif
#if defined(HAVE_OPENBLAS)
#include <cblas.h>
void openblas_set_num_threads(int threads);
#endif
#if defined(HAVE_LIBXSMM)
#include <libxsmm.h>
#endif

static const char *const primitive_names[PRIMITIVES] = {"forward", "by input", "by weights"};

static size_t out_side(const struct convolution *c)
{
    return (c->in - 1) / c->stride + 1;
}

static double flop(const struct convolution *c)
{
    const double side = (double)out_side(c);
    return 18.0 * (double)(c->images * c->cin * c->cout) * side * side;
}

static double own(const struct convolution *c, enum primitive p, double budget_s)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")) {
        return own_avx512(c, p, budget_s);
    }
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        return own_avx2(c, p, budget_s);
    }
#endif
    return own_portable(c, p, budget_s);
}

/* ---------------------------------------------------------------- oneDNN 2 */

#if defined(HAVE_ONEDNN)
static void must(dnnl_status_t status)
{
    if (status != dnnl_success) {
        fprintf(stderr, "oneDNN: status %d\n", (int)status);
        exit(1);
    }
}

static dnnl_memory_desc_t any(const dnnl_dim_t *dims)
{
    dnnl_memory_desc_t d;
    must(dnnl_memory_desc_init_by_tag(&d, 4, dims, dnnl_f32, dnnl_format_tag_any));
    return d;
}

static dnnl_memory_t filled(const_dnnl_primitive_desc_t pd, dnnl_query_t what, int index,
                            dnnl_engine_t engine)
{
    const dnnl_memory_desc_t *d = dnnl_primitive_desc_query_md(pd, what, index);
    dnnl_memory_t memory;
    float *data;
    must(dnnl_memory_create(&memory, d, engine, DNNL_MEMORY_ALLOCATE));
    must(dnnl_memory_get_data_handle(memory, (void **)&data));
    const size_t count = dnnl_memory_desc_get_size(d) / sizeof *data;
    for (size_t i = 0; i < count; i++) {
        data[i] = (float)(i * 2654435761u % 1024) / 512 - 1;
    }
    return memory;
}

static double onednn(const struct convolution *c, enum primitive p, double budget_s)
{
    enum { MOST = 500 };
    const dnnl_dim_t n = (dnnl_dim_t)c->images, side = (dnnl_dim_t)c->in;
    const dnnl_dim_t ci = (dnnl_dim_t)c->cin, co = (dnnl_dim_t)c->cout;
    const dnnl_dim_t o = (dnnl_dim_t)out_side(c);
    const dnnl_dims_t strides = {(dnnl_dim_t)c->stride, (dnnl_dim_t)c->stride};
    const dnnl_dims_t before = {1, 1};
    const dnnl_dims_t after = {(o - 1) * strides[0] + 3 - side - 1,
                               (o - 1) * strides[0] + 3 - side - 1};
    const dnnl_memory_desc_t src = any((dnnl_dims_t){n, ci, side, side});
    const dnnl_memory_desc_t weights = any((dnnl_dims_t){co, ci, 3, 3});
    const dnnl_memory_desc_t dst = any((dnnl_dims_t){n, co, o, o});
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    must(dnnl_engine_create(&engine, dnnl_cpu, 0));
    must(dnnl_stream_create(&stream, engine, dnnl_stream_default_flags));
    dnnl_convolution_desc_t fwd, desc;
    dnnl_primitive_desc_t fwd_pd, pd;
    must(dnnl_convolution_forward_desc_init(&fwd, dnnl_forward_training, dnnl_convolution_direct,
                                            &src, &weights, NULL, &dst, strides, before, after));
    must(dnnl_primitive_desc_create(&fwd_pd, &fwd, NULL, engine, NULL));
    pd = fwd_pd;
    if (p == BY_INPUT) {
        must(dnnl_convolution_backward_data_desc_init(&desc, dnnl_convolution_direct, &src,
                                                      &weights, &dst, strides, before, after));
        must(dnnl_primitive_desc_create(&pd, &desc, NULL, engine, fwd_pd));
    } else if (p == BY_WEIGHTS) {
        must(dnnl_convolution_backward_weights_desc_init(
            &desc, dnnl_convolution_direct, &src, &weights, NULL, &dst, strides, before, after));
        must(dnnl_primitive_desc_create(&pd, &desc, NULL, engine, fwd_pd));
    }
    static const struct {
        dnnl_query_t what;
        int argument;
    } use[PRIMITIVES][3] = {
        {{dnnl_query_src_md, DNNL_ARG_SRC},
         {dnnl_query_weights_md, DNNL_ARG_WEIGHTS},
         {dnnl_query_dst_md, DNNL_ARG_DST}},
        {{dnnl_query_diff_dst_md, DNNL_ARG_DIFF_DST},
         {dnnl_query_weights_md, DNNL_ARG_WEIGHTS},
         {dnnl_query_diff_src_md, DNNL_ARG_DIFF_SRC}},
        {{dnnl_query_src_md, DNNL_ARG_SRC},
         {dnnl_query_diff_dst_md, DNNL_ARG_DIFF_DST},
         {dnnl_query_diff_weights_md, DNNL_ARG_DIFF_WEIGHTS}},
    };
    dnnl_exec_arg_t args[3];
    for (int i = 0; i < 3; i++) {
        args[i] = (dnnl_exec_arg_t){use[p][i].argument, filled(pd, use[p][i].what, 0, engine)};
    }
    dnnl_primitive_t primitive;
    must(dnnl_primitive_create(&primitive, pd));
    double seconds[MOST];
    size_t done = 0;
    const double begin = bench_wall_s();
    while (done < MOST && (done < 6 || bench_wall_s() - begin < budget_s)) {
        const double start = bench_cpu_s();
        must(dnnl_primitive_execute(primitive, stream, 3, args));
        must(dnnl_stream_wait(stream));
        seconds[done++] = bench_cpu_s() - start;
    }
    for (int i = 0; i < 3; i++) {
        dnnl_memory_destroy(args[i].memory);
    }
    dnnl_primitive_destroy(primitive);
    if (pd != fwd_pd) {
        dnnl_primitive_desc_destroy(pd);
    }
    dnnl_primitive_desc_destroy(fwd_pd);
    dnnl_stream_destroy(stream);
    dnnl_engine_destroy(engine);
    return bench_median(seconds + 1, done - 1); /* the first one warms up */
}
#endif

/* ---------------------------------------------------------------- OpenBLAS */

#if defined(HAVE_OPENBLAS)
/* [cin][3][3][out][out] of one image, or its transpose: the sum back into the image. */
static void patches(const struct convolution *c, float *image, float *columns, int back)
{
    const size_t o = out_side(c);
    for (size_t k = 0; k < c->cin * 9; k++) {
        float *plane = image + k / 9 * c->in * c->in;
        for (size_t y = 0; y < o; y++) {
            const size_t row = y * c->stride + k % 9 / 3;
            float *to = columns + (k * o + y) * o;
            for (size_t x = 0; x < o; x++) {
                const size_t column = x * c->stride + k % 3;
                const int in = row >= 1 && row <= c->in && column >= 1 && column <= c->in;
                float *pixel = plane + (row - 1) * c->in + column - 1;
                if (back && in) {
                    *pixel += to[x];
                } else if (!back) {
                    to[x] = in ? *pixel : 0.0f;
                }
            }
        }
    }
}

static double openblas(const struct convolution *c, enum primitive p, double budget_s)
{
    enum { MOST = 100 };
    const size_t pixels = out_side(c) * out_side(c), k = 9 * c->cin;
    const int M = (int)c->cout, N = (int)pixels, K = (int)k;
    float *x = calloc(c->images * c->cin * c->in * c->in, sizeof *x);
    float *z = calloc(c->images * c->cout * pixels, sizeof *z);
    float *w = calloc(c->cout * k, sizeof *w), *columns = calloc(k * pixels, sizeof *columns);
    double seconds[MOST];
    size_t done = 0;
    const double begin = bench_wall_s();
    while (x && z && w && columns && done < MOST &&
           (done < 4 || bench_wall_s() - begin < budget_s)) {
        const double start = bench_cpu_s();
        for (size_t n = 0; n < c->images; n++) {
            float *image = x + n * c->cin * c->in * c->in, *out = z + n * c->cout * pixels;
            if (p != BY_INPUT) {
                patches(c, image, columns, 0);
            }
            if (p == FORWARD) {
                cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, M, N, K, 1, w, K, columns, N,
                            0, out, N);
            } else if (p == BY_INPUT) {
                cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, K, N, M, 1, w, K, out, N, 0,
                            columns, N);
                patches(c, image, columns, 1);
            } else {
                cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, M, K, N, 1, out, N, columns, N,
                            1, w, K);
            }
        }
        seconds[done++] = bench_cpu_s() - start;
    }
    free(x);
    free(z);
    free(w);
    free(columns);
    return done ? bench_median(seconds, done) : 0.0;
}
#endif

/* ---------------------------------------------------------------- LIBXSMM */

#if defined(HAVE_LIBXSMM)
static double libxsmm(const struct convolution *c, double budget_s)
{
    enum { MOST = 500, TAPS = 9 };
    const size_t o = out_side(c), side = c->in + 2;
    const libxsmm_blasint m = (libxsmm_blasint)c->cout, n = (libxsmm_blasint)o;
    const libxsmm_blasint k = (libxsmm_blasint)c->cin, step = (libxsmm_blasint)(c->stride * c->cin);
    const float one = 1, zero = 0;
    const libxsmm_smmfunction_reducebatch_addr product =
        libxsmm_smmdispatch_reducebatch_addr(m, n, k, &m, &step, &m, &one, &zero, NULL, NULL);
    const size_t inputs = c->images * side * side * c->cin;
    float *x = calloc(inputs, sizeof *x), *w = calloc(TAPS * c->cin * c->cout, sizeof *w);
    float *z = calloc(c->images * o * o * c->cout, sizeof *z);
    double seconds[MOST];
    size_t done = 0;
    for (size_t i = 0; x && i < inputs; i++) {
        x[i] = (float)(i * 2654435761u % 1024) / 512 - 1;
    }
    const double begin = bench_wall_s();
    while (product && x && w && z && done < MOST &&
           (done < 6 || bench_wall_s() - begin < budget_s)) {
        const double start = bench_cpu_s();
        for (size_t row = 0; row < c->images * o; row++) {
            const float *a[TAPS], *b[TAPS];
            const unsigned long long taps = TAPS;
            for (size_t tap = 0; tap < TAPS; tap++) {
                a[tap] = w + tap * c->cin * c->cout;
                b[tap] = x + ((row / o * side + row % o * c->stride + tap / 3) * side + tap % 3) *
                                 c->cin;
            }
            product(a, b, z + row * o * c->cout, &taps);
        }
        seconds[done++] = bench_cpu_s() - start;
    }
    free(x);
    free(w);
    free(z);
    return done > 1 ? bench_median(seconds + 1, done - 1) : HUGE_VAL;
}
#endif

int main(int argc, char **argv)
{
    static const struct convolution layers[] = {
        {"84x84, 3 -> F", 3, 0, 84, 1, 0, 1},
        {"42x42", 0, 0, 42, 1, 0, 0},
        {"21x21", 0, 0, 21, 1, 0, 0},
        {"10x10", 0, 0, 10, 1, 0, 0},
        {"32x32, 3 -> F", 3, 0, 32, 1, 0, 1},
        {"16x16", 0, 0, 16, 1, 0, 0},
        {"8x8", 0, 0, 8, 1, 0, 0},
        {"4x4", 0, 0, 4, 1, 0, 0},
        {"28x28, 1 -> F, /2", 1, 0, 28, 2, 0, 1},
        {"14x14, /2", 0, 0, 14, 2, 0, 0},
        {"7x7, /2", 0, 0, 7, 2, 0, 0},
        {"4x4, /2", 0, 0, 4, 2, 0, 0},
    };
    const size_t images = argc > 1 ? strtoul(argv[1], NULL, 10) : 75;
    const double budget_s = argc > 2 ? strtod(argv[2], NULL) : 0.1;
    if (images == 0 || budget_s <= 0.0) {
        fprintf(stderr, "usage: bench_convolution [IMAGES [SECONDS]]\n");
        return 2;
    }
#if defined(HAVE_OPENBLAS)
    openblas_set_num_threads(1);
#endif
    printf("%zu images, GFLOP/s on one thread\n%-18s %3s %-11s %8s %8s %9s %8s\n", images,
           "convolution", "F", "gradient", "own", "oneDNN", "OpenBLAS", "LIBXSMM");
    for (size_t hidden = 32; hidden <= 64; hidden *= 2) {
        for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) {
            struct convolution c = layers[i];
            c.cout = hidden;
            c.cin = c.cin ? c.cin : hidden;
            c.images = images;
            for (int p = FORWARD; p < PRIMITIVES; p++) {
                if (c.planes && p == BY_INPUT) {
                    continue; /* never needed */
                }
                const double work = flop(&c) * 1e-9;
                printf("%-18s %3zu %-11s %8.1f", c.name, hidden, primitive_names[p],
                       work / own(&c, (enum primitive)p, budget_s));
#if defined(HAVE_ONEDNN)
                printf(" %8.1f", work / onednn(&c, (enum primitive)p, budget_s));
#else
                printf(" %8s", "-");
#endif
#if defined(HAVE_OPENBLAS)
                printf(" %9.1f", work / openblas(&c, (enum primitive)p, budget_s));
#else
                printf(" %9s", "-");
#endif
#if defined(HAVE_LIBXSMM)
                if (p == FORWARD) {
                    printf(" %8.1f", work / libxsmm(&c, budget_s));
                }
#endif
                printf("\n");
                fflush(stdout);
            }
        }
    }
    return 0;
}
