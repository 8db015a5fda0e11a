/* What every least-squares fit shares once its parameters stand: intervals and ambiguities. */
#ifndef CALIBRATION_FIT_LEAST_SQUARES_H
#define CALIBRATION_FIT_LEAST_SQUARES_H

#include "calibration/fit.h"

struct ls_state {
    size_t n, p;
    const double *residual;                      /* n */
    const double *jacobian;                      /* n x p, d residual / d theta, row major */
    const double *theta, *lower, *upper, *scale; /* p; scale: size of a change that matters */
    const bool *at_bound;
    const char *const *names;
    enum ls_loss loss;
    size_t rows;   /* that the n stand for; 0: n */
    double within; /* squares within those joined */
};

/* Fill sigma, covariance, intervals, ambiguities of *out (names and values included). */
enum status ls_conclude(const struct ls_state *s, struct ls_result *out, struct error *err);

/* Median absolute residual / 0.6745, at least `least`: a robust standard deviation. */
enum status robust_sigma(const double *residual, size_t n, double least, double *sigma,
                         struct error *err);
double loss_weight(enum ls_loss loss, double r);

#endif
