/* plan --strategy smlt-ei|smlt-ucb: what SMLT's optimiser finds, and what it pays to find it. */
#ifndef CLI_PLAN_SMLT_H
#define CLI_PLAN_SMLT_H

#include "cli/plan.h"

/* "smlt-ei" or "smlt-ucb"? */
bool plan_smlt_strategy(const char *strategy);
/* Takes:  a plan with its limits, objective and front.
 * Writes the measurements, the answer and the exact one. *met: it found something within the
 * limits. */
enum status plan_smlt(struct plan *p, const char *strategy, bool *met, struct error *err);

#endif
