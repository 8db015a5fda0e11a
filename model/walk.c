/* One clock per role, one remembered clock per channel. A wait takes over the clock of the signal
 * it waited for, together with the story of that clock, so that the breakdown follows the critical
 * path. */
#include "model/walk.h"

#include <math.h>
#include <string.h>

static void clock_copy(struct clock *to, const struct clock *from, uint32_t phases)
{
    memcpy(to, from, offsetof(struct clock, phase_s) + phases * sizeof from->phase_s[0]);
}

void walk_start(struct walk *w, const struct config *c, struct evaluator *e, double start_s)
{
    const struct program *p = &e->program;
    const size_t clock_size = offsetof(struct clock, phase_s) + p->n_phases * sizeof(double);
    w->meetings = NULL;
    w->spread = 0;
    w->begun = w->cold = w->mixed = false;
    w->config = c;
    w->evaluator = e;
    memset(w->polls, 0, sizeof w->polls);
    for (uint32_t r = 0; r < p->n_roles; r++) {
        memset(&w->roles[r], 0, clock_size);
        w->roles[r].at_s = start_s;
        w->call_start_s[r] = w->call_s[r] = 0;
        w->call_end_s[r] = -HUGE_VAL;
        w->starting_s[r] = 0;
        w->early[r] = w->early_s[r] = 0;
    }
    w->n_idle = 0;
    for (uint32_t i = 0; i < p->n_channels; i++) {
        struct channel_state *ch = &w->channels[i];
        ch->signals = 0;
        ch->producer_roles = 0;
        ch->from_self = false;
        memset(ch->awaited, 0, p->n_roles * sizeof ch->awaited[0]);
        memset(&ch->last, 0, clock_size);
    }
}

void walk_copy(struct walk *to, const struct walk *from)
{
    const struct program *p = &from->evaluator->program;
    to->meetings = NULL;
    to->spread = 0;
    to->begun = from->begun;
    to->cold = from->cold;
    to->mixed = from->mixed;
    to->config = from->config;
    to->evaluator = from->evaluator;
    memcpy(to->polls, from->polls, sizeof to->polls);
    for (uint32_t r = 0; r < p->n_roles; r++) {
        clock_copy(&to->roles[r], &from->roles[r], p->n_phases);
        to->call_start_s[r] = from->call_start_s[r];
        to->call_s[r] = from->call_s[r];
        to->call_end_s[r] = from->call_end_s[r];
        to->starting_s[r] = from->starting_s[r];
        to->early[r] = from->early[r];
        to->early_s[r] = from->early_s[r];
    }
    to->n_idle = from->n_idle;
    memcpy(to->idle, from->idle, from->n_idle * sizeof from->idle[0]);
    for (uint32_t i = 0; i < p->n_channels; i++) {
        const struct channel_state *ch = &from->channels[i];
        to->channels[i].signals = ch->signals;
        to->channels[i].producer_roles = ch->producer_roles;
        to->channels[i].from_self = ch->from_self;
        memcpy(to->channels[i].awaited, ch->awaited, p->n_roles * sizeof ch->awaited[0]);
        memcpy(to->channels[i].arrivals, ch->arrivals, p->n_roles * sizeof ch->arrivals[0]);
        clock_copy(&to->channels[i].last, &ch->last, p->n_phases);
    }
}

/* When the last signal of a channel is there, on average: the noise of all producers meets here,
 * and that of the waiting role when it has any. */
