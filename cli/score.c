/* Predictions of the rows of a table, the constants fitted on some of them, and the facts that are
 * true or not: does a configuration run, which one is best? */
#include "cli/score.h"
#include "cli/score_engine.h"

#include <gsl/gsl_sort.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Where an expression finds its names: the result, then the row of the table. */
struct reader {
    const struct score_set *set;
    const struct score_case *kase;
    const struct row *row;
};

static struct expression_value read_value(int variable, void *context)
{
    const struct reader *r = context;
    const int own = (int)column_count();
    if (variable < own) {
        return row_value(r->row, variable);
    }
    size_t column = 0;
    struct expression_value out = {.number = NAN};
    struct error ignored = {0};
    if (table_column(r->kase->table, r->set->table.columns[variable - own], &column, &ignored) ==
        STATUS_OK) {
        table_number(r->kase->table, r->kase->row, column, &out.number, &ignored);
    }
    return out;
}

static double phase_per_round(const struct program *p, const struct tally *t, const char *phase)
{
    for (uint32_t i = 0; i < p->n_phases; i++) {
        if (strcmp(p->phases[i].name, phase) == 0) {
            return t->phase_s[i] / t->rounds;
        }
    }
    return NAN;
}

static enum status set_constant(const struct score_point *p, struct config *config,
                                struct config *baseline, const char *pointer, double value,
                                struct error *err)
{
    static const char prefix[] = "/baseline";
    if (strncmp(pointer, "/baseline/", sizeof prefix) == 0) {
        return p->has_baseline ? config_set(baseline, pointer + sizeof prefix - 1, value, err)
                               : STATUS_OK;
    }
    const bool shared = p->has_baseline && scenario_baseline_shares(&p->scenario, pointer);
    if (shared && config_set(baseline, pointer, value, err) != STATUS_OK) {
        return err->code;
    }
    return config_set(config, pointer, value, err);
}

static enum status configure(const struct score_set *s, const struct score_point *p,
                             const double *theta, struct config *config, struct config *baseline,
                             struct error *err)
{
    *config = p->config;
    *baseline = p->baseline;
    for (size_t k = 0; k < s->n_constants && err->code == STATUS_OK; k++) {
        set_constant(p, config, baseline, s->constants[k].pointer, theta[k], err);
    }
    return err->code;
}

/* The row of one configuration by either engine; its counts in *tally, its runs in *runs. */
static enum status run_engine(enum score_engine engine, const struct score_point *p,
                              struct config *config, struct config *baseline, struct evaluator *e,
                              struct row *row, struct tally *tally, struct score_runs *runs,
                              struct error *err)
{
    runs->n = 0;
    if (predict_config(config, p->has_baseline ? baseline : NULL, e, row, tally, NULL, err) !=
            STATUS_OK ||
        engine == SCORE_PREDICT || !row->feasible) {
        return err->code;
    }
    return score_simulate(config, e, row, tally, runs, err);
}

/* Does the predicted value differ between runs? Their times and costs are what is kept of them. */
static bool uses_runs(const struct expression *e)
{
    bool uses = false;
    for (size_t i = 0; i < e->count; i++) {
        uses = uses || e->code[i].variable == column_find("time_s") ||
               e->code[i].variable == column_find("cost_usd") ||
               e->code[i].variable == column_find("speedup");
    }
    return uses;
}

/* The expression of every run: the statistic and the interval of its values. */
static double value_of_runs(const struct score_set *s, struct reader *reader,
                            struct score_runs *runs, double *low, double *high)
{
    struct row row = *reader->row;
    reader->row = &row;
    for (size_t i = 0; i < runs->n; i++) {
        row.time_s = runs->time_s[i];
        row.cost_usd = runs->cost_usd[i];
        row.speedup = row.baseline_time_s / row.time_s;
        runs->value[i] = expression_number(&s->predicted, read_value, reader);
    }
    gsl_sort(runs->value, 1, runs->n);
    if (s->interval > 0) {
        const struct score_statistic ends[] = {{true, (1 - s->interval) / 2},
                                               {true, (1 + s->interval) / 2}};
        *low = score_statistic(&ends[0], runs->value, runs->n);
        *high = score_statistic(&ends[1], runs->value, runs->n);
    }
    return score_statistic(&s->statistic, runs->value, runs->n);
}

