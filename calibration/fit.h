/* Door of the fits: constants learned from traces, with intervals, and what cannot be learned
 * named.
 *
 * Layers, from the bottom: a solver (bounded robust least squares, non-negative least squares);
 * distributions by maximum likelihood; laws with a name (latency and bandwidth, token bucket,
 * memory, start-up, the systems of the literature); and `fit_trace`, which reads a trace and writes
 * a catalogue entry with its provenance.
 */
#ifndef CALIBRATION_FIT_H
#define CALIBRATION_FIT_H

#include "calibration/import.h"

/* ---------------------------------------------------------------- estimates */

/* A fitted number and its 95 % interval. NaN ends: not known. */
struct estimate {
    const char *name;
    double value, low, high;
    double standard_error;
    bool at_bound;     /* stopped at its lower or upper bound */
    bool unidentified; /* the data do not tell it alone, see struct fit_ambiguity */
};

/* ---------------------------------------------------------------- samples */

struct sample {
    const double *value;
    const double *weight; /* observations a value stands for; NULL: 1 each */
    size_t n;
};

/* Quantile of an ascending sample, linear between the observations (type 7 for unit weights). */
double sample_quantile(const struct sample *sorted, double probability);
/* Copy in ascending order, into malloc'd arrays (caller frees both; weight may be NULL). */
enum status sample_sort(const struct sample *s, double **value, double **weight, struct error *err);

/* ---------------------------------------------------------------- distributions */

#define FAMILY_LIST(X)                                                                             \
    X(FAMILY_NORMAL, "normal", 2)                                                                  \
    X(FAMILY_LOGNORMAL, "lognormal", 2)                                                            \
    X(FAMILY_SHIFTED_LOGNORMAL, "shifted_lognormal", 3)                                            \
    X(FAMILY_GAMMA, "gamma", 2)                                                                    \
    X(FAMILY_WEIBULL, "weibull", 2)                                                                \
    X(FAMILY_PARETO, "pareto", 2)                                                                  \
    X(FAMILY_EXPONENTIAL, "exponential", 1)                                                        \
    X(FAMILY_MIXTURE, "mixture", 5)                                                                \
    X(FAMILY_SHIFTED_MIXTURE, "shifted_mixture", 6)                                                \
    X(FAMILY_EMPIRICAL, "empirical", 0)

enum family {
#define X(name, word, parameters) name,
    FAMILY_LIST(X)
#undef X
        FAMILIES
};

enum { FAMILY_PARAMETERS = 6, EMPIRICAL_QUANTILES = 101 };

/* Parameters by family:
 *   normal mean, sd · lognormal mu, sigma · shifted_lognormal shift, mu, sigma · gamma shape, scale
 *   weibull scale, shape · pareto alpha, low · exponential mean
 *   mixture share (of the second component), mu1, sigma1, mu2, sigma2: two lognormals, mu1 < mu2
 *   shifted_mixture the same and a shift: ln(x - shift) is such a mixture
 *   empirical none: `quantile` holds 101 equally spaced quantiles, minimum and maximum included. */
struct fitted {
    enum family family;
    size_t n_parameters;
    struct estimate parameter[FAMILY_PARAMETERS];
    double quantile[EMPIRICAL_QUANTILES]; /* empirical only */
    double n;                             /* observations, weights added up */
    double log_likelihood, aic;           /* NaN for empirical */
    double ks;                            /* Kolmogorov-Smirnov distance to the sample */
};

const char *family_name(enum family f);

/* Fit one family by maximum likelihood.
 *
 * Takes:   finite values; > 0 for all but normal and empirical; at least as many different values
 * as parameters plus one. Gives:   95 % intervals: exact where a pivot is known (normal, lognormal,
 * exponential, pareto), else from the observed information, on the scale that is nearest to normal.
 * Errors:  ERR_INPUT for values a family cannot have or too few of them; ERR_NUMERIC when the
 *          likelihood has no maximum inside (a result: choose another family).
 */
enum status distribution_fit(enum family f, const struct sample *s, struct fitted *out,
                             struct error *err);

/* Fit every family of the set (bit 1 << family; 0 = all but pareto) and choose by AIC; when the
 * winner's KS distance exceeds ks_limit (0 = 0.1) the empirical quantiles are taken instead.
 * all[]: FAMILIES results, those that failed or were not asked for have n = 0; may be NULL. */
