/* Axes of a sweep: files of values and Sobol samples against the same values written out. */
#include "tests/scenario_support.h"

static void assert_same_rows(struct scenario *a, struct scenario *b)
{
    struct scenario_cursor ca;
    struct scenario_cursor cb;
    struct evaluator e = {0};
    struct error err = {0};
    assert_int_equal(a->points, b->points);
    assert_ok(cursor_init(&ca, a, &err), &err);
    assert_ok(cursor_init(&cb, b, &err), &err);
    for (uint64_t i = 0; i < a->points; i++) {
        struct row ra;
        struct row rb;
        bool skipped = false;
        struct text ta = {0};
        struct text tb = {0};
        assert_ok(predict_point(&ca, i, &e, &ra, NULL, NULL, &skipped, &err), &err);
        assert_ok(predict_point(&cb, i, &e, &rb, NULL, NULL, &skipped, &err), &err);
        assert_true(ra.feasible);
        text_row_csv(&ta, &ra);
        text_row_csv(&tb, &rb);
        assert_string_equal(ta.data, tb.data);
        text_free(&ta);
        text_free(&tb);
    }
    cursor_free(&ca);
    cursor_free(&cb);
    evaluator_free(&e);
}

static void a_file_of_values_is_a_zip(void **state)
{
    (void)state;
    const struct folder f = folder_make();
    struct scenario file;
    struct scenario zip;
    struct error err = {0};
    folder_put(&f, "points.csv",
               "/platform/workers,/platform/memory_mib,/store/latency_s,/workload/backbone\n"
               "3,1024,0.01,conv4-32\n"
               "7,2048,0.02,conv4-64\n"
               "11,1769,0.05,\"conv4-32\"\n");
    assert_ok(scenario_make(&f, "\"sweep\": {\"values_from\": \"points.csv\"}", &file, &err), &err);
    assert_ok(scenario_make(&f,
                            "\"sweep\": {\"zip\": {\"/platform/workers\": [3, 7, 11], "
                            "\"/platform/memory_mib\": [1024, 2048, 1769], "
                            "\"/store/latency_s\": [0.01, 0.02, 0.05], "
                            "\"/workload/backbone\": [\"conv4-32\", \"conv4-64\", \"conv4-32\"]}}",
                            &zip, &err),
              &err);
    assert_int_equal(file.points, 3);
    assert_same_rows(&file, &zip);
    scenario_free(&file);
    scenario_free(&zip);
    folder_remove(&f);
}

/* Steps of a range are the decimals a person would write. */
static void generated_values_are_tidy(void **state)
{
    (void)state;
    const struct folder f = folder_make();
    struct scenario s;
    struct error err = {0};
    assert_ok(scenario_make(&f,
                            "\"sweep\": {\"grid\": {"
                            "\"/platform/memory_mib\": {\"from\": 128, \"to\": 10240, "
                            "\"points\": 10113}, "
                            "\"/compute/serial_share\": {\"from\": 0, \"to\": 0.9, "
                            "\"points\": 10}, "
                            "\"/compute/unit_s\": {\"from\": 1, \"to\": 1024, "
                            "\"points\": 11, \"scale\": \"log2\"}, "
                            "\"/compute/update_s\": {\"from\": 0, \"to\": 1, "
                            "\"points\": 4}}}",
                            &s, &err),
              &err);
    for (size_t i = 0; i < s.axes[0].count; i++) {
        assert_true(s.axes[0].numbers[i] == 128 + (double)i);
    }
    for (size_t i = 0; i < 10; i++) {
        assert_true(s.axes[1].numbers[i] == (double)i / 10);
    }
    for (size_t i = 0; i < 11; i++) {
        assert_true(s.axes[2].numbers[i] == (double)(1 << i));
    }
    assert_true(s.axes[3].numbers[1] == 1.0 / 3); /* a third stays the nearest to a third */
    scenario_free(&s);
    folder_remove(&f);
}

struct bad_table {
    const char *csv, *message;
    unsigned line;
};

