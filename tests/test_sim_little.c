/* Little's law on every store in whole runs: the time average of the number of requests, and of
 * transfers that share a store, read off the state between events, is throughput times mean time at
 * the store, counted and timed request by request. The same of functions and their lives. */
#include "sim/timeline.h"
#include "tests/play_support.h"

#include <gsl/gsl_errno.h>

enum { KINDS = 5, RECORDS_MAX = 200000 };

static const char *const kinds[KINDS] = {"free", "capped", "polled", "throttled", "failing"};

static struct config busy(const struct protocol *protocol, int kind, double workers)
{
    const enum play_store store = kind == 0 ? STORE_FREE : kind == 2 ? STORE_POLLED : STORE_CAPPED;
    struct config c = play_noisy_config(protocol, store, workers, 12);
    for (int i = 0; i < STORE_USES; ++i) {
        c.stores[i].get_per_s = c.stores[i].put_per_s = kind == 3 ? 25 : 0;
    }
    c.platform.time_limit_s = kind == 4 ? 25 : 1e7;
    c.simulation.crash_per_hour = kind == 4 ? 60 : 0;
    c.simulation.lost_update_share = kind == 4 ? 0.01 : 0;
    return c;
}

/* Of each store and direction: number in it, integrated over time. */
struct areas {
    double requests[FLUIDS + 1], flows[FLUIDS], functions;
};

/* FLUIDS: of an invocation, which is at no store. */
static uint32_t place_of(const struct plan_op *op)
{
    return op->kind == OP_INVOKE ? (uint32_t)FLUIDS
                                 : (uint32_t)op->store * DIRECTIONS +
                                       (op->kind == OP_PUT ? DIRECTION_PUT : DIRECTION_GET);
}

static bool at_store(const struct lane *l)
{
    return l->state == LANE_LATENCY || l->state == LANE_TRANSFER || l->state == LANE_FLOW;
}

static void look(const struct run *s, struct areas *number)
{
    *number = (struct areas){.functions = s->running};
    for (uint32_t l = 0; l < s->plan->lanes; ++l) {
        if (at_store(&s->lanes[l])) {
            number->requests[place_of(&s->plan->ops[s->actors[s->plan->lane_actor[l]].op])] += 1;
        }
    }
    for (uint32_t f = 0; f < FLUIDS; ++f) {
        number->flows[f] = s->fluids[f].active;
    }
}

static void play_and_look(struct run *s, struct areas *out, struct error *err)
{
    struct areas number;
    run_begin(s, 7, 0, err);
    for (bool more = true; more;) {
        const double from_s = s->queue.now_s;
        look(s, &number);
        more = run_step(s);
        const double lasts_s = s->queue.now_s - from_s;
        for (uint32_t f = 0; f <= FLUIDS; ++f) {
            out->requests[f] += number.requests[f] * lasts_s;
        }
        for (uint32_t f = 0; f < FLUIDS; ++f) {
            out->flows[f] += number.flows[f] * lasts_s;
        }
        out->functions += number.functions * lasts_s;
    }
    assert_ok(s->failed, err);
}

/* What was counted and timed one by one. */
struct stays {
    double n[FLUIDS + 1], sent[FLUIDS + 1], sum_s[FLUIDS + 1], flow_sum_s[FLUIDS + 1];
    double moved_bytes[FLUIDS];
    double lives, lives_sum_s;
};

static void add_stays(const struct timeline *t, const struct run *s, struct stays *out)
{
    const struct plan *const p = s->plan;
    struct timeline_rate now[FLUIDS] = {{0}};
    for (size_t i = 0; i < t->n_requests; ++i) {
        const struct timeline_request *const r = &t->requests[i];
        const uint32_t at = place_of(&p->ops[r->op]);
        out->n[at] += 1;
        out->sum_s[at] += r->to_s - r->sent_s;
        out->flow_sum_s[at] += p->ops[r->op].fluid != FLUID_FREE ? r->to_s - r->flow_s : 0;
    }
    for (uint32_t i = 0; i < p->program->n_ops; ++i) {
        if (p->ops[i].takes_time) {
            out->sent[place_of(&p->ops[i])] += (double)s->tried[i];
        }
    }
    for (size_t i = 0; i < t->n_rates; ++i) {
        struct timeline_rate *const last = &now[t->rates[i].fluid];
        out->moved_bytes[t->rates[i].fluid] += last->bytes_per_s * (t->rates[i].at_s - last->at_s);
        *last = t->rates[i];
    }
    for (size_t i = 0; i < t->n_spans; ++i) {
        if (t->spans[i].kind == TIMELINE_LIFE) {
            out->lives += 1;
            out->lives_sum_s += t->spans[i].to_s - t->spans[i].from_s;
        }
    }
}

