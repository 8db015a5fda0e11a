/* gantt: who does what when. Reads a timeline in Chrome's trace format (`simulate --timeline`), or
 * CSV: lane, from_s, to_s, category, role, which names the lanes of numbers, and the round. */
#include "cli/plot.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LANES_MAX = 40, CATEGORIES_MAX = 8, SPANS_MAX = 6000 };

struct spans {
    struct frame frame;
    int lane, role, category, from, to, round;
};

static void want(struct spans *s)
{
    s->lane = frame_want(&s->frame, "lane", true);
    s->role = frame_want(&s->frame, "role", true);
    s->category = frame_want(&s->frame, "category", true);
    s->from = frame_want(&s->frame, "from_s", false);
    s->to = frame_want(&s->frame, "to_s", false);
    s->round = frame_want(&s->frame, "round", false);
}

/* ---------------------------------------------------------------- Chrome's trace format */

static const struct json *event_member(const struct json *event, const char *key,
                                       enum json_kind kind)
{
    const struct json *value = json_member(event, key);
    return value != NULL && value->kind == kind ? value : NULL;
}

static double event_number(const struct json *event, const char *key)
{
    const struct json *value = event_member(event, key, JSON_NUMBER);
    return value != NULL ? value->number : (double)NAN;
}

/* "Each thread is a lane"; its name stands in an event of its own (ph "M", thread_name). */
static enum status name_threads(const struct json *events, struct pair_map *threads,
                                const char ***names, struct arena *a, struct error *err)
{
    *names = arena_alloc(a, (events->count + 1) * sizeof **names);
    if (*names == NULL) {
        return RAISE(err, ERR_MEMORY, "out of memory for a timeline");
    }
    for (const struct json *e = events->first; e != NULL; e = e->next) {
        const struct json *kind = event_member(e, "name", JSON_STRING);
        const struct json *args = event_member(e, "args", JSON_OBJECT);
        const struct json *name = args != NULL ? event_member(args, "name", JSON_STRING) : NULL;
        if (kind == NULL || name == NULL || strcmp(kind->text, "thread_name") != 0) {
            continue;
        }
        const uint32_t thread = pair_map_index(threads, (uint64_t)event_number(e, "pid"),
                                               (uint64_t)event_number(e, "tid"));
        if (thread == UINT32_MAX) {
            return RAISE(err, ERR_MEMORY, "out of memory for a timeline");
        }
        (*names)[thread] = name->text;
    }
    return STATUS_OK;
}

static enum status add_event(struct spans *s, const struct json *event, const char *lane,
                             struct error *err)
{
    const struct json *category = event_member(event, "cat", JSON_STRING);
    double cells[FRAME_COLUMNS] = {0};
    if (category == NULL) {
        category = event_member(event, "name", JSON_STRING);
    }
    const char *words = category != NULL ? category->text : "";
    const uint32_t lane_id = frame_text_id(&s->frame, lane, strlen(lane));
    const uint32_t category_id = frame_text_id(&s->frame, words, strlen(words));
    if (lane_id == UINT32_MAX || category_id == UINT32_MAX) {
        return RAISE(err, ERR_MEMORY, "out of memory for a timeline");
    }
    cells[s->lane] = lane_id;
    cells[s->role] = cells[s->round] = NAN;
    cells[s->category] = category_id;
    cells[s->from] = event_number(event, "ts") * 1e-6;
    cells[s->to] = cells[s->from] + event_number(event, "dur") * 1e-6;
    return frame_add(&s->frame, cells, err);
}

