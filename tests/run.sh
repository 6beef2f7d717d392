#!/usr/bin/env bash
# bash tests/run.sh [PRESET...]: installs what is missing, then configures, builds and tests. Without arguments:
#
#   release    what users get                                     every label but faults
#   minimal    without the optional libraries                     what they make a difference to: unit, cli about pictures and doctor
#   asan       address and undefined sanitizers, fault points     unit, kernels, mpi on 1 to 3 ranks, cli, faults, fuzz
#   tsan       thread sanitizer, with clang                       unit, mpi on 1 and 2 ranks, golden cli
#
# `debug` (fault points without sanitizers) may be named too. Exit code 0: all passed. A label without a test is a failure;
# where the environment has CI=true, so is a test that skips itself.
set -u
cd "$(dirname "$0")/.." || exit 1
. apps/setup.sh

# labels_of PRESET: labels that must have tests.
labels_of()
{
    case $1 in
        release) echo unit kernels mpi cli fuzz headers install scale cluster ;;
        minimal) echo unit cli ;;
        asan) echo unit kernels mpi cli faults fuzz ;;
        debug) echo unit kernels mpi cli faults fuzz headers install ;;
        tsan) echo unit mpi cli ;;
        *) return 1 ;;
    esac
}

# selection_of PRESET: the arguments of ctest that choose the tests.
selection_of()
{
    case $1 in
        minimal) echo '-R ^(unit\.|cli\.(images|doctor|golden|readme))' ;;
        # Several times slower: without what shows nothing that others do not, or is about speed, kills and documents.
        asan) echo '-E ^(headers|install)\.|^mpi\..*\.5R$|^cli\.(bench|examples|images_resume|large|peers|readme.*|rows_resume|rows_signals|same_bits|stall|user)$' ;;
        # Ten times slower: enough to see every kind of parallel region and message.
        tsan) echo '-R ^(unit\.|mpi\..*\.[12]R$|cli\.golden\.)' ;;
    esac
}

# The sanitizers of these compilers cannot place their shadow memory under much address randomization, which newer kernels
# have: `setarch -R` turns it off, where that is allowed.
steady_addresses=''
setarch -R true 2>/dev/null && steady_addresses='setarch -R'

# all_labels_have_tests PRESET SELECTION...
all_labels_have_tests()
{
    local preset=$1 label count empty=''
    shift
    for label in $(labels_of "$preset"); do
        count=$(ctest --preset "$preset" "$@" -N | grep -c ": $label\.")
        printf '%s: %d tests\n' "$label" "$count"
        [ "$count" -gt 0 ] || empty="$empty $label"
    done
    [ -z "$empty" ] || echo "preset $preset has no test for:$empty" >&2
    [ -z "$empty" ]
}

# no_skip LOG: what skipped itself is named; with CI=true it is a failure.
no_skip()
{
    local name bad=0
    while read -r name; do
        echo "$name was skipped" >&2
        bad=1
    done < <(sed -nE 's/.*Test +#[0-9]+: ([^ ]+) .*\*\*\*Skipped.*/\1/p' "$1")
    [ "$bad" -eq 0 ] || [ "${CI:-}" != true ]
}

# tried_twice LOG: the tests that failed at first.
tried_twice()
{
    sed -nE 's/.*Test +#[0-9]+: ([^ ]+) .*\*\*\*(Failed|Timeout|Exception).*/\1/p' "$1" 2>/dev/null | sort -u | tr '\n' ' '
}

# run_preset PRESET: all of it; a failure is the exit code.
run_preset()
{
    local preset=$1 log=build/$1/test.log selection
    read -ra selection <<<"$(selection_of "$preset")"

    rm -f "$log"
    say "$preset: configure and build"
    cmake --preset "$preset" && cmake --build --preset "$preset" --parallel "$(nproc)" || return 1

    say "$preset: test"
    all_labels_have_tests "$preset" "${selection[@]}" || return 1
    # Most tests wait more than they compute: for messages, signals, a job's turn. Of some thousand starts of mpirun one fails
    # now and then for reasons of its own: what failed is tried once more, and named in the summary.
    # shellcheck disable=SC2086 # two words or none
    $steady_addresses ctest --preset "$preset" --parallel $((2 * $(nproc))) --repeat until-pass:2 "${selection[@]}" 2>&1 | tee "$log"
    [ "${PIPESTATUS[0]}" -eq 0 ] && no_skip "$log"
}

presets=("$@")
[ $# -gt 0 ] || presets=(release minimal asan tsan)
for preset in "${presets[@]}"; do
    labels_of "$preset" >/dev/null || { echo "no such preset: $preset (release minimal asan tsan debug)" >&2; exit 2; }
done

say "Furrow's tests: ${presets[*]}; into build/, about a quarter of an hour for all on two cores"
install_missing build test

summary=''
failures=0
for preset in "${presets[@]}"; do
    start=$SECONDS
    verdict=passed
    run_preset "$preset" || { verdict=FAILED; failures=$((failures + 1)); }
    summary+=$(printf '%-10s %-8s %5d s  %s' "$preset" "$verdict" $((SECONDS - start)) \
        "$(grep -hE 'tests passed' "build/$preset/test.log" 2>/dev/null)")$'\n'
    again=$(tried_twice "build/$preset/test.log")
    [ -z "$again" ] || summary+="           failed once, or twice: $again"$'\n'
done
say 'Summary'
printf '%s' "$summary"
exit $((failures > 0))
