#!/usr/bin/env bash
# furrow info: against what NumPy says of every stored file (tests/data/npy/expected.csv), the JSON keys, sections, standard input.
. "$FURROW_SOURCE_DIR/tests/lib.sh" || exit 1

# results: the JSON without what differs from run to run.
results()
{
    sed -E 's/.*"files":(.*),"elapsed_s":[0-9.]+\}$/\1/' "$work/stdout"
}

inputs=$FURROW_TEST_DATA/npy

# The byte order that is not of this machine.
foreign="<"
[ "$(printf '\1\0' | od -An -tu2 | tr -d " ")" = 1 ] && foreign=">"

# Every file that NumPy reads; many in one call must give the same as one by one.
all=()
expected_all=''
while IFS=, read -r file read dtype order fortran shape version offset items bytes saved; do
    [ "$read" = ok ] || continue
    [ -n "$saved" ] || fail "$file: a short line"
    swapped=false
    [ "$order" = "$foreign" ] && swapped=true
    [ "$shape" = - ] && shape=''
    expected=$(printf '{"path":"%s","version":"%s","dtype":"%s","shape":[%s],"fortran_order":%s,"swapped":%s,"items":%s,"bytes":%s,"data_offset":%s}' \
        "$inputs/$file" "$version" "$dtype" "${shape//x/,}" "$([ "$fortran" -eq 1 ] && echo true || echo false)" "$swapped" \
        "$items" "$bytes" "$offset")
    all+=("$inputs/$file")
    expected_all+="${expected_all:+,}$expected"
done <"$inputs/expected.csv"
[ "${#all[@]}" -gt 100 ] || fail "only ${#all[@]} files"
expect_exit 0 furrow info --json "${all[@]}"
expect_equal "[$expected_all]" "$(results)" 'all files'
expect_lines "$work/stderr" 0
expect_exit 0 furrow info "${all[@]}"
expect_lines "$work/stdout" "${#all[@]}"

# The keys that every JSON has.
expect_exit 0 furrow info --json -t 3 "$inputs/f8_le_c.npy"
expect_equal info "$(json_value command)" command
expect_equal 1 "$(json_value ranks)" ranks
expect_equal 3 "$(json_value threads)" threads
json_value furrow | grep -qE '^[0-9]+\.[0-9]+\.[0-9]+$' || fail 'version'
json_value elapsed_s | grep -qE '^[0-9]+\.[0-9]+$' || fail 'elapsed_s'
expect_lines "$work/stdout" 1

# sections ROWS COUNT: as numpy.array_split cuts, by its definition: ROWS % COUNT sections of one row more than the others.
sections()
{
    awk -v rows="$1" -v count="$2" 'BEGIN {
        for (s = 0; s < count; s++) {
            stop = start + int(rows / count) + (s < rows % count ? 1 : 0)
            printf("%s[%d,%d]", (s > 0) ? "," : "", start, stop)
            start = stop
        }
    }'
}

expect_equal '[0,3],[3,6],[6,8],[8,10]' "$(sections 10 4)" 'array_split(10, 4)'
expect_equal '[0,1],[1,2],[2,2],[2,2]' "$(sections 2 4)" 'array_split(2, 4)'
for rows in 0 1 7 10 64; do
    furrow random --shape "$rows,2" --seed 1 -q -o rows.npy || fail "random of $rows rows"
    for count in 1 2 3 7 10 11 100; do
        expect_exit 0 furrow info --json --sections "$count" rows.npy
        expect_equal "[$(sections "$rows" "$count")]" "$(sed -E 's/.*"sections":(\[.*\])\}\].*/\1/' "$work/stdout")" \
            "$rows rows, $count sections"
        expect_exit 0 furrow info --sections "$count" rows.npy
        expect_lines "$work/stdout" $((count + 1))
    done
done

# Standard input.
expect_exit 0 furrow info --json "$inputs/i4_be_f.npy"
results | sed 's|"path":"[^"]*"|"path":"-"|' >expected
expect_exit 0 furrow info --json - <"$inputs/i4_be_f.npy"
results >seen
expect_same expected seen

# Names that need care, in JSON and out of it.
name=$'a "quoted" \\name\twith ünïcödé\nand two lines.npy'
cp "$inputs/f8_le_c.npy" "$name"
expect_exit 0 furrow info --json "$name"
expect_lines "$work/stdout" 1
expect_text "$work/stdout" '"path":"a \"quoted\" \\name\twith ünïcödé\nand two lines.npy"'

# Under mpirun, one object.
expect_exit 0 on_ranks 3 furrow info --json "${all[@]}"
expect_equal "[$expected_all]" "$(results)" 'all files on 3 ranks'
expect_lines "$work/stdout" 1
expect_equal 3 "$(json_value ranks)" ranks
