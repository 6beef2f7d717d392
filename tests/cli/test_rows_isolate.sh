#!/usr/bin/env bash
# furrow rows --item-timeout and --isolate: a row that crashes, exits, or takes too long costs itself alone, on any ranks; no process is
# left, whatever ends the command; kernels whose setup or teardown goes wrong.
. "$FURROW_SOURCE_DIR/tests/lib.sh"

# compile NAME <SOURCE: a library of kernels in the current folder.
compile()
{
    {
        printf '#include <furrow_kernel.h>\n#include <signal.h>\n#include <stdio.h>\n#include <stdlib.h>\n#include <unistd.h>\n'
        printf 'FURROW_KERNEL_LIBRARY;\n'
        cat
    } >"$1.c"
    "$CC" -std=gnu11 -Wall -Wextra -Werror -fPIC -shared -I"$FURROW_SOURCE_DIR/src" "$1.c" -o "$1.so" || fail "$1.c does not compile"
}

# numbers FILE FORMAT: the data of an .npy file as text, one to a line.
numbers()
{
    tail -c +129 "$1" | od -A n -v -t "$2" -w8 | tr -d ' '
}

# all_gone: within some seconds, no process that wrote its number into the file pids is there.
all_gone()
{
    local pid
    for _ in $(seq 200); do
        for pid in $(sort -u pids); do
            [ ! -d "/proc/$pid" ] || grep -q '^State:.Z' "/proc/$pid/status" 2>/dev/null || { sleep 0.05; continue 2; }
        done
        return 0
    done
    return 1
}

compile bad <<'END'
static void note(const char *file, long long what)
{
    FILE *f = fopen(file, "a");
    if (f != NULL && fprintf(f, "%lld\n", what) > 0) (void)fclose(f);
}

FURROW_KERNEL_EXPORT int crash_setup(const furrow_kernel_rows_t *rows, furrow_kernel_result_t *result, char *error)
{
    const char *how = furrow_kernel_param(rows, "setup");
    note("pids", getpid());
    if (how != NULL && strcmp(how, "aborts") == 0) abort();
    if (how != NULL && strcmp(how, "exits") == 0) exit(0);
    if (how != NULL && strcmp(how, "grows") == 0 && access("grown", F_OK) == 0) result->shape[result->ndim++] = 3;
    result->state = (void *)furrow_kernel_param(rows, "teardown");
    return how != NULL && strcmp(how, "refuses") == 0 ? snprintf(error, FURROW_KERNEL_TEXT, "not today") : 0;
}

/* Of 100 rows the first ones go wrong. */
FURROW_KERNEL_EXPORT int crash(const furrow_kernel_row_t *row, void *out, char *error)
{
    *(double *)out = 1000 + (double)row->index;
    switch (row->index % 100) {
    case 0: *(volatile int *)8 = 1; break;
    case 1: exit(3);
    case 2: abort();
    case 3: raise(SIGKILL); break;
    case 4: return -9;
    case 5: return snprintf(error, FURROW_KERNEL_TEXT, "said so");
    case 6: exit(0);
    case 7: memset((char *)(uintptr_t)row->data - 128, 0xff, 128); abort(); /* where Furrow's own notes are */
    case 8: if (row->index == 8 && furrow_kernel_param(row->rows, "loop") != NULL) for (;;) (void)getppid();
    }
    return 0;
}

FURROW_KERNEL_EXPORT void crash_teardown(void *state)
{
    if (state != NULL) abort();
    note("torn", 1);
}

/* Rows from 40 on wait for the file go, if they are to wait. */
FURROW_KERNEL_EXPORT int wait(const furrow_kernel_row_t *row, void *out, char *error)
{
    if (getenv("WAIT") != NULL) {
        note("pids", getpid());
        for (; row->index >= 40 && access("go", F_OK) != 0;) usleep(1000);
    }
    *(double *)out = *(const double *)row->data + error[0];
    return 0;
}

/* Sleeps so many milliseconds as the row says. */
FURROW_KERNEL_EXPORT int rest(const furrow_kernel_row_t *row, void *out, char *error)
{
    usleep((useconds_t)(1000 * *(const double *)row->data));
    *(double *)out = 1 + error[0];
    return 0;
}

FURROW_KERNEL_EXPORT int grow_setup(const furrow_kernel_rows_t *rows, furrow_kernel_result_t *result, char *error)
{
    if (access("grown", F_OK) == 0) result->shape[result->ndim++] = 3;
    note("grown", error[0] + rows->ndim);
    return 0;
}

