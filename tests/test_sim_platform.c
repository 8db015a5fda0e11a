/* Platform behaviour, each on a job small enough to reckon by hand: starts, warm sandboxes, limits,
 * bills, request-rate caps, links and stores on credit, crashes and what follows from them.
 */
#include "tests/play_support.h"

#include <gsl/gsl_errno.h>

/* ---------------------------------------------------------------- programs */

static const double work_s = 2.385;

/* Workers that only compute. */
static void emit_compute(struct program *p, const struct config *c)
{
    program_role(p, "worker", (uint32_t)c->workers, HOST_WORKER, LIFETIME_JOB, 0);
    program_compute(p, program_phase(p, "compute", CATEGORY_COMPUTE),
                    (struct duration){.mean_s = work_s, .cv = c->compute.noise_cv});
}

/* A client that thinks, calls as many functions as there are workers, and waits for all. */
static void emit_calls(struct program *p, const struct config *c)
{
    const uint32_t w = (uint32_t)c->workers;
    const uint16_t compute = program_phase(p, "compute", CATEGORY_COMPUTE);
    const uint16_t wait = program_phase(p, "wait", CATEGORY_WAIT);
    const uint16_t call = program_channel(p, "call", w), done = program_channel(p, "done", 1);
    program_role(p, "client", 1, HOST_CLIENT, LIFETIME_JOB, 0);
    program_compute(p, compute, (struct duration){.mean_s = c->compute.update_s});
    program_add(p, (struct op){.kind = OP_INVOKE,
                               .peer = PEER_EACH,
                               .phase = wait,
                               .store = STORE_NONE,
                               .channel = call,
                               .count = w,
                               .lanes = w});
    program_await(p, wait, done, w, STORE_NONE, POLL_NONE, 1);
    program_role(p, "called", w, HOST_WORKER, LIFETIME_CALL, 0);
    program_await(p, wait, call, 1, STORE_NONE, POLL_NONE, 1);
    program_compute(p, compute, (struct duration){.mean_s = work_s});
    program_put(p, wait, STORE_NONE, 1, 0, PEER_SHARED, done);
}

static const uint32_t puts_per_worker = 5, lanes_per_worker = 3;
static const double put_bytes = 9.1e6;

/* Everybody puts to everybody's mailbox, some at once, and waits for a full one. */
static void emit_exchange(struct program *p, const struct config *c)
{
    const uint32_t w = (uint32_t)c->workers;
    const uint16_t compute = program_phase(p, "compute", CATEGORY_COMPUTE);
    const uint16_t up = program_phase(p, "put", CATEGORY_EXCHANGE);
    const uint16_t wait = program_phase(p, "wait", CATEGORY_WAIT);
    const uint16_t box = program_channel(p, "mailbox", w), all = program_channel(p, "all", 1);
    program_role(p, "worker", w, HOST_WORKER, LIFETIME_JOB, 0);
    program_span(p, SPAN_SETUP);
    program_get(p, program_phase(p, "load", CATEGORY_LOAD), STORE_DATA, 1, put_bytes);
    program_span(p, SPAN_ITERATION);
    program_compute(p, compute, (struct duration){.mean_s = work_s, .cv = 0.2});
    program_add(p, (struct op){.kind = OP_PUT,
                               .peer = PEER_EACH,
                               .phase = up,
                               .store = STORE_EXCHANGE,
                               .channel = box,
                               .count = w,
                               .lanes = lanes_per_worker,
                               .size_bytes = put_bytes});
    program_await(p, wait, box, w, STORE_EXCHANGE, POLL_LIST, 1);
    program_get(p, up, STORE_EXCHANGE, w, put_bytes);
    program_put(p, up, STORE_EXCHANGE, 1, put_bytes, PEER_SHARED, all);
    program_await(p, wait, all, w, STORE_EXCHANGE, POLL_LIST, 1);
}

/* Everybody puts, nobody waits. */
static void emit_puts(struct program *p, const struct config *c)
{
    program_role(p, "worker", (uint32_t)c->workers, HOST_WORKER, LIFETIME_JOB, 0);
    program_put(p, program_phase(p, "put", CATEGORY_EXCHANGE), STORE_EXCHANGE, puts_per_worker,
                put_bytes, PEER_NONE, 0);
}

