/* Owns the start of isolation and the connection to the server, which threads share: one order at a time. */
#include "isolate.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "isolate_wire.h"

static const double longest_order = 60.0; /* seconds; more is a system that does not go on */

/* The one of this process. */
static struct {
    pthread_mutex_t lock; /* of `socket`: an order and its answer, and the next */
    atomic_int socket;    /* -1: there is none */
    bool lost;            /* it does not answer any more */
    pid_t pid;
} server = {.lock = PTHREAD_MUTEX_INITIALIZER, .socket = -1};

/* ------------------------------------------------------------- the server */

/* The thread sanitizer has a thread of its own. */
#if defined(__SANITIZE_THREAD__)
enum { THREADS_AT_START = 2 };
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
enum { THREADS_AT_START = 2 };
#else
enum { THREADS_AT_START = 1 };
#endif
#else
enum { THREADS_AT_START = 1 };
#endif

static int count_threads(void)
{
    DIR *folder = opendir("/proc/self/task");
    int threads = 0;

    if (folder == NULL) return 0;
    for (struct dirent *e; (e = readdir(folder)) != NULL;)
        if (e->d_name[0] != '.') threads++;
    (void)closedir(folder);
    return threads;
}

static furrow_status_t refuse_start(furrow_error_t *err)
{
    const int threads = count_threads();

    if (atomic_load(&server.socket) >= 0) return furrow_fail(err, FURROW_EARG, "isolation was started already");
    if (threads <= THREADS_AT_START) return FURROW_OK;
    return furrow_fail(err, FURROW_EARG, "isolation must start before MPI and before any thread: %d threads run",
                       threads);
}

static bool comes_within(int socket, double seconds)
{
    const double until = furrow_seconds() + seconds;
    struct pollfd what = {.fd = socket, .events = POLLIN};
    int ready;

    do ready = poll(&what, 1, (int)(1e3 * fmax(0.0, until - furrow_seconds())));
    while (ready < 0 && errno == EINTR);
    return ready > 0;
}

static bool hear_of_made(int socket, furrow_made_t *made, int *fd)
{
    return comes_within(socket, longest_order) &&
           furrow_wire_receive(socket, made, sizeof *made, fd, 1) == sizeof *made;
}

static void wait_for_process(pid_t pid)
{
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) continue;
}

furrow_status_t furrow_isolation_start(furrow_error_t *err)
{
    const pid_t self = getpid();
    furrow_made_t ready = {.error = ECHILD};
    int ends[2], none;

    furrow_error_clear(err);
    const furrow_status_t status = refuse_start(err);
    if (status != FURROW_OK) return status;
    if (!furrow_wire_pair(ends)) return furrow_fail_errno(err, "isolation", "make a socket");
    (void)fflush(NULL); /* or children would have the same bytes to write */
    const pid_t pid = fork();
    if (pid == 0) furrow_server_run(ends[1], self);
    const int number = errno;
    (void)close(ends[1]);
    if (pid > 0 && hear_of_made(ends[0], &ready, &none) && ready.error == 0) {
        server.pid = pid;
        server.lost = false;
        atomic_store(&server.socket, ends[0]);
        return FURROW_OK;
    }
    (void)close(ends[0]);
    errno = pid < 0 ? number : (int)ready.error;
    furrow_fail_errno(err, "isolation", "start the server process");
    if (pid > 0 && kill(pid, SIGKILL) == 0) wait_for_process(pid);
    return FURROW_EIO;
}

void furrow_isolation_stop(void)
{
    pthread_mutex_lock(&server.lock);
    const int socket = atomic_exchange(&server.socket, -1);
    if (socket >= 0) {
        (void)close(socket);
        wait_for_process(server.pid);
        server.pid = 0;
    }
    pthread_mutex_unlock(&server.lock);
}

pid_t furrow_isolation_server(void)
{
    return server.pid;
}

int furrow_server_socket(void)
{
    return atomic_load(&server.socket);
}

furrow_status_t furrow_server_fail(furrow_error_t *err)
{
    return furrow_fail(err, FURROW_EIO, "isolation: the server process %lld is gone or does not answer",
                       (long long)server.pid);
}

/* With the lock held. The answer to an order that took too long must not be taken for that of the next. */
static furrow_status_t order_child(furrow_made_t *made, int *socket, furrow_error_t *err)
{
    const furrow_order_t order = {.kind = FURROW_ORDER_FORK};
    const int to = atomic_load(&server.socket);

    if (to < 0)
        return furrow_fail(err, FURROW_EARG,
                           "isolation was not started: call furrow_isolation_start() before furrow_context_open()");
    if (!server.lost)
        server.lost = !furrow_wire_send(to, &order, sizeof order, NULL, 0) || !hear_of_made(to, made, socket);
    if (server.lost) return furrow_server_fail(err);
    if (made->error == 0 && *socket < 0) made->error = EMFILE;
    if (made->error == 0) return FURROW_OK;
    errno = (int)made->error;
    return furrow_fail_errno(err, "isolation", "make a child process");
}

furrow_status_t furrow_server_fork(furrow_made_t *made, int *socket, furrow_error_t *err)
{
    pthread_mutex_lock(&server.lock);
    const furrow_status_t status = order_child(made, socket, err);
    pthread_mutex_unlock(&server.lock);
    return status;
}

void furrow_server_kill(int64_t id)
{
    const furrow_order_t order = {.kind = FURROW_ORDER_KILL, .id = id};

    pthread_mutex_lock(&server.lock);
    const int to = atomic_load(&server.socket);
    if (to >= 0 && id != 0) (void)furrow_wire_send(to, &order, sizeof order, NULL, 0);
    pthread_mutex_unlock(&server.lock);
}
