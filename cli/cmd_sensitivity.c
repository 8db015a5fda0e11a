/* sensitivity: which uncertain inputs move time and dollars of one configuration. */
#include "cli/commands.h"
#include "cli/provenance.h"
#include "model/search.h"
#include "model/sensitivity.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct cli_option options[] = {
    {"point", "N", "which configuration of the sweep, from 0 (default: the recommended one)"},
    {"vary", "/POINTER=LOW:HIGH",
     "one more uncertain input: anything between, equally likely; may "
     "be repeated"},
    {"samples", "N", "rows of the design for the Sobol indices (1024); 0 = tornado only"},
    {"seed", "N", "of the design and the bootstrap (1)"},
    {NULL, NULL, NULL},
};

/* The point a report recommends: the best within the limits, else the best without. */
static enum status choose_point(const struct scenario *s, struct scenario_cursor *cursor,
                                uint64_t *out, struct error *err)
{
    enum { POINTS_MAX = 1000000 };
    struct evaluator e = {0};
    double best[2] = {HUGE_VAL, HUGE_VAL}; /* within the limits, without */
    uint64_t points[2] = {0, 0};
    if (s->points > POINTS_MAX) {
        return RAISE(err, ERR_USAGE, "%llu configurations: choose one with --point",
                     (unsigned long long)s->points);
    }
    for (uint64_t i = 0; i < s->points && err->code == STATUS_OK; i++) {
        struct row row;
        bool skipped = false;
        if (predict_point(cursor, i, &e, &row, NULL, NULL, &skipped, err) != STATUS_OK || skipped ||
            !row.feasible) {
            continue;
        }
        const struct constraints *limits = &cursor->config.constraints;
        const struct search_objective usual = search_usual(limits);
        const struct search_objective free = {GOAL_BALANCED, 0.5};
        const double values[2] = {search_within(limits, row.time_s, row.cost_usd)
                                      ? search_value(&usual, row.time_s, row.cost_usd)
                                      : HUGE_VAL,
                                  search_value(&free, row.time_s, row.cost_usd)};
        for (int k = 0; k < 2; k++) {
            if (values[k] < best[k]) {
                best[k] = values[k];
                points[k] = i;
            }
        }
    }
    evaluator_free(&e);
    *out = best[0] < HUGE_VAL ? points[0] : points[1];
    return err->code;
}

static enum status read_vary(const struct cli *cli, const struct config *c, struct sensitivity *s,
                             struct error *err)
{
    for (size_t i = 0; i < cli->n_options && err->code == STATUS_OK; i++) {
        if (strcmp(cli->option_names[i], "vary") != 0) {
            continue;
        }
        const char *text = cli->option_values[i];
        const char *equals = strchr(text, '=');
        char pointer[128];
        char *end = NULL;
        const double low = equals != NULL ? strtod(equals + 1, &end) : 0;
        const bool colon = end != NULL && end != equals + 1 && *end == ':';
        char *last = NULL;
        const double high = colon ? strtod(end + 1, &last) : 0;
        if (!colon || last == end + 1 || *last != '\0' || !isfinite(low) || !isfinite(high) ||
            (size_t)(equals - text) >= sizeof pointer) {
            return RAISE(err, ERR_USAGE, "--vary %.200s: expected /pointer=low:high", text);
        }
        snprintf(pointer, sizeof pointer, "%.*s", (int)(equals - text), text);
        sensitivity_vary(c, pointer, low, high, s, err);
    }
    return err->code;
}

/* ---------------------------------------------------------------- output */

static bool moves(const struct sensitivity *s, const struct uncertain *u)
{
    return !(u->time_low_s == s->time_s && u->time_high_s == s->time_s &&
             u->cost_low_usd == s->cost_usd && u->cost_high_usd == s->cost_usd);
}

static void text_csv_number(struct text *out, double value)
{
    text_puts(out, ",");
    if (isfinite(value)) {
        text_number(out, value);
    }
}

