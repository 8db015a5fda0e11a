/* Printed equations replayed as their papers print them. */
#include "model/model.h"

enum status reading_evaluate(const struct config *c, struct reading_result *out, struct error *err)
{
    *out = (struct reading_result){0};
    return RAISE(err, ERR_INPUT, "the papers on %s print no such equation",
                 c->system.protocol->name);
}
