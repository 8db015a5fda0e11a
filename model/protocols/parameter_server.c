/* Parameter server on machines (HOST_SERVER), whose links are the network store. Synchronous: every
 * worker pushes its gradients, the servers average when all w are there, every worker pulls.
 *
 *   2L + 2 max(m / B, w m / (n B_ps)) + w gamma m / n;  2w requests of m bytes. */
#include "model/protocols/emit.h"

static uint32_t server_count(const struct config *c)
{
    return c->server.nodes > 1 ? (uint32_t)c->server.nodes : 1;
}

void emit_push_pull(struct program *p, const struct config *c)
{
    const uint32_t servers = server_count(c);
    const double m = exchange_bytes(c);
    program_put(p, program_phase(p, "push", CATEGORY_EXCHANGE), STORE_NETWORK, 1, m, PEER_ALL,
                program_channel(p, "gradients", servers));
    program_await(p, emit_phase_wait(p), program_channel(p, "updated", 1), servers, STORE_NETWORK,
                  POLL_NONE, 1);
    program_get(p, program_phase(p, "pull", CATEGORY_EXCHANGE), STORE_NETWORK, 1, m);
}

void emit_server(struct program *p, const struct config *c, bool synchronous)
{
    const uint32_t w = emit_workers_count(c);
    const uint32_t servers = server_count(c);
    program_role(p, "parameter server", servers, HOST_SERVER, LIFETIME_JOB, model_bytes(c));
    if (synchronous) {
        program_await(p, emit_phase_wait(p), program_channel(p, "gradients", servers), w,
                      STORE_NETWORK, POLL_NONE, 1);
        program_compute(p, emit_phase_aggregate(p),
                        merge_time_server(c, w * exchange_bytes(c) / servers));
        emit_signal(p, PEER_SHARED, program_channel(p, "updated", 1));
    }
}
