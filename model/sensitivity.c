/* Tornado and Sobol indices of one configuration: see sensitivity.h. */
#include "model/sensitivity.h"

#include "model/scenario.h"

#include <gsl/gsl_math.h>
#include <gsl/gsl_qrng.h>
#include <gsl/gsl_rng.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- inputs */

static bool uncertain(const struct quantity *q)
{
    return (q->kind != DISTRIBUTION_CONSTANT && q->cv > 0) || q->run_sd > 0;
}

static bool same(const struct quantity *a, const struct quantity *b)
{
    return a->kind == b->kind && a->mean == b->mean && a->cv == b->cv && a->run_sd == b->run_sd &&
           a->table == b->table && memcmp(a->p, b->p, sizeof a->p) == 0;
}

static struct uncertain *add(struct sensitivity *s, const char *section, const char *key,
                             const struct quantity *q)
{
    if (s->n_inputs == INPUT_LIMIT) {
        s->left_out++;
        return NULL;
    }
    struct uncertain *u = &s->inputs[s->n_inputs++];
    *u = (struct uncertain){.q = *q};
    snprintf(u->name, sizeof u->name, "/%s/%s", section, key);
    return u;
}

static void place(struct uncertain *u, size_t offset)
{
    if (u != NULL && u->n_places < INPUT_PLACES) {
        u->places[u->n_places++] = offset;
    }
}

static const struct quantity *at(const struct config *c, size_t offset)
{
    return (const struct quantity *)(const void *)((const char *)c + offset);
}

/* Is the field part of a general key (latency_s) whose parts are all the same here? */
static bool general(const struct config *c, const struct section *s, const struct field *f)
{
    for (size_t i = 1; i < 3 && f->offset[i] != NO_FIELD; i++) {
        if (!same(at(c, s->offset + f->offset[0]), at(c, s->offset + f->offset[i]))) {
            return false;
        }
    }
    return f->offset[1] != NO_FIELD;
}

static bool covered(const struct sensitivity *out, size_t offset)
{
    for (size_t i = 0; i < out->n_inputs; i++) {
        for (size_t k = 0; k < out->inputs[i].n_places; k++) {
            if (out->inputs[i].places[k] == offset) {
                return true;
            }
        }
    }
    return false;
}

static void find_in_section(const struct config *c, const struct section *s, bool twins,
                            struct sensitivity *out)
{
    const size_t between = (STORE_DATA - STORE_EXCHANGE) * sizeof(struct store);
    for (const struct field *f = s->fields; f->key != NULL; f++) {
        const bool alias = f->offset[1] != NO_FIELD;
        const size_t first = s->offset + f->offset[0];
        if (f->type != FIELD_QUANTITY || (alias && !general(c, s, f)) || !uncertain(at(c, first)) ||
            covered(out, first)) {
            continue;
        }
        struct uncertain *u = add(out, s->name, f->key, at(c, first));
        for (size_t i = 0; i < 3 && f->offset[i] != NO_FIELD; i++) {
            place(u, s->offset + f->offset[i]);
            if (twins) {
                place(u, s->offset + f->offset[i] + between);
            }
        }
    }
}

void sensitivity_find(const struct config *c, struct sensitivity *out)
{
    *out = (struct sensitivity){0};
    const struct store *exchange = &c->stores[STORE_EXCHANGE];
    const struct store *data = &c->stores[STORE_DATA];
    const bool twins = exchange->name != NULL && data->name != NULL &&
                       strcmp(exchange->name, data->name) == 0 &&
                       same(&exchange->get_latency_s, &data->get_latency_s) &&
                       same(&exchange->put_latency_s, &data->put_latency_s);
    for (const struct section *s = sections; s->name != NULL; s++) {
        if (strcmp(s->name, "simulation") != 0) { /* the closed form does not read it */
            find_in_section(c, s, twins && strcmp(s->name, "store") == 0, out);
        }
    }
}

/* The catalogue's name of a section at a point: an axis, or what the scenario says. */
static const char *name_used(const struct scenario *s, uint64_t point, const char *section)
{
    char pointer[64];
    snprintf(pointer, sizeof pointer, "/%s/use", section);
    const struct json *node = json_pointer(s->tree, pointer);
    for (size_t i = 0; i < s->n_axes; i++) {
        const struct axis *axis = &s->axes[i];
        if (strcmp(axis->pointer, pointer) == 0 && axis->values != NULL) {
            node = axis->values[axis_index(s, axis, point)];
        }
    }
    node = json_bare(node);
    return node != NULL && node->kind == JSON_STRING ? node->text : NULL;
}

static bool number_member(const struct json *fit, const char *key, double *out)
{
    const struct json *node = json_member(fit, key);
    *out = node != NULL && node->kind == JSON_NUMBER ? node->number : (double)NAN;
    return gsl_finite(*out);
}

