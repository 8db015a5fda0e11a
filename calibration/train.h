/* Door of the training loop: the kernel on real or drawn tasks, on one machine, until it has
 * learned.
 *
 * An outer iteration draws meta_batch training episodes, takes their mean meta-gradient and one
 * Adam step. From time to time the validation classes are scored; the parameters that did best on
 * them are the ones the test classes score at the end (with no validation classes: the last ones).
 * Episodes are numbered, so that a run can be stopped at any moment, by any signal, and continued
 * from its checkpoint to the same bits.
 */
#ifndef CALIBRATION_TRAIN_H
#define CALIBRATION_TRAIN_H

#include "calibration/data.h"
#include "calibration/kernel/kernel.h"

/* Where episodes come from; everything is borrowed. */
struct train_data {
    const struct image_set *set; /* of training and validation classes */
    const struct class_list *train;
    const struct class_list *validation; /* may be empty */
    const struct image_set *test_set;    /* of the test classes */
    const struct class_list *test;       /* may be empty */
};

/* One outer iteration, 1-based. Validation is NaN where it was not scored. */
struct train_row {
    uint64_t iteration;
    double loss,
        accuracy; /* mean over the tasks of the meta-batch, query images after adaptation */
    double validation_loss, validation_accuracy;
};

struct train_options {
    struct kernel_config kernel;
    uint64_t iterations;
    uint64_t seed;
    unsigned shift_max; /* pixels training images are moved by at random, see episode_sampler */
    /* The outer rate falls from kernel.outer_rate to 0 along half a cosine over all iterations
     * (Loshchilov and Hutter 2017, SGDR without restarts; for MAML Antoniou et al. 2019). The rows
     * then depend on `iterations`. */
    bool anneal;
    uint64_t evaluate_every;   /* iterations between validations; 0: never */
    uint64_t validation_tasks; /* episodes of a validation */
    uint64_t test_tasks;       /* episodes of the final test */
    const char *checkpoint;    /* file, or NULL: none. Read if it exists, then rewritten */
    double checkpoint_every_s; /* wall time between two writes */
    /* Called after every iteration (may be NULL); false stops the run after a checkpoint. */
    bool (*progress)(void *context, const struct train_row *row);
    void *context;
};

struct train_score {
    uint64_t tasks;
    double loss, accuracy, half_width; /* half width of the 95 % interval of the mean accuracy */
};

struct train_result {
    struct train_row *rows; /* from iteration 1, also those before a resumption */
    size_t n;
    uint64_t resumed_at;          /* iterations found in the checkpoint */
    uint64_t best_iteration;      /* whose parameters were tested */
    struct train_score test;      /* tasks = 0: there are no test classes */
    struct train_score untrained; /* the same test before the first iteration */
};

/* Train, validate, test.
 *
 * Gives:   *out filled with the rows so far, also when stopped. Same seed, same rows, bit for bit,
 * for any number of threads, resumed or not. Owns:    caller frees *out with train_result_free(),
 * also after an error. Errors:  ERR_INPUT for data that cannot give the episodes, images that do
 * not fit the network, a checkpoint of another run (what differs) or a damaged one; ERR_INTERRUPTED
 * when progress() stopped it; ERR_NUMERIC when the loss is no number any more; ERR_IO, ERR_MEMORY.
 */
enum status train_run(const struct train_options *options, const struct train_data *data,
                      struct train_result *out, struct error *err);

/* The rows as CSV: iteration, train_loss, train_accuracy, validation_loss, validation_accuracy;
 * empty where not scored. Written whole or not at all. */
enum status train_write_csv(const char *path, const struct train_result *result, struct error *err);

void train_result_free(struct train_result *result);

#endif
