/* Reductions that cannot be: the same error on every rank, also where one rank alone is wrong; and the memory cap,
 * which tells the least that would do. */
#include "support.h"

#include <math.h>

static void refuse_array(const furrow_array_t *part, const furrow_reduce_opts_t *opts, furrow_status_t expected,
                         int rank, const char *text)
{
    furrow_reduction_t *r = (furrow_reduction_t *)&world;
    furrow_error_t err;

    const furrow_status_t status = furrow_reduce_array(world.ctx, part, opts, &r, &err);
    ASSERT_ALL(failed_alike(status, &err, expected, rank, text));
    ASSERT_ALL(r == NULL);
}

/* Wrong on one rank alone: each in turn. */
static void test_refused__one_rank_is_wrong(void **state)
{
    double data[4] = {1, 2, 3, 4};
    const furrow_array_t good = {.dtype = FURROW_F8, .ndim = 2, .shape = {2, 2}, .data = data};
    const furrow_reduce_opts_t sum = {.ops = 1u << FURROW_OP_SUM}, none = {0};

    (void)state;
    for (int odd = 0; odd < world.ranks; odd++) {
        const bool mine = world.rank == odd;
        furrow_array_t wrong = good;
        refuse_array(mine ? NULL : &good, &sum, FURROW_EARG, odd, "array");
        refuse_array(&good, mine ? NULL : &sum, FURROW_EARG, odd, "no options");
        refuse_array(&good, mine ? &none : &sum, FURROW_EARG, odd, "no operation");
        wrong.ndim = mine ? 0 : 2;
        refuse_array(&wrong, &sum, FURROW_EARG, odd, "dimension");
        wrong = good;
        if (mine) wrong.shape[0] = -1;
        refuse_array(&wrong, &sum, FURROW_EARG, odd, "");
        wrong = good;
        if (mine) wrong.shape[1] = INT64_MAX;
        refuse_array(&wrong, &sum, FURROW_EARG, odd, "out of range");
        wrong = good;
        if (mine) wrong.data = NULL;
        refuse_array(&wrong, &sum, FURROW_EARG, odd, "without data");
    }
}

/* Parts of different dtype or row: an error that names the rank, not a wrong sum nor a rank that waits. */
static void test_refused__parts_mismatch(void **state)
{
    double data[4] = {1, 2, 3, 4};
    const furrow_array_t good = {.dtype = FURROW_F8, .ndim = 2, .shape = {2, 2}, .data = data};
    const furrow_reduce_opts_t sum = {.ops = 1u << FURROW_OP_SUM},
                               columns = {.ops = 1u << FURROW_OP_SUM, .axis0 = true};
    furrow_value_t v;
    furrow_error_t err;

    (void)state;
    for (int odd = 1; odd < world.ranks; odd++) {
        furrow_array_t wrong = good;
        if (world.rank == odd) wrong.dtype = FURROW_I8;
        refuse_array(&wrong, &sum, FURROW_EMISMATCH, odd, "differs in dtype or shape");
        const furrow_status_t status = furrow_dot_arrays(world.ctx, &wrong, &wrong, &v, &err);
        ASSERT_ALL(failed_alike(status, &err, FURROW_EMISMATCH, odd, "differs in dtype or shape"));
        wrong = good;
        if (world.rank == odd) wrong.shape[1] = 1;
        refuse_array(&wrong, &columns, FURROW_EMISMATCH, odd, "differs in dtype or shape");
    }
}

