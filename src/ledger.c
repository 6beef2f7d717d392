/* Layout: "furrow ledger 1\n", the length of the job text in decimal and "\n", the text, its checksum as 8 hex digits
 * and "\n", then records of 24 bytes in the byte order of the machine: magic, CRC-32 of the rest, and first and count
 * of items, or the boot id of a machine on which a run begins, or zeros where all so far was on the disk. */
#include "ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "fault.h"
#include "file.h"
#include "mem.h"

typedef struct {
    uint32_t magic, crc;
    int64_t first, count;
} record_t;

enum {
    ITEMS_MAGIC = 0x46727721,
    BOOT_MAGIC = 0x46727722,
    SETTLED_MAGIC = 0x46727723,
    BUFFERED = 256,
    JOB_MAX = 1 << 24,
    CHECKSUM_BYTES = 9
};

struct furrow_ledger {
    char *path;
    int fd;
    int64_t size; /* of the file: where the next record goes */
    int buffered;
    record_t buffer[BUFFERED];
    double flushed; /* when */
    record_t *boot; /* [boots] the machines of this run */
    int64_t boots;
};

static const char first_line[] = "furrow ledger 1\n";

/* CRC-32 (ISO-HDLC, as in zip), bit by bit: records are few and short. */
static uint32_t crc32_of(const void *data, size_t size)
{
    const unsigned char *byte = data;
    uint32_t crc = UINT32_C(0xffffffff);

    for (size_t i = 0; i < size; i++) {
        crc ^= byte[i];
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (UINT32_C(0xedb88320) & (0 - (crc & 1)));
    }
    return ~crc;
}

static uint32_t crc_of_record(const record_t *r)
{
    return crc32_of(&r->first, sizeof r->first + sizeof r->count);
}

static int64_t bytes_of_boots(const furrow_ledger_t *l)
{
    return l->boots * (int64_t)sizeof *l->boot;
}

/* What a ledger begins with, the machines of its first run included; the caller frees it. */
static furrow_status_t format_start(const furrow_ledger_t *l, const char *job, char **out, int64_t *size,
                                    furrow_error_t *err)
{
    const size_t room = sizeof first_line + strlen(job) + 64;
    char *start = malloc(room + (size_t)bytes_of_boots(l));

    if (start == NULL) return furrow_fail(err, FURROW_ENOMEM, "out of memory for a ledger");
    *size =
        snprintf(start, room, "%s%zu\n%s%08x\n", first_line, strlen(job), job, (unsigned)crc32_of(job, strlen(job)));
    memcpy(start + *size, l->boot, (size_t)bytes_of_boots(l));
    *size += bytes_of_boots(l);
    *out = start;
    return FURROW_OK;
}

/* Where a run begins: on the disk before any of its items, or what is recorded of them would be taken for what a run on
 * other machines did. */
static furrow_status_t begin(furrow_ledger_t *l, const void *start, int64_t bytes, furrow_error_t *err)
{
    furrow_status_t status = furrow_file_write(l->fd, l->path, l->size, start, bytes, err);

    if (status == FURROW_OK && l->boots > 0) status = furrow_file_sync(l->fd, l->path, err);
    if (status == FURROW_OK) l->size += bytes;
    return status;
}

furrow_status_t furrow_ledger_restart(furrow_ledger_t *l, const char *job, furrow_error_t *err)
{
    char *start = NULL;
    int64_t bytes = 0;

    furrow_status_t status = format_start(l, job, &start, &bytes, err);
    if (status == FURROW_OK && ftruncate(l->fd, 0) != 0) status = furrow_fail_errno(err, l->path, "empty");
    l->size = 0;
    if (status == FURROW_OK) status = begin(l, start, bytes, err);
    free(start);
    return status;
}

/* ----------------------------------------------------------------- resume */

/* Where two texts of lines part: the line of `wanted`, and what stands in its place. */
static furrow_status_t describe_difference(const furrow_ledger_t *l, const char *wanted, const char *found,
                                           furrow_error_t *err)
{
    size_t line = 0, i = 0;

    for (; wanted[i] == found[i] && wanted[i] != '\0'; i++)
        if (wanted[i] == '\n') line = i + 1;
    return furrow_fail(err, FURROW_EMISMATCH, "%.400s: belongs to another job: '%.*s' there, '%.*s' now", l->path,
                       (int)strcspn(found + line, "\n"), found + line, (int)strcspn(wanted + line, "\n"),
                       wanted + line);
}

