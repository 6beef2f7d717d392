/* Owns memory that the ranks of a node share.
 *
 * A file in the memory file system that never has a name there: whatever ends the program, nothing stays behind. The
 * others find it among the open files of the rank that made it. Its pages are taken from the system before they are
 * used, for a page that is missing later would end the program (SIGBUS); every rank takes its own section, so that
 * sections lie near the ranks. A rank that is alone on its node needs no file: it gets pages where and when it first
 * writes them. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "fault.h"
#include "furrow_pool.h"
#include "mem.h"
#include "transfer.h"

#define FOLDER "/dev/shm"

struct furrow_node_array {
    void *data;
    int64_t bytes; /* at least 1 */
};

/* What a rank needs while it opens one. */
typedef struct {
    furrow_context_t *ctx;
    int64_t bytes;
    int fd; /* -1: none */
    char path[64];
} making_t;

/* Where a process has a file open. */
typedef struct {
    int64_t process, fd;
} place_t;

static bool is_leader(const furrow_context_t *ctx)
{
    return furrow_context_node_rank(ctx) == 0;
}

static bool is_shared(const furrow_context_t *ctx)
{
    return furrow_context_node_ranks(ctx) > 1;
}

/* --------------------------------------------------------------- the file */

/* Of the folder, or -1 where it has no limit. */
static int64_t folder_bytes_free(int fd)
{
    struct statvfs facts;

    if (fstatvfs(fd, &facts) != 0 || facts.f_blocks == 0) return -1;
    return (int64_t)facts.f_bavail * (int64_t)facts.f_frsize;
}

/* Of the node, with what the system can swap out or drop; -1 where it does not say. */
static int64_t memory_bytes_free(void)
{
    FILE *file = fopen("/proc/meminfo", "re");
    long long available = -1, swap = 0;
    char line[128];

    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, "MemAvailable: %lld", &available) != 1 && sscanf(line, "SwapFree: %lld", &swap) == 1) break;
    if (file != NULL) (void)fclose(file);
    return available < 0 ? -1 : 1024 * (int64_t)(available + swap);
}

static furrow_status_t too_small(const making_t *m, const char *what, int64_t bytes_free, furrow_error_t *err)
{
    return furrow_fail(err, FURROW_ENOMEM, "%s: %" PRId64 " bytes are free, a shared array needs %" PRId64, what,
                       bytes_free, m->bytes);
}

/* Not a promise, others may take it meanwhile. But to fill the folder up would show only then that it is too small, and
 * one that may be larger than the memory would end the program. */
static furrow_status_t look_for_room(const making_t *m, furrow_error_t *err)
{
    const int64_t in_folder = folder_bytes_free(m->fd), in_memory = memory_bytes_free();

    if (in_folder >= 0 && m->bytes > in_folder) return too_small(m, FOLDER, in_folder, err);
    if (in_memory >= 0 && m->bytes > in_memory) return too_small(m, "memory", in_memory, err);
    return FURROW_OK;
}