/* Places of the chosen cases, those of one configuration together. Caller frees. */
static size_t *by_point(const struct score_set *s, const size_t *chosen, size_t n)
{
    size_t *const order = malloc((n + 1) * sizeof *order);
    size_t *const start = calloc(s->n_points + 1, sizeof *start);
    if (order == NULL || start == NULL) {
        free(order);
        free(start);
        return NULL;
    }
    for (size_t i = 0; i < n; i++) {
        start[s->cases[chosen[i]].point + 1]++;
    }
    for (size_t p = 0; p < s->n_points; p++) {
        start[p + 1] += start[p];
    }
    for (size_t i = 0; i < n; i++) {
        order[start[s->cases[chosen[i]].point]++] = i;
    }
    free(start);
    return order;
}

/* Does the predicted value depend on the row beside its configuration? */
static bool uses_table(const struct expression *e)
{
    bool uses = false;
    for (size_t i = 0; i < e->count; i++) {
        uses = uses || e->code[i].variable >= (int)column_count();
    }
    return uses;
}

enum status score_predict(struct score_set *s, enum score_engine engine, const size_t *chosen,
                          size_t n, const double *theta, struct evaluator *e, double *predicted,
                          double *low, double *high, struct error *err)
{
    size_t *const order = by_point(s, chosen, n);
    const bool each = uses_table(&s->predicted);
    size_t last = SIZE_MAX; /* the configuration evaluated last: rows of one share it */
    const char *phase = NULL;
    double value = NAN;
    double ends[2] = {NAN, NAN};
    struct row row;
    struct tally tally;
    struct score_runs runs = {0};
    if (order == NULL) {
        return RAISE(err, ERR_MEMORY, "out of memory for %zu rows", n);
    }
    for (size_t k = 0; k < n && err->code == STATUS_OK; k++) {
        const struct score_case *c = &s->cases[chosen[order[k]]];
        const bool same = c->point == last;
        if (!same) {
            const struct score_point *p = &s->points[c->point];
            struct config config;
            struct config baseline;
            if (configure(s, p, theta, &config, &baseline, err) != STATUS_OK ||
                run_engine(engine, p, &config, &baseline, e, &row, &tally, &runs, err) !=
                    STATUS_OK) {
                break;
            }
            last = c->point;
        }
        if (!same || each || c->phase != phase) {
            struct reader reader = {s, c, &row};
            ends[0] = ends[1] = NAN;
            value = !row.feasible      ? (double)NAN
                    : c->phase != NULL ? phase_per_round(&e->program, &tally, c->phase)
                    : runs.n > 0 && uses_runs(&s->predicted)
                        ? value_of_runs(s, &reader, &runs, &ends[0], &ends[1])
                        : expression_number(&s->predicted, read_value, &reader);
            phase = c->phase;
        }
        predicted[order[k]] = value;
        if (low != NULL && high != NULL) {
            low[order[k]] = ends[0];
            high[order[k]] = ends[1];
        }
    }
    free(order);
    score_runs_free(&runs);
    return err->code;
}

/* ---------------------------------------------------------------- constants */

struct fit_context {
    struct score_set *set;
    const size_t *chosen;
    const double *measured;
    size_t n;
    const double *factor; /* of the closed form, by chosen case; NULL: 1 */
    struct evaluator evaluator;
};

