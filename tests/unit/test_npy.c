/* .npy headers, against files that NumPy wrote and what NumPy reads from them (tests/data/make_npy.py), and damaged
 * ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "npy.h"

static const char native_order = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? '<' : '>';

/* -------------------------------------------------------- files of NumPy */

typedef struct {
    char file[64], read[32], dtype[16], shape[256], version[8];
    char order;
    int fortran, saved;
    long long offset, items, bytes;
} fixture_t;

typedef void (*check_t)(const fixture_t *);

static bool parse_fixture(const char *line, fixture_t *out)
{
    return sscanf(line, "%63[^,],%31[^,],%15[^,],%c,%d,%255[^,],%7[^,],%lld,%lld,%lld,%d", out->file, out->read,
                  out->dtype, &out->order, &out->fortran, out->shape, out->version, &out->offset, &out->items,
                  &out->bytes, &out->saved) == 11;
}

/* Calls `check` for every file of the table whose `read` column begins with `read`; there must be some. */
static void for_each_fixture(const char *read, check_t check)
{
    FILE *table = fopen(FURROW_TEST_DATA "/npy/expected.csv", "r");
    char line[1024];
    fixture_t fixture;
    int checked = 0;

    assert_non_null(table);
    assert_non_null(fgets(line, sizeof line, table));
    while (fgets(line, sizeof line, table) != NULL) {
        assert_true(parse_fixture(line, &fixture));
        if (strncmp(fixture.read, read, strlen(read)) != 0) continue;
        check(&fixture);
        checked++;
    }
    (void)fclose(table);
    assert_true(checked > 0);
}

static const char *path_of(const fixture_t *fixture)
{
    static char path[1024];

    (void)snprintf(path, sizeof path, "%s/npy/%s", FURROW_TEST_DATA, fixture->file);
    return path;
}

/* The whole file in memory of exactly its size, so that a sanitizer sees every byte read beyond. */
static unsigned char *load(const char *path, int64_t *size)
{
    int fd;
    unsigned char *bytes;

    assert_int_equal(furrow_file_open(path, &fd, size, NULL), FURROW_OK);
    bytes = malloc((size_t)*size);
    assert_non_null(bytes);
    assert_int_equal(furrow_file_read(fd, path, 0, bytes, *size, NULL), FURROW_OK);
    close(fd);
    return bytes;
}

static void format_facts(const furrow_npy_t *npy, fixture_t *out)
{
    size_t used = 0;

    (void)snprintf(out->dtype, sizeof out->dtype, "%s", furrow_dtype_name(npy->dtype));
    (void)snprintf(out->version, sizeof out->version, "%d.%d", npy->version_major, npy->version_minor);
    (void)snprintf(out->shape, sizeof out->shape, "-");
    for (int i = 0; i < npy->ndim; i++)
        used += (size_t)snprintf(out->shape + used, sizeof out->shape - used, i == 0 ? "%lld" : "x%lld",
                                 (long long)npy->shape[i]);
}

static void assert_facts(const fixture_t *expected, const furrow_npy_t *npy)
{
    const bool swapped = expected->order != '|' && expected->order != native_order;
    fixture_t got;

    format_facts(npy, &got);
    assert_string_equal(got.dtype, expected->dtype);
    assert_string_equal(got.shape, expected->shape);
    assert_string_equal(got.version, expected->version);
    for (int i = npy->ndim; i < FURROW_MAX_NDIM; i++) assert_int_equal(npy->shape[i], 0);
    assert_int_equal(npy->swapped, swapped);
    assert_int_equal(npy->fortran_order, expected->fortran);
    assert_int_equal(npy->data_offset, expected->offset);
    assert_int_equal(npy->items, expected->items);
    assert_int_equal(npy->bytes, expected->bytes);
}

static void check_read(const fixture_t *fixture)
{
    furrow_npy_t npy;
    furrow_error_t err = {0};

    if (furrow_npy_read(path_of(fixture), &npy, &err) != FURROW_OK) fail_msg("%s", err.text);
    assert_facts(fixture, &npy);
}

