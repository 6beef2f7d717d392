/* Any bytes as an .npy file in memory: no read outside of them, and what is accepted is consistent. */
#include <stdlib.h>
#include <string.h>

#include "npy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) abort();
}

/* The product of the shape, by a way that cannot overflow: every factor divides what is left of `items`. */
static void check_product(const furrow_npy_t *npy)
{
    int64_t left = npy->items;

    for (int i = 0; i < npy->ndim; i++) {
        require(npy->shape[i] >= 0);
        if (npy->items == 0) continue;
        require(npy->shape[i] > 0 && left % npy->shape[i] == 0);
        left /= npy->shape[i];
    }
    require(npy->items == 0 || left == 1);
}

static void check_header(const furrow_npy_t *npy, int64_t header_size)
{
    require(npy->version_major >= 1 && npy->version_major <= 3 && npy->version_minor == 0);
    require(npy->data_offset == header_size && npy->ndim >= 0 && npy->ndim <= FURROW_MAX_NDIM);
    require(npy->bytes / furrow_dtype_size(npy->dtype) == npy->items &&
            npy->bytes % furrow_dtype_size(npy->dtype) == 0);
    require(npy->bytes <= INT64_MAX - npy->data_offset);
    check_product(npy);
}

/* An accepted header can be written, and what is written says the same. */
static void check_round_trip(const furrow_npy_t *npy)
{
    char buffer[FURROW_NPY_FORMAT_MAX];
    furrow_npy_t written = *npy, parsed;

    require(furrow_npy_format(&written, buffer, NULL) == FURROW_OK);
    require(written.items == npy->items && written.bytes == npy->bytes && written.data_offset % 64 == 0);
    require(furrow_npy_parse(buffer, written.data_offset, "written", &parsed, NULL) == FURROW_OK);
    require(parsed.dtype == npy->dtype && !parsed.swapped && !parsed.fortran_order && parsed.ndim == npy->ndim);
    require(memcmp(parsed.shape, npy->shape, sizeof parsed.shape) == 0);
    require(parsed.bytes == npy->bytes && parsed.data_offset == written.data_offset);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    furrow_npy_t npy, untouched;
    furrow_error_t err = {0};
    int64_t header_size = -1;

    memset(&npy, 0x5a, sizeof npy);
    untouched = npy;
    furrow_status_t status = furrow_npy_header_size(data, (int64_t)size, "input", &header_size, &err);
    require((status == FURROW_OK) == (header_size >= 0));
    status = furrow_npy_parse(data, (int64_t)size, "input", &npy, &err);
    if (status == FURROW_OK) {
        check_header(&npy, header_size);
        check_round_trip(&npy);
    } else {
        require(err.status == status && err.text[0] != '\0' && strchr(err.text, '\n') == NULL);
        require(memcmp(&npy, &untouched, sizeof npy) == 0);
    }
    return 0;
}
