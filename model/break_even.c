/* At which value of a number does the best choice change? Brent's method on the difference of the
 * rivals' objectives, after a scan of the range. */
#include "model/break_even.h"

#include "model/scenario.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_roots.h>
#include <math.h>
#include <string.h>

enum { DEEP = 24, BRENT_STEPS = 100 };
static const double exact = 1e-12; /* of a value, relatively */

/* ---------------------------------------------------------------- one value of the number */

enum status break_even_open(const struct break_even_question *q, double x,
                            struct break_even_look *look, struct error *err)
{
    const size_t n = q->options.n_sets;
    *look = (struct break_even_look){0};
    if (n + 1 > sizeof look->sets / sizeof look->sets[0] ||
        strlen(q->pointer) + 40 > sizeof look->set) {
        return RAISE(err, ERR_USAGE, "too many --set, or too long a pointer");
    }
    for (size_t i = 0; i < n; i++) {
        look->sets[i] = q->options.sets[i];
    }
    /* Dollars are exact decimals of at most 15 places. */
    static const char prices[] = "/prices/";
    const bool dollars = strncmp(q->pointer, prices, sizeof prices - 1) == 0;
    snprintf(look->set, sizeof look->set, dollars ? "%s=%.15f" : "%s=%.17g", q->pointer, x);
    look->sets[n] = look->set;
    struct scenario_options o = q->options;
    o.plan = true;
    o.sets = look->sets;
    o.n_sets = n + (isfinite(x) ? 1 : 0); /* NaN: as it is */
    if (scenario_load(q->path, &o, &look->scenario, err) == STATUS_OK &&
        search_open(&look->search, &look->scenario, err) != STATUS_OK) {
        scenario_free(&look->scenario);
    }
    if (err->code != STATUS_OK) {
        if (strcmp(err->file, "--set") == 0 && err->line == n + 1) {
            snprintf(err->file, sizeof err->file, "--break-even");
            err->line = err->column = 0;
        }
        return err->code;
    }
    look->limits = look->search.choices[0].config.constraints;
    look->limits.deadline_s =
        q->limits.deadline_s > 0 ? q->limits.deadline_s : look->limits.deadline_s;
    look->limits.budget_usd =
        q->limits.budget_usd > 0 ? q->limits.budget_usd : look->limits.budget_usd;
    look->objective = q->objective != NULL ? *q->objective : search_usual(&look->limits);
    return STATUS_OK;
}

void break_even_close(struct break_even_look *look)
{
    search_close(&look->search);
    scenario_free(&look->scenario);
}

/* A number of the tree, or the value of a sourced or distributed one. */
static double number_of(const struct json *node)
{
    node = json_bare(node);
    if (node != NULL && node->kind == JSON_OBJECT) {
        node = json_member(node, "mean");
    }
    return node != NULL && node->kind == JSON_NUMBER ? node->number : (double)NAN;
}

/* Present value of the number, NaN when the scenario and its catalogue do not say it. */
static enum status break_even_now(const struct break_even_question *q, double *now, bool *whole,
                                  struct error *err)
{
    struct break_even_look look;
    struct arena arena = {0};
    struct json *tree = NULL;
    const struct field *field = NULL;
    size_t base = 0;
    *now = (double)NAN;
    *whole = field_find(q->pointer, &field, &base) && field->type == FIELD_COUNT;
    if (break_even_open(q, (double)NAN, &look, err) != STATUS_OK) {
        return err->code;
    }
    for (size_t i = 0; i < look.scenario.n_axes; i++) {
        if (strcmp(look.scenario.axes[i].pointer, q->pointer) == 0) {
            RAISE(err, ERR_USAGE, "%s is searched by the plan itself: name another number",
                  q->pointer);
        }
    }
    if (strcmp(q->pointer, "/platform/workers") == 0 ||
        strcmp(q->pointer, "/platform/memory_mib") == 0) {
        RAISE(err, ERR_USAGE, "%s is searched by the plan itself: name another number", q->pointer);
    }
    if (err->code == STATUS_OK &&
        scenario_resolved(&look.scenario, &arena, &tree, err) == STATUS_OK) {
        *now = number_of(json_pointer(tree, q->pointer));
    }
    arena_free(&arena);
    break_even_close(&look);
    return err->code;
}

/* ---------------------------------------------------------------- rivals */

/* A choice, or a number of workers; none: nothing is within the limits. */
struct winner {
    bool any;
    struct search_point point;
    double value;
};

struct finder {
    const struct break_even_question *question;
    struct break_even *found;
    struct error *err;
};

static struct search_question asked(const struct break_even_look *look, const struct winner *one)
{
    struct search_question q = {look->objective, look->limits, -1, 0};
    if (one != NULL && look->search.n_choices > 1) {
        q.choice = (ptrdiff_t)one->point.choice;
    } else if (one != NULL) {
        q.workers = one->point.workers;
    }
    return q;
}

