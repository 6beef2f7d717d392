#!/usr/bin/env bash
# What bad input gets: one line on standard error that names the command, the file and the numbers, nothing on standard output, exit
# code 1 (failed) or 2 (wrong usage), no file left behind; at once, and the same under mpirun.
. "$FURROW_SOURCE_DIR/tests/lib.sh" || exit 1

inputs=$FURROW_TEST_DATA/reduce
stored=$FURROW_TEST_DATA/npy
good=$inputs/f8_1d.npy
mkdir run
cd run || exit 1

# check_refusal TEXT WHAT: one line with the text, after the name of the command; nothing else, here or on standard output.
check_refusal()
{
    expect_lines "$work/stdout" 0
    expect_lines "$work/stderr" 1
    grep -qE '^furrow: (info|reduce|dot|random|bench|doctor): [^:]' "$work/stderr" || fail "$2: $(cat "$work/stderr")"
    expect_text "$work/stderr" "$1"
    expect_same "$work/files" <(find . | sort)
}

# bad CODE TEXT COMMAND...
bad()
{
    local code=$1 text=$2
    shift 2
    find . | sort >"$work/files"
    expect_exit "$code" timeout 60 "$@"
    check_refusal "$text" "$*"
}

# bad_ranks CODE TEXT COMMAND...: the same on three ranks.
bad_ranks()
{
    local code=$1 text=$2
    shift 2
    find . | sort >"$work/files"
    expect_exit "$code" on_ranks 3 timeout 60 "$@"
    check_refusal "$text" "3 ranks: $*"
}

# bad_file FILE TEXT: every command that reads refuses it, with its name.
bad_file()
{
    local shown=$1
    [ "${#shown}" -le 600 ] || shown=${shown:0:500}
    for command in "info" "reduce sum" "reduce mean --axis 0 --source root" "dot $good"; do
        # shellcheck disable=SC2086 # several words
        bad 1 "$2" furrow $command "$1"
        expect_text "$work/stderr" "${shown//$'\n'/?}"
    done
    bad 1 "$2" furrow info "$good" "$1" --json
    bad 1 "$2" furrow reduce count "$good" "$1"
}

