/* Every system as a program: golden numbers, the published closed forms against the walker, and the
 * requests and bytes of one iteration, whatever the timing.
 *
 * A new system adds a row to `closed_forms` (when its paper prints a time) and to `counts`. */
#include "tests/config_builder.h"

#include <stdlib.h>

static double cell(const struct table *t, size_t row, const char *name)
{
    struct error err = {0};
    size_t column = 0;
    double value = (double)NAN;
    assert_ok(table_column(t, name, &column, &err), &err);
    assert_ok(table_number(t, row, column, &value, &err), &err);
    return value;
}

static const char *text_cell(const struct table *t, size_t row, const char *name)
{
    struct error err = {0};
    size_t column = 0;
    assert_ok(table_column(t, name, &column, &err), &err);
    return table_cell(t, row, column);
}

static struct table load(const char *name)
{
    struct error err = {0};
    struct table t;
    char path[256];
    snprintf(path, sizeof path, "tests/data/model/%s", name);
    assert_ok(table_load(path, &t, &err), &err);
    assert_true(t.n_rows > 0);
    return t;
}

/* ---------------------------------------------------------------- golden numbers */

static void golden_numbers_of_one_synchronisation(void **state)
{
    (void)state;
    struct table t = load("golden_exchange.csv");
    struct evaluator e = {0};
    for (size_t i = 0; i < t.n_rows; i++) {
        const double store = cell(&t, i, "store_bytes_per_s");
        const struct plain_network n = {cell(&t, i, "latency_s"), cell(&t, i, "link_bytes_per_s"),
                                        isnan(store) ? 0 : store};
        struct config c = plain_config(text_cell(&t, i, "system"), cell(&t, i, "workers"),
                                       cell(&t, i, "m_bytes"), n);
        if (text_cell(&t, i, "option")[0] != '\0') {
            set_option(&c, text_cell(&t, i, "option"), cell(&t, i, "value"));
        }
        const double seconds = evaluated(&c, &e).iteration_s;
        if (fabs(seconds - cell(&t, i, "seconds")) > 1e-9) {
            print_error("%s, %s\n", text_cell(&t, i, "case"),
                        text_cell(&t, i, "store_bytes_per_s"));
        }
        assert_close(seconds, cell(&t, i, "seconds"), 1e-9);
    }
    evaluator_free(&e);
    table_free(&t);
}

static void worked_example_of_metafaas(void **state)
{
    (void)state;
    struct table t = load("worked_example.csv");
    struct evaluator e = {0};
    for (size_t i = 0; i < t.n_rows; i++) {
        const struct plain_network n = {cell(&t, i, "latency_s"), cell(&t, i, "link_bytes_per_s"),
                                        0};
        struct config c = meta_config(cell(&t, i, "workers"), cell(&t, i, "meta_batch"), NEGLIGIBLE,
                                      cell(&t, i, "m_bytes"), n);
        set_option(&c, "variant", strcmp(text_cell(&t, i, "variant"), "minimal") == 0);
        c.system.c3 = cell(&t, i, "c3");
        const char *reading = text_cell(&t, i, "reading");
        double seconds = evaluated(&c, &e).iteration_s;
        if (strcmp(reading, "protocol") != 0) {
            struct error err = {0};
            struct reading_result r;
            c.system.reading = strcmp(reading, "eq4") == 0 ? READING_EQ4 : READING_RESOLVED;
            assert_ok(reading_evaluate(&c, &r, &err), &err);
            seconds = r.exchange_s;
        }
        assert_close(seconds, cell(&t, i, "seconds"), 1e-9);
        assert_true(fabs(seconds - cell(&t, i, "printed")) <= 0.5e-6);
    }
    evaluator_free(&e);
    table_free(&t);
}

/* ---------------------------------------------------------------- published closed forms */

/* What a formula may use: w workers, L, B own link, Bs store link, m bytes, g merge s per byte, d
 * mini-batch bytes, tau compute of a round, n servers, and the case's own parameter. */
struct terms {
    double w, L, B, Bs, m, g, d, tau, n, parameter;
};

static double flow(double own, double store)
{
    return own > store ? own : store;
}

