/* Requests: latency first, then a fluid flow through the function's own link and the store's shared
 * capacity; request-rate caps with the real reaction; links and file systems that run on credit.
 *
 * A request that shares nothing with others takes latency + size / rate, one event. Where a store
 * caps the rate of requests, a token bucket answers at the end of the latency: without a token the
 * answer is 503 and the client waits a uniform time up to base 2^k, at most the cap ("full
 * jitter"), and tries again; every try is billed.
 */
#include "sim/run.h"
#include "sim/timeline.h"

void transfer_reset(struct run *s)
{
    const struct plan *const p = s->plan;
    const struct config *const c = p->config;
    s->stale = 0;
    for (uint16_t f = 0; f < FLUIDS; ++f) {
        const struct store *const store = &c->stores[f / DIRECTIONS];
        const double per_s = f % DIRECTIONS == DIRECTION_GET ? store->get_per_s : store->put_per_s;
        const double depth = fmax(1.0, per_s * c->simulation.request_burst_s);
        s->buckets[f] = (struct bucket){depth, 0.0, per_s, depth};
        if (p->classes[f] > 0) {
            fluid_reset(&s->fluids[f]);
            fluid_set_capacity(&s->fluids[f], 0.0, plan_capacity(p, f, false));
        }
    }
    for (uint32_t i = 0; i < STORE_USES; ++i) {
        s->credits[i] = (struct credit){.bytes = c->stores[i].burst_bytes};
    }
    for (uint32_t l = 0; l < p->lanes; ++l) {
        s->lanes[l] = (struct lane){.unsent = PLAN_NONE};
    }
}

/* ---------------------------------------------------------------- links that run on credit */

static struct lane *lanes_of(const struct run *s, uint32_t a, uint32_t *first)
{
    const struct plan_role *const role = &s->plan->roles[s->plan->actor_role[a]];
    *first = role->first_lane + (a - role->first_actor) * role->lanes;
    return &s->lanes[*first];
}

static const struct platform *host_of(const struct run *s, const struct plan_op *op)
{
    const struct config *const c = s->plan->config;
    return s->plan->program->roles[op->role].host == HOST_SERVER ? &c->server : &c->platform;
}

/* Bring the tokens of a's link up to now: filled at the steady rate, spent by what has moved: by
 * flows under way, and moved_bytes by one that has just ended. */
static void link_settle(struct run *s, uint32_t a, const struct plan_op *op, double moved_bytes)
{
    struct actor *const actor = &s->actors[a];
    const struct platform *const host = host_of(s, op);
    const double now = s->queue.now_s;
    double moved = moved_bytes;
    uint32_t first;
    struct lane *const lanes = lanes_of(s, a, &first);
    for (uint32_t l = 0; actor->flows > 0 && l < op->lanes; ++l) {
        if (lanes[l].state == LANE_FLOW) {
            const double left = fluid_left_bytes(&s->fluids[op->fluid], now, first + l);
            moved += lanes[l].left_bytes - left;
            lanes[l].left_bytes = left;
        }
    }
    const double filled = op->link_bytes_per_s / actor->slowness * (now - actor->link_at_s);
    actor->link_bytes = fmin(fmax(actor->link_bytes + filled - moved, 0.0), host->nic_burst_bytes);
    actor->link_at_s = now;
}

/* When the tokens of a bursting link end at the earliest. Less than a millisecond's worth is none.
 */
static void link_watch(struct run *s, uint32_t a, const struct plan_op *op)
{
    static const double shortest_s = 1e-3;
    struct actor *const actor = &s->actors[a];
    const double drain = (op->burst_link_bytes_per_s - op->link_bytes_per_s) / actor->slowness;
    const double lasts_s = actor->link_bytes / drain;
    actor->bursting = lasts_s >= shortest_s;
    if (actor->bursting) {
        run_at(s, slot_of_link(s, a), CLASS_TIMER, s->queue.now_s + lasts_s);
    } else {
        event_queue_cancel(&s->queue, slot_of_link(s, a));
    }
}

