/* Which classes train, which validate, which test: three disjoint lists of (class, rotation). */
#include "calibration/data/loaders.h"
#include "calibration/data/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum part { PART_TRAIN, PART_VALIDATION, PART_TEST };

/* Does a class carry this name, itself or as (a level of) its group? */
static bool class_answers_to(const struct image_class *c, const char *name)
{
    const size_t n = strlen(name);
    return strcmp(c->name, name) == 0 || strcmp(c->group, name) == 0 ||
           (strncmp(c->group, name, n) == 0 && c->group[n] == '/');
}

static enum status raise_unknown(const struct image_set *set, const char *name, struct error *err)
{
    const char **const known = malloc(2 * set->n_classes * sizeof *known);
    if (known == NULL) {
        return RAISE(err, ERR_MEMORY, "no memory for class names");
    }
    for (size_t i = 0; i < set->n_classes; i++) {
        known[2 * i] = set->classes[i].name;
        known[2 * i + 1] = set->classes[i].group;
    }
    const char *const near = nearest_name(name, known, 2 * set->n_classes);
    const enum status status =
        near == NULL
            ? RAISE(err, ERR_INPUT, "no class or group is called '%s' (the first is '%s')", name,
                    set->classes[0].name)
            : RAISE(err, ERR_INPUT, "no class or group is called '%s', is '%s' meant?", name, near);
    free(known);
    return status;
}

static enum status mark_names(const struct image_set *set, const char *const *names, size_t n,
                              enum part part, enum part *parts, struct error *err)
{
    for (size_t k = 0; k < n; k++) {
        size_t found = 0;
        for (size_t i = 0; i < set->n_classes; i++) {
            if (!class_answers_to(&set->classes[i], names[k])) {
                continue;
            }
            found++;
            if (parts[i] != PART_TRAIN && parts[i] != part) {
                return RAISE(err, ERR_INPUT,
                             "class '%s' is named for validation and for testing, expected "
                             "disjoint classes",
                             set->classes[i].name);
            }
            parts[i] = part;
        }
        if (found == 0) {
            return raise_unknown(set, names[k], err);
        }
    }
    return STATUS_OK;
}

/* The split that top folders announce: part of the first level of a group, or -1. */
static int part_of_folder(const char *group)
{
    static const struct {
        const char *name;
        enum part part;
    } known[] = {{"train", PART_TRAIN},
                 {"training", PART_TRAIN},
                 {"background", PART_TRAIN},
                 {"images_background", PART_TRAIN},
                 {"meta-train", PART_TRAIN},
                 {"val", PART_VALIDATION},
                 {"valid", PART_VALIDATION},
                 {"validation", PART_VALIDATION},
                 {"meta-val", PART_VALIDATION},
                 {"test", PART_TEST},
                 {"testing", PART_TEST},
                 {"evaluation", PART_TEST},
                 {"images_evaluation", PART_TEST},
                 {"meta-test", PART_TEST}};
    const size_t n = strcspn(group, "/");
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strlen(known[i].name) == n && strncasecmp(group, known[i].name, n) == 0) {
            return (int)known[i].part;
        }
    }
    return -1;
}

/* All groups are folders of a split, and one of them is for testing. */
static bool folders_are_a_split(const struct image_set *set)
{
    bool test = false;
    for (size_t i = 0; i < set->n_classes; i++) {
        const int part = part_of_folder(set->classes[i].group);
        if (part < 0) {
            return false;
        }
        test = test || part == (int)PART_TEST;
    }
    return test;
}

/* Move `n` classes, drawn without replacement from those still in training, to a part. */
static void draw_part(enum part *parts, size_t n_classes, size_t n, enum part part, uint64_t seed)
{
    struct random_stream random = random_open(seed, (uint64_t)part);
    size_t left = 0;
    for (size_t i = 0; i < n_classes; i++) {
        left += parts[i] == PART_TRAIN;
    }
    /* Selection sampling: Knuth, The Art of Computer Programming 2, 3.4.2, algorithm S. */
    for (size_t i = 0; i < n_classes && n > 0; i++) {
        if (parts[i] != PART_TRAIN) {
            continue;
        }
        if (random_below(&random, left) < n) {
            parts[i] = part;
            n--;
        }
        left--;
    }
}

static enum status choose_parts(const struct image_set *set, const struct split_options *options,
                                enum part *parts, struct error *err)
{
    const bool folders = options->test_names == NULL && options->validation_names == NULL &&
                         !options->all_train && folders_are_a_split(set);
    bool validation_known = options->validation_names != NULL;
    for (size_t i = 0; i < set->n_classes; i++) {
        parts[i] = folders ? (enum part)part_of_folder(set->classes[i].group) : PART_TRAIN;
        validation_known = validation_known || parts[i] == PART_VALIDATION;
    }
    enum status status =
        mark_names(set, options->test_names, options->n_test_names, PART_TEST, parts, err);
    if (status == STATUS_OK) {
        status = mark_names(set, options->validation_names, options->n_validation_names,
                            PART_VALIDATION, parts, err);
    }
    if (status == STATUS_OK && !folders && !options->all_train && options->test_names == NULL) {
        draw_part(parts, set->n_classes, (set->n_classes + 4) / 5, PART_TEST, options->seed);
    }
    if (status == STATUS_OK && !validation_known) {
        draw_part(parts, set->n_classes, options->validation_classes, PART_VALIDATION,
                  options->seed);
    }
    return status;
}

