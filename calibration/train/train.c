/* The training loop; see calibration/train.h. */
#include "calibration/train/checkpoint.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Everything one run owns. */
struct trainer {
    const struct train_options *options;
    const struct train_data *data;
    struct kernel *kernel;
    struct episode_sampler train, validation, test;
    struct episode *episodes; /* meta_batch of them */
    struct kernel_episode *views;
    struct kernel_outcome *outcomes;
    struct train_state state;
};

/* Streams of episodes of one run: different seeds for what trains, validates and tests. */
enum stream { STREAM_TRAIN, STREAM_VALIDATION, STREAM_TEST, STREAM_PARAMETERS };

static uint64_t stream_seed(uint64_t seed, enum stream stream)
{
    const uint64_t key[2] = {seed, (uint64_t)stream};
    return hash_bytes(HASH_SEED, key, sizeof key);
}

/* ---------------------------------------------------------------- identity */

/* What decides the numbers; threads do not, the number of iterations only when the rate follows it.
 */
static uint64_t settings_hash(const struct train_options *o)
{
    const struct kernel_config *const k = &o->kernel;
    const double fields[] = {(double)k->algorithm,
                             (double)k->precision,
                             (double)k->channels,
                             (double)k->size,
                             (double)k->hidden,
                             (double)k->layers,
                             (double)k->pool,
                             k->slope,
                             (double)k->ways,
                             (double)k->shots,
                             (double)k->queries,
                             (double)k->steps,
                             k->inner_rate,
                             (double)k->freeze_bn,
                             (double)k->joint,
                             (double)k->first_order,
                             (double)k->fixed_theta,
                             (double)k->meta_batch,
                             k->outer_rate,
                             (double)o->evaluate_every,
                             (double)o->validation_tasks,
                             (double)o->shift_max,
                             o->anneal ? (double)o->iterations : 0.0};
    return hash_bytes(HASH_SEED, fields, sizeof fields);
}

static uint64_t list_hash(uint64_t hash, const struct class_list *list)
{
    return hash_bytes(hash, list->refs, list->n * sizeof *list->refs);
}

static uint64_t data_hash(const struct train_data *data)
{
    uint64_t hash = hash_bytes(HASH_SEED, &data->set->hash, sizeof data->set->hash);
    hash = list_hash(hash, data->train);
    return list_hash(hash, data->validation);
}

/* ---------------------------------------------------------------- setting up */

static enum status check_fit(const struct kernel_config *k, const struct image_set *set,
                             struct error *err)
{
    if (set->channels != k->channels || set->height != k->size || set->width != k->size) {
        return RAISE(err, ERR_INPUT,
                     "images of %zu channels and %zu x %zu pixels, the network expects %zu and "
                     "%zu x %zu",
                     set->channels, set->width, set->height, k->channels, k->size, k->size);
    }
    return STATUS_OK;
}

/* Says which of the three lists of classes is the one in error. */
static enum status open_sampler(struct episode_sampler *sampler, const struct image_set *set,
                                const struct class_list *classes, struct episode_shape shape,
                                uint64_t seed, const char *part, struct error *err)
{
    const enum status status = episode_sampler_init(sampler, set, classes, shape, seed, err);
    if (status == ERR_INPUT) {
        char message[sizeof err->message];
        memcpy(message, err->message, sizeof message);
        snprintf(err->message, sizeof err->message, "%s classes: %.440s", part, message);
    }
    return status;
}

static enum status open_samplers(struct trainer *t, struct error *err)
{
    const struct kernel_config *const k = &t->options->kernel;
    const struct train_data *const d = t->data;
    const struct episode_shape shape = {k->ways, k->shots, k->queries};
    const uint64_t seed = t->options->seed;
    enum status status = check_fit(k, d->set, err);
    if (status == STATUS_OK && d->test->n > 0) {
        status = check_fit(k, d->test_set, err);
    }
    if (status == STATUS_OK) {
        status = open_sampler(&t->train, d->set, d->train, shape, stream_seed(seed, STREAM_TRAIN),
                              "training", err);
    }
    t->train.shift_max = t->options->shift_max;
    if (status == STATUS_OK && d->validation->n > 0) {
        status = open_sampler(&t->validation, d->set, d->validation, shape,
                              stream_seed(seed, STREAM_VALIDATION), "validation", err);
    }
    if (status == STATUS_OK && d->test->n > 0) {
        status = open_sampler(&t->test, d->test_set, d->test, shape, stream_seed(seed, STREAM_TEST),
                              "test", err);
    }
    return status;
}

