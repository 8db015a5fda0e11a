/* A thread pool of the simplest kind: a job is announced by a new round number, workers take
 * indices under the lock (tasks last milliseconds, so the lock is never contended), the caller
 * works too and waits until the last index is finished. */
#include "calibration/kernel/crew.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct worker_seat {
    struct crew *crew;
    size_t number;
    pthread_t thread;
};

struct crew {
    pthread_mutex_t lock;
    pthread_cond_t announced, finished;
    crew_job *job;
    void *context;
    size_t next, count, running;
    bool stop;
    size_t seats; /* threads started; the caller is worker number `seats` */
    struct worker_seat seat[];
};

/* Takes indices until none is left; called and left with the lock held. */
static void work(struct crew *p, size_t worker)
{
    while (p->next < p->count) {
        const size_t index = p->next++;
        p->running++;
        pthread_mutex_unlock(&p->lock);
        p->job(p->context, index, worker);
        pthread_mutex_lock(&p->lock);
        p->running--;
    }
    if (p->running == 0) {
        pthread_cond_signal(&p->finished);
    }
}

static void *thread_main(void *argument)
{
    struct worker_seat *seat = argument;
    struct crew *p = seat->crew;
    pthread_mutex_lock(&p->lock);
    while (!p->stop) {
        if (p->next < p->count) {
            work(p, seat->number);
        } else {
            pthread_cond_wait(&p->announced, &p->lock);
        }
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

enum status crew_new(size_t threads, struct crew **out, struct error *err)
{
    struct crew *p = calloc(1, sizeof *p + (threads - 1) * sizeof p->seat[0]);
    if (!p) {
        return RAISE(err, ERR_MEMORY, "kernel: no memory for %zu threads", threads);
    }
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->announced, NULL);
    pthread_cond_init(&p->finished, NULL);
    for (size_t i = 0; i + 1 < threads; i++) {
        p->seat[i] = (struct worker_seat){.crew = p, .number = i};
        const int failure = pthread_create(&p->seat[i].thread, NULL, thread_main, &p->seat[i]);
        if (failure) {
            crew_delete(p);
            return RAISE(err, ERR_EXTERNAL, "kernel: cannot start thread %zu of %zu: %s", i + 1,
                         threads, strerror(failure));
        }
        p->seats++;
    }
    *out = p;
    return STATUS_OK;
}

void crew_delete(struct crew *p)
{
    if (!p) {
        return;
    }
    pthread_mutex_lock(&p->lock);
    p->stop = true;
    pthread_cond_broadcast(&p->announced);
    pthread_mutex_unlock(&p->lock);
    for (size_t i = 0; i < p->seats; i++) {
        pthread_join(p->seat[i].thread, NULL);
    }
    pthread_cond_destroy(&p->finished);
    pthread_cond_destroy(&p->announced);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

void crew_run(struct crew *p, crew_job *job, void *context, size_t count)
{
    if (count == 1) { /* always on the caller, so that it is known who did it */
        job(context, 0, p->seats);
        return;
    }
    pthread_mutex_lock(&p->lock);
    p->job = job;
    p->context = context;
    p->next = 0;
    p->count = count;
    pthread_cond_broadcast(&p->announced);
    work(p, p->seats);
    while (p->running > 0) {
        pthread_cond_wait(&p->finished, &p->lock);
    }
    p->count = 0;
    p->next = 0;
    pthread_mutex_unlock(&p->lock);
}
