/* Owns the reading of JPEG markers (ITU-T T.81, annex B), and JPEG's row of the table. */
#include "decode_jpeg.h"

#include <string.h>

#include "decode_stb.h"

enum { JPG = 0xc8, DAC = 0xcc, TEM = 0x01 };

static const char *const process_names[16] = {
    [3] = "lossless",
    [5] = "hierarchical",
    [6] = "hierarchical progressive",
    [7] = "hierarchical lossless",
    [9] = "arithmetic-coded",
    [10] = "arithmetic-coded progressive",
    [11] = "arithmetic-coded lossless",
    [13] = "arithmetic-coded hierarchical",
    [14] = "arithmetic-coded hierarchical progressive",
    [15] = "arithmetic-coded hierarchical lossless",
};

/* ------------------------------------------------------------------------------------------------------- markers */

/* What stands before the first scan. */
typedef struct jpeg {
    int process; /* n of SOFn */
    int bits, components;
    int64_t height, width;
    int adobe;       /* colour transform of the Adobe marker, -1 without one */
    int orientation; /* of EXIF */
} jpeg_t;

static bool stands_alone(int code)
{
    return code == TEM || (code >= FURROW_JPEG_RST0 && code <= FURROW_JPEG_EOI);
}

bool furrow_jpeg_next(furrow_bytes_t file, int64_t at, furrow_jpeg_segment_t *out)
{
    for (; at + 1 < file.count; at++) {
        const uint8_t *found = memchr(file.data + at, 0xff, (size_t)(file.count - at));
        if (found == NULL) return false;
        at = found - file.data;
        if (at + 1 < file.count && file.data[at + 1] != 0xff && file.data[at + 1] != 0) break;
    }
    if (at + 1 >= file.count) return false;
    *out = (furrow_jpeg_segment_t){.code = file.data[at + 1], .start = at, .next = at + 2};
    if (stands_alone(out->code)) return true;
    if (at + 4 > file.count) return false;
    const int64_t length = furrow_be16(file.data + at + 2);
    out->data = file.data + at + 4;
    out->count = length >= 2 ? length - 2 : 0;
    out->next = at + 2 + (length >= 2 ? length : 2);
    return out->next <= file.count;
}

static bool is_frame(int code)
{
    return code >= FURROW_JPEG_SOF0 && code <= FURROW_JPEG_SOF0 + 15 && code != FURROW_JPEG_DHT && code != JPG &&
           code != DAC;
}

static furrow_status_t read_frame(const furrow_jpeg_segment_t *segment, jpeg_t *out, furrow_error_t *err)
{
    if (out->process >= 0) return furrow_fail(err, FURROW_EFORMAT, "JPEG: two frame headers");
    if (segment->count < 6 || segment->count != 6 + 3 * segment->data[5])
        return furrow_fail(err, FURROW_EFORMAT, "JPEG: a frame header of %lld bytes", (long long)segment->count);
    out->process = segment->code - FURROW_JPEG_SOF0;
    out->bits = segment->data[0];
    out->height = furrow_be16(segment->data + 1);
    out->width = furrow_be16(segment->data + 3);
    out->components = segment->data[5];
    return FURROW_OK;
}

static void read_application(const furrow_jpeg_segment_t *segment, jpeg_t *out)
{
    if (segment->code == FURROW_JPEG_APP1 && out->orientation == 0 && segment->count > 6 &&
        memcmp(segment->data, "Exif\0", 5) == 0)
        out->orientation = furrow_exif_orientation((furrow_bytes_t){segment->data + 6, segment->count - 6});
    if (segment->code == FURROW_JPEG_APP14 && segment->count >= 12 && memcmp(segment->data, "Adobe", 5) == 0)
        out->adobe = segment->data[11];
}

static furrow_status_t read_header(furrow_bytes_t file, jpeg_t *out, furrow_error_t *err)
{
    furrow_jpeg_segment_t segment = {.next = 2};

    *out = (jpeg_t){.process = -1, .adobe = -1};
    for (;;) {
        if (!furrow_jpeg_next(file, segment.next, &segment))
            return furrow_fail(err, FURROW_ETRUNCATED, "JPEG: the file ends early, after %lld bytes, in its header",
                               (long long)file.count);
        if (segment.code == FURROW_JPEG_SOS) break;
        if (segment.code == FURROW_JPEG_EOI || segment.code == FURROW_JPEG_SOI)
            return furrow_fail(err, FURROW_EFORMAT, "JPEG: a file without a picture");
        if (is_frame(segment.code)) {
            const furrow_status_t status = read_frame(&segment, out, err);
            if (status != FURROW_OK) return status;
        }
        read_application(&segment, out);
    }
    if (out->process < 0) return furrow_fail(err, FURROW_EFORMAT, "JPEG: a scan without a frame header");
    if (out->orientation == 0) out->orientation = 1;
    return FURROW_OK;
}

