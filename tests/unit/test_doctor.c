/* What `furrow doctor` calls a problem, with faked facts of machines and launches; sets of cores; limits of control
 * groups. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The command is no library: its pure parts are compiled in here. */
#include "../../apps/doctor_check.c"
#include "../../apps/doctor_check_paths.c"
#include "../../apps/doctor_check_system.c"
#include "../../apps/doctor_cpus.c"
#include "../../apps/doctor_list.c"
#include "../../apps/doctor_node.c"
#include "../../apps/doctor_plan.c"

enum { RANKS_MAX = 64 };

/* ------------------------------------------------------------ fake launches */

static doctor_rank_t ranks[RANKS_MAX];
static doctor_problem_t problems[DOCTOR_PROBLEMS_MAX];

/* A rank that may use the cores of a list, on a node that has others too, one hardware thread each. */
static doctor_rank_t fake_rank(const char *host, const char *allowed, const char *node_cores, int threads)
{
    doctor_rank_t rank = {.bytes = sizeof rank,
                          .version = "1.2.3",
                          .boot_id = "b",
                          .threads = threads,
                          .kernels = "avx2",
                          .files_soft = 1024,
                          .files_hard = 4096,
                          .shm_bytes = INT64_C(32) << 30,
                          .shm_free = INT64_C(32) << 30,
                          .memory_cap = INT64_C(1) << 30,
                          .memory_total = INT64_C(64) << 30,
                          .memory_available = INT64_C(60) << 30};

    (void)snprintf(rank.host, sizeof rank.host, "%s", host);
    rank.allowed = doctor_cpus_parse(allowed);
    rank.available = rank.first_of_core = doctor_cpus_parse(node_cores);
    rank.hardware_threads = doctor_cpus_count(&rank.available);
    return rank;
}

/* A launch by mpirun of the ranks that `ranks` holds. */
static doctor_facts_t fake_launch(int count)
{
    return (doctor_facts_t){.launcher = DOCTOR_MPIRUN,
                            .mpi_level = DOCTOR_MPI_FUNNELED,
                            .mpi_library = "Open MPI v4.1.4",
                            .program = "furrow",
                            .launched = count,
                            .ranks = count,
                            .nodes = doctor_group(ranks, count),
                            .rank = ranks};
}

static doctor_facts_t fake_alone(void)
{
    return (doctor_facts_t){.launcher = DOCTOR_ALONE,
                            .mpi_level = DOCTOR_MPI_OFF,
                            .mpi_library = "Open MPI v4.1.4",
                            .program = "furrow",
                            .ranks = 1,
                            .nodes = doctor_group(ranks, 1),
                            .rank = ranks};
}

static void assert_healthy(const doctor_facts_t *facts)
{
    const int count = doctor_check(facts, problems);

    if (count > 0) fail_msg("false problem: %s", problems[0].problem);
}

static void assert_in(const char *text, const char *part)
{
    if (strstr(text, part) == NULL) fail_msg("'%s' is not in '%s'", part, text);
}

/* Exactly one problem, with this in its text and this in its fix. */
static void assert_problem(const doctor_facts_t *facts, const char *problem, const char *fix)
{
    const int count = doctor_check(facts, problems);

    if (count > 1) fail_msg("more than one problem: %s; %s", problems[0].problem, problems[1].problem);
    assert_int_equal(count, 1);
    assert_in(problems[0].problem, problem);
    assert_in(problems[0].fix, fix);
}

/* ----------------------------------------------------------------- healthy */

static void test_plain_run_is_healthy(void **state)
{
    (void)state;
    ranks[0] = fake_rank("laptop", "0-7", "0-7", 8);
    doctor_facts_t facts = fake_alone();
    assert_healthy(&facts);

    ranks[0] = fake_rank("laptop", "0", "0-7", 1); /* taskset -c 0: the user's own choice */
    assert_healthy(&facts);

    ranks[0] = fake_rank("giant", "", "", 1); /* more cores than the set has room for */
    assert_healthy(&facts);
}