/* The first line, and how long the job text is. `at` becomes 0 where the file ends before that is known: nothing was
 * recorded. */
static furrow_status_t read_start(const furrow_ledger_t *l, int64_t bytes, int64_t *at, int64_t *length,
                                  furrow_error_t *err)
{
    char start[sizeof first_line + 24] = "";
    const size_t room = sizeof start - 1, known = bytes < (int64_t)room ? (size_t)bytes : room;
    const size_t magic = sizeof first_line - 1;
    char *end;

    *at = 0;
    const furrow_status_t status = furrow_file_read(l->fd, l->path, 0, start, (int64_t)known, err);
    if (status != FURROW_OK) return status;
    if (strncmp(start, first_line, known < magic ? known : magic) != 0)
        return furrow_fail(err, FURROW_EFORMAT, "%.600s: is no ledger", l->path);
    if (known <= magic || strchr(start + magic, '\n') == NULL) {
        if (known < room) return FURROW_OK;
        return furrow_fail(err, FURROW_EFORMAT, "%.600s: the header of the ledger is damaged", l->path);
    }
    *length = strtoll(start + magic, &end, 10);
    if (end == start + magic || *end != '\n' || *length < 0 || *length > JOB_MAX)
        return furrow_fail(err, FURROW_EFORMAT, "%.600s: the header of the ledger is damaged", l->path);
    *at = end + 1 - start;
    return FURROW_OK;
}

/* The job text that a ledger begins with, or NULL where the file ends before its end. */
static furrow_status_t read_job(const furrow_ledger_t *l, int64_t bytes, char **job, int64_t *header_size,
                                furrow_error_t *err)
{
    int64_t at, length = 0;
    char *end = NULL;
    void *text;

    *job = NULL;
    furrow_status_t status = read_start(l, bytes, &at, &length, err);
    *header_size = at + length + CHECKSUM_BYTES;
    if (status != FURROW_OK || at == 0 || *header_size > bytes) return status;
    status = furrow_alloc(length + CHECKSUM_BYTES + 1, 1, &text, err);
    if (status != FURROW_OK) return status;
    *job = text;
    status = furrow_file_read(l->fd, l->path, at, *job, length + CHECKSUM_BYTES, err);
    if (status != FURROW_OK) return status;
    const unsigned long crc = strtoul(*job + length, &end, 16);
    const bool sound =
        end == *job + length + CHECKSUM_BYTES - 1 && *end == '\n' && crc == crc32_of(*job, (size_t)length);
    (*job)[length] = '\0';
    return sound ? FURROW_OK : furrow_fail(err, FURROW_EFORMAT, "%.600s: the header of the ledger is damaged", l->path);
}

static bool is_of_items(const record_t *r)
{
    return r->magic == ITEMS_MAGIC && r->first >= 0 && r->count >= 0 && r->first <= INT64_MAX - r->count;
}

static bool is_here(const furrow_ledger_t *l, const record_t *boot)
{
    bool here = false;

    for (int64_t i = 0; i < l->boots && !here; i++) here = memcmp(&l->boot[i], boot, sizeof *boot) == 0;
    return here;
}

static furrow_status_t add_all(furrow_ranges_t *to, furrow_ranges_t *from, furrow_error_t *err)
{
    furrow_status_t status = FURROW_OK;

    for (int64_t i = 0; i < from->count && status == FURROW_OK; i++)
        status = furrow_ranges_add(to, from->range[i].start, from->range[i].stop - from->range[i].start, err);
    furrow_ranges_free(from);
    return status;
}

/* What was recorded since all was on the disk is believed where all machines that were at work are here; else it is
 * `*doubted`. */
