/* Few-shot data that is well: every format gives the pixels that were written. What is drawn from
 * it is in test_episodes.c, bad data in test_data_errors.c. */
#include "tests/data_support.h"

#include "calibration/data/resize.h"

static float pixel(const struct image_set *set, size_t image, size_t at)
{
    float *const out = malloc(set->channels * set->height * set->width * sizeof *out);
    assert_non_null(out);
    image_set_copy(set, image, (struct image_pose){0}, out);
    const float value = out[at];
    free(out);
    return value;
}

/* ---------------------------------------------------------------- resizing */

static void shrinking_weighs_pixels_by_the_area_they_cover(void **state)
{
    (void)state;
    struct error err = {0};
    struct resizer r;
    /* 3 -> 2 along x, 2 -> 1 along y, by hand: outputs cover pixels 0 and half of 1, half of 1
     * and 2. */
    const double in[6] = {10.0, 40.0, 7.0, 31.0, 2.0, 90.0};
    double out[2];
    assert_ok(resizer_init(&r, 2, 3, 1, 2, &err), &err);
    resizer_run(&r, in, out);
    assert_close(out[0], ((10.0 + 20.0) / 1.5 + (31.0 + 1.0) / 1.5) / 2.0, 1e-14);
    assert_close(out[1], ((20.0 + 7.0) / 1.5 + (1.0 + 90.0) / 1.5) / 2.0, 1e-14);
    resizer_free(&r);
}

static void growing_is_linear_between_pixel_centres(void **state)
{
    (void)state;
    struct error err = {0};
    struct resizer r;
    const double in[3] = {5.0, 13.0, 1.0};
    double out[6];
    assert_ok(resizer_init(&r, 1, 3, 1, 6, &err), &err);
    resizer_run(&r, in, out);
    /* Centres at -0.25, 0.25, 0.75, 1.25, 1.75, 2.25 of the input; the ends are held. */
    const double expected[6] = {5.0, 7.0, 11.0, 10.0, 4.0, 1.0};
    for (size_t i = 0; i < 6; i++) {
        assert_close(out[i], expected[i], 1e-14);
    }
    resizer_free(&r);
}

static void resizing_keeps_a_constant_picture(void **state)
{
    (void)state;
    for (size_t out_size = 1; out_size < 40; out_size++) {
        struct error err = {0};
        struct resizer r;
        double in[17 * 13], out[39 * 39];
        for (size_t i = 0; i < 17 * 13; i++) {
            in[i] = 201.7;
        }
        assert_ok(resizer_init(&r, 17, 13, out_size, out_size, &err), &err);
        resizer_run(&r, in, out);
        for (size_t i = 0; i < out_size * out_size; i++) {
            assert_close(out[i], 201.7, 1e-13);
        }
        resizer_free(&r);
    }
}

/* ---------------------------------------------------------------- class folders and zips */

static void omniglot_folders_become_classes_in_alphabets(void **state)
{
    (void)state;
    struct error err = {0};
    struct image_set set;
    assert_ok(image_set_load(OMNIGLOT, &AS_IS, &set, &err), &err);
    assert_int_equal(set.n_classes, 10);
    assert_int_equal(set.n_images, 60);
    assert_int_equal(set.channels, 1);
    assert_int_equal(set.height, 105);
    assert_string_equal(set.classes[0].name, "Early_Aramaic/character01");
    assert_string_equal(set.classes[9].name, "Tagalog/character05");
    assert_string_equal(set.classes[9].group, "Tagalog");
    assert_int_equal(set.classes[9].first, 54);
    assert_int_equal(set.classes[9].count, 6);
    for (size_t i = 0; i < set.n_images * 105 * 105; i++) {
        assert_true(set.bytes[i] == 0 || set.bytes[i] == 255);
    }
    image_set_free(&set);
}

