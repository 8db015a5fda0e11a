/* claims: orderings that the papers state, as conditions on predictions that hold or not. */
#include "cli/commands.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct cli_option options[] = {
    {"papers", "TABLE.csv", "the claims in the papers' words: id, document, where, claim"},
    {NULL, NULL, NULL},
};

enum { VALUE_LIMIT = 64 };

/* The predictions one claim speaks about. */
struct values {
    const char *name[VALUE_LIMIT];
    double value[VALUE_LIMIT];
    size_t count;
};

struct tallied {
    size_t hold, fail, open;
};

static int find_value(const char *name, void *context)
{
    const struct values *v = context;
    for (size_t i = 0; i < v->count; i++) {
        if (strcmp(v->name[i], name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

static struct expression_value read_number(int variable, void *context)
{
    const struct values *v = context;
    return (struct expression_value){.number = v->value[variable]};
}

static int find_column(const char *name, void *context)
{
    (void)context;
    return column_find(name);
}

static struct expression_value read_column(int variable, void *context)
{
    return row_value(context, variable);
}

static const char *text_of(const struct json *node, const char *key)
{
    const struct json *child = json_member(node, key);
    return child != NULL && child->kind == JSON_STRING ? child->text : NULL;
}

/* Time per round of a phase, or an expression of result columns; NaN where it cannot run. */
static enum status predict_value(const struct json *spec, struct scenario_cursor *cursor,
                                 double *out, struct error *err)
{
    struct evaluator e = {0};
    struct row row;
    struct tally tally;
    bool skipped = false;
    const char *value = text_of(spec, "value");
    const char *phase = text_of(spec, "phase");
    *out = NAN;
    if (predict_point(cursor, 0, &e, &row, &tally, NULL, &skipped, err) == STATUS_OK &&
        row.feasible) {
        for (uint32_t i = 0; phase != NULL && i < e.program.n_phases; i++) {
            if (strcmp(e.program.phases[i].name, phase) == 0) {
                *out = tally.phase_s[i] / tally.rounds;
            }
        }
        struct expression expression;
        struct error inner = {0};
        if (phase == NULL && expression_compile(value != NULL ? value : "time_s", find_column, NULL,
                                                NULL, 0, &expression, &inner) == STATUS_OK) {
            *out = expression_number(&expression, read_column, &row);
        } else if (phase == NULL) {
            JSON_RAISE(err, json_member(spec, "value"), ERR_INPUT, "%s", inner.message);
        } else if (isnan(*out)) {
            JSON_RAISE(err, json_member(spec, "phase"), ERR_INPUT, "no phase '%s' in %s", phase,
                       row.scenario);
        }
    }
    evaluator_free(&e);
    return err->code;
}

/* One configuration: a scenario of the folder, with changes. */
static enum status read_value(const struct cli *cli, const char *file, const struct json *spec,
                              double *out, struct error *err)
{
    enum { SETS_MAX = 32 };
    const char *sets[SETS_MAX];
    struct text texts[SETS_MAX] = {{0}};
    size_t n = 0;
    char path[1024];
    const char *scenario = text_of(spec, "scenario");
    const char *slash = strrchr(file, '/');
    if (scenario == NULL) {
        return JSON_RAISE(err, spec, ERR_INPUT, "a value needs a \"scenario\"");
    }
    snprintf(path, sizeof path, "%.*s%s", slash != NULL ? (int)(slash - file) + 1 : 0, file,
             scenario);
    const struct json *set = json_member(spec, "set");
    for (const struct json *k = set != NULL ? set->first : NULL; k != NULL && n < SETS_MAX;
         k = k->next, n++) {
        text_printf(&texts[n], "%s=", k->key);
        json_write(&texts[n], k, 0);
        sets[n] = texts[n].data;
    }
    struct scenario s;
    struct scenario_cursor cursor;
    const struct scenario_options o = {
        .data_dir = cli->data_dir, .sets = sets, .n_sets = n, .no_sweep = true};
    if (scenario_load(path, &o, &s, err) == STATUS_OK) {
        if (cursor_init(&cursor, &s, err) == STATUS_OK) {
            predict_value(spec, &cursor, out, err);
            cursor_free(&cursor);
        }
        scenario_free(&s);
    }
    for (size_t i = 0; i < n; i++) {
        text_free(&texts[i]);
    }
    return err->code;
}

static enum status judge(const struct cli *cli, const char *file, const struct json *claim,
                         struct values *v, bool *holds, struct error *err)
{
    const struct json *list = json_member(claim, "values");
    const struct json *condition = json_member(claim, "holds");
    v->count = 0;
    for (const struct json *k = list != NULL ? list->first : NULL;
         k != NULL && err->code == STATUS_OK; k = k->next) {
        if (v->count == VALUE_LIMIT) {
            return JSON_RAISE(err, k, ERR_INPUT, "more than %d values", VALUE_LIMIT);
        }
        v->name[v->count] = k->key;
        read_value(cli, file, k, &v->value[v->count++], err);
    }
    const bool list_of = condition != NULL && condition->kind == JSON_ARRAY; /* all must hold */
    *holds = true;
    for (const struct json *one = list_of ? condition->first : condition;
         one != NULL && err->code == STATUS_OK; one = list_of ? one->next : NULL) {
        struct expression expression;
        struct error inner = {0};
        if (one->kind != JSON_STRING) {
            return JSON_RAISE(err, one, ERR_INPUT, "expected a condition");
        }
        if (expression_compile(one->text, find_value, v, v->name, v->count, &expression, &inner) !=
            STATUS_OK) {
            return JSON_RAISE(err, one, ERR_INPUT, "%s", inner.message);
        }
        *holds = *holds && expression_true(&expression, read_number, v);
    }
    if (err->code == STATUS_OK && condition == NULL) {
        JSON_RAISE(err, claim, ERR_INPUT, "a claim needs \"holds\", or \"open\" and why");
    }
    return err->code;
}

/* What the paper says, by the claim's id; "" when the table has no such row. */
static const char *paper_cell(const struct table *papers, const char *id, const char *column)
{
    struct error ignored = {0};
    size_t at = 0;
    size_t cell = 0;
    if (table_column(papers, "id", &at, &ignored) != STATUS_OK ||
        table_column(papers, column, &cell, &ignored) != STATUS_OK) {
        return "";
    }
    for (size_t i = 0; i < papers->n_rows; i++) {
        if (strcmp(table_cell(papers, i, at), id) == 0) {
            return table_cell(papers, i, cell);
        }
    }
    return "";
}

static void write_figures(struct text *out, const struct values *v)
{
    for (size_t i = 0; i < v->count; i++) {
        if (isnan(v->value[i])) {
            text_printf(out, "%s%s infeasible", i > 0 ? ", " : "", v->name[i]);
        } else {
            text_printf(out, "%s%s %.4g", i > 0 ? ", " : "", v->name[i], v->value[i]);
        }
    }
}

static void write_claim(const struct cli *cli, struct text *out, const struct table *papers,
                        const char *id, const char *state, const char *how, const char *figures,
                        bool first)
{
    const char *words = paper_cell(papers, id, "claim");
    if (cli->format == FORMAT_CSV) {
        const char *const cells[] = {
            id,  state,  paper_cell(papers, id, "document"), paper_cell(papers, id, "where"), words,
            how, figures};
        for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++) {
            text_puts(out, i > 0 ? "," : "");
            text_csv(out, cells[i]);
        }
        text_puts(out, "\n");
    } else if (cli->format == FORMAT_JSON) {
        text_printf(out, "%s\n  {\"id\": ", first ? "" : ",");
        text_json_string(out, id);
        text_puts(out, ", \"holds\": ");
        text_json_string(out, state);
        text_puts(out, ", \"claim\": ");
        text_json_string(out, words);
        text_puts(out, ", \"condition\": ");
        text_json_string(out, how);
        text_puts(out, ", \"figures\": ");
        text_json_string(out, figures);
        text_puts(out, "}");
    } else {
        text_printf(out, "%-4s %-6s %s\n", id, state, words);
        text_printf(out, "            %s\n", how);
        if (figures[0] != '\0') {
            text_printf(out, "            %s\n", figures);
        }
    }
}

static enum status run_claims(const struct cli *cli, const char *file, const struct json *root,
                              const struct table *papers, struct text *out, struct tallied *n,
                              struct error *err)
{
    const struct json *list = json_member(root, "claims");
    if (list == NULL || list->kind != JSON_ARRAY) {
        return JSON_RAISE(err, root, ERR_INPUT, "expected a list \"claims\"");
    }
    if (cli->format != FORMAT_TABLE) {
        text_puts(out, cli->format == FORMAT_CSV
                           ? "id,holds,document,where,claim,condition,figures\n"
                           : "[");
    }
    for (const struct json *c = list->first; c != NULL && err->code == STATUS_OK; c = c->next) {
        const char *id = text_of(c, "id");
        const char *open = text_of(c, "open");
        const char *how = text_of(c, "how");
        struct values v = {.count = 0};
        struct text figures = {0};
        bool holds = false;
        if (id == NULL) {
            JSON_RAISE(err, c, ERR_INPUT, "a claim needs an \"id\"");
        } else if (open == NULL && judge(cli, file, c, &v, &holds, err) == STATUS_OK) {
            write_figures(&figures, &v);
        }
        if (err->code == STATUS_OK) {
            const char *condition = text_of(c, "holds");
            n->open += open != NULL;
            n->hold += open == NULL && holds;
            n->fail += open == NULL && !holds;
            write_claim(cli, out, papers, id,
                        open != NULL ? "open"
                        : holds      ? "yes"
                                     : "NO",
                        open != NULL        ? open
                        : how != NULL       ? how
                        : condition != NULL ? condition
                                            : "all of a list",
                        figures.data != NULL ? figures.data : "", c == list->first);
        }
        text_free(&figures);
    }
    if (cli->format == FORMAT_JSON) {
        text_puts(out, "\n]\n");
    } else if (cli->format == FORMAT_TABLE) {
        text_printf(out, "\n%zu hold, %zu do not, %zu are not modelled\n", n->hold, n->fail,
                    n->open);
    }
    return err->code;
}

static enum exit_code run(struct cli *cli, struct error *err)
{
    char file[1024];
    char papers_path[1024];
    const char *papers_option = cli_option(cli, "papers");
    struct arena arena = {0};
    struct json *root = NULL;
    struct table papers = {0};
    struct text out = {0};
    struct tallied n = {0};
    snprintf(file, sizeof file, "%s/claims.json", cli->data_dir);
    snprintf(papers_path, sizeof papers_path, "%s/published/qualitative_claims.csv", cli->data_dir);
    const char *path = cli->n_arguments > 0 ? cli->arguments[0] : file;
    if (json_load(&arena, path, &root, err) == STATUS_OK &&
        table_load(papers_option != NULL ? papers_option : papers_path, &papers, err) ==
            STATUS_OK &&
        run_claims(cli, path, root, &papers, &out, &n, err) == STATUS_OK) {
        cli_write(cli, &out, err);
    }
    text_free(&out);
    table_free(&papers);
    arena_free(&arena);
    return n.fail > 0 ? EXIT_UNMET : EXIT_DONE;
}

const struct command command_claims = {
    .name = "claims",
    .summary = "what the papers claim in words, as orderings of predictions that hold or not",
    .arguments = "[CLAIMS.json]",
    .examples = "faascast claims\n"
                "faascast claims my-claims.json --papers my-claims.csv --format csv\n",
    .options = options,
    .details = "Each claim of the file names configurations (a scenario and changes to it), takes "
               "a value of each, and states a condition on them. Claims about what is not "
               "modelled stay open, with the reason. The exit code is 4 when a claim does not "
               "hold. Without a file the claims of the five papers the scenarios come from.",
    .arguments_min = 0,
    .arguments_max = 1,
    .run = run,
};
