/* The ring of idle sandboxes: see pool.h. */
#include "sim/pool.h"

#include <stdlib.h>

enum status pool_init(struct pool *p, size_t capacity, double keep_alive_s, struct error *err)
{
    *p = (struct pool){.keep_alive_s = keep_alive_s, .capacity = (uint32_t)capacity};
    p->idle = malloc((capacity + 1) * sizeof *p->idle);
    if (p->idle == NULL) {
        return RAISE(err, ERR_MEMORY, "no memory for %zu warm sandboxes", capacity);
    }
    return STATUS_OK;
}

void pool_free(struct pool *p)
{
    free(p->idle);
    *p = (struct pool){0};
}

void pool_reset(struct pool *p)
{
    p->oldest = p->size = 0;
    p->idle_s = 0.0;
    p->warm = p->cold = p->expired = 0;
}

static struct sandbox *idle_at(struct pool *p, uint32_t age_rank)
{
    const uint32_t i = p->oldest + age_rank;
    return &p->idle[i < p->capacity ? i : i - p->capacity];
}

static void drop_expired(struct pool *p, double now_s)
{
    while (p->size > 0 && now_s - idle_at(p, 0)->since_s >= p->keep_alive_s) {
        p->oldest = p->oldest + 1 < p->capacity ? p->oldest + 1 : 0;
        --p->size;
        ++p->expired;
        p->idle_s += p->keep_alive_s;
    }
}

bool pool_take(struct pool *p, double now_s, uint64_t *id)
{
    drop_expired(p, now_s);
    if (p->size == 0) {
        ++p->cold;
        return false;
    }
    const struct sandbox *const newest = idle_at(p, --p->size);
    ++p->warm;
    p->idle_s += now_s - newest->since_s;
    *id = newest->id;
    return true;
}

void pool_give(struct pool *p, double now_s, uint64_t id)
{
    drop_expired(p, now_s);
    if (p->size == p->capacity) { /* the oldest makes room */
        p->idle_s += now_s - idle_at(p, 0)->since_s;
        p->oldest = p->oldest + 1 < p->capacity ? p->oldest + 1 : 0;
        --p->size;
        ++p->expired;
    }
    *idle_at(p, p->size++) = (struct sandbox){now_s, id};
}

uint32_t pool_idle(struct pool *p, double now_s)
{
    drop_expired(p, now_s);
    return p->size;
}
