/* Fluid sharing against an O(n) water-filling oracle: random scripts of starts, ends, aborts,
 * changed caps and capacities; the invariants of max-min fairness at every step; and the
 * insensitivity theorem. */
#include "tests/support.h"

#include <stdlib.h>

#include "sim/event_queue.h"
#include "sim/fluid.h"
#include "sim/random.h"
#include "tests/statistics.h"

static void open_fluid(struct fluid *f, size_t flows, size_t classes, double capacity)
{
    struct error err = {0};
    assert_ok(fluid_init(f, flows, classes, capacity, &err), &err);
}

/* ---------------------------------------------------------------- oracle */

enum { FLOWS = 60 };

/* Every flow by itself: its cap, what it has left, its rate. */
struct oracle {
    double capacity, now_s;
    double cap[FLOWS], left[FLOWS], rate[FLOWS];
    bool active[FLOWS];
};

/* Water-filling flow by flow: the share of those not held back by their cap rises until none that
 * could take more remains. */
static void oracle_rates(struct oracle *o)
{
    bool fixed[FLOWS] = {false};
    double rest = o->capacity;
    for (bool changed = true; changed;) {
        changed = false;
        size_t open = 0;
        for (size_t i = 0; i < FLOWS; ++i) {
            open += o->active[i] && !fixed[i];
        }
        const double share = rest / (double)open;
        for (size_t i = 0; i < FLOWS; ++i) {
            if (o->active[i] && !fixed[i] && o->cap[i] <= share) {
                fixed[i] = changed = true;
                o->rate[i] = o->cap[i];
                rest -= o->cap[i];
            } else if (o->active[i] && !fixed[i]) {
                o->rate[i] = share;
            }
        }
    }
}

static void oracle_advance(struct oracle *o, double now_s)
{
    oracle_rates(o);
    for (size_t i = 0; i < FLOWS; ++i) {
        if (o->active[i]) {
            o->left[i] = fmax(o->left[i] - o->rate[i] * (now_s - o->now_s), 0.0);
        }
    }
    o->now_s = now_s;
}

static double oracle_next(struct oracle *o)
{
    oracle_rates(o);
    double next = HUGE_VAL;
    for (size_t i = 0; i < FLOWS; ++i) {
        if (o->active[i]) {
            next = fmin(next, o->now_s + o->left[i] / o->rate[i]);
        }
    }
    return next;
}

/* Invariants i to iv of max-min fairness, and the oracle's rates. */
static void check_rates(struct fluid *f, struct oracle *o)
{
    oracle_rates(o);
    double total = 0.0, theta = 0.0;
    bool held_back = false;
    for (uint32_t i = 0; i < FLOWS; ++i) {
        if (o->active[i]) {
            const double rate = fluid_rate(f, i);
            assert_close(rate, o->rate[i], 1e-9);
            assert_true(rate >= 0.0 && rate <= o->cap[i]);
            if (rate < o->cap[i]) {
                assert_true(!held_back || fabs(rate - theta) <= 1e-9 * theta);
                held_back = true;
                theta = rate;
            }
            total += rate;
        }
    }
    assert_true(total <= o->capacity * (1.0 + 1e-12));
    for (uint32_t i = 0; held_back && i < FLOWS; ++i) {
        assert_true(!o->active[i] || fluid_rate(f, i) <= theta * (1.0 + 1e-12));
    }
    if (held_back) {
        assert_close(total, o->capacity, 1e-12);
    }
    assert_close(fluid_total_rate(f), total, 1e-9);
}

