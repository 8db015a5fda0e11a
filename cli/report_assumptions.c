/* Every input of the scenario with where it comes from, and what the report was made of. */
#include "cli/plain_text.h"
#include "cli/report.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Source, date and status of a value: its own, or those of the entry around it as far as they are
 * written in the same file (a scenario's own number is not the catalogue's). */
struct origin {
    const char *source, *date, *status, *note;
    const char *file;
};

static const char *member_text(const struct json *node, const char *key)
{
    const struct json *value = node->kind == JSON_OBJECT ? json_member(node, key) : NULL;
    return value != NULL && value->kind == JSON_STRING ? value->text : NULL;
}

static const char *file_of(const struct json *node)
{
    return node->origin.file != NULL ? node->origin.file : "";
}

static bool same_file(const struct origin *o, const struct json *node)
{
    return o->file != NULL && strcmp(o->file, file_of(node)) == 0;
}

static struct origin origin_of(const struct json *node, const struct origin *around)
{
    const struct origin none = {.file = NULL};
    const struct json *said = NULL;
    if (node->kind == JSON_OBJECT) {
        said = json_member(node, "source");
        said = said != NULL ? said : json_member(node, "status");
    }
    if (said == NULL) {
        struct origin o = same_file(around, node) ? *around : none;
        o.note = member_text(node, "note");
        return o;
    }
    struct origin o = same_file(around, said) ? *around : none;
    const char *source = member_text(node, "source");
    const char *status = member_text(node, "status");
    const char *date = member_text(node, "date");
    o.source = source != NULL ? source : o.source;
    o.status = status != NULL ? status : o.status;
    o.date = date != NULL ? date : o.date;
    o.note = member_text(node, "note");
    o.file = file_of(said);
    return o;
}

/* Keys that say something about values, and are none. */
static bool about_values(const struct json *node, const char *path)
{
    static const char *const keys[] = {"source", "date", "status", "note"};
    /* The profile has a row of its own. */
    static const char *const paths[] = {"/format", "/name", "/include", "/compute/profile"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (node->key == NULL || strcmp(keys[i], node->key) == 0) {
            return true;
        }
    }
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        if (strcmp(paths[i], path) == 0) {
            return true;
        }
    }
    return false;
}

/* Prices of services the scenario does not use tell nothing. */
static bool price_is_used(const struct json *tree, const char *class)
{
    for (const struct json *section = tree->first; section != NULL; section = section->next) {
        const char *price = member_text(section, "price");
        if (price != NULL && strcmp(price, class) == 0) {
            return true;
        }
    }
    return false;
}

static bool varied(const struct report *r, const char *path)
{
    for (size_t i = 0; i < r->scenario->n_axes; i++) {
        if (strcmp(r->scenario->axes[i].pointer, path) == 0) {
            return true;
        }
    }
    return false;
}

/* "normal, mean 1.2, sd 0.1" of a distribution; JSON of the rest. */
static void text_value(struct text *out, const struct json *node)
{
    const char *distribution = member_text(node, "distribution");
    if (node->kind == JSON_STRING) {
        text_puts(out, node->text);
    } else if (distribution == NULL) {
        json_write(out, node, 0);
    } else {
        text_puts(out, distribution);
        for (const struct json *child = node->first; child != NULL; child = child->next) {
            if (strcmp(child->key, "distribution") != 0) {
                text_printf(out, ", %s ", child->key);
                json_write(out, child, 0);
            }
        }
    }
}

static void write_value(struct text *out, struct report *r, const struct json *node,
                        const char *path, const struct origin *o)
{
    struct text value = {0};
    struct text source = {0};
    const bool sweep = varied(r, path);
    const char *status = sweep ? "varied" : o->status != NULL ? o->status : "as given";
    text_value(&value, node);
    text_puts(&source, o->source != NULL ? o->source : "");
    if (o->date != NULL) {
        text_printf(&source, "%s%s", source.size > 0 ? ", " : "", o->date);
    }
    if (o->note != NULL) {
        text_printf(&source, "%s%s", source.size > 0 ? "; " : "", o->note);
    }
    if (source.size == 0) {
        const char *file = node->origin.file != NULL ? node->origin.file : "";
        const char *slash = strrchr(file, '/');
        text_printf(&source, "%s, line %u", slash != NULL ? slash + 1 : file, node->origin.line);
    }
    r->inputs++;
    r->assumed += strcmp(status, "assumed") == 0;
    text_puts(out, strcmp(status, "assumed") == 0 ? "<tr class=\"status-assumed\">" : "<tr>");
    html_text_cell(out, path);
    html_text_cell(out, sweep ? "varied in the sweep" : value.data != NULL ? value.data : "");
    html_text_cell(out, status);
    html_text_cell(out, source.data != NULL ? source.data : "");
    text_puts(out, "</tr>\n");
    text_free(&value);
    text_free(&source);
}

static void walk(struct text *out, struct report *r, const struct json *tree,
                 const struct json *node, const struct origin *around)
{
    const struct origin o = origin_of(node, around);
    for (const struct json *child = node->first; child != NULL; child = child->next) {
        char path[256];
        json_path(child, path, sizeof path);
        if (about_values(child, path) ||
            (strncmp(path, "/prices/classes/", 16) == 0 && strchr(path + 16, '/') == NULL &&
             !price_is_used(tree, child->key))) {
            continue;
        }
        const struct json *value = child->kind == JSON_OBJECT ? json_member(child, "value") : NULL;
        if (value != NULL) {
            const struct origin own = origin_of(child, &o);
            write_value(out, r, value, path, &own);
        } else if (child->kind == JSON_OBJECT && json_member(child, "distribution") == NULL) {
            walk(out, r, tree, child, &o);
        } else {
            struct origin plain = {.file = NULL};
            if (same_file(&o, child)) {
                plain = o;
                plain.note = NULL;
            }
            plain.status = strcmp(child->key, "use") == 0 ? "catalogue" : plain.status;
            write_value(out, r, child, path, &plain);
        }
    }
}

