/* Keeping and writing the timeline: see timeline.h. */
#include "sim/timeline.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/run.h"

enum status timeline_init(struct timeline *t, size_t each_max, uint32_t rounds, struct error *err)
{
    *t = (struct timeline){.each_max = each_max, .rounds = rounds};
    t->spans = malloc(each_max * sizeof *t->spans);
    t->requests = malloc(each_max * sizeof *t->requests);
    t->rates = malloc(each_max * sizeof *t->rates);
    if (t->spans == NULL || t->requests == NULL || t->rates == NULL) {
        timeline_free(t);
        return RAISE(err, ERR_MEMORY, "no memory for a timeline of %zu spans", each_max);
    }
    return STATUS_OK;
}

void timeline_free(struct timeline *t)
{
    free(t->spans);
    free(t->requests);
    free(t->rates);
    *t = (struct timeline){0};
}

void timeline_span(struct timeline *t, const struct run *s, uint32_t a, enum timeline_kind kind,
                   double from_s, double to_s, const char *mark)
{
    const uint64_t round = actor_round(s, a);
    if ((round >= t->rounds && kind != TIMELINE_LIFE) || t->n_spans == t->each_max) {
        t->truncated = true;
        return;
    }
    t->spans[t->n_spans++] = (struct timeline_span){.from_s = from_s + s->extended_s,
                                                    .to_s = to_s + s->extended_s,
                                                    .mark = mark,
                                                    .actor = a,
                                                    .op = s->actors[a].op,
                                                    .round = (uint32_t)round,
                                                    .kind = kind};
}

/* Is anybody still in the rounds that are kept? */
static bool all_past(const struct timeline *t, const struct run *s)
{
    for (uint32_t a = 0; a < s->plan->actors; ++a) {
        if (s->plan->roles[s->plan->actor_role[a]].rounds && actor_round(s, a) < t->rounds) {
            return false;
        }
    }
    return true;
}

void timeline_request(struct timeline *t, const struct run *s, uint32_t a, double sent_s,
                      double flow_s)
{
    t->over = t->over || (actor_round(s, a) >= t->rounds && all_past(t, s));
    if (t->over || t->n_requests == t->each_max) {
        t->truncated = true;
        return;
    }
    const double to_s = s->queue.now_s;
    t->requests[t->n_requests++] =
        (struct timeline_request){.sent_s = sent_s + s->extended_s,
                                  .flow_s = fmin(flow_s, to_s) + s->extended_s,
                                  .to_s = to_s + s->extended_s,
                                  .actor = a,
                                  .op = s->actors[a].op};
}

void timeline_rate(struct timeline *t, const struct run *s, uint32_t fluid, double bytes_per_s)
{
    if (t->over || t->n_rates == t->each_max) {
        t->truncated = true;
        return;
    }
    t->rates[t->n_rates++] = (struct timeline_rate){run_now(s), bytes_per_s, fluid};
}

/* ---------------------------------------------------------------- words */

static const struct role *role_of(const struct plan *p, uint32_t a)
{
    return &p->program->roles[p->actor_role[a]];
}

static const char *category_word(enum category category)
{
    static const char *const words[CATEGORIES] = {
        [CATEGORY_STARTUP] = "start-up", [CATEGORY_LOAD] = "load",
        [CATEGORY_COMPUTE] = "compute",  [CATEGORY_EXCHANGE] = "exchange",
        [CATEGORY_WAIT] = "wait",        [CATEGORY_CHECKPOINT] = "checkpoint"};
    return words[category];
}

static const char *name_of(const struct plan *p, const struct timeline_span *span)
{
    switch (span->kind) {
    case TIMELINE_WAIT:
        return "wait";
    case TIMELINE_START:
        return "start";
    case TIMELINE_MARK:
        return span->mark;
    default:
        return p->program->phases[p->ops[span->op].phase].name;
    }
}

static enum category category_of(const struct plan *p, const struct timeline_span *span)
{
    switch (span->kind) {
    case TIMELINE_WAIT:
        return CATEGORY_WAIT;
    case TIMELINE_START:
        return CATEGORY_STARTUP;
    default:
        return p->program->phases[p->ops[span->op].phase].category;
    }
}

/* ---------------------------------------------------------------- Chrome trace */

enum { PID_ACTORS = 1, PID_STORES = 2 };

/* Viewers keep thread 0 for the idle task. */
static unsigned thread_of(uint32_t actor)
{
    return actor + 1;
}

/* Times are microseconds, to the nanosecond. */
static void event_begin(struct text *out, const char *phase, unsigned pid, double at_s)
{
    text_printf(out, ",\n{\"ph\":\"%s\",\"pid\":%u,\"ts\":%.3f", phase, pid, at_s * 1e6);
}

