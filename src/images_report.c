/* Owns the report of a run over images. */
#include "images_report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "transfer.h"

enum { TOGETHER = 64 };

furrow_status_t furrow_images_report_reject(furrow_images_report_t *report, int64_t index, int64_t image,
                                            const char *text, furrow_error_t *err)
{
    void *list = report->list;

    report->rejected++;
    if (report->listed == FURROW_NAMES_LISTED) return FURROW_OK;
    if (list == NULL) {
        const furrow_status_t status = furrow_alloc(FURROW_NAMES_LISTED, sizeof *report->list, &list, err);
        if (status != FURROW_OK) return status;
        report->list = list;
    }
    furrow_image_reject_t *reject = &report->list[report->listed++];
    *reject = (furrow_image_reject_t){.index = index, .image = image};
    (void)snprintf(reject->text, sizeof reject->text, "%s", text);
    return FURROW_OK;
}

furrow_status_t furrow_images_report_notes(furrow_images_report_t *report, const furrow_images_plan_t *plan,
                                           int64_t first, int64_t count, const furrow_notes_t *notes,
                                           furrow_pixel_stats_t *stats, furrow_error_t *err)
{
    furrow_note_t note[TOGETHER];
    furrow_status_t status = FURROW_OK;

    for (int64_t i = 0; i < count && status == FURROW_OK; i++) {
        const furrow_note_t *n = &note[i % TOGETHER];
        if (i % TOGETHER == 0) status = furrow_notes_read(notes, i, furrow_least(count - i, TOGETHER), note, err);
        if (status != FURROW_OK) break;
        if (n->state == FURROW_NOTE_REJECTED)
            status = furrow_images_report_reject(report, first + i, furrow_images_at(plan, first + i), n->text, err);
        else
            furrow_pixel_stats_merge(stats, &n->stats);
    }
    return status;
}

static furrow_status_t list_unused(furrow_images_report_t *report, const furrow_labels_t *labels, furrow_error_t *err)
{
    void *list = NULL;

    report->unused_labels = furrow_labels_unused(labels);
    const int64_t listed = furrow_least(report->unused_labels, FURROW_NAMES_LISTED);
    const furrow_status_t status = furrow_alloc(listed, sizeof *report->unused_list, &list, err);
    report->unused_list = list;
    for (int64_t i = 0; i < listed && status == FURROW_OK; i++) {
        report->unused_list[i] = strdup(furrow_labels_unused_key(labels, i));
        if (report->unused_list[i] == NULL) return furrow_fail(err, FURROW_ENOMEM, "out of memory for a list of names");
        report->unused_listed++;
    }
    return status;
}

furrow_status_t furrow_images_report_labels(furrow_images_report_t *report, const furrow_images_plan_t *plan,
                                            const furrow_labels_t *labels, furrow_error_t *err)
{
    void *list = NULL;

    for (int64_t c = 0; c < furrow_labels_columns(labels); c++)
        report->numeric_columns += furrow_labels_is_numeric(labels, c);
    const furrow_status_t status = furrow_alloc(FURROW_NAMES_LISTED, sizeof *report->unlabelled_list, &list, err);
    if (status != FURROW_OK) return status;
    report->unlabelled_list = list;
    for (int64_t i = 0; i < plan->count; i++) {
        const int64_t image = furrow_images_at(plan, i);
        if (furrow_labels_has(labels, image)) continue;
        if (report->unlabelled++ < FURROW_NAMES_LISTED) report->unlabelled_list[report->unlabelled_listed++] = image;
    }
    return list_unused(report, labels, err);
}

void furrow_images_report_share(furrow_context_t *ctx, furrow_images_report_t *report)
{
    furrow_images_report_t shared = *report;

    furrow_broadcast(ctx, &shared, sizeof shared, 0);
    if (furrow_context_rank(ctx) == 0) return;
    shared.listed = shared.unlabelled_listed = shared.unused_listed = 0;
    shared.list = NULL;
    shared.unlabelled_list = NULL;
    shared.unused_list = NULL;
    *report = shared;
}

void furrow_images_report_free(furrow_images_report_t *report)
{
    for (int64_t i = 0; i < report->unused_listed; i++) free(report->unused_list[i]);
    free(report->unused_list);
    free(report->unlabelled_list);
    free(report->list);
    *report = (furrow_images_report_t){0};
}
