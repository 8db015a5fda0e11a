/* Every command, one file per group. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "cli/cli.h"

extern const struct command command_check, command_predict, command_explain, command_show,
    command_new, command_train, command_calibrate, command_help, command_version;

#endif
