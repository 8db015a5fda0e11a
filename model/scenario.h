/* Inner header of scenario.c and cursor.c. */
#ifndef MODEL_SCENARIO_H
#define MODEL_SCENARIO_H

#include "model/config.h"

/* The field a pointer such as /platform/memory_mib names, and its struct's offset in the
 * configuration. */
bool field_find(const char *pointer, const struct field **field, size_t *base);

#endif
