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
        cmocka_unit_test(money_is_additive_and_rises_with_every_price),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
