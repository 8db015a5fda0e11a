/* Imports whatever the kind: plain CSV and its maps, gzip, what is not text, files that say
 * nothing. */
#include "tests/import_support.h"

static void plain_csv_is_mapped_and_its_units_moved(void **state)
{
    (void)state;
    static const char *const maps[] = {"what=op", "took=duration_us", "RAM=memory_mb",
                                       "big=size_mib"};
    const char *const text = "what,took,RAM,big,first_byte_ms,note\r\n"
                             "get,1500000,3008,0.5,12.5,\"a, \"\"b\"\"\nc\"\r\n"
                             "put,2,128,,,x\r\n"
                             "put,2,128\r\n"
                             "put,0x10,128,,,x\r\n"
                             "put,2,128,1,1,x,y\r\n"
                             "put,2,128,1,1,\"x\r\n";
    struct imported r = import_bytes("csv", text, strlen(text), maps, 4);
    assert_ok(r.code, &r.err);
    assert_int_equal(r.report.rows, 2);
    assert_string_equal(cell(&r, 0, "op"), "get");
    assert_string_equal(cell(&r, 0, "duration_s"), "1.5");
    assert_string_equal(cell(&r, 0, "memory_mib"), "3008");
    assert_string_equal(cell(&r, 0, "size_bytes"), "524288");
    assert_string_equal(cell(&r, 0, "first_byte_s"), "0.0125");
    assert_string_equal(cell(&r, 1, "duration_s"), "0.000002");
    assert_string_equal(cell(&r, 1, "size_bytes"), "");
    assert_string_equal(cell(&r, 1, "line"), "4"); /* the first record has two lines */
    assert_int_equal(r.report.bad_lines, 4);
    assert_int_equal(r.bad.lines[0], 5);
    assert_int_equal(r.bad.lines[3], 8);
    imported_free(&r);
}

static void a_trace_is_a_fixed_point_of_the_importer(void **state)
{
    (void)state;
    size_t size;
    char *const data = load("tests/data/import/cloudwatch_lambda.log", &size);
    struct imported first = import_bytes(NULL, data, size, NULL, 0);
    struct imported again = import_text(NULL, first.text);
    assert_ok(again.code, &again.err);
    assert_string_equal(again.report.kind, "csv");
    assert_int_equal(again.report.rows, first.report.rows);
    for (size_t i = 0; i < first.report.rows; i++) {
        assert_string_equal(cell(&again, i, "duration_s"), cell(&first, i, "duration_s"));
        assert_string_equal(cell(&again, i, "init_s"), cell(&first, i, "init_s"));
    }
    imported_free(&first);
    imported_free(&again);
    free(data);
}

