/* Owns messages of the simulation: what they cost a main thread, and how many there are. */
#include <mpi.h>
#include <simgrid/actor.h>

#include "exec.h"
#include "pool.h"
#include "simulation_inside.h"

static double message_seconds, report_seconds, exec_seconds;

void simulation_set_costs(double message, double report)
{
    message_seconds = message;
    report_seconds = report;
}

/* A message, sent or received, takes the time of the main thread. */
static void talk(double seconds)
{
    simulation_own_rank()->talking += seconds;
    if (seconds > 0) sg_actor_sleep_for(seconds);
}

void simulation_told(void)
{
    if (simulation_is_main()) WAITING(talk(report_seconds));
}

furrow_status_t __real_furrow_pool_told(void *, const furrow_chunk_t *, const furrow_done_t *, furrow_error_t *);
furrow_status_t __wrap_furrow_pool_told(void *arg, const furrow_chunk_t *chunk, const furrow_done_t *done,
                                        furrow_error_t *err)
{
    simulation_told();
    return __real_furrow_pool_told(arg, chunk, done, err);
}

static void count_message(int bytes, int to, int tag)
{
    simulation_own_rank()->messages++;
    simulation_own_rank()->bytes += bytes;
    simulation_rank(to)->on_the_way[tag]++;
    if (tag == SIMULATION_MAIL_TAG) simulation_show(simulation_rank(to));
}

int __real_MPI_Send(const void *, int, MPI_Datatype, int, int, MPI_Comm);
int __wrap_MPI_Send(const void *data, int count, MPI_Datatype type, int to, int tag, MPI_Comm comm)
{
    int code;

    count_message(count, to, tag);
    WAITING(talk(message_seconds); code = __real_MPI_Send(data, count, type, to, tag, comm));
    return code;
}

int __real_MPI_Isend(const void *, int, MPI_Datatype, int, int, MPI_Comm, MPI_Request *);
int __wrap_MPI_Isend(const void *data, int count, MPI_Datatype type, int to, int tag, MPI_Comm comm,
                     MPI_Request *request)
{
    int code;

    count_message(count, to, tag);
    WAITING(talk(message_seconds); code = __real_MPI_Isend(data, count, type, to, tag, comm, request));
    return code;
}

int __real_MPI_Recv(void *, int, MPI_Datatype, int, int, MPI_Comm, MPI_Status *);
int __wrap_MPI_Recv(void *data, int count, MPI_Datatype type, int from, int tag, MPI_Comm comm, MPI_Status *facts)
{
    int code;

    WAITING(code = __real_MPI_Recv(data, count, type, from, tag, comm, facts); talk(message_seconds));
    simulation_own_rank()->on_the_way[tag]--;
    return code;
}

int __real_MPI_Iprobe(int, int, MPI_Comm, int *, MPI_Status *);
int __wrap_MPI_Iprobe(int from, int tag, MPI_Comm comm, int *there, MPI_Status *facts)
{
    int code;

    *there = from != MPI_ANY_SOURCE;
    if (from != MPI_ANY_SOURCE) { /* who asks so does nothing else until it is there */
        WAITING(code = MPI_Probe(from, tag, comm, facts));
        return code;
    }
    if (simulation_own_rank()->on_the_way[tag] == 0) return MPI_SUCCESS; /* to ask takes this machine much longer */
    WAITING(code = __real_MPI_Iprobe(from, tag, comm, there, facts));
    return code;
}

int __real_MPI_Test(MPI_Request *, int *, MPI_Status *);
int __wrap_MPI_Test(MPI_Request *request, int *there, MPI_Status *facts)
{
    int code;

    *there = *request == MPI_REQUEST_NULL;
    if (*there) return MPI_SUCCESS;
    WAITING(code = __real_MPI_Test(request, there, facts));
    return code;
}

