/* Building, checking and listing op-programs. The builder never fails half-way: it notes trouble in
 * `failed`, which program_check reports once. */
#include "model/program.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void program_reset(struct program *p)
{
    p->n_ops = p->n_loops = p->n_roles = p->n_channels = p->n_phases = 0;
    p->sync = SYNC_BARRIER;
    p->redo_round = false;
    p->current_role = ROLE_LIMIT;
    p->open_loop = UINT32_MAX;
    p->current_span = SPAN_ITERATION;
    p->failed = false;
}

void program_free(struct program *p)
{
    free(p->ops);
    free(p->loops);
    *p = (struct program){0};
}

uint16_t program_phase(struct program *p, const char *name, enum category category)
{
    for (uint32_t i = 0; i < p->n_phases; i++) {
        if (p->phases[i].name == name || strcmp(p->phases[i].name, name) == 0) {
            return (uint16_t)i;
        }
    }
    if (p->n_phases == PHASE_LIMIT) {
        p->failed = true;
        return 0;
    }
    p->phases[p->n_phases] = (struct phase){.name = name, .category = category};
    return (uint16_t)p->n_phases++;
}

uint16_t program_channel(struct program *p, const char *name, uint32_t instances)
{
    for (uint32_t i = 0; i < p->n_channels; i++) {
        if (p->channels[i].name == name || strcmp(p->channels[i].name, name) == 0) {
            return (uint16_t)i;
        }
    }
    if (p->n_channels == CHANNEL_LIMIT) {
        p->failed = true;
        return 0;
    }
    p->channels[p->n_channels] = (struct channel){.name = name, .instances = instances};
    return (uint16_t)p->n_channels++;
}

void program_role(struct program *p, const char *name, uint32_t actors, enum host_use host,
                  enum lifetime lifetime, double memory_bytes)
{
    p->current_span = SPAN_ITERATION;
    if (actors == 0) {
        p->current_role = ROLE_LIMIT; /* ops that follow are dropped */
        return;
    }
    if (p->n_roles == ROLE_LIMIT) {
        p->failed = true;
        p->current_role = ROLE_LIMIT;
        return;
    }
    p->current_role = p->n_roles++;
    p->roles[p->current_role] = (struct role){.name = name,
                                              .actors = actors,
                                              .host = host,
                                              .lifetime = lifetime,
                                              .memory_bytes = memory_bytes};
}

void program_span(struct program *p, enum span_kind span)
{
    p->current_span = span;
}

void program_later(struct program *p)
{
    if (p->current_role < ROLE_LIMIT) {
        p->roles[p->current_role].later = true;
    }
}

void program_add(struct program *p, struct op op)
{
    if (p->current_role == ROLE_LIMIT || p->failed) {
        return;
    }
    if (p->n_ops == p->ops_capacity) {
        const uint32_t capacity = p->ops_capacity > 0 ? 2 * p->ops_capacity : 64;
        struct op *ops = realloc(p->ops, capacity * sizeof *ops);
        if (ops == NULL) {
            p->failed = true;
            return;
        }
        p->ops = ops;
        p->ops_capacity = capacity;
    }
    op.count = op.count > 0 ? op.count : 1;
    op.lanes = op.lanes > 0 ? op.lanes : 1;
    struct span *span = &p->roles[p->current_role].span[p->current_span];
    if (span->ops == 0) {
        span->first = p->n_ops;
    } else if (span->first + span->ops != p->n_ops) {
        p->failed = true; /* a span must be written in one piece */
    }
    p->ops[p->n_ops++] = op;
    span->ops++;
}

void program_loop(struct program *p, uint32_t times)
{
    if (p->current_role == ROLE_LIMIT || p->failed) {
        return;
    }
    if (p->n_loops == p->loops_capacity) {
        const uint32_t capacity = p->loops_capacity > 0 ? 2 * p->loops_capacity : 8;
        struct loop *loops = realloc(p->loops, capacity * sizeof *loops);
        if (loops == NULL) {
            p->failed = true;
            return;
        }
        p->loops = loops;
        p->loops_capacity = capacity;
    }
    p->open_loop = p->n_loops;
    p->loops[p->n_loops++] = (struct loop){.first = p->n_ops, .times = times};
}

