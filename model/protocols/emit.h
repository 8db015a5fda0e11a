/* What protocol files share: the worker's life around a round, and three exchanges that several
 * papers use. Roles, ops and channels only: no time and no money is computed here. */
#ifndef MODEL_PROTOCOLS_EMIT_H
#define MODEL_PROTOCOLS_EMIT_H

#include "model/model.h"

uint32_t emit_workers_count(const struct config *c);
/* Value of option `index` as a count or a choice. */
uint32_t emit_option(const struct config *c, size_t index);

/* Opens a role of training workers: set-up loads the model (m + m0) and, unless units are read when
 * they are used or `streams` says that the protocol fetches its mini-batches itself, the worker's
 * share of the data set. `home` is the store that keeps the model between invocations. */
void emit_worker(struct program *p, const struct config *c, const char *name, uint32_t actors,
                 enum store_use home, bool streams);
/* Reads `units` tasks in all (one object each; a mini-batch is one object per actor) when the
 * workload says so, then computes one round. */
void emit_round(struct program *p, const struct config *c, double units);
/* The same with the mini-batch always fetched from the data store (Siren, Cirrus, MLLess). */
void emit_streamed_round(struct program *p, const struct config *c);
/* Closes the role: actor 0 saves the model before a re-invocation and at the end. */
void emit_save(struct program *p, const struct config *c, enum store_use home);

/* An uneven op of the current role: `total` over its actors (op_share). Nothing when total is 0. */
void emit_total(struct program *p, struct op op, uint32_t total);
/* LISTs one poll of `keys` keys takes on this store. */
uint32_t emit_pages(const struct config *c, enum store_use store, double keys);
/* A signal inside one process or the return of a call: no time, no request. */
void emit_signal(struct program *p, enum op_peer peer, uint16_t channel);

/* Phases every protocol has. */
uint16_t emit_phase_compute(struct program *p);
uint16_t emit_phase_wait(struct program *p);
uint16_t emit_phase_aggregate(struct program *p);

/* Phase names of a merge by one worker, in the words of the paper. */
struct merge_words {
    const char *upload, *collect, *publish, *read;
};
/* Merge by one worker over the exchange store (MetaFaaS section 6; LambdaML's AllReduce). */
void emit_merge_by_one(struct program *p, const struct config *c, const struct merge_words *words,
                       bool minimal);

/* Parameter server on HOST_SERVER, its link the network store: push, average, pull. Call between
 * emit_round and emit_save of the workers' role, then emit_server. `home` as in emit_worker. */
void emit_push_pull(struct program *p, const struct config *c);
void emit_server(struct program *p, const struct config *c, bool synchronous);

#endif
