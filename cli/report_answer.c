/* The question, the answer, and how far it holds. */
#include "cli/plain_text.h"
#include "cli/report.h"

#include <math.h>
#include <string.h>

/* The text all rows share in a column, or "". */
static const char *common(const struct report *r, const char *column)
{
    const char *text = report_text(r, 0, column);
    for (size_t i = 1; i < r->plot.results.frame.n_rows; i++) {
        if (strcmp(report_text(r, i, column), text) != 0) {
            return "";
        }
    }
    return text;
}

static void write_question(struct text *out, const struct report *r)
{
    static const char *const parts[][2] = {{"algorithm", " with "},
                                           {"dataset", " on "},
                                           {"system", ", distributed by "},
                                           {"platform", ", run on "},
                                           {"store", " through "}};
    const size_t n = r->choice.configurations;
    struct text words = {0};
    text_puts(&words, "How long does training");
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        const char *value = common(r, parts[i][0]);
        if (value[0] != '\0') {
            text_printf(&words, "%s%s", parts[i][1], value);
        }
    }
    text_printf(&words, " take, and what does it cost? %zu configuration%s compared.", n,
                n == 1 ? " is" : "s are");
    html_element(out, "p", NULL, words.data != NULL ? words.data : "");
    text_free(&words);
    if (r->choice.limited) {
        text_puts(&words, "Limits: ");
        text_limits(&words, &r->limits);
        const bool own_deadline = r->limits.deadline_s > 0 && !(r->asked.deadline_s > 0);
        const bool own_budget = r->limits.budget_usd > 0 && !(r->asked.budget_usd > 0);
        if (own_deadline || own_budget) {
            text_printf(&words, "; the %s the scenario's",
                        !own_budget     ? "deadline is"
                        : !own_deadline ? "budget is"
                                        : "limits are");
        }
        text_puts(&words, ".");
        html_element(out, "p", NULL, words.data != NULL ? words.data : "");
        text_free(&words);
    }
}

/* A name, its figure, and what stands small below. */
static void write_fact(struct text *out, const char *name, const char *figure, const char *small)
{
    text_puts(out, "<li><span>");
    text_html(out, name);
    text_puts(out, "</span><strong>");
    text_html(out, figure);
    text_puts(out, "</strong>");
    if (small != NULL) {
        text_puts(out, "<small>");
        text_html(out, small);
        text_puts(out, "</small>");
    }
    text_puts(out, "</li>\n");
}

static bool has_interval(const struct report *r)
{
    return isfinite(r->time_lo_s) && isfinite(r->time_hi_s);
}

/* The mean, with its interval where there is one, and what that is. */
static void write_mean(struct text *out, const struct report *r, const char *name, bool time)
{
    struct text figure = {0};
    struct text small = {0};
    const double mean = time ? r->time_s : r->cost_usd;
    const double lo = time ? r->time_lo_s : r->cost_lo_usd;
    const double hi = time ? r->time_hi_s : r->cost_hi_usd;
    (time ? text_time_interval : text_dollars_interval)(&figure, mean, 0.5 * (hi - lo));
    text_puts(&figure, time ? "" : " USD");
    if (!isfinite(hi - lo)) {
        text_puts(&small, "closed form, no interval");
    } else if (r->confidence > 0 && r->confidence < 1) {
        text_printf(&small, "%g %% interval of the mean", 100 * r->confidence);
    } else {
        text_puts(&small, "interval of the mean");
    }
    write_fact(out, name, figure.data != NULL ? figure.data : "",
               small.data != NULL ? small.data : "");
    text_free(&figure);
    text_free(&small);
}

/* "The cheapest configuration within 8 h 00 min.", as plan chooses, or what is missed. */
static void write_why(struct text *out, const struct report *r)
{
    const struct choice *c = &r->choice;
    struct text words = {0};
    if (!c->limited) {
        text_puts(&words,
                  "No limits are given. This configuration has the least time times dollars.");
    } else {
        text_puts(&words, !c->met                ? "No configuration is "
                          : c->goal == GOAL_COST ? "The cheapest configuration "
                                                 : "The fastest configuration ");
        text_limits(&words, &r->limits);
        text_puts(&words, c->met ? "." : ". This one misses that by least.");
    }
    text_puts(&words, " Only these rows are compared: faascast plan searches all numbers of "
                      "workers and all memory sizes.");
    html_element(out, "p", "quiet", words.data != NULL ? words.data : "");
    text_free(&words);
}

