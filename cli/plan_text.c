/* A plan told: the answer first, then its rivals, what time costs, and the front. */
#include "cli/plan.h"

#include <math.h>
#include <string.h>

enum { FRONT_ROWS = 12 };

/* ---------------------------------------------------------------- words */

void text_plan_choice(struct text *out, const struct search *search, size_t choice)
{
    const struct search_choice *c = &search->choices[choice];
    const struct scenario *s = search->scenario;
    const size_t start = out->size;
    for (size_t i = 0; i < s->n_axes; i++) {
        const struct axis *axis = &s->axes[i];
        const size_t at = axis_index(s, axis, c->point);
        const char *label = axis_label(axis);
        if (axis->count < 2 || strcmp(axis->pointer, "/platform/workers") == 0 ||
            strcmp(axis->pointer, "/platform/memory_mib") == 0) {
            continue;
        }
        text_puts(out, out->size > start ? ", " : "");
        if (strcmp(axis->pointer, "/system") == 0 || strcmp(axis->pointer, "/system/name") == 0) {
            const struct system *y = &c->config.system;
            text_printf(out, "%s%s%s%s", y->protocol->name, y->variant[0] != '\0' ? " (" : "",
                        y->variant, y->variant[0] != '\0' ? ")" : "");
            continue;
        }
        if (strcmp(label, "use") != 0) {
            text_printf(out, "%s ", label);
        }
        text_axis_value(out, axis, at);
    }
}

void text_plan_point(struct text *out, const struct search *search,
                     const struct search_point *point)
{
    const struct search_choice *c = &search->choices[point->choice];
    text_printf(out, "%u worker%s", point->workers, point->workers == 1 ? "" : "s");
    if (c->config.platform.kind == PLATFORM_FUNCTION) {
        text_printf(out, " of %g MiB", point->memory_mib);
    }
    if (c->parents != NULL) {
        double levels[STRUCTURE_LIMIT];
        const uint32_t n = structure_levels(c->parents, point->workers, levels);
        for (uint32_t i = 0; i < n; i++) {
            text_printf(out, "%s%g", i == 0 ? " in a tree [" : ", ", levels[i]);
        }
        text_puts(out, n > 0 ? "]" : "");
    }
    struct text words = {0};
    text_plan_choice(&words, search, point->choice);
    if (words.size > 0) {
        text_printf(out, ", %s", words.data);
    }
    text_free(&words);
}

void text_plan_values(struct text *out, const struct search_point *point)
{
    text_puts(out, point->bound ? "<= " : "");
    text_time(out, point->time_s);
    text_puts(out, ", ");
    text_dollars(out, point->cost_usd);
    text_puts(out, " USD");
}

static bool limited(const struct plan *p)
{
    return p->limits.deadline_s > 0 || p->limits.budget_usd > 0;
}

const char *plan_goal_words(const struct search_objective *o)
{
    return o->goal == GOAL_TIME    ? "fastest"
           : o->goal == GOAL_COST  ? "cheapest"
           : o->time_weight == 0.5 ? "least time times dollars"
                                   : "least weighted product of time and dollars";
}

/* ---------------------------------------------------------------- parts */

static void write_head(struct text *out, const struct plan *p)
{
    const struct config *c = &p->search.choices[0].config;
    const struct search *s = &p->search;
    double low = HUGE_VAL;
    double high = 0;
    for (size_t i = 0; i < s->n_choices; i++) {
        const struct search_choice *k = &s->choices[i];
        if (k->config.platform.kind == PLATFORM_FUNCTION && k->n_memory > 0) {
            low = fmin(low, k->memory[0]);
            high = fmax(high, k->memory[k->n_memory - 1]);
        }
    }
    text_printf(out, "%s\n", c->name);
    if (s->n_choices == 1) {
        text_printf(out, "%s%s%s%s on %s through %s\n", c->system.protocol->name,
                    c->system.variant[0] != '\0' ? " (" : "", c->system.variant,
                    c->system.variant[0] != '\0' ? ")" : "", c->platform.name,
                    c->stores[STORE_EXCHANGE].name);
    }
    text_printf(out, "%.0f configurations: ", s->configurations);
    if (s->n_choices > 1) {
        text_printf(out, "%zu choices, ", s->n_choices);
    }
    text_printf(out, "%g to %g workers", s->workers[0], s->workers[s->n_workers - 1]);
    if (high > 0) {
        text_printf(out, ", %g to %g MiB", low, high);
    }
    text_puts(out, "; searched exactly\n\n");
}

