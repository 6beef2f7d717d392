/* Owns the decoding of common JPEGs at 1/8 and 2/8 of their size. Most of what libjpeg-turbo takes for that goes into
 * reading codes one by one; here they are read several at a time (skim_codes.c), and what a small picture does not need
 * is passed over. No row leaves before the end of the file was reached and all was as it should be: whatever is not, is
 * libjpeg-turbo's to judge. */
#ifdef FURROW_HAVE_LIBJPEG
#include "decode_skim.h"

#include <string.h>

#include "dct.h"
#include "decode_jpeg.h"
#include "skim_codes.h"
#include "skim_header.h"

enum { COMPONENTS_MAX = FURROW_SKIM_COMPONENTS_MAX, LANES = FURROW_DCT_BLOCKS };
enum { GROUP = LANES };      /* MCUs whose blocks are transformed together, side by side */
enum { MCU_BLOCKS_MAX = 6 }; /* of 4:2:0 */
enum { STRIP_MAX = (FURROW_DCT_PLANES_MAX + 1) * LANES };
enum { PADDING_MAX = GROUP * MCU_BLOCKS_MAX * FURROW_SKIM_BLOCK_BYTES + FURROW_SKIM_PADDING };

/* A component. Its blocks of a group lie in strips of LANES: those of the first row of all MCUs, then of the second. */
typedef struct part {
    int h, v, size;  /* blocks of an MCU; samples along the side of one */
    bool is_wanted;  /* colours of a gray picture are not */
    int strip;       /* elements of a strip: planes of coefficients, and one for those that do not matter */
    int16_t *strips; /* [h * v][strip] */
    int16_t dc;      /* of the block before */
    uint16_t element[FURROW_SKIM_POSITIONS];
    int16_t most[FURROW_SKIM_POSITIONS]; /* by place, the largest coefficient */
    int least_most;                      /* of those but the first */
    int16_t factors[FURROW_DCT_PLANES_MAX];
    const furrow_skim_codes_t *codes;
    uint8_t *plane; /* [mcus_y * v * size][stride] */
} part_t;

typedef struct skimmer {
    const furrow_decode_job_t *job;
    const furrow_kernels_t *kernels;
    furrow_skim_header_t header;
    part_t part[COMPONENTS_MAX];
    furrow_skim_codes_t codes[COMPONENTS_MAX];

    int planes; /* that are wanted */
    int64_t mcus_x, mcus_y, groups;
    int64_t rows; /* of samples, of an MCU */
    int blocks;   /* of an MCU */
    furrow_skim_block_t block[GROUP * MCU_BLOCKS_MAX];
    int16_t coefficients[MCU_BLOCKS_MAX * STRIP_MAX];
    int64_t coefficient_count; /* that are in use */

    int64_t at;     /* in the file, behind the run below */
    uint8_t *bytes; /* of a run, up to the next marker */
    int64_t byte_count;
    furrow_skim_stream_t stream;
    int64_t mcus_left, runs; /* of the run; so many were begun */
    int marker;              /* behind the run */

    size_t stride;
} skimmer_t;

/* -------------------------------------------------------------------------------------------------------- set up */

/* Where in a block coefficients are found by row and column, in zigzag order: figure A.6. */
static void find_frequency(int n, int *u, int *v)
{
    int diagonal = 0;

    for (; n > (diagonal < 8 ? diagonal : 14 - diagonal); diagonal++) n -= diagonal < 8 ? diagonal + 1 : 15 - diagonal;
    const int from = diagonal < 8 ? 0 : diagonal - 7; /* along the diagonal from one end to the other */
    *u = diagonal % 2 == 0 ? diagonal - from - n : from + n;
    *v = diagonal - *u;
}

/* Coefficient n matters, in this plane. One that its factor would make too large for the transform is let through by
 * nothing; so the factor of which all but 0 are too large does not matter. */
static void place_coefficient(part_t *part, int n, int plane, unsigned factor)
{
    const int most = factor == 0 ? INT16_MAX : (int)(FURROW_DCT_LARGEST / factor);

    part->element[n + 1] = (uint16_t)(plane * LANES);
    part->factors[plane] = (int16_t)(most == 0 ? 0 : factor);
    part->most[n + 1] = (int16_t)most;
    if (n > 0 && most < part->least_most) part->least_most = most;
}

