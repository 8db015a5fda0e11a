/* Printed equations: what each of them says, what each ambiguity changes, where an optimum in the
 * number of workers exists and where the printed form has none. */
#include "tests/config_builder.h"

#include <stdlib.h>

/* A MetaFaaS job with every constant of the equations: nothing divides evenly. */
static struct config job(double workers)
{
    struct config c =
        meta_config(workers, 16, 0.731, 0.47e6, (struct plain_network){0.083, 61e6, 0});
    c.workload.iterations = 1000;
    c.workload.model_bytes = 0.9e6;
    c.platform.start_s = exactly(1.23);
    c.compute.constant_s = 2.7;
    return c;
}

static void set_constants(struct config *c)
{
    c->system.c1_s_per_parameter_mb = 3.1e-6;
    c->system.c2_s_per_mb = 0.37;
    c->system.c3 = 1.7;
    c->system.c4_s_per_op = 2.3e-6;
}

static struct reading_result read_as(struct config *c, enum reading reading)
{
    struct error err = {0};
    struct reading_result r;
    c->system.reading = reading;
    assert_ok(config_finish(c, &err), &err);
    assert_ok(reading_evaluate(c, &r, &err), &err);
    const double parts = r.startup_s + r.load_s + r.compute_s + r.exchange_s + r.checkpoint_s;
    assert_close(parts, r.time_s, 1e-12);
    return r;
}

/* T = x (t_S + t_F + t_V) + I t_it + c with everything written out. */
static void resolved_is_the_sum_of_its_terms(void **state)
{
    (void)state;
    for (double w = 1; w <= 20; w++) {
        struct config c = job(w);
        set_constants(&c);
        c.compute.merge_s_per_byte = 5e-9;
        c.compute.update_s = 0.011;
        c.workload.data_each_unit = true;
        set_network(&c.stores[STORE_DATA], (struct plain_network){0.004, 88e6, 0});
        c.platform.time_limit_s = 900;
        c.platform.guard_s = 3;
        const struct reading_result r = read_as(&c, READING_RESOLVED);
        const double L = 0.083;
        const double B = 61e6;
        const double m = 0.47e6;
        const double t = c.workload.unit_bytes;
        const double P = c.workload.parameters;
        const double kappa = 0.37 * (1 + 5) * t / 1e6 / 2 + 4 * 3.1e-6 * P * t / 1e6;
        const double t_comm =
            w == 1 ? 0 : (w + 2) * L + (3 * w - 2) * m / (1.7 * B) + (w - 1) * 5e-9 * m;
        const double t_it = ceil(16 / w) * (0.004 + t / 88e6 + kappa) + t_comm + 0.011;
        const double t_f = L + 0.9e6 / B;
        const double around = 1.23 + t_f + t_f;
        const double x = ceil(1000 / floor((900 - around - 3) / t_it));
        assert_close(r.iteration_s, t_it, 1e-12);
        assert_close(r.restarts, x - 1, 1e-12);
        assert_close(r.time_s, x * around + 1000 * t_it + 2.7, 1e-12);
    }
}

/* Eq 4 as printed: real x, one latency, MBS / w, tasks from S3, one transfer at w = 1. */
static void equation_4_as_printed(void **state)
{
    (void)state;
    for (double w = 1; w <= 20; w++) {
        struct config c = job(w);
        set_constants(&c);
        c.platform.time_limit_s = 900;
        c.platform.invoke_latency_s =
            exactly(0.02); /* t_S(w) grows: one invocation after another */
        const struct reading_result r = read_as(&c, READING_EQ4);
        const double L = 0.083;
        const double B = 61e6;
        const double m = 0.47e6;
        const double t = c.workload.unit_bytes;
        const double P = c.workload.parameters;
        const double kappa = 0.37 * (1 + 5) * t / 1e6 / 2 + 4 * 3.1e-6 * P * t / 1e6;
        const double t_it = 16 / w * (t / B + kappa) + L + (3 * w - 2) * m / (1.7 * B);
        const double around = (1.23 + 0.02 * w) + 2 * (L + 0.9e6 / B);
        const double x = 1000 * t_it / 900;
        assert_close(r.iteration_s, t_it, 1e-12);
        assert_close(r.time_s, x * around + 1000 * t_it + 2.7, 1e-12);
        /* Eq 5 exchanges the task instead and has no latency (M3). */
        const struct reading_result five = read_as(&c, READING_EQ5);
        assert_close(five.exchange_s, 1000 * (3 * w - 2) * t / (1.7 * B), 1e-12);
    }
}

