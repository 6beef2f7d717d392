/* A library for LD_PRELOAD, for tests that must catch a run in its middle: while the file named by $SLOW_DISK exists, every large read
 * takes half a second, as it may on a file system that is overloaded, and no core is busy. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

enum { LARGE = 100000 };

ssize_t pread(int fd, void *buffer, size_t bytes, off_t offset)
{
    const struct timespec pause = {.tv_nsec = 500000000};
    const char *sign = getenv("SLOW_DISK");
    ssize_t (*real)(int, void *, size_t, off_t);

    *(void **)&real = dlsym(RTLD_NEXT, "pread");
    if (bytes >= LARGE && sign != NULL && access(sign, F_OK) == 0) (void)nanosleep(&pause, NULL);
    return real(fd, buffer, bytes, offset);
}
