/* One process owns the store and hands out chunks to threads and ranks; finished ones are written
 * together, a transaction every half second or 16384 rows, so that a kill loses that much at most
 * and other processes find the store free most of the time. */
#include "sweep/remote.h"
#include "sweep/store.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { FLUSH_ROWS = 16384 };
static const double flush_s = 0.5;

struct clerk {
    const struct scenario *scenario;
    const struct sweep_options *options;
    struct result_store *store;
    struct team *team;
    struct remote *remote;
    struct lane *lanes;
    struct lane check;          /* identities of what is stored already */
    struct chunk *spare, *held; /* held: found nobody with room */
    struct chunk **pending;     /* done, not yet stored */
    size_t n_pending, pending_room;
    size_t pending_rows, at_work, at_work_here;
    double pending_since_s;
    double chunk_s; /* what the last chunk computed here took */
    int64_t series;
    bool simulate, reuse, stop;
    uint64_t next; /* point */
    struct sweep_counts *counts;
    uint64_t failed_at; /* of the first failure */
    struct error failure;
};

static void work(void *context, unsigned lane, struct team_task *task)
{
    struct clerk *k = context;
    lane_compute(&k->lanes[lane], (struct chunk *)task);
}

static struct chunk *next_of(const struct chunk *c)
{
    return (struct chunk *)c->task.next;
}

static void push(struct chunk **list, struct chunk *c)
{
    c->task.next = (struct team_task *)*list;
    *list = c;
}

static struct chunk *pop(struct chunk **list)
{
    struct chunk *c = *list;
    if (c != NULL) {
        *list = next_of(c);
    }
    return c;
}

static int by_point(const void *pa, const void *pb)
{
    const struct chunk *a = *(struct chunk *const *)pa, *b = *(struct chunk *const *)pb;
    return a->from < b->from ? -1 : a->from > b->from;
}

static void free_list(struct chunk *list)
{
    for (struct chunk *c; (c = pop(&list)) != NULL;) {
        batch_free(&c->rows);
        free(c);
    }
}

/* ---------------------------------------------------------------- what a chunk still needs */

static bool in_shard(const struct provenance *p, uint64_t point)
{
    return p->shards <= 1 || point % p->shards == p->shard - 1;
}

/* Takes off what the store holds (with the same inputs: the identity says so) or can take over. */
static enum status settle(struct clerk *k, struct chunk *c, uint32_t *left, struct error *err)
{
    unsigned char present[CHUNK_SPAN];
    uint64_t identity[CHUNK_SPAN];
    bool begun = false;
    *left = 0;
    if (store_present(k->store, k->series, c->from, c->span, present, identity, err) != STATUS_OK) {
        return err->code;
    }
    for (uint32_t i = 0; i < c->span && err->code == STATUS_OK; i++) {
        struct error unusable = {0}; /* told by whoever computes the point */
        bool skipped = false;
        bool found = false;
        if (c->wanted[i] == 0) {
            continue;
        }
        k->counts->points++;
        if ((present[i] != 0 || k->reuse) &&
            cursor_seek(&k->check.cursor, c->from + i, &skipped, &unusable) == STATUS_OK &&
            !skipped) {
            const uint64_t now = cursor_identity(&k->check.cursor, k->simulate);
            if (present[i] != 0 && identity[i] == now) {
                k->counts->kept++;
                c->wanted[i] = 0;
            } else if (k->reuse) {
                if (!begun && store_begin(k->store, err) != STATUS_OK) {
                    break;
                }
                begun = true;
                store_reuse(k->store, k->series, c->from + i, now, k->check.cursor.config.name,
                            &found, err);
                k->counts->reused += found;
                c->wanted[i] = !found;
            }
        }
        *left += c->wanted[i];
    }
    if (begun && err->code == STATUS_OK) {
        store_commit(k->store, err);
    }
    return err->code;
}

