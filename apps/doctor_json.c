/* Owns the report as JSON. */
#include <stdlib.h>

#include "doctor_facts.h"
#include "doctor_report.h"
#include "furrow_image.h"

static void add_int(cJSON *object, const char *name, int64_t value)
{
    cJSON_AddItemToObject(object, name, cli_json_int(value));
}

/* A limit: null where there is none. */
static void add_limit(cJSON *object, const char *name, int64_t value, bool is_limited)
{
    cJSON_AddItemToObject(object, name, is_limited ? cli_json_int(value) : cJSON_CreateNull());
}

static void add_cpus(cJSON *object, const char *name, const doctor_cpus_t *set)
{
    char text[DOCTOR_CPUS_TEXT];

    cJSON_AddStringToObject(object, name, doctor_cpus_text(set, text, sizeof text));
}

static void add_launch(cJSON *json, const doctor_facts_t *facts)
{
    const char *level = doctor_level_name(facts->mpi_level);
    cJSON *mpi, *built;

    cJSON_AddStringToObject(json, "launcher", doctor_launcher_name(facts->launcher));
    mpi = cJSON_AddObjectToObject(json, "mpi");
    cJSON_AddStringToObject(mpi, "library", facts->mpi_library);
    cJSON_AddBoolToObject(mpi, "started", level != NULL);
    if (level != NULL)
        cJSON_AddStringToObject(mpi, "thread_level", level);
    else
        cJSON_AddNullToObject(mpi, "thread_level");
    built = cJSON_AddObjectToObject(json, "built_with");
    cJSON_AddBoolToObject(built, "hwloc", doctor_has_hwloc());
}

static void add_slurm(cJSON *json)
{
    cJSON *slurm = cJSON_AddObjectToObject(json, "slurm");

    for (int i = 0; doctor_slurm_variables[i] != NULL; i++) {
        const char *value = getenv(doctor_slurm_variables[i]);
        if (value != NULL) cJSON_AddStringToObject(slurm, doctor_slurm_variables[i], value);
    }
}

static void add_decoders(cJSON *json)
{
    cJSON *decoders = cJSON_AddObjectToObject(json, "decoders");
    const char *format, *library;

    for (int i = 0; furrow_image_decoder_at(i, &format, &library); i++)
        cJSON_AddStringToObject(decoders, format, library);
}

static void add_kernels(cJSON *json, const doctor_facts_t *facts)
{
    cJSON *kernels = cJSON_AddObjectToObject(json, "kernels");
    const char *names[8];
    const int count = doctor_kernels(names, 8);

    cJSON_AddStringToObject(kernels, "used", facts->rank[0].kernels);
    cJSON *available = cJSON_AddArrayToObject(kernels, "available");
    for (int i = 0; i < count; i++) cJSON_AddItemToArray(available, cJSON_CreateString(names[i]));
}

static void add_machine(cJSON *object, const doctor_rank_t *rank)
{
    add_int(object, "physical_cores", doctor_cpus_count(&rank->first_of_core));
    add_int(object, "hardware_threads", rank->hardware_threads);
    add_int(object, "numa_nodes", rank->numa_nodes);
    add_int(object, "memory_bytes", rank->memory_total);
    add_int(object, "memory_available_bytes", rank->memory_available);
    add_limit(object, "memory_limit_bytes", rank->memory_limit, rank->memory_limit > 0);
    add_limit(object, "memory_limit_left_bytes", rank->memory_left, rank->memory_limit > 0);
    add_limit(object, "open_files_soft", rank->files_soft, rank->files_soft >= 0);
    add_limit(object, "open_files_hard", rank->files_hard, rank->files_hard >= 0);
    add_int(object, "shm_bytes", rank->shm_bytes);
    add_int(object, "shm_free_bytes", rank->shm_free);
}

