/* The measuring itself, on clocks and throughputs that are known: what it says must be what was put
 * in. */
#include "tests/support.h"

#include "calibration/calibrate.h"
#include "calibration/data/random.h"

#include <gsl/gsl_errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---------------------------------------------------------------- a clock that obeys */

/* Every run of the action takes a lognormal time, and one in `every` takes ten times as long. */
struct fake {
    struct random_stream random;
    double now_s, median_s, sigma;
    unsigned every, runs;
};

static double fake_now(void *context)
{
    return ((struct fake *)context)->now_s;
}

static enum status fake_action(void *context, struct error *err)
{
    (void)err;
    struct fake *const f = context;
    double seconds = f->median_s * exp(f->sigma * random_normal(&f->random));
    f->runs++;
    if (f->every > 0 && f->runs % f->every == 0) {
        seconds *= 10.0;
    }
    f->now_s += seconds;
    return STATUS_OK;
}

static struct measurement run_fake(struct fake *f, struct measure_options options)
{
    struct error err = {0};
    struct measurement m;
    options.now_s = fake_now;
    options.now_context = f;
    assert_ok(measure(&options, fake_action, f, &m, &err), &err);
    return m;
}

static void the_interval_of_the_median_covers_it_95_times_in_100(void **state)
{
    (void)state;
    int covered = 0, precise = 0;
    for (uint64_t seed = 0; seed < 400; seed++) {
        struct fake f = {.random = random_open(seed, 1), .median_s = 0.0137, .sigma = 0.08};
        struct measure_options o = measure_defaults();
        o.samples_min = o.samples_max = 101; /* fixed size: the interval's own coverage */
        const struct measurement m = run_fake(&f, o);
        assert_int_equal(m.samples, 101);
        assert_true(m.low_s <= m.median_s && m.median_s <= m.high_s && m.minimum_s <= m.low_s);
        covered += m.low_s <= 0.0137 && 0.0137 <= m.high_s;
        precise += m.precise;
    }
    /* 400 x 0.95 = 380, standard deviation 4.4. */
    assert_true(covered >= 362 && covered <= 396);
    /* 1.25 x 8 % / sqrt(101) x 1.96 = 1.95 %: never within one percent. */
    assert_true(precise < 20);
}

static void measuring_stops_when_the_interval_is_narrow(void **state)
{
    (void)state;
    struct fake f = {.random = random_open(3, 1), .median_s = 0.0137, .sigma = 0.02};
    const struct measurement m = run_fake(&f, measure_defaults());
    assert_true(m.precise);
    assert_true(0.5 * (m.high_s - m.low_s) <= 0.01 * m.median_s);
    assert_true(m.samples >= 11 && m.samples < 200);
    assert_close(m.median_s, 0.0137, 0.02);
    assert_close(m.cv, 0.02, 0.6);
}

static void measuring_stops_when_its_time_is_over_and_says_so(void **state)
{
    (void)state;
    struct fake f = {.random = random_open(5, 1), .median_s = 0.2, .sigma = 0.5};
    struct measure_options o = measure_defaults();
    o.seconds_max = 7.0;
    const struct measurement m = run_fake(&f, o);
    assert_false(m.precise);
    assert_true(m.samples >= 11 && m.samples < 60);
}

static void outliers_are_counted_and_do_not_move_the_median(void **state)
{
    (void)state;
    struct fake f = {.random = random_open(7, 1), .median_s = 0.01, .sigma = 0.01, .every = 10};
    struct measure_options o = measure_defaults();
    o.samples_min = o.samples_max = 200;
    o.warm_up = 0; /* one run is made to size the samples, so the 200 hold 20 or 21 slow ones */
    const struct measurement m = run_fake(&f, o);
    assert_true(m.outliers >= 20 && m.outliers <= 21);
    assert_close(m.median_s, 0.01, 0.005);
}

static void short_actions_are_repeated_inside_a_sample(void **state)
{
    (void)state;
    struct fake f = {.random = random_open(9, 1), .median_s = 1e-6, .sigma = 0.3};
    struct measure_options o = measure_defaults();
    o.samples_min = o.samples_max = 20;
    const struct measurement m = run_fake(&f, o);
    /* Each sample sums 2048 runs, so it is their mean: exp(0.3^2 / 2) above the median. */
    assert_close(m.median_s, 1e-6 * exp(0.045), 0.02);
    assert_true(f.runs > 20 * 1024);
}

static enum status failing_action(void *context, struct error *err)
{
    (void)context;
    return RAISE(err, ERR_NUMERIC, "no number");
}

static void an_action_that_fails_ends_the_measurement(void **state)
{
    (void)state;
    struct error err = {0};
    struct measurement m;
    const struct measure_options o = measure_defaults();
    assert_int_equal(measure(&o, failing_action, NULL, &m, &err), ERR_NUMERIC);
    assert_string_equal(err.message, "no number");
}

