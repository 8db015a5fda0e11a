/* Sizes and work of meta-learning tasks against the counts of the network's definition. Printed
 * numbers are rounded: the tolerance is half of their last digit. */
#include "tests/config_builder.h"

#include "model/model.h"

static double cell(const struct table *t, size_t row, const char *name)
{
    struct error err = {0};
    size_t column = 0;
    double value = (double)NAN;
    assert_ok(table_column(t, name, &column, &err), &err);
    assert_ok(table_number(t, row, column, &value, &err), &err);
    return value;
}

static struct table load(const char *path)
{
    struct error err = {0};
    struct table t;
    assert_ok(table_load(path, &t, &err), &err);
    assert_true(t.n_rows > 0);
    return t;
}

/* |actual - printed| within half a unit of the last printed decimal. */
static void assert_prints_as(double actual, const struct table *t, size_t row, const char *name,
                             double decimals)
{
    const double printed = cell(t, row, name);
    if (fabs(actual - printed) > 0.5 * pow(10, -decimals) + 1e-12) {
        print_error("row %zu, %s: %.9g, printed %.9g\n", row + 1, name, actual, printed);
        fail();
    }
}

static struct workload task(const struct table *t, size_t row)
{
    return (struct workload){.kind = WORK_META,
                             .algorithm = ALGORITHM_MAML,
                             .ways = 5,
                             .shots = 1,
                             .queries = 15,
                             .adaptation_steps = 5,
                             .meta_batch = 16,
                             .theta_fixed = true,
                             .image_channels = cell(t, row, "image_channels"),
                             .image_size = cell(t, row, "image_size"),
                             .blocks = 4,
                             .iterations = 1};
}

static void networks_have_the_counted_sizes(void **state)
{
    (void)state;
    struct table t = load("tests/data/model/network_sizes.csv");
    for (size_t i = 0; i < t.n_rows; i++) {
        struct workload w = task(&t, i);
        w.pooled = cell(&t, i, "pooled") > 0;
        w.hidden = cell(&t, i, "hidden");
        struct network_size n;
        network_measure(&w, &n);
        assert_true(n.features == cell(&t, i, "features"));
        assert_true(n.parameters == cell(&t, i, "parameters"));
        assert_true(n.inner_parameters == cell(&t, i, "inner_parameters"));
        assert_true(n.head_parameters == cell(&t, i, "head_parameters"));
        assert_prints_as(n.forward_flop / 1e6, &t, i, "forward_mflop", 3);
        assert_prints_as(n.first_forward_flop / 1e6, &t, i, "first_mflop", 3);
        /* Block by block, as the difference of networks of one block more. */
        double before = 0;
        for (int b = 1; b <= 4; b++) {
            struct network_size shallow;
            char column[32];
            w.blocks = b;
            network_measure(&w, &shallow);
            snprintf(column, sizeof column, "conv%d_mflop", b);
            assert_prints_as((shallow.forward_flop - before) / 1e6, &t, i, column, 3);
            before = shallow.forward_flop;
        }
    }
    table_free(&t);
}

static double gflop(struct workload w, enum algorithm algorithm, double steps, bool theta_fixed)
{
    w.algorithm = algorithm;
    w.adaptation_steps = steps;
    w.theta_fixed = theta_fixed;
    workload_derive(&w, 1);
    return w.unit_flop / 1e9;
}

static void tasks_take_the_counted_work(void **state)
{
    (void)state;
    struct table t = load("tests/data/model/task_gflop.csv");
    for (size_t i = 0; i < t.n_rows; i++) {
        struct workload w = task(&t, i);
        w.pooled = cell(&t, i, "pooled") > 0;
        w.hidden = cell(&t, i, "hidden");
        w.shots = cell(&t, i, "shots");
        assert_prints_as(gflop(w, ALGORITHM_MAML, 1, true), &t, i, "maml_1", 3);
        assert_prints_as(gflop(w, ALGORITHM_MAML, 5, true), &t, i, "maml_5", 3);
        assert_prints_as(gflop(w, ALGORITHM_FOMAML, 5, true), &t, i, "fomaml_5", 3);
        assert_prints_as(gflop(w, ALGORITHM_ANIL, 5, true), &t, i, "anil_5", 3);
        assert_prints_as(gflop(w, ALGORITHM_ALFA, 5, true), &t, i, "alfa_fixed_5", 3);
        assert_prints_as(gflop(w, ALGORITHM_EALFA, 5, true), &t, i, "ealfa_5", 3);
        /* Learned theta: ALFA needs every second-order product, as MAML does. */
        assert_prints_as(gflop(w, ALGORITHM_ALFA, 5, false), &t, i, "maml_5", 3);
        assert_prints_as(gflop(w, ALGORITHM_EALFA, 5, false), &t, i, "anil_5", 3);
    }
    table_free(&t);
}

