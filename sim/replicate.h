/* Replications of one plan, several at once, kept in their order: the answer is the same bytes
 * whatever the number of threads. Inner pair of simulate.c and compare.c. */
#ifndef SIM_REPLICATE_H
#define SIM_REPLICATE_H

#include "sim/run.h"
#include "sim/sim.h"

/* What is kept of one replication. */
struct replica {
    double time_s, cost_usd;
    struct tally tally;
    money by_kind[COST_KINDS];
    struct counters counters;
    double events, played_rounds, extended_rounds;
    struct extension extension;
    double extended_s; /* time of the rounds that were not played */
};

struct replicas {
    struct replica *list;
    size_t count, capacity;
};
void replicas_free(struct replicas *r);

/* One run per thread, over the same plan. */
struct crew {
    struct run *runs;
    uint32_t threads;
};
enum status crew_init(struct crew *crew, const struct plan *plan,
                      const struct simulation_options *options, struct error *err);
void crew_free(struct crew *crew);

/* Append replications until there are `upto`. When interrupted, those complete without a gap are
 * kept and ERR_INTERRUPTED is returned. */
enum status crew_replicate(struct crew *crew, struct replicas *r, size_t upto, struct error *err);

#endif