static void random_scripts_agree_with_flow_by_flow_water_filling(void **state)
{
    (void)state;
    static const double caps[] = {3.7e6, 11e6, 25e6, 90e6, INFINITY};
    for (uint64_t seed = 0; seed < 60; ++seed) {
        struct random_stream r = random_open(seed, 0, 0, 0);
        struct oracle o = {.capacity = 40e6 + 400e6 * random_uniform(&r)};
        struct fluid f;
        open_fluid(&f, FLOWS, 5, o.capacity);
        double now = 0.0, given = 0.0, returned = 0.0;
        for (int step = 0; step < 600; ++step) {
            const uint32_t flow = (uint32_t)(random_bits(&r) % FLOWS);
            const double cap = caps[random_bits(&r) % 5];
            const double expected = oracle_next(&o), got = fluid_next_s(&f);
            assert_close(got, expected, 1e-9);
            const double wait = 0.05 * random_exponential(&r) * (double)(random_bits(&r) % 4 > 0);
            if (got <= now + wait) { /* an end comes first */
                now = got;
                oracle_advance(&o, now);
                uint32_t ended = fluid_end(&f, now);
                assert_true(ended != FLUID_NONE);
                for (; ended != FLUID_NONE; ended = fluid_end(&f, now)) {
                    assert_true(o.left[ended] <= 1e-3); /* of some megabytes */
                    o.active[ended] = false;
                }
            } else {
                now += wait;
                oracle_advance(&o, now);
                if (!o.active[flow]) {
                    const double size =
                        random_bits(&r) % 8 == 0 ? 5e6 : 5e6 * random_exponential(&r);
                    assert_true(fluid_start(&f, now, flow, size, cap));
                    o.active[flow] = true;
                    o.cap[flow] = cap;
                    o.left[flow] = size;
                    given += size;
                } else if (random_bits(&r) % 3 == 0) {
                    const double left = fluid_abort(&f, now, flow);
                    assert_true(fabs(left - o.left[flow]) <= 1e-3);
                    returned += left;
                    o.active[flow] = false;
                } else if (random_bits(&r) % 3 == 0) {
                    o.capacity = 40e6 + 400e6 * random_uniform(&r);
                    fluid_set_capacity(&f, now, o.capacity);
                } else {
                    assert_true(fluid_set_cap(&f, now, flow, cap));
                    o.cap[flow] = cap;
                }
            }
            check_rates(&f, &o);
        }
        double left = 0.0;
        for (uint32_t i = 0; i < FLOWS; ++i) {
            left += o.active[i] ? fluid_left_bytes(&f, now, i) : 0.0;
        }
        assert_close(fluid_moved_bytes(&f, now), given - returned - left, 1e-9);
        fluid_free(&f);
    }
}

static void equal_flows_take_size_over_the_smaller_of_cap_and_share(void **state)
{
    (void)state;
    static const struct {
        uint32_t flows;
        double size, cap, capacity;
    } rows[] = {{1, 7.3e6, 65e6, INFINITY}, {7, 7.3e6, 65e6, INFINITY}, {7, 7.3e6, 65e6, 130e6},
                {33, 0.5, 65e6, 1e9},       {33, 9e9, INFINITY, 1e9},   {1000, 2.385e6, 3e6, 3e9}};
    for (size_t row = 0; row < sizeof rows / sizeof *rows; ++row) {
        struct fluid f;
        open_fluid(&f, rows[row].flows, 1, rows[row].capacity);
        for (uint32_t i = 0; i < rows[row].flows; ++i) {
            assert_true(fluid_start(&f, 0.25, i, rows[row].size, rows[row].cap));
        }
        const double rate = fmin(rows[row].cap, rows[row].capacity / rows[row].flows);
        const double end = fluid_next_s(&f);
        assert_close(end, 0.25 + rows[row].size / rate, 1e-12);
        for (uint32_t i = 0; i < rows[row].flows; ++i) {
            assert_int_equal(fluid_end(&f, end), i); /* all at once, in order of start */
        }
        assert_int_equal(fluid_end(&f, end), FLUID_NONE);
        assert_true(fluid_next_s(&f) == HUGE_VAL);
        fluid_free(&f);
    }
}

static void an_empty_transfer_ends_at_once(void **state)
{
    (void)state;
    struct fluid f;
    open_fluid(&f, 2, 1, 1e6);
    assert_true(fluid_start(&f, 3.0, 1, 1e6, INFINITY));
    assert_true(fluid_start(&f, 3.5, 0, 0.0, INFINITY));
    assert_true(fluid_next_s(&f) == 3.5);
    assert_int_equal(fluid_end(&f, 3.5), 0);
    assert_int_equal(fluid_end(&f, 3.5), FLUID_NONE);
    assert_close(fluid_next_s(&f), 4.0, 1e-12);
    fluid_free(&f);
}

