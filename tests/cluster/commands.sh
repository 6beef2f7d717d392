# shellcheck shell=bash
# The commands that a job may run: small ones of each kind, whose outputs are compared.

reductions=sum,sumsq,mean,std,min,max,argmin,argmax,norm2,nonzero

# run_commands LAUNCHER...: all of them, in this folder; the images are in ../clouds, made by the first. What they print goes to files, beside what they write.
run_commands()
{
    "$@" "$FURROW" random --shape 30000,40 --dist normal --seed 5 -o data.npy >random.txt || return
    "$@" "$FURROW" info data.npy --sections 7 >info.txt || return
    "$@" "$FURROW" reduce $reductions data.npy --sections 4 >reduce.txt || return
    "$@" "$FURROW" reduce var --axis 0 data.npy -o columns.npy -q || return
    "$@" "$FURROW" dot data.npy data.npy >dot.txt || return
    "$@" "$FURROW" rows softmax data.npy -o rows.npy >rows.txt || return
    "$@" "$FURROW" split data.npy -n 5 -o part-%d.npy >split.txt || return
    "$@" "$FURROW" join part-[0-4].npy -o joined.npy >join.txt || return
    cmp data.npy joined.npy || return
    [ -d ../clouds ] || "$FURROW_BINARY_DIR/apps/make_clouds" ../clouds 12 280 420 3 >/dev/null || return
    "$@" "$FURROW" images ../clouds -o images.npy --size 70x105 --stats >images.txt
}

# expect_same_folder EXPECTED SEEN: the same names, hidden ones too, and the same bytes.
expect_same_folder()
{
    diff -r "$1" "$2" >&2 || fail "folders differ: expected $1, got $2"
}