static void tasks_have_the_size_of_their_images(void **state)
{
    (void)state;
    struct table t = load("tests/data/model/task_megabytes.csv");
    for (size_t i = 0; i < t.n_rows; i++) {
        struct workload w = task(&t, i);
        w.pooled = true;
        w.hidden = 32;
        w.shots = cell(&t, i, "shots");
        workload_derive(&w, 1);
        assert_prints_as(w.unit_bytes / 1e6, &t, i, "megabytes", cell(&t, i, "decimals"));
    }
    table_free(&t);
}

/* Any shape, any ways, shots, queries, steps. */
static struct workload random_task(struct dice *d)
{
    return (struct workload){.kind = WORK_META,
                             .ways = roll_whole(d, 2, 20),
                             .shots = roll_whole(d, 1, 10),
                             .queries = roll_whole(d, 1, 20),
                             .adaptation_steps = roll_whole(d, 1, 10),
                             .meta_batch = roll_whole(d, 1, 64),
                             .theta_fixed = roll(d, 0, 1) < 0.5,
                             .image_channels = roll_whole(d, 1, 4),
                             .image_size = roll_whole(d, 32, 128),
                             .hidden = roll_whole(d, 4, 128),
                             .blocks = roll_whole(d, 1, 5),
                             .pooled = roll(d, 0, 1) < 0.5,
                             .iterations = 1};
}

/* models, 4.6: kappa_ANIL <= kappa_MAML, kappa_eALFA <= kappa_ALFA; first order below second. */
static void cheaper_algorithms_are_never_dearer(void **state)
{
    (void)state;
    struct dice d = {20220601};
    for (int i = 0; i < 500; i++) {
        const uint64_t seed = d.state;
        const struct workload w = random_task(&d);
        const double steps = w.adaptation_steps;
        const double maml = gflop(w, ALGORITHM_MAML, steps, true);
        const double anil = gflop(w, ALGORITHM_ANIL, steps, true);
        const double first = gflop(w, ALGORITHM_FOMAML, steps, true);
        const double alfa = gflop(w, ALGORITHM_ALFA, steps, w.theta_fixed);
        const double ealfa = gflop(w, ALGORITHM_EALFA, steps, w.theta_fixed);
        if (!(anil <= first && first <= maml && ealfa <= alfa && alfa <= maml && ealfa > 0)) {
            print_error("seed %llu\n", (unsigned long long)seed);
            fail();
        }
        /* ANIL's work does not depend on the steps; MAML's grows with them. */
        assert_true(gflop(w, ALGORITHM_ANIL, steps + 1, true) == anil);
        assert_true(gflop(w, ALGORITHM_MAML, steps + 1, true) > maml);
    }
}

static void memory_grows_with_what_second_order_keeps(void **state)
{
    (void)state;
    struct dice d = {20220602};
    for (int i = 0; i < 500; i++) {
        const uint64_t seed = d.state;
        struct workload w = random_task(&d);
        w.memory_overhead_bytes = 3e8;
        double bytes[ALGORITHM_SGD];
        for (int a = 0; a < ALGORITHM_SGD; a++) {
            w.algorithm = (enum algorithm)a;
            workload_derive(&w, 1);
            bytes[a] = w.footprint_bytes;
        }
        if (!(bytes[ALGORITHM_FOMAML] <= bytes[ALGORITHM_MAML] &&
              bytes[ALGORITHM_EALFA] <= bytes[ALGORITHM_ALFA] &&
              bytes[ALGORITHM_FOMAML] > 3e8 + w.unit_bytes)) {
            print_error("seed %llu\n", (unsigned long long)seed);
            fail();
        }
        /* Another inner step keeps another pass over the support images. */
        w.algorithm = ALGORITHM_MAML;
        w.adaptation_steps++;
        workload_derive(&w, 1);
        const double step = w.ways * w.shots * w.network.activation_bytes;
        assert_close(w.footprint_bytes - bytes[ALGORITHM_MAML], step + 4 * w.parameters, 1e-9);
    }
}

