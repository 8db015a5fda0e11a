/* What must hold for every system whatever the numbers: property tests of the closed form on random
 * configurations. Seeds are fixed; a failure prints the one that failed. */
#include "tests/config_builder.h"

/* Every system with every variant it has. */
struct system_case {
    const char *system;
    int variant;      /* index of the choice; -1: none */
    bool server_path; /* a single worker exchanges too */
};
static const struct system_case systems[] = {
    {"metafaas", 0, false},
    {"metafaas", 1, false},
    {"lambdaml-allreduce", -1, false},
    {"lambdaml-scatterreduce", 0, false},
    {"lambdaml-scatterreduce", 1, false},
    {"smlt", 0, false},
    {"smlt", 1, false},
    {"siren", 0, false},
    {"siren", 1, false},
    {"cirrus", 0, true},
    {"cirrus", 1, true},
    {"feng-tree", 0, false},
    {"naik", -1, false},
    {"mlless", -1, false},
    {"pywren-ibm", -1, true},
    {"vm-ring", -1, false},
    {"vm-ps", -1, true},
    {"serial", -1, false},
};
enum { SYSTEMS = sizeof systems / sizeof systems[0] };

static struct config random_job(const struct system_case *s, double workers, struct dice *d)
{
    const struct plain_network n = {roll_log(d, 1e-3, 0.2), roll_log(d, 5e6, 5e8),
                                    roll(d, 0, 1) < 0.5 ? 0 : roll_log(d, 5e6, 5e9)};
    struct config c = plain_config(s->system, workers, roll_log(d, 1e4, 1e8), n);
    if (s->variant >= 0) {
        c.system.option[0] = s->variant;
    }
    if (c.system.protocol->takes_structure && workers > 3 && roll(d, 0, 1) < 0.5) {
        set_structure(&c, (const double[]){1, roll_whole(d, 2, workers - 1), workers}, 3);
    }
    c.workload.iterations = roll_whole(d, 1, 400);
    c.workload.batch_size = roll_whole(d, 1, 64);
    c.workload.bytes_per_sample = roll_log(d, 1e2, 1e6);
    c.workload.model_bytes = roll_log(d, 1e4, 1e8);
    c.workload.data_each_unit = roll(d, 0, 1) < 0.5;
    c.workload.dataset_bytes = roll_log(d, 1e6, 1e9);
    c.compute.unit_override_s = roll_log(d, 1e-4, 1);
    c.compute.merge_s_per_byte = roll_log(d, 1e-11, 1e-8);
    c.compute.update_s = roll_log(d, 1e-4, 1);
    c.compute.constant_s = roll(d, 0, 5);
    c.platform.start_s = exactly(roll(d, 0.1, 3));
    c.platform.warm_start_s = exactly(roll(d, 0, 0.1));
    c.platform.keep_alive_s = 1e6; /* else every call would start cold */
    c.platform.invoke_latency_s = exactly(roll(d, 0, 0.05));
    c.platform.billing_granularity_s = 0.001;
    c.platform.price = (struct price){.gib_s = 16666700000, .invocation = 200000000};
    c.server.nodes = roll_whole(d, 1, 4);
    c.server.price.hour = 96000000000000;
    set_network(&c.stores[STORE_DATA], n);
    set_network(&c.stores[STORE_MESSAGE], n);
    c.stores[STORE_EXCHANGE].price =
        (struct price){.put = 5000000000, .get = 400000000, .list = 5000000000};
    return c;
}

static void fail_at(const char *what, const struct config *c, uint64_t seed)
{
    print_error("%s: %s, variant %g, %.0f workers, seed %llu\n", what, c->system.protocol->name,
                c->system.option[0], c->workers, (unsigned long long)seed);
    fail();
}

/* No network at all: nothing is waited for but compute. */
static void remove_network(struct config *c)
{
    for (int s = 0; s < STORE_USES; s++) {
        set_network(&c->stores[s], (struct plain_network){0, 0, 0});
        c->stores[s].get_per_s = c->stores[s].put_per_s = 0;
    }
    c->platform.invoke_latency_s = c->platform.warm_start_s = exactly(0);
}

/* ---------------------------------------------------------------- every system */

