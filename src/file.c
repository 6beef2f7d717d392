/* Owns system calls on files. */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fault.h"
#include "pulse.h"

static const int64_t request_max = INT64_C(1) << 30;

/* Of a file, worth a call that tells the disk; and how many of them it may be behind. */
static const int64_t stretch = INT64_C(4) << 20, far_behind = 16;

static size_t request(int64_t bytes)
{
    return (size_t)(bytes < request_max ? bytes : request_max);
}

/* O_NONBLOCK: a pipe that nobody writes to must not hold us; on regular files it has no effect. */
furrow_status_t furrow_file_open(const char *path, int *fd, int64_t *bytes, furrow_error_t *err)
{
    struct stat facts;
    furrow_status_t status;

    FURROW_DOING("opening", path);
    *fd = furrow_fault_hits(FURROW_FAULT_OPEN) ? -1 : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (*fd < 0) return furrow_fail_errno(err, path, "open");
    const bool known = fstat(*fd, &facts) == 0;
    if (known && S_ISREG(facts.st_mode)) {
        *bytes = (int64_t)facts.st_size;
        return FURROW_OK;
    }
    if (known && S_ISDIR(facts.st_mode)) errno = EISDIR;
    if (!known || S_ISDIR(facts.st_mode))
        status = furrow_fail_errno(err, path, "read");
    else
        status =
            furrow_fail(err, FURROW_EIO,
                        "%.600s: not a regular file; commands that read standard input (-) take a pipe there", path);
    close(*fd);
    *fd = -1;
    return status;
}

/* Nothing is at byte `at`, where more was expected up to `end`: the file may end there or earlier. */
static furrow_status_t fail_truncated(int fd, const char *path, int64_t at, int64_t end, furrow_error_t *err)
{
    struct stat facts;
    const bool earlier = fstat(fd, &facts) == 0 && S_ISREG(facts.st_mode) && (int64_t)facts.st_size < at;
    const int64_t size = earlier ? (int64_t)facts.st_size : at;

    return furrow_fail(err, FURROW_ETRUNCATED, "%.600s: file ends at byte %lld, %lld bytes missing", path,
                       (long long)size, (long long)(end - size));
}

furrow_status_t furrow_file_read(int fd, const char *path, int64_t offset, void *out, int64_t count,
                                 furrow_error_t *err)
{
    int64_t done = 0;

    FURROW_DOING("reading", path);
    while (done < count) {
        const ssize_t got = furrow_fault_hits(FURROW_FAULT_READ)
                                ? -1
                                : pread(fd, (char *)out + done, request(count - done), (off_t)(offset + done));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return furrow_fail_errno(err, path, "read");
        if (got == 0) return fail_truncated(fd, path, offset + done, offset + count, err);
        done += got;
    }
    return FURROW_OK;
}

furrow_status_t furrow_file_read_stream(int fd, const char *path, void *out, int64_t count, int64_t *got,
                                        furrow_error_t *err)
{
    int64_t done = 0;

    FURROW_DOING("reading", path);
    while (done < count) {
        const ssize_t now =
            furrow_fault_hits(FURROW_FAULT_READ) ? -1 : read(fd, (char *)out + done, request(count - done));
        if (now < 0 && errno == EINTR) continue;
        if (now < 0) return furrow_fail_errno(err, path, "read");
        if (now == 0) break;
        done += now;
        furrow_pulse_done(furrow_pulse_mine()); /* a slow stream is none that stands still */
    }
    *got = done;
    return FURROW_OK;
}

/* The disk works on what has been written of a file while the next is computed, and is waited for where it is far
 * behind: not more than that is left for the flush at the end, or when a run is asked to stop. All of this is advice,
 * but who waits is told of errors, and the flush is not told again. */
static furrow_status_t start_writing(int fd, const char *path, int64_t offset, int64_t count, furrow_error_t *err)
{
    const int64_t first = offset / stretch, stretches = (offset + count) / stretch - first;
    const off_t start = (off_t)(first * stretch), bytes = (off_t)(stretches * stretch);

    if (stretches == 0) return FURROW_OK;
    (void)sync_file_range(fd, start, bytes, SYNC_FILE_RANGE_WRITE);
    if (first < far_behind ||
        sync_file_range(fd, start - (off_t)(far_behind * stretch), bytes, SYNC_FILE_RANGE_WAIT_BEFORE) == 0)
        return FURROW_OK;
    return errno == EIO || errno == ENOSPC || errno == EDQUOT ? furrow_fail_errno(err, path, "write") : FURROW_OK;
}

furrow_status_t furrow_file_write(int fd, const char *path, int64_t offset, const void *data, int64_t count,
                                  furrow_error_t *err)
{
    int64_t done = 0;

    FURROW_DOING("writing", path);
    while (done < count) {
        const ssize_t now = furrow_fault_hits(FURROW_FAULT_WRITE)
                                ? -1
                                : pwrite(fd, (const char *)data + done, request(count - done), (off_t)(offset + done));
        if (now < 0 && errno == EINTR) continue;
        if (now == 0) errno = ENOSPC; /* POSIX allows it where nothing fits */
        if (now <= 0) return furrow_fail_errno(err, path, "write");
        done += now;
    }
    return start_writing(fd, path, offset, count, err);
}

