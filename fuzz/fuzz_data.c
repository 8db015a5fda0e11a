/* Fuzz targets of the few-shot loaders. FUZZ_DATA chooses one: a single PNG or JPEG, or a whole set
 * (zip archive, NumPy array, CIFAR-100 file). Beyond not crashing, what is accepted must hold
 * together: every pixel finite, classes that cover the images without gaps, and an episode that can
 * be drawn.
 */
#include "calibration/data.h"
#include "calibration/data/image.h"

#include <math.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_IMAGE 1
#define FUZZ_SET 2

static void demand(bool truth)
{
    if (!truth) {
        abort();
    }
}

#if FUZZ_DATA == FUZZ_IMAGE
/* The decoder's own limit is 64 megapixels; a fuzzer that finds a tall header only loses time on
 * it. */
static void check(const uint8_t *data, size_t size)
{
    for (size_t channels = 0; channels <= 3; channels++) {
        struct image image = {0};
        struct error err = {0};
        if (channels == 2) {
            continue;
        }
        if (image_decode(data, size, channels, &image, &err) == STATUS_OK) {
            demand(image.channels == 1 || image.channels == 3);
            demand(channels == 0 || image.channels == channels);
            demand(image.height > 0 && image.width > 0);
            unsigned sum = 0;
            for (size_t i = 0; i < image.height * image.width * image.channels; i++) {
                sum += image.pixels[i];
            }
            demand(sum != 1); /* reads every byte */
        } else {
            demand(err.message[0] != '\0' && image.pixels == NULL);
        }
        image_free(&image);
    }
}
#elif FUZZ_DATA == FUZZ_SET
static void check_episode(const struct image_set *set)
{
    struct class_split split;
    struct episode_sampler sampler = {0};
    struct episode episode = {0};
    struct error err = {0};
    const struct episode_shape shape = {.n_way = 2, .k_shot = 1, .q_query = 1};
    const struct split_options options = {.all_train = true,
                                          .rotations = set->height == set->width};
    demand(class_split_make(set, &options, &split, &err) == STATUS_OK);
    if (episode_sampler_init(&sampler, set, &split.train, shape, 1, &err) == STATUS_OK &&
        episode_init(&episode, set, shape, &err) == STATUS_OK) {
        episode_draw(&sampler, 7, &episode);
        const size_t pixels = set->channels * set->height * set->width;
        for (size_t i = 0; i < 2 * pixels; i++) {
            demand(isfinite(episode.x_support[i]) && isfinite(episode.x_query[i]));
        }
    }
    episode_free(&episode);
    episode_sampler_free(&sampler);
    class_split_free(&split);
}

static void check(const uint8_t *data, size_t size)
{
    struct image_set set;
    struct error err = {0};
    /* The last byte chooses the options, so that resizing and channel changes are reached. */
    const unsigned choice = size > 0 ? data[size - 1] : 0;
    const struct image_options options = {.height = (choice & 1) != 0 ? 5 : 0,
                                          .width = (choice & 1) != 0 ? 7 : 0,
                                          .channels = (choice & 6) == 6 ? 1
                                                      : choice >> 1 & 1 ? 3
                                                                        : 0,
                                          .ink_is_one = (choice & 8) != 0};
    if (image_set_load_memory("input", data, size, &options, &set, &err) == STATUS_OK) {
        size_t next = 0;
        for (size_t i = 0; i < set.n_classes; i++) {
            demand(set.classes[i].first == next && set.classes[i].count > 0);
            next += set.classes[i].count;
        }
        demand(next == set.n_images && set.n_classes >= 2);
        check_episode(&set);
    } else {
        demand(err.message[0] != '\0' && err.file[0] != '\0');
    }
    image_set_free(&set);
}
#else
#error "FUZZ_DATA must be FUZZ_IMAGE or FUZZ_SET"
#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check(data, size);
    return 0;
}
