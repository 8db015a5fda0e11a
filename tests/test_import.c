/* Importers of logs and statistics: every real line, every form, broken lines counted. */
#include "tests/import_support.h"

/* An independent, slow reading of one REPORT field: "label: value" found as text. */
static double field_of(const char *line, const char *label)
{
    char key[64];
    snprintf(key, sizeof key, "%s: ", label);
    for (const char *p = line; (p = strstr(p, key)) != NULL; p++) {
        if (p > line && (p[-1] == '\t' || p[-1] == ' ') &&
            !(strcmp(label, "Duration") == 0 && p - line > 6 &&
              (strncmp(p - 5, "Init ", 5) == 0 || strncmp(p - 7, "Billed ", 7) == 0))) {
            return strtod(p + strlen(key), NULL);
        }
    }
    return (double)NAN;
}

static void assert_same(double actual, double expected)
{
    if (isnan(expected)) {
        assert_true(isnan(actual));
    } else {
        assert_close(actual, expected, 1e-15);
    }
}

static void every_real_cloudwatch_line_is_read(void **state)
{
    (void)state;
    size_t size;
    char *const data = load("tests/data/import/cloudwatch_lambda.log", &size);
    struct imported r = import_bytes(NULL, data, size, NULL, 0);
    assert_ok(r.code, &r.err);
    assert_string_equal(r.report.kind, "cloudwatch");
    assert_int_equal(r.report.bad_lines, 0);
    size_t row = 0, lines = 0;
    for (char *line = data, *end; *line != '\0'; line = end + 1) {
        end = strchr(line, '\n');
        *end = '\0';
        lines++;
        if (strncmp(line, "REPORT", 6) != 0) {
            continue;
        }
        assert_same(number(&r, row, "duration_s"), field_of(line, "Duration") / 1e3);
        assert_same(number(&r, row, "billed_s"), field_of(line, "Billed Duration") / 1e3);
        assert_same(number(&r, row, "init_s"), field_of(line, "Init Duration") / 1e3);
        assert_same(number(&r, row, "memory_mib"), field_of(line, "Memory Size"));
        assert_same(number(&r, row, "max_memory_used_mib"), field_of(line, "Max Memory Used"));
        assert_same(number(&r, row, "line"), (double)lines);
        assert_string_equal(cell(&r, row, "cold"),
                            isnan(field_of(line, "Init Duration")) ? "0" : "1");
        row++;
    }
    assert_true(row > 0);
    assert_int_equal(r.report.rows, row);
    assert_int_equal(r.report.other_lines, lines - row);
    imported_free(&r);
    free(data);
}

static void lines_of_the_100_ms_era_do_not_claim_to_know_cold_starts(void **state)
{
    (void)state;
    struct imported r = import_text(
        NULL, "START RequestId: a Version: $LATEST\r\n"
              "a Lambda:15 - REPORT of the application: Duration: 1 ms\r\n"
              "REPORT RequestId: a  Duration: 716.14 ms   Billed Duration: 800 ms Memory Size: 512 "
              "MB\tMax Memory Used: 81 MB\r\n"
              "REPORT RequestId: b\tDuration: 3122.27 ms\tBilled Duration: 3200 ms \tMemory Size: "
              "1536 MB\r\n"
              "REPORT RequestId: c\tDuration: 182.5 ms\tBilled Duration: 200 ms\tMemory Size: 512 "
              "MB\tMax Memory Used: 81 MB\tInit Duration: 99.9 ms\r\n"
              "REPORT RequestId: d\tDuration: 150.25 ms\tBilled Duration: 200 ms\tMemory Size: 512 "
              "MB\tMax Memory Used: 81 MB\r\n");
    assert_ok(r.code, &r.err);
    assert_int_equal(r.report.rows, 4);
    assert_int_equal(r.report.bad_lines, 0);
    assert_string_equal(cell(&r, 0, "duration_s"), "0.71614");
    assert_string_equal(cell(&r, 0, "cold"), "");
    assert_string_equal(cell(&r, 1, "max_memory_used_mib"), "");
    assert_string_equal(cell(&r, 2, "cold"), "1");
    assert_string_equal(cell(&r, 3, "cold"), "0"); /* from here on a cold start would say so */
    imported_free(&r);
}