/* Does the configuration hold this fitted number, plain or as a constant? */
static bool holds(const struct config *c, const struct field *f, size_t offset, double value)
{
    double number = 0;
    memcpy(&number, (const char *)c + offset, sizeof number);
    const struct quantity *q = f->type == FIELD_QUANTITY ? at(c, offset) : NULL;
    return q != NULL ? q->kind == DISTRIBUTION_CONSTANT && !uncertain(q) && q->mean == value
                     : number == value;
}

void sensitivity_fitted(const struct scenario *s, uint64_t point, const struct config *c,
                        struct sensitivity *out)
{
    const double within = 2 * 1.959963984540054; /* deviations 95 % lie between */
    const struct json *fits = json_member(s->catalogue, "fits");
    for (const struct section *sec = sections; sec->name != NULL && fits != NULL; sec++) {
        const char *name = sec->catalogue != NULL ? name_used(s, point, sec->name) : NULL;
        const struct json *entry = name != NULL ? json_member(fits, name) : NULL;
        for (const struct field *f = sec->fields; f->key != NULL && entry != NULL; f++) {
            const struct json *fit = json_member(entry, f->key);
            double value = 0;
            double low = 0;
            double high = 0;
            if (fit == NULL || fit->kind != JSON_OBJECT ||
                (f->type != FIELD_NUMBER && f->type != FIELD_QUANTITY) ||
                !number_member(fit, "value", &value) || !number_member(fit, "low", &low) ||
                !number_member(fit, "high", &high) || !(high > low) ||
                !holds(c, f, sec->offset + f->offset[0], value)) {
                continue;
            }
            const double sd = (high - low) / within;
            const struct quantity q = {.kind = DISTRIBUTION_NORMAL,
                                       .mean = value,
                                       .cv = value > 0 ? sd / value : 0,
                                       .p = {value, sd, 0}};
            struct uncertain *u = add(out, sec->name, f->key, &q);
            for (size_t i = 0; i < 3 && f->offset[i] != NO_FIELD; i++) {
                place(u, sec->offset + f->offset[i]);
            }
            if (u != NULL) {
                u->number = f->type == FIELD_NUMBER;
            }
        }
    }
}

enum status sensitivity_vary(const struct config *c, const char *pointer, double low, double high,
                             struct sensitivity *out, struct error *err)
{
    const struct field *field = NULL;
    size_t base = 0;
    struct config scratch = *c;
    if (config_set(&scratch, pointer, low, err) != STATUS_OK) {
        return err->code;
    }
    if (!field_find(pointer, &field, &base) || !(high > low) || out->n_inputs == INPUT_LIMIT) {
        return RAISE(err, ERR_USAGE, "%s cannot be varied from %g to %g", pointer, low, high);
    }
    struct quantity q = {.kind = DISTRIBUTION_UNIFORM,
                         .mean = 0.5 * (low + high),
                         .cv = (high - low) / sqrt(12) / (0.5 * (low + high)),
                         .p = {low, high, 0}};
    struct uncertain *u = NULL;
    for (size_t i = 0; i < out->n_inputs; i++) {
        u = strcmp(out->inputs[i].name, pointer) == 0 ? &out->inputs[i] : u;
    }
    if (u == NULL) {
        u = add(out, "", "", &q);
        snprintf(u->name, sizeof u->name, "%s", pointer);
        for (size_t i = 0; i < 3 && field->offset[i] != NO_FIELD; i++) {
            place(u, base + field->offset[i]);
        }
    }
    u->q = q;
    u->number = field->type != FIELD_QUANTITY;
    u->whole = field->type == FIELD_COUNT;
    return STATUS_OK;
}

/* ---------------------------------------------------------------- evaluating */

static void set(struct config *c, const struct uncertain *u, double value)
{
    if (u->whole) {
        value = round(value);
    }
    const struct quantity q = quantity_constant(value);
    for (size_t i = 0; i < u->n_places; i++) {
        char *to = (char *)c + u->places[i];
        if (u->number) {
            memcpy(to, &value, sizeof value);
        } else {
            memcpy(to, &q, sizeof q);
        }
    }
}

struct answer {
    double time_s, cost_usd;
};

/* NaN when infeasible. */
static enum status answer(const struct config *c, struct evaluator *e, struct answer *out,
                          struct error *err)
{
    struct config own = *c;
    struct tally t;
    struct ledger l;
    struct error why = {0};
    *out = (struct answer){NAN, NAN};
    if (predict_tally(&own, e, &t, &why) == STATUS_OK) {
        cost_compute(&own, &e->program, &t, false, &l);
        *out = (struct answer){t.time_s, l.overflow ? (double)NAN : money_usd(l.total)};
    } else if (why.code != ERR_INFEASIBLE) {
        *err = why;
    }
    return err->code;
}

