#!/usr/bin/env bash
# furrow rows that is asked to stop, alone and under mpirun: rows in flight end, one line says how to go on, exit code 75; a second
# signal ends at once; and what was done is gone on with.
. "$FURROW_SOURCE_DIR/tests/lib.sh"

cat >wait.c <<'END'
#include <furrow_kernel.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

FURROW_KERNEL_LIBRARY;

/* Rows from 40 on say that they are there, and wait for the file go, if they are to wait. */
FURROW_KERNEL_EXPORT int wait(const furrow_kernel_row_t *row, void *out, char *error)
{
    if (row->index >= 40 && getenv("WAIT") != NULL) {
        FILE *file = fopen("there", "w");
        if (file == NULL || fclose(file) != 0) return 1;
        while (access("go", F_OK) != 0) usleep(1000);
    }
    *(double *)out = *(const double *)row->data + error[0];
    return 0;
}
END
"$CC" -std=gnu11 -Wall -Wextra -Werror -fPIC -shared -I"$FURROW_SOURCE_DIR/src" wait.c -o wait.so || fail 'wait.c does not compile'
expect_exit 0 furrow random --shape 60 --seed 3 -q -o in.npy
job=(rows --kernel wait.so:wait in.npy -o out.npy)
expect_exit 0 furrow "${job[@]}" -q
mv out.npy expected.npy

# start RANKS: a run in the background that waits from row 40 on; its process id is in `run`. 0 ranks: without a launcher. A shell has
# programs in the background ignore SIGINT: mpirun would go on to.
start()
{
    local launch=()
    [ "$1" -eq 0 ] || launch=("$MPIEXEC" -n "$1")
    rm -f there go
    (
        trap - INT
        WAIT=1 exec "${launch[@]}" furrow "${job[@]}" -t 2 -q
    ) >stdout 2>stderr &
    run=$!
    while [ ! -e there ]; do
        kill -0 $run 2>/dev/null || fail "it ended before row 40: $(cat stderr)"
        sleep 0.01
    done
    sleep 0.25 # what is done reaches the ledger
}

# until_said TEXT: the run has said so.
until_said()
{
    while ! grep -q "$1" stderr; do
        kill -0 $run 2>/dev/null || fail "it ended and did not say '$1': $(cat stderr)"
        sleep 0.01
    done
}

# ended CODE...: the run ends, with one of these codes, and leaves no output. Ranks may end after their mpirun.
ended()
{
    local seen=0 code
    wait $run || seen=$?
    for _ in $(seq 100); do flock -n .out.npy.furrow-ledger true && break || sleep 0.05; done
    [ ! -e out.npy ] || fail 'a run that was stopped left an output'
    for code in "$@"; do [ "$code" -ne "$seen" ] || return 0; done
    cat stderr >&2
    fail "exit code $seen, expected $*"
}

# goes_on: of the rows before those that waited, all were done but those in a chunk with them.
goes_on()
{
    expect_exit 0 furrow "${job[@]}" --resume --json
    expect_same expected.npy out.npy
    [ "$(json_value resumed)" -ge 10 ] || fail "only $(json_value resumed) rows were resumed"
    expect_equal '' "$(find . -name '.*furrow*')" 'what is left'
    rm out.npy
}

# --------------------------------------------------------------------------------- stops: alone, and by mpirun, which passes it on
for how in '0 INT' '0 TERM' '2 USR1' '3 USR1'; do
    read -r ranks signal <<<"$how"
    start "$ranks"
    kill -"$signal" $run
    until_said 'furrow: stopping; a second signal ends at once'
    touch go
    ended 75
    expect_equal 1 "$(grep -c '^furrow: rows: stopped on request: [0-9]* of 60 rows are done; the same command with --resume does the rest$' stderr)" \
        "lines that say how to go on after $how"
    goes_on
done

# ------------------------------------------------------------------------- a second signal ends at once: nobody says that it may go
for how in 'INT INT 130' 'TERM TERM 143' 'INT TERM 143' 'USR1 INT 130'; do
    read -r first second code <<<"$how"
    start 0
    kill -"$first" $run
    until_said 'furrow: stopping'
    kill -"$second" $run
    ended "$code"
    goes_on
done

# ------------------------------------------------ Ctrl-C for mpirun, and SIGTERM: it ends the ranks after a second, or at once
for how in 'INT INT' 'TERM -'; do
    read -r first second <<<"$how"
    start 2
    kill -"$first" $run
    [ "$second" = - ] || { sleep 0.2; kill -"$second" $run; }
    ended 1 75 130 143 137
    goes_on
done
