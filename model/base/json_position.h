/* Inner pair of json.c: gives every value of a cJSON tree its place in the text. */
#ifndef MODEL_BASE_JSON_POSITION_H
#define MODEL_BASE_JSON_POSITION_H

#include "model/base/base.h"

struct cJSON;

/* What is wrong with a text, and where. */
struct json_complaint {
    size_t offset;
    char text[160];
};

/* Does text (n bytes without NUL, comments blanked) hold one JSON value, to the letter of RFC 8259
 * and within cJSON's limits (model/base/json_check.c)? Otherwise *complaint is filled. */
bool json_check(const char *text, size_t n, struct json_complaint *complaint);

/* Walk `text` (passed by json_check) beside `tree` and build the placed tree in `a`. ERR_SYNTAX
 * with *offset and *message for what the grammar lets pass: duplicate keys, numbers that are not
 * finite. */
enum status json_place(struct arena *a, const char *file, const char *text, size_t n,
                       const struct cJSON *tree, struct json **out, size_t *offset,
                       const char **message);

/* Next reference token of an RFC 6901 pointer, unescaped; false when malformed or too long. */
bool json_pointer_step(const char **pointer, char *step, size_t size);
/* A decimal array index without leading zeros. */
bool json_array_index(const char *step, size_t *out);

#endif
