/* The shipped data: every value of the catalogue says where it comes from, every entry can be used,
 * every price class that is named exists, and the scenarios of the literature are valid and have
 * feasible configurations. */
#include "tests/scenario_support.h"

#include <dirent.h>
#include <math.h>

static const char data_dir[] = FAASCAST_ROOT "/scenarios";

struct shipped {
    struct arena arena;
    struct json *catalogue;
};

static struct shipped shipped_read(void)
{
    struct shipped s = {0};
    struct error err = {0};
    assert_ok(catalogue_read(&s.arena, data_dir, NULL, &s.catalogue, &err), &err);
    return s;
}

static bool is_text(const struct json *node)
{
    return node != NULL && node->kind == JSON_STRING && node->text[0] != '\0';
}

static bool is_status(const struct json *node)
{
    static const char *const words[] = {"vendor", "paper", "secondary", "measured", "assumed"};
    for (size_t i = 0; is_text(node) && i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(words[i], node->text) == 0) {
            return true;
        }
    }
    return false;
}

static const struct json *own_or(const struct json *value, const char *key,
                                 const struct json *entry)
{
    const struct json *own = json_member(value, "value") != NULL ? json_member(value, key) : NULL;
    return own != NULL ? own : json_member(entry, key);
}

/* Values of an entry; those of price classes stand one level deeper. */
static size_t check_sources(const struct json *entry, const struct json *owner)
{
    static const char *const texts[] = {"source", "date", "status",    "note",  "kind",
                                        "price",  "use",  "algorithm", "model", "dataset"};
    size_t values = 0;
    for (const struct json *value = owner->first; value != NULL; value = value->next) {
        bool text = false;
        for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
            text = text || strcmp(texts[i], value->key) == 0;
        }
        if (text) {
            continue;
        }
        if (strcmp(value->key, "classes") == 0) {
            for (const struct json *c = value->first; c != NULL; c = c->next) {
                values += check_sources(entry, c);
            }
            continue;
        }
        values++;
        if (!is_text(own_or(value, "source", entry)) ||
            !is_status(own_or(value, "status", entry)) ||
            (!is_text(own_or(value, "date", entry)) &&
             strcmp(own_or(value, "status", entry)->text, "assumed") != 0)) {
            char path[240];
            json_path(value, path, sizeof path);
            print_error("%s: a value without source, date or status\n", path);
            fail();
        }
    }
    return values;
}

static void every_value_says_where_it_comes_from(void **state)
{
    (void)state;
    struct shipped s = shipped_read();
    size_t values = 0;
    for (const struct json *group = s.catalogue->first; group != NULL; group = group->next) {
        for (const struct json *entry = group->first; entry != NULL; entry = entry->next) {
            values += check_sources(entry, entry);
        }
    }
    assert_true(values > 500);
    arena_free(&s.arena);
}

/* Loads the small scenario with `more` laid over it, and reads its first point. */
static void assert_usable(const struct folder *f, const char *more)
{
    struct scenario scenario;
    struct scenario_cursor cursor;
    struct error err = {0};
    bool skipped = false;
    if (scenario_make(f, more, &scenario, &err) == STATUS_OK) {
        assert_ok(cursor_init(&cursor, &scenario, &err), &err);
        cursor_seek(&cursor, 0, &skipped, &err);
        cursor_free(&cursor);
        scenario_free(&scenario);
    }
    if (err.code != STATUS_OK) {
        char message[1200];
        error_format(&err, message, sizeof message);
        print_error("%s\nin %s\n", message, more);
        fail();
    }
}

