/** \file watchdog.h
 * Ends the process when nothing is finished any more: --stall-timeout.
 */
#ifndef FURROW_WATCHDOG_H
#define FURROW_WATCHDOG_H

#include "cli.h"

/** Start to watch `cli->ctx`, unless cli->stall_timeout is 0. Collective: ranks then share their pulse.
 *
 * When for so many seconds no item, block or message was finished, one line on standard error names what is stuck, and
 * the process ends at once with CLI_FAILED, upon which the launcher ends the other ranks. A rank that only waits for
 * others gives them some seconds more to say it themselves. Time in which the process is stopped does not count. */
furrow_status_t watchdog_start(const cli_t *cli, furrow_error_t *err);

/** The context is about to be closed, and is not looked at any more; that must not take for ever either. Local. */
void watchdog_expect_end(void);

/** Stop watching. Local. */
void watchdog_stop(void);

#endif
