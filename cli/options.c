/* Reading option values, and small things every command shares. */
#include "cli/cli.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *cli_option(const struct cli *cli, const char *name)
{
    for (size_t i = cli->n_options; i-- > 0;) {
        if (strcmp(cli->option_names[i], name) == 0) {
            return cli->option_values[i];
        }
    }
    return NULL;
}

enum status cli_number(const struct cli *cli, const char *name, double minimum, double maximum,
                       double fallback, double *out, struct error *err)
{
    const char *text = cli_option(cli, name);
    *out = fallback;
    if (text == NULL) {
        return STATUS_OK;
    }
    char *end = NULL;
    const double value = strtod(text, &end);
    if (end == text || *end != '\0' || !(value >= minimum && value <= maximum)) {
        return RAISE(err, ERR_USAGE, "--%s %s: expected a number from %g to %g", name, text,
                     minimum, maximum);
    }
    *out = value;
    return STATUS_OK;
}

enum status cli_count(const struct cli *cli, const char *name, double minimum, double maximum,
                      double fallback, double *out, struct error *err)
{
    if (cli_number(cli, name, minimum, maximum, fallback, out, err) == STATUS_OK &&
        cli_option(cli, name) != NULL && *out != floor(*out)) {
        RAISE(err, ERR_USAGE, "--%s %s: expected a whole number", name, cli_option(cli, name));
    }
    return err->code;
}

enum status cli_duration(const char *text, double *out_s, struct error *err)
{
    static const struct {
        const char *word;
        double seconds;
    } units[] = {{"", 1},      {"s", 1},       {"sec", 1},     {"min", 60},
                 {"m", 60},    {"h", 3600},    {"hour", 3600}, {"hours", 3600},
                 {"d", 86400}, {"day", 86400}, {"days", 86400}};
    char *end = NULL;
    const double value = strtod(text, &end);
    const bool number = end != text;
    while (number && isspace((unsigned char)*end)) {
        end++;
    }
    for (size_t i = 0; i < sizeof units / sizeof units[0] && number; i++) {
        if (strcmp(end, units[i].word) == 0 && value > 0 && isfinite(value)) {
            *out_s = value * units[i].seconds;
            return STATUS_OK;
        }
    }
    return RAISE(err, ERR_USAGE,
                 "'%s' is not a duration, expected one such as 30s, 90min, 2h, 1.5d", text);
}

enum status cli_dollars(const char *text, double *out_usd, struct error *err)
{
    char *end = NULL;
    const char *digits = text + (text[0] == '$');
    const double value = strtod(digits, &end);
    const bool number = end != digits;
    while (number && isspace((unsigned char)*end)) {
        end++;
    }
    if (!number || (*end != '\0' && strcmp(end, "USD") != 0) || !(value > 0) || !isfinite(value)) {
        return RAISE(err, ERR_USAGE, "'%s' is not an amount, expected one such as '5 USD'", text);
    }
    *out_usd = value;
    return STATUS_OK;
}

enum status cli_scenario(const struct cli *cli, const char *path, struct scenario *out,
                         struct error *err)
{
    const struct scenario_options options = {
        .data_dir = cli->data_dir, .sets = cli->sets, .n_sets = cli->n_sets};
    return scenario_load(path, &options, out, err);
}

enum status cli_write(const struct cli *cli, struct text *text, struct error *err)
{
    const char *path = cli_option(cli, "o");
    if (text->failed) {
        RAISE(err, ERR_MEMORY, "out of memory for the output");
    } else if (text->size > 0 || path != NULL) {
        file_write(path != NULL ? path : "-", text->data != NULL ? text->data : "", text->size,
                   err);
    }
    text_free(text);
    return err->code;
}

enum exit_code cli_exit_code(enum status status)
{
    switch (status) {
    case STATUS_OK:
        return EXIT_DONE;
    case ERR_USAGE:
        return EXIT_USAGE;
    case ERR_SYNTAX:
    case ERR_INPUT:
        return EXIT_INPUT;
    case ERR_INFEASIBLE:
        return EXIT_UNMET;
    case ERR_INTERRUPTED:
        return EXIT_SIGNAL;
    default:
        return EXIT_FAILED;
    }
}

static int row_variable(const char *name, void *context)
{
    (void)context;
    return column_find(name);
}

