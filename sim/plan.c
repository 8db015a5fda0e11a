/* Making a program ready for playing: see plan.h. */
#include "sim/plan.h"

#include "sim/key_heap.h"

#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- actors and ops */

static enum status number_roles(struct plan *p, const struct tally *closed, struct error *err)
{
    const struct program *program = p->program;
    for (uint32_t r = 0; r < program->n_roles; ++r) {
        const struct role *const role = &program->roles[r];
        struct plan_role *const out = &p->roles[r];
        uint32_t lanes = 1;
        for (enum span_kind k = 0; k < SPANS; ++k) {
            for (uint32_t i = role->span[k].first; i < role->span[k].first + role->span[k].ops;
                 ++i) {
                const struct op *const op = &program->ops[i];
                const uint32_t at_once = op->lanes < op->count ? op->lanes : op->count;
                lanes = at_once > lanes ? at_once : lanes;
            }
        }
        *out = (struct plan_role){
            .first_actor = p->actors,
            .actors = role->actors,
            .first_lane = p->lanes,
            .lanes = lanes,
            .name_hash = hash_bytes(HASH_SEED, role->name, strlen(role->name)),
            .function =
                role->host == HOST_WORKER && role->lifetime != LIFETIME_GUEST &&
                (p->config->platform.kind == PLATFORM_FUNCTION || role->lifetime == LIFETIME_CALL),
            .called = role->lifetime == LIFETIME_CALL,
            .guest = role->lifetime == LIFETIME_GUEST,
            .works = role->host == HOST_WORKER && role->lifetime != LIFETIME_GUEST,
            .rounds = role->span[SPAN_ITERATION].ops > 0,
            .first_round = role->later,
            .call_start_s = closed->call_start_s[r],
        };
        if ((uint64_t)p->lanes + (uint64_t)role->actors * lanes > KEY_IDS_MAX / 4) {
            return RAISE(err, ERR_INPUT,
                         "%u actors of role %s with %u requests each at once are more than can be "
                         "simulated",
                         role->actors, role->name, lanes);
        }
        p->actors += role->actors;
        p->lanes += role->actors * lanes;
        p->round_actors += out->rounds ? role->actors : 0;
        p->time_limited = p->time_limited ||
                          (out->function && !out->called && p->config->platform.time_limit_s > 0);
    }
    for (uint32_t c = 0; c < program->n_channels; ++c) {
        p->channels[c].first = p->instances;
        p->channels[c].instances = program->channels[c].instances;
        p->instances += program->channels[c].instances;
    }
    return STATUS_OK;
}

static void link_op(const struct plan *p, const struct op *op, enum host_use host,
                    struct plan_op *out)
{
    const struct config *const c = p->config;
    const struct store *const s = &c->stores[op->store];
    const bool get = op->kind == OP_GET;
    const double cap = s->connection_bytes_per_s;
    out->connection_bytes_per_s = cap > 0 ? cap : HUGE_VAL;
    if (host != HOST_CLIENT) {
        const struct platform *const own = host == HOST_SERVER ? &c->server : &c->platform;
        out->link_bytes_per_s = out->burst_link_bytes_per_s = platform_nic(own);
        if (own->nic_burst_bytes > 0 && platform_nic_burst(own) > out->link_bytes_per_s &&
            c->simulation.play_throttling) {
            out->bursts = true;
            out->burst_link_bytes_per_s = platform_nic_burst(own);
        }
    }
    out->serialise_s = serialise_time(c, host, op->size_bytes);
    const uint16_t fluid =
        (uint16_t)(op->store * DIRECTIONS + (get ? DIRECTION_GET : DIRECTION_PUT));
    out->shares_link =
        out->lanes > 1 && out->link_bytes_per_s / (double)out->lanes < out->connection_bytes_per_s;
    out->throttled = c->simulation.play_throttling && (get ? s->get_per_s : s->put_per_s) > 0;
    if (op->size_bytes > 0 && (plan_capacity(p, fluid, false) < HUGE_VAL || out->shares_link ||
                               out->bursts || plan_on_credit(p, op->store))) {
        out->fluid = fluid;
    }
}

