/* Finds the command, reads the options, prints errors: the only place that exits. */
#include "cli/cli.h"

#include <gsl/gsl_errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct cli_option *find_in(const struct cli_option *table, const char *name)
{
    for (; table != NULL && table->name != NULL; table++) {
        if (strcmp(table->name, name) == 0) {
            return table;
        }
    }
    return NULL;
}

/* An option takes a value in all commands or in none, so it may stand before the command. */
static const struct cli_option *find_option(const struct command *command, const char *name)
{
    const struct cli_option *found = find_in(common_options, name);
    if (found == NULL && command != NULL) {
        found = find_in(command->options, name);
    }
    for (size_t i = 0; found == NULL && command == NULL && commands[i] != NULL; i++) {
        found = find_in(commands[i]->options, name);
    }
    return found;
}

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; commands[i] != NULL; i++) {
        if (strcmp(commands[i]->name, name) == 0) {
            return commands[i];
        }
    }
    return NULL;
}

static enum status unknown_option(const struct command *command, const char *name,
                                  struct error *err)
{
    enum { NAMES_MAX = 128 };
    const char *names[NAMES_MAX];
    size_t n = 0;
    for (const struct cli_option *o = common_options; o->name != NULL && n < NAMES_MAX; o++) {
        names[n++] = o->name;
    }
    for (const struct cli_option *o = command != NULL ? command->options : NULL;
         o != NULL && o->name != NULL && n < NAMES_MAX; o++) {
        names[n++] = o->name;
    }
    const char *near = nearest_name(name, names, n);
    const char *of = command != NULL ? " of faascast " : "";
    return RAISE(err, ERR_USAGE, "no option --%s%s%s%s%s%s", name, of,
                 command != NULL ? command->name : "", near != NULL ? ", did you mean --" : "",
                 near != NULL ? near : "", near != NULL ? "?" : "");
}

static enum status unknown_command(const char *name, struct error *err)
{
    enum { NAMES_MAX = 64 };
    const char *names[NAMES_MAX];
    size_t n = 0;
    for (; n < NAMES_MAX && commands[n] != NULL; n++) {
        names[n] = commands[n]->name;
    }
    const char *near = nearest_name(name, names, n);
    return RAISE(err, ERR_USAGE, "no command '%s'%s%s%s (see faascast help)", name,
                 near != NULL ? ", did you mean '" : "", near != NULL ? near : "",
                 near != NULL ? "'?" : "");
}

/* Splits "--name=value" or "-oFILE" into name and value; false for arguments. */
static bool split(char *argument, char *name, size_t size, char **value)
{
    *value = NULL;
    if (argument[0] != '-' || argument[1] == '\0') {
        return false;
    }
    if (argument[1] != '-') {
        name[0] = argument[1];
        name[1] = '\0';
        *value = argument[2] != '\0' ? argument + 2 : NULL;
        return true;
    }
    const size_t n = strcspn(argument + 2, "=");
    snprintf(name, size, "%.*s", (int)(n < size ? n : size - 1), argument + 2);
    if (argument[2 + n] == '=') {
        *value = argument + 3 + n;
    }
    return true;
}

static enum status take_option(struct cli *cli, const char *name, char *value, bool named, int *i,
                               struct error *err)
{
    const struct cli_option *option = find_option(named ? cli->command : NULL, name);
    if (option == NULL) {
        return unknown_option(cli->command, name, err);
    }
    if (option->value != NULL && value == NULL) {
        if (*i + 1 == cli->argc) {
            return RAISE(err, ERR_USAGE, "%s%s needs %s", name[1] != '\0' ? "--" : "-", name,
                         option->value);
        }
        value = cli->argv[++*i];
    } else if (option->value == NULL && value != NULL) {
        return RAISE(err, ERR_USAGE, "--%s takes no value", name);
    }
    if (strcmp(option->name, "set") == 0) {
        cli->sets[cli->n_sets++] = value;
    }
    cli->option_names[cli->n_options] = option->name;
    cli->option_values[cli->n_options++] = value != NULL ? value : "";
    return STATUS_OK;
}

