/* The event queue: order, refusals, and a fuzz against a plain sorted array. */
#include "tests/support.h"

#include <stdlib.h>

#include "sim/event_queue.h"
#include "sim/random.h"

static void open_queue(struct event_queue *q, size_t capacity)
{
    struct error err = {0};
    assert_ok(event_queue_init(q, capacity, &err), &err);
}

static void equal_times_run_by_class_then_in_order_of_scheduling(void **state)
{
    (void)state;
    struct event_queue q;
    open_queue(&q, 7);
    static const struct {
        uint32_t slot;
        unsigned class;
        double time_s;
    } given[] = {{3, 1, 2.5}, {0, 1, 2.5}, {6, 0, 2.5}, {1, 7, 1.25}, {5, 0, 2.5}, {2, 0, 9.0}};
    static const uint32_t expected[] = {1, 6, 5, 3, 0, 2};
    for (size_t i = 0; i < 6; ++i) {
        assert_true(event_queue_schedule(&q, given[i].slot, given[i].class, given[i].time_s));
    }
    for (size_t i = 0; i < 6; ++i) {
        assert_int_equal(event_queue_pop(&q), expected[i]);
    }
    assert_int_equal(event_queue_pop(&q), EVENT_NONE);
    assert_true(q.now_s == 9.0);
    event_queue_free(&q);
}

static void the_past_and_what_is_no_time_are_refused(void **state)
{
    (void)state;
    struct event_queue q;
    open_queue(&q, 3);
    assert_true(event_queue_schedule(&q, 0, 0, -0.0));
    assert_int_equal(event_queue_pop(&q), 0);
    assert_true(event_queue_schedule(&q, 0, 0, 4.0));
    assert_int_equal(event_queue_pop(&q), 0);
    assert_true(event_queue_schedule(&q, 1, 0, 5.0));
    const double bad[] = {3.999999, -1.0, NAN, -NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
        assert_false(event_queue_schedule(&q, 2, 0, bad[i]));
        assert_false(event_queue_schedule(&q, 1, 0, bad[i]));
    }
    assert_false(event_queue_pending(&q, 2));
    assert_true(event_queue_due_s(&q, 1) == 5.0);
    assert_true(event_queue_schedule(&q, 2, 0, 4.0)); /* now is not the past */
    assert_int_equal(event_queue_pop(&q), 2);
    assert_int_equal(event_queue_pop(&q), 1);
    event_queue_free(&q);
}

static void an_exhausted_sequence_is_refused_not_wrapped(void **state)
{
    (void)state;
    struct event_queue q;
    open_queue(&q, 2);
    q.sequence = (UINT64_C(1) << EVENT_SEQUENCE_BITS) - 1;
    assert_true(event_queue_schedule(&q, 0, 7, 1.0));
    assert_false(event_queue_schedule(&q, 1, 0, 1.0));
    event_queue_free(&q);
}

static void more_slots_than_supported_is_an_error(void **state)
{
    (void)state;
    struct event_queue q;
    struct error err = {0};
    assert_int_equal(event_queue_init(&q, KEY_IDS_MAX + (size_t)1, &err), ERR_INPUT);
    event_queue_free(&q);
}

/* ---------------------------------------------------------------- fuzz */

enum { FUZZ_SLOTS = 97, FUZZ_STEPS = 40000 };

struct plain_event {
    double time_s;
    unsigned class;
    uint64_t sequence;
    uint32_t slot;
};

static int plain_order(const void *pa, const void *pb)
{
    const struct plain_event *a = pa, *b = pb;
    if (a->time_s != b->time_s) {
        return a->time_s < b->time_s ? -1 : 1;
    }
    if (a->class != b->class) {
        return a->class < b->class ? -1 : 1;
    }
    return a->sequence < b->sequence ? -1 : a->sequence > b->sequence;
}

struct plain_queue {
    struct plain_event events[FUZZ_SLOTS];
    size_t size;
    uint64_t sequence;
};

static size_t plain_find(const struct plain_queue *p, uint32_t slot)
{
    size_t i = 0;
    while (i < p->size && p->events[i].slot != slot) {
        ++i;
    }
    return i;
}

