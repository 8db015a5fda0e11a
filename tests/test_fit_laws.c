/* Laws of transfers, memory and token buckets are found back; scores are those done by hand. */
#include "tests/coverage_support.h"

/* ---------------------------------------------------------------- laws */

static void latency_and_bandwidth_are_recovered(void **state)
{
    (void)state;
    enum { SIZES = 5, EACH = 24 };
    const double latency = 0.0317, bandwidth = 73.1e6, full = 2317;
    const double memories[] = {512, 1024, 1769, 3008};
    struct coverage plain = {.what = "transfer", .seeds = FEW_SEEDS},
                    grown = {.what = "transfer by memory", .seeds = FEW_SEEDS};
    for (unsigned long seed = 1; seed <= FEW_SEEDS; seed++) {
        gsl_rng *const r = random_new(seed);
        double size[SIZES * EACH], t[SIZES * EACH], memory[SIZES * EACH], slow[SIZES * EACH];
        for (size_t i = 0; i < SIZES * EACH; i++) {
            size[i] = 1024 * pow(20, (double)(i % SIZES));
            memory[i] = memories[i / SIZES % 4];
            double noise = exp(gsl_ran_gaussian(r, 0.07));
            noise *= gsl_rng_uniform(r) < 0.05 ? 1 + 4 * gsl_rng_uniform(r) : 1; /* stragglers */
            t[i] = (latency + size[i] / bandwidth) * noise;
            slow[i] = (latency + size[i] / (bandwidth * fmin(1, memory[i] / full))) * noise;
        }
        gsl_rng_free(r);
        struct transfer_law law;
        struct error err = {0};
        assert_ok(transfer_fit(SIZES * EACH, size, t, memory, 0, &law, &err), &err);
        assert_true(isnan(law.cap_bytes_per_s.value));
        cover(&plain, 0, &law.latency_s, latency);
        cover(&plain, 1, &law.bytes_per_s, bandwidth);
        assert_ok(transfer_fit(SIZES * EACH, size, slow, memory, 0, &law, &err), &err);
        cover(&grown, 0, &law.latency_s, latency);
        cover(&grown, 1, &law.bytes_per_s, bandwidth);
        cover(&grown, 2, &law.full_mib, full);
    }
    assert_covered(&plain);
    assert_covered(&grown);
}

/* No end of growth within what was measured: it goes on in proportion up to 3008 MiB, and says so.
 */
static void growth_without_an_end_goes_on(void **state)
{
    (void)state;
    enum { N = 200 };
    gsl_rng *const r = random_new(3);
    double size[N], t[N], memory[N];
    for (size_t i = 0; i < N; i++) {
        size[i] = 1e8;
        memory[i] = i % 2 == 0 ? 512 : 1024;
        t[i] = 0.03 + size[i] / (40e3 * memory[i]) * exp(gsl_ran_gaussian(r, 0.03));
    }
    gsl_rng_free(r);
    struct transfer_law law;
    struct error err = {0};
    assert_ok(transfer_fit(N, size, t, memory, 0.03, &law, &err), &err);
    assert_true(law.grows_on);
    assert_close(law.full_mib.value, 3008, 1e-12);
    assert_close(law.bytes_per_s.value, 40e3 * 3008, 0.02);
    for (size_t i = 0; i < N; i++) { /* an end at 768 is seen */
        memory[i] = i % 3 == 0 ? 512 : i % 3 == 1 ? 1024 : 768;
        t[i] = 0.03 + size[i] / (40e3 * fmin(memory[i], 768)) * (1 + 0.0001 * (double)(i % 7));
    }
    assert_ok(transfer_fit(N, size, t, memory, 0.03, &law, &err), &err);
    assert_false(law.grows_on);
    assert_close(law.full_mib.value, 768, 0.01);
}

