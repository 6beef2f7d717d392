# shellcheck shell=bash
# For test_reduce.sh and test_dot.sh, instead of lib.sh: run_cases COMMAND runs the cases of tests/data/reduce/cases.tsv, whose
# columns tests/data/make_cases.py explains.
. "$FURROW_SOURCE_DIR/tests/lib.sh" || exit 1
inputs=$FURROW_TEST_DATA/reduce
failures=0

# relevant_json: the text between the key "dtype" and the key "elapsed_s" of a JSON object.
relevant_json()
{
    sed -E 's/.*("dtype":.*),"elapsed_s":[0-9.]+\}$/\1/' "$1"
}

# check NAME EXPECTED OUTPUT COMMAND...: one run, in the folder of the inputs' names.
check()
{
    local name=$1 expected=$2 output=$3 code=0
    shift 3
    rm -f out.npy
    "$@" >"$work/stdout" 2>"$work/stderr" || code=$?
    if [ "$code" -eq 0 ] && [ ! -s "$work/stderr" ] && [ "$(relevant_json "$work/stdout")" = "$expected" ]; then
        [ "$output" = - ] || cmp -s "$inputs/$output" out.npy || fail "$name: $output and what was written differ"
        return
    fi
    failures=$((failures + 1))
    printf -- '--- %s: %s\n  exit code %d\n  expected %s\n  got      %s\n' "$name" "$*" "$code" "$expected" \
        "$(relevant_json "$work/stdout")" >&2
    head -n 20 "$work/stderr" >&2
    [ "$failures" -lt 10 ] || fail 'ten cases, the rest were not tried'
}

# run_cases COMMAND
run_cases()
{
    local number=0 seen=0 how words output expected above='' threads command last streamed root
    ln -s "$inputs"/*.npy .
    rm -f out.npy
    while IFS=$'\t' read -r -u 4 how words output expected; do
        number=$((number + 1))
        [ "$expected" = = ] && expected=$above
        above=$expected
        [ "${words%% *}" = "$1" ] || continue
        seen=$((seen + 1))
        read -ra command <<<"$words"
        threads=$((number % 3 + 1))
        check "case $number" "$expected" "$output" furrow "${command[@]}" --json -t "$threads"
        case $how in
            stream)
                # A sanitizer takes its time: a quarter will do.
                [ -z "${FURROW_SANITIZE:-}" ] || [ $((number % 4)) -eq 0 ] || continue
                # The file that stands last among the names becomes standard input.
                last=$(grep -oE '[^ ]+\.npy' <<<"$words" | tail -n 1)
                streamed=${words%"$last"*}-${words##*"$last"}
                read -ra command <<<"$streamed"
                check "case $number, standard input" "$expected" "$output" furrow "${command[@]}" --json -t "$threads" <"$last"
                ;;
            ranks) # --source root alone and under mpirun, or without it: in turn
                root=()
                [ $((number % 2)) -eq 0 ] || root=(--source root -m 16M)
                check "case $number, 3 ranks ${root[*]}" "$expected" "$output" \
                    on_ranks 3 furrow "${command[@]}" --json -t "$threads" "${root[@]}"
                check "case $number, source root" "$expected" "$output" furrow "${command[@]}" --json -t "$threads" --source root
                ;;
        esac
    done 4<"$inputs/cases.tsv" </dev/null # mpirun reads standard input
    [ "$seen" -gt 0 ] || fail "no case of $1 in $inputs/cases.tsv"
    [ "$failures" -eq 0 ] || fail "$failures of the runs of $seen cases"
}
