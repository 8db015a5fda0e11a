/* The bill, and all configurations in a table that sorts. */
#include "cli/plain_text.h"
#include "cli/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS_MAX = 500 };

static void write_line(struct text *out, const struct ledger_line *line)
{
    struct text figure = {0};
    text_puts(out, "<tr>");
    html_text_cell(out, line->item);
    text_printf(&figure, "%.9g", line->quantity);
    html_number_cell(out, line->quantity, figure.data);
    text_free(&figure);
    html_text_cell(out, line->unit);
    text_money(&figure, line->price);
    html_number_cell(out, money_usd(line->price), figure.data);
    text_free(&figure);
    text_money(&figure, line->amount);
    html_number_cell(out, money_usd(line->amount), figure.data);
    text_free(&figure);
    text_puts(out, "</tr>\n");
}

static void write_ledger(struct text *out, const struct report *r)
{
    struct text total = {0};
    text_puts(out,
              "<div class=\"wide\"><table id=\"ledger\" class=\"sortable\">\n<caption>USD of one "
              "training run of the recommended configuration, closed form; the lines add up to the "
              "total exactly.</caption>\n<thead><tr><th scope=\"col\">item</th><th scope=\"col\" "
              "class=\"n\">quantity</th><th scope=\"col\">unit</th><th scope=\"col\" "
              "class=\"n\">USD per unit</th><th scope=\"col\" class=\"n\">USD</th></tr></thead>\n"
              "<tbody>\n");
    for (uint32_t i = 0; i < r->ledger.count; i++) {
        write_line(out, &r->ledger.lines[i]);
    }
    text_money(&total, r->ledger.total);
    text_puts(out, "</tbody>\n<tfoot><tr><td colspan=\"4\">total</td>");
    html_number_cell(out, money_usd(r->ledger.total), total.data);
    text_puts(out, "</tr></tfoot>\n</table></div>\n");
    text_free(&total);
}

/* Without a scenario the four kinds of cost of the row are all there is. */
static void write_kinds(struct text *out, const struct report *r)
{
    static const char *const kinds[][2] = {
#define X(name, column, text) {column, text},
        COST_LIST(X)
#undef X
            {"cost_usd", "total"}};
    text_puts(out,
              "<div class=\"wide\"><table id=\"ledger\">\n<caption>USD of one training run of the "
              "recommended configuration, by kind; with --scenario FILE the report tells every "
              "line.</caption>\n<thead><tr><th scope=\"col\">kind</th><th scope=\"col\" "
              "class=\"n\">USD</th></tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        const double usd = report_number(r, (size_t)r->choice.recommended, kinds[i][0]);
        struct text words = {0};
        text_printf(&words, "%.6g", usd);
        text_puts(out, "<tr>");
        html_text_cell(out, kinds[i][1]);
        html_number_cell(out, usd, isfinite(usd) ? words.data : "not told");
        text_puts(out, "</tr>\n");
        text_free(&words);
    }
    text_puts(out, "</tbody>\n</table></div>\n");
}

void report_bill(struct text *out, const struct report *r)
{
    if (r->choice.recommended < 0) {
        return;
    }
    html_element(out, "h2", NULL, "Bill");
    if (r->has_ledger) {
        write_ledger(out, r);
    } else {
        write_kinds(out, r);
    }
}

/* ---------------------------------------------------------------- all configurations */

struct ranked {
    double rank;
    size_t row;
};

static int by_rank(const void *left, const void *right)
{
    const struct ranked *a = left;
    const struct ranked *b = right;
    return a->rank != b->rank ? (a->rank < b->rank ? -1 : 1)
                              : (a->row > b->row) - (a->row < b->row);
}

static int by_row(const void *left, const void *right)
{
    const struct ranked *a = left;
    const struct ranked *b = right;
    return (a->row > b->row) - (a->row < b->row);
}