/* The next chunk with something to do; NULL at the end. */
static struct chunk *next_chunk(struct clerk *k, struct error *err)
{
    const struct provenance *p = &k->options->provenance;
    struct chunk *c = pop(&k->spare);
    if (c == NULL) {
        c = calloc(1, sizeof *c);
    }
    if (c == NULL) {
        RAISE(err, ERR_MEMORY, "out of memory for a sweep");
        return NULL;
    }
    while (k->next < k->scenario->points && err->code == STATUS_OK) {
        const uint64_t most = k->simulate ? 1 : CHUNK_SPAN; /* simulations differ in length */
        const uint64_t rest = k->scenario->points - k->next;
        uint32_t left = 0;
        c->simulate = k->simulate;
        c->from = k->next;
        c->span = (uint32_t)(rest < most ? rest : most);
        k->next += c->span;
        bool any = false;
        for (uint32_t i = 0; i < c->span; i++) {
            c->wanted[i] = in_shard(p, c->from + i);
            any = any || c->wanted[i] != 0;
        }
        if (any && settle(k, c, &left, err) == STATUS_OK && left > 0) {
            return c;
        }
        if (k->options->interrupted != NULL && k->options->interrupted()) {
            break; /* the caller asks again, and stops */
        }
    }
    push(&k->spare, c);
    return NULL;
}

/* ---------------------------------------------------------------- rows into the store */

static enum status flush(struct clerk *k, struct error *err)
{
    uint64_t rows = 0;
    if (k->n_pending == 0 || store_begin(k->store, err) != STATUS_OK) {
        return err->code;
    }
    /* Rows that come in the order of their points are appended to the store, which is quicker. */
    qsort(k->pending, k->n_pending, sizeof *k->pending, by_point);
    for (size_t i = 0; i < k->n_pending && err->code == STATUS_OK; i++) {
        store_insert(k->store, k->series, &k->pending[i]->rows, err);
        rows += k->pending[i]->rows.n_records;
    }
    if (err->code == STATUS_OK && store_commit(k->store, err) == STATUS_OK) {
        k->counts->computed += rows;
    } else {
        store_rollback(k->store);
    }
    while (k->n_pending > 0) {
        push(&k->spare, k->pending[--k->n_pending]);
    }
    k->pending_rows = 0;
    return err->code;
}

static enum status keep(struct clerk *k, struct chunk *c, struct error *err)
{
    if (k->n_pending == k->pending_room) {
        const size_t room = k->pending_room > 0 ? 2 * k->pending_room : 64;
        struct chunk **more = realloc(k->pending, room * sizeof *more);
        if (more == NULL) {
            push(&k->spare, c);
            return RAISE(err, ERR_MEMORY, "out of memory for a sweep");
        }
        k->pending = more;
        k->pending_room = room;
    }
    k->counts->skipped += c->skipped;
    k->counts->failed += c->failed;
    if (c->failed > 0) {
        if (k->failure.code == STATUS_OK || c->failed_at < k->failed_at) {
            k->failure = c->err;
            k->failed_at = c->failed_at;
        }
        k->stop = k->stop || k->options->fail_fast;
    }
    if (k->n_pending == 0) {
        k->pending_since_s = monotonic_s();
    }
    k->pending_rows += c->rows.n_records;
    k->pending[k->n_pending++] = c;
    return STATUS_OK;
}

/* Chunks to whoever has room: two each and what is done while the clerk writes a batch of rows, so
 * that nobody waits for it. */
static void hand_out(struct clerk *k, struct error *err)
{
    const double ahead = k->options->threads > 1 ? sweep_ahead(k->chunk_s) : 0;
    const size_t here = (2 + (size_t)ahead) * k->options->threads;
    while (k->held != NULL || (k->held = next_chunk(k, err)) != NULL) {
        if (k->remote != NULL && remote_give(k->remote, k->held)) {
            k->at_work++;
        } else if (k->at_work_here < here) {
            k->at_work++;
            k->at_work_here++;
            team_give(k->team, &k->held->task);
        } else {
            return;
        }
        k->held = NULL;
    }
}

static struct chunk *finished(struct clerk *k, struct error *err)
{
    struct chunk *c = (struct chunk *)team_take(k->team, 0);
    if (c == NULL && k->remote != NULL && (c = remote_take(k->remote, err)) != NULL) {
        k->at_work--;
        return c;
    }
    if (c == NULL && (k->simulate || !team_help(k->team))) {
        /* Other ranks are asked between: often where chunks are short. */
        const double wait_s = fmax(0.0002, fmin(0.01, 0.05 * k->chunk_s));
        c = (struct chunk *)team_take(k->team, k->remote != NULL ? wait_s : 0.1);
        if (c == NULL && k->remote != NULL && k->at_work_here == 0) {
            nanosleep(&(struct timespec){.tv_nsec = 20000}, NULL);
        }
    }
    if (c != NULL) {
        k->at_work--;
        k->at_work_here--;
        k->chunk_s = c->took_s;
    }
    return c;
}

