/** \file notes.h
 * What is known of each image of a run, on disk: records of one size in a hidden file beside the output, for the
 * manifest and for the next run. Work layer; local, used by rank 0 alone.
 */
#ifndef FURROW_NOTES_H
#define FURROW_NOTES_H

#include "furrow_images.h"
#include "pixel_stats.h"

typedef enum furrow_note_state { FURROW_NOTE_NONE, FURROW_NOTE_DONE, FURROW_NOTE_REJECTED } furrow_note_state_t;

enum { FURROW_NOTE_BYTES = 256, FURROW_NOTE_TEXT = 160 };

typedef struct furrow_note {
    int32_t state;                   /* furrow_note_state_t */
    int32_t channels;                /* of the picture, as its file has it; 0: not known */
    int64_t height, width;           /* as shown */
    int64_t file_bytes, file_time;   /* of the file when it was read; time in ns */
    furrow_pixel_stats_t stats;      /* of the slot, where they are wanted */
    char text[FURROW_NOTE_TEXT - 8]; /* why it was rejected, or what the decoder complained of */
} furrow_note_t;

_Static_assert(sizeof(furrow_note_t) <= FURROW_NOTE_BYTES, "notes have one size");

typedef struct furrow_notes furrow_notes_t;

/** Open the notes of `count` images beside `path`.
 *
 * \param[in]  resume  go on with those of an earlier run, if they are there
 * \param[out] found   they were
 * \return FURROW_OK, FURROW_EIO, FURROW_ENOMEM, FURROW_EOVERFLOW */
FURROW_MUST_CHECK furrow_status_t furrow_notes_open(const char *path, int64_t count, bool resume, bool *found,
                                                    furrow_notes_t **out, furrow_error_t *err);

/** Write `count` of them. From any thread. */
FURROW_MUST_CHECK furrow_status_t furrow_notes_write(furrow_notes_t *notes, int64_t first, int64_t count,
                                                     const furrow_note_t *note, furrow_error_t *err);

/** Read `count` of them. */
FURROW_MUST_CHECK furrow_status_t furrow_notes_read(const furrow_notes_t *notes, int64_t first, int64_t count,
                                                    furrow_note_t *out, furrow_error_t *err);

/** `keep`: the file stays for a later run. NULL is fine. */
void furrow_notes_close(furrow_notes_t *notes, bool keep);

#endif