static void write_names(struct text *out, const struct plan *p)
{
    static const char *const processes[] = {"actors", "stores"};
    for (unsigned i = 0; i < 2; ++i) {
        text_printf(
            out,
            "%s{\"ph\":\"M\",\"pid\":%u,\"name\":\"process_name\",\"args\":{\"name\":\"%s\"}}"
            ",\n{\"ph\":\"M\",\"pid\":%u,\"name\":\"process_sort_index\","
            "\"args\":{\"sort_index\":%u}}",
            i > 0 ? ",\n" : "", i + 1, processes[i], i + 1, i);
    }
    for (uint32_t a = 0; a < p->actors; ++a) {
        const unsigned thread = thread_of(a);
        struct text name = {0};
        text_printf(&name, "%s %u", role_of(p, a)->name, self_of(p, a));
        text_printf(
            out,
            ",\n{\"ph\":\"M\",\"pid\":%d,\"tid\":%u,\"name\":\"thread_name\",\"args\":{\"name\":",
            PID_ACTORS, thread);
        text_json_string(out, name.data != NULL ? name.data : "");
        text_printf(out,
                    "}},\n{\"ph\":\"M\",\"pid\":%d,\"tid\":%u,\"name\":\"thread_sort_index\","
                    "\"args\":{\"sort_index\":%u}}",
                    PID_ACTORS, thread, a);
        text_free(&name);
    }
}

static void write_span(struct text *out, const struct plan *p, const struct timeline_span *span)
{
    const bool mark = span->kind == TIMELINE_MARK;
    event_begin(out, mark ? "i" : "X", PID_ACTORS, span->from_s);
    if (!mark) {
        text_printf(out, ",\"dur\":%.3f", (span->to_s - span->from_s) * 1e6);
    }
    text_printf(out, ",\"tid\":%u,\"cat\":\"%s\",\"name\":", thread_of(span->actor),
                category_word(category_of(p, span)));
    text_json_string(out, name_of(p, span));
    if (mark) {
        text_puts(out, ",\"s\":\"t\"}");
    } else {
        text_printf(out, ",\"args\":{\"round\":%u}}", span->round);
    }
}

/* A counter goes up where a span begins and down where it ends. */
struct step {
    double at_s, by[2];
};

static int order_steps(const void *pa, const void *pb)
{
    const struct step *a = pa, *b = pb;
    return a->at_s < b->at_s ? -1 : a->at_s > b->at_s;
}

static void write_counter(struct text *out, struct step *steps, size_t n, unsigned pid,
                          const char *name, const char *const series[2])
{
    double value[2] = {0, 0}, most[2] = {0, 0};
    qsort(steps, n, sizeof *steps, order_steps);
    for (size_t i = 0; i < n; ++i) {
        value[0] += steps[i].by[0];
        value[1] += steps[i].by[1];
        most[0] = fmax(most[0], value[0]);
        most[1] = fmax(most[1], value[1]);
        if (i + 1 < n && steps[i + 1].at_s == steps[i].at_s) {
            continue;
        }
        event_begin(out, "C", pid, steps[i].at_s);
        text_puts(out, ",\"name\":");
        text_json_string(out, name);
        text_puts(out, ",\"args\":{");
        for (int k = 0; k < 2 && series[k] != NULL; ++k) {
            const double rounded =
                value[k] < 1e-9 * most[k] ? 0 : value[k]; /* the sum's rounding */
            text_printf(out, "%s\"%s\":%.9g", k > 0 ? "," : "", series[k], rounded);
        }
        text_puts(out, "}}");
    }
}

/* Requests of one store in one direction, and what they move: each at its own speed, unless the
 * store shares its bandwidth among them. */
static size_t store_steps(const struct timeline *t, const struct plan *p, uint16_t store,
                          enum op_kind kind, struct step *steps)
{
    const uint32_t fluid =
        (uint32_t)store * DIRECTIONS + (kind == OP_PUT ? DIRECTION_PUT : DIRECTION_GET);
    double before = 0;
    size_t n = 0;
    for (size_t i = 0; i < t->n_requests; ++i) {
        const struct timeline_request *const request = &t->requests[i];
        const struct plan_op *const op = &p->ops[request->op];
        if (op->kind == kind && op->store == store) {
            const double moves_s = request->to_s - request->flow_s;
            const double rate =
                op->fluid == FLUID_FREE && moves_s > 0 ? op->size_bytes / moves_s : 0;
            steps[n++] = (struct step){request->sent_s, {0, 1}};
            steps[n++] = (struct step){request->to_s, {-rate, -1}};
            if (rate > 0) {
                steps[n++] = (struct step){request->flow_s, {rate, 0}};
            }
        }
    }
    for (size_t i = 0; i < t->n_rates; ++i) {
        if (t->rates[i].fluid == fluid) {
            steps[n++] = (struct step){t->rates[i].at_s, {t->rates[i].bytes_per_s - before, 0}};
            before = t->rates[i].bytes_per_s;
        }
    }
    return n;
}

