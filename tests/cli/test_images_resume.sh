#!/usr/bin/env bash
# furrow images that is killed, or asked to stop, at moments that the ledger tells, and goes on with other ranks and threads: output,
# manifest, labels and statistics are those of an undisturbed run, and nothing is left beside them.
. "$FURROW_SOURCE_DIR/tests/lib.sh"

copies=40
[ -z "$FURROW_SANITIZE" ] || copies=8
expect_exit 0 "$FURROW_BINARY_DIR/apps/make_clouds" made 10 350 525 3
mkdir in
echo file,value >labels.csv
for i in $(seq -w $copies); do
    for j in 0 1 2 3 4 5 6 7 8 9; do
        ln made/cloud-0000$j.jpg "in/$i-$j.jpg"
        echo "$i-$j,$i$j" >>labels.csv
    done
done
head -c 5000 made/cloud-00003.jpg >in/zz.jpg # a reject

job=(images in -o out.npy --size 300x400 --shuffle 4 --labels labels.csv --stats)
expect_exit 3 furrow images in -o expected.npy "${job[@]:4}" --json
json_value mean >expected.mean
ledger=.out.npy.furrow-ledger

# leftovers: what runs leave beside outputs.
leftovers()
{
    find . -name '.*furrow*' -printf '%f\n' | sort | tr '\n' ' '
}

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

check_output()
{
    expect_same expected.npy out.npy
    expect_same expected.manifest.csv out.manifest.csv
    expect_same expected.labels.npy out.labels.npy
}

# go_on RANKS THREADS: the rest.
go_on()
{
    if [ "$1" -eq 0 ]; then expect_exit 3 furrow "${job[@]}" --resume -t "$2" --json
    else expect_exit 3 on_ranks "$1" furrow "${job[@]}" --resume -t "$2" --json; fi
    check_output
    expect_equal "$(cat expected.mean)" "$(json_value mean)" mean
    expect_equal 1 "$(json_value rejected_count)" rejects
    expect_equal '' "$(leftovers)" 'what is left'
}

# --------------------------------------------------------------------------------------- ended at some moment, by either signal
interrupted=0 moment=0
for signal in KILL TERM KILL TERM KILL TERM; do
    rm -f out.*
    start 0 $((1 + moment % 2))
    wait_for $((560 + moment * 72)) # the text of the job, and some records of 24 bytes
    kill -$signal "$run" 2>/dev/null
    code=0
    wait "$run" 2>/dev/null || code=$?
    if [ -e out.npy ]; then # it was over before
        check_output
        rm -f .out.*
    else
        interrupted=$((interrupted + 1))
        if [ $signal = TERM ]; then
            expect_equal 75 "$code" 'exit code after SIGTERM'
            expect_text stderr 'images are done; the same command with --resume does the rest'
        fi
        records=$((($(size_of $ledger) - 540) / 24))
        go_on $((moment % 4)) $((1 + (moment + 1) % 3))
        [ "$records" -lt 1 ] || [ "$(json_value resumed)" -gt 0 ] || fail "nothing was resumed of about $records records"
    fi
    moment=$((moment + 1))
done
[ -n "$FURROW_SANITIZE" ] || [ "$interrupted" -ge 3 ] || fail "only $interrupted of 6 runs were interrupted"
echo "$interrupted runs were interrupted"

# make_unfinished: a run that was killed in the middle.
make_unfinished()
{
    rm -f out.* $ledger
    for _ in 1 2 3 4 5; do
        start 0 1
        wait_for 650
        kill -KILL "$run" 2>/dev/null
        wait "$run" 2>/dev/null
        [ -e out.npy ] || return 0
    done
    skip 'no run could be killed before its end'
}

# -------------------------------------------------------------------------------------------- what it may not go on with, and may
make_unfinished
for options in '--size 300x401' '--color bgr' '--fit pad' '--epoch 1' '--limit 20'; do
    # shellcheck disable=SC2086
    expect_exit 1 furrow "${job[@]}" $options --resume
    expect_lines stderr 1
    expect_text stderr 'belongs to another job'
done
touch -d '2001-01-01' made/*.jpg
expect_exit 1 furrow "${job[@]}" --resume
expect_text stderr 'has changed since an earlier run read it'
expect_exit 3 furrow "${job[@]}" -q # afresh
check_output
make_unfinished
rm .out.npy.furrow-notes # without them nothing is known of what was done
go_on 0 2
expect_equal 0 "$(json_value resumed)" resumed
make_unfinished
rm .out.npy.furrow-part
go_on 2 1
make_unfinished
printf 'PNG' >>in/zz.jpg # a reject is tried again
cp made/cloud-00003.jpg in/zz.jpg
expect_exit 0 furrow "${job[@]}" --resume -q
cp expected.npy out.npy
head -c 5000 made/cloud-00003.jpg >in/zz.jpg

# ------------------------------------------------------------------------------------------------------------------- batches
rm -f out.* .out.*
job=(images in -o 'out-%02d.npy' --size 300x400 --batch $((copies * 10 / 8)) --labels labels.csv)
expect_exit 3 furrow images in -o 'expected-%02d.npy' "${job[@]:4}" -q
start 0 1
while kill -0 "$run" 2>/dev/null && [ ! -e out-02.npy ]; do sleep 0.005; done
kill -KILL "$run" 2>/dev/null
wait "$run" 2>/dev/null
[ -n "$FURROW_SANITIZE" ] || [ ! -e out-08.npy ] || skip 'the run over batches could not be killed before its end'
stamp=$(stat -c %y out-01.npy)
expect_exit 3 on_ranks 2 furrow "${job[@]}" --resume --json
for file in expected-*.npy; do expect_same "$file" "out-${file#expected-}"; done
expect_equal "$stamp" "$(stat -c %y out-01.npy)" 'a finished batch was written again'
expect_equal 1 "$(json_value rejected_count)" rejects
expect_equal '' "$(leftovers)" 'what is left'
