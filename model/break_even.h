/* Door of the break-even search: the value of one number at which another choice becomes best. */
#ifndef MODEL_BREAK_EVEN_H
#define MODEL_BREAK_EVEN_H

#include "model/search.h"

/* What competes: the choices of the plan (systems, stores, machines, ...), each with its best
 * number of workers and memory; where there is one choice only, the numbers of workers. */
struct break_even_question {
    const char *path;                /* the scenario */
    struct scenario_options options; /* its sets hold; `plan` is implied */
    const char *pointer;             /* of the number */
    double low, high;                /* NaN: a hundredth and a hundred times its present value */
    const struct search_objective *objective; /* NULL: search_usual of the limits */
    struct constraints limits;                /* 0: the scenario's own */
    uint32_t steps;                           /* looks at the range before roots are sought */
    void (*progress)(double done, double all, void *context); /* or NULL */
    void *context;
};

/* The scenario with the number set to x, ready to be searched. */
struct break_even_look {
    struct scenario scenario;
    struct search search;
    struct constraints limits;
    struct search_objective objective;
    const char *sets[64];
    char set[192];
};

enum { BREAK_EVEN_LIMIT = 64 };

struct break_even {
    double now, low, high; /* now: NaN when the scenario does not say the number */
    bool logarithmic;      /* looks are evenly spread over the logarithm */
    bool whole;            /* the number counts something */
    bool by_choice;        /* choices compete; else numbers of workers */
    uint32_t steps;
    double evaluations; /* values looked at */
    struct constraints limits;
    struct search_objective objective;
    struct {
        double value; /* whole: the first for which `after` is best */
        /* Best points there of the choice below and above the value; missing: none is within the
         * limits. */
        struct search_point before, after;
        bool has_before, has_after;
        bool jump; /* the objectives are not equal there: a limit, a step, or a whole number */
    } changes[BREAK_EVEN_LIMIT];
    size_t n_changes;
    bool more; /* there are more than the limit */
    /* The best at both ends; missing: none is within the limits. */
    struct search_point first, last;
    bool has_first, has_last;
};

/* Model:  looks at steps + 1 values, evenly spread over the logarithm (over the value when low is
 *         not positive); between two that have different winners Brent's method (GSL) finds where
 *         the objectives of the two are equal; a third that is better there divides the interval.
 *         Where one of them is not within the limits, or the number counts something, the change
 *         is found by bisection. Two changes that undo each other between two looks are not seen.
 * Errors: those of the scenario, placed; ERR_USAGE for what is no number, is searched by the plan
 *         itself, or has an empty range. */
enum status break_even_find(const struct break_even_question *q, struct break_even *out,
                            struct error *err);
enum status break_even_open(const struct break_even_question *q, double x,
                            struct break_even_look *look, struct error *err);
void break_even_close(struct break_even_look *look);

#endif
