/** \file terminal.h
 * What passes between a running command and its terminal: the progress line, and Ctrl-C.
 */
#ifndef FURROW_TERMINAL_H
#define FURROW_TERMINAL_H

#include "cli.h"

/** Start telling progress on standard error: `mode` is "auto" (on a terminal only), "always" or "never". Rank 0 shows
 * it. */
void terminal_show_progress(cli_t *cli, const char *mode);

/** Take the line away, if there is one. */
void terminal_end_progress(void);

/** SIGINT, SIGTERM and SIGUSR1 cancel `ctx`; a second one ends the process at once. SIGUSR1 is for Open MPI's mpirun,
 * which passes it on, where a SIGTERM makes it kill the ranks a second later. */
void terminal_catch_signals(furrow_context_t *ctx);

/** These signals end the process again, as they do by default. */
void terminal_release_signals(void);

/** They do nothing more: the verdict stands. srun --kill-on-bad-exit sends SIGTERM to the other ranks as soon as
 * one has ended with 75 or 3, which must not change how they end. */
void terminal_ignore_signals(void);

#endif