static enum status one_engine(struct clerk *k, struct error *err)
{
    const struct sweep_options *o = k->options;
    const struct team_options team = {
        .lanes = o->threads, .caller_helps = !k->simulate, .work = work, .context = k};
    double told_s = 0;
    bool interrupted = false;
    k->next = 0;
    if (store_begin(k->store, err) != STATUS_OK ||
        store_series(k->store, &o->provenance, k->simulate ? "simulate" : "predict", &k->series,
                     err) != STATUS_OK ||
        store_commit(k->store, err) != STATUS_OK ||
        store_remember(k->store, k->series, &k->reuse, err) != STATUS_OK ||
        team_start(&team, &k->team, err) != STATUS_OK) {
        store_rollback(k->store);
        return err->code;
    }
    for (;;) {
        interrupted = interrupted || (o->interrupted != NULL && o->interrupted());
        if (!k->stop && !interrupted && err->code == STATUS_OK) {
            hand_out(k, err);
        }
        if (k->at_work == 0) {
            break;
        }
        struct chunk *c = finished(k, err);
        if (c != NULL) {
            keep(k, c, err);
        }
        if (err->code == STATUS_OK && k->n_pending > 0 &&
            (k->pending_rows >= FLUSH_ROWS || monotonic_s() - k->pending_since_s >= flush_s)) {
            flush(k, err);
        }
        if (o->progress != NULL && monotonic_s() - told_s >= 0.2) {
            told_s = monotonic_s();
            o->progress(k->counts, o->context);
        }
    }
    if (err->code == STATUS_OK) {
        flush(k, err);
    }
    team_stop(k->team);
    k->team = NULL;
    if (k->held != NULL) {
        push(&k->spare, k->held);
        k->held = NULL;
    }
    return interrupted ? RAISE(err, ERR_INTERRUPTED,
                               "interrupted; %llu results are stored, the same command goes on "
                               "from there",
                               (unsigned long long)(k->counts->computed + k->counts->kept))
                       : err->code;
}

static enum status start_lanes(struct clerk *k, struct error *err)
{
    const struct sweep_options *o = k->options;
    k->lanes = calloc(o->threads, sizeof *k->lanes);
    if (k->lanes == NULL) {
        return RAISE(err, ERR_MEMORY, "out of memory for %u threads", o->threads);
    }
    for (uint32_t i = 0; i < o->threads && err->code == STATUS_OK; i++) {
        lane_init(&k->lanes[i], k->scenario, o, err);
    }
    return err->code == STATUS_OK ? lane_init(&k->check, k->scenario, o, err) : err->code;
}

enum status sweep_run(const struct scenario *s, const struct sweep_options *o,
                      struct sweep_counts *out, struct error *err)
{
    struct clerk k = {.scenario = s, .options = o, .counts = out};
    *out = (struct sweep_counts){0};
    if (o->remote && remote_open(o->provenance.hashes.scenario, &k.remote, err) != STATUS_OK) {
        return err->code;
    }
    if (start_lanes(&k, err) == STATUS_OK &&
        store_open(o->store, STORE_WRITE, &k.store, err) == STATUS_OK &&
        store_run_begin(k.store, &o->provenance, &out->run, err) == STATUS_OK) {
        for (int i = 0; i < 2 && err->code == STATUS_OK && !k.stop; i++) {
            k.simulate = i == 1;
            if (k.simulate ? o->provenance.simulate : o->provenance.predict) {
                one_engine(&k, err);
            }
        }
        struct error ignored = {0}; /* of a store that is full: the first error is told */
        store_run_end(k.store, out->run, out, &ignored);
    }
    remote_close(k.remote);
    store_close(k.store);
    for (uint32_t i = 0; k.lanes != NULL && i < o->threads; i++) {
        lane_free(&k.lanes[i]);
    }
    lane_free(&k.check);
    free(k.lanes);
    for (size_t i = 0; i < k.n_pending; i++) {
        push(&k.spare, k.pending[i]);
    }
    free(k.pending);
    free_list(k.spare);
    if (err->code == STATUS_OK && k.failure.code != STATUS_OK) {
        *err = k.failure;
    }
    return err->code;
}