/* orientations: the set bits of a byte. */
static enum status list_part(const struct image_set *set, const enum part *parts, enum part part,
                             unsigned orientations, struct class_list *out, struct error *err)
{
    size_t n = 0;
    for (size_t i = 0; i < set->n_classes; i++) {
        n += parts[i] == part;
    }
    *out = (struct class_list){.refs = malloc((8 * n + 1) * sizeof *out->refs)};
    if (out->refs == NULL) {
        return RAISE(err, ERR_MEMORY, "no memory for %zu classes", n);
    }
    for (size_t i = 0; i < set->n_classes; i++) {
        for (uint32_t k = 0; k < 8 && parts[i] == part; k++) {
            if ((orientations >> k & 1) != 0) {
                out->refs[out->n++] = (struct class_ref){(uint32_t)i, k};
            }
        }
    }
    return STATUS_OK;
}

enum status class_split_make(const struct image_set *set, const struct split_options *options,
                             struct class_split *out, struct error *err)
{
    *out = (struct class_split){0};
    if (options->rotations && set->height != set->width) {
        return RAISE(err, ERR_INPUT,
                     "rotations as extra classes need square images, these are %zu x %zu",
                     set->width, set->height);
    }
    enum part *const parts = malloc(set->n_classes * sizeof *parts);
    if (parts == NULL) {
        return RAISE(err, ERR_MEMORY, "no memory for %zu classes", set->n_classes);
    }
    enum status status = choose_parts(set, options, parts, err);
    if (status == STATUS_OK) {
        const unsigned turned = options->rotations ? 0xfu : 1u;
        status = list_part(set, parts, PART_TRAIN, options->mirrors ? turned | turned << 4 : turned,
                           &out->train, err);
    }
    if (status == STATUS_OK) {
        status = list_part(set, parts, PART_VALIDATION, 1, &out->validation, err);
    }
    if (status == STATUS_OK) {
        status = list_part(set, parts, PART_TEST, 1, &out->test, err);
    }
    if (status == STATUS_OK && out->train.n == 0) {
        status =
            RAISE(err, ERR_INPUT,
                  "all %zu classes are taken for validation (%zu) and testing "
                  "(%zu), none is left to train on: --validation-classes and --test-classes take "
                  "fewer",
                  set->n_classes, out->validation.n, out->test.n);
    }
    free(parts);
    return status;
}

enum status class_split_test_from(const struct image_set *other, const struct image_set *train,
                                  struct class_split *split, struct error *err)
{
    free(split->test.refs);
    split->test = (struct class_list){.refs = malloc(other->n_classes * sizeof *split->test.refs)};
    if (split->test.refs == NULL) {
        return RAISE(err, ERR_MEMORY, "no memory for %zu classes", other->n_classes);
    }
    for (size_t i = 0; i < other->n_classes; i++) {
        const struct image_class *const c = &other->classes[i];
        bool shared = false;
        for (size_t k = 0; k < train->n_classes && !shared; k++) {
            shared = strcmp(c->name, train->classes[k].name) == 0 ||
                     (c->group[0] != '\0' && strcmp(c->group, train->classes[k].group) == 0);
        }
        if (!shared) {
            split->test.refs[split->test.n++] = (struct class_ref){(uint32_t)i, 0};
        }
    }
    if (split->test.n == 0) {
        return RAISE(err, ERR_INPUT,
                     "all %zu classes of the test data carry the name or group of a training "
                     "class, expected others",
                     other->n_classes);
    }
    return STATUS_OK;
}

void class_split_free(struct class_split *split)
{
    free(split->train.refs);
    free(split->validation.refs);
    free(split->test.refs);
    *split = (struct class_split){0};
}

enum status image_set_standardise(struct image_set *set, const struct class_list *classes,
                                  struct error *err)
{
    const size_t area = set->height * set->width;
    for (size_t c = 0; c < set->channels; c++) {
        /* Shifted by the first pixel, the sums of values in one byte's range stay exact enough. */
        double n = 0.0, sum = 0.0, squares = 0.0, shift = 0.0;
        for (size_t k = 0; k < classes->n; k++) {
            const struct image_class *const from = &set->classes[classes->refs[k].class_index];
            if (classes->refs[k].orientation != 0) {
                continue; /* the same pixels again */
            }
            for (size_t i = from->first; i < from->first + from->count; i++) {
                for (size_t p = 0; p < area; p++) {
                    const size_t at = (i * set->channels + c) * area + p;
                    const double x = set->bytes != NULL ? set->bytes[at] : (double)set->values[at];
                    shift = n > 0.0 ? shift : x;
                    n += 1.0;
                    sum += x - shift;
                    squares += (x - shift) * (x - shift);
                }
            }
        }
        const double variance = (squares - sum * sum / n) / n;
        if (!(variance > 0.0)) {
            return RAISE(err, ERR_INPUT, "channel %zu of the training images is constant", c);
        }
        const double sign = set->scale[c] < 0.0f ? -1.0 : 1.0;
        set->scale[c] = (float)(sign / sqrt(variance));
        set->offset[c] = (float)(-sign * (shift + sum / n) / sqrt(variance));
    }
    image_set_finish(set);
    return STATUS_OK;
}
