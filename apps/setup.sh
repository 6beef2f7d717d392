# shellcheck shell=bash
# Sourced by apps/demo.sh and tests/run.sh: installs what Furrow needs and this machine lacks, with apt-get.
#
#   install_missing build         compiler, CMake, Open MPI, cJSON, hwloc, decoders of pictures, cmocka: what
#                                 `cmake --preset release` needs
#   install_missing build test    also what all the tests need: g++, NumPy, clang with its sanitizers and OpenMP; for root,
#                                 who alone can run the test cluster, Slurm; SimGrid, where the system has it
#
# A package counts as there when what it is for works, however it was installed. So on other systems install the same
# things in your own way, and this does nothing.

say()
{
    printf '\n== %s\n' "$*"
}

# compiles COMPILER FLAG...: an OpenMP program compiles and links.
compiles()
{
    printf '#include <omp.h>\nint main(void) { return omp_get_max_threads() < 0; }\n' |
        "$@" -x c - -o /dev/null 2>/dev/null
}

# want PACKAGE COMMAND...: adds the package to `missing` unless the command succeeds.
want()
{
    local package=$1
    shift
    "$@" >/dev/null 2>&1 || missing="$missing $package"
}

# want_if_offered PACKAGE COMMAND...: likewise to `offered`, what is done without where the system does not have it.
want_if_offered()
{
    local missing=''
    want "$@"
    offered="$offered$missing"
}

want_for_build()
{
    want gcc compiles gcc -fopenmp
    want libc6-dev compiles gcc -fopenmp
    want make command -v make
    want cmake command -v cmake
    want pkg-config command -v pkg-config
    want openmpi-bin command -v mpirun
    want libopenmpi-dev command -v mpicc
    want libcjson-dev pkg-config --exists libcjson
    want libhwloc-dev pkg-config --exists hwloc
    want libjpeg-dev pkg-config --exists libjpeg
    want libspng-dev pkg-config --exists spng
    want libstb-dev compiles gcc -fopenmp -include stb/stb_image.h
    want libcmocka-dev pkg-config --exists cmocka
}

want_for_test()
{
    want g++ command -v g++
    want time test -x /usr/bin/time
    want python3-numpy /usr/bin/python3 -c 'import numpy'
    want clang command -v clang
    want libomp-dev compiles clang -fopenmp
    want CLANG-SANITIZERS compiles clang -fopenmp -fsanitize=thread
    want_if_offered libsimgrid-dev command -v smpirun
    if [ "$(id -u)" -eq 0 ]; then
        want slurm-wlm command -v slurmctld
        want munge command -v munged
        want iproute2 command -v ip
    fi
}

# The package with clang's sanitizers has another name in each release.
name_of_clang_sanitizers()
{
    local version package
    version=$(apt-cache depends clang | sed -nE 's/.*Depends: clang-([0-9]+).*/\1/p' | head -n 1)
    for package in libclang-rt-dev "libclang-rt-$version-dev" "libclang-common-$version-dev"; do
        if apt-cache show "$package" >/dev/null 2>&1; then
            printf '%s' "$package"
            return
        fi
    done
}

# as_root COMMAND...: directly, or by sudo where it can work.
as_root()
{
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}

can_be_root()
{
    [ "$(id -u)" -eq 0 ] && return
    command -v sudo >/dev/null || return
    sudo -n true 2>/dev/null || [ -t 0 ] # on a terminal sudo can ask for the password
}

# cannot_install: says what is missing, and ends, if anything is that must be there.
cannot_install()
{
    [ -n "$missing" ] || return 0
    printf '%s\n' "$*" >&2
    exit 1
}

install()
{
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q "$@"
}

# install_all: what is missing, and of `offered` what there is.
install_all()
{
    local package
    say "Installing:$missing$offered"
    as_root apt-get update -q || [ -z "$missing" ] || exit 1
    missing=${missing/CLANG-SANITIZERS/$(name_of_clang_sanitizers)}
    # shellcheck disable=SC2086 # several words
    [ -z "$missing" ] || install $missing || exit 1
    for package in $offered; do
        install "$package" || echo "$package: done without"
    done
}

install_missing()
{
    local missing='' offered='' purpose
    for purpose in "$@"; do
        "want_for_$purpose"
    done
    if [ -z "$missing$offered" ]; then
        :
    elif ! command -v apt-get >/dev/null; then
        cannot_install "This is not Debian or Ubuntu. Please install what these Debian packages hold, then try again:$missing"
    elif ! can_be_root; then
        missing=${missing/CLANG-SANITIZERS/$(name_of_clang_sanitizers)}
        cannot_install "Packages are missing. Please run this as root, then try again:

    apt-get install -y$missing"
    else
        install_all
    fi
    check_cmake
}

check_cmake()
{
    local version
    version=$(cmake --version | sed -nE '1s/.*version ([0-9.]+).*/\1/p')
    if [ "$(printf '3.25\n%s\n' "$version" | sort -V | head -n 1)" != 3.25 ]; then
        echo "CMake 3.25 or newer is needed, this one is $version. Debian 12 and Ubuntu 24.04 have it, and so has" \
            "'pip install cmake'." >&2
        exit 1
    fi
}
