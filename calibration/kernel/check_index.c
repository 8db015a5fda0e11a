/* Reads index.txt: blocks of `case NAME`, `cfg key value`, `len vector n`, `lay vector tensor
 * offset ndim dims`, `bin name type ndim dims path`, `num name value`, `stat name len sum l1 l2 chk
 * nhead values`, `end`. The layout lines are compared with the kernel's own tensors, so that a
 * disagreement about the order of parameters is an error and not a large number. */
#include "calibration/kernel/check_index.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_FIELDS = 64, INDEX_LIMIT = 64 << 20 };

struct reader {
    struct arena *arena;
    const char *path;
    unsigned line;
    char *field[MAX_FIELDS];
    size_t fields;
    struct check_case *at; /* open case, or NULL */
    struct kernel_tensor theta[KERNEL_MAX_TENSORS], phi[KERNEL_MAX_TENSORS];
    size_t n_theta, n_phi, seen_theta, seen_phi;
    bool tensors_known;
    struct error *err;
};

static enum status placed(struct reader *r, enum status status)
{
    snprintf(r->err->file, sizeof r->err->file, "%s", r->path);
    r->err->line = r->line;
    return status;
}

#define FAIL(r, ...) placed((r), RAISE((r)->err, ERR_INPUT, __VA_ARGS__))

static enum status read_number(struct reader *r, const char *text, double *out)
{
    char *end;
    errno = 0;
    *out = strtod(text, &end);
    if (end == text || *end != '\0' || !isfinite(*out)) {
        return FAIL(r, "found '%s', expected a finite number", text);
    }
    return STATUS_OK;
}

static enum status read_count(struct reader *r, const char *text, size_t *out)
{
    double value;
    const enum status status = read_number(r, text, &value);
    if (status) {
        return status;
    }
    if (value < 0 || value > 1e12 || value != floor(value)) {
        return FAIL(r, "found '%s', expected a whole number of 0 or more", text);
    }
    *out = (size_t)value;
    return STATUS_OK;
}

/* ---------------------------------------------------------------- cfg */

static const char *const keys[] = {
    "algo",     "cin",   "hw",           "hidden",      "layers", "pool",
    "slope",    "ways",  "shots",        "queries",     "steps",  "lr",
    "inner_bn", "joint", "second_order", "theta_fixed", "tasks",  "outer_iters",
    "outer_lr", "full",  "seed",         "a0",          "feat",   "M"};