static void equation_11_as_printed(void **state)
{
    (void)state;
    for (double w = 1; w <= 20; w++) {
        struct config c = job(w);
        set_constants(&c);
        c.platform.time_limit_s = 900;
        const struct reading_result r = read_as(&c, READING_EQ11);
        const double B = 61e6;
        const double m = 0.47e6;
        const double t = c.workload.unit_bytes;
        const double P = c.workload.parameters;
        const double bracket = t / B + 0.37 * (1 + 5) * t / 1e6 / 2 + (3 * w - 2) * m / (1.7 * B);
        const double t_it = 16 / w * bracket + 0.083;
        const double x = 1000 * t_it / 900;
        assert_close(r.time_s, x * (1.23 + 4 * P * t / 1e6 * 3.1e-6) + 1000 * t_it + 2.7, 1e-12);
        assert_true(r.no_optimum);
    }
}

static void equation_12_as_printed(void **state)
{
    (void)state;
    for (double w = 1; w <= 20; w++) {
        struct config c = job(w);
        set_constants(&c);
        c.workload.algorithm = ALGORITHM_ALFA;
        c.workload.exchange_bytes = 0;
        c.platform.time_limit_s = 900;
        const struct reading_result r = read_as(&c, READING_EQ12);
        const double B = 61e6;
        const double t = c.workload.unit_bytes;
        const double m = 4 * c.workload.parameters;
        const double m0 = 840;
        const double count = m / 1e6 + 10 + 6 * 10 * 10; /* m in MB, as printed (M12) */
        const double bracket =
            t / B + 0.37 * (1 + 5) * t / 1e6 / 2 + 2.3e-6 * count * 5 + (3 * w - 2) * m / (1.7 * B);
        const double t_it = 16 / w * bracket + 0.083;
        const double x = 1000 * t_it / 900;
        /* 1/x where eq 4 has I/x: taken literally, one iteration's time (M6). */
        assert_close(r.time_s, x * (1.23 + 4 * m0 * t / 1e6 * 3.1e-6) + t_it + 2.7, 1e-12);
        assert_true(r.no_optimum);
        struct config longer = c;
        longer.workload.iterations = 2000;
        set_option(&longer, "m1_restarts", 2);
        set_option(&c, "m1_restarts", 2);
        const struct reading_result a = read_as(&c, READING_EQ12);
        const struct reading_result b = read_as(&longer, READING_EQ12);
        assert_close(b.compute_s - b.restarts * 4 * m0 * t / 1e6 * 3.1e-6,
                     a.compute_s - a.restarts * 4 * m0 * t / 1e6 * 3.1e-6, 1e-12);
    }
}

/* Every option switches exactly its own term: `printed` under `resolved`, `resolved` under eq12. */
static void each_ambiguity_has_its_own_switch(void **state)
{
    (void)state;
    static const char *const names[] = {
        "m1_restarts",  "m4_latency",     "m5_exchange",    "m6_iterations",
        "m7_load_save", "m8_backward",    "m9_inner_steps", "m12_count",
        "m13_data",     "m14_one_worker", "m17_shares",     "m18_start",
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const bool at_one = strcmp(names[i], "m14_one_worker") == 0;
        struct config c = job(at_one ? 1 : 6);
        set_constants(&c);
        c.workload.algorithm = ALGORITHM_ALFA;
        c.workload.data_each_unit = true;
        c.platform.time_limit_s = 120;
        c.platform.invoke_latency_s = exactly(0.02);
        set_network(&c.stores[STORE_DATA], (struct plain_network){0.004, 88e6, 0});
        const double base = read_as(&c, READING_RESOLVED).time_s;
        set_option(&c, names[i], 1);
        const double printed = read_as(&c, READING_RESOLVED).time_s;
        set_option(&c, names[i], 2);
        const double resolved = read_as(&c, READING_RESOLVED).time_s;
        const bool by_default = strcmp(names[i], "m17_shares") == 0; /* m whole everywhere */
        if (printed == resolved || (by_default ? printed : resolved) != base) {
            print_error("%s: base %.9g, printed %.9g, resolved %.9g\n", names[i], base, printed,
                        resolved);
            fail();
        }
    }
}

