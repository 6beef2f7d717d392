/* Owns the server process: it forks children on order, kills them on order, and tells how each one died. It has one
 * thread and blocks all signals; those that it wants to see, it reads. It ends with its parent: by the end of its
 * socket, and by a signal where somebody else still holds the other end. */
#include "isolate_wire.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"

static const double longest_end = 5.0; /* seconds that killed children get */

typedef struct {
    int64_t id;
    pid_t pid;
    int socket;
} entry_t;

typedef struct {
    pid_t self, parent;
    int socket, signals;
    entry_t *child;
    int64_t children, room, last_id;
} server_t;

/* ------------------------------------------------------------------- start */

/* Nothing to read; output and errors go where the parent's go. */
static bool settle_standard_streams(int null)
{
    for (int fd = 0; fd <= 2; fd++)
        if ((fd == 0 || fcntl(fd, F_GETFD) < 0) && dup2(null, fd) < 0) return false;
    return true;
}

/* Whoever waits for the end of a pipe of the parent shall not wait for this process. The numbers stay in use, so that a
 * stream that a child inherited, and writes to, hits nothing of ours. */
static bool let_go_of_files(int null, int keep)
{
    DIR *folder = opendir("/proc/self/fd");

    if (folder == NULL) return false;
    for (struct dirent *e; (e = readdir(folder)) != NULL;) {
        const int fd = atoi(e->d_name);
        if (fd <= 2 || fd == keep || fd == null || fd == dirfd(folder)) continue;
        if (dup3(null, fd, O_CLOEXEC) < 0) (void)close(fd); /* over the limit: a number that is not given again */
    }
    (void)closedir(folder);
    return true;
}

static bool open_signals(server_t *s)
{
    sigset_t all, wanted;

    (void)sigfillset(&all);
    (void)sigemptyset(&wanted);
    (void)sigaddset(&wanted, SIGCHLD);
    (void)sigaddset(&wanted, SIGHUP);
    if (signal(SIGCHLD, SIG_DFL) == SIG_ERR || signal(SIGHUP, SIG_DFL) == SIG_ERR) return false;
    if (sigprocmask(SIG_SETMASK, &all, NULL) != 0) return false;
    s->signals = signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
    return s->signals >= 0;
}

static bool settle(server_t *s)
{
    const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    const int high = null < 0 ? -1 : fcntl(null, F_DUPFD_CLOEXEC, 3);

    if (high < 0 || !settle_standard_streams(high) || !let_go_of_files(high, s->socket)) return false;
    (void)close(high);
    if (!open_signals(s)) return false;
    /* What the items of a child leave behind, this process inherits and reaps. */
    return prctl(PR_SET_CHILD_SUBREAPER, 1L) == 0 && prctl(PR_SET_PDEATHSIG, (long)SIGHUP) == 0;
}

/* ----------------------------------------------------------------- children */

static entry_t *find(server_t *s, int64_t id, pid_t pid)
{
    for (entry_t *e = s->child; e < s->child + s->children; e++)
        if (e->id == id || e->pid == pid) return e;
    return NULL;
}

static void kill_all_of(pid_t pid)
{
    (void)kill(-pid, SIGKILL);
    (void)kill(pid, SIGKILL);
}

static void tell_end(server_t *s, entry_t *e, int wait_status)
{
    const furrow_answer_t answer = {.kind = FURROW_ANSWER_ENDED, .value = wait_status};

    (void)furrow_wire_send(e->socket, &answer, sizeof answer, NULL, 0);
    (void)close(e->socket);
    *e = s->child[--s->children];
}

/* A dead leader's group has no other meaning before the leader is reaped: only until then its number may be used. */
static void reap(server_t *s)
{
    for (;;) {
        siginfo_t info = {.si_pid = 0};
        int wait_status;
        if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) return;
        entry_t *e = find(s, 0, info.si_pid);
        if (e != NULL) kill_all_of(e->pid);
        if (waitpid(info.si_pid, &wait_status, 0) == info.si_pid && e != NULL) tell_end(s, e, wait_status);
    }
}

