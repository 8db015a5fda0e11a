/* The training loop: it learns, the same seed gives the same bits, and a run that is killed goes on
 * to them. */
#include "tests/support.h"

#include "calibration/train.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* A small world: drawn characters of 14 x 14 pixels, a network of 2 blocks. */
struct world {
    struct image_set set;
    struct class_split split;
    struct train_data data;
};

static void world_open(struct world *w, uint64_t seed)
{
    struct error err = {0};
    const struct synthetic_options drawn = {.channels = 1,
                                            .height = 14,
                                            .width = 14,
                                            .n_groups = 4,
                                            .classes_per_group = 30,
                                            .images_per_class = 12,
                                            .seed = seed};
    const struct split_options split = {.validation_classes = 6, .seed = 1};
    assert_ok(image_set_synthetic(&drawn, &w->set, &err), &err);
    assert_ok(class_split_make(&w->set, &split, &w->split, &err), &err);
    w->data = (struct train_data){&w->set, &w->split.train, &w->split.validation, &w->set,
                                  &w->split.test};
}

static void world_close(struct world *w)
{
    class_split_free(&w->split);
    image_set_free(&w->set);
}

static struct train_options small_run(enum kernel_algorithm algorithm, uint64_t iterations)
{
    return (struct train_options){.kernel = {.algorithm = algorithm,
                                             .precision = KERNEL_FLOAT32,
                                             .channels = 1,
                                             .size = 14,
                                             .hidden = 16,
                                             .layers = 2,
                                             .ways = 3,
                                             .shots = 1,
                                             .queries = 3,
                                             .steps = 2,
                                             .inner_rate = 0.3,
                                             .meta_batch = 4,
                                             .threads = 1,
                                             .outer_rate = 3e-3},
                                  .iterations = iterations,
                                  .seed = 17,
                                  .evaluate_every = 5,
                                  .validation_tasks = 6,
                                  .test_tasks = 20,
                                  .checkpoint_every_s = 3600.0};
}

static struct train_result train(const struct train_options *options, const struct world *w)
{
    struct error err = {0};
    struct train_result result;
    assert_ok(train_run(options, &w->data, &result, &err), &err);
    return result;
}

/* NaN compares as bytes here, which is what "the same bits" means. */
static void assert_same_rows(const struct train_result *a, const struct train_result *b)
{
    assert_int_equal(a->n, b->n);
    assert_memory_equal(a->rows, b->rows, a->n * sizeof *a->rows);
    assert_int_equal(a->best_iteration, b->best_iteration);
    assert_memory_equal(&a->test, &b->test, sizeof a->test);
}

static void maml_learns_drawn_characters_from_chance(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, 23);
    /* The drawn hands differ much: one image of 14 x 14 does not tell three characters apart well
     * enough for any learner; three images do. */
    struct train_options o = small_run(KERNEL_MAML, 400);
    o.kernel.shots = 3;
    o.kernel.queries = 5;
    o.evaluate_every = 50;
    o.validation_tasks = 20;
    o.test_tasks = 100;
    struct train_result r = train(&o, &w);
    assert_int_equal(r.n, 400);
    assert_int_equal(r.test.tasks, 100);
    /* Three ways: chance is 1/3. */
    assert_true(r.test.accuracy > 0.75);
    assert_true(r.test.accuracy > r.untrained.accuracy + 0.1);
    assert_true(r.test.half_width > 0.0 && r.test.half_width < 0.06);
    assert_true(r.rows[399].loss < 0.6 * r.rows[0].loss);
    train_result_free(&r);
    world_close(&w);
}

static void every_algorithm_runs_and_reports(void **state)
{
    (void)state;
    static const enum kernel_algorithm all[] = {KERNEL_FOMAML, KERNEL_ANIL, KERNEL_ALFA,
                                                KERNEL_EALFA};
    struct world w;
    world_open(&w, 23);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct train_options o = small_run(all[i], 6);
        o.kernel.fixed_theta = all[i] == KERNEL_EALFA;
        struct train_result r = train(&o, &w);
        assert_int_equal(r.n, 6);
        assert_int_equal(r.rows[5].iteration, 6);
        assert_true(isnan(r.rows[3].validation_loss) && !isnan(r.rows[4].validation_loss));
        assert_int_equal(r.best_iteration, 5);
        assert_true(r.test.accuracy >= 0.0 && r.test.accuracy <= 1.0 && r.test.loss > 0.0);
        train_result_free(&r);
    }
    world_close(&w);
}