/* Lives go on after the rounds that are kept, and some actors are ahead of others: a viewer would
 * show hours of nothing else. */
static size_t drop_after(struct step *steps, size_t n, double last_s)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; ++i) {
        if (steps[i].at_s <= last_s) {
            steps[kept++] = steps[i];
        }
    }
    return kept;
}

static double last_span_s(const struct timeline *t)
{
    double last_s = 0;
    for (size_t i = 0; i < t->n_spans; ++i) {
        last_s = t->spans[i].kind != TIMELINE_LIFE ? fmax(last_s, t->spans[i].to_s) : last_s;
    }
    return last_s;
}

static size_t life_steps(const struct timeline *t, struct step *steps)
{
    size_t n = 0;
    for (size_t i = 0; i < t->n_spans; ++i) {
        if (t->spans[i].kind == TIMELINE_LIFE) {
            steps[n++] = (struct step){t->spans[i].from_s, {1, 0}};
            steps[n++] = (struct step){t->spans[i].to_s, {-1, 0}};
        }
    }
    return n;
}

static void write_counters(struct text *out, const struct timeline *t, const struct plan *p,
                           struct step *steps)
{
    static const char *const uses[STORE_USES] = {"store", "data store", "message store", "network"};
    static const char *const moving[] = {"bytes_per_s", "requests"};
    static const char *const running[] = {"functions", NULL};
    const double last_s = last_span_s(t);
    size_t n = drop_after(steps, life_steps(t, steps), last_s);
    write_counter(out, steps, n, PID_ACTORS, "running", running);
    for (uint16_t store = 0; store < STORE_USES; ++store) {
        for (int d = 0; d < DIRECTIONS; ++d) {
            const enum op_kind kind = d == DIRECTION_PUT ? OP_PUT : OP_GET;
            struct text name = {0};
            const char *own = p->config->stores[store].name;
            const bool named = own != NULL && strcmp(own, "") != 0 && strcmp(own, "store") != 0;
            text_printf(&name, named ? "%s (%s), %s" : "%s%s, %s", uses[store], named ? own : "",
                        kind == OP_PUT ? "PUT" : "GET");
            n = drop_after(steps, store_steps(t, p, store, kind, steps), last_s);
            write_counter(out, steps, n, PID_STORES, name.data != NULL ? name.data : "", moving);
            text_free(&name);
        }
    }
}

void text_timeline(struct text *out, const struct timeline *t, const struct plan *plan)
{
    struct step *const steps =
        malloc((2 * t->n_spans + 3 * t->n_requests + t->n_rates + 1) * sizeof *steps);
    if (steps == NULL) {
        out->failed = true;
        return;
    }
    text_printf(
        out, "{\"displayTimeUnit\":\"ms\",\"otherData\":{\"rounds_kept\":%u,\"truncated\":%s},\n",
        t->rounds, t->truncated ? "true" : "false");
    text_puts(out, "\"traceEvents\":[\n");
    write_names(out, plan);
    for (size_t i = 0; i < t->n_spans; ++i) {
        if (t->spans[i].kind != TIMELINE_LIFE) {
            write_span(out, plan, &t->spans[i]);
        }
    }
    write_counters(out, t, plan, steps);
    text_puts(out, "\n]}\n");
    free(steps);
}

/* ---------------------------------------------------------------- one round for gnuplot */

void text_gantt(struct text *out, const struct timeline *t, const struct plan *plan, uint32_t round)
{
    text_puts(out, "round,lane,from_s,to_s,category,role,name\n");
    for (size_t i = 0; i < t->n_spans; ++i) {
        const struct timeline_span *const span = &t->spans[i];
        if (span->round != round || round >= plan->rounds || span->kind == TIMELINE_LIFE ||
            span->kind == TIMELINE_MARK || !(span->to_s > span->from_s)) {
            continue;
        }
        text_printf(out, "%u,%u,", span->round, self_of(plan, span->actor));
        text_number(out, span->from_s);
        text_puts(out, ",");
        text_number(out, span->to_s);
        text_printf(out, ",%s,", category_word(category_of(plan, span)));
        text_csv(out, role_of(plan, span->actor)->name);
        text_puts(out, ",");
        text_csv(out, name_of(plan, span));
        text_puts(out, "\n");
    }
}