static void prepare_op(const struct plan *p, const struct op *op, uint32_t r, struct plan_op *out)
{
    const struct config *const c = p->config;
    *out = (struct plan_op){
        .kind = op->kind,
        .peer = op->kind == OP_COMPUTE || op->kind == OP_AWAIT ? PEER_NONE : op->peer,
        .poll = op->kind == OP_AWAIT ? op->poll : POLL_NONE,
        .phase = op->phase,
        .store = op->store,
        .channel = op->channel,
        .fluid = FLUID_FREE,
        .role = r,
        .count = op->count,
        .lanes = op->lanes < op->count ? op->lanes : op->count,
        .need = op->need,
        .total = op->total,
        .takes_time = op->kind == OP_INVOKE || ((op->kind == OP_PUT || op->kind == OP_GET) &&
                                                op->store < STORE_USES && !op->background),
        .later = op->later,
        .poll_pages = op->poll_pages,
        .size_bytes = op->size_bytes,
        .connection_bytes_per_s = HUGE_VAL,
        .link_bytes_per_s = HUGE_VAL,
        .burst_link_bytes_per_s = HUGE_VAL,
        .mean_s = op->time.mean_s,
        .by_unit_s = op->time.by_unit_s,
        .noise = noise_of_cv(c->simulation.play_noise ? op->time.cv : 0.0),
    };
    if (op->kind == OP_INVOKE) {
        out->latency = &c->platform.invoke_latency_s;
        out->effect = EFFECT_INVOKE;
    } else if (op->store < STORE_USES) {
        const struct store *const s = &c->stores[op->store];
        const bool put = op->kind == OP_PUT;
        const bool get = op->kind == OP_GET || (op->kind == OP_AWAIT && op->poll == POLL_GET);
        out->latency = put ? &s->put_latency_s : get ? &s->get_latency_s : &s->list_latency_s;
        out->effect = (uint16_t)(EFFECT_STORES + 3 * op->store + (put ? 0 : get ? 1 : 2));
        if (out->takes_time) {
            link_op(p, op, p->program->roles[r].host, out);
        }
    }
}

/* ---------------------------------------------------------------- places in the count of signals
 */

struct place {
    uint64_t sends, awaits;
};

static struct place add_op(struct place at, const struct plan_op *op, uint32_t channel)
{
    if (op->channel == channel && op->kind == OP_AWAIT) {
        ++at.awaits;
    } else if (op->channel == channel && op->peer != PEER_NONE) {
        ++at.sends;
    }
    return at;
}

static const struct loop *loop_around(const struct program *program, uint32_t op)
{
    for (uint32_t i = 0; i < program->n_loops; ++i) {
        const struct loop *const loop = &program->loops[i];
        if (op >= loop->first && op < loop->first + loop->ops) {
            return loop;
        }
    }
    return NULL;
}

double plan_times(const struct plan *p, uint32_t op)
{
    const struct loop *const loop = loop_around(p->program, op);
    return loop != NULL ? loop->times : 1.0;
}

/* Count one channel along a span, loops multiplied out, and note in every op how much came before.
 */
static struct place count_channel(struct plan *p, const struct span *span, uint32_t channel)
{
    struct place total = {0, 0};
    for (uint32_t i = span->first; i < span->first + span->ops;) {
        const struct loop *const loop = loop_around(p->program, i);
        const uint32_t end = loop != NULL ? loop->first + loop->ops : i + 1;
        struct place round = {0, 0};
        for (uint32_t k = i; k < end; ++k) {
            round = add_op(round, &p->ops[k], channel);
        }
        struct place at = total;
        for (; i < end; ++i) {
            struct plan_op *const op = &p->ops[i];
            if (op->channel == channel && (op->peer != PEER_NONE || op->kind == OP_AWAIT)) {
                op->sends_before = at.sends;
                op->awaits_before = at.awaits;
                op->sends_per_round = loop != NULL ? round.sends : 0;
                op->awaits_per_round = loop != NULL ? round.awaits : 0;
            }
            at = add_op(at, op, channel);
        }
        const uint64_t times = loop != NULL ? loop->times : 1;
        total.sends += times * round.sends;
        total.awaits += times * round.awaits;
    }
    return total;
}

