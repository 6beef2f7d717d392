#!/usr/bin/env bash
# The comparisons of tests/peers run, and their outputs agree. Speed is not judged.
. "$FURROW_SOURCE_DIR/tests/lib.sh" || exit 1

python=/usr/bin/python3 # Debian's, whose packages they need
"$python" -c 'import numpy' 2>/dev/null || skip 'Debian'\''s python3-numpy is not installed'

mkdir 'a place'
"$python" "$FURROW_SOURCE_DIR/tests/peers/arrays.py" --furrow "$FURROW" --dir 'a place' --gib 0.02 --rounds 1 >stdout ||
    fail "arrays.py failed"
expect_lines stdout 6
for name in 'sumsq.*np.sum' 'sumsq.*Pool.map' norm2 softmax; do
    grep -E "^$name.* x\$" stdout >/dev/null || fail "no line for $name in $(cat stdout)"
done
expect_equal '' "$(ls -A 'a place')" 'what is left in --dir'

# Without Debian's python3-opencv and python3-torch its peers are skipped, with a reason each.
"$python" "$FURROW_SOURCE_DIR/tests/peers/images.py" --build "$FURROW_BINARY_DIR" --dir 'a place' --images 5 --size 60 90 --rounds 1 >stdout ||
    fail "images.py failed: $(cat stdout)"
expect_text stdout '5 JPEGs of 60x90'
grep -E '^Furrow +[0-9.]+ +[0-9.]+ *$' stdout >/dev/null || fail "no line for Furrow in $(cat stdout)"
for name in 'cv2 loop' 'shared array' DataLoader; do
    grep -E "^$name( +[0-9.]+ +[0-9.]+ +[0-9.]+ x|: skipped, for )" stdout >/dev/null || fail "no line for $name in $(cat stdout)"
done
expect_equal '' "$(ls -A 'a place')" 'what is left in --dir'
