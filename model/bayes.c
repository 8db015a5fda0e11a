/* Gaussian process (Cholesky of GSL), expected improvement, upper confidence bound. */
#include "model/bayes.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_errno.h>
#include <gsl/gsl_linalg.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <math.h>
#include <string.h>

/* ---------------------------------------------------------------- Gaussian process */

enum { LENGTHS = 41 };
static const double length_least = 0.05;
static const double length_most = 5;
static const double jitter = 1e-9; /* of the variance: keeps the factor positive */

static double matern(const double *a, const double *b, size_t dimensions, double length)
{
    double square = 0;
    for (size_t d = 0; d < dimensions; d++) {
        square += (a[d] - b[d]) * (a[d] - b[d]);
    }
    const double r = sqrt(5 * square) / length;
    return (1 + r + r * r / 3) * exp(-r);
}

/* Fills the process for one length; gives the logarithm of the likelihood, -inf when the matrix is
 * not positive definite. */
static double fit_length(struct gaussian_process *g, const double *y, double length)
{
    const size_t n = g->n;
    double ones[BAYES_MEASUREMENTS];
    double solved[BAYES_MEASUREMENTS];
    gsl_matrix_view k = gsl_matrix_view_array(g->factor, n, n);
    for (size_t i = 0; i < n; i++) {
        ones[i] = 1;
        for (size_t j = 0; j < n; j++) {
            gsl_matrix_set(&k.matrix, i, j,
                           matern(g->x[i], g->x[j], g->dimensions, length) + (i == j ? jitter : 0));
        }
    }
    if (gsl_linalg_cholesky_decomp1(&k.matrix) != GSL_SUCCESS) {
        return -HUGE_VAL;
    }
    gsl_vector_view s = gsl_vector_view_array(solved, n);
    const gsl_vector_const_view one = gsl_vector_const_view_array(ones, n);
    gsl_linalg_cholesky_solve(&k.matrix, &one.vector, &s.vector);
    double over = 0;
    double under = 0;
    for (size_t i = 0; i < n; i++) { /* the mean of generalised least squares */
        over += solved[i] * y[i];
        under += solved[i];
    }
    g->mean = over / under;
    double centred[BAYES_MEASUREMENTS];
    for (size_t i = 0; i < n; i++) {
        centred[i] = y[i] - g->mean;
    }
    const gsl_vector_const_view c = gsl_vector_const_view_array(centred, n);
    gsl_vector_view w = gsl_vector_view_array(g->weights, n);
    gsl_linalg_cholesky_solve(&k.matrix, &c.vector, &w.vector);
    double square = 0;
    double determinant = 0;
    for (size_t i = 0; i < n; i++) {
        square += centred[i] * g->weights[i];
        determinant += 2 * log(gsl_matrix_get(&k.matrix, i, i));
    }
    g->variance = fmax(square / (double)n, 1e-300);
    g->length = length;
    return -0.5 * ((double)n * log(g->variance) + determinant);
}

enum status gaussian_process_fit(size_t n, size_t dimensions, const double x[][BAYES_DIMENSIONS],
                                 const double *y, struct gaussian_process *out, struct error *err)
{
    double best = -HUGE_VAL;
    double length = 0;
    out->n = n;
    out->dimensions = dimensions;
    memcpy(out->x, x, n * sizeof *out->x);
    for (int i = 0; i < LENGTHS; i++) {
        const double l = length_least * pow(length_most / length_least, i / (double)(LENGTHS - 1));
        const double likelihood = fit_length(out, y, l);
        if (likelihood > best) {
            best = likelihood;
            length = l;
        }
    }
    if (length <= 0 || !gsl_finite(fit_length(out, y, length))) {
        return RAISE(err, ERR_NUMERIC, "no Gaussian process fits %zu measurements", n);
    }
    return STATUS_OK;
}

void gaussian_process_at(const struct gaussian_process *g, const double *x, double *mean,
                         double *deviation)
{
    const size_t n = g->n;
    double row[BAYES_MEASUREMENTS];
    double sum = g->mean;
    double explained = 0;
    for (size_t i = 0; i < n; i++) {
        row[i] = matern(x, g->x[i], g->dimensions, g->length);
        sum += row[i] * g->weights[i];
    }
    for (size_t i = 0; i < n; i++) { /* forward substitution: L v = row */
        for (size_t j = 0; j < i; j++) {
            row[i] -= g->factor[i * n + j] * row[j];
        }
        row[i] /= g->factor[i * n + i];
        explained += row[i] * row[i];
    }
    *mean = sum;
    *deviation = sqrt(g->variance * fmax(1 - explained, 0));
}

double expected_improvement(double least, double mean, double deviation)
{
    if (deviation <= 0) {
        return fmax(least - mean, 0);
    }
    const double z = (least - mean) / deviation;
    return (least - mean) * gsl_cdf_ugaussian_P(z) + deviation * gsl_ran_ugaussian_pdf(z);
}

/* ---------------------------------------------------------------- optimiser */