/* ---------------------------------------------------------------- helpers */

static struct config base(double workers, double rounds)
{
    return play_config(protocol_find("serial"), STORE_FREE, workers, rounds);
}

/* One replication; the caller closes. */
static void play(struct play *p, const struct config *c,
                 void (*emit)(struct program *, const struct config *))
{
    const enum status status = play_open_program(p, c, emit);
    assert_ok(status, &p->err);
    p->run.exact = true;
    assert_ok(run_play(&p->run, 3, 0, &p->err), &p->err);
}

static double time_of(const struct config *c, void (*emit)(struct program *, const struct config *))
{
    struct play p;
    play(&p, c, emit);
    const double time_s = p.run.tally.time_s;
    play_close(&p);
    return time_s;
}

static const double start_s = 0.31 + 1.13, warm_s = 0.047; /* of play_config */

/* ---------------------------------------------------------------- starts */

static void the_caller_invokes_one_function_after_another(void **state)
{
    (void)state;
    struct config c = base(7, 3);
    c.platform.invoke_latency_s = constant(0.23);
    assert_close(time_of(&c, emit_compute), 7 * 0.23 + start_s + 3 * work_s, 1e-12);
}

static void a_burst_of_new_environments_starts_at_once_then_a_rate(void **state)
{
    (void)state;
    struct config c = base(29, 1);
    c.platform.ramp_burst = 11;
    c.platform.ramp_per_s = 4.7;
    assert_close(time_of(&c, emit_compute), (29 - 11) / 4.7 + start_s + work_s, 1e-12);
    c.workers = 11;
    assert_close(time_of(&c, emit_compute), start_s + work_s, 1e-12);
}

static void a_burst_of_nine_after_five_finds_five_warm(void **state)
{
    (void)state;
    struct config c = base(9, 1);
    c.simulation.warm_pool = 5;
    struct play p;
    play(&p, &c, emit_compute);
    assert_close(p.run.counters.warm, 5, 0);
    assert_close(p.run.counters.cold, 4, 0);
    assert_close(p.run.tally.time_s, start_s + work_s, 1e-12);
    play_close(&p);
    c.simulation.warm_pool = 9;
    assert_close(time_of(&c, emit_compute), warm_s + work_s, 1e-12);
}

static void sandboxes_stay_warm_as_long_as_the_platform_keeps_them(void **state)
{
    (void)state;
    struct config c = base(4, 5);
    c.compute.update_s = 100; /* the client thinks between rounds */
    c.platform.keep_alive_s = 90;
    assert_close(time_of(&c, emit_calls), 5 * (100 + start_s + work_s), 1e-12);
    c.platform.keep_alive_s = 110;
    assert_close(time_of(&c, emit_calls), 5 * (100 + work_s) + start_s + 4 * warm_s, 1e-12);
}

static void above_the_accounts_limit_functions_run_in_waves(void **state)
{
    (void)state;
    struct config c = base(8, 1);
    c.platform.concurrency_limit = 3;
    struct play p;
    play(&p, &c, emit_calls);
    /* Three cold, three in their sandboxes, two more. */
    assert_close(p.run.tally.time_s, c.compute.update_s + start_s + 2 * warm_s + 3 * work_s, 1e-12);
    assert_close(p.run.counters.queued, 5, 0);
    assert_close(p.run.counters.cold, 3, 0);
    play_close(&p);
}

static void functions_that_wait_for_others_the_limit_keeps_out_are_infeasible(void **state)
{
    (void)state;
    struct config c = base(6, 2);
    c.platform.concurrency_limit = 4;
    c.platform.time_limit_s = 0;
    struct play p;
    const enum status status = play_open_program(&p, &c, emit_exchange);
    assert_ok(status, &p.err);
    assert_int_equal(run_play(&p.run, 1, 0, &p.err), ERR_INFEASIBLE);
    assert_non_null(strstr(p.err.message, "limit"));
    play_close(&p);
}