static enum status predict_for_fit(void *context, const double *theta, double *predicted,
                                   struct error *err)
{
    struct fit_context *f = context;
    if (score_predict(f->set, SCORE_PREDICT, f->chosen, f->n, theta, &f->evaluator, predicted, NULL,
                      NULL, err) != STATUS_OK) {
        return err->code;
    }
    for (size_t i = 0; i < f->n; i++) {
        predicted[i] *= f->factor != NULL ? f->factor[i] : 1;
        if (!isfinite(predicted[i])) { /* infeasible with these constants: far off, not nowhere */
            predicted[i] = 10 * f->measured[i];
        }
    }
    return STATUS_OK;
}

/* How far the simulator is from the closed form with these constants; how much the factors moved.
 */
static enum status rescale(struct fit_context *f, const double *theta, double *work, double *factor,
                           double *moved, struct error *err)
{
    double *const simulated = work;
    double *const closed = work + f->n;
    *moved = 0;
    if (score_predict(f->set, SCORE_SIMULATE, f->chosen, f->n, theta, &f->evaluator, simulated,
                      NULL, NULL, err) != STATUS_OK ||
        score_predict(f->set, SCORE_PREDICT, f->chosen, f->n, theta, &f->evaluator, closed, NULL,
                      NULL, err) != STATUS_OK) {
        return err->code;
    }
    for (size_t i = 0; i < f->n; i++) {
        const double ratio = simulated[i] / closed[i];
        if (isfinite(ratio) && ratio > 0) {
            *moved = fmax(*moved, fabs(ratio / factor[i] - 1));
            factor[i] = ratio;
        }
    }
    return STATUS_OK;
}

/* The rows of a fit, those of one configuration and phase joined where only these decide what is
 * predicted: the same least squares from as many residuals as there are configurations. */
struct fit_rows {
    size_t *first; /* chosen case that stands for each */
    double *measured, *weight;
    size_t n;
    double within;
    bool joined;
};

static void free_fit_rows(struct fit_rows *r)
{
    free(r->first);
    free(r->measured);
}

/* Number the configurations and phases of the chosen cases in *group (n). */
static enum status number_rows(const struct score_set *s, const size_t *chosen, size_t n,
                               size_t *group, struct fit_rows *out, struct error *err)
{
    struct pair_map known = {0};
    for (size_t i = 0; i < n && err->code == STATUS_OK; i++) {
        const struct score_case *c = &s->cases[chosen[i]];
        const char *phase = c->phase != NULL ? c->phase : "";
        const uint64_t point = c->point;
        const uint32_t at = pair_map_index(
            &known, hash_bytes(HASH_SEED, &point, sizeof point),
            hash_bytes(hash_bytes(HASH_SEED + 1, &point, sizeof point), phase, strlen(phase)));
        if (at == UINT32_MAX) {
            RAISE(err, ERR_MEMORY, "out of memory for %zu rows", n);
        } else if (at == out->n) {
            out->first[out->n++] = chosen[i];
        }
        group[i] = at;
    }
    pair_map_free(&known);
    return err->code;
}

static enum status join_rows(const struct score_set *s, const size_t *chosen, size_t n,
                             struct fit_rows *out, struct error *err)
{
    *out = (struct fit_rows){.first = malloc((2 * n + 1) * sizeof *out->first),
                             .measured = malloc((3 * n + 1) * sizeof *out->measured)};
    if (out->first == NULL || out->measured == NULL) {
        return RAISE(err, ERR_MEMORY, "out of memory for %zu rows", n);
    }
    size_t *const group = out->first + n;
    double *const own = out->measured + 2 * n;
    out->weight = out->measured + n;
    bool positive = true; /* a measurement that is not is ls_fit's to refuse */
    for (size_t i = 0; i < n; i++) {
        own[i] = s->cases[chosen[i]].measured;
        positive = positive && (own[i] > 0 || s->residual == LS_ABSOLUTE);
    }
    if (positive && !uses_table(&s->predicted)) {
        if (number_rows(s, chosen, n, group, out, err) != STATUS_OK) {
            return err->code;
        }
        out->joined = out->n < n && out->n >= s->n_constants;
    }
    if (out->joined) {
        out->within = ls_join(n, own, group, out->n, s->residual, out->measured, out->weight);
    } else {
        memcpy(out->first, chosen, n * sizeof *chosen);
        memcpy(out->measured, own, n * sizeof *own);
        out->n = n;
    }
    return STATUS_OK;
}

