/* Requests and bytes of one iteration of every system, whatever the timing. A new system adds a row
 * to `counts`. */
#include "tests/config_builder.h"

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
static void one_epoch(struct config *c, double parameter)
{
    (void)parameter;
    set_one_epoch(c);
}
static void two_levels(struct config *c, double parameter)
{
    (void)parameter;
    set_two_levels(c);
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
    {"tree", "feng-tree", -1, 0, false, count_tree, two_levels},
    {"MLLess", "mlless", -1, 0, false, count_mlless, set_significant},
    {"MLLess, 5 significant", "mlless", -1, 5, false, count_mlless, set_significant},
    {"PyWren-IBM", "pywren-ibm", -1, 0, true, count_pywren, NULL},
    {"Naik", "naik", -1, 0, false, count_naik, NULL},
    {"GradsSharding", "gradssharding", -1, 20, true, count_shards, set_clients},
    {"FedAvg", "fedavg", -1, 0, true, count_federated, one_epoch},
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_and_bytes_of_an_iteration_are_exact),
        cmocka_unit_test(listings_are_paged),
        cmocka_unit_test(loading_saving_and_data_are_counted_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