static void functions_are_billed_from_their_own_start_in_whole_steps(void **state)
{
    (void)state;
    struct config c = base(3, 1);
    c.platform.invoke_latency_s = constant(1);
    c.platform.billing_granularity_s = 0.1;
    struct play p;
    play(&p, &c, emit_compute);
    assert_close(p.run.tally.billed_s[0], 3 * 3.9, 1e-12); /* 1.44 + 2.385 = 3.825 each */
    assert_close(p.run.tally.host_s[0], 3 * (start_s + work_s), 1e-12);
    assert_close(p.run.tally.invocations, 3, 0);
    play_close(&p);
    c.platform.start_billed = false;
    play(&p, &c, emit_compute);
    assert_close(p.run.tally.billed_s[0], 3 * 2.4, 1e-12);
    play_close(&p);
}

/* ---------------------------------------------------------------- compute */

static void instances_and_stragglers_stretch_computations_only(void **state)
{
    (void)state;
    struct config c = base(2, 6);
    c.simulation.instance_speed = constant(1.3);
    assert_close(time_of(&c, emit_compute), start_s + 6 * 1.3 * work_s, 1e-12);
    c.simulation.straggler_share = 1;
    c.simulation.straggler_factor = 4;
    assert_close(time_of(&c, emit_compute), start_s + 6 * 1.3 * 4 * work_s, 1e-12);
    c.simulation.play_stragglers = false;
    assert_close(time_of(&c, emit_compute), start_s + 6 * 1.3 * work_s, 1e-12);
}

static void the_given_share_of_computations_straggles(void **state)
{
    (void)state;
    struct config c = base(1, 20000);
    c.simulation.straggler_share = 0.03;
    c.simulation.straggler_factor = 11;
    const double seen = (time_of(&c, emit_compute) - start_s) / work_s - 20000;
    const double expected = 20000 * 0.03 * 10, sd = 10 * sqrt(20000 * 0.03 * 0.97);
    assert_true(fabs(seen - expected) < 4.5 * sd);
}

/* ---------------------------------------------------------------- rates and credits */

static void a_request_rate_cap_answers_503_and_every_try_is_billed(void **state)
{
    (void)state;
    struct config c = base(40, 2);
    c.stores[STORE_EXCHANGE].put_per_s = 7;
    struct play p;
    play(&p, &c, emit_puts);
    const double requests = 40.0 * 2 * puts_per_worker;
    assert_true(p.run.counters.throttled > requests);
    assert_close(p.run.tally.requests[STORE_EXCHANGE][REQUEST_PUT],
                 requests + p.run.counters.throttled, 1e-12);
    assert_close(p.run.tally.bytes_put[STORE_EXCHANGE], requests * put_bytes, 1e-12);
    assert_true(p.run.tally.time_s >= start_s + (requests - 7) / 7);
    play_close(&p);
    c.simulation.play_throttling = false;
    play(&p, &c, emit_puts);
    assert_close(p.run.tally.requests[STORE_EXCHANGE][REQUEST_PUT], requests, 0);
    play_close(&p);
}

static void a_links_burst_lasts_until_its_tokens_are_spent(void **state)
{
    (void)state;
    struct config c = base(1, 1);
    c.stores[STORE_EXCHANGE].connection_bytes_per_s = 0;
    c.stores[STORE_EXCHANGE].put_latency_s = constant(0);
    c.compute.serialise_s_per_byte = 0;
    c.platform.nic_bytes_per_s = 11e6;
    c.platform.nic_burst_bytes = 17e6;
    c.platform.nic_burst_bytes_per_s = 47e6;
    /* Tokens fill at the steady rate while they are spent at the burst's. */
    const double burst_s = 17e6 / (47e6 - 11e6);
    const double rest_bytes = puts_per_worker * put_bytes - burst_s * 47e6;
    const double expected = start_s + burst_s + rest_bytes / 11e6;
    /* A millisecond's worth of tokens counts as none. */
    assert_close(time_of(&c, emit_puts), expected, 5e-3 / expected);
    c.simulation.play_throttling = false;
    assert_close(time_of(&c, emit_puts), start_s + puts_per_worker * put_bytes / 11e6, 1e-12);
}