static void test_good_launches_are_healthy(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) ranks[i] = fake_rank("n", "0-7", "0-7", 2); /* not bound */
    doctor_facts_t facts = fake_launch(4);
    assert_healthy(&facts);

    for (int i = 0; i < 8; i++) { /* two nodes, a core each for four ranks */
        const char *const cores[] = {"0", "1", "2", "3"};
        ranks[i] = fake_rank(i < 4 ? "n1" : "n2", cores[i % 4], "0-3", 1);
    }
    facts = fake_launch(8);
    assert_int_equal(facts.nodes, 2);
    assert_healthy(&facts);

    ranks[0] = fake_rank("n", "0-3", "0-7", 4); /* --map-by slot:PE=4, as the user wants it */
    facts = fake_launch(1);
    assert_healthy(&facts);
}

static void test_hardware_threads_are_cores_of_their_own(void **state)
{
    (void)state;
    ranks[0] = fake_rank("laptop", "0-7", "0-7", 8);
    ranks[0].first_of_core = doctor_cpus_parse("0-3"); /* 0 and 4 are one core */
    doctor_facts_t facts = fake_alone();
    assert_healthy(&facts);

    ranks[0] = fake_rank("n", "0,4", "0-7", 2); /* bound to one core: both of its threads */
    ranks[0].first_of_core = doctor_cpus_parse("0-3");
    facts = fake_launch(1);
    assert_problem(&facts, "uses 2 of 8 cores (0,4)", "mpirun -n 1 --map-by ppr:1:node:PE=4 --bind-to core");
    assert_in(problems[0].fix, "--ntasks=1 --cpus-per-task=8");
}

/* ------------------------------------------------------------------- cores */

static void test_too_many_threads(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        ranks[i] = fake_rank("n", "0-1", "0-1", 64);
        ranks[i].threads_from = DOCTOR_FROM_OPTION;
    }
    doctor_facts_t facts = fake_launch(2);
    assert_problem(&facts, "128 threads share 2 cores (0-1) on node n: 2 ranks, 64 threads each, from -t",
                   "mpirun -n 2 --map-by ppr:2:node:PE=1 --bind-to core");
    assert_in(problems[0].fix, "leave -t out");
    assert_in(problems[0].fix, "srun --mpi=pmix --nodes=1 --ntasks=2 --cpus-per-task=1");
}

static void test_more_ranks_than_cores(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) ranks[i] = fake_rank("n", "0-1", "0-1", 1);
    const doctor_facts_t facts = fake_launch(4);
    assert_problem(&facts, "4 threads share 2 cores", "mpirun -n 2 --map-by ppr:2:node:PE=1");
}

static void test_crowd_on_part_of_a_node(void **state)
{
    (void)state;
    ranks[0] = fake_rank("n", "0-1", "0-7", 2);
    ranks[1] = fake_rank("n", "1", "0-7", 1);
    ranks[2] = fake_rank("n", "2-7", "0-7", 1);
    const doctor_facts_t facts = fake_launch(3);
    assert_problem(&facts, "3 threads share 2 cores (0-1) on node n: 2 ranks", "ppr:3:node:PE=2");
}

static void test_crowd_is_named_once_for_many_nodes(void **state)
{
    (void)state;
    for (int i = 0; i < 6; i++) ranks[i] = fake_rank((const char *[]){"a", "b", "c"}[i % 3], "0-3", "0-3", 4);
    doctor_facts_t facts = fake_launch(6);
    assert_int_equal(facts.nodes, 3);
    assert_problem(&facts, "on node a: 2 ranks, 4 threads each, and on 2 more nodes",
                   "mpirun -n 6 --host a:2,b:2,c:2 --map-by ppr:2:node:PE=2 --bind-to core furrow doctor");
    assert_in(problems[0].fix, "--nodes=3 --ntasks=6 --cpus-per-task=2");
    facts.launcher = DOCTOR_SRUN;
    assert_int_equal(doctor_check(&facts, problems), 1);
    assert_true(strstr(problems[0].fix, "srun") < strstr(problems[0].fix, "mpirun"));
}

static void test_omp_num_threads(void **state)
{
    (void)state;
    ranks[0] = fake_rank("laptop", "2", "0-3", 16);
    ranks[0].threads_from = DOCTOR_FROM_ENVIRONMENT;
    doctor_facts_t facts = fake_alone();
    assert_problem(&facts, "16 threads share 1 core (2) on node laptop: 1 rank, 16 threads, from OMP_NUM_THREADS",
                   "unset OMP_NUM_THREADS");
    assert_in(problems[0].fix, "furrow doctor -t 1");
}