uint64_t plan_needed_in(const struct plan *p, uint32_t channel, uint32_t r, enum span_kind kind,
                        uint32_t self)
{
    const struct span *const span = &p->program->roles[r].span[kind];
    uint64_t needed = 0;
    for (uint32_t i = span->first; i < span->first + span->ops; ++i) {
        const struct plan_op *const op = &p->ops[i];
        if (op->kind == OP_AWAIT && op->channel == channel) {
            needed += (uint64_t)plan_times(p, i) * plan_share(p, op, self, op->need);
        }
    }
    return needed;
}

static const struct span *span_around(const struct plan *p, uint32_t op)
{
    const struct role *const role = &p->program->roles[p->ops[op].role];
    for (enum span_kind k = 0; k < SPANS; ++k) {
        if (op >= role->span[k].first && op < role->span[k].first + role->span[k].ops) {
            return &role->span[k];
        }
    }
    return &role->span[SPAN_ITERATION];
}

uint64_t plan_needed(const struct plan *p, uint32_t op, uint32_t self, uint32_t loop_round)
{
    const struct loop *const own = loop_around(p->program, op);
    const uint32_t channel = p->ops[op].channel;
    uint64_t needed = 0;
    for (uint32_t i = span_around(p, op)->first; i <= op; ++i) {
        const struct plan_op *const other = &p->ops[i];
        if (other->kind == OP_AWAIT && other->channel == channel) {
            const struct loop *const loop = loop_around(p->program, i);
            const uint64_t times = loop == NULL ? 1 : loop == own ? loop_round + 1 : loop->times;
            needed += times * plan_share(p, other, self, other->need);
        }
    }
    /* Later awaits of the same loop were executed in its earlier rounds. */
    for (uint32_t i = op + 1; own != NULL && i < own->first + own->ops; ++i) {
        const struct plan_op *const other = &p->ops[i];
        if (other->kind == OP_AWAIT && other->channel == channel) {
            needed += (uint64_t)loop_round * plan_share(p, other, self, other->need);
        }
    }
    return needed;
}

/* Are all signals of the channel sent by a role of which each instance hears one actor only? */
static bool single_senders(const struct plan *p, uint32_t channel)
{
    uint32_t sender = PLAN_NONE;
    for (uint32_t i = 0; i < p->program->n_ops; ++i) {
        const struct plan_op *const op = &p->ops[i];
        if (op->peer == PEER_NONE || op->channel != channel) {
            continue;
        }
        const bool single =
            op->peer == PEER_OWN || op->peer == PEER_NEXT || p->roles[op->role].actors == 1;
        if (!single || (sender != PLAN_NONE && sender != op->role)) {
            return false;
        }
        sender = op->role;
    }
    return true;
}

/* Does one actor of the role need the same number of signals in all its awaits of the channel? */
static bool equal_needs(const struct plan *p, uint32_t channel, uint32_t r)
{
    const struct span *const span = &p->program->roles[r].span[SPAN_ITERATION];
    const struct plan_op *first = NULL;
    for (uint32_t i = span->first; i < span->first + span->ops; ++i) {
        const struct plan_op *const op = &p->ops[i];
        if (op->kind == OP_AWAIT && op->channel == channel) {
            if (first != NULL && (first->need != op->need || first->total != op->total)) {
                return false;
            }
            first = op;
        }
    }
    return true;
}

static bool divides(uint64_t part, uint64_t whole)
{
    return part > 0 ? whole % part == 0 : whole == 0;
}

/* Awaits of one generation by actor `self` that really wait: a share of nothing is skipped. */
static uint32_t passes_of(const struct plan *p, uint32_t channel, uint32_t r, uint32_t self)
{
    const struct plan_channel *const c = &p->channels[channel];
    const struct span *const span = &p->program->roles[r].span[SPAN_ITERATION];
    double passes = 0.0;
    for (uint32_t i = span->first; i < span->first + span->ops; ++i) {
        const struct plan_op *const op = &p->ops[i];
        if (op->kind == OP_AWAIT && op->channel == channel &&
            plan_share(p, op, self, op->need) > 0) {
            passes += plan_times(p, i);
        }
    }
    return (uint32_t)(passes * (double)c->generation_awaits[r] /
                      (double)c->awaits[r][SPAN_ITERATION]);
}

