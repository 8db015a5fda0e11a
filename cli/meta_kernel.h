/* From a scenario's workload to the kernel that does its work: for train and calibrate. */
#ifndef CLI_META_KERNEL_H
#define CLI_META_KERNEL_H

#include "calibration/calibration.h"
#include "cli/cli.h"

/* Network, algorithm and task of a meta-learning workload; rates and threads are left at usual
 * values. Errors: ERR_INPUT for SGD workloads. */
enum status kernel_of_workload(const struct workload *w, struct kernel_config *out,
                               struct error *err);

/* Call `each` with every comma-separated part of a list. */
enum status each_part(const char *list,
                      enum status (*each)(void *context, const char *part, struct error *err),
                      void *context, struct error *err);

#endif
