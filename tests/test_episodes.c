/* What is drawn from few-shot data: turned and shifted images, disjoint splits, episodes that are
 * what they say, synthetic sets. */
#include "tests/data_support.h"

/* ---------------------------------------------------------------- rotations, splits, episodes */

static void turns_go_counter_clockwise_and_mirrors_come_first(void **state)
{
    (void)state;
    struct error err = {0};
    struct image_set set;
    const float data[2 * 9] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    uint8_t file[1024];
    const size_t n = make_npy(file, "<f4", "(2, 1, 3, 3)", data, sizeof data);
    assert_ok(image_set_load_memory("a", file, n, &AS_IS, &set, &err), &err);
    static const float expected[8][9] = {{1, 2, 3, 4, 5, 6, 7, 8, 9}, {3, 6, 9, 2, 5, 8, 1, 4, 7},
                                         {9, 8, 7, 6, 5, 4, 3, 2, 1}, {7, 4, 1, 8, 5, 2, 9, 6, 3},
                                         {3, 2, 1, 6, 5, 4, 9, 8, 7}, {1, 4, 7, 2, 5, 8, 3, 6, 9},
                                         {7, 8, 9, 4, 5, 6, 1, 2, 3}, {9, 6, 3, 8, 5, 2, 7, 4, 1}};
    for (unsigned turn = 0; turn < 8; turn++) {
        float out[9];
        image_set_copy(&set, 0, (struct image_pose){.orientation = turn}, out);
        assert_memory_equal(out, expected[turn], sizeof out);
    }
    image_set_free(&set);
}

static void shifts_move_down_and_right_and_hold_the_edges(void **state)
{
    (void)state;
    struct error err = {0};
    struct image_set set;
    const float data[2 * 9] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    static const struct {
        struct image_pose pose;
        float expected[9];
    } rows[] = {{{0, 1, 0}, {1, 2, 3, 1, 2, 3, 4, 5, 6}},
                {{0, 0, -1}, {2, 3, 3, 5, 6, 6, 8, 9, 9}},
                {{0, -9, 2}, {7, 7, 7, 7, 7, 7, 7, 7, 7}},
                {{1, 1, 0}, {3, 6, 9, 3, 6, 9, 2, 5, 8}}};
    uint8_t file[1024];
    const size_t n = make_npy(file, "<f4", "(2, 1, 3, 3)", data, sizeof data);
    assert_ok(image_set_load_memory("a", file, n, &AS_IS, &set, &err), &err);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        float out[9];
        image_set_copy(&set, 0, rows[i].pose, out);
        assert_memory_equal(out, rows[i].expected, sizeof out);
    }
    image_set_free(&set);
}

static void shifted_episodes_move_every_image_at_random(void **state)
{
    (void)state;
    struct error err = {0};
    struct image_set set;
    /* Every image is 0 but for its middle pixel: found wherever it was moved to. */
    static float data[3 * 4 * 49];
    static uint8_t file[4096];
    for (size_t i = 0; i < 12; i++) {
        data[i * 49 + 24] = 1.0f;
    }
    const size_t n = make_npy(file, "<f4", "(3, 4, 7, 7)", data, sizeof data);
    assert_ok(image_set_load_memory("a", file, n, &AS_IS, &set, &err), &err);
    struct class_split split;
    const struct split_options options = {.all_train = true};
    assert_ok(class_split_make(&set, &options, &split, &err), &err);
    struct episode_sampler sampler;
    const struct episode_shape shape = {.n_way = 3, .k_shot = 1, .q_query = 3};
    struct episode episode;
    assert_ok(episode_sampler_init(&sampler, &set, &split.train, shape, 6, &err), &err);
    assert_ok(episode_init(&episode, &set, shape, &err), &err);
    sampler.shift_max = 2;
    size_t seen[5][5] = {{0}};
    for (uint64_t index = 0; index < 200; index++) {
        episode_draw(&sampler, index, &episode);
        for (size_t row = 0; row < 9; row++) {
            size_t found = 0, at = 0;
            for (size_t p = 0; p < 49; p++) {
                if (episode.x_query[row * 49 + p] > 0.0f) {
                    found++;
                    at = p;
                }
            }
            assert_int_equal(found, 1);
            assert_true(at / 7 >= 1 && at / 7 <= 5 && at % 7 >= 1 && at % 7 <= 5);
            seen[at / 7 - 1][at % 7 - 1]++;
        }
    }
    /* 1800 draws over 25 places: 72 each, standard deviation 8.3. */
    for (size_t place = 0; place < 25; place++) {
        assert_true(seen[place / 5][place % 5] > 35 && seen[place / 5][place % 5] < 115);
    }
    episode_free(&episode);
    episode_sampler_free(&sampler);
    class_split_free(&split);
    image_set_free(&set);
}

