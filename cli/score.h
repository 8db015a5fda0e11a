/* Inner pair of cmd_score.c: a scenario's "score" section, its table's rows as configurations, and
 * the constants that are fitted on some of them. */
#ifndef CLI_SCORE_H
#define CLI_SCORE_H

#include "calibration/calibration.h"
#include "cli/cli.h"
#include "cli/frame.h"

/* A configuration that some rows measured: rows that set the same values share it. */
struct score_point {
    struct scenario scenario; /* both keep what the configurations borrow */
    struct scenario_cursor cursor;
    struct config config, baseline;
    bool has_baseline;
};

enum score_use {
    SCORE_GRADE, /* a row of the table that is graded */
    SCORE_TRAIN, /* a row of the scenario's own table when another one is graded */
    SCORE_FACT,  /* no number, but a fact to hold: did this run at all? */
};

/* One row of a table. */
struct score_case {
    size_t point;
    const struct table *table;
    size_t row; /* in the table; of a group, the first one */
    enum score_use use;
    double measured, resolution; /* resolution NaN: not said */
    const double *values;        /* what the rows of the group measured, ascending; NULL: one row */
    size_t n_values;
    const char *phase; /* NULL, or the phase whose time per round was measured */
    bool ran;          /* "feasible": what the table says */
    char label[96];
};

struct score_constant {
    char pointer[96];
    double start, lower, upper;
};

/* "by": rows that share these cells are measurements of one thing (cli/score_groups.c). */
struct score_groups {
    const struct json *by; /* a list of columns; NULL: every row stands for itself */
    struct pair_map known; /* groups by a hash of their cells */
    size_t *kase;          /* case of each group */
    double *value;         /* of each row, in the order read; later by case, ascending */
    size_t *of;            /* case of each row */
    size_t rows;
};

/* "best": which value of a column, or which row, the measurement found best. */
struct score_best {
    const struct json *spec;     /* NULL: not asked */
    bool rows, largest;          /* among the rows of the table; the largest is best */
    struct expression objective; /* of result columns */
    const char *pointer, *column;
    double values[32];
    size_t n_values;
};

/* Which number of several measurements, or of several simulated runs, is meant. */
struct score_statistic {
    bool quantile; /* else the mean */
    double p;      /* of the quantile, in (0, 1) */
};

enum score_engine { SCORE_AS_SAID, SCORE_PREDICT, SCORE_SIMULATE };

enum { CONSTANT_LIMIT = 8 };

struct score_set {
    struct scenario base;    /* owns what the section says */
    struct table table, own; /* graded; own is empty unless the constants are fitted on it */
    struct score_point *points;
    size_t n_points, points_capacity;
    struct pair_map known; /* points by a hash of what they set */
    struct score_case *cases;
    size_t count;
    struct score_groups groups;
    size_t graded, trained,
        seen; /* cases of each use; rows left out because they were trained on */
    struct score_constant constants[CONSTANT_LIMIT];
    size_t n_constants;
    struct expression predicted;
    enum ls_residual residual;
    enum score_engine engine; /* what the section asks for */
    struct score_statistic statistic;
    double interval; /* share of simulated runs between low and high; 0: not asked for */
    bool facts_feasible;
    struct score_best best;
    char against[256];
};

/* Read the "score" section and every row it keeps. `against` (may be NULL) replaces its table;
 * then, unless `within` says that rows of that very table are held out, the constants are fitted on
 * the scenario's own table, and rows that stand in both are not graded.
 * Errors: ERR_INPUT with the place in the scenario or the line of the table. */
enum status score_load(const struct cli *cli, const char *path, const char *against, bool within,
                       struct score_set *out, struct error *err);
void score_free(struct score_set *s);

/* Read "by" and "statistic"; room for `rows` measurements. ERR_INPUT with the place. */
enum status score_groups_open(const struct json *spec, size_t rows, struct score_set *s,
                              struct error *err);
/* The case a row belongs to: an earlier one (*fresh false), whose "set" cells the row must share,
 * or `fresh_case`. */
enum status score_group(struct score_set *s, const struct json *spec, const struct table *t,
                        size_t row, enum score_use use, size_t fresh_case, size_t *kase,
                        bool *fresh, struct error *err);
/* The cells that make the group. */
void score_group_label(const struct score_set *s, const struct table *t, size_t row,
                       struct text *out);
/* Do all rows of a group share the column? Also true when nothing is grouped. */
bool score_group_has(const struct score_set *s, const char *column);
/* One more measurement of a case. */
void score_group_add(struct score_set *s, size_t kase, double value);
/* When all rows are read: every case's values in order, and its statistic as what was measured. */
enum status score_groups_close(struct score_set *s, struct error *err);
/* The statistic of n > 0 values in ascending order; quantiles by Hyndman & Fan 1996, type 7. */
double score_statistic(const struct score_statistic *what, const double *sorted, size_t n);

/* Predicted values of chosen cases (indices) with these constants; an infeasible row is NaN. With
 * the simulator, the section's statistic of the runs; low and high (each may be NULL) hold the
 * share "interval" of them, NaN where nothing is simulated or asked for. */
enum status score_predict(struct score_set *s, enum score_engine engine, const size_t *chosen,
                          size_t n, const double *theta, struct evaluator *e, double *predicted,
                          double *low, double *high, struct error *err);
/* Fit the constants on chosen cases, bounded (calibration/fit.h). With the simulator, the closed
 * form is scaled, case by case, to what the simulator says at the constants found, and fitted
 * again until both agree. */
enum status score_fit(struct score_set *s, enum score_engine engine, const size_t *chosen, size_t n,
                      struct ls_result *out, struct error *err);

/* Something the table says that is true or not. */
struct score_fact {
    size_t kase;      /* the row it is about */
    const char *what; /* "runs", "best workers", "best row" */
    char measured[64], predicted[64];
    bool holds;
};
/* All facts the section asks for, with these constants. Caller frees *out. */
enum status score_facts(struct score_set *s, const double *theta, struct evaluator *e,
                        struct score_fact **out, size_t *count, struct error *err);

/* score TRACE --what LAW (cli/score_laws.c). */
enum exit_code score_laws(struct cli *cli, struct error *err);

/* The keys of the section that are not about single rows: residual, engine, interval, predicted,
 * best, constants (cli/score_spec.c). ERR_INPUT with their place. */
enum status score_read_keys(const struct json *spec, struct score_set *s, struct error *err);

/* The text under a key; NULL when there is none. */
static inline const char *score_text(const struct json *node, const char *key)
{
    const struct json *child = json_member(node, key);
    return child != NULL && child->kind == JSON_STRING ? child->text : NULL;
}

#endif