static enum status open_episodes(struct trainer *t, struct error *err)
{
    const struct kernel_config *const k = &t->options->kernel;
    const struct episode_shape shape = {k->ways, k->shots, k->queries};
    t->episodes = calloc(k->meta_batch, sizeof *t->episodes);
    t->views = calloc(k->meta_batch, sizeof *t->views);
    t->outcomes = calloc(k->meta_batch, sizeof *t->outcomes);
    if (t->episodes == NULL || t->views == NULL || t->outcomes == NULL) {
        return RAISE(err, ERR_MEMORY, "no memory for %zu episodes", k->meta_batch);
    }
    enum status status = STATUS_OK;
    for (size_t i = 0; i < k->meta_batch && status == STATUS_OK; i++) {
        struct episode *const e = &t->episodes[i];
        status = episode_init(e, t->data->set, shape, err);
        t->views[i] = (struct kernel_episode){e->x_support, e->y_support, e->x_query, e->y_query};
    }
    return status;
}

static enum status open_state(struct trainer *t, struct error *err)
{
    struct train_state *const s = &t->state;
    *s = (struct train_state){.settings_hash = settings_hash(t->options),
                              .data_hash = data_hash(t->data),
                              .seed = t->options->seed,
                              .best_accuracy = -1.0,
                              .rows_capacity = t->options->iterations};
    s->rows = calloc(s->rows_capacity + 1, sizeof *s->rows);
    bool failed = s->rows == NULL;
    for (size_t v = 0; v < KERNEL_VECTORS; v++) {
        s->count[v] = kernel_count(t->kernel, (enum kernel_vector)v);
        s->vector[v] = calloc(s->count[v] + 1, sizeof *s->vector[v]);
        failed = failed || s->vector[v] == NULL;
    }
    for (size_t v = KERNEL_THETA; v <= KERNEL_PHI; v++) {
        s->best[v] = calloc(s->count[v] + 1, sizeof *s->best[v]);
        failed = failed || s->best[v] == NULL;
    }
    return failed ? RAISE(err, ERR_MEMORY, "no memory for %llu iterations",
                          (unsigned long long)s->rows_capacity)
                  : STATUS_OK;
}

static enum status trainer_open(struct trainer *t, struct error *err)
{
    enum status status = kernel_new(&t->options->kernel, &t->kernel, err);
    if (status == STATUS_OK) {
        status = open_samplers(t, err);
    }
    if (status == STATUS_OK) {
        status = open_episodes(t, err);
    }
    return status == STATUS_OK ? open_state(t, err) : status;
}

static void trainer_close(struct trainer *t)
{
    for (size_t i = 0; t->episodes != NULL && i < t->options->kernel.meta_batch; i++) {
        episode_free(&t->episodes[i]);
    }
    for (size_t v = 0; v < KERNEL_VECTORS; v++) {
        free(t->state.vector[v]);
    }
    free(t->state.best[KERNEL_THETA]);
    free(t->state.best[KERNEL_PHI]);
    free(t->state.rows);
    free(t->episodes);
    free(t->views);
    free(t->outcomes);
    episode_sampler_free(&t->train);
    episode_sampler_free(&t->validation);
    episode_sampler_free(&t->test);
    kernel_delete(t->kernel);
}

/* ---------------------------------------------------------------- scoring */

/* Mean over the episodes 0..tasks-1 of a sampler; the interval is the normal one of the task
 * accuracies. */
