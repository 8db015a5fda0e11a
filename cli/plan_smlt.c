/* plan --strategy smlt-ei|smlt-ucb, told: measurements, profiling bill, regret. */
#include "cli/plan_smlt.h"

#include "cli/provenance.h"

#include "model/bayes_plan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct outcome {
    struct bayes_plan *found;
    const struct search_point *best, *exact; /* NULL: none within the limits */
    const char *strategy;
    double seed, rounds;
};

bool plan_smlt_strategy(const char *strategy)
{
    return strcmp(strategy, "smlt-ei") == 0 || strcmp(strategy, "smlt-ucb") == 0;
}

static double value_of(const struct plan *p, const struct search_point *point)
{
    return search_value(&p->objective, point->time_s, point->cost_usd);
}

static double regret_of(const struct plan *p, const struct outcome *o)
{
    return o->best != NULL && o->exact != NULL ? value_of(p, o->best) / value_of(p, o->exact) - 1
                                               : (double)NAN;
}

/* ---------------------------------------------------------------- for people */

static void text_point(struct text *out, const struct plan *p, const struct search_point *point)
{
    text_plan_values(out, point);
    text_puts(out, ": ");
    text_plan_point(out, &p->search, point);
    text_puts(out, "\n");
}

static void text_cell(struct text *out, const char *sign, double value,
                      void (*words)(struct text *, double))
{
    struct text t = {0};
    text_puts(&t, sign);
    words(&t, value);
    text_printf(out, "  %12s", t.data != NULL ? t.data : "");
    text_free(&t);
}

static void write_table(struct text *out, const struct plan *p, const struct outcome *o)
{
    const struct bayes_plan *found = o->found;
    const bool ei = strcmp(o->strategy, "smlt-ei") == 0;
    bool bounds = (o->best != NULL && o->best->bound) || (o->exact != NULL && o->exact->bound);
    text_printf(out, "%s\nSMLT's optimiser, %s, seed %.0f, minimising %s\n", p->scenario.name,
                ei ? "expected improvement" : "upper confidence bound of its repository", o->seed,
                search_goal_name(p->objective.goal));
    text_printf(out, "\nMeasured, each by a run of %.0f rounds: %zu of %.0f configurations%s\n",
                o->rounds, found->n, p->search.configurations,
                !ei              ? ""
                : found->stopped ? ", then nothing promised 10 % more"
                                 : ", the most it may");
    text_printf(out, "  %12s  %12s  %12s  %12s\n", "time", "USD", "profiling", "USD");
    for (size_t i = 0; i < found->n; i++) {
        const struct bayes_run *r = &found->runs[i];
        if (r->feasible) {
            bounds = bounds || r->point.bound;
            text_cell(out, r->point.bound ? "<= " : "", r->point.time_s, text_time);
            text_cell(out, "", r->point.cost_usd, text_dollars);
            text_cell(out, "", r->profile_time_s, text_time);
            text_cell(out, "", r->profile_cost_usd, text_dollars);
        } else {
            text_printf(out, "  %12s  %12s  %12s  %12s", "cannot run", "", "", "");
        }
        text_puts(out, (ptrdiff_t)i == found->best ? "  * " : "    ");
        text_plan_point(out, &p->search, &r->point);
        text_puts(out, "\n");
    }
    text_printf(out, "  %12s  %12s", "", "");
    text_cell(out, "", found->profile_time_s, text_time);
    text_cell(out, "", found->profile_cost_usd, text_dollars);
    text_puts(out, "    in all\n\n");
    if (o->best != NULL) {
        text_puts(out, "Recommended  ");
        text_point(out, p, o->best);
    } else {
        text_puts(out, "It found nothing within the limits.\n");
    }
    if (o->exact != NULL) {
        text_puts(out, "Exact        ");
        text_point(out, p, o->exact);
    } else {
        text_puts(out, "Nothing is within the limits.\n");
    }
    if (o->best != NULL && o->exact != NULL) {
        text_printf(out, "Regret       %.2f %%; with profiling ", 100 * regret_of(p, o));
        text_time(out, o->best->time_s + found->profile_time_s);
        text_puts(out, ", ");
        text_dollars(out, o->best->cost_usd + found->profile_cost_usd);
        text_puts(out, " USD\n");
    }
    text_puts(out, bounds ? "\n" PLAN_BOUND_WORDS : "\n");
    text_puts(out, "Measurements are the closed form of whole runs, without noise.\n");
}

/* ---------------------------------------------------------------- for programs */

static void json_point(struct text *out, const struct plan *p, const struct search_point *point)
{
    struct text words = {0};
    if (point == NULL) {
        text_puts(out, "null");
        return;
    }
    text_plan_point(&words, &p->search, point);
    text_puts(out, "{\"configuration\": ");
    text_json_string(out, words.data != NULL ? words.data : "");
    text_free(&words);
    text_plan_member(out, "workers", point->workers);
    text_plan_member(out, "memory_mib", point->memory_mib);
    text_plan_member(out, "time_s", point->time_s);
    text_plan_member(out, "bound", point->bound);
    text_plan_member(out, "cost_usd", point->cost_usd);
    text_puts(out, "}");
}