static void equations_refuse_what_they_are_not_printed_for(void **state)
{
    (void)state;
    struct config c = job(4);
    struct error err = {0};
    struct reading_result r;
    assert_ok(config_finish(&c, &err), &err);
    c.system.reading = READING_EQ12;
    assert_int_equal(reading_evaluate(&c, &r, &err), ERR_INPUT);
    assert_non_null(strstr(err.message, "ALFA"));
    err = (struct error){0};
    c.system.reading = READING_LAMBDA_DNN;
    assert_int_equal(reading_evaluate(&c, &r, &err), ERR_INPUT);
    assert_non_null(strstr(err.message, "metafaas"));
    err = (struct error){0};
    c.system.reading = READING_RESOLVED;
    c.platform.time_limit_s = 2;
    assert_int_equal(reading_evaluate(&c, &r, &err), ERR_INFEASIBLE);
}

/* ---------------------------------------------------------------- optima (models, 4.6) */

static double iteration_at(struct config c, double w, enum reading reading)
{
    set_workers(&c, w);
    return read_as(&c, reading).iteration_s;
}

static struct config random_job(struct dice *d)
{
    const double mbs = roll_whole(d, 4, 64);
    struct config c =
        meta_config(1, mbs, roll_log(d, 1e-3, 30), roll_log(d, 1e4, 5e8),
                    (struct plain_network){roll_log(d, 1e-4, 0.5), roll_log(d, 1e6, 1e9), 0});
    c.system.c3 = roll(d, 0.5, 4);
    c.system.tasks_fractional = true;
    c.compute.merge_s_per_byte = roll(d, 0, 1) < 0.5 ? 0 : roll_log(d, 1e-10, 1e-8);
    return c;
}

/* The relaxed time a/w + D w + E is strictly convex with its minimum at w* = sqrt(a/D). */
static void relaxed_times_have_their_minimum_at_the_optimum(void **state)
{
    (void)state;
    struct dice d = {20220603};
    int interior = 0;
    for (int i = 0; i < 400; i++) {
        const uint64_t seed = d.state;
        struct config c = random_job(&d);
        const double mbs = c.workload.meta_batch;
        const enum reading reading = roll(&d, 0, 1) < 0.5 ? READING_RESOLVED : READING_EQ4;
        set_workers(&c, 2);
        const double best = read_as(&c, reading).optimum_workers;
        /* Real w near the optimum: scan the integers, which bracket it. */
        double lowest = 2;
        for (double w = 2; w < 2 * mbs; w++) {
            const double here = iteration_at(c, w, reading);
            const double left = iteration_at(c, w + 1, reading);
            const double right = iteration_at(c, w + 2, reading);
            if (!(here - 2 * left + right > -1e-9 * here)) {
                print_error("not convex at %g, seed %llu\n", w, (unsigned long long)seed);
                fail();
            }
            if (iteration_at(c, w, reading) < iteration_at(c, lowest, reading)) {
                lowest = w;
            }
        }
        if (best > 2 && best < mbs) {
            interior++;
            assert_true(fabs(lowest - best) <= 1);
        }
    }
    assert_true(interior > 50); /* the test is about these */
}

static void optimum_scales_with_square_roots(void **state)
{
    (void)state;
    struct config c = meta_config(2, 1024, 4.1, 3e6, (struct plain_network){0, 50e6, 0});
    c.system.tasks_fractional = true;
    const double base = read_as(&c, READING_RESOLVED).optimum_workers;
    assert_true(base > 1);
    c.workload.meta_batch = 4096;
    assert_close(read_as(&c, READING_RESOLVED).optimum_workers, 2 * base, 1e-12);
    c.workload.meta_batch = 1024;
    c.compute.unit_override_s = 4 * 4.1;
    assert_close(read_as(&c, READING_RESOLVED).optimum_workers, 2 * base, 1e-12);
    c.compute.unit_override_s = 4.1;
    c.workload.exchange_bytes = 4 * 3e6; /* bound by m: falls like 1 / sqrt m */
    assert_close(read_as(&c, READING_RESOLVED).optimum_workers, base / 2, 1e-12);
    c.workload.exchange_bytes = NEGLIGIBLE; /* bound by latency: like 1 / sqrt L */
    set_network(&c.stores[STORE_EXCHANGE], (struct plain_network){0.05, 50e6, 0});
    const double slow = read_as(&c, READING_RESOLVED).optimum_workers;
    set_network(&c.stores[STORE_EXCHANGE], (struct plain_network){0.2, 50e6, 0});
    assert_close(read_as(&c, READING_RESOLVED).optimum_workers, slow / 2, 1e-12);
}

