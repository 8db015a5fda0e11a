/* The axes of a sweep: lists and ranges of a grid or zip, columns of a CSV file, points of a Sobol
 * sequence. Generated values are kept as plain numbers (a million of them is nothing) and become
 * JSON only where a configuration is read from the tree.
 *
 * Sobol sequence: Bratley and Fox, ACM TOMS 14 (1988), algorithm 659, as GSL has it (at most 40
 * dimensions).
 */
#include "model/scenario.h"

#include <gsl/gsl_qrng.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double points_limit = 1e9;
static const double axis_limit = 1e7; /* values of one axis are held in memory */

/* ---------------------------------------------------------------- one axis */

/* A place in memory for one generated number, that knows where the axis was written. */
static struct json number_at(const struct json *at, double value)
{
    struct json node = {.kind = JSON_NUMBER, .number = value};
    node.origin = at->origin;
    node.parent = at->parent;
    node.key = at->key;
    return node;
}

struct json *axis_value(struct arena *a, const struct axis *axis, size_t i)
{
    if (axis->values != NULL) {
        return axis->values[i];
    }
    struct json *node = json_new(a, JSON_NUMBER, axis->at->origin);
    struct text t = {0};
    text_number(&t, axis->numbers[i]);
    if (node != NULL) {
        node->number = axis->numbers[i];
        node->text = t.failed ? NULL : arena_copy(a, t.data, t.size);
    }
    text_free(&t);
    return node != NULL && node->text != NULL ? node : NULL;
}

const char *axis_label(const struct axis *axis)
{
    static const char baseline[] = "/baseline/";
    const char *rest = axis->pointer;
    rest += strncmp(rest, baseline, sizeof baseline - 1) == 0 ? sizeof baseline - 1 : 1;
    const char *key = strchr(rest, '/'); /* behind the section */
    return key != NULL ? key + 1 : rest;
}

void text_axis_value(struct text *out, const struct axis *axis, size_t i)
{
    if (axis->values == NULL) {
        text_number(out, axis->numbers[i]);
    } else if (axis->values[i]->kind == JSON_STRING) {
        text_puts(out, axis->values[i]->text);
    } else {
        json_write(out, axis->values[i], 0);
    }
}

size_t axis_index(const struct scenario *s, const struct axis *axis, uint64_t point)
{
    for (size_t d = s->n_dimensions; d-- > (size_t)axis->dimension + 1;) {
        point /= s->dimensions[d];
    }
    return (size_t)(point % s->dimensions[axis->dimension]);
}

static enum status new_axis(struct scenario *s, struct json *at, const char *pointer,
                            struct axis **out, struct error *err)
{
    if (s->n_axes == AXIS_LIMIT) {
        return JSON_RAISE(err, at, ERR_INPUT, "more than %d axes", AXIS_LIMIT);
    }
    if (pointer[0] != '/') {
        return JSON_RAISE(err, at, ERR_INPUT,
                          "an axis is named by a JSON pointer such as /platform/workers, found "
                          "'%.60s'",
                          pointer);
    }
    for (size_t i = 0; i < s->n_axes; i++) {
        if (strcmp(s->axes[i].pointer, pointer) == 0) {
            return JSON_RAISE(err, at, ERR_INPUT, "a second axis for %.200s", pointer);
        }
    }
    *out = &s->axes[s->n_axes];
    **out = (struct axis){.pointer = pointer, .at = at};
    return STATUS_OK;
}

static enum status alloc_numbers(struct scenario *s, struct axis *axis, double count,
                                 struct error *err)
{
    axis->numbers = arena_alloc(&s->arena, (size_t)count * sizeof *axis->numbers);
    return axis->numbers != NULL
               ? STATUS_OK
               : RAISE(err, ERR_MEMORY, "out of memory for %g values of an axis", count);
}

/* Is this a number that can be written straight into the struct? */
static bool plain_number(const char *pointer)
{
    const struct field *field = NULL;
    size_t base = 0;
    return field_find(pointer, &field, &base) &&
           (field->type == FIELD_NUMBER || field->type == FIELD_COUNT) &&
           (field->flags & FIELD_STRUCTURAL) == 0;
}

