/* Bad data: one clear error for each thing that goes wrong in practice, never a crash or a picture
 * made up. Rows of the tables are (what is done to good data, what the message must say). */
#include "tests/data_support.h"

static char *read_all(const char *path, size_t *n)
{
    struct error err = {0};
    char *data = NULL;
    assert_ok(file_read(path, (size_t)1 << 24, &data, n, &err), &err);
    return data;
}

/* Two classes of one good PNG each, then something is done to the second. */
static void good_folder(struct scratch *s)
{
    uint8_t pixels[3 * 16 * 16];
    for (size_t i = 0; i < sizeof pixels; i++) {
        pixels[i] = (uint8_t)(i * 89 % 251);
    }
    scratch_open(s);
    write_png(s, "a/1.png", pixels, 16, 16, 3);
    write_png(s, "b/1.png", pixels, 16, 16, 3);
    write_jpeg(s, "b/2.jpg", pixels, 16, 16, 3);
}

static void refuse_folder(struct scratch *s, enum status expected, const char *words)
{
    struct error err = {0};
    struct image_set set;
    assert_refused(image_set_load(s->root, &AS_IS, &set, &err), &err, expected, words);
    assert_string_equal(err.file, s->root);
    image_set_free(&set);
    scratch_close(s);
}

/* Cut to each length in turn: the file must be refused, with its name. The last bytes of a file may
 * say nothing about pixels (PNG: the 12 bytes of IEND and the checksums before; JPEG: the end
 * marker). */
static void assert_every_truncation_is_refused(const char *name, size_t spare)
{
    struct scratch s;
    good_folder(&s);
    size_t n = 0;
    char *const data = read_all(scratch_path(&s, name), &n);
    for (size_t keep = 0; keep + spare < n; keep++) {
        struct error err = {0};
        struct image_set set;
        scratch_write(&s, name, data, keep);
        assert_refused(image_set_load(s.root, &AS_IS, &set, &err), &err, ERR_INPUT, name);
        image_set_free(&set);
    }
    free(data);
    scratch_close(&s);
}

static void a_truncated_png_is_refused_at_every_length(void **state)
{
    (void)state;
    assert_every_truncation_is_refused("b/1.png", 12);
}

static void a_truncated_jpeg_is_refused_at_every_length(void **state)
{
    (void)state;
    assert_every_truncation_is_refused("b/2.jpg", 2);
}

static void a_damaged_png_fails_its_checksum(void **state)
{
    (void)state;
    struct scratch s;
    good_folder(&s);
    size_t n = 0;
    char *const data = read_all(scratch_path(&s, "b/1.png"), &n);
    data[n / 2] = (char)(data[n / 2] ^ 0x10);
    scratch_write(&s, "b/1.png", data, n);
    free(data);
    refuse_folder(&s, ERR_INPUT, "b/1.png: damaged or truncated PNG");
}

static void another_format_is_named(void **state)
{
    (void)state;
    struct scratch s;
    good_folder(&s);
    scratch_write(&s, "b/1.png", "GIF89a..", 8);
    refuse_folder(&s, ERR_INPUT, "neither a PNG nor a JPEG image");
}

static void an_empty_file_is_named(void **state)
{
    (void)state;
    struct scratch s;
    good_folder(&s);
    scratch_write(&s, "b/1.png", "", 0);
    refuse_folder(&s, ERR_INPUT, "b/1.png: an empty file");
}

static void an_image_of_another_size_is_named_with_both_sizes(void **state)
{
    (void)state;
    struct scratch s;
    good_folder(&s);
    const uint8_t pixels[3 * 5 * 7] = {0};
    write_png(&s, "b/1.png", pixels, 5, 7, 3);
    refuse_folder(&s, ERR_INPUT, "b/1.png is 5 x 7 pixels, but a/1.png is 16 x 16");
}