enum status cli_condition(const char *source, struct expression *out, struct error *err)
{
    enum { NAMES_MAX = 128 };
    const char *names[NAMES_MAX];
    size_t n = 0;
    for (; n < NAMES_MAX && columns[n].name != NULL; n++) {
        names[n] = columns[n].name;
    }
    return expression_compile(source, row_variable, NULL, names, n, out, err);
}

static struct expression_value read_row(int variable, void *context)
{
    return row_value(context, variable);
}

bool cli_row_is(const struct expression *e, const struct row *row)
{
    struct row copy = *row;
    return expression_true(e, read_row, &copy);
}

void text_time(struct text *out, double seconds)
{
    if (!isfinite(seconds)) {
        text_puts(out, "-");
    } else if (seconds < 99.95) {
        text_printf(out, "%.3g s", seconds);
    } else if (seconds < 3570) {
        const double whole = floor(seconds + 0.5);
        text_printf(out, "%.0f min %02.0f s", floor(whole / 60), fmod(whole, 60));
    } else if (seconds < 4 * 86400.0) {
        const double minutes = floor(seconds / 60 + 0.5);
        text_printf(out, "%.0f h %02.0f min", floor(minutes / 60), fmod(minutes, 60));
    } else {
        text_printf(out, "%.1f d", seconds / 86400);
    }
}

void text_dollars(struct text *out, double usd)
{
    if (!isfinite(usd)) {
        text_puts(out, "-");
    } else if (usd < 0.01 && usd > 0) {
        text_printf(out, "%.2g", usd);
    } else if (usd < 10) {
        text_printf(out, "%.3f", usd);
    } else {
        text_printf(out, "%.2f", usd);
    }
}

/* Digits after the point that show `digits` digits of a half width, from `least` to `most`. */
static int places(double half, int digits, int least, int most)
{
    const double n = half > 0 && isfinite(half) ? (double)(digits - 1) - floor(log10(half)) : most;
    return n < least ? least : n > most ? most : (int)n;
}

/* A half width is never told smaller than it is. */
static double rounded_up(double half, double step)
{
    return ceil(half / step - 1e-9) * step;
}

void text_time_interval(struct text *out, double mean_s, double half_s)
{
    if (!isfinite(mean_s) || !isfinite(half_s)) {
        text_time(out, mean_s);
    } else if (mean_s >= 4 * 86400.0 && half_s >= 0.05 * 86400) {
        text_printf(out, "%.1f \302\261 %.1f d", mean_s / 86400, rounded_up(half_s / 86400, 0.1));
    } else if (mean_s >= 3570 && half_s >= 60) {
        const double minutes = floor(mean_s / 60 + 0.5);
        text_printf(out, "%.0f h %02.0f min \302\261 %.0f min", floor(minutes / 60),
                    fmod(minutes, 60), rounded_up(half_s / 60, 1));
    } else if (mean_s >= 99.95) {
        const double whole = floor(mean_s + 0.5);
        if (whole >= 3600) {
            text_printf(out, "%.0f h ", floor(whole / 3600));
        }
        text_printf(out, whole >= 3600 ? "%02.0f min " : "%.0f min ", fmod(floor(whole / 60), 60));
        text_printf(out, "%02.0f s \302\261 %.0f s", fmod(whole, 60), rounded_up(half_s, 1));
    } else {
        const int n = places(half_s, 2, 0, 6);
        text_printf(out, "%.*f \302\261 %.*f s", n, mean_s, n, rounded_up(half_s, pow(10, -n)));
    }
}

void text_dollars_interval(struct text *out, double mean_usd, double half_usd)
{
    if (!isfinite(mean_usd) || !isfinite(half_usd)) {
        text_dollars(out, mean_usd);
        return;
    }
    const int n = places(half_usd, 2, 2, 9);
    text_printf(out, "%.*f \302\261 %.*f", n, mean_usd, n, rounded_up(half_usd, pow(10, -n)));
}

void text_limits(struct text *out, const struct constraints *limits)
{
    if (limits->deadline_s > 0) {
        text_puts(out, "within ");
        text_time(out, limits->deadline_s);
    }
    if (limits->budget_usd > 0) {
        text_puts(out, limits->deadline_s > 0 ? " and for at most " : "for at most ");
        text_dollars(out, limits->budget_usd);
        text_puts(out, " USD");
    }
}
