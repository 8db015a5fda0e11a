/* The end of a segment: what the rounds that were not played would have taken and cost (the law of
 * it: sim/run.c). */
#include "sim/run.h"

double run_spread(const struct round_stats *r)
{
    return r->count > 1 ? sqrt(fmax(r->squares, 0.0) / (double)(r->count - 1)) : 0.0;
}

/* Time that rounds which were not played would have taken, given one normal number. */
static double extension(double mean_s, double sd_s, double rounds, double z)
{
    return rounds > 0 ? fmax(rounds * mean_s + z * sd_s * sqrt(rounds), 0.0) : 0.0;
}

/* Rounds of the workers of one role in an asynchronous job: the mean of all, the variance of one
 * round of one worker, and the variance of the workers' own means beyond what that explains. */
struct own_rounds {
    double mean_s, within_s2, between_s2, count;
};

static struct own_rounds own_rounds(const struct run *s, uint32_t r)
{
    const struct plan *const p = s->plan;
    const uint32_t first = p->roles[r].first_actor;
    double sum = 0, count = 0, squares = 0, freedom = 0, n = 0, off = 0, noise = 0;
    for (uint32_t i = 0; i < p->roles[r].actors; ++i) {
        const struct round_stats *const own = &s->actors[first + i].own;
        sum += own->mean_s * (double)own->count;
        count += (double)own->count;
        squares += own->squares;
        freedom += own->count > 1 ? (double)own->count - 1 : 0;
    }
    struct own_rounds out = {.mean_s = count > 0 ? sum / count : s->stats.mean_s,
                             .within_s2 = freedom > 0 ? fmax(squares, 0) / freedom : 0,
                             .count = count};
    for (uint32_t i = 0; i < p->roles[r].actors; ++i) {
        const struct round_stats *const own = &s->actors[first + i].own;
        if (own->count > 0) {
            off += (own->mean_s - out.mean_s) * (own->mean_s - out.mean_s);
            noise += out.within_s2 / (double)own->count;
            n += 1;
        }
    }
    if (n > 1) {
        const double most = p->speed_cv * p->speed_cv * out.mean_s * out.mean_s;
        out.between_s2 = fmin(fmax(off / (n - 1) - noise / n, 0), most);
    }
    return out;
}

/* A worker's own rounds tell about its later ones, as far as they are not noise: the mean it would
 * show in the long run, drawn from what is known of it (normal prior and likelihood). */
static double own_extension(const struct run *s, uint32_t a, const struct own_rounds *all,
                            double rounds)
{
    const struct round_stats *const own = &s->actors[a].own;
    struct random_stream r = stream_of(s, a, PURPOSE_EXTEND, s->segment);
    const double z_rounds = random_normal(&r), z_mean = random_normal(&r);
    double mean_s = all->mean_s;
    if (all->between_s2 > 0) {
        double share = 0, left_s2 = all->between_s2;
        if (own->count > 0) {
            const double noise_s2 = all->within_s2 / (double)own->count;
            share = all->between_s2 / (all->between_s2 + noise_s2);
            left_s2 = share * noise_s2;
        }
        mean_s += share * (own->mean_s - all->mean_s) + sqrt(left_s2) * z_mean;
    }
    return extension(mean_s, sqrt(all->within_s2), rounds, z_rounds);
}

/* The clocks of the actor that ends last, its rounds after the transient stretched over the
 * extension: the parts still add up. */
static void book_critical(struct run *s, uint32_t a, double extended_s)
{
    const double *const clocks = clocks_of(s, s->clocks, a);
    const double *const early = clocks_of(s, s->early_clocks, a);
    const double *const last = clocks_of(s, s->late_clocks, a);
    double played_s = 0.0;
    for (uint32_t i = 0; i < s->stride; ++i) {
        played_s += last[i] - early[i];
    }
    for (uint32_t i = 0; i < s->stride; ++i) {
        s->job_clocks[i] += clocks[i];
        if (extended_s > 0.0 && played_s > 0.0) {
            s->job_clocks[i] += (last[i] - early[i]) * extended_s / played_s;
        }
    }
}

