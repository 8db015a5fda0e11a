/* The whole calibration: tasks, threads, what surrounds them, quotas, warnings. */
#include "calibration/calibrate/around.h"
#include "calibration/calibrate/bench_kernel.h"
#include "calibration/calibrate/earlier.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Sizes of models from CONV4 (112 kB) to what no longer fits a cache; beyond that the time per byte
 * is constant. */
static const size_t AROUND_BYTES[AROUND_SIZES] = {128 << 10, 512 << 10, 2 << 20, 8 << 20};

/* Medians of so many calls are one point of the scaling law, and there are so many points per
 * thread count. */
enum { SCALING_CALLS = 3, SCALING_BLOCKS = 7 };

struct calibration {
    const struct calibrate_options *options;
    const struct calibrate_case *cases;
    size_t n;
    struct profile *out;
    size_t done, of;
};

static void warn(struct profile *p, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void warn(struct profile *p, const char *format, ...)
{
    if (p->n_warnings < WARNING_LIMIT) {
        va_list args;
        va_start(args, format);
        vsnprintf(p->warnings[p->n_warnings++], sizeof p->warnings[0], format, args);
        va_end(args);
    }
}

static void step(struct calibration *c, const char *what)
{
    if (c->options->progress != NULL) {
        c->options->progress(c->options->context, c->done, c->of, what);
    }
    c->done++;
}

/* ---------------------------------------------------------------- tasks */

/* Has an earlier call measured this task? */
static bool is_known(const struct profile *p, const struct calibrate_case *what)
{
    for (size_t i = 0; i < p->n_units; i++) {
        if (calibrate_same_task(&p->units[i].what, what)) {
            return true;
        }
    }
    return false;
}

/* Processor time: a task on one thread waits for nothing, so on an idle core it is the wall time,
 * and on a busy machine what a core of one's own would need. */
static double processor_s(void *context)
{
    (void)context;
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* What is kept of a calibration that may still be stopped says that it is not all. */
static enum status keep_so_far(struct calibration *c, size_t done, struct error *err)
{
    if (c->options->keep == NULL) {
        return STATUS_OK;
    }
    const size_t warnings = c->out->n_warnings;
    warn(c->out, "not finished: %zu of %zu kinds of task, nothing around them; --add goes on", done,
         c->n);
    const enum status status = c->options->keep(c->options->context, c->out, err);
    c->out->n_warnings = warnings;
    return status;
}

/* Tasks of one build of the kernel say nothing about another's. */
static enum status same_build(const struct calibration *c, const struct calibrate_unit *unit,
                              struct error *err)
{
    for (size_t i = 0; i < c->out->n_units; i++) {
        if (c->out->units[i].path != unit->path) {
            return RAISE(err, ERR_INPUT,
                         "%s holds tasks of the kernel built for %s, this one is for %s: its times "
                         "cannot be added to",
                         c->options->add_to != NULL ? c->options->add_to : "the profile",
                         kernel_path_name(c->out->units[i].path), kernel_path_name(unit->path));
        }
    }
    return STATUS_OK;
}

static bool stop_asked(const struct calibration *c)
{
    return c->options->interrupted != NULL && c->options->interrupted();
}

/* Times one kind of task into the next free place of the profile. */
static enum status measure_case(struct calibration *c, size_t i, struct error *err)
{
    struct profile *const p = c->out;
    struct calibrate_unit unit = {.what = c->cases[i]};
    struct kernel_config *const config = &unit.what.config;
    config->threads = 1;
    config->meta_batch = 1;
    char what[160];
    snprintf(what, sizeof what, "%s, %s, %s, %zu-shot, %zu steps",
             kernel_algorithm_name(config->algorithm), unit.what.dataset, unit.what.backbone,
             config->shots, config->steps);
    step(c, what);
    struct bench_kernel bench = {0};
    struct kernel_memory memory;
    enum status status = bench_kernel_open(&bench, config, err);
    if (status == STATUS_OK) {
        unit.path = kernel_path_used(bench.kernel);
        if (same_build(c, &unit, err) != STATUS_OK || is_known(p, &unit.what)) {
            bench_kernel_close(&bench);
            return err->code;
        }
        struct measure_options options = c->options->measure;
        if (options.now_s == NULL) {
            options.now_s = processor_s;
        }
        status = measure(&options, bench_kernel_run, &bench, &unit.task, err);
    }
    if (status == STATUS_OK) {
        status = kernel_memory_bytes(config, &memory, err);
    }
    bench_kernel_close(&bench);
    if (status == STATUS_OK) {
        unit.flop = kernel_flop(config);
        unit.flop_per_s = unit.flop / unit.task.median_s;
        unit.worker_bytes = (double)memory.worker_bytes;
        p->units[p->n_units++] = unit;
        status = keep_so_far(c, i + 1, err);
    }
    return status;
}

/* ---------------------------------------------------------------- threads */

/* Every thread count in turn, again and again, so that a disturbance hits all of them. */
static enum status measure_scaling(struct calibration *c, struct error *err)
{
    const size_t threads = c->options->threads;
    struct measure_options calls = c->options->measure;
    calls.samples_min = calls.samples_max = SCALING_CALLS;
    struct bench_kernel *const bench = calloc(threads, sizeof *bench);
    if (bench == NULL) {
        return RAISE(err, ERR_MEMORY, "no memory for %zu kernels", threads);
    }
    enum status status = STATUS_OK;
    for (size_t t = 0; t < threads && status == STATUS_OK; t++) {
        struct kernel_config config = c->cases[0].config;
        config.threads = t + 1;
        config.meta_batch = 2 * (t + 1); /* whole rounds of tasks on every thread */
        status = bench_kernel_open(&bench[t], &config, err);
    }
    struct profile *const p = c->out;
    for (size_t block = 0; block < SCALING_BLOCKS && status == STATUS_OK; block++) {
        for (size_t t = 0; t < threads && status == STATUS_OK && p->n_points < SCALING_LIMIT; t++) {
            struct measurement m;
            calls.warm_up = block == 0 ? 2 : 1;
            status = measure(&calls, bench_kernel_run, &bench[t], &m, err);
            p->points[p->n_points++] =
                (struct scaling_point){(double)(t + 1), (double)bench[t].tasks / m.median_s};
        }
    }
    for (size_t t = 0; t < threads; t++) {
        bench_kernel_close(&bench[t]);
    }
    free(bench);
    if (status == STATUS_OK && threads >= 2) {
        status = scaling_fit(p->points, p->n_points, false, &p->amdahl, err);
        p->has_amdahl = status == STATUS_OK;
    }
    if (status == STATUS_OK && threads >= 3) {
        status = scaling_fit(p->points, p->n_points, true, &p->usl, err);
        p->has_usl = status == STATUS_OK;
    }
    return status;
}

/* ---------------------------------------------------------------- around the kernel */

/* A real meta-gradient as float32, for what zlib makes of it. */
static enum status take_gradient(struct calibration *c, float **out, size_t *n, struct error *err)
{
    struct kernel_config config = c->cases[0].config;
    config.threads = 1;
    config.meta_batch = 1;
    struct bench_kernel bench = {0};
    enum status status = bench_kernel_open(&bench, &config, err);
    if (status != STATUS_OK) {
        bench_kernel_close(&bench);
        return status;
    }
    const size_t theta = kernel_count(bench.kernel, KERNEL_THETA);
    const size_t phi = kernel_count(bench.kernel, KERNEL_PHI);
    double *const gradient = calloc(theta + phi, sizeof *gradient);
    *out = malloc((theta + phi) * sizeof **out);
    *n = 0;
    if (gradient == NULL || *out == NULL) {
        status = RAISE(err, ERR_MEMORY, "no memory for a gradient of %zu numbers", theta + phi);
    } else {
        status = kernel_gradient(bench.kernel, bench.episodes, 1, gradient, gradient + theta, NULL,
                                 NULL, err);
        /* What is not meta-learned has gradient 0 and would not be sent. */
        for (size_t i = 0; i < theta + phi; i++) {
            if (gradient[i] != 0.0) {
                (*out)[(*n)++] = (float)gradient[i];
            }
        }
        if (status == STATUS_OK && *n == 0) {
            status = RAISE(err, ERR_NUMERIC, "the meta-gradient is zero");
        }
    }
    free(gradient);
    bench_kernel_close(&bench);
    return status;
}

static enum status measure_around(struct calibration *c, struct error *err)
{
    struct profile *const p = c->out;
    float *gradient = NULL;
    size_t n = 0;
    struct around_bench bench = {0};
    struct measure_options options = c->options->measure;
    options.seconds_max = fmin(options.seconds_max, 1.5);
    enum status status = take_gradient(c, &gradient, &n, err);
    if (status == STATUS_OK) {
        status = around_open(&bench, c->options->folder, AROUND_BYTES[AROUND_SIZES - 1], gradient,
                             n, err);
    }
    for (size_t s = 0; s < AROUND_SIZES && status == STATUS_OK; s++) {
        bench.bytes = AROUND_BYTES[s];
        p->around_bytes[s] = (double)bench.bytes;
        for (size_t kind = 0; kind < AROUND_KINDS && status == STATUS_OK; kind++) {
            bench.kind = (enum around)kind;
            status = measure(&options, around_run, &bench, &p->around[kind].row[s], err);
        }
    }
    for (size_t kind = 0; kind < AROUND_KINDS && status == STATUS_OK; kind++) {
        double seconds[AROUND_SIZES];
        for (size_t s = 0; s < AROUND_SIZES; s++) {
            seconds[s] = p->around[kind].row[s].median_s;
        }
        p->around[kind].law = size_law_fit(p->around_bytes, seconds, AROUND_SIZES);
    }
    if (status == STATUS_OK) {
        p->compression_ratio = (double)bench.bytes / (double)bench.packed_bytes;
    }
    around_close(&bench);
    free(gradient);
    return status;
}

/* ---------------------------------------------------------------- everything */

static void warn_about_host(struct profile *p)
{
    if (p->host.busy_share > 0.05) {
        warn(p, "the machine was busy: others used %.0f %% of its CPUs before the measurement",
             100.0 * p->host.busy_share);
    }
    if (p->host.steal_share > 0.01) {
        warn(p, "the hypervisor took %.1f %% of the CPUs away", 100.0 * p->host.steal_share);
    }
    if (strcmp(p->host.governor, "powersave") == 0) {
        warn(p, "the frequency governor is powersave: times depend on what ran before");
    }
    size_t wide = 0;
    for (size_t i = 0; i < p->n_units; i++) {
        wide += !p->units[i].task.precise;
    }
    if (p->has_amdahl && !(p->amdahl.serial_share_error > 0)) {
        warn(p, "threads: the serial share is held at %g, its limit: measure again when idle",
             p->amdahl.serial_share);
    }
    if (wide > 0) {
        warn(p, "%zu of %zu tasks did not reach the interval asked for in the time given", wide,
             p->n_units);
    }
}

static enum status measure_quota(struct calibration *c, struct error *err)
{
    struct profile *const p = c->out;
    const struct calibrate_options *const o = c->options;
    struct error inner = {0};
    const size_t n = o->n_quota < QUOTA_LIMIT ? o->n_quota : QUOTA_LIMIT;
    const double seconds = fmax(2.0, fmin(o->measure.seconds_max, 6.0));
    const enum status status = quota_measure(&c->cases[0].config, o->quota, n, seconds, p->quota,
                                             p->quota_mechanism, &inner);
    if (status == ERR_EXTERNAL) {
        warn(p, "%.150s", inner.message);
        return STATUS_OK;
    }
    p->n_quota = status == STATUS_OK ? n : 0;
    return status == STATUS_OK ? STATUS_OK : RAISE(err, status, "%s", inner.message);
}

enum status calibrate_run(const struct calibrate_options *options,
                          const struct calibrate_case *cases, size_t n, struct profile *out,
                          struct error *err)
{
    *out = (struct profile){0};
    struct calibration c = {options, cases, n, out, 0, n + 3};
    snprintf(out->name, sizeof out->name, "%s", options->name);
    host_look("", &out->host);
    enum status status = STATUS_OK;
    if (options->add_to != NULL) {
        status = earlier_units(options->add_to, &out->host, &out->units, &out->n_units, err);
    }
    if (status == STATUS_OK) {
        struct calibrate_unit *const units =
            realloc(out->units, (out->n_units + n) * sizeof *out->units);
        if (units == NULL) {
            return RAISE(err, ERR_MEMORY, "no memory for %zu kinds of task", n);
        }
        out->units = units;
    }
    size_t measured = 0;
    while (measured < n && status == STATUS_OK && !stop_asked(&c)) {
        status = measure_case(&c, measured++, err);
    }
    if (status == STATUS_OK && stop_asked(&c)) {
        warn(out, "not finished: %zu of %zu kinds of task, nothing around them; --add goes on",
             measured, n);
        return RAISE(err, ERR_INTERRUPTED, "stopped after %zu of %zu kinds of task%s", measured, n,
                     options->keep != NULL ? "; --add goes on from there" : "");
    }
    if (status == STATUS_OK) {
        step(&c, "threads");
        status = measure_scaling(&c, err);
    }
    if (status == STATUS_OK) {
        step(&c, "loading, serialising, merging, compressing");
        status = measure_around(&c, err);
    }
    if (status == STATUS_OK && options->start_command != NULL) {
        struct measure_options start = options->measure;
        start.seconds_max = fmin(start.seconds_max, 3.0);
        struct process_start command = {options->start_command};
        status = measure(&start, process_start_run, &command, &out->process_start, err);
    }
    if (status == STATUS_OK && options->n_quota > 0) {
        step(&c, "CPU quotas");
        status = measure_quota(&c, err);
    }
    warn_about_host(out);
    return status;
}

void profile_free(struct profile *profile)
{
    free(profile->units);
    *profile = (struct profile){0};
}
