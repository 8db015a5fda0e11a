/* What all kinds of pictures share: reading, titles, notes, the table's cells. */
#include "cli/plot.h"
#include "cli/plain_text.h"

#include <math.h>
#include <string.h>

enum { TITLE_LIMIT = 80, SUBTITLE_LIMIT = 112, NOTE_LIMIT = 122 };

#define X(name, words) &plot_##name,
const struct plot_kind *const plot_kinds[] = {PLOT_KIND_LIST(X) NULL};
#undef X

const struct plot_kind *plot_kind_find(const char *name)
{
    for (size_t i = 0; plot_kinds[i] != NULL; i++) {
        if (strcmp(plot_kinds[i]->name, name) == 0) {
            return plot_kinds[i];
        }
    }
    return NULL;
}

enum status plot_want(struct plot *p, const struct plot_kind *kind, struct error *err)
{
    if (series_want(&p->results.frame, &p->by, err) != STATUS_OK) {
        return err->code;
    }
    for (size_t i = 0; kind->wants != NULL && kind->wants[i] != NULL; i++) {
        if (frame_want(&p->results.frame, kind->wants[i], false) < 0) {
            return RAISE(err, ERR_MEMORY, "too many columns");
        }
    }
    return STATUS_OK;
}

enum status plot_read(struct plot *p, struct error *err)
{
    const char *where = cli_option(p->cli, "where");
    if (where != NULL && frame_where(&p->results.frame, where, err) != STATUS_OK) {
        return err->code;
    }
    for (int i = 0; i < p->n_sources && err->code == STATUS_OK; i++) {
        results_read(p->cli, p->sources[i], &p->results, err);
    }
    return err->code;
}

enum status plot_make(struct plot *p, const struct plot_kind *kind, struct error *err)
{
    picture_free(&p->picture);
    text_free(&p->note);
    text_free(&p->miss);
    text_free(&p->subtitle);
    p->kind = kind;
    p->picture.kind = kind->name;
    return kind->make(p, err);
}

void plot_free(struct plot *p)
{
    results_free(&p->results);
    picture_free(&p->picture);
    text_free(&p->note);
    text_free(&p->miss);
    text_free(&p->subtitle);
}

/* ---------------------------------------------------------------- for the makers */

