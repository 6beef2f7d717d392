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
