/* What machine is this, and is it quiet? Read from /proc and /sys of Linux; what they do not tell
 * is "unknown" or 0, never guessed.
 */
#include "calibration/calibrate.h"

#include <ctype.h>
#include <gsl/gsl_version.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#ifndef FAASCAST_C_FLAGS
#define FAASCAST_C_FLAGS "unknown flags"
#endif
#ifndef FAASCAST_KERNEL_HASH
#define FAASCAST_KERNEL_HASH "unknown"
#endif

/* First `size` - 1 characters of a file below root, without the line end; empty when unreadable. */
static void read_line(const char *root, const char *path, char *out, size_t size)
{
    char full[320];
    snprintf(full, sizeof full, "%s%s", root, path);
    FILE *const file = fopen(full, "r");
    out[0] = '\0';
    if (file != NULL) {
        if (fgets(out, (int)size, file) != NULL) {
            out[strcspn(out, "\n")] = '\0';
        }
        fclose(file);
    }
}

/* The value after "key" and ':' on the first line of /proc/cpuinfo that has it. */
static void cpuinfo_value(const char *root, const char *key, char *out, size_t size)
{
    char full[320], line[4096];
    snprintf(full, sizeof full, "%s/proc/cpuinfo", root);
    FILE *const file = fopen(full, "r");
    out[0] = '\0';
    while (file != NULL && out[0] == '\0' && fgets(line, sizeof line, file) != NULL) {
        const size_t n = strlen(key);
        const char *const colon = strchr(line, ':');
        if (colon != NULL && strncmp(line, key, n) == 0 && (line[n] == '\t' || line[n] == ':')) {
            const char *const value = colon + 1 + strspn(colon + 1, " ");
            snprintf(out, size, "%s", value);
            out[strcspn(out, "\n")] = '\0';
        }
    }
    if (file != NULL) {
        fclose(file);
    }
}

static void look_cpu(const char *root, struct host *out)
{
    char model[64], family[12], number[12], stepping[12], mhz[24], flags[4096];
    cpuinfo_value(root, "model name", model, sizeof model);
    cpuinfo_value(root, "cpu family", family, sizeof family);
    cpuinfo_value(root, "model", number, sizeof number);
    cpuinfo_value(root, "stepping", stepping, sizeof stepping);
    cpuinfo_value(root, "cpu MHz", mhz, sizeof mhz);
    cpuinfo_value(root, "flags", flags, sizeof flags);
    if (model[0] == '\0') {
        snprintf(out->cpu, sizeof out->cpu, "unknown");
    } else {
        snprintf(out->cpu, sizeof out->cpu, "%s, family %.11s model %.11s stepping %.11s", model,
                 family, number, stepping);
    }
    out->frequency_hz = 1e6 * strtod(mhz, NULL);
    static const char *const known[] = {"avx",      "avx2",  "fma", "avx512f",
                                        "amx_tile", "asimd", "sve"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        const size_t n = strlen(known[i]);
        for (const char *at = flags; (at = strstr(at, known[i])) != NULL; at += n) {
            const bool whole = (at == flags || at[-1] == ' ') && (at[n] == ' ' || at[n] == '\0');
            const size_t used = strlen(out->instructions);
            if (whole) {
                snprintf(out->instructions + used, sizeof out->instructions - used, "%s%s",
                         used == 0 ? "" : " ", known[i]);
                break;
            }
        }
    }
}

static void look_caches(const char *root, struct host *out)
{
    for (int i = 0; i < 8; i++) {
        char path[96], level[8], type[16], size[16];
        snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/level", i);
        read_line(root, path, level, sizeof level);
        snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/type", i);
        read_line(root, path, type, sizeof type);
        snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/size", i);
        read_line(root, path, size, sizeof size);
        if (level[0] == '\0' || size[0] == '\0' || strcmp(type, "Instruction") == 0) {
            continue;
        }
        const size_t used = strlen(out->caches);
        snprintf(out->caches + used, sizeof out->caches - used, "%sL%s%s %siB",
                 used == 0 ? "" : ", ", level, strcmp(type, "Data") == 0 ? "d" : "", size);
    }
    if (out->caches[0] == '\0') {
        snprintf(out->caches, sizeof out->caches, "unknown");
    }
}

/* ---------------------------------------------------------------- how busy */

struct ticks {
    double total, idle, steal;
    double own;
};

static double own_cpu_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* First line of /proc/stat: "cpu user nice system idle iowait irq softirq steal ..." in clock
 * ticks. */
static bool read_ticks(const char *root, struct ticks *out)
{
    char line[512];
    read_line(root, "/proc/stat", line, sizeof line);
    if (strncmp(line, "cpu ", 4) != 0) {
        return false;
    }
    *out = (struct ticks){.own = own_cpu_s() * (double)sysconf(_SC_CLK_TCK)};
    char *at = line + 4;
    for (int i = 0; i < 8; i++) {
        const double value = strtod(at, &at);
        out->total += value;
        out->idle += i == 3 || i == 4 ? value : 0.0;
        out->steal += i == 7 ? value : 0.0;
    }
    return true;
}

static void look_busy(const char *root, struct host *out)
{
    struct ticks before, after;
    const struct timespec half = {0, 500000000};
    if (!read_ticks(root, &before)) {
        return;
    }
    nanosleep(&half, NULL);
    if (!read_ticks(root, &after) || after.total <= before.total) {
        return;
    }
    const double total = after.total - before.total;
    const double used = total - (after.idle - before.idle) - (after.own - before.own);
    out->busy_share = used > 0.0 ? used / total : 0.0;
    out->steal_share = (after.steal - before.steal) / total;
}

/* ---------------------------------------------------------------- everything */

void host_look(const char *root, struct host *out)
{
    *out = (struct host){0};
    look_cpu(root, out);
    look_caches(root, out);
    read_line(root, "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", out->governor,
              sizeof out->governor);
    if (out->governor[0] == '\0') {
        snprintf(out->governor, sizeof out->governor, "not visible here (virtual machine?)");
    }
    struct utsname name;
    if (uname(&name) == 0) {
        snprintf(out->system, sizeof out->system, "%.20s %.40s %.20s", name.sysname, name.release,
                 name.machine);
    }
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    out->cores = cores > 0 ? (size_t)cores : 1;
    out->memory_bytes = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
#ifdef __clang__
    snprintf(out->compiler, sizeof out->compiler, "clang %s, %.90s", __clang_version__,
             FAASCAST_C_FLAGS);
#else
    snprintf(out->compiler, sizeof out->compiler, "gcc %s, %.90s", __VERSION__, FAASCAST_C_FLAGS);
#endif
    snprintf(out->libraries, sizeof out->libraries, "gsl %s, zlib %s, libpng %s", gsl_version,
             zlibVersion(), png_libpng_ver);
    snprintf(out->kernel_hash, sizeof out->kernel_hash, "%.16s", FAASCAST_KERNEL_HASH);
    const time_t now = time(NULL);
    struct tm utc;
    if (gmtime_r(&now, &utc) != NULL) {
        strftime(out->date, sizeof out->date, "%Y-%m-%dT%H:%M:%SZ", &utc);
    }
    look_busy(root, out);
}
