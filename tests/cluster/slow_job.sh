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

# rank_on HOST: the process of the job in this folder that computes on HOST.
rank_on()
{
    local pid namespace

    namespace=$(readlink "/proc/$(cat "$FURROW_CLUSTER/pid/$1")/ns/net")
    for pid in $(pgrep -x furrow); do
        [ "$(readlink "/proc/$pid/cwd")" = "$PWD" ] && [ "$(readlink "/proc/$pid/ns/net")" = "$namespace" ] && echo "$pid"
    done
}

# --------------------------------------------------------------------------------------------------------- outside of Slurm
# start_slow_run NAME KIND: in a new folder NAME, a run by mpirun with the disk slow, as start_slow; its process is in `run`. A daemon of
# Open MPI that is out of reach is missed after eight seconds, by default after eight minutes.
start_slow_run()
{
    local -n command=$2

    mkdir "$work/$1" && cd "$work/$1" || exit 1
    kind=$2
    touch slow
    "$MPIEXEC" -H h1,h2,h3 -n 3 -x LD_PRELOAD="$work/slow.so" -x SLOW_DISK="$PWD/slow" --mca oob_tcp_keepalive_time 2 \
        --mca oob_tcp_keepalive_intvl 2 --mca oob_tcp_keepalive_probes 3 "$FURROW" "${command[@]}" -o out.npy >job-run.log 2>&1 &
    run=$!
    wait_for_work
}

# expect_end TEXT: mpirun ends, and says so.
expect_end()
{
    timeout 60 tail --pid=$run -f /dev/null || fail "mpirun does not end: $1"
    ! wait $run || fail "mpirun says that all is well: $1"
    expect_text job-run.log "$1"
}

# The rest, by other ranks, gives the undisturbed bytes.
expect_rest()
{
    local -n command=$kind

    rm slow
    on_hosts 2 "$FURROW" "${command[@]}" -o out.npy --resume >rest.txt || fail "$kind --resume"
    expect_text rest.txt 'of an earlier run'
    rm job-run.log rest.txt
    expect_undisturbed
}
