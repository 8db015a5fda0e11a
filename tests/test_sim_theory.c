/* The engine against queueing theory, every mean inside its 99 % interval over independent
 * replications, and Little's law on each single path; then the pool of warm sandboxes against a
 * published run. */
#include "tests/support.h"

#include <stdlib.h>
#include <string.h>

#include "sim/event_queue.h"
#include "sim/fluid.h"
#include "sim/pool.h"
#include "sim/random.h"
#include "tests/statistics.h"

enum { SERVERS_MAX = 64, WAITING_MAX = 1 << 16, REPLICATIONS = 20 };
enum { ARRIVAL = SERVERS_MAX };

enum service { EXPONENTIAL, CONSTANT, LOGNORMAL, SERVICES };
static const double lognormal_cv = 1.5;

/* A service of mean 1. */
static double draw_service(enum service law, struct random_stream *r)
{
    const double variance = log1p(lognormal_cv * lognormal_cv);
    switch (law) {
    case EXPONENTIAL:
        return random_exponential(r);
    case CONSTANT:
        return 1.0;
    case LOGNORMAL:
    default:
        return random_lognormal(r, -0.5 * variance, sqrt(variance));
    }
}

/* First come first served before `servers` servers, room for `room` customers in all. */
struct station {
    enum service law;
    unsigned servers, room;
    double arrivals_per_s;
};

struct outcome {
    double in_system_s, waiting_s, lost_share, busy, busy_squared;
};

static struct outcome run_station(const struct station *s, uint64_t replication, size_t customers,
                                  double *waiting)
{
    struct event_queue q;
    struct error err = {0};
    assert_ok(event_queue_init(&q, SERVERS_MAX + 1, &err), &err);
    struct random_stream gaps = random_open(2718, replication, s->servers, 0);
    struct random_stream work = random_open(2718, replication, s->servers, 1 + s->law);
    uint32_t head = 0, tail = 0;
    uint32_t idle[SERVERS_MAX], n_idle = s->servers;
    double began[SERVERS_MAX], arrived[SERVERS_MAX];
    for (uint32_t i = 0; i < n_idle; ++i) {
        idle[i] = i;
    }
    const size_t warm_up = customers / 10;
    size_t seen = 0, served = 0, counted = 0, lost = 0;
    double in_system = 0.0, wait = 0.0, area = 0.0, all = 0.0, last = 0.0;
    double busy = 0.0, busy_squared = 0.0, window_s = 0.0;
    event_queue_schedule(&q, ARRIVAL, 0, random_exponential(&gaps) / s->arrivals_per_s);
    for (uint32_t slot; (slot = event_queue_pop(&q)) != EVENT_NONE;) {
        const double now = q.now_s, n_busy = s->servers - n_idle;
        area += (n_busy + (double)(tail - head)) * (now - last);
        if (seen >= warm_up && seen < customers) { /* neither filling up nor running dry */
            busy += n_busy * (now - last);
            busy_squared += n_busy * n_busy * (now - last);
            window_s += now - last;
        }
        last = now;
        if (slot == ARRIVAL) {
            if (s->servers - n_idle + (tail - head) < s->room) {
                assert_true(tail - head < WAITING_MAX);
                waiting[tail++ % WAITING_MAX] = now;
            } else {
                ++lost;
            }
            if (++seen < customers) {
                event_queue_schedule(&q, ARRIVAL, 0,
                                     now + random_exponential(&gaps) / s->arrivals_per_s);
            }
        } else {
            all += now - arrived[slot];
            if (served++ >= warm_up) {
                in_system += now - arrived[slot];
                wait += began[slot] - arrived[slot];
                ++counted;
            }
            idle[n_idle++] = slot;
        }
        while (n_idle > 0 && head != tail) {
            const uint32_t server = idle[--n_idle];
            arrived[server] = waiting[head++ % WAITING_MAX];
            began[server] = now;
            event_queue_schedule(&q, server, 0, now + draw_service(s->law, &work));
        }
    }
    assert_int_equal(served + lost, customers);
    assert_close(area, all, 1e-9); /* Little's law, number by time against time by customer */
    event_queue_free(&q);
    return (struct outcome){in_system / (double)counted, wait / (double)counted,
                            (double)lost / (double)customers, busy / window_s,
                            busy_squared / window_s};
}

static double expected_in_system(const struct station *s)
{
    const double a = s->arrivals_per_s, m = s->servers;
    if (s->servers == 1) { /* Pollaczek and Khinchine */
        const double cv = s->law == EXPONENTIAL ? 1.0 : s->law == CONSTANT ? 0.0 : lognormal_cv;
        return 1.0 + a * (1.0 + cv * cv) / (2.0 * (1.0 - a));
    }
    return 1.0 + erlang_c(s->servers, a) / (m - a);
}

