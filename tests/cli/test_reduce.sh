#!/usr/bin/env bash
# furrow reduce: every case of tests/data/reduce/cases.tsv (see make_cases.py) alone, with 1 to 3 threads in turn; the cases that
# say so also from standard input, on three ranks, and with --source root.
# shellcheck source=tests/cli/cases.sh
. "$FURROW_SOURCE_DIR/tests/cli/cases.sh" || exit 1

run_cases reduce