static double merge_literal(const struct terms *t)
{
    return (t->w + 3) * (t->L + t->m / t->B) + t->w * t->g * t->m;
}
static double merge_minimal(const struct terms *t)
{
    return (t->w + 2) * (t->L + t->m / t->B) + (t->w - 1) * t->g * t->m;
}
static double merge_minimal_store(const struct terms *t)
{
    return (t->w + 2) * t->L + t->w * t->m / fmin(t->B, t->Bs) + 2 * (t->w - 1) * t->m / t->Bs +
           (t->w - 1) * t->g * t->m;
}
static double scatter_reduce(const struct terms *t)
{
    return (3 * t->w - 2) * (t->L + t->m / (t->w * t->B)) + t->g * t->m;
}
static double scatter_reduce_store(const struct terms *t)
{
    return (3 * t->w - 2) * (t->L + t->m / t->Bs) + t->g * t->m;
}
static double scatter_reduce_pipelined(const struct terms *t)
{
    return (2 * t->w - 1) * (t->L + t->m / (t->w * t->B)) + t->g * t->m;
}
static double smlt(const struct terms *t)
{
    return (3 * t->w + 1) * t->L + 3 * flow(t->m / t->B, t->w * t->m / t->Bs) +
           flow(t->m / (t->w * t->B), t->m / t->Bs) + t->g * t->m;
}
static double siren_synchronous(const struct terms *t)
{
    return (1 + t->w) * (t->L + t->m / t->B) + t->w * t->g * t->m;
}
static double siren_synchronous_store(const struct terms *t)
{
    return (1 + t->w) * (t->L + t->w * t->m / t->Bs) + t->w * t->g * t->m;
}
static double siren_asynchronous(const struct terms *t)
{
    return 2 * (t->L + t->m / t->B) + t->L + t->d / t->B + t->tau;
}
static double cirrus_asynchronous(const struct terms *t)
{
    const double share = fmin(t->B, t->n * t->Bs / t->w);
    const double pull_and_push = (t->parameter + 0.5 * t->parameter) * t->m;
    return t->L + t->d / t->B + 2 * t->L + pull_and_push / share + t->tau;
}
static double parameter_server(const struct terms *t)
{
    return 2 * t->L + 2 * flow(t->m / t->B, t->w * t->m / (t->n * t->Bs)) +
           t->w * t->g * t->m / t->n;
}
static double ring(const struct terms *t)
{
    return 2 * (t->w - 1) * (t->L + t->m / (t->w * t->B)) + (t->w - 1) * t->g * t->m / t->w;
}
/* k alpha + beta sum r + L + m / B: alpha is a level's write and its share of the root's. */
static double tree_flat(const struct terms *t)
{
    const double beta = t->L + t->m / t->B + t->g * t->m;
    return 2 * (t->L + t->m / t->B) + beta * t->w + t->L + t->m / t->B;
}
static double tree_two_levels(const struct terms *t)
{
    const double inner = ceil(sqrt(t->w));
    const double beta = t->L + t->m / t->B + t->g * t->m;
    return 3 * (t->L + t->m / t->B) + beta * (inner + ceil(t->w / inner)) + t->L + t->m / t->B;
}
static double mlless_all(const struct terms *t)
{
    const double update = t->parameter * t->m;
    return t->L + t->d / t->B + t->tau + t->L + update / t->B + 2 * t->L +
           (t->w - 1) * (t->L + update / t->B + t->g * update);
}
static double mlless_all_redis(const struct terms *t)
{
    const double update = t->parameter * t->m;
    return t->L + t->d / t->B + t->tau + t->L + t->w * update / t->Bs + 2 * t->L +
           (t->w - 1) * (t->L + t->g * update) + t->w * (t->w - 1) * update / t->Bs;
}
/* With u < p a worker that sent nothing reads u updates instead of u - 1 and saves the SET: the
 * published time, and one more addition. */
static double mlless_five_significant(const struct terms *t)
{
    const double update = t->parameter * t->m;
    const double u = fmin(5, t->w);
    const double more = t->w > 5 ? t->g * update : 0;
    return t->L + t->d / t->B + t->tau + t->L + update / t->B + 2 * t->L +
           (u - 1) * (t->L + update / t->B + t->g * update) + more;
}
static double pywren(const struct terms *t)
{
    /* The published form leaves out the latency of the reducer's PUT and the driver's GET. */
    const double bulk = 2 * t->L;
    const double invoke = 2 * t->parameter;
    return t->w * (t->L + t->m / t->B) + invoke +
           (2 * t->L + (t->d + t->m) / t->B + t->tau + t->L + t->m / t->B) +
           (t->w * (t->L + t->m / t->B) + t->w * t->m / t->B) + t->w * t->m / t->B + bulk +
           t->w * t->g * t->m;
}

