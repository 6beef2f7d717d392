#!/usr/bin/env bash
# Fails when a file includes something that its layer may not see, or has a line of more than 120 columns. The tables are the rule; the first pattern that matches
# a file gives its layer.
set -u

# layer     files                                                       layers that they may include
layers='
public      src/furrow.h|src/furrow_@(image|images|mpi|kernel|pool).h   public
kernels     kernels/*                                                   kernels
base        src/@(status|mem|dtype|split|npy|npy_file|file|fault|clock|version|ranges|pulse|direct).[ch]     public kernels base
parallel    src/@(context|agree|transfer|exec|array|progress|isolate*).[ch]             public kernels base parallel
work        src/*                                                       public kernels base parallel work
apps        apps/*                                                      public apps
'

# header          the only files that may include it
reserved='
mpi.h             src/furrow_mpi.h|src/@(context|agree|transfer).[ch]
furrow_mpi.h      src/@(context|agree|transfer).[ch]|apps/*
omp.h             src/@(context|exec).[ch]|apps/*
stdio.h           src/*|apps/*
pthread.h         src/items*.[ch]|src/row_stream.c|src/pool*.[ch]|src/isolate*.[ch]|src/batches.c|src/images_memory.c|apps/watchdog.c
dlfcn.h           src/row_kernel.c
fcntl.h           src/*|apps/*
unistd.h          src/*|apps/*
'

shopt -s nullglob
cd "${FURROW_SOURCE_DIR:-$(dirname "$0")/../..}" || exit 1

# matches FILE PATTERN|PATTERN...
matches()
{
    # shellcheck disable=SC2053 # the right side is meant to be a pattern
    [[ $1 == @($2) ]]
}

# look_up FILE: sets `layer` and `may_see` from the table.
look_up()
{
    local pattern
    while read -r layer pattern may_see; do
        [ -n "$layer" ] && matches "$1" "$pattern" && return
    done <<<"$layers"
    layer=none may_see=''
}

# find_header NAME FOLDER: sets `found` to the path of a header of ours, as the compiler finds it.
find_header()
{
    local folder
    for folder in "$2" src kernels; do
        found=$folder/$1
        [ -e "$found" ] && return
    done
    found=''
}

failures=0
complain()
{
    printf '%s includes %s: %s\n' "$1" "$2" "$3" >&2
    failures=$((failures + 1))
}

# check FILE NAME: one include of one file.
check()
{
    local file=$1 name=$2 header pattern layer may_see found own_layer allowed
    while read -r header pattern; do
        if [ "$header" = "$name" ] && ! matches "$file" "$pattern"; then
            complain "$file" "$name" "only $pattern may"
        fi
    done <<<"$reserved"

    find_header "$name" "$(dirname "$file")"
    [ -n "$found" ] || return # not ours
    look_up "$file"
    own_layer=$layer allowed=$may_see
    look_up "$found"
    case " $allowed " in
        *" $layer "*) ;;
        *) complain "$file" "$name" "layer $own_layer may see only: $allowed; $found is of layer $layer" ;;
    esac
}

files=0
for file in {kernels,src,apps}/*.{c,h,inc}; do
    files=$((files + 1))
    while read -r name; do
        check "$file" "$name"
    done < <(sed -nE 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*[<"]([^>"]*)[>"].*/\1/p' "$file")
done

long=$(LC_ALL=C.UTF-8 grep -nE '^.{121,}$' {kernels,src,apps,apps/examples,tests/*}/*.[ch] | grep -v ^tests/data/)
[ -z "$long" ] || printf 'more than 120 columns:\n%s\n' "$long" >&2

printf '%d files, %d includes that are against the layers\n' "$files" "$failures"
[ "$files" -gt 0 ] && [ "$failures" -eq 0 ] && [ -z "$long" ]
