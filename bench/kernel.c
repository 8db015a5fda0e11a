/* The meta-learning kernel against PyTorch and against the machine: milliseconds per task, GFLOP/s,
 * share of the peak and of the practical bound, ratio to the best PyTorch figure, geometric means.
 *
 *   bench_kernel [--algorithm NAME] [--dataset NAME] [--path NAME] [--seconds S] [--csv FILE]
 *                [--threads]
 *
 * One-thread times are CPU seconds of the process (the wall clock of an idle core), medians.
 * PyTorch's figures and the bounds come from bench/data/pytorch_kernel.csv and belong to the
 * machine named there; the bandwidth of this machine is measured first, its peak beside every row
 * (clocks move), and the bound is also shown scaled by them. MB is one worker's memory, after it
 * how often the tensors that must be saved would fit. --threads compares two tasks at a time with
 * one. --csv writes the table for plots/roofline.gp. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/kernel_peak.h"
#include "calibration/calibration.h"

/* The machine of the data file (bench/data/README.md). */
static const double reference_gflop_per_s = 157.0, reference_gb_per_s = 12.4;

struct options {
    const char *algorithm, *dataset, *csv;
    enum kernel_path path;
    double seconds; /* per row */
    bool threads;
};

struct machine {
    double gflop_per_s, gb_per_s;
};

struct row {
    struct kernel_config config;
    const char *dataset;
    double pytorch_ms, bound_fma_ms, bound_conv_ms, bound_passes_ms;
};