static void tree_of_two_levels(struct config *c, const struct terms *t)
{
    (void)t;
    set_structure(c, (const double[]){1, ceil(sqrt(c->workers)), c->workers}, 3);
}
static void sparse(struct config *c, const struct terms *t)
{
    set_option(c, "pull_share", t->parameter);
    set_option(c, "push_share", 0.5 * t->parameter);
}
static void significance(struct config *c, const struct terms *t)
{
    set_option(c, "byte_share", t->parameter);
}
static void five_significant(struct config *c, const struct terms *t)
{
    significance(c, t);
    set_option(c, "significant_workers", fmin(5, c->workers));
}
static double map_alone(const struct terms *t)
{
    return t->L + t->d / t->B + t->tau;
}
static double shards_of_twenty(const struct terms *t)
{
    const double shard = t->m / t->w;
    return 21 * (t->L + shard / t->B) + t->g * 20 * shard;
}
static double federated(const struct terms *t)
{
    return t->tau + (t->w + 3) * (t->L + t->m / t->B) + t->g * t->w * t->m;
}
static void twenty_clients(struct config *c, const struct terms *t)
{
    (void)t;
    set_option(c, "clients", 20);
}
static void one_epoch(struct config *c, const struct terms *t)
{
    (void)t;
    set_option(c, "local_epochs", 1);
    set_option(c, "sync_every", 1);
    set_option(c, "local_batch", 1);
}
static void invocations(struct config *c, const struct terms *t)
{
    c->platform.invoke_latency_s = exactly(t->parameter);
}

/* computes: the formula holds tau and the mini-batch, so the case has both. */
static const struct {
    const char *name, *citation, *system;
    int variant;        /* -1: none */
    double store_ratio; /* B_s / B; 0 = no cap */
    double servers, parameter;
    bool computes, from_one_worker;
    double (*seconds)(const struct terms *);
    void (*set)(struct config *, const struct terms *);
} closed_forms[] = {
    {"merge by one, literal", "MetaFaaS section 6, DS3Lab/LambdaML reduce_batch: w + 3 requests",
     "metafaas", 0, 0, 1, 0, false, false, merge_literal, NULL},
    {"LambdaML AllReduce", "DS3Lab/LambdaML, s3_primitive.py", "lambdaml-allreduce", -1, 0, 1, 0,
     false, false, merge_literal, NULL},
    {"merge by one, minimal", "MetaFaaS section 6: w + 2 requests", "metafaas", 1, 0, 1, 0, false,
     false, merge_minimal, NULL},
    {"merge by one, minimal, store-bound", "(w+2)L + w m/min(B, B_s) + 2(w-1)m/B_s", "metafaas", 1,
     0.83, 1, 0, false, false, merge_minimal_store, NULL},
    {"ScatterReduce", "LambdaML, SIGMOD 2021: (3w-2)(m/(wB) + L)", "lambdaml-scatterreduce", 0, 0,
     1, 0, false, false, scatter_reduce, NULL},
    {"ScatterReduce, store-bound", "(3w-2)(L + m/B_s)", "lambdaml-scatterreduce", 0, 0.83, 1, 0,
     false, false, scatter_reduce_store, NULL},
    {"ScatterReduce, pipelined", "FuncPipe: (2 - 1/w) m/B", "lambdaml-scatterreduce", 1, 0, 1, 0,
     false, false, scatter_reduce_pipelined, NULL},
    {"SMLT", "SMLT section 3.3", "smlt", 0, 0, 1, 0, false, false, smlt, NULL},
    {"SMLT, Redis-bound", "SMLT section 3.3", "smlt", 0, 4.7, 1, 0, false, false, smlt, NULL},
    {"SMLT, Redis of three nodes", "SMLT section 3.3; B_R = nodes x 1.25 GB/s", "smlt", 0, 1.7, 3,
     0, false, false, smlt, NULL},
    {"Siren, synchronous", "SMLT section 5.2", "siren", 1, 0, 1, 0, false, false, siren_synchronous,
     NULL},
    {"Siren, synchronous, store-bound", "SMLT section 5.2", "siren", 1, 0.83, 1, 0, false, false,
     siren_synchronous_store, NULL},
    {"Siren, asynchronous, without noise", "MLLess section 7: a step", "siren", 0, 0, 1, 0, true,
     false, siren_asynchronous, NULL},
    {"Cirrus, asynchronous, without noise", "ucbrise/cirrus: a step", "cirrus", 0, 3.1, 2, 0.37,
     true, true, cirrus_asynchronous, sparse},
    {"Cirrus, synchronous", "SMLT section 5.2", "cirrus", 1, 3.1, 2, 0, false, true,
     parameter_server, NULL},
    {"parameter server", "2L + 2 max(m/B, wm/(n B_ps)) + w gamma m/n", "vm-ps", -1, 2.3, 3, 0,
     false, true, parameter_server, NULL},
    {"ring all-reduce", "2(w-1)(L + m/(wB))", "vm-ring", -1, 0, 1, 0, false, false, ring, NULL},
    {"tree [1, w]", "Feng et al. 2018, slide 7, reconstructed", "feng-tree", -1, 0, 1, 0, false,
     false, tree_flat, NULL},
    {"tree [1, sqrt w, w]", "Feng et al. 2018, slide 7, reconstructed", "feng-tree", -1, 0, 1, 0,
     false, false, tree_two_levels, tree_of_two_levels},
    {"MLLess, all significant", "MLLess sections 3.2 and 4.1", "mlless", -1, 0, 1, 0.21, true,
     false, mlless_all, significance},
    {"MLLess, five significant", "MLLess sections 3.2 and 4.1: u SET, u(p-1) GET", "mlless", -1, 0,
     1, 0.21, true, false, mlless_five_significant, five_significant},
    {"MLLess, Redis-bound", "u(p-1) phi m / B_R", "mlless", -1, 0.83, 1, 0.21, true, false,
     mlless_all_redis, significance},
    {"PyWren-IBM", "pablogs98/MLLess, benchmarks/pywren", "pywren-ibm", -1, 0, 1, 0.057, true, true,
     pywren, invocations},
    {"map", "functions of a map meet nobody: L + d/B + tau", "map", -1, 0, 1, 0, true, true,
     map_alone, NULL},
    {"GradsSharding", "AmineBarrak: n sequential reads of m/w, one write", "gradssharding", -1, 0,
     1, 0, false, true, shards_of_twenty, twenty_clients},
    {"FedAvg", "3000weichen: upload, server reads w and writes one, download", "fedavg", -1, 0, 1,
     0, true, true, federated, one_epoch},
};

