/* One body over every kernel table that this machine can run: element type x kernel x data x length x alignment,
 * against the reference table. That the reference is right is the matter of test_exact.c. */
#include <fenv.h>
#include <stdlib.h>

#include "conformance_data.h"
#include "support.h"
#include "table.h"

enum { LONGEST = 32768 + 13, ALIGNMENTS = 8 };

/* Around the lengths of vectors (2, 4, 8), of chunks (32 and 64 vectors) and of what is added between two flushes. */
static const size_t lengths[] = {0,    1,    2,    3,    4,    5,     7,     8,     9,      15,   16,
                                 17,   31,   32,   33,   63,   64,    65,    127,   128,    129,  191,
                                 192,  193,  255,  256,  257,  511,   512,   513,   1000,   1023, 1024,
                                 1025, 1537, 4096, 4097, 8192, 16384, 16385, 32768, LONGEST};

static const char *const elem_names[] = {
#define NAME(name, type) #name,
    FURROW_ELEM_LIST(NAME)
#undef NAME
};

static const size_t elem_size[] = {
#define SIZE(name, type) sizeof(type),
    FURROW_ELEM_LIST(SIZE)
#undef SIZE
};

/* ------------------------------------------------------------------------------------------------------ elements */

static bool is_float(furrow_elem_t elem)
{
    return elem == FURROW_ELEM_f4 || elem == FURROW_ELEM_f8;
}

static size_t data_total(furrow_elem_t elem)
{
    return is_float(elem) ? COUNT(float_data) : COUNT(integer_data);
}

static const char *data_name(furrow_elem_t elem, size_t kind)
{
    return is_float(elem) ? float_data[kind].name : integer_data[kind].name;
}

static void *must_allocate(size_t bytes)
{
    void *p = malloc(bytes > 0 ? bytes : 1);
    assert_non_null(p);
    return p;
}

static void fill_floats(furrow_elem_t elem, size_t kind, size_t n, uint64_t *state, void *out)
{
    static const range_t range_f4 = {-148, 127}, range_f8 = {-1073, 1023};
    double *x = must_allocate(n * sizeof *x);

    float_data[kind].fill(x, n, elem == FURROW_ELEM_f4 ? range_f4 : range_f8, state);
    for (size_t i = 0; i < n && elem == FURROW_ELEM_f4; i++) ((float *)out)[i] = (float)x[i];
    if (elem == FURROW_ELEM_f8) memcpy(out, x, n * sizeof *x);
    free(x);
}

static void fill_integers(furrow_elem_t elem, size_t kind, size_t n, uint64_t *state, void *out)
{
    const size_t size = elem_size[elem];

    for (size_t i = 0; i < n; i++) { /* little or big endian: the low bytes by way of a narrower type */
        const uint64_t word = integer_data[kind].word(i, (int)(8 * size), state);
        const uint8_t one = (uint8_t)word;
        const uint16_t two = (uint16_t)word;
        const uint32_t four = (uint32_t)word;
        const void *from = size == 1 ? (const void *)&one : size == 2 ? &two : size == 4 ? (const void *)&four : &word;
        memcpy((char *)out + i * size, from, size);
    }
}

static void *new_data(furrow_elem_t elem, size_t kind, size_t n, uint64_t seed)
{
    void *x = must_allocate(n * elem_size[elem]);

    if (is_float(elem))
        fill_floats(elem, kind, n, &seed, x);
    else
        fill_integers(elem, kind, n, &seed, x);
    return x;
}

/* ---------------------------------------------------------------------------------------------------- comparison */

/* All that the kernels say of x and y. */
typedef struct {
    furrow_exact_t sum, sum_abs, sum_squares, dot;
    int64_t nonzero, nan, least, largest;
} answers_t;

static void add_answers(const furrow_kernels_t *k, furrow_elem_t elem, const void *x, const void *y, size_t n,
                        answers_t *a)
{
    k->sum[elem](&a->sum, x, n);
    k->sum_abs[elem](&a->sum_abs, x, n);
    k->sum_squares[elem](&a->sum_squares, x, n);
    k->dot[elem](&a->dot, x, y, n);
    a->nonzero += k->count_nonzero[elem](x, n);
    a->nan += k->count_nan[elem](x, n);
}

static void all_answers(const furrow_kernels_t *k, furrow_elem_t elem, const void *x, const void *y, size_t n,
                        answers_t *a)
{
    memset(a, 0, sizeof *a);
    add_answers(k, elem, x, y, n, a);
    if (n > 0 && a->nan == 0) k->min_max[elem](x, n, &a->least, &a->largest);
}