static enum status read_trace(struct spans *s, const struct json *events, struct error *err)
{
    struct pair_map threads = {0};
    const char **names = NULL;
    if (events->kind != JSON_ARRAY) {
        return JSON_RAISE(err, events, ERR_INPUT, "expected an array of events");
    }
    name_threads(events, &threads, &names, &s->frame.arena, err);
    for (const struct json *e = events->first; e != NULL && err->code == STATUS_OK; e = e->next) {
        const struct json *phase = event_member(e, "ph", JSON_STRING);
        if (phase == NULL || strcmp(phase->text, "X") != 0) {
            continue;
        }
        const double tid = event_number(e, "tid");
        const size_t before = threads.count;
        const uint32_t thread =
            pair_map_index(&threads, (uint64_t)event_number(e, "pid"), (uint64_t)tid);
        char number[32];
        snprintf(number, sizeof number, "%g", tid);
        const bool named = thread < before && names[thread] != NULL;
        add_event(s, e, named ? names[thread] : number, err);
    }
    for (size_t c = 0; c < s->frame.n_columns; c++) {
        s->frame.columns[c].present = true;
    }
    pair_map_free(&threads);
    return err->code;
}

static enum status read_spans(struct spans *s, const char *path, struct error *err)
{
    char first = '\0';
    struct json *tree = NULL;
    s->frame.path = path;
    if (file_first_character(path, &first, err) != STATUS_OK) {
        return err->code;
    }
    if (first != '{' && first != '[') {
        return frame_read_csv(&s->frame, path, err);
    }
    if (json_load(&s->frame.arena, path, &tree, err) != STATUS_OK) {
        return err->code;
    }
    const struct json *events = tree->kind == JSON_OBJECT ? json_member(tree, "traceEvents") : tree;
    if (events == NULL) {
        return JSON_RAISE(err, tree, ERR_INPUT,
                          "no \"traceEvents\": expected a timeline of simulate --timeline");
    }
    return read_trace(s, events, err);
}

/* ---------------------------------------------------------------- the table */

/* Number of a text among those seen, in order of appearance; `limit` when there are more. */
static size_t seen_before(const char **seen, size_t *n, size_t limit, const char *text,
                          struct arena *a)
{
    size_t i = 0;
    while (i < *n && strcmp(seen[i], text) != 0) {
        i++;
    }
    const char *copy = i == *n && *n < limit ? arena_copy(a, text, strlen(text)) : NULL;
    if (copy != NULL) {
        seen[(*n)++] = copy;
    }
    return i;
}

static void set_names(struct plot *p, const char *array, const char *count, const char **names,
                      size_t n, size_t limit)
{
    plot_set_number(p, count, (double)n);
    text_printf(&p->picture.header, "array %s[%zu]\n", array, n);
    for (size_t i = 0; i < n; i++) {
        char name[64];
        snprintf(name, sizeof name, "%s[%zu]", array, i + 1);
        plot_set_text(p, name, names[i], limit);
    }
}

/* The categories of time, and how people call them; they have colours of their own. */
static const char *const phases[][2] = {{"start-up", "start-up"}, {"load", "loading"},
                                        {"compute", "computing"}, {"exchange", "exchange"},
                                        {"wait", "waiting"},      {"checkpoint", "checkpoints"}};
enum { PHASES = sizeof phases / sizeof phases[0] };

static const char *category_words(const char *category)
{
    for (size_t i = 0; i < PHASES; i++) {
        if (strcmp(phases[i][0], category) == 0) {
            return phases[i][1];
        }
    }
    return category;
}

static void set_tints(struct plot *p, const char *const *categories, size_t n)
{
    size_t other = PHASES;
    text_printf(&p->picture.header, "array tint[%zu]\n", n);
    for (size_t i = 0; i < n; i++) {
        size_t tint = 0;
        while (tint < PHASES && strcmp(phases[tint][1], categories[i]) != 0) {
            tint++;
        }
        /* Eight colours: what is no phase takes the rest, then the phases' again. */
        tint = tint < PHASES ? tint : other++ % 8;
        text_printf(&p->picture.header, "tint[%zu] = %zu\n", i + 1, tint + 1);
    }
}

