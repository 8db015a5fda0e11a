/* Rows of a table of measurements as configurations. The scenario says how, in its own words:
 *
 *   "score": {
 *     "against": "../published/feng2018_structures.csv",
 *     "where": { "case": "A" },                      rows to keep: a text, several, or { "above": 0
 * } "set": { "structure": { "pointer": "/system/structure", "split": "-" }, "memory_gb": {
 * "pointer": "/platform/memory_mib", "scale": 1024 } }, "measured": "latency_s", column, or {
 * "column", "scale" } "predicted": "time_s",                          any expression of result
 * columns "fit": { "/compute/unit_s": { "from": 0, "to": 10, "start": 1 } }   constants left free
 *   }
 * "predicted": { "phase": "step" } takes the time per round of the phase the column names. */
#include "cli/score.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static enum status column_of(const struct table *t, const struct json *node, const char *name,
                             size_t *out, struct error *err)
{
    struct error inner = {0};
    if (table_column(t, name, out, &inner) != STATUS_OK) {
        return JSON_RAISE(err, node, ERR_INPUT, "%s (%s)", inner.message, t->path);
    }
    return STATUS_OK;
}

static const char *text_of(const struct json *node, const char *key)
{
    const struct json *child = json_member(node, key);
    return child != NULL && child->kind == JSON_STRING ? child->text : NULL;
}

/* Does the row hold all of "where"? */
static enum status keeps_row(const struct json *where, const struct table *t, size_t row,
                             bool *keeps, struct error *err)
{
    *keeps = true;
    for (const struct json *w = where != NULL ? where->first : NULL; w != NULL; w = w->next) {
        size_t column = 0;
        if (column_of(t, w, w->key, &column, err) != STATUS_OK) {
            return err->code;
        }
        const char *cell = table_cell(t, row, column);
        bool same = false;
        const struct json *above = json_member(w, "above");
        if (above != NULL) {
            double value = 0;
            if (table_number(t, row, column, &value, err) != STATUS_OK) {
                return err->code;
            }
            *keeps = *keeps && above->kind == JSON_NUMBER && value > above->number;
            continue;
        }
        const bool list = w->kind == JSON_ARRAY;
        for (const struct json *v = list ? w->first : w; v != NULL; v = list ? v->next : NULL) {
            same = same || (v->text != NULL && strcmp(v->text, cell) == 0);
        }
        *keeps = *keeps && same;
    }
    return STATUS_OK;
}

/* "pointer=value" of one cell; numbers scaled, "1-5-22" split into a list. */
static enum status cell_set(const struct json *spec, size_t column, const struct table *t,
                            size_t row, struct text *out, struct error *err)
{
    const char *pointer = spec->kind == JSON_STRING ? spec->text : text_of(spec, "pointer");
    const char *split = spec->kind == JSON_OBJECT ? text_of(spec, "split") : NULL;
    const struct json *scale = json_member(spec, "scale");
    const struct json *names = json_member(spec, "names");
    if (pointer == NULL) {
        return JSON_RAISE(err, spec, ERR_INPUT, "expected a JSON pointer or {\"pointer\": ...}");
    }
    const char *cell = table_cell(t, row, column);
    text_printf(out, "%s=", pointer);
    if (split != NULL && strlen(split) == 1) {
        text_puts(out, "[");
        for (const char *p = cell; *p != '\0'; p++) {
            text_append(out, *p == split[0] ? "," : p, 1);
        }
        text_puts(out, "]");
    } else if (names != NULL && json_member(names, cell) != NULL) {
        json_write(out, json_member(names, cell), 0);
    } else if (names != NULL) {
        return JSON_RAISE(err, names, ERR_INPUT, "no name for '%.60s' of column %s", cell,
                          t->columns[column]);
    } else if (scale != NULL && scale->kind == JSON_NUMBER) {
        double value = 0;
        if (table_number(t, row, column, &value, err) != STATUS_OK) {
            return err->code;
        }
        text_number(out, value * scale->number);
    } else {
        text_puts(out, cell);
    }
    return STATUS_OK;
}