static void one_class_is_too_few(void **state)
{
    (void)state;
    struct scratch s;
    const uint8_t pixels[4] = {0};
    scratch_open(&s);
    write_png(&s, "only/1.png", pixels, 2, 2, 1);
    write_png(&s, "only/2.png", pixels, 2, 2, 1);
    refuse_folder(&s, ERR_INPUT, "all 2 pictures lie in one folder");
}

static void an_empty_folder_and_one_without_pictures_are_refused(void **state)
{
    (void)state;
    struct scratch s;
    scratch_open(&s);
    refuse_folder(&s, ERR_INPUT, "holds no file");
    scratch_open(&s);
    scratch_write(&s, "a/notes.txt", "words", 5);
    refuse_folder(&s, ERR_INPUT, "no PNG or JPEG picture among 1 files");
}

static void pictures_beside_class_folders_are_ambiguous(void **state)
{
    (void)state;
    struct scratch s;
    good_folder(&s);
    const uint8_t pixels[4] = {0};
    write_png(&s, "b/c/1.png", pixels, 2, 2, 1);
    refuse_folder(&s, ERR_INPUT, "holds pictures");
}

static void a_missing_path_is_an_input_output_error(void **state)
{
    (void)state;
    struct error err = {0};
    struct image_set set;
    assert_refused(image_set_load("/no/such/place", &AS_IS, &set, &err), &err, ERR_IO,
                   "No such file");
}

static void an_unreadable_file_is_named(void **state)
{
    (void)state;
    if (geteuid() == 0) {
        skip(); /* root reads everything */
    }
    struct scratch s;
    good_folder(&s);
    assert_int_equal(chmod(scratch_path(&s, "b/1.png"), 0), 0);
    refuse_folder(&s, ERR_IO, "b/1.png");
}

/* A link to nothing cannot be read by anyone. */
static void a_dangling_link_is_named(void **state)
{
    (void)state;
    struct scratch s;
    good_folder(&s);
    assert_int_equal(symlink("/no/such/file", scratch_path(&s, "b/9.png")), 0);
    refuse_folder(&s, ERR_IO, "b/9.png");
}

static void a_truncated_or_damaged_zip_is_refused(void **state)
{
    (void)state;
    size_t n = 0;
    char *const data = read_all("tests/data/omniglot/images.zip", &n);
    for (size_t keep = 4; keep < n; keep += n / 23) {
        struct error err = {0};
        struct image_set set;
        assert_refused(image_set_load_memory("cut.zip", (uint8_t *)data, keep, &AS_IS, &set, &err),
                       &err, ERR_INPUT, "cut.zip: ");
        image_set_free(&set);
    }
    /* Inside the first entry's data: the checksum of the archive must notice. */
    struct error err = {0};
    struct image_set set;
    data[150] = (char)(data[150] ^ 4);
    assert_refused(image_set_load_memory("bent.zip", (uint8_t *)data, n, &AS_IS, &set, &err), &err,
                   ERR_INPUT, "bent.zip: omniglot/Early_Aramaic/character01/");
    image_set_free(&set);
    free(data);
}

static void unknown_bytes_are_refused(void **state)
{
    (void)state;
    struct error err = {0};
    struct image_set set;
    assert_refused(image_set_load_memory("x", (const uint8_t *)"hello", 5, &AS_IS, &set, &err),
                   &err, ERR_INPUT, "no zip archive, no NumPy array");
    image_set_free(&set);
}

/* ---------------------------------------------------------------- arrays */

