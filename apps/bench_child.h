/** \file bench_child.h
 * Other processes: start one, wait, and learn how it went. No shell.
 */
#ifndef FURROW_BENCH_CHILD_H
#define FURROW_BENCH_CHILD_H

#include <stdbool.h>
#include <stdint.h>

enum { BENCH_CHILD_TEXT = 8192, BENCH_CHILD_ABSENT = 127 };

typedef struct bench_child {
    int exit_code;  /* of the process; BENCH_CHILD_ABSENT: it could not be started; -1: a signal or the time limit ended
                       it */
    double seconds; /* from before fork to after its end */
    int64_t peak_bytes;               /* of its resident memory */
    char out[BENCH_CHILD_TEXT];       /* the start of what it printed */
    char complaint[BENCH_CHILD_TEXT]; /* likewise on standard error */
} bench_child_t;

/** Run `argv` (ended by NULL; the first word is looked up in PATH) to its end. Local.
 *
 * Peak memory counts from what this process holds at that moment: a fork starts as its parent's copy. Free what is big
 * first.
 *
 * \return false if the process could not be started or did not exit with 0 */
bool bench_child_run(char *const argv[], bench_child_t *child);

/** The same, but killed (SIGKILL) after so many seconds if it still runs then. */
bool bench_child_run_for(char *const argv[], double seconds, bench_child_t *child);

#endif