static void test_refused__wrong_options(void **state)
{
    static const struct {
        furrow_reduce_opts_t opts;
        furrow_status_t status;
        const char *text;
    } wrong[] = {
        {{.ops = 0}, FURROW_EARG, "no operation"},
        {{.ops = 1u << FURROW_OP_TOTAL}, FURROW_EARG, "no operation"},
        {{.ops = 1u << FURROW_OP_SUM, .ddof = -1}, FURROW_EARG, "ddof -1"},
        {{.ops = 1u << FURROW_OP_SUM, .sections = 2}, FURROW_EARG, "no sections"},
        {{.ops = 1u << FURROW_OP_HIST, .bins = 0, .low = 0, .high = 1}, FURROW_EARG, "at least 1 bin"},
        {{.ops = 1u << FURROW_OP_HIST, .bins = 2, .low = 1, .high = 1}, FURROW_EARG, "LO < HI"},
        {{.ops = 1u << FURROW_OP_HIST, .bins = 2, .low = 0, .high = INFINITY}, FURROW_EARG, "finite range"},
        {{.ops = 1u << FURROW_OP_HIST, .bins = INT64_C(1) << 30, .low = 0, .high = 1}, FURROW_EBUDGET, "memory"},
        {{.ops = 1u << FURROW_OP_HIST, .bins = INT64_C(1) << 61, .low = 0, .high = 1},
         FURROW_EARG,
         "bins are too many"},
        {{.ops = 1u << FURROW_OP_HIST, .bins = INT64_MAX, .low = 0, .high = 1}, FURROW_EARG, "bins are too many"},
    };
    double data[2] = {1, 2};
    const furrow_array_t array = {.dtype = FURROW_F8, .ndim = 1, .shape = {2}, .data = data};
    furrow_array_t complex_array = {.dtype = FURROW_C16, .ndim = 1, .shape = {1}, .data = data};

    (void)state;
    for (int i = 0; i < LENGTH(wrong); i++) refuse_array(&array, &wrong[i].opts, wrong[i].status, 0, wrong[i].text);
    for (furrow_op_t op = 0; op < FURROW_OP_TOTAL; op++) {
        const furrow_reduce_opts_t opts = {.ops = 1u << op, .bins = 2, .low = 0, .high = 1};
        if (op != FURROW_OP_COUNT && op != FURROW_OP_SUM && op != FURROW_OP_MEAN && op != FURROW_OP_SUMSQ &&
            op != FURROW_OP_NORM2)
            refuse_array(&complex_array, &opts, FURROW_EUNSUPPORTED, 0, furrow_op_name(op));
    }
}

/* Sections and columns without end: numbers that do not fit 63 bits are refused, not wrapped. */
static void test_refused__too_many_groups(void **state)
{
    const furrow_reduce_opts_t sections = {.ops = 1u << FURROW_OP_SUM, .sections = INT64_MAX};
    const furrow_reduce_opts_t columns = {.ops = 1u << FURROW_OP_SUM, .axis0 = true};
    furrow_reduction_t *r;
    furrow_dataset_t *d;
    furrow_error_t err;

    (void)state;
    put_npy("wide", "|u1", false, "(0, 9000000000000000000)", "", 0);
    ASSERT_ALL(furrow_dataset_open(world.ctx, (const char *[]){path_of("wide")}, 1, FURROW_SOURCE_SHARED, &d, NULL) ==
               FURROW_OK);
    furrow_status_t status = furrow_reduce(d, &columns, &r, &err);
    ASSERT_ALL(failed_alike(status, &err, FURROW_EBUDGET, 0, "memory"));
    status = furrow_reduce(d, &sections, &r, &err);
    ASSERT_ALL(failed_alike(status, &err, FURROW_EARG, 0, "sections are too many"));
    furrow_dataset_free(d);
    clear_folder();
}

static void test_refused__values_not_asked_for(void **state)
{
    double data[2] = {1, 2};
    const furrow_array_t array = {.dtype = FURROW_F8, .ndim = 1, .shape = {2}, .data = data};
    const furrow_reduce_opts_t opts = {.ops = 1u << FURROW_OP_SUM};
    furrow_reduction_t *r;
    furrow_value_t v;
    furrow_error_t err;

    (void)state;
    ASSERT_ALL(furrow_reduce_array(world.ctx, &array, &opts, &r, NULL) == FURROW_OK);
    ASSERT_ALL(furrow_reduction_value(r, 0, FURROW_OP_MIN, &v, &err) == FURROW_EARG && err.text[0] != '\0');
    ASSERT_ALL(furrow_reduction_value(r, 0, FURROW_OP_HIST, &v, &err) == FURROW_EARG);
    ASSERT_ALL(furrow_reduction_value(r, 1, FURROW_OP_SUM, &v, &err) == FURROW_EARG);
    ASSERT_ALL(furrow_reduction_value(r, -1, FURROW_OP_SUM, &v, &err) == FURROW_EARG);
    ASSERT_ALL(furrow_reduction_hist(r, 0) == NULL);
    furrow_reduction_free(r);
}

/* --------------------------------------------------------------- memory cap */

enum { BIG = 30000 };

typedef furrow_status_t in_memory_t(furrow_context_t *ctx, furrow_source_t source, furrow_error_t *err);