static void walker_equals_the_published_closed_forms(void **state)
{
    (void)state;
    struct evaluator e = {0};
    for (size_t i = 0; i < sizeof closed_forms / sizeof closed_forms[0]; i++) {
        for (double w = 1; w <= 64; w++) {
            struct terms t = {.w = w,
                              .L = 0.0137,
                              .B = 61.3e6,
                              .m = 7.31e6,
                              .g = 3.7e-9,
                              .n = closed_forms[i].servers,
                              .parameter = closed_forms[i].parameter};
            const double aggregate = closed_forms[i].store_ratio * t.B;
            struct config c = plain_config(closed_forms[i].system, w, t.m,
                                           (struct plain_network){t.L, t.B, aggregate});
            if (closed_forms[i].computes) {
                t.d = 0.57e6;
                t.tau = 0.383;
                c.compute.unit_override_s = t.tau;
                c.workload.bytes_per_sample = t.d;
                set_network(&c.stores[STORE_DATA], (struct plain_network){t.L, t.B, 0});
            }
            set_network(&c.stores[STORE_MESSAGE], (struct plain_network){t.L, 0, 0});
            if (closed_forms[i].variant >= 0) {
                set_option(&c, "variant", closed_forms[i].variant);
            }
            c.compute.merge_s_per_byte = t.g;
            c.workload.iterations = 8; /* past the first rounds, which may differ */
            c.server.nodes = closed_forms[i].servers;
            const bool machines = c.system.protocol->stores >> STORE_NETWORK & 1;
            struct store *exchange = &c.stores[machines ? STORE_NETWORK : STORE_EXCHANGE];
            exchange->nodes = closed_forms[i].servers;
            t.Bs = aggregate > 0 ? aggregate : HUGE_VAL;
            if (!machines) {
                t.Bs *= closed_forms[i].servers; /* nodes of the store, not servers of the role */
            }
            if (closed_forms[i].set != NULL) {
                closed_forms[i].set(&c, &t);
            }
            double expected = closed_forms[i].seconds(&t);
            if (w == 1 && !closed_forms[i].from_one_worker) {
                expected = closed_forms[i].computes ? t.L + t.d / t.B + t.tau : 0;
            }
            const double seconds = evaluated(&c, &e).iteration_s;
            if (fabs(seconds - expected) > 1e-12 * expected && seconds > 1e-200) {
                print_error("%s, %.0f workers: %.15g, formula %.15g (%s)\n", closed_forms[i].name,
                            w, seconds, expected, closed_forms[i].citation);
            }
            assert_true(fabs(seconds - expected) <= 1e-11 * expected + 1e-200);
        }
    }
    evaluator_free(&e);
}

/* Naik, section 7.1: round(w) = t_S + t_load + 60 tau + save + 2 t_inv + w(L + G/B + gamma G) +
 * m/B, here with the latency of every file and of the two progress rows on the path. */
