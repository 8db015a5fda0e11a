/* idle: dollars over days for a model that is trained again and again (MetaFaaS, Figure 1).
 * Functions cost nothing between trainings; a machine that is always on costs its hours; a machine
 * started for each training costs its boot and its minimum charge each time. */
#include "cli/plain_text.h"
#include "cli/plot.h"

#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ARRIVALS_MAX = 1000000, STEPS_MAX = 1500 };
static const double day_s = 86400;

static const char *const wants[] = {
    "workers", "time_s", "cost_usd", "cost_compute_usd", "cost_services_usd", "invocations", NULL};

struct arrivals {
    double *at_s; /* increasing, within the days */
    size_t count, capacity;
    double days;
    char words[64]; /* "every 6 h" */
};

static enum status add(struct arrivals *a, double at_s, struct error *err)
{
    if (a->count == ARRIVALS_MAX) {
        return RAISE(err, ERR_USAGE, "more than %d trainings; take fewer days or a longer interval",
                     ARRIVALS_MAX);
    }
    if (a->count == a->capacity) {
        const size_t capacity = a->capacity > 0 ? 2 * a->capacity : 64;
        double *grown = realloc(a->at_s, capacity * sizeof *grown);
        if (grown == NULL) {
            return RAISE(err, ERR_MEMORY, "out of memory for %zu trainings", capacity);
        }
        a->at_s = grown;
        a->capacity = capacity;
    }
    a->at_s[a->count++] = at_s;
    return STATUS_OK;
}

static int increasing(const void *left, const void *right)
{
    const double a = *(const double *)left;
    const double b = *(const double *)right;
    return (a > b) - (a < b);
}

static enum status from_file(const char *path, struct arrivals *a, struct error *err)
{
    struct table t = {0};
    size_t column = 0;
    if (table_load(path, &t, err) == STATUS_OK &&
        table_column(&t, "arrival_s", &column, err) == STATUS_OK) {
        for (size_t i = 0; i < t.n_rows && err->code == STATUS_OK; i++) {
            double at_s = 0;
            if (table_number(&t, i, column, &at_s, err) != STATUS_OK) {
                break;
            }
            if (!(at_s >= 0) || !isfinite(at_s)) {
                RAISE(err, ERR_INPUT, "an arrival at %g s, expected seconds from 0", at_s);
                snprintf(err->file, sizeof err->file, "%s", path);
                err->line = t.lines[i];
            } else if (at_s <= a->days * day_s) {
                add(a, at_s, err);
            }
        }
    }
    if (err->code == STATUS_OK && a->count > 0) {
        qsort(a->at_s, a->count, sizeof *a->at_s, increasing);
    }
    table_free(&t);
    return err->code;
}

static enum status poisson(const struct cli *cli, double mean_s, struct arrivals *a,
                           struct error *err)
{
    double seed = 1;
    if (cli_count(cli, "seed", 0, 4294967295.0, 1, &seed, err) != STATUS_OK) {
        return err->code;
    }
    gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
    if (rng == NULL) {
        return RAISE(err, ERR_MEMORY, "out of memory for random numbers");
    }
    gsl_rng_set(rng, (unsigned long)seed);
    for (double t = gsl_ran_exponential(rng, mean_s);
         t <= a->days * day_s && add(a, t, err) == STATUS_OK;) {
        t += gsl_ran_exponential(rng, mean_s);
    }
    gsl_rng_free(rng);
    return err->code;
}

/* "every 6 h", "every 2 days". */
static void text_interval(struct text *out, double seconds)
{
    static const struct {
        double seconds;
        const char *one, *many;
    } units[] = {{86400, "day", "days"}, {3600, "hour", "hours"}, {60, "minute", "minutes"}};
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        const double n = seconds / units[i].seconds;
        if (n >= 1 && n == floor(n)) {
            if (n == 1) {
                text_printf(out, "every %s", units[i].one);
            } else {
                text_printf(out, "every %.0f %s", n, units[i].many);
            }
            return;
        }
    }
    text_puts(out, "every ");
    text_time(out, seconds);
}

