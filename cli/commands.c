/* The table of commands, in the order the help shows them, and the options all of them take. */
#include "cli/commands.h"

#define X(name) &command_##name,
const struct command *const commands[] = {COMMAND_LIST(X) NULL};
#undef X

const struct cli_option common_options[] = {
    {"set", "/POINTER=VALUE", "change one value of the scenario; may be repeated"},
    {"format", "table|csv|json", "shape of the output"},
    {"o", "FILE", "write to FILE instead of standard output; - is standard output"},
    {"q", NULL, "no progress, no remarks"},
    {"quiet", NULL, "the same"},
    {"no-color", NULL, "no colours, as with NO_COLOR in the environment"},
    {"fail-if", "CONDITION", "exit with 4 when a row meets it, such as 'cost_usd > 5'"},
    {"help", NULL, "help on the command"},
    {"version", NULL, "the version"},
    {NULL, NULL, NULL},
};
