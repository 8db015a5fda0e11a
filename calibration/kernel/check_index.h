/* Inner pair: index.txt of a folder of reference vectors, read into cases. */
#ifndef CALIBRATION_KERNEL_CHECK_INDEX_H
#define CALIBRATION_KERNEL_CHECK_INDEX_H

#include "calibration/kernel/kernel.h"

enum { CHECK_DIMS = 6, CHECK_HEAD = 32 };

struct check_array {
    const char *name, *type, *path; /* path below the folder */
    size_t count, line;
    struct check_array *next;
};

struct check_stat {
    const char *name;
    size_t len, heads, line;
    double sum, l1, l2, chk, head[CHECK_HEAD];
    struct check_stat *next;
};

struct check_case {
    const char *name;
    size_t line;
    struct kernel_config config;
    size_t tasks, outer_iters, features, inners, theta_len, phi_len;
    bool full, has_correct;
    uint64_t seed;
    double a0;
    size_t query_correct;
    struct check_array *arrays;
    struct check_stat *stats;
    struct check_case *next;
};

/* All cases of path (…/index.txt), in order, in the arena. Errors: ERR_IO, ERR_INPUT with the line
 * for anything malformed, an unknown key, or a layout that is not the kernel's. */
enum status check_index_read(struct arena *arena, const char *path, struct check_case **out,
                             struct error *err);

#endif