static void a_round_of_naik_is_the_sum_of_its_steps(void **state)
{
    (void)state;
    struct evaluator e = {0};
    const double L = 0.0137;
    const double B = 61.3e6;
    const double G = 0.73e6;
    const double m = 5.1e6;
    const double d = 0.57e6;
    const double row = 0.0071;
    for (double w = 2; w <= 64; w++) {
        struct config c = plain_config("naik", w, G, (struct plain_network){L, B, 0});
        set_network(&c.stores[STORE_DATA], (struct plain_network){L, B, 0});
        set_network(&c.stores[STORE_MESSAGE], (struct plain_network){row, B, 0});
        c.workload.model_bytes = m;
        c.workload.bytes_per_sample = d;
        c.workload.data_each_unit = true;
        c.workload.iterations = 600;
        c.compute.unit_override_s = 0.383;
        c.compute.merge_s_per_byte = 3.7e-9;
        c.platform.warm_start_s = exactly(0.21);
        c.platform.keep_alive_s = 600;
        c.platform.invoke_latency_s = exactly(0.057);
        const double load_s = L + m / B + L + 60 * d / B;
        const double combine_s = w * (L + G / B + 3.7e-9 * G) + L + m / B;
        const double expected =
            0.21 + load_s + 60 * 0.383 + L + G / B + row + 2 * 0.057 + 0.21 + combine_s + row;
        const struct tally t = evaluated(&c, &e);
        assert_close(t.iteration_s, expected, 1e-12);
        assert_true(t.rounds == 10);
    }
    evaluator_free(&e);
}

static void rate_caps_hold_each_burst_of_scatter_reduce(void **state)
{
    (void)state;
    struct evaluator e = {0};
    for (double w = 2; w <= 64; w++) {
        struct config c =
            plain_config("lambdaml-scatterreduce", w, 1e3, (struct plain_network){0.01, 1e9, 0});
        const double put_per_s = 350;
        const double get_per_s = 550;
        c.stores[STORE_EXCHANGE].put_per_s = put_per_s;
        c.stores[STORE_EXCHANGE].get_per_s = get_per_s;
        const double burst = w * (w - 1);
        /* w(w-1) PUT, w PUT at one rate; twice w(w-1) GET at the other; latencies in between. */
        const double expected =
            (3 * w - 2) * 0.01 + (burst + w) / put_per_s + 2 * burst / get_per_s;
        assert_close(evaluated(&c, &e).iteration_s, expected, 1e-9);
    }
    evaluator_free(&e);
}

/* A structure whose levels do not divide: 22 / 5 and 100 / 22 have floors and ceilings. */
static void uneven_trees_take_the_slowest_path_and_count_exactly(void **state)
{
    (void)state;
    struct evaluator e = {0};
    const double L = 0.0137;
    const double m = 7.31e6;
    const double B = 61.3e6;
    struct config c = plain_config("feng-tree", 100, m, (struct plain_network){L, B, 0});
    set_structure(&c, (const double[]){1, 5, 22, 100}, 4);
    const double reads = 5 + ceil(22.0 / 5) + ceil(100.0 / 22);
    assert_close(evaluated(&c, &e).iteration_s, (4 + reads + 1) * (L + m / B), 1e-12);
    const struct tally t = iteration_counts(&c, &e);
    assert_close(t.requests[STORE_EXCHANGE][REQUEST_PUT], 1 + 5 + 22 + 100, 1e-12);
    assert_close(t.requests[STORE_EXCHANGE][REQUEST_GET], 5 + 22 + 100 + 100, 1e-12);
    /* Store-bound: the whole level shares the link, sum over levels of n_l m / B_s. */
    const double Bs = 0.5 * B;
    set_network(&c.stores[STORE_EXCHANGE], (struct plain_network){L, B, Bs});
    const double levels = 100 + 22 + 5 + 1 + 100 + 22 + 5 + 100;
    assert_close(evaluated(&c, &e).iteration_s, (4 + reads + 1) * L + levels * m / Bs, 1e-12);
    evaluator_free(&e);
}

/* ---------------------------------------------------------------- counts */

/* Requests and bytes of one iteration on the exchange (or network) store, in units of m. */
struct counts {
    double put, get, list, remove, put_m, get_m, invocations, messages;
};

