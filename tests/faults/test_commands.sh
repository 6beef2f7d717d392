#!/usr/bin/env bash
# Commands whose 1st, 2nd, 3rd, ... operation of a kind is made to fail (FURROW_FAULT=KIND:NTH:RANK, see src/fault.h), until there is
# none left: exit code 1, one line on standard error, nothing on standard output, no file left, an older output as it was, and no
# wait. Here the whole command is tried; test_calls.c does the same to every call of the library, on all ranks.
. "$FURROW_SOURCE_DIR/tests/lib.sh"

limit=60 # seconds; a run takes less than two

# npy FILE DESCR SHAPE <DATA: an .npy file.
npy()
{
    local header="{'descr': '$2', 'fortran_order': False, 'shape': $3, }"
    {
        printf '\223NUMPY\1\0\166\0%-117s\n' "$header"
        cat
    } >"$1"
}

# prints COUNT doubles of 0.
zeros()
{
    head -c $((8 * $1)) /dev/zero
}

mkdir in out
zeros 15 | npy in/a.npy '<f8' '(5, 3)'
zeros 120000 | npy in/b.npy '<f8' '(40000, 3)'
zeros 15 | npy in/c.npy '<f8' '(5, 3)'

# run RANKS FAULT COMMAND...: the command, with a fault; 0 ranks: without a launcher. Its exit code.
run()
{
    local ranks=$1 fault=$2 launch=()
    shift 2
    [ "$ranks" -eq 0 ] || launch=(on_ranks "$ranks")
    FURROW_FAULT=$fault "${launch[@]}" timeout "$limit" "$@" >stdout 2>stderr <in/b.npy
}

# check_failure CODE RANKS FAULT COMMAND...: what a run that was made to fail must look like.
check_failure()
{
    local code=$1 what="$3 on $2 ranks: ${*:4}"
    [ "$code" -eq 1 ] || { cat stderr >&2; fail "exit code $code with $what"; }
    [ -s stdout ] && { cat stdout >&2; fail "output in spite of $what"; }
    [ "$(grep -c '' stderr)" -eq 1 ] || { cat stderr >&2; fail "not one line with $what"; }
    grep -q '^furrow: [a-z]*: .' stderr || { cat stderr >&2; fail "no message with $what"; }
    case $3 in
        *:0) ;; # the rank is named where it is not the first
        *) grep -q "(rank ${3##*:})\$" stderr || { cat stderr >&2; fail "no rank with $what"; } ;;
    esac
    [ "$(find out -mindepth 1)" = out/old.npy ] || { find out >&2; fail "files left by $what"; }
    expect_equal older "$(cat out/old.npy)" "output after $what"
}

# one_fault RANKS FAULT COMMAND...: fails as it must (0), or the fault was not met and all is well (1).
one_fault()
{
    local ranks=$1 fault=$2 code=0
    shift 2
    printf older >out/old.npy
    run "$ranks" "$fault" "$@" || code=$?
    if [ "$code" -eq 0 ]; then
        [ -s stderr ] && { cat stderr >&2; fail "a message on success with $fault: $*"; }
        [ "$(find out -mindepth 1)" = out/old.npy ] || { find out >&2; fail "files left by $*"; }
        return 1
    fi
    check_failure "$code" "$ranks" "$fault" "$@"
}

# all_faults KINDS COMMAND...: every operation of those kinds, one after the other, in a single process.
all_faults()
{
    local kinds=$1 kind nth
    shift
    for kind in $kinds; do
        nth=1
        while one_fault 0 "$kind:$nth:0" "$@"; do nth=$((nth + 1)); done
        [ "$nth" -gt 1 ] || fail "no operation of kind $kind was met by $*"
        printf '%-7s %3d times: %s\n' "$kind" $((nth - 1)) "$*"
    done
}

inputs=(in/a.npy in/b.npy in/c.npy)
all_faults 'alloc open read' furrow reduce sum,argmax "${inputs[@]}" -t 2
all_faults 'alloc open read' furrow reduce sum "${inputs[@]}" --source root --axis 0 --json
all_faults 'alloc read' furrow reduce min -
all_faults 'alloc open read' furrow dot in/b.npy in/b.npy -t 2
all_faults 'alloc create write sync rename' furrow random --shape 30000 --seed 1 -q -o out/old.npy
all_faults 'open create write sync rename' furrow reduce mean in/a.npy --axis 0 -q -o out/old.npy
kernel=(--kernel "$FURROW_BINARY_DIR/apps/examples/robust.so:trimmed_mean" --param trim=0)
all_faults 'open create' furrow rows "${kernel[@]}" in/a.npy -q -o out/old.npy
all_faults 'open read' furrow info "${inputs[@]}"

# must_fail RANKS FAULT COMMAND...
must_fail()
{
    one_fault "$@" || fail "fault $2 was not met on $1 ranks: ${*:3}"
}

must_fail 3 open:1:1 furrow reduce sum "${inputs[@]}" # a file that only rank 1 cannot open
must_fail 3 alloc:4:2 furrow reduce sum "${inputs[@]}"
must_fail 3 read:1:2 furrow reduce sum "${inputs[@]}" --axis 0
must_fail 3 open:2:1 furrow rows "${kernel[@]}" in/a.npy -q -o out/old.npy # the library
for nth in 4 5 6 7 8; do must_fail 2 alloc:$nth:1 furrow rows "${kernel[@]}" in/a.npy -q -o out/old.npy; done
must_fail 3 read:5:0 furrow reduce sum "${inputs[@]}" --source root
must_fail 3 alloc:5:1 furrow reduce sum "${inputs[@]}" --source root --axis 0
must_fail 3 read:1:1 furrow dot in/b.npy in/b.npy
must_fail 3 open:1:2 furrow random --shape 30000 --seed 1 -o out/old.npy
must_fail 3 create:1:0 furrow random --shape 30000 --seed 1 -o out/old.npy
must_fail 3 write:1:1 furrow random --shape 30000 --seed 1 -o out/old.npy
must_fail 3 sync:1:2 furrow random --shape 30000 --seed 1 -o out/old.npy
must_fail 3 rename:1:0 furrow reduce mean in/a.npy --axis 0 -o out/old.npy