static void mean_times_of_m_g_1_and_m_m_c_are_inside_their_intervals(void **state)
{
    (void)state;
    static const struct station stations[] = {
        {EXPONENTIAL, 1, UINT32_MAX, 0.7}, {EXPONENTIAL, 1, UINT32_MAX, 0.9},
        {CONSTANT, 1, UINT32_MAX, 0.8},    {LOGNORMAL, 1, UINT32_MAX, 0.6},
        {EXPONENTIAL, 3, UINT32_MAX, 2.4}, {EXPONENTIAL, 16, UINT32_MAX, 13.0},
    };
    double *const waiting = malloc(WAITING_MAX * sizeof *waiting);
    assert_non_null(waiting);
    for (size_t k = 0; k < sizeof stations / sizeof *stations; ++k) {
        double in_system[REPLICATIONS], wait[REPLICATIONS];
        for (uint64_t i = 0; i < REPLICATIONS; ++i) {
            const struct outcome o = run_station(&stations[k], i, 40000, waiting);
            in_system[i] = o.in_system_s;
            wait[i] = o.waiting_s;
        }
        const double theory = expected_in_system(&stations[k]);
        assert_in_interval(in_system, REPLICATIONS, theory, 0.99);
        assert_in_interval(wait, REPLICATIONS, theory - 1.0, 0.99);
    }
    free(waiting);
}

static void losses_are_erlang_b_and_those_of_m_m_1_k(void **state)
{
    (void)state;
    static const struct {
        struct station station;
        double lost_share;
    } rows[] = {
        {{EXPONENTIAL, 8, 8, 6.5}, 0.0}, /* Erlang's loss formula: an account's concurrency limit */
        {{LOGNORMAL, 8, 8, 6.5}, 0.0},   /* holds for any law of service */
        {{EXPONENTIAL, 1, 5, 0.8},
         0.2 * 0.8 * 0.8 * 0.8 * 0.8 * 0.8 / (1.0 - 0.8 * 0.8 * 0.8 * 0.8 * 0.8 * 0.8)},
    };
    double *const waiting = malloc(WAITING_MAX * sizeof *waiting);
    assert_non_null(waiting);
    for (size_t k = 0; k < sizeof rows / sizeof *rows; ++k) {
        double lost[REPLICATIONS];
        for (uint64_t i = 0; i < REPLICATIONS; ++i) {
            lost[i] = run_station(&rows[k].station, i, 40000, waiting).lost_share;
        }
        const struct station *const s = &rows[k].station;
        const double theory =
            s->servers == s->room ? erlang_b(s->servers, s->arrivals_per_s) : rows[k].lost_share;
        assert_in_interval(lost, REPLICATIONS, theory, 0.99);
    }
    free(waiting);
}

static void instances_without_limit_are_poisson(void **state)
{
    (void)state;
    /* M/G/infinity: mean and variance of the number of running functions are both the load. */
    const struct station s = {LOGNORMAL, SERVERS_MAX, SERVERS_MAX, 20.0};
    double *const waiting = malloc(WAITING_MAX * sizeof *waiting);
    double mean[REPLICATIONS], variance[REPLICATIONS];
    assert_non_null(waiting);
    for (uint64_t i = 0; i < REPLICATIONS; ++i) {
        const struct outcome o = run_station(&s, i, 60000, waiting);
        assert_true(o.lost_share == 0.0);
        mean[i] = o.busy;
        variance[i] = o.busy_squared - o.busy * o.busy;
    }
    assert_in_interval(mean, REPLICATIONS, 20.0, 0.99);
    assert_in_interval(variance, REPLICATIONS, 20.0, 0.99);
    free(waiting);
}

/* ---------------------------------------------------------------- processor sharing */

enum { PS_FLOWS = 2000 };

static double mean_time_of_processor_sharing(enum service law, double load, uint64_t replication)
{
    const size_t customers = 40000;
    struct fluid f;
    struct event_queue q;
    struct error err = {0};
    assert_ok(fluid_init(&f, PS_FLOWS, 1, 1.0, &err), &err);
    assert_ok(event_queue_init(&q, 2, &err), &err);
    struct random_stream gaps = random_open(161, replication, law, 0);
    struct random_stream work = random_open(161, replication, law, 1);
    static double arrived[PS_FLOWS];
    static uint32_t unused[PS_FLOWS];
    uint32_t n_unused = PS_FLOWS;
    for (uint32_t i = 0; i < PS_FLOWS; ++i) {
        unused[i] = i;
    }
    size_t seen = 0, done = 0, counted = 0;
    double sum = 0.0;
    event_queue_schedule(&q, 0, 1, random_exponential(&gaps) / load);
    for (uint32_t slot; (slot = event_queue_pop(&q)) != EVENT_NONE;) {
        if (slot == 0) {
            assert_true(n_unused > 0);
            const uint32_t flow = unused[--n_unused];
            arrived[flow] = q.now_s;
            fluid_start(&f, q.now_s, flow, draw_service(law, &work), INFINITY);
            if (++seen < customers) {
                event_queue_schedule(&q, 0, 1, q.now_s + random_exponential(&gaps) / load);
            }
        } else {
            for (uint32_t flow; (flow = fluid_end(&f, q.now_s)) != FLUID_NONE;) {
                if (done++ >= customers / 10) {
                    sum += q.now_s - arrived[flow];
                    ++counted;
                }
                unused[n_unused++] = flow;
            }
        }
        if (f.active > 0) {
            event_queue_schedule(&q, 1, 0, fluid_next_s(&f));
        }
    }
    fluid_free(&f);
    event_queue_free(&q);
    return sum / (double)counted;
}

