/* Every key a scenario may have, as tables: section, key, type, unit, range, default. The reader,
 * the sweep axes, the hints and `show schema` all consume them. */
#include "model/config.h"

#include <math.h>

#define AT1(type, a)                                                                               \
    {                                                                                              \
        offsetof(type, a), NO_FIELD, NO_FIELD                                                      \
    }
#define AT2(type, a, b)                                                                            \
    {                                                                                              \
        offsetof(type, a), offsetof(type, b), NO_FIELD                                             \
    }
#define AT3(type, a, b, c)                                                                         \
    {                                                                                              \
        offsetof(type, a), offsetof(type, b), offsetof(type, c)                                    \
    }
#define BIG 1e30

#define NUM(type, name, flag, lo, hi, def, text)                                                   \
    {                                                                                              \
#name, FIELD_NUMBER, flag, AT1(type, name), lo, hi, def, text                              \
    }
#define COUNT(type, name, flag, lo, hi, def, text)                                                 \
    {                                                                                              \
#name, FIELD_COUNT, flag, AT1(type, name), lo, hi, def, text                               \
    }
#define FLAG(type, name, flags, def, text)                                                         \
    {                                                                                              \
#name, FIELD_BOOL, flags, AT1(type, name), 0, 1, def, text                                 \
    }
#define QTY(type, name, lo, def, text)                                                             \
    {                                                                                              \
#name, FIELD_QUANTITY, FIELD_STRUCTURAL, AT1(type, name), lo, BIG, def, text               \
    }
#define POSITIVE_QTY(type, name, def, text)                                                        \
    {                                                                                              \
#name, FIELD_QUANTITY, FIELD_STRUCTURAL | FIELD_POSITIVE, AT1(type, name), 0, BIG, def,    \
            text                                                                                   \
    }
#define END                                                                                        \
    {                                                                                              \
        NULL, FIELD_NUMBER, 0, {NO_FIELD, NO_FIELD, NO_FIELD}, 0, 0, 0, NULL                       \
    }

static const struct field platform_fields[] = {
    NUM(struct platform, memory_mib, FIELD_POSITIVE, 0, 1e9, 0,
        "MiB, configured memory of one function or machine"),
    NUM(struct platform, memory_min_mib, 0, 0, 1e9, 0, "MiB, smallest memory the platform sells"),
    NUM(struct platform, memory_max_mib, 0, 0, 1e9, 0,
        "MiB, largest memory the platform sells; 0 = no limit"),
    NUM(struct platform, memory_step_mib, 0, 0, 1e9, 0, "MiB, step of the memory sizes; 0 = any"),
    NUM(struct platform, mib_per_vcpu, FIELD_POSITIVE, 0, 1e9, 0,
        "MiB that buy one vCPU (1769 on Lambda)"),
    NUM(struct platform, vcpu_max, FIELD_POSITIVE, 0, 1e6, 0, "vCPUs, most a function gets"),
    NUM(struct platform, vcpus, FIELD_POSITIVE, 0, 1e6, 0,
        "vCPUs of a machine; functions: from memory"),
    NUM(struct platform, time_limit_s, FIELD_POSITIVE, 0, 1e9, 0,
        "s, longest invocation; absent = none"),
    NUM(struct platform, guard_s, 0, 0, 1e9, 0, "s, stop so long before the limit"),
    NUM(struct platform, billing_granularity_s, FIELD_POSITIVE, 0, 1e6, 0,
        "s, durations are rounded up to it"),
    FLAG(struct platform, start_billed, 0, 0, "is the start-up (INIT) billed?"),
    COUNT(struct platform, concurrency_limit, FIELD_POSITIVE, 1, 1e9, 0,
          "functions at once in the account; absent = none"),
    NUM(struct platform, ramp_burst, FIELD_POSITIVE, 0, 1e9, 0, "new environments started at once"),
    NUM(struct platform, ramp_per_s, FIELD_POSITIVE, 0, 1e9, 0,
        "1/s, new environments after the burst"),
    QTY(struct platform, start_s, 0, 0, "s, cold start of a function, boot of a machine"),
    QTY(struct platform, warm_start_s, 0, 0, "s, start in a warm sandbox"),
    QTY(struct platform, framework_init_s, 0, 0, "s, imports after each (re)start"),
    QTY(struct platform, invoke_latency_s, 0, 0,
        "s, one asynchronous invocation, paid by the caller"),
    NUM(struct platform, nic_bytes_per_s, FIELD_POSITIVE, 0, 1e15, 0,
        "bytes/s of one function's or machine's link"),
    NUM(struct platform, nic_full_mib, 0, 0, 1e9, 0,
        "MiB, the link grows with memory up to here; 0 = flat"),
    NUM(struct platform, nic_burst_bytes, 0, 0, 1e15, 0,
        "bytes, token bucket of the link; 0 = none"),
    NUM(struct platform, nic_burst_bytes_per_s, 0, 0, 1e15, 0, "bytes/s while the bucket lasts"),
    NUM(struct platform, nic_burst_full_mib, 0, 0, 1e9, 0,
        "MiB, that rate grows with memory up to here; 0 = flat"),
    NUM(struct platform, ephemeral_mib, 0, 0, 1e9, 512, "MiB of /tmp"),
    COUNT(struct platform, provisioned, 0, 0, 1e9, 0,
          "environments kept ready (provisioned concurrency)"),
    NUM(struct platform, keep_alive_s, 0, 0, 1e9, 0, "s, an idle sandbox stays warm"),
    COUNT(struct platform, nodes, 0, 1, 1e6, 1, "machines of the server role"),
    END,
};