/* Negative test: MBS/w [task + (3w - 2) m / (c3 B)] is MBS (task - 2 m / (c3 B)) / w + const: it
 * falls for ever when a task outweighs two transfers, else it rises; there is no optimum in
 * between, and the reading says so. */
static void the_literal_bracket_has_no_optimum_and_says_so(void **state)
{
    (void)state;
    struct dice d = {20220604};
    int falling = 0;
    for (int i = 0; i < 200; i++) {
        const uint64_t seed = d.state;
        struct config c = random_job(&d);
        const bool alfa = i % 2 == 1;
        c.workload.algorithm = alfa ? ALGORITHM_ALFA : ALGORITHM_MAML;
        const enum reading reading = alfa ? READING_EQ12 : READING_EQ11;
        const double first = iteration_at(c, 1, reading);
        const double sign = iteration_at(c, 2, reading) < first ? -1 : 1;
        falling += sign < 0;
        double before = first;
        for (double w = 8; w <= 200; w += 7) {
            set_workers(&c, w);
            const struct reading_result r = read_as(&c, reading);
            if (!(sign * (r.iteration_s - before) > 0) || !r.no_optimum || r.optimum_workers != 0) {
                print_error("at %g workers, seed %llu\n", w, (unsigned long long)seed);
                fail();
            }
            before = r.iteration_s;
        }
        c.workload.algorithm = ALGORITHM_MAML;
        assert_false(read_as(&c, READING_RESOLVED).no_optimum);
        assert_false(read_as(&c, READING_EQ4).no_optimum);
    }
    assert_true(falling > 20 && falling < 200);
}

/* With alpha $/s per worker and beta $/s for a service, the relaxed cost optimum is the root of
 * 2 alpha D w^3 + (alpha E + beta D) w^2 - beta a = 0, below w*; without a service it is w = 1. */
static void money_asks_for_fewer_workers_than_time(void **state)
{
    (void)state;
    struct dice d = {20220605};
    for (int i = 0; i < 200; i++) {
        struct config c = random_job(&d);
        c.compute.merge_s_per_byte = 0;
        const double mbs = c.workload.meta_batch;
        const struct store *s = &c.stores[STORE_EXCHANGE];
        const double L = s->get_latency_s.mean;
        const double transfer =
            c.workload.exchange_bytes / (c.system.c3 * s->connection_bytes_per_s);
        const double a = mbs * c.compute.unit_override_s;
        const double D = L + 3 * transfer;
        const double E = 2 * L - 2 * transfer;
        const double alpha = 1;
        const double beta = roll_log(&d, 0.01, 100);
        double low = 0;
        double high = sqrt(a / D);
        for (int step = 0; step < 100; step++) {
            const double w = (low + high) / 2;
            const double value =
                2 * alpha * D * w * w * w + (alpha * E + beta * D) * w * w - beta * a;
            *(value < 0 ? &low : &high) = w;
        }
        const double root = (low + high) / 2;
        double cheapest = 2;
        double cheapest_usd = HUGE_VAL;
        for (double w = 2; w <= 2 * mbs; w++) {
            const double usd = (alpha * w + beta) * iteration_at(c, w, READING_RESOLVED);
            if (usd < cheapest_usd) {
                cheapest_usd = usd;
                cheapest = w;
            }
        }
        if (root > 2 && root < 2 * mbs) {
            assert_true(fabs(cheapest - root) <= 1);
        }
        assert_true(root <= sqrt(a / D));
    }
}

/* ---------------------------------------------------------------- other papers */

