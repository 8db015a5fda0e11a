/* PyWren-IBM: training as map-reduce through object storage; the baseline of MLLess (section 6;
 * pablogs98/MLLess, benchmarks/pywren). Functions keep nothing between steps. Per step, p mappers:
 *
 *   1. the driver, on the user's machine, writes p copies of the model (put-model) and invokes p
 * map functions;
 *   2. each reads its mini-batch (data) and the model (get-model), computes, returns its model
 *      (put-result);
 *   3. the driver invokes one reducer, which reads the p results in turn (reduce-read), averages
 * and writes p models in one object (reduce-write);
 *   4. the driver reads them (collect).
 *
 *   2p + 1 PUT, 3p + 1 GET, p + 1 invocations, 6 p m + p d bytes. */
#include "model/protocols/emit.h"
#include "model/protocols/registry.h"

static void invoke(struct program *p, uint32_t count, uint16_t channel)
{
    /* The driver invokes from a pool of threads: all at once. */
    program_add(p, (struct op){.kind = OP_INVOKE,
                               .phase = program_phase(p, "invoke", CATEGORY_STARTUP),
                               .store = STORE_NONE,
                               .count = count,
                               .lanes = count,
                               .peer = PEER_EACH,
                               .channel = channel});
}

static enum status emit(const struct config *c, struct program *p, struct error *err)
{
    (void)err;
    const uint32_t w = emit_workers_count(c);
    const double m = exchange_bytes(c);
    const uint16_t wait = emit_phase_wait(p);
    const uint16_t map = program_channel(p, "map calls", w);
    const uint16_t mapped = program_channel(p, "map results", 1);
    const uint16_t reduce = program_channel(p, "reduce call", 1);
    const uint16_t reduced = program_channel(p, "averaged models", 1);

    program_role(p, "driver", 1, HOST_CLIENT, LIFETIME_JOB, 0);
    program_put(p, program_phase(p, "put-model", CATEGORY_EXCHANGE), STORE_EXCHANGE, w, m,
                PEER_NONE, 0);
    invoke(p, w, map);
    program_await(p, wait, mapped, w, STORE_EXCHANGE, POLL_LIST, emit_pages(c, STORE_EXCHANGE, w));
    invoke(p, 1, reduce);
    program_await(p, wait, reduced, 1, STORE_EXCHANGE, POLL_LIST, 1);
    program_get(p, program_phase(p, "collect", CATEGORY_EXCHANGE), STORE_EXCHANGE, 1, w * m);

    program_role(p, "mapper", w, HOST_WORKER, LIFETIME_CALL, c->workload.footprint_bytes);
    program_await(p, wait, map, 1, STORE_NONE, POLL_NONE, 1);
    program_get(p, program_phase(p, "data", CATEGORY_LOAD), STORE_DATA, 1,
                units_per_worker(c) * c->workload.unit_bytes);
    program_get(p, program_phase(p, "get-model", CATEGORY_EXCHANGE), STORE_EXCHANGE, 1, m);
    program_compute(p, emit_phase_compute(p), worker_compute(c));
    program_put(p, program_phase(p, "put-result", CATEGORY_EXCHANGE), STORE_EXCHANGE, 1, m,
                PEER_SHARED, mapped);

    program_role(p, "reducer", 1, HOST_WORKER, LIFETIME_CALL, c->workload.footprint_bytes);
    program_await(p, wait, reduce, 1, STORE_NONE, POLL_NONE, 1);
    program_get(p, program_phase(p, "reduce-read", CATEGORY_EXCHANGE), STORE_EXCHANGE, w, m);
    program_compute(p, emit_phase_aggregate(p), merge_time(c, w * m));
    program_put(p, program_phase(p, "reduce-write", CATEGORY_EXCHANGE), STORE_EXCHANGE, 1, w * m,
                PEER_SHARED, reduced);
    return STATUS_OK;
}

const struct protocol protocol_pywren = {
    .name = "pywren-ibm",
    .summary = "map-reduce through object storage, functions invoked at every step",
    .source = "PyWren-IBM as used by MLLess, Middleware 2021, section 6",
    .stores = 1U << STORE_EXCHANGE | 1U << STORE_DATA,
    .emit = emit,
};
