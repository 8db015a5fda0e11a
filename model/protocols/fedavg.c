/* FedAvg through a store with a server function
 * (3000weichen/serverless-distributed-ml-training-aliyun; McMahan et al., AISTATS 2017): w worker
 * functions pass over their own data, average their parameters now and then. Per synchronisation
 *   1. every worker trains for some epochs of `local_epochs` passes over its share, in batches
 *      (compute), then writes its parameters (UL-model);
 *   2. the server function waits for all w, reads them one after another, averages them and writes
 *      the checkpoint (server-read, aggregate, checkpoint);
 *   3. every worker polls for the checkpoint, with sleeps that may double (system.poll_interval_s,
 *      poll_interval_max_s), and reads it (DL-checkpoint).
 *
 *   T = compute + L + m/B + [w (L + m/B) + gamma w m + L + m/B] + poll slack + L + m/B
 *   w + 1 PUT, 2 w GET, (3 w + 1) m bytes per synchronisation.
 *
 * The first of every `sync_every` epochs ends with an averaging. The epochs after the last
 * averaging end in nothing and are left out: E epochs have S = ceil(E / k) averagings and (S - 1) k
 * + 1 epochs before the last of them; a round here is an averaging and the mean share of these.
 *
 * A pass over n samples in batches of b takes n unit_s / v(M) + ceil(n / b) batch_s. `server_s` is
 * what an averaging costs beside its transfers: loading files through a mounted bucket, the
 * server's own sleeps. */
#include "model/protocols/emit.h"
#include "model/protocols/registry.h"

#include <math.h>

enum { LOCAL_EPOCHS, SYNC_EVERY, LOCAL_BATCH, BATCH_S, SERVER_S };

static double iterations_per_round(const struct config *c)
{
    return c->system.option[SYNC_EVERY];
}

static struct duration passes(const struct config *c)
{
    const double *const o = c->system.option;
    const double averagings = c->workload.rounds;
    const double epochs = ((averagings - 1) * o[SYNC_EVERY] + 1) / averagings;
    struct duration pass = worker_compute(c);
    pass.mean_s += ceil(units_per_worker(c) / o[LOCAL_BATCH]) * o[BATCH_S];
    pass.mean_s *= o[LOCAL_EPOCHS] * epochs;
    pass.by_unit_s *= o[LOCAL_EPOCHS] * epochs;
    return pass;
}

static void emit_averaging(const struct config *c, struct program *p, uint32_t w, uint16_t uploaded,
                           uint16_t averaged)
{
    const double m = exchange_bytes(c);
    program_role(p, "server", 1, HOST_WORKER, LIFETIME_JOB,
                 c->workload.memory_overhead_bytes + (w + 1) * m);
    program_await(p, emit_phase_wait(p), uploaded, w, STORE_EXCHANGE, POLL_NONE, 1);
    program_get(p, program_phase(p, "server-read", CATEGORY_EXCHANGE), STORE_EXCHANGE, w, m);
    struct duration merge = merge_time(c, w * m);
    merge.mean_s += c->system.option[SERVER_S];
    program_compute(p, emit_phase_aggregate(p), merge);
    program_put(p, program_phase(p, "checkpoint", CATEGORY_EXCHANGE), STORE_EXCHANGE, 1, m,
                PEER_SHARED, averaged);
}

static enum status emit(const struct config *c, struct program *p, struct error *err)
{
    (void)err;
    const uint32_t w = emit_workers_count(c);
    const double m = exchange_bytes(c);
    const uint16_t uploaded = program_channel(p, "workers' parameters", 1);
    const uint16_t averaged = program_channel(p, "checkpoint", 1);
    program_role(p, "worker", w, HOST_WORKER, LIFETIME_JOB, c->workload.footprint_bytes);
    program_compute(p, emit_phase_compute(p), passes(c));
    program_put(p, program_phase(p, "UL-model", CATEGORY_EXCHANGE), STORE_EXCHANGE, 1, m,
                PEER_SHARED, uploaded);
    program_await(p, emit_phase_wait(p), averaged, 1, STORE_EXCHANGE, POLL_GET, 1);
    program_get(p, program_phase(p, "DL-checkpoint", CATEGORY_EXCHANGE), STORE_EXCHANGE, 1, m);
    emit_averaging(c, p, w, uploaded, averaged);
    return STATUS_OK;
}

const struct protocol protocol_fedavg = {
    .name = "fedavg",
    .summary = "local epochs, then parameters averaged by a server function over a store",
    .source = "3000weichen/serverless-distributed-ml-training-aliyun; McMahan et al., AISTATS 2017",
    .options = {{.name = "local_epochs",
                 .help = "passes over its data a worker makes per epoch",
                 .kind = OPTION_COUNT,
                 .fallback = 1,
                 .minimum = 1,
                 .maximum = 1e6},
                {.name = "sync_every",
                 .help = "epochs between two averagings",
                 .kind = OPTION_COUNT,
                 .fallback = 1,
                 .minimum = 1,
                 .maximum = 1e6},
                {.name = "local_batch",
                 .help = "samples of a worker's batch",
                 .kind = OPTION_COUNT,
                 .fallback = 32,
                 .minimum = 1,
                 .maximum = 1e9},
                {.name = "batch_s",
                 .help = "s of work per batch, beside that per sample",
                 .kind = OPTION_NUMBER,
                 .maximum = 1e6},
                {.name = "server_s",
                 .help = "s an averaging takes beside its transfers and sums",
                 .kind = OPTION_NUMBER,
                 .maximum = 1e6}},
    .stores = 1U << STORE_EXCHANGE,
    .iterations_per_round = iterations_per_round,
    .emit = emit,
};