static double clock_s(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void print_error(const struct error *err)
{
    char text[1024];
    error_format(err, text, sizeof text);
    fprintf(stderr, "%s\n", text);
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* ---------------------------------------------------------------- the machine */

static double peak_gflop_per_s(void)
{
    double (*peak)(size_t, float *) = peak_portable;
#if defined(__x86_64__)
    peak = __builtin_cpu_supports("avx512f") ? peak_avx512
           : __builtin_cpu_supports("avx2")  ? peak_avx2
                                             : peak_portable;
#endif
    double best = 0.0;
    for (int i = 0; i < 6; i++) {
        float out[12] = {0.999f, 0.001f, 0.1f, 0.2f, 0.3f, 0.4f, 0.5f, 0.6f, 0.7f, 0.8f, 0.9f};
        const double start = clock_s(CLOCK_PROCESS_CPUTIME_ID);
        const double flop = peak(2000000, out);
        best = fmax(best, flop / (clock_s(CLOCK_PROCESS_CPUTIME_ID) - start) * 1e-9);
    }
    return best;
}

/* Copy and scale of 64 MiB: bytes read plus bytes written. */
static double bandwidth_gb_per_s(void)
{
    const size_t n = (size_t)16 << 20;
    float *from = calloc(n, sizeof *from), *to = calloc(n, sizeof *to);
    double best = 0.0;
    if (from && to) {
        memset(from, 1, n * sizeof *from);
        memset(to, 1, n * sizeof *to);
        for (int r = 0; r < 10; r++) {
            const double start = clock_s(CLOCK_PROCESS_CPUTIME_ID);
            for (size_t i = 0; i < n; i++) {
                to[i] = 1.5f * from[i];
            }
            best = fmax(best, 2.0 * (double)(n * sizeof *to) /
                                  (clock_s(CLOCK_PROCESS_CPUTIME_ID) - start) * 1e-9);
            from[r] = to[n - 1];
        }
    }
    free(from);
    free(to);
    return best;
}

/* ---------------------------------------------------------------- one row */

/* Synthetic tasks and a kernel to run them. */
struct run {
    struct kernel *k;
    struct kernel_episode episode[2];
    float *x;
    int32_t *y;
};

static void run_close(struct run *r)
{
    kernel_delete(r->k);
    free(r->x);
    free(r->y);
}

static enum status run_open(const struct kernel_config *c, struct run *r, struct error *err)
{
    const size_t each = c->channels * c->size * c->size;
    const size_t s = c->ways * c->shots, q = c->ways * c->queries;
    *r = (struct run){.x = calloc(c->meta_batch * (s + q) * each, sizeof(float)),
                      .y = calloc(c->meta_batch * (s + q), sizeof(int32_t))};
    if (!r->x || !r->y) {
        return RAISE(err, ERR_MEMORY, "no memory for the images");
    }
    const enum status status = kernel_new(c, &r->k, err);
    for (size_t i = 0; !status && i < c->meta_batch; i++) {
        float *x = r->x + i * (s + q) * each;
        int32_t *y = r->y + i * (s + q);
        r->episode[i] = (struct kernel_episode){x, y, x + s * each, y + s};
        kernel_synthetic_episode(c, 1, i, x, y, x + s * each, y + s);
    }
    if (!status) {
        kernel_initialise(r->k, 1);
    }
    return status;
}

/* Median seconds of a meta-gradient on this clock, over budget_s seconds and at least 5 rounds;
 * negative after an error, which is printed. */
static double median_s(const struct kernel_config *config, clockid_t clock, double budget_s)
{
    enum { MOST = 400 };
    struct error err = {0};
    struct run r;
    double seconds[MOST];
    size_t done = 0;
    enum status status = run_open(config, &r, &err);
    const double begin = clock_s(CLOCK_MONOTONIC);
    for (size_t i = 0; !status && done < MOST; i++) {
        const double start = clock_s(clock);
        status = kernel_gradient(r.k, r.episode, config->meta_batch, NULL, NULL, NULL, NULL, &err);
        if (i > 0) { /* the first one warms up */
            seconds[done++] = clock_s(clock) - start;
        }
        if (done >= 5 && clock_s(CLOCK_MONOTONIC) - begin > budget_s) {
            break;
        }
    }
    run_close(&r);
    if (status) {
        print_error(&err);
        return -1.0;
    }
    qsort(seconds, done, sizeof *seconds, by_value);
    return seconds[done / 2];
}

static enum status row_read(const struct table *t, size_t i, struct row *out, struct error *err)
{
    static const char *const names[] = {"dataset",
                                        "hidden",
                                        "shots",
                                        "steps",
                                        "algorithm",
                                        "pytorch_default_ms",
                                        "pytorch_channels_last_ms",
                                        "bound_fma_ms",
                                        "bound_conv_ms",
                                        "bound_passes_ms"};
    enum { COLUMNS = sizeof names / sizeof *names };
    double value[COLUMNS] = {0};
    const char *cell[COLUMNS];
    for (size_t c = 0; c < COLUMNS; c++) {
        size_t column;
        enum status status = table_column(t, names[c], &column, err);
        if (!status) {
            cell[c] = table_cell(t, i, column);
            status = c == 0 || c == 4 ? STATUS_OK : table_number(t, i, column, &value[c], err);
        }
        if (status) {
            return status;
        }
    }
    const bool omniglot = strcmp(cell[0], "omniglot") == 0;
    const bool fc100 = strcmp(cell[0], "fc100") == 0;
    *out = (struct row){
        .dataset = cell[0],
        .pytorch_ms = fmin(value[5], isnan(value[6]) ? value[5] : value[6]),
        .bound_fma_ms = value[7],
        .bound_conv_ms = value[8],
        .bound_passes_ms = value[9],
        .config = {.channels = omniglot ? 1 : 3,
                   .size = omniglot ? 28
                           : fc100  ? 32
                                    : 84,
                   .hidden = (size_t)value[1],
                   .layers = 4,
                   .pool = !omniglot,
                   .ways = 5,
                   .shots = (size_t)value[2],
                   .queries = 15,
                   .steps = (size_t)value[3],
                   .inner_rate = 0.01,
                   .joint = true,
                   .meta_batch = 1,
                   .threads = 1,
                   .outer_rate = 0.001},
    };
    return kernel_algorithm_from_name(cell[4], &out->config.algorithm, err);
}

/* Throughput of two tasks on two threads against one on one, on the wall clock: the cores must be
 * idle. */
static double thread_gain(const struct row *r, double budget_s)
{
    struct kernel_config c = r->config;
    const double one_s = median_s(&c, CLOCK_MONOTONIC, budget_s);
    c.meta_batch = c.threads = 2;
    return 2.0 * one_s / median_s(&c, CLOCK_MONOTONIC, budget_s);
}

/* ---------------------------------------------------------------- table */

struct means {
    double ratio, bound, scaled; /* sums of logarithms */
    double least_ratio, least_bound, least_scaled;
    size_t rows, bounds;
};

static void means_add(struct means *m, double ratio, double bound, double scaled)
{
    m->ratio += log(ratio);
    m->least_ratio = m->rows == 0 ? ratio : fmin(m->least_ratio, ratio);
    m->rows++;
    if (!isnan(bound)) {
        m->bound += log(bound);
        m->scaled += log(scaled);
        m->least_bound = m->bounds == 0 ? bound : fmin(m->least_bound, bound);
        m->least_scaled = m->bounds == 0 ? scaled : fmin(m->least_scaled, scaled);
        m->bounds++;
    }
}

/* "83%", or "-" where nothing was measured. */
static const char *share(double value, char text[16])
{
    if (isnan(value)) {
        return "-";
    }
    snprintf(text, 16, "%.0f%%", 100.0 * value);
    return text;
}

static void print_row(const struct row *r, double ms, double gain, const struct machine *machine,
                      struct means *means, FILE *csv)
{
    const struct kernel_config *c = &r->config;
    const double flop = kernel_flop(c), gflop_per_s = flop / ms * 1e-6;
    const double bound = r->bound_conv_ms + r->bound_passes_ms;
    const double scaled = r->bound_conv_ms * reference_gflop_per_s / machine->gflop_per_s +
                          r->bound_passes_ms * reference_gb_per_s / machine->gb_per_s;
    struct kernel_memory memory = {0};
    struct error err = {0};
    char one[16], two[16];
    kernel_memory_bytes(c, &memory, &err);
    means_add(means, r->pytorch_ms / ms, bound / ms, scaled / ms);
    printf("%-12s %3zu %zu-shot T=%zu %-6s %9.2f %8.1f %6.0f%% %9s %9s %8.2fx %7.1f %5.2f",
           r->dataset, c->hidden, c->shots, c->steps, kernel_algorithm_name(c->algorithm), ms,
           gflop_per_s, 100.0 * gflop_per_s / machine->gflop_per_s, share(bound / ms, one),
           share(scaled / ms, two), r->pytorch_ms / ms, 1e-6 * (double)memory.worker_bytes,
           (double)memory.worker_bytes / (double)memory.saved_bytes);
    if (gain > 0.0) {
        printf(" %6.2fx", gain);
    }
    printf("\n");
    fflush(stdout);
    if (csv) {
        fprintf(csv, "%s,%zu,%zu,%zu,%s,%.4f,%.3f,%.4f,%.3f,%zu,%.3f,%.2f\n", r->dataset, c->hidden,
                c->shots, c->steps, kernel_algorithm_name(c->algorithm), ms, gflop_per_s,
                flop / (2.0 * (double)memory.saved_bytes), r->pytorch_ms / ms, memory.worker_bytes,
                machine->gflop_per_s, machine->gb_per_s);
    }
}

static int run_table(const struct options *o, const struct table *t, FILE *csv)
{
    struct error err = {0};
    struct means means[KERNEL_EALFA + 1] = {0};
    struct machine machine = {peak_gflop_per_s(), bandwidth_gb_per_s()};
    printf(
        "this core: %.0f GFLOP/s (multiply-adds in registers), %.1f GB/s (copy and scale, DRAM)\n"
        "bound: the practical bound of the reference machine; scaled: the same with this core's "
        "peak and bandwidth\n\n"
        "dataset        F              algo          ms  GFLOP/s   peak    bound   scaled  "
        "PyTorch      MB      %s\n",
        machine.gflop_per_s, machine.gb_per_s, o->threads ? " 2 tasks" : "");
    for (size_t i = 0; i < t->n_rows; i++) {
        struct row r;
        if (row_read(t, i, &r, &err)) {
            print_error(&err);
            return 1;
        }
        if ((o->algorithm && strcmp(o->algorithm, kernel_algorithm_name(r.config.algorithm))) ||
            (o->dataset && strcmp(o->dataset, r.dataset))) {
            continue;
        }
        r.config.path = o->path;
        const double before = peak_gflop_per_s();
        const double one_s = median_s(&r.config, CLOCK_PROCESS_CPUTIME_ID, o->seconds);
        if (one_s < 0.0) {
            return 1;
        }
        machine.gflop_per_s = 0.5 * (before + peak_gflop_per_s());
        print_row(&r, 1e3 * one_s, o->threads ? thread_gain(&r, o->seconds) : 0.0, &machine,
                  &means[r.config.algorithm], csv);
    }
    printf("\ngeometric means (least)     PyTorch             bound            scaled bound\n");
    for (int a = 0; a <= KERNEL_EALFA; a++) {
        const struct means *m = &means[a];
        if (m->rows == 0) {
            continue;
        }
        printf("%-20s %8.2fx (%.2fx) %10.0f%% (%.0f%%) %10.0f%% (%.0f%%)\n",
               kernel_algorithm_name((enum kernel_algorithm)a), exp(m->ratio / (double)m->rows),
               m->least_ratio, 100.0 * exp(m->bound / (double)m->bounds), 100.0 * m->least_bound,
               100.0 * exp(m->scaled / (double)m->bounds), 100.0 * m->least_scaled);
    }
    return 0;
}

static bool options_read(int argc, char **argv, struct options *o)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--threads") == 0) {
            o->threads = true;
            continue;
        }
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (!value) {
            return false;
        }
        if (strcmp(argv[i], "--algorithm") == 0) {
            o->algorithm = value;
        } else if (strcmp(argv[i], "--dataset") == 0) {
            o->dataset = value;
        } else if (strcmp(argv[i], "--csv") == 0) {
            o->csv = value;
        } else if (strcmp(argv[i], "--seconds") == 0) {
            o->seconds = strtod(value, NULL);
        } else if (strcmp(argv[i], "--path") == 0) {
            int path = KERNEL_PATH_BEST;
            while (path <= KERNEL_PATH_AVX512 &&
                   strcmp(value, kernel_path_name((enum kernel_path)path)) != 0) {
                path++;
            }
            if (path > KERNEL_PATH_AVX512) {
                return false;
            }
            o->path = (enum kernel_path)path;
        } else {
            return false;
        }
        i++;
    }
    return o->seconds > 0.0;
}

int main(int argc, char **argv)
{
    struct options o = {.seconds = 0.5};
    struct error err = {0};
    struct table t = {0};
    if (!options_read(argc, argv, &o)) {
        fprintf(stderr, "usage: bench_kernel [--algorithm NAME] [--dataset NAME] [--path NAME] "
                        "[--seconds S] [--csv FILE] [--threads]\n");
        return 2;
    }
    if (table_load(FAASCAST_ROOT "/bench/data/pytorch_kernel.csv", &t, &err)) {
        print_error(&err);
        return 1;
    }
    FILE *csv = o.csv ? fopen(o.csv, "w") : NULL;
    if (o.csv && !csv) {
        fprintf(stderr, "cannot write %s\n", o.csv);
        table_free(&t);
        return 1;
    }
    if (csv) {
        fprintf(csv, "dataset,hidden,shots,steps,algorithm,task_ms,gflop_per_s,flop_per_byte,"
                     "pytorch_ratio,worker_bytes,peak_gflop_per_s,dram_gb_per_s\n");
    }
    const int code = run_table(&o, &t, csv);
    if (csv) {
        fclose(csv);
    }
    table_free(&t);
    return code;
}
