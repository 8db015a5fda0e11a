/* Identities of configurations: the same for the same numbers wherever they come from, another one
 * for every number a result can depend on. */
#include "tests/scenario_support.h"

#include "model/config.h"

/* Identity of point 0 of the small scenario with `more` laid over it. */
static uint64_t identity(const char *more, bool simulated)
{
    const struct folder f = folder_make();
    struct scenario s;
    struct scenario_cursor c;
    struct error err = {0};
    bool skipped = false;
    assert_ok(scenario_make(&f, more, &s, &err), &err);
    assert_ok(cursor_init(&c, &s, &err), &err);
    assert_ok(cursor_seek(&c, 0, &skipped, &err), &err);
    const uint64_t value = cursor_identity(&c, simulated);
    cursor_free(&c);
    scenario_free(&s);
    folder_remove(&f);
    return value;
}

static void comments_names_and_seeds_do_not_count(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "// nothing new\n \"note\": \"a remark\"",
        "\"name\": \"another name\"",
        "\"platform\": {\"memory_mib\": {\"value\": 2385, \"source\": \"a page\"}}",
        "\"simulation\": {\"seed\": 77}",
        "\"platform\": {\"memory_mib\": 2.385e3}",
        "\"message_store\": {\"use\": \"s3-standard-2022\"}",
        "\"prices\": {\"classes\": {\"nobody\": {\"usd_per_put\": 0.1}}}",
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (int simulated = 0; simulated < 2; simulated++) {
            if (identity(rows[i], simulated) != identity("", simulated)) {
                print_error("counts: %s\n", rows[i]);
                fail();
            }
        }
    }
}

static void what_only_the_simulator_plays_counts_for_it_alone(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "\"simulation\": {\"straggler_share\": 0.013}",
        "\"simulation\": {\"replications_min\": 17}",
        "\"constraints\": {\"deadline_s\": 977}",
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_true(identity(rows[i], false) == identity("", false));
        assert_true(identity(rows[i], true) != identity("", true));
    }
}

static void other_numbers_texts_and_tables_count(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "\"platform\": {\"memory_mib\": 2386}",
        "\"platform\": {\"workers\": 8}",
        "\"platform\": {\"use\": \"aws-lambda-2021\"}",
        "\"store\": {\"use\": \"s3-standard-current\"}",
        "\"store\": {\"latency_s\": {\"distribution\": \"empirical\", \"quantiles\": [0.1, 0.2]}}",
        "\"store\": {\"latency_s\": {\"distribution\": \"empirical\", \"quantiles\": [0.1, 0.3]}}",
        "\"prices\": {\"classes\": {\"s3-standard\": {\"usd_per_put\": 5.000001e-6}}}",
        "\"system\": {\"poll_interval_s\": 0.1}",
        "\"system\": {\"variant\": \"minimal\"}",
        "\"workload\": {\"algorithm\": \"anil\"}",
        "\"workload\": {\"dataset\": \"mini-imagenet\"}",
        "\"baseline\": {\"platform\": {\"workers\": 1}}",
        "\"baseline\": {\"platform\": {\"workers\": 2}}",
    };
    enum { ROWS = sizeof rows / sizeof rows[0] };
    uint64_t seen[ROWS + 1];
    for (int simulated = 0; simulated < 2; simulated++) {
        seen[ROWS] = identity("", simulated);
        for (size_t i = 0; i < ROWS; i++) {
            seen[i] = identity(rows[i], simulated);
        }
        for (size_t i = 0; i <= ROWS; i++) {
            for (size_t k = 0; k < i; k++) {
                if (seen[i] == seen[k]) {
                    print_error("the same: %s and %s\n", rows[k], i < ROWS ? rows[i] : "nothing");
                    fail();
                }
            }
        }
    }
}

/* Distributions with tables in every place that takes one: an address that slipped into the sum
 * would differ between two readings. */
static void two_readings_agree_to_the_last_table(void **state)
{
    (void)state;
    struct text t = {0};
    const char *mark = "";
    for (const struct section *s = sections; s->name != NULL; s++) {
        const char *inner = "";
        if (strcmp(s->name, "data_store") == 0 || strcmp(s->name, "message_store") == 0 ||
            strcmp(s->name, "network") == 0) {
            continue; /* the same fields as the store's */
        }
        text_printf(&t, "%s\"%s\": {", mark, s->name);
        for (const struct field *f = s->fields; f->key != NULL; f++) {
            if (f->type == FIELD_QUANTITY) {
                text_printf(
                    &t, "%s\"%s\": {\"distribution\": \"empirical\", \"quantiles\": [0.5, 1, 2]}",
                    inner, f->key);
                inner = ", ";
            }
        }
        text_puts(&t, "}");
        mark = ", ";
    }
    const uint64_t first = identity(t.data, true);
    void *shift = malloc(12345); /* other addresses than before */
    assert_true(identity(t.data, true) == first);
    assert_true(first != identity("", true));
    free(shift);
    text_free(&t);
}

