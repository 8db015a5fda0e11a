/* The program's own shapes: commands and options as tables, what a command is given, exit codes. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "model/model.h"

#define EXIT_CODE_LIST(X)                                                                          \
    X(EXIT_DONE, 0, "done")                                                                        \
    X(EXIT_FAILED, 1, "failed: cannot read or write, out of memory, an external program")          \
    X(EXIT_USAGE, 2, "wrong usage of the command line")                                            \
    X(EXIT_INPUT, 3, "bad input: scenario, catalogue, trace or table")                             \
    X(EXIT_UNMET, 4, "nothing feasible or within the limits, or a --fail-if condition is met")     \
    X(EXIT_SIGNAL, 130, "interrupted; what was done so far is printed or kept")

enum exit_code {
#define X(name, number, text) name = number,
    EXIT_CODE_LIST(X)
#undef X
};

/* One option; `value` is what stands for its argument in the help ("FILE"), NULL for a switch. */
struct cli_option {
    const char *name, *value, *help; /* name without dashes; a one-letter name is -x */
};

struct cli;

struct command {
    const char *name, *summary;
    const char *arguments;            /* "FILE..." */
    const char *examples;             /* lines, shown first in the help */
    const struct cli_option *options; /* its own, ended by a NULL name; may be NULL */
    const char *details;              /* more words for the man page, or NULL */
    int arguments_min, arguments_max; /* -1 = any number */
    const char *only;                 /* the one format it writes ("csv", "text"); NULL: all */
    bool has_rows;                    /* that --fail-if can look at */
    bool keeps_store;                 /* -o may be a store that it opens itself */
    enum exit_code (*run)(struct cli *cli, struct error *err);
};

extern const struct command *const commands[]; /* NULL-ended, cli/commands.c */
extern const struct cli_option common_options[];

enum cli_format { FORMAT_TABLE, FORMAT_CSV, FORMAT_JSON };

/* What a command works with; filled by main from the command line. */
struct cli {
    const struct command *command;
    const char *data_dir;  /* catalogue/, profiles/, shipped scenarios */
    const char *plots_dir; /* gnuplot scripts */
    char **arguments;
    int n_arguments;
    const char **sets; /* every --set */
    size_t n_sets;
    enum cli_format format;
    bool quiet, colour; /* colour: stdout is a terminal and nobody objected */
    bool progress;      /* stderr is a terminal and not quiet */
    const char **option_names, **option_values; /* all options given, in order */
    size_t n_options;
    int argc;
    char **argv; /* the whole command line, for provenance */
};

/* Last value of an option ("" for a switch), or NULL when it was not given. */
const char *cli_option(const struct cli *cli, const char *name);
/* A number of an option, or the fallback; ERR_USAGE when it is not one or out of range. */
enum status cli_number(const struct cli *cli, const char *name, double minimum, double maximum,
                       double fallback, double *out, struct error *err);
/* The same of what is counted: whole numbers only. */
enum status cli_count(const struct cli *cli, const char *name, double minimum, double maximum,
                      double fallback, double *out, struct error *err);
/* "2h", "90 min", "1.5d", "30" -> seconds; "5 USD", "5" -> dollars. ERR_USAGE. */
enum status cli_duration(const char *text, double *out_s, struct error *err);
enum status cli_dollars(const char *text, double *out_usd, struct error *err);
/* A scenario file, with --set. */
enum status cli_scenario(const struct cli *cli, const char *path, struct scenario *out,
                         struct error *err);
/* To -o FILE or standard output, whole or not at all; frees the text. */
enum status cli_write(const struct cli *cli, struct text *text, struct error *err);
/* Exit code of an error. */
enum exit_code cli_exit_code(enum status status);

/* Hold SIGINT (and SIGTERM) back; did one come since? Ask from any thread. */
void cli_hold_interrupts(bool terminate_too);
bool cli_interrupted(void);

/* A condition on rows (--fail-if, --where). */
enum status cli_condition(const char *source, struct expression *out, struct error *err);
bool cli_row_is(const struct expression *e, const struct row *row);

/* Words for people: 83 s, 4 min 05 s, 2 h 13 min, 3.2 d; 0.0123, 4.56, 1234. */
void text_time(struct text *out, double seconds);
void text_dollars(struct text *out, double usd);
/* A mean and the half width of its interval, both to the same digit: 7 h 59 min 08 s +- 4 s,
 * 8.78012 +- 0.00097. */
void text_time_interval(struct text *out, double mean_s, double half_s);
void text_dollars_interval(struct text *out, double mean_usd, double half_usd);
/* "within 2 h 00 min and for at most 5.000 USD"; nothing without limits. */
void text_limits(struct text *out, const struct constraints *limits);

/* Rows kept together. Texts of a row are borrowed from its cursor; the list keeps copies of its
 * own, one per different text. */
struct row_list {
    struct row *rows;
    size_t count, capacity;
    struct arena arena;
    const char **texts; /* different ones seen so far */
    size_t n_texts, texts_capacity;
};
enum status row_list_add(struct row_list *list, const struct row *row, struct error *err);
void row_list_free(struct row_list *list);
/* The human table: at most 100 columns, axes first, marks last. */
void text_rows_table(struct text *out, const struct cli *cli, const struct scenario *s,
                     const struct constraints *constraints, const struct row_list *list);
void text_rows_csv(struct text *out, const struct row_list *list);
/* provenance: one JSON object (cli/provenance.h). */
void text_rows_json(struct text *out, const struct text *provenance, const struct row_list *list);

#define FAASCAST_VERSION "0.1.0"

#endif