static cJSON *node_json(const doctor_facts_t *facts, int index)
{
    const doctor_node_t node = doctor_node(facts, index);
    cJSON *object = cJSON_CreateObject(), *ranks;

    cJSON_AddStringToObject(object, "host", node.host);
    ranks = cJSON_AddArrayToObject(object, "ranks");
    for (int i = 0; i < facts->ranks; i++)
        if (facts->rank[i].node == index) cJSON_AddItemToArray(ranks, cli_json_int(i));
    add_int(object, "cores", doctor_cpus_count(&node.allowed));
    add_cpus(object, "cpus", &node.allowed);
    add_int(object, "cores_available", doctor_cpus_count(&node.available));
    if (node.cpu_quota > 0.0)
        cJSON_AddItemToObject(object, "cpu_quota", cli_json_float(node.cpu_quota));
    else
        cJSON_AddNullToObject(object, "cpu_quota");
    add_int(object, "threads", node.threads);
    add_int(object, "memory_cap_bytes", node.memory_cap);
    add_machine(object, &facts->rank[node.first]);
    return object;
}

static cJSON *rank_json(const doctor_facts_t *facts, int index)
{
    static const char *const sources[] = {"cores", "-t", "OMP_NUM_THREADS"};
    const doctor_rank_t *rank = &facts->rank[index];
    cJSON *object = cJSON_CreateObject();

    add_int(object, "rank", index);
    cJSON_AddStringToObject(object, "host", rank->host);
    add_int(object, "pid", rank->pid);
    add_cpus(object, "cpus", &rank->allowed);
    add_int(object, "cores", doctor_cpus_count(&rank->allowed));
    cJSON_AddBoolToObject(object, "bound", !doctor_cpus_equal(&rank->allowed, &rank->available));
    add_int(object, "threads", rank->threads);
    cJSON_AddStringToObject(object, "threads_from", sources[rank->threads_from]);
    cJSON_AddStringToObject(object, "kernels", rank->kernels);
    cJSON_AddStringToObject(object, "furrow", rank->version);
    add_int(object, "memory_cap_bytes", rank->memory_cap);
    return object;
}

/* "shared": null where nothing was tried. */
static void add_paths(cJSON *json, const doctor_facts_t *facts)
{
    cJSON *paths = cJSON_AddArrayToObject(json, "paths");

    for (int i = 0; i < facts->paths; i++) {
        const doctor_path_t *path = &facts->path[i];
        cJSON *object = cJSON_CreateObject();
        bool shared = true;
        for (int r = 0; path->view != NULL && r < facts->ranks; r++) shared &= path->view[r].sight == DOCTOR_SEES;
        cJSON_AddItemToObject(object, "path", cli_json_text(path->path));
        cJSON_AddStringToObject(object, "kind", path->is_folder ? "folder" : "file");
        cJSON_AddItemToObject(object, "shared", path->view != NULL ? cJSON_CreateBool(shared) : cJSON_CreateNull());
        cJSON_AddItemToArray(paths, object);
    }
}

static void add_problems(cJSON *json, const doctor_report_t *report)
{
    cJSON *problems = cJSON_AddArrayToObject(json, "problems");

    for (int i = 0; i < report->problems; i++) {
        cJSON *problem = cJSON_CreateObject();
        cJSON_AddItemToObject(problem, "problem", cli_json_text(report->problem[i].problem));
        cJSON_AddItemToObject(problem, "fix", cli_json_text(report->problem[i].fix));
        cJSON_AddItemToArray(problems, problem);
    }
}

furrow_status_t doctor_print_json(const cli_t *cli, const doctor_report_t *report, furrow_error_t *err)
{
    const doctor_facts_t *facts = report->facts;
    cJSON *json = cli_json(cli);

    add_launch(json, facts);
    add_slurm(json);
    add_kernels(json, facts);
    add_decoders(json);
    cJSON *nodes = cJSON_AddArrayToObject(json, "nodes");
    for (int i = 0; i < facts->nodes; i++) cJSON_AddItemToArray(nodes, node_json(facts, i));
    cJSON *ranks = cJSON_AddArrayToObject(json, "ranks_detail");
    for (int i = 0; i < facts->ranks; i++) cJSON_AddItemToArray(ranks, rank_json(facts, i));
    add_paths(json, facts);
    add_problems(json, report);
    return cli_print_json(cli, json, err);
}
