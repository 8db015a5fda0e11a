/* Workload -> kernel configuration, and lists on the command line. */
#include "cli/meta_kernel.h"

#include <string.h>

/* Inner rates of the published implementations: Finn et al. 2017 (Omniglot, 5-way: 0.4, as their
 * code has it) for MAML and FOMAML; learn2learn's anil_fc100.py for ANIL; ALFA and eALFA learn
 * theirs. */
static double usual_inner_rate(enum kernel_algorithm algorithm, bool pooled)
{
    if (algorithm == KERNEL_ANIL) {
        return 0.1;
    }
    return pooled ? 0.01 : 0.4;
}

enum status kernel_of_workload(const struct workload *w, struct kernel_config *out,
                               struct error *err)
{
    if (w->kind != WORK_META) {
        return RAISE(err, ERR_INPUT,
                     "the workload's algorithm is %s, expected maml, fomaml, anil, alfa or ealfa: "
                     "the kernel trains few-shot networks",
                     w->algorithm_name);
    }
    *out = (struct kernel_config){.precision = KERNEL_FLOAT32,
                                  .path = KERNEL_PATH_BEST,
                                  .channels = (size_t)w->image_channels,
                                  .size = (size_t)w->image_size,
                                  .hidden = (size_t)w->hidden,
                                  .layers = (size_t)w->blocks,
                                  .pool = w->pooled,
                                  .ways = (size_t)w->ways,
                                  .shots = (size_t)w->shots,
                                  .queries = (size_t)w->queries,
                                  .steps = (size_t)w->adaptation_steps,
                                  .fixed_theta = w->theta_fixed,
                                  .meta_batch = (size_t)w->meta_batch,
                                  .threads = 1,
                                  .outer_rate = 1e-3};
    const enum status status = kernel_algorithm_from_name(w->algorithm_name, &out->algorithm, err);
    out->joint = out->algorithm == KERNEL_ANIL; /* as learn2learn does it */
    out->inner_rate = usual_inner_rate(out->algorithm, out->pool);
    return status;
}

enum status each_part(const char *list,
                      enum status (*each)(void *context, const char *part, struct error *err),
                      void *context, struct error *err)
{
    const char *at = list;
    enum status status = STATUS_OK;
    while (status == STATUS_OK) {
        const size_t n = strcspn(at, ",");
        char part[256];
        if (n == 0 || n >= sizeof part) {
            return RAISE(err, ERR_USAGE, "'%s' is not a list, expected names with commas between",
                         list);
        }
        memcpy(part, at, n);
        part[n] = '\0';
        status = each(context, part, err);
        if (at[n] == '\0') {
            break;
        }
        at += n + 1;
    }
    return status;
}