static struct counts count_merge_literal(double w, double parameter)
{
    (void)parameter;
    return (struct counts){w + 1, 2 * w - 1, 2, w + 1, w + 1, 2 * w - 1, 0, 0};
}
static struct counts count_merge_minimal(double w, double parameter)
{
    (void)parameter;
    return (struct counts){w, 2 * w - 2, 1, w - 1, w, 2 * w - 2, 0, 0};
}
static struct counts count_scatter(double w, double parameter)
{
    (void)parameter;
    return (struct counts){w * w, 2 * w * (w - 1), 2 * w, w * (w - 1), w, 2 * (w - 1), 0, 0};
}
static struct counts count_scatter_pipelined(double w, double parameter)
{
    struct counts n = count_scatter(w, parameter);
    n.put += w - 1; /* completion flags, and rank 0's look at them */
    n.list += 1;
    return n;
}
static struct counts count_smlt(double w, double parameter)
{
    (void)parameter;
    return (struct counts){w * w + w, 2 * w * w, 2 * w, 0, w + 1, 2 * w, 0, 0};
}
static struct counts count_smlt_skipping(double w, double parameter)
{
    struct counts n = count_scatter(w, parameter);
    n.remove = 0;
    return n;
}
/* n shards, w workers: w n + n PUT, n w + w n GET. */
static struct counts count_smlt_shards(double w, double n)
{
    const double owners = fmin(w, n);
    return (struct counts){w * n + n, 2 * w * n, w + owners, 0, w + 1, 2 * w, 0, 0};
}
static struct counts count_smlt_stages(double w, double parameter)
{
    (void)parameter;
    /* As resident but DL-grad by one client, which writes the model that w functions read. */
    return (struct counts){w * w + w + 1, w * w + w + w, 0, 0, w + 2, w + 1 + w, 2 * w + 1, 0};
}
static struct counts count_siren(double w, double parameter)
{
    (void)parameter;
    return (struct counts){w, w * w, w, 0, w, w * w, 0, 0};
}
static struct counts count_per_worker(double w, double parameter)
{
    (void)parameter;
    return (struct counts){w, w, 0, 0, w, w, 0, 0};
}
static struct counts count_ring(double w, double parameter)
{
    (void)parameter;
    return (struct counts){2 * w * (w - 1), 0, 0, 0, 2 * (w - 1), 0, 0, 0};
}
static struct counts count_tree(double w, double parameter)
{
    (void)parameter;
    const double inner = ceil(sqrt(w)) + w; /* sum of n_l, l >= 1 */
    return (struct counts){1 + inner, w + inner, 0, 0, 1 + inner, w + inner, 0, 0};
}
static struct counts count_mlless(double w, double parameter)
{
    const double u = parameter > 0 ? fmin(parameter, w) : w;
    const double phi = 0.25;
    return (struct counts){u, u * (w - 1), 0, 0, u * phi, u * (w - 1) * phi, 0, u + w + 1};
}
static struct counts count_pywren(double w, double parameter)
{
    (void)parameter;
    return (struct counts){2 * w + 1, 2 * w + 1, 2, 0, 3 * w, 3 * w, w + 1, 0};
}
static struct counts count_naik(double w, double parameter)
{
    (void)parameter;
    /* w files of G, one model; w reads of G. LIST by each finishing worker, rows in DynamoDB. */
    return (struct counts){w + 1, w, w, 0, w, w, w + 1, w + 1};
}

static void set_shards(struct config *c, double n)
{
    set_option(c, "shards", n);
}
static void set_skipping(struct config *c, double parameter)
{
    (void)parameter;
    set_option(c, "skip_own", 1);
}
static void set_significant(struct config *c, double u)
{
    set_option(c, "byte_share", 0.25);
    set_option(c, "significant_workers", fmin(u, c->workers));
}
static struct counts count_shards(double w, double clients)
{
    return (struct counts){.put = w, .get = clients * w, .put_m = 1, .get_m = clients};
}
static struct counts count_federated(double w, double parameter)
{
    (void)parameter;
    return (struct counts){.put = w + 1, .get = 2 * w, .put_m = w + 1, .get_m = 2 * w};
}
static void set_clients(struct config *c, double clients)
{
    set_option(c, "clients", clients);
}
static void set_one_epoch(struct config *c, double parameter)
{
    (void)parameter;
    one_epoch(c, NULL);
}
static void set_tree(struct config *c, double parameter)
{
    (void)parameter;
    tree_of_two_levels(c, NULL);
}

