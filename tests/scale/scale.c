/* The program that is simulated (see simulation.h): one kind of work on the ranks that smpirun gives, told in one line
 * of JSON.
 *
 *   scale images|pool|reduce [NAME VALUE]...
 *
 * What a user's machine would do for an item, or for the elements of a rank, only takes its time here; the rest, all
 * that Furrow does, is Furrow. The results are checked. */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "furrow_pool.h"
#include "items.h"
#include "notes.h"
#include "npy.h"
#include "simulation.h"
#include "transfer.h"

typedef struct {
    const char *what;
    double threads; /* of a rank */
    double items;   /* of all ranks; 0: `each` times the threads of all */
    double each;
    double cost;      /* seconds of one item: the mean */
    double spread;    /* how far others may lie from it, as a fraction */
    double message;   /* seconds of a main thread for one message, at either end */
    double report;    /* of rank 0's for one chunk that is reported */
    double gigabytes; /* reduce: of all ranks; 0: `share` times the ranks */
    double share;     /* reduce: GB of one rank */
    double speed;     /* reduce: GB/s of one rank */
} options_t;

typedef struct {
    options_t o;
    furrow_context_t *ctx;
    int64_t items;
    double ideal; /* seconds, if nothing but the work took time */
    int64_t told, kept, wrong;
    double *results; /* [items], rank 0 */
} scale_t;

/* Actors share the memory of one process. */
static unsigned char *seen; /* [items], of all ranks: how often each was done */
static const scale_t *of_tasks;

/* ------------------------------------------------------------------ items */

/* Seconds of an item: the same for any ranks (splitmix64). */
static double cost_of(const scale_t *s, int64_t index)
{
    uint64_t x = (uint64_t)index * UINT64_C(0x9e3779b97f4a7c15) + 1;

    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    x ^= x >> 31;
    return s->o.cost * (1 + s->o.spread * (2 * ((double)(x >> 11) * 0x1p-53) - 1));
}

static void do_item(const scale_t *s, int64_t index)
{
    seen[index]++;
    simulation_compute(cost_of(s, index));
}

static void begin_items(scale_t *s)
{
    const int64_t workers = (int64_t)s->o.threads * furrow_context_ranks(s->ctx);

    s->items = s->o.items > 0 ? (int64_t)s->o.items : (int64_t)s->o.each * workers;
    if (furrow_context_rank(s->ctx) != 0) return;
    seen = simulation_memory(s->items);
    for (int64_t i = 0; i < s->items; i++) s->ideal += cost_of(s, i) / (double)workers;
}

static void check_items(scale_t *s)
{
    for (int64_t i = 0; i < s->items; i++) s->wrong += seen[i] != 1;
}

/* ----------------------------------------------------------------- images */

/* The note that stands for an image says which it is. */
static furrow_status_t work(void *arg, int64_t first, int64_t count, int thread, furrow_made_t *made,
                            furrow_error_t *err)
{
    furrow_status_t status = FURROW_OK;
    char note[sizeof(furrow_note_t)] = {0};

    (void)thread;
    for (int64_t i = first; i < first + count && status == FURROW_OK; i++) {
        do_item(arg, i);
        memcpy(note, &i, sizeof i);
        status = furrow_keep(made, i, note, err);
    }
    return status;
}

static furrow_status_t keep(void *arg, int64_t first, int64_t count, const void *kept, furrow_error_t *err)
{
    scale_t *s = arg;
    int64_t index;

    (void)err;
    for (int64_t i = 0; i < count; i++) {
        memcpy(&index, (const char *)kept + i * (int64_t)sizeof(furrow_note_t), sizeof index);
        s->wrong += index != first + i;
    }
    s->kept += count;
    return FURROW_OK;
}

static furrow_status_t done(void *arg, int64_t first, int64_t count, furrow_error_t *err)
{
    (void)first, (void)err;
    simulation_told();
    ((scale_t *)arg)->told += count;
    return FURROW_OK;
}

static furrow_status_t run_images(scale_t *s, furrow_error_t *err)
{
    const furrow_items_t items = {.count = s->items,
                                  .noun = "image",
                                  .work = work,
                                  .arg = s,
                                  .kept_bytes = sizeof(furrow_note_t),
                                  .keep = keep,
                                  .listener = {.done = done, .arg = s}};

    const furrow_status_t status = furrow_items_run(s->ctx, &items, err);
    if (furrow_context_rank(s->ctx) == 0) s->wrong += (s->told != s->items) + (s->kept != s->items);
    return status;
}

