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

#endif