static enum status best_of(const struct break_even_look *look, const struct winner *one,
                           struct winner *out, struct error *err)
{
    const struct search_question q = asked(look, one);
    *out = (struct winner){.value = HUGE_VAL};
    if (search_best(&look->search, &q, &out->point, &out->any, err) == STATUS_OK && out->any) {
        out->value = search_value(&look->objective, out->point.time_s, out->point.cost_usd);
    }
    return err->code;
}

/* The winner at x, or (one not NULL) the best of a rival; both when asked for. */
static enum status look_at(struct finder *f, double x, struct winner *best,
                           const struct winner *rivals[2], struct winner values[2])
{
    struct break_even_look look;
    f->found->evaluations++;
    if (break_even_open(f->question, x, &look, f->err) != STATUS_OK) {
        return f->err->code;
    }
    if (best != NULL) {
        best_of(&look, NULL, best, f->err);
    }
    for (int i = 0; i < 2 && rivals != NULL && f->err->code == STATUS_OK; i++) {
        values[i] = (struct winner){.value = HUGE_VAL};
        if (rivals[i]->any) {
            best_of(&look, rivals[i], &values[i], f->err);
        }
    }
    break_even_close(&look);
    return f->err->code;
}

/* ---------------------------------------------------------------- roots */

struct duel {
    struct finder *finder;
    const struct winner *rivals[2];
    bool logarithmic, lost; /* lost: one of them left the limits */
};

/* Of the logarithms, which makes the scale of the objective irrelevant. */
static double difference(double at, void *context)
{
    struct duel *d = context;
    struct winner v[2];
    if (d->finder->err->code != STATUS_OK ||
        look_at(d->finder, d->logarithmic ? exp(at) : at, NULL, d->rivals, v) != STATUS_OK) {
        return 0;
    }
    if (!v[0].any || !v[1].any) {
        d->lost = true;
        return 0;
    }
    return log(v[0].value) - log(v[1].value);
}

/* False when the difference has no two signs, or a rival is out of the limits between. */
static bool brent(struct duel *d, double low, double high, double *root)
{
    gsl_function function = {difference, d};
    gsl_root_fsolver *solver = gsl_root_fsolver_alloc(gsl_root_fsolver_brent);
    const double a = d->logarithmic ? log(low) : low;
    const double b = d->logarithmic ? log(high) : high;
    if (solver == NULL) {
        RAISE(d->finder->err, ERR_MEMORY, "out of memory for a root");
        return false;
    }
    bool done = gsl_root_fsolver_set(solver, &function, a, b) == GSL_SUCCESS;
    bool near = false;
    for (int i = 0; done && !near && i < BRENT_STEPS; i++) {
        done = gsl_root_fsolver_iterate(solver) == GSL_SUCCESS && !d->lost &&
               d->finder->err->code == STATUS_OK;
        const double lo = gsl_root_fsolver_x_lower(solver);
        const double hi = gsl_root_fsolver_x_upper(solver);
        near = d->logarithmic ? hi - lo < exact : hi - lo <= exact * fmax(fabs(lo), fabs(hi));
    }
    const double at = gsl_root_fsolver_root(solver);
    gsl_root_fsolver_free(solver);
    *root = fmin(fmax(d->logarithmic ? exp(at) : at, low), high);
    return done && !d->lost && d->finder->err->code == STATUS_OK;
}

static enum status record(struct finder *f, double x, const struct winner *a,
                          const struct winner *b)
{
    struct break_even *found = f->found;
    if (found->n_changes == BREAK_EVEN_LIMIT) {
        found->more = true;
        return STATUS_OK;
    }
    struct winner v[2];
    const struct winner *rivals[2] = {a, b};
    if (look_at(f, x, NULL, rivals, v) != STATUS_OK) {
        return f->err->code;
    }
    const size_t n = found->n_changes++;
    found->changes[n].value = x;
    /* At the very value a limit may shut one of them out: then as it was last seen. */
    found->changes[n].before = v[0].any ? v[0].point : a->point;
    found->changes[n].after = v[1].any ? v[1].point : b->point;
    found->changes[n].has_before = a->any;
    found->changes[n].has_after = b->any;
    found->changes[n].jump =
        !v[0].any || !v[1].any || fabs(log(v[0].value) - log(v[1].value)) > 1e-6;
    return STATUS_OK;
}

/* Is the interval narrower than is worth telling apart? */
static bool narrow(const struct finder *f, double low, double high)
{
    return f->found->whole ? high - low <= 1 : high - low <= exact * fmax(fabs(low), fabs(high));
}

static bool alike(const struct finder *f, const struct winner *a, const struct winner *b)
{
    return a->any == b->any &&
           (!a->any || (f->found->by_choice ? a->point.choice == b->point.choice
                                            : a->point.workers == b->point.workers));
}