static enum status read_measured(const struct json *spec, const struct table *t, size_t row,
                                 double *out, struct error *err)
{
    const struct json *measured = json_member(spec, "measured");
    size_t column = 0;
    const char *name = measured != NULL && measured->kind == JSON_STRING
                           ? measured->text
                           : (measured != NULL ? text_of(measured, "column") : NULL);
    if (name == NULL) {
        return JSON_RAISE(err, measured != NULL ? measured : spec, ERR_INPUT,
                          "\"measured\" must name a column of the table");
    }
    if (column_of(t, measured, name, &column, err) != STATUS_OK ||
        table_number(t, row, column, out, err) != STATUS_OK) {
        return err->code;
    }
    const struct json *scale = json_member(measured, "scale");
    *out *= scale != NULL ? scale->number : 1;
    return STATUS_OK;
}

static enum status add_case(const struct cli *cli, const char *path, const struct json *spec,
                            struct score_set *s, size_t row, struct error *err)
{
    enum { SETS_MAX = 64 };
    const char *sets[SETS_MAX];
    struct text texts[SETS_MAX] = {{0}};
    size_t n = 0;
    struct score_case *c = &s->cases[s->count];
    *c = (struct score_case){.row = row};
    if (read_measured(spec, &s->table, row, &c->measured, err) != STATUS_OK) {
        return err->code;
    }
    if (isnan(c->measured)) {
        return STATUS_OK; /* an empty cell: nothing was measured */
    }
    for (; n < cli->n_sets && n < SETS_MAX; n++) {
        sets[n] = cli->sets[n];
    }
    const size_t own = n;
    struct text label = {0};
    const struct json *set = json_member(spec, "set");
    for (const struct json *k = set != NULL ? set->first : NULL; k != NULL; k = k->next) {
        size_t column = 0;
        if (column_of(&s->table, k, k->key, &column, err) != STATUS_OK) {
            break;
        }
        text_printf(&label, "%s%s", label.size > 0 ? " " : "", table_cell(&s->table, row, column));
        const bool list = k->kind == JSON_ARRAY; /* one column may set several values */
        for (const struct json *one = list ? k->first : k;
             one != NULL && n < SETS_MAX && err->code == STATUS_OK;
             one = list ? one->next : NULL, n++) {
            cell_set(one, column, &s->table, row, &texts[n], err);
            sets[n] = texts[n].data;
        }
    }
    snprintf(c->label, sizeof c->label, "%s", label.data != NULL ? label.data : "");
    text_free(&label);
    const struct scenario_options options = {
        .data_dir = cli->data_dir, .sets = sets, .n_sets = n, .no_sweep = true};
    if (err->code == STATUS_OK && scenario_load(path, &options, &c->scenario, err) == STATUS_OK) {
        bool skipped = false;
        if (cursor_init(&c->cursor, &c->scenario, err) == STATUS_OK &&
            cursor_seek(&c->cursor, 0, &skipped, err) == STATUS_OK) {
            c->config = c->cursor.config;
            c->baseline = c->cursor.baseline;
            c->has_baseline = c->cursor.has_baseline;
        }
        s->count++;
    }
    const struct json *predicted = json_member(spec, "predicted");
    const char *phase =
        predicted != NULL && predicted->kind == JSON_OBJECT ? text_of(predicted, "phase") : NULL;
    size_t column = 0;
    if (err->code == STATUS_OK && phase != NULL &&
        column_of(&s->table, predicted, phase, &column, err) == STATUS_OK) {
        c->phase = table_cell(&s->table, row, column);
        const size_t used = strlen(c->label);
        snprintf(c->label + used, sizeof c->label - used, " %s", c->phase);
    }
    for (size_t i = own; i < n; i++) {
        text_free(&texts[i]);
    }
    return err->code;
}