static const struct {
    const char *name, *system;
    int variant;
    double parameter;
    bool from_one_worker;
    struct counts (*of)(double w, double parameter);
    void (*set)(struct config *, double parameter);
} counts[] = {
    {"merge by one, literal", "metafaas", 0, 0, false, count_merge_literal, NULL},
    {"merge by one, minimal", "metafaas", 1, 0, false, count_merge_minimal, NULL},
    {"LambdaML AllReduce", "lambdaml-allreduce", -1, 0, false, count_merge_literal, NULL},
    {"ScatterReduce", "lambdaml-scatterreduce", 0, 0, false, count_scatter, NULL},
    {"ScatterReduce, pipelined", "lambdaml-scatterreduce", 1, 0, false, count_scatter_pipelined,
     NULL},
    {"SMLT", "smlt", 0, 0, false, count_smlt, NULL},
    {"SMLT, own shard skipped", "smlt", 0, 0, false, count_smlt_skipping, set_skipping},
    {"SMLT, 7 shards", "smlt", 0, 7, false, count_smlt_shards, set_shards},
    {"SMLT, 53 shards", "smlt", 0, 53, false, count_smlt_shards, set_shards},
    {"SMLT, per stage", "smlt", 1, 0, false, count_smlt_stages, NULL},
    {"Siren, synchronous", "siren", 1, 0, false, count_siren, NULL},
    {"Siren, asynchronous", "siren", 0, 0, false, count_per_worker, NULL},
    {"Cirrus, synchronous", "cirrus", 1, 0, true, count_per_worker, NULL},
    {"Cirrus, asynchronous", "cirrus", 0, 0, true, count_per_worker, NULL},
    {"parameter server", "vm-ps", -1, 0, true, count_per_worker, NULL},
    {"ring", "vm-ring", -1, 0, false, count_ring, NULL},
    {"tree", "feng-tree", -1, 0, false, count_tree, set_tree},
    {"MLLess", "mlless", -1, 0, false, count_mlless, set_significant},
    {"MLLess, 5 significant", "mlless", -1, 5, false, count_mlless, set_significant},
    {"PyWren-IBM", "pywren-ibm", -1, 0, true, count_pywren, NULL},
    {"Naik", "naik", -1, 0, false, count_naik, NULL},
    {"GradsSharding", "gradssharding", -1, 20, true, count_shards, set_clients},
    {"FedAvg", "fedavg", -1, 0, true, count_federated, set_one_epoch},
};

static void check_counts(const char *name, double w, const struct tally *t, const struct config *c,
                         const struct counts *n, double m)
{
    const bool machines = c->system.protocol->stores >> STORE_NETWORK & 1;
    const enum store_use use = machines ? STORE_NETWORK : STORE_EXCHANGE;
    const struct {
        const char *what;
        double actual, expected;
    } rows[] = {
        {"PUT", t->requests[use][REQUEST_PUT], n->put},
        {"GET", t->requests[use][REQUEST_GET], n->get},
        {"LIST", t->requests[use][REQUEST_LIST], n->list},
        {"DELETE", t->requests[use][REQUEST_DELETE], n->remove},
        {"bytes put", t->bytes_put[use], n->put_m * m},
        {"bytes got", t->bytes_get[use], n->get_m * m},
        {"invocations", t->invocations, n->invocations},
        {"messages", t->requests[STORE_MESSAGE][REQUEST_PUT], n->messages},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const double off = fabs(rows[i].actual - rows[i].expected);
        if (off > 1e-9 * fmax(1, rows[i].expected)) {
            print_error("%s, %.0f workers: %s %.12g, expected %.12g\n", name, w, rows[i].what,
                        rows[i].actual, rows[i].expected);
            fail();
        }
    }
}

/* Whatever the timing: a fast network, a slow one, a full store, noisy and polled. */
static void requests_and_bytes_of_an_iteration_are_exact(void **state)
{
    (void)state;
    static const struct plain_network networks[] = {
        {0, 1e12, 0}, {0.08, 65e6, 0}, {0.02, 65e6, 20e6}};
    struct evaluator e = {0};
    const double m = 1e6;
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        for (double w = 1; w <= 40; w++) {
            for (size_t n = 0; n < sizeof networks / sizeof networks[0]; n++) {
                struct config c = plain_config(counts[i].system, w, m, networks[n]);
                /* All keys of a round in one answer: the number of polls is then that of LISTs. */
                c.stores[STORE_EXCHANGE].list_page_keys = 1e6;
                c.workload.model_bytes = NEGLIGIBLE;
                c.compute.noise_cv = n == 1 ? 0.2 : 0;
                c.compute.unit_override_s = 0.4;
                if (counts[i].variant >= 0) {
                    set_option(&c, "variant", counts[i].variant);
                }
                if (counts[i].set != NULL) {
                    counts[i].set(&c, counts[i].parameter);
                }
                if (strcmp(counts[i].system, "naik") == 0) {
                    set_option(&c, "combine_epochs", 1);
                    set_option(&c, "steps_per_epoch", 1);
                }
                struct counts expected = counts[i].of(w, counts[i].parameter);
                if (w == 1 && !counts[i].from_one_worker) {
                    expected = (struct counts){0};
                    /* A single function of Naik is still invoked in every round. */
                    expected.invocations = strcmp(counts[i].system, "naik") == 0;
                }
                const struct tally t = iteration_counts(&c, &e);
                check_counts(counts[i].name, w, &t, &c, &expected, m);
            }
        }
    }
    evaluator_free(&e);
}

