/* Ctrl-C and the polite kill are held back and looked for: what is done so far is told or kept. */
#include "cli/cli.h"

#include <signal.h>

bool cli_interrupted(void)
{
    sigset_t pending;
    return sigpending(&pending) == 0 &&
           (sigismember(&pending, SIGINT) == 1 || sigismember(&pending, SIGTERM) == 1);
}

void cli_hold_interrupts(bool terminate_too)
{
    sigset_t held;
    sigemptyset(&held);
    sigaddset(&held, SIGINT);
    if (terminate_too) {
        sigaddset(&held, SIGTERM);
    }
    sigprocmask(SIG_BLOCK, &held, NULL);
}
