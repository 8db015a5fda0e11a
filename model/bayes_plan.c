/* SMLT's optimiser over the space of a plan, with the closed form in place of the cloud. */
#include "model/bayes_plan.h"

#include "model/search_space.h"

#include <math.h>

enum { CHOICE, WORKERS, MEMORY, ONE_HOT = BAYES_DIMENSIONS - 2 };
enum { FEWEST = 10, MOST = 200 }; /* workers of the repository's search */

struct space {
    const struct search *search;
    const struct search_objective *objective;
    struct constraints limits;
    bool line; /* workers only */
    size_t first;
    double rounds, memory_mib; /* line: the scenario's own */
    struct evaluator evaluator;
    struct bayes_plan *out;
};

/* The memory the scenario itself says; 0 when it says none: an axis may have taken its place. */
static double own_memory(const struct scenario *s)
{
    const struct json *node = json_bare(json_pointer(s->tree, "/platform/memory_mib"));
    return node != NULL && node->kind == JSON_NUMBER ? node->number : 0;
}

static size_t memory_of(const struct space *s, const struct search_choice *c, size_t index)
{
    if (!s->line || c->n_memory == 0) {
        return index < c->n_memory ? index : c->n_memory - 1;
    }
    size_t i = 0; /* the scenario's own, or the next larger that is sold; none: the largest */
    while (i + 1 < c->n_memory && (s->memory_mib <= 0 || c->memory[i] < s->memory_mib)) {
        i++;
    }
    return i;
}

static struct search_point point_of(const struct space *s, const size_t *place)
{
    const size_t choice = s->line ? 0 : place[CHOICE];
    const struct search_choice *c = &s->search->choices[choice];
    const size_t w = s->line ? s->first + place[0] : place[WORKERS];
    const bool one = c->config.system.protocol->single_worker;
    return (struct search_point){
        .choice = (uint32_t)choice,
        .workers = one ? 1 : (uint32_t)s->search->workers[w],
        .memory_mib = c->n_memory > 0 ? c->memory[memory_of(s, c, s->line ? 0 : place[MEMORY])]
                                      : c->config.platform.memory_mib};
}

/* Position of a number between two others on a scale of factors. */
static double position(double x, double low, double high)
{
    return low > 0 && high > low ? log(x / low) / log(high / low) : 0;
}

static size_t locate(const void *context, const size_t *place, double *x)
{
    const struct space *s = context;
    const struct search *search = s->search;
    const size_t last = search->n_workers - 1;
    const struct search_point p = point_of(s, place);
    const struct search_choice *c = &search->choices[p.choice];
    size_t n = 0;
    if (s->line) {
        x[0] = position(p.workers, search->workers[s->first], search->workers[last]);
        return 1;
    }
    x[n++] = position(p.workers, search->workers[0], search->workers[last]);
    x[n++] = c->n_memory > 0 ? position(p.memory_mib, c->memory[0], c->memory[c->n_memory - 1]) : 0;
    if (search->n_choices > ONE_HOT) { /* too many to be told apart: in their order */
        x[n++] = (double)p.choice / (double)(search->n_choices - 1);
    } else if (search->n_choices > 1) { /* all as far from each other as the ends of an axis */
        for (size_t i = 0; i < search->n_choices; i++) {
            x[n++] = i == p.choice ? sqrt(0.5) : 0;
        }
    }
    return n;
}

/* What the scenario leaves out is no configuration of the plan: nobody would try it. */
static bool allowed(const void *context, const size_t *place)
{
    const struct space *s = context;
    struct config c;
    const struct search_point p = point_of(s, place);
    search_config(s->search, &p, &c);
    return !scenario_skips(s->search->scenario, &c);
}

/* Time and dollars of a run of so many rounds there (0: of all); *feasible false when it cannot be.
 */
static enum status run(struct space *s, struct search_point *p, double rounds, bool *feasible,
                       struct error *err)
{
    struct config c;
    struct tally t;
    struct ledger ledger;
    struct error why = {0};
    search_config(s->search, p, &c);
    if (rounds > 0) {
        c.workload.iterations =
            c.workload.iterations > 0 ? fmin(rounds, c.workload.iterations) : rounds;
        c.workload.iterations_exponent = 0;
    }
    *feasible = predict_tally(&c, &s->evaluator, &t, &why) == STATUS_OK;
    if (!*feasible) {
        if (why.code != STATUS_OK && why.code != ERR_INFEASIBLE) {
            *err = why;
        }
        return err->code;
    }
    cost_compute(&c, &s->evaluator.program, &t, false, &ledger);
    p->time_s = t.time_s;
    p->bound = t.bound;
    p->cost_usd = money_usd(ledger.total);
    return STATUS_OK;
}

static enum status measure(void *context, const size_t *place, double *value, double *ratio,
                           bool *feasible, struct error *err)
{
    struct space *s = context;
    struct bayes_run *r = &s->out->runs[s->out->n++];
    bool profiled = false;
    *r = (struct bayes_run){.point = point_of(s, place)};
    struct search_point profile = r->point;
    if (run(s, &r->point, 0, &r->feasible, err) != STATUS_OK ||
        (r->feasible && run(s, &profile, s->rounds, &profiled, err) != STATUS_OK)) {
        return err->code;
    }
    r->profile_time_s = profile.time_s;
    r->profile_cost_usd = profile.cost_usd;
    s->out->profile_time_s += r->profile_time_s;
    s->out->profile_cost_usd += r->profile_cost_usd;
    *feasible = r->feasible;
    *value = search_value(s->objective, r->point.time_s, r->point.cost_usd);
    *ratio = s->limits.deadline_s > 0 || s->limits.budget_usd > 0
                 ? search_miss(&s->limits, r->point.time_s, r->point.cost_usd)
                 : 1;
    return STATUS_OK;
}

enum status bayes_plan(const struct search *s, const struct search_objective *objective,
                       const struct constraints *limits, const struct bayes_options *options,
                       double rounds, struct bayes_plan *out, struct error *err)
{
    struct space space = {.search = s,
                          .objective = objective,
                          .limits = *limits,
                          .line = options->acquisition == BAYES_CONFIDENCE_BOUND,
                          .rounds = rounds,
                          .memory_mib = own_memory(s->scenario),
                          .out = out};
    struct bayes_space lattice = {.dimensions = 3,
                                  .sizes = {s->n_choices, s->n_workers, 1},
                                  .categories = {true, false, false},
                                  .locate = locate,
                                  .measure = measure,
                                  .allowed = s->scenario->n_skips > 0 ? allowed : NULL,
                                  .context = &space};
    struct bayes_result result;
    *out = (struct bayes_plan){.best = -1};
    for (size_t i = 0; i < s->n_choices; i++) {
        const size_t n = s->choices[i].n_memory;
        lattice.sizes[MEMORY] = n > lattice.sizes[MEMORY] ? n : lattice.sizes[MEMORY];
    }
    if (space.line) {
        size_t end = s->n_workers;
        while (space.first < end && s->workers[space.first] < FEWEST) {
            space.first++;
        }
        while (end > space.first && s->workers[end - 1] > MOST) {
            end--;
        }
        if (space.first == end) {
            space.first = 0;
            end = s->n_workers;
        }
        space.limits = (struct constraints){0, 0};
        lattice.dimensions = 1;
        lattice.categories[0] = false;
        lattice.sizes[0] = end - space.first;
    }
    if (bayes_minimise(&lattice, options, &result, err) == STATUS_OK) {
        out->best = result.best;
        out->stopped = result.stopped;
    }
    evaluator_free(&space.evaluator);
    return err->code;
}
