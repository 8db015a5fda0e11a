/* train: the workload of a scenario, run for real on this machine. */
#include "cli/commands.h"
#include "cli/meta_kernel.h"

#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const struct cli_option options[] = {
    {"iterations", "N", "outer iterations (1000)"},
    {"data", "PATH|synthetic", "class folders, zip, .npy, CIFAR-100, or drawn classes (synthetic)"},
    {"test-data", "PATH",
     "test classes from here; classes or groups that train also has are left out"},
    {"test-classes", "NAMES", "classes or groups to test on, with commas (a fifth, drawn by seed)"},
    {"validation-classes", "NAMES|N", "classes or groups to validate on, or how many to draw (12)"},
    {"rotations", NULL, "every training class four times, turned by quarter turns"},
    {"mirrors", NULL, "every training class twice, also mirrored (with --rotations: eight times)"},
    {"shifts", "N", "training images are moved by up to N pixels at random (0)"},
    {"inner-rate", "RATE", "inner learning rate (0.4 without pooling, 0.01 with it; ANIL 0.1)"},
    {"outer-rate", "RATE", "Adam's learning rate (0.001)"},
    {"anneal", NULL, "the outer rate falls to 0 along half a cosine over all iterations"},
    {"evaluate-every", "N",
     "iterations between validations (100); 0: none, the last parameters are tested"},
    {"validation-tasks", "N", "episodes of a validation (200)"},
    {"test-tasks", "N", "episodes of the test at the end (1000)"},
    {"threads", "N", "tasks at the same time (one per CPU); the curve does not depend on it"},
    {"seed", "N", "of parameters, classes and episodes (1)"},
    {"checkpoint", "FILE",
     "keep the state here every 15 s and at the end, go on from it when it is there"},
    {NULL, NULL, NULL},
};

/* What --data and the options around it give. */
struct input {
    struct image_set set, test_set;
    struct class_split split;
    bool has_test_set;
};

/* Names of a list option, copied. */
struct names {
    struct arena arena;
    const char *name[256];
    size_t n;
};

static enum status add_name(void *context, const char *part, struct error *err)
{
    struct names *const names = context;
    if (names->n == sizeof names->name / sizeof names->name[0]) {
        return RAISE(err, ERR_USAGE, "more than %zu classes named", names->n);
    }
    names->name[names->n] = arena_copy(&names->arena, part, strlen(part));
    return names->name[names->n++] != NULL ? STATUS_OK : RAISE(err, ERR_MEMORY, "out of memory");
}

static bool is_count(const char *text)
{
    return text[0] != '\0' && text[strspn(text, "0123456789")] == '\0';
}

static enum status split_classes(const struct cli *cli, uint64_t seed, struct input *in,
                                 struct error *err)
{
    const char *const test = cli_option(cli, "test-classes");
    const char *const validation = cli_option(cli, "validation-classes");
    struct names test_names = {0}, validation_names = {0};
    struct split_options o = {.validation_classes = 12,
                              .all_train = in->has_test_set,
                              .rotations = cli_option(cli, "rotations") != NULL,
                              .mirrors = cli_option(cli, "mirrors") != NULL,
                              .seed = seed};
    enum status status = STATUS_OK;
    if (test != NULL && in->has_test_set) {
        status = RAISE(err, ERR_USAGE, "give --test-data or --test-classes, not both");
    } else if (test != NULL) {
        status = each_part(test, add_name, &test_names, err);
        o.test_names = test_names.name;
        o.n_test_names = test_names.n;
    }
    if (status == STATUS_OK && validation != NULL && is_count(validation)) {
        o.validation_classes = strtoul(validation, NULL, 10);
    } else if (status == STATUS_OK && validation != NULL) {
        status = each_part(validation, add_name, &validation_names, err);
        o.validation_names = validation_names.name;
        o.n_validation_names = validation_names.n;
    }
    if (status == STATUS_OK) {
        status = class_split_make(&in->set, &o, &in->split, err);
    }
    if (status == STATUS_OK && in->has_test_set) {
        status = class_split_test_from(&in->test_set, &in->set, &in->split, err);
    }
    arena_free(&test_names.arena);
    arena_free(&validation_names.arena);
    return status;
}

/* Grey images are taken as ink in [0, 1], colour images with mean 0 and variance 1 over the
 * training classes. */