static double latest_signal(const struct walk *w, const struct channel_state *ch, uint32_t r)
{
    const struct program *p = &w->evaluator->program;
    const struct clock *own = &w->roles[r];
    struct arrival groups[ROLE_LIMIT];
    size_t count = 0;
    double n = 0;
    bool together = true;
    /* A guest's noise is its host's: the two are late together, by the later of their times. */
    double guest_s = own->at_s;
    for (uint32_t i = 0; i < p->n_roles && own->variance_s2 > 0; i++) {
        if ((ch->producer_roles >> i & 1) != 0 && p->roles[i].lifetime == LIFETIME_GUEST) {
            guest_s = larger(guest_s, ch->arrivals[i].at_s);
        }
    }
    for (uint32_t i = 0; i < p->n_roles; i++) {
        const bool waits = i == r && own->variance_s2 > 0;
        const bool sends = (ch->producer_roles >> i & 1) != 0;
        const bool hosted = p->roles[i].lifetime == LIFETIME_GUEST && own->variance_s2 > 0;
        if (!waits && (!sends || hosted)) {
            continue;
        }
        n += p->roles[i].actors;
        groups[count] = ch->arrivals[i];
        if (!sends || (waits && own->at_s > ch->arrivals[i].at_s)) {
            groups[count] =
                (struct arrival){p->roles[i].actors, guest_s, own->noisy_s, own->variance_s2};
        }
        together = together &&
                   fabs(groups[count].at_s - ch->last.at_s) <= 1e-9 * ch->last.noisy_s &&
                   fabs(groups[count].noisy_s - ch->last.noisy_s) <= 1e-9 * ch->last.noisy_s;
        count++;
    }
    if (together) {
        return ch->last.at_s +
               walk_excess(w->evaluator, n, ch->last.noisy_s, sqrt(ch->last.variance_s2));
    }
    return larger(ch->last.at_s, expected_latest(w->evaluator, groups, count));
}

/* ---------------------------------------------------------------- sandboxes of calls */

static void leave_sandboxes(struct walk *w, double since_s, double functions)
{
    if (!(functions > 0)) {
        return;
    }
    if (w->n_idle == IDLE_GROUPS) { /* no room: the two oldest count as one, as idle as the older */
        uint32_t oldest = 0;
        uint32_t next = 1;
        for (uint32_t i = 1; i < w->n_idle; i++) {
            if (w->idle[i].since_s < w->idle[oldest].since_s) {
                next = oldest;
                oldest = i;
            } else if (next == oldest || w->idle[i].since_s < w->idle[next].since_s) {
                next = i;
            }
        }
        w->idle[oldest].functions += w->idle[next].functions;
        w->idle[next] = w->idle[--w->n_idle];
    }
    w->idle[w->n_idle++] = (struct idle){since_s, functions};
}

/* Warm sandboxes for a call of so many functions, newest first; those idle for too long are gone.
 */
static double take_sandboxes(struct walk *w, double now_s, double functions, bool *expired)
{
    double found = 0;
    *expired = false;
    while (found < functions) {
        struct idle *newest = NULL;
        for (uint32_t i = 0; i < w->n_idle; i++) {
            struct idle *const group = &w->idle[i];
            if (group->since_s <= now_s && (newest == NULL || group->since_s > newest->since_s)) {
                newest = group;
            }
        }
        if (newest == NULL) {
            break;
        }
        const bool gone = now_s - newest->since_s >= w->config->platform.keep_alive_s;
        const double taken =
            gone ? newest->functions : smaller(newest->functions, functions - found);
        *expired = *expired || gone;
        found += gone ? 0 : taken;
        newest->functions -= taken;
        if (!(newest->functions > 0)) {
            *newest = w->idle[--w->n_idle];
        }
    }
    return found;
}

/* A function that was invoked starts when the invocation arrives. */
static void start_call(struct walk *w, uint32_t r)
{
    const struct config *c = w->config;
    const struct quantity *warm = &c->platform.warm_start_s;
    const struct role *role = &w->evaluator->program.roles[r];
    struct clock *clock = &w->roles[r];
    w->call_start_s[r] = clock->at_s;
    w->starting_s[r] = w->early[r] = 0;
    if (role->host == HOST_WORKER) {
        const double cold_s = start_mean(c, w->evaluator, role->actors) -
                              role->actors * c->platform.invoke_latency_s.mean;
        const double warm_s = warm->mean > 0
                                  ? warm->mean + walk_excess(w->evaluator, role->actors, warm->mean,
                                                             warm->mean * warm->cv)
                                  : 0;
        bool expired;
        const double found = take_sandboxes(w, clock->at_s, role->actors, &expired);
        /* The first call of all finds none, but that the job's start pays for. */
        const bool again = expired || w->call_end_s[r] > -HUGE_VAL;
        w->starting_s[r] = found < role->actors && again ? cold_s : warm_s;
        w->cold = w->cold || (found < role->actors && again);
        if (found > 0 && found < role->actors) {
            w->early[r] = found;
            w->early_s[r] = larger(cold_s - warm_s, 0);
            w->spread |= UINT32_C(1) << r;
            w->mixed = w->mixed || again;
        }
    }
    clock->at_s += w->starting_s[r];
    clock->start_s += w->starting_s[r];
}