static void write_bill(struct text *out, const struct plan *p)
{
    static const char *const words[COST_KINDS] = {
        [COST_COMPUTE] = "compute",
        [COST_REQUESTS] = "requests",
        [COST_STORAGE] = "storage",
        [COST_SERVICES] = "services",
    };
    bool any = false;
    text_puts(out, "    bill: ");
    for (int i = 0; i < COST_KINDS; i++) {
        if (1000 * p->ledger.by_kind[i] >= p->ledger.total && p->ledger.by_kind[i] != 0) {
            text_printf(out, "%s%s ", any ? ", " : "", words[i]);
            text_dollars(out, money_usd(p->ledger.by_kind[i]));
            any = true;
        }
    }
    text_puts(out, any ? " USD\n" : "nothing\n");
}

static void write_shares(struct text *out, const struct plan *p, const struct contender *c)
{
    if (!limited(p)) {
        return;
    }
    text_printf(out, "    %.3g %% of runs are ", 100 * c->p_limits);
    text_limits(out, &p->limits);
    if (p->limits.deadline_s > 0 && p->limits.budget_usd > 0) {
        text_printf(out, " (%.3g %% in time, %.3g %% within the budget)", 100 * c->p_deadline,
                    100 * c->p_budget);
    }
    text_printf(out, ", wanted %.4g %%\n", 100 * p->confidence);
    text_puts(out,
              "    (runs differ by noise and by constants given as distributions; others nobody is "
              "sure of can move the time far more: faascast sensitivity)\n");
}

static void text_means(struct text *out, const struct contender *c)
{
    text_time_interval(out, c->time_s.mean, 0.5 * (c->time_s.hi - c->time_s.lo));
    text_puts(out, ", ");
    text_dollars_interval(out, c->cost_usd.mean, 0.5 * (c->cost_usd.hi - c->cost_usd.lo));
    text_puts(out, " USD");
}

static void write_answer(struct text *out, const struct plan *p)
{
    if (p->best < 0) {
        text_puts(out, "No configuration is ");
        text_limits(out, &p->limits);
        text_puts(out, ".\nNearest: ");
    } else if (!p->sure) {
        text_printf(out, "No configuration is sure enough (%.4g %%) to be ", 100 * p->confidence);
        text_limits(out, &p->limits);
        text_puts(out, ".\nNearest: ");
    } else {
        text_puts(out, "Recommended: ");
    }
    text_plan_point(out, &p->search, &p->chosen);
    text_puts(out, "\n    ");
    if (p->simulated && p->n_contenders > 0 && !p->contenders[0].infeasible) {
        const struct contender *c = &p->contenders[0];
        text_means(out, c);
        text_printf(out, "\n    means of %u simulated runs with %g %% intervals; closed form ",
                    c->replications, 100 * c->config.simulation.confidence);
        text_plan_values(out, &p->chosen);
        text_puts(out, "\n");
        write_shares(out, p, c);
    } else {
        text_plan_values(out, &p->chosen);
        text_puts(out, ", by the closed form\n");
    }
    write_bill(out, p);
    if (isfinite(p->row.speedup)) {
        text_printf(out, "    %.2f times as fast as the baseline (", p->row.speedup);
        text_time(out, p->row.baseline_time_s);
        text_puts(out, ")\n");
    }
    if (p->best >= 0) {
        text_printf(out, "    the %s", plan_goal_words(&p->objective));
        if (limited(p)) {
            text_puts(out, " ");
            text_limits(out, &p->limits);
        }
        text_puts(out, "\n");
    }
}

/* ": 8 workers of 3008 MiB", or that it is the one just told. */
static void write_which(struct text *out, const struct plan *p, const struct search_point *point)
{
    const struct search_point *told = &p->chosen;
    const bool same = point->choice == told->choice && point->workers == told->workers &&
                      point->memory_mib == told->memory_mib;
    text_puts(out, same ? ": the nearest" : ": ");
    if (!same) {
        text_plan_point(out, &p->search, point);
    }
}