/* --------------------------------------------------------------------------------------------------------- table */

static bool sniff(furrow_bytes_t file)
{
    return file.count >= 3 && memcmp(file.data, "\xff\xd8\xff", 3) == 0;
}

static furrow_status_t check_kind(const jpeg_t *jpeg, furrow_error_t *err)
{
    const char *name = process_names[jpeg->process];
    const bool arithmetic = jpeg->process == 9 || jpeg->process == 10;

    if (name != NULL && !(arithmetic && FURROW_READS_ARITHMETIC))
        return furrow_fail(err, FURROW_EUNSUPPORTED, "JPEG: %s files are not read", name);
    if (jpeg->bits != 8)
        return furrow_fail(err, FURROW_EUNSUPPORTED, "JPEG: files of %d bits a channel are not read", jpeg->bits);
    if (jpeg->components != 1 && jpeg->components != 3 && jpeg->components != 4)
        return furrow_fail(err, FURROW_EUNSUPPORTED, "JPEG: files of %d channels are not read", jpeg->components);
    if (jpeg->height == 0)
        return furrow_fail(err, FURROW_EUNSUPPORTED, "JPEG: files that tell their height at the end are not read");
    return FURROW_OK;
}

static furrow_status_t info(furrow_bytes_t file, furrow_image_info_t *out, furrow_error_t *err)
{
    jpeg_t jpeg;
    furrow_status_t status = read_header(file, &jpeg, err);

    if (status == FURROW_OK) status = check_kind(&jpeg, err);
    if (status != FURROW_OK) return status;
    out->channels = jpeg.components;
    out->bits = jpeg.bits;
    out->orientation = jpeg.orientation;
    return furrow_decode_size(jpeg.width, jpeg.height, out, err);
}

#ifdef FURROW_HAVE_LIBJPEG
const furrow_decoder_t furrow_decoder_jpeg = {"JPEG",
                                              furrow_libjpeg_version,
                                              16,
                                              sniff,
                                              info,
                                              furrow_libjpeg_decode,
                                              furrow_libjpeg_free,
                                              furrow_libjpeg_eighths};
#else
/* Tables of Huffman codes hold at most 256 symbols: stb_image 2.27 writes beyond them. */
static bool has_good_tables(const furrow_jpeg_segment_t *segment)
{
    enum { LENGTHS = 16, SYMBOLS_MAX = 256 };

    for (int64_t at = 0; at < segment->count;) {
        int symbols = 0;
        if (at + 1 + LENGTHS > segment->count) return false;
        for (int i = 1; i <= LENGTHS; i++) symbols += segment->data[at + i];
        at += 1 + LENGTHS + symbols;
        if (symbols > SYMBOLS_MAX || at > segment->count) return false;
    }
    return true;
}

/* Does every marker follow up to the end of the picture, in at most so many scans? stb would not tell. */
static furrow_status_t check_segments(furrow_bytes_t file, furrow_error_t *err)
{
    furrow_jpeg_segment_t segment = {.next = 2};
    int scans = 0;

    do {
        if (!furrow_jpeg_next(file, segment.next, &segment))
            return furrow_fail(err, FURROW_ETRUNCATED, "JPEG: the file ends early, after %lld bytes",
                               (long long)file.count);
        if (segment.code == FURROW_JPEG_SOS && ++scans > FURROW_JPEG_SCANS_MAX)
            return furrow_fail(err, FURROW_EFORMAT, "JPEG: more than %d scans", FURROW_JPEG_SCANS_MAX);
        if (segment.code == FURROW_JPEG_DHT && !has_good_tables(&segment))
            return furrow_fail(err, FURROW_EFORMAT, "JPEG: a bad table of Huffman codes");
    } while (segment.code != FURROW_JPEG_EOI);
    return FURROW_OK;
}

/* stb takes four channels without Adobe's marker for three and an alpha. It does not tell where data is missing, but
 * for a missing end. */
static furrow_status_t decode(const furrow_decode_job_t *job, furrow_error_t *err)
{
    jpeg_t jpeg;
    furrow_status_t status = read_header(job->file, &jpeg, err);

    if (status == FURROW_OK && jpeg.components == 4 && jpeg.adobe != 0 && jpeg.adobe != 2)
        status = furrow_fail(err, FURROW_EUNSUPPORTED,
                             "JPEG: files of four channels that do not say which are not read without libjpeg-turbo");
    if (status == FURROW_OK) status = check_segments(job->file, err);
    return status == FURROW_OK ? furrow_stb_decode(job, err) : status;
}

const furrow_decoder_t furrow_decoder_jpeg = {"JPEG", FURROW_STB_VERSION, 1, sniff, info, decode, NULL, NULL};
#endif