/* "worker 3": of the role when there is one, else the lane alone. */
static void name_lane(const struct spans *s, size_t row, char *out, size_t size)
{
    const char *lane = frame_text(&s->frame, row, s->lane);
    const char *role = frame_text(&s->frame, row, s->role);
    snprintf(out, size, "%s%s%s", role, role[0] != '\0' ? " " : "", lane);
}

/* Length of a lane's name without its number. */
static size_t role_length(const char *name)
{
    size_t n = strlen(name);
    while (n > 0 && name[n - 1] >= '0' && name[n - 1] <= '9') {
        n--;
    }
    return n;
}

/* Role by role, worker 2 before worker 10. */
static int by_name(const void *left, const void *right)
{
    const char *a = *(const char *const *)left;
    const char *b = *(const char *const *)right;
    const size_t n = role_length(a);
    const size_t m = role_length(b);
    const int roles = strncmp(a, b, n < m ? n : m);
    if (roles != 0 || n != m) {
        return roles != 0 ? roles : n < m ? -1 : 1;
    }
    const size_t digits = strlen(a);
    const size_t others = strlen(b);
    return digits != others ? (digits < others ? -1 : 1) : strcmp(a, b);
}

/* How many of each role are shown when there is no room for all: as equal a number as possible. */
static size_t lanes_each(const char *const *names, size_t n)
{
    size_t most = LANES_MAX;
    for (size_t shown = n; shown > LANES_MAX && most > 0; most -= shown > LANES_MAX) {
        shown = 0;
        for (size_t i = 0; i < n;) {
            size_t end = i + 1;
            while (end < n && role_length(names[end]) == role_length(names[i]) &&
                   strncmp(names[end], names[i], role_length(names[i])) == 0) {
                end++;
            }
            shown += end - i < most ? end - i : most;
            i = end;
        }
    }
    return most;
}

/* Lanes that are shown, spread over those of their role; *all counts every one. */
static size_t collect_lanes(const struct spans *s, const char *lanes[LANES_MAX], size_t *all,
                            struct arena *a)
{
    const char **names = arena_alloc(a, (s->frame.n_rows + 1) * sizeof *names);
    size_t n = 0;
    *all = 0;
    for (size_t i = 0; i < s->frame.n_rows && names != NULL; i++) {
        char name[128];
        name_lane(s, i, name, sizeof name);
        names[*all] = arena_copy(a, name, strlen(name));
        *all += names[*all] != NULL;
    }
    if (*all == 0) {
        return 0;
    }
    qsort(names, *all, sizeof *names, by_name);
    for (size_t i = 0; i < *all; i++) {
        if (n == 0 || strcmp(names[n - 1], names[i]) != 0) {
            names[n++] = names[i];
        }
    }
    *all = n;
    const size_t most = lanes_each(names, n);
    size_t shown = 0;
    for (size_t i = 0; i < n;) {
        const size_t length = role_length(names[i]);
        size_t end = i + 1;
        while (end < n && role_length(names[end]) == length &&
               strncmp(names[end], names[i], length) == 0) {
            end++;
        }
        const size_t some = end - i < most ? end - i : most;
        for (size_t k = 0; k < some && shown < LANES_MAX; k++) {
            lanes[shown++] = names[i + k * (end - i) / some];
        }
        i = end;
    }
    return shown;
}

static size_t find_lane(const char *const *lanes, size_t n, const char *name)
{
    size_t i = 0;
    while (i < n && strcmp(lanes[i], name) != 0) {
        i++;
    }
    return i;
}

