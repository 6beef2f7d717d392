#!/usr/bin/env bash
# furrow rows --kernel: the example of apps/examples against awk, what a kernel sees and may ask for, the same bytes on any ranks and
# after kills, progress, and libraries that are not what they should be.
. "$FURROW_SOURCE_DIR/tests/lib.sh"

cp "$FURROW_BINARY_DIR/apps/examples/robust.so" .

# compile NAME <SOURCE: a library of kernels in the current folder.
compile()
{
    {
        printf '#include <furrow_kernel.h>\n#include <signal.h>\n#include <stdio.h>\n#include <stdlib.h>\n#include <unistd.h>\n'
        cat
    } >"$1.c"
    "$CC" -std=gnu11 -Wall -Wextra -Werror -fPIC -shared -I"$FURROW_SOURCE_DIR/src" "$1.c" -o "$1.so" || fail "$1.c does not compile"
}

# npy FILE DESCR SHAPE <DATA: an .npy file.
npy()
{
    {
        printf '\223NUMPY\1\0\166\0%-117s\n' "{'descr': '$2', 'fortran_order': False, 'shape': $3, }"
        cat
    } >"$1"
}

# numbers FILE FORMAT BYTES_PER_ROW: the data of an .npy file as text, a row on a line.
numbers()
{
    tail -c +129 "$1" | od -A n -v -t "$2" -w"$3"
}

