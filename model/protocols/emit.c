/* A worker's life around a round, the same for every system: start, load, (round, ...), save. What
 * lies between the compute and the next round is the protocol's own file. */
#include "model/protocols/emit.h"

#include <math.h>

uint32_t emit_workers_count(const struct config *c)
{
    return (uint32_t)c->workers;
}

uint32_t emit_option(const struct config *c, size_t index)
{
    return (uint32_t)c->system.option[index];
}

uint16_t emit_phase_compute(struct program *p)
{
    return program_phase(p, "compute", CATEGORY_COMPUTE);
}

uint16_t emit_phase_wait(struct program *p)
{
    return program_phase(p, "wait", CATEGORY_WAIT);
}

uint16_t emit_phase_aggregate(struct program *p)
{
    return program_phase(p, "aggregate", CATEGORY_EXCHANGE);
}

void emit_total(struct program *p, struct op op, uint32_t total)
{
    if (total == 0 || p->current_role >= p->n_roles) {
        return;
    }
    const uint32_t actors = p->roles[p->current_role].actors;
    const uint32_t most = op_share(total, 0, actors);
    op.total = total % actors > 0 ? total : 0; /* even work needs no total */
    if (op.kind == OP_AWAIT) {
        op.need = most;
    } else {
        op.count = most;
    }
    program_add(p, op);
}

uint32_t emit_pages(const struct config *c, enum store_use store, double keys)
{
    const double page = c->stores[store].list_page_keys;
    return page > 0 ? (uint32_t)fmax(1, ceil(keys / page)) : 1;
}

void emit_signal(struct program *p, enum op_peer peer, uint16_t channel)
{
    program_put(p, emit_phase_wait(p), STORE_NONE, 1, 0, peer, channel);
}

void emit_worker(struct program *p, const struct config *c, const char *name, uint32_t actors,
                 enum store_use home, bool streams)
{
    const struct workload *w = &c->workload;
    program_role(p, name, actors, HOST_WORKER, LIFETIME_JOB, w->footprint_bytes);
    program_span(p, SPAN_SETUP);
    program_get(p, program_phase(p, "load-model", CATEGORY_LOAD), (uint16_t)home, 1,
                model_bytes(c));
    if (!streams && !w->data_each_unit && w->dataset_bytes > 0) {
        program_get(p, program_phase(p, "load-data", CATEGORY_LOAD), STORE_DATA, 1,
                    w->dataset_bytes / c->workers);
    }
    program_span(p, SPAN_ITERATION);
}

static void read_mini_batch(struct program *p, const struct config *c)
{
    program_get(p, program_phase(p, "data", CATEGORY_LOAD), STORE_DATA, 1,
                units_per_worker(c) * c->workload.unit_bytes);
}

void emit_round(struct program *p, const struct config *c, double units)
{
    const struct workload *w = &c->workload;
    if (w->data_each_unit && w->kind == WORK_META) {
        emit_total(p,
                   (struct op){.kind = OP_GET,
                               .phase = program_phase(p, "data", CATEGORY_LOAD),
                               .store = STORE_DATA,
                               .size_bytes = w->unit_bytes},
                   (uint32_t)units);
    } else if (w->data_each_unit) {
        read_mini_batch(p, c);
    }
    program_compute(p, emit_phase_compute(p), worker_compute(c));
}

void emit_streamed_round(struct program *p, const struct config *c)
{
    read_mini_batch(p, c);
    program_compute(p, emit_phase_compute(p), worker_compute(c));
}

void emit_save(struct program *p, const struct config *c, enum store_use home)
{
    const struct op put = {.kind = OP_PUT,
                           .phase = program_phase(p, "save-model", CATEGORY_CHECKPOINT),
                           .store = (uint16_t)home,
                           .size_bytes = model_bytes(c)};
    program_span(p, SPAN_CHECKPOINT);
    emit_total(p, put, 1);
    program_span(p, SPAN_TEARDOWN);
    emit_total(p, put, 1);
}
