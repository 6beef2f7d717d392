#!/usr/bin/env bash
# up, run and down themselves, on a cluster beside the one that the other tests use.
. "$FURROW_SOURCE_DIR/tests/lib.sh"
scripts=$FURROW_SOURCE_DIR/tests/cluster
export FURROW_CLUSTER=$work/cluster
trap '"$scripts/down"; rm -rf "$work"' EXIT

# expect_gone FOLDER PID: nothing is left of a cluster.
expect_gone()
{
    [ ! -e "$1" ] || fail "$1 is left"
    [ ! -L "$FURROW_CLUSTER" ] || fail "$FURROW_CLUSTER is left"
    [ ! -e "/proc/$2/ns/mnt" ] || fail "process $2 is left" # a zombie, soon gone, has no namespaces
}

# Without one.
expect_exit 77 "$scripts/run" head true
expect_text stderr 'no test cluster runs'
expect_exit 0 "$scripts/down"

"$scripts/up" >up.txt 2>&1
code=$?
[ $code -ne 77 ] || skip "$(cat up.txt)"
expect_equal 0 $code "exit code of up: $(cat up.txt)"
folder=$(readlink "$FURROW_CLUSTER")
read -r process _ <"$folder/init"

# Hosts are hosts.
expect_exit 0 "$scripts/run" head srun --nodes=3 hostname
expect_equal 'h1 h2 h3 ' "$(sort stdout | tr '\n' ' ')" 'hosts by srun'
for place in /tmp /dev/shm; do
    "$scripts/run" h1 touch "$place/of-h1"
    expect_exit 1 "$scripts/run" h2 test -e "$place/of-h1"
    [ ! -e "$place/of-h1" ] || fail "$place of h1 is that of this machine"
done
expect_exit 0 "$scripts/run" h1 test -e "$FURROW_SOURCE_DIR/README.md"
expect_exit 5 "$scripts/run" h3 bash -c 'exit 5'
expect_exit 2 "$scripts/run" h4 true

# Once more changes nothing.
expect_exit 0 "$scripts/up"
expect_text stdout 'runs already'
expect_equal "$folder" "$(readlink "$FURROW_CLUSTER")" folder

# Ended from outside, with all that runs on it; up clears the rest away.
"$scripts/run" h2 sleep 1234 &
kill -KILL "$process"
wait $!
expect_exit 77 "$scripts/run" head true
expect_exit 0 "$scripts/up"
[ ! -e "$folder" ] || fail "$folder is left"
folder=$(readlink "$FURROW_CLUSTER")
read -r process _ <"$folder/init"

for _ in 1 2; do
    expect_exit 0 "$scripts/down"
    expect_gone "$folder" "$process"
done

# An up that fails says why, and leaves nothing.
before=$(echo /var/tmp/furrow-cluster.*)
expect_exit 1 "$scripts/up" /tmp/furrow-no-such-folder
expect_text stderr 'the test cluster did not start'
expect_text stderr '/tmp/furrow-no-such-folder'
[ ! -L "$FURROW_CLUSTER" ] || fail "$FURROW_CLUSTER is left"
expect_equal "$before" "$(echo /var/tmp/furrow-cluster.*)" 'folders'