/* The flows of a share its link equally: give each its part. */
static void share_link(struct run *s, uint32_t a, const struct plan_op *op)
{
    const struct actor *const actor = &s->actors[a];
    const double cap = plan_cap(op, actor->flows, actor->bursting) / actor->slowness;
    uint32_t first;
    const struct lane *const lanes = lanes_of(s, a, &first);
    for (uint32_t l = 0; l < op->lanes; ++l) {
        if (lanes[l].state == LANE_FLOW &&
            !fluid_set_cap(&s->fluids[op->fluid], s->queue.now_s, first + l, cap)) {
            run_fail(s, ERR_NUMERIC, "more transfer speeds at once than were planned");
        }
    }
    s->stale |= 1U << op->fluid;
}

void transfer_link_event(struct run *s, uint32_t a)
{
    const struct plan_op *const op = &s->plan->ops[s->actors[a].op];
    if (s->actors[a].flows == 0) {
        return;
    }
    link_settle(s, a, op, 0.0);
    link_watch(s, a, op);
    if (!s->actors[a].bursting) {
        share_link(s, a, op);
    }
}

/* ---------------------------------------------------------------- stores that run on credit */

static double moved_bytes(struct run *s, uint32_t store)
{
    double moved = 0.0;
    for (uint32_t f = store * DIRECTIONS; f < (store + 1) * DIRECTIONS; ++f) {
        moved += s->plan->classes[f] > 0 ? fluid_moved_bytes(&s->fluids[f], s->queue.now_s) : 0.0;
    }
    return moved;
}

static double moving_rate(struct run *s, uint32_t store)
{
    double rate = 0.0;
    for (uint32_t f = store * DIRECTIONS; f < (store + 1) * DIRECTIONS; ++f) {
        rate += s->plan->classes[f] > 0 ? fluid_total_rate(&s->fluids[f]) : 0.0;
    }
    return rate;
}

/* Earned at the baseline, spent by what moves; at most what the store holds. */
static void credit_settle(struct run *s, uint32_t store)
{
    struct credit *const credit = &s->credits[store];
    const struct store *const given = &s->plan->config->stores[store];
    const double moved = moved_bytes(s, store), now = s->queue.now_s;
    const double earned = given->baseline_bytes_per_s * (now - credit->at_s);
    credit->bytes =
        fmin(fmax(credit->bytes + earned - (moved - credit->moved_bytes), 0.0), given->burst_bytes);
    credit->moved_bytes = moved;
    credit->at_s = now;
}

static void credit_switch(struct run *s, uint32_t store, bool spent)
{
    s->credits[store].spent = spent;
    for (uint16_t f = (uint16_t)(store * DIRECTIONS); f < (store + 1) * DIRECTIONS; ++f) {
        if (s->plan->classes[f] > 0) {
            fluid_set_capacity(&s->fluids[f], s->queue.now_s, plan_capacity(s->plan, f, spent));
            s->stale |= 1U << f;
        }
    }
}

/* Rates have changed: when will the credits be spent? Once spent, a hundredth of them must have
 * come back before the store is fast again. */
static void credit_watch(struct run *s, uint32_t store)
{
    static const double regained_share = 0.01;
    const struct store *const given = &s->plan->config->stores[store];
    struct credit *const credit = &s->credits[store];
    credit_settle(s, store);
    if (credit->spent && credit->bytes >= regained_share * given->burst_bytes) {
        credit_switch(s, store, false);
    }
    const double drain = moving_rate(s, store) - given->baseline_bytes_per_s;
    if (!credit->spent && drain > 0) {
        run_at(s, slot_of_credit(s, store), CLASS_TIMER, s->queue.now_s + credit->bytes / drain);
    } else {
        event_queue_cancel(&s->queue, slot_of_credit(s, store));
    }
}

void transfer_credit_event(struct run *s, uint32_t store)
{
    credit_settle(s, store);
    credit_switch(s, store, true);
}

