/* Memory: sizes that do not fit are refused before anything is asked for; what is given is aligned, and zero where
 * promised. */
#include "mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_mem__multiply(void **state)
{
    int64_t product = -7;

    (void)state;
    assert_true(furrow_multiply(0, INT64_MAX, &product) && product == 0);
    assert_true(furrow_multiply(INT64_C(3037000499), INT64_C(3037000499), &product) &&
                product == INT64_C(9223372030926249001));
    assert_true(furrow_multiply(INT64_MAX, 1, &product) && product == INT64_MAX);
    assert_false(furrow_multiply(INT64_C(3037000500), INT64_C(3037000500), &product));
    assert_false(furrow_multiply(INT64_MAX, 2, &product));
    assert_false(furrow_multiply(-1, 1, &product));
    assert_false(furrow_multiply(1, -1, &product));
    assert_false(furrow_multiply(-3, -3, &product));
    assert_false(furrow_multiply(0, -1, &product));
}

static void refuse(int64_t count, int64_t size, const char *text)
{
    void *out = &out;
    furrow_error_t err;

    assert_int_equal(furrow_alloc(count, size, &out, &err), FURROW_ENOMEM);
    assert_null(out);
    assert_int_equal(err.status, FURROW_ENOMEM);
    assert_string_equal(err.text, text);
    out = &out;
    assert_int_equal(furrow_alloc_buffer(count, size, &out, NULL), FURROW_ENOMEM);
    assert_null(out);
}

static void test_mem__too_much(void **state)
{
    (void)state;
    refuse(INT64_MAX, 8, "out of memory: 9223372036854775807 elements of 8 bytes");
    refuse(INT64_C(1) << 61, 8, "out of memory: 2305843009213693952 elements of 8 bytes");
    refuse(INT64_MAX, 1, "out of memory: 9223372036854775807 elements of 1 bytes");
    refuse(INT64_MAX - 63, 1, "out of memory: 9223372036854775744 elements of 1 bytes");
    refuse(-1, 8, "out of memory: -1 elements of 8 bytes");
    refuse(INT64_C(1) << 60, 1, "out of memory: 1152921504606846976 bytes");
}

static void test_mem__aligned_and_zero(void **state)
{
    static const char zeros[1000];

    (void)state;
    for (int64_t count = 0; count <= 1000; count += count < 130 ? 1 : 87) {
        void *out, *buffer;
        assert_int_equal(furrow_alloc(count, 1, &out, NULL), FURROW_OK);
        assert_non_null(out);
        assert_true((uintptr_t)out % 64 == 0);
        assert_memory_equal(out, zeros, (size_t)count);
        assert_int_equal(furrow_alloc_buffer(count, 1, &buffer, NULL), FURROW_OK);
        assert_true(buffer != NULL && (uintptr_t)buffer % 64 == 0);
        memset(buffer, 1, (size_t)count);
        free(buffer);
        free(out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mem__multiply),
        cmocka_unit_test(test_mem__too_much),
        cmocka_unit_test(test_mem__aligned_and_zero),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