/* What rounds cause beyond their ops' own counts: polls and the lives of called functions. */
static void extend_counters(struct run *s, double rounds)
{
    const double steady = (double)s->stop_round - TRANSIENT_ROUNDS;
    if (!(rounds > 0 && steady > 0)) {
        return;
    }
    struct counters *const c = &s->counters;
    for (unsigned i = 0; i < STORE_USES; ++i) {
        for (unsigned k = 0; k < 2; ++k) {
            c->polls[i][k] += c->steady_polls[i][k] / steady * rounds;
        }
    }
    for (unsigned r = 0; r < ROLE_LIMIT; ++r) {
        const double billed_s = c->steady_billed_s[r] / steady * rounds;
        const double host_s = c->steady_host_s[r] / steady * rounds;
        c->billed_s[r] += billed_s;
        c->host_s[r] += host_s;
        c->extended_billed_s[r] += billed_s;
        c->extended_host_s[r] += host_s;
    }
}

/* How well the means of the rounds played are known that the extension rests on. */
static void note_extension(struct run *s, uint32_t critical, const struct own_rounds *own,
                           double rounds)
{
    const bool asynchronous = s->plan->program->sync == SYNC_ASYNCHRONOUS;
    const double mean_s = asynchronous ? own->mean_s : s->stats.mean_s;
    const double count = asynchronous ? own->count : (double)s->stats.count;
    const double sd_s = asynchronous ? sqrt(own->within_s2) : run_spread(&s->stats);
    const double left = asynchronous ? s->segment_rounds - s->actors[critical].round : rounds;
    if (left > 0 && count > 0) {
        s->extension.mean_s += left * mean_s;
        s->extension.rounds += left;
        s->extension.variance_s2 += left * left * sd_s * sd_s / count;
    }
}

void run_extend_segment(struct run *s)
{
    const struct plan *const p = s->plan;
    const double now = s->queue.now_s;
    const bool asynchronous = p->program->sync == SYNC_ASYNCHRONOUS;
    const double shared_left = s->segment_rounds - s->stop_round;
    struct random_stream shared = random_open(s->seed, s->replication, s->segment, PURPOSE_EXTEND);
    const double shared_s =
        extension(s->stats.mean_s, run_spread(&s->stats), shared_left, random_normal(&shared));
    uint32_t critical = 0;
    double end_s = -1.0, critical_s = 0.0;
    struct own_rounds own = {0}, critical_own = {0};
    for (uint32_t a = 0; a < p->actors; ++a) {
        const struct actor *const actor = &s->actors[a];
        const uint16_t r = p->actor_role[a];
        const struct plan_role *const role = &p->roles[r];
        if (asynchronous && a == role->first_actor) {
            own = own_rounds(s, r);
        }
        const double left = role->rounds ? s->segment_rounds - actor->round : 0.0;
        const double extended_s = asynchronous ? own_extension(s, a, &own, left) : shared_s;
        s->counters.extended[r] += left;
        if (role->function && !role->called) {
            platform_bill(s, a, actor->ended_s, extended_s);
            s->counters.extended_billed_s[r] += extended_s;
            s->counters.extended_host_s[r] += extended_s;
        } else if (!role->called && !role->guest) {
            s->counters.host_s[r] += now - s->segment_from_s + extended_s;
            s->counters.extended_host_s[r] += extended_s;
        }
        if (actor->ended_s + extended_s > end_s) {
            end_s = actor->ended_s + extended_s;
            critical = a;
            critical_s = extended_s;
            critical_own = own;
        }
    }
    note_extension(s, critical, &critical_own, shared_left);
    book_critical(s, critical, critical_s);
    extend_counters(s, shared_left);
    s->extended_s += end_s - now;
    s->played_rounds += s->stop_round;
    s->extended_rounds += shared_left;
    s->round_sum_s += s->stats.mean_s * (double)s->stats.count;
    s->round_count += (double)s->stats.count;
    s->rounds_before += s->segment_rounds;
}