FURROW_KERNEL_EXPORT int grow(const furrow_kernel_row_t *row, void *out, char *error)
{
    usleep(20000);
    *(double *)out = error[0];
    if (row->index == 5 && furrow_kernel_param(row->rows, "crash") != NULL) abort();
    return 0;
}
END

# ------------------------------------------------------------------------------------------------ what goes wrong costs itself
expect_exit 0 furrow random --shape 300 --seed 1 -q -o in.npy
{
    echo index,error
    for hundred in '' 1 2; do
        printf "${hundred}%s\n" "${hundred:+0}0,killed by signal 11 (Segmentation fault)" "${hundred:+0}1,ended with exit code 3" \
            "${hundred:+0}2,killed by signal 6 (Aborted)" "${hundred:+0}3,killed by signal 9 (Killed)" "${hundred:+0}4,the kernel returned -9" \
            "${hundred:+0}5,said so" "${hundred:+0}6,ended with exit code 0" "${hundred:+0}7,the kernel wrote where it should not"
        [ -n "$hundred" ] || echo '8,over 1.5 s'
    done
} >expected.csv
for ((i = 0; i < 300; i++)); do [ $((i % 100)) -lt 8 ] || [ $i -eq 8 ] && echo 0 || echo $((1000 + i)); done >expected
for ranks in 0 2 3; do
    rm -f pids torn out.npy*
    launch=()
    [ $ranks -eq 0 ] || launch=(on_ranks $ranks)
    expect_exit 3 "${launch[@]}" furrow rows --kernel bad.so:crash in.npy -o out.npy --param loop=1 --isolate --item-timeout 1.5 -t $((1 + ranks))
    expect_equal 'out.npy: f8 (300,), crash of 300 rows, 25 rejected: out.npy.rejects.csv' "$(cat stdout)"
    # what a stray write hits depends on where in a chunk its row stands: it is found, or the abort after it is
    sed -i 's/^\([0-9]*7\),killed by signal 6 (Aborted)$/\1,the kernel wrote where it should not/' out.npy.rejects.csv
    expect_same expected.csv out.npy.rejects.csv
    numbers out.npy f8 >seen
    expect_same expected seen
    all_gone || fail "processes are left on $ranks ranks"
    [ -s torn ] || fail 'teardown was not called'
done
expect_exit 3 furrow rows --kernel bad.so:crash in.npy -o out.npy --isolate --json
expect_text stdout '{"index":1,"error":"ended with exit code 3"}'

# the same as in threads, where nothing goes wrong
cp "$FURROW_BINARY_DIR/apps/examples/robust.so" .
expect_exit 0 furrow random --shape 3000,50 --seed 2 -q -o a.npy
job=(rows --kernel robust.so:trimmed_mean --param trim=0.2 a.npy -q)
expect_exit 0 furrow "${job[@]}" -o expected.npy
for ranks in 1 3; do
    expect_exit 0 on_ranks $ranks furrow "${job[@]}" -o out.npy --isolate -t 2
    expect_same expected.npy out.npy
    expect_exit 0 on_ranks $ranks furrow "${job[@]}" -o out.npy --isolate --item-timeout 1000 --source root -m 3M
    expect_same expected.npy out.npy
done

# --------------------------------------------------------------------------- stopped, killed, and gone on with, also in threads
expect_exit 0 furrow random --shape 60 --seed 3 -q -o w.npy
expect_exit 0 furrow rows --kernel bad.so:wait w.npy -o expected.npy -q
for signal in TERM KILL; do
    rm -f pids go out.npy
    WAIT=1 furrow rows --kernel bad.so:wait w.npy -o out.npy -q --isolate -t 2 >stdout 2>stderr &
    run=$!
    for _ in $(seq 1000); do [ "$(cat pids 2>/dev/null | wc -l)" -lt 42 ] || break; sleep 0.01; done
    sleep 0.7 # what is done reaches the ledger
    kill -$signal $run
    [ $signal = KILL ] || sleep 0.2
    touch go
    code=0
    wait $run 2>/dev/null || code=$?
    [ $signal = KILL ] || expect_equal 75 $code 'exit code after SIGTERM'
    [ ! -e out.npy ] || fail 'a run that was stopped left an output'
    all_gone || fail "processes are left after SIG$signal"
    expect_exit 0 furrow rows --kernel bad.so:wait w.npy -o out.npy --json --resume
    expect_same expected.npy out.npy
    [ "$(json_value resumed)" -ge 38 ] || fail "only $(json_value resumed) rows were resumed"
done

