/* Door of the few-shot data: pictures in classes, splits of the classes, episodes drawn from them.
 *
 *     struct image_set set;                       every picture, one size
 *     image_set_load("omniglot.zip", &options, &set, &err);
 *     struct class_split split;                   which classes train, validate, test
 *     class_split_make(&set, &split_options, &split, &err);
 *     struct episode_sampler sampler;             N ways, K shots, Qk queries
 *     episode_sampler_init(&sampler, &set, &split.train, shape, seed, &err);
 *     episode_draw(&sampler, index, &episode);    the same index is always the same episode
 *
 * What can be loaded (told apart by content and name, never by an option):
 *   - a folder or a zip archive of class folders of PNG or JPEG files, at any depth
 *     (class/x.png, alphabet/character/x.png, train/class/x.jpg); the class is the folder a picture
 *     lies in, its group the path above that folder;
 *   - a NumPy array file: images (class, sample, H, W) or (class, sample, H, W, C); C first when
 * only that position holds 1 or 3. A file NAME.npy with NAME_labels.npy beside it, or a folder, a
 *     zip or an .npz with images.npy and labels.npy: images (sample, H, W) or (sample, H, W, C) and
 * one integer label each. Types: u1, i2, i4, i8, f4, f8, little or big endian, and bool; integers
 *     are taken as 0..255, bool as 0 and 1, floats as they are;
 *   - CIFAR-100, binary version: train.bin, test.bin or a folder (or zip) with either or both of
 * them and, if present, fine_label_names.txt and coarse_label_names.txt; the group of a class is
 * its superclass, which is what FC100 splits by.
 */
#ifndef CALIBRATION_DATA_H
#define CALIBRATION_DATA_H

#include "model/base/base.h"

/* ---------------------------------------------------------------- pictures */

struct image_class {
    const char *name;    /* unique in the set: "Greek/character07" */
    const char *group;   /* "Greek"; empty when there is no level above the class */
    size_t first, count; /* its images are consecutive */
};

/* Images of one size in NCHW order. A value handed out is stored * scale[c] + offset[c], a float:
 * by default bytes become [0, 1] and floats stay as they are. */
struct image_set {
    size_t channels, height, width, n_images, n_classes;
    uint8_t *bytes; /* n_images * channels * height * width, or NULL */
    float *values;  /* the same for data that comes as floats, or NULL */
    struct image_class *classes;
    float scale[4], offset[4];
    uint64_t hash; /* of the pixels and class names: tells checkpoints which data they saw */
    struct arena names;
};

struct image_options {
    size_t height, width; /* 0, 0: as the files have it, and then all must agree */
    size_t channels;      /* 0: 1 if the first image is grey, else 3; 1; 3 */
    bool ink_is_one;      /* grey images that are light on average are turned: ink 1, paper 0, as
                           * few-shot libraries load Omniglot */
};

/* Load everything at `path`; see the top of this file for what that may be.
 *
 * Model:   images are resized by area (shrinking) or bilinearly (growing); 8-bit in between.
 * Owns:    caller frees *out with image_set_free(), also after an error.
 * Errors:  ERR_IO for unreadable files; ERR_INPUT for truncated or damaged ones, sizes that do not
 *          agree, an empty folder, a single class, NaN or infinite pixels; ERR_MEMORY. The error
 *          names the file (and the entry of the archive).
 */
enum status image_set_load(const char *path, const struct image_options *options,
                           struct image_set *out, struct error *err);

/* The same from bytes in memory; `name` stands for the path in errors. A zip archive, one .npy
 * array of classes, or one CIFAR-100 file, told apart by content. */
enum status image_set_load_memory(const char *name, const uint8_t *data, size_t n,
                                  const struct image_options *options, struct image_set *out,
                                  struct error *err);

struct synthetic_options {
    size_t channels, height, width;     /* 1 channel: stroke characters; 3: textured patches */
    size_t n_groups, classes_per_group; /* "alphabets" and their "characters" */
    size_t images_per_class;
    uint64_t seed;
};

/* Draw a set: characters of a few pen strokes, every image another hand (control points moved, the
 * whole rotated, sheared, scaled, shifted; another pen width), or patches of two oriented waves in
 * two colours, every image with other phases, lighting and noise. No download, no file.
 *
 * Model:   random classes after the generative idea of Lake, Salakhutdinov and Tenenbaum, Science
 *          350 (2015) 1332: a character is a motor program, an image one execution of it.
 * Errors:  ERR_INPUT for 0 or absurd counts, ERR_MEMORY.
 */
