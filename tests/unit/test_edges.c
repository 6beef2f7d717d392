/* The cut of shared files: whoever computes what, each block is written from one host, and every byte once. Here every
 * rank is a host. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "edges.h"

#define LENGTH(a) (sizeof(a) / sizeof *(a))

enum { BLOCKS_MAX = 64, NOBODY = -1 };

static const int64_t block = FURROW_FILE_BLOCK;

/* Who wrote each block, and how much is written. */
static int writer[BLOCKS_MAX];
static int64_t written;

static void begin_file(void)
{
    for (int b = 0; b < BLOCKS_MAX; b++) writer[b] = NOBODY;
    written = 0;
}

static void note_write(int rank, furrow_range_t bytes)
{
    assert_true(bytes.start <= bytes.stop);
    for (int64_t b = bytes.start / block; bytes.start < bytes.stop && b <= (bytes.stop - 1) / block; b++) {
        assert_true(writer[b] == NOBODY || writer[b] == rank);
        writer[b] = rank;
    }
    written += bytes.stop - bytes.start;
}

/* A rank has these bytes. */
static void write_part(int rank, furrow_range_t part, int64_t file_bytes, int ranks)
{
    furrow_range_t edge[FURROW_EDGES];

    furrow_edges_of(part, file_bytes, edge);
    assert_true(edge[0].start == part.start && edge[1].stop == part.stop);
    note_write(rank, (furrow_range_t){edge[0].stop, edge[1].start});
    for (int i = 0; i < FURROW_EDGES; i++) note_write(furrow_edges_owner(edge[i].start, ranks), edge[i]);
}

/* Rows of a file after its header, in chunks of some rows, each on any rank. */
static void write_rows(int64_t header, int64_t rows, int64_t row_bytes, int64_t longest, int ranks)
{
    const int64_t file_bytes = header + rows * row_bytes;
    int64_t count;

    assert_true(file_bytes <= BLOCKS_MAX * block);
    begin_file();
    for (int64_t first = 0; first < rows; first += count) {
        count = 1 + rand() % longest;
        if (count > rows - first) count = rows - first;
        const furrow_range_t part = {header + first * row_bytes, header + (first + count) * row_bytes};
        write_part(rand() % ranks, part, file_bytes, ranks);
    }
    assert_true(written == rows * row_bytes);
    note_write(0, (furrow_range_t){0, header}); /* by rank 0, which creates the file */
}

static void test_edges__one_host_for_each_block(void **state)
{
    const struct {
        int64_t rows, row_bytes, longest;
    } files[] = {
        {0, 8, 1},
        {1, 1, 1},
        {1, 0, 1},
        {5 * block, 1, 2 * block}, /* rows of one byte */
        {5 * block - 128, 1, block / 3},
        {9, 3 * block + 64, 2}, /* longer than several blocks; the file ends within one */
        {7, 8 * block, 1},
        {1000, 12 * 1024, 30},
        {30, block, 3},
        {30, block / 2, 1},
    };

    (void)state;
    srand(1);
    for (int ranks = 1; ranks <= 7; ranks++)
        for (size_t f = 0; f < LENGTH(files); f++)
            for (int64_t header = 128; header <= block; header += block / 2 - 64) { /* always in block 0 */
                if (header + files[f].rows * files[f].row_bytes > BLOCKS_MAX * block) continue;
                write_rows(header, files[f].rows, files[f].row_bytes, files[f].longest, ranks);
            }
}