static void ink_is_one_and_survives_resizing(void **state)
{
    (void)state;
    struct error err = {0};
    struct image_set raw, small;
    const struct image_options options = {
        .height = 28, .width = 28, .channels = 1, .ink_is_one = true};
    assert_ok(image_set_load(OMNIGLOT, &AS_IS, &raw, &err), &err);
    assert_ok(image_set_load(OMNIGLOT, &options, &small, &err), &err);
    float out[28 * 28];
    for (size_t i = 0; i < raw.n_images; i++) {
        double paper = 0.0, ink = 0.0;
        for (size_t k = 0; k < 105 * 105; k++) {
            paper += raw.bytes[i * 105 * 105 + k] / 255.0;
        }
        image_set_copy(&small, i, (struct image_pose){0}, out);
        for (size_t k = 0; k < 28 * 28; k++) {
            assert_true(out[k] >= 0.0f && out[k] <= 1.0f);
            ink += (double)out[k];
        }
        /* Rounding to 8 bits moves the mean by at most half a level. */
        const double share = 1.0 - paper / (105.0 * 105.0);
        assert_true(fabs(ink / (28.0 * 28.0) - share) <= 0.5 / 255.0);
        assert_true(share > 0.01 && share < 0.2);
    }
    image_set_free(&raw);
    image_set_free(&small);
}

static void light_ink_on_dark_ground_stays_as_it_is(void **state)
{
    (void)state;
    struct error err = {0};
    struct image_set set;
    const uint8_t data[2 * 9] = {0, 255, 0, 0, 0, 0, 0, 0, 9};
    uint8_t file[1024];
    const struct image_options options = {.ink_is_one = true};
    const size_t n = make_npy(file, "|u1", "(2, 1, 3, 3)", data, sizeof data);
    assert_ok(image_set_load_memory("a", file, n, &options, &set, &err), &err);
    assert_close((double)pixel(&set, 0, 1), 1.0, 1e-6);
    assert_close((double)pixel(&set, 0, 0), 0.0, 1e-6);
    image_set_free(&set);
}

static void a_zip_holds_the_same_as_its_folder(void **state)
{
    (void)state;
    struct error err = {0};
    struct image_set folder, archive;
    assert_ok(image_set_load(OMNIGLOT, &AS_IS, &folder, &err), &err);
    assert_ok(image_set_load("tests/data/omniglot/images.zip", &AS_IS, &archive, &err), &err);
    assert_int_equal(folder.hash, archive.hash);
    assert_int_equal(folder.n_images, archive.n_images);
    assert_memory_equal(folder.bytes, archive.bytes, folder.n_images * 105 * 105);
    image_set_free(&folder);
    image_set_free(&archive);
}

/* Colours that JPEG at quality 100 keeps within a few levels. */
static void fill_flat(uint8_t *pixels, size_t n, size_t channels, unsigned value)
{
    for (size_t i = 0; i < n * channels; i++) {
        pixels[i] = (uint8_t)(value + 37 * (i % channels));
    }
}

static void png_and_jpeg_mix_in_colour_and_other_files_are_left_alone(void **state)
{
    (void)state;
    struct error err = {0};
    struct scratch s;
    struct image_set set;
    uint8_t pixels[3 * 12 * 9];
    scratch_open(&s);
    for (unsigned c = 0; c < 3; c++) {
        char name[64];
        fill_flat(pixels, 12 * 9, 3, 20 + 30 * c);
        snprintf(name, sizeof name, "class%u/a.png", c);
        write_png(&s, name, pixels, 12, 9, 3);
        snprintf(name, sizeof name, "class%u/b.JPG", c);
        write_jpeg(&s, name, pixels, 12, 9, 3);
    }
    scratch_write(&s, "README.txt", "words", 5);
    scratch_write(&s, "class0/.hidden.png", "words", 5);
    scratch_write(&s, "__MACOSX/class0/a.png", "words", 5);
    assert_ok(image_set_load(s.root, &AS_IS, &set, &err), &err);
    assert_int_equal(set.n_classes, 3);
    assert_int_equal(set.n_images, 6);
    assert_int_equal(set.channels, 3);
    assert_int_equal(set.height, 9);
    assert_int_equal(set.width, 12);
    for (size_t image = 0; image < 6; image++) {
        for (size_t c = 0; c < 3; c++) {
            const double written = (20.0 + 30.0 * (double)(image / 2) + 37.0 * (double)c) / 255.0;
            const double tolerance = image % 2 == 0 ? 1e-6 : 2.5 / 255.0; /* PNG exact */
            assert_true(fabs((double)pixel(&set, image, c * 108 + 50) - written) <= tolerance);
        }
    }
    image_set_free(&set);
    scratch_close(&s);
}

