/* A million points of MetaFaaS predicted and stored: points per second on one thread and on two,
 * memory. Reference in the same process: the same points predicted and thrown away. bench_sweep
 * [threads...]     default 1 2 */
#include "sweep/sweep.h"
#include "bench/bench.h"

#include <gsl/gsl_errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ROUNDS = 3 };
static const char store[] = "bench_sweep.db";

static double peak_mib(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_maxrss / 1024;
}

static void forget(void)
{
    unlink(store);
    unlink("bench_sweep.db-wal");
    unlink("bench_sweep.db-shm");
}

static double predict_only(const struct scenario *s, struct error *err)
{
    struct scenario_cursor cursor;
    struct evaluator e = {0};
    const double start = bench_wall_s();
    if (cursor_init(&cursor, s, err) == STATUS_OK) {
        for (uint64_t i = 0; i < s->points && err->code == STATUS_OK; i++) {
            struct row row;
            bool skipped = false;
            predict_point(&cursor, i, &e, &row, NULL, NULL, &skipped, err);
        }
        cursor_free(&cursor);
        evaluator_free(&e);
    }
    return (double)s->points / (bench_wall_s() - start);
}

static double sweep_with(const struct scenario *s, unsigned threads, struct error *err)
{
    struct sweep_counts n;
    struct sweep_options o = {.store = store,
                              .threads = threads,
                              .provenance = {.version = "bench",
                                             .commit = "",
                                             .command = "bench_sweep",
                                             .host = "",
                                             .scenario_path = s->path,
                                             .scenario_name = s->name,
                                             .points = s->points,
                                             .shard = 1,
                                             .shards = 1,
                                             .predict = true}};
    forget();
    const double start = bench_wall_s();
    if (scenario_fingerprints(s, &o.provenance.hashes, err) == STATUS_OK &&
        sweep_run(s, &o, &n, err) == STATUS_OK && n.computed != s->points) {
        RAISE(err, ERR_NUMERIC, "%llu of %llu points", (unsigned long long)n.computed,
              (unsigned long long)s->points);
    }
    return (double)s->points / (bench_wall_s() - start);
}

int main(int argc, char **argv)
{
    static const unsigned usual[] = {1, 2};
    const struct scenario_options options = {.data_dir = FAASCAST_ROOT "/scenarios"};
    struct scenario s;
    struct error err = {0};
    gsl_set_error_handler_off();
    if (scenario_load(FAASCAST_ROOT "/scenarios/metafaas/sweep-million.json", &options, &s, &err) ==
        STATUS_OK) {
        double runs[ROUNDS];
        double first = 0;
        for (int i = 0; i < ROUNDS && argc < 2; i++) {
            runs[i] = predict_only(&s, &err);
        }
        if (argc < 2) {
            printf("%-40s %12.0f points/s\n", "predicted, not stored, one thread",
                   bench_median(runs, ROUNDS));
        }
        const int n = argc > 1 ? argc - 1 : 2;
        for (int k = 0; k < n && err.code == STATUS_OK; k++) {
            const unsigned threads = argc > 1 ? (unsigned)atoi(argv[k + 1]) : usual[k];
            for (int i = 0; i < ROUNDS; i++) {
                runs[i] = sweep_with(&s, threads, &err);
            }
            const double rate = bench_median(runs, ROUNDS);
            first = first > 0 ? first : rate;
            struct stat info = {0};
            stat(store, &info);
            printf("predicted and stored, %2u threads %20.0f points/s  x %.2f  peak %.0f MiB, "
                   "%.0f bytes a row\n",
                   threads, rate, rate / first, peak_mib(),
                   (double)info.st_size / (double)s.points);
        }
        forget();
        scenario_free(&s);
    }
    if (err.code != STATUS_OK) {
        char message[1200];
        error_format(&err, message, sizeof message);
        printf("%s\n", message);
        return 1;
    }
    return 0;
}
