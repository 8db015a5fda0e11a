/* From traces to entries: reading columns, start-up and its pool, systems, provenance, errors. */
#include "calibration/calibration.h"
#include "tests/support.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SEEDS = 200, FEW_SEEDS = 40 };

/* A trace written to a file that trace_load reads; the caller unlinks it. */
static void write_trace(char *path, const char *text)
{
    struct error err = {0};
    strcpy(path, "/tmp/faascast_trace_XXXXXX");
    close(mkstemp(path));
    assert_ok(file_write(path, text, strlen(text), &err), &err);
}

static void columns_are_read_by_name_and_filtered(void **state)
{
    (void)state;
    char path[64];
    write_trace(path, "op,duration_s,run,size_bytes\nget,0.5,a,1e3\nput,,b,\nget,2,a,\"7\"\n");
    struct trace t;
    struct error err = {0};
    assert_ok(trace_load(path, &t, &err), &err);
    assert_int_equal(t.n, 3);
    assert_true(t.number[TRACE_duration_s][0] == 0.5 && isnan(t.number[TRACE_duration_s][1]));
    assert_true(t.number[TRACE_size_bytes][2] == 7);
    assert_null(t.number[TRACE_memory_mib]);
    assert_string_equal(t.labels[t.text[TRACE_run][1]], "b");
    assert_int_equal(t.text[TRACE_op][0], t.text[TRACE_op][2]);
    const uint64_t hash = t.hash;
    assert_ok(trace_where(&t, "op", "get", &err), &err);
    assert_int_equal(t.n, 2);
    assert_ok(trace_where(&t, "size_bytes", "7", &err), &err);
    assert_int_equal(t.n, 1);
    assert_true(t.number[TRACE_duration_s][0] == 2);
    assert_int_equal(trace_where(&t, "size_bytes", "8", &err), ERR_INPUT);
    err = (struct error){0};
    assert_int_equal(trace_where(&t, "memory_mib", "8", &err), ERR_INPUT);
    trace_free(&t);
    /* The hash is of the content, not of its packing. */
    err = (struct error){0};
    char command[200];
    snprintf(command, sizeof command, "gzip -f %s", path);
    assert_int_equal(system(command), 0);
    strcat(path, ".gz");
    assert_ok(trace_load(path, &t, &err), &err);
    assert_true(t.hash == hash);
    trace_free(&t);
    unlink(path);
}

static void broken_traces_are_refused_with_their_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *expected;
    } rows[] = {
        {"", "no header"},
        {"op,duration_s\n", "no rows"},
        {"op,duration\nget,1\n", "did you mean 'duration_s'"},
        {"op,op\nget,1\n", "two columns 'op'"},
        {"op,duration_s\nget,1\nget,fast\n", ":3: duration_s is 'fast'"},
        {"op,duration_s\nget,1\nget,inf\n", ":3: duration_s is 'inf'"},
        {"op,duration_s\nget\n", ":2: not as many fields"},
        {"op,duration_s\nget,\"1\n", ":2: a quoted field that never ends"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char path[64];
        write_trace(path, rows[i].text);
        struct trace t;
        struct error err = {0};
        assert_int_equal(trace_load(path, &t, &err), ERR_INPUT);
        if (strstr(err.message, rows[i].expected) == NULL) {
            fail_msg("'%s' does not say '%s'", err.message, rows[i].expected);
        }
        unlink(path);
    }
}

/* ---------------------------------------------------------------- start-up */

struct starts {
    struct trace t;
    double *block;
    uint32_t *runs, *functions;
};