static void test_npy__what_numpy_reads(void **state)
{
    (void)state;
    for_each_fixture("ok", check_read);
}

/* Files come in pairs that differ in this; an array without items counts as C order, as in NumPy. */
static void check_fortran_order(const fixture_t *fixture)
{
    const bool c = strstr(fixture->file, "_c.npy") != NULL, fortran = strstr(fixture->file, "_f.npy") != NULL;
    furrow_npy_t npy;

    if (!c && !fortran) return;
    assert_int_equal(furrow_npy_read(path_of(fixture), &npy, NULL), FURROW_OK);
    assert_int_equal(npy.fortran_order, fortran && npy.items > 0);
}

static void test_npy__fortran_order(void **state)
{
    (void)state;
    for_each_fixture("ok", check_fortran_order);
}

static void check_truncated(const fixture_t *fixture)
{
    furrow_npy_t npy = {.ndim = -1};
    furrow_error_t err;
    int64_t size;
    char promise[64];
    unsigned char *bytes = load(path_of(fixture), &size);

    assert_int_equal(furrow_npy_read(path_of(fixture), &npy, &err), FURROW_ETRUNCATED);
    (void)snprintf(promise, sizeof promise, "%lld bytes of data missing", fixture->bytes);
    assert_non_null(strstr(err.text, promise));
    assert_non_null(strstr(err.text, fixture->file));
    assert_int_equal(npy.ndim, -1);

    assert_int_equal(furrow_npy_parse(bytes, size, fixture->file, &npy, NULL), FURROW_OK);
    assert_facts(fixture, &npy);
    free(bytes);
}

static void test_npy__header_without_data(void **state)
{
    (void)state;
    for_each_fixture("truncated", check_truncated);
}

/* The column `read` then holds words that the message must hold. */
static void check_unsupported(const fixture_t *fixture)
{
    furrow_npy_t npy = {.ndim = -1};
    furrow_error_t err;

    if (strcmp(fixture->read, "ok") == 0 || strcmp(fixture->read, "truncated") == 0) return;
    assert_int_equal(furrow_npy_read(path_of(fixture), &npy, &err), FURROW_EUNSUPPORTED);
    assert_non_null(strstr(err.text, fixture->read));
    assert_non_null(strstr(err.text, fixture->file));
    assert_int_equal(npy.ndim, -1);
}

static void test_npy__unsupported_dtypes(void **state)
{
    (void)state;
    for_each_fixture("", check_unsupported);
}

/* No first part of a header is taken for a whole one. */
static void check_cut(const fixture_t *fixture)
{
    int64_t size, header_size;
    unsigned char *bytes = load(path_of(fixture), &size);

    for (int64_t cut = 0; cut < fixture->offset; cut++) {
        furrow_npy_t npy;
        unsigned char *part = malloc((size_t)cut + (cut == 0));
        assert_non_null(part);
        memcpy(part, bytes, (size_t)cut);
        const furrow_status_t preamble = furrow_npy_header_size(part, cut, "cut.npy", &header_size, NULL);
        const furrow_status_t status = furrow_npy_parse(part, cut, "cut.npy", &npy, NULL);
        assert_int_equal(status, preamble == FURROW_OK ? FURROW_ETRUNCATED : FURROW_EFORMAT);
        free(part);
    }
    free(bytes);
}

static void test_npy__cut_anywhere(void **state)
{
    (void)state;
    for_each_fixture("", check_cut);
}

/* ---------------------------------------------------------------- format */

static void check_format(const fixture_t *fixture)
{
    int64_t size;
    unsigned char *bytes = load(path_of(fixture), &size);
    char buffer[FURROW_NPY_FORMAT_MAX];
    furrow_npy_t parsed, npy = {0};

    assert_int_equal(furrow_npy_parse(bytes, size, fixture->file, &parsed, NULL), FURROW_OK);
    npy.dtype = parsed.dtype;
    npy.ndim = parsed.ndim;
    memcpy(npy.shape, parsed.shape, sizeof npy.shape);
    if (fixture->saved && !parsed.swapped) {
        assert_int_equal(furrow_npy_format(&npy, buffer, NULL), FURROW_OK);
        assert_facts(fixture, &npy);
        assert_memory_equal(buffer, bytes, (size_t)npy.data_offset);
    }
    free(bytes);
}