/* A generation is what one await consumes where every receiver awaits equally often and the
 * senders' ops divide evenly over the awaits; otherwise it is all a round sends. */
static void divide_generations(struct plan *p, uint32_t channel)
{
    struct plan_channel *const c = &p->channels[channel];
    const uint32_t n_roles = p->program->n_roles;
    uint64_t awaits = 0, sends = 0;
    bool even = true;
    for (uint32_t r = 0; r < n_roles; ++r) {
        const uint64_t own = c->awaits[r][SPAN_ITERATION];
        if (own > 0) {
            even = even && (awaits == 0 || awaits == own) && equal_needs(p, channel, r);
            awaits = own;
        }
        sends += c->sends[r][SPAN_ITERATION];
    }
    for (uint32_t r = 0; r < n_roles; ++r) {
        even = even && awaits > 0 && c->sends[r][SPAN_ITERATION] % awaits == 0;
    }
    c->cumulative = sends == 0 || p->program->sync == SYNC_ASYNCHRONOUS ||
                    (single_senders(p, channel) && !p->redo_round);
    for (uint32_t r = 0; r < n_roles; ++r) {
        const uint64_t parts = even ? awaits : 1;
        c->generation_sends[r] = c->sends[r][SPAN_ITERATION] / parts;
        c->generation_awaits[r] = c->awaits[r][SPAN_ITERATION] / parts;
        /* What is sent or awaited outside the rounds must fill whole generations. */
        for (enum span_kind k = 0; k < SPANS; ++k) {
            const bool fills = divides(c->generation_sends[r], c->sends[r][k]) &&
                               divides(c->generation_awaits[r], c->awaits[r][k]);
            c->cumulative = c->cumulative || !fills;
        }
        for (uint32_t a = 0; a < p->roles[r].actors && c->generation_awaits[r] > 0; ++a) {
            const uint32_t i =
                program_instance(&p->program->channels[channel], a, p->roles[r].actors);
            p->passes[c->first + i] += passes_of(p, channel, r, a);
        }
    }
}

static void count_signals(struct plan *p)
{
    const struct program *const program = p->program;
    for (uint32_t c = 0; c < program->n_channels; ++c) {
        for (uint32_t r = 0; r < program->n_roles; ++r) {
            for (enum span_kind k = 0; k < SPANS; ++k) {
                const struct place total = count_channel(p, &program->roles[r].span[k], c);
                p->channels[c].sends[r][k] = total.sends;
                p->channels[c].awaits[r][k] = total.awaits;
            }
        }
        divide_generations(p, c);
        for (uint32_t i = 0; i < program->n_ops; ++i) {
            const struct plan_op *const op = &p->ops[i];
            p->channels[c].later =
                p->channels[c].later || (op->later && op->channel == c && op->peer != PEER_NONE);
        }
    }
}

/* ---------------------------------------------------------------- speeds of flows */

static int order_doubles(const void *pa, const void *pb)
{
    const double a = *(const double *)pa, b = *(const double *)pb;
    return a < b ? -1 : a > b;
}

/* Upper bound on the different caps that flows of each store and direction can have at once. */
static enum status count_classes(struct plan *p, struct error *err)
{
    for (uint16_t f = 0; f < FLUIDS; ++f) {
        size_t n = 0;
        for (uint32_t i = 0; i < p->program->n_ops; ++i) {
            n += p->ops[i].fluid == f ? 2 * (size_t)p->ops[i].lanes : 0;
        }
        double *const caps = malloc((n + 1) * sizeof *caps);
        if (caps == NULL) {
            return RAISE(err, ERR_MEMORY, "no memory for %zu transfer speeds", n);
        }
        n = 0;
        for (uint32_t i = 0; i < p->program->n_ops; ++i) {
            const struct plan_op *const op = &p->ops[i];
            for (uint32_t k = 1; op->fluid == f && k <= op->lanes; ++k) {
                caps[n++] = plan_cap(op, k, false);
                caps[n++] = plan_cap(op, k, true);
            }
        }
        qsort(caps, n, sizeof *caps, order_doubles);
        size_t distinct = 0;
        for (size_t i = 0; i < n; ++i) {
            distinct += i == 0 || caps[i] != caps[i - 1];
        }
        free(caps);
        const struct quantity *const spread = &p->config->simulation.transfer_speed;
        if ((spread->cv > 0 || spread->run_sd > 0) && p->config->simulation.play_instances) {
            distinct *= p->actors < LINK_SPEEDS ? p->actors : LINK_SPEEDS;
        }
        if (distinct > UINT16_MAX) {
            return RAISE(err, ERR_INPUT, "transfers of %zu different speeds are too many",
                         distinct);
        }
        p->classes[f] = (uint16_t)distinct;
    }
    return STATUS_OK;
}

