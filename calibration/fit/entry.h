/* A catalogue entry being written: the entry itself, the details of its fits, words for a person.
 */
#ifndef CALIBRATION_FIT_ENTRY_H
#define CALIBRATION_FIT_ENTRY_H

#include "calibration/fit.h"

struct entry {
    const struct fit_options *options;
    const struct trace *trace; /* NULL for tables */
    const char *source, *date; /* of the measurement; stand beside every value */
    struct text values;        /* members of the entry */
    struct text details;       /* members of the fits */
    struct text *summary;
};

/* "0.0244", six significant digits: what a fit knows, and the same on every machine. */
void text_six(struct text *out, double value);

/* A distribution under a key of the catalogue; effect may be NULL. all: FAMILIES candidates. */
void entry_distribution(struct entry *e, const char *key, const struct fitted *best,
                        const struct fitted *all, const struct run_effect *effect,
                        const struct sample *sorted);
/* A number under a key of the catalogue; _of_runs: with the spread of ln(value) between runs. */
void entry_number(struct entry *e, const char *key, const struct estimate *estimate, size_t n,
                  const char *note);
void entry_number_of_runs(struct entry *e, const char *key, const struct estimate *estimate,
                          size_t n, double run_sd, const char *note);
/* Details only: what the catalogue has no key for. */
void entry_detail(struct entry *e, const char *key, const struct estimate *estimates, size_t n);
void entry_detail_text(struct entry *e, const char *key, const char *text);
/* A line of the summary. */
void entry_say(struct entry *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Put it together: {group: {name: {...}}, "fits": {name: {...}}}; group NULL: fits alone. */
void entry_finish(struct entry *e, const char *group, const char *trace_path, uint64_t trace_hash,
                  size_t rows, struct text *json);
void entry_free(struct entry *e);

#endif
