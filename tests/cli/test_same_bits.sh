#!/usr/bin/env bash
# One answer: for any threads, ranks, memory, files and kernels the command prints the same text, and it is the true one (see
# data/make_same_bits.py: a sum that cancels to 10^-30 of its terms). With a sanitizer only some of the combinations.
. "$FURROW_SOURCE_DIR/tests/lib.sh"

ops=count,sum,sumsq,mean,var,std,min,max,argmin,argmax,norm1,norm2,norminf,nonzero,nan,hist
base=$FURROW_TEST_DATA/same_bits.npy
true_base=$(sed -n 1p "$FURROW_TEST_DATA/same_bits.txt")
true_whole=$(sed -n 2p "$FURROW_TEST_DATA/same_bits.txt")
count=494771 # 61 times the 8111 elements of the base

threads='1 2 7' ranks='1 2 3 5' memories='16M 1G'
if [ -n "$FURROW_SANITIZE" ]; then threads='2' ranks='1 3' memories='16M'; fi

# npy FILE SHAPE <DATA: an .npy file of doubles.
npy()
{
    {
        printf '\223NUMPY\1\0\166\0%-117s\n' "{'descr': '<f8', 'fortran_order': False, 'shape': $2, }"
        cat
    } >"$1"
}

# The data, as one file and as seven of different length, one of them empty.
tail -c +129 "$base" >once
for _ in $(seq 61); do cat once; done >data
[ "$(wc -c <data)" -eq $((8 * count)) ] || fail "$base is not what this test expects"
npy whole.npy "($count,)" <data
parts=()
first=0
for stop in 1 70002 70002 102770 102775 402775 "$count"; do
    parts+=("part${#parts[@]}.npy")
    tail -c +$((8 * first + 1)) data | head -c $((8 * (stop - first))) | npy "${parts[-1]}" "($((stop - first)),)"
    first=$stop
done

# on RANKS COMMAND...: one rank needs no launcher.
on()
{
    local count=$1
    shift
    if [ "$count" -eq 1 ]; then "$@"; else on_ranks "$count" "$@"; fi
}

# results RANKS ARGUMENT...: what `furrow reduce` prints as "results".
results()
{
    local count=$1
    shift
    on "$count" furrow reduce "$ops" --bins 9 --range -0.5:0.5 --json "$@" |
        sed -nE 's/.*"results":(.*),"elapsed_s".*/\1/p'
}

# The kernels that this machine can run: others are not what `doctor` then says is in use.
kernels=''
for name in portable avx2 avx512 avx512ifma; do
    used=$(FURROW_KERNELS=$name furrow doctor --json | sed -nE 's/.*"kernels":\{"used":"([a-z0-9]+)".*/\1/p')
    if [ "$used" = "$name" ]; then kernels="$kernels $name"; else printf 'not on this machine: %s\n' "$name"; fi
done
case $kernels in *portable*) ;; *) fail "no kernels to test:$kernels" ;; esac

runs=0
for FURROW_KERNELS in $kernels; do
    export FURROW_KERNELS
    for r in $ranks; do
        for t in $threads; do
            for memory in $memories; do
                what="$FURROW_KERNELS, $r ranks of $t threads, $memory"
                expect_equal "$true_whole" "$(results "$r" -t "$t" -m "$memory" whole.npy)" "one file, $what"
                expect_equal "$true_whole" "$(results "$r" -t "$t" -m "$memory" "${parts[@]}")" "seven files, $what"
                runs=$((runs + 2))
            done
        done
    done
done

# The oracle is slow; a small array does.
export FURROW_KERNELS=reference
expect_equal reference "$(furrow doctor --json | sed -nE 's/.*"kernels":\{"used":"([a-z0-9]+)".*/\1/p')"
for r in 1 3; do
    for t in 1 2; do expect_equal "$true_base" "$(results "$r" -t "$t" "$base")" "reference, $r ranks of $t threads"; done
done
unset FURROW_KERNELS
expect_equal "$true_base" "$(results 1 -t 2 "$base")" 'the base alone'

# Only rank 0 sees the data.
for r in $ranks; do
    expect_equal "$true_whole" "$(results "$r" -t 2 -m 16M --source root "${parts[@]}")" "source root on $r ranks"
    expect_equal "$true_whole" "$(results "$r" -t 2 -m 16M - <whole.npy)" "standard input on $r ranks"
done
# shellcheck disable=SC2002 # a pipe is what is tested
expect_equal "$true_whole" "$(cat whole.npy | results 1 -t 2 -)" 'a pipe'
runs=$((runs + 4 + 1 + 1 + 2 * $(wc -w <<<"$ranks")))

# Files: the same bytes, whoever writes them. Few columns and many take different ways.
npy few.npy '(8111, 61)' <data
npy many.npy '(61, 8111)' <data
for r in $ranks; do
    for t in $threads; do
        for columns in few many; do
            on "$r" furrow reduce std $columns.npy --axis 0 -q -t "$t" -m 256M -o "$columns.$r.$t.npy" || fail "std of $columns"
            expect_same "$columns.${ranks%% *}.${threads%% *}.npy" "$columns.$r.$t.npy"
        done
        on "$r" furrow random --shape 1009,331 --seed 5 --dist normal -q -t "$t" -o "random.$r.$t.npy" || fail 'random'
        expect_same "random.${ranks%% *}.${threads%% *}.npy" "random.$r.$t.npy"
        runs=$((runs + 3))
    done
done

expect_equal 61 "$(furrow reduce count -q "few.1.${threads%% *}.npy")" 'columns of a result'
printf '%d runs, the same bits\n' "$runs"