#define STORE_RATE(name, text) NUM(struct store, name, FIELD_POSITIVE, 0, 1e15, 0, text)
static const struct field store_fields[] = {
    {"latency_s", FIELD_QUANTITY, FIELD_STRUCTURAL,
     AT3(struct store, get_latency_s, put_latency_s, list_latency_s), 0, BIG, 0,
     "s, one request of any kind"},
    QTY(struct store, get_latency_s, 0, NAN, "s, one GET"),
    QTY(struct store, put_latency_s, 0, NAN, "s, one PUT"),
    QTY(struct store, list_latency_s, 0, NAN, "s, one LIST"),
    STORE_RATE(connection_bytes_per_s, "bytes/s of one stream; absent = no cap"),
    {"aggregate_bytes_per_s", FIELD_NUMBER, FIELD_POSITIVE,
     AT2(struct store, aggregate_get_bytes_per_s, aggregate_put_bytes_per_s), 0, 1e18, 0,
     "bytes/s of one node over all clients, each direction; absent = no cap"},
    {"aggregate_get_bytes_per_s", FIELD_NUMBER, FIELD_POSITIVE,
     AT1(struct store, aggregate_get_bytes_per_s), 0, 1e18, NAN, "bytes/s, reads"},
    {"aggregate_put_bytes_per_s", FIELD_NUMBER, FIELD_POSITIVE,
     AT1(struct store, aggregate_put_bytes_per_s), 0, 1e18, NAN, "bytes/s, writes"},
    STORE_RATE(get_per_s, "1/s, cap on GETs; absent = none"),
    STORE_RATE(put_per_s, "1/s, cap on PUTs; absent = none"),
    STORE_RATE(item_limit_bytes, "bytes, largest item; absent = none"),
    COUNT(struct store, list_page_keys, 0, 1, 1e9, 1000, "keys per LIST response"),
    NUM(struct store, burst_bytes, 0, 0, 1e18, 0, "bytes of burst credit (EFS); 0 = none"),
    NUM(struct store, baseline_bytes_per_s, 0, 0, 1e15, 0, "bytes/s once the credit is spent"),
    COUNT(struct store, nodes, 0, 1, 1e6, 1, "servers, each with its own bandwidth and price"),
    END,
};