static struct image_set synthetic_set(size_t groups, size_t each, size_t images)
{
    struct error err = {0};
    struct image_set set;
    const struct synthetic_options options = {.channels = 1,
                                              .height = 14,
                                              .width = 14,
                                              .n_groups = groups,
                                              .classes_per_group = each,
                                              .images_per_class = images,
                                              .seed = 11};
    assert_ok(image_set_synthetic(&options, &set, &err), &err);
    return set;
}

/* Every class is in exactly one of the lists. */
static void assert_disjoint_and_complete(const struct image_set *set,
                                         const struct class_split *split)
{
    const struct class_list *const lists[3] = {&split->train, &split->validation, &split->test};
    for (size_t i = 0; i < set->n_classes; i++) {
        int in = 0;
        for (size_t l = 0; l < 3; l++) {
            bool here = false;
            for (size_t k = 0; k < lists[l]->n; k++) {
                here = here || lists[l]->refs[k].class_index == i;
            }
            in += here;
        }
        assert_int_equal(in, 1);
    }
}

static void splits_are_disjoint_by_seed_by_group_and_by_folder(void **state)
{
    (void)state;
    struct error err = {0};
    struct image_set set = synthetic_set(4, 7, 3);
    struct class_split split;
    const struct split_options drawn = {.validation_classes = 5, .seed = 3};
    assert_ok(class_split_make(&set, &drawn, &split, &err), &err);
    assert_disjoint_and_complete(&set, &split);
    assert_int_equal(split.test.n, 6); /* a fifth of 28, rounded up */
    assert_int_equal(split.validation.n, 5);
    class_split_free(&split);

    const char *const test[] = {"alphabet03", "alphabet00/character05"};
    const char *const validation[] = {"alphabet01"};
    const struct split_options named = {.test_names = test,
                                        .n_test_names = 2,
                                        .validation_names = validation,
                                        .n_validation_names = 1,
                                        .rotations = true,
                                        .mirrors = true};
    assert_ok(class_split_make(&set, &named, &split, &err), &err);
    assert_disjoint_and_complete(&set, &split);
    assert_int_equal(split.test.n, 8);
    assert_int_equal(split.validation.n, 7);
    assert_int_equal(split.train.n, 8 * 13);
    assert_int_equal(split.train.refs[14].class_index, 1);
    assert_int_equal(split.train.refs[14].orientation, 6);
    class_split_free(&split);

    static const char *const folder[3] = {"train", "val", "test/deep"};
    for (size_t i = 0; i < set.n_classes; i++) {
        set.classes[i].group = folder[i % 3];
    }
    const struct split_options none = {0};
    assert_ok(class_split_make(&set, &none, &split, &err), &err);
    assert_disjoint_and_complete(&set, &split);
    assert_int_equal(split.train.n, 10);
    assert_int_equal(split.validation.n, 9);
    for (size_t k = 0; k < split.test.n; k++) {
        assert_int_equal(split.test.refs[k].class_index % 3, 2);
    }
    class_split_free(&split);
    image_set_free(&set);
}

static void test_classes_from_another_set_share_no_alphabet(void **state)
{
    (void)state;
    struct error err = {0};
    struct image_set train, other;
    struct class_split split;
    assert_ok(image_set_load(OMNIGLOT, &AS_IS, &other, &err), &err);
    assert_ok(image_set_load("tests/data/omniglot/images.zip", &AS_IS, &train, &err), &err);
    /* The training set loses the name of its second alphabet, so that only that one is new. */
    for (size_t i = 5; i < 10; i++) {
        train.classes[i].name = "Latin/letter";
        train.classes[i].group = "Latin";
    }
    const struct split_options all = {.all_train = true};
    assert_ok(class_split_make(&train, &all, &split, &err), &err);
    assert_int_equal(split.train.n, 10);
    assert_ok(class_split_test_from(&other, &train, &split, &err), &err);
    assert_int_equal(split.test.n, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_string_equal(other.classes[split.test.refs[i].class_index].group, "Tagalog");
    }
    class_split_free(&split);
    image_set_free(&train);
    image_set_free(&other);
}

