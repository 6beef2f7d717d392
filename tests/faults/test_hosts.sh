#!/usr/bin/env bash
# Ranks that take one another to be on other hosts (FURROW_FAULT_NODES, see src/fault.h), in builds that cut files into blocks of a few
# hundred bytes: what they write for one another is there in the end, also after a failure, a kill, and a resume on other ranks.
. "$FURROW_SOURCE_DIR/tests/lib.sh"
export FURROW_FAULT_NODES=1

rows=40000
[ -z "$FURROW_SANITIZE" ] || rows=8000
mkdir alone
expect_exit 0 furrow random --shape $rows,50 --dist normal --seed 3 -q -o data.npy
expect_exit 0 furrow rows sort data.npy -o alone/sorted.npy -q

# resume RANKS: the rest of the rows.
resume()
{
    expect_exit 0 on_ranks "$1" furrow rows sort data.npy -o sorted.npy --resume -t 1 --json
    expect_same alone/sorted.npy sorted.npy
    expect_equal '' "$(find . -name '.*furrow*')" 'what is left'
}

# --------------------------------------------------------------------------------------------------------- a rank that cannot write
FURROW_FAULT=write:9:2 expect_exit 1 on_ranks 3 furrow rows sort data.npy -o sorted.npy -t 2
expect_lines stderr 1
expect_text stderr "sorted.npy: cannot write: Input/output error (rank 2 on $(hostname))"
[ ! -e sorted.npy ] || fail 'an output in spite of a failure'
resume 2

# ----------------------------------------------------------------------------------------------------------- a rank that is killed
for _ in 1 2 3 4 5; do # one may be over before
    rm -f sorted.npy
    "$MPIEXEC" -n 3 furrow rows sort data.npy -o sorted.npy -t 1 -q >stdout 2>stderr &
    run=$!
    while kill -0 $run 2>/dev/null && [ "$(stat -c %s .sorted.npy.furrow-ledger 2>/dev/null || echo 0)" -lt 400 ]; do sleep 0.005; done
    mapfile -t ranks < <(pgrep -P $run)
    kill -KILL "${ranks[1]}" 2>/dev/null
    wait $run 2>/dev/null
    [ -e sorted.npy ] || break
done
[ ! -e sorted.npy ] || fail 'no run could be killed before its end'
resume 5

# ------------------------------------------------------------------------------------------------------------------------- images
expect_exit 0 "$FURROW_BINARY_DIR/apps/make_clouds" clouds 12 60 90 3
head -c 1000 clouds/cloud-00003.jpg >clouds/cut.jpg # a reject
job=(images clouds --size 30x40 --stats -q)
expect_exit 3 furrow "${job[@]}" -o alone/images.npy
for ranks in 2 5; do
    mkdir by$ranks
    expect_exit 3 on_ranks $ranks furrow "${job[@]}" -o by$ranks/images.npy -t 2
    rm -f alone/sorted.npy
    diff -r alone by$ranks >&2 || fail "$ranks ranks: not as alone" # hidden files, too
done