#define W struct workload
#define S FIELD_STRUCTURAL
static const struct field workload_fields[] = {
    COUNT(W, ways, S, 2, 1000, 5, "classes per task"),
    COUNT(W, shots, S, 1, 1000, 1, "support images per class"),
    COUNT(W, queries, S, 0, 1000, 15, "query images per class"),
    COUNT(W, adaptation_steps, S, 0, 1000, 5, "inner-loop steps"),
    COUNT(W, meta_batch, 0, 1, 1e6, 16, "tasks per round"),
    FLAG(W, theta_fixed, S, 1, "ALFA, eALFA: is only g_phi meta-learned?"),
    NUM(W, parameters, FIELD_POSITIVE, 0, 1e13, 0, "parameters of the model (SGD)"),
    NUM(W, flop_per_sample, FIELD_POSITIVE, 0, 1e18, 0,
        "FLOP, forward and backward, one sample (SGD)"),
    NUM(W, bytes_per_sample, FIELD_POSITIVE, 0, 1e12, 0, "bytes of one sample (SGD)"),
    NUM(W, samples, FIELD_POSITIVE, 0, 1e15, 0, "samples of the data set (SGD)"),
    COUNT(W, batch_size, 0, 1, 1e9, 1, "samples per round (SGD)"),
    FLAG(W, batch_per_worker, 0, 0, "is batch_size each worker's (weak scaling)?"),
    NUM(W, epochs, FIELD_POSITIVE, 0, 1e9, 0, "passes over the data, when iterations is not given"),
    COUNT(W, iterations, FIELD_POSITIVE, 0, 1e12, 0, "rounds"),
    NUM(W, iterations_exponent, 0, -5, 5, 0, "rounds(w) = ceil(rounds * w^exponent)"),
    NUM(W, exchange_bytes, FIELD_POSITIVE, 0, 1e15, 0,
        "bytes a worker exchanges per round; absent = from parameters"),
    NUM(W, model_bytes, FIELD_POSITIVE, 0, 1e15, 0,
        "bytes loaded at start and saved at the end; absent = from parameters"),
    NUM(W, memory_overhead_bytes, 0, 0, 1e13, 0, "bytes of runtime and framework in one worker"),
    NUM(W, dataset_bytes, 0, 0, 1e18, 0, "bytes of the data set"),
    FLAG(W, data_each_unit, 0, 1, "is each task or sample read from the data store when used?"),
    END,
};

const struct field dataset_fields[] = {
    COUNT(W, image_channels, FIELD_REQUIRED, 1, 1024, 0, "channels of an image"),
    COUNT(W, image_size, FIELD_REQUIRED, 2, 4096, 0, "pixels, side of an image"),
    FLAG(W, pooled, 0, 1, "stride 1 and max-pool, or stride 2 and mean"),
    NUM(W, dataset_bytes, 0, 0, 1e18, 0, "bytes of the data set"),
    END,
};

const struct field backbone_fields[] = {
    COUNT(W, hidden, FIELD_REQUIRED, 1, 65536, 0, "channels of a block"),
    COUNT(W, blocks, 0, 1, 16, 4, "blocks"),
    END,
};

#define C struct compute
static const struct field compute_fields[] = {
    {"unit_s", FIELD_NUMBER, FIELD_POSITIVE, AT1(C, unit_override_s), 0, 1e9, 0,
     "s, one task or sample on one vCPU of the platform; replaces the profile"},
    NUM(C, flop_per_s, FIELD_POSITIVE, 0, 1e18, 0,
        "FLOP/s achieved on one host core; replaces the profile's rate"),
    POSITIVE_QTY(C, vcpu_ratio, 1, "speed of one vCPU of the platform over one host core"),
    POSITIVE_QTY(C, framework_ratio, 1, "time of the user's framework over the profile's kernel"),
    NUM(C, serial_share, 0, 0, 1, 0, "memory law: tau = tau1 (s + (1 - s) / v)"),
    NUM(C, threads_max, FIELD_POSITIVE, 0, 1e6, 0, "threads the code can use; absent = all vCPUs"),
    NUM(C, noise_cv, 0, 0, 10, 0, "coefficient of variation of a round's compute time"),
    NUM(C, update_s, 0, 0, 1e9, 0, "s per round and worker: the update"),
    NUM(C, merge_s_per_byte, 0, 0, 1, 0, "s/byte, merging"),
    NUM(C, serialise_s_per_byte, 0, 0, 1, 0, "s/byte, (de)serialisation of what is put or got"),
    NUM(C, constant_s, 0, 0, 1e9, 0, "s, once per job"),
    END,
};