static void a_limiter_is_found_as_a_cap(void **state)
{
    (void)state;
    enum { N = 100 };
    gsl_rng *const r = random_new(11);
    double size[N], limited[N], free_running[N];
    for (size_t i = 0; i < N; i++) {
        size[i] = i % 2 == 0 ? 1e6 : 5e8;
        const double rate = 90e6 * exp(gsl_ran_gaussian(r, 0.2));
        limited[i] = 0.02 + size[i] / fmin(rate, 99.8e6);
        free_running[i] = 0.02 + size[i] / rate;
    }
    gsl_rng_free(r);
    struct transfer_law law;
    struct error err = {0};
    assert_ok(transfer_fit(N, size, limited, NULL, 0, &law, &err), &err);
    assert_close(law.cap_bytes_per_s.value, 99.8e6, 0.01);
    assert_true(law.share_at_cap > 0.25);
    assert_ok(transfer_fit(N, size, free_running, NULL, 0, &law, &err), &err);
    assert_true(isnan(law.cap_bytes_per_s.value));
    const double one_size[] = {1e6, 1e6, 1e6}, t[] = {0.1, 0.11, 0.12};
    assert_int_equal(transfer_fit(3, one_size, t, NULL, 0, &law, &err), ERR_INPUT);
    err = (struct error){0};
    assert_ok(transfer_fit(3, one_size, t, NULL, 0.01, &law, &err), &err);
    assert_close(law.bytes_per_s.value, 1e7, 0.02);
}

static void a_token_bucket_is_recovered(void **state)
{
    (void)state;
    enum { SERIES = 21, INTERVALS = 60 };
    const double burst = 314e6, rate = 1.17e9, steady = 77.5e6, interval = 0.02;
    struct coverage c = {.what = "token bucket"};
    for (unsigned long seed = 1; seed <= SEEDS; seed++) {
        gsl_rng *const r = random_new(seed);
        double width[SERIES * INTERVALS], bytes[SERIES * INTERVALS];
        uint32_t series[SERIES * INTERVALS];
        for (uint32_t k = 0; k < SERIES; k++) {
            double left = burst * exp(gsl_ran_gaussian(r, 0.1));
            const double fast = rate * exp(gsl_ran_gaussian(r, 0.15));
            const double slow = steady * exp(gsl_ran_gaussian(r, 0.03));
            for (size_t i = 0; i < INTERVALS; i++) {
                const size_t at = k * INTERVALS + i;
                const double wanted = fast * interval, refill = slow * interval;
                series[at] = k;
                width[at] = interval;
                bytes[at] = fmin(wanted, left + refill);
                left = left + refill - bytes[at];
            }
        }
        gsl_rng_free(r);
        struct token_bucket b;
        struct error err = {0};
        assert_ok(token_bucket_fit(SERIES * INTERVALS, series, SERIES, width, bytes, &b, &err),
                  &err);
        assert_int_equal(b.series, SERIES);
        assert_true(b.error < 0.02);
        cover(&c, 0, &b.burst_bytes, burst);
        cover(&c, 1, &b.burst_bytes_per_s, rate);
        cover(&c, 2, &b.steady_bytes_per_s, steady);
    }
    assert_covered(&c);
    uint32_t series[10];
    double width[10], bytes[10];
    for (size_t i = 0; i < 10; i++) {
        series[i] = 0;
        width[i] = 1;
        bytes[i] = 75e6;
    }
    struct token_bucket b;
    struct error err = {0};
    assert_int_equal(token_bucket_fit(10, series, 1, width, bytes, &b, &err), ERR_NUMERIC);
    assert_int_equal(b.one_phase, 1);
}

