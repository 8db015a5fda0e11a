/* Map: independent functions, started together; nobody waits for anybody but the end of the job.
 * A burst of calls, a Step Functions distributed map, a Lithops or PyWren job without a reducer.
 *
 *   1. each function starts (its turn in the pacing of invocations, a sandbox, imports);
 *   2. reads its share of the data (data), computes, and writes its result when it has one
 *      (put-result).
 *
 *   w functions, w GET of b bytes, w PUT of the result's bytes; the last one ends the job:
 *   T = w * pace + max over functions of (start + L + b/B + tau + L + r/B).
 *
 * No model is loaded. More than one iteration are maps one after another by the same functions,
 * each begun when the one before is complete. */
#include "model/protocols/emit.h"
#include "model/protocols/registry.h"

enum { RESULT_BYTES };

static enum status emit(const struct config *c, struct program *p, struct error *err)
{
    (void)err;
    const double result_bytes = c->system.option[RESULT_BYTES];
    program_role(p, "function", emit_workers_count(c), HOST_WORKER, LIFETIME_JOB,
                 c->workload.footprint_bytes);
    if (c->workload.unit_bytes > 0) {
        emit_streamed_round(p, c);
    } else {
        program_compute(p, emit_phase_compute(p), worker_compute(c));
    }
    if (result_bytes > 0) {
        program_put(p, program_phase(p, "put-result", CATEGORY_EXCHANGE), STORE_EXCHANGE, 1,
                    result_bytes, PEER_NONE, 0);
    }
    if (c->workload.rounds > 1) {
        const uint16_t done = program_channel(p, "done", 1);
        emit_signal(p, PEER_SHARED, done);
        program_await(p, emit_phase_wait(p), done, emit_workers_count(c), STORE_NONE, POLL_NONE, 1);
    }
    return STATUS_OK;
}

const struct protocol protocol_map = {
    .name = "map",
    .summary = "independent functions: read, compute, write a result",
    .source = "Lithops, PyWren; AWS Step Functions distributed map",
    .options = {{.name = "result_bytes",
                 .help = "bytes each function writes; 0 = nothing",
                 .kind = OPTION_NUMBER,
                 .maximum = 1e15}},
    .stores = 1U << STORE_EXCHANGE | 1U << STORE_DATA,
    .emit = emit,
};
