/* fork and execvp, with the reason of a failed start told through a pipe that exec closes. */
#include "cli/process.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void put_file(const char *name, int flags, int as)
{
    const int fd = open(name, flags, 0600);
    if (fd >= 0 && fd != as) {
        dup2(fd, as);
        close(fd);
    }
}

/* In the child: nothing here but calls that are safe after fork. */
static void start(const char *const *argv, const char *folder, const char *out,
                  const char *complaints, double limit_s, int reason_fd)
{
    setpgid(0, 0);
    if (chdir(folder) == 0) {
        put_file("/dev/null", O_RDONLY, STDIN_FILENO);
        put_file(out, O_WRONLY | O_CREAT | O_TRUNC, STDOUT_FILENO);
        put_file(complaints, O_WRONLY | O_CREAT | O_TRUNC, STDERR_FILENO);
        alarm((unsigned)ceil(limit_s) + 1);
        execvp(argv[0], (char *const *)(uintptr_t)argv);
    }
    const int reason = errno;
    const ssize_t told = write(reason_fd, &reason, sizeof reason);
    _exit(told < 0 ? 126 : 127);
}

/* False at the limit; the process is gone either way. */
static bool await(pid_t child, double limit_s, int *state)
{
    const double end_s = monotonic_s() + limit_s;
    while (waitpid(child, state, WNOHANG) == 0) {
        if (monotonic_s() > end_s) {
            kill(-child, SIGKILL);
            kill(child, SIGKILL);
            waitpid(child, state, 0);
            return false;
        }
        const struct timespec pause = {0, 3000000};
        nanosleep(&pause, NULL);
    }
    return true;
}

enum status process_run(const char *const *argv, const char *folder, const char *out,
                        const char *complaints, double limit_s, int *exit_code, struct error *err)
{
    int ends[2];
    if (pipe(ends) != 0) {
        return RAISE(err, ERR_EXTERNAL, "cannot start %s: %s", argv[0], strerror(errno));
    }
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    const pid_t child = fork();
    if (child == 0) {
        start(argv, folder, out, complaints, limit_s, ends[1]);
    }
    const int fork_error = errno;
    close(ends[1]);
    if (child < 0) {
        close(ends[0]);
        return RAISE(err, ERR_EXTERNAL, "cannot start %s: %s", argv[0], strerror(fork_error));
    }
    int reason = 0;
    const ssize_t told = read(ends[0], &reason, sizeof reason);
    close(ends[0]);
    int state = 0;
    const bool in_time = await(child, limit_s, &state);
    if (told == (ssize_t)sizeof reason) {
        return RAISE(err, ERR_EXTERNAL, "cannot start %s: %s", argv[0],
                     reason == ENOENT ? "it is not installed" : strerror(reason));
    }
    if (!in_time) {
        return RAISE(err, ERR_EXTERNAL, "%s did not finish within %g s and was stopped", argv[0],
                     limit_s);
    }
    if (!WIFEXITED(state)) {
        return RAISE(err, ERR_EXTERNAL, "%s was ended by signal %d", argv[0], WTERMSIG(state));
    }
    *exit_code = WEXITSTATUS(state);
    return STATUS_OK;
}