static enum status find_arrivals(const struct cli *cli, struct arrivals *a, double *every_s,
                                 struct error *err)
{
    const char *every = cli_option(cli, "every");
    const char *kind = cli_option(cli, "arrivals");
    const bool file = kind != NULL && strcmp(kind, "regular") != 0 && strcmp(kind, "poisson") != 0;
    struct text words = {0};
    *every_s = day_s;
    if (cli_number(cli, "days", 0.001, 36500, 30, &a->days, err) != STATUS_OK ||
        (every != NULL && cli_duration(every, every_s, err) != STATUS_OK)) {
        return err->code;
    }
    text_interval(&words, *every_s);
    if (file) {
        from_file(kind, a, err);
        *every_s = a->count > 0 ? a->days * day_s / (double)a->count : (double)INFINITY;
        snprintf(a->words, sizeof a->words, "%zu time%s, as in a file", a->count,
                 a->count == 1 ? "" : "s");
    } else if (kind != NULL && strcmp(kind, "poisson") == 0) {
        poisson(cli, *every_s, a, err);
        snprintf(a->words, sizeof a->words, "%s on average, at random", words.data);
    } else {
        for (double i = 0; i * *every_s <= a->days * day_s && err->code == STATUS_OK; i++) {
            add(a, i * *every_s, err);
        }
        snprintf(a->words, sizeof a->words, "%s", words.data);
    }
    text_free(&words);
    return err->code;
}

/* The cheapest configuration of functions, or of machines; -1 = none. */
static ptrdiff_t cheapest(const struct plot *p, const struct series *s, bool functions)
{
    const struct frame *f = &p->results.frame;
    const int cost = plot_column(p, "cost_usd");
    const int invocations = plot_column(p, "invocations");
    ptrdiff_t best = -1;
    for (size_t i = 0; i < s->n_rows; i++) {
        const double calls = frame_number(f, s->rows[i], invocations);
        if ((functions ? calls > 0 : calls == 0) &&
            (best < 0 || frame_number(f, s->rows[i], cost) < frame_number(f, (size_t)best, cost))) {
            best = (ptrdiff_t)s->rows[i];
        }
    }
    return best;
}

static void write_table(struct plot *p, const struct arrivals *a, double function_usd,
                        double machine_usd, double usd_per_s)
{
    const double end_s = a->days * day_s;
    double written_s = -INFINITY;
    text_puts(&p->picture.data, "day,functions_usd,on_demand_usd,always_on_usd\n");
    for (size_t i = 0; i <= a->count; i++) {
        const double at_s = i < a->count ? a->at_s[i] : end_s;
        if (i > 0 && i < a->count && at_s - written_s < end_s / STEPS_MAX) {
            continue;
        }
        const double trainings = (double)(i < a->count ? i + 1 : a->count);
        written_s = at_s;
        plot_cell(p, at_s / day_s, false);
        plot_cell(p, trainings * function_usd, false);
        plot_cell(p, trainings * machine_usd, false);
        plot_cell(p, at_s * usd_per_s, true);
    }
}

static void set_words(struct plot *p, size_t function, size_t machine, double usd_per_hour)
{
    const struct frame *f = &p->results.frame;
    const int cost = plot_column(p, "cost_usd");
    const double workers = frame_number(f, function, plot_column(p, "workers"));
    const char *platform = frame_text(f, machine, p->by.platform);
    const struct {
        const char *name, *before, *platform;
        double usd;
        const char *after;
    } lines[] = {
        {"functions", "functions", frame_text(f, function, p->by.platform),
         frame_number(f, function, cost), "USD a training"},
        {"on_demand", "started for each training", platform, frame_number(f, machine, cost),
         "USD a training"},
        {"always_on", "always on", platform, usd_per_hour, "USD an hour"},
    };
    for (size_t i = 0; i < 3; i++) {
        struct text words = {0};
        text_printf(&words, "%s: ", lines[i].before);
        if (i == 0) {
            text_printf(&words, "%g on ", workers);
        }
        text_plain(&words, lines[i].platform, 40);
        text_puts(&words, ", ");
        text_dollars(&words, lines[i].usd);
        text_printf(&words, " %s", lines[i].after);
        plot_set_text(p, lines[i].name, words.data != NULL ? words.data : "", 0);
        text_free(&words);
    }
}