/* ------------------------------------------------------------------- pool */

static int task(const furrow_task_t *t)
{
    do_item(of_tasks, t->index);
    *(double *)t->result = (double)t->index;
    return 0;
}

static furrow_status_t body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    scale_t *s = arg;
    const furrow_call_t call = {.function = task, .count = s->items, .result_bytes = sizeof(double)};

    return furrow_pool_map(pool, &call, s->results, NULL, err);
}

static furrow_status_t run_pool(scale_t *s, furrow_error_t *err)
{
    static furrow_task_fn *const functions[] = {task};
    const furrow_pool_opts_t opts = {.functions = functions, .function_count = 1};
    const bool is_root = furrow_context_rank(s->ctx) == 0;

    if (is_root) {
        s->results = simulation_memory(s->items * (int64_t)sizeof(double));
        of_tasks = s;
    }
    const furrow_status_t status = furrow_pool_run(s->ctx, &opts, body, s, err);
    for (int64_t i = 0; i < s->items && is_root; i++) s->wrong += s->results[i] != (double)i;
    return status;
}

/* ----------------------------------------------------------------- reduce */

/* A file that stands for a much larger one, which would take each rank `ideal` seconds to read and sum. */
enum { ELEMENTS = 1000 };
static const char *const path = "scale.npy";

/* Beside what cancels between ranks, and is larger by far than a double can tell from the rest, each rank has 0 to 999
 * tiny ones. */
static double element(int rank, int i)
{
    if (i == ELEMENTS - 1) return rank % 2 == 0 ? 0x1p900 : -0x1p900;
    return i < rank % ELEMENTS ? 0x1p-900 : 0;
}

static double true_sum(int ranks)
{
    double tiny = 0;

    for (int r = 0; r < ranks; r++) tiny += r % ELEMENTS;
    return tiny * 0x1p-900; /* `ranks` is even */
}

static bool write_file(int ranks)
{
    furrow_npy_t npy = {.dtype = FURROW_F8, .ndim = 1, .shape = {(int64_t)ELEMENTS * ranks}};
    char header[FURROW_NPY_FORMAT_MAX];
    double data[ELEMENTS];

    if (furrow_npy_format(&npy, header, NULL) != FURROW_OK) return false;
    FILE *file = fopen(path, "wb");
    if (file == NULL) return false;
    bool good = fwrite(header, (size_t)npy.data_offset, 1, file) == 1;
    for (int r = 0; r < ranks && good; r++) {
        for (int i = 0; i < ELEMENTS; i++) data[i] = element(r, i);
        good = fwrite(data, sizeof data, 1, file) == 1;
    }
    return fclose(file) == 0 && good;
}

static void begin_reduce(scale_t *s)
{
    const int ranks = furrow_context_ranks(s->ctx);
    const double share = s->o.gigabytes > 0 ? s->o.gigabytes / ranks : s->o.share;

    s->items = (int64_t)ELEMENTS * ranks;
    s->ideal = share / s->o.speed;
    simulation_set_exec(s->ideal);
    if (furrow_context_rank(s->ctx) == 0 && !write_file(ranks)) s->wrong++;
}

static furrow_status_t run_reduce(scale_t *s, furrow_error_t *err)
{
    const furrow_reduce_opts_t opts = {.ops = 1U << FURROW_OP_SUM};
    furrow_dataset_t *dataset;
    furrow_reduction_t *r = NULL;
    furrow_value_t value;

    furrow_status_t status = furrow_dataset_open(s->ctx, &path, 1, FURROW_SOURCE_SHARED, &dataset, err);
    if (status != FURROW_OK) return status;
    status = furrow_reduce(dataset, &opts, &r, err);
    if (status == FURROW_OK) status = furrow_reduction_value(r, 0, FURROW_OP_SUM, &value, err);
    s->wrong += status != FURROW_OK || value.re != true_sum(furrow_context_ranks(s->ctx));
    furrow_reduction_free(r);
    furrow_dataset_free(dataset);
    return status;
}

/* ------------------------------------------------------------------- main */

typedef struct {
    const char *name;
    void (*begin)(scale_t *s);
    furrow_status_t (*run)(scale_t *s, furrow_error_t *err);
    void (*check)(scale_t *s); /* on rank 0, when it is over; or NULL */
} work_t;