/* Which coefficients matter, where they go, and what they are multiplied with. */
static void place_coefficients(const skimmer_t *skimmer, const furrow_skim_component_t *component, part_t *part)
{
    const int used = FURROW_DCT_USED(part->size), rest = used * used * LANES;

    part->strip = rest + LANES;
    part->least_most = INT16_MAX;
    for (int i = 0; i < FURROW_SKIM_POSITIONS; i++) {
        part->element[i] = (uint16_t)rest;
        part->most[i] = INT16_MAX;
    }
    for (int n = 0; n < 64 && part->is_wanted; n++) {
        int u, v;
        find_frequency(n, &u, &v);
        const int row = furrow_dct_rank(part->size, u), column = furrow_dct_rank(part->size, v);
        if (row >= 0 && column >= 0)
            place_coefficient(part, n, row * used + column,
                              furrow_skim_factor(&skimmer->header, component->quantizer, n));
    }
}

/* Components with the same tables and range share what is made of them. */
static bool make_codes(skimmer_t *skimmer, int i)
{
    const furrow_skim_header_t *header = &skimmer->header;
    const furrow_skim_component_t *component = header->component;
    const int most = skimmer->part[i].least_most;

    for (int other = 0; other < i; other++) {
        if (component[other].dc != component[i].dc || component[other].ac != component[i].ac ||
            skimmer->part[other].least_most != most)
            continue;
        skimmer->part[i].codes = skimmer->part[other].codes;
        return true;
    }
    skimmer->part[i].codes = &skimmer->codes[i];
    return furrow_skim_codes_make(&skimmer->codes[i], header->dc[component[i].dc], header->ac[component[i].ac], most);
}

/* The blocks of a group of MCUs, as they come in the file. */
static void list_blocks(skimmer_t *skimmer)
{
    furrow_skim_block_t *block = skimmer->block;

    for (int mcu = 0; mcu < GROUP; mcu++)
        for (int i = 0; i < skimmer->header.components; i++) {
            part_t *part = &skimmer->part[i];
            for (int b = 0; b < part->h * part->v; b++) {
                const int column = mcu * part->h + b % part->h, strip = b / part->h * part->h + column / LANES;
                *block++ = (furrow_skim_block_t){part->codes, part->strips + strip * part->strip + column % LANES,
                                                 part->element, part->most};
            }
        }
}

/* Where libjpeg-turbo would have colours of fewer samples than the picture it makes more of them by a larger
 * transform. */
static bool make_parts(skimmer_t *skimmer)
{
    const furrow_skim_header_t *header = &skimmer->header;
    const int components = header->components, luma_h = components == 1 ? 1 : header->component[0].h;

    skimmer->coefficient_count = 0;
    skimmer->blocks = 0;
    for (int i = 0; i < components; i++) {
        part_t *part = &skimmer->part[i];
        part->h = part->v = i == 0 ? luma_h : 1;
        part->size = skimmer->job->eighths * luma_h / part->h;
        part->is_wanted = i < skimmer->planes;
        part->dc = 0;
        place_coefficients(skimmer, &header->component[i], part);
        part->strips = skimmer->coefficients + skimmer->coefficient_count;
        skimmer->coefficient_count += part->h * part->v * part->strip;
        skimmer->blocks += part->h * part->v;
        if (!make_codes(skimmer, i)) return false;
    }
    list_blocks(skimmer);
    return true;
}

static void measure(skimmer_t *skimmer)
{
    const furrow_skim_header_t *header = &skimmer->header;
    const int side = 8 * (header->components == 1 ? 1 : header->component[0].h);

    skimmer->planes = skimmer->job->order == FURROW_PIXELS_TO_GRAY ? 1 : header->components;
    skimmer->mcus_x = (header->width + side - 1) / side;
    skimmer->mcus_y = (header->height + side - 1) / side;
    skimmer->groups = (skimmer->mcus_x + GROUP - 1) / GROUP;
    skimmer->rows = side / 8 * skimmer->job->eighths;
    skimmer->stride = (size_t)(skimmer->groups * GROUP * skimmer->rows);
}