static enum status tornado(const struct config *means, struct evaluator *e, struct sensitivity *s,
                           struct error *err)
{
    for (size_t i = 0; i < s->n_inputs; i++) {
        struct uncertain *u = &s->inputs[i];
        struct answer ends[2];
        u->low = quantity_quantile(&u->q, 0.05);
        u->high = quantity_quantile(&u->q, 0.95);
        for (int high = 0; high < 2; high++) {
            struct config c = *means;
            set(&c, u, high ? u->high : u->low);
            if (answer(&c, e, &ends[high], err) != STATUS_OK) {
                return err->code;
            }
        }
        u->time_low_s = ends[0].time_s;
        u->time_high_s = ends[1].time_s;
        u->cost_low_usd = ends[0].cost_usd;
        u->cost_high_usd = ends[1].cost_usd;
    }
    return STATUS_OK;
}

/* ---------------------------------------------------------------- Sobol indices */

static double width(const struct uncertain *u, const struct sensitivity *s)
{
    const double time = fabs(u->time_high_s - u->time_low_s) / s->time_s;
    const double cost =
        s->cost_usd > 0 ? fabs(u->cost_high_usd - u->cost_low_usd) / s->cost_usd : 0;
    return isnan(time + cost) ? HUGE_VAL : fmax(time, cost);
}

/* Those that move something, the widest first when there are too many. */
static size_t choose_inputs(struct sensitivity *s, struct uncertain *chosen[SOBOL_INPUTS])
{
    size_t n = 0;
    size_t moving = 0;
    for (size_t i = 0; i < s->n_inputs; i++) {
        moving += width(&s->inputs[i], s) > 0;
    }
    while (n < SOBOL_INPUTS && n < moving) {
        struct uncertain *widest = NULL;
        for (size_t i = 0; i < s->n_inputs; i++) {
            struct uncertain *u = &s->inputs[i];
            if (!u->in_sobol && (widest == NULL || width(u, s) > width(widest, s))) {
                widest = u;
            }
        }
        widest->in_sobol = true;
        chosen[n++] = widest;
    }
    s->left_out += moving - n;
    return n;
}

/* f(A), f(B), f(A with column i of B), of `rows` rows. */
struct design {
    size_t inputs, rows;
    double *a, *b, *ab; /* ab[i * rows + row] */
};

/* First order after Saltelli 2010 (table 2, b), total after Jansen, over the rows of a list. */
static void indices(const struct design *d, size_t input, const uint32_t *rows, double *first,
                    double *total)
{
    double mean = 0;
    for (size_t k = 0; k < d->rows; k++) {
        mean += (d->a[rows[k]] + d->b[rows[k]]) / (2 * (double)d->rows);
    }
    double variance = 0;
    double part = 0;
    double rest = 0;
    for (size_t k = 0; k < d->rows; k++) {
        const uint32_t r = rows[k];
        const double a = d->a[r] - mean;
        const double b = d->b[r] - mean;
        const double ab = d->ab[input * d->rows + r] - mean;
        variance += 0.5 * (a * a + b * b);
        part += b * (ab - a);
        rest += 0.5 * (a - ab) * (a - ab);
    }
    *first = variance > 0 ? part / variance : 0;
    *total = variance > 0 ? rest / variance : 0;
}

static int ascending(const void *x, const void *y)
{
    const double a = *(const double *)x;
    const double b = *(const double *)y;
    return (a > b) - (a < b);
}

enum { RESAMPLES = 400 };

static enum status estimate(const struct design *d, gsl_rng *random, size_t input,
                            struct sobol *out, struct error *err)
{
    double *first = malloc(2 * RESAMPLES * sizeof *first);
    uint32_t *rows = malloc(d->rows * sizeof *rows);
    if (first == NULL || rows == NULL) {
        free(first);
        free(rows);
        return RAISE(err, ERR_MEMORY, "out of memory for %zu rows", d->rows);
    }
    double *total = first + RESAMPLES;
    for (size_t k = 0; k < d->rows; k++) {
        rows[k] = (uint32_t)k;
    }
    indices(d, input, rows, &out->first, &out->total);
    for (int i = 0; i < RESAMPLES; i++) {
        for (size_t k = 0; k < d->rows; k++) {
            rows[k] = (uint32_t)gsl_rng_uniform_int(random, d->rows);
        }
        indices(d, input, rows, &first[i], &total[i]);
    }
    qsort(first, RESAMPLES, sizeof *first, ascending);
    qsort(total, RESAMPLES, sizeof *total, ascending);
    const int tail = RESAMPLES / 40; /* 2.5 % */
    out->first_lo = first[tail];
    out->first_hi = first[RESAMPLES - 1 - tail];
    out->total_lo = total[tail];
    out->total_hi = total[RESAMPLES - 1 - tail];
    free(first);
    free(rows);
    return STATUS_OK;
}