static void episodes_hold_different_images_of_their_classes(void **state)
{
    (void)state;
    struct error err = {0};
    struct image_set set;
    /* Image j of class i is the constant 100 i + j, so that every row tells where it came from. */
    static float data[8 * 9 * 4];
    static uint8_t file[4096];
    for (size_t i = 0; i < 8 * 9 * 4; i++) {
        data[i] = (float)(100 * (i / 36) + i / 4 % 9);
    }
    const size_t n = make_npy(file, "<f4", "(8, 9, 2, 2)", data, sizeof data);
    assert_ok(image_set_load_memory("a", file, n, &AS_IS, &set, &err), &err);
    struct class_split split;
    const char *const test[] = {"class0002", "class0005"};
    const struct split_options options = {.test_names = test, .n_test_names = 2};
    assert_ok(class_split_make(&set, &options, &split, &err), &err);
    struct episode_sampler sampler;
    const struct episode_shape shape = {.n_way = 4, .k_shot = 3, .q_query = 5};
    struct episode episode;
    assert_ok(episode_sampler_init(&sampler, &set, &split.train, shape, 99, &err), &err);
    assert_ok(episode_init(&episode, &set, shape, &err), &err);
    size_t drawn[8] = {0};
    for (uint64_t index = 0; index < 600; index++) {
        episode_draw(&sampler, index, &episode);
        unsigned classes = 0;
        for (size_t way = 0; way < 4; way++) {
            const unsigned c = (unsigned)episode.x_support[way * 3 * 4] / 100;
            unsigned images = 0;
            assert_true(c < 8 && c != 2 && c != 5);
            assert_int_equal(classes >> c & 1, 0);
            classes |= 1u << c;
            drawn[c]++;
            for (size_t k = 0; k < 8; k++) {
                const size_t row = k < 3 ? way * 3 + k : way * 5 + k - 3;
                const float value = (k < 3 ? episode.x_support : episode.x_query)[row * 4];
                assert_int_equal((k < 3 ? episode.y_support : episode.y_query)[row], way);
                assert_int_equal((unsigned)value / 100, c);
                assert_int_equal(images >> (unsigned)value % 100 & 1, 0);
                images |= 1u << (unsigned)value % 100;
            }
        }
    }
    /* 600 episodes of 4 out of 6 classes: 400 each, standard deviation sqrt(600 2/3 1/3) = 11.5. */
    for (size_t c = 0; c < 8; c++) {
        if (c != 2 && c != 5) {
            assert_true(drawn[c] > 350 && drawn[c] < 450);
        }
    }
    episode_free(&episode);
    episode_sampler_free(&sampler);
    class_split_free(&split);
    image_set_free(&set);
}

static void an_episode_depends_on_seed_and_index_alone(void **state)
{
    (void)state;
    struct error err = {0};
    struct image_set set = synthetic_set(2, 5, 6);
    struct class_split split;
    const struct split_options options = {.all_train = true, .rotations = true};
    assert_ok(class_split_make(&set, &options, &split, &err), &err);
    const struct episode_shape shape = {.n_way = 5, .k_shot = 1, .q_query = 2};
    struct episode_sampler a, b;
    struct episode x, y;
    assert_ok(episode_sampler_init(&a, &set, &split.train, shape, 5, &err), &err);
    assert_ok(episode_sampler_init(&b, &set, &split.train, shape, 5, &err), &err);
    assert_ok(episode_init(&x, &set, shape, &err), &err);
    assert_ok(episode_init(&y, &set, shape, &err), &err);
    for (uint64_t index = 0; index < 9; index++) {
        episode_draw(&a, index, &x);
    }
    episode_draw(&b, 8, &y);
    assert_memory_equal(x.x_query, y.x_query, 10 * 196 * sizeof(float));
    assert_memory_equal(x.x_support, y.x_support, 5 * 196 * sizeof(float));
    episode_draw(&b, 9, &y);
    assert_memory_not_equal(x.x_query, y.x_query, 10 * 196 * sizeof(float));
    episode_free(&x);
    episode_free(&y);
    episode_sampler_free(&a);
    episode_sampler_free(&b);
    class_split_free(&split);
    image_set_free(&set);
}

