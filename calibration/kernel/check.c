/* Runs the kernel over a folder of reference vectors and compares. */
#include "calibration/kernel/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static enum status run_single(struct check_bench *b)
{
    const struct kernel_trace trace = {
        .support_loss = b->support_loss,
        .query_logits = b->logits,
        .theta_adapted = b->theta_adapted,
        .grad_support = b->grad_support,
        .gen_in = b->gen_in,
        .gen_out = b->gen_out,
    };
    enum status status = kernel_gradient(b->k, b->episodes, b->tasks, b->grad_theta, b->grad_phi,
                                         b->outcomes, &trace, b->err);
    if (status) {
        return status;
    }
    for (size_t i = 0; i < b->tasks; i++) {
        b->query_loss[i] = b->outcomes[i].query_loss;
    }
    const size_t steps = b->c->config.steps;
    const struct {
        const char *name;
        const double *found;
        size_t count;
    } list[] = {
        {"support_loss", b->support_loss, steps},
        {"query_loss", b->query_loss, b->tasks},
        {"query_logits", b->logits, b->query * b->c->config.ways},
        {"grad_support0", b->grad_support, b->n_inner},
        {"theta_adapted", b->theta_adapted, b->n_theta},
        {"gen_in", b->gen_in, b->gen},
        {"gen_out", b->gen_out, b->gen},
        {"grad_theta", b->grad_theta, b->n_theta},
        {"grad_phi", b->grad_phi, b->n_phi},
    };
    for (size_t i = 0; !status && i < sizeof list / sizeof *list; i++) {
        status = check_compare(b, list[i].name, list[i].found, list[i].count);
    }
    if (!status && b->c->has_correct && kernel_settings(b->k)->precision == KERNEL_FLOAT64) {
        const double found = (double)b->outcomes[0].query_correct;
        status = check_say(b, "query_correct", fabs(found - (double)b->c->query_correct), 0.0);
    }
    if (!status && check_find(b->c, "hvp", "f64")) {
        status = check_need(b, "hvp_v", "f64", b->n_theta, 8, b->hvp_v);
        if (!status) {
            status = kernel_hessian_vector(b->k, b->episodes, b->hvp_v, b->hvp, b->err);
        }
        if (!status) {
            status = check_compare(b, "hvp", b->hvp, b->n_theta);
        }
    }
    return !status && b->c->stats ? check_compare_full(b) : status;
}

static enum status run_outer(struct check_bench *b)
{
    enum status status = STATUS_OK;
    const size_t steps = b->c->config.steps, batch = b->c->tasks;
    for (size_t i = 0; !status && i < b->c->outer_iters; i++) {
        /* Support losses of every task, before the step moves the parameters. */
        for (size_t j = i * batch; !status && j < (i + 1) * batch; j++) {
            const struct kernel_trace trace = {.support_loss = b->support_loss + j * steps};
            status = kernel_gradient(b->k, &b->episodes[j], 1, NULL, NULL, NULL, &trace, b->err);
        }
        if (!status) {
            status = kernel_iterate(b->k, b->episodes + i * batch, b->outcomes + i * batch, b->err);
        }
    }
    for (size_t i = 0; i < b->tasks; i++) {
        b->query_loss[i] = b->outcomes[i].query_loss;
    }
    kernel_get(b->k, KERNEL_THETA, b->theta);
    kernel_get(b->k, KERNEL_PHI, b->phi);
    if (!status) {
        status = check_compare(b, "support_loss", b->support_loss, b->tasks * steps);
    }
    if (!status) {
        status = check_compare(b, "query_loss", b->query_loss, b->tasks);
    }
    if (!status) {
        status = check_compare(b, "theta_after", b->theta, b->n_theta);
    }
    return status ? status : check_compare(b, "phi_after", b->phi, b->n_phi);
}

static enum status run_case(const char *folder, const char *index, const struct check_case *c,
                            enum kernel_precision precision, enum kernel_path path,
                            struct kernel_check *out, struct error *err)
{
    struct check_bench b = {.folder = folder, .index = index, .c = c, .out = out, .err = err};
    enum status status = check_prepare(&b, precision, path);
    if (!status) {
        kernel_set(b.k, KERNEL_THETA, b.theta);
        kernel_set(b.k, KERNEL_PHI, b.phi);
        status = c->outer_iters ? run_outer(&b) : run_single(&b);
    }
    kernel_delete(b.k);
    arena_free(&b.arena);
    return status;
}

static bool exists(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0;
}

void kernel_check_free(struct kernel_check *c)
{
    free(c->rows);
    *c = (struct kernel_check){0};
}

enum status kernel_check(const char *folder, enum kernel_path path, struct kernel_check *out,
                         struct error *err)
{
    char root[768], index[800];
    const char *only = NULL;
    snprintf(root, sizeof root, "%s", folder);
    for (size_t n = strlen(root); n > 1 && root[n - 1] == '/'; n--) {
        root[n - 1] = '\0';
    }
    snprintf(index, sizeof index, "%s/index.txt", root);
    char *slash = strrchr(root, '/');
    if (!exists(index) && slash && slash != root) {
        char above[800];
        snprintf(above, sizeof above, "%.*s/index.txt", (int)(slash - root), root);
        if (exists(root) && exists(above)) { /* a single case of the folder above */
            memcpy(index, above, sizeof index);
            *slash = '\0';
            only = slash + 1;
        }
    }
    struct arena arena = {0};
    struct check_case *cases;
    size_t run = 0;
    enum status status = check_index_read(&arena, index, &cases, err);
    for (const struct check_case *c = status ? NULL : cases; c && !status; c = c->next) {
        if (only && strcmp(only, c->name) != 0) {
            continue;
        }
        run++;
        status = run_case(root, index, c, KERNEL_FLOAT64, path, out, err);
        if (!status) {
            status = run_case(root, index, c, KERNEL_FLOAT32, path, out, err);
        }
        if (status && err->file[0] == '\0' && !strstr(err->message, c->name)) {
            char message[sizeof err->message];
            memcpy(message, err->message, sizeof message);
            snprintf(err->message, sizeof err->message, "case %.60s: %.400s", c->name, message);
        }
    }
    if (!status && run == 0) {
        status = RAISE(err, ERR_INPUT, "%s names no case %s, and that is no folder of cases", index,
                       only);
    }
    arena_free(&arena);
    return status;
}