#define Y struct system
static const struct field system_fields[] = {
    NUM(Y, poll_interval_s, 0, 0, 1e6, 0,
        "s between polls of a waiting client; 0 = notified at once"),
    NUM(Y, poll_interval_max_s, 0, 0, 1e6, 0,
        "s, sleeps between polls double up to it; 0 = they are all alike"),
    NUM(Y, c1_s_per_parameter_mb, 0, 0, 1e9, 0, "s/(parameter MB), MetaFaaS c1"),
    NUM(Y, c2_s_per_mb, 0, 0, 1e9, 0, "s/MB, MetaFaaS c2"),
    NUM(Y, c3, FIELD_POSITIVE, 0, 1e6, 1, "streams the store's link is worth, MetaFaaS c3"),
    NUM(Y, c4_s_per_op, 0, 0, 1e9, 0, "s/operation, MetaFaaS c4"),
    FLAG(Y, anil_literal, 0, 0, "M10: ANIL exchanges only the head, as printed"),
    FLAG(Y, alfa_literal, 0, 0, "M11: ALFA exchanges m, as printed"),
    FLAG(Y, tasks_fractional, 0, 0, "M15: MBS/w not rounded up, as printed"),
    END,
};

#define SIM struct simulation
static const struct field simulation_fields[] = {
    COUNT(SIM, seed, 0, 0, 9007199254740992.0, 1, "seed of all random streams"),
    COUNT(SIM, replications_min, 0, 1, 1e9, 10, "replications at least"),
    COUNT(SIM, replications_max, 0, 1, 1e9, 10000, "replications at most"),
    NUM(SIM, half_width_ratio, 0, 0, 10, 0.01,
        "stop when the interval's half width is this share of the mean"),
    NUM(SIM, confidence, 0, 0.5, 0.999999, 0.95, "of all intervals"),
    COUNT(SIM, iterations_max, 0, 0, 1e12, 0,
          "rounds simulated, the rest extended; 0 = the engine decides"),
    POSITIVE_QTY(SIM, instance_speed, 1, "compute time of an instance over the mean one"),
    POSITIVE_QTY(SIM, transfer_speed, 1, "transfer time of an instance over the mean one"),
    NUM(SIM, straggler_share, 0, 0, 1, 0, "share of worker rounds that straggle"),
    NUM(SIM, straggler_factor, 0, 1, 1e6, 1, "times as long a straggler computes"),
    NUM(SIM, crash_per_hour, 0, 0, 1e6, 0, "1/h, crashes of one function"),
    NUM(SIM, lost_update_share, 0, 0, 0.999, 0, "share of PUTs that are sent and never seen"),
    NUM(SIM, lost_update_timeout_s, 0, 0, 1e6, 60, "s, after which a lost PUT is sent again"),
    COUNT(SIM, warm_pool, 0, 0, 1e9, 0, "sandboxes warm when the job starts"),
    NUM(SIM, request_burst_s, 0, 0, 1e6, 1, "s, worth of requests a rate cap lets through at once"),
    NUM(SIM, retry_base_s, FIELD_POSITIVE, 1e-6, 1e6, 0.1,
        "s, longest wait after the first 503; doubles with each"),
    NUM(SIM, retry_cap_s, FIELD_POSITIVE, 1e-6, 1e6, 20, "s, longest wait after any 503"),
    FLAG(SIM, play_startup, 0, 1, "spread, pacing, ramp and waves of starts"),
    FLAG(SIM, play_noise, 0, 1, "noise of each computation"),
    FLAG(SIM, play_instances, 0, 1, "speed differences between instances"),
    FLAG(SIM, play_constants, 0, 1,
         "uncertain constants (vcpu_ratio, framework_ratio), drawn once per run"),
    FLAG(SIM, play_stragglers, 0, 1, "stragglers"),
    FLAG(SIM, play_latency, 0, 1, "spread of storage latency"),
    FLAG(SIM, play_contention, 0, 1, "bandwidth of stores is shared"),
    FLAG(SIM, play_throttling, 0, 1, "request-rate caps, bursts and credits"),
    FLAG(SIM, play_polling, 0, 1, "waiting clients poll"),
    FLAG(SIM, play_failures, 0, 1, "crashes, time-outs, lost updates"),
    FLAG(SIM, play_restarts, 0, 1, "functions end at their time limit"),
    END,
};