static void exchange_is_what_the_outer_loop_updates(void **state)
{
    (void)state;
    struct config c = meta_config(4, 16, 1, 0, (struct plain_network){0.01, 1e8, 0});
    struct evaluator e = {0};
    (void)evaluated(&c, &e);
    const double m = 4 * c.workload.parameters;
    const double head = 4 * c.workload.network.head_parameters;
    assert_true(exchange_bytes(&c) == m);
    c.workload.algorithm = ALGORITHM_ANIL; /* all parameters are updated in the outer loop (M10) */
    (void)evaluated(&c, &e);
    assert_true(exchange_bytes(&c) == m);
    c.system.anil_literal = true;
    assert_true(exchange_bytes(&c) == head);
    c.workload.algorithm = ALGORITHM_ALFA; /* only g_phi when theta is fixed (M11) */
    (void)evaluated(&c, &e);
    const double generator = 4 * 840.0; /* 8 N^2 + 4 N, N = 10 */
    assert_true(exchange_bytes(&c) == generator);
    c.system.alfa_literal = true;
    assert_true(exchange_bytes(&c) == m);
    c.system.alfa_literal = false;
    c.workload.theta_fixed = false;
    (void)evaluated(&c, &e);
    assert_true(exchange_bytes(&c) == m + generator);
    c.workload.model_bytes = 0;
    assert_true(model_bytes(&c) == m + generator);
    c.workload.algorithm = ALGORITHM_EALFA; /* two tensors: 40 parameters */
    c.workload.theta_fixed = true;
    (void)evaluated(&c, &e);
    assert_true(exchange_bytes(&c) == 4 * 40.0);
    c.workload.exchange_bytes = 12345;
    assert_true(exchange_bytes(&c) == 12345);
    evaluator_free(&e);
}

static void sgd_work_follows_its_batch(void **state)
{
    (void)state;
    struct workload w = {.kind = WORK_SGD,
                         .algorithm = ALGORITHM_SGD,
                         .parameters = 11.2e6,
                         .flop_per_sample = 5.4e9,
                         .bytes_per_sample = 3072,
                         .samples = 50000,
                         .batch_size = 256,
                         .epochs = 3};
    workload_derive(&w, 8);
    assert_true(w.units_per_iteration == 256);
    assert_true(w.rounds == 586); /* ceil(3 * 50000 / 256) */
    w.batch_per_worker = true;
    workload_derive(&w, 8);
    assert_true(w.units_per_iteration == 2048);
    assert_true(w.rounds == 74);
    assert_true(w.unit_flop == 5.4e9 && w.unit_bytes == 3072);
    /* Naik, Table 6: E(w) = E1 w^-e, rounded up. */
    w.iterations = 45;
    w.iterations_exponent = -0.27;
    workload_derive(&w, 16);
    assert_true(w.rounds == ceil(45 * pow(16, -0.27)));
    w.iterations_exponent = 0;
    workload_derive(&w, 7);
    assert_true(w.rounds == 45);
}

/* Naik combines every k epochs: the rounds of the job are ceil(E(w) / k). */
static void epochs_are_gathered_into_rounds(void **state)
{
    (void)state;
    struct error err = {0};
    struct config c = plain_config("naik", 4, 1e6, (struct plain_network){0.01, 1e8, 0});
    c.workload.iterations = 44 * 20;
    assert_ok(config_finish(&c, &err), &err);
    assert_true(c.workload.rounds == 15); /* ceil(44 / 3) epochs of 20 mini-batches */
    set_option(&c, "combine_epochs", 1);
    assert_ok(config_finish(&c, &err), &err);
    assert_true(c.workload.rounds == 44);
    set_option(&c, "steps_per_epoch", 40);
    assert_ok(config_finish(&c, &err), &err);
    assert_true(c.workload.rounds == 22);
}

/* ---------------------------------------------------------------- platform terms */

