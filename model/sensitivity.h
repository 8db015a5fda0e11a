/* Door of the sensitivity analysis: which uncertain inputs move time and dollars of one
 * configuration, one at a time and together, by the closed form. */
#ifndef MODEL_SENSITIVITY_H
#define MODEL_SENSITIVITY_H

#include "model/model.h"

enum { INPUT_LIMIT = 64, INPUT_PLACES = 6, SOBOL_INPUTS = 20 };

/* One uncertain input: a quantity with a distribution, or a number that was given a range. */
struct uncertain {
    char name[96];                         /* JSON pointer */
    struct quantity q;                     /* what it may be */
    bool number, whole;                    /* a plain number of the configuration; a count */
    size_t places[INPUT_PLACES], n_places; /* offsets in struct config */
    double low, high;                      /* 5th and 95th percentile */
    double time_low_s, time_high_s, cost_low_usd, cost_high_usd; /* there; NaN: infeasible */
    bool in_sobol;                                               /* Sobol indices were computed: */
    struct sobol {
        double first, first_lo, first_hi, total, total_lo, total_hi;
    } time, cost; /* share of the variance; 95 % intervals by bootstrap */
};

struct sensitivity {
    struct uncertain inputs[INPUT_LIMIT];
    size_t n_inputs, left_out;  /* left_out: from the Sobol indices, too many */
    double time_s, cost_usd;    /* every input at its mean */
    size_t samples, infeasible; /* rows of the design; those left out because a run is infeasible */
};

/* Value below which a share p of a quantity lies (0 < p < 1). With a random effect per run (run_sd)
 * it is the mean of one run: what is drawn anew within a run averages out, the effect does not. */
double quantity_quantile(const struct quantity *q, double p);

/* The inputs of a configuration that have a distribution; one that several keys share (latency_s of
 * a store, a store that holds the data too) is one input. */
void sensitivity_find(const struct config *c, struct sensitivity *out);
/* The numbers that were fitted with an interval (`low`, `high` of the catalogue's group "fits", 95
 * %) under the names the configuration uses, where it has not overruled them; normal, with that
 * interval. Parameters of distributions are no inputs of their own. */
void sensitivity_fitted(const struct scenario *s, uint64_t point, const struct config *c,
                        struct sensitivity *out);
/* One more: a number between low and high, each as likely. ERR_USAGE for what is no number. */
enum status sensitivity_vary(const struct config *c, const char *pointer, double low, double high,
                             struct sensitivity *out, struct error *err);
/* Model:  tornado: each input at its 5th and 95th percentile, the others at their means. Sobol
 *         indices: two quasi-random matrices (Sobol points, shifted at random by the seed), first
 *         order after Saltelli et al. (Comput. Phys. Commun. 181, 2010), total after Jansen (1999),
 *         intervals by bootstrap over the rows. Inputs are independent, and constant within a run:
 *         what is varied is the value, not its noise.
 * Takes:  c not finished; inputs found before. samples 0: tornado only.
 * Errors: those of evaluating c itself; ERR_MEMORY. */
enum status sensitivity_run(const struct config *c, size_t samples, uint64_t seed,
                            struct sensitivity *out, struct error *err);

#endif
