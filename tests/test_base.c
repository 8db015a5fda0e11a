/* JSON places and edits, errors, text, files and CSV. */
#include "tests/support.h"

#include "model/base/base.h"

#include <stdlib.h>
#include <string.h>

static struct json *parse(struct arena *a, const char *text)
{
    struct json *root = NULL;
    struct error err = {0};
    assert_ok(json_parse(a, "s.json", text, strlen(text), &root, &err), &err);
    return root;
}

static void values_know_their_line_and_column(void **state)
{
    (void)state;
    struct arena a = {0};
    struct json *root =
        parse(&a, "// \xc3\xa9 comment\n{ \"a\": {\"\xc3\xa9\": 1, \"b\": [true,\n 2.50]}}");
    const struct json *b = json_pointer(root, "/a/b/1");
    assert_non_null(b);
    assert_int_equal(b->origin.line, 3);
    assert_int_equal(b->origin.column, 2);
    assert_string_equal(b->text, "2.50");
    const struct json *list = json_pointer(root, "/a/b");
    assert_int_equal(list->origin.line, 2);
    assert_int_equal(list->origin.column, 22);
    char path[64];
    json_path(b, path, sizeof path);
    assert_string_equal(path, "/a/b/1");
    arena_free(&a);
}

struct bad_text {
    const char *text, *message;
    unsigned line, column;
};

static void malformed_text_is_refused_at_its_place(void **state)
{
    (void)state;
    static const struct bad_text rows[] = {
        {"", "the file is empty, expected a JSON object", 1, 1},
        {"  // nothing\n", "the file is empty, expected a JSON object", 2, 1},
        {"{\"a\": 1,\n \"a\": 2}", "duplicate key 'a', first given on line 1", 2, 7},
        {"{\"a\": 1e999}", "the number is too large to be represented", 1, 7},
        {"{\"a\": 012}", "'012' is not a JSON number: a leading zero", 1, 7},
        {"{\"a\": -}", "'-' is not a JSON number", 1, 7},
        {"{\"a\": 4.}", "'4.' is not a JSON number: no digit after the point", 1, 7},
        {"{\"a\": 1e}", "'1e' is not a JSON number", 1, 7},
        {"{\"a\": 0x10}", "'0x10' is not a JSON number", 1, 7},
        {"{\"a\": +1}", "a number does not begin with '+'", 1, 7},
        {"{\"a\": NaN}", "'NaN' is not a JSON value: numbers are finite", 1, 7},
        {"{\"a\": True}", "'True' is not a JSON value, did you mean true?", 1, 7},
        {"{\"a\": x}", "'x' is not a JSON value: texts are written in double quotes", 1, 7},
        {"{\"a\": 'x'}", "texts are written in double quotes", 1, 7},
        {"{a: 1}", "keys are written in double quotes", 1, 2},
        {"{\"a\" 1}", "expected ':' after the key, found '1'", 1, 6},
        {"{\"a\": 1 \"b\": 2}", "expected ',' or '}', found '\"'", 1, 9},
        {"[1, 2,]", "a comma before the closing ']'", 1, 6},
        {"{\"a\": 1,\n}", "a comma before the closing '}'", 1, 8},
        {"[1}", "expected ',' or ']', found '}'", 1, 3},
        {"{\"a\": }", "expected a value, found '}'", 1, 7},
        {"{\"a\": 10,240}", "expected a key in double quotes, found '2'", 1, 10},
        {"{\"a\": 1} x", "text after the end of the JSON value", 1, 10},
        {"{\"a\": /* open", "a comment opened here is never closed", 1, 7},
        {"{\"a\": \"x\n\"}", "the text that begins here is not closed on its line", 1, 7},
        {"{\"a\": \"x", "the text that begins here is never closed", 1, 7},
        {"{\"a\": \"\\q\"}", "no escape such as '\\' followed by 'q'", 1, 8},
        {"{\"a\": \"\\u12g4\"}", "'\\u' needs four hexadecimal digits", 1, 8},
        {"{\"a\": \"\\u0000\"}", "a text cannot hold the character \\u0000", 1, 8},
        {"{\"a\": \"\\ud800x\"}", "half of a surrogate pair", 1, 8},
        {"{\"a\": \"\xc3(\"}", "not valid UTF-8 at byte 0xc3", 1, 8},
        {"{\"a\": \"\x01\"}", "a control character, byte 0x01, in a text", 1, 8},
        {"\x01{}", "expected a value, found byte 0x01", 1, 1},
        {"{\"a\":\n[1, 2",
         "the text ends in the middle of a value: the '[' of line 2 is not closed", 2, 6},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct arena a = {0};
        struct error err = {0};
        struct json *root = NULL;
        assert_int_equal(json_parse(&a, "s.json", rows[i].text, strlen(rows[i].text), &root, &err),
                         ERR_SYNTAX);
        assert_string_equal(err.message, rows[i].message);
        assert_int_equal(err.line, rows[i].line);
        assert_int_equal(err.column, rows[i].column);
        arena_free(&a);
    }
}

