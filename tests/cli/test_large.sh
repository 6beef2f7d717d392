#!/usr/bin/env bash
# More than 2^31 elements: a file of 3 GiB, nearly all of it a hole, with a few bytes written where 32-bit numbers end. Two ranks.
. "$FURROW_SOURCE_DIR/tests/lib.sh"

count=$((3 * 1024 * 1024 * 1024))
printf '\223NUMPY\1\0\166\0%-117s\n' "{'descr': '|u1', 'fortran_order': False, 'shape': ($count,), }" >large.npy
truncate -s $((128 + count)) large.npy || skip 'this file system has no sparse files of 3 GiB'

# put INDEX VALUE: one element.
put()
{
    # shellcheck disable=SC2059 # the format is the byte
    printf "\\$(printf '%03o' "$2")" | dd of=large.npy bs=1 seek=$((128 + $1)) conv=notrunc status=none
}

put 5 7
put $((2147483648 - 1)) 100
put 2147483648 200
put 2147483653 250 # the first of the two largest
put $((count - 2)) 250
put $((count - 1)) 3

expected='"count":3221225472,"sum":810,"sumsq":175058,"nonzero":6,"argmax":2147483653,"max":250,"argmin":0'
for arguments in '' '--source root'; do
    # shellcheck disable=SC2086 # none or two words
    expect_exit 0 on_ranks 2 timeout 300 furrow reduce count,sum,sumsq,nonzero,argmax,max,argmin large.npy $arguments --json
    seen=$(sed -nE 's/.*"results":\{(.*)\},"elapsed_s".*/\1/p' stdout)
    expect_equal "$expected" "$seen" "results of 3 GiB $arguments"
    [ -z "$FURROW_SANITIZE" ] || break
done

# The last rows, through numbers of rows and of sections beyond 2^31.
expect_exit 0 on_ranks 2 furrow info large.npy --json --sections 2
expect_text stdout '1610612736,3221225472'