static void m_g_1_processor_sharing_depends_on_the_mean_only(void **state)
{
    (void)state;
    for (unsigned law = 0; law < SERVICES; ++law) {
        double means[REPLICATIONS];
        for (uint64_t i = 0; i < REPLICATIONS; ++i) {
            means[i] = mean_time_of_processor_sharing((enum service)law, 0.75, i);
        }
        assert_in_interval(means, REPLICATIONS, 1.0 / (1.0 - 0.75), 0.99);
    }
}

/* ---------------------------------------------------------------- the pool of sandboxes */

struct faas {
    double arrival_rate, warm_s, cold_s, keep_alive_s, end_s;
};

struct faas_outcome {
    double cold_share, servers, running, idle, life_span_s;
    uint64_t cold, peak;
};

static struct faas_outcome run_faas(const struct faas *given, uint64_t replication)
{
    enum { SANDBOXES = 200, NEXT_REQUEST = SANDBOXES };
    struct event_queue q;
    struct pool pool;
    struct error err = {0};
    assert_ok(event_queue_init(&q, SANDBOXES + 1, &err), &err);
    assert_ok(pool_init(&pool, SANDBOXES, given->keep_alive_s, &err), &err);
    struct random_stream gaps = random_open(42, replication, 0, 0);
    struct random_stream work = random_open(42, replication, 0, 1);
    uint32_t ring = 0;
    uint64_t requests = 0, running = 0, peak = 0;
    double busy_s = 0.0, last = 0.0;
    event_queue_schedule(&q, NEXT_REQUEST, 0, random_exponential(&gaps) / given->arrival_rate);
    for (;;) {
        const uint32_t slot = event_queue_pop(&q);
        const double now = fmin(q.now_s, given->end_s);
        busy_s += (double)running * (now - last);
        last = now;
        if (q.now_s >= given->end_s) {
            break;
        }
        if (slot == NEXT_REQUEST) {
            uint64_t id;
            const bool warm = pool_take(&pool, now, &id);
            if (!warm) { /* names are reused: an expired sandbox's slot is idle in the queue */
                while (event_queue_pending(&q, ring % SANDBOXES)) {
                    ++ring;
                }
                id = ring++ % SANDBOXES;
            }
            ++requests;
            ++running;
            peak = running > peak ? running : peak;
            const double mean_s = warm ? given->warm_s : given->cold_s;
            event_queue_schedule(&q, (uint32_t)id, 1, now + mean_s * random_exponential(&work));
            event_queue_schedule(&q, NEXT_REQUEST, 0,
                                 now + random_exponential(&gaps) / given->arrival_rate);
        } else {
            --running;
            pool_give(&pool, now, slot);
        }
    }
    const uint64_t cold = pool.cold;
    uint64_t id;
    while (pool_take(&pool, given->end_s, &id)) { /* settles the idle time of those still warm */
    }
    const double idle_s = pool.idle_s;
    const uint64_t expired = pool.expired;
    const struct faas_outcome out = {.cold_share = (double)cold / (double)requests,
                                     .running = busy_s / given->end_s,
                                     .idle = idle_s / given->end_s,
                                     .servers = (busy_s + idle_s) / given->end_s,
                                     .life_span_s =
                                         (busy_s + idle_s) / (double)(expired > 0 ? expired : 1),
                                     .cold = cold,
                                     .peak = peak};
    event_queue_free(&q);
    pool_free(&pool);
    return out;
}

static double published(const struct table *t, const char *quantity)
{
    struct error err = {0};
    size_t names, values;
    double value = NAN;
    assert_ok(table_column(t, "quantity", &names, &err), &err);
    assert_ok(table_column(t, "value", &values, &err), &err);
    for (size_t row = 0; row < t->n_rows; ++row) {
        if (strcmp(table_cell(t, row, names), quantity) == 0) {
            assert_ok(table_number(t, row, values, &value, &err), &err);
        }
    }
    assert_true(isfinite(value));
    return value;
}

