/* Owns the simulation: threads are actors of SimGrid, which run one at a time until they wait. A lock is therefore
 * never contended, and locking costs nothing; a condition has a list of those who wait for it. */
#include "simulation_inside.h"

#include <errno.h>
#include <linux/futex.h>
#include <malloc.h>
#include <math.h>
#include <pthread.h>
#include <simgrid/actor.h>
#include <simgrid/engine.h>
#include <simgrid/semaphore.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>

#include "items_run.h"

/* One actor. */
typedef struct sim_thread {
    simulation_rank_t *rank;
    sg_sem_t woken;
    struct sim_thread *next; /* among those who wait for the same */
    void *(*body)(void *);
    void *arg;
    int ended;
    struct sim_thread *joiner;
    int locks; /* that it holds */
} sim_thread_t;

static simulation_rank_t *all_ranks;
static sim_thread_t *to_wake; /* by the actor that runs, as soon as it holds no lock */

static sim_thread_t *self(void)
{
    return sg_actor_self_get_data();
}

simulation_rank_t *simulation_rank(int rank)
{
    return &all_ranks[rank];
}

double simulation_now(void)
{
    return simgrid_get_clock();
}

simulation_rank_t *simulation_own_rank(void)
{
    return self()->rank;
}

int simulation_is_main(void)
{
    return self()->body == NULL;
}

/* ------------------------------------------------------------- what is a thread's own */

simulation_own_t simulation_put_away(void)
{
    return (simulation_own_t){furrow_pulse_mine(), furrow_pool_place, furrow_shared_self};
}

void simulation_bring_back(simulation_own_t own)
{
    (void)furrow_pulse_use(own.slot);
    furrow_pool_place = own.place;
    furrow_shared_self = own.shared;
}

void simulation_compute(double seconds)
{
    WAITING(sg_actor_sleep_for(seconds));
}

/* ------------------------------------------------------------- threads */

void *__real_malloc(size_t);
void __real_free(void *);
void *__real_realloc(void *, size_t);
void *__real_calloc(size_t, size_t);
void *__real_aligned_alloc(size_t, size_t);

void *simulation_memory(int64_t bytes)
{
    void *memory = __real_calloc((size_t)bytes, 1);

    if (memory == NULL) abort();
    return memory;
}

static sim_thread_t *new_thread(simulation_rank_t *rank)
{
    sim_thread_t *t = simulation_memory(sizeof *t);

    t->rank = rank;
    t->woken = sg_sem_init(0);
    return t;
}

static void free_thread(sim_thread_t *t)
{
    sg_sem_destroy(t->woken);
    __real_free(t);
}

void simulation_begin(int rank, int ranks)
{
    if (all_ranks == NULL) all_ranks = simulation_memory(ranks * (int64_t)sizeof *all_ranks);
    sg_actor_self_set_data(new_thread(&all_ranks[rank]));
}

void simulation_end(void)
{
    sim_thread_t *t = self();

    sg_actor_self_set_data(NULL);
    free_thread(t);
}

void simulation_reset(void)
{
    simulation_rank_t *rank = self()->rank;

    rank->messages = rank->bytes = 0;
    rank->talking = 0;
    rank->peak = rank->memory;
}

static void thread_main(int argc, char **argv)
{
    sim_thread_t *t = self();

    (void)argc, (void)argv;
    (void)furrow_pulse_use(NULL);
    furrow_pool_place = NULL;
    furrow_shared_self = NULL;
    (void)t->body(t->arg);
    t->ended = 1;
    if (t->joiner != NULL) sg_sem_release(t->joiner->woken);
}

int __wrap_pthread_create(pthread_t *id, const pthread_attr_t *attr, void *(*body)(void *), void *arg)
{
    sim_thread_t *t = new_thread(self()->rank);

    (void)attr;
    t->body = body;
    t->arg = arg;
    *id = (pthread_t)t;
    const sg_actor_t actor = sg_actor_init("thread", sg_actor_get_host(sg_actor_self()));
    sg_actor_set_data(actor, t);
    WAITING(sg_actor_start_(actor, thread_main, 0, NULL));
    return 0;
}

