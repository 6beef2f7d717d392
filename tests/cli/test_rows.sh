#!/usr/bin/env bash
# furrow rows: every operation on every dtype against NumPy's values (tests/data/make_row_cases.py), the same bytes for any ranks,
# threads and memory, rejects, split and join, and wrong use.
. "$FURROW_SOURCE_DIR/tests/lib.sh"

cases="$FURROW_TEST_DATA/rows"

# furrow_rows OPTION... : what every run here has in common.
furrow_rows()
{
    furrow rows "$@" -q
}

# ------------------------------------------------------------------------------------- values, in the order of make_row_cases.py
operations=(sum sumsq norm1 mean 'mean --dtype f4' var 'std --ddof 1' norm2 min max argmin argmax nonzero 'dot --param with=VECTOR'
    cumsum sort 'topk --param k=2')
checked=0
mkdir seen
for input in "$cases"/*.npy; do
    [[ $input == *.vector.npy ]] && continue
    name=$(basename "$input" .npy)
    # A process under a sanitizer takes a hundred times as long to start: one input of each kind.
    [[ -n $FURROW_SANITIZE && $name != @(bool|i8|f2|f8|f4_no_*|i4_3d|u1_1d|f8_fortran|i2_swapped) ]] && continue
    for number in "${!operations[@]}"; do
        operation=${operations[number]}
        read -ra words <<<"${operation/VECTOR/$cases/$name.vector.npy}"
        case $name:${words[0]} in f8_column:topk | u1_1d:topk | f4_no_columns:m[ia][nx] | f4_no_columns:arg* | f4_no_columns:topk) continue ;; esac
        expect_exit 0 furrow_rows "${words[0]}" "$input" "${words[@]:1}" -o "seen/$((10 + number))"
        checked=$((checked + 1))
    done
    cat seen/* >all
    cmp -s all "$cases/$name.expected" || {
        wc -c seen/* >&2
        cmp all "$cases/$name.expected" >&2
        fail "$name, at that byte of all outputs in their order: ${operations[*]}"
    }
    rm seen/*
done
rmdir seen
rm all
[ "$checked" -gt $((${#FURROW_SANITIZE} > 0 ? 120 : 300)) ] || fail "only $checked values were compared"

# --------------------------------------------------------------------------------------- the same bytes however they are computed
expect_exit 0 furrow random --shape 3000,50 --dtype f4 --dist normal --seed 5 -q -o a.npy
expect_exit 0 furrow random --shape 1500,50 --dtype f4 --dist normal --seed 5 -q -o upper.npy
# Each operation on some ranks, threads and sources, so that all of them come.
while IFS=: read -r -u 3 operation plain root; do
    read -ra words <<<"$operation"
    run=("${words[0]}" a.npy "${words[@]:1}" -o out.npy -q)
    expect_exit 0 furrow rows "${run[@]}"
    mv out.npy expected.npy
    for how in $plain; do
        expect_exit 0 on_ranks "${how%x*}" furrow rows "${run[@]}" -t "${how#*x}" -m 30M
        expect_same expected.npy out.npy
    done
    expect_exit 0 on_ranks "$root" furrow rows "${run[@]}" --source root -m $((2 + root))M
    expect_same expected.npy out.npy
    expect_exit 0 bash -c 'cat a.npy | furrow rows "$@"' bash "${words[0]}" - "${words[@]:1}" -o out.npy -q -t 5
    expect_same expected.npy out.npy
    case $operation in
        norm2) # of a row that comes in two files
            expect_exit 0 furrow_rows norm2 upper.npy -o out.npy
            cmp -s -n 6000 -i 128 expected.npy out.npy || fail 'the first rows of two files differ'
            ;;
        cumsum) # of standard input, with little memory
            expect_exit 0 on_ranks_reading a.npy 3 furrow rows cumsum - -o out.npy -q -t 2 -m 50K
            expect_same expected.npy out.npy
            ;;
    esac
done 3<<'END'
norm2:1x1 3x7:2
softmax:2x7:5
cumsum:3x1:2
topk --param k=7:2x1:5
softmax --dtype f8:1x7:3
END
expect_exit 0 furrow random --shape 50 --dtype f4 --seed 6 -q -o v.npy
expect_exit 0 furrow_rows dot a.npy --param with=v.npy -o expected.npy
expect_exit 0 on_ranks_reading a.npy 3 furrow rows dot - --param with=v.npy -o out.npy -q
expect_same expected.npy out.npy
rm v.npy
expect_equal "a.npy expected.npy out.npy stderr stdout upper.npy" "$(find . -mindepth 1 -printf '%f\n' | sort | tr '\n' ' ' | sed 's/ $//')" files

# --------------------------------------------------------------------------------------------------------------- what is said
expect_exit 0 furrow rows max a.npy upper.npy -o out.npy
expect_equal 'out.npy: f4 (4500,), max of 4500 rows' "$(cat stdout)"
expect_exit 0 on_ranks 2 furrow rows sort a.npy -o out.npy --json -t 3
for pair in command:rows ranks:2 threads:3 op:sort dtype:f4 output:out.npy rows:3000 resumed:0; do
    expect_equal "${pair#*:}" "$(json_value "${pair%%:*}")" "${pair%%:*}"
done
expect_text stdout '"shape":[3000,50]'
expect_text stdout '"rejected":[]'

# ------------------------------------------------------------------------------------------------------------------- rejects
# npy FILE DESCR SHAPE <DATA: an .npy file.
npy()
{
    local header="{'descr': '$2', 'fortran_order': False, 'shape': $3, }"
    {
        printf '\223NUMPY\1\0\166\0%-117s\n' "$header"
        cat
    } >"$1"
}

most='\377\377\377\377\377\377\377\177' one='\1\0\0\0\0\0\0\0'
# shellcheck disable=SC2059
for i in $(seq 100); do printf "$one$one"; [ $((i % 40)) -eq 0 ] && printf "$most$one" || printf "$most"'\0\0\0\0\0\0\0\0'; done | npy i.npy '<i8' '(200, 2)'
for ranks in 1 3; do
    expect_exit 3 on_ranks "$ranks" furrow rows sum i.npy -o sums.npy
    expect_text stdout 'sums.npy: i8 (200,), sum of 200 rows, 2 rejected: sums.npy.rejects.csv'
    printf 'index,error\n79,the sum does not fit 64 bits\n159,the sum does not fit 64 bits\n' >expected.csv
    expect_same expected.csv sums.npy.rejects.csv
    expect_exit 0 furrow reduce nonzero -q sums.npy
    expect_equal 198 "$(cat stdout)" 'rows that are not zero'
done
expect_exit 3 furrow rows cumsum i.npy -o sums.npy --json
expect_text stdout '"rejected":[{"index":79,"error":"a sum does not fit 64 bits"},{"index":159,'
expect_exit 0 furrow_rows max i.npy -o sums.npy # the list of an older output goes
[ -e sums.npy.rejects.csv ] && fail 'an old list of rejects is left'

for source in i.npy -; do # also where other ranks send them
    expect_exit 3 on_ranks_reading i.npy 3 furrow rows sum $source -o sums.npy --source root
    expect_same expected.csv sums.npy.rejects.csv
done
rm sums.npy.rejects.csv

# ------------------------------------------------------------------------------------------------------------- split and join
for input in "$FURROW_TEST_DATA"/rows/{f8_fortran,f8_swapped,i8_no_rows}.npy a.npy; do
    expect_exit 0 furrow join "$input" -q -o whole.npy # in C order and native
    rm -rf parts && mkdir parts
    expect_exit 0 on_ranks 2 furrow split "$input" -n 5 -q -o 'parts/100%%-%03d.npy'
    expect_equal 5 "$(find parts -mindepth 1 | wc -l)" parts
    expect_exit 0 on_ranks 3 furrow join parts/100%-*.npy -q -o joined.npy -m 3M
    expect_same whole.npy joined.npy
    expect_exit 0 furrow split "$input" -n 1 -q -o one%d.npy
    expect_same whole.npy one0.npy
done
expect_exit 0 furrow split a.npy -n 7 -o 'part%d.npy' --json
expect_text stdout '{"path":"part3.npy","start":1287,"stop":1716}'
expect_exit 0 furrow info part3.npy --json
expect_text stdout '"shape":[429,50]'
expect_exit 0 bash -c 'furrow split - -n 4 -q -o s%02d.npy <a.npy && cat s*.npy >/dev/null && furrow join s0?.npy -q -o joined.npy'
expect_same a.npy joined.npy
expect_exit 0 on_ranks_reading a.npy 2 furrow join - --source root -q -o joined.npy
expect_same a.npy joined.npy
printf '12345678' | npy c.npy '<c8' '(1, 1)'
expect_exit 0 furrow join c.npy c.npy -o cc.npy
expect_equal 'cc.npy: c8 (2, 1), from 2 files' "$(cat stdout)"

# -------------------------------------------------------------------------------------------------------------------- wrong use
# refused CODE TEXT COMMAND...: one line on standard error, nothing written.
refused()
{
    local code=$1 text=$2
    shift 2
    expect_exit "$code" "$@"
    expect_lines stderr 1
    expect_text stderr "$text"
    [ ! -s stdout ] || fail "output of $*"
    [ -z "$(find . -name '.*furrow*' -o -name new.npy)" ] || fail "files left by $*"
}

f=$cases/f8.npy
refused 2 "furrow: rows: no operation given" furrow rows -o new.npy
refused 2 "unknown operation 'softmx'; the nearest is 'softmax'" furrow rows softmx "$f" -o new.npy
refused 2 'no file given' furrow rows sum -o new.npy
refused 2 '--output is missing' furrow rows sum "$f"
refused 2 'topk needs --param k=K' furrow rows topk "$f" -o new.npy
refused 2 "unknown parameter 'kay'" furrow rows topk "$f" --param kay=3 -o new.npy
refused 2 "'k' is not NAME=VALUE" furrow rows topk "$f" --param k -o new.npy
refused 2 "sum has no parameter 'k'" furrow rows sum "$f" --param k=3 -o new.npy
refused 2 'topk of 10 from rows of 9 elements' furrow rows topk "$f" --param k=10 -o new.npy
refused 2 'dot needs --param with=VECTOR.npy' furrow rows dot "$f" -o new.npy
refused 1 'the rows have 9 of f8' furrow rows dot "$f" --param "with=$cases/f4.npy" -o new.npy
refused 1 'none.npy: cannot open' furrow rows dot "$f" --param with=none.npy -o new.npy
refused 2 "'f2' is neither f4 nor f8" furrow rows mean "$f" --dtype f2 -o new.npy
refused 2 'sum of i4 gives i8, it cannot be f8' furrow rows sum "$cases/i4.npy" --dtype f8 -o new.npy
refused 2 '--ddof: -1 is negative' furrow rows var "$f" --ddof -1 -o new.npy
refused 1 'none.npy: cannot open' furrow rows sum none.npy -o new.npy
refused 1 'c.npy: sum is not defined for complex dtype c8' furrow rows sum c.npy -o new.npy
refused 1 'an array in Fortran order comes column by column' bash -c "furrow rows sum - -o new.npy <'$cases/f8_fortran.npy'"
refused 2 'standard input cannot be gone on with' bash -c "furrow rows sum - -o new.npy --resume <'$f'"
refused 1 'bytes of data missing' bash -c "head -c 300000 a.npy | furrow rows sum - -o new.npy -t 3"
refused 1 'bytes of data missing' bash -c "head -c 300000 a.npy | furrow rows softmax - -o new.npy"
refused 1 'bytes of memory are too few for 2 threads: at least ' furrow rows sum "$f" -t 2 -m 100 -o new.npy
refused 1 'new.npy: cannot create' furrow rows sum "$f" -o none/new.npy
refused 2 'is both input and output' furrow rows sum a.npy -o a.npy
refused 2 "'new.npy' has no %d or %04d" furrow split "$f" -n 3 -o new.npy
refused 2 'must have one %d or %04d, and no other %' furrow split "$f" -n 3 -o 'n%d%s.npy'
refused 2 'must have one %d or %04d, and no other %' furrow split "$f" -n 3 -o 'n%n.npy'
refused 2 'must have one %d or %04d, and no other %' furrow split "$f" -n 3 -o 'n%99d.npy'
refused 2 '--parts is missing' furrow split "$f" -o 'n%d.npy'
refused 2 'part3.npy: is both input and output' furrow split part3.npy -n 5 -o 'part%d.npy'
refused 2 'is both input and output' furrow join a.npy -o a.npy
refused 2 'no file given' furrow join -o new.npy
refused 1 'does not join' furrow join a.npy "$f" -o new.npy
refused 1 'f4_no_columns.npy: max of rows without elements' furrow rows max "$cases/f4_no_columns.npy" -o new.npy
printf '12345678' | npy zero.npy '<f8' '()'
refused 2 'a 0-d array has no rows' furrow rows sum zero.npy -o new.npy
refused 2 'a 0-d array cannot be split' furrow split zero.npy -n 2 -o 'n%d.npy'