void program_loop_end(struct program *p)
{
    if (p->open_loop == UINT32_MAX) {
        return;
    }
    struct loop *loop = &p->loops[p->open_loop];
    loop->ops = p->n_ops - loop->first;
    if (loop->ops == 0 || loop->times == 0) {
        p->failed = p->failed || loop->ops > 0;
        p->n_loops--;
    }
    p->open_loop = UINT32_MAX;
}

void program_compute(struct program *p, uint16_t phase, struct duration time)
{
    if (time.mean_s > 0) {
        program_add(
            p, (struct op){.kind = OP_COMPUTE, .phase = phase, .store = STORE_NONE, .time = time});
    }
}

void program_put(struct program *p, uint16_t phase, uint16_t store, uint32_t count,
                 double size_bytes, enum op_peer peer, uint16_t channel)
{
    if (count > 0) {
        program_add(p, (struct op){.kind = OP_PUT,
                                   .phase = phase,
                                   .store = store,
                                   .count = count,
                                   .size_bytes = size_bytes,
                                   .peer = peer,
                                   .channel = channel});
    }
}

void program_get(struct program *p, uint16_t phase, uint16_t store, uint32_t count,
                 double size_bytes)
{
    if (count > 0) {
        program_add(p, (struct op){.kind = OP_GET,
                                   .phase = phase,
                                   .store = store,
                                   .count = count,
                                   .size_bytes = size_bytes});
    }
}

void program_await(struct program *p, uint16_t phase, uint16_t channel, uint32_t need,
                   uint16_t store, enum op_poll poll, uint32_t poll_pages)
{
    if (need > 0) {
        program_add(p, (struct op){.kind = OP_AWAIT,
                                   .phase = phase,
                                   .store = store,
                                   .channel = channel,
                                   .need = need,
                                   .poll = poll,
                                   .poll_pages = poll_pages > 0 ? poll_pages : 1});
    }
}

uint32_t program_instance(const struct channel *channel, uint32_t self, uint32_t actors)
{
    return (uint32_t)((uint64_t)self * channel->instances / actors);
}

double program_signals(const struct program *p, const struct op *op, uint32_t actors)
{
    const double instances = p->channels[op->channel].instances;
    const double all = actors * op_mean(op, actors);
    switch (op->peer) {
    case PEER_NONE:
        return 0;
    case PEER_OWN:
    case PEER_NEXT:
        return op->count;
    case PEER_SHARED:
    case PEER_ALL:
        return all;
    case PEER_EACH:
    case PEER_EACH_OTHER:
        return all / instances;
    case PEER_GROUP: /* uneven groups: the largest, which is instance 0 (op_share) */
        return ceil(all / instances);
    }
    return 0;
}

/* ---------------------------------------------------------------- check */

static enum status check_op(const struct program *p, const struct role *role, const struct op *op,
                            struct error *err)
{
    const bool signals = op->kind == OP_AWAIT || (op->peer != PEER_NONE && op->kind != OP_COMPUTE);
    if (op->phase >= p->n_phases || op->store > STORE_NONE ||
        (signals && op->channel >= p->n_channels)) {
        return RAISE(err, ERR_DEADLOCK,
                     "role %s: an op names a phase, store or channel that is not there",
                     role->name);
    }
    if (!signals) {
        return STATUS_OK;
    }
    const uint32_t instances = p->channels[op->channel].instances;
    const bool per_actor = op->peer == PEER_OWN || op->peer == PEER_NEXT;
    if (instances == 0 || (op->peer == PEER_SHARED && instances != 1) ||
        (op->kind != OP_AWAIT && per_actor && instances != role->actors)) {
        return RAISE(err, ERR_DEADLOCK,
                     "role %s: channel %s has %u instances, which does not fit %u actors",
                     role->name, p->channels[op->channel].name, instances, role->actors);
    }
    return STATUS_OK;
}

