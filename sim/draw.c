/* Drawing a configured quantity. Inversion where the inverse is simple, so that larger parameters
 * give larger values from the same stream (common random numbers); GSL for the gamma law. */
#include "sim/draw.h"

#include <gsl/gsl_randist.h>

enum { COMPONENT_NUMBERS = 5 }; /* of a mixture: weight, kind, three parameters */

static double draw_normal(double mean, double sd, struct random_stream *r)
{
    double x;
    do {
        x = mean + sd * random_normal(r);
    } while (x < 0.0 && mean >= 0.0);
    return x;
}

static double draw_triangular(double low, double mode, double high, struct random_stream *r)
{
    const double u = random_uniform(r), width = high - low;
    if (u * width < mode - low) {
        return low + sqrt(u * width * (mode - low));
    }
    return high - sqrt((1.0 - u) * width * (high - mode));
}

static double draw_empirical(const double *quantiles, uint32_t count, struct random_stream *r)
{
    const double x = random_uniform(r) * (double)(count - 1);
    const uint32_t i = (uint32_t)x;
    return quantiles[i] + (x - (double)i) * (quantiles[i + 1] - quantiles[i]);
}

static double draw_law(enum distribution_kind kind, const double p[3], struct random_stream *r)
{
    switch (kind) {
    case DISTRIBUTION_NORMAL:
        return draw_normal(p[0], p[1], r);
    case DISTRIBUTION_LOGNORMAL:
        return random_lognormal(r, p[0], p[1]);
    case DISTRIBUTION_SHIFTED_LOGNORMAL:
        return p[0] + random_lognormal(r, p[1], p[2]);
    case DISTRIBUTION_GAMMA: {
        const gsl_rng rng = random_gsl(r);
        return gsl_ran_gamma(&rng, p[0], p[1]);
    }
    case DISTRIBUTION_WEIBULL:
        return p[0] * pow(random_exponential(r), 1.0 / p[1]);
    case DISTRIBUTION_EXPONENTIAL:
        return p[0] * random_exponential(r);
    case DISTRIBUTION_UNIFORM:
        return p[0] + (p[1] - p[0]) * random_uniform(r);
    case DISTRIBUTION_TRIANGULAR:
        return draw_triangular(p[0], p[1], p[2], r);
    default: /* a constant component of a mixture */
        return p[0];
    }
}

static double draw_mixture(const struct quantity *q, struct random_stream *r)
{
    double u = random_uniform(r);
    uint32_t i = 0;
    while (i + 1 < q->count && u >= q->table[i * COMPONENT_NUMBERS]) {
        u -= q->table[i++ * COMPONENT_NUMBERS];
    }
    const double *const component = q->table + i * COMPONENT_NUMBERS;
    return draw_law((enum distribution_kind)component[1], component + 2, r);
}

double quantity_draw(const struct quantity *q, struct random_stream *r)
{
    if (q->kind == DISTRIBUTION_CONSTANT) {
        return q->p[0];
    }
    switch (q->kind) {
    case DISTRIBUTION_EMPIRICAL:
        return draw_empirical(q->table, q->count, r);
    case DISTRIBUTION_MIXTURE:
        return draw_mixture(q, r);
    default:
        return draw_law(q->kind, q->p, r);
    }
}

double quantity_run_effect(const struct quantity *q, struct random_stream *r)
{
    return q->run_sd > 0.0 ? random_lognormal(r, 0.0, q->run_sd) : 1.0;
}

struct noise noise_of_cv(double cv)
{
    const double variance = log1p(cv * cv);
    return (struct noise){-0.5 * variance, sqrt(variance)};
}