static void texts_at_the_edge_of_the_grammar_are_accepted(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "\xef\xbb\xbf{}",
        "[]",
        " [ ] ",
        "-0",
        "0.5e-3",
        "1E+2",
        "{\"\": null}",
        "\"\\ud83d\\ude00\\n\"",
        "\"\xf0\x9f\x98\x80\"",
        "[[], {}, [{}]]",
        "[true, false, null]",
        "[1] // end",
        "0.12345678901234567890123456789012345678901234567890123456789",
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct arena a = {0};
        struct error err = {0};
        struct json *root = NULL;
        json_parse(&a, "s.json", rows[i], strlen(rows[i]), &root, &err);
        assert_string_equal(err.message, "");
        arena_free(&a);
    }
    struct arena a = {0};
    struct error err = {0};
    struct json *root = NULL;
    const char *axis = "{\"grid\": {\"/a~b/c\": [7]}}";
    char path[64];
    assert_int_equal(json_parse(&a, "s.json", axis, strlen(axis), &root, &err), STATUS_OK);
    const struct json *seven = json_pointer(root, "/grid/~1a~0b~1c/0");
    assert_non_null(seven);
    json_path(seven, path, sizeof path);
    assert_string_equal(path, "/grid/~1a~0b~1c/0");
    arena_free(&a);
}

static void deep_nesting_is_refused_in_words(void **state)
{
    (void)state;
    struct text t = {0};
    for (int i = 0; i < 10000; i++) {
        text_puts(&t, "[");
    }
    struct arena a = {0};
    struct error err = {0};
    struct json *root = NULL;
    assert_int_equal(json_parse(&a, "s.json", t.data, t.size, &root, &err), ERR_SYNTAX);
    assert_string_equal(err.message, "nested deeper than 1000 levels");
    arena_free(&a);
    text_free(&t);
}

static void merge_follows_rfc_7396_and_set_follows_rfc_6901(void **state)
{
    (void)state;
    struct arena a = {0};
    struct error err = {0};
    struct json *root = parse(&a, "{\"a\":{\"b\":1,\"c\":2},\"d\":[1,2]}");
    const struct json *patch = parse(&a, "{\"a\":{\"b\":null,\"e\":{\"f\":3}},\"d\":7.10}");
    assert_ok(json_merge(&a, root, patch, &err), &err);
    assert_ok(json_set(&a, root, "/g/h~1i", parse(&a, "[1]"), &err), &err);
    assert_ok(json_set(&a, root, "/g/h~1i/-", parse(&a, "2"), &err), &err);
    assert_ok(json_set(&a, root, "/a/c", parse(&a, "\"x\""), &err), &err);
    struct text out = {0};
    json_write(&out, root, 0);
    assert_string_equal(out.data,
                        "{\"a\":{\"c\":\"x\",\"e\":{\"f\":3}},\"d\":7.10,\"g\":{\"h/i\":[1,2]}}");
    text_free(&out);
    assert_int_equal(json_set(&a, root, "/d/x", parse(&a, "1"), &err), ERR_USAGE);
    arena_free(&a);
}

