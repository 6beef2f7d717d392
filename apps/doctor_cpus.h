/** \file doctor_cpus.h
 * A set of cores, numbered as the system numbers them. Plain data.
 */
#ifndef FURROW_DOCTOR_CPUS_H
#define FURROW_DOCTOR_CPUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The most cores of a node, and bytes that hold the text of any set. */
enum { DOCTOR_CPUS_MAX = 1024, DOCTOR_CPUS_TEXT = 4096 };

typedef struct doctor_cpus {
    uint64_t word[DOCTOR_CPUS_MAX / 64];
} doctor_cpus_t;

/** Put a core into the set; a number out of range changes nothing. */
void doctor_cpus_add(doctor_cpus_t *set, int cpu);

bool doctor_cpus_has(const doctor_cpus_t *set, int cpu);
int doctor_cpus_count(const doctor_cpus_t *set);
bool doctor_cpus_within(const doctor_cpus_t *part, const doctor_cpus_t *whole);
bool doctor_cpus_equal(const doctor_cpus_t *a, const doctor_cpus_t *b);

/** What is in both; `into` becomes what is in either. */
doctor_cpus_t doctor_cpus_common(const doctor_cpus_t *a, const doctor_cpus_t *b);
void doctor_cpus_join(doctor_cpus_t *into, const doctor_cpus_t *other);

/** The set that a list such as "0-3,8" names, as Linux writes them. Stops at what it does not understand. */
doctor_cpus_t doctor_cpus_parse(const char *list);

/** "0-3,8"; "none" for an empty set. A list that does not fit in `size` >= 8 bytes ends with "...". \return `text` */
const char *doctor_cpus_text(const doctor_cpus_t *set, char *text, size_t size);

/** Append ",first-last" (",first" if they are equal, no comma at the start) to such a list. */
void doctor_append_run(char *text, size_t size, int first, int last);

#endif