static enum status score(struct trainer *t, struct episode_sampler *sampler, uint64_t tasks,
                         struct train_score *out, struct error *err)
{
    const size_t batch = t->options->kernel.meta_batch;
    double loss = 0.0, sum = 0.0, squares = 0.0;
    for (uint64_t first = 0; first < tasks; first += batch) {
        const size_t n = tasks - first < batch ? (size_t)(tasks - first) : batch;
        for (size_t i = 0; i < n; i++) {
            episode_draw(sampler, first + i, &t->episodes[i]);
        }
        const enum status status = kernel_evaluate(t->kernel, t->views, n, t->outcomes, err);
        if (status != STATUS_OK) {
            return status;
        }
        for (size_t i = 0; i < n; i++) {
            loss += t->outcomes[i].query_loss;
            sum += t->outcomes[i].query_accuracy;
            squares += t->outcomes[i].query_accuracy * t->outcomes[i].query_accuracy;
        }
    }
    const double n = (double)tasks;
    const double variance = tasks > 1 ? fmax(0.0, (squares - sum * sum / n) / (n - 1.0)) : 0.0;
    *out = (struct train_score){.tasks = tasks,
                                .loss = loss / n,
                                .accuracy = sum / n,
                                .half_width = 1.959963984540054 * sqrt(variance / n)};
    return STATUS_OK;
}

static void keep_best(struct trainer *t, uint64_t iteration, double accuracy)
{
    t->state.best_iteration = iteration;
    t->state.best_accuracy = accuracy;
    kernel_get(t->kernel, KERNEL_THETA, t->state.best[KERNEL_THETA]);
    kernel_get(t->kernel, KERNEL_PHI, t->state.best[KERNEL_PHI]);
}

/* ---------------------------------------------------------------- the loop */

static enum status iterate(struct trainer *t, struct train_row *row, struct error *err)
{
    const struct train_options *const o = t->options;
    const size_t batch = o->kernel.meta_batch;
    const uint64_t done = row->iteration - 1;
    if (o->anneal) {
        const double at = (double)done / (double)o->iterations;
        kernel_set_outer_rate(t->kernel, 0.5 * o->kernel.outer_rate * (1.0 + cos(acos(-1.0) * at)));
    }
    for (size_t i = 0; i < batch; i++) {
        episode_draw(&t->train, done * batch + i, &t->episodes[i]);
    }
    enum status status = kernel_iterate(t->kernel, t->views, t->outcomes, err);
    if (status != STATUS_OK) {
        return status;
    }
    for (size_t i = 0; i < batch; i++) {
        row->loss += t->outcomes[i].query_loss / (double)batch;
        row->accuracy += t->outcomes[i].query_accuracy / (double)batch;
    }
    const bool due = o->evaluate_every > 0 && row->iteration % o->evaluate_every == 0;
    if (due && t->data->validation->n > 0 && o->validation_tasks > 0) {
        struct train_score found;
        status = score(t, &t->validation, o->validation_tasks, &found, err);
        if (status != STATUS_OK) {
            return status;
        }
        row->validation_loss = found.loss;
        row->validation_accuracy = found.accuracy;
        if (found.accuracy > t->state.best_accuracy) {
            keep_best(t, row->iteration, found.accuracy);
        }
    }
    return STATUS_OK;
}

static enum status save(struct trainer *t, struct error *err)
{
    if (t->options->checkpoint == NULL) {
        return STATUS_OK;
    }
    t->state.iterations_done = t->state.n_rows;
    t->state.adam_steps = kernel_adam_steps(t->kernel);
    for (size_t v = 0; v < KERNEL_VECTORS; v++) {
        kernel_get(t->kernel, (enum kernel_vector)v, t->state.vector[v]);
    }
    return train_state_save(&t->state, t->options->checkpoint, err);
}

static enum status resume(struct trainer *t, struct error *err)
{
    bool found = false;
    const enum status status = train_state_load(&t->state, t->options->checkpoint, &found, err);
    if (status != STATUS_OK || !found) {
        return status;
    }
    for (size_t v = 0; v < KERNEL_VECTORS; v++) {
        kernel_set(t->kernel, (enum kernel_vector)v, t->state.vector[v]);
    }
    kernel_set_adam_steps(t->kernel, t->state.adam_steps);
    return STATUS_OK;
}

