/* Owns the bare loop of libjpeg-turbo. */
#include "bench_jpeg.h"

#ifdef FURROW_HAVE_LIBJPEG
#include <fcntl.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <jpeglib.h>

typedef struct {
    struct jpeg_error_mgr base;
    jmp_buf back;
} errors_t;

static void jump_back(j_common_ptr cinfo)
{
    longjmp(((errors_t *)cinfo->err)->back, 1);
}

/* False: it is damaged, or larger than a slot. */
static bool decode(struct jpeg_decompress_struct *cinfo, errors_t *errors, const unsigned char *file, long bytes,
                   char *slot, int64_t slot_bytes, int eighths)
{
    if (setjmp(errors->back) != 0) {
        jpeg_abort_decompress(cinfo);
        return false;
    }
    jpeg_mem_src(cinfo, file, (unsigned long)bytes);
    (void)jpeg_read_header(cinfo, TRUE);
    cinfo->out_color_space = JCS_RGB;
    cinfo->scale_num = (unsigned)eighths;
    cinfo->scale_denom = 8;
    (void)jpeg_start_decompress(cinfo);
    const size_t row_bytes = 3 * (size_t)cinfo->output_width;
    const bool fits = (int64_t)row_bytes * cinfo->output_height <= slot_bytes;
    while (fits && cinfo->output_scanline < cinfo->output_height) {
        JSAMPROW row[16];
        for (unsigned i = 0; i < 16; i++) row[i] = (JSAMPROW)slot + row_bytes * (cinfo->output_scanline + i);
        (void)jpeg_read_scanlines(cinfo, row, 16);
    }
    if (fits) (void)jpeg_finish_decompress(cinfo);
    if (!fits) jpeg_abort_decompress(cinfo);
    return fits;
}

static long read_file(const char *name, unsigned char *buffer, int64_t room)
{
    const int fd = open(name, O_RDONLY | O_CLOEXEC);
    const ssize_t got = fd < 0 ? -1 : read(fd, buffer, (size_t)room);

    if (fd >= 0) (void)close(fd);
    return (long)got;
}

int64_t bench_jpeg_loop(const char *const *name, int64_t count, int64_t file_max, char *out, int64_t slots,
                        int64_t slot_bytes, int eighths, int threads)
{
    int64_t decoded = 0;

#pragma omp parallel num_threads(threads) reduction(+ : decoded)
    {
        struct jpeg_decompress_struct cinfo;
        errors_t errors;
        unsigned char *buffer = malloc((size_t)file_max);
        cinfo.err = jpeg_std_error(&errors.base);
        errors.base.error_exit = jump_back;
        jpeg_create_decompress(&cinfo);
#pragma omp for schedule(dynamic)
        for (int64_t i = 0; i < count; i++) {
            const long bytes = buffer == NULL ? -1 : read_file(name[i], buffer, file_max);
            decoded +=
                bytes > 0 && decode(&cinfo, &errors, buffer, bytes, out + i % slots * slot_bytes, slot_bytes, eighths);
        }
        jpeg_destroy_decompress(&cinfo);
        free(buffer);
    }
    return decoded;
}

#else

int64_t bench_jpeg_loop(const char *const *name, int64_t count, int64_t file_max, char *out, int64_t slots,
                        int64_t slot_bytes, int eighths, int threads)
{
    (void)name, (void)count, (void)file_max, (void)out, (void)slots, (void)slot_bytes, (void)eighths, (void)threads;
    return -1;
}

#endif