/* ---------------------------------------------------------------- synthetic */

static double distance2(const float *a, const float *b, size_t n)
{
    double sum = 0.0;
    for (size_t i = 0; i < n; i++) {
        sum += (double)(a[i] - b[i]) * (double)(a[i] - b[i]);
    }
    return sum;
}

/* Same class, nearest in the mean: what makes the set learnable, and not trivially so. */
static void synthetic_images_resemble_their_class(void **state)
{
    (void)state;
    static const size_t channels[2] = {1, 3};
    for (size_t s = 0; s < 2; s++) {
        struct error err = {0};
        struct image_set set;
        const struct synthetic_options options = {.channels = channels[s],
                                                  .height = 28,
                                                  .width = 28,
                                                  .n_groups = 2,
                                                  .classes_per_group = 5,
                                                  .images_per_class = 6,
                                                  .seed = 4};
        assert_ok(image_set_synthetic(&options, &set, &err), &err);
        const size_t n = channels[s] * 784;
        float *const a = malloc(n * sizeof *a), *const b = malloc(n * sizeof *b);
        assert_non_null(a);
        assert_non_null(b);
        double within = 0.0, between = 0.0;
        for (size_t i = 0; i < set.n_images; i++) {
            image_set_copy(&set, i, (struct image_pose){0}, a);
            for (size_t k = 0; k < i; k++) {
                image_set_copy(&set, k, (struct image_pose){0}, b);
                *(i / 6 == k / 6 ? &within : &between) += distance2(a, b, n);
            }
        }
        within /= 10.0 * 15.0;
        between /= 45.0 * 36.0;
        assert_true(within < 0.9 * between);
        assert_true(within > 0.05 * between);
        free(a);
        free(b);
        image_set_free(&set);
    }
}

static void the_same_seed_draws_the_same_set(void **state)
{
    (void)state;
    struct image_set a = synthetic_set(2, 3, 4), b = synthetic_set(2, 3, 4);
    assert_int_equal(a.hash, b.hash);
    /* More alphabets do not change the first ones. */
    struct image_set more = synthetic_set(3, 3, 4);
    assert_memory_equal(a.bytes, more.bytes, a.n_images * 196);
    assert_int_not_equal(a.hash, more.hash);
    image_set_free(&a);
    image_set_free(&b);
    image_set_free(&more);
}

static void standardised_training_pixels_have_mean_zero_and_variance_one(void **state)
{
    (void)state;
    struct error err = {0};
    struct image_set set = synthetic_set(2, 5, 6);
    struct class_split split;
    const struct split_options options = {.seed = 1};
    assert_ok(class_split_make(&set, &options, &split, &err), &err);
    assert_ok(image_set_standardise(&set, &split.train, &err), &err);
    double n = 0.0, sum = 0.0, squares = 0.0;
    float out[196];
    for (size_t k = 0; k < split.train.n; k++) {
        for (size_t i = 0; i < 6; i++) {
            image_set_copy(&set, set.classes[split.train.refs[k].class_index].first + i,
                           (struct image_pose){0}, out);
            for (size_t p = 0; p < 196; p++) {
                n += 1.0;
                sum += (double)out[p];
                squares += (double)out[p] * (double)out[p];
            }
        }
    }
    assert_true(fabs(sum / n) < 1e-5);
    assert_close(squares / n, 1.0, 1e-5);
    class_split_free(&split);
    image_set_free(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(turns_go_counter_clockwise_and_mirrors_come_first),
        cmocka_unit_test(shifts_move_down_and_right_and_hold_the_edges),
        cmocka_unit_test(shifted_episodes_move_every_image_at_random),
        cmocka_unit_test(splits_are_disjoint_by_seed_by_group_and_by_folder),
        cmocka_unit_test(test_classes_from_another_set_share_no_alphabet),
        cmocka_unit_test(episodes_hold_different_images_of_their_classes),
        cmocka_unit_test(an_episode_depends_on_seed_and_index_alone),
        cmocka_unit_test(synthetic_images_resemble_their_class),
        cmocka_unit_test(the_same_seed_draws_the_same_set),
        cmocka_unit_test(standardised_training_pixels_have_mean_zero_and_variance_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