/* Which loop starts at this op, or NULL. */
static const struct loop *loop_at(const struct program *p, uint32_t op)
{
    for (uint32_t i = 0; i < p->n_loops; i++) {
        if (p->loops[i].first == op) {
            return &p->loops[i];
        }
    }
    return NULL;
}

struct structure {
    double signals[CHANNEL_LIMIT];
    double awaited[CHANNEL_LIMIT][ROLE_LIMIT];
};

/* Run one role as far as its waits let it; loops are walked at most three times round (what they
 * leave behind is periodic). Gives whether anything moved. */
static bool structure_advance(const struct program *p, uint32_t r, enum span_kind kind,
                              uint32_t *position, uint32_t *round, struct structure *s)
{
    const struct role *role = &p->roles[r];
    const struct span *span = &role->span[kind];
    bool moved = false;
    while (*position < span->ops) {
        const uint32_t index = span->first + *position;
        const struct op *op = &p->ops[index];
        if (op->kind == OP_AWAIT) {
            if (s->signals[op->channel] < s->awaited[op->channel][r] + op->need - 1e-9) {
                return moved;
            }
            s->awaited[op->channel][r] += op->need;
        } else if (op->peer != PEER_NONE) {
            s->signals[op->channel] += program_signals(p, op, role->actors);
        }
        moved = true;
        ++*position;
        for (uint32_t i = 0; i < p->n_loops; i++) {
            const struct loop *loop = &p->loops[i];
            if (loop->first + loop->ops == index + 1) {
                const uint32_t rounds = loop->times < 3 ? loop->times : 3;
                if (++*round < rounds) {
                    *position = loop->first - span->first;
                } else {
                    *round = 0;
                }
            }
        }
    }
    return moved;
}

static enum status check_span(const struct program *p, enum span_kind kind, struct structure *s,
                              struct error *err)
{
    uint32_t position[ROLE_LIMIT] = {0};
    uint32_t round[ROLE_LIMIT] = {0};
    bool moved = true;
    while (moved) {
        moved = false;
        for (uint32_t r = 0; r < p->n_roles; r++) {
            moved = structure_advance(p, r, kind, &position[r], &round[r], s) || moved;
        }
    }
    for (uint32_t r = 0; r < p->n_roles; r++) {
        const struct span *span = &p->roles[r].span[kind];
        if (position[r] < span->ops) {
            const struct op *op = &p->ops[span->first + position[r]];
            return RAISE(err, ERR_DEADLOCK, "role %s waits for %u signals on %s that never come",
                         p->roles[r].name, op->need, p->channels[op->channel].name);
        }
    }
    return STATUS_OK;
}

enum status program_check(const struct program *p, struct error *err)
{
    if (p->failed) {
        return RAISE(err, ERR_MEMORY, "the program is too large or was not built in order");
    }
    for (uint32_t r = 0; r < p->n_roles; r++) {
        for (enum span_kind kind = 0; kind < SPANS; kind++) {
            const struct span *span = &p->roles[r].span[kind];
            for (uint32_t i = 0; i < span->ops; i++) {
                if (check_op(p, &p->roles[r], &p->ops[span->first + i], err) != STATUS_OK) {
                    return err->code;
                }
            }
        }
    }
    struct structure s = {0};
    for (enum span_kind kind = 0; kind < SPANS; kind++) {
        for (int twice = 0; twice < 2; twice++) {
            if (check_span(p, kind, &s, err) != STATUS_OK) {
                return err->code;
            }
        }
    }
    return STATUS_OK;
}

/* ---------------------------------------------------------------- listing */

static const char *const op_words[OP_KINDS] = {
#define X(name, word) [name] = word,
    OP_KIND_LIST(X)
#undef X
};

