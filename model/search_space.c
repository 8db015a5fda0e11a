/* What a plan may choose from: workers, memory, and the combinations of all other axes. */
#include "model/search_space.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    WORKERS_USUAL = 1000,
    TREES_MAX = 20000, /* workers for whom a tree is chosen: the choice is quadratic in them */
    COMBINATIONS = 64  /* configurations a cursor keeps at once (model/cursor.c) */
};

static const char workers_pointer[] = "/platform/workers";
static const char memory_pointer[] = "/platform/memory_mib";

static const struct axis *find_axis(const struct scenario *s, const char *pointer)
{
    for (size_t i = 0; i < s->n_axes; i++) {
        if (strcmp(s->axes[i].pointer, pointer) == 0) {
            return &s->axes[i];
        }
    }
    return NULL;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The numbers of an axis in ascending order, each once. The axis has its dimension for itself. */
static enum status axis_numbers(struct search *s, const struct axis *axis, const double **out,
                                size_t *count, struct error *err)
{
    for (size_t i = 0; i < s->scenario->n_axes; i++) {
        const struct axis *other = &s->scenario->axes[i];
        if (other != axis && other->dimension == axis->dimension) {
            return JSON_RAISE(err, axis->at, ERR_INPUT,
                              "a plan searches this by itself: it cannot stand in a zip");
        }
    }
    if (!axis->fast) {
        return JSON_RAISE(err, axis->at, ERR_INPUT, "expected plain numbers");
    }
    double *values = arena_alloc(&s->arena, axis->count * sizeof *values);
    if (values == NULL) {
        return RAISE(err, ERR_MEMORY, "out of memory for %zu values", axis->count);
    }
    memcpy(values, axis->numbers, axis->count * sizeof *values);
    qsort(values, axis->count, sizeof *values, ascending);
    *count = 0;
    for (size_t i = 0; i < axis->count; i++) {
        if (*count == 0 || values[*count - 1] != values[i]) {
            values[(*count)++] = values[i];
        }
    }
    *out = values;
    return STATUS_OK;
}

static bool sold(const struct platform *p, double mib)
{
    if (p->kind != PLATFORM_FUNCTION) {
        return true;
    }
    const double steps =
        p->memory_step_mib > 0 ? (mib - p->memory_min_mib) / p->memory_step_mib : 0;
    return mib >= p->memory_min_mib && (p->memory_max_mib <= 0 || mib <= p->memory_max_mib) &&
           fabs(steps - floor(steps + 0.5)) <= 1e-9;
}

/* Every memory a platform sells; its own where it sells one only, or is no function. */
static enum status all_memory(struct search *s, const struct platform *p, const double **out,
                              size_t *count, struct error *err)
{
    const double step = p->memory_step_mib > 0 ? p->memory_step_mib : 1;
    const double low = p->memory_min_mib > 0 ? p->memory_min_mib : step;
    const bool one = p->kind != PLATFORM_FUNCTION || !(p->memory_max_mib > low);
    const double n = one ? 1 : floor((p->memory_max_mib - low) / step + 1e-9) + 1;
    double *values = n <= 1e7 ? arena_alloc(&s->arena, (size_t)n * sizeof *values) : NULL;
    if (values == NULL) {
        return RAISE(err, ERR_MEMORY, "out of memory for %g sizes of memory", n);
    }
    for (size_t i = 0; i < (size_t)n; i++) {
        values[i] = one ? p->memory_mib : low + (double)i * step;
    }
    *out = values;
    *count = (size_t)n;
    return STATUS_OK;
}

static enum status choose_memory(struct search *s, struct search_choice *c, struct error *err)
{
    const struct axis *axis = find_axis(s->scenario, memory_pointer);
    if (axis == NULL) {
        return all_memory(s, &c->config.platform, &c->memory, &c->n_memory, err);
    }
    if (c->config.platform.kind != PLATFORM_FUNCTION) { /* one is as good as all */
        return all_memory(s, &c->config.platform, &c->memory, &c->n_memory, err);
    }
    const double *values = NULL;
    size_t count = 0;
    if (axis_numbers(s, axis, &values, &count, err) != STATUS_OK) {
        return err->code;
    }
    double *kept = arena_alloc(&s->arena, (count + 1) * sizeof *kept);
    if (kept == NULL) {
        return RAISE(err, ERR_MEMORY, "out of memory for %zu sizes of memory", count);
    }
    for (size_t i = 0; i < count; i++) {
        if (sold(&c->config.platform, values[i])) {
            kept[c->n_memory++] = values[i];
        }
    }
    c->memory = kept;
    return STATUS_OK;
}

/* What is monotone in memory: see search.h. */
static void relax(struct search_choice *c, bool asynchronous)
{
    c->relaxed = c->config;
    c->relaxed.system.poll_interval_s = 0;
    if (!asynchronous) {
        c->relaxed.compute.noise_cv = 0;
        for (int i = 0; i < STORE_USES; i++) {
            c->relaxed.stores[i].get_latency_s.cv = 0;
            c->relaxed.stores[i].put_latency_s.cv = 0;
            c->relaxed.stores[i].list_latency_s.cv = 0;
        }
    }
    c->tight = config_identity(&c->relaxed, false) == config_identity(&c->config, false);
    c->unbounded = c->config.system.reading != READING_PROTOCOL;
}

static enum status choose_trees(struct search *s, struct search_choice *c, struct error *err)
{
    double most = s->workers[s->n_workers - 1];
    const struct scenario *sc = s->scenario;
    for (size_t i = 0; i < sc->n_axes; i++) {
        c->own_structure =
            c->own_structure || strcmp(sc->axes[i].pointer, "/system/structure") == 0;
    }
    if (!c->config.system.protocol->takes_structure || c->own_structure) {
        return STATUS_OK;
    }
    if (most > TREES_MAX) {
        RAISE(err, ERR_INPUT, "trees are chosen for at most %d workers, found %g", TREES_MAX, most);
        return config_place(err, &c->config, "/plan");
    }
    struct config best = c->config;
    double alpha_s = 0;
    double beta_s = 0;
    best.workers = 1;
    best.system.structure[0] = best.system.structure[1] = 1;
    best.system.structure_count = 2;
    best.platform.memory_mib = c->n_memory > 0 ? c->memory[c->n_memory - 1] : 0;
    c->parents = arena_alloc(&s->arena, ((size_t)most + 2) * sizeof *c->parents);
    if (c->parents == NULL) {
        return RAISE(err, ERR_MEMORY, "out of memory for trees of %g workers", most);
    }
    if (config_finish(&best, err) != STATUS_OK) {
        return err->code;
    }
    structure_costs(&best, &alpha_s, &beta_s);
    return structure_parents((uint32_t)most, alpha_s, beta_s, c->parents, err);
}

static enum status open_choice(struct search *s, struct search_choice *c, struct error *err)
{
    bool skipped = false;
    struct evaluator e = {0};
    struct error ignored = {0};
    if (cursor_seek(&s->cursor, c->point, &skipped, err) != STATUS_OK) {
        return err->code;
    }
    c->config = s->cursor.config;
    if (choose_memory(s, c, err) != STATUS_OK || choose_trees(s, c, err) != STATUS_OK) {
        cursor_locate(&s->cursor, c->point, err);
        return err->code;
    }
    /* Whether it is asynchronous shows in its program, whatever the size. */
    struct tally t;
    struct search_point p = {.workers = (uint32_t)s->workers[0]};
    struct config probe;
    if (c->own_structure && c->config.system.structure_count > 0) {
        p.workers = (uint32_t)c->config.system.structure[c->config.system.structure_count - 1];
    }
    p.choice = (uint32_t)(c - s->choices);
    p.memory_mib = c->n_memory > 0 ? c->memory[c->n_memory - 1] : c->config.platform.memory_mib;
    search_config(s, &p, &probe);
    if (predict_tally(&probe, &e, &t, &ignored) != STATUS_OK && ignored.code != ERR_INFEASIBLE) {
        *err = ignored;
        cursor_locate(&s->cursor, c->point, err);
    }
    relax(c, e.program.sync == SYNC_ASYNCHRONOUS);
    evaluator_free(&e);
    return err->code;
}

/* The number of a scenario's point for a combination of the axes that are not searched by memory
 * and workers. */
static uint64_t choice_point(const struct scenario *s, uint64_t choice, const bool *searched)
{
    size_t index[AXIS_LIMIT] = {0};
    uint64_t point = 0;
    for (size_t d = s->n_dimensions; d-- > 0;) {
        if (!searched[d]) {
            index[d] = (size_t)(choice % s->dimensions[d]);
            choice /= s->dimensions[d];
        }
    }
    for (size_t d = 0; d < s->n_dimensions; d++) {
        point = point * s->dimensions[d] + index[d];
    }
    return point;
}

static enum status read_workers(struct search *s, struct error *err)
{
    const struct axis *axis = find_axis(s->scenario, workers_pointer);
    if (axis != NULL) {
        return axis_numbers(s, axis, &s->workers, &s->n_workers, err);
    }
    double *values = arena_alloc(&s->arena, WORKERS_USUAL * sizeof *values);
    if (values == NULL) {
        return RAISE(err, ERR_MEMORY, "out of memory for a plan");
    }
    for (int i = 0; i < WORKERS_USUAL; i++) {
        values[i] = i + 1;
    }
    s->workers = values;
    s->n_workers = WORKERS_USUAL;
    return STATUS_OK;
}

static enum status open_choices(struct search *s, struct error *err)
{
    const struct scenario *sc = s->scenario;
    const struct axis *own[] = {find_axis(sc, workers_pointer), find_axis(sc, memory_pointer)};
    bool searched[AXIS_LIMIT] = {false};
    double combinations = 1;
    double slow = 1;
    for (size_t i = 0; i < 2; i++) {
        if (own[i] != NULL) {
            searched[own[i]->dimension] = true;
        }
    }
    for (size_t i = 0; i < sc->n_axes; i++) {
        slow *= sc->axes[i].fast ? 1 : (double)sc->axes[i].count;
    }
    for (size_t d = 0; d < sc->n_dimensions; d++) {
        combinations *= searched[d] ? 1 : (double)sc->dimensions[d];
    }
    if (slow > COMBINATIONS || combinations > 4096) {
        return JSON_RAISE(err, sc->plan, ERR_INPUT,
                          "%g combinations besides workers and memory, at most 4096 of numbers "
                          "and %d of systems, stores and the like",
                          combinations, COMBINATIONS);
    }
    s->n_choices = (size_t)combinations;
    s->choices = arena_alloc(&s->arena, s->n_choices * sizeof *s->choices);
    if (s->choices == NULL) {
        return RAISE(err, ERR_MEMORY, "out of memory for a plan");
    }
    for (size_t i = 0; i < s->n_choices; i++) {
        s->choices[i].point = choice_point(sc, i, searched);
        if (open_choice(s, &s->choices[i], err) != STATUS_OK) {
            return err->code;
        }
        s->configurations += (double)search_groups_of(s, i) * (double)s->choices[i].n_memory;
    }
    return STATUS_OK;
}

enum status search_open(struct search *s, const struct scenario *scenario, struct error *err)
{
    *s = (struct search){.scenario = scenario};
    if (cursor_init(&s->cursor, scenario, err) != STATUS_OK) {
        return err->code;
    }
    if (read_workers(s, err) != STATUS_OK || open_choices(s, err) != STATUS_OK) {
        search_close(s);
    }
    return err->code;
}

void search_close(struct search *s)
{
    cursor_free(&s->cursor);
    arena_free(&s->arena);
    *s = (struct search){0};
}

size_t search_groups_of(const struct search *s, size_t choice)
{
    return s->choices[choice].config.system.protocol->single_worker ? 1 : s->n_workers;
}

/* ---------------------------------------------------------------- points */

/* Workers and what follows from them. */
static void set_workers(const struct search_choice *choice, double workers, struct config *c)
{
    c->workers = c->system.protocol->single_worker ? 1 : workers;
    if (choice->parents != NULL) {
        c->system.structure_count =
            structure_levels(choice->parents, (uint32_t)workers, c->system.structure);
    }
}

void search_config(const struct search *s, const struct search_point *p, struct config *out)
{
    const struct search_choice *choice = &s->choices[p->choice];
    *out = choice->config;
    set_workers(choice, p->workers, out);
    if (out->platform.kind == PLATFORM_FUNCTION) {
        out->platform.memory_mib = p->memory_mib;
    }
}

enum status search_row(struct search *s, const struct search_point *p, struct evaluator *e,
                       struct row *row, struct ledger *ledger, struct error *err)
{
    bool skipped = false;
    struct scenario_cursor *cursor = &s->cursor;
    const struct search_choice *choice = &s->choices[p->choice];
    struct config c;
    if (cursor_seek(cursor, choice->point, &skipped, err) != STATUS_OK) {
        return err->code;
    }
    search_config(s, p, &c);
    if (cursor->has_baseline && scenario_baseline_shares(s->scenario, workers_pointer)) {
        cursor->baseline.workers = p->workers;
    }
    if (cursor->has_baseline && scenario_baseline_shares(s->scenario, memory_pointer) &&
        cursor->baseline.platform.kind == PLATFORM_FUNCTION) {
        cursor->baseline.platform.memory_mib = p->memory_mib;
    }
    struct config *baseline = cursor->has_baseline ? &cursor->baseline : NULL;
    if (predict_config(&c, baseline, e, row, NULL, ledger, err) != STATUS_OK) {
        cursor_locate(cursor, choice->point, err);
    }
    return err->code;
}

enum status search_check(const struct search *s, const struct search_point *p, struct evaluator *e,
                         struct error *err)
{
    struct config c;
    struct tally t;
    search_config(s, p, &c);
    return predict_tally(&c, e, &t, err);
}

/* ---------------------------------------------------------------- one group */

void seeker_init(struct seeker *k, const struct search *s)
{
    *k = (struct seeker){.search = s, .choice = SIZE_MAX};
}

void seeker_free(struct seeker *k)
{
    evaluator_free(&k->evaluator);
}

static void seeker_turn(struct seeker *k, size_t choice, double workers)
{
    const struct search_choice *c = &k->search->choices[choice];
    if (k->choice != choice) {
        k->config = c->config;
        k->relaxed = c->relaxed;
        k->choice = choice;
    }
    k->workers = c->config.system.protocol->single_worker ? 1 : workers;
    set_workers(c, workers, &k->config);
    set_workers(c, workers, &k->relaxed);
}

static void set_memory(struct config *c, double mib)
{
    if (c->platform.kind == PLATFORM_FUNCTION) {
        c->platform.memory_mib = mib;
    }
}

/* Evaluate a configuration; infeasible is no error. */
static enum status try(struct seeker *k, struct config *c, struct tally *t, bool *feasible,
                       struct error *err)
{
    struct error why = {0};
    k->evaluations++;
    *feasible = predict_tally(c, &k->evaluator, t, &why) == STATUS_OK;
    if (!*feasible && why.code != ERR_INFEASIBLE) {
        *err = why;
        return why.code;
    }
    return STATUS_OK;
}

static enum status price(struct seeker *k, const struct config *c, const struct tally *t,
                         double *usd, struct error *err)
{
    struct ledger ledger;
    cost_compute(c, &k->evaluator.program, t, false, &ledger);
    if (ledger.overflow) {
        RAISE(err, ERR_INPUT, "a line of the bill exceeds 1e15 USD: is a unit wrong?");
        return config_place(err, c, "/prices");
    }
    *usd = money_usd(ledger.total);
    return STATUS_OK;
}

enum status seeker_point(struct seeker *k, size_t choice, double workers, double memory_mib,
                         bool *feasible, struct search_point *out, struct error *err)
{
    struct tally t;
    seeker_turn(k, choice, workers);
    set_memory(&k->config, memory_mib);
    *out = (struct search_point){.choice = (uint32_t)choice,
                                 .workers = (uint32_t)k->workers,
                                 .memory_mib = k->config.platform.memory_mib};
    *feasible = false;
    if (scenario_skips(k->search->scenario, &k->config) ||
        try(k, &k->config, &t, feasible, err) != STATUS_OK || !*feasible) {
        return err->code;
    }
    out->time_s = t.time_s;
    out->bound = t.bound;
    return price(k, &k->config, &t, &out->cost_usd, err);
}

/* Below these nothing of the interval lies; a hair is given for rounding. */
static const double hair = 1 - 1e-9;

/* An interval of memory that has not been looked at. */
struct interval {
    const struct search_choice *choice;
    size_t choice_number;
    const struct search_policy *policy;
};

static enum status look_at(struct seeker *k, const struct interval *in, double mib,
                           struct error *err)
{
    struct search_point p;
    bool feasible = false;
    if (seeker_point(k, in->choice_number, k->workers, mib, &feasible, &p, err) != STATUS_OK ||
        !feasible) {
        return err->code;
    }
    return in->policy->visit(in->policy->context, &p, err);
}

/* Can [low, ...] MiB with the relaxed tally of more memory be left out? */
static enum status bound(struct seeker *k, const struct interval *in, const struct tally *t,
                         double low_mib, bool *out, struct error *err)
{
    double usd = 0;
    struct config *c = &k->relaxed;
    const double mib = c->platform.memory_mib;
    set_memory(c, low_mib);
    price(k, c, t, &usd, err);
    set_memory(c, mib);
    *out = in->policy->hopeless(in->policy->context, t->time_s * hair, usd * hair);
    return err->code;
}

/* memory[low .. high], both included. */
static enum status narrow(struct seeker *k, const struct interval *in, size_t low, size_t high,
                          struct error *err)
{
    struct tally t;
    const double *memory = in->choice->memory;
    bool feasible = false;
    bool out = false;
    set_memory(&k->relaxed, memory[high]);
    if (try(k, &k->relaxed, &t, &feasible, err) != STATUS_OK || !feasible) {
        return err->code; /* with less memory neither */
    }
    if (bound(k, in, &t, memory[high], &out, err) != STATUS_OK) {
        return err->code;
    }
    if (!out) {
        if (in->choice->tight && !scenario_skips(k->search->scenario, &k->relaxed)) {
            struct search_point p = {.time_s = t.time_s,
                                     .choice = (uint32_t)in->choice_number,
                                     .workers = (uint32_t)k->workers,
                                     .memory_mib = k->relaxed.platform.memory_mib,
                                     .bound = t.bound};
            if (price(k, &k->relaxed, &t, &p.cost_usd, err) != STATUS_OK ||
                in->policy->visit(in->policy->context, &p, err) != STATUS_OK) {
                return err->code;
            }
        } else if (!in->choice->tight && look_at(k, in, memory[high], err) != STATUS_OK) {
            return err->code;
        }
    }
    if (low == high || bound(k, in, &t, memory[low], &out, err) != STATUS_OK || out) {
        return err->code;
    }
    high--;
    const size_t middle = low + (high - low + 1) / 2;
    if (bound(k, in, &t, memory[middle], &out, err) != STATUS_OK ||
        (!out && narrow(k, in, middle, high, err) != STATUS_OK)) {
        return err->code;
    }
    if (middle == low || bound(k, in, &t, memory[low], &out, err) != STATUS_OK || out) {
        return err->code;
    }
    return narrow(k, in, low, middle - 1, err);
}

enum status seeker_group(struct seeker *k, size_t choice, double workers,
                         const struct search_policy *policy, struct error *err)
{
    const struct search_choice *c = &k->search->choices[choice];
    const struct interval in = {c, choice, policy};
    seeker_turn(k, choice, workers);
    const struct system *system = &c->config.system;
    if (c->n_memory == 0 || (c->own_structure && system->structure_count > 0 &&
                             system->structure[system->structure_count - 1] != k->workers)) {
        return STATUS_OK;
    }
    if (policy->hopeless != NULL && !c->unbounded) {
        return narrow(k, &in, 0, c->n_memory - 1, err);
    }
    for (size_t i = c->n_memory; i-- > 0 && err->code == STATUS_OK;) {
        look_at(k, &in, c->memory[i], err);
    }
    return err->code;
}