/* ---------------------------------------------------------------- how long would it take */

/* How many points of the sweep the store holds; none when there is no such file yet. */
static enum status count_kept(struct clerk *k, uint64_t *kept, struct error *err)
{
    const struct provenance *p = &k->options->provenance;
    struct sweep_counts counts = {0};
    struct result_store *const scratch = k->store;
    struct chunk *c = calloc(1, sizeof *c);
    bool found = false;
    *kept = 0;
    if (c == NULL) {
        return RAISE(err, ERR_MEMORY, "out of memory for a sample");
    }
    if (access(k->options->store, F_OK) != 0 ||
        store_open(k->options->store, STORE_READ, &k->store, err) != STATUS_OK) {
        k->store = scratch;
        free(c);
        return err->code;
    }
    k->counts = &counts;
    if (store_find_series(k->store, p, k->simulate ? "simulate" : "predict", &found, &k->series,
                          err) == STATUS_OK &&
        found) {
        for (uint64_t at = 0; at < k->scenario->points && err->code == STATUS_OK;) {
            const uint64_t rest = k->scenario->points - at;
            uint32_t left = 0;
            c->from = at;
            c->span = (uint32_t)(rest < CHUNK_SPAN ? rest : CHUNK_SPAN);
            for (uint32_t i = 0; i < c->span; i++) {
                c->wanted[i] = in_shard(p, at + i);
            }
            settle(k, c, &left, err);
            at += c->span;
        }
    }
    *kept = counts.kept;
    store_close(k->store);
    k->store = scratch;
    free(c);
    return err->code;
}

enum status sweep_estimate(const struct scenario *s, const struct sweep_options *o,
                           struct sweep_estimate *out, struct error *err)
{
    struct clerk k = {.scenario = s, .options = o, .counts = &out->counts};
    const struct provenance *p = &o->provenance;
    struct chunk *c = calloc(1, sizeof *c);
    *out = (struct sweep_estimate){0};
    if (c == NULL) {
        return RAISE(err, ERR_MEMORY, "out of memory for a sample");
    }
    if (start_lanes(&k, err) == STATUS_OK &&
        store_open(":memory:", STORE_WRITE, &k.store, err) == STATUS_OK) {
        const uint64_t points =
            p->shards <= 1 ? s->points : (s->points + p->shards - p->shard) / p->shards;
        for (int i = 0; i < 2 && err->code == STATUS_OK; i++) {
            k.simulate = i == 1;
            if (!(i == 1 ? p->simulate : p->predict) ||
                count_kept(&k, &out->kept[i], err) != STATUS_OK ||
                store_series(k.store, p, i == 1 ? "simulate" : "predict", &k.series, err) !=
                    STATUS_OK) {
                continue;
            }
            out->counts.points += points;
            out->counts.kept += out->kept[i];
            /* Points spread over the sweep by the golden ratio, for half a second. */
            const double start_s = monotonic_s();
            double share = 0.5;
            do {
                const uint64_t most = i == 1 ? 1 : 64;
                const uint64_t from = (uint64_t)(share * (double)s->points);
                share += 0.6180339887498949;
                share -= share >= 1;
                c->simulate = i == 1;
                c->from = from;
                c->span = (uint32_t)(s->points - from < most ? s->points - from : most);
                memset(c->wanted, 1, c->span);
                lane_compute(&k.lanes[0], c);
                if (c->failed > 0) {
                    *err = c->err;
                } else if (c->interrupted) {
                    RAISE(err, ERR_INTERRUPTED, "interrupted");
                } else {
                    store_insert(k.store, k.series, &c->rows, err);
                }
                out->sampled[i] += c->span;
            } while (err->code == STATUS_OK && monotonic_s() - start_s < 0.5);
            out->point_s[i] = (monotonic_s() - start_s) / (double)out->sampled[i];
            out->time_s += out->point_s[i] * (double)(points - out->kept[i]) / o->threads;
        }
    }
    store_close(k.store);
    for (uint32_t i = 0; k.lanes != NULL && i < o->threads; i++) {
        lane_free(&k.lanes[i]);
    }
    lane_free(&k.check);
    free(k.lanes);
    batch_free(&c->rows);
    free(c);
    return err->code;
}
