/* Inner header of scenario.c, axes.c, cursor.c and identity.c. */
#ifndef MODEL_SCENARIO_H
#define MODEL_SCENARIO_H

#include "model/config.h"

/* The field a pointer such as /platform/memory_mib names, and its struct's offset in the
 * configuration. */
bool field_find(const char *pointer, const struct field **field, size_t *base);

enum { AXIS_OFFSETS = sizeof((struct axis *)NULL)->offsets / sizeof(size_t) };

/* "dir/of/file.json" + "x.json" -> "dir/of/x.json", in `a`; NULL when memory is exhausted. */
char *path_beside(struct arena *a, const char *file, const char *name);

/* Does a section of the baseline replace the scenario's (model/cursor.c)? */
bool section_replaces(const struct json *section);

/* The parts of a sweep (model/axes.c): one axis per member of `grid` and `zip`; a CSV file whose
 * columns are JSON pointers; points of a Sobol sequence. Each adds its axes and dimensions. */
enum status axes_from_object(struct scenario *s, struct json *part, bool zip, struct error *err);
enum status axes_from_table(struct scenario *s, struct json *part, struct error *err);
enum status axes_from_sample(struct scenario *s, struct json *part, struct error *err);
/* What else an axis moves: the data store when it is the store, the baseline. */
void axes_reach(struct scenario *s);
/* The number of points, from the dimensions. */
enum status axes_count(struct scenario *s, const struct json *sweep, struct error *err);

/* Numbers of the struct that the fast axes move (model/identity.c), of the configuration or of the
 * baseline. */
struct moves {
    size_t offset[AXIS_OFFSETS * AXIS_LIMIT];
    const struct axis *axis[AXIS_OFFSETS * AXIS_LIMIT];
    size_t count;
};
void moves_find(const struct scenario *s, bool baseline, struct moves *out);
/* The identity of a point, from that of the configuration its slot holds. */
uint64_t moves_identity(const struct moves *m, const struct config *slot, uint64_t slot_identity,
                        bool simulated, const size_t index[]);
/* The identity of the baseline at the point sought last. */
uint64_t baseline_identity(const struct scenario_cursor *c, bool simulated);

#endif
