/* plan --break-even: at which value of a number the best choice changes, told. */
#include "cli/break_even.h"

#include "cli/provenance.h"
#include "model/break_even.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS = 48 }; /* twelve a decade of the usual range */

/* ---------------------------------------------------------------- what is asked */

static enum status read_question(const char *asked, char *pointer, size_t size, double *low,
                                 double *high, struct error *err)
{
    const char *colon = strchr(asked, ':');
    const size_t n = colon != NULL ? (size_t)(colon - asked) : strlen(asked);
    char *end = NULL;
    char *last = NULL;
    *low = *high = (double)NAN;
    bool good = asked[0] == '/' && n > 1 && n < size;
    if (good && colon != NULL) {
        *low = strtod(colon + 1, &end);
        good = end != colon + 1 && *end == ':';
        *high = good ? strtod(end + 1, &last) : 0;
        good = good && last != end + 1 && *last == '\0' && isfinite(*low) && isfinite(*high) &&
               *high > *low;
    }
    if (!good) {
        return RAISE(err, ERR_USAGE,
                     "--break-even %.200s: expected /pointer or /pointer:low:high, low below high",
                     asked);
    }
    snprintf(pointer, size, "%.*s", (int)n, asked);
    return STATUS_OK;
}

static void show_progress(double done, double all, void *context)
{
    const struct cli *cli = context;
    if (cli->progress) {
        fprintf(stderr, done < all ? "\rlooking: %.0f %%" : "\r\033[K", 100 * done / all);
    }
}

/* ---------------------------------------------------------------- one side of a change */

struct side {
    bool any;
    const struct search_point *point;
    char words[512]; /* the configuration */
    char system[64], platform[96], store[96];
    bool machine;
};

/* Names of a point where the number is x. */
static enum status name_side(const struct break_even_question *q, double x, bool any,
                             const struct search_point *point, struct side *out, struct error *err)
{
    *out = (struct side){.any = any, .point = point};
    struct break_even_look look;
    if (!any) {
        snprintf(out->words, sizeof out->words, "nothing is within the limits");
        return STATUS_OK;
    }
    if (break_even_open(q, x, &look, err) == STATUS_OK) {
        struct text words = {0};
        text_plan_point(&words, &look.search, point);
        const struct config *c = &look.search.choices[point->choice].config;
        snprintf(out->words, sizeof out->words, "%s", words.data != NULL ? words.data : "");
        snprintf(out->system, sizeof out->system, "%s", c->system.protocol->name);
        snprintf(out->platform, sizeof out->platform, "%s", c->platform.name);
        snprintf(out->store, sizeof out->store, "%s", c->stores[STORE_EXCHANGE].name);
        out->machine = c->platform.kind != PLATFORM_FUNCTION;
        text_free(&words);
        break_even_close(&look);
    }
    return err->code;
}

/* ---------------------------------------------------------------- for people */

static void text_value(struct text *out, double value)
{
    text_printf(out, "%.7g", value);
}

/* *bounds: becomes true where the time is only an upper bound. */
static void write_side(struct text *out, const char *word, const struct side *s, bool *bounds)
{
    text_printf(out, "    %-6s ", word);
    if (s->any) {
        *bounds = *bounds || s->point->bound;
        text_plan_values(out, s->point);
        text_puts(out, ": ");
    }
    text_printf(out, "%s\n", s->words);
}

static void write_goal(struct text *out, const struct break_even *b)
{
    text_printf(out, "; the %s", plan_goal_words(&b->objective));
    if (b->objective.goal == GOAL_BALANCED && b->objective.time_weight != 0.5) {
        text_printf(out, ", weights %g and %g", b->objective.time_weight,
                    1 - b->objective.time_weight);
    }
    text_puts(out, b->limits.deadline_s > 0 || b->limits.budget_usd > 0 ? " " : "");
    text_limits(out, &b->limits);
    text_puts(out, "\n");
}

