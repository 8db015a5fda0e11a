/* help and version; the man page and the bash completion come from the same tables, so they cannot
 * disagree with --help. */
#include "cli/commands.h"

#include <ctype.h>
#include <string.h>

static const struct cli_option options[] = {
    {"man", NULL, "print the man page (troff)"},
    {"completion", NULL, "print the bash completion script"},
    {NULL, NULL, NULL},
};

static const char *dashes(const char *name)
{
    return name[1] == '\0' ? "-" : "--";
}

enum { WIDTH = 80, OPTION_WIDTH = 28 };

/* Words broken at blanks to stay within WIDTH; lines after the first are indented. The line has
 * `used` characters already. */
static void write_wrapped(struct text *out, const char *words, size_t used, size_t indent)
{
    while (*words != '\0' && *words != '\n') {
        const size_t n = strcspn(words, " \n");
        if (used > indent && used + 1 + n > WIDTH) {
            text_printf(out, "\n%*s", (int)indent, "");
            used = indent;
        } else if (used > indent) {
            text_puts(out, " ");
            used++;
        }
        text_append(out, words, n);
        used += n;
        words += n;
        words += strspn(words, " ");
    }
    text_puts(out, "\n");
}

static void write_options(struct text *out, const struct cli_option *table)
{
    for (; table != NULL && table->name != NULL; table++) {
        struct text left = {0};
        text_printf(&left, "  %s%s%s%s", dashes(table->name), table->name,
                    table->value != NULL ? " " : "", table->value != NULL ? table->value : "");
        const size_t indent = OPTION_WIDTH + 3;
        if (left.size >= indent) {
            text_printf(out, "%s\n%*s", left.data, (int)indent, "");
        } else {
            text_printf(out, "%-*s", (int)indent, left.data != NULL ? left.data : "");
        }
        write_wrapped(out, table->help, indent, indent);
        text_free(&left);
    }
}

/* Details are paragraphs; lines "  name: words" are a list. */
static void write_details(struct text *out, const char *details)
{
    while (*details != '\0') {
        const size_t n = strcspn(details, "\n");
        if (details[0] == ' ') {
            const size_t name = strcspn(details, ":");
            text_printf(out, "%-14.*s", (int)name, details);
            write_wrapped(out, details + name + 2, 14, 14);
        } else {
            write_wrapped(out, details, 0, 0);
        }
        details += n + (details[n] == '\n');
    }
}

static void write_examples(struct text *out, const char *examples)
{
    while (*examples != '\0') {
        const size_t n = strcspn(examples, "\n");
        text_printf(out, "  %.*s\n", (int)n, examples);
        examples += n + (examples[n] == '\n');
    }
}

static const struct command *find(const char *name)
{
    for (size_t i = 0; commands[i] != NULL; i++) {
        if (strcmp(commands[i]->name, name) == 0) {
            return commands[i];
        }
    }
    return NULL;
}

static void write_overview(struct text *out)
{
    /* What a newcomer does first, in this order. */
    static const char *const first[] = {"predict", "plan", "plot", "report", "new"};
    text_puts(out, "faascast: what serverless training will cost, before any cloud spend\n\n"
                   "Start here:\n");
    for (size_t i = 0; i < sizeof first / sizeof first[0]; i++) {
        const struct command *c = find(first[i]);
        if (c != NULL) {
            text_printf(out, "  %.*s\n", (int)strcspn(c->examples, "\n"), c->examples);
        }
    }
    text_puts(out, "\nCommands:\n");
    for (size_t i = 0; commands[i] != NULL; i++) {
        text_printf(out, "  %-12s %s\n", commands[i]->name, commands[i]->summary);
    }
    text_puts(out, "\nOptions of all commands:\n");
    write_options(out, common_options);
    text_puts(out,
              "\nfaascast help COMMAND shows examples first; man faascast is the reference.\n");
}

