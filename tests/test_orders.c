/* Which of two systems or settings is faster, and where that changes (models.md, sections 4.6 and
 * 11): properties of the closed form on random configurations. */
#include "tests/config_builder.h"

/* ---------------------------------------------------------------- between systems */

static double exchange_seconds(const char *system, int variant, const char *option, double value,
                               const struct config *like, struct evaluator *e)
{
    struct config c = *like;
    c.system.protocol = protocol_find(system);
    memset(c.system.option, 0, sizeof c.system.option);
    if (variant >= 0) {
        set_option(&c, "variant", variant);
    }
    if (option != NULL) {
        set_option(&c, option, value);
    }
    return evaluated(&c, e).iteration_s;
}

static void protocols_cross_where_they_should(void **state)
{
    (void)state;
    struct evaluator e = {0};
    struct dice d = {108};
    for (int k = 0; k < 300; k++) {
        const uint64_t seed = d.state;
        const double w = roll_whole(&d, 3, 64);
        const double m = roll_log(&d, 1e4, 3e8);
        const double link = roll_log(&d, 1e6, 1e9);
        const double store = roll(&d, 0, 1) < 0.5 ? 0 : roll_log(&d, 1e6, 1e10);
        struct config c = plain_config("metafaas", w, m, (struct plain_network){0, link, store});
        const double scatter = exchange_seconds("lambdaml-scatterreduce", 0, NULL, 0, &c, &e);
        const double merge = exchange_seconds("metafaas", 1, NULL, 0, &c, &e);
        if (scatter > merge * (1 + 1e-12)) {
            fail_at("bandwidth only: ScatterReduce is never slower", &c, seed);
        }
        struct config quick = plain_config("metafaas", w, NEGLIGIBLE,
                                           (struct plain_network){roll_log(&d, 1e-4, 1), link, 0});
        if (exchange_seconds("metafaas", 1, NULL, 0, &quick, &e) >=
            exchange_seconds("lambdaml-scatterreduce", 0, NULL, 0, &quick, &e)) {
            fail_at("latency only: merge by one is faster", &c, seed);
        }
        /* (w + 2)(L + m/B) = (3w - 2)(L + m/(wB)) has a root in m between the two. */
        const double L = roll_log(&d, 1e-4, 1);
        const double crossover = (2 * w - 4) * L * link / (w + 2 - (3 - 2 / w));
        struct config at =
            plain_config("metafaas", w, crossover, (struct plain_network){L, link, 0});
        at.platform.memory_mib = 1e7; /* the objects may be large */
        at.platform.memory_max_mib = 0;
        assert_close(exchange_seconds("metafaas", 1, NULL, 0, &at, &e),
                     exchange_seconds("lambdaml-scatterreduce", 0, NULL, 0, &at, &e), 1e-9);
    }
    evaluator_free(&e);
}

static void equal_protocols_take_equal_time(void **state)
{
    (void)state;
    struct evaluator e = {0};
    struct dice d = {109};
    for (int k = 0; k < 300; k++) {
        const double w = roll_whole(&d, 2, 64);
        struct config c = plain_config(
            "metafaas", w, roll_log(&d, 1e4, 3e8),
            (struct plain_network){roll_log(&d, 1e-4, 1), roll_log(&d, 1e6, 1e9),
                                   roll(&d, 0, 1) < 0.5 ? 0 : roll_log(&d, 1e6, 1e10)});
        c.compute.merge_s_per_byte = roll_log(&d, 1e-11, 1e-8);
        /* SMLT that skips its own shard is ScatterReduce. */
        assert_close(exchange_seconds("smlt", 0, "skip_own", 1, &c, &e),
                     exchange_seconds("lambdaml-scatterreduce", 0, NULL, 0, &c, &e), 1e-12);
        /* LambdaML's AllReduce is the flat merge, and so is a tree of one level; where the store
         * sets the pace, the tree's root reads its own result with the others: one object more. */
        const double flat = exchange_seconds("metafaas", 0, NULL, 0, &c, &e);
        assert_close(exchange_seconds("lambdaml-allreduce", -1, NULL, 0, &c, &e), flat, 1e-12);
        const double tree = exchange_seconds("feng-tree", -1, NULL, 0, &c, &e);
        const double store = c.stores[STORE_EXCHANGE].aggregate_get_bytes_per_s;
        const double object_s = store > 0 ? c.workload.exchange_bytes / store : 0;
        assert_true(tree >= flat * (1 - 1e-12) && tree <= (flat + object_s) * (1 + 1e-12));
    }
    evaluator_free(&e);
}