char *furrow_file_name_beside(const char *path, const char *suffix)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    const int name_max = 200;
    const size_t size = strlen(path) + strlen(suffix) + 2;
    char *beside = furrow_fault_hits(FURROW_FAULT_ALLOC) ? NULL : malloc(size);

    if (beside != NULL) (void)snprintf(beside, size, "%.*s.%.*s%s", (int)(name - path), path, name_max, name, suffix);
    return beside;
}

static mode_t permissions_of_new_file(void)
{
    const mode_t mask = umask(0);
    (void)umask(mask);
    return 0666 & ~mask;
}

/* What the rename at the end could not replace, or must not (a device), and a name that it could not give. */
static furrow_status_t check_replaceable(const char *path, furrow_error_t *err)
{
    struct stat facts;

    if (stat(path, &facts) != 0) return errno == ENAMETOOLONG ? furrow_fail_errno(err, path, "create") : FURROW_OK;
    if (S_ISREG(facts.st_mode)) return FURROW_OK;
    if (!S_ISDIR(facts.st_mode)) return furrow_fail(err, FURROW_EIO, "%.600s: cannot create: not a regular file", path);
    errno = EISDIR;
    return furrow_fail_errno(err, path, "create");
}

furrow_status_t furrow_file_create_beside(const char *path, char **temporary, int *fd, furrow_error_t *err)
{
    *fd = -1;
    *temporary = NULL;
    FURROW_DOING("creating", path);
    const furrow_status_t refused = check_replaceable(path, err);
    if (refused != FURROW_OK) return refused;
    *temporary = furrow_file_name_beside(path, ".furrow-XXXXXX");
    if (*temporary == NULL) return furrow_fail(err, FURROW_ENOMEM, "out of memory for the name of a temporary file");
    if (!furrow_fault_hits(FURROW_FAULT_CREATE)) *fd = mkostemp(*temporary, O_CLOEXEC);
    if (*fd >= 0 && fchmod(*fd, permissions_of_new_file()) == 0) return FURROW_OK;

    const furrow_status_t status = furrow_fail_errno(err, path, "create");
    if (*fd >= 0) {
        close(*fd);
        (void)unlink(*temporary);
        *fd = -1;
    }
    free(*temporary);
    *temporary = NULL;
    return status;
}

furrow_status_t furrow_file_create_named(const char *path, const char *temporary, int64_t bytes, bool *found, int *fd,
                                         furrow_error_t *err)
{
    struct stat facts;

    *fd = -1;
    *found = false;
    FURROW_DOING("creating", path);
    const furrow_status_t refused = check_replaceable(path, err);
    if (refused != FURROW_OK) return refused;
    if (bytes >= 0 && lstat(temporary, &facts) == 0 && S_ISREG(facts.st_mode) && (int64_t)facts.st_size == bytes) {
        *found = true;
        return furrow_file_open_write(temporary, fd, err);
    }
    (void)unlink(temporary);
    if (!furrow_fault_hits(FURROW_FAULT_CREATE)) *fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    return *fd < 0 ? furrow_fail_errno(err, path, "create") : FURROW_OK;
}

furrow_status_t furrow_file_reserve(int fd, const char *path, int64_t bytes, furrow_error_t *err)
{
    FURROW_DOING("reserving space for", path);
    if (furrow_fault_hits(FURROW_FAULT_WRITE)) return furrow_fail_errno(err, path, "reserve space");
    if (fallocate(fd, 0, 0, (off_t)bytes) == 0) return FURROW_OK;
    if ((errno == EOPNOTSUPP || errno == ENOSYS) && ftruncate(fd, (off_t)bytes) == 0) return FURROW_OK;

    const furrow_status_t status = furrow_fail_errno(err, path, "reserve space");
    if (err != NULL) {
        const size_t used = strlen(err->text);
        (void)snprintf(err->text + used, sizeof err->text - used, " (%lld bytes)", (long long)bytes);
    }
    return status;
}

furrow_status_t furrow_file_open_write(const char *path, int *fd, furrow_error_t *err)
{
    FURROW_DOING("opening", path);
    *fd = furrow_fault_hits(FURROW_FAULT_OPEN) ? -1 : open(path, O_WRONLY | O_CLOEXEC);
    return *fd < 0 ? furrow_fail_errno(err, path, "open for writing") : FURROW_OK;
}

furrow_status_t furrow_file_sync(int fd, const char *path, furrow_error_t *err)
{
    FURROW_DOING("flushing to disk", path);
    if (furrow_fault_hits(FURROW_FAULT_SYNC) || fsync(fd) != 0) return furrow_fail_errno(err, path, "flush to disk");
    return FURROW_OK;
}

/* Some file systems cannot sync a folder: the rename has happened, so that is no failure. */
static void sync_folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash == NULL ? strdup(".") : strndup(path, (size_t)(slash - path) + 1);

    if (folder == NULL) return;
    const int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)fsync(fd);
        close(fd);
    }
    free(folder);
}

furrow_status_t furrow_file_rename(const char *temporary, const char *path, furrow_error_t *err)
{
    FURROW_DOING("renaming the finished file to", path);
    if (furrow_fault_hits(FURROW_FAULT_RENAME) || rename(temporary, path) != 0)
        return furrow_fail_errno(err, path, "rename the finished file");
    sync_folder_of(path);
    return FURROW_OK;
}
