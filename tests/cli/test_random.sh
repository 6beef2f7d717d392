#!/usr/bin/env bash
# furrow random: the bytes that NumPy writes (tests/data/reduce/random_*.npy, see make_cases.py), for any threads, ranks and memory;
# the moments of normal numbers; wrong arguments.
. "$FURROW_SOURCE_DIR/tests/lib.sh" || exit 1

inputs=$FURROW_TEST_DATA/reduce

# check NAME ARGUMENT...: what is written is random_NAME.npy.
check()
{
    local name=$1
    shift
    for threads in 1 7; do
        rm -f out.npy
        expect_exit 0 furrow random "$@" -o out.npy -q -t "$threads"
        expect_lines "$work/stdout" 0
        expect_lines "$work/stderr" 0
        expect_same "$inputs/random_$name.npy" out.npy
    done
}

check f8_0 --shape 450 --seed 0
check f8_0 --shape 450 --seed 0 --dtype f8 --dist uniform -m 16M
check f8_max --shape 33 --seed 18446744073709551615
check f8_3d --shape 3,5,7 --seed 12345678901234567890
check f8_no_columns --shape 4,0 --seed 1
check f4_7 --shape 901 --seed 7 --dtype f4
check f4_2d --shape 9,11 --seed 8 --dtype f4

# Under mpirun, and over a file that is there already.
for name in f8_3d:3,5,7:12345678901234567890:f8 f4_7:901:7:f4; do
    IFS=: read -r name shape seed dtype <<<"$name"
    expect_exit 0 on_ranks 3 furrow random --shape "$shape" --seed "$seed" --dtype "$dtype" -o out.npy --json
    expect_same "$inputs/random_$name.npy" out.npy
    expect_equal out.npy "$(json_value output)" output
    expect_equal "$dtype" "$(json_value dtype)" dtype
    expect_text "$work/stdout" "\"shape\":[$shape]"
    expect_lines "$work/stdout" 1
done

# Blocks and pieces larger than one: the same bytes whatever reads and writes them.
expect_exit 0 furrow random --shape 300000,3 --seed 3 -o one.npy -t 1
expect_exit 0 furrow random --shape 900000 --seed 3 -o flat.npy -t 5 -m 8M
expect_exit 0 on_ranks 3 furrow random --shape 300000,3 --seed 3 -o three.npy
expect_same one.npy three.npy
tail -c 7200000 one.npy >one.data
tail -c 7200000 flat.npy >flat.data
expect_same one.data flat.data

# near VALUE EXPECTED TOLERANCE WHAT
near()
{
    awk -v a="$1" -v b="$2" -v t="$3" 'BEGIN { exit !(a - b <= t && b - a <= t) }' || fail "$4: $1 is not within $3 of $2"
}

# Normal: moments of 900000 numbers lie within 5 standard errors; of both dtypes, and one value for a place, not for a block.
for dtype in f4 f8; do
    expect_exit 0 furrow random --shape 900000 --seed 11 --dist normal --dtype "$dtype" -o normal.npy
    expect_text "$work/stdout" "normal.npy: $dtype (900000,), normal, seed 11"
    expect_exit 0 on_ranks 3 furrow random --shape 900000 --seed 11 --dist normal --dtype "$dtype" -o ranks.npy
    expect_same normal.npy ranks.npy
    expect_exit 0 furrow reduce mean,std,min,max,count normal.npy --json
    near "$(json_value mean)" 0 0.0053 'mean'
    near "$(json_value std)" 1 0.0038 'standard deviation'
    near "$(json_value min)" -5 0.8 'least'
    near "$(json_value max)" 5 0.8 'largest'
    expect_exit 0 furrow reduce hist normal.npy --bins 2 --range -1:1 -q
    near "$(head -n 1 "$work/stdout")" 307210 2300 'numbers in [-1, 0)'
    near "$(tail -n 1 "$work/stdout")" 307210 2300 'numbers in [0, 1]'
done

# wrong CODE TEXT ARGUMENT...: refused in one line, and nothing written.
wrong()
{
    local code=$1 text=$2
    shift 2
    rm -rf empty
    mkdir empty
    expect_exit "$code" furrow random "$@"
    expect_lines "$work/stdout" 0
    expect_lines "$work/stderr" 1
    grep -q '^furrow: random: ' "$work/stderr" || fail "$*: $(cat "$work/stderr")"
    expect_text "$work/stderr" "$text"
    expect_equal '' "$(ls -A empty)" "files left by: $*"
}

out=(-o empty/out.npy)
wrong 2 '--shape is missing' --seed 1 "${out[@]}"
wrong 2 '--seed is missing' --shape 3 "${out[@]}"
wrong 2 '--output is missing' --shape 3 --seed 1
for shape in '' x '3,' ,3 3,,3 -3 3,-1 1.5 '3 4' 99999999999999999999; do
    wrong 2 "--shape: '$shape' is not N or N,M,..." --shape "$shape" --seed 1 "${out[@]}"
done
wrong 1 'out of range' --shape 99999999999,99999999999 --seed 1 "${out[@]}"
wrong 1 'empty/out.npy: cannot reserve space' --shape 999999999999999 --seed 1 "${out[@]}"
wrong 1 '(8000000000000128 bytes)' --shape 1000000000000000 --seed 1 "${out[@]}"
for seed in '' -1 1.5 x 18446744073709551616 0x10; do
    wrong 2 "--seed: '$seed' is not an integer from 0 to 2^64 - 1" --shape 3 --seed "$seed" "${out[@]}"
done
wrong 2 "--dtype: 'f2' is neither f4 nor f8" --shape 3 --seed 1 --dtype f2 "${out[@]}"
wrong 2 "--dist: 'gauss' is neither uniform nor normal" --shape 3 --seed 1 --dist gauss "${out[@]}"
wrong 2 "'more.npy' is not expected" --shape 3 --seed 1 "${out[@]}" more.npy
wrong 2 'standard output' --shape 3 --seed 1 -o -
wrong 2 'the name of a file is needed' --shape 3 --seed 1 -o ''
wrong 1 'empty/none/out.npy: cannot create: No such file or directory' --shape 3 --seed 1 -o empty/none/out.npy
wrong 1 'empty: cannot create: Is a directory' --shape 3 --seed 1 -o empty
wrong 1 '/dev/null: cannot create: not a regular file' --shape 3 --seed 1 -o /dev/null
wrong 1 '1024 bytes of memory are too few' --shape 3 --seed 1 -m 1K "${out[@]}"