/* The share of a role's actors that wait at all where all wait for each other: whoever sends the
 * last signal finds the others' there. */
static double waiting_share(const struct program *p, const struct channel_state *ch, uint32_t r)
{
    if (ch->from_self || p->roles[r].actors == 1 || (ch->producer_roles >> r & 1) == 0) {
        return 1;
    }
    double producers = 0;
    for (uint32_t i = 0; i < p->n_roles; i++) {
        producers += (ch->producer_roles >> i & 1) != 0 ? p->roles[i].actors : 0;
    }
    return 1 - 1 / producers;
}

/* Gives false when the signals have not come yet. */
static bool await(struct walk *w, uint32_t r, const struct op *op, bool first)
{
    const struct program *p = &w->evaluator->program;
    struct channel_state *ch = &w->channels[op->channel];
    struct clock *own = &w->roles[r];
    if (ch->signals < ch->awaited[r] + op->need - 1e-9) {
        return false;
    }
    ch->awaited[r] += op->need;
    const bool meet = ch->last.variance_s2 > 0 && !ch->from_self;
    const double ready_s = meet ? latest_signal(w, ch, r) : ch->last.at_s;
    double latency_s = 0;
    double first_s = 0;
    if (op->poll != POLL_NONE && w->config->system.poll_interval_s > 0) {
        const enum request_kind kind = op->poll == POLL_LIST ? REQUEST_LIST : REQUEST_GET;
        first_s = w->config->system.poll_interval_s;
        latency_s = request_latency(&w->config->stores[op->store], kind);
    }
    double polls = 1;
    double interval_s = 0;
    double seen_s =
        poll_doubling(own->at_s, ready_s, first_s, w->config->system.poll_interval_max_s, latency_s,
                      &polls, &interval_s);
    const bool spread =
        ready_s > own->at_s && interval_s > 0 && w->evaluator->drift_s > 0.25 * interval_s;
    if (spread) {
        /* Polls do not bring clocks together: noise adds up from round to round until a signal
         * falls anywhere on a grid. Half an interval is lost on average (models.md, section 2).
         * At a quarter the first harmonic of a wrapped normal phase, exp(-2 (pi / 4)^2), is down to
         * 0.29 of its height. */
        seen_s = ready_s + 0.5 * interval_s * waiting_share(p, ch, r);
        polls = larger(1, 0.5 + (ready_s - own->at_s) / interval_s);
    }
    if (op->poll == POLL_LIST) {
        w->polls[op->store][0] += polls * op->poll_pages * p->roles[r].actors;
    } else if (op->poll == POLL_GET) {
        w->polls[op->store][1] += (polls - 1) * p->roles[r].actors; /* the last is the data's GET */
    }
    if (ready_s > own->at_s) {
        clock_copy(own, &ch->last, p->n_phases);
        own->wait_s += seen_s - ch->last.at_s;
        own->at_s = seen_s;
        if (!ch->from_self) {
            own->noisy_s = own->variance_s2 = 0;
        }
        if (spread && p->roles[r].actors > 1) {
            /* Each has a grid of its own: what it loses is uniform on one interval. */
            own->noisy_s += 0.5 * interval_s;
            own->variance_s2 += interval_s * interval_s / 12;
        }
        w->spread &= ~(UINT32_C(1) << r);
        w->early[r] = 0;
    }
    if (first && p->roles[r].lifetime == LIFETIME_CALL) {
        start_call(w, r);
    }
    return true;
}

static void signal(struct walk *w, uint32_t r, const struct op *op)
{
    const struct program *p = &w->evaluator->program;
    struct channel_state *ch = &w->channels[op->channel];
    ch->signals += program_signals(p, op, p->roles[r].actors);
    ch->producer_roles |= UINT32_C(1) << r;
    ch->from_self = op->peer == PEER_OWN;
    ch->arrivals[r] = (struct arrival){p->roles[r].actors, w->roles[r].at_s, w->roles[r].noisy_s,
                                       w->roles[r].variance_s2};
    if (w->roles[r].at_s >= ch->last.at_s) {
        clock_copy(&ch->last, &w->roles[r], p->n_phases);
    }
}

