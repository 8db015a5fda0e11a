/* Every command, in the order the help shows them. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "cli/cli.h"

#define COMMAND_LIST(X)                                                                            \
    X(check)                                                                                       \
    X(predict)                                                                                     \
    X(simulate)                                                                                    \
    X(compare)                                                                                     \
    X(plan)                                                                                        \
    X(sweep)                                                                                       \
    X(results)                                                                                     \
    X(sensitivity)                                                                                 \
    X(explain)                                                                                     \
    X(show)                                                                                        \
    X(new)                                                                                         \
    X(plot)                                                                                        \
    X(report)                                                                                      \
    X(train)                                                                                       \
    X(calibrate)                                                                                   \
    X(kernel_check)                                                                                \
    X(import)                                                                                      \
    X(fit)                                                                                         \
    X(score)                                                                                       \
    X(claims)                                                                                      \
    X(help)                                                                                        \
    X(version)

#define X(name) extern const struct command command_##name;
COMMAND_LIST(X)
#undef X

#endif
