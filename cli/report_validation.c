/* Predicted against measured, when the scenario says what was measured: each row by constants that
 * were fitted on the others. */
#include "cli/grading.h"
#include "cli/plain_text.h"
#include "cli/report.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

static void write_row(struct text *out, const struct grading *g, size_t i)
{
    const struct graded *r = &g->rows[i];
    const double measured = g->set.cases[i].measured;
    const bool absolute = g->set.residual == LS_ABSOLUTE;
    const double error = absolute ? r->predicted - measured : r->predicted / measured - 1;
    struct text words = {0};
    text_puts(out, "<tr>");
    html_text_cell(out, g->set.cases[i].label);
    const double numbers[] = {measured, r->predicted, r->low, r->high};
    for (size_t k = 0; k < sizeof numbers / sizeof numbers[0]; k++) {
        text_printf(&words, "%.4g", numbers[k]);
        html_number_cell(out, numbers[k],
                         isfinite(numbers[k]) && words.data != NULL ? words.data : "");
        text_free(&words);
    }
    text_printf(&words, absolute ? "%+.3g" : "%+.1f %%", absolute ? error : 100 * error);
    html_number_cell(out, error, words.data != NULL ? words.data : "");
    text_free(&words);
    text_puts(out, "</tr>\n");
}

static void write_facts(struct text *out, const struct grading *g)
{
    for (size_t i = 0; i < g->n_facts; i++) {
        const struct score_fact *f = &g->facts[i];
        struct text words = {0};
        text_printf(&words, "%s, %s: measured %s, predicted %s%s", g->set.cases[f->kase].label,
                    f->what, f->measured, f->predicted, f->holds ? "." : ": does not hold.");
        text_puts(out, i == 0 ? "<ul id=\"facts\">\n" : "");
        html_element(out, "li", NULL, words.data != NULL ? words.data : "");
        text_free(&words);
    }
    text_puts(out, g->n_facts > 0 ? "</ul>\n" : "");
}

/* The picture reads a table from a file, like everyone's. */
static void write_picture(struct text *out, struct report *r, const struct grading *g)
{
    char folder[4096];
    char path[4200]; /* the picture is called as its file is */
    const char *place = getenv("TMPDIR");
    struct text table = {0};
    struct text svg = {0};
    struct error why = {0};
    char *source = path;
    snprintf(folder, sizeof folder, "%s/faascast-report-XXXXXX",
             place != NULL && place[0] != '\0' ? place : "/tmp");
    if (mkdtemp(folder) == NULL) {
        return;
    }
    snprintf(path, sizeof path, "%s/leave-one-out.csv", folder);
    text_grading_csv(&table, g);
    struct plot plot = {.cli = r->cli, .sources = &source, .n_sources = 1};
    if (!table.failed && file_write(path, table.data, table.size, &why) == STATUS_OK &&
        plot_make(&plot, &plot_validation, &why) == STATUS_OK &&
        picture_draw(&plot.picture, r->cli->plots_dir, PICTURE_SVG, 60, &svg, &why) == STATUS_OK) {
        report_figure(out, "validation", &svg);
    } else if (why.code == ERR_EXTERNAL) {
        r->picture_error = r->picture_error.code != STATUS_OK ? r->picture_error : why;
        r->missing_pictures++;
    }
    unlink(path);
    rmdir(folder);
    plot_free(&plot);
    text_free(&svg);
    text_free(&table);
}

void report_validation(struct text *out, struct report *r)
{
    struct grading g = {0};
    struct error err = {0};
    if (r->scenario == NULL || r->scenario->score == NULL) {
        return;
    }
    html_element(out, "h2", NULL, "Predicted against measured");
    const enum status status =
        grading_make(r->cli, r->scenario->path, NULL, "leave-one-out", SCORE_AS_SAID, &g, &err);
    if (status != STATUS_OK) { /* the page is about the results; this says why it is not there */
        html_element(out, "p", NULL, err.message);
        grading_free(&g);
        return;
    }
    struct text words = {0};
    const bool absolute = g.set.residual == LS_ABSOLUTE;
    const double scale = absolute ? 1 : 100;
    text_printf(&words, "%zu rows of %s, %s. Mean error %.3g%s, largest %.3g%s", g.score.n,
                g.set.against,
                g.set.n_constants > 0 ? "each predicted by constants fitted on the others"
                                      : "nothing fitted",
                scale * g.score.mape, absolute ? "" : " %", scale * g.score.max_error,
                absolute ? "" : " %");
    if (isfinite(g.score.coverage)) {
        char interval[48];
        text_printf(&words, "; %.0f %% lie inside (%s)", 100 * g.score.coverage,
                    grading_interval(&g, interval, sizeof interval));
    }
    text_puts(&words, ".");
    html_element(out, "p", NULL, words.data != NULL ? words.data : "");
    text_free(&words);
    write_picture(out, r, &g);
    text_puts(out, "<div class=\"wide\"><table id=\"validation\" class=\"sortable\">\n<thead><tr>"
                   "<th scope=\"col\">row</th><th scope=\"col\" class=\"n\">measured</th>"
                   "<th scope=\"col\" class=\"n\">predicted</th><th scope=\"col\" class=\"n\">low"
                   "</th><th scope=\"col\" class=\"n\">high</th><th scope=\"col\" class=\"n\">"
                   "error</th></tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < g.set.count; i++) {
        if (g.rows[i].graded) {
            write_row(out, &g, i);
        }
    }
    text_puts(out, "</tbody>\n</table></div>\n");
    write_facts(out, &g);
    grading_free(&g);
}
