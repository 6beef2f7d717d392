/* Owns messages with descriptors, and the mapping of shared memory. */
#include "isolate_wire.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

/* ----------------------------------------------------------- shared memory */

bool furrow_arena_map(furrow_arena_t *arena, int64_t bytes)
{
    void *base = mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_SHARED, arena->fd, 0);

    if (base == MAP_FAILED) return false;
    if (arena->base != NULL) (void)munmap(arena->base, (size_t)arena->bytes);
    arena->base = base;
    arena->bytes = bytes;
    return true;
}

furrow_status_t furrow_arena_make(furrow_arena_t *arena, furrow_error_t *err)
{
    arena->fd = memfd_create("furrow", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    /* What a child could cut off would be missing here. */
    if (arena->fd >= 0 && fcntl(arena->fd, F_ADD_SEALS, F_SEAL_SHRINK) == 0) return FURROW_OK;
    return furrow_fail_errno(err, "isolation", "make a file in memory");
}

void furrow_arena_free(furrow_arena_t *arena)
{
    if (arena->base != NULL) (void)munmap(arena->base, (size_t)arena->bytes);
    if (arena->fd >= 0) (void)close(arena->fd);
}

furrow_status_t furrow_arena_grow(furrow_arena_t *arena, int64_t bytes, furrow_error_t *err)
{
    enum { STEP = 65536 };
    int failed;

    if (bytes <= arena->bytes) return FURROW_OK;
    if (bytes > INT64_MAX - STEP) return furrow_fail(err, FURROW_ENOMEM, "out of memory: %lld bytes", (long long)bytes);
    const int64_t all = (bytes + STEP - 1) / STEP * STEP;
    do failed = fallocate(arena->fd, 0, 0, all);
    while (failed != 0 && errno == EINTR);
    if (failed == 0 && furrow_arena_map(arena, all)) return FURROW_OK;
    return furrow_fail(err, FURROW_ENOMEM, "out of memory: %lld bytes to share with a child process: %s",
                       (long long)all, strerror(errno));
}

/* ---------------------------------------------------------------- messages */

typedef union {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(FURROW_ARENAS * sizeof(int))];
} control_t;

/* Where a standard stream is closed, its number is the next that is given. */
static bool lift(int *fd)
{
    const int above = *fd > 2 ? *fd : fcntl(*fd, F_DUPFD_CLOEXEC, 3);

    if (above == *fd) return true;
    (void)close(*fd);
    *fd = above;
    return above >= 0;
}

bool furrow_wire_pair(int ends[2])
{
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return false;
    const bool first = lift(&ends[0]), second = lift(&ends[1]);
    if (first && second) return true;
    const int number = errno;
    if (first) (void)close(ends[0]);
    if (second) (void)close(ends[1]);
    errno = number;
    return false;
}

bool furrow_wire_send(int socket, const void *message, size_t bytes, const int *fd, int fds)
{
    struct iovec part = {(void *)(uintptr_t)message, bytes};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
    control_t control = {.align = {0}};
    ssize_t sent;

    if (fds > 0) {
        header.msg_control = control.bytes;
        header.msg_controllen = CMSG_SPACE((size_t)fds * sizeof(int));
        struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN((size_t)fds * sizeof(int));
        memcpy(CMSG_DATA(rights), fd, (size_t)fds * sizeof(int));
    }
    do sent = sendmsg(socket, &header, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent == (ssize_t)bytes;
}

ssize_t furrow_wire_receive(int socket, void *message, size_t bytes, int *fd, int fds)
{
    struct iovec part = {message, bytes};
    control_t control = {.align = {0}};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
    ssize_t got;

    for (int i = 0; i < fds; i++) fd[i] = -1;
    if (fds > 0) {
        header.msg_control = control.bytes;
        header.msg_controllen = sizeof control.bytes;
    }
    do got = recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);
    struct cmsghdr *rights = got > 0 ? CMSG_FIRSTHDR(&header) : NULL;
    if (rights != NULL && rights->cmsg_type == SCM_RIGHTS && rights->cmsg_len >= CMSG_LEN((size_t)fds * sizeof(int)))
        memcpy(fd, CMSG_DATA(rights), (size_t)fds * sizeof(int));
    return got;
}