/* What each limit alone would take, when not even the mean times meet the limits. */
static void write_misses(struct text *out, const struct plan *p)
{
    const struct search_front *f = &p->front;
    if (p->limits.deadline_s > 0) {
        const ptrdiff_t i = search_front_cheapest(f, p->limits.deadline_s);
        text_puts(out, "    within ");
        text_time(out, p->limits.deadline_s);
        if (i >= 0) {
            text_puts(out, " the cheapest takes ");
            text_plan_values(out, &f->points[i]);
            write_which(out, p, &f->points[i]);
        } else {
            text_puts(out, ": nothing, the fastest takes ");
            text_plan_values(out, &f->points[0]);
            write_which(out, p, &f->points[0]);
        }
        text_puts(out, "\n");
    }
    if (p->limits.budget_usd > 0) {
        const ptrdiff_t i = search_front_fastest(f, p->limits.budget_usd);
        text_puts(out, "    for ");
        text_dollars(out, p->limits.budget_usd);
        if (i >= 0) {
            text_puts(out, " USD the fastest takes ");
            text_plan_values(out, &f->points[i]);
            write_which(out, p, &f->points[i]);
        } else {
            const struct search_point *last = &f->points[f->count - 1];
            text_puts(out, " USD: nothing, the cheapest takes ");
            text_plan_values(out, last);
            write_which(out, p, last);
        }
        text_puts(out, "\n");
    }
}

static void write_rivals(struct text *out, const struct plan *p)
{
    if (p->n_contenders < 2) {
        return;
    }
    bool tied = false;
    for (size_t i = 0; i < p->n_contenders; i++) {
        tied = tied || p->contenders[i].tied;
    }
    text_printf(out, "\nRivals, each with its best memory%s%s\n", p->simulated ? ", simulated" : "",
                tied ? " (= not told from the best, run by run: a tie)" : "");
    for (size_t i = 0; i < p->n_contenders; i++) {
        const struct contender *c = &p->contenders[i];
        const struct search_point *point = &p->rivals[p->simulated ? c->number : i];
        text_puts(out, c->tied ? "  = " : "    ");
        if (p->simulated && c->infeasible) {
            text_puts(out, "infeasible when simulated: ");
        } else if (p->simulated) {
            text_means(out, c);
            text_puts(out, "  ");
        } else {
            text_plan_values(out, point);
            text_puts(out, "  ");
        }
        text_plan_point(out, &p->search, point);
        if (p->simulated && c->p_limits < p->confidence) {
            text_printf(out, ", only %.3g %% of runs within the limits", 100 * c->p_limits);
        }
        text_puts(out, "\n");
    }
}

/* A step of time that means something beside this one. */
static double step_of(double time_s, const char **words)
{
    static const struct {
        double least_s, step_s;
        const char *words;
    } steps[] = {{14400, 3600, "one hour"},
                 {2400, 600, "ten minutes"},
                 {240, 60, "one minute"},
                 {40, 10, "ten seconds"},
                 {0, 1, "one second"}};
    size_t i = 0;
    while (time_s < steps[i].least_s) {
        i++;
    }
    *words = steps[i].words;
    return steps[i].step_s;
}

static void write_exchange(struct text *out, const struct plan *p, double step_s, const char *words)
{
    const struct search_point *own = &p->chosen;
    const bool earlier = step_s < 0;
    const ptrdiff_t i = search_front_cheapest(&p->front, own->time_s + step_s);
    text_printf(out, "    %s %s ", words, earlier ? "earlier" : "later");
    if (i < 0) {
        text_puts(out, "is not to be had for any money\n");
        return;
    }
    const struct search_point *other = &p->front.points[i];
    text_puts(out, earlier ? "costs " : "saves ");
    text_dollars(out, fabs(other->cost_usd - own->cost_usd));
    text_puts(out, earlier ? " USD more: " : " USD: ");
    text_plan_point(out, &p->search, other);
    text_puts(out, ", ");
    text_plan_values(out, other);
    text_puts(out, "\n");
}