enum status distribution_choose(const struct sample *s, unsigned families, double ks_limit,
                                struct fitted *best, struct fitted *all, struct error *err);

double distribution_cdf(const struct fitted *d, double x);
double distribution_quantile(const struct fitted *d, double probability);
double distribution_mean(const struct fitted *d);

/* Spread of ln(value) between runs that is not explained by the spread within them. */
struct run_effect {
    size_t runs;
    struct estimate sd; /* of a run's location on the log scale; run_sd of the catalogue */
    double location;    /* mean over runs of the mean log */
    double within_sd;   /* of ln(value) around its run's location */
    double low, high;   /* factors: 90 % of new runs lie between them times the typical run */
};

/* Random effect of runs on the location: value = X exp(u_run), u ~ N(0, sd^2).
 *
 * Model:   one-way random effects, method of moments (Searle, Casella, McCulloch, Variance
 *          Components, 1992, section 3.6); the interval of sd from the chi-square of the run means.
 * Takes:   run[i] in [0, runs) of every value > 0; at least two runs.
 * Gives:   *out; values divided by their run's factor in adjusted[n] (may be NULL).
 */
enum status run_effect_fit(const struct sample *s, const uint32_t *run, size_t runs,
                           struct run_effect *out, double *adjusted, struct error *err);

/* ---------------------------------------------------------------- least squares */

enum { LS_PARAMETERS = 16, LS_AMBIGUITIES = 4 };

struct ls_parameter {
    const char *name;
    double start, lower, upper; /* lower = -INFINITY, upper = INFINITY: free */
};

enum ls_residual {
    LS_RELATIVE, /* predicted / measured - 1 */
    LS_LOG,      /* ln(predicted / measured) */
    LS_ABSOLUTE, /* (predicted - measured) */
};

enum ls_loss { LS_SQUARES, LS_HUBER, LS_BISQUARE };

struct ls_problem {
    const struct ls_parameter *parameters;
    size_t n_parameters;
    const double *measured;
    const double *weight; /* of a squared residual; NULL: 1 each */
    size_t n;
    /* Fill predicted[n] for theta[n_parameters]; called many times with theta inside the bounds. */
    enum status (*predict)(void *context, const double *theta, double *predicted,
                           struct error *err);
    void *context;
    enum ls_residual residual;
    enum ls_loss loss;
    unsigned starts; /* tried beside the given one, spread over the bounds; 0 = none */
    /* Rows that share a prediction may come joined (ls_join): how many rows the n stand for, and
     * the squares within them that no constants can change. 0 rows: the n themselves. */
    size_t rows;
    double within;
};

/* Rows with one prediction P joined into one: for squared residuals
 *   sum (P / y_i - 1)^2 = W (P / y - 1)^2 + within,   y = sum 1/y_i / sum 1/y_i^2,
 * W = (sum 1/y_i)^2 / sum 1/y_i^2, and in absolute terms y is the mean and W the count.
 *
 * Takes:   measured[n], group[n] in [0, groups), every group with a row; relative or absolute.
 * Gives:   joined[groups], weight[groups]; returns the squares within.
 */
double ls_join(size_t n, const double *measured, const size_t *group, size_t groups,
               enum ls_residual residual, double *joined, double *weight);

/* Something the data leave open: which parameters, and what of them is known. */
struct fit_ambiguity {
    char text[160]; /* "only the product m * c3 is identified" */
    bool member[LS_PARAMETERS];
};

struct ls_result {
    size_t n, n_parameters;
    struct estimate parameter[LS_PARAMETERS];
    double covariance[LS_PARAMETERS * LS_PARAMETERS]; /* row major, n_parameters wide */
    double sigma;                                     /* standard deviation of a residual */
    double mape, max_error; /* of the rows fitted, |predicted / measured - 1| */
    double aic;
    struct fit_ambiguity ambiguity[LS_AMBIGUITIES];
    size_t ambiguities;
};

/* Bounded, robust, nonlinear least squares.
 *
 * Model:   Levenberg-Marquardt (GSL multifit_nlinear) in coordinates that keep the bounds, repeated
 *          with Huber (k = 1.345) or bisquare (k = 4.685) weights until they settle; intervals from
 *          the covariance with Student's t, cut at the bounds. A direction of the Jacobian whose
 *          singular value is below 1e-6 of the largest is unidentified and named.
 * Errors:  ERR_INPUT with fewer rows than parameters or a measured value that is not positive
 *          (relative, log); ERR_NUMERIC when nothing converges; what predict() returns.
 */