static void test_npy__format_as_numpy(void **state)
{
    (void)state;
    for_each_fixture("ok", check_format);
    for_each_fixture("truncated", check_format);
}

static void test_npy__format_most_axes(void **state)
{
    char buffer[FURROW_NPY_FORMAT_MAX];
    furrow_npy_t npy = {.dtype = FURROW_C16, .ndim = FURROW_MAX_NDIM}, parsed;

    (void)state;
    for (int i = 1; i < FURROW_MAX_NDIM; i++) npy.shape[i] = 1;
    npy.shape[1] = INT64_C(100000000000000000);
    assert_int_equal(furrow_npy_format(&npy, buffer, NULL), FURROW_OK);
    assert_int_equal(npy.data_offset % 64, 0);
    assert_int_equal(furrow_npy_parse(buffer, npy.data_offset, "most", &parsed, NULL), FURROW_OK);
    assert_int_equal(parsed.ndim, npy.ndim);
    assert_int_equal(parsed.bytes, 0);
    assert_memory_equal(parsed.shape, npy.shape, sizeof npy.shape);
}

static void test_npy__format_refuses(void **state)
{
    char buffer[FURROW_NPY_FORMAT_MAX];
    furrow_npy_t npy = {.dtype = FURROW_F8, .ndim = FURROW_MAX_NDIM + 1, .bytes = -7};
    furrow_error_t err;

    (void)state;
    assert_int_equal(furrow_npy_format(&npy, buffer, &err), FURROW_EARG);
    npy.ndim = -1;
    assert_int_equal(furrow_npy_format(&npy, buffer, &err), FURROW_EARG);
    npy.ndim = 1;
    npy.shape[0] = -1;
    assert_int_equal(furrow_npy_format(&npy, buffer, &err), FURROW_EOVERFLOW);
    npy.shape[0] = INT64_MAX / 8 + 1;
    assert_int_equal(furrow_npy_format(&npy, buffer, &err), FURROW_EOVERFLOW);
    assert_int_equal(npy.bytes, -7);
}

/* --------------------------------------------------------- damaged files */

typedef struct {
    const char *text;
    int version;
    furrow_status_t status;
    const char *message; /* a part of it */
} damaged_t;

#define DESCR "'descr': '<f8', "
#define ORDER "'fortran_order': False, "
#define SHAPE "'shape': (2,), "
#define WITH_DESCR(descr) "{'descr': " descr ", " ORDER SHAPE "}"
#define WITH_ORDER(order) "{" DESCR "'fortran_order': " order ", " SHAPE "}"
#define WITH_SHAPE(shape) "{" DESCR ORDER "'shape': " shape "}"
#define TEN(axis) axis axis axis axis axis axis axis axis axis axis