static furrow_status_t read_records(furrow_ledger_t *l, int64_t bytes, furrow_ranges_t *done, bool *doubted,
                                    furrow_error_t *err)
{
    furrow_ranges_t latest = {0};
    furrow_status_t status = FURROW_OK;
    bool all_here = true;
    record_t r;

    for (; l->size + (int64_t)sizeof r <= bytes && status == FURROW_OK; l->size += (int64_t)sizeof r) {
        status = furrow_file_read(l->fd, l->path, l->size, &r, sizeof r, err);
        if (status != FURROW_OK || r.crc != crc_of_record(&r)) continue;
        if (is_of_items(&r)) status = furrow_ranges_add(&latest, r.first, r.count, err);
        if (r.magic == BOOT_MAGIC) all_here = all_here && (is_here(l, &r) || l->boots == 0);
        if (r.magic == SETTLED_MAGIC) {
            status = add_all(done, &latest, err);
            all_here = true;
        }
    }
    *doubted = !all_here;
    if (status == FURROW_OK && all_here) status = add_all(done, &latest, err);
    furrow_ranges_free(&latest);
    return status;
}

/* ------------------------------------------------------------------ record */

furrow_status_t furrow_ledger_flush(furrow_ledger_t *l, furrow_error_t *err)
{
    const int64_t bytes = l->buffered * (int64_t)sizeof(record_t);

    if (bytes == 0) return FURROW_OK;
    const furrow_status_t status = furrow_file_write(l->fd, l->path, l->size, l->buffer, bytes, err);
    if (status != FURROW_OK) return status;
    l->size += bytes;
    l->buffered = 0;
    l->flushed = furrow_seconds();
    return FURROW_OK;
}

furrow_status_t furrow_ledger_flush_if_due(furrow_ledger_t *l, furrow_error_t *err)
{
    return l->buffered == 0 || furrow_seconds() - l->flushed < 0.1 ? FURROW_OK : furrow_ledger_flush(l, err);
}

static furrow_status_t add(furrow_ledger_t *l, record_t r, furrow_error_t *err)
{
    /* A disk that was full may have room again; else this record is one more to be done again. */
    const furrow_status_t status = l->buffered == BUFFERED ? furrow_ledger_flush(l, err) : FURROW_OK;

    if (status != FURROW_OK) return status;
    r.crc = crc_of_record(&r);
    l->buffer[l->buffered++] = r;
    return l->buffered < BUFFERED ? FURROW_OK : furrow_ledger_flush(l, err);
}

furrow_status_t furrow_ledger_add(furrow_ledger_t *l, int64_t first, int64_t count, furrow_error_t *err)
{
    return add(l, (record_t){.magic = ITEMS_MAGIC, .first = first, .count = count}, err);
}

furrow_status_t furrow_ledger_settle(furrow_ledger_t *l, furrow_error_t *err)
{
    const furrow_status_t status = add(l, (record_t){.magic = SETTLED_MAGIC}, err);

    return status == FURROW_OK ? furrow_ledger_flush(l, err) : status;
}

/* -------------------------------------------------------------- open, close */

/* Without what is doubted, which must not be believed later. */
static furrow_status_t write_anew(furrow_ledger_t *l, const char *job, const furrow_ranges_t *done, furrow_error_t *err)
{
    furrow_status_t status = furrow_ledger_restart(l, job, err);

    for (int64_t i = 0; i < done->count && status == FURROW_OK; i++)
        status = furrow_ledger_add(l, done->range[i].start, done->range[i].stop - done->range[i].start, err);
    return status == FURROW_OK ? furrow_ledger_settle(l, err) : status;
}

static furrow_status_t resume_from(furrow_ledger_t *l, const char *job, int64_t bytes, furrow_ranges_t *done,
                                   furrow_error_t *err)
{
    bool doubted = false;
    char *found;

    furrow_status_t status = read_job(l, bytes, &found, &l->size, err);
    if (status == FURROW_OK && found == NULL) return furrow_ledger_restart(l, job, err);
    if (status == FURROW_OK && strcmp(found, job) != 0) status = describe_difference(l, job, found, err);
    if (status == FURROW_OK) status = read_records(l, bytes, done, &doubted, err);
    if (status == FURROW_OK)
        status = doubted ? write_anew(l, job, done, err) : begin(l, l->boot, bytes_of_boots(l), err);
    free(found);
    return status;
}