static void wrong_maps_are_refused_with_the_nearest_name(void **state)
{
    (void)state;
    static const struct {
        const char *map, *expected;
    } rows[] = {
        {"tok=duration_s", "'took'"},
        {"took=duration_m", "'duration_s'"},
        {"took", "column=name"},
        {"took=", "column=name"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *const text = "took,op\n1,get\n";
        struct imported r = import_bytes("csv", text, strlen(text), &rows[i].map, 1);
        assert_int_not_equal(r.code, STATUS_OK);
        assert_non_null(strstr(r.err.message, rows[i].expected));
        imported_free(&r);
    }
    const char *const map = "took=duration_s", *const log = REPORT_OK;
    struct imported r = import_bytes("cloudwatch", log, strlen(log), &map, 1);
    assert_int_equal(r.code, ERR_USAGE);
    imported_free(&r);
}

static void gzip_reads_like_plain_text_and_broken_gzip_is_refused(void **state)
{
    (void)state;
    size_t size;
    char *const data = load("tests/data/import/cloudwatch_lambda.log", &size);
    struct imported plain = import_bytes(NULL, data, size, NULL, 0);
    unsigned char packed[16384];
    size_t used = 0;
    for (size_t member = 0; member < 2; member++) { /* two members, cut inside a line */
        const size_t half = 1000;
        z_stream z = {0};
        assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
        z.next_in = (unsigned char *)data + (member == 0 ? 0 : half);
        z.avail_in = (uInt)(member == 0 ? half : size - half);
        z.next_out = packed + used;
        z.avail_out = (uInt)(sizeof packed - used);
        assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
        used = (size_t)(z.next_out - packed);
        deflateEnd(&z);
    }
    struct imported r = import_bytes(NULL, packed, used, NULL, 0);
    assert_ok(r.code, &r.err);
    assert_string_equal(r.text, plain.text);
    assert_int_equal(r.report.bytes, size);
    imported_free(&r);
    for (size_t cut = 2; cut < used; cut += 7) {
        r = import_bytes("cloudwatch", packed, cut, NULL, 0);
        if (r.code == STATUS_OK) { /* exactly the end of the first member */
            assert_int_equal(r.report.bytes, 1000);
        } else {
            assert_int_equal(r.code, ERR_INPUT);
            assert_non_null(strstr(r.err.message, "gzip"));
        }
        imported_free(&r);
    }
    size_t refused = 0;
    for (size_t i = 2; i < used; i++) {
        packed[i] ^= 0x10;
        r = import_bytes("cloudwatch", packed, used, NULL, 0);
        refused += r.code != STATUS_OK ? 1 : 0;
        /* Only header fields (time, operating system) may change without being noticed. */
        assert_true(r.code != STATUS_OK || strcmp(r.text, plain.text) == 0);
        imported_free(&r);
        packed[i] ^= 0x10;
    }
    assert_true(refused > used - 32);
    imported_free(&plain);
    free(data);
}

static void what_is_not_text_is_refused_or_counted(void **state)
{
    (void)state;
    const char utf16[] = "\xff\xfeR\0E\0P\0O\0R\0T\0\n\0", bare[] = "R\0E\0P\0O\0R\0T\0\n\0";
    struct imported r = import_bytes("cloudwatch", utf16, sizeof utf16 - 1, NULL, 0);
    assert_int_equal(r.code, ERR_INPUT);
    assert_non_null(strstr(r.err.message, "UTF-16"));
    r = import_bytes(NULL, bare, sizeof bare - 1, NULL, 0);
    assert_int_equal(r.code, ERR_INPUT);
    assert_non_null(strstr(r.err.message, "UTF-16"));

    const char nul[] = REPORT_OK "some\0thing\n" REPORT_OK;
    r = import_bytes("cloudwatch", nul, sizeof nul - 1, NULL, 0);
    assert_ok(r.code, &r.err);
    assert_int_equal(r.report.rows, 2);
    assert_int_equal(r.bad.lines[0], 2);
    imported_free(&r);

    const char bom[] = "\xef\xbb\xbf" REPORT_OK;
    r = import_bytes(NULL, bom, sizeof bom - 1, NULL, 0);
    assert_ok(r.code, &r.err);
    assert_int_equal(r.report.rows, 1);
    imported_free(&r);

    const size_t ten = 10u << 20;
    struct text big = {0};
    text_puts(&big, REPORT_OK);
    char *const filler = malloc(ten);
    assert_non_null(filler);
    memset(filler, 'x', ten);
    text_append(&big, filler, ten);
    text_puts(&big, "\n" REPORT_OK);
    r = import_bytes("cloudwatch", big.data, big.size, NULL, 0);
    assert_ok(r.code, &r.err);
    assert_int_equal(r.report.rows, 2);
    assert_int_equal(r.report.lines, 3);
    assert_int_equal(r.report.bytes, big.size);
    assert_int_equal(r.bad.lines[0], 2);
    assert_string_equal(cell(&r, 1, "line"), "3");
    imported_free(&r);
    text_free(&big);
    free(filler);
}

static void a_file_that_says_nothing_is_an_error(void **state)
{
    (void)state;
    static const struct {
        const char *kind, *text, *expected;
    } rows[] = {
        {NULL, "", "no kind"},
        {NULL, "hello\nworld\n", "no kind"},
        {"cloudwatch", "START RequestId: a\n", "not one row"},
        {"s3-access", "\n\n", "not one row"},
        {"csv", "", "header"},
        {"csv", "a,b\n1,2\n", "--map"},
        {"power-tuning", "{", "ends in the middle"},
        {"lithops", "{}", "worker_start_tstamp"},
        {"cloudwach", "x", "'cloudwatch'"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct imported r = import_text(rows[i].kind, rows[i].text);
        assert_int_not_equal(r.code, STATUS_OK);
        if (strstr(r.err.message, rows[i].expected) == NULL) {
            fail_msg("'%s' does not say '%s'", r.err.message, rows[i].expected);
        }
        imported_free(&r);
    }
}

static void a_failed_import_leaves_no_file(void **state)
{
    (void)state;
    char path[] = "/tmp/faascast_import_XXXXXX";
    assert_non_null(mkdtemp(path));
    char out[64];
    snprintf(out, sizeof out, "%s/trace.csv", path);
    const struct import_options options = {.kind = "cloudwatch"};
    struct import_report report;
    struct error err = {0};
    assert_int_equal(import_file("tests/data/import/SOURCES.md", out, &options, &report, &err),
                     ERR_INPUT);
    assert_null(fopen(out, "r"));
    err = (struct error){0};
    assert_ok(import_file("tests/data/import/cloudwatch_lambda.log", out, &options, &report, &err),
              &err);
    remove(out);
    assert_int_equal(remove(path), 0); /* nothing else was left in the directory */
    assert_int_equal(import_file("/nowhere/x.log", out, &options, &report, &err), ERR_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_csv_is_mapped_and_its_units_moved),
        cmocka_unit_test(a_trace_is_a_fixed_point_of_the_importer),
        cmocka_unit_test(wrong_maps_are_refused_with_the_nearest_name),
        cmocka_unit_test(gzip_reads_like_plain_text_and_broken_gzip_is_refused),
        cmocka_unit_test(what_is_not_text_is_refused_or_counted),
        cmocka_unit_test(a_file_that_says_nothing_is_an_error),
        cmocka_unit_test(a_failed_import_leaves_no_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