/* Can the axis be written straight into the struct? Then its numbers are checked here, once. */
static enum status finish_axis(struct scenario *s, struct axis *axis, struct error *err)
{
    const struct field *field = NULL;
    size_t base = 0;
    bool fast = field_find(axis->pointer, &field, &base) && plain_number(axis->pointer);
    for (size_t i = 0; fast && axis->values != NULL && i < axis->count; i++) {
        fast = axis->values[i]->kind == JSON_NUMBER;
    }
    if (fast && axis->numbers == NULL) {
        if (alloc_numbers(s, axis, (double)axis->count, err) != STATUS_OK) {
            return err->code;
        }
        for (size_t i = 0; i < axis->count; i++) {
            axis->numbers[i] = axis->values[i]->number;
        }
    }
    struct config scratch;
    for (size_t i = 0; fast && i < axis->count; i++) {
        struct json generated = number_at(axis->at, axis->numbers[i]);
        struct json *node = axis->values != NULL ? axis->values[i] : &generated;
        if (value_field(&s->arena, field, node, (char *)&scratch + base, err) != STATUS_OK) {
            return err->code;
        }
    }
    for (size_t i = 0; i < AXIS_OFFSETS; i++) {
        const bool used = fast && i < 3 && field->offset[i] != NO_FIELD;
        axis->offsets[i] = used ? base + field->offset[i] : NO_FIELD;
    }
    axis->fast = fast;
    s->n_axes++;
    return STATUS_OK;
}

static bool counts_things(const char *pointer)
{
    const struct field *field = NULL;
    size_t base = 0;
    return field_find(pointer, &field, &base) && field->type == FIELD_COUNT;
}

/* ---------------------------------------------------------------- lists and ranges */

struct range {
    double from, to, points;
    bool logarithmic;
};

/* {"from", "to", "points", "scale"}; without points when a sample says how many. */
static enum status read_range(struct json *spec, bool with_points, struct range *out,
                              struct error *err)
{
    static const char *const keys[] = {"from", "to", "scale", "points"};
    const size_t n_keys = with_points ? 4 : 3;
    double number[4] = {0, 0, 0, 1};
    for (const struct json *child = spec->first; child != NULL; child = child->next) {
        const char *near = nearest_name(child->key, keys, n_keys);
        if (near == NULL || strcmp(near, child->key) != 0) {
            return JSON_RAISE(err, child, ERR_INPUT, "unknown key '%s', expected from, to, %sscale",
                              child->key, with_points ? "points, " : "");
        }
    }
    for (size_t i = 0; i < n_keys; i++) {
        const struct json *node = json_member(spec, keys[i]);
        if (i == 2) {
            continue;
        }
        if (node == NULL || node->kind != JSON_NUMBER) {
            return JSON_RAISE(err, node != NULL ? node : spec, ERR_INPUT,
                              "a range needs the number '%s'", keys[i]);
        }
        number[i] = node->number;
    }
    const struct json *scale = json_member(spec, "scale");
    const char *word = scale == NULL ? "linear" : scale->kind == JSON_STRING ? scale->text : "?";
    *out = (struct range){number[0], number[1], number[3],
                          strcmp(word, "log2") == 0 || strcmp(word, "log10") == 0};
    if (!out->logarithmic && strcmp(word, "linear") != 0) {
        return JSON_RAISE(err, scale, ERR_INPUT, "no scale \"%.40s\", expected linear, log2, log10",
                          word);
    }
    if (out->logarithmic && (out->from <= 0 || out->to <= 0)) {
        return JSON_RAISE(err, spec, ERR_INPUT, "a logarithmic range needs positive ends");
    }
    return STATUS_OK;
}

/* 251, not 251.00000000000003: a value that rounding alone keeps from being a decimal of at most
 * twelve digits is that decimal. */
static double tidy(double value)
{
    const double slack = 2e-14; /* relatively, what exp(log) and the sums may be off */
    char digits[32];
    snprintf(digits, sizeof digits, "%.12g", value);
    const double decimal = strtod(digits, NULL);
    return fabs(decimal - value) <= slack * fabs(value) ? decimal : value;
}

