/* Runs the kernel over a folder of reference vectors and compares (SPEC section 7). Vectors are
 * compared whole, by relative L2 error. Full-size cases store only statistics of long vectors; for
 * these the error is estimated from the L2 norm, a pseudo-random projection and the first entries
 * of every tensor, relative to the norm of the whole vector. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "calibration/kernel/check_index.h"
#include "calibration/kernel/initialise.h"

/* Everything one case needs, in doubles; freed together. */
struct bench {
    const char *folder, *index;
    const struct check_case *c;
    struct kernel *k;
    size_t tasks; /* all tasks stored: outer iterations times tasks per iteration, at least one */
    size_t image, support, query; /* elements of an image; images per task */
    float *x_support, *x_query;
    int32_t *y_support, *y_query;
    struct kernel_episode *episodes;
    struct kernel_outcome *outcomes;
    double *theta, *phi, *theta_adapted, *grad_theta, *grad_phi, *grad_support, *hvp_v, *hvp;
    double *support_loss, *query_loss, *logits, *gen_in, *gen_out;
    size_t n_theta, n_phi, n_inner, gen; /* gen = T * 2M */
    struct arena arena;
    struct kernel_check *out;
    struct error *err;
};

static void *take(struct bench *b, size_t count, size_t size)
{
    return arena_alloc(&b->arena, (count ? count : 1) * size);
}

/* ---------------------------------------------------------------- stored arrays */

static const struct check_array *find(const struct check_case *c, const char *name,
                                      const char *type)
{
    for (const struct check_array *a = c->arrays; a; a = a->next) {
        if (strcmp(a->name, name) == 0 && strcmp(a->type, type) == 0) {
            return a;
        }
    }
    return NULL;
}

static enum status at_line(struct bench *b, size_t line, enum status status)
{
    snprintf(b->err->file, sizeof b->err->file, "%s", b->index);
    b->err->line = (unsigned)line;
    return status;
}

/* Exactly `count` elements of `size` bytes into out. */
static enum status array_load(struct bench *b, const struct check_array *a, size_t count,
                              size_t size, void *out)
{
    if (a->count != count) {
        return at_line(b, a->line,
                       RAISE(b->err, ERR_INPUT, "case %s: array %s has %zu elements, expected %zu",
                             b->c->name, a->name, a->count, count));
    }
    char path[1024];
    if (snprintf(path, sizeof path, "%s/%s", b->folder, a->path) >= (int)sizeof path) {
        return at_line(b, a->line,
                       RAISE(b->err, ERR_INPUT, "path of array %s is too long", a->name));
    }
    char *data;
    size_t found;
    const enum status status = file_read(path, count * size + 1, &data, &found, b->err);
    if (status == ERR_INPUT || (!status && found != count * size)) {
        if (!status) {
            free(data);
        }
        *b->err = (struct error){0};
        return RAISE(b->err, ERR_INPUT, "%s has %s%zu bytes, expected %zu (%zu elements of %zu)",
                     path, status ? "more than " : "", status ? count * size : found, count * size,
                     count, size);
    }
    if (status) {
        return status;
    }
    memcpy(out, data, count * size);
    free(data);
    return STATUS_OK;
}

static enum status need(struct bench *b, const char *name, const char *type, size_t count,
                        size_t size, void *out)
{
    const struct check_array *a = find(b->c, name, type);
    if (!a) {
        return at_line(
            b, b->c->line,
            RAISE(b->err, ERR_INPUT, "case %s has no array %s of type %s", b->c->name, name, type));
    }
    return array_load(b, a, count, size, out);
}

/* ---------------------------------------------------------------- generated full-size cases */

static double power_below(double x)
{
    return exp2(floor(log2(x)));
}

static void generate_theta(struct bench *b)
{
    const struct kernel_config *c = &b->c->config;
    struct kernel_tensor list[KERNEL_MAX_TENSORS];
    const size_t count = kernel_theta_tensors(c, list);
    for (size_t j = 0; j < count; j++) {
        const struct kernel_tensor *t = &list[j];
        const bool head = j >= 4 * c->layers;
        double scale = 0.125, shift = 0.0; /* biases of convolutions and head */
        if (t->n_dims == 4) {
            scale = power_below(sqrt(6.0 / ((double)(t->dims[0] + t->dims[1]) * 9.0)));
        } else if (t->n_dims == 2) {
            scale = power_below(sqrt(6.0 / (double)(t->dims[0] + t->dims[1])));
        } else if (!head && j % 4 == 2) {
            scale = 0.25;
            shift = 0.75;
        } else if (!head && j % 4 == 3) {
            scale = 0.25;
        }
        for (size_t i = 0; i < t->count; i++) {
            b->theta[t->offset + i] = shift + scale * recipe_uniform(b->c->seed, 10 + j, i);
        }
    }
}