static const damaged_t damaged[] = {
    {"", 1, FURROW_EFORMAT, "'{' expected at byte 10"},
    {"  \n", 2, FURROW_EFORMAT, "'{' expected at byte 15"},
    {"{", 1, FURROW_EFORMAT, "a string expected"},
    {"{}", 1, FURROW_EFORMAT, "key 'descr' is missing"},
    {"{" ORDER SHAPE "}", 1, FURROW_EFORMAT, "key 'descr' is missing"},
    {"{" DESCR SHAPE "}", 1, FURROW_EFORMAT, "key 'fortran_order' is missing"},
    {"{" DESCR ORDER "}", 1, FURROW_EFORMAT, "key 'shape' is missing"},
    {"{" DESCR ORDER SHAPE "'extra': 1}", 1, FURROW_EFORMAT, "unknown key 'extra'"},
    {"{" DESCR ORDER SHAPE "'Shape': (2,)}", 1, FURROW_EFORMAT, "unknown key 'Shape'"},
    {"{" DESCR ORDER SHAPE ",}", 1, FURROW_EFORMAT, "a string expected"},
    {"{," DESCR ORDER SHAPE "}", 1, FURROW_EFORMAT, "a string expected"},
    {"{" DESCR ORDER SHAPE, 1, FURROW_EFORMAT, "a string expected"},
    {"{" DESCR ORDER SHAPE "} x", 1, FURROW_EFORMAT, "the end of the header expected"},
    {"{" DESCR ORDER SHAPE "}{}", 1, FURROW_EFORMAT, "the end of the header expected"},
    {"{'descr' '<f8'}", 1, FURROW_EFORMAT, "':' expected"},
    {"{'descr': '<f8' 'fortran_order': False}", 1, FURROW_EFORMAT, "',' or '}' expected"},
    {"{'descr': '<f8\", " ORDER SHAPE "}", 1, FURROW_EFORMAT, "',' or '}' expected"},
    {"{'descr': \"<f8", 1, FURROW_EFORMAT, "a closing quote expected"},
    {"{'descr", 1, FURROW_EFORMAT, "a closing quote expected"},
    {"{'descr\n': '<f8'}", 1, FURROW_EFORMAT, "a plain string expected"},
    {"{'\\x64escr': '<f8'}", 1, FURROW_EFORMAT, "a plain string expected"},
    {"{u 'descr': '<f8'}", 1, FURROW_EFORMAT, "a string expected"},
    {WITH_DESCR("None"), 1, FURROW_EFORMAT, "a string expected"},
    {WITH_DESCR("{}"), 1, FURROW_EFORMAT, "a string expected"},
    {WITH_DESCR("[('a', '<f8')]"), 1, FURROW_EUNSUPPORTED, "structured"},
    {WITH_DESCR("('<f8', (2,))"), 1, FURROW_EUNSUPPORTED, "structured"},
    {WITH_DESCR("''"), 1, FURROW_EUNSUPPORTED, "dtype '' (unknown)"},
    {WITH_DESCR("'<'"), 1, FURROW_EUNSUPPORTED, "dtype '<' (unknown)"},
    {WITH_DESCR("'<f3'"), 1, FURROW_EUNSUPPORTED, "dtype '<f3' (unknown)"},
    {WITH_DESCR("'<float64'"), 1, FURROW_EUNSUPPORTED, "dtype '<float64' (unknown)"},
    {WITH_DESCR("'<<f8'"), 1, FURROW_EUNSUPPORTED, "dtype '<<f8' (unknown)"},
    {WITH_DESCR("'f8 '"), 1, FURROW_EUNSUPPORTED, "dtype 'f8 ' (unknown)"},
    {WITH_DESCR("'<i16'"), 1, FURROW_EUNSUPPORTED, "dtype '<i16' (unknown)"},
    {WITH_DESCR("'O'"), 1, FURROW_EUNSUPPORTED, "Python objects"},
    {WITH_DESCR("'|S0'"), 1, FURROW_EUNSUPPORTED, "strings"},
    {WITH_DESCR("'datetime64[ns]'"), 1, FURROW_EUNSUPPORTED, "dates"},
    {WITH_DESCR("'G'"), 1, FURROW_EUNSUPPORTED, "complex long double"},
    {WITH_ORDER("0"), 1, FURROW_EFORMAT, "True or False expected"},
    {WITH_ORDER("None"), 1, FURROW_EFORMAT, "True or False expected"},
    {WITH_ORDER("'False'"), 1, FURROW_EFORMAT, "True or False expected"},
    {WITH_ORDER("Falsey"), 1, FURROW_EFORMAT, "',' or '}' expected"},
    {"{'fortran_order': Fal", 1, FURROW_EFORMAT, "True or False expected"},
    {WITH_SHAPE("2"), 1, FURROW_EFORMAT, "'(' of the shape expected"},
    {WITH_SHAPE("(2)"), 1, FURROW_EFORMAT, "',' after the only length"},
    {WITH_SHAPE("[2, 3]"), 1, FURROW_EFORMAT, "'(' of the shape expected"},
    {WITH_SHAPE("(2, 3"), 1, FURROW_EFORMAT, "',' or ')' of the shape expected"},
    {WITH_SHAPE("(,)"), 1, FURROW_EFORMAT, "a whole number expected"},
    {WITH_SHAPE("(2,,)"), 1, FURROW_EFORMAT, "a whole number expected"},
    {WITH_SHAPE("(2 3)"), 1, FURROW_EFORMAT, "',' or ')' of the shape expected"},
    {WITH_SHAPE("(2.0,)"), 1, FURROW_EFORMAT, "',' or ')' of the shape expected"},
    {WITH_SHAPE("(1e3,)"), 1, FURROW_EFORMAT, "',' or ')' of the shape expected"},
    {WITH_SHAPE("(0x10,)"), 1, FURROW_EFORMAT, "',' or ')' of the shape expected"},
    {WITH_SHAPE("(010,)"), 1, FURROW_EFORMAT, "without leading zeros"},
    {WITH_SHAPE("(True,)"), 1, FURROW_EFORMAT, "a whole number expected"},
    {WITH_SHAPE("('2',)"), 1, FURROW_EFORMAT, "a whole number expected"},
    {WITH_SHAPE("(--2,)"), 1, FURROW_EFORMAT, "a whole number expected"},
    {WITH_SHAPE("(+-2,)"), 1, FURROW_EFORMAT, "a whole number expected"},
    {WITH_SHAPE("(2l,)"), 1, FURROW_EFORMAT, "',' or ')' of the shape expected"},
    {WITH_SHAPE("(2LL,)"), 1, FURROW_EFORMAT, "',' or ')' of the shape expected"},
    {WITH_SHAPE("(2L,)"), 3, FURROW_EFORMAT, "',' or ')' of the shape expected"},
    {WITH_SHAPE("(-1,)"), 1, FURROW_EOVERFLOW, "negative length, -1"},
    {WITH_SHAPE("(0, - 3)"), 1, FURROW_EOVERFLOW, "negative length, -3"},
    {WITH_SHAPE("(9223372036854775808, 0)"), 1, FURROW_EOVERFLOW, "beyond 2^63 - 1"},
    {WITH_SHAPE("(99999999999999999999999, 0)"), 1, FURROW_EOVERFLOW, "beyond 2^63 - 1"},
    {WITH_SHAPE("(9223372036854775807,)"), 1, FURROW_EOVERFLOW, "more than 2^63 - 1 bytes"},
    {"{'descr': '|u1', " ORDER "'shape': (9223372036854775807,)}", 1, FURROW_EOVERFLOW, "more than 2^63 - 1 bytes"},
    {WITH_SHAPE("(1152921504606846976,)"), 1, FURROW_EOVERFLOW, "more than 2^63 - 1 bytes"},
    {WITH_SHAPE("(4294967296, 4294967296)"), 1, FURROW_EOVERFLOW, "more than 2^63 - 1 bytes"},
    {WITH_SHAPE("(0, 1152921504606846976)"), 1, FURROW_EOVERFLOW, "more than 2^63 - 1 bytes"},
    {WITH_SHAPE("(" TEN(TEN("1,")) ")"), 1, FURROW_EOVERFLOW, "more than 64 axes"},
};

