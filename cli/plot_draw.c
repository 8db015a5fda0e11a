/* A picture to its file: the form by the end of its name, table and script kept beside it when they
 * are asked for or gnuplot cannot draw. */
#include "cli/plain_text.h"
#include "cli/plot.h"

#include <string.h>
#include <strings.h>
#include <unistd.h>

static enum status find_format(const char *path, enum picture_format *out, struct error *err)
{
    static const char *const ends[] = {".svg", ".png", ".pdf"};
    const char *dot = path != NULL ? strrchr(path, '.') : NULL;
    for (size_t i = 0; i < 3; i++) {
        if (dot != NULL && strcasecmp(dot, ends[i]) == 0) {
            *out = (enum picture_format)i;
            return STATUS_OK;
        }
    }
    *out = PICTURE_SVG;
    if (path == NULL || strcmp(path, "-") == 0) {
        return path == NULL && isatty(STDOUT_FILENO)
                   ? RAISE(err, ERR_USAGE, "plot needs -o FILE.svg, .png or .pdf")
                   : STATUS_OK;
    }
    return RAISE(err, ERR_USAGE, "-o %s: expected a name that ends in .svg, .png or .pdf", path);
}

/* PICTURE.csv and PICTURE.gp beside the picture; names the script in *script. */
static enum status keep_files(const struct plot *p, enum picture_format format, const char *picture,
                              struct text *script, struct error *err)
{
    const char *slash = strrchr(picture, '/');
    const char *base = slash != NULL ? slash + 1 : picture;
    struct text data = {0};
    struct text data_base = {0};
    struct text content = {0};
    text_printf(&data, "%s.csv", picture);
    text_printf(&data_base, "%s.csv", base);
    text_printf(script, "%s.gp", picture);
    if (data.failed || data_base.failed || script->failed) {
        RAISE(err, ERR_MEMORY, "out of memory");
    } else if (picture_script(&p->picture, p->cli->plots_dir, format, data_base.data, base,
                              &content, err) == STATUS_OK &&
               file_write(data.data, p->picture.data.data, p->picture.data.size, err) ==
                   STATUS_OK) {
        file_write(script->data, content.data, content.size, err);
    }
    text_free(&data);
    text_free(&data_base);
    text_free(&content);
    return err->code;
}

enum status plot_draw(struct plot *p, const char *path, struct error *err)
{
    const char *limit = cli_option(p->cli, "time-limit");
    const bool named = path != NULL && strcmp(path, "-") != 0;
    double limit_s = 60;
    enum picture_format format = PICTURE_SVG;
    struct text picture = {0};
    struct text script = {0};
    struct error kept = {0};
    if (find_format(path, &format, err) != STATUS_OK ||
        (limit != NULL && cli_duration(limit, &limit_s, err) != STATUS_OK)) {
        return err->code;
    }
    const enum status drawn =
        picture_draw(&p->picture, p->cli->plots_dir, format, limit_s, &picture, err);
    const bool keep = cli_option(p->cli, "keep") != NULL || drawn == ERR_EXTERNAL;
    if (keep && keep_files(p, format, named ? path : p->kind->name, &script, &kept) == STATUS_OK) {
        if (!p->cli->quiet || drawn == ERR_EXTERNAL) {
            struct text shown = {0};
            text_plain(&shown, script.data, 0);
            fprintf(stderr, "kept %s and its table; gnuplot 5.4 or newer (gnuplot-nox) draws it\n",
                    shown.data);
            text_free(&shown);
        }
    } else if (keep && drawn == STATUS_OK) {
        *err = kept;
    }
    if (err->code == STATUS_OK && picture.failed) {
        RAISE(err, ERR_MEMORY, "out of memory for a picture");
    } else if (err->code == STATUS_OK) {
        file_write(path != NULL ? path : "-", picture.data, picture.size, err);
    }
    text_free(&picture);
    text_free(&script);
    return err->code;
}

enum status plot_check_path(const char *path, struct error *err)
{
    enum picture_format format;
    return find_format(path, &format, err);
}

enum status plot_draw_table(const struct cli *cli, const struct plot_kind *kind,
                            const struct text *table, const char *path, struct error *err)
{
    struct plot p = {.cli = cli, .table = table};
    if (table->failed) {
        RAISE(err, ERR_MEMORY, "out of memory for a table");
    } else if (plot_make(&p, kind, err) == STATUS_OK) {
        plot_draw(&p, path, err);
    }
    plot_free(&p);
    return err->code;
}