static void test_bound_to_one_core(void **state)
{
    (void)state;
    ranks[0] = fake_rank("n", "0", "0-7", 1);
    doctor_facts_t facts = fake_launch(1);
    assert_problem(&facts, "bound the only rank to one core: node n uses 1 of 8 cores (0)", "--bind-to none");
    assert_in(problems[0].fix, "mpirun -n 1 --map-by ppr:1:node:PE=8 --bind-to core");

    ranks[1] = fake_rank("n", "1", "0-7", 1);
    facts = fake_launch(2);
    assert_problem(&facts, "each of 2 ranks to one core: node n uses 2 of 8 cores (0-1)", "ppr:2:node:PE=4");

    ranks[1] = fake_rank("n", "0", "0-7", 1);
    facts = fake_launch(2);
    assert_problem(&facts, "all 2 ranks to the same core: node n uses 1 of 8 cores (0)", "ppr:2:node:PE=4");
}

static void test_slurm_allots_less_than_the_node_has(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        ranks[i] = fake_rank("n", i == 0 ? "0" : "1", "0-63", 1);
        ranks[i].slurm_cpus_on_node = 2;
    }
    doctor_facts_t facts = fake_launch(2);
    assert_healthy(&facts);

    ranks[0].slurm_cpus_on_node = 8;
    assert_problem(&facts, "uses 2 of 8 cores", "--ntasks=2 --cpus-per-task=4");
}

static void test_cpus_per_task_lost(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        ranks[i] = fake_rank("n", i == 0 ? "0" : "1", "0-7", 1);
        ranks[i].slurm_cpus_per_task = 4;
    }
    doctor_facts_t facts = fake_launch(2);
    facts.launcher = DOCTOR_SRUN;
    assert_problem(&facts, "--cpus-per-task=4 of the job was lost: rank 0 on n may use 1 core, and so 1 more",
                   "srun --mpi=pmix --nodes=1 --ntasks=2 --cpus-per-task=4");
    assert_in(problems[0].fix, "mpirun -n 2 --host n:2 --map-by ppr:2:node:PE=4");
    facts.slurm_job = 7; /* the daemon of mpirun is one task of srun's */
    assert_problem(&facts, "--cpus-per-task=4 of the job was lost",
                   "SLURM_CPUS_PER_TASK=8 SRUN_CPUS_PER_TASK=8 "
                   "mpirun -n 2 --host n:2 --map-by ppr:2:node --bind-to none furrow doctor");
    ranks[0].threads = 4; /* with -t it is crowded as well */
    ranks[0].threads_from = DOCTOR_FROM_OPTION;
    facts.threads_asked = 4; /* and is right with four cores */
    assert_int_equal(doctor_check(&facts, problems), 2);
    for (int i = 0; i < 2; i++) assert_in(problems[i].fix, "--cpus-per-task=4 furrow doctor -t 4");
}

static void test_container_quota(void **state)
{
    (void)state;
    ranks[0] = fake_rank("box", "0-7", "0-7", 8);
    ranks[0].cpu_quota = 2.5;
    doctor_facts_t facts = fake_alone();
    assert_problem(&facts, "8 threads on node box, where the container grants the time of 2.5 cores",
                   "furrow doctor -t 2");
    ranks[0].threads = 3;
    assert_healthy(&facts);
}

/* ------------------------------------------------------------------ launch */

static void test_nodes_of_one_name_are_told_apart(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) ranks[i] = fake_rank("localhost", "0", "0", 1);
    (void)strcpy(ranks[1].boot_id, "c");
    assert_int_equal(doctor_group(ranks, 3), 2);
    assert_int_equal(ranks[0].node, 0);
    assert_int_equal(ranks[1].node, 1);
    assert_int_equal(ranks[2].node, 0);
}

static void test_launch_that_is_none(void **state)
{
    (void)state;
    ranks[0] = fake_rank("n", "0-7", "0-7", 8);
    doctor_facts_t facts = fake_alone();
    facts.slurm_job = 7;
    facts.slurm_tasks = 4;
    facts.slurm_nodes = 2;
    ranks[0].slurm_cpus_per_task = 3;
    assert_problem(&facts, "the Slurm job has 4 tasks",
                   "srun --mpi=pmix --nodes=2 --ntasks=4 --cpus-per-task=3 furrow doctor");
    assert_in(problems[0].fix, "SLURM_CPUS_PER_TASK=6 SRUN_CPUS_PER_TASK=6 "
                               "mpirun -n 4 --map-by ppr:2:node --bind-to none furrow doctor");
    ranks[0].slurm_cpus_per_task = 0;

    facts = fake_launch(1);
    facts.launched = 4; /* mpirun of another MPI */
    assert_problem(&facts, "started 4 processes, MPI knows of 1", "the mpirun that belongs to Open MPI v4.1.4");
}

