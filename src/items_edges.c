/* Owns edges on their way: sent to the ranks that write them, written, acknowledged; and the reports that wait for
 * that. Main threads serve one another until rank 0 has heard of every chunk, and so of every edge. */
#include "items_run.h"

bool furrow_engine_hold(furrow_engine_t *e, const furrow_report_t *r)
{
    if (!furrow_edges_any(&r->edges)) return false; /* always, on one host */
    furrow_held_t *held = &e->held[e->helds++];
    *held = (furrow_held_t){.report = *r, .ticket = ++e->held_tickets};
    for (int i = 0; i < FURROW_EDGES; i++) {
        const furrow_edge_t *edge = &r->edges.edge[i];
        if (edge->data == NULL || edge->data->bytes == 0) {
            furrow_parcel_free(edge->data);
            continue;
        }
        const furrow_mail_t mail = {
            .kind = FURROW_MAIL_EDGE, .chunk.range = {edge->at, edge->at + edge->data->bytes}, .ticket = held->ticket};
        held->edges++;
        furrow_engine_send(e, &mail, edge->data, edge->rank);
    }
    held->report.edges = (furrow_edges_t){0};
    return true;
}

/* Another rank sent an edge: write it, and say so. */
static void write_edge(furrow_engine_t *e, const furrow_report_t *r, bool lost, int from)
{
    furrow_mail_t mail = {.kind = FURROW_MAIL_EDGE_WRITTEN, .ticket = r->mail.ticket};
    furrow_error_t error = {0};

    const furrow_status_t status =
        lost ? furrow_fail(&error, FURROW_ENOMEM, "out of memory for results")
             : e->client.write_edge(e->client.arg, r->mail.chunk.range.start, r->parcel, &error);
    furrow_parcel_free(r->parcel);
    if (status != FURROW_OK) {
        furrow_engine_fail(e, status, &error);
        mail.kind = FURROW_MAIL_EDGE_LOST;
    }
    furrow_engine_send(e, &mail, NULL, from);
}

/* A thread of rank 0 may take a chunk again. */
static void end_wait(furrow_engine_t *e)
{
    pthread_mutex_lock(&e->lock);
    e->waiting--;
    pthread_cond_signal(&e->work_there);
    pthread_mutex_unlock(&e->lock);
}

/* An edge of this rank's was written, or lost. True: the report waits for no other. */
static bool release(furrow_engine_t *e, const furrow_mail_t *mail, furrow_report_t *report)
{
    furrow_held_t *held = e->held;

    while (held->ticket != mail->ticket) held++;
    if (mail->kind == FURROW_MAIL_EDGE_LOST) held->report.mail.kind = FURROW_MAIL_DROPPED;
    if (--held->edges > 0) return false;
    *report = held->report;
    *held = e->held[--e->helds];
    if (e->is_root) end_wait(e);
    return true;
}

bool furrow_engine_take_edge(furrow_engine_t *e, const furrow_report_t *r, bool lost, int from,
                             furrow_report_t *released)
{
    if (r->mail.kind != FURROW_MAIL_EDGE) return release(e, &r->mail, released);
    write_edge(e, r, lost, from);
    return false;
}
