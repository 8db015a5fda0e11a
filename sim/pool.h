/* Warm sandboxes: functions that have ended and whose environment waits for the next invocation.
 *
 * The newest idle sandbox is taken first and an idle one is dropped after the platform's
 * keep-alive, as on AWS Lambda (McGrath & Brenner 2017 describe the last-in-first-out order;
 * SimFaaS simulates the same). Idle sandboxes therefore stand in order of age, so a ring is enough:
 * the newest leaves at one end, the expired at the other, and nobody needs an event for an expiry.
 */
#ifndef SIM_POOL_H
#define SIM_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/base/base.h"

struct sandbox {
    double since_s; /* idle since */
    uint64_t id;    /* the caller's name for it */
};

struct pool {
    struct sandbox *idle; /* ring of `capacity` */
    uint32_t oldest, size, capacity;
    double keep_alive_s;
    double idle_s; /* total time sandboxes have been idle and kept, up to their use or expiry */
    uint64_t warm, cold, expired;
};

/* Room for `capacity` > 0 idle sandboxes; keep_alive_s may be infinite. Owns: free with
 * pool_free(). Errors: ERR_MEMORY. */
enum status pool_init(struct pool *p, size_t capacity, double keep_alive_s, struct error *err);
void pool_free(struct pool *p);
void pool_reset(struct pool *p);

/* An invocation at now_s, not before any earlier call: true and the sandbox's id for a warm start,
 * false for a cold one. */
bool pool_take(struct pool *p, double now_s, uint64_t *id);
/* An invocation ended at now_s; a full pool drops its oldest sandbox. */
void pool_give(struct pool *p, double now_s, uint64_t id);
/* Sandboxes still warm at now_s. */
uint32_t pool_idle(struct pool *p, double now_s);

#endif