static void log_tools_may_put_times_and_streams_in_front(void **state)
{
    (void)state;
    const char *const report =
        "REPORT RequestId: a\tDuration: 1.5 ms\tBilled Duration: 2 ms\tMemory Size: 128 MB\tMax "
        "Memory Used: 30 MB\tStatus: timeout\tXRAY TraceId: 1-2-3\tSegmentId: 9\tSampled: true";
    const char *const before[] = {
        "2024-03-13T18:56:24.046Z ", "2024-03-13T19:56:24.046000+01:00 2024/03/13/[$LATEST]0a1b2c ",
        "2024/03/13/[$LATEST]0a1b2c 2024-03-13T18:56:24.046000 ", "1710356184046\t"};
    for (size_t i = 0; i < sizeof before / sizeof before[0]; i++) {
        char line[512];
        snprintf(line, sizeof line, "%s%s\n", before[i], report);
        struct imported r = import_text("cloudwatch", line);
        assert_ok(r.code, &r.err);
        assert_string_equal(cell(&r, 0, "time_s"), "1710356184.046");
        assert_string_equal(cell(&r, 0, "status"), "timeout");
        assert_string_equal(cell(&r, 0, "duration_s"), "0.0015");
        imported_free(&r);
    }
}

static void snapshot_restores_and_json_events_are_read(void **state)
{
    (void)state;
    struct imported r = import_text(
        NULL, "RESTORE_START Runtime Version: java:21.v5\n"
              "REPORT RequestId: a\tDuration: 10.20 ms\tBilled Duration: 190 ms\tMemory Size: 1024 "
              "MB\tMax Memory Used: 90 MB\tRestore Duration: 412.77 ms\tBilled Restore Duration: "
              "179 ms\n"
              "{\"time\":\"2024-03-13T18:56:24.046Z\",\"type\":\"platform.start\"}\n"
              "{\"time\":\"2024-03-13T18:56:24.046Z\",\"type\":\"platform.report\",\"record\":{"
              "\"requestId\":\"b\",\"metrics\":{\"durationMs\":1.46,\"billedDurationMs\":2,"
              "\"memorySizeMB\":128,\"maxMemoryUsedMB\":33,\"initDurationMs\":105.25},\"status\":"
              "\"success\"}}\n"
              "{\"type\":\"platform.report\",\"record\":{\"metrics\":{\"durationMs\":\"x\"}}}\n"
              "{\"type\":\"platform.report\",\"record\":{\n");
    assert_ok(r.code, &r.err);
    assert_int_equal(r.report.rows, 2);
    assert_string_equal(cell(&r, 0, "restore_s"), "0.41277");
    assert_string_equal(cell(&r, 0, "billed_restore_s"), "0.179");
    assert_string_equal(cell(&r, 0, "cold"), "1");
    assert_string_equal(cell(&r, 1, "duration_s"), "0.00146");
    assert_string_equal(cell(&r, 1, "init_s"), "0.10525");
    assert_string_equal(cell(&r, 1, "status"), "success");
    assert_int_equal(r.report.bad_lines, 2);
    assert_int_equal(r.bad.lines[0], 5);
    assert_int_equal(r.bad.lines[1], 6);
    imported_free(&r);
}

static void broken_report_lines_are_counted_with_their_numbers(void **state)
{
    (void)state;
    static const char *const broken[] = {
        "REPORT RequestId: a\tDuration: 337.14 ms\tBilled Dur",
        "REPORT RequestId: a\tDuration: 337.14 ms\tBilled Duration:",
        "REPORT RequestId: a\tDuration: 337.14\tBilled Duration: 2 ms\tMemory Size: 128 MB",
        "REPORT RequestId: a\tDuration: fast ms\tBilled Duration: 2 ms\tMemory Size: 128 MB",
        "REPORT RequestId: a\tDuration: -1 ms\tBilled Duration: 2 ms\tMemory Size: 128 MB",
        "REPORT RequestId: a\tDuration: nan ms\tBilled Duration: 2 ms\tMemory Size: 128 MB",
        "REPORT RequestId: a\tDuration: 1e999 ms\tBilled Duration: 2 ms\tMemory Size: 128 MB",
        ("REPORT RequestId: a\tDuration: 1 ms\tDuration: 1 ms\tBilled Duration: 2 ms\tMemory Size: "
         "128 MB"),
        "REPORT RequestId: a\tBilled Duration: 2 ms\tMemory Size: 128 MB",
        "REPORT RequestId: ",
        "REPORT of nothing",
    };
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        char text[512];
        snprintf(text, sizeof text, REPORT_OK "%s\n" REPORT_OK, broken[i]);
        struct imported r = import_text("cloudwatch", text);
        assert_ok(r.code, &r.err);
        if (r.report.rows != 2 || r.bad.count != 1 || r.bad.lines[0] != 2) {
            fail_msg("not counted: %s", broken[i]);
        }
        imported_free(&r);
    }
}

