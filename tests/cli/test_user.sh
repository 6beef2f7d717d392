#!/usr/bin/env bash
# As it is used: many files, more than may be open; pipes; huge numbers of sections; memory within --memory; Ctrl-C.
. "$FURROW_SOURCE_DIR/tests/lib.sh" || exit 1

# ------------------------------------------------------------------------------------------------------- many files
expect_exit 0 furrow random --shape 120,5 --seed 1 -o whole.npy -q
mkdir many
header=128
tail -c +$((header + 1)) whole.npy >data
for i in $(seq -w 0 119); do
    furrow random --shape 1,5 --seed 1 -o "many/part $i.npy" -q || fail 'random'
    {
        head -c "$header" "many/part $i.npy"
        dd if=data bs=40 skip=$((10#$i)) count=1 status=none
    } >part && mv part "many/part $i.npy"
done
for options in '' '--axis 0' '--sections 3' '--sections 120' '-t 7'; do
    # shellcheck disable=SC2086 # several words or none
    {
        expect_exit 0 furrow reduce sum,argmax,var $options whole.npy
        cp stdout expected
        expect_exit 0 furrow reduce sum,argmax,var $options many/*.npy
        expect_same expected stdout
        expect_exit 0 bash -c 'ulimit -n 60 && exec furrow reduce sum,argmax,var "$@"' - $options many/*.npy
        expect_same expected stdout
    }
done
expect_exit 0 on_ranks 3 furrow reduce sum,argmax,var -t 7 many/*.npy
expect_exit 0 furrow reduce sum,argmax,var -t 7 whole.npy
cp stdout expected
expect_exit 0 on_ranks 3 bash -c 'ulimit -n 60 && exec furrow reduce sum,argmax,var "$@"' - many/*.npy
expect_same expected stdout
expect_exit 0 furrow info many/*.npy
expect_lines stdout 120

# ------------------------------------------------------------------------------------------------------------ pipes
mkfifo pipe
cat whole.npy >pipe &
expect_exit 0 timeout 60 furrow reduce sum,argmax,var - <pipe
expect_same expected stdout
for piece in 1 100 127 129 5000; do
    dd if=whole.npy bs="$piece" status=none | furrow reduce sum,argmax,var - >stdout || fail "in pieces of $piece"
    expect_same expected stdout
done
cat whole.npy whole.npy | furrow reduce sum,argmax,var - >stdout || fail 'more than the header promises'
expect_same expected stdout

# --------------------------------------------------------------------------------------------------- large and sparse
# npy NAME DTYPE ORDER SHAPE BYTES: zeros that take no room.
npy()
{
    local text="{'descr': '$2', 'fortran_order': $3, 'shape': ($4), }"
    {
        # shellcheck disable=SC2059 # a byte in octal
        printf "\\223NUMPY\\1\\0\\$(printf %03o ${#text})\\0"
        printf '%s' "$text"
    } >"$1"
    truncate -s +"$5" "$1"
}

npy long.npy '<f8' False '100000000,' 800000000
npy matrix.npy '<f4' False '200000, 1000' 800000000
npy fortran.npy '>f4' True '200000, 1000' 800000000
npy wide.npy '<f8' False '500, 20000' 80000000
npy row.npy '|u1' False '1, 800000000' 800000000

# The peak of resident memory, per process, in kB, stays below 110 MB with --memory 64M.
if [ -z "${FURROW_SANITIZE:-}" ] && [ -x /usr/bin/time ]; then
    while read -r command; do
        read -ra words <<<"$command"
        expect_exit 0 /usr/bin/time -f %M -o peak furrow "${words[@]}" -m 64M
        [ "$(cat peak)" -lt 110000 ] || fail "$(cat peak) kB: $command"
    done <<'END'
reduce sum,min,argmax,hist --range 0:1 long.npy
reduce var --axis 0 matrix.npy -q
reduce sum,argmin matrix.npy --source root
reduce sum --axis 0 matrix.npy --source root -q
reduce sum --axis 0 fortran.npy -q
reduce sum --sections 7 fortran.npy -q
reduce sum --sections 7 fortran.npy -q --source root
reduce mean --axis 0 wide.npy -q
reduce sum,max row.npy
reduce count,nan --sections 30000 long.npy -q
dot long.npy long.npy
dot long.npy long.npy --source root
random --shape 20000000 --seed 1 -o random.npy
END
    expect_exit 0 /usr/bin/time -f %M -o peak furrow reduce sum,argmin - -m 64M <matrix.npy
    [ "$(cat peak)" -lt 110000 ] || fail "$(cat peak) kB: standard input"
else
    echo 'peak memory: not measured here' >&2
fi

# ----------------------------------------------------------------------------------------------------------- Ctrl-C
# Stops soon, says so, leaves nothing: not even where the output was.
mkdir out
for command in 'random --shape 100000000 --seed 1 --dist normal -t 1 -o out/x.npy' 'reduce sum,min,argmax,nonzero,var,norm1 long.npy'; do
    read -ra words <<<"$command"
    (
        trap - INT
        exec furrow "${words[@]}"
    ) >stdout 2>stderr &
    pid=$!
    sleep 0.05
    kill -INT "$pid"
    code=0
    wait "$pid" || code=$?
    [ "$code" -ne 0 ] || [ "${words[0]}" = reduce ] || fail 'random: not stopped'
    expect_equal '' "$(ls -A out)" 'files left'
    # The signal may come too late to stop it, but nothing is printed in part.
    [ ! -s stdout ] || expect_lines stdout 6
done
