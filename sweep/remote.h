/* Inner header: other ranks of an MPI job as more lanes. remote_mpi.c, or remote_none.c in a build
 * without MPI. */
#ifndef SWEEP_REMOTE_H
#define SWEEP_REMOTE_H

#include "sweep/chunk.h"

struct remote;
/* Rank 0: every other rank has loaded the same scenario (else ERR_INPUT). */
enum status remote_open(uint64_t scenario, struct remote **out, struct error *err);
/* Hand a chunk to a rank that has room; false when none has. */
bool remote_give(struct remote *r, struct chunk *c);
/* A finished chunk, or NULL. */
struct chunk *remote_take(struct remote *r, struct error *err);
/* Tell all ranks to end. Accepts NULL. */
void remote_close(struct remote *r);

#endif
