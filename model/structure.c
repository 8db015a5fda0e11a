/* Which tree of parameter servers: Feng et al., IEEE CLOUD 2018, slides 10 to 12, by dynamic
 * programming over the number of instances of a level (models.md section 8). The slides omit the
 * time of a level; alpha + beta n / q is the reconstruction that returns their starred structure.
 *
 * Unrounded ratios: with ceil(n / q) the starred structure is not returned. The closed form then
 * plays the chosen tree with its rounded shares.
 */
#include "model/search.h"

#include <math.h>
#include <stdlib.h>

enum status structure_parents(uint32_t n_max, double alpha_s, double beta_s, uint32_t *parents,
                              struct error *err)
{
    double *value = calloc((size_t)n_max + 1, sizeof *value);
    if (value == NULL) {
        return RAISE(err, ERR_MEMORY, "out of memory for trees of %u workers", n_max);
    }
    parents[0] = parents[1] = 0;
    for (uint32_t n = 2; n <= n_max; n++) {
        double best = HUGE_VAL;
        for (uint32_t q = 1; q < n; q++) {
            const double v = value[q] + alpha_s + beta_s * n / q;
            if (v < best) {
                best = v;
                parents[n] = q;
            }
        }
        value[n] = best;
    }
    free(value);
    return STATUS_OK;
}

uint32_t structure_levels(const uint32_t *parents, uint32_t n, double levels[STRUCTURE_LIMIT])
{
    uint32_t count = 1;
    for (uint32_t at = n; at > 1; at = parents[at]) {
        count++;
    }
    if (n == 1) {
        count = 2; /* one worker, its own root */
    }
    if (count > STRUCTURE_LIMIT) {
        return 0;
    }
    uint32_t at = n;
    for (uint32_t i = count; i-- > 0;) {
        levels[i] = at;
        at = at > 1 ? parents[at] : 1;
    }
    return count;
}

double structure_seconds(const double *levels, uint32_t count, double alpha_s, double beta_s)
{
    double seconds = 0;
    for (uint32_t i = 1; i < count; i++) {
        seconds += alpha_s + beta_s * levels[i] / levels[i - 1];
    }
    return seconds;
}

void structure_costs(const struct config *c, double *alpha_s, double *beta_s)
{
    const struct store *s = &c->stores[STORE_EXCHANGE];
    const struct op one = {.kind = OP_GET, .store = STORE_EXCHANGE, .count = 1, .lanes = 1};
    const double m = exchange_bytes(c);
    const double move_s = m / link_rate(c, &one, HOST_WORKER) + serialise_time(c, HOST_WORKER, m);
    *alpha_s = request_latency(s, REQUEST_PUT) + move_s + 0.5 * c->system.poll_interval_s;
    *beta_s = request_latency(s, REQUEST_GET) + move_s + merge_time(c, m).mean_s;
}
