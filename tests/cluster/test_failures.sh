#!/usr/bin/env bash
# What breaks in the middle of a run: a rank is killed, a slurmd is killed, a link is cut. Nothing waits for ever, and the job goes on
# by itself to the bytes of an undisturbed run.
. "$FURROW_SOURCE_DIR/tests/cluster/lib.sh"
. "$cluster_scripts/slow_job.sh"

# What is broken must be whole again for what follows. For some seconds after a cut a host still takes another one for unreachable, and
# Open MPI, started then, says that it "may now hang" and does so.
mend()
{
    local from to

    ip link set v2 up
    kill -HUP "$(cat "$FURROW_CLUSTER/slurm/slurmd.h2.pid")" # so it reports itself at once
    kill -0 "$(cat "$FURROW_CLUSTER/slurm/slurmd.h3.pid")" 2>/dev/null || on_host h3 slurmd -N h3
    for from in h1 h2 h3; do
        for to in h1 h2 h3; do
            until on_host $from timeout 2 bash -c "</dev/tcp/$to/6818" 2>/dev/null; do sleep 0.2; done
        done
    done
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

wait_for_idle_hosts()
{
    local step

    for ((step = 0; step < 300; step++)); do
        [ "$(sinfo --noheader --Node --partition=main --format=%t | grep -cx idle)" -lt 3 ] || return 0
        sleep 0.2
    done
    sinfo >&2
    fail 'the hosts do not come back'
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

# ------------------------------------------------------------------------------------------------------ kill -9 of one rank
rank_killed()
{
    start_slow "killed-$1-$2" "$@"
    kill -KILL "$(rank_on h2)" || fail 'no rank on h2'
    expect_stop 60
    expect_text "job-$job.log" 'furrow: the ranks ended with exit code 137; job'
    expect_recovery
}

rank_of_run_killed()
{
    start_slow_run "run-killed-$1" "$1"
    kill -KILL "$(rank_on h3)" || fail 'no rank on h3'
    expect_end 'on node h3 exited on signal 9 (Killed)'
    expect_rest
}

in_parallel 'rank_killed rows srun' 'rank_killed rows mpirun' 'rank_killed images srun' 'rank_of_run_killed rows' 'rank_of_run_killed images'

# ------------------------------------------------------------------------------------- kill -9 of one slurmd; a link is cut
# All at once, because Slurm takes its time: a job on h1 and h3, two on h1 and h2, and a run without Slurm on all hosts.
trap 'mend; rm -rf "$work"' EXIT
start_slow lost-slurmd rows srun --nodes=2 --nodelist=h1,h3
slurmd=$job
start_slow lost-link rows srun --nodes=2 --nodelist=h1,h2
link=$job
start_slow lost-mpirun images mpirun --nodes=2 --nodelist=h1,h2
mpirun=$job
start_slow_run lost-run rows
kill -KILL "$(cat "$FURROW_CLUSTER/slurm/slurmd.h3.pid")"
ip link set v2 down

# back_to NAME KIND JOB: to the folder of that job.
back_to()
{
    cd "$work/lost-$1" || exit 1
    kind=$2
    job=$3
}
expect_end 'daemon' # lost, or unexpectedly failed
for lost in "slurmd rows $slurmd" "link rows $link" "mpirun images $mpirun"; do
    back_to $lost
    expect_stop 120
    expect_text "job-$job.log" 'DUE TO NODE FAILURE'
done
mend
for lost in "slurmd rows $slurmd" "link rows $link" "mpirun images $mpirun"; do
    back_to $lost
    expect_recovery
done
back_to run rows none
expect_rest
wait_for_idle_hosts