static void one_worker_exchanges_nothing(void **state)
{
    (void)state;
    struct evaluator e = {0};
    struct dice d = {101};
    for (int i = 0; i < SYSTEMS; i++) {
        for (int k = 0; k < 20; k++) {
            const uint64_t seed = d.state;
            struct config c = random_job(&systems[i], 1, &d);
            const struct tally t = iteration_counts(&c, &e);
            double requests = t.bytes_put[STORE_EXCHANGE] + t.bytes_get[STORE_EXCHANGE] +
                              t.bytes_put[STORE_NETWORK] + t.bytes_get[STORE_NETWORK];
            for (int kind = 0; kind < REQUEST_KINDS; kind++) {
                requests += t.requests[STORE_EXCHANGE][kind] + t.requests[STORE_NETWORK][kind] +
                            t.requests[STORE_MESSAGE][kind];
            }
            if ((requests > 0) != systems[i].server_path) {
                fail_at("requests at one worker", &c, seed);
            }
            if (!systems[i].server_path && t.category_s[CATEGORY_EXCHANGE] > 0) {
                fail_at("exchange at one worker", &c, seed);
            }
        }
    }
    evaluator_free(&e);
}

static void without_a_network_only_compute_and_start_remain(void **state)
{
    (void)state;
    struct evaluator e = {0};
    struct dice d = {102};
    for (int i = 0; i < SYSTEMS; i++) {
        for (int k = 0; k < 40; k++) {
            const uint64_t seed = d.state;
            struct config c = random_job(&systems[i], roll_whole(&d, 1, 40), &d);
            remove_network(&c);
            c.compute.merge_s_per_byte = 0;
            const struct tally t = evaluated(&c, &e);
            double round_s = worker_compute(&c).mean_s;
            if (strcmp(systems[i].system, "naik") == 0) { /* 3 epochs of 20 mini-batches */
                round_s = units_compute(&c, 60 * units_per_worker(&c)).mean_s;
            }
            const double expected =
                c.platform.start_s.mean + c.workload.rounds * round_s + c.compute.constant_s;
            if (fabs(t.time_s - expected) > 1e-9 * expected) {
                print_error("%.15g, expected %.15g\n", t.time_s, expected);
                fail_at("time without a network", &c, seed);
            }
        }
    }
    evaluator_free(&e);
}

static void parts_of_the_time_add_up(void **state)
{
    (void)state;
    struct evaluator e = {0};
    struct dice d = {103};
    for (int i = 0; i < SYSTEMS; i++) {
        for (int k = 0; k < 60; k++) {
            const uint64_t seed = d.state;
            struct config c = random_job(&systems[i], roll_whole(&d, 1, 40), &d);
            c.compute.noise_cv = roll(&d, 0, 0.4);
            c.system.poll_interval_s = roll(&d, 0, 0.2);
            c.platform.time_limit_s = roll(&d, 0, 1) < 0.5 ? 0 : 1e5;
            const struct tally t = evaluated(&c, &e);
            double sum = 0;
            for (int j = 0; j < CATEGORIES; j++) {
                sum += t.category_s[j];
            }
            if (fabs(sum - t.time_s) > 1e-9 * t.time_s) {
                print_error("parts %.15g, time %.15g\n", sum, t.time_s);
                fail_at("parts", &c, seed);
            }
        }
    }
    evaluator_free(&e);
}