static enum status read_constants(const struct json *fit, struct score_set *s, struct error *err)
{
    for (const struct json *k = fit != NULL ? fit->first : NULL; k != NULL; k = k->next) {
        if (s->n_constants == CONSTANT_LIMIT) {
            return JSON_RAISE(err, k, ERR_INPUT, "more than %d constants", CONSTANT_LIMIT);
        }
        const struct json *from = json_member(k, "from");
        const struct json *to = json_member(k, "to");
        const struct json *start = json_member(k, "start");
        if (from == NULL || to == NULL || from->kind != JSON_NUMBER || to->kind != JSON_NUMBER ||
            from->number >= to->number) {
            return JSON_RAISE(err, k, ERR_INPUT, "a constant needs \"from\" below \"to\"");
        }
        struct score_constant *c = &s->constants[s->n_constants++];
        snprintf(c->pointer, sizeof c->pointer, "%s", k->key);
        c->lower = from->number;
        c->upper = to->number;
        c->start = start != NULL && start->kind == JSON_NUMBER ? start->number
                                                               : 0.5 * (c->lower + c->upper);
    }
    return STATUS_OK;
}

static int predicted_variable(const char *name, void *context)
{
    (void)context;
    return column_find(name);
}

static enum status read_spec(const struct cli *cli, const char *path, const char *against,
                             const struct scenario *base, struct score_set *s, struct error *err)
{
    const struct json *spec = base->score;
    if (spec == NULL || spec->kind != JSON_OBJECT) {
        return RAISE(err, ERR_INPUT,
                     "%s has no \"score\" section that says how it compares with a table", path);
    }
    static const char *const known[] = {"against",   "where", "set", "measured",
                                        "predicted", "fit",   "note"};
    for (const struct json *k = spec->first; k != NULL; k = k->next) {
        const char *near = nearest_name(k->key, known, sizeof known / sizeof known[0]);
        if (near == NULL || strcmp(near, k->key) != 0) {
            return JSON_RAISE(err, k, ERR_INPUT, "unknown key '%s'%s%s%s", k->key,
                              near != NULL ? ", did you mean '" : "", near != NULL ? near : "",
                              near != NULL ? "'?" : "");
        }
    }
    const char *own = text_of(spec, "against");
    if (against == NULL && own == NULL) {
        return JSON_RAISE(err, spec, ERR_INPUT, "no table: give \"against\" here, or --against");
    }
    const char *slash = strrchr(path, '/');
    if (against != NULL || slash == NULL) {
        snprintf(s->against, sizeof s->against, "%s", against != NULL ? against : own);
    } else {
        snprintf(s->against, sizeof s->against, "%.*s%s", (int)(slash - path) + 1, path, own);
    }
    const struct json *predicted = json_member(spec, "predicted");
    const char *expression =
        predicted != NULL && predicted->kind == JSON_STRING ? predicted->text : "time_s";
    struct error inner = {0};
    if (expression_compile(expression, predicted_variable, NULL, NULL, 0, &s->predicted, &inner) !=
        STATUS_OK) {
        return JSON_RAISE(err, predicted, ERR_INPUT, "%s", inner.message);
    }
    if (read_constants(json_member(spec, "fit"), s, err) != STATUS_OK ||
        table_load(s->against, &s->table, err) != STATUS_OK) {
        return err->code;
    }
    s->cases = calloc(s->table.n_rows + 1, sizeof *s->cases);
    if (s->cases == NULL) {
        return RAISE(err, ERR_MEMORY, "out of memory for %zu rows", s->table.n_rows);
    }
    for (size_t row = 0; row < s->table.n_rows && err->code == STATUS_OK; row++) {
        bool keeps = false;
        if (keeps_row(json_member(spec, "where"), &s->table, row, &keeps, err) == STATUS_OK &&
            keeps) {
            add_case(cli, path, spec, s, row, err);
        }
    }
    if (err->code == STATUS_OK && s->count == 0) {
        return JSON_RAISE(err, spec, ERR_INPUT, "no row of %s is kept", s->against);
    }
    return err->code;
}

enum status score_load(const struct cli *cli, const char *path, const char *against,
                       struct score_set *out, struct error *err)
{
    struct scenario base;
    *out = (struct score_set){0};
    if (cli_scenario(cli, path, &base, err) != STATUS_OK) {
        return err->code;
    }
    read_spec(cli, path, against, &base, out, err);
    scenario_free(&base);
    if (err->code != STATUS_OK) {
        score_free(out);
    }
    return err->code;
}

