/* Owns the reading of .npy headers from files. */
#include "npy_file.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "mem.h"
#include "npy.h"

/* A file that ends within its header is left to the parser, which says so. */
static furrow_status_t parse_file(int fd, const char *path, int64_t available, furrow_npy_t *out, furrow_error_t *err)
{
    void *header;
    furrow_status_t status = furrow_alloc_buffer(available, 1, &header, err);

    if (status == FURROW_OK) status = furrow_file_read(fd, path, 0, header, available, err);
    if (status == FURROW_OK) status = furrow_npy_parse(header, available, path, out, err);
    free(header);
    return status;
}

static furrow_status_t check_data(const furrow_npy_t *npy, const char *path, int64_t file_bytes, furrow_error_t *err)
{
    const int64_t present = file_bytes - npy->data_offset;

    if (present >= npy->bytes) return FURROW_OK;
    return furrow_fail(err, FURROW_ETRUNCATED,
                       "%.600s: %lld bytes of data missing (header promises %lld, file has %lld)", path,
                       (long long)(npy->bytes - present), (long long)npy->bytes, (long long)present);
}

furrow_status_t furrow_npy_read_fd(int fd, const char *path, int64_t file_bytes, furrow_npy_t *out, furrow_error_t *err)
{
    const int64_t known = file_bytes < FURROW_NPY_PREAMBLE ? file_bytes : FURROW_NPY_PREAMBLE;
    char preamble[FURROW_NPY_PREAMBLE];
    int64_t header_size;
    furrow_npy_t npy;

    furrow_status_t status = furrow_file_read(fd, path, 0, preamble, known, err);
    if (status == FURROW_OK) status = furrow_npy_header_size(preamble, known, path, &header_size, err);
    if (status == FURROW_OK)
        status = parse_file(fd, path, header_size < file_bytes ? header_size : file_bytes, &npy, err);
    if (status == FURROW_OK) status = check_data(&npy, path, file_bytes, err);
    if (status == FURROW_OK) *out = npy;
    return status;
}

furrow_status_t furrow_npy_read(const char *path, furrow_npy_t *out, furrow_error_t *err)
{
    int64_t bytes;
    int fd;

    furrow_status_t status = furrow_file_open(path, &fd, &bytes, err);
    if (status != FURROW_OK) return status;
    status = furrow_npy_read_fd(fd, path, bytes, out, err);
    close(fd);
    return status;
}

furrow_status_t furrow_npy_read_stream(int fd, const char *name, furrow_npy_t *out, furrow_error_t *err)
{
    char preamble[FURROW_NPY_PREAMBLE];
    int64_t got, size;
    void *bytes = NULL;

    furrow_status_t status = furrow_file_read_stream(fd, name, preamble, sizeof preamble, &got, err);
    if (status == FURROW_OK) status = furrow_npy_header_size(preamble, got, name, &size, err);
    if (status == FURROW_OK && size < got)
        status = furrow_fail(err, FURROW_EFORMAT, "%s: header of %lld bytes is cut short", name, (long long)size);
    if (status == FURROW_OK) status = furrow_alloc_buffer(size, 1, &bytes, err);
    if (status == FURROW_OK) {
        memcpy(bytes, preamble, sizeof preamble);
        status = furrow_file_read_stream(fd, name, (char *)bytes + sizeof preamble, size - (int64_t)sizeof preamble,
                                         &got, err);
    }
    if (status == FURROW_OK && got < size - (int64_t)sizeof preamble)
        status = furrow_fail(err, FURROW_EFORMAT, "%s: header of %lld bytes is cut short", name, (long long)size);
    if (status == FURROW_OK) status = furrow_npy_parse(bytes, size, name, out, err);
    free(bytes);
    return status;
}