static void memory_buys_vcpus_up_to_a_limit(void **state)
{
    (void)state;
    struct config c = plain_config("serial", 1, 1e6, (struct plain_network){0.01, 1e8, 0});
    struct error err = {0};
    c.compute.unit_override_s = 1.7;
    c.compute.serial_share = 0.3;
    assert_ok(config_finish(&c, &err), &err);
    assert_close(unit_seconds(&c), 1.7, 1e-15); /* one vCPU */
    c.platform.memory_mib = 1769 / 2.0;
    assert_close(unit_seconds(&c), 3.4, 1e-15); /* below one: a share of the time */
    c.compute.merge_s_per_byte = 3e-10;
    assert_close(merge_time(&c, 1e9).mean_s, 0.6, 1e-15); /* merging has no more of it */
    assert_close(merge_time_server(&c, 1e9).mean_s, 0.3, 1e-15);
    c.compute.serialise_s_per_byte = 5e-10;
    c.server.kind = PLATFORM_VM;
    c.server.vcpus = 4;
    assert_close(serialise_time(&c, HOST_WORKER, 1e9), 1.0, 1e-15); /* nor serialising */
    assert_close(serialise_time(&c, HOST_SERVER, 1e9), 0.5, 1e-15);
    assert_close(serialise_time(&c, HOST_CLIENT, 1e9), 0.5, 1e-15);
    c.platform.memory_mib = 3 * 1769;
    assert_close(serialise_time(&c, HOST_WORKER, 1e9), 0.5, 1e-15);
    assert_close(unit_seconds(&c), 1.7 * (0.3 + 0.7 / 3), 1e-15); /* a + b / v */
    assert_close(merge_time(&c, 1e9).mean_s, 0.3, 1e-15);         /* one thread adds */
    c.platform.memory_mib = 10240;
    assert_close(platform_vcpus(&c.platform), 10240 / 1769.0, 1e-15);
    c.platform.vcpu_max = 4;
    assert_close(unit_seconds(&c), 1.7 * (0.3 + 0.7 / 4), 1e-15);
    c.compute.threads_max = 2;
    assert_close(unit_seconds(&c), 1.7 * (0.3 + 0.7 / 2), 1e-15);
}

static void seconds_follow_from_flops_rate_and_ratios(void **state)
{
    (void)state;
    struct config c = meta_config(1, 16, 0, 1e6, (struct plain_network){0.01, 1e8, 0});
    struct error err = {0};
    c.compute.flop_per_s = 27e9;
    c.compute.framework_ratio = exactly(1.15);
    c.compute.vcpu_ratio = exactly(0.6);
    assert_ok(config_finish(&c, &err), &err);
    assert_close(unit_seconds(&c), c.workload.unit_flop / 27e9 * 1.15 / 0.6, 1e-14);
    c.compute.host_unit_s = 0.037; /* a measured task wins over the rate */
    assert_ok(config_finish(&c, &err), &err);
    assert_close(unit_seconds(&c), 0.037 * 1.15 / 0.6, 1e-14);
    c.compute.unit_override_s = 0.21; /* and a given one over both */
    assert_ok(config_finish(&c, &err), &err);
    assert_close(unit_seconds(&c), 0.21, 1e-14);
    c.compute.update_s = 0.05;
    assert_close(worker_compute(&c).mean_s, 16 * 0.21 + 0.05, 1e-14);
    c.workers = 5;
    assert_true(units_per_worker(&c) == 4); /* ceil(16 / 5), M15 */
    c.system.tasks_fractional = true;
    assert_close(units_per_worker(&c), 3.2, 1e-15);
}

static void links_grow_with_memory(void **state)
{
    (void)state;
    struct platform p = {.kind = PLATFORM_FUNCTION, .memory_mib = 512};
    assert_true(platform_nic(&p) == HUGE_VAL);
    p.nic_bytes_per_s = 75e6;
    assert_true(platform_nic(&p) == 75e6);
    p.nic_full_mib = 1024;
    assert_true(platform_nic(&p) == 37.5e6);
    p.memory_mib = 4096;
    assert_true(platform_nic(&p) == 75e6);
}