static void the_same_seed_gives_the_same_bits_for_any_number_of_threads(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, 23);
    struct train_options o = small_run(KERNEL_MAML, 12);
    struct train_result one = train(&o, &w);
    o.kernel.threads = 3;
    struct train_result three = train(&o, &w);
    assert_same_rows(&one, &three);
    o.seed = 18;
    struct train_result other = train(&o, &w);
    assert_memory_not_equal(one.rows, other.rows, one.n * sizeof *one.rows);
    train_result_free(&one);
    train_result_free(&three);
    train_result_free(&other);
    world_close(&w);
}

static void without_validation_the_last_parameters_are_tested(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, 23);
    struct train_options o = small_run(KERNEL_MAML, 7);
    o.evaluate_every = 0;
    struct train_result r = train(&o, &w);
    assert_int_equal(r.best_iteration, 7);
    assert_int_equal(r.test.tasks, 20);
    train_result_free(&r);
    world_close(&w);
}

/* ---------------------------------------------------------------- stopping and going on */

static bool stop_at_eight(void *context, const struct train_row *row)
{
    (void)context;
    return row->iteration < 8;
}

static bool die_at_nine(void *context, const struct train_row *row)
{
    (void)context;
    if (row->iteration == 9) {
        raise(SIGKILL);
    }
    return true;
}

static const char *checkpoint_name(char *buffer, size_t size)
{
    snprintf(buffer, size, "/tmp/faascast-train-%ld.ckpt", (long)getpid());
    unlink(buffer);
    return buffer;
}

static void a_run_that_was_stopped_goes_on_to_the_same_bits(void **state)
{
    (void)state;
    struct world w;
    struct error err = {0};
    char path[64];
    world_open(&w, 23);
    struct train_options o = small_run(KERNEL_ALFA, 14);
    struct train_result whole = train(&o, &w);
    o.checkpoint = checkpoint_name(path, sizeof path);
    o.progress = stop_at_eight;
    struct train_result part;
    assert_int_equal(train_run(&o, &w.data, &part, &err), ERR_INTERRUPTED);
    assert_int_equal(part.n, 8);
    train_result_free(&part);
    o.progress = NULL;
    struct train_result rest = train(&o, &w);
    assert_int_equal(rest.resumed_at, 8);
    assert_same_rows(&whole, &rest);
    /* A finished run asked for more goes on from its end. */
    train_result_free(&rest);
    o.iterations = 16;
    rest = train(&o, &w);
    assert_int_equal(rest.resumed_at, 14);
    assert_int_equal(rest.n, 16);
    assert_memory_equal(whole.rows, rest.rows, whole.n * sizeof *whole.rows);
    train_result_free(&rest);
    train_result_free(&whole);
    unlink(path);
    world_close(&w);
}

static void a_run_killed_at_any_moment_goes_on_to_the_same_bits(void **state)
{
    (void)state;
    struct world w;
    char path[64];
    world_open(&w, 23);
    struct train_options o = small_run(KERNEL_MAML, 14);
    struct train_result whole = train(&o, &w);
    o.checkpoint = checkpoint_name(path, sizeof path);
    o.checkpoint_every_s = 0.0; /* after every iteration */
    const pid_t child = fork();
    if (child == 0) {
        struct error err = {0};
        struct train_result ignored;
        o.progress = die_at_nine;
        train_run(&o, &w.data, &ignored, &err);
        _exit(1);
    }
    int how = 0;
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL);
    struct train_result rest = train(&o, &w);
    assert_int_equal(rest.resumed_at, 8); /* the ninth was done but not yet written */
    assert_same_rows(&whole, &rest);
    train_result_free(&rest);
    train_result_free(&whole);
    unlink(path);
    world_close(&w);
}

static void refuse_checkpoint(const struct train_options *o, const struct world *w,
                              const char *words)
{
    struct error err = {0};
    struct train_result r;
    assert_int_equal(train_run(o, &w->data, &r, &err), ERR_INPUT);
    if (strstr(err.message, words) == NULL) {
        print_error("'%s' does not say '%s'\n", err.message, words);
        fail();
    }
    assert_string_equal(err.file, o->checkpoint);
    train_result_free(&r);
}