static void generate_phi(struct bench *b)
{
    struct kernel_tensor list[KERNEL_MAX_TENSORS];
    const size_t count = kernel_phi_tensors(&b->c->config, list);
    const double generator = count ? power_below(1.0 / sqrt((double)list[0].dims[1])) : 0.0;
    for (size_t j = 0; j < count; j++) {
        double scale = 0.5 * 0.03125, shift = 0.03125; /* decay tensors */
        if (j < 4) {
            scale = generator;
            shift = j == 3 ? 1.0 : 0.0;
        } else if (j == 4) {
            scale = 0.25 * b->c->a0;
            shift = b->c->a0;
        } else if (j == 5) {
            shift = b->c->config.fixed_theta ? 1.0 : 0.03125;
            scale = 0.25 * shift;
        }
        for (size_t i = 0; i < list[j].count; i++) {
            b->phi[list[j].offset + i] = shift + scale * recipe_uniform(b->c->seed, 100 + j, i);
        }
    }
}

/* ---------------------------------------------------------------- setting up */

static enum status load_case(struct bench *b)
{
    const size_t s = b->tasks * b->support, q = b->tasks * b->query;
    if (b->c->full) {
        for (size_t i = 0; i < b->tasks; i++) {
            const struct kernel_episode *e = &b->episodes[i];
            kernel_synthetic_episode(&b->c->config, b->c->seed, i, (float *)e->x_support,
                                     (int32_t *)e->y_support, (float *)e->x_query,
                                     (int32_t *)e->y_query);
        }
        generate_theta(b);
        generate_phi(b);
        return STATUS_OK;
    }
    enum status status = need(b, "x_support", "f32", s * b->image, 4, b->x_support);
    if (!status) {
        status = need(b, "y_support", "i32", s, 4, b->y_support);
    }
    if (!status) {
        status = need(b, "x_query", "f32", q * b->image, 4, b->x_query);
    }
    if (!status) {
        status = need(b, "y_query", "i32", q, 4, b->y_query);
    }
    if (!status) {
        status = need(b, "theta", "f64", b->n_theta, 8, b->theta);
    }
    if (!status && b->n_phi) {
        status = need(b, "phi", "f64", b->n_phi, 8, b->phi);
    }
    return status;
}

static enum status prepare(struct bench *b, enum kernel_precision precision, enum kernel_path path)
{
    struct kernel_config config = b->c->config;
    struct kernel_tensor list[KERNEL_MAX_TENSORS];
    config.precision = precision;
    config.path = path;
    b->tasks = b->c->tasks * (b->c->outer_iters ? b->c->outer_iters : 1);
    b->image = config.channels * config.size * config.size;
    b->support = config.ways * config.shots;
    b->query = config.ways * config.queries;
    b->n_theta = b->c->theta_len;
    b->n_phi = b->c->phi_len;
    for (size_t i = 0; i < kernel_theta_tensors(&config, list); i++) {
        b->n_inner += list[i].inner ? list[i].count : 0;
    }
    b->gen = kernel_phi_tensors(&config, list) ? config.steps * list[0].dims[0] : 0;
    const size_t s = b->tasks * b->support, q = b->tasks * b->query;
    const struct {
        void *place;
        size_t count, size;
    } wanted[] = {
        {&b->x_support, s * b->image, sizeof(float)},
        {&b->x_query, q * b->image, sizeof(float)},
        {&b->y_support, s, sizeof(int32_t)},
        {&b->y_query, q, sizeof(int32_t)},
        {&b->episodes, b->tasks, sizeof(struct kernel_episode)},
        {&b->outcomes, b->tasks, sizeof(struct kernel_outcome)},
        {&b->theta, b->n_theta, sizeof(double)},
        {&b->phi, b->n_phi, sizeof(double)},
        {&b->theta_adapted, b->n_theta, sizeof(double)},
        {&b->grad_theta, b->n_theta, sizeof(double)},
        {&b->grad_phi, b->n_phi, sizeof(double)},
        {&b->grad_support, b->n_inner, sizeof(double)},
        {&b->hvp_v, b->n_theta, sizeof(double)},
        {&b->hvp, b->n_theta, sizeof(double)},
        {&b->support_loss, b->tasks * config.steps, sizeof(double)},
        {&b->query_loss, b->tasks, sizeof(double)},
        {&b->logits, b->query * config.ways, sizeof(double)},
        {&b->gen_in, b->gen, sizeof(double)},
        {&b->gen_out, b->gen, sizeof(double)},
    };
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        void *block = take(b, wanted[i].count, wanted[i].size);
        if (!block) {
            return RAISE(b->err, ERR_MEMORY, "out of memory for case %s", b->c->name);
        }
        memcpy(wanted[i].place, &block, sizeof block);
    }
    for (size_t i = 0; i < b->tasks; i++) {
        b->episodes[i] = (struct kernel_episode){
            b->x_support + i * b->support * b->image, b->y_support + i * b->support,
            b->x_query + i * b->query * b->image, b->y_query + i * b->query};
    }
    const enum status status = load_case(b);
    return status ? status : kernel_new(&config, &b->k, b->err);
}

