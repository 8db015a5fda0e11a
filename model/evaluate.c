/* The closed form: one clock per role over the op-program, O(ops) whatever the number of workers.
 *
 * Time of q requests of b bytes, n clients in the same phase (models.md section 2):
 *     q L + max( q b / B_own, n q b / B_store, n q / r_store )
 * A wait adopts the clock, and the breakdown, of the last signal (max-plus with provenance), so the
 * parts of the breakdown follow the critical path and add up to the time. Noise met on the way to a
 * barrier of n actors adds E[max of n] - mean there. Rounds are walked until their increments
 * repeat (max-plus matrices become periodic), then extended exactly.
 */
#include "model/model.h"
#include "model/walk.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void evaluator_free(struct evaluator *e)
{
    program_free(&e->program);
    free(e->op_s);
    free(e->op_noise_s);
    free(e->maxima);
    *e = (struct evaluator){0};
}

double request_latency(const struct store *s, enum request_kind kind)
{
    switch (kind) {
    case REQUEST_PUT:
        return s->put_latency_s.mean;
    case REQUEST_GET:
        return s->get_latency_s.mean;
    default:
        return s->list_latency_s.mean;
    }
}

/* What one request of an op gets of a link of nic_bytes_per_s, bytes/s. */
static double rate_on(const struct config *c, const struct op *op, double nic_bytes_per_s)
{
    const struct store *s = &c->stores[op->store];
    const double rate = s->connection_bytes_per_s > 0 ? s->connection_bytes_per_s : HUGE_VAL;
    return smaller(rate, nic_bytes_per_s / op->lanes);
}

static const struct platform *host_of(const struct config *c, enum host_use host)
{
    return host == HOST_SERVER ? &c->server : &c->platform;
}

double link_rate(const struct config *c, const struct op *op, enum host_use host)
{
    return rate_on(c, op, host != HOST_CLIENT ? platform_nic(host_of(c, host)) : HUGE_VAL);
}

double serialise_time(const struct config *c, enum host_use host, double bytes)
{
    const double vcpus = host != HOST_CLIENT ? platform_vcpus(host_of(c, host)) : 1;
    return c->compute.serialise_s_per_byte * bytes / smaller(1, vcpus);
}

/* Clients that meet in each (phase, store, direction), a role counted once. */
struct crowd {
    double clients[PHASE_LIMIT][STORE_USES][2];
};

static void count_crowd(const struct program *p, struct crowd *crowd)
{
    memset(crowd->clients, 0, p->n_phases * sizeof crowd->clients[0]);
    uint8_t seen[PHASE_LIMIT][STORE_USES][2];
    for (uint32_t r = 0; r < p->n_roles; r++) {
        memset(seen, 0, p->n_phases * sizeof seen[0]);
        for (enum span_kind kind = 0; kind < SPANS; kind++) {
            const struct span *span = &p->roles[r].span[kind];
            for (uint32_t i = span->first; i < span->first + span->ops; i++) {
                const struct op *op = &p->ops[i];
                if (!op_transfers(op)) {
                    continue;
                }
                uint8_t *mark = &seen[op->phase][op->store][op->kind == OP_GET];
                if (*mark == 0) {
                    *mark = 1;
                    const uint32_t actors = p->roles[r].actors;
                    crowd->clients[op->phase][op->store][op->kind == OP_GET] +=
                        op->total > 0 && op->total < actors ? op->total : actors;
                }
            }
        }
    }
}

/* transfer_time() at a given rate of one request. */
static double transfer_at(const struct config *c, const struct op *op, enum host_use host,
                          double rate_bytes_per_s, uint32_t actors, double clients, double *slowed)
{
    const struct store *s = &c->stores[op->store];
    const bool put = op->kind == OP_PUT;
    const double aggregate = put ? s->aggregate_put_bytes_per_s : s->aggregate_get_bytes_per_s;
    const double per_s = put ? s->put_per_s : s->get_per_s;
    const double q = op->count;
    const double rounds = ceil(q / op->lanes);
    const double latency = rounds * request_latency(s, put ? REQUEST_PUT : REQUEST_GET);
    const double own = rounds * op->size_bytes / rate_bytes_per_s;
    const double nodes = s->nodes > 1 ? s->nodes : 1;
    double shared = 0; /* of one client's request, by the number of clients */
    if (aggregate > 0) {
        shared = op->size_bytes / (aggregate * nodes);
    }
    if (per_s > 0) {
        shared = larger(shared, 1 / per_s);
    }
    double flow = larger(own, clients * q * shared);
    const uint32_t more = op->total % actors; /* actors with one request more */
    if (op->total > actors && more > 0 && op->lanes == 1) {
        const double each = own / q;
        flow = (q - 1) * larger(each, clients * shared) +
               larger(each, (clients - actors + more) * shared);
    }
    if (flow > own) {
        *slowed = larger(*slowed, (flow - own) / (latency + own));
    }
    return latency + flow + serialise_time(c, host, q * op->size_bytes);
}