static enum status read_config(struct reader *r)
{
    struct check_case *c = r->at;
    struct kernel_config *k = &c->config;
    if (r->fields != 3) {
        return FAIL(r, "found %zu fields, expected 'cfg key value'", r->fields);
    }
    const char *key = r->field[1], *value = r->field[2];
    size_t flags[5] = {!k->freeze_bn, k->joint, !k->first_order, k->fixed_theta, c->full};
    size_t pool = k->pool, seed = c->seed;
    const struct {
        const char *key;
        size_t *count;
        double *number;
        size_t most;
    } table[] = {
        {"cin", &k->channels, NULL, 1 << 20},
        {"hw", &k->size, NULL, 1 << 20},
        {"hidden", &k->hidden, NULL, 1 << 20},
        {"layers", &k->layers, NULL, 1 << 20},
        {"pool", &pool, NULL, 1},
        {"slope", NULL, &k->slope, 0},
        {"ways", &k->ways, NULL, 1 << 20},
        {"shots", &k->shots, NULL, 1 << 20},
        {"queries", &k->queries, NULL, 1 << 20},
        {"steps", &k->steps, NULL, 1 << 20},
        {"lr", NULL, &k->inner_rate, 0},
        {"inner_bn", &flags[0], NULL, 1},
        {"joint", &flags[1], NULL, 1},
        {"second_order", &flags[2], NULL, 1},
        {"theta_fixed", &flags[3], NULL, 1},
        {"tasks", &c->tasks, NULL, 1 << 20},
        {"outer_iters", &c->outer_iters, NULL, 1 << 20},
        {"outer_lr", NULL, &k->outer_rate, 0},
        {"full", &flags[4], NULL, 1},
        {"seed", &seed, NULL, SIZE_MAX},
        {"a0", NULL, &c->a0, 0},
        {"feat", &c->features, NULL, SIZE_MAX},
        {"M", &c->inners, NULL, SIZE_MAX},
    };
    if (strcmp(key, "algo") == 0) {
        const enum status status = kernel_algorithm_from_name(value, &k->algorithm, r->err);
        return status ? placed(r, status) : STATUS_OK;
    }
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (strcmp(key, table[i].key) != 0) {
            continue;
        }
        const enum status status = table[i].number ? read_number(r, value, table[i].number)
                                                   : read_count(r, value, table[i].count);
        if (status) {
            return status;
        }
        if (table[i].count && *table[i].count > table[i].most) {
            return FAIL(r, "%s is %s, expected at most %zu", key, value, table[i].most);
        }
        k->pool = pool == 1;
        k->freeze_bn = flags[0] == 0;
        k->joint = flags[1] == 1;
        k->first_order = flags[2] == 0;
        k->fixed_theta = flags[3] == 1;
        c->full = flags[4] == 1;
        c->seed = seed;
        return STATUS_OK;
    }
    const char *near = nearest_name(key, keys, sizeof keys / sizeof *keys);
    return FAIL(r, "unknown configuration key '%s'%s%s%s", key, near ? "; did you mean '" : "",
                near ? near : "", near ? "'?" : "");
}

/* ---------------------------------------------------------------- layout */

static void know_tensors(struct reader *r)
{
    if (!r->tensors_known) {
        r->n_theta = kernel_theta_tensors(&r->at->config, r->theta);
        r->n_phi = kernel_phi_tensors(&r->at->config, r->phi);
        r->tensors_known = true;
    }
}

/* lay theta|phi tensor offset ndim dims */
static enum status read_layout(struct reader *r)
{
    know_tensors(r);
    if (r->fields < 5) {
        return FAIL(r, "found %zu fields, expected 'lay vector tensor offset ndim dims'",
                    r->fields);
    }
    const bool theta = strcmp(r->field[1], "theta") == 0;
    if (!theta && strcmp(r->field[1], "phi") != 0) {
        return FAIL(r, "layout of '%s', expected theta or phi", r->field[1]);
    }
    size_t *seen = theta ? &r->seen_theta : &r->seen_phi;
    if (*seen >= (theta ? r->n_theta : r->n_phi)) {
        return FAIL(r, "tensor %s is one more than this configuration has in %s", r->field[2],
                    r->field[1]);
    }
    const struct kernel_tensor *t = &(theta ? r->theta : r->phi)[(*seen)++];
    size_t offset, n_dims;
    enum status status = read_count(r, r->field[3], &offset);
    if (!status) {
        status = read_count(r, r->field[4], &n_dims);
    }
    if (status) {
        return status;
    }
    bool same = strcmp(r->field[2], t->name) == 0 && offset == t->offset && n_dims == t->n_dims &&
                r->fields == 5 + n_dims;
    for (size_t d = 0; same && d < n_dims; d++) {
        size_t dim;
        status = read_count(r, r->field[5 + d], &dim);
        if (status) {
            return status;
        }
        same = dim == t->dims[d];
    }
    if (!same) {
        return FAIL(r, "tensor %s of %s at %s, expected %s at %zu with %zu elements", r->field[2],
                    r->field[1], r->field[3], t->name, t->offset, t->count);
    }
    return STATUS_OK;
}

/* ---------------------------------------------------------------- arrays and statistics */

static const char *keep(struct reader *r, const char *text)
{
    return arena_copy(r->arena, text, strlen(text));
}

