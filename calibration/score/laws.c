/* Laws graded on rows they were not fitted to: see laws.h. A fold leaves out all rows with one
 * value of a column, so that configurations are held out, not rows. */
#include "calibration/score/law_rows.h"

#include <stdlib.h>
#include <string.h>

void law_grades_free(struct law_grades *g)
{
    free(g->list);
    *g = (struct law_grades){0};
}

static const struct law_task *const tasks[] = {&law_store, &law_bandwidth, &law_memory, &law_start,
                                               &law_billing};
enum { TASKS = sizeof tasks / sizeof tasks[0] };

static bool has_column(const struct trace *t, enum trace_column c)
{
    return trace_column_is_text(c) ? t->text[c] != NULL : t->number[c] != NULL;
}

static enum status grade_fold(struct law_work *w, const struct law_task *task, struct error *err)
{
    if (w->test.n == 0 || w->train.n == 0) {
        return STATUS_OK;
    }
    return task->whole != NULL
               ? task->whole(w, err)
               : law_each_group(w, &w->test, task->columns, task->n_columns, task->task, err);
}

/* One fold for each value of the column: `all` sorted by it. */
static enum status grade_folds(struct law_work *w, const struct law_task *task,
                               enum trace_column column, struct error *err)
{
    const struct trace *const t = w->train.t;
    uint64_t *const key = malloc((t->n + 1) * sizeof *key);
    bool *const done = calloc(t->n + 1, sizeof *done);
    if (key == NULL || done == NULL) {
        RAISE(err, ERR_MEMORY, "no memory for %zu rows", t->n);
    }
    for (size_t i = 0; err->code == STATUS_OK && i < t->n; i++) {
        key[i] = law_key(t, i, &column, 1);
    }
    for (size_t first = 0; first < t->n && err->code == STATUS_OK; first++) {
        char value[64];
        law_name(t, first, &column, 1, value, sizeof value);
        if (done[first] || (w->o->hold_value != NULL && strcmp(value, w->o->hold_value) != 0)) {
            continue;
        }
        w->train.n = w->test.n = 0;
        for (size_t i = 0; i < t->n; i++) {
            if (key[i] == key[first]) {
                done[i] = true;
                w->test.at[w->test.n++] = i;
            } else {
                w->train.at[w->train.n++] = i;
            }
        }
        grade_fold(w, task, err);
        w->fold++;
    }
    free(key);
    free(done);
    return err->code;
}

enum status law_grade_trace(const struct trace *t, const struct law_options *o,
                            struct law_grades *out, struct error *err)
{
    const struct trace *const other = o->against != NULL ? o->against : t;
    const struct law_task *task = NULL;
    const char *names[TASKS];
    *out = (struct law_grades){0};
    for (size_t i = 0; i < TASKS; i++) {
        names[i] = tasks[i]->what;
        task = strcmp(o->what, names[i]) == 0 ? tasks[i] : task;
    }
    if (task == NULL) {
        const char *const near = nearest_name(o->what, names, TASKS);
        return RAISE(err, ERR_USAGE,
                     "'%s' is not graded: expected store, bandwidth, compute-memory, start or "
                     "billing%s%s%s",
                     o->what, near != NULL ? "; did you mean '" : "", near != NULL ? near : "",
                     near != NULL ? "'?" : "");
    }
    const enum trace_column column =
        o->hold_out != NULL ? trace_column_find(o->hold_out) : TRACE_run;
    if (column == TRACE_COLUMNS || (o->hold_out != NULL && !has_column(t, column))) {
        return RAISE(err, ERR_INPUT, "%s has no column %s", t->path, o->hold_out);
    }
    if (!has_column(t, task->needs) || !has_column(other, task->needs)) {
        return RAISE(err, ERR_INPUT, "%s: %s needs the column %s",
                     has_column(t, task->needs) ? other->path : t->path, o->what,
                     trace_column_name(task->needs));
    }
    struct law_work w = {.o = o,
                         .out = out,
                         .train = {t, malloc((t->n + 1) * sizeof(size_t)), 0},
                         .test = {other, malloc((other->n + 1) * sizeof(size_t)), 0}};
    if (w.train.at == NULL || w.test.at == NULL) {
        RAISE(err, ERR_MEMORY, "no memory for %zu rows", t->n);
    } else if (o->hold_out != NULL && o->against == NULL) {
        grade_folds(&w, task, column, err);
    } else {
        for (; w.train.n < t->n; w.train.n++) {
            w.train.at[w.train.n] = w.train.n;
        }
        for (; w.test.n < other->n; w.test.n++) {
            w.test.at[w.test.n] = w.test.n;
        }
        grade_fold(&w, task, err);
    }
    free(w.train.at);
    free(w.test.at);
    if (err->code == STATUS_OK && out->n == 0) {
        RAISE(err, ERR_INPUT, "%s: nothing could be predicted%s", t->path,
              out->skipped > 0 ? ": too few rows are left to fit without those held out" : "");
    }
    return err->code;
}
