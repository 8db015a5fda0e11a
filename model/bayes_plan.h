/* Door of a plan by Bayesian optimisation: what SMLT would have chosen, and what it would have paid
 * to find it, beside the exact answer of search.h. */
#ifndef MODEL_BAYES_PLAN_H
#define MODEL_BAYES_PLAN_H

#include "model/bayes.h"
#include "model/search.h"

struct bayes_run {
    struct search_point point; /* time and dollars of the whole run there, by the closed form */
    bool feasible;
    double profile_time_s, profile_cost_usd; /* of the rounds that were run to learn them */
};
struct bayes_plan {
    struct bayes_run runs[BAYES_MEASUREMENTS];
    size_t n;
    ptrdiff_t best; /* of the runs; -1: none is within the limits */
    bool stopped;
    double profile_time_s, profile_cost_usd; /* of all, one after the other */
};

/* Takes:  an open search. Expected improvement: every choice, number of workers and memory of the
 *         plan. Confidence bound: the repository's one dimension, 10 to 200 workers of the first
 *         choice (all, when the plan has none of these) at the scenario's own memory; no limits.
 * Model:  a measurement is the closed form of the whole run; it is billed as a run of `rounds`
 *         iterations, with its start-up, at the same place. What cannot run bills nothing.
 * Errors: those of evaluating; ERR_NUMERIC, ERR_MEMORY. */
enum status bayes_plan(const struct search *s, const struct search_objective *objective,
                       const struct constraints *limits, const struct bayes_options *options,
                       double rounds, struct bayes_plan *out, struct error *err);

#endif