static void write_json(struct text *out, const struct plan *p, const struct outcome *o)
{
    text_puts(out, "{\n  \"faascast\": \"" FAASCAST_VERSION "\",\n  \"provenance\": ");
    text_append(out, p->provenance.data, p->provenance.size);
    text_printf(out, ",\n  \"strategy\": \"%s\"", o->strategy);
    text_plan_member(out, "seed", o->seed);
    text_plan_member(out, "profile_rounds", o->rounds);
    text_plan_member(out, "configurations", p->search.configurations);
    text_plan_member(out, "measurements", (double)o->found->n);
    text_plan_member(out, "profile_time_s", o->found->profile_time_s);
    text_plan_member(out, "profile_cost_usd", o->found->profile_cost_usd);
    text_plan_member(out, "regret", regret_of(p, o));
    text_puts(out, ",\n  \"answer\": ");
    json_point(out, p, o->best);
    text_puts(out, ",\n  \"exact\": ");
    json_point(out, p, o->exact);
    text_puts(out, ",\n  \"runs\": [");
    for (size_t i = 0; i < o->found->n; i++) {
        const struct bayes_run *r = &o->found->runs[i];
        text_puts(out, i > 0 ? ",\n    {\"point\": " : "\n    {\"point\": ");
        json_point(out, p, &r->point);
        text_printf(out, ", \"feasible\": %s", r->feasible ? "true" : "false");
        text_plan_member(out, "profile_time_s", r->profile_time_s);
        text_plan_member(out, "profile_cost_usd", r->profile_cost_usd);
        text_puts(out, "}");
    }
    text_puts(out, "]\n}\n");
}

static void write_csv(struct text *out, const struct plan *p, const struct outcome *o)
{
    text_puts(out, "measurement,configuration,workers,memory_mib,feasible,time_s,bound,cost_usd,"
                   "profile_time_s,profile_cost_usd,recommended\n");
    for (size_t i = 0; i < o->found->n; i++) {
        const struct bayes_run *r = &o->found->runs[i];
        const double numbers[] = {r->point.time_s, r->point.bound, r->point.cost_usd,
                                  r->profile_time_s, r->profile_cost_usd};
        struct text words = {0};
        text_plan_point(&words, &p->search, &r->point);
        text_printf(out, "%zu,", i + 1);
        text_csv(out, words.data != NULL ? words.data : "");
        text_free(&words);
        text_printf(out, ",%u,", r->point.workers);
        text_number(out, r->point.memory_mib);
        text_printf(out, ",%d", r->feasible);
        for (size_t k = 0; k < sizeof numbers / sizeof numbers[0]; k++) {
            text_puts(out, ",");
            if (r->feasible) {
                text_number(out, numbers[k]);
            }
        }
        text_printf(out, ",%d\n", (ptrdiff_t)i == o->found->best);
    }
}

/* ---------------------------------------------------------------- the strategy */

enum status plan_smlt(struct plan *p, const char *strategy, bool *met, struct error *err)
{
    struct outcome o = {.strategy = strategy, .found = calloc(1, sizeof *o.found)};
    if (o.found == NULL) {
        return RAISE(err, ERR_MEMORY, "out of memory for a plan");
    }
    if (cli_count(p->cli, "seed", 0, 4294967295.0, 1, &o.seed, err) == STATUS_OK &&
        cli_count(p->cli, "profile-rounds", 1, 1e9, 10, &o.rounds, err) == STATUS_OK) {
        const struct bayes_options how = strcmp(strategy, "smlt-ei") == 0
                                             ? bayes_ei((uint64_t)o.seed)
                                             : bayes_ucb((uint64_t)o.seed);
        bayes_plan(&p->search, &p->objective, &p->limits, &how, o.rounds, o.found, err);
    }
    *met = false;
    if (err->code == STATUS_OK) {
        const ptrdiff_t exact = search_front_best(&p->front, &p->objective, &p->limits);
        struct text out = {0};
        o.exact = exact >= 0 ? &p->front.points[exact] : NULL;
        o.best = o.found->best >= 0 ? &o.found->runs[o.found->best].point : NULL;
        *met = o.best != NULL && search_within(&p->limits, o.best->time_s, o.best->cost_usd);
        if (p->cli->format == FORMAT_JSON) {
            write_json(&out, p, &o);
        } else if (p->cli->format == FORMAT_CSV) {
            write_csv(&out, p, &o);
        } else {
            write_table(&out, p, &o);
        }
        struct evaluator e = {0};
        if (o.best != NULL && search_row(&p->search, o.best, &e, &p->row, NULL, err) != STATUS_OK) {
            text_free(&out);
        } else {
            cli_write_result(p->cli, &out, &p->provenance, err);
        }
        evaluator_free(&e);
    }
    free(o.found);
    return err->code;
}
