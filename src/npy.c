/* Owns the text of .npy headers. The parser is a cursor over the bytes in memory: it looks at no byte at or after
 * `end`, and it leaves the syntax of the values to one small function per kind of value. */
#include "npy.h"

#include <stdio.h>
#include <string.h>

#include "mem.h"

static const unsigned char magic[] = {0x93, 'N', 'U', 'M', 'P', 'Y'};

enum {
    VERSION_BYTES = sizeof magic + 2, /* magic, major, minor */
    PREAMBLE_1 = VERSION_BYTES + 2,   /* version 1.0: two bytes of length */
    PREAMBLE_2 = FURROW_NPY_PREAMBLE, /* later: four */
    ALIGNMENT = 64,                   /* NumPy's, of the data */
    GROWTH_DIGITS = 21                /* NumPy leaves room for axis 0 to grow to as many digits */
};

static const char native_order = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? '<' : '>';

/* -------------------------------------------------------------- preamble */

static int64_t preamble_size(const unsigned char *bytes)
{
    return bytes[sizeof magic] == 1 ? PREAMBLE_1 : PREAMBLE_2;
}

static int64_t little_endian(const unsigned char *bytes, int64_t count)
{
    int64_t value = 0;

    while (count-- > 0) value = value << 8 | bytes[count];
    return value;
}

static furrow_status_t check_magic(const unsigned char *bytes, int64_t size, const char *path, furrow_error_t *err)
{
    const size_t common = size < (int64_t)sizeof magic ? (size_t)size : sizeof magic;

    if (size == 0) return furrow_fail(err, FURROW_EFORMAT, "%.600s: not an .npy file: it is empty", path);
    if (memcmp(bytes, magic, common) != 0)
        return furrow_fail(err, FURROW_EFORMAT, "%.600s: not an .npy file: it does not begin with \\x93NUMPY", path);
    if (size < VERSION_BYTES || size < preamble_size(bytes))
        return furrow_fail(err, FURROW_EFORMAT,
                           "%.600s: not an .npy file: it ends after %lld bytes, within the preamble", path,
                           (long long)size);
    return FURROW_OK;
}

furrow_status_t furrow_npy_header_size(const void *bytes, int64_t size, const char *path, int64_t *header_size,
                                       furrow_error_t *err)
{
    const unsigned char *first = bytes;
    const furrow_status_t status = check_magic(first, size, path, err);

    if (status != FURROW_OK) return status;
    const int major = first[sizeof magic], minor = first[sizeof magic + 1];
    if (major < 1 || major > 3 || minor != 0)
        return furrow_fail(err, FURROW_EFORMAT, "%.600s: .npy version %d.%d is not known, only 1.0, 2.0 and 3.0", path,
                           major, minor);
    const int64_t preamble = preamble_size(first);
    const int64_t total = preamble + little_endian(first + VERSION_BYTES, preamble - VERSION_BYTES);
    if (total > FURROW_NPY_HEADER_MAX)
        return furrow_fail(err, FURROW_EFORMAT, "%.600s: damaged header: %lld bytes long, more than %d", path,
                           (long long)total, FURROW_NPY_HEADER_MAX);
    *header_size = total;
    return FURROW_OK;
}

/* ---------------------------------------------------------------- cursor */

typedef struct {
    const char *start, *at, *end; /* the whole header; start <= at <= end */
    bool python2;                 /* integers may end in L, as NumPy has it for versions up to 2.0 */
    const char *path;
    furrow_error_t *err;
} cursor_t;

/* A piece of the header, not terminated. */
typedef struct {
    const char *text;
    int length;
} piece_t;

static furrow_status_t expected(const cursor_t *cursor, const char *what)
{
    return furrow_fail(cursor->err, FURROW_EFORMAT, "%.600s: damaged header: %s expected at byte %lld", cursor->path,
                       what, (long long)(cursor->at - cursor->start));
}