enum status ls_fit(const struct ls_problem *problem, struct ls_result *out, struct error *err);

/* Non-negative least squares: min |A x - b|, x >= 0; A is rows x columns, row major.
 * Lawson and Hanson, Solving Least Squares Problems, 1974, chapter 23. ERR_NUMERIC when it does
 * not end. */
enum status nnls(size_t rows, size_t columns, const double *a, const double *b, double *x,
                 struct error *err);

/* A linear law on relative residuals, coefficients >= 0: measured = sum x_j * feature_j.
 * Intervals of coefficients above 0 from the reduced problem; a coefficient at 0 gets [0, high]
 * from the problem with it put back. features: n x n_parameters, row major. */
enum status linear_fit(size_t n, size_t n_parameters, const char *const *names,
                       const double *features, const double *measured, struct ls_result *out,
                       struct error *err);

/* ---------------------------------------------------------------- traces */

/* Columns of a trace in memory: NaN where a number is missing, ids into `labels` for text. */
struct trace {
    char path[256];
    size_t n;
    double *number[TRACE_COLUMNS]; /* NULL when the file has no such column */
    uint32_t *text[TRACE_COLUMNS]; /* index into labels; labels[0] is "" */
    char **labels;
    size_t n_labels;
    uint64_t hash; /* of the file's bytes, after decompression */
};

/* Read a trace (plain or gzip). Every column must be one of TRACE_LIST, every number a number:
 * ERR_INPUT with the line otherwise. Caller frees. */
enum status trace_load(const char *path, struct trace *out, struct error *err);
void trace_free(struct trace *t);
/* Keep the rows where column == value; ERR_INPUT when the column is unknown or nothing is left. */
enum status trace_where(struct trace *t, const char *column, const char *value, struct error *err);

/* ---------------------------------------------------------------- laws */

struct transfer_law {
    struct estimate latency_s, bytes_per_s; /* t = latency + size / bandwidth */
    struct estimate cap_bytes_per_s;        /* NaN: none found */
    double share_at_cap; /* of the large transfers, above 98 % of the 95th percentile of rates */
    struct estimate full_mib; /* bandwidth grows with memory up to here; NaN: no effect */
    bool grows_on;            /* no end of that was seen: full_mib is assumed, 3008 */
    struct ls_result fit;
};

/* Latency and bandwidth from sizes and times, robustly (bisquare on log residuals).
 *
 * Takes:   size_bytes >= 0 and time_s > 0 of n transfers with at least two sizes; memory_mib may be
 *          NULL. Latency alone can be fixed with latency_s > 0 (then one size is enough).
 * Gives:   a cap when at least a fifth of the largest transfers sit within 2 % of their highest
 * rate; the memory at which bandwidth stops growing when several memory sizes say so by AIC.
 */
enum status transfer_fit(size_t n, const double *size_bytes, const double *time_s,
                         const double *memory_mib, double latency_s, struct transfer_law *out,
                         struct error *err);

struct token_bucket {
    struct estimate burst_bytes, burst_bytes_per_s, steady_bytes_per_s;
    size_t series;    /* series with both phases */
    size_t one_phase; /* series that never left the burst, or never had one */
    double error;     /* median over series of the largest gap of the cumulative curve, a share */
};

/* A token bucket from series of (interval, bytes): full speed until the bucket is empty, then the
 * steady rate. Each series gives burst and rates by the best broken line through its cumulative
 * curve; the estimates are medians over series, intervals from order statistics.
 *
 * Takes:   n intervals; series[i] in [0, n_series) ascending; interval_s > 0; bytes >= 0.
 */
enum status token_bucket_fit(size_t n, const uint32_t *series, size_t n_series,
                             const double *interval_s, const double *bytes,
                             struct token_bucket *out, struct error *err);

struct memory_law {
    struct estimate fixed_s, work_s; /* t = fixed + work / min(M / mib_per_vcpu, cap) */
    struct estimate cap_vcpu;
    bool cap_found;      /* or given */
    double serial_share; /* fixed / (fixed + work): the form the scenarios take */
    struct ls_result fit;
};

