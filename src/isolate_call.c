/* Owns children as seen by the threads that use them.
 *
 * A call sends one small request and sleeps until the answer or the end of the process is told on the same socket; data
 * lie in shared memory. After a timeout the process is killed and its end waited for: until then it may still write. */
#include "isolate.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "isolate_wire.h"
#include "mem.h"

static const double longest_kill = 60.0; /* seconds; more is a system that does not go on */

struct furrow_child {
    furrow_child_opts_t opts;
    furrow_arena_t arena[FURROW_ARENAS];
    int socket; /* -1: no process */
    atomic_llong id;
    atomic_int pid;
    furrow_error_t broken; /* why there will be no process any more */
};

/* ------------------------------------------------------------ conversation */

typedef enum { HEARD, LATE, LOST } heard_t;

static struct timespec time_left(double until)
{
    const double left = fmin(fmax(0.0, until - furrow_seconds()), 1e9);
    const double whole = floor(left);

    return (struct timespec){(time_t)whole, (long)(1e9 * (left - whole))};
}

/* The next message of a child, or of the server about it. The socket of a child that left one of ours unread gives an
 * error first. Someone whom the child left behind may hold its socket open: the end of the server counts as well. */
static heard_t listen_to(const furrow_child_t *child, double until, furrow_answer_t *answer)
{
    struct pollfd what[] = {{.fd = child->socket, .events = POLLIN}, {.fd = furrow_server_socket()}};

    for (;;) {
        const struct timespec left = isinf(until) ? (struct timespec){0} : time_left(until);
        const int ready = ppoll(what, 2, isinf(until) ? NULL : &left, NULL);
        if (ready < 0 && errno == EINTR) continue;
        if (ready == 0) return LATE;
        if (ready > 0 && what[0].revents == 0) return LOST;
        const ssize_t got = furrow_wire_receive(child->socket, answer, sizeof *answer, NULL, 0);
        if (got < 0 && errno == ECONNRESET) continue;
        if (got <= (ssize_t)offsetof(furrow_answer_t, text)) return LOST;
        answer->text[sizeof answer->text - 1] = '\0';
        return HEARD;
    }
}

static double deadline(double timeout_s)
{
    return timeout_s > 0 ? furrow_seconds() + timeout_s : INFINITY;
}

static void forget_process(furrow_child_t *child)
{
    if (child->socket >= 0) (void)close(child->socket);
    child->socket = -1;
    atomic_store(&child->id, 0);
    atomic_store(&child->pid, 0);
}

static furrow_status_t break_child(furrow_child_t *child, furrow_status_t status, const furrow_error_t *why,
                                   furrow_error_t *err)
{
    forget_process(child);
    child->broken = *why;
    child->broken.status = status;
    if (err != NULL) *err = child->broken;
    return status;
}

static furrow_status_t lose_child(furrow_child_t *child, furrow_error_t *err)
{
    furrow_error_t error;

    return break_child(child, furrow_server_fail(&error), &error, err);
}

/* Kill the process and wait for its end. */
static furrow_status_t end_process(furrow_child_t *child, furrow_error_t *err)
{
    furrow_answer_t answer;
    furrow_error_t error;
    heard_t heard;

    furrow_server_kill(atomic_load(&child->id));
    const double until = furrow_seconds() + longest_kill;
    do heard = listen_to(child, until, &answer);
    while (heard == HEARD && answer.kind != FURROW_ANSWER_ENDED);
    if (heard == LOST) return lose_child(child, err);
    if (heard == LATE) {
        const furrow_status_t status =
            furrow_fail(&error, FURROW_EIO, "isolation: process %d does not end when killed", atomic_load(&child->pid));
        return break_child(child, status, &error, err);
    }
    forget_process(child);
    return FURROW_OK;
}

