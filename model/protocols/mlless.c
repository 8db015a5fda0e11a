/* MLLess: towards enhancing cost efficiency in serverless machine learning training, Middleware
 * 2021, sections 3.2 and 4.1; pablogs98/MLLess, worker.py and communication.py.
 *
 * Insignificance-bounded synchronous parallel: p workers hold replicas; a supervisor function keeps
 * them in step. Per step
 *   1. each worker reads its mini-batch object from object storage (data);
 *   2. computes its update and filters it: a parameter is sent when its accumulated change is
 *      significant (filter);
 *   3. the u <= p workers with something to send SET one object of phi m bytes in Redis (UL-update)
 *      and publish its key to all, without waiting for the broker;
 *   4. every worker reports to the supervisor (report), which, when all have, tells all which
 *      updates to expect (continue);
 *   5. every worker GETs the others' updates in turn and adds them (DL-update).
 *
 *   d(p) = L_C + d/B + tau + t_filter + (L_R + phi m/B) + 2 L_Q + t_sup
 *          + (u - 1)(L_R + phi m/B + gamma phi m)
 *   u SET, u (p - 1) GET, u + p + 1 messages, u p phi m bytes through Redis.
 *
 * Redis is the exchange store, RabbitMQ the message store. phi = 1 and u = p is plain synchronous
 * SGD (v = 0). Evictions change p during a run: give the job as one scenario per segment. */
#include "model/protocols/emit.h"
#include "model/protocols/registry.h"

enum { PHI, SIGNIFICANT, FILTER_S, SUPERVISOR_S };

static const double message_bytes = 100; /* step, loss and a key: far below what a link notices */

struct mlless {
    uint16_t wait, reports, go;
    uint32_t significant;
    double update_bytes;
};

static void emit_replica(struct program *p, const struct config *c, const struct mlless *x,
                         const char *name, uint32_t actors, bool sends)
{
    const uint16_t report = program_phase(p, "report", CATEGORY_EXCHANGE);
    const uint32_t others = x->significant - (sends ? 1 : 0);
    emit_worker(p, c, name, actors, STORE_DATA, true);
    emit_streamed_round(p, c);
    program_compute(p, program_phase(p, "filter", CATEGORY_COMPUTE),
                    (struct duration){.mean_s = c->system.option[FILTER_S]});
    if (sends) {
        program_put(p, program_phase(p, "UL-update", CATEGORY_EXCHANGE), STORE_EXCHANGE, 1,
                    x->update_bytes, PEER_NONE, 0);
        program_add(p, (struct op){.kind = OP_PUT,
                                   .phase = program_phase(p, "announce", CATEGORY_EXCHANGE),
                                   .store = STORE_MESSAGE,
                                   .size_bytes = message_bytes,
                                   .background = true});
    }
    program_put(p, report, STORE_MESSAGE, 1, message_bytes, PEER_SHARED, x->reports);
    program_await(p, x->wait, x->go, 1, STORE_MESSAGE, POLL_NONE, 1);
    program_get(p, program_phase(p, "DL-update", CATEGORY_EXCHANGE), STORE_EXCHANGE, others,
                x->update_bytes);
    program_compute(p, emit_phase_aggregate(p), merge_time(c, others * x->update_bytes));
    if (sends) {
        emit_save(p, c, STORE_DATA);
    }
}

static enum status emit(const struct config *c, struct program *p, struct error *err)
{
    const uint32_t w = emit_workers_count(c);
    const uint32_t asked = emit_option(c, SIGNIFICANT);
    if (asked > w) {
        RAISE(err, ERR_INFEASIBLE, "found %u significant workers of %u workers", asked, w);
        return config_place(err, c, "/system/significant_workers");
    }
    if (w == 1) { /* a replica alone: nobody to tell, nothing to wait for */
        emit_worker(p, c, "worker", 1, STORE_DATA, true);
        emit_streamed_round(p, c);
        emit_save(p, c, STORE_DATA);
        return STATUS_OK;
    }
    const struct mlless x = {
        .wait = emit_phase_wait(p),
        .reports = program_channel(p, "reports", 1),
        .go = program_channel(p, "continue", 1),
        .significant = asked > 0 ? asked : w,
        .update_bytes = c->system.option[PHI] * exchange_bytes(c),
    };
    emit_replica(p, c, &x, "worker", x.significant, true);
    emit_replica(p, c, &x, "silent worker", w - x.significant, false);

    program_role(p, "supervisor", 1, HOST_WORKER, LIFETIME_JOB, 0);
    program_await(p, x.wait, x.reports, w, STORE_MESSAGE, POLL_NONE, 1);
    program_compute(p, program_phase(p, "supervise", CATEGORY_COMPUTE),
                    (struct duration){.mean_s = c->system.option[SUPERVISOR_S]});
    program_put(p, program_phase(p, "continue", CATEGORY_EXCHANGE), STORE_MESSAGE, 1, message_bytes,
                PEER_SHARED, x.go);
    return STATUS_OK;
}

const struct protocol protocol_mlless = {
    .name = "mlless",
    .summary = "replicas that exchange significant updates through Redis, kept in step by messages",
    .source = "MLLess, Middleware 2021, sections 3.2 and 4.1",
    .options =
        {
            [PHI] = {.name = "byte_share",
                     .help = "phi: bytes sent after the filter over bytes of the full update",
                     .kind = OPTION_NUMBER,
                     .fallback = 1,
                     .minimum = 0,
                     .maximum = 1},
            [SIGNIFICANT] = {.name = "significant_workers",
                             .help = "u: workers with something to send; 0 = all",
                             .kind = OPTION_COUNT,
                             .maximum = 1e6},
            [FILTER_S] = {.name = "filter_s",
                          .help = "s, filtering one update",
                          .kind = OPTION_NUMBER,
                          .maximum = 1e6},
            [SUPERVISOR_S] = {.name = "supervisor_s",
                              .help = "s, the supervisor's work per step",
                              .kind = OPTION_NUMBER,
                              .maximum = 1e6},
        },
    .stores = 1U << STORE_EXCHANGE | 1U << STORE_DATA | 1U << STORE_MESSAGE,
    .emit = emit,
};