static void write_recommended(struct text *out, const struct report *r)
{
    const size_t row = (size_t)r->choice.recommended;
    struct text figure = {0};
    struct text small = {0};
    text_puts(out, "<section class=\"answer\" id=\"recommended\">\n");
    text_configuration(&figure, r, row);
    html_element(out, "p", "what", figure.data != NULL ? figure.data : "");
    text_free(&figure);
    write_why(out, r);
    text_puts(out, "<ul class=\"facts\">\n");
    write_mean(out, r, "time", true);
    write_mean(out, r, "dollars of one training", false);
    const double speedup = report_number(r, row, "baseline_time_s") / r->time_s;
    if (isfinite(speedup)) {
        text_printf(&figure, "%.2f", speedup);
        text_time(&small, report_number(r, row, "baseline_time_s"));
        text_puts(&small, " of the baseline over the time");
        write_fact(out, "speed-up", figure.data, small.data);
        text_free(&figure);
        text_free(&small);
    }
    if (isfinite(r->p_deadline)) {
        text_printf(&figure, "%.3g %%", 100 * r->p_deadline);
        write_fact(out, "runs that meet the deadline", figure.data, NULL);
        text_free(&figure);
    }
    if (isfinite(r->p_budget)) {
        text_printf(&figure, "%.3g %%", 100 * r->p_budget);
        write_fact(out, "runs within the budget", figure.data, NULL);
        text_free(&figure);
    }
    text_puts(out, "</ul>\n");
    if (isfinite(r->replications) && r->replications > 0) {
        text_printf(&figure, "Mean of %.0f simulated runs.", r->replications);
        html_element(out, "p", "quiet", figure.data);
        text_free(&figure);
    } else if (!has_interval(r)) {
        html_element(
            out, "p", "quiet",
            r->scenario != NULL
                ? "There is no interval: the closed form gives means only, and nothing was "
                  "simulated."
                : "There is no interval: these rows are of the closed form, which gives "
                  "means only. With --scenario FILE the recommended configuration is "
                  "simulated; sweep --engine simulate simulates all.");
    }
    text_puts(out, "</section>\n");
}

static void write_extreme(struct text *out, const struct report *r, const char *what, ptrdiff_t row)
{
    if (row < 0 || row == r->choice.recommended) {
        return;
    }
    struct text words = {0};
    text_printf(&words, "%s: ", what);
    text_configuration(&words, r, (size_t)row);
    text_puts(&words, report_number(r, (size_t)row, "bound") > 0 ? ", at most " : ", ");
    text_time(&words, report_number(r, (size_t)row, "time_s"));
    text_puts(&words, ", ");
    text_dollars(&words, report_number(r, (size_t)row, "cost_usd"));
    text_puts(&words, " USD");
    html_element(out, "li", NULL, words.data != NULL ? words.data : "");
    text_free(&words);
}

/* Each reason once, with how many rows it stops. */
static void write_reasons(struct text *out, const struct report *r)
{
    enum { REASONS = 8 };
    const char *reasons[REASONS];
    size_t rows[REASONS] = {0};
    size_t count = 0;
    size_t others = 0;
    for (size_t i = 0; i < r->plot.results.frame.n_rows; i++) {
        const char *why = report_text(r, i, "status");
        size_t k = 0;
        while (k < count && strcmp(reasons[k], why) != 0) {
            k++;
        }
        if (k == REASONS) {
            others++;
            continue;
        }
        reasons[k] = why;
        count += k == count;
        rows[k]++;
    }
    text_puts(out, "<ul>\n");
    for (size_t k = 0; k < count; k++) {
        struct text words = {0};
        const bool told = reasons[k][0] != '\0' && strcmp(reasons[k], "ok") != 0;
        text_printf(&words, "%zu of %zu rows: %s", rows[k], r->plot.results.frame.n_rows,
                    told ? reasons[k] : "no finite time and dollars");
        html_element(out, "li", NULL, words.data != NULL ? words.data : "");
        text_free(&words);
    }
    if (others > 0) {
        html_element(out, "li", NULL, "others for other reasons");
    }
    text_puts(out, "</ul>\n");
}

