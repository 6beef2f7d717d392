/* Owns writing past the page cache, with the asynchronous calls of Linux (io_setup(2) and those it names). What is less
 * than a page at either end of a part goes through the cache, for its neighbours in the page are written by others. */
#include "direct.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "fault.h"
#include "file.h"
#include "mem.h"
#include "pulse.h"

#ifndef XFS_SUPER_MAGIC
#define XFS_SUPER_MAGIC 0x58465342
#endif

enum {
    PAGE = FURROW_DIRECT_PAGE,
    PIECE = 1 << 20, /* of a write: a disk does best with some of these at a time */
    PIECES = 4,      /* that are copied and under way, or gathered */
    WRITES = 32      /* under way */
};

typedef struct {
    struct iocb call;
    int64_t number; /* counts from 1; 0: none is under way */
    int piece;      /* of the stage, that it writes; -1: none */
} write_t;

struct furrow_stage {
    furrow_direct_file_t file;
    aio_context_t calls;
    write_t write[WRITES];
    int under_way;
    int64_t writes; /* so far */
    char *memory;   /* of all pieces */
    bool busy[PIECES];
    int piece; /* that gathers bytes [at, at + bytes) of the file, at the same place in a page; -1: none */
    int64_t at, bytes;
};

/* ------------------------------------------------------------------- files */

/* Of the file systems that could, those for which it is known to be worth it. */
static bool suits(const char *file_or_folder, int64_t bytes)
{
    struct statfs facts;

    if (bytes < FURROW_DIRECT_LEAST || statfs(file_or_folder, &facts) != 0) return false;
    return facts.f_type == EXT4_SUPER_MAGIC || facts.f_type == XFS_SUPER_MAGIC;
}

bool furrow_direct_suits(const char *path, int64_t bytes)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash == NULL ? strdup(".") : strndup(path, (size_t)(slash - path) + 1);
    const bool suit = folder != NULL && suits(folder, bytes);

    free(folder);
    return suit;
}

int furrow_direct_open(const char *path, int64_t bytes)
{
    return suits(path, bytes) ? open(path, O_WRONLY | O_DIRECT | O_CLOEXEC) : -1;
}

void *furrow_direct_place(void *room, int64_t at)
{
    return (char *)room + ((uintptr_t)at - (uintptr_t)room) % PAGE;
}

/* --------------------------------------------------------------- under way */

/* What a write left undone goes through the cache: nothing can begin where it ended that is direct. */
static furrow_status_t finish(furrow_stage_t *s, const struct io_event *event, furrow_error_t *err)
{
    write_t *w = &s->write[event->data];
    const int64_t done = event->res > 0 ? event->res : 0, left = (int64_t)w->call.aio_nbytes - done;
    const char *data = (const char *)(uintptr_t)w->call.aio_buf;
    furrow_status_t status = FURROW_OK;

    errno = event->res < 0 ? (int)-event->res : 0;
    if (errno != 0 && errno != EINVAL)
        status = furrow_fail_errno(err, s->file.path, "write");
    else if (left > 0)
        status = furrow_file_write(s->file.fd, s->file.path, w->call.aio_offset + done, data + done, left, err);
    if (w->piece >= 0) s->busy[w->piece] = false;
    w->number = 0;
    s->under_way--;
    return status;
}

/* Of those that are under way, wait for so many. */
static furrow_status_t collect(furrow_stage_t *s, int64_t least, furrow_error_t *err)
{
    struct io_event events[WRITES];
    struct timespec at_once = {0};
    furrow_status_t status = FURROW_OK;
    long got;

    if (s->under_way == 0) return FURROW_OK;
    FURROW_DOING("writing", s->file.path);
    do got = syscall(SYS_io_getevents, s->calls, least, (long)WRITES, events, least == 0 ? &at_once : NULL);
    while (got < 0 && errno == EINTR);
    if (got < 0) return furrow_fail_errno(err, s->file.path, "write");
    for (long i = 0; i < got; i++) {
        const furrow_status_t one = finish(s, &events[i], status == FURROW_OK ? err : NULL);
        if (status == FURROW_OK) status = one;
    }
    return status;
}

static bool is_under_way(const furrow_stage_t *s, int64_t mark)
{
    for (int i = 0; i < WRITES; i++)
        if (s->write[i].number != 0 && s->write[i].number <= mark) return true;
    return false;
}

furrow_status_t furrow_stage_settle(furrow_stage_t *s, int64_t mark, bool wait, bool *settled, furrow_error_t *err)
{
    furrow_status_t status = collect(s, 0, err);

    while (status == FURROW_OK && wait && is_under_way(s, mark)) status = collect(s, 1, err);
    *settled = !is_under_way(s, mark);
    return status;
}

int64_t furrow_stage_mark(const furrow_stage_t *s)
{
    return s->writes + 1;
}

/* \return 0: it is under way; else errno */
static int submit(furrow_stage_t *s, write_t *w)
{
    struct iocb *calls[] = {&w->call};

    return syscall(SYS_io_submit, s->calls, 1L, calls) == 1 ? 0 : errno;
}

