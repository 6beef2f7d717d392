#!/usr/bin/env bash
# --stall-timeout: what is stuck is named with its rank, thread, row and stage, and the run ends, on one rank and several; what is only
# slow, or only waits for ranks that work, goes on.
. "$FURROW_SOURCE_DIR/tests/lib.sh"

cat >kernels.c <<'END'
#include <furrow_kernel.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

FURROW_KERNEL_LIBRARY;

static void leave_id(void)
{
    FILE *file = fopen("id", "w");
    if (file == NULL) return;
    fprintf(file, "%ld\n", (long)getpid());
    fclose(file);
}

/* Waits for ever in row 17, unless there is a file `go`. */
FURROW_KERNEL_EXPORT int stuck(const furrow_kernel_row_t *row, void *out, char *error)
{
    (void)error;
    if (row->index == 17 && access("go", F_OK) != 0) {
        leave_id();
        for (;;) pause();
    }
    *(double *)out = 3.0 * (double)row->index;
    return 0;
}

/* All of its process stops in row 17. */
FURROW_KERNEL_EXPORT int frozen(const furrow_kernel_row_t *row, void *out, char *error)
{
    (void)error;
    if (row->index == 17) {
        leave_id();
        raise(SIGSTOP);
    }
    *(double *)out = 3.0 * (double)row->index;
    return 0;
}

FURROW_KERNEL_EXPORT int slow(const furrow_kernel_row_t *row, void *out, char *error)
{
    (void)error;
    usleep(500000);
    *(double *)out = 3.0 * (double)row->index;
    return 0;
}
END
"$CC" -std=gnu11 -Wall -Wextra -Werror -fPIC -shared -I"$FURROW_SOURCE_DIR/src" kernels.c -o kernels.so || fail 'kernels.c does not compile'
expect_exit 0 furrow random --shape 36,3 --seed 1 -q -o in.npy

# Nothing may hang here for longer than ctest has patience: neither `limited COMMAND...`, nor what on_ranks starts.
printf '#!/bin/sh\nexec timeout -k 10 200 "$@"\n' >limited
printf '#!/bin/sh\nexec timeout -k 10 200 "%s" "$@"\n' "$MPIEXEC" >launch
chmod +x limited launch
PATH=$work:$PATH MPIEXEC=$work/launch

# expect_report REGEX: the first line of the watchdog says so, after at least the time that was given; it is of this host.
expect_report()
{
    grep -a 'nothing finished for' stderr | head -n 1 >report
    grep -qE "^furrow: [a-z]+: nothing finished for [0-9.]+ s: $1; --stall-timeout 0 waits for ever\$" report && grep -qF "(host $(uname -n))" report && return
    cat stderr >&2
    fail "expected a line with '$1', got the above"
}

# expect_gone: the process that left its id has ended.
expect_gone()
{
    local id tries=0
    id=$(cat id) || fail 'no process left its id'
    while kill -0 "$id" 2>/dev/null && [ "$(sed 's/.*) //; s/ .*//' "/proc/$id/stat" 2>/dev/null)" != Z ]; do
        tries=$((tries + 1))
        [ $tries -lt 600 ] || fail "process $id is still there"
        sleep 0.1
    done
    rm id
}

# All that follows takes time, but hardly computes.
alone_in()
{
    in_folder "$1"
    cp ../in.npy ../kernels.so .
}

# --------------------------------------------------------------------------------------------------------------- what is stuck
# An item, alone or on R ranks.
item_is_stuck()
{
    local before=$SECONDS launch=("$@")

    alone_in "stuck-${2:-alone}"
    expect_exit 1 "${launch[@]}" furrow rows --kernel kernels.so:stuck in.npy -o out.npy --stall-timeout 3 -t 2
    [ $((SECONDS - before)) -ge 2 ] || fail "reported after $((SECONDS - before)) s"
    expect_report 'rank [0-2] \(host [^ ]+\) thread [01]: row 17: in the kernel( \(and [0-9] more at work\))?'
    expect_gone
    [ ! -e out.npy ] || fail 'a run that was ended left an output'
    touch go # what is left goes on
    expect_exit 0 furrow rows --kernel kernels.so:stuck in.npy -o out.npy --stall-timeout 30 -q --resume
    expect_same ../expected.npy out.npy
}