static void a_checkpoint_of_another_run_or_a_damaged_one_is_refused(void **state)
{
    (void)state;
    struct world w, other;
    struct error err = {0};
    char path[64], *bytes = NULL;
    size_t n = 0;
    world_open(&w, 23);
    world_open(&other, 24);
    struct train_options o = small_run(KERNEL_MAML, 4);
    o.checkpoint = checkpoint_name(path, sizeof path);
    struct train_result r = train(&o, &w);
    train_result_free(&r);

    struct train_options changed = o;
    changed.kernel.inner_rate = 0.31;
    refuse_checkpoint(&changed, &w, "other settings");
    changed = o;
    changed.seed = 99;
    refuse_checkpoint(&changed, &w, "with seed 17, not 99");
    changed = o;
    changed.iterations = 3;
    refuse_checkpoint(&changed, &w, "at iteration 4, beyond the 3");
    refuse_checkpoint(&o, &other, "other data");

    assert_ok(file_read(path, (size_t)1 << 24, &bytes, &n, &err), &err);
    for (size_t i = 8; i < n; i += n / 9) {
        bytes[i] = (char)(bytes[i] ^ 1);
        assert_ok(file_write(path, bytes, n, &err), &err);
        refuse_checkpoint(&o, &w, "truncated or damaged");
        bytes[i] = (char)(bytes[i] ^ 1);
    }
    for (size_t keep = 16; keep < n; keep += n / 7) {
        assert_ok(file_write(path, bytes, keep, &err), &err);
        refuse_checkpoint(&o, &w, "truncated or damaged");
    }
    assert_ok(file_write(path, "short", 5, &err), &err);
    refuse_checkpoint(&o, &w, "not a training checkpoint");
    free(bytes);
    unlink(path);
    world_close(&w);
    world_close(&other);
}

static void data_that_does_not_fit_is_refused(void **state)
{
    (void)state;
    struct world w;
    struct error err = {0};
    struct train_result r;
    world_open(&w, 23);
    struct train_options o = small_run(KERNEL_MAML, 4);
    o.kernel.size = 28;
    assert_int_equal(train_run(&o, &w.data, &r, &err), ERR_INPUT);
    assert_non_null(strstr(err.message, "14 x 14 pixels, the network expects 1 and 28 x 28"));
    train_result_free(&r);
    err = (struct error){0};
    o = small_run(KERNEL_MAML, 4);
    o.kernel.queries = 12; /* 12 images a class, one is support */
    assert_int_equal(train_run(&o, &w.data, &r, &err), ERR_INPUT);
    assert_non_null(strstr(err.message, "has 12 images, expected at least 13"));
    train_result_free(&r);
    world_close(&w);
}

static void the_curve_is_a_table_with_empty_cells_where_nothing_was_scored(void **state)
{
    (void)state;
    struct error err = {0};
    struct train_row rows[2] = {{1, 1.0986122886681098, 0.375, (double)NAN, (double)NAN},
                                {2, 0.7, 0.5, 0.25, 0.875}};
    const struct train_result result = {.rows = rows, .n = 2};
    char path[64];
    checkpoint_name(path, sizeof path);
    assert_ok(train_write_csv(path, &result, &err), &err);
    struct table t;
    assert_ok(table_load(path, &t, &err), &err);
    assert_int_equal(t.n_rows, 2);
    size_t column = 0;
    double value = 0.0;
    assert_ok(table_column(&t, "validation_accuracy", &column, &err), &err);
    assert_ok(table_number(&t, 0, column, &value, &err), &err);
    assert_true(isnan(value));
    assert_ok(table_number(&t, 1, column, &value, &err), &err);
    assert_close(value, 0.875, 0.0);
    assert_ok(table_column(&t, "train_loss", &column, &err), &err);
    assert_ok(table_number(&t, 0, column, &value, &err), &err);
    assert_close(value, 1.0986122886681098, 0.0);
    table_free(&t);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(maml_learns_drawn_characters_from_chance),
        cmocka_unit_test(every_algorithm_runs_and_reports),
        cmocka_unit_test(the_same_seed_gives_the_same_bits_for_any_number_of_threads),
        cmocka_unit_test(without_validation_the_last_parameters_are_tested),
        cmocka_unit_test(a_run_that_was_stopped_goes_on_to_the_same_bits),
        cmocka_unit_test(a_run_killed_at_any_moment_goes_on_to_the_same_bits),
        cmocka_unit_test(a_checkpoint_of_another_run_or_a_damaged_one_is_refused),
        cmocka_unit_test(data_that_does_not_fit_is_refused),
        cmocka_unit_test(the_curve_is_a_table_with_empty_cells_where_nothing_was_scored),
    };
    return cmocka_run_group_tests_name("training", tests, NULL, NULL);
}
