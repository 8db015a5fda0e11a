/* Kinds of pictures: what columns they need, how their table and texts are made. A new kind is one
 * line of PLOT_KIND_LIST, one function that fills a picture, and one script in plots/. */
#ifndef CLI_PLOT_H
#define CLI_PLOT_H

#include "cli/gnuplot.h"
#include "cli/results.h"
#include "cli/series.h"

/* Every kind, in the order the help tells them. */
#define PLOT_KIND_LIST(X)                                                                          \
    X(speedup, "speed-up against workers, with the ideal line")                                    \
    X(time, "time against workers, or one of its parts (--value, --per-round)")                    \
    X(cost, "dollars against workers")                                                             \
    X(pareto, "time against dollars of every configuration, with the front")                       \
    X(breakdown, "where the time goes: phases stacked, against workers")                           \
    X(heatmap, "time or dollars (--value) over workers and memory, the smallest marked")           \
    X(cdf, "how times or dollars (--value) are spread over runs or configurations")                \
    X(gantt, "who does what when: from simulate --gantt or --timeline")                            \
    X(tornado, "which uncertain inputs move time or dollars (--value), from sensitivity")          \
    X(compare, "systems side by side, each at its fastest: time by phase, dollars by kind")        \
    X(idle, "dollars over days of training again and again: functions against machines")           \
    X(validation, "predicted against measured, from score")                                        \
    X(training, "accuracy against iterations, from train")                                         \
    X(roofline, "the meta-learning kernel against one core, from bench_kernel --csv")

struct plot;

struct plot_kind {
    const char *name;
    const char *const *wants; /* number columns of results, NULL-ended */
    /* Fills p->picture. Results are read already, unless `own_input`. */
    enum status (*make)(struct plot *p, struct error *err);
    bool own_input; /* reads p->sources itself: not result rows */
};
extern const struct plot_kind *const plot_kinds[]; /* NULL-ended */
const struct plot_kind *plot_kind_find(const char *name);

struct plot {
    const struct cli *cli;
    const struct plot_kind *kind;
    char *const *sources; /* files */
    int n_sources;
    const struct text *table; /* instead of sources, for kinds that read their own: CSV */
    struct results results;
    struct series_columns by;
    struct picture picture;
    struct text subtitle; /* when empty: what the drawn rows have in common */
    struct text note;     /* sentences to stand under the picture */
    struct text miss;     /* the published point that is farthest from what is drawn, or empty */
};

/* Wants the columns of a kind, before any row is read. */
enum status plot_want(struct plot *p, const struct plot_kind *kind, struct error *err);
enum status plot_read(struct plot *p, struct error *err);
/* Fills p->picture for one kind (whatever it held is freed). */
enum status plot_make(struct plot *p, const struct plot_kind *kind, struct error *err);
/* p->picture into a file (.svg, .png, .pdf; NULL or "-": SVG on standard output). When gnuplot
 * fails (ERR_EXTERNAL), or --keep is given, table and script are left beside it. */
enum status plot_draw(struct plot *p, const char *path, struct error *err);
/* ERR_USAGE when a name ends in nothing that can be drawn. */
enum status plot_check_path(const char *path, struct error *err);
/* A kind that reads its own input, from a table in memory, into a file. */
enum status plot_draw_table(const struct cli *cli, const struct plot_kind *kind,
                            const struct text *table, const char *path, struct error *err);
void plot_free(struct plot *p);

/* ---- for the makers */

/* Index of a wanted column. */
int plot_column(const struct plot *p, const char *name);
/* Assignments of the script. */
void plot_set_text(struct plot *p, const char *name, const char *words, size_t limit);
void plot_set_number(struct plot *p, const char *name, double value);
/* series and name[]. */
void plot_set_names(struct plot *p, const struct series *s);
/* series and name[] of kinds that draw each source by itself: "fits/feng_a.csv" is "feng_a". */
void plot_set_files(struct plot *p);
/* title ("what: scenario"), subtitle (what the drawn rows have in common), note_1 and note_2.
 * Last of all: the notes are taken from p->note. */
void plot_set_frame(struct plot *p, const char *what, const struct series *s);
/* One number of the table; NaN is an empty cell. `last` ends the row. */
void plot_cell(struct plot *p, double value, bool last);
/* The number a file of options asks for, checked against the words allowed; the first when it is
 * not given. ERR_USAGE. */
enum status plot_choice(const struct plot *p, const char *option, const char *const *words,
                        const char **out, struct error *err);

#define X(name, words) extern const struct plot_kind plot_##name;
PLOT_KIND_LIST(X)
#undef X

#endif