static void more_different_caps_than_classes_are_refused_until_one_is_free(void **state)
{
    (void)state;
    struct fluid f;
    open_fluid(&f, 4, 2, 1e6);
    assert_true(fluid_start(&f, 0.0, 0, 1e6, 1e5));
    assert_true(fluid_start(&f, 0.0, 1, 1e6, 3e5));
    assert_false(fluid_start(&f, 0.0, 2, 1e6, 2e5));
    assert_close(fluid_abort(&f, 1.0, 0), 9e5, 1e-12);
    assert_true(fluid_start(&f, 1.0, 2, 1e6, 4e5)); /* above the class that stays */
    assert_close(fluid_rate(&f, 2), 4e5, 1e-12);
    assert_close(fluid_rate(&f, 1), 3e5, 1e-12);
    assert_close(fluid_abort(&f, 1.0, 1), 7e5, 1e-12);
    assert_true(fluid_start(&f, 1.0, 3, 1e6, 2e5)); /* below it */
    assert_close(fluid_rate(&f, 3), 2e5, 1e-12);
    fluid_free(&f);
}

static void a_clock_that_is_set_back_changes_nothing(void **state)
{
    (void)state;
    /* Chunks of 3 and 5 GB one after another, 1 GB/s each: the class's clock passes its limit
     * often, and ends fall on every multiple of 3 and of 5 seconds. */
    struct fluid f;
    open_fluid(&f, 2, 1, 2e9);
    static const double chunk_bytes[] = {3e9, 5e9};
    fluid_start(&f, 0.0, 0, chunk_bytes[0], INFINITY);
    fluid_start(&f, 0.0, 1, chunk_bytes[1], INFINITY);
    for (int second = 1; second < 1000; ++second) {
        if (second % 3 != 0 && second % 5 != 0) {
            continue;
        }
        assert_close(fluid_next_s(&f), (double)second, 1e-12);
        const double now = fluid_next_s(&f);
        bool ended[2] = {false, false};
        for (uint32_t i; (i = fluid_end(&f, now)) != FLUID_NONE;) {
            ended[i] = true;
        }
        for (uint32_t i = 0; i < 2; ++i) {
            assert_int_equal(ended[i], second % (i == 0 ? 3 : 5) == 0);
            if (ended[i]) {
                fluid_start(&f, now, i, chunk_bytes[i], INFINITY);
            }
        }
    }
    fluid_free(&f);
}

/* The same flows under other numbers end at the same times. */
static void results_do_not_depend_on_the_numbering(void **state)
{
    (void)state;
    enum { N = 40 };
    double end[2][N];
    for (int turn = 0; turn < 2; ++turn) {
        struct fluid f;
        open_fluid(&f, N, 4, 300e6);
        for (uint32_t i = 0; i < N; ++i) {
            const uint32_t worker = turn == 0 ? i : (i * 7 + 3) % N;
            struct random_stream r = random_open(12, 0, worker, 0);
            const double size = 1e6 + 10e6 * random_exponential(&r);
            assert_true(fluid_start(&f, 0.0, i, size, 5e6 * (double)(1 + worker % 4)));
        }
        for (double now = fluid_next_s(&f); now < HUGE_VAL; now = fluid_next_s(&f)) {
            for (uint32_t i; (i = fluid_end(&f, now)) != FLUID_NONE;) {
                end[turn][turn == 0 ? i : (i * 7 + 3) % N] = now;
            }
        }
        fluid_free(&f);
    }
    for (size_t i = 0; i < N; ++i) {
        assert_close(end[1][i], end[0][i], 1e-12);
    }
}

/* ---------------------------------------------------------------- insensitivity */

/* A store worth m full connections, Poisson transfers at 0.8 of its capacity. With caps a transfer
 * is a symmetric queue's customer, so its mean time is that of M/M/m whatever the sizes' law. */
enum size_law { SIZE_EXPONENTIAL, SIZE_CONSTANT, SIZE_LOGNORMAL, SIZE_LAWS };

