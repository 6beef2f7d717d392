/* Owns the shape of this machine: from hwloc if that is built in, else from what Linux shows in /sys. */
#include <stdio.h>
#include <unistd.h>

#include "doctor_cgroup.h"
#include "doctor_facts.h"

#ifdef FURROW_HAVE_HWLOC
#include <hwloc.h>

static void add_cores(hwloc_topology_t topology, doctor_rank_t *out)
{
    const int cores = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_CORE);

    out->hardware_threads = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_PU);
    out->numa_nodes = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_NUMANODE);
    for (int i = 0; i < cores; i++) {
        const hwloc_obj_t core = hwloc_get_obj_by_type(topology, HWLOC_OBJ_CORE, (unsigned)i);
        doctor_cpus_add(&out->first_of_core, hwloc_bitmap_first(core->cpuset));
    }
}

/* The whole machine, also what a container may not use; of it only cores, hardware threads and NUMA nodes. */
static void ask_hwloc(doctor_rank_t *out)
{
    hwloc_topology_t topology;

    if (hwloc_topology_init(&topology) != 0) return;
    (void)hwloc_topology_set_all_types_filter(topology, HWLOC_TYPE_FILTER_KEEP_NONE);
    (void)hwloc_topology_set_type_filter(topology, HWLOC_OBJ_CORE, HWLOC_TYPE_FILTER_KEEP_ALL);
    (void)hwloc_topology_set_flags(topology, HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED);
    if (hwloc_topology_load(topology) == 0) add_cores(topology, out);
    hwloc_topology_destroy(topology);
}
#endif

static doctor_cpus_t read_list(const char *path)
{
    char text[DOCTOR_CPUS_TEXT];

    (void)doctor_read_text(path, text, sizeof text);
    return doctor_cpus_parse(text);
}

static void ask_linux(doctor_rank_t *out)
{
    const doctor_cpus_t online = read_list("/sys/devices/system/cpu/online");
    const doctor_cpus_t nodes = read_list("/sys/devices/system/node/online");
    char path[96];

    for (int cpu = 0; cpu < DOCTOR_CPUS_MAX; cpu++) {
        if (!doctor_cpus_has(&online, cpu)) continue;
        (void)snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", cpu);
        const doctor_cpus_t siblings = read_list(path);
        int first = 0;
        while (first < cpu && !doctor_cpus_has(&siblings, first)) first++;
        doctor_cpus_add(&out->first_of_core, first);
    }
    out->hardware_threads = doctor_cpus_count(&online);
    out->numa_nodes = doctor_cpus_count(&nodes);
}

void doctor_topology(doctor_rank_t *out)
{
#ifdef FURROW_HAVE_HWLOC
    ask_hwloc(out);
#endif
    if (out->hardware_threads == 0) ask_linux(out);
}