/* The profile's own words about where its speeds come from. */
static enum status write_profile(struct text *out, struct report *r, const struct json *tree,
                                 struct arena *a, struct error *err)
{
    const struct json *compute = json_member(tree, "compute");
    const struct json *inner = json_bare(compute != NULL ? json_member(compute, "profile") : NULL);
    struct json *profile = NULL;
    if (inner == NULL || inner->kind != JSON_STRING) {
        return STATUS_OK;
    }
    const char *const path = profile_path(a, r->cli->data_dir, inner);
    if (path == NULL) {
        RAISE(err, ERR_MEMORY, "out of memory");
    } else if (json_load(a, path, &profile, err) == STATUS_OK) {
        const struct origin none = {0};
        const struct origin o = origin_of(profile, &none);
        r->profile = arena_copy(&r->plot.results.frame.arena, inner->text, strlen(inner->text));
        r->profile = r->profile != NULL ? r->profile : "";
        r->profile_assumed = o.status != NULL && strcmp(o.status, "assumed") == 0;
        write_value(out, r, inner, "speed of computing (profile)", &o);
    }
    return err->code;
}

enum status report_assumptions(struct text *out, struct report *r, struct error *err)
{
    struct arena a = {0};
    struct json *tree = NULL;
    const struct origin none = {0};
    r->profile = r->prices_date = "";
    if (r->scenario == NULL) {
        html_element(out, "h2", NULL, "Assumptions");
        html_element(out, "p", NULL,
                     "The report was made from results alone; with --scenario FILE it lists every "
                     "input with its source.");
        return STATUS_OK;
    }
    if (scenario_resolved(r->scenario, &a, &tree, err) != STATUS_OK) {
        arena_free(&a);
        return err->code;
    }
    html_element(out, "h2", NULL, "Assumptions");
    text_puts(out, "<div class=\"wide\"><table id=\"assumptions\" class=\"sortable\">\n<caption>"
                   "Every input of the first configuration, with its source and status: vendor, "
                   "paper, secondary, measured or assumed.</caption>\n<thead><tr>"
                   "<th scope=\"col\">input</th><th scope=\"col\">value</th>"
                   "<th scope=\"col\">status</th><th scope=\"col\">source</th></tr></thead>\n"
                   "<tbody>\n");
    if (write_profile(out, r, tree, &a, err) == STATUS_OK) {
        walk(out, r, tree, tree, &none);
    }
    text_puts(out, "</tbody>\n</table></div>\n");
    const struct json *prices = json_member(tree, "prices");
    const char *date = prices != NULL ? member_text(prices, "date") : NULL;
    const char *copy =
        date != NULL ? arena_copy(&r->plot.results.frame.arena, date, strlen(date)) : NULL;
    r->prices_date = copy != NULL ? copy : "";
    arena_free(&a);
    return err->code;
}

/* ---------------------------------------------------------------- provenance */

static void write_pair(struct text *out, const char *name, const char *words)
{
    text_puts(out, "<tr><th scope=\"row\">");
    text_html(out, name);
    text_puts(out, "</th>");
    html_text_cell(out, words);
    text_puts(out, "</tr>\n");
}

static enum status write_file(struct text *out, const char *name, const char *path,
                              struct error *err)
{
    struct text words = {0};
    FILE *f = fopen(path, "rb");
    uint64_t hash = HASH_SEED;
    char chunk[16384];
    size_t n = 0;
    if (f == NULL) {
        return RAISE(err, ERR_IO, "cannot open %s", path);
    }
    while ((n = fread(chunk, 1, sizeof chunk, f)) > 0) {
        hash = hash_bytes(hash, chunk, n);
    }
    fclose(f);
    text_printf(&words, "%s (FNV-1a %016llx)", path, (unsigned long long)hash);
    write_pair(out, name, words.data != NULL ? words.data : path);
    text_free(&words);
    return STATUS_OK;
}

/* Now, or SOURCE_DATE_EPOCH for pages that must come out the same. */
static void write_date(struct text *out)
{
    const char *given = getenv("SOURCE_DATE_EPOCH");
    const time_t now =
        given != NULL && given[0] != '\0' ? (time_t)strtoll(given, NULL, 10) : time(NULL);
    struct tm parts;
    char words[64] = "";
    if (gmtime_r(&now, &parts) != NULL) {
        strftime(words, sizeof words, "%Y-%m-%d %H:%M UTC", &parts);
    }
    write_pair(out, "made", words);
}

enum status report_provenance(struct text *out, const struct report *r, struct error *err)
{
    struct text words = {0};
    html_element(out, "h2", NULL, "Provenance");
    text_puts(out, "<div class=\"wide\"><table id=\"provenance\">\n<tbody>\n");
    write_pair(out, "program", "faascast " FAASCAST_VERSION " (" FAASCAST_COMMIT ")");
    for (int i = 0; i < r->cli->argc; i++) {
        text_printf(&words, "%s%s", i > 0 ? " " : "", r->cli->argv[i]);
    }
    write_pair(out, "command", words.data != NULL ? words.data : "");
    text_free(&words);
    write_date(out);
    for (int i = 0; i < r->plot.n_sources && err->code == STATUS_OK; i++) {
        write_file(out, "source", r->plot.sources[i], err);
    }
    if (r->scenario != NULL && err->code == STATUS_OK) {
        write_file(out, "scenario", r->scenario->path, err);
    }
    text_puts(out, "</tbody>\n</table></div>\n");
    return err->code;
}