static bool plain_remove(struct plain_queue *p, uint32_t slot)
{
    const size_t i = plain_find(p, slot);
    if (i == p->size) {
        return false;
    }
    p->events[i] = p->events[--p->size];
    return true;
}

static void plain_schedule(struct plain_queue *p, uint32_t slot, unsigned class, double time_s)
{
    plain_remove(p, slot);
    p->events[p->size++] = (struct plain_event){time_s, class, p->sequence++, slot};
}

enum increments { UNIFORM, EXPONENTIAL, BIMODAL, ALL_EQUAL, DECREASING, INCREMENT_LAWS };

static double draw_increment(enum increments law, struct random_stream *r, size_t step)
{
    switch (law) {
    case UNIFORM:
        return random_uniform(r);
    case EXPONENTIAL:
        return random_exponential(r);
    case BIMODAL:
        return random_exponential(r) * (random_uniform(r) < 0.9 ? 0.01 : 10.0);
    case ALL_EQUAL:
        return (double)(random_bits(r) % 3);
    case DECREASING:
    default:
        return 1e6 / (1.0 + (double)step);
    }
}

static void any_mix_of_operations_agrees_with_a_sorted_array(void **state)
{
    (void)state;
    for (unsigned law = 0; law < INCREMENT_LAWS; ++law) {
        struct random_stream r = random_open(20240611, 0, law, 0);
        struct event_queue q;
        open_queue(&q, FUZZ_SLOTS);
        struct plain_queue p = {.size = 0};
        for (size_t step = 0; step < FUZZ_STEPS; ++step) {
            const uint32_t slot = (uint32_t)(random_bits(&r) % FUZZ_SLOTS);
            const unsigned class = (unsigned)(random_bits(&r) % EVENT_CLASSES);
            const double choice = random_uniform(&r);
            if (choice < 0.15) {
                assert_int_equal(event_queue_cancel(&q, slot), plain_remove(&p, slot));
            } else if (choice < 0.6) { /* schedules, or moves a pending one */
                const double time_s = q.now_s + draw_increment((enum increments)law, &r, step);
                assert_true(event_queue_schedule(&q, slot, class, time_s));
                plain_schedule(&p, slot, class, time_s);
            } else {
                qsort(p.events, p.size, sizeof *p.events, plain_order);
                const uint32_t got = event_queue_pop(&q);
                if (got != (p.size > 0 ? p.events[0].slot : EVENT_NONE)) {
                    print_error("law %u, seed 20240611, step %zu\n", law, step);
                    fail();
                }
                if (p.size > 0) {
                    assert_true(q.now_s == p.events[0].time_s);
                    plain_remove(&p, got);
                }
            }
            if (step % 7 == 0) {
                qsort(p.events, p.size, sizeof *p.events, plain_order);
                assert_true(event_queue_next_s(&q) == (p.size > 0 ? p.events[0].time_s : HUGE_VAL));
            }
            assert_int_equal(event_queue_pending(&q, slot), plain_find(&p, slot) < p.size);
        }
        event_queue_free(&q);
    }
}

static void a_reset_queue_repeats_itself(void **state)
{
    (void)state;
    struct event_queue q;
    open_queue(&q, 5);
    uint32_t seen[2][12];
    for (int round = 0; round < 2; ++round) {
        struct random_stream r = random_open(5, 0, 0, 0);
        for (uint32_t i = 0; i < 5; ++i) {
            assert_true(event_queue_schedule(&q, i, 0, random_exponential(&r)));
        }
        for (size_t i = 0; i < 12; ++i) {
            seen[round][i] = event_queue_pop(&q);
            event_queue_schedule(&q, seen[round][i], 0, q.now_s + random_exponential(&r));
        }
        assert_int_equal(q.executed, 12);
        event_queue_reset(&q);
    }
    assert_memory_equal(seen[0], seen[1], sizeof seen[0]);
    event_queue_free(&q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_times_run_by_class_then_in_order_of_scheduling),
        cmocka_unit_test(the_past_and_what_is_no_time_are_refused),
        cmocka_unit_test(an_exhausted_sequence_is_refused_not_wrapped),
        cmocka_unit_test(more_slots_than_supported_is_an_error),
        cmocka_unit_test(any_mix_of_operations_agrees_with_a_sorted_array),
        cmocka_unit_test(a_reset_queue_repeats_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