int __wrap_pthread_join(pthread_t id, void **result)
{
    sim_thread_t *t = (sim_thread_t *)id;

    (void)result;
    t->joiner = self();
    if (!t->ended) WAITING(sg_sem_acquire(self()->woken));
    free_thread(t);
    return 0;
}

/* Waking lets others run, so it waits until no lock is held. */
static void wake(void)
{
    const simulation_own_t own = simulation_put_away();

    while (to_wake != NULL) {
        sim_thread_t *t = to_wake;
        to_wake = t->next;
        sg_sem_release(t->woken);
    }
    simulation_bring_back(own);
}

/* A lock that is held over a wait would stop the others here: nobody may do that. */
int __wrap_pthread_mutex_lock(pthread_mutex_t *lock)
{
    if (lock->__data.__lock != 0) {
        (void)fprintf(stderr, "scale: a lock is held while its owner waits for something else\n");
        abort();
    }
    lock->__data.__lock = 1;
    self()->locks++;
    return 0;
}

int __wrap_pthread_mutex_unlock(pthread_mutex_t *lock)
{
    lock->__data.__lock = 0;
    if (--self()->locks > 0) return 0;
    simulation_show(self()->rank);
    wake();
    return 0;
}

/* ------------------------------------------------------------- conditions */

/* In the memory of a condition. */
typedef struct {
    sim_thread_t *first, *last;
} waiting_t;

_Static_assert(sizeof(waiting_t) <= sizeof(pthread_cond_t), "a condition is too small");

int __wrap_pthread_cond_init(pthread_cond_t *cond, const pthread_condattr_t *attr)
{
    (void)attr;
    *(waiting_t *)(void *)cond = (waiting_t){NULL, NULL};
    return 0;
}

int __wrap_pthread_cond_destroy(pthread_cond_t *cond)
{
    (void)cond;
    return 0;
}

static void line_up(waiting_t *w, sim_thread_t *t)
{
    t->next = NULL;
    if (w->first == NULL)
        w->first = t;
    else
        w->last->next = t;
    w->last = t;
}

/* False: it was taken out before. */
static int leave(waiting_t *w, sim_thread_t *t)
{
    sim_thread_t *before = NULL;

    for (sim_thread_t *at = w->first; at != NULL; before = at, at = at->next) {
        if (at != t) continue;
        if (before == NULL)
            w->first = t->next;
        else
            before->next = t->next;
        if (w->last == t) w->last = before;
        return 1;
    }
    return 0;
}

int __wrap_pthread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *lock)
{
    sim_thread_t *t = self();

    line_up((waiting_t *)(void *)cond, t);
    (void)__wrap_pthread_mutex_unlock(lock);
    WAITING(sg_sem_acquire(t->woken));
    return __wrap_pthread_mutex_lock(lock);
}

int __wrap_pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *lock, const struct timespec *until)
{
    sim_thread_t *t = self();
    waiting_t *w = (waiting_t *)(void *)cond;
    const double seconds = (double)until->tv_sec + 1e-9 * (double)until->tv_nsec - simgrid_get_clock();
    int late;

    line_up(w, t);
    (void)__wrap_pthread_mutex_unlock(lock);
    WAITING(late = sg_sem_acquire_timeout(t->woken, seconds > 1e-9 ? seconds : 1e-9));
    if (late && !leave(w, t)) sg_sem_acquire(t->woken); /* woken in the same moment */
    (void)__wrap_pthread_mutex_lock(lock);
    return late ? ETIMEDOUT : 0;
}

static void take_first(waiting_t *w)
{
    sim_thread_t *t = w->first;

    w->first = t->next;
    t->next = to_wake;
    to_wake = t;
}

int __wrap_pthread_cond_signal(pthread_cond_t *cond)
{
    waiting_t *w = (waiting_t *)(void *)cond;

    if (w->first != NULL) take_first(w);
    if (self()->locks == 0) wake();
    return 0;
}

int __wrap_pthread_cond_broadcast(pthread_cond_t *cond)
{
    waiting_t *w = (waiting_t *)(void *)cond;

    while (w->first != NULL) take_first(w);
    if (self()->locks == 0) wake();
    return 0;
}

/* ------------------------------------------------------------- a main thread that sleeps (a futex) */