enum status image_set_synthetic(const struct synthetic_options *options, struct image_set *out,
                                struct error *err);

void image_set_free(struct image_set *set);

/* ---------------------------------------------------------------- classes */

/* A class as drawn or turned, "rotations as extra classes": orientation 0..3 is the number of
 * quarter turns counter-clockwise; 4..7 is the same after mirroring left to right. */
struct class_ref {
    uint32_t class_index;
    uint32_t orientation;
};

struct class_list {
    struct class_ref *refs;
    size_t n;
};

struct class_split {
    struct class_list train, validation, test;
};

struct split_options {
    const char *const *test_names; /* classes or groups; NULL: see below */
    size_t n_test_names;
    const char *const *validation_names;
    size_t n_validation_names;
    size_t validation_classes; /* drawn from the rest when no names are given */
    bool all_train;            /* nothing is kept for testing: the test data comes from elsewhere */
    bool rotations;            /* every training class four times, turned by 0..3 quarter turns */
    bool mirrors;              /* every training class twice, also mirrored left to right */
    uint64_t seed;
};

/* Divide the classes into three disjoint lists.
 *
 * Model:   names choose test and validation classes. Without names, top folders called
 *          train/val/test (training, validation, valid, testing, evaluation, background too) are
 *          taken as the split; otherwise a fifth of the classes, drawn by seed, is for testing.
 * Validation and test classes are never rotated. Owns:    caller frees *out with
 * class_split_free(), also after an error. Errors:  ERR_INPUT for a name that is no class or group
 * (with the nearest one), a name in both lists, an empty training list, rotations of images that
 * are not square; ERR_MEMORY.
 */
enum status class_split_make(const struct image_set *set, const struct split_options *options,
                             struct class_split *out, struct error *err);

/* Test classes from another set: those whose name and whose group `train` does not use, so that
 * nothing trained on is tested. Frees a former out->test. Errors: ERR_INPUT when none is left. */
enum status class_split_test_from(const struct image_set *other, const struct image_set *train,
                                  struct class_split *split, struct error *err);

void class_split_free(struct class_split *split);

/* Set scale and offset so that the pixels of these classes have mean 0 and variance 1 per channel,
 * the usual preparation of colour images. Errors: ERR_INPUT when a channel is constant. */
enum status image_set_standardise(struct image_set *set, const struct class_list *classes,
                                  struct error *err);

/* How an image is handed out: turned (see class_ref; square images only), and shifted down and
 * right by some pixels, the edges held. */
struct image_pose {
    unsigned orientation;
    int shift_y, shift_x;
};

/* One image, floats (channels, height, width). */
void image_set_copy(const struct image_set *set, size_t image, struct image_pose pose, float *out);

/* ---------------------------------------------------------------- episodes */

struct episode_shape {
    size_t n_way, k_shot, q_query;
};

/* One task. Labels count from 0; class i of the episode holds rows [i*k_shot, (i+1)*k_shot). */
struct episode {
    float *x_support;   /* (n_way * k_shot, channels, height, width) */
    float *x_query;     /* (n_way * q_query, channels, height, width) */
    int32_t *y_support; /* n_way * k_shot */
    int32_t *y_query;   /* n_way * q_query */
};

struct episode_sampler {
    const struct image_set *set;      /* borrowed */
    const struct class_list *classes; /* borrowed */
    struct episode_shape shape;
    uint64_t seed;
    unsigned shift_max; /* pixels: every image is moved by -shift_max..shift_max along both axes, to
                         * see more hands than the data has; 0 after init */
    uint32_t *order;    /* scratch */
};

/* Errors: ERR_INPUT when there are fewer classes than ways or a class has fewer images than shots
 * and queries together (it is named); ERR_MEMORY. Free with episode_sampler_free(). */
enum status episode_sampler_init(struct episode_sampler *sampler, const struct image_set *set,
                                 const struct class_list *classes, struct episode_shape shape,
                                 uint64_t seed, struct error *err);

/* Fill the caller's arrays with episode `index`: n_way different classes, and in each of them
 * k_shot + q_query different images, all equally likely. Depends on (set, classes, shape, seed,
 * shift_max, index) alone; takes no memory. */
void episode_draw(struct episode_sampler *sampler, uint64_t index, const struct episode *out);

void episode_sampler_free(struct episode_sampler *sampler);

/* One block for an episode of this shape. Errors: ERR_MEMORY. Free with episode_free(). */
enum status episode_init(struct episode *out, const struct image_set *set,
                         struct episode_shape shape, struct error *err);
void episode_free(struct episode *episode);

#endif