/* Mean time of a PUT or GET op; *slowed grows to how much longer than alone it takes. Uneven work
 * is done in rounds of one request each: when those with the smaller share have finished, the
 * others are among themselves. */
double transfer_time(const struct config *c, const struct op *op, enum host_use host,
                     uint32_t actors, double clients, double *slowed)
{
    return transfer_at(c, op, host, link_rate(c, op, host), actors, clients, slowed);
}

/* The most that a link's saved-up tokens can spare an op: all of it at the rate of the burst. */
static double spared_time(const struct config *c, const struct op *op, const struct role *role,
                          double clients, double time_s)
{
    const struct platform *host = host_of(c, role->host);
    if (role->host == HOST_CLIENT || !(host->nic_burst_bytes > 0)) {
        return 0;
    }
    const double nic = larger(platform_nic(host), platform_nic_burst(host));
    double slowed = 0;
    return time_s -
           transfer_at(c, op, role->host, rate_on(c, op, nic), role->actors, clients, &slowed);
}

enum status time_ops(const struct config *c, struct evaluator *e, double *slowed, bool *noisy,
                     struct error *err)
{
    const struct program *p = &e->program;
    if (e->op_capacity < p->n_ops) {
        const size_t capacity = p->ops_capacity;
        double *times = realloc(e->op_s, capacity * sizeof *times);
        if (times != NULL) {
            e->op_s = times;
            times = realloc(e->op_noise_s, capacity * sizeof *times);
        }
        if (times == NULL) {
            return RAISE(err, ERR_MEMORY, "out of memory for %u ops", p->n_ops);
        }
        e->op_noise_s = times;
        e->op_capacity = capacity;
    }
    struct crowd crowd;
    count_crowd(p, &crowd);
    *slowed = 0;
    *noisy = false;
    e->drift_s = e->spared_s = 0;
    for (uint32_t r = 0; r < p->n_roles; r++) {
        const struct role *role = &p->roles[r];
        double round_s2 = 0;
        for (enum span_kind kind = 0; kind < SPANS; kind++) {
            for (uint32_t k = 0; k < role->span[kind].ops; k++) {
                const uint32_t i = role->span[kind].first + k;
                const struct op *op = &p->ops[i];
                e->op_s[i] = e->op_noise_s[i] = 0;
                if (op->kind == OP_COMPUTE) {
                    e->op_s[i] = op->time.mean_s;
                    e->op_noise_s[i] = op->time.mean_s * op->time.cv;
                } else if (op->kind == OP_INVOKE) {
                    const struct quantity *latency = &c->platform.invoke_latency_s;
                    e->op_s[i] = ceil((double)op->count / op->lanes) * latency->mean;
                } else if (op_transfers(op)) {
                    const bool get = op->kind == OP_GET;
                    const struct store *s = &c->stores[op->store];
                    const struct quantity *latency = get ? &s->get_latency_s : &s->put_latency_s;
                    const double clients = crowd.clients[op->phase][op->store][get];
                    e->op_s[i] = transfer_time(c, op, role->host, role->actors, clients, slowed);
                    if (kind == SPAN_ITERATION) {
                        e->spared_s += spared_time(c, op, role, clients, e->op_s[i]);
                    }
                    e->op_noise_s[i] =
                        sqrt(ceil((double)op->count / op->lanes)) * latency->mean * latency->cv;
                }
                *noisy = *noisy || e->op_noise_s[i] > 0;
                round_s2 += kind == SPAN_ITERATION ? e->op_noise_s[i] * e->op_noise_s[i] : 0;
            }
        }
        e->drift_s = larger(e->drift_s, sqrt(round_s2 * c->workload.rounds));
    }
    return STATUS_OK;
}
