#!/usr/bin/env bash
# Jobs that Slurm stops, in each of the ways that it has, or that lose a rank, go on by themselves and give the bytes of an undisturbed run.
. "$FURROW_SOURCE_DIR/tests/cluster/lib.sh"
. "$cluster_scripts/slow_job.sh"

# Each takes KIND LAUNCHER.
# What a wall-time limit and a preemption do first: SIGTERM to the batch shell alone.
told_to_stop()
{
    start_slow "told-$1-$2" "$@"
    scancel --signal=TERM --batch "$job"
    expect_stop 60
    expect_text "job-$job.log" "$1 are done; the same command with --resume does the rest"
    expect_text "job-$job.log" "furrow: stopped with work left; job $job goes on when its turn comes"
    expect_recovery
}

# To all processes of the job's steps: the ranks, or mpirun's daemons, which then die.
steps_told_to_stop()
{
    start_slow "steps-$1-$2" "$@"
    scancel --signal=TERM "$job"
    expect_stop 60
    expect_text "job-$job.log" "job $job goes on when its turn comes"
    expect_recovery
}

requeued()
{
    start_slow "requeued-$1-$2" "$@"
    scontrol requeue "$job" || fail 'scontrol requeue'
    expect_stop 60
    expect_recovery
}

# Cancelled means cancelled; the user may submit it once more.
cancelled()
{
    local -n command=$1

    start_slow "cancelled-$1-$2" "$@"
    scancel "$job"
    wait_for_state "$job" 60 CANCELLED
    sleep 2
    expect_equal CANCELLED "$(state_of "$job")" 'state some time after'
    [ ! -e out.npy ] || fail 'the run was over before'
    rm slow
    submit "$FURROW_SOURCE_DIR/slurm/$1.sbatch" "${command[@]:1}" -o out.npy
    expect_recovery
}

rank_killed()
{
    start_slow "killed-$1-$2" "$@"
    kill -KILL "$(rank_on h2)" || fail 'no rank on h2'
    expect_stop 60
    expect_text "job-$job.log" 'furrow: the ranks ended with exit code 137; job'
    expect_recovery
}

# Without Slurm it is the user who says --resume.
rank_of_run_killed()
{
    start_slow_run "run-killed-$1" "$1"
    kill -KILL "$(rank_on h3)" || fail 'no rank on h3'
    expect_end 'on node h3 exited on signal 9 (Killed)'
    expect_rest
}

# The limit is one minute, so that two minutes before it is at once; Slurm looks every half minute.
out_of_time()
{
    start_slow "time-$1-$2" "$@" --time=1
    expect_stop 90
    expect_text "job-$job.log" "furrow: stopped with work left; job $job goes on when its turn comes"
    expect_recovery
}

# One task of an array: the others go on, and the last of all joins.
array_told_to_stop()
{
    local step

    mkdir "$work/array" && cd "$work/array" || exit 1
    kind=rows
    "$FURROW" split ../in.npy -n 3 -o ../part-%d.npy -q || fail 'split'
    slowly submit_array 0-2 sort ../part-{0,1,2}.npy -o out.npy
    for ((step = 0; step < 600; step++)); do
        [ "$(stat -c %s ".out.npy.parts-$job/.000001.npy.furrow-ledger" 2>/dev/null || echo 0)" -lt 400 ] || break
        sleep 0.1
    done
    scancel --signal=TERM --batch "${job}_1"
    wait_for_state "${job}_1" 60 PENDING
    expect_text "job-$job.log" "furrow: stopped with work left; task ${job}_1 goes on when its turn comes"
    rm slow
    finish_array '0 0 0 '
    expect_undisturbed
    grep -qE '000001.npy: .* sort of 13333 rows, [1-9][0-9]* of an earlier run' "job-$job.log" || fail 'nothing was resumed'
}

# A launcher fails when something was done, and when something was done before, and says that all is well when it is not; then it works.
launcher_fails()
{
    mkdir -p "$work/launcher/bin" && cd "$work/launcher" || exit 1
    cat >bin/mpirun <<'END'
#!/bin/bash
case ${SLURM_RESTART_COUNT:-0} in
    0) touch .out.npy.furrow-ledger; exit 1 ;;
    1) exit 1 ;;
    2) ;;
    *) rm .out.npy.furrow-ledger; touch out.npy ;;
esac
END
    chmod +x bin/mpirun
    PATH=$PWD/bin:$PATH FURROW_LAUNCHER=mpirun submit "$FURROW_SOURCE_DIR/slurm/rows.sbatch" sort ../in.npy -o out.npy
    finish "$job" 0
    expect_equal '1 1 143 ' "$(sed -nE 's/^furrow: the ranks ended with exit code (.*); .*/\1/p' "job-$job.log" | tr '\n' ' ')" 'exit codes'
    [ -e out.npy ] || fail 'said to be done before the work was'
}

# By a job of more importance, which needs all cores. Slurm gives the ranks twenty seconds.
preempted()
{
    start_slow "preempted-$1-$2" "$@"
    touch ready
    expect_stop 90
    expect_recovery
}
preempt()
{
    local urgent folder

    for folder in "$@"; do
        until [ -e "$work/preempted-$folder/ready" ]; do sleep 0.1; done
    done
    urgent=$(sbatch --parsable --partition=urgent --nodes=3 --exclusive --output=urgent.log --wrap 'sleep 1') || fail 'sbatch'
    wait_for_state "$urgent" 90 COMPLETED
}

in_parallel 'out_of_time rows srun' 'out_of_time images mpirun' array_told_to_stop launcher_fails \
    'told_to_stop rows srun' 'told_to_stop rows mpirun' 'told_to_stop images srun' \
    'steps_told_to_stop rows srun' 'steps_told_to_stop rows mpirun' \
    'requeued rows srun' 'requeued images mpirun' 'cancelled rows srun' 'cancelled rows mpirun' \
    'rank_killed rows srun' 'rank_killed rows mpirun' 'rank_killed images srun' 'rank_of_run_killed rows' 'rank_of_run_killed images'
in_parallel 'preempted rows srun' 'preempted rows mpirun' 'preempted images srun' 'preempt rows-srun rows-mpirun images-srun'