static void describe_end(int64_t wait_status, furrow_child_outcome_t *out)
{
    const int status = (int)wait_status;

    if (WIFEXITED(status)) {
        out->end = FURROW_CHILD_EXITED;
        out->value = WEXITSTATUS(status);
        (void)snprintf(out->text, sizeof out->text, "ended with exit code %d", out->value);
        return;
    }
    out->end = FURROW_CHILD_KILLED;
    out->value = WTERMSIG(status);
    /* Other signals have no name, and a description of them no room of its own. */
    const char *name = out->value < SIGRTMIN ? strsignal(out->value) : "real-time signal";
    (void)snprintf(out->text, sizeof out->text, "killed by signal %d (%s)", out->value, name);
}

/* Wait for the answer to a request, or for how the process ended instead. */
static furrow_status_t hear_outcome(furrow_child_t *child, double timeout_s, furrow_child_outcome_t *out,
                                    furrow_answer_t *answer, furrow_error_t *err)
{
    const heard_t heard = listen_to(child, deadline(timeout_s), answer);

    *out = (furrow_child_outcome_t){.end = FURROW_CHILD_DONE};
    if (heard == LOST) return lose_child(child, err);
    if (heard == LATE) {
        out->end = FURROW_CHILD_LATE;
        (void)snprintf(out->text, sizeof out->text, "over %g s", timeout_s);
        return end_process(child, err);
    }
    if (answer->kind == FURROW_ANSWER_ENDED) {
        describe_end(answer->value, out);
        forget_process(child);
    }
    return FURROW_OK;
}

/* -------------------------------------------------------- where data lie */

static bool lies_in(const furrow_arena_t *arena, const void *data, int64_t bytes)
{
    const uintptr_t base = (uintptr_t)arena->base, start = (uintptr_t)data;

    return arena->base != NULL && start >= base && start - base <= (uintptr_t)arena->bytes &&
           (uintptr_t)bytes <= (uintptr_t)arena->bytes - (start - base);
}

