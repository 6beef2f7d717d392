/** \file ledger.h
 * What of a job is done, on disk: it turns a killed run into a shorter one. Work layer; local, used by rank 0 alone.
 *
 * A file beside the output: a text that says which job it belongs to, then one record of fixed size for every run of
 * items that is finished, only ever appended, each with a checksum. A torn last record is what a kill leaves, and is
 * dropped; a corrupt one is skipped, so that its items are done again.
 *
 * What is recorded outlives the processes, but what they wrote may not outlive the machines before it is on the disk.
 * So the ledger knows on which machines it was written, since they were started, and what was on the disk when a run
 * ended: of the rest nothing is believed unless all of those machines are here and still run.
 */
#ifndef FURROW_LEDGER_H
#define FURROW_LEDGER_H

#include "ranges.h"
#include "status.h"

typedef struct furrow_ledger furrow_ledger_t;

/** A machine since it was started: the boot id of Linux. */
typedef struct {
    uint64_t half[2];
} furrow_boot_t;

/** This one; zeros where the system does not say. Local. */
furrow_boot_t furrow_boot(void);

/** Begin a ledger, or go on with one.
 *
 * \param[in]  job     lines of "what: value" that must be the same for the results to fit together. Copied.
 * \param[in]  resume  false: start afresh, an older ledger is replaced. true: read what is there, if anything is.
 * \param[in]  boots   [count] the machines of this run, each any number of times. Copied
 * \param[out] done    the items that are recorded, and believed; an empty set on entry
 * \return FURROW_OK, FURROW_EIO (also where another process has it open), FURROW_ENOMEM, FURROW_EMISMATCH (resume:
 * another job; says the first line that differs), FURROW_EFORMAT (resume: the file is no ledger) */
FURROW_MUST_CHECK furrow_status_t furrow_ledger_open(const char *path, const char *job, bool resume,
                                                     const furrow_boot_t *boots, int64_t count, furrow_ranges_t *done,
                                                     furrow_ledger_t **out, furrow_error_t *err);

/** Forget what is recorded; the job stays. */
FURROW_MUST_CHECK furrow_status_t furrow_ledger_restart(furrow_ledger_t *ledger, const char *job, furrow_error_t *err);

/** Record that items [first, first + count) are finished. Reaches the system within half a second of calls, or at a
 * flush. */
FURROW_MUST_CHECK furrow_status_t furrow_ledger_add(furrow_ledger_t *ledger, int64_t first, int64_t count,
                                                    furrow_error_t *err);

/** Everything recorded so far is on the disk: it may be believed on any machine. Reaches the system. */
FURROW_MUST_CHECK furrow_status_t furrow_ledger_settle(furrow_ledger_t *ledger, furrow_error_t *err);

/** Everything recorded so far reaches the system: it outlives this process. */
FURROW_MUST_CHECK furrow_status_t furrow_ledger_flush(furrow_ledger_t *ledger, furrow_error_t *err);

/** The same, if the last flush was a tenth of a second ago or more and there is something to flush. */
FURROW_MUST_CHECK furrow_status_t furrow_ledger_flush_if_due(furrow_ledger_t *ledger, furrow_error_t *err);

/** Close; `remove` the file after success. NULL is fine. */
void furrow_ledger_close(furrow_ledger_t *ledger, bool remove);

#endif