static const struct field constraint_fields[] = {
    NUM(struct constraints, deadline_s, FIELD_POSITIVE, 0, 1e12, 0, "s, latest end"),
    NUM(struct constraints, budget_usd, FIELD_POSITIVE, 0, 1e12, 0, "USD, per training run"),
    END,
};

static const struct field no_fields[] = {END};

static const struct field worker_fields[] = {
    COUNT(struct config, workers, 0, 1, 1e7, 1, "functions or machines that train"),
    END,
};

static const struct field prices_fields[] = {
    FLAG(struct config, free_tier, 0, 0, "take the monthly free tier off this run?"),
    FLAG(struct config, tiers, 0, 0, "use the lower prices of high monthly volumes?"),
    NUM(struct config, storage_month_share, 0, 0, 1e6, 0,
        "months the data set is kept on behalf of this run"),
    END,
};

#define P struct price
#define USD(key, name, text)                                                                       \
    {                                                                                              \
        key, FIELD_MONEY, 0, AT1(P, name), 0, 9000, 0, text                                        \
    }
const struct field price_fields[] = {
    USD("usd_per_gib_s", gib_s, "USD per GiB-second of function time"),
    USD("usd_per_invocation", invocation, "USD per invocation"),
    USD("usd_per_ephemeral_gib_s", ephemeral_gib_s, "USD per GiB-second of /tmp above 512 MiB"),
    USD("usd_per_provisioned_gib_s", provisioned_gib_s, "USD per GiB-second kept ready"),
    USD("usd_per_gib_s_while_provisioned", gib_s_while_provisioned,
        "USD per GiB-second of function time while provisioned"),
    USD("usd_per_put", put, "USD per PUT"),
    USD("usd_per_get", get, "USD per GET"),
    USD("usd_per_list", list, "USD per LIST"),
    USD("usd_per_put_gb", put_gb, "USD per GB written"),
    USD("usd_per_get_gb", get_gb, "USD per GB read"),
    USD("usd_per_gb_month", gb_month, "USD per GB and month stored"),
    USD("usd_per_hour", hour, "USD per hour of one node or machine"),
    USD("usd_per_job_hour", surcharge_hour, "USD per hour of the job (NAT gateway and the like)"),
    USD("usd_per_dataset_gb", once_gb, "USD per GB of the data set, once (DataSync)"),
    NUM(P, put_unit_bytes, 0, 0, 1e12, 0, "bytes per metered PUT unit; 0 = per request"),
    NUM(P, get_unit_bytes, 0, 0, 1e12, 0, "bytes per metered GET unit; 0 = per request"),
    NUM(P, minimum_s, 0, 0, 1e9, 0, "s, minimum charge of an hourly service"),
    NUM(P, hour_granularity_s, 0, 0, 1e9, 0, "s, hourly services are billed in steps of this"),
    NUM(P, free_gib_s, 0, 0, 1e15, 0, "GiB-seconds free per month"),
    NUM(P, free_invocations, 0, 0, 1e15, 0, "invocations free per month"),
    {"tier1_gib_s", FIELD_NUMBER, 0, AT1(P, tier_gib_s[0]), 0, 1e15, 0,
     "GiB-seconds, end of the first tier"},
    {"tier2_gib_s", FIELD_NUMBER, 0, AT1(P, tier_gib_s[1]), 0, 1e15, 0,
     "GiB-seconds in the second tier"},
    USD("tier2_usd_per_gib_s", tier_gib_s_price[0], "USD per GiB-second in the second tier"),
    USD("tier3_usd_per_gib_s", tier_gib_s_price[1], "USD per GiB-second in the third tier"),
    END,
};

