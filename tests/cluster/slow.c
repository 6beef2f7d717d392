/* A library for LD_PRELOAD, for tests that must meet a certain moment of a run.
 *
 * SLOW_DISK=FILE      while FILE exists every large read takes a second, as on a file system that is overloaded; no
 * core is busy SLOW_SECONDS=N      or so many seconds SLOW_HOST=NAME      and on that host only SLOW_EXIT=RANK
 * that rank of srun leaves two seconds after it has finished, and so after the others */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

enum { LARGE = 5000 };

static int is_slow(void)
{
    const char *sign = getenv("SLOW_DISK"), *host = getenv("SLOW_HOST");
    struct utsname here;

    if (sign == NULL || access(sign, F_OK) != 0) return 0;
    return host == NULL || (uname(&here) == 0 && strcmp(here.nodename, host) == 0);
}

ssize_t pread(int fd, void *buffer, size_t bytes, off_t offset)
{
    const char *seconds = getenv("SLOW_SECONDS");
    const struct timespec pause = {.tv_sec = seconds == NULL ? 1 : atoi(seconds)};
    ssize_t (*real)(int, void *, size_t, off_t);

    *(void **)&real = dlsym(RTLD_NEXT, "pread");
    if (bytes >= LARGE && is_slow()) (void)nanosleep(&pause, NULL);
    return real(fd, buffer, bytes, offset);
}

__attribute__((destructor)) static void leave(void)
{
    const struct timespec pause = {.tv_sec = 2};
    const char *last = getenv("SLOW_EXIT"), *rank = getenv("SLURM_PROCID");

    if (last != NULL && rank != NULL && strcmp(last, rank) == 0) (void)nanosleep(&pause, NULL);
}