/* w PUTs of chunks leave more keys than one LIST returns: from w = 33 on a poll is two requests. */
static void listings_are_paged(void **state)
{
    (void)state;
    struct evaluator e = {0};
    const struct plain_network n = {0.01, 1e8, 0};
    for (double w = 2; w <= 64; w++) {
        struct config c = plain_config("lambdaml-scatterreduce", w, 1e6, n);
        const double pages = ceil(w * (w - 1) / 1000) + ceil(w / 1000);
        const struct tally t = iteration_counts(&c, &e);
        assert_close(t.requests[STORE_EXCHANGE][REQUEST_LIST], w * pages, 1e-12);
    }
    evaluator_free(&e);
}

/* Set-up and teardown: w workers read the model, one writes it; tasks are read one by one. */
static void loading_saving_and_data_are_counted_once(void **state)
{
    (void)state;
    struct evaluator e = {0};
    const struct plain_network n = {0.01, 1e8, 0};
    for (double w = 1; w <= 40; w++) {
        struct config c = meta_config(w, 16, 0.5, 1e6, n);
        c.workload.data_each_unit = true;
        c.workload.model_bytes = 3e5;
        const struct tally round = iteration_counts(&c, &e);
        const struct tally job = evaluated(&c, &e);
        /* The meta-batch is read once, however it splits over the workers. */
        assert_close(round.requests[STORE_DATA][REQUEST_GET], 16, 1e-12);
        assert_close(round.bytes_get[STORE_DATA], 16 * c.workload.unit_bytes, 1e-12);
        const double get =
            job.requests[STORE_EXCHANGE][REQUEST_GET] - round.requests[STORE_EXCHANGE][REQUEST_GET];
        const double put =
            job.requests[STORE_EXCHANGE][REQUEST_PUT] - round.requests[STORE_EXCHANGE][REQUEST_PUT];
        assert_close(get, w, 1e-12);
        assert_close(put, 1, 1e-12);
    }
    evaluator_free(&e);
}

/* Every system, any number of workers: the structure holds for both engines. */
static void every_program_passes_its_check(void **state)
{
    (void)state;
    struct program p = {0};
    const struct plain_network n = {0.01, 1e8, 0};
    size_t programs = 0;
    for (size_t s = 0; protocols[s] != NULL; s++) {
        for (double w = 1; w <= 40; w++) {
            for (int variant = 0; variant < 2; variant++) {
                struct error err = {0};
                struct config c = plain_config(protocols[s]->name, w, 1e6, n);
                if (protocols[s]->options[0].name != NULL) {
                    c.system.option[0] = fmax(variant, protocols[s]->options[0].minimum);
                }
                if (protocols[s]->takes_structure) {
                    tree_of_two_levels(&c, NULL);
                }
                assert_ok(config_finish(&c, &err), &err);
                program_reset(&p);
                assert_ok(protocols[s]->emit(&c, &p, &err), &err);
                assert_ok(program_check(&p, &err), &err);
                assert_true(p.n_roles > 0);
                programs++;
            }
        }
    }
    assert_true(programs >= 13 * 80);
    program_free(&p);
}

static void a_structure_must_end_with_the_workers(void **state)
{
    (void)state;
    struct config c = plain_config("feng-tree", 100, 1e6, (struct plain_network){0.01, 1e8, 0});
    struct error err = {0};
    set_structure(&c, (const double[]){1, 5, 22, 99}, 4);
    assert_int_equal(config_finish(&c, &err), ERR_INPUT);
    assert_non_null(strstr(err.message, "100 workers, it is 99"));
    assert_string_equal(err.path, "/system/structure");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_numbers_of_one_synchronisation),
        cmocka_unit_test(worked_example_of_metafaas),
        cmocka_unit_test(walker_equals_the_published_closed_forms),
        cmocka_unit_test(a_round_of_naik_is_the_sum_of_its_steps),
        cmocka_unit_test(rate_caps_hold_each_burst_of_scatter_reduce),
        cmocka_unit_test(uneven_trees_take_the_slowest_path_and_count_exactly),
        cmocka_unit_test(requests_and_bytes_of_an_iteration_are_exact),
        cmocka_unit_test(listings_are_paged),
        cmocka_unit_test(loading_saving_and_data_are_counted_once),
        cmocka_unit_test(every_program_passes_its_check),
        cmocka_unit_test(a_structure_must_end_with_the_workers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
