/* Imports, fits and scores of large files, by the program itself:
 *
 *   bench_traces [--program FILE] [--folder FOLDER] [--megabytes N] [--rows N]
 *
 * A CloudWatch log of N MB (2000) is made in FOLDER (TMPDIR or /tmp) and imported; next to it the
 * yardstick, counting its lines with memchr in the same blocks. Then traces of N rows (1,000,000)
 * for each kind of fit are made, fitted and scored. Processor time and memory are those of the
 * program's process. The files are removed. */
#define _DEFAULT_SOURCE /* wait4 */
#include "bench/bench.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

struct place {
    const char *program;
    char folder[512];
};

/* A fixed sequence: the same file everywhere. */
struct numbers {
    uint64_t state;
};

static double uniform(struct numbers *n)
{
    n->state = n->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return ((double)(n->state >> 11) + 0.5) / 9007199254740992.0;
}

static double normal(struct numbers *n)
{
    const double a = uniform(n);
    return sqrt(-2 * log(a)) * cos(6.283185307179586 * uniform(n));
}

static FILE *create(const struct place *at, const char *name, char *path, size_t size)
{
    snprintf(path, size, "%s/%s", at->folder, name);
    FILE *f = fopen(path, "w");
    if (f == NULL) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        exit(1);
    }
    setvbuf(f, NULL, _IOFBF, 1 << 20);
    return f;
}

static void finish(FILE *f, const char *path)
{
    if (ferror(f) || fclose(f) != 0) {
        fprintf(stderr, "%s: cannot be written\n", path);
        exit(1);
    }
}

struct cost {
    double cpu_s, wall_s, mib;
    int exit_code;
};

/* Runs the program with these arguments, NULL-ended, its output thrown away. */
static struct cost run(const struct place *at, const char *const *arguments)
{
    const double from = bench_wall_s();
    fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
        const char *line[32] = {at->program};
        for (size_t i = 0; arguments[i] != NULL && i + 2 < 32; i++) {
            line[i + 1] = arguments[i];
        }
        if (freopen("/dev/null", "w", stdout) != NULL) {
            execv(at->program, (char *const *)line);
        }
        fprintf(stderr, "%s: %s\n", at->program, strerror(errno));
        _exit(127);
    }
    int status = 0;
    struct rusage use = {0};
    if (child < 0 || wait4(child, &status, 0, &use) != child) {
        fprintf(stderr, "no process: %s\n", strerror(errno));
        exit(1);
    }
    return (struct cost){(double)use.ru_utime.tv_sec + 1e-6 * (double)use.ru_utime.tv_usec +
                             (double)use.ru_stime.tv_sec + 1e-6 * (double)use.ru_stime.tv_usec,
                         bench_wall_s() - from, (double)use.ru_maxrss / 1024,
                         WIFEXITED(status) ? WEXITSTATUS(status) : -1};
}

static void say(const char *what, const struct cost *c, double limit_s)
{
    const bool beyond = limit_s > 0 && c->cpu_s > limit_s;
    printf("%-44s %7.2f s CPU %7.2f s %7.0f MiB%s\n", what, c->cpu_s, c->wall_s, c->mib,
           c->exit_code != 0 ? "  FAILED"
           : beyond          ? "  beyond the limit"
                             : "");
    fflush(stdout);
}

static void log_line(FILE *f, struct numbers *n, long i)
{
    const unsigned a = (unsigned)(4294967295.0 * uniform(n));
    const double ms = 200 + 4000 * uniform(n);
    fprintf(
        f,
        "START RequestId: %08x-7342-4757-9e43-%012lx Version: $LATEST\n"
        "%08x-7342-4757-9e43-%012lx Worker:15 - batch %ld read, 4194304 bytes\n"
        "END RequestId: %08x-7342-4757-9e43-%012lx\n"
        "REPORT RequestId: %08x-7342-4757-9e43-%012lx\tDuration: %.2f ms\tBilled Duration: %.0f "
        "ms\tMemory Size: 1769 MB\tMax Memory Used: %d MB\t%s\n",
        a, i, a, i, i, a, i, a, i, ms, ceil(ms), 90 + (int)(i % 20),
        i % 10 == 0 ? "Init Duration: 298.59 ms\t" : "");
}