static const char *first_difference(const answers_t *a, const answers_t *b)
{
    if (!same_sum(a->sum, b->sum)) return "sum";
    if (!same_sum(a->sum_abs, b->sum_abs)) return "sum_abs";
    if (!same_sum(a->sum_squares, b->sum_squares)) return "sum_squares";
    if (!same_sum(a->dot, b->dot)) return "dot";
    if (a->nonzero != b->nonzero) return "count_nonzero";
    if (a->nan != b->nan) return "count_nan";
    if (a->least != b->least || a->largest != b->largest) return "min_max";
    return NULL;
}

/* The answers of one table for data that ends where its memory ends, `offset` elements from where it begins. */
static void check_at(const furrow_kernels_t *k, furrow_elem_t elem, const void *x, const void *y, size_t n,
                     size_t offset, const answers_t *expected, const char *data)
{
    const size_t size = elem_size[elem], offset_y = (3 * offset + 1) % ALIGNMENTS;
    char *at_x = must_allocate((offset + n) * size), *at_y = must_allocate((offset_y + n) * size);
    answers_t got;

    memcpy(at_x + offset * size, x, n * size);
    memcpy(at_y + offset_y * size, y, n * size);
    all_answers(k, elem, at_x + offset * size, at_y + offset_y * size, n, &got);
    free(at_x);
    free(at_y);
    const char *wrong = first_difference(&got, expected);
    if (wrong != NULL)
        fail_msg("%s.%s[%s] of %zu elements at offset %zu, data: %s", k->name, wrong, elem_names[elem], n, offset,
                 data);
}

static const furrow_kernels_t *reference_table(void)
{
    const furrow_kernels_t *last = NULL;
    for (int i = 0; furrow_kernels_at(i) != NULL; i++) last = furrow_kernels_at(i);
    assert_string_equal(last->name, "reference");
    return last;
}

/* Short data at all alignments, long data at two. */
static void check_tables(furrow_elem_t elem, const void *x, const void *y, size_t n, const char *data)
{
    const size_t step = n <= 2048 ? 1 : 5;
    answers_t expected;

    all_answers(reference_table(), elem, x, y, n, &expected);
    for (int i = 0; furrow_kernels_at(i) != NULL; i++)
        for (size_t offset = 0; offset < ALIGNMENTS; offset += step)
            check_at(furrow_kernels_at(i), elem, x, y, n, offset, &expected, data);
}

/* --------------------------------------------------------------------------------------------------------- tests */

/* y is of the same kind as x, and then of the next kind. */
static void check_data(furrow_elem_t elem, size_t kind)
{
    for (size_t l = 0; l < COUNT(lengths); l++) {
        const size_t n = lengths[l], next = (kind + 1) % data_total(elem);
        void *x = new_data(elem, kind, n, kind + l);
        void *y = new_data(elem, l % 2 == 0 ? kind : next, n, ~l);
        check_tables(elem, x, y, n, data_name(elem, kind));
        free(x);
        free(y);
    }
}

static void check_elem(furrow_elem_t elem)
{
    for (size_t kind = 0; kind < data_total(elem); kind++) check_data(elem, kind);
}