# ------------------------------------------------------------------------------------------------ the example, against awk
expect_exit 0 furrow random --shape 700,23 --dist normal --seed 4 -q -o f8.npy
expect_exit 0 furrow random --shape 700,23 --dist normal --dtype f4 --seed 4 -q -o f4.npy
for dtype in f8 f4; do
    for trim in 0 0.1 0.49 ''; do
        expect_exit 0 furrow rows --kernel robust.so:trimmed_mean $dtype.npy -o out.npy -q ${trim:+--param trim=$trim}
        numbers $dtype.npy $dtype $((23 * ${dtype#f})) | awk -v trim="${trim:-0.1}" '{
            for (i = 1; i <= NF; i++) x[i] = $i + 0
            for (i = 2; i <= NF; i++) for (j = i; j > 1 && x[j] < x[j - 1]; j--) {t = x[j]; x[j] = x[j - 1]; x[j - 1] = t}
            cut = int(NF * trim); sum = 0
            for (i = 1 + cut; i <= NF - cut; i++) sum += x[i]
            print sum / (NF - 2 * cut), NF - 2 * cut}' OFMT=%.17g >expected
        numbers out.npy f8 16 | paste expected - | awk -v eps="${dtype/f8/1e-14}" '
            {if (eps == "f4") eps = 1e-6; d = $1 - $3; if (d * d > eps * eps || $2 != $4) {print; bad = 1}} END {exit bad || NR != 700}' >&2 ||
            fail "trimmed_mean of $dtype, trim $trim"
    done
done
{
    for _ in 1 2 3 4; do printf '\0\0\0\0\0\0\370\177'; done
    printf '\0\0\0\0\0\0\370\177\0\0\0\0\0\0\0\100' # nan, 2
} | npy nan.npy '<f8' '(3, 2)'
expect_exit 3 furrow rows --kernel ./robust.so:trimmed_mean nan.npy -o out.npy
expect_equal 'out.npy: f8 (3, 2), trimmed_mean of 3 rows, 2 rejected: out.npy.rejects.csv' "$(cat stdout)"
expect_equal '0 0 0 0 2 1' "$(numbers out.npy f8 48 | xargs)" 'results with rejects'
expect_equal 'index,error 0,none of 2 elements is a number 1,none of 2 elements is a number' "$(xargs <out.npy.rejects.csv)" rejects

# ------------------------------------------------------------------------------------ the same bytes however they are computed
expect_exit 0 furrow random --shape 5000,40 --seed 5 -q -o a.npy
expect_exit 0 furrow split a.npy -n 3 -q -o 'a%d.npy'
job=(rows --kernel robust.so:trimmed_mean --param trim=0.25 -q)
expect_exit 0 furrow "${job[@]}" a.npy -o expected.npy
for how in 1x5 2x1 3x5; do
    expect_exit 0 on_ranks ${how%x*} furrow "${job[@]}" a[012].npy -o out.npy -t ${how#*x}
    expect_same expected.npy out.npy
done
expect_exit 0 on_ranks 2 furrow "${job[@]}" a.npy -o out.npy --source root
expect_same expected.npy out.npy
mkdir elsewhere # a library with a slash may be anywhere, also under a name with a colon
cp robust.so elsewhere/a:b.so
expect_exit 0 furrow rows --kernel elsewhere/a:b.so:trimmed_mean --param trim=0.25 -q a.npy -o out.npy
expect_same expected.npy out.npy

# ------------------------------------------------------------------------------------------------------- what a kernel sees
compile view <<'END'
FURROW_KERNEL_LIBRARY;

static int note(const char *what)
{
    FILE *file = fopen("calls", "a");
    return file == NULL || fprintf(file, "%s\n", what) < 0 || fclose(file) != 0;
}

FURROW_KERNEL_EXPORT int view_setup(const furrow_kernel_rows_t *rows, furrow_kernel_result_t *result, char *error)
{
    const char *scratch = furrow_kernel_param(rows, "scratch");
    result->dtype = FURROW_KERNEL_I8;
    result->ndim = 2;
    result->shape[0] = 5;
    result->shape[1] = 2;
    result->scratch_bytes = scratch == NULL ? 100 : atoll(scratch);
    result->state = (void *)rows;
    return error[0] != 0 || note("setup");
}

/* dtype, ndim, items, count, index, first and last length, first byte, scratch is ours; the last place stays 0 */
FURROW_KERNEL_EXPORT int view(const furrow_kernel_row_t *row, void *out, char *error)
{
    const furrow_kernel_rows_t *r = row->rows;
    int64_t *to = out, seen[] = {r->dtype, r->ndim, r->items, r->count, row->index, r->ndim ? r->shape[0] : -1,
        r->ndim ? r->shape[r->ndim - 1] : -1, r->items ? *(const unsigned char *)row->data : -1,
        row->state == r && (uintptr_t)row->scratch % 64 == 0 && (uintptr_t)row->data % 8 == 0};
    for (int i = 0; i < 100; i++) ((char *)row->scratch)[i] = 7;
    if (to[9] != 0 || error[0] != 0) return 1;
    memcpy(to, seen, sizeof seen);
    return 0;
}

FURROW_KERNEL_EXPORT void view_teardown(void *state)
{
    if (state == NULL || note("teardown")) abort();
}

FURROW_KERNEL_EXPORT int plain(const furrow_kernel_row_t *row, void *out, char *error)
{
    const char *n = furrow_kernel_param(row->rows, "n"), *m = furrow_kernel_param(row->rows, "m");
    if (n == NULL || m != NULL) return 42;
    if (row->index == 1) return snprintf(error, FURROW_KERNEL_TEXT, "two\nlines, \"%s\"", n);
    if (row->index == 3) return memset(error, 'x', FURROW_KERNEL_TEXT) != NULL;
    *(double *)out = 1;
    return row->index == 2 ? -1 : 0;
}
END
printf '\3\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\5\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0' | npy c.npy '<c16' '(2,)'
for _ in 1 2 3 4 5 6; do printf '\1\0\0\0\0\0\0\0'; done | npy i.npy '<i8' '(2, 3, 1)'
printf '' | npy empty.npy '<f4' '(2, 0)'
for seen in 'c.npy 13 0 1 2 0 -1 -1 3 1 0 13 0 1 2 1 -1 -1 5 1 0' 'i.npy 4 2 3 2 0 3 1 1 1 0 4 2 3 2 1 3 1 1 1 0' \
    'empty.npy 10 1 0 2 0 0 0 -1 1 0 10 1 0 2 1 0 0 -1 1 0'; do
    rm -f calls
    expect_exit 0 furrow rows --kernel view.so:view "${seen%% *}" -o out.npy
    expect_equal 'out.npy: i8 (2, 5, 2), view of 2 rows' "$(cat stdout)"
    expect_equal "${seen#* }" "$(numbers out.npy d8 160 | xargs)" "what a kernel sees of ${seen%% *}"
    expect_equal 'setup teardown' "$(xargs <calls)" 'calls of setup and teardown'
done
rm -f calls
expect_exit 0 on_ranks 3 furrow rows --kernel view.so:view i.npy -o out.npy -t 4
expect_equal '3 setup 3 teardown' "$(sort calls | uniq -c | xargs)" 'calls of setup and teardown on 3 ranks'

# texts of rejects, in order, and what fails without one; the last of two values counts
printf 12345678123456781234567812345678 | npy four.npy '<f8' '(4,)'
expect_exit 3 furrow rows --kernel view.so:plain four.npy -o out.npy --param n=1 --param 'n=2=3' --json
{
    printf 'index,error\n1,"two?lines, ""2=3"""\n2,the kernel returned -1\n3,'
    printf '%199s\n' '' | tr ' ' x
} >expected.csv
expect_same expected.csv out.npy.rejects.csv
expect_text stdout '"kernel":"view.so:plain"'
expect_text stdout '{"index":1,"error":"two?lines, \"2=3\""}'
expect_equal '1 0 0 0' "$(numbers out.npy f8 32 | xargs)" 'rejected rows are zero'

if command -v c++ >/dev/null; then
    sed 's/^#include <math.h>/#include <cmath>\nusing std::isnan;/' "$FURROW_SOURCE_DIR/apps/examples/robust.c" >robust.cc
    c++ -std=c++17 -Wall -Wextra -Werror -O1 -fPIC -shared -I"$FURROW_SOURCE_DIR/src" robust.cc -o cxx.so || fail 'robust.c is not C++'
    expect_exit 0 furrow rows --kernel cxx.so:trimmed_mean --param trim=0.25 -q a.npy -o out.npy
    expect_same expected.npy out.npy
fi

# ------------------------------------------------------------------------------------ killed, and gone on with on other ranks
# Row 3000 waits until what is done is on record, and kills its process, where the environment asks for that.
compile killer <<'END'
FURROW_KERNEL_LIBRARY;

FURROW_KERNEL_EXPORT int square(const furrow_kernel_row_t *row, void *out, char *error)
{
    const double *x = row->data;
    if (getenv("KILL") != NULL && row->index == 3000) {
        sleep(1);
        kill(getpid(), SIGKILL);
    }
    if (row->index % 1000 == 7) return snprintf(error, FURROW_KERNEL_TEXT, "row %lld", (long long)row->index);
    *(double *)out = x[0] * x[0] + (double)row->index;
    return 0;
}
FURROW_KERNEL_EXPORT int other(const furrow_kernel_row_t *row, void *out, char *error)
{
    return square(row, out, error);
}
END
job=(rows --kernel killer.so:square --param a=1 a.npy)
expect_exit 3 furrow "${job[@]}" -o expected.npy -q
expect_lines expected.npy.rejects.csv 6
for ranks in 0 2 3; do
    rm -f out.npy*
    launch=()
    [ $ranks -eq 0 ] || launch=(on_ranks $ranks)
    KILL=1 "${launch[@]}" furrow "${job[@]}" -o out.npy -q -t 2 >stdout 2>stderr && fail 'a run was not killed'
    for _ in $(seq 100); do flock -n .out.npy.furrow-ledger true && break || sleep 0.05; done
    [ ! -e out.npy ] || fail 'a run that was killed left an output'
    expect_exit 3 on_ranks $((4 - ranks - (ranks == 0))) furrow "${job[@]}" -o out.npy -t 3 --resume --json
    [ "$(json_value resumed)" -gt 1000 ] || fail "only $(json_value resumed) rows were resumed"
    expect_same expected.npy out.npy
    expect_same expected.npy.rejects.csv out.npy.rejects.csv
    expect_equal '' "$(find . -name '.*furrow*')" 'what is left'
done

# Rows that were quick, and so came in large chunks, turn slow: what of them was done a second before a kill is not lost.
compile slower <<'END'
FURROW_KERNEL_LIBRARY;

FURROW_KERNEL_EXPORT int copy(const furrow_kernel_row_t *row, void *out, char *error)
{
    const char *slow = getenv("SLOW");
    const int64_t number = row->index - 300000, last = slow == NULL ? -1 : atoll(slow);
    if (number >= 0 && number <= last) usleep(2000);
    if (number == last && getenv("KILL") != NULL) kill(getpid(), SIGKILL);
    *(double *)out = *(const double *)row->data + error[0];
    return 0;
}
END
expect_exit 0 furrow random --shape 600000 --seed 8 -q -o long.npy
SLOW=1000 KILL=1 furrow rows --kernel slower.so:copy long.npy -o out.npy -q -t 1 >stdout 2>stderr && fail 'a run was not killed'
expect_exit 0 on_ranks 2 furrow rows --kernel slower.so:copy long.npy -o out.npy --resume --json
[ "$(json_value resumed)" -ge 300200 ] || fail "only $(json_value resumed) rows were resumed"
expect_same long.npy out.npy
for how in '--isolate -t 2' '--source root -t 1'; do # chunks in other processes, and on other ranks, are left, too
    read -ra words <<<"$how"
    SLOW=100 expect_exit 0 on_ranks 2 furrow rows --kernel slower.so:copy long.npy -o out.npy -q "${words[@]}"
    expect_same long.npy out.npy
done
rm -f long.npy out.npy*

# The ledger knows library, function and parameters.
rm out.npy
KILL=1 furrow "${job[@]}" -o out.npy -q >stdout 2>stderr && fail 'a run was not killed'
other()
{
    expect_exit 1 furrow rows "$@" a.npy -o out.npy --resume
    expect_lines stderr 1
    expect_text stderr 'belongs to another job:'
}
other --kernel killer.so:other --param a=1
expect_text stderr "'function: square' there, 'function: other' now"
other --kernel killer.so:square --param a=2
expect_text stderr "'parameter: a=1' there, 'parameter: a=2' now"
other --kernel killer.so:square
other sum
expect_text stderr "now"
touch killer.so
other --kernel killer.so:square --param a=1
expect_text stderr 'kernel: ./killer.so, '
rm .out.npy.*

# ---------------------------------------------------------------------- rows that only rank 0 sees are computed on all ranks
compile where <<'END'
FURROW_KERNEL_LIBRARY;

FURROW_KERNEL_EXPORT int rank(const furrow_kernel_row_t *row, void *out, char *error)
{
    const char *number = getenv("OMPI_COMM_WORLD_RANK");
    usleep(10000);
    *(double *)out = (row->index < 0) + error[0] + (number == NULL ? 0 : atoi(number));
    return 0;
}
END
expect_exit 0 furrow random --shape 90,1000 --seed 1 -q -o wide.npy
# ranks_seen OPTION...: the ranks that computed rows
ranks_seen()
{
    expect_exit 0 on_ranks_reading wide.npy 3 furrow rows --kernel where.so:rank "$@" -o out.npy -q -t 1
    numbers out.npy f8 8 | sort -nu | xargs
}
expect_equal '0 1 2' "$(ranks_seen wide.npy --source root)" 'ranks that worked'
expect_equal '0 1 2' "$(ranks_seen wide.npy --source root --isolate)" 'ranks that worked, isolated'
expect_equal '0 1 2' "$(ranks_seen -)" 'ranks that worked on standard input'
expect_equal '0' "$(ranks_seen wide.npy --source root -m 9K)" 'ranks that worked with memory for one row'

# standard input that is interrupted: nothing is left, and nothing can go on
mkfifo pipe
furrow rows --kernel where.so:rank - -o new.npy -q -t 2 <pipe >stdout 2>stderr &
run=$!
{
    head -c 100000 wide.npy
    sleep 0.3
    kill -TERM $run
    tail -c +100001 wide.npy
} >pipe 2>/dev/null
code=0
wait $run || code=$?
expect_equal 1 $code 'exit code of an interrupted run on standard input'
expect_text stderr 'furrow: rows: stopped on request: '
grep -q 'resume' stderr && fail "a way to go on: $(cat stderr)"
[ -z "$(find . -name '.*furrow*' -o -name new.npy)" ] || fail 'files left of standard input'

# ----------------------------------------------------------------------------------------------------------------- progress
compile slow <<'END'
FURROW_KERNEL_LIBRARY;

FURROW_KERNEL_EXPORT int wait(const furrow_kernel_row_t *row, void *out, char *error)
{
    const int dirty = *(double *)out != 0 || error[0] != 0;
    usleep((useconds_t)atoi(furrow_kernel_param(row->rows, "us")));
    *(double *)out = *error = 1;
    return dirty || row->index % 4 == 0;
}
END
printf '%96s' '' | npy twelve.npy '<f8' '(12,)'
furrow rows --kernel slow.so:wait twelve.npy --param us=280000 -t 1 -o quiet.npy -q >quiet 2>&1 &
expect_exit 3 furrow rows --kernel slow.so:wait twelve.npy --param us=280000 -t 1 -o out.npy --progress always
grep -Eq '^furrow: rows: [0-9]+ of 12 rows \([0-9]+ %\), [0-9.]+ rows/s, [0-9]+ s left, [123] rejected$' stderr || fail "progress: $(cat stderr)"
wait $! || [ $? -eq 3 ] || fail "a run of the same that was quiet: $(cat quiet)"
[ ! -s quiet ] || fail "progress off a terminal: $(cat quiet)"
if command -v script >/dev/null; then
    script -qec 'furrow rows --kernel slow.so:wait twelve.npy --param us=60000 -t 1 -o out.npy' seen >/dev/null
    tr '\r' '\n' <seen >lines
    grep -Eq 'furrow: rows: [0-9]+ of 12 rows \([0-9]+ %\), [0-9.]+ rows/s, [0-9]+ s left, [123] rejected$' lines || fail "progress: $(cat lines)"
    # the line is taken away before the result is printed
    grep -q "^$(printf '\033\\[K')out.npy: f8 (12,), wait of 12 rows, 3 rejected: out.npy.rejects.csv" lines || fail "end: $(cat -A lines)"
fi

# ---------------------------------------------------------------------------------------------------------------- wrong use
# refused CODE TEXT COMMAND...: one line on standard error, nothing written.
refused()
{
    local code=$1 text=$2
    shift 2
    expect_exit "$code" "$@"
    expect_lines stderr 1
    expect_text stderr "$text"
    [ ! -s stdout ] || fail "output of $*"
    [ -z "$(find . -name '.*furrow*' -o -name new.npy)" ] || fail "files left by $*"
}

compile bad <<'END'
FURROW_KERNEL_LIBRARY;

#define KERNEL(name, ...)                                                                                        \
    FURROW_KERNEL_EXPORT int name(const furrow_kernel_row_t *row, void *out, char *error)                        \
    {                                                                                                            \
        return row == out || error == out;                                                                       \
    }                                                                                                            \
    FURROW_KERNEL_EXPORT int name##_setup(const furrow_kernel_rows_t *rows, furrow_kernel_result_t *r, char *error) \
    {                                                                                                            \
        const char *rank = getenv("OMPI_COMM_WORLD_RANK");                                                       \
        (void)rows, (void)r, (void)error, (void)rank;                                                            \
        __VA_ARGS__;                                                                                             \
        return 0;                                                                                                \
    }

KERNEL(dtype, r->dtype = 77)
KERNEL(ndim, r->ndim = 64)
KERNEL(negative, r->ndim = 1; r->shape[0] = -1)
KERNEL(product, r->ndim = 2; r->shape[0] = r->shape[1] = INT64_MAX)
KERNEL(length, r->ndim = 1; r->shape[0] = INT64_MAX)
KERNEL(scratch, r->scratch_bytes = -1)
KERNEL(much, r->scratch_bytes = (int64_t)1 << 40)
KERNEL(refuses, return snprintf(error, FURROW_KERNEL_TEXT, "not on a\nFriday"))
KERNEL(silent, return 17)
KERNEL(differs, r->ndim = 1; r->shape[0] = rank == NULL ? 1 : 1 + atoi(rank))
KERNEL(second, if (rank != NULL && atoi(rank) == 1) return snprintf(error, FURROW_KERNEL_TEXT, "not here"))
END
printf 'int furrow_kernel_abi(void) { return 99; }\nint f(void) { return 0; }\n' >future.c
"$CC" -fPIC -shared future.c -o future.so
printf 'int nowhere(void); int furrow_kernel_abi(void) { return nowhere(); }\n' >undefined.c
"$CC" -fPIC -shared undefined.c -o undefined.so
kernel()
{
    local name=$1
    shift
    furrow rows --kernel "$name" four.npy -o new.npy "$@"
}

refused 2 "--kernel: 'bad.so' is not LIBRARY:FUNCTION" kernel bad.so
refused 2 "kernel ':f' is not LIBRARY:FUNCTION" kernel :f
refused 2 "kernel 'bad.so:' is not LIBRARY:FUNCTION" kernel bad.so:
refused 1 './none.so: cannot open: No such file' kernel none.so:f
refused 1 './libm.so.6: cannot open: No such file' kernel libm.so.6:sin # not that of the system
refused 1 './libm.so.6: cannot open: No such file' env LD_LIBRARY_PATH="$work/elsewhere" furrow rows --kernel libm.so.6:sin four.npy -o new.npy
refused 1 'elsewhere: cannot read: Is a directory' kernel elsewhere:f
refused 1 './four.npy: cannot be loaded: ' kernel four.npy:f
refused 1 './undefined.so: cannot be loaded: undefined symbol: nowhere' kernel undefined.so:f
refused 1 './future.so: made for version 99 of furrow_kernel.h, this Furrow has 1' kernel future.so:f
refused 1 'is no library of kernels: FURROW_KERNEL_LIBRARY of furrow_kernel.h is not in it' kernel "$FURROW_BINARY_DIR/src/libfurrow.so:furrow_version"
refused 1 "./bad.so: has no function 'nothing'" kernel bad.so:nothing
refused 1 './bad.so:dtype: setup: 77 is no dtype' kernel bad.so:dtype
refused 1 'setup: 64 dimensions of a result, at most 63' kernel bad.so:ndim
refused 1 'setup: a length of -1 in a shape' kernel bad.so:negative
refused 1 'setup: a result with more than 2^63 elements' kernel bad.so:product
refused 1 'is too long' kernel bad.so:length
refused 1 'setup: -1 bytes of scratch' kernel bad.so:scratch
refused 1 'bytes of memory are too few' kernel bad.so:much
refused 1 './bad.so:refuses: setup: not on a?Friday' kernel bad.so:refuses
refused 1 './bad.so:silent: setup: returned 17' kernel bad.so:silent
refused 1 'bad.so:differs: setup gives another dtype or shape than on rank 0 (rank 1)' on_ranks 3 furrow rows --kernel bad.so:differs four.npy -o new.npy
refused 1 './bad.so:second: setup: not here (rank 1)' on_ranks 2 furrow rows --kernel bad.so:second four.npy -o new.npy
refused 1 "setup: trim: '0.5' is no fraction" kernel robust.so:trimmed_mean --param trim=0.5
refused 2 "parameter 'trim' is not NAME=VALUE" kernel robust.so:trimmed_mean --param trim
refused 2 "parameter '=1' is not NAME=VALUE" kernel robust.so:trimmed_mean --param =1
refused 2 '--dtype is for operations' kernel robust.so:trimmed_mean --dtype f4
refused 2 '--ddof is for var and std' kernel robust.so:trimmed_mean --ddof 1
refused 2 'no file given' furrow rows --kernel robust.so:trimmed_mean -o new.npy
refused 2 '--output is missing' furrow rows --kernel robust.so:trimmed_mean four.npy
refused 2 "--kernel stands in place of an operation; a file of the name 'sum' is ./sum" furrow rows sum --kernel robust.so:trimmed_mean four.npy -o new.npy
refused 2 'robust.so: is both input and output' furrow rows --kernel robust.so:trimmed_mean four.npy -o robust.so
expect_exit 1 kernel view.so:view --param scratch=1099511627776 # said before anything is made, and teardown is called
expect_equal setup,teardown "$(tail -n 2 calls | xargs | tr ' ' ,)" 'calls where memory is too small'
