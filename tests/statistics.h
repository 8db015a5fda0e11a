/* Statistics shared by the tests of the simulator: confidence intervals and Erlang's formulas. */
#ifndef TESTS_STATISTICS_H
#define TESTS_STATISTICS_H

#include <gsl/gsl_cdf.h>

#include "tests/support.h"

/* Mean and half width of the Student-t interval of n independent observations. */
static inline void student_interval(const double *x, size_t n, double confidence, double *mean,
                                    double *half)
{
    double sum = 0.0, squares = 0.0;
    for (size_t i = 0; i < n; ++i) {
        sum += x[i];
    }
    *mean = sum / (double)n;
    for (size_t i = 0; i < n; ++i) {
        squares += (x[i] - *mean) * (x[i] - *mean);
    }
    const double sd = sqrt(squares / (double)(n - 1));
    *half = gsl_cdf_tdist_Pinv(0.5 + 0.5 * confidence, (double)(n - 1)) * sd / sqrt((double)n);
}

#define assert_in_interval(x, n, theory, confidence)                                               \
    assert_in_interval_at((x), (n), (theory), (confidence), #theory, __FILE__, __LINE__)

static inline void assert_in_interval_at(const double *x, size_t n, double theory,
                                         double confidence, const char *what, const char *file,
                                         int line)
{
    double mean, half;
    student_interval(x, n, confidence, &mean, &half);
    if (!(fabs(mean - theory) <= half)) {
        print_error("%s is %g, outside %g +- %g of %zu replications\n", what, theory, mean, half,
                    n);
        _fail(file, line);
    }
}

/* Erlang's loss formula B(c, a) by its recursion, and the probability of waiting C(c, a). */
static inline double erlang_b(unsigned servers, double load)
{
    double b = 1.0;
    for (unsigned c = 1; c <= servers; ++c) {
        b = load * b / ((double)c + load * b);
    }
    return b;
}

static inline double erlang_c(unsigned servers, double load)
{
    const double b = erlang_b(servers, load), m = (double)servers;
    return m * b / (m - load * (1.0 - b));
}

#endif