enum status score_fit(struct score_set *s, enum score_engine engine, const size_t *chosen, size_t n,
                      struct ls_result *out, struct error *err)
{
    enum { ROUNDS = 6 }; /* two or three do: the factors hardly depend on the constants */
    struct ls_parameter parameters[CONSTANT_LIMIT];
    struct fit_rows rows;
    for (size_t k = 0; k < s->n_constants; k++) {
        const struct score_constant *c = &s->constants[k];
        parameters[k] = (struct ls_parameter){
            .name = c->pointer, .start = c->start, .lower = c->lower, .upper = c->upper};
    }
    if (join_rows(s, chosen, n, &rows, err) != STATUS_OK) {
        free_fit_rows(&rows);
        return err->code;
    }
    double *factor = malloc(3 * (rows.n + 1) * sizeof *factor);
    if (factor == NULL) {
        free_fit_rows(&rows);
        return RAISE(err, ERR_MEMORY, "out of memory for %zu rows", n);
    }
    for (size_t i = 0; i < rows.n; i++) {
        factor[i] = 1;
    }
    struct fit_context context = {
        .set = s, .chosen = rows.first, .measured = rows.measured, .n = rows.n, .factor = factor};
    const struct ls_problem problem = {
        .parameters = parameters,
        .n_parameters = s->n_constants,
        .measured = rows.measured,
        .weight = rows.joined ? rows.weight : NULL,
        .n = rows.n,
        .predict = predict_for_fit,
        .context = &context,
        .residual = s->residual,
        .loss = LS_SQUARES,
        .starts = 8,
        .rows = rows.joined ? n : 0,
        .within = rows.within,
    };
    ls_fit(&problem, out, err);
    double moved = engine == SCORE_SIMULATE ? 1 : 0;
    for (int round = 0; round < ROUNDS && moved > 1e-3 && err->code == STATUS_OK; round++) {
        double theta[CONSTANT_LIMIT];
        for (size_t k = 0; k < s->n_constants; k++) {
            theta[k] = out->parameter[k].value;
        }
        if (rescale(&context, theta, factor + rows.n + 1, factor, &moved, err) == STATUS_OK) {
            ls_fit(&problem, out, err);
        }
    }
    evaluator_free(&context.evaluator);
    free(factor);
    free_fit_rows(&rows);
    return err->code;
}

/* ---------------------------------------------------------------- facts */

static enum status fact_runs(struct score_set *s, size_t i, const double *theta,
                             struct evaluator *e, struct score_fact *out, struct error *err)
{
    const struct score_case *c = &s->cases[i];
    struct config config;
    struct config baseline;
    struct row row;
    struct tally tally;
    if (configure(s, &s->points[c->point], theta, &config, &baseline, err) != STATUS_OK ||
        predict_config(&config, NULL, e, &row, &tally, NULL, err) != STATUS_OK) {
        return err->code;
    }
    *out = (struct score_fact){.kase = i, .what = "runs", .holds = c->ran == row.feasible};
    snprintf(out->measured, sizeof out->measured, "%s", c->ran ? "yes" : "no");
    snprintf(out->predicted, sizeof out->predicted, "%.60s",
             row.feasible ? "yes" : row.status_text);
    return STATUS_OK;
}

