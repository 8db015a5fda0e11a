/* Inner header: tasks that an earlier call of calibrate measured. */
#ifndef CALIBRATION_CALIBRATE_EARLIER_H
#define CALIBRATION_CALIBRATE_EARLIER_H

#include "calibration/calibrate.h"

/* Are these the same kind of task, as scenarios name it? */
bool calibrate_same_task(const struct calibrate_case *a, const struct calibrate_case *b);

/* The tasks of a profile of this host and kernel, in its order. Of each configuration only what a
 * profile names is known.
 *
 * Owns:    caller frees *out with free().
 * Errors:  ERR_IO, ERR_SYNTAX; ERR_INPUT for a file that is no profile, or one of another CPU or
 *          another kernel; ERR_MEMORY.
 */
enum status earlier_units(const char *path, const struct host *host, struct calibrate_unit **out,
                          size_t *n, struct error *err);

#endif
