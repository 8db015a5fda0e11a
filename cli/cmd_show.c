/* show: what the program knows: systems, catalogue, units, columns, exit codes, schema, traces. */
#include "calibration/calibration.h"
#include "cli/commands.h"

#include <string.h>

static void show_systems(struct text *out)
{
    for (size_t i = 0; protocols[i] != NULL; i++) {
        const struct protocol *p = protocols[i];
        text_printf(out, "%s\n  %s\n  source: %s\n", p->name, p->summary, p->source);
        if (p->takes_structure) {
            text_puts(out,
                      "  structure: instances per level, root first, such as [1, 5, 22, 100]\n");
        }
        for (size_t k = 0; k < OPTION_LIMIT && p->options[k].name != NULL; k++) {
            const struct option_spec *o = &p->options[k];
            text_printf(out, "  %s: ", o->name);
            if (o->kind == OPTION_CHOICE) {
                for (size_t c = 0; c < 6 && o->choices[c] != NULL; c++) {
                    text_printf(out, "%s%s", c > 0 ? " | " : "", o->choices[c]);
                }
                text_printf(out, " (%s)", o->choices[(size_t)o->fallback]);
            } else if (o->kind == OPTION_BOOL) {
                text_printf(out, "true | false (%s)", o->fallback != 0 ? "true" : "false");
            } else {
                text_printf(out, "%g to %g (%g)", o->minimum, o->maximum, o->fallback);
            }
            text_printf(out, ": %s\n", o->help);
        }
        text_puts(out, "\n");
    }
}

/* One entry with the source of each value: its own, or the entry's. */
static void show_entry(struct text *out, const struct json *entry, int depth)
{
    for (const struct json *child = entry->first; child != NULL; child = child->next) {
        const struct json *value = json_member(child, "value");
        const char *key = child->key != NULL ? child->key : "-";
        if (value == NULL && child->kind == JSON_OBJECT &&
            json_member(child, "distribution") == NULL) {
            text_printf(out, "%*s%s\n", depth, "", key);
            show_entry(out, child, depth + 2);
            continue;
        }
        struct text line = {0};
        text_printf(&line, "%*s%s = ", depth, "", key);
        if (child->kind == JSON_STRING) {
            text_puts(&line, child->text);
        } else {
            json_write(&line, value != NULL ? value : child, 0);
        }
        text_printf(out, "%s", line.data != NULL ? line.data : "");
        text_free(&line);
        const struct json *low = json_member(child, "low"), *high = json_member(child, "high");
        if (value != NULL && low != NULL && high != NULL) {
            text_printf(out, " (%g to %g)", low->number, high->number);
        }
        static const char *const notes[] = {"status", "date", "source", "note"};
        bool any = false;
        for (size_t i = 0; value != NULL && i < sizeof notes / sizeof notes[0]; i++) {
            const struct json *note = json_member(child, notes[i]);
            if (note != NULL && note->kind == JSON_STRING) {
                text_printf(out, "%s%s", any ? "; " : "  [", note->text);
                any = true;
            }
        }
        text_puts(out, any ? "]" : "");
        text_puts(out, "\n");
    }
}

/* Where an entry comes from: its own words, else those of its first value that has some. */
static const char *source_of(const struct json *entry)
{
    const struct json *source = json_member(entry, "source");
    for (const struct json *value = entry->first; source == NULL && value != NULL;
         value = value->next) {
        source = value->kind == JSON_OBJECT ? json_member(value, "source") : NULL;
    }
    return source != NULL && source->kind == JSON_STRING ? source->text : "";
}

static enum status show_catalogue(struct cli *cli, const char *name, struct text *out,
                                  struct error *err)
{
    struct arena a = {0};
    struct json *catalogue = NULL;
    bool found = name == NULL;
    if (catalogue_read(&a, cli->data_dir, NULL, &catalogue, err) == STATUS_OK) {
        for (const struct json *group = catalogue->first; group != NULL; group = group->next) {
            if (name == NULL && strcmp(group->key, "fits") == 0) {
                continue; /* how entries were fitted: shown with them */
            }
            if (name == NULL) {
                text_printf(out, "%s\n", group->key);
            }
            for (const struct json *entry = group->first; entry != NULL; entry = entry->next) {
                if (name == NULL) {
                    text_printf(out, "  %-34s %s\n", entry->key, source_of(entry));
                } else if (strcmp(entry->key, name) == 0) {
                    text_printf(out, "%s (%s)\n", entry->key, group->key);
                    show_entry(out, entry, 2);
                    found = true;
                }
            }
        }
        enum { NAMES_MAX = 512 };
        const char *names[NAMES_MAX];
        size_t n = 0;
        for (const struct json *g = catalogue->first; g != NULL; g = g->next) {
            for (const struct json *e = g->first; e != NULL && n < NAMES_MAX; e = e->next) {
                names[n++] = e->key;
            }
        }
        if (!found) {
            const char *near = nearest_name(name, names, n);
            RAISE(err, ERR_USAGE, "no \"%s\" in the catalogue%s%s%s", name,
                  near != NULL ? ", did you mean \"" : "", near != NULL ? near : "",
                  near != NULL ? "\"?" : "");
        }
    }
    arena_free(&a);
    return err->code;
}