static void write_command(struct text *out, const struct command *c)
{
    text_printf(out, "faascast %s: %s\n\nExamples:\n", c->name, c->summary);
    write_examples(out, c->examples);
    text_printf(out, "\nUsage: faascast %s [options] %s\n", c->name, c->arguments);
    if (c->details != NULL) {
        text_puts(out, "\n");
        write_details(out, c->details);
    }
    if (c->options != NULL) {
        text_puts(out, "\nOptions:\n");
        write_options(out, c->options);
    }
    text_puts(out, "\nOptions of all commands:\n");
    write_options(out, common_options);
}

/* ---------------------------------------------------------------- man page */

static void roff(struct text *out, const char *words)
{
    for (const char *p = words; *p != '\0'; p++) {
        if (*p == '-') {
            text_puts(out, "\\-");
        } else if (*p == '\\') {
            text_puts(out, "\\e");
        } else if ((*p == '.' || *p == '\'') && (p == words || p[-1] == '\n')) {
            text_puts(out, "\\&");
            text_append(out, p, 1);
        } else {
            text_append(out, p, 1);
        }
    }
}

static void roff_details(struct text *out, const char *details)
{
    while (*details != '\0') {
        const size_t n = strcspn(details, "\n");
        struct text line = {0};
        if (details[0] == ' ') {
            const size_t name = strcspn(details, ":");
            text_printf(out, ".TP\n.B %.*s\n", (int)name - 2, details + 2);
            text_append(&line, details + name + 2, n - name - 2);
        } else {
            text_append(&line, details, n);
        }
        roff(out, line.data != NULL ? line.data : "");
        text_puts(out, "\n");
        details += n + (details[n] == '\n');
        if (*details != '\0' && *details != ' ') {
            text_puts(out, ".PP\n");
        }
        text_free(&line);
    }
}

static void roff_options(struct text *out, const struct cli_option *table)
{
    for (; table != NULL && table->name != NULL; table++) {
        text_puts(out, ".TP\n.B ");
        roff(out, dashes(table->name));
        roff(out, table->name);
        if (table->value != NULL) {
            text_puts(out, " \\fI");
            roff(out, table->value);
            text_puts(out, "\\fR");
        }
        text_puts(out, "\n");
        roff(out, table->help);
        text_puts(out, "\n");
    }
}

static void write_man(struct text *out)
{
    static const struct {
        const char *text;
        int code;
    } codes[] = {
#define X(name, number, words) {words, number},
        EXIT_CODE_LIST(X)
#undef X
    };
    text_puts(out, ".TH FAASCAST 1 \"\" \"faascast " FAASCAST_VERSION "\" \"User Commands\"\n"
                   ".SH NAME\nfaascast \\- what serverless training will cost, before any cloud "
                   "spend\n.SH SYNOPSIS\n.B faascast\n.I command\n[options] [arguments]\n"
                   ".SH DESCRIPTION\nReads a scenario (JSON, comments allowed) that says what is "
                   "trained, by which system, on which platform and store and at which prices, and "
                   "predicts time and an itemised bill for every configuration of its sweep.\n"
                   ".SH EXAMPLES\n.nf\n");
    for (size_t i = 0; commands[i] != NULL; i++) {
        roff(out, commands[i]->examples);
    }
    text_puts(out, ".fi\n.SH COMMANDS\n");
    for (size_t i = 0; commands[i] != NULL; i++) {
        const struct command *c = commands[i];
        text_printf(out, ".SS %s ", c->name);
        roff(out, c->arguments);
        text_puts(out, "\n");
        roff(out, c->summary);
        text_puts(out, ".\n");
        if (c->details != NULL) {
            text_puts(out, ".PP\n");
            roff_details(out, c->details);
        }
        roff_options(out, c->options);
    }
    text_puts(out, ".SH OPTIONS OF ALL COMMANDS\n");
    roff_options(out, common_options);
    text_puts(out, ".SH RESULT COLUMNS\n");
    for (int i = 0; columns[i].name != NULL; i++) {
        text_printf(out, ".TP\n.B %s\n", columns[i].name);
        roff(out, columns[i].help);
        text_puts(out, "\n");
    }
    text_puts(out, ".SH EXIT STATUS\n");
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        text_printf(out, ".TP\n.B %d\n", codes[i].code);
        roff(out, codes[i].text);
        text_puts(out, "\n");
    }
    text_puts(out, ".SH ENVIRONMENT\n.TP\n.B FAASCAST_DATA\nfolder that holds catalogue/ and "
                   "profiles/\n.TP\n.B FAASCAST_PLOTS\nfolder of the gnuplot scripts\n.TP\n"
                   ".B NO_COLOR\nany value: no colours\n");
}

