/* pareto: every configuration as a point of time and dollars, the front, names of its points where
 * there is room. */
#include "cli/plot.h"

#include <math.h>
#include <stdlib.h>

/* Cells of the grid that thins points: two a pixel apart look like one. */
enum { GRID_X = 240, GRID_Y = 160, LABELS = 10 };

static const char *const wants[] = {"workers", "time_s", "cost_usd", NULL};

struct point {
    double time_s, cost_usd, u, v; /* u, v: place in the frame, 0 to 1 */
    size_t row;
    uint32_t of;
    bool front, label;
};

static int by_time(const void *left, const void *right)
{
    const struct point *a = left;
    const struct point *b = right;
    if (a->time_s != b->time_s) {
        return a->time_s < b->time_s ? -1 : 1;
    }
    return a->cost_usd != b->cost_usd ? (a->cost_usd < b->cost_usd ? -1 : 1)
                                      : (a->row > b->row) - (a->row < b->row);
}

/* Where pareto.gp puts a value: logarithmic beyond a ratio of 10. */
static double place(double value, double low, double high)
{
    if (high <= low) {
        return 0.5;
    }
    return low > 0 && high > 10 * low ? log(value / low) / log(high / low)
                                      : (value - low) / (high - low);
}

static size_t mark_front(struct point *points, size_t n)
{
    double low[2] = {INFINITY, INFINITY};
    double high[2] = {-INFINITY, -INFINITY};
    size_t front = 0;
    qsort(points, n, sizeof *points, by_time);
    for (size_t i = 0; i < n; i++) {
        points[i].front = points[i].cost_usd < low[1];
        front += points[i].front;
        low[0] = fmin(low[0], points[i].time_s);
        high[0] = fmax(high[0], points[i].time_s);
        low[1] = fmin(low[1], points[i].cost_usd);
        high[1] = fmax(high[1], points[i].cost_usd);
    }
    for (size_t i = 0; i < n; i++) {
        points[i].u = place(points[i].time_s, low[0], high[0]);
        points[i].v = place(points[i].cost_usd, low[1], high[1]);
    }
    return front;
}

/* Names of front points, the ends first, each only where no other name or point of the front is. */
static void choose_labels(struct point *points, size_t n, bool long_words)
{
    const double width = long_words ? 0.26 : 0.14;
    const double height = 0.08;
    const struct point *taken[LABELS];
    size_t labels = 0;
    for (int round = 0; round < 2; round++) {
        size_t last = n;
        for (size_t i = 0; i < n; i++) {
            last = points[i].front ? i : last;
        }
        for (size_t i = 0; i < n && labels < LABELS; i++) {
            struct point *p = &points[i];
            const bool end = i == 0 || i == last;
            if (!p->front || p->label || (round == 0 && !end)) {
                continue;
            }
            bool room = true;
            for (size_t k = 0; k < labels; k++) {
                room =
                    room && (fabs(taken[k]->u - p->u) > width || fabs(taken[k]->v - p->v) > height);
            }
            if (room) {
                p->label = true;
                taken[labels++] = p;
            }
        }
    }
}

/* One point per cell and series is written, and the front likewise. */
static enum status write_points(struct plot *p, const struct point *points, size_t n,
                                struct error *err)
{
    const struct frame *f = &p->results.frame;
    const int workers = plot_column(p, "workers");
    struct pair_map seen = {0};
    text_puts(&p->picture.data, "series,front,label,workers,memory_mib,time_s,cost_usd\n");
    for (size_t i = 0; i < n && err->code == STATUS_OK; i++) {
        const uint64_t cell =
            (uint64_t)(points[i].u * GRID_X) * (GRID_Y + 1) + (uint64_t)(points[i].v * GRID_Y);
        const size_t before = seen.count;
        const uint64_t kind = 2 * (uint64_t)points[i].of + points[i].front;
        if (pair_map_index(&seen, cell, kind) == UINT32_MAX) {
            RAISE(err, ERR_MEMORY, "out of memory for %zu points", n);
        } else if (seen.count > before || points[i].label || i + 1 == n) {
            plot_cell(p, points[i].of + 1.0, false);
            plot_cell(p, points[i].front, false);
            plot_cell(p, points[i].label, false);
            plot_cell(p, frame_number(f, points[i].row, workers), false);
            plot_cell(p, frame_number(f, points[i].row, p->by.memory_mib), false);
            plot_cell(p, points[i].time_s, false);
            plot_cell(p, points[i].cost_usd, true);
        }
    }
    pair_map_free(&seen);
    return err->code;
}

static enum status make(struct plot *p, struct error *err)
{
    const struct frame *f = &p->results.frame;
    const int time = plot_column(p, "time_s");
    const int cost = plot_column(p, "cost_usd");
    struct series s = {0};
    if (frame_need(f, time, "this picture shows", err) != STATUS_OK ||
        frame_need(f, cost, "this picture shows", err) != STATUS_OK ||
        series_build(f, &p->by, time, cost, 0, &s, err) != STATUS_OK) {
        return err->code;
    }
    struct point *points = calloc(s.n_rows, sizeof *points);
    if (points == NULL) {
        series_free(&s);
        return RAISE(err, ERR_MEMORY, "out of memory for %zu points", s.n_rows);
    }
    bool memory_varies = false;
    for (size_t i = 0; i < s.n_rows; i++) {
        points[i] = (struct point){.time_s = frame_number(f, s.rows[i], time),
                                   .cost_usd = frame_number(f, s.rows[i], cost),
                                   .row = s.rows[i],
                                   .of = s.of[i]};
        memory_varies = memory_varies || frame_number(f, s.rows[i], p->by.memory_mib) !=
                                             frame_number(f, s.rows[0], p->by.memory_mib);
    }
    const bool named = f->columns[plot_column(p, "workers")].present;
    memory_varies = memory_varies && f->columns[p->by.memory_mib].present;
    const size_t front = mark_front(points, s.n_rows);
    if (named) {
        choose_labels(points, s.n_rows, memory_varies);
    }
    if (write_points(p, points, s.n_rows, err) == STATUS_OK) {
        const struct constraints *c = &p->results.constraints;
        plot_set_number(p, "deadline_s", c->deadline_s > 0 ? c->deadline_s : (double)NAN);
        plot_set_number(p, "budget_usd", c->budget_usd > 0 ? c->budget_usd : (double)NAN);
        plot_set_number(p, "memory_varies", memory_varies);
        text_printf(&p->note, "%zu configuration%s, %zu on the front. ", s.n_rows,
                    s.n_rows == 1 ? "" : "s", front);
        text_series_note(&p->note, &s, "best");
        plot_set_names(p, &s);
        plot_set_frame(p, "Time against dollars", &s);
    }
    free(points);
    series_free(&s);
    return err->code;
}

const struct plot_kind plot_pareto = {
    .name = "pareto",
    .wants = wants,
    .make = make,
};