/* MLLess with significance 0 sends everything: as plain BSP over the same stores. */
static void significance_of_nothing_is_plain_bsp(void **state)
{
    (void)state;
    struct evaluator e = {0};
    struct dice d = {110};
    for (int k = 0; k < 100; k++) {
        const double w = roll_whole(&d, 2, 64);
        const double m = roll_log(&d, 1e4, 1e9);
        const struct plain_network n = {roll_log(&d, 1e-4, 1), roll_log(&d, 1e6, 1e9), 0};
        struct config all = plain_config("mlless", w, m, n);
        struct config told = all;
        set_option(&told, "byte_share", 1);
        set_option(&told, "significant_workers", w);
        const double seconds = evaluated(&all, &e).iteration_s;
        assert_true(evaluated(&told, &e).iteration_s == seconds);
        /* BSP: write, then read the others': the messages are free here. */
        assert_close(seconds, w * (n.latency_s + m / n.link_bytes_per_s), 1e-12);
        set_option(&told, "byte_share", roll(&d, 0.01, 0.99));
        assert_true(evaluated(&told, &e).iteration_s < seconds);
    }
    evaluator_free(&e);
}

/* Swapping the ratios of two levels moves work between levels, not time. */
static void trees_do_not_care_about_the_order_of_their_ratios(void **state)
{
    (void)state;
    struct evaluator e = {0};
    struct dice d = {111};
    for (int k = 0; k < 200; k++) {
        const double ratios[3] = {roll_whole(&d, 1, 6), roll_whole(&d, 1, 6), roll_whole(&d, 1, 6)};
        const double w = ratios[0] * ratios[1] * ratios[2];
        const struct plain_network n = {roll_log(&d, 1e-4, 1), roll_log(&d, 1e6, 1e9), 0};
        struct config c = plain_config("feng-tree", w, roll_log(&d, 1e4, 1e8), n);
        c.compute.merge_s_per_byte = roll_log(&d, 1e-11, 1e-8);
        static const int orders[3][3] = {{0, 1, 2}, {2, 0, 1}, {1, 2, 0}};
        double first = 0;
        for (int o = 0; o < 3; o++) {
            const double a = ratios[orders[o][0]];
            const double b = a * ratios[orders[o][1]];
            set_structure(&c, (const double[]){1, a, b, w}, 4);
            const double seconds = evaluated(&c, &e).iteration_s;
            first = o == 0 ? seconds : first;
            assert_close(seconds, first, 1e-12);
        }
    }
    evaluator_free(&e);
}

/* ---------------------------------------------------------------- MetaFaaS (models, 4.6) */

static struct config random_meta(double w, struct dice *d)
{
    struct config c =
        meta_config(w, roll_whole(d, 2, 48), roll_log(d, 1e-3, 10), roll_log(d, 1e4, 1e8),
                    (struct plain_network){roll_log(d, 1e-4, 0.3), roll_log(d, 1e6, 1e9), 0});
    c.system.option[0] = roll(d, 0, 1) < 0.5;
    c.workload.iterations = roll_whole(d, 1, 500);
    c.workload.model_bytes = roll_log(d, 1e4, 1e8);
    c.platform.start_s = exactly(roll(d, 0, 3));
    c.compute.update_s = roll(d, 0, 0.1);
    c.compute.constant_s = roll(d, 0, 10);
    return c;
}

static double seconds_at(struct config c, double w, struct evaluator *e)
{
    set_workers(&c, w);
    return evaluated(&c, e).time_s;
}

static void one_worker_takes_what_the_formula_says(void **state)
{
    (void)state;
    struct evaluator e = {0};
    struct dice d = {112};
    for (int k = 0; k < 200; k++) {
        struct config c = random_meta(1, &d);
        const struct tally t = evaluated(&c, &e);
        const struct store *s = &c.stores[STORE_EXCHANGE];
        const double save =
            s->put_latency_s.mean + c.workload.model_bytes / s->connection_bytes_per_s;
        const double task = c.compute.unit_override_s * c.workload.meta_batch;
        const double expected = c.platform.start_s.mean + 2 * save +
                                c.workload.iterations * (task + c.compute.update_s) +
                                c.compute.constant_s;
        assert_close(t.time_s, expected, 1e-12);
        assert_true(t.category_s[CATEGORY_EXCHANGE] == 0);
    }
    evaluator_free(&e);
}