static void write_marks(struct text *out, const struct report *r, size_t row)
{
    const struct {
        ptrdiff_t row;
        const char *words;
    } marks[] = {{r->choice.recommended, "recommended"},
                 {r->choice.fastest, "fastest"},
                 {r->choice.cheapest, "cheapest"}};
    struct text words = {0};
    for (size_t i = 0; i < 3; i++) {
        if (marks[i].row == (ptrdiff_t)row) {
            text_printf(&words, "%s%s", words.size > 0 ? ", " : "", marks[i].words);
        }
    }
    const char *status = report_text(r, row, "status");
    if (words.size == 0 && strcmp(status, "ok") != 0) {
        text_puts(&words, status);
    } else if (report_number(r, row, "bound") > 0) {
        text_printf(&words, "%supper bound", words.size > 0 ? ", " : "");
    }
    html_text_cell(out, words.data != NULL ? words.data : "");
    text_free(&words);
}

static void write_figure(struct text *out, double value, void (*words)(struct text *, double))
{
    struct text figure = {0};
    words(&figure, value);
    html_number_cell(out, value, figure.data != NULL ? figure.data : "");
    text_free(&figure);
}

static void text_ratio(struct text *out, double value)
{
    if (isfinite(value)) {
        text_printf(out, "%.2f", value);
    } else {
        text_puts(out, "-");
    }
}

static void text_share(struct text *out, double value)
{
    if (isfinite(value)) {
        text_printf(out, "%.0f %%", 100 * value);
    } else {
        text_puts(out, "-");
    }
}

static void write_row(struct text *out, const struct report *r, size_t row)
{
    struct text name = {0};
    const double time_s = report_number(r, row, "time_s");
    text_configuration(&name, r, row);
    text_puts(out, (ptrdiff_t)row == r->choice.recommended ? "<tr class=\"chosen\">" : "<tr>");
    text_puts(out, "<td data-v=\"");
    text_number(out, (double)row);
    text_puts(out, "\">");
    text_html(out, name.data != NULL ? name.data : "");
    text_puts(out, "</td>");
    struct text words = {0};
    text_puts(&words, report_number(r, row, "bound") > 0 ? "<= " : "");
    text_time(&words, time_s);
    html_number_cell(out, time_s, words.data != NULL ? words.data : "");
    text_free(&words);
    write_figure(out, report_number(r, row, "cost_usd"), text_dollars);
    write_figure(out, report_number(r, row, "speedup"), text_ratio);
    write_figure(out, report_number(r, row, "compute_s") / time_s, text_share);
    write_figure(out, report_number(r, row, "exchange_s") / time_s, text_share);
    write_figure(out, report_number(r, row, "wait_s") / time_s, text_share);
    write_marks(out, r, row);
    text_puts(out, "</tr>\n");
    text_free(&name);
}

enum status report_table(struct text *out, const struct report *r, struct error *err)
{
    const struct frame *f = &r->plot.results.frame;
    struct ranked *rows = calloc(f->n_rows + 1, sizeof *rows);
    if (rows == NULL) {
        return RAISE(err, ERR_MEMORY, "out of memory for %zu rows", f->n_rows);
    }
    for (size_t i = 0; i < f->n_rows; i++) {
        const double product = report_number(r, i, "time_s") * report_number(r, i, "cost_usd");
        rows[i] = (struct ranked){isfinite(product) ? product : (double)INFINITY, i};
    }
    const size_t shown = f->n_rows < ROWS_MAX ? f->n_rows : ROWS_MAX;
    qsort(rows, f->n_rows, sizeof *rows, by_rank);
    qsort(rows, shown, sizeof *rows, by_row);
    html_element(out, "h2", NULL, "All configurations");
    if (shown < f->n_rows) {
        struct text words = {0};
        text_printf(&words, "The %zu of %zu with the least time times dollars.", shown, f->n_rows);
        html_element(out, "p", "quiet", words.data);
        text_free(&words);
    }
    text_puts(out,
              "<div class=\"wide\"><table id=\"configurations\" class=\"sortable\">\n<caption>USD "
              "of one training run; computing, exchange and waiting as shares of the "
              "time.</caption>\n<thead><tr><th scope=\"col\">configuration</th>");
    static const char *const heads[] = {"time",      "USD",      "speed-up",
                                        "computing", "exchange", "waiting"};
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        text_printf(out, "<th scope=\"col\" class=\"n\">%s</th>", heads[i]);
    }
    text_puts(out, "<th scope=\"col\">remarks</th></tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < shown; i++) {
        write_row(out, r, rows[i].row);
    }
    text_puts(out, "</tbody>\n</table></div>\n");
    free(rows);
    return STATUS_OK;
}
