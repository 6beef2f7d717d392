#!/usr/bin/env bash
# A host is lost in the middle of a run: its slurmd is killed, its link is cut. Nothing waits for ever, and the job goes on by itself to
# the bytes of an undisturbed run. All at once, because Slurm takes its time: a job on h1 and h3, two on h1 and h2, and a run without
# Slurm on all hosts.
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