/* One number of a configuration, and which way time must go when it grows. */
struct lever {
    const char *name;
    bool faster; /* more of it never costs time */
    void (*scale)(struct config *, double factor);
};
static void scale_quantity(struct quantity *q, double factor)
{
    *q = exactly(q->mean * factor);
}
static void scale_latency(struct config *c, double factor)
{
    for (int s = 0; s < STORE_USES; s++) {
        scale_quantity(&c->stores[s].get_latency_s, factor);
        scale_quantity(&c->stores[s].put_latency_s, factor);
        scale_quantity(&c->stores[s].list_latency_s, factor);
    }
}
static void scale_put_latency(struct config *c, double factor)
{
    scale_quantity(&c->stores[STORE_EXCHANGE].put_latency_s, factor);
}
static void scale_message_latency(struct config *c, double factor)
{
    scale_quantity(&c->stores[STORE_MESSAGE].put_latency_s, factor);
}
static void scale_connection(struct config *c, double factor)
{
    for (int s = 0; s < STORE_USES; s++) {
        c->stores[s].connection_bytes_per_s *= factor;
    }
}
static void scale_aggregate(struct config *c, double factor)
{
    for (int s = 0; s < STORE_USES; s++) {
        c->stores[s].aggregate_get_bytes_per_s *= factor;
        c->stores[s].aggregate_put_bytes_per_s *= factor;
    }
}
static void scale_rate_caps(struct config *c, double factor)
{
    for (int s = 0; s < STORE_USES; s++) {
        c->stores[s].get_per_s *= factor;
        c->stores[s].put_per_s *= factor;
    }
}
static void scale_nic(struct config *c, double factor)
{
    c->platform.nic_bytes_per_s *= factor;
}
static void scale_exchange(struct config *c, double factor)
{
    c->workload.exchange_bytes *= factor;
}
static void scale_model(struct config *c, double factor)
{
    c->workload.model_bytes *= factor;
}
static void scale_sample(struct config *c, double factor)
{
    c->workload.bytes_per_sample *= factor;
}
static void scale_noise(struct config *c, double factor)
{
    c->compute.noise_cv *= factor;
}
static void scale_start(struct config *c, double factor)
{
    scale_quantity(&c->platform.start_s, factor);
}
static void scale_merge(struct config *c, double factor)
{
    c->compute.merge_s_per_byte *= factor;
}
static void scale_unit(struct config *c, double factor)
{
    c->compute.unit_override_s *= factor;
}
static const struct lever levers[] = {
    {"latency", false, scale_latency},
    {"PUT latency", false, scale_put_latency},
    {"message latency", false, scale_message_latency},
    {"connection bandwidth", true, scale_connection},
    {"aggregate bandwidth", true, scale_aggregate},
    {"request-rate caps", true, scale_rate_caps},
    {"link of a function", true, scale_nic},
    {"exchanged bytes", false, scale_exchange},
    {"model bytes", false, scale_model},
    {"sample bytes", false, scale_sample},
    {"noise", false, scale_noise},
    {"start-up", false, scale_start},
    {"merge time", false, scale_merge},
    {"unit time", false, scale_unit},
};

/* With notified waits T is monotone in every lever. */
static void time_is_monotone_in_every_lever(void **state)
{
    (void)state;
    struct evaluator e = {0};
    struct dice d = {104};
    for (int i = 0; i < SYSTEMS; i++) {
        for (size_t j = 0; j < sizeof levers / sizeof levers[0]; j++) {
            for (int k = 0; k < 12; k++) {
                const uint64_t seed = d.state;
                struct config c = random_job(&systems[i], roll_whole(&d, 1, 40), &d);
                c.stores[STORE_EXCHANGE].get_per_s = roll_log(&d, 10, 1e4);
                c.stores[STORE_EXCHANGE].put_per_s = roll_log(&d, 10, 1e4);
                c.platform.nic_bytes_per_s = roll_log(&d, 1e6, 1e9);
                /* Asynchronous workers go from lockstep to a queueing network when noise begins, so
                 * only the amount of noise is varied. */
                c.compute.noise_cv = roll(&d, 0, 1) < 0.5 ? 0 : roll(&d, 0.05, 0.4);
                const double before_s = evaluated(&c, &e).time_s;
                levers[j].scale(&c, roll(&d, 1.1, 5));
                const double after_s = evaluated(&c, &e).time_s;
                const double slack = 1e-9 * before_s;
                if (levers[j].faster ? after_s > before_s + slack : after_s < before_s - slack) {
                    print_error("%s: %.12g s, then %.12g s\n", levers[j].name, before_s, after_s);
                    fail_at("monotone", &c, seed);
                }
            }
        }
    }
    evaluator_free(&e);
}

/* Polling delays each wait of the critical path by less than delta + L, and never hurries it. */
static void polling_costs_at_most_an_interval_per_wait(void **state)
{
    (void)state;
    struct evaluator e = {0};
    struct dice d = {118};
    for (int i = 0; i < SYSTEMS; i++) {
        for (int k = 0; k < 40; k++) {
            const uint64_t seed = d.state;
            struct config c = random_job(&systems[i], roll_whole(&d, 1, 40), &d);
            const struct tally told = evaluated(&c, &e);
            c.system.poll_interval_s = roll_log(&d, 1e-3, 2);
            const struct tally polled = evaluated(&c, &e);
            double waits = 0;
            for (uint32_t j = 0; j < e.program.n_ops; j++) {
                waits += e.program.ops[j].kind == OP_AWAIT && e.program.ops[j].poll != POLL_NONE;
            }
            const struct store *s = &c.stores[STORE_EXCHANGE];
            const double delta_s =
                c.system.poll_interval_s + fmax(s->get_latency_s.mean, s->list_latency_s.mean);
            const double most_s = told.time_s + c.workload.rounds * waits * delta_s;
            if (polled.time_s < told.time_s * (1 - 1e-9) || polled.time_s > most_s * (1 + 1e-9) ||
                polled.polls < told.polls - 1e-9) {
                fail_at("polling", &c, seed);
            }
        }
    }
    evaluator_free(&e);
}