/* Where the child finds it: in what is lent, or in scratch memory from `*used` on. False: too big for any memory. */
static bool find_place(const furrow_child_t *child, const void *data, int64_t bytes, int64_t *used, furrow_place_t *out)
{
    enum { ALIGNMENT = 64 };
    const furrow_arena_t *lent = &child->arena[FURROW_ARENA_LENT];

    if (lies_in(lent, data, bytes)) {
        *out = (furrow_place_t){FURROW_ARENA_LENT, (const char *)data - lent->base, bytes};
        return true;
    }
    *out = (furrow_place_t){FURROW_ARENA_SCRATCH, *used, bytes};
    if (bytes > INT64_MAX - ALIGNMENT - *used) return false;
    *used += (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    return true;
}

/* Puts the argument and room for the result where the child finds them. */
static furrow_status_t place(furrow_child_t *child, const void *arg, int64_t arg_bytes, const void *result,
                             int64_t result_bytes, furrow_request_t *request, furrow_error_t *err)
{
    furrow_arena_t *scratch = &child->arena[FURROW_ARENA_SCRATCH];
    int64_t used = 0;

    if (arg_bytes < 0 || result_bytes < 0)
        return furrow_fail(err, FURROW_EARG, "an item of %lld bytes with a result of %lld bytes", (long long)arg_bytes,
                           (long long)result_bytes);
    if (!find_place(child, arg, arg_bytes, &used, &request->arg) ||
        !find_place(child, result, result_bytes, &used, &request->result))
        return furrow_fail(err, FURROW_ENOMEM, "out of memory: an item of %lld bytes with a result of %lld bytes",
                           (long long)arg_bytes, (long long)result_bytes);
    const furrow_status_t status = furrow_arena_grow(scratch, used, err);
    if (status != FURROW_OK) return status;
    if (request->arg.arena == FURROW_ARENA_SCRATCH && arg_bytes > 0)
        memcpy(scratch->base + request->arg.offset, arg, (size_t)arg_bytes);
    for (int i = 0; i < FURROW_ARENAS; i++) request->arena_bytes[i] = child->arena[i].bytes;
    return FURROW_OK;
}

/* --------------------------------------------------------------- processes */

/* A status that `init` may give; other values are taken for a failure without a name. */
static furrow_status_t as_status(int64_t value)
{
    switch (value) {
#define SAME(name, number, text)                                                                                       \
    case (number): return FURROW_##name;
        FURROW_STATUS_LIST(SAME)
#undef SAME
    default: return FURROW_EIO;
    }
}

/* What became of `init`, which is final if it failed. */
static furrow_status_t judge_init(furrow_child_t *child, const furrow_child_outcome_t *out,
                                  const furrow_answer_t *answer, furrow_error_t *err)
{
    furrow_error_t error;

    if (out->end != FURROW_CHILD_DONE) {
        (void)furrow_fail(&error, FURROW_EIO, "the initializer: %.900s", out->text);
        return break_child(child, FURROW_EIO, &error, err);
    }
    const furrow_status_t status = as_status(answer->value);
    if (status == FURROW_OK) return FURROW_OK;
    if (answer->text[0] == '\0')
        (void)furrow_fail(&error, status, "the initializer failed with status %lld", (long long)answer->value);
    else
        (void)furrow_fail(&error, status, "%s", answer->text);
    error.sys_errno = (int)answer->sys_errno;
    return break_child(child, status, &error, err); /* it ends when its socket does */
}

/* Tell a new process all that it needs. */
static furrow_status_t introduce(furrow_child_t *child, furrow_error_t *err)
{
    const furrow_child_opts_t *opts = &child->opts;
    const int fd[FURROW_ARENAS] = {child->arena[FURROW_ARENA_LENT].fd, child->arena[FURROW_ARENA_SCRATCH].fd};
    furrow_request_t request = {.kind = FURROW_REQUEST_INIT, .init = opts->init, .finish = opts->finish};
    furrow_child_outcome_t out;
    furrow_answer_t answer;

    furrow_status_t status = place(child, opts->init_arg, opts->init_bytes, NULL, 0, &request, err);
    if (status != FURROW_OK) return status;
    (void)furrow_wire_send(child->socket, &request, sizeof request, fd, FURROW_ARENAS);
    status = hear_outcome(child, opts->init_timeout_s, &out, &answer, err);
    return status != FURROW_OK ? status : judge_init(child, &out, &answer, err);
}

static furrow_status_t make_process(furrow_child_t *child, furrow_error_t *err)
{
    furrow_made_t made = {0};
    int socket = -1;

    furrow_status_t status = furrow_server_fork(&made, &socket, err);
    if (status != FURROW_OK) return status;
    child->socket = socket;
    atomic_store(&child->pid, (int)made.pid);
    atomic_store(&child->id, made.id);
    status = introduce(child, err);
    if (status != FURROW_OK) forget_process(child);
    return status;
}

/* True if the process lives. What it sent between items can only be its end. */
static bool is_alive(furrow_child_t *child)
{
    char byte;

    if (child->socket < 0) return false;
    if (recv(child->socket, &byte, 1, MSG_DONTWAIT | MSG_PEEK) < 0 && (errno == EAGAIN || errno == EINTR)) return true;
    forget_process(child);
    return false;
}

/* --------------------------------------------------------------- interface */

static furrow_status_t copy_opts(furrow_child_t *child, const furrow_child_opts_t *opts, furrow_error_t *err)
{
    void *copy;

    child->opts = *opts;
    child->opts.init_arg = NULL;
    if (opts->init_bytes < 0)
        return furrow_fail(err, FURROW_EARG, "an initializer with %lld bytes", (long long)opts->init_bytes);
    const furrow_status_t status = furrow_alloc(opts->init_bytes, 1, &copy, err);
    if (status != FURROW_OK) return status;
    if (opts->init_bytes > 0) memcpy(copy, opts->init_arg, (size_t)opts->init_bytes);
    child->opts.init_arg = copy;
    return FURROW_OK;
}

static void free_child(furrow_child_t *child)
{
    forget_process(child);
    for (int i = 0; i < FURROW_ARENAS; i++) furrow_arena_free(&child->arena[i]);
    free((void *)(uintptr_t)child->opts.init_arg);
    free(child);
}

furrow_status_t furrow_child_open(const furrow_child_opts_t *opts, furrow_child_t **out, furrow_error_t *err)
{
    void *room;

    *out = NULL;
    furrow_error_clear(err);
    furrow_status_t status = furrow_alloc(1, sizeof(furrow_child_t), &room, err);
    if (status != FURROW_OK) return status;
    furrow_child_t *child = room;
    child->socket = child->arena[FURROW_ARENA_LENT].fd = child->arena[FURROW_ARENA_SCRATCH].fd = -1;
    status = copy_opts(child, opts, err);
    for (int i = 0; i < FURROW_ARENAS && status == FURROW_OK; i++) status = furrow_arena_make(&child->arena[i], err);
    if (status == FURROW_OK) status = make_process(child, err);
    if (status != FURROW_OK) {
        free_child(child);
        return status;
    }
    *out = child;
    return FURROW_OK;
}

furrow_status_t furrow_child_memory(furrow_child_t *child, int64_t bytes, void **out, furrow_error_t *err)
{
    furrow_arena_t *lent = &child->arena[FURROW_ARENA_LENT];

    furrow_error_clear(err);
    const furrow_status_t status = furrow_arena_grow(lent, bytes > 0 ? bytes : 1, err);
    if (status == FURROW_OK) *out = lent->base;
    return status;
}

static void take_result(furrow_child_t *child, const furrow_child_item_t *item, const furrow_request_t *request,
                        const furrow_answer_t *answer, furrow_child_outcome_t *out)
{
    out->value = (int)answer->value;
    if (out->value == 0) {
        if (request->result.arena == FURROW_ARENA_SCRATCH && item->result_bytes > 0)
            memcpy(item->result, child->arena[FURROW_ARENA_SCRATCH].base + request->result.offset,
                   (size_t)item->result_bytes);
        return;
    }
    out->end = FURROW_CHILD_FAILED;
    if (answer->text[0] == '\0')
        (void)snprintf(out->text, sizeof out->text, "failed with status %d", out->value);
    else
        (void)snprintf(out->text, sizeof out->text, "%s", answer->text);
    furrow_keep_on_one_line(out->text);
}

furrow_status_t furrow_child_call(furrow_child_t *child, const furrow_child_item_t *item, furrow_child_outcome_t *out,
                                  furrow_error_t *err)
{
    furrow_request_t request = {.kind = FURROW_REQUEST_ITEM, .function = item->function, .index = item->index};
    furrow_answer_t answer;
    furrow_status_t status = FURROW_OK;

    furrow_error_clear(err);
    if (child->broken.status != FURROW_OK) {
        if (err != NULL) *err = child->broken;
        return child->broken.status;
    }
    if (!is_alive(child)) status = make_process(child, err);
    if (status == FURROW_OK)
        status = place(child, item->arg, item->arg_bytes, item->result, item->result_bytes, &request, err);
    if (status != FURROW_OK) return status;
    (void)furrow_wire_send(child->socket, &request, sizeof request, NULL, 0);
    status = hear_outcome(child, item->timeout_s, out, &answer, err);
    if (status == FURROW_OK && out->end == FURROW_CHILD_DONE) take_result(child, item, &request, &answer, out);
    return status;
}

void furrow_child_kill(furrow_child_t *child)
{
    furrow_server_kill(atomic_load(&child->id));
}

pid_t furrow_child_pid(const furrow_child_t *child)
{
    return atomic_load(&child->pid);
}

/* Ask the process to end, and say what became of `finish`. */
static furrow_status_t finish_process(furrow_child_t *child, furrow_error_t *err)
{
    furrow_child_outcome_t out;
    furrow_answer_t answer;

    (void)shutdown(child->socket, SHUT_WR);
    const furrow_status_t status = hear_outcome(child, child->opts.init_timeout_s, &out, &answer, err);
    if (status != FURROW_OK || (out.end == FURROW_CHILD_EXITED && out.value == 0)) return status;
    return furrow_fail(err, FURROW_EIO, "the finalizer: %.900s", out.text);
}

furrow_status_t furrow_child_close(furrow_child_t *child, furrow_error_t *err)
{
    furrow_status_t status = FURROW_OK;

    furrow_error_clear(err);
    if (child == NULL) return FURROW_OK;
    if (is_alive(child)) status = finish_process(child, err);
    free_child(child);
    return status;
}
