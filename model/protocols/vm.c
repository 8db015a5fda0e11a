/* Baselines without functions.
 *
 * vm-ring: ring all-reduce over virtual machines (Gloo, Horovod). 2(w - 1) steps, in each of which
 *   every machine sends m / w to the next: first the sums travel (reduce-scatter), then the results
 *   (all-gather).  2(w - 1)(L + m / (w B)); 2w(w - 1) messages, 2(w - 1) m bytes.
 * vm-ps: a parameter server over virtual machines: parameter_server.c.
 * serial: everything on one machine; the work of all workers, no exchange. */
#include "model/protocols/emit.h"
#include "model/protocols/registry.h"

static enum status emit_ring(const struct config *c, struct program *p, struct error *err)
{
    const uint32_t w = emit_workers_count(c);
    const double piece = exchange_bytes(c) / w;
    (void)err;
    emit_worker(p, c, "machine", w, STORE_DATA, false);
    emit_round(p, c, c->workload.units_per_iteration);
    if (w > 1) {
        const uint16_t wait = emit_phase_wait(p);
        const uint16_t ring = program_channel(p, "ring", w);
        program_loop(p, w - 1);
        program_put(p, program_phase(p, "reduce-scatter", CATEGORY_EXCHANGE), STORE_NETWORK, 1,
                    piece, PEER_NEXT, ring);
        program_await(p, wait, ring, 1, STORE_NETWORK, POLL_NONE, 1);
        program_compute(p, emit_phase_aggregate(p), merge_time(c, piece));
        program_loop_end(p);
        program_loop(p, w - 1);
        program_put(p, program_phase(p, "all-gather", CATEGORY_EXCHANGE), STORE_NETWORK, 1, piece,
                    PEER_NEXT, ring);
        program_await(p, wait, ring, 1, STORE_NETWORK, POLL_NONE, 1);
        program_loop_end(p);
    }
    emit_save(p, c, STORE_DATA);
    return STATUS_OK;
}

static enum status emit_ps(const struct config *c, struct program *p, struct error *err)
{
    (void)err;
    emit_worker(p, c, "machine", emit_workers_count(c), STORE_DATA, false);
    emit_round(p, c, c->workload.units_per_iteration);
    emit_push_pull(p, c);
    emit_save(p, c, STORE_DATA);
    emit_server(p, c, true);
    return STATUS_OK;
}

static enum status emit_serial(const struct config *c, struct program *p, struct error *err)
{
    (void)err;
    emit_worker(p, c, "worker", 1, STORE_DATA, false);
    emit_round(p, c, c->workload.units_per_iteration);
    emit_save(p, c, STORE_DATA);
    return STATUS_OK;
}

const struct protocol protocol_vm_ring = {
    .name = "vm-ring",
    .summary = "virtual machines, ring all-reduce",
    .source = "Gloo and Horovod, as PyTorch in MLLess, section 6",
    .stores = 1U << STORE_DATA | 1U << STORE_NETWORK,
    .readings = 1U << READING_LAMBDAML,
    .emit = emit_ring,
};

const struct protocol protocol_vm_ps = {
    .name = "vm-ps",
    .summary = "virtual machines against a parameter server",
    .source = "parameter server, as in lambda-DNN's and LambdaML's comparisons",
    .stores = 1U << STORE_DATA | 1U << STORE_NETWORK,
    .readings = 1U << READING_LAMBDA_DNN,
    .emit = emit_ps,
};

const struct protocol protocol_serial = {
    .name = "serial",
    .summary = "one worker does everything",
    .source = "the baseline of MetaFaaS, section 4 and Table 3",
    .single_worker = true,
    .stores = 1U << STORE_DATA,
    .emit = emit_serial,
};
