/* SMLT: a serverless framework for scalable and adaptive ML design and training, sections 3.3, 4
 * and 5.2, Fig 5; code Iam-ahsan/SMLT. Hierarchical synchronisation over a parameter store, Redis
 * or S3 mounted as a file system: that is the choice of exchange store.
 *
 * Gradients are cut into n shards, n = w unless told otherwise. Per iteration
 *   1. UL-shard: every worker writes its n shards of m / n;
 *   2. DL-shard: the owner of a shard reads it from all w workers and averages;
 *   3. UL-aggr:  the owner writes the averaged shard;
 *   4. DL-grad:  every worker reads all n averaged shards.
 *
 *   n = w: (3w + 1) L + 3 max(m / B, w m / B_R) + max(m / (w B), m / B_R) + gamma m;
 *          w^2 + w PUT, 2 w^2 GET, (3w + 1) m bytes.
 * skip_own leaves the own shard in memory in steps 1, 2 and 4, which is LambdaML's ScatterReduce.
 * With more shards than workers some own one more than others; with fewer, some own none.
 *
 * per_stage: what the public repository runs. A client invokes, one after another and waiting for
 * each: one global aggregator, w train functions, one shard aggregator per shard. Functions keep
 * nothing, so the aggregator writes the model that the train functions read (the aggregator's own
 * code is not in the repository: inferred).  n + w + 1 invocations, three invocation latencies. */
#include "model/protocols/emit.h"
#include "model/protocols/registry.h"

enum { OPTION_VARIANT, OPTION_SHARDS, OPTION_SKIP_OWN };
enum { VARIANT_RESIDENT, VARIANT_PER_STAGE };

struct smlt {
    uint32_t workers, shards;
    double m;
    bool skip_own;
    uint16_t upload, collect, publish, fetch, wait;
    uint16_t uploaded, averaged;
};

static uint16_t exchange_phase(struct program *p, const char *name)
{
    return program_phase(p, name, CATEGORY_EXCHANGE);
}

/* Workers that own `own` shards each. With n = w every shard has its own channel instance; else the
 * owners wait for all uploads, which end together because senders rotate through the shards. */
static void emit_resident(struct program *p, const struct config *c, const struct smlt *s,
                          const char *name, uint32_t actors, uint32_t own, double units)
{
    const uint32_t w = s->workers;
    const uint32_t n = s->shards;
    const bool square = n == w;
    const uint32_t skipped = s->skip_own ? own : 0;
    const enum op_peer peer = !square ? PEER_SHARED : s->skip_own ? PEER_EACH_OTHER : PEER_EACH;
    emit_worker(p, c, name, actors, STORE_DATA, false);
    emit_round(p, c, units);
    program_put(p, s->upload, STORE_EXCHANGE, n - skipped, s->m / n, peer, s->uploaded);
    if (own > 0) {
        const uint32_t writers = s->skip_own ? w - 1 : w;
        const uint32_t uploads = s->skip_own ? n * (w - 1) : n * w;
        program_await(p, s->wait, s->uploaded, square ? writers : uploads, STORE_EXCHANGE,
                      POLL_LIST, emit_pages(c, STORE_EXCHANGE, uploads));
        program_get(p, s->collect, STORE_EXCHANGE, own * writers, s->m / n);
        program_compute(p, s->collect, merge_time(c, own * s->m * w / n)); /* as Fig 7 counts */
        program_put(p, s->publish, STORE_EXCHANGE, own, s->m / n, PEER_SHARED, s->averaged);
    }
    program_await(p, s->wait, s->averaged, n, STORE_EXCHANGE, POLL_LIST,
                  emit_pages(c, STORE_EXCHANGE, n));
    program_get(p, s->fetch, STORE_EXCHANGE, n - skipped, s->m / n);
}

/* One synchronous stage: `actors` functions in parallel, their client waits for all of them. */
static void emit_stage(struct program *p, const struct smlt *s, const char *start, const char *done,
                       uint32_t actors)
{
    program_add(p, (struct op){.kind = OP_INVOKE,
                               .peer = PEER_EACH,
                               .phase = program_phase(p, "invoke", CATEGORY_STARTUP),
                               .store = STORE_NONE,
                               .channel = program_channel(p, start, actors),
                               .count = actors,
                               .lanes = actors});
    program_await(p, s->wait, program_channel(p, done, 1), actors, STORE_NONE, POLL_NONE, 1);
}

static void begin_call(struct program *p, const struct config *c, const char *name,
                       const char *start, uint32_t actors)
{
    program_role(p, name, actors, HOST_WORKER, LIFETIME_CALL, c->workload.footprint_bytes);
    program_await(p, emit_phase_wait(p), program_channel(p, start, actors), 1, STORE_NONE,
                  POLL_NONE, 1);
}

