/* What `score` and the report's validation share: a table graded against predictions. */
#ifndef CLI_GRADING_H
#define CLI_GRADING_H

#include "cli/score.h"

/* What one case was predicted as, by constants that had not seen it. */
struct graded {
    double predicted, low, high;
    bool graded;
    size_t fold, inside; /* inside: measurements between low and high */
};

struct grading {
    struct score_set set;
    enum score_engine engine;
    struct graded *rows; /* by case */
    size_t *chosen, *others;
    size_t *fold_row; /* a row of the table for each value of the column held out */
    bool by_column;
    double *values;
    double *measured, *predicted, *low, *high; /* of the graded rows */
    struct ls_result all;                      /* constants fitted on every training row */
    bool fitted;
    size_t folds;
    struct score_fact *facts;
    size_t n_facts;
    struct score score;
};

/* Read, fit, predict, compare. `against` and `hold_out` may be NULL (options of `score`).
 * Errors: ERR_INPUT with the place; ERR_USAGE for a hold-out that cannot be; ERR_INFEASIBLE when a
 * measured row is predicted infeasible. The caller frees *g, also on error. */
enum status grading_make(const struct cli *cli, const char *path, const char *against,
                         const char *hold_out, enum score_engine engine, struct grading *g,
                         struct error *err);
void grading_free(struct grading *g);
/* Mean of how finely the measured values could be read, in the unit of the errors; NaN: not said.
 */
double grading_resolution(const struct grading *g);
/* Measurements of a case: 1, or those of its group. */
size_t grading_rows(const struct grading *g, size_t i);
/* "95 % interval" of a row, or the share of simulated runs. */
const char *grading_interval(const struct grading *g, char *out, size_t size);
/* label, measured, predicted, low, high, error, fold, resolution, rows, inside: what plot
 * validation reads, and how many measurements stand behind it. */
void text_grading_csv(struct text *out, const struct grading *g);
/* "each predicted by constants fitted without it" and the like. */
const char *grading_how(const struct grading *g, const char *hold_out);

#endif