static void compute_falls_and_exchange_rises_with_workers(void **state)
{
    (void)state;
    struct evaluator e = {0};
    struct dice d = {113};
    for (int k = 0; k < 100; k++) {
        const uint64_t seed = d.state;
        struct config c = random_meta(1, &d);
        const double mbs = c.workload.meta_batch;
        double compute_before = HUGE_VAL;
        double exchange_before = 0;
        for (double w = 1; w <= 2 * mbs; w++) {
            set_workers(&c, w);
            const struct tally t = evaluated(&c, &e);
            const double compute = worker_compute(&c).mean_s;
            const double exchange = t.iteration_s - compute;
            const bool flat = w > mbs;
            if (compute > compute_before || (flat && compute != compute_before) ||
                (w > 1 && exchange <= exchange_before * (1 + 1e-12))) {
                fail_at("compute or exchange", &c, seed);
            }
            compute_before = compute;
            exchange_before = w > 1 ? exchange : 0;
        }
    }
    evaluator_free(&e);
}

/* Against the same platform: at most min(w, MBS), reached at divisors when L = m = 0. */
static void speed_up_is_bounded_by_workers_and_tasks(void **state)
{
    (void)state;
    struct evaluator e = {0};
    struct dice d = {114};
    for (int k = 0; k < 100; k++) {
        const uint64_t seed = d.state;
        struct config c = random_meta(1, &d);
        const double mbs = c.workload.meta_batch;
        const double serial_s = seconds_at(c, 1, &e);
        for (double w = 1; w <= 2 * mbs; w++) {
            if (serial_s / seconds_at(c, w, &e) > fmin(w, mbs) * (1 + 1e-12)) {
                fail_at("speed-up", &c, seed);
            }
        }
        remove_network(&c);
        c.workload.exchange_bytes = NEGLIGIBLE;
        c.compute.update_s = c.compute.constant_s = 0;
        c.platform.start_s = exactly(0);
        const double ideal_s = seconds_at(c, 1, &e);
        for (double w = 1; w <= mbs; w++) {
            const double speedup = ideal_s / seconds_at(c, w, &e);
            const bool divides = fmod(mbs, w) == 0;
            if (divides ? fabs(speedup - w) > 1e-9 * w : speedup >= w) {
                fail_at("ideal speed-up", &c, seed);
            }
        }
    }
    evaluator_free(&e);
}

static double best_speedup(const struct config *c, struct evaluator *e)
{
    double best = 0;
    const double serial_s = seconds_at(*c, 1, e);
    for (double w = 1; w <= c->workload.meta_batch; w++) {
        best = fmax(best, serial_s / seconds_at(*c, w, e));
    }
    return best;
}

static void harder_tasks_never_lower_the_best_speed_up(void **state)
{
    (void)state;
    struct evaluator e = {0};
    struct dice d = {115};
    for (int k = 0; k < 60; k++) {
        const uint64_t seed = d.state;
        struct config c = random_meta(1, &d);
        c.compute.unit_override_s = 0; /* from FLOPs, so that steps and images count */
        c.compute.flop_per_s = roll_log(&d, 1e9, 1e12);
        const double before = best_speedup(&c, &e);
        if (k % 2 == 0) {
            c.workload.adaptation_steps += roll_whole(&d, 1, 10);
        } else {
            c.workload.shots += roll_whole(&d, 1, 10);
        }
        if (best_speedup(&c, &e) < before * (1 - 1e-9)) {
            fail_at("harder tasks", &c, seed);
        }
    }
    evaluator_free(&e);
}

/* w ceil(MBS / w) >= MBS: without services nobody pays less GiB-seconds than one worker. */
static void function_seconds_are_fewest_at_one_worker(void **state)
{
    (void)state;
    struct evaluator e = {0};
    struct dice d = {116};
    for (int k = 0; k < 100; k++) {
        const uint64_t seed = d.state;
        struct config c = random_meta(1, &d);
        double first = 0;
        for (double w = 1; w <= 2 * c.workload.meta_batch; w++) {
            set_workers(&c, w);
            const struct tally t = evaluated(&c, &e);
            double billed = 0;
            for (uint32_t r = 0; r < e.program.n_roles; r++) {
                billed += t.billed_s[r];
            }
            first = w == 1 ? billed : first;
            if (billed < first * (1 - 1e-12)) {
                fail_at("billed seconds", &c, seed);
            }
        }
    }
    evaluator_free(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(protocols_cross_where_they_should),
        cmocka_unit_test(equal_protocols_take_equal_time),
        cmocka_unit_test(significance_of_nothing_is_plain_bsp),
        cmocka_unit_test(trees_do_not_care_about_the_order_of_their_ratios),
        cmocka_unit_test(one_worker_takes_what_the_formula_says),
        cmocka_unit_test(compute_falls_and_exchange_rises_with_workers),
        cmocka_unit_test(speed_up_is_bounded_by_workers_and_tasks),
        cmocka_unit_test(harder_tasks_never_lower_the_best_speed_up),
        cmocka_unit_test(function_seconds_are_fewest_at_one_worker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
