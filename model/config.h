/* Inner header of the configuration: field tables, typed reading, the catalogue. */
#ifndef MODEL_CONFIG_H
#define MODEL_CONFIG_H

#include "model/model.h"

enum field_type { FIELD_NUMBER, FIELD_COUNT, FIELD_BOOL, FIELD_TEXT, FIELD_QUANTITY, FIELD_MONEY };

enum field_flag {
    FIELD_REQUIRED = 1,
    FIELD_POSITIVE = 2,  /* 0 is refused when the key is given; absent means "none" */
    FIELD_STRUCTURAL = 4 /* a change needs the whole configuration read again */
};

/* One key of one section. An alias sets several fields; a later, more specific key overrides. */
struct field {
    const char *key;
    enum field_type type;
    unsigned flags;
    size_t offset[3]; /* from the section's struct; NO_FIELD ends */
    double minimum, maximum, fallback;
    const char *help; /* unit and meaning, for `show schema` */
};
#define NO_FIELD SIZE_MAX

struct section {
    const char *name, *catalogue; /* catalogue group for "use", or NULL */
    size_t offset;                /* of the section's struct within struct config */
    const struct field *fields;   /* ended by a NULL key, relative to that struct */
    const struct field *extra;    /* the same, relative to struct config */
    const char *help;
};

extern const struct section sections[];      /* NULL-ended, model/fields.c */
extern const struct field price_fields[];    /* of one price class */
extern const struct field dataset_fields[];  /* into struct workload */
extern const struct field backbone_fields[]; /* into struct workload */

/* ERR_INPUT: what the node is, and what was expected there. */
enum status value_wrong_kind(struct error *err, const struct json *node, const char *expected);

/* Reading values (model/values.c, model/distribution.c). All mark what they read and place their
 * errors. */
struct json *value_unwrap(struct json *node, struct error *err); /* sourced value -> its value */
enum status value_quantity(struct arena *a, struct json *node, struct quantity *out,
                           struct error *err);
enum status value_number(struct json *node, double *out, struct error *err);
enum status value_text(struct json *node, const char **out, struct error *err);
/* One field of `node` (already unwrapped by value_field itself) into its struct at base. */
enum status value_field(struct arena *a, const struct field *f, struct json *node, void *base,
                        struct error *err);
/* All fields of an object, defaults for absent ones. */
enum status value_fields(struct arena *a, const struct field *fields, struct json *object,
                         void *base, struct error *err);
struct quantity quantity_constant(double value);
/* Keys of `patch` that set several fields (latency_s) take the place of the more specific keys of
 * `target` (get_latency_s): what is said last holds for all of them. */
void value_overrule(const struct field *fields, struct json *target, const struct json *patch);
/* json_set with the same rule: for --set and the axes of a sweep. */
enum status value_set(struct arena *a, struct json *root, const char *pointer,
                      const struct json *value, struct error *err);
/* RFC 7396, except that a value given whole, {"value": ...} or {"distribution": ...}, takes the
 * place of the old one instead of mixing with its parameters and its source. */
enum status value_merge(struct arena *a, struct json *target, const struct json *patch,
                        struct error *err);

/* A configuration from a resolved tree (model/bind.c). The tree's unread keys are errors. */
enum status config_bind(struct arena *a, struct json *catalogue, const char *profile_dir,
                        struct json *tree, const char *file, struct config *out, struct error *err);

/* What the scenario's compute section takes from its profile (model/profile.c); ERR_INPUT when
 * there is no such profile, or nothing in it for the workload. node: the section or NULL; data_dir
 * NULL: the profile is not looked for, a task takes a second. */
enum status profile_bind(struct arena *a, const char *data_dir, struct json *node, struct config *c,
                         struct error *err);

/* Paths of *.json in a folder, sorted, in `a`; none when there is no such folder. */
enum status catalogue_files(struct arena *a, const char *dir, char ***out, size_t *count,
                            struct error *err);
/* Lay every "use" entry of the catalogue under the scenario's own keys (model/catalogue.c). */
enum status catalogue_resolve(struct arena *a, struct json *catalogue, struct json *tree,
                              struct error *err);

#endif