static void an_idle_link_regains_its_tokens(void **state)
{
    (void)state;
    struct config c = base(1, 30);
    c.stores[STORE_EXCHANGE].connection_bytes_per_s = 0;
    c.platform.nic_bytes_per_s = 11e6;
    c.platform.nic_burst_bytes = 17e6;
    c.platform.nic_burst_bytes_per_s = 47e6;
    /* Latency between requests long enough for the bucket to fill: every put is a burst. */
    c.stores[STORE_EXCHANGE].put_latency_s = constant(2);
    c.compute.serialise_s_per_byte = 0;
    assert_close(time_of(&c, emit_puts), start_s + 30 * puts_per_worker * (2 + put_bytes / 47e6),
                 1e-9);
}

static void a_store_on_credit_is_fast_until_its_credits_are_spent(void **state)
{
    (void)state;
    struct config c = base(6, 1);
    struct store *const s = &c.stores[STORE_EXCHANGE];
    s->put_latency_s = constant(0);
    s->aggregate_put_bytes_per_s = 90e6;
    s->burst_bytes = 60e6;
    s->baseline_bytes_per_s = 19e6;
    c.compute.serialise_s_per_byte = 0;
    const double all = 6 * puts_per_worker * put_bytes, burst_s = 60e6 / (90e6 - 19e6);
    assert_close(time_of(&c, emit_puts), start_s + burst_s + (all - burst_s * 90e6) / 19e6, 1e-9);
    s->burst_bytes = 1e12;
    assert_close(time_of(&c, emit_puts), start_s + all / 90e6, 1e-9);
}

/* ---------------------------------------------------------------- failures */

/* What one replication with failures must satisfy, whatever its luck: the work is done once more at
 * most for each failure, every signal has come exactly once (or nobody would have gone on). */
static void check_recovery(const struct play *p, double undisturbed_s, double round_s,
                           double again_s)
{
    const struct counters *const k = &p->run.counters;
    const double failures = k->crashes + k->timeouts;
    const double time_s = p->run.tally.time_s;
    assert_true(time_s >= undisturbed_s * (1 - 1e-9));
    if (time_s > undisturbed_s + failures * (round_s + again_s) + 1e-6) {
        print_error("%g s after %g failures, %g s without\n", time_s, failures, undisturbed_s);
        fail();
    }
}

static void a_crashed_worker_goes_on_from_the_start_of_its_round(void **state)
{
    (void)state;
    struct config c = base(1, 200);
    c.simulation.crash_per_hour = 120;
    struct play p;
    const enum status status = play_open_program(&p, &c, emit_compute);
    assert_ok(status, &p.err);
    double crashes = 0;
    for (uint64_t i = 0; i < 20; ++i) {
        assert_ok(run_play(&p.run, 4, i, &p.err), &p.err);
        crashes += p.run.counters.crashes;
        check_recovery(&p, start_s + 200 * work_s, work_s, start_s);
        assert_close(p.run.tally.invocations, 1 + p.run.counters.crashes, 0);
    }
    /* 120 per hour of life: 20 runs of 478 s at least. */
    assert_true(crashes > 200 && crashes < 600);
    play_close(&p);
}

static void crashes_in_the_middle_of_an_exchange_lose_and_repeat_no_signal(void **state)
{
    (void)state;
    for (double w = 2; w <= 7; ++w) {
        struct config c = base(w, 12);
        c.stores[STORE_EXCHANGE].aggregate_put_bytes_per_s = 101e6;
        c.stores[STORE_EXCHANGE].aggregate_get_bytes_per_s = 101e6;
        c.system.poll_interval_s = 0.11;
        struct play p;
        enum status status = play_open_program(&p, &c, emit_exchange);
        assert_ok(status, &p.err);
        p.run.exact = true;
        assert_ok(run_play(&p.run, 6, 0, &p.err), &p.err);
        const struct tally calm = p.run.tally;
        play_close(&p);
        c.simulation.crash_per_hour = 900; /* every four seconds: most rounds have one */
        status = play_open_program(&p, &c, emit_exchange);
        assert_ok(status, &p.err);
        double crashes = 0;
        for (uint64_t i = 0; i < 40; ++i) {
            assert_ok(run_play(&p.run, 6, i, &p.err), &p.err);
            const struct tally *const t = &p.run.tally;
            crashes += p.run.counters.crashes;
            assert_true(t->requests[STORE_EXCHANGE][REQUEST_PUT] >=
                        calm.requests[STORE_EXCHANGE][REQUEST_PUT]);
            assert_true(t->bytes_put[STORE_EXCHANGE] >= calm.bytes_put[STORE_EXCHANGE] * 0.999999);
            assert_close(t->requests[STORE_DATA][REQUEST_GET] -
                                 calm.requests[STORE_DATA][REQUEST_GET] <=
                             p.run.counters.crashes,
                         1, 0);
        }
        assert_true(crashes > 100);
        play_close(&p);
    }
}

