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
    kill -0 "$(cat "$FURROW_CLUSTER/slurm/slurmd.h3.pid")" 2>/dev/null || on_host h3 slurmd -N h3
    for from in h1 h2 h3; do
        for to in h1 h2 h3; do
            until on_host $from timeout 2 bash -c "</dev/tcp/$to/6818" 2>/dev/null; do sleep 0.2; done
        done
    done
}
trap 'mend; rm -rf "$work"' EXIT

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

# ------------------------------------------------------------------------------------------- kill -9 of one rank, in a job
rank_killed()
{
    start_slow "killed-$1" "$1"
    kill -KILL "$(rank_on h2)" || fail 'no rank on h2'
    expect_stop 60
    expect_text "job-$job.log" 'furrow: the ranks ended with exit code 137; job'
    expect_recovery
}
by_srun() { rank_killed srun; }
by_mpirun() { rank_killed mpirun; }
in_parallel by_srun by_mpirun

# ------------------------------------------------------------------------------------------------------- outside of Slurm
# start_slow_run NAME: in a new folder NAME, a run by mpirun with the disk slow, as start_slow; its process is in `run`. A daemon of Open
# MPI that is out of reach is missed after eleven seconds, by default after eight minutes.
start_slow_run()
{
    mkdir "$work/$1" && cd "$work/$1" || exit 1
    touch slow
    "$MPIEXEC" -H h1,h2,h3 -n 3 -x LD_PRELOAD="$work/slow.so" -x SLOW_DISK="$PWD/slow" --mca oob_tcp_keepalive_time 5 \
        --mca oob_tcp_keepalive_intvl 2 --mca oob_tcp_keepalive_probes 3 "$FURROW" rows sort ../in.npy -o out.npy >job-run.log 2>&1 &
    run=$! job=run
    wait_for_rows
}

# expect_end TEXT: mpirun ends, and says so; the rest, by other ranks, gives the undisturbed bytes.
expect_end()
{
    timeout 90 tail --pid=$run -f /dev/null || fail "mpirun does not end: $1"
    ! wait $run || fail "mpirun says that all is well: $1"
    expect_text job-run.log "$1"
    mend
    rm slow
    expect_exit 0 on_hosts 2 "$FURROW" rows sort ../in.npy -o out.npy --resume
    expect_text "$work/stdout" 'of an earlier run'
    expect_same ../expected.npy out.npy
}

start_slow_run run-killed
kill -KILL "$(rank_on h3)" || fail 'no rank on h3'
expect_end 'on node h3 exited on signal 9 (Killed)'

start_slow_run run-link
ip link set v2 down
expect_end 'daemon' # lost, or unexpectedly failed
wait_for_idle_hosts

# ---------------------------------------------------------------------------------------------------- kill -9 of one slurmd
# Slurm misses the host after ten seconds, ends the job and starts it again when it has three hosts.
start_slow slurmd srun
kill -KILL "$(cat "$FURROW_CLUSTER/slurm/slurmd.h3.pid")"
expect_stop 120
expect_text "job-$job.log" 'DUE TO NODE FAILURE'
mend
expect_recovery
wait_for_idle_hosts

# ------------------------------------------------------------------------------------------------------------ a link is cut
start_slow link srun
ip link set v2 down
expect_stop 120
expect_text "job-$job.log" 'DUE TO NODE FAILURE'
mend
expect_recovery
wait_for_idle_hosts
