#!/usr/bin/env bash
# furrow dot: every case of tests/data/reduce/cases.tsv (see make_cases.py), as test_reduce.sh does it.
# shellcheck source=tests/cli/cases.sh
. "$FURROW_SOURCE_DIR/tests/cli/cases.sh" || exit 1

run_cases dot
