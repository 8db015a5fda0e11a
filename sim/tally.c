/* What is told of a run: requests, bytes, seconds, by what was played and what was extended. */
#include "sim/run.h"

#include <math.h>

/* Requests of one op: those played, those of the rounds that were not, and their share of retries.
 */
static void count_op(struct run *s, uint32_t i, uint32_t span, double times)
{
    const struct plan *const p = s->plan;
    const struct plan_op *const op = &p->ops[i];
    struct tally *const t = &s->tally;
    double moved = (double)s->moved[i], tried = (double)s->tried[i];
    if (span == SPAN_ITERATION && s->counters.played[op->role] > 0) {
        const double actors = p->roles[op->role].actors;
        const double each = op->total > 0 ? op->total / actors : op->count;
        const double more = s->counters.extended[op->role] * each * times;
        tried += more * (moved > 0 ? tried / moved : 1.0);
        moved += more;
    }
    if (op->kind == OP_INVOKE) {
        t->invocations += tried;
    }
    if (op->store >= STORE_USES) {
        return;
    }
    const struct price *const price = &p->config->stores[op->store].price;
    switch (op->kind) {
    case OP_PUT:
        t->requests[op->store][REQUEST_PUT] += tried;
        t->bytes_put[op->store] += moved * op->size_bytes;
        t->units_put[op->store] += tried * metered_units(op->size_bytes, price->put_unit_bytes);
        break;
    case OP_GET:
        t->requests[op->store][REQUEST_GET] += tried;
        t->bytes_get[op->store] += moved * op->size_bytes;
        t->units_get[op->store] += tried * metered_units(op->size_bytes, price->get_unit_bytes);
        break;
    case OP_LIST:
        t->requests[op->store][REQUEST_LIST] += tried;
        break;
    case OP_DELETE:
        t->requests[op->store][REQUEST_DELETE] += tried;
        break;
    default:
        break;
    }
    if (op->kind == OP_PUT && span == SPAN_ITERATION) {
        t->stored_byte_s +=
            (double)p->roles[op->role].actors * op->count * times * op->size_bytes * t->time_s;
    }
}

static void count_ops(struct run *s)
{
    const struct program *const program = s->plan->program;
    for (uint32_t r = 0; r < program->n_roles; ++r) {
        for (uint32_t k = 0; k < SPANS; ++k) {
            const struct span *const span = &program->roles[r].span[k];
            for (uint32_t i = span->first; i < span->first + span->ops; ++i) {
                count_op(s, i, k, plan_times(s->plan, i));
            }
        }
    }
}

void run_tally(struct run *s)
{
    const struct plan *const p = s->plan;
    const struct counters *const c = &s->counters;
    struct tally *const t = &s->tally;
    *t = (struct tally){.rounds = p->rounds,
                        .restarts = s->segment,
                        .rounds_per_call = p->rounds_per_call,
                        .save_s = p->save_s,
                        .invocations = c->invocations};
    const double constant_s = p->config->compute.constant_s;
    t->time_s = run_now(s) + constant_s;
    t->iteration_s = s->round_count > 0 ? s->round_sum_s / s->round_count
                                        : (t->time_s - p->start_s) / fmax(p->rounds, 1.0);
    t->category_s[CATEGORY_COMPUTE] = constant_s;
    for (uint32_t i = 0; i < p->program->n_phases; ++i) {
        t->phase_s[i] = s->job_clocks[i];
        t->category_s[p->program->phases[i].category] += s->job_clocks[i];
    }
    t->category_s[CATEGORY_WAIT] += s->job_clocks[p->program->n_phases];
    t->category_s[CATEGORY_STARTUP] += s->job_clocks[p->program->n_phases + 1];
    count_ops(s);
    for (unsigned i = 0; i < STORE_USES; ++i) {
        t->requests[i][REQUEST_LIST] += c->polls[i][0];
        t->requests[i][REQUEST_GET] += c->polls[i][1];
        t->units_get[i] += c->polls[i][1];
        t->polls += c->polls[i][0] + c->polls[i][1];
        t->bytes_put[i] += c->partial_bytes[i * DIRECTIONS + DIRECTION_PUT];
        t->bytes_get[i] += c->partial_bytes[i * DIRECTIONS + DIRECTION_GET];
    }
    for (uint32_t r = 0; r < p->program->n_roles; ++r) {
        t->billed_s[r] = c->billed_s[r];
        t->host_s[r] = c->host_s[r];
    }
}