void report_answer(struct text *out, const struct report *r)
{
    const struct choice *c = &r->choice;
    html_element(out, "h2", NULL, "Question");
    write_question(out, r);
    html_element(out, "h2", NULL, "Recommended configuration");
    if (c->recommended < 0) {
        text_puts(out, "<section class=\"answer\" id=\"recommended\">\n");
        html_element(out, "p", "what", "No configuration is feasible.");
        write_reasons(out, r);
        text_puts(out, "</section>\n");
        return;
    }
    write_recommended(out, r);
    if (c->fastest != c->recommended || c->cheapest != c->recommended) {
        text_puts(out, "<ul>\n");
        write_extreme(out, r, "Fastest", c->fastest);
        write_extreme(out, r, "Cheapest", c->cheapest);
        text_puts(out, "</ul>\n");
    }
}

void report_validity(struct text *out, const struct report *r)
{
    const struct frame *f = &r->plot.results.frame;
    const size_t infeasible = f->n_rows - r->choice.feasible;
    size_t bounds = 0;
    size_t simulated = 0;
    for (size_t i = 0; i < f->n_rows; i++) {
        bounds += report_number(r, i, "bound") > 0;
        simulated += strcmp(report_text(r, i, "engine"), "simulate") == 0;
    }
    struct text words = {0};
    html_element(out, "h2", NULL, "How far this holds");
    text_puts(out, "<ul id=\"validity\">\n");
    if (simulated == f->n_rows) {
        text_puts(&words, "All times are simulated event by event.");
    } else {
        text_printf(&words,
                    "%s from the closed form: means, with the stragglers to be expected at "
                    "every barrier.%s",
                    simulated > 0 ? "Times that are not simulated come" : "Times come",
                    isfinite(r->confidence) && r->replications > 0
                        ? " The recommended configuration is simulated event by event besides."
                        : "");
    }
    html_element(out, "li", NULL, words.data);
    text_free(&words);
    if (bounds > 0) {
        text_printf(&words,
                    "%zu times are upper bounds: noise and a saturated store act together, "
                    "which only the simulator untangles.",
                    bounds);
        html_element(out, "li", NULL, words.data);
        text_free(&words);
    }
    if (r->miss.size > 0) {
        text_printf(&words,
                    "Published measurements lie beside the curves; the farthest: %s. The interval "
                    "above is that of the simulated mean and knows nothing of such a miss: "
                    "constants have to be measured or fitted first.",
                    r->miss.data);
        html_element(out, "li", NULL, words.data);
        text_free(&words);
    }
    if (infeasible > 0) {
        text_printf(&words, "%zu configurations are infeasible and not drawn.", infeasible);
        html_element(out, "li", NULL, words.data);
        text_free(&words);
    }
    if (r->inputs > 0) {
        text_printf(&words,
                    "%zu of %zu inputs are assumed: no source states the value. They are marked "
                    "in the table of assumptions.",
                    r->assumed, r->inputs);
        html_element(out, "li", NULL, words.data);
        text_free(&words);
    }
    if (r->profile_assumed) {
        text_printf(&words,
                    "The speed of computing is that of the profile %s, which nobody "
                    "measured on your machine: faascast calibrate writes one that is.",
                    r->profile);
        html_element(out, "li", NULL, words.data);
        text_free(&words);
    }
    if (r->prices_date[0] != '\0') {
        text_printf(&words, "Dollars are list prices of %s, without taxes.", r->prices_date);
        html_element(out, "li", NULL, words.data);
        text_free(&words);
    }
    html_element(out, "li", NULL,
                 "The number of iterations is an input: how well the model learns is not "
                 "predicted.");
    text_puts(out, "</ul>\n");
}