/* First find the command, then read everything with its table at hand. */
static enum status parse(struct cli *cli, struct error *err)
{
    for (int round = 0; round < 2; round++) {
        bool only_arguments = false;
        bool named = false;
        cli->n_options = cli->n_sets = 0;
        cli->n_arguments = 0;
        for (int i = 1; i < cli->argc; i++) {
            char *argument = cli->argv[i];
            char name[64];
            char *value = NULL;
            if (!only_arguments && strcmp(argument, "--") == 0) {
                only_arguments = true;
            } else if (!only_arguments && split(argument, name, sizeof name, &value)) {
                if (take_option(cli, name, value, named || round > 0, &i, err) != STATUS_OK) {
                    return err->code;
                }
            } else if (!named) {
                named = true;
                if (round == 0 && (cli->command = find_command(argument)) == NULL) {
                    return unknown_command(argument, err);
                }
            } else {
                cli->arguments[cli->n_arguments++] = argument;
            }
        }
        if (!named) {
            cli->command = find_command(cli_option(cli, "version") != NULL ? "version" : "help");
        }
    }
    return STATUS_OK;
}

/* Before any work: can -o FILE be written, and is it none of the files that are read? */
static enum status check_output(const struct cli *cli, struct error *err)
{
    const char *path = cli_option(cli, "o");
    struct stat out, in;
    if (path == NULL) {
        return STATUS_OK;
    }
    for (int i = 0; i < cli->n_arguments; i++) {
        if (stat(path, &out) == 0 && S_ISREG(out.st_mode) && stat(cli->arguments[i], &in) == 0 &&
            in.st_dev == out.st_dev && in.st_ino == out.st_ino) {
            return RAISE(err, ERR_USAGE, "-o %s: this is the file that is read", path);
        }
    }
    return cli->command->keeps_store ? STATUS_OK : file_try(path, err);
}

static enum status settle(struct cli *cli, struct error *err)
{
    static const char *const formats[] = {"table", "csv", "json"};
    const char *format = cli_option(cli, "format");
    cli->format = FORMAT_TABLE;
    if (format != NULL) {
        size_t i = 0;
        while (i < 3 && strcmp(format, formats[i]) != 0) {
            i++;
        }
        if (i == 3) {
            return RAISE(err, ERR_USAGE, "--format %s: expected table, csv or json", format);
        }
        cli->format = (enum cli_format)i;
    }
    const struct command *c = cli->command;
    if (format != NULL && c->only != NULL && strcmp(format, c->only) != 0) {
        return RAISE(err, ERR_USAGE, "--format %s: %s writes %s alone", format, c->name, c->only);
    }
    if (cli_option(cli, "fail-if") != NULL && !c->has_rows) {
        return RAISE(err, ERR_USAGE, "--fail-if: %s has no rows to look at", c->name);
    }
    const char *no_color = getenv("NO_COLOR");
    cli->quiet = cli_option(cli, "q") != NULL || cli_option(cli, "quiet") != NULL;
    cli->colour = isatty(STDOUT_FILENO) && cli_option(cli, "no-color") == NULL &&
                  cli_option(cli, "o") == NULL && (no_color == NULL || no_color[0] == '\0');
    cli->progress = isatty(STDERR_FILENO) && !cli->quiet;
    if (cli->n_arguments < c->arguments_min ||
        (c->arguments_max >= 0 && cli->n_arguments > c->arguments_max)) {
        return RAISE(err, ERR_USAGE, "usage: faascast %s [options] %s", c->name, c->arguments);
    }
    return check_output(cli, err);
}

