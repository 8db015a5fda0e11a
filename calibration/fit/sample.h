/* Inner tools on samples: sorting, compressing, moments. */
#ifndef CALIBRATION_FIT_SAMPLE_H
#define CALIBRATION_FIT_SAMPLE_H

#include "calibration/fit.h"

/* An ascending, owned sample in which equal and crowded values have been joined. */
struct sorted {
    double *value, *weight; /* both always there */
    size_t n;
    double total; /* sum of weights */
};

/* In ascending order; finite values. */
void sort_numbers(double *value, size_t n);

/* Sort, join equal values and, beyond some twenty thousand, neighbours in the middle; the thousand
 * smallest and largest stay as they are. Keeps the mean; what it loses in likelihood is below the
 * width of its bins (1/16000 of the observations). */
enum status sorted_make(const struct sample *s, struct sorted *out, struct error *err);
void sorted_free(struct sorted *s);

/* Weighted mean, and sum of squares around it, of transform(value). */
struct moments {
    double mean, square_sum;
};
struct moments sorted_moments(const struct sorted *s, double (*transform)(double));
double sample_identity(double x);

/* Largest distance between the sample's distribution function and F. */
double sorted_ks(const struct sorted *s, double (*cdf)(const void *context, double x),
                 const void *context);

/* 95 % interval of the median of n ascending values, from their order: the order statistics on
 * either side of 95 %, interpolated (Hettmansperger and Sheather, Statistics and Probability
 * Letters 4, 1986), as whole order statistics hold 97 % of 21 values. NaN below six values. */
void median_interval(const double *sorted, size_t n, double *low, double *high);

#endif
