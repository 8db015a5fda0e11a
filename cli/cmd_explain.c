/* explain: one configuration in full: the program as a listing, the time by phase, the bill line by
 * line; with --readings the printed equations beside the protocol. */
#include "cli/commands.h"

#include <math.h>
#include <string.h>

static const struct cli_option options[] = {
    {"point", "N", "which configuration of the sweep, from 0 (see the column point)"},
    {"readings", NULL, "the equations as their papers print them, side by side"},
    {NULL, NULL, NULL},
};

static void write_phases(struct text *out, const struct program *p, const struct tally *t)
{
    static const char *const names[CATEGORIES] = {
#define X(name, column) column,
        CATEGORY_LIST(X)
#undef X
    };
    double phases_s[CATEGORIES] = {0};
    text_puts(out, "\nTime on the critical path\n");
    for (uint32_t i = 0; i < p->n_phases; i++) {
        phases_s[p->phases[i].category] += t->phase_s[i];
        if (t->phase_s[i] > 0) {
            text_printf(out, "  %-34s %14.6g s  %5.1f %%  (%s)\n", p->phases[i].name, t->phase_s[i],
                        100 * t->phase_s[i] / t->time_s, names[p->phases[i].category]);
        }
    }
    for (int i = 0; i < CATEGORIES; i++) {
        const double rest = t->category_s[i] - phases_s[i];
        if (rest > 1e-12 * t->time_s) {
            const char *what = i == CATEGORY_STARTUP ? "start-up"
                               : i == CATEGORY_WAIT  ? "stragglers and poll slack"
                                                     : "constant";
            text_printf(out, "  %-34s %14.6g s  %5.1f %%  (%s)\n", what, rest,
                        100 * rest / t->time_s, names[i]);
        }
    }
    text_printf(out, "  %-34s %14.6g s%s\n", "total", t->time_s,
                t->bound ? "  (an upper bound: a store shared under noise, or a link that bursts)"
                         : "");
    text_printf(out, "  %.0f rounds of %.6g s", t->rounds, t->iteration_s);
    if (t->restarts > 0) {
        text_printf(out, ", %.0f re-invocations, one every %.0f rounds", t->restarts,
                    t->rounds_per_call);
    }
    text_puts(out, "\n");
}

static void write_bill(struct text *out, const struct ledger *l)
{
    text_puts(out, "\nBill, USD per training run\n");
    for (uint32_t i = 0; i < l->count; i++) {
        const struct ledger_line *line = &l->lines[i];
        struct text amount = {0};
        struct text price = {0};
        text_money(&amount, line->amount);
        text_money(&price, line->price);
        text_printf(out, "  %-40s %16.9g %-8s x %-18s %s\n", line->item, line->quantity, line->unit,
                    price.data, amount.data);
        text_free(&amount);
        text_free(&price);
    }
    struct text total = {0};
    text_money(&total, l->total);
    text_printf(out, "  %-87s %s\n", "total", total.data);
    text_free(&total);
}

static void write_readings(struct text *out, const struct config *config, double protocol_s)
{
    static const char *const words[READINGS] = {
#define X(name, word) word,
        READING_LIST(X)
#undef X
    };
    struct config c = *config;
    text_printf(out, "\nReadings of the same configuration\n  %-12s %14s %14s %12s\n", "reading",
                "time, s", "round, s", "optimum w");
    text_printf(out, "  %-12s %14.6g\n", "protocol", protocol_s);
    for (int i = 1; i < READINGS; i++) {
        struct reading_result r;
        struct error why = {0};
        if ((config->system.protocol->readings >> i & 1) == 0) {
            continue;
        }
        c.system.reading = (enum reading)i;
        if (reading_evaluate(&c, &r, &why) != STATUS_OK) {
            text_printf(out, "  %-12s %s\n", words[i], why.message);
            continue;
        }
        text_printf(out, "  %-12s %14.6g %14.6g", words[i], r.time_s, r.iteration_s);
        if (r.no_optimum) {
            text_puts(out, "         none: monotone in w, against the paper's own text (M5)");
        } else if (r.optimum_workers > 0) {
            text_printf(out, " %12.2f", r.optimum_workers);
        }
        if (isfinite(r.cost_usd)) {
            text_printf(out, "  %.6g USD as printed", r.cost_usd);
        }
        if (isfinite(r.flop_per_usd_s)) {
            text_printf(out, ", R = %.6g FLOP/(USD s)", r.flop_per_usd_s);
        }
        text_puts(out, "\n");
    }
}

static enum status explain(struct cli *cli, const struct scenario *s, struct text *out,
                           struct error *err)
{
    struct scenario_cursor cursor;
    struct evaluator e = {0};
    struct tally t;
    struct ledger ledger;
    struct row row;
    bool skipped = false;
    double point = 0;
    if (cli_count(cli, "point", 0, (double)s->points - 1, 0, &point, err) != STATUS_OK ||
        cursor_init(&cursor, s, err) != STATUS_OK) {
        return err->code;
    }
    if (predict_point(&cursor, (uint64_t)point, &e, &row, &t, &ledger, &skipped, err) ==
        STATUS_OK) {
        const struct config *c = &cursor.config;
        const char *const stores[STORE_USES] = {c->stores[0].name, c->stores[1].name,
                                                c->stores[2].name, c->stores[3].name};
        text_printf(out, "%s\n%s%s%s, %.0f workers on %s, point %.0f (of 0 to %llu)\n%s\n\n",
                    c->name, c->system.protocol->name, c->system.variant[0] != '\0' ? ", " : "",
                    c->system.variant, c->workers, c->platform.name, point,
                    (unsigned long long)s->points - 1, c->system.protocol->source);
        if (skipped) {
            text_puts(out, "a skip condition of the sweep leaves this configuration out\n");
        } else if (!row.feasible) {
            text_printf(out, "%s\n", row.status);
        } else {
            program_write(&e.program, stores, out);
            write_phases(out, &e.program, &t);
            write_bill(out, &ledger);
            if (t.bound && t.polls > 0) {
                text_puts(out, "  polls: at least, as if clients were in step; faascast simulate "
                               "counts them as they come\n");
            }
            if (cli_option(cli, "readings") != NULL) {
                write_readings(out, c, t.time_s);
            }
        }
    }
    evaluator_free(&e);
    cursor_free(&cursor);
    return err->code;
}

static enum exit_code run(struct cli *cli, struct error *err)
{
    struct scenario s;
    struct text out = {0};
    if (cli_scenario(cli, cli->arguments[0], &s, err) != STATUS_OK) {
        return EXIT_INPUT;
    }
    if (explain(cli, &s, &out, err) == STATUS_OK) {
        cli_write(cli, &out, err);
    }
    text_free(&out);
    scenario_free(&s);
    return EXIT_DONE;
}

const struct command command_explain = {
    .name = "explain",
    .summary = "one configuration in full: program, time by phase, bill",
    .arguments = "FILE",
    .examples = "faascast explain scenarios/metafaas/mini-imagenet-maml-5way-1shot.json --point 3\n"
                "faascast explain my.json --readings\n",
    .options = options,
    .arguments_min = 1,
    .arguments_max = 1,
    .only = "text",
    .run = run,
};
