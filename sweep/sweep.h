/* Door of the sweep room: every point of a scenario by one engine or both, over threads or
 * machines, kept in a result store that survives a kill; and what such stores hold.
 */
#ifndef SWEEP_SWEEP_H
#define SWEEP_SWEEP_H

#include "model/model.h"

/* Where results come from, told with every one of them. Texts are borrowed. */
struct provenance {
    const char *version, *commit, *command, *host, *scenario_path, *scenario_name;
    struct fingerprints hashes;
    uint64_t points; /* of the whole sweep */
    uint32_t shard, shards;
    bool predict, simulate;    /* engines */
    struct constraints limits; /* of the first point; 0 = none */
    double confidence;         /* of the intervals, 0 to 1 */
};

struct sweep_counts {
    int64_t run;       /* its number in the store */
    uint64_t points;   /* of this shard, all engines */
    uint64_t kept;     /* were in the store already */
    uint64_t reused;   /* taken over from another sweep: the same configuration */
    uint64_t computed; /* now */
    uint64_t skipped;  /* by a skip condition */
    uint64_t failed;   /* could not be evaluated; tried again by the next run */
};

struct sweep_options {
    const char *store; /* path */
    struct provenance provenance;
    uint32_t threads;
    bool fail_fast; /* stop at the first point that cannot be evaluated */
    bool remote;    /* this is rank 0 under MPI: give chunks to the others too */
    bool (*interrupted)(void);
    void (*progress)(const struct sweep_counts *n, void *context); /* often; may be NULL */
    void *context;
};

/* Compute what the store does not hold yet.
 *
 * Gives:  *out, also when an error is returned: rows counted as computed are in the store.
 * Errors: the first failed point's (by number), with its place; ERR_IO for the store;
 *         ERR_INTERRUPTED. */
enum status sweep_run(const struct scenario *s, const struct sweep_options *options,
                      struct sweep_counts *out, struct error *err);

/* Under MPI (mpirun, srun): which rank of how many. ERR_USAGE in a build without MPI. Every rank
 * loads the scenario; rank 0 calls sweep_run, all others sweep_remote_serve, with a NULL scenario
 * when it could not be loaded; all end with sweep_remote_end. */
enum status sweep_remote_begin(int *rank, int *ranks, struct error *err);
enum status sweep_remote_serve(const struct scenario *s, const struct sweep_options *options,
                               struct error *err);
void sweep_remote_end(void);

/* What is to be done, and a measured guess of how long it takes with `threads`. */
struct sweep_estimate {
    struct sweep_counts counts; /* points, kept: in the store already */
    double point_s[2];          /* predict, simulate: seconds per point, storing included */
    uint64_t sampled[2], kept[2];
    double time_s; /* of the points that are not stored */
};
enum status sweep_estimate(const struct scenario *s, const struct sweep_options *options,
                           struct sweep_estimate *out, struct error *err);

/* ---------------------------------------------------------------- reading stores */

struct stored_run {
    int64_t run;
    char scenario[17]; /* hash, hexadecimal */
    char prices[17], profile[17];
    char *started, *ended, *name, *path, *command, *host, *version, *commit, *engines;
    double seed;
    struct constraints limits;            /* 0 = none, or a store of an older version */
    double confidence;                    /* of the intervals; NaN = an older version */
    uint64_t points, shard, shards, rows; /* rows: of this sweep in the store (sweep_runs) */
    struct sweep_counts counts;
    bool finished;
};
struct stored_runs {
    struct arena arena;
    struct stored_run *runs;
    size_t count;
};
/* Every run of a store, oldest first. ERR_IO, ERR_INPUT when the file is no result store. */
enum status sweep_runs(const char *path, struct stored_runs *out, struct error *err);
void sweep_runs_free(struct stored_runs *r);

/* Rows of one sweep in the order of their points, predicted before simulated, each once, from one
 * store or several (shards). run 0: the latest of the first store; others: by number there. */
struct row_reader;
enum status row_reader_open(const char *const *paths, size_t n_paths, int64_t run,
                            struct row_reader **out, struct error *err);
/* Texts of the row are borrowed until the reader is closed, its status until the next call. */
enum status row_reader_next(struct row_reader *r, struct row *row, bool *more, struct error *err);
/* The run whose sweep is read. */
const struct stored_run *row_reader_run(const struct row_reader *r);
void row_reader_close(struct row_reader *r);
/* Does a file begin like an SQLite file? */
bool is_result_store(const char *path);
/* Copy the rows into another store, with the run they are from. */
enum status row_reader_copy(struct row_reader *r, const char *path, const struct expression *where,
                            uint64_t *rows, struct error *err);

#endif