/* ---------------------------------------------------------------- laws */

static size_t make_points(struct scaling_point *points, const struct scaling_law *law,
                          size_t threads, size_t each, double noise, uint64_t seed)
{
    struct random_stream random = random_open(seed, 2);
    size_t n = 0;
    for (size_t t = 1; t <= threads; t++) {
        for (size_t i = 0; i < each; i++) {
            const double x = law->x1 * scaling_speedup(law, (double)t);
            points[n++] =
                (struct scaling_point){(double)t, x * exp(noise * random_normal(&random))};
        }
    }
    return n;
}

static void scaling_laws_are_recovered_from_their_own_throughputs(void **state)
{
    (void)state;
    static const struct {
        size_t threads;
        struct scaling_law law;
    } rows[] = {{2, {.x1 = 385.0, .serial_share = 0.073}},
                {7, {.x1 = 12.7, .serial_share = 0.031}},
                {16, {.x1 = 1.9, .serial_share = 0.021, .coherence = 0.0013}},
                {64, {.x1 = 88.0, .serial_share = 0.004, .coherence = 0.00007}},
                {5, {.x1 = 3.3}}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct error err = {0};
        struct scaling_point points[512];
        struct scaling_law fitted;
        const bool usl = rows[i].law.coherence > 0.0;
        const size_t n = make_points(points, &rows[i].law, rows[i].threads, 3, 0.0, 1);
        assert_ok(scaling_fit(points, n, usl, &fitted, &err), &err);
        assert_close(fitted.x1, rows[i].law.x1, 1e-7);
        assert_true(fabs(fitted.serial_share - rows[i].law.serial_share) < 1e-7);
        assert_true(fabs(fitted.coherence - rows[i].law.coherence) < 1e-7);
        assert_true(fitted.rms_ratio < 1e-7);
    }
}

static void standard_errors_of_the_scaling_law_are_honest(void **state)
{
    (void)state;
    const struct scaling_law law = {.x1 = 40.0, .serial_share = 0.11};
    int within = 0;
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct error err = {0};
        struct scaling_point points[64];
        struct scaling_law fitted;
        const size_t n = make_points(points, &law, 4, 7, 0.02, seed);
        assert_ok(scaling_fit(points, n, false, &fitted, &err), &err);
        within += fabs(fitted.serial_share - 0.11) <= 2.0 * fitted.serial_share_error;
        assert_close(fitted.rms_ratio, 0.02, 0.5);
    }
    /* About 94 % within two standard errors at 26 degrees of freedom: 189, standard deviation 3.3.
     */
    assert_true(within >= 176 && within <= 199);
}

static void a_superlinear_machine_gets_no_negative_share(void **state)
{
    (void)state;
    struct error err = {0};
    const struct scaling_point points[] = {{1, 10.0}, {2, 20.4}, {3, 30.9}, {4, 41.0}};
    struct scaling_law fitted;
    assert_ok(scaling_fit(points, 4, true, &fitted, &err), &err);
    assert_true(fitted.serial_share >= 0.0 && fitted.coherence >= 0.0);
    assert_close(scaling_speedup(&fitted, 4.0), 4.0, 0.05);
}

static void threads_that_only_harm_have_a_serial_share_of_one(void **state)
{
    (void)state;
    struct error err = {0};
    const struct scaling_point points[] = {{1, 10.0}, {1, 10.4}, {2, 9.0}, {2, 8.8}};
    struct scaling_law fitted;
    assert_ok(scaling_fit(points, 4, false, &fitted, &err), &err);
    assert_close(fitted.serial_share, 1.0, 0.0);
    assert_close(fitted.x1, 9.5, 0.02);
    assert_close(scaling_speedup(&fitted, 2.0), 1.0, 1e-15);
}

static void too_few_thread_counts_are_refused(void **state)
{
    (void)state;
    struct error err = {0};
    const struct scaling_point points[] = {{1, 10.0}, {2, 19.0}, {2, 18.0}};
    struct scaling_law fitted;
    assert_int_equal(scaling_fit(points, 3, true, &fitted, &err), ERR_INPUT);
    assert_non_null(strstr(err.message, "2 different thread counts"));
}

static void size_laws_are_recovered_and_stay_positive(void **state)
{
    (void)state;
    const double bytes[4] = {131072, 1048576, 4194304, 16777216};
    double seconds[4], falling[4];
    for (size_t i = 0; i < 4; i++) {
        seconds[i] = 3.7e-5 + 2.3e-10 * bytes[i];
        falling[i] = 1e-3 / (1.0 + 1e-7 * bytes[i]);
    }
    const struct size_law law = size_law_fit(bytes, seconds, 4);
    assert_close(law.fixed_s, 3.7e-5, 1e-9);
    assert_close(law.s_per_byte, 2.3e-10, 1e-9);
    const struct size_law odd = size_law_fit(bytes, falling, 4);
    assert_true(odd.fixed_s >= 0.0 && odd.s_per_byte >= 0.0);
}

