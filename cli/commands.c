/* The table of commands, in the order the help shows them, and the options all of them take. */
#include "cli/commands.h"

const struct command *const commands[] = {
    &command_check, &command_predict,   &command_explain, &command_show,    &command_new,
    &command_train, &command_calibrate, &command_help,    &command_version, NULL,
};

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