void score_free(struct score_set *s)
{
    for (size_t i = 0; i < s->count; i++) {
        cursor_free(&s->cases[i].cursor);
        scenario_free(&s->cases[i].scenario);
    }
    free(s->cases);
    table_free(&s->table);
    *s = (struct score_set){0};
}

/* ---------------------------------------------------------------- predictions */

static struct expression_value read_row(int variable, void *context)
{
    return row_value(context, variable);
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

static enum status set_constant(struct score_case *c, struct config *config,
                                struct config *baseline, const char *pointer, double value,
                                struct error *err)
{
    static const char prefix[] = "/baseline";
    if (strncmp(pointer, "/baseline/", sizeof prefix) == 0) {
        return c->has_baseline ? config_set(baseline, pointer + sizeof prefix - 1, value, err)
                               : STATUS_OK;
    }
    const bool shared = c->has_baseline && scenario_baseline_shares(&c->scenario, pointer);
    if (shared && config_set(baseline, pointer, value, err) != STATUS_OK) {
        return err->code;
    }
    return config_set(config, pointer, value, err);
}

enum status score_predict(struct score_set *s, const size_t *chosen, size_t n, const double *theta,
                          struct evaluator *e, double *predicted, struct error *err)
{
    for (size_t i = 0; i < n && err->code == STATUS_OK; i++) {
        struct score_case *c = &s->cases[chosen[i]];
        struct config config = c->config;
        struct config baseline = c->baseline;
        for (size_t k = 0; k < s->n_constants && err->code == STATUS_OK; k++) {
            set_constant(c, &config, &baseline, s->constants[k].pointer, theta[k], err);
        }
        struct row row;
        struct tally tally;
        if (err->code != STATUS_OK || predict_config(&config, c->has_baseline ? &baseline : NULL, e,
                                                     &row, &tally, NULL, err) != STATUS_OK) {
            return err->code;
        }
        if (!row.feasible) {
            predicted[i] = NAN;
        } else if (c->phase != NULL) {
            predicted[i] = phase_per_round(&e->program, &tally, c->phase);
        } else {
            predicted[i] = expression_number(&s->predicted, read_row, &row);
        }
    }
    return err->code;
}

struct fit_context {
    struct score_set *set;
    const size_t *chosen;
    size_t n;
    struct evaluator evaluator;
};

static enum status predict_for_fit(void *context, const double *theta, double *predicted,
                                   struct error *err)
{
    struct fit_context *f = context;
    if (score_predict(f->set, f->chosen, f->n, theta, &f->evaluator, predicted, err) != STATUS_OK) {
        return err->code;
    }
    for (size_t i = 0; i < f->n; i++) {
        if (!isfinite(predicted[i])) { /* infeasible with these constants: far off, not nowhere */
            predicted[i] = 10 * f->set->cases[f->chosen[i]].measured;
        }
    }
    return STATUS_OK;
}

enum status score_fit(struct score_set *s, const size_t *chosen, size_t n, struct ls_result *out,
                      struct error *err)
{
    struct ls_parameter parameters[CONSTANT_LIMIT];
    for (size_t k = 0; k < s->n_constants; k++) {
        const struct score_constant *c = &s->constants[k];
        parameters[k] = (struct ls_parameter){
            .name = c->pointer, .start = c->start, .lower = c->lower, .upper = c->upper};
    }
    double *measured = malloc((n + 1) * sizeof *measured);
    if (measured == NULL) {
        return RAISE(err, ERR_MEMORY, "out of memory for %zu rows", n);
    }
    for (size_t i = 0; i < n; i++) {
        measured[i] = s->cases[chosen[i]].measured;
    }
    struct fit_context context = {.set = s, .chosen = chosen, .n = n};
    const struct ls_problem problem = {
        .parameters = parameters,
        .n_parameters = s->n_constants,
        .measured = measured,
        .n = n,
        .predict = predict_for_fit,
        .context = &context,
        .residual = LS_RELATIVE,
        .loss = LS_SQUARES,
        .starts = 8,
    };
    ls_fit(&problem, out, err);
    evaluator_free(&context.evaluator);
    free(measured);
    return err->code;
}
