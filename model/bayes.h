/* Door of Bayesian optimisation: SMLT's optimiser and the one of its repository.
 *
 * SMLT (section 3.2, equation 1) chooses memory and workers by a Gaussian process with expected
 * improvement; its repository (Iam-ahsan/SMLT) by an upper confidence bound over workers alone.
 * What the sources say and what they leave open stands with bayes_ei and bayes_ucb below.
 */
#ifndef MODEL_BAYES_H
#define MODEL_BAYES_H

#include "model/model.h"

/* ---------------------------------------------------------------- Gaussian process */

enum { BAYES_DIMENSIONS = 8, BAYES_MEASUREMENTS = 64 };

/* Posterior of a function over [0, 1]^dimensions, known at n places without noise: constant mean,
 * Matern 5/2 kernel of one length scale, which maximises the marginal likelihood over a geometric
 * grid from 0.05 to 5 (signal variance profiled out). Rasmussen & Williams, Gaussian Processes for
 * Machine Learning (2006), equations 2.25, 2.26, 4.17, 5.8. */
struct gaussian_process {
    size_t n, dimensions;
    double x[BAYES_MEASUREMENTS][BAYES_DIMENSIONS];
    double factor[BAYES_MEASUREMENTS * BAYES_MEASUREMENTS]; /* Cholesky, lower, row major n x n */
    double weights[BAYES_MEASUREMENTS];                     /* K^-1 (y - mean) */
    double mean, variance, length;
};
/* Fits n values y at x[i][0..dimensions). ERR_NUMERIC when no length scale can be factored. */
enum status gaussian_process_fit(size_t n, size_t dimensions, const double x[][BAYES_DIMENSIONS],
                                 const double *y, struct gaussian_process *out, struct error *err);
/* Mean and standard deviation of the posterior at one place. */
void gaussian_process_at(const struct gaussian_process *g, const double *x, double *mean,
                         double *deviation);
/* Expected improvement below `least`: (least - mean) Phi(z) + deviation phi(z), z = (least - mean)
 * / deviation; 0 or the improvement itself for deviation 0. */
double expected_improvement(double least, double mean, double deviation);

/* ---------------------------------------------------------------- optimiser */

enum bayes_acquisition { BAYES_EXPECTED_IMPROVEMENT, BAYES_CONFIDENCE_BOUND };

struct bayes_options {
    enum bayes_acquisition acquisition;
    uint32_t initial; /* random measurements first */
    uint32_t least;   /* measurements before it may stop */
    uint32_t most;    /* measurements at most */
    double stop;      /* expected improvement (of the logarithm) below which it stops; 0: never */
    double kappa;     /* deviations the bound lies from the mean */
    uint32_t candidates; /* random candidates of each step in a large space */
    uint64_t seed;
};
/* Expected improvement after SMLT. Said by the source: Gaussian process, expected improvement
 * without an exploration term, stop on a small improvement or a cap, profiling is billed. Open
 * there, chosen here: kernel and length scale as above; logarithms of time and dollars are
 * modelled; 3 random measurements first and a stop at 10 % after at least 6 (CherryPick, NSDI 2017,
 * which SMLT builds on); at most 20; a limit enters as the probability of meeting it, from a second
 * process (Gardner et al., ICML 2014). */
struct bayes_options bayes_ei(uint64_t seed);
/* The repository: upper confidence bound, kappa = 5, 2 random and 3 guided measurements, no stop,
 * no limits. Kernel and length scale are not in the source: as above. */
struct bayes_options bayes_ucb(uint64_t seed);

/* A lattice: a place has one index per dimension. */
struct bayes_space {
    size_t dimensions;
    size_t sizes[BAYES_DIMENSIONS];
    bool categories[BAYES_DIMENSIONS]; /* without order: no neighbours */
    /* Coordinates of a place: at most BAYES_DIMENSIONS numbers in [0, 1]; gives how many. */
    size_t (*locate)(const void *context, const size_t *place, double *x);
    /* Is the place part of the space at all? NULL: all are. */
    bool (*allowed)(const void *context, const size_t *place);
    /* What is measured: to be minimised; ratio is what is limited over its limit (1 when nothing
     * is). *feasible false: it cannot run at all. */
    enum status (*measure)(void *context, const size_t *place, double *value, double *ratio,
                           bool *feasible, struct error *err);
    void *context;
};
/* A table of objectives of the repository (smlt_bo_objective.csv): values above 0, higher is
 * better, of the rows of one model, at evenly spaced places. Measured is 1 / value. */
struct bayes_table {
    double value[256];
    double most; /* the best of them */
    size_t n;
};
enum status bayes_table_load(const char *path, const char *model, struct bayes_table *out,
                             struct error *err);
/* The table has to outlive its space. */
struct bayes_space bayes_table_space(struct bayes_table *t);

struct bayes_result {
    size_t n;
    size_t places[BAYES_MEASUREMENTS][BAYES_DIMENSIONS];
    double values[BAYES_MEASUREMENTS], ratios[BAYES_MEASUREMENTS];
    bool feasible[BAYES_MEASUREMENTS];
    ptrdiff_t best; /* of the measurements within the limit; -1: none is */
    bool stopped;   /* by the rule, not by the cap */
};
/* Model:  measures places until it stops; no place twice. All places are candidates of a step when
 *         they are no more than `candidates`; else random ones, the best of which then climbs to
 *         the top among its neighbours. The same seed gives the same measurements.
 * Errors: those of measure; ERR_NUMERIC, ERR_MEMORY. */
enum status bayes_minimise(const struct bayes_space *space, const struct bayes_options *options,
                           struct bayes_result *out, struct error *err);

#endif
