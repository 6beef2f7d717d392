/* Sets of cores, and the limits of control groups, read from faked /proc and /sys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* The command is no library: its parts are compiled in here. */
#include "../../apps/doctor_cgroup.c"
#include "../../apps/doctor_cpus.c"

/* ------------------------------------------------------------ sets of cores */

static void assert_list(const char *list, size_t size, const char *expected)
{
    char text[DOCTOR_CPUS_TEXT];
    const doctor_cpus_t set = doctor_cpus_parse(list);

    assert_string_equal(doctor_cpus_text(&set, text, size), expected);
}

static void test_lists_of_cores(void **state)
{
    (void)state;
    assert_list("0-3,8\n", DOCTOR_CPUS_TEXT, "0-3,8");
    assert_list("63,64,1023", DOCTOR_CPUS_TEXT, "63-64,1023");
    assert_list("", DOCTOR_CPUS_TEXT, "none");
    assert_list("nonsense", DOCTOR_CPUS_TEXT, "none");
    assert_list("5,-2", DOCTOR_CPUS_TEXT, "5");
    assert_list("1020-5000,9999999999", DOCTOR_CPUS_TEXT, "1020-1023");
    assert_list("0,2,4,6,8,10,12", 12, "0,2,4,6,...");
    assert_list("1000-1001", 8, "...");
}

static void test_longest_list_fits(void **state)
{
    (void)state;
    doctor_cpus_t set = {{0}};
    char text[DOCTOR_CPUS_TEXT];

    for (int cpu = 0; cpu < DOCTOR_CPUS_MAX; cpu += 2) doctor_cpus_add(&set, cpu);
    const doctor_cpus_t again = doctor_cpus_parse(doctor_cpus_text(&set, text, sizeof text));
    assert_true(doctor_cpus_equal(&set, &again));
    assert_int_equal(doctor_cpus_count(&again), DOCTOR_CPUS_MAX / 2);
}

/* ---------------------------------------------------------- control groups */

static char root[] = "/tmp/furrow-doctor.XXXXXX";

/* A file under `root`, with the folders above it. */
static void put(const char *name, const char *text)
{
    char path[256];

    (void)snprintf(path, sizeof path, "%s/%s", root, name);
    for (char *slash = strchr(path + strlen(root) + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(path, 0700);
        *slash = '/';
    }
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    (void)fputs(text, file);
    (void)fclose(file);
}

static int make_root(void **state)
{
    (void)state;
    (void)strcpy(root + sizeof root - 7, "XXXXXX");
    return mkdtemp(root) == NULL;
}

static int remove_root(void **state)
{
    char command[64];

    (void)state;
    (void)snprintf(command, sizeof command, "rm -rf '%s'", root);
    return system(command);
}

static void test_cgroup_2(void **state)
{
    (void)state;
    put("proc/self/cgroup", "0::/slurm/job_7/step_0\n");
    put("sys/fs/cgroup/slurm/job_7/step_0/memory.max", "max\n");
    put("sys/fs/cgroup/slurm/job_7/step_0/cpu.max", "max 100000\n");
    put("sys/fs/cgroup/slurm/job_7/memory.max", "4000\n");
    put("sys/fs/cgroup/slurm/job_7/memory.current", "3000\n");
    put("sys/fs/cgroup/slurm/job_7/memory.stat", "anon 800\nfile 2200\nfile_mapped 7\nshmem 200\n");
    put("sys/fs/cgroup/slurm/cpu.max", "150000 100000\n");
    put("sys/fs/cgroup/slurm/memory.max", "100000\n");
    const doctor_cgroup_t group = doctor_cgroup_read(root);
    assert_int_equal(group.memory_limit, 4000);
    assert_int_equal(group.memory_left, 4000 - 3000 + 2200 - 200);
    assert_true(group.cpus > 1.49 && group.cpus < 1.51);
}

static void test_cgroup_1(void **state)
{
    (void)state;
    put("proc/self/cgroup", "9:cpu,cpuacct:/docker/ab\n4:memory:/docker/ab\n1:name=systemd:/\n0::/elsewhere\n");
    put("sys/fs/cgroup/memory/docker/ab/memory.limit_in_bytes", "9223372036854771712\n");
    put("sys/fs/cgroup/memory/memory.limit_in_bytes", "5000\n"); /* in a container the mount is the group itself */
    put("sys/fs/cgroup/memory/memory.usage_in_bytes", "1000\n");
    put("sys/fs/cgroup/memory/memory.stat", "cache 1\ntotal_cache 300\ntotal_shmem 100\n");
    put("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "400000\n");
    put("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
    const doctor_cgroup_t group = doctor_cgroup_read(root);
    assert_int_equal(group.memory_limit, 5000);
    assert_int_equal(group.memory_left, 4200);
    assert_true(group.cpus > 3.99 && group.cpus < 4.01);
}

static void test_cgroup_none(void **state)
{
    (void)state;
    doctor_cgroup_t group = doctor_cgroup_read(root);
    assert_int_equal(group.memory_limit, 0);
    assert_true(group.cpus <= 0.0);
    put("proc/self/cgroup", "nonsense\n\n::\n0::");
    put("sys/fs/cgroup/memory.max", "nonsense");
    group = doctor_cgroup_read(root);
    assert_int_equal(group.memory_limit, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists_of_cores),
        cmocka_unit_test(test_longest_list_fits),
        cmocka_unit_test_setup_teardown(test_cgroup_2, make_root, remove_root),
        cmocka_unit_test_setup_teardown(test_cgroup_1, make_root, remove_root),
        cmocka_unit_test_setup_teardown(test_cgroup_none, make_root, remove_root),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