static enum status load_input(const struct cli *cli, const struct kernel_config *k, uint64_t seed,
                              struct input *in, struct error *err)
{
    const char *const data = cli_option(cli, "data");
    const char *const test_data = cli_option(cli, "test-data");
    const struct image_options image = {
        .height = k->size, .width = k->size, .channels = k->channels, .ink_is_one = true};
    enum status status = STATUS_OK;
    struct stat there;
    static const char *const drawn_word[] = {"synthetic"};
    if (data != NULL && strcmp(data, drawn_word[0]) != 0 && stat(data, &there) != 0 &&
        nearest_name(data, drawn_word, 1) != NULL) {
        status = RAISE(err, ERR_USAGE, "--data %s: no such file, did you mean synthetic?", data);
    } else if (data == NULL || strcmp(data, drawn_word[0]) == 0) {
        const struct synthetic_options drawn = {.channels = k->channels,
                                                .height = k->size,
                                                .width = k->size,
                                                .n_groups = 10,
                                                .classes_per_group = 20,
                                                .images_per_class = 20,
                                                .seed = seed};
        status = image_set_synthetic(&drawn, &in->set, err);
    } else {
        status = image_set_load(data, &image, &in->set, err);
    }
    if (status == STATUS_OK && test_data != NULL) {
        in->has_test_set = true;
        status = image_set_load(test_data, &image, &in->test_set, err);
    }
    if (status == STATUS_OK) {
        status = split_classes(cli, seed, in, err);
    }
    if (status == STATUS_OK && k->channels == 3) {
        status = image_set_standardise(&in->set, &in->split.train, err);
        memcpy(in->test_set.scale, in->set.scale, sizeof in->set.scale);
        memcpy(in->test_set.offset, in->set.offset, sizeof in->set.offset);
    }
    return status;
}

static void free_input(struct input *in)
{
    class_split_free(&in->split);
    image_set_free(&in->set);
    image_set_free(&in->test_set);
}

/* ---------------------------------------------------------------- progress */

struct progress {
    bool shown;
    uint64_t iterations, first;
    double start_s, printed_s, validation;
};

/* Ctrl-C and termination are blocked while training and looked for here, between two iterations. */
static bool stop_was_asked_for(void)
{
    sigset_t pending;
    return sigpending(&pending) == 0 &&
           (sigismember(&pending, SIGINT) == 1 || sigismember(&pending, SIGTERM) == 1);
}

static void block_stops(int how)
{
    sigset_t stops;
    sigemptyset(&stops);
    sigaddset(&stops, SIGINT);
    sigaddset(&stops, SIGTERM);
    if (how == SIG_UNBLOCK) {
        const struct timespec none = {0, 0};
        while (sigtimedwait(&stops, NULL, &none) > 0) {
        }
    }
    sigprocmask(how, &stops, NULL);
}

static bool show(void *context, const struct train_row *row)
{
    struct progress *const p = context;
    const double now = monotonic_s();
    if (p->first == 0) {
        p->first = row->iteration;
    }
    if (!isnan(row->validation_accuracy)) {
        p->validation = row->validation_accuracy;
    }
    if (p->shown && (now - p->printed_s > 0.2 || row->iteration == p->iterations)) {
        const double each = (now - p->start_s) / (double)(row->iteration - p->first + 1);
        struct text left = {0};
        text_time(&left, each * (double)(p->iterations - row->iteration));
        fprintf(stderr,
                "\riteration %llu of %llu  loss %.3f  accuracy %.3f  validation %.3f  %s left    ",
                (unsigned long long)row->iteration, (unsigned long long)p->iterations, row->loss,
                row->accuracy, p->validation, left.data != NULL ? left.data : "");
        text_free(&left);
        p->printed_s = now;
    }
    return !stop_was_asked_for();
}

/* ---------------------------------------------------------------- the command */

static enum status read_options(const struct cli *cli, struct train_options *o, struct error *err)
{
    const long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    double iterations, every, validation, test, threads, seed, shifts;
    if (cli_count(cli, "iterations", 1, 1e9, 1000, &iterations, err) != STATUS_OK ||
        cli_count(cli, "evaluate-every", 0, 1e9, 100, &every, err) != STATUS_OK ||
        cli_count(cli, "validation-tasks", 0, 1e9, 200, &validation, err) != STATUS_OK ||
        cli_count(cli, "test-tasks", 0, 1e9, 1000, &test, err) != STATUS_OK ||
        cli_count(cli, "threads", 1, 4096, cpus > 0 ? (double)cpus : 1.0, &threads, err) !=
            STATUS_OK ||
        cli_count(cli, "seed", 0, 9e15, 1, &seed, err) != STATUS_OK ||
        cli_count(cli, "shifts", 0, 1000, 0, &shifts, err) != STATUS_OK ||
        cli_number(cli, "inner-rate", 0, 100, o->kernel.inner_rate, &o->kernel.inner_rate, err) !=
            STATUS_OK ||
        cli_number(cli, "outer-rate", 0, 100, o->kernel.outer_rate, &o->kernel.outer_rate, err) !=
            STATUS_OK) {
        return err->code;
    }
    o->iterations = (uint64_t)iterations;
    o->evaluate_every = (uint64_t)every;
    o->validation_tasks = (uint64_t)validation;
    o->test_tasks = (uint64_t)test;
    o->kernel.threads = (size_t)threads;
    o->seed = (uint64_t)seed;
    o->shift_max = (unsigned)shifts;
    o->anneal = cli_option(cli, "anneal") != NULL;
    o->checkpoint = cli_option(cli, "checkpoint");
    o->checkpoint_every_s = 15.0;
    return STATUS_OK;
}

static void put_score(struct text *out, const char *name, const struct train_score *score)
{
    text_printf(out, "%s accuracy %.4f +- %.4f, loss %.4f, over %llu tasks\n", name,
                score->accuracy, score->half_width, score->loss, (unsigned long long)score->tasks);
}

