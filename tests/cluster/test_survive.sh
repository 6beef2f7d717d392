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

by_srun()
{
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