/* ---------------------------------------------------------------- comparing */

static double bound(const struct bench *b)
{
    const bool full = b->c->full;
    if (kernel_settings(b->k)->precision == KERNEL_FLOAT64) {
        return full ? 1e-8 : 1e-10;
    }
    const size_t large = 64; /* pixels: above, single flipped pooling decisions show */
    return !full ? 2e-5 : b->c->config.size < large ? 1e-4 : 5e-3;
}

static enum status say(struct bench *b, const char *what, double error, double limit)
{
    struct kernel_check *out = b->out;
    if (out->count == out->capacity) {
        const size_t capacity = 2 * out->capacity + 64;
        struct kernel_check_row *rows = realloc(out->rows, capacity * sizeof *rows);
        if (!rows) {
            return RAISE(b->err, ERR_MEMORY, "out of memory for the results");
        }
        out->rows = rows;
        out->capacity = capacity;
    }
    struct kernel_check_row *row = &out->rows[out->count++];
    *row = (struct kernel_check_row){
        .precision = kernel_settings(b->k)->precision, .error = error, .bound = limit};
    snprintf(row->name, sizeof row->name, "%s", b->c->name);
    snprintf(row->quantity, sizeof row->quantity, "%s", what);
    out->failures += error <= limit ? 0 : 1; /* NaN fails */
    return STATUS_OK;
}

static enum status compare(struct bench *b, const char *name, const double *found, size_t count)
{
    const struct check_array *a = find(b->c, name, "f64");
    if (!a) {
        return STATUS_OK;
    }
    double *expected = take(b, count, sizeof *expected);
    if (!expected) {
        return RAISE(b->err, ERR_MEMORY, "out of memory for case %s", b->c->name);
    }
    const enum status status = array_load(b, a, count, sizeof(double), expected);
    if (status) {
        return status;
    }
    double difference = 0.0, norm = 0.0;
    for (size_t i = 0; i < count; i++) {
        difference += (found[i] - expected[i]) * (found[i] - expected[i]);
        norm += expected[i] * expected[i];
    }
    const double error = norm > 0.0 ? sqrt(difference / norm) : sqrt(difference);
    return say(b, name, error, bound(b));
}

/* Squares of the estimated error and of the norm of one stored statistic, added up. */
static void compare_stat(const struct check_stat *s, const double *found, double *difference,
                         double *norm)
{
    double l2 = 0.0, chk = 0.0, head = 0.0;
    for (size_t i = 0; i < s->len; i++) {
        l2 += found[i] * found[i];
        chk += found[i] * recipe_uniform(12345, 0, i);
        head += i < s->heads ? (found[i] - s->head[i]) * (found[i] - s->head[i]) : 0.0;
    }
    const double d_l2 = sqrt(l2) - s->l2, d_chk = chk - s->chk;
    *difference += d_l2 * d_l2 + d_chk * d_chk + head;
    *norm += s->l2 * s->l2;
}