/* bin name type ndim dims path */
static enum status read_array(struct reader *r)
{
    size_t n_dims = 0;
    if (r->fields < 5) {
        return FAIL(r, "found %zu fields, expected 'bin name type ndim dims path'", r->fields);
    }
    enum status status = read_count(r, r->field[3], &n_dims);
    if (status) {
        return status;
    }
    if (n_dims > CHECK_DIMS || r->fields != 5 + n_dims) {
        return FAIL(r, "found %zu fields, expected %zu dimensions (at most %d) and a path",
                    r->fields, n_dims, CHECK_DIMS);
    }
    struct check_array *a = arena_alloc(r->arena, sizeof *a);
    if (!a || !(a->name = keep(r, r->field[1])) || !(a->type = keep(r, r->field[2])) ||
        !(a->path = keep(r, r->field[4 + n_dims]))) {
        return RAISE(r->err, ERR_MEMORY, "out of memory reading %s", r->path);
    }
    a->line = r->line;
    a->count = 1;
    for (size_t d = 0; d < n_dims; d++) {
        size_t dim;
        status = read_count(r, r->field[4 + d], &dim);
        if (status) {
            return status;
        }
        if (dim != 0 && a->count > ((size_t)1 << 40) / dim) {
            return FAIL(r, "array %s is larger than any case needs", a->name);
        }
        a->count *= dim;
    }
    a->next = r->at->arrays;
    r->at->arrays = a;
    return STATUS_OK;
}

/* stat name len sum l1 l2 chk nhead values */
static enum status read_stat(struct reader *r)
{
    struct check_stat *s = arena_alloc(r->arena, sizeof *s);
    if (!s || (r->fields > 1 && !(s->name = keep(r, r->field[1])))) {
        return RAISE(r->err, ERR_MEMORY, "out of memory reading %s", r->path);
    }
    if (r->fields < 8) {
        return FAIL(r, "found %zu fields, expected 'stat name len sum l1 l2 chk nhead values'",
                    r->fields);
    }
    double *const numbers[] = {&s->sum, &s->l1, &s->l2, &s->chk};
    enum status status = read_count(r, r->field[2], &s->len);
    for (size_t i = 0; !status && i < 4; i++) {
        status = read_number(r, r->field[3 + i], numbers[i]);
    }
    if (!status) {
        status = read_count(r, r->field[7], &s->heads);
    }
    if (!status && (s->heads > CHECK_HEAD || s->heads > s->len || r->fields != 8 + s->heads)) {
        status = FAIL(r, "found %zu fields, expected %zu first values (at most %d)", r->fields,
                      s->heads, CHECK_HEAD);
    }
    for (size_t i = 0; !status && i < s->heads; i++) {
        status = read_number(r, r->field[8 + i], &s->head[i]);
    }
    s->line = r->line;
    s->next = r->at->stats;
    r->at->stats = s;
    return status;
}

static enum status read_length(struct reader *r)
{
    if (r->fields != 3) {
        return FAIL(r, "found %zu fields, expected 'len vector n'", r->fields);
    }
    const bool theta = strcmp(r->field[1], "theta") == 0;
    if (!theta && strcmp(r->field[1], "phi") != 0) {
        return FAIL(r, "length of '%s', expected theta or phi", r->field[1]);
    }
    return read_count(r, r->field[2], theta ? &r->at->theta_len : &r->at->phi_len);
}

static enum status read_num(struct reader *r)
{
    if (r->fields != 3) {
        return FAIL(r, "found %zu fields, expected 'num name value'", r->fields);
    }
    if (strcmp(r->field[1], "query_correct") != 0) {
        return STATUS_OK; /* figures about the oracle itself */
    }
    r->at->has_correct = true;
    return read_count(r, r->field[2], &r->at->query_correct);
}

/* ---------------------------------------------------------------- cases */

