# shellcheck shell=bash
# For the tests of the cluster, which run on its head node: `. "$FURROW_SOURCE_DIR/tests/cluster/lib.sh"` as their first line. What tests/lib.sh
# gives, in a folder that all hosts see, and the helpers below.
TMPDIR=$FURROW_CLUSTER/shared
# The threads of all ranks of all hosts share the few cores of one machine.
export OMP_WAIT_POLICY=passive OMPI_MCA_mpi_yield_when_idle=1
. "$FURROW_SOURCE_DIR/tests/lib.sh"

cluster_scripts=$FURROW_SOURCE_DIR/tests/cluster

# on_host HOST COMMAND...
on_host()
{
    "$cluster_scripts/run" "$@"
}

# on_hosts R COMMAND...: under mpirun, R ranks that fill the hosts in turn.
on_hosts()
{
    on_ranks "$1" -H h1:2,h2:2,h3:2 --map-by node "${@:2}"
}