void transfer_refresh(struct run *s)
{
    for (uint32_t store = 0; store < STORE_USES; ++store) {
        const unsigned both = (1U << DIRECTIONS) - 1;
        if ((s->stale >> store * DIRECTIONS & both) != 0 && plan_on_credit(s->plan, store)) {
            credit_watch(s, store);
        }
    }
    for (uint32_t f = 0; f < FLUIDS; ++f) {
        if ((s->stale >> f & 1U) != 0) {
            const double next = fluid_next_s(&s->fluids[f]);
            if (s->timeline != NULL) {
                timeline_rate(s->timeline, s, f, fluid_total_rate(&s->fluids[f]));
            }
            if (next < HUGE_VAL) {
                run_at(s, slot_of_fluid(s, f), CLASS_COMPLETION, next);
            } else {
                event_queue_cancel(&s->queue, slot_of_fluid(s, f));
            }
        }
    }
    s->stale = 0;
}

/* ---------------------------------------------------------------- one request */

static bool take_token(struct run *s, uint32_t f)
{
    struct bucket *const b = &s->buckets[f];
    const double now = s->queue.now_s;
    b->tokens = fmin(b->tokens + b->per_s * (now - b->at_s), b->depth);
    b->at_s = now;
    if (b->tokens < 1.0) {
        return false;
    }
    b->tokens -= 1.0;
    return true;
}

static void send(struct run *s, uint32_t a, uint32_t lane)
{
    struct actor *const actor = &s->actors[a];
    const struct plan_op *const op = &s->plan->ops[actor->op];
    struct lane *const l = &s->lanes[lane];
    ++s->tried[actor->op];
    double ready = s->queue.now_s + run_draw(s, op->latency, op->effect, &actor->latency);
    l->state = LANE_LATENCY;
    l->sent_s = s->queue.now_s;
    l->flow_s = ready;
    if (op->fluid == FLUID_FREE && !op->throttled) { /* nothing can happen on the way */
        ready += op->size_bytes / plan_cap(op, op->lanes, false) * actor->slowness;
        l->state = LANE_TRANSFER;
    }
    run_at(s, slot_of_lane(s, lane), CLASS_ACTOR, ready);
}

/* The request of a lane has its answer, or nobody waits for it any more. */
static void answered(struct run *s, uint32_t a, const struct lane *l)
{
    if (s->timeline != NULL) {
        timeline_request(s->timeline, s, a, l->sent_s, l->flow_s);
    }
}

static void issue(struct run *s, uint32_t a, uint32_t lane)
{
    s->lanes[lane].request = s->actors[a].issued++;
    s->lanes[lane].attempts = 0;
    send(s, a, lane);
}

/* Draws that only some requests need have a stream by round, op, request and attempt: whether one
 * is throttled or lost does not shift the draws of another. */
static struct random_stream rare_stream(const struct run *s, uint32_t a, enum purpose purpose,
                                        const struct lane *l)
{
    const struct plan *const p = s->plan;
    const struct actor *const actor = &s->actors[a];
    /* A request sent again after a crash has luck of its own: a PUT whose loss outlasts its
     * function would otherwise be lost for ever. */
    const uint64_t what[5] = {(uint64_t)purpose, actor->op, actor->loop_round,
                              (uint64_t)l->request << 16 | l->attempts,
                              actor->marked ? actor->incarnation : 0};
    return random_open(s->seed, s->replication, actor_round(s, a) << 32 | self_of(p, a),
                       hash_bytes(p->roles[p->actor_role[a]].name_hash, what, sizeof what));
}

enum { ATTEMPTS_COUNTED = 60 }; /* the wait has long reached its cap by then */

/* 503: wait and try again. */
static void back_off(struct run *s, uint32_t a, uint32_t lane)
{
    const struct config *const c = s->plan->config;
    struct lane *const l = &s->lanes[lane];
    struct random_stream r = rare_stream(s, a, PURPOSE_RETRY, l);
    const double longest =
        fmin(ldexp(c->simulation.retry_base_s, l->attempts), c->simulation.retry_cap_s);
    ++s->counters.throttled;
    answered(s, a, l);
    if (l->attempts < ATTEMPTS_COUNTED) {
        ++l->attempts;
    }
    l->state = LANE_BACKOFF;
    run_at(s, slot_of_lane(s, lane), CLASS_ACTOR, s->queue.now_s + longest * random_uniform(&r));
}