static void emit_per_stage(struct program *p, const struct config *c, const struct smlt *s)
{
    const uint32_t w = s->workers;
    const uint32_t n = s->shards;
    program_role(p, "task scheduler", 1, HOST_CLIENT, LIFETIME_JOB, 0);
    emit_stage(p, s, "aggregate", "model is there", 1);
    emit_stage(p, s, "train", "shards are there", w);
    emit_stage(p, s, "average", "averages are there", n);

    begin_call(p, c, "global aggregator", "aggregate", 1);
    program_get(p, s->fetch, STORE_EXCHANGE, n, s->m / n);
    program_put(p, exchange_phase(p, "UL-model"), STORE_EXCHANGE, 1, s->m, PEER_NONE, 0);
    emit_signal(p, PEER_SHARED, program_channel(p, "model is there", 1));

    begin_call(p, c, "train function", "train", w);
    program_get(p, exchange_phase(p, "DL-model"), STORE_EXCHANGE, 1, s->m);
    emit_round(p, c, c->workload.units_per_iteration);
    program_put(p, s->upload, STORE_EXCHANGE, n, s->m / n, PEER_NONE, 0);
    emit_signal(p, PEER_SHARED, program_channel(p, "shards are there", 1));

    begin_call(p, c, "shard aggregator", "average", n);
    program_get(p, s->collect, STORE_EXCHANGE, w, s->m / n);
    program_compute(p, s->collect, merge_time(c, s->m * w / n));
    program_put(p, s->publish, STORE_EXCHANGE, 1, s->m / n, PEER_NONE, 0);
    emit_signal(p, PEER_SHARED, program_channel(p, "averages are there", 1));
}

static enum status emit(const struct config *c, struct program *p, struct error *err)
{
    const uint32_t w = emit_workers_count(c);
    const double units = c->workload.units_per_iteration;
    (void)err;
    if (w == 1) {
        emit_worker(p, c, "worker", 1, STORE_DATA, false);
        emit_round(p, c, units);
        emit_save(p, c, STORE_DATA);
        return STATUS_OK;
    }
    struct smlt s = {
        .workers = w,
        .shards = emit_option(c, OPTION_SHARDS) > 0 ? emit_option(c, OPTION_SHARDS) : w,
        .m = exchange_bytes(c),
        .skip_own = c->system.option[OPTION_SKIP_OWN] > 0,
        .upload = exchange_phase(p, "UL-shard"),
        .collect = exchange_phase(p, "DL-shard"),
        .publish = exchange_phase(p, "UL-aggr"),
        .fetch = exchange_phase(p, "DL-grad"),
        .wait = emit_phase_wait(p),
    };
    if (emit_option(c, OPTION_VARIANT) == VARIANT_PER_STAGE) {
        emit_per_stage(p, c, &s);
        return STATUS_OK;
    }
    s.uploaded = program_channel(p, "shards", s.shards == w ? w : 1);
    s.averaged = program_channel(p, "averaged shards", 1);
    const uint32_t own = s.shards / w;
    const uint32_t more = s.shards % w; /* workers with one shard more */
    const double own_units = units_per_worker(c) * more;
    if (more > 0) {
        emit_resident(p, c, &s, "worker with one shard more", more, own + 1,
                      own_units < units ? own_units : units);
        emit_save(p, c, STORE_DATA);
    }
    emit_resident(p, c, &s, "worker", w - more, own, units - own_units > 0 ? units - own_units : 0);
    if (more == 0) {
        emit_save(p, c, STORE_DATA);
    }
    return STATUS_OK;
}

const struct protocol protocol_smlt = {
    .name = "smlt",
    .summary = "data-parallel SGD, gradients averaged shard by shard over a parameter store",
    .source = "SMLT, sections 3.3, 4 and 5.2; Iam-ahsan/SMLT",
    .options =
        {
            [OPTION_VARIANT] = {.name = "variant",
                                .help = "functions stay for the job, or one call per stage",
                                .kind = OPTION_CHOICE,
                                .maximum = 1,
                                .choices = {"resident", "per_stage"}},
            [OPTION_SHARDS] = {.name = "shards",
                               .help = "shards of the gradients; 0 = as many as workers",
                               .kind = OPTION_COUNT,
                               .maximum = 1e5},
            [OPTION_SKIP_OWN] = {.name = "skip_own",
                                 .help = "does a worker keep its own shard in memory?",
                                 .kind = OPTION_BOOL,
                                 .maximum = 1},
        },
    .stores = 1U << STORE_EXCHANGE | 1U << STORE_DATA,
    .emit = emit,
};