static const work_t works[] = {{"images", begin_items, run_images, check_items},
                               {"pool", begin_items, run_pool, check_items},
                               {"reduce", begin_reduce, run_reduce, NULL}};

static void report(const scale_t *s, double elapsed)
{
    const int ranks = furrow_context_ranks(s->ctx);
    const simulation_rank_t *root = simulation_rank(0);
    simulation_rank_t most = {0};

    for (int r = 1; r < ranks; r++) {
        const simulation_rank_t *rank = simulation_rank(r);
        if (rank->messages > most.messages) most.messages = rank->messages;
        if (rank->bytes > most.bytes) most.bytes = rank->bytes;
        if (rank->peak > most.peak) most.peak = rank->peak;
    }
    printf("{\"work\": \"%s\", \"ranks\": %d, \"threads\": %d, \"items\": %lld, \"elapsed\": %.6f, \"ideal\": %.6f, "
           "\"efficiency\": %.4f, \"root_load\": %.4f, \"root_messages\": %lld, \"root_bytes\": %lld, "
           "\"rank_messages\": %lld, \"rank_bytes\": %lld, \"root_memory\": %lld, \"rank_memory\": %lld, "
           "\"wrong\": %lld}\n",
           s->o.what, ranks, (int)s->o.threads, (long long)s->items, elapsed, s->ideal, s->ideal / elapsed,
           root->talking / elapsed, (long long)root->messages, (long long)root->bytes, (long long)most.messages,
           (long long)most.bytes, (long long)root->peak, (long long)most.peak, (long long)s->wrong);
}

static furrow_status_t run(scale_t *s, const work_t *w, furrow_error_t *err)
{
    w->begin(s);
    furrow_context_share_pulse(s->ctx, true);
    (void)MPI_Barrier(MPI_COMM_WORLD);
    simulation_reset();
    const double start = simulation_now();
    const furrow_status_t status = w->run(s, err);
    (void)MPI_Barrier(MPI_COMM_WORLD);
    const double elapsed = simulation_now() - start;
    if (furrow_context_rank(s->ctx) == 0 && w->check != NULL) w->check(s);
    furrow_sum_int64(s->ctx, &s->wrong, 1);
    if (furrow_context_rank(s->ctx) == 0) report(s, elapsed);
    return status;
}

static const work_t *read_options(int argc, char **argv, options_t *o)
{
    const struct {
        const char *name;
        double *value;
    } option[] = {{"threads", &o->threads}, {"items", &o->items},        {"each", &o->each},     {"cost", &o->cost},
                  {"spread", &o->spread},   {"message", &o->message},    {"report", &o->report}, {"share", &o->share},
                  {"speed", &o->speed},     {"gigabytes", &o->gigabytes}};

    for (int i = 2; i + 1 < argc; i += 2)
        for (size_t n = 0; n < sizeof option / sizeof *option; n++)
            if (strcmp(argv[i], option[n].name) == 0) *option[n].value = atof(argv[i + 1]);
    for (size_t w = 0; w < sizeof works / sizeof *works; w++)
        if (argc > 1 && strcmp(argv[1], works[w].name) == 0) return &works[w];
    return NULL;
}

/* Called for each rank. */
__attribute__((visibility("default"))) int main(int argc, char **argv)
{
    scale_t s = {.o = {.threads = 1,
                       .each = 100,
                       .cost = 0.01,
                       .spread = 0.1,
                       .message = 1e-6,
                       .report = 0.3e-6,
                       .share = 2,
                       .speed = 20}};
    furrow_error_t err = {0};
    int rank, ranks;

    const work_t *w = read_options(argc, argv, &s.o);
    if (w == NULL) return 2;
    s.o.what = w->name;
    (void)MPI_Init(&argc, &argv);
    (void)MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    (void)MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    simulation_begin(rank, ranks);
    simulation_set_costs(s.o.message, s.o.report);
    const furrow_context_opts_t opts = {.threads = (int)s.o.threads};
    furrow_status_t status = furrow_context_open(&opts, &s.ctx, &err);
    if (status == FURROW_OK) status = run(&s, w, &err);
    if (status != FURROW_OK && rank == 0) (void)fprintf(stderr, "scale: %s\n", err.text);
    furrow_context_close(s.ctx);
    simulation_end();
    (void)MPI_Finalize();
    return status == FURROW_OK ? 0 : 1;
}