/* Bursts of growing size: those beyond the largest before are cold. */
static struct starts simulate_starts(unsigned long seed, const size_t *sizes, size_t bursts,
                                     bool tell)
{
    struct starts s = {0};
    size_t n = 0, pool = 0, at = 0;
    for (size_t k = 0; k < bursts; k++) {
        n += sizes[k];
    }
    s.block = malloc(3 * n * sizeof *s.block);
    s.runs = malloc(n * sizeof *s.runs);
    s.functions = calloc(n, sizeof *s.functions);
    gsl_rng *const r = gsl_rng_alloc(gsl_rng_mt19937);
    gsl_rng_set(r, seed);
    for (size_t k = 0; k < bursts; k++) {
        for (size_t i = 0; i < sizes[k]; i++, at++) {
            const bool cold = i >= pool;
            const double submit = 0.0023 * (double)i;
            s.block[at] = submit;
            s.block[n + at] = submit + (cold ? 0.211 + gsl_ran_lognormal(r, -2.9, 0.43)
                                             : 0.057 + gsl_ran_lognormal(r, -4.3, 0.38));
            s.block[2 * n + at] = tell ? cold : (double)NAN;
            s.runs[at] = (uint32_t)k;
        }
        pool = sizes[k] > pool ? sizes[k] : pool;
    }
    gsl_rng_free(r);
    s.t.n = n;
    snprintf(s.t.path, sizeof s.t.path, "simulated");
    s.t.number[TRACE_submit_s] = s.block;
    s.t.number[TRACE_start_s] = s.block + n;
    s.t.number[TRACE_cold] = s.block + 2 * n;
    s.t.text[TRACE_run] = s.runs;
    s.t.text[TRACE_function] = s.functions;
    return s;
}

static void starts_free(struct starts *s)
{
    free(s->block);
    free(s->runs);
    free(s->functions);
}

static void cold_and_warm_starts_are_recovered_apart(void **state)
{
    (void)state;
    static const size_t sizes[] = {40, 100, 250, 400};
    const double warm_median = 0.057 + exp(-4.3), cold_median = 0.211 + exp(-2.9);
    size_t held[2] = {0};
    for (unsigned long seed = 1; seed <= FEW_SEEDS; seed++) {
        struct starts s = simulate_starts(seed, sizes, 4, seed % 2 == 0);
        struct start_law law;
        struct error err = {0};
        assert_ok(start_fit(&s.t, 0, &law, &err), &err);
        assert_int_equal(law.bursts, 4);
        assert_int_equal(law.modes_guessed, seed % 2 == 1);
        assert_in_range(law.cold.n, 396, 404);
        assert_int_equal(law.cold.n + law.warm.n, 790);
        assert_int_equal(law.pool_bursts, 3);
        assert_int_equal(law.pool_explained, 3);
        assert_close(law.pace_s.value, 0.0023, 1e-9);
        assert_close(distribution_quantile(&law.cold.delay, 0.5), cold_median, 0.03);
        assert_close(distribution_quantile(&law.warm.delay, 0.5), warm_median, 0.02);
        assert_close(distribution_quantile(&law.cold.delay, 0.9), 0.211 + exp(-2.9 + 0.43 * 1.2816),
                     0.06);
        /* Nothing here grows with the burst: the interval must hold 0. */
        held[0] += law.cold.growth_s.low <= 0 ? 1 : 0;
        held[1] += law.warm.growth_s.low <= 0 ? 1 : 0;
        starts_free(&s);
    }
    for (size_t k = 0; k < 2; k++) {
        print_message("  start-up, no growth (%s): %.1f %% of %d\n", k == 0 ? "cold" : "warm",
                      100.0 * (double)held[k] / FEW_SEEDS, FEW_SEEDS);
        assert_true(held[k] >= FEW_SEEDS * 92 / 100);
    }
}

/* A client that stalls in a small burst: the pace is that of most calls, its spread that between
 * bursts. */
