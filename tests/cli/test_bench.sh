#!/usr/bin/env bash
# furrow bench: every entry is there with its numbers, the chart is an SVG, nothing stays behind. Speed is not judged.
. "$FURROW_SOURCE_DIR/tests/lib.sh" || exit 1

mkdir place
all='read exact_sum exact_sumsq exact_dot exact_sum_f4 random file_reduce ranks_vs_threads startup memory'
all+=' rows_norm2 rows_softmax rows_resume item_single item_guided item_across'
all+=' images_load images_quarter images_write images_threads images_memory images_list'

# entry NAME: what the JSON in $work/bench.json has between the braces of that entry.
entry()
{
    grep -oE '\{[^{}]*"name":"'"$1"'"[^{}]*\}' "$work/bench.json" >"$work/entry" || fail "no entry $1"
}

# expect_positive KEY: a number above zero stands there, in the last entry.
expect_positive()
{
    json_value "$1" "$work/entry" | awk '!/^[0-9.]+(e[-+][0-9]+)?$/ || $1 <= 0 { exit 1 } END { exit NR != 1 }' ||
        fail "\"$1\" is no number above zero in $(cat "$work/entry")"
}

# expect_skipped WHAT: the last entry says why there are no numbers.
expect_skipped()
{
    expect_equal skipped "$(json_value status "$work/entry")"
    expect_equal null "$(json_value value "$work/entry")"
    expect_text "$work/entry" "$1"
}

expect_measured()
{
    expect_positive value
    expect_positive limit
    expect_positive fraction
    case $(json_value status "$work/entry") in
        ok | below | above | measured) ;;
        *) fail "unknown status in $(cat "$work/entry")" ;;
    esac
}

nothing_stays()
{
    expect_equal '' "$(ls -A place)" 'what is left in --dir'
}

# ---------------------------------------------------------------- alone: JSON and chart
expect_exit 0 furrow bench --quick --dir place --json --plot chart.svg -t 2
mv stdout bench.json
nothing_stays
expect_equal bench "$(json_value command bench.json)"
expect_equal 2 "$(json_value threads bench.json)"
expect_equal "$all" "$(grep -oE '"name":"[^"]*"' bench.json | cut -d '"' -f 4 | paste -sd ' ')" entries
for name in $all; do
    entry "$name"
    if [ "$name" = read ]; then # it is a limit itself
        expect_positive value
    elif [[ $name == ranks_vs_threads || $name == rows_resume || $name == item_across ]] && [ "$(json_value status entry)" = skipped ]; then
        expect_skipped '"note":"' # one core, or no mpirun; no run that was killed at the right time
    elif [ "$name" = images_load ] && [ "$(json_value status entry)" = skipped ]; then
        expect_skipped 'no libjpeg-turbo'
    elif [[ $name == rows_resume || $name == images_memory || $name == images_list ]]; then # they have no limit
        expect_positive value
    else
        expect_measured
    fi
done
for target in exact_sum:0.9 exact_sumsq:0.8 file_reduce:0.8 ranks_vs_threads:0.95 startup:10 memory:110 \
    rows_norm2:0.7 rows_softmax:0.7 rows_resume:0.15 item_single:2 item_guided:50 item_across:20 \
    images_load:0.95 images_quarter:2.5 images_write:0.75 images_threads:0.95 images_memory:320 images_list:1000; do
    entry "${target%:*}"
    expect_equal "${target#*:}" "$(json_value target entry)" "the target of ${target%:*}"
done

# Well-formed, with every name in it.
if command -v xmllint >/dev/null; then
    xmllint --noout chart.svg || fail 'chart.svg is not well-formed'
fi
expect_equal 1 "$(grep -c '<svg ' chart.svg)" '<svg>'
expect_equal '</svg>' "$(tail -n 1 chart.svg)" 'the last line of the chart'
expect_equal "$(grep -c '<text' chart.svg)" "$(grep -c '</text>' chart.svg)" '<text> and </text>'
for name in $all; do
    expect_text chart.svg ">$name</text>"
done

# ---------------------------------------------------------------- two ranks: text; other processes are not started
expect_exit 0 on_ranks 2 furrow bench --quick --dir place -t 1
nothing_stays
expect_text stdout '2 ranks of 1 thread,'
for name in $all; do
    grep -q "^$name " stdout || fail "no line for $name"
done
for name in ranks_vs_threads startup memory rows_resume images_threads images_memory; do
    grep -E "^$name .*skipped +under a launcher" stdout >/dev/null || fail "$name is not skipped: $(cat stdout)"
done

# ---------------------------------------------------------------- what cannot be done is said at once
expect_exit 1 furrow bench --quick --dir missing
expect_text stderr 'furrow: bench: missing: No such file or directory'
expect_lines stderr 1
: >file
expect_exit 1 furrow bench --quick --dir file
expect_text stderr 'furrow: bench: file: '
expect_exit 1 furrow bench --quick --dir /proc
expect_text stderr 'furrow: bench: /proc: '
expect_exit 1 furrow bench --quick --dir place --plot missing/chart.svg
expect_text stderr 'furrow: bench: missing/chart.svg: cannot write: No such file or directory'
expect_exit 1 furrow bench --quick --dir place --plot place
expect_text stderr 'furrow: bench: place: cannot write: Is a directory'
expect_exit 2 furrow bench --quick --json --plot -
expect_exit 2 furrow bench extra
expect_text stderr "no group 'extra'; there are memory, file, processes, rows, items, images"

# ---------------------------------------------------------------- one group alone
expect_exit 0 furrow bench file --quick --dir place --json -t 2
expect_equal file_reduce "$(grep -oE '"name":"[^"]*"' stdout | cut -d '"' -f 4 | paste -sd ' ')" 'entries of file'
nothing_stays
expect_exit 1 on_ranks 2 furrow bench --quick --dir missing
expect_equal 1 "$(grep -c 'missing: No such file' stderr)" 'messages of two ranks'
if [ "$(id -u)" -ne 0 ]; then
    chmod a-w place
    expect_exit 1 furrow bench --quick --dir place
    expect_text stderr 'furrow: bench: place: cannot make a folder: Permission denied'
    chmod u+w place
fi
nothing_stays

# A file system without room, where one may be mounted.
if unshare --mount mount -t tmpfs -o size=32m tmpfs place 2>/dev/null; then
    expect_exit 1 unshare --mount bash -c 'mount -t tmpfs -o size=32m tmpfs place && furrow bench --quick --dir place'
    expect_text stderr 'furrow: bench: place: 33.6 MB are free, 822 MB are needed'
fi

# ---------------------------------------------------------------- stopped: the folder goes too
furrow bench --dir place >stdout 2>stderr &
bench=$!
for _ in $(seq 300); do
    [ -n "$(ls -A place)" ] && break
    sleep 0.1
done
kill -TERM "$bench"
code=0
wait "$bench" || code=$?
expect_equal 1 "$code" 'exit code after SIGTERM'
nothing_stays
