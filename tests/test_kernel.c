/* The meta-learning kernel against vectors of an independent automatic
 * differentiation, against finite differences, and against itself: fast and
 * plain network, one thread and two. */
#include "calibration/calibration.h"
#include "tests/support.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

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

static bool has_quantity(const struct kernel_check *c, const char *name, const char *quantity)
{
    for (size_t i = 0; i < c->count; i++) {
        if (strstr(c->rows[i].name, name) && strcmp(c->rows[i].quantity, quantity) == 0) {
            return true;
        }
    }
    return false;
}

static void check_folder(const char *folder, enum kernel_path path)
{
    struct error err = {0};
    struct kernel_check found = {0};
    assert_ok(kernel_check(folder, path, &found, &err), &err);
    for (size_t i = 0; i < found.count; i++) {
        const struct kernel_check_row *r = &found.rows[i];
        if (!(r->error <= r->bound)) {
            print_error("%s %s %s: %.3g > %.3g\n", r->name, kernel_precision_name(r->precision),
                        r->quantity, r->error, r->bound);
        }
    }
    assert_int_equal(found.failures, 0);
    assert_true(has_quantity(&found, "maml", "grad_theta"));
    assert_true(has_quantity(&found, "maml", "hvp"));
    assert_true(has_quantity(&found, "alfa_fix", "grad_phi"));
    assert_true(has_quantity(&found, "outer", "theta_after"));
    kernel_check_free(&found);
}

static void plain_network_agrees_with_reference_vectors(void **state)
{
    (void)state;
    check_folder("tests/data/kernel", KERNEL_PATH_PLAIN);
}

static void fastest_network_agrees_with_reference_vectors(void **state)
{
    (void)state;
    check_folder("tests/data/kernel", KERNEL_PATH_BEST);
}

static void portable_network_agrees_with_reference_vectors(void **state)
{
    (void)state;
    check_folder("tests/data/kernel", KERNEL_PATH_PORTABLE);
}

/* ---------------------------------------------------------------- tasks to run
 */

enum { MOST_TASKS = 8 };

struct run {
    struct kernel_config config;
    struct kernel *k;
    struct kernel_episode episode[MOST_TASKS];
    struct kernel_outcome outcome[MOST_TASKS];
    float *x;
    int32_t *y;
    double *theta, *phi, *grad_theta, *grad_phi;
    size_t n_theta, n_phi;
};

/* A kernel with initial parameters and meta_batch synthetic tasks. */
static void run_open(struct run *r, const struct kernel_config *config, uint64_t seed)
{
    struct error err = {0};
    const size_t each = config->channels * config->size * config->size;
    const size_t s = config->ways * config->shots, q = config->ways * config->queries;
    *r = (struct run){.config = *config};
    assert_true(config->meta_batch <= MOST_TASKS);
    assert_ok(kernel_new(config, &r->k, &err), &err);
    r->x = calloc(config->meta_batch * (s + q) * each, sizeof *r->x);
    r->y = calloc(config->meta_batch * (s + q), sizeof *r->y);
    for (size_t i = 0; i < config->meta_batch; i++) {
        float *x = r->x + i * (s + q) * each;
        int32_t *y = r->y + i * (s + q);
        r->episode[i] = (struct kernel_episode){x, y, x + s * each, y + s};
        kernel_synthetic_episode(config, seed, i, x, y, x + s * each, y + s);
    }
    kernel_initialise(r->k, seed);
    r->n_theta = kernel_count(r->k, KERNEL_THETA);
    r->n_phi = kernel_count(r->k, KERNEL_PHI);
    r->theta = calloc(2 * (r->n_theta + r->n_phi) + 1, sizeof *r->theta);
    r->phi = r->theta + r->n_theta;
    r->grad_theta = r->phi + r->n_phi;
    r->grad_phi = r->grad_theta + r->n_theta;
    kernel_get(r->k, KERNEL_THETA, r->theta);
    kernel_get(r->k, KERNEL_PHI, r->phi);
}

static void run_close(struct run *r)
{
    kernel_delete(r->k);
    free(r->theta);
    free(r->x);
    free(r->y);
}

