/* Rows to numbers: correctly rounded, by every table and whatever way they take. */
#include "rows_support.h"

#include "data/rows_values.h"

enum { ALL_WANTS = 127 };

static void check_moments(const furrow_kernels_t *k, furrow_elem_t elem, const void *x, const struct row_case *c)
{
    furrow_row_moments_t m, of_sample;

    furrow_row_moments(k, elem, x, c->n, ALL_WANTS, 0, &m);
    furrow_row_moments(k, elem, x, c->n, FURROW_MOMENT_VAR | FURROW_MOMENT_STD, 1, &of_sample);
    const double found[9] = {m.sum, m.norm1, m.sumsq, m.mean, m.var, of_sample.var, m.norm2, m.std, of_sample.std};
    for (size_t i = 0; i < COUNT(found); i++) assert_same_double(found[i], double_of(c->moments[i]));
}

static void test_rows_moments__true_values(void **fixture)
{
    (void)fixture;
    for (int t = 0; furrow_kernels_at(t) != NULL; t++) {
        const furrow_kernels_t *k = furrow_kernels_at(t);
        for (const struct row_case *c = rows_f4_cases; c < rows_f4_cases + COUNT(rows_f4_cases); c++) {
            memcpy(f4_row, rows_f4 + c->first, c->n * sizeof *f4_row);
            if (c->is_finite) check_moments(k, FURROW_ELEM_f4, f4_row, c);
        }
        for (const struct row_case *c = rows_f8_cases; c < rows_f8_cases + COUNT(rows_f8_cases); c++) {
            memcpy(f8_row, rows_f8 + c->first, c->n * sizeof *f8_row);
            if (c->is_finite) check_moments(k, FURROW_ELEM_f8, f8_row, c);
        }
    }
}

/* Term by term and rounded: what every table must find, to the bit. */
static furrow_row_moments_t plain_moments(furrow_elem_t elem, const void *x, size_t n, int64_t ddof)
{
    furrow_exact_t sum, sum_abs, squares;
    furrow_row_moments_t m;

    furrow_exact_clear(&sum);
    furrow_exact_clear(&sum_abs);
    furrow_exact_clear(&squares);
    for (size_t i = 0; i < n; i++) {
        furrow_exact_add(&sum, term_f(elem, x, i));
        furrow_exact_add(&sum_abs, fabs(term_f(elem, x, i)));
        furrow_exact_add_product(&squares, term_f(elem, x, i), term_f(elem, x, i));
    }
    m.sum = furrow_round_sum(&sum, (int64_t)n);
    m.norm1 = furrow_round_sum(&sum_abs, (int64_t)n);
    m.sumsq = furrow_round_sum(&squares, (int64_t)n);
    m.norm2 = furrow_round_sqrt(&squares);
    m.mean = furrow_round_mean(&sum, (int64_t)n);
    m.var = furrow_round_variance(&sum, &squares, (int64_t)n, ddof, false);
    m.std = furrow_round_variance(&sum, &squares, (int64_t)n, ddof, true);
    return m;
}

static void check_same_moments(furrow_elem_t elem, const void *x, size_t n, int64_t ddof)
{
    const furrow_row_moments_t truth = plain_moments(elem, x, n, ddof);
    furrow_row_moments_t m;

    for (int t = 0; furrow_kernels_at(t) != NULL; t++) {
        memset(&m, 0x55, sizeof m);
        for (unsigned want = 1; want <= FURROW_MOMENT_STD; want *= 2) /* one by one, so that none relies on another */
            furrow_row_moments(furrow_kernels_at(t), elem, x, n, want, ddof, &m);
        assert_same_double(m.sum, truth.sum);
        assert_same_double(m.norm1, truth.norm1);
        assert_same_double(m.sumsq, truth.sumsq);
        assert_same_double(m.norm2, truth.norm2);
        assert_same_double(m.mean, truth.mean);
        assert_same_double(m.var, truth.var);
        assert_same_double(m.std, truth.std);
        assert_false(m.fits_i8);
    }
}

static void check_same_dot(furrow_elem_t elem, const void *x, const void *y, size_t n)
{
    furrow_exact_t sum;
    furrow_row_moments_t m;

    furrow_exact_clear(&sum);
    for (size_t i = 0; i < n; i++) furrow_exact_add_product(&sum, term_f(elem, x, i), term_f(elem, y, i));
    for (int t = 0; furrow_kernels_at(t) != NULL; t++) {
        furrow_row_dot(furrow_kernels_at(t), elem, x, y, n, &m);
        assert_same_double(m.sum, furrow_round_sum(&sum, (int64_t)n));
    }
}

