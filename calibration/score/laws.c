/* Laws graded on rows they were not fitted to: see laws.h. A fold leaves out all rows with one
 * value of a column, so that configurations are held out, not rows. */
#include "calibration/laws.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static double number(const struct trace *t, enum trace_column c, size_t i)
{
    return t->number[c] != NULL ? t->number[c][i] : (double)NAN;
}

static const char *label(const struct trace *t, enum trace_column c, size_t i)
{
    return t->text[c] != NULL ? t->labels[t->text[c][i]] : "";
}

void law_grades_free(struct law_grades *g)
{
    free(g->list);
    *g = (struct law_grades){0};
}

static enum status add(struct law_grades *g, const struct law_grade *one, struct error *err)
{
    if (g->n == g->capacity) {
        const size_t more = 2 * g->capacity + 64;
        struct law_grade *const list = realloc(g->list, more * sizeof *list);
        if (list == NULL) {
            return RAISE(err, ERR_MEMORY, "no memory for %zu grades", more);
        }
        g->list = list;
        g->capacity = more;
    }
    g->list[g->n++] = *one;
    return STATUS_OK;
}

/* ---------------------------------------------------------------- rows at work */

/* Rows of a trace, in order; the law sees `train`, the grades are of `test`. */
struct rows {
    const struct trace *t;
    size_t *at;
    size_t n;
};

struct work {
    const struct law_options *o;
    struct rows train, test;
    struct law_grades *out;
    size_t fold;
};

/* A text that tells configurations apart, of the columns in `columns`. */
static uint64_t key_of(const struct trace *t, size_t i, const enum trace_column *columns, size_t n)
{
    uint64_t hash = HASH_SEED;
    for (size_t k = 0; k < n; k++) {
        const enum trace_column c = columns[k];
        if (trace_column_is_text(c)) {
            const char *const text = label(t, c, i);
            hash = hash_bytes(hash, text, strlen(text) + 1);
        } else {
            const double x = number(t, c, i) + 0.0;
            hash = hash_bytes(hash, &x, isnan(x) ? 1 : sizeof x);
        }
    }
    return hash;
}

static void name_of(const struct trace *t, size_t i, const enum trace_column *columns, size_t n,
                    char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t k = 0; k < n && used < size; k++) {
        const enum trace_column c = columns[k];
        char word[64] = "";
        if (trace_column_is_text(c)) {
            snprintf(word, sizeof word, "%.60s", label(t, c, i));
        } else if (!isnan(number(t, c, i))) {
            snprintf(word, sizeof word, "%.6g", number(t, c, i));
        }
        if (word[0] != '\0') {
            const int wrote = snprintf(out + used, size - used, "%s%s", used > 0 ? " " : "", word);
            used += wrote > 0 ? (size_t)wrote : 0;
        }
    }
}

struct keyed {
    uint64_t key;
    size_t row, order; /* order: of the first row of its key, once sorted out */
};

static int by_key(const void *a, const void *b)
{
    const struct keyed *const x = a;
    const struct keyed *const y = b;
    if (x->key != y->key) {
        return x->key < y->key ? -1 : 1;
    }
    return (x->row > y->row) - (x->row < y->row);
}

static int by_order(const void *a, const void *b)
{
    const struct keyed *const x = a;
    const struct keyed *const y = b;
    if (x->order != y->order) {
        return x->order < y->order ? -1 : 1;
    }
    return (x->row > y->row) - (x->row < y->row);
}

typedef enum status (*group_task)(struct work *w, const struct rows *group, struct error *err);

