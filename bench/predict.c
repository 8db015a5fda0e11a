/* Configurations per second through emit, evaluate and cost, one thread, every system at w = 16.
 * The yardstick is the published merge-by-one formula in a tight loop: what a hand-written model of
 * one system costs. Memory must stay flat over ten million evaluations. */
#include "model/model.h"

#include <gsl/gsl_errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { RUNS = 7 };

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t); /* the machine may be shared */
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values)
{
    qsort(values, RUNS, sizeof *values, ascending);
    return values[RUNS / 2];
}

static long peak_kib(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

/* models.md section 4.1, literal, with the round and its dollars: what one line of C can do. */
static double yardstick(double evaluations)
{
    volatile double sink = 0;
    const double start = now_s();
    for (double i = 0; i < evaluations; i++) {
        const double w = 1 + fmod(i, 16);
        const double comm = w > 1 ? (w + 3) * (0.08 + 0.13e6 / 65e6) : 0;
        const double t = 1.2 + 10000 * (ceil(64 / w) * 0.4 + comm);
        sink = sink + t + w * t * 10 * 1.66667e-5 + 10000 * ((w + 1) * 5e-6 + (2 * w - 1) * 4e-7);
    }
    return evaluations / (now_s() - start);
}

static enum status measure(struct scenario *s, double evaluations, double *per_s, struct error *err)
{
    struct scenario_cursor cursor;
    struct evaluator e = {0};
    struct tally t;
    struct ledger l;
    bool skipped = false;
    if (cursor_init(&cursor, s, err) != STATUS_OK) {
        return err->code;
    }
    if (cursor_seek(&cursor, 0, &skipped, err) == STATUS_OK) {
        struct config c = cursor.config;
        const double start = now_s();
        for (double i = 0; i < evaluations && err->code == STATUS_OK; i++) {
            c.platform.memory_mib = 10240 - fmod(i, 64);
            if (config_finish(&c, err) == STATUS_OK && evaluate(&c, &e, &t, err) == STATUS_OK) {
                cost_compute(&c, &e.program, &t, false, &l);
            }
        }
        *per_s = evaluations / (now_s() - start);
    }
    evaluator_free(&e);
    cursor_free(&cursor);
    return err->code;
}

int main(int argc, char **argv)
{
    gsl_set_error_handler_off();
    const double evaluations = argc > 1 ? atof(argv[1]) : 200000;
    double runs[RUNS];
    for (int i = 0; i < RUNS; i++) {
        runs[i] = yardstick(10 * evaluations);
    }
    const double reference = median(runs);
    printf("%-24s %14s %10s\n", "system", "configs/s", "ns each");
    printf("%-24s %14.0f %10.1f\n", "one formula, by hand", reference, 1e9 / reference);
    for (size_t k = 0; protocols[k] != NULL; k++) {
        char name[96];
        snprintf(name, sizeof name, "/system/name=%s", protocols[k]->name);
        const char *sets[2] = {name, "/system/structure=[1,4,16]"};
        const struct scenario_options options = {
            .data_dir = FAASCAST_ROOT "/scenarios",
            .sets = sets,
            .n_sets = protocols[k]->takes_structure ? 2 : 1,
        };
        struct scenario s;
        struct error err = {0};
        if (scenario_load(FAASCAST_ROOT "/bench/systems.json", &options, &s, &err) == STATUS_OK) {
            for (int i = 0; i < RUNS && err.code == STATUS_OK; i++) {
                measure(&s, evaluations, &runs[i], &err);
            }
            if (err.code == STATUS_OK) {
                const double per_s = median(runs);
                printf("%-24s %14.0f %10.1f\n", protocols[k]->name, per_s, 1e9 / per_s);
            }
            if (k == 0 && err.code == STATUS_OK) {
                const long before = peak_kib();
                double per_s = 0;
                measure(&s, 50 * evaluations, &per_s, &err);
                printf("%-24s %14.0f %10.1f  peak memory %ld KiB before, %ld KiB after %.0g\n",
                       protocols[k]->name, per_s, 1e9 / per_s, before, peak_kib(),
                       50 * evaluations);
            }
            scenario_free(&s);
        }
        if (err.code != STATUS_OK) {
            char message[1200];
            error_format(&err, message, sizeof message);
            printf("%-24s %s\n", protocols[k]->name, message);
        }
    }
    return 0;
}
