/* Terms that follow from a configuration: vCPUs of a memory size, seconds of a unit, bytes to
 * exchange; and the checks that need several sections at once. */
#include "model/model.h"

#include <math.h>

static const double float_bytes = 4;

double platform_vcpus(const struct platform *p)
{
    if (p->kind == PLATFORM_VM || p->mib_per_vcpu <= 0) {
        return p->vcpus > 0 ? p->vcpus : 1;
    }
    const double v = p->memory_mib / p->mib_per_vcpu;
    return p->vcpu_max > 0 ? fmin(v, p->vcpu_max) : v;
}

double platform_nic(const struct platform *p)
{
    if (p->nic_bytes_per_s <= 0) {
        return HUGE_VAL;
    }
    if (p->kind == PLATFORM_FUNCTION && p->nic_full_mib > 0) {
        return p->nic_bytes_per_s * fmin(1, p->memory_mib / p->nic_full_mib);
    }
    return p->nic_bytes_per_s;
}

double unit_seconds(const struct config *c)
{
    const struct compute *k = &c->compute;
    double one_vcpu_s = k->unit_override_s;
    if (one_vcpu_s <= 0) {
        const double host_s =
            k->host_unit_s > 0 ? k->host_unit_s : c->workload.unit_flop / k->flop_per_s;
        one_vcpu_s = host_s * k->framework_ratio / k->vcpu_ratio.mean;
    }
    double v = platform_vcpus(&c->platform);
    if (k->threads_max > 0) {
        v = fmin(v, k->threads_max);
    }
    /* Below one vCPU the function is time-sliced; above, tau = a + b / v (Naik, table 5). */
    return v < 1 ? one_vcpu_s / v : one_vcpu_s * (k->serial_share + (1 - k->serial_share) / v);
}

double units_per_worker(const struct config *c)
{
    const double share = c->workload.units_per_iteration / c->workers;
    return c->system.tasks_fractional ? share : ceil(share);
}

struct duration units_compute(const struct config *c, double units)
{
    return (struct duration){.mean_s = units * unit_seconds(c) + c->compute.update_s,
                             .cv = c->compute.noise_cv};
}

struct duration worker_compute(const struct config *c)
{
    return units_compute(c, units_per_worker(c));
}

double exchange_bytes(const struct config *c)
{
    const struct workload *w = &c->workload;
    if (w->exchange_bytes > 0) {
        return w->exchange_bytes;
    }
    if (w->kind == WORK_SGD) {
        return float_bytes * w->parameters;
    }
    struct network_size n;
    network_measure(w, &n);
    const bool alfa = w->algorithm == ALGORITHM_ALFA || w->algorithm == ALGORITHM_EALFA;
    if (alfa && c->system.alfa_literal) { /* M11: as printed */
        return float_bytes * n.parameters;
    }
    if (alfa) {
        return float_bytes * (n.generator + (w->theta_fixed ? 0 : n.parameters));
    }
    if (w->algorithm == ALGORITHM_ANIL && c->system.anil_literal) { /* M10: as printed */
        return float_bytes * n.head_parameters;
    }
    return float_bytes * n.parameters;
}

double model_bytes(const struct config *c)
{
    const struct workload *w = &c->workload;
    if (w->model_bytes > 0) {
        return w->model_bytes;
    }
    if (w->kind == WORK_SGD) {
        return float_bytes * w->parameters;
    }
    struct network_size n;
    network_measure(w, &n);
    return float_bytes * (n.parameters + n.generator);
}

struct duration merge_time(const struct config *c, double bytes)
{
    return (struct duration){.mean_s = c->compute.merge_s_per_byte * bytes};
}

static enum status check_platform(const struct platform *p, double workers, struct error *err)
{
    if (p->kind != PLATFORM_FUNCTION) {
        return STATUS_OK;
    }
    if (p->memory_mib <= 0) {
        return RAISE(err, ERR_INPUT,
                     "platform.memory_mib is missing: functions are sold by memory");
    }
    if (p->memory_mib < p->memory_min_mib ||
        (p->memory_max_mib > 0 && p->memory_mib > p->memory_max_mib)) {
        return RAISE(err, ERR_INFEASIBLE, "memory: %g MiB asked for, the platform sells %g to %g",
                     p->memory_mib, p->memory_min_mib, p->memory_max_mib);
    }
    const double steps =
        p->memory_step_mib > 0 ? (p->memory_mib - p->memory_min_mib) / p->memory_step_mib : 0;
    if (steps != floor(steps)) {
        return RAISE(err, ERR_INFEASIBLE, "memory: %g MiB asked for, sold in steps of %g from %g",
                     p->memory_mib, p->memory_step_mib, p->memory_min_mib);
    }
    if (p->concurrency_limit > 0 && workers > p->concurrency_limit) {
        return RAISE(err, ERR_INFEASIBLE, "concurrency: %g workers, the account runs %g functions",
                     workers, p->concurrency_limit);
    }
    return STATUS_OK;
}

enum status config_finish(struct config *c, struct error *err)
{
    const struct protocol *p = c->system.protocol;
    if (p->single_worker) {
        c->workers = 1;
    }
    workload_derive(&c->workload, c->workers);
    if (p->iterations_per_round != NULL) {
        c->workload.rounds = ceil(c->workload.rounds / p->iterations_per_round(c) - 1e-9);
    }
    if (c->workload.rounds < 1) {
        return RAISE(err, ERR_INPUT,
                     "no rounds: give workload.iterations, or epochs, samples and batch_size");
    }
    if (!(unit_seconds(c) > 0)) {
        return RAISE(err, ERR_INPUT,
                     "a unit takes no time: give compute.unit_s, or flop_per_sample and a rate");
    }
    return check_platform(&c->platform, c->workers, err);
}
