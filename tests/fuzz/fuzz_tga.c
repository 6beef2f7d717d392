/* TGA: see picture.h. */
#include "picture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_picture("TGA", data, size);
}
