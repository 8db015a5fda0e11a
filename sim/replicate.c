/* Replications spread over threads. Each thread takes the next number, plays it in its own run, and
 * stores it at its place; numbers that fail stop the rest, and the first failure by number is told.
 */
#include "sim/replicate.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

void replicas_free(struct replicas *r)
{
    free(r->list);
    *r = (struct replicas){0};
}

enum status crew_init(struct crew *crew, const struct plan *plan,
                      const struct simulation_options *options, struct error *err)
{
    *crew = (struct crew){.threads = options->threads > 0 ? options->threads : 1};
    crew->runs = calloc(crew->threads, sizeof *crew->runs);
    if (crew->runs == NULL) {
        return RAISE(err, ERR_MEMORY, "no memory for %u threads", crew->threads);
    }
    for (uint32_t i = 0; i < crew->threads; ++i) {
        if (run_init(&crew->runs[i], plan, err) != STATUS_OK) {
            crew_free(crew);
            return err->code;
        }
        crew->runs[i].exact = options->exact;
        crew->runs[i].interrupted = options->interrupted;
    }
    return STATUS_OK;
}

void crew_free(struct crew *crew)
{
    for (uint32_t i = 0; crew->runs != NULL && i < crew->threads; ++i) {
        run_free(&crew->runs[i]);
    }
    free(crew->runs);
    *crew = (struct crew){0};
}

/* What the threads of one batch share. */
struct batch {
    pthread_mutex_t lock;
    struct replicas *replicas;
    size_t next, upto;
    size_t failed_at; /* least number that failed; upto when none */
    struct error err;
};

struct worker {
    struct batch *batch;
    struct run *run;
    pthread_t thread;
    bool started;
};

static void keep(const struct run *s, struct replica *out)
{
    const struct config *const c = s->plan->config;
    struct ledger ledger;
    cost_compute(c, s->plan->program, &s->tally, false, &ledger);
    *out = (struct replica){.time_s = s->tally.time_s,
                            .cost_usd = money_usd(ledger.total),
                            .tally = s->tally,
                            .counters = s->counters,
                            .events = (double)s->queue.executed,
                            .played_rounds = s->played_rounds,
                            .extended_rounds = s->extended_rounds,
                            .extension = s->extension,
                            .extended_s = s->extended_s};
    memcpy(out->by_kind, ledger.by_kind, sizeof out->by_kind);
}

static void *work(void *given)
{
    struct worker *const w = given;
    struct batch *const b = w->batch;
    for (;;) {
        pthread_mutex_lock(&b->lock);
        const size_t i = b->next < b->failed_at ? b->next++ : b->upto;
        pthread_mutex_unlock(&b->lock);
        if (i >= b->upto) {
            return NULL;
        }
        struct error err = {0};
        const double seed = w->run->plan->config->simulation.seed;
        /* A run looks for itself every so many events; short ones are over before that. */
        const bool stop = w->run->interrupted != NULL && w->run->interrupted();
        if (stop) {
            RAISE(&err, ERR_INTERRUPTED, "interrupted");
        } else if (run_play(w->run, (uint64_t)seed, i, &err) == STATUS_OK) {
            keep(w->run, &b->replicas->list[i]);
            continue;
        }
        pthread_mutex_lock(&b->lock);
        if (i < b->failed_at) {
            b->failed_at = i;
            b->err = err;
        }
        pthread_mutex_unlock(&b->lock);
    }
}

enum status crew_replicate(struct crew *crew, struct replicas *r, size_t upto, struct error *err)
{
    if (upto > r->capacity) {
        const size_t capacity = upto > 2 * r->capacity ? upto : 2 * r->capacity;
        struct replica *const list = realloc(r->list, capacity * sizeof *list);
        if (list == NULL) {
            return RAISE(err, ERR_MEMORY, "no memory for %zu replications", capacity);
        }
        r->list = list;
        r->capacity = capacity;
    }
    struct batch batch = {.replicas = r, .next = r->count, .upto = upto, .failed_at = upto};
    pthread_mutex_init(&batch.lock, NULL);
    struct worker *const workers = calloc(crew->threads, sizeof *workers);
    if (workers == NULL) {
        return RAISE(err, ERR_MEMORY, "no memory for %u threads", crew->threads);
    }
    for (uint32_t i = 0; i < crew->threads; ++i) {
        workers[i] = (struct worker){.batch = &batch, .run = &crew->runs[i]};
        workers[i].started = i > 0 && batch.next + i < upto &&
                             pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0;
    }
    work(&workers[0]); /* the caller is the first thread, and the only one when none can be made */
    for (uint32_t i = 0; i < crew->threads; ++i) {
        if (workers[i].started) {
            pthread_join(workers[i].thread, NULL);
        }
    }
    free(workers);
    pthread_mutex_destroy(&batch.lock);
    r->count = batch.failed_at;
    if (batch.failed_at < upto) {
        *err = batch.err;
        return err->code;
    }
    return STATUS_OK;
}
