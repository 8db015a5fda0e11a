/* A picture is drawn in a new private folder, under names of our own: no name of the user's ever
 * reaches gnuplot as a file name. Of the user's texts it sees string constants only (text_gnuplot),
 * which the scripts show without markup (noenhanced). */
#include "cli/gnuplot.h"
#include "cli/plain_text.h"
#include "cli/process.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SCRIPT_LIMIT = 1 << 20, PICTURE_LIMIT = 1 << 28, MAJOR = 5, MINOR = 4 };

static const char data_name[] = "data.csv";
static const char script_name[] = "plot.gp";
static const char picture_name[] = "picture";
static const char log_name[] = "log";
static const char out_name[] = "out";

void picture_free(struct picture *p)
{
    text_free(&p->header);
    text_free(&p->data);
}

static enum status add_script(const char *plots_dir, const char *name, struct text *out,
                              struct error *err)
{
    struct text path = {0};
    char *script = NULL;
    size_t n = 0;
    text_printf(&path, "%s/%s.gp", plots_dir, name);
    if (path.failed) {
        RAISE(err, ERR_MEMORY, "out of memory");
    } else if (file_read(path.data, SCRIPT_LIMIT, &script, &n, err) == STATUS_OK) {
        text_printf(out, "\n# ---- %s.gp\n", name);
        text_append(out, script, n);
    }
    free(script);
    text_free(&path);
    return err->code;
}

enum status picture_script(const struct picture *p, const char *plots_dir, enum picture_format f,
                           const char *data, const char *output, struct text *out,
                           struct error *err)
{
    static const char *const formats[] = {"svg", "png", "pdf"};
    text_printf(out,
                "# Drawn by gnuplot %d.%d or newer. Change what you like and run gnuplot on this "
                "file, in its folder.\nkind = \"%s\"\nformat = \"%s\"\ndata = ",
                MAJOR, MINOR, p->kind, formats[f]);
    text_gnuplot_name(out, data);
    text_puts(out, "\noutput = ");
    text_gnuplot_name(out, output);
    text_puts(out, "\n");
    if (p->header.size > 0) {
        text_append(out, p->header.data, p->header.size);
    }
    if (add_script(plots_dir, "common", out, err) == STATUS_OK) {
        add_script(plots_dir, p->kind, out, err);
    }
    if (err->code == STATUS_OK && out->failed) {
        RAISE(err, ERR_MEMORY, "out of memory for a script");
    }
    return err->code;
}

/* ---------------------------------------------------------------- the private folder */

static void name_in(char *buffer, size_t size, const char *folder, const char *name)
{
    snprintf(buffer, size, "%s/%s", folder, name);
}

static void remove_folder(const char *folder)
{
    const char *const names[] = {data_name, script_name, picture_name, log_name, out_name};
    char path[4200];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        name_in(path, sizeof path, folder, names[i]);
        unlink(path);
    }
    rmdir(folder);
}

static enum status write_in(const char *folder, const char *name, const struct text *t,
                            struct error *err)
{
    char path[4200];
    name_in(path, sizeof path, folder, name);
    return file_write(path, t->size > 0 ? t->data : "", t->size, err);
}

static enum status read_in(const char *folder, const char *name, struct text *out,
                           struct error *err)
{
    char path[4200];
    char *bytes = NULL;
    size_t n = 0;
    name_in(path, sizeof path, folder, name);
    if (file_read(path, PICTURE_LIMIT, &bytes, &n, err) == STATUS_OK) {
        text_append(out, bytes, n);
        free(bytes);
    }
    return err->code;
}

/* The last line of gnuplot's complaints that says something, without its own file name. */
static void last_words(const char *folder, char *out, size_t size)
{
    struct text log = {0};
    struct text plain = {0};
    struct error ignored = {0};
    out[0] = '\0';
    if (read_in(folder, log_name, &log, &ignored) == STATUS_OK && log.size > 0) {
        char *rest = NULL;
        for (char *line = strtok_r(log.data, "\n", &rest); line != NULL;
             line = strtok_r(NULL, "\n", &rest)) {
            if (line[strspn(line, " \t^")] != '\0') {
                plain.size = 0;
                text_plain(&plain, line + strspn(line, " \t"), 240);
            }
        }
        snprintf(out, size, "%s", plain.data != NULL ? plain.data : "");
    }
    text_free(&log);
    text_free(&plain);
}