static void every_entry_can_be_used(void **state)
{
    (void)state;
    static const struct {
        const char *group, *format;
    } uses[] = {
        {"platforms", "\"prices\": null, \"platform\": {\"use\": \"%s\"}"},
        {"platforms", "\"prices\": null, \"server\": {\"use\": \"%s\"}"},
        {"stores", "\"prices\": null, \"store\": {\"use\": \"%s\"}"},
        {"stores", "\"prices\": null, \"network\": {\"use\": \"%s\"}"},
        {"computes", "\"compute\": {\"use\": \"%s\"}"},
        {"prices", "\"platform\": {\"use\": null}, \"store\": {\"use\": null}, "
                   "\"prices\": {\"use\": \"%s\"}"},
        {"workloads", "\"workload\": null"},
        {"datasets", "\"workload\": {\"dataset\": \"%s\"}"},
        {"backbones", "\"workload\": {\"backbone\": \"%s\"}"},
    };
    struct shipped s = shipped_read();
    struct folder f = folder_make();
    size_t used = 0;
    for (size_t i = 0; i < sizeof uses / sizeof uses[0]; i++) {
        const struct json *group = json_member(s.catalogue, uses[i].group);
        assert_non_null(group);
        for (const struct json *entry = group->first; entry != NULL; entry = entry->next) {
            struct text more = {0};
            const char *hole = strstr(uses[i].format, "%s");
            if (hole != NULL) {
                text_append(&more, uses[i].format, (size_t)(hole - uses[i].format));
                text_puts(&more, entry->key);
                text_puts(&more, hole + 2);
            } else { /* an SGD workload takes the place of the small scenario's */
                text_printf(&more,
                            "\"workload\": {\"use\": \"%s\", \"backbone\": null, \"meta_batch\": "
                            "null, \"dataset\": null, \"algorithm\": null, \"iterations\": 10}",
                            entry->key);
            }
            assert_usable(&f, more.data);
            text_free(&more);
            used++;
        }
    }
    assert_true(used > 80);
    folder_remove(&f);
    arena_free(&s.arena);
}

/* Every class a platform or store names stands in at least one price list. */
static void every_price_class_that_is_named_exists(void **state)
{
    (void)state;
    struct shipped s = shipped_read();
    const struct json *prices = json_member(s.catalogue, "prices");
    const char *const groups[] = {"platforms", "stores"};
    size_t named = 0;
    for (size_t g = 0; g < 2; g++) {
        const struct json *entry = json_member(s.catalogue, groups[g])->first;
        for (; entry != NULL; entry = entry->next) {
            const struct json *class = json_member(entry, "price");
            bool found = class == NULL;
            for (const struct json *p = prices->first; class != NULL && p != NULL; p = p->next) {
                found = found || json_member(json_member(p, "classes"), class->text) != NULL;
            }
            if (!found) {
                print_error("%s: no price list has %s\n", entry->key, class->text);
            }
            assert_true(found);
            named += class != NULL;
        }
    }
    assert_true(named > 20);
    arena_free(&s.arena);
}

static void check_scenario(const char *path)
{
    struct scenario s;
    struct scenario_cursor cursor;
    struct evaluator e = {0};
    struct error err = {0};
    const struct scenario_options options = {.data_dir = data_dir};
    uint64_t feasible = 0;
    assert_ok(scenario_load(path, &options, &s, &err), &err);
    assert_ok(cursor_init(&cursor, &s, &err), &err);
    for (uint64_t i = 0; i < s.points; i++) {
        struct row row;
        bool skipped = false;
        assert_ok(predict_point(&cursor, i, &e, &row, NULL, NULL, &skipped, &err), &err);
        if (!skipped && row.feasible) {
            feasible++;
            assert_true(isfinite(row.time_s) && row.time_s > 0 && row.cost_usd > 0);
        }
    }
    if (feasible == 0) {
        print_error("%s: nothing is feasible\n", path);
    }
    assert_true(feasible > 0);
    evaluator_free(&e);
    cursor_free(&cursor);
    scenario_free(&s);
}

static void the_scenarios_of_the_literature_are_valid(void **state)
{
    (void)state;
    static const char *const folders[] = {"metafaas", "feng", "naik", "smlt", "mlless"};
    size_t count = 0;
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        char path[512];
        snprintf(path, sizeof path, "%s/%s", data_dir, folders[i]);
        DIR *d = opendir(path);
        assert_non_null(d);
        for (const struct dirent *entry; (entry = readdir(d)) != NULL;) {
            const size_t n = strlen(entry->d_name);
            if (n > 5 && strcmp(entry->d_name + n - 5, ".json") == 0) {
                snprintf(path, sizeof path, "%s/%s/%s", data_dir, folders[i], entry->d_name);
                check_scenario(path);
                count++;
            }
        }
        closedir(d);
    }
    assert_true(count >= 33);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_value_says_where_it_comes_from),
        cmocka_unit_test(every_entry_can_be_used),
        cmocka_unit_test(every_price_class_that_is_named_exists),
        cmocka_unit_test(the_scenarios_of_the_literature_are_valid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