static void report(struct text *out, const struct train_options *o, const struct input *in,
                   const struct train_result *r, double seconds)
{
    const struct kernel_config *const k = &o->kernel;
    text_printf(out, "%s, %zu-way %zu-shot, %zu queries, %zu steps, %zu channels, meta-batch %zu\n",
                kernel_algorithm_name(k->algorithm), k->ways, k->shots, k->queries, k->steps,
                k->hidden, k->meta_batch);
    text_printf(out, "classes: %zu train, %zu validation, %zu test\n", in->split.train.n,
                in->split.validation.n, in->split.test.n);
    if (r->n > r->resumed_at) {
        text_printf(out, "iterations %llu to %zu in ", (unsigned long long)r->resumed_at + 1, r->n);
        text_time(out, seconds);
        text_printf(out, " on %zu threads", k->threads);
    } else {
        text_printf(out, "all %zu iterations were in the checkpoint", r->n);
    }
    if (r->test.tasks > 0) {
        text_printf(out, "; parameters of iteration %llu are tested",
                    (unsigned long long)r->best_iteration);
    }
    text_puts(out, "\n");
    if (r->test.tasks > 0) {
        put_score(out, "untrained:", &r->untrained);
        put_score(out, "test:     ", &r->test);
    }
}

static enum status train(const struct cli *cli, const struct workload *w, struct error *err)
{
    struct train_options o = {0};
    struct input in = {0};
    struct train_result r = {0};
    enum status status = kernel_of_workload(w, &o.kernel, err);
    if (status == STATUS_OK) {
        status = read_options(cli, &o, err);
    }
    if (status == STATUS_OK) {
        status = load_input(cli, &o.kernel, o.seed, &in, err);
    }
    if (status == STATUS_OK) {
        struct progress p = {.shown = cli->progress,
                             .iterations = o.iterations,
                             .start_s = monotonic_s(),
                             .validation = (double)NAN};
        const struct train_data data = {&in.set, &in.split.train, &in.split.validation,
                                        in.has_test_set ? &in.test_set : &in.set, &in.split.test};
        o.progress = show;
        o.context = &p;
        block_stops(SIG_BLOCK);
        status = train_run(&o, &data, &r, err);
        block_stops(SIG_UNBLOCK);
        if (p.shown && p.printed_s > 0.0) {
            fputc('\n', stderr);
        }
        if (r.n > 0) {
            const char *const path = cli_option(cli, "o");
            struct error write = {0};
            struct text words = {0};
            report(&words, &o, &in, &r, monotonic_s() - p.start_s);
            if (train_write_csv(path != NULL ? path : "-", &r, &write) != STATUS_OK &&
                status == STATUS_OK) {
                *err = write;
                status = write.code;
            }
            /* The table goes to standard output when no file is named: then this is a remark. */
            if (!cli->quiet || path != NULL) {
                fputs(words.data != NULL ? words.data : "", path != NULL ? stdout : stderr);
            }
            text_free(&words);
        }
    }
    train_result_free(&r);
    free_input(&in);
    return status;
}

static enum exit_code run(struct cli *cli, struct error *err)
{
    struct scenario s;
    struct scenario_cursor cursor;
    bool skipped = false;
    const char *const checkpoint = cli_option(cli, "checkpoint");
    const struct scenario_options measured = {
        .data_dir = cli->data_dir, .sets = cli->sets, .n_sets = cli->n_sets, .no_profile = true};
    if ((checkpoint != NULL && file_try(checkpoint, err) != STATUS_OK) ||
        scenario_load(cli->arguments[0], &measured, &s, err) != STATUS_OK) {
        return EXIT_INPUT;
    }
    if (cursor_init(&cursor, &s, err) == STATUS_OK) {
        if (cursor_seek(&cursor, 0, &skipped, err) == STATUS_OK) {
            train(cli, &cursor.config.workload, err);
        }
        cursor_free(&cursor);
    }
    scenario_free(&s);
    return EXIT_DONE;
}

const struct command command_train = {
    .name = "train",
    .summary = "run a scenario's training for real, on this machine",
    .arguments = "FILE",
    .examples = "faascast train scenarios/metafaas/omniglot.json -o curve.csv\n"
                "faascast train my.json --data omniglot.zip --rotations --checkpoint run.ckpt\n",
    .options = options,
    .details =
        "Trains the network of the scenario's workload (its first configuration) with its "
        "algorithm "
        "and prints one row for each outer iteration: iteration, train_loss, train_accuracy, "
        "validation_loss, validation_accuracy. The parameters that did best on the validation "
        "classes are tested at the end on classes that were never trained on. Pictures are resized "
        "to the workload's size; grey ones become ink 1 on paper 0, colour ones are standardised. "
        "The same seed gives the same rows, bit for bit, on any number of threads, also when the "
        "run was stopped or killed and goes on from its checkpoint.",
    .arguments_min = 1,
    .arguments_max = 1,
    .only = "csv",
    .run = run,
};
