/* Owns sets of cores and their text. */
#include "doctor_cpus.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS = DOCTOR_CPUS_MAX / 64 };

void doctor_cpus_add(doctor_cpus_t *set, int cpu)
{
    if (cpu >= 0 && cpu < DOCTOR_CPUS_MAX) set->word[cpu / 64] |= UINT64_C(1) << cpu % 64;
}

bool doctor_cpus_has(const doctor_cpus_t *set, int cpu)
{
    return cpu >= 0 && cpu < DOCTOR_CPUS_MAX && (set->word[cpu / 64] >> cpu % 64 & 1) != 0;
}

int doctor_cpus_count(const doctor_cpus_t *set)
{
    int count = 0;

    for (int i = 0; i < WORDS; i++) count += __builtin_popcountll(set->word[i]);
    return count;
}

bool doctor_cpus_within(const doctor_cpus_t *part, const doctor_cpus_t *whole)
{
    for (int i = 0; i < WORDS; i++)
        if ((part->word[i] & ~whole->word[i]) != 0) return false;
    return true;
}

bool doctor_cpus_equal(const doctor_cpus_t *a, const doctor_cpus_t *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

doctor_cpus_t doctor_cpus_common(const doctor_cpus_t *a, const doctor_cpus_t *b)
{
    doctor_cpus_t common;

    for (int i = 0; i < WORDS; i++) common.word[i] = a->word[i] & b->word[i];
    return common;
}

void doctor_cpus_join(doctor_cpus_t *into, const doctor_cpus_t *other)
{
    for (int i = 0; i < WORDS; i++) into->word[i] |= other->word[i];
}

doctor_cpus_t doctor_cpus_parse(const char *list)
{
    doctor_cpus_t set = {{0}};
    char *end;

    for (;; list = end + 1) {
        const long first = strtol(list, &end, 10);
        long last = first;
        if (end == list || first < 0) return set;
        if (*end == '-') last = strtol(end + 1, &end, 10);
        for (long cpu = first; cpu <= last && cpu < DOCTOR_CPUS_MAX; cpu++) doctor_cpus_add(&set, (int)cpu);
        if (*end != ',') return set;
    }
}

void doctor_append_run(char *text, size_t size, int first, int last)
{
    const size_t used = strlen(text);
    char run[32];

    if (used >= 3 && strcmp(text + used - 3, "...") == 0) return; /* is full */
    (void)snprintf(run, sizeof run, last > first ? "%s%d-%d" : "%s%d", used > 0 ? "," : "", first, last);
    const bool fits = used + strlen(run) + strlen(",...") < size;
    (void)snprintf(text + used, size - used, "%s", fits ? run : used > 0 ? ",..." : "...");
}

const char *doctor_cpus_text(const doctor_cpus_t *set, char *text, size_t size)
{
    text[0] = '\0';
    for (int cpu = 0; cpu < DOCTOR_CPUS_MAX; cpu++) {
        const int first = cpu;
        if (!doctor_cpus_has(set, cpu)) continue;
        while (doctor_cpus_has(set, cpu + 1)) cpu++;
        doctor_append_run(text, size, first, cpu);
    }
    if (text[0] == '\0') (void)snprintf(text, size, "none");
    return text;
}
