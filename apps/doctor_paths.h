/** \file doctor_paths.h
 * Whether all ranks see one file system: `furrow doctor` tries it, with a small file that it removes again.
 */
#ifndef FURROW_DOCTOR_PATHS_H
#define FURROW_DOCTOR_PATHS_H

#include "cli.h"
#include "doctor_check.h"

/** Look at the current folder, if there are other ranks, and at the folders and files that the user named; under
 * --source root only at what rank 0 itself needs. Collective. On rank 0 `path` is filled, and `view` of each is to be
 * freed. */
furrow_status_t doctor_look(const cli_t *cli, const cli_list_t *names, doctor_path_t path[DOCTOR_PATHS_MAX], int *paths,
                            furrow_error_t *err);

#endif