static double between(const struct range *r, double share)
{
    if (share >= 1) {
        return r->to;
    }
    return tidy(r->logarithmic ? exp(log(r->from) + share * (log(r->to) - log(r->from)))
                               : r->from + share * (r->to - r->from));
}

static enum status count_points(const struct json *node, double points, struct error *err)
{
    if (points != floor(points) || points < 1 || points > axis_limit) {
        return JSON_RAISE(err, node, ERR_INPUT,
                          "found %g points, expected a whole number from 1 to %g", points,
                          axis_limit);
    }
    return STATUS_OK;
}

/* Both ends included; whole numbers stay whole for counts, and then none comes twice. */
static enum status expand_range(struct scenario *s, struct axis *axis, struct json *spec,
                                struct error *err)
{
    struct range r;
    if (read_range(spec, true, &r, err) != STATUS_OK ||
        count_points(json_member(spec, "points"), r.points, err) != STATUS_OK ||
        alloc_numbers(s, axis, r.points, err) != STATUS_OK) {
        return err->code;
    }
    const bool whole = counts_things(axis->pointer);
    for (size_t i = 0; i < (size_t)r.points; i++) {
        double value = between(&r, r.points > 1 ? (double)i / (r.points - 1) : 0);
        value = whole ? round(value) : value;
        if (!whole || axis->count == 0 || axis->numbers[axis->count - 1] != value) {
            axis->numbers[axis->count++] = value;
        }
    }
    return STATUS_OK;
}

static enum status list_values(struct scenario *s, struct axis *axis, struct json *list,
                               struct error *err)
{
    axis->values = arena_alloc(&s->arena, (list->count + 1) * sizeof(struct json *));
    if (axis->values == NULL) {
        return RAISE(err, ERR_MEMORY, "out of memory for an axis");
    }
    for (struct json *item = list->first; item != NULL; item = item->next) {
        axis->values[axis->count++] = item;
    }
    return axis->count > 0 ? STATUS_OK : JSON_RAISE(err, list, ERR_INPUT, "an axis without values");
}

static enum status read_axis(struct scenario *s, struct json *node, struct error *err)
{
    struct axis *axis = NULL;
    if (new_axis(s, node, node->key, &axis, err) != STATUS_OK) {
        return err->code;
    }
    if (node->kind != JSON_OBJECT && node->kind != JSON_ARRAY) {
        return JSON_RAISE(err, node, ERR_INPUT,
                          "an axis is a list of values or {\"from\", \"to\", \"points\"}");
    }
    const enum status status = node->kind == JSON_OBJECT ? expand_range(s, axis, node, err)
                                                         : list_values(s, axis, node, err);
    return status == STATUS_OK ? finish_axis(s, axis, err) : status;
}

static void new_dimension(struct scenario *s, size_t count)
{
    s->dimensions[s->n_dimensions++] = count;
}

/* One axis in a dimension of its own. */
static enum status axis_add(struct scenario *s, struct json *node, struct error *err)
{
    if (read_axis(s, node, err) == STATUS_OK) {
        s->axes[s->n_axes - 1].dimension = (uint32_t)s->n_dimensions;
        new_dimension(s, s->axes[s->n_axes - 1].count);
    }
    return err->code;
}

enum status axes_from_object(struct scenario *s, struct json *part, bool zip, struct error *err)
{
    if (part->kind != JSON_OBJECT) {
        return JSON_RAISE(err, part, ERR_INPUT, "expected an object of JSON pointers");
    }
    for (struct json *node = part->first; node != NULL; node = node->next) {
        if (!zip || node == part->first) {
            if (axis_add(s, node, err) != STATUS_OK) {
                return err->code;
            }
            continue;
        }
        const size_t expected = s->dimensions[s->n_dimensions - 1];
        if (read_axis(s, node, err) != STATUS_OK) {
            return err->code;
        }
        struct axis *axis = &s->axes[s->n_axes - 1];
        axis->dimension = (uint32_t)s->n_dimensions - 1;
        if (axis->count != expected) {
            return JSON_RAISE(err, node, ERR_INPUT,
                              "%zu values, expected %zu as the other axes of the zip", axis->count,
                              expected);
        }
    }
    return STATUS_OK;
}