static enum status write_table(struct text *out, const struct break_even_question *q,
                               const struct break_even *b, struct error *err)
{
    struct side sides[2];
    bool bounds = false;
    text_printf(out, "%s from ", q->pointer);
    text_value(out, b->low);
    text_puts(out, " to ");
    text_value(out, b->high);
    if (isfinite(b->now)) {
        text_puts(out, ", now ");
        text_value(out, b->now);
    }
    write_goal(out, b);
    for (size_t i = 0; i < b->n_changes; i++) {
        const double x = b->changes[i].value;
        if (name_side(q, x, b->changes[i].has_before, &b->changes[i].before, &sides[0], err) !=
                STATUS_OK ||
            name_side(q, x, b->changes[i].has_after, &b->changes[i].after, &sides[1], err) !=
                STATUS_OK) {
            return err->code;
        }
        text_printf(out, "\n%s ", b->whole ? "From" : "At");
        text_value(out, x);
        text_puts(out, b->whole ? " on" : "");
        text_puts(out, sides[0].any && sides[1].any && sides[0].machine != sides[1].machine
                           ? sides[1].machine ? ", machines win over functions\n"
                                              : ", functions win over machines\n"
                       : b->by_choice ? ", the choice changes\n"
                                      : ", the number of workers changes\n");
        write_side(out, "below", &sides[0], &bounds);
        write_side(out, "above", &sides[1], &bounds);
    }
    if (b->more) {
        text_printf(out, "\nThere are more: the first %d are shown.\n", BREAK_EVEN_LIMIT);
    }
    if (b->n_changes == 0) {
        text_puts(out, "\nNothing changes.\n");
        if (name_side(q, b->low, b->has_first, &b->first, &sides[0], err) != STATUS_OK ||
            name_side(q, b->high, b->has_last, &b->last, &sides[1], err) != STATUS_OK) {
            return err->code;
        }
        write_side(out, "first", &sides[0], &bounds);
        write_side(out, "last", &sides[1], &bounds);
    }
    text_puts(out, bounds ? "\n" PLAN_BOUND_WORDS : "\n");
    text_printf(out,
                "By the closed form; compared are %s.\n%u looks at the range: two changes "
                "closer than a step that undo each other are not seen.\n",
                b->by_choice ? "choices, each with its best workers and memory"
                             : "numbers of workers, each with its best memory",
                b->steps + 1);
    return STATUS_OK;
}

/* ---------------------------------------------------------------- for programs */

static void json_side(struct text *out, const char *key, const struct side *s)
{
    text_printf(out, ", \"%s\": ", key);
    if (!s->any) {
        text_puts(out, "null");
        return;
    }
    text_puts(out, "{\"configuration\": ");
    text_json_string(out, s->words);
    text_puts(out, ", \"system\": ");
    text_json_string(out, s->system);
    text_puts(out, ", \"platform\": ");
    text_json_string(out, s->platform);
    text_puts(out, ", \"store\": ");
    text_json_string(out, s->store);
    text_printf(out, ", \"workers\": %u, \"memory_mib\": ", s->point->workers);
    text_number(out, s->point->memory_mib);
    text_puts(out, ", \"time_s\": ");
    text_number(out, s->point->time_s);
    text_printf(out, ", \"bound\": %d", s->point->bound);
    text_puts(out, ", \"cost_usd\": ");
    text_number(out, s->point->cost_usd);
    text_puts(out, "}");
}

static void csv_side(struct text *out, const struct side *s)
{
    text_puts(out, ",");
    text_csv(out, s->any ? s->words : "");
    text_puts(out, ",");
    text_csv(out, s->system);
    text_puts(out, ",");
    text_csv(out, s->platform);
    text_puts(out, ",");
    text_csv(out, s->store);
    if (!s->any) {
        text_puts(out, ",,,,,");
        return;
    }
    text_printf(out, ",%u,", s->point->workers);
    text_number(out, s->point->memory_mib);
    text_puts(out, ",");
    text_number(out, s->point->time_s);
    text_printf(out, ",%d,", s->point->bound);
    text_number(out, s->point->cost_usd);
}

