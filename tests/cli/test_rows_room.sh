#!/usr/bin/env bash
# furrow rows, split and join where there is no room, no permission, or another file system: a clear error before work starts where it
# can be known, an older output as it was, and what was done is gone on with.
. "$FURROW_SOURCE_DIR/tests/lib.sh"

# as_nobody COMMAND...: without the rights of root.
as_nobody()
{
    if [ "$(id -u)" -ne 0 ]; then "$@"; else setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; fi
}

# refused TEXT COMMAND...: exit code 1, one line on standard error.
refused()
{
    local text=$1
    shift
    expect_exit 1 "$@"
    expect_lines stderr 1
    expect_text stderr "$text"
    [ ! -s stdout ] || fail "output of $*"
}

expect_exit 0 furrow random --shape 900 --seed 1 -q -o in.npy
expect_exit 0 furrow random --shape 9000 --seed 1 -q -o large.npy

# --------------------------------------------------------------------------------------------------------------- no permission
chmod 755 .
mkdir locked
printf older >locked/out.npy
chmod 555 locked
if as_nobody "$FURROW" --version >stdout 2>&1 && ! as_nobody touch locked/x 2>/dev/null; then
    for resume in '' --resume; do
        refused 'furrow: rows: locked/' as_nobody "$FURROW" rows sum in.npy -o locked/out.npy $resume
        expect_text stderr 'Permission denied'
    done
    refused 'furrow: split: locked/p0.npy: cannot create: Permission denied' as_nobody "$FURROW" split in.npy -n 2 -o locked/p%d.npy
    refused 'furrow: join: locked/out.npy: cannot create: Permission denied' as_nobody "$FURROW" join in.npy -o locked/out.npy
    expect_equal 'older' "$(cat locked/out.npy)" 'an output that could not be replaced'
    expect_equal out.npy "$(ls -A locked)" 'what is left'
else
    echo 'no permission: not tried, this account writes everywhere' >&2
fi

# ---------------------------------------------------------------------------------------------------------------------- no room
mkdir small
mount -t tmpfs -o size=28k tmpfs small 2>/dev/null || skip 'mount is not allowed'
trap 'umount "$work/small"; rm -rf "$work"' EXIT

printf older >small/out.npy
for command in 'rows sort' join; do
    refused 'small/out.npy: cannot reserve space: No space left on device (72128 bytes)' furrow $command large.npy -o small/out.npy
done
refused 'small/p1.npy: cannot reserve space: No space left on device' furrow split large.npy -n 5 -o small/p%d.npy
expect_equal older "$(cat small/out.npy)" 'an output that could not be replaced'
expect_equal '' "$(find small -name '.*furrow*')" 'what is left'
rm -f small/p*.npy

# There is room for the output, and for the first records only of what is done.
cat >slow.c <<'END'
#include <furrow_kernel.h>
#include <unistd.h>

FURROW_KERNEL_LIBRARY;

FURROW_KERNEL_EXPORT int slow(const furrow_kernel_row_t *row, void *out, char *error)
{
    usleep(2500);
    *(double *)out = *(const double *)row->data + error[0];
    return 0;
}
END
"$CC" -std=gnu11 -Wall -Wextra -Werror -fPIC -shared -I"$FURROW_SOURCE_DIR/src" slow.c -o slow.so || fail 'slow.c does not compile'
mount -o remount,size=16k small
job=(rows --kernel slow.so:slow in.npy -o small/out.npy -t 2)
refused 'small/.out.npy.furrow-ledger: cannot write: No space left on device' furrow "${job[@]}"
expect_equal older "$(cat small/out.npy)" 'the output before'
mount -o remount,size=1m small
expect_exit 0 on_ranks 2 furrow "${job[@]}" --resume --json
[ "$(json_value resumed)" -ge 50 ] || fail "only $(json_value resumed) rows were resumed"
expect_same in.npy small/out.npy
expect_equal '' "$(find small -name '.*furrow*')" 'what is left'

# ------------------------------------------------------------------------------------ a link to another file system is replaced
ln -s small/out.npy link.npy
expect_exit 0 furrow rows sum in.npy -o link.npy -q
expect_same in.npy link.npy
[ ! -L link.npy ] || fail 'it was written through a link'
