/* A program run to its end, or to a time limit: found by PATH, no shell. */
#ifndef CLI_PROCESS_H
#define CLI_PROCESS_H

#include "model/base/base.h"

/* Runs argv in `folder` with empty standard input; its output and complaints go to the files `out`
 * and `complaints` of that folder. Gives its exit code. The program and whatever it started are
 * killed at the limit, by a timer of its own too, should this process die first.
 * Errors: ERR_EXTERNAL when it is not found, is killed, or takes longer than the limit. */
enum status process_run(const char *const *argv, const char *folder, const char *out,
                        const char *complaints, double limit_s, int *exit_code, struct error *err);

#endif
