/* Chooses an implementation at run time: the widest vectors that the CPU has and that divide the
 * number of hidden channels; the plain network otherwise. */
#include "calibration/kernel/dispatch.h"

#if defined(KERNEL_HAS_PORTABLE)
extern const struct backend TYPED(fast_backend_portable);
#endif
#if defined(KERNEL_HAS_AVX2)
extern const struct backend TYPED(fast_backend_avx2);
#endif
#if defined(KERNEL_HAS_AVX512)
extern const struct backend TYPED(fast_backend_avx512);
#endif

const struct backend *backend_find(enum kernel_path path)
{
    switch (path) {
    case KERNEL_PATH_PLAIN:
        return &plain_backend;
#if defined(KERNEL_HAS_PORTABLE)
    case KERNEL_PATH_PORTABLE:
        return &TYPED(fast_backend_portable);
#endif
#if defined(KERNEL_HAS_AVX2)
    case KERNEL_PATH_AVX2:
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")
                   ? &TYPED(fast_backend_avx2)
                   : NULL;
#endif
#if defined(KERNEL_HAS_AVX512)
    case KERNEL_PATH_AVX512:
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                       __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw")
                   ? &TYPED(fast_backend_avx512)
                   : NULL;
#endif
    default:
        return NULL;
    }
}

enum status backend_choose(const struct kernel_shape *s, enum kernel_path asked,
                           enum kernel_path *out, struct error *err)
{
    if (asked != KERNEL_PATH_BEST) {
        const struct backend *b = backend_find(asked);
        if (!b) {
            return RAISE(err, ERR_INPUT, "kernel: path %s does not run on this CPU",
                         kernel_path_name(asked));
        }
        if (s->hidden % b->lanes != 0) {
            return RAISE(err, ERR_INPUT,
                         "kernel: path %s needs hidden to be a multiple of %zu, found %zu",
                         kernel_path_name(asked), b->lanes, s->hidden);
        }
        *out = asked;
        return STATUS_OK;
    }
    for (int path = KERNEL_PATH_AVX512; path > KERNEL_PATH_PLAIN; path--) {
        const struct backend *b = backend_find((enum kernel_path)path);
        if (b && s->hidden % b->lanes == 0) {
            *out = (enum kernel_path)path;
            return STATUS_OK;
        }
    }
    *out = KERNEL_PATH_PLAIN;
    return STATUS_OK;
}