static void the_memory_law_and_its_cap_are_recovered(void **state)
{
    (void)state;
    enum { EACH = 15 };
    const double memories[] = {256, 512, 1024, 1536, 2048, 3008};
    enum { N = 6 * EACH };
    const double fixed = 0.117, work = 1.37, cap = 0.931;
    struct coverage found = {.what = "memory law, cap found", .seeds = FEW_SEEDS},
                    given = {.what = "memory law, cap given", .seeds = FEW_SEEDS};
    size_t caps = 0;
    for (unsigned long seed = 1; seed <= FEW_SEEDS; seed++) {
        gsl_rng *const r = random_new(seed);
        double memory[N], t[N], uncapped[N];
        for (size_t i = 0; i < N; i++) {
            memory[i] = memories[i / EACH];
            const double v = memory[i] / 1769, noise = exp(gsl_ran_gaussian(r, 0.05));
            t[i] = (fixed + work / fmin(v, cap)) * noise;
            uncapped[i] = (fixed + work / v) * noise;
        }
        gsl_rng_free(r);
        struct memory_law law;
        struct error err = {0};
        assert_ok(memory_law_fit(N, memory, t, 1769, 0, &law, &err), &err);
        assert_true(law.cap_found);
        cover(&found, 0, &law.fixed_s, fixed);
        cover(&found, 1, &law.work_s, work);
        cover(&found, 2, &law.cap_vcpu, cap);
        assert_ok(memory_law_fit(N, memory, t, 1769, cap, &law, &err), &err);
        cover(&given, 0, &law.fixed_s, fixed);
        cover(&given, 1, &law.work_s, work);
        assert_ok(memory_law_fit(N, memory, uncapped, 1769, 0, &law, &err), &err);
        caps += law.cap_found ? 1 : 0;
    }
    assert_covered(&found);
    assert_covered(&given);
    /* A cap where there is none is seen about as often as AIC errs. */
    assert_true(caps < FEW_SEEDS / 8);
}

/* ---------------------------------------------------------------- scores */

static void scores_are_those_done_by_hand(void **state)
{
    (void)state;
    const double measured[] = {10, 20, 40, 50, 80}, predicted[] = {11, 19, 44, 40, 80};
    const double low[] = {9, (double)NAN, 41, 30, 70}, high[] = {12, 3, 50, 49, 90};
    struct score s;
    struct error err = {0};
    assert_ok(score_rows(5, measured, predicted, low, high, false, &s, &err), &err);
    assert_close(s.mape, (0.1 + 0.05 + 0.1 + 0.2 + 0) / 5, 1e-12);
    assert_close(s.median_error, 0.1, 1e-12);
    assert_close(s.max_error, 0.2, 1e-12);
    assert_int_equal(s.worst, 3);
    assert_close(s.bias, (0.1 - 0.05 + 0.1 - 0.2) / 5, 1e-9);
    /* ranks 1 2 3 4 5 against 1 2 4 3 5: 1 - 6 * 2 / (5 * 24) */
    assert_close(s.rank_correlation, 0.9, 1e-12);
    assert_int_equal(s.intervals, 4);
    assert_close(s.coverage, 0.5, 1e-12);
    const double same[] = {1, 1, 2, 2, 3}; /* ties: ranks 1.5 1.5 3.5 3.5 5 */
    assert_ok(score_rows(5, same, measured, NULL, NULL, false, &s, &err), &err);
    assert_close(s.rank_correlation, 9 / sqrt(9.0 * 10), 1e-12);
    assert_true(isnan(s.coverage));
    const double zero[] = {1, 0, 2, 3, 4};
    assert_int_equal(score_rows(5, zero, measured, NULL, NULL, false, &s, &err), ERR_INPUT);
    assert_non_null(strstr(err.message, "row 2"));
    bool claimed;
    assert_true(score_order(10, 20, 1, 2, 0.05, &claimed) && claimed);
    assert_false(score_order(10, 20, 2, 1, 0.05, &claimed));
    assert_true(score_order(10, 10.1, 2, 1, 0.05, &claimed) && !claimed);
}

int main(void)
{
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(latency_and_bandwidth_are_recovered),
        cmocka_unit_test(growth_without_an_end_goes_on),
        cmocka_unit_test(a_limiter_is_found_as_a_cap),
        cmocka_unit_test(a_token_bucket_is_recovered),
        cmocka_unit_test(the_memory_law_and_its_cap_are_recovered),
        cmocka_unit_test(scores_are_those_done_by_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
