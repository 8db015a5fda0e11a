/* A plan: what was asked, what was found. cmd_plan.c finds it, plan_text.c tells it. */
#ifndef CLI_PLAN_H
#define CLI_PLAN_H

#include "cli/cli.h"
#include "model/search.h"
#include "sim/sim.h"

enum { RIVALS = 8 };

struct plan {
    const struct cli *cli;
    struct scenario scenario;
    struct search search;
    struct constraints limits;
    struct search_objective objective;
    double confidence; /* of meeting the limits */
    bool simulated;    /* rivals were simulated */
    struct search_front front;
    double evaluations;
    ptrdiff_t best;    /* of the front, by the closed form; -1 = nothing within the limits */
    ptrdiff_t nearest; /* then this misses them least; -1 = nothing is feasible */
    /* The best memory of the best numbers of workers and choices. */
    struct search_point rivals[RIVALS];
    size_t n_rivals;
    struct contender contenders[RIVALS]; /* simulated, the best first; number: of the rival */
    size_t n_contenders;
    bool sure; /* the best one meets the limits with the confidence asked for */
    struct search_point chosen;
    struct row row;         /* of the chosen one, closed form, with its baseline */
    struct ledger ledger;   /* its bill */
    struct text provenance; /* one JSON object */
};

/* "8 workers of 3008 MiB" and what tells its choice from others. */
void text_plan_point(struct text *out, const struct search *search,
                     const struct search_point *point);
/* The choice alone: "metafaas (literal), s3-standard-2022"; empty when there is one only. */
void text_plan_choice(struct text *out, const struct search *search, size_t choice);
/* "<= 4 h 33 min, 22.48 USD": the sign where the time is only an upper bound. */
void text_plan_values(struct text *out, const struct search_point *point);
/* What the sign means, as every table has it. */
#define PLAN_BOUND_WORDS "<= is an upper bound; faascast simulate says how much less.\n"
/* "cheapest", "fastest", "least time times dollars": what is sought, after "the". */
const char *plan_goal_words(const struct search_objective *o);
/* ", "key": 1.5" of a JSON object; null for what is not finite. */
void text_plan_member(struct text *out, const char *key, double value);
/* Everything for people. */
void text_plan(struct text *out, const struct plan *p);
/* {"answer", "rivals", "prices of time", "rows"}: rows are the front. */
enum status text_plan_json(struct text *out, struct plan *p, struct error *err);
/* The front as rows. */
enum status text_plan_csv(struct text *out, struct plan *p, struct error *err);

#endif