#define ELEM_TEST(name, type)                                                                                          \
    static void test_conformance__##name(void **fixture)                                                               \
    {                                                                                                                  \
        (void)fixture;                                                                                                 \
        check_elem(FURROW_ELEM_##name);                                                                                \
    }
FURROW_ELEM_LIST(ELEM_TEST)

/* Every kind of x with every kind of y. */
static void check_pair(furrow_elem_t elem, size_t kind_x, size_t kind_y)
{
    enum { N = 1537 };
    void *x = new_data(elem, kind_x, N, kind_x), *y = new_data(elem, kind_y, N, ~kind_y);
    answers_t expected, got;

    all_answers(reference_table(), elem, x, y, N, &expected);
    for (int i = 0; furrow_kernels_at(i) != NULL; i++) {
        all_answers(furrow_kernels_at(i), elem, x, y, N, &got);
        if (first_difference(&got, &expected) != NULL)
            fail_msg("%s.%s[%s] of %s and %s", furrow_kernels_at(i)->name, first_difference(&got, &expected),
                     elem_names[elem], data_name(elem, kind_x), data_name(elem, kind_y));
    }
    free(x);
    free(y);
}

static void test_conformance__pairs(void **fixture)
{
    (void)fixture;
    for (furrow_elem_t elem = 0; elem < FURROW_ELEM_TOTAL; elem++)
        for (size_t x = 0; x < data_total(elem); x++)
            for (size_t y = 0; y < data_total(elem); y++) check_pair(elem, x, y);
}

/* The sums of pieces, added to one accumulator, are the sum of the whole. */
static void check_pieces(const furrow_kernels_t *k, furrow_elem_t elem, size_t kind)
{
    enum { N = 5000 };
    char *x = new_data(elem, kind, N, kind), *y = new_data(elem, kind, N, ~kind);
    uint64_t state = kind;
    answers_t whole, pieces = {0};

    all_answers(reference_table(), elem, x, y, N, &whole);
    for (size_t first = 0, n; first < N; first += n) {
        n = 1 + random_word(&state) % 1500;
        if (n > N - first) n = N - first;
        add_answers(k, elem, x + first * elem_size[elem], y + first * elem_size[elem], n, &pieces);
    }
    whole.least = whole.largest = 0; /* min_max has no pieces */
    if (first_difference(&pieces, &whole) != NULL)
        fail_msg("%s.%s[%s] in pieces, data: %s", k->name, first_difference(&pieces, &whole), elem_names[elem],
                 data_name(elem, kind));
    free(x);
    free(y);
}

static void test_conformance__pieces(void **fixture)
{
    (void)fixture;
    for (int i = 0; furrow_kernels_at(i) != NULL; i++)
        for (furrow_elem_t elem = 0; elem < FURROW_ELEM_TOTAL; elem++)
            for (size_t kind = 0; kind < data_total(elem); kind++) check_pieces(furrow_kernels_at(i), elem, kind);
}

static void check_longest(furrow_elem_t elem, size_t kind)
{
    void *x = new_data(elem, kind, FURROW_BLOCK_MAX, kind);
    answers_t expected;

    all_answers(reference_table(), elem, x, x, FURROW_BLOCK_MAX, &expected);
    for (int i = 0; furrow_kernels_at(i) != NULL && furrow_kernels_at(i) != reference_table(); i++)
        check_at(furrow_kernels_at(i), elem, x, x, FURROW_BLOCK_MAX, 1, &expected, data_name(elem, kind));
    free(x);
}

/* As many elements as one call may have, of those kinds that fill the words of partial sums most. */
static void test_conformance__longest_block(void **fixture)
{
    (void)fixture;
    for (furrow_elem_t elem = 0; elem < FURROW_ELEM_TOTAL; elem++)
        for (size_t kind = 0; kind < data_total(elem); kind++) {
            const char *name = data_name(elem, kind);
            if (strstr(name, "headroom") != NULL || strcmp(name, "all bits") == 0 || strcmp(name, "least") == 0)
                check_longest(elem, kind);
        }
}

/* What the caller's floating-point flags say neither changes a sum, nor is lost. */
static void check_flags(const furrow_kernels_t *k, const double *x, size_t n, const char *data)
{
    const int flags = FE_DIVBYZERO | FE_INEXACT;
    answers_t expected = {0}, got = {0};

    add_answers(reference_table(), FURROW_ELEM_f8, x, x, n, &expected);
    assert_int_equal(feclearexcept(FE_ALL_EXCEPT), 0);
    assert_int_equal(feraiseexcept(flags), 0);
    add_answers(k, FURROW_ELEM_f8, x, x, n, &got);
    assert_int_equal(fetestexcept(flags), flags);
    if (first_difference(&got, &expected) != NULL)
        fail_msg("%s.%s[f8] with flags raised, data: %s", k->name, first_difference(&got, &expected), data);
}

static void test_conformance__flags(void **fixture)
{
    enum { N = 1537 };

    (void)fixture;
    for (size_t kind = 0; kind < data_total(FURROW_ELEM_f8); kind++) {
        double *x = new_data(FURROW_ELEM_f8, kind, N, kind);
        for (int i = 0; furrow_kernels_at(i) != NULL; i++)
            check_flags(furrow_kernels_at(i), x, N, data_name(FURROW_ELEM_f8, kind));
        free(x);
    }
}

static void test_conformance__choice_by_name(void **fixture)
{
    (void)fixture;
    for (int i = 0; furrow_kernels_at(i) != NULL; i++) {
        assert_int_equal(setenv("FURROW_KERNELS", furrow_kernels_at(i)->name, 1), 0);
        assert_ptr_equal(furrow_kernels(), furrow_kernels_at(i));
    }
    assert_int_equal(setenv("FURROW_KERNELS", "none of these", 1), 0);
    assert_ptr_equal(furrow_kernels(), furrow_kernels_at(0));
    assert_int_equal(unsetenv("FURROW_KERNELS"), 0);
    assert_ptr_equal(furrow_kernels(), furrow_kernels_at(0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define UNIT(name, type) cmocka_unit_test(test_conformance__##name),
        FURROW_ELEM_LIST(UNIT)
#undef UNIT
            cmocka_unit_test(test_conformance__pairs),
        cmocka_unit_test(test_conformance__pieces),
        cmocka_unit_test(test_conformance__longest_block),
        cmocka_unit_test(test_conformance__flags),
        cmocka_unit_test(test_conformance__choice_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
