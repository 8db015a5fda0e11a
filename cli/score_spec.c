/* What a scenario's "score" section asks, but for its rows (cli/score_rows.c has the whole of it in
 * words). */
#include "cli/score.h"

#include <string.h>

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

/* Result columns first, then those of the table. */
static int predicted_variable(const char *name, void *context)
{
    const struct score_set *s = context;
    const int own = column_find(name);
    for (size_t i = 0; own < 0 && i < s->table.n_columns; i++) {
        if (strcmp(s->table.columns[i], name) == 0) {
            return (int)(column_count() + i);
        }
    }
    return own;
}

static int result_variable(const char *name, void *context)
{
    (void)context;
    return column_find(name);
}

static enum status read_best(const struct json *best, struct score_set *s, struct error *err)
{
    struct score_best *b = &s->best;
    if (best == NULL) {
        return STATUS_OK;
    }
    b->spec = best;
    if (best->kind == JSON_STRING) {
        b->rows = true;
        b->largest = strcmp(best->text, "largest") == 0;
        return b->largest || strcmp(best->text, "smallest") == 0
                   ? STATUS_OK
                   : JSON_RAISE(err, best, ERR_INPUT, "expected \"smallest\" or \"largest\"");
    }
    const char *smallest = score_text(best, "smallest");
    const char *largest = score_text(best, "largest");
    const struct json *values = json_member(best, "values");
    b->pointer = score_text(best, "pointer");
    b->column = score_text(best, "column");
    b->largest = smallest == NULL;
    for (const struct json *v = values != NULL ? values->first : NULL;
         v != NULL && v->kind == JSON_NUMBER && b->n_values < 32; v = v->next) {
        b->values[b->n_values++] = v->number;
    }
    if (b->pointer == NULL || b->column == NULL || b->n_values < 2 ||
        (smallest == NULL) == (largest == NULL)) {
        return JSON_RAISE(err, best, ERR_INPUT,
                          "\"best\" needs \"pointer\", \"column\", two or more \"values\" and "
                          "\"smallest\" or \"largest\"");
    }
    struct error inner = {0};
    if (expression_compile(smallest != NULL ? smallest : largest, result_variable, NULL, NULL, 0,
                           &b->objective, &inner) != STATUS_OK) {
        return JSON_RAISE(err, best, ERR_INPUT, "%s", inner.message);
    }
    return STATUS_OK;
}

enum status score_read_keys(const struct json *spec, struct score_set *s, struct error *err)
{
    static const char *const known[] = {"against",   "where",    "set",        "measured",
                                        "predicted", "by",       "statistic",  "engine",
                                        "interval",  "residual", "resolution", "fit",
                                        "feasible",  "best",     "note"};
    if (json_known_keys(spec, "key", "", known, sizeof known / sizeof known[0], err) != STATUS_OK) {
        return err->code;
    }
    const char *residual = score_text(spec, "residual");
    s->residual = residual != NULL && strcmp(residual, "absolute") == 0 ? LS_ABSOLUTE : LS_RELATIVE;
    if (residual != NULL && s->residual == LS_RELATIVE && strcmp(residual, "relative") != 0) {
        return JSON_RAISE(err, json_member(spec, "residual"), ERR_INPUT,
                          "expected \"relative\" or \"absolute\"");
    }
    const char *engine = score_text(spec, "engine");
    const struct json *interval = json_member(spec, "interval");
    s->engine = engine != NULL && strcmp(engine, "simulate") == 0 ? SCORE_SIMULATE : SCORE_PREDICT;
    if (json_member(spec, "engine") != NULL && s->engine == SCORE_PREDICT &&
        (engine == NULL || strcmp(engine, "predict") != 0)) {
        return JSON_RAISE(err, json_member(spec, "engine"), ERR_INPUT,
                          "expected \"predict\" or \"simulate\"");
    }
    if (interval != NULL &&
        (interval->kind != JSON_NUMBER || !(interval->number > 0) || !(interval->number < 1))) {
        return JSON_RAISE(err, interval, ERR_INPUT, "expected a share between 0 and 1, as in 0.9");
    }
    s->interval = interval != NULL ? interval->number : 0;
    s->facts_feasible = json_member(spec, "feasible") != NULL;
    const struct json *predicted = json_member(spec, "predicted");
    const char *expression =
        predicted != NULL && predicted->kind == JSON_STRING ? predicted->text : "time_s";
    struct error inner = {0};
    if (expression_compile(expression, predicted_variable, s, NULL, 0, &s->predicted, &inner) !=
        STATUS_OK) {
        return JSON_RAISE(err, predicted, ERR_INPUT, "%s", inner.message);
    }
    return read_best(json_member(spec, "best"), s, err) == STATUS_OK
               ? read_constants(json_member(spec, "fit"), s, err)
               : err->code;
}
