/* Tasks over threads: a queue in, a queue out, one lock. */
#include "model/base/base.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

struct queue {
    struct team_task *first, **last;
};

struct member {
    struct team *team;
    unsigned lane;
    pthread_t thread;
    bool started;
};

struct team {
    pthread_mutex_t lock;
    pthread_cond_t todo_grew, done_grew;
    struct queue todo, done;
    size_t outstanding; /* given and not yet taken back */
    bool stopping;
    void (*work)(void *context, unsigned lane, struct team_task *task);
    void *context;
    struct member *members;
    unsigned lanes, first_thread;
};

static void put(struct queue *q, struct team_task *task)
{
    task->next = NULL;
    if (q->first == NULL) {
        q->last = &q->first;
    }
    *q->last = task;
    q->last = &task->next;
}

static struct team_task *get(struct queue *q)
{
    struct team_task *task = q->first;
    if (task != NULL) {
        q->first = task->next;
    }
    return task;
}

/* With the lock held, which is given up meanwhile. */
static void do_task(struct team *t, unsigned lane, struct team_task *task)
{
    pthread_mutex_unlock(&t->lock);
    t->work(t->context, lane, task);
    pthread_mutex_lock(&t->lock);
    put(&t->done, task);
    pthread_cond_signal(&t->done_grew);
}

static void *member_main(void *given)
{
    struct member *m = given;
    struct team *t = m->team;
    pthread_mutex_lock(&t->lock);
    while (!t->stopping) {
        struct team_task *task = get(&t->todo);
        if (task != NULL) {
            do_task(t, m->lane, task);
        } else {
            pthread_cond_wait(&t->todo_grew, &t->lock);
        }
    }
    pthread_mutex_unlock(&t->lock);
    return NULL;
}

enum status team_start(const struct team_options *o, struct team **out, struct error *err)
{
    struct team *t = calloc(1, sizeof *t);
    struct member *members = calloc(o->lanes > 0 ? o->lanes : 1, sizeof *members);
    if (t == NULL || members == NULL) {
        free(t);
        free(members);
        return RAISE(err, ERR_MEMORY, "out of memory for %u threads", o->lanes);
    }
    *t = (struct team){.work = o->work,
                       .context = o->context,
                       .members = members,
                       .lanes = o->lanes,
                       .first_thread = o->caller_helps ? 1 : 0};
    pthread_mutex_init(&t->lock, NULL);
    pthread_cond_init(&t->todo_grew, NULL);
    pthread_cond_init(&t->done_grew, NULL);
    *out = t;
    for (unsigned i = t->first_thread; i < t->lanes; i++) {
        members[i] = (struct member){.team = t, .lane = i};
        if (pthread_create(&members[i].thread, NULL, member_main, &members[i]) != 0) {
            if (i > 0) {
                break; /* fewer threads do the same work */
            }
            team_stop(t);
            *out = NULL;
            return RAISE(err, ERR_MEMORY, "no thread can be started");
        }
        members[i].started = true;
    }
    return STATUS_OK;
}

void team_give(struct team *t, struct team_task *task)
{
    pthread_mutex_lock(&t->lock);
    put(&t->todo, task);
    t->outstanding++;
    pthread_cond_signal(&t->todo_grew);
    pthread_mutex_unlock(&t->lock);
}

struct team_task *team_take(struct team *t, double wait_s)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    const double sum = (double)until.tv_nsec * 1e-9 + wait_s;
    until.tv_sec += (time_t)sum;
    until.tv_nsec = (long)((sum - (double)(time_t)sum) * 1e9);
    pthread_mutex_lock(&t->lock);
    struct team_task *task = get(&t->done);
    while (task == NULL && wait_s > 0 && t->outstanding > 0 &&
           pthread_cond_timedwait(&t->done_grew, &t->lock, &until) == 0) {
        task = get(&t->done);
    }
    if (task != NULL) {
        t->outstanding--;
    }
    pthread_mutex_unlock(&t->lock);
    return task;
}

bool team_help(struct team *t)
{
    pthread_mutex_lock(&t->lock);
    struct team_task *task = get(&t->todo);
    if (task != NULL) {
        do_task(t, 0, task);
    }
    pthread_mutex_unlock(&t->lock);
    return task != NULL;
}

void team_stop(struct team *t)
{
    if (t == NULL) {
        return;
    }
    pthread_mutex_lock(&t->lock);
    t->stopping = true;
    pthread_cond_broadcast(&t->todo_grew);
    pthread_mutex_unlock(&t->lock);
    for (unsigned i = t->first_thread; i < t->lanes; i++) {
        if (t->members[i].started) {
            pthread_join(t->members[i].thread, NULL);
        }
    }
    pthread_cond_destroy(&t->todo_grew);
    pthread_cond_destroy(&t->done_grew);
    pthread_mutex_destroy(&t->lock);
    free(t->members);
    free(t);
}