static void test_versions_differ(void **state)
{
    (void)state;
    ranks[0] = fake_rank("a", "0", "0-7", 1);
    ranks[1] = fake_rank("b", "0", "0-7", 99);
    (void)strcpy(ranks[1].version, "1.3.0");
    doctor_facts_t facts = fake_launch(2);
    assert_problem(&facts, "rank 0 on a runs Furrow 1.2.3, rank 1 on b runs 1.3.0", "one Furrow on all nodes");
    (void)strcpy(ranks[1].version, "1.2.3");
    ranks[1].bytes++;
    assert_problem(&facts, "rank 1 on b runs another build of 1.2.3", "one Furrow on all nodes");
}

static void test_kernels_differ(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) ranks[i] = fake_rank(i == 0 ? "a" : "b", "0-7", "0-7", 8);
    (void)strcpy(ranks[1].kernels, "portable");
    doctor_facts_t facts = fake_launch(2);
    assert_problem(&facts, "rank 0 on a uses the avx2 kernels, rank 1 on b uses portable", "--constraint");

    facts = fake_alone();
    (void)strcpy(ranks[0].kernels_wanted, "avx9");
    assert_problem(&facts, "FURROW_KERNELS asks for avx9", "unset FURROW_KERNELS");
}

static void test_thread_level(void **state)
{
    (void)state;
    ranks[0] = fake_rank("n", "0-7", "0-7", 8);
    doctor_facts_t facts = fake_launch(1);
    facts.mpi_level = DOCTOR_MPI_SINGLE;
    assert_problem(&facts, "MPI_THREAD_SINGLE", "-t 1");
}

/* ------------------------------------------------------------------ limits */

static void test_memory(void **state)
{
    (void)state;
    for (int i = 0; i < 8; i++) ranks[i] = fake_rank("n", "0-7", "0-7", 1);
    ranks[5].memory_limit = INT64_C(8) << 30; /* enough for eight times 1 GiB, to the byte */
    ranks[5].memory_left = INT64_C(8) << 30;
    doctor_facts_t facts = fake_launch(8);
    assert_healthy(&facts);
    ranks[5].memory_left = INT64_C(4) << 30;
    assert_problem(&facts, "8 ranks on node n may take 8192M together (--memory), but only 4096M are free",
                   "mpirun -n 8 --map-by ppr:8:node:PE=1 --bind-to core furrow doctor --memory 460M");
    ranks[5].memory_left = 1000;
    assert_problem(&facts, "only 0M are free", "fewer ranks");
}

static void test_open_files(void **state)
{
    (void)state;
    ranks[0] = fake_rank("n", "0-7", "0-7", 8);
    doctor_facts_t facts = fake_alone();
    ranks[0].files_soft = 256; /* Furrow raises it */
    assert_healthy(&facts);
    ranks[0].files_hard = -1;
    assert_healthy(&facts);
    ranks[0].files_hard = 256;
    assert_problem(&facts, "may open 256 files at most", "ulimit -n");

    /* But not that of mpirun's daemon, nor its own before it opens any. */
    for (int i = 0; i < RANKS_MAX; i++) ranks[i] = fake_rank(i % 2 == 0 ? "a" : "b", "0-63", "0-63", 1);
    facts = fake_launch(RANKS_MAX);
    ranks[3].files_soft = 288; /* 128, four for each of 32, one for each of 32 */
    assert_healthy(&facts);
    ranks[3].files_soft = 287;
    assert_problem(&facts, "rank 3 on b may open 287 files (ulimit -n): with 64 ranks MPI may need 288",
                   "ulimit -Sn 1024; mpirun -n 64");
    ranks[5].files_hard = 1030;
    ranks[3].files_hard = 280; /* no line can help */
    assert_int_equal(doctor_check(&facts, problems), 2);
    assert_null(strstr(problems[1].fix, "mpirun -n"));
}

