/* Printed equations, evaluated as their papers print them: products beside the protocol, so that a
 * reader can see what an equation says, and oracles in tests.
 *
 * MetaFaaS (BiDEDE 2022). In its symbols, per invocation and iteration:
 *
 *   eq 4   T = x (t_S + C_F + (I/x)[ MBS/w (t/B + AS IL + B_K) + L + (3w-2) m / (c3 B) ] + S_C) + c
 *   eq 5   the exchange of all I iterations, with the task size: I (3w-2) t / (c_s B)
 *   eq 11  T = x (t_S + 4 m t c1 + (I/x) MBS/w [ t/B + c2 (1+AS) t/2 + (3w-2) m / (c3 B) ] + ..) +
 * c eq 12  the same with 1/x, 4 m0 t c1 and + c4 (m + N + 6 N^2) for ALFA eq 3   x = I /
 * (iterations in 15 minutes)
 *
 * They differ from each other and from the protocol in points that carry the names M1 to M20 here
 * (options of metafaas, protocols/metafaas.c): each equation is a set of these, `resolved` has none
 * of them, and any of them can be set by itself. Identities, which leave nothing to choose: M2 (the
 * outer x and the inner I/x cancel). Choices made elsewhere: M3 is eq5 against eq4, M10, M11, M15
 * are anil_literal, alfa_literal, tasks_fractional, M16 says that nothing is predicted without
 * constants (the profile's seconds are used when c1, c2, c4 are 0), M19 is the baseline section,
 * M20 the workload's ways and shots. Where eq 11 keeps the store latency is not settled by the text
 * here: once per iteration, as in eq 4. */
#include "model/model.h"
#include "model/protocols/metafaas.h"

#include <math.h>

/* ---------------------------------------------------------------- terms */

static const double bytes_per_mb = 1e6;

/* Of a store as an equation sees it: one latency, one bandwidth. */
static double store_latency(const struct store *s)
{
    return (s->get_latency_s.mean + s->put_latency_s.mean) / 2;
}

static double store_rate(const struct config *c, enum store_use use)
{
    const double connection = c->stores[use].connection_bytes_per_s;
    return fmin(connection > 0 ? connection : HUGE_VAL, platform_nic(&c->platform));
}

static double store_aggregate(const struct store *s, bool get)
{
    const double rate = get ? s->aggregate_get_bytes_per_s : s->aggregate_put_bytes_per_s;
    return rate > 0 ? rate * fmax(1, s->nodes) : HUGE_VAL;
}

/* w clients get or put one object of `bytes` each (models: phase(w, 1, b)). */
static double phase(const struct config *c, enum store_use use, bool get, double clients,
                    double bytes)
{
    const struct store *s = &c->stores[use];
    const double latency = get ? s->get_latency_s.mean : s->put_latency_s.mean;
    return latency + fmax(bytes / store_rate(c, use), clients * bytes / store_aggregate(s, get));
}

static double inside(double optimum, double limit)
{
    return optimum > 1 && optimum < limit ? optimum : 0;
}

static void add_up(const struct config *c, struct reading_result *r)
{
    r->compute_s += c->compute.constant_s;
    r->time_s = r->startup_s + r->load_s + r->compute_s + r->exchange_s + r->checkpoint_s;
}

/* ---------------------------------------------------------------- MetaFaaS */

/* What an equation prints against its own protocol: true = as printed. */
struct ambiguities {
    bool restarts, one_latency, inside_bracket, one_over_x, no_load_save, backward_outside;
    bool inner_again, count_in_mb, store_bandwidth, one_worker_charged, whole_transfers;
    bool start_grows, exchange_m, tasks_fractional, task_size;
};

static bool as_printed(const struct config *c, enum metafaas_option option, bool by_reading)
{
    const enum metafaas_choice choice = (enum metafaas_choice)c->system.option[option];
    return choice == AS_THE_READING ? by_reading : choice == AS_PRINTED;
}

