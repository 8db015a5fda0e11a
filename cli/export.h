/* Rows of result stores as CSV, JSON, a table or another store; streamed, never all in memory. */
#ifndef CLI_EXPORT_H
#define CLI_EXPORT_H

#include "cli/cli.h"
#include "sweep/sweep.h"

enum export_form { EXPORT_TABLE, EXPORT_CSV, EXPORT_JSON, EXPORT_STORE, EXPORT_NOTHING };

struct export
{
    const char *const *paths; /* stores */
    size_t n_paths;
    int64_t run; /* 0: the latest */
    enum export_form form;
    const char *file;                         /* NULL or "-": standard output */
    const struct expression *where, *fail_if; /* may be NULL */
    uint64_t rows, feasible;                  /* written */
    bool failed;                              /* a row met fail_if */
};
/* The form that -o FILE asks for by its end, else --format. ERR_USAGE for another end. */
enum status export_form(const struct cli *cli, enum export_form *out, struct error *err);
/* A CSV file gets FILE.provenance.json beside it; JSON carries its provenance itself. */
enum status export_rows(struct export *e, struct error *err);

#endif
