/* Owns the reading of one tag of EXIF. EXIF is a TIFF header and a directory of entries of 12 bytes: tag, type, count,
 * value. The same few lines serve every format and every build. */
#include "decode.h"

enum { TAG_ORIENTATION = 0x0112, TYPE_SHORT = 3, ENTRY = 12 };

typedef struct reader {
    furrow_bytes_t bytes;
    bool big_endian;
} reader_t;

static unsigned u16(const reader_t *r, int64_t at)
{
    return r->big_endian ? furrow_be16(r->bytes.data + at) : furrow_le16(r->bytes.data + at);
}

static uint32_t u32(const reader_t *r, int64_t at)
{
    return r->big_endian ? furrow_be32(r->bytes.data + at) : furrow_le32(r->bytes.data + at);
}

static int valid(unsigned orientation)
{
    return orientation >= 1 && orientation <= 8 ? (int)orientation : 1;
}

int furrow_exif_orientation(furrow_bytes_t exif)
{
    reader_t r = {exif, false};

    if (exif.count < 8) return 1;
    r.big_endian = exif.data[0] == 'M' && exif.data[1] == 'M';
    if (!r.big_endian && !(exif.data[0] == 'I' && exif.data[1] == 'I')) return 1;
    if (u16(&r, 2) != 42) return 1;
    int64_t at = u32(&r, 4);
    if (at > exif.count - 2) return 1;
    const unsigned entries = u16(&r, at);
    at += 2;
    for (unsigned i = 0; i < entries && at <= exif.count - ENTRY; i++, at += ENTRY)
        if (u16(&r, at) == TAG_ORIENTATION)
            return u16(&r, at + 2) == TYPE_SHORT && u32(&r, at + 4) == 1 ? valid(u16(&r, at + 8)) : 1;
    return 1;
}
