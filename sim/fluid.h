/* Transfers as fluid: exact max-min sharing of one store's bandwidth, by virtual time.
 *
 * The flows of one store in one direction form a star: every flow has its own cap (its connection,
 * or its share of the function's network interface) and all share the store's capacity. Max-min
 * fairness gives every flow min(cap, theta) with theta such that the capacity is used up. Flows of
 * equal cap, a class, always receive the same rate, so one virtual clock per class, the bytes each
 * of its flows has received so far, is all that has to advance; a flow started when the clock shows
 * V with S bytes ends when it shows V + S, whatever the rates do meanwhile. Every change costs
 * O(classes + log flows), never O(flows).
 *
 * Equal rates within a class and the tag V + S are processor sharing's virtual time (Parekh &
 * Gallager 1993, with the fair share bounded by a cap per class); the water-filling of classes in
 * order of cap is progressive filling (Bertsekas & Gallager, Data Networks, section 6.5.2).
 */
#ifndef SIM_FLUID_H
#define SIM_FLUID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/base/base.h"
#include "sim/key_heap.h"

#define FLUID_NONE KEY_NONE

struct fluid_class {
    double cap_bytes_per_s;  /* > 0, may be infinite */
    double rate_bytes_per_s; /* of each flow, valid while the fluid is not stale */
    double served_bytes;  /* the virtual clock: received by each flow since it was last set back */
    struct key_heap ends; /* flows by the clock's reading at their end */
};

struct fluid {
    double capacity_bytes_per_s; /* of the store, may be infinite */
    double now_s;
    double moved_bytes; /* by all flows so far: the integral of the total rate */
    double total_rate_bytes_per_s;
    uint64_t sequence;
    uint32_t active; /* flows under way */
    uint32_t n_flows, n_classes, classes_max;
    uint16_t due;              /* class of the next end, valid after fluid_next_s() */
    bool stale;                /* rates must be worked out anew */
    struct fluid_class *class; /* by ascending cap */
    uint16_t *order;           /* n_classes of them: classes by ascending cap */
    uint16_t *class_of;        /* n_flows: class of an active flow */
    uint32_t *position;        /* n_flows: place in the class's heap */
    void *block;
};

/* Room for flows 0 .. n_flows - 1 in at most classes_max distinct caps.
 * Owns:    caller frees with fluid_free().
 * Errors:  ERR_INPUT above KEY_IDS_MAX flows; ERR_MEMORY. */
enum status fluid_init(struct fluid *f, size_t n_flows, size_t classes_max,
                       double capacity_bytes_per_s, struct error *err);
void fluid_free(struct fluid *f); /* accepts a zeroed one */
/* No flows, clock at 0, the capacity kept. */
void fluid_reset(struct fluid *f);

/* All of the following take the present time, not before any time given earlier. */

/* Start idle flow `flow` with size_bytes >= 0 to move. False when no class is free for its cap. */
bool fluid_start(struct fluid *f, double now_s, uint32_t flow, double size_bytes,
                 double cap_bytes_per_s);
/* When the next flow ends, s; HUGE_VAL when none is under way or nothing moves. */
double fluid_next_s(struct fluid *f);
/* At the time fluid_next_s() gave: the next flow that ends there, FLUID_NONE after the last. */
uint32_t fluid_end(struct fluid *f, double now_s);
/* Stop a flow before its end; gives the bytes it still had to move. */
double fluid_abort(struct fluid *f, double now_s, uint32_t flow);
/* Bytes an active flow still has to move. */
double fluid_left_bytes(struct fluid *f, double now_s, uint32_t flow);
/* The flow's own limit changed (the interface's share, a spent burst). */
bool fluid_set_cap(struct fluid *f, double now_s, uint32_t flow, double cap_bytes_per_s);
/* The store's capacity changed (burst credits spent or regained). */
void fluid_set_capacity(struct fluid *f, double now_s, double capacity_bytes_per_s);
/* Bytes moved by all flows until now_s. */
double fluid_moved_bytes(struct fluid *f, double now_s);
/* Present rate of an active flow, and of all together, bytes/s. */
double fluid_rate(struct fluid *f, uint32_t flow);
double fluid_total_rate(struct fluid *f);

#endif
