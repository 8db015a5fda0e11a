/* Inner pair of cmd_score.c: a scenario's "score" section, its table's rows as configurations, and
 * the constants that are fitted on some of them. */
#ifndef CLI_SCORE_H
#define CLI_SCORE_H

#include "calibration/calibration.h"
#include "cli/cli.h"

/* One row of the table and the configuration it measured. */
struct score_case {
    struct scenario scenario; /* both keep what the configurations borrow */
    struct scenario_cursor cursor;
    struct config config, baseline;
    bool has_baseline;
    size_t row; /* in the table */
    double measured;
    const char *phase; /* NULL, or the phase whose time per round was measured */
    char label[96];
};

struct score_constant {
    char pointer[96];
    double start, lower, upper;
};

enum { CONSTANT_LIMIT = 8 };

struct score_set {
    struct table table;
    struct score_case *cases;
    size_t count;
    struct score_constant constants[CONSTANT_LIMIT];
    size_t n_constants;
    struct expression predicted;
    char against[256];
};

/* Read the "score" section and every row it keeps; `against` (may be NULL) replaces its table.
 * Errors: ERR_INPUT with the place in the scenario or the line of the table. */
enum status score_load(const struct cli *cli, const char *path, const char *against,
                       struct score_set *out, struct error *err);
void score_free(struct score_set *s);

/* Predicted values of chosen cases (indices) with these constants; an infeasible row is NaN. */
enum status score_predict(struct score_set *s, const size_t *chosen, size_t n, const double *theta,
                          struct evaluator *e, double *predicted, struct error *err);
/* Fit the constants on chosen cases: relative residuals, bounded (calibration/fit.h). */
enum status score_fit(struct score_set *s, const size_t *chosen, size_t n, struct ls_result *out,
                      struct error *err);

#endif