static void run_gradient(struct run *r)
{
    struct error err = {0};
    assert_ok(kernel_gradient(r->k, r->episode, r->config.meta_batch, r->grad_theta, r->grad_phi,
                              r->outcome, NULL, &err),
              &err);
}

/* Mean query loss at theta + t * direction_theta, phi + t * direction_phi. */
static double loss_at(struct run *r, const double *direction, double t)
{
    struct error err = {0};
    double *moved = calloc(r->n_theta + r->n_phi, sizeof *moved), loss = 0.0;
    for (size_t i = 0; i < r->n_theta + r->n_phi; i++) {
        moved[i] = r->theta[i] + t * direction[i];
    }
    kernel_set(r->k, KERNEL_THETA, moved);
    kernel_set(r->k, KERNEL_PHI, moved + r->n_theta);
    assert_ok(kernel_evaluate(r->k, r->episode, r->config.meta_batch, r->outcome, &err), &err);
    for (size_t i = 0; i < r->config.meta_batch; i++) {
        loss += r->outcome[i].query_loss / (double)r->config.meta_batch;
    }
    free(moved);
    return loss;
}

static uint64_t next(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *seed >> 33;
}

static double uniform(uint64_t *seed)
{
    return (double)next(seed) / (double)(UINT64_C(1) << 30) - 1.0;
}

static double relative_l2(const double *found, const double *expected, size_t n)
{
    double difference = 0.0, norm = 0.0;
    for (size_t i = 0; i < n; i++) {
        difference += (found[i] - expected[i]) * (found[i] - expected[i]);
        norm += expected[i] * expected[i];
    }
    return norm > 0.0 ? sqrt(difference / norm) : sqrt(difference);
}

/* ---------------------------------------------------------------- derivatives
 */

static const struct kernel_config small = {
    .algorithm = KERNEL_MAML,
    .precision = KERNEL_FLOAT64,
    .channels = 2,
    .size = 11,
    .hidden = 8,
    .layers = 3,
    .pool = true,
    .ways = 3,
    .shots = 2,
    .queries = 3,
    .steps = 2,
    .inner_rate = 0.11,
    .meta_batch = 2,
    .outer_rate = 0.003,
};

/* Directional derivative of the query loss against a central difference. ALFA
 * treats the gradient means fed to the generator as constants, so its own loss
 * is not what its gradient belongs to: it is compared with the reference
 * vectors only. */
static void assert_derivative(const struct kernel_config *config, uint64_t seed)
{
    struct run r;
    run_open(&r, config, seed);
    run_gradient(&r);
    double *direction = calloc(r.n_theta + r.n_phi, sizeof *direction), product = 0.0;
    uint64_t state = seed;
    for (size_t i = 0; i < r.n_theta + r.n_phi; i++) {
        direction[i] = uniform(&state);
        product += direction[i] * r.grad_theta[i];
    }
    const double h = 1e-6; /* two ReLU or pooling decisions in a million may flip:
                              a small step */
    const double slope = (loss_at(&r, direction, h) - loss_at(&r, direction, -h)) / (2.0 * h);
    if (!(fabs(slope - product) <= 2e-7 * fmax(fabs(product), 1.0))) {
        print_error("%s, seed %llu: gradient %.12g, difference quotient %.12g\n",
                    kernel_algorithm_name(config->algorithm), (unsigned long long)seed, product,
                    slope);
        fail();
    }
    free(direction);
    run_close(&r);
}

static void maml_gradient_is_the_derivative_of_the_query_loss(void **state)
{
    (void)state;
    struct kernel_config c = small;
    assert_derivative(&c, 11);
    c.freeze_bn = true;
    assert_derivative(&c, 12);
    c.pool = false;
    c.slope = 0.01;
    c.steps = 3;
    assert_derivative(&c, 13);
}

static void anil_gradient_is_the_derivative_of_the_query_loss(void **state)
{
    (void)state;
    struct kernel_config c = small;
    c.algorithm = KERNEL_ANIL;
    assert_derivative(&c, 21);
    c.joint = true;
    c.steps = 4;
    assert_derivative(&c, 22);
}

