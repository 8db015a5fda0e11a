/* Rows of a table of measurements as configurations. The scenario says how, in its own words:
 *
 *   "score": {
 *     "against": "../published/feng2018_structures.csv",
 *     "where": { "case": "A" },               rows to keep: a text, several, { "above": 0 } or
 *                                             { "not": "50" }
 *     "set": { "structure": { "pointer": "/system/structure", "split": "-" },
 *              "memory_gb": { "pointer": "/platform/memory_mib", "scale": 1024 } },
 *     "measured": "latency_s",                column, or { "column", "scale" }
 *     "predicted": "time_s",                  any expression of result columns, and of columns of
 *                                             the table that are not called like one
 *     "by": ["model", "shards"],              rows that share these cells measured one thing: it is
 *                                             graded by their
 *     "statistic": "median",                  mean (as when nothing is said), median or p90; the
 *                                             simulator predicts the same of its runs
 *     "engine": "simulate",                   what predicts, unless --engine says it: "predict"
 *     "interval": 0.9,                        low and high hold this share of the simulated runs
 *     "residual": "relative",                 or "absolute", in the unit of what was measured
 *     "resolution": "reading_resolution_s",   column: how finely the value could be read
 *     "fit": { "/compute/unit_s": { "from": 0, "to": 10, "start": 1 } },   constants left free
 *     "feasible": { "column": "outcome", "no": ["out_of_memory"], "set": ["memory_gb"] },
 *                                             facts: does it run? (with these columns set)
 *     "best": { "pointer": "/platform/workers", "column": "workers", "values": [1, 2, 4],
 *               "smallest": "time_s" }        or "smallest": the row with the smallest value
 *   }
 * "predicted": { "phase": "step", "names": { "UL-grad": "push" } } takes the time per round of the
 * phase the column names, under another name where one is given. */
#include "cli/score.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SETS_MAX = 64 };

static enum status column_of(const struct table *t, const struct json *node, const char *name,
                             size_t *out, struct error *err)
{
    struct error inner = {0};
    if (table_column(t, name, out, &inner) != STATUS_OK) {
        return JSON_RAISE(err, node, ERR_INPUT, "%s (%s)", inner.message, t->path);
    }
    return STATUS_OK;
}

/* Is the cell one of the texts of a text or a list of them? */
static bool is_one_of(const struct json *texts, const char *cell)
{
    const bool list = texts->kind == JSON_ARRAY;
    for (const struct json *v = list ? texts->first : texts; v != NULL; v = list ? v->next : NULL) {
        if (v->text != NULL && strcmp(v->text, cell) == 0) {
            return true;
        }
    }
    return false;
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
        const struct json *above = json_member(w, "above");
        const struct json *not = json_member(w, "not");
        if (above != NULL) {
            double value = 0;
            if (table_number(t, row, column, &value, err) != STATUS_OK) {
                return err->code;
            }
            *keeps = *keeps && above->kind == JSON_NUMBER && value > above->number;
        } else if (not != NULL) {
            *keeps = *keeps && !is_one_of(not, table_cell(t, row, column));
        } else {
            *keeps = *keeps && is_one_of(w, table_cell(t, row, column));
        }
    }
    return STATUS_OK;
}

/* The command line's --where column=value. */
static enum status wanted_row(const struct cli *cli, const struct table *t, size_t row, bool *keeps,
                              struct error *err)
{
    for (size_t i = 0; i < cli->n_options && *keeps; i++) {
        char name[64];
        size_t column = 0;
        if (strcmp(cli->option_names[i], "where") != 0) {
            continue;
        }
        const char *equals = strchr(cli->option_values[i], '=');
        if (equals == NULL) {
            return RAISE(err, ERR_USAGE, "--where %s: expected column=value",
                         cli->option_values[i]);
        }
        snprintf(name, sizeof name, "%.*s", (int)(equals - cli->option_values[i]),
                 cli->option_values[i]);
        if (table_column(t, name, &column, err) != STATUS_OK) {
            return err->code;
        }
        *keeps = strcmp(table_cell(t, row, column), equals + 1) == 0;
    }
    return STATUS_OK;
}