static void start_flow(struct run *s, uint32_t a, uint32_t lane)
{
    struct actor *const actor = &s->actors[a];
    const struct plan_op *const op = &s->plan->ops[actor->op];
    struct lane *const l = &s->lanes[lane];
    if (op->bursts) {
        link_settle(s, a, op, 0.0);
    }
    ++actor->flows;
    l->state = LANE_FLOW;
    l->left_bytes = op->size_bytes;
    if (op->bursts && actor->flows == 1) {
        link_watch(s, a, op);
    }
    const double cap =
        plan_cap(op, op->shares_link ? actor->flows : 1, actor->bursting) / actor->slowness;
    if (!fluid_start(&s->fluids[op->fluid], s->queue.now_s, lane, op->size_bytes, cap)) {
        run_fail(s, ERR_NUMERIC, "more transfer speeds at once than were planned");
    }
    s->stale |= 1U << op->fluid;
    if (op->shares_link && actor->flows > 1) {
        share_link(s, a, op);
    }
}

static void all_requests_done(struct run *s, uint32_t a)
{
    struct actor *const actor = &s->actors[a];
    const struct plan_op *const op = &s->plan->ops[actor->op];
    if (op->kind == OP_GET && op->serialise_s > 0) {
        actor->state = ACTOR_CODING;
        actor->coded = true;
        run_at(s, a, CLASS_ACTOR, s->queue.now_s + actor->requests * op->serialise_s);
    } else {
        actor_op_done(s, a);
    }
}

bool transfer_owes(const struct run *s, uint32_t a, uint32_t request)
{
    uint32_t first;
    const struct lane *const lanes = lanes_of(s, a, &first);
    for (uint32_t l = 0; l < s->plan->ops[s->actors[a].op].lanes; ++l) {
        if (lanes[l].unsent == request) {
            return true;
        }
    }
    return false;
}

static void owe(struct run *s, uint32_t a, uint32_t request, uint32_t instead_of)
{
    uint32_t first;
    struct lane *const lanes = lanes_of(s, a, &first);
    for (uint32_t l = 0; l < s->plan->ops[s->actors[a].op].lanes; ++l) {
        if (lanes[l].unsent == instead_of) {
            lanes[l].unsent = request;
            return;
        }
    }
}

static void request_done(struct run *s, uint32_t a, uint32_t lane)
{
    struct actor *const actor = &s->actors[a];
    const struct plan_op *const op = &s->plan->ops[actor->op];
    struct lane *const l = &s->lanes[lane];
    ++s->moved[actor->op];
    l->state = LANE_IDLE;
    answered(s, a, l);
    if (op->peer != PEER_NONE) {
        if (op->kind == OP_PUT && s->lost_update_share > 0) {
            struct random_stream r = rare_stream(s, a, PURPOSE_LOST, l);
            if (random_uniform(&r) < s->lost_update_share) {
                ++s->counters.lost;
                ++l->attempts;
                l->state = LANE_LOST;
                run_at(s, slot_of_lane(s, lane), CLASS_TIMER,
                       s->queue.now_s + s->plan->config->simulation.lost_update_timeout_s);
                return;
            }
        }
        if (!actor_repeats(s, a, l->request)) {
            channel_signal(s, a, l->request);
            if (actor->marked) {
                owe(s, a, PLAN_NONE, l->request);
            }
        }
    }
    ++actor->settled;
    if (actor->issued < actor->requests) {
        issue(s, a, lane);
    } else if (actor->settled == actor->requests) {
        all_requests_done(s, a);
    }
}

void transfer_event(struct run *s, uint32_t lane)
{
    const uint32_t a = s->plan->lane_actor[lane];
    const struct plan_op *const op = &s->plan->ops[s->actors[a].op];
    struct lane *const l = &s->lanes[lane];
    switch (l->state) {
    case LANE_TRANSFER:
        request_done(s, a, lane);
        break;
    case LANE_LATENCY:
        if (op->throttled &&
            !take_token(s, (uint32_t)op->store * DIRECTIONS + (op->kind == OP_GET))) {
            back_off(s, a, lane);
        } else if (op->fluid != FLUID_FREE) {
            start_flow(s, a, lane);
        } else {
            l->state = LANE_TRANSFER;
            run_at(s, slot_of_lane(s, lane), CLASS_ACTOR,
                   s->queue.now_s +
                       op->size_bytes / plan_cap(op, op->lanes, false) * s->actors[a].slowness);
        }
        break;
    default: /* LANE_BACKOFF, LANE_LOST */
        send(s, a, lane);
    }
}

