/* Siren: Distributed machine learning with a serverless architecture, INFOCOM 2019.
 *
 * asynchronous (the original): every function loops without a barrier: read the model from S3
 *   (DL-model), read a mini-batch, compute, write the model (UL-model).
 *   Step 2(L + m / B) + L + d / B + tau; updates per second w / step until the store is full.
 * synchronous (as replicated in SMLT, section 5.2): every worker writes its gradients (UL-grad),
 *   waits for all and reads all w of them (DL-grad).
 *   w PUT, w^2 GET, (w + w^2) m bytes, (1 + w)(L + m / B).
 *   With skip_own it reads the w - 1 of the others: w (w - 1) GET. SMLT's Fig 7 shows that: DL-grad
 *   of ResNet-50 is 1.31 s times w - 1 within 1 % at 10 to 200 workers, times w it is not.
 *
 * A single worker needs no one else's model: it exchanges nothing. The learned scheduler that picks
 * workers and memory per epoch is a search over configurations, not part of the protocol. */
#include "model/protocols/emit.h"
#include "model/protocols/registry.h"

enum { OPTION_VARIANT, OPTION_SKIP_OWN };
enum { VARIANT_ASYNCHRONOUS, VARIANT_SYNCHRONOUS };

static void emit_asynchronous(struct program *p, const struct config *c, uint32_t w)
{
    const double m = exchange_bytes(c);
    p->sync = SYNC_ASYNCHRONOUS;
    emit_worker(p, c, "worker", w, STORE_EXCHANGE, true);
    if (w > 1) {
        program_get(p, program_phase(p, "DL-model", CATEGORY_EXCHANGE), STORE_EXCHANGE, 1, m);
    }
    emit_streamed_round(p, c);
    if (w > 1) {
        program_put(p, program_phase(p, "UL-model", CATEGORY_EXCHANGE), STORE_EXCHANGE, 1, m,
                    PEER_NONE, 0);
    }
    emit_save(p, c, STORE_EXCHANGE);
}

static void emit_synchronous(struct program *p, const struct config *c, uint32_t w)
{
    const double m = exchange_bytes(c);
    emit_worker(p, c, "worker", w, STORE_EXCHANGE, true);
    emit_streamed_round(p, c);
    if (w > 1) {
        const uint16_t written = program_channel(p, "gradients", 1);
        program_put(p, program_phase(p, "UL-grad", CATEGORY_EXCHANGE), STORE_EXCHANGE, 1, m,
                    PEER_SHARED, written);
        program_await(p, emit_phase_wait(p), written, w, STORE_EXCHANGE, POLL_LIST,
                      emit_pages(c, STORE_EXCHANGE, w));
        const bool skip_own = c->system.option[OPTION_SKIP_OWN] > 0;
        program_get(p, program_phase(p, "DL-grad", CATEGORY_EXCHANGE), STORE_EXCHANGE,
                    skip_own ? w - 1 : w, m);
        program_compute(p, emit_phase_aggregate(p), merge_time(c, w * m));
    }
    emit_save(p, c, STORE_EXCHANGE);
}

static enum status emit(const struct config *c, struct program *p, struct error *err)
{
    (void)err;
    if (emit_option(c, OPTION_VARIANT) == VARIANT_SYNCHRONOUS) {
        emit_synchronous(p, c, emit_workers_count(c));
    } else {
        emit_asynchronous(p, c, emit_workers_count(c));
    }
    return STATUS_OK;
}

const struct protocol protocol_siren = {
    .name = "siren",
    .summary = "SGD through the store: asynchronous, or every worker reads all gradients",
    .source = "Siren, INFOCOM 2019; synchronous: SMLT, section 5.2",
    .options = {[OPTION_VARIANT] = {.name = "variant",
                                    .help = "no barrier, or the synchronous replication in SMLT",
                                    .kind = OPTION_CHOICE,
                                    .maximum = 1,
                                    .choices = {"asynchronous", "synchronous"}},
                [OPTION_SKIP_OWN] = {.name = "skip_own",
                                     .help = "does a worker keep its own gradients in memory? "
                                             "(synchronous)",
                                     .kind = OPTION_BOOL,
                                     .maximum = 1}},
    .stores = 1U << STORE_EXCHANGE | 1U << STORE_DATA,
    .emit = emit,
};
