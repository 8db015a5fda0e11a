/* The meta-learning kernel in use: one thread and two, checkpoints, memory, learning, bad input. */
#include "tests/kernel_support.h"

#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__)
#include <malloc.h>
#endif

/* Bytes in use on the heap, where the C library can tell. */
static size_t heap_bytes(void)
{
#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__)
    const struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
#else
    return 0;
#endif
}

/* ---------------------------------------------------------------- threads and
 * memory */

static void threads_do_not_change_a_bit(void **state)
{
    (void)state;
    struct run one, two;
    struct error err = {0};
    struct kernel_config c = small;
    c.precision = KERNEL_FLOAT32;
    c.meta_batch = 7;
    run_open(&one, &c, 41);
    c.threads = 2;
    run_open(&two, &c, 41);
    for (int i = 0; i < 5; i++) {
        assert_ok(kernel_iterate(one.k, one.episode, one.outcome, &err), &err);
        assert_ok(kernel_iterate(two.k, two.episode, two.outcome, &err), &err);
    }
    kernel_get(one.k, KERNEL_THETA, one.theta);
    kernel_get(two.k, KERNEL_THETA, two.theta);
    assert_memory_equal(one.theta, two.theta, one.n_theta * sizeof(double));
    assert_memory_equal(one.outcome, two.outcome, sizeof one.outcome);
    run_close(&one);
    run_close(&two);
}

static void checkpoint_continues_the_same_curve(void **state)
{
    (void)state;
    struct run whole, half, rest;
    struct error err = {0};
    struct kernel_config c = small;
    c.algorithm = KERNEL_ALFA;
    c.precision = KERNEL_FLOAT32;
    run_open(&whole, &c, 51);
    run_open(&half, &c, 51);
    run_open(&rest, &c, 52);
    memcpy(rest.x, half.x,
           c.meta_batch * c.ways * (c.shots + c.queries) * c.channels * c.size * c.size *
               sizeof *half.x);
    for (int i = 0; i < 4; i++) {
        assert_ok(kernel_iterate(whole.k, whole.episode, NULL, &err), &err);
        if (i == 2) {
            for (int v = 0; v < KERNEL_VECTORS; v++) {
                double *vector = calloc(whole.n_theta + whole.n_phi, sizeof *vector);
                kernel_get(half.k, (enum kernel_vector)v, vector);
                kernel_set(rest.k, (enum kernel_vector)v, vector);
                free(vector);
            }
            kernel_set_adam_steps(rest.k, kernel_adam_steps(half.k));
        }
        struct run *second = i < 2 ? &half : &rest;
        assert_ok(kernel_iterate(second->k, second->episode, NULL, &err), &err);
    }
    kernel_get(whole.k, KERNEL_PHI, whole.phi);
    kernel_get(rest.k, KERNEL_PHI, rest.phi);
    assert_memory_equal(whole.phi, rest.phi, whole.n_phi * sizeof(double));
    run_close(&whole);
    run_close(&half);
    run_close(&rest);
}

static void iterations_allocate_nothing(void **state)
{
    (void)state;
    struct run r;
    struct error err = {0};
    struct kernel_config c = small;
    c.precision = KERNEL_FLOAT32;
    c.threads = 2;
    run_open(&r, &c, 61);
    assert_ok(kernel_iterate(r.k, r.episode, r.outcome, &err), &err);
    const size_t before = heap_bytes();
    for (int i = 0; i < 50; i++) {
        assert_ok(kernel_iterate(r.k, r.episode, r.outcome, &err), &err);
    }
    assert_int_equal(heap_bytes(), before);
    run_close(&r);
}

static void worker_memory_is_close_to_what_must_be_saved(void **state)
{
    (void)state;
    const struct {
        size_t channels, size;
        bool pool;
    } sets[] = {{1, 28, false}, {3, 32, true}, {3, 84, true}};
    enum { CHOICES = 2 * 2 * 3 }; /* channels of a block, shots, steps */
    for (size_t i = 0; i < CHOICES * sizeof sets / sizeof *sets; i++) {
        for (int algorithm = KERNEL_MAML; algorithm <= KERNEL_EALFA; algorithm++) {
            struct kernel_config c = small;
            struct kernel_memory memory;
            struct error err = {0};
            c.algorithm = (enum kernel_algorithm)algorithm;
            c.precision = KERNEL_FLOAT32;
            c.channels = sets[i / CHOICES].channels;
            c.size = sets[i / CHOICES].size;
            c.pool = sets[i / CHOICES].pool;
            c.hidden = i % 2 == 0 ? 32 : 64;
            c.shots = i / 2 % 2 == 0 ? 1 : 5;
            c.steps = 1 + 2 * (i / 4 % 3);
            c.layers = 4;
            c.ways = 5;
            c.queries = 15;
            assert_ok(kernel_memory_bytes(&c, &memory, &err), &err);
            const double ratio = (double)memory.worker_bytes / (double)memory.saved_bytes;
            if (ratio > 1.3) {
                print_error("%s, %zu pixels, hidden %zu, %zu-shot, %zu steps: %.2f times\n",
                            kernel_algorithm_name(c.algorithm), c.size, c.hidden, c.shots, c.steps,
                            ratio);
            }
            assert_true(ratio <= 1.3);
        }
    }
}

