/* RESULTS as commands take them: rows in a file (CSV, JSON), or a scenario that is predicted. */
#ifndef CLI_RESULTS_H
#define CLI_RESULTS_H

#include "cli/frame.h"

struct results {
    struct frame frame;
    struct scenario scenario; /* the last source that was one */
    bool has_scenario;
    struct constraints constraints; /* of the scenario or the store; 0 = none */
    double confidence;              /* of the store's intervals; 0 or NaN = unknown */
};

/* Append the rows of one source to r->frame, whose wanted columns are set. A file is told by its
 * content: an object with "rows" is JSON results, any other object a scenario, the rest CSV. */
enum status results_read(const struct cli *cli, const char *path, struct results *r,
                         struct error *err);
/* Limits and confidence of the first configuration of a scenario. */
enum status results_limits(const struct scenario *s, struct constraints *limits, double *confidence,
                           struct error *err);
void results_free(struct results *r);

/* First character that is neither white nor byte order mark: '{' for JSON, '/' for a comment. */
enum status file_first_character(const char *path, char *out, struct error *err);

#endif
