/* Pictures inside the page: gnuplot's SVG as it is, with identifiers of its own per picture. */
#include "cli/plain_text.h"
#include "cli/report.h"

#include <string.h>

/* gnuplot names its signs and elements alike in every picture; in one page they must differ. Names
 * stand in tags only (text cannot hold a "<"), as id="..." and as "#..." or '#...'. */
static void append_svg(struct text *out, const char *svg, const char *prefix)
{
    const char *at = strstr(svg, "<svg");
    bool tag = false;
    while (at != NULL && *at != '\0') {
        static const char *const before[] = {" id='", " id=\"", "'#", "\"#", "url(#"};
        size_t n = 0;
        for (size_t i = 0; i < sizeof before / sizeof before[0] && tag && n == 0; i++) {
            const size_t length = strlen(before[i]);
            /* Colours are written #0072B2 too, but gnuplot's stand without quotes of their own. */
            const bool colour = before[i][length - 1] == '#' && strchr("gt", at[length]) == NULL;
            n = strncmp(at, before[i], length) == 0 && !colour ? length : 0;
        }
        if (n > 0) {
            text_append(out, at, n);
            text_puts(out, prefix);
            text_puts(out, "-");
            at += n;
            continue;
        }
        tag = *at == '<' || (tag && *at != '>');
        text_append(out, at, 1);
        at++;
    }
}

static size_t distinct(const struct report *r, const char *column)
{
    const struct frame *f = &r->plot.results.frame;
    const int at = plot_column(&r->plot, column);
    struct pair_map seen = {0};
    for (size_t i = 0; i < f->n_rows && seen.count < 3; i++) {
        const double value = frame_number(f, i, at);
        uint64_t bits = 0;
        memcpy(&bits, &value, sizeof bits);
        if (value == value) {
            pair_map_index(&seen, bits, 0);
        }
    }
    const size_t n = seen.count;
    pair_map_free(&seen);
    return n;
}

static bool worth_drawing(const struct report *r, const struct plot_kind *kind)
{
    const bool workers = distinct(r, "workers") > 1;
    if (kind == &plot_speedup || kind == &plot_time || kind == &plot_cost ||
        kind == &plot_breakdown) {
        return workers;
    }
    if (kind == &plot_heatmap) {
        return workers && distinct(r, "memory_mib") > 1;
    }
    if (kind == &plot_cdf) {
        return distinct(r, "time_p99_s") > 0;
    }
    return kind == &plot_pareto || (kind == &plot_compare && distinct(r, "system") > 1);
}

void report_figure(struct text *out, const char *kind, const struct text *svg)
{
    text_printf(out, "<figure id=\"figure-%s\" tabindex=\"0\">\n", kind);
    append_svg(out, svg->data, kind);
    text_printf(out, "<figcaption>Drawn alone by faascast plot %s.</figcaption>\n</figure>\n",
                kind);
}

enum status report_pictures(struct text *out, struct report *r, struct error *err)
{
    html_element(out, "h2", NULL, "Pictures");
    for (size_t i = 0; plot_kinds[i] != NULL; i++) {
        struct text svg = {0};
        struct error why = {0};
        if (plot_kinds[i]->own_input || !worth_drawing(r, plot_kinds[i])) {
            continue;
        }
        if (r->picture_error.code == STATUS_OK &&
            plot_make(&r->plot, plot_kinds[i], &why) == STATUS_OK &&
            picture_draw(&r->plot.picture, r->cli->plots_dir, PICTURE_SVG, 60, &svg, &why) ==
                STATUS_OK) {
            report_figure(out, r->plot.kind->name, &svg);
            if (r->plot.miss.size > 0) {
                text_free(&r->miss);
                text_puts(&r->miss, r->plot.miss.data);
            }
        } else if (why.code == ERR_EXTERNAL || r->picture_error.code != STATUS_OK) {
            r->picture_error = r->picture_error.code != STATUS_OK ? r->picture_error : why;
            r->missing_pictures++;
        } else if (why.code != ERR_INFEASIBLE && why.code != ERR_INPUT) {
            *err = why;
        }
        text_free(&svg);
        if (err->code != STATUS_OK) {
            return err->code;
        }
    }
    if (r->missing_pictures > 0) {
        struct text words = {0};
        text_printf(&words, "%zu pictures are missing: %s.", r->missing_pictures,
                    r->picture_error.message);
        html_element(out, "p", NULL, words.data != NULL ? words.data : "");
        text_free(&words);
    }
    return STATUS_OK;
}