static enum status open_case(struct reader *r, struct check_case ***tail)
{
    if (r->fields != 2) {
        return FAIL(r, "found %zu fields, expected 'case name'", r->fields);
    }
    if (r->at) {
        return FAIL(r, "case %s starts before 'end' of case %s", r->field[1], r->at->name);
    }
    struct check_case *c = arena_alloc(r->arena, sizeof *c);
    if (!c || !(c->name = keep(r, r->field[1]))) {
        return RAISE(r->err, ERR_MEMORY, "out of memory reading %s", r->path);
    }
    c->line = r->line;
    c->tasks = 1;
    c->config.meta_batch = 1;
    r->tensors_known = false;
    r->seen_theta = r->seen_phi = 0;
    r->at = **tail = c;
    *tail = &c->next;
    return STATUS_OK;
}

static enum status close_case(struct reader *r)
{
    struct check_case *c = r->at;
    c->config.meta_batch = c->tasks;
    know_tensors(r);
    if (r->n_theta == 0) { /* let the kernel say what is wrong */
        struct kernel_memory memory;
        return placed(r, kernel_memory_bytes(&c->config, &memory, r->err));
    }
    const struct kernel_tensor *last = &r->theta[r->n_theta - 1];
    const size_t theta = last->offset + last->count;
    const size_t phi = r->n_phi ? r->phi[r->n_phi - 1].offset + r->phi[r->n_phi - 1].count : 0;
    if (c->theta_len != theta || c->phi_len != phi || r->seen_theta != r->n_theta ||
        r->seen_phi != r->n_phi) {
        return FAIL(r,
                    "case %s: theta has %zu elements in %zu tensors and phi %zu in %zu, expected "
                    "%zu in %zu and %zu in %zu for its configuration",
                    c->name, c->theta_len, r->seen_theta, c->phi_len, r->seen_phi, theta,
                    r->n_theta, phi, r->n_phi);
    }
    const size_t features = r->theta[r->n_theta - 2].dims[1];
    if (c->features != 0 && c->features != features) {
        return FAIL(r, "case %s: feat is %zu, expected %zu for its configuration", c->name,
                    c->features, features);
    }
    r->at = NULL;
    return STATUS_OK;
}

static enum status read_line(struct reader *r, struct check_case ***tail)
{
    static const struct {
        const char *word;
        enum status (*read)(struct reader *);
    } words[] = {
        {"cfg", read_config}, {"len", read_length}, {"lay", read_layout}, {"bin", read_array},
        {"num", read_num},    {"stat", read_stat},  {"end", close_case},
    };
    const char *word = r->field[0];
    if (strcmp(word, "case") == 0) {
        return open_case(r, tail);
    }
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(word, words[i].word) == 0) {
            return r->at ? words[i].read(r) : FAIL(r, "'%s' outside a case", word);
        }
    }
    return FAIL(r, "found '%s', expected case, cfg, len, lay, bin, num, stat or end", word);
}

enum status check_index_read(struct arena *arena, const char *path, struct check_case **out,
                             struct error *err)
{
    char *text;
    size_t size;
    enum status status = file_read(path, INDEX_LIMIT, &text, &size, err);
    if (status) {
        return status;
    }
    struct reader r = {.arena = arena, .path = path, .err = err};
    struct check_case **tail = out;
    *out = NULL;
    char *rest = text;
    while (!status && *rest) {
        char *line = rest;
        rest += strcspn(rest, "\n");
        if (*rest) {
            *rest++ = '\0';
        }
        r.line++;
        r.fields = 0;
        char *saved = NULL;
        for (char *f = strtok_r(line, " \t\r", &saved); f; f = strtok_r(NULL, " \t\r", &saved)) {
            if (r.fields == MAX_FIELDS) {
                status = FAIL(&r, "more than %d fields on one line", MAX_FIELDS);
                break;
            }
            r.field[r.fields++] = f;
        }
        if (!status && r.fields > 0) {
            status = read_line(&r, &tail);
        }
    }
    if (!status && r.at) {
        status = FAIL(&r, "the file ends inside case %s", r.at->name);
    }
    if (!status && !*out) {
        status = FAIL(&r, "no case in this index");
    }
    free(text);
    return status;
}
