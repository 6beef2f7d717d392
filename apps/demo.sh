#!/usr/bin/env bash
# bash apps/demo.sh: builds Furrow, makes an array of 10^8 doubles (800 MB, in a temporary folder that is removed at the
# end), and adds up their squares alone, on 2 and on 4 ranks: three times the same bits. Then 60 pictures become one array,
# alone and on 2 ranks: the same bytes. May be run again at any time.
set -u
cd "$(dirname "$0")/.." || exit 1
. apps/setup.sh

gigabytes=0.8 # 10^8 doubles of 8 bytes
folder=''
trap 'rm -rf "$folder"' EXIT
trap 'exit 1' INT TERM

stop()
{
    printf 'demo: %s\n' "$*" >&2
    exit 1
}

# Everyone is root in a container; there may be more ranks than cores (Open MPI 4, then 5).
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_rmaps_base_oversubscribe=1 PRTE_MCA_rmaps_default_mapping_policy=:oversubscribe

# number KEY FILE: the number after "KEY": in a JSON text, as it stands there.
number()
{
    tr -d '\n' <"$2" | sed -nE 's/.*"'"$1"'":[[:space:]]*([-+.0-9eE]+).*/\1/p'
}

# limit FILE: what plain pread calls reach on this machine, GB/s, from the line "file_reduce" of the bench.
limit()
{
    tr -d '\n' <"$1" | grep -oE '\{[^{}]*"name":[[:space:]]*"file_reduce"[^{}]*\}' >"$folder/entry" && number limit "$folder/entry"
}

# reduce LABEL FILE LAUNCHER...: runs the command, keeps its JSON in FILE, prints value, time and speed.
reduce()
{
    local label=$1 out=$2
    shift 2
    "$@" "$furrow" reduce sumsq "$folder/data.npy" --json >"$out" || stop "furrow reduce failed ($label)"
    awk -v label="$label" -v value="$(number sumsq "$out")" -v seconds="$(number elapsed_s "$out")" -v gb="$gigabytes" \
        -v limit="$limit" 'BEGIN {
            printf "%-8s sumsq %s   %6.3f s  %6.1f GB/s", label, value, seconds, gb / seconds
            if (limit > 0) printf "  %3.0f %% of the machine", 100 * gb / seconds / limit
            printf "\n" }'
}

say 'What is missing on this machine is installed, with apt-get'
install_missing build

say 'Furrow is built, into build/release'
cmake --preset release >/dev/null || stop 'cmake failed'
cmake --build --preset release --parallel "$(nproc)" --target furrow_command make_clouds >/dev/null || stop 'the build failed'
furrow=$PWD/build/release/apps/furrow clouds=$PWD/build/release/apps/make_clouds

place=${TMPDIR:-/tmp}
free_kib=$(df -Pk "$place" | awk 'NR == 2 { print $4 }')
[ "$free_kib" -ge 1572864 ] || stop "$place has $((free_kib / 1024)) MiB free, 1536 are needed; set TMPDIR to a folder with more"
folder=$(mktemp -d "$place/furrow-demo.XXXXXX") || exit 1

say '10^8 random doubles: furrow random --shape 100000000 --seed 1 -o data.npy'
"$furrow" random --shape 100000000 --seed 1 -o "$folder/data.npy" || stop 'furrow random failed'

say 'What this machine can do: plain reads of a file in memory, from furrow bench file --quick'
"$furrow" bench file --quick --json >"$folder/bench.json" || stop 'furrow bench failed'
limit=$(limit "$folder/bench.json")
echo "pread: ${limit:-unknown} GB/s"

say 'The exact sum of their squares: furrow reduce sumsq data.npy, alone, then under mpirun on 2 and on 4 ranks'
reduce alone "$folder/1.json"
reduce '2 ranks' "$folder/2.json" mpirun --bind-to none -n 2
reduce '4 ranks' "$folder/4.json" mpirun --bind-to none -n 4

say 'The same bits?'
value=$(number sumsq "$folder/1.json")
for ranks in 2 4; do
    [ "$(number sumsq "$folder/$ranks.json")" = "$value" ] || stop "$ranks ranks gave another value"
done
echo "yes: $value three times"
rm -f "$folder/data.npy"

# load LABEL OUT LAUNCHER...: the clouds as one array; prints shape, time and speed.
load()
{
    local label=$1 out=$2
    shift 2
    "$@" "$furrow" images "$folder/clouds" -o "$folder/$out.npy" --labels "$folder/clouds/labels.csv" --json >"$folder/$out.json" ||
        stop "furrow images failed ($label)"
    printf '%-8s %s   %6.3f s  %5.0f images/s\n' "$label" "$(grep -oE '"shape":[^]]*\]' "$folder/$out.json")" \
        "$(number elapsed_s "$folder/$out.json")" "$(number images_per_s "$folder/$out.json")"
}

say '60 satellite pictures of clouds, JPEGs of 1400 x 2100'
"$clouds" "$folder/clouds" 60 || stop 'make_clouds failed'
du -sh "$folder/clouds" | cut -f 1

say 'All of them as one array: furrow images clouds -o batch.npy --labels clouds/labels.csv, alone, then on 2 ranks'
load alone one
load '2 ranks' two mpirun --bind-to none -n 2
cmp "$folder/one.npy" "$folder/two.npy" || stop 'two ranks gave other bytes'
cmp "$folder/one.manifest.csv" "$folder/two.manifest.csv" || stop 'two ranks gave another manifest'
echo 'the same bytes'
head -n 3 "$folder/one.manifest.csv" | sed "s|$folder/||"
rm -f "$folder"/one.npy "$folder"/two.npy

say 'One of them is damaged: it is named, and the rest goes on (exit code 3)'
head -c 100000 "$folder/clouds/cloud-00017.jpg" >"$folder/cut" && mv "$folder/cut" "$folder/clouds/cloud-00017.jpg"
(cd "$folder" && "$furrow" images clouds --size 350x525 -o batch.npy --contact-sheet "$place/furrow-demo-sheet.png")
[ $? -eq 3 ] || stop 'furrow images did not say that an image was rejected'
echo "a picture of all is in $place/furrow-demo-sheet.png"

say 'What a network should be given: mean and standard deviation of all pixels, from exact sums'
"$furrow" images "$folder/clouds" --size 350x525 --dtype f4 --stats -q
[ $? -eq 3 ] || stop 'furrow images --stats failed'
