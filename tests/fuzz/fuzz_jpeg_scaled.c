/* JPEG at 1/8 and 2/8 of its size: what is skimmed must be what libjpeg-turbo makes of the file, without a remark. The
 * last byte chooses scale and order of colours. */
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#ifdef FURROW_HAVE_LIBJPEG
#include "unit/jpeg_files.h"

enum { PIXELS_MAX = 1 << 20 };

/* That of all inputs: what one leaves behind must not hurt the next. */
static furrow_scratch_t scratch;

static void clear_scratch(void)
{
    furrow_scratch_clear(&scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const furrow_bytes_t file = {data, (int64_t)size};
    const unsigned choice = size > 0 ? data[size - 1] : 0;
    furrow_image_info_t info = {.format = "JPEG"};

    if (scratch.limit == 0) {
        scratch.limit = (int64_t)64 << 20;
        if (atexit(clear_scratch) != 0) abort();
    }
    if (!furrow_decoder_jpeg.sniff(file) || furrow_decoder_jpeg.info(file, &info, NULL) != FURROW_OK) return 0;
    if (info.height > PIXELS_MAX / info.width) return 0;
    if (jpeg_compare(file, 1 + (int)(choice & 1), (furrow_pixels_order_t)(choice / 2 % 3), &scratch) == JPEG_DIFFERENT)
        abort();
    return 0;
}
#else
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    (void)data;
    (void)size;
    return 0;
}
#endif
