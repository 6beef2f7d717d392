/* Owns how reports travel to rank 0: several small ones in one mail, so that it hears of many chunks at a time. Each
 * is its mail, the size of its parcel, and that, at whole lines of cache. */
#include <string.h>

#include "items_run.h"
#include "mem.h"

enum { SMALL = 4096 };

typedef struct {
    furrow_mail_t mail;
    int64_t bytes; /* -1: no parcel */
} head_t;

static int64_t size_of(const furrow_report_t *r)
{
    return furrow_whole_lines(sizeof(head_t)) + (r->parcel == NULL ? 0 : furrow_whole_lines(r->parcel->bytes));
}

/* Of reports from `first` on, how many go together; one that is large goes alone. */
static int64_t count_together(const furrow_engine_t *e, int64_t first, int64_t reports, int64_t *bytes)
{
    int64_t count = 0;

    for (*bytes = 0; first + count < reports; count++) {
        const furrow_report_t *r = &e->batch[first + count];
        if (r->parcel != NULL && r->parcel->bytes > SMALL) break;
        if (*bytes + size_of(r) > FURROW_SEVERAL_BYTES) break;
        *bytes += size_of(r);
    }
    return count;
}

/* \return where the next one goes */
static char *pack_report(char *at, const furrow_report_t *r)
{
    const head_t head = {r->mail, r->parcel == NULL ? -1 : r->parcel->bytes};
    char *next = at + size_of(r);

    memset(at, 0, (size_t)(next - at));
    memcpy(at, &head, sizeof head);
    if (head.bytes > 0) memcpy(at + furrow_whole_lines(sizeof head), r->parcel->data, (size_t)head.bytes);
    furrow_parcel_free(r->parcel);
    return next;
}

/* False: there is no memory to put them together. */
static bool send_together(furrow_engine_t *e, int64_t first, int64_t count, int64_t bytes)
{
    const furrow_mail_t mail = {.kind = FURROW_MAIL_SEVERAL, .ran = count};
    furrow_parcel_t *parcel;

    if (count < 2 || furrow_parcel_new(bytes, &parcel, NULL) != FURROW_OK) return false;
    char *at = parcel->data;
    for (int64_t i = first; i < first + count; i++) at = pack_report(at, &e->batch[i]);
    furrow_engine_send(e, &mail, parcel, 0);
    return true;
}

/* Those with edges go when these are written. */
static int64_t hold_back(furrow_engine_t *e, int64_t reports)
{
    int64_t kept = 0;

    for (int64_t i = 0; i < reports; i++)
        if (!furrow_engine_hold(e, &e->batch[i])) e->batch[kept++] = e->batch[i];
    return kept;
}

void furrow_engine_send_reports(furrow_engine_t *e, int64_t reports)
{
    reports = hold_back(e, reports);
    for (int64_t first = 0, bytes; first < reports;) {
        const int64_t count = count_together(e, first, reports, &bytes);
        if (send_together(e, first, count, bytes)) {
            first += count;
            continue;
        }
        furrow_engine_send(e, &e->batch[first].mail, e->batch[first].parcel, 0);
        first++;
    }
}

void furrow_engine_unpack_report(char **at, furrow_report_t *report, furrow_parcel_t *place)
{
    head_t head;

    memcpy(&head, *at, sizeof head);
    *place = (furrow_parcel_t){.data = *at + furrow_whole_lines(sizeof head), .bytes = head.bytes};
    *report = (furrow_report_t){.mail = head.mail, .parcel = head.bytes < 0 ? NULL : place};
    *at += size_of(report);
}