static void write_csv(struct text *out, const struct sensitivity *s)
{
    text_puts(out,
              "input,low,high,time_low_s,time_high_s,time_s,cost_low_usd,cost_high_usd,cost_usd");
    static const char *const parts[] = {"time", "cost"};
    for (int k = 0; k < 2; k++) {
        text_printf(out, ",%s_first,%s_first_lo,%s_first_hi,%s_total,%s_total_lo,%s_total_hi",
                    parts[k], parts[k], parts[k], parts[k], parts[k], parts[k]);
    }
    text_puts(out, "\n");
    for (size_t i = 0; i < s->n_inputs; i++) {
        const struct uncertain *u = &s->inputs[i];
        const double numbers[] = {u->low,    u->high,         u->time_low_s,    u->time_high_s,
                                  s->time_s, u->cost_low_usd, u->cost_high_usd, s->cost_usd};
        text_csv(out, u->name);
        for (size_t k = 0; k < sizeof numbers / sizeof numbers[0]; k++) {
            text_csv_number(out, numbers[k]);
        }
        const struct sobol *const both[] = {&u->time, &u->cost};
        for (int k = 0; k < 2; k++) {
            const struct sobol *b = both[k];
            const double indices[] = {b->first, b->first_lo, b->first_hi,
                                      b->total, b->total_lo, b->total_hi};
            for (size_t m = 0; m < 6; m++) {
                text_csv_number(out, u->in_sobol ? indices[m] : (double)NAN);
            }
        }
        text_puts(out, "\n");
    }
}

static void write_json(struct text *out, const struct text *provenance, const struct sensitivity *s)
{
    text_puts(out, "{\n  \"faascast\": \"" FAASCAST_VERSION "\",\n  \"provenance\": ");
    text_append(out, provenance->data, provenance->size);
    text_puts(out, ",\n  \"time_s\": ");
    text_number(out, s->time_s);
    text_puts(out, ",\n  \"cost_usd\": ");
    text_number(out, s->cost_usd);
    text_printf(out, ",\n  \"samples\": %zu,\n  \"inputs\": [", s->samples);
    for (size_t i = 0; i < s->n_inputs; i++) {
        const struct uncertain *u = &s->inputs[i];
        const struct {
            const char *key;
            double value;
            bool sobol;
        } members[] = {{"low", u->low, false},
                       {"high", u->high, false},
                       {"time_low_s", u->time_low_s, false},
                       {"time_high_s", u->time_high_s, false},
                       {"cost_low_usd", u->cost_low_usd, false},
                       {"cost_high_usd", u->cost_high_usd, false},
                       {"time_first", u->time.first, true},
                       {"time_first_lo", u->time.first_lo, true},
                       {"time_first_hi", u->time.first_hi, true},
                       {"time_total", u->time.total, true},
                       {"time_total_lo", u->time.total_lo, true},
                       {"time_total_hi", u->time.total_hi, true},
                       {"cost_first", u->cost.first, true},
                       {"cost_first_lo", u->cost.first_lo, true},
                       {"cost_first_hi", u->cost.first_hi, true},
                       {"cost_total", u->cost.total, true},
                       {"cost_total_lo", u->cost.total_lo, true},
                       {"cost_total_hi", u->cost.total_hi, true}};
        text_puts(out, i > 0 ? ",\n    {\"input\": " : "\n    {\"input\": ");
        text_json_string(out, u->name);
        for (size_t k = 0; k < sizeof members / sizeof members[0]; k++) {
            if (isfinite(members[k].value) && (u->in_sobol || !members[k].sobol)) {
                text_printf(out, ", \"%s\": ", members[k].key);
                text_number(out, members[k].value);
            }
        }
        text_puts(out, "}");
    }
    text_puts(out, "]\n}\n");
}

static void text_span(struct text *out, double low, double high,
                      void (*words)(struct text *, double), int width)
{
    struct text t = {0};
    words(&t, low);
    text_puts(&t, " to ");
    words(&t, high);
    text_printf(out, "%*s", width, t.data != NULL ? t.data : "");
    text_free(&t);
}