static void test_rows_moments__of_every_nature(void **fixture)
{
    uint64_t state = 3;

    (void)fixture;
    for (int nature = 0; nature < NATURES; nature++)
        for (size_t l = 0; l < COUNT(lengths); l++) {
            fill_rows(nature, lengths[l], &state);
            check_same_moments(FURROW_ELEM_f4, f4_row, lengths[l], (int64_t)(l % 3));
            check_same_moments(FURROW_ELEM_f8, f8_row, lengths[l], (int64_t)(l % 3));
            check_same_dot(FURROW_ELEM_f4, f4_row, f4_other, lengths[l]);
            check_same_dot(FURROW_ELEM_f8, f8_row, f8_other, lengths[l]);
        }
}

/* Sums that lie within 2^-80 of where rounding changes: the last bit is decided by what no approximation sees. */
static void test_rows_moments__next_to_ties(void **fixture)
{
    (void)fixture;
    for (int direction = -1; direction <= 1; direction++)
        for (int small = -160; small < -40; small += 3) {
            for (size_t i = 0; i < 100; i++) f8_row[i] = i < 64 ? 1.0 : 0.0;
            f8_row[70] = 0x1p-47; /* half of the last place of 64 */
            f8_row[80] = direction * ldexp(1.0, small);
            check_same_moments(FURROW_ELEM_f8, f8_row, 100, 0);
            for (size_t i = 0; i < 100; i++) f4_row[i] = (float)f8_row[i];
            check_same_moments(FURROW_ELEM_f4, f4_row, 100, 0);
        }
}

static void test_rows_moments__of_integers(void **fixture)
{
    static const int64_t large[] = {INT64_MAX, INT64_MAX, -5, INT64_MIN};
    static const uint64_t larger[] = {UINT64_MAX, 1, 7};
    static const int8_t small[] = {-128, 127, 3, -7, 100};
    furrow_row_moments_t m;

    (void)fixture;
    for (int t = 0; furrow_kernels_at(t) != NULL; t++) {
        const furrow_kernels_t *k = furrow_kernels_at(t);
        furrow_row_moments(k, FURROW_ELEM_i8, large, 4, FURROW_MOMENT_SUM | FURROW_MOMENT_MEAN, 0, &m);
        assert_true(m.fits_i8 && m.sum_i8 == INT64_MAX - 6);
        assert_same_double(m.mean, (double)INT64_MAX / 4);
        furrow_row_moments(k, FURROW_ELEM_i8, large, 2, FURROW_MOMENT_SUM, 0, &m);
        assert_false(m.fits_i8);
        assert_same_double(m.sum, 0x1p64);
        furrow_row_moments(k, FURROW_ELEM_u8, larger, 3, FURROW_MOMENT_SUM | FURROW_MOMENT_NORM2, 0, &m);
        assert_false(m.fits_i8);
        assert_same_double(m.norm2, 0x1p64);
        furrow_row_moments(k, FURROW_ELEM_i1, small, 5, ALL_WANTS, 0, &m);
        assert_true(m.fits_i8 && m.sum_i8 == 95);
        assert_same_double(m.norm1, 365.0);
        assert_same_double(m.sumsq, 42571.0);
        furrow_row_dot(k, FURROW_ELEM_i1, small, small, 5, &m);
        assert_true(m.fits_i8 && m.sum_i8 == 42571);
    }
}

static void test_rows_moments__longer_than_a_block(void **fixture)
{
    const size_t n = FURROW_BLOCK_MAX + 1003;
    float *x = test_malloc(n * sizeof *x);
    uint64_t state = 23;

    (void)fixture;
    for (size_t i = 0; i < n; i++) x[i] = (float)random_unit(&state) - 0.25f;
    check_same_moments(FURROW_ELEM_f4, x, n, 1);
    test_free(x);
}

/* ------------------------------------------------------------------------------------------- what they are made of */
static furrow_exact_t exact_of(furrow_uint128_t x)
{
    furrow_exact_t sum;

    furrow_exact_clear(&sum);
    furrow_exact_add_int128(&sum, (furrow_int128_t)(x & UINT64_MAX), 0);
    furrow_exact_add_int128(&sum, (furrow_int128_t)(x >> 64), 64);
    return sum;
}

/* root is the double nearest to sqrt(x) * 2^40: the sign of 4 x 2^80 - (root + neighbour)^2, on both sides. */
static void check_root(furrow_uint128_t x, double root)
{
    for (int direction = -1; direction <= 1; direction += 2) {
        furrow_exact_t rest;
        const double next = nextafter(root, direction < 0 ? 0.0 : (double)INFINITY);
        furrow_exact_clear(&rest);
        furrow_exact_add_int128(&rest, (furrow_int128_t)(x & UINT64_MAX), 82);
        furrow_exact_add_int128(&rest, (furrow_int128_t)(x >> 64), 64 + 82);
        furrow_exact_add_product(&rest, -root, root);
        furrow_exact_add_product(&rest, -root, next);
        furrow_exact_add_product(&rest, -root, next);
        furrow_exact_add_product(&rest, -next, next);
        assert_true(direction * furrow_round_sum(&rest, 1) <= 0.0);
    }
}