/* Memory for planes of samples and for the bytes of a run; sides of 65500 do not overflow it. */
static bool get_memory(skimmer_t *skimmer)
{
    const int64_t plane = skimmer->mcus_y * skimmer->rows * (int64_t)skimmer->stride;
    const int64_t bytes = skimmer->job->file.count - skimmer->header.scan + PADDING_MAX;
    furrow_error_t unused;
    void *memory;

    if (furrow_scratch_get(skimmer->job->scratch, FURROW_BUFFER_PICTURE, skimmer->planes * plane + bytes, 1, &memory,
                           &unused) != FURROW_OK)
        return false;
    skimmer->bytes = memory;
    for (int i = 0; i < skimmer->planes; i++) skimmer->part[i].plane = skimmer->bytes + bytes + i * plane;
    return true;
}

/* ---------------------------------------------------------------------------------------------------------- runs */

/* What the MCUs that are read at a time may take beyond the bytes of a run, if those are not as they should be. */
static size_t padding_of(const skimmer_t *skimmer)
{
    const int64_t interval = skimmer->header.interval, mcus = interval > 0 && interval < GROUP ? interval : GROUP;

    return (size_t)(mcus * skimmer->blocks * FURROW_SKIM_BLOCK_BYTES + FURROW_SKIM_PADDING);
}

/* The bytes up to the next marker, without what is stuffed between them. */
static bool unstuff(skimmer_t *skimmer)
{
    const furrow_bytes_t file = skimmer->job->file;
    const uint8_t *at = file.data + skimmer->at, *end = file.data + file.count;
    uint8_t *out = skimmer->bytes;

    for (;;) {
        const uint8_t *mark = memchr(at, 0xff, (size_t)(end - at));
        if (mark == NULL || end - mark < 2) return false;
        const bool is_stuffed = mark[1] == 0;
        const size_t count = (size_t)(mark - at) + is_stuffed;
        memcpy(out, at, count);
        out += count;
        at = mark + 2;
        if (!is_stuffed) break;
    }
    skimmer->marker = at[-1];
    skimmer->at = at - file.data;
    skimmer->byte_count = out - skimmer->bytes;
    memset(out, 0, padding_of(skimmer));
    return true;
}

/* Up to the next restart, or the end. */
static bool begin_run(skimmer_t *skimmer)
{
    const int64_t interval = skimmer->header.interval;

    if (!unstuff(skimmer)) return false;
    skimmer->stream = (furrow_skim_stream_t){.at = skimmer->bytes};
    skimmer->mcus_left = interval > 0 ? interval : INT64_MAX;
    skimmer->runs++;
    for (int i = 0; i < skimmer->header.components; i++) skimmer->part[i].dc = 0;
    return true;
}

/* Has all of it been read, and does what should come behind it? */
static bool ends_run(const skimmer_t *skimmer, int marker)
{
    return furrow_skim_taken(&skimmer->stream, skimmer->bytes) == skimmer->byte_count && skimmer->marker == marker;
}

/* ------------------------------------------------------------------------------------------------------- pixels */

/* First coefficients are differences to those of the blocks before. */
static bool add_differences(skimmer_t *skimmer, const furrow_skim_block_t *block, int64_t mcus)
{
    bool fits = true;

    for (int i = 0; i < skimmer->header.components; i++) {
        part_t *part = &skimmer->part[i];
        const int blocks = part->h * part->v, most = part->most[1];
        int dc = part->dc;
        for (int64_t at = 0; at < mcus * skimmer->blocks && part->is_wanted; at += skimmer->blocks)
            for (int b = 0; b < blocks; b++) {
                int16_t *to = block[at + b].to;
                dc = (int16_t)(dc + *to);
                fits = fits && dc <= most && dc >= -most;
                *to = (int16_t)dc;
            }
        part->dc = (int16_t)dc;
        block += blocks;
    }
    return fits;
}

/* The coefficients of so many MCUs. */
static bool read_group(skimmer_t *skimmer, int64_t mcus)
{
    memset(skimmer->coefficients, 0, (size_t)skimmer->coefficient_count * sizeof *skimmer->coefficients);
    for (int64_t done = 0, count; done < mcus; done += count) {
        const int restart = FURROW_JPEG_RST0 + (int)((skimmer->runs - 1) % 8);
        if (skimmer->mcus_left == 0 && !(ends_run(skimmer, restart) && begin_run(skimmer))) return false;
        const furrow_skim_block_t *block = skimmer->block + done * skimmer->blocks;
        count = mcus - done < skimmer->mcus_left ? mcus - done : skimmer->mcus_left;
        skimmer->mcus_left -= count;
        if (!furrow_skim_blocks(&skimmer->stream, block, count * skimmer->blocks) ||
            furrow_skim_taken(&skimmer->stream, skimmer->bytes) > skimmer->byte_count ||
            !add_differences(skimmer, block, count))
            return false;
    }
    return true;
}

