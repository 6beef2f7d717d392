# shellcheck shell=bash
# Sourced by up, down, run and the scripts of the hosts: where the test cluster is, and whether it runs.
#
# $FURROW_CLUSTER (default /run/furrow-cluster) is a symbolic link to the cluster's folder. All that the cluster has is in that
# folder and in namespaces that end with one process, its init: the rest of the system does not see its network, its
# mounts or its daemons, and several clusters do not disturb one another.
#
#   FOLDER/init        process id and start time of unshare, the parent of the init, as seen from outside
#   FOLDER/pid/HOST    process id that holds the namespaces of HOST, as seen from inside
#   FOLDER/log/        what the daemons say
#   FOLDER/shared/     for tests: the same on all hosts, as /tmp and /dev/shm are not
: "${FURROW_CLUSTER:=/run/furrow-cluster}"
hosts=(h1 h2 h3)
cluster=$(readlink -e "$FURROW_CLUSTER" 2>/dev/null) || cluster=''

# started_at PID: when a process started, in clock ticks; with its id it names a process for good.
started_at()
{
    sed -E 's/^.*\) //' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20
}

# The process whose namespaces are those of the cluster, if it runs.
cluster_process()
{
    local pid start

    [ -n "$cluster" ] && read -r pid start <"$cluster/init" 2>/dev/null || return 1
    [ -n "$start" ] && [ "$(started_at "$pid")" = "$start" ] && [ -e "/proc/$pid/ns/mnt" ] && printf '%s' "$pid" # a zombie has none
}

# Is this process inside of the cluster?
is_inside()
{
    [ -n "$cluster" ] && [ "$(readlink /proc/self/ns/pid)" = "$(cat "$cluster/namespace" 2>/dev/null)" ]
}

# set_environment: what a user of the cluster needs to have set.
set_environment()
{
    export FURROW_CLUSTER=$cluster SLURM_CONF=$cluster/slurm/slurm.conf
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_plm_rsh_agent="$here/agent"
}

# log_in COMMAND...: with the environment of a new log-in, and nothing of this shell's.
log_in()
{
    exec env -i PATH="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" HOME="$HOME" LANG=C.UTF-8 \
        FURROW_CLUSTER="$cluster" bash -c '. "$0/common.sh"; here=$0; set_environment; exec "$@"' "$here" "$@"
}