static void test_shared_memory(void **state)
{
    (void)state;
    for (int i = 0; i < 8; i++) ranks[i] = fake_rank(i < 4 ? "a" : "b", "0-3", "0-3", 1);
    doctor_facts_t facts = fake_launch(8);
    ranks[4].shm_free = INT64_C(32) << 20;
    assert_healthy(&facts);
    ranks[4].shm_free--;
    assert_problem(&facts, "/dev/shm on node b has 31M free, 4 ranks need 32M (8M each)",
                   "mpirun -n 2 --host a:1,b:1 --map-by ppr:1:node:PE=4");
    assert_in(problems[0].fix, "--shm-size");
    facts = fake_launch(5); /* alone on b, a rank shares nothing */
    assert_healthy(&facts);
    ranks[4].shm_bytes = 0; /* not known */
    facts = fake_launch(8);
    assert_healthy(&facts);
}

/* ----------------------------------------------------------- names and paths */

static void test_two_nodes_of_one_name(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) ranks[i] = fake_rank(i % 2 == 0 ? "a" : "b", "0-7", "0-7", 4);
    (void)strcpy(ranks[2].boot_id, "c");
    doctor_facts_t facts = fake_launch(4);
    assert_problem(&facts, "ranks 0 and 2 run on two nodes of one name, a", "hostnamectl set-hostname");
}

/* Rank 0 of the two shows a path, and the others see `sight`. */
static doctor_facts_t fake_path(doctor_view_t view[4], bool is_folder, doctor_sight_t sight, int error)
{
    for (int i = 0; i < 4; i++) {
        ranks[i] = fake_rank(i % 2 == 0 ? "a" : "b", "0-7", "0-7", 4);
        view[i] = (doctor_view_t){.sight = DOCTOR_SEES, .folder = "/home/me"};
    }
    for (int i = 1; i < 4; i += 2)
        view[i] = (doctor_view_t){.sight = (int32_t)sight, .error = error, .folder = "/home/me"};
    doctor_facts_t facts = fake_launch(4);
    facts.paths = 1;
    facts.path[0] = (doctor_path_t){.path = "/scratch/x", .is_folder = is_folder, .view = view};
    return facts;
}

static void test_paths(void **state)
{
    doctor_view_t view[4];
    (void)state;
    doctor_facts_t facts = fake_path(view, true, DOCTOR_SEES, 0);
    assert_healthy(&facts);
    facts = fake_path(view, true, DOCTOR_SEES_NOTHING, ENOENT);
    assert_problem(&facts,
                   "rank 1 on b does not see /scratch/x as rank 0 on a does: No such file or directory, and so 1 more",
                   "mpirun -n 4 --host a:2,b:2 --map-by ppr:2:node:PE=4 --bind-to core furrow doctor --source root");
    view[3] = view[2];
    facts.path[0].is_relative = true;
    (void)strcpy(view[1].folder, "/root");
    assert_problem(&facts, "No such file or directory; its current folder is /root", "file system that all nodes see");
    facts = fake_path(view, false, DOCTOR_SEES_ANOTHER, 0);
    assert_problem(&facts, "rank 1 on b finds another file under the name /scratch/x than rank 0 on a",
                   "--source root");
    facts = fake_path(view, true, DOCTOR_CANNOT_WRITE, EROFS);
    assert_problem(&facts, "rank 1 on b cannot write in /scratch/x, rank 0 on a can: Read-only", "--source root");
}

static void test_path_that_rank_0_cannot_use(void **state)
{
    (void)state;
    ranks[0] = fake_rank("n", "0-7", "0-7", 8);
    doctor_facts_t facts = fake_alone();
    facts.paths = 1;
    facts.path[0] = (doctor_path_t){.path = "/usr", .is_folder = true, .error = EACCES}; /* as for anybody */
    assert_healthy(&facts);
    facts.path[0].error = ENOSPC;
    assert_problem(&facts, "rank 0 on n cannot write in /usr: No space left", "a folder where there is room");
    facts.path[0] = (doctor_path_t){.path = "/a\nb", .error = EACCES};
    assert_problem(&facts, "rank 0 on n cannot open /a?b: Permission denied", "a file that you may read");
}

/* --------------------------------------------------------------------- lines */

static void test_lines_stand_for_a_shell(void **state)
{
    (void)state;
    ranks[0] = fake_rank("n", "0-7", "0-7", 99);
    ranks[0].threads_from = DOCTOR_FROM_OPTION;
    doctor_facts_t facts = fake_launch(1);
    facts.is_remote = true;
    facts.memory_asked = ranks[0].memory_cap = 3000000;
    facts.source_root = true;
    (void)strcpy(facts.program, "/opt/my tools/furrow");
    assert_problem(&facts, "99 threads",
                   "mpirun -n 1 --host n:1 --map-by ppr:1:node:PE=8 --bind-to core '/opt/my tools/furrow' doctor "
                   "--memory 3000000 --source root");
}

