#!/usr/bin/env bash
# Every command by mpirun over three hosts: the same bytes as alone.
. "$FURROW_SOURCE_DIR/tests/cluster/lib.sh"

expect_equal 'h1 h2 h3 ' "$(on_hosts 3 hostname | sort | tr '\n' ' ')" hosts
expect_exit 0 on_hosts 6 "$FURROW" doctor --json
expect_equal 'h1 h2 h3 ' "$(grep -o '"host":"[^"]*"' stdout | cut -d '"' -f 4 | sort -u | tr '\n' ' ')" 'hosts that doctor sees'

mkdir alone
. "$FURROW_SOURCE_DIR/tests/cluster/commands.sh"
(cd alone && run_commands) || fail 'alone'
by()
{
    mkdir "by$1"
    (cd "by$1" && run_commands on_hosts "$1") || fail "$1 ranks"
    expect_same_folder alone "by$1"
}
in_parallel 'by 3' 'by 6'