static void crashed_calls_are_invoked_again(void **state)
{
    (void)state;
    struct config c = base(9, 15);
    c.simulation.crash_per_hour = 400;
    struct play p;
    const enum status status = play_open_program(&p, &c, emit_calls);
    assert_ok(status, &p.err);
    double crashes = 0;
    for (uint64_t i = 0; i < 20; ++i) {
        assert_ok(run_play(&p.run, 8, i, &p.err), &p.err);
        crashes += p.run.counters.crashes;
        assert_close(p.run.tally.invocations, 9 * 15 + p.run.counters.crashes, 0);
    }
    assert_true(crashes > 100);
    play_close(&p);
}

static void the_time_limit_stops_a_function_that_is_late(void **state)
{
    (void)state;
    /* Planned for the mean, played with noise and no guard: some calls end at the limit. */
    struct config c = base(3, 300);
    c.compute.noise_cv = 0.5;
    c.platform.time_limit_s = 31.3;
    struct play p;
    const enum status status = play_open_program(&p, &c, emit_compute);
    assert_ok(status, &p.err);
    double timeouts = 0;
    for (uint64_t i = 0; i < 10; ++i) {
        assert_ok(run_play(&p.run, 9, i, &p.err), &p.err);
        timeouts += p.run.counters.timeouts;
        assert_true(p.run.tally.restarts >= 300 / 12 - 1);
    }
    assert_true(timeouts > 0);
    play_close(&p);
    c.platform.guard_s = 12;
    const enum status again = play_open_program(&p, &c, emit_compute);
    assert_ok(again, &p.err);
    double guarded = 0;
    for (uint64_t i = 0; i < 10; ++i) {
        assert_ok(run_play(&p.run, 9, i, &p.err), &p.err);
        guarded += p.run.counters.timeouts;
    }
    assert_true(guarded < timeouts); /* that is what the guard is for */
    play_close(&p);
}

static void a_lost_update_is_put_again_after_its_time_out(void **state)
{
    (void)state;
    struct config c = base(5, 40);
    c.simulation.lost_update_share = 0.04;
    c.simulation.lost_update_timeout_s = 3.7;
    struct play p;
    play(&p, &c, emit_exchange);
    const double puts = 40.0 * (5 * 5 + 5), lost = p.run.counters.lost;
    assert_true(fabs(lost - 0.04 * puts / 0.96) < 4.5 * sqrt(0.04 * puts));
    assert_close(p.run.tally.requests[STORE_EXCHANGE][REQUEST_PUT], puts + lost, 1e-12);
    play_close(&p);
    struct config calm = c;
    calm.simulation.lost_update_share = 0;
    assert_true(time_of(&c, emit_exchange) > time_of(&calm, emit_exchange) + 3.7);
}

static void a_loss_that_outlasts_its_function_is_not_for_ever(void **state)
{
    (void)state;
    struct config c = base(5, 120);
    c.simulation.lost_update_share = 0.01;
    c.simulation.lost_update_timeout_s = 60; /* longer than a function lives */
    c.platform.time_limit_s = 20;
    struct play p;
    const enum status status = play_open_program(&p, &c, emit_exchange);
    assert_ok(status, &p.err);
    p.run.exact = true;
    double timeouts = 0;
    for (uint64_t i = 0; i < 5; ++i) {
        assert_ok(run_play(&p.run, 3, i, &p.err), &p.err);
        timeouts += p.run.counters.timeouts;
    }
    assert_true(timeouts > 0);
    play_close(&p);
}