static void text_index(struct text *out, double value, double lo, double hi)
{
    char interval[32];
    const double none = 0.005; /* shown as 0.00, without a sign */
    snprintf(interval, sizeof interval, "%.2f (%.2f-%.2f)", fabs(value) < none ? 0 : value,
             fabs(lo) < none ? 0 : lo, fabs(hi) < none ? 0 : hi);
    text_printf(out, "  %16s", interval);
}

static int widest_first(const void *left, const void *right)
{
    const struct uncertain *a = *(const struct uncertain *const *)left;
    const struct uncertain *b = *(const struct uncertain *const *)right;
    const double x = fabs(a->time_high_s - a->time_low_s);
    const double y = fabs(b->time_high_s - b->time_low_s);
    return x != y ? (x > y ? -1 : 1) : strcmp(a->name, b->name);
}

static void write_table(struct text *out, const struct config *c, const struct sensitivity *s)
{
    const struct uncertain *order[INPUT_LIMIT];
    size_t still = 0;
    for (size_t i = 0; i < s->n_inputs; i++) {
        order[i] = &s->inputs[i];
        still += !moves(s, &s->inputs[i]);
    }
    qsort(order, s->n_inputs, sizeof *order, widest_first);
    text_printf(out, "%s\n%s on %s, %g workers", c->name, c->system.protocol->name,
                c->platform.name, c->workers);
    if (c->platform.kind == PLATFORM_FUNCTION) {
        text_printf(out, " of %g MiB", c->platform.memory_mib);
    }
    text_puts(out, ": ");
    text_time(out, s->time_s);
    text_puts(out, ", ");
    text_dollars(out, s->cost_usd);
    text_puts(out, " USD with every input at its mean\n");
    if (s->n_inputs == 0) {
        text_puts(out, "\nNo input of this configuration is uncertain: none has a distribution. "
                       "Name one with --vary.\n");
        return;
    }
    text_printf(out, "\n%-26s %22s  %26s  %18s\n", "input", "5th to 95th percentile", "time",
                "USD");
    for (size_t i = 0; i < s->n_inputs; i++) {
        const struct uncertain *u = order[i];
        if (!moves(s, u)) {
            continue;
        }
        char range[64];
        snprintf(range, sizeof range, "%.4g to %.4g", u->low, u->high);
        text_printf(out, "%-26s %22s  ", u->name, range);
        text_span(out, u->time_low_s, u->time_high_s, text_time, 26);
        text_puts(out, "  ");
        text_span(out, u->cost_low_usd, u->cost_high_usd, text_dollars, 18);
        text_puts(out, "\n");
    }
    if (s->samples > 0) {
        text_printf(out,
                    "\nShares of the variance (Sobol indices, %zu rows, 95 %% bootstrap "
                    "intervals)\n%-26s  %16s  %16s  %16s  %16s\n",
                    s->samples, "input", "time, alone", "time, in all", "USD, alone",
                    "USD, in all");
        for (size_t i = 0; i < s->n_inputs; i++) {
            const struct uncertain *u = order[i];
            if (!u->in_sobol) {
                continue;
            }
            text_printf(out, "%-26s", u->name);
            text_index(out, u->time.first, u->time.first_lo, u->time.first_hi);
            text_index(out, u->time.total, u->time.total_lo, u->time.total_hi);
            text_index(out, u->cost.first, u->cost.first_lo, u->cost.first_hi);
            text_index(out, u->cost.total, u->cost.total_lo, u->cost.total_hi);
            text_puts(out, "\n");
        }
    }
    if (s->infeasible > 0) {
        text_printf(out, "\n%zu rows are left out: a configuration in them is infeasible\n",
                    s->infeasible);
    }
    text_puts(
        out,
        "\nOnly inputs with a spread, or a fitted interval, are looked at; --vary adds others.\n");
    if (s->left_out > 0) {
        text_printf(out, "\n%zu inputs are left out: too many\n", s->left_out);
    }
    if (still > 0) {
        text_puts(out, "\nNothing changes with ");
        bool any = false;
        for (size_t i = 0; i < s->n_inputs; i++) {
            if (!moves(s, order[i])) {
                text_printf(out, "%s%s", any ? ", " : "", order[i]->name);
                any = true;
            }
        }
        text_puts(out, "\n");
    }
}

