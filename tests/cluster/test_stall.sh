#!/usr/bin/env bash
# --stall-timeout on several hosts: who is stuck is named with its host, and all ranks end.
. "$FURROW_SOURCE_DIR/tests/cluster/lib.sh"
"${CC:-cc}" -shared -fPIC -O1 -o slow.so "$cluster_scripts/slow.c" || fail 'slow.c'
cat >kernels.c <<'END'
#include <furrow_kernel.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

FURROW_KERNEL_LIBRARY;

static int is_on(const char *host)
{
    char here[64] = "";

    (void)gethostname(here, sizeof here - 1);
    return strcmp(here, host) == 0;
}

static int slow(const furrow_kernel_row_t *row, double *out)
{
    usleep(10000);
    *out = 3.0 * (double)row->index;
    return 0;
}

FURROW_KERNEL_EXPORT int endless(const furrow_kernel_row_t *row, void *out, char *error)
{
    volatile int beats = 0;

    (void)error;
    while (is_on("h2")) beats = 1 - beats;
    return slow(row, out);
}

/* All of the process stops. */
FURROW_KERNEL_EXPORT int stopped(const furrow_kernel_row_t *row, void *out, char *error)
{
    (void)error;
    if (is_on("h3")) raise(SIGSTOP);
    return slow(row, out);
}
END
"${CC:-cc}" -std=gnu11 -Wall -Wextra -Werror -fPIC -shared -I"$FURROW_SOURCE_DIR/src" kernels.c -o kernels.so || fail 'kernels.c'
"$FURROW" random --shape 300,400 --seed 1 -q -o in.npy || fail 'random'

# expect_report LOG REGEX: one line of the watchdog says so, and soon no rank of this folder is left.
expect_report()
{
    local step pid left=''

    grep -a 'nothing finished for' "$1" >report
    grep -qE "^furrow: [a-z]+: nothing finished for [0-9.]+ s: $2; --stall-timeout 0 waits for ever\$" report || { cat "$1" >&2; fail "expected '$2'"; }
    for ((step = 0; step < 200; step++)); do
        left=''
        for pid in $(pgrep -x furrow); do [ "$(readlink "/proc/$pid/cwd")" != "$PWD" ] || left+=" $pid"; done
        [ -n "$left" ] || return 0
        sleep 0.1
    done
    fail "processes are left:$left"
}

# run_kernel NAME LAUNCHER...: in a folder of its own. Where srun kills the other ranks its exit code is theirs.
run_kernel()
{
    local seen=0

    mkdir "$1-$2" && cd "$1-$2" || exit 1
    "${@:2}" "$FURROW" rows --kernel ../kernels.so:"$1" ../in.npy -o out.npy --stall-timeout 3 -t 1 >log 2>&1 || seen=$?
    [ $seen -ne 137 ] || [ "$2" != srun ] || seen=1
    expect_equal 1 $seen 'exit code'
    [ ! -e out.npy ] || fail 'a run that was ended left an output'
}
endless()
{
    run_kernel endless "$@"
    expect_report log 'rank 1 \(host h2\) thread 0: row [0-9]+: in the kernel'
}
stopped()
{
    run_kernel stopped "$@"
    expect_report log 'rank 0 \(host h1\) waits for other ranks in the run of items \(for rank 2 on host h3, which was given rows? [0-9]+( to [0-9]+)?\)'
}

# A file that h2 cannot read.
file_stalls()
{
    mkdir file && cd file || exit 1
    touch slow
    on_hosts 3 -x LD_PRELOAD="$work/slow.so" -x SLOW_DISK="$PWD/slow" -x SLOW_SECONDS=1000 -x SLOW_HOST=h2 \
        "$FURROW" reduce sum ../in.npy --stall-timeout 3 -t 1 >log 2>&1
    expect_equal 1 $? 'exit code'
    expect_report log 'rank 1 \(host h2\) thread 0: block [0-9]+: reading \.\./in\.npy'
}

by_srun='srun --mpi=pmix --kill-on-bad-exit=1 --partition=crowd --nodes=3 --ntasks=3'
in_parallel 'endless on_hosts 3' "endless $by_srun" 'stopped on_hosts 3' "stopped $by_srun" file_stalls