static furrow_status_t reduce_in_memory(furrow_context_t *ctx, furrow_source_t source, const char *file, bool axis0,
                                        int64_t sections, furrow_error_t *err)
{
    const furrow_reduce_opts_t opts = {.ops = 1u << FURROW_OP_SUM, .axis0 = axis0, .sections = sections};
    furrow_dataset_t *d;
    furrow_reduction_t *r = NULL;
    furrow_value_t v = {0};

    furrow_status_t status = furrow_dataset_open(ctx, (const char *[]){path_of(file)}, 1, source, &d, err);
    if (status != FURROW_OK) return status;
    status = furrow_reduce(d, &opts, &r, err);
    if (status == FURROW_OK) status = furrow_reduction_value(r, 0, FURROW_OP_SUM, &v, err);
    if (status == FURROW_OK && v.re != (axis0 ? 1.0 * BIG / 100 : 1.0 * BIG)) status = FURROW_EMPI; /* wrong */
    furrow_reduction_free(r);
    furrow_dataset_free(d);
    return status;
}

static furrow_status_t reduce_all(furrow_context_t *ctx, furrow_source_t source, furrow_error_t *err)
{
    return reduce_in_memory(ctx, source, "c", false, 0, err);
}

static furrow_status_t reduce_columns(furrow_context_t *ctx, furrow_source_t source, furrow_error_t *err)
{
    return reduce_in_memory(ctx, source, "c", true, 0, err);
}

static furrow_status_t reduce_fortran_columns(furrow_context_t *ctx, furrow_source_t source, furrow_error_t *err)
{
    return reduce_in_memory(ctx, source, "f", true, 0, err);
}

static furrow_status_t reduce_fortran_sections(furrow_context_t *ctx, furrow_source_t source, furrow_error_t *err)
{
    return reduce_in_memory(ctx, source, "f", false, 4, err);
}

static furrow_status_t dot_in_memory(furrow_context_t *ctx, furrow_source_t source, furrow_error_t *err)
{
    furrow_dataset_t *d;
    furrow_value_t v = {0};

    furrow_status_t status = furrow_dataset_open(ctx, (const char *[]){path_of("c")}, 1, source, &d, err);
    if (status != FURROW_OK) return status;
    status = furrow_dot(d, d, &v, err);
    if (status == FURROW_OK && v.re != 1.0 * BIG) status = FURROW_EMPI;
    furrow_dataset_free(d);
    return status;
}

static furrow_status_t random_in_memory(furrow_context_t *ctx, furrow_source_t source, furrow_error_t *err)
{
    const int64_t shape[] = {BIG};

    (void)source;
    return furrow_random_file(ctx, path_of("random"), FURROW_SOURCE_SHARED, 1, FURROW_UNIFORM, FURROW_F8, 1, shape,
                              err);
}

/* Too little memory is an error that tells the least that would do, and that does. */
static void check_least_memory(in_memory_t *call, furrow_source_t source)
{
    furrow_context_opts_t opts = {.threads = 2, .memory_bytes = 1};
    furrow_context_t *ctx;
    furrow_error_t err;
    long long least = 0;

    ASSERT_ALL(furrow_context_open(&opts, &ctx, NULL) == FURROW_OK);
    furrow_status_t status = call(ctx, source, &err);
    furrow_context_close(ctx);
    ASSERT_ALL(failed_alike(status, &err, FURROW_EBUDGET, 0, "at least "));
    ASSERT_ALL(sscanf(strstr(err.text, "at least "), "at least %lld", &least) == 1 && least > 1);
    for (opts.memory_bytes = least; opts.memory_bytes >= least - 1; opts.memory_bytes--) {
        ASSERT_ALL(furrow_context_open(&opts, &ctx, NULL) == FURROW_OK);
        status = call(ctx, source, NULL);
        furrow_context_close(ctx);
        ASSERT_ALL(status == (opts.memory_bytes == least ? FURROW_OK : FURROW_EBUDGET));
    }
}

static void test_refused__least_memory(void **state)
{
    static in_memory_t *const calls[] = {
        reduce_all, reduce_columns, reduce_fortran_columns, reduce_fortran_sections, dot_in_memory, random_in_memory};
    static double ones[BIG];

    (void)state;
    for (int i = 0; i < BIG; i++) ones[i] = 1.0;
    put_npy("c", "<f8", false, "(300, 100)", ones, sizeof ones);
    put_npy("f", "<f8", true, "(300, 100)", ones, sizeof ones);
    for (int i = 0; i < LENGTH(calls); i++) {
        check_least_memory(calls[i], FURROW_SOURCE_SHARED);
        check_least_memory(calls[i], FURROW_SOURCE_ROOT);
    }
    clear_folder();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused__one_rank_is_wrong),    cmocka_unit_test(test_refused__parts_mismatch),
        cmocka_unit_test(test_refused__wrong_options),        cmocka_unit_test(test_refused__too_many_groups),
        cmocka_unit_test(test_refused__values_not_asked_for), cmocka_unit_test(test_refused__least_memory),
    };
    int failed;

    RUN_TESTS(tests, failed);
    return failed;
}