/* ---------------------------------------------------------------- the command */

static enum status make(const struct cli *cli, const struct scenario *s,
                        struct scenario_cursor *cursor, struct sensitivity *found,
                        struct error *err)
{
    double point = -1;
    double samples = 0;
    double seed = 0;
    uint64_t number = 0;
    bool skipped = false;
    if (cli_count(cli, "point", 0, (double)s->points - 1, -1, &point, err) != STATUS_OK ||
        cli_count(cli, "samples", 0, 1e6, 1024, &samples, err) != STATUS_OK ||
        cli_count(cli, "seed", 0, 4294967295.0, 1, &seed, err) != STATUS_OK) {
        return err->code;
    }
    number = point >= 0 ? (uint64_t)point : 0;
    if ((point < 0 && choose_point(s, cursor, &number, err) != STATUS_OK) ||
        cursor_seek(cursor, number, &skipped, err) != STATUS_OK) {
        return err->code;
    }
    const struct config c = cursor->config;
    sensitivity_find(&c, found);
    sensitivity_fitted(s, number, &c, found);
    if (read_vary(cli, &c, found, err) != STATUS_OK) {
        return err->code;
    }
    if (sensitivity_run(&c, (size_t)samples, (uint64_t)seed, found, err) != STATUS_OK) {
        cursor_locate(cursor, number, err);
        return err->code;
    }
    struct text out = {0};
    struct text provenance = {0};
    if (text_provenance_now(&provenance, cli, s, "predict", seed, err) != STATUS_OK) {
        return err->code;
    }
    if (cli->format == FORMAT_CSV) {
        write_csv(&out, found);
    } else if (cli->format == FORMAT_JSON) {
        write_json(&out, &provenance, found);
    } else {
        write_table(&out, &c, found);
    }
    cli_write_result(cli, &out, &provenance, err);
    text_free(&provenance);
    return err->code;
}

static enum exit_code run(struct cli *cli, struct error *err)
{
    struct scenario s;
    struct scenario_cursor cursor;
    struct sensitivity *found = calloc(1, sizeof *found);
    if (found == NULL) {
        RAISE(err, ERR_MEMORY, "out of memory");
        return EXIT_FAILED;
    }
    if (cli_scenario(cli, cli->arguments[0], &s, err) != STATUS_OK) {
        free(found);
        return EXIT_INPUT;
    }
    if (cursor_init(&cursor, &s, err) == STATUS_OK) {
        make(cli, &s, &cursor, found, err);
        cursor_free(&cursor);
    }
    scenario_free(&s);
    free(found);
    return cli_exit_code(err->code);
}

const struct command command_sensitivity = {
    .name = "sensitivity",
    .summary = "which uncertain inputs move time and dollars, alone and together",
    .arguments = "FILE",
    .examples =
        "faascast sensitivity scenarios/metafaas/mini-imagenet-maml-5way-1shot.json\n"
        "faascast sensitivity my.json --vary /compute/serial_share=0.02:0.2 --format csv \\\n"
        "    -o inputs.csv && faascast plot tornado inputs.csv -o tornado.svg\n",
    .options = options,
    .details =
        "Uncertain is what has a distribution in the scenario, the catalogue or the "
        "profile, what was fitted with an interval (fits of the catalogue), and what --vary "
        "names. Each is set to its 5th and 95th percentile, the "
        "others to their means; then all move at once: the share of the variance one input "
        "explains alone, and in all its interactions. Inputs are independent of each other "
        "and constant within a run: of a quantity with a random effect per run (run_sd) that "
        "effect is what varies. Inputs that change nothing are named. By the closed form.",
    .arguments_min = 1,
    .arguments_max = 1,
    .run = run,
};
