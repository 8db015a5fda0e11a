/* Points the papers print, to be laid over a picture. */
#ifndef CLI_PUBLISHED_H
#define CLI_PUBLISHED_H

#include "cli/plot.h"

struct published {
    struct {
        uint32_t series;
        double x, y;
    } * points;
    size_t count, capacity;
    struct text source; /* "MetaFaaS, BiDEDE 2022, Table 3" */
};

/* Points that belong to the series of a picture. scenarios/published/overlay.json says which rows
 * of which table belong to which results:
 *   file, source       the table and where it was printed
 *   kind, value        the picture ("time") and the column it draws ("exchange_s")
 *   per_round          true: for pictures of one round
 *   x, y, scale        columns of the table; y is multiplied by scale into SI units
 *   rows               {table column: text}: only these rows
 *   results            {result column: text}: only these results
 *   match              {result column: {"column": table column, "values": {printed: ours}}}
 * No overlay.json: no points. */
enum status published_find(const struct plot *p, const struct series *s, const char *kind,
                           const char *value, struct published *out, struct error *err);
void published_free(struct published *points);

#endif
