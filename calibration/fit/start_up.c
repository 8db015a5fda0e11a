/* Start-up of bursts: cold and warm apart, how it grows with the burst, and what the pool of warm
 * sandboxes left behind explains.
 *
 * A burst of N functions finds as many sandboxes warm as the largest burst before it left (all of
 * them within the keep-alive time), so the share of warm starts is no property of the platform:
 * fitting one mixture to all bursts would predict none of them.
 */
#include "calibration/fit.h"
#include "calibration/fit/sample.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct burst {
    uint32_t run, function;
    double memory, first_submit, last_submit, concurrency;
    size_t n, cold, unknown;
};

struct bursts {
    struct burst *at;
    size_t n, rows; /* rows: with a delay */
    uint32_t *of_row;
    double *delay, *known; /* by row, NaN where none is told; those that are, in order */
    uint32_t *buckets;     /* hash table of bursts: index + 1, 0 is free */
    size_t n_buckets;
};

static double number(const struct trace *t, enum trace_column c, size_t i)
{
    return t->number[c] != NULL ? t->number[c][i] : (double)NAN;
}

static uint32_t label(const struct trace *t, enum trace_column c, size_t i)
{
    return t->text[c] != NULL ? t->text[c][i] : 0;
}

/* The burst of a run, a function and a memory size, new or old; there is room for one per row. */
static size_t find_burst(struct bursts *b, uint32_t run, uint32_t function, double memory)
{
    const double key[] = {run, function, isnan(memory) ? -1 : memory};
    size_t slot = hash_bytes(HASH_SEED, key, sizeof key) & (b->n_buckets - 1);
    for (; b->buckets[slot] != 0; slot = (slot + 1) & (b->n_buckets - 1)) {
        const struct burst *const old = &b->at[b->buckets[slot] - 1];
        if (old->run == run && old->function == function && old->memory == key[2]) {
            return b->buckets[slot] - 1;
        }
    }
    b->at[b->n] = (struct burst){.run = run,
                                 .function = function,
                                 .memory = key[2],
                                 .first_submit = HUGE_VAL,
                                 .last_submit = -HUGE_VAL};
    b->buckets[slot] = (uint32_t)b->n + 1;
    return b->n++;
}

/* Rows without a start (warm invocations of a log that tells initialisations only) stay out: their
 * delay is NaN. */
