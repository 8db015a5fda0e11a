/* Inner header of scenario.c, axes.c and cursor.c. */
#ifndef MODEL_SCENARIO_H
#define MODEL_SCENARIO_H

#include "model/config.h"

/* The field a pointer such as /platform/memory_mib names, and its struct's offset in the
 * configuration. */
bool field_find(const char *pointer, const struct field **field, size_t *base);

/* "dir/of/file.json" + "x.json" -> "dir/of/x.json", in `a`; NULL when memory is exhausted. */
char *path_beside(struct arena *a, const char *file, const char *name);

/* Does a section of the baseline replace the scenario's (model/cursor.c)? */
bool section_replaces(const struct json *section);

/* The parts of a sweep (model/axes.c): one axis per member of `grid` and `zip`; a CSV file whose
 * columns are JSON pointers; points of a Sobol sequence. Each adds its axes and dimensions. */
enum status axes_from_object(struct scenario *s, struct json *part, bool zip, struct error *err);
enum status axes_from_table(struct scenario *s, struct json *part, struct error *err);
enum status axes_from_sample(struct scenario *s, struct json *part, struct error *err);
/* One axis in a dimension of its own. */
enum status axis_add(struct scenario *s, struct json *node, struct error *err);
/* The number of points, from the dimensions. */
enum status axes_count(struct scenario *s, const struct json *sweep, struct error *err);

#endif