static void hessian_vector_product_is_the_derivative_of_the_support_gradient(void **state)
{
    (void)state;
    struct run r;
    struct error err = {0};
    struct kernel_config c = small;
    c.meta_batch = 1;
    run_open(&r, &c, 31);
    double *v = calloc(4 * r.n_theta, sizeof *v), *hv = v + r.n_theta;
    double *ahead = hv + r.n_theta, *behind = ahead + r.n_theta;
    uint64_t seed = 31;
    for (size_t i = 0; i < r.n_theta; i++) {
        v[i] = uniform(&seed);
    }
    assert_ok(kernel_hessian_vector(r.k, r.episode, v, hv, &err), &err);
    const double h = 1e-6;
    for (int side = -1; side <= 1; side += 2) {
        double *gradient = side > 0 ? ahead : behind;
        const struct kernel_trace trace = {.grad_support = gradient};
        for (size_t i = 0; i < r.n_theta; i++) {
            r.grad_theta[i] = r.theta[i] + side * h * v[i];
        }
        kernel_set(r.k, KERNEL_THETA, r.grad_theta);
        assert_ok(kernel_gradient(r.k, r.episode, 1, NULL, NULL, NULL, &trace, &err), &err);
    }
    for (size_t i = 0; i < r.n_theta; i++) {
        ahead[i] = (ahead[i] - behind[i]) / (2.0 * h);
    }
    assert_true(relative_l2(hv, ahead, r.n_theta) < 1e-7);
    free(v);
    run_close(&r);
}

/* ---------------------------------------------------------------- fast against
 * plain */

static struct kernel_config random_config(uint64_t *seed)
{
    const bool pool = next(seed) % 2;
    const size_t layers = 1 + next(seed) % 4;
    /* Two pixels per channel would make batch norm divide by its epsilon: start
     * at five. */
    const size_t least = pool && layers > 2 ? (size_t)1 << layers : 5;
    struct kernel_config c = {
        .algorithm = (enum kernel_algorithm)(next(seed) % 5),
        .channels = next(seed) % 3 ? 1 + next(seed) % 3 : 9 + next(seed) % 3,
        .size = least + next(seed) % 17,
        .hidden = 16 * (1 + next(seed) % 3),
        .layers = layers,
        .pool = pool,
        .slope = next(seed) % 2 ? 0.01 : 0.0,
        .ways = 2 + next(seed) % 4,
        .shots = 1 + next(seed) % 2,
        .queries = 1 + next(seed) % 3,
        .steps = 1 + next(seed) % 3,
        .inner_rate = 0.1,
        .freeze_bn = next(seed) % 2,
        .joint = next(seed) % 2,
        .first_order = next(seed) % 4 == 0,
        .fixed_theta = next(seed) % 2,
        .meta_batch = 1,
    };
    if (next(seed) % 6 == 0) {
        c.ways = 20;
        c.shots = 1;
        c.queries = 1;
    }
    return c;
}

static void assert_same_gradient(const struct kernel_config *config, enum kernel_path path,
                                 uint64_t seed, double bound)
{
    struct run fast, plain;
    struct kernel_config c = *config;
    c.path = path;
    run_open(&fast, &c, seed);
    c.path = KERNEL_PATH_PLAIN;
    run_open(&plain, &c, seed);
    run_gradient(&fast);
    run_gradient(&plain);
    const double error =
        relative_l2(fast.grad_theta, plain.grad_theta, plain.n_theta + plain.n_phi);
    if (!(error <= bound)) {
        print_error("seed %llu: %s %s, %zux%zux%zu, hidden %zu, layers %zu, pool "
                    "%d, %zu ways: "
                    "%.3g apart\n",
                    (unsigned long long)seed, kernel_path_name(path),
                    kernel_algorithm_name(c.algorithm), c.channels, c.size, c.size, c.hidden,
                    c.layers, c.pool, c.ways, error);
        fail();
    }
    run_close(&fast);
    run_close(&plain);
}

/* Does this CPU run the path? */
static bool path_runs(enum kernel_path path)
{
    struct kernel_config c = small;
    struct kernel_memory memory;
    struct error err = {0};
    c.hidden = 32;
    c.path = path;
    return kernel_memory_bytes(&c, &memory, &err) == STATUS_OK;
}

