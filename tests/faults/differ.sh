#!/usr/bin/env bash
# Ranks that were started with different things are refused at the start, with a digest of
# each rank, in one line.
. "$(dirname "$0")/lib.sh"
make_data
mkdir other && cp run.yaml other/
(cd other && "$PTRAIN" pack --layout folders ../images/source data.h5 >/dev/null) || fail "other data"
cp "$PTRAIN" ptrain2 && printf x >>ptrain2

refused() { # NAME what: exit code 2, one line, every rank's digest
    [ "$(cat "$1.code")" = 2 ] || fail "$1: exit code $(cat "$1.code"), not 2"
    one_line "$1" "ranks 0 and [12] do not have the same $2: rank 0 \\([^)]+\\) [0-9a-f]+, rank 1 \\([^)]+\\) [0-9a-f]+, rank 2"
    [ ! -e "$1/metrics.jsonl" ] || fail "$1: it began"
    nobody "$1"
}
job() { # NAME, then what follows mpirun
    local name=$1
    shift
    timeout -k 5 60 mpirun -q --oversubscribe "$@" >"$name.log" 2>&1
    echo $? >"$name.code"
}
t=(train run.yaml --set)
job configuration -n 2 "$PTRAIN" "${t[@]}" run.dir=configuration : \
    -n 1 "$PTRAIN" "${t[@]}" run.dir=configuration --set seed=4
refused configuration "command line"
job binary -n 1 "$PTRAIN" "${t[@]}" run.dir=binary : -n 1 ./ptrain2 "${t[@]}" run.dir=binary : \
    -n 1 "$PTRAIN" "${t[@]}" run.dir=binary
refused binary program
job data -n 2 "$PTRAIN" "${t[@]}" run.dir=data : -n 1 --wdir "$PWD/other" "$PTRAIN" "${t[@]}" run.dir=data
refused data "data set"

# ---- damage: found by the rank that reads it, whether the others have it or not
flip() { # FILE OFFSET: the lowest bit of a byte
    local old=$(od -An -tu1 -j "$2" -N 1 "$1")
    printf "\\x$(printf %x $((old ^ 1)))" | dd of="$1" bs=1 seek="$2" conv=notrunc 2>/dev/null
}
jpegs() { LC_ALL=C grep -obUaP '\xff\xd8\xff' "$1" | cut -d: -f1; }
damaged() { # NAME PATTERN [RANK]: exit code 1, one line
    [ "$(cat "$1.code")" = 1 ] || fail "$1: exit code $(cat "$1.code"), not 1"
    one_line "$1" "$2"
    [ $# = 2 ] || grep -q "^rank $3: error:" "$1.log" || fail "$1: said by another than rank $3"
    nobody "$1"
}
for place in everywhere one index; do mkdir $place && cp run.yaml data.h5 $place/; done
image="data.h5: image [0-9]+ \\(train/[^)]*\\) is damaged: the CRC32C of its bytes is [0-9a-f]{8}, expected [0-9a-f]{8}"
flip everywhere/data.h5 $(($(jpegs data.h5 | head -1) + 300))
job bit -n 3 --wdir "$PWD/everywhere" "$PTRAIN" "${t[@]}" run.dir="$PWD/bit"
damaged bit "step [0-9]+.*$image"
for at in $(jpegs data.h5); do flip one/data.h5 $((at + 300)); done
job bits -n 2 "$PTRAIN" "${t[@]}" run.dir=bits : -n 1 --wdir "$PWD/one" "$PTRAIN" "${t[@]}" run.dir=bits
damaged bits "step [0-9]+.*$image" 2
[ -e bits/metrics.jsonl ] && [ ! -s bits/metrics.jsonl ] || fail "bits: a step was done without rank 2"
flip index/data.h5 "$(LC_ALL=C grep -obUa train/six_coarse data.h5 | head -1 | cut -d: -f1)"
job name -n 2 "$PTRAIN" "${t[@]}" run.dir=name : -n 1 --wdir "$PWD/index" "$PTRAIN" "${t[@]}" run.dir=name
damaged name "data.h5: its index is damaged: the CRC32C is [0-9a-f]{8}, expected [0-9a-f]{8}" 2
[ ! -e name/metrics.jsonl ] || fail "name: it began"

# ---- a file without sums is read, and one rank says so
old=$PT_SOURCE/tests/data/dataset/tiny.h5
job old -n 3 "$PTRAIN" "${t[@]}" data.path="$old" --set data.batch=2 --dry-run
[ "$(cat old.code)" = 0 ] && [ "$(grep -c 'warn:' old.log)" = 1 ] &&
    grep -q "^rank 0: warn: .*tiny.h5: was packed without checksums.*ptrain pack $old NEW.h5" old.log ||
    { fail "an old file: not one warning"; cat old.log; }

job same -n 3 "$PTRAIN" "${t[@]}" run.dir=same
[ "$(cat same.code)" = 0 ] || fail "equal ranks were refused"
finish
