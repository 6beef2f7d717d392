/* Transfers: what arrives is what was sent, for sizes on both sides of the length at which messages are cut, and no
 * message is longer. MPI's own calls are intercepted to see their lengths. */
#include "transfer.h"

#include "support.h"

#ifndef FURROW_MESSAGE_MAX
#define FURROW_MESSAGE_MAX (INT64_C(1) << 30)
#endif

enum { CUT = 1000 /* FURROW_MESSAGE_MAX of the builds for tests */ };

static const int64_t sizes[] = {0, 1, CUT - 1, CUT, CUT + 1, 2 * CUT, 2 * CUT + 1, 100 * CUT + 7};
static int64_t longest; /* message that MPI was asked for, in bytes */

static void saw(int count, int64_t size)
{
    if (count * size > longest) longest = count * size;
}

int MPI_Bcast(void *data, int count, MPI_Datatype type, int root, MPI_Comm comm)
{
    saw(count, 1);
    return PMPI_Bcast(data, count, type, root, comm);
}

int MPI_Send(const void *data, int count, MPI_Datatype type, int to, int tag, MPI_Comm comm)
{
    saw(count, 1);
    return PMPI_Send(data, count, type, to, tag, comm);
}

int MPI_Recv(void *data, int count, MPI_Datatype type, int from, int tag, MPI_Comm comm, MPI_Status *status)
{
    saw(count, 1);
    return PMPI_Recv(data, count, type, from, tag, comm, status);
}

int MPI_Allreduce(const void *in, void *out, int count, MPI_Datatype type, MPI_Op op, MPI_Comm comm)
{
    saw(count, 8);
    return PMPI_Allreduce(in, out, count, type, op, comm);
}

static void fill(unsigned char *data, int64_t bytes, int seed)
{
    for (int64_t i = 0; i < bytes; i++) data[i] = (unsigned char)(i * 7 + i / 251 + seed * 31 + 1);
}

static bool holds(const unsigned char *data, int64_t bytes, int seed)
{
    for (int64_t i = 0; i < bytes; i++)
        if (data[i] != (unsigned char)(i * 7 + i / 251 + seed * 31 + 1)) return false;
    return true;
}

static void test_transfer__broadcast(void **state)
{
    unsigned char *data = malloc(200 * CUT);

    (void)state;
    longest = 0; /* a context that opens also sends */
    ASSERT_ALL(data != NULL);
    for (int root = 0; root < world.ranks; root++)
        for (int s = 0; s < LENGTH(sizes); s++) {
            memset(data, 0xee, 200 * CUT);
            if (world.rank == root) fill(data, sizes[s], root);
            furrow_broadcast(world.ctx, data, sizes[s], root);
            ASSERT_ALL(holds(data, sizes[s], root) && data[sizes[s]] == 0xee);
        }
    free(data);
}

/* Every pair of ranks, both ways. */
static void test_transfer__send_and_receive(void **state)
{
    unsigned char *data = malloc(200 * CUT);

    (void)state;
    ASSERT_ALL(data != NULL);
    for (int from = 0; from < world.ranks; from++)
        for (int to = 0; to < world.ranks; to++)
            for (int s = 0; from != to && s < LENGTH(sizes); s++) {
                memset(data, 0xee, 200 * CUT);
                fill(data, world.rank == from ? sizes[s] : 0, from);
                if (world.rank == from) furrow_send(world.ctx, data, sizes[s], to);
                if (world.rank == to) furrow_receive(world.ctx, data, sizes[s], from);
                ASSERT_ALL(world.rank != to || (holds(data, sizes[s], from) && data[sizes[s]] == 0xee));
            }
    free(data);
}

static int64_t value_at(int rank, int64_t i)
{
    return (i * 37 + rank * 101) % 1000 - 500 + (INT64_C(1) << 40) * (rank + 1);
}