static enum status collect(const struct trace *t, struct bursts *b, struct error *err)
{
    const bool handler = t->number[TRACE_submit_s] != NULL && t->number[TRACE_start_s] != NULL;
    size_t n = 0;
    if (!handler && t->number[TRACE_init_s] == NULL) {
        return RAISE(err, ERR_INPUT, "%s: start-up needs submit_s and start_s, or init_s", t->path);
    }
    for (size_t i = 0; i < t->n; i++) {
        b->delay[i] = handler ? number(t, TRACE_start_s, i) - number(t, TRACE_submit_s, i)
                              : number(t, TRACE_init_s, i);
        if (b->delay[i] <= 0) {
            return RAISE(err, ERR_INPUT, "%s: row %zu starts %g s before it is asked for", t->path,
                         i + 1, -b->delay[i]);
        }
        if (isnan(b->delay[i])) {
            continue;
        }
        b->known[n++] = b->delay[i];
        const uint32_t run = label(t, TRACE_run, i), function = label(t, TRACE_function, i);
        const double memory = number(t, TRACE_memory_mib, i);
        const size_t k = find_burst(b, run, function, memory);
        struct burst *const burst = &b->at[k];
        const double submit = number(t, TRACE_submit_s, i), cold = number(t, TRACE_cold, i);
        b->of_row[i] = (uint32_t)k;
        burst->n++;
        burst->cold += cold > 0 ? 1 : 0;
        burst->unknown += isnan(cold) ? 1 : 0;
        burst->first_submit = fmin(burst->first_submit, submit);
        burst->last_submit = fmax(burst->last_submit, submit);
        const double given = number(t, TRACE_concurrency, i);
        burst->concurrency = isnan(given) ? (double)burst->n : given;
    }
    b->rows = n;
    return n > 0 ? STATUS_OK
                 : RAISE(err, ERR_INPUT, "%s: no row tells a start (%s)", t->path,
                         handler ? "submit_s and start_s" : "init_s");
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

struct in_burst {
    uint32_t burst;
    double delay;
};

/* Sizes of the bursts behind a fit of growth. */
struct growth {
    const double *size;
    size_t n;
};

static int by_burst(const void *a, const void *b)
{
    const struct in_burst *const x = a, *const y = b;
    if (x->burst != y->burst) {
        return x->burst < y->burst ? -1 : 1;
    }
    return (x->delay > y->delay) - (x->delay < y->delay);
}

static enum status predict_growth(void *context, const double *theta, double *out,
                                  struct error *err)
{
    (void)err;
    const struct growth *const g = context;
    for (size_t i = 0; i < g->n; i++) {
        out[i] = theta[0] + theta[1] * g->size[i];
    }
    return STATUS_OK;
}

/* Median delay of each burst against its size: base + growth * N, both >= 0; a median of n starts
 * counts n times. */
static enum status growth_fit(const struct bursts *b, struct in_burst *rows, size_t n,
                              struct estimate *out, struct error *err)
{
    *out = (struct estimate){
        .name = "growth_s", .value = NAN, .low = NAN, .high = NAN, .standard_error = NAN};
    double *const block = malloc(b->n * 3 * sizeof *block);
    if (block == NULL) {
        return RAISE(err, ERR_MEMORY, "no memory for %zu bursts", b->n);
    }
    double *const measured = block + b->n, *const weight = block + 2 * b->n;
    struct growth g = {.size = block};
    bool differ = false;
    qsort(rows, n, sizeof *rows, by_burst);
    for (size_t from = 0, to; from < n; from = to) {
        for (to = from; to < n && rows[to].burst == rows[from].burst; to++) {
        }
        if (to - from >= 5) { /* a median of fewer says little */
            block[g.n] = b->at[rows[from].burst].concurrency;
            measured[g.n] = (rows[(from + to - 1) / 2].delay + rows[(from + to) / 2].delay) / 2;
            weight[g.n] = (double)(to - from);
            differ = differ || block[g.n] != block[0];
            g.n++;
        }
    }
    enum status code = STATUS_OK;
    if (differ && g.n >= 3) {
        const struct ls_parameter parameters[] = {
            {"base_s", measured[0], 0, HUGE_VAL},
            {"growth_s", 0.01 * measured[0] / block[0], 0, HUGE_VAL}};
        const struct ls_problem problem = {.parameters = parameters,
                                           .n_parameters = 2,
                                           .measured = measured,
                                           .weight = weight,
                                           .n = g.n,
                                           .predict = predict_growth,
                                           .context = &g};
        struct ls_result fit;
        code = ls_fit(&problem, &fit, err);
        *out = fit.parameter[1];
    }
    free(block);
    return code;
}

/* One mode: the delays of its rows, their spread between bursts taken out, and a distribution. */
static enum status fit_mode(const struct bursts *b, const bool *member, size_t rows,
                            unsigned families, struct start_mode *out, struct error *err)
{
    double *const delay = malloc(rows * 2 * sizeof *delay);
    uint32_t *const run = malloc(rows * sizeof *run), *const seen = calloc(b->n, sizeof *seen);
    const bool growth = families != 1u << FAMILY_EMPIRICAL;
    struct in_burst *const pairs = malloc((growth ? rows : 1) * sizeof *pairs);
    enum status code = STATUS_OK;
    if (delay == NULL || run == NULL || seen == NULL || pairs == NULL) {
        code = RAISE(err, ERR_MEMORY, "no memory for %zu rows", rows);
    }
    size_t n = 0;
    uint32_t runs = 0;
    for (size_t i = 0; code == STATUS_OK && i < rows; i++) {
        if (member[i]) {
            uint32_t *const s = &seen[b->of_row[i]]; /* number of the run + 1 */
            *s = *s == 0 ? ++runs : *s;
            delay[n] = b->delay[i];
            if (growth) {
                pairs[n] = (struct in_burst){b->of_row[i], b->delay[i]};
            }
            run[n++] = *s - 1;
        }
    }
    out->n = n;
    if (code == STATUS_OK && n > 0) {
        const struct sample raw = {.value = delay, .n = n};
        struct sample flat = raw;
        if (runs >= 2) {
            code = run_effect_fit(&raw, run, runs, &out->effect, delay + rows, err);
            flat.value = delay + rows;
        }
        if (code == STATUS_OK) {
            code = distribution_choose(&flat, families, 0, &out->delay, out->families, err);
        }
        if (code == STATUS_OK) {
            memcpy(out->quantile, out->families[FAMILY_EMPIRICAL].quantile, sizeof out->quantile);
            if (growth) {
                code = growth_fit(b, pairs, n, &out->growth_s, err);
            }
        }
    }
    free(delay);
    free(run);
    free(seen);
    free(pairs);
    return code;
}

/* Which rows are cold where nobody says: those above the time at which two lognormals, fitted to
 * all rows, are equally likely. */
static double limit_of_modes(const struct bursts *b)
{
    const struct sample s = {.value = b->known, .n = b->rows};
    struct fitted two, one;
    struct error ignored = {0};
    if (distribution_fit(FAMILY_SHIFTED_LOGNORMAL, &s, &one, &ignored) != STATUS_OK) {
        one.aic = HUGE_VAL;
    }
    if (distribution_fit(FAMILY_MIXTURE, &s, &two, &ignored) != STATUS_OK || two.aic >= one.aic) {
        return HUGE_VAL; /* one mode */
    }
    const double share = two.parameter[0].value;
    double low = two.parameter[1].value, high = two.parameter[3].value;
    for (int i = 0; i < 60; i++) {
        const double y = (low + high) / 2;
        const double za = (y - two.parameter[1].value) / two.parameter[2].value;
        const double zb = (y - two.parameter[3].value) / two.parameter[4].value;
        const double odds = log(share / (1 - share)) - zb * zb / 2 + za * za / 2 -
                            log(two.parameter[4].value / two.parameter[2].value);
        *(odds < 0 ? &low : &high) = y;
    }
    return exp((low + high) / 2);
}

/* Largest burst so far of each function and memory. */
struct pool {
    uint32_t function;
    double memory, size;
};

static enum status judge_pool(const struct bursts *b, const bool *cold, size_t rows,
                              struct start_law *out, struct error *err)
{
    size_t *const colds = calloc(b->n, sizeof *colds);
    struct pool *const pools = malloc(b->n * sizeof *pools);
    size_t n_pools = 0;
    if (colds == NULL || pools == NULL) {
        free(colds);
        free(pools);
        return RAISE(err, ERR_MEMORY, "no memory for %zu bursts", b->n);
    }
    for (size_t i = 0; i < rows; i++) {
        if (cold[i]) {
            colds[b->of_row[i]]++;
        }
    }
    for (size_t k = 0; k < b->n; k++) {
        const struct burst *const burst = &b->at[k];
        size_t p = 0;
        while (p < n_pools &&
               (pools[p].function != burst->function || pools[p].memory != burst->memory)) {
            p++;
        }
        const double n = (double)burst->n;
        if (p < n_pools) { /* what stood ready before the first burst is not known */
            const double expected = fmax(0, n - pools[p].size);
            out->pool_bursts++;
            out->pool_explained += fabs((double)colds[k] - expected) <= 0.05 * n ? 1 : 0;
            pools[p].size = fmax(pools[p].size, n);
        } else {
            pools[n_pools++] = (struct pool){burst->function, burst->memory, n};
        }
    }
    free(colds);
    free(pools);
    return STATUS_OK;
}

/* The client's pace of one burst, and how many gaps between calls say so. */
struct pace {
    double s, gaps;
};

static int by_pace(const void *a, const void *b)
{
    return ascending(&((const struct pace *)a)->s, &((const struct pace *)b)->s);
}

/* The median over calls: a client that stalls once is slow in a small burst, not in a large one.
 * Its spread between bursts, over calls too, gives the interval: that of a weighted mean of ln. */
static enum status fit_pace(const struct bursts *b, struct start_law *out, struct error *err)
{
    struct pace *const paces = malloc(b->n * sizeof *paces);
    double calls = 0, calls2 = 0, before = 0, squares = 0;
    size_t n = 0;
    out->pace_s = (struct estimate){
        .name = "pace_s", .value = NAN, .low = NAN, .high = NAN, .standard_error = NAN};
    out->pace_sd = NAN;
    if (paces == NULL) {
        return RAISE(err, ERR_MEMORY, "no memory for %zu bursts", b->n);
    }
    for (size_t k = 0; k < b->n; k++) {
        const double span = b->at[k].last_submit - b->at[k].first_submit;
        const double gaps = (double)b->at[k].n - 1;
        if (b->at[k].n >= 10 && span > 0 && isfinite(span)) {
            paces[n++] = (struct pace){span / gaps, gaps};
            calls += gaps;
            calls2 += gaps * gaps;
        }
    }
    qsort(paces, n, sizeof *paces, by_pace);
    for (size_t k = 0; k < n && before < calls / 2; k++) {
        before += paces[k].gaps;
        out->pace_s.value = before > calls / 2 || k + 1 == n
                                ? paces[k].s
                                : (paces[k].s + paces[k + 1].s) / 2; /* just between two bursts */
    }
    for (size_t k = 0; k < n; k++) {
        squares += paces[k].gaps * pow(log(paces[k].s / out->pace_s.value), 2);
    }
    const double effective = n > 0 ? calls * calls / calls2 : 0; /* bursts, Kish 1965 */
    if (effective > 1) {
        out->pace_sd = sqrt(squares / calls * effective / (effective - 1));
        const double half =
            gsl_cdf_tdist_Pinv(0.975, effective - 1) * out->pace_sd / sqrt(effective);
        out->pace_s.low = out->pace_s.value * exp(-half);
        out->pace_s.high = out->pace_s.value * exp(half);
    }
    free(paces);
    return STATUS_OK;
}

static size_t count_kinds(const struct bursts *b)
{
    size_t kinds = 0;
    for (size_t k = 0; k < b->n && kinds < 1000; k++) {
        size_t like = 0;
        while (like < k && (b->at[like].function != b->at[k].function ||
                            b->at[like].memory != b->at[k].memory)) {
            like++;
        }
        kinds += like == k ? 1 : 0;
    }
    return kinds;
}

static enum status fit_bursts(const struct trace *t, const struct bursts *b, unsigned families,
                              bool *cold, struct start_law *out, struct error *err)
{
    out->bursts = b->n;
    out->rows = b->rows;
    out->kinds = count_kinds(b);
    size_t unknown = 0;
    for (size_t k = 0; k < b->n; k++) {
        unknown += b->at[k].unknown;
    }
    out->modes_guessed = unknown > 0 && t->number[TRACE_init_s] == NULL;
    const double limit = out->modes_guessed ? limit_of_modes(b) : 0;
    for (size_t i = 0; i < t->n; i++) {
        const double c = number(t, TRACE_cold, i);
        /* An initialisation alone is that of a cold start. */
        cold[i] =
            !isnan(b->delay[i]) && (isnan(c) ? !out->modes_guessed || b->delay[i] > limit : c > 0);
    }
    if (fit_pace(b, out, err) != STATUS_OK) {
        return err->code;
    }
    size_t colds = 0;
    for (size_t i = 0; i < t->n; i++) {
        colds += cold[i] ? 1 : 0;
    }
    const bool both = colds > 0 && colds < b->rows; /* forced cold starts say nothing of a pool */
    if ((both && judge_pool(b, cold, t->n, out, err) != STATUS_OK) ||
        fit_mode(b, cold, t->n, families, &out->cold, err) != STATUS_OK) {
        return err->code;
    }
    for (size_t i = 0; i < t->n; i++) {
        cold[i] = !cold[i] && !isnan(b->delay[i]);
    }
    return fit_mode(b, cold, t->n, families, &out->warm, err);
}

enum status start_fit(const struct trace *t, unsigned families, struct start_law *out,
                      struct error *err)
{
    *out = (struct start_law){0};
    struct bursts b = {.at = malloc(t->n * sizeof *b.at),
                       .of_row = malloc(t->n * sizeof *b.of_row),
                       .delay = malloc(t->n * sizeof *b.delay),
                       .known = malloc(t->n * sizeof *b.known),
                       .n_buckets = 64};
    while (b.n_buckets < 2 * t->n) {
        b.n_buckets *= 2;
    }
    b.buckets = calloc(b.n_buckets, sizeof *b.buckets);
    bool *const cold = malloc(t->n * sizeof *cold);
    enum status code = STATUS_OK;
    if (b.at == NULL || b.of_row == NULL || b.delay == NULL || b.known == NULL ||
        b.buckets == NULL || cold == NULL) {
        code = RAISE(err, ERR_MEMORY, "no memory for %zu rows", t->n);
    } else {
        code = collect(t, &b, err);
    }
    if (code == STATUS_OK) {
        code = fit_bursts(t, &b, families, cold, out, err);
    }
    free(b.at);
    free(b.of_row);
    free(b.delay);
    free(b.known);
    free(b.buckets);
    free(cold);
    return code;
}