/* ---------------------------------------------------------------- columns of a file */

/* A cell as a value: JSON where it is JSON (numbers, true, lists), else a text. */
static enum status cell_value(struct arena *a, const struct table *t, const char *file, size_t row,
                              size_t column, struct json **out, struct error *err)
{
    const char *cell = table_cell(t, row, column);
    const struct json_origin origin = {
        .file = file, .line = t->lines[row], .column = (unsigned)column + 1};
    struct error not_json = {0};
    struct json *node = NULL;
    if (cell[0] == '\0') {
        RAISE(err, ERR_INPUT, "an empty cell in column %s", t->columns[column]);
        snprintf(err->file, sizeof err->file, "%s", file);
        err->line = t->lines[row];
        return err->code;
    }
    if (json_parse(a, file, cell, strlen(cell), &node, &not_json) != STATUS_OK) {
        node = json_new(a, JSON_STRING, origin);
        if (node == NULL || (node->text = arena_copy(a, cell, strlen(cell))) == NULL) {
            return RAISE(err, ERR_MEMORY, "out of memory reading %s", file);
        }
    }
    node->origin = origin;
    *out = node;
    return STATUS_OK;
}

/* A column of plain numbers is kept as numbers; each is checked where its line is known. */
static enum status number_column(struct scenario *s, const struct table *t, const char *file,
                                 size_t column, struct axis *axis, struct error *err)
{
    const struct field *field = NULL;
    size_t base = 0;
    struct config scratch;
    if (alloc_numbers(s, axis, (double)t->n_rows, err) != STATUS_OK) {
        return err->code;
    }
    field_find(axis->pointer, &field, &base);
    for (; axis->count < t->n_rows; axis->count++) {
        const size_t row = axis->count;
        double *value = &axis->numbers[row];
        if (table_number(t, row, column, value, err) != STATUS_OK) {
            return err->code;
        }
        struct json node = number_at(axis->at, *value);
        node.origin = (struct json_origin){.file = file, .line = t->lines[row], .column = 0};
        node.key = axis->pointer + 1;
        node.parent = NULL;
        if (isnan(*value)) {
            return JSON_RAISE(err, &node, ERR_INPUT, "an empty cell, expected a number");
        }
        if (value_field(&s->arena, field, &node, (char *)&scratch + base, err) != STATUS_OK) {
            return err->code;
        }
    }
    return STATUS_OK;
}

static enum status read_column(struct scenario *s, const struct table *t, const char *file,
                               size_t column, struct json *at, struct error *err)
{
    struct axis *axis = NULL;
    const char *pointer = arena_copy(&s->arena, t->columns[column], strlen(t->columns[column]));
    if (pointer == NULL) {
        return RAISE(err, ERR_MEMORY, "out of memory reading %s", file);
    }
    if (new_axis(s, at, pointer, &axis, err) != STATUS_OK) {
        return err->code;
    }
    axis->dimension = (uint32_t)s->n_dimensions;
    if (plain_number(pointer)) {
        return number_column(s, t, file, column, axis, err) == STATUS_OK ? finish_axis(s, axis, err)
                                                                         : err->code;
    }
    axis->values = arena_alloc(&s->arena, t->n_rows * sizeof(struct json *));
    if (axis->values == NULL) {
        return RAISE(err, ERR_MEMORY, "out of memory reading %s", file);
    }
    for (; axis->count < t->n_rows; axis->count++) {
        if (cell_value(&s->arena, t, file, axis->count, column, &axis->values[axis->count], err) !=
            STATUS_OK) {
            return err->code;
        }
    }
    return finish_axis(s, axis, err);
}

