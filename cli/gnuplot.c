/* gnuplot as a process: data as CSV beside the picture, a script of plots/, the picture under a
 * temporary name until it is whole. */
#include "cli/cli.h"

#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* name='value' for gnuplot, whose quote is doubled inside. */
static void text_assign(struct text *out, const char *name, const char *value)
{
    text_printf(out, "%s='", name);
    for (; *value != '\0'; value++) {
        text_append(out, value, 1);
        if (*value == '\'') {
            text_puts(out, "'");
        }
    }
    text_puts(out, "'; ");
}

static enum status run_gnuplot(const char *settings, const char *script, struct error *err)
{
    char program[] = "gnuplot";
    char option[] = "-e";
    char *arguments[] = {program, option, NULL, NULL, NULL};
    char *const copies[] = {strdup(settings), strdup(script)};
    arguments[2] = copies[0];
    arguments[3] = copies[1];
    pid_t child = 0;
    int state = 0;
    enum status status = STATUS_OK;
    if (copies[0] == NULL || copies[1] == NULL) {
        status = RAISE(err, ERR_MEMORY, "out of memory");
    } else {
        const int failed = posix_spawnp(&child, program, NULL, NULL, arguments, environ);
        if (failed != 0) {
            status = RAISE(err, ERR_EXTERNAL, "cannot run gnuplot: %s (Debian: gnuplot-nox)",
                           strerror(failed));
        } else {
            while (waitpid(child, &state, 0) < 0 && errno == EINTR) {
            }
            if (!WIFEXITED(state) || WEXITSTATUS(state) != 0) {
                status = RAISE(err, ERR_EXTERNAL, "gnuplot could not draw %s", script);
            }
        }
    }
    free(copies[0]);
    free(copies[1]);
    return status;
}

enum status cli_plot(const struct cli *cli, const char *script, const struct text *csv,
                     const char *out_path, struct error *err)
{
    struct text data = {0};
    struct text picture = {0};
    struct text settings = {0};
    struct text path = {0};
    text_printf(&data, "%s.%ld.csv", out_path, (long)getpid());
    text_printf(&picture, "%s.%ld.tmp", out_path, (long)getpid());
    text_printf(&path, "%s/%s", cli->plots_dir, script);
    if (!data.failed && !picture.failed) {
        text_assign(&settings, "csv", data.data);
        text_assign(&settings, "out", picture.data);
    }
    if (data.failed || picture.failed || settings.failed || path.failed || csv->failed) {
        RAISE(err, ERR_MEMORY, "out of memory");
    } else if (file_write(data.data, csv->data != NULL ? csv->data : "", csv->size, err) ==
               STATUS_OK) {
        if (run_gnuplot(settings.data, path.data, err) == STATUS_OK &&
            rename(picture.data, out_path) != 0) {
            RAISE(err, ERR_IO, "cannot write %s: %s", out_path, strerror(errno));
        }
        unlink(data.data);
        if (err->code != STATUS_OK) {
            unlink(picture.data);
        }
    }
    text_free(&data);
    text_free(&picture);
    text_free(&settings);
    text_free(&path);
    return err->code;
}