static void numbers_are_written_short_and_exact(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } rows[] = {{0.1, "0.1"},
                {1.0 / 3, "0.3333333333333333"},
                {1e-9, "1e-09"},
                {123456, "123456"},
                {1.47, "1.47"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct text t = {0};
        text_number(&t, rows[i].value);
        assert_string_equal(t.data, rows[i].text);
        text_free(&t);
    }
}

static void nearest_names_are_suggested_only_when_near(void **state)
{
    (void)state;
    static const char *const names[] = {"memory_mib", "workers", "latency_s"};
    assert_string_equal(nearest_name("memory_mb", names, 3), "memory_mib");
    assert_string_equal(nearest_name("wrokers", names, 3), "workers");
    assert_string_equal(nearest_name("latency", names, 3), "latency_s");
    assert_null(nearest_name("colour", names, 3));
}

static void csv_is_read_by_column_name(void **state)
{
    (void)state;
    static const char text[] = "name,x_s\r\n\"a, \"\"b\"\"\",1.5\r\n\r\nc,\nd,oops\n";
    struct table t;
    struct error err = {0};
    char *copy = strdup(text);
    assert_ok(table_parse("t.csv", copy, strlen(copy), &t, &err), &err);
    size_t x = 0;
    assert_ok(table_column(&t, "x_s", &x, &err), &err);
    assert_int_equal(t.n_rows, 3);
    assert_string_equal(table_cell(&t, 0, 0), "a, \"b\"");
    double value = 0;
    assert_ok(table_number(&t, 0, x, &value, &err), &err);
    assert_close(value, 1.5, 0);
    assert_ok(table_number(&t, 1, x, &value, &err), &err);
    assert_true(isnan(value));
    assert_int_equal(table_number(&t, 2, x, &value, &err), ERR_INPUT);
    assert_int_equal(err.line, 5);
    err = (struct error){0};
    assert_int_equal(table_column(&t, "x", &x, &err), ERR_INPUT);
    assert_string_equal(err.message, "no column 'x', did you mean 'x_s'?");
    table_free(&t);
}

static void ragged_csv_names_the_line(void **state)
{
    (void)state;
    struct table t;
    struct error err = {0};
    char *copy = strdup("a,b\n1,2\n3\n");
    assert_int_equal(table_parse("t.csv", copy, strlen(copy), &t, &err), ERR_SYNTAX);
    assert_int_equal(err.line, 3);
}

static void files_appear_whole_or_not_at_all(void **state)
{
    (void)state;
    struct error err = {0};
    char name[] = "/tmp/faascast-base-XXXXXX";
    const int fd = mkstemp(name);
    assert_true(fd >= 0);
    FILE *f = fdopen(fd, "w");
    assert_non_null(f);
    fclose(f);
    assert_ok(file_write(name, "hello", 5, &err), &err);
    char *data = NULL;
    size_t n = 0;
    assert_ok(file_read(name, 100, &data, &n, &err), &err);
    assert_string_equal(data, "hello");
    free(data);
    assert_int_equal(file_read(name, 3, &data, &n, &err), ERR_INPUT);
    err = (struct error){0};
    assert_int_equal(file_write("/nonexistent-folder/x", "a", 1, &err), ERR_IO);
    err = (struct error){0};
    assert_int_equal(file_write("/dev/full", "a", 1, &err), ERR_IO);
    remove(name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_know_their_line_and_column),
        cmocka_unit_test(malformed_text_is_refused_at_its_place),
        cmocka_unit_test(texts_at_the_edge_of_the_grammar_are_accepted),
        cmocka_unit_test(deep_nesting_is_refused_in_words),
        cmocka_unit_test(merge_follows_rfc_7396_and_set_follows_rfc_6901),
        cmocka_unit_test(numbers_are_written_short_and_exact),
        cmocka_unit_test(nearest_names_are_suggested_only_when_near),
        cmocka_unit_test(csv_is_read_by_column_name),
        cmocka_unit_test(ragged_csv_names_the_line),
        cmocka_unit_test(files_appear_whole_or_not_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
