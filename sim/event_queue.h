/* The pending events of a simulation, ordered by (time, class, sequence).
 *
 * An event is a slot, a small integer that its owner (an actor, a store, a timer) holds for the
 * whole run, so scheduling allocates nothing and cancelling or moving an event is O(log n): a
 * time-out is cancelled far more often than it fires. Events of equal time run by class, then in
 * the order they were scheduled (cimba: src/cmb_event.c orders time, priority, first in first out
 * the same way).
 *
 * A pop leaves its hole at the root of the heap, to be filled by the next event scheduled: most
 * events schedule exactly one successor, which so costs a single descent.
 *
 * The clock never runs backwards: an event before `now`, or at a time that is not a finite number,
 * is refused, and the pop asserts the order.
 */
#ifndef SIM_EVENT_QUEUE_H
#define SIM_EVENT_QUEUE_H

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/base/base.h"
#include "sim/key_heap.h"

enum {
    EVENT_SEQUENCE_BITS = 39, /* 5.5e11 events per run; then scheduling is refused */
    EVENT_CLASSES = 8
};
#define EVENT_NONE KEY_NONE

struct event_queue {
    double now_s;
    uint64_t sequence; /* events scheduled so far */
    uint64_t executed; /* events popped so far */
    struct key_heap heap;
    uint32_t hole; /* 1 while the root is the event being executed, else 0 */
    uint32_t capacity;
    void *block;
};

/* Room for `capacity` slots 0 .. capacity - 1, all idle, clock at 0.
 * Owns:    caller frees with event_queue_free().
 * Errors:  ERR_INPUT above KEY_IDS_MAX slots; ERR_MEMORY. */
enum status event_queue_init(struct event_queue *q, size_t capacity, struct error *err);
void event_queue_free(struct event_queue *q); /* accepts a zeroed one */
/* Forget all pending events and set the clock to 0. */
void event_queue_reset(struct event_queue *q);

static inline void event_queue_close_hole(struct event_queue *q)
{
    if (q->hole) {
        q->hole = 0;
        key_heap_remove(&q->heap, 0);
    }
}

static inline bool event_queue_pending(const struct event_queue *q, uint32_t slot)
{
    return q->heap.position[slot] != KEY_NONE;
}

/* When the pending event of `slot` is due, s. */
static inline double event_queue_due_s(const struct event_queue *q, uint32_t slot)
{
    return key_value(q->heap.keys[q->heap.position[slot]]);
}

static inline bool event_queue_cancel(struct event_queue *q, uint32_t slot)
{
    if (!event_queue_pending(q, slot)) {
        return false;
    }
    event_queue_close_hole(q);
    key_heap_remove(&q->heap, q->heap.position[slot]);
    q->heap.position[slot] = KEY_NONE;
    return true;
}

/* Let the event of `slot` happen at time_s; a pending one is moved and counts as scheduled anew.
 * False, and nothing changes, for a time before now, an infinite time or NaN. Always inlined: left
 * to itself, gcc 12 calls it, which costs a tenth of the M/M/1 benchmark. */
static inline __attribute__((always_inline)) bool
event_queue_schedule(struct event_queue *q, uint32_t slot, unsigned class, double time_s)
{
    assert(slot < q->capacity && class < EVENT_CLASSES);
    if (!(time_s >= q->now_s && time_s < HUGE_VAL) || q->sequence >> EVENT_SEQUENCE_BITS) {
        return false;
    }
    const uint64_t tie = (uint64_t) class << EVENT_SEQUENCE_BITS | q->sequence++;
    const heap_key k = key_make(time_s, tie, slot);
    if (event_queue_pending(q, slot)) {
        event_queue_close_hole(q);
        key_heap_move(&q->heap, q->heap.position[slot], k);
    } else if (q->hole) {
        q->hole = 0;
        key_heap_sink(&q->heap, 0, k);
    } else {
        key_heap_push(&q->heap, k);
    }
    return true;
}

/* Time of the next event, s; HUGE_VAL when nothing is pending. */
static inline double event_queue_next_s(struct event_queue *q)
{
    event_queue_close_hole(q);
    return q->heap.size > 0 ? key_value(q->heap.keys[0]) : HUGE_VAL;
}

/* Advance the clock to the next event and hand its slot over; EVENT_NONE when nothing is pending.
 */
static inline uint32_t event_queue_pop(struct event_queue *q)
{
    event_queue_close_hole(q);
    if (q->heap.size == 0) {
        return EVENT_NONE;
    }
    const heap_key top = q->heap.keys[0];
    const double time_s = key_value(top);
    assert(time_s >= q->now_s);
    q->now_s = time_s;
    const uint32_t slot = key_id(top);
    q->heap.position[slot] = KEY_NONE;
    q->hole = 1;
    ++q->executed;
    return slot;
}

#endif