static void show_columns(struct text *out)
{
    for (int i = 0; columns[i].name != NULL; i++) {
        text_printf(out, "%-22s %s\n", columns[i].name, columns[i].help);
    }
}

static void show_exit_codes(struct text *out)
{
#define X(name, number, words) text_printf(out, "%3d  %s\n", number, words);
    EXIT_CODE_LIST(X)
#undef X
}

static void show_units(struct text *out)
{
    text_puts(out, "A key ends in its unit.\n"
                   "  _s                seconds\n"
                   "  _bytes            bytes; 1 MB = 1e6 bytes\n"
                   "  _bytes_per_s      bytes per second\n"
                   "  _mib              MiB (1048576 bytes): memory as platforms sell it\n"
                   "  _usd, usd_per_*   US dollars, exact decimals\n"
                   "  _gib_s, _gb_s     GiB-seconds of function time (providers write GB)\n"
                   "  _per_s            per second\n"
                   "  _flop, _flop_per_s  floating-point operations\n"
                   "  _ratio, _share    no unit; a share lies between 0 and 1\n"
                   "  _cv               standard deviation over mean\n");
}

/* What import writes and fit reads: every column, the files that become one, what is learned from
 * one. */
static void show_trace(struct text *out)
{
    text_puts(out, "Columns of a trace; a file has those that were measured:\n");
    for (enum trace_column i = 0; i < TRACE_COLUMNS; i++) {
        text_printf(out, "  %-20s %s\n", trace_column_name(i), trace_column_meaning(i));
    }
    text_puts(out, "\nFiles that import makes into traces (--as):\n");
    for (size_t i = 0; importer_name(i) != NULL; i++) {
        text_printf(out, "  %-20s %s\n", importer_name(i), importer_help(i));
    }
    text_puts(out, "\nWhat fit learns from one (--what):\n");
    for (size_t i = 0; fit_target_name(i) != NULL; i++) {
        text_printf(out, "  %-20s %s\n", fit_target_name(i), fit_target_help(i));
    }
}

static enum exit_code run(struct cli *cli, struct error *err)
{
    static const char *const topics[] = {"systems",    "catalogue", "units", "columns",
                                         "exit-codes", "schema",    "trace"};
    const char *topic = cli->arguments[0];
    struct text out = {0};
    if (strcmp(topic, "systems") == 0) {
        show_systems(&out);
    } else if (strcmp(topic, "catalogue") == 0) {
        show_catalogue(cli, cli->n_arguments > 1 ? cli->arguments[1] : NULL, &out, err);
    } else if (strcmp(topic, "units") == 0) {
        show_units(&out);
    } else if (strcmp(topic, "columns") == 0) {
        show_columns(&out);
    } else if (strcmp(topic, "exit-codes") == 0) {
        show_exit_codes(&out);
    } else if (strcmp(topic, "schema") == 0) {
        text_schema(&out);
    } else if (strcmp(topic, "trace") == 0) {
        show_trace(&out);
    } else {
        const char *near = nearest_name(topic, topics, sizeof topics / sizeof topics[0]);
        RAISE(err, ERR_USAGE,
              "show %s: expected systems, catalogue, units, columns, exit-codes, schema "
              "or trace%s%s%s",
              topic, near != NULL ? "; did you mean " : "", near != NULL ? near : "",
              near != NULL ? "?" : "");
    }
    if (err->code == STATUS_OK) {
        cli_write(cli, &out, err);
    }
    text_free(&out);
    return EXIT_DONE;
}

const struct command command_show = {
    .name = "show",
    .summary = "systems, catalogue, units, columns, exit codes, schema, traces",
    .arguments = "systems|catalogue [NAME]|units|columns|exit-codes|schema|trace",
    .examples = "faascast show systems\nfaascast show catalogue aws-lambda-2022-06\n"
                "faascast show schema\nfaascast show trace\n",
    .arguments_min = 1,
    .arguments_max = 2,
    .only = "text",
    .run = run,
};
