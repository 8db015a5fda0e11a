/* All systems, by name. A new system is its file, a line here, a row in tests/test_protocols.c and
 * one in tests/test_counts.c, and a scenario. */
#include "model/protocols/registry.h"

#include <string.h>

#define SYSTEM(name) &protocol_##name,
const struct protocol *const protocols[] = {SYSTEM_LIST(SYSTEM) NULL};
#undef SYSTEM

const struct protocol *protocol_find(const char *name)
{
    for (size_t i = 0; protocols[i] != NULL; i++) {
        if (strcmp(protocols[i]->name, name) == 0) {
            return protocols[i];
        }
    }
    return NULL;
}