/* One row of the design: all of A, all of B, and A with one column of B each. */
static enum status play_row(const struct config *means, struct evaluator *e,
                            struct uncertain *const *chosen, size_t n, const double *shares,
                            struct answer *row, struct error *err)
{
    for (size_t k = 0; k < n + 2; k++) {
        struct config c = *means;
        for (size_t i = 0; i < n; i++) {
            const bool from_b = k == 1 || k == i + 2;
            set(&c, chosen[i], quantity_quantile(&chosen[i]->q, shares[from_b ? n + i : i]));
        }
        if (answer(&c, e, &row[k], err) != STATUS_OK) {
            return err->code;
        }
    }
    return STATUS_OK;
}

static enum status fill(const struct config *means, struct evaluator *e,
                        struct uncertain *const *chosen, size_t n, size_t samples, gsl_rng *random,
                        struct answer *all, struct sensitivity *s, struct error *err)
{
    double shift[2 * SOBOL_INPUTS];
    double shares[2 * SOBOL_INPUTS];
    gsl_qrng *q = gsl_qrng_alloc(gsl_qrng_sobol, (unsigned)(2 * n));
    if (q == NULL) {
        return RAISE(err, ERR_MEMORY, "out of memory for a design");
    }
    for (size_t i = 0; i < 2 * n; i++) {
        shift[i] = gsl_rng_uniform(random);
    }
    for (size_t r = 0; r < samples && err->code == STATUS_OK; r++) {
        struct answer *row = &all[s->samples * (n + 2)];
        bool feasible = true;
        gsl_qrng_get(q, shares);
        for (size_t i = 0; i < 2 * n; i++) { /* Cranley and Patterson 1976 */
            shares[i] = fmod(shares[i] + shift[i], 1);
            shares[i] = fmin(fmax(shares[i], 1e-9), 1 - 1e-9);
        }
        play_row(means, e, chosen, n, shares, row, err);
        for (size_t k = 0; k < n + 2; k++) {
            feasible = feasible && isfinite(row[k].time_s) && isfinite(row[k].cost_usd);
        }
        s->samples += feasible;
        s->infeasible += !feasible;
    }
    gsl_qrng_free(q);
    return err->code;
}

static enum status sobol(const struct config *means, struct evaluator *e, size_t samples,
                         uint64_t seed, struct sensitivity *s, struct error *err)
{
    struct uncertain *chosen[SOBOL_INPUTS];
    const size_t n = choose_inputs(s, chosen);
    if (n == 0) {
        return STATUS_OK;
    }
    struct answer *all = calloc(samples * (n + 2), sizeof *all);
    double *block = calloc(samples * (n + 2), sizeof *block);
    gsl_rng *random = gsl_rng_alloc(gsl_rng_mt19937);
    if (all == NULL || block == NULL || random == NULL) {
        RAISE(err, ERR_MEMORY, "out of memory for %zu samples", samples);
    } else {
        gsl_rng_set(random, (unsigned long)seed);
        fill(means, e, chosen, n, samples, random, all, s, err);
    }
    for (int cost = 0; cost < 2 && err->code == STATUS_OK && s->samples > 1; cost++) {
        const struct design d = {n, s->samples, block, block + s->samples, block + 2 * s->samples};
        for (size_t r = 0; r < s->samples; r++) {
            for (size_t k = 0; k < n + 2; k++) {
                const struct answer *x = &all[r * (n + 2) + k];
                block[k * s->samples + r] = cost ? x->cost_usd : x->time_s;
            }
        }
        for (size_t i = 0; i < n && err->code == STATUS_OK; i++) {
            estimate(&d, random, i, cost ? &chosen[i]->cost : &chosen[i]->time, err);
        }
    }
    if (random != NULL) {
        gsl_rng_free(random);
    }
    free(all);
    free(block);
    return err->code;
}

enum status sensitivity_run(const struct config *c, size_t samples, uint64_t seed,
                            struct sensitivity *out, struct error *err)
{
    struct config means = *c;
    struct evaluator e = {0};
    struct answer base;
    for (size_t i = 0; i < out->n_inputs; i++) {
        set(&means, &out->inputs[i], out->inputs[i].q.mean);
    }
    struct config checked = means;
    struct tally t;
    if (predict_tally(&checked, &e, &t, err) == STATUS_OK &&
        answer(&means, &e, &base, err) == STATUS_OK) {
        out->time_s = base.time_s;
        out->cost_usd = base.cost_usd;
        if (tornado(&means, &e, out, err) == STATUS_OK && samples > 0) {
            sobol(&means, &e, samples, seed, out, err);
        }
    }
    evaluator_free(&e);
    return err->code;
}