/* ---------------------------------------------------------------- door */

static bool spreads(const struct quantity *q)
{
    return q->cv > 0 || q->run_sd > 0;
}

/* Square of the coefficient of variation that an effect of a whole run brings into a time. */
static double effect2(const struct quantity *q)
{
    return expm1(q->run_sd * q->run_sd);
}

/* The most by which the mean round of one replication can differ from another's, relative and
 * squared: the speeds of its instances, and effects that hold for a whole run. No part of a round
 * varies by more, and no weighted mean or maximum of parts by more than their sum. */
static double differing2(const struct plan *p)
{
    const struct config *const c = p->config;
    const struct simulation *const s = &c->simulation;
    double sum = s->play_instances ? s->instance_speed.cv * s->instance_speed.cv : 0;
    if (s->play_instances) {
        sum += effect2(&s->instance_speed);
    }
    for (int i = 0; i < STORE_USES && s->play_latency; ++i) {
        sum += effect2(&c->stores[i].put_latency_s) + effect2(&c->stores[i].get_latency_s) +
               effect2(&c->stores[i].list_latency_s);
    }
    struct unit_factor factors[UNIT_FACTORS];
    const uint32_t n = s->play_constants ? unit_factors(c, factors) : 0;
    for (uint32_t i = 0; i < n; ++i) {
        /* 1 / ratio spreads more than the ratio if that is not lognormal. */
        const double cv2 = factors[i].q->cv * factors[i].q->cv;
        sum += (factors[i].divides ? 2 : 1) * cv2 + effect2(factors[i].q);
    }
    if (s->play_startup) {
        sum += effect2(&c->platform.start_s) + effect2(&c->platform.warm_start_s) +
               effect2(&c->platform.framework_init_s) + effect2(&c->platform.invoke_latency_s);
    }
    return sum;
}

/* Does every round take the same time, and how many must be played if not? */
static void judge_rounds(struct plan *p)
{
    /* Rare things must have happened so often. Where instances differ, the variance between
     * replications is told from the noise of a mean with an error in proportion to that noise. */
    enum { ROUNDS_MIN = 64, ROUNDS_MIN_DIFFERING = 256, RARE_EVENTS = 50 };
    const struct simulation *const s = &p->config->simulation;
    bool varies = false, runs_dry = false;
    double rare = 1.0; /* per round */
    double requests = 0.0, computations = 0.0;
    for (uint32_t i = 0; i < p->program->n_ops; ++i) {
        const struct plan_op *const op = &p->ops[i];
        const bool storage = op->kind == OP_PUT || op->kind == OP_GET || op->kind == OP_AWAIT;
        varies = varies || op->noise.sigma > 0 || op->throttled || op->bursts;
        varies =
            varies || (storage && op->latency != NULL && op->latency->cv > 0 && s->play_latency);
        varies = varies || (op->kind == OP_INVOKE && op->latency->cv > 0 && s->play_startup);
        const bool credit = op->fluid != FLUID_FREE && plan_on_credit(p, op->store);
        varies = varies || credit;
        /* What is saved up may last for longer than a few rounds: later ones are not like them. */
        runs_dry = runs_dry || credit || op->bursts;
        /* Polling need not fall on the same points of every round. */
        varies = varies || (op->kind == OP_AWAIT && op->poll != POLL_NONE && s->play_polling &&
                            p->config->system.poll_interval_s > 0);
        const double actors = p->roles[op->role].actors;
        requests += op->kind == OP_PUT && op->peer != PEER_NONE ? actors * op->count : 0;
        computations += op->kind == OP_COMPUTE && p->roles[op->role].works ? actors : 0;
    }
    for (uint32_t r = 0; r < p->program->n_roles; ++r) {
        varies =
            varies ||
            (p->roles[r].called && s->play_startup &&
             (spreads(&p->config->platform.start_s) || spreads(&p->config->platform.warm_start_s)));
    }
    if (s->play_stragglers && s->straggler_share > 0) {
        rare = fmin(rare, s->straggler_share * fmax(computations, 1));
        varies = true;
    }
    if (s->play_failures && s->lost_update_share > 0) {
        rare = fmin(rare, s->lost_update_share * fmax(requests, 1));
        varies = true;
    }
    const bool crashes = s->play_failures && s->crash_per_hour > 0;
    p->failures = crashes || (p->time_limited && s->play_failures);
    p->steady = !varies && !crashes;
    p->speed_cv = s->play_instances ? s->instance_speed.cv : 0;
    p->replication_cv = sqrt(differing2(p));
    p->rounds_min = p->replication_cv > 0 ? ROUNDS_MIN_DIFFERING : ROUNDS_MIN;
    p->rounds_min = fmax(p->rounds_min, ceil(RARE_EVENTS / rare));
    p->may_extend = !crashes && !runs_dry;
}

