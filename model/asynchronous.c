/* Asynchronous training as a closed queueing network.
 *
 * Exact analysis of one delay and, per store and direction, a server of rate min(n B_own, B_store)
 * shared by its n flows (Gordon and Newell 1967; convolution after Buzen 1973); service times need
 * not be exponential under processor sharing. Without noise workers stay in lockstep, the walk is
 * exact and this is not used.
 */
#include "model/walk.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

double asynchronous_cycle(const struct config *c, const struct evaluator *e, double lockstep_s,
                          double workers)
{
    const struct program *p = &e->program;
    const struct role *role = &p->roles[0];
    const uint32_t w = (uint32_t)workers;
    double demand_s[STORE_USES][2] = {{0}}; /* at the store's full rate */
    double own_s[STORE_USES][2] = {{0}};    /* at the own link's rate */
    double delay_s = 0;
    for (uint32_t k = 0; k < role->span[SPAN_ITERATION].ops; k++) {
        const uint32_t i = role->span[SPAN_ITERATION].first + k;
        const struct op *op = &p->ops[i];
        if ((op->kind != OP_PUT && op->kind != OP_GET) || op->store == STORE_NONE) {
            delay_s += e->op_s[i];
            continue;
        }
        const bool get = op->kind == OP_GET;
        const struct store *s = &c->stores[op->store];
        const double nodes = s->nodes > 1 ? s->nodes : 1;
        const double aggregate =
            nodes * (get ? s->aggregate_get_bytes_per_s : s->aggregate_put_bytes_per_s);
        double slowed = 0;
        const double alone = transfer_time(c, op, role->host, 1, 1, &slowed);
        const double bytes = (double)op->count * op->size_bytes;
        const double link = bytes / link_rate(c, op, role->host);
        if (aggregate > 0 && bytes > 0) {
            delay_s += alone - larger(link, bytes / aggregate);
            demand_s[op->store][get] += bytes / aggregate;
            own_s[op->store][get] += link;
        } else {
            delay_s += alone;
        }
    }
    double *g = malloc(2 * ((size_t)w + 1) * sizeof *g);
    if (g == NULL) {
        return lockstep_s; /* an upper bound, still an answer */
    }
    double *next = g + w + 1;
    /* Everything scaled by the lockstep cycle keeps the products in range. */
    g[0] = 1;
    for (uint32_t n = 1; n <= w; n++) {
        g[n] = g[n - 1] * (delay_s / lockstep_s) / n;
    }
    for (int s = 0; s < STORE_USES; s++) {
        for (int d = 0; d < 2; d++) {
            if (demand_s[s][d] <= 0) {
                continue;
            }
            for (uint32_t n = 0; n <= w; n++) {
                double f = 1;
                next[n] = 0;
                for (uint32_t k = 0; k <= n; k++) {
                    next[n] += f * g[n - k];
                    f *= larger(own_s[s][d] / (k + 1), demand_s[s][d]) / lockstep_s;
                }
            }
            memcpy(g, next, (w + 1) * sizeof *g);
        }
    }
    const double throughput = g[w] > 0 ? g[w - 1] / g[w] / lockstep_s : 0;
    const double cycle = throughput > 0 ? workers / throughput : lockstep_s;
    free(g);
    return isfinite(cycle) ? cycle : lockstep_s;
}
