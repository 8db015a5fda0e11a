/* plan --break-even: at which value of a number the best choice changes. */
#ifndef CLI_BREAK_EVEN_H
#define CLI_BREAK_EVEN_H

#include "cli/plan.h"

/* "/pointer" or "/pointer:low:high" of --break-even; the limits and the objective (NULL: the usual
 * one) are the plan's. Writes the answer. ERR_USAGE for what is no such text. */
enum status plan_break_even(const struct cli *cli, const char *asked,
                            const struct search_objective *objective,
                            const struct constraints *limits, struct error *err);

#endif
