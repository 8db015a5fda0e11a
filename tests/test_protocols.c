/* Every system as a program: golden numbers, the published closed forms against the walker.
 * A new system adds a row to `closed_forms` when its paper prints a time. */
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
    set_two_levels(c);
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
    set_one_epoch(c);
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

/* ---------------------------------------------------------------- structure */

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
                    set_two_levels(&c);
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
        cmocka_unit_test(every_program_passes_its_check),
        cmocka_unit_test(a_structure_must_end_with_the_workers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