static void a_stalled_client_is_not_the_pace(void **state)
{
    (void)state;
    static const size_t sizes[] = {50, 100, 400, 250};
    static const double pace[] = {0.011, 0.0024, 0.0016, 0.0016};
    struct starts s = simulate_starts(7, sizes, 4, true);
    for (size_t i = 0; i < s.t.n; i++) {
        s.t.number[TRACE_submit_s][i] *= pace[s.runs[i]] / 0.0023;
        s.t.number[TRACE_start_s][i] = s.t.number[TRACE_submit_s][i] + 0.1;
    }
    struct start_law law;
    struct error err = {0};
    assert_ok(start_fit(&s.t, 1u << FAMILY_EMPIRICAL, &law, &err), &err);
    assert_close(law.pace_s.value, 0.0016, 1e-9);
    double gaps = 0, squares = 0, squared = 0;
    for (size_t k = 0; k < 4; k++) {
        const double n = (double)sizes[k] - 1;
        gaps += n;
        squared += n * n;
        squares += n * log(pace[k] / 0.0016) * log(pace[k] / 0.0016);
    }
    const double bursts = gaps * gaps / squared;
    assert_close(law.pace_sd, sqrt(squares / gaps * bursts / (bursts - 1)), 1e-6);
    assert_true(law.pace_s.low < 0.0016 && law.pace_s.high > 0.0024);
    starts_free(&s);
}

static void growth_with_the_burst_is_recovered(void **state)
{
    (void)state;
    enum { BURSTS = 9 };
    const double growth = 0.00317;
    size_t held = 0;
    for (unsigned long seed = 1; seed <= SEEDS; seed++) {
        size_t sizes[BURSTS];
        for (size_t k = 0; k < BURSTS; k++) {
            sizes[k] = 20 + 8 * k;
        }
        struct starts s = simulate_starts(seed, sizes, BURSTS, true);
        for (size_t i = 0; i < s.t.n; i++) { /* all cold, and slower the larger the burst */
            s.t.number[TRACE_cold][i] = 1;
            s.t.number[TRACE_start_s][i] = s.t.number[TRACE_submit_s][i];
        }
        gsl_rng *const r = gsl_rng_alloc(gsl_rng_mt19937);
        gsl_rng_set(r, seed);
        for (size_t i = 0; i < s.t.n; i++) {
            const double n = (double)sizes[s.runs[i]];
            s.t.number[TRACE_start_s][i] += (0.2 + growth * n) * exp(gsl_ran_gaussian(r, 0.21));
        }
        gsl_rng_free(r);
        struct start_law law;
        struct error err = {0};
        assert_ok(start_fit(&s.t, 0, &law, &err), &err);
        held += law.cold.growth_s.low <= growth && growth <= law.cold.growth_s.high ? 1 : 0;
        starts_free(&s);
    }
    print_message("  start-up, growth_s: %.1f %% of %d\n", 100.0 * (double)held / SEEDS, SEEDS);
    assert_in_range(held, SEEDS * 92 / 100, SEEDS * 98 / 100);
}

static void impossible_starts_are_refused(void **state)
{
    (void)state;
    static const size_t sizes[] = {10, 20};
    struct starts s = simulate_starts(1, sizes, 2, true);
    struct start_law law;
    struct error err = {0};
    s.t.number[TRACE_start_s][4] = 0;
    assert_int_equal(start_fit(&s.t, 0, &law, &err), ERR_INPUT);
    assert_non_null(strstr(err.message, "row 5"));
    s.t.number[TRACE_start_s] = NULL;
    err = (struct error){0};
    assert_int_equal(start_fit(&s.t, 0, &law, &err), ERR_INPUT);
    assert_non_null(strstr(err.message, "submit_s"));
    starts_free(&s);
}

/* ---------------------------------------------------------------- systems */

struct system_case {
    const char *law, *header;
    double truth[5];
    void (*row)(unsigned long i, gsl_rng *r, const double *truth, struct text *out);
};

static double noise(gsl_rng *r)
{
    return exp(gsl_ran_gaussian(r, 0.015));
}

static void metafaas_row(unsigned long i, gsl_rng *r, const double *t, struct text *out)
{
    static const double workers[] = {1, 2, 3, 5, 8, 16}, steps[] = {1, 3, 5};
    const double w = workers[i % 6], as = steps[i % 3];
    const double time =
        ceil(16 / w) * (t[0] + t[1] * as) + (w > 1 ? (w + 2) * t[2] + (3 * w - 2) * t[3] : 0);
    text_printf(out, "%g,16,%g,%.12g\n", w, as, time * noise(r));
}

