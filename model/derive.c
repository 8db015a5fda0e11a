/* Terms every engine needs and nobody should derive twice: seconds per unit on this platform, bytes
 * to exchange, links; and the checks that take several keys together.
 *
 * Memory law: tau(M) = tau1 (s + (1 - s) / v), v = min(M / 1769 MiB, 6) on Lambda; it fits Naik's
 * Table 5, pure 1 / v does not. Below one vCPU the platform gives that share of its time: 1 / v. */
#include "model/model.h"

#include <math.h>
#include <string.h>

static const double bytes_per_number = 4; /* float32 */

double platform_vcpus(const struct platform *p)
{
    if (p->kind == PLATFORM_FUNCTION && p->mib_per_vcpu > 0) {
        const double v = p->memory_mib / p->mib_per_vcpu;
        return p->vcpu_max > 0 ? fmin(v, p->vcpu_max) : v;
    }
    return p->vcpus > 0 ? p->vcpus : 1;
}

double platform_nic(const struct platform *p)
{
    if (p->nic_bytes_per_s <= 0) {
        return HUGE_VAL;
    }
    const double share = p->nic_full_mib > 0 ? fmin(1, p->memory_mib / p->nic_full_mib) : 1;
    return p->nic_bytes_per_s * share;
}

double platform_nic_burst(const struct platform *p)
{
    const double share =
        p->nic_burst_full_mib > 0 ? fmin(1, p->memory_mib / p->nic_burst_full_mib) : 1;
    return p->nic_burst_bytes_per_s * share;
}

double unit_seconds(const struct config *c)
{
    const struct compute *k = &c->compute;
    const double vcpus = platform_vcpus(&c->platform);
    if (vcpus < 1) {
        return k->unit_s / vcpus;
    }
    const double used = k->threads_max > 0 ? fmin(vcpus, fmax(1, k->threads_max)) : vcpus;
    return k->unit_s * (k->serial_share + (1 - k->serial_share) / used);
}

struct duration units_compute(const struct config *c, double units)
{
    const double by_unit_s = units * unit_seconds(c);
    return (struct duration){
        .mean_s = by_unit_s + c->compute.update_s,
        .cv = c->compute.noise_cv,
        .by_unit_s = by_unit_s,
    };
}

double units_per_worker(const struct config *c)
{
    const double share = c->workload.units_per_iteration / c->workers;
    return c->system.tasks_fractional ? share : ceil(share); /* M15 */
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
    const double base = bytes_per_number * w->parameters;
    const double generator = bytes_per_number * w->network.generator;
    switch (w->algorithm) {
    case ALGORITHM_ANIL: /* the outer loop updates everything; MetaFaaS's appendix says the head */
        return c->system.anil_literal ? bytes_per_number * w->network.head_parameters : base;
    case ALGORITHM_ALFA:
    case ALGORITHM_EALFA: /* MetaFaaS's eq. 12 exchanges m, although only g_phi is updated */
        return c->system.alfa_literal ? base : w->theta_fixed ? generator : base + generator;
    default:
        return base;
    }
}

double model_bytes(const struct config *c)
{
    const struct workload *w = &c->workload;
    return w->model_bytes > 0 ? w->model_bytes
                              : bytes_per_number * (w->parameters + w->network.generator);
}

double metered_units(double size_bytes, double unit_bytes)
{
    return unit_bytes > 0 ? fmax(1, ceil(size_bytes / unit_bytes)) : 1;
}

struct duration merge_time_server(const struct config *c, double bytes)
{
    return (struct duration){.mean_s = c->compute.merge_s_per_byte * bytes};
}

struct duration merge_time(const struct config *c, double bytes)
{
    struct duration d = merge_time_server(c, bytes);
    d.mean_s /= fmin(1, platform_vcpus(&c->platform));
    return d;
}

/* ---------------------------------------------------------------- checks */

enum status config_place(struct error *err, const struct config *c, const char *path)
{
    if (err->path[0] == '\0') {
        snprintf(err->path, sizeof err->path, "%s", path);
    }
    if (err->file[0] == '\0' && c->file != NULL) {
        snprintf(err->file, sizeof err->file, "%s", c->file);
    }
    return err->code;
}

static enum status check_platform(const struct config *c, struct error *err)
{
    const struct platform *p = &c->platform;
    if (p->kind != PLATFORM_FUNCTION) {
        return STATUS_OK;
    }
    if (p->memory_mib <= 0) {
        RAISE(err, ERR_INPUT, "functions are sold by memory: memory_mib is missing");
        return config_place(err, c, "/platform");
    }
    if (p->memory_mib < p->memory_min_mib ||
        (p->memory_max_mib > 0 && p->memory_mib > p->memory_max_mib)) {
        RAISE(err, ERR_INFEASIBLE, "memory: %s sells %g to %g MiB, not %g", p->name,
              p->memory_min_mib, p->memory_max_mib, p->memory_mib);
        return config_place(err, c, "/platform/memory_mib");
    }
    const double steps =
        p->memory_step_mib > 0 ? (p->memory_mib - p->memory_min_mib) / p->memory_step_mib : 0;
    if (fabs(steps - floor(steps + 0.5)) > 1e-9) {
        RAISE(err, ERR_INFEASIBLE, "memory: %s sells steps of %g MiB from %g, not %g", p->name,
              p->memory_step_mib, p->memory_min_mib, p->memory_mib);
        return config_place(err, c, "/platform/memory_mib");
    }
    if (p->concurrency_limit > 0 && c->workers > p->concurrency_limit) {
        RAISE(err, ERR_INFEASIBLE, "concurrency: %g workers, %s runs %g functions at once",
              c->workers, p->name, p->concurrency_limit);
        return config_place(err, c, "/platform/workers");
    }
    return STATUS_OK;
}

