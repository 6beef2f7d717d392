/* Owns decoding by libjpeg-turbo. Its errors come back by longjmp, so that what is open lives in the state. */
#ifdef FURROW_HAVE_LIBJPEG
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

#include "decode_jpeg.h"
#include "decode_skim.h"
#include "mem.h"

#ifndef LIBJPEG_TURBO_VERSION
#error "Furrow needs libjpeg-turbo; configure with -DFURROW_LIBJPEG=OFF to do without"
#endif

#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)

const char furrow_libjpeg_version[] = "libjpeg-turbo " TEXT(LIBJPEG_TURBO_VERSION);

/* Of the scales M/8 only these are faster than the next larger one: libjpeg-turbo has vector code for them, and common
 * files are skimmed at the first two. */
const int furrow_libjpeg_eighths[] = {1, 2, 4, 0};

/* Bytes between scans that some cameras write; more are a sign that the decoder lost its way in the scan before. */
enum { STRAY_BYTES_MAX = 16 };
enum { ROWS_AT_ONCE = 16 };

typedef struct state {
    struct jpeg_decompress_struct cinfo;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf jump;
    const furrow_decode_job_t *job;
    furrow_status_t status;
    furrow_error_t *err;
} state_t;

/* -------------------------------------------------------------------------------------------------------- errors */

static state_t *state_of(j_common_ptr cinfo)
{
    return cinfo->client_data;
}

static furrow_status_t status_of(int code)
{
    switch (code) {
    case JERR_OUT_OF_MEMORY: return FURROW_ENOMEM;
    case JWRN_JPEG_EOF: return FURROW_ETRUNCATED;
    case JERR_ARITH_NOTIMPL:
    case JERR_BAD_PRECISION:
    case JERR_SOF_UNSUPPORTED:
    case JERR_CONVERSION_NOTIMPL: return FURROW_EUNSUPPORTED;
    default: return FURROW_EFORMAT;
    }
}

/* Ends the picture with what the library has to say. */
static void give_up(j_common_ptr cinfo)
{
    state_t *state = state_of(cinfo);
    char text[JMSG_LENGTH_MAX];

    cinfo->err->format_message(cinfo, text);
    state->status = status_of(cinfo->err->msg_code);
    if (state->status == FURROW_ETRUNCATED)
        (void)furrow_fail(state->err, state->status, "JPEG: the file ends early, after %lld bytes",
                          (long long)state->job->file.count);
    else
        (void)furrow_fail(state->err, state->status, "JPEG: %s", text);
    longjmp(state->jump, 1);
}

/* Is some of the picture then made up? */
static bool loses_pixels(j_common_ptr cinfo)
{
    switch (cinfo->err->msg_code) {
    case JWRN_JPEG_EOF:
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_ARITH_BAD_CODE:
    case JWRN_MUST_RESYNC: return true;
    case JWRN_EXTRANEOUS_DATA:
        return state_of(cinfo)->cinfo.input_scan_number > 0 && cinfo->err->msg_parm.i[0] > STRAY_BYTES_MAX;
    default: return false;
    }
}

static void emit(j_common_ptr cinfo, int level)
{
    state_t *state = state_of(cinfo);
    char text[JMSG_LENGTH_MAX];

    if (level >= 0) return; /* a trace */
    if (loses_pixels(cinfo) && !state->job->keep_damaged) give_up(cinfo);
    if (state->job->warning[0] != '\0') return; /* the first one is the cause */
    cinfo->err->format_message(cinfo, text);
    (void)snprintf(state->job->warning, sizeof((furrow_image_info_t *)NULL)->warning, "%.199s", text);
}

static void watch(j_common_ptr cinfo)
{
    state_t *state = state_of(cinfo);

    if (state->cinfo.input_scan_number <= FURROW_JPEG_SCANS_MAX) return;
    state->status = furrow_fail(state->err, FURROW_EFORMAT, "JPEG: more than %d scans", FURROW_JPEG_SCANS_MAX);
    longjmp(state->jump, 1);
}

/* --------------------------------------------------------------------------------------------------------- decode */

static furrow_status_t open_state(void **out, furrow_error_t *err)
{
    furrow_status_t status = FURROW_OK;

    if (*out != NULL) return FURROW_OK;
    status = furrow_alloc(1, (int64_t)sizeof(state_t), out, err);
    if (status != FURROW_OK) return status;
    state_t *state = *out;
    state->cinfo.err = jpeg_std_error(&state->errors);
    state->errors.error_exit = give_up;
    state->errors.emit_message = emit;
    state->progress.progress_monitor = watch;
    state->cinfo.client_data = state;
    state->err = err;
    if (setjmp(state->jump) != 0) {
        status = state->status;
        free(state);
        *out = NULL;
        return status;
    }
    jpeg_create_decompress(&state->cinfo);
    state->cinfo.progress = &state->progress;
    return FURROW_OK;
}