/* A folder of ours: named by the environment, beside the installed program, or the source tree. */
static const char *find_folder(const char *variable, const char *name, const char *source,
                               char *buffer, size_t size)
{
    const char *given = getenv(variable);
    if (given != NULL && given[0] != '\0') {
        return given;
    }
    char exe[3072];
    const ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    if (n > 0) {
        exe[n] = '\0';
        for (int up = 0; up < 2; up++) {
            char *slash = strrchr(exe, '/');
            if (slash != NULL) {
                *slash = '\0';
            }
        }
        struct stat info;
        snprintf(buffer, size, "%s/share/faascast/%s", exe, name);
        if (stat(buffer, &info) == 0) {
            return buffer;
        }
    }
    return source;
}

/* The line that is to blame, with a caret under the column. */
static void show_place(const struct error *err)
{
    char *text = NULL;
    size_t size = 0;
    struct error ignored = {0};
    if (err->file[0] == '\0' || err->line == 0 || err->column == 0 ||
        file_read(err->file, 16 << 20, &text, &size, &ignored) != STATUS_OK) {
        return;
    }
    const char *line = text;
    for (unsigned i = 1; i < err->line && line != NULL; i++) {
        line = strchr(line, '\n');
        line = line != NULL ? line + 1 : NULL;
    }
    const size_t n = line != NULL ? strcspn(line, "\r\n") : 0;
    for (size_t i = 0; i < n; i++) { /* a binary file must not steer the terminal */
        const unsigned char byte = (unsigned char)line[i];
        if ((byte < 0x20 && byte != '\t') || byte == 0x7f) {
            text[line - text + (ptrdiff_t)i] = '?';
        }
    }
    if (n > 0 && n <= 160) {
        fprintf(stderr, "  %.*s\n  ", (int)n, line);
        unsigned column = 1;
        for (const char *p = line; column < err->column && p < line + n; p++) {
            if (((unsigned char)p[1] & 0xc0) != 0x80) {
                fputc(*p == '\t' ? '\t' : ' ', stderr);
                column++;
            }
        }
        fputs("^\n", stderr);
    }
    free(text);
}

static enum exit_code run(struct cli *cli, struct error *err)
{
    if (cli->arguments == NULL || cli->sets == NULL || cli->option_names == NULL ||
        cli->option_values == NULL) {
        RAISE(err, ERR_MEMORY, "out of memory");
        return EXIT_FAILED;
    }
    if (parse(cli, err) != STATUS_OK) {
        return EXIT_USAGE;
    }
    if (cli_option(cli, "help") != NULL && strcmp(cli->command->name, "help") != 0) {
        cli->arguments[0] = (char *)(uintptr_t)cli->command->name;
        cli->n_arguments = 1;
        cli->command = find_command("help");
    }
    return settle(cli, err) == STATUS_OK ? cli->command->run(cli, err) : EXIT_USAGE;
}

int main(int argc, char **argv)
{
    gsl_set_error_handler_off();
    signal(SIGPIPE, SIG_IGN); /* a closed pipe is an error of write(), told in words */
    char data[4096];
    char plots[4096];
    const size_t room = (size_t)argc + 2;
    struct cli cli = {
        .argc = argc,
        .argv = argv,
        .data_dir = find_folder("FAASCAST_DATA", "scenarios", FAASCAST_SOURCE "/scenarios", data,
                                sizeof data),
        .plots_dir =
            find_folder("FAASCAST_PLOTS", "plots", FAASCAST_SOURCE "/plots", plots, sizeof plots),
        .arguments = calloc(room, sizeof(char *)),
        .sets = calloc(room, sizeof(char *)),
        .option_names = calloc(room, sizeof(char *)),
        .option_values = calloc(room, sizeof(char *)),
    };
    struct error err = {0};
    enum exit_code code = run(&cli, &err);
    if (err.code != STATUS_OK) {
        char message[1200];
        error_format(&err, message, sizeof message);
        fprintf(stderr, "error: %s\n", message);
        show_place(&err);
        code = cli_exit_code(err.code);
    }
    free(cli.arguments);
    free(cli.sets);
    free(cli.option_names);
    free(cli.option_values);
    return (int)code;
}
