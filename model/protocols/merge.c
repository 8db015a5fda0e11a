/* Merge by one worker, over a store. Per round, with m bytes of gradients per worker:
 *
 *   1. every worker writes its gradients to a temporary object;
 *   2. the merger polls with LIST until all are there, reads them one after another, adds them,
 *      deletes them and writes one merged object;
 *   3. every other worker retries a GET until the merged object is there, and reads it.
 *
 * literal: the merger uploads too and reads its own object back, as LambdaML's reduce_batch does
 *   (DS3Lab/LambdaML, communicator/s3_primitive.py); it also lists the result bucket and deletes
 *   the old result.  w + 1 PUT, 2w - 1 GET, 3w m bytes, w + 3 requests on the critical path.
 * minimal: the merger keeps its own gradients in memory.  w PUT, 2w - 2 GET, (3w - 2) m bytes,
 *   w + 2 requests on the critical path. */
#include "model/protocols/emit.h"

#include <math.h>

void emit_merge_by_one(struct program *p, const struct config *c, const struct merge_words *words,
                       bool minimal)
{
    const uint32_t w = emit_workers_count(c);
    const double m = exchange_bytes(c);
    const uint32_t read = minimal ? w - 1 : w;
    const double own_units = ceil(units_per_worker(c));
    const double other_units = c->workload.units_per_iteration - own_units;

    /* With one worker there is nobody to merge with. */
    if (w == 1) {
        emit_worker(p, c, "worker", 1, STORE_EXCHANGE, false);
        emit_round(p, c, own_units);
        emit_save(p, c, STORE_EXCHANGE);
        return;
    }
    const uint16_t upload = program_phase(p, words->upload, CATEGORY_EXCHANGE);
    const uint16_t collect = program_phase(p, words->collect, CATEGORY_EXCHANGE);
    const uint16_t publish = program_phase(p, words->publish, CATEGORY_EXCHANGE);
    const uint16_t fetch = program_phase(p, words->read, CATEGORY_EXCHANGE);
    const uint16_t wait = emit_phase_wait(p);
    const uint16_t uploaded = program_channel(p, "gradients", 1);
    const uint16_t merged = program_channel(p, "merged", 1);

    emit_worker(p, c, "merger", 1, STORE_EXCHANGE, false);
    emit_round(p, c, own_units);
    program_put(p, upload, STORE_EXCHANGE, minimal ? 0 : 1, m, PEER_SHARED, uploaded);
    program_await(p, wait, uploaded, read, STORE_EXCHANGE, POLL_LIST,
                  emit_pages(c, STORE_EXCHANGE, read));
    program_get(p, collect, STORE_EXCHANGE, read, m);
    program_compute(p, emit_phase_aggregate(p), merge_time(c, read * m));
    program_add(
        p, (struct op){.kind = OP_DELETE, .phase = wait, .store = STORE_EXCHANGE, .count = read});
    program_put(p, publish, STORE_EXCHANGE, 1, m, PEER_SHARED, merged);
    if (!minimal) {
        program_add(p, (struct op){.kind = OP_LIST, .phase = wait, .store = STORE_EXCHANGE});
        program_add(p, (struct op){.kind = OP_DELETE, .phase = wait, .store = STORE_EXCHANGE});
    }
    emit_save(p, c, STORE_EXCHANGE);

    emit_worker(p, c, "worker", w - 1, STORE_EXCHANGE, false);
    emit_round(p, c, other_units > 0 ? other_units : 0);
    program_put(p, upload, STORE_EXCHANGE, 1, m, PEER_SHARED, uploaded);
    program_await(p, wait, merged, 1, STORE_EXCHANGE, POLL_GET, 1);
    program_get(p, fetch, STORE_EXCHANGE, 1, m);
}