/* A line heals all that is wrong, not only its own problem. */
static void test_lines_heal_all(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        ranks[i] = fake_rank("n", "0-7", "0-7", 99);
        ranks[i].threads_from = DOCTOR_FROM_OPTION;
        ranks[i].memory_available = INT64_C(1) << 30;
    }
    doctor_facts_t facts = fake_launch(2);
    facts.threads_asked = 99;
    assert_int_equal(doctor_check(&facts, problems), 2);
    for (int i = 0; i < 2; i++) assert_in(problems[i].fix, "--bind-to core furrow doctor --memory 460M\n");
}

static void test_many_hosts_stand_in_a_file(void **state)
{
    (void)state;
    for (int i = 0; i < RANKS_MAX; i++) {
        ranks[i] = fake_rank("", "0-7", "0-7", 99);
        (void)snprintf(ranks[i].host, sizeof ranks[i].host, "node%03d.of.a.cluster.example", i);
    }
    const doctor_facts_t facts = fake_launch(RANKS_MAX);
    assert_problem(&facts, "and on 63 more nodes", "mpirun -n 64 --hostfile HOSTFILE --map-by ppr:1:node:PE=8");
}

static void test_all_at_once_fits(void **state)
{
    (void)state;
    char host[sizeof ranks[0].host];
    memset(host, 'h', sizeof host - 1);
    host[sizeof host - 1] = '\0';
    for (int i = 0; i < 2; i++) {
        ranks[i] = fake_rank(host, "0,2,4,6,8,10,12,14,16,18,20,22,24,26,28,30,32,34,36", "0-1023", 4096);
        ranks[i].threads_from = DOCTOR_FROM_ENVIRONMENT;
        ranks[i].slurm_cpus_per_task = 512;
        ranks[i].cpu_quota = 0.5;
        ranks[i].files_hard = 1;
        ranks[i].memory_available = 1;
        (void)strcpy(ranks[i].kernels_wanted, "a_long_name_of_");
    }
    (void)strcpy(ranks[1].kernels, "a_long_name_of_");
    (void)strcpy(ranks[1].boot_id, "c");
    doctor_facts_t facts = fake_launch(2);
    memset(facts.program, 'f', sizeof facts.program - 1);
    facts.launched = 1 << 29;
    facts.mpi_level = DOCTOR_MPI_SINGLE;
    const int count = doctor_check(&facts, problems);
    assert_int_equal(count, 10);
    for (int i = 0; i < count; i++) {
        assert_true(strlen(problems[i].problem) + 1 < sizeof problems[i].problem);
        assert_true(strlen(problems[i].fix) > 0 && strlen(problems[i].fix) + 1 < sizeof problems[i].fix);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_run_is_healthy),
        cmocka_unit_test(test_good_launches_are_healthy),
        cmocka_unit_test(test_hardware_threads_are_cores_of_their_own),
        cmocka_unit_test(test_too_many_threads),
        cmocka_unit_test(test_more_ranks_than_cores),
        cmocka_unit_test(test_crowd_on_part_of_a_node),
        cmocka_unit_test(test_crowd_is_named_once_for_many_nodes),
        cmocka_unit_test(test_omp_num_threads),
        cmocka_unit_test(test_bound_to_one_core),
        cmocka_unit_test(test_slurm_allots_less_than_the_node_has),
        cmocka_unit_test(test_cpus_per_task_lost),
        cmocka_unit_test(test_container_quota),
        cmocka_unit_test(test_launch_that_is_none),
        cmocka_unit_test(test_versions_differ),
        cmocka_unit_test(test_kernels_differ),
        cmocka_unit_test(test_thread_level),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_open_files),
        cmocka_unit_test(test_all_at_once_fits),
        cmocka_unit_test(test_nodes_of_one_name_are_told_apart),
        cmocka_unit_test(test_shared_memory),
        cmocka_unit_test(test_two_nodes_of_one_name),
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_path_that_rank_0_cannot_use),
        cmocka_unit_test(test_lines_stand_for_a_shell),
        cmocka_unit_test(test_lines_heal_all),
        cmocka_unit_test(test_many_hosts_stand_in_a_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