static struct ambiguities read_ambiguities(const struct config *c)
{
    const enum reading reading = c->system.reading;
    const bool eq12 = reading == READING_EQ12;
    const bool eq11 = reading == READING_EQ11 || eq12;
    const bool eq4 = reading == READING_EQ4 || reading == READING_EQ5;
    const bool any = eq4 || eq11;
    return (struct ambiguities){
        .restarts = as_printed(c, METAFAAS_M1, any),
        .one_latency = as_printed(c, METAFAAS_M4, any),
        .inside_bracket = as_printed(c, METAFAAS_M5, eq11),
        .one_over_x = as_printed(c, METAFAAS_M6, eq12),
        .no_load_save = as_printed(c, METAFAAS_M7, eq11),
        .backward_outside = as_printed(c, METAFAAS_M8, eq11),
        .inner_again = as_printed(c, METAFAAS_M9, false),
        .count_in_mb = as_printed(c, METAFAAS_M12, eq12),
        .store_bandwidth = as_printed(c, METAFAAS_M13, any),
        .one_worker_charged = as_printed(c, METAFAAS_M14, any),
        .whole_transfers = as_printed(c, METAFAAS_M17, true),
        .start_grows = as_printed(c, METAFAAS_M18, eq4),
        .exchange_m = c->system.alfa_literal || eq12,
        .tasks_fractional = c->system.tasks_fractional || any,
        .task_size = reading == READING_EQ5,
    };
}

/* kappa_A: seconds of one task without reading it; the backward term apart (M8). */
static void task_seconds(const struct config *c, const struct ambiguities *a, double *inner_s,
                         double *backward_s)
{
    const struct system *s = &c->system;
    const struct workload *w = &c->workload;
    const double t_mb = w->unit_bytes / bytes_per_mb;
    const double steps = w->adaptation_steps;
    *backward_s = 0;
    if (s->c1_s_per_parameter_mb <= 0 && s->c2_s_per_mb <= 0 && s->c4_s_per_op <= 0) {
        *inner_s = unit_seconds(c);
        return;
    }
    const bool generator = w->network.generator > 0;
    const double trained = generator ? w->network.generator : w->parameters;
    const double again = a->inner_again ? steps : 1;
    *inner_s = again * s->c2_s_per_mb * (1 + steps) * t_mb / 2;
    *backward_s = 4 * s->c1_s_per_parameter_mb * trained * t_mb;
    if (generator) {
        const bool head_only = w->algorithm == ALGORITHM_EALFA; /* one layer: N = 1 */
        const double layers = head_only ? 1 : w->network.tensors;
        const double parameters = head_only ? w->network.head_parameters : w->parameters;
        const double count = a->count_in_mb ? 4 * parameters / bytes_per_mb : parameters;
        *inner_s += s->c4_s_per_op * (count + layers + 6 * layers * layers) * steps;
    }
}

/* Per iteration, without the factor of M5. */
static double metafaas_exchange(const struct config *c, const struct ambiguities *a, double m)
{
    const double w = c->workers;
    const double latency = store_latency(&c->stores[STORE_EXCHANGE]);
    const double rate = c->system.c3 * store_rate(c, STORE_EXCHANGE);
    if (w == 1 && !a->one_worker_charged) {
        return 0;
    }
    const double size = a->task_size ? c->workload.unit_bytes : m;
    const double moved_s = (3 * w - 2) * (a->whole_transfers ? size : size / w) / rate;
    if (a->task_size) {
        return moved_s; /* eq 5 has no latency (M3) */
    }
    if (a->one_latency) {
        return latency + moved_s;
    }
    const double requests = a->whole_transfers ? w + 2 : 3 * w - 2;
    return requests * latency + moved_s + (w - 1) * c->compute.merge_s_per_byte * m;
}

/* Relaxed optimum of a / w + D w: w* = sqrt(a / D). */
static double metafaas_optimum(const struct config *c, const struct ambiguities *a, double task_s,
                               double m)
{
    const double rate = c->system.c3 * store_rate(c, STORE_EXCHANGE);
    double slope = 3 * (a->task_size ? c->workload.unit_bytes : m) / rate;
    if (a->inside_bracket) {
        return 0;
    }
    if (!a->whole_transfers) {
        slope = 0; /* (3 - 2/w) m: bounded in w */
    }
    if (!a->one_latency && !a->task_size) {
        slope += (a->whole_transfers ? 1 : 3) * store_latency(&c->stores[STORE_EXCHANGE]) +
                 c->compute.merge_s_per_byte * m;
    }
    const double all = c->workload.units_per_iteration;
    return slope > 0 ? inside(sqrt(all * task_s / slope), all) : 0;
}

