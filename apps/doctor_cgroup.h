/** \file doctor_cgroup.h
 * What control groups (containers, Slurm, systemd) leave to this process, version 1 and 2.
 */
#ifndef FURROW_DOCTOR_CGROUP_H
#define FURROW_DOCTOR_CGROUP_H

#include <stdint.h>

typedef struct doctor_cgroup {
    int64_t memory_limit; /**< bytes that this process and its neighbours may use together; 0: no limit */
    int64_t memory_left;  /**< of these, what is not in use; file cache counts as free */
    double cpus;          /**< cores' worth of time; 0: no limit */
} doctor_cgroup_t;

/** Read them. A limit holds for all groups below, so the tightest on the way up counts.
 *
 * \param[in] root  "" for this machine; tests put a folder with its own /proc and /sys there */
doctor_cgroup_t doctor_cgroup_read(const char *root);

/** The number after `key` in a text of lines "key 123" or "key: 123"; `missing` if there is none. */
int64_t doctor_number_after(const char *text, const char *key, int64_t missing);

/** Read a small text file whole, as far as it fits; "" if there is none. \return its length */
int doctor_read_text(const char *path, char *text, int size);

#endif
