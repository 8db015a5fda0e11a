/* Naik: Machine learning using serverless computing, SJSU 2021, sections 5.1, 6 and 7.1. Functions
 * combine their work through a shared file system (EFS), because one invocation lasts 15 minutes.
 *
 * Per round, which is k = combine_epochs epochs of steps_per_epoch mini-batches:
 *   1. the starter (in later rounds the combine function) invokes w workers;
 *   2. each worker loads model and data from EFS, trains, writes one file of G bytes with its
 *      gradients, and a progress row to DynamoDB;
 *   3. each lists the gradient directory; the one that sees w files invokes the combine function;
 *   4. the combine function reads the w files, sums, writes the model and its row.
 *
 *   round = t_S + t_load + k * steps * tau + save + 2 t_inv + w(L + G / B + gamma G) + m / B
 *   w writes and w reads of G, 1 write and w reads of the model, w + 1 invocations and rows.
 *
 * `iterations` of the workload are mini-batches of one worker, as for every system, so that the
 * rounds are ceil(E(w) / k) with E(w) epochs of steps_per_epoch each.
 * race: step 3 is not atomic; two workers may see w files and combine twice. The second combine
 * function invokes w workers like the first: they load, train and save beside those that are waited
 * for, and are billed. The first round has none: nothing was combined before it. */
#include "model/protocols/emit.h"
#include "model/protocols/registry.h"

enum { OPTION_COMBINE_EPOCHS, OPTION_STEPS_PER_EPOCH, OPTION_RACE };

static double batches_per_round(const struct config *c)
{
    return c->system.option[OPTION_COMBINE_EPOCHS] * c->system.option[OPTION_STEPS_PER_EPOCH];
}

static void emit_call(struct program *p, const char *channel, uint32_t functions, bool later)
{
    program_add(p, (struct op){.kind = OP_INVOKE,
                               .peer = PEER_EACH,
                               .phase = program_phase(p, "invoke", CATEGORY_STARTUP),
                               .store = STORE_NONE,
                               .channel = program_channel(p, channel, functions),
                               .count = functions,
                               .lanes = functions,
                               .later = later});
}

static void emit_trainer(struct program *p, const struct config *c, const char *name,
                         const char *channel, uint32_t w)
{
    const struct workload *load = &c->workload;
    const uint16_t loading = program_phase(p, "load model and data", CATEGORY_LOAD);
    const double units = units_per_worker(c) * batches_per_round(c);
    program_role(p, name, w, HOST_WORKER, LIFETIME_CALL, load->footprint_bytes);
    program_await(p, emit_phase_wait(p), program_channel(p, channel, w), 1, STORE_NONE, POLL_NONE,
                  1);
    program_get(p, loading, STORE_DATA, 1, model_bytes(c));
    if (load->data_each_unit) {
        program_get(p, loading, STORE_DATA, 1, units * load->unit_bytes);
    } else if (load->dataset_bytes > 0) {
        program_get(p, loading, STORE_DATA, 1, load->dataset_bytes);
    }
    program_compute(p, emit_phase_compute(p), units_compute(c, units));
}

/* Reads the w files, sums, writes the model. Whoever loses the race does it all for nothing: what
 * it writes is the same model, which nobody waits for. */
static void emit_combine(struct program *p, const struct config *c, const char *name,
                         const char *channel, bool first)
{
    const uint32_t w = emit_workers_count(c);
    const double gradient_bytes = exchange_bytes(c);
    program_role(p, name, 1, HOST_WORKER, LIFETIME_CALL, c->workload.footprint_bytes);
    program_await(p, emit_phase_wait(p), program_channel(p, channel, 1), 1, STORE_NONE, POLL_NONE,
                  1);
    program_get(p, program_phase(p, "combine", CATEGORY_EXCHANGE), STORE_EXCHANGE, w,
                gradient_bytes);
    program_compute(p, emit_phase_aggregate(p), merge_time(c, w * gradient_bytes));
    program_put(p, program_phase(p, "write model", CATEGORY_EXCHANGE), STORE_EXCHANGE, 1,
                model_bytes(c), PEER_NONE, 0);
    program_put(p, program_phase(p, "progress row", CATEGORY_EXCHANGE), STORE_MESSAGE, 1, 0,
                first ? PEER_SHARED : PEER_NONE, program_channel(p, "model is there", 1));
}