static void write_prices(struct text *out, const struct plan *p)
{
    const char *words = "";
    const double step = step_of(p->chosen.time_s, &words);
    const struct search_front *f = &p->front;
    text_puts(out, "\nWhat time costs (closed form)\n");
    write_exchange(out, p, -step, words);
    write_exchange(out, p, step, words);
    const struct constraints none = {0, 0};
    const ptrdiff_t free = search_front_best(f, &p->objective, &none);
    if (p->best >= 0 && limited(p) && free >= 0 && p->objective.goal != GOAL_BALANCED) {
        const struct search_point *other = &f->points[free];
        const bool cost = p->objective.goal == GOAL_COST;
        const double more =
            cost ? p->chosen.cost_usd - other->cost_usd : p->chosen.time_s - other->time_s;
        if (more > 0) {
            text_puts(out, "    the limits cost ");
            if (cost) {
                text_dollars(out, more);
                text_puts(out, " USD");
            } else {
                text_time(out, more);
            }
            text_puts(out, ": without them ");
            text_plan_point(out, &p->search, other);
            text_puts(out, ", ");
            text_plan_values(out, other);
            text_puts(out, "\n");
        } else {
            text_puts(out, "    the limits cost nothing: without them the choice is the same\n");
        }
    }
}

/* True where one of the times told is only an upper bound. */
static bool write_front(struct text *out, const struct plan *p)
{
    bool bounds = false;
    const struct search_front *f = &p->front;
    size_t last = SIZE_MAX;
    text_printf(out, "\nPareto front of time against dollars (closed form, %s%zu points)\n",
                f->count > FRONT_ROWS ? "some of " : "", f->count);
    const double low = log(f->points[0].time_s);
    const double high = log(f->points[f->count - 1].time_s);
    const size_t rows = f->count < FRONT_ROWS ? f->count : FRONT_ROWS;
    for (size_t r = 0; r < rows; r++) {
        size_t i = r;
        if (f->count > FRONT_ROWS) {
            const double at = exp(low + (high - low) * (double)r / (FRONT_ROWS - 1));
            const ptrdiff_t k = search_front_cheapest(f, at);
            i = r == 0 ? 0 : r + 1 == rows ? f->count - 1 : k >= 0 ? (size_t)k : 0;
        }
        if (i == last) {
            continue;
        }
        last = i;
        struct text time = {0};
        struct text usd = {0};
        bounds = bounds || f->points[i].bound;
        text_puts(&time, f->points[i].bound ? "<= " : "");
        text_time(&time, f->points[i].time_s);
        text_dollars(&usd, f->points[i].cost_usd);
        text_printf(out, "  %14s %10s USD  ", time.data != NULL ? time.data : "",
                    usd.data != NULL ? usd.data : "");
        text_plan_point(out, &p->search, &f->points[i]);
        text_puts(out, "\n");
        text_free(&time);
        text_free(&usd);
    }
    return bounds;
}

void text_plan(struct text *out, const struct plan *p)
{
    write_head(out, p);
    write_answer(out, p);
    if (p->best < 0) {
        write_misses(out, p);
    }
    write_rivals(out, p);
    write_prices(out, p);
    const bool bounds = write_front(out, p) || p->chosen.bound;
    text_puts(out, bounds ? "\n" PLAN_BOUND_WORDS : "");
}

/* ---------------------------------------------------------------- for programs */

static enum status front_row(struct plan *p, size_t i, struct evaluator *e, struct row *row,
                             struct error *err)
{
    return search_row(&p->search, &p->front.points[i], e, row, NULL, err);
}

enum status text_plan_csv(struct text *out, struct plan *p, struct error *err)
{
    struct evaluator e = {0};
    text_row_csv_header(out);
    for (size_t i = 0; i < p->front.count && err->code == STATUS_OK; i++) {
        struct row row;
        if (front_row(p, i, &e, &row, err) == STATUS_OK) {
            text_row_csv(out, &row);
        }
    }
    evaluator_free(&e);
    return err->code;
}

void text_plan_member(struct text *out, const char *key, double value)
{
    text_printf(out, ", \"%s\": ", key);
    if (isfinite(value)) {
        text_number(out, value);
    } else {
        text_puts(out, "null");
    }
}