static void smlt_row(unsigned long i, gsl_rng *r, const double *t, struct text *out)
{
    const double w = 10 + 15 * (double)i;
    text_printf(out, "%g,%.12g\n", w, (t[0] + t[1] * w) * noise(r));
}

static void feng_row(unsigned long i, gsl_rng *r, const double *t, struct text *out)
{
    static const struct {
        const char *structure;
        double levels, children;
    } trees[] = {{"1-100", 1, 100},        {"1-2-100", 2, 52},    {"1-5-100", 2, 25},
                 {"1-25-100", 2, 29},      {"1-2-10-100", 3, 17}, {"1-10-50-100", 3, 17},
                 {"1-2-10-50-100", 4, 14}, {"1-4-20-100", 3, 14}, {"1-50-100", 2, 52}};
    const double time = t[0] + t[1] * trees[i % 9].levels + t[2] * trees[i % 9].children;
    text_printf(out, "%s,%.12g,50\n", trees[i % 9].structure, 50 * time * noise(r));
}

static void memory_row(unsigned long i, gsl_rng *r, const double *t, struct text *out)
{
    const double memory = 5 + 0.5 * (double)i;
    text_printf(out, "%g,60,%.12g\n", memory, 60 * (t[0] + t[1] / memory) * noise(r));
}

static void steps_row(unsigned long i, gsl_rng *r, const double *t, struct text *out)
{
    const double steps = 5 + 6 * (double)i;
    text_printf(out, "%.12g,%g\n", (t[0] + t[1] * (steps + 0.5)) * noise(r) / 60, steps);
}

static void rounds_row(unsigned long i, gsl_rng *r, const double *t, struct text *out)
{
    const double w = 1 + 2 * (double)i, epochs = 45 - 3 * (double)(i % 9);
    text_printf(out, "%g,%g,%.12g\n", w, epochs, (t[0] + t[1] * w) * epochs / 3 * noise(r) / 60);
}

static const struct system_case systems[] = {
    {"metafaas",
     "workers,meta_batch,adaptation_steps,iteration_s",
     {0.317, 0.117, 0.0813, 0.0217},
     metafaas_row},
    {"smlt", "workers,comm_time_s", {1.317, 0.0417}, smlt_row},
    {"feng", "structure,latency_s,iterations", {6.83, 0.599, 0.172}, feng_row},
    {"naik-memory", "memory_gb,total_steps,time_s", {7.61, 42.1}, memory_row},
    {"naik-steps", "runtime_min,total_steps", {57.3, 12.05}, steps_row},
    {"naik-rounds", "workers,epochs_per_worker,time_min", {911.9, 13.1}, rounds_row},
};

static void constants_of_every_system_are_recovered(void **state)
{
    (void)state;
    for (size_t s = 0; s < sizeof systems / sizeof systems[0]; s++) {
        const struct system_law *const law = system_law_find(systems[s].law);
        assert_non_null(law);
        size_t held = 0, known = 0;
        for (unsigned long seed = 1; seed <= SEEDS; seed++) {
            gsl_rng *const r = gsl_rng_alloc(gsl_rng_mt19937);
            gsl_rng_set(r, seed);
            struct text text = {0};
            text_printf(&text, "%s\n", systems[s].header);
            for (unsigned long i = 0; i < 18; i++) {
                systems[s].row(i, r, systems[s].truth, &text);
            }
            gsl_rng_free(r);
            struct table table;
            struct error err = {0};
            struct system_fit fit;
            assert_ok(table_parse("table", text.data, text.size, &table, &err), &err);
            assert_ok(system_fit_table(&table, law, NULL, &fit, &err), &err);
            for (size_t k = 0; k < fit.fit.n_parameters; k++) {
                const struct estimate *const e = &fit.fit.parameter[k];
                known++;
                held += e->low <= systems[s].truth[k] && systems[s].truth[k] <= e->high ? 1 : 0;
            }
            assert_true(fit.loo_mape > 0 && fit.loo_mape < 0.03 && fit.loo_max >= fit.loo_mape);
            table_free(&table);
        }
        const double share = (double)held / (double)known;
        print_message("  %s, all constants: %.1f %% of %zu\n", law->name, 100 * share, known);
        if (share < 0.92 || share > 0.98) {
            fail_msg("%s: intervals hold the truth in %.1f %% of the cases", law->name,
                     100 * share);
        }
    }
}

