/* JPEGs made and decoded by libjpeg-turbo, and the common ones by the decoder that skims. In builds with it only. */
#ifndef FURROW_TESTS_JPEG_FILES_H
#define FURROW_TESTS_JPEG_FILES_H

#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include "decode_skim.h"

/* ------------------------------------------------------------------------------------------------------ encode */

typedef struct jpeg_kind {
    int channels, quality;
    int h, v; /* sampling factors of luma */
    int interval;
    bool optimized, progressive, rgb, separate; /* separate: a scan for each component */
} jpeg_kind_t;

/* To be freed. */
static inline furrow_bytes_t jpeg_encode(const uint8_t *pixels, int height, int width, const jpeg_kind_t *kind)
{
    static const jpeg_scan_info separate[] = {{1, {0}, 0, 63, 0, 0}, {1, {1}, 0, 63, 0, 0}, {1, {2}, 0, 63, 0, 0}};
    struct jpeg_compress_struct cinfo;
    struct jpeg_error_mgr errors;
    unsigned char *data = NULL;
    unsigned long count = 0;

    cinfo.err = jpeg_std_error(&errors);
    jpeg_create_compress(&cinfo);
    jpeg_mem_dest(&cinfo, &data, &count);
    cinfo.image_width = (unsigned)width;
    cinfo.image_height = (unsigned)height;
    cinfo.input_components = kind->channels;
    cinfo.in_color_space = kind->channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(&cinfo);
    if (kind->rgb) jpeg_set_colorspace(&cinfo, JCS_RGB);
    jpeg_set_quality(&cinfo, kind->quality, TRUE);
    cinfo.comp_info[0].h_samp_factor = kind->h;
    cinfo.comp_info[0].v_samp_factor = kind->v;
    cinfo.restart_interval = (unsigned)kind->interval;
    cinfo.optimize_coding = kind->optimized;
    if (kind->progressive) jpeg_simple_progression(&cinfo);
    if (kind->separate) {
        cinfo.scan_info = separate;
        cinfo.num_scans = 3;
    }
    jpeg_start_compress(&cinfo, TRUE);
    while (cinfo.next_scanline < cinfo.image_height) {
        JSAMPROW row = (JSAMPROW)(uintptr_t)(pixels + (size_t)cinfo.next_scanline * (size_t)(width * kind->channels));
        (void)jpeg_write_scanlines(&cinfo, &row, 1);
    }
    jpeg_finish_compress(&cinfo);
    jpeg_destroy_compress(&cinfo);
    uint8_t *exact = malloc(count);
    if (exact != NULL) memcpy(exact, data, count);
    free(data);
    return (furrow_bytes_t){exact, exact == NULL ? 0 : (int64_t)count};
}

/* ------------------------------------------------------------------------------------------------------ decode */

typedef struct jpeg_judge {
    struct jpeg_error_mgr base;
    jmp_buf back;
    long warnings;
} jpeg_judge_t;

static inline void jpeg_judge_exit(j_common_ptr cinfo)
{
    longjmp(((jpeg_judge_t *)cinfo->err)->back, 1);
}

static inline void jpeg_judge_emit(j_common_ptr cinfo, int level)
{
    if (level < 0) ((jpeg_judge_t *)cinfo->err)->warnings++;
}

/* What libjpeg-turbo makes of a file: `*pixels` is to be freed, and NULL if there are none. False: it has remarks. */
static inline bool jpeg_decode(furrow_bytes_t file, int eighths, furrow_pixels_order_t order, uint8_t **pixels,
                               int64_t *bytes)
{
    static const J_COLOR_SPACE spaces[] = {JCS_EXT_RGB, JCS_EXT_BGR, JCS_GRAYSCALE};
    struct jpeg_decompress_struct cinfo;
    jpeg_judge_t judge = {.warnings = 0};
    uint8_t *volatile memory = NULL;

    *pixels = NULL;
    *bytes = 0;
    cinfo.err = jpeg_std_error(&judge.base);
    judge.base.error_exit = jpeg_judge_exit;
    judge.base.emit_message = jpeg_judge_emit;
    if (setjmp(judge.back) != 0) {
        jpeg_destroy_decompress(&cinfo);
        free(memory);
        return false;
    }
    jpeg_create_decompress(&cinfo);
    jpeg_mem_src(&cinfo, file.data, (unsigned long)file.count);
    (void)jpeg_read_header(&cinfo, TRUE);
    cinfo.out_color_space = spaces[order];
    cinfo.scale_num = (unsigned)eighths;
    cinfo.scale_denom = 8;
    (void)jpeg_start_decompress(&cinfo);
    const size_t row_bytes = (size_t)cinfo.output_width * (size_t)cinfo.output_components;
    memory = malloc(row_bytes * cinfo.output_height);
    if (memory == NULL) abort();
    while (cinfo.output_scanline < cinfo.output_height) {
        JSAMPROW row = memory + row_bytes * cinfo.output_scanline;
        (void)jpeg_read_scanlines(&cinfo, &row, 1);
    }
    *bytes = (int64_t)row_bytes * cinfo.output_height;
    (void)jpeg_finish_decompress(&cinfo);
    jpeg_destroy_decompress(&cinfo);
    *pixels = memory;
    return judge.warnings == 0;
}

/* ------------------------------------------------------------------------------------------------------ compare */

typedef enum jpeg_verdict {
    JPEG_HANDED_ON, /* not skimmed */
    JPEG_EQUAL,     /* skimmed, and libjpeg-turbo has no remark and the same pixels */
    JPEG_DIFFERENT
} jpeg_verdict_t;

static inline jpeg_verdict_t jpeg_compare(furrow_bytes_t file, int eighths, furrow_pixels_order_t order,
                                          furrow_scratch_t *scratch)
{
    const furrow_decoder_t *decoder = &furrow_decoder_jpeg;
    furrow_image_info_t info = {.format = "JPEG"};
    furrow_skim_picture_t picture;
    uint8_t *pixels;
    int64_t bytes;

    if (!decoder->sniff(file) || decoder->info(file, &info, NULL) != FURROW_OK) return JPEG_HANDED_ON;
    const furrow_decode_job_t job = {
        .file = file, .info = &info, .order = order, .eighths = eighths, .scratch = scratch};
    if (!furrow_skim_picture(&job, &picture)) return JPEG_HANDED_ON;
    const bool is_clean = jpeg_decode(file, eighths, order, &pixels, &bytes);
    const int64_t row_bytes = picture.width * picture.channels;
    bool is_equal = is_clean && bytes == picture.height * row_bytes;
    uint8_t *row = malloc((size_t)row_bytes);
    for (int64_t y = 0; y < picture.height && is_equal; y++) {
        furrow_skim_row(&picture, y, row);
        is_equal = memcmp(pixels + y * row_bytes, row, (size_t)row_bytes) == 0;
    }
    free(row);
    free(pixels);
    return is_equal ? JPEG_EQUAL : JPEG_DIFFERENT;
}

#endif
