/* Door of the machine's measurement: how long the kernel and everything around it take here.
 *
 * A measurement repeats one action until the 95 % interval of its median is narrow enough or the
 * time given to it is over, and says which. A profile collects them, with the host they hold for,
 * as the JSON file that scenarios name under /compute/profile.
 */
#ifndef CALIBRATION_CALIBRATE_H
#define CALIBRATION_CALIBRATE_H

#include "calibration/kernel/kernel.h"

/* ---------------------------------------------------------------- one measurement */

struct measure_options {
    double half_width_ratio; /* stop when half the interval is below this share of the median */
    double seconds_max;      /* ... or when this much time has gone by */
    double sample_s;         /* an action shorter than this is repeated inside one sample */
    size_t warm_up;          /* untimed runs first */
    size_t samples_min, samples_max;
    double (*now_s)(void *context); /* NULL: the monotonic clock */
    void *now_context;
};

/* 1 %, 10 s, 2 ms, 2 runs, 11 to 2000 samples. */
struct measure_options measure_defaults(void);

struct measurement {
    double median_s, low_s, high_s; /* of one action; 95 % interval of the median */
    double minimum_s;
    double cv; /* robust: 1.4826 times the median absolute deviation, over the median */
    size_t samples, outliers;
    bool precise; /* the interval asked for was reached */
};

/* Time an action.
 *
 * Model:   interval of the median from order statistics, free of any distribution (Le Boudec,
 *          "Performance Evaluation of Computer and Communication Systems", 2010, Theorem 2.1 and
 * table A.1; normal approximation of the ranks). An outlier is a sample above the median by more
 * than 5 robust standard deviations; outliers are counted, never dropped: the median resists them.
 * Errors:  what the action returns; ERR_MEMORY.
 */
enum status measure(const struct measure_options *options,
                    enum status (*action)(void *context, struct error *err), void *context,
                    struct measurement *out, struct error *err);

/* ---------------------------------------------------------------- thread scaling */

struct scaling_point {
    double threads, tasks_per_s;
};

/* A law of throughput x(n) with standard errors. Amdahl: x = x1 n / (1 + s (n-1)), s the serial
 * share. USL adds k n (n-1) to the denominator, the cost of keeping n workers coherent (Gunther,
 * "Guerrilla Capacity Planning", 2007, eq. 4.31). */
struct scaling_law {
    double x1, x1_error;
    double serial_share, serial_share_error; /* 0..1; kept within by the fit */
    double coherence, coherence_error;       /* 0 for Amdahl */
    double rms_ratio;                        /* root mean square of (measured - fitted) / fitted */
};

/* Least squares on relative residuals (GSL); a share that would leave 0..1 is held at the bound.
 * More points than parameters are needed for standard errors. Errors:  ERR_INPUT for fewer
 * different thread counts than parameters; ERR_NUMERIC. */
enum status scaling_fit(const struct scaling_point *points, size_t n, bool with_coherence,
                        struct scaling_law *out, struct error *err);

/* Throughput of the law over that of one thread. */
double scaling_speedup(const struct scaling_law *law, double threads);

/* ---------------------------------------------------------------- the host */

struct host {
    char cpu[160];         /* as the processor calls itself, with family, model and stepping */
    char caches[96];       /* "L1d 48 KiB, L2 1024 KiB, L3 32768 KiB" */
    char instructions[96]; /* vector extensions found: "avx2 fma avx512f" */
    char governor[48];     /* of frequency scaling, or why it is unknown */
    char system[96];       /* operating system and architecture */
    char compiler[160];    /* that built this program, with its flags */
    char libraries[160];
    char kernel_hash[20];              /* of the kernel's sources */
    char date[24];                     /* UTC, ISO 8601 */
    size_t cores;                      /* this process may run on */
    double memory_bytes, frequency_hz; /* 0: unknown */
    double busy_share;  /* of all cores, used by others in the second before measuring */
    double steal_share; /* taken by the hypervisor meanwhile */
};

/* Look at the machine; `root` is "" (tests give a copy of /proc and /sys). Takes half a second. */
void host_look(const char *root, struct host *out);

/* ---------------------------------------------------------------- what surrounds the kernel */

/* X(constant, name in files, what is timed) */
#define AROUND_LIST(X)                                                                             \
    X(AROUND_LOAD_DISK, "load_disk", "read a file that the page cache does not hold")              \
    X(AROUND_LOAD_CACHED, "load_cached", "read a file from the page cache")                        \
    X(AROUND_SERIALISE, "serialise", "parameters to a byte string with a header and a checksum")   \
    X(AROUND_DESERIALISE, "deserialise", "checked and copied back into parameters")                \
    X(AROUND_MERGE, "merge", "add one received gradient to a running sum")                         \
    X(AROUND_COMPRESS, "compress", "a meta-gradient through zlib, level 1")                        \
    X(AROUND_DECOMPRESS, "decompress", "and back")