/* A header around `text`, in memory of exactly its size. */
static unsigned char *wrap(const char *text, int version, int64_t *size)
{
    const size_t length = strlen(text), preamble = version == 1 ? 10 : 12;
    unsigned char *bytes = calloc(1, preamble + length);

    assert_non_null(bytes);
    memcpy(bytes, "\x93NUMPY", 6);
    bytes[6] = (unsigned char)version;
    bytes[8] = (unsigned char)(length & 0xff);
    bytes[9] = (unsigned char)(length >> 8);
    memcpy(bytes + preamble, text, length);
    *size = (int64_t)(preamble + length);
    return bytes;
}

static void test_npy__damaged_headers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
        int64_t size;
        unsigned char *bytes = wrap(damaged[i].text, damaged[i].version, &size);
        furrow_npy_t npy = {.ndim = -1};
        furrow_error_t err = {0};
        const furrow_status_t status = furrow_npy_parse(bytes, size, "some/file.npy", &npy, &err);

        if (status != damaged[i].status || strstr(err.text, damaged[i].message) == NULL)
            fail_msg("%s: status %d, \"%s\"", damaged[i].text, (int)status, err.text);
        assert_memory_equal(err.text, "some/file.npy: ", 15);
        assert_int_equal(err.status, status);
        assert_int_equal(npy.ndim, -1);
        assert_int_equal(furrow_npy_parse(bytes, size, "some/file.npy", &npy, NULL), status);
        free(bytes);
    }
}