static void write_size(struct text *out, double bytes)
{
    if (bytes >= 1e6) {
        text_printf(out, "%.6g MB", bytes / 1e6);
    } else if (bytes >= 1e3) {
        text_printf(out, "%.6g kB", bytes / 1e3);
    } else {
        text_printf(out, "%.6g B", bytes);
    }
}

static void write_op(const struct program *p, const struct op *op,
                     const char *const store_names[STORE_USES], struct text *out)
{
    static const char *const peers[] = {
        [PEER_NONE] = "",
        [PEER_SHARED] = "",
        [PEER_OWN] = " (own)",
        [PEER_EACH] = " (each)",
        [PEER_EACH_OTHER] = " (each other)",
        [PEER_NEXT] = " (next)",
        [PEER_GROUP] = " (group)",
        [PEER_ALL] = " (all)",
    };
    const char *store = op->store < STORE_USES ? store_names[op->store] : "";
    text_printf(out, "%-8s", op_words[op->kind]);
    switch (op->kind) {
    case OP_COMPUTE:
        text_printf(out, "%.6g s", op->time.mean_s);
        if (op->time.cv > 0) {
            text_printf(out, ", cv %.3g", op->time.cv);
        }
        break;
    case OP_AWAIT:
        text_printf(out, "%u%s on %s", op->total > 0 ? op->total : op->need,
                    op->total > 0 ? " in all" : "", p->channels[op->channel].name);
        if (op->poll != POLL_NONE) {
            text_printf(out, ", polled by %s on %s", op->poll == POLL_LIST ? "LIST" : "GET", store);
        }
        break;
    default:
        text_printf(out, "%u", op->total > 0 ? op->total : op->count);
        text_puts(out, op->total > 0 ? " in all" : "");
        if (op->size_bytes > 0) {
            text_puts(out, " x ");
            write_size(out, op->size_bytes);
        }
        if (op->lanes > 1) {
            text_printf(out, ", %u at once", op->lanes);
        }
        if (op->background) {
            text_puts(out, ", in the background,");
        }
        if (store[0] != '\0') {
            text_printf(out, " %s %s", op->kind == OP_PUT ? "to" : "on", store);
        }
        if (op->peer != PEER_NONE) {
            text_printf(out, " -> %s%s", p->channels[op->channel].name, peers[op->peer]);
        }
    }
    text_puts(out, op->later ? ", not in the first iteration" : "");
    text_printf(out, "  [%s]\n", p->phases[op->phase].name);
}

void program_write(const struct program *p, const char *const store_names[STORE_USES],
                   struct text *out)
{
    static const char *const spans[SPANS] = {
        [SPAN_SETUP] = "set-up",
        [SPAN_ITERATION] = "iteration",
        [SPAN_CHECKPOINT] = "checkpoint",
        [SPAN_TEARDOWN] = "teardown",
    };
    static const char *const hosts[HOST_USES] = {
        [HOST_WORKER] = "platform", [HOST_SERVER] = "server", [HOST_CLIENT] = "client"};
    for (uint32_t r = 0; r < p->n_roles; r++) {
        const struct role *role = &p->roles[r];
        text_printf(out, "%u x %s on %s%s\n", role->actors, role->name, hosts[role->host],
                    role->lifetime == LIFETIME_CALL    ? ", started by each invocation"
                    : role->lifetime == LIFETIME_GUEST ? ", inside the workers"
                                                       : "");
        for (enum span_kind kind = 0; kind < SPANS; kind++) {
            const struct span *span = &role->span[kind];
            if (span->ops == 0) {
                continue;
            }
            text_printf(out, "  %s\n", spans[kind]);
            const struct loop *open = NULL;
            for (uint32_t i = span->first; i < span->first + span->ops; i++) {
                const struct loop *loop = loop_at(p, i);
                if (loop != NULL) {
                    open = loop;
                    text_printf(out, "    %u times:\n", loop->times);
                }
                text_puts(out, open != NULL ? "      " : "    ");
                write_op(p, &p->ops[i], store_names, out);
                if (open != NULL && i + 1 == open->first + open->ops) {
                    open = NULL;
                }
            }
        }
    }
}