static enum status emit(const struct config *c, struct program *p, struct error *err)
{
    const uint32_t w = emit_workers_count(c);
    const double gradient_bytes = exchange_bytes(c);
    (void)err;
    const uint16_t wait = emit_phase_wait(p);
    const uint16_t rows = program_phase(p, "progress row", CATEGORY_EXCHANGE);
    const uint16_t model = program_channel(p, "model is there", 1);
    p->redo_round = true;

    program_role(p, "starter", 1, HOST_CLIENT, LIFETIME_JOB, 0);
    const bool race = w > 1 && c->system.option[OPTION_RACE] > 0;
    emit_call(p, "train", w, false);
    if (race) {
        emit_call(p, "train again", w, true);
    }
    program_await(p, wait, model, 1, STORE_NONE, POLL_NONE, 1);

    emit_trainer(p, c, "worker", "train", w);
    if (w == 1) { /* nothing to combine: the worker saves its own model */
        program_put(p, program_phase(p, "save-model", CATEGORY_CHECKPOINT), STORE_DATA, 1,
                    model_bytes(c), PEER_SHARED, model);
        return STATUS_OK;
    }
    const uint16_t files = program_channel(p, "gradient files", 1);
    program_put(p, program_phase(p, "save gradients", CATEGORY_EXCHANGE), STORE_EXCHANGE, 1,
                gradient_bytes, PEER_NONE, 0);
    program_put(p, rows, STORE_MESSAGE, 1, 0, PEER_SHARED, files);
    program_add(p, (struct op){.kind = OP_LIST, .phase = wait, .store = STORE_EXCHANGE});

    program_role(p, "last worker to finish", 1, HOST_WORKER, LIFETIME_GUEST, 0);
    program_await(p, wait, files, w, STORE_NONE, POLL_NONE, 1);
    emit_call(p, "combine", 1, false);
    if (race) {
        emit_call(p, "combine again", 1, false);
    }

    emit_combine(p, c, "combine function", "combine", true);
    if (race) {
        emit_combine(p, c, "second combine function", "combine again", false);
        emit_trainer(p, c, "duplicate worker", "train again", w);
        program_later(p);
        program_put(p, program_phase(p, "save gradients", CATEGORY_EXCHANGE), STORE_EXCHANGE, 1,
                    gradient_bytes, PEER_NONE, 0);
        program_put(p, rows, STORE_MESSAGE, 1, 0, PEER_NONE, 0);
        program_add(p, (struct op){.kind = OP_LIST, .phase = wait, .store = STORE_EXCHANGE});
    }
    return STATUS_OK;
}

const struct protocol protocol_naik = {
    .name = "naik",
    .summary = "functions of 15 minutes that combine gradients through a shared file system",
    .source = "Naik, SJSU 2021, sections 5.1, 6 and 7.1",
    .options =
        {
            [OPTION_COMBINE_EPOCHS] = {.name = "combine_epochs",
                                       .help = "epochs between two combines",
                                       .kind = OPTION_COUNT,
                                       .fallback = 3,
                                       .minimum = 1,
                                       .maximum = 1e6},
            [OPTION_STEPS_PER_EPOCH] = {.name = "steps_per_epoch",
                                        .help = "mini-batches a worker takes in one epoch",
                                        .kind = OPTION_COUNT,
                                        .fallback = 20,
                                        .minimum = 1,
                                        .maximum = 1e9},
            [OPTION_RACE] = {.name = "race",
                             .help = "may two workers start the combine function?",
                             .kind = OPTION_BOOL,
                             .maximum = 1},
        },
    .iterations_per_round = batches_per_round,
    .stores = 1U << STORE_EXCHANGE | 1U << STORE_DATA | 1U << STORE_MESSAGE,
    .emit = emit,
};
