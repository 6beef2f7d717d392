#!/usr/bin/env bash
# Files that not every host sees: --source root, and errors that name the host.
. "$FURROW_SOURCE_DIR/tests/cluster/lib.sh"
. "$cluster_scripts/commands.sh"

# In the folder only.FOLDER of /tmp, which each host has for itself.
private=/tmp/only.$(basename "$work")
trap 'on_host h1 rm -rf "$private"; rm -rf "$work"' EXIT
on_host h1 mkdir "$private"

# ------------------------------------------------------------------------------- input and output on the first host only
mkdir alone by3
(cd alone && run_commands) || fail 'alone'
# from_root COMMAND ARGUMENT...: on three hosts; what it prints, without the folder's name, goes to by3/COMMAND.txt.
from_root()
{
    on_hosts 3 "$FURROW" "$@" --source root >"by3/$1.txt" || fail "$1 --source root"
    sed -i "s|$private/||g" "by3/$1.txt"
}
on_host h1 cp -r "$work/alone/data.npy" "$work/clouds" "$private"
in_parallel "from_root info $private/data.npy --sections 7" "from_root reduce $reductions $private/data.npy --sections 4" \
    "from_root dot $private/data.npy $private/data.npy" "from_root rows softmax $private/data.npy -o $private/rows.npy" \
    "from_root split $private/data.npy -n 5 -o $private/part-%d.npy" \
    "from_root images $private/clouds -o $private/images.npy --size 70x105 --stats"
from_root join "$private"/part-{0,1,2,3,4}.npy -o "$private/joined.npy"
for name in info reduce dot rows split join images; do expect_same alone/$name.txt by3/$name.txt; done
on_host h1 cp -r "$private/." "$work/by3"
for name in rows part-0 part-1 part-2 part-3 part-4 joined images; do expect_same alone/$name.npy by3/$name.npy; done
expect_equal '' "$(find by3 -name '.*furrow*')" 'what is left'

# --------------------------------------------------------------------------------------------- a private path: who failed
# only_line TEXT: standard error of furrow is that line.
only_line()
{
    expect_equal "$1" "$(grep '^furrow: ' stderr)" 'error line'
}
expect_exit 1 on_hosts 3 "$FURROW" reduce sum "$private/data.npy"
only_line "furrow: reduce: $private/data.npy: cannot open: No such file or directory (rank 1 on h2)"
expect_exit 1 on_ranks 3 -H h3,h1,h2 "$FURROW" rows sort "$private/data.npy" -o out.npy
only_line "furrow: rows: $private/data.npy: cannot open: No such file or directory (rank 0 on h3)"
expect_exit 1 on_hosts 2 "$FURROW" rows sort alone/data.npy -o "$private/out.npy"
only_line "furrow: rows: $private/.out.npy.furrow-part: cannot open for writing: No such file or directory (rank 1 on h2)"
expect_equal '' "$(on_host h1 find "$private" -name '*out.npy*')" 'what is left'
expect_exit 1 on_hosts 3 "$FURROW" join "$private/data.npy" alone/data.npy -o out.npy
only_line "furrow: join: $private/data.npy: cannot open: No such file or directory (rank 1 on h2)"
expect_exit 2 on_hosts 3 "$FURROW" reduce summ alone/data.npy # wrong anywhere
only_line "furrow: reduce: unknown operation 'summ'; the nearest is 'sum'"
expect_equal '' "$(find . -maxdepth 1 -name '*out.npy*')" 'what is left'
