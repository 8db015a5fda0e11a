/* What a message of one row costs rank 0 under MPI, as in a sweep of simulations: seconds spent in
 * handing a point to a rank and in taking its row back, store not included. The points are of the
 * closed form, which is quick, so that messages are what is left.
 *
 *   mpirun --bind-to none -n 2 bench_messages
 *   mpirun --bind-to none --oversubscribe -n 32 bench_messages */
#include "bench/bench.h"
#include "sweep/remote.h"
#include "sweep/sweep.h"

#include <gsl/gsl_errno.h>

enum { ROUNDS = 5, ROWS = 20000, CHUNKS = 4096 };

/* Sends and receives ROWS points; microseconds of the calls that did something, each. */
static void exchange(struct remote *r, struct chunk *chunks, double *give_us, double *take_us,
                     struct error *err)
{
    struct chunk *spare[CHUNKS];
    size_t n_spare = 0;
    for (; n_spare < CHUNKS; n_spare++) {
        spare[n_spare] = &chunks[n_spare];
    }
    double gave_s = 0;
    double took_s = 0;
    for (uint64_t given = 0, taken = 0; taken < ROWS && err->code == STATUS_OK;) {
        while (given < ROWS && n_spare > 0) {
            struct chunk *c = spare[n_spare - 1];
            c->from = given;
            const double start_s = bench_wall_s();
            if (!remote_give(r, c)) {
                break;
            }
            gave_s += bench_wall_s() - start_s;
            n_spare--;
            given++;
        }
        const double start_s = bench_wall_s();
        struct chunk *c = remote_take(r, err);
        if (c != NULL) {
            took_s += bench_wall_s() - start_s;
            taken++;
            spare[n_spare++] = c;
            if (c->rows.n_records != 1) {
                RAISE(err, ERR_NUMERIC, "%u rows came back for one point", c->rows.n_records);
            }
        }
    }
    *give_us = 1e6 * gave_s / ROWS;
    *take_us = 1e6 * took_s / ROWS;
}

static void rank_0(uint64_t scenario, int ranks, struct error *err)
{
    struct remote *r = NULL;
    double give[ROUNDS];
    double take[ROUNDS];
    struct chunk *chunks = calloc(CHUNKS, sizeof *chunks);
    if (chunks == NULL || remote_open(scenario, &r, err) != STATUS_OK || r == NULL) {
        free(chunks);
        if (err->code == STATUS_OK) {
            RAISE(err, ERR_USAGE, "two ranks at least: mpirun -n 2 bench_messages");
        }
        return;
    }
    for (size_t i = 0; i < CHUNKS; i++) {
        chunks[i].span = 1;
        chunks[i].wanted[0] = 1;
    }
    for (int i = 0; i < ROUNDS && err->code == STATUS_OK; i++) {
        exchange(r, chunks, &give[i], &take[i], err);
    }
    remote_close(r);
    for (size_t i = 0; i < CHUNKS; i++) {
        batch_free(&chunks[i].rows);
    }
    free(chunks);
    if (err->code == STATUS_OK) {
        const double given = bench_median(give, ROUNDS);
        const double taken = bench_median(take, ROUNDS);
        printf("%3d ranks: a row given out in %.2f us (%.2f to %.2f), taken back in %.2f us (%.2f "
               "to %.2f), together %.2f us\n",
               ranks, given, give[0], give[ROUNDS - 1], taken, take[0], take[ROUNDS - 1],
               given + taken);
    }
}

int main(void)
{
    const struct scenario_options options = {.data_dir = FAASCAST_ROOT "/scenarios"};
    struct scenario s;
    struct sweep_options o = {.threads = 1, .remote = true};
    struct error err = {0};
    int rank = 0;
    int ranks = 1;
    gsl_set_error_handler_off();
    if (sweep_remote_begin(&rank, &ranks, &err) != STATUS_OK) {
        printf("%s\n", err.message);
        return 1;
    }
    if (scenario_load(FAASCAST_ROOT "/scenarios/metafaas/sweep-million.json", &options, &s, &err) ==
        STATUS_OK) {
        if (scenario_fingerprints(&s, &o.provenance.hashes, &err) == STATUS_OK) {
            if (rank == 0) {
                rank_0(o.provenance.hashes.scenario, ranks, &err);
            } else {
                sweep_remote_serve(&s, &o, &err);
            }
        }
        scenario_free(&s);
    }
    if (err.code != STATUS_OK) {
        char message[1200];
        error_format(&err, message, sizeof message);
        printf("%s\n", message);
    }
    sweep_remote_end();
    return err.code != STATUS_OK;
}