enum status plan_init(struct plan *p, const struct config *c, const struct program *program,
                      const struct tally *closed, struct error *err)
{
    *p = (struct plan){.config = c,
                       .program = program,
                       .rounds = closed->rounds,
                       .rounds_per_call = closed->rounds_per_call,
                       .start_s = closed->start_s,
                       .again_start_s = closed->again_start_s,
                       .later_start_s = closed->later_start_s,
                       .round_s = closed->iteration_s,
                       .save_s = closed->save_s,
                       .redo_round = program->redo_round};
    if (number_roles(p, closed, err) != STATUS_OK) {
        return err->code;
    }
    p->time_limited = p->time_limited && c->simulation.play_restarts;
    p->ops = calloc(program->n_ops + 1, sizeof *p->ops);
    p->lane_actor = malloc((p->lanes + 1) * sizeof *p->lane_actor);
    p->actor_role = malloc((p->actors + 1) * sizeof *p->actor_role);
    p->passes = calloc(p->instances + 1, sizeof *p->passes);
    if (p->ops == NULL || p->lane_actor == NULL || p->actor_role == NULL || p->passes == NULL) {
        plan_free(p);
        return RAISE(err, ERR_MEMORY, "no memory for a program of %u actors", p->actors);
    }
    for (uint32_t r = 0; r < program->n_roles; ++r) {
        const struct plan_role *const role = &p->roles[r];
        for (uint32_t a = 0; a < role->actors; ++a) {
            p->actor_role[role->first_actor + a] = (uint16_t)r;
            for (uint32_t l = 0; l < role->lanes; ++l) {
                p->lane_actor[role->first_lane + a * role->lanes + l] = role->first_actor + a;
            }
        }
        for (enum span_kind k = 0; k < SPANS; ++k) {
            const struct span *const span = &program->roles[r].span[k];
            for (uint32_t i = span->first; i < span->first + span->ops; ++i) {
                prepare_op(p, &program->ops[i], r, &p->ops[i]);
            }
        }
    }
    for (uint32_t i = 0; i < program->n_loops; ++i) {
        const struct loop *const loop = &program->loops[i];
        p->ops[loop->first + loop->ops - 1].loop_first = loop->first;
        p->ops[loop->first + loop->ops - 1].loop_times = loop->times;
    }
    count_signals(p);
    judge_rounds(p);
    if (count_classes(p, err) != STATUS_OK) {
        plan_free(p);
        return err->code;
    }
    return STATUS_OK;
}

void plan_free(struct plan *p)
{
    free(p->ops);
    free(p->lane_actor);
    free(p->actor_role);
    free(p->passes);
    *p = (struct plan){0};
}