static void grey_and_colour_become_what_was_asked_for(void **state)
{
    (void)state;
    struct error err = {0};
    struct scratch s;
    struct image_set set;
    uint8_t pixels[3 * 16];
    scratch_open(&s);
    fill_flat(pixels, 16, 1, 90);
    write_png(&s, "a/1.png", pixels, 4, 4, 1);
    fill_flat(pixels, 16, 3, 90);
    write_png(&s, "b/1.png", pixels, 4, 4, 3);
    const struct image_options colour = {.channels = 3}, grey = {.channels = 1};
    assert_ok(image_set_load(s.root, &colour, &set, &err), &err);
    assert_int_equal(set.channels, 3);
    for (size_t c = 0; c < 3; c++) {
        assert_close((double)pixel(&set, 0, c * 16), 90.0 / 255.0, 1e-6);
        assert_close((double)pixel(&set, 1, c * 16), (90.0 + 37.0 * (double)c) / 255.0, 1e-6);
    }
    image_set_free(&set);
    assert_ok(image_set_load(s.root, &grey, &set, &err), &err);
    assert_int_equal(set.channels, 1);
    assert_close((double)pixel(&set, 0, 3), 90.0 / 255.0, 1e-6);
    /* Luma lies between the darkest and the brightest channel. */
    assert_true(pixel(&set, 1, 3) > 90.0f / 255.0f && pixel(&set, 1, 3) < 164.0f / 255.0f);
    image_set_free(&set);
    scratch_close(&s);
}

/* ---------------------------------------------------------------- arrays and CIFAR-100 */

static void npy_of_classes_gives_its_pixels(void **state)
{
    (void)state;
    struct error err = {0};
    struct image_set set;
    uint8_t data[3 * 2 * 4 * 5 * 3], file[1024];
    for (size_t i = 0; i < sizeof data; i++) {
        data[i] = (uint8_t)(i * 71 % 256);
    }
    const size_t n = make_npy(file, "|u1", "(3, 2, 4, 5, 3)", data, sizeof data);
    assert_ok(image_set_load_memory("array.npy", file, n, &AS_IS, &set, &err), &err);
    assert_int_equal(set.n_classes, 3);
    assert_int_equal(set.n_images, 6);
    assert_int_equal(set.height, 4);
    assert_int_equal(set.width, 5);
    assert_string_equal(set.classes[2].name, "class0002");
    for (size_t image = 0; image < 6; image++) {
        for (size_t c = 0; c < 3; c++) {
            for (size_t k = 0; k < 20; k++) {
                assert_close((double)pixel(&set, image, c * 20 + k),
                             data[(image * 20 + k) * 3 + c] / 255.0, 1e-6);
            }
        }
    }
    image_set_free(&set);
}

/* The same numbers as every type give the same floats; channels may come first. */
static void npy_types_and_byte_orders_agree(void **state)
{
    (void)state;
    static const struct {
        const char *descr;
        size_t bytes;
        double unit;
    } types[] = {{"|u1", 1, 255.0}, {"<i2", 2, 255.0}, {">i2", 2, 255.0}, {"<u2", 2, 255.0},
                 {">i4", 4, 255.0}, {"<i8", 8, 255.0}, {">i8", 8, 255.0}, {"<f4", 4, 1.0},
                 {">f4", 4, 1.0},   {"<f8", 8, 1.0},   {">f8", 8, 1.0}};
    for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
        struct error err = {0};
        struct image_set set;
        uint8_t data[2 * 3 * 2 * 2 * 8], file[1024];
        for (size_t i = 0; i < 24; i++) {
            const double value = (double)(i * 10 + 3);
            uint8_t native[8];
            uint64_t bits = (uint64_t)value;
            if (types[t].descr[1] == 'f' && types[t].bytes == 4) {
                const float single = (float)value;
                uint32_t half;
                memcpy(&half, &single, 4);
                bits = half;
            } else if (types[t].descr[1] == 'f') {
                memcpy(&bits, &value, 8);
            }
            for (size_t b = 0; b < types[t].bytes; b++) {
                native[b] = (uint8_t)(bits >> (8 * b));
            }
            for (size_t b = 0; b < types[t].bytes; b++) {
                data[i * types[t].bytes + b] =
                    native[types[t].descr[0] == '>' ? types[t].bytes - 1 - b : b];
            }
        }
        const size_t n =
            make_npy(file, types[t].descr, "(2, 1, 3, 2, 2)", data, 24 * types[t].bytes);
        assert_ok(image_set_load_memory(types[t].descr, file, n, &AS_IS, &set, &err), &err);
        assert_int_equal(set.channels, 3);
        for (size_t i = 0; i < 24; i++) {
            assert_close((double)pixel(&set, i / 12, i % 12) * types[t].unit, (double)(i * 10 + 3),
                         1e-6);
        }
        image_set_free(&set);
    }
}

