/* The cut of shared files: whoever computes what, each block is written from one host, and every byte once. A host is
 * named by its leader. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "edges.h"
#include "mem.h"

#define LENGTH(a) (sizeof(a) / sizeof *(a))

enum { BLOCKS_MAX = 64, NOBODY = -1, SPACE = 6 * FURROW_FILE_BLOCK };

static const int64_t block = FURROW_FILE_BLOCK;

/* Who wrote each block, how much, and what. */
static int writer[BLOCKS_MAX];
static int64_t written;
static char file[SPACE], truth[SPACE];

static void begin_file(void)
{
    memset(file, 0, sizeof file);
    for (int b = 0; b < BLOCKS_MAX; b++) writer[b] = NOBODY;
    written = 0;
}

static void note_write(int host, furrow_range_t bytes)
{
    assert_true(bytes.start <= bytes.stop);
    for (int64_t b = bytes.start / block; bytes.start < bytes.stop && b <= (bytes.stop - 1) / block; b++) {
        assert_true(writer[b] == NOBODY || writer[b] == host);
        writer[b] = host;
    }
    written += bytes.stop - bytes.start;
}

static void write_file(int host, furrow_stretch_t bytes)
{
    note_write(host, (furrow_range_t){bytes.at, bytes.at + bytes.bytes});
    if (bytes.bytes > 0) memcpy(file + bytes.at, bytes.data, (size_t)bytes.bytes);
}

/* A rank has this part, in pieces. \return bytes that it sent to others */
static int64_t write_part(const furrow_nodes_t *nodes, furrow_range_t part, int64_t file_bytes, int64_t longest)
{
    furrow_edges_t edges = {0};
    furrow_stretch_t left, now;
    int64_t count, sent = 0;

    for (int64_t at = part.start; at < part.stop; at += count) {
        count = furrow_least(1 + rand() % longest, part.stop - at);
        for (left = (furrow_stretch_t){at, count, truth + at}; left.bytes > 0;) {
            assert_int_equal(furrow_edges_step(nodes, file_bytes, &edges, &left, &now, NULL), FURROW_OK);
            write_file(nodes->leader, now);
        }
    }
    for (int i = 0; i < FURROW_EDGES; i++) {
        const furrow_edge_t *e = &edges.edge[i];
        if (e->data == NULL || e->data->bytes == 0) continue;
        assert_true(e->rank >= 0 && e->rank < nodes->ranks && nodes->leader_of[e->rank] != nodes->leader);
        write_file(nodes->leader_of[e->rank], (furrow_stretch_t){e->at, e->data->bytes, e->data->data});
        sent += e->data->bytes;
    }
    assert_int_equal(furrow_edges_any(&edges), sent > 0);
    furrow_edges_free(&edges);
    assert_false(furrow_edges_any(&edges));
    return sent;
}

/* Rows of a file after its header, in chunks of some rows, each on any rank. */
static void write_rows(const int *leader_of, int ranks, int64_t header, int64_t rows, int64_t row_bytes,
                       int64_t longest)
{
    const int64_t file_bytes = header + rows * row_bytes;
    int64_t count;

    begin_file();
    note_write(leader_of[0], (furrow_range_t){0, header}); /* by rank 0, which creates the file */
    for (int64_t first = 0; first < rows; first += count) {
        const furrow_nodes_t nodes = {ranks, leader_of[rand() % ranks], leader_of};
        count = furrow_least(1 + rand() % longest, rows - first);
        const furrow_range_t part = {header + first * row_bytes, header + (first + count) * row_bytes};
        (void)write_part(&nodes, part, file_bytes, rand() % 2 == 0 ? block / 3 : 4 * block);
    }
    assert_true(written == file_bytes);
    assert_memory_equal(file + header, truth + header, (size_t)(rows * row_bytes));
}

static void test_edges__one_host_for_each_block(void **state)
{
    static const int each_alone[] = {0, 1, 2, 3, 4, 5, 6}, in_pairs[] = {0, 0, 2, 2, 4, 4, 6},
                     mixed[] = {0, 1, 0, 3, 1, 0, 3};
    static const int *const nodes[] = {each_alone, in_pairs, mixed};
    const struct {
        int64_t rows, row_bytes, longest;
    } files[] = {
        {0, 8, 1},
        {1, 1, 1},
        {1, 0, 1},
        {3 * block, 1, 2 * block}, /* rows of one byte */
        {4 * block - 128, 1, block / 3},
        {2, 2 * block + 64, 1}, /* longer than several blocks; the file ends within one */
        {1, 4 * block, 1},
        {block / 64, 192, block / 100},
        {4, block, 3},
        {9, block / 2, 1},
    };

    (void)state;
    srand(1);
    for (int ranks = 1; ranks <= 7; ranks++)
        for (size_t n = 0; n < LENGTH(nodes); n++)
            for (size_t f = 0; f < LENGTH(files); f++)
                write_rows(nodes[n], ranks, f % 2 == 0 ? 128 : block, files[f].rows, files[f].row_bytes,
                           files[f].longest);
}

/* What is whole stays with the rank that has it, and what belongs to its host: only edges travel. */
static void test_edges__what_travels(void **state)
{
    static const int alone[] = {0, 1, 2}, others[] = {0, 0, 2};
    const furrow_nodes_t first = {3, 0, alone}, pair = {3, 0, others}, single = {3, 0, NULL};
    const int64_t end = 5 * block + 64;
    const struct {
        const furrow_nodes_t *nodes;
        furrow_range_t part;
        int64_t travels;
    } cases[] = {
        {&first, {block, 3 * block}, 0},
        {&first, {2 * block - 64, 4 * block + 128}, 64 + 128}, /* edges of ranks 1 and 1 */
        {&first, {3 * block - 64, 4 * block}, 64},             /* of rank 2 */
        {&first, {block, 3 * block + 64}, 0},                  /* of rank 0 itself */
        {&first, {4 * block, end}, 0},                         /* to the end */
        {&first, {5 * block + 8, end}, end - 5 * block - 8},
        {&first, {block + 64, block + 128}, 64},
        {&pair, {2 * block - 64, 4 * block + 128}, 0},
        {&pair, {3 * block - 64, 4 * block}, 64},
        {&single, {2 * block - 64, 4 * block + 128}, 0},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++)
        for (int64_t longest = 64; longest <= 8 * block; longest *= 64) {
            begin_file();
            assert_int_equal(write_part(cases[i].nodes, cases[i].part, end, longest), cases[i].travels);
            assert_int_equal(written, cases[i].part.stop - cases[i].part.start);
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

int main(void)
{
    for (int64_t i = 0; i < SPACE; i++) truth[i] = (char)(1 + i % 251);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_edges__one_host_for_each_block),
        cmocka_unit_test(test_edges__what_travels),
        cmocka_unit_test(test_edges__sections_are_whole_blocks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