/* Do something with every group of rows of equal key, in the order of their first rows. */
static enum status each_group(struct work *w, const struct rows *r,
                              const enum trace_column *columns, size_t n_columns, group_task task,
                              struct error *err)
{
    struct keyed *const list = malloc((r->n + 1) * sizeof *list);
    size_t *const at = malloc((r->n + 1) * sizeof *at);
    if (list == NULL || at == NULL) {
        RAISE(err, ERR_MEMORY, "no memory for %zu rows", r->n);
    }
    for (size_t i = 0; err->code == STATUS_OK && i < r->n; i++) {
        list[i] = (struct keyed){key_of(r->t, r->at[i], columns, n_columns), r->at[i], 0};
    }
    if (err->code == STATUS_OK) {
        qsort(list, r->n, sizeof *list, by_key);
        for (size_t i = 0; i < r->n; i++) {
            list[i].order =
                i > 0 && list[i].key == list[i - 1].key ? list[i - 1].order : list[i].row;
        }
        qsort(list, r->n, sizeof *list, by_order);
    }
    for (size_t from = 0, to; from < r->n && err->code == STATUS_OK; from = to) {
        for (to = from; to < r->n && list[to].order == list[from].order; to++) {
            at[to - from] = list[to].row;
        }
        const struct rows group = {r->t, at, to - from};
        task(w, &group, err);
    }
    free(list);
    free(at);
    return err->code;
}

/* Values of a column for some rows; caller frees. */
static double *values_of(const struct rows *r, enum trace_column c, struct error *err)
{
    double *const x = malloc((r->n + 1) * sizeof *x);
    if (x == NULL) {
        RAISE(err, ERR_MEMORY, "no memory for %zu rows", r->n);
    }
    for (size_t i = 0; x != NULL && i < r->n; i++) {
        x[i] = number(r->t, c, r->at[i]);
    }
    return x;
}

/* Weighted quantiles of duration_s of some rows. */
static enum status quantiles_of(const struct rows *r, const double *probability, size_t n,
                                double *out, struct error *err)
{
    double *const x = values_of(r, TRACE_duration_s, err);
    double *const weight = values_of(r, TRACE_weight, err);
    double *sorted = NULL;
    double *sorted_weight = NULL;
    for (size_t i = 0; err->code == STATUS_OK && i < r->n; i++) {
        weight[i] = isnan(weight[i]) ? 1 : weight[i];
    }
    const struct sample s = {.value = x, .weight = weight, .n = r->n};
    if (err->code == STATUS_OK && sample_sort(&s, &sorted, &sorted_weight, err) == STATUS_OK) {
        const struct sample view = {.value = sorted, .weight = sorted_weight, .n = r->n};
        for (size_t k = 0; k < n; k++) {
            out[k] = sample_quantile(&view, probability[k]);
        }
    }
    free(x);
    free(weight);
    free(sorted);
    free(sorted_weight);
    return err->code;
}

static enum status put_grade(struct work *w, const struct rows *r, const enum trace_column *columns,
                             size_t n_columns, const char *statistic, double measured,
                             double predicted, double low, double high, struct error *err)
{
    struct law_grade g = {.statistic = statistic,
                          .rows = r->n,
                          .measured = measured,
                          .predicted = predicted,
                          .low = low,
                          .high = high,
                          .fold = w->fold};
    name_of(r->t, r->at[0], columns, n_columns, g.label, sizeof g.label);
    return measured > 0 && isfinite(predicted) ? add(w->out, &g, err) : STATUS_OK;
}

/* The training rows of the same subject as a test row; caller frees ->at. */
static const enum trace_column subject[] = {TRACE_service, TRACE_function, TRACE_op};
enum { SUBJECT = sizeof subject / sizeof subject[0] };

static enum status same_subject(const struct work *w, const struct rows *group, struct rows *out,
                                struct error *err)
{
    const uint64_t key = key_of(group->t, group->at[0], subject, SUBJECT);
    *out = (struct rows){w->train.t, malloc((w->train.n + 1) * sizeof *out->at), 0};
    if (out->at == NULL) {
        return RAISE(err, ERR_MEMORY, "no memory for %zu rows", w->train.n);
    }
    for (size_t i = 0; i < w->train.n; i++) {
        if (key_of(w->train.t, w->train.at[i], subject, SUBJECT) == key) {
            out->at[out->n++] = w->train.at[i];
        }
    }
    return STATUS_OK;
}