/* A sweep adds up the axes that move; reading each point from scratch must give the same sum. */
static void a_point_of_a_sweep_is_the_configuration_it_stands_for(void **state)
{
    (void)state;
    const struct folder f = folder_make();
    struct scenario s;
    struct scenario_cursor c;
    struct error err = {0};
    bool skipped = false;
    assert_ok(
        scenario_make(&f,
                      "\"baseline\": {\"system\": {\"name\": \"serial\"}}, "
                      "\"sweep\": {\"grid\": {"
                      "\"/platform/workers\": [3, 7], \"/store/latency_s\": [0.01, 0.08], "
                      "\"/store/aggregate_bytes_per_s\": [1e8, 2e8], "
                      "\"/workload/meta_batch\": [24, 29], "
                      "\"/platform/memory_mib\": {\"from\": 1000, \"to\": 3000, \"points\": 3}"
                      "}}",
                      &s, &err),
        &err);
    assert_ok(cursor_init(&c, &s, &err), &err);
    for (uint64_t i = 0; i < s.points; i++) {
        struct text t = {0};
        assert_ok(cursor_seek(&c, i, &skipped, &err), &err);
        text_printf(
            &t,
            "\"baseline\": {\"system\": {\"name\": \"serial\"}}, "
            "\"platform\": {\"workers\": %g, \"memory_mib\": %g}, \"store\": {\"latency_s\": "
            "%g, \"aggregate_bytes_per_s\": %g}, \"workload\": {\"meta_batch\": %g}",
            c.config.workers, c.config.platform.memory_mib,
            c.config.stores[STORE_EXCHANGE].get_latency_s.mean,
            c.config.stores[STORE_EXCHANGE].aggregate_get_bytes_per_s,
            c.config.workload.meta_batch);
        for (int simulated = 0; simulated < 2; simulated++) {
            assert_true(cursor_identity(&c, simulated) == identity(t.data, simulated));
        }
        text_free(&t);
    }
    cursor_free(&c);
    scenario_free(&s);
    folder_remove(&f);
}

static void assert_axis_is_reading(const char *around, const char *section, const char *key,
                                   double first, double second)
{
    const struct folder f = folder_make();
    struct text t = {0};
    struct scenario s;
    struct scenario_cursor c;
    struct error err = {0};
    bool skipped = false;
    text_printf(&t, "%s, \"sweep\": {\"grid\": {\"/%s/%s\": [", around, section, key);
    text_number(&t, first);
    text_puts(&t, ", ");
    text_number(&t, second);
    text_puts(&t, "]}}");
    assert_ok(scenario_make(&f, t.data, &s, &err), &err);
    {
        assert_ok(cursor_init(&c, &s, &err), &err);
        if (cursor_seek(&c, 0, &skipped, &err) == STATUS_OK) { /* else the key means nothing here */
            assert_ok(cursor_seek(&c, 1, &skipped, &err), &err);
            struct text set = {0};
            text_printf(&set, "/%s/%s=", section, key);
            text_number(&set, second);
            const struct scenario_options options = {
                .data_dir = FAASCAST_ROOT "/scenarios",
                .sets = (const char *const[]){"/sweep={}", set.data},
                .n_sets = 2,
            };
            struct scenario alone;
            struct scenario_cursor d;
            assert_ok(scenario_load(s.path, &options, &alone, &err), &err);
            assert_ok(cursor_init(&d, &alone, &err), &err);
            assert_ok(cursor_seek(&d, 0, &skipped, &err), &err);
            for (int simulated = 0; simulated < 2; simulated++) {
                if (cursor_identity(&c, simulated) != cursor_identity(&d, simulated)) {
                    print_error("/%s/%s with %s\n", section, key, around);
                    fail();
                }
            }
            cursor_free(&d);
            scenario_free(&alone);
            text_free(&set);
        }
        cursor_free(&c);
        scenario_free(&s);
    }
    text_free(&t);
    folder_remove(&f);
}

/* Every number that a sweep writes straight into the struct, on its own: the same as reading it. */
static void every_fast_axis_is_what_reading_gives(void **state)
{
    (void)state;
    static const char *const surroundings[] = {
        "\"data_store\": {\"use\": \"s3-standard-current\"}, \"server\": {\"use\": "
        "\"ec2-m5.large\"}, \"baseline\": {\"system\": {\"name\": \"serial\"}}",
        "\"baseline\": {\"platform\": {\"use\": \"ec2-m5.large\", \"workers\": 1}}, "
        "\"store\": {\"use\": \"elasticache-t3.medium\"}",
        "\"baseline\": {\"data_store\": {\"use\": \"s3-standard-current\"}}",
        "\"store\": {\"use\": \"efs-bursting-2021\"}, \"baseline\": {\"store\": {\"use\": "
        "\"efs-bursting-2021\"}}",
    };
    enum { SURROUNDINGS = sizeof surroundings / sizeof surroundings[0] };
    int tried = 0;
    for (const struct section *s = sections; s->name != NULL; s++) {
        for (int extra = 0; extra < 2; extra++) {
            for (const struct field *f = extra ? s->extra : s->fields; f->key != NULL; f++) {
                const bool count = f->type == FIELD_COUNT;
                const double wide = fmin(f->maximum - f->minimum, 100);
                const double low = f->minimum + (count ? 1 : 0.013 * wide);
                if ((!count && f->type != FIELD_NUMBER) || strcmp(s->name, "message_store") == 0 ||
                    strcmp(s->name, "network") == 0) {
                    continue;
                }
                const bool all = strcmp(s->name, "store") == 0 || strcmp(s->name, "platform") == 0;
                for (size_t i = 0; i < SURROUNDINGS; i++) {
                    if (all || i == (size_t)tried % SURROUNDINGS) {
                        assert_axis_is_reading(surroundings[i], s->name, f->key, low,
                                               low + (count ? 3 : 0.029 * wide));
                    }
                }
                tried++;
            }
        }
    }
    assert_true(tried > 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comments_names_and_seeds_do_not_count),
        cmocka_unit_test(what_only_the_simulator_plays_counts_for_it_alone),
        cmocka_unit_test(other_numbers_texts_and_tables_count),
        cmocka_unit_test(two_readings_agree_to_the_last_table),
        cmocka_unit_test(a_point_of_a_sweep_is_the_configuration_it_stands_for),
        cmocka_unit_test(every_fast_axis_is_what_reading_gives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
