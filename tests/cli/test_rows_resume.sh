#!/usr/bin/env bash
# furrow rows that is killed, or asked to stop, at random moments, and goes on with other ranks and threads: the output is that of an
# undisturbed run, and nothing is left beside it. What a ledger that is damaged, or of another job, does. Split and join that are
# killed.
. "$FURROW_SOURCE_DIR/tests/lib.sh"

rows=12000 columns=250
[ -z "$FURROW_SANITIZE" ] || rows=2500
cp "$FURROW_BINARY_DIR/apps/examples/robust.so" .
sort=(rows sort in.npy) kernel=(rows --kernel robust.so:trimmed_mean --param trim=0.2 in.npy)
expect_exit 0 furrow random --shape $rows,$columns --dist normal --seed 3 -q -o in.npy
expect_exit 0 furrow "${kernel[@]}" -o kernel.npy -q
started=${EPOCHREALTIME/[.,]/}
expect_exit 0 furrow "${sort[@]}" -o sort.npy -q -t 1
duration=$((${EPOCHREALTIME/[.,]/} - started)) # microseconds; that of the kernel is not far from it
job=("${sort[@]}" -o out.npy) expected=sort.npy
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

# end SIGNAL WHOM: the process that was started, or any of its ranks. Its exit code is in `code`. Ranks may end after mpirun.
end()
{
    local ranks
    mapfile -t ranks < <(pgrep -P "$run")
    if [ "$2" = rank ] && [ ${#ranks[@]} -gt 0 ]; then kill -"$1" "${ranks[RANDOM % ${#ranks[@]}]}" 2>/dev/null
    else kill -"$1" "$run" 2>/dev/null; fi
    code=0
    wait "$run" 2>/dev/null || code=$?
    for _ in $(seq 100); do [ ! -e $ledger ] || flock -n $ledger true && break || sleep 0.05; done
}

# go_on RANKS THREADS OPTION...: the rest.
go_on()
{
    local ranks=$1 threads=$2 launch=()
    shift 2
    [ "$ranks" -eq 0 ] || launch=(on_ranks "$ranks")
    expect_exit 0 "${launch[@]}" furrow "${job[@]}" --resume -t "$threads" --json "$@"
    expect_same $expected out.npy
    expect_equal '' "$(leftovers)" 'what is left'
}

# ------------------------------------------------------------------------------------- ended at 20 random moments, by either signal
RANDOM=$$
echo "random moments of $$"
interrupted=0
moment=0
while read -r -u 3 what ranks signal whom then more; do
    if [ "$what" = sort ]; then job=("${sort[@]}" -o out.npy); else job=("${kernel[@]}" -o out.npy); fi
    expected=$what.npy
    rm -f out.npy
    read -ra options <<<"$more"
    start "$ranks" $((ranks > 0 ? 1 : 1 + moment % 2)) "${options[@]}"
    wait_for 1
    sleep "$(printf '0.%06d' $((RANDOM * (duration < 1500000 ? duration : 1500000) / 98304)))"
    end "$signal" "$whom"
    records=$((($(size_of $ledger) - 400) / 24))
    if [ -e out.npy ]; then # it was over before, or the signal came between the rename and the end
        expect_same $expected out.npy
        [ "$code" -ne 0 ] || expect_equal '' "$(leftovers)" 'what is left'
        rm -f $ledger
    else
        interrupted=$((interrupted + 1))
        if [ "$signal" = TERM ] && [ "$ranks" -eq 0 ] && [ "$code" -ne 143 ]; then # not before it listened
            expect_equal 75 "$code" 'exit code after SIGTERM'
            expect_text stderr 'rows are done; the same command with --resume does the rest'
            expect_equal 1 "$(grep -c 'furrow: rows:' stderr)" 'lines that say how to go on'
        fi
        if [ $((moment % 4)) -eq 0 ]; then # twice
            start 0 2 --resume "${options[@]}"
            wait_for $(($(size_of $ledger) + 24))
            end KILL process
        fi
        if [ -e out.npy ]; then expect_same $expected out.npy; rm -f $ledger
        else
            go_on "$then" $((1 + (moment + 1) % 3)) "${options[@]}"
            [ "$records" -lt 1 ] || [ "$(json_value resumed)" -gt 0 ] || fail "nothing was resumed of about $records records"
        fi
    fi
    moment=$((moment + 1))
done 3<<'END'
sort 0 KILL process 0
kernel 0 TERM process 0
sort 0 KILL process 2
kernel 0 TERM process 3
sort 0 TERM process 0
kernel 0 KILL process 0
sort 0 TERM process 2
kernel 0 KILL process 3
sort 0 KILL process 0
sort 0 TERM process 0
sort 2 KILL rank 0
kernel 3 KILL rank 0
sort 2 TERM process 3
kernel 3 KILL rank 0
sort 3 KILL process 2
kernel 2 KILL process 0
sort 3 KILL rank 0 --source root
kernel 2 KILL rank 0 --source root
sort 2 TERM process 0 --source root
sort 3 TERM rank 2
END
[ -n "$FURROW_SANITIZE" ] || [ "$interrupted" -ge 5 ] || fail "only $interrupted of $moment runs were interrupted"
echo "$interrupted of $moment runs were interrupted"
job=("${sort[@]}" -o out.npy) expected=sort.npy

# make_unfinished: a run that was killed in the middle, always at the same place: the ledger and the output are cut back.
make_unfinished()
{
    rm -f out.npy $ledger $part
    for _ in 1 2 3 4 5; do
        start 0 1
        wait_for 450
        end KILL process
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
other rows sort in.npy sort.npy -o out.npy
expect_text stderr "'shape: $rows $columns' there, 'shape: $((2 * rows)) $columns' now"
other rows sort sort.npy -o out.npy
expect_text stderr 'input: in.npy, '
touch in.npy
other rows sort in.npy -o out.npy
expect_text stderr 'changed at'
printf 'something else' >$ledger
expect_exit 1 furrow "${job[@]}" --resume
expect_text stderr 'is no ledger'
expect_exit 0 furrow "${job[@]}" -q # afresh
expect_same sort.npy out.npy
expect_equal '' "$(leftovers)" 'what is left'

# --------------------------------------------------------------------------------------------- an older output stays until the end
make_unfinished
printf older >out.npy
expect_exit 0 furrow "${job[@]}" --resume -q
expect_same sort.npy out.npy
expect_exit 0 furrow "${job[@]}" --resume -q # nothing to go on with: all is computed
expect_same sort.npy out.npy

# ------------------------------------------------------------------------------------------------------- two runs of one output
exec 9>>$ledger
if flock -n 9; then
    expect_exit 1 furrow "${job[@]}" 9>&-
    expect_text stderr 'another run is writing this output'
fi
exec 9>&-
rm -f $ledger

# ---------------------------------------------------------------- split and join, which do not go on: an older output, or the new one
cat in.npy >a.npy
expect_exit 0 furrow join a.npy a.npy -q -o joined.npy
for nap in 0.002 0.006 0.012 0.02; do
    rm -rf out.npy p && mkdir p
    printf older >out.npy
    furrow join a.npy a.npy -q -o out.npy &
    run=$!
    furrow split joined.npy -n 2 -q -o p/%d.npy &
    sleep $nap
    kill -KILL $run $! 2>/dev/null
    wait $run $! 2>/dev/null
    [ "$(cat out.npy | head -c 5)" = older ] || expect_same joined.npy out.npy
    for number in 0 1; do [ ! -e p/$number.npy ] || expect_same a.npy p/$number.npy; done
done
