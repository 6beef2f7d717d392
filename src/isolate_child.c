/* Owns the child processes: each takes requests from its socket, one after the other, until the socket ends. */
#include "isolate_wire.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct {
    int socket;
    furrow_arena_t arena[FURROW_ARENAS];
    void *state;
    furrow_isolated_finish_fn *finish; /* once `init` was fine */
} child_t;

/* ------------------------------------------------------------------- start */

/* As after exec, but for those that address a whole job, and the one that stops a writer in the background. */
static void settle_signals(void)
{
    static const int ignored[] = {SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2, SIGTTOU};
    sigset_t none;

    for (int number = 1; number <= SIGRTMAX; number++) (void)signal(number, SIG_DFL);
    for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++) (void)signal(ignored[i], SIG_IGN);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* exit() calls the last one first: what the parent registered before the fork concerns the parent, and is not
 * reached. */
static void end_here(int code, void *arg)
{
    (void)arg;
    (void)fflush(NULL);
    _exit(code);
}

static void settle(pid_t server)
{
    (void)setpgid(0, 0);
    (void)prctl(PR_SET_PDEATHSIG, (long)SIGKILL);
    if (getppid() != server) _exit(0);
    settle_signals();
    (void)on_exit(end_here, NULL);
}

/* ---------------------------------------------------------------- requests */

static bool map_arenas(child_t *c, const furrow_request_t *request)
{
    for (int i = 0; i < FURROW_ARENAS; i++)
        if (request->arena_bytes[i] > c->arena[i].bytes && !furrow_arena_map(&c->arena[i], request->arena_bytes[i]))
            return false;
    return true;
}

static void *address(const child_t *c, const furrow_place_t *place)
{
    const furrow_arena_t *arena = &c->arena[place->arena];

    return arena->base == NULL ? NULL : arena->base + place->offset;
}

static void run_init(child_t *c, const furrow_request_t *request, furrow_answer_t *answer)
{
    furrow_error_t error = {0};

    if (request->init != NULL)
        answer->value = request->init(address(c, &request->arg), request->arg.bytes, &c->state, &error);
    if (answer->value == FURROW_OK) c->finish = request->finish;
    answer->sys_errno = error.sys_errno;
    memcpy(answer->text, error.text, sizeof answer->text);
}

static void run_item(child_t *c, const furrow_request_t *request, furrow_answer_t *answer)
{
    void *result = address(c, &request->result);

    if (request->result.arena == FURROW_ARENA_SCRATCH && request->result.bytes > 0)
        memset(result, 0, (size_t)request->result.bytes);
    answer->value = request->function(c->state, request->index, address(c, &request->arg), request->arg.bytes, result,
                                      request->result.bytes, answer->text, sizeof answer->text);
}

static void answer_request(child_t *c, const furrow_request_t *request)
{
    furrow_answer_t answer = {.kind = FURROW_ANSWER_DONE};

    if (!map_arenas(c, request)) {
        answer.value = FURROW_ENOMEM;
        (void)snprintf(answer.text, sizeof answer.text, "the child process cannot map the memory of the item");
    } else if (request->kind == FURROW_REQUEST_INIT) {
        run_init(c, request, &answer);
    } else {
        run_item(c, request, &answer);
    }
    (void)fflush(stdout); /* what an item prints must not wait for an end that may be a crash */
    answer.text[sizeof answer.text - 1] = '\0';
    const size_t used = offsetof(furrow_answer_t, text) + strlen(answer.text) + 1;
    if (!furrow_wire_send(c->socket, &answer, used, NULL, 0)) _exit(0);
}

_Noreturn void furrow_child_run(int socket, pid_t server)
{
    child_t c = {.socket = socket};
    furrow_request_t request;
    int fd[FURROW_ARENAS];

    settle(server);
    while (furrow_wire_receive(socket, &request, sizeof request, fd, FURROW_ARENAS) == sizeof request) {
        for (int i = 0; i < FURROW_ARENAS; i++)
            if (fd[i] >= 0) c.arena[i].fd = fd[i];
        answer_request(&c, &request);
    }
    if (c.finish != NULL) c.finish(c.state);
    (void)fflush(NULL);
    _exit(0);
}
