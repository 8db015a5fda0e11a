/* The simulator's engine against hand-written loops of the same models, in one program.
 *
 *   M/M/1   load 0.9, two events per customer. Yardsticks: a loop with its own binary heap of
 * pending events, as one writes it by hand; and the bare minimum, two clocks in registers, which is
 * no event set at all. Two threads: independent replications. hold    pop the next event, schedule
 * it anew; 10, 1000 and 100,000 pending; with and without cancelling and moving another event half
 * of the time. fluid   closed loop of 10, 1000 and 100,000 flows in 1, 4 and 16 cap classes.
 * Yardstick: rates worked out flow by flow at every event. Every structure must give the
 * yardstick's checksum. Medians of nine rounds, all variants in turn in each; processor time of the
 * thread, so that a busy machine disturbs little; wall time for two threads.
 */
#include "bench/bench.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

#include "sim/event_queue.h"
#include "sim/fluid.h"
#include "sim/random.h"

static void check(double a, double b, const char *what)
{
    if (!(fabs(a - b) <= 1e-9 * fabs(b))) {
        fprintf(stderr, "%s: checksum %.17g, expected %.17g\n", what, a, b);
        exit(1);
    }
}

/* ---------------------------------------------------------------- M/M/1 */

enum { RING = 1 << 16, CUSTOMERS = 4000000 };
static const double load = 0.9;

enum { ARRIVAL, DEPARTURE };

/* Two clocks and a branch: the least a computer can do for this model. */
static double mm1_bare(uint64_t seed, double *ring)
{
    struct random_stream gaps = random_open(seed, 0, 0, 0), work = random_open(seed, 0, 0, 1);
    double arrival = random_exponential(&gaps) * (1 / load), departure = HUGE_VAL, sum = 0;
    uint32_t head = 0, tail = 0, arrived = 0, served = 0;
    while (served < CUSTOMERS) {
        if (arrival < departure) {
            ring[tail++ % RING] = arrival;
            if (tail - head == 1) {
                departure = arrival + random_exponential(&work);
            }
            arrival =
                ++arrived < CUSTOMERS ? arrival + random_exponential(&gaps) * (1 / load) : HUGE_VAL;
        } else {
            sum += departure - ring[head++ % RING];
            ++served;
            departure = head != tail ? departure + random_exponential(&work) : HUGE_VAL;
        }
    }
    return sum / CUSTOMERS;
}

/* A binary heap of (time, sequence, kind) by hand. */
struct plain_event {
    double time_s;
    uint64_t sequence;
    uint32_t kind;
};

struct plain_heap {
    struct plain_event *events;
    uint32_t size;
    uint64_t sequence;
};

static inline bool plain_before(const struct plain_event *a, const struct plain_event *b)
{
    return a->time_s < b->time_s || (a->time_s == b->time_s && a->sequence < b->sequence);
}