void furrow_libjpeg_free(void *opaque)
{
    state_t *state = opaque;

    if (state != NULL) jpeg_destroy_decompress(&state->cinfo);
    free(state);
}

/* A picture in several scans has all its coefficients in memory. */
static furrow_status_t check_memory(state_t *state, furrow_error_t *err)
{
    int64_t blocks = 0;

    if (!jpeg_has_multiple_scans(&state->cinfo)) return FURROW_OK;
    for (int i = 0; i < state->cinfo.num_components; i++)
        blocks += (int64_t)state->cinfo.comp_info[i].width_in_blocks * state->cinfo.comp_info[i].height_in_blocks;
    return furrow_scratch_check(state->job->scratch, blocks * (int64_t)sizeof(JBLOCK), err);
}

static void choose_output(state_t *state)
{
    static const J_COLOR_SPACE spaces[] = {[FURROW_PIXELS_TO_RGB] = JCS_EXT_RGB,
                                           [FURROW_PIXELS_TO_BGR] = JCS_EXT_BGR,
                                           [FURROW_PIXELS_TO_GRAY] = JCS_GRAYSCALE};

    state->cinfo.out_color_space = state->cinfo.num_components == 4 ? JCS_CMYK : spaces[state->job->order];
    state->cinfo.scale_num = (unsigned)state->job->eighths;
    state->cinfo.scale_denom = 8;
}

static void read_rows(state_t *state)
{
    struct jpeg_decompress_struct *cinfo = &state->cinfo;
    furrow_sink_t *sink = state->job->sink;
    JSAMPROW rows[ROWS_AT_ONCE];

    while (cinfo->output_scanline < cinfo->output_height) {
        const JDIMENSION first = cinfo->output_scanline, left = cinfo->output_height - first;
        const JDIMENSION count = left < ROWS_AT_ONCE ? left : ROWS_AT_ONCE;
        for (JDIMENSION i = 0; i < count; i++) rows[i] = furrow_sink_row(sink, first + i);
        (void)jpeg_read_scanlines(cinfo, rows, count);
        for (JDIMENSION y = first; y < cinfo->output_scanline; y++) furrow_sink_done(sink, y);
    }
}

/* Four channels, which the library leaves as they are. */
static void read_cmyk_rows(state_t *state, uint8_t *line)
{
    struct jpeg_decompress_struct *cinfo = &state->cinfo;
    furrow_sink_t *sink = state->job->sink;
    JSAMPROW row = line;

    while (cinfo->output_scanline < cinfo->output_height) {
        const JDIMENSION y = cinfo->output_scanline;
        if (jpeg_read_scanlines(cinfo, &row, 1) == 0) continue;
        furrow_pixels_convert(FURROW_PIXELS_CMYK, state->job->order, line, cinfo->output_width,
                              furrow_sink_row(sink, y));
        furrow_sink_done(sink, y);
    }
}

static furrow_status_t run(state_t *state, furrow_error_t *err)
{
    struct jpeg_decompress_struct *cinfo = &state->cinfo;
    void *line = NULL;

    jpeg_mem_src(cinfo, state->job->file.data, (unsigned long)state->job->file.count);
    (void)jpeg_read_header(cinfo, TRUE);
    if (cinfo->image_width != state->job->info->width || cinfo->image_height != state->job->info->height)
        return furrow_fail(err, FURROW_EFORMAT, "JPEG: two headers that contradict each other");
    furrow_status_t status = check_memory(state, err);
    choose_output(state);
    if (status == FURROW_OK && cinfo->num_components == 4)
        status = furrow_scratch_get(state->job->scratch, FURROW_BUFFER_PICTURE, (int64_t)cinfo->image_width * 4, 1,
                                    &line, err);
    if (status != FURROW_OK) return status;
    (void)jpeg_start_decompress(cinfo);
    if (line != NULL)
        read_cmyk_rows(state, line);
    else
        read_rows(state);
    (void)jpeg_finish_decompress(cinfo);
    return FURROW_OK;
}

furrow_status_t furrow_libjpeg_decode(const furrow_decode_job_t *job, furrow_error_t *err)
{
    if (furrow_skim_decode(job)) return FURROW_OK;
    const furrow_status_t status = open_state(job->state, err);
    if (status != FURROW_OK) return status;
    state_t *const state = *job->state;
    state->job = job;
    state->err = err;
    state->status = FURROW_OK;
    if (setjmp(state->jump) == 0) state->status = run(state, err);
    jpeg_abort_decompress(&state->cinfo);
    return state->status;
}
#else
typedef int furrow_libjpeg_is_not_built_in;
#endif
