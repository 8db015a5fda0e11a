/* Inner: one block cut into many arrays. Run once with base NULL to learn the size, then again over
 * the real block: the same calls in the same order give the same places. */
#ifndef CALIBRATION_KERNEL_BUMP_H
#define CALIBRATION_KERNEL_BUMP_H

#include <stddef.h>

struct bump {
    char *base;
    size_t used;
};

enum { BUMP_ALIGN = 64 }; /* a cache line, and the longest vector */

static inline void *bump_take(struct bump *b, size_t count, size_t size)
{
    void *place = b->base ? b->base + b->used : NULL;
    b->used += (count * size + BUMP_ALIGN - 1) / BUMP_ALIGN * BUMP_ALIGN;
    return place;
}

#endif
