#!/usr/bin/env bash
# furrow rows that is killed, or asked to stop, at moments that the ledger tells, and goes on with other ranks and threads: the output
# is that of an undisturbed run, and nothing is left beside it.
. "$FURROW_SOURCE_DIR/tests/lib.sh"

rows=40000 columns=250
[ -z "$FURROW_SANITIZE" ] || rows=4000
job=(rows sort in.npy -o out.npy)
expect_exit 0 furrow random --shape $rows,$columns --dist normal --seed 3 -q -o in.npy
expect_exit 0 furrow rows sort in.npy -o expected.npy -q
ledger=.out.npy.furrow-ledger part=.out.npy.furrow-part

# leftovers: the names of what runs leave beside outputs.
leftovers()
{
    find . -name '.*furrow*' -printf '%f ' | tr ' ' '\n' | sort | tr '\n' ' '
}

# size_of FILE: in bytes, 0 if there is none.
size_of()
{
    stat -c %s "$1" 2>/dev/null || echo 0
}

# start RANKS THREADS OPTION...: a run in the background; its process id is in `run`. 0 ranks: without a launcher.
start()
{
    local ranks=$1 threads=$2 launch=()
    shift 2
    [ "$ranks" -eq 0 ] || launch=("$MPIEXEC" -n "$ranks")
    "${launch[@]}" furrow "${job[@]}" -t "$threads" -q "$@" >stdout 2>stderr &
    run=$!
}

# wait_for BYTES: until the ledger has grown to so many, or the run is over.
wait_for()
{
    while kill -0 "$run" 2>/dev/null && [ "$(size_of $ledger)" -lt "$1" ]; do sleep 0.005; done
}

# go_on RANKS THREADS: the rest.
go_on()
{
    if [ "$1" -eq 0 ]; then expect_exit 0 furrow "${job[@]}" --resume -t "$2" --json
    else expect_exit 0 on_ranks "$1" furrow "${job[@]}" --resume -t "$2" --json; fi
    expect_same expected.npy out.npy
    expect_equal '' "$(leftovers)" 'what is left'
}

# --------------------------------------------------------------------------------------- ended at some moment, by either signal
interrupted=0 moment=0
for signal in KILL TERM KILL TERM KILL TERM KILL TERM KILL TERM; do
    rm -f out.npy
    start 0 $((1 + moment % 3))
    wait_for $((400 + moment * 96)) # the header, and some records of 24 bytes
    kill -$signal "$run" 2>/dev/null
    code=0
    wait "$run" 2>/dev/null || code=$?
    if [ -e out.npy ]; then # it was over before, or the signal came between the rename and the end
        expect_same expected.npy out.npy
        [ "$code" -ne 0 ] || expect_equal '' "$(leftovers)" 'what is left'
        rm -f $ledger
    else
        interrupted=$((interrupted + 1))
        if [ $signal = TERM ]; then
            expect_equal 75 "$code" 'exit code after SIGTERM'
            expect_text stderr 'rows are done; the same command with --resume does the rest'
            expect_equal 1 "$(grep -c 'furrow: rows:' stderr)" 'lines that say how to go on'
        fi
        records=$((($(size_of $ledger) - 250) / 24))
        go_on $((moment % 4)) $((1 + (moment + 1) % 3))
        [ "$records" -lt 1 ] || [ "$(json_value resumed)" -gt 0 ] || fail "nothing was resumed of about $records records"
    fi
    moment=$((moment + 1))
done
[ -n "$FURROW_SANITIZE" ] || [ "$interrupted" -ge 5 ] || fail "only $interrupted of 10 runs were interrupted"
echo "$interrupted runs were interrupted"

# ------------------------------------------------------------------------------------------------------ several ranks, two kills
for run_on in '2 shared' '3 shared' '2 root' '3 root'; do
    read -r ranks source <<<"$run_on"
    rm -f out.npy
    start $ranks 1 --source "$source"
    wait_for 600
    kill -TERM "$run" 2>/dev/null # mpirun passes it on
    wait "$run" 2>/dev/null
    for _ in $(seq 100); do pgrep -f "furrow rows sort in.npy -o out.npy -t 1 -q" >/dev/null || break; sleep 0.05; done
    [ -e out.npy ] || {
        start 0 2 --resume --source "$source"
        wait_for $(($(size_of $ledger) + 100))
        kill -KILL "$run" 2>/dev/null
        wait "$run" 2>/dev/null
    }
    [ -e out.npy ] || go_on $((5 - ranks)) 2
    expect_same expected.npy out.npy
done

# make_unfinished: a run that was killed in the middle, always at the same place: the ledger and the output are cut back.
make_unfinished()
{
    rm -f out.npy $ledger $part
    for _ in 1 2 3 4 5; do
        start 0 1
        wait_for 500
        kill -KILL "$run" 2>/dev/null
        wait "$run" 2>/dev/null
        [ -e $ledger ] && return
    done
    skip 'no run could be killed before its end'
}

# ------------------------------------------------------------------------------------------------------ a damaged or other ledger
make_unfinished
printf X | dd of=$ledger bs=1 seek=$(($(size_of $ledger) - 10)) conv=notrunc status=none # in the last record, or a torn one
go_on 0 2
make_unfinished
truncate -s -5 $ledger # torn
go_on 2 1
make_unfinished
truncate -s 10 $ledger # killed while it was begun
go_on 0 1
make_unfinished
rm $part # without it the ledger says nothing
go_on 0 1
expect_equal 0 "$(json_value resumed)" resumed

make_unfinished
other()
{
    expect_exit 1 furrow "$@" --resume
    expect_lines stderr 1
    expect_text stderr 'belongs to another job:'
    expect_equal "$ledger $part " "$(leftovers)" 'what is left'
}
other rows cumsum in.npy -o out.npy
expect_text stderr "'operation: sort' there, 'operation: cumsum' now"
other rows sort in.npy expected.npy -o out.npy
expect_text stderr "'shape: $rows $columns' there, 'shape: $((2 * rows)) $columns' now"
other rows sort expected.npy -o out.npy
expect_text stderr 'input: in.npy, '
touch in.npy
other rows sort in.npy -o out.npy
expect_text stderr 'changed at'
printf 'something else' >$ledger
expect_exit 1 furrow "${job[@]}" --resume
expect_text stderr 'is no ledger'
expect_exit 0 furrow "${job[@]}" -q # afresh
expect_same expected.npy out.npy
expect_equal '' "$(leftovers)" 'what is left'

# --------------------------------------------------------------------------------------------- an older output stays until the end
make_unfinished
printf older >out.npy
expect_exit 0 furrow "${job[@]}" --resume -q
expect_same expected.npy out.npy
expect_exit 0 furrow "${job[@]}" --resume -q # nothing to go on with: all is computed
expect_same expected.npy out.npy

# ------------------------------------------------------------------------------------------------------- two runs of one output
exec 9>>$ledger
if flock -n 9; then
    expect_exit 1 furrow "${job[@]}" 9>&-
    expect_text stderr 'another run is writing this output'
fi
exec 9>&-
rm -f $ledger