static void bench_import(const struct place *at, double megabytes)
{
    char path[600];
    char out[600];
    struct numbers n = {1};
    FILE *f = create(at, "bench.log", path, sizeof path);
    const long bytes = (long)(megabytes * 1e6);
    for (long i = 0; ftell(f) < bytes; i++) {
        log_line(f, &n, i);
    }
    const double size = (double)ftell(f);
    finish(f, path);
    snprintf(out, sizeof out, "%s/bench.csv", at->folder);
    const char *const arguments[] = {"import", path, "--as", "cloudwatch", "-q", "-o", out, NULL};
    double rate[3];
    struct cost c = {0};
    for (size_t i = 0; i < 3; i++) {
        c = run(at, arguments);
        rate[i] = size / 1e6 / c.cpu_s;
        say("import of a CloudWatch log", &c, 0);
    }
    double lines = 0;
    double yard[3];
    char *block = malloc(1 << 16);
    for (size_t i = 0; i < 3; i++) {
        FILE *in = fopen(path, "r");
        const double from = bench_cpu_s();
        size_t got = 0;
        while (in != NULL && block != NULL && (got = fread(block, 1, 1 << 16, in)) > 0) {
            for (const char *end = block;
                 (end = memchr(end, '\n', (size_t)(block + got - end))) != NULL; end++) {
                lines++;
            }
        }
        yard[i] = size / 1e6 / (bench_cpu_s() - from);
        if (in != NULL) {
            fclose(in);
        }
    }
    free(block);
    const double median = bench_median(rate, 3);
    const double reference = bench_median(yard, 3);
    printf("%.0f MB: %.0f MB/s of processor time (wanted 200); counting its %.0f lines %.0f MB/s: "
           "ratio %.2f; %.0f MiB\n\n",
           size / 1e6, median, lines / 3, reference, median / reference, c.mib);
    remove(path);
    remove(out);
}

/* ---------------------------------------------------------------- fits and scores */

struct kind {
    const char *what, *hold_out, *header;
    void (*row)(FILE *f, struct numbers *n, long i, long rows);
};

static void row_start(FILE *f, struct numbers *n, long i, long rows)
{
    const long burst = i / (rows / 20);
    const double submit = 1e-4 * (double)(i % (rows / 20));
    const int cold = uniform(n) < 0.4;
    fprintf(f, "b%ld,f,1769,%.6f,%.6f,%d\n", burst, submit,
            submit + (cold ? exp(-1.6 + 0.4 * normal(n)) : exp(-4 + 0.3 * normal(n))), cold);
}

static void row_guess(FILE *f, struct numbers *n, long i, long rows)
{
    const long burst = i / (rows / 20);
    const double submit = 1e-4 * (double)(i % (rows / 20));
    fprintf(f, "b%ld,f,1769,%.6f,%.6f,\n", burst, submit,
            submit + (uniform(n) < 0.4 ? exp(-1.6 + 0.4 * normal(n)) : exp(-4 + 0.3 * normal(n))));
}

static void row_memory(FILE *f, struct numbers *n, long i, long rows)
{
    const double mib = 128 * (double)(1 << (i % 5));
    (void)rows;
    fprintf(f, "f,compute,%.0f,%.6f\n", mib, (0.1 + 0.5 * 1769 / mib) * exp(0.05 * normal(n)));
}

static void row_store(FILE *f, struct numbers *n, long i, long rows)
{
    const long run = i / (rows / 10);
    fprintf(f, "r%ld,s3,get,1024,%.7f\n", run,
            0.005 +
                exp(-4 + 0.05 * (double)(run % 3) + (uniform(n) < 0.1 ? 1.5 : 0.3) * normal(n)));
}

static void row_bandwidth(FILE *f, struct numbers *n, long i, long rows)
{
    const double size = 1024 * pow(16, (double)(i % 5));
    (void)rows;
    fprintf(f, "%ld,s3,get,%ld,%.0f,%.7f\n", i % 7, 10 * (1 + i % 3), size,
            (0.02 + size / 80e6) * exp(0.1 * normal(n)));
}

static void row_bucket(FILE *f, struct numbers *n, long i, long rows)
{
    const long series = i / 100;
    const double t = 0.02 * (double)(i % 100);
    (void)rows;
    fprintf(f, "s%ld,download,%.2f,%.0f,0.02\n", series, t,
            0.02 * (t < 0.3 ? 1.1e9 : 78e6) * exp(0.1 * normal(n)));
}

static void row_system(FILE *f, struct numbers *n, long i, long rows)
{
    const double workers = (double)(1 + i % 1000);
    (void)rows;
    fprintf(f, "%.0f,%.6f\n", workers, (1.5 + 0.026 * workers) * exp(0.05 * normal(n)));
}

static void row_billing(FILE *f, struct numbers *n, long i, long rows)
{
    const double ms = 1 + 900 * uniform(n);
    (void)rows;
    fprintf(f, "f,%ld,%.5f,%.3f\n", 128 * (1 + i % 8), ms / 1e3, ceil(ms) / 1e3);
}

static const struct kind kinds[] = {
    {"start", "run", "run,function,memory_mib,submit_s,start_s,cold", row_start},
    {"start", NULL, "run,function,memory_mib,submit_s,start_s,cold", row_guess},
    {"compute-memory", "memory_mib", "function,op,memory_mib,duration_s", row_memory},
    {"store", "run", "run,service,op,size_bytes,duration_s", row_store},
    {"bandwidth", "concurrency", "run,service,op,concurrency,size_bytes,duration_s", row_bandwidth},
    {"bandwidth", NULL, "run,op,time_s,size_bytes,duration_s", row_bucket},
    {"system", NULL, "workers,comm_time_s", row_system},
    {"billing", "memory_mib", "function,memory_mib,duration_s,billed_s", row_billing},
};