enum status axes_from_table(struct scenario *s, struct json *part, struct error *err)
{
    if (part->kind != JSON_STRING) {
        return JSON_RAISE(err, part, ERR_INPUT,
                          "expected the name of a CSV file whose columns are JSON pointers");
    }
    const char *file = path_beside(&s->arena, part->origin.file, part->text);
    struct table t;
    struct error load = {0};
    if (file == NULL) {
        return RAISE(err, ERR_MEMORY, "out of memory reading %s", part->text);
    }
    if (table_load(file, &t, &load) != STATUS_OK) {
        return load.code == ERR_IO ? JSON_RAISE(err, part, ERR_INPUT, "%s", load.message)
                                   : (*err = load, load.code);
    }
    if (t.n_rows == 0 || (double)t.n_rows > axis_limit) {
        JSON_RAISE(err, part, ERR_INPUT, "%.200s has %zu rows, expected 1 to %g", file, t.n_rows,
                   axis_limit);
    }
    for (size_t c = 0; c < t.n_columns && err->code == STATUS_OK; c++) {
        read_column(s, &t, file, c, part, err);
    }
    if (err->code == STATUS_OK) {
        new_dimension(s, t.n_rows);
    }
    table_free(&t);
    return err->code;
}

/* ---------------------------------------------------------------- Sobol points */

/* The points of a sample need not touch the ends of a range: check these too. */
static enum status check_ends(struct scenario *s, const struct axis *axis, struct json *node,
                              struct error *err)
{
    const struct field *field = NULL;
    size_t base = 0;
    struct config scratch;
    if (!plain_number(axis->pointer)) {
        return STATUS_OK;
    }
    field_find(axis->pointer, &field, &base);
    char *at = (char *)&scratch + base;
    return value_field(&s->arena, field, json_member(node, "from"), at, err) == STATUS_OK
               ? value_field(&s->arena, field, json_member(node, "to"), at, err)
               : err->code;
}

/* One coordinate of the sequence as a value: an entry of a list, or a place in a range. A count
 * takes each of its whole numbers with the same chance, the ends too. */
static enum status sample_axis(struct scenario *s, struct json *node, const double *shares,
                               size_t points, size_t stride, struct error *err)
{
    struct axis *axis = NULL;
    if (new_axis(s, node, node->key, &axis, err) != STATUS_OK) {
        return err->code;
    }
    axis->dimension = (uint32_t)s->n_dimensions;
    if (node->kind == JSON_ARRAY) {
        struct json *item = node->first;
        axis->values = arena_alloc(&s->arena, points * sizeof(struct json *));
        struct json **list = arena_alloc(&s->arena, (node->count + 1) * sizeof(struct json *));
        if (axis->values == NULL || list == NULL) {
            return RAISE(err, ERR_MEMORY, "out of memory for a sample");
        }
        if (item == NULL) {
            return JSON_RAISE(err, node, ERR_INPUT, "an axis without values");
        }
        for (size_t i = 0; item != NULL; item = item->next) {
            list[i++] = item;
        }
        for (; axis->count < points; axis->count++) {
            const double share = shares[axis->count * stride];
            axis->values[axis->count] = list[(size_t)(share * (double)node->count)];
        }
        return finish_axis(s, axis, err);
    }
    struct range r;
    if (node->kind != JSON_OBJECT) {
        return JSON_RAISE(err, node, ERR_INPUT, "expected a list or {\"from\", \"to\", \"scale\"}");
    }
    if (read_range(node, false, &r, err) != STATUS_OK ||
        check_ends(s, axis, node, err) != STATUS_OK ||
        alloc_numbers(s, axis, (double)points, err) != STATUS_OK) {
        return err->code;
    }
    const bool whole = counts_things(axis->pointer);
    const double low = fmin(r.from, r.to);
    const double high = fmax(r.from, r.to);
    const struct range wide = {low, high + 1, 0, r.logarithmic};
    for (; axis->count < points; axis->count++) {
        const double share = shares[axis->count * stride];
        axis->numbers[axis->count] =
            whole ? fmin(high, floor(between(&wide, share))) : between(&r, share);
    }
    return finish_axis(s, axis, err);
}

