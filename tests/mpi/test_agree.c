/* Agreement: whichever ranks fail and however, all leave with one status, one rank, one text. */
#include "support.h"

static const furrow_status_t failures[] = {
#define FAILURE(name, value, text) FURROW_##name,
    FURROW_STATUS_LIST(FAILURE)
#undef FAILURE
};

/* What a rank says when it fails; a status of FURROW_OK fails not. */
static furrow_error_t said_by(int rank, furrow_status_t status)
{
    furrow_error_t err = {.status = status, .sys_errno = status == FURROW_OK ? 0 : 100 + rank};

    if (status != FURROW_OK) (void)snprintf(err.text, sizeof err.text, "rank %d says %d", rank, (int)status);
    return err;
}

/* All ranks agree on their own `status`; the outcome must be that of rank `winner`. */
static void check(furrow_status_t status, int winner, furrow_status_t expected)
{
    furrow_error_t err = said_by(world.rank, status), wanted = said_by(winner, expected);

    wanted.rank = expected == FURROW_OK ? 0 : winner;
    const furrow_status_t seen = furrow_agree(world.ctx, status, &err);
    ASSERT_ALL(seen == expected);
    ASSERT_ALL(err.status == wanted.status && err.rank == wanted.rank && err.sys_errno == wanted.sys_errno);
    ASSERT_ALL(strcmp(err.text, wanted.text) == 0);
    ASSERT_ALL(furrow_agree(world.ctx, status, NULL) == expected);
}

static void test_agree__one_rank_fails(void **state)
{
    (void)state;
    for (int r = 0; r < world.ranks; r++)
        for (int s = 0; s < LENGTH(failures); s++)
            check(world.rank == r ? failures[s] : FURROW_OK, failures[s] == FURROW_OK ? 0 : r, failures[s]);
}

static void test_agree__lowest_status_wins(void **state)
{
    (void)state;
    for (int a = 0; a < world.ranks; a++)
        for (int b = 0; b < world.ranks; b++) {
            if (a == b) continue;
            const furrow_status_t mine = world.rank == a ? FURROW_EIO : world.rank == b ? FURROW_ENOMEM : FURROW_OK;
            check(mine, b, FURROW_ENOMEM);
        }
}

static void test_agree__then_lowest_rank(void **state)
{
    (void)state;
    for (int a = 0; a < world.ranks; a++)
        for (int b = a; b < world.ranks; b++)
            check(world.rank == a || world.rank == b ? FURROW_ETRUNCATED : FURROW_OK, a, FURROW_ETRUNCATED);
    check(FURROW_EARG, 0, FURROW_EARG);
}

/* A failure without words gets those of its status. */
static void test_agree__text_is_never_empty(void **state)
{
    furrow_error_t err = {0};
    const int last = world.ranks - 1;

    (void)state;
    const furrow_status_t status = furrow_agree(world.ctx, world.rank == last ? FURROW_EBUDGET : FURROW_OK, &err);
    ASSERT_ALL(failed_alike(status, &err, FURROW_EBUDGET, last, furrow_status_text(FURROW_EBUDGET)));
}

/* Success on all ranks leaves the error as it was. */
static void test_agree__success_changes_nothing(void **state)
{
    furrow_error_t err = {.status = FURROW_OK, .rank = 77, .text = "as before"};

    (void)state;
    ASSERT_ALL(furrow_agree(world.ctx, FURROW_OK, &err) == FURROW_OK);
    ASSERT_ALL(err.rank == 77 && strcmp(err.text, "as before") == 0);
}

/* Options that one rank alone gets wrong: no rank has a context, no rank waits. */
static void test_agree__context_open(void **state)
{
    (void)state;
    for (int r = 0; r < world.ranks; r++) {
        const furrow_context_opts_t wrong[] = {{.threads = world.rank == r ? -1 : 1},
                                               {.memory_bytes = world.rank == r ? -1 : 0}};
        for (int i = 0; i < LENGTH(wrong); i++) {
            furrow_context_t *ctx = world.ctx;
            furrow_error_t err;
            const furrow_status_t status = furrow_context_open(&wrong[i], &ctx, &err);
            ASSERT_ALL(failed_alike(status, &err, FURROW_EARG, r, "must not be negative"));
            ASSERT_ALL(ctx == NULL);
        }
    }
}

static void test_agree__context_facts(void **state)
{
    const furrow_context_opts_t opts = {.threads = world.rank + 1, .memory_bytes = 1000 + world.rank};
    furrow_context_t *ctx;

    (void)state;
    ASSERT_ALL(furrow_context_open(&opts, &ctx, NULL) == FURROW_OK);
    ASSERT_ALL(furrow_context_rank(ctx) == world.rank && furrow_context_ranks(ctx) == world.ranks);
    ASSERT_ALL(furrow_context_node_rank(ctx) == world.rank && furrow_context_node_ranks(ctx) == world.ranks);
    ASSERT_ALL(furrow_context_threads(ctx) == world.rank + 1 && furrow_context_memory(ctx) == 1000 + world.rank);
    furrow_context_close(ctx);
    ASSERT_ALL(furrow_context_open(NULL, &ctx, NULL) == FURROW_OK);
    ASSERT_ALL(furrow_context_threads(ctx) >= 1 && furrow_context_memory(ctx) == INT64_C(1) << 30);
    furrow_context_close(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_agree__one_rank_fails),          cmocka_unit_test(test_agree__lowest_status_wins),
        cmocka_unit_test(test_agree__then_lowest_rank),        cmocka_unit_test(test_agree__text_is_never_empty),
        cmocka_unit_test(test_agree__success_changes_nothing), cmocka_unit_test(test_agree__context_open),
        cmocka_unit_test(test_agree__context_facts),
    };
    int failed;

    RUN_TESTS(tests, failed);
    return failed;
}