/* Begin to write whole pages, `piece` or from elsewhere. */
static furrow_status_t begin(furrow_stage_t *s, int64_t at, const char *data, int64_t count, int piece,
                             furrow_error_t *err)
{
    furrow_status_t status = s->under_way == WRITES ? collect(s, 1, err) : FURROW_OK;
    write_t *w = s->write;

    if (status != FURROW_OK) return status;
    if (furrow_fault_hits(FURROW_FAULT_WRITE)) return furrow_fail_errno(err, s->file.path, "write");
    while (w->number != 0) w++;
    *w = (write_t){.call = {.aio_data = (uint64_t)(w - s->write),
                            .aio_lio_opcode = IOCB_CMD_PWRITE,
                            .aio_fildes = (uint32_t)s->file.direct,
                            .aio_buf = (uint64_t)(uintptr_t)data,
                            .aio_nbytes = (uint64_t)count,
                            .aio_offset = at},
                   .piece = piece};
    if (submit(s, w) != 0) return furrow_file_write(s->file.fd, s->file.path, at, data, count, err);
    w->number = ++s->writes;
    s->under_way++;
    if (piece >= 0) s->busy[piece] = true;
    return FURROW_OK;
}

/* ------------------------------------------------------------------- stage */

furrow_status_t furrow_stage_open(const furrow_direct_file_t *file, furrow_stage_t **out, furrow_error_t *err)
{
    void *memory;

    const furrow_status_t status = furrow_alloc(1, sizeof **out, &memory, err);
    *out = NULL;
    if (status != FURROW_OK) return status;
    furrow_stage_t *s = memory;
    s->file = *file;
    s->piece = -1;
    if (file->direct < 0 || syscall(SYS_io_setup, (unsigned)WRITES, &s->calls) != 0) {
        free(s);
        return FURROW_OK;
    }
    s->memory = furrow_fault_hits(FURROW_FAULT_ALLOC) ? NULL : aligned_alloc(PAGE, (size_t)PIECES * PIECE);
    *out = s;
    if (s->memory != NULL) return FURROW_OK;
    furrow_stage_close(s);
    *out = NULL;
    return furrow_fail(err, FURROW_ENOMEM, "out of memory for an output");
}

/* The system takes the writes that are under way to their end before the memory goes. */
void furrow_stage_close(furrow_stage_t *s)
{
    if (s == NULL) return;
    (void)syscall(SYS_io_destroy, s->calls);
    free(s->memory);
    free(s);
}

/* Byte `at` of the file, in the piece that gathers. */
static char *place_of(const furrow_stage_t *s, int64_t at)
{
    return s->memory + (int64_t)s->piece * PIECE + (at - s->at / PAGE * PAGE);
}

static int64_t next_page(int64_t at, int64_t stop)
{
    return furrow_least((at + PAGE - 1) / PAGE * PAGE, stop);
}

furrow_status_t furrow_stage_flush(furrow_stage_t *s, furrow_error_t *err)
{
    const int64_t start = s->at, stop = start + s->bytes, first = next_page(start, stop);
    const int64_t last = first + (stop - first) / PAGE * PAGE;
    furrow_status_t status = FURROW_OK;

    if (s->piece < 0) return FURROW_OK;
    if (first > start)
        status = furrow_file_write(s->file.fd, s->file.path, start, place_of(s, start), first - start, err);
    if (status == FURROW_OK && stop > last)
        status = furrow_file_write(s->file.fd, s->file.path, last, place_of(s, last), stop - last, err);
    if (status == FURROW_OK && last > first) status = begin(s, first, place_of(s, first), last - first, s->piece, err);
    s->piece = -1;
    return status;
}

static furrow_status_t take_piece(furrow_stage_t *s, int64_t at, furrow_error_t *err)
{
    furrow_status_t status = FURROW_OK;
    int free_one = PIECES;

    while (status == FURROW_OK && free_one == PIECES) {
        for (free_one = 0; free_one < PIECES && s->busy[free_one];) free_one++;
        if (free_one == PIECES) status = collect(s, 1, err);
    }
    s->piece = status == FURROW_OK ? free_one : -1;
    s->at = at;
    s->bytes = 0;
    return status;
}

furrow_status_t furrow_stage_write(furrow_stage_t *s, int64_t at, const void *data, int64_t count, furrow_error_t *err)
{
    const char *from = data;
    furrow_status_t status = FURROW_OK;

    if (s->piece >= 0 && s->at + s->bytes != at) status = furrow_stage_flush(s, err);
    for (int64_t done = 0, now; done < count && status == FURROW_OK; done += now) {
        if (s->piece < 0) status = take_piece(s, at + done, err);
        if (status != FURROW_OK) return status;
        const int64_t room = PIECE - s->at % PAGE - s->bytes;
        now = furrow_least(room, count - done);
        memcpy(place_of(s, at + done), from + done, (size_t)now);
        s->bytes += now;
        if (now == room) status = furrow_stage_flush(s, err);
    }
    return status;
}

furrow_status_t furrow_stage_write_from(furrow_stage_t *s, int64_t at, const void *data, int64_t count,
                                        furrow_error_t *err)
{
    const int64_t stop = at + count, first = next_page(at, stop), last = first + (stop - first) / PAGE * PAGE;
    const char *from = data;

    if (((uintptr_t)at - (uintptr_t)data) % PAGE != 0 || last == first)
        return furrow_stage_write(s, at, data, count, err);
    furrow_status_t status = furrow_stage_write(s, at, from, first - at, err);
    for (int64_t now = first; now < last && status == FURROW_OK; now += PIECE)
        status = begin(s, now, from + (now - at), furrow_least(PIECE, last - now), -1, err);
    return status == FURROW_OK ? furrow_stage_write(s, last, from + (last - at), stop - last, err) : status;
}
