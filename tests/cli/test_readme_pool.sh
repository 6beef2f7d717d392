#!/usr/bin/env bash
# The table "If you know multiprocessing" of the README: the Furrow side of every row is what stands in apps/examples between
# /* [NAME] */ and /* [end] */, lines joined by <br>; and each of those places has its row.
. "$FURROW_SOURCE_DIR/tests/lib.sh"

for source in "$FURROW_SOURCE_DIR"/apps/examples/pool_*.c; do
    awk '
        {sub(/^ +/, "")}
        /^\/\* \[end\] \*\/$/ {print cell; inside = 0; next}
        /^\/\* \[[a-z_]+\] \*\/$/ {inside = 1; cell = ""; next}
        inside && NF > 0 {cell = cell (cell == "" ? "" : "<br>") "`" $0 "`"}' "$source"
done | sort >excerpts

awk '/^## / {inside = $0 == "## If you know multiprocessing"}
    inside && /^\|.*`.*\|.*`/ {sub(/^.* \| `/, "`"); sub(/ \|$/, ""); print}' "$FURROW_SOURCE_DIR/README.md" | sort >cells

[ "$(wc -l <excerpts)" -ge 30 ] || fail "only $(wc -l <excerpts) excerpts"
expect_same excerpts cells
