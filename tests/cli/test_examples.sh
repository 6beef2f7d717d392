#!/usr/bin/env bash
# The programs of apps/examples that show pools, alone and on 1, 2 or 3 ranks, in turn: they print what they must. Lines are
# compared sorted, for what comes first may depend on who was faster.
. "$FURROW_SOURCE_DIR/tests/lib.sh"

export OMP_NUM_THREADS=2
examples=$FURROW_BINARY_DIR/apps/examples

# expect_lines NAME LINE...: the example prints these lines, however many ranks there are.
next_ranks=1
expect_lines()
{
    local name=$1 ranks line
    shift
    for line in "$@"; do printf '%s\n' "$line"; done | sort >expected
    next_ranks=$((next_ranks % 3 + 1))
    for ranks in 0 $next_ranks; do
        rm -f numbers.txt out.npy
        if [ "$ranks" -eq 0 ]; then
            expect_exit 0 "$examples/$name"
        else
            expect_exit 0 on_ranks "$ranks" "$examples/$name"
        fi
        sort stdout >seen
        expect_same expected seen
        [ ! -s stderr ] || fail "$name says on standard error: $(cat stderr)"
        [ "$(type -t "check_$name")" != function ] || "check_$name"
    done
    printf '%s\n' "$name" >>tested
}

check_pool_lock()
{
    seq 50 >expected_numbers
    expect_same expected_numbers numbers.txt
}

# Sums of i, of its squares, of its cubes, for i below 1000.
check_pool_output()
{
    expect_equal 'sum 499500 332833500 249500250000' \
        "$(furrow reduce sum --axis 0 out.npy | awk '/^sum/ {sub(/[.]0$/, "", $2); line = line " " $2} END {print "sum" line}')"
}

expect_lines pool_map 'on rank 0: 9^2 = 81' 'on all ranks: sum 285'
expect_lines pool_starmap '1024 81 1000000000'
expect_lines pool_apply 49 9801
expect_lines pool_async 144
expect_lines pool_callback 'halve: 1 done, first 0' 'halve: an item failed: 1 is odd'
expect_lines pool_completed '1 ms' '700 ms'
expect_lines pool_imap 1333300
expect_lines pool_imap_unordered 5000
expect_lines pool_worker 4.5
expect_lines pool_errors 'item 1: -1 is negative' 'item 3: -16 is negative' 'stopped: an item failed'
expect_lines pool_end closed joined
expect_lines pool_timeout 'item 3 is late'
expect_lines pool_isolate 'item 2: killed by signal 6 (Aborted)' 'item 5: over 2 s'
expect_lines pool_counter 1000
expect_lines pool_queue '143 multiples of 7'
expect_lines pool_node_array 'each digit 100 times on one node'
expect_lines pool_output
expect_lines pool_lock

# An epoch has every image once, the damaged one too.
expect_exit 0 "$FURROW_BINARY_DIR/apps/make_clouds" clouds 7 20 30
echo damaged >clouds/cloud-00003.jpg
for ranks in 0 2; do
    launch=()
    [ "$ranks" -eq 0 ] || launch=(on_ranks "$ranks")
    expect_exit 0 "${launch[@]}" "$examples/load_batches" clouds 7 2
    expect_equal "$(printf 'epoch %d: %d images\n' 0 $((ranks == 0 ? 7 : 4)) 1 $((ranks == 0 ? 7 : 4)))" "$(cut -d, -f1 stdout)" epochs
    expect_equal 2 "$(grep -c '^clouds/cloud-00003.jpg: not a picture' stderr)" 'rejects that are named'
done

# Each of them is tested.
for source in "$FURROW_SOURCE_DIR"/apps/examples/pool_*.c; do
    grep -qx "$(basename "$source" .c)" tested || fail "$source is not tested"
    [ "$(wc -l <"$source")" -lt 50 ] || fail "$source is not short"
done