uint32_t unit_factors(const struct config *c, struct unit_factor out[UNIT_FACTORS])
{
    const struct compute *k = &c->compute;
    if (k->unit_override_s > 0) {
        return 0;
    }
    out[0] = (struct unit_factor){.q = &k->vcpu_ratio, .divides = true};
    out[1] = (struct unit_factor){.q = &k->framework_ratio};
    return UNIT_FACTORS;
}

double unit_factor_mean(const struct unit_factor *f)
{
    const struct quantity *q = f->q;
    if (!f->divides) {
        return q->mean;
    }
    /* The effect of a run is lognormal, and its mean is part of q->mean. */
    const double effect = q->run_sd > 0 ? exp(q->run_sd * q->run_sd) : 1;
    return q->mean / (effect * (1 + q->cv * q->cv));
}

/* Expected seconds for one unit on one vCPU of the platform: given, measured, or from the rate,
 * times independent factors. */
static enum status derive_unit(struct config *c, struct error *err)
{
    struct compute *k = &c->compute;
    struct unit_factor factors[UNIT_FACTORS];
    double unit_s = k->unit_override_s;
    if (unit_s <= 0) {
        const double host_s = k->host_unit_s > 0  ? k->host_unit_s
                              : k->flop_per_s > 0 ? c->workload.unit_flop / k->flop_per_s
                                                  : 0;
        const uint32_t n = unit_factors(c, factors);
        double over = 1;
        unit_s = host_s;
        for (uint32_t i = 0; i < n; i++) {
            *(factors[i].divides ? &over : &unit_s) *= unit_factor_mean(&factors[i]);
        }
        unit_s /= over;
    }
    if (!(unit_s > 0) || !isfinite(unit_s)) {
        RAISE(err, ERR_INPUT, "no compute time follows for one %s: the workload needs %s",
              c->workload.kind == WORK_META ? "task" : "sample",
              c->workload.kind == WORK_META ? "a rate in the profile, or compute a unit_s"
                                            : "flop_per_sample, or compute a unit_s");
        return config_place(err, c, "/compute");
    }
    k->unit_s = unit_s;
    return STATUS_OK;
}

static enum status check_workload(const struct config *c, struct error *err)
{
    const struct workload *w = &c->workload;
    if (!(w->rounds >= 1)) {
        RAISE(err, ERR_INPUT, "the workload needs iterations%s",
              w->kind == WORK_SGD ? ", or epochs and samples" : "");
        return config_place(err, c, "/workload");
    }
    if (!(exchange_bytes(c) > 0) && !c->system.protocol->single_worker) {
        RAISE(err, ERR_INPUT, "the workload needs parameters or exchange_bytes");
        return config_place(err, c, "/workload");
    }
    if (w->kind == WORK_META && !(w->network.features >= 1)) {
        RAISE(err, ERR_INPUT, "images of %g pixels vanish in %g blocks", w->image_size, w->blocks);
        return config_place(err, c, "/workload");
    }
    return STATUS_OK;
}

enum status config_finish(struct config *c, struct error *err)
{
    const struct protocol *protocol = c->system.protocol;
    if (!(c->workers >= 1) || c->workers != floor(c->workers) || c->workers > 1e7) {
        RAISE(err, ERR_INPUT, "workers must be a whole number from 1 to 10000000, not %g",
              c->workers);
        return config_place(err, c, "/platform/workers");
    }
    if (protocol->single_worker) {
        c->workers = 1;
    }
    workload_derive(&c->workload, c->workers);
    if (protocol->iterations_per_round != NULL) {
        const double each = protocol->iterations_per_round(c);
        c->workload.rounds = ceil(c->workload.rounds / each - 1e-9);
    }
    if (check_workload(c, err) != STATUS_OK || derive_unit(c, err) != STATUS_OK) {
        return err->code;
    }
    if (protocol->takes_structure) {
        const uint32_t depth = c->system.structure_count;
        if (depth < 2 || c->system.structure[depth - 1] != c->workers) {
            RAISE(err, ERR_INPUT,
                  "the last level of the structure must be the %g workers, it is %g", c->workers,
                  depth > 0 ? c->system.structure[depth - 1] : 0);
            return config_place(err, c, "/system/structure");
        }
    }
    return check_platform(c, err);
}