static double draw_size(enum size_law law, struct random_stream *r)
{
    switch (law) {
    case SIZE_EXPONENTIAL:
        return random_exponential(r);
    case SIZE_CONSTANT:
        return 1.0;
    case SIZE_LOGNORMAL:
    default:
        return random_lognormal(r, -0.5 * 1.2 * 1.2, 1.2);
    }
}

enum { OPEN_FLOWS = 4000 };

static double mean_transfer(enum size_law law, double m, uint64_t replication, size_t transfers)
{
    const double unit = 1e6; /* bytes of a mean transfer, and a connection's bytes/s */
    struct fluid f;
    struct event_queue q;
    struct error err = {0};
    open_fluid(&f, OPEN_FLOWS, 1, m * unit);
    assert_ok(event_queue_init(&q, 2, &err), &err);
    static double started[OPEN_FLOWS];
    static uint32_t free_flows[OPEN_FLOWS];
    size_t n_free = OPEN_FLOWS, done = 0, counted = 0;
    for (uint32_t i = 0; i < OPEN_FLOWS; ++i) {
        free_flows[i] = OPEN_FLOWS - 1 - i;
    }
    struct random_stream gaps = random_open(314, replication, (uint64_t)m, law);
    struct random_stream sizes = random_open(314, replication, (uint64_t)m, 100 + law);
    double sum = 0.0, all = 0.0, area = 0.0, last = 0.0;
    event_queue_schedule(&q, 0, 0, random_exponential(&gaps) / (0.8 * m));
    while (done < transfers || f.active > 0) {
        const uint32_t slot = event_queue_pop(&q);
        area += (double)f.active * (q.now_s - last);
        last = q.now_s;
        if (slot == 0) {
            assert_true(n_free > 0);
            const uint32_t flow = free_flows[--n_free];
            started[flow] = q.now_s;
            fluid_start(&f, q.now_s, flow, unit * draw_size(law, &sizes), unit);
            if (done + f.active < transfers) {
                event_queue_schedule(&q, 0, 0, q.now_s + random_exponential(&gaps) / (0.8 * m));
            }
        } else {
            for (uint32_t flow; (flow = fluid_end(&f, q.now_s)) != FLUID_NONE; ++done) {
                const double took = q.now_s - started[flow];
                all += took;
                if (done >= transfers / 5) {
                    sum += took;
                    ++counted;
                }
                free_flows[n_free++] = flow;
            }
        }
        if (f.active > 0) {
            event_queue_schedule(&q, 1, 0, fluid_next_s(&f));
        }
    }
    assert_close(area, all, 1e-9); /* Little's law on this very path */
    event_queue_free(&q);
    fluid_free(&f);
    return sum / (double)counted;
}

static void mean_transfer_time_is_erlang_c_whatever_the_sizes(void **state)
{
    (void)state;
    enum { REPLICATIONS = 20 };
    static const unsigned servers[] = {1, 4, 16};
    for (size_t k = 0; k < 3; ++k) {
        for (unsigned law = 0; law < SIZE_LAWS; ++law) {
            double means[REPLICATIONS];
            for (uint64_t i = 0; i < REPLICATIONS; ++i) {
                means[i] = mean_transfer((enum size_law)law, servers[k], i, 12000);
            }
            const double m = servers[k];
            const double theory = 1.0 + erlang_c(servers[k], 0.8 * m) / (m - 0.8 * m);
            assert_in_interval(means, REPLICATIONS, theory, 0.99);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_scripts_agree_with_flow_by_flow_water_filling),
        cmocka_unit_test(equal_flows_take_size_over_the_smaller_of_cap_and_share),
        cmocka_unit_test(an_empty_transfer_ends_at_once),
        cmocka_unit_test(more_different_caps_than_classes_are_refused_until_one_is_free),
        cmocka_unit_test(a_clock_that_is_set_back_changes_nothing),
        cmocka_unit_test(results_do_not_depend_on_the_numbering),
        cmocka_unit_test(mean_transfer_time_is_erlang_c_whatever_the_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