static void fast_networks_agree_with_the_plain_one_on_random_shapes(void **state)
{
    (void)state;
    uint64_t seed = 20;
    for (int path = KERNEL_PATH_PORTABLE; path <= KERNEL_PATH_AVX512; path++) {
        for (int i = 0; path_runs((enum kernel_path)path) && i < 24; i++) {
            const uint64_t own = seed;
            struct kernel_config c = random_config(&seed);
            c.precision = KERNEL_FLOAT64;
            assert_same_gradient(&c, (enum kernel_path)path, own, 1e-10);
        }
    }
}

static void float32_networks_agree_without_decisions_to_flip(void **state)
{
    (void)state;
    uint64_t seed = 7;
    for (int path = KERNEL_PATH_PORTABLE; path <= KERNEL_PATH_AVX512; path++) {
        for (int i = 0; path_runs((enum kernel_path)path) && i < 12; i++) {
            const uint64_t own = seed;
            struct kernel_config c = random_config(&seed);
            c.slope = 1.0; /* the activation is the identity */
            c.pool = false;
            assert_same_gradient(&c, (enum kernel_path)path, own, 5e-5);
        }
    }
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

static void broken_reference_folders_are_clear_errors(void **state)
{
    (void)state;
    const struct {
        const char *folder, *index, *message;
    } rows[] = {
        {"build/kernel_check_none", NULL, "cannot open"},
        {"build/kernel_check_1", "case a\n cfg hw 8\n", "the file ends inside case a"},
        {"build/kernel_check_2", "case a\n cfg widht 8\nend\n", "unknown configuration key"},
        {"build/kernel_check_3", "cfg hw 8\n", "outside a case"},
        {"build/kernel_check_4", "case a\n cfg algo mamml\n", "did you mean 'maml'"},
        {"build/kernel_check_5", "case a\n cfg hw eight\n", "expected a finite number"},
        {"build/kernel_check_6", "case a\n cfg algo maml\nend\n", "channels is 0"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct error err = {0};
        struct kernel_check found = {0};
        if (rows[i].index) {
            char path[256];
            snprintf(path, sizeof path, "%s/index.txt", rows[i].folder);
            mkdir("build", 0777);
            mkdir(rows[i].folder, 0777);
            assert_ok(file_write(path, rows[i].index, strlen(rows[i].index), &err), &err);
        }
        assert_true(kernel_check(rows[i].folder, KERNEL_PATH_BEST, &found, &err) != STATUS_OK);
        if (!strstr(err.message, rows[i].message)) {
            print_error("row %zu: %s\n", i, err.message);
            fail();
        }
        kernel_check_free(&found);
    }
}

static void one_case_of_a_folder_can_be_checked_alone(void **state)
{
    (void)state;
    struct error err = {0};
    struct kernel_check found = {0};
    assert_ok(
        kernel_check("tests/data/kernel/alfa_fix_1x8_w3k2_t2/", KERNEL_PATH_BEST, &found, &err),
        &err);
    assert_int_equal(found.failures, 0);
    assert_true(has_quantity(&found, "alfa_fix", "grad_phi"));
    assert_false(has_quantity(&found, "maml", "grad_theta"));
    kernel_check_free(&found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_network_agrees_with_reference_vectors),
        cmocka_unit_test(fastest_network_agrees_with_reference_vectors),
        cmocka_unit_test(portable_network_agrees_with_reference_vectors),
        cmocka_unit_test(maml_gradient_is_the_derivative_of_the_query_loss),
        cmocka_unit_test(anil_gradient_is_the_derivative_of_the_query_loss),
        cmocka_unit_test(hessian_vector_product_is_the_derivative_of_the_support_gradient),
        cmocka_unit_test(fast_networks_agree_with_the_plain_one_on_random_shapes),
        cmocka_unit_test(float32_networks_agree_without_decisions_to_flip),
        cmocka_unit_test(threads_do_not_change_a_bit),
        cmocka_unit_test(checkpoint_continues_the_same_curve),
        cmocka_unit_test(iterations_allocate_nothing),
        cmocka_unit_test(worker_memory_is_close_to_what_must_be_saved),
        cmocka_unit_test(training_lowers_the_query_loss),
        cmocka_unit_test(work_matches_the_published_table),
        cmocka_unit_test(bad_input_is_one_clear_error),
        cmocka_unit_test(broken_reference_folders_are_clear_errors),
        cmocka_unit_test(one_case_of_a_folder_can_be_checked_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