static void every_documented_s3_record_is_read(void **state)
{
    (void)state;
    size_t size;
    char *const data = load("tests/data/import/s3_server_access.log", &size);
    struct imported r = import_bytes(NULL, data, size, NULL, 0);
    assert_ok(r.code, &r.err);
    assert_string_equal(r.report.kind, "s3-access");
    assert_int_equal(r.report.rows, 5);
    assert_int_equal(r.report.bad_lines, 0);
    size_t row = 0;
    for (char *line = data, *end; *line != '\0'; line = end + 1, row++) {
        end = strchr(line, '\n');
        *end = '\0';
        /* The request line ends at the last quote before the status. */
        char status[8], error[64], sent[32], object[32], total[32], turn[32];
        const char *const after = strstr(line, "HTTP/1.1\" ") + strlen("HTTP/1.1\" ");
        assert_int_equal(
            sscanf(after, "%7s %63s %31s %31s %31s %31s", status, error, sent, object, total, turn),
            6);
        assert_string_equal(cell(&r, row, "status"), status);
        const bool put = strstr(line, "REST.PUT.OBJECT") != NULL;
        assert_string_equal(cell(&r, row, "size_bytes"), put ? object : sent);
        assert_close(number(&r, row, "duration_s"), strtod(total, NULL) / 1e3, 1e-15);
        if (strcmp(turn, "-") == 0) {
            assert_string_equal(cell(&r, row, "first_byte_s"), "");
        } else {
            assert_close(number(&r, row, "first_byte_s"), strtod(turn, NULL) / 1e3, 1e-15);
        }
        assert_string_equal(cell(&r, row, "op"),
                            put                                  ? "put"
                            : strstr(line, "VERSIONING") != NULL ? "REST.GET.VERSIONING"
                            : strstr(line, "LOGGING") != NULL    ? "REST.GET.LOGGING_STATUS"
                                                                 : "REST.GET.BUCKETPOLICY");
    }
    /* `date -u -d '2019-02-06 00:00:38' +%s` */
    assert_string_equal(cell(&r, 0, "time_s"), "1549411238");
    imported_free(&r);
    free(data);
}

static void s3_lines_cut_short_are_counted(void **state)
{
    (void)state;
    size_t size;
    char *const data = load("tests/data/import/s3_server_access.log", &size);
    const char *const end = strchr(data, '\n');
    const size_t whole = (size_t)(end - data) + 1;
    const size_t needed = (size_t)(strstr(data, " \"-\" \"S3Console") - data);
    /* Cut the second copy of the line anywhere: a row only when the turn-around time is there. */
    for (size_t cut = 1; cut < whole - 1; cut++) {
        struct text t = {0};
        text_append(&t, data, whole);
        text_append(&t, data, cut);
        struct imported r = import_bytes("s3-access", t.data, t.size, NULL, 0);
        assert_ok(r.code, &r.err);
        assert_int_equal(r.report.rows + r.report.bad_lines, 2);
        assert_int_equal(r.report.bad_lines, cut >= needed ? 0 : 1);
        imported_free(&r);
        text_free(&t);
    }
    free(data);
}

/* Little-endian bytes as base64, for the link of Power Tuning. */
static void append_base64(struct text *out, const unsigned char *p, size_t n)
{
    static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < n; i += 3) {
        const unsigned b = (unsigned)p[i] << 16 | (i + 1 < n ? (unsigned)p[i + 1] << 8 : 0u) |
                           (i + 2 < n ? (unsigned)p[i + 2] : 0u);
        char four[5] = {set[b >> 18], set[b >> 12 & 63], i + 1 < n ? set[b >> 6 & 63] : '=',
                        i + 2 < n ? set[b & 63] : '=', '\0'};
        text_puts(out, four);
    }
}

