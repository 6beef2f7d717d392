#!/usr/bin/env bash
# golden.sh FOLDER: runs FOLDER/cmd in an empty folder and compares with what stands beside it:
#
#   cmd      shell text, sourced with tests/lib.sh: `furrow info "$FURROW_TEST_DATA/a.npy"`; its last exit code counts
#   stdout   what it must print; no file: nothing
#   stderr   likewise
#   exit     its exit code; no file: 0
#
# The expected files are written by hand, from what must come out. What may differ from run to run is replaced first:
#
#   the number after "elapsed_s":    TIME          the version in JSON and in `furrow --version`    VERSION
#   $FURROW_TEST_DATA                DATA          the folder it runs in                            WORK
#
# The number of threads is not: give -t.
case_folder=$1
. "$FURROW_SOURCE_DIR/tests/lib.sh"

steady()
{
    sed -E -e 's/("elapsed_s":[[:space:]]*)[-+.0-9eE]+/\1TIME/' \
        -e 's/("furrow":[[:space:]]*")[0-9][^"]*"/\1VERSION"/' -e 's/^furrow [0-9]+\.[0-9]+\.[0-9]+/furrow VERSION/' \
        -e "s|$FURROW_TEST_DATA|DATA|g" -e "s|$work/run|WORK|g" "$1"
}

# expected NAME DEFAULT: an expected file, or the default where there is none.
expected()
{
    if [ -e "$case_folder/$1" ]; then cat "$case_folder/$1"; else printf '%s' "$2"; fi
}

mkdir run
cd run || exit 1
# shellcheck source=/dev/null
(. "$case_folder/cmd") >../raw_stdout 2>../raw_stderr </dev/null
code=$?
cd ..

steady raw_stdout >seen_stdout
steady raw_stderr >seen_stderr
expected stdout '' >expected_stdout
expected stderr '' >expected_stderr

# All three, so that a failure shows everything at once.
failed=''
for stream in stdout stderr; do
    cmp -s "expected_$stream" "seen_$stream" && continue
    diff -u "expected_$stream" "seen_$stream" >&2
    failed="$failed $stream"
done
code_expected=$(expected exit 0)
[ "$code" -eq "$code_expected" ] || failed="$failed exit code (expected $code_expected, got $code)"
[ -z "$failed" ] || fail "$case_folder:$failed"
