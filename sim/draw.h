/* Drawing a configured quantity: every law of model.h, from one stream. */
#ifndef SIM_DRAW_H
#define SIM_DRAW_H

#include "model/model.h"
#include "sim/random.h"

/* One value of q. A constant takes nothing from the stream; every other law takes at least one
 * number. The per-run effect (run_sd) is not applied: see quantity_run_effect(). Laws:   as
 * documented at struct quantity; NORMAL is drawn again until it is not negative. */
double quantity_draw(const struct quantity *q, struct random_stream *r);

/* The factor by which all values of a run lie above or below: exp(run_sd z); 1 when run_sd is 0.
 * Its mean, exp(run_sd^2 / 2), is part of q->mean. */
double quantity_run_effect(const struct quantity *q, struct random_stream *r);

/* Lognormal noise of mean 1 and this coefficient of variation: exp(sigma z - sigma^2 / 2). */
struct noise {
    double mu, sigma;
};
struct noise noise_of_cv(double cv);
static inline double noise_draw(const struct noise *n, struct random_stream *r)
{
    return n->sigma > 0 ? random_lognormal(r, n->mu, n->sigma) : 1.0;
}

#endif
