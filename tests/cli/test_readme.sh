#!/usr/bin/env bash
# Every command in a ```console block of the README gives exactly the output that stands there.
. "$FURROW_SOURCE_DIR/tests/lib.sh"

# The kernel of the README, and its header where a compiler looks.
awk '/^```c spread.c$/ {inside = 1; next} /^```$/ {inside = 0} inside' "$FURROW_SOURCE_DIR/README.md" >spread.c
export CPATH=$FURROW_SOURCE_DIR/src

# The pictures of the README.
cp -r "$FURROW_SOURCE_DIR/data" pictures

awk '/^```console$/ {inside = 1; next} /^```$/ {inside = 0} inside' "$FURROW_SOURCE_DIR/README.md" >expected
commands=0
while IFS= read -r line; do
    printf '%s\n' "$line" >>seen
    eval "${line#\$ }" >>seen 2>&1
    commands=$((commands + 1))
done < <(grep '^\$ ' expected)

[ "$commands" -gt 0 ] || fail "the README shows no command"
expect_same expected seen

# The program compiles as it stands, and where nothing needs a sanitizer's runtime it gives what the command gives.
awk '/^```c$/ {inside = 1; next} /^```$/ {inside = 0} inside' "$FURROW_SOURCE_DIR/README.md" >sum.c
build=(-fsyntax-only)
[ -n "$FURROW_SANITIZE" ] || build=(-o sum -L"$FURROW_BINARY_DIR/src" -Wl,-rpath,"$FURROW_BINARY_DIR/src" -lfurrow)
expect_exit 0 "$CC" -std=c11 -Wall -Wextra -Werror -I"$FURROW_SOURCE_DIR/src" sum.c "${build[@]}"
if [ -z "$FURROW_SANITIZE" ]; then
    expect_exit 0 ./sum
    awk -v command="$(furrow reduce sumsq -q data.npy)" -v program="$(cat stdout)" 'BEGIN {exit command + 0 != program + 0}' ||
        fail "the program of the README gives another sum of squares: $(cat stdout)"
fi