/* Time against configured memory. cap_vcpu > 0: given; 0: found when the data show one. */
enum status memory_law_fit(size_t n, const double *memory_mib, const double *time_s,
                           double mib_per_vcpu, double cap_vcpu, struct memory_law *out,
                           struct error *err);

struct start_mode {
    size_t n;
    struct fitted delay;              /* from being asked to the handler's first line, seconds */
    struct fitted families[FAMILIES]; /* the candidates; n = 0: did not fit */
    double quantile[EMPIRICAL_QUANTILES]; /* of the delays, burst effects taken out */
    struct run_effect effect;             /* between bursts; runs = 0 when there is one burst */
    struct estimate growth_s; /* more delay per function started at the same time, >= 0; NaN: one
                                 size of burst only */
};

struct start_law {
    size_t bursts, rows, kinds;   /* kinds: functions and memory sizes among the bursts */
    struct start_mode cold, warm; /* n = 0: none seen */
    bool modes_guessed;           /* the trace does not say which are cold: two lognormals */
    struct estimate pace_s;       /* between two invocations of one client, median over calls */
    double pace_sd;               /* of ln(pace) between bursts; NaN: one burst */
    /* The pool rule: of N functions of a burst, as many are warm as the largest burst before left
     * behind (same function and memory, in the order of the trace). */
    size_t pool_bursts, pool_explained; /* bursts with a predecessor, and those within 5 % of N */
};

/* Start-up from bursts of simultaneous functions.
 *
 * Takes:   a trace with submit_s and start_s (or init_s: then initialisation alone), run = burst;
 *          cold as known; families as in distribution_choose: FAMILY_EMPIRICAL alone is quick, for
 *          whoever wants the quantiles only (growth_s is not looked for then).
 * Errors:  ERR_INPUT when the columns are missing or a function starts before it is asked for.
 */
enum status start_fit(const struct trace *t, unsigned families, struct start_law *out,
                      struct error *err);

/* ---------------------------------------------------------------- systems */

/* A law of a system of the literature, linear in constants >= 0: the columns its table must have
 * and the features of a row. */
struct system_law {
    const char *name, *summary, *source;
    const char *columns[6];    /* of the table, NULL-ended */
    const char *parameters[5]; /* NULL-ended */
    /* From the cells of `columns`: features and the measured value in seconds; false leaves the row
     * out (a run that failed says nothing about its time). */
    bool (*row)(const char *const *cells, double *features, double *measured);
};
extern const struct system_law system_laws[]; /* ended by a NULL name */
const struct system_law *system_law_find(const char *name);

struct system_fit {
    const struct system_law *law;
    struct ls_result fit;
    size_t skipped; /* rows left out */
    /* Leave-one-out: errors on rows not used, NaN with too few rows. */
    double loo_mape, loo_max;
};

/* Fit a law to a table (any columns beside its own are ignored); where: "column=value" or NULL. */
enum status system_fit_table(const struct table *t, const struct system_law *law, const char *where,
                             struct system_fit *out, struct error *err);

/* ---------------------------------------------------------------- catalogue entries */

struct fit_options {
    const char *what;         /* start, compute-memory, store, bandwidth or system */
    const char *name;         /* of the entry */
    const char *over;         /* catalogue entry it is laid over; NULL: none */
    const char *system;       /* what = system: name of the law */
    const char *const *where; /* "column=value", all must hold */
    size_t n_where;
    const char *source;  /* where the trace comes from; NULL: its file name */
    const char *date;    /* of the measurement; NULL: from time_s of the trace */
    const char *command; /* the command line, for the provenance */
    double cap_vcpu;     /* compute-memory: > 0 given */
    double latency_s;    /* bandwidth: > 0 given */
    unsigned families;   /* allowed distributions, 0 = all */
};

/* Names of what can be fitted, with one line each; NULL after the last. */
const char *fit_target_name(size_t i);
const char *fit_target_help(size_t i);

/* Read a trace, fit, and write a catalogue entry with its provenance. The bytes of *json depend on
 * the trace and the options alone, so that a refit is the same file.
 *
 * Gives:   *json the entry; *summary what a person wants to read about it.
 * Owns:    both grow by appending; the caller frees them.
 */
enum status fit_trace(const char *path, const struct fit_options *options, struct text *json,
                      struct text *summary, struct error *err);

#endif