# ------------------------------------------------------------------------------------------------------------------ in threads
# npy FILE NUMBER...: rows of one double, 0 or 1800, which is 0x409c200000000000.
npy()
{
    local file=$1
    shift
    {
        printf '\223NUMPY\1\0\166\0%-117s\n' "{'descr': '<f8', 'fortran_order': False, 'shape': ($#,), }"
        for number in "$@"; do [ "$number" -eq 0 ] && printf '\0\0\0\0\0\0\0\0' || printf '\0\0\0\0\0\040\234\100'; done
    } >"$file"
}

npy rest.npy 0 1800 0 1800 0
expect_exit 3 furrow rows --kernel bad.so:rest rest.npy -o out.npy --item-timeout 1 -t 2
grep -Ec '^[13],"?took [0-9.]+ s, over 1 s"?$' out.npy.rejects.csv >count
expect_equal 2 "$(cat count)" 'rows that took too long'
expect_equal '1 0 1 0 1' "$(numbers out.npy f8 | xargs)" 'results of rows in time, and late'
expect_exit 3 furrow rows --kernel bad.so:rest rest.npy -o out.npy --item-timeout 1 -t 2 --isolate
expect_equal 'index,error 1,over 1 s 3,over 1 s' "$(xargs <out.npy.rejects.csv)" 'rows that were killed'
expect_equal '1 0 1 0 1' "$(numbers out.npy f8 | xargs)" 'results of rows in time, and killed'
expect_exit 0 furrow rows --kernel bad.so:rest in.npy -o out.npy --item-timeout 100
expect_exit 0 furrow rows sum rest.npy -o out.npy --item-timeout 100
expect_exit 3 furrow rows sort a.npy -o out.npy --item-timeout 1e-12
expect_lines out.npy.rejects.csv 3001

# ------------------------------------------------------------------------------------------------------------------- wrong use
# refused CODE TEXT COMMAND...: one line on standard error, nothing written, no process left.
refused()
{
    local code=$1 text=$2
    shift 2
    printf '' >pids
    expect_exit "$code" "$@"
    expect_lines stderr 1
    expect_text stderr "$text"
    [ ! -s stdout ] || fail "output of $*"
    [ -z "$(find . -name '.*furrow*' -o -name new.npy)" ] || fail "files left by $*"
    all_gone || fail "processes left by $*"
}

isolated()
{
    local name=$1
    shift
    furrow rows --kernel "$name" in.npy -o new.npy --isolate "$@"
}

refused 1 './bad.so:crash: setup: not today' isolated bad.so:crash --param setup=refuses
refused 1 'the initializer: killed by signal 6 (Aborted)' isolated bad.so:crash --param setup=aborts
refused 1 'the initializer: ended with exit code 0' isolated bad.so:crash --param setup=exits
refused 1 './none.so: cannot open: No such file' isolated none.so:f
refused 1 "./bad.so: has no function 'nothing'" isolated bad.so:nothing
refused 1 './in.npy: cannot be loaded: ' isolated in.npy:f
refused 1 'bytes of memory are too few' isolated robust.so:trimmed_mean -m 100
refused 1 './bad.so:crash: setup: not today' on_ranks 3 furrow rows --kernel bad.so:crash in.npy -o new.npy --isolate --param setup=refuses
refused 2 'parameter '"'x'"' is not NAME=VALUE' isolated robust.so:trimmed_mean --param x
refused 2 '--isolate is for kernels' furrow rows sum in.npy -o new.npy --isolate
for seconds in 0 -1 nan x ''; do
    refused 2 "--item-timeout: '$seconds' is not a number of seconds above 0" furrow rows sum in.npy -o new.npy --item-timeout "$seconds"
done

# Setup of a second process that comes to something else, at the start or in place of one that crashed.
rm -f grown
expect_exit 1 furrow rows --kernel bad.so:grow w.npy -o new.npy --isolate -t 2
expect_text stderr 'bad.so:grow: setup gives another dtype or shape than before'
rm -f grown .new.npy.*
expect_exit 3 furrow rows --kernel bad.so:grow w.npy -o out.npy --isolate -t 1 --param crash=1
expect_text out.npy.rejects.csv '5,killed by signal 6 (Aborted)'
expect_text out.npy.rejects.csv '59,setup gives another dtype or shape than before'
expect_lines out.npy.rejects.csv 56

# Teardown comes when all is done.
expect_exit 1 furrow rows --kernel bad.so:crash w.npy -o new.npy --isolate --param teardown=1
expect_lines stderr 1
expect_text stderr 'the finalizer: killed by signal 6 (Aborted)'
