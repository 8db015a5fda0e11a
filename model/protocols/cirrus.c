/* Cirrus: a serverless framework for end-to-end ML workflows, SoCC 2019; code ucbrise/cirrus.
 *
 * asynchronous (the original): functions against a parameter server on a virtual machine. A worker
 *   reads a mini-batch from S3, pulls only the weights the batch touches (share pull_share of m),
 *   computes and pushes a sparse gradient (push_share of m).
 *   Step t_S3 + 2L + (b_pull + b_push) / share + tau, share = min(B, n B_ps / w).
 * synchronous (as replicated in SMLT, section 5.2): 2L + 2 max(m / B, w m / (n B_ps)).
 *
 * The server is in the path of a single worker too. */
#include "model/protocols/emit.h"
#include "model/protocols/registry.h"

enum { OPTION_VARIANT, OPTION_PULL_SHARE, OPTION_PUSH_SHARE };
enum { VARIANT_ASYNCHRONOUS, VARIANT_SYNCHRONOUS };

static enum status emit(const struct config *c, struct program *p, struct error *err)
{
    const double m = exchange_bytes(c);
    const bool synchronous = emit_option(c, OPTION_VARIANT) == VARIANT_SYNCHRONOUS;
    (void)err;
    emit_worker(p, c, "worker", emit_workers_count(c), STORE_DATA, true);
    if (!synchronous) {
        p->sync = SYNC_ASYNCHRONOUS;
        program_get(p, program_phase(p, "pull", CATEGORY_EXCHANGE), STORE_NETWORK, 1,
                    c->system.option[OPTION_PULL_SHARE] * m);
    }
    emit_streamed_round(p, c);
    if (synchronous) {
        emit_push_pull(p, c);
    } else {
        program_put(p, program_phase(p, "push", CATEGORY_EXCHANGE), STORE_NETWORK, 1,
                    c->system.option[OPTION_PUSH_SHARE] * m, PEER_NONE, 0);
    }
    emit_save(p, c, STORE_DATA);
    emit_server(p, c, synchronous);
    return STATUS_OK;
}

const struct protocol protocol_cirrus = {
    .name = "cirrus",
    .summary = "functions against a parameter server on a virtual machine",
    .source = "Cirrus, SoCC 2019, ucbrise/cirrus; synchronous: SMLT, section 5.2",
    .options =
        {
            [OPTION_VARIANT] = {.name = "variant",
                                .help = "no barrier, or the synchronous replication in SMLT",
                                .kind = OPTION_CHOICE,
                                .maximum = 1,
                                .choices = {"asynchronous", "synchronous"}},
            [OPTION_PULL_SHARE] = {.name = "pull_share",
                                   .help = "share of the model a mini-batch touches (asynchronous)",
                                   .kind = OPTION_NUMBER,
                                   .fallback = 1,
                                   .maximum = 1},
            [OPTION_PUSH_SHARE] = {.name = "push_share",
                                   .help = "bytes pushed over those of the model (asynchronous)",
                                   .kind = OPTION_NUMBER,
                                   .fallback = 1,
                                   .maximum = 4},
        },
    .stores = 1U << STORE_DATA | 1U << STORE_NETWORK,
    .readings = 1U << READING_LAMBDA_DNN,
    .emit = emit,
};