#define SECTION(name, group, member, fields, help)                                                 \
    {                                                                                              \
        name, group, offsetof(struct config, member), fields, no_fields, help                      \
    }
const struct section sections[] = {
    SECTION("system", NULL, system, system_fields,
            "what is run: a system of the literature, its variant and options"),
    SECTION("workload", "workloads", workload, workload_fields, "what is trained"),
    SECTION("compute", "computes", compute, compute_fields, "how fast it computes"),
    {"platform", "platforms", offsetof(struct config, platform), platform_fields, worker_fields,
     "where the workers run"},
    SECTION("server", "platforms", server, platform_fields, "where a parameter server runs"),
    SECTION("store", "stores", stores[STORE_EXCHANGE], store_fields,
            "through which the workers exchange"),
    SECTION("data_store", "stores", stores[STORE_DATA], store_fields,
            "where the training data lie; absent = the store"),
    SECTION("message_store", "stores", stores[STORE_MESSAGE], store_fields,
            "queues, brokers, progress tables"),
    SECTION("network", "stores", stores[STORE_NETWORK], store_fields, "between machines"),
    {"prices", "prices", 0, no_fields, prices_fields, "dated price list"},
    SECTION("simulation", NULL, simulation, simulation_fields, "what only the simulator plays"),
    SECTION("constraints", NULL, constraints, constraint_fields, "what must be met"),
    {NULL, NULL, 0, NULL, NULL, NULL},
};

static void write_fields(struct text *out, const struct field *fields)
{
    for (const struct field *f = fields; f->key != NULL; f++) {
        text_printf(out, "  %-34s %s", f->key, f->help);
        if ((f->flags & FIELD_REQUIRED) != 0) {
            text_puts(out, " (required)");
        } else if (f->type == FIELD_BOOL) {
            text_printf(out, " (%s)", f->fallback != 0 ? "true" : "false");
        } else if (f->fallback != 0 && !isnan(f->fallback)) {
            text_printf(out, " (%g)", f->fallback);
        }
        text_puts(out, f->type == FIELD_QUANTITY ? "; may be a distribution\n" : "\n");
    }
}

void text_schema(struct text *out)
{
    text_puts(out,
              "format = 1, name, note, source, include [files], catalogue [files], baseline "
              "{overlay}, sweep "
              "{grid, zip, values_from, sample, skip}, plan {grid, zip, skip}\n"
              "catalogue: files with entries of your own, as `fit` writes them; \"use\" then finds "
              "them by name\n"
              "plan: what `plan` searches besides the workers (1 to 1000) and the memory (all the "
              "platform sells), such as {\"grid\": {\"/store/use\": [...]}}\n"
              "Any value may be {\"value\", \"source\", \"date\", \"status\"}. Defaults in "
              "brackets.\n\n");
    for (const struct section *s = sections; s->name != NULL; s++) {
        text_printf(out, "%s: %s%s%s%s\n", s->name, s->help,
                    s->catalogue != NULL ? "; \"use\" names one of the " : "",
                    s->catalogue != NULL ? s->catalogue : "",
                    s->catalogue != NULL ? " of the catalogue" : "");
        write_fields(out, s->fields);
        write_fields(out, s->extra);
        text_puts(out, "\n");
    }
    text_puts(out, "prices.classes.NAME: prices of one platform, store or service\n");
    write_fields(out, price_fields);
}
