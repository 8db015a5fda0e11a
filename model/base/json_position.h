/* Inner pair of json.c: gives every value of a cJSON tree its place in the text. */
#ifndef MODEL_BASE_JSON_POSITION_H
#define MODEL_BASE_JSON_POSITION_H

#include "model/base/base.h"

struct cJSON;

/* Walk `text` (valid JSON, comments blanked) beside `tree` and build the placed tree in `a`.
 * ERR_SYNTAX with *offset and *message for what cJSON lets pass: duplicate keys, numbers that are
 * not finite or not JSON, control characters in strings, text after the value. */
enum status json_place(struct arena *a, const char *file, const char *text, size_t n,
                       const struct cJSON *tree, struct json **out, size_t *offset,
                       const char **message);

/* Next reference token of an RFC 6901 pointer, unescaped; false when malformed or too long. */
bool json_pointer_step(const char **pointer, char *step, size_t size);
/* A decimal array index without leading zeros. */
bool json_array_index(const char *step, size_t *out);

#endif