static enum status loop(struct trainer *t, struct error *err)
{
    const struct train_options *const o = t->options;
    double saved_s = monotonic_s();
    while (t->state.n_rows < o->iterations) {
        struct train_row row = {.iteration = t->state.n_rows + 1,
                                .validation_loss = (double)NAN,
                                .validation_accuracy = (double)NAN};
        enum status status = iterate(t, &row, err);
        if (status != STATUS_OK) {
            return status;
        }
        t->state.rows[t->state.n_rows++] = row;
        const bool stop = o->progress != NULL && !o->progress(o->context, &row);
        const bool finished = t->state.n_rows == o->iterations;
        if (stop || finished || monotonic_s() - saved_s >= o->checkpoint_every_s) {
            status = save(t, err);
            saved_s = monotonic_s();
        }
        if (status != STATUS_OK) {
            return status;
        }
        if (stop && !finished) {
            return RAISE(err, ERR_INTERRUPTED, "stopped after iteration %llu of %llu",
                         (unsigned long long)row.iteration, (unsigned long long)o->iterations);
        }
    }
    return STATUS_OK;
}

/* The test before training is scored first: it uses the initial parameters, which the seed gives
 * again when a run is resumed. */
static enum status run(struct trainer *t, struct train_result *out, struct error *err)
{
    const bool tested = t->data->test->n > 0 && t->options->test_tasks > 0;
    kernel_initialise(t->kernel, stream_seed(t->options->seed, STREAM_PARAMETERS));
    enum status status = STATUS_OK;
    if (tested) {
        status = score(t, &t->test, t->options->test_tasks, &out->untrained, err);
    }
    if (status == STATUS_OK && t->options->checkpoint != NULL) {
        status = resume(t, err);
        out->resumed_at = t->state.n_rows;
    }
    if (status == STATUS_OK) {
        status = loop(t, err);
    }
    if (status == STATUS_OK && t->state.best_iteration == 0 && t->state.n_rows > 0) {
        keep_best(t, t->state.n_rows, t->state.best_accuracy); /* never validated: the last ones */
    }
    out->best_iteration = t->state.best_iteration;
    if (status == STATUS_OK && tested && t->state.best_iteration > 0) {
        kernel_set(t->kernel, KERNEL_THETA, t->state.best[KERNEL_THETA]);
        kernel_set(t->kernel, KERNEL_PHI, t->state.best[KERNEL_PHI]);
        status = score(t, &t->test, t->options->test_tasks, &out->test, err);
    }
    return status;
}

enum status train_run(const struct train_options *options, const struct train_data *data,
                      struct train_result *out, struct error *err)
{
    *out = (struct train_result){0};
    struct trainer t = {.options = options, .data = data};
    enum status status = trainer_open(&t, err);
    if (status == STATUS_OK) {
        status = run(&t, out, err);
        out->rows = t.state.rows;
        out->n = (size_t)t.state.n_rows;
        t.state.rows = NULL;
    }
    trainer_close(&t);
    return status;
}

static void put_number(struct text *out, double value)
{
    text_puts(out, ",");
    if (!isnan(value)) {
        text_number(out, value);
    }
}

enum status train_write_csv(const char *path, const struct train_result *result, struct error *err)
{
    struct text out = {0};
    text_puts(&out, "iteration,train_loss,train_accuracy,validation_loss,validation_accuracy\n");
    for (size_t i = 0; i < result->n; i++) {
        const struct train_row *const row = &result->rows[i];
        text_printf(&out, "%llu", (unsigned long long)row->iteration);
        put_number(&out, row->loss);
        put_number(&out, row->accuracy);
        put_number(&out, row->validation_loss);
        put_number(&out, row->validation_accuracy);
        text_puts(&out, "\n");
    }
    const enum status status = out.failed ? RAISE(err, ERR_MEMORY, "no memory for a CSV table")
                                          : file_write(path, out.data, out.size, err);
    text_free(&out);
    return status;
}

void train_result_free(struct train_result *result)
{
    free(result->rows);
    *result = (struct train_result){0};
}
