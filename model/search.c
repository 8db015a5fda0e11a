/* Search over the space of a plan: the Pareto front, the best point of an objective within limits,
 * and its rivals.
 *
 * Groups (choice, workers) are dealt to a fixed number of lanes; each prunes with the front of a
 * first coarse look and with its own. So the number of threads changes neither the answer nor the
 * number of evaluations.
 */
#include "model/search_space.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { LANES = 16, COARSE = 8 };

/* ---------------------------------------------------------------- what is wanted */

double search_value(const struct search_objective *o, double time_s, double cost_usd)
{
    switch (o->goal) {
    case GOAL_TIME:
        return time_s;
    case GOAL_COST:
        return cost_usd;
    default:
        return pow(time_s, o->time_weight) * pow(cost_usd, 1 - o->time_weight);
    }
}

bool search_within(const struct constraints *limits, double time_s, double cost_usd)
{
    return (limits->deadline_s <= 0 || time_s <= limits->deadline_s) &&
           (limits->budget_usd <= 0 || cost_usd <= limits->budget_usd);
}

double search_miss(const struct constraints *limits, double time_s, double cost_usd)
{
    return fmax(limits->deadline_s > 0 ? time_s / limits->deadline_s : 0,
                limits->budget_usd > 0 ? cost_usd / limits->budget_usd : 0);
}

const char *search_goal_name(enum search_goal goal)
{
    return goal == GOAL_TIME ? "time" : goal == GOAL_COST ? "cost" : "balanced";
}

struct search_objective search_usual(const struct constraints *limits)
{
    return (struct search_objective){limits->deadline_s > 0   ? GOAL_COST
                                     : limits->budget_usd > 0 ? GOAL_TIME
                                                              : GOAL_BALANCED,
                                     0.5};
}

struct search_pick search_pick_start(const struct search_objective *o,
                                     const struct constraints *limits)
{
    return (struct search_pick){*o, *limits, -1, -1, {HUGE_VAL, HUGE_VAL, HUGE_VAL, HUGE_VAL}};
}

void search_pick_add(struct search_pick *p, ptrdiff_t number, double time_s, double cost_usd)
{
    const struct constraints *c = &p->limits;
    const double value = search_value(&p->objective, time_s, cost_usd);
    const double miss = search_miss(c, time_s, cost_usd);
    const double time_best = p->so_far.time_s;
    const bool before =
        value < p->so_far.value ||
        (value == p->so_far.value &&
         (time_s < time_best || (time_s == time_best && cost_usd < p->so_far.cost_usd)));
    if (before && search_within(c, time_s, cost_usd)) {
        p->best = number;
        p->so_far.value = value;
        p->so_far.time_s = time_s;
        p->so_far.cost_usd = cost_usd;
    }
    if (miss < p->so_far.miss) {
        p->nearest = number;
        p->so_far.miss = miss;
    }
}

/* Does b come before a of the same time and dollars? */
static bool search_before(const struct search_point *a, const struct search_point *b)
{
    if (a->choice != b->choice) {
        return a->choice < b->choice;
    }
    return a->workers != b->workers ? a->workers < b->workers : a->memory_mib < b->memory_mib;
}

/* ---------------------------------------------------------------- the front */

void search_front_free(struct search_front *f)
{
    free(f->points);
    *f = (struct search_front){0};
}

