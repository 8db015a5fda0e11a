/* Saving and loading the state of a training run; the format is in checkpoint.h. */
#include "calibration/train/checkpoint.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define CHECKPOINT_BYTES_MAX ((size_t)2 << 30)

static const char MAGIC[8] = {'F', 'A', 'A', 'S', 'T', 'R', 'N', '1'};

static void put_u64(struct text *out, uint64_t value)
{
    char bytes[8];
    for (size_t i = 0; i < 8; i++) {
        bytes[i] = (char)(value >> (8 * i) & 0xff);
    }
    text_append(out, bytes, sizeof bytes);
}

static void put_f64(struct text *out, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_u64(out, bits);
}

static void put_vector(struct text *out, size_t n, const double *values)
{
    put_u64(out, n);
    for (size_t i = 0; i < n; i++) {
        put_f64(out, values[i]);
    }
}

enum status train_state_save(const struct train_state *state, const char *path, struct error *err)
{
    struct text out = {0};
    text_append(&out, MAGIC, sizeof MAGIC);
    put_u64(&out, state->settings_hash);
    put_u64(&out, state->data_hash);
    put_u64(&out, state->seed);
    put_u64(&out, state->iterations_done);
    put_u64(&out, state->best_iteration);
    put_u64(&out, state->adam_steps);
    put_u64(&out, state->n_rows);
    put_f64(&out, state->best_accuracy);
    for (size_t v = 0; v < KERNEL_VECTORS; v++) {
        put_vector(&out, state->count[v], state->vector[v]);
    }
    put_vector(&out, state->count[KERNEL_THETA], state->best[KERNEL_THETA]);
    put_vector(&out, state->count[KERNEL_PHI], state->best[KERNEL_PHI]);
    for (uint64_t i = 0; i < state->n_rows; i++) {
        const struct train_row *const row = &state->rows[i];
        put_u64(&out, row->iteration);
        put_f64(&out, row->loss);
        put_f64(&out, row->accuracy);
        put_f64(&out, row->validation_loss);
        put_f64(&out, row->validation_accuracy);
    }
    put_u64(&out, hash_bytes(HASH_SEED, out.data, out.failed ? 0 : out.size));
    const enum status status = out.failed ? RAISE(err, ERR_MEMORY, "no memory for a checkpoint")
                                          : file_write(path, out.data, out.size, err);
    text_free(&out);
    return status;
}

/* ---------------------------------------------------------------- loading */

struct reader {
    const uint8_t *at;
    size_t left;
};

static uint64_t take_u64(struct reader *r)
{
    uint64_t value = 0;
    if (r->left < 8) {
        r->left = 0; /* a short file reads as zeros; its checksum failed before */
        return 0;
    }
    for (size_t i = 0; i < 8; i++) {
        value |= (uint64_t)r->at[i] << (8 * i);
    }
    r->at += 8;
    r->left -= 8;
    return value;
}

static double take_f64(struct reader *r)
{
    const uint64_t bits = take_u64(r);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static enum status take_vector(struct reader *r, size_t n, double *values, struct error *err)
{
    const uint64_t count = take_u64(r);
    if (count != n || r->left / 8 < n) {
        return RAISE(err, ERR_INPUT, "the checkpoint holds %llu parameters, expected %zu",
                     (unsigned long long)count, n);
    }
    for (size_t i = 0; i < n; i++) {
        values[i] = take_f64(r);
    }
    return STATUS_OK;
}

static enum status parse_body(struct train_state *state, struct reader *r, struct error *err)
{
    const uint64_t settings = take_u64(r), data = take_u64(r), seed = take_u64(r);
    if (settings != state->settings_hash) {
        return RAISE(err, ERR_INPUT,
                     "the checkpoint belongs to a run with other settings "
                     "(algorithm, network, task shape or rates)");
    }
    if (seed != state->seed) {
        return RAISE(err, ERR_INPUT, "the checkpoint belongs to a run with seed %llu, not %llu",
                     (unsigned long long)seed, (unsigned long long)state->seed);
    }
    if (data != state->data_hash) {
        return RAISE(err, ERR_INPUT, "the checkpoint belongs to a run on other data or classes");
    }
    state->iterations_done = take_u64(r);
    state->best_iteration = take_u64(r);
    state->adam_steps = take_u64(r);
    state->n_rows = take_u64(r);
    state->best_accuracy = take_f64(r);
    if (state->n_rows > state->rows_capacity) {
        return RAISE(err, ERR_INPUT,
                     "the checkpoint is at iteration %llu, beyond the %llu asked for",
                     (unsigned long long)state->n_rows, (unsigned long long)state->rows_capacity);
    }
    enum status status = STATUS_OK;
    for (size_t v = 0; v < KERNEL_VECTORS && status == STATUS_OK; v++) {
        status = take_vector(r, state->count[v], state->vector[v], err);
    }
    for (size_t v = KERNEL_THETA; v <= KERNEL_PHI && status == STATUS_OK; v++) {
        status = take_vector(r, state->count[v], state->best[v], err);
    }
    for (uint64_t i = 0; i < state->n_rows && status == STATUS_OK; i++) {
        struct train_row *const row = &state->rows[i];
        row->iteration = take_u64(r);
        row->loss = take_f64(r);
        row->accuracy = take_f64(r);
        row->validation_loss = take_f64(r);
        row->validation_accuracy = take_f64(r);
    }
    return status;
}

static enum status parse(struct train_state *state, const uint8_t *data, size_t n,
                         struct error *err)
{
    if (n < sizeof MAGIC + 8 || memcmp(data, MAGIC, sizeof MAGIC) != 0) {
        return RAISE(err, ERR_INPUT, "not a training checkpoint (%zu bytes)", n);
    }
    struct reader tail = {data + n - 8, 8};
    if (take_u64(&tail) != hash_bytes(HASH_SEED, data, n - 8)) {
        return RAISE(err, ERR_INPUT, "truncated or damaged training checkpoint (%zu bytes)", n);
    }
    struct reader body = {data + sizeof MAGIC, n - sizeof MAGIC - 8};
    return parse_body(state, &body, err);
}

enum status train_state_load(struct train_state *state, const char *path, bool *found,
                             struct error *err)
{
    struct stat facts;
    *found = stat(path, &facts) == 0;
    if (!*found) {
        return STATUS_OK;
    }
    char *data = NULL;
    size_t n = 0;
    enum status status = file_read(path, CHECKPOINT_BYTES_MAX, &data, &n, err);
    if (status == STATUS_OK) {
        status = parse(state, (const uint8_t *)data, n, err);
        if (status != STATUS_OK && err->file[0] == '\0') {
            snprintf(err->file, sizeof err->file, "%s", path);
        }
    }
    free(data);
    return status;
}
