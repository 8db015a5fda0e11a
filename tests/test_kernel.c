/* The meta-learning kernel against vectors of an independent automatic differentiation, against
 * finite differences, and fast against plain network. What uses it is in test_kernel_use.c. */
#include "tests/kernel_support.h"

#include <sys/stat.h>

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

/* ---------------------------------------------------------------- derivatives
 */

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

/* ---------------------------------------------------------------- broken references */

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
        cmocka_unit_test(broken_reference_folders_are_clear_errors),
        cmocka_unit_test(one_case_of_a_folder_can_be_checked_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