static void impossible_configurations_are_refused(void **state)
{
    (void)state;
    const struct plain_network n = {0.01, 1e8, 0};
    static const struct {
        const char *what;
        double workers, memory_mib, step_mib, concurrency, iterations, unit_s, m_bytes;
        enum status status;
        const char *path, *words;
    } rows[] = {
        {"half a worker", 2.5, 1769, 0, 0, 1, 1, 1e6, ERR_INPUT, "/platform/workers",
         "whole number"},
        {"no worker", 0, 1769, 0, 0, 1, 1, 1e6, ERR_INPUT, "/platform/workers", "whole number"},
        {"too much memory", 2, 20480, 0, 0, 1, 1, 1e6, ERR_INFEASIBLE, "/platform/memory_mib",
         "128 to 10240"},
        {"too little memory", 2, 64, 0, 0, 1, 1, 1e6, ERR_INFEASIBLE, "/platform/memory_mib",
         "128 to 10240"},
        {"no memory", 2, 0, 0, 0, 1, 1, 1e6, ERR_INPUT, "/platform", "memory_mib is missing"},
        {"between steps", 2, 1000, 64, 0, 1, 1, 1e6, ERR_INFEASIBLE, "/platform/memory_mib",
         "steps of 64"},
        {"concurrency", 12, 1769, 0, 10, 1, 1, 1e6, ERR_INFEASIBLE, "/platform/workers",
         "10 functions at once"},
        {"no iterations", 2, 1769, 0, 0, 0, 1, 1e6, ERR_INPUT, "/workload", "needs iterations"},
        {"no compute", 2, 1769, 0, 0, 1, 0, 1e6, ERR_INPUT, "/compute", "flop_per_sample"},
        {"no exchange", 2, 1769, 0, 0, 1, 1, 0, ERR_INPUT, "/workload", "exchange_bytes"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct error err = {0};
        struct config c = plain_config("lambdaml-allreduce", rows[i].workers, rows[i].m_bytes, n);
        c.platform.memory_min_mib = 128;
        c.platform.memory_mib = rows[i].memory_mib;
        c.platform.memory_step_mib = rows[i].step_mib;
        c.platform.concurrency_limit = rows[i].concurrency;
        c.workload.iterations = rows[i].iterations;
        c.compute.unit_override_s = rows[i].unit_s;
        if (config_finish(&c, &err) != rows[i].status || strcmp(err.path, rows[i].path) != 0 ||
            strstr(err.message, rows[i].words) == NULL) {
            print_error("%s: %d at %s: %s\n", rows[i].what, (int)err.code, err.path, err.message);
            fail();
        }
    }
}

static void memory_below_the_footprint_is_infeasible(void **state)
{
    (void)state;
    struct error err = {0};
    struct evaluator e = {0};
    struct tally t;
    struct config c = meta_config(4, 16, 1, 1e6, (struct plain_network){0.01, 1e8, 0});
    c.workload.memory_overhead_bytes = 2e9;
    assert_ok(config_finish(&c, &err), &err);
    assert_int_equal(evaluate(&c, &e, &t, &err), ERR_INFEASIBLE);
    assert_non_null(strstr(err.message, "memory"));
    evaluator_free(&e);
}

static void a_serial_baseline_has_one_worker(void **state)
{
    (void)state;
    struct error err = {0};
    struct config c = plain_config("serial", 16, 1e6, (struct plain_network){0.01, 1e8, 0});
    assert_ok(config_finish(&c, &err), &err);
    assert_true(c.workers == 1);
    assert_true(units_per_worker(&c) == c.workload.units_per_iteration);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(networks_have_the_counted_sizes),
        cmocka_unit_test(tasks_take_the_counted_work),
        cmocka_unit_test(tasks_have_the_size_of_their_images),
        cmocka_unit_test(cheaper_algorithms_are_never_dearer),
        cmocka_unit_test(memory_grows_with_what_second_order_keeps),
        cmocka_unit_test(exchange_is_what_the_outer_loop_updates),
        cmocka_unit_test(sgd_work_follows_its_batch),
        cmocka_unit_test(epochs_are_gathered_into_rounds),
        cmocka_unit_test(memory_buys_vcpus_up_to_a_limit),
        cmocka_unit_test(seconds_follow_from_flops_rate_and_ratios),
        cmocka_unit_test(links_grow_with_memory),
        cmocka_unit_test(impossible_configurations_are_refused),
        cmocka_unit_test(memory_below_the_footprint_is_infeasible),
        cmocka_unit_test(a_serial_baseline_has_one_worker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