static void npy_with_labels_is_sorted_into_classes(void **state)
{
    (void)state;
    struct error err = {0};
    struct scratch s;
    struct image_set set;
    const float data[5 * 4] = {1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5};
    const int32_t labels[5] = {7, -2, 7, 40, -2};
    uint8_t file[1024];
    scratch_open(&s);
    size_t n = make_npy(file, "<f4", "(5, 2, 2)", data, sizeof data);
    scratch_write(&s, "set.npy", file, n);
    n = make_npy(file, "<i4", "(5,)", labels, sizeof labels);
    scratch_write(&s, "set_labels.npy", file, n);
    assert_ok(image_set_load(scratch_path(&s, "set.npy"), &AS_IS, &set, &err), &err);
    assert_int_equal(set.n_classes, 3);
    assert_string_equal(set.classes[0].name, "label-2");
    assert_string_equal(set.classes[2].name, "label40");
    const double expected[5] = {2, 5, 1, 3, 4};
    for (size_t i = 0; i < 5; i++) {
        assert_close((double)pixel(&set, i, 0), expected[i], 0.0);
    }
    image_set_free(&set);
    scratch_close(&s);
}

static void cifar100_records_become_classes_of_superclasses(void **state)
{
    (void)state;
    struct error err = {0};
    struct scratch s;
    struct image_set set;
    static uint8_t records[5 * 3074];
    /* fine labels 3, 99, 3, 40, 99 with superclasses 1, 7, 1, 19, 7 */
    static const uint8_t fine[5] = {3, 99, 3, 40, 99}, coarse[5] = {1, 7, 1, 19, 7};
    for (size_t i = 0; i < 5; i++) {
        records[i * 3074] = coarse[i];
        records[i * 3074 + 1] = fine[i];
        for (size_t k = 0; k < 3072; k++) {
            records[i * 3074 + 2 + k] = (uint8_t)(11 * i + 80 * (k / 1024) + k % 5);
        }
    }
    scratch_open(&s);
    scratch_write(&s, "cifar-100-binary/train.bin", records, 3 * 3074);
    scratch_write(&s, "cifar-100-binary/test.bin", records + 3 * 3074, 2 * 3074);
    scratch_write(&s, "cifar-100-binary/coarse_label_names.txt", "sea\nfish\nland\n", 14);
    assert_ok(image_set_load(s.root, &AS_IS, &set, &err), &err);
    assert_int_equal(set.n_classes, 3);
    assert_int_equal(set.n_images, 5);
    assert_string_equal(set.classes[0].name, "fish/class03");
    assert_string_equal(set.classes[0].group, "fish");
    assert_string_equal(set.classes[1].name, "superclass19/class40");
    const size_t order[5] = {0, 2, 3, 1, 4}; /* by fine label: 3, 3, 40, 99, 99 */
    for (size_t i = 0; i < 5; i++) {
        for (size_t k = 0; k < 3072; k += 7) {
            assert_close((double)pixel(&set, i, k),
                         (double)(11 * order[i] + 80 * (k / 1024) + k % 5) / 255.0, 1e-6);
        }
    }
    image_set_free(&set);
    scratch_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shrinking_weighs_pixels_by_the_area_they_cover),
        cmocka_unit_test(growing_is_linear_between_pixel_centres),
        cmocka_unit_test(resizing_keeps_a_constant_picture),
        cmocka_unit_test(omniglot_folders_become_classes_in_alphabets),
        cmocka_unit_test(ink_is_one_and_survives_resizing),
        cmocka_unit_test(light_ink_on_dark_ground_stays_as_it_is),
        cmocka_unit_test(a_zip_holds_the_same_as_its_folder),
        cmocka_unit_test(png_and_jpeg_mix_in_colour_and_other_files_are_left_alone),
        cmocka_unit_test(grey_and_colour_become_what_was_asked_for),
        cmocka_unit_test(npy_of_classes_gives_its_pixels),
        cmocka_unit_test(npy_types_and_byte_orders_agree),
        cmocka_unit_test(npy_with_labels_is_sorted_into_classes),
        cmocka_unit_test(cifar100_records_become_classes_of_superclasses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
