/* Owns the reading of what stands before the scan of a common JPEG. It takes what libjpeg-turbo takes without a remark,
 * and of that no more than files in practice have. */
#ifdef FURROW_HAVE_LIBJPEG
#include "skim_header.h"

#include <string.h>

#include "decode_jpeg.h"

enum { TABLES_MAX = FURROW_SKIM_TABLES_MAX, FACTORS = 64, LENGTHS = 16, SIDE_MAX = 65500 };

static bool read_quantizers(const furrow_jpeg_segment_t *segment, furrow_skim_header_t *out)
{
    for (int64_t at = 0; at < segment->count;) {
        const int which = segment->data[at] & 15, precision = segment->data[at] >> 4;
        if (which >= TABLES_MAX || precision > 1) return false;
        out->quantizer[which].factors = segment->data + at + 1;
        out->quantizer[which].is_wide = precision == 1;
        at += 1 + FACTORS * (1 + precision);
        if (at > segment->count) return false;
    }
    return true;
}

static bool read_books(const furrow_jpeg_segment_t *segment, furrow_skim_header_t *out)
{
    for (int64_t at = 0; at < segment->count;) {
        const int which = segment->data[at] & 15, kind = segment->data[at] >> 4;
        const uint8_t *table = segment->data + at + 1;
        at += 1 + LENGTHS;
        if (which >= TABLES_MAX || kind > 1 || at > segment->count) return false;
        for (int i = 0; i < LENGTHS; i++) at += table[i];
        if (at > segment->count) return false;
        *(kind == 0 ? &out->dc[which] : &out->ac[which]) = table;
    }
    return true;
}

static bool read_frame(const furrow_jpeg_segment_t *segment, furrow_skim_header_t *out)
{
    const uint8_t *data = segment->data;

    if (out->components != 0 || segment->count < 6 || segment->count != 6 + 3 * data[5] || data[0] != 8) return false;
    out->height = furrow_be16(data + 1);
    out->width = furrow_be16(data + 3);
    out->components = data[5];
    if (out->components != 1 && out->components != 3) return false;
    for (int i = 0; i < out->components; i++) {
        const uint8_t *at = data + 6 + 3 * i;
        out->component[i] =
            (furrow_skim_component_t){.id = at[0], .h = at[1] >> 4, .v = at[1] & 15, .quantizer = at[2]};
        for (int other = 0; other < i; other++)
            if (out->component[other].id == at[0]) return false;
    }
    return out->height > 0 && out->height <= SIDE_MAX && out->width > 0 && out->width <= SIDE_MAX;
}

/* Another major version is remarked upon. */
static bool read_application(const furrow_jpeg_segment_t *segment, furrow_skim_header_t *out)
{
    if (segment->code == FURROW_JPEG_APP0 && segment->count >= 14 && memcmp(segment->data, "JFIF", 5) == 0) {
        out->has_jfif = true;
        return segment->data[5] == 1;
    }
    if (segment->code == FURROW_JPEG_APP14 && segment->count >= 12 && memcmp(segment->data, "Adobe", 5) == 0)
        out->adobe = segment->data[11];
    return true;
}

/* All components in their order, and all of their coefficients. */
static bool read_scan(const furrow_jpeg_segment_t *segment, furrow_skim_header_t *out)
{
    const uint8_t *data = segment->data;
    const int components = out->components;

    if (components == 0 || segment->count != 4 + 2 * components || data[0] != components) return false;
    for (int i = 0; i < components; i++) {
        const int dc = data[2 + 2 * i] >> 4, ac = data[2 + 2 * i] & 15;
        if (data[1 + 2 * i] != out->component[i].id || dc >= TABLES_MAX || ac >= TABLES_MAX) return false;
        out->component[i].dc = dc;
        out->component[i].ac = ac;
    }
    out->scan = segment->next;
    return memcmp(data + 1 + 2 * components, "\x00\x3f\x00", 3) == 0;
}

static bool read_segment(const furrow_jpeg_segment_t *segment, furrow_skim_header_t *out)
{
    switch (segment->code) {
    case FURROW_JPEG_SOF0:
    case FURROW_JPEG_SOF0 + 1: return read_frame(segment, out);
    case FURROW_JPEG_DHT: return read_books(segment, out);
    case FURROW_JPEG_DQT: return read_quantizers(segment, out);
    case FURROW_JPEG_DRI:
        if (segment->count != 2) return false;
        out->interval = furrow_be16(segment->data);
        return true;
    case FURROW_JPEG_SOS: return read_scan(segment, out);
    default: break;
    }
    if (segment->code == FURROW_JPEG_COM) return true;
    return segment->code >= FURROW_JPEG_APP0 && segment->code < FURROW_JPEG_APP0 + 16 && read_application(segment, out);
}

static bool has_tables(const furrow_skim_header_t *header)
{
    for (int i = 0; i < header->components; i++) {
        const furrow_skim_component_t *component = &header->component[i];
        if (component->quantizer >= TABLES_MAX || header->quantizer[component->quantizer].factors == NULL ||
            header->dc[component->dc] == NULL || header->ac[component->ac] == NULL)
            return false;
    }
    return true;
}

/* What libjpeg-turbo takes for YCbCr: JFIF, or what Adobe's marker says, or anything but the letters R, G, B. */
static bool is_ycc(const furrow_skim_header_t *header)
{
    const furrow_skim_component_t *component = header->component;

    if (header->has_jfif) return true;
    if (header->adobe >= 0) return header->adobe == 1;
    return component[0].id != 'R' || component[1].id != 'G' || component[2].id != 'B';
}

/* The factors of a single component do not matter, but must be valid. */
static bool has_common_sampling(const furrow_skim_header_t *header)
{
    const furrow_skim_component_t *component = header->component;

    if (header->components == 1)
        return component->h >= 1 && component->h <= 4 && component->v >= 1 && component->v <= 4;
    for (int i = 1; i < 3; i++)
        if (component[i].h != 1 || component[i].v != 1) return false;
    return component[0].h == component[0].v && (component[0].h == 1 || component[0].h == 2);
}

bool furrow_skim_header_read(furrow_bytes_t file, furrow_skim_header_t *out)
{
    furrow_jpeg_segment_t segment = {.next = 2};

    *out = (furrow_skim_header_t){.adobe = -1};
    do {
        const int64_t at = segment.next;
        if (!furrow_jpeg_next(file, at, &segment) || segment.start != at || segment.data == NULL ||
            furrow_be16(segment.data - 2) != segment.count + 2 || !read_segment(&segment, out))
            return false;
    } while (segment.code != FURROW_JPEG_SOS);
    return has_tables(out) && (out->components == 1 || is_ycc(out)) && has_common_sampling(out);
}

unsigned furrow_skim_factor(const furrow_skim_header_t *header, int quantizer, int n)
{
    const uint8_t *factors = header->quantizer[quantizer].factors;

    return header->quantizer[quantizer].is_wide ? furrow_be16(factors + 2 * n) : factors[n];
}
#else
typedef int furrow_skim_header_is_not_built_in;
#endif