int __real_MPI_Wait(MPI_Request *, MPI_Status *);
int __wrap_MPI_Wait(MPI_Request *request, MPI_Status *facts)
{
    int code;

    WAITING(code = __real_MPI_Wait(request, facts));
    return code;
}

/* Once for each level of a binary tree over the ranks. */
static void count_collective(int64_t count, MPI_Datatype type, MPI_Comm comm)
{
    int bytes, ranks;

    (void)MPI_Type_size(type, &bytes);
    (void)MPI_Comm_size(comm, &ranks);
    for (int reached = 1; reached < ranks; reached *= 2) {
        simulation_own_rank()->messages++;
        simulation_own_rank()->bytes += count * bytes;
    }
}

int __real_MPI_Bcast(void *, int, MPI_Datatype, int, MPI_Comm);
int __wrap_MPI_Bcast(void *data, int count, MPI_Datatype type, int root, MPI_Comm comm)
{
    int code;

    count_collective(count, type, comm);
    WAITING(code = __real_MPI_Bcast(data, count, type, root, comm));
    return code;
}

int __real_MPI_Allreduce(const void *, void *, int, MPI_Datatype, MPI_Op, MPI_Comm);
int __wrap_MPI_Allreduce(const void *in, void *out, int count, MPI_Datatype type, MPI_Op op, MPI_Comm comm)
{
    int code;

    count_collective(count, type, comm);
    WAITING(code = __real_MPI_Allreduce(in, out, count, type, op, comm));
    return code;
}

int __real_MPI_Exscan(const void *, void *, int, MPI_Datatype, MPI_Op, MPI_Comm);
int __wrap_MPI_Exscan(const void *in, void *out, int count, MPI_Datatype type, MPI_Op op, MPI_Comm comm)
{
    int code;

    count_collective(count, type, comm);
    WAITING(code = __real_MPI_Exscan(in, out, count, type, op, comm));
    return code;
}

int __real_MPI_Allgather(const void *, int, MPI_Datatype, void *, int, MPI_Datatype, MPI_Comm);
int __wrap_MPI_Allgather(const void *in, int n, MPI_Datatype type, void *out, int m, MPI_Datatype to, MPI_Comm comm)
{
    int code;

    count_collective(n, type, comm);
    WAITING(code = __real_MPI_Allgather(in, n, type, out, m, to, comm));
    return code;
}

/* SimGrid copies a communicator, and finds out who shares a node, by a message from each rank to each. There is but one
 * context here, and every rank has a node of its own. */
int __wrap_MPI_Comm_dup(MPI_Comm comm, MPI_Comm *out)
{
    *out = comm;
    return MPI_SUCCESS;
}

int __wrap_MPI_Comm_split_type(MPI_Comm comm, int type, int key, MPI_Info info, MPI_Comm *out)
{
    (void)comm, (void)type, (void)key, (void)info;
    *out = MPI_COMM_SELF;
    return MPI_SUCCESS;
}

int __wrap_MPI_Comm_free(MPI_Comm *comm)
{
    *comm = MPI_COMM_NULL;
    return MPI_SUCCESS;
}

/* SimGrid's own goes through rank 0, one by one, which no MPI does; and asking whether it is over again and again makes
 * simulating slow. */
int __wrap_MPI_Ibarrier(MPI_Comm comm, MPI_Request *request)
{
    int code;

    *request = MPI_REQUEST_NULL;
    WAITING(code = MPI_Barrier(comm));
    return code;
}

/* ------------------------------------------------------------- blocks */

void simulation_set_exec(double seconds)
{
    exec_seconds = seconds;
}

furrow_status_t __real_furrow_exec(furrow_context_t *, int64_t, furrow_block_fn *, void *, furrow_error_t *);
furrow_status_t __wrap_furrow_exec(furrow_context_t *ctx, int64_t blocks, furrow_block_fn *work, void *arg,
                                   furrow_error_t *err)
{
    if (blocks > 0) simulation_compute(exec_seconds);
    return __real_furrow_exec(ctx, blocks, work, arg, err);
}