struct bayes_options bayes_ei(uint64_t seed)
{
    return (struct bayes_options){.acquisition = BAYES_EXPECTED_IMPROVEMENT,
                                  .initial = 3,
                                  .least = 6,
                                  .most = 20,
                                  .stop = 0.1,
                                  .candidates = 2048,
                                  .seed = seed};
}

struct bayes_options bayes_ucb(uint64_t seed)
{
    return (struct bayes_options){.acquisition = BAYES_CONFIDENCE_BOUND,
                                  .initial = 2,
                                  .least = 5,
                                  .most = 5,
                                  .kappa = 5,
                                  .candidates = 2048,
                                  .seed = seed};
}

static size_t locate_row(const void *context, const size_t *place, double *x)
{
    const struct bayes_table *t = context;
    x[0] = (double)place[0] / (double)(t->n - 1);
    return 1;
}

static enum status measure_row(void *context, const size_t *place, double *value, double *ratio,
                               bool *feasible, struct error *err)
{
    const struct bayes_table *t = context;
    (void)err;
    *value = 1 / t->value[place[0]];
    *ratio = 1;
    *feasible = true;
    return STATUS_OK;
}

enum status bayes_table_load(const char *path, const char *model, struct bayes_table *out,
                             struct error *err)
{
    struct table t;
    size_t name = 0;
    size_t column = 0;
    *out = (struct bayes_table){.n = 0};
    if (table_load(path, &t, err) != STATUS_OK) {
        return err->code;
    }
    if (table_column(&t, "model", &name, err) == STATUS_OK &&
        table_column(&t, "objective_higher_is_better", &column, err) == STATUS_OK) {
        for (size_t r = 0; r < t.n_rows && err->code == STATUS_OK; r++) {
            if (strcmp(table_cell(&t, r, name), model) != 0) {
                continue;
            }
            if (out->n == sizeof out->value / sizeof out->value[0]) {
                RAISE(err, ERR_INPUT, "%s: more than %zu rows of %s", path, out->n, model);
            } else if (table_number(&t, r, column, &out->value[out->n], err) == STATUS_OK) {
                out->most = fmax(out->most, out->value[out->n++]);
            }
        }
    }
    if (err->code == STATUS_OK && out->n < 2) {
        RAISE(err, ERR_INPUT, "%s: fewer than two rows of %s", path, model);
    }
    table_free(&t);
    return err->code;
}

struct bayes_space bayes_table_space(struct bayes_table *t)
{
    return (struct bayes_space){.dimensions = 1,
                                .sizes = {t->n},
                                .locate = locate_row,
                                .measure = measure_row,
                                .context = t};
}

struct state {
    const struct bayes_space *space;
    const struct bayes_options *options;
    struct bayes_result *result;
    gsl_rng *random;
    struct gaussian_process value, ratio; /* of the logarithms */
    bool limited;                         /* some ratio differs from 1 */
    double least;                         /* logarithm of the best value; HUGE_VAL: none */
};

static bool taken(const struct state *s, const size_t *place)
{
    for (size_t i = 0; i < s->result->n; i++) {
        if (memcmp(s->result->places[i], place, s->space->dimensions * sizeof *place) == 0) {
            return true;
        }
    }
    return false;
}

static enum status measure(struct state *s, const size_t *place, struct error *err)
{
    struct bayes_result *r = s->result;
    const size_t i = r->n++;
    memcpy(r->places[i], place, s->space->dimensions * sizeof *place);
    if (s->space->measure(s->space->context, place, &r->values[i], &r->ratios[i], &r->feasible[i],
                          err) != STATUS_OK) {
        return err->code;
    }
    if (r->feasible[i] && r->ratios[i] <= 1 && (r->best < 0 || r->values[i] < r->values[r->best])) {
        r->best = (ptrdiff_t)i;
    }
    return STATUS_OK;
}

static bool allowed(const struct state *s, const size_t *place)
{
    return s->space->allowed == NULL || s->space->allowed(s->space->context, place);
}

/* A place of the space, each as likely; false when none is met in many tries. */
static bool random_place(struct state *s, size_t *place)
{
    enum { TRIES = 10000 };
    for (int i = 0; i < TRIES; i++) {
        for (size_t d = 0; d < s->space->dimensions; d++) {
            place[d] = gsl_rng_uniform_int(s->random, s->space->sizes[d]);
        }
        if (allowed(s, place)) {
            return true;
        }
    }
    return false;
}

/* What cannot run is modelled as twice as bad as the worst that can: the process keeps away. */
static enum status fit(struct state *s, struct error *err)
{
    const struct bayes_result *r = s->result;
    double x[BAYES_MEASUREMENTS][BAYES_DIMENSIONS];
    double values[BAYES_MEASUREMENTS];
    double ratios[BAYES_MEASUREMENTS];
    double worst = -HUGE_VAL;
    double highest = 0;
    size_t dimensions = 0;
    s->limited = false;
    for (size_t i = 0; i < r->n; i++) {
        if (r->feasible[i]) {
            worst = fmax(worst, log(r->values[i]));
            highest = fmax(highest, log(r->ratios[i]));
        }
        s->limited = s->limited || (r->feasible[i] && r->ratios[i] != 1);
    }
    for (size_t i = 0; i < r->n; i++) {
        dimensions = s->space->locate(s->space->context, r->places[i], x[i]);
        values[i] = r->feasible[i] ? log(r->values[i]) : worst > -HUGE_VAL ? worst + log(2) : 0;
        ratios[i] = r->feasible[i] ? log(r->ratios[i]) : highest + log(2);
    }
    s->least = r->best >= 0 ? log(r->values[r->best]) : HUGE_VAL;
    if (gaussian_process_fit(r->n, dimensions, x, values, &s->value, err) != STATUS_OK ||
        (s->limited &&
         gaussian_process_fit(r->n, dimensions, x, ratios, &s->ratio, err) != STATUS_OK)) {
        return err->code;
    }
    return STATUS_OK;
}