/* The published run is one replication: it must lie where 99 % of such runs do. */
static void assert_one_more_run_could_give(const double *x, size_t n, double value,
                                           const char *what)
{
    double mean, half;
    student_interval(x, n, 0.99, &mean, &half);
    const double reach = half * sqrt((double)n + 1.0);
    if (!(fabs(value - mean) <= reach)) {
        print_error("%s: published %g, ours %g +- %g\n", what, value, mean, reach);
        fail();
    }
}

static void the_pool_reproduces_the_steady_state_published_by_simfaas(void **state)
{
    (void)state;
    struct table t;
    struct error err = {0};
    assert_ok(table_load(FAASCAST_ROOT "/tests/data/simfaas_steady_state.csv", &t, &err), &err);
    const struct faas given = {published(&t, "arrival_rate"), published(&t, "warm_service"),
                               published(&t, "cold_service"), published(&t, "idle_expiry"),
                               published(&t, "simulated_time")};
    enum { RUNS = 8 };
    double cold[RUNS], servers[RUNS], running[RUNS], idle[RUNS], life[RUNS];
    for (uint64_t i = 0; i < RUNS; ++i) {
        const struct faas_outcome o = run_faas(&given, i);
        cold[i] = o.cold_share;
        servers[i] = o.servers;
        running[i] = o.running;
        idle[i] = o.idle;
        life[i] = o.life_span_s;
    }
    assert_one_more_run_could_give(cold, RUNS, published(&t, "cold_share"), "cold share");
    assert_one_more_run_could_give(servers, RUNS, published(&t, "servers"), "servers");
    assert_one_more_run_could_give(running, RUNS, published(&t, "running"), "running");
    assert_one_more_run_could_give(idle, RUNS, published(&t, "idle"), "idle");
    assert_one_more_run_could_give(life, RUNS, published(&t, "life_span"), "life span");
    table_free(&t);
}

static void without_keep_alive_every_start_is_cold(void **state)
{
    (void)state;
    const struct faas given = {2.0, 1.5, 2.5, 0.0, 5000.0};
    assert_close(run_faas(&given, 0).cold_share, 1.0, 0.0);
}

static void with_endless_keep_alive_only_new_peaks_are_cold(void **state)
{
    (void)state;
    const struct faas given = {2.0, 1.5, 2.5, INFINITY, 5000.0};
    const struct faas_outcome o = run_faas(&given, 0);
    assert_int_equal(o.cold, o.peak);
}

static void a_periodic_client_is_warm_just_below_the_keep_alive_and_cold_at_it(void **state)
{
    (void)state;
    struct pool p;
    struct error err = {0};
    assert_ok(pool_init(&p, 1, 60.0, &err), &err);
    uint64_t id;
    for (int i = 0; i < 50; ++i) {
        const double now = 59.999 * i;
        assert_int_equal(pool_take(&p, now, &id), i > 0);
        pool_give(&p, now, 7);
        assert_true(i == 0 || id == 7);
    }
    pool_reset(&p);
    for (int i = 0; i < 50; ++i) {
        assert_false(pool_take(&p, 60.0 * i, &id));
        pool_give(&p, 60.0 * i, 7);
    }
    assert_int_equal(p.expired, 49);
    pool_free(&p);
}

static void a_burst_after_a_burst_finds_as_many_warm_newest_first(void **state)
{
    (void)state;
    struct pool p;
    struct error err = {0};
    assert_ok(pool_init(&p, 30, 300.0, &err), &err);
    for (uint32_t i = 0; i < 11; ++i) {
        pool_give(&p, 1.0 + i, i);
    }
    assert_int_equal(pool_idle(&p, 20.0), 11);
    for (uint32_t i = 0; i < 30; ++i) {
        uint64_t id = 99;
        assert_int_equal(pool_take(&p, 20.0, &id), i < 11);
        assert_int_equal(id, i < 11 ? 10 - i : 99);
    }
    assert_int_equal(p.warm, 11);
    assert_int_equal(p.cold, 19);
    pool_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mean_times_of_m_g_1_and_m_m_c_are_inside_their_intervals),
        cmocka_unit_test(losses_are_erlang_b_and_those_of_m_m_1_k),
        cmocka_unit_test(instances_without_limit_are_poisson),
        cmocka_unit_test(m_g_1_processor_sharing_depends_on_the_mean_only),
        cmocka_unit_test(the_pool_reproduces_the_steady_state_published_by_simfaas),
        cmocka_unit_test(without_keep_alive_every_start_is_cold),
        cmocka_unit_test(with_endless_keep_alive_only_new_peaks_are_cold),
        cmocka_unit_test(a_periodic_client_is_warm_just_below_the_keep_alive_and_cold_at_it),
        cmocka_unit_test(a_burst_after_a_burst_finds_as_many_warm_newest_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
