/** \file isolate_wire.h
 * What the processes of isolation say to each other: the one that works on the whole (isolate.c,
 * isolate_call.c), the server that it
 * forked (isolate_server.c), the children that the server forks (isolate_child.c). Parallel layer; for these alone.
 *
 * All are forks of one image, so that structures and functions mean the same to all. Sockets keep messages apart
 * (SOCK_SEQPACKET). A child's end of its socket is open in the server too, which sends the last message: how it died.
 */
#ifndef FURROW_ISOLATE_WIRE_H
#define FURROW_ISOLATE_WIRE_H

#include "isolate.h"

/* ----------------------------------------------------------- shared memory */

/* LENT: furrow_child_memory(). SCRATCH: what is copied. */
enum { FURROW_ARENA_LENT, FURROW_ARENA_SCRATCH, FURROW_ARENAS };

/* A file in memory, mapped from its start. */
typedef struct {
    int fd;
    char *base;
    int64_t bytes;
} furrow_arena_t;

FURROW_MUST_CHECK furrow_status_t furrow_arena_make(furrow_arena_t *arena, furrow_error_t *err);

/* At least `bytes`. The pages are there afterwards: memory that ends shows here, not as a signal when it is touched. */
FURROW_MUST_CHECK furrow_status_t furrow_arena_grow(furrow_arena_t *arena, int64_t bytes, furrow_error_t *err);

void furrow_arena_free(furrow_arena_t *arena);

/* `bytes` of the file are mapped, perhaps elsewhere than before. False: errno tells, nothing is changed. */
bool furrow_arena_map(furrow_arena_t *arena, int64_t bytes);

typedef struct {
    int64_t arena, offset, bytes;
} furrow_place_t;

/* ---------------------------------------------------------------- messages */

/* To the server. FORK is answered, KILL is not. A child has a number of its own: the system uses those of processes
 * again. */
typedef enum { FURROW_ORDER_FORK, FURROW_ORDER_KILL } furrow_order_kind_t;

typedef struct {
    int64_t kind, id;
} furrow_order_t;

/* Comes with the socket to the child, unless `error` (an errno) is set. Also the first message of a server: ready. */
typedef struct {
    int64_t error, id, pid;
} furrow_made_t;

/* To a child; the first one is INIT and comes with the files of its arenas. */
typedef enum { FURROW_REQUEST_INIT, FURROW_REQUEST_ITEM } furrow_request_kind_t;

typedef struct {
    int64_t kind;
    furrow_isolated_init_fn *init;
    furrow_isolated_finish_fn *finish;
    furrow_isolated_fn *function;
    int64_t index;
    furrow_place_t arg, result;
    int64_t arena_bytes[FURROW_ARENAS];
} furrow_request_t;

/* DONE: what the function returned. ENDED, from the server: the process's wait status. The text is sent as far as it is
 * used. */
typedef enum { FURROW_ANSWER_DONE, FURROW_ANSWER_ENDED } furrow_answer_kind_t;

typedef struct {
    int64_t kind, value, sys_errno;
    char text[1024];
} furrow_answer_t;

/* Two connected sockets, above the numbers of the standard streams. False: errno tells. */
bool furrow_wire_pair(int ends[2]);

/* Send one message with `fds` descriptors. False: errno tells. */
bool furrow_wire_send(int socket, const void *message, size_t bytes, const int *fd, int fds);

/* Receive one message; descriptors that do not come are -1. \return its bytes, 0 at the end, -1: errno tells */
ssize_t furrow_wire_receive(int socket, void *message, size_t bytes, int *fd, int fds);

/* --------------------------------------------------- connection to the server */

/* All may be called by any thread. */

/* A new child and the socket to it. \return FURROW_OK, FURROW_EARG: not started, FURROW_EIO */
FURROW_MUST_CHECK furrow_status_t furrow_server_fork(furrow_made_t *made, int *socket, furrow_error_t *err);

/* Kill a child by its number; one that is not there, or number 0, is fine. */
void furrow_server_kill(int64_t id);

/* To see its end; -1 if there is none. */
int furrow_server_socket(void);

/* FURROW_EIO: it is gone. */
furrow_status_t furrow_server_fail(furrow_error_t *err);

/* --------------------------------------------------------------- processes */

/* The server, for as long as the process `parent` lives and its end of `socket` is open. */
_Noreturn void furrow_server_run(int socket, pid_t parent);

/* A child, for as long as the process `server` lives and the other end of `socket` is open. */
_Noreturn void furrow_child_run(int socket, pid_t server);

#endif