/* T >= bytes / B_s and requests / r_s in each direction, and what one function moves / B. */
static void time_is_never_below_its_bounds(void **state)
{
    (void)state;
    struct evaluator e = {0};
    struct dice d = {105};
    for (int i = 0; i < SYSTEMS; i++) {
        for (int k = 0; k < 60; k++) {
            const uint64_t seed = d.state;
            struct config c = random_job(&systems[i], roll_whole(&d, 2, 40), &d);
            struct store *s = &c.stores[STORE_EXCHANGE];
            s->get_per_s = roll_log(&d, 10, 1e4);
            s->put_per_s = roll_log(&d, 10, 1e4);
            s->aggregate_get_bytes_per_s = roll_log(&d, 1e6, 1e9);
            s->aggregate_put_bytes_per_s = roll_log(&d, 1e6, 1e9);
            const struct tally t = evaluated(&c, &e);
            const double bounds[] = {
                t.bytes_get[STORE_EXCHANGE] / s->aggregate_get_bytes_per_s,
                t.bytes_put[STORE_EXCHANGE] / s->aggregate_put_bytes_per_s,
                t.requests[STORE_EXCHANGE][REQUEST_GET] / s->get_per_s,
                /* Flags that nobody waits for take no part in the pace of the others. */
                systems[i].variant == 1 ? 0
                                        : t.requests[STORE_EXCHANGE][REQUEST_PUT] / s->put_per_s,
                c.workload.rounds * worker_compute(&c).mean_s,
                t.bytes_get[STORE_EXCHANGE] / c.workers / s->connection_bytes_per_s,
            };
            for (size_t b = 0; b < sizeof bounds / sizeof bounds[0]; b++) {
                if (t.time_s < bounds[b] * (1 - 1e-9)) {
                    print_error("bound %zu: %.12g s, at least %.12g s\n", b, t.time_s, bounds[b]);
                    fail_at("bound", &c, seed);
                }
            }
        }
    }
    evaluator_free(&e);
}

/* A run with the time limit never ends before one without; without start, load and save, alike. */
static void splitting_at_the_time_limit_never_helps(void **state)
{
    (void)state;
    struct evaluator e = {0};
    struct dice d = {106};
    int split = 0;
    for (int i = 0; i < SYSTEMS; i++) {
        for (int k = 0; k < 60; k++) {
            const uint64_t seed = d.state;
            struct config c = random_job(&systems[i], roll_whole(&d, 1, 20), &d);
            const struct tally whole = evaluated(&c, &e);
            const double around_s = whole.time_s - c.workload.rounds * whole.iteration_s;
            struct config limited = c;
            limited.platform.time_limit_s = around_s + 20 + roll(&d, 2, 9) * whole.iteration_s;
            limited.platform.guard_s = 1;
            const struct tally t = evaluated(&limited, &e);
            split += t.restarts > 0;
            const double longest_s = (t.time_s - c.compute.constant_s) / (t.restarts + 1);
            if (t.time_s < whole.time_s * (1 - 1e-12) || t.restarts < 0 ||
                t.time_s < c.workload.rounds * t.iteration_s * (1 - 1e-9) ||
                (t.restarts > 0 && longest_s > limited.platform.time_limit_s)) {
                fail_at("split", &c, seed);
            }
            /* Nothing to pay around the rounds: the split is free. */
            for (int s = 0; s < STORE_USES; s++) {
                scale_quantity(&limited.stores[s].get_latency_s, 0);
                scale_quantity(&limited.stores[s].put_latency_s, 0);
            }
            limited.platform.start_s = exactly(0);
            limited.workload.model_bytes = NEGLIGIBLE;
            limited.workload.dataset_bytes = 0;
            limited.compute.constant_s = 0;
            limited.platform.invoke_latency_s = exactly(0);
            struct config free_whole = limited;
            free_whole.platform.time_limit_s = 0;
            const double free_s = evaluated(&free_whole, &e).time_s;
            if (fabs(evaluated(&limited, &e).time_s - free_s) > 1e-9 * free_s) {
                fail_at("free split", &c, seed);
            }
        }
    }
    assert_true(split > 100);
    evaluator_free(&e);
}