static enum status metafaas(const struct config *c, struct reading_result *r, struct error *err)
{
    const struct ambiguities a = read_ambiguities(c);
    const struct workload *w = &c->workload;
    const double m =
        a.exchange_m && w->network.generator > 0 ? 4 * w->parameters : exchange_bytes(c);
    const double share = w->units_per_iteration / c->workers;
    const double tasks = a.tasks_fractional ? share : ceil(share);
    double inner_s = 0;
    double backward_s = 0;
    task_seconds(c, &a, &inner_s, &backward_s);
    double read_s = w->unit_bytes / store_rate(c, STORE_EXCHANGE);
    if (!a.store_bandwidth) {
        read_s = w->data_each_unit ? c->stores[STORE_DATA].get_latency_s.mean +
                                         w->unit_bytes / store_rate(c, STORE_DATA)
                                   : 0;
    }
    const double kappa_s = inner_s + (a.backward_outside ? 0 : backward_s);
    double exchange_s = metafaas_exchange(c, &a, m);
    if (a.inside_bracket) {
        const double latency_s = a.one_latency ? store_latency(&c->stores[STORE_EXCHANGE]) : 0;
        exchange_s = latency_s + tasks * (exchange_s - latency_s);
    }
    const double compute_s = tasks * kappa_s + c->compute.update_s;
    r->iteration_s = tasks * read_s + compute_s + exchange_s;

    const double start_s = a.start_grows
                               ? start_mean(c, NULL, c->workers)
                               : c->platform.start_s.mean + c->platform.framework_init_s.mean;
    const double load_s =
        a.no_load_save ? 0 : phase(c, STORE_EXCHANGE, true, c->workers, model_bytes(c));
    const double save_s = a.no_load_save ? 0 : phase(c, STORE_EXCHANGE, false, 1, model_bytes(c));
    const double limit_s = c->platform.time_limit_s;
    double x = 1;
    if (limit_s > 0 && a.restarts) {
        x = w->rounds * r->iteration_s / limit_s; /* eq 3: a ratio, below 1 for short jobs */
    } else if (limit_s > 0) {
        const double room_s = limit_s - start_s - load_s - save_s - c->platform.guard_s;
        const double fit = floor(room_s / r->iteration_s + 1e-9);
        if (!(fit >= 1)) {
            RAISE(err, ERR_INFEASIBLE, "time limit: no iteration of %.3g s fits in %.3g s",
                  r->iteration_s, room_s);
            return config_place(err, c, "/platform/time_limit_s");
        }
        x = ceil(w->rounds / fit);
    }
    const double times = a.one_over_x ? 1 : w->rounds; /* x I/x = I, x 1/x = 1 (M6) */
    r->restarts = x - 1;
    r->startup_s = x * start_s;
    r->load_s = x * load_s + times * tasks * read_s;
    r->checkpoint_s = x * save_s;
    r->exchange_s = times * exchange_s;
    r->compute_s = times * compute_s + (a.backward_outside ? x * backward_s : 0);
    r->no_optimum = a.inside_bracket;
    r->optimum_workers = metafaas_optimum(c, &a, read_s + kappa_s, m);
    add_up(c, r);
    return STATUS_OK;
}

/* ---------------------------------------------------------------- other papers */

/* LambdaML (SIGMOD 2021), its analytical model; s data set, R rounds at w = 1, f(w) loss of
 * statistical efficiency, C compute of one round:
 *   FaaS(w) = t_F(w) + s / (w B) + R f(w) ((3w - 2)(m / (w B) + L) + C / w)
 *   IaaS(w) = t_I(w) + s / (w B) + R f(w) ((2w - 2)(m / (w B_n) + L_n) + C / w) */
static void lambdaml(const struct config *c, struct reading_result *r)
{
    const double w = c->workers;
    const struct workload *load = &c->workload;
    const bool machines = c->platform.kind == PLATFORM_VM;
    const enum store_use use = machines ? STORE_NETWORK : STORE_EXCHANGE;
    const double transfers = machines ? 2 * w - 2 : w == 1 ? 0 : 3 * w - 2;
    const double m = exchange_bytes(c);
    const double rate = store_rate(c, use);
    const double latency = store_latency(&c->stores[use]);
    const double all_s = load->units_per_iteration * unit_seconds(c);
    const double exchange_s = transfers * (m / (w * rate) + latency);
    r->iteration_s = exchange_s + all_s / w;
    r->startup_s = start_mean(c, NULL, w);
    r->load_s = load->dataset_bytes / (w * store_rate(c, STORE_DATA));
    r->exchange_s = load->rounds * exchange_s;
    r->compute_s = load->rounds * all_s / w;
    const double gain_s = all_s - 2 * m / rate;
    const double slope = (machines ? 2 : 3) * latency;
    if (gain_s > 0 && slope > 0) {
        r->optimum_workers = inside(sqrt(gain_s / slope), load->units_per_iteration);
    }
    add_up(c, r);
}

