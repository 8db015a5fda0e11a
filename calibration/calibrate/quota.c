/* Is a fraction v of a CPU really 1/v slower? Run under the scheduler's bandwidth control, the
 * mechanism behind the CPU share of containers, and see. Functions of less than 1769 MiB are such
 * fractions.
 */
#include "calibration/calibrate/bench_kernel.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const long PERIOD_US = 100000; /* the kernel's default */

enum { PATH_SIZE = 1024 };

/* A group of our own, and the way back. */
struct cpu_group {
    char path[PATH_SIZE]; /* the one with the limit */
    char home[PATH_SIZE]; /* where this process came from */
    char rest[PATH_SIZE]; /* v2, inside a delegated group: the way out of it; else "" */
    bool v2;
};

/* printf into a path; false if it does not fit. */
static bool join(char out[PATH_SIZE], const char *folder, const char *name)
{
    return snprintf(out, PATH_SIZE, "%s%s", folder, name) < PATH_SIZE;
}

static bool write_text(const char *folder, const char *file, const char *value)
{
    char path[PATH_SIZE];
    if (!join(path, folder, file)) {
        return false;
    }
    FILE *const out = fopen(path, "r+"); /* never makes a file where no control group is */
    if (out == NULL) {
        return false;
    }
    const bool written = fputs(value, out) >= 0;
    return fclose(out) == 0 && written;
}

static bool move_self(const char *group)
{
    char value[32];
    snprintf(value, sizeof value, "%ld", (long)getpid());
    return write_text(group, "/cgroup.procs", value);
}

/* The group this process is in below a hierarchy: the path of the line of /proc/self/cgroup that
 * names the controller ("" for the unified one). */
