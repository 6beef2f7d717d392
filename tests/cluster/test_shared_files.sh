#!/usr/bin/env bash
# What holds on NFS: no two hosts write into one page of a file. Shown from what each process wrote, see record.c, for every command that
# makes a file on all hosts; also, that each host's bytes are on the disk before the file gets its name, and that this comes last.
. "$FURROW_SOURCE_DIR/tests/cluster/lib.sh"
"${CC:-cc}" -shared -fPIC -O1 -o record.so "$cluster_scripts/record.c" || fail 'record.c'

# check_record LEAST NAME: of what is in `record`: NAME was written from at least LEAST hosts, each byte once; and what is said above.
check_record()
{
    awk -v least="$1" -v name="$2" -v size="$(stat -c %s "$2")" '
        function fault(text) { print text; faults++ }
        $2 == "write" {
            file = $3; last_block = int(($4 + $5 - 1) / 1048576) # of which pages are parts
            for (b = int($4 / 1048576); b <= last_block; b++) {
                if ((file, b) in owner && owner[file, b] != $1)
                    fault("block " b " of " file " was written from " owner[file, b] " and from " $1 ": bytes " $4 " to " $4 + $5)
                owner[file, b] = $1
            }
            bytes[file] += $5
            writes[file, $1]++
            if (writes[file, $1] == 1) hosts[file]++
            dirty[file, $1] = 1
            if (file in final) fault(file " was written after its rename to " final[file])
        }
        $2 == "sync" { delete dirty[$3, $1] } # by whichever rank of the host: one that shares it may still write
        $2 == "rename" {
            final[$3] = $4; last = $4
            for (at in dirty) {
                split(at, part, SUBSEP)
                if (part[1] == $3) fault("not all that " part[2] " wrote into " $3 " was on the disk at the rename")
            }
            if ($4 == name) {
                if (bytes[$3] != size) fault(name " has " size " bytes; recorded are " bytes[$3])
                if (hosts[$3] < least) fault(name " was written from " hosts[$3] " hosts")
            }
        }
        $2 != "sync" { event = $2 " " $4 }
        END {
            if (event != "rename " name) fault("the last event is not the rename to " name " but: " event)
            exit faults > 0
        }' record || fail "$2: see above"
}

# recorded LEAST NAME ARGUMENT...: the command, on two ranks of each host; it makes NAME, the same as alone.
recorded()
{
    local least=$1 name=$2
    shift 2

    rm -f record
    on_hosts 6 -x LD_PRELOAD="$work/record.so" -x RECORD="$work/record" "$FURROW" "$@" -q || fail "$*"
    check_record "$least" "$name"
    (cd alone && exec "$FURROW" "$@" -q) || fail "$* alone"
    expect_same "alone/$name" "$name"
}

"$FURROW_BINARY_DIR/apps/make_clouds" clouds 12 280 420 3 >/dev/null || fail 'make_clouds'
mkdir alone
ln -s ../clouds alone/clouds
recorded 3 data.npy random --shape 30000,40 --dist normal --seed 5 -o data.npy
recorded 2 rows.npy rows softmax data.npy -o rows.npy
recorded 2 images.npy images clouds -o images.npy --size 350x525 --dtype f4 --stats # larger than a block each
recorded 2 small.npy images clouds -o small.npy --size 350x525
recorded 2 part-1.npy split data.npy -n 2 -o part-%d.npy
recorded 3 joined.npy join part-0.npy part-1.npy -o joined.npy
recorded 1 sums.npy reduce sum data.npy --axis 0 -o sums.npy
expect_equal '' "$(find . -name '.*furrow*')" 'what is left'
