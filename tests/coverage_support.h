/* Fits of simulated data: how often the intervals hold the truth. */
#ifndef TESTS_COVERAGE_SUPPORT_H
#define TESTS_COVERAGE_SUPPORT_H

#include "calibration/calibration.h"
#include "tests/support.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <stdlib.h>
#include <string.h>

enum { SEEDS = 400, FEW_SEEDS = 200 }; /* few where a fit takes milliseconds */

/* Counts over SEEDS data sets how often each interval held the truth. */
struct coverage {
    const char *what;
    size_t seeds; /* 0: SEEDS */
    size_t parameters;
    const char *name[LS_PARAMETERS];
    size_t held[LS_PARAMETERS], known[LS_PARAMETERS];
};

static inline void cover(struct coverage *c, size_t k, const struct estimate *e, double truth)
{
    c->known[k]++;
    c->name[k] = e->name != NULL ? e->name : "";
    c->held[k] += e->low <= truth && truth <= e->high ? 1 : 0;
    c->parameters = k + 1 > c->parameters ? k + 1 : c->parameters;
}

/* 95 +- 3 % over all intervals of the fit; none of them below 90 %. */
static inline void assert_covered(const struct coverage *c)
{
    size_t held = 0, known = 0;
    const size_t seeds = c->seeds > 0 ? c->seeds : SEEDS;
    for (size_t k = 0; k < c->parameters; k++) {
        held += c->held[k];
        known += c->known[k];
        const double share = (double)c->held[k] / (double)c->known[k];
        print_message("  %s, %s: %.1f %% of %zu\n", c->what, c->name[k], 100 * share, c->known[k]);
        if (c->known[k] != seeds || share < 0.90) {
            fail_msg("%s: interval %zu holds the truth in %.1f %% of %zu seeds", c->what, k,
                     100 * share, c->known[k]);
        }
    }
    const double share = (double)held / (double)known;
    if (share < 0.92 || share > 0.98) {
        fail_msg("%s: intervals hold the truth in %.1f %% of the cases", c->what, 100 * share);
    }
}

static inline gsl_rng *random_new(unsigned long seed)
{
    gsl_rng *const r = gsl_rng_alloc(gsl_rng_mt19937);
    gsl_rng_set(r, seed);
    return r;
}

#endif