static bool own_group(const char *controller, char out[PATH_SIZE])
{
    char line[PATH_SIZE];
    bool found = false;
    FILE *const file = fopen("/proc/self/cgroup", "r");
    while (file != NULL && !found && fgets(line, sizeof line, file) != NULL) {
        char *const list = strchr(line, ':');
        char *const path = list == NULL ? NULL : strchr(list + 1, ':');
        if (path == NULL) {
            continue;
        }
        *path = '\0';
        for (char *name = list + 1; name != NULL && !found; name = strchr(name, ',')) {
            name += *name == ',';
            const size_t n = strlen(controller);
            found = strncmp(name, controller, n) == 0 && (name[n] == '\0' || name[n] == ',');
        }
        if (found) {
            const size_t length = strcspn(path + 1, "\n");
            found = path[1 + length] == '\n'; /* not cut off */
            memcpy(out, path + 1, length);
            out[length] = '\0';
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    return found;
}

/* Make g->path below `parent`, if groups there can limit CPU time. */
static bool group_make(struct cpu_group *g, const char *parent)
{
    char name[64], limit[PATH_SIZE];
    struct stat facts;
    snprintf(name, sizeof name, "/faascast-quota-%ld", (long)getpid());
    if (!join(g->path, parent, name) ||
        !join(limit, g->path, g->v2 ? "/cpu.max" : "/cpu.cfs_quota_us") ||
        mkdir(g->path, 0755) != 0) {
        return false;
    }
    if (stat(limit, &facts) == 0) {
        /* The largest weight there is: the quota, not a busy neighbour, shall be what limits us. */
        write_text(g->path, g->v2 ? "/cpu.weight" : "/cpu.shares", g->v2 ? "10000" : "262144");
        return true;
    }
    rmdir(g->path);
    return false;
}

/* The same inside the group this process is in, when that was delegated to it. In v2 a group either
 * holds processes or hands controllers to groups below, so this process first steps aside. */
static bool group_make_inside(struct cpu_group *g)
{
    char name[64];
    snprintf(name, sizeof name, "/faascast-rest-%ld", (long)getpid());
    if (!join(g->rest, g->home, name) || mkdir(g->rest, 0755) != 0) {
        g->rest[0] = '\0';
        return false;
    }
    if (move_self(g->rest)) {
        if (write_text(g->home, "/cgroup.subtree_control", "+cpu")) {
            if (group_make(g, g->home)) {
                return true;
            }
            write_text(g->home, "/cgroup.subtree_control", "-cpu");
        }
        move_self(g->home);
    }
    rmdir(g->rest);
    g->rest[0] = '\0';
    return false;
}

/* A group with a CPU limit in the hierarchy mounted at `root`: below its root, which needs root, or
 * in what was delegated. */
static bool group_find(struct cpu_group *g, const char *root, bool v2)
{
    char own[PATH_SIZE];
    g->v2 = v2;
    return own_group(v2 ? "" : "cpu", own) &&
           join(g->home, root, strcmp(own, "/") == 0 ? "" : own) &&
           (group_make(g, root) || (v2 && group_make_inside(g)));
}

static enum status group_open(struct cpu_group *g, struct error *err)
{
    if (group_find(g, "/sys/fs/cgroup", true) || group_find(g, "/sys/fs/cgroup/unified", true) ||
        group_find(g, "/sys/fs/cgroup/cpu", false) ||
        group_find(g, "/sys/fs/cgroup/cpu,cpuacct", false)) {
        return STATUS_OK;
    }
    return RAISE(err, ERR_EXTERNAL,
                 "no control group with a CPU limit can be made here: needs root, or before the "
                 "command 'systemd-run --user --scope -p Delegate=yes'");
}

/* The groups are gone afterwards, unless something else moved into them. */
static void group_close(struct cpu_group *g)
{
    rmdir(g->path);
    if (g->rest[0] != '\0') {
        write_text(g->home, "/cgroup.subtree_control", "-cpu");
        move_self(g->home);
        rmdir(g->rest);
    }
}

static bool group_limit(const struct cpu_group *g, double vcpu)
{
    char value[64];
    const long quota_us = lround(vcpu * (double)PERIOD_US);
    if (g->v2) {
        snprintf(value, sizeof value, "%ld %ld", quota_us, PERIOD_US);
        return write_text(g->path, "/cpu.max", value);
    }
    snprintf(value, sizeof value, "%ld", PERIOD_US);
    const bool period = write_text(g->path, "/cpu.cfs_period_us", value);
    snprintf(value, sizeof value, "%ld", quota_us);
    return period && write_text(g->path, "/cpu.cfs_quota_us", value);
}

/* Tasks in a row for `seconds`, so that many periods pass; mean time of one. */
static enum status time_tasks(struct bench_kernel *bench, double seconds, double *unit_s,
                              struct error *err)
{
    size_t n = 0;
    const double start = monotonic_s();
    double now = start;
    do {
        const enum status status = bench_kernel_run(bench, err);
        if (status != STATUS_OK) {
            return status;
        }
        n++;
        now = monotonic_s();
    } while (now - start < seconds);
    *unit_s = (now - start) / (double)n;
    return STATUS_OK;
}

static enum status measure_points(const struct cpu_group *g, struct bench_kernel *bench,
                                  const double *vcpu, size_t n, double seconds_each,
                                  struct quota_point *points, struct error *err)
{
    for (size_t i = 0; i < n; i++) {
        if (!group_limit(g, vcpu[i]) || !move_self(g->path)) {
            return RAISE(err, ERR_EXTERNAL, "cannot limit the CPU in %s: %s", g->path,
                         strerror(errno));
        }
        points[i] = (struct quota_point){.vcpu = vcpu[i]};
        const enum status status = time_tasks(bench, seconds_each, &points[i].unit_s, err);
        const char *const out = g->rest[0] != '\0' ? g->rest : g->home;
        if (!move_self(out) && status == STATUS_OK) {
            return RAISE(err, ERR_EXTERNAL, "cannot leave %s: %s", g->path, strerror(errno));
        }
        if (status != STATUS_OK) {
            return status;
        }
        points[i].law_ratio = points[i].unit_s * vcpu[i] / points[0].unit_s;
    }
    return STATUS_OK;
}

enum status quota_measure(const struct kernel_config *config, const double *vcpu, size_t n,
                          double seconds_each, struct quota_point *points, char mechanism[32],
                          struct error *err)
{
    struct cpu_group group = {0};
    struct bench_kernel bench = {0};
    struct kernel_config one = *config;
    one.threads = 1;
    one.meta_batch = 1;
    enum status status = group_open(&group, err);
    if (status != STATUS_OK) {
        return status;
    }
    snprintf(mechanism, 32, "cgroup %s", group.v2 ? "v2" : "v1");
    status = bench_kernel_open(&bench, &one, err);
    if (status == STATUS_OK) {
        status = bench_kernel_run(&bench, err); /* warm */
    }
    if (status == STATUS_OK) {
        status = measure_points(&group, &bench, vcpu, n, seconds_each, points, err);
    }
    group_close(&group);
    bench_kernel_close(&bench);
    return status;
}