/* A law that cannot be fitted without the rows held out is no failure of the command. */
static enum status skip(struct work *w, struct error *err)
{
    if (err->code == ERR_INPUT || err->code == ERR_NUMERIC) {
        w->out->skipped++;
        *err = (struct error){0};
    }
    return err->code;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* ---------------------------------------------------------------- store */

static const enum trace_column store_key[] = {TRACE_service, TRACE_function, TRACE_op, TRACE_run};

/* Quantiles of every run of the subject, as logarithms; the median run is the typical one. */
struct run_quantiles {
    struct work base;
    double *log[2];
    size_t n;
};

static const double store_shares[] = {0.5, 0.99};

static enum status see_run(struct work *w, const struct rows *group, struct error *err)
{
    struct run_quantiles *const q = (struct run_quantiles *)(void *)w;
    double both[2];
    if (quantiles_of(group, store_shares, 2, both, err) == STATUS_OK) {
        q->log[0][q->n] = log(both[0]);
        q->log[1][q->n++] = log(both[1]);
    }
    return err->code;
}

/* What a new run's quantile will be: the median over the runs, and the t interval of one more run.
 * The tail has a level of its own: runs with a low median may have a long tail. */
static void typical_run(double *log_quantile, size_t n, double *value, double *low, double *high)
{
    double mean = 0;
    double squares = 0;
    for (size_t i = 0; i < n; i++) {
        mean += log_quantile[i] / (double)n;
    }
    for (size_t i = 0; i < n; i++) {
        squares += (log_quantile[i] - mean) * (log_quantile[i] - mean);
    }
    qsort(log_quantile, n, sizeof *log_quantile, ascending);
    *value = exp(sample_quantile(&(struct sample){.value = log_quantile, .n = n}, 0.5));
    *low = *high = NAN;
    if (n >= 2) {
        const double freedom = (double)n - 1;
        const double reach =
            gsl_cdf_tdist_Pinv(0.95, freedom) * sqrt(squares / freedom * (1 + 1 / (double)n));
        *low = exp(mean - reach);
        *high = exp(mean + reach);
    }
}

static enum status grade_run(struct work *w, const struct rows *group, struct error *err)
{
    static const char *const words[] = {"p50", "p99"};
    double measured[2];
    struct rows train;
    struct run_quantiles q = {.base = *w};
    double *block = NULL;
    if (same_subject(w, group, &train, err) == STATUS_OK) {
        block = malloc(2 * (train.n + 1) * sizeof *block);
        q.log[0] = block;
        q.log[1] = block != NULL ? block + train.n + 1 : NULL;
        if (block == NULL) {
            RAISE(err, ERR_MEMORY, "no memory for %zu rows", train.n);
        } else if (quantiles_of(group, store_shares, 2, measured, err) == STATUS_OK) {
            each_group(&q.base, &train, store_key, 4, see_run, err);
        }
    }
    for (size_t k = 0; k < 2 && err->code == STATUS_OK && q.n > 0; k++) {
        double typical;
        double low;
        double high;
        typical_run(q.log[k], q.n, &typical, &low, &high);
        put_grade(w, group, store_key, 4, words[k], measured[k], typical, low, high, err);
    }
    w->out->skipped += q.n == 0 ? 1 : 0;
    free(train.at);
    free(block);
    return skip(w, err);
}

/* ---------------------------------------------------------------- bandwidth */

static const enum trace_column link_key[] = {TRACE_service,    TRACE_function,   TRACE_op,
                                             TRACE_memory_mib, TRACE_size_bytes, TRACE_concurrency};

static enum status grade_size(struct work *w, const struct rows *group, struct error *err)
{
    static const double half[] = {0.5};
    double measured = NAN;
    struct rows train;
    struct transfer_law law;
    double *size = NULL;
    double *time = NULL;
    double *memory = NULL;
    if (same_subject(w, group, &train, err) == STATUS_OK &&
        quantiles_of(group, half, 1, &measured, err) == STATUS_OK) {
        size = values_of(&train, TRACE_size_bytes, err);
        time = values_of(&train, TRACE_duration_s, err);
        memory = values_of(&train, TRACE_memory_mib, err);
    }
    bool by_memory = train.n > 0;
    for (size_t i = 0; err->code == STATUS_OK && i < train.n; i++) {
        by_memory = by_memory && !isnan(memory[i]);
    }
    if (err->code == STATUS_OK && transfer_fit(train.n, size, time, by_memory ? memory : NULL,
                                               w->o->latency_s, &law, err) == STATUS_OK) {
        const double mib = number(group->t, TRACE_memory_mib, group->at[0]);
        const double bytes = number(group->t, TRACE_size_bytes, group->at[0]);
        const double share =
            law.full_mib.value > 0 && mib < law.full_mib.value ? mib / law.full_mib.value : 1;
        put_grade(w, group, link_key, 6, "p50", measured,
                  law.latency_s.value + bytes / (law.bytes_per_s.value * share), NAN, NAN, err);
    }
    free(train.at);
    free(size);
    free(time);
    free(memory);
    return skip(w, err);
}

/* ---------------------------------------------------------------- memory */

static const enum trace_column memory_key[] = {TRACE_service, TRACE_function, TRACE_op,
                                               TRACE_memory_mib};

static enum status grade_memory(struct work *w, const struct rows *group, struct error *err)
{
    static const double mib_per_vcpu = 1769; /* AWS Lambda developer guide, function memory */
    static const double half[] = {0.5};
    double measured = NAN;
    struct rows train;
    struct memory_law law;
    double *time = NULL;
    double *memory = NULL;
    if (same_subject(w, group, &train, err) == STATUS_OK &&
        quantiles_of(group, half, 1, &measured, err) == STATUS_OK) {
        time = values_of(&train, TRACE_duration_s, err);
        memory = values_of(&train, TRACE_memory_mib, err);
    }
    if (err->code == STATUS_OK && memory_law_fit(train.n, memory, time, mib_per_vcpu,
                                                 w->o->cap_vcpu, &law, err) == STATUS_OK) {
        const double vcpus = number(group->t, TRACE_memory_mib, group->at[0]) / mib_per_vcpu;
        const double cap = isnan(law.cap_vcpu.value) ? HUGE_VAL : law.cap_vcpu.value;
        put_grade(w, group, memory_key, 4, "p50", measured,
                  law.fixed_s.value + law.work_s.value / fmin(vcpus, cap), NAN, NAN, err);
    }
    free(train.at);
    free(time);
    free(memory);
    return skip(w, err);
}

/* ---------------------------------------------------------------- start-up */

static const enum trace_column burst_key[] = {TRACE_function, TRACE_memory_mib, TRACE_run};

/* A copy of some rows as a trace of its own, sharing the labels. */
static enum status trace_of(const struct rows *r, struct trace *out, struct error *err)
{
    *out = (struct trace){.n = r->n, .labels = r->t->labels, .n_labels = r->t->n_labels};
    snprintf(out->path, sizeof out->path, "%s", r->t->path);
    for (size_t c = 0; c < TRACE_COLUMNS && err->code == STATUS_OK; c++) {
        if (r->t->number[c] != NULL) {
            out->number[c] = values_of(r, (enum trace_column)c, err);
        }
        if (r->t->text[c] != NULL) {
            out->text[c] = malloc((r->n + 1) * sizeof *out->text[c]);
            if (out->text[c] == NULL) {
                return RAISE(err, ERR_MEMORY, "no memory for %zu rows", r->n);
            }
            for (size_t i = 0; i < r->n; i++) {
                out->text[c][i] = r->t->text[c][r->at[i]];
            }
        }
    }
    return err->code;
}

static void free_copy(struct trace *t)
{
    for (size_t c = 0; c < TRACE_COLUMNS; c++) {
        free(t->number[c]);
        free(t->text[c]);
    }
}

/* Largest burst of the same function and memory before this row. */
static double pool_before(const struct trace *t, size_t first)
{
    double pool = 0;
    for (size_t i = 0; i < first; i++) {
        if (strcmp(label(t, TRACE_function, i), label(t, TRACE_function, first)) == 0 &&
            !(number(t, TRACE_memory_mib, i) != number(t, TRACE_memory_mib, first))) {
            pool = fmax(pool, number(t, TRACE_concurrency, i));
        }
    }
    return pool;
}

static enum status grade_mode(struct work *w, const struct rows *group, const struct start_mode *m,
                              double *delay, size_t n, const char *const words[2],
                              struct error *err)
{
    static const double shares[] = {0.5, 0.9};
    enum { LEAST = 5 }; /* a median of fewer says little */
    const struct sample law = {.value = m->quantile, .n = EMPIRICAL_QUANTILES};
    const struct sample own = {.value = delay, .n = n};
    qsort(delay, n, sizeof *delay, ascending);
    for (size_t k = 0; k < 2 && n >= LEAST && m->n > 0 && err->code == STATUS_OK; k++) {
        const double typical = sample_quantile(&law, shares[k]);
        const bool effect = m->effect.runs >= 2;
        put_grade(w, group, burst_key, 3, words[k], sample_quantile(&own, shares[k]), typical,
                  effect ? typical * m->effect.low : (double)NAN,
                  effect ? typical * m->effect.high : (double)NAN, err);
    }
    return err->code;
}

struct start_work {
    struct work base;
    struct start_law law;
};

static enum status grade_burst(struct work *w, const struct rows *group, struct error *err)
{
    const struct start_law *const law = &((const struct start_work *)(const void *)w)->law;
    static const char *const cold_words[] = {"cold p50", "cold p90"};
    static const char *const warm_words[] = {"warm p50", "warm p90"};
    const bool handler = group->t->number[TRACE_submit_s] != NULL;
    double *const delay = malloc(2 * (group->n + 1) * sizeof *delay);
    double *const warm = delay + group->n + 1;
    size_t n_cold = 0;
    size_t n_warm = 0;
    if (delay == NULL) {
        return RAISE(err, ERR_MEMORY, "no memory for %zu rows", group->n);
    }
    /* Between the modes: the geometric mean of their medians. */
    const double limit = law->cold.n > 0 && law->warm.n > 0
                             ? sqrt(law->cold.quantile[50] * law->warm.quantile[50])
                         : law->cold.n > 0 ? 0
                                           : HUGE_VAL;
    for (size_t i = 0; i < group->n; i++) {
        const size_t row = group->at[i];
        const double took =
            handler ? number(group->t, TRACE_start_s, row) - number(group->t, TRACE_submit_s, row)
                    : number(group->t, TRACE_init_s, row);
        const double cold = number(group->t, TRACE_cold, row);
        if (isnan(cold) ? took > limit : cold > 0) {
            delay[n_cold++] = took;
        } else {
            warm[n_warm++] = took;
        }
    }
    const double n = (double)group->n;
    const double pool = pool_before(group->t, group->at[0]);
    grade_mode(w, group, &law->cold, delay, n_cold, cold_words, err);
    grade_mode(w, group, &law->warm, warm, n_warm, warm_words, err);
    if (err->code == STATUS_OK && law->cold.n > 0 && law->warm.n > 0 && pool > 0) {
        put_grade(w, group, burst_key, 3, "cold starts", (double)n_cold, fmax(0, n - pool), NAN,
                  NAN, err);
    }
    free(delay);
    return err->code;
}

static enum status grade_starts(struct work *base, struct error *err)
{
    struct start_work w = {.base = *base};
    struct trace train;
    if (trace_of(&base->train, &train, err) == STATUS_OK &&
        start_fit(&train, 1u << FAMILY_EMPIRICAL, &w.law, err) == STATUS_OK) {
        each_group(&w.base, &base->test, burst_key, 3, grade_burst, err);
    }
    free_copy(&train);
    return skip(base, err);
}

/* ---------------------------------------------------------------- billing */

static const enum trace_column bill_key[] = {TRACE_service, TRACE_function, TRACE_op,
                                             TRACE_memory_mib, TRACE_cold};

struct bill_rule {
    double step_s;
    bool with_init;
};

static double bill(const struct trace *t, size_t i, struct bill_rule rule)
{
    const double init = number(t, TRACE_init_s, i);
    const double restore = number(t, TRACE_billed_restore_s, i);
    const double used = number(t, TRACE_duration_s, i) + (rule.with_init && init > 0 ? init : 0);
    return rule.step_s * ceil(used / rule.step_s - 1e-6) + (restore > 0 ? restore : 0);
}

/* 0 exact, 1 one step more, -1 neither. */
static int agrees(const struct trace *t, size_t i, struct bill_rule rule)
{
    const double off = (number(t, TRACE_billed_s, i) - bill(t, i, rule)) / rule.step_s;
    return fabs(off) < 1e-3 ? 0 : fabs(off - 1) < 1e-3 ? 1 : -1;
}

static enum status grade_bills(struct work *w, const struct rows *group, struct error *err)
{
    static const struct bill_rule rules[] = {
        {0.001, false}, {0.001, true}, {0.1, false}, {0.1, true}};
    struct rows train;
    size_t best = 0;
    size_t most = 0;
    if (same_subject(w, group, &train, err) != STATUS_OK) {
        return err->code;
    }
    for (size_t k = 0; k < sizeof rules / sizeof rules[0]; k++) {
        size_t agree = 0;
        for (size_t i = 0; i < train.n; i++) {
            agree += agrees(train.t, train.at[i], rules[k]) >= 0 ? 1 : 0;
        }
        best = agree > most ? k : best;
        most = agree > most ? agree : most;
    }
    size_t exact = 0;
    size_t more = 0;
    for (size_t i = 0; i < group->n; i++) {
        const int off = agrees(group->t, group->at[i], rules[best]);
        exact += off == 0 ? 1 : 0;
        more += off == 1 ? 1 : 0;
    }
    free(train.at);
    /* Graded is the share that the rule gives; the first is what it should be. */
    static const char *const words[] = {"billed, 1 ms steps", "billed with init, 1 ms steps",
                                        "billed, 100 ms steps", "billed with init, 100 ms steps"};
    put_grade(w, group, bill_key, 5, words[best], 1, (double)(exact + more) / (double)group->n,
              (double)exact / (double)group->n, NAN, err);
    return err->code;
}

/* ---------------------------------------------------------------- folds */

struct law_task {
    const char *what;
    const enum trace_column *columns;
    size_t n_columns;
    group_task task; /* NULL: start-up, whose law all bursts share */
    enum trace_column needs;
};
static const struct law_task tasks[] = {
    {"store", store_key, 4, grade_run, TRACE_duration_s},
    {"bandwidth", link_key, 6, grade_size, TRACE_size_bytes},
    {"compute-memory", memory_key, 4, grade_memory, TRACE_memory_mib},
    {"start", burst_key, 3, NULL, TRACE_run},
    {"billing", bill_key, 5, grade_bills, TRACE_billed_s},
};
enum { TASKS = sizeof tasks / sizeof tasks[0] };

static bool has_column(const struct trace *t, enum trace_column c)
{
    return trace_column_is_text(c) ? t->text[c] != NULL : t->number[c] != NULL;
}

static enum status grade_fold(struct work *w, const struct law_task *task, struct error *err)
{
    if (w->test.n == 0 || w->train.n == 0) {
        return STATUS_OK;
    }
    return task->task == NULL
               ? grade_starts(w, err)
               : each_group(w, &w->test, task->columns, task->n_columns, task->task, err);
}

/* One fold for each value of the column: `all` sorted by it. */
static enum status grade_folds(struct work *w, const struct law_task *task,
                               enum trace_column column, struct error *err)
{
    const struct trace *const t = w->train.t;
    uint64_t *const key = malloc((t->n + 1) * sizeof *key);
    bool *const done = calloc(t->n + 1, sizeof *done);
    if (key == NULL || done == NULL) {
        RAISE(err, ERR_MEMORY, "no memory for %zu rows", t->n);
    }
    for (size_t i = 0; err->code == STATUS_OK && i < t->n; i++) {
        key[i] = key_of(t, i, &column, 1);
    }
    for (size_t first = 0; first < t->n && err->code == STATUS_OK; first++) {
        char value[64];
        name_of(t, first, &column, 1, value, sizeof value);
        if (done[first] || (w->o->hold_value != NULL && strcmp(value, w->o->hold_value) != 0)) {
            continue;
        }
        w->train.n = w->test.n = 0;
        for (size_t i = 0; i < t->n; i++) {
            if (key[i] == key[first]) {
                done[i] = true;
                w->test.at[w->test.n++] = i;
            } else {
                w->train.at[w->train.n++] = i;
            }
        }
        grade_fold(w, task, err);
        w->fold++;
    }
    free(key);
    free(done);
    return err->code;
}

enum status law_grade_trace(const struct trace *t, const struct law_options *o,
                            struct law_grades *out, struct error *err)
{
    const struct trace *const other = o->against != NULL ? o->against : t;
    const struct law_task *task = NULL;
    const char *names[TASKS];
    *out = (struct law_grades){0};
    for (size_t i = 0; i < TASKS; i++) {
        names[i] = tasks[i].what;
        task = strcmp(o->what, names[i]) == 0 ? &tasks[i] : task;
    }
    if (task == NULL) {
        const char *const near = nearest_name(o->what, names, TASKS);
        return RAISE(err, ERR_USAGE,
                     "'%s' is not graded: expected store, bandwidth, compute-memory, start or "
                     "billing%s%s%s",
                     o->what, near != NULL ? "; did you mean '" : "", near != NULL ? near : "",
                     near != NULL ? "'?" : "");
    }
    const enum trace_column column =
        o->hold_out != NULL ? trace_column_find(o->hold_out) : TRACE_run;
    if (column == TRACE_COLUMNS || (o->hold_out != NULL && !has_column(t, column))) {
        return RAISE(err, ERR_INPUT, "%s has no column %s", t->path, o->hold_out);
    }
    if (!has_column(t, task->needs) || !has_column(other, task->needs)) {
        return RAISE(err, ERR_INPUT, "%s: %s needs the column %s",
                     has_column(t, task->needs) ? other->path : t->path, o->what,
                     trace_column_name(task->needs));
    }
    struct work w = {.o = o,
                     .out = out,
                     .train = {t, malloc((t->n + 1) * sizeof(size_t)), 0},
                     .test = {other, malloc((other->n + 1) * sizeof(size_t)), 0}};
    if (w.train.at == NULL || w.test.at == NULL) {
        RAISE(err, ERR_MEMORY, "no memory for %zu rows", t->n);
    } else if (o->hold_out != NULL && o->against == NULL) {
        grade_folds(&w, task, column, err);
    } else {
        for (; w.train.n < t->n; w.train.n++) {
            w.train.at[w.train.n] = w.train.n;
        }
        for (; w.test.n < other->n; w.test.n++) {
            w.test.at[w.test.n] = w.test.n;
        }
        grade_fold(&w, task, err);
    }
    free(w.train.at);
    free(w.test.at);
    if (err->code == STATUS_OK && out->n == 0) {
        RAISE(err, ERR_INPUT, "%s: nothing could be predicted%s", t->path,
              out->skipped > 0 ? ": too few rows are left to fit without those held out" : "");
    }
    return err->code;
}
