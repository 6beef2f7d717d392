/* Owns the files of control groups. A group is a folder; the names of the files in it differ between version 1 and 2.
 */
#include "doctor_cgroup.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_BYTES = 1024, TEXT_BYTES = 8192 };

/* A value above this is how version 1 writes "no limit". */
static const int64_t unlimited = INT64_C(1) << 60;

int doctor_read_text(const char *path, char *text, int size)
{
    FILE *file = fopen(path, "re");
    size_t length = 0;

    if (file != NULL) {
        length = fread(text, 1, (size_t)size - 1, file);
        (void)fclose(file);
    }
    text[length] = '\0';
    return (int)length;
}

int64_t doctor_number_after(const char *text, const char *key, int64_t missing)
{
    const size_t length = strlen(key);

    for (const char *line = text; line != NULL && *line != '\0'; line = strchr(line, '\n')) {
        if (*line == '\n') line++;
        if (strncmp(line, key, length) != 0) continue;
        const char *value = line + length + (line[length] == ':');
        if (*value == ' ' || *value == '\t') return strtoll(value, NULL, 10);
    }
    return missing;
}

/* One file of a group; "max" and a missing file are `missing`. */
static int64_t read_number(const char *folder, const char *name, int64_t missing)
{
    char path[PATH_BYTES + 64], text[64], *end;

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    if (doctor_read_text(path, text, sizeof text) == 0) return missing;
    const long long value = strtoll(text, &end, 10);
    return end == text ? missing : value;
}

/* Bytes in use that could not be given back: file cache can, but not the part of it that is shared memory. */
static int64_t memory_in_use(const char *folder, bool is_v2)
{
    char path[PATH_BYTES + 64], text[TEXT_BYTES];
    const int64_t all = read_number(folder, is_v2 ? "memory.current" : "memory.usage_in_bytes", 0);

    (void)snprintf(path, sizeof path, "%s/memory.stat", folder);
    (void)doctor_read_text(path, text, sizeof text);
    const int64_t cache = doctor_number_after(text, is_v2 ? "file" : "total_cache", 0);
    const int64_t shared = doctor_number_after(text, is_v2 ? "shmem" : "total_shmem", 0);
    const int64_t used = all - cache + shared;
    return used > 0 ? used : 0;
}

static void read_memory(const char *folder, bool is_v2, doctor_cgroup_t *out)
{
    const int64_t limit = read_number(folder, is_v2 ? "memory.max" : "memory.limit_in_bytes", 0);
    if (limit <= 0 || limit >= unlimited) return;

    const int64_t used = memory_in_use(folder, is_v2);
    const int64_t left = limit > used ? limit - used : 0;
    if (out->memory_limit == 0 || left < out->memory_left) out->memory_left = left;
    if (out->memory_limit == 0 || limit < out->memory_limit) out->memory_limit = limit;
}

/* Version 2 has "200000 100000" in cpu.max: microseconds of work in each period; "max 100000" is no limit. */
static void read_cpu(const char *folder, bool is_v2, doctor_cgroup_t *out)
{
    char path[PATH_BYTES + 64], text[64];
    double quota = 0.0, period = 0.0;

    if (is_v2) {
        (void)snprintf(path, sizeof path, "%s/cpu.max", folder);
        (void)doctor_read_text(path, text, sizeof text);
        if (sscanf(text, "%lf %lf", &quota, &period) != 2) return;
    } else {
        quota = (double)read_number(folder, "cpu.cfs_quota_us", -1);
        period = (double)read_number(folder, "cpu.cfs_period_us", 0);
    }
    if (quota <= 0.0 || period <= 0.0) return;
    if (out->cpus <= 0.0 || quota / period < out->cpus) out->cpus = quota / period;
}

typedef void read_group_t(const char *folder, bool is_v2, doctor_cgroup_t *out);

/* From the process's own group up to the first. In a container the path may name folders that cannot be seen from here.
 */
static void walk_up(const char *mount, const char *group, bool is_v2, read_group_t *read_group, doctor_cgroup_t *out)
{
    char folder[PATH_BYTES];
    const size_t root = strlen(mount);

    if ((size_t)snprintf(folder, sizeof folder, "%s%s", mount, group) >= sizeof folder) return;
    for (;;) {
        read_group(folder, is_v2, out);
        char *slash = strrchr(folder, '/');
        if (slash == NULL || (size_t)(slash - folder) < root) return;
        *slash = '\0';
    }
}

/* The group of this process for a controller of version 1 ("memory"), or for version 2 (""), from /proc/self/cgroup:
 *
 *     4:memory:/slurm/uid_0/job_7           0::/user.slice */
static bool find_group(const char *text, const char *controller, char group[PATH_BYTES])
{
    for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
        char names[128] = "";
        line += *line == '\n';
        if (sscanf(line, "%*d:%127[^:\n]:%1023[^\n]", names, group) != 2 &&
            (*controller != '\0' || sscanf(line, "0::%1023[^\n]", group) != 1))
            continue;
        char *rest = names;
        for (char *name = strsep(&rest, ","); name != NULL; name = strsep(&rest, ","))
            if (strcmp(name, controller) == 0) return true;
    }
    return false;
}

static void read_controller(const char *root, const char *text, const char *controller, read_group_t *read_group,
                            doctor_cgroup_t *out)
{
    char group[PATH_BYTES], mount[PATH_BYTES];

    if (find_group(text, controller, group)) {
        (void)snprintf(mount, sizeof mount, "%s/sys/fs/cgroup/%s", root, controller);
        walk_up(mount, group, false, read_group, out);
    } else if (find_group(text, "", group)) {
        (void)snprintf(mount, sizeof mount, "%s/sys/fs/cgroup", root);
        walk_up(mount, group, true, read_group, out);
    }
}

doctor_cgroup_t doctor_cgroup_read(const char *root)
{
    doctor_cgroup_t out = {0};
    char path[PATH_BYTES], text[TEXT_BYTES];

    (void)snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
    (void)doctor_read_text(path, text, sizeof text);
    read_controller(root, text, "memory", read_memory, &out);
    read_controller(root, text, "cpu", read_cpu, &out);
    return out;
}
