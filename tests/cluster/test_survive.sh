#!/usr/bin/env bash
# A job of rows.sbatch that Slurm stops, in each of the ways that it has, goes on by itself and gives the bytes of an undisturbed run.
. "$FURROW_SOURCE_DIR/tests/cluster/lib.sh"
. "$cluster_scripts/slow_job.sh"

# What a wall-time limit and a preemption do first: SIGTERM to the batch shell alone.
told_to_stop()
{
    start_slow "told-$1" "$1"
    scancel --signal=TERM --batch "$job"
    expect_stop 60
    expect_text "job-$job.log" 'rows are done; the same command with --resume does the rest'
    expect_text "job-$job.log" "furrow: stopped with work left; job $job goes on when its turn comes"
    expect_recovery
}

# To all processes of the job's steps: the ranks, or mpirun's daemons, which then die.
steps_told_to_stop()
{
    start_slow "steps-$1" "$1"
    scancel --signal=TERM "$job"
    expect_stop 60
    expect_text "job-$job.log" "job $job goes on when its turn comes"
    expect_recovery
}

requeued()
{
    start_slow "requeued-$1" "$1"
    scontrol requeue "$job" || fail 'scontrol requeue'
    expect_stop 60
    expect_recovery
}

# By a job of more importance, which needs all cores. Slurm gives the ranks twenty seconds.
preempted()
{
    local urgent

    start_slow preempted srun
    urgent=$(sbatch --parsable --partition=urgent --nodes=3 --exclusive --output=urgent.log --wrap 'sleep 1') || fail 'sbatch'
    expect_stop 90
    expect_recovery
    expect_equal COMPLETED "$(state_of "$urgent")" 'state of the urgent job'
}

# Cancelled means cancelled; the user may submit it once more.
cancelled()
{
    start_slow "cancelled-$1" "$1"
    scancel "$job"
    wait_for_state "$job" 60 CANCELLED
    sleep 2
    expect_equal CANCELLED "$(state_of "$job")" 'state some time after'
    [ ! -e out.npy ] || fail 'the run was over before'
    rm slow
    submit "$FURROW_SOURCE_DIR/slurm/rows.sbatch" sort ../in.npy -o out.npy
    expect_recovery
}

# The limit is one minute, so that two minutes before it is at once; Slurm looks every half minute.
out_of_time()
{
    start_slow out-of-time srun --time=1
    expect_stop 90
    expect_text "job-$job.log" "furrow: stopped with work left; job $job goes on when its turn comes"
    expect_recovery
}

# One task of an array: the others go on, and the last of all joins.
array_told_to_stop()
{
    local step

    mkdir "$work/array" && cd "$work/array" || exit 1
    "$FURROW" split ../in.npy -n 3 -o part-%d.npy -q || fail 'split'
    touch slow
    LD_PRELOAD=$work/slow.so SLOW_DISK=$PWD/slow submit_array 0-2 sort part-{0,1,2}.npy -o out.npy
    for ((step = 0; step < 600; step++)); do
        [ "$(stat -c %s ".out.npy.parts-$job/.000001.npy.furrow-ledger" 2>/dev/null || echo 0)" -lt 400 ] || break
        sleep 0.1
    done
    scancel --signal=TERM --batch "${job}_1"
    wait_for_state "${job}_1" 60 PENDING
    expect_text "job-$job.log" "furrow: stopped with work left; task ${job}_1 goes on when its turn comes"
    rm slow
    finish_array '0 0 0 '
    expect_same ../expected.npy out.npy
    grep -qE '000001.npy: .* sort of 13333 rows, [1-9][0-9]* of an earlier run' "job-$job.log" || fail 'nothing was resumed'
    expect_equal '' "$(find . -name '.*out*')" 'what is left'
}

by_srun()
{
    array_told_to_stop
    told_to_stop srun
    steps_told_to_stop srun
    requeued srun
    cancelled srun
}

by_mpirun()
{
    out_of_time
    told_to_stop mpirun
    steps_told_to_stop mpirun
    cancelled mpirun
}

in_parallel by_srun by_mpirun
preempted
