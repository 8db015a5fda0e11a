/* GradsSharding: one aggregation round of federated learning, the gradient cut into shards
 * (AmineBarrak/Serverless-aggregation-grads-sharding). The n clients' gradients of m bytes lie in
 * the store; each of w functions owns one shard and
 *   1. reads the n clients' parts of its shard, m / w bytes each, one after another (read-shards);
 *   2. averages them (aggregate);
 *   3. writes the averaged shard (write-shard).
 *
 *   T = max over functions of (start + n (L + m / (w B)) + gamma n m / w + L + m / (w B))
 *   n w GET, w PUT, (n + 1) m bytes.
 *
 * Beyond the account's limit of functions at once (platform.concurrency_limit) they go in waves.
 * The gradients' own computation is the clients' affair and not part of the round. */
#include "model/protocols/emit.h"
#include "model/protocols/registry.h"

enum { CLIENTS };

static enum status emit(const struct config *c, struct program *p, struct error *err)
{
    (void)err;
    const uint32_t clients = emit_option(c, CLIENTS);
    const double shard = exchange_bytes(c) / c->workers;
    program_role(p, "aggregator", emit_workers_count(c), HOST_WORKER, LIFETIME_JOB,
                 c->workload.memory_overhead_bytes + 2 * shard);
    program_get(p, program_phase(p, "read-shards", CATEGORY_EXCHANGE), STORE_EXCHANGE, clients,
                shard);
    program_compute(p, emit_phase_aggregate(p), merge_time(c, clients * shard));
    program_put(p, program_phase(p, "write-shard", CATEGORY_EXCHANGE), STORE_EXCHANGE, 1, shard,
                PEER_NONE, 0);
    if (c->workload.rounds > 1) { /* the next round's gradients need this one's average */
        const uint16_t written = program_channel(p, "averaged shards", 1);
        emit_signal(p, PEER_SHARED, written);
        program_await(p, emit_phase_wait(p), written, emit_workers_count(c), STORE_NONE, POLL_NONE,
                      1);
    }
    return STATUS_OK;
}

const struct protocol protocol_gradssharding = {
    .name = "gradssharding",
    .summary = "aggregation round: every function averages one shard of all clients' gradients",
    .source = "AmineBarrak/Serverless-aggregation-grads-sharding, 2026",
    .options = {{.name = "clients",
                 .help = "clients whose gradients are averaged",
                 .kind = OPTION_COUNT,
                 .fallback = 20,
                 .minimum = 1,
                 .maximum = 1e6}},
    .stores = 1U << STORE_EXCHANGE,
    .emit = emit,
};
