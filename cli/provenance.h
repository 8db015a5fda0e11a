/* Where results come from, for every output that can carry it. */
#ifndef CLI_PROVENANCE_H
#define CLI_PROVENANCE_H

#include "cli/cli.h"
#include "sweep/sweep.h"

/* Texts live in `a`, or are borrowed from cli and s. */
enum status provenance_of(const struct cli *cli, const struct scenario *s, struct arena *a,
                          struct provenance *out, struct error *err);
/* One JSON object; indent is put before its lines. */
void text_provenance(struct text *out, const struct stored_run *run, const char *indent);

/* The object of an output that is made now; `engines` is "predict", "simulate" or "both"; a NaN
 * seed is the simulation's. The same scenario, command and host give the same bytes: no time of
 * day. */
enum status text_provenance_now(struct text *out, const struct cli *cli, const struct scenario *s,
                                const char *engines, double seed, struct error *err);
/* cli_write for a result: beside a table or CSV file (-o FILE) goes FILE.provenance.json; a table
 * on a terminal is followed by one line on stderr. JSON holds the object itself:
 * text_provenance_now stays the caller's. */
enum status cli_write_result(const struct cli *cli, struct text *result,
                             const struct text *provenance, struct error *err);

#endif
