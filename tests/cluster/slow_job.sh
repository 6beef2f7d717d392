# shellcheck shell=bash
# Sourced by the tests that disturb jobs: jobs on a slow disk, so that there is time to disturb them. They do next to nothing, and run
# many at a time, each in a folder of its own.
unset OMPI_MCA_odls_base_sigkill_timeout # ranks have the second that users' ranks have
export SBATCH_PARTITION=crowd
"${CC:-cc}" -shared -fPIC -O1 -o slow.so "$cluster_scripts/slow.c" || fail 'slow.c'

# For each kind of job: the command without its output, and what it makes undisturbed.
rows=(rows sort ../in.npy)
images=(images ../pictures --size 70x105)
"$FURROW" random --shape 40000,250 --seed 3 -q -o in.npy || fail 'random'
"$FURROW_BINARY_DIR/apps/make_clouds" pictures 200 140 210 3 >/dev/null || fail 'make_clouds'
mkdir rows images
(cd rows && "$FURROW" "${rows[@]}" -q -o out.npy) || fail 'rows'
(cd images && "$FURROW" "${images[@]}" -q -o out.npy) || fail 'images'

# Of a run in this folder: the ledger's size in bytes, 0 if there is none.
ledger_bytes()
{
    stat -c %s .out.npy.furrow-ledger 2>/dev/null || echo 0
}

# The ledger grows: some is done, much is not.
wait_for_work()
{
    local step bytes first=0

    for ((step = 0; step < 1200; step++)); do
        bytes=$(ledger_bytes)
        [ $first -gt 0 ] || first=$bytes
        [ "$bytes" -eq $first ] || return 0
        sleep 0.1
    done
    cat job-*.log >&2
    fail "$kind: nothing is recorded"
}

# slowly COMMAND...: with the disk of this folder slow as long as there is the file `slow`.
slowly()
{
    touch slow
    # srun and mpirun give the ranks all of a job's environment.
    LD_PRELOAD=$work/slow.so SLOW_DISK=$PWD/slow "$@"
}

# start_slow NAME KIND LAUNCHER OPTION...: in a new folder NAME, which is entered, a job of KIND.sbatch with the disk slow; comes back
# when some is recorded. Its number is in `job`.
start_slow()
{
    local -n command=$2

    mkdir "$work/$1" && cd "$work/$1" || exit 1
    kind=$2
    FURROW_LAUNCHER=$3 slowly submit "${@:4}" "$FURROW_SOURCE_DIR/slurm/$2.sbatch" "${command[@]:1}" -o out.npy
    wait_for_work
}

# What lies in this folder is what an undisturbed run gives, and nothing else.
expect_undisturbed()
{
    local file

    for file in "../$kind"/*; do expect_same "$file" "$(basename "$file")"; done
    expect_equal '' "$(find . -name '.*furrow*')" 'what is left'
}

# The disk is fast again: the job soon ends, by itself, and did not do all of it again.
expect_recovery()
{
    rm -f slow
    finish "$job" 0
    expect_undisturbed
    grep -qE ' (40000 rows|200 images), [1-9][0-9]* of an earlier run$' "job-$job.log" || { cat "job-$job.log" >&2; fail 'nothing was resumed'; }
}

# expect_stop SECONDS: the job stops, and waits in the queue for its next turn.
expect_stop()
{
    wait_for_state "$job" "$1" PENDING
    [ ! -e out.npy ] || fail 'the run was over before'
}
