/* Episodes: N classes, K support and Qk query images of each, without replacement. */
#include "calibration/data.h"
#include "calibration/data/random.h"

#include <stdlib.h>

enum status episode_sampler_init(struct episode_sampler *sampler, const struct image_set *set,
                                 const struct class_list *classes, struct episode_shape shape,
                                 uint64_t seed, struct error *err)
{
    *sampler =
        (struct episode_sampler){.set = set, .classes = classes, .shape = shape, .seed = seed};
    const size_t each = shape.k_shot + shape.q_query;
    if (shape.n_way < 2 || shape.k_shot < 1 || shape.q_query < 1) {
        return RAISE(
            err, ERR_INPUT,
            "episodes of %zu ways, %zu shots and %zu queries, expected at least 2, 1 and 1",
            shape.n_way, shape.k_shot, shape.q_query);
    }
    if (classes->n < shape.n_way) {
        return RAISE(err, ERR_INPUT, "%zu classes, expected at least %zu for %zu-way episodes",
                     classes->n, shape.n_way, shape.n_way);
    }
    size_t longest = classes->n;
    for (size_t i = 0; i < classes->n; i++) {
        const struct image_class *const c = &set->classes[classes->refs[i].class_index];
        if (c->count < each) {
            return RAISE(err, ERR_INPUT,
                         "class '%s' has %zu images, expected at least %zu (%zu shots and %zu "
                         "queries)",
                         c->name, c->count, each, shape.k_shot, shape.q_query);
        }
        longest = c->count > longest ? c->count : longest;
    }
    sampler->order = malloc(longest * sizeof *sampler->order);
    if (sampler->order == NULL) {
        return RAISE(err, ERR_MEMORY, "no memory to sample from %zu classes", classes->n);
    }
    return STATUS_OK;
}

void episode_sampler_free(struct episode_sampler *sampler)
{
    free(sampler->order);
    *sampler = (struct episode_sampler){0};
}

/* The first k of a random order of 0..n-1 (Fisher and Yates, stopped after k), to order[0..k). */
static void choose(struct random_stream *random, uint32_t *order, size_t n, size_t k)
{
    for (size_t i = 0; i < n; i++) {
        order[i] = (uint32_t)i;
    }
    for (size_t i = 0; i < k; i++) {
        const size_t j = i + (size_t)random_below(random, n - i);
        const uint32_t held = order[i];
        order[i] = order[j];
        order[j] = held;
    }
}

/* One image of the episode, moved at random. */
static void draw_image(const struct episode_sampler *sampler, struct random_stream *random,
                       size_t image, unsigned orientation, float *out)
{
    struct image_pose pose = {.orientation = orientation};
    if (sampler->shift_max > 0) {
        const uint64_t range = 2 * (uint64_t)sampler->shift_max + 1;
        pose.shift_y = (int)random_below(random, range) - (int)sampler->shift_max;
        pose.shift_x = (int)random_below(random, range) - (int)sampler->shift_max;
    }
    image_set_copy(sampler->set, image, pose, out);
}

void episode_draw(struct episode_sampler *sampler, uint64_t index, const struct episode *out)
{
    const struct image_set *const set = sampler->set;
    const struct episode_shape shape = sampler->shape;
    const size_t pixels = set->channels * set->height * set->width;
    struct random_stream random = random_open(sampler->seed, index);
    /* The classes are parked in y_support while the scratch serves the images of each class: entry
     * way * k_shot is read before that class's labels are written. */
    choose(&random, sampler->order, sampler->classes->n, shape.n_way);
    for (size_t way = 0; way < shape.n_way; way++) {
        out->y_support[way * shape.k_shot] = (int32_t)sampler->order[way];
    }
    for (size_t way = 0; way < shape.n_way; way++) {
        const struct class_ref ref = sampler->classes->refs[out->y_support[way * shape.k_shot]];
        const struct image_class *const c = &set->classes[ref.class_index];
        choose(&random, sampler->order, c->count, shape.k_shot + shape.q_query);
        for (size_t k = 0; k < shape.k_shot; k++) {
            const size_t row = way * shape.k_shot + k;
            draw_image(sampler, &random, c->first + sampler->order[k], ref.orientation,
                       out->x_support + row * pixels);
            out->y_support[row] = (int32_t)way;
        }
        for (size_t q = 0; q < shape.q_query; q++) {
            const size_t row = way * shape.q_query + q;
            draw_image(sampler, &random, c->first + sampler->order[shape.k_shot + q],
                       ref.orientation, out->x_query + row * pixels);
            out->y_query[row] = (int32_t)way;
        }
    }
}

enum status episode_init(struct episode *out, const struct image_set *set,
                         struct episode_shape shape, struct error *err)
{
    const size_t pixels = set->channels * set->height * set->width;
    const size_t support = shape.n_way * shape.k_shot, query = shape.n_way * shape.q_query;
    float *const block = malloc((support + query) * (pixels * sizeof(float) + sizeof(int32_t)));
    if (block == NULL) {
        *out = (struct episode){0};
        return RAISE(err, ERR_MEMORY, "no memory for an episode of %zu images", support + query);
    }
    int32_t *const labels = (int32_t *)(void *)(block + (support + query) * pixels);
    *out = (struct episode){.x_support = block,
                            .x_query = block + support * pixels,
                            .y_support = labels,
                            .y_query = labels + support};
    return STATUS_OK;
}

void episode_free(struct episode *episode)
{
    free(episode->x_support);
    *episode = (struct episode){0};
}