static inline void plain_push(struct plain_heap *h, double time_s, uint32_t kind)
{
    const struct plain_event e = {time_s, h->sequence++, kind};
    uint32_t i = h->size++;
    while (i > 0 && plain_before(&e, &h->events[(i - 1) / 2])) {
        h->events[i] = h->events[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    h->events[i] = e;
}

static inline struct plain_event plain_pop(struct plain_heap *h)
{
    const struct plain_event top = h->events[0], last = h->events[--h->size];
    uint32_t i = 0;
    for (uint32_t child = 1; child < h->size; child = 2 * i + 1) {
        child += child + 1 < h->size && plain_before(&h->events[child + 1], &h->events[child]);
        if (!plain_before(&h->events[child], &last)) {
            break;
        }
        h->events[i] = h->events[child];
        i = child;
    }
    h->events[i] = last;
    return top;
}

static double mm1_by_hand(uint64_t seed, double *ring)
{
    struct random_stream gaps = random_open(seed, 0, 0, 0), work = random_open(seed, 0, 0, 1);
    struct plain_event room[4];
    struct plain_heap h = {.events = room};
    uint32_t head = 0, tail = 0, arrived = 0;
    double sum = 0;
    plain_push(&h, random_exponential(&gaps) * (1 / load), ARRIVAL);
    while (h.size > 0) {
        const struct plain_event e = plain_pop(&h);
        if (e.kind == ARRIVAL) {
            ring[tail++ % RING] = e.time_s;
            if (tail - head == 1) {
                plain_push(&h, e.time_s + random_exponential(&work), DEPARTURE);
            }
            if (++arrived < CUSTOMERS) {
                plain_push(&h, e.time_s + random_exponential(&gaps) * (1 / load), ARRIVAL);
            }
        } else {
            sum += e.time_s - ring[head++ % RING];
            if (head != tail) {
                plain_push(&h, e.time_s + random_exponential(&work), DEPARTURE);
            }
        }
    }
    return sum / CUSTOMERS;
}

static double mm1_engine(uint64_t seed, double *ring)
{
    struct random_stream gaps = random_open(seed, 0, 0, 0), work = random_open(seed, 0, 0, 1);
    struct event_queue q;
    struct error err = {0};
    if (event_queue_init(&q, 2, &err) != STATUS_OK) {
        exit(1);
    }
    uint32_t head = 0, tail = 0, arrived = 0;
    double sum = 0;
    event_queue_schedule(&q, ARRIVAL, 0, random_exponential(&gaps) * (1 / load));
    for (uint32_t slot; (slot = event_queue_pop(&q)) != EVENT_NONE;) {
        const double now = q.now_s;
        if (slot == ARRIVAL) {
            ring[tail++ % RING] = now;
            if (tail - head == 1) {
                event_queue_schedule(&q, DEPARTURE, 0, now + random_exponential(&work));
            }
            if (++arrived < CUSTOMERS) {
                event_queue_schedule(&q, ARRIVAL, 0, now + random_exponential(&gaps) * (1 / load));
            }
        } else {
            sum += now - ring[head++ % RING];
            if (head != tail) {
                event_queue_schedule(&q, DEPARTURE, 0, now + random_exponential(&work));
            }
        }
    }
    event_queue_free(&q);
    return sum / CUSTOMERS;
}

struct replication {
    uint64_t seed;
    double mean, cpu_s;
};

static void *mm1_thread(void *given)
{
    struct replication *const r = given;
    double *const ring = malloc(RING * sizeof *ring);
    if (ring == NULL) {
        exit(1);
    }
    const double start = bench_cpu_s();
    r->mean = mm1_engine(r->seed, ring);
    r->cpu_s = bench_cpu_s() - start;
    free(ring);
    return NULL;
}

/* Two replications on two threads: wall time and the longer processor time. */
static void mm1_two(uint64_t seed, double *wall_s, double *cpu_s)
{
    struct replication r[2] = {{seed, 0, 0}, {seed + 1000, 0, 0}};
    pthread_t other;
    const double start = bench_wall_s();
    if (pthread_create(&other, NULL, mm1_thread, &r[1]) != 0) {
        exit(1);
    }
    mm1_thread(&r[0]);
    pthread_join(other, NULL);
    *wall_s = bench_wall_s() - start;
    *cpu_s = fmax(r[0].cpu_s, r[1].cpu_s);
}

static void bench_mm1(void)
{
    double *const ring = malloc(RING * sizeof *ring);
    double bare[BENCH_RUNS], hand[BENCH_RUNS], engine[BENCH_RUNS], two[BENCH_RUNS],
        two_cpu[BENCH_RUNS], one_wall[BENCH_RUNS], ratio[BENCH_RUNS], ratio_bare[BENCH_RUNS];
    if (ring == NULL) {
        exit(1);
    }
    const double events = 2e-6 * CUSTOMERS;
    for (size_t i = 0; i < BENCH_RUNS; ++i) {
        double start = bench_cpu_s();
        const double expected = mm1_bare(i, ring);
        bare[i] = events / (bench_cpu_s() - start);
        start = bench_cpu_s();
        check(mm1_by_hand(i, ring), expected, "M/M/1 by hand");
        hand[i] = events / (bench_cpu_s() - start);
        start = bench_cpu_s();
        const double wall = bench_wall_s();
        check(mm1_engine(i, ring), expected, "M/M/1 engine");
        engine[i] = events / (bench_cpu_s() - start);
        one_wall[i] = events / (bench_wall_s() - wall);
        double wall_s, cpu_s;
        mm1_two(i, &wall_s, &cpu_s);
        two[i] = 2 * events / wall_s / one_wall[i];
        two_cpu[i] = 2 * events / cpu_s / engine[i];
        ratio[i] = engine[i] / hand[i];
        ratio_bare[i] = engine[i] / bare[i];
    }
    printf("M/M/1, load %.1f, 2 events per customer           M events/s\n", load);
    printf("  engine, one thread                              %8.1f\n",
           bench_median(engine, BENCH_RUNS));
    printf("  loop with a heap, by hand                       %8.1f   engine/loop  %.2f\n",
           bench_median(hand, BENCH_RUNS), bench_median(ratio, BENCH_RUNS));
    printf("  two clocks in registers, no event set           %8.1f   engine/clocks %.2f\n",
           bench_median(bare, BENCH_RUNS), bench_median(ratio_bare, BENCH_RUNS));
    printf("  two threads over one: wall time x %.2f, processor time x %.2f\n",
           bench_median(two, BENCH_RUNS), bench_median(two_cpu, BENCH_RUNS));
    free(ring);
}

/* ---------------------------------------------------------------- hold */

static double increment(struct random_stream *r, bool bimodal)
{
    const double e = random_exponential(r);
    return bimodal ? e * (random_uniform(r) < 0.9 ? 0.01 : 10.0) : e;
}

static double hold_by_hand(uint32_t n, uint32_t holds, bool bimodal)
{
    struct random_stream r = random_open(7, n, bimodal, 0);
    struct plain_heap h = {.events = malloc((n + 1) * sizeof(struct plain_event))};
    double last = 0;
    if (h.events == NULL) {
        exit(1);
    }
    for (uint32_t i = 0; i < n; ++i) {
        plain_push(&h, increment(&r, bimodal), i);
    }
    for (uint32_t i = 0; i < holds; ++i) {
        const struct plain_event e = plain_pop(&h);
        last = e.time_s;
        plain_push(&h, e.time_s + increment(&r, bimodal), e.kind);
    }
    free(h.events);
    return last;
}

static double hold_engine(uint32_t n, uint32_t holds, bool bimodal, bool cancels)
{
    struct random_stream r = random_open(7, n, bimodal, 0), other = random_open(7, n, 2, 0);
    struct event_queue q;
    struct error err = {0};
    if (event_queue_init(&q, n, &err) != STATUS_OK) {
        exit(1);
    }
    for (uint32_t i = 0; i < n; ++i) {
        event_queue_schedule(&q, i, 0, increment(&r, bimodal));
    }
    for (uint32_t i = 0; i < holds; ++i) {
        const uint32_t slot = event_queue_pop(&q);
        event_queue_schedule(&q, slot, 0, q.now_s + increment(&r, bimodal));
        if (cancels && (random_bits(&other) & 1) != 0) { /* a time-out that did not happen */
            const uint32_t victim = (uint32_t)(random_bits(&other) % n);
            event_queue_cancel(&q, victim);
            event_queue_schedule(&q, victim, 0, q.now_s + increment(&other, bimodal));
        }
    }
    const double last = q.now_s;
    event_queue_free(&q);
    return last;
}

static void bench_hold(void)
{
    static const uint32_t pending[] = {10, 1000, 100000};
    printf("\nhold model                     M holds/s: engine  by hand  ratio  with cancels\n");
    for (int bimodal = 0; bimodal < 2; ++bimodal) {
        for (size_t k = 0; k < 3; ++k) {
            const uint32_t n = pending[k], holds = 1000000;
            double engine[BENCH_RUNS], hand[BENCH_RUNS], cancels[BENCH_RUNS], ratio[BENCH_RUNS];
            for (size_t i = 0; i < BENCH_RUNS; ++i) {
                double start = bench_cpu_s();
                const double expected = hold_by_hand(n, holds, bimodal != 0);
                hand[i] = 1e-6 * holds / (bench_cpu_s() - start);
                start = bench_cpu_s();
                check(hold_engine(n, holds, bimodal != 0, false), expected, "hold");
                engine[i] = 1e-6 * holds / (bench_cpu_s() - start);
                start = bench_cpu_s();
                hold_engine(n, holds, bimodal != 0, true);
                cancels[i] = 1e-6 * holds / (bench_cpu_s() - start);
                ratio[i] = engine[i] / hand[i];
            }
            printf("  %7u pending, %-11s            %8.1f %8.1f  %5.2f      %8.1f\n", n,
                   bimodal ? "bimodal" : "exponential", bench_median(engine, BENCH_RUNS),
                   bench_median(hand, BENCH_RUNS), bench_median(ratio, BENCH_RUNS),
                   bench_median(cancels, BENCH_RUNS));
        }
    }
}

/* ---------------------------------------------------------------- fluid */

static const double store_bytes_per_s = 1e9;

static double cap_of(uint32_t flow, uint32_t classes)
{
    return 25e6 * (1.0 + flow % classes) / (classes > 4 ? 4.0 : 1.0);
}

static double draw_size(struct random_stream *r)
{
    return 1e6 + 10e6 * random_exponential(r);
}

static double fluid_engine(uint32_t n, uint32_t classes, uint32_t completions)
{
    struct random_stream r = random_open(3, n, classes, 0);
    struct fluid f;
    struct error err = {0};
    if (fluid_init(&f, n, classes, store_bytes_per_s, &err) != STATUS_OK) {
        exit(1);
    }
    for (uint32_t i = 0; i < n; ++i) {
        fluid_start(&f, 0, i, draw_size(&r), cap_of(i, classes));
    }
    double now = 0;
    for (uint32_t done = 0; done < completions;) {
        now = fluid_next_s(&f);
        uint32_t flow;
        while (done < completions && (flow = fluid_end(&f, now)) != FLUID_NONE) {
            fluid_start(&f, now, flow, draw_size(&r), cap_of(flow, classes));
            ++done;
        }
    }
    fluid_free(&f);
    return now;
}

/* Every rate worked out anew, flow by flow, at every event. */
static double fluid_by_hand(uint32_t n, uint32_t classes, uint32_t completions)
{
    struct random_stream r = random_open(3, n, classes, 0);
    double *const left = malloc(2 * n * sizeof *left);
    uint32_t *const order = malloc(n * sizeof *order);
    if (left == NULL || order == NULL) {
        exit(1);
    }
    double *const rate = left + n, now = 0;
    uint32_t sorted = 0;
    for (uint32_t k = 0; k < classes; ++k) { /* by ascending cap */
        for (uint32_t i = k; i < n; i += classes) {
            order[sorted++] = i;
        }
    }
    for (uint32_t i = 0; i < n; ++i) {
        left[i] = draw_size(&r);
    }
    for (uint32_t done = 0; done < completions; ++done) {
        double rest = store_bytes_per_s, next = HUGE_VAL;
        uint32_t first = 0;
        for (uint32_t k = 0; k < n; ++k) {
            const uint32_t i = order[k];
            rate[i] = fmin(cap_of(i, classes), rest / (n - k));
            rest -= rate[i];
        }
        for (uint32_t i = 0; i < n; ++i) {
            const double after = left[i] / rate[i];
            first = after < next ? i : first;
            next = fmin(next, after);
        }
        for (uint32_t i = 0; i < n; ++i) {
            left[i] -= rate[i] * next;
        }
        now += next;
        left[first] = draw_size(&r);
    }
    free(left);
    free(order);
    return now;
}

static void bench_fluid(void)
{
    static const uint32_t flows[] = {10, 1000, 100000}, classes[] = {1, 4, 16};
    printf("\nfluid star                 M completions/s: engine  flow by flow\n");
    for (size_t k = 0; k < 3; ++k) {
        for (size_t c = 0; c < 3; ++c) {
            const uint32_t n = flows[k], completions = 400000;
            const uint32_t few = n > 1000                    ? 20
                                 : 2000000 / n > completions ? completions
                                                             : 2000000 / n;
            double engine[BENCH_RUNS], hand[BENCH_RUNS];
            for (size_t i = 0; i < BENCH_RUNS; ++i) {
                double start = bench_cpu_s();
                const double expected = fluid_by_hand(n, classes[c], few);
                hand[i] = 1e-6 * few / (bench_cpu_s() - start);
                check(fluid_engine(n, classes[c], few), expected, "fluid");
                start = bench_cpu_s();
                fluid_engine(n, classes[c], completions);
                engine[i] = 1e-6 * completions / (bench_cpu_s() - start);
            }
            printf("  %7u flows, %2u cap classes               %8.2f  %12.5f\n", n, classes[c],
                   bench_median(engine, BENCH_RUNS), bench_median(hand, BENCH_RUNS));
        }
    }
}

int main(void)
{
    bench_mm1();
    bench_hold();
    bench_fluid();
    return 0;
}