/* "pointer=value" of one cell; numbers scaled, "1-5-22" split into a list. */
static enum status cell_set(const struct json *spec, size_t column, const struct table *t,
                            size_t row, struct text *out, struct error *err)
{
    const char *pointer = spec->kind == JSON_STRING ? spec->text : score_text(spec, "pointer");
    const char *split = spec->kind == JSON_OBJECT ? score_text(spec, "split") : NULL;
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
                           : (measured != NULL ? score_text(measured, "column") : NULL);
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

/* How finely the value could be read, in the unit of what was measured. */
static enum status read_resolution(const struct json *spec, const struct table *t, size_t row,
                                   double *out, struct error *err)
{
    const char *name = score_text(spec, "resolution");
    const struct json *scale = json_member(json_member(spec, "measured"), "scale");
    size_t column = 0;
    *out = NAN;
    if (name != NULL &&
        column_of(t, json_member(spec, "resolution"), name, &column, err) == STATUS_OK &&
        table_number(t, row, column, out, err) == STATUS_OK) {
        *out *= scale != NULL ? scale->number : 1;
    }
    return err->code;
}

static enum status load_point(const struct cli *cli, const char *path, const char *const *sets,
                              size_t n, struct score_set *s, size_t *out, struct error *err)
{
    uint64_t hash = HASH_SEED;
    uint64_t check = HASH_SEED + 1;
    for (size_t i = 0; i < n; i++) {
        hash = hash_bytes(hash, sets[i], strlen(sets[i]) + 1);
        check = hash_bytes(check, sets[i], strlen(sets[i]) + 1);
    }
    *out = pair_map_index(&s->known, hash, check);
    if (*out < s->n_points) {
        return STATUS_OK;
    }
    if (s->n_points == s->points_capacity) {
        const size_t capacity = s->points_capacity > 0 ? 2 * s->points_capacity : 16;
        struct score_point *grown = realloc(s->points, capacity * sizeof *grown);
        if (grown == NULL) {
            return RAISE(err, ERR_MEMORY, "out of memory for %zu configurations", capacity);
        }
        s->points = grown;
        s->points_capacity = capacity;
    }
    struct score_point *p = &s->points[*out];
    *p = (struct score_point){0};
    const struct scenario_options options = {.data_dir = cli->data_dir,
                                             .sets = sets,
                                             .n_sets = n,
                                             .no_sweep = true,
                                             .catalogue = s->base.catalogue};
    if (scenario_load(path, &options, &p->scenario, err) == STATUS_OK) {
        s->n_points++;
    }
    return err->code;
}

/* Cursors borrow the scenario's place, so they are made when no point moves any more. */
static enum status open_points(struct score_set *s, struct error *err)
{
    for (size_t i = 0; i < s->n_points && err->code == STATUS_OK; i++) {
        struct score_point *p = &s->points[i];
        bool skipped = false;
        if (cursor_init(&p->cursor, &p->scenario, err) == STATUS_OK &&
            cursor_seek(&p->cursor, 0, &skipped, err) == STATUS_OK) {
            p->config = p->cursor.config;
            p->baseline = p->cursor.baseline;
            p->has_baseline = p->cursor.has_baseline;
        }
    }
    return err->code;
}

static enum status add_case(const struct cli *cli, const char *path, const struct json *spec,
                            struct score_set *s, const struct table *t, size_t row,
                            enum score_use use, struct error *err)
{
    const char *sets[SETS_MAX];
    struct text texts[SETS_MAX] = {{0}};
    size_t n = 0;
    struct score_case *c = &s->cases[s->count];
    *c = (struct score_case){.row = row, .table = t, .use = use, .measured = NAN, .ran = true};
    if (use != SCORE_FACT && (read_measured(spec, t, row, &c->measured, err) != STATUS_OK ||
                              read_resolution(spec, t, row, &c->resolution, err) != STATUS_OK)) {
        return err->code;
    }
    const double measured = c->measured;
    const bool grouped = s->groups.by != NULL && use != SCORE_FACT;
    if (use != SCORE_FACT && isnan(measured)) {
        return STATUS_OK; /* an empty cell: nothing was measured */
    }
    if (grouped) {
        size_t kase = 0;
        bool fresh = false;
        if (score_group(s, spec, t, row, use, s->count, &kase, &fresh, err) != STATUS_OK) {
            return err->code;
        }
        if (!fresh) {
            score_group_add(s, kase, measured);
            return STATUS_OK;
        }
    }
    for (; n < cli->n_sets && n < SETS_MAX; n++) {
        sets[n] = cli->sets[n];
    }
    const size_t own = n;
    struct text label = {0};
    const struct json *set = json_member(spec, "set");
    const struct json *only = json_member(json_member(spec, "feasible"), "set");
    for (const struct json *k = set != NULL ? set->first : NULL; k != NULL; k = k->next) {
        size_t column = 0;
        if (column_of(t, k, k->key, &column, err) != STATUS_OK) {
            break;
        }
        if (use == SCORE_FACT && only != NULL && !is_one_of(only, k->key)) {
            continue; /* a run that failed did not do what its other columns would set */
        }
        if (!grouped) {
            text_printf(&label, "%s%s", label.size > 0 ? " " : "", table_cell(t, row, column));
        }
        const bool list = k->kind == JSON_ARRAY; /* one column may set several values */
        for (const struct json *one = list ? k->first : k;
             one != NULL && n < SETS_MAX && err->code == STATUS_OK;
             one = list ? one->next : NULL, n++) {
            cell_set(one, column, t, row, &texts[n], err);
            sets[n] = texts[n].data;
        }
    }
    if (grouped) {
        score_group_label(s, t, row, &label);
    }
    snprintf(c->label, sizeof c->label, "%s", label.data != NULL ? label.data : "");
    text_free(&label);
    const struct json *predicted = json_member(spec, "predicted");
    const char *phase =
        predicted != NULL && predicted->kind == JSON_OBJECT ? score_text(predicted, "phase") : NULL;
    size_t column = 0;
    if (err->code == STATUS_OK && phase != NULL &&
        column_of(t, predicted, phase, &column, err) == STATUS_OK) {
        c->phase = table_cell(t, row, column);
        const char *other = score_text(json_member(predicted, "names"), c->phase);
        c->phase = other != NULL ? other : c->phase;
        const size_t used = strlen(c->label);
        snprintf(c->label + used, sizeof c->label - used, " %s", table_cell(t, row, column));
    }
    if (err->code == STATUS_OK && load_point(cli, path, sets, n, s, &c->point, err) == STATUS_OK) {
        s->graded += use == SCORE_GRADE;
        s->trained += use == SCORE_TRAIN;
        s->count++;
        if (grouped) {
            score_group_add(s, s->count - 1, measured);
        }
    }
    for (size_t i = own; i < n; i++) {
        text_free(&texts[i]);
    }
    return err->code;
}

/* What the constants are fitted on is not graded too. */
static enum status drop_seen(struct score_set *s, struct error *err)
{
    struct pair_map known = {0};
    size_t kept = 0;
    size_t trained = 0;
    for (size_t i = 0; i < s->count && s->trained > 0 && err->code == STATUS_OK; i++) {
        const struct score_case *c = &s->cases[i];
        const uint64_t hash = hash_bytes(HASH_SEED, c->label, strlen(c->label));
        uint64_t bits = 0;
        memcpy(&bits, &c->measured, sizeof bits);
        const bool grade = c->use == SCORE_GRADE; /* rows that train come first */
        const uint32_t at = c->use == SCORE_FACT ? 0 : pair_map_index(&known, hash, bits);
        if (at == UINT32_MAX) {
            RAISE(err, ERR_MEMORY, "out of memory for %zu rows", s->count);
        }
        trained = c->use == SCORE_TRAIN ? known.count : trained;
        if (grade && at < trained) {
            s->seen++;
            s->graded--;
        } else {
            s->cases[kept++] = *c;
        }
    }
    s->count = s->trained > 0 ? kept : s->count;
    pair_map_free(&known);
    return err->code;
}

/* What the table says of a run: true unless the cell is one of "no". */
static enum status read_ran(const struct json *feasible, const struct table *t, size_t row,
                            bool *out, struct error *err)
{
    size_t column = 0;
    const char *name = score_text(feasible, "column");
    const struct json *no = json_member(feasible, "no");
    if (name == NULL || no == NULL) {
        return JSON_RAISE(err, feasible, ERR_INPUT,
                          "\"feasible\" needs a \"column\" and what it holds when there is \"no\" "
                          "result");
    }
    if (column_of(t, feasible, name, &column, err) == STATUS_OK) {
        *out = !is_one_of(no, table_cell(t, row, column));
    }
    return err->code;
}

static enum status read_rows(const struct cli *cli, const char *path, const struct json *spec,
                             struct score_set *s, const struct table *t, enum score_use use,
                             struct error *err)
{
    const struct json *feasible = json_member(spec, "feasible");
    for (size_t row = 0; row < t->n_rows && err->code == STATUS_OK; row++) {
        bool keeps = false;
        bool ran = true;
        if (keeps_row(json_member(spec, "where"), t, row, &keeps, err) != STATUS_OK ||
            wanted_row(cli, t, row, &keeps, err) != STATUS_OK ||
            (feasible != NULL && read_ran(feasible, t, row, &ran, err) != STATUS_OK)) {
            break;
        }
        const size_t before = s->count;
        if (keeps && ran) {
            add_case(cli, path, spec, s, t, row, use, err);
        } else if (feasible != NULL && use == SCORE_GRADE) {
            add_case(cli, path, spec, s, t, row, SCORE_FACT, err);
        }
        if (s->count > before) {
            s->cases[before].ran = ran;
        }
    }
    return err->code;
}

static enum status read_spec(const struct cli *cli, const char *path, const char *against,
                             bool within, struct score_set *s, struct error *err)
{
    const struct json *spec = s->base.score;
    if (spec == NULL || spec->kind != JSON_OBJECT) {
        return RAISE(err, ERR_INPUT,
                     "%s has no \"score\" section that says how it compares with a table", path);
    }
    const char *name = score_text(spec, "against");
    char own[256] = "";
    if (against == NULL && name == NULL) {
        return JSON_RAISE(err, spec, ERR_INPUT, "no table: give \"against\" here, or --against");
    }
    if (name != NULL) {
        const char *slash = name[0] != '/' ? strrchr(path, '/') : NULL;
        snprintf(own, sizeof own, "%.*s%s", slash != NULL ? (int)(slash - path) + 1 : 0, path,
                 name);
    }
    snprintf(s->against, sizeof s->against, "%s", against != NULL ? against : own);
    if (table_load(s->against, &s->table, err) == ERR_IO &&
        against == NULL) { /* where it is named */
        const struct error cause = *err;
        *err = (struct error){0};
        return JSON_RAISE(err, json_member(spec, "against"), ERR_INPUT,
                          "%.400s (beside the scenario; --against names another)", cause.message);
    }
    if (err->code != STATUS_OK || score_read_keys(spec, s, err) != STATUS_OK) {
        return err->code;
    }
    /* Another table: constants come from the scenario's own, when it is there. */
    struct error missing = {0};
    if (against != NULL && !within && s->n_constants > 0 && own[0] != '\0') {
        table_load(own, &s->own, &missing);
    }
    s->cases = calloc(s->table.n_rows + s->own.n_rows + 1, sizeof *s->cases);
    if (s->cases == NULL) {
        return RAISE(err, ERR_MEMORY, "out of memory for %zu rows", s->table.n_rows);
    }
    if (score_groups_open(spec, s->table.n_rows + s->own.n_rows, s, err) == STATUS_OK &&
        read_rows(cli, path, spec, s, &s->own, SCORE_TRAIN, err) == STATUS_OK &&
        read_rows(cli, path, spec, s, &s->table, SCORE_GRADE, err) == STATUS_OK &&
        score_groups_close(s, err) == STATUS_OK && drop_seen(s, err) == STATUS_OK &&
        s->graded == 0 && s->seen > 0) { /* the same table by another name */
        for (size_t i = 0; i < s->count; i++) {
            s->cases[i].use = s->cases[i].use == SCORE_TRAIN ? SCORE_GRADE : s->cases[i].use;
        }
        s->graded = s->trained;
        s->trained = s->seen = 0;
    }
    if (err->code == STATUS_OK && s->graded == 0) {
        return JSON_RAISE(err, spec, ERR_INPUT, "no row of %s is kept", s->against);
    }
    return err->code == STATUS_OK ? open_points(s, err) : err->code;
}

enum status score_load(const struct cli *cli, const char *path, const char *against, bool within,
                       struct score_set *out, struct error *err)
{
    *out = (struct score_set){0};
    if (cli_scenario(cli, path, &out->base, err) == STATUS_OK) {
        read_spec(cli, path, against, within, out, err);
    }
    if (err->code != STATUS_OK) {
        score_free(out);
    }
    return err->code;
}

void score_free(struct score_set *s)
{
    for (size_t i = 0; i < s->n_points; i++) {
        cursor_free(&s->points[i].cursor);
        scenario_free(&s->points[i].scenario);
    }
    free(s->points);
    free(s->cases);
    pair_map_free(&s->known);
    pair_map_free(&s->groups.known);
    free(s->groups.kase);
    free(s->groups.of);
    free(s->groups.value);
    table_free(&s->table);
    table_free(&s->own);
    scenario_free(&s->base);
    *s = (struct score_set){0};
}
