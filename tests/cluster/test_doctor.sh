#!/usr/bin/env bash
# furrow doctor on several hosts: it finds what is wrong with a launch, and its corrected line, launched as it stands, has no problem. Where
# srun starts no MPI, every command refuses.
. "$FURROW_SOURCE_DIR/tests/cluster/lib.sh"

# The lines say `furrow`; mpirun needs to be told the hosts where Slurm does not.
bin=$(dirname "$FURROW")
export PATH=$bin:$PATH

# expect_problem TEXT COMMAND...: doctor, launched so, has that one problem.
expect_problem()
{
    local text=$1
    shift
    expect_exit 1 "$@"
    expect_text stdout "$text"
    expect_equal 'furrow: doctor: 1 problem found' "$(grep '^furrow: ' stderr)" 'error line'
}

# expect_cured: both corrected lines of the report in stdout are good launches.
expect_cured()
{
    local slurm mpirun

    slurm=$(sed -nE 's/^ +Slurm: +srun (.*) furrow doctor.*$/\1/p' stdout)
    mpirun=$(sed -nE 's/^ +Open MPI: mpirun (.*) furrow doctor.*$/\1/p' stdout)
    [ -n "$slurm" ] && [ -n "$mpirun" ] || { cat stdout >&2; fail 'a corrected line is missing'; }
    # shellcheck disable=SC2086 # are several words
    expect_exit 0 srun $slurm furrow doctor
    # shellcheck disable=SC2086
    expect_exit 0 mpirun -H h1:2,h2:2,h3:2 $mpirun "$FURROW" doctor
}

expect_problem '4 threads share 2 cores (0-1) on node h1: 2 ranks, 2 threads each, from -t, and on 2 more nodes' \
    on_hosts 6 "$FURROW" doctor -t 2
expect_cured
expect_problem 'the launcher has bound all 2 ranks to the same core: node h1 uses 1 of 2 cores (0), and on 2 more nodes' \
    srun --mpi=pmix --nodes=3 --ntasks=6 --cpu-bind=map_cpu:0 furrow doctor
expect_cured

# In a job with two cores per task srun gives a rank one, unless it is told.
cat >job.sh <<'JOB'
#!/bin/bash
srun --mpi=pmix --exact "$FURROW" doctor >lost.txt
srun --mpi=pmix --exact --cpus-per-task="$SLURM_CPUS_PER_TASK" "$FURROW" doctor >kept.txt
JOB
submit --cpus-per-task=2 --ntasks-per-node=1 job.sh
finish "$job" 0
expect_text lost.txt '--cpus-per-task=2 of the job was lost: rank 0 on h1 may use 1 core, and so 2 more'
expect_text kept.txt 'No problem found.'

# Each task would do all of the work.
"$FURROW" random --shape 1000,3 --seed 1 -q -o data.npy || fail random
for command in 'info data.npy' 'reduce sum data.npy' 'dot data.npy data.npy' 'rows sort data.npy -o out.npy' 'split data.npy -n 2 -o out-%d.npy' \
    'join data.npy -o out.npy' 'images . -o out.npy' 'random --shape 5 --seed 1 -o out.npy' 'bench --quick' doctor; do
    # shellcheck disable=SC2086
    expect_exit 1 srun --mpi=none --nodes=3 furrow $command
    expect_text stderr "furrow: ${command%% *}: srun started 3 tasks without an MPI plugin"
    expect_text stderr 'use srun --mpi=pmix, or mpirun'
done
expect_equal 'data.npy' "$(echo *.npy)" 'files'