static void bench_kind(const struct place *at, const struct kind *k, long rows)
{
    char path[600];
    char out[600];
    char what[80];
    struct numbers n = {7};
    FILE *f = create(at, "trace.csv", path, sizeof path);
    fprintf(f, "%s\n", k->header);
    for (long i = 0; i < rows; i++) {
        k->row(f, &n, i, rows);
    }
    finish(f, path);
    snprintf(out, sizeof out, "%s/entry.json", at->folder);
    if (strcmp(k->what, "billing") != 0) { /* a rule to be scored, nothing to be fitted */
        const bool system = strcmp(k->what, "system") == 0;
        const char *const fit[] = {"fit",    path,    "--what", k->what,
                                   "--name", "bench", "--date", "2026-01-01",
                                   "-q",     "-o",    out,      system ? "--system" : NULL,
                                   "smlt",   NULL};
        const struct cost c = run(at, fit);
        snprintf(what, sizeof what, "fit --what %s%s", k->what,
                 k->row == row_guess    ? ", cold or warm unknown"
                 : k->row == row_bucket ? ", token buckets"
                                        : "");
        say(what, &c, 10);
    }
    if (k->hold_out != NULL) {
        const char *const score[] = {"score",      path,        "--what", k->what,
                                     "--hold-out", k->hold_out, NULL};
        const struct cost c = run(at, score);
        snprintf(what, sizeof what, "score --what %s --hold-out %s", k->what, k->hold_out);
        say(what, &c, 10);
    }
    remove(path);
    remove(out);
}

/* A table of measurements against a scenario: a million rows of 1000 configurations. */
static void bench_table(const struct place *at, long rows, const char *by)
{
    static const char scenario[] =
        "{ \"format\": 1, \"name\": \"a line\", \"system\": { \"name\": \"serial\" },\n"
        "  \"workload\": { \"algorithm\": \"sgd\", \"model\": \"none\", \"dataset\": \"none\", "
        "\"parameters\": 1, \"batch_size\": 1, \"iterations\": 10 },\n"
        "  \"compute\": { \"unit_s\": 1 },\n"
        "  \"platform\": { \"kind\": \"vm\", \"workers\": 1, \"vcpus\": 1, \"start_s\": 10 }, "
        "\"data_store\": {},\n"
        "  \"score\": { \"against\": \"table.csv\", \"set\": { \"units\": \"/workload/iterations\" "
        "},\n"
        "  \"measured\": \"time_s\", %s \"fit\": { \"/compute/unit_s\": { \"from\": 0, \"to\": "
        "100, "
        "\"start\": 1 } } } }\n";
    char path[600];
    char table[600];
    char what[80];
    struct numbers n = {3};
    FILE *f = create(at, "table.csv", table, sizeof table);
    fputs("units,time_s\n", f);
    for (long i = 0; i < rows; i++) {
        const double units = (double)(1 + i % 1000);
        fprintf(f, "%.0f,%.5f\n", units, (10 + 2 * units) * exp(0.05 * normal(&n)));
    }
    finish(f, table);
    f = create(at, "scenario.json", path, sizeof path);
    fprintf(f, scenario, by); /* the format is the constant above */
    finish(f, path);
    const char *const score[] = {"score", path, "--format", "csv", NULL};
    const char *const folds[] = {"score", path, "--format", "csv", "--hold-out", "10", NULL};
    struct cost c = run(at, score);
    snprintf(what, sizeof what, "score SCENARIO%s", by[0] != '\0' ? ", grouped" : "");
    say(what, &c, 10);
    c = run(at, folds);
    snprintf(what, sizeof what, "score SCENARIO%s --hold-out 10", by[0] != '\0' ? ", grouped" : "");
    say(what, &c, 10);
    remove(path);
    remove(table);
}

int main(int argc, char **argv)
{
    struct place at = {.program = FAASCAST_ROOT "/build/release/cli/faascast"};
    double megabytes = 2000;
    long rows = 1000000;
    const char *place = getenv("TMPDIR");
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--program") == 0) {
            at.program = argv[i + 1];
        } else if (strcmp(argv[i], "--folder") == 0) {
            place = argv[i + 1];
        } else if (strcmp(argv[i], "--megabytes") == 0) {
            megabytes = strtod(argv[i + 1], NULL);
        } else if (strcmp(argv[i], "--rows") == 0) {
            rows = strtol(argv[i + 1], NULL, 10);
        }
    }
    snprintf(at.folder, sizeof at.folder, "%.400s/faascast-bench-XXXXXX",
             place != NULL ? place : "/tmp");
    if (mkdtemp(at.folder) == NULL) {
        fprintf(stderr, "%s: %s\n", at.folder, strerror(errno));
        return 1;
    }
    if (megabytes > 0) {
        bench_import(&at, megabytes);
    }
    if (rows >= 1000) {
        printf("%ld rows, wanted: 10 s\n", rows);
        for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
            bench_kind(&at, &kinds[i], rows);
        }
        bench_table(&at, rows, "");
        bench_table(&at, rows, "\"by\": \"units\", \"statistic\": \"median\",");
    }
    rmdir(at.folder);
    return 0;
}