enum around {
#define X(name, word, text) name,
    AROUND_LIST(X)
#undef X
        AROUND_KINDS
};

const char *around_name(enum around kind);
const char *around_meaning(enum around kind);

/* seconds = fixed_s + s_per_byte * bytes, least squares on relative residuals, both held at 0 or
 * above. */
struct size_law {
    double fixed_s, s_per_byte, rms_ratio;
};
struct size_law size_law_fit(const double *bytes, const double *seconds, size_t n);

/* ---------------------------------------------------------------- time slicing */

/* A fraction of a CPU, as functions below one vCPU have it: the scheduler lets the process run for
 * vcpu * period of every period. */
struct quota_point {
    double vcpu;
    double unit_s; /* wall time of one task under the quota, over many periods */
    double
        law_ratio; /* unit_s times vcpu, over the unit_s of a whole CPU: 1 when the 1/v law holds */
};

/* Measure tasks under CPU quotas, largest first; vcpu[0] must be 1.
 *
 * Model:   bandwidth control of the Linux scheduler, cgroup v2 (cpu.max) or v1 (cpu.cfs_quota_us),
 * period 100 ms. The process moves itself into a group it makes, and back. Gives:   points[n]; law
 * text such as "cgroup v1" in *mechanism. Errors:  ERR_EXTERNAL when no group can be made here (who
 * may, and how, is said); as kernel_new.
 */
enum status quota_measure(const struct kernel_config *config, const double *vcpu, size_t n,
                          double seconds_each, struct quota_point *points, char mechanism[32],
                          struct error *err);

/* ---------------------------------------------------------------- profile */

/* One kind of task to be timed, named as scenarios name it. */
struct calibrate_case {
    struct kernel_config config;
    char dataset[48], backbone[48];
};

struct calibrate_unit {
    struct calibrate_case what;
    struct measurement task; /* one task on one thread, outer step excluded */
    double flop, flop_per_s; /* convolutions of a task (SPEC section 6); achieved */
    double worker_bytes;
    enum kernel_path path; /* taken: never BEST */
};

enum { AROUND_SIZES = 4, SCALING_LIMIT = 512, QUOTA_LIMIT = 8, WARNING_LIMIT = 8 };

struct around_result {
    struct measurement row[AROUND_SIZES];
    struct size_law law;
};

struct profile {
    char name[64];
    struct host host;
    struct calibrate_unit *units;
    size_t n_units;
    struct scaling_point points[SCALING_LIMIT];
    size_t n_points;
    bool has_amdahl, has_usl;
    struct scaling_law amdahl, usl;
    double around_bytes[AROUND_SIZES];
    struct around_result around[AROUND_KINDS];
    double compression_ratio; /* bytes before over bytes after */
    struct measurement process_start;
    struct quota_point quota[QUOTA_LIMIT];
    size_t n_quota;
    char quota_mechanism[32];
    char warnings[WARNING_LIMIT][160];
    size_t n_warnings;
};

struct calibrate_options {
    const char *name;
    struct measure_options measure; /* of each task */
    size_t threads;                 /* scaling is measured from 1 to this many */
    const char *folder;             /* for the file that is loaded */
    char *const *start_command;     /* NULL-ended: a program that ends at once; NULL: not timed */
    const double *quota;            /* vCPUs, 1 first; NULL: not measured */
    size_t n_quota;
    /* A profile of this host and kernel whose tasks are kept and not measured again, or NULL. */
    const char *add_to;
    /* Called with the profile so far after every task that was measured, so that a long
     * calibration can be stopped at any moment; may be NULL. */
    enum status (*keep)(void *context, const struct profile *so_far, struct error *err);
    void (*progress)(void *context, size_t done, size_t of, const char *what); /* may be NULL */
    bool (*interrupted)(void); /* asked between tasks; may be NULL */
    void *context;
};

/* Measure this machine.
 *
 * Takes:   n > 0 cases; the first is also used for thread scaling and quotas.
 * Owns:    caller frees *out with profile_free(), also after an error.
 * Errors:  as kernel_new, measure and around, and what keep() returns; ERR_INPUT for a profile to
 *          add to that is of another CPU, kernel or build of it; ERR_INTERRUPTED, with what was
 * measured and a warning in *out; a quota that cannot be set is a warning in *out.
 */
enum status calibrate_run(const struct calibrate_options *options,
                          const struct calibrate_case *cases, size_t n, struct profile *out,
                          struct error *err);

/* The profile as JSON, in the shape that scenarios read; what is not measured yet is left out. */
void profile_write(const struct profile *profile, struct text *out);
void profile_free(struct profile *profile);

/* What moved since another profile was written (a file): one line per quantity that both have, with
 * the ratio of now over then, and a mark when the intervals do not overlap. *moved counts the
 * marks. Errors: ERR_IO, ERR_SYNTAX, ERR_INPUT for a file that is no profile. */
enum status profile_compare(const struct profile *now, const char *then_path, struct text *out,
                            size_t *moved, struct error *err);

#endif