# npy NAME HEADER [BYTES]: a file of version 1.0 with that text as its header, and so many zero bytes behind it.
npy()
{
    local length=${#2}
    {
        # shellcheck disable=SC2059 # a byte in octal
        printf "\\223NUMPY\\1\\0\\$(printf %03o $((length % 256)))\\$(printf %03o $((length / 256)))"
        printf '%s' "$2"
        head -c "${3:-0}" /dev/zero
    } >"$1"
}

# ------------------------------------------------------------------------------------------------------------ files
bad_file missing.npy 'cannot open: No such file or directory'
bad_file no/folder.npy 'cannot open: No such file or directory'
mkdir folder
bad_file folder 'cannot read: Is a directory'
mkfifo pipe
bad_file pipe 'not a regular file'
bad_file /dev/null 'not a regular file'
bad_file "$(printf 'x%.0s' {1..300})" 'cannot open: File name too long'
bad_file "$(printf 'folder/%.0s' {1..200})a" 'cannot open: No such file or directory'
bad_file 'a missing file.npy' 'a missing file.npy: cannot open'
bad_file $'two\nlines.npy' 'two?lines.npy: cannot open'
bad_file 'ünïcödé – 数.npy' 'ünïcödé – 数.npy: cannot open'
bad_file ' ' ' : cannot open'
ln -s loop loop
bad_file loop 'Too many levels of symbolic links'

: >empty.npy
bad_file empty.npy 'not an .npy file: it is empty'
printf 'PK\3\4 and more of a zip file' >zip.npy
bad_file zip.npy 'not an .npy file: it does not begin with \x93NUMPY'
printf '\223NUM' >magic.npy
bad_file magic.npy 'it ends after 4 bytes, within the preamble'
head -c 9 "$good" >preamble.npy
bad_file preamble.npy 'it ends after 9 bytes, within the preamble'
head -c 100 "$good" >cut.npy
bad_file cut.npy '28 bytes of the header missing (of 128)'
printf '\223NUMPY\2\0\0\0\0\177{' >long_header.npy
bad_file long_header.npy 'damaged header: 2130706444 bytes long'
printf '\223NUMPY\7\0\20\0................' >version.npy
bad_file version.npy '.npy version 7.0 is not known'
head -c 231 "$good" >data_cut.npy
bad_file data_cut.npy '1 bytes of data missing (header promises 104, file has 103)'
head -c 128 "$good" >no_data.npy
bad_file no_data.npy '104 bytes of data missing (header promises 104, file has 0)'
bad_file "$stored/long.npy" '51539607552 bytes of data missing (header promises 51539607552, file has 0)'

npy overflow.npy "{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296, 3), }"
bad_file overflow.npy '2^63'
npy overflow_bytes.npy "{'descr': '<f8', 'fortran_order': False, 'shape': (2305843009213693952,), }"
bad_file overflow_bytes.npy '2^63'
npy overflow_digits.npy "{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999999999999999,), }"
bad_file overflow_digits.npy 'overflow_digits.npy: '
npy negative.npy "{'descr': '<f8', 'fortran_order': False, 'shape': (-3, 2), }" 48
bad_file negative.npy 'negative.npy: '
npy no_shape.npy "{'descr': '<f8', 'fortran_order': False, }" 8
bad_file no_shape.npy "no_shape.npy: "
npy no_dictionary.npy "['descr', '<f8']" 8
bad_file no_dictionary.npy 'damaged header'
npy garbage.npy "{'descr': '<f8', 'fortran_order': False, 'shape': (2,), } garbage" 16
bad_file garbage.npy 'damaged header'
npy order.npy "{'descr': '<f8', 'fortran_order': 1, 'shape': (2,), }" 16
bad_file order.npy 'damaged header'

bad_file "$stored/object.npy" '(Python objects) is not supported'
bad_file "$stored/unicode.npy" '(strings) is not supported'
bad_file "$stored/string.npy" '(strings) is not supported'
bad_file "$stored/record.npy" 'structured'
bad_file "$stored/void.npy" '(raw bytes) is not supported'
bad_file "$stored/long_double.npy" '(long double) is not supported'
bad_file "$stored/complex_long_double.npy" '(complex long double) is not supported'
bad_file "$stored/dates.npy" '(dates) is not supported'
bad_file "$stored/spans.npy" '(time spans) is not supported'

# ------------------------------------------------------------------------------------------- no permission, no room
# as_nobody COMMAND...: without the rights of root.
as_nobody()
{
    if [ "$(id -u)" -ne 0 ]; then "$@"; else setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; fi
}

chmod 755 "$work"
cp "$good" secret.npy
chmod 000 secret.npy
mkdir locked
chmod 555 locked
if as_nobody "$FURROW" --version >"$work/stdout" 2>&1 && ! as_nobody cat secret.npy 2>/dev/null; then
    find . | sort >"$work/files"
    for command in info 'reduce sum'; do
        # shellcheck disable=SC2086 # several words
        expect_exit 1 as_nobody "$FURROW" $command secret.npy
        check_refusal 'secret.npy: cannot open: Permission denied' "$command of a file without permission"
    done
    expect_exit 1 as_nobody "$FURROW" reduce sum "$good" -o locked/out.npy
    check_refusal 'locked/out.npy: cannot create: Permission denied' 'output into a folder without permission'
    expect_exit 1 as_nobody "$FURROW" random --shape 3 --seed 1 -o locked/out.npy
    check_refusal 'locked/out.npy: cannot create: Permission denied' 'random into a folder without permission'
else
    echo 'no permission: not tried, this account reads everything' >&2
fi

mkdir full
if [ "$(id -u)" -eq 0 ] && mount -t tmpfs -o size=64k,nr_inodes=20 tmpfs full 2>/dev/null; then
    trap 'umount "$work/run/full"; rm -rf "$work"' EXIT
    bad 1 'full/out.npy: cannot reserve space: No space left on device (800128 bytes)' \
        furrow random --shape 100000 --seed 1 -o full/out.npy
    furrow random --shape 20000 --seed 1 -o wide.npy -q
    expect_exit 0 furrow random --shape 1,20000 --seed 1 -o wide.npy -q
    bad 1 'full/out.npy: cannot reserve space: No space left on device (160128 bytes)' \
        furrow reduce sum wide.npy --axis 0 -o full/out.npy
    bad_ranks 1 'full/out.npy: cannot reserve space: No space left on device' \
        furrow random --shape 100000 --seed 1 -o full/out.npy
else
    echo 'a full disk: not tried, mount is not allowed' >&2
fi

# --------------------------------------------------------------------------------------------------- files together
bad 1 "i2_1d.npy: dtype i2 does not join $good of dtype f8" furrow reduce sum "$good" "$inputs/i2_1d.npy"
bad 1 "f8_400.npy: 2 dimensions do not join $good of 1" furrow reduce sum "$good" "$inputs/f8_400.npy"
bad 1 'f8_one_row.npy: axis 1 of length 5 does not join' furrow reduce sum "$inputs/f8_400.npy" "$inputs/f8_one_row.npy"
bad 1 'f8_3d_f.npy: Fortran order does not join' furrow reduce sum "$inputs/f8_3d.npy" "$inputs/f8_3d_f.npy"
bad 1 'f8_0d.npy: a 0-d array has no axis to join along' furrow reduce sum "$good" "$inputs/f8_0d.npy"
bad 1 'f8_0d.npy: a 0-d array has no axis to join along' furrow reduce sum "$inputs/f8_0d.npy" "$good"
bad 1 'i2_1d.npy: dot of dtypes f8 and i2' furrow dot "$good" "$inputs/i2_1d.npy"
bad 1 'f8_400.npy: dot of arrays of different shape (13 and 400 elements)' furrow dot "$good" "$inputs/f8_400.npy"
bad 1 'different' furrow dot "$inputs/f8_3d.npy" "$inputs/f8_3d_f.npy"
bad 1 'c16_1d.npy: dot is not defined for complex dtype c16' furrow dot "$inputs/c16_1d.npy" "$inputs/c16_1d.npy"

# ------------------------------------------------------------------------------------------- operations and options
bad 2 "unknown operation 'smu'; the nearest is 'sum'" furrow reduce smu "$good"
bad 2 "unknown operation 'norm3'; the nearest is 'norm" furrow reduce norm3 "$good"
bad 2 "unknown operation 'agmax'; the nearest is 'argmax'" furrow reduce sum,agmax "$good"
bad 2 "unknown operation 'SUM'" furrow reduce SUM "$good"
bad 2 "unknown operation ''" furrow reduce sum, "$good"
bad 2 'unknown operation' furrow reduce "$(printf 'x%.0s' {1..5000})" "$good"
bad 2 "unknown operation 'su?m'" furrow reduce $'su\nm' "$good"
bad 2 'no operation given' furrow reduce
bad 2 'no file given' furrow reduce sum
bad 2 'no file given' furrow info
bad 2 'two files are needed, not 0' furrow dot
bad 2 'two files are needed, not 1' furrow dot "$good"
bad 2 'two files are needed, not 3' furrow dot "$good" "$good" "$good"
bad 2 '--wrong: no such option' furrow reduce sum "$good" --wrong
bad 2 '--wrong=3: no such option' furrow reduce sum "$good" --wrong=3
bad 2 '-z: no such option' furrow reduce sum "$good" -z
bad 2 '-z: no such option' furrow reduce sum "$good" -qz
bad 2 '-z: no such option' furrow reduce sum "$good" -zq
bad 2 '--s: no such option' furrow reduce sum "$good" --s 3
bad 2 '--json takes no argument' furrow reduce sum "$good" --json=3
bad 2 '--threads: an argument is missing' furrow reduce sum "$good" --threads
bad 2 '--threads: an argument is missing' furrow reduce sum "$good" -t
bad 2 'no such option' furrow info "$good" --axis 0
for number in 0 -1 x '' 1.5 2x 99999999999999999999; do
    bad 2 "--threads: '$number' is not an integer of at least 1" furrow reduce sum "$good" --threads "$number"
done
for number in 4097 4294967295 99999999999; do
    bad 2 "--threads: $number are more than 4096" furrow reduce sum "$good" -t "$number"
done
for size in 0 -1 x '' 1KB 1.5G 99999999999T; do
    bad 2 "--memory: '$size' is not a size" furrow reduce sum "$good" --memory "$size"
done
bad 2 "--source: 'rank' is neither shared nor root" furrow reduce sum "$good" --source rank
bad 2 "--axis: '1' is not 0" furrow reduce sum "$good" --axis 1
bad 2 '--axis and --sections cannot be combined' furrow reduce sum "$good" --axis 0 --sections 2
bad 2 'f8_0d.npy: a 0-d array has no axis 0' furrow reduce sum "$inputs/f8_0d.npy" --axis 0
bad 2 'f8_0d.npy: a 0-d array has no sections' furrow reduce sum "$inputs/f8_0d.npy" --sections 2
bad 2 'f8_0d.npy: a 0-d array has no sections' furrow info "$inputs/f8_0d.npy" --sections 2
bad 2 "--sections: '0' is not an integer of at least 1" furrow info "$good" --sections 0
bad 2 "--sections: '-2' is not an integer of at least 1" furrow reduce sum "$good" --sections -2
bad 2 '9223372036854775807 sections are too many' furrow reduce sum "$good" --sections 9223372036854775807
bad 1 'bytes of memory are too few for 1000000001 results' furrow reduce sum "$good" --sections 1000000000
bad 2 '--ddof: -1 is negative' furrow reduce var "$good" --ddof -1
bad 2 "--ddof: 'x' is not an integer" furrow reduce var "$good" --ddof x
bad 2 'hist needs --range LO:HI' furrow reduce hist "$good"
bad 2 'hist and axis 0 cannot be combined' furrow reduce hist "$good" --range 0:1 --axis 0
for range in '' 5 5: :5 a:b 1:2:3 1,2; do
    bad 2 "--range: '$range' is not LO:HI" furrow reduce hist "$good" --range "$range"
done
for range in 5:1 1:1 nan:1 0:inf -1e308:1e308; do
    bad 2 'hist needs a finite range with LO < HI' furrow reduce hist "$good" --range "$range"
done
for bins in 0 -1 x; do
    bad 2 "--bins: '$bins' is not an integer of at least 1" furrow reduce hist "$good" --range 0:1 --bins "$bins"
done
bad 2 '9223372036854775807 bins are too many' furrow reduce hist "$good" --range 0:1 --bins 9223372036854775807
bad 1 'bytes of memory are too few' furrow reduce hist "$good" --range 0:1 --bins 1000000000

# No value, no sense.
for op in min max argmin argmax; do
    bad 1 "f8_nothing.npy: $op of no elements" furrow reduce "sum,$op" "$inputs/f8_nothing.npy"
    bad 1 "i2_no_rows.npy: $op of no elements" furrow reduce "$op" "$inputs/i2_no_rows.npy" --axis 0
    bad 1 "f8_only_nan.npy: $op of no elements (all are NaN)" furrow reduce "$op" "$inputs/f8_only_nan.npy" --skip-nan --json
    bad 1 "c16_1d.npy: $op is not defined for complex dtype c16" furrow reduce "$op" "$inputs/c16_1d.npy"
done
bad 1 'out.npy, column 0: min of no elements (all are NaN)' furrow reduce min "$inputs/f8_nan_columns_f.npy" \
    --axis 0 --skip-nan -o out.npy
bad 1 'out.npy, section 13: argmax of no elements' furrow reduce argmax "$good" --sections 20 -o out.npy
bad 1 'c16_1d.npy: NaN cannot be skipped in complex dtype c16' furrow reduce sum "$inputs/c16_1d.npy" --skip-nan

# The least memory that the message names is enough; one byte less is not.
for command in "reduce sum $good" "reduce mean,hist --range 0:1 --bins 1000 $good" "reduce var --axis 0 $inputs/f8_400.npy" \
    "reduce sum --sections 50 $good" "dot $good $good" "random --shape 100 --seed 1 -o random.npy"; do
    for how in '-t 1' '-t 3' '-t 2 --source root'; do
        read -ra words <<<"$command $how"
        for size in 1 1K; do
            bad 1 'are needed' furrow "${words[@]}" -m "$size"
        done
        least=$(sed -E 's/.* at least ([0-9]+) .*/\1/' "$work/stderr")
        megabytes=$(sed -E 's/.*\(([0-9]+)M\).*/\1/' "$work/stderr")
        bad 1 "at least $least" furrow "${words[@]}" -m $((least - 1))
        for size in "$least" "${megabytes}M"; do
            expect_exit 0 timeout 60 furrow "${words[@]}" -m "$size" -q
            rm -f random.npy
        done
    done
done

# ----------------------------------------------------------------------------------------------------------- output
bad 1 'none/out.npy: cannot create: No such file or directory' furrow reduce sum "$good" -o none/out.npy
bad 1 'folder: cannot create: Is a directory' furrow reduce sum "$good" -o folder
bad 1 '/dev/null: cannot create: not a regular file' furrow reduce sum "$good" -o /dev/null
bad 2 'the name of a file is needed' furrow reduce sum "$good" -o ''
bad 2 'cannot be written to standard output' furrow reduce sum "$good" -o -
bad 2 '--output takes one operation, not 2' furrow reduce sum,mean "$good" -o out.npy
cp "$good" in.npy
ln -s in.npy link.npy
for name in in.npy ./in.npy link.npy ../run/in.npy; do
    bad 2 "$name: is both input and output" furrow reduce sum in.npy -o "$name"
    expect_same "$good" in.npy
done
bad 1 'does not fit an integer of 64 bits' furrow reduce sumsq "$inputs/u8_1d.npy" -o out.npy

# Where nothing can be printed.
for command in 'info' 'reduce sum' 'reduce sum --json' "dot $good" '--version' '--help' 'reduce --help'; do
    for stream in '/dev/full' '&-'; do
        expect_exit 1 bash -c "furrow $command \"\$1\" >$stream" - "$good"
        expect_lines "$work/stderr" 1
        expect_text "$work/stderr" 'standard output: cannot write'
    done
done
expect_exit 1 bash -c 'furrow info missing.npy 2>&-'
expect_exit 0 bash -c 'furrow random --shape 9 --seed 1 -o closed.npy -q <&- >&- 2>&-'
expect_exit 0 furrow random --shape 9 --seed 1 -o open.npy -q
expect_same open.npy closed.npy
rm open.npy closed.npy

# --------------------------------------------------------------------------------------------------- standard input
bad_stream()
{
    local input=$1
    shift
    bad "$@" <"$input"
}

for command in 'info -' 'reduce sum -' "dot $good -"; do
    # shellcheck disable=SC2086 # several words
    {
        bad_stream empty.npy 1 'standard input: not an .npy file: it is empty' furrow $command
        bad_stream zip.npy 1 'standard input: not an .npy file' furrow $command
        bad_stream preamble.npy 1 'standard input: ' furrow $command
        bad_stream cut.npy 1 'standard input: header of 128 bytes is cut short' furrow $command
        bad_stream "$stored/object.npy" 1 'standard input: ' furrow $command
        bad_stream folder 1 'standard input: cannot read: Is a directory' furrow $command
    }
done
bad_stream data_cut.npy 1 'standard input: 1 bytes of data missing (the header promises 104, 103 came)' furrow reduce sum -
bad_stream no_data.npy 1 'standard input: 104 bytes of data missing (the header promises 104, 0 came)' furrow dot - "$good"
bad_stream "$inputs/f8_3d_f.npy" 1 'standard input: rows of a Fortran-order array' furrow reduce sum - --axis 0
bad_stream "$good" 2 'standard input (-) cannot be joined with other files' furrow reduce sum - -
bad_stream "$good" 2 'standard input (-) cannot be joined with other files' furrow reduce sum "$good" -
bad_stream "$good" 2 'standard input (-) cannot be both files' furrow dot - -
bad_stream "$good" 2 'standard input (-) is given twice' furrow info - -
bad_stream "$inputs/f8_nothing.npy" 1 'standard input: min of no elements' furrow reduce min -
expect_exit 1 bash -c 'furrow reduce sum - <&-'
expect_text "$work/stderr" 'standard input: cannot read: Bad file descriptor'

# ----------------------------------------------------------------------------------------------- the command itself
for words in '' 'reduc' '--json' 'sum a.npy'; do
    # shellcheck disable=SC2086 # several words or none
    expect_exit 2 furrow $words
    expect_lines "$work/stdout" 0
    expect_lines "$work/stderr" 1
    expect_text "$work/stderr" 'furrow --help'
done

# ------------------------------------------------------------------------------------------------------- three ranks
bad_ranks 1 'missing.npy: cannot open: No such file or directory' furrow reduce sum missing.npy
bad_ranks 1 'missing.npy: cannot open: No such file or directory' furrow info "$good" missing.npy
bad_ranks 1 '1 bytes of data missing' furrow reduce sum data_cut.npy --source root
bad_ranks 1 'dtype i2 does not join' furrow reduce sum "$good" "$inputs/i2_1d.npy"
bad_ranks 2 "unknown operation 'smu'; the nearest is 'sum'" furrow reduce smu "$good"
bad_ranks 2 "--threads: '-1' is not an integer of at least 1" furrow reduce sum "$good" -t -1
bad_ranks 2 '--threads: 4294967295 are more than 4096' furrow reduce sum "$good" -t 4294967295
bad_ranks 1 'bytes of memory are too few' furrow reduce sum "$good" -m 1K
bad_ranks 1 'f8_nothing.npy: min of no elements' furrow reduce sum,min "$inputs/f8_nothing.npy"
bad_ranks 1 'c16_1d.npy: min is not defined' furrow reduce min "$inputs/c16_1d.npy"
bad_ranks 1 'different shape' furrow dot "$good" "$inputs/f8_400.npy"
bad_ranks 2 'is both input and output' furrow reduce sum in.npy -o link.npy
bad_ranks 1 'none/out.npy: cannot create' furrow reduce sum "$good" -o none/out.npy
bad_ranks 1 'folder: cannot create: Is a directory' furrow random --shape 5 --seed 1 -o folder
bad_ranks 2 '--seed is missing' furrow random --shape 5 -o out.npy
bad_stream_ranks()
{
    local input=$1
    shift
    bad_ranks "$@" <"$input"
}
bad_stream_ranks data_cut.npy 1 'standard input: 1 bytes of data missing' furrow reduce sum -
bad_stream_ranks empty.npy 1 'standard input: not an .npy file: it is empty' furrow info -
# shellcheck disable=SC2016 # the inner shell expands it
expect_exit 1 on_ranks 3 bash -c 'furrow reduce sum "$1" >/dev/full' - "$good"
expect_lines "$work/stderr" 1