/* gnuplot drew nothing: is it too old? Asked only then, since most of the time goes into starting
 * it. */
static enum status check_version(const char *folder, double limit_s, struct error *err)
{
    const char *const argv[] = {"gnuplot", "--version", NULL};
    struct text said = {0};
    int code = 0;
    int major = 0;
    int minor = 0;
    if (process_run(argv, folder, out_name, log_name, limit_s, &code, err) != STATUS_OK ||
        read_in(folder, out_name, &said, err) != STATUS_OK) {
        text_free(&said);
        return err->code;
    }
    if (said.size == 0 || sscanf(said.data, "gnuplot %d.%d", &major, &minor) != 2) {
        RAISE(err, ERR_EXTERNAL, "gnuplot --version does not tell a version (exit code %d)", code);
    } else if (major < MAJOR || (major == MAJOR && minor < MINOR)) {
        RAISE(err, ERR_EXTERNAL, "gnuplot %d.%d is too old, %d.%d or newer is needed", major, minor,
              MAJOR, MINOR);
    }
    text_free(&said);
    return err->code;
}

static void replace_all(struct text *t, const char *what, const char *by)
{
    struct text out = {0};
    const char *at = t->data;
    for (const char *p; (p = strstr(at, what)) != NULL; at = p + strlen(what)) {
        text_append(&out, at, (size_t)(p - at));
        text_puts(&out, by);
    }
    text_puts(&out, at);
    text_free(t);
    *t = out;
}

/* gnuplot leaves "]]>" in the text of an SVG, which XML does not allow there, and gives each series
 * a title "time_plot_1", which browsers show as if it meant something. */
static void mend_svg(struct text *svg, const char *kind)
{
    struct text title = {0};
    replace_all(svg, "]]>", "]]&gt;");
    for (int i = 1; i <= 99 && !svg->failed; i++) {
        title.size = 0;
        text_printf(&title, "<title>%s_plot_%d</title>", kind, i);
        if (title.failed || strstr(svg->data, title.data) == NULL) {
            break;
        }
        replace_all(svg, title.data, "");
    }
    text_free(&title);
}

static enum status draw_in(const char *folder, const struct picture *p, const char *plots_dir,
                           enum picture_format f, double limit_s, struct text *out,
                           struct error *err)
{
    const char *const argv[] = {"gnuplot", "-d", script_name, NULL};
    struct text script = {0};
    int code = 0;
    if (picture_script(p, plots_dir, f, data_name, picture_name, &script, err) == STATUS_OK &&
        write_in(folder, data_name, &p->data, err) == STATUS_OK &&
        write_in(folder, script_name, &script, err) == STATUS_OK &&
        process_run(argv, folder, out_name, log_name, limit_s, &code, err) == STATUS_OK) {
        struct error missing = {0};
        char words[300];
        last_words(folder, words, sizeof words);
        const bool drawn =
            code == 0 && read_in(folder, picture_name, out, &missing) == STATUS_OK && out->size > 0;
        if (!drawn && check_version(folder, limit_s, err) == STATUS_OK) {
            RAISE(err, ERR_EXTERNAL, "gnuplot %s%s%s", code != 0 ? "failed" : "wrote no picture",
                  words[0] != '\0' ? ": " : "", words);
        } else if (drawn && f == PICTURE_SVG) {
            mend_svg(out, p->kind);
        }
        if (err->code == STATUS_OK && out->failed) {
            RAISE(err, ERR_MEMORY, "out of memory for a picture");
        }
    }
    text_free(&script);
    return err->code;
}

enum status picture_draw(const struct picture *p, const char *plots_dir, enum picture_format f,
                         double limit_s, struct text *out, struct error *err)
{
    char folder[4096];
    const char *place = getenv("TMPDIR");
    if (p->data.failed || p->header.failed) {
        return RAISE(err, ERR_MEMORY, "out of memory for a picture");
    }
    snprintf(folder, sizeof folder, "%s/faascast-plot-XXXXXX",
             place != NULL && place[0] != '\0' ? place : "/tmp");
    if (mkdtemp(folder) == NULL) {
        return RAISE(err, ERR_IO, "cannot make a folder %s: %s", folder, strerror(errno));
    }
    draw_in(folder, p, plots_dir, f, limit_s, out, err);
    remove_folder(folder);
    return err->code;
}