/* It alone hears the threads of its rank. */
static void rouse(simulation_rank_t *rank)
{
    sim_thread_t *t = rank->sleeper;

    if (t == NULL) return;
    rank->sleeper = NULL;
    t->next = to_wake;
    to_wake = t;
    if (self()->locks == 0) wake();
}

static void sleep_until_roused(simulation_rank_t *rank, double longest)
{
    int late;

    rank->sleeper = self();
    WAITING(late = sg_sem_acquire_timeout(self()->woken, longest));
    if (late && rank->sleeper == NULL) sg_sem_acquire(self()->woken); /* in the same moment */
    rank->sleeper = NULL;
}

/* Looking again and again, in vain, takes this machine long. So at the longest pause that there is (items_engine.c) it
 * sleeps until something happens that it could see, or reports are due, and then until it would have looked. */
static void sleep_on(simulation_rank_t *rank, const uint32_t *place, uint32_t value, double seconds)
{
    const double longest_pause = 500e-6, long_enough = 0.1, start = simgrid_get_clock();
    const double most = fmin(start + long_enough, rank->due) - start;

    rank->looks = fabs(seconds - longest_pause) < 1e-9 && most > seconds && rank->on_the_way[SIMULATION_MAIL_TAG] == 0;
    sleep_until_roused(rank, rank->looks ? most : seconds);
    if (!rank->looks) return;
    rank->looks = 0;
    if (*place == value) sleep_until_roused(rank, seconds - fmod(simgrid_get_clock() - start, seconds));
}

void __real_furrow_engine_doze(furrow_engine_t *, double);
void __wrap_furrow_engine_doze(furrow_engine_t *engine, double longest)
{
    self()->rank->due = engine->due;
    __real_furrow_engine_doze(engine, longest);
}

/* Something happened on the rank. */
void simulation_show(simulation_rank_t *rank)
{
    if (rank->looks) rouse(rank);
}

long __wrap_syscall(long number, ...)
{
    simulation_rank_t *rank = self()->rank;
    const struct timespec *time;
    va_list args;

    va_start(args, number);
    const uint32_t *place = va_arg(args, uint32_t *);
    const int what = va_arg(args, int);
    const uint32_t value = va_arg(args, uint32_t);
    time = va_arg(args, const struct timespec *);
    va_end(args);
    if (number != SYS_futex) abort();
    if (what == FUTEX_WAKE) rouse(rank);
    if (what == FUTEX_WAIT && *place == value)
        sleep_on(rank, place, value, (double)time->tv_sec + 1e-9 * (double)time->tv_nsec);
    return 0;
}

/* What it sets is a thread's own. */
void __wrap_furrow_work_beside(void)
{
}

/* ------------------------------------------------------------- time, memory */

int __wrap_clock_gettime(clockid_t clock, struct timespec *out)
{
    const double now = simgrid_get_clock();

    (void)clock;
    out->tv_sec = (time_t)now;
    out->tv_nsec = (long)((now - (double)out->tv_sec) * 1e9);
    return 0;
}

static void *count_in(void *memory)
{
    const sim_thread_t *t = memory == NULL || all_ranks == NULL ? NULL : self();

    if (t == NULL) return memory;
    t->rank->memory += (int64_t)malloc_usable_size(memory);
    if (t->rank->memory > t->rank->peak) t->rank->peak = t->rank->memory;
    return memory;
}

static void count_out(void *memory)
{
    const sim_thread_t *t = memory == NULL || all_ranks == NULL ? NULL : self();

    if (t != NULL) t->rank->memory -= (int64_t)malloc_usable_size(memory);
}

void *__wrap_malloc(size_t bytes)
{
    return count_in(__real_malloc(bytes));
}

void *__wrap_calloc(size_t count, size_t size)
{
    return count_in(__real_calloc(count, size));
}

void *__wrap_realloc(void *memory, size_t bytes)
{
    count_out(memory);
    void *larger = __real_realloc(memory, bytes);
    return count_in(larger == NULL ? memory : larger) == NULL ? NULL : larger;
}

void *__wrap_aligned_alloc(size_t alignment, size_t bytes)
{
    return count_in(__real_aligned_alloc(alignment, bytes));
}

void __wrap_free(void *memory)
{
    count_out(memory);
    __real_free(memory);
}