static void systems_that_redo_the_round_do_so(void **state)
{
    (void)state;
    static const char *const systems[] = {"feng-tree", "naik"};
    for (size_t k = 0; k < 2; ++k) {
        struct config c = play_config(protocol_find(systems[k]), STORE_CAPPED, 6, 12);
        c.system.structure[0] = 1;
        c.system.structure[1] = 2;
        c.system.structure[2] = 6;
        c.system.structure_count = 3;
        struct play p;
        assert_ok(play_open(&p, &c), &p.err);
        p.run.exact = true;
        assert_ok(run_play(&p.run, 10, 0, &p.err), &p.err);
        const double calm_s = p.run.tally.time_s;
        play_close(&p);
        c.simulation.crash_per_hour = 40;
        assert_ok(play_open(&p, &c), &p.err);
        double redone = 0, crashes = 0;
        for (uint64_t i = 0; i < 30; ++i) {
            assert_ok(run_play(&p.run, 10, i, &p.err), &p.err);
            redone += p.run.counters.redone;
            crashes += p.run.counters.crashes;
            assert_true(p.run.tally.time_s >= calm_s * (1 - 1e-9));
        }
        assert_true(crashes > 20 && redone > 0.5 * crashes);
        play_close(&p);
    }
}

static void every_system_survives_crashes(void **state)
{
    (void)state;
    for (size_t k = 0; protocols[k] != NULL; ++k) {
        for (unsigned kind = 0; kind < PLAY_STORES; ++kind) {
            struct config c = play_config(protocols[k], (enum play_store)kind, 5, 30);
            c.system.structure[0] = 1;
            c.system.structure[1] = 5;
            c.system.structure_count = 2;
            c.compute.noise_cv = 0.2;
            c.simulation.crash_per_hour = 150;
            c.simulation.lost_update_share = 0.01;
            struct play p;
            assert_ok(play_open(&p, &c), &p.err);
            for (uint64_t i = 0; i < 6; ++i) {
                if (run_play(&p.run, 12, i, &p.err) != STATUS_OK) {
                    print_error("%s, store %u, seed 12, replication %d: %s\n", protocols[k]->name,
                                kind, (int)i, p.err.message);
                    fail();
                }
            }
            play_close(&p);
        }
    }
}

int main(void)
{
    gsl_set_error_handler_off();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_caller_invokes_one_function_after_another),
        cmocka_unit_test(a_burst_of_new_environments_starts_at_once_then_a_rate),
        cmocka_unit_test(a_burst_of_nine_after_five_finds_five_warm),
        cmocka_unit_test(sandboxes_stay_warm_as_long_as_the_platform_keeps_them),
        cmocka_unit_test(above_the_accounts_limit_functions_run_in_waves),
        cmocka_unit_test(functions_that_wait_for_others_the_limit_keeps_out_are_infeasible),
        cmocka_unit_test(functions_are_billed_from_their_own_start_in_whole_steps),
        cmocka_unit_test(instances_and_stragglers_stretch_computations_only),
        cmocka_unit_test(the_given_share_of_computations_straggles),
        cmocka_unit_test(a_request_rate_cap_answers_503_and_every_try_is_billed),
        cmocka_unit_test(a_links_burst_lasts_until_its_tokens_are_spent),
        cmocka_unit_test(an_idle_link_regains_its_tokens),
        cmocka_unit_test(a_store_on_credit_is_fast_until_its_credits_are_spent),
        cmocka_unit_test(a_crashed_worker_goes_on_from_the_start_of_its_round),
        cmocka_unit_test(crashes_in_the_middle_of_an_exchange_lose_and_repeat_no_signal),
        cmocka_unit_test(crashed_calls_are_invoked_again),
        cmocka_unit_test(the_time_limit_stops_a_function_that_is_late),
        cmocka_unit_test(a_lost_update_is_put_again_after_its_time_out),
        cmocka_unit_test(a_loss_that_outlasts_its_function_is_not_for_ever),
        cmocka_unit_test(systems_that_redo_the_round_do_so),
        cmocka_unit_test(every_system_survives_crashes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