static void lambdaml_for_functions_and_machines(void **state)
{
    (void)state;
    const double L = 0.083;
    const double B = 61e6;
    const double m = 9.3e6;
    for (double w = 1; w <= 64; w++) {
        struct config c =
            plain_config("lambdaml-scatterreduce", w, m, (struct plain_network){L, B, 0});
        c.workload.batch_size = 640;
        c.workload.batch_per_worker = false;
        c.workload.iterations = 300;
        c.workload.iterations_exponent = 0.2; /* f(w): more rounds for more workers */
        c.workload.dataset_bytes = 3e9;
        c.compute.unit_override_s = 0.017;
        c.platform.start_s = exactly(1.2);
        set_network(&c.stores[STORE_DATA], (struct plain_network){L, B, 0});
        const double rounds = ceil(300 * pow(w, 0.2) - 1e-9);
        const double all = 640 * 0.017;
        const double functions = w == 1 ? 0 : (3 * w - 2) * (m / (w * B) + L);
        assert_close(read_as(&c, READING_LAMBDAML).time_s,
                     1.2 + 3e9 / (w * B) + rounds * (functions + all / w), 1e-12);
        struct config vm = c;
        vm.system.protocol = protocol_find("vm-ring");
        vm.platform.kind = PLATFORM_VM;
        vm.platform.vcpus = 1;
        vm.platform.start_s = exactly(140);
        set_network(&vm.stores[STORE_NETWORK], (struct plain_network){5e-4, 120e6, 0});
        assert_close(read_as(&vm, READING_LAMBDAML).time_s,
                     140 + 3e9 / (w * B) +
                         rounds * ((2 * w - 2) * (m / (w * 120e6) + 5e-4) + all / w),
                     1e-12);
    }
}

static void lambda_dnn_shares_the_servers_link(void **state)
{
    (void)state;
    const double m = 9.3e6;
    for (double n = 1; n <= 40; n++) {
        struct config c = plain_config("vm-ps", n, m, (struct plain_network){0.01, 61e6, 200e6});
        c.workload.batch_size = 640;
        c.workload.batch_per_worker = false;
        c.workload.iterations = 300;
        c.workload.dataset_bytes = 3e9;
        c.compute.unit_override_s = 0.017;
        c.stores[STORE_NETWORK].nodes = 2;
        set_network(&c.stores[STORE_DATA], (struct plain_network){0.01, 45e6, 0});
        const double share = fmin(61e6, 2 * 200e6 / n);
        const double expected = 3e9 / (n * 45e6) + 300 * (640 * 0.017 / n + 2 * m / share);
        assert_close(read_as(&c, READING_LAMBDA_DNN).time_s, expected, 1e-12);
    }
}

/* Slide 10: C(z) = p n z t(z), R(z) = f / (C(z) t(z)), p the price of a MB-second. */
static void feng_prices_memory_and_time(void **state)
{
    (void)state;
    struct config c =
        plain_config("feng-tree", 100, 11.85e6, (struct plain_network){0.011, 75e6, 0});
    set_structure(&c, (const double[]){1, 5, 22, 100}, 4);
    c.workload.iterations = 50;
    c.workload.flop_per_sample = 3e9;
    c.compute.unit_override_s = 2;
    c.platform.memory_mib = 512;
    c.platform.price.gib_s =
        16691200000; /* 1.66912e-5 USD per GiB-second = 1.63e-8 per MB-second */
    const struct reading_result r = read_as(&c, READING_FENG);
    const double step = 0.011 + 11.85e6 / 75e6;
    const double t_it = 2 * 1769 / 512.0 + 3 * step + step * (5 + 22 / 5.0 + 100 / 22.0) + step;
    assert_close(r.time_s, 50 * t_it, 1e-12);
    assert_close(r.cost_usd, 1.63e-8 * 100 * 512 * r.time_s, 1e-12);
    assert_close(r.flop_per_usd_s, 50 * 100 * 3e9 / (r.cost_usd * r.time_s), 1e-12);
    /* In the printed price more memory costs more when it no longer buys time. */
    struct config large = c;
    large.platform.memory_mib = 10240;
    struct config larger = c;
    larger.platform.memory_max_mib = 20480;
    larger.platform.memory_mib = 20480;
    const struct reading_result a = read_as(&large, READING_FENG);
    const struct reading_result b = read_as(&larger, READING_FENG);
    assert_true(b.cost_usd > a.cost_usd);
}

/* ---------------------------------------------------------------- shipped scenarios */

/* Time of a round at every number of workers, other axes as the point has them. */
static double round_at(struct config c, double w, struct evaluator *e)
{
    struct error err = {0};
    struct tally t;
    c.workers = w;
    assert_ok(config_finish(&c, &err), &err);
    if (c.system.reading != READING_PROTOCOL) {
        struct reading_result r;
        assert_ok(reading_evaluate(&c, &r, &err), &err);
        return r.iteration_s;
    }
    assert_ok(evaluate(&c, e, &t, &err), &err);
    return t.iteration_s;
}