static furrow_status_t create(making_t *m, furrow_error_t *err)
{
    m->fd = furrow_fault_hits(FURROW_FAULT_CREATE) ? -1 : open(FOLDER, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (m->fd < 0) return furrow_fail_errno(err, FOLDER, "create a file");
    const furrow_status_t status = look_for_room(m, err);
    if (status != FURROW_OK) return status;
    if (ftruncate(m->fd, m->bytes) != 0) return furrow_fail_errno(err, FOLDER, "set the size of a file");
    return FURROW_OK;
}

/* From the rank that made it to those on its node. */
static void tell_place(making_t *m)
{
    const furrow_nodes_t nodes = furrow_nodes(m->ctx);
    const int rank = furrow_context_rank(m->ctx);
    place_t place = {getpid(), m->fd};

    if (!is_leader(m->ctx)) furrow_receive(m->ctx, &place, sizeof place, nodes.leader);
    for (int r = 0; r < nodes.ranks && is_leader(m->ctx); r++)
        if (r != rank && furrow_is_on_node(&nodes, r)) furrow_send(m->ctx, &place, sizeof place, r);
    (void)snprintf(m->path, sizeof m->path, "/proc/%" PRId64 "/fd/%" PRId64, place.process, place.fd);
}

static furrow_status_t open_created(making_t *m, furrow_error_t *err)
{
    struct stat facts;

    m->fd = furrow_fault_hits(FURROW_FAULT_OPEN) ? -1 : open(m->path, O_RDWR | O_CLOEXEC);
    if (m->fd < 0 || fstat(m->fd, &facts) != 0) return furrow_fail_errno(err, m->path, "open");
    if (facts.st_size != m->bytes)
        return furrow_fail(err, FURROW_EARG,
                           "a shared array of %" PRId64 " bytes on one rank, of %" PRId64 " on another", m->bytes,
                           (int64_t)facts.st_size);
    return FURROW_OK;
}

/* In short steps: a signal undoes one, which then starts again. */
static furrow_status_t take_pages(const making_t *m, furrow_error_t *err)
{
    static const int64_t page = 4096, step = INT64_C(1) << 20;
    const furrow_range_t own =
        furrow_split((m->bytes + page - 1) / page, furrow_context_node_ranks(m->ctx), furrow_context_node_rank(m->ctx));
    const int64_t stop = furrow_least(own.stop * page, m->bytes);
    int number = 0;

    for (int64_t at = own.start * page; at < stop && number == 0; at += step) do
            number = posix_fallocate(m->fd, at, furrow_least(step, stop - at));
        while (number == EINTR);
    if (number == 0 && !furrow_fault_hits(FURROW_FAULT_WRITE)) return FURROW_OK;
    if (number == ENOSPC) return too_small(m, FOLDER, folder_bytes_free(m->fd), err);
    errno = number == 0 ? errno : number;
    return furrow_fail_errno(err, FOLDER, "take memory");
}

static furrow_status_t map(const making_t *m, furrow_node_array_t *array, furrow_error_t *err)
{
    const int flags = m->fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
    void *data = MAP_FAILED;

    if (!furrow_fault_hits(FURROW_FAULT_ALLOC))
        data = mmap(NULL, (size_t)m->bytes, PROT_READ | PROT_WRITE, flags, m->fd, 0);
    if (data == MAP_FAILED)
        return furrow_fail(err, FURROW_ENOMEM, "out of memory: a shared array of %" PRId64 " bytes", m->bytes);
    *array = (furrow_node_array_t){.data = data, .bytes = m->bytes};
    return FURROW_OK;
}

/* -------------------------------------------------------------- collective */

/* Collective: the status is agreed on. Ranks that are alone take part in the agreements. */
static furrow_status_t share(making_t *m, furrow_node_array_t *array, furrow_error_t *err)
{
    const bool shared = is_shared(m->ctx), leads = shared && is_leader(m->ctx);
    furrow_status_t status = FURROW_OK;

    if (leads) status = create(m, err);
    status = furrow_agree(m->ctx, status, err);
    if (status != FURROW_OK) return status;
    if (shared) tell_place(m);
    if (shared && !leads) status = open_created(m, err);
    status = furrow_agree(m->ctx, status, err); /* until then it must stay open where it was made */
    if (status != FURROW_OK) return status;
    if (shared) status = take_pages(m, err);
    if (status == FURROW_OK) status = map(m, array, err);
    return furrow_agree(m->ctx, status, err);
}

static furrow_status_t size_of(int64_t count, int64_t item_bytes, int64_t *bytes, furrow_error_t *err)
{
    if (count < 0 || item_bytes < 0)
        return furrow_fail(err, FURROW_EARG, "a shared array of %" PRId64 " items of %" PRId64 " bytes", count,
                           item_bytes);
    if (!furrow_multiply(count, item_bytes, bytes))
        return furrow_fail(err, FURROW_EOVERFLOW, "a shared array of %" PRId64 " items of %" PRId64 " bytes", count,
                           item_bytes);
    if (*bytes == 0) *bytes = 1; /* a map has at least that */
    return FURROW_OK;
}

furrow_status_t furrow_node_array_open(furrow_context_t *ctx, int64_t count, int64_t item_bytes,
                                       furrow_node_array_t **out, furrow_error_t *err)
{
    making_t m = {.ctx = ctx, .fd = -1};
    furrow_node_array_t *array = NULL;
    void *memory = NULL;

    furrow_error_clear(err);
    furrow_status_t status = size_of(count, item_bytes, &m.bytes, err);
    if (status == FURROW_OK) status = furrow_alloc(1, sizeof *array, &memory, err);
    array = memory;
    status = furrow_agree(ctx, status, err);
    if (status == FURROW_OK) status = share(&m, array, err);
    if (m.fd >= 0) (void)close(m.fd);
    if (status != FURROW_OK) {
        furrow_node_array_free(array);
        array = NULL;
    }
    *out = array;
    return status;
}

void *furrow_node_array_data(furrow_node_array_t *array)
{
    return array->data;
}

void furrow_node_array_free(furrow_node_array_t *array)
{
    if (array == NULL) return;
    if (array->data != NULL) (void)munmap(array->data, (size_t)array->bytes);
    free(array);
}