/* What a transfer would take a role that had the store to itself. */
static double alone(const struct walk *w, uint32_t r, const struct op *op)
{
    double slowed = 0;
    return transfer_time(w->config, op, w->evaluator->program.roles[r].host, 1, 1, &slowed);
}

/* Who is ahead of the others need not share the store with them: how much less a transfer takes. */
static double spared(const struct walk *w, uint32_t r, uint32_t index)
{
    const struct op *op = &w->evaluator->program.ops[index];
    return op_transfers(op) ? w->evaluator->op_s[index] - alone(w, r, op) : 0;
}

static void watch(struct walk *w, uint32_t r, uint32_t index)
{
    const struct program *p = &w->evaluator->program;
    const struct op *op = &p->ops[index];
    if (!op_transfers(op)) {
        return;
    }
    struct meeting *m = &w->meetings[op->phase][op->store][op->kind == OP_GET];
    const double alone_s = alone(w, r, op);
    m->first_s = m->met ? smaller(m->first_s, w->roles[r].at_s) : w->roles[r].at_s;
    m->last_s = m->met ? larger(m->last_s, w->roles[r].at_s) : w->roles[r].at_s;
    if (w->spread >> r & 1) {
        m->last_s = HUGE_VAL;
    } else if (op->total > p->roles[r].actors && op->total % p->roles[r].actors != 0) {
        w->spread |= UINT32_C(1) << r; /* from here on */
    }
    m->met = true;
    m->shared = m->shared || w->evaluator->op_s[index] > alone_s * (1 + 1e-12);
}

/* Where a role stands in a span, and in a loop of it. */
struct cursor {
    uint32_t at, round;
    struct clock round_start;
};

/* Rounds of a loop repeat from the third on: the rest is added at once. */
static void end_of_loop(struct walk *w, uint32_t r, const struct loop *loop, uint32_t first,
                        struct cursor *c)
{
    const uint32_t phases = w->evaluator->program.n_phases;
    struct clock *now = &w->roles[r];
    c->round++;
    if (c->round < loop->times && c->round < 3) {
        clock_copy(&c->round_start, now, phases);
        c->at = loop->first - first;
        return;
    }
    const double left = (double)(loop->times - c->round);
    if (left > 0) {
        const double shift = left * (now->at_s - c->round_start.at_s);
        now->wait_s += left * (now->wait_s - c->round_start.wait_s);
        for (uint32_t i = 0; i < phases; i++) {
            now->phase_s[i] += left * (now->phase_s[i] - c->round_start.phase_s[i]);
        }
        now->at_s += shift;
    }
    c->round = 0;
}

static bool advance(struct walk *w, uint32_t r, const struct span *span, struct cursor *c)
{
    const struct program *p = &w->evaluator->program;
    struct clock *clock = &w->roles[r];
    bool moved = false;
    while (c->at < span->ops) {
        const uint32_t index = span->first + c->at;
        const struct op *op = &p->ops[index];
        if (op->later && !w->begun) {
            c->at++;
            continue;
        }
        if (op->kind == OP_AWAIT) {
            if (!await(w, r, op, c->at == 0)) {
                return moved;
            }
        } else {
            const double took_s = w->evaluator->op_s[index];
            if (w->meetings != NULL) {
                watch(w, r, index);
            }
            if (w->early[r] > 0) {
                w->early_s[r] += spared(w, r, index);
            }
            const double noise_s = w->evaluator->op_noise_s[index];
            clock->at_s += took_s;
            clock->phase_s[op->phase] += took_s;
            if (noise_s > 0) {
                clock->noisy_s += took_s;
                clock->variance_s2 += noise_s * noise_s;
            }
            if (op->peer != PEER_NONE && op->kind != OP_COMPUTE) {
                signal(w, r, op);
            }
        }
        moved = true;
        c->at++;
        for (uint32_t i = 0; i < p->n_loops; i++) {
            if (p->loops[i].first + p->loops[i].ops == index + 1) {
                end_of_loop(w, r, &p->loops[i], span->first, c);
            }
        }
    }
    if (moved && p->roles[r].lifetime == LIFETIME_CALL && p->roles[r].host == HOST_WORKER) {
        w->call_end_s[r] = clock->at_s;
        leave_sandboxes(w, clock->at_s, p->roles[r].actors - w->early[r]);
        leave_sandboxes(w, clock->at_s - w->early_s[r], w->early[r]);
    }
    return moved;
}