static void more_iterations_never_take_less_time(void **state)
{
    (void)state;
    struct evaluator e = {0};
    struct dice d = {107};
    for (int i = 0; i < SYSTEMS; i++) {
        const uint64_t seed = d.state;
        struct config c = random_job(&systems[i], roll_whole(&d, 1, 20), &d);
        c.compute.unit_override_s = roll_log(&d, 1e-4, 1e-2);
        c.workload.iterations = 1;
        const struct tally one = evaluated(&c, &e);
        c.platform.time_limit_s = one.time_s + 20;
        double before_s = 0;
        for (double n = 1; n <= 200; n++) {
            c.workload.iterations = n;
            const struct tally t = evaluated(&c, &e);
            if (t.time_s < before_s) {
                fail_at("iterations", &c, seed);
            }
            before_s = t.time_s;
        }
    }
    evaluator_free(&e);
}

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

/* ---------------------------------------------------------------- money */

static money total(const struct config *c, struct evaluator *e, double *useful_usd)
{
    struct config copy = *c;
    const struct tally t = evaluated(&copy, e);
    struct ledger l;
    cost_compute(&copy, &e->program, &t, true, &l);
    money lines = 0;
    for (uint32_t i = 0; i < l.count; i++) {
        lines += l.lines[i].amount;
    }
    assert_true(lines == l.total);
    if (useful_usd != NULL) {
        double billed_s = 0;
        for (uint32_t r = 0; r < e->program.n_roles; r++) {
            billed_s += t.billed_s[r];
        }
        *useful_usd =
            billed_s * copy.platform.memory_mib / 1024 * (double)copy.platform.price.gib_s * 1e-15;
    }
    return l.total;
}

static void money_is_additive_and_rises_with_every_price(void **state)
{
    (void)state;
    struct evaluator e = {0};
    struct dice d = {117};
    for (int i = 0; i < SYSTEMS; i++) {
        for (int k = 0; k < 20; k++) {
            const uint64_t seed = d.state;
            struct config c = random_job(&systems[i], roll_whole(&d, 1, 40), &d);
            double useful_usd = 0;
            const money before = total(&c, &e, &useful_usd);
            if (money_usd(before) < useful_usd * (1 - 1e-9)) {
                fail_at("below the price of its seconds", &c, seed);
            }
            struct config dearer = c;
            femto_usd *const prices[] = {
                &dearer.platform.price.gib_s,
                &dearer.platform.price.invocation,
                &dearer.server.price.hour,
                &dearer.stores[STORE_EXCHANGE].price.put,
                &dearer.stores[STORE_EXCHANGE].price.get,
                &dearer.stores[STORE_EXCHANGE].price.list,
            };
            money last = before;
            for (size_t j = 0; j < sizeof prices / sizeof prices[0]; j++) {
                *prices[j] *= 3;
                const money now = total(&dearer, &e, NULL);
                if (now < last) {
                    fail_at("a higher price", &c, seed);
                }
                last = now;
            }
            struct config coarse = c;
            coarse.platform.billing_granularity_s = 0.1;
            if (total(&coarse, &e, NULL) < before) {
                fail_at("a coarser granularity", &c, seed);
            }
        }
    }
    evaluator_free(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_worker_exchanges_nothing),
        cmocka_unit_test(without_a_network_only_compute_and_start_remain),
        cmocka_unit_test(parts_of_the_time_add_up),
        cmocka_unit_test(time_is_monotone_in_every_lever),
        cmocka_unit_test(polling_costs_at_most_an_interval_per_wait),
        cmocka_unit_test(time_is_never_below_its_bounds),
        cmocka_unit_test(splitting_at_the_time_limit_never_helps),
        cmocka_unit_test(more_iterations_never_take_less_time),
        cmocka_unit_test(protocols_cross_where_they_should),
        cmocka_unit_test(equal_protocols_take_equal_time),
        cmocka_unit_test(significance_of_nothing_is_plain_bsp),
        cmocka_unit_test(trees_do_not_care_about_the_order_of_their_ratios),
        cmocka_unit_test(one_worker_takes_what_the_formula_says),
        cmocka_unit_test(compute_falls_and_exchange_rises_with_workers),
        cmocka_unit_test(speed_up_is_bounded_by_workers_and_tasks),
        cmocka_unit_test(harder_tasks_never_lower_the_best_speed_up),
        cmocka_unit_test(function_seconds_are_fewest_at_one_worker),
        cmocka_unit_test(money_is_additive_and_rises_with_every_price),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