/* Samples of all blocks of a group, of which some may lie beyond the picture. */
static bool transform_group(skimmer_t *skimmer, int64_t mcu_y, int64_t group)
{
    for (int i = 0; i < skimmer->planes; i++) {
        const part_t *part = &skimmer->part[i];
        for (int strip = 0; strip < part->h * part->v; strip++) {
            const int64_t y = mcu_y * skimmer->rows + strip / part->h * part->size;
            const int64_t x = (group * part->h + strip % part->h) * LANES * part->size;
            if (!furrow_dct(skimmer->kernels, part->size, part->strips + strip * part->strip, part->factors,
                            part->plane + y * (int64_t)skimmer->stride + x, skimmer->stride))
                return false;
        }
    }
    return true;
}

static bool read_scan(skimmer_t *skimmer)
{
    skimmer->at = skimmer->header.scan;
    skimmer->runs = 0;
    if (!begin_run(skimmer)) return false;
    for (int64_t y = 0; y < skimmer->mcus_y; y++) {
        for (int64_t group = 0; group < skimmer->groups; group++) {
            const int64_t left = skimmer->mcus_x - group * GROUP;
            if (!read_group(skimmer, left < GROUP ? left : GROUP) || !transform_group(skimmer, y, group)) return false;
        }
    }
    return ends_run(skimmer, FURROW_JPEG_EOI);
}

/* ------------------------------------------------------------------------------------------------------ interface */

bool furrow_skim_picture(const furrow_decode_job_t *job, furrow_skim_picture_t *out)
{
    furrow_skim_header_t header;
    furrow_error_t unused;
    void *memory;

    if (job->eighths > 2 || !furrow_skim_header_read(job->file, &header) || header.width != job->info->width ||
        header.height != job->info->height ||
        furrow_scratch_get(job->scratch, FURROW_BUFFER_CODES, 1, (int64_t)sizeof(skimmer_t), &memory, &unused) !=
            FURROW_OK)
        return false;
    skimmer_t *skimmer = memory;
    skimmer->job = job;
    skimmer->kernels = furrow_kernels();
    skimmer->header = header;
    measure(skimmer);
    if (!get_memory(skimmer) || !make_parts(skimmer) || !read_scan(skimmer)) return false;
    *out = (furrow_skim_picture_t){.kernels = skimmer->kernels,
                                   .order = job->order,
                                   .height = (header.height * job->eighths + 7) / 8,
                                   .width = (header.width * job->eighths + 7) / 8,
                                   .channels = job->order == FURROW_PIXELS_TO_GRAY ? 1 : 3,
                                   .planes = skimmer->planes,
                                   .stride = skimmer->stride};
    for (int i = 0; i < skimmer->planes; i++) out->plane[i] = skimmer->part[i].plane;
    return true;
}

void furrow_skim_row(const furrow_skim_picture_t *picture, int64_t y, uint8_t *out)
{
    const size_t at = (size_t)y * picture->stride, width = (size_t)picture->width;
    const bool is_bgr = picture->order == FURROW_PIXELS_TO_BGR;

    if (picture->planes == 1) {
        furrow_pixels_convert(FURROW_PIXELS_GRAY, picture->order, picture->plane[0] + at, width, out);
    } else {
        const uint8_t *const ycc[3] = {picture->plane[0] + at, picture->plane[1] + at, picture->plane[2] + at};
        furrow_dct_colors(picture->kernels, ycc, width, is_bgr, out);
    }
}

bool furrow_skim_decode(const furrow_decode_job_t *job)
{
    furrow_skim_picture_t picture;

    if (!furrow_skim_picture(job, &picture)) return false;
    for (int64_t y = 0; y < picture.height; y++) {
        furrow_skim_row(&picture, y, furrow_sink_row(job->sink, y));
        furrow_sink_done(job->sink, y);
    }
    return true;
}
#else
typedef int furrow_skim_is_not_built_in;
#endif