static double best_workers(const struct config *c, double limit, struct evaluator *e)
{
    double best = 1;
    for (double w = 2; w <= limit; w++) {
        if (round_at(*c, w, e) < round_at(*c, best, e)) {
            best = w;
        }
    }
    return best;
}

/* An interior optimum exists iff 1 < w* < MBS, w* = sqrt(a / D), D = L + m/B + gamma m. In whole
 * workers it needs a margin. A single worker saves the whole exchange, so the best of the others,
 * about 2 D w* + 3 D, beats its a = D w*^2 from w* = 3 on: w* in [4, MBS / 2] must show, w* below 1
 * or beyond 2 MBS must not. */
static void shipped_experiments_have_the_optimum_theory_gives_them(void **state)
{
    (void)state;
    static const char *const files[] = {"omniglot", "mini-imagenet", "fc100", "cub-200"};
    struct evaluator e = {0};
    int interior = 0;
    for (size_t f = 0; f < sizeof files / sizeof files[0]; f++) {
        struct error err = {0};
        struct scenario s;
        struct scenario_cursor cursor;
        char path[128];
        const struct scenario_options options = {.data_dir = "scenarios"};
        snprintf(path, sizeof path, "scenarios/metafaas/%s.json", files[f]);
        assert_ok(scenario_load(path, &options, &s, &err), &err);
        assert_ok(cursor_init(&cursor, &s, &err), &err);
        for (uint64_t i = 0; i < s.points; i++) {
            bool skipped = false;
            assert_ok(cursor_seek(&cursor, i, &skipped, &err), &err);
            struct config c = cursor.config;
            assert_ok(config_finish(&c, &err), &err);
            if (skipped || c.workers != 1) {
                continue; /* one search over workers for each of the other axes' points */
            }
            c.system.poll_interval_s = 0;
            const struct store *store = &c.stores[STORE_EXCHANGE];
            const double mbs = c.workload.meta_batch;
            const double m = exchange_bytes(&c);
            const double rate =
                fmin(store->connection_bytes_per_s > 0 ? store->connection_bytes_per_s : HUGE_VAL,
                     platform_nic(&c.platform));
            const double slope = store->get_latency_s.mean + m / rate +
                                 c.compute.merge_s_per_byte * m +
                                 serialise_time(&c, HOST_WORKER, m);
            const double optimum = sqrt(mbs * unit_seconds(&c) / slope);
            const double best = best_workers(&c, 2 * mbs, &e);
            if (optimum >= 4 && optimum <= mbs / 2) {
                interior++;
                assert_true(best > 1 && best < mbs);
            } else if (optimum < 1) {
                assert_true(best == 1);
            } else if (optimum > 2 * mbs) {
                assert_true(best == mbs);
            }
            /* Only where ceil(MBS / w) drops can an optimum be. */
            assert_true(best == 1 || ceil(mbs / best) < ceil(mbs / (best - 1)));
            const bool alfa = c.workload.network.generator > 0;
            c.system.reading = alfa ? READING_EQ12 : READING_EQ11;
            const double literal = best_workers(&c, 4 * mbs, &e);
            assert_true(literal == 1 || literal == 4 * mbs);
        }
        cursor_free(&cursor);
        scenario_free(&s);
    }
    assert_true(interior > 0);
    evaluator_free(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resolved_is_the_sum_of_its_terms),
        cmocka_unit_test(equation_4_as_printed),
        cmocka_unit_test(equation_11_as_printed),
        cmocka_unit_test(equation_12_as_printed),
        cmocka_unit_test(each_ambiguity_has_its_own_switch),
        cmocka_unit_test(equations_refuse_what_they_are_not_printed_for),
        cmocka_unit_test(relaxed_times_have_their_minimum_at_the_optimum),
        cmocka_unit_test(optimum_scales_with_square_roots),
        cmocka_unit_test(the_literal_bracket_has_no_optimum_and_says_so),
        cmocka_unit_test(money_asks_for_fewer_workers_than_time),
        cmocka_unit_test(lambdaml_for_functions_and_machines),
        cmocka_unit_test(lambda_dnn_shares_the_servers_link),
        cmocka_unit_test(feng_prices_memory_and_time),
        cmocka_unit_test(shipped_experiments_have_the_optimum_theory_gives_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
