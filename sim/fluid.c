/* Max-min sharing of a star by virtual time: see fluid.h for the idea.
 *
 * Rates are worked out lazily: any number of flows may start and end at one instant, and only the
 * first question about the future pays for the water-filling.
 */
#include "sim/fluid.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

/* A class's clock is set back to 0 when it passes this, so that tags keep their last digits: at
 * 2^32 bytes the spacing of doubles is a millionth of a byte. */
static const double clock_limit_bytes = 4294967296.0;

enum status fluid_init(struct fluid *f, size_t n_flows, size_t classes_max,
                       double capacity_bytes_per_s, struct error *err)
{
    *f = (struct fluid){0};
    if (n_flows > KEY_IDS_MAX || classes_max > UINT16_MAX) {
        return RAISE(err, ERR_INPUT,
                     "%zu transfers of %zu different speeds at once are more than supported",
                     n_flows, classes_max);
    }
    const size_t keys = classes_max * (n_flows + 1) * sizeof(heap_key);
    const size_t classes = classes_max * sizeof(struct fluid_class);
    const size_t positions = n_flows * sizeof(uint32_t);
    const size_t numbers = (classes_max + n_flows) * sizeof(uint16_t);
    char *const block = malloc(keys + classes + positions + numbers + 1);
    if (block == NULL) {
        return RAISE(err, ERR_MEMORY, "no memory for %zu transfers at once", n_flows);
    }
    heap_key *const key = (heap_key *)(void *)block;
    f->block = block;
    f->class = (struct fluid_class *)(void *)(block + keys);
    f->position = (uint32_t *)(void *)(block + keys + classes);
    f->order = (uint16_t *)(void *)(block + keys + classes + positions);
    f->class_of = f->order + classes_max;
    f->n_flows = (uint32_t)n_flows;
    f->classes_max = (uint32_t)classes_max;
    f->capacity_bytes_per_s = capacity_bytes_per_s;
    for (size_t k = 0; k < classes_max; ++k) {
        f->class[k].ends.keys = key + k * (n_flows + 1);
        f->class[k].ends.position = f->position;
    }
    fluid_reset(f);
    return STATUS_OK;
}

void fluid_reset(struct fluid *f)
{
    f->now_s = f->moved_bytes = f->total_rate_bytes_per_s = 0.0;
    f->sequence = 0;
    f->active = f->n_classes = 0;
    f->stale = false;
    for (uint32_t i = 0; i < f->n_flows; ++i) {
        f->position[i] = KEY_NONE;
    }
}

void fluid_free(struct fluid *f)
{
    free(f->block);
    *f = (struct fluid){0};
}

/* Progressive filling over the classes: those whose cap is below an equal share of what remains get
 * their cap, the others share the rest equally. */
static void work_out_rates(struct fluid *f)
{
    double rest = f->capacity_bytes_per_s, total = 0.0;
    uint32_t flows = f->active, i = 0;
    for (; i < f->n_classes; ++i) {
        struct fluid_class *const c = &f->class[f->order[i]];
        const double n = (double)c->ends.size;
        if (c->ends.size == 0) {
            continue;
        }
        if (!(c->cap_bytes_per_s * (double)flows <= rest)) {
            break;
        }
        c->rate_bytes_per_s = c->cap_bytes_per_s;
        total += n * c->cap_bytes_per_s;
        rest -= n * c->cap_bytes_per_s;
        flows -= c->ends.size;
    }
    if (i < f->n_classes && flows > 0) {
        const double share = fmax(rest, 0.0) / (double)flows;
        for (; i < f->n_classes; ++i) {
            f->class[f->order[i]].rate_bytes_per_s = share;
        }
        total += fmax(rest, 0.0);
    }
    f->total_rate_bytes_per_s = total;
    f->stale = false;
}

/* Set a class's clock back to 0. Rounding may make two tags equal whose ties stood the other way
 * round, so the heap is made anew; this happens once in 2^32 bytes per flow. */
static void set_back(struct fluid_class *c)
{
    const uint32_t n = c->ends.size;
    for (uint32_t i = 0; i < n; ++i) {
        const heap_key k = c->ends.keys[i];
        const double left = fmax(key_value(k) - c->served_bytes, 0.0);
        c->ends.keys[i] = key_make(left, (uint64_t)k >> KEY_ID_BITS, key_id(k));
    }
    c->served_bytes = 0.0;
    c->ends.size = 0;
    for (uint32_t i = 0; i < n; ++i) {
        key_heap_push(&c->ends, c->ends.keys[i]);
    }
}

static void advance(struct fluid *f, double now_s)
{
    const double dt = now_s - f->now_s;
    assert(dt >= -1e-9); /* rounding may put an end so far before the present, no more */
    if (!(dt > 0.0)) {
        return;
    }
    if (f->active > 0) {
        if (f->stale) {
            work_out_rates(f);
        }
        for (uint32_t k = 0; k < f->n_classes; ++k) {
            struct fluid_class *const c = &f->class[k];
            if (c->ends.size > 0) {
                c->served_bytes += c->rate_bytes_per_s * dt;
                if (c->served_bytes > clock_limit_bytes) {
                    set_back(c);
                }
            }
        }
        f->moved_bytes += f->total_rate_bytes_per_s * dt;
    }
    f->now_s = now_s;
}

/* The class of a cap: an existing one, a new one, or one no flow uses any more. KEY_NONE if full.
 */
