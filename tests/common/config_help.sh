#!/usr/bin/env bash
# The build refuses a number whose comment does not start with a range, and takes each form
# of a range that proto/config.proto names.
set -u
awk=$(dirname "$0")/../../proto/config_help.awk
failures=0

fail() { echo "FAILED: $*"; failures=$((failures + 1)); }

rows() { printf 'message M {\n  optional %s x = 1; // %s\n}\n' "$1" "$2" | awk -f "$awk" 2>&1; }

takes() {
    rows double "$1" | grep -qF "{\"M\", \"x\", \"y\", {$2}}," || fail "'$1' is not $2"
}

refuses() {
    text=$(rows "$1" "$2") && fail "'$2' of a $1 was taken"
    grep -q "M.x: '.*' does not start with a range" <<<"$text" || fail "'$2': $text"
}

takes '> 0; y' "\"> 0\", '(', 0, INFINITY, ']', false"
takes '>= -1.5; y' "\">= -1.5\", '[', -1.5, INFINITY, ']', false"
takes 'in [0, 1); y' "\"in [0, 1)\", '[', 0, 1, ')', false"
takes 'in (0, 64]; y' "\"in (0, 64]\", '(', 0, 64, ']', false"
takes '1; y' "\"1\", '[', 1, 1, ']', false"
takes 'in [1, 9] or auto; y' "\"in [1, 9] or auto\", '[', 1, 9, ']', true"
takes 'any; y' "\"any\", '[', -INFINITY, INFINITY, ']', false"
for type in uint32 uint64 int32 float double; do
    refuses $type ''
    refuses $type 'y, > 0'
done
for range in '> ' '< 1' '1 to 64' 'in [0, 1' 'in [0 1]' 'in [0, x]' '> 0, y' '>0' 'anything' 'auto' '> 0 auto'; do
    refuses double "$range; y"
done
rows string 'y' | grep -qF '{"M", "x", "y", {0}},' || fail "a text needs no range"

[ $failures = 0 ] && echo "all held" || { echo "$failures failed"; exit 1; }
