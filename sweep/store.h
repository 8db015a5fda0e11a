/* Inner header: the result store, an SQLite file (SQLite: transactions that survive a kill, many
 * readers beside a writer, a file that people can open with other programs).
 *
 *     series  one sweep by one engine: hash of the scenario, engine, seed, version of the program
 *     result  one row per (series, point); id = series * 2^32 + point, so that a sweep appends
 *     label   the words rows have in common
 *     run     one call of `faascast sweep`: its provenance and what it computed
 *     limits  deadline, budget and confidence of a run; stores of older versions lack it
 */
#ifndef SWEEP_STORE_H
#define SWEEP_STORE_H

#include "sweep/record.h"
#include "sweep/sweep.h"

struct result_store;

enum store_mode { STORE_READ, STORE_WRITE };
enum status store_open(const char *path, enum store_mode mode, struct result_store **out,
                       struct error *err);
/* Flushes the log into the file. Accepts NULL. */
void store_close(struct result_store *s);

/* The series of this sweep, made when it is new. */
enum status store_series(struct result_store *s, const struct provenance *p, const char *engine,
                         int64_t *out, struct error *err);
/* The same, when it is there; for a store that is only read. */
enum status store_find_series(struct result_store *s, const struct provenance *p,
                              const char *engine, bool *found, int64_t *out, struct error *err);
/* Identities of the rows of [from, from + span) that are there: present[i] and identity[i]. */
enum status store_present(struct result_store *s, int64_t series, uint64_t from, uint32_t span,
                          unsigned char *present, uint64_t *identity, struct error *err);
enum status store_begin(struct result_store *s, struct error *err);
enum status store_commit(struct result_store *s, struct error *err);
void store_rollback(struct result_store *s);
/* Rows of a batch; a row that is there already is replaced. Inside a transaction. */
enum status store_insert(struct result_store *s, int64_t series, const struct batch *b,
                         struct error *err);
/* Remember which results of other sweeps by the same engine, seed and program could serve this one;
 * *any tells whether there are some. */
enum status store_remember(struct result_store *s, int64_t series, bool *any, struct error *err);
/* Take a remembered result over as `point`; *found is false when there is none. Its own
 * transaction is the caller's. */
enum status store_reuse(struct result_store *s, int64_t series, uint64_t point, uint64_t identity,
                        const char *scenario, bool *found, struct error *err);
enum status store_run_begin(struct result_store *s, const struct provenance *p, int64_t *run,
                            struct error *err);
enum status store_run_end(struct result_store *s, int64_t run, const struct sweep_counts *n,
                          struct error *err);

/* The handle, for the readers of sweep/read.c; what an error of SQLite means, in words. */
struct sqlite3 *store_handle(struct result_store *s);
enum status store_raise(struct result_store *s, const char *doing, struct error *err);

#endif