static enum status write_spans(struct plot *p, const struct spans *s, struct error *err)
{
    const struct frame *f = &s->frame;
    struct arena arena = {0};
    const char *lanes[LANES_MAX];
    const char *categories[CATEGORIES_MAX];
    size_t all_lanes = 0;
    const size_t n_lanes = collect_lanes(s, lanes, &all_lanes, &arena);
    size_t n_categories = 0;
    size_t drawn = 0;
    size_t beyond = 0;
    size_t broken = 0;
    double start_s = INFINITY;
    double end_s = -INFINITY;
    const double round = f->n_rows > 0 ? frame_number(f, 0, s->round) : (double)NAN;
    bool one_round = true;
    for (size_t i = 0; i < f->n_rows; i++) {
        start_s = fmin(start_s, frame_number(f, i, s->from));
        end_s = fmax(end_s, frame_number(f, i, s->to));
        one_round = one_round && frame_number(f, i, s->round) == round;
    }
    const double shortest_s = f->n_rows > SPANS_MAX ? (end_s - start_s) / 2000 : 0;
    text_puts(&p->picture.data, "lane,category,from_s,to_s\n");
    for (size_t i = 0; i < f->n_rows; i++) {
        const double from_s = frame_number(f, i, s->from);
        const double to_s = frame_number(f, i, s->to);
        if (!isfinite(from_s) || !isfinite(to_s) || to_s < from_s) {
            broken++;
            continue;
        }
        char name[128];
        name_lane(s, i, name, sizeof name);
        const size_t lane = find_lane(lanes, n_lanes, name);
        if (lane == n_lanes || drawn == SPANS_MAX || to_s - from_s < shortest_s) {
            beyond++;
            continue;
        }
        size_t category = seen_before(categories, &n_categories, CATEGORIES_MAX - 1,
                                      category_words(frame_text(f, i, s->category)), &arena);
        if (category == CATEGORIES_MAX - 1) {
            categories[category] = "other";
            n_categories = CATEGORIES_MAX;
        }
        drawn++;
        plot_cell(p, (double)lane + 1, false);
        plot_cell(p, (double)category + 1, false);
        plot_cell(p, from_s, false);
        plot_cell(p, to_s, true);
    }
    if (drawn == 0) {
        arena_free(&arena);
        return RAISE(err, ERR_INPUT, "no span to draw in %s", f->path);
    }
    if (beyond > 0) {
        text_printf(&p->note, "%zu of %zu spans are not drawn: too short, or of lanes not shown. ",
                    beyond, f->n_rows);
    }
    if (broken > 0) {
        text_printf(&p->note, "%zu spans without a finite start and end left out. ", broken);
    }
    set_names(p, "lane", "lanes", lanes, n_lanes, 22);
    set_names(p, "category", "categories", categories, n_categories, 30);
    set_tints(p, categories, n_categories);
    arena_free(&arena);
    if (one_round) {
        text_printf(&p->subtitle, "round %.0f, ", round);
    }
    if (n_lanes < all_lanes) {
        text_printf(&p->subtitle, "%zu of ", n_lanes);
    }
    text_printf(&p->subtitle, "%zu lane%s, %zu spans", all_lanes, all_lanes == 1 ? "" : "s",
                f->n_rows);
    return STATUS_OK;
}

static enum status make(struct plot *p, struct error *err)
{
    struct spans s = {0};
    want(&s);
    if (p->table != NULL) {
        FILE *stream = fmemopen(p->table->data, p->table->size, "r");
        if (stream == NULL) {
            return RAISE(err, ERR_MEMORY, "out of memory for a table");
        }
        frame_read_stream(&s.frame, stream, "the simulated round", err);
        fclose(stream);
    }
    for (int i = 0; i < p->n_sources && err->code == STATUS_OK; i++) {
        read_spans(&s, p->sources[i], err);
    }
    if (err->code == STATUS_OK &&
        frame_need(&s.frame, s.lane, "names who works", err) == STATUS_OK &&
        frame_need(&s.frame, s.from, "starts a span", err) == STATUS_OK &&
        frame_need(&s.frame, s.to, "ends a span", err) == STATUS_OK &&
        write_spans(p, &s, err) == STATUS_OK) {
        plot_set_frame(p, "Who does what when", NULL);
    }
    frame_free(&s.frame);
    return err->code;
}

const struct plot_kind plot_gantt = {
    .name = "gantt",
    .make = make,
    .own_input = true,
};
