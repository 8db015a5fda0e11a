/* Scenarios and their points: files read, axes of a sweep, a reader of configurations,
 * fingerprints. Included by model/model.h, the door. */
#ifndef MODEL_POINTS_H
#define MODEL_POINTS_H

#include "model/configuration.h"

struct evaluator; /* model/model.h */
struct tally;
struct ledger;
struct row;

struct scenario_options {
    const char *data_dir;    /* holds catalogue/ and profiles/ */
    const char *const *sets; /* "/json/pointer=value" */
    size_t n_sets;
    bool no_sweep;          /* one configuration: the one the file itself describes */
    bool no_profile;        /* compute is what will be measured: a profile need not be there */
    bool plan;              /* the axes of the section `plan` in place of those of the sweep */
    struct json *catalogue; /* of data_dir, read already and outliving the scenario; or NULL */
};

struct axis {
    const char *pointer;
    struct json *at;      /* where it was written */
    struct json **values; /* `count` of them as written; NULL when generated */
    double *numbers;      /* when fast or generated */
    size_t count;
    uint32_t dimension; /* axes of one "zip", file or sample share one */
    bool fast;          /* a plain number that is set without reading the tree again */
    bool in_baseline;   /* applies to the baseline too */
    size_t offsets[6];  /* in struct config, when fast; NO_FIELD ends */
};

enum { AXIS_LIMIT = 32, SKIP_LIMIT = 16 };

/* A scenario file, its includes and --set merged, its sweep understood. Read-only once loaded. */
struct scenario {
    struct arena arena;
    const char *path, *data_dir, *name;
    struct json *tree;     /* without sweep and baseline, "use" not yet resolved */
    struct json *baseline; /* overlay, or NULL */
    struct json *sweep;    /* as written, or NULL */
    struct json *score;    /* how it compares with measurements; NULL = not said */
    struct json *plan;     /* what a plan searches, as written, or NULL */
    struct json *catalogue;
    struct json *own_catalogue; /* paths of files with entries of its own */
    const char *profile_dir;    /* data_dir, or NULL: profiles are not read */
    struct axis axes[AXIS_LIMIT];
    size_t n_axes;
    size_t dimensions[AXIS_LIMIT], n_dimensions; /* lengths; the last varies fastest */
    uint64_t points;
    struct expression skips[SKIP_LIMIT];
    size_t n_skips;
};

enum status scenario_load(const char *path, const struct scenario_options *options,
                          struct scenario *out, struct error *err);
void scenario_free(struct scenario *s);
/* Does one of the skip conditions leave this configuration out? It is read only. */
bool scenario_skips(const struct scenario *s, struct config *c);
/* The merged, resolved tree of the first point, in `a` (for check --resolved). */
enum status scenario_resolved(const struct scenario *s, struct arena *a, struct json **out,
                              struct error *err);

/* Value i of an axis: as written, or made in `a` (NULL when memory is exhausted); as text. */
struct json *axis_value(struct arena *a, const struct axis *axis, size_t i);
void text_axis_value(struct text *out, const struct axis *axis, size_t i);
/* The key an axis is about, in its pointer: "workers" of /platform/workers, and what leads to it
 * inside a value: "framework_ratio/value/mean". */
const char *axis_label(const struct axis *axis);
/* Which of its values an axis has at a point of the sweep. */
size_t axis_index(const struct scenario *s, const struct axis *axis, uint64_t point);

/* The merged tree as its files give it, sweep and baseline included; lives in the scenario. */
enum status scenario_merged(struct scenario *s, struct json **out, struct error *err);
/* The catalogue of a data folder, every entry by group and name, and the entries of a scenario's
 * own files (an array of their paths, or NULL); two of one name in one group are an error. */
enum status catalogue_read(struct arena *a, const char *data_dir, const struct json *own,
                           struct json **out, struct error *err);
/* The file of a compute profile, in `a` (NULL: no memory). A name is looked for among the shipped
 * ones, then as NAME.json beside the file that names it; what has a slash or ends in .json is a
 * file beside that one. */