/* lambda-DNN (icloud-ecnu/lambdadnn, README): T = t_load + k (t_comp + t_comm), t_load =
 * d_t / (n B_s), t_comp = b_g / (n R), t_comm = 2 d_m / (function's share of the servers' link). */
static void lambda_dnn(const struct config *c, struct reading_result *r)
{
    const double n = c->workers;
    const struct workload *load = &c->workload;
    const struct store *network = &c->stores[STORE_NETWORK];
    const double m = exchange_bytes(c);
    const double servers = fmin(store_aggregate(network, true), store_aggregate(network, false));
    const double share = fmin(store_rate(c, STORE_NETWORK), servers / n);
    const double all_s = load->units_per_iteration * unit_seconds(c);
    r->iteration_s = all_s / n + 2 * m / share;
    r->load_s = load->dataset_bytes / (n * store_rate(c, STORE_DATA));
    r->compute_s = load->rounds * all_s / n;
    r->exchange_s = load->rounds * 2 * m / share;
    r->optimum_workers = inside(sqrt(all_s * servers / (2 * m)), load->units_per_iteration);
    add_up(c, r);
}

/* Feng et al. (IEEE CLOUD 2018). Slide 10: C(z) = p n z t(z), p per MB-second, n functions of z MB;
 * R(z) = f / (C(z) t(z)), f the work in FLOP. The slides omit t(z); reconstructed as the time of
 * the tree (protocols/feng.c) with the ratios unrounded, one write per level, and no start-up. */
static void feng(const struct config *c, struct reading_result *r)
{
    const struct system *s = &c->system;
    const struct workload *load = &c->workload;
    const struct store *db = &c->stores[STORE_EXCHANGE];
    const double m = exchange_bytes(c);
    const double transfer_s = m / store_rate(c, STORE_EXCHANGE);
    const double alpha_s = db->put_latency_s.mean + transfer_s;
    const double read_s = db->get_latency_s.mean + transfer_s;
    const double beta_s = read_s + c->compute.merge_s_per_byte * m;
    double exchange_s = c->workers > 1 ? read_s : 0;
    for (uint32_t l = 1; l < s->structure_count && c->workers > 1; l++) {
        exchange_s += alpha_s + beta_s * s->structure[l] / s->structure[l - 1];
    }
    const double compute_s = worker_compute(c).mean_s;
    r->iteration_s = compute_s + exchange_s;
    r->compute_s = load->rounds * compute_s;
    r->exchange_s = load->rounds * exchange_s;
    add_up(c, r);
    const double usd_per_mb_s = (double)c->platform.price.gib_s * 1e-15 / 1024;
    const double flop = load->rounds * load->units_per_iteration * load->unit_flop;
    r->cost_usd = usd_per_mb_s * c->workers * c->platform.memory_mib * r->time_s;
    if (flop > 0 && r->cost_usd > 0) {
        r->flop_per_usd_s = flop / (r->cost_usd * r->time_s);
    }
}

enum status reading_evaluate(const struct config *c, struct reading_result *r, struct error *err)
{
    const enum reading reading = c->system.reading;
    const bool alfa = c->workload.network.generator > 0;
    *r = (struct reading_result){.cost_usd = (double)NAN, .flop_per_usd_s = (double)NAN};
    if ((c->system.protocol->readings >> reading & 1) == 0) {
        RAISE(err, ERR_INPUT, "the papers on %s print no such equation", c->system.protocol->name);
        return config_place(err, c, "/system/reading");
    }
    if (reading == READING_EQ11 && alfa) {
        RAISE(err, ERR_INPUT, "eq11 is printed for MAML and ANIL; ALFA has eq12");
        return config_place(err, c, "/system/reading");
    }
    if (reading == READING_EQ12 && !alfa) {
        RAISE(err, ERR_INPUT, "eq12 is printed for ALFA; MAML and ANIL have eq11");
        return config_place(err, c, "/system/reading");
    }
    switch (reading) {
    case READING_LAMBDAML:
        lambdaml(c, r);
        return STATUS_OK;
    case READING_LAMBDA_DNN:
        lambda_dnn(c, r);
        return STATUS_OK;
    case READING_FENG:
        feng(c, r);
        return STATUS_OK;
    default:
        return metafaas(c, r, err);
    }
}
