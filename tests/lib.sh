# shellcheck shell=bash
# For test scripts: `. "$FURROW_SOURCE_DIR/tests/lib.sh"` as their first line. It gives them
#
#   - a fresh folder to work in, which is removed at the end;
#   - `furrow`, the command that was built, and `mpirun` in PATH; $FURROW_TEST_DATA, the stored inputs;
#   - the helpers below. A failed expectation prints what was expected and what was seen, and ends the test.
#
# ctest sets FURROW, FURROW_TEST_DATA, FURROW_SOURCE_DIR, FURROW_BINARY_DIR, FURROW_SANITIZE, MPIEXEC and CC.
set -u
: "${FURROW:?is set by ctest: run the test with ctest -R NAME}" "${FURROW_TEST_DATA:?}" "${FURROW_SOURCE_DIR:?}"
: "${MPIEXEC:=mpirun}"

PATH="$(dirname "$FURROW"):$PATH"
work=$(mktemp -d "${TMPDIR:-/tmp}/furrow-test.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

# fail MESSAGE: the test has failed.
fail()
{
    printf 'FAILED: %s\n' "$*" >&2
    exit 1
}

# skip REASON: the test cannot run here.
skip()
{
    printf 'SKIPPED: %s\n' "$*" >&2
    exit 77
}

# on_ranks R COMMAND...: the command under mpirun with R ranks. When a rank does not exit with 0, mpirun adds a report
# between two lines of dashes, which is left out of standard error, and gives the others a second to end, which they have.
# Under a sanitizer without a look for leaks, for which the stack of every allocation of MPI's own, at each start, would be
# walked: the programs of the label mpi have that look.
on_ranks()
{
    local ranks=$1
    local -x ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0:fast_unwind_on_malloc=1"
    shift
    {
        OMPI_MCA_odls_base_sigkill_timeout=0 "$MPIEXEC" -n "$ranks" "$@" 2>&1 >&3 3>&- | sed -E '/^-{40,}$/,/^-{40,}$/d' >&2
        return "${PIPESTATUS[0]}"
    } 3>&1
}

# on_ranks_reading FILE R COMMAND...: on_ranks, with the file as standard input. mpirun of Open MPI 4 crashes now and then
# while it forwards that (its issue 7483), which says nothing about the command: it is tried again.
on_ranks_reading()
{
    local file=$1 try code
    shift
    for try in 1 2 3; do
        code=0
        on_ranks "$@" <"$file" >"$work/try$try.out" 2>"$work/try$try.err" || code=$?
        [ $code -eq 139 ] && grep -q orte_iof_hnp_read_local_handler "$work/try$try.err" || break
    done
    cat "$work/try$try.out"
    cat "$work/try$try.err" >&2
    rm -f "$work"/try?.out "$work"/try?.err
    return $code
}

# expect_exit CODE COMMAND...: the command ends with that code. Its output is left in $work/stdout and $work/stderr.
expect_exit()
{
    local expected=$1 seen=0
    shift
    "$@" >"$work/stdout" 2>"$work/stderr" || seen=$?
    if [ "$seen" -ne "$expected" ]; then
        printf -- '--- stdout\n' >&2
        cat "$work/stdout" >&2
        printf -- '--- stderr\n' >&2
        cat "$work/stderr" >&2
        fail "expected exit code $expected, got $seen: $*"
    fi
}

# expect_same EXPECTED SEEN: two files hold the same bytes.
expect_same()
{
    cmp -s -- "$1" "$2" && return
    diff -u -- "$1" "$2" | head -n 40 >&2
    fail "files differ: expected $1, got $2"
}

# expect_equal EXPECTED SEEN [WHAT]: two texts are the same.
expect_equal()
{
    [ "$1" = "$2" ] || fail "${3:-value}: expected '$1', got '$2'"
}

# expect_text FILE TEXT: the file contains the text.
expect_text()
{
    grep -qF -- "$2" "$1" && return
    cat "$1" >&2
    fail "expected '$2' in $1, got the above"
}

# expect_lines FILE COUNT: the file has that many lines.
expect_lines()
{
    local seen
    seen=$(wc -l <"$1")
    [ "$seen" -eq "$2" ] && return
    cat "$1" >&2
    fail "expected $2 lines in $1, got the above $seen"
}

# json_value KEY [FILE]: what stands after "KEY": in a JSON text, a number or a string without its quotes; first one only.
json_value()
{
    tr '\n' ' ' <"${2:-$work/stdout}" |
        sed -E 's/"'"$1"'":[[:space:]]*("([^"]*)"|([^][{}", ]+))/\n@\2\3\n/' | sed -n 's/^@//p'
}

# in_parallel COMMAND...: each, several words, in a process of its own; what they print is kept apart.
in_parallel()
{
    local pids=() commands=("$@") i failed=0

    for i in "${!commands[@]}"; do
        (${commands[i]}) >"parallel-$i.txt" 2>&1 &
        pids+=($!)
    done
    for i in "${!commands[@]}"; do
        wait "${pids[i]}" && continue
        printf 'FAILED: %s:\n' "${commands[i]}" >&2
        cat "parallel-$i.txt" >&2
        failed=1
    done
    [ $failed -eq 0 ] || exit 1
}

# in_folder NAME: enters a new folder, where from now on the helpers above leave their files too; for commands of in_parallel.
in_folder()
{
    work=$work/$1
    mkdir "$work" && cd "$work" || exit 1
}