enum status walk_span(struct walk *w, enum span_kind kind, struct error *err)
{
    const struct program *p = &w->evaluator->program;
    struct cursor cursors[ROLE_LIMIT];
    for (uint32_t r = 0; r < p->n_roles; r++) {
        const bool absent = kind == SPAN_ITERATION && p->roles[r].later && !w->begun;
        cursors[r].at = absent ? p->roles[r].span[kind].ops : 0;
        cursors[r].round = 0;
    }
    bool moved = true;
    while (moved) {
        moved = false;
        for (uint32_t r = 0; r < p->n_roles; r++) {
            moved = advance(w, r, &p->roles[r].span[kind], &cursors[r]) || moved;
        }
    }
    for (uint32_t r = 0; r < p->n_roles; r++) {
        const struct span *span = &p->roles[r].span[kind];
        if (cursors[r].at < span->ops) {
            const struct op *op = &p->ops[span->first + cursors[r].at];
            return RAISE(err, ERR_DEADLOCK, "role %s waits for %u signals on %s that never come",
                         p->roles[r].name, op->need, p->channels[op->channel].name);
        }
        if (kind == SPAN_ITERATION && p->roles[r].lifetime == LIFETIME_CALL) {
            w->call_s[r] = w->roles[r].at_s - w->call_start_s[r];
        }
    }
    w->begun = w->begun || kind == SPAN_ITERATION;
    return STATUS_OK;
}

static void subtract(struct clock *out, const struct clock *a, const struct clock *b,
                     uint32_t phases)
{
    out->at_s = a->at_s - b->at_s;
    out->wait_s = a->wait_s - b->wait_s;
    out->start_s = a->start_s - b->start_s;
    out->noisy_s = a->noisy_s - b->noisy_s;
    out->variance_s2 = a->variance_s2 - b->variance_s2;
    for (uint32_t i = 0; i < phases; i++) {
        out->phase_s[i] = a->phase_s[i] - b->phase_s[i];
    }
}

/* Have all roles that take part in rounds made the same step twice? Then nothing but the date has
 * changed, and every later round is the same. Asynchronous roles need not keep step with each
 * other. */
static bool repeats(const struct program *p, const double step_s[ROLE_LIMIT],
                    const double last_s[ROLE_LIMIT], double period_s, double tolerance_s)
{
    for (uint32_t r = 0; r < p->n_roles; r++) {
        const bool own = fabs(step_s[r] - last_s[r]) <= tolerance_s;
        const bool together = p->sync == SYNC_ASYNCHRONOUS ||
                              p->roles[r].span[SPAN_ITERATION].ops == 0 ||
                              fabs(step_s[r] - period_s) <= tolerance_s;
        if (!own || !together) {
            return false;
        }
    }
    return true;
}

/* What the rounds since `from` added, per round. */
static void average(const struct walk *w, const struct walk *from, double rounds,
                    struct increment *out)
{
    const struct program *p = &w->evaluator->program;
    /* Guests have no set-up: in a first round only the last clock tells how long it took. */
    out->period_s = rounds > 0 ? (walk_last(w)->at_s - walk_last(from)->at_s) / rounds : 0;
    for (uint32_t r = 0; r < p->n_roles && rounds > 0; r++) {
        struct clock *step = &out->roles[r];
        subtract(step, &w->roles[r], &from->roles[r], p->n_phases);
        step->at_s /= rounds;
        step->wait_s /= rounds;
        step->start_s /= rounds;
        for (uint32_t i = 0; i < p->n_phases; i++) {
            step->phase_s[i] /= rounds;
        }
    }
    for (int s = 0; s < STORE_USES && rounds > 0; s++) {
        out->polls[s][0] = (w->polls[s][0] - from->polls[s][0]) / rounds;
        out->polls[s][1] = (w->polls[s][1] - from->polls[s][1]) / rounds;
    }
}