/* How much a measurement there promises; the bound is turned round, since values are minimised. */
static double promise(const struct state *s, const size_t *place)
{
    double x[BAYES_DIMENSIONS];
    double mean = 0;
    double deviation = 0;
    s->space->locate(s->space->context, place, x);
    gaussian_process_at(&s->value, x, &mean, &deviation);
    if (s->options->acquisition == BAYES_CONFIDENCE_BOUND) {
        return -mean + s->options->kappa * deviation;
    }
    const double gain = s->least < HUGE_VAL ? expected_improvement(s->least, mean, deviation) : 1;
    if (!s->limited) {
        return gain;
    }
    gaussian_process_at(&s->ratio, x, &mean, &deviation);
    return gain * (deviation > 0 ? gsl_cdf_ugaussian_P(-mean / deviation) : mean <= 0);
}

static void consider(const struct state *s, const size_t *place, size_t *best, double *most)
{
    const double p = taken(s, place) || !allowed(s, place) ? -HUGE_VAL : promise(s, place);
    if (p > *most) {
        *most = p;
        memcpy(best, place, s->space->dimensions * sizeof *place);
    }
}

/* Steps of 1, 4, 16, ... along each dimension while they promise more. */
static void climb(const struct state *s, size_t *best, double *most)
{
    const struct bayes_space *space = s->space;
    for (bool moved = true; moved;) {
        const double before = *most;
        for (size_t d = 0; d < space->dimensions; d++) {
            for (size_t step = 1; step < space->sizes[d] && !space->categories[d]; step *= 4) {
                size_t place[BAYES_DIMENSIONS];
                memcpy(place, best, sizeof place);
                if (best[d] + step < space->sizes[d]) {
                    place[d] = best[d] + step;
                    consider(s, place, best, most);
                }
                memcpy(place, best, sizeof place);
                if (best[d] >= step) {
                    place[d] = best[d] - step;
                    consider(s, place, best, most);
                }
            }
        }
        moved = *most - before > 1e-9 * fabs(before);
    }
}

/* The most promising place; *most is -HUGE_VAL when none is left. */
static void choose(struct state *s, double places, size_t *best, double *most)
{
    const struct bayes_space *space = s->space;
    size_t place[BAYES_DIMENSIONS] = {0};
    *most = -HUGE_VAL;
    memset(best, 0, BAYES_DIMENSIONS * sizeof *best);
    if (places <= s->options->candidates) {
        for (bool more = true; more;) { /* count through all */
            consider(s, place, best, most);
            size_t d = space->dimensions;
            more = false;
            while (d-- > 0 && !more) {
                place[d] = place[d] + 1 < space->sizes[d] ? place[d] + 1 : 0;
                more = place[d] != 0;
            }
        }
        return;
    }
    for (uint32_t i = 0; i < s->options->candidates && random_place(s, place); i++) {
        consider(s, place, best, most);
    }
    climb(s, best, most);
}

enum status bayes_minimise(const struct bayes_space *space, const struct bayes_options *options,
                           struct bayes_result *out, struct error *err)
{
    struct state s = {.space = space, .options = options, .result = out};
    double places = 1;
    *out = (struct bayes_result){.best = -1};
    s.random = gsl_rng_alloc(gsl_rng_mt19937);
    if (s.random == NULL) {
        return RAISE(err, ERR_MEMORY, "out of memory for random numbers");
    }
    gsl_rng_set(s.random, (unsigned long)options->seed);
    for (size_t d = 0; d < space->dimensions; d++) {
        places *= (double)space->sizes[d];
    }
    while (out->n < options->most && (double)out->n < places && err->code == STATUS_OK) {
        size_t place[BAYES_DIMENSIONS] = {0};
        if (out->n < options->initial) {
            bool fresh = false;
            for (int i = 0; i < 1000 && !fresh; i++) { /* a tiny space may be exhausted */
                fresh = random_place(&s, place) && !taken(&s, place);
            }
            if (!fresh) {
                break;
            }
        } else {
            double most = 0;
            if (fit(&s, err) != STATUS_OK) {
                break;
            }
            choose(&s, places, place, &most);
            if (most == -HUGE_VAL) {
                break; /* everything is measured */
            }
            if (options->stop > 0 && out->best >= 0 && out->n >= options->least &&
                most < options->stop) {
                out->stopped = true;
                break;
            }
        }
        measure(&s, place, err);
    }
    gsl_rng_free(s.random);
    return err->code;
}