/* Elements around the cut, which is at CUT / 8 of them. */
static void check_sum_and_least(int64_t count)
{
    int64_t *sum = malloc(((size_t)count + 1) * sizeof *sum), *least = malloc(((size_t)count + 1) * sizeof *least);
    bool good = true;

    if (sum == NULL || least == NULL) abort();
    for (int64_t i = 0; i <= count; i++) sum[i] = least[i] = value_at(world.rank, i);
    furrow_sum_int64(world.ctx, sum, count);
    furrow_min_int64(world.ctx, least, count);
    for (int64_t i = 0; i < count; i++) {
        int64_t all = 0, low = INT64_MAX;
        for (int r = 0; r < world.ranks; r++) {
            all += value_at(r, i);
            low = value_at(r, i) < low ? value_at(r, i) : low;
        }
        good = good && sum[i] == all && least[i] == low;
    }
    good = good && sum[count] == value_at(world.rank, count) && least[count] == sum[count];
    free(sum);
    free(least);
    ASSERT_ALL(good);
}

static void test_transfer__sum_and_least(void **state)
{
    static const int64_t counts[] = {0, 1, CUT / 8 - 1, CUT / 8, CUT / 8 + 1, CUT / 4 + 1, 10 * CUT + 3};

    (void)state;
    for (int i = 0; i < LENGTH(counts); i++) check_sum_and_least(counts[i]);
}

static void test_transfer__of_one_value(void **state)
{
    int64_t values[64] = {0}, lower = 0;
    bool good = true;

    (void)state;
    furrow_gather_int64(world.ctx, value_at(world.rank, 5), values);
    for (int r = 0; r < world.ranks; r++) good = good && values[r] == value_at(r, 5);
    ASSERT_ALL(good && values[world.ranks] == 0);
    for (int r = 0; r < world.rank; r++) lower += value_at(r, 6);
    ASSERT_ALL(furrow_sum_of_lower_ranks(world.ctx, value_at(world.rank, 6)) == lower);
}

static void send_mails(int64_t run)
{
    static const int64_t sizes_of[] = {0, 10, 100 * CUT + 7};

    for (int i = 0; i < LENGTH(sizes_of); i++) {
        furrow_parcel_t *parcel;
        if (furrow_parcel_new(sizes_of[i], &parcel, NULL) != FURROW_OK) abort();
        fill((unsigned char *)parcel->data, parcel->bytes, (int)run);
        furrow_send_mail(world.ctx, &run, sizeof run, parcel, 0);
    }
    furrow_send_mail(world.ctx, &run, sizeof run, NULL, 0);
}

/* Nobody takes those of the first run while it lasts: the second one must not see them. */
static void test_transfer__mails_left_over_are_dropped(void **state)
{
    int64_t all = 0, left = 4 * ((int64_t)world.ranks - 1), run = 0;
    furrow_parcel_t *parcel;
    bool good = true, lost;
    int from;

    (void)state;
    for (int64_t n = 1; n <= 2; n++) {
        furrow_begin_mails(world.ctx);
        furrow_sum_int64(world.ctx, &all, 1);
        if (world.rank > 0) send_mails(n);
    }
    while (world.rank == 0 && left > 0) {
        if (!furrow_take_mail(world.ctx, &run, sizeof run, NULL, &parcel, &lost, &from)) continue;
        good = good && run == 2 && !lost;
        good = good && (parcel == NULL || holds((unsigned char *)parcel->data, parcel->bytes, 2));
        furrow_parcel_free(parcel);
        left--;
    }
    furrow_finish_mails(world.ctx);
    ASSERT_ALL(good && (world.rank > 0 || !furrow_take_mail(world.ctx, &run, sizeof run, NULL, &parcel, &lost, &from)));
}

/* After the others, which have sent much more than the cut. */
static void test_transfer__messages_are_cut(void **state)
{
    (void)state;
    ASSERT_ALL(longest > CUT / 2 && longest <= FURROW_MESSAGE_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_transfer__broadcast),
        cmocka_unit_test(test_transfer__send_and_receive),
        cmocka_unit_test(test_transfer__sum_and_least),
        cmocka_unit_test(test_transfer__of_one_value),
        cmocka_unit_test(test_transfer__mails_left_over_are_dropped),
        cmocka_unit_test(test_transfer__messages_are_cut),
    };
    int failed;

    RUN_TESTS(tests, failed);
    return failed;
}