# A rank that is stopped: the others wait for it.
rank_is_stopped()
{
    alone_in stopped
    expect_exit 1 on_ranks 3 furrow rows --kernel kernels.so:frozen in.npy -o out.npy --stall-timeout 2 -t 1
    expect_report 'rank [0-2] \(host [^ ]+\) waits for other ranks in the run of items \(for rank [0-2]( on host [^ ]+, which was given rows? [0-9]+( to [0-9]+)?)?\)'
    expect_gone
}

# A stream that nobody writes to.
stream_is_stuck()
{
    alone_in "stream-$1"
    mkfifo pipe
    sleep 100 >pipe & # holds it open
    expect_exit 1 on_ranks "$1" furrow reduce sum - --stall-timeout 2 <pipe
    expect_report 'rank 0 \(host [^ ]+\) main thread: reading standard input'
    kill $!
}

# -------------------------------------------------------------------------------------------------------- slow is not stuck
all_are_slow()
{
    alone_in slow
    expect_exit 0 on_ranks 3 furrow rows --kernel kernels.so:slow in.npy -o out.npy --stall-timeout 4 -t 1 -q
    expect_same ../expected.npy out.npy
}

# The following last longer than a rank would wait for nothing. Two ranks have nothing to do all the time.
others_have_nothing()
{
    alone_in nothing
    expect_exit 0 on_ranks 3 furrow rows --kernel kernels.so:slow in.npy -o out.npy --stall-timeout 4 -t 1 -q --source root
    expect_same ../expected.npy out.npy
}

# Two ranks wait in an agreement, or for data.
slowly()
{
    for at in $(seq 1 125000 1875001); do
        tail -c +"$at" stream.npy | head -c 125000
        sleep 1.2
    done
    tail -c +2000001 stream.npy
}
stream_is_slow()
{
    alone_in "slow-$1"
    expect_exit 0 furrow random --shape 250000 --seed 1 -q -o stream.npy
    case $1 in
        join)
            expect_exit 0 on_ranks 3 furrow join - -o copy.npy --stall-timeout 4 -q < <(slowly)
            expect_same stream.npy copy.npy
            ;;
        reduce)
            sum=$(furrow reduce sum -q stream.npy)
            expect_exit 0 on_ranks 3 furrow reduce sum - --stall-timeout 4 -q < <(slowly)
            expect_equal "$sum" "$(cat stdout)" 'sum of a slow stream'
            ;;
    esac
}

# ---------------------------------------------------------------------------------------------------------------- off, wrong
not_waited_for()
{
    alone_in off
    mkfifo pipe
    expect_exit 1 limited furrow reduce sum pipe --stall-timeout 2 # refused by name
    expect_text stderr 'not a regular file'
    expect_exit 1 limited furrow rows --kernel kernels.so:slow in.npy -o off.npy --stall-timeout 0.2 -t 1
    expect_report 'rank 0 \(host [^ ]+\) thread 0: row [0-9]+: in the kernel'
    expect_exit 0 limited furrow rows --kernel kernels.so:slow in.npy -o off.npy --stall-timeout 0 -t 36 -q
    expect_same ../expected.npy off.npy
    for wrong in -1 x '' nan inf 5s 1e999; do
        expect_exit 2 furrow info in.npy --stall-timeout "$wrong"
        expect_text stderr "furrow: info: --stall-timeout: '$wrong' is not a number of seconds, 0 or more"
    done
}

expect_exit 0 furrow rows --kernel kernels.so:slow in.npy -o expected.npy -q -t 36
in_parallel 'item_is_stuck limited' 'item_is_stuck on_ranks 1' 'item_is_stuck on_ranks 3' rank_is_stopped 'stream_is_stuck 1' 'stream_is_stuck 3' \
    all_are_slow others_have_nothing 'stream_is_slow join' 'stream_is_slow reduce' not_waited_for