/* All statistics of one vector: the whole of it and its tensors. */
static enum status compare_stats(struct bench *b, const char *name, const double *whole,
                                 size_t count, const struct kernel_tensor *list, size_t tensors)
{
    double difference = 0.0, norm = 0.0;
    size_t used = 0;
    const size_t length = strlen(name);
    for (const struct check_stat *s = b->c->stats; s; s = s->next) {
        if (strncmp(s->name, name, length) != 0 ||
            (s->name[length] != '\0' && s->name[length] != '.')) {
            continue;
        }
        const double *from = s->name[length] == '\0' ? whole : NULL;
        size_t len = count;
        for (size_t i = 0; !from && i < tensors; i++) {
            if (strcmp(list[i].name, s->name + length + 1) == 0) {
                from = whole + list[i].offset;
                len = list[i].count;
            }
        }
        if (!from || len != s->len) {
            return at_line(b, s->line,
                           RAISE(b->err, ERR_INPUT,
                                 "statistic %s of %zu elements is not a tensor of this case",
                                 s->name, s->len));
        }
        compare_stat(s, from, &difference, &norm);
        used++;
    }
    const double error = sqrt(difference / (norm > 0.0 ? norm : 1.0));
    return used ? say(b, name, error, bound(b)) : STATUS_OK;
}

static enum status compare_input(struct bench *b, const char *name, const float *x, size_t count)
{
    double *copy = take(b, count, sizeof *copy);
    if (!copy) {
        return RAISE(b->err, ERR_MEMORY, "out of memory for case %s", b->c->name);
    }
    for (size_t i = 0; i < count; i++) {
        copy[i] = (double)x[i];
    }
    return compare_stats(b, name, copy, count, NULL, 0);
}

static enum status compare_full(struct bench *b)
{
    struct kernel_tensor theta[KERNEL_MAX_TENSORS], phi[KERNEL_MAX_TENSORS];
    const size_t n_theta = kernel_theta_tensors(&b->c->config, theta);
    const size_t n_phi = kernel_phi_tensors(&b->c->config, phi);
    enum status status = compare_input(b, "x_support", b->x_support, b->support * b->image);
    if (!status) {
        status = compare_input(b, "x_query", b->x_query, b->query * b->image);
    }
    if (!status) {
        status = compare_stats(b, "theta", b->theta, b->n_theta, theta, n_theta);
    }
    if (!status) {
        status = compare_stats(b, "theta_adapted", b->theta_adapted, b->n_theta, theta, n_theta);
    }
    if (!status) {
        status = compare_stats(b, "grad_theta", b->grad_theta, b->n_theta, theta, n_theta);
    }
    return status ? status : compare_stats(b, "grad_phi", b->grad_phi, b->n_phi, phi, n_phi);
}

/* ---------------------------------------------------------------- running */

static enum status run_single(struct bench *b)
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
        status = compare(b, list[i].name, list[i].found, list[i].count);
    }
    if (!status && b->c->has_correct && kernel_settings(b->k)->precision == KERNEL_FLOAT64) {
        const double found = (double)b->outcomes[0].query_correct;
        status = say(b, "query_correct", fabs(found - (double)b->c->query_correct), 0.0);
    }
    if (!status && find(b->c, "hvp", "f64")) {
        status = need(b, "hvp_v", "f64", b->n_theta, 8, b->hvp_v);
        if (!status) {
            status = kernel_hessian_vector(b->k, b->episodes, b->hvp_v, b->hvp, b->err);
        }
        if (!status) {
            status = compare(b, "hvp", b->hvp, b->n_theta);
        }
    }
    return !status && b->c->stats ? compare_full(b) : status;
}

static enum status run_outer(struct bench *b)
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
        status = compare(b, "support_loss", b->support_loss, b->tasks * steps);
    }
    if (!status) {
        status = compare(b, "query_loss", b->query_loss, b->tasks);
    }
    if (!status) {
        status = compare(b, "theta_after", b->theta, b->n_theta);
    }
    return status ? status : compare(b, "phi_after", b->phi, b->n_phi);
}

static enum status run_case(const char *folder, const char *index, const struct check_case *c,
                            enum kernel_precision precision, enum kernel_path path,
                            struct kernel_check *out, struct error *err)
{
    struct bench b = {.folder = folder, .index = index, .c = c, .out = out, .err = err};
    enum status status = prepare(&b, precision, path);
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
    }
    if (!status && run == 0) {
        status = RAISE(err, ERR_INPUT, "%s has no case %s", index, only);
    }
    arena_free(&arena);
    return status;
}
