#!/usr/bin/env bash
# One host is five milliseconds away: every command gives the same bytes as alone.
. "$FURROW_SOURCE_DIR/tests/cluster/lib.sh"
. "$cluster_scripts/commands.sh"

# The link of h2 to the bridge, through slow_link.py.
slow_down()
{
    ip link add s2a type veth peer name s2b || fail 'ip link add'
    ip link set v2 nomaster
    echo 8 >/proc/sys/net/ipv4/conf/v2/arp_ignore # this host must not answer in place of the bridge
    echo 8 >/proc/sys/net/ipv4/conf/s2a/arp_ignore
    ip link set s2a up
    ip link set s2b master br0 up
    python3 "$cluster_scripts/slow_link.py" v2 s2a 5 >ready &
    relay=$!
    until grep -q ready ready; do
        kill -0 $relay || fail 'slow_link.py ended'
        sleep 0.05
    done
}

restore()
{
    [ -z "${relay:-}" ] || kill "$relay"
    ip link delete s2a 2>/dev/null
    ip link set v2 master br0
}

# connect_ms: how long it takes to reach h2, where slurmd listens: at least the way there and back.
connect_ms()
{
    local start=${EPOCHREALTIME/./}

    exec 8<>/dev/tcp/10.77.0.2/6818 || fail 'h2 cannot be reached'
    exec 8>&-
    echo $(((${EPOCHREALTIME/./} - start) / 1000))
}

mkdir alone by3
(cd alone && run_commands) || fail 'alone'
trap 'restore; rm -rf "$work"' EXIT
slow_down
for _ in 1 2 3 4 5; do
    ms=$(connect_ms)
    [ "$ms" -ge 10 ] || fail "h2 answers after $ms ms: the link is not slow"
done
(cd by3 && run_commands on_hosts 3) || fail '3 ranks'
expect_same_folder alone by3
on_hosts 3 "$FURROW" rows softmax alone/data.npy --source root -o sent.npy -q || fail 'rows --source root'
expect_same alone/rows.npy sent.npy