static void mistakes_in_a_file_of_values_are_placed(void **state)
{
    (void)state;
    static const struct bad_table rows[] = {
        {"/platform/workers\n3\n2.5\n", "found 2.5, expected a whole number", 3},
        {"/platform/workers\n3\n0\n", "found 0, expected 1 to 1e+07", 3},
        {"/platform/workers\n3\nmany\n", "many", 3},
        {"/platform/workers,/platform/memory_mib\n3,\n", "an empty cell", 2},
        {"/workload/backbone,/platform/workers\n,3\n", "an empty cell", 2},
        {"workers\n3\n", "JSON pointer", 2},
        {"/platform/workers\n", "has 0 rows", 2},
    };
    const struct folder f = folder_make();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct scenario s;
        struct error err = {0};
        folder_put(&f, "points.csv", rows[i].csv);
        assert_int_equal(
            scenario_make(&f, "\"sweep\": {\"values_from\": \"points.csv\"}", &s, &err), ERR_INPUT);
        if (strstr(err.message, rows[i].message) == NULL || err.line != rows[i].line) {
            print_error("row %zu: found '%s', line %u\n", i, err.message, err.line);
            fail();
        }
    }
    folder_remove(&f);
}

/* 64 points of the sequence fall once into each of 64 equal parts of every axis (it is a (0, 6, 1)
 * net in each of its coordinates but for the point at the origin, which GSL leaves out), and each
 * whole number of a count comes equally often, give or take that one. */
static void a_sample_covers_every_axis_evenly(void **state)
{
    (void)state;
    const struct folder f = folder_make();
    struct scenario s;
    struct error err = {0};
    assert_ok(scenario_make(&f,
                            "\"sweep\": {\"sample\": {\"points\": 63, \"ranges\": {"
                            "\"/platform/memory_mib\": {\"from\": 1024, \"to\": 8192, \"scale\": "
                            "\"log2\"}, "
                            "\"/platform/workers\": {\"from\": 5, \"to\": 12}, "
                            "\"/workload/backbone\": [\"conv4-32\", \"conv4-64\"]}}}",
                            &s, &err),
              &err);
    struct scenario_cursor c;
    int parts[64] = {0};
    int workers[16] = {0};
    int wide = 0;
    assert_int_equal(s.points, 63);
    assert_ok(cursor_init(&c, &s, &err), &err);
    for (uint64_t i = 0; i < s.points; i++) {
        bool skipped = false;
        assert_ok(cursor_seek(&c, i, &skipped, &err), &err);
        const double share = log2(c.config.platform.memory_mib / 1024) / 3;
        assert_true(share >= 0 && share < 1);
        parts[(int)(share * 64 + 1e-9)]++;
        assert_true(c.config.workers >= 5 && c.config.workers <= 12);
        workers[(int)c.config.workers]++;
        wide += c.config.workload.hidden == 64;
    }
    for (int i = 1; i < 64; i++) {
        assert_int_equal(parts[i], 1);
    }
    for (int w = 5; w <= 12; w++) {
        assert_in_range(workers[w], 7, 8);
    }
    assert_in_range(wide, 31, 32);
    cursor_free(&c);
    scenario_free(&s);
    folder_remove(&f);
}

static void a_sample_without_points_is_refused(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "{\"ranges\": {\"/platform/workers\": {\"from\": 1, \"to\": 9}}}",
        "{\"points\": 2.5, \"ranges\": {\"/platform/workers\": {\"from\": 1, \"to\": 9}}}",
        "{\"points\": 4, \"ranges\": {\"/platform/workers\": {\"from\": 1}}}",
        "{\"points\": 4, \"ranges\": {\"/platform/workers\": {\"from\": 0, \"to\": 9}}}",
        "{\"points\": 4, \"ranges\": {}}",
        "{\"points\": 4, \"seed\": 1, \"ranges\": {\"/platform/workers\": [1]}}",
        "[4]",
    };
    const struct folder f = folder_make();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct text t = {0};
        struct scenario s;
        struct error err = {0};
        text_printf(&t, "\"sweep\": {\"sample\": %s}", rows[i]);
        assert_int_equal(scenario_make(&f, t.data, &s, &err), ERR_INPUT);
        assert_int_not_equal(err.line, 0);
        text_free(&t);
    }
    folder_remove(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_of_values_is_a_zip),
        cmocka_unit_test(generated_values_are_tidy),
        cmocka_unit_test(mistakes_in_a_file_of_values_are_placed),
        cmocka_unit_test(a_sample_covers_every_axis_evenly),
        cmocka_unit_test(a_sample_without_points_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