static uint32_t find_class(struct fluid *f, double cap)
{
    uint32_t at = 0, unused = KEY_NONE;
    for (; at < f->n_classes; ++at) {
        const uint16_t k = f->order[at];
        if (f->class[k].cap_bytes_per_s == cap) {
            return k;
        }
        if (f->class[k].ends.size == 0) {
            unused = at;
        }
        if (f->class[k].cap_bytes_per_s > cap) {
            break;
        }
    }
    uint16_t k;
    if (f->n_classes < f->classes_max) {
        k = (uint16_t)f->n_classes++;
        for (uint32_t i = f->n_classes - 1; i > at; --i) {
            f->order[i] = f->order[i - 1];
        }
    } else {
        for (uint32_t i = at; unused == KEY_NONE && i < f->n_classes; ++i) {
            unused = f->class[f->order[i]].ends.size == 0 ? i : KEY_NONE;
        }
        if (unused == KEY_NONE) {
            return KEY_NONE;
        }
        k = f->order[unused];
        for (; unused + 1 < at; ++unused) {
            f->order[unused] = f->order[unused + 1];
        }
        for (; unused > at; --unused) {
            f->order[unused] = f->order[unused - 1];
        }
        at = unused;
    }
    f->order[at] = k;
    f->class[k].cap_bytes_per_s = cap;
    f->class[k].served_bytes = 0.0;
    f->class[k].ends.size = 0;
    return k;
}

static bool enter(struct fluid *f, uint32_t flow, double size_bytes, double cap_bytes_per_s)
{
    const uint32_t k = find_class(f, cap_bytes_per_s);
    if (k == KEY_NONE) {
        return false;
    }
    struct fluid_class *const c = &f->class[k];
    if (c->ends.size == 0) {
        c->served_bytes = 0.0;
    }
    key_heap_push(&c->ends, key_make(c->served_bytes + size_bytes, f->sequence++, flow));
    f->class_of[flow] = (uint16_t)k;
    ++f->active;
    f->stale = true;
    return true;
}

static double leave(struct fluid *f, uint32_t flow)
{
    struct fluid_class *const c = &f->class[f->class_of[flow]];
    const uint32_t at = f->position[flow];
    const double left = key_value(c->ends.keys[at]) - c->served_bytes;
    key_heap_remove(&c->ends, at);
    f->position[flow] = KEY_NONE;
    --f->active;
    f->stale = true;
    return fmax(left, 0.0);
}

bool fluid_start(struct fluid *f, double now_s, uint32_t flow, double size_bytes,
                 double cap_bytes_per_s)
{
    assert(flow < f->n_flows && f->position[flow] == KEY_NONE);
    assert(size_bytes >= 0.0 && cap_bytes_per_s > 0.0);
    advance(f, now_s);
    return enter(f, flow, size_bytes, cap_bytes_per_s);
}

double fluid_next_s(struct fluid *f)
{
    if (f->active == 0) {
        return HUGE_VAL;
    }
    if (f->stale) {
        work_out_rates(f);
    }
    double next = HUGE_VAL;
    heap_key first = 0;
    for (uint32_t k = 0; k < f->n_classes; ++k) {
        const struct fluid_class *const c = &f->class[k];
        if (c->ends.size == 0) {
            continue;
        }
        const double left = fmax(key_value(c->ends.keys[0]) - c->served_bytes, 0.0);
        const double after = left > 0.0 ? left / c->rate_bytes_per_s : 0.0;
        const heap_key tie = (uint64_t)c->ends.keys[0];
        if (after < next || (after == next && tie < first)) {
            next = after;
            first = tie;
            f->due = (uint16_t)k;
        }
    }
    return f->now_s + next;
}

uint32_t fluid_end(struct fluid *f, double now_s)
{
    if (f->active == 0) {
        return FLUID_NONE;
    }
    struct fluid_class *const c = &f->class[f->due];
    if (!f->stale) { /* the first end of this instant: the clock reads exactly its tag */
        advance(f, now_s);
        c->served_bytes = fmax(c->served_bytes, key_value(c->ends.keys[0]));
    }
    if (c->ends.size == 0 || key_value(c->ends.keys[0]) > c->served_bytes) {
        return FLUID_NONE;
    }
    const uint32_t flow = key_id(c->ends.keys[0]);
    leave(f, flow);
    return flow;
}

double fluid_abort(struct fluid *f, double now_s, uint32_t flow)
{
    advance(f, now_s);
    return leave(f, flow);
}

double fluid_left_bytes(struct fluid *f, double now_s, uint32_t flow)
{
    advance(f, now_s);
    const struct fluid_class *const c = &f->class[f->class_of[flow]];
    return fmax(key_value(c->ends.keys[f->position[flow]]) - c->served_bytes, 0.0);
}

bool fluid_set_cap(struct fluid *f, double now_s, uint32_t flow, double cap_bytes_per_s)
{
    advance(f, now_s);
    if (f->class[f->class_of[flow]].cap_bytes_per_s == cap_bytes_per_s) {
        return true;
    }
    return enter(f, flow, leave(f, flow), cap_bytes_per_s);
}

void fluid_set_capacity(struct fluid *f, double now_s, double capacity_bytes_per_s)
{
    advance(f, now_s);
    f->capacity_bytes_per_s = capacity_bytes_per_s;
    f->stale = true;
}

double fluid_moved_bytes(struct fluid *f, double now_s)
{
    advance(f, now_s);
    return f->moved_bytes;
}

double fluid_rate(struct fluid *f, uint32_t flow)
{
    if (f->stale) {
        work_out_rates(f);
    }
    return f->class[f->class_of[flow]].rate_bytes_per_s;
}

double fluid_total_rate(struct fluid *f)
{
    if (f->stale) {
        work_out_rates(f);
    }
    return f->active > 0 ? f->total_rate_bytes_per_s : 0.0;
}
