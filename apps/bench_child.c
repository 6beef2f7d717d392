/* Owns fork, exec and wait. Output goes to files in memory, so that no pipe can fill up. */
#include "bench_child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli.h"

enum { TIME_LIMIT_SECONDS = 120, VARIABLES_MAX = 4096 };

/* Open MPI refuses to run as root unless told that this is meant, as in a container. */
static void environment_of_child(char *variable[VARIABLES_MAX])
{
    static char allow[] = "OMPI_ALLOW_RUN_AS_ROOT=1", confirm[] = "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1";
    int count = 0;

    for (char **word = environ; *word != NULL && count < VARIABLES_MAX - 3; word++) variable[count++] = *word;
    if (geteuid() == 0) {
        variable[count++] = allow;
        variable[count++] = confirm;
    }
    variable[count] = NULL;
}

static _Noreturn void become(char *const argv[], char *const variable[], int out, int complaint)
{
    const int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);

    if (nothing >= 0 && dup2(nothing, 0) == 0 && dup2(out, 1) == 1 && dup2(complaint, 2) == 2)
        (void)execvpe(argv[0], argv, variable);
    _exit(BENCH_CHILD_ABSENT);
}

/* Wait until the process has ended or its time is up; an older kernel, which cannot do that, waits as long as it takes.
 */
static bool ends_within(pid_t process, double seconds)
{
    struct pollfd ready = {.fd = (int)syscall(SYS_pidfd_open, process, 0), .events = POLLIN};
    int outcome = 1;

    if (ready.fd < 0) return true;
    do outcome = poll(&ready, 1, (int)(1e3 * seconds));
    while (outcome < 0 && errno == EINTR);
    (void)close(ready.fd);
    return outcome != 0;
}

static void collect(pid_t process, double seconds, bench_child_t *child)
{
    struct rusage usage = {0};
    int state = 0;

    if (!ends_within(process, seconds)) (void)kill(process, SIGKILL);
    while (wait4(process, &state, 0, &usage) < 0 && errno == EINTR) continue;
    child->exit_code = WIFEXITED(state) ? WEXITSTATUS(state) : -1;
    child->peak_bytes = (int64_t)usage.ru_maxrss * 1024;
}

static void take_text(int fd, char text[BENCH_CHILD_TEXT])
{
    const ssize_t got = pread(fd, text, BENCH_CHILD_TEXT - 1, 0);

    text[got > 0 ? got : 0] = '\0';
    (void)close(fd);
}

bool bench_child_run_for(char *const argv[], double seconds, bench_child_t *child)
{
    char *variable[VARIABLES_MAX];
    const int out = memfd_create("out", MFD_CLOEXEC), complaint = memfd_create("complaint", MFD_CLOEXEC);

    environment_of_child(variable);
    child->exit_code = BENCH_CHILD_ABSENT;
    const double start = cli_seconds();
    const pid_t process = fork();
    if (process == 0) become(argv, variable, out, complaint);
    if (process > 0) collect(process, seconds, child);
    child->seconds = cli_seconds() - start;
    take_text(out, child->out);
    take_text(complaint, child->complaint);
    return child->exit_code == 0;
}

bool bench_child_run(char *const argv[], bench_child_t *child)
{
    return bench_child_run_for(argv, TIME_LIMIT_SECONDS, child);
}