/* ---------------------------------------------------------------- the host */

static void write_file(const char *root, const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", root, name);
    for (char *c = path + strlen(root) + 1; (c = strchr(c, '/')) != NULL; c++) {
        *c = '\0';
        mkdir(path, 0777);
        *c = '/';
    }
    FILE *const file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void the_host_is_read_from_proc_and_sys(void **state)
{
    (void)state;
    char root[] = "/tmp/faascast-host-XXXXXX", command[64];
    assert_non_null(mkdtemp(root));
    write_file(root, "proc/cpuinfo",
               "processor\t: 0\nvendor_id\t: Xyz\ncpu family\t: 6\nmodel\t\t: 143\n"
               "model name\t: Imagined 9000 CPU @ 2.70GHz\nstepping\t: 8\ncpu MHz\t\t: 2700.125\n"
               "flags\t\t: fpu avx avx512f avx512_vnni fma\n");
    write_file(root, "sys/devices/system/cpu/cpu0/cache/index0/level", "1\n");
    write_file(root, "sys/devices/system/cpu/cpu0/cache/index0/type", "Data\n");
    write_file(root, "sys/devices/system/cpu/cpu0/cache/index0/size", "48K\n");
    write_file(root, "sys/devices/system/cpu/cpu0/cache/index1/level", "2\n");
    write_file(root, "sys/devices/system/cpu/cpu0/cache/index1/type", "Unified\n");
    write_file(root, "sys/devices/system/cpu/cpu0/cache/index1/size", "2048K\n");
    write_file(root, "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave\n");
    struct host host;
    host_look(root, &host);
    assert_string_equal(host.cpu, "Imagined 9000 CPU @ 2.70GHz, family 6 model 143 stepping 8");
    assert_string_equal(host.caches, "L1d 48KiB, L2 2048KiB");
    assert_string_equal(host.instructions, "avx fma avx512f");
    assert_string_equal(host.governor, "powersave");
    assert_close(host.frequency_hz, 2700.125e6, 1e-12);
    assert_true(host.cores >= 1 && host.memory_bytes > 1e6);
    assert_true(strlen(host.date) == 20 && host.date[19] == 'Z');
    snprintf(command, sizeof command, "rm -rf '%s'", root);
    assert_int_equal(system(command), 0);
}

static void an_unknown_host_is_said_to_be_unknown(void **state)
{
    (void)state;
    struct host host;
    host_look("/no/such/root", &host);
    assert_string_equal(host.cpu, "unknown");
    assert_string_equal(host.caches, "unknown");
    assert_non_null(strstr(host.governor, "not visible"));
}

/* ---------------------------------------------------------------- a small calibration */

static struct calibrate_case small_case(enum kernel_algorithm algorithm)
{
    return (struct calibrate_case){.config = {.algorithm = algorithm,
                                              .channels = 1,
                                              .size = 8,
                                              .hidden = 16,
                                              .layers = 2,
                                              .ways = 3,
                                              .shots = 1,
                                              .queries = 2,
                                              .steps = 2,
                                              .inner_rate = 0.1,
                                              .meta_batch = 1,
                                              .outer_rate = 0.001},
                                   .dataset = "tiny",
                                   .backbone = "conv2-16"};
}

static struct calibrate_options quick(void)
{
    static char path[] = "/bin/true";
    static char *const command[] = {path, NULL};
    struct calibrate_options o = {.name = "here",
                                  .measure = measure_defaults(),
                                  .threads = 2,
                                  .folder = "/tmp",
                                  .start_command = command};
    o.measure.seconds_max = 0.02;
    o.measure.samples_min = 5;
    return o;
}

static double number(struct json *root, const char *pointer)
{
    const struct json *const node = json_pointer(root, pointer);
    assert_non_null(node);
    assert_int_equal(node->kind, JSON_NUMBER);
    return node->number;
}

static void a_profile_holds_what_scenarios_read(void **state)
{
    (void)state;
    struct error err = {0};
    struct profile profile;
    const struct calibrate_case cases[2] = {small_case(KERNEL_MAML), small_case(KERNEL_FOMAML)};
    const struct calibrate_options options = quick();
    assert_ok(calibrate_run(&options, cases, 2, &profile, &err), &err);
    struct text text = {0};
    profile_write(&profile, &text);
    assert_false(text.failed);
    struct arena arena = {0};
    struct json *root = NULL;
    assert_ok(json_parse(&arena, "profile", text.data, text.size, &root, &err), &err);
    const double unit_s = number(root, "/units/0/unit_s");
    assert_close(unit_s, profile.units[0].task.median_s, 1e-5);
    assert_close(number(root, "/units/0/flop_per_s"), kernel_flop(&cases[0].config) / unit_s, 1e-4);
    assert_close(number(root, "/rates/maml/flop_per_s"), profile.units[0].flop_per_s, 1e-5);
    assert_close(number(root, "/rates/sgd/flop_per_s"), profile.units[1].flop_per_s, 1e-5);
    assert_null(json_pointer(root, "/rates/anil"));
    const double serial = number(root, "/thread_scaling/serial_share/value");
    assert_true(serial >= 0.0);
    assert_true(number(root, "/merge_s_per_byte/value") > 0.0);
    assert_true(number(root, "/serialise_s_per_byte/value") > 0.0);
    assert_true(number(root, "/process_start_s/value") > 1e-5);
    assert_true(number(root, "/around/compression_ratio") > 1.0);
    assert_string_equal(json_pointer(root, "/host/kernel_hash")->text, profile.host.kernel_hash);
    assert_string_equal(json_pointer(root, "/status")->text, "measured");
    arena_free(&arena);
    text_free(&text);
    profile_free(&profile);
}

static void comparing_marks_what_moved_and_nothing_else(void **state)
{
    (void)state;
    struct error err = {0};
    struct profile profile;
    const struct calibrate_case cases[2] = {small_case(KERNEL_MAML), small_case(KERNEL_ANIL)};
    const struct calibrate_options options = quick();
    assert_ok(calibrate_run(&options, cases, 2, &profile, &err), &err);
    char path[] = "/tmp/faascast-profile-XXXXXX";
    const int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    struct text text = {0}, report = {0};
    size_t moved = 0;
    profile_write(&profile, &text);
    assert_ok(file_write(path, text.data, text.size, &err), &err);
    assert_ok(profile_compare(&profile, path, &report, &moved, &err), &err);
    assert_int_equal(moved, 0);
    assert_non_null(strstr(report.data, "maml tiny conv2-16 1-shot T=2"));
    assert_null(strstr(report.data, "kernel changed"));
    text_free(&report);
    /* One task twice as slow now; the other sources of time as before. */
    profile.units[1].task.median_s *= 2.0;
    profile.units[1].task.low_s = profile.units[1].task.high_s * 1.001;
    profile.units[1].task.high_s *= 2.0;
    snprintf(profile.host.kernel_hash, sizeof profile.host.kernel_hash, "other");
    assert_ok(profile_compare(&profile, path, &report, &moved, &err), &err);
    assert_int_equal(moved, 1);
    assert_non_null(strstr(report.data, "2.000  moved"));
    assert_non_null(strstr(report.data, "the kernel changed"));
    text_free(&report);
    text_free(&text);
    unlink(path);
    profile_free(&profile);
}

static void a_file_that_is_no_profile_is_refused(void **state)
{
    (void)state;
    struct error err = {0};
    const struct profile none = {0};
    struct text report = {0};
    size_t moved = 0;
    assert_int_equal(profile_compare(&none, "/no/such.json", &report, &moved, &err), ERR_IO);
    err = (struct error){0};
    assert_int_equal(profile_compare(&none, "tests/data/small.json", &report, &moved, &err),
                     ERR_INPUT);
    assert_non_null(strstr(err.message, "not a measured profile"));
    text_free(&report);
}

int main(void)
{
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_interval_of_the_median_covers_it_95_times_in_100),
        cmocka_unit_test(measuring_stops_when_the_interval_is_narrow),
        cmocka_unit_test(measuring_stops_when_its_time_is_over_and_says_so),
        cmocka_unit_test(outliers_are_counted_and_do_not_move_the_median),
        cmocka_unit_test(short_actions_are_repeated_inside_a_sample),
        cmocka_unit_test(an_action_that_fails_ends_the_measurement),
        cmocka_unit_test(scaling_laws_are_recovered_from_their_own_throughputs),
        cmocka_unit_test(standard_errors_of_the_scaling_law_are_honest),
        cmocka_unit_test(a_superlinear_machine_gets_no_negative_share),
        cmocka_unit_test(threads_that_only_harm_have_a_serial_share_of_one),
        cmocka_unit_test(too_few_thread_counts_are_refused),
        cmocka_unit_test(size_laws_are_recovered_and_stay_positive),
        cmocka_unit_test(the_host_is_read_from_proc_and_sys),
        cmocka_unit_test(an_unknown_host_is_said_to_be_unknown),
        cmocka_unit_test(a_profile_holds_what_scenarios_read),
        cmocka_unit_test(comparing_marks_what_moved_and_nothing_else),
        cmocka_unit_test(a_file_that_is_no_profile_is_refused),
    };
    return cmocka_run_group_tests_name("calibration", tests, NULL, NULL);
}