/* '\0' at the end: never something that the grammar wants. */
static char peek(const cursor_t *cursor)
{
    return cursor->at < cursor->end ? *cursor->at : '\0';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static void skip_spaces(cursor_t *cursor)
{
    while (cursor->at < cursor->end && memchr(" \t\n\r\f", *cursor->at, 5) != NULL) cursor->at++;
}

static bool accept(cursor_t *cursor, char wanted)
{
    skip_spaces(cursor);
    if (peek(cursor) != wanted) return false;
    cursor->at++;
    return true;
}

static bool accept_word(cursor_t *cursor, const char *word)
{
    const size_t length = strlen(word);

    skip_spaces(cursor);
    if ((size_t)(cursor->end - cursor->at) < length || memcmp(cursor->at, word, length) != 0) return false;
    cursor->at += length;
    return true;
}

static bool equals(piece_t piece, const char *text)
{
    return (size_t)piece.length == strlen(text) && memcmp(piece.text, text, (size_t)piece.length) == 0;
}

static bool begins(piece_t piece, const char *text)
{
    return (size_t)piece.length >= strlen(text) && memcmp(piece.text, text, strlen(text)) == 0;
}

static furrow_status_t parse_string(cursor_t *cursor, piece_t *out)
{
    skip_spaces(cursor);
    if (peek(cursor) == 'u') cursor->at++;
    const char quote = peek(cursor);
    if (quote != '\'' && quote != '"') return expected(cursor, "a string");

    const char *first = ++cursor->at;
    while (cursor->at < cursor->end && *cursor->at != quote) {
        if (*cursor->at == '\\' || *cursor->at == '\n') return expected(cursor, "a plain string");
        cursor->at++;
    }
    *out = (piece_t){first, (int)(cursor->at - first)};
    return accept(cursor, quote) ? FURROW_OK : expected(cursor, "a closing quote");
}

/* ----------------------------------------------------------------- dtype */

/* Codes take an order in front of them, names do not. */
static const struct {
    const char *code, *letters, *name;
    furrow_dtype_t dtype;
} dtype_names[] = {
    {"b1", "?", "bool", FURROW_BOOL},    {"i1", "b", "int8", FURROW_I1},         {"i2", "h", "int16", FURROW_I2},
    {"i4", "i", "int32", FURROW_I4},     {"i8", "lqp", "int64", FURROW_I8},      {"u1", "B", "uint8", FURROW_U1},
    {"u2", "H", "uint16", FURROW_U2},    {"u4", "I", "uint32", FURROW_U4},       {"u8", "LQP", "uint64", FURROW_U8},
    {"f2", "e", "float16", FURROW_F2},   {"f4", "f", "float32", FURROW_F4},      {"f8", "d", "float64", FURROW_F8},
    {"c8", "F", "complex64", FURROW_C8}, {"c16", "D", "complex128", FURROW_C16},
};

/* What NumPy can store and Furrow cannot compute with, by how the code begins. */
static const struct {
    const char *prefix, *meaning;
} unsupported_dtypes[] = {
    {"O", "Python objects"},
    {"object", "Python objects"},
    {"S", "strings"},
    {"U", "strings"},
    {"V", "raw bytes"},
    {"M", "dates"},
    {"m", "time spans"},
    {"datetime64", "dates"},
    {"f16", "long double"},
    {"f12", "long double"},
    {"g", "long double"},
    {"c32", "complex long double"},
    {"c24", "complex long double"},
    {"G", "complex long double"},
};

static bool is_code_of(piece_t code, size_t index)
{
    const char *letters = dtype_names[index].letters;
    const bool letter = code.length == 1 && memchr(letters, code.text[0], strlen(letters)) != NULL;

    return letter || equals(code, dtype_names[index].code);
}

static bool find_dtype(piece_t descr, piece_t code, furrow_dtype_t *out)
{
    for (size_t i = 0; i < sizeof dtype_names / sizeof *dtype_names; i++)
        if (is_code_of(code, i) || equals(descr, dtype_names[i].name)) {
            *out = dtype_names[i].dtype;
            return true;
        }
    return false;
}

static const char *meaning_of_unsupported(piece_t code)
{
    for (size_t i = 0; i < sizeof unsupported_dtypes / sizeof *unsupported_dtypes; i++)
        if (begins(code, unsupported_dtypes[i].prefix)) return unsupported_dtypes[i].meaning;
    return "unknown";
}

static furrow_status_t interpret_descr(const cursor_t *cursor, piece_t descr, furrow_npy_t *npy)
{
    const bool has_order = descr.length > 0 && memchr("<>=|", descr.text[0], 4) != NULL;
    const char order = has_order && strchr("<>", descr.text[0]) != NULL ? descr.text[0] : native_order;
    const piece_t code = {descr.text + has_order, descr.length - has_order};

    if (!find_dtype(descr, code, &npy->dtype))
        return furrow_fail(cursor->err, FURROW_EUNSUPPORTED, "%.600s: dtype '%.*s' (%s) is not supported", cursor->path,
                           descr.length < 80 ? descr.length : 80, descr.text, meaning_of_unsupported(code));
    npy->swapped = order != native_order && furrow_dtype_size(npy->dtype) > 1;
    return FURROW_OK;
}

static furrow_status_t parse_descr(cursor_t *cursor, piece_t *out)
{
    if (accept(cursor, '[') || accept(cursor, '('))
        return furrow_fail(cursor->err, FURROW_EUNSUPPORTED,
                           "%.600s: the dtype is structured (records with fields): not supported", cursor->path);
    return parse_string(cursor, out);
}

/* ----------------------------------------------------------------- shape */

/* items and bytes from dtype and shape. Axes of length 0 are left out of the check, as in NumPy; the rest must fit. */
static bool measure(furrow_npy_t *npy)
{
    int64_t bytes = furrow_dtype_size(npy->dtype);
    bool empty = false;

    for (int i = 0; i < npy->ndim; i++) {
        empty = empty || npy->shape[i] == 0;
        if (!furrow_multiply(bytes, npy->shape[i] == 0 ? 1 : npy->shape[i], &bytes)) return false;
    }
    npy->bytes = empty ? 0 : bytes;
    npy->items = npy->bytes / furrow_dtype_size(npy->dtype);
    return bytes <= INT64_MAX - FURROW_NPY_HEADER_MAX;
}

static furrow_status_t parse_digits(cursor_t *cursor, int64_t *out)
{
    const char *first = cursor->at;
    int64_t value = 0;

    if (!is_digit(peek(cursor))) return expected(cursor, "a whole number");
    for (; is_digit(peek(cursor)); cursor->at++)
        if (!furrow_multiply(value, 10, &value) || __builtin_add_overflow(value, *cursor->at - '0', &value))
            return furrow_fail(cursor->err, FURROW_EOVERFLOW, "%.600s: the shape has a length beyond 2^63 - 1",
                               cursor->path);
    if (*first == '0' && value != 0) return expected(cursor, "a whole number without leading zeros");
    *out = value;
    return FURROW_OK;
}

static furrow_status_t parse_length(cursor_t *cursor, int64_t *out)
{
    const bool negative = accept(cursor, '-');
    int64_t value = 0;

    if (!negative) (void)accept(cursor, '+');
    skip_spaces(cursor);
    const furrow_status_t status = parse_digits(cursor, &value);
    if (status != FURROW_OK) return status;
    if (negative && value != 0)
        return furrow_fail(cursor->err, FURROW_EOVERFLOW, "%.600s: the shape has a negative length, -%lld",
                           cursor->path, (long long)value);
    if (cursor->python2) (void)accept(cursor, 'L');
    *out = value;
    return FURROW_OK;
}

static furrow_status_t parse_shape(cursor_t *cursor, furrow_npy_t *npy)
{
    bool comma = true;

    npy->ndim = 0;
    memset(npy->shape, 0, sizeof npy->shape); /* of an earlier value of this key */
    if (!accept(cursor, '(')) return expected(cursor, "'(' of the shape");
    while (!accept(cursor, ')')) {
        if (!comma) return expected(cursor, "',' or ')' of the shape");
        if (npy->ndim == FURROW_MAX_NDIM)
            return furrow_fail(cursor->err, FURROW_EOVERFLOW, "%.600s: the shape has more than %d axes", cursor->path,
                               FURROW_MAX_NDIM);
        const furrow_status_t status = parse_length(cursor, &npy->shape[npy->ndim++]);
        if (status != FURROW_OK) return status;
        comma = accept(cursor, ',');
    }
    /* Python's (3) is a number, (3,) a tuple. */
    return npy->ndim == 1 && !comma ? expected(cursor, "',' after the only length of the shape") : FURROW_OK;
}

/* ------------------------------------------------------------ dictionary */

static furrow_status_t parse_order(cursor_t *cursor, bool *fortran_order)
{
    *fortran_order = accept_word(cursor, "True");
    return *fortran_order || accept_word(cursor, "False") ? FURROW_OK : expected(cursor, "True or False");
}

/* The dictionary as it is read: the dtype is interpreted when all is read, for a later one replaces it. */
typedef struct {
    furrow_npy_t npy;
    piece_t descr;
    bool has_descr, has_order, has_shape;
} dictionary_t;

static furrow_status_t parse_value(cursor_t *cursor, piece_t key, dictionary_t *out)
{
    if (equals(key, "descr")) {
        out->has_descr = true;
        return parse_descr(cursor, &out->descr);
    }
    if (equals(key, "fortran_order")) {
        out->has_order = true;
        return parse_order(cursor, &out->npy.fortran_order);
    }
    if (equals(key, "shape")) {
        out->has_shape = true;
        return parse_shape(cursor, &out->npy);
    }
    return furrow_fail(cursor->err, FURROW_EFORMAT, "%.600s: damaged header: unknown key '%.*s'", cursor->path,
                       key.length < 80 ? key.length : 80, key.text);
}

static furrow_status_t parse_entry(cursor_t *cursor, dictionary_t *out)
{
    piece_t key;
    const furrow_status_t status = parse_string(cursor, &key);

    if (status != FURROW_OK) return status;
    if (!accept(cursor, ':')) return expected(cursor, "':'");
    return parse_value(cursor, key, out);
}

static furrow_status_t parse_dictionary(cursor_t *cursor, dictionary_t *out)
{
    bool comma = true;

    if (!accept(cursor, '{')) return expected(cursor, "'{'");
    while (!accept(cursor, '}')) {
        if (!comma) return expected(cursor, "',' or '}'");
        const furrow_status_t status = parse_entry(cursor, out);
        if (status != FURROW_OK) return status;
        comma = accept(cursor, ',');
    }
    skip_spaces(cursor);
    return cursor->at == cursor->end ? FURROW_OK : expected(cursor, "the end of the header");
}

static furrow_status_t check_complete(const cursor_t *cursor, const dictionary_t *dictionary)
{
    const char *missing = !dictionary->has_descr   ? "descr"
                          : !dictionary->has_order ? "fortran_order"
                          : !dictionary->has_shape ? "shape"
                                                   : NULL;

    if (missing == NULL) return FURROW_OK;
    return furrow_fail(cursor->err, FURROW_EFORMAT, "%.600s: damaged header: key '%s' is missing", cursor->path,
                       missing);
}

static furrow_status_t interpret(const cursor_t *cursor, dictionary_t *dictionary)
{
    furrow_status_t status = check_complete(cursor, dictionary);

    if (status == FURROW_OK) status = interpret_descr(cursor, dictionary->descr, &dictionary->npy);
    if (status == FURROW_OK && !measure(&dictionary->npy))
        status =
            furrow_fail(cursor->err, FURROW_EOVERFLOW, "%.600s: the shape has more than 2^63 - 1 bytes", cursor->path);
    return status;
}

furrow_status_t furrow_npy_parse(const void *bytes, int64_t size, const char *path, furrow_npy_t *out,
                                 furrow_error_t *err)
{
    const unsigned char *first = bytes;
    dictionary_t dictionary = {0};
    int64_t header_size;
    furrow_status_t status = furrow_npy_header_size(bytes, size, path, &header_size, err);

    if (status != FURROW_OK) return status;
    if (size < header_size)
        return furrow_fail(err, FURROW_ETRUNCATED, "%.600s: %lld bytes of the header missing (of %lld)", path,
                           (long long)(header_size - size), (long long)header_size);
    dictionary.npy.version_major = first[sizeof magic];
    dictionary.npy.data_offset = header_size;

    const char *start = bytes;
    cursor_t cursor = {start, start + preamble_size(first), start + header_size, first[sizeof magic] <= 2, path, err};
    status = parse_dictionary(&cursor, &dictionary);
    if (status == FURROW_OK) status = interpret(&cursor, &dictionary);
    if (status == FURROW_OK) *out = dictionary.npy;
    return status;
}

/* ---------------------------------------------------------------- format */

/* "()", "(3,)", "(3, 4)". Returns its end. */
static char *format_shape(const furrow_npy_t *npy, char *at)
{
    at += sprintf(at, "(");
    for (int i = 0; i < npy->ndim; i++) at += sprintf(at, i == 0 ? "%lld" : ", %lld", (long long)npy->shape[i]);
    return at + sprintf(at, npy->ndim == 1 ? ",)" : ")");
}

/* The dictionary with room for axis 0 to grow. The longest, 64 axes of 19 digits, is below 1500 bytes. Returns its end.
 */
static char *format_dictionary(const furrow_npy_t *npy, char *at)
{
    const char order = furrow_dtype_size(npy->dtype) == 1 ? '|' : native_order;
    const char *code = npy->dtype == FURROW_BOOL ? "b1" : furrow_dtype_name(npy->dtype);

    at += sprintf(at, "{'descr': '%c%s', 'fortran_order': False, 'shape': ", order, code);
    at = format_shape(npy, at);
    at += sprintf(at, ", }");
    if (npy->ndim == 0) return at;
    return at + sprintf(at, "%*s", GROWTH_DIGITS - snprintf(NULL, 0, "%lld", (long long)npy->shape[0]), "");
}

/* The header around a dictionary that stands in its place and ends at `at`. Returns its size: as NumPy counts, there is
 * at least one space of padding. */
static int64_t wrap_header(char *buffer, char *at)
{
    const int64_t unpadded = at - buffer + 1;
    const int64_t size = (unpadded / ALIGNMENT + 1) * ALIGNMENT;
    const int64_t length = size - PREAMBLE_1;

    memset(at, ' ', (size_t)(size - unpadded));
    buffer[size - 1] = '\n';
    memcpy(buffer, magic, sizeof magic);
    buffer[sizeof magic] = 1;
    buffer[sizeof magic + 1] = 0;
    buffer[VERSION_BYTES] = (char)(length & 0xff);
    buffer[VERSION_BYTES + 1] = (char)(length >> 8);
    return size;
}

furrow_status_t furrow_npy_format(furrow_npy_t *npy, char *buffer, furrow_error_t *err)
{
    furrow_npy_t header = {.version_major = 1, .dtype = npy->dtype, .ndim = npy->ndim};

    if (npy->ndim < 0 || npy->ndim > FURROW_MAX_NDIM)
        return furrow_fail(err, FURROW_EARG, "an array of %d axes: 0 to %d are possible", npy->ndim, FURROW_MAX_NDIM);
    memcpy(header.shape, npy->shape, (size_t)npy->ndim * sizeof *npy->shape);
    if (!measure(&header))
        return furrow_fail(err, FURROW_EOVERFLOW, "the shape has a negative length or more than 2^63 - 1 bytes");
    header.data_offset = wrap_header(buffer, format_dictionary(&header, buffer + PREAMBLE_1));
    *npy = header;
    return FURROW_OK;
}