static void bad_arrays_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *descr, *shape;
        size_t n;
        const char *words;
    } rows[] = {
        {"<f4", "(2, 2, 3, 3)", 4 * 36 - 1, "truncated NumPy array"},
        {"<f4", "(2, 2, 3, 3)", 4 * 36 + 4, "overlong NumPy array"},
        {"<c8", "(2, 2, 3, 3)", 8 * 36, "array of type <c8,"},
        {"|O", "(2, 2, 3, 3)", 8 * 36, "array of type |O,"},
        {"<f4", "(2, 3, 3)", 4 * 18, "array of 3 axes without labels"},
        {"<f4", "(2, 2, 5, 6, 7)", 4 * 840, "(H, W, C)"},
        {"<f4", "(2, 0, 3, 3)", 0, "axes of at least 1"},
        {"<f4", "(2, 99999999999, 99999999999, 3)", 0, "array of shape"},
        {"|u1", "(1, 4, 3, 3)", 36, "1 class with images, expected at least 2"},
        {"|u1", "(2, 1, 9999, 2)", 39996, "expected sides of at most"},
        {"<i2", "(2, 2, 3, 3)", 72, "integer pixel 5000, expected 0 to 255"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct error err = {0};
        struct image_set set;
        static uint8_t file[1 << 17];
        static uint16_t data[1 << 15];
        for (size_t k = 0; k < sizeof data / sizeof *data; k++) {
            data[k] = 5000;
        }
        const size_t n = make_npy(file, rows[i].descr, rows[i].shape, data, rows[i].n);
        assert_refused(image_set_load_memory("a.npy", file, n, &AS_IS, &set, &err), &err, ERR_INPUT,
                       rows[i].words);
        image_set_free(&set);
    }
}

static void pixels_that_are_no_numbers_are_found(void **state)
{
    (void)state;
    static const double bad[3] = {(double)NAN, -(double)INFINITY, 1e300};
    for (size_t i = 0; i < 3; i++) {
        struct error err = {0};
        struct image_set set;
        double data[2 * 2 * 3 * 4] = {0};
        uint8_t file[1024];
        data[12 + 7] = bad[i]; /* image 1: row 1, column 3 */
        const size_t n = make_npy(file, "<f8", "(2, 2, 3, 4)", data, sizeof data);
        assert_refused(image_set_load_memory("a.npy", file, n, &AS_IS, &set, &err), &err, ERR_INPUT,
                       "image 1: pixel (channel 0, row 1, column 3)");
        image_set_free(&set);
    }
}

static void labels_must_fit_their_images(void **state)
{
    (void)state;
    struct scratch s;
    struct error err = {0};
    struct image_set set;
    uint8_t file[1024];
    const float data[36] = {0};
    const int64_t labels[5] = {0, 1, 0, 1, 0};
    scratch_open(&s);
    scratch_write(&s, "images.npy", file, make_npy(file, "<f4", "(4, 3, 3)", data, sizeof data));
    scratch_write(&s, "labels.npy", file, make_npy(file, "<i8", "(5,)", labels, sizeof labels));
    assert_refused(image_set_load(s.root, &AS_IS, &set, &err), &err, ERR_INPUT,
                   "5 labels for 4 images");
    image_set_free(&set);
    scratch_write(&s, "labels.npy", file, make_npy(file, "<f4", "(4,)", data, 16));
    refuse_folder(&s, ERR_INPUT, "expected one axis of integers");
}

static void cifar100_of_another_size_or_with_other_labels_is_refused(void **state)
{
    (void)state;
    struct scratch s;
    static uint8_t records[2 * 3074];
    scratch_open(&s);
    scratch_write(&s, "train.bin", records, 2 * 3074 - 5);
    refuse_folder(&s, ERR_INPUT, "truncated or another format");
    scratch_open(&s);
    records[3074] = 20;
    scratch_write(&s, "train.bin", records, 2 * 3074);
    refuse_folder(&s, ERR_INPUT, "record 1 has superclass 20");
    scratch_open(&s);
    records[3074] = 5; /* class 0 already has superclass 0 */
    scratch_write(&s, "train.bin", records, 2 * 3074);
    refuse_folder(&s, ERR_INPUT, "puts class 0 into superclass 5");
    scratch_open(&s);
    records[3074] = 0;
    scratch_write(&s, "test.bin", records, 2 * 3074);
    refuse_folder(&s, ERR_INPUT, "1 class with images");
}

