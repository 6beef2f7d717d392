#!/usr/bin/env bash
# install.sh cmake|pkgconfig|command: installs the build into an empty folder, then uses it as a stranger would: a program
# built by find_package(furrow), one built by pkg-config, and the installed command with a kernel for it.
. "$FURROW_SOURCE_DIR/tests/lib.sh"
[ -z "$FURROW_SANITIZE" ] || skip "a library with sanitizer $FURROW_SANITIZE needs programs built with it too"

# Moved after the installation: nothing in it may depend on where it was put.
expect_exit 0 cmake --install "$FURROW_BINARY_DIR" --prefix "$work/first"
mv first prefix
cp "$FURROW_SOURCE_DIR/tests/install/main.c" .
version=$(sed -nE 's/^#define FURROW_VERSION "(.*)"/\1/p' "$FURROW_SOURCE_DIR/src/furrow.h")
libdir=$(dirname "$(find prefix -name libfurrow.so)")

case $1 in
    cmake)
        cat >CMakeLists.txt <<END
cmake_minimum_required(VERSION 3.25)
project(outside LANGUAGES C)
find_package(furrow $version REQUIRED)
add_executable(outside main.c)
target_link_libraries(outside PRIVATE furrow::furrow)
END
        expect_exit 0 cmake -S . -B build -DCMAKE_C_COMPILER="$CC" -DCMAKE_PREFIX_PATH="$work/prefix"
        expect_exit 0 cmake --build build
        expect_exit 0 build/outside
        ;;
    pkgconfig)
        export PKG_CONFIG_PATH="$work/$libdir/pkgconfig"
        expect_equal "$version" "$(pkg-config --modversion furrow)" 'version in furrow.pc'
        flags=$(pkg-config --cflags --libs furrow) || fail 'pkg-config does not find furrow'
        # shellcheck disable=SC2086 # several words
        expect_exit 0 "$CC" -std=c11 -Wall -Wextra -Werror main.c -o outside $flags
        expect_exit 0 env LD_LIBRARY_PATH="$work/$libdir" ./outside
        ;;
    command)
        expect_exit 0 env -u LD_LIBRARY_PATH "$work/prefix/bin/furrow" --version
        expect_text stdout "$version"
        expect_exit 0 "$CC" -O2 -fPIC -shared -I prefix/include "$FURROW_SOURCE_DIR/apps/examples/robust.c" -o robust.so
        expect_exit 0 prefix/bin/furrow random --shape 10,5 --seed 1 -q -o data.npy
        expect_exit 0 prefix/bin/furrow rows --kernel robust.so:trimmed_mean data.npy -o means.npy
        expect_text stdout 'means.npy: f8 (10, 2), trimmed_mean of 10 rows'
        exit 0
        ;;
    *) fail "no such test: $1" ;;
esac
expect_equal "furrow $version works" "$(cat stdout)" 'output of the outside program'
