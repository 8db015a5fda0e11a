/* LambdaML: Towards demystifying serverless machine learning training, SIGMOD 2021; code
 * DS3Lab/LambdaML, communicator/s3_primitive.py.
 *
 * AllReduce: merge by one worker, literal (merge.c).
 *
 * ScatterReduce: each of w workers owns one of w chunks of m / w. Per round, worker i
 *   1. writes the w - 1 chunks that others own                                   (UL-chunk);
 *   2. polls with LIST, reads the w - 1 chunks of its own index, adds and deletes (DL-chunk);
 *   3. writes its aggregated chunk                                               (UL-aggr);
 *   4. polls with LIST and reads the other w - 1 aggregated chunks               (DL-aggr).
 *
 *   (3w - 2)(L + m / (w B)) + gamma m; w^2 PUT, 2w(w - 1) GET, w(w - 1) DELETE, 2w LIST or more.
 *
 * Pipelined (FuncPipe; code liu445126256/FuncPipe, collectives.bandwidth_opt): writing and reading
 * of steps 1 and 2 overlap, chunk by chunk, which leaves (2w - 1)(L + m / (w B)); a sender thread
 * (a guest of the worker) writes while the worker reads. The one chunk by which reading lags is
 * neglected, as in that form. Every worker but one ends the round with an empty completion flag
 * that it does not wait for; rank 0 polls for the w - 1 flags. */
#include "model/protocols/emit.h"
#include "model/protocols/registry.h"

static enum status emit_allreduce(const struct config *c, struct program *p, struct error *err)
{
    static const struct merge_words words = {"UL-grad", "merge-read", "UL-merged", "DL-merged"};
    (void)err;
    emit_merge_by_one(p, c, &words, false);
    return STATUS_OK;
}

/* Steps 2 to 4, and step 1 unless a sender thread does it. */
static void emit_exchange(struct program *p, const struct config *c, bool pipelined)
{
    const uint32_t w = emit_workers_count(c);
    const double m = exchange_bytes(c);
    const double chunk = m / w;
    const uint16_t upload = program_phase(p, "UL-chunk", CATEGORY_EXCHANGE);
    const uint16_t collect = program_phase(p, "DL-chunk", CATEGORY_EXCHANGE);
    const uint16_t publish = program_phase(p, "UL-aggr", CATEGORY_EXCHANGE);
    const uint16_t fetch = program_phase(p, "DL-aggr", CATEGORY_EXCHANGE);
    const uint16_t wait = emit_phase_wait(p);
    const uint16_t chunks = program_channel(p, "chunks", w);
    const uint16_t aggregated = program_channel(p, "aggregated chunks", 1);
    const uint32_t pages = emit_pages(c, STORE_EXCHANGE, (double)w * (w - 1));

    if (pipelined) {
        emit_signal(p, PEER_OWN, program_channel(p, "gradients ready", w));
        program_get(p, collect, STORE_EXCHANGE, w - 1, chunk);
        program_await(p, wait, chunks, w - 1, STORE_EXCHANGE, POLL_LIST, pages);
    } else {
        program_put(p, upload, STORE_EXCHANGE, w - 1, chunk, PEER_EACH_OTHER, chunks);
        program_await(p, wait, chunks, w - 1, STORE_EXCHANGE, POLL_LIST, pages);
        program_get(p, collect, STORE_EXCHANGE, w - 1, chunk);
    }
    program_compute(p, emit_phase_aggregate(p), merge_time(c, m));
    program_add(
        p, (struct op){.kind = OP_DELETE, .phase = wait, .store = STORE_EXCHANGE, .count = w - 1});
    program_put(p, publish, STORE_EXCHANGE, 1, chunk, PEER_SHARED, aggregated);
    program_await(p, wait, aggregated, w, STORE_EXCHANGE, POLL_LIST,
                  emit_pages(c, STORE_EXCHANGE, w));
    program_get(p, fetch, STORE_EXCHANGE, w - 1, chunk);
}

/* What FuncPipe runs beside the worker: the thread that writes, and rank 0's look at the flags. */
static void emit_pipeline(struct program *p, const struct config *c)
{
    const uint32_t w = emit_workers_count(c);
    const uint16_t wait = emit_phase_wait(p);
    const uint16_t ready = program_channel(p, "gradients ready", w);
    const uint16_t chunks = program_channel(p, "chunks", w);
    const uint16_t flags = program_channel(p, "completion flags", 1);
    program_role(p, "sender thread", w, HOST_WORKER, LIFETIME_GUEST, 0);
    program_await(p, wait, ready, 1, STORE_NONE, POLL_NONE, 1);
    program_put(p, program_phase(p, "UL-chunk", CATEGORY_EXCHANGE), STORE_EXCHANGE, w - 1,
                exchange_bytes(c) / w, PEER_EACH_OTHER, chunks);
    program_role(p, "rank 0's check", 1, HOST_WORKER, LIFETIME_GUEST, 0);
    program_await(p, wait, flags, w - 1, STORE_EXCHANGE, POLL_LIST,
                  emit_pages(c, STORE_EXCHANGE, w - 1));
}

enum { VARIANT_SEQUENTIAL, VARIANT_PIPELINED };

static enum status emit_scatter_reduce(const struct config *c, struct program *p, struct error *err)
{
    const uint32_t w = emit_workers_count(c);
    const bool pipelined = emit_option(c, 0) == VARIANT_PIPELINED && w > 1;
    (void)err;
    emit_worker(p, c, "worker", w, STORE_EXCHANGE, false);
    emit_round(p, c, c->workload.units_per_iteration);
    if (w > 1) {
        emit_exchange(p, c, pipelined);
    }
    if (pipelined) {
        emit_total(p,
                   (struct op){.kind = OP_PUT,
                               .phase = emit_phase_wait(p),
                               .store = STORE_EXCHANGE,
                               .peer = PEER_SHARED,
                               .channel = program_channel(p, "completion flags", 1),
                               .background = true},
                   w - 1);
    }
    emit_save(p, c, STORE_EXCHANGE);
    if (pipelined) {
        emit_pipeline(p, c);
    }
    return STATUS_OK;
}

const struct protocol protocol_lambdaml_allreduce = {
    .name = "lambdaml-allreduce",
    .summary = "data-parallel SGD, gradients merged by one worker over a store",
    .source = "LambdaML, SIGMOD 2021; DS3Lab/LambdaML, communicator/s3_primitive.py",
    .stores = 1U << STORE_EXCHANGE | 1U << STORE_DATA,
    .readings = 1U << READING_LAMBDAML,
    .emit = emit_allreduce,
};

const struct protocol protocol_lambdaml_scatterreduce = {
    .name = "lambdaml-scatterreduce",
    .summary = "data-parallel SGD, every worker merges one chunk of the gradients",
    .source = "LambdaML, SIGMOD 2021; pipelined: FuncPipe, collectives.bandwidth_opt",
    .options = {{.name = "variant",
                 .help = "write, then read; or both at once",
                 .kind = OPTION_CHOICE,
                 .maximum = 1,
                 .choices = {"sequential", "pipelined"}}},
    .stores = 1U << STORE_EXCHANGE | 1U << STORE_DATA,
    .readings = 1U << READING_LAMBDAML,
    .emit = emit_scatter_reduce,
};