static void write_completion(struct text *out)
{
    text_puts(out,
              "# bash completion of faascast; made by: faascast help --completion\n"
              "_faascast() {\n"
              "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
              "    local command=${COMP_WORDS[1]} words=\n"
              "    case $before in\n"
              "    --format) COMPREPLY=($(compgen -W 'table csv json' -- \"$word\")); return;;\n"
              "    -o) COMPREPLY=($(compgen -f -- \"$word\")); return;;\n"
              "    esac\n"
              "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n        words='");
    for (size_t i = 0; commands[i] != NULL; i++) {
        text_printf(out, "%s%s", i > 0 ? " " : "", commands[i]->name);
    }
    text_puts(out, "'\n    elif [[ $word == -* ]]; then\n        words='");
    for (const struct cli_option *o = common_options; o->name != NULL; o++) {
        text_printf(out, "%s%s%s", o == common_options ? "" : " ", dashes(o->name), o->name);
    }
    text_puts(out, "'\n        case $command in\n");
    for (size_t i = 0; commands[i] != NULL; i++) {
        if (commands[i]->options == NULL) {
            continue;
        }
        text_printf(out, "        %s) words+=' ", commands[i]->name);
        for (const struct cli_option *o = commands[i]->options; o->name != NULL; o++) {
            text_printf(out, "%s%s%s", o == commands[i]->options ? "" : " ", dashes(o->name),
                        o->name);
        }
        text_puts(out, "';;\n");
    }
    text_puts(out,
              "        esac\n    else\n        COMPREPLY=($(compgen -f -- \"$word\")); return\n"
              "    fi\n    COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n}\n"
              "complete -o filenames -F _faascast faascast\n");
}

static enum exit_code help(struct cli *cli, struct error *err)
{
    struct text out = {0};
    if (cli_option(cli, "man") != NULL) {
        write_man(&out);
    } else if (cli_option(cli, "completion") != NULL) {
        write_completion(&out);
    } else if (cli->n_arguments == 0) {
        write_overview(&out);
    } else {
        const struct command *found = find(cli->arguments[0]);
        if (found == NULL) {
            RAISE(err, ERR_USAGE, "no command '%s' (see faascast help)", cli->arguments[0]);
            return EXIT_USAGE;
        }
        write_command(&out, found);
    }
    cli_write(cli, &out, err);
    return EXIT_DONE;
}

static enum exit_code version(struct cli *cli, struct error *err)
{
    struct text out = {0};
    text_puts(&out, "faascast " FAASCAST_VERSION " (" FAASCAST_COMMIT ")\n");
    cli_write(cli, &out, err);
    return EXIT_DONE;
}

const struct command command_help = {
    .name = "help",
    .summary = "how to use a command",
    .arguments = "[COMMAND]",
    .examples = "faascast help predict\nfaascast help --man | man -l -\n",
    .options = options,
    .arguments_max = 1,
    .run = help,
};

const struct command command_version = {
    .name = "version",
    .summary = "the version and the commit it was built from",
    .arguments = "",
    .examples = "faascast version\n",
    .run = version,
};