static void test_npy__null_bytes(void **state)
{
    char bytes[] = "\x93NUMPY\x01\0\x36\0{'descr': '?', 'fortran_order': False, 'shape': (2,)}\n";
    const int64_t size = 10 + 0x36;
    furrow_npy_t npy;

    (void)state;
    assert_int_equal(furrow_npy_parse(bytes, size, "x", &npy, NULL), FURROW_OK);
    *strchr(bytes + 10, '?') = '\0';
    assert_int_equal(furrow_npy_parse(bytes, size, "x", &npy, NULL), FURROW_EUNSUPPORTED);
    bytes[size - 1] = '\0';
    assert_int_equal(furrow_npy_parse(bytes, size, "x", &npy, NULL), FURROW_EFORMAT);
}

static void assert_preamble(const char *bytes, int64_t size, const char *message)
{
    int64_t header_size = -1;
    furrow_error_t err;

    assert_int_equal(furrow_npy_header_size(bytes, size, "x.npy", &header_size, &err), FURROW_EFORMAT);
    if (strstr(err.text, message) == NULL) fail_msg("%s", err.text);
    assert_int_equal(header_size, -1);
}

static void test_npy__damaged_preambles(void **state)
{
    int64_t header_size;

    (void)state;
    assert_preamble("", 0, "it is empty");
    assert_preamble("\x93NUMPZ\x01\0\x10\0..", 12, "does not begin");
    assert_preamble("PK\x03\x04", 4, "does not begin");
    assert_preamble("\x93NUMP", 5, "ends after 5 bytes");
    assert_preamble("\x93NUMPY\x01\0\x10", 9, "ends after 9 bytes");
    assert_preamble("\x93NUMPY\x02\0\x10\0\0", 11, "ends after 11 bytes");
    assert_preamble("\x93NUMPY\x04\0\x10\0\0\0", 12, "version 4.0");
    assert_preamble("\x93NUMPY\0\0\x10\0\0\0", 12, "version 0.0");
    assert_preamble("\x93NUMPY\x01\x01\x10\0\0\0", 12, "version 1.1");
    assert_preamble("\x93NUMPY\x02\0\xff\xff\xff\xff", 12, "4294967307 bytes long");
    assert_preamble("\x93NUMPY\x02\0\xf5\xff\x0f\0", 12, "1048577 bytes long");
    assert_int_equal(furrow_npy_header_size("\x93NUMPY\x02\0\xf4\xff\x0f\0", 12, "x", &header_size, NULL), FURROW_OK);
    assert_int_equal(header_size, FURROW_NPY_HEADER_MAX);
    assert_int_equal(furrow_npy_header_size("\x93NUMPY\x01\0\x34\x12", 10, "x", &header_size, NULL), FURROW_OK);
    assert_int_equal(header_size, 10 + 0x1234);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_npy__what_numpy_reads),    cmocka_unit_test(test_npy__fortran_order),
        cmocka_unit_test(test_npy__header_without_data), cmocka_unit_test(test_npy__unsupported_dtypes),
        cmocka_unit_test(test_npy__cut_anywhere),        cmocka_unit_test(test_npy__format_as_numpy),
        cmocka_unit_test(test_npy__format_most_axes),    cmocka_unit_test(test_npy__format_refuses),
        cmocka_unit_test(test_npy__damaged_headers),     cmocka_unit_test(test_npy__null_bytes),
        cmocka_unit_test(test_npy__damaged_preambles),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