enum status walk_steady(struct walk *w, double limit, struct increment *out, struct error *err)
{
    /* Transients last a round or two; only polling without noise may keep rounds from ever
     * repeating exactly. Then the second half of ROUNDS_MAX rounds stands for the later ones. */
    enum { ROUNDS_MAX = 256 };
    const struct program *p = &w->evaluator->program;
    struct walk from;
    double last_s[ROLE_LIMIT];
    double step_s[ROLE_LIMIT];
    double kept_at = 0;
    out->rounds = 0;
    bool steady = false;
    while (!steady && out->rounds < ROUNDS_MAX && out->rounds < limit) {
        const bool half = out->rounds == ROUNDS_MAX / 2;
        if (out->rounds < ROUNDS_MAX / 2 || half) {
            walk_copy(&from, w);
            kept_at = out->rounds;
        }
        double before_s[ROLE_LIMIT];
        for (uint32_t r = 0; r < p->n_roles; r++) {
            before_s[r] = w->roles[r].at_s;
        }
        if (walk_span(w, SPAN_ITERATION, err) != STATUS_OK) {
            return err->code;
        }
        double period_s = 0;
        double latest_s = 0;
        for (uint32_t r = 0; r < p->n_roles; r++) {
            step_s[r] = w->roles[r].at_s - before_s[r];
            period_s = larger(period_s, step_s[r]);
            latest_s = larger(latest_s, w->roles[r].at_s);
        }
        steady = out->rounds > 0 && repeats(p, step_s, last_s, period_s, 1e-12 * latest_s);
        memcpy(last_s, step_s, sizeof last_s);
        out->rounds++;
        if (steady && kept_at + 1 < out->rounds) {
            /* Late to settle: the last step alone is what repeats. */
            struct walk next;
            walk_copy(&next, w);
            if (walk_span(&next, SPAN_ITERATION, err) != STATUS_OK) {
                return err->code;
            }
            average(&next, w, 1, out);
            return STATUS_OK;
        }
    }
    average(w, &from, out->rounds - kept_at, out);
    return STATUS_OK;
}

enum status walk_watch(const struct walk *steady, bool *apart, struct error *err)
{
    struct meeting meetings[PHASE_LIMIT][STORE_USES][2];
    struct walk w;
    memset(meetings, 0, sizeof meetings);
    walk_copy(&w, steady);
    w.meetings = meetings;
    *apart = false;
    if (walk_span(&w, SPAN_ITERATION, err) != STATUS_OK) {
        return err->code;
    }
    for (uint32_t i = 0; i < steady->evaluator->program.n_phases; i++) {
        for (int s = 0; s < STORE_USES; s++) {
            for (int d = 0; d < 2; d++) {
                const struct meeting *m = &meetings[i][s][d];
                *apart = *apart || (m->shared && m->last_s - m->first_s > 1e-12 * fabs(m->first_s));
            }
        }
    }
    return STATUS_OK;
}

void walk_extend(struct walk *w, const struct increment *increment, double rounds, double stretch)
{
    const struct program *p = &w->evaluator->program;
    const double scale = rounds * stretch;
    for (uint32_t r = 0; r < p->n_roles; r++) {
        struct clock *clock = &w->roles[r];
        const struct clock *step = &increment->roles[r];
        clock->at_s += scale * step->at_s;
        clock->wait_s += scale * step->wait_s;
        clock->start_s += scale * step->start_s;
        for (uint32_t i = 0; i < p->n_phases; i++) {
            clock->phase_s[i] += scale * step->phase_s[i];
        }
    }
    for (int s = 0; s < STORE_USES; s++) {
        w->polls[s][0] += rounds * increment->polls[s][0];
        w->polls[s][1] += rounds * increment->polls[s][1];
    }
}

const struct clock *walk_last(const struct walk *w)
{
    const struct program *p = &w->evaluator->program;
    const struct clock *last = &w->roles[0];
    for (uint32_t r = 1; r < p->n_roles; r++) {
        if (w->roles[r].at_s > last->at_s) {
            last = &w->roles[r];
        }
    }
    return last;
}