static enum status write_rows(struct text *out, const struct break_even_question *q,
                              const struct break_even *b, bool json, const struct text *provenance,
                              struct error *err)
{
    if (json) {
        text_puts(out, "{\n  \"faascast\": \"" FAASCAST_VERSION "\",\n  \"provenance\": ");
        text_append(out, provenance->data, provenance->size);
        text_puts(out, ",\n  \"pointer\": ");
        text_json_string(out, q->pointer);
        text_puts(out, ",\n  \"now\": ");
        if (isfinite(b->now)) {
            text_number(out, b->now);
        } else {
            text_puts(out, "null");
        }
        text_puts(out, ",\n  \"low\": ");
        text_number(out, b->low);
        text_puts(out, ",\n  \"high\": ");
        text_number(out, b->high);
        text_printf(out, ",\n  \"minimise\": \"%s\",\n  \"complete\": %s,\n  \"changes\": [",
                    search_goal_name(b->objective.goal), b->more ? "false" : "true");
    } else {
        text_puts(out, "pointer,value,jump");
        static const char *const parts[] = {"before", "after"};
        for (int k = 0; k < 2; k++) {
            static const char *const keys[] = {"configuration", "system",  "platform",
                                               "store",         "workers", "memory_mib",
                                               "time_s",        "bound",   "cost_usd"};
            for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
                text_printf(out, ",%s_%s", parts[k], keys[i]);
            }
        }
        text_puts(out, "\n");
    }
    for (size_t i = 0; i < b->n_changes; i++) {
        struct side before;
        struct side after;
        const double x = b->changes[i].value;
        if (name_side(q, x, b->changes[i].has_before, &b->changes[i].before, &before, err) !=
                STATUS_OK ||
            name_side(q, x, b->changes[i].has_after, &b->changes[i].after, &after, err) !=
                STATUS_OK) {
            return err->code;
        }
        if (json) {
            text_puts(out, i > 0 ? ",\n    {\"value\": " : "\n    {\"value\": ");
            text_number(out, x);
            text_printf(out, ", \"jump\": %s", b->changes[i].jump ? "true" : "false");
            json_side(out, "before", &before);
            json_side(out, "after", &after);
            text_puts(out, "}");
        } else {
            text_csv(out, q->pointer);
            text_puts(out, ",");
            text_number(out, x);
            text_printf(out, ",%d", b->changes[i].jump);
            csv_side(out, &before);
            csv_side(out, &after);
            text_puts(out, "\n");
        }
    }
    if (json) {
        text_puts(out, "]\n}\n");
    }
    return STATUS_OK;
}

enum status plan_break_even(const struct cli *cli, const char *asked,
                            const struct search_objective *objective,
                            const struct constraints *limits, struct error *err)
{
    char pointer[128];
    struct break_even_question q = {
        .path = cli->arguments[0],
        .options = {.data_dir = cli->data_dir, .sets = cli->sets, .n_sets = cli->n_sets},
        .pointer = pointer,
        .objective = objective,
        .limits = *limits,
        .steps = STEPS,
        .progress = show_progress,
        .context = (void *)cli};
    struct break_even *found = calloc(1, sizeof *found);
    struct break_even_look look;
    struct text out = {0};
    struct text provenance = {0};
    if (found == NULL) {
        return RAISE(err, ERR_MEMORY, "out of memory for a plan");
    }
    if (read_question(asked, pointer, sizeof pointer, &q.low, &q.high, err) == STATUS_OK &&
        break_even_find(&q, found, err) == STATUS_OK &&
        break_even_open(&q, (double)NAN, &look, err) == STATUS_OK) {
        text_provenance_now(&provenance, cli, &look.scenario, "predict", (double)NAN, err);
        break_even_close(&look);
    }
    if (err->code == STATUS_OK && found->n_changes == 0 && !found->has_first && !found->has_last) {
        struct text words = {0};
        text_limits(&words, &found->limits);
        RAISE(err, ERR_INFEASIBLE, "no configuration is %s at any %s from %g to %g",
              words.data != NULL && words.size > 0 ? words.data : "feasible", pointer, found->low,
              found->high);
        text_free(&words);
    }
    if (err->code == STATUS_OK) {
        if (cli->format == FORMAT_TABLE) {
            write_table(&out, &q, found, err);
        } else {
            write_rows(&out, &q, found, cli->format == FORMAT_JSON, &provenance, err);
        }
    }
    free(found);
    if (err->code != STATUS_OK) {
        text_free(&out);
    } else {
        cli_write_result(cli, &out, &provenance, err);
    }
    text_free(&provenance);
    return err->code;
}
