/* Storage of the pending events: one block made before the run, keys first and so placed that the
 * four children of a node share a cache line. */
#include "sim/event_queue.h"

#include <stdlib.h>

enum { CACHE_LINE_BYTES = 64 };

enum status event_queue_init(struct event_queue *q, size_t capacity, struct error *err)
{
    *q = (struct event_queue){0};
    if (capacity > KEY_IDS_MAX) {
        return RAISE(err, ERR_INPUT,
                     "%zu things that could happen at once are more than the %d supported",
                     capacity, KEY_IDS_MAX);
    }
    /* Key 0 ends a line, so that keys 1-4, 5-8, ... are lines. */
    const size_t lead = CACHE_LINE_BYTES - sizeof(heap_key);
    const size_t keys = (capacity + 1) * sizeof(heap_key);
    q->block = malloc(CACHE_LINE_BYTES + lead + keys + capacity * sizeof(uint32_t));
    if (q->block == NULL) {
        return RAISE(err, ERR_MEMORY, "no memory for %zu pending events", capacity);
    }
    const size_t over = (uintptr_t)q->block % CACHE_LINE_BYTES;
    const size_t skip = over == 0 ? 0 : CACHE_LINE_BYTES - over;
    char *const first = (char *)q->block + skip + lead;
    q->heap.keys = (heap_key *)(void *)first;
    q->heap.position = (uint32_t *)(void *)(first + keys);
    q->capacity = (uint32_t)capacity;
    event_queue_reset(q);
    return STATUS_OK;
}

void event_queue_reset(struct event_queue *q)
{
    q->now_s = 0.0;
    q->sequence = q->executed = 0;
    q->heap.size = q->hole = 0;
    for (uint32_t i = 0; i < q->capacity; ++i) {
        q->heap.position[i] = KEY_NONE;
    }
}

void event_queue_free(struct event_queue *q)
{
    free(q->block);
    *q = (struct event_queue){0};
}