/* ---------------------------------------------------------------- learning and
 * work */

static void training_lowers_the_query_loss(void **state)
{
    (void)state;
    for (int algorithm = KERNEL_MAML; algorithm <= KERNEL_EALFA; algorithm++) {
        struct run r;
        struct error err = {0};
        struct kernel_config c = small;
        c.algorithm = (enum kernel_algorithm)algorithm;
        c.precision = KERNEL_FLOAT32;
        run_open(&r, &c, 71);
        double first = 0.0, last = 0.0;
        for (int i = 0; i < 40; i++) {
            assert_ok(kernel_iterate(r.k, r.episode, r.outcome, &err), &err);
            last = r.outcome[0].query_loss + r.outcome[1].query_loss;
            first = i == 0 ? last : first;
        }
        assert_true(last < 0.9 * first);
        run_close(&r);
    }
}

static void work_matches_the_published_table(void **state)
{
    (void)state;
    /* SPEC section 6: GFLOP per task, 5-way, 15 queries, three digits */
    const struct {
        enum kernel_algorithm algorithm;
        size_t channels, size, hidden, shots, steps;
        bool pool, fixed;
        double gflop;
    } rows[] = {
        {KERNEL_MAML, 1, 28, 32, 1, 1, false, false, 0.363},
        {KERNEL_MAML, 3, 84, 64, 5, 5, true, false, 245.274},
        {KERNEL_FOMAML, 3, 32, 64, 5, 5, true, false, 16.279},
        {KERNEL_ANIL, 3, 84, 32, 1, 5, true, false, 12.147},
        {KERNEL_ALFA, 3, 32, 32, 5, 5, true, true, 8.493},
        {KERNEL_EALFA, 1, 28, 64, 5, 5, false, false, 0.531},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct kernel_config c = small;
        c.algorithm = rows[i].algorithm;
        c.channels = rows[i].channels;
        c.size = rows[i].size;
        c.hidden = rows[i].hidden;
        c.shots = rows[i].shots;
        c.steps = rows[i].steps;
        c.pool = rows[i].pool;
        c.fixed_theta = rows[i].fixed;
        c.layers = 4;
        c.ways = 5;
        c.queries = 15;
        assert_true(fabs(kernel_flop(&c) * 1e-9 - rows[i].gflop) <= 0.00051);
    }
}

/* ---------------------------------------------------------------- bad input */

static void bad_input_is_one_clear_error(void **state)
{
    (void)state;
    struct run r;
    struct error err = {0};
    struct kernel *none = NULL;
    struct kernel_config c = small;
    c.size = 7;
    assert_int_equal(kernel_new(&c, &none, &err), ERR_INPUT);
    assert_non_null(strstr(err.message, "at least 8 pixels, found 7"));
    err = (struct error){0};
    c = small;
    c.steps = 0;
    assert_int_equal(kernel_new(&c, &none, &err), ERR_INPUT);
    assert_non_null(strstr(err.message, "steps is 0"));
    err = (struct error){0};
    c = small;
    c.hidden = 7;
    c.path = KERNEL_PATH_PORTABLE;
    assert_int_equal(kernel_new(&c, &none, &err), ERR_INPUT);
    assert_non_null(strstr(err.message, "multiple of 2"));
    run_open(&r, &small, 81);
    r.x[5] = NAN;
    err = (struct error){0};
    assert_int_equal(kernel_iterate(r.k, r.episode, NULL, &err), ERR_INPUT);
    assert_non_null(strstr(err.message, "task 0, support image 0"));
    r.x[5] = 0.0f;
    r.y[3] = 3;
    err = (struct error){0};
    assert_int_equal(kernel_iterate(r.k, r.episode, NULL, &err), ERR_INPUT);
    assert_non_null(strstr(err.message, "label 3, expected 0 to 2"));
    run_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_do_not_change_a_bit),
        cmocka_unit_test(checkpoint_continues_the_same_curve),
        cmocka_unit_test(iterations_allocate_nothing),
        cmocka_unit_test(worker_memory_is_close_to_what_must_be_saved),
        cmocka_unit_test(training_lowers_the_query_loss),
        cmocka_unit_test(work_matches_the_published_table),
        cmocka_unit_test(bad_input_is_one_clear_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