static void check_narrow(furrow_uint128_t x, uint64_t divisor)
{
    furrow_exact_t sum = exact_of(x);

    assert_same_double(furrow_round_ratio(x, 0, 1), furrow_round_sum(&sum, 1));
    assert_same_double(ldexp(furrow_round_ratio(x, -70, divisor), 70), furrow_round_mean(&sum, (int64_t)divisor));
    check_root(x, furrow_round_root(x, 80));
    assert_same_double(furrow_round_root(x, 0), furrow_round_sqrt(&sum));
}

/* Numbers of 128 bits and less: next to squares, ties, ends. */
static void test_rows_moments__narrow_rounding(void **fixture)
{
    uint64_t state = 29;

    (void)fixture;
    for (int i = 0; i < 20000; i++) {
        const uint64_t word = random_word(&state) >> random_between(&state, 0, 60);
        const uint64_t divisor = (random_word(&state) >> random_between(&state, 1, 62)) + 1;
        const furrow_uint128_t square = (furrow_uint128_t)word * word;
        const furrow_uint128_t any = ((furrow_uint128_t)random_word(&state) << 64 | random_word(&state)) >> i % 120;
        check_narrow(square + 2, divisor);
        check_narrow(square > 1 ? square - 1 : 1, divisor);
        check_narrow(square > 0 ? square : 1, divisor);
        check_narrow(any > 0 ? any : 1, divisor);
        check_narrow(~(furrow_uint128_t)0 - word % 1000, divisor);
    }
}

/* What it says of an interval holds for both of its ends, and it has something to say of most that are narrow. */
static void test_rows_moments__roots_between(void **fixture)
{
    uint64_t state = 31;
    int narrow = 0, said = 0;

    (void)fixture;
    for (int i = 0; i < 200000; i++) {
        const uint64_t word = random_word(&state) >> random_between(&state, 0, 20);
        const furrow_uint128_t tie =
            ((word | UINT64_C(1) << 63) >> 11) << 11 | 1 << 10; /* between two doubles, often */
        const furrow_uint128_t any = (furrow_uint128_t)word << 64 | random_word(&state);
        const furrow_uint128_t middle = i % 2 == 0 ? any : tie * tie;
        const int width = 128 - (i % 2 == 0 ? random_between(&state, 48, 128) : random_between(&state, 60, 128));
        const furrow_uint128_t spread = ((furrow_uint128_t)1 << (width < 127 ? width : 126)) - 1;
        const furrow_uint128_t low = middle > spread ? middle - spread : 1;
        const furrow_uint128_t high = middle > ~spread ? ~(furrow_uint128_t)0 : middle + spread;
        const int exponent = random_between(&state, -200, 200);
        double root;
        const bool sure = furrow_round_root_between(low, high, exponent, &root);
        if (sure) assert_same_double(root, furrow_round_root(low, exponent));
        if (sure) assert_same_double(root, furrow_round_root(high, exponent));
        narrow += i % 2 == 0 && width < 40 && word >> 60 != 0;
        said += i % 2 == 0 && width < 40 && word >> 60 != 0 && sure;
    }
    assert_true(narrow > 1000);
    assert_true(said > narrow / 2);
}

/* Sums that wait for their carries. */
static void test_rows_moments__sums_in_any_form(void **fixture)
{
    furrow_exact_t sum;

    (void)fixture;
    furrow_exact_clear(&sum);
    sum.digit[68] = -(INT64_C(1) << 32);
    assert_same_double(furrow_round_sum(&sum, 1), -0x1p32);
    assert_int_equal(furrow_round_exponent(&sum), 33);
    sum.digit[69] = 1;
    assert_same_double(furrow_round_sum(&sum, 1), -0.0); /* no term was noted */
    assert_int_equal(furrow_round_exponent(&sum), FURROW_EXACT_LOW_BIT);
    sum.digit[67] = INT64_MIN;
    assert_same_double(furrow_round_sum(&sum, 1), -0x1p31);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_moments__true_values),         cmocka_unit_test(test_rows_moments__of_every_nature),
        cmocka_unit_test(test_rows_moments__next_to_ties),        cmocka_unit_test(test_rows_moments__of_integers),
        cmocka_unit_test(test_rows_moments__longer_than_a_block), cmocka_unit_test(test_rows_moments__narrow_rounding),
        cmocka_unit_test(test_rows_moments__roots_between),       cmocka_unit_test(test_rows_moments__sums_in_any_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
