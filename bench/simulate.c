/* Real work: whole jobs played round by round, all noise on, one replication at a time. Each job in
 * a process of its own, so that its peak memory is its own. Medians; processor time. */
#include "bench/bench.h"

#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gsl/gsl_errno.h>

#include "model/model.h"
#include "sim/run.h"

enum { RUNS = 7 };

struct job {
    const char *name;
    const char *sets[8];
    const char *target;
};

static const struct job jobs[] = {
    {"metafaas, w = 16, 10,000 rounds",
     {"/system/name=\"metafaas\"", "/platform/workers=16", "/workload/iterations=10000"},
     "<= 0.25 s"},
    {"lambdaml-scatterreduce, w = 128, 10 rounds",
     {"/system/name=\"lambdaml-scatterreduce\"", "/platform/workers=128",
      "/workload/iterations=10"},
     ">= 8 M events/s"},
    {"mlless, w = 24, 2,000 rounds",
     {"/system/name=\"mlless\"", "/platform/workers=24", "/workload/iterations=2000"},
     ""},
    {"100,000 workers start, load and save",
     {"/system/name=\"siren\"", "/platform/workers=100000", "/workload/iterations=1",
      "/platform/concurrency_limit=100000", "/platform/ramp_burst=1000",
      "/platform/ramp_per_s=100"},
     "<= 1 GiB"},
};

static int fail(struct error *err)
{
    char message[1200];
    error_format(err, message, sizeof message);
    fprintf(stderr, "%s\n", message);
    return 1;
}

static enum status play(const struct job *job, double s[RUNS], double *events, struct error *err)
{
    struct scenario scenario;
    struct scenario_cursor cursor;
    struct evaluator e = {0};
    struct tally closed;
    struct plan plan;
    struct run run;
    bool skipped = false;
    size_t n_sets = 0;
    while (job->sets[n_sets] != NULL) {
        ++n_sets;
    }
    const struct scenario_options options = {
        .data_dir = FAASCAST_ROOT "/scenarios", .sets = job->sets, .n_sets = n_sets};
    if (scenario_load(FAASCAST_ROOT "/bench/noisy.json", &options, &scenario, err) != STATUS_OK ||
        cursor_init(&cursor, &scenario, err) != STATUS_OK ||
        cursor_seek(&cursor, 0, &skipped, err) != STATUS_OK ||
        config_finish(&cursor.config, err) != STATUS_OK ||
        evaluate(&cursor.config, &e, &closed, err) != STATUS_OK ||
        plan_init(&plan, &cursor.config, &e.program, &closed, err) != STATUS_OK ||
        run_init(&run, &plan, err) != STATUS_OK) {
        return err->code;
    }
    run.exact = true;
    for (uint64_t i = 0; i < RUNS; ++i) {
        const double start = bench_cpu_s();
        if (run_play(&run, 1, i, err) != STATUS_OK) {
            return err->code;
        }
        s[i] = bench_cpu_s() - start;
    }
    *events = (double)run.queue.executed;
    run_free(&run);
    plan_free(&plan);
    evaluator_free(&e);
    cursor_free(&cursor);
    scenario_free(&scenario);
    return STATUS_OK;
}

static int measure(const struct job *job)
{
    double s[RUNS], events = 0;
    struct error err = {0};
    struct rusage usage;
    if (play(job, s, &events, &err) != STATUS_OK) {
        return fail(&err);
    }
    getrusage(RUSAGE_SELF, &usage);
    const double median = bench_median(s, RUNS);
    printf("%-44s %9.4f s  %10.0f events  %7.2f M events/s  %7.1f MiB  %s\n", job->name, median,
           events, 1e-6 * events / median, (double)usage.ru_maxrss / 1024, job->target);
    return 0;
}

int main(int argc, char **argv)
{
    gsl_set_error_handler_off();
    int worst = 0;
    for (size_t i = 0; i < sizeof jobs / sizeof *jobs; ++i) {
        if (argc > 1 && strstr(jobs[i].name, argv[1]) == NULL) {
            continue;
        }
        fflush(stdout);
        const pid_t child = fork();
        if (child == 0) {
            return measure(&jobs[i]);
        }
        int state = 1;
        if (child < 0 || waitpid(child, &state, 0) < 0 || state != 0) {
            fprintf(stderr, "%s failed\n", jobs[i].name);
            worst = 1;
        }
    }
    return worst;
}