/* Until so many seconds after `began`. A run that was killed ends when what it had begun to write is written. Some file
 * systems have no locks. */
static bool is_locked(const furrow_ledger_t *l, double began)
{
    const double patience = 2;

    while (flock(l->fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
        if (furrow_seconds() - began > patience) return false;
        (void)nanosleep(&(struct timespec){0, 10000000}, NULL);
    }
    return true;
}

/* The run that had the lock may have removed its ledger meanwhile. */
static bool is_removed(const furrow_ledger_t *l)
{
    struct stat facts;

    return fstat(l->fd, &facts) == 0 && facts.st_nlink == 0;
}

static furrow_status_t open_file(furrow_ledger_t *l, furrow_error_t *err)
{
    const double began = furrow_seconds();

    if (l->path == NULL) return furrow_fail(err, FURROW_ENOMEM, "out of memory for a ledger");
    do {
        if (l->fd >= 0) close(l->fd);
        l->fd = furrow_fault_hits(FURROW_FAULT_CREATE) ? -1
                                                       : open(l->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
        if (l->fd < 0) return furrow_fail_errno(err, l->path, "create the ledger");
        if (!is_locked(l, began))
            return furrow_fail(err, FURROW_EIO, "%.600s: another run is writing this output", l->path);
    } while (is_removed(l));
    return FURROW_OK;
}

furrow_boot_t furrow_boot(void)
{
    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
    furrow_boot_t boot = {{0, 0}};
    int digits = 0;

    for (int c; file != NULL && digits < 32 && (c = fgetc(file)) != EOF && c != '\n';) {
        const char *hex = "0123456789abcdef", *digit = c == '-' ? NULL : strchr(hex, c);
        if (digit != NULL) boot.half[digits / 16] = boot.half[digits / 16] << 4 | (uint64_t)(digit - hex);
        digits += digit != NULL;
    }
    if (file != NULL) (void)fclose(file);
    return boot;
}

/* Each once. */
static furrow_status_t copy_boots(furrow_ledger_t *l, const furrow_boot_t *boots, int64_t count, furrow_error_t *err)
{
    void *memory;

    const furrow_status_t status = furrow_alloc(count, sizeof *l->boot, &memory, err);
    if (status != FURROW_OK) return status;
    l->boot = memory;
    for (int64_t i = 0; i < count; i++) {
        record_t *r = &l->boot[l->boots];
        r->magic = BOOT_MAGIC;
        memcpy(&r->first, boots[i].half, sizeof boots[i].half);
        r->crc = crc_of_record(r);
        if (!is_here(l, r)) l->boots++;
    }
    return FURROW_OK;
}

furrow_status_t furrow_ledger_open(const char *path, const char *job, bool resume, const furrow_boot_t *boots,
                                   int64_t count, furrow_ranges_t *done, furrow_ledger_t **out, furrow_error_t *err)
{
    void *memory;

    *out = NULL;
    furrow_status_t status = furrow_alloc(1, sizeof **out, &memory, err);
    if (status != FURROW_OK) return status;
    furrow_ledger_t *l = memory;
    l->fd = -1;
    l->path = strdup(path);
    l->flushed = furrow_seconds();
    status = copy_boots(l, boots, count, err);
    if (status == FURROW_OK) status = open_file(l, err);
    const int64_t bytes = status == FURROW_OK ? (int64_t)lseek(l->fd, 0, SEEK_END) : 0;
    if (status == FURROW_OK)
        status = resume && bytes > 0 ? resume_from(l, job, bytes, done, err) : furrow_ledger_restart(l, job, err);
    if (status != FURROW_OK) {
        furrow_ledger_close(l, false);
        return status;
    }
    *out = l;
    return FURROW_OK;
}

void furrow_ledger_close(furrow_ledger_t *l, bool remove)
{
    if (l == NULL) return;
    if (remove) (void)unlink(l->path); /* while it is locked: who waits for it makes one of its own */
    if (l->fd >= 0) close(l->fd);
    free(l->path);
    free(l->boot);
    free(l);
}
