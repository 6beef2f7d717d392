#!/usr/bin/env bash
# Every command in Slurm jobs, started by srun and by mpirun: the same bytes as alone. Then the scripts in slurm/, as a user submits
# them.
. "$FURROW_SOURCE_DIR/tests/cluster/lib.sh"
. "$cluster_scripts/commands.sh"
scripts=$FURROW_SOURCE_DIR/slurm

# ------------------------------------------------------------------------------------------------- every command, by both
for launcher in alone srun mpirun; do mkdir $launcher; done
(cd alone && run_commands) || fail 'alone'
cat >job.sh <<'JOB'
#!/bin/bash
. "$FURROW_SOURCE_DIR/tests/cluster/commands.sh"
cd "$1" && run_commands "${@:2}"
JOB
submit --ntasks-per-node=2 job.sh srun srun --mpi=pmix --kill-on-bad-exit=1
by_srun=$job
submit --ntasks-per-node=2 --dependency=afterany:"$by_srun" job.sh mpirun mpirun # each takes all the cores
by_mpirun=$job
finish "$by_srun" 0
expect_same_folder alone srun
finish "$by_mpirun" 0
expect_same_folder alone mpirun

# ------------------------------------------------------------------------------------------------------- reduce.sbatch
cd alone || exit 1
jobs=()
for launcher in srun mpirun; do
    FURROW_LAUNCHER=$launcher submit "$scripts/reduce.sbatch" $reductions data.npy --sections 4
    jobs+=("$job")
done
submit "$scripts/reduce.sbatch" sum missing.npy
bad=$job
for job in "${jobs[@]}"; do
    finish "$job" 0
    expect_same reduce.txt "job-$job.log"
done
finish "$bad" 1
expect_text "job-$bad.log" 'furrow: reduce: missing.npy: cannot open: No such file or directory (rank 0 on h1)'

# --------------------------------------------------------------------------------------------------------- rows.sbatch
for launcher in srun mpirun; do
    FURROW_LAUNCHER=$launcher submit "$scripts/rows.sbatch" softmax data.npy -o by-$launcher.npy
    finish "$job" 0
    expect_same rows.npy by-$launcher.npy
    expect_equal "by-$launcher.npy: f8 (30000, 40), softmax of 30000 rows" "$(cat "job-$job.log")" 'what the job prints'
done
# All cores of a task are used, also where Slurm gives a step no more than it asks for.
for launcher in srun mpirun; do
    SLURM_EXACT=1 FURROW_LAUNCHER=$launcher submit --cpus-per-task=2 "$scripts/rows.sbatch" softmax data.npy -o by-$launcher.npy -v
    finish "$job" 0
    expect_text "job-$job.log" '3 ranks, 2 threads each'
done
# Where Slurm starts it once more though it is done, it does not compute again.
wait_for_state "$job" 60 COMPLETED
before=$(stat -c '%i %Y' by-mpirun.npy)
scontrol requeue "$job"
wait_for_state "$job" 60 'PENDING|RUNNING'
finish "$job" 0
expect_equal "$before" "$(stat -c '%i %Y' by-mpirun.npy)" 'output of a job that was done'
# Wrong usage is not tried again.
submit "$scripts/rows.sbatch" softmaxx data.npy -o never.npy
finish "$job" 2
expect_text "job-$job.log" "unknown operation 'softmaxx'"
FURROW_LAUNCHER=mpiexec submit "$scripts/rows.sbatch" softmax data.npy -o never.npy
finish "$job" 2
expect_text "job-$job.log" 'FURROW_LAUNCHER=mpiexec is neither srun nor mpirun'

# ------------------------------------------------------------------------------------------------------- images.sbatch
jobs=()
for launcher in srun mpirun; do
    FURROW_LAUNCHER=$launcher submit "$scripts/images.sbatch" ../clouds -o images-$launcher.npy --size 70x105
    jobs+=("$job")
done
for job in "${jobs[@]}"; do finish "$job" 0; done
for launcher in srun mpirun; do
    expect_same images.npy images-$launcher.npy
    expect_same images.manifest.csv images-$launcher.manifest.csv
done
# What is tested with rows.sbatch holds for this script too.
sed '1,/^set -u/d; s/work=(rows/work=(images/; s/some rows/some images/' "$scripts/rows.sbatch" >rows-script
sed '1,/^set -u/d' "$scripts/images.sbatch" >images-script
expect_same rows-script images-script

# --------------------------------------------------------------------------------------------------- rows-array.sbatch
submit_array 0-2 softmax part-[0-4].npy -o by-array.npy
finish_array '0 0 0 '
expect_same rows.npy by-array.npy
expect_equal '' "$(find . -name '.*by-array*')" 'what is left'
submit_array 0-6 softmax part-[0-4].npy -o never.npy
finish_array '2 2 2 2 2 2 2 '
expect_text "job-$job.log" '7 tasks for 5 files: sbatch --array=0-4'

# Rejected rows are numbered as in the whole.
{
    printf '\223NUMPY\1\0\166\0%-117s\n' "{'descr': '<i8', 'fortran_order': False, 'shape': (3, 2), }"
    printf '\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0'
    printf '\377\377\377\377\377\377\377\177\1\0\0\0\0\0\0\0'
    printf '\3\0\0\0\0\0\0\0\4\0\0\0\0\0\0\0'
} >large.npy
"$FURROW" join large.npy large.npy -o twice.npy -q || fail 'join'
expect_exit 3 "$FURROW" rows sum twice.npy -o sums.npy -q
# srun ends all tasks as soon as one ends with such a code, which stays that of the others.
"${CC:-cc}" -shared -fPIC -O1 -o slow.so "$cluster_scripts/slow.c" || fail 'slow.c'
expect_exit 3 env LD_PRELOAD="$PWD/slow.so" SLOW_EXIT=0 srun --mpi=pmix --kill-on-bad-exit=1 --nodes=3 --ntasks=3 \
    "$FURROW" rows sum twice.npy -o sums-srun.npy -q
expect_same sums.npy sums-srun.npy
submit_array 4-5 sum large.npy large.npy -o sums-array.npy
finish_array '0 3 '
expect_same sums.npy sums-array.npy
expect_same sums.npy.rejects.csv sums-array.npy.rejects.csv

# -------------------------------------------------------------------------------------------------------- bench.sbatch
submit --nodes=1 "$scripts/bench.sbatch" --help
finish "$job" 0
expect_text "job-$job.log" 'No problem found.'
expect_text "job-$job.log" 'Usage: furrow bench'