static void json_point(struct text *out, const struct plan *p, const struct search_point *point)
{
    struct text words = {0};
    const struct search_choice *c = &p->search.choices[point->choice];
    text_plan_point(&words, &p->search, point);
    text_puts(out, "\"configuration\": ");
    text_json_string(out, words.data != NULL ? words.data : "");
    text_free(&words);
    text_puts(out, ", \"system\": ");
    text_json_string(out, c->config.system.protocol->name);
    text_puts(out, ", \"platform\": ");
    text_json_string(out, c->config.platform.name);
    text_puts(out, ", \"store\": ");
    text_json_string(out, c->config.stores[STORE_EXCHANGE].name);
    text_plan_member(out, "workers", point->workers);
    text_plan_member(out, "memory_mib", point->memory_mib);
    if (c->parents != NULL) {
        double levels[STRUCTURE_LIMIT];
        const uint32_t n = structure_levels(c->parents, point->workers, levels);
        for (uint32_t i = 0; i < n; i++) {
            text_printf(out, "%s%g", i == 0 ? ", \"structure\": [" : ", ", levels[i]);
        }
        text_puts(out, n > 0 ? "]" : "");
    }
    text_plan_member(out, "time_s", point->time_s);
    text_plan_member(out, "bound", point->bound);
    text_plan_member(out, "cost_usd", point->cost_usd);
}

static void json_contender(struct text *out, const struct plan *p, size_t i)
{
    const struct contender *c = &p->contenders[i];
    text_puts(out, i > 0 ? ",\n    {" : "\n    {");
    json_point(out, p, &p->rivals[p->simulated ? c->number : i]);
    if (p->simulated && !c->infeasible) {
        text_plan_member(out, "simulated_time_s", c->time_s.mean);
        text_plan_member(out, "time_lo_s", c->time_s.lo);
        text_plan_member(out, "time_hi_s", c->time_s.hi);
        text_plan_member(out, "simulated_cost_usd", c->cost_usd.mean);
        text_plan_member(out, "cost_lo_usd", c->cost_usd.lo);
        text_plan_member(out, "cost_hi_usd", c->cost_usd.hi);
        text_plan_member(out, "replications", c->replications);
        text_plan_member(out, "p_deadline", c->p_deadline);
        text_plan_member(out, "p_budget", c->p_budget);
        text_plan_member(out, "p_limits", c->p_limits);
        text_printf(out, ", \"tied\": %s", c->tied ? "true" : "false");
    }
    text_puts(out, "}");
}

enum status text_plan_json(struct text *out, struct plan *p, struct error *err)
{
    struct evaluator e = {0};
    text_puts(out, "{\n  \"faascast\": \"" FAASCAST_VERSION "\",\n  \"provenance\": ");
    text_append(out, p->provenance.data, p->provenance.size);
    text_puts(out, ",\n  \"feasible\": ");
    text_puts(out, p->best >= 0 && p->sure ? "true" : "false");
    text_plan_member(out, "configurations", p->search.configurations);
    text_plan_member(out, "evaluations", p->evaluations);
    text_plan_member(out, "deadline_s",
                     p->limits.deadline_s > 0 ? p->limits.deadline_s : (double)NAN);
    text_plan_member(out, "budget_usd",
                     p->limits.budget_usd > 0 ? p->limits.budget_usd : (double)NAN);
    text_plan_member(out, "confidence", p->confidence);
    text_puts(out, ",\n  \"answer\": {");
    json_point(out, p, &p->chosen);
    text_puts(out, "},\n  \"rivals\": [");
    for (size_t i = 0; i < p->n_contenders; i++) {
        json_contender(out, p, i);
    }
    text_puts(out, "],\n  \"rows\": [");
    for (size_t i = 0; i < p->front.count && err->code == STATUS_OK; i++) {
        struct row row;
        if (front_row(p, i, &e, &row, err) == STATUS_OK) {
            text_puts(out, i > 0 ? ", " : "");
            text_row_json(out, &row);
        }
    }
    text_puts(out, "]\n}\n");
    evaluator_free(&e);
    return err->code;
}