static void mlless_form_is_not_identified_and_says_so(void **state)
{
    (void)state;
    char text[] = "workers,step_s\n2,0.31\n4,0.52\n8,0.93\n12,1.36\n24,2.58\n";
    struct table table;
    struct error err = {0};
    struct system_fit fit;
    char *const copy = strdup(text);
    assert_ok(table_parse("table", copy, strlen(copy), &table, &err), &err);
    assert_ok(system_fit_table(&table, system_law_find("mlless"), NULL, &fit, &err), &err);
    /* 1 = p - (p - 1): of three coefficients two are known, and one of them stays at 0. */
    size_t at_zero = 0;
    for (size_t k = 0; k < 3; k++) {
        at_zero += fit.fit.parameter[k].at_bound ? 1 : 0;
    }
    assert_true(at_zero == 1 || fit.fit.ambiguities == 1);
    assert_close(fit.fit.parameter[1].value + fit.fit.parameter[2].value, 0.1035, 0.02);
    table_free(&table);
}

static void published_tables_are_fitted_and_rows_without_a_time_left_out(void **state)
{
    (void)state;
    struct table table;
    struct error err = {0};
    struct system_fit fit;
    assert_ok(table_load("scenarios/published/naik_table5.csv", &table, &err), &err);
    assert_ok(system_fit_table(&table, system_law_find("naik-memory"), NULL, &fit, &err), &err);
    size_t column, out_of_memory = 0;
    assert_ok(table_column(&table, "outcome", &column, &err), &err);
    for (size_t i = 0; i < table.n_rows; i++) {
        out_of_memory += strcmp(table_cell(&table, i, column), "out_of_memory") == 0 ? 1 : 0;
    }
    assert_int_equal(fit.skipped, out_of_memory);
    assert_int_equal(fit.fit.n, table.n_rows - out_of_memory);
    assert_true(fit.fit.mape < 0.02);
    table_free(&table);

    assert_ok(table_load("scenarios/published/feng2018_structures.csv", &table, &err), &err);
    assert_ok(system_fit_table(&table, system_law_find("feng"), "case=B", &fit, &err), &err);
    assert_true(fit.fit.n < table.n_rows && fit.loo_mape < 0.03);
    assert_int_equal(system_fit_table(&table, system_law_find("smlt"), NULL, &fit, &err),
                     ERR_INPUT);
    table_free(&table);
}

/* ---------------------------------------------------------------- entries */