int plot_column(const struct plot *p, const char *name)
{
    const struct frame *f = &p->results.frame;
    for (size_t i = 0; i < f->n_columns; i++) {
        if (strcmp(f->columns[i].name, name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

void plot_set_text(struct plot *p, const char *name, const char *words, size_t limit)
{
    text_printf(&p->picture.header, "%s = ", name);
    text_gnuplot(&p->picture.header, words, limit);
    text_puts(&p->picture.header, "\n");
}

void plot_set_number(struct plot *p, const char *name, double value)
{
    text_printf(&p->picture.header, "%s = ", name);
    if (isfinite(value)) {
        text_number(&p->picture.header, value);
    } else {
        text_puts(&p->picture.header, isnan(value) ? "NaN" : value > 0 ? "1e308" : "-1e308");
    }
    text_puts(&p->picture.header, "\n");
}

void plot_set_names(struct plot *p, const struct series *s)
{
    /* The key lies below the picture: fewer letters of each when there are many. */
    const size_t limit = s->count > 4 ? 28 : 58;
    plot_set_number(p, "series", (double)s->count);
    text_printf(&p->picture.header, "array name[%zu]\n", s->count);
    for (size_t i = 0; i < s->count; i++) {
        text_printf(&p->picture.header, "name[%zu] = ", i + 1);
        text_gnuplot(&p->picture.header, s->names[i], limit);
        text_puts(&p->picture.header, "\n");
    }
}

void plot_set_files(struct plot *p)
{
    const int n = p->n_sources;
    plot_set_number(p, "series", n);
    text_printf(&p->picture.header, "array name[%d]\n", n);
    for (int i = 0; i < n; i++) {
        const char *slash = strrchr(p->sources[i], '/');
        const char *base = slash != NULL ? slash + 1 : p->sources[i];
        const char *dot = strrchr(base, '.');
        char name[96];
        char array[32];
        snprintf(name, sizeof name, "%.*s",
                 dot != NULL && dot > base && dot - base < 95 ? (int)(dot - base) : 95, base);
        snprintf(array, sizeof array, "name[%d]", i + 1);
        plot_set_text(p, array, name, n > 4 ? 28 : 58);
    }
}

void plot_cell(struct plot *p, double value, bool last)
{
    if (isfinite(value)) {
        text_number(&p->picture.data, value);
    }
    text_puts(&p->picture.data, last ? "\n" : ",");
}

/* The text all drawn rows share in a column, or NULL. */
static const char *common(const struct frame *f, const struct series *s, int column)
{
    const char *text = s->n_rows > 0 ? frame_text(f, s->rows[0], column) : "";
    for (size_t i = 1; i < s->n_rows; i++) {
        if (strcmp(frame_text(f, s->rows[i], column), text) != 0) {
            return NULL;
        }
    }
    return text[0] != '\0' ? text : NULL;
}

static void add_part(struct text *out, const char *joint, const char *words)
{
    if (words != NULL) {
        text_printf(out, "%s%s", out->size > 0 ? joint : "", words);
    }
}

static void write_subtitle(struct text *out, const struct plot *p, const struct series *s)
{
    const struct frame *f = &p->results.frame;
    const char *variant = common(f, s, p->by.variant);
    const char *platform = common(f, s, p->by.platform);
    const char *store = common(f, s, p->by.store);
    add_part(out, "", common(f, s, p->by.system));
    if (variant != NULL && out->size > 0) {
        text_printf(out, " (%s)", variant);
    }
    add_part(out, " on ", platform);
    add_part(out, " through ", store);
    bool same = s->n_rows > 0;
    const double memory = same ? frame_number(f, s->rows[0], p->by.memory_mib) : (double)NAN;
    for (size_t i = 1; i < s->n_rows; i++) {
        same = same && frame_number(f, s->rows[i], p->by.memory_mib) == memory;
    }
    if (same && isfinite(memory)) {
        text_printf(out, "%s%.0f MiB", out->size > 0 ? ", " : "", memory);
    }
    const char *engine = common(f, s, p->by.engine);
    add_part(out, ", ",
             engine == NULL                    ? NULL
             : strcmp(engine, "predict") == 0  ? "closed form"
             : strcmp(engine, "simulate") == 0 ? "simulated"
                                               : engine);
}

/* Two lines of notes: the first breaks at a blank. */
static void split_note(const char *note, struct text *first, struct text *second)
{
    const size_t n = strlen(note);
    size_t cut = n;
    if (text_length(note) > NOTE_LIMIT) {
        cut = NOTE_LIMIT;
        while (cut > 0 && note[cut] != ' ') {
            cut--;
        }
        cut = cut > 0 ? cut : n;
    }
    text_append(first, note, cut);
    text_puts(second, note + cut + (note[cut] == ' '));
}

void plot_set_frame(struct plot *p, const char *what, const struct series *s)
{
    struct text title = {0};
    struct text first = {0};
    struct text second = {0};
    const char *scenario = s != NULL ? common(&p->results.frame, s, p->by.scenario) : NULL;
    text_printf(&title, "%s%s%s", what, scenario != NULL ? ": " : "",
                scenario != NULL ? scenario : "");
    if (s != NULL && p->subtitle.size == 0) {
        write_subtitle(&p->subtitle, p, s);
    }
    split_note(p->note.size > 0 ? p->note.data : "", &first, &second);
    plot_set_text(p, "title", title.data != NULL ? title.data : "", TITLE_LIMIT);
    plot_set_text(p, "subtitle", p->subtitle.size > 0 ? p->subtitle.data : "", SUBTITLE_LIMIT);
    plot_set_text(p, "note_1", first.data != NULL ? first.data : "", NOTE_LIMIT);
    plot_set_text(p, "note_2", second.data != NULL ? second.data : "", NOTE_LIMIT);
    text_free(&title);
    text_free(&first);
    text_free(&second);
}

enum status plot_choice(const struct plot *p, const char *option, const char *const *words,
                        const char **out, struct error *err)
{
    const char *given = cli_option(p->cli, option);
    size_t n = 0;
    *out = words[0];
    for (; words[n] != NULL; n++) {
        if (given != NULL && strcmp(given, words[n]) == 0) {
            *out = words[n];
            return STATUS_OK;
        }
    }
    if (given == NULL) {
        return STATUS_OK;
    }
    struct text list = {0};
    for (size_t i = 0; i < n; i++) {
        text_printf(&list, "%s%s", i == 0 ? "" : i + 1 == n ? " or " : ", ", words[i]);
    }
    RAISE(err, ERR_USAGE, "--%s %s: plot %s takes %s", option, given, p->kind->name,
          list.data != NULL ? list.data : "");
    text_free(&list);
    return err->code;
}