static bool have_room(server_t *s)
{
    if (s->children < s->room) return true;
    const int64_t room = 2 * s->room + 8;
    entry_t *child = realloc(s->child, (size_t)room * sizeof *child);
    if (child == NULL) return false;
    s->child = child;
    s->room = room;
    return true;
}

_Noreturn static void become_child(const server_t *s, int socket)
{
    (void)close(s->socket);
    (void)close(s->signals);
    for (int64_t i = 0; i < s->children; i++) (void)close(s->child[i].socket);
    free(s->child);
    furrow_child_run(socket, s->self);
}

/* False: errno tells. */
static bool fork_child(server_t *s, furrow_made_t *made, int *socket)
{
    int ends[2];

    if (!have_room(s) || !furrow_wire_pair(ends)) return false;
    const pid_t pid = fork();
    if (pid == 0) {
        (void)close(ends[0]);
        become_child(s, ends[1]);
    }
    if (pid < 0) {
        const int number = errno;
        (void)close(ends[0]);
        (void)close(ends[1]);
        errno = number;
        return false;
    }
    (void)setpgid(pid, pid); /* it does so too: whoever comes first */
    s->child[s->children++] = (entry_t){.id = ++s->last_id, .pid = pid, .socket = ends[1]};
    *made = (furrow_made_t){.id = s->last_id, .pid = pid};
    *socket = ends[0];
    return true;
}

static void make_child(server_t *s)
{
    furrow_made_t made = {0};
    int socket = -1;

    if (!fork_child(s, &made, &socket)) made.error = errno;
    (void)furrow_wire_send(s->socket, &made, sizeof made, &socket, socket < 0 ? 0 : 1);
    if (socket >= 0) (void)close(socket);
}

/* -------------------------------------------------------------------- life */

/* False: the other side is gone. */
static bool obey(server_t *s)
{
    furrow_order_t order;
    const ssize_t got = furrow_wire_receive(s->socket, &order, sizeof order, NULL, 0);

    if (got <= 0) return false;
    if (got != sizeof order) return true;
    if (order.kind == FURROW_ORDER_FORK) {
        make_child(s);
    } else {
        const entry_t *e = find(s, order.id, 0);
        if (e != NULL) kill_all_of(e->pid);
    }
    return true;
}

/* Signals of one kind become one: what there is to know of them, the system knows. */
static void empty_signals(const server_t *s)
{
    struct signalfd_siginfo info[8];

    while (read(s->signals, info, sizeof info) > 0) continue;
}

static bool serve(server_t *s)
{
    struct pollfd what[] = {{.fd = s->socket, .events = POLLIN}, {.fd = s->signals, .events = POLLIN}};

    if (poll(what, 2, -1) < 0) return errno == EINTR;
    if (what[1].revents != 0) {
        empty_signals(s);
        reap(s);
        if (getppid() != s->parent) return false;
    }
    return what[0].revents == 0 || obey(s);
}

static void end_children(server_t *s)
{
    const double until = furrow_seconds() + longest_end;

    for (int64_t i = 0; i < s->children; i++) kill_all_of(s->child[i].pid);
    while (s->children > 0 && furrow_seconds() < until) {
        struct pollfd what = {.fd = s->signals, .events = POLLIN};
        (void)poll(&what, 1, 100);
        empty_signals(s);
        reap(s);
    }
}

_Noreturn void furrow_server_run(int socket, pid_t parent)
{
    server_t s = {.self = getpid(), .parent = parent, .socket = socket, .signals = -1};
    const bool good = settle(&s);
    const furrow_made_t ready = {.error = good ? 0 : errno, .pid = s.self};

    (void)furrow_wire_send(s.socket, &ready, sizeof ready, NULL, 0);
    if (good && getppid() == parent) {
        while (serve(&s)) continue;
        end_children(&s);
    }
    _exit(0);
}