static void an_entry_is_json_with_provenance_and_the_same_every_time(void **state)
{
    (void)state;
    char path[64];
    struct text trace = {0};
    text_puts(&trace, "run,op,time_s,size_bytes,duration_s\n");
    gsl_rng *const r = gsl_rng_alloc(gsl_rng_mt19937);
    for (int i = 0; i < 600; i++) {
        text_printf(&trace, "r%d,%s,%d,%d,%.9g\n", i % 3, i % 2 == 0 ? "get" : "put",
                    1700000000 + i * 300, i % 10 == 0 ? 50000000 : 1024,
                    (0.01 + gsl_ran_lognormal(r, -4, 0.5)) + (i % 10 == 0 ? 0.7 : 0));
    }
    gsl_rng_free(r);
    write_trace(path, trace.data);
    text_free(&trace);
    const struct fit_options options = {
        .what = "store", .name = "mine", .over = "s3-standard-current", .command = "faascast fit"};
    struct text json[2] = {{0}}, summary = {0};
    struct error err = {0};
    for (int i = 0; i < 2; i++) {
        assert_ok(fit_trace(path, &options, &json[i], &summary, &err), &err);
    }
    assert_string_equal(json[0].data, json[1].data);
    struct arena a = {0};
    struct json *root = NULL;
    assert_ok(json_parse(&a, "entry", json[0].data, json[0].size, &root, &err), &err);
    static const char *const pointers[] = {"/stores/mine/use",
                                           "/stores/mine/get_latency_s/value/distribution",
                                           "/stores/mine/get_latency_s/date",
                                           "/stores/mine/put_latency_s/source",
                                           "/stores/mine/connection_bytes_per_s/value",
                                           "/fits/mine/command",
                                           "/fits/mine/trace_hash",
                                           "/fits/mine/rows",
                                           "/fits/mine/get_latency_s/families/lognormal/aic",
                                           "/fits/mine/get_transfer/bytes_per_s/low"};
    for (size_t i = 0; i < sizeof pointers / sizeof pointers[0]; i++) {
        if (json_pointer(root, pointers[i]) == NULL) {
            fail_msg("no %s in %s", pointers[i], json[0].data);
        }
    }
    assert_string_equal(json_pointer(root, "/stores/mine/get_latency_s/date")->text,
                        "2023-11-14 to 2023-11-17");
    assert_close(json_pointer(root, "/stores/mine/connection_bytes_per_s/value")->number,
                 50e6 / 0.7, 0.05);
    assert_non_null(strstr(summary.data, "get_latency_s"));
    arena_free(&a);
    text_free(&json[0]);
    text_free(&json[1]);
    text_free(&summary);
    unlink(path);
}

static void what_cannot_be_fitted_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *what, *text, *date, *expected;
    } rows[] = {
        {"stor", "duration_s\n1\n", "2024", "did you mean 'store'"},
        {"store", "duration_s\n1\n2\n3\n4\n5\n", NULL, "give --date"},
        {"store", "size_bytes\n1\n", "2024", "needs duration_s"},
        {"store", "op,duration_s\nhead,1\n", "2024", "no row with op"},
        {"bandwidth", "duration_s\n1\n", "2024", "needs size_bytes"},
        {"bandwidth", "op,size_bytes,duration_s\nget,1,1\nput,2,1\n", "2024", "--where op"},
        {"compute-memory", "memory_mib,duration_s\n128,1\n128,2\n", "2024", "two memory sizes"},
        {"start", "duration_s\n1\n", "2024", "submit_s"},
        {"system", "a\n1\n", "2024", "which system"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char path[64];
        write_trace(path, rows[i].text);
        const struct fit_options options = {
            .what = rows[i].what, .name = "x", .date = rows[i].date};
        struct text json = {0}, summary = {0};
        struct error err = {0};
        assert_int_not_equal(fit_trace(path, &options, &json, &summary, &err), STATUS_OK);
        if (strstr(err.message, rows[i].expected) == NULL) {
            fail_msg("%s: '%s' does not say '%s'", rows[i].what, err.message, rows[i].expected);
        }
        text_free(&json);
        text_free(&summary);
        unlink(path);
    }
}

int main(void)
{
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_read_by_name_and_filtered),
        cmocka_unit_test(broken_traces_are_refused_with_their_line),
        cmocka_unit_test(cold_and_warm_starts_are_recovered_apart),
        cmocka_unit_test(a_stalled_client_is_not_the_pace),
        cmocka_unit_test(growth_with_the_burst_is_recovered),
        cmocka_unit_test(impossible_starts_are_refused),
        cmocka_unit_test(constants_of_every_system_are_recovered),
        cmocka_unit_test(mlless_form_is_not_identified_and_says_so),
        cmocka_unit_test(published_tables_are_fitted_and_rows_without_a_time_left_out),
        cmocka_unit_test(an_entry_is_json_with_provenance_and_the_same_every_time),
        cmocka_unit_test(what_cannot_be_fitted_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
