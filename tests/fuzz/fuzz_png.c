/* PNG: see picture.h. Check sums are put right after each change, for else nearly all inputs would end there. */
#include "decode_png.h"
#include "picture.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most) __attribute__((weak)); /* of libFuzzer */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_picture("PNG", data, size);
}

/* That of ISO/IEC 15948, annex D. */
static uint32_t check_sum(const uint8_t *data, int64_t count)
{
    uint32_t sum = 0xffffffff;

    for (int64_t i = 0; i < count; i++) {
        sum ^= data[i];
        for (int bit = 0; bit < 8; bit++) sum = sum >> 1 ^ ((sum & 1) != 0 ? 0xedb88320 : 0);
    }
    return ~sum;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed)
{
    furrow_png_chunk_t chunk = {0};

    size = LLVMFuzzerMutate(data, size, most);
    if (seed % 16 == 0) return size; /* and now and then a wrong one */
    while (furrow_png_next((furrow_bytes_t){data, (int64_t)size}, &chunk)) {
        const uint32_t sum = check_sum(chunk.type, chunk.data.count + 4);
        uint8_t *at = data + chunk.next - 4;
        for (int i = 0; i < 4; i++) at[i] = (uint8_t)(sum >> (24 - 8 * i));
    }
    return size;
}