enum status axes_from_sample(struct scenario *s, struct json *part, struct error *err)
{
    const struct json *count = part->kind == JSON_OBJECT ? json_member(part, "points") : NULL;
    struct json *ranges = part->kind == JSON_OBJECT ? json_member(part, "ranges") : NULL;
    for (const struct json *k = part->first; part->kind == JSON_OBJECT && k != NULL; k = k->next) {
        if (k != count && k != ranges) {
            return JSON_RAISE(err, k, ERR_INPUT, "unknown key '%s', expected points and ranges",
                              k->key);
        }
    }
    if (count == NULL || count->kind != JSON_NUMBER || ranges == NULL ||
        ranges->kind != JSON_OBJECT || ranges->count == 0) {
        return JSON_RAISE(
            err, part, ERR_INPUT,
            "expected {\"points\": N, \"ranges\": {\"/pointer\": {\"from\", \"to\"}}}");
    }
    if (count_points(count, count->number, err) != STATUS_OK) {
        return err->code;
    }
    const size_t points = (size_t)count->number;
    const size_t n = ranges->count;
    gsl_qrng *q = n <= AXIS_LIMIT ? gsl_qrng_alloc(gsl_qrng_sobol, (unsigned)n) : NULL;
    double *shares = calloc(points * n, sizeof *shares);
    if (n > AXIS_LIMIT) {
        JSON_RAISE(err, ranges, ERR_INPUT, "more than %d axes", AXIS_LIMIT);
    } else if (q == NULL || shares == NULL) {
        RAISE(err, ERR_MEMORY, "out of memory for a sample of %zu points", points);
    }
    for (size_t i = 0; i < points && err->code == STATUS_OK; i++) {
        gsl_qrng_get(q, &shares[i * n]);
    }
    size_t column = 0;
    for (struct json *node = ranges->first; node != NULL && err->code == STATUS_OK;
         node = node->next, column++) {
        sample_axis(s, node, shares + column, points, n, err);
    }
    if (err->code == STATUS_OK) {
        new_dimension(s, points);
    }
    free(shares);
    if (q != NULL) {
        gsl_qrng_free(q);
    }
    return err->code;
}

/* The store holds the data too where nothing is said of a data store, so an axis of the one moves
 * the other. Where scenario and baseline differ in that, the tree is read for every point. */
static void reach_data_store(const struct scenario *s, struct axis *axis)
{
    static const char store[] = "/store/";
    bool said = json_member(s->tree, "data_store") != NULL;
    bool differs = s->baseline != NULL && json_member(s->baseline, "data_store") != NULL;
    for (size_t i = 0; i < s->n_axes; i++) {
        differs = differs || strstr(s->axes[i].pointer, "/data_store") != NULL;
    }
    if (!axis->fast || strncmp(axis->pointer, store, sizeof store - 1) != 0) {
        return;
    }
    if (differs) {
        axis->fast = false;
    }
    size_t n = 0;
    while (axis->offsets[n] != NO_FIELD) {
        n++;
    }
    for (size_t i = 0; i < n && !said && !differs; i++) {
        axis->offsets[n + i] =
            axis->offsets[i] + (STORE_DATA - STORE_EXCHANGE) * sizeof(struct store);
    }
}

/* Does an axis reach the baseline too? Not where the baseline says the value itself, or names
 * another entry for the section. */
static bool reach_baseline(const struct scenario *s, const struct axis *axis)
{
    if (s->baseline == NULL || json_pointer(s->baseline, axis->pointer) != NULL) {
        return false;
    }
    const char *end = strchr(axis->pointer + 1, '/');
    char name[64];
    const size_t n = end != NULL ? (size_t)(end - axis->pointer) - 1 : 0;
    if (n == 0 || n >= sizeof name) {
        return true;
    }
    memcpy(name, axis->pointer + 1, n);
    name[n] = '\0';
    const struct json *section = json_member(s->baseline, name);
    return section == NULL || !section_replaces(section);
}

void axes_reach(struct scenario *s)
{
    for (size_t i = 0; i < s->n_axes; i++) {
        reach_data_store(s, &s->axes[i]);
        s->axes[i].in_baseline = reach_baseline(s, &s->axes[i]);
    }
}

enum status axes_count(struct scenario *s, const struct json *sweep, struct error *err)
{
    double points = 1;
    for (size_t i = 0; i < s->n_dimensions; i++) {
        points *= (double)s->dimensions[i];
    }
    if (points > points_limit) {
        return JSON_RAISE(err, sweep, ERR_INPUT, "a sweep of %g points, at most %g", points,
                          points_limit);
    }
    s->points = (uint64_t)points;
    return STATUS_OK;
}
