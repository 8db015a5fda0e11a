/* The report: one page about one set of results. cmd_report.c reads and decides, the parts below
 * write sections of HTML. */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include "cli/plot.h"
#include "model/search.h"

struct choice {
    ptrdiff_t fastest, cheapest, recommended; /* rows of the frame; -1 = none is feasible */
    size_t configurations;                    /* different ones: of both engines one */
    size_t feasible;                          /* rows */
    bool limited, met;                        /* there are limits; the recommended one keeps them */
    enum search_goal goal;
};

enum { REPORT_TEXTS = 8 };

struct report {
    const struct cli *cli;
    struct plot plot;          /* its frame holds every column of the results */
    struct constraints asked;  /* of the command line; 0 = not given */
    struct constraints own;    /* of the results as they were made; 0 = none, or not known */
    struct constraints limits; /* those that hold here */
    struct choice choice;
    bool varies[REPORT_TEXTS];       /* which texts tell configurations apart */
    const struct scenario *scenario; /* NULL: results alone */
    /* Of the recommended configuration, with a scenario: */
    struct row row;       /* the closed form's */
    struct ledger ledger; /* its bill */
    bool has_ledger;
    double time_lo_s, time_hi_s, cost_lo_usd, cost_hi_usd; /* NaN: no interval */
    double time_s, cost_usd; /* means: simulated where there is an interval */
    double p_deadline, p_budget;
    double replications, confidence;
    size_t assumed, inputs; /* values of the scenario without a source; all of them */
    bool profile_assumed;
    const char *profile, *prices_date; /* "" when unknown */
    struct text miss; /* the published point that is farthest from what is drawn, or empty */
    size_t missing_pictures;
    struct error picture_error; /* why pictures are missing */
};

/* Number or text of a row of the frame, by the name of its column. */
double report_number(const struct report *r, size_t row, const char *column);
const char *report_text(const struct report *r, size_t row, const char *column);
/* Fastest, cheapest; recommended: the choice of plan (search_usual, search_pick), and what misses
 * the limits least when nothing keeps them. A configuration that was simulated counts by that. */
enum status report_choose(struct report *r, struct error *err);
/* "4 workers of 10240 MiB", with whatever else tells this row from others. */
void text_configuration(struct text *out, const struct report *r, size_t row);

/* Sections, appended to the page. */
void report_head(struct text *out, const struct report *r);
void report_answer(struct text *out, const struct report *r);
enum status report_pictures(struct text *out, struct report *r, struct error *err);
/* A picture with its caption; `kind` as plot names it. */
void report_figure(struct text *out, const char *kind, const struct text *svg);
/* The section of a scenario with measurements ("score"); nothing for others. */
void report_validation(struct text *out, struct report *r);
void report_bill(struct text *out, const struct report *r);
enum status report_table(struct text *out, const struct report *r, struct error *err);
/* Counts assumed values on the way: call before report_answer writes them. */
enum status report_assumptions(struct text *out, struct report *r, struct error *err);
void report_validity(struct text *out, const struct report *r);
enum status report_provenance(struct text *out, const struct report *r, struct error *err);
void report_foot(struct text *out);

/* ---- HTML */

/* <p class=...>, with escaped words; class may be NULL. */
void html_element(struct text *out, const char *tag, const char *class, const char *words);
/* A table cell that sorts as `value` (NaN: last); numbers stand right. */
void html_number_cell(struct text *out, double value, const char *words);
void html_text_cell(struct text *out, const char *words);

#endif
