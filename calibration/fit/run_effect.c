/* How much runs differ beyond what their own spread explains: one-way random effects on ln(value).
 *
 * The mean of a run's logs is m_j = location + u_j + noise, u_j ~ N(0, tau^2), noise variance
 * sigma^2 / n_j. With runs of many observations the variance of the m_j is tau^2 almost alone.
 */
#include "calibration/fit.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>

struct run {
    double mass, mean, square;
};

static enum status collect(const struct sample *s, const uint32_t *run, struct run *r,
                           struct error *err)
{
    for (size_t i = 0; i < s->n; i++) {
        if (!(s->value[i] > 0 && isfinite(s->value[i]))) {
            return RAISE(err, ERR_INPUT, "run effects need positive values; value %zu is %g", i + 1,
                         s->value[i]);
        }
        struct run *const g = &r[run[i]];
        const double w = s->weight != NULL ? s->weight[i] : 1;
        const double d = log(s->value[i]) - g->mean;
        g->mass += w;
        g->mean += d * w / g->mass;
        g->square += w * d * (log(s->value[i]) - g->mean);
    }
    return STATUS_OK;
}

enum status run_effect_fit(const struct sample *s, const uint32_t *run, size_t runs,
                           struct run_effect *out, double *adjusted, struct error *err)
{
    *out = (struct run_effect){.runs = runs, .sd.name = "run_sd"};
    if (runs < 2) {
        return RAISE(err, ERR_INPUT, "one run cannot tell how much runs differ");
    }
    struct run *const r = calloc(runs, sizeof *r);
    if (r == NULL) {
        return RAISE(err, ERR_MEMORY, "no memory for %zu runs", runs);
    }
    enum status code = collect(s, run, r, err);
    const double count = (double)runs;
    double square = 0, mass = 0, inverse = 0, between = 0;
    for (size_t j = 0; code == STATUS_OK && j < runs; j++) {
        if (!(r[j].mass > 0)) {
            code = RAISE(err, ERR_INPUT, "run %zu of %zu has no values", j + 1, runs);
            break;
        }
        out->location += r[j].mean / count;
        square += r[j].square;
        mass += r[j].mass;
        inverse += 1 / r[j].mass / count;
    }
    for (size_t j = 0; code == STATUS_OK && j < runs; j++) {
        const double d = r[j].mean - out->location;
        between += d * d;
    }
    if (code == STATUS_OK) {
        const double freedom = count - 1;
        const double within = mass > count ? square / (mass - count) : 0;
        const double noise = within * inverse;
        out->within_sd = sqrt(within);
        out->sd.value = sqrt(fmax(0, between / freedom - noise));
        out->sd.low = sqrt(fmax(0, between / gsl_cdf_chisq_Pinv(0.975, freedom) - noise));
        out->sd.high = sqrt(fmax(0, between / gsl_cdf_chisq_Pinv(0.025, freedom) - noise));
        out->sd.standard_error = sqrt(between / freedom) / sqrt(2 * freedom);
        out->sd.at_bound = out->sd.value <= 0;
        const double reach =
            gsl_cdf_tdist_Pinv(0.95, freedom) * sqrt(between / freedom * (1 + 1 / count));
        out->low = exp(-reach);
        out->high = exp(reach);
    }
    for (size_t i = 0; code == STATUS_OK && adjusted != NULL && i < s->n; i++) {
        adjusted[i] = s->value[i] / exp(r[run[i]].mean - out->location);
    }
    free(r);
    return code;
}
