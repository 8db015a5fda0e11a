/* Inner: one block cut into many arrays. Run once with base NULL to learn the size, then again over
 * the real block: the same calls in the same order give the same places. Under the address
 * sanitizer a gap that may not be touched follows each array, as if each were allocated alone. */
#ifndef CALIBRATION_KERNEL_BUMP_H
#define CALIBRATION_KERNEL_BUMP_H

#include <stddef.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define BUMP_POISON 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define BUMP_POISON 1
#endif

#if defined(BUMP_POISON)
#include <sanitizer/asan_interface.h>
enum { BUMP_GAP = 128 };
#else
enum { BUMP_GAP = 0 };
#endif

struct bump {
    char *base;
    size_t used;
};

enum { BUMP_ALIGN = 64 }; /* a cache line, and the longest vector */

static inline void *bump_take(struct bump *b, size_t count, size_t size)
{
    void *place = b->base ? b->base + b->used : NULL;
    const size_t bytes = count * size;
    const size_t taken = (bytes + BUMP_GAP + BUMP_ALIGN - 1) / BUMP_ALIGN * BUMP_ALIGN;
#if defined(BUMP_POISON)
    if (b->base) {
        ASAN_POISON_MEMORY_REGION((char *)place + bytes, taken - bytes);
    }
#endif
    b->used += taken;
    return place;
}

#endif
