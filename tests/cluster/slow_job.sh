# shellcheck shell=bash
# Sourced by the tests that disturb a job: a job on a slow disk, so that there is time to disturb it.
unset OMPI_MCA_odls_base_sigkill_timeout # ranks have the second that users' ranks have
"${CC:-cc}" -shared -fPIC -O1 -o slow.so "$cluster_scripts/slow.c" || fail 'slow.c'
"$FURROW" random --shape 40000,250 --seed 3 -q -o in.npy || fail 'random'
"$FURROW" rows sort in.npy -q -o expected.npy || fail 'rows'

# Of a run in this folder: the ledger's size in bytes, 0 if there is none.
ledger_bytes()
{
    stat -c %s .out.npy.furrow-ledger 2>/dev/null || echo 0
}

# start_slow NAME LAUNCHER OPTION...: in a new folder NAME, which is entered, a job of rows.sbatch with the disk slow; comes back when some
# rows are recorded. Its number is in `job`.
start_slow()
{
    local step name=$1 launcher=$2
    shift 2

    mkdir "$work/$name" && cd "$work/$name" || exit 1
    touch slow
    # srun and mpirun give the ranks all of the job's environment.
    LD_PRELOAD=$work/slow.so SLOW_DISK=$PWD/slow FURROW_LAUNCHER=$launcher \
        submit "$@" "$FURROW_SOURCE_DIR/slurm/rows.sbatch" sort ../in.npy -o out.npy
    wait_for_rows
}

# Some rows are done, many are not.
wait_for_rows()
{
    local step

    for ((step = 0; step < 600; step++)); do
        [ "$(ledger_bytes)" -lt 400 ] || return 0
        sleep 0.1
    done
    cat "job-$job.log" >&2
    fail "job $job records no rows"
}

# The disk is fast again: the job soon ends, by itself, with the bytes of an undisturbed run, and did not do all of it again.
expect_recovery()
{
    rm -f slow
    finish "$job" 0
    expect_same ../expected.npy out.npy
    grep -qE 'sort of 40000 rows, [1-9][0-9]* of an earlier run$' "job-$job.log" || { cat "job-$job.log" >&2; fail 'nothing was resumed'; }
    expect_equal '' "$(find . -name '.*furrow*')" 'what is left'
}

# expect_stop SECONDS: the job stops, and waits in the queue for its next turn.
expect_stop()
{
    wait_for_state "$job" "$1" PENDING
    [ ! -e out.npy ] || fail 'the run was over before'
}

# in_parallel FUNCTION...: each in a process of its own.
in_parallel()
{
    local name pids=() pid failed=0

    for name in "$@"; do
        ($name) &
        pids+=($!)
    done
    for pid in "${pids[@]}"; do wait "$pid" || failed=1; done
    [ $failed -eq 0 ] || exit 1
}
