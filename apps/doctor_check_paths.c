/* Owns what is wrong with folders and files: one problem for each, with the first rank that sees it otherwise. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "doctor_list.h"

/* The first rank that does not see a path as rank 0 does, and how many there are. */
static int find_blind(const doctor_facts_t *facts, const doctor_path_t *path, int *count)
{
    int first = 0;

    *count = 0;
    for (int i = facts->ranks - 1; i > 0; i--) {
        if (path->view[i].sight == DOCTOR_SEES) continue;
        first = i;
        ++*count;
    }
    return first;
}

/* "What rank 0 writes there" is a file in the folder, which the others look for. */
static void describe(doctor_list_t *list, const doctor_path_t *path, int blind, const char *others)
{
    const doctor_rank_t *root = &list->facts->rank[0], *rank = &list->facts->rank[blind];
    const doctor_view_t *view = &path->view[blind];
    const bool is_elsewhere = path->is_relative && strcmp(view->folder, path->view[0].folder) != 0;
    char where[280] = "";

    if (is_elsewhere) (void)snprintf(where, sizeof where, "; its current folder is %s", view->folder);
    switch ((doctor_sight_t)view->sight) {
    case DOCTOR_SEES: break;
    case DOCTOR_SEES_NOTHING:
        doctor_add_problem(list, "rank %d on %s does not see %.300s as rank 0 on %s does: %s%s%s", blind, rank->host,
                           path->path, root->host, strerror(view->error), where, others);
        break;
    case DOCTOR_SEES_ANOTHER:
        doctor_add_problem(list, "rank %d on %s finds another file under the name %.300s than rank 0 on %s%s%s", blind,
                           rank->host, path->path, root->host, where, others);
        break;
    case DOCTOR_CANNOT_WRITE:
        doctor_add_problem(list, "rank %d on %s cannot write in %.300s, rank 0 on %s can: %s%s%s", blind, rank->host,
                           path->path, root->host, strerror(view->error), where, others);
        break;
    }
}

static void check_view(doctor_list_t *list, const doctor_path_t *path)
{
    const doctor_plan_t plan = doctor_plan(list->facts);
    char others[48] = "";
    int count;

    const int blind = find_blind(list->facts, path, &count);
    if (count == 0) return;
    if (count > 1)
        (void)snprintf(others, sizeof others, ", and so %d more rank%s", count - 1, doctor_plural(count - 1));
    describe(list, path, blind, others);
    if (path->view[blind].sight == DOCTOR_SEES_ANOTHER)
        doctor_add_fix(list, "put one file on a file system that all nodes see, or let rank 0 alone open files");
    else
        doctor_add_fix(list,
                       "use a %s on a file system that all nodes see (`findmnt -T .` shows which one a folder is on), "
                       "or let rank 0 alone open files",
                       path->is_folder ? "folder" : "file");
    doctor_add_launches(list, &plan);
}

bool doctor_is_closed(const doctor_path_t *path)
{
    return path->is_folder && (path->error == EACCES || path->error == EPERM || path->error == EROFS);
}

static void check_root(doctor_list_t *list, const doctor_path_t *path)
{
    if (path->error == 0 || doctor_is_closed(path)) return;
    doctor_add_problem(list, "rank 0 on %s cannot %s %.300s: %s", list->facts->rank[0].host,
                       path->is_folder ? "write in" : "open", path->path, strerror(path->error));
    doctor_add_fix(list, "name a %s", path->is_folder ? "folder where there is room" : "file that you may read");
}

void doctor_check_paths(doctor_list_t *list)
{
    const doctor_facts_t *facts = list->facts;

    for (int i = 0; i < facts->paths; i++) {
        check_root(list, &facts->path[i]);
        if (facts->path[i].view != NULL) check_view(list, &facts->path[i]);
    }
}