/* The number of points that are at least as fast. */
static size_t faster(const struct search_front *f, double time_s)
{
    size_t low = 0;
    size_t high = f->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (f->points[middle].time_s <= time_s) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Is there a point that is both faster and cheaper than this, beyond rounding? */
static bool search_front_beats(const struct search_front *f, double time_s, double cost_usd)
{
    const size_t n = faster(f, time_s);
    return n > 0 && f->points[n - 1].cost_usd <= cost_usd;
}

enum status search_front_add(struct search_front *f, const struct search_point *p,
                             struct error *err)
{
    size_t at = faster(f, p->time_s);
    if (at > 0) {
        const struct search_point *before = &f->points[at - 1];
        const bool equal = before->time_s == p->time_s && before->cost_usd == p->cost_usd;
        if (before->cost_usd <= p->cost_usd && !(equal && search_before(p, before))) {
            return STATUS_OK;
        }
        at -= before->time_s == p->time_s; /* as fast, and not cheaper */
    }
    size_t end = at;
    while (end < f->count && f->points[end].cost_usd >= p->cost_usd) {
        end++;
    }
    if (end == at && f->count == f->capacity) {
        const size_t capacity = f->capacity > 0 ? 2 * f->capacity : 256;
        struct search_point *points = realloc(f->points, capacity * sizeof *points);
        if (points == NULL) {
            return RAISE(err, ERR_MEMORY, "out of memory for a front of %zu points", capacity);
        }
        f->points = points;
        f->capacity = capacity;
    }
    memmove(&f->points[at + 1], &f->points[end], (f->count - end) * sizeof *f->points);
    f->count = f->count - (end - at) + 1;
    f->points[at] = *p;
    return STATUS_OK;
}

static struct search_pick pick_front(const struct search_front *f, const struct search_objective *o,
                                     const struct constraints *limits)
{
    struct search_pick pick = search_pick_start(o, limits);
    for (size_t i = 0; i < f->count; i++) {
        search_pick_add(&pick, (ptrdiff_t)i, f->points[i].time_s, f->points[i].cost_usd);
    }
    return pick;
}

ptrdiff_t search_front_best(const struct search_front *f, const struct search_objective *o,
                            const struct constraints *limits)
{
    return pick_front(f, o, limits).best;
}

ptrdiff_t search_front_cheapest(const struct search_front *f, double within_s)
{
    return (ptrdiff_t)faster(f, within_s) - 1;
}

ptrdiff_t search_front_fastest(const struct search_front *f, double within_usd)
{
    for (size_t i = 0; i < f->count; i++) {
        if (f->points[i].cost_usd <= within_usd) {
            return (ptrdiff_t)i;
        }
    }
    return -1;
}

ptrdiff_t search_front_nearest(const struct search_front *f, const struct constraints *limits)
{
    const struct search_objective usual = search_usual(limits);
    return pick_front(f, &usual, limits).nearest;
}

/* ---------------------------------------------------------------- lanes */

struct lane {
    struct seeker seeker;
    struct search_front front;
    struct error err;
};

/* What the threads share. */
struct work {
    const struct search *search;
    const struct search_options *options;
    struct lane lanes[LANES];
    pthread_mutex_t lock;
    int next; /* lane to take */
    double done, all;
};

static bool beaten(const void *context, double time_s, double cost_usd)
{
    return search_front_beats(context, time_s, cost_usd);
}

static enum status keep(void *context, const struct search_point *p, struct error *err)
{
    return search_front_add(context, p, err);
}

static void work_group(struct work *w, struct lane *lane, size_t choice, double workers)
{
    const struct search_policy policy = {w->options->exhaustive ? NULL : beaten, keep,
                                         &lane->front};
    seeker_group(&lane->seeker, choice, workers, &policy, &lane->err);
    if (w->options->progress != NULL) {
        pthread_mutex_lock(&w->lock);
        w->done++;
        w->options->progress(w->done, w->all, w->options->context);
        pthread_mutex_unlock(&w->lock);
    }
}

static void *work_lanes(void *given)
{
    struct work *w = given;
    const struct search *s = w->search;
    for (;;) {
        pthread_mutex_lock(&w->lock);
        const int number = w->next++;
        pthread_mutex_unlock(&w->lock);
        if (number >= LANES) {
            return NULL;
        }
        struct lane *lane = &w->lanes[number];
        size_t group = 0;
        for (size_t i = 0; i < s->n_choices; i++) {
            const size_t n = search_groups_of(s, i);
            for (size_t k = 0; k < n && lane->err.code == STATUS_OK; k++, group++) {
                if (group % LANES == (size_t)number) {
                    work_group(w, lane, i, s->workers[k]);
                }
            }
        }
    }
}

static void run_threads(struct work *w, uint32_t wanted)
{
    pthread_t threads[LANES];
    bool started[LANES] = {false};
    for (uint32_t i = 1; i < wanted && i < LANES; i++) {
        started[i] = pthread_create(&threads[i], NULL, work_lanes, w) == 0;
    }
    work_lanes(w); /* the caller is the first thread, and the only one when none can be made */
    for (uint32_t i = 1; i < LANES; i++) {
        if (started[i]) {
            pthread_join(threads[i], NULL);
        }
    }
}

/* A few sizes of memory of every group, so that every lane has something to compare with. */
static enum status look_coarsely(const struct search *s, struct seeker *k,
                                 struct search_front *front, struct error *err)
{
    for (size_t i = 0; i < s->n_choices; i++) {
        const struct search_choice *c = &s->choices[i];
        const size_t n = search_groups_of(s, i);
        if (c->own_structure || c->n_memory <= COARSE) {
            continue;
        }
        for (size_t g = 0; g < n; g++) {
            for (size_t m = 1; m <= COARSE; m++) {
                struct search_point p;
                bool feasible = false;
                if (seeker_point(k, i, s->workers[g], c->memory[(c->n_memory * m - 1) / COARSE],
                                 &feasible, &p, err) != STATUS_OK ||
                    (feasible && search_front_add(front, &p, err) != STATUS_OK)) {
                    return err->code;
                }
            }
        }
    }
    return STATUS_OK;
}

static enum status copy_front(const struct search_front *from, struct search_front *to,
                              struct error *err)
{
    for (size_t i = 0; i < from->count; i++) {
        if (search_front_add(to, &from->points[i], err) != STATUS_OK) {
            return err->code;
        }
    }
    return STATUS_OK;
}

enum status search_pareto(const struct search *s, const struct search_options *options,
                          struct search_front *out, double *evaluations, struct error *err)
{
    struct work w = {.search = s, .options = options};
    struct seeker first;
    *out = (struct search_front){0};
    pthread_mutex_init(&w.lock, NULL);
    seeker_init(&first, s);
    for (size_t i = 0; i < s->n_choices; i++) {
        w.all += (double)search_groups_of(s, i);
    }
    if (!options->exhaustive) {
        look_coarsely(s, &first, out, err);
    }
    for (int i = 0; i < LANES; i++) {
        seeker_init(&w.lanes[i].seeker, s);
        if (err->code == STATUS_OK) {
            copy_front(out, &w.lanes[i].front, err);
        }
    }
    if (err->code == STATUS_OK) {
        run_threads(&w, options->threads);
    }
    double calls = first.evaluations;
    for (int i = 0; i < LANES; i++) {
        struct lane *lane = &w.lanes[i];
        if (err->code == STATUS_OK && lane->err.code != STATUS_OK) {
            *err = lane->err;
        }
        if (err->code == STATUS_OK) {
            copy_front(&lane->front, out, err);
        }
        calls += lane->seeker.evaluations;
        search_front_free(&lane->front);
        seeker_free(&lane->seeker);
    }
    seeker_free(&first);
    pthread_mutex_destroy(&w.lock);
    if (evaluations != NULL) {
        *evaluations = calls;
    }
    if (err->code != STATUS_OK) {
        search_front_free(out);
    }
    return err->code;
}

/* ---------------------------------------------------------------- one objective */

struct best {
    const struct search_question *question;
    struct search_point point;
    double value, enough; /* of the point; nothing above `enough` is of use */
    bool found;
};

static bool no_better(const void *context, double time_s, double cost_usd)
{
    const struct best *b = context;
    const double value = search_value(&b->question->objective, time_s, cost_usd);
    return !search_within(&b->question->limits, time_s, cost_usd) || value > b->enough ||
           (b->found && value > b->value);
}

static enum status keep_best(void *context, const struct search_point *p, struct error *err)
{
    struct best *b = context;
    (void)err;
    const double value = search_value(&b->question->objective, p->time_s, p->cost_usd);
    if (!search_within(&b->question->limits, p->time_s, p->cost_usd)) {
        return STATUS_OK;
    }
    /* Of equal values the one that is better in the other respect, then the first. */
    const double other = p->time_s * p->cost_usd;
    const double than = b->point.time_s * b->point.cost_usd;
    if (!b->found || value < b->value ||
        (value == b->value && (other < than || (other == than && search_before(p, &b->point))))) {
        b->point = *p;
        b->value = value;
        b->found = true;
    }
    return STATUS_OK;
}

static bool asked(const struct search *s, const struct search_question *q, size_t choice, size_t k)
{
    return (q->choice < 0 || (size_t)q->choice == choice) &&
           (q->workers <= 0 || s->workers[k] == q->workers ||
            s->choices[choice].config.system.protocol->single_worker);
}

enum status search_best(const struct search *s, const struct search_question *q,
                        struct search_point *best, bool *found, struct error *err)
{
    struct best b = {.question = q, .enough = HUGE_VAL};
    const struct search_policy policy = {no_better, keep_best, &b};
    struct seeker k;
    seeker_init(&k, s);
    for (size_t i = 0; i < s->n_choices; i++) {
        const size_t n = search_groups_of(s, i);
        for (size_t g = 0; g < n && err->code == STATUS_OK; g++) {
            if (asked(s, q, i, g)) {
                seeker_group(&k, i, s->workers[g], &policy, err);
            }
        }
    }
    seeker_free(&k);
    *best = b.point;
    *found = b.found;
    return err->code;
}

/* Points in order of their value, at most `limit`. */
static void insert(const struct search_question *q, const struct search_point *p, size_t limit,
                   struct search_point *list, size_t *count)
{
    const double value = search_value(&q->objective, p->time_s, p->cost_usd);
    size_t at = *count;
    while (at > 0 &&
           search_value(&q->objective, list[at - 1].time_s, list[at - 1].cost_usd) > value) {
        at--;
    }
    if (at == limit) {
        return;
    }
    *count = *count < limit ? *count + 1 : limit;
    memmove(&list[at + 1], &list[at], (*count - at - 1) * sizeof *list);
    list[at] = *p;
}

enum status search_rivals(const struct search *s, const struct search_question *q, double slack,
                          size_t limit, struct search_point *out, size_t *count, struct error *err)
{
    struct search_point first;
    bool found = false;
    struct seeker k;
    *count = 0;
    if (search_best(s, q, &first, &found, err) != STATUS_OK || !found) {
        return err->code;
    }
    double enough = (1 + slack) * search_value(&q->objective, first.time_s, first.cost_usd);
    seeker_init(&k, s);
    for (size_t i = 0; i < s->n_choices; i++) {
        const size_t n = search_groups_of(s, i);
        for (size_t g = 0; g < n && err->code == STATUS_OK; g++) {
            struct best b = {.question = q, .enough = enough};
            const struct search_policy policy = {no_better, keep_best, &b};
            if (!asked(s, q, i, g) ||
                seeker_group(&k, i, s->workers[g], &policy, err) != STATUS_OK || !b.found ||
                b.value > enough) {
                continue;
            }
            insert(q, &b.point, limit, out, count);
            if (*count == limit) {
                const struct search_point *last = &out[limit - 1];
                enough = fmin(enough, search_value(&q->objective, last->time_s, last->cost_usd));
            }
        }
    }
    seeker_free(&k);
    return err->code;
}
