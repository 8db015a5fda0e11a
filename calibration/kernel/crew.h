/* Inner pair: a few threads that run numbered jobs, started once and reused. */
#ifndef CALIBRATION_KERNEL_CREW_H
#define CALIBRATION_KERNEL_CREW_H

#include "model/base/base.h"

struct crew;
typedef void crew_job(void *context, size_t index, size_t worker);

/* `threads` workers counting the caller, so threads - 1 are started. crew_delete accepts NULL. */
enum status crew_new(size_t threads, struct crew **out, struct error *err);
void crew_delete(struct crew *p);
/* job(context, i, worker) for i = 0..count-1, each once, worker < threads; returns when all are
 * done. Which worker takes which index is not fixed (a single job runs on the caller, worker
 * threads - 1): jobs must not let it show in results. */
void crew_run(struct crew *p, crew_job *job, void *context, size_t count);

#endif
