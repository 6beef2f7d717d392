# shellcheck shell=bash
# For the tests of the cluster, which run on its head node: `. "$FURROW_SOURCE_DIR/tests/cluster/lib.sh"` as their first line. What tests/lib.sh
# gives, in a folder that all hosts see, and the helpers below.
TMPDIR=$FURROW_CLUSTER/shared
# The threads of all ranks of all hosts share the few cores of one machine.
export OMP_WAIT_POLICY=passive OMPI_MCA_mpi_yield_when_idle=1
export OMPI_MCA_odls_base_sigkill_timeout=0 # see tests/CMakeLists.txt
export SLURM_PMIX_FENCE=ring # for srun: see slurm/rows.sbatch
. "$FURROW_SOURCE_DIR/tests/lib.sh"

cluster_scripts=$FURROW_SOURCE_DIR/tests/cluster

# on_host HOST COMMAND...
on_host()
{
    "$cluster_scripts/run" "$@"
}

# on_hosts R COMMAND...: under mpirun, R ranks that fill the hosts in turn. One that hangs is ended.
on_hosts()
{
    on_ranks "$1" --timeout 120 -H h1:2,h2:2,h3:2 --map-by node "${@:2}"
}

# ------------------------------------------------------------------------------------------------------------ Slurm jobs
# submit OPTION... SCRIPT ARGUMENT...: a job on one core of each of three hosts; its number is in `job`, its output in job-NUMBER.log.
submit()
{
    job=$(sbatch --parsable --nodes=3 --cpus-per-task=1 --output=job-%j.log "$@") || fail "sbatch $*"
}

# state_of JOB: RUNNING and so on; also of a job that is over.
state_of()
{
    squeue --noheader --states=all --jobs="$1" --format=%T
}

# wait_for_state JOB SECONDS PATTERN: until the state is one of STATE|STATE...; longer than that is a failure.
wait_for_state()
{
    local step state=''

    for ((step = 0; step < $2 * 5; step++)); do
        state=$(state_of "$1")
        [[ $state =~ ^($3)$ ]] && return
        sleep 0.2
    done
    cat "job-$1.log" >&2
    fail "job $1 is $state after $2 s, not $3"
}

# finish JOB CODE: the job ends with that exit code. On the way into the queue it may for a moment look as if it had ended otherwise.
finish()
{
    local state=FAILED seen

    [ "$2" -ne 0 ] || state=COMPLETED
    wait_for_state "$1" 120 'COMPLETED|FAILED|CANCELLED|TIMEOUT|NODE_FAIL|OUT_OF_MEMORY'
    wait_for_state "$1" 10 "$state|PENDING|RUNNING|COMPLETING"
    wait_for_state "$1" 120 "$state"
    seen=$(scontrol show job "$1" | sed -nE 's/^ *.*ExitCode=([0-9]+:[0-9]+).*/\1/p')
    [ "$seen" = "$2:0" ] && return
    cat "job-$1.log" >&2
    fail "job $1: expected exit code $2, got $seen"
}

# submit_array INDICES ARGUMENT...: a job of rows-array.sbatch, in `job`; the tasks' output is in job-NUMBER.log.
submit_array()
{
    job=$(sbatch --parsable --cpus-per-task=1 --output=job-%A.log --array="$1" "$FURROW_SOURCE_DIR/slurm/rows-array.sbatch" \
        "${@:2}") || fail "sbatch $*"
}

# finish_array CODE...: the tasks end with these codes, in any order.
finish_array()
{
    local step seen=''

    for ((step = 0; step < 300; step++)); do
        squeue --noheader --states=all --jobs="$job" --format=%T | grep -qvE 'COMPLETED|FAILED' || break
        sleep 0.2
    done
    seen=$(scontrol show job "$job" | sed -nE 's/^ *.*ExitCode=([0-9]+):.*/\1/p' | sort | tr '\n' ' ')
    [ "$seen" = "$*" ] && return
    cat "job-$job.log" >&2
    fail "array $job: expected exit codes '$*', got '$seen'"
}
