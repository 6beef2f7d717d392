#!/usr/bin/env bash
# Every command in Slurm jobs, started by srun and by mpirun: the same bytes as alone. Then the scripts in slurm/, as a user submits
# them.
. "$FURROW_SOURCE_DIR/tests/cluster/lib.sh"
. "$cluster_scripts/commands.sh"
scripts=$FURROW_SOURCE_DIR/slurm
export SBATCH_PARTITION=crowd # the jobs are small, and many at a time
"${CC:-cc}" -shared -fPIC -O1 -o slow.so "$cluster_scripts/slow.c" || fail 'slow.c'

# ------------------------------------------------------------------------------------------------- every command, by both
mkdir alone srun mpirun
(cd alone && run_commands) || fail 'alone'
cp -r alone expected
cat >job.sh <<'JOB'
#!/bin/bash
. "$FURROW_SOURCE_DIR/tests/cluster/commands.sh"
cd "$1" && run_commands "${@:2}"
JOB
# commands_by FOLDER LAUNCHER...
commands_by()
{
    submit --ntasks-per-node=2 job.sh "$@"
    finish "$job" 0
    expect_same_folder expected "$1"
}

# ------------------------------------------------------------------------------------------------------- reduce.sbatch
reduce_by()
{
    FURROW_LAUNCHER=$1 submit "$scripts/reduce.sbatch" $reductions data.npy --sections 4
    finish "$job" 0
    expect_same reduce.txt "job-$job.log"
}
reduce_fails()
{
    submit "$scripts/reduce.sbatch" sum missing.npy
    finish "$job" 1
    expect_text "job-$job.log" 'furrow: reduce: missing.npy: cannot open: No such file or directory (rank 0 on h1)'
}

# --------------------------------------------------------------------------------------------------------- rows.sbatch
rows_by()
{
    FURROW_LAUNCHER=$1 submit "$scripts/rows.sbatch" softmax data.npy -o by-$1.npy
    finish "$job" 0
    expect_same rows.npy by-$1.npy
    expect_equal "by-$1.npy: f8 (30000, 40), softmax of 30000 rows" "$(cat "job-$job.log")" 'what the job prints'
}
# All cores of a task are used, also where Slurm gives a step no more than it asks for; and all of two tasks.
all_cores_by()
{
    SLURM_EXACT=1 FURROW_LAUNCHER=$1 submit --cpus-per-task=2 "$scripts/rows.sbatch" softmax data.npy -o cores-$1.npy -v
    finish "$job" 0
    expect_text "job-$job.log" '3 ranks, 2 threads each'
    SLURM_EXACT=1 FURROW_LAUNCHER=$1 submit --nodes=2 --ntasks-per-node=2 "$scripts/rows.sbatch" softmax data.npy -o cores-$1.npy -v
    finish "$job" 0
    expect_text "job-$job.log" '4 ranks, 1 thread each'
    expect_same rows.npy cores-$1.npy
}
# Where Slurm starts it once more though it is done, it does not compute again.
done_twice()
{
    local before

    submit "$scripts/rows.sbatch" softmax data.npy -o twice-done.npy
    finish "$job" 0
    before=$(stat -c '%i %Y' twice-done.npy)
    scontrol requeue "$job"
    wait_for_state "$job" 60 'PENDING|RUNNING'
    finish "$job" 0
    expect_equal "$before" "$(stat -c '%i %Y' twice-done.npy)" 'output of a job that was done'
}
# What would fail again is not tried again.
wrong_usage()
{
    submit "$scripts/rows.sbatch" sort missing.npy -o never.npy
    finish "$job" 1
    submit "$scripts/rows.sbatch" softmaxx data.npy -o never.npy
    finish "$job" 2
    expect_text "job-$job.log" "unknown operation 'softmaxx'"
    FURROW_LAUNCHER=mpiexec submit "$scripts/images.sbatch" ../clouds -o never.npy
    finish "$job" 2
    expect_text "job-$job.log" 'FURROW_LAUNCHER=mpiexec is neither srun nor mpirun'
}

# ------------------------------------------------------------------------------------------------------- images.sbatch
images_by()
{
    FURROW_LAUNCHER=$1 submit "$scripts/images.sbatch" ../clouds -o images-$1.npy --size 70x105
    finish "$job" 0
    expect_same images.npy images-$1.npy
    expect_same images.manifest.csv images-$1.manifest.csv
}
# What is tested with one of the two holds for the other.
same_scripts()
{
    sed '1,/^set -u/d; s/work=(rows/work=(images/; s/\<rows\>/images/' "$scripts/rows.sbatch" >rows-script
    sed '1,/^set -u/d' "$scripts/images.sbatch" >images-script
    expect_same rows-script images-script
}

# --------------------------------------------------------------------------------------------------- rows-array.sbatch
array()
{
    submit_array 0-2 softmax part-[0-4].npy -o by-array.npy
    finish_array '0 0 0 '
    expect_same rows.npy by-array.npy
    expect_equal '' "$(find . -name '.*by-array*')" 'what is left'
    submit_array 0-6 softmax part-[0-4].npy -o never.npy
    finish_array '2 2 2 2 2 2 2 '
    expect_text "job-$job.log" '7 tasks for 5 files: sbatch --array=0-4'
}

# Rejected rows are numbered as in the whole.
rejects()
{
    {
        printf '\223NUMPY\1\0\166\0%-117s\n' "{'descr': '<i8', 'fortran_order': False, 'shape': (3, 2), }"
        printf '\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0'
        printf '\377\377\377\377\377\377\377\177\1\0\0\0\0\0\0\0'
        printf '\3\0\0\0\0\0\0\0\4\0\0\0\0\0\0\0'
    } >large.npy
    "$FURROW" join large.npy large.npy -o twice.npy -q || fail 'join'
    "$FURROW" rows sum twice.npy -o sums.npy -q
    expect_equal 3 $? 'exit code alone'
    # srun ends all tasks as soon as one ends with such a code, which stays that of the others.
    LD_PRELOAD=$work/slow.so SLOW_EXIT=0 srun --mpi=pmix --kill-on-bad-exit=1 --partition=crowd --nodes=3 --ntasks=3 \
        "$FURROW" rows sum twice.npy -o sums-srun.npy -q
    expect_equal 3 $? 'exit code by srun'
    expect_same sums.npy sums-srun.npy
    submit_array 4-5 sum large.npy large.npy -o sums-array.npy
    finish_array '0 3 '
    expect_same sums.npy sums-array.npy
    expect_same sums.npy.rejects.csv sums-array.npy.rejects.csv
}

# -------------------------------------------------------------------------------------------------------- bench.sbatch
bench()
{
    submit --partition=main --nodes=1 "$scripts/bench.sbatch" --help
    finish "$job" 0
    expect_text "job-$job.log" 'No problem found.'
    expect_text "job-$job.log" 'Usage: furrow bench'
}

in_parallel 'commands_by srun srun --mpi=pmix --kill-on-bad-exit=1' 'commands_by mpirun mpirun'
cd alone || exit 1
in_parallel done_twice array rejects 'reduce_by srun' 'reduce_by mpirun' reduce_fails 'rows_by srun' 'rows_by mpirun' 'all_cores_by srun' \
    'all_cores_by mpirun' wrong_usage 'images_by srun' 'images_by mpirun' same_scripts bench
