/* An indexed 4-ary heap of 128-bit keys: what orders pending events and what orders the flows of a
 * store.
 *
 * The upper half of a key is the bit pattern of a double that is never negative, so it orders like
 * the number; the lower half breaks ties and ends in the key's id. Comparing two keys is one
 * subtraction with borrow. `position` says where each id stands, so that any key can be taken out
 * or moved in O(log n); several heaps may share one `position` when an id is in at most one of
 * them. The memory is the caller's.
 */
#ifndef SIM_KEY_HEAP_H
#define SIM_KEY_HEAP_H

#include <stdint.h>
#include <string.h>

typedef unsigned __int128 heap_key;

enum { KEY_ID_BITS = 22, KEY_IDS_MAX = 1 << KEY_ID_BITS }; /* up to 4,194,304 ids */
#define KEY_NONE UINT32_MAX                                /* position of an id that is not here */

struct key_heap {
    heap_key *keys;
    uint32_t *position;
    uint32_t size;
};

/* value >= 0 (or -0); tie < 2^(64 - KEY_ID_BITS). */
static inline heap_key key_make(double value, uint64_t tie, uint32_t id)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    bits &= INT64_MAX; /* -0 is 0 */
    return (heap_key)bits << 64 | tie << KEY_ID_BITS | id;
}

static inline double key_value(heap_key k)
{
    const uint64_t bits = (uint64_t)(k >> 64);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline uint32_t key_id(heap_key k)
{
    return (uint32_t)k & (KEY_IDS_MAX - 1);
}

static inline void key_heap_place(struct key_heap *h, uint32_t i, heap_key k)
{
    h->keys[i] = k;
    h->position[key_id(k)] = i;
}

/* Put k where it belongs, looking towards the root from the free place i. */
static inline void key_heap_rise(struct key_heap *h, uint32_t i, heap_key k)
{
    while (i > 0) {
        const uint32_t parent = (i - 1) / 4;
        if (k >= h->keys[parent]) {
            break;
        }
        key_heap_place(h, i, h->keys[parent]);
        i = parent;
    }
    key_heap_place(h, i, k);
}

/* Put k where it belongs, looking towards the leaves from the free place i. */
static inline void key_heap_sink(struct key_heap *h, uint32_t i, heap_key k)
{
    heap_key *const keys = h->keys;
    const uint32_t size = h->size;
    for (;;) {
        const uint32_t first = 4 * i + 1;
        if (first >= size) {
            break;
        }
        uint32_t least = first;
        if (first + 4 <= size) {
            const uint32_t a = first + (keys[first + 1] < keys[first]);
            const uint32_t b = first + 2 + (keys[first + 3] < keys[first + 2]);
            least = keys[b] < keys[a] ? b : a;
        } else {
            for (uint32_t c = first + 1; c < size; ++c) {
                least = keys[c] < keys[least] ? c : least;
            }
        }
        if (keys[least] >= k) {
            break;
        }
        key_heap_place(h, i, keys[least]);
        i = least;
    }
    key_heap_place(h, i, k);
}

/* Take the key at place i out: the last one fills its place. */
static inline void key_heap_remove(struct key_heap *h, uint32_t i)
{
    const heap_key last = h->keys[--h->size];
    if (i == h->size) {
        return;
    }
    if (i > 0 && last < h->keys[(i - 1) / 4]) {
        key_heap_rise(h, i, last);
    } else {
        key_heap_sink(h, i, last);
    }
}

static inline void key_heap_push(struct key_heap *h, heap_key k)
{
    key_heap_rise(h, h->size++, k);
}

/* Replace the key at place i by k, wherever k belongs. */
static inline void key_heap_move(struct key_heap *h, uint32_t i, heap_key k)
{
    if (k < h->keys[i]) {
        key_heap_rise(h, i, k);
    } else {
        key_heap_sink(h, i, k);
    }
}

#endif