/* Every change between low and high, which have different winners. */
static enum status refine(struct finder *f, double low, const struct winner *a, double high,
                          const struct winner *b, int depth)
{
    while (!narrow(f, low, high) && depth < DEEP) {
        double x = 0;
        struct winner at;
        struct winner values[2];
        const struct winner *rivals[2] = {a, b};
        struct duel duel = {f, {a, b}, f->found->logarithmic, false};
        const bool root = a->any && b->any && !f->found->whole && brent(&duel, low, high, &x);
        if (f->err->code != STATUS_OK) {
            return f->err->code;
        }
        if (!root) {
            x = f->found->logarithmic ? sqrt(low * high) : 0.5 * (low + high);
            x = f->found->whole ? fmin(fmax(floor(x), low + 1), high - 1) : x;
        }
        if (look_at(f, x, &at, rivals, values) != STATUS_OK) {
            return f->err->code;
        }
        const double duellists = fmin(values[0].value, values[1].value);
        const bool third = !alike(f, &at, a) && !alike(f, &at, b);
        if (root && (x <= low || x >= high || !(third && at.value < duellists * (1 - exact)))) {
            return record(f, x, a, b);
        }
        if (third) {
            return refine(f, low, a, x, &at, depth + 1) == STATUS_OK
                       ? refine(f, x, &at, high, b, depth + 1)
                       : f->err->code;
        }
        if (alike(f, &at, a)) {
            low = x;
        } else {
            high = x;
        }
    }
    return record(f, high, a, b);
}

/* ---------------------------------------------------------------- the range */

static enum status set_range(struct finder *f)
{
    enum { AROUND = 100 };
    const struct break_even_question *q = f->question;
    struct break_even *b = f->found;
    const struct field *field = NULL;
    size_t base = 0;
    const bool known = field_find(q->pointer, &field, &base);
    b->low = q->low;
    b->high = q->high;
    if (isnan(q->low)) {
        struct break_even_look look;
        if (!(b->now > 0)) { /* a pointer to nowhere says so itself */
            if (break_even_open(q, 1, &look, f->err) != STATUS_OK) {
                return f->err->code;
            }
            break_even_close(&look);
            return RAISE(f->err, ERR_USAGE,
                         "%s is not said by the scenario or is not positive: give the range, "
                         "--break-even %s:LOW:HIGH",
                         q->pointer, q->pointer);
        }
        b->low = b->now / AROUND;
        b->high = b->now * AROUND;
        if (known) {
            b->low = fmax(b->low, field->minimum);
            b->high = fmin(b->high, field->maximum);
        }
    }
    if (b->whole) {
        b->low = ceil(b->low);
        b->high = floor(b->high);
    }
    b->logarithmic = b->low > 0;
    if (!(b->high > b->low) || !gsl_finite(b->low) || !gsl_finite(b->high)) {
        return RAISE(f->err, ERR_USAGE, "--break-even %s: nothing lies between %g and %g",
                     q->pointer, b->low, b->high);
    }
    return STATUS_OK;
}

static double step_of(const struct break_even *b, uint32_t i, uint32_t steps)
{
    const double share = (double)i / (double)steps;
    const double x = b->logarithmic ? b->low * pow(b->high / b->low, share)
                                    : b->low + (b->high - b->low) * share;
    return i == 0 ? b->low : i == steps ? b->high : b->whole ? round(x) : x;
}

enum status break_even_find(const struct break_even_question *q, struct break_even *out,
                            struct error *err)
{
    struct finder f = {q, out, err};
    struct break_even_look look;
    struct winner before = {0};
    double last = 0;
    *out = (struct break_even){.steps = q->steps};
    if (break_even_now(q, &out->now, &out->whole, err) != STATUS_OK || set_range(&f) != STATUS_OK ||
        break_even_open(q, out->low, &look, err) != STATUS_OK) {
        return err->code;
    }
    out->by_choice = look.search.n_choices > 1;
    out->limits = look.limits;
    out->objective = look.objective;
    break_even_close(&look);
    for (uint32_t i = 0; i <= q->steps && err->code == STATUS_OK; i++) {
        struct winner at;
        const double x = step_of(out, i, q->steps);
        if (i > 0 && x <= last) {
            continue; /* whole numbers lie further apart than the steps */
        }
        if (look_at(&f, x, &at, NULL, NULL) != STATUS_OK ||
            (i > 0 && !alike(&f, &before, &at) &&
             refine(&f, last, &before, x, &at, 0) != STATUS_OK)) {
            return err->code;
        }
        if (i == 0) {
            out->first = at.point;
            out->has_first = at.any;
        }
        out->last = at.point;
        out->has_last = at.any;
        before = at;
        last = x;
        if (q->progress != NULL) {
            q->progress(i, q->steps, q->context);
        }
    }
    return err->code;
}
