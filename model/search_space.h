/* Inner header of search*.c. */
#ifndef MODEL_SEARCH_SPACE_H
#define MODEL_SEARCH_SPACE_H

#include "model/scenario.h"
#include "model/search.h"

/* What one thread searches with. */
struct seeker {
    const struct search *search;
    struct evaluator evaluator;
    struct config config, relaxed; /* of the choice at work */
    size_t choice;                 /* SIZE_MAX = none yet */
    double workers;
    double evaluations;
};
void seeker_init(struct seeker *k, const struct search *s);
void seeker_free(struct seeker *k);

/* What to leave out, and what to do with the rest. */
struct search_policy {
    /* Can nothing at least this slow and this dear be of use? NULL: look at everything. */
    bool (*hopeless)(const void *context, double time_s, double cost_usd);
    enum status (*visit)(void *context, const struct search_point *p, struct error *err);
    void *context;
};
/* Every memory of one (choice, workers). */
enum status seeker_group(struct seeker *k, size_t choice, double workers,
                         const struct search_policy *policy, struct error *err);
/* One point: *feasible, and its time and dollars. */
enum status seeker_point(struct seeker *k, size_t choice, double workers, double memory_mib,
                         bool *feasible, struct search_point *out, struct error *err);

/* Groups of a choice: the number of workers to look at. */
size_t search_groups_of(const struct search *s, size_t choice);

#endif