static void note_break_even(struct plot *p, const struct arrivals *a, double every_s,
                            double function_usd, double machine_usd, double machine_s,
                            double usd_per_s)
{
    text_puts(&p->note,
              "Functions beat the machine that is always on when trainings are more than ");
    text_time(&p->note, function_usd / usd_per_s);
    text_printf(&p->note, " apart; a training on them costs %.2g times one on a started machine. ",
                function_usd / machine_usd);
    if (machine_s > every_s && a->count > 1) {
        text_puts(&p->note, "One machine cannot keep up: a training takes it ");
        text_time(&p->note, machine_s);
        text_puts(&p->note, ". ");
    }
}

static enum status draw(struct plot *p, const struct series *s, struct error *err)
{
    const struct frame *f = &p->results.frame;
    const ptrdiff_t function = cheapest(p, s, true);
    const ptrdiff_t machine = cheapest(p, s, false);
    struct arrivals a = {0};
    double every_s = 0;
    double usd_per_hour = 0;
    if (function < 0 || machine < 0) {
        return RAISE(err, ERR_INPUT,
                     "no feasible configuration of %s among the results; idle compares both, such "
                     "as those of scenarios/metafaas/retraining.json",
                     function < 0 ? "functions" : "machines");
    }
    const double machine_s = frame_number(f, (size_t)machine, plot_column(p, "time_s"));
    const double hourly_usd = frame_number(f, (size_t)machine, plot_column(p, "cost_compute_usd")) +
                              frame_number(f, (size_t)machine, plot_column(p, "cost_services_usd"));
    if (cli_number(p->cli, "vm-usd-per-hour", 0, 1e6, hourly_usd / machine_s * 3600, &usd_per_hour,
                   err) == STATUS_OK &&
        find_arrivals(p->cli, &a, &every_s, err) == STATUS_OK) {
        const double function_usd = frame_number(f, (size_t)function, plot_column(p, "cost_usd"));
        const double machine_usd = frame_number(f, (size_t)machine, plot_column(p, "cost_usd"));
        char what[128];
        write_table(p, &a, function_usd, machine_usd, usd_per_hour / 3600);
        note_break_even(p, &a, every_s, function_usd, machine_usd, machine_s, usd_per_hour / 3600);
        set_words(p, (size_t)function, (size_t)machine, usd_per_hour);
        snprintf(what, sizeof what, "Training %s", a.words);
        text_puts(&p->subtitle,
                  "dollars spent since the first day; functions cost nothing between trainings");
        plot_set_frame(p, what, s);
    }
    free(a.at_s);
    return err->code;
}

static enum status make(struct plot *p, struct error *err)
{
    const struct frame *f = &p->results.frame;
    struct series s = {0};
    if (frame_need(f, plot_column(p, "cost_usd"), "this picture shows", err) != STATUS_OK ||
        frame_need(f, plot_column(p, "time_s"), "this picture needs", err) != STATUS_OK ||
        frame_need(f, plot_column(p, "invocations"), "tells functions from machines", err) !=
            STATUS_OK ||
        series_build(f, &p->by, plot_column(p, "time_s"), plot_column(p, "cost_usd"), 0, &s, err) !=
            STATUS_OK) {
        return err->code;
    }
    draw(p, &s, err);
    series_free(&s);
    return err->code;
}

const struct plot_kind plot_idle = {
    .name = "idle",
    .wants = wants,
    .make = make,
};