static void power_tuning_gives_a_row_for_every_memory_size(void **state)
{
    (void)state;
    static const unsigned char sizes[] = {0x80, 0x00, 0x00, 0x01, 0xc0, 0x0b}; /* 128 256 3008 */
    const float times[] = {11.72F, 6.125F, 1.5F}, costs[] = {2.46e-8F, 2.73e-8F, 9.8e-8F};
    struct text t = {0};
    text_puts(&t, "{\"power\":256,\"cost\":2.73e-8,\"duration\":6.125,\"stateMachine\":{"
                  "\"visualization\":\"https://lambda-power-tuning.show/#");
    append_base64(&t, sizes, sizeof sizes);
    text_puts(&t, ";");
    append_base64(&t, (const unsigned char *)times, sizeof times);
    text_puts(&t, ";");
    append_base64(&t, (const unsigned char *)costs, sizeof costs);
    text_puts(&t, "\"}}\n");
    struct imported r = import_bytes(NULL, t.data, t.size, NULL, 0);
    assert_ok(r.code, &r.err);
    assert_string_equal(r.report.kind, "power-tuning");
    assert_int_equal(r.report.rows, 3);
    assert_string_equal(cell(&r, 0, "memory_mib"), "128");
    assert_string_equal(cell(&r, 0, "duration_s"), "0.01172");
    assert_string_equal(cell(&r, 2, "memory_mib"), "3008");
    assert_string_equal(cell(&r, 2, "duration_s"), "0.0015");
    assert_close(number(&r, 1, "cost_usd"), 2.73e-8, 1e-12);
    imported_free(&r);
    text_free(&t);

    r = import_text(NULL, "{\"power\":512,\"cost\":1e-7,\"duration\":35.25,\"stats\":[\n"
                          "{\"value\":128,\"averagePrice\":2.1e-7,\"averageDuration\":101.5},\n"
                          "{\"value\":512,\"averagePrice\":1e-7},\n"
                          "{\"value\":512,\"averagePrice\":1e-7,\"averageDuration\":35.25}]}");
    assert_ok(r.code, &r.err);
    assert_int_equal(r.report.rows, 2);
    assert_int_equal(r.report.bad_lines, 1);
    assert_int_equal(r.bad.lines[0], 3);
    assert_string_equal(cell(&r, 0, "duration_s"), "0.1015");
    imported_free(&r);

    r = import_text("power-tuning", "{\"power\":512,\"cost\":1e-7,\"duration\":35.25}");
    assert_ok(r.code, &r.err);
    assert_string_equal(cell(&r, 0, "memory_mib"), "512");
    imported_free(&r);
}

#define STATS_1                                                                                    \
    "{\"call_id\": \"00000\", \"host_submit_tstamp\": 1654869600.123456, "                         \
    "\"worker_start_tstamp\": "                                                                    \
    "1654869600.323456, \"worker_end_tstamp\": 1654869606.5, \"worker_func_exec_time\": 6.01, "    \
    "\"worker_cold_start\": true, \"exception\": false}"
#define STATS_2                                                                                    \
    "{\"call_id\": \"00001\", \"host_submit_tstamp\": 1654869600.25, \"worker_start_tstamp\": "    \
    "1654869600.75, \"worker_end_tstamp\": 1654869607, \"worker_func_exec_time\": 6.25, "          \
    "\"worker_cold_start\": false, \"exception\": \"KeyError\"}"

static void lithops_statistics_read_the_same_in_all_their_forms(void **state)
{
    (void)state;
    static const char *const forms[] = {
        "[\n" STATS_1 ",\n" STATS_2 "\n]\n",
        "{\"workers\": 2, \"worker_stats\": [" STATS_1 ", " STATS_2 "]}",
        STATS_1 "\n" STATS_2 "\n",
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        struct imported r = import_text(NULL, forms[i]);
        assert_ok(r.code, &r.err);
        assert_string_equal(r.report.kind, "lithops");
        assert_int_equal(r.report.rows, 2);
        assert_string_equal(cell(&r, 0, "submit_s"), "1654869600.123456");
        assert_string_equal(cell(&r, 0, "start_s"), "1654869600.323456");
        assert_string_equal(cell(&r, 0, "cold"), "1");
        assert_string_equal(cell(&r, 0, "worker"), "00000");
        assert_string_equal(cell(&r, 1, "duration_s"), "6.25");
        assert_string_equal(cell(&r, 1, "cold"), "0");
        assert_string_equal(cell(&r, 0, "status"), "ok");
        assert_string_equal(cell(&r, 1, "status"), "error");
        imported_free(&r);
    }
    struct imported r =
        import_text(NULL, ",host_submit_tstamp,worker_start_tstamp,worker_end_tstamp,"
                          "worker_func_exec_time,worker_cold_start\n"
                          "0,1654869600.123456,1654869600.323456,1654869606.5,6.01,True\n"
                          "1,1654869600.25,1654869600.75,1654869607,oops,False\n");
    assert_ok(r.code, &r.err);
    assert_string_equal(r.report.kind, "lithops");
    assert_int_equal(r.report.rows, 1);
    assert_string_equal(cell(&r, 0, "cold"), "1");
    assert_int_equal(r.bad.lines[0], 3);
    imported_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_real_cloudwatch_line_is_read),
        cmocka_unit_test(lines_of_the_100_ms_era_do_not_claim_to_know_cold_starts),
        cmocka_unit_test(log_tools_may_put_times_and_streams_in_front),
        cmocka_unit_test(snapshot_restores_and_json_events_are_read),
        cmocka_unit_test(broken_report_lines_are_counted_with_their_numbers),
        cmocka_unit_test(every_documented_s3_record_is_read),
        cmocka_unit_test(s3_lines_cut_short_are_counted),
        cmocka_unit_test(power_tuning_gives_a_row_for_every_memory_size),
        cmocka_unit_test(lithops_statistics_read_the_same_in_all_their_forms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