void transfer_complete(struct run *s, uint32_t fluid)
{
    for (uint32_t lane; (lane = fluid_end(&s->fluids[fluid], s->queue.now_s)) != FLUID_NONE;) {
        const uint32_t a = s->plan->lane_actor[lane];
        const struct plan_op *const op = &s->plan->ops[s->actors[a].op];
        s->lanes[lane].state = LANE_IDLE;
        --s->actors[a].flows;
        if (op->bursts) {
            link_settle(s, a, op, s->lanes[lane].left_bytes);
        }
        if (op->bursts && s->actors[a].flows == 0) {
            event_queue_cancel(&s->queue, slot_of_link(s, a));
        }
        if (op->shares_link && s->actors[a].flows > 0) {
            share_link(s, a, op);
        }
        request_done(s, a, lane);
    }
    s->stale |= 1U << fluid;
}

/* ---------------------------------------------------------------- one op */

static void issue_all(struct run *s, uint32_t a)
{
    struct actor *const actor = &s->actors[a];
    uint32_t first;
    lanes_of(s, a, &first);
    actor->state = ACTOR_REQUESTING;
    for (uint32_t l = 0; l < s->plan->ops[actor->op].lanes && l < actor->requests; ++l) {
        issue(s, a, first + l);
    }
}

void transfer_begin(struct run *s, uint32_t a)
{
    struct actor *const actor = &s->actors[a];
    const struct plan_op *const op = &s->plan->ops[actor->op];
    actor->issued = actor->settled = 0;
    actor->requests = plan_share(s->plan, op, self_of(s->plan, a), op->count);
    actor->coded = false;
    if (op->kind == OP_PUT && op->serialise_s > 0) {
        actor->state = ACTOR_CODING;
        run_at(s, a, CLASS_ACTOR, s->queue.now_s + actor->requests * op->serialise_s);
    } else {
        issue_all(s, a);
    }
}

void transfer_coded(struct run *s, uint32_t a)
{
    if (s->actors[a].coded) {
        actor_op_done(s, a);
    } else {
        issue_all(s, a);
    }
}

/* A request in flight owes its signal, unless it only repeated one from before an earlier crash. */
void transfer_abort(struct run *s, uint32_t a)
{
    struct actor *const actor = &s->actors[a];
    const struct plan_op *const op = &s->plan->ops[actor->op];
    const bool again = actor->marked && actor->marked_span == actor->span;
    uint32_t first;
    struct lane *const lanes = lanes_of(s, a, &first);
    for (uint32_t l = 0; l < op->lanes; ++l) {
        const uint32_t request = lanes[l].request;
        const bool old =
            again && (actor->step < actor->mark_step ||
                      (actor->step == actor->mark_step && request < actor->mark_issued));
        event_queue_cancel(&s->queue, slot_of_lane(s, first + l));
        if (lanes[l].state == LANE_FLOW) {
            const double left = fluid_abort(&s->fluids[op->fluid], s->queue.now_s, first + l);
            s->counters.partial_bytes[op->fluid] += op->size_bytes - left;
            s->stale |= 1U << op->fluid;
        }
        if (lanes[l].state == LANE_FLOW || lanes[l].state == LANE_LATENCY ||
            lanes[l].state == LANE_TRANSFER) {
            answered(s, a, &lanes[l]);
        }
        if (lanes[l].state != LANE_IDLE && op->peer != PEER_NONE && !old) {
            owe(s, a, request, PLAN_NONE);
        }
        lanes[l].state = LANE_IDLE;
    }
    actor->flows = 0;
    if (op->bursts) {
        event_queue_cancel(&s->queue, slot_of_link(s, a));
    }
}