/* What is whole stays with the rank that has it: only edges travel. */
static void test_edges__whole_blocks_stay(void **state)
{
    const struct {
        furrow_range_t part, first, last;
        int64_t file_bytes;
    } cases[] = {
        {{block, 3 * block}, {block, block}, {3 * block, 3 * block}, 9 * block},
        {{block - 64, 3 * block + 64}, {block - 64, block}, {3 * block, 3 * block + 64}, 9 * block},
        {{block, 3 * block + 64}, {block, block}, {3 * block + 64, 3 * block + 64}, 3 * block + 64}, /* to the end */
        {{block + 64, block + 128}, {block + 64, block + 128}, {block + 128, block + 128}, 9 * block},
        {{block, block + 128}, {block, block}, {block, block + 128}, 9 * block},
        {{2 * block - 64, 2 * block + 64}, {2 * block - 64, 2 * block}, {2 * block, 2 * block + 64}, 9 * block},
        {{3 * block + 8, 3 * block + 64},
         {3 * block + 8, 3 * block + 64},
         {3 * block + 64, 3 * block + 64},
         3 * block + 64},
        {{INT64_MAX - 100, INT64_MAX}, {INT64_MAX - 100, INT64_MAX}, {INT64_MAX, INT64_MAX}, INT64_MAX},
        {{0, INT64_MAX}, {0, 0}, {INT64_MAX, INT64_MAX}, INT64_MAX},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        furrow_range_t edge[FURROW_EDGES];
        furrow_edges_of(cases[i].part, cases[i].file_bytes, edge);
        assert_memory_equal(&edge[0], &cases[i].first, sizeof *edge);
        assert_memory_equal(&edge[1], &cases[i].last, sizeof *edge);
    }
}

static void test_edges__sections_are_whole_blocks(void **state)
{
    const int64_t files[] = {64, 128, block - 1, block, block + 1, 5 * block, 5 * block + 100, 63 * block + 8};

    (void)state;
    for (int ranks = 1; ranks < 70; ranks++)
        for (size_t f = 0; f < LENGTH(files); f++) {
            int64_t at = 0;
            begin_file();
            for (int r = 0; r < ranks; r++) {
                const furrow_range_t own = furrow_edges_section(files[f], ranks, r);
                assert_true(own.start == at && (own.start % block == 0 || own.start == files[f]));
                assert_true(own.stop - own.start <= (files[f] / block / ranks + 1) * block);
                note_write(r, own);
                at = own.stop;
            }
            assert_true(at == files[f] && writer[0] == 0);
        }
}

/* Bytes that are given piece by piece arrive: those of edges in the edges, all others with the rank itself. */
static void test_edges__take(void **state)
{
    enum { BYTES = 5000, FIRST = 700, LAST = 1100, AT = 12345 };
    static char data[BYTES], seen[BYTES];
    const int64_t steps[] = {1, 64, 699, 700, 701, 3200, 3201, BYTES};

    (void)state;
    for (int i = 0; i < BYTES; i++) data[i] = (char)(rand() % 256);
    for (int kinds = 0; kinds < 4; kinds++)
        for (size_t s = 0; s < LENGTH(steps); s++) {
            furrow_edges_t edges = {0};
            int64_t own = 0;
            if (kinds % 2 == 1) assert_int_equal(furrow_parcel_new(FIRST, &edges.edge[0].data, NULL), FURROW_OK);
            if (kinds / 2 == 1) assert_int_equal(furrow_parcel_new(LAST, &edges.edge[1].data, NULL), FURROW_OK);
            edges.edge[0].at = AT;
            edges.edge[1].at = AT + BYTES - LAST;
            memset(seen, 0, sizeof seen);
            for (int64_t at = 0; at < BYTES; at += steps[s]) {
                const int64_t n = steps[s] < BYTES - at ? steps[s] : BYTES - at;
                const furrow_range_t rest =
                    furrow_edges_take(&edges, (furrow_range_t){AT + at, AT + at + n}, data + at);
                assert_true(rest.start <= rest.stop);
                memcpy(seen + rest.start - AT, data + rest.start - AT, (size_t)(rest.stop - rest.start));
                own += rest.stop - rest.start;
            }
            assert_int_equal(furrow_edges_any(&edges), kinds > 0);
            for (int i = 0; i < FURROW_EDGES; i++) {
                const furrow_edge_t *e = &edges.edge[i];
                if (e->data == NULL) continue;
                memcpy(seen + e->at - AT, e->data->data, (size_t)e->data->bytes);
                own += e->data->bytes;
            }
            assert_int_equal(own, BYTES); /* nothing twice */
            assert_memory_equal(seen, data, BYTES);
            furrow_edges_free(&edges);
            assert_false(furrow_edges_any(&edges));
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_edges__one_host_for_each_block),
        cmocka_unit_test(test_edges__whole_blocks_stay),
        cmocka_unit_test(test_edges__sections_are_whole_blocks),
        cmocka_unit_test(test_edges__take),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