char *profile_path(struct arena *a, const char *data_dir, const struct json *name);
/* Every section and key a scenario may have, with unit, range and default. */
void text_schema(struct text *out);

/* A reader of points; one per thread. Configurations are borrowed until the next call. */
struct scenario_cursor {
    const struct scenario *scenario;
    struct cursor_slot *slots;
    struct config config, baseline;
    bool has_baseline;
    struct moves *moves;            /* of the configuration, of the baseline */
    const struct cursor_slot *slot; /* of the point sought last */
    size_t index[AXIS_LIMIT];       /* its place in every dimension */
    uint64_t baseline_identity;     /* of the baseline whose time is kept */
    double baseline_s;
    bool baseline_kept;
};
enum status cursor_init(struct scenario_cursor *c, const struct scenario *s, struct error *err);
void cursor_free(struct scenario_cursor *c);
/* Configuration number `point`, derived fields not yet filled (config_finish). *skipped when a skip
 * condition holds. Errors: whatever is wrong with the values of that point. */
enum status cursor_seek(struct scenario_cursor *c, uint64_t point, bool *skipped,
                        struct error *err);

/* Fill file, line and column of an error that has only a path: the value of this point there, or
 * where it would stand. */
void cursor_locate(const struct scenario_cursor *c, uint64_t point, struct error *err);
/* What is wrong with a point that predict_point calls infeasible: ERR_INFEASIBLE with its place;
 * STATUS_OK for a feasible one. */
enum status predict_check(struct scenario_cursor *c, uint64_t point, struct evaluator *e,
                          struct error *err);
/* Does a change of this pointer reach the baseline too, or does the overlay say otherwise? */
bool scenario_baseline_shares(const struct scenario *s, const char *pointer);
/* Set one number by its pointer, such as /compute/unit_s or an option of the system; an uncertain
 * quantity becomes this constant. ERR_USAGE for what is no number of the configuration. */
enum status config_set(struct config *c, const char *pointer, double value, struct error *err);

/* Finish one configuration in place and evaluate it, or replay the chosen reading: no row, no
 * money. The program stays in e. */
enum status predict_tally(struct config *c, struct evaluator *e, struct tally *t,
                          struct error *err);
/* Predict one configuration: finish, evaluate (or replay the chosen reading), cost; time of the
 * baseline, which may be NULL. Infeasible is an answer: row->feasible false, status tells why.
 * tally and ledger may be NULL: totals only. Both configurations are finished in place. */
enum status predict_config(struct config *c, struct config *baseline, struct evaluator *e,
                           struct row *row, struct tally *tally, struct ledger *ledger,
                           struct error *err);

/* A value of the scenario's own that every point of its sweep replaces must still be one: a text
 * where the sweep has numbers is a mistake nobody else would see. ERR_INPUT with its place. */
enum status cursor_check_replaced(const struct scenario *s, struct error *err);
/* What the result of the point sought last depends on, baseline included: equal for equal
 * configurations whatever sweep, file or comment they come from. The closed form does not depend on
 * what only the simulator plays; seeds are kept apart. */
uint64_t cursor_identity(const struct scenario_cursor *c, bool simulated);
/* The same of one configuration, before config_finish. */
uint64_t config_identity(const struct config *c, bool simulated);

/* What stands in a scenario and the data it uses, as numbers: comments, notes, sources and the
 * order of keys do not count. */
struct fingerprints {
    uint64_t scenario; /* all of it: tree, baseline, sweep, catalogue, profile */
    uint64_t prices;   /* the price lists of the catalogue and the section prices */
    uint64_t profile;  /* the compute profile; 0 without one */
    double seed;       /* of the simulation */
};
enum status scenario_fingerprints(const struct scenario *s, struct fingerprints *out,
                                  struct error *err);

/* Predict one point: finish, evaluate (or replay the chosen reading), cost, baseline. Infeasible is
 * an answer: row->feasible false, status tells why. ledger NULL: totals only. */
enum status predict_point(struct scenario_cursor *c, uint64_t point, struct evaluator *e,
                          struct row *row, struct tally *tally, struct ledger *ledger,
                          bool *skipped, struct error *err);

#endif