/* The best value of the column for this row's configuration, everything else equal. */
static enum status fact_best(struct score_set *s, size_t i, const double *theta,
                             struct evaluator *e, struct score_fact *out, struct error *err)
{
    const struct score_best *b = &s->best;
    const struct score_case *c = &s->cases[i];
    const struct score_point *p = &s->points[c->point];
    double best = NAN;
    double measured = NAN;
    double winner = NAN;
    size_t column = 0;
    if (table_column(c->table, b->column, &column, err) != STATUS_OK ||
        table_number(c->table, c->row, column, &measured, err) != STATUS_OK) {
        return err->code;
    }
    for (size_t v = 0; v < b->n_values; v++) {
        struct config config;
        struct config baseline;
        struct row row;
        struct tally tally;
        if (configure(s, p, theta, &config, &baseline, err) != STATUS_OK ||
            config_set(&config, b->pointer, b->values[v], err) != STATUS_OK ||
            predict_config(&config, p->has_baseline ? &baseline : NULL, e, &row, &tally, NULL,
                           err) != STATUS_OK) {
            return err->code;
        }
        struct reader reader = {s, c, &row};
        const double value =
            row.feasible ? expression_number(&b->objective, read_value, &reader) : (double)NAN;
        if (isfinite(value) && (isnan(best) || (b->largest ? value > best : value < best))) {
            best = value;
            winner = b->values[v];
        }
    }
    *out = (struct score_fact){.kase = i, .what = b->column, .holds = winner == measured};
    snprintf(out->measured, sizeof out->measured, "%g", measured);
    snprintf(out->predicted, sizeof out->predicted, "%g", winner);
    return STATUS_OK;
}

/* The best row of all that are graded. */
static enum status fact_best_row(struct score_set *s, const double *theta, struct evaluator *e,
                                 struct score_fact *out, struct error *err)
{
    size_t best[2] = {SIZE_MAX, SIZE_MAX}; /* measured, predicted */
    double value[2] = {NAN, NAN};
    for (size_t i = 0; i < s->count; i++) {
        double both[2] = {s->cases[i].measured, NAN};
        if (s->cases[i].use == SCORE_FACT) {
            continue;
        }
        if (score_predict(s, SCORE_PREDICT, &i, 1, theta, e, &both[1], NULL, NULL, err) !=
            STATUS_OK) {
            return err->code;
        }
        for (int k = 0; k < 2; k++) {
            const bool better = s->best.largest ? both[k] > value[k] : both[k] < value[k];
            if (isfinite(both[k]) && (best[k] == SIZE_MAX || better)) {
                best[k] = i;
                value[k] = both[k];
            }
        }
    }
    *out = (struct score_fact){.kase = best[0], .what = "best row", .holds = best[0] == best[1]};
    snprintf(out->measured, sizeof out->measured, "%.60s", s->cases[best[0]].label);
    snprintf(out->predicted, sizeof out->predicted, "%.60s",
             best[1] != SIZE_MAX ? s->cases[best[1]].label : "none");
    return STATUS_OK;
}

enum status score_facts(struct score_set *s, const double *theta, struct evaluator *e,
                        struct score_fact **out, size_t *count, struct error *err)
{
    *count = 0;
    *out = calloc(2 * s->count + 1, sizeof **out);
    if (*out == NULL) {
        return RAISE(err, ERR_MEMORY, "out of memory for %zu facts", 2 * s->count);
    }
    for (size_t i = 0; i < s->count && err->code == STATUS_OK; i++) {
        const enum score_use use = s->cases[i].use;
        if (s->facts_feasible && use != SCORE_TRAIN &&
            fact_runs(s, i, theta, e, &(*out)[*count], err) == STATUS_OK) {
            ++*count;
        }
        if (s->best.pointer != NULL && use == SCORE_GRADE && err->code == STATUS_OK &&
            fact_best(s, i, theta, e, &(*out)[*count], err) == STATUS_OK) {
            ++*count;
        }
    }
    if (s->best.rows && err->code == STATUS_OK &&
        fact_best_row(s, theta, e, &(*out)[*count], err) == STATUS_OK) {
        ++*count;
    }
    return err->code;
}