/* ---------------------------------------------------------------- splits and episodes */

static void splits_and_episodes_say_what_is_missing(void **state)
{
    (void)state;
    struct image_set set;
    struct class_split split;
    struct episode_sampler sampler;
    struct error err = {0};
    assert_ok(image_set_load("tests/data/omniglot/images.zip", &AS_IS, &set, &err), &err);

    const char *const misspelt[] = {"Tagallog"};
    const struct split_options unknown = {.test_names = misspelt, .n_test_names = 1};
    assert_refused(class_split_make(&set, &unknown, &split, &err), &err, ERR_INPUT,
                   "is 'Tagalog' meant?");
    class_split_free(&split);

    err = (struct error){0};
    const char *const tagalog[] = {"Tagalog"}, *const one[] = {"Tagalog/character02"};
    const struct split_options both = {
        .test_names = tagalog, .n_test_names = 1, .validation_names = one, .n_validation_names = 1};
    assert_refused(class_split_make(&set, &both, &split, &err), &err, ERR_INPUT,
                   "'Tagalog/character02' is named for validation and for testing");
    class_split_free(&split);

    err = (struct error){0};
    const struct split_options nothing = {.validation_classes = 40};
    assert_refused(class_split_make(&set, &nothing, &split, &err), &err, ERR_INPUT,
                   "none is left to train on");
    class_split_free(&split);

    err = (struct error){0};
    const struct split_options half = {.test_names = tagalog, .n_test_names = 1};
    assert_ok(class_split_make(&set, &half, &split, &err), &err);
    const struct episode_shape hungry = {5, 1, 6}, wide = {6, 1, 1}, empty = {5, 0, 1};
    assert_refused(episode_sampler_init(&sampler, &set, &split.train, hungry, 1, &err), &err,
                   ERR_INPUT,
                   "class 'Early_Aramaic/character01' has 6 images, expected at least 7");
    err = (struct error){0};
    assert_refused(episode_sampler_init(&sampler, &set, &split.train, wide, 1, &err), &err,
                   ERR_INPUT, "5 classes, expected at least 6");
    err = (struct error){0};
    assert_refused(episode_sampler_init(&sampler, &set, &split.train, empty, 1, &err), &err,
                   ERR_INPUT, "0 shots");
    err = (struct error){0};
    assert_refused(class_split_test_from(&set, &set, &split, &err), &err, ERR_INPUT,
                   "all 10 classes of the test data");
    class_split_free(&split);
    image_set_free(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_truncated_png_is_refused_at_every_length),
        cmocka_unit_test(a_truncated_jpeg_is_refused_at_every_length),
        cmocka_unit_test(a_damaged_png_fails_its_checksum),
        cmocka_unit_test(another_format_is_named),
        cmocka_unit_test(an_empty_file_is_named),
        cmocka_unit_test(an_image_of_another_size_is_named_with_both_sizes),
        cmocka_unit_test(one_class_is_too_few),
        cmocka_unit_test(an_empty_folder_and_one_without_pictures_are_refused),
        cmocka_unit_test(pictures_beside_class_folders_are_ambiguous),
        cmocka_unit_test(a_missing_path_is_an_input_output_error),
        cmocka_unit_test(an_unreadable_file_is_named),
        cmocka_unit_test(a_dangling_link_is_named),
        cmocka_unit_test(a_truncated_or_damaged_zip_is_refused),
        cmocka_unit_test(unknown_bytes_are_refused),
        cmocka_unit_test(bad_arrays_are_refused),
        cmocka_unit_test(pixels_that_are_no_numbers_are_found),
        cmocka_unit_test(labels_must_fit_their_images),
        cmocka_unit_test(cifar100_of_another_size_or_with_other_labels_is_refused),
        cmocka_unit_test(splits_and_episodes_say_what_is_missing),
    };
    return cmocka_run_group_tests_name("bad few-shot data", tests, NULL, NULL);
}
