/* A library for LD_PRELOAD: who writes what. With RECORD=FILE each process appends to FILE a line for every
 *
 *     HOST write NAME OFFSET BYTES         of a regular file, NAME without its folder
 *     HOST sync NAME
 *     HOST rename NAME NEW-NAME
 *
 * after it has happened, or, of asynchronous writes, was begun, so that the lines are in the order of events. What the
 * C library writes for FILEs is not seen. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/aio_abi.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

static ssize_t (*real_write)(int, const void *, size_t);

static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == NULL ? path : slash + 1;
}

static void record(const char *format, ...)
{
    const char *file = getenv("RECORD");
    char line[2 * PATH_MAX], host[64] = "";
    va_list args;

    if (file == NULL) return;
    (void)gethostname(host, sizeof host - 1);
    const int used = snprintf(line, sizeof line, "%s ", host);
    va_start(args, format);
    const int more = vsnprintf(line + used, sizeof line - (size_t)used, format, args);
    va_end(args);
    *(void **)&real_write = dlsym(RTLD_NEXT, "write");
    const int fd = open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    const size_t bytes = (size_t)used + (size_t)more;
    if (fd < 0 || real_write(fd, line, bytes) != (ssize_t)bytes) abort(); /* a hole in the record would prove nothing */
    close(fd);
}

/* False for what is no regular file. */
static int find_name(int fd, char *path)
{
    char link[64];
    struct stat facts;

    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    const ssize_t length = readlink(link, path, PATH_MAX - 1);
    path[length < 0 ? 0 : length] = '\0';
    return fstat(fd, &facts) == 0 && S_ISREG(facts.st_mode);
}

static void record_write(int fd, off_t offset, ssize_t bytes)
{
    char path[PATH_MAX];

    if (bytes > 0 && find_name(fd, path)) record("write %s %lld %zd\n", name_of(path), (long long)offset, bytes);
}

ssize_t pwrite(int fd, const void *data, size_t bytes, off_t offset)
{
    ssize_t (*real)(int, const void *, size_t, off_t);

    *(void **)&real = dlsym(RTLD_NEXT, "pwrite");
    const ssize_t written = real(fd, data, bytes, offset);
    record_write(fd, offset, written);
    return written;
}

ssize_t write(int fd, const void *data, size_t bytes)
{
    *(void **)&real_write = dlsym(RTLD_NEXT, "write");
    const ssize_t written = real_write(fd, data, bytes);
    record_write(fd, lseek(fd, 0, SEEK_CUR) - written, written);
    return written;
}

/* Asynchronous writes have no function of their own. */
long syscall(long number, ...)
{
    long (*real)(long, ...), argument[6];
    va_list args;

    va_start(args, number);
    for (int i = 0; i < 6; i++) argument[i] = va_arg(args, long);
    va_end(args);
    *(void **)&real = dlsym(RTLD_NEXT, "syscall");
    const long status = real(number, argument[0], argument[1], argument[2], argument[3], argument[4], argument[5]);
    for (long i = 0; number == SYS_io_submit && i < status; i++) {
        const struct iocb *call = ((struct iocb **)argument[2])[i];
        if (call->aio_lio_opcode == IOCB_CMD_PWRITE)
            record_write((int)call->aio_fildes, (off_t)call->aio_offset, (ssize_t)call->aio_nbytes);
    }
    return status;
}

int fsync(int fd)
{
    char path[PATH_MAX];
    int (*real)(int);

    *(void **)&real = dlsym(RTLD_NEXT, "fsync");
    const int status = real(fd);
    if (status == 0 && find_name(fd, path)) record("sync %s\n", name_of(path));
    return status;
}

int rename(const char *from, const char *to)
{
    int (*real)(const char *, const char *);

    *(void **)&real = dlsym(RTLD_NEXT, "rename");
    const int status = real(from, to);
    if (status == 0) record("rename %s %s\n", name_of(from), name_of(to));
    return status;
}