static void check(const char *what, const char *place, double number, double throughput,
                  double mean_s, double tolerance)
{
    if (!(fabs(number - throughput * mean_s) <= tolerance * number + 1e-12)) {
        print_error("%s, %s: %.12g in it, throughput %.12g times mean time %.12g = %.12g\n", what,
                    place, number, throughput, mean_s, throughput * mean_s);
        fail();
    }
}

/* Gives how many stores, by direction, and whether invocations were looked at. */
static size_t check_run(struct play *p, struct timeline *t, const char *what)
{
    struct areas areas = {0};
    struct stays stays = {0};
    size_t seen = 0;
    t->n_spans = t->n_requests = t->n_rates = 0;
    p->run.exact = true;
    p->run.timeline = t;
    play_and_look(&p->run, &areas, &p->err);
    assert_false(t->truncated);
    add_stays(t, &p->run, &stays);
    const double time_s = p->run.queue.now_s;
    for (uint32_t f = 0; f <= FLUIDS; ++f) {
        check(what, "requests answered", stays.n[f], 1, stays.sent[f], 0);
        check(what, "requests", areas.requests[f] / time_s, stays.sent[f] / time_s,
              stays.sum_s[f] / fmax(stays.n[f], 1), 1e-9);
        seen += stays.n[f] > 0;
    }
    for (uint32_t f = 0; f < FLUIDS; ++f) {
        check(what, "transfers", areas.flows[f] / time_s, stays.sent[f] / time_s,
              stays.flow_sum_s[f] / fmax(stays.n[f], 1), 1e-9);
        if (p->plan.classes[f] > 0) {
            check(what, "bytes moved", fluid_moved_bytes(&p->run.fluids[f], time_s), 1,
                  stays.moved_bytes[f], 1e-9);
        }
    }
    const struct counters *const count = &p->run.counters;
    const double lives = count->warm + count->cold;
    assert_close(stays.lives, lives, 0);
    check(what, "functions", areas.functions / time_s, lives / time_s,
          stays.lives_sum_s / fmax(stays.lives, 1), 1e-9);
    return seen;
}

static void numbers_in_stores_are_throughput_times_time(void **state)
{
    (void)state;
    static const double workers[] = {1, 3, 8};
    struct timeline t;
    struct error err = {0};
    size_t runs[KINDS] = {0}, seen[KINDS] = {0};
    double throttled = 0, crashes = 0, lost = 0;
    assert_ok(timeline_init(&t, RECORDS_MAX, UINT32_MAX, &err), &err);
    for (size_t i = 0; protocols[i] != NULL; ++i) {
        for (int kind = 0; kind < KINDS; ++kind) {
            for (size_t k = 0; k < sizeof workers / sizeof *workers; ++k) {
                const struct config c = busy(protocols[i], kind, workers[k]);
                struct play p;
                char what[120];
                snprintf(what, sizeof what, "%s, w = %g, %s store", protocols[i]->name, workers[k],
                         kinds[kind]);
                if (play_open(&p, &c) == STATUS_OK) {
                    seen[kind] += check_run(&p, &t, what);
                    ++runs[kind];
                    throttled += p.run.counters.throttled;
                    crashes += p.run.counters.crashes + p.run.counters.timeouts;
                    lost += p.run.counters.lost;
                }
                play_close(&p);
            }
        }
    }
    timeline_free(&t);
    for (int kind = 0; kind < KINDS; ++kind) { /* the runs were not empty */
        assert_true(runs[kind] >= 40 && 2 * seen[kind] >= 5 * runs[kind]);
    }
    assert_true(throttled > 1000 && crashes > 50 && lost > 20);
}

int main(void)
{
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_in_stores_are_throughput_times_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
