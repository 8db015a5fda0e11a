/* Feng, Kudva, Da Silva, Hu: Exploring serverless computing for neural network training, IEEE CLOUD
 * 2018, slides 7, 8, 10 and 12. A tree of parameter servers over a database.
 *
 * Structure [1, n_1, ..., n_k = W]: instances per level, root first. Per iteration every worker
 * computes and writes its gradients (UL-grad); level by level each server reads the results of its
 * children one after another, averages and writes one result; the root's result is read by all
 * (DL-model). The slides omit the time; reconstructed, with r_l = n_l / n_(l-1):
 *
 *   t_comp + sum over levels of [alpha + beta r_l] + L + m / B,  beta = L + m / B + gamma m,
 *   alpha one write per level (and the root's).  1 + sum n_l writes, W + sum n_l reads.
 *
 * Servers of one level take ceil(r_l) or floor(r_l) children; the slowest path takes ceil. Polls
 * are counted as those of the largest server of a level for all of it: a server with one child
 * fewer has waited for one GET longer, so that in an uneven tree the count is too low by up to (L +
 * m / B) / (poll interval + L) polls per server and round (tests/test_parity.c). Servers are
 * workers with a second duty (Naik, section 3), or functions of their own. */
#include "model/protocols/emit.h"
#include "model/protocols/registry.h"

enum { OPTION_SERVERS };
enum { SERVERS_DOUBLE, SERVERS_SEPARATE };

/* Names of what belongs to level l; the root is level 0, a structure has STRUCTURE_LIMIT levels. */
static const struct {
    const char *server, *read, *write, *channel;
} levels[STRUCTURE_LIMIT] = {
    {"root server", "read by root", "UL-model", "results for the root"},
    {"server of level 1", "read by level 1", "UL-level-1", "results for level 1"},
    {"server of level 2", "read by level 2", "UL-level-2", "results for level 2"},
    {"server of level 3", "read by level 3", "UL-level-3", "results for level 3"},
    {"server of level 4", "read by level 4", "UL-level-4", "results for level 4"},
    {"server of level 5", "read by level 5", "UL-level-5", "results for level 5"},
    {"server of level 6", "read by level 6", "UL-level-6", "results for level 6"},
    {"server of level 7", "read by level 7", "UL-level-7", "results for level 7"},
    {"server of level 8", "read by level 8", "UL-level-8", "results for level 8"},
    {"server of level 9", "read by level 9", "UL-level-9", "results for level 9"},
    {"server of level 10", "read by level 10", "UL-level-10", "results for level 10"},
    {"server of level 11", "read by level 11", "UL-level-11", "results for level 11"},
};

static void emit_level(struct program *p, const struct config *c, uint32_t level)
{
    const double m = exchange_bytes(c);
    const uint32_t servers = (uint32_t)c->system.structure[level];
    const uint32_t children = (uint32_t)c->system.structure[level + 1];
    const bool separate = emit_option(c, OPTION_SERVERS) == SERVERS_SEPARATE;
    program_role(p, levels[level].server, servers, HOST_WORKER,
                 separate ? LIFETIME_JOB : LIFETIME_GUEST,
                 separate ? c->workload.footprint_bytes : 0);
    emit_total(p,
               (struct op){.kind = OP_AWAIT,
                           .phase = emit_phase_wait(p),
                           .store = STORE_EXCHANGE,
                           .channel = program_channel(p, levels[level].channel, servers),
                           .poll = POLL_GET,
                           .poll_pages = 1},
               children);
    emit_total(p,
               (struct op){.kind = OP_GET,
                           .phase = program_phase(p, levels[level].read, CATEGORY_EXCHANGE),
                           .store = STORE_EXCHANGE,
                           .size_bytes = m},
               children);
    program_compute(p, emit_phase_aggregate(p), merge_time(c, op_share(children, 0, servers) * m));
    const bool root = level == 0;
    const uint16_t next = root ? program_channel(p, "model", 1)
                               : program_channel(p, levels[level - 1].channel,
                                                 (uint32_t)c->system.structure[level - 1]);
    program_put(p, program_phase(p, levels[level].write, CATEGORY_EXCHANGE), STORE_EXCHANGE, 1, m,
                root ? PEER_SHARED : PEER_GROUP, next);
}

static enum status emit(const struct config *c, struct program *p, struct error *err)
{
    const struct system *s = &c->system;
    const uint32_t w = emit_workers_count(c);
    const double m = exchange_bytes(c);
    const uint32_t depth = s->structure_count; /* its last level is w: config_finish */
    (void)err;
    p->redo_round = true;
    emit_worker(p, c, "worker", w, STORE_EXCHANGE, false);
    emit_round(p, c, c->workload.units_per_iteration);
    if (w > 1) {
        program_put(
            p, program_phase(p, "UL-grad", CATEGORY_EXCHANGE), STORE_EXCHANGE, 1, m, PEER_GROUP,
            program_channel(p, levels[depth - 2].channel, (uint32_t)s->structure[depth - 2]));
        program_await(p, emit_phase_wait(p), program_channel(p, "model", 1), 1, STORE_EXCHANGE,
                      POLL_GET, 1);
        program_get(p, program_phase(p, "DL-model", CATEGORY_EXCHANGE), STORE_EXCHANGE, 1, m);
    }
    emit_save(p, c, STORE_EXCHANGE);
    for (uint32_t level = depth - 1; w > 1 && level-- > 0;) {
        emit_level(p, c, level);
    }
    return STATUS_OK;
}

const struct protocol protocol_feng = {
    .name = "feng-tree",
    .summary = "a tree of parameter servers over a database, such as [1, 5, 22, 100]",
    .source = "Feng et al., IEEE CLOUD 2018, slides 7 to 12",
    .options = {[OPTION_SERVERS] = {.name = "servers",
                                    .help = "a second duty of workers, or functions of their own",
                                    .kind = OPTION_CHOICE,
                                    .maximum = 1,
                                    .choices = {"double", "separate"}}},
    .takes_structure = true,
    .stores = 1U << STORE_EXCHANGE | 1U << STORE_DATA,
    .readings = 1U << READING_FENG,
    .emit = emit,
};
