/* breakdown: where the time goes against workers. compare: systems side by side, time by phase and
 * dollars by kind. */
#include "cli/plain_text.h"
#include "cli/plot.h"

#include <math.h>
#include <string.h>

static const char *const breakdown_wants[] = {"workers",      "startup_s",  "load_s",
                                              "compute_s",    "exchange_s", "wait_s",
                                              "checkpoint_s", "time_s",     NULL};
static const char *const compare_wants[] = {
    "workers",           "time_s",           "startup_s",         "load_s",   "compute_s",
    "exchange_s",        "wait_s",           "checkpoint_s",      "cost_usd", "cost_compute_usd",
    "cost_requests_usd", "cost_storage_usd", "cost_services_usd", NULL};
enum { BARS_MAX = 20 };

static void write_header(struct plot *p, const char *first, const char *const *names)
{
    text_puts(&p->picture.data, first);
    for (size_t i = 0; names[i] != NULL; i++) {
        const bool start = i == 0 && first[0] == '\0';
        text_printf(&p->picture.data, "%s%s", start ? "" : ",", names[i]);
    }
    text_puts(&p->picture.data, "\n");
}

static void write_row(struct plot *p, size_t row, const char *const *names)
{
    for (size_t i = 0; names[i] != NULL; i++) {
        const double value = frame_number(&p->results.frame, row, plot_column(p, names[i]));
        const bool part = strcmp(names[i], "workers") != 0 && strcmp(names[i], "memory_mib") != 0;
        /* An engine that does not tell a part has nothing in it. */
        plot_cell(p, part && isnan(value) ? 0 : value, names[i + 1] == NULL);
    }
}

/* Keeps only the series that holds the smallest time; says so. */
static void keep_fastest(struct plot *p, struct series *s)
{
    const int time = plot_column(p, "time_s");
    size_t best = 0;
    for (size_t i = 1; i < s->n_rows; i++) {
        if (frame_number(&p->results.frame, s->rows[i], time) <
            frame_number(&p->results.frame, s->rows[best], time)) {
            best = i;
        }
    }
    const uint32_t kept = s->of[best];
    if (s->count == 1) {
        return;
    }
    text_printf(&p->note, "Shown: %s, the fastest of %zu series. ", s->names[kept],
                s->count + s->not_drawn);
    size_t n = 0;
    for (size_t i = 0; i < s->n_rows; i++) {
        if (s->of[i] == kept) {
            s->rows[n] = s->rows[i];
            s->of[n++] = 0;
        }
    }
    memmove(s->names[0], s->names[kept], sizeof s->names[0]);
    s->n_rows = n;
    s->count = 1;
    s->not_drawn = 0;
}

static enum status make_breakdown(struct plot *p, struct error *err)
{
    const struct frame *f = &p->results.frame;
    const int workers = plot_column(p, "workers");
    const int time = plot_column(p, "time_s");
    struct series s = {0};
    if (frame_need(f, workers, "every bar needs", err) != STATUS_OK ||
        frame_need(f, time, "this picture shows", err) != STATUS_OK ||
        frame_need(f, plot_column(p, "compute_s"), "this picture shows", err) != STATUS_OK ||
        series_build(f, &p->by, workers, time, SERIES_FOLD | SERIES_BY_MEMORY, &s, err) !=
            STATUS_OK) {
        return err->code;
    }
    keep_fastest(p, &s);
    write_header(p, "", breakdown_wants);
    for (size_t i = 0; i < s.n_rows; i++) {
        write_row(p, s.rows[i], breakdown_wants);
    }
    plot_set_number(p, "bars", s.n_rows <= BARS_MAX);
    text_series_note(&p->note, &s, "fastest");
    plot_set_frame(p, "Where the time goes", &s);
    series_free(&s);
    return err->code;
}

static enum status make_compare(struct plot *p, struct error *err)
{
    const struct frame *f = &p->results.frame;
    const int time = plot_column(p, "time_s");
    const int workers = plot_column(p, "workers");
    struct series s = {0};
    if (frame_need(f, time, "this picture shows", err) != STATUS_OK ||
        frame_need(f, plot_column(p, "compute_s"), "this picture shows", err) != STATUS_OK ||
        series_build(f, &p->by, time, time, SERIES_FOLD, &s, err) != STATUS_OK) {
        return err->code;
    }
    write_header(p, "series", compare_wants);
    size_t n = 0;
    for (size_t i = 0; i < s.n_rows; i++) {
        if (i > 0 && s.of[i] == s.of[i - 1]) {
            continue; /* rows are by time: the first of a series is its fastest */
        }
        struct text name = {0};
        text_plain(&name, s.names[s.of[i]], 25);
        const double w = frame_number(f, s.rows[i], workers);
        snprintf(s.names[s.of[i]], SERIES_NAME, "%s", name.data != NULL ? name.data : "");
        text_free(&name);
        plot_cell(p, s.of[i] + 1.0, false);
        write_row(p, s.rows[i], compare_wants);
        text_printf(&p->note, "%s%s: %g worker%s", n++ == 0 ? "Each at its fastest: " : ", ",
                    s.names[s.of[i]], w, w == 1 ? "" : "s");
    }
    text_puts(&p->note, ". ");
    s.folded = 0;
    text_series_note(&p->note, &s, "fastest");
    plot_set_names(p, &s);
    plot_set_frame(p, "Side by side", &s);
    series_free(&s);
    return err->code;
}

const struct plot_kind plot_breakdown = {
    .name = "breakdown",
    .wants = breakdown_wants,
    .make = make_breakdown,
};
const struct plot_kind plot_compare = {
    .name = "compare",
    .wants = compare_wants,
    .make = make_compare,
};
